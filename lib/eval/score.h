/*
 * score.h - log-likelihoods of texts under a model, many at once.
 *
 *     struct moe_run *run;
 *     struct score_request r[] = {{ids, n, first, 0}, ...};
 *     eval_run_create(&run, model, &(struct eval_run_options){0});
 *     score_run(run, r, 2, &(struct score_watch){0});
 *     // r[0].ll = sum of log p(ids[i] | ids[0 .. i)), first <= i < n
 *
 * Requests are sorted, so that equal inputs are computed once and a text goes
 * on from what an earlier one has in common with it.  A score is the same to
 * the bit whatever else is scored beside it: the run is a steady one, nothing
 * is padded, and a shared prefix has the numbers that it would have again.
 */
#ifndef EVAL_SCORE_H
#define EVAL_SCORE_H

#include <stddef.h>
#include <stdint.h>

#include <polymoe/model.h>

#include "device/device.h"

/* A zeroed struct means all defaults. */
struct eval_run_options {
    int64_t max_length;   // positions of the longest input; 0: the model's
    int64_t pass_tokens;  // of one pass; 0: 2048
    uint64_t cache_bytes; // for keys and values, at least one longest input;
                          // 0: 256 MiB
    bool quick;           // not steady: for one sequence at a time
};

/* The run that scoring and generation share, and its shape on a device. */
struct moe_run_options eval_run_shape(const struct device_info *device,
                                      const struct moe_config *c,
                                      const struct eval_run_options *opt);
int eval_run_create(struct moe_run **out, struct moe_model *model,
                    const struct eval_run_options *opt);

/* Positions of the longest input that such a run takes. */
int64_t eval_run_length(const struct moe_run *run);

struct score_request {
    const int32_t *ids; // (n), borrowed
    int64_t n;          // at most the longest input and one
    int64_t first;      // first token that is scored, 1 .. n - 1
    double ll;          // out: the sum of their log-likelihoods
};

struct score_watch {
    /* Called after each pass; true stops with MOE_ECANCEL. */
    bool (*pass)(void *arg, size_t done, size_t total);
    void *arg;
    size_t failed;      // out: the request that a failure is about; SIZE_MAX
    uint64_t tokens;    // out: rows that were computed
    uint64_t requested; // out: rows that the requests have, one by one
};

/*
 * Fill in ll of n requests.
 *
 * MOE_ENUMERIC when a score is not a number, with watch->failed;
 * MOE_EFORMAT, MOE_EINVAL for bad requests; MOE_ECANCEL.
 */
int score_run(struct moe_run *run, struct score_request *r, size_t n,
              struct score_watch *watch);

#endif
