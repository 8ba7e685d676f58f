/*
 * check_adamw.c - the optimiser's update against the reference.
 *
 * Precondition: random parameters, moments and gradients.  Claim: w, m and v
 * agree with double arithmetic over several steps; bf16 weights move by their
 * exact update in the mean, the same way twice; what lies outside the range
 * is untouched.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ref/ref.h"
#include "train/optimizer.h"

enum { PAD = 3, STEPS = 3 };

/* An arena range of n f32 elements behind PAD others, on both sides. */
struct range {
    struct tensor t;
    float *host;
};

static struct range
range_make(struct moe_ctx *ctx, int64_t n, uint64_t seed, double scale)
{
    struct range r;
    r.t = tensor_shape(DTYPE_F32, 1, &(int64_t){n + PAD});
    r.host = calloc((size_t)(n + PAD), sizeof *r.host);
    support_normal(r.host, (size_t)(n + PAD), seed, scale);
    ck_ok(moe_ctx_err(ctx), tensor_create(ctx, &r.t, "range"));
    ck_ok(moe_ctx_err(ctx), tensor_write(&r.t, r.host));
    return r;
}

static struct tensor
inside(const struct range *r)
{
    return tensor_rows(&r->t, PAD, r->t.dim[0] - PAD);
}

static void
range_free(struct range *r)
{
    free(r->host);
    buffer_destroy(&r->t.buf);
}

static double *
widen(const float *x, int64_t n)
{
    double *y = calloc((size_t)n, sizeof *y);
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i];
    return y;
}

static void
compare(const char *what, struct range *got, const double *want, int64_t n)
{
    float *x = calloc((size_t)(n + PAD), sizeof *x);
    ck_assert_int_eq(tensor_read(&got->t, x), MOE_OK);
    ck_assert_msg(memcmp(x, got->host, PAD * sizeof *x) == 0,
                  "%s: wrote before its range", what);
    support_close(what, x + PAD, want, (size_t)n, 1e-7, 2e-6);
    free(x);
}

static void
check_f32(int64_t n)
{
    struct moe_ctx *ctx = support_ctx();
    struct moe_err *err = moe_ctx_err(ctx);
    struct range w = range_make(ctx, n, 1, 1), g = range_make(ctx, n, 2, 0.1);
    struct range m = range_make(ctx, n, 3, 0), v = range_make(ctx, n, 4, 0);
    struct range s = range_make(ctx, 1, 5, 0);
    s.host[PAD] = 0.25f;
    ck_ok(err, tensor_write(&s.t, s.host));
    double *rw = widen(w.host + PAD, n), *rm = widen(m.host + PAD, n),
           *rv = widen(v.host + PAD, n);
    struct adamw o = {1e-2, 0.9, 0.95, 1e-8, 0.1, 0, 0};
    struct tensor tw = inside(&w), tm = inside(&m), tv = inside(&v),
                  tg = inside(&g), ts = inside(&s);
    for (o.step = 1; o.step <= STEPS; o.step++) {
        ck_ok(err,
              adamw_step(ctx, &tw, &tm, &tv, &tg, &ts, &o, 0, (uint64_t)n));
        ref_adamw(rw, rm, rv, g.host + PAD, 0.25, o.lr, o.beta1, o.beta2, o.eps,
                  o.decay, o.step, n);
    }
    compare("w", &w, rw, n);
    compare("m", &m, rm, n);
    compare("v", &v, rv, n);
    free(rw);
    free(rm);
    free(rv);
    range_free(&w);
    range_free(&m);
    range_free(&v);
    range_free(&g);
    range_free(&s);
}

START_TEST(f32_agrees)
{
    static const int64_t sizes[] = {1, 63, 64, 65, 1009};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_f32(sizes[i]);
}
END_TEST

/* One step of n equal bf16 weights whose update is a tenth of a unit in the
 * last place: most stay, some move, and the mean is the exact update. */
