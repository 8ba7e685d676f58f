/*
 * pass.c - forward and backward of one micro-batch.
 */
#include "train/pass_state.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

const struct loss_options loss_olmoe = {.aux = AUX_MEGABLOCKS,
                                        .aux_weight = 0.01,
                                        .z_weight = 0.001,
                                        .z_div_topk = true,
                                        .ce_positions = true};
const struct loss_options loss_hf = {.aux = AUX_HF, .aux_weight = 0.01};

/* ---- Memory ------------------------------------------------------------- */

struct shape {
    const char *name;
    size_t offset; // of the tensor in struct pass
    struct tensor t;
};

#define XX(name, type, ...) +1
enum { PASS_TENSORS = 0 PASS_MAP(XX) };
#undef XX

static int64_t
most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void
list_shapes(struct shape list[PASS_TENSORS], const struct moe_config *c,
            const struct pass_options *opt)
{
    int64_t B = opt->B, T = opt->T, N = B * T, D = c->D, H = c->H, E = c->E;
    int64_t K = c->K, L = c->L, Q = H * c->S, J = c->G * c->S;
    int64_t W = most(most(Q, D), E + 1);
    size_t n = 0;
#define XX(name, type, ...)                                                    \
    list[n++] =                                                                \
        (struct shape){#name, offsetof(struct pass, name),                     \
                       tensor_shape(DTYPE_##type,                              \
                                    (int)(sizeof((int64_t[]){__VA_ARGS__}) /   \
                                          sizeof(int64_t)),                    \
                                    (int64_t[]){__VA_ARGS__})};
    PASS_MAP(XX)
#undef XX
}

static struct moe_run_options
run_options(const struct pass_options *opt)
{
    return (struct moe_run_options){.B = opt->B, .T = opt->T};
}

int
pass_plan(struct moe_err *err, struct need *need,
          const struct moe_config *config, const struct pass_options *opt,
          int64_t lowest)
{
    struct shape list[PASS_TENSORS];
    struct moe_run_options run = run_options(opt);
    int rc = run_plan(err, need, config, &run);
    if (rc)
        return rc;
    acts_plan(need, config, opt->B, opt->T, opt->level, lowest);
    experts_grad_need(need, opt->B * opt->T, config->E, config->K, config->F,
                      opt->level == ACTS_RECOMPUTE);
    list_shapes(list, config, opt);
    for (int i = 0; i < PASS_TENSORS; i++)
        need_tensor(need, list[i].name, &list[i].t, 1);
    return MOE_OK;
}

static int
create(struct pass *p)
{
    const struct moe_config *c = &p->model->config;
    struct shape list[PASS_TENSORS];
    struct moe_run_options run = run_options(&p->opt);
    p->count = mem_zero((size_t)(c->L * c->E), sizeof *p->count);
    p->known = mem_zero((size_t)(c->L * c->E), sizeof *p->known);
    p->sums_of_all =
        mem_zero((size_t)(c->L * (c->E + 1)), sizeof *p->sums_of_all);
    if (!p->count || !p->known || !p->sums_of_all)
        return moe_fail(moe_ctx_err(p->ctx), MOE_ENOMEM,
                        "training: out of memory");
    int rc = p->opt.hook ? hook_prepare(p->opt.hook, c, HOOK_TRAIN) : MOE_OK;
    p->frozen = pass_frozen(&p->opt, p->arena->lowest, c->L);
    if (!rc)
        rc = pass_prefix_create(p);
    if (!rc)
        rc = moe_run_create(&p->run, p->model, &run);
    if (!rc) {
        p->lent = p->run->a;
        rc = acts_create(p->ctx, &p->acts, c, p->opt.B, p->opt.T, p->opt.level,
                         p->arena->lowest);
    }
    list_shapes(list, c, &p->opt);
    for (int i = 0; !rc && i < PASS_TENSORS; i++) {
        struct tensor *t = (struct tensor *)((char *)p + list[i].offset);
        *t = list[i].t;
        rc = tensor_create(p->ctx, t, list[i].name);
    }
    /* Frozen layers put nothing there. */
    if (!rc)
        rc = buffer_zero(p->counts.buf, 0,
                         (uint64_t)(c->L * c->E) * sizeof(int32_t));
    if (!rc)
        rc = buffer_zero(p->sums.buf, 0,
                         (uint64_t)(c->L * (c->E + 1)) * sizeof(float));
    return rc;
}

