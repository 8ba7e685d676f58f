/*
 * check_order.c - the data order and the learning rate of OLMo's trainer.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "data/mixture.h"
#include "data/order.h"
#include "data/pcg64.h"
#include "data/repetition.h"
#include "train/schedule.h"

START_TEST(words_are_numpys)
{
    /* numpy's published test set for seed 0. */
    static const uint64_t want[] = {0xa30febcfd9c2825fu, 0x4510bdf882d9d721u,
                                    0x0a7d3da94ecde8b8u, 0x043b27b61342f01du,
                                    0xd0327a782cde513bu};
    struct pcg64 g;
    pcg64_seed(&g, 0);
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(pcg64_next64(&g), want[i]);
    pcg64_seed(&g, 0);
    ck_assert_uint_eq(pcg64_next32(&g), 0xd9c2825fu);
    ck_assert_uint_eq(pcg64_next32(&g), 0xa30febcfu);
}
END_TEST

static uint32_t *
shuffled(uint64_t n, uint64_t seed)
{
    struct moe_err err = {0};
    uint32_t *a;
    uint64_t count;
    ck_ok(&err, order_olmo(&err, &a, &count, n, seed, 0, 1));
    ck_assert_uint_eq(count, n);
    return a;
}

START_TEST(shuffles_are_numpys)
{
    static const uint32_t ten[] = {5, 6, 0, 7, 3, 2, 4, 9, 1, 8};
    static const uint32_t sixteen[] = {4,  14, 6, 15, 3, 2, 13, 0,
                                       10, 11, 9, 7,  8, 1, 12, 5};
    static const uint32_t thousand[] = {615, 832, 881, 9, 648, 523, 809, 336};
    uint32_t *a = shuffled(10, 42);
    ck_assert(memcmp(a, ten, sizeof ten) == 0);
    free(a);
    a = shuffled(16, 6198);
    ck_assert(memcmp(a, sixteen, sizeof sixteen) == 0);
    free(a);
    a = shuffled(1000, 6198);
    ck_assert(memcmp(a, thousand, sizeof thousand) == 0);
    struct hash h;
    char hex[HASH_HEX];
    hash_begin(&h);
    for (int i = 0; i < 1000; i++) {
        unsigned char le[4] = {a[i] & 255, a[i] >> 8 & 255, a[i] >> 16 & 255,
                               a[i] >> 24};
        hash_add(&h, le, 4);
    }
    hash_end(&h, hex);
    ck_assert_str_eq(hex, "fc4c978b6e6405e61b2fdc455d8bbbe1"
                          "7315488989527a326f7af2cbc1aa1f70");
    free(a);
}
END_TEST

START_TEST(epochs_and_remainders)
{
    struct moe_err err = {0};
    uint32_t *a, *b;
    uint64_t count;
    /* Epoch e of seed s is epoch 0 of seed s + e. */
    ck_ok(&err, order_olmo(&err, &a, &count, 16, 6190, 8, 1));
    b = shuffled(16, 6198);
    ck_assert(memcmp(a, b, 16 * sizeof *a) == 0);
    free(a);
    free(b);
    ck_ok(&err, order_olmo(&err, &a, &count, 18, 1, 0, 4));
    ck_assert_uint_eq(count, 16);
    free(a);
    ck_ok(&err, order_olmo(&err, &a, &count, 16, 1, 0, 4));
    ck_assert_uint_eq(count, 16);
    free(a);
    ck_fails(&err, order_olmo(&err, &a, &count, 3, 1, 0, 4), MOE_EINVAL,
             "3 instances for batches of 4");
    ck_fails(&err, order_olmo(&err, &a, &count, UINT64_C(1) << 32, 1, 0, 4),
             MOE_EINVAL, "4294967296");
}
END_TEST

/* ids that never repeat, with `times` copies of a `p`-token pattern at `at`. */
static void
plant(int32_t *ids, size_t n, size_t at, int p, int times)
{
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)(1000 + i);
    for (int i = 0; i < p * times; i++)
        ids[at + (size_t)i] = i % p;
}

START_TEST(repetitions_are_found)
{
    int32_t ids[1024];
    for (int p = 1; p <= REPETITION_PERIOD; p++)
        for (size_t at = 0; at < 40; at += 13) {
            plant(ids, 1024, at, p, REPETITION_TIMES);
            ck_assert_msg(repetition_found(ids, 1024, 13, 32), "p %d at %zu", p,
                          at);
            plant(ids, 1024, at, p, REPETITION_TIMES - 1);
            ck_assert_msg(!repetition_found(ids, 1024, p, 32), "p %d at %zu", p,
                          at);
        }
    plant(ids, 1024, 5, 14, 40);
    ck_assert(!repetition_found(ids, 1024, 13, 32));
    /* At the very end of the instance. */
    plant(ids, 1024, 1024 - 64, 2, 32);
    ck_assert(repetition_found(ids, 1024, 13, 32));
    ck_assert(!repetition_found(ids, 0, 13, 32));
}
END_TEST

