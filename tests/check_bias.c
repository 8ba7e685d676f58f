/*
 * check_bias.c - the gradient of a bias against its reference.
 *
 * Precondition: an OpenCL device.  Claim: for widths below, at and above what
 * a group takes, and for fewer and more rows than parts, the column sums are
 * added to what was there; the reference is the derivative of adding a bias;
 * two runs give the same bits.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include "nn/nn.h"

#define OK(call)  ck_ok(moe_ctx_err(support_ctx()), (call))
#define LENGTH(a) (sizeof(a) / sizeof *(a))

static void
compare(int64_t N, int64_t D)
{
    float *dy = support_alloc((size_t)(N * D), sizeof *dy);
    float *old = support_alloc((size_t)D, sizeof *old);
    double *want = support_alloc((size_t)D, sizeof *want);
    struct tensor ty = support_random("dy", DTYPE_F32, SHAPE(N, D), 1, 1.0, dy);
    struct tensor db[2];
    for (int i = 0; i < 2; i++) {
        struct tensor partial =
            support_tensor("partial", DTYPE_F32, SHAPE(NN_PARTS, D), NULL);
        db[i] = support_random("db", DTYPE_F32, SHAPE(D), 2, 1.0, old);
        OK(bias_backward(support_ctx(), &db[i], &partial, &ty, N, D));
    }
    for (int64_t d = 0; d < D; d++)
        want[d] = (double)old[d];
    ref_bias_backward(want, dy, N, D);
    support_close_tensor(&db[0], want, 1e-5, 1e-5);
    support_same(&db[0], &db[1]);
    support_free();
}

START_TEST(sums_every_width)
{
    static const int64_t D[] = {1, 7, 8, 63, 64, 65, 511, 512, 519, 1021};
    for (size_t i = 0; i < LENGTH(D); i++) {
        compare(1, D[i]);
        compare(67, D[i]);
    }
}
END_TEST

START_TEST(sums_every_number_of_rows)
{
    static const int64_t N[] = {0,  2, NN_PARTS - 1, NN_PARTS, NN_PARTS + 1,
                                503};
    for (size_t i = 0; i < LENGTH(N); i++)
        compare(N[i], 21);
}
END_TEST

/* sum_nd dy[n,d] b[d]: what the bias adds to the value of the output. */
struct forward {
    int64_t N, D;
    float *b, *dy;
};

static double
value(void *arg)
{
    const struct forward *f = arg;
    double sum = 0;
    for (int64_t i = 0; i < f->N * f->D; i++)
        sum += (double)f->dy[i] * (double)f->b[i % f->D];
    return sum;
}

START_TEST(reference_is_the_derivative)
{
    enum { N = 11, D = 13 };
    static float b[D], dy[N * D], to[D];
    double db[D] = {0}, along = 0;
    struct forward f = {N, D, b, dy};
    support_lattice(b, D, 1, 1.0);
    support_lattice(to, D, 2, 1.0);
    support_normal(dy, N * D, 3, 1.0);
    ref_bias_backward(db, dy, N, D);
    for (int d = 0; d < D; d++)
        along += db[d] * (double)to[d];
    ck_assert_double_eq_tol(support_derivative(value, &f, b, to, D), along,
                            1e-9);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bias");
    TCase *tc = tcase_create("backward");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, sums_every_width);
    tcase_add_test(tc, sums_every_number_of_rows);
    tcase_add_test(tc, reference_is_the_derivative);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
