/*
 * check_text.c - documents of text files, clean and not.
 */
#include "config.h"

#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>

#include "data/text.h"

static struct moe_err err;

/* All documents of a file, joined by "|"; the counts are kept. */
static const char *
join(const char *path, const struct text_options *opt, struct text_counts *out)
{
    static char all[4096];
    struct text_reader *r;
    struct text_document doc;
    size_t used = 0;
    int rc;
    all[0] = '\0';
    ck_ok(&err, text_open(&err, &r, path, opt));
    while ((rc = text_next(&err, r, &doc)) > 0) {
        ck_assert_uint_eq(strlen(doc.text), doc.n);
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%s",
                                 used ? "|" : "", doc.text);
    }
    ck_ok(&err, rc);
    if (out)
        *out = *text_counts(r);
    text_close(&r);
    text_close(&r);
    return all;
}

static const char *
file(const char *name, const char *content)
{
    const char *path = support_path(name);
    support_write(path, content, strlen(content));
    return path;
}

START_TEST(lines_blocks_and_whole_files)
{
    struct text_options block = {.documents = TEXT_BLANK};
    struct text_options whole = {.documents = TEXT_FILE};
    struct text_counts c;
    const char *path = file("a.txt", "one\ntwo\n\n \nthree\n");
    ck_assert_str_eq(join(path, NULL, &c), "one|two| |three");
    ck_assert_uint_eq(c.documents, 4);
    ck_assert_uint_eq(c.empty, 1);
    ck_assert_uint_eq(c.bytes, 12);
    ck_assert_str_eq(join(path, &block, &c), "one\ntwo|three");
    ck_assert_str_eq(join(path, &whole, &c), "one\ntwo\n\n \nthree\n");
    ck_assert_uint_eq(c.documents, 1);
    ck_assert_str_eq(join(file("b.txt", ""), &whole, &c), "");
    ck_assert_uint_eq(c.documents, 0);
    ck_assert_uint_eq(c.empty, 1);
}
END_TEST

START_TEST(unclean_files_give_the_same_documents)
{
    static const char *const dirty[] = {
        "one\ntwo\n", "\xef\xbb\xbfone\ntwo\n", "one\r\ntwo\r\n",
        "one\ntwo",   "\n\none\n\ntwo\n\n",     "\xef\xbb\xbfone\r\n\r\ntwo",
    };
    struct text_counts c;
    for (size_t i = 0; i < sizeof dirty / sizeof *dirty; i++)
        ck_assert_str_eq(join(file("d.txt", dirty[i]), NULL, &c), "one|two");
    ck_assert_uint_eq(c.bom, 1);
    ck_assert_uint_eq(c.crlf, 2);
    ck_assert_uint_eq(c.empty, 1);
    join(file("e.txt", "a\xff\xe0\xa4z\n\xc3"), NULL, &c);
    ck_assert_uint_eq(c.replaced, 3);
    struct text_options whole = {.documents = TEXT_FILE};
    ck_assert_str_eq(join(file("f.txt", "a\r\nb\r\n"), &whole, &c), "a\nb\n");
}
END_TEST

START_TEST(json_lines)
{
    struct text_counts c;
    static const char lines[] = "\xef\xbb\xbf{\"text\": \"one\", \"id\": "
                                "\"x\"}\r\n\r\n{\"text\": \"\"}\n"
                                "{\"text\": \"two\\nlines\"}";
    ck_assert_str_eq(join(file("a.jsonl", lines), NULL, &c), "one|two\nlines");
    ck_assert_uint_eq(c.documents, 2);
    ck_assert_uint_eq(c.empty, 1);
    ck_assert_uint_eq(c.bom, 1);
    ck_assert_uint_eq(c.crlf, 2);
}
END_TEST

static void
expect_second_fails(const char *name, const char *content, const char *part)
{
    struct text_reader *r;
    struct text_document doc;
    ck_ok(&err, text_open(&err, &r, file(name, content), NULL));
    ck_assert_int_eq(text_next(&err, r, &doc), 1);
    ck_fails(&err, text_next(&err, r, &doc), MOE_EFORMAT, part);
    text_close(&r);
}

START_TEST(bad_lines_are_named_by_file_and_line)
{
    expect_second_fails("b.jsonl",
                        "{\"text\":\"a\"}\n\n{\"text\":", "b.jsonl:3: ");
    expect_second_fails("b.jsonl", "{\"text\":\"a\"}\n{\"txt\":\"a\"}\n",
                        "b.jsonl:2: no string under 'text'");
    expect_second_fails("b.jsonl", "{\"text\":\"a\"}\n{\"text\":5}\n",
                        "b.jsonl:2: ");
    struct text_reader *r;
    ck_fails(&err, text_open(&err, &r, file("a.csv", "x"), NULL), MOE_EFORMAT,
             "a.csv");
    ck_fails(&err, text_open(&err, &r, support_path("no.txt"), NULL),
             MOE_EINPUT, "no.txt");
}
END_TEST

START_TEST(long_lines_are_refused_at_the_limit)
{
    struct text_options opt = {.limit = 100000};
    struct text_reader *r;
    struct text_document doc;
    char *s = malloc(100001);
    memset(s, 'x', 100001);
    s[99999] = '\n';
    support_write(support_path("l.txt"), s, 100000);
    ck_ok(&err, text_open(&err, &r, support_path("l.txt"), &opt));
    ck_assert_int_eq(text_next(&err, r, &doc), 1);
    ck_assert_uint_eq(doc.n, 99999);
    text_close(&r);
    s[99999] = 'x';
    support_write(support_path("l.txt"), s, 100001);
    ck_ok(&err, text_open(&err, &r, support_path("l.txt"), &opt));
    ck_fails(&err, text_next(&err, r, &doc), MOE_EFORMAT, "l.txt:1: ");
    text_close(&r);
    free(s);
}
END_TEST

static const char packed[] = "{\"text\":\"one\"}\n{\"text\":\"two\"}\n";

START_TEST(compressed_files_read_the_same)
{
    char out[512];
    gzFile f = gzopen(support_path("c.jsonl.gz"), "wb");
    ck_assert_int_gt(gzwrite(f, packed, sizeof packed - 1), 0);
    gzclose(f);
    ck_assert_str_eq(join(support_path("c.jsonl.gz"), NULL, NULL), "one|two");
    size_t n = ZSTD_compress(out, sizeof out, packed, sizeof packed - 1, 3);
    support_write(support_path("c.jsonl.zst"), out, n);
    ck_assert_str_eq(join(support_path("c.jsonl.zst"), NULL, NULL), "one|two");
    support_write(support_path("cut.jsonl.zst"), out, n - 3);
    struct text_reader *r;
    struct text_document doc;
    int rc;
    ck_ok(&err, text_open(&err, &r, support_path("cut.jsonl.zst"), NULL));
    while ((rc = text_next(&err, r, &doc)) > 0)
        ;
    ck_fails(&err, rc, MOE_EFORMAT, "zstd");
    text_close(&r);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("text");
    TCase *tc = tcase_create("text");
    tcase_add_test(tc, lines_blocks_and_whole_files);
    tcase_add_test(tc, unclean_files_give_the_same_documents);
    tcase_add_test(tc, json_lines);
    tcase_add_test(tc, bad_lines_are_named_by_file_and_line);
    tcase_add_test(tc, long_lines_are_refused_at_the_limit);
    tcase_add_test(tc, compressed_files_read_the_same);
    suite_add_tcase(s, tc);
    return support_main(s, 0);
}
