/*
 * check_experts_grad.c - the expert MLPs backwards against the reference.
 *
 * Precondition: an OpenCL device; slots sorted by expert and the products of
 * the forward pass, filled in here.
 * Claim: the reference's gradients predict how its own loss changes; the
 * device agrees with it for weights of every type, experts without a token,
 * one with all of them and ragged ones, sizes that no tile divides, by the
 * plain and by the CPU kernels; gradients add up; what is frozen, or has no
 * token, is left alone; h may be missing; two runs give the same bits.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/routed.h"
#include "tests/tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sample {
    struct routed r;
    float *x, *dout, *ws;
    double *y, *h, *pre;              // of the forward pass
    double *dws, *dxs, *dw, *dpre;    // of the reference
    struct tensor tx, tdout, tws, th; // inputs
};

struct result {
    struct tensor dws, dxs, dw, pre;
    struct expert_weights grads;
};

static double *
doubles(int64_t n)
{
    return support_alloc((size_t)n, sizeof(double));
}

static struct tensor
floats(const char *name, int64_t rows, int64_t columns, const double *x)
{
    float *host = support_alloc((size_t)(rows * columns), sizeof *host);
    for (int64_t i = 0; i < rows * columns; i++)
        host[i] = (float)x[i];
    return support_tensor(name, DTYPE_F32, SHAPE(rows, columns), host);
}

static void
forward(struct sample *s)
{
    const struct routed *r = &s->r;
    ref_experts_forward(s->y, s->h, s->pre, s->x, r->w, r->start, r->slot_token,
                        r->E, r->D, r->F);
}

static void
backward(struct sample *s)
{
    const struct routed *r = &s->r;
    ref_experts_backward(s->dws, s->dxs, s->dw, s->dpre, s->pre, s->dout, s->x,
                         s->ws, r->w, r->start, r->slot_token, r->E, r->D,
                         r->F);
}

/* What gradients are added to: 1, 2, 3, 1, 2, 3 ... */
static double
held(int64_t i)
{
    return (double)(1 + i % 3);
}

static void
make(struct sample *s, enum dtype type, enum spread spread)
{
    const struct routed *r = &s->r;
    int64_t N = r->N, D = r->D, F = r->F, slots = N * r->K;
    int64_t size = 3 * r->E * D * F;
    s->x = support_alloc((size_t)(N * D), sizeof *s->x);
    s->dout = support_alloc((size_t)(N * D), sizeof *s->dout);
    s->ws = support_alloc((size_t)slots, sizeof *s->ws);
    s->tx = support_random("x", DTYPE_F32, SHAPE(N, D), 1, 1.0, s->x);
    s->tdout = support_random("dout", DTYPE_F32, SHAPE(N, D), 3, 1.0, s->dout);
    s->tws = support_random("ws", DTYPE_F32, SHAPE(slots), 4, 0.5, s->ws);
    s->y = doubles(slots * D);
    s->h = doubles(slots * F);
    s->pre = doubles(slots * 2 * F);
    s->dws = doubles(slots);
    s->dxs = doubles(slots * D);
    s->dpre = doubles(slots * 2 * F);
    s->dw = doubles(size);
    for (int64_t i = 0; i < size; i++)
        s->dw[i] = held(i);
    routed_make(&s->r, type, spread);
    forward(s);
    s->th = floats("h", slots, F, s->h);
}

/* Outputs full of NaN, gradients of weights that hold something. */
static struct result
outputs(const struct sample *s)
{
    const struct routed *r = &s->r;
    int64_t slots = r->N * r->K, size = 3 * r->E * r->D * r->F;
    struct result out;
    double *dw = doubles(size);
    for (int64_t i = 0; i < size; i++)
        dw[i] = held(i);
    out.dws = support_tensor("dws", DTYPE_F32, SHAPE(slots), NULL);
    out.dxs = support_tensor("dxs", DTYPE_F32, SHAPE(slots, r->D), NULL);
    out.pre = floats("pre", slots, 2 * r->F, s->pre);
    out.dw = floats("dw", 1, size, dw);
    out.grads =
        (struct expert_weights){.buf = out.dw.buf,
                                .dtype = DTYPE_F32,
                                .offsets = routed_offsets(r, out.dw.offset)};
    return out;
}

