/*
 * check_auxloss.c - the router's losses and their gradients.
 *
 * Precondition: random logits and choices, two layers.  Claim: values agree
 * with the reference in both conventions; each is what it should be at perfect
 * balance; the balance vector and the z factor, put through the softmax, give
 * the reference's directional derivative.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "tests/ref/ref.h"
#include "train/auxloss.h"

enum { L = 2, K = 2 };

struct routers {
    int64_t N, E;
    float *logits, *probs; // (L,N,E)
    double *exact;         // the logits in double
    int32_t *count;        // (L,E)
};

static void
routers_make(struct routers *r, int64_t N, int64_t E, double scale)
{
    size_t n = (size_t)(L * N * E);
    *r = (struct routers){.N = N, .E = E};
    r->logits = calloc(n, sizeof *r->logits);
    r->probs = calloc(n, sizeof *r->probs);
    r->exact = calloc(n, sizeof *r->exact);
    r->count = calloc((size_t)(L * E), sizeof *r->count);
    support_normal(r->logits, n, 11, scale);
    for (size_t i = 0; i < n; i++)
        r->exact[i] = r->logits[i];
    for (int64_t row = 0; row < L * N; row++) {
        double sum = 0;
        for (int64_t e = 0; e < E; e++)
            sum += exp(r->exact[row * E + e]);
        for (int64_t e = 0; e < E; e++)
            r->probs[row * E + e] = (float)(exp(r->exact[row * E + e]) / sum);
        for (int k = 0; k < K; k++)
            r->count[row / N * E +
                     (int64_t)(rng_uniform(5, (uint64_t)k, (uint64_t)row) *
                               (double)E)]++;
    }
}

static void
routers_free(struct routers *r)
{
    free(r->logits);
    free(r->probs);
    free(r->exact);
    free(r->count);
}

static struct tensor
upload(enum dtype t, int64_t rows, int64_t columns, const void *x)
{
    struct moe_ctx *ctx = support_ctx();
    struct tensor d = tensor_shape(t, 2, (int64_t[]){rows, columns});
    ck_ok(moe_ctx_err(ctx), tensor_create(ctx, &d, "test"));
    if (x)
        ck_ok(moe_ctx_err(ctx), tensor_write(&d, x));
    return d;
}

/* sums (L,E+1) on the device. */
static void
device_sums(float *sums, const struct routers *r)
{
    struct moe_ctx *ctx = support_ctx();
    struct tensor logits = upload(DTYPE_F32, L * r->N, r->E, r->logits);
    struct tensor probs = upload(DTYPE_F32, L * r->N, r->E, r->probs);
    struct tensor partial = upload(DTYPE_F32, NN_PARTS, r->E + 1, NULL);
    struct tensor all = upload(DTYPE_F32, L, r->E + 1, NULL);
    for (int64_t l = 0; l < L; l++) {
        struct tensor row = tensor_rows(&all, l, 1);
        struct tensor p = tensor_rows(&probs, l * r->N, r->N);
        struct tensor z = tensor_rows(&logits, l * r->N, r->N);
        ck_ok(moe_ctx_err(ctx),
              auxloss_sums(ctx, &row, &partial, &p, &z, r->N, r->E));
    }
    ck_ok(moe_ctx_err(ctx), tensor_read(&all, sums));
    buffer_destroy(&logits.buf);
    buffer_destroy(&probs.buf);
    buffer_destroy(&partial.buf);
    buffer_destroy(&all.buf);
}

/* auxloss_values() of what comes from the device. */
static struct auxloss
values(const float *sums, const int32_t *count, bool hf, bool div, int64_t N,
       int64_t E)
{
    double *wide = calloc((size_t)(L * (E + 1)), sizeof *wide);
    uint64_t *n = calloc((size_t)(L * E), sizeof *n);
    for (int64_t i = 0; i < L * (E + 1); i++)
        wide[i] = (double)sums[i];
    for (int64_t i = 0; i < L * E; i++)
        n[i] = (uint64_t)count[i];
    struct auxloss a =
        auxloss_values(wide, n, hf ? AUX_HF : AUX_MEGABLOCKS, div, L, N, E, K);
    free(wide);
    free(n);
    return a;
}

static void
close_to(const char *what, double got, double want, double rel)
{
    ck_assert_msg(fabs(got - want) <= rel * (1 + fabs(want)),
                  "%s: got %.9g, want %.9g", what, got, want);
}

START_TEST(values_agree)
{
    static const int64_t sizes[][2] = {{1, 3}, {63, 8}, {64, 64}, {131, 65}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int mode = 0; mode < 4; mode++) {
            struct routers r;
            bool hf = mode & 1, div = mode & 2;
            routers_make(&r, sizes[i][0], sizes[i][1], 2);
            float *sums = calloc((size_t)(L * (r.E + 1)), sizeof *sums);
            device_sums(sums, &r);
            struct auxloss a = values(sums, r.count, hf, div, r.N, r.E);
            close_to(
                "balance", a.balance,
                ref_auxloss(r.exact, r.count, hf, 1, 0, div, L, r.N, r.E, K),
                1e-5);
            close_to(
                "z", a.z,
                ref_auxloss(r.exact, r.count, hf, 0, 1, div, L, r.N, r.E, K),
                1e-5);
            free(sums);
            routers_free(&r);
        }
}
END_TEST

