/*
 * check_microbatch.c - a batch in parts.
 *
 * Precondition: a batch whose windows have from 2 to all of their labels, one
 * of them none.  Claims: how it is cut into micro-batches changes no gradient
 * when the balancing loss is that of the batch, and only that loss otherwise;
 * the gradients of the whole agree with finite differences of the double
 * reference; labels do not change the losses of the routers; a batch without a
 * label trains those alone; windows of one token and of padding stay finite.
 */
#include "config.h"

#include "tests/trained.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tests/ref/model.h"

enum { LONGEST = 400, DOCUMENTS = 8 };

/* A batch to be cut. */
struct job {
    const struct trained_variant *v;
    struct loss_options loss;
    const int32_t *ids, *target;
    int64_t rows, T;
};

/* Its gradients, in micro-batches of so many windows. */
static float *
gradients(const struct job *j, int64_t micro, struct trainer_metrics *m,
          size_t *n)
{
    struct moe_model *model = trained_model(j->v);
    struct trainer_options opt = trained_options(j->v, ACTS_KEEP, micro);
    struct trainer *t;
    opt.pass.loss = j->loss;
    opt.pass.T = j->T;
    ck_ok(moe_ctx_err(model->ctx), trainer_create(&t, model, &opt));
    ck_ok(moe_ctx_err(model->ctx),
          trainer_gradients(t, j->ids, j->target, j->rows, m));
    float *g = trained_values(t, true, n);
    trainer_destroy(&t);
    moe_model_destroy(&model);
    return g;
}

/* Largest difference over largest magnitude. */
static double
distance(const float *a, const float *b, size_t n)
{
    double worst = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
        most = fmax(most, fabs((double)b[i]));
    }
    return worst / most;
}

static void
same_in_parts(const struct job *j, const int64_t *micro, size_t k, double bound)
{
    struct trainer_metrics want, got;
    size_t n;
    float *whole = gradients(j, j->rows, &want, &n);
    for (size_t i = 0; i < k; i++) {
        float *g = gradients(j, micro[i], &got, &n);
        double d = distance(g, whole, n);
        ck_assert_msg(d <= bound, "micro-batch %d: gradients differ by %g",
                      (int)micro[i], d);
        ck_assert_double_eq_tol(got.loss, want.loss, 1e-5 * want.loss);
        ck_assert_double_eq_tol(got.aux, want.aux, 1e-6 * (1 + want.aux));
        ck_assert_double_eq_tol(got.z, want.z, 1e-5 * (1 + want.z));
        ck_assert_double_eq_tol(got.nll, want.nll, 1e-5 * want.nll);
        free(g);
    }
    free(whole);
}

/* Both conventions, three layers of cutting; 3 leaves a rest of 1. */
START_TEST(batch_scope_does_not_see_the_cuts)
{
    static const int64_t micro[] = {1, 2, 3};
    int32_t ids[TRAINED_N], target[TRAINED_N];
    trained_batch(ids, target, 0);
    for (int v = 0; v < TRAINED_VARIANTS; v++) {
        struct job j = {&trained_variants[v],
                        v ? loss_hf : loss_olmoe,
                        ids,
                        target,
                        TRAINED_ROWS,
                        TRAINED_T};
        j.loss.aux_batch = true;
        j.loss.aux_weight = 0.5; // a part of the gradient that counts
        same_in_parts(&j, micro, 3, 1e-5);
    }
}
END_TEST

/* Then the losses of the parts are means of their own statistics. */
START_TEST(micro_scope_sees_them)
{
    struct trainer_metrics whole, parts, one;
    int32_t ids[TRAINED_N], target[TRAINED_N];
    size_t n;
    double mean = 0;
    trained_batch(ids, target, 0);
    struct job j = {&trained_variants[0], loss_olmoe, ids, target,
                    TRAINED_ROWS,         TRAINED_T};
    free(gradients(&j, TRAINED_ROWS, &whole, &n));
    free(gradients(&j, 1, &parts, &n));
    ck_assert(fabs(parts.aux - whole.aux) > 1e-3);
    for (int r = 0; r < TRAINED_ROWS; r++) {
        struct job k = j;
        k.ids += r * TRAINED_T;
        k.target += r * TRAINED_T;
        k.rows = 1;
        free(gradients(&k, 1, &one, &n));
        mean += one.aux / TRAINED_ROWS;
    }
    ck_assert_double_eq_tol(parts.aux, mean, 1e-9);
}
END_TEST

