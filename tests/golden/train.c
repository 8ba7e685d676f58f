/*
 * train.c - training of small checkpoints: loss terms by both conventions,
 * every gradient by both presets, parameters after one and three steps.
 *
 * Only directories of tiny/ with numbers of their own take part, and only
 * those in which something is predicted.
 */
#include "config.h"

#include "tests/golden/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "io/safetensors.h"
#include "model/family.h"
#include "model/names.h"
#include "train/trainer.h"

static const double CLOSE = 1e-4;      // of a tensor's largest magnitude
static const double LOSS_CLOSE = 1e-5; // relative
enum { STEPS = 3 };

/* One checkpoint. */
struct subject {
    struct golden *g;
    struct moe_err *err;
    const char *name; // "tiny/plain"
    struct safetensors vectors;
    char dir[512];
    int64_t B, T;
    int32_t *ids, *target;
};

static const struct st_tensor *
vector(struct subject *s, const char *prefix, const char *name)
{
    char full[NAMES_BYTES + 16];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return safetensors_find(&s->vectors, full);
}

static float
scalar(struct subject *s, const char *name, int64_t i)
{
    float x = NAN;
    const struct st_tensor *t = vector(s, "", name);
    if (t && t->end - t->begin >= (uint64_t)(i + 1) * sizeof x)
        memcpy(&x, t->data + (size_t)i * sizeof x, sizeof x);
    return x;
}

static void
loss(struct subject *s, const char *what, double got, double want)
{
    double error = fabs(got - want) / fmax(1, fabs(want));
    golden_report(s->g, s->name, what, error, LOSS_CLOSE,
                  error <= LOSS_CLOSE); // false for a NaN
}

/* A tensor on the device against one of the file: largest difference over
 * largest magnitude. */
static int
distance(struct subject *s, double *out, const struct tensor *t,
         const struct st_tensor *want)
{
    size_t n = (size_t)tensor_count(t);
    float *got = malloc(n * sizeof *got), *ref = malloc(n * sizeof *ref);
    double most = 0, worst = 0;
    int rc = got && ref
                 ? MOE_OK
                 : moe_fail(s->err, MOE_ENOMEM, "%s: out of memory", s->name);
    if (!rc && want->end - want->begin != n * sizeof *ref)
        rc = moe_fail(s->err, MOE_ESHAPE, "%s: %s has another shape", s->name,
                      want->name);
    if (!rc)
        rc = tensor_read(t, got);
    if (!rc) {
        memcpy(ref, want->data, n * sizeof *ref);
        for (size_t i = 0; i < n; i++) {
            double d = fabs((double)got[i] - (double)ref[i]);
            most = fmax(most, fabs((double)ref[i]));
            worst = isnan(d) ? INFINITY : fmax(worst, d);
        }
        *out = most > 0 ? worst / most : worst > 0 ? INFINITY : 0;
    }
    free(got);
    free(ref);
    return rc;
}

/* Every parameter's gradient or value against PREFIX.NAME. */
static int
compare_params(struct subject *s, struct trainer *t, const char *prefix,
               bool gradients)
{
    struct arena *a = trainer_arena(t);
    const char *const *names = family_find("olmoe")->names;
    double worst = 0;
    char what[64], at[NAMES_BYTES] = "";
    for (size_t i = 0; i < a->params; i++) {
        const struct arena_param *q = &a->param[i];
        char name[NAMES_BYTES];
        names_format(name, names, &q->p);
        const struct st_tensor *want = vector(s, prefix, name);
        double error = 0;
        if (!want)
            return moe_fail(s->err, MOE_EFORMAT, "%s: no %s%s", s->name, prefix,
                            name);
        int rc = distance(s, &error, gradients ? &q->g : &q->w, want);
        if (rc)
            return rc;
        if (error > worst) {
            worst = error;
            snprintf(at, sizeof at, "%s", name);
        }
    }
    snprintf(what, sizeof what, "%.*s", (int)(strlen(prefix) - 1), prefix);
    golden_report(s->g, s->name, what, worst, CLOSE, worst <= CLOSE);
    if (worst > CLOSE)
        printf("  worst: %s\n", at);
    return MOE_OK;
}

/* Load the checkpoint anew and make a trainer with micro-batches of B. */
static int
open_trainer(struct subject *s, struct moe_model **m, struct trainer **t,
             const struct loss_options *l, enum acts_level level, int64_t B)
{
    struct moe_ctx *ctx = golden_ctx(s->g, s->err);
    struct trainer_options opt = {
        .arena = {.decay_norms = true,
                  .decay_embeddings = true,
                  .weights = DTYPE_F32},
        .pass = {.B = B, .T = s->T, .level = level, .loss = *l},
        .schedule = {.kind = SCHEDULE_CONSTANT, .peak = 1e-3},
        .beta1 = 0.9,
        .beta2 = 0.95,
        .eps = 1e-8,
        .decay = 0.1,
        .clip = 1};
    *m = NULL;
    *t = NULL;
    if (!ctx)
        return s->err->code;
    int rc = moe_model_load(ctx, m, s->dir);
    if (!rc)
        rc = trainer_create(t, *m, &opt);
    if (rc)
        *s->err = *moe_ctx_err(ctx);
    return rc;
}

