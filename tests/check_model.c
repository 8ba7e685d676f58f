/*
 * check_model.c - loading and running whole models.
 *
 * Precondition: an OpenCL device.  Claims: every spelling of the same weights
 * gives the same bits; a run gives the same numbers whatever is kept, however
 * large it was made and wherever it stops; bad input is refused in one line.
 * That the numbers are right is check_golden's claim.
 */
#include "config.h"

#include "tests/tensors.h"
#include "tests/tiny.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

enum { B = 2, T = 9, N = B * T, V = 83, E = 8, K = 2, L = 2, D = 32 };

/* Everything that a pass leaves. */
struct result {
    float logits[N * V], scores[L][N * E], weight[L][N * K];
    float hidden[L + 1][N * D], nll[B * (T - 1)];
    int32_t idx[L][N * K];
};

static struct moe_err *
err(void)
{
    return moe_ctx_err(support_ctx());
}

static void
make_ids(int32_t ids[N])
{
    for (int n = 0; n < N; n++)
        ids[n] = (n * 37 + 11) % V;
}

static void
read_result(struct moe_run *run, struct result *r)
{
    ck_ok(err(), moe_run_logits(run, 0, N, r->logits));
    ck_ok(err(), moe_run_nll(run, r->nll));
    for (int l = 0; l < L; l++)
        ck_ok(err(),
              moe_run_routing(run, l, r->scores[l], r->idx[l], r->weight[l]));
    for (int l = 0; l <= L; l++)
        ck_ok(err(), moe_run_hidden(run, l, r->hidden[l]));
}

static void
compute(struct result *r, const char *dir)
{
    struct moe_model *m;
    struct moe_run *run;
    int32_t ids[N];
    make_ids(ids);
    struct moe_run_options opt = {
        .B = B, .T = T, .keep_hidden = true, .keep_routing = true};
    ck_ok(err(), moe_model_load(support_ctx(), &m, dir));
    ck_ok(err(), moe_run_create(&run, m, &opt));
    ck_ok(err(), moe_run_forward(run, ids, B, T));
    memset(r, 0, sizeof *r);
    read_result(run, r);
    moe_run_destroy(&run);
    moe_run_destroy(&run);
    moe_model_destroy(&m);
    moe_model_destroy(&m);
}

static struct result *
new_result(const char *name, const struct tiny *t)
{
    struct result *r = malloc(sizeof *r);
    ck_assert_ptr_nonnull(r);
    compute(r, tiny_write(name, t));
    return r;
}

static void
same_results(const char *name, const struct tiny *t, const struct result *want)
{
    struct result *got = new_result(name, t);
    ck_assert_msg(memcmp(got, want, sizeof *got) == 0, "%s differs", name);
    free(got);
}

/* ---- Loading ------------------------------------------------------------ */

START_TEST(spellings_give_the_same_bits)
{
    static const enum dtype type[] = {DTYPE_F32, DTYPE_BF16, DTYPE_F16};
    for (int i = 0; i < 3; i++) {
        struct result *want =
            new_result("each", &(struct tiny){.dtype = type[i]});
        for (int l = 0; l < L; l++)
            for (int k = 0; k < N * K; k++)
                ck_assert(want->idx[l][k] >= 0 && want->idx[l][k] < E);
        same_results("fused", &(struct tiny){.dtype = type[i], .fused = true},
                     want);
        same_results("shards", &(struct tiny){.dtype = type[i], .shards = 3},
                     want);
        same_results(
            "fused-shards",
            &(struct tiny){.dtype = type[i], .fused = true, .shards = 3}, want);
        free(want);
    }
}
END_TEST

