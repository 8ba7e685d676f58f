/*
 * check_combine.c - the weighted sum and its gradients against their reference.
 *
 * Precondition: an OpenCL device, slots of dispatch.  Claim: rows are added in
 * for every width and number of experts; negative slots add nothing, whatever
 * their weight, and their weight's gradient is 0; dx keeps what it held and
 * dweight does not; the reference of the gradients is the transpose of what
 * goes forward; two runs give the same bits.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include <math.h>

#include "nn/nn.h"

#define OK(call)  ck_ok(moe_ctx_err(support_ctx()), (call))
#define LENGTH(a) (sizeof(a) / sizeof *(a))

/* A permutation of the slots: 7 is prime to every N K used here. */
static int32_t *
permutation(size_t slots, bool holes)
{
    int32_t *slot = support_alloc(slots, sizeof *slot);
    for (size_t i = 0; i < slots; i++)
        slot[i] = holes && i % 3 == 0 ? -1 : (int32_t)(i * 7 % slots);
    return slot;
}

static void
compare(int64_t N, int64_t K, int64_t D, bool holes)
{
    size_t slots = (size_t)(N * K), size = (size_t)(N * D);
    float *x = support_alloc(size, sizeof *x);
    float *y = support_alloc(slots * (size_t)D, sizeof *y);
    float *w = support_alloc(slots, sizeof *w);
    int32_t *slot = permutation(slots, holes);
    double *want = support_alloc(size, sizeof *want);
    struct tensor tx[2];
    for (int i = 0; i < 2; i++)
        tx[i] = support_random("x", DTYPE_F32, SHAPE(N, D), 1, 1.0, x);
    struct tensor ty =
        support_random("y", DTYPE_F32, SHAPE(N * K, D), 2, 1.0, y);
    struct tensor tw = support_random("w", DTYPE_F32, SHAPE(N, K), 3, 1.0, w);
    struct dispatch d = {
        .slot_of = support_tensor("slot_of", DTYPE_I32, SHAPE(N, K), slot)};
    for (size_t i = 0; i < size; i++)
        want[i] = (double)x[i];
    ref_combine_forward(want, y, w, slot, N, K, D);
    for (int i = 0; i < 2; i++)
        OK(combine_forward(support_ctx(), &tx[i], &ty, &tw, &d, N, K, D));
    support_close_tensor(&tx[0], want, 1e-5, 1e-5);
    support_same(&tx[0], &tx[1]);
    support_free();
}

START_TEST(adds_every_shape)
{
    static const int64_t D[] = {1, 7, 8, 63, 64, 65, 511, 512, 519, 1021};
    for (size_t i = 0; i < LENGTH(D); i++) {
        compare(1, 1, D[i], false);
        compare(5, 8, D[i], false);
        compare(5, 8, D[i], true);
    }
    compare(67, 2, 40, true);
    compare(3, 32, 70, false);
}
END_TEST

/* Slots that nothing points to keep the NaN they held. */
static void
compare_weights(int64_t N, int64_t K, bool holes)
{
    size_t slots = (size_t)(N * K);
    float *w = support_alloc(slots, sizeof *w);
    double *want = support_alloc(slots, sizeof *want);
    int32_t *slot = permutation(slots, holes);
    struct tensor tw = support_random("w", DTYPE_F32, SHAPE(N, K), 3, 1.0, w);
    struct tensor ts = support_tensor("ws", DTYPE_F32, SHAPE(N * K), NULL);
    struct dispatch d = {
        .slot_of = support_tensor("slot_of", DTYPE_I32, SHAPE(N, K), slot)};
    for (size_t i = 0; i < slots; i++)
        want[i] = NAN;
    ref_combine_weights(want, w, slot, N, K);
    OK(combine_weights(support_ctx(), &ts, &tw, &d, N, K));
    support_close_tensor(&ts, want, 0, 0);
    support_free();
}

