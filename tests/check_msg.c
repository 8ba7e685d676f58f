/*
 * check_msg.c - messages: the bytes of the manual, round trips, malformed
 * ones, fields, the JSON form.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include "proto/msg.h"

/* BYTES of polymoe-protocol(7). */
static const char example[] = "\x94\x00\x01\xa4show\x81\xa3job\x07";

START_TEST(manual)
{
    struct moe_err err = {0};
    struct msg m;
    int64_t job = 0;
    ck_assert_int_eq(msg_read(&err, &m, example, sizeof example - 1), PROTO_OK);
    ck_assert_int_eq(m.kind, MSG_REQUEST);
    ck_assert_uint_eq(m.id, 1);
    ck_assert_str_eq(m.method, "show");
    ck_ok(&err, msg_get_int(&err, &m.params, "job", &job, MSG_REQUIRED));
    ck_assert_int_eq(job, 7);
    msg_free(&m);
}
END_TEST

START_TEST(round_trip)
{
    struct moe_err err = {0};
    struct msg_writer w;
    struct msg m;
    char text[8] = "";
    const msgpack_object *list;
    bool flag = false;
    double real = 0;
    int64_t x = 0;
    msg_result(&w, UINT32_MAX);
    msg_put_str(&w, "text", "h\xc3\xa9");
    msg_put_int(&w, "low", INT64_MIN);
    msg_put_bool(&w, "flag", true);
    msg_put_real(&w, "real", 0.1);
    msg_open_list(&w, "list");
    msg_put_int(&w, NULL, 1);
    msg_open_map(&w, NULL);
    msg_close(&w);
    ck_ok(&err, msg_finish(&w, &err));
    ck_assert_int_eq(msg_read(&err, &m, w.out.data, w.out.size), PROTO_OK);
    ck_assert_uint_eq(m.id, UINT32_MAX);
    ck_ok(&err, msg_reply_error(&err, &m));
    ck_ok(&err, msg_get_str(&err, &m.params, "text", text, sizeof text,
                            MSG_REQUIRED));
    ck_assert_str_eq(text, "h\xc3\xa9");
    ck_ok(&err, msg_get_int(&err, &m.params, "low", &x, MSG_REQUIRED));
    ck_assert(x == INT64_MIN);
    ck_ok(&err, msg_get_bool(&err, &m.params, "flag", &flag, MSG_REQUIRED));
    ck_assert(flag);
    ck_ok(&err, msg_get_real(&err, &m.params, "real", &real, MSG_REQUIRED));
    ck_assert(real == 0.1);
    ck_ok(&err, msg_get_list(&err, &m.params, "list", &list, MSG_REQUIRED));
    ck_assert_uint_eq(list->via.array.size, 2);
    json_t *json = msg_json(&m.params);
    char *dump = json_dumps(json, JSON_COMPACT);
    ck_assert_str_eq(dump, "{\"text\":\"h\xc3\xa9\",\"low\":"
                           "-9223372036854775808,\"flag\":true,\"real\":"
                           "0.10000000000000001,\"list\":[1,{}]}");
    free(dump);
    json_decref(json);
    msg_free(&m);
    msg_writer_free(&w);
}
END_TEST

START_TEST(errors)
{
    struct moe_err err = {0};
    struct msg_writer w;
    struct msg m;
    for (int i = 1; i < PROTO_ERROR_COUNT; i++) {
        msg_error(&w, 9, (enum proto_error)i, "words");
        ck_ok(&err, msg_finish(&w, &err));
        ck_assert_int_eq(msg_read(&err, &m, w.out.data, w.out.size), PROTO_OK);
        ck_fails(&err, msg_reply_error(&err, &m),
                 proto_error_code((enum proto_error)i), "words");
        ck_assert_int_eq(
            proto_error_find(proto_error_name((enum proto_error)i)), i);
        msg_free(&m);
        msg_writer_free(&w);
    }
}
END_TEST

#define READ(literal) msg_read(&err, &m, literal, sizeof(literal) - 1)

START_TEST(malformed)
{
    struct moe_err err = {0};
    struct msg m;
    ck_assert_int_eq(READ("\xc0"), PROTO_bad_message);
    ck_assert_int_eq(READ("\x90"), PROTO_bad_message);
    ck_assert_int_eq(READ("\x94\x03\x01\xa1x\x80"), PROTO_bad_message);
    ck_assert_int_eq(READ("\x93\x00\xa1x\x80"), PROTO_bad_message);
    ck_assert_int_eq(READ("\x94\x00\xff\xa1x\x80"), PROTO_bad_message);
    ck_assert_int_eq(READ("\x94\x00\x05\x05\x80"), PROTO_bad_message);
    ck_assert_uint_eq(m.id, 5);
    ck_assert_int_eq(READ("\x94\x00\x05\xa1x\x90"), PROTO_bad_message);
    ck_assert_int_eq(READ("\x94\x01\x05\xc0\xc0"), PROTO_bad_message);
    ck_assert_int_eq(READ("\x94\x01\x05\x80\xc0"), PROTO_OK);
    msg_free(&m);
}
END_TEST

START_TEST(fields)
{
    struct moe_err err = {0};
    struct msg m;
    int64_t x = 3;
    char text[4];
    ck_assert_int_eq(READ("\x93\x02\xa1n\x82\xa1s\xa4long\xa1u\xcf\xff\xff\xff"
                          "\xff\xff\xff\xff\xff"),
                     PROTO_OK);
    ck_ok(&err, msg_get_int(&err, &m.params, "none", &x, MSG_OPTIONAL));
    ck_assert_int_eq(x, 3);
    ck_fails(&err, msg_get_int(&err, &m.params, "none", &x, MSG_REQUIRED),
             MOE_EPROTO, "none: missing");
    ck_fails(&err, msg_get_int(&err, &m.params, "s", &x, MSG_OPTIONAL),
             MOE_EPROTO, "s: not a whole number");
    ck_fails(&err, msg_get_int(&err, &m.params, "u", &x, MSG_OPTIONAL),
             MOE_EPROTO, "u: not a whole number");
    ck_fails(&err,
             msg_get_str(&err, &m.params, "s", text, sizeof text, MSG_REQUIRED),
             MOE_EPROTO, "s: 4 bytes, at most 3");
    msg_free(&m);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("msg");
    TCase *c = tcase_create("msg");
    tcase_add_test(c, manual);
    tcase_add_test(c, round_trip);
    tcase_add_test(c, errors);
    tcase_add_test(c, malformed);
    tcase_add_test(c, fields);
    suite_add_tcase(suite, c);
    return support_main(suite, 0);
}