START_TEST(rotary_base_is_found_wherever_it_stands)
{
    struct result *usual = new_result("t0", &(struct tiny){0});
    struct result *want =
        new_result("t1", &(struct tiny){.config = "{\"rope_theta\":500000}"});
    ck_assert(memcmp(usual, want, sizeof *want) != 0);
    same_results("t2",
                 &(struct tiny){
                     .config = "{\"rope_parameters\":{\"rope_theta\":500000}}"},
                 want);
    same_results("t3",
                 &(struct tiny){.config = "{\"rope_theta\":500000,\"rope_"
                                          "parameters\":{\"rope_theta\":"
                                          "500000,\"rope_type\":\"default\"}}"},
                 want);
    same_results("t4", &(struct tiny){.config = "{\"rope_theta\":10000}"},
                 usual);
    free(want);
    free(usual);
}
END_TEST

START_TEST(a_tied_head_may_stand_in_the_file)
{
    static const char tied[] = "{\"tie_word_embeddings\":true}";
    struct result *want = new_result("tied", &(struct tiny){.config = tied});
    same_results("tied-head", &(struct tiny){.config = tied, .head = true},
                 want);
    struct moe_model *m;
    int rc = moe_model_load(
        support_ctx(), &m,
        tiny_write("tied-nan", &(struct tiny){.config = tied,
                                              .head = true,
                                              .nan = "lm_head.weight"}));
    ck_fails(err(), rc, MOE_EFORMAT, "'lm_head.weight' differs");
    ck_assert_ptr_null(m);
    free(want);
}
END_TEST

START_TEST(broken_checkpoints_are_refused)
{
    struct moe_model *m;
    int rc = moe_model_load(support_ctx(), &m, support_path("none"));
    ck_fails(err(), rc, MOE_EINPUT, "none");
    rc = moe_model_load(
        support_ctx(), &m,
        tiny_write("headless", &(struct tiny){.drop = "lm_head.weight"}));
    ck_fails(err(), rc, MOE_EFORMAT, "missing: lm_head.weight");
    const char *dir = tiny_write("cut", &(struct tiny){0});
    char path[512];
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    support_write(path, "\2\0\0\0\0\0\0\0{}more", 14);
    rc = moe_model_load(support_ctx(), &m, dir);
    ck_fails(err(), rc, MOE_EFORMAT, "4 bytes after the last tensor");
    ck_assert_ptr_null(m);
}
END_TEST

/* ---- Routing ------------------------------------------------------------ */

/* Softmax over all experts, not over the chosen: weights sum to less than 1
 * unless they are renormalised. */
START_TEST(weights_are_renormalised_only_when_asked)
{
    struct result *off = new_result("r0", &(struct tiny){0});
    same_results("r1", &(struct tiny){.config = "{\"norm_topk_prob\":false}"},
                 off);
    struct result *on =
        new_result("r2", &(struct tiny){.config = "{\"norm_topk_prob\":true}"});
    for (int n = 0; n < N; n++) {
        double sum = 0, all = 0;
        for (int e = 0; e < E; e++)
            all += exp(off->scores[0][n * E + e]);
        for (int k = 0; k < K; k++) {
            int e = off->idx[0][n * K + k];
            double p = exp(off->scores[0][n * E + e]) / all;
            ck_assert_double_eq_tol(off->weight[0][n * K + k], p, 1e-6);
            sum += off->weight[0][n * K + k];
        }
        ck_assert(sum < 1);
        ck_assert_double_eq_tol(on->weight[0][n * K] + on->weight[0][n * K + 1],
                                1, 1e-6);
    }
    free(on);
    free(off);
}
END_TEST

/* ---- Running ------------------------------------------------------------ */

/* What an observer saw. */
struct seen {
    int64_t layers;
    int32_t idx[L][N * K];
    int stop; // the code to return in layer 1
};

static int
watch(void *arg, int64_t layer, const struct tensor *logits,
      const struct tensor *probs, const struct tensor *idx,
      const struct tensor *weight, int64_t n)
{
    struct seen *s = arg;
    ck_assert_int_eq(n, N);
    ck_assert_int_eq(layer, s->layers++);
    ck_assert(logits->buf && probs->buf && weight->buf);
    ck_ok(err(), buffer_read(idx->buf, idx->offset * 4, s->idx[layer],
                             sizeof s->idx[layer]));
    return layer == 1 ? s->stop : MOE_OK;
}