START_TEST(balance_is_one_or_k)
{
    enum { N = 12, E = 4 };
    float sums[L * (E + 1)];
    int32_t count[L * E];
    for (int l = 0; l < L; l++)
        for (int e = 0; e <= E; e++) {
            sums[l * (E + 1) + e] = (float)N / E;
            if (e < E)
                count[l * E + e] = N * K / E;
        }
    struct auxloss a = values(sums, count, false, true, N, E);
    close_to("megablocks", a.balance, 1, 1e-6);
    a = values(sums, count, true, true, N, E);
    close_to("hf", a.balance, K, 1e-6);
    /* Opposite imbalances of two layers: pooling hides them. */
    for (int e = 0; e < E; e++) {
        count[e] = e == 0 ? N * K : 0;
        count[E + e] = e == 1 ? N * K : 0;
        sums[e] = e == 0 ? N : 0;
        sums[E + 1 + e] = e == 1 ? N : 0;
    }
    a = values(sums, count, false, true, N, E);
    close_to("megablocks apart", a.balance, E, 1e-6);
    a = values(sums, count, true, true, N, E);
    close_to("hf apart", a.balance, K * E / 2.0, 1e-6);
}
END_TEST

/* The derivative of weight balance + z squares along `dir`, from what the
 * device gives router_backward(). */
static double
derivative(const struct routers *r, const double *dir, bool hf, double weight,
           double z)
{
    struct moe_ctx *ctx = support_ctx();
    float *balance = calloc((size_t)(L * r->E), sizeof *balance);
    struct tensor count = upload(DTYPE_I32, L, r->E, r->count);
    struct tensor to = upload(DTYPE_F32, L, r->E, NULL);
    ck_ok(moe_ctx_err(ctx),
          auxloss_balance(ctx, &to, &count, hf ? AUX_HF : AUX_MEGABLOCKS,
                          weight, L, r->N, r->E, K));
    ck_ok(moe_ctx_err(ctx), tensor_read(&to, balance));
    double zf = auxloss_z_factor(z, true, L, r->N, K), slope = 0;
    for (int64_t row = 0; row < L * r->N; row++) {
        const double *x = r->exact + row * r->E, *d = dir + row * r->E;
        const float *b = balance + row / r->N * r->E;
        double sum = 0, mean = 0;
        for (int64_t e = 0; e < r->E; e++)
            sum += exp(x[e]);
        for (int64_t e = 0; e < r->E; e++)
            mean += exp(x[e]) / sum * (double)b[e];
        for (int64_t e = 0; e < r->E; e++)
            slope += d[e] * exp(x[e]) / sum *
                     ((double)b[e] - mean + 2 * zf * log(sum));
    }
    buffer_destroy(&count.buf);
    buffer_destroy(&to.buf);
    free(balance);
    return slope;
}

START_TEST(gradients_agree_with_differences)
{
    struct routers r;
    routers_make(&r, 37, 8, 1);
    size_t n = (size_t)(L * r.N * r.E);
    double *dir = calloc(n, sizeof *dir), *x = calloc(n, sizeof *x);
    const double step = 1e-4;
    for (int mode = 0; mode < 2; mode++) {
        double side[2];
        for (size_t i = 0; i < n; i++)
            dir[i] = rng_normal(17, (uint64_t)mode, i);
        for (int s = 0; s < 2; s++) {
            for (size_t i = 0; i < n; i++)
                x[i] = r.exact[i] + (s ? step : -step) * dir[i];
            side[s] =
                ref_auxloss(x, r.count, mode, 0.3, 0.2, true, L, r.N, r.E, K);
        }
        close_to("slope", derivative(&r, dir, mode, 0.3, 0.2),
                 (side[1] - side[0]) / (2 * step), 1e-6);
    }
    free(dir);
    free(x);
    routers_free(&r);
}
END_TEST

START_TEST(large_logits_stay_finite)
{
    struct routers r;
    routers_make(&r, 5, 8, 1);
    for (int64_t i = 0; i < L * r.N * r.E; i++)
        r.logits[i] = i % 3 ? 1e4f : -1e4f;
    float sums[L * 9];
    device_sums(sums, &r);
    for (int i = 0; i < L * 9; i++)
        ck_assert(isfinite(sums[i]));
    routers_free(&r);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("auxloss");
    TCase *tc = tcase_create("auxloss");
    tcase_add_test(tc, values_agree);
    tcase_add_test(tc, balance_is_one_or_k);
    tcase_add_test(tc, gradients_agree_with_differences);
    tcase_add_test(tc, large_logits_stay_finite);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
