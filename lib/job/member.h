/*
 * member.h - a job of a study while the study is being read.
 */
#ifndef JOB_MEMBER_H
#define JOB_MEMBER_H

#include "job/node.h"
#include "job/spec.h"

struct member {
    struct job_node node; // its fields
    char *name;
    char *group; // the name before the sweep
    char *out;   // absolute
    struct job_strings after;
    bool placed; // already in the order
};

struct members {
    struct job_source source;
    struct member *v;
    size_t n, cap;
};

void members_free(struct members *m);

/* The member of that name, or NULL. */
struct member *members_find(const struct members *m, const char *name);

/* Every job of `jobs`, with the fields that stand beside it and the overrides,
 * sweeps spread out; names checked. */
int members_expand(struct moe_err *err, struct members *m,
                   const struct job_node *root, const char *const *set,
                   size_t n_set);

/* Give each its `out`: what it says, relative to `dir`, else
 * out_dir/NAME.out. */
int members_place(struct moe_err *err, struct members *m, const char *dir,
                  const char *out_dir);

/* Put directories for ${NAME.out}, and turn `after` and these into names of
 * members or numbers. */
int members_link(struct moe_err *err, struct members *m);

/* Put directories for every ${NAME.out} below a node of a member, which then
 * waits for the jobs named.  The name of a sweep stands for all of its jobs: a
 * value becomes a list. */
int members_substitute(struct moe_err *err, struct members *m,
                       struct member *member, struct job_node *node);

/* The member waits for that job, by name or number. */
int members_wait(struct moe_err *err, struct member *member, const char *name);

/* Sort so that each follows those it waits for; MOE_EFORMAT on a cycle. */
int members_order(struct moe_err *err, struct members *m);

#endif
