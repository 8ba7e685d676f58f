/*
 * run.c - a job from its directory to its end.
 */
#include "config.h"

#include "job/run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "device/device.h"

/* log.txt stops growing here: a job that repeats itself must not fill the
 * disk. */
static const uint64_t LOG_BYTES = 64 << 20;

/* One function a kind; a row here makes it run. */
static int (*const kinds[JOB_KINDS])(struct moe_err *, const struct job_spec *,
                                     struct job_run *) = {
    [JOB_ANALYZE] = analyze_run,
    [JOB_PRETRAIN] = pretrain_run,
    [JOB_ADAPT] = adapt_run,
    [JOB_EVALUATE] = evaluate_run,
    [JOB_CHOOSE] = choose_run};

static void
write_log(struct job_run *run, enum moe_log_level level, const char *line)
{
    static const char *const words[] = {"error", "warn", "info", "debug"};
    char iso[CLOCK_ISO_BYTES];
    if (level > MOE_LOG_INFO || run->log_bytes > LOG_BYTES)
        return;
    clock_iso(iso, sizeof iso, clock_wall_ms());
    int n = fprintf(run->log, "%s %s %s\n", iso, words[level], line);
    run->log_bytes += n > 0 ? (uint64_t)n : 0;
    if (run->log_bytes > LOG_BYTES)
        fprintf(run->log, "%s warn the log is full; later lines are left out\n",
                iso);
    if (fflush(run->log) != 0)
        run->lost = true;
}

/* The sink of the device's messages and of job_logf(). */
static void
log_line(void *arg, enum moe_log_level level, const char *line)
{
    struct job_run *run = arg;
    const struct job_sink *sink = &run->env->sink;
    write_log(run, level, line);
    if (sink->log)
        sink->log(sink->arg, level, line);
}

void
job_logf(struct job_run *run, enum moe_log_level level, const char *fmt, ...)
{
    char line[MOE_ERR_TEXT];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    line[strcspn(line, "\n")] = '\0';
    log_line(run, level, line);
}

void
job_warn(struct job_run *run, const char *fmt, ...)
{
    char line[MOE_ERR_TEXT];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    job_logf(run, MOE_LOG_WARN, "%s", line);
    json_t *list = json_object_get(run->record, "warnings");
    if (json_array_append_new(list, json_string(line)) != 0)
        run->lost = true;
}

void
job_metric(struct job_run *run, json_t *object)
{
    const struct job_sink *sink = &run->env->sink;
    char iso[CLOCK_ISO_BYTES];
    clock_iso(iso, sizeof iso, clock_wall_ms());
    if (!object || json_object_set_new(object, "time", json_string(iso)) != 0)
        run->lost = true;
    char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
    if (!line || fprintf(run->metrics, "%s\n", line) < 0 ||
        fflush(run->metrics) != 0)
        run->lost = true;
    if (line && sink->metric)
        sink->metric(sink->arg, line);
    free(line);
    json_decref(object);
}

void
job_phase(struct job_run *run)
{
    progress_meter_begin(&run->rate);
}

void
job_progress(struct job_run *run, struct moe_progress p)
{
    const struct job_sink *sink = &run->env->sink;
    progress_meter_update(&run->rate, &p);
    if (sink->progress)
        sink->progress(sink->arg, &p);
}

bool
job_stopping(struct job_run *run)
{
    const struct job_sink *sink = &run->env->sink;
    if (run->deadline_s > 0 && clock_seconds() >= run->deadline_s)
        run->overdue = true;
    return run->overdue || (sink->stopping && sink->stopping(sink->arg));
}

int
job_open_device(struct moe_err *err, struct job_run *run)
{
    struct moe_ctx_options opt = {
        .device = run->env->device ? run->env->device : run->spec->device,
        .profile = run->env->profile,
        .log = log_line,
        .log_arg = run};
    int rc = moe_ctx_create(&run->ctx, &opt, err);
    if (rc)
        return rc;
    run_record_device(run);
    job_logf(run, MOE_LOG_INFO, "device %s", ctx_device(run->ctx)->name);
    return MOE_OK;
}

int
job_from_ctx(struct moe_err *err, const struct job_run *run, int rc)
{
    return rc ? moe_fail(err, rc, "%s", moe_ctx_err(run->ctx)->text) : MOE_OK;
}

/* Seconds per kernel, as log lines and in run.json. */
static void
report_profile(struct job_run *run)
{
    struct profile_row *rows = NULL;
    size_t n = 0;
    if (!run->ctx || !run->env->profile ||
        profile_rows(run->ctx, &rows, &n) != MOE_OK)
        return;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        job_logf(run, MOE_LOG_INFO, "profile %-28s %8" PRIu64 " calls %10.3f s",
                 rows[i].kernel, rows[i].calls, rows[i].seconds);
        json_array_append_new(list, json_pack("{s:s, s:I, s:f}", "kernel",
                                              rows[i].kernel, "calls",
                                              (json_int_t)rows[i].calls,
                                              "seconds", rows[i].seconds));
    }
    job_record(run, "profile", list);
    free(rows);
}

/* What became of the job, in result; the records come after it. */
static void
finish(struct job_run *run, struct moe_err *result)
{
    struct moe_err failure = {0};
    if (result->code == MOE_ECANCEL && run->overdue)
        moe_fail(result, MOE_ETIMEOUT,
                 "%s: the time limit of %" PRId64 " s is over", run->spec->name,
                 run->spec->time_limit_s);
    if (result->code)
        job_logf(run, MOE_LOG_ERROR, "%s", result->text);
    else
        job_logf(run, MOE_LOG_INFO, "done");
    report_profile(run);
    moe_ctx_destroy(&run->ctx);
    run_close_files(run);
    if (!result->code && run->lost)
        moe_fail(result, MOE_EIO, "%s: a record could not be written",
                 run->out_dir);
    int rc = run_record_end(&failure, run, result);
    if (rc && !result->code)
        *result = failure;
}

int
job_run(struct moe_err *err, const struct job_spec *spec,
        const struct job_env *env)
{
    struct moe_err result = {0};
    struct job_run run = {.spec = spec, .env = env};
    if (!kinds[spec->kind])
        return moe_fail(err, MOE_EINVAL, "%s: this kind cannot run",
                        spec->name);
    if (spec->data.directory)
        return moe_fail(err, MOE_EINVAL, "%s: data is still a directory",
                        spec->name);
    if (!(run.out_dir = str_copy(env->out_dir)))
        return moe_fail(err, MOE_ENOMEM, "job: out of memory");
    if (spec->time_limit_s)
        run.deadline_s = clock_seconds() + (double)spec->time_limit_s;
    int rc = run_open_files(&result, &run);
    if (!rc) {
        job_phase(&run);
        rc = run_record_begin(&result, &run);
        if (!rc)
            rc = kinds[spec->kind](&result, spec, &run);
        result.code = rc;
        finish(&run, &result);
        rc = result.code;
    }
    run_close_files(&run);
    json_decref(run.record);
    free(run.results_dir);
    free(run.out_dir);
    return rc ? moe_fail(err, rc, "%s", result.text) : MOE_OK;
}
