/*
 * check_scan.c - the scan of a message: every limit at n - 1, n, n + 1, cut
 * and damaged messages, and agreement with msgpack-c.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include "base/rng.h"
#include "proto/scan.h"

static enum proto_error
scan_bytes(const char *bytes, size_t n)
{
    return scan_frame(NULL, bytes, n);
}

#define SCAN(literal) scan_bytes(literal, sizeof(literal) - 1)

START_TEST(depth)
{
    char deep[] = "\x91\x91\x91\x91\x91\x91\x91\x91\x91\xc0";
    ck_assert_int_eq(scan_bytes(deep + 2, 8), PROTO_OK);
    ck_assert_int_eq(scan_bytes(deep + 1, 9), PROTO_OK);
    ck_assert_int_eq(scan_bytes(deep, 10), PROTO_too_deep);
}
END_TEST

/* head, a two-byte count, then count times `unit`. */
static enum proto_error
scan_many(unsigned char head, size_t count, const char *unit)
{
    size_t size = strlen(unit), n = 3 + count * size;
    char *p = malloc(n);
    p[0] = (char)head;
    p[1] = (char)(count >> 8);
    p[2] = (char)count;
    for (size_t i = 0; i < count; i++)
        memcpy(p + 3 + i * size, unit, size);
    enum proto_error rc = scan_bytes(p, n);
    free(p);
    return rc;
}

START_TEST(items)
{
    ck_assert_int_eq(scan_many(0xdc, 4095, "\x01"), PROTO_OK);
    ck_assert_int_eq(scan_many(0xdc, 4096, "\x01"), PROTO_OK);
    ck_assert_int_eq(scan_many(0xdc, 4097, "\x01"), PROTO_too_large);
    ck_assert_int_eq(scan_many(0xde, 4097, "\xa1x\x01"), PROTO_too_large);
}
END_TEST

START_TEST(nodes)
{
    /* 1 + m arrays of 4095 numbers each: 1 + 16 * 4096 > 65536. */
    static char p[65536 * 2];
    for (int last = 4093; last <= 4095; last++) {
        size_t n = 0;
        p[n++] = (char)0xdc, p[n++] = 0, p[n++] = 16;
        for (int i = 0; i < 16; i++) {
            int count = i < 15 ? 4095 : last;
            p[n++] = (char)0xdc;
            p[n++] = (char)(count >> 8), p[n++] = (char)count;
            memset(p + n, 1, (size_t)count);
            n += (size_t)count;
        }
        ck_assert_int_eq(scan_bytes(p, n),
                         last < 4095 ? PROTO_OK : PROTO_too_large);
    }
}
END_TEST

START_TEST(strings)
{
    static char p[65536 + 6];
    for (size_t size = 65535; size <= 65537; size++) {
        p[0] = (char)0xdb;
        p[1] = 0, p[2] = (char)(size >> 16), p[3] = (char)(size >> 8);
        p[4] = (char)size;
        memset(p + 5, 'x', size);
        ck_assert_int_eq(scan_bytes(p, 5 + size),
                         size <= 65536 ? PROTO_OK : PROTO_too_large);
    }
}
END_TEST

START_TEST(bytes)
{
    /* 16 binaries of 65535 and a last one that fills up to the limit. */
    const size_t limit = PROTO_FRAME_BYTES;
    char *p = calloc(limit + 1, 1);
    for (size_t want = limit - 1; want <= limit + 1; want++) {
        size_t n = 0, whole = 15;
        p[n++] = (char)(0x90 | 15);
        for (size_t i = 0; i < whole; i++) {
            size_t left = (want - n) / (whole - i);
            size_t size = (i == whole - 1 ? want - n : left) - 5;
            ck_assert_uint_le(size, 70000);
            p[n++] = (char)0xc6;
            for (int shift = 24; shift >= 0; shift -= 8)
                p[n++] = (char)(size >> shift);
            n += size;
        }
        /* Each binary is over the string's limit here: only the size of the
         * whole can be told apart, by its place before any other error. */
        struct moe_err err = {0};
        enum proto_error rc = scan_frame(&err, p, n);
        ck_assert_int_eq(rc, PROTO_too_large);
        ck_assert_int_eq(strstr(err.text, "1048576") != NULL, want > limit);
    }
    free(p);
}
END_TEST

