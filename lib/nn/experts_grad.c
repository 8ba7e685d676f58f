/*
 * experts_grad.c - the expert MLPs and their combination, backwards.
 */
#include "config.h"

#include "nn/experts.h"

/* A program of its own: runs without training need not build it. */
#define PROGRAM                                                                \
    "gemm_tile"                                                                \
    "+"                                                                        \
    "gemm_backward_tile"                                                       \
    "+"                                                                        \
    "experts_grad_cpu"

enum {
    LOCAL_BYTES = 408 * 1024, // of any kernel of experts_grad_cpu.cl, at most
    SIDE = 264,               // its rows of a block
    HIDDEN = 2,               // WIDE and SPAN, in blocks of cpu.columns
    ACROSS = 8,
    SMALLEST_BLOCK = 64 // columns
};

void
experts_grad_destroy(struct experts_grad *g)
{
    buffer_destroy(&g->tiles.buf);
    buffer_destroy(&g->part.buf);
    buffer_destroy(&g->h.buf);
}

static int64_t
blocks(int64_t n, int size)
{
    return (n + size - 1) / size;
}

/* At least rows x columns in t. */
static int
ensure(struct moe_ctx *ctx, struct tensor *t, enum dtype type, int64_t rows,
       int64_t columns, const char *name)
{
    struct tensor want = tensor_shape(type, 2, (int64_t[]){rows, columns});
    if (t->buf && tensor_count(t) >= tensor_count(&want))
        return MOE_OK;
    buffer_destroy(&t->buf);
    *t = want;
    return tensor_create(ctx, t, name);
}

void
experts_grad_need(struct need *need, int64_t N, int64_t E, int64_t K, int64_t F,
                  bool without_h)
{
    const uint64_t column = sizeof(float) * (uint64_t)(N * K);
    experts_need(need, N, E, K);
    need_add(need, "gradient parts",
             column * (uint64_t)blocks(F, SMALLEST_BLOCK), 1);
    if (without_h)
        need_add(need, "recomputed h", column * (uint64_t)F, 1);
}

static int
prepare(struct moe_ctx *ctx, struct experts_scratch *s, int64_t slots,
        int64_t E, int64_t F, bool keep_h)
{
    struct experts_grad *g = &s->grad;
    if (g->rows == 0) {
        g->cpu = s->cpu.program &&
                 ctx_device(ctx)->local_bytes >= LOCAL_BYTES &&
                 program_available(ctx, PROGRAM, s->cpu.options);
        g->rows = g->cpu ? SIDE : gemm_block_rows(ctx);
        g->columns = g->cpu ? ACROSS * s->cpu.columns : gemm_block_columns(ctx);
        g->hidden = g->cpu ? HIDDEN * s->cpu.columns : g->columns;
    }
    int rc = ensure(ctx, &g->tiles, DTYPE_I32,
                    experts_capacity(slots, E, g->rows), 3, "gradient tiles");
    if (!rc)
        rc = ensure(ctx, &g->part, DTYPE_F32, slots, blocks(F, g->hidden),
                    "gradient parts");
    if (!rc && keep_h)
        rc = ensure(ctx, &g->h, DTYPE_F32, slots, F, "recomputed h");
    return rc;
}

static void
begin(struct moe_ctx *ctx, struct launch *l, const struct experts_scratch *s,
      const char *plain, const char *cpu)
{
    if (s->grad.cpu)
        launch_begin_in(ctx, l, PROGRAM, s->cpu.options, cpu);
    else
        launch_begin(ctx, l, plain);
}

static int
run(struct launch *l, const struct experts_grad *g, int64_t x, int64_t y)
{
    return g->cpu ? launch_singles(l, (uint64_t)x, (uint64_t)y)
                  : launch_groups_2d(l, (uint64_t)x, (uint64_t)y);
}

/* What the kernels of one call share. */
struct pass {
    struct moe_ctx *ctx;
    struct experts_scratch *s;
    const struct expert_weights *w, *dw;
    const struct tensor *pre, *dout, *x, *ws;
    const struct dispatch *d;
    int64_t slots, tiles, E, D, F;
};

static int
hidden(const struct pass *p, bool keep_h)
{
    const struct experts_grad *g = &p->s->grad;
    struct launch l;
    begin(p->ctx, &l, p->s, "experts_grad_hidden", "experts_grad_cpu_hidden");
    launch_tensor(&l, &g->part);
    launch_tensor(&l, p->pre);
    launch_tensor(&l, &g->h);
    launch_tensor(&l, p->dout);
    launch_tensor(&l, p->ws);
    launch_buffer(&l, p->w->buf);
    launch_tensor(&l, &p->w->offsets);
    launch_tensor(&l, &g->tiles);
    launch_tensor(&l, &p->d->slot_token);
    launch_int(&l, p->D);
    launch_int(&l, p->F);
    launch_int(&l, p->w->dtype);
    launch_int(&l, keep_h);
    return run(&l, g, blocks(p->F, g->hidden), p->tiles);
}

