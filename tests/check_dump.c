/*
 * check_dump.c - tokens from files, and a forward pass into one.
 *
 * Precondition: an OpenCL device.  Claims: a shard or a list is cut into whole
 * windows; what several passes write is what one run computes; a failed pass
 * leaves no file.
 */
#include "config.h"

#include "tests/tensors.h"
#include "tests/tiny.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "io/safetensors.h"
#include "model/dump.h"

enum { V = 83, E = 8, K = 2, L = 2, D = 32 };

static struct moe_err *
err(void)
{
    return moe_ctx_err(support_ctx());
}

/* ---- Tokens ------------------------------------------------------------- */

START_TEST(ids_are_cut_into_whole_windows)
{
    struct moe_err e = {0};
    struct moe_config c = {.V = V, .max_positions = 6};
    struct token_batch b;
    int32_t id[] = {1, 2, 3, 4, 5, 6, 7};
    ck_ok(&e, tokens_cut(&e, &b, "list", id, 7, &c, 3));
    ck_assert_int_eq(b.B, 2);
    ck_assert_int_eq(b.T, 3);
    ck_assert_int_eq(b.left_out, 1);
    ck_assert_int_eq(b.id[5], 6);
    tokens_free(&b);
    ck_ok(&e, tokens_cut(&e, &b, "list", id, 5, &c, 0));
    ck_assert_int_eq(b.T, 5);
    tokens_free(&b);
    ck_ok(&e, tokens_cut(&e, &b, "list", id, 7, &c, 0));
    ck_assert_int_eq(b.T, 6);
    tokens_free(&b);
    int rc = tokens_cut(&e, &b, "list", id, 2, &c, 3);
    ck_fails(&e, rc, MOE_EFORMAT, "list: 2 tokens, fewer than one window");
    rc = tokens_cut(&e, &b, "list", id, 0, &c, 0);
    ck_fails(&e, rc, MOE_EFORMAT, "list: no tokens");
}
END_TEST

START_TEST(shards_are_as_wide_as_the_vocabulary_asks)
{
    struct moe_err e = {0};
    struct moe_config c = {.V = 65536, .max_positions = 8};
    struct token_batch b;
    const char *path = support_path("shard.bin");
    support_write(path, "\1\0\2\1\0\0\xff\xff", 8);
    ck_ok(&e, tokens_read(&e, &b, path, &c, 0));
    ck_assert_int_eq(b.T, 4);
    ck_assert_int_eq(b.id[1], 258);
    ck_assert_int_eq(b.id[3], 65535);
    tokens_free(&b);
    c.V = 65537;
    int rc = tokens_read(&e, &b, path, &c, 0);
    ck_fails(&e, rc, MOE_EFORMAT,
             "token 0 is 16908289, want an id below 65537");
    support_write(path, "\0\0\1\0\0\0\0\0", 8);
    ck_ok(&e, tokens_read(&e, &b, path, &c, 0));
    ck_assert_int_eq(b.T, 2);
    ck_assert_int_eq(b.id[0], 65537 - 1);
    tokens_free(&b);
    support_write(path, "\1\0\2", 3);
    rc = tokens_read(&e, &b, path, &c, 0);
    ck_fails(&e, rc, MOE_EFORMAT, "3 bytes, want a multiple of 4");
    support_write(path, "", 0);
    rc = tokens_read(&e, &b, path, &c, 0);
    ck_fails(&e, rc, MOE_EFORMAT, "no tokens");
}
END_TEST

START_TEST(safetensors_give_their_own_rectangle)
{
    struct moe_err e = {0};
    struct moe_config c = {.V = V, .max_positions = 8};
    struct token_batch b;
    ck_ok(&e,
          tokens_read(&e, &b,
                      SRCDIR "/tests/vectors/tiny/plain/vectors.safetensors",
                      &c, 5));
    ck_assert_int_eq(b.B, 2);
    ck_assert_int_eq(b.T, 37);
    tokens_free(&b);
    int rc = tokens_read(
        &e, &b, SRCDIR "/tests/vectors/tiny/plain/model.safetensors", &c, 0);
    ck_fails(&e, rc, MOE_EFORMAT, "no tensor 'input_ids'");
}
END_TEST

/* ---- Forward ------------------------------------------------------------ */

/* Enough sequences for three passes, the last one shorter. */
enum { B = 300, T = 9, N = B * T };

static void
make_batch(struct token_batch *b)
{
    *b = (struct token_batch){.id = malloc(N * sizeof *b->id), .B = B, .T = T};
    ck_assert_ptr_nonnull(b->id);
    for (int n = 0; n < N; n++)
        b->id[n] = (n * 7 + n / 11) % V;
}

/* Level `level` of a tensor: numbers close (a pass of another size may sum in
 * another order), indices equal. */
static void
same_tensor(const struct safetensors *st, const char *name, int64_t level,
            const void *want, size_t n, int rank, enum dtype type)
{
    const struct st_tensor *t;
    struct moe_err e = {0};
    ck_ok(&e, safetensors_get(&e, &t, st, name, type, rank));
    ck_assert(t->end - t->begin >= (uint64_t)(level + 1) * n * 4);
    const unsigned char *data = t->data + (size_t)level * n * 4;
    if (type == DTYPE_I32)
        ck_assert_mem_eq(data, want, n * 4);
    for (size_t i = 0; type == DTYPE_F32 && i < n; i++) {
        float got, x = ((const float *)want)[i];
        memcpy(&got, data + 4 * i, sizeof got);
        ck_assert_msg(fabsf(got - x) <= 1e-4f, "%s[%zu]: %g, want %g", name, i,
                      (double)got, (double)x);
    }
}

