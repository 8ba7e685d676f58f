/*
 * choices.c - the chosen experts of a batch, kept on the device.
 */
#include "config.h"

#include "routing/choices.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "routing/cooccur.h"
#include "routing/sets.h"

/* Counters are i32 and a row adds at most 1 to each. */
static const uint64_t FULL = UINT64_C(1) << 30;

struct choices {
    struct moe_ctx *ctx;
    int64_t N, L, E, K, V, C;
    int64_t n;                        // rows of the batch
    uint64_t rows;                    // counted since the last choices_drain()
    struct tensor idx, set;           // (L N,K), (L N,W)
    struct tensor together, adjacent; // (L,E,E), absent: not counted
    struct tensor ids, layer, first;  // (N), (C), (C,V,E)
    int32_t *list;                    // (C) layers of ids
    uint64_t *sum;                    // (2,L,E,E), drained
    struct tensor seq, pairs;         // of choices_pairs(), `cap` sequences
    size_t cap;
};

void
choices_destroy(struct choices **cp)
{
    struct choices *c = *cp;
    if (!c)
        return;
    struct tensor *all[] = {&c->idx,      &c->set, &c->together,
                            &c->adjacent, &c->ids, &c->layer,
                            &c->first,    &c->seq, &c->pairs};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_destroy(&all[i]->buf);
    free(c->list);
    free(c->sum);
    free(c);
    *cp = NULL;
}

/* What is there from the start to the end. */
struct shape {
    const char *name;
    size_t offset; // of the tensor in struct choices
    bool there;
    struct tensor t;
};
enum { SHAPES = 7 };

