/*
 * golden.h - comparisons with numbers that other programs computed.
 *
 * A folder of reference numbers has one subfolder a subject; a row of the
 * table in check_golden.c says which function compares it.  Every comparison
 * prints one line: what, largest error, bound, ok or WRONG.
 */
#ifndef TESTS_GOLDEN_GOLDEN_H
#define TESTS_GOLDEN_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <polymoe/ctx.h>

/* One run over a folder. */
struct golden {
    const char *root;    // the folder, "golden"
    struct moe_ctx *ctx; // made at first use
    size_t done, failed; // comparisons
};

/* Compare what stands in root/SUBJECT; a code other than MOE_OK means that
 * the comparison itself could not be made. */
typedef int golden_fn(struct golden *g, struct moe_err *err);

golden_fn golden_adapt;   // steps of adapt/
golden_fn golden_curve;   // a training run of small/
golden_fn golden_eval;    // scores and texts of eval/
golden_fn golden_routing; // counts and measures of routing/
golden_fn golden_tiny;    // forward passes of tiny/
golden_fn golden_tokens;  // ids of tokens/
golden_fn golden_train;   // losses, gradients and steps of tiny/

/* The device that the comparisons run on; NULL with err set. */
struct moe_ctx *golden_ctx(struct golden *g, struct moe_err *err);

/* Run the job that a spec describes into a directory; `metric` gets every line
 * of its metrics, or is NULL. */
int golden_job(struct moe_err *err, const char *spec, const char *out,
               void (*metric)(void *arg, const char *json), void *arg);

/* One line.  subject and what make its name, "tiny/plain" and "logits". */
void golden_report(struct golden *g, const char *subject, const char *what,
                   double error, double bound, bool ok);

/* The larger of `worst` and every |got - want|; a NaN is infinite. */
double golden_worst(double worst, const float *got, const float *want,
                    size_t n);

/* Report the largest |got - want| of n numbers. */
void golden_close(struct golden *g, const char *subject, const char *what,
                  const float *got, const float *want, size_t n, double bound);

#endif
