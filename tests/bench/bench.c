/*
 * bench.c - what the programs of `make bench` share.
 */
#include "config.h"

#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "device/gemm.h"

enum { PEAK_GROUPS = 256, PEAK_STEPS = 100000, PEAK_CHAINS = 12, TIMES = 5 };

void
bench_ok(struct bench *b, int rc)
{
    if (rc) {
        fprintf(stderr, "%s\n", moe_ctx_err(b->ctx)->text);
        exit(EXIT_FAILURE);
    }
}

static double
cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

struct seconds
bench_seconds(struct bench *b, bench_fn *fn, const void *arg, int times)
{
    struct seconds best = {0};
    for (int i = 0; i <= times; i++) {
        bench_ok(b, ctx_finish(b->ctx));
        double start = clock_seconds(), cpu = cpu_seconds();
        bench_ok(b, fn(b->ctx, arg));
        bench_ok(b, ctx_finish(b->ctx));
        double wall = clock_seconds() - start;
        cpu = cpu_seconds() - cpu;
        if (i == 1 || (i > 1 && wall < best.wall))
            best.wall = wall;
        if (i == 1 || (i > 1 && cpu < best.cpu))
            best.cpu = cpu;
    }
    return best;
}

static int
run_peak(struct moe_ctx *ctx, const void *arg)
{
    struct cpu_tile t;
    struct launch l;
    if (!gemm_cpu_tile(ctx, &t))
        return MOE_EBUILD;
    launch_begin_in(ctx, &l, t.program, t.options, "gemm_cpu_peak");
    launch_buffer(&l, ((const struct tensor *)arg)->buf);
    launch_int(&l, PEAK_STEPS);
    launch_float(&l, 0.5f);
    launch_float(&l, 0.3f);
    return launch_singles(&l, PEAK_GROUPS, 1);
}

static void
measure_peak(struct bench *b)
{
    struct cpu_tile t;
    if (!gemm_cpu_tile(b->ctx, &t))
        return;
    struct tensor out = bench_tensor(b, DTYPE_F32, PEAK_GROUPS, 1);
    double operations = 2.0 * PEAK_GROUPS * PEAK_STEPS * PEAK_CHAINS *
                        ctx_device(b->ctx)->vector_bits / 32;
    struct seconds seconds = bench_seconds(b, run_peak, &out, TIMES);
    buffer_destroy(&out.buf);
    b->peak = operations / seconds.wall;
    b->core_peak = operations / seconds.cpu;
    bench_print(b, "peak", "fp32", operations, seconds);
}

void
bench_begin(struct bench *b)
{
    struct moe_err err = {0};
    *b = (struct bench){0};
    if (moe_ctx_create(&b->ctx, NULL, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(EXIT_FAILURE);
    }
    measure_peak(b);
}

void
bench_end(struct bench *b)
{
    moe_ctx_destroy(&b->ctx);
}

struct tensor
bench_integers(struct bench *b, enum dtype t, int64_t n, const void *data)
{
    struct tensor x = tensor_shape(t, 1, &n);
    bench_ok(b, tensor_create(b->ctx, &x, "bench"));
    bench_ok(b, tensor_write(&x, data));
    return x;
}

/* Quick numbers in [-0.5, 0.5): a product does not care. */
struct tensor
bench_tensor(struct bench *b, enum dtype t, int64_t n, uint64_t seed)
{
    size_t size = dtype_bytes(t);
    unsigned char *host = malloc((size_t)n * size);
    uint64_t s = seed * 2654435761u + 1;
    for (int64_t i = 0; host && i < n; i++) {
        s = s * 6364136223846793005u + 1442695040888963407u;
        float x = (float)(s >> 40) / (1 << 24) - 0.5f;
        if (t == DTYPE_F32)
            ((float *)host)[i] = x;
        else
            ((uint16_t *)host)[i] =
                t == DTYPE_BF16 ? dtype_f32_to_bf16(x) : dtype_f32_to_f16(x);
    }
    if (!host)
        exit(EXIT_FAILURE);
    struct tensor out = bench_integers(b, t, n, host);
    free(host);
    return out;
}

void
bench_print(const struct bench *b, const char *what, const char *shape,
            double operations, struct seconds seconds)
{
    double wall = operations / seconds.wall, core = operations / seconds.cpu;
    printf("{\"bench\": \"%s\", \"shape\": \"%s\", \"seconds\": %.6f, "
           "\"gflops\": %.1f, \"of_peak\": %.3f, \"core_gflops\": %.1f, "
           "\"of_core_peak\": %.3f}\n",
           what, shape, seconds.wall, wall / 1e9,
           b->peak > 0 ? wall / b->peak : 0.0, core / 1e9,
           b->peak > 0 ? core / b->core_peak : 0.0);
    fflush(stdout);
}
