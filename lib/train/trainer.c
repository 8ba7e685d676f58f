/*
 * trainer.c - the step: batch, gradients, norm, clipping, update.
 */
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/family.h"
#include "model/names.h"

struct trainer {
    struct moe_ctx *ctx; // borrowed
    struct moe_model *model;
    struct trainer_options opt;
    struct arena *arena;   // owned
    struct pass *pass;     // owned
    struct tensor partial; // sums of squares of every range
    struct tensor norm;    // (2): global norm, clipping factor
    uint64_t partials;
    uint64_t step, tokens; // done so far
    uint64_t *count;       // (L,E) choices of the last step
    double *load;          // (L,E)
};

/* ---- Create and destroy ------------------------------------------------- */

static int
check_plan(struct trainer *t)
{
    struct moe_err *err = moe_ctx_err(t->ctx);
    const struct device_info *device = ctx_device(t->ctx);
    struct trainer_plan plan;
    int rc = trainer_plan(err, &plan, &t->model->config, &t->opt,
                          device->max_alloc_bytes);
    return rc ? rc
              : need_check(err, device, &plan.need, "training, by its plan");
}

static int
create(struct trainer *t)
{
    const struct moe_config *c = &t->model->config;
    size_t cells = (size_t)(c->L * c->E);
    t->count = mem_zero(cells, sizeof *t->count);
    t->load = mem_zero(cells, sizeof *t->load);
    if (!t->count || !t->load)
        return moe_fail(moe_ctx_err(t->ctx), MOE_ENOMEM,
                        "training: out of memory");
    int rc = arena_create(&t->arena, t->model, &t->opt.arena);
    if (!rc)
        rc = pass_create(&t->pass, t->arena, &t->opt.pass);
    if (rc)
        return rc;
    for (size_t i = 0; i < t->arena->ranges; i++)
        t->partials += gradnorm_partials(t->arena->range[i].n);
    t->partial = tensor_shape(DTYPE_F32, 1, &(int64_t){(int64_t)t->partials});
    t->norm = tensor_shape(DTYPE_F32, 1, &(int64_t){2});
    rc = tensor_create(t->ctx, &t->partial, "gradient norm");
    return rc ? rc : tensor_create(t->ctx, &t->norm, "gradient norm");
}

int
trainer_create(struct trainer **out, struct moe_model *model,
               const struct trainer_options *opt)
{
    struct trainer *t = mem_zero(1, sizeof *t);
    *out = NULL;
    if (!t)
        return moe_fail(moe_ctx_err(model->ctx), MOE_ENOMEM,
                        "training: out of memory");
    t->ctx = model->ctx;
    t->model = model;
    t->opt = *opt;
    int rc = check_plan(t);
    if (!rc)
        rc = create(t);
    if (rc)
        trainer_destroy(&t);
    *out = t;
    return rc;
}

void
trainer_destroy(struct trainer **tp)
{
    struct trainer *t = *tp;
    *tp = NULL;
    if (!t)
        return;
    pass_destroy(&t->pass);
    arena_destroy(&t->arena);
    buffer_destroy(&t->partial.buf);
    buffer_destroy(&t->norm.buf);
    free(t->count);
    free(t->load);
    free(t);
}

/* ---- Gradients ---------------------------------------------------------- */

static int64_t
count_labels(const int32_t *target, int64_t n)
{
    int64_t labels = 0;
    for (int64_t i = 0; i < n; i++)
        labels += target[i] >= 0;
    return labels;
}

static void
note_load(struct trainer *t)
{
    const struct moe_config *c = &t->model->config;
    for (int64_t l = 0; l < c->L; l++) {
        double sum = 0;
        for (int64_t e = 0; e < c->E; e++)
            sum += (double)t->count[l * c->E + e];
        for (int64_t e = 0; e < c->E; e++)
            t->load[l * c->E + e] =
                sum > 0 ? (double)t->count[l * c->E + e] / sum : 0;
    }
}