/* Compare a file with one run over the whole batch. */
static void
compare_file(const char *path, struct moe_model *m, const struct token_batch *b,
             double nll)
{
    struct moe_err e = {0};
    struct safetensors st;
    struct moe_run *run;
    struct moe_run_options opt = {
        .B = B, .T = T, .keep_hidden = true, .keep_routing = true};
    float *x = malloc((size_t)N * V * sizeof *x);
    ck_assert_ptr_nonnull(x);
    ck_ok(&e, safetensors_open(&e, &st, path));
    ck_ok(err(), moe_run_create(&run, m, &opt));
    ck_ok(err(), moe_run_forward(run, b->id, B, T));
    ck_ok(err(), moe_run_logits(run, 0, N, x));
    same_tensor(&st, "logits", 0, x, (size_t)N * V, 3, DTYPE_F32);
    for (int l = 0; l < L; l++) {
        ck_ok(err(), moe_run_routing(run, l, x, NULL, NULL));
        same_tensor(&st, "router_logits", l, x, (size_t)N * E, 3, DTYPE_F32);
        ck_ok(err(), moe_run_routing(run, l, NULL, (int32_t *)x, NULL));
        same_tensor(&st, "router_indices", l, x, (size_t)N * K, 3, DTYPE_I32);
        ck_ok(err(), moe_run_routing(run, l, NULL, NULL, x));
        same_tensor(&st, "router_weights", l, x, (size_t)N * K, 3, DTYPE_F32);
    }
    for (int l = 0; l <= L; l++) {
        ck_ok(err(), moe_run_hidden(run, l, x));
        same_tensor(&st, "hidden", l, x, (size_t)N * D, 4, DTYPE_F32);
    }
    double sum = 0;
    ck_ok(err(), moe_run_nll(run, x));
    for (int i = 0; i < B * (T - 1); i++)
        sum += x[i];
    ck_assert_double_eq_tol(nll, sum / (B * (T - 1)), 1e-6);
    moe_run_destroy(&run);
    safetensors_close(&st);
    free(x);
}

static void
count_tokens(void *arg, uint64_t done, uint64_t total)
{
    uint64_t *last = arg;
    ck_assert(done > *last && done <= total && total == N);
    *last = done;
}

START_TEST(a_file_holds_what_a_run_computes)
{
    struct moe_model *m;
    struct token_batch b;
    uint64_t last = 0;
    double nll;
    make_batch(&b);
    struct dump_options opt = {.path = support_path("out.safetensors"),
                               .hidden = true,
                               .progress = count_tokens,
                               .arg = &last};
    ck_ok(err(), moe_model_load(support_ctx(), &m,
                                tiny_write("dump", &(struct tiny){0})));
    ck_ok(err(), dump_forward(m, &nll, &b, &opt));
    ck_assert_uint_eq(last, N);
    compare_file(opt.path, m, &b, nll);
    moe_model_destroy(&m);
    tokens_free(&b);
}
END_TEST

START_TEST(one_token_has_no_likelihood)
{
    struct moe_model *m;
    struct token_batch b;
    struct moe_err e = {0};
    struct safetensors st;
    double nll;
    make_batch(&b);
    b.B = 1;
    b.T = 1;
    struct dump_options opt = {.path = support_path("one.safetensors")};
    ck_ok(err(), moe_model_load(support_ctx(), &m,
                                tiny_write("one", &(struct tiny){0})));
    ck_ok(err(), dump_forward(m, &nll, &b, &opt));
    ck_assert(isnan(nll));
    ck_ok(&e, safetensors_open(&e, &st, opt.path));
    ck_assert_uint_eq(st.n, 4);
    safetensors_close(&st);
    moe_model_destroy(&m);
    tokens_free(&b);
}
END_TEST

START_TEST(a_failed_pass_leaves_no_file)
{
    struct moe_model *m;
    struct token_batch b;
    double nll;
    make_batch(&b);
    b.id[N - 1] = V; // found in the last pass
    struct dump_options opt = {.path = support_path("failed.safetensors")};
    ck_ok(err(), moe_model_load(support_ctx(), &m,
                                tiny_write("failed", &(struct tiny){0})));
    int rc = dump_forward(m, &nll, &b, &opt);
    ck_fails(err(), rc, MOE_EFORMAT, "id 83");
    ck_assert(!fs_exists(opt.path));
    opt.path = support_path("no-such-dir/out.safetensors");
    b.id[N - 1] = 0;
    rc = dump_forward(m, &nll, &b, &opt);
    ck_fails(err(), rc, MOE_EIO, "no-such-dir");
    moe_model_destroy(&m);
    tokens_free(&b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("dump");
    TCase *t = tcase_create("tokens");
    tcase_add_test(t, ids_are_cut_into_whole_windows);
    tcase_add_test(t, shards_are_as_wide_as_the_vocabulary_asks);
    tcase_add_test(t, safetensors_give_their_own_rectangle);
    suite_add_tcase(s, t);
    t = tcase_create("forward");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, a_file_holds_what_a_run_computes);
    tcase_add_test(t, one_token_has_no_likelihood);
    tcase_add_test(t, a_failed_pass_leaves_no_file);
    suite_add_tcase(s, t);
    return support_main(s, 1);
}
