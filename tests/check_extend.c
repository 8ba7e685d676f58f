/*
 * check_extend.c - passes over packed rows and a cache of keys and values.
 *
 * Precondition: an OpenCL device.  Claims: a sequence gives the same logits
 * whether it runs at once, in pieces or token by token; in a steady run what
 * stands beside it in a pass, and how many likelihoods are asked for, changes
 * no bit; a copied prefix is as good as a computed one; bad places are refused
 * in one line.
 */
#include "config.h"

#include "tests/tensors.h"
#include "tests/tiny.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

enum { T = 45, V = 83, ROWS = 128, CACHE = 200 };

static struct moe_model *model;
static int32_t ids[T];

static struct moe_err *
err(void)
{
    return moe_ctx_err(support_ctx());
}

static void
setup(void)
{
    ck_ok(err(), moe_model_load(support_ctx(), &model,
                                tiny_write("plain", &(struct tiny){0})));
    for (int i = 0; i < T; i++)
        ids[i] = (i * 37 + 11) % V;
}

static void
teardown(void)
{
    moe_model_destroy(&model);
    support_free();
}

static struct moe_run *
make_run(int64_t tokens, int64_t cache)
{
    struct moe_run *run;
    struct moe_run_options opt = {
        .B = 1, .T = tokens, .steady = true, .cache = cache};
    ck_ok(err(), moe_run_create(&run, model, &opt));
    return run;
}

/* The logits of a sequence the plain way. */
static float *
plain_logits(void)
{
    float *logits = support_alloc((size_t)T * V, sizeof *logits);
    struct moe_run *run = make_run(T, 0);
    ck_ok(err(), moe_run_forward(run, ids, 1, T));
    ck_ok(err(), moe_run_logits(run, 0, T, logits));
    moe_run_destroy(&run);
    return logits;
}

static int
best(const float *logits)
{
    int top = 0;
    for (int v = 1; v < V; v++)
        top = logits[v] > logits[top] ? v : top;
    return top;
}

/* The sequence in pieces of these lengths, from cache row 30 on. */
static void
run_in_pieces(struct moe_run *run, float *logits, const int64_t *piece)
{
    int64_t at = 0;
    for (; at < T; at += *piece++) {
        struct moe_segment s = {30, at, *piece};
        ck_ok(err(), moe_run_extend(run, ids + at, &s, 1));
        ck_ok(err(), moe_run_logits(run, 0, *piece, logits + at * V));
    }
    ck_assert_int_eq(at, T);
}

START_TEST(pieces_give_the_logits_of_the_whole)
{
    static const int64_t whole[] = {T}, some[] = {7, 1, 1, 25, 11};
    int64_t ones[T];
    const int64_t *const pieces[] = {whole, some, ones};
    float *want = plain_logits();
    float *got = support_alloc((size_t)T * V, sizeof *got);
    struct moe_run *run = make_run(ROWS, CACHE);
    for (int i = 0; i < T; i++)
        ones[i] = 1;
    for (size_t k = 0; k < 3; k++) {
        run_in_pieces(run, got, pieces[k]);
        for (int i = 0; i < T * V; i++)
            ck_assert_float_eq_tol(got[i], want[i], 1e-5f);
        for (int t = 0; t < T; t++)
            ck_assert_int_eq(best(got + t * V), best(want + t * V));
    }
    moe_run_destroy(&run);
}
END_TEST

/* -log p of the next token at every position of the first n tokens, among
 * `others` tokens of other sequences before and behind. */
static void
likelihoods(struct moe_run *run, float *nll, int n, int others)
{
    int32_t all[ROWS], row[T], target[T];
    struct moe_segment s[3];
    size_t segments = 0;
    int at = 0, first = others ? others / 2 : 0;
    if (others)
        s[segments++] = (struct moe_segment){100, 0, first};
    s[segments++] = (struct moe_segment){3, 0, n};
    if (others)
        s[segments++] = (struct moe_segment){150, 0, others - first};
    for (int i = 0; i < first; i++)
        all[at++] = (i * 5 + 1) % V;
    for (int i = 0; i < n; i++, at++) {
        all[at] = ids[i];
        row[i] = at;
        target[i] = ids[i + 1];
    }
    for (int i = first; i < others; i++)
        all[at++] = (i * 11 + 2) % V;
    ck_ok(err(), moe_run_extend(run, all, s, segments));
    ck_ok(err(), moe_run_nll_at(run, row, target, n, nll));
}

START_TEST(neighbours_change_no_bit)
{
    static const int lengths[] = {1, 17, 40}, others[] = {0, 2, 19, 80};
    struct moe_run *run = make_run(ROWS, CACHE);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 4; k++) {
            float alone[T], among[T];
            likelihoods(run, alone, lengths[i], 0);
            likelihoods(run, among, lengths[i], others[k]);
            ck_assert(
                memcmp(alone, among, (size_t)lengths[i] * sizeof *alone) == 0);
        }
    moe_run_destroy(&run);
}
END_TEST

