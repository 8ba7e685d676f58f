/*
 * verb_run.c - polymoe run: a job, or a study in its order, in the foreground.
 */
#include "config.h"

#include "client/client.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/options.h"
#include "base/progress.h"
#include "base/str.h"
#include "client/interrupt.h"
#include "client/results.h"
#include "client/text.h"
#include "job/job.h"
#include "job/study.h"

struct run_options {
    struct option_list set;
    const char *out, *device;
    bool json, quiet, profile;
};

static const struct option_row rows[] = {
    {'s', "set", "FIELD=VALUE",
     "use this value in place of the spec's; may be repeated", OPTION_LIST,
     offsetof(struct run_options, set), 0, 0},
    {'o', "out", "DIR", "directory for the results, new or empty",
     OPTION_STRING, offsetof(struct run_options, out), 0, 0},
    {'d', "device", "DEVICE", "OpenCL device, in place of the spec's",
     OPTION_STRING, offsetof(struct run_options, device), 0, 0},
    {'j', "json", NULL, "print events as JSON lines on standard output",
     OPTION_FLAG, offsetof(struct run_options, json), 0, 0},
    {'q', "quiet", NULL, "no progress and no notes", OPTION_FLAG,
     offsetof(struct run_options, quiet), 0, 0},
    {'p', "profile", NULL, "report the seconds of every kernel", OPTION_FLAG,
     offsetof(struct run_options, profile), 0, 0},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

/* What the sink needs. */
struct screen {
    const struct run_options *opt;
    struct progress_view view;
    bool told; // that ^C was seen
};

static void
on_progress(void *arg, const struct moe_progress *p)
{
    struct screen *screen = arg;
    bool last = p->total && p->done >= p->total;
    progress_view_show(&screen->view, p, last);
}

static void
on_log(void *arg, enum moe_log_level level, const char *line)
{
    struct screen *screen = arg;
    enum moe_log_level most = screen->opt->quiet ? MOE_LOG_WARN : MOE_LOG_INFO;
    /* Errors come back from job_run() and are printed once, at the end. */
    if (level == MOE_LOG_ERROR || level > most)
        return;
    char *clean = text_clean(line);
    progress_view_end(&screen->view);
    fprintf(stderr, "%s%s\n", level == MOE_LOG_WARN ? "warning: " : "",
            clean ? clean : "");
    free(clean);
}

static void
put_json(json_t *o)
{
    char *line = o ? json_dumps(o, JSON_COMPACT) : NULL;
    if (line) {
        puts(line);
        fflush(stdout);
    }
    free(line);
    json_decref(o);
}

static void
on_metric(void *arg, const char *line)
{
    const struct screen *screen = arg;
    json_t *metric = screen->opt->json ? json_loads(line, 0, NULL) : NULL;
    if (metric)
        put_json(json_pack("{s:s, s:o}", "event", "metric", "metric", metric));
}

static bool
on_stopping(void *arg)
{
    struct screen *screen = arg;
    if (interrupt_seen() && !screen->told) {
        screen->told = true;
        progress_view_end(&screen->view);
        fputs("stopping; ^C again ends at once\n", stderr);
    }
    return interrupt_seen();
}

/* Where the results of a job go: DIR of the spec or --out, else NAME.out. */
static char *
out_dir(const struct job_spec *spec)
{
    if (spec->out)
        return str_copy(spec->out);
    char *name = text_clean(spec->name);
    for (char *p = name; p && *p; p++)
        if (*p == '/')
            *p = '_';
    char *dir = name ? str_format("./%s.out", name) : NULL;
    free(name);
    return dir;
}

static void
report(const struct screen *screen, const struct job_spec *spec,
       const char *dir, const struct moe_err *err)
{
    int status = moe_exit_status(err->code);
    if (screen->opt->json)
        put_json(json_pack("{s:s, s:s, s:s, s:i, s:s}", "event", "end", "name",
                           spec->name, "out", dir, "exit", status, "error",
                           err->text));
    if (err->code) {
        verb_fail("run", err);
        return;
    }
    struct moe_err failure = {0};
    if (!screen->opt->quiet)
        fprintf(stderr, "results in %s/results\n", dir);
    if (!screen->opt->json && results_print(&failure, stdout, dir))
        verb_fail("run", &failure);
}

/* One job; the code of its end. */
static int
run_job(struct screen *screen, const struct job_spec *spec)
{
    struct moe_err err = {0};
    char *dir = out_dir(spec);
    const struct job_env env = {.out_dir = dir,
                                .device = screen->opt->device,
                                .profile = screen->opt->profile,
                                .sink = {.progress = on_progress,
                                         .log = on_log,
                                         .metric = on_metric,
                                         .stopping = on_stopping,
                                         .arg = screen}};
    progress_view_begin(&screen->view, screen->opt->json, screen->opt->quiet);
    int rc = dir ? job_run(&err, spec, &env)
                 : moe_fail(&err, MOE_ENOMEM, "%s: out of memory", spec->name);
    progress_view_end(&screen->view);
    if (dir)
        report(screen, spec, dir, &err);
    free(dir);
    return rc;
}

/* Did a job that this one waits for not succeed? */
static const char *
failed_before(const struct job_study *study, size_t i, const int *ends)
{
    const struct job_strings *after = &study->job[i].after;
    for (size_t k = 0; k < after->n; k++)
        for (size_t j = 0; j < i; j++)
            if (ends[j] && strcmp(study->job[j].name, after->item[k]) == 0)
                return after->item[k];
    return NULL;
}

/* Every job in its order; the code of the first that failed. */
static int
run_study(struct screen *screen, const struct job_study *study)
{
    int first = MOE_OK, *ends = mem_zero(study->n, sizeof *ends);
    for (size_t i = 0; ends && i < study->n && !interrupt_seen(); i++) {
        const struct job_spec *spec = &study->job[i];
        const char *before = failed_before(study, i, ends);
        if (study->several && !screen->opt->quiet)
            fprintf(stderr, "%zu of %zu: %s%s%s%s\n", i + 1, study->n,
                    spec->name, before ? " is left out after " : "",
                    before ? before : "", before ? ", which failed" : "");
        ends[i] = before ? MOE_EJOB : run_job(screen, spec);
        if (!first)
            first = ends[i];
    }
    free(ends);
    if (!first && interrupt_seen())
        first = MOE_ECANCEL;
    return first;
}

/* `after` may only name jobs of the study: there is no queue here. */
static int
check_after(struct moe_err *err, const struct job_study *study)
{
    for (size_t i = 0; i < study->n; i++)
        for (size_t k = 0; k < study->job[i].after.n; k++) {
            const char *name = study->job[i].after.item[k];
            size_t j = 0;
            while (j < i && strcmp(study->job[j].name, name) != 0)
                j++;
            if (j == i)
                return moe_fail(err, MOE_EINVAL,
                                "%s: after: '%s' is no job of this file, and "
                                "without a daemon there are no others",
                                study->job[i].name, name);
        }
    return MOE_OK;
}

int
verb_run(int argc, char **argv)
{
    static const struct option_set set = {
        "polymoe run", "[OPTION...] SPEC",
        "Run the job or study of a file here and now, without a daemon.", rows,
        NULL};
    struct run_options opt = {0};
    struct screen screen = {.opt = &opt};
    struct moe_err err = {0};
    struct job_study study = {0};
    int first, rc = options_parse(&set, &opt, argc, argv, &first);
    if (rc == OPTIONS_GO_ON && argc - first != 1)
        rc = options_usage_error(&set, "one SPEC is wanted");
    if (rc == OPTIONS_GO_ON) {
        interrupt_catch();
        rc = job_study_read(&err, &study, argv[first], opt.set.value, opt.set.n,
                            opt.out);
        if (!rc)
            rc = check_after(&err, &study);
        rc = rc ? verb_fail("run", &err)
                : moe_exit_status(run_study(&screen, &study));
    }
    job_study_free(&study);
    option_list_free(&opt.set);
    return rc;
}
