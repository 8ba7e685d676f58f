/*
 * outcome.h - what came out for each item of a task in a language, the means
 * of it, and the comparison of two of them.
 */
#ifndef EVAL_OUTCOME_H
#define EVAL_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <polymoe/error.h>

enum { OUTCOME_METRICS = 6 };

/* Of one item and one metric.  A NaN is not counted. */
struct outcome_score {
    double value;
    double weight; // in the mean: 1, or tokens, or bytes
};

struct outcome_item {
    size_t item; // its place in the files, from 0
    char *group; // "" for none
    struct outcome_score score[OUTCOME_METRICS];
};

/* One task in one language.  Zero it to start. */
struct outcome {
    char *task; // "belebele_4shot"
    char *language;
    const char *metric[OUTCOME_METRICS]; // "acc"
    size_t metrics;
    struct outcome_item *item;
    size_t n, cap;
    uint64_t ties;             // items whose best choice is not alone
    uint64_t truncated;        // items whose context was cut from the left
    uint64_t truncated_tokens; // of them
    uint64_t too_long;         // items that cannot be scored
    uint64_t invalid;          // texts without an answer in them
    uint64_t left_out;         // tokens that fill no window
    int64_t window;            // of a perplexity over windows, else 0
};

/* The names are copied, the metrics borrowed: "acc|acc_norm" and the like. */
int outcome_begin(struct moe_err *err, struct outcome *o, const char *task,
                  const char *language, const char *const *metric,
                  size_t metrics);
void outcome_free(struct outcome *o);

/* A new item whose scores are NaN; NULL without memory. */
struct outcome_item *outcome_add(struct outcome *o, size_t item,
                                 const char *group);

struct outcome_mean {
    double value, stderr_; // NaN where there are too few
    size_t n;
};

/* The mean of a metric over the items of a group (NULL: all), with its
 * standard error, the sample's deviation over sqrt(n). */
struct outcome_mean outcome_mean(const struct outcome *o, size_t metric,
                                 const char *group);

/* ---- One line of JSON for each item -------------------------------------- */

/* The line of item i: task, language, item, group, scores; more keys are the
 * caller's.  A new reference, NULL without memory. */
json_t *outcome_line(const struct outcome *o, size_t i);

/* Read the lines of a file that outcome_line() made.  Metrics are those of
 * the first line.  MOE_EINPUT, MOE_EFORMAT. */
int outcome_read(struct moe_err *err, struct outcome *o, const char *path);

/* ---- Two evaluations of the same items ----------------------------------- */

struct outcome_paired {
    size_t n;                        // items that both have
    double value, other;             // means over these
    double difference, stderr_, z;   // value - other, paired
    double p;                        // two-sided, of z
    bool binary;                     // every score is 0 or 1
    uint64_t only_value, only_other; // right in one of them alone
    double p_mcnemar;                // exact, two-sided; NaN unless binary
};

/* Metric `metric` of a against the one of that name in b; n is 0 when b lacks
 * it. */
struct outcome_paired outcome_compare(const struct outcome *a,
                                      const struct outcome *b, size_t metric);

#endif
