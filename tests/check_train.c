/*
 * check_train.c - gradients and steps of the whole model.
 *
 * Precondition: small random models with everything that the architecture
 * allows.  Claims: the device's loss is that of the double reference; along
 * three random directions of every kind of parameter the gradient agrees with
 * finite differences of the reference; memory levels change nothing that
 * matters; two runs are equal to the bit, also across a snapshot;
 * a model that diverges is stopped before a weight moves.
 */
#include "config.h"

#include "tests/trained.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/rng.h"
#include "base/str.h"
#include "tests/ref/model.h"
#include "train/snapshot.h"

enum { DIRECTIONS = 3 };

/* The slope of the loss along a direction that moves one kind only. */
static void
compare_slope(struct trainer *t, const struct moe_config *c, double *params,
              const float *grads, enum param_kind kind, int direction,
              const struct loss_options *o, const int32_t *ids,
              const int32_t *target)
{
    struct arena *a = trainer_arena(t);
    // Small, so that no token changes its experts on the way.
    const double step = 1e-7;
    double slope = 0, size = 0, side[2], *dir = calloc(a->trained, sizeof *dir);
    size_t n = 0;
    for (size_t i = 0; i < a->params; i++)
        for (uint64_t k = tensor_count(&a->param[i].w); k > 0; k--, n++)
            if (a->param[i].p.kind == kind)
                dir[n] = rng_normal(21, (uint64_t)(kind * 8 + direction), n);
    for (size_t i = 0; i < n; i++) {
        slope += dir[i] * (double)grads[i];
        size += fabs(dir[i] * (double)grads[i]);
    }
    for (int s = 0; s < 2; s++) {
        double move = s ? step : -step;
        for (size_t i = 0; i < n; i++)
            params[i] += move * dir[i];
        side[s] =
            ref_model_loss(c, params, o, ids, target, TRAINED_ROWS, TRAINED_T);
        for (size_t i = 0; i < n; i++)
            params[i] -= move * dir[i];
    }
    double want = (side[1] - side[0]) / (2 * step);
    ck_assert_msg(fabs(slope - want) <= 2e-5 * size + 1e-6,
                  "kind %d, direction %d: slope %.9g, want %.9g", (int)kind,
                  direction, slope, want);
    free(dir);
}

START_TEST(gradients_agree_with_finite_differences)
{
    for (size_t v = 0; v < TRAINED_VARIANTS; v++) {
        struct moe_model *m = trained_model(&trained_variants[v]);
        struct trainer_options opt =
            trained_options(&trained_variants[v], ACTS_KEEP, TRAINED_ROWS);
        struct trainer *t;
        struct trainer_metrics got;
        int32_t ids[TRAINED_N], target[TRAINED_N];
        size_t n;
        trained_batch(ids, target, 0);
        ck_ok(moe_ctx_err(m->ctx), trainer_create(&t, m, &opt));
        ck_ok(moe_ctx_err(m->ctx),
              trainer_gradients(t, ids, target, TRAINED_ROWS, &got));
        float *w = trained_values(t, false, &n),
              *g = trained_values(t, true, &n);
        double *params = trained_widen(w, n);
        double want = ref_model_loss(&m->config, params, &opt.pass.loss, ids,
                                     target, TRAINED_ROWS, TRAINED_T);
        ck_assert_msg(fabs(got.loss - want) < 1e-5, "%s: loss %.9g, want %.9g",
                      trained_variants[v].name, got.loss, want);
        for (int kind = 0; kind < PARAM_KINDS; kind++)
            for (int d = 0; d < DIRECTIONS &&
                            param_present((enum param_kind)kind, &m->config);
                 d++)
                compare_slope(t, &m->config, params, g, (enum param_kind)kind,
                              d, &opt.pass.loss, ids, target);
        free(w);
        free(g);
        free(params);
        trainer_destroy(&t);
        moe_model_destroy(&m);
    }
}
END_TEST

/* Gradients of one batch at a level and a micro-batch size. */
static float *
gradients(const struct trained_variant *v, enum acts_level level, int64_t micro,
          size_t *n)
{
    struct moe_model *m = trained_model(v);
    struct trainer_options opt = trained_options(v, level, micro);
    struct trainer *t;
    struct trainer_metrics got;
    int32_t ids[TRAINED_N], target[TRAINED_N];
    opt.pass.loss.aux_weight = 0; // whose statistics are of a micro-batch
    trained_batch(ids, target, 0);
    ck_ok(moe_ctx_err(m->ctx), trainer_create(&t, m, &opt));
    ck_ok(moe_ctx_err(m->ctx),
          trainer_gradients(t, ids, target, TRAINED_ROWS, &got));
    float *g = trained_values(t, true, n);
    trainer_destroy(&t);
    moe_model_destroy(&m);
    return g;
}