/* The run diverged before there was a gradient; what the pass said names layer
 * and token. */
static int
router_diverged(struct trainer *t, const struct trainer_metrics *m)
{
    struct moe_err *err = moe_ctx_err(t->ctx), pass = *err;
    return moe_fail(err, MOE_ENUMERIC, "step %" PRIu64 ": router logits: %s",
                    m->step, pass.text);
}

/* The choices of a batch that is too large for one pass, ahead of it. */
static int
count_batch(struct trainer *t, const int32_t *ids, int64_t rows)
{
    int64_t T = t->opt.pass.T, B = t->opt.pass.B;
    int rc = MOE_OK;
    for (int64_t row = 0; !rc && row < rows; row += B)
        rc = pass_count(t->pass, ids + row * T, rows - row < B ? rows - row : B,
                        T);
    return rc;
}

int
trainer_gradients(struct trainer *t, const int32_t *ids, const int32_t *target,
                  int64_t rows, struct trainer_metrics *m)
{
    const struct loss_options *loss = &t->opt.pass.loss;
    int64_t T = t->opt.pass.T, B = t->opt.pass.B, n = rows * T;
    int64_t labels = count_labels(target, n);
    struct pass_sums sums;
    *m = (struct trainer_metrics){.step = t->step + 1};
    double denominator = (double)(loss->ce_positions ? n : labels ? labels : 1);
    int rc = arena_zero_grads(t->arena);
    if (!rc && loss->aux_batch && loss->aux_weight > 0 && rows > B)
        rc = count_batch(t, ids, rows);
    for (int64_t row = 0; !rc && row < rows; row += B) {
        int64_t part = rows - row < B ? rows - row : B;
        struct pass_scale scale = {1 / denominator,
                                   (double)part / (double)rows};
        rc = pass_gradients(t->pass, ids + row * T, target + row * T, part, T,
                            &scale);
    }
    pass_sums(t->pass, &sums, t->count);
    if (rc)
        return rc == MOE_ENUMERIC ? router_diverged(t, m) : rc;
    note_load(t);
    m->ce = sums.nll / denominator;
    m->labels = labels;
    m->nll = labels ? sums.nll / (double)labels : 0;
    m->aux = sums.balance;
    m->z = sums.z;
    m->loss = m->ce + loss->aux_weight * m->aux + loss->z_weight * m->z;
    m->forward_s = sums.forward_s;
    m->backward_s = sums.backward_s;
    m->tokens = t->tokens + (uint64_t)n;
    return MOE_OK;
}

/* ---- Divergence --------------------------------------------------------- */

/* The first element of a gradient that is not finite; false: none. */
static bool
find_not_finite(const struct tensor *g, uint64_t *at)
{
    enum { CHUNK = 1 << 16 };
    uint64_t n = tensor_count(g);
    float *x = mem_zero(CHUNK, sizeof *x);
    bool found = false;
    for (uint64_t i = 0; x && !found && i < n; i += CHUNK) {
        uint64_t part = n - i < CHUNK ? n - i : CHUNK;
        if (buffer_read(g->buf, (g->offset + i) * sizeof *x, x,
                        part * sizeof *x))
            break;
        for (uint64_t k = 0; !found && k < part; k++)
            if (!isfinite(x[k])) {
                *at = i + k;
                found = true;
            }
    }
    free(x);
    return found;
}

/* The run diverged: name the tensor whose gradient shows it, the one nearest
 * to the loss. */