int
pass_create(struct pass **out, struct arena *arena,
            const struct pass_options *opt)
{
    struct pass *p = mem_zero(1, sizeof *p);
    *out = NULL;
    if (!p)
        return moe_fail(moe_ctx_err(arena->ctx), MOE_ENOMEM,
                        "training: out of memory");
    p->ctx = arena->ctx;
    p->model = arena->model;
    p->arena = arena;
    p->opt = *opt;
    int rc = create(p);
    if (rc)
        pass_destroy(&p);
    *out = p;
    return rc;
}

void
pass_destroy(struct pass **pp)
{
    struct pass *p = *pp;
    *pp = NULL;
    if (!p)
        return;
    ctx_finish(p->ctx);
    if (p->run)
        p->run->a = p->lent;
    moe_run_destroy(&p->run);
    acts_destroy(&p->acts);
#define XX(name, type, ...) buffer_destroy(&p->name.buf);
    PASS_MAP(XX)
#undef XX
    pass_prefix_destroy(p);
    free(p->count);
    free(p->known);
    free(p->sums_of_all);
    free(p);
}

/* ---- Forward ------------------------------------------------------------ */

static int
check_targets(struct pass *p, const int32_t *target, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (target[i] >= p->model->config.V)
            return moe_fail(moe_ctx_err(p->ctx), MOE_EFORMAT,
                            "label %" PRId64 ": id %" PRId32
                            ", want below %" PRId64,
                            i, target[i], p->model->config.V);
    return MOE_OK;
}

/* Ids and targets, if there are any, to the device. */
static int
begin(struct pass *p, const int32_t *ids, const int32_t *target, int64_t B,
      int64_t T)
{
    struct moe_run *run = p->run;
    uint64_t bytes = (uint64_t)(B * T) * sizeof *ids;
    int rc = run_check_ids(run, ids, B, T);
    run->N = 0;
    if (!rc && target)
        rc = check_targets(p, target, B * T);
    if (!rc)
        rc = buffer_write(run->ids.buf, 0, ids, bytes);
    if (!rc && target)
        rc = buffer_write(run->target.buf, 0, target, bytes);
    if (rc)
        return rc;
    run->B = B;
    run->T = T;
    run->N = B * T;
    return MOE_OK;
}

/* All layers, each trained one with its own activations; with `routers_only`
 * the last one up to its choices. */
static int
forward_layers(struct pass *p, const int32_t *ids, bool routers_only)
{
    struct moe_run *run = p->run;
    const struct moe_config *c = &p->model->config;
    int rc = pass_below(p, ids);
    run->opt.routers_only = routers_only;
    for (int64_t l = p->frozen; !rc && l < c->L; l++) {
        run->a = p->acts->layer[l];
        rc = forward_layer(run, l);
        if (!rc && routers_only && l + 1 == c->L)
            rc = dispatch_forward(p->ctx, &run->a.dispatch, &run->a.idx, run->N,
                                  c->E, c->K);
        if (!rc)
            rc = pass_note_layer(p, l);
    }
    run->opt.routers_only = false;
    return rc;
}

static int
forward(struct pass *p, const int32_t *ids)
{
    int rc = forward_layers(p, ids, false);
    return rc ? rc : forward_final(p->run);
}

int
pass_restore(struct pass *p, int64_t l)
{
    struct moe_run *run = p->run;
    const struct moe_config *c = &p->model->config;
    const struct layer_weights *w = &p->model->layer[l];
    const struct layer_acts *a = &p->acts->layer[l];
    uint64_t bytes = (uint64_t)(run->N * c->D) * sizeof(float);
    if (p->opt.level == ACTS_KEEP)
        return MOE_OK;
    if (p->opt.level == ACTS_RECOMPUTE) {
        int rc =
            rmsnorm_forward(p->ctx, &a->norm1, &a->rms1, &a->x_in,
                            &w->attn_norm, run->N, c->D, (float)c->rms_eps);
        return rc ? rc
                  : rmsnorm_forward(p->ctx, &a->norm2, &a->rms2, &a->x_mid,
                                    &w->mlp_norm, run->N, c->D,
                                    (float)c->rms_eps);
    }
    run->a = *a;
    int rc = buffer_copy(run->x.buf, 0, a->x_in.buf, 0, bytes);
    return rc ? rc : forward_layer(run, l);
}

