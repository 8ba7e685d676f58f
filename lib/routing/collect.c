/*
 * collect.c - the counters of a pass, made on the device.
 */
#include "routing/collect.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A part of a segment, at most COLLECT_PIECE rows. */
struct piece {
    int32_t first, end;
};

struct collect {
    struct moe_ctx *ctx;
    int64_t N, L, E, K;

    // the batch
    struct piece *piece; // P of them
    uint64_t *document;  // of each piece
    size_t P, piece_cap, document_cap;
    int64_t rows; // in all pieces

    // on the device and, after it, on the host; `cap` pieces
    struct tensor d_piece;                // (cap,2)
    struct tensor d_count, d_sum, d_gate; // (L,P,E)
    int32_t *count;
    float *sum, *gate;
    size_t cap;

    // the document that may go on in the next batch
    bool open;
    uint64_t open_document;
    uint64_t open_tokens;
    double *open_sum;     // (L,E)
    uint64_t *open_count; // (L,E)

    collect_document_fn *see;
    void *see_arg;
};

void
collect_destroy(struct collect **cp)
{
    struct collect *c = *cp;
    if (!c)
        return;
    buffer_destroy(&c->d_piece.buf);
    buffer_destroy(&c->d_count.buf);
    buffer_destroy(&c->d_sum.buf);
    buffer_destroy(&c->d_gate.buf);
    free(c->piece);
    free(c->document);
    free(c->count);
    free(c->sum);
    free(c->gate);
    free(c->open_sum);
    free(c->open_count);
    free(c);
    *cp = NULL;
}

int
collect_create(struct moe_ctx *ctx, struct collect **out, int64_t N, int64_t L,
               int64_t E, int64_t K)
{
    size_t cells;
    struct collect *c = *out = mem_zero(1, sizeof *c);
    if (c && mem_mul(&cells, (size_t)L, (size_t)E)) {
        c->open_sum = mem_zero(cells, sizeof *c->open_sum);
        c->open_count = mem_zero(cells, sizeof *c->open_count);
    }
    if (!c || !c->open_sum || !c->open_count) {
        collect_destroy(out);
        return moe_fail(moe_ctx_err(ctx), MOE_ENOMEM, "collector");
    }
    c->ctx = ctx;
    c->N = N;
    c->L = L;
    c->E = E;
    c->K = K;
    return MOE_OK;
}

static int
no_memory(struct collect *c)
{
    return moe_fail(moe_ctx_err(c->ctx), MOE_ENOMEM,
                    "collector: %zu pieces of a batch", c->P);
}

/* Cut one segment into pieces. */
static int
cut(struct collect *c, const struct collect_segment *s)
{
    for (int64_t n = s->first; n < s->end; n += COLLECT_PIECE) {
        void *p = mem_grow(c->piece, &c->piece_cap, c->P + 1, sizeof *c->piece);
        if (!p)
            return no_memory(c);
        c->piece = p;
        p = mem_grow(c->document, &c->document_cap, c->P + 1,
                     sizeof *c->document);
        if (!p)
            return no_memory(c);
        c->document = p;
        int64_t end = n + COLLECT_PIECE < s->end ? n + COLLECT_PIECE : s->end;
        c->piece[c->P] = (struct piece){(int32_t)n, (int32_t)end};
        c->document[c->P++] = s->document;
        c->rows += end - n;
    }
    return MOE_OK;
}

/* Space for the sums of P pieces.  Many short documents make more pieces than
 * long ones, so it grows with the batches that come. */
static int
make_room(struct collect *c)
{
    if (c->P <= c->cap)
        return MOE_OK;
    uint64_t cells;
    size_t want = c->P > 2 * c->cap ? c->P : 2 * c->cap;
    if (!mem_product(&cells, (uint64_t[]){(uint64_t)c->L, want, (uint64_t)c->E},
                     3))
        return no_memory(c);
    buffer_destroy(&c->d_piece.buf);
    buffer_destroy(&c->d_count.buf);
    buffer_destroy(&c->d_sum.buf);
    buffer_destroy(&c->d_gate.buf);
    free(c->count);
    free(c->sum);
    free(c->gate);
    c->cap = 0;
    c->count = mem_zero(cells, sizeof *c->count);
    c->sum = mem_zero(cells, sizeof *c->sum);
    c->gate = mem_zero(cells, sizeof *c->gate);
    if (!c->count || !c->sum || !c->gate)
        return no_memory(c);
    const int64_t n = (int64_t)cells;
    c->d_piece = tensor_shape(DTYPE_I32, 2, (int64_t[]){(int64_t)want, 2});
    c->d_count = tensor_shape(DTYPE_I32, 1, &n);
    c->d_sum = tensor_shape(DTYPE_F32, 1, &n);
    c->d_gate = tensor_shape(DTYPE_F32, 1, &n);
    int rc = tensor_create(c->ctx, &c->d_piece, "pieces of a batch");
    if (!rc)
        rc = tensor_create(c->ctx, &c->d_count, "routing counts");
    if (!rc)
        rc = tensor_create(c->ctx, &c->d_sum, "routing sums");
    if (!rc)
        rc = tensor_create(c->ctx, &c->d_gate, "routing weights");
    if (!rc)
        c->cap = want;
    return rc;
}

