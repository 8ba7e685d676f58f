/*
 * check_score.c - log-likelihoods of texts: how they are cut, batched, shared.
 *
 * Precondition: an OpenCL device.  Claims: a score is the sum over the plain
 * forward pass, and is as by hand for a language of three tokens; it has the
 * same bits alone, among others, in small passes and with a small cache; equal
 * inputs and shared beginnings are computed once; a uniform model scores log V
 * a token; bad numbers name their request.
 */
#include "config.h"

#include "tests/tensors.h"
#include "tests/tiny.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/score.h"
#include "model/model.h"

enum { V = 83, TEXTS = 40, LONGEST = 60 };

static struct moe_model *model;
static int32_t text[TEXTS][LONGEST];
static struct score_request request[TEXTS];

static struct moe_err *
err(void)
{
    return moe_ctx_err(support_ctx());
}

/* Texts of many lengths; two out of three have a long beginning in common with
 * another one, and some are equal but for their end. */
static void
make_texts(void)
{
    for (int k = 0; k < TEXTS; k++) {
        int n = 3 + k * 17 % (LONGEST - 3);
        int common = k % 3 ? 35 + k % 9 : 0;
        for (int i = 0; i < n; i++)
            text[k][i] = (i < common ? i * 29 + 5 : i * 37 + k * 11) % V;
        if (k % 5 == 4) {
            n = (int)request[k - 1].n;
            memcpy(text[k], text[k - 1], sizeof text[k]);
            text[k][n - 1] = k;
        }
        request[k] = (struct score_request){
            .ids = text[k], .n = n, .first = 1 + k * 7 % (n - 1)};
    }
}

static void
setup(void)
{
    ck_ok(err(), moe_model_load(support_ctx(), &model,
                                tiny_write("plain", &(struct tiny){0})));
    make_texts();
}

static void
teardown(void)
{
    moe_model_destroy(&model);
    support_free();
}

static struct score_watch
score(struct score_request *r, size_t n, int64_t pass_tokens, uint64_t rows)
{
    struct moe_run *run;
    struct score_watch w = {0};
    struct eval_run_options opt = {.max_length = LONGEST,
                                   .pass_tokens = pass_tokens,
                                   .cache_bytes = rows * 2 * 2 * 32 * 4};
    ck_ok(err(), eval_run_create(&run, model, &opt));
    ck_ok(err(), score_run(run, r, n, &w));
    moe_run_destroy(&run);
    return w;
}

/* The sum over a plain pass. */
static double
plainly(const struct score_request *r)
{
    struct moe_run *run;
    struct moe_run_options opt = {.B = 1, .T = r->n};
    float *nll = support_alloc((size_t)r->n, sizeof *nll);
    double sum = 0;
    ck_ok(err(), moe_run_create(&run, model, &opt));
    ck_ok(err(), moe_run_forward(run, r->ids, 1, r->n));
    ck_ok(err(), moe_run_nll(run, nll));
    moe_run_destroy(&run);
    for (int64_t i = r->first; i < r->n; i++)
        sum -= (double)nll[i - 1];
    return sum;
}

START_TEST(scores_are_sums_of_a_plain_pass)
{
    score(request, TEXTS, 200, 2000);
    for (int k = 0; k < TEXTS; k++)
        ck_assert_double_eq_tol(request[k].ll, plainly(&request[k]), 1e-4);
}
END_TEST

/* A language of three tokens, in which only the last one matters.  Embeddings
 * are 2 times a unit vector of 4, whose root mean square is 1, attention and
 * experts add nothing, and the head makes of token t the logits log w(t,v):
 *
 *     p(v | t) = w(t,v) / sum    v =  a     b     c
 *     after a                        1/2   1/4   1/4
 *     after b                        1/5   3/5   1/5
 *     after c                       1/10  1/10  8/10
 */