START_TEST(refused)
{
    ck_assert_int_eq(SCAN(""), PROTO_bad_message);
    ck_assert_int_eq(SCAN("\xc1"), PROTO_bad_message);
    ck_assert_int_eq(SCAN("\xc0\xc0"), PROTO_bad_message);
    ck_assert_int_eq(SCAN("\xd4\x01\x02"), PROTO_bad_message);
    ck_assert_int_eq(SCAN("\xc7\x01\x05\x02"), PROTO_bad_message);
    ck_assert_int_eq(SCAN("\x82\xa1x\x01\xa1x\x02"), PROTO_bad_message);
    ck_assert_int_eq(SCAN("\x82\xa1x\x01\xa1y\x02"), PROTO_OK);
    ck_assert_int_eq(SCAN("\x81\x01\x02"), PROTO_bad_message);
    ck_assert_int_eq(SCAN("\xa1\xff"), PROTO_bad_message);
    ck_assert_int_eq(SCAN("\xa1\0"), PROTO_bad_message);
    ck_assert_int_eq(SCAN("\xc4\x01\xff"), PROTO_OK);
    /* The same key in an inner and an outer map is no duplicate. */
    ck_assert_int_eq(SCAN("\x82\xa1x\x81\xa1x\x01\xa1y\x02"), PROTO_OK);
    ck_assert_int_eq(SCAN("\x82\xa1x\x81\xa1y\x01\xa1x\x02"),
                     PROTO_bad_message);
}
END_TEST

START_TEST(bombs)
{
    ck_assert_int_eq(SCAN("\xdd\xff\xff\xff\xff"), PROTO_too_large);
    ck_assert_int_eq(SCAN("\xdd\x05\xf5\xe1\x00"), PROTO_too_large);
    ck_assert_int_eq(SCAN("\xdf\x00\x00\x10\x00"), PROTO_bad_message);
    ck_assert_int_eq(SCAN("\xdb\xff\xff\xff\xff"), PROTO_too_large);
    ck_assert_int_eq(SCAN("\xc9\xff\xff\xff\xff\x01"), PROTO_bad_message);
}
END_TEST

static const char whole[] =
    "\x94\x00\xce\x00\x00\x00\x07\xa6submit\x83\xa1m\xcb\x3f\xf0\0\0\0\0\0\0"
    "\xa1n\xd9\x02hi\xa1o\x93\xc3\xd0\x80\xc4\x01z";

START_TEST(cut)
{
    const size_t n = sizeof whole - 1;
    ck_assert_int_eq(scan_bytes(whole, n), PROTO_OK);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_ne(scan_bytes(whole, i), PROTO_OK);
}
END_TEST

/* Whatever passes must be read by msgpack-c, to its last byte. */
START_TEST(damage)
{
    enum { N = sizeof whole - 1, ROUNDS = 200000 };
    char p[N];
    int passed = 0;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint32_t r[4];
        rng_block(r, 7, 0, i);
        memcpy(p, whole, N);
        for (uint32_t k = 0; k <= r[0] % 3; k++)
            p[r[1 + k] % N] = (char)(r[1 + k] >> 16);
        size_t n = r[0] & 64 ? N : r[0] >> 8 & 31, off = 0;
        if (scan_bytes(p, n) != PROTO_OK)
            continue;
        msgpack_zone zone;
        msgpack_object root;
        msgpack_zone_init(&zone, 1024);
        ck_assert_int_eq(msgpack_unpack(p, n, &off, &zone, &root),
                         MSGPACK_UNPACK_SUCCESS);
        ck_assert_uint_eq(off, n);
        msgpack_zone_destroy(&zone);
        passed++;
    }
    ck_assert_int_gt(passed, 1000);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("scan");
    TCase *c = tcase_create("scan");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, depth);
    tcase_add_test(c, items);
    tcase_add_test(c, nodes);
    tcase_add_test(c, strings);
    tcase_add_test(c, bytes);
    tcase_add_test(c, refused);
    tcase_add_test(c, bombs);
    tcase_add_test(c, cut);
    tcase_add_test(c, damage);
    suite_add_tcase(suite, c);
    return support_main(suite, 0);
}