START_TEST(a_run_that_stops_at_the_routers_routes_the_same)
{
    struct moe_model *m;
    struct moe_run *run;
    struct seen seen = {0};
    int32_t ids[N];
    float x[1];
    make_ids(ids);
    const char *dir = tiny_write("routers", &(struct tiny){0});
    struct result *want = malloc(sizeof *want);
    compute(want, dir);
    struct moe_run_options opt = {.B = B, .T = T, .routers_only = true};
    ck_ok(err(), moe_model_load(support_ctx(), &m, dir));
    ck_ok(err(), moe_run_create(&run, m, &opt));
    run_observe_router(run, watch, &seen);
    ck_ok(err(), moe_run_forward(run, ids, B, T));
    ck_assert_int_eq(seen.layers, L);
    ck_assert_mem_eq(seen.idx, want->idx, sizeof want->idx);
    int rc = moe_run_logits(run, 0, 1, x);
    ck_fails(err(), rc, MOE_EINVAL, "stops at the routers");
    rc = moe_run_routing(run, 0, x, NULL, NULL);
    ck_fails(err(), rc, MOE_EINVAL, "routing results are not kept");
    rc = moe_run_hidden(run, 0, x);
    ck_fails(err(), rc, MOE_EINVAL, "hidden states are not kept");
    seen = (struct seen){.stop = MOE_ECANCEL};
    ck_assert_int_eq(moe_run_forward(run, ids, B, T), MOE_ECANCEL);
    moe_run_destroy(&run);
    moe_model_destroy(&m);
    free(want);
}
END_TEST

/* A larger run, whose buffers still hold an earlier batch. */
START_TEST(smaller_batches_run_in_a_larger_run)
{
    struct moe_model *m;
    struct moe_run *run;
    int32_t ids[N], other[3 * 20];
    make_ids(ids);
    for (int n = 0; n < 60; n++)
        other[n] = n % V;
    const char *dir = tiny_write("larger", &(struct tiny){0});
    struct result *want = malloc(sizeof *want), *got = malloc(sizeof *got);
    compute(want, dir);
    struct moe_run_options opt = {
        .B = 3, .T = 20, .keep_hidden = true, .keep_routing = true};
    ck_ok(err(), moe_model_load(support_ctx(), &m, dir));
    ck_ok(err(), moe_run_create(&run, m, &opt));
    ck_ok(err(), moe_run_forward(run, other, 3, 20));
    ck_ok(err(), moe_run_forward(run, ids, B, T));
    read_result(run, got);
    for (int i = 0; i < N * V; i++)
        ck_assert_double_eq_tol(got->logits[i], want->logits[i], 1e-4);
    ck_assert_mem_eq(got->idx, want->idx, sizeof want->idx);
    moe_run_destroy(&run);
    moe_model_destroy(&m);
    free(want);
    free(got);
}
END_TEST

START_TEST(likelihoods_follow_from_the_logits)
{
    int32_t ids[N];
    make_ids(ids);
    struct result *r = new_result("nll", &(struct tiny){0});
    for (int b = 0; b < B; b++)
        for (int t = 0; t + 1 < T; t++) {
            const float *row = r->logits + (b * T + t) * V;
            double sum = 0;
            for (int v = 0; v < V; v++)
                sum += exp(row[v]);
            ck_assert_double_eq_tol(r->nll[b * (T - 1) + t],
                                    log(sum) - row[ids[b * T + t + 1]], 1e-4);
        }
    free(r);
}
END_TEST