static void
bf16_once(uint16_t *out, int64_t n, uint64_t seed, double decay, double lr)
{
    struct moe_ctx *ctx = support_ctx();
    struct moe_err *err = moe_ctx_err(ctx);
    struct range m = range_make(ctx, n, 3, 0), v = range_make(ctx, n, 4, 0);
    struct range g = range_make(ctx, n, 5, 0), s = range_make(ctx, 1, 6, 0);
    struct tensor w = tensor_shape(DTYPE_BF16, 1, &n);
    struct adamw o = {lr, 0.9, 0.95, 1e-8, decay, 1, seed};
    for (int64_t i = 0; i < n; i++) {
        out[i] = dtype_f32_to_bf16(1.5f);
        g.host[PAD + i] = 1;
    }
    s.host[PAD] = 1;
    ck_ok(err, tensor_write(&g.t, g.host));
    ck_ok(err, tensor_write(&s.t, s.host));
    ck_ok(err, tensor_create(ctx, &w, "w"));
    ck_ok(err, tensor_write(&w, out));
    struct tensor tm = inside(&m), tv = inside(&v), tg = inside(&g),
                  ts = inside(&s);
    ck_ok(err, adamw_step(ctx, &w, &tm, &tv, &tg, &ts, &o, 0, (uint64_t)n));
    ck_ok(err, tensor_read(&w, out));
    buffer_destroy(&w.buf);
    range_free(&m);
    range_free(&v);
    range_free(&g);
    range_free(&s);
}

START_TEST(bf16_rounds_stochastically)
{
    enum { N = 20000 };
    const double unit = 0x1p-7; // of 1.5 in bf16
    uint16_t *a = calloc(N, sizeof *a), *b = calloc(N, sizeof *b);
    bf16_once(a, N, 1, 0, unit / 10);
    int moved = 0;
    for (int i = 0; i < N; i++) {
        double steps = (1.5 - dtype_bf16_to_f32(a[i])) / unit;
        ck_assert(steps == 0 || steps == 1);
        moved += steps == 1;
    }
    ck_assert_msg(abs(moved - N / 10) < N / 100, "%d of %d moved", moved, N);
    bf16_once(b, N, 1, 0, unit / 10);
    ck_assert(memcmp(a, b, N * sizeof *a) == 0);
    bf16_once(b, N, 2, 0, unit / 10);
    ck_assert(memcmp(a, b, N * sizeof *a) != 0);
    bf16_once(b, N, 1, 0.1, 0); // no rate: nothing moves, whatever the decay
    for (int i = 0; i < N; i++)
        ck_assert_uint_eq(b[i], dtype_f32_to_bf16(1.5f));
    free(a);
    free(b);
}
END_TEST

START_TEST(master_copies_round_to_even)
{
    struct moe_ctx *ctx = support_ctx();
    struct moe_err *err = moe_ctx_err(ctx);
    const float x[] = {1.00390625f, 1.01171875f, -3.1f, 0, NAN, INFINITY};
    const int64_t n = sizeof x / sizeof *x;
    struct tensor tx = tensor_shape(DTYPE_F32, 1, &n);
    struct tensor ty = tensor_shape(DTYPE_BF16, 1, &n);
    uint16_t y[sizeof x / sizeof *x];
    ck_ok(err, tensor_create(ctx, &tx, "x"));
    ck_ok(err, tensor_create(ctx, &ty, "y"));
    ck_ok(err, tensor_write(&tx, x));
    ck_ok(err, adamw_round(ctx, &ty, &tx, (uint64_t)n));
    ck_ok(err, tensor_read(&ty, y));
    for (int64_t i = 0; i < n; i++)
        ck_assert_uint_eq(y[i], dtype_f32_to_bf16(x[i]));
    buffer_destroy(&tx.buf);
    buffer_destroy(&ty.buf);
}
END_TEST

START_TEST(other_types_are_refused)
{
    struct moe_ctx *ctx = support_ctx();
    struct tensor w = tensor_shape(DTYPE_F16, 1, &(int64_t){4});
    struct adamw o = {.step = 1};
    ck_fails(moe_ctx_err(ctx), adamw_step(ctx, &w, &w, &w, &w, &w, &o, 0, 4),
             MOE_EINVAL, "type F16");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("adamw");
    TCase *tc = tcase_create("adamw");
    tcase_add_test(tc, f32_agrees);
    tcase_add_test(tc, bf16_rounds_stochastically);
    tcase_add_test(tc, master_copies_round_to_even);
    tcase_add_test(tc, other_types_are_refused);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
