/*
 * check_base.c - the base library: sizes, strings, files, options, hashes,
 * random numbers.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/csv.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tensor/tensor.h"

START_TEST(sizes_never_wrap)
{
    size_t out;
    uint64_t product;
    ck_assert(mem_mul(&out, SIZE_MAX / 2, 2));
    ck_assert(!mem_mul(&out, SIZE_MAX / 2 + 1, 2));
    ck_assert(!mem_add(&out, SIZE_MAX, 1));
    ck_assert(mem_product(&product, (uint64_t[]){50304, 2048}, 2));
    ck_assert_uint_eq(product, 103022592);
    ck_assert(!mem_product(&product, (uint64_t[]){1u << 31, 1u << 31, 8}, 3));
}
END_TEST

START_TEST(error_is_one_clean_line)
{
    struct moe_err err;
    ck_assert_int_eq(moe_fail(&err, MOE_EFORMAT, "a\nb\033c"), MOE_EFORMAT);
    ck_assert_str_eq(err.text, "a?b?c");
    ck_assert_int_eq(moe_exit_status(MOE_EDEVICE), 12);
    ck_assert_str_eq(moe_errname(MOE_EFORMAT), "EFORMAT");
    ck_assert_str_eq(moe_strerror(12345), "unknown error");
}
END_TEST

START_TEST(strings_grow_and_print)
{
    struct str b = {0};
    for (int i = 0; i < 1000; i++)
        str_printf(&b, "%d,", i);
    ck_assert_uint_eq(b.n, 3890);
    char *s = str_take(&b);
    ck_assert_uint_eq(strlen(s), 3890);
    free(s);
    char out[32];
    str_bytes(out, sizeof out, 13838323712u);
    ck_assert_str_eq(out, "13.8 GB");
    str_bytes(out, sizeof out, 999);
    ck_assert_str_eq(out, "999 B");
    str_duration(out, sizeof out, 3725);
    ck_assert_str_eq(out, "1:02:05");
    char *p = str_path("a/", "b");
    ck_assert_str_eq(p, "a/b");
    free(p);
}
END_TEST

START_TEST(utf8_is_checked_strictly)
{
    ck_assert(utf8_valid("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10));
    ck_assert(utf8_valid("", 0));
    ck_assert(!utf8_valid("\xc0\xaf", 2));         // longer than needed
    ck_assert(!utf8_valid("\xed\xa0\x80", 3));     // surrogate
    ck_assert(!utf8_valid("\xf4\x90\x80\x80", 4)); // above U+10FFFF
    ck_assert(!utf8_valid("\xe2\x82", 2));         // cut
    ck_assert(!utf8_valid("\x80", 1));
}
END_TEST

START_TEST(a_file_appears_only_complete)
{
    struct moe_err err = {0};
    struct fs_writer w;
    const char *path = support_path("whole");
    ck_ok(&err, fs_create(&err, &w, path));
    ck_ok(&err, fs_put(&err, &w, "abc", 3));
    ck_assert(!fs_exists(path));
    fs_abort(&w);
    ck_assert(!fs_exists(path));
    ck_ok(&err, fs_write(&err, path, "abc", 3));
    struct fs_map map;
    ck_ok(&err, fs_map_open(&err, &map, path));
    ck_assert_uint_eq(map.size, 3);
    ck_assert(memcmp(map.data, "abc", 3) == 0);
    fs_map_close(&map);
    ck_fails(&err, fs_map_open(&err, &map, support_path("none")), MOE_EINPUT,
             "none: No such file");
    ck_fails(&err, fs_map_open(&err, &map, support_dir()), MOE_EINPUT,
             "not a regular file");
    char *text;
    size_t n;
    ck_fails(&err, fs_read(&err, &text, &n, path, 2), MOE_EFORMAT,
             "3 bytes, at most 2");
    ck_ok(&err, fs_mkdirs(&err, support_path("d/e/f"), 0777));
    ck_assert(fs_is_dir(support_path("d/e/f")));
    ck_fails(&err, fs_mkdirs(&err, support_path("whole/x"), 0777), MOE_EIO,
             "whole");
}
END_TEST

START_TEST(what_a_killed_writer_left_goes)
{
    struct moe_err err = {0};
    bool bare = true;
    ck_ok(&err, fs_mkdirs(&err, support_path("left"), 0777));
    support_write(support_path("left/a.tmp.123"), "x", 1);
    ck_ok(&err, fs_is_bare(&err, &bare, support_path("left")));
    ck_assert(bare);
    support_write(support_path("left/b.tmp.12x"), "x", 1);
    support_write(support_path("left/c.tmp"), "x", 1);
    ck_ok(&err, fs_is_bare(&err, &bare, support_path("left")));
    ck_assert(!bare);
    ck_ok(&err, fs_sweep(&err, support_path("left")));
    ck_assert(!fs_exists(support_path("left/a.tmp.123")));
    ck_assert(fs_exists(support_path("left/b.tmp.12x")));
    ck_assert(fs_exists(support_path("left/c.tmp")));
    ck_ok(&err, fs_sweep(&err, support_path("not-there")));
    ck_ok(&err, fs_remove_dir(&err, support_path("left")));
    ck_assert(!fs_exists(support_path("left")));
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
    struct moe_err err = {0};
    struct stat st;
    if (stat("/dev/full", &st) != 0)
        return; // only Linux and some BSDs have one
    struct csv t;
    ck_ok(&err, csv_open(&err, &t, support_path("t.csv"), "a,b"));
    fclose(t.w.f);
    t.w.f = fopen("/dev/full", "w");
    csv_text(&t, "x");
    csv_end(&t);
    ck_fails(&err, csv_close(&err, &t), MOE_EIO, "t.csv");
    ck_assert(!fs_exists(support_path("t.csv")));
}
END_TEST

START_TEST(csv_quotes_what_it_must)
{
    struct moe_err err = {0};
    struct csv t;
    const char *path = support_path("q.csv");
    ck_ok(&err, csv_open(&err, &t, path, "a,b,c,d"));
    csv_text(&t, "x,\"y\"");
    csv_int(&t, -3);
    csv_real(&t, 1.0 / 3);
    csv_real(&t, NAN);
    csv_end(&t);
    ck_ok(&err, csv_close(&err, &t));
    char *text;
    size_t n;
    ck_ok(&err, fs_read(&err, &text, &n, path, 1000));
    ck_assert_str_eq(text, "a,b,c,d\n\"x,\"\"y\"\"\",-3,0.333333333,\n");
    free(text);
}
END_TEST

START_TEST(json_refuses_duplicates)
{
    struct moe_err err = {0};
    json_t *root;
    static const char text[] = "{\"a\": 1,\n\"a\": 2}";
    ck_fails(&err, json_parse(&err, &root, text, strlen(text), "f.json"),
             MOE_EFORMAT, "f.json:2: duplicate");
}
END_TEST

struct fields {
    bool flag;
    const char *text;
    int64_t count;
    struct option_list list;
};

static const struct option_row rows[] = {
    {'f', "flag", NULL, "a flag", OPTION_FLAG, offsetof(struct fields, flag), 0,
     0},
    {'t', "text", "WORD", "a word", OPTION_STRING,
     offsetof(struct fields, text), 0, 0},
    {0, "count", "N", "a count", OPTION_INT, offsetof(struct fields, count), 1,
     9},
    {0, "set", "K=V", "a setting", OPTION_LIST, offsetof(struct fields, list),
     0, 0},
    {0}};
static const struct option_set set = {"prog", "FILE", "Try.", rows, NULL};

START_TEST(options_in_any_order)
{
    char *argv[] = {"prog", "one",   "-f",      "--text=x", "--set",
                    "a=1",  "--set", "b=2",     "two",      "--count",
                    "7",    "--",    "--three", NULL};
    struct fields f = {0};
    int first = 0;
    ck_assert_int_eq(options_parse(&set, &f, 13, argv, &first), OPTIONS_GO_ON);
    ck_assert(f.flag);
    ck_assert_str_eq(f.text, "x");
    ck_assert_int_eq(f.count, 7);
    ck_assert_uint_eq(f.list.n, 2);
    ck_assert_str_eq(f.list.value[1], "b=2");
    ck_assert_int_eq(first, 10);
    ck_assert_str_eq(argv[first], "one");
    ck_assert_str_eq(argv[first + 2], "--three");
    option_list_free(&f.list);
}
END_TEST

START_TEST(wrong_options_end_with_2)
{
    static char *const wrong[] = {"--none", "--count=0", "--count=x", "--text",
                                  "-q"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *argv[] = {"prog", wrong[i], NULL};
        struct fields f = {0};
        int first;
        ck_assert_int_eq(options_parse(&set, &f, 2, argv, &first), 2);
    }
}
END_TEST

START_TEST(hashes_are_sha256)
{
    struct hash h;
    char hex[HASH_HEX];
    hash_begin(&h);
    hash_add(&h, "abc", 3);
    hash_end(&h, hex);
    ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223"
                          "b00361a396177a9cb410ff61f20015ad");
}
END_TEST

START_TEST(random_numbers_are_philox)
{
    /* Known answers of the generator's authors: zero counter and key, and
     * all ones. */
    uint32_t w[4];
    rng_block(w, 0, 0, 0);
    ck_assert_uint_eq(w[0], 0x6627e8d5u);
    ck_assert_uint_eq(w[1], 0xe169c58du);
    ck_assert_uint_eq(w[2], 0xbc57ac4cu);
    ck_assert_uint_eq(w[3], 0x9b00dbd8u);
    rng_block(w, UINT64_MAX, UINT64_MAX, UINT64_MAX);
    ck_assert_uint_eq(w[0], 0x408f276du);
    double sum = 0, squares = 0;
    for (int i = 0; i < 100000; i++) {
        double x = rng_normal(1, 2, (uint64_t)i);
        sum += x;
        squares += x * x;
    }
    ck_assert(fabs(sum / 1e5) < 0.02);
    ck_assert(fabs(squares / 1e5 - 1) < 0.02);
}
END_TEST