START_TEST(rates_are_olmos)
{
    /* Study A: 1e-4 after 10,485,760,000 tokens of warm-up in 5e12. */
    const struct schedule s = {SCHEDULE_COSINE, 1e-4,          0.1, 0.1,
                               10485760000u,    5000000000000u};
    const uint64_t batch = 8388608;
    ck_assert(fabs(schedule_rate(&s, 0) - 1e-5) < 1e-18);
    ck_assert(fabs(schedule_rate(&s, 1250 * batch) - 1e-4) < 1e-18);
    ck_assert(fabs(schedule_rate(&s, 300000000) - 1.257e-5) < 1e-8);
    ck_assert(fabs(schedule_rate(&s, s.total) - 1e-5) < 1e-18);
    ck_assert(fabs(schedule_rate(&s, (s.total + s.warmup) / 2) - 5.5e-5) <
              1e-12);
    const struct schedule line = {SCHEDULE_LINEAR, 2, 0, 0, 10, 110};
    ck_assert(fabs(schedule_rate(&line, 5) - 1) < 1e-15);
    ck_assert(fabs(schedule_rate(&line, 60) - 1) < 1e-15);
    ck_assert(schedule_rate(&line, 500) == 0);
    const struct schedule flat = {SCHEDULE_CONSTANT, 3, 0, 0, 0, 0};
    ck_assert(schedule_rate(&flat, 1) == 3);
}
END_TEST

START_TEST(shares_are_as_asked)
{
    struct moe_err err = {0};
    const uint64_t tokens[] = {1000, 100, 10};
    const double given[] = {1, 2, 5};
    double p[3];
    ck_ok(&err, mixture_shares(&err, p, MIXTURE_UNIFORM, tokens, NULL, 0, 3));
    ck_assert(p[0] == p[2] && fabs(p[0] - 1.0 / 3) < 1e-15);
    ck_ok(&err,
          mixture_shares(&err, p, MIXTURE_PROPORTIONAL, tokens, NULL, 0, 3));
    ck_assert(fabs(p[1] - 100.0 / 1110) < 1e-15);
    ck_ok(&err,
          mixture_shares(&err, p, MIXTURE_TEMPERATURE, tokens, NULL, 2, 3));
    ck_assert(fabs(p[0] / p[1] - sqrt(10)) < 1e-12);
    ck_ok(&err, mixture_shares(&err, p, MIXTURE_EXPLICIT, tokens, given, 0, 3));
    ck_assert(fabs(p[2] - 0.625) < 1e-15);
    ck_fails(&err,
             mixture_shares(&err, p, MIXTURE_EXPLICIT, tokens,
                            (double[]){1, 0, 1}, 0, 3),
             MOE_EINVAL, "share 0 of language 1");
}
END_TEST

START_TEST(mixtures_keep_their_shares)
{
    enum { DRAWS = 1000 };
    struct moe_err err = {0};
    struct mixture *m;
    const uint64_t windows[] = {7, 40, 1};
    const double share[] = {0.5, 0.3, 0.2};
    struct mixture_window w, list[DRAWS];
    int seen[40] = {0};
    ck_ok(&err, mixture_create(&err, &m, windows, share, 3, 5));
    for (int i = 0; i < DRAWS; i++) {
        ck_ok(&err, mixture_next(&err, m, &list[i]));
        ck_assert_uint_lt(list[i].window, windows[list[i].language]);
        for (size_t k = 0; k < 3; k++)
            ck_assert(fabs(share[k] * (i + 1) - (double)mixture_drawn(m, k)) <=
                      1);
        /* Language 1's first epoch has each window once. */
        if (list[i].language == 1 && list[i].epoch == 0)
            ck_assert_int_eq(seen[list[i].window]++, 0);
    }
    ck_assert_uint_eq(mixture_drawn(m, 0), 500);
    /* From any place to any other: the same stream. */
    for (int at = 0; at < DRAWS; at += 83) {
        mixture_seek(m, (uint64_t)at);
        for (int i = at; i < at + 10 && i < DRAWS; i++) {
            ck_ok(&err, mixture_next(&err, m, &w));
            ck_assert(w.language == list[i].language &&
                      w.window == list[i].window && w.epoch == list[i].epoch);
        }
    }
    mixture_destroy(&m);
    ck_fails(&err, mixture_create(&err, &m, (uint64_t[]){3, 0}, share, 2, 5),
             MOE_EINVAL, "language 1 has 0 windows");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("order");
    TCase *tc = tcase_create("order");
    tcase_add_test(tc, words_are_numpys);
    tcase_add_test(tc, shuffles_are_numpys);
    tcase_add_test(tc, epochs_and_remainders);
    tcase_add_test(tc, repetitions_are_found);
    tcase_add_test(tc, rates_are_olmos);
    tcase_add_test(tc, shares_are_as_asked);
    tcase_add_test(tc, mixtures_keep_their_shares);
    suite_add_tcase(suite, tc);
    return support_main(suite, 0);
}