static void
fill_by_hand(float *x, const struct param *p, size_t n)
{
    static const double w[3][3] = {{2, 1, 1}, {1, 3, 1}, {1, 1, 8}};
    for (size_t i = 0; i < n; i++)
        x[i] = param_group(p->kind) == GROUP_NORM;
    for (size_t v = 0; v < 3; v++) {
        if (p->kind == PARAM_EMBED)
            x[4 * v + v] = 2;
        for (size_t t = 0; p->kind == PARAM_HEAD && t < 3; t++)
            x[4 * v + t] = (float)(log(w[t][v]) / 2);
    }
}

START_TEST(scores_are_as_by_hand)
{
    static const int32_t ids[] = {0, 1, 2, 2, 0}; // a b c c a
    static const int32_t option[3][2] = {{0, 0}, {0, 1}, {0, 2}};
    struct moe_model *usual = model;
    struct score_request r[] = {{ids, 5, 1, 0},       {ids, 5, 3, 0},
                                {ids, 4, 3, 0},       {option[0], 2, 1, 0},
                                {option[1], 2, 1, 0}, {option[2], 2, 1, 0}};
    const struct tiny by_hand = {
        .config = "{\"vocab_size\": 3, \"hidden_size\": 4,"
                  " \"num_hidden_layers\": 1, \"num_attention_heads\": 1,"
                  " \"num_experts\": 2, \"num_experts_per_tok\": 1,"
                  " \"intermediate_size\": 4, \"rms_norm_eps\": 1e-12}",
        .fill = fill_by_hand};
    ck_ok(err(), moe_model_load(support_ctx(), &model,
                                tiny_write("by-hand", &by_hand)));
    score(r, 6, 0, 2000);
    moe_model_destroy(&model);
    model = usual;
    /* b c c a after a: 1/4 1/5 8/10 1/10 = 0.004. */
    ck_assert_double_eq_tol(r[0].ll, -5.521460918, 1e-5);
    /* c a after a b c: 8/10 1/10 = 0.08; c alone: 8/10. */
    ck_assert_double_eq_tol(r[1].ll, -2.525728644, 1e-5);
    ck_assert_double_eq_tol(r[2].ll, -0.223143551, 1e-5);
    /* One token after a: 1/2, 1/4, 1/4. */
    ck_assert_double_eq_tol(r[3].ll, -0.693147181, 1e-5);
    ck_assert_double_eq_tol(r[4].ll, -1.386294361, 1e-5);
    ck_assert_double_eq_tol(r[5].ll, -1.386294361, 1e-5);
}
END_TEST

START_TEST(company_changes_no_bit)
{
    static const struct {
        int64_t pass;
        uint64_t rows;
    } size[] = {{2000, 5000}, {64, 5000}, {37, 130}, {200, 1}, {1, 300}};
    double alone[TEXTS];
    for (int k = 0; k < TEXTS; k++) {
        score(&request[k], 1, 100, 100);
        alone[k] = request[k].ll;
    }
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        score(request, TEXTS, size[i].pass, size[i].rows);
        for (int k = 0; k < TEXTS; k++)
            ck_assert(memcmp(&alone[k], &request[k].ll, sizeof *alone) == 0);
    }
}
END_TEST

/* Four answers of one token to one question, and 20 questions with the same
 * beginning. */
START_TEST(what_is_shared_is_computed_once)
{
    static int32_t ids[20][4][50];
    static struct score_request r[80];
    for (int q = 0; q < 20; q++)
        for (int a = 0; a < 4; a++) {
            for (int i = 0; i < 50; i++)
                ids[q][a][i] = i < 40 ? (i * 7 + 3) % V : (i * 5 + q) % V;
            ids[q][a][49] = a;
            r[4 * q + a] =
                (struct score_request){.ids = ids[q][a], .n = 50, .first = 49};
        }
    struct score_watch w = score(r, 80, 500, 5000);
    ck_assert_uint_eq(w.requested, 80 * 49);
    ck_assert_uint_eq(w.tokens, 49 + 19 * 9);
    ck_assert_double_eq_tol(r[41].ll, plainly(&r[41]), 1e-4);
}
END_TEST

