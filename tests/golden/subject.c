/*
 * subject.c - one small checkpoint that is trained, and the numbers that go
 * with it.
 */
#include "config.h"

#include "tests/golden/subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/names.h"

static const double CLOSE = 1e-4;      // of a tensor's largest magnitude
static const double LOSS_CLOSE = 1e-5; // relative

const struct st_tensor *
subject_vector(struct subject *s, const char *prefix, const char *name)
{
    char full[NAMES_BYTES + 16];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return safetensors_find(&s->vectors, full);
}

float
subject_scalar(struct subject *s, const char *name, int64_t i)
{
    float x = NAN;
    const struct st_tensor *t = subject_vector(s, "", name);
    if (t && t->end - t->begin >= (uint64_t)(i + 1) * sizeof x)
        memcpy(&x, t->data + (size_t)i * sizeof x, sizeof x);
    return x;
}

void
subject_loss(struct subject *s, const char *what, double got, double want)
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

struct trainer_options
subject_options(const struct subject *s, const struct loss_options *l,
                enum acts_level level, int64_t B)
{
    return (struct trainer_options){
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
}

int
subject_open(struct subject *s, struct moe_model **m, struct trainer **t,
             const struct trainer_options *opt)
{
    struct moe_ctx *ctx = golden_ctx(s->g, s->err);
    *m = NULL;
    *t = NULL;
    if (!ctx)
        return s->err->code;
    int rc = moe_model_load(ctx, m, s->dir);
    if (!rc)
        rc = trainer_create(t, *m, opt);
    if (rc)
        *s->err = *moe_ctx_err(ctx);
    return rc;
}

void
subject_close(struct moe_model **m, struct trainer **t)
{
    trainer_destroy(t);
    moe_model_destroy(m);
}

int
subject_ids(struct subject *s, const struct safetensors *from)
{
    const struct st_tensor *t;
    int rc = safetensors_get(s->err, &t, from, "input_ids", DTYPE_I32, 2);
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

int
subject_params(struct subject *s, struct trainer *t, const char *prefix,
               bool gradients)
{
    struct arena *a = trainer_arena(t);
    double worst = 0;
    char what[64], at[NAMES_BYTES] = "";
    for (size_t i = 0; i < a->params; i++) {
        const struct arena_param *q = &a->param[i];
        if (!q->g.buf)
            continue;
        char name[NAMES_BYTES];
        names_format(name, names_olmoe, &q->p);
        const struct st_tensor *want = subject_vector(s, prefix, name);
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
