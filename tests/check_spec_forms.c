/*
 * check_spec_forms.c - other forms of the table of job specs: the canonical
 * text, MessagePack, the help, the manual.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include "base/fs.h"
#include "base/str.h"
#include "job/field.h"

/* Texts that YAML could take for something else. */
static const char awkward[] =
    "kind: analyze\n"
    "name: \"\\e[1m \\\"q\\\\ \\u0080 \\ufeff caf\xc3\xa9 \\x7f\"\n"
    "model: /a b/#c\n"
    "data: {no: ['1', y], 'a: b': /x, \xd1\x80\xd1\x83: ['-', '=', '0x1']}\n"
    "after: ['17', 'true']\n"
    "time_limit: 1h\n"
    "documents: blank\n"
    "perplexity: true\n";

static void
read_awkward(struct job_spec *spec)
{
    struct moe_err err = {0};
    ck_ok(&err, job_spec_parse(&err, spec, awkward, strlen(awkward), "s.yaml",
                               NULL, 0));
}

static char *
canonical(const struct job_spec *spec)
{
    struct str b = {0};
    job_spec_text(&b, spec);
    return str_take(&b);
}

START_TEST(canonical_text_reads_back)
{
    struct moe_err err = {0};
    struct job_spec spec, again;
    read_awkward(&spec);
    char *text = canonical(&spec);
    ck_ok(&err,
          job_spec_parse(&err, &again, text, strlen(text), "s.yaml", NULL, 0));
    char *twice = canonical(&again);
    ck_assert_str_eq(text, twice);
    ck_assert_str_eq(spec.name, again.name);
    ck_assert_str_eq(again.data.language[2].files.item[2], "0x1");
    ck_assert_ptr_nonnull(strstr(text, "window: 2048\n"));
    ck_assert_ptr_null(strchr(text, '\033'));
    job_spec_free(&spec);
    job_spec_free(&again);
    free(text);
    free(twice);
}
END_TEST

START_TEST(messagepack_reads_back)
{
    struct moe_err err = {0};
    struct job_spec spec, again;
    msgpack_sbuffer b;
    msgpack_unpacked u;
    msgpack_sbuffer_init(&b);
    msgpack_unpacked_init(&u);
    read_awkward(&spec);
    ck_ok(&err, job_spec_pack(&err, &b, &spec));
    ck_assert_int_eq(msgpack_unpack_next(&u, b.data, b.size, NULL),
                     MSGPACK_UNPACK_SUCCESS);
    ck_ok(&err, job_spec_unpack(&err, &again, &u.data));
    char *one = canonical(&spec), *two = canonical(&again);
    ck_assert_str_eq(one, two);
    job_spec_free(&spec);
    job_spec_free(&again);
    free(one);
    free(two);
    msgpack_unpacked_destroy(&u);
    msgpack_sbuffer_destroy(&b);
}
END_TEST

/* Bytes of MessagePack must fail with that sentence. */
static void
refuses_bytes(const char *bytes, size_t n, const char *part)
{
    struct moe_err err = {0};
    struct job_spec spec;
    msgpack_unpacked u;
    msgpack_unpacked_init(&u);
    ck_assert_int_eq(msgpack_unpack_next(&u, bytes, n, NULL),
                     MSGPACK_UNPACK_SUCCESS);
    ck_fails(&err, job_spec_unpack(&err, &spec, &u.data), MOE_EFORMAT, part);
    msgpack_unpacked_destroy(&u);
}

START_TEST(messagepack_is_checked)
{
    refuses_bytes("\x90", 1, "spec: a job spec is a map");
    refuses_bytes("\x80", 1, "spec: kind: missing");
    refuses_bytes("\x81\x01\x02", 3, "a key that is no string");
    refuses_bytes("\x81\xa4kind\xa3"
                  "a\0b",
                  10, "a zero byte");
    refuses_bytes("\x81\xa4kind\xc4\x01x", 9, "a value that is no");
    refuses_bytes("\x81\xa4kind\xcb\0\0\0\0\0\0\0\0", 15, "kind: '0' found");
    refuses_bytes("\x81\xa4kind\xc0", 7, "kind: 'nothing' found");
    refuses_bytes("\x81\xa4kind\x05", 7, "kind: '5' found");
    refuses_bytes("\x82\xa4kind\xa7"
                  "analyze\xa6window\xc2",
                  22, "window: 'false' found");
    refuses_bytes("\x81\xa1x\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x01", 14,
                  "too deep");
}
END_TEST

START_TEST(help_has_every_field)
{
    struct str b = {0};
    job_fields_help(&b);
    for (const struct job_field *f = job_fields; f->name; f++) {
        char *row = str_format("\n  %s ", f->name);
        ck_assert_msg(strstr(b.s, row + (f == job_fields)) != NULL, "%s",
                      f->name);
        free(row);
    }
    str_free(&b);
}
END_TEST

/* Without the places where the manual lets a long list of words break. */
static void
join_breaks(char *text)
{
    for (char *at; (at = strstr(text, "\\:")); text = at)
        memmove(at, at + 2, strlen(at + 2) + 1);
}

/* The list of polymoe-job(5) has the fields, types and defaults. */
START_TEST(manual_has_every_field)
{
    struct moe_err err = {0};
    char *page;
    size_t n, items = 0, fields = 0;
    ck_ok(&err, fs_read(&err, &page, &n, SRCDIR "/man/polymoe-job.5", 1 << 20));
    join_breaks(page);
    for (const struct job_field *f = job_fields; f->name; f++) {
        struct str want = {0};
        str_printf(&want, "\n.It Cm %s : Ar ", f->name);
        job_field_allowed(&want, f);
        if (f->deflt)
            str_printf(&want, "\n.Pq default %s", f->deflt);
        str_puts(&want, f->required ? "\n.Pq required\n" : "\n");
        ck_assert_msg(strstr(page, want.s) != NULL, "no line '%s'", want.s + 1);
        str_free(&want);
        fields++;
    }
    for (const char *p = page; (p = strstr(p, "\n.It Cm ")); p++)
        items++;
    ck_assert_uint_eq(items, fields);
    free(page);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("spec_forms");
    TCase *t = tcase_create("spec_forms");
    tcase_add_test(t, canonical_text_reads_back);
    tcase_add_test(t, messagepack_reads_back);
    tcase_add_test(t, messagepack_is_checked);
    tcase_add_test(t, help_has_every_field);
    tcase_add_test(t, manual_has_every_field);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
