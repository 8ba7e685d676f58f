/*
 * parallel_tables.c - the tables of parallel text.
 */
#include "config.h"

#include "routing/parallel.h"

#include <math.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/str.h"

/* What the tables are made of. */
struct tables {
    const struct parallel *p;
    int64_t n, pivot;
    double tau;
};

static double
activation(const struct parallel *p, int64_t at)
{
    return p->activation[at] / (double)p->n;
}

/* Of the i-th minus the pivot. */
static double
delta(const struct tables *t, int64_t i, int64_t at)
{
    return activation(&t->p[i], at) - activation(&t->p[t->pivot], at);
}

static void
write_divergence(struct csv *out, const struct tables *t)
{
    for (int64_t l = 0; l < t->p->L; l++)
        for (int64_t i = 0; i < t->n; i++) {
            const struct parallel *p = &t->p[i];
            if (p->task || i == t->pivot)
                continue;
            csv_int(out, l);
            csv_text(out, p->name);
            csv_real(out, p->divergence[l] / (double)p->defined[l]);
            csv_int(out, p->defined[l]);
            csv_end(out);
        }
}

static void
write_consistency(struct csv *out, const struct tables *t)
{
    for (int64_t l = 0; l < t->p->L; l++)
        for (int64_t i = 0; i < t->n; i++) {
            const struct parallel *p = &t->p[i];
            if (p->task)
                continue;
            csv_int(out, l);
            csv_text(out, p->name);
            csv_real(out, p->all[l] / (double)p->pairs);
            csv_real(out, p->adjacent[l] / (double)p->pairs);
            csv_real(out, p->entropy[l] / (double)p->n);
            csv_int(out, p->pairs);
            csv_end(out);
        }
}

static void
begin_row(struct csv *out, const struct parallel *p, int64_t at)
{
    csv_text(out, p->task ? "task" : "language");
    csv_text(out, p->name);
    csv_int(out, at / p->E);
    csv_int(out, at % p->E);
}

static void
write_delta(struct csv *out, const struct tables *t)
{
    for (int64_t i = 0; i < t->n; i++)
        for (int64_t at = 0; at < t->p->L * t->p->E; at++) {
            begin_row(out, &t->p[i], at);
            csv_real(out, activation(&t->p[i], at));
            csv_real(out, i == t->pivot ? NAN : delta(t, i, at));
            csv_end(out);
        }
}

static void
write_experts(struct csv *out, const struct tables *t)
{
    for (int64_t i = 0; i < t->n; i++)
        for (int64_t at = 0; i != t->pivot && at < t->p->L * t->p->E; at++)
            if (delta(t, i, at) > t->tau) {
                begin_row(out, &t->p[i], at);
                csv_real(out, delta(t, i, at));
                csv_end(out);
            }
}

/* Is an expert above tau for any language? */
static bool
is_multilingual(const struct tables *t, int64_t at, double tau)
{
    for (int64_t i = 0; i < t->n; i++)
        if (!t->p[i].task && i != t->pivot && delta(t, i, at) > tau)
            return true;
    return false;
}

/* task < 0: there is none. */
static void
sweep_row(struct csv *out, const struct tables *t, double tau, int64_t task)
{
    int64_t of_task = 0, multilingual = 0, both = 0;
    for (int64_t at = 0; at < t->p->L * t->p->E; at++) {
        const bool x = task >= 0 && delta(t, task, at) > tau;
        const bool y = is_multilingual(t, at, tau);
        of_task += x;
        multilingual += y;
        both += x && y;
    }
    csv_real(out, tau);
    csv_text(out, task < 0 ? "" : t->p[task].name);
    csv_int(out, of_task);
    csv_int(out, multilingual);
    csv_int(out, both);
    csv_end(out);
}

static void
write_sweep(struct csv *out, const struct tables *t)
{
    for (int step = 1; step < 20; step++) {
        const double tau = step / 20.0;
        bool any = false;
        for (int64_t i = 0; i < t->n; i++)
            if (t->p[i].task) {
                sweep_row(out, t, tau, i);
                any = true;
            }
        if (!any)
            sweep_row(out, t, tau, -1);
    }
}

int
parallel_write(struct moe_err *err, const struct parallel *p, int64_t n,
               int64_t pivot, double tau, const char *dir)
{
    static const struct {
        const char *name, *header;
        void (*rows)(struct csv *, const struct tables *);
    } table[] = {
        {"divergence.csv", "layer,language,divergence,sequences",
         write_divergence},
        {"consistency.csv",
         "layer,language,jaccard_all_pairs,jaccard_adjacent,entropy,sequences",
         write_consistency},
        {"delta.csv", "kind,language,layer,expert,activation,delta",
         write_delta},
        {"task_experts.csv", "kind,language,layer,expert,delta", write_experts},
        {"tau_sweep.csv", "tau,task,task_experts,multilingual_experts,both",
         write_sweep},
    };
    const struct tables t = {p, n, pivot, tau};
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < sizeof table / sizeof *table; i++) {
        struct csv out;
        char *path = str_path(dir, table[i].name);
        rc = path ? csv_open(err, &out, path, table[i].header)
                  : moe_fail(err, MOE_ENOMEM, "%s/%s", dir, table[i].name);
        if (!rc) {
            table[i].rows(&out, &t);
            rc = csv_close(err, &out);
        }
        free(path);
    }
    return rc;
}
