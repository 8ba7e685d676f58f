/*
 * bench.h - what the programs of `make bench` share: a device, times, a peak.
 *
 * Each prints JSON lines on standard output: what, its sizes, GF/s, and the
 * part of the measured peak; once by the clock on the wall, once by processor
 * time, which still tells something when the machine is busy.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include "device/device.h"

struct bench {
    struct moe_ctx *ctx;
    double peak;      // fp32 operations a second; 0: unknown
    double core_peak; // the same a second of processor time
};

/* Open the device and measure its peak; ends the program when it cannot. */
void bench_begin(struct bench *b);
void bench_end(struct bench *b);

/* End the program with the context's sentence unless rc is MOE_OK. */
void bench_ok(struct bench *b, int rc);

/* A tensor of n small normal numbers, rounded to type t. */
struct tensor bench_tensor(struct bench *b, enum dtype t, int64_t n,
                           uint64_t seed);
struct tensor bench_integers(struct bench *b, enum dtype t, int64_t n,
                             const void *data);

struct seconds {
    double wall, cpu;
};

/* The best of `times` runs of fn, after one that is not counted. */
typedef int bench_fn(struct moe_ctx *ctx, const void *arg);
struct seconds bench_seconds(struct bench *b, bench_fn *fn, const void *arg,
                             int times);

/* One line: {"bench": what, "shape": shape, ...}. */
void bench_print(const struct bench *b, const char *what, const char *shape,
                 double operations, struct seconds seconds);

#endif