void
collect_each_document(struct collect *c, collect_document_fn *see, void *arg)
{
    c->see = see;
    c->see_arg = arg;
}

int
collect_begin(struct collect *c, const struct collect_segment *segment,
              size_t n)
{
    int rc = MOE_OK;
    c->P = 0;
    c->rows = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        const struct collect_segment *s = &segment[i];
        if (s->first < 0 || s->first >= s->end || s->end > c->N)
            return moe_fail(moe_ctx_err(c->ctx), MOE_EINVAL,
                            "collector: segment %zu is [%lld, %lld), want "
                            "rows of a batch of %lld",
                            i, (long long)s->first, (long long)s->end,
                            (long long)c->N);
        rc = cut(c, s);
    }
    rc = rc ? rc : make_room(c);
    if (rc || !c->P)
        return rc;
    return buffer_write(c->d_piece.buf, 0, c->piece, c->P * sizeof *c->piece);
}

/* The part of one layer in a tensor of (L,P,E). */
static struct tensor
of_layer(const struct collect *c, const struct tensor *t, int64_t layer)
{
    struct tensor part = *t;
    part.offset += (uint64_t)layer * c->P * (uint64_t)c->E;
    return part;
}

int
collect_layer(void *collect, int64_t layer, const struct tensor *logits,
              const struct tensor *probs, const struct tensor *idx,
              const struct tensor *weight, int64_t N)
{
    struct collect *c = collect;
    (void)logits;
    (void)N;
    if (!c->P)
        return MOE_OK;
    struct tensor count = of_layer(c, &c->d_count, layer);
    struct tensor sum = of_layer(c, &c->d_sum, layer);
    struct tensor gate = of_layer(c, &c->d_gate, layer);
    struct launch l;
    launch_begin(c->ctx, &l, "collect_layer");
    launch_tensor(&l, &count);
    launch_tensor(&l, &sum);
    launch_tensor(&l, &gate);
    launch_tensor(&l, probs);
    launch_tensor(&l, idx);
    launch_tensor(&l, weight);
    launch_tensor(&l, &c->d_piece);
    launch_int(&l, c->E);
    launch_int(&l, c->K);
    return launch_groups(&l, c->P);
}

/* Every token chose K experts and every sum is a number. */
static int
check_layer(struct collect *c, int64_t layer)
{
    const size_t n = c->P * (size_t)c->E, at = (size_t)layer * n;
    int64_t chosen = 0;
    double sum = 0;
    for (size_t i = at; i < at + n; i++) {
        chosen += c->count[i];
        sum += c->sum[i];
    }
    if (chosen == c->rows * c->K && isfinite(sum))
        return MOE_OK;
    return moe_fail(moe_ctx_err(c->ctx), MOE_ENUMERIC,
                    "layer %lld: %lld choices that sum to %g, want %lld: the "
                    "router's values are not finite",
                    (long long)layer, (long long)chosen, sum,
                    (long long)(c->rows * c->K));
}

void
collect_finish(struct collect *c, struct moe_routing_language *p)
{
    if (!c->open)
        return;
    for (int64_t i = 0; i < c->L * c->E; i++)
        p->by_document[i] += c->open_sum[i] / (double)c->open_tokens;
    if (c->see)
        c->see(c->see_arg, c->open_document, c->open_tokens, c->open_count,
               c->open_sum);
    memset(c->open_sum, 0, (size_t)(c->L * c->E) * sizeof *c->open_sum);
    memset(c->open_count, 0, (size_t)(c->L * c->E) * sizeof *c->open_count);
    c->open_tokens = 0;
    c->open = false;
    p->documents++;
}

/* Add one piece to its document and to its language. */
static void
add_piece(struct collect *c, struct moe_routing_language *p, size_t at)
{
    const uint64_t tokens = (uint64_t)(c->piece[at].end - c->piece[at].first);
    if (c->open && c->document[at] != c->open_document)
        collect_finish(c, p);
    c->open = true;
    c->open_document = c->document[at];
    c->open_tokens += tokens;
    p->tokens += tokens;
    for (int64_t l = 0; l < c->L; l++) {
        const size_t from = ((size_t)l * c->P + at) * (size_t)c->E;
        const size_t to = (size_t)(l * c->E);
        for (int64_t e = 0; e < c->E; e++) {
            p->count[to + e] += (uint64_t)c->count[from + e];
            p->pooled[to + e] += c->sum[from + e];
            p->gate[to + e] += c->gate[from + e];
            c->open_sum[to + e] += c->sum[from + e];
            c->open_count[to + e] += (uint64_t)c->count[from + e];
        }
    }
}

int
collect_end(struct collect *c, struct moe_routing_language *p)
{
    const uint64_t cells = (uint64_t)c->L * c->P * (uint64_t)c->E;
    if (!c->P)
        return MOE_OK;
    int rc = buffer_read(c->d_count.buf, 0, c->count, cells * sizeof *c->count);
    if (!rc)
        rc = buffer_read(c->d_sum.buf, 0, c->sum, cells * sizeof *c->sum);
    if (!rc)
        rc = buffer_read(c->d_gate.buf, 0, c->gate, cells * sizeof *c->gate);
    for (int64_t l = 0; !rc && l < c->L; l++)
        rc = check_layer(c, l);
    for (size_t i = 0; !rc && i < c->P; i++)
        add_piece(c, p, i);
    return rc;
}
