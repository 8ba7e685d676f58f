/*
 * check_rope.c - rotary positions and their gradients against their
 * reference.
 *
 * Precondition: an OpenCL device.  Claim: the table is the cosine and sine of
 * position times inverse frequency to the rounding of an fp32 angle, known
 * values included; every shape turns, and turns back, as the reference does; a
 * view of the table that starts later turns by later positions; the
 * reference's gradient is the derivative of its forward pass.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include "nn/nn.h"

#define OK(call)  ck_ok(moe_ctx_err(support_ctx()), (call))
#define LENGTH(a) (sizeof(a) / sizeof *(a))

/* The device's table, read back. */
static float *
make_table(struct tensor *t, int64_t T, int64_t S, double theta)
{
    float *host = support_alloc((size_t)(T * S), sizeof *host);
    *t = support_tensor("table", DTYPE_F32, SHAPE(T, S / 2, 2), NULL);
    OK(rope_table(support_ctx(), t, T, S, theta));
    support_read(t, host);
    return host;
}

START_TEST(table_holds_cosine_and_sine)
{
    struct tensor t;
    int64_t T = 64, S = 10;
    double *want = support_alloc((size_t)(T * S), sizeof *want);
    make_table(&t, T, S, 10000.0);
    ref_rope_table(want, T, S, 10000.0);
    support_close_tensor(&t, want, 64 * 1e-7, 0);
}
END_TEST

/* Pair, cosine and sine of position 4095 as Transformers 4.57 with PyTorch 2.9
 * computes them: the angle is an fp32 number, up to 1e-4 from the exact one. */
START_TEST(table_rounds_as_transformers)
{
    struct tensor t;
    float *row = make_table(&t, 4096, 128, 10000.0) + 4095 * 128;
    static const float want[][3] = {
        {0, -0.0659759939f, -0.997821212f}, {1, -0.742445707f, 0.669906199f},
        {2, -0.0900463611f, -0.995937586f}, {5, -0.711437345f, 0.70274955f},
        {17, -0.925817311f, 0.377971381f},  {40, 0.927488983f, 0.373850524f},
        {63, 0.890258849f, 0.455454975f}};
    for (size_t i = 0; i < LENGTH(want); i++) {
        int at = (int)want[i][0];
        ck_assert_float_eq_tol(row[2 * at], want[i][1], 1e-7f);
        ck_assert_float_eq_tol(row[2 * at + 1], want[i][2], 1e-7f);
    }
}
END_TEST

static void
compare(int64_t B, int64_t T, int64_t H, int64_t S)
{
    size_t n = (size_t)(B * T * H * S);
    struct tensor table;
    float *host = make_table(&table, T, S, 1e4);
    float *x = support_alloc(n, sizeof *x);
    double *want = support_alloc(n, sizeof *want);
    struct tensor tx =
        support_random("x", DTYPE_F32, SHAPE(B, T, H, S), 1, 1.0, x);
    for (size_t i = 0; i < n; i++)
        want[i] = (double)x[i];
    struct tensor back = support_tensor("dx", DTYPE_F32, SHAPE(B, T, H, S), x);
    ref_rope_forward(want, host, B, T, H, S);
    OK(rope_forward(support_ctx(), &tx, &table, B, T, H, S));
    support_close_tensor(&tx, want, 1e-6, 1e-6);
    for (size_t i = 0; i < n; i++)
        want[i] = (double)x[i];
    ref_rope_backward(want, host, B, T, H, S);
    OK(rope_backward(support_ctx(), &back, &table, B, T, H, S));
    support_close_tensor(&back, want, 1e-6, 1e-6);
    support_free();
}

START_TEST(turns_every_shape)
{
    static const int64_t S[] = {2, 4, 10, 64, 126, 128, 130, 262};
    for (size_t i = 0; i < LENGTH(S); i++) {
        compare(1, 1, 1, S[i]);
        compare(2, 5, 3, S[i]);
    }
    compare(1, 3, 67, 2);
}
END_TEST

/* sum dy y, a function of x. */
struct forward {
    int64_t B, T, H, S;
    float *x, *dy, *table;
    double *y;
};

static double
value(void *arg)
{
    const struct forward *f = arg;
    int64_t n = f->B * f->T * f->H * f->S;
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        f->y[i] = (double)f->x[i];
    ref_rope_forward(f->y, f->table, f->B, f->T, f->H, f->S);
    for (int64_t i = 0; i < n; i++)
        sum += (double)f->dy[i] * f->y[i];
    return sum;
}

START_TEST(reference_is_the_derivative)
{
    enum { B = 2, T = 5, H = 3, S = 6, SIZE = B * T * H * S };
    static float x[SIZE], dy[SIZE], to[SIZE];
    static double y[SIZE], dx[SIZE];
    struct tensor table;
    float *host = make_table(&table, T, S, 1e4);
    struct forward f = {B, T, H, S, x, dy, host, y};
    double along = 0;
    support_lattice(x, SIZE, 1, 1.0);
    support_lattice(to, SIZE, 2, 1.0);
    support_normal(dy, SIZE, 3, 1.0);
    for (int i = 0; i < SIZE; i++)
        dx[i] = (double)dy[i];
    ref_rope_backward(dx, host, B, T, H, S);
    for (int i = 0; i < SIZE; i++)
        along += dx[i] * (double)to[i];
    ck_assert_double_eq_tol(support_derivative(value, &f, x, to, SIZE), along,
                            1e-9);
}
END_TEST

START_TEST(later_table_turns_by_later_positions)
{
    struct tensor table, later;
    int64_t T = 9, S = 8;
    make_table(&table, T, S, 1e4);
    struct tensor all =
        support_random("x", DTYPE_F32, SHAPE(1, T, 1, S), 1, 1.0, NULL);
    struct tensor part =
        support_random("part", DTYPE_F32, SHAPE(1, T, 1, S), 1, 1.0, NULL);
    struct tensor end = tensor_rows(&table, 4, 5);
    OK(rope_forward(support_ctx(), &all, &table, 1, T, 1, S));
    later = part;
    later.offset += (uint64_t)(4 * S);
    OK(rope_forward(support_ctx(), &part, &table, 1, 4, 1, S));
    OK(rope_forward(support_ctx(), &later, &end, 1, 5, 1, S));
    support_same(&all, &part);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("rope");
    TCase *tc = tcase_create("both ways");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, table_holds_cosine_and_sine);
    tcase_add_test(tc, table_rounds_as_transformers);
    tcase_add_test(tc, turns_every_shape);
    tcase_add_test(tc, later_table_turns_by_later_positions);
    tcase_add_test(tc, reference_is_the_derivative);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
