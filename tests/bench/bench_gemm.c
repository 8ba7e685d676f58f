/*
 * bench_gemm.c - dense products, weights in f32 and bf16.
 */
#include "config.h"

#include "tests/bench/bench.h"

#include <stdio.h>

#include "device/gemm.h"

static int
run(struct moe_ctx *ctx, const void *arg)
{
    return gemm_run(ctx, arg);
}

static void
measure(struct bench *b, enum gemm_op op, enum dtype type, int64_t m, int64_t n,
        int64_t k)
{
    static const char *const words[] = {"NT", "NN", "TN"};
    struct gemm g = {.op = op,
                     .m = m,
                     .n = n,
                     .k = k,
                     .c = bench_tensor(b, DTYPE_F32, m * n, 1),
                     .a = bench_tensor(b, DTYPE_F32, m * k, 2),
                     .b = bench_tensor(b, type, n * k, 3)};
    char shape[96];
    snprintf(shape, sizeof shape, "%s %s %lld,%lld,%lld", words[op],
             dtype_name(type), (long long)m, (long long)n, (long long)k);
    double operations = 2.0 * (double)m * (double)n * (double)k;
    bench_print(b, "gemm", shape, operations, bench_seconds(b, run, &g, 5));
    buffer_destroy(&g.c.buf);
    buffer_destroy(&g.a.buf);
    buffer_destroy(&g.b.buf);
}

int
main(void)
{
    static const int64_t shapes[][3] = {
        {1024, 1024, 1024}, {128, 1024, 2048}, {512, 512, 1024},
        {8, 1024, 2048},    {1, 1024, 2048},   {2048, 50304, 1024}};
    struct bench b;
    bench_begin(&b);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int t = 0; t < 2; t++)
            measure(&b, GEMM_NT, t ? DTYPE_BF16 : DTYPE_F32, shapes[i][0],
                    shapes[i][1], shapes[i][2]);
    measure(&b, GEMM_NN, DTYPE_F32, 1024, 1024, 1024);
    measure(&b, GEMM_TN, DTYPE_F32, 1024, 1024, 1024);
    bench_end(&b);
    return 0;
}
