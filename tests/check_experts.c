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
#include "tests/routed.h"
#include "tests/tensors.h"

#include <stdlib.h>

struct sample {
    struct routed r;
    float *x;
    double *y, *h, *pre;
    struct tensor tx, ty, th, tpre;
};

static void
make(struct sample *s, enum dtype type, enum spread spread)
{
    const struct routed *r = &s->r;
    int64_t slots = r->N * r->K;
    s->x = support_alloc((size_t)(r->N * r->D), sizeof *s->x);
    s->y = support_alloc((size_t)(slots * r->D), sizeof *s->y);
    s->h = support_alloc((size_t)(slots * r->F), sizeof *s->h);
    s->pre = support_alloc((size_t)(slots * 2 * r->F), sizeof *s->pre);
    s->tx = support_random("x", DTYPE_F32, SHAPE(r->N, r->D), 1, 1.0, s->x);
    s->ty = support_tensor("y", DTYPE_F32, SHAPE(slots, r->D), NULL);
    s->th = support_tensor("h", DTYPE_F32, SHAPE(slots, r->F), NULL);
    s->tpre = support_tensor("pre", DTYPE_F32, SHAPE(slots, 2 * r->F), NULL);
    routed_make(&s->r, type, spread);
}

static void
run(const struct sample *s, const struct tensor *y, const struct tensor *h,
    const struct tensor *pre)
{
    const struct routed *r = &s->r;
    struct moe_ctx *ctx = support_ctx();
    struct experts_scratch *scratch;
    ck_ok(moe_ctx_err(ctx),
          experts_create(ctx, &scratch, r->N, r->E, r->K, r->D, r->F));
    ck_ok(moe_ctx_err(ctx),
          experts_forward(ctx, scratch, y, h, pre, &s->tx, &r->weights, &r->d,
                          r->N, r->E, r->K, r->D, r->F));
    ck_ok(moe_ctx_err(ctx), ctx_finish(ctx));
    experts_destroy(&scratch);
    experts_destroy(&scratch);
}

static void
compare(int64_t N, int64_t E, int64_t K, int64_t D, int64_t F, enum dtype type,
        enum spread spread)
{
    struct sample s = {.r = {.N = N, .E = E, .K = K, .D = D, .F = F}};
    make(&s, type, spread);
    struct tensor y = support_tensor("y", DTYPE_F32, SHAPE(N * K, D), NULL);
    struct tensor h = support_tensor("h", DTYPE_F32, SHAPE(N * K, F), NULL);
    ref_experts_forward(s.y, s.h, s.pre, s.x, s.r.w, s.r.start, s.r.slot_token,
                        E, D, F);
    run(&s, &s.ty, &s.th, &s.tpre);
    support_close_tensor(&s.th, s.h, 2e-5, 1e-5);
    support_close_tensor(&s.ty, s.y, 2e-5, 1e-5);
    support_close_tensor(&s.tpre, s.pre, 2e-5, 1e-5);
    run(&s, &y, &h, NULL);
    support_same(&s.th, &h);
    support_same(&s.ty, &y);
    support_free();
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
    struct sample s = {.r = {.N = 2048, .E = 3, .K = 2, .D = 4, .F = 4}};
    make(&s, DTYPE_F32, EVEN);
    ck_ok(moe_ctx_err(ctx), experts_create(ctx, &scratch, 1, 3, 1, 4, 4));
    ck_fails(moe_ctx_err(ctx),
             experts_forward(ctx, scratch, &s.ty, &s.th, NULL, &s.tx,
                             &s.r.weights, &s.r.d, 2048, 3, 2, 4, 4),
             MOE_ESHAPE, "tiles");
    experts_destroy(&scratch);
    support_free();
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