START_TEST(likelihoods_do_not_depend_on_the_others_asked_for)
{
    int32_t row[V], target[V];
    float all[V], want[T - 1], one;
    double sum = 0;
    struct moe_run *run = make_run(ROWS, CACHE);
    struct moe_segment s = {0, 0, T};
    ck_ok(err(), moe_run_extend(run, ids, &s, 1));
    for (int v = 0; v < V; v++) {
        row[v] = 20;
        target[v] = v;
    }
    ck_ok(err(), moe_run_nll_at(run, row, target, V, all));
    for (int v = 0; v < V; v++) {
        ck_ok(err(), moe_run_nll_at(run, row, target + v, 1, &one));
        ck_assert(memcmp(&one, &all[v], sizeof one) == 0);
        sum += exp(-(double)one);
    }
    ck_assert_double_eq_tol(sum, 1, 1e-6);
    ck_ok(err(), moe_run_forward(run, ids, 1, T));
    ck_ok(err(), moe_run_nll(run, want));
    ck_assert_float_eq_tol(all[ids[21]], want[20], 1e-5f);
    moe_run_destroy(&run);
}
END_TEST

START_TEST(a_copied_prefix_is_as_good)
{
    enum { PREFIX = 24 };
    float want[V], got[V];
    const int32_t last[] = {T - PREFIX - 1};
    struct moe_run *run = make_run(ROWS, CACHE);
    struct moe_segment whole = {0, 0, T}, prefix = {0, 0, PREFIX},
                       rest = {100, PREFIX, T - PREFIX};
    ck_ok(err(), moe_run_extend(run, ids, &whole, 1));
    ck_ok(err(), moe_run_logits(run, T - 1, 1, want));
    ck_ok(err(), moe_run_extend(run, ids, &prefix, 1));
    ck_ok(err(), moe_run_cache_copy(run, 100, 0, PREFIX));
    ck_ok(err(), moe_run_extend(run, ids + PREFIX, &rest, 1));
    ck_ok(err(), moe_run_logits_at(run, last, 1, got));
    for (int v = 0; v < V; v++)
        ck_assert_float_eq_tol(got[v], want[v], 1e-5f);
    moe_run_destroy(&run);
}
END_TEST

static void
refused(struct moe_run *run, int64_t row, int64_t past, int64_t n)
{
    struct moe_segment s = {row, past, n};
    ck_fails(err(), moe_run_extend(run, ids, &s, 1), MOE_EINVAL, "room");
}

START_TEST(bad_places_are_refused)
{
    struct moe_run *run = make_run(40, CACHE), *none = make_run(40, 0);
    struct moe_segment s = {0, 0, 3}, two[] = {{0, 0, 39}, {50, 0, 2}};
    const int32_t row[] = {0, 3}, id[] = {1, V, 2};
    float x[2 * V];
    refused(none, 0, 0, 1);
    refused(run, 0, 0, 0);
    refused(run, 0, 0, 41);
    refused(run, -1, 0, 1);
    refused(run, 0, -1, 1);
    refused(run, 190, 5, 6);
    refused(run, INT64_MAX, 0, 1);
    refused(run, 0, INT64_MAX, 1);
    ck_fails(err(), moe_run_extend(run, ids, two, 2), MOE_EINVAL, "room for 1");
    ck_fails(err(), moe_run_extend(run, ids, &s, 0), MOE_EINVAL, "no new");
    ck_fails(err(), moe_run_extend(run, id, &s, 1), MOE_EFORMAT,
             "token 1 of sequence 0: id 83");
    ck_fails(err(), moe_run_nll_at(run, row, id, 1, x), MOE_EINVAL, "before");
    ck_ok(err(), moe_run_extend(run, ids, &s, 1));
    ck_fails(err(), moe_run_logits_at(run, row, 2, x), MOE_EINVAL,
             "row 3 of 3");
    ck_fails(err(), moe_run_nll_at(run, row, id + 1, 1, x), MOE_EFORMAT,
             "id 83");
    ck_fails(err(), moe_run_cache_copy(run, 0, 1, 2), MOE_EINVAL, "copy");
    ck_fails(err(), moe_run_cache_copy(run, 199, 0, 2), MOE_EINVAL, "copy");
    moe_run_destroy(&run);
    moe_run_destroy(&none);
}
END_TEST

START_TEST(a_bad_number_is_named_by_its_sequence)
{
    struct moe_model *bad;
    struct moe_run *run;
    struct moe_run_options opt = {.B = 1, .T = 20, .cache = 50};
    struct moe_segment s[] = {{0, 0, 3}, {10, 0, 4}};
    int32_t some[] = {5, 6, 7, 8, 0, 9, 9}; // row 0 of the table has a NaN
    const struct tiny t = {.nan = "model.embed_tokens.weight"};
    ck_ok(err(), moe_model_load(support_ctx(), &bad, tiny_write("nan", &t)));
    ck_ok(err(), moe_run_create(&run, bad, &opt));
    ck_fails(err(), moe_run_extend(run, some, s, 2), MOE_ENUMERIC,
             "layer 0, sequence 1, token 1:");
    moe_run_destroy(&run);
    moe_model_destroy(&bad);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("extend");
    TCase *tc = tcase_create("packed rows");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, pieces_give_the_logits_of_the_whole);
    tcase_add_test(tc, neighbours_change_no_bit);
    tcase_add_test(tc, likelihoods_do_not_depend_on_the_others_asked_for);
    tcase_add_test(tc, a_copied_prefix_is_as_good);
    tcase_add_test(tc, bad_places_are_refused);
    tcase_add_test(tc, a_bad_number_is_named_by_its_sequence);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
