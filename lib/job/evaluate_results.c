/*
 * evaluate_results.c - the numbers of a part, evaluation.csv, the log.
 */
#include "config.h"

#include "job/evaluate.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/str.h"

/* ---- Rows ---------------------------------------------------------------- */

/* Where rows go. */
struct sink {
    const struct part *part;
    const char *task;
    row_fn *take;
    void *arg;
};

static void
put_mean(const struct sink *s, const char *metric, double value, double stderr_,
         size_t n)
{
    s->take(s->arg,
            &(struct row){s->part, s->task, metric, value, stderr_, n, true});
}

static void
put_count(const struct sink *s, const char *metric, double value)
{
    const size_t n = s->part->ask.outcome.n;
    s->take(s->arg,
            &(struct row){s->part, s->task, metric, value, NAN, n, false});
}

/* The mean loss gives the perplexity, and by OLMo's convention, over every
 * position, another one that is lower. */
static void
put_perplexity(const struct sink *s, const struct outcome_mean *m)
{
    const double T = (double)s->part->ask.outcome.window;
    put_mean(s, "perplexity", exp(m->value), exp(m->value) * m->stderr_, m->n);
    if (T > 0) {
        const double diluted = (T - 1) / T;
        const double p = exp(m->value * diluted);
        put_mean(s, "perplexity_positions", p, p * diluted * m->stderr_, m->n);
    }
}

static void
put_means(const struct sink *s, const char *group)
{
    const struct outcome *o = &s->part->ask.outcome;
    for (size_t i = 0; i < o->metrics; i++) {
        struct outcome_mean m = outcome_mean(o, i, group);
        put_mean(s, o->metric[i], m.value, m.stderr_, m.n);
        if (strcmp(o->metric[i], "nll") == 0)
            put_perplexity(s, &m);
    }
}

static void
put_counts(const struct sink *s)
{
    const struct part *p = s->part;
    const struct outcome *o = &p->ask.outcome;
    if (p->task == TASK_PERPLEXITY) {
        put_count(s, "left_out_tokens", (double)o->left_out);
        return;
    }
    if (task_is_generated(p->task))
        put_count(s, "invalid", (double)o->invalid);
    else {
        put_count(s, "chance", task_has_pairs(p->task) ? 0.5 : 1.0 / CHOICES);
        put_count(s, "ties", (double)o->ties);
        put_count(s, "too_long", (double)o->too_long);
    }
    if (!task_has_pairs(p->task))
        put_count(s, "truncated", (double)o->truncated);
}

/* The groups of a part, each once, in the order in which they come. */
static int
put_groups(struct moe_err *err, struct sink *s)
{
    const struct outcome *o = &s->part->ask.outcome;
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < o->n; i++) {
        const char *group = o->item[i].group;
        size_t k = 0;
        while (k < i && strcmp(o->item[k].group, group) != 0)
            k++;
        if (k < i || !*group)
            continue;
        char *name = str_format("%s:%s", s->part->name, group);
        s->task = name;
        if (name)
            put_means(s, group);
        else
            rc = moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
        free(name);
    }
    return rc;
}

static bool
has_groups(const struct outcome *o)
{
    for (size_t i = 1; i < o->n; i++)
        if (strcmp(o->item[i].group, o->item[0].group) != 0)
            return true;
    return false;
}

int
part_rows(struct moe_err *err, const struct part *p, row_fn *take, void *arg)
{
    struct sink s = {p, p->name, take, arg};
    put_means(&s, NULL);
    put_counts(&s);
    return has_groups(&p->ask.outcome) ? put_groups(err, &s) : MOE_OK;
}

/* ---- evaluation.csv ------------------------------------------------------ */

static void
write_row(void *arg, const struct row *r)
{
    struct csv *t = arg;
    csv_text(t, r->task);
    csv_text(t, r->part->language->name);
    csv_text(t, r->metric);
    csv_real(t, r->value);
    csv_real(t, r->stderr_);
    csv_int(t, (int64_t)r->n);
    csv_end(t);
}

static int
write_table(struct moe_err *err, const struct evaluation *e)
{
    struct csv t;
    char *path = str_path(e->run->results_dir, "evaluation.csv");
    int rc =
        path ? csv_open(err, &t, path, "task,language,metric,value,stderr,n")
             : moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
    if (!rc) {
        for (size_t i = 0; !rc && i < e->parts; i++)
            rc = part_rows(err, &e->part[i], write_row, &t);
        if (rc)
            csv_abort(&t);
        else
            rc = csv_close(err, &t);
    }
    free(path);
    return rc;
}

int
evaluate_results(struct moe_err *err, const struct evaluation *e)
{
    int rc = write_table(err, e);
    if (!rc)
        rc = evaluate_json(err, e);
    if (!rc)
        rc = evaluate_consolidate(err, e);
    if (!rc && e->spec->eval.against.n)
        rc = evaluate_paired(err, e);
    return rc;
}

/* ---- The log ------------------------------------------------------------- */

/* The part as one object and one line. */
struct report {
    json_t *metrics;
    struct str line;
};

static void
report_row(void *arg, const struct row *r)
{
    struct report *to = arg;
    if (strchr(r->task, ':') || !r->mean)
        return;
    json_object_set_new(to->metrics, r->metric,
                        isnan(r->value) ? json_null() : json_real(r->value));
    str_printf(&to->line, "%s%s %.4f", to->line.n ? ", " : "", r->metric,
               r->value);
    if (!isnan(r->stderr_))
        str_printf(&to->line, " (+-%.4f)", r->stderr_);
}

/* What a reader must know before believing the numbers. */
static void
warn(const struct evaluation *e, const struct part *p)
{
    const struct outcome *o = &p->ask.outcome;
    const char *name = p->name, *language = p->language->name;
    if (o->truncated)
        job_warn(e->run,
                 "%s %s: %" PRIu64 " of %zu contexts cut from the left, by "
                 "%" PRIu64 " tokens",
                 name, language, o->truncated, o->n, o->truncated_tokens);
    if (o->too_long)
        job_warn(e->run, "%s %s: %" PRIu64 " of %zu items too long to score",
                 name, language, o->too_long, o->n);
    if (o->ties)
        job_warn(e->run, "%s %s: %" PRIu64 " of %zu items are ties", name,
                 language, o->ties, o->n);
}

void
part_report(const struct evaluation *e, const struct part *p)
{
    struct report r = {.metrics = json_object()};
    part_rows(NULL, p, report_row, &r);
    job_logf(e->run, MOE_LOG_INFO,
             "%s %s: %zu items, %s; %" PRIu64 " of %" PRIu64
             " tokens computed, %.1f s%s",
             p->name, p->language->name, p->ask.outcome.n,
             r.line.s ? r.line.s : "", p->ask.tokens, p->ask.requested,
             p->seconds, p->saved ? ", before" : "");
    job_metric(e->run,
               json_pack("{s:s, s:s, s:s, s:I, s:o, s:I, s:I, s:f, s:b}",
                         "event", "task", "task", p->name, "language",
                         p->language->name, "items",
                         (json_int_t)p->ask.outcome.n, "metrics", r.metrics,
                         "tokens", (json_int_t)p->ask.tokens, "requested",
                         (json_int_t)p->ask.requested, "seconds", p->seconds,
                         "resumed", p->saved));
    warn(e, p);
    str_free(&r.line);
}
