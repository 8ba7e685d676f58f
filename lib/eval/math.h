/*
 * math.h - the words that MGSM and GSM8K are asked with.
 */
#ifndef EVAL_MATH_H
#define EVAL_MATH_H

#include "eval/items.h"

/* Of one language, as in the lm-evaluation-harness. */
struct math_words {
    const char *language; // "bn"
    const char *question; // label before a question
    const char *steps;    // label before a worked answer
    const char *direct;   // label before an answer alone
    const char *stem;     // what stands before the result of a worked answer
    const char *end;      // and after it, often nothing
};

/* The words of a language, NULL for one that MGSM does not have. */
const struct math_words *math_words(const char *language);

/* How an answer is found: stem and end of the strict filter; stem NULL: the
 * text itself. */
struct math_filter {
    const char *stem, *end;
    const char *stop;      // a text that ends the answer: the next question
    const char *delimiter; // before the answer of an example
};
struct math_filter math_filter(enum task task, const struct task_options *opt);

#endif
