/*
 * bench_experts.c - the grouped expert product over Zipf routing.
 */
#include "config.h"

#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "nn/nn.h"

struct shape {
    const char *name;
    enum dtype type;
    int64_t N, E, K, D, F;
};

struct layer {
    const struct shape *s;
    struct tensor x, h, y, w;
    struct expert_weights weights;
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

int
main(void)
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
        struct layer l;
        make(&b, &l, s);
        double operations = 6.0 * (double)(s->N * s->K) * (double)(s->D * s->F);
        bench_print(&b, "experts", s->name, operations,
                    bench_seconds(&b, run, &l, 3));
        drop(&l);
    }
    bench_end(&b);
    return 0;
}