/* 8 documents of 3 to 400 tokens, the fifth without a label, one a window. */
static void
documents(int32_t *ids, int32_t *target)
{
    static const int length[DOCUMENTS] = {3, 400, 17, 64, 0, 255, 5, 128};
    for (int d = 0; d < DOCUMENTS; d++)
        for (int t = 0; t < LONGEST; t++) {
            int i = d * LONGEST + t;
            ids[i] = (int32_t)(rng_uniform(9, 77, (uint64_t)i) * TRAINED_V);
            target[i] = t + 1 < length[d] ? 1 : -1;
        }
    for (int i = 0; i + 1 < DOCUMENTS * LONGEST; i++)
        target[i] = target[i] < 0 ? -1 : ids[i + 1];
}

START_TEST(unequal_documents_weigh_by_their_tokens)
{
    static const int64_t micro[] = {4, 1};
    static int32_t ids[DOCUMENTS * LONGEST], target[DOCUMENTS * LONGEST];
    documents(ids, target);
    for (int positions = 0; positions < 2; positions++) {
        struct job j = {
            &trained_variants[0], loss_olmoe, ids, target, DOCUMENTS, LONGEST};
        j.loss.aux_batch = true;
        j.loss.ce_positions = positions;
        same_in_parts(&j, micro, 2, 1e-6);
    }
}
END_TEST

/* The slope of the loss along a direction, against the double reference. */
START_TEST(parts_agree_with_finite_differences)
{
    const double step = 1e-7;
    for (int v = 0; v < TRAINED_VARIANTS; v++) {
        struct moe_model *m = trained_model(&trained_variants[v]);
        struct trainer_options opt =
            trained_options(&trained_variants[v], ACTS_RECOMPUTE, 1);
        struct trainer *t;
        struct trainer_metrics got;
        int32_t ids[TRAINED_N], target[TRAINED_N];
        size_t n;
        trained_batch(ids, target, 3);
        opt.pass.loss.aux_batch = true;
        opt.pass.loss.aux_weight = 0.5;
        ck_ok(moe_ctx_err(m->ctx), trainer_create(&t, m, &opt));
        ck_ok(moe_ctx_err(m->ctx),
              trainer_gradients(t, ids, target, TRAINED_ROWS, &got));
        float *w = trained_values(t, false, &n);
        float *g = trained_values(t, true, &n);
        double *x = trained_widen(w, n), side[2];
        double loss = ref_model_loss(&m->config, x, &opt.pass.loss, ids, target,
                                     TRAINED_ROWS, TRAINED_T);
        ck_assert_double_eq_tol(got.loss, loss, 1e-5);
        for (int d = 0; d < 3; d++) {
            double slope = 0, size = 0;
            for (size_t i = 0; i < n; i++) {
                double by = rng_normal(31, (uint64_t)d, i) * (double)g[i];
                slope += by;
                size += fabs(by);
            }
            for (int s = 0; s < 2; s++) {
                for (size_t i = 0; i < n; i++)
                    x[i] = (double)w[i] +
                           (s ? step : -step) * rng_normal(31, (uint64_t)d, i);
                side[s] = ref_model_loss(&m->config, x, &opt.pass.loss, ids,
                                         target, TRAINED_ROWS, TRAINED_T);
            }
            ck_assert_double_eq_tol(slope, (side[1] - side[0]) / (2 * step),
                                    2e-5 * size + 1e-6);
        }
        free(w);
        free(g);
        free(x);
        trainer_destroy(&t);
        moe_model_destroy(&m);
    }
}
END_TEST

