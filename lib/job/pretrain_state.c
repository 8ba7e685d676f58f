/*
 * pretrain_state.c - a training run to its snapshots, back from them, and out
 * of them.
 */
#include "config.h"

#include "job/pretrain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "model/export.h"

/* What must not change when a run goes on: the curve of the learning rate. */
static json_t *
schedule_state(const struct pretrain *p)
{
    const struct schedule *s = &p->opt.schedule;
    return json_pack("{s:i, s:b, s:f, s:f, s:f, s:I, s:I}", "kind",
                     (int)s->kind, "tokens", p->opt.schedule_in_tokens, "peak",
                     s->peak, "floor", s->floor, "warm_floor", s->warm_floor,
                     "warmup", (json_int_t)s->warmup, "total",
                     (json_int_t)s->total);
}

int
pretrain_save(struct moe_err *err, struct pretrain *p)
{
    const struct job_train *t = &p->spec->train;
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
    if (!rc)
        rc = snapshot_prune(err, p->run->out_dir,
                            &(struct snapshot_policy){(uint64_t)t->keep_last,
                                                      (uint64_t)t->keep_every,
                                                      p->best_step});
    return rc;
}

/* Put the state of a snapshot that was loaded into the run. */
static int
take_state(struct moe_err *err, struct pretrain *p, const json_t *state)
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
    return MOE_OK;
}

/* Load one snapshot; false when it is damaged, which is only a warning. */
static bool
try_snapshot(struct pretrain *p, uint64_t step, json_t **state)
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
pretrain_resume(struct moe_err *err, struct pretrain *p)
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

/* ---- Export -------------------------------------------------------------- */

/* n elements from `at` of a tensor in the arena, as f32.  Half-width ones come
 * to the upper half of the space and are widened from its start. */
static int
read_elements(const struct tensor *t, uint64_t at, float *out, size_t n)
{
    size_t width = dtype_bytes(t->dtype);
    unsigned char *raw = (unsigned char *)out + n * (sizeof *out - width);
    int rc = buffer_read(t->buf, (t->offset + at) * width, raw, n * width);
    for (size_t i = 0; !rc && width < sizeof *out && i < n; i++) {
        float x;
        dtype_widen(&x, raw + i * width, t->dtype, 1);
        out[i] = x;
    }
    return rc;
}

/* A parameter of the arena, the master copy where there is one. */
static int
read_param(struct moe_err *err, void *arg, const struct param *q, uint64_t at,
           float *out, size_t n)
{
    const struct arena *a = arg;
    for (size_t i = 0; i < a->params; i++) {
        const struct arena_param *r = &a->param[i];
        if (r->p.kind == q->kind && r->p.layer == q->layer &&
            r->p.expert == q->expert)
            return read_elements(r->master.buf ? &r->master : &r->w, at, out,
                                 n);
    }
    return moe_fail(err, MOE_EINVAL, "export: a parameter is not trained");
}

static int
copy_file(struct moe_err *err, const char *from_dir, const char *to_dir,
          const char *name)
{
    struct fs_map map;
    char *from = str_path(from_dir, name), *to = str_path(to_dir, name);
    int rc = from && to ? MOE_OK : moe_fail(err, MOE_ENOMEM, "out of memory");
    if (!rc && fs_exists(from) && !(rc = fs_map_open(err, &map, from))) {
        rc = fs_write(err, to, map.data, map.size);
        fs_map_close(&map);
    }
    free(from);
    free(to);
    return rc;
}

int
pretrain_export(struct moe_err *err, struct pretrain *p)
{
    static const char *const carried[] = {
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
        "generation_config.json"};
    const struct job_train *t = &p->spec->train;
    struct export_options opt = {.dtype =
                                     t->export_dtype ? DTYPE_F32 : DTYPE_BF16,
                                 .shard_bytes = (uint64_t)t->shard_bytes,
                                 .read = read_param,
                                 .arg = trainer_arena(p->trainer)};
    char *dir = str_path(p->run->out_dir, "model");
    char *from = fs_is_dir(p->spec->model) ? str_copy(p->spec->model)
                                           : fs_dirname(p->spec->model);
    int rc = dir && from ? export_model(err, dir, &p->config, &opt)
                         : moe_fail(err, MOE_ENOMEM, "out of memory");
    for (size_t i = 0; !rc && i < sizeof carried / sizeof *carried; i++)
        rc = copy_file(err, from, dir, carried[i]);
    free(dir);
    free(from);
    return rc;
}
