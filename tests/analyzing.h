/*
 * analyzing.h - three languages on a small model, for the check programs of
 * kind: analyze.
 */
#ifndef TESTS_ANALYZING_H
#define TESTS_ANALYZING_H

#include "tests/jobs.h"
#include "tests/tiny.h"

enum { V = 83, L = 2, E = 8, K = 2, W = 8, WINDOWS = 5, TOKENS = W * WINDOWS };

#define THREE  "data: {aa: aa.u16, bb: bb.u16, cc: cc.u16}\n"
#define SHARED "kind: analyze\nmodel: model\nwindow: 8\nbatch_tokens: 16\n"

/* Write the model and the shards, of TOKENS ids and a few more; skips the
 * program without a device. */
void analyzing_inputs(void);

/* Run a spec over them, to where it is to stop (or NULL), or to its end. */
int analyzing_run(struct moe_err *err, const char *text, const char *out,
                  struct jobs_watch *watch);
void analyzing_runs(const char *text, const char *out);

void analyzing_refuses(const char *text, int code, const char *part);

#endif