static int
diverged(struct trainer *t, const struct trainer_metrics *m)
{
    struct moe_err *err = moe_ctx_err(t->ctx);
    const char *const *names = family_find(t->model->config.model_type)->names;
    for (size_t i = t->arena->params; i-- > 0;) {
        const struct arena_param *q = &t->arena->param[i];
        char name[NAMES_BYTES];
        uint64_t at;
        if (!q->g.buf || !find_not_finite(&q->g, &at))
            continue;
        bool layered = param_scope(q->p.kind) != SCOPE_MODEL;
        char layer[32] = "";
        if (layered)
            snprintf(layer, sizeof layer, ", layer %d", q->p.layer);
        return moe_fail(err, MOE_ENUMERIC,
                        "step %" PRIu64 "%s: the gradient of %s is not finite "
                        "at element %" PRIu64 " (loss %g, norm %g)",
                        m->step, layer, names_format(name, names, &q->p), at,
                        m->loss, m->norm);
    }
    return moe_fail(err, MOE_ENUMERIC,
                    "step %" PRIu64 ": the loss is %g, the gradient norm %g",
                    m->step, m->loss, m->norm);
}

/* ---- Update ------------------------------------------------------------- */

static int
global_norm(struct trainer *t, struct trainer_metrics *m)
{
    uint64_t at = 0;
    float out[2];
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < t->arena->ranges; i++) {
        const struct arena_range *r = &t->arena->range[i];
        struct tensor part = t->partial;
        part.offset = at;
        rc = gradnorm_partial(t->ctx, &part, &r->g, r->n);
        at += gradnorm_partials(r->n);
    }
    if (!rc)
        rc = gradnorm_finish(t->ctx, &t->norm, &t->partial, t->partials,
                             t->opt.clip);
    if (!rc)
        rc = tensor_read(&t->norm, out);
    m->norm = rc ? 0 : (double)out[0];
    if (!rc && (!isfinite(m->norm) || !isfinite(m->loss)))
        rc = diverged(t, m);
    return rc;
}

static int
update_range(struct trainer *t, const struct arena_range *r, double rate)
{
    struct adamw o = {.lr = rate,
                      .beta1 = t->opt.beta1,
                      .beta2 = t->opt.beta2,
                      .eps = t->opt.eps,
                      .decay = r->decay ? t->opt.decay : 0,
                      .step = t->step + 1,
                      .seed = t->opt.seed};
    struct tensor scale = t->norm;
    scale.offset = 1;
    const struct tensor *w = r->master.buf ? &r->master : &r->w;
    int rc =
        adamw_step(t->ctx, w, &r->m, &r->v, &r->g, &scale, &o, r->first, r->n);
    if (!rc && r->master.buf)
        rc = adamw_round(t->ctx, &r->w, &r->master, r->n);
    return rc;
}

double
trainer_next_rate(const struct trainer *t)
{
    return schedule_rate(&t->opt.schedule,
                         t->opt.schedule_in_tokens ? t->tokens : t->step);
}

int
trainer_step(struct trainer *t, const int32_t *ids, const int32_t *target,
             int64_t rows, struct trainer_metrics *m)
{
    double begin = clock_seconds(), update;
    int rc = trainer_gradients(t, ids, target, rows, m);
    update = clock_seconds();
    if (!rc)
        rc = global_norm(t, m);
    m->rate = trainer_next_rate(t);
    for (size_t i = 0; !rc && i < t->arena->ranges; i++)
        rc = update_range(t, &t->arena->range[i], m->rate);
    if (!rc)
        rc = ctx_finish(t->ctx);
    if (rc)
        return rc;
    t->step++;
    t->tokens = m->tokens;
    m->optimizer_s = clock_seconds() - update;
    m->seconds = clock_seconds() - begin;
    return MOE_OK;
}

/* ---- Looking in --------------------------------------------------------- */

struct arena *
trainer_arena(struct trainer *t)
{
    return t->arena;
}

struct pass *
trainer_pass(struct trainer *t)
{
    return t->pass;
}

const double *
trainer_load(const struct trainer *t)
{
    return t->load;
}

void
trainer_position(const struct trainer *t, uint64_t *step, uint64_t *tokens)
{
    *step = t->step;
    *tokens = t->tokens;
}

void
trainer_seek(struct trainer *t, uint64_t step, uint64_t tokens)
{
    t->step = step;
    t->tokens = tokens;
}
