/*
 * answer.h - the answer in a text that a model wrote, and whether it is right,
 * by the lm-evaluation-harness' filters.
 */
#ifndef EVAL_ANSWER_H
#define EVAL_ANSWER_H

#include <stdbool.h>

struct str;

/*
 * strict: the number after the first `stem` that a number and `end` follow,
 * -?[0-9.,]+.  flexible: the last of (-?[$0-9.,]{2,})|(-?[0-9]+).
 *
 * Append it to out; false, and nothing appended, when there is none.
 */
bool answer_strict(struct str *out, const char *text, const char *stem,
                   const char *end);
bool answer_flexible(struct str *out, const char *text);

/* Whether two answers are one.  MGSM: without case and all ASCII punctuation,
 * so that 1,000 is 1000 - and 12.5 is 125.  GSM8K: without case, commas,
 * dollar signs, a full stop at the end and what stands up to "#### ". */
bool answer_same_mgsm(const char *a, const char *b);
bool answer_same_gsm8k(const char *a, const char *b);

#endif