static void
run(const struct sample *s, const struct result *out,
    const struct expert_weights *dw, const struct tensor *h)
{
    const struct routed *r = &s->r;
    struct moe_ctx *ctx = support_ctx();
    struct experts_scratch *scratch;
    ck_ok(moe_ctx_err(ctx),
          experts_create(ctx, &scratch, r->N, r->E, r->K, r->D, r->F));
    ck_ok(moe_ctx_err(ctx),
          experts_backward(ctx, scratch, &out->dws, &out->dxs, dw, &out->pre, h,
                           &s->tdout, &s->tx, &s->tws, &r->weights, &r->d, r->N,
                           r->E, r->K, r->D, r->F));
    ck_ok(moe_ctx_err(ctx), ctx_finish(ctx));
    experts_destroy(&scratch);
}

static void
close_to(const struct sample *s, const struct result *out)
{
    support_close_tensor(&out->dws, s->dws, 3e-5, 2e-5);
    support_close_tensor(&out->pre, s->dpre, 3e-5, 2e-5);
    support_close_tensor(&out->dxs, s->dxs, 3e-5, 2e-5);
    support_close_tensor(&out->dw, s->dw, 5e-5, 2e-5);
}

static void
compare(int64_t N, int64_t E, int64_t K, int64_t D, int64_t F, enum dtype type,
        enum spread spread)
{
    struct sample s = {.r = {.N = N, .E = E, .K = K, .D = D, .F = F}};
    make(&s, type, spread);
    backward(&s);
    struct result a = outputs(&s), b = outputs(&s), c = outputs(&s);
    run(&s, &a, &a.grads, &s.th);
    close_to(&s, &a);
    run(&s, &b, &b.grads, &s.th);
    support_same(&a.dws, &b.dws);
    support_same(&a.dxs, &b.dxs);
    support_same(&a.pre, &b.pre);
    support_same(&a.dw, &b.dw);
    run(&s, &c, &c.grads, NULL);
    support_same(&a.dws, &c.dws);
    support_same(&a.dxs, &c.dxs);
    support_close_tensor(&c.dw, s.dw, 5e-5, 2e-5);
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
    }
    compare(1, 1, 1, 1, 1, DTYPE_F32, EVEN);
    compare(0, 3, 2, 8, 8, DTYPE_F32, EVEN);
    if (support_quick())
        return;
    // Depths above a packed panel: of tokens, of columns.
    compare(601, 3, 1, 29, 19, DTYPE_F32, ONE_HAS_ALL);
    compare(13, 2, 1, 1049, 523, DTYPE_BF16, EVEN);
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

/* ---- The reference itself ------------------------------------------------ */

static double
loss(struct sample *s)
{
    const struct routed *r = &s->r;
    double sum = 0;
    forward(s);
    for (int64_t i = 0; i < r->N * r->K; i++)
        for (int64_t d = 0; d < r->D; d++)
            sum += (double)s->ws[i] * s->dout[r->slot_token[i] * r->D + d] *
                   s->y[i * r->D + d];
    return sum;
}

/* Move n numbers along a random direction, both ways: the loss must change as
 * `slope`, their gradient, says.  Steps are counted as f32 rounds them. */
static void
move(struct sample *s, float *p, const double *slope, int64_t n, uint64_t seed)
{
    float *way = support_alloc((size_t)n, sizeof *way);
    float *old = support_alloc((size_t)n, sizeof *old);
    double change[2], expected = 0;
    support_normal(way, (size_t)n, seed, 1e-4);
    memcpy(old, p, (size_t)n * sizeof *old);
    for (int side = 0; side < 2; side++) {
        for (int64_t i = 0; i < n; i++) {
            p[i] = old[i] + (side ? -way[i] : way[i]);
            expected += (side ? -1 : 1) * ((double)p[i] - old[i]) * slope[i];
        }
        change[side] = loss(s);
    }
    memcpy(p, old, (size_t)n * sizeof *old);
    double got = change[0] - change[1];
    ck_assert_msg(fabs(got - expected) <= 1e-5 * (fabs(expected) + 1e-4),
                  "loss moved by %.9g, its gradient says %.9g", got, expected);
}

