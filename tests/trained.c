/*
 * trained.c - small random models to train, and their batches.
 */
#include "config.h"

#include "tests/trained.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "model/export.h"

static const char source[] =
    "{\"model_type\": \"olmoe\", \"vocab_size\": 40, \"hidden_size\": 16,"
    " \"intermediate_size\": 12, \"num_hidden_layers\": 2,"
    " \"num_attention_heads\": 4, \"num_key_value_heads\": %d,"
    " \"num_experts\": 6, \"num_experts_per_tok\": 2,"
    " \"max_position_embeddings\": 512, \"pad_token_id\": 1,"
    " \"eos_token_id\": 0, \"attention_bias\": %s, \"clip_qkv\": %s,"
    " \"norm_topk_prob\": %s, \"tie_word_embeddings\": %s}";

const struct trained_variant trained_variants[TRAINED_VARIANTS] = {
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

struct moe_model *
trained_model(const struct trained_variant *v)
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

struct trainer_options
trained_options(const struct trained_variant *v, enum acts_level level,
                int64_t micro)
{
    return (struct trainer_options){
        .arena = {.decay_norms = true, .weights = DTYPE_F32},
        .pass = {.B = micro,
                 .T = TRAINED_T,
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

void
trained_batch(int32_t *ids, int32_t *target, uint64_t step)
{
    for (int i = 0; i < TRAINED_N; i++)
        ids[i] = (int32_t)(rng_uniform(9, step, (uint64_t)i) * TRAINED_V);
    for (int i = 0; i < TRAINED_N; i++)
        target[i] = (i + 1) % TRAINED_T && i % 7 != 3 ? ids[i + 1] : -1;
}

float *
trained_values(struct trainer *t, bool gradients, size_t *n)
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

double *
trained_widen(const float *x, size_t n)
{
    double *y = calloc(n, sizeof *y);
    for (size_t i = 0; i < n; i++)
        y[i] = x[i];
    return y;
}
