/*
 * check_train.c - gradients and steps of the whole model.
 *
 * Precondition: small random models with everything that the architecture
 * allows.  Claims: the device's loss is that of the double reference; along
 * three random directions of every kind of parameter the gradient agrees with
 * finite differences of the reference; memory levels and micro-batches change
 * nothing that matters; two runs are equal to the bit, also across a snapshot;
 * a model that diverges is stopped before a weight moves.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/rng.h"
#include "base/str.h"
#include "model/export.h"
#include "tests/ref/model.h"
#include "train/snapshot.h"
#include "train/trainer.h"

enum { V = 40, T = 9, ROWS = 4, DIRECTIONS = 3 };

static const char source[] =
    "{\"model_type\": \"olmoe\", \"vocab_size\": 40, \"hidden_size\": 16,"
    " \"intermediate_size\": 12, \"num_hidden_layers\": 2,"
    " \"num_attention_heads\": 4, \"num_key_value_heads\": %d,"
    " \"num_experts\": 6, \"num_experts_per_tok\": 2,"
    " \"max_position_embeddings\": 64, \"pad_token_id\": 1,"
    " \"eos_token_id\": 0, \"attention_bias\": %s, \"clip_qkv\": %s,"
    " \"norm_topk_prob\": %s, \"tie_word_embeddings\": %s}";

struct variant {
    const char *name;
    int key_heads;
    const char *bias, *clip, *renorm, *tied;
    bool hf;
};

static const struct variant variants[] = {
    {"plain", 4, "false", "null", "false", "false", false},
    {"all", 2, "true", "1.5", "true", "true", true},
};

/* Weights large enough that every nonlinearity is used. */
static int
fill(struct moe_err *err, void *arg, const struct param *p, uint64_t at,
     float *out, size_t n)
{
    const struct moe_config *c = arg;
    uint64_t stream =
        (uint64_t)p->kind << 16 | (uint64_t)p->layer << 8 | (uint64_t)p->expert;
    bool norm = param_group(p->kind) == GROUP_NORM;
    double scale = p->kind == PARAM_EMBED ? 1
                   : norm                 ? 0.2
                                          : 1 / sqrt((double)c->D);
    (void)err;
    for (size_t i = 0; i < n; i++)
        out[i] = (float)(norm + scale * rng_normal(3, stream, at + i));
    return MOE_OK;
}

static struct moe_model *
model_make(const struct variant *v)
{
    struct moe_ctx *ctx = support_ctx();
    struct moe_err *err = moe_ctx_err(ctx);
    struct moe_config c;
    struct moe_model *m;
    const char *config = support_path("config.json");
    const char *dir = support_path(v->name);
    char *text =
        str_format(source, v->key_heads, v->bias, v->clip, v->renorm, v->tied);
    support_write(config, text, strlen(text));
    free(text);
    ck_ok(err, moe_config_read(err, &c, config));
    ck_ok(err, export_model(err, dir, &c,
                            &(struct export_options){
                                .dtype = DTYPE_F32, .read = fill, .arg = &c}));
    moe_config_free(&c);
    ck_ok(err, moe_model_load(ctx, &m, dir));
    return m;
}

static struct trainer_options
options(const struct variant *v, enum acts_level level, int64_t micro)
{
    return (struct trainer_options){
        .arena = {.decay_norms = true, .weights = DTYPE_F32},
        .pass = {.B = micro,
                 .T = T,
                 .level = level,
                 .loss = v->hf ? loss_hf : loss_olmoe},
        .schedule = {.kind = SCHEDULE_COSINE,
                     .peak = 1e-2,
                     .floor = 0.1,
                     .warm_floor = 0.1,
                     .warmup = 2,
                     .total = 10},
        .beta1 = 0.9,
        .beta2 = 0.95,
        .eps = 1e-8,
        .decay = 0.1,
        .clip = 1};
}

/* Batches of random ids; some labels are masked. */
static void
batch(int32_t ids[ROWS * T], int32_t target[ROWS * T], uint64_t step)
{
    for (int i = 0; i < ROWS * T; i++)
        ids[i] = (int32_t)(rng_uniform(9, step, (uint64_t)i) * V);
    for (int i = 0; i < ROWS * T; i++)
        target[i] = (i + 1) % T && i % 7 != 3 ? ids[i + 1] : -1;
}

/* Every trained number of the arena, weights or gradients, in order. */
static float *
all_values(struct trainer *t, bool gradients, size_t *n)
{
    struct arena *a = trainer_arena(t);
    float *x = calloc(a->trained, sizeof *x);
    *n = 0;
    for (size_t i = 0; i < a->params; i++) {
        const struct arena_param *p = &a->param[i];
        ck_assert_int_eq(tensor_read(gradients ? &p->g : &p->w, x + *n),
                         MOE_OK);
        *n += tensor_count(&p->w);
    }
    return x;
}