static void
list_shapes(struct shape list[SHAPES], int64_t N, int64_t L, int64_t E,
            int64_t K, const struct choices_options *opt)
{
    const bool pairs = opt->coactivation, ids = opt->C > 0;
#define XX(member, type, there, rank, ...)                                     \
    offsetof(struct choices, member), there,                                   \
        tensor_shape(DTYPE_##type, rank, (int64_t[]){__VA_ARGS__})
    const struct shape all[SHAPES] = {
        {"choices of a batch", XX(idx, I32, true, 2, L * N, K)},
        {"sets of a batch", XX(set, U32, true, 2, L * N, sets_words(E))},
        {"pairs of experts", XX(together, I32, pairs, 3, L, E, E)},
        {"adjacent experts", XX(adjacent, I32, pairs, 3, L, E, E)},
        {"token ids", XX(ids, I32, ids, 1, N)},
        {"layers of token ids", XX(layer, I32, ids, 1, opt->C)},
        {"first choices of ids", XX(first, I32, ids, 3, opt->C, opt->V, E)},
    };
#undef XX
    memcpy(list, all, sizeof all);
}

void
choices_need(struct need *need, int64_t N, int64_t L, int64_t E, int64_t K,
             const struct choices_options *opt)
{
    struct shape list[SHAPES];
    list_shapes(list, N, L, E, K, opt);
    for (int i = 0; i < SHAPES; i++)
        need_tensor(need, list[i].name, &list[i].t, list[i].there);
}

static int
create(struct choices *c, struct tensor *t, enum dtype type, int rank,
       const int64_t *dim, const char *name)
{
    *t = tensor_shape(type, rank, dim);
    return tensor_create(c->ctx, t, name);
}

static int
zero(const struct tensor *t)
{
    return buffer_zero(t->buf, 0, tensor_count(t) * sizeof(int32_t));
}

static int
begin_pairs(struct choices *c)
{
    c->sum = mem_zero(2 * (size_t)(c->L * c->E * c->E), sizeof *c->sum);
    if (!c->sum)
        return moe_fail(moe_ctx_err(c->ctx), MOE_ENOMEM, "pairs of experts");
    int rc = zero(&c->together);
    return rc ? rc : zero(&c->adjacent);
}

static int
begin_tokens(struct choices *c, const int32_t *layer)
{
    c->list = mem_dup(layer, (size_t)c->C * sizeof *layer);
    if (!c->list)
        return moe_fail(moe_ctx_err(c->ctx), MOE_ENOMEM, "layers of token ids");
    int rc = tensor_write(&c->layer, layer);
    return rc ? rc : zero(&c->first);
}

int
choices_create(struct moe_ctx *ctx, struct choices **out, int64_t N, int64_t L,
               int64_t E, int64_t K, const struct choices_options *opt)
{
    struct choices *c = *out = mem_zero(1, sizeof *c);
    if (!c)
        return moe_fail(moe_ctx_err(ctx), MOE_ENOMEM, "choices");
    *c = (struct choices){
        .ctx = ctx, .N = N, .L = L, .E = E, .K = K, .V = opt->V, .C = opt->C};
    struct shape list[SHAPES];
    int rc = MOE_OK;
    list_shapes(list, N, L, E, K, opt);
    for (int i = 0; !rc && i < SHAPES; i++) {
        struct tensor *t = (struct tensor *)((char *)c + list[i].offset);
        *t = list[i].t;
        if (list[i].there)
            rc = tensor_create(ctx, t, list[i].name);
    }
    if (!rc && opt->coactivation)
        rc = begin_pairs(c);
    if (!rc && opt->C)
        rc = begin_tokens(c, opt->layer);
    if (rc)
        choices_destroy(out);
    return rc;
}

void
choices_begin(struct choices *c, int64_t n)
{
    c->n = n;
}

int
choices_layer(struct choices *c, int64_t layer, const struct tensor *idx)
{
    const uint64_t bytes = (uint64_t)(c->n * c->K) * sizeof(int32_t);
    return buffer_copy(c->idx.buf, (uint64_t)layer * bytes, idx->buf,
                       idx->offset * sizeof(int32_t), bytes);
}

/* What the device has counted of pairs goes to the host's sums. */
static int
drain(struct choices *c)
{
    const size_t n = (size_t)(c->L * c->E * c->E);
    int32_t *part = NULL;
    c->rows = 0;
    if (!c->sum)
        return MOE_OK;
    if (!(part = mem_zero(n, sizeof *part)))
        return moe_fail(moe_ctx_err(c->ctx), MOE_ENOMEM, "pairs of experts");
    int rc = MOE_OK;
    for (int what = 0; !rc && what < 2; what++) {
        const struct tensor *t = what ? &c->adjacent : &c->together;
        rc = tensor_read(t, part);
        for (size_t i = 0; !rc && i < n; i++)
            c->sum[(size_t)what * n + i] += (uint64_t)part[i];
        if (!rc)
            rc = zero(t);
    }
    free(part);
    return rc;
}

static int
count(struct choices *c, const int32_t *ids)
{
    int rc = MOE_OK;
    if (c->sum)
        rc = cooccur_experts(c->ctx, &c->together, &c->adjacent, &c->set,
                             &c->idx, c->L, c->n, c->E, c->K);
    if (rc || !c->C)
        return rc;
    rc = buffer_write(c->ids.buf, 0, ids, (uint64_t)c->n * sizeof *ids);
    return rc ? rc
              : cooccur_tokens(c->ctx, &c->first, &c->ids, &c->idx, &c->layer,
                               c->C, c->n, c->V, c->E, c->K);
}

int
choices_end(struct choices *c, const int32_t *ids)
{
    int rc = sets_forward(c->ctx, &c->set, &c->idx, c->L, c->n, c->E, c->K);
    if (!rc)
        rc = count(c, ids);
    c->rows += (uint64_t)c->n;
    return rc || c->rows < FULL ? rc : drain(c);
}

int
choices_common(struct choices *c, struct choices *other, uint64_t *common)
{
    const int64_t P = sets_pieces(c->n), B = c->K + 1;
    struct tensor t = {0};
    size_t cells;
    int32_t *part = NULL;
    if (mem_mul(&cells, (size_t)(c->L * P), (size_t)B))
        part = mem_zero(cells, sizeof *part);
    if (!part)
        return moe_fail(moe_ctx_err(c->ctx), MOE_ENOMEM, "common experts");
    int rc =
        create(c, &t, DTYPE_I32, 3, (int64_t[]){c->L, P, B}, "common experts");
    if (!rc)
        rc = sets_common(c->ctx, &t, &c->set, &other->set, c->L, c->n, c->E,
                         c->K);
    if (!rc)
        rc = tensor_read(&t, part);
    for (int64_t i = 0; !rc && i < c->L * P * B; i++)
        common[i / (P * B) * B + i % B] += (uint64_t)part[i];
    buffer_destroy(&t.buf);
    free(part);
    return rc;
}

/* Room for the pairs of S sequences. */
static int
make_room(struct choices *c, size_t S)
{
    if (S <= c->cap)
        return MOE_OK;
    buffer_destroy(&c->seq.buf);
    buffer_destroy(&c->pairs.buf);
    c->cap = 0;
    const int64_t n = (int64_t)S;
    int rc = create(c, &c->seq, DTYPE_I32, 2, (int64_t[]){n, 2}, "sequences");
    if (!rc)
        rc = create(c, &c->pairs, DTYPE_I32, 4,
                    (int64_t[]){c->L, n, 2, c->K + 1}, "pairs of tokens");
    if (!rc)
        c->cap = S;
    return rc;
}

int
choices_pairs(struct choices *c, const struct choices_sequence *seq, size_t S,
              int32_t *pairs)
{
    const uint64_t cells = (uint64_t)(c->L * 2 * (c->K + 1)) * S;
    int rc = make_room(c, S);
    if (rc || !S)
        return rc;
    rc = buffer_write(c->seq.buf, 0, seq, S * sizeof *seq);
    if (!rc)
        rc = sets_pairs(c->ctx, &c->pairs, &c->set, &c->seq, (int64_t)S, c->L,
                        c->n, c->E, c->K);
    return rc ? rc : buffer_read(c->pairs.buf, 0, pairs, cells * sizeof *pairs);
}

/* First choices of ids, layer by layer. */
static int
take_tokens(struct moe_err *err, struct choices *c, struct usage *u)
{
    const uint64_t cells = (uint64_t)(c->V * c->E);
    int32_t *count = mem_zero(cells, sizeof *count);
    int rc = count ? MOE_OK : moe_fail(err, MOE_ENOMEM, "choices of token ids");
    for (int64_t i = 0; !rc && i < c->C; i++) {
        rc = buffer_read(c->first.buf, (uint64_t)i * cells * sizeof *count,
                         count, cells * sizeof *count);
        rc = rc ? moe_fail(err, rc, "%s", moe_ctx_err(c->ctx)->text)
                : usage_tokens(err, u, i, c->list[i], count);
    }
    free(count);
    return rc;
}

int
choices_take(struct moe_err *err, struct choices *c, struct usage *u)
{
    const size_t n = (size_t)(c->L * c->E * c->E);
    int rc = drain(c);
    for (size_t i = 0; !rc && c->sum && i < n; i++) {
        u->together[i] += c->sum[i];
        u->adjacent[i] += c->sum[n + i];
        c->sum[i] = c->sum[n + i] = 0;
    }
    if (rc || !c->C)
        return rc ? moe_fail(err, rc, "%s", moe_ctx_err(c->ctx)->text) : MOE_OK;
    rc = take_tokens(err, c, u);
    if (!rc && (rc = zero(&c->first)))
        rc = moe_fail(err, rc, "%s", moe_ctx_err(c->ctx)->text);
    return rc;
}
