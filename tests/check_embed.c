/*
 * check_embed.c - the table lookup and its gradient against their reference.
 *
 * Precondition: an OpenCL device.  Claim: rows of a table of each float type,
 * the first and the last among them, come out widened without a change; the
 * order groups tokens by id and keeps theirs; gradients of every row length,
 * of ids that differ and of one id alone, are added to what was there; the
 * reference's is the derivative of its lookup; two runs give the same bits.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include "nn/nn.h"

#define OK(call)  ck_ok(moe_ctx_err(support_ctx()), (call))
#define LENGTH(a) (sizeof(a) / sizeof *(a))

static void
compare(enum dtype t, int64_t N, int64_t D, int64_t V)
{
    float *table = support_alloc((size_t)(V * D), sizeof *table);
    double *x = support_alloc((size_t)(N * D), sizeof *x);
    int32_t *ids = support_integers((size_t)N, 3, V);
    struct tensor tt = support_random("table", t, SHAPE(V, D), 1, 1.0, table);
    struct tensor tx = support_tensor("x", DTYPE_F32, SHAPE(N, D), NULL);
    ids[0] = (int32_t)V - 1;
    ids[N - 1] = 0;
    struct tensor ti = support_tensor("ids", DTYPE_I32, SHAPE(N), ids);
    ref_embed_forward(x, ids, table, N, D);
    OK(embed_forward(support_ctx(), &tx, &ti, &tt, N, D));
    support_close_tensor(&tx, x, 0, 0);
    support_free();
}

START_TEST(gives_rows_of_every_type)
{
    static const enum dtype type[] = {DTYPE_F32, DTYPE_BF16, DTYPE_F16};
    static const int64_t D[] = {1, 63, 64, 65, 131};
    for (size_t t = 0; t < LENGTH(type); t++)
        for (size_t i = 0; i < LENGTH(D); i++)
            compare(type[t], 67, D[i], 101);
}
END_TEST

START_TEST(one_token_of_one_row)
{
    compare(DTYPE_BF16, 1, 5, 1);
}
END_TEST

START_TEST(order_groups_tokens_by_id)
{
    static const int32_t ids[] = {7, 0, 7, 3, 0, 7, 100, 3, 0};
    static const int32_t want[] = {1, 4, 8, 3, 7, 0, 2, 5, 6};
    static const int32_t begins[] = {0, 3, 5, 8, 9};
    int32_t order[LENGTH(ids)], first[LENGTH(ids) + 1];
    ck_assert_int_eq(embed_order(order, first, ids, LENGTH(ids)), 4);
    ck_assert_mem_eq(order, want, sizeof want);
    ck_assert_mem_eq(first, begins, sizeof begins);
    ck_assert_int_eq(embed_order(order, first, ids, 0), 0);
    ck_assert_int_eq(first[0], 0);
}
END_TEST

static void
check_order(const int32_t *order, const int32_t *first, const int32_t *ids,
            int64_t N, int64_t U)
{
    ck_assert(U > 0 && first[0] == 0 && first[U] == N);
    for (int64_t u = 0; u < U; u++) {
        int32_t id = ids[order[first[u]]];
        ck_assert(first[u] < first[u + 1]);
        ck_assert(u == 0 || ids[order[first[u] - 1]] < id);
        for (int32_t i = first[u] + 1; i < first[u + 1]; i++)
            ck_assert(ids[order[i]] == id && order[i] > order[i - 1]);
    }
}

static void
compare_backward(int64_t N, int64_t D, int64_t V)
{
    size_t size = (size_t)(V * D);
    float *dx = support_alloc((size_t)(N * D), sizeof *dx);
    float *old = support_alloc(size, sizeof *old);
    double *want = support_alloc(size, sizeof *want);
    int32_t *ids = support_integers((size_t)N, 3, V);
    int32_t *order = support_alloc((size_t)N, sizeof *order);
    int32_t *first = support_alloc((size_t)N + 1, sizeof *first);
    int64_t U = embed_order(order, first, ids, N);
    check_order(order, first, ids, N, U);
    struct tensor tx = support_random("dx", DTYPE_F32, SHAPE(N, D), 1, 1.0, dx);
    struct tensor ti = support_tensor("ids", DTYPE_I32, SHAPE(N), ids);
    struct tensor to = support_tensor("order", DTYPE_I32, SHAPE(N), order);
    struct tensor tf = support_tensor("first", DTYPE_I32, SHAPE(U + 1), first);
    struct tensor table[2];
    for (int i = 0; i < 2; i++) {
        table[i] =
            support_random("dtable", DTYPE_F32, SHAPE(V, D), 2, 1.0, old);
        OK(embed_backward(support_ctx(), &table[i], &tx, &ti, &to, &tf, U, D));
    }
    for (size_t i = 0; i < size; i++)
        want[i] = (double)old[i];
    ref_embed_backward(want, dx, ids, N, D);
    support_close_tensor(&table[0], want, 1e-5, 1e-5);
    support_same(&table[0], &table[1]);
    support_free();
}

START_TEST(gradients_of_every_row_length)
{
    static const int64_t D[] = {1, 7, 8, 63, 64, 65, 511, 512, 519};
    for (size_t i = 0; i < LENGTH(D); i++)
        compare_backward(67, D[i], 29);
}
END_TEST

START_TEST(gradients_of_few_and_many_ids)
{
    static const int64_t N[] = {1, 2, 63, 64, 65, 503};
    for (size_t i = 0; i < LENGTH(N); i++) {
        compare_backward(N[i], 21, 1);
        compare_backward(N[i], 21, 1009);
    }
}
END_TEST

/* sum dx x, a function of the table. */
struct forward {
    int64_t N, D;
    float *table, *dx;
    const int32_t *ids;
    double *x;
};

static double
value(void *arg)
{
    const struct forward *f = arg;
    double sum = 0;
    ref_embed_forward(f->x, f->ids, f->table, f->N, f->D);
    for (int64_t i = 0; i < f->N * f->D; i++)
        sum += (double)f->dx[i] * f->x[i];
    return sum;
}

START_TEST(reference_is_the_derivative)
{
    enum { N = 11, D = 3, V = 7 };
    static float table[V * D], dx[N * D], to[V * D];
    double dtable[V * D] = {0}, x[N * D], along = 0;
    struct forward f = {N, D, table, dx, support_integers(N, 4, V), x};
    support_lattice(table, V * D, 1, 1.0);
    support_lattice(to, V * D, 2, 1.0);
    support_normal(dx, N * D, 3, 1.0);
    ref_embed_backward(dtable, dx, f.ids, N, D);
    for (int i = 0; i < V * D; i++)
        along += dtable[i] * (double)to[i];
    ck_assert_double_eq_tol(support_derivative(value, &f, table, to, V * D),
                            along, 1e-9);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("embed");
    TCase *tc = tcase_create("forward");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, gives_rows_of_every_type);
    tcase_add_test(tc, one_token_of_one_row);
    suite_add_tcase(suite, tc);
    tc = tcase_create("backward");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, order_groups_tokens_by_id);
    tcase_add_test(tc, gradients_of_every_row_length);
    tcase_add_test(tc, gradients_of_few_and_many_ids);
    tcase_add_test(tc, reference_is_the_derivative);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