static double *
widen(const float *x, size_t n)
{
    double *y = calloc(n, sizeof *y);
    for (size_t i = 0; i < n; i++)
        y[i] = x[i];
    return y;
}

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
        side[s] = ref_model_loss(c, params, o, ids, target, ROWS, T);
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
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        struct moe_model *m = model_make(&variants[v]);
        struct trainer_options opt = options(&variants[v], ACTS_KEEP, ROWS);
        struct trainer *t;
        struct trainer_metrics got;
        int32_t ids[ROWS * T], target[ROWS * T];
        size_t n;
        batch(ids, target, 0);
        ck_ok(moe_ctx_err(m->ctx), trainer_create(&t, m, &opt));
        ck_ok(moe_ctx_err(m->ctx),
              trainer_gradients(t, ids, target, ROWS, &got));
        float *w = all_values(t, false, &n), *g = all_values(t, true, &n);
        double *params = widen(w, n);
        double want = ref_model_loss(&m->config, params, &opt.pass.loss, ids,
                                     target, ROWS, T);
        ck_assert_msg(fabs(got.loss - want) < 1e-5, "%s: loss %.9g, want %.9g",
                      variants[v].name, got.loss, want);
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
gradients(const struct variant *v, enum acts_level level, int64_t micro,
          size_t *n)
{
    struct moe_model *m = model_make(v);
    struct trainer_options opt = options(v, level, micro);
    struct trainer *t;
    struct trainer_metrics got;
    int32_t ids[ROWS * T], target[ROWS * T];
    opt.pass.loss.aux_weight = 0; // whose statistics are of a micro-batch
    batch(ids, target, 0);
    ck_ok(moe_ctx_err(m->ctx), trainer_create(&t, m, &opt));
    ck_ok(moe_ctx_err(m->ctx), trainer_gradients(t, ids, target, ROWS, &got));
    float *g = all_values(t, true, n);
    trainer_destroy(&t);
    moe_model_destroy(&m);
    return g;
}

START_TEST(memory_levels_agree)
{
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        size_t n;
        float *keep = gradients(&variants[v], ACTS_KEEP, ROWS, &n);
        for (int level = ACTS_KEEP; level <= ACTS_BLOCKS; level++) {
            float *g =
                gradients(&variants[v], (enum acts_level)level, ROWS, &n);
            double *want = widen(keep, n);
            support_close("gradient", g, want, n, 1e-7, 1e-6);
            free(want);
            free(g);
        }
        free(keep);
    }
}
END_TEST

START_TEST(micro_batches_agree)
{
    size_t n;
    float *whole = gradients(&variants[0], ACTS_KEEP, ROWS, &n);
    double *want = widen(whole, n);
    for (int64_t micro = 1; micro < ROWS; micro++) { // 3 leaves a rest of 1
        float *g = gradients(&variants[0], ACTS_KEEP, micro, &n);
        support_close("gradient", g, want, n, 2e-6, 1e-5);
        free(g);
    }
    free(want);
    free(whole);
}
END_TEST

/* Weights after `steps`, with a snapshot and a new trainer after step `cut`. */
static float *
train(const struct variant *v, int steps, int cut, enum dtype weights,
      size_t *n)
{
    struct moe_model *m = model_make(v);
    struct moe_err *err = moe_ctx_err(m->ctx);
    struct trainer_options opt = options(v, ACTS_KEEP, 2);
    struct trainer *t;
    struct trainer_metrics got;
    int32_t ids[ROWS * T], target[ROWS * T];
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
            m = model_make(v);
            ck_ok(err, trainer_create(&t, m, &opt));
            ck_ok(err, snapshot_load(err, dir, trainer_arena(t), &back));
            trainer_seek(t, done, tokens);
            json_decref(back);
            free(dir);
        }
        batch(ids, target, (uint64_t)step);
        ck_ok(err, trainer_step(t, ids, target, ROWS, &got));
        ck_assert_uint_eq(got.step, (uint64_t)step + 1);
        ck_assert_uint_eq(got.tokens, (uint64_t)(step + 1) * ROWS * T);
    }
    struct arena *a = trainer_arena(t);
    float *x = calloc(a->trained, sizeof *x);
    *n = 0;
    for (size_t i = 0; i < a->params; i++) {
        ck_ok(err, tensor_read(&a->param[i].w, x + *n));
        *n += tensor_count(&a->param[i].w);
    }
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
        float *a = train(&variants[1], 5, -1, types[i], &n);
        float *b = train(&variants[1], 5, -1, types[i], &k);
        float *c = train(&variants[1], 5, 2, types[i], &k);
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
    struct moe_model *m = model_make(&variants[0]);
    struct moe_err *err = moe_ctx_err(m->ctx);
    struct trainer_options opt = options(&variants[0], ACTS_KEEP, ROWS);
    struct trainer *t;
    struct trainer_metrics got;
    int32_t ids[ROWS * T], target[ROWS * T];
    size_t n;
    ck_ok(err, trainer_create(&t, m, &opt));
    batch(ids, target, 0);
    /* One head weight becomes infinite: the loss does too. */
    const float bad = INFINITY;
    ck_ok(err, buffer_write(m->head.buf, m->head.offset * sizeof bad, &bad,
                            sizeof bad));
    float *before = all_values(t, false, &n);
    ck_fails(err, trainer_step(t, ids, target, ROWS, &got), MOE_ENUMERIC,
             "step 1");
    ck_assert(strstr(err->text, "gradient of ") != NULL);
    float *after = all_values(t, false, &n);
    ck_assert(memcmp(before, after, n * sizeof *before) == 0);
    for (int i = 0; i < ROWS * T; i++)
        target[i] = -1;
    ck_fails(err, trainer_step(t, ids, target, ROWS, &got), MOE_EINVAL,
             "no position");
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
    tcase_add_test(tc, micro_batches_agree);
    tcase_add_test(tc, runs_are_equal_to_the_bit);
    tcase_add_test(tc, divergence_stops_before_a_weight_moves);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