START_TEST(bad_input_is_refused)
{
    struct moe_model *m;
    struct moe_run *run;
    int32_t ids[N];
    float x[V];
    make_ids(ids);
    ck_ok(err(), moe_model_load(support_ctx(), &m,
                                tiny_write("bad", &(struct tiny){0})));
    int rc = moe_run_create(&run, m, &(struct moe_run_options){.B = 0, .T = 1});
    ck_fails(err(), rc, MOE_EINVAL, "batch of 0 x 1");
    ck_assert_ptr_null(run);
    rc = moe_run_create(&run, m,
                        &(struct moe_run_options){.B = 1 << 30, .T = 1 << 30});
    ck_fails(err(), rc, MOE_EINVAL, "at most");
    struct moe_run_options opt = {.B = B, .T = T};
    ck_ok(err(), moe_run_create(&run, m, &opt));
    rc = moe_run_logits(run, 0, 1, x);
    ck_fails(err(), rc, MOE_EINVAL, "before a forward pass");
    rc = moe_run_forward(run, ids, B, T + 1);
    ck_fails(err(), rc, MOE_EINVAL, "2 x 10, made for 2 x 9");
    ids[T + 3] = V;
    rc = moe_run_forward(run, ids, B, T);
    ck_fails(err(), rc, MOE_EFORMAT, "token 3 of sequence 1: id 83, want 0 to");
    ids[T + 3] = -1;
    rc = moe_run_forward(run, ids, B, T);
    ck_fails(err(), rc, MOE_EFORMAT, "id -1");
    ids[T + 3] = 0;
    ck_ok(err(), moe_run_forward(run, ids, B, T));
    rc = moe_run_logits(run, N, 1, x);
    ck_fails(err(), rc, MOE_EINVAL, "rows 18 + 1 of 18");
    moe_run_destroy(&run);
    moe_model_destroy(&m);
}
END_TEST

/* The embedding of one token is spoilt: the first router that sees it says so,
 * and names the token itself, though attention reads a block of rows at a time;
 * a spoilt router of layer 1 is found there. */
START_TEST(a_nan_is_reported_with_layer_and_token)
{
    static const struct {
        const char *tensor, *part;
    } row[] = {
        {"model.layers.1.mlp.gate.weight", "layer 1, sequence 0, token 0"},
        {"model.layers.0.mlp.gate.weight", "layer 0, sequence 0, token 0"},
        {"model.embed_tokens.weight", "layer 0, sequence 1, token 4"},
    };
    int32_t ids[N];
    make_ids(ids);
    for (int n = 0; n < N; n++)
        ids[n] = ids[n] ? ids[n] : 1;
    ids[T + 4] = 0; // the row of the NaN
    for (int i = 0; i < 3; i++) {
        struct moe_model *m;
        struct moe_run *run;
        ck_ok(err(),
              moe_model_load(
                  support_ctx(), &m,
                  tiny_write("nan", &(struct tiny){.nan = row[i].tensor})));
        struct moe_run_options opt = {.B = B, .T = T};
        ck_ok(err(), moe_run_create(&run, m, &opt));
        int rc = moe_run_forward(run, ids, B, T);
        ck_fails(err(), rc, MOE_ENUMERIC, row[i].part);
        moe_run_destroy(&run);
        moe_model_destroy(&m);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("model");
    TCase *t = tcase_create("load");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, spellings_give_the_same_bits);
    tcase_add_test(t, rotary_base_is_found_wherever_it_stands);
    tcase_add_test(t, a_tied_head_may_stand_in_the_file);
    tcase_add_test(t, broken_checkpoints_are_refused);
    suite_add_tcase(s, t);
    t = tcase_create("run");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, weights_are_renormalised_only_when_asked);
    tcase_add_test(t, a_run_that_stops_at_the_routers_routes_the_same);
    tcase_add_test(t, smaller_batches_run_in_a_larger_run);
    tcase_add_test(t, likelihoods_follow_from_the_logits);
    tcase_add_test(t, bad_input_is_refused);
    tcase_add_test(t, a_nan_is_reported_with_layer_and_token);
    suite_add_tcase(s, t);
    return support_main(s, 1);
}