static void
close_trainer(struct moe_model **m, struct trainer **t)
{
    trainer_destroy(t);
    moe_model_destroy(m);
}

/* Loss terms and gradients of one preset. */
static int
compare_gradients(struct subject *s, bool hf)
{
    struct moe_model *m;
    struct trainer *t;
    struct trainer_metrics got;
    int rc = open_trainer(s, &m, &t, hf ? &loss_hf : &loss_olmoe,
                          hf ? ACTS_RECOMPUTE : ACTS_KEEP, s->B);
    if (!rc)
        rc = trainer_gradients(t, s->ids, s->target, s->B, &got);
    if (!rc) {
        loss(s, hf ? "ce, labels" : "ce, positions", got.ce,
             scalar(s, hf ? "loss.ce_labels" : "loss.ce_positions", 0));
        loss(s, hf ? "balance, hf" : "balance, megablocks", got.aux,
             scalar(s, hf ? "loss.lb_hf" : "loss.lb_megablocks", 0));
        loss(s, hf ? "z, mean" : "z, over top-k", got.z,
             scalar(s, hf ? "loss.z_mean" : "loss.z_div_topk", 0));
        rc = compare_params(s, t, hf ? "grad_hf." : "grad_olmoe.", true);
    }
    close_trainer(&m, &t);
    return rc;
}

static int
compare_steps(struct subject *s)
{
    struct moe_model *m;
    struct trainer *t;
    struct trainer_metrics got;
    int rc = open_trainer(s, &m, &t, &loss_olmoe, ACTS_BLOCKS, s->B);
    for (int step = 0; !rc && step < STEPS; step++) {
        rc = trainer_step(t, s->ids, s->target, s->B, &got);
        if (rc)
            break;
        char what[32];
        snprintf(what, sizeof what, "loss of step %d", step + 1);
        loss(s, what, got.loss, scalar(s, "step_loss", step));
        snprintf(what, sizeof what, "norm of step %d", step + 1);
        loss(s, what, got.norm, scalar(s, "step_norm", step));
        if (step == 0 || step == STEPS - 1)
            rc = compare_params(s, t, step ? "step3." : "step1.", false);
    }
    close_trainer(&m, &t);
    return rc;
}

/* input_ids (B,T), and the next token of each as its label. */
static int
read_ids(struct subject *s)
{
    const struct st_tensor *t;
    int rc =
        safetensors_get(s->err, &t, &s->vectors, "input_ids", DTYPE_I32, 2);
    if (rc)
        return rc;
    s->B = t->dim[0];
    s->T = t->dim[1];
    size_t n = (size_t)(s->B * s->T);
    s->ids = malloc(n * sizeof *s->ids);
    s->target = malloc(n * sizeof *s->target);
    if (!s->ids || !s->target)
        return moe_fail(s->err, MOE_ENOMEM, "%s: out of memory", s->name);
    memcpy(s->ids, t->data, n * sizeof *s->ids);
    for (size_t i = 0; i < n; i++)
        s->target[i] = (int64_t)(i + 1) % s->T ? s->ids[i + 1] : -1;
    return MOE_OK;
}

static int
compare_dir(struct golden *g, struct moe_err *err, const char *name)
{
    struct subject s = {.g = g, .err = err};
    char *subject = str_format("tiny/%s", name);
    char *path = str_format("%s/tiny/%s/vectors.safetensors", g->root, name);
    int rc =
        subject && path ? MOE_OK : moe_fail(err, MOE_ENOMEM, "out of memory");
    s.name = subject;
    snprintf(s.dir, sizeof s.dir, "%s/tiny/%s", g->root, name);
    if (!rc && fs_exists(path)) {
        rc = safetensors_open(err, &s.vectors, path);
        if (!rc && vector(&s, "", "loss.ce_labels")) {
            rc = read_ids(&s);
            if (!rc)
                rc = compare_gradients(&s, false);
            if (!rc)
                rc = compare_gradients(&s, true);
            if (!rc)
                rc = compare_steps(&s);
        }
        safetensors_close(&s.vectors);
    }
    free(s.ids);
    free(s.target);
    free(subject);
    free(path);
    return rc;
}

int
golden_train(struct golden *g, struct moe_err *err)
{
    char **names, *dir = str_path(g->root, "tiny");
    size_t n;
    int rc = dir ? fs_list(err, &names, &n, dir, "")
                 : moe_fail(err, MOE_ENOMEM, "out of memory");
    free(dir);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < n; i++)
        rc = compare_dir(g, err, names[i]);
    fs_list_free(names, n);
    return rc;
}
