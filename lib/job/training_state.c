/*
 * training_state.c - a training run to its snapshots, and back.
 */
#include "config.h"

#include "job/training.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

/* What must not change when a run goes on: the curve of the learning rate. */
static json_t *
schedule_state(const struct training *p)
{
    const struct schedule *s = &p->opt.schedule;
    return json_pack("{s:i, s:b, s:f, s:f, s:f, s:I, s:I}", "kind",
                     (int)s->kind, "tokens", p->opt.schedule_in_tokens, "peak",
                     s->peak, "floor", s->floor, "warm_floor", s->warm_floor,
                     "warmup", (json_int_t)s->warmup, "total",
                     (json_int_t)s->total);
}

static int
prune(struct moe_err *err, struct training *p, uint64_t step)
{
    const struct job_train *t = &p->spec->train;
    struct snapshot_policy keep = {.newest = step,
                                   .last = (uint64_t)t->keep_last,
                                   .every = (uint64_t)t->keep_every,
                                   .best = p->best_step};
    return snapshot_prune(err, p->run->out_dir, &keep);
}

int
training_save(struct moe_err *err, struct training *p)
{
    uint64_t step, tokens;
    trainer_position(p->trainer, &step, &tokens);
    json_t *state =
        json_pack("{s:I, s:I, s:o, s:o, s:I, s:f}", "step", (json_int_t)step,
                  "tokens", (json_int_t)tokens, "source",
                  source_state(p->source), "schedule", schedule_state(p),
                  "best_step", (json_int_t)p->best_step, "best", p->best);
    int rc = state ? MOE_OK : moe_fail(err, MOE_ENOMEM, "out of memory");
    if (!rc)
        rc = snapshot_save(err, p->run->out_dir, step,
                           trainer_arena(p->trainer), state);
    json_decref(state);
    return rc ? rc : prune(err, p, step);
}

/* Put the state of a snapshot that was loaded into the run. */
static int
take_state(struct moe_err *err, struct training *p, const json_t *state)
{
    json_int_t step = 0, tokens = 0, best_step = 0;
    json_t *source = NULL, *schedule = NULL, *now = schedule_state(p);
    json_error_t why;
    int rc = MOE_OK;
    if (json_unpack_ex((json_t *)(uintptr_t)state, &why, 0,
                       "{s:I, s:I, s:o, s:o, s:I, s:F}", "step", &step,
                       "tokens", &tokens, "source", &source, "schedule",
                       &schedule, "best_step", &best_step, "best", &p->best))
        rc = moe_fail(err, MOE_EFORMAT, "checkpoint: %s", why.text);
    else if (!json_equal(schedule, now))
        rc = moe_fail(err, MOE_ESTATE,
                      "checkpoint of step %" PRId64
                      ": its learning rate follows another schedule; a run "
                      "goes on with the one that it began with",
                      (int64_t)step);
    else
        rc = source_restore(err, p->source, source);
    json_decref(now);
    if (rc)
        return rc;
    p->best_step = (uint64_t)best_step;
    trainer_seek(p->trainer, (uint64_t)step, (uint64_t)tokens);
    job_logf(p->run, MOE_LOG_INFO, "going on from step %" PRId64,
             (int64_t)step);
    return prune(err, p, (uint64_t)step); // a kill may have come before it
}

/* Load one snapshot; false when it is damaged, which is only a warning. */
static bool
try_snapshot(struct training *p, uint64_t step, json_t **state)
{
    struct moe_err why = {0};
    char *dir = snapshot_dir(p->run->out_dir, step);
    int rc = dir ? snapshot_load(&why, dir, trainer_arena(p->trainer), state)
                 : moe_fail(&why, MOE_ENOMEM, "out of memory");
    if (rc)
        job_logf(p->run, MOE_LOG_WARN, "%s; trying the one before it",
                 why.text);
    free(dir);
    return rc == MOE_OK;
}

int
training_resume(struct moe_err *err, struct training *p)
{
    uint64_t *steps;
    size_t n, i;
    json_t *state = NULL;
    int rc = snapshot_list(err, &steps, &n, p->run->out_dir);
    for (i = n; !rc && i > 0 && !try_snapshot(p, steps[i - 1], &state);)
        i--;
    if (!rc && i > 0)
        rc = take_state(err, p, state);
    else if (!rc && n > 0)
        rc = moe_fail(err, MOE_EFORMAT,
                      "%s/checkpoints: no checkpoint is whole; remove them to "
                      "start anew",
                      p->run->out_dir);
    json_decref(state);
    free(steps);
    return rc;
}
