/*
 * check_experts.c - the expert MLPs against the reference.
 *
 * Precondition: an OpenCL device; slots sorted by expert, filled in here.
 * Claim: y, h and pre agree with the double reference for weights of every type
 * at any place of the buffer, experts without a token, one with all of them and
 * ragged ones, sizes that no tile divides, by the plain and by the CPU
 * kernels; two runs, one without pre, give the same bits.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "nn/nn.h"

/* What the router does. */
enum spread { EVEN, RAGGED, ONE_HAS_ALL };

struct sample {
    int64_t N, E, K, D, F;
    float *x, *w;
    double *y, *h, *pre;
    int32_t *start, *slot_token;
    struct tensor tx, tw, ty, th, tpre;
    struct expert_weights weights;
    struct dispatch d;
};

/* Slot s of token s / K goes to which expert. */
static int64_t
choose(const struct sample *s, enum spread spread, int64_t slot)
{
    double u = rng_uniform(7, 0, (uint64_t)slot);
    if (spread == ONE_HAS_ALL)
        return s->E - 1;
    return (int64_t)((spread == RAGGED ? u * u * u : u) * (double)s->E);
}

static void
route(struct sample *s, enum spread spread)
{
    int64_t slots = s->N * s->K, at = 0;
    s->start = calloc((size_t)s->E + 1, sizeof *s->start);
    s->slot_token = calloc((size_t)slots + 1, sizeof *s->slot_token);
    for (int64_t e = 0; e < s->E; e++) {
        s->start[e] = (int32_t)at;
        // Expert 1 gets nothing.
        for (int64_t i = 0; i < slots; i++) {
            int64_t want = choose(s, spread, i);
            if ((want == 1 && s->E > 2 ? 0 : want) == e)
                s->slot_token[at++] = (int32_t)(i / s->K);
        }
    }
    s->start[s->E] = (int32_t)at;
    ck_assert_int_eq(at, slots);
    s->d.start = support_tensor("start", DTYPE_I32, SHAPE(s->E + 1), s->start);
    s->d.slot_token =
        support_tensor("slot_token", DTYPE_I32, SHAPE(slots), s->slot_token);
}

/* Matrices one after another in the reference's order; the device's table
 * says so, from the tensor's odd offset on. */
static void
place(struct sample *s)
{
    uint64_t *offset = malloc((size_t)s->E * 3 * sizeof *offset);
    for (int64_t i = 0; i < 3 * s->E; i++)
        offset[i] = s->tw.offset + (uint64_t)(i * s->D * s->F);
    s->weights.offsets =
        support_tensor("offsets", DTYPE_U64, SHAPE(s->E, 3), offset);
    free(offset);
}

static void
make(struct sample *s, enum dtype type, enum spread spread)
{
    int64_t slots = s->N * s->K, size = 3 * s->E * s->D * s->F;
    s->x = malloc((size_t)(s->N * s->D + 1) * sizeof *s->x);
    s->w = malloc((size_t)size * sizeof *s->w);
    s->y = malloc((size_t)(slots * s->D + 1) * sizeof *s->y);
    s->h = malloc((size_t)(slots * s->F + 1) * sizeof *s->h);
    s->pre = malloc((size_t)(slots * 2 * s->F + 1) * sizeof *s->pre);
    s->tx = support_random("x", DTYPE_F32, SHAPE(s->N, s->D), 1, 1.0, s->x);
    s->tw = support_random("w", type, SHAPE(size), 2, 1.5 / sqrt((double)s->D),
                           s->w);
    s->ty = support_tensor("y", DTYPE_F32, SHAPE(slots, s->D), NULL);
    s->th = support_tensor("h", DTYPE_F32, SHAPE(slots, s->F), NULL);
    s->tpre = support_tensor("pre", DTYPE_F32, SHAPE(slots, 2 * s->F), NULL);
    s->weights = (struct expert_weights){.buf = s->tw.buf, .dtype = type};
    route(s, spread);
    place(s);
}

static void
drop(struct sample *s)
{
    free(s->x);
    free(s->w);
    free(s->y);
    free(s->h);
    free(s->pre);
    free(s->start);
    free(s->slot_token);
    support_free();
}

