/*
 * check_safetensors.c - tensor files: good ones come back, every broken one is
 * refused with one line that says what is wrong.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "io/checkpoint.h"

#define T(name, type, shape, b, e)                                             \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape                    \
    ",\"data_offsets\":[" #b "," #e "]}"

/* A file with this header, `data` bytes of data and a size field that is off
 * by `lie`. */
static const char *
make(const char *header, size_t data, long lie)
{
    static int serial;
    char name[32];
    struct str b = {0};
    uint64_t n = strlen(header) + (uint64_t)lie;
    for (int i = 0; i < 8; i++)
        str_add(&b, &(unsigned char){(unsigned char)(n >> 8 * i)}, 1);
    str_puts(&b, header);
    for (size_t i = 0; i < data; i++)
        str_add(&b, &(unsigned char){(unsigned char)i}, 1);
    snprintf(name, sizeof name, "st%d.safetensors", serial++);
    const char *path = support_path(name);
    support_write(path, b.s, b.n);
    str_free(&b);
    return path;
}

static const struct {
    const char *header;
    size_t data;
    long lie;
    const char *part; // of the sentence
} broken[] = {
    {"", 0, 0, "too short"},
    {"{}", 0, 100, "truncated"},
    {"{}", 0, -1, "header of 1 bytes"},
    {"{}", 0, 100000001, "header of 100000003 bytes"},
    {" {}", 0, 0, "begins with byte 0x20"},
    {"[]", 0, 0, "begins with byte 0x5b"},
    {"{} x", 0, 0, "end of file expected"},
    {"{\"a\":", 0, 0, ""},
    {"{" T("a", "F32", "[1]", 0, 4) "," T("a", "F32", "[1]", 4, 8) "}", 8, 0,
     "duplicate"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],"
     "\"data_offsets\":[0,4]}}",
     4, 0, "duplicate"},
    {"{\"__metadata__\":{\"x\":\"1\",\"x\":\"2\"}}", 0, 0, "duplicate"},
    {"{\"__metadata__\":[]}", 0, 0, "__metadata__ is not an object"},
    {"{\"__metadata__\":{\"x\":1}}", 0, 0, "'x' is not a string"},
    {"{\"a\":[]}", 0, 0, "'a' is not an object"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],"
     "\"more\":1}}",
     4, 0, "unknown key 'more'"},
    {"{" T("a", "F31", "[1]", 0, 4) "}", 4, 0, "unknown dtype 'F31'"},
    {"{\"a\":{\"shape\":[],\"data_offsets\":[0,4]}}", 4, 0, "unknown dtype"},
    {"{" T("a", "F32", "1", 0, 4) "}", 4, 0, "shape is not an array"},
    {"{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, 0, "at most 8"},
    {"{" T("a", "F32", "[-1]", 0, 4) "}", 4, 0, "shape[0] is not a size"},
    {"{" T("a", "F32", "[1.0]", 0, 4) "}", 4, 0, "shape[0] is not a size"},
    {"{" T("a", "F32", "[18446744073709551616]", 0, 4) "}", 4, 0, "too big"},
    {"{" T("a", "F32", "[4294967296,4294967296]", 0, 0) "}", 0, 0, "fits"},
    {"{" T("a", "F32", "[9223372036854775807]", 0, 4) "}", 4, 0, "fits"},
    {"{" T("a", "F4", "[3]", 0, 1) "}", 1, 0, "fits"},
    {"{" T("a", "F32", "[2]", 0, 4) "}", 4, 0, "its shape wants 8"},
    {"{" T("a", "F32", "[1]", 4, 0) "}", 4, 0, "data_offsets"},
    {"{" T("a", "F32", "[1]", -4, 0) "}", 4, 0, "data_offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4,8]}}", 4, 0,
     "data_offsets"},
    {"{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 2, 6) "}", 6, 0,
     "an overlap"},
    {"{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 0, 4) "}", 4, 0,
     "an overlap"},
    {"{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 8, 12) "}", 12, 0,
     "a gap"},
    {"{" T("a", "F32", "[1]", 4, 8) "}", 8, 0, "a gap"},
    {"{" T("a", "F32", "[1]", 0, 4) "}", 3, 0, "truncated"},
    {"{" T("a", "F32", "[1]", 0, 4) "}", 5, 0, "1 bytes after"},
    {"{\"a\":{\"b\":{\"c\":{}}}}", 0, 0, "nests deeper"},
    {"{\"a\":{\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}}", 0, 0,
     "more than 16"},
    {"{\"a\\u0000b\":{}}", 0, 0, ""},
    {"{\"\xff\":{}}", 0, 0, "decode byte 0xff"},
};

