/*
 * acts.c - the activations of a training pass.
 */
#include "train/acts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* What a level keeps for each layer; everything else is shared by all. */
static bool
keeps(enum acts_level level, const char *name)
{
    static const char *const cheap[] = {"norm1", "norm2", "h"};
    if (level == ACTS_BLOCKS)
        return strcmp(name, "x_in") == 0;
    for (size_t i = 0; level == ACTS_RECOMPUTE && i < 3; i++)
        if (strcmp(name, cheap[i]) == 0)
            return false;
    return true;
}

static int64_t
kept_layers(const struct moe_config *c, int64_t lowest)
{
    return lowest < 0 ? c->L : c->L - lowest;
}

void
acts_plan(struct need *need, const struct moe_config *config, int64_t B,
          int64_t T, enum acts_level level, int64_t lowest)
{
    struct acts_shape list[ACTS_TENSORS];
    uint64_t layers = (uint64_t)kept_layers(config, lowest);
    layer_acts_shapes(list, config, B, T);
    for (int i = 0; i < ACTS_TENSORS; i++) {
        /* One set more where not every layer has its own. */
        uint64_t sets = keeps(level, list[i].name)
                            ? layers + ((int64_t)layers < config->L)
                            : 1;
        need_tensor(need, list[i].name, &list[i].t, sets);
    }
    dispatch_need(need, B * T, config->E, config->K,
                  level == ACTS_BLOCKS ? 1 : (uint64_t)config->L);
}

static struct tensor *
field(struct layer_acts *a, const struct acts_shape *s)
{
    return (struct tensor *)((char *)a + s->offset);
}

/* Tensor i of every layer: one of its own from `lowest` on where the level
 * keeps it, else one that all share. */
static int
make_tensor(struct moe_ctx *ctx, struct acts *acts, const struct acts_shape *s,
            int64_t lowest)
{
    bool own = keeps(acts->level, s->name);
    struct tensor shared = s->t;
    int rc = MOE_OK;
    for (int64_t l = 0; !rc && l < acts->L; l++) {
        struct tensor *t = field(&acts->layer[l], s);
        if (!(own && l >= lowest) && shared.buf) {
            *t = shared;
            continue;
        }
        *t = s->t;
        rc = tensor_create(ctx, t, s->name);
        if (!rc)
            acts->buffers[acts->buffer_count++] = t->buf;
        if (!(own && l >= lowest))
            shared = *t;
    }
    return rc;
}

static int
make_dispatches(struct moe_ctx *ctx, struct acts *acts,
                const struct moe_config *c, int64_t N)
{
    bool own = acts->level != ACTS_BLOCKS;
    size_t n = own ? (size_t)acts->L : 1;
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < n; i++, acts->dispatch_count++)
        rc = dispatch_create(ctx, &acts->dispatch[i], N, c->E, c->K);
    for (int64_t l = 0; !rc && l < acts->L; l++)
        acts->layer[l].dispatch = acts->dispatch[own ? l : 0];
    return rc;
}

int
acts_create(struct moe_ctx *ctx, struct acts **out,
            const struct moe_config *config, int64_t B, int64_t T,
            enum acts_level level, int64_t lowest)
{
    struct acts_shape list[ACTS_TENSORS];
    struct acts *acts = mem_zero(1, sizeof *acts);
    size_t L = (size_t)config->L;
    *out = NULL;
    if (acts) {
        acts->level = level;
        acts->L = config->L;
        acts->layer = mem_zero(L, sizeof *acts->layer);
        acts->buffers = mem_zero((L + 1) * ACTS_TENSORS, sizeof *acts->buffers);
        acts->dispatch = mem_zero(L, sizeof *acts->dispatch);
    }
    int rc = MOE_OK;
    if (!acts || !acts->layer || !acts->buffers || !acts->dispatch)
        rc = moe_fail(moe_ctx_err(ctx), MOE_ENOMEM, "training: out of memory");
    layer_acts_shapes(list, config, B, T);
    for (int i = 0; !rc && i < ACTS_TENSORS; i++)
        rc = make_tensor(ctx, acts, &list[i], lowest);
    if (!rc)
        rc = make_dispatches(ctx, acts, config, B * T);
    if (rc)
        acts_destroy(&acts);
    *out = acts;
    return rc;
}

void
acts_destroy(struct acts **ap)
{
    struct acts *acts = *ap;
    *ap = NULL;
    if (!acts)
        return;
    for (size_t i = 0; i < acts->buffer_count; i++)
        buffer_destroy(&acts->buffers[i]);
    for (size_t i = 0; i < acts->dispatch_count; i++)
        dispatch_destroy(&acts->dispatch[i]);
    free(acts->layer);
    free(acts->buffers);
    free(acts->dispatch);
    free(acts);
}