/* ---- Gradients ---------------------------------------------------------- */

/* The tokens of the batch by id, for the embedding's gradient. */
static int
sort_ids(struct pass *p, const int32_t *ids)
{
    int64_t N = p->run->N;
    int32_t *order = mem_zero(2 * (size_t)N + 1, sizeof *order);
    if (!order)
        return moe_fail(moe_ctx_err(p->ctx), MOE_ENOMEM,
                        "training: out of memory");
    int32_t *first = order + N;
    p->different = embed_order(order, first, ids, N);
    int rc = buffer_write(p->order.buf, 0, order, (uint64_t)N * sizeof *order);
    if (!rc)
        rc = buffer_write(p->first.buf, 0, first,
                          (uint64_t)(p->different + 1) * sizeof *first);
    free(order);
    return rc;
}

/* Wait, and add this micro-batch to the sums. */
static int
finish(struct pass *p, const int32_t *target)
{
    int64_t N = p->run->N;
    float *nll = mem_zero((size_t)N, sizeof *nll);
    int rc = nll ? run_check_finite(p->run)
                 : moe_fail(moe_ctx_err(p->ctx), MOE_ENOMEM,
                            "training: out of memory");
    if (!rc)
        rc = buffer_read(p->run->nll.buf, 0, nll, (uint64_t)N * sizeof *nll);
    if (!rc)
        rc = pass_add_routers(p);
    for (int64_t n = 0; !rc && n < N; n++)
        if (target[n] >= 0) {
            p->total.nll += (double)nll[n];
            p->total.labels++;
        }
    free(nll);
    return rc;
}

int
pass_gradients(struct pass *p, const int32_t *ids, const int32_t *target,
               int64_t B, int64_t T, const struct pass_scale *scale)
{
    double begun = clock_seconds(), half = begun;
    int rc = begin(p, ids, target, B, T);
    p->run->hook = p->opt.hook;
    if (!rc)
        rc = sort_ids(p, ids);
    if (!rc)
        rc = forward(p, ids);
    if (!rc)
        rc = pass_auxiliary(p, scale->aux);
    if (!rc)
        rc = ctx_finish(p->ctx); // so that the halves can be told apart
    half = clock_seconds();
    if (!rc)
        rc = pass_head(p, scale->ce);
    if (!rc)
        rc = pass_backward(p);
    if (!rc)
        rc = finish(p, target);
    p->run->hook = NULL; // held-out text is routed freely
    p->total.forward_s += half - begun;
    p->total.backward_s += clock_seconds() - half;
    return rc;
}

int
pass_count(struct pass *p, const int32_t *ids, int64_t B, int64_t T)
{
    double begun = clock_seconds();
    int rc = begin(p, ids, NULL, B, T);
    if (!rc)
        rc = forward_layers(p, ids, true);
    if (!rc)
        rc = run_check_finite(p->run);
    if (!rc)
        rc = pass_add_known(p);
    p->total.forward_s += clock_seconds() - begun;
    return rc;
}

int
pass_forward(struct pass *p, const int32_t *ids, const int32_t *target,
             int64_t B, int64_t T, float *nll)
{
    struct moe_run *run = p->run;
    int rc = begin(p, ids, target, B, T);
    if (!rc)
        rc = forward(p, ids);
    for (int64_t row = 0, n; !rc && row < run->N; row += n) {
        n = head_stretch(run, run->N - row);
        struct tensor to = tensor_rows(&run->nll, row, n);
        struct tensor at = tensor_rows(&run->target, row, n);
        rc = head_logits(run, row, n);
        if (!rc)
            rc = xent_forward(p->ctx, &to, &run->logits, &at, n,
                              p->model->config.V);
    }
    if (!rc)
        rc = run_check_finite(run);
    return rc ? rc
              : buffer_read(run->nll.buf, 0, nll,
                            (uint64_t)run->N * sizeof *nll);
}