static int
dot(const struct pass *p, const struct tensor *dws)
{
    const struct experts_grad *g = &p->s->grad;
    struct launch l;
    launch_begin(p->ctx, &l, "experts_grad_dot");
    launch_tensor(&l, dws);
    launch_tensor(&l, &g->part);
    launch_int(&l, p->slots);
    launch_int(&l, blocks(p->F, g->hidden));
    return launch_items(&l, (uint64_t)p->slots);
}

static int
input(const struct pass *p, const struct tensor *dxs)
{
    const struct experts_grad *g = &p->s->grad;
    struct launch l;
    begin(p->ctx, &l, p->s, "experts_grad_input", "experts_grad_cpu_input");
    launch_tensor(&l, dxs);
    launch_tensor(&l, p->pre);
    launch_buffer(&l, p->w->buf);
    launch_tensor(&l, &p->w->offsets);
    launch_tensor(&l, &g->tiles);
    launch_int(&l, p->D);
    launch_int(&l, p->F);
    launch_int(&l, p->w->dtype);
    return run(&l, g, blocks(p->D, g->columns), p->tiles);
}

/* An operand of the gradient of a weight: a row a slot, or a row a token. */
struct side {
    const struct tensor *t;
    uint64_t column; // the first
    int64_t n, ld;
    bool tokens;
};

/* Matrix `which` of all experts: a's columns by b's. */
static int
weights(const struct pass *p, int which, const struct side *a,
        const struct side *b)
{
    const struct experts_grad *g = &p->s->grad;
    struct tensor a_at = *a->t;
    a_at.offset += a->column;
    struct launch l;
    begin(p->ctx, &l, p->s, "experts_grad_weights", "experts_grad_cpu_weights");
    launch_buffer(&l, p->dw->buf);
    launch_tensor(&l, &p->dw->offsets);
    launch_tensor(&l, &a_at);
    launch_tensor(&l, b->t);
    launch_tensor(&l, p->ws);
    launch_tensor(&l, &p->d->start);
    launch_tensor(&l, &p->d->slot_token);
    launch_int(&l, a->n);
    launch_int(&l, b->n);
    launch_int(&l, a->ld);
    launch_int(&l, b->ld);
    launch_int(&l, which);
    launch_int(&l, a->tokens);
    launch_int(&l, b->tokens);
    return run(&l, g, blocks(a->n, g->rows) * blocks(b->n, g->columns), p->E);
}

/* Gate, up, down: (F,D) (F,D) (D,F).  Rows of dout are weighed. */
static int
all_weights(const struct pass *p, const struct tensor *h)
{
    const int64_t D = p->D, F = p->F;
    const struct side dg = {p->pre, 0, F, 2 * F, false};
    const struct side du = {p->pre, (uint64_t)F, F, 2 * F, false};
    const struct side x = {p->x, 0, D, D, true};
    const struct side dout = {p->dout, 0, D, D, true};
    const struct side hs = {h, 0, F, F, false};
    int rc = weights(p, 0, &dg, &x);
    if (!rc)
        rc = weights(p, 1, &du, &x);
    return rc ? rc : weights(p, 2, &dout, &hs);
}

int
experts_backward(struct moe_ctx *ctx, struct experts_scratch *s,
                 const struct tensor *dws, const struct tensor *dxs,
                 const struct expert_weights *dw, const struct tensor *pre,
                 const struct tensor *h, const struct tensor *dout,
                 const struct tensor *x, const struct tensor *ws,
                 const struct expert_weights *w, const struct dispatch *d,
                 int64_t N, int64_t E, int64_t K, int64_t D, int64_t F)
{
    struct pass p = {ctx, s, w, dw, pre, dout, x, ws, d, N * K, 0, E, D, F};
    const bool keep_h = dw && !h;
    if (p.slots == 0)
        return MOE_OK;
    int rc = prepare(ctx, s, p.slots, E, F, keep_h);
    if (rc)
        return rc;
    p.tiles = experts_capacity(p.slots, E, s->grad.rows);
    rc = experts_tiles(ctx, &s->grad.tiles, d, E, p.tiles, s->grad.rows);
    if (!rc)
        rc = hidden(&p, keep_h);
    if (!rc)
        rc = dot(&p, dws);
    if (!rc)
        rc = input(&p, dxs);
    if (!rc && dw)
        rc = all_weights(&p, keep_h ? &s->grad.h : h);
    return rc;
}
