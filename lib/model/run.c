/*
 * run.c - a run: its memory, what goes in, what comes out.
 */
#include "model/run.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The head makes at most this many bytes of logits at a time: the least that
 * OpenCL lets a device refuse to allocate at once. */
enum { HEAD_BYTES = 128 << 20 };

struct shape {
    const char *name;
    size_t offset; // of the tensor in struct moe_run
    enum run_when when;
    struct tensor t;
};

#define XX(name, type, when, ...) +1
enum { RUN_TENSORS = 0 RUN_MAP(XX) };
#undef XX

/* Stretches of about as many rows. */
static int64_t
choose_head_rows(const struct moe_config *c, int64_t N)
{
    int64_t most = HEAD_BYTES / (4 * c->V);
    if (most < 1)
        most = 1;
    int64_t stretches = (N + most - 1) / most;
    return stretches > 1 ? (N + stretches - 1) / stretches : N;
}

/* A sequence in the cache may be longer than a pass. */
static int64_t
choose_positions(const struct moe_config *c, const struct moe_run_options *opt)
{
    int64_t most =
        opt->cache < c->max_positions ? opt->cache : c->max_positions;
    return most > opt->T ? most : opt->T;
}

/* The list of RUN_MAP with numbers in it. */
static void
list_shapes(struct shape list[RUN_TENSORS], const struct moe_config *c,
            const struct moe_run_options *opt)
{
    int64_t T = opt->T, N = opt->B * T, D = c->D, S = c->S;
    int64_t E = c->E, K = c->K, V = c->V;
    int64_t L = c->L, C = choose_head_rows(c, N), M = finite_blocks(N);
    int64_t R = opt->cache, J = c->G * S, P = choose_positions(c, opt);
    size_t n = 0;
#define XX(name, type, when, ...)                                              \
    list[n++] =                                                                \
        (struct shape){#name, offsetof(struct moe_run, name), RUN_##when,      \
                       tensor_shape(DTYPE_##type,                              \
                                    (int)(sizeof((int64_t[]){__VA_ARGS__}) /   \
                                          sizeof(int64_t)),                    \
                                    (int64_t[]){__VA_ARGS__})};
    RUN_MAP(XX)
#undef XX
}

static bool
is_there(enum run_when when, const struct moe_run_options *opt)
{
    switch (when) {
    case RUN_HEAD:
        return !opt->routers_only;
    case RUN_HIDDEN:
        return opt->keep_hidden;
    case RUN_ROUTING:
        return opt->keep_routing;
    case RUN_CACHE:
        return opt->cache > 0;
    default:
        return true;
    }
}

/* Sizes whose products below stay far from 64 bits. */
static int
check_options(struct moe_err *err, const struct moe_config *c,
              const struct moe_run_options *opt)
{
    int64_t most = INT32_MAX / c->K;
    if (opt->cache < 0 || opt->cache > INT32_MAX / c->L)
        return moe_fail(err, MOE_EINVAL,
                        "run: cache of %" PRId64 " rows, want 0 to %" PRId64,
                        opt->cache, INT32_MAX / c->L);
    if (opt->B >= 1 && opt->T >= 1 && opt->B <= most / opt->T)
        return MOE_OK;
    return moe_fail(err, MOE_EINVAL,
                    "run: batch of %" PRId64 " x %" PRId64
                    " tokens, want at least 1 and at most %" PRId64,
                    opt->B, opt->T, most);
}

int
run_plan(struct moe_err *err, struct need *need,
         const struct moe_config *config, const struct moe_run_options *opt)
{
    struct shape list[RUN_TENSORS];
    struct acts_shape acts[ACTS_TENSORS];
    int rc = check_options(err, config, opt);
    if (rc)
        return rc;
    list_shapes(list, config, opt);
    layer_acts_shapes(acts, config, opt->B, opt->T);
    for (int i = 0; i < ACTS_TENSORS; i++)
        if (acts[i].have == ACTS_OWN)
            need_tensor(need, acts[i].name, &acts[i].t, 1);
    for (int i = 0; i < RUN_TENSORS; i++)
        if (is_there(list[i].when, opt))
            need_tensor(need, list[i].name, &list[i].t, 1);
    dispatch_need(need, opt->B * opt->T, config->E, config->K, 1);
    experts_need(need, opt->B * opt->T, config->E, config->K);
    return MOE_OK;
}

/* ---- Create and destroy ------------------------------------------------- */

