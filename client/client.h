/*
 * client.h - what the verbs of `polymoe` share.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <polymoe/ctx.h>

/* One verb: a row of the table in main.c, a file verb_NAME.c, a page
 * polymoe-NAME.1. */
struct verb {
    const char *name;
    const char *summary;               // one line for `polymoe --help`
    int (*run)(int argc, char **argv); // argv[0] is the verb; an exit status
};

#define XX(name, summary) int verb_##name(int argc, char **argv);
#include "client/verbs.inc"
#undef XX

/* "polymoe VERB: sentence" on standard error; the exit status of the code. */
int verb_fail(const char *verb, const struct moe_err *err);

/* A moe_log_fn: warnings and errors on standard error.  arg is the verb. */
void verb_note(void *arg, enum moe_log_level level, const char *line);

#endif