static void
run(const struct sample *s, const struct tensor *y, const struct tensor *h,
    const struct tensor *pre)
{
    struct moe_ctx *ctx = support_ctx();
    struct experts_scratch *scratch;
    ck_ok(moe_ctx_err(ctx),
          experts_create(ctx, &scratch, s->N, s->E, s->K, s->D, s->F));
    ck_ok(moe_ctx_err(ctx),
          experts_forward(ctx, scratch, y, h, pre, &s->tx, &s->weights, &s->d,
                          s->N, s->E, s->K, s->D, s->F));
    ck_ok(moe_ctx_err(ctx), ctx_finish(ctx));
    experts_destroy(&scratch);
    experts_destroy(&scratch);
}

static void
compare(int64_t N, int64_t E, int64_t K, int64_t D, int64_t F, enum dtype type,
        enum spread spread)
{
    struct sample s = {.N = N, .E = E, .K = K, .D = D, .F = F};
    make(&s, type, spread);
    struct tensor y = support_tensor("y", DTYPE_F32, SHAPE(N * K, D), NULL);
    struct tensor h = support_tensor("h", DTYPE_F32, SHAPE(N * K, F), NULL);
    ref_experts_forward(s.y, s.h, s.pre, s.x, s.w, s.start, s.slot_token, E, D,
                        F);
    run(&s, &s.ty, &s.th, &s.tpre);
    support_close_tensor(&s.th, s.h, 2e-5, 1e-5);
    support_close_tensor(&s.ty, s.y, 2e-5, 1e-5);
    support_close_tensor(&s.tpre, s.pre, 2e-5, 1e-5);
    run(&s, &y, &h, NULL);
    support_same(&s.th, &h);
    support_same(&s.ty, &y);
    drop(&s);
}

static const enum dtype types[] = {DTYPE_F32, DTYPE_BF16, DTYPE_F16};

static void
compare_all(void)
{
    for (int i = 0; i < 3; i++) {
        compare(37, 5, 2, 24, 11, types[i], RAGGED);
        compare(9, 4, 1, 33, 65, types[i], ONE_HAS_ALL);
        if (support_quick())
            break;
        compare(64, 8, 2, 64, 32, types[i], EVEN);
        compare(131, 3, 2, 67, 131, types[i], RAGGED);
        compare(211, 4, 2, 64, 64, types[i], ONE_HAS_ALL);
        compare(60, 64, 8, 96, 64, types[i], RAGGED);
    }
    compare(1, 1, 1, 1, 1, DTYPE_F32, EVEN);
    compare(0, 3, 2, 8, 8, DTYPE_F32, EVEN);
    // Depths above a packed panel.
    if (!support_quick())
        compare(23, 2, 1, 1049, 523, DTYPE_BF16, EVEN);
}

START_TEST(agrees)
{
    compare_all();
}
END_TEST

START_TEST(plain_kernels_agree)
{
    setenv("POLYMOE_GEMM", "plain", 1);
    compare_all();
    unsetenv("POLYMOE_GEMM");
}
END_TEST

START_TEST(refuses_more_than_it_was_made_for)
{
    struct moe_ctx *ctx = support_ctx();
    struct experts_scratch *scratch;
    struct sample s = {.N = 2048, .E = 3, .K = 2, .D = 4, .F = 4};
    make(&s, DTYPE_F32, EVEN);
    ck_ok(moe_ctx_err(ctx), experts_create(ctx, &scratch, 1, s.E, 1, 4, 4));
    ck_fails(moe_ctx_err(ctx),
             experts_forward(ctx, scratch, &s.ty, &s.th, NULL, &s.tx,
                             &s.weights, &s.d, s.N, s.E, s.K, 4, 4),
             MOE_ESHAPE, "tiles");
    experts_destroy(&scratch);
    drop(&s);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("experts");
    TCase *tc = tcase_create("experts");
    tcase_set_timeout(tc, 600);
    tcase_add_test(tc, agrees);
    tcase_add_test(tc, plain_kernels_agree);
    tcase_add_test(tc, refuses_more_than_it_was_made_for);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