static int
create_tensors(struct moe_run *run)
{
    struct shape list[RUN_TENSORS];
    int rc = MOE_OK;
    list_shapes(list, &run->model->config, &run->opt);
    for (int i = 0; !rc && i < RUN_TENSORS; i++) {
        struct tensor *t = (struct tensor *)((char *)run + list[i].offset);
        *t = list[i].t;
        if (is_there(list[i].when, &run->opt))
            rc = tensor_create(run->model->ctx, t, list[i].name);
    }
    return rc;
}

static int
create_acts(struct moe_run *run)
{
    struct acts_shape list[ACTS_TENSORS];
    int rc = MOE_OK;
    layer_acts_shapes(list, &run->model->config, run->opt.B, run->opt.T);
    for (int i = 0; !rc && i < ACTS_TENSORS; i++) {
        struct tensor *t = (struct tensor *)((char *)&run->a + list[i].offset);
        if (list[i].have != ACTS_OWN)
            continue;
        *t = list[i].t;
        rc = tensor_create(run->model->ctx, t, list[i].name);
    }
    layer_acts_share(&run->a);
    return rc;
}

static void
destroy_acts(struct layer_acts *a)
{
    struct moe_config none = {0};
    struct acts_shape list[ACTS_TENSORS];
    layer_acts_shapes(list, &none, 0, 0);
    for (int i = 0; i < ACTS_TENSORS; i++)
        if (list[i].have == ACTS_OWN)
            buffer_destroy(
                &((struct tensor *)((char *)a + list[i].offset))->buf);
    dispatch_destroy(&a->dispatch);
}

static int
create(struct moe_run *run)
{
    struct moe_ctx *ctx = run->model->ctx;
    const struct moe_config *c = &run->model->config;
    struct need need = {.bytes = ctx_allocated(ctx)};
    int rc = run_plan(moe_ctx_err(ctx), &need, c, &run->opt);
    if (!rc)
        rc = need_check(moe_ctx_err(ctx), ctx_device(ctx), &need, "run");
    if (rc)
        return rc;
    int64_t N = run->opt.B * run->opt.T;
    run->head_rows = choose_head_rows(c, N);
    rc = create_tensors(run);
    if (!rc)
        rc = create_acts(run);
    if (!rc)
        rc = dispatch_create(ctx, &run->a.dispatch, N, c->E, c->K);
    if (!rc)
        rc = experts_create(ctx, &run->experts, N, c->E, c->K, c->D, c->F);
    if (!rc)
        experts_steady(run->experts, run->opt.steady);
    if (!rc)
        rc = rope_table(ctx, &run->rope, choose_positions(c, &run->opt), c->S,
                        c->rope_theta);
    return rc;
}

int
moe_run_create(struct moe_run **out, struct moe_model *model,
               const struct moe_run_options *opt)
{
    struct moe_run *run = mem_zero(1, sizeof *run);
    *out = NULL;
    if (!run)
        return moe_fail(moe_ctx_err(model->ctx), MOE_ENOMEM,
                        "run: out of memory");
    run->model = model;
    run->opt = *opt;
    int rc = create(run);
    if (rc)
        moe_run_destroy(&run);
    *out = run;
    return rc;
}

void
moe_run_destroy(struct moe_run **rp)
{
    struct moe_run *run = *rp;
    *rp = NULL;
    if (!run)
        return;
#define XX(name, type, when, ...) buffer_destroy(&run->name.buf);
    RUN_MAP(XX)
#undef XX
    destroy_acts(&run->a);
    experts_destroy(&run->experts);
    free(run->segment);
    free(run);
}

void
run_observe_router(struct moe_run *run, run_router_fn *fn, void *arg)
{
    run->observe = fn;
    run->observe_arg = arg;
}

/* ---- One pass ----------------------------------------------------------- */

int
run_check_ids(struct moe_run *run, const int32_t *ids, int64_t B, int64_t T)
{
    struct moe_err *err = moe_ctx_err(run->model->ctx);
    int64_t V = run->model->config.V;
    if (B < 1 || T < 1 || B > run->opt.B || T > run->opt.T)
        return moe_fail(err, MOE_EINVAL,
                        "run: batch of %" PRId64 " x %" PRId64
                        ", made for %" PRId64 " x %" PRId64,
                        B, T, run->opt.B, run->opt.T);
    for (int64_t n = 0; n < B * T; n++)
        if (ids[n] < 0 || ids[n] >= V)
            return moe_fail(err, MOE_EFORMAT,
                            "token %" PRId64 " of sequence %" PRId64
                            ": id %" PRId32 ", want 0 to %" PRId64,
                            n % T, n / T, ids[n], V - 1);
    return MOE_OK;
}