START_TEST(a_uniform_model_has_the_perplexity_of_its_vocabulary)
{
    struct moe_model *kept = model;
    const struct tiny t = {.zero = "lm_head.weight"};
    ck_ok(err(),
          moe_model_load(support_ctx(), &model, tiny_write("uniform", &t)));
    score(request, TEXTS, 200, 2000);
    for (int k = 0; k < TEXTS; k++)
        ck_assert_double_eq_tol(
            exp(-request[k].ll / (double)(request[k].n - request[k].first)), V,
            1e-3);
    moe_model_destroy(&model);
    model = kept;
}
END_TEST

START_TEST(bad_numbers_name_their_request)
{
    struct moe_run *run;
    struct moe_model *bad;
    struct score_watch w;
    int32_t good[] = {4, 5, 6}, worse[] = {4, 5, 7, 0, 8, 9};
    struct score_request r[] = {{good, 3, 1, 0}, {worse, 6, 1, 0}};
    const struct tiny router = {.nan = "model.embed_tokens.weight"},
                      head = {.nan = "lm_head.weight"};
    const struct eval_run_options opt = {0};
    ck_ok(err(), moe_model_load(support_ctx(), &bad, tiny_write("r", &router)));
    ck_ok(err(), eval_run_create(&run, bad, &opt));
    ck_fails(err(), score_run(run, r, 2, &w), MOE_ENUMERIC, "router");
    ck_assert_uint_eq(w.failed, 1);
    moe_run_destroy(&run);
    moe_model_destroy(&bad);
    ck_ok(err(), moe_model_load(support_ctx(), &bad, tiny_write("h", &head)));
    ck_ok(err(), eval_run_create(&run, bad, &opt));
    ck_fails(err(), score_run(run, r, 1, &w), MOE_ENUMERIC, "not a number");
    ck_assert_uint_eq(w.failed, 0);
    moe_run_destroy(&run);
    moe_model_destroy(&bad);
}
END_TEST

static bool
stop(void *arg, size_t done, size_t total)
{
    *(size_t *)arg = done;
    return done < total;
}

START_TEST(bad_requests_are_refused_and_a_stop_is_heard)
{
    struct moe_run *run;
    size_t done = 0;
    struct score_watch w = {.pass = stop, .arg = &done};
    const struct eval_run_options opt = {
        .max_length = 20, .pass_tokens = 30, .cache_bytes = 1};
    struct score_request r[] = {{text[1], 2, 1, 0}, {text[1], 22, 1, 0}};
    ck_ok(err(), eval_run_create(&run, model, &opt));
    ck_assert_int_eq(eval_run_length(run), 20);
    ck_fails(err(), score_run(run, r, 2, &w), MOE_EINVAL, "at most 20");
    ck_assert_uint_eq(w.failed, 1);
    r[1].n = 21;
    r[1].first = 0;
    ck_fails(err(), score_run(run, r, 2, &w), MOE_EINVAL, "want 1 or more");
    r[1].first = 21;
    ck_fails(err(), score_run(run, r, 2, &w), MOE_EINVAL, "want 1 or more");
    r[1].first = 20;
    r[0].n = 21;
    r[0].ids = text[3];
    ck_fails(err(), score_run(run, r, 2, &w), MOE_ECANCEL, "stopped");
    ck_assert_uint_eq(done, 1);
    ck_ok(err(), score_run(run, r, 0, &w));
    moe_run_destroy(&run);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("score");
    TCase *tc = tcase_create("likelihoods");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, scores_are_sums_of_a_plain_pass);
    tcase_add_test(tc, scores_are_as_by_hand);
    tcase_add_test(tc, company_changes_no_bit);
    tcase_add_test(tc, what_is_shared_is_computed_once);
    tcase_add_test(tc, a_uniform_model_has_the_perplexity_of_its_vocabulary);
    tcase_add_test(tc, bad_numbers_name_their_request);
    tcase_add_test(tc, bad_requests_are_refused_and_a_stop_is_heard);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