START_TEST(reference_is_the_derivative)
{
    struct sample s = {.r = {.N = 17, .E = 4, .K = 2, .D = 12, .F = 9}};
    const struct routed *r = &s.r;
    make(&s, DTYPE_F32, RAGGED);
    memset(s.dw, 0, (size_t)(3 * r->E * r->D * r->F) * sizeof *s.dw);
    backward(&s);
    double *dx = doubles(r->N * r->D);
    for (int64_t i = 0; i < r->N * r->K; i++)
        for (int64_t d = 0; d < r->D; d++)
            dx[r->slot_token[i] * r->D + d] += s.dxs[i * r->D + d];
    for (uint64_t seed = 10; seed < 14; seed++) {
        move(&s, s.x, dx, r->N * r->D, seed);
        move(&s, s.ws, s.dws, r->N * r->K, seed);
        move(&s, r->w, s.dw, 3 * r->E * r->D * r->F, seed);
    }
    support_free();
}
END_TEST

/* ---- What is not trained --------------------------------------------------
 */

/* Expert 2's gate, expert 0's up and down and expert 1, which has no token,
 * keep their bytes, NaN among them; the others get what they always get. */
static void
check_frozen(void)
{
    struct sample s = {.r = {.N = 37, .E = 4, .K = 2, .D = 24, .F = 11}};
    const struct routed *r = &s.r;
    int64_t one = r->D * r->F, size = 3 * r->E * one;
    make(&s, DTYPE_F32, RAGGED);
    backward(&s);
    struct result all = outputs(&s), some = outputs(&s);
    static const int kept[] = {1, 2, 3, 4, 5, 6};
    uint64_t offset[12];
    float *a = support_alloc((size_t)size, sizeof *a);
    float *b = support_alloc((size_t)size, sizeof *b);
    support_read(&some.dw, b);
    for (int i = 0; i < 12; i++)
        offset[i] = some.dw.offset + (uint64_t)(i * one);
    for (int i = 0; i < 6; i++)
        for (int64_t j = 0; j < one; j++)
            b[kept[i] * one + j] = NAN;
    ck_ok(moe_ctx_err(support_ctx()), tensor_write(&some.dw, b));
    offset[1] = offset[2] = offset[6] = UINT64_MAX;
    some.grads.offsets =
        support_tensor("offsets", DTYPE_U64, SHAPE(4, 3), offset);
    run(&s, &all, &all.grads, &s.th);
    close_to(&s, &all);
    run(&s, &some, &some.grads, &s.th);
    support_read(&all.dw, a);
    for (int i = 0; i < 6; i++)
        memcpy(a + kept[i] * one, b + kept[i] * one, (size_t)one * sizeof *a);
    support_read(&some.dw, b);
    ck_assert_mem_eq(a, b, (size_t)size * sizeof *a);
    support_free();
}

START_TEST(leaves_frozen_and_idle_alone)
{
    check_frozen();
    setenv("POLYMOE_GEMM", "plain", 1);
    check_frozen();
    unsetenv("POLYMOE_GEMM");
}
END_TEST

START_TEST(needs_no_gradients_of_weights)
{
    struct sample s = {.r = {.N = 19, .E = 3, .K = 2, .D = 16, .F = 8}};
    make(&s, DTYPE_F32, RAGGED);
    backward(&s);
    struct result a = outputs(&s);
    run(&s, &a, NULL, NULL);
    support_close_tensor(&a.dws, s.dws, 3e-5, 2e-5);
    support_close_tensor(&a.dxs, s.dxs, 3e-5, 2e-5);
    support_free();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("experts_grad");
    TCase *tc = tcase_create("experts_grad");
    tcase_set_timeout(tc, 600);
    tcase_add_test(tc, reference_is_the_derivative);
    tcase_add_test(tc, agrees);
    tcase_add_test(tc, plain_kernels_agree);
    tcase_add_test(tc, leaves_frozen_and_idle_alone);
    tcase_add_test(tc, needs_no_gradients_of_weights);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
