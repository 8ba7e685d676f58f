/*
 * parallel.h - the measures of study B over sequences: divergence from the
 * translation in the pivot language, consistency within a sequence, and how
 * often each expert is active.
 */
#ifndef ROUTING_PARALLEL_H
#define ROUTING_PARALLEL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <polymoe/error.h>

/* The sequences of a language or of a task; sums over them.  Zero it to start.
 */
struct parallel {
    char *name;
    bool task;
    int64_t L, E, K;
    int64_t n;          // sequences
    int64_t pairs;      // of them with two tokens or more
    double *activation; // (L,E) of the share of tokens
    double *entropy;    // (L) of the mean probabilities, nats
    double *all;        // (L) of the mean Jaccard index over all pairs
    double *adjacent;   // (L) over neighbours
    double *divergence; // (L) from the pivot's sequence
    int64_t *defined;   // (L) sequences where that is defined
};

int parallel_init(struct moe_err *err, struct parallel *p, const char *name,
                  bool task, int64_t L, int64_t E, int64_t K);
void parallel_free(struct parallel *p);

/*
 * One sequence: its tokens, and count and sum of probabilities (L,E).
 *
 * pairs: pairs of tokens that share c experts, of all pairs and of neighbours,
 * for layer l at pairs + l * stride, (2,K+1); NULL: not looked at.  pivot
 * (L,E): the sums of the pivot's sequence; NULL: not compared.
 */
void parallel_add(struct parallel *p, uint64_t tokens, const uint64_t *count,
                  const double *sum, const int32_t *pairs, int64_t stride,
                  const double *pivot);

json_t *parallel_pack(const struct parallel *p);
int parallel_unpack(struct moe_err *err, struct parallel *p, const json_t *from,
                    const char *path);

/*
 * divergence.csv, consistency.csv, delta.csv, task_experts.csv and
 * tau_sweep.csv of n languages and tasks, of which one, not a task, is the
 * pivot.
 */
int parallel_write(struct moe_err *err, const struct parallel *p, int64_t n,
                   int64_t pivot, double tau, const char *dir);

#endif
