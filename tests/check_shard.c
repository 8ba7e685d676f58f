/*
 * check_shard.c - token shards: written, read, refused.
 */
#include "config.h"

#include "tests/support.h"

#include <string.h>

#include "base/str.h"
#include "data/shard.h"

static struct moe_err err;

static void
write_three(const char *stem, int64_t V, uint64_t max_bytes, unsigned files)
{
    struct shard_writer *w;
    struct shard_options opt = {.dir = support_dir(),
                                .stem = stem,
                                .V = V,
                                .eos = 9,
                                .max_bytes = max_bytes};
    ck_ok(&err, shard_writer_create(&err, &w, &opt));
    ck_ok(&err, shard_writer_add(&err, w, (int32_t[]){1, 2, 3}, 3, NULL,
                                 "a,\"b\"\n.txt", 1));
    ck_ok(&err, shard_writer_add(&err, w, (int32_t[]){4}, 1, "x", "b.txt", 2));
    ck_ok(&err, shard_writer_add(&err, w, (int32_t[]){5, 6}, 2, NULL, "c", 7));
    ck_ok(&err, shard_writer_finish(&err, w));
    ck_assert_uint_eq(shard_writer_tokens(w), 9);
    ck_assert_uint_eq(shard_writer_files(w), files);
    shard_writer_destroy(&w);
}

START_TEST(written_shards_read_back)
{
    static const int32_t want[] = {1, 2, 3, 9, 4, 9, 5, 6, 9};
    static const int64_t sizes[] = {4096, 65536, 65537};
    for (size_t i = 0; i < 3; i++) {
        struct shard s;
        int32_t got[9];
        write_three("three", sizes[i], 0, 1);
        ck_ok(&err, shard_open(&err, &s, support_path("three.00000.npy"),
                               sizes[i], 0));
        ck_assert_int_eq(s.width, sizes[i] > 65536 ? 4 : 2);
        ck_assert_uint_eq(s.tokens, 9);
        ck_assert_uint_eq(shard_windows(&s, 4), 2);
        ck_ok(&err, shard_read(&err, &s, 0, 9, got));
        ck_assert_mem_eq(got, want, sizeof want);
        ck_ok(&err, shard_documents(&err, &s, -1));
        ck_assert_uint_eq(s.documents, 3);
        ck_assert_uint_eq(s.document[1].start, 4);
        ck_assert_uint_eq(s.document[2].end, 9);
        ck_fails(&err, shard_read(&err, &s, 8, 2, got), MOE_EINVAL, "8 to 10");
        shard_close(&s);
    }
}
END_TEST

START_TEST(files_are_cut_between_documents)
{
    struct shard s;
    write_three("cut", 100, 8, 3);
    ck_ok(&err, shard_open(&err, &s, support_path("cut.00001.npy"), 100, 0));
    ck_assert_uint_eq(s.tokens, 2);
    shard_close(&s);
    write_three("two", 100, 12, 2);
    ck_ok(&err, shard_open(&err, &s, support_path("two.00000.npy"), 100, 0));
    ck_assert_uint_eq(s.tokens, 6);
    shard_close(&s);
}
END_TEST

START_TEST(documents_from_eos_without_an_index)
{
    struct shard s;
    support_write(support_path("e.u16"), "\1\0\x09\0\x09\0\2\0", 8);
    ck_ok(&err, shard_open(&err, &s, support_path("e.u16"), 10, 0));
    ck_ok(&err, shard_documents(&err, &s, 9));
    ck_assert_uint_eq(s.documents, 3);
    ck_assert_uint_eq(s.document[1].end, 3);
    ck_assert_uint_eq(s.document[2].end, 4);
    shard_close(&s);
}
END_TEST

/* A NumPy file of version 1 with three ids. */
static void
write_npy(const char *path, const char *dict, size_t ids)
{
    unsigned char b[256] = "\x93NUMPY\1";
    size_t n = strlen(dict);
    b[8] = (unsigned char)n;
    memcpy(b + 10, dict, n);
    memcpy(b + 10 + n, "\1\0\2\0\3\0", 6);
    support_write(path, b, 10 + n + 2 * ids);
}

START_TEST(a_real_numpy_header_is_read)
{
    struct shard s;
    int32_t got[3];
    const char *path = support_path("n.npy");
    write_npy(path, "{'descr': '<u2', 'fortran_order': False, 'shape': (3,), }",
              3);
    ck_ok(&err, shard_open(&err, &s, path, 70000, 0));
    ck_assert_int_eq(s.width, 2);
    ck_ok(&err, shard_read(&err, &s, 0, 3, got));
    ck_assert_int_eq(got[2], 3);
    shard_close(&s);
    write_npy(path, "{'descr': '<u2', 'fortran_order': False, 'shape': (3,), }",
              2);
    ck_fails(&err, shard_open(&err, &s, path, 100, 0), MOE_EFORMAT, "says 3");
    write_npy(path, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }",
              3);
    ck_fails(&err, shard_open(&err, &s, path, 100, 0), MOE_EFORMAT, "uint16");
    write_npy(path,
              "{'descr': '<u2', 'fortran_order': False, 'shape': (3, 1), }", 3);
    ck_fails(&err, shard_open(&err, &s, path, 100, 0), MOE_EFORMAT, "flat");
}
END_TEST

START_TEST(bad_shards_are_named)
{
    struct shard s;
    int32_t got[2];
    const char *path = support_path("bad.npy");
    support_write(path, "\1\0\2", 3);
    ck_fails(&err, shard_open(&err, &s, path, 100, 0), MOE_EFORMAT, "3 bytes");
    support_write(path, "\1\0\x64\0", 4);
    ck_ok(&err, shard_open(&err, &s, path, 100, 0));
    ck_fails(&err, shard_read(&err, &s, 0, 2, got), MOE_EFORMAT,
             "bad.npy: token 1 is 100");
    shard_close(&s);
    ck_fails(&err, shard_open(&err, &s, support_path("no.npy"), 100, 0),
             MOE_EINPUT, "no.npy");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("shard");
    TCase *tc = tcase_create("shard");
    tcase_add_test(tc, written_shards_read_back);
    tcase_add_test(tc, files_are_cut_between_documents);
    tcase_add_test(tc, documents_from_eos_without_an_index);
    tcase_add_test(tc, a_real_numpy_header_is_read);
    tcase_add_test(tc, bad_shards_are_named);
    suite_add_tcase(s, tc);
    return support_main(s, 0);
}