START_TEST(memory_levels_agree)
{
    for (size_t v = 0; v < TRAINED_VARIANTS; v++) {
        size_t n;
        float *keep =
            gradients(&trained_variants[v], ACTS_KEEP, TRAINED_ROWS, &n);
        for (int level = ACTS_KEEP; level <= ACTS_BLOCKS; level++) {
            float *g = gradients(&trained_variants[v], (enum acts_level)level,
                                 TRAINED_ROWS, &n);
            double *want = trained_widen(keep, n);
            support_close("gradient", g, want, n, 1e-7, 1e-6);
            free(want);
            free(g);
        }
        free(keep);
    }
}
END_TEST

/* Weights after `steps`, with a snapshot and a new trainer after step `cut`. */
static float *
train(const struct trained_variant *v, int steps, int cut, enum dtype weights,
      size_t *n)
{
    struct moe_model *m = trained_model(v);
    struct moe_err *err = moe_ctx_err(m->ctx);
    struct trainer_options opt = trained_options(v, ACTS_KEEP, 2);
    struct trainer *t;
    struct trainer_metrics got;
    int32_t ids[TRAINED_N], target[TRAINED_N];
    const char *run = support_path("run");
    json_t *state = json_object();
    opt.arena.weights = weights;
    ck_ok(err, fs_mkdirs(err, run, 0777));
    ck_ok(err, trainer_create(&t, m, &opt));
    for (int step = 0; step < steps; step++) {
        if (step == cut) {
            uint64_t done, tokens;
            json_t *back;
            char *dir = snapshot_dir(run, (uint64_t)step);
            trainer_position(t, &done, &tokens);
            ck_ok(err, snapshot_save(err, run, done, trainer_arena(t), state));
            trainer_destroy(&t);
            moe_model_destroy(&m);
            m = trained_model(v);
            ck_ok(err, trainer_create(&t, m, &opt));
            ck_ok(err, snapshot_load(err, dir, trainer_arena(t), &back));
            trainer_seek(t, done, tokens);
            json_decref(back);
            free(dir);
        }
        trained_batch(ids, target, (uint64_t)step);
        ck_ok(err, trainer_step(t, ids, target, TRAINED_ROWS, &got));
        ck_assert_uint_eq(got.step, (uint64_t)step + 1);
        ck_assert_uint_eq(got.tokens, (uint64_t)(step + 1) * TRAINED_N);
    }
    float *x = trained_values(t, false, n);
    json_decref(state);
    trainer_destroy(&t);
    moe_model_destroy(&m);
    return x;
}

START_TEST(runs_are_equal_to_the_bit)
{
    static const enum dtype types[] = {DTYPE_F32, DTYPE_BF16};
    for (int i = 0; i < 2; i++) {
        size_t n, k;
        float *a = train(&trained_variants[1], 5, -1, types[i], &n);
        float *b = train(&trained_variants[1], 5, -1, types[i], &k);
        float *c = train(&trained_variants[1], 5, 2, types[i], &k);
        ck_assert(memcmp(a, b, n * sizeof *a) == 0);
        ck_assert(memcmp(a, c, n * sizeof *a) == 0);
        free(a);
        free(b);
        free(c);
    }
}
END_TEST

START_TEST(divergence_stops_before_a_weight_moves)
{
    struct moe_model *m = trained_model(&trained_variants[0]);
    struct moe_err *err = moe_ctx_err(m->ctx);
    struct trainer_options opt =
        trained_options(&trained_variants[0], ACTS_KEEP, TRAINED_ROWS);
    struct trainer *t;
    struct trainer_metrics got;
    int32_t ids[TRAINED_N], target[TRAINED_N];
    size_t n;
    ck_ok(err, trainer_create(&t, m, &opt));
    trained_batch(ids, target, 0);
    /* One head weight becomes infinite: the loss does too. */
    const float bad = INFINITY;
    ck_ok(err, buffer_write(m->head.buf, m->head.offset * sizeof bad, &bad,
                            sizeof bad));
    float *before = trained_values(t, false, &n);
    ck_fails(err, trainer_step(t, ids, target, TRAINED_ROWS, &got),
             MOE_ENUMERIC, "step 1");
    ck_assert(strstr(err->text, "gradient of ") != NULL);
    float *after = trained_values(t, false, &n);
    ck_assert(memcmp(before, after, n * sizeof *before) == 0);
    free(before);
    free(after);
    trainer_destroy(&t);
    moe_model_destroy(&m);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("train");
    TCase *tc = tcase_create("train");
    tcase_add_test(tc, gradients_agree_with_finite_differences);
    tcase_add_test(tc, memory_levels_agree);
    tcase_add_test(tc, runs_are_equal_to_the_bit);
    tcase_add_test(tc, divergence_stops_before_a_weight_moves);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
