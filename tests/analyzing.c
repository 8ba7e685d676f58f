/*
 * analyzing.c - three languages on a small model.
 */
#include "config.h"

#include "tests/analyzing.h"

void
analyzing_inputs(void)
{
    support_ctx();
    tiny_write("model", &(struct tiny){0});
    jobs_shard("aa.u16", TOKENS + 3, 0, V, 1);
    jobs_shard("bb.u16", TOKENS, 0, V, 2);
    jobs_shard("cc.u16", TOKENS + 7, 0, V, 3);
}

int
analyzing_run(struct moe_err *err, const char *text, const char *out,
              struct jobs_watch *watch)
{
    struct jobs_watch never = {0};
    const struct job_sink sink = jobs_stop(watch ? watch : &never);
    return jobs_run(err, text, support_dir(), out, &sink);
}

void
analyzing_runs(const char *text, const char *out)
{
    struct moe_err err = {0};
    ck_ok(&err, analyzing_run(&err, text, out, NULL));
}

void
analyzing_refuses(const char *text, int code, const char *part)
{
    jobs_refuse(text, support_dir(), code, part);
}