START_TEST(labels_leave_the_routers_losses_alone)
{
    struct trainer_metrics some, none;
    int32_t ids[TRAINED_N], target[TRAINED_N];
    size_t n;
    trained_batch(ids, target, 0);
    struct job j = {&trained_variants[0], loss_olmoe, ids, target,
                    TRAINED_ROWS,         TRAINED_T};
    free(gradients(&j, 2, &some, &n));
    for (int i = 0; i < TRAINED_N; i++)
        target[i] = -1;
    for (int positions = 0; positions < 2; positions++) {
        j.loss.ce_positions = positions;
        float *g = gradients(&j, 2, &none, &n);
        ck_assert_double_eq(none.aux, some.aux);
        ck_assert_double_eq(none.z, some.z);
        ck_assert_double_eq(none.ce, 0);
        ck_assert_int_eq(none.labels, 0);
        double most = 0;
        for (size_t i = 0; i < n; i++) {
            ck_assert(isfinite(g[i]));
            most = fmax(most, fabs((double)g[i]));
        }
        ck_assert(most > 0);
        free(g);
    }
}
END_TEST

static void
expect_finite(const char *what, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(isfinite(x[i]), "%s: number %zu is %g", what, i,
                      (double)x[i]);
}

/* Windows of one token, which have no label, and windows that are padding from
 * some token on, or from the first: losses, gradients and the weights after a
 * step are numbers, at every level. */
static void
step_padded(enum acts_level level, int64_t T, const struct loss_options *loss)
{
    struct moe_model *m = trained_model(&trained_variants[1]);
    struct trainer_options opt =
        trained_options(&trained_variants[1], level, 3);
    struct trainer *t;
    struct trainer_metrics got;
    int32_t ids[TRAINED_N], target[TRAINED_N];
    size_t n;
    opt.pass.loss = *loss;
    opt.pass.T = T;
    for (int64_t r = 0; r < TRAINED_ROWS; r++)
        for (int64_t i = 0; i < T; i++) {
            const int64_t at = r * T + i;
            ids[at] = i < 3 * r ? (int32_t)(2 + at) : 1; // 1 is the padding
            target[at] = i + 1 < T && i + 1 < 3 * r ? (int32_t)(3 + at) : -1;
        }
    ck_ok(moe_ctx_err(m->ctx), trainer_create(&t, m, &opt));
    ck_ok(moe_ctx_err(m->ctx),
          trainer_step(t, ids, target, TRAINED_ROWS, &got));
    ck_assert_int_eq(got.labels, T == 1 ? 0 : 2 + 5 + 8);
    ck_assert(isfinite(got.loss) && isfinite(got.ce) && isfinite(got.aux) &&
              isfinite(got.z));
    for (int gradients = 0; gradients < 2; gradients++) {
        float *x = trained_values(t, gradients, &n);
        expect_finite(gradients ? "gradient" : "weight", x, n);
        free(x);
    }
    trainer_destroy(&t);
    moe_model_destroy(&m);
}

START_TEST(short_and_padded_windows_stay_finite)
{
    for (int level = ACTS_KEEP; level <= ACTS_BLOCKS; level++)
        for (int hf = 0; hf < 2; hf++) {
            step_padded((enum acts_level)level, 1, hf ? &loss_hf : &loss_olmoe);
            step_padded((enum acts_level)level, TRAINED_T,
                        hf ? &loss_hf : &loss_olmoe);
        }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("microbatch");
    TCase *tc = tcase_create("microbatch");
    tcase_add_test(tc, batch_scope_does_not_see_the_cuts);
    tcase_add_test(tc, micro_scope_sees_them);
    tcase_add_test(tc, unequal_documents_weigh_by_their_tokens);
    tcase_add_test(tc, parts_agree_with_finite_differences);
    tcase_add_test(tc, labels_leave_the_routers_losses_alone);
    tcase_add_test(tc, short_and_padded_windows_stay_finite);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