static void
compare_backward(int64_t N, int64_t K, int64_t D, bool holes)
{
    size_t slots = (size_t)(N * K), size = (size_t)(N * D);
    float *x = support_alloc(size, sizeof *x);
    float *dws = support_alloc(slots, sizeof *dws);
    float *dxs = support_alloc(slots * (size_t)D, sizeof *dxs);
    double *want = support_alloc(size, sizeof *want);
    double *want_w = support_alloc(slots, sizeof *want_w);
    int32_t *slot = permutation(slots, holes);
    struct tensor tx[2], tw[2];
    struct tensor ts =
        support_random("dws", DTYPE_F32, SHAPE(N * K), 1, 1.0, dws);
    struct tensor ty =
        support_random("dxs", DTYPE_F32, SHAPE(N * K, D), 2, 1.0, dxs);
    struct dispatch d = {
        .slot_of = support_tensor("slot_of", DTYPE_I32, SHAPE(N, K), slot)};
    for (int i = 0; i < 2; i++) {
        tx[i] = support_random("dx", DTYPE_F32, SHAPE(N, D), 4, 1.0, x);
        tw[i] = support_tensor("dweight", DTYPE_F32, SHAPE(N, K), NULL);
        OK(combine_backward(support_ctx(), &tw[i], &tx[i], &ts, &ty, &d, N, K,
                            D));
    }
    for (size_t i = 0; i < size; i++)
        want[i] = (double)x[i];
    ref_combine_backward(want_w, want, dws, dxs, slot, N, K, D);
    support_close_tensor(&tx[0], want, 1e-5, 1e-5);
    support_close_tensor(&tw[0], want_w, 0, 0);
    support_same(&tx[0], &tx[1]);
    support_same(&tw[0], &tw[1]);
    support_free();
}

START_TEST(weights_go_to_their_slots)
{
    static const int64_t N[] = {1, 9, 31, 32, 33, 503};
    for (size_t i = 0; i < LENGTH(N); i++)
        for (int holes = 0; holes < 2; holes++)
            compare_weights(N[i], 2, holes);
    compare_weights(3, 65, false);
}
END_TEST

START_TEST(gradients_of_every_shape)
{
    static const int64_t D[] = {1, 7, 8, 63, 64, 65, 511, 512, 519, 1021};
    for (size_t i = 0; i < LENGTH(D); i++) {
        compare_backward(1, 1, D[i], false);
        compare_backward(5, 8, D[i], false);
        compare_backward(5, 8, D[i], true);
    }
    compare_backward(67, 2, 40, true);
    compare_backward(2, 65, 70, false); // more choices than items
}
END_TEST

/* What goes forward: the weights to their slots, and the rows of x too. */
struct forward {
    int64_t N, K, D;
    float *w, *x;
    const float *dws, *dxs;
    const int32_t *slot;
    double *ws;
};

static double
value(void *arg)
{
    const struct forward *f = arg;
    double sum = 0;
    for (int64_t i = 0; i < f->N * f->K; i++)
        f->ws[i] = 0;
    ref_combine_weights(f->ws, f->w, f->slot, f->N, f->K);
    for (int64_t i = 0; i < f->N * f->K; i++) {
        sum += (double)f->dws[i] * f->ws[i];
        for (int64_t d = 0; d < f->D && f->slot[i] >= 0; d++)
            sum += (double)f->dxs[f->slot[i] * f->D + d] *
                   (double)f->x[i / f->K * f->D + d];
    }
    return sum;
}

START_TEST(reference_is_the_derivative)
{
    enum { N = 11, K = 3, D = 5, DIRECTIONS = 3 };
    static float w[N * K], x[N * D], dws[N * K], dxs[N * K * D], to[N * D];
    static double ws[N * K], dweight[N * K], dx[N * D];
    struct forward f = {N, K, D, w, x, dws, dxs, permutation(N * K, true), ws};
    support_lattice(w, N * K, 1, 1.0);
    support_lattice(x, N * D, 2, 1.0);
    support_normal(dws, N * K, 3, 1.0);
    support_normal(dxs, N * K * D, 4, 1.0);
    ref_combine_backward(dweight, dx, dws, dxs, f.slot, N, K, D);
    for (uint64_t r = 0; r < DIRECTIONS; r++) {
        double along_w = 0, along_x = 0;
        support_lattice(to, N * D, 5 + r, 1.0);
        for (int i = 0; i < N * K; i++)
            along_w += dweight[i] * (double)to[i];
        for (int i = 0; i < N * D; i++)
            along_x += dx[i] * (double)to[i];
        ck_assert_double_eq_tol(support_derivative(value, &f, w, to, N * K),
                                along_w, 1e-9);
        ck_assert_double_eq_tol(support_derivative(value, &f, x, to, N * D),
                                along_x, 1e-9);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("combine");
    TCase *tc = tcase_create("forward");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, adds_every_shape);
    suite_add_tcase(suite, tc);
    tc = tcase_create("backward");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, weights_go_to_their_slots);
    tcase_add_test(tc, gradients_of_every_shape);
    tcase_add_test(tc, reference_is_the_derivative);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