START_TEST(a_broken_file_is_refused)
{
    struct moe_err err = {0};
    struct safetensors st;
    const char *path = make(broken[_i].header, broken[_i].data, broken[_i].lie);
    int rc = safetensors_open(&err, &st, path);
    ck_fails(&err, rc, MOE_EFORMAT, broken[_i].part);
    ck_assert_ptr_nonnull(strstr(err.text, path));
    ck_assert_ptr_null(st.map.data);
}
END_TEST

START_TEST(a_missing_file_is_an_input_error)
{
    struct moe_err err = {0};
    struct safetensors st;
    int rc = safetensors_open(&err, &st, support_path("none"));
    ck_fails(&err, rc, MOE_EINPUT, "none");
}
END_TEST

START_TEST(scalars_empty_and_strange_types_are_read)
{
    struct moe_err err = {0};
    struct safetensors st;
    const char *path = make(
        "{\"__metadata__\":{\"k\":\"v\"}," T("s", "F32", "[]", 0, 4) "," T(
            "z", "I64", "[3,0]", 4, 4) "," T("b", "BOOL", "[3]", 4, 7) "}   ",
        7, 0);
    ck_ok(&err, safetensors_open(&err, &st, path));
    ck_assert_uint_eq(st.n, 3);
    ck_assert_str_eq(json_string_value(json_object_get(st.metadata, "k")), "v");
    const struct st_tensor *s = safetensors_find(&st, "s");
    ck_assert_int_eq(s->rank, 0);
    ck_assert_int_eq(s->data[3], 3);
    ck_assert_int_eq(safetensors_find(&st, "b")->dtype, -1);
    ck_assert_int_eq(safetensors_find(&st, "b")->data[0], 4);
    ck_assert_int_eq(safetensors_find(&st, "z")->dim[1], 0);
    ck_assert_ptr_null(safetensors_find(&st, "y"));
    const struct st_tensor *t;
    int rc = safetensors_get(&err, &t, &st, "b", DTYPE_F32, 1);
    ck_fails(&err, rc, MOE_EFORMAT, "want F32 of rank 1");
    rc = safetensors_get(&err, &t, &st, "y", DTYPE_F32, 1);
    ck_fails(&err, rc, MOE_EFORMAT, "no tensor 'y'");
    safetensors_close(&st);
    safetensors_close(&st);
}
END_TEST

/* What is written comes back, whatever the order of writing. */
START_TEST(written_files_are_read_back)
{
    struct moe_err err = {0};
    struct st_writer w;
    struct safetensors st;
    float x[6] = {1, 2, 3, 4, 5, 6};
    uint16_t half[3] = {7, 8, 9};
    struct st_entry e[] = {
        {.name = "b", .dtype = DTYPE_BF16, .rank = 1, .dim = {3}},
        {.name = "z", .dtype = DTYPE_F32, .rank = 2, .dim = {2, 3}},
        {.name = "a", .dtype = DTYPE_F32, .rank = 1, .dim = {0}},
    };
    const char *path = support_path("out.safetensors");
    ck_ok(&err, safetensors_create(&err, &w, path, e, 3, NULL));
    ck_assert_uint_eq(w.data_at % 8, 0);
    ck_ok(&err, safetensors_put(&err, &w, 1, 12, x + 3, 12));
    ck_ok(&err, safetensors_put(&err, &w, 0, 0, half, 6));
    ck_assert(!fs_exists(path));
    ck_ok(&err, safetensors_put(&err, &w, 1, 0, x, 12));
    ck_ok(&err, safetensors_commit(&err, &w));
    ck_ok(&err, safetensors_open(&err, &st, path));
    const struct st_tensor *z = safetensors_find(&st, "z");
    ck_assert_mem_eq(z->data, x, sizeof x);
    ck_assert_uint_eq(z->begin, 0);
    ck_assert_mem_eq(safetensors_find(&st, "b")->data, half, sizeof half);
    ck_assert_str_eq(json_string_value(json_object_get(st.metadata, "format")),
                     "pt");
    safetensors_close(&st);
}
END_TEST

START_TEST(an_incomplete_file_never_appears)
{
    struct moe_err err = {0};
    struct st_writer w;
    struct st_entry e[] = {
        {.name = "a", .dtype = DTYPE_F32, .rank = 1, .dim = {2}}};
    const char *path = support_path("part.safetensors");
    ck_ok(&err, safetensors_create(&err, &w, path, e, 1, NULL));
    int rc = safetensors_put(&err, &w, 0, 4, "12345678", 8);
    ck_fails(&err, rc, MOE_EINVAL, "outside");
    ck_ok(&err, safetensors_put(&err, &w, 0, 0, "1234", 4));
    rc = safetensors_commit(&err, &w);
    ck_fails(&err, rc, MOE_EINVAL, "4 of 8");
    ck_assert(!fs_exists(path));
    struct st_entry twice[] = {e[0], e[0]};
    rc = safetensors_create(&err, &w, path, twice, 2, NULL);
    ck_fails(&err, rc, MOE_EINVAL, "twice");
}
END_TEST

