/*
 * bench_experts.c - the grouped expert products over Zipf routing: all shapes,
 * or the one that is named.
 */
#include "config.h"

#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "nn/nn.h"

/* The best of few says more of what else runs on the machine. */
enum { FORWARD = 12 }; // times

struct shape {
    const char *name;
    enum dtype type;
    int64_t N, E, K, D, F;
};

struct layer {
    const struct shape *s;
    struct tensor x, h, y, w;
    struct tensor pre, dout, dxs, dws, ws, dw; // training only
    struct expert_weights weights, grads;
    struct dispatch d;
    struct experts_scratch *scratch;
};

/* K different experts a token, expert e weighed 1 / (e + 1): the slots of each
 * expert in the order of the tokens. */
static void
route(struct bench *b, struct layer *l)
{
    const struct shape *s = l->s;
    int64_t slots = s->N * s->K, at = 0;
    int32_t *choice = malloc((size_t)slots * sizeof *choice);
    int32_t *start = malloc((size_t)(s->E + 1) * sizeof *start);
    int32_t *token = malloc((size_t)slots * sizeof *token);
    if (!choice || !start || !token)
        exit(EXIT_FAILURE);
    double total = 0;
    for (int64_t e = 0; e < s->E; e++)
        total += 1.0 / (double)(e + 1);
    uint64_t draw = 0;
    for (int64_t i = 0; i < slots; i++) {
        int64_t first = i / s->K * s->K, j = 0;
        do {
            double u = total * rng_uniform(1, 0, draw++);
            choice[i] = 0;
            while ((u -= 1.0 / (choice[i] + 1)) > 0 && choice[i] < s->E - 1)
                choice[i]++;
            for (j = first; j < i && choice[j] != choice[i]; j++)
                ;
        } while (j < i);
    }
    for (int64_t e = 0; e < s->E; e++) {
        start[e] = (int32_t)at;
        for (int64_t i = 0; i < slots; i++)
            if (choice[i] == e)
                token[at++] = (int32_t)(i / s->K);
    }
    start[s->E] = (int32_t)at;
    l->d.start = bench_integers(b, DTYPE_I32, s->E + 1, start);
    l->d.slot_token = bench_integers(b, DTYPE_I32, slots, token);
    free(choice);
    free(start);
    free(token);
}

static void
make(struct bench *b, struct layer *l, const struct shape *s)
{
    int64_t matrices = 3 * s->E, slots = s->N * s->K;
    uint64_t *offset = malloc((size_t)matrices * sizeof *offset);
    if (!offset)
        exit(EXIT_FAILURE);
    for (int64_t i = 0; i < matrices; i++)
        offset[i] = (uint64_t)(i * s->D * s->F);
    *l = (struct layer){.s = s};
    l->x = bench_tensor(b, DTYPE_F32, s->N * s->D, 1);
    l->h = bench_tensor(b, DTYPE_F32, slots * s->F, 2);
    l->y = bench_tensor(b, DTYPE_F32, slots * s->D, 3);
    l->w = bench_tensor(b, s->type, matrices * s->D * s->F, 4);
    l->weights = (struct expert_weights){
        .buf = l->w.buf,
        .dtype = s->type,
        .offsets = bench_integers(b, DTYPE_U64, matrices, offset)};
    free(offset);
    route(b, l);
    bench_ok(b,
             experts_create(b->ctx, &l->scratch, s->N, s->E, s->K, s->D, s->F));
}

/* What backward takes beside. */
static void
make_training(struct bench *b, struct layer *l)
{
    const struct shape *s = l->s;
    int64_t slots = s->N * s->K;
    l->pre = bench_tensor(b, DTYPE_F32, slots * 2 * s->F, 5);
    l->dout = bench_tensor(b, DTYPE_F32, s->N * s->D, 6);
    l->dxs = bench_tensor(b, DTYPE_F32, slots * s->D, 7);
    l->dws = bench_tensor(b, DTYPE_F32, slots, 8);
    l->ws = bench_tensor(b, DTYPE_F32, slots, 9);
    l->dw = bench_tensor(b, DTYPE_F32, 3 * s->E * s->D * s->F, 10);
    l->grads = (struct expert_weights){
        .buf = l->dw.buf, .dtype = DTYPE_F32, .offsets = l->weights.offsets};
}

static void
drop_training(struct layer *l)
{
    buffer_destroy(&l->pre.buf);
    buffer_destroy(&l->dout.buf);
    buffer_destroy(&l->dxs.buf);
    buffer_destroy(&l->dws.buf);
    buffer_destroy(&l->ws.buf);
    buffer_destroy(&l->dw.buf);
}

static void
drop(struct layer *l)
{
    buffer_destroy(&l->x.buf);
    buffer_destroy(&l->h.buf);
    buffer_destroy(&l->y.buf);
    buffer_destroy(&l->w.buf);
    buffer_destroy(&l->weights.offsets.buf);
    buffer_destroy(&l->d.start.buf);
    buffer_destroy(&l->d.slot_token.buf);
    experts_destroy(&l->scratch);
}

static int
run(struct moe_ctx *ctx, const void *arg)
{
    const struct layer *l = arg;
    const struct shape *s = l->s;
    return experts_forward(ctx, l->scratch, &l->y, &l->h, NULL, &l->x,
                           &l->weights, &l->d, s->N, s->E, s->K, s->D, s->F);
}

/* Of dws, dxs and pre alone. */
static int
run_inputs(struct moe_ctx *ctx, const void *arg)
{
    const struct layer *l = arg;
    const struct shape *s = l->s;
    return experts_backward(ctx, l->scratch, &l->dws, &l->dxs, NULL, &l->pre,
                            &l->h, &l->dout, &l->x, &l->ws, &l->weights, &l->d,
                            s->N, s->E, s->K, s->D, s->F);
}

static int
run_backward(struct moe_ctx *ctx, const void *arg)
{
    const struct layer *l = arg;
    const struct shape *s = l->s;
    return experts_backward(ctx, l->scratch, &l->dws, &l->dxs, &l->grads,
                            &l->pre, &l->h, &l->dout, &l->x, &l->ws,
                            &l->weights, &l->d, s->N, s->E, s->K, s->D, s->F);
}

static void
measure_training(struct bench *b, struct layer *l, double operations)
{
    make_training(b, l);
    bench_print(b, "experts backward, no weights", l->s->name, operations,
                bench_seconds(b, run_inputs, l, 3));
    bench_print(b, "experts backward", l->s->name, 2 * operations,
                bench_seconds(b, run_backward, l, 3));
    drop_training(l);
}

int
main(int argc, char **argv)
{
    static const struct shape shapes[] = {
        {"mini F32", DTYPE_F32, 2048, 32, 8, 1024, 512},
        {"mini BF16", DTYPE_BF16, 2048, 32, 8, 1024, 512},
        {"olmoe BF16", DTYPE_BF16, 2048, 64, 8, 2048, 1024},
        {"mini F32, one token", DTYPE_F32, 1, 32, 8, 1024, 512},
    };
    struct bench b;
    bench_begin(&b);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct shape *s = &shapes[i];
        if (argc > 1 && strcmp(s->name, argv[1]) != 0)
            continue;
        struct layer l;
        make(&b, &l, s);
        double operations = 6.0 * (double)(s->N * s->K) * (double)(s->D * s->F);
        bench_print(&b, "experts", s->name, operations,
                    bench_seconds(&b, run, &l, FORWARD));
        if (s->N > 1)
            measure_training(&b, &l, operations);
        drop(&l);
    }
    bench_end(&b);
    return 0;
}
