/*
 * ask.h - put a task's items to a model: requests from items, outcomes from
 * scores.
 */
#ifndef EVAL_ASK_H
#define EVAL_ASK_H

#include <jansson.h>

#include "base/str.h"
#include "eval/encode.h"
#include "eval/items.h"
#include "eval/outcome.h"
#include "eval/score.h"

struct ask {
    struct moe_run *run;
    const struct encoder *encoder;
    enum task task;
    struct task_options opt;
    const char *name;   // of the task, "belebele_4shot"
    int64_t shots;      // examples before a question
    bool clean;         // items that serve as examples are not asked
    int64_t limit;      // at most so many items, 0: all
    bool original;      // pairs: also without a prefix
    int64_t max_tokens; // of a text that the model writes
    int32_t eos;        // that ends it; -1: none
    int64_t window;     // of perplexity
    bool (*pass)(void *arg, size_t done, size_t total); // true: stop
    void *arg;

    /* Out; the caller's, also after a failure: ask_free(). */
    struct outcome outcome;
    json_t *detail; // an object for each of the outcome's items, or NULL
    uint64_t tokens, requested; // computed, and without sharing
};

void ask_free(struct ask *a);

/* MOE_ENUMERIC and the like name task, language and the item's place. */
int ask_pairs(struct moe_err *err, struct ask *a, const struct items *items);
int ask_choices(struct moe_err *err, struct ask *a, const struct items *items);
int ask_texts(struct moe_err *err, struct ask *a, const struct items *items);

/* Perplexity of n ids in windows, of which the first token of each is not
 * scored; what fills no window is left out. */
int ask_windows(struct moe_err *err, struct ask *a, const int32_t *ids,
                size_t n);

/* Perplexity of documents, each token scored once: the first after the prefix,
 * the others after as much of the document as a window holds.  start (n + 1)
 * is where each begins in ids and where the last one ends. */
int ask_documents(struct moe_err *err, struct ask *a, const int32_t *ids,
                  const size_t *start, size_t n);

/* ---- What ask*.c share --------------------------------------------------- */

/* Scores of n requests; the failed one is that of an item, place[i]. */
int ask_score(struct moe_err *err, struct ask *a, struct score_request *r,
              size_t n, const char *const *place);

/* "belebele_0shot eng_Latn: PLACE: " before the sentence of err. */
int ask_fail(struct moe_err *err, const struct ask *a, int rc,
             const char *place);

/* The first item from i on that is asked, n of which were already; the number
 * of items where there is none. */
size_t ask_next(const struct ask *a, const struct items *items, size_t i,
                size_t n);

/* The examples and the question of item i, up to where its answer begins. */
int ask_context(struct moe_err *err, const struct ask *a,
                const struct items *items, size_t i, struct str *out);

/* The letter of a choice, "A". */
static inline char
ask_letter(int choice)
{
    return (char)('A' + choice);
}

#endif
