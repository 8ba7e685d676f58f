/*
 * extend.c - new tokens of sequences whose keys and values are kept.
 *
 * The rows of a pass are packed: segment after segment, nothing between them.
 * What tells a row its place - its row of the cache, its position, the
 * rotation of that position - is written once a pass; the layers are those of
 * every other pass.
 */
#include "model/run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int
check_segment(struct moe_run *run, const struct moe_segment *s, int64_t room)
{
    int64_t R = run->opt.cache, P = run->rope.dim[0];
    if (s->n >= 1 && s->n <= room && s->row >= 0 && s->past >= 0 &&
        s->past <= P - s->n && s->row <= R - s->past - s->n)
        return MOE_OK;
    return moe_fail(moe_ctx_err(run->model->ctx), MOE_EINVAL,
                    "run: %" PRId64 " tokens after %" PRId64
                    " from row %" PRId64 " on; there is room for %" PRId64
                    " tokens, %" PRId64 " positions and %" PRId64
                    " rows of the cache",
                    s->n, s->past, s->row, room, P, R);
}

static int
check(struct moe_run *run, const int32_t *ids,
      const struct moe_segment *segment, size_t segments, int64_t *n)
{
    const int64_t room = run->opt.B * run->opt.T, V = run->model->config.V;
    *n = 0;
    for (size_t k = 0; k < segments; k++) {
        int rc = check_segment(run, &segment[k], room - *n);
        if (rc)
            return rc;
        for (int64_t i = 0; i < segment[k].n; i++, ++*n)
            if (ids[*n] < 0 || ids[*n] >= V)
                return moe_fail(moe_ctx_err(run->model->ctx), MOE_EFORMAT,
                                "token %" PRId64 " of sequence %zu: id %" PRId32
                                ", want 0 to %" PRId64,
                                segment[k].past + i, k, ids[*n], V - 1);
    }
    if (*n)
        return MOE_OK;
    return moe_fail(moe_ctx_err(run->model->ctx), MOE_EINVAL,
                    "run: no new tokens");
}

/* The lists that go to the device. */
struct places {
    int32_t *key_row, *position, (*tile)[4];
    int64_t tiles;
};

static void
place(struct places *p, const struct moe_segment *segment, size_t segments,
      int64_t tile_rows)
{
    int64_t n = 0;
    for (size_t k = 0; k < segments; k++) {
        const struct moe_segment *s = &segment[k];
        for (int64_t i = 0; i < s->n; i++) {
            p->position[n + i] = (int32_t)(s->past + i);
            p->key_row[n + i] = (int32_t)(s->row + s->past + i);
        }
        for (int64_t i = 0; i < s->n; i += tile_rows) {
            int32_t *tile = p->tile[p->tiles++];
            tile[0] = (int32_t)(n + i);
            tile[1] = (int32_t)(s->n - i < tile_rows ? s->n - i : tile_rows);
            tile[2] = (int32_t)s->row;
            tile[3] = (int32_t)(s->past + i);
        }
        n += s->n;
    }
}

static int
write_places(struct moe_run *run, int64_t n)
{
    struct moe_ctx *ctx = run->model->ctx;
    const struct moe_config *c = &run->model->config;
    const uint64_t bytes = (uint64_t)n * sizeof(int32_t);
    struct places p = {.key_row = mem_zero((size_t)n, sizeof *p.key_row),
                       .position = mem_zero((size_t)n, sizeof *p.position),
                       .tile = mem_zero((size_t)n, sizeof *p.tile)};
    int rc = p.key_row && p.position && p.tile
                 ? MOE_OK
                 : moe_fail(moe_ctx_err(ctx), MOE_ENOMEM, "run: out of memory");
    if (!rc) {
        place(&p, run->segment, run->segments, attention_tile_rows(ctx, c->S));
        run->tiles = p.tiles;
        rc = buffer_write(run->key_row.buf, 0, p.key_row, bytes);
    }
    if (!rc)
        rc = buffer_write(run->position.buf, 0, p.position, bytes);
    if (!rc)
        rc = buffer_write(run->tile.buf, 0, p.tile,
                          (uint64_t)p.tiles * sizeof *p.tile);
    if (!rc)
        rc =
            embed_forward(ctx, &run->turn, &run->position, &run->rope, n, c->S);
    free(p.key_row);
    free(p.position);
    free(p.tile);
    return rc;
}

static int
keep_segments(struct moe_run *run, const struct moe_segment *segment,
              size_t segments)
{
    struct moe_segment *grown =
        mem_grow(run->segment, &run->segment_cap, segments, sizeof *grown);
    if (!grown)
        return moe_fail(moe_ctx_err(run->model->ctx), MOE_ENOMEM,
                        "run: out of memory");
    memcpy(grown, segment, segments * sizeof *grown);
    run->segment = grown;
    run->segments = segments;
    return MOE_OK;
}

int
moe_run_extend(struct moe_run *run, const int32_t *ids,
               const struct moe_segment *segment, size_t segments)
{
    int64_t n;
    int rc = check(run, ids, segment, segments, &n);
    run->N = 0;
    if (!rc)
        rc = keep_segments(run, segment, segments);
    if (!rc)
        rc = write_places(run, n);
    if (rc)
        return rc;
    run->B = 1;
    run->T = run->N = n;
    rc = buffer_write(run->ids.buf, 0, ids, (uint64_t)n * sizeof *ids);
    if (!rc)
        rc = forward_pass(run);
    if (!rc)
        rc = run_check_finite(run);
    if (rc)
        run->N = 0;
    return rc;
}

int
moe_run_cache_copy(struct moe_run *run, int64_t to, int64_t from, int64_t n)
{
    const struct moe_config *c = &run->model->config;
    const uint64_t row = (uint64_t)(c->G * c->S) * sizeof(float);
    const int64_t R = run->opt.cache;
    int rc = MOE_OK;
    if (n < 0 || n > R || to < 0 || to > R - n || from < 0 || from > R - n ||
        (to < from + n && from < to + n))
        return moe_fail(moe_ctx_err(run->model->ctx), MOE_EINVAL,
                        "run: copy of %" PRId64 " rows from %" PRId64
                        " to %" PRId64 " in a cache of %" PRId64,
                        n, from, to, R);
    for (int64_t l = 0; !rc && n && l < c->L; l++) {
        const uint64_t dst = (uint64_t)(l * R + to) * row;
        const uint64_t src = (uint64_t)(l * R + from) * row;
        rc = buffer_copy(run->keys.buf, dst, run->keys.buf, src,
                         (uint64_t)n * row);
        if (!rc)
            rc = buffer_copy(run->values.buf, dst, run->values.buf, src,
                             (uint64_t)n * row);
    }
    return rc;
}
