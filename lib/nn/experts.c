/*
 * experts.c - the expert MLPs: a tile list, then one launch a stage.
 */
#include "config.h"

#include "nn/experts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { SMALLEST_TILE = 4 }; // rows

/* Every expert may end with a tile that is not full. */
int64_t
experts_capacity(int64_t slots, int64_t E, int rows)
{
    return slots / rows + (E < slots ? E : slots);
}

/* tiles (T,3). */
static struct tensor
tiles_shape(int64_t slots, int64_t E, int rows)
{
    return tensor_shape(DTYPE_I32, 2,
                        (int64_t[]){experts_capacity(slots, E, rows), 3});
}

void
experts_need(struct need *need, int64_t N, int64_t E, int64_t K)
{
    const struct tensor tiles = tiles_shape(N * K, E, SMALLEST_TILE);
    need_tensor(need, "expert tiles", &tiles, 1);
}

/* POLYMOE_GEMM forces our CPU kernels, or the plain ones. */
static bool
wants_cpu(void)
{
    const char *name = getenv("POLYMOE_GEMM");
    return !name || !*name || strcmp(name, "cpu") == 0;
}

int
experts_create(struct moe_ctx *ctx, struct experts_scratch **out, int64_t N,
               int64_t E, int64_t K, int64_t D, int64_t F)
{
    *out = NULL;
    struct experts_scratch *s = mem_zero(1, sizeof *s);
    if (!s)
        return moe_fail(moe_ctx_err(ctx), MOE_ENOMEM, "experts: out of memory");
    if (!wants_cpu() || !gemm_cpu_tile(ctx, &s->cpu))
        s->cpu = (struct cpu_tile){0};
    s->rows = s->cpu.program ? gemm_cpu_rows(&s->cpu, D > F ? D : F)
                             : gemm_block_rows(ctx);
    s->columns = s->cpu.program ? s->cpu.columns : gemm_block_columns(ctx);
    s->tiles = tiles_shape(N * K, E, s->rows);
    int rc = tensor_create(ctx, &s->tiles, "expert tiles");
    if (rc)
        experts_destroy(&s);
    *out = s;
    return rc;
}

void
experts_destroy(struct experts_scratch **sp)
{
    struct experts_scratch *s = *sp;
    *sp = NULL;
    if (!s)
        return;
    buffer_destroy(&s->tiles.buf);
    experts_grad_destroy(&s->grad);
    free(s);
}

static void
begin(struct moe_ctx *ctx, struct launch *l, const struct experts_scratch *s,
      const char *plain, const char *cpu)
{
    if (s->cpu.program)
        launch_begin_in(ctx, l, s->cpu.program, s->cpu.options, cpu);
    else
        launch_begin(ctx, l, plain);
}

/* Blocks of `columns` outputs by tiles. */
static int
run(struct launch *l, const struct experts_scratch *s, int64_t n, int columns,
    int64_t tiles)
{
    uint64_t across = (uint64_t)((n + columns - 1) / columns);
    return s->cpu.program ? launch_singles(l, across, (uint64_t)tiles)
                          : launch_groups_2d(l, across, (uint64_t)tiles);
}

int
experts_tiles(struct moe_ctx *ctx, const struct tensor *tiles,
              const struct dispatch *d, int64_t E, int64_t T, int rows)
{
    struct launch l;
    launch_begin(ctx, &l, "experts_tiles");
    launch_tensor(&l, tiles);
    launch_tensor(&l, &d->start);
    launch_int(&l, E);
    launch_int(&l, T);
    launch_int(&l, rows);
    return launch_groups(&l, 1);
}

static void
put_weights(struct launch *l, const struct experts_scratch *s,
            const struct expert_weights *w)
{
    launch_buffer(l, w->buf);
    launch_tensor(l, &w->offsets);
    launch_tensor(l, &s->tiles);
}

/* Rows up to which a CPU's tile reads the weights in place, whose sums are of
 * another order. */
static void
put_few(struct launch *l, const struct experts_scratch *s)
{
    if (s->cpu.program)
        launch_int(l, s->steady ? 0 : GEMM_FEW);
}

void
experts_steady(struct experts_scratch *s, bool steady)
{
    s->steady = steady;
}

static int
up(struct moe_ctx *ctx, const struct experts_scratch *s, const struct tensor *h,
   const struct tensor *pre, const struct tensor *x,
   const struct expert_weights *w, const struct dispatch *d, int64_t D,
   int64_t F, int64_t tiles)
{
    // The CPU's block is half gate, half up.
    int columns = s->cpu.program ? s->columns / 2 : s->columns;
    struct launch l;
    begin(ctx, &l, s, "experts_up", "experts_cpu_up");
    launch_tensor(&l, h);
    launch_tensor(&l, pre ? pre : &(struct tensor){0});
    launch_tensor(&l, x);
    put_weights(&l, s, w);
    launch_tensor(&l, &d->slot_token);
    launch_int(&l, D);
    launch_int(&l, F);
    launch_int(&l, w->dtype);
    launch_int(&l, pre != NULL);
    put_few(&l, s);
    return run(&l, s, F, columns, tiles);
}

static int
down(struct moe_ctx *ctx, const struct experts_scratch *s,
     const struct tensor *y, const struct tensor *h,
     const struct expert_weights *w, int64_t D, int64_t F, int64_t tiles)
{
    struct launch l;
    begin(ctx, &l, s, "experts_down", "experts_cpu_down");
    launch_tensor(&l, y);
    launch_tensor(&l, h);
    put_weights(&l, s, w);
    launch_int(&l, D);
    launch_int(&l, F);
    launch_int(&l, w->dtype);
    put_few(&l, s);
    return run(&l, s, D, s->columns, tiles);
}

int
experts_forward(struct moe_ctx *ctx, struct experts_scratch *s,
                const struct tensor *y, const struct tensor *h,
                const struct tensor *pre, const struct tensor *x,
                const struct expert_weights *w, const struct dispatch *d,
                int64_t N, int64_t E, int64_t K, int64_t D, int64_t F)
{
    int64_t tiles = experts_capacity(N * K, E, s->rows);
    if (tiles > s->tiles.dim[0])
        return moe_fail(moe_ctx_err(ctx), MOE_ESHAPE,
                        "experts: %lld tiles, made for %lld", (long long)tiles,
                        (long long)s->tiles.dim[0]);
    if (tiles == 0)
        return MOE_OK;
    int rc = experts_tiles(ctx, &s->tiles, d, E, tiles, s->rows);
    if (!rc)
        rc = up(ctx, s, h, pre, x, w, d, D, F, tiles);
    return rc ? rc : down(ctx, s, y, h, w, D, F, tiles);
}
