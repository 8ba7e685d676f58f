/*
 * prefix.h - the residual stream of windows on disk: what layers that are not
 * trained made of them, for later epochs and other runs.
 *
 * A window is a file, named by a hash of `identity` and of its ids; its numbers
 * are followed by a hash of name and numbers.  Files appear by rename, so that
 * several runs may share a directory.  What does not fit the budget is not
 * kept: in epochs that repeat, what came first is as good as what came last.
 */
#ifndef TRAIN_PREFIX_H
#define TRAIN_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

#include <polymoe/error.h>

struct prefix_options {
    const char *dir;      // made when it is missing
    const char *identity; // everything but the ids that the numbers come from
    bool own;             // nobody else is there: files of another identity,
                          // and halves of files, go
    uint64_t bytes;       // of all files in the directory, at most
    int64_t D;            // numbers of a token
    /* Gets a line about a file that is damaged or cannot be written. */
    void (*warn)(void *arg, const char *line);
    void *warn_arg;
};

struct prefix_counts {
    uint64_t read, written; // windows
    uint64_t left_out;      // windows that the budget had no room for
    uint64_t bytes;         // of the directory
};

struct prefix;

/* MOE_EIO when the directory cannot be made or read, MOE_ENOMEM. */
int prefix_open(struct moe_err *err, struct prefix **out,
                const struct prefix_options *opt);
void prefix_close(struct prefix **pp);

/* Is there a file of this window, ids (T)? */
bool prefix_has(struct prefix *p, const int32_t *ids, int64_t T);

/* x (T,D) of a window; false when there is none.  One that is damaged is
 * removed with a warning, and there is none. */
bool prefix_read(struct prefix *p, const int32_t *ids, int64_t T, float *x);

/* Keep x (T,D) of a window that there is none of, if the budget allows.  A
 * disk that fails is a warning, and the last thing that is written. */
void prefix_write(struct prefix *p, const int32_t *ids, int64_t T,
                  const float *x);

struct prefix_counts prefix_counts(const struct prefix *p);

#endif
