/*
 * items.h - what a task asks: pairs of sentences, questions with answers to
 * choose from, questions that want a text.
 */
#ifndef EVAL_ITEMS_H
#define EVAL_ITEMS_H

#include <stdbool.h>
#include <stddef.h>

#include <polymoe/error.h>

enum task {
    TASK_PERPLEXITY,
    TASK_MULTIBLIMP,
    TASK_CLAMS,
    TASK_BLIMP,
    TASK_BELEBELE,
    TASK_MMLU,
    TASK_GLOBAL_MMLU,
    TASK_MGSM,
    TASK_GSM8K,
    TASKS
};

/* "multiblimp", the name of its group of fields. */
const char *task_name(enum task t);
bool task_has_pairs(enum task t);
bool task_has_choices(enum task t);
bool task_is_generated(enum task t);

enum { CHOICES = 4 };

struct item {
    char *place;      // "FILE:LINE"
    char *group;      // phenomenon, subject; "" for none
    char *good, *bad; // of a pair
    char *prompt;     // of a question, up to where the answer begins
    int gold;         // the right choice, 0 .. CHOICES - 1
    char *answer;     // the text that is right: a number, or a whole solution
};

/* Zero it to start.  Those of a dev or train file are examples for shots. */
struct items {
    struct item *item, *example;
    size_t n, cap, examples, example_cap;
};
void items_free(struct items *items);

/* A new item at the end; its texts are copied, NULL stays NULL. */
int items_add(struct moe_err *err, struct items *items, bool example,
              const struct item *item);

/* How MGSM's questions are asked. */
enum mgsm_mode { MGSM_DIRECT, MGSM_NATIVE_COT, MGSM_EN_COT };

struct task_options {
    const char *language; // as the data call it
    enum mgsm_mode mode;
};

/*
 * Read the files of a task in one language; a directory stands for the files
 * in it and in its folders dev, test and train, sorted by name.
 *
 * MOE_EINPUT; MOE_EFORMAT as "FILE:LINE: ...", also when nothing is found.
 */
int task_read(struct moe_err *err, struct items *items, enum task task,
              const struct task_options *opt, const char *const *path,
              size_t paths);

/* ---- For the files of tasks ---------------------------------------------- */

/* One file of a task. */
struct task_file {
    const char *path;
    bool example; // its name ends in dev or train
    const struct task_options *opt;
    struct items *items;
    enum task task;
};
typedef int task_read_fn(struct moe_err *err, struct task_file *f);

task_read_fn pairs_read, belebele_read, mmlu_read, mgsm_read, gsm8k_read;

#endif