START_TEST(halves_round_to_nearest_even)
{
    for (uint32_t i = 0; i < 0x10000; i++) {
        float x = dtype_f16_to_f32((uint16_t)i);
        if (!isnan(x))
            ck_assert_uint_eq(dtype_f32_to_f16(x), i);
        float y = dtype_bf16_to_f32((uint16_t)i);
        if (!isnan(y))
            ck_assert_uint_eq(dtype_f32_to_bf16(y), i);
    }
    ck_assert_uint_eq(dtype_f32_to_bf16(1.00390625f), 0x3f80); // tie to even
    ck_assert_uint_eq(dtype_f32_to_bf16(1.01171875f), 0x3f82);
    ck_assert_uint_eq(dtype_f32_to_f16(65519.0f), 0x7bff);
    ck_assert_uint_eq(dtype_f32_to_f16(65520.0f), 0x7c00);
    ck_assert_uint_eq(dtype_f32_to_f16(0x1p-25f), 0); // tie to even
    ck_assert(isnan(dtype_bf16_to_f32(dtype_f32_to_bf16(NAN))));
    ck_assert_int_eq(dtype_find("BF16"), DTYPE_BF16);
    ck_assert_int_eq(dtype_find("F8_E4M3"), -1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("base");
    TCase *tc = tcase_create("base");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, sizes_never_wrap);
    tcase_add_test(tc, error_is_one_clean_line);
    tcase_add_test(tc, strings_grow_and_print);
    tcase_add_test(tc, utf8_is_checked_strictly);
    tcase_add_test(tc, a_file_appears_only_complete);
    tcase_add_test(tc, what_a_killed_writer_left_goes);
    tcase_add_test(tc, a_full_disk_is_an_error);
    tcase_add_test(tc, csv_quotes_what_it_must);
    tcase_add_test(tc, json_refuses_duplicates);
    tcase_add_test(tc, options_in_any_order);
    tcase_add_test(tc, wrong_options_end_with_2);
    tcase_add_test(tc, hashes_are_sha256);
    tcase_add_test(tc, random_numbers_are_philox);
    tcase_add_test(tc, halves_round_to_nearest_even);
    suite_add_tcase(suite, tc);
    return support_main(suite, 0);
}