void
run_place(const struct moe_run *run, int64_t n, int64_t *sequence,
          int64_t *position)
{
    size_t i = 0;
    *sequence = n / run->T;
    *position = n % run->T;
    if (!run->tiles)
        return;
    for (; i + 1 < run->segments && n >= run->segment[i].n; i++)
        n -= run->segment[i].n;
    *sequence = (int64_t)i;
    *position = run->segment[i].past + n;
}

/* Every layer has noted its first token with a router logit that is not
 * finite. */
int
run_check_finite(struct moe_run *run)
{
    struct moe_ctx *ctx = run->model->ctx;
    int64_t L = run->model->config.L, M = finite_blocks(run->N);
    uint64_t bytes = (uint64_t)(L * M) * sizeof(int32_t);
    run->bad_sequence = -1;
    int32_t *bad = malloc((size_t)bytes);
    if (!bad)
        return moe_fail(moe_ctx_err(ctx), MOE_ENOMEM, "run: out of memory");
    int rc = buffer_read(run->bad.buf, 0, bad, bytes);
    for (int64_t i = 0, sequence, token; !rc && i < L * M; i++)
        if (bad[i] >= 0) {
            run_place(run, bad[i], &sequence, &token);
            run->bad_sequence = sequence;
            rc = moe_fail(moe_ctx_err(ctx), MOE_ENUMERIC,
                          "layer %" PRId64 ", sequence %" PRId64
                          ", token %" PRId64 ": a router logit is not finite",
                          i / M, sequence, token);
        }
    free(bad);
    return rc;
}

int
moe_run_forward(struct moe_run *run, const int32_t *ids, int64_t B, int64_t T)
{
    int rc = run_check_ids(run, ids, B, T);
    run->N = 0;
    if (rc)
        return rc;
    run->B = B;
    run->T = T;
    run->N = B * T;
    run->tiles = 0;
    rc = buffer_write(run->ids.buf, 0, ids, (uint64_t)run->N * sizeof *ids);
    if (!rc)
        rc = forward_pass(run);
    if (!rc)
        rc = run_check_finite(run);
    if (rc)
        run->N = 0;
    return rc;
}

/* ---- What a pass left --------------------------------------------------- */

static int
check_kept(struct moe_run *run, bool kept, const char *what)
{
    if (kept && run->N)
        return MOE_OK;
    return moe_fail(moe_ctx_err(run->model->ctx), MOE_EINVAL, "run: %s %s",
                    what, run->N ? "are not kept" : "before a forward pass");
}

static int
check_level(struct moe_run *run, int64_t level, int64_t n, const char *what)
{
    if (level >= 0 && level < n)
        return MOE_OK;
    return moe_fail(moe_ctx_err(run->model->ctx), MOE_EINVAL,
                    "run: %s %" PRId64 ", want 0 to %" PRId64, what, level,
                    n - 1);
}

/* Rows [0, N) of layer `level` of a kept tensor of that many columns. */
static int
read_level(struct moe_run *run, const struct tensor *t, int64_t level,
           int64_t columns, void *out)
{
    uint64_t row = (uint64_t)columns * dtype_bytes(t->dtype);
    uint64_t at = (uint64_t)level * (uint64_t)t->dim[1] * row;
    return out ? buffer_read(t->buf, at, out, (uint64_t)run->N * row) : MOE_OK;
}

int
moe_run_hidden(struct moe_run *run, int64_t level, float *hidden)
{
    const struct moe_config *c = &run->model->config;
    int rc = check_kept(run, run->opt.keep_hidden, "hidden states");
    if (!rc)
        rc = check_level(run, level, c->L + 1, "level");
    return rc ? rc : read_level(run, &run->kept_hidden, level, c->D, hidden);
}

int
moe_run_routing(struct moe_run *run, int64_t layer, float *logits, int32_t *idx,
                float *weight)
{
    const struct moe_config *c = &run->model->config;
    int rc = check_kept(run, run->opt.keep_routing, "routing results");
    if (!rc)
        rc = check_level(run, layer, c->L, "layer");
    if (!rc)
        rc = read_level(run, &run->kept_scores, layer, c->E, logits);
    if (!rc)
        rc = read_level(run, &run->kept_idx, layer, c->K, idx);
    if (!rc)
        rc = read_level(run, &run->kept_weight, layer, c->K, weight);
    return rc;
}
