/*
 * jobs.h - a job run from its spec in text, stopped where a test wants it, and
 * the files that it wrote.
 */
#ifndef TESTS_JOBS_H
#define TESTS_JOBS_H

#include "tests/support.h"

#include <stdbool.h>

#include "job/job.h"

/* When a job is to stop, and what was seen until then. */
struct jobs_watch {
    const char *phase, *item; // after this was reported; NULL: never, any
    uint64_t done;            // and so much is done
    bool seen;
    unsigned asked, after; // calls of stopping(), and those after `seen`
};

/* A sink that stops a job so, and fails the test when more is done than there
 * is. */
struct job_sink jobs_stop(struct jobs_watch *w);

/* Run a spec into `out` below the test's directory; its paths are below
 * `base`.  sink may be NULL. */
int jobs_run(struct moe_err *err, const char *text, const char *base,
             const char *out, const struct job_sink *sink);

/* It ends in one line with this code and part of a sentence, and makes no
 * table. */
void jobs_refuse(const char *text, const char *base, int code,
                 const char *part);

/* A file of its directory, for the caller to free; n may be NULL. */
char *jobs_read(const char *out, const char *name, size_t *n);
bool jobs_have(const char *out, const char *name);

/* Two jobs wrote the same bytes: into this file, or into every file of
 * results/. */
void jobs_same(const char *a, const char *b, const char *name);
void jobs_same_results(const char *a, const char *b);

/* Change one digit of such a file, or cut off its second half. */
void jobs_damage(const char *out, const char *name, bool cut);

/* A raw shard of so many random ids from `first` to first + ids - 1 < 256,
 * below the test's directory. */
void jobs_shard(const char *name, size_t tokens, unsigned first, unsigned ids,
                unsigned seed);

#endif
