/*
 * check_embed.c - the table lookup against its reference.
 *
 * Precondition: an OpenCL device.  Claim: rows of a table of each float type,
 * the first and the last among them, come out widened without a change.
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
    return support_main(suite, 1);
}