/* ---- Checkpoints ---- */

/* A directory with shards one and two: one has a and b, two has c. */
static const char *
make_shards(const char *name, const char *index)
{
    struct moe_err err = {0};
    static const char *const header[2] = {
        "{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 4, 8) "}",
        "{" T("c", "F32", "[1]", 0, 4) "}"};
    const char *dir = support_path(name);
    ck_ok(&err, fs_mkdirs(&err, dir, 0777));
    for (int i = 0; i < 2; i++) {
        char *to = str_path(dir, i ? "two" : "one");
        ck_assert_int_eq(rename(make(header[i], i ? 4 : 8, 0), to), 0);
        free(to);
    }
    char *to = str_path(dir, "model.safetensors.index.json");
    support_write(to, index, strlen(index));
    free(to);
    return dir;
}

START_TEST(shards_become_one_list)
{
    struct moe_err err = {0};
    struct checkpoint *c;
    const char *dir = make_shards("good", "{\"metadata\":{\"total_size\":12},"
                                          "\"weight_map\":{\"c\":\"two\","
                                          "\"a\":\"one\",\"b\":\"one\"}}");
    ck_ok(&err, checkpoint_open(&err, &c, dir));
    ck_assert_uint_eq(c->files, 2);
    ck_assert_uint_eq(c->n, 3);
    ck_assert_uint_eq(checkpoint_bytes(c), 12);
    ck_assert_str_eq(checkpoint_find(c, "c")->st->name, "c");
    ck_assert_ptr_null(checkpoint_find(c, "d"));
    checkpoint_close(&c);
    checkpoint_close(&c);
}
END_TEST

static const struct {
    const char *index;
    int code;
    const char *part;
} bad_index[] = {
    {"{}", MOE_EFORMAT, "weight_map"},
    {"{\"weight_map\":{}}", MOE_EFORMAT, "weight_map"},
    {"{\"weight_map\":{\"a\":1}}", MOE_EFORMAT, "'a' has shard"},
    {"{\"weight_map\":{\"a\":\"../one\"}}", MOE_EFORMAT, "'../one'"},
    {"{\"weight_map\":{\"a\":\"..\"}}", MOE_EFORMAT, "'..'"},
    {"{\"weight_map\":{\"a\":\"one\",\"a\":\"two\"}}", MOE_EFORMAT,
     "duplicate"},
    {"{\"weight_map\":{\"a\":\"one\",\"b\":\"one\",\"c\":\"three\"}}",
     MOE_EINPUT, "three"},
    {"{\"weight_map\":{\"a\":\"one\",\"c\":\"two\"}}", MOE_EFORMAT,
     "tensor 'b' is not in the index"},
    {"{\"weight_map\":{\"a\":\"one\",\"b\":\"two\",\"c\":\"two\"}}",
     MOE_EFORMAT, "'b' is in 'one' too"},
    {"{\"weight_map\":{\"a\":\"one\",\"b\":\"one\",\"c\":\"two\","
     "\"d\":\"two\"}}",
     MOE_EFORMAT, "'d' is not in 'two'"},
};

START_TEST(a_wrong_index_is_refused)
{
    struct moe_err err = {0};
    struct checkpoint *c;
    char name[16];
    snprintf(name, sizeof name, "bad%d", _i);
    const char *dir = make_shards(name, bad_index[_i].index);
    int rc = checkpoint_open(&err, &c, dir);
    ck_fails(&err, rc, bad_index[_i].code, bad_index[_i].part);
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(a_directory_without_weights_says_so)
{
    struct moe_err err = {0};
    struct checkpoint *c;
    int rc = checkpoint_open(&err, &c, support_dir());
    ck_fails(&err, rc, MOE_EINPUT, "neither model.safetensors nor");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("safetensors");
    TCase *t = tcase_create("files");
    tcase_add_loop_test(t, a_broken_file_is_refused, 0,
                        (int)(sizeof broken / sizeof *broken));
    tcase_add_test(t, a_missing_file_is_an_input_error);
    tcase_add_test(t, scalars_empty_and_strange_types_are_read);
    tcase_add_test(t, written_files_are_read_back);
    tcase_add_test(t, an_incomplete_file_never_appears);
    suite_add_tcase(s, t);
    t = tcase_create("checkpoints");
    tcase_add_test(t, shards_become_one_list);
    tcase_add_loop_test(t, a_wrong_index_is_refused, 0,
                        (int)(sizeof bad_index / sizeof *bad_index));
    tcase_add_test(t, a_directory_without_weights_says_so);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
