/*
 * check_rmsnorm.c - the normalisation against its reference.
 *
 * Precondition: an OpenCL device.  Claim: for row lengths below, at and above
 * the group size and its multiple by the vector width, y and r agree with the
 * double reference; in place gives the same; two runs give the same bits.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"

static const float eps = 1e-5f;

/* Inputs and outputs of one shape, on both sides. */
struct sample {
    int64_t N, D;
    float *x, *w;
    double *y, *r;
    struct tensor tx, tw, ty, tr;
};

static void
make(struct sample *s, int64_t N, int64_t D, double scale)
{
    size_t size = (size_t)(N * D);
    *s = (struct sample){.N = N, .D = D};
    s->x = malloc(size * sizeof *s->x);
    s->w = malloc((size_t)D * sizeof *s->w);
    s->y = malloc(size * sizeof *s->y);
    s->r = malloc((size_t)N * sizeof *s->r);
    ck_assert(s->x && s->w && s->y && s->r);
    s->tx = support_random("x", DTYPE_F32, SHAPE(N, D), 1, scale, s->x);
    s->tw = support_random("w", DTYPE_F32, SHAPE(D), 2, 1.0, s->w);
    s->ty = support_tensor("y", DTYPE_F32, SHAPE(N, D), NULL);
    s->tr = support_tensor("r", DTYPE_F32, SHAPE(N), NULL);
}

static void
drop(struct sample *s)
{
    free(s->x);
    free(s->w);
    free(s->y);
    free(s->r);
    support_free_tensors();
}

static void
run(const struct sample *s, const struct tensor *y)
{
    ck_ok(moe_ctx_err(support_ctx()),
          rmsnorm_forward(support_ctx(), y, &s->tr, &s->tx, &s->tw, s->N, s->D,
                          eps));
}

static void
compare(int64_t N, int64_t D, double scale)
{
    struct sample s;
    make(&s, N, D, scale);
    ref_rmsnorm_forward(s.y, s.r, s.x, s.w, N, D, (double)eps);
    run(&s, &s.ty);
    support_close_tensor(&s.ty, s.y, 1e-5, 1e-5);
    support_close_tensor(&s.tr, s.r, 0, 1e-5);
    struct tensor again = support_tensor("y", DTYPE_F32, SHAPE(N, D), NULL);
    run(&s, &again);
    support_same(&s.ty, &again);
    run(&s, &s.tx);
    support_same(&s.ty, &s.tx);
    drop(&s);
}

START_TEST(agrees_for_every_row_length)
{
    static const int64_t D[] = {1,  2,   7,   8,   63,  64,
                                65, 127, 511, 512, 519, 1021};
    static const int64_t N[] = {1, 3, 67};
    for (size_t i = 0; i < sizeof D / sizeof *D; i++)
        for (size_t k = 0; k < (support_quick() ? 2 : 3); k++)
            compare(N[k], D[i], 1.0);
}
END_TEST

START_TEST(agrees_for_large_and_small_numbers)
{
    compare(5, 131, 1e4);
    compare(5, 131, 1e-4); // eps weighs as much as the mean square
}
END_TEST

START_TEST(row_of_zeros_stays_zero)
{
    struct sample s;
    make(&s, 2, 100, 1.0);
    memset(s.x, 0, 200 * sizeof *s.x);
    ck_ok(moe_ctx_err(support_ctx()), tensor_write(&s.tx, s.x));
    ref_rmsnorm_forward(s.y, s.r, s.x, s.w, s.N, s.D, (double)eps);
    run(&s, &s.ty);
    support_close_tensor(&s.ty, s.y, 0, 0);
    support_close_tensor(&s.tr, s.r, 0, 1e-5);
    drop(&s);
}
END_TEST

START_TEST(no_rows_is_fine)
{
    struct sample s;
    make(&s, 1, 8, 1.0);
    s.N = 0;
    run(&s, &s.ty);
    drop(&s);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("rmsnorm");
    TCase *tc = tcase_create("forward");
    tcase_set_timeout(tc, 0);
    tcase_add_test(tc, agrees_for_every_row_length);
    tcase_add_test(tc, agrees_for_large_and_small_numbers);
    tcase_add_test(tc, row_of_zeros_stays_zero);
    tcase_add_test(tc, no_rows_is_fine);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
