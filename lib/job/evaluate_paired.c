/*
 * evaluate_paired.c - paired.csv: this evaluation against others, item by item.
 */
#include "config.h"

#include "job/evaluate.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

/* The table, and the evaluation that is compared with. */
struct pairing {
    struct csv t;
    const char *dir;
};

static void
write_row(struct pairing *out, const char *task, const char *language,
          const char *metric, const struct outcome_paired *p)
{
    struct csv *t = &out->t;
    csv_text(t, task);
    csv_text(t, language);
    csv_text(t, metric);
    csv_int(t, (int64_t)p->n);
    csv_real(t, p->value);
    csv_real(t, p->other);
    csv_real(t, p->difference);
    csv_real(t, p->stderr_);
    csv_real(t, p->z);
    csv_real(t, p->p);
    csv_real(t, p->binary ? (double)p->only_value : NAN);
    csv_real(t, p->binary ? (double)p->only_other : NAN);
    csv_real(t, p->p_mcnemar);
    csv_text(t, out->dir);
    csv_end(t);
}

/* Items of all languages of a task, as if of one: the k-th language's come
 * after those of the languages before it, in both evaluations. */
struct pool {
    struct outcome ours, theirs;
    size_t parts, next; // next: the first free number of an item
};

static int
add(struct moe_err *err, struct outcome *to, const struct outcome *from,
    size_t base, const char *task)
{
    int rc = MOE_OK;
    if (!to->task)
        rc = outcome_begin(err, to, task, "all", from->metric, from->metrics);
    for (size_t i = 0; !rc && i < from->n; i++) {
        struct outcome_item *item =
            outcome_add(to, base + from->item[i].item, "");
        if (!item)
            return moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
        memcpy(item->score, from->item[i].score, sizeof item->score);
    }
    return rc;
}

static size_t
items_end(const struct outcome *o)
{
    return o->n ? o->item[o->n - 1].item + 1 : 0;
}

static int
pool_add(struct moe_err *err, struct pool *pool, const struct part *p,
         const struct outcome *theirs)
{
    const struct outcome *ours = &p->ask.outcome;
    int rc = add(err, &pool->ours, ours, pool->next, p->name);
    if (!rc)
        rc = add(err, &pool->theirs, theirs, pool->next, p->name);
    size_t a = items_end(ours), b = items_end(theirs);
    pool->next += a > b ? a : b;
    pool->parts++;
    return rc;
}

/* The row of all languages, and an empty pool. */
static void
pool_end(struct pool *pool, struct pairing *t)
{
    for (size_t m = 0; pool->parts > 1 && m < pool->ours.metrics; m++) {
        struct outcome_paired p =
            outcome_compare(&pool->ours, &pool->theirs, m);
        if (p.n)
            write_row(t, pool->ours.task, "all", pool->ours.metric[m], &p);
    }
    outcome_free(&pool->ours);
    outcome_free(&pool->theirs);
    *pool = (struct pool){0};
}

static int
compare_part(struct moe_err *err, const struct evaluation *e, struct pairing *t,
             const struct part *p, struct pool *pool)
{
    struct outcome theirs = {0};
    char *path = part_items_path(t->dir, p);
    int rc =
        path ? MOE_OK : moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
    if (!rc && !fs_exists(path))
        job_warn(e->run, "against: %s has no %s of %s", t->dir, p->name,
                 p->language->name);
    else if (!rc) {
        rc = outcome_read(err, &theirs, path);
        for (size_t m = 0; !rc && m < p->ask.outcome.metrics; m++) {
            struct outcome_paired x =
                outcome_compare(&p->ask.outcome, &theirs, m);
            if (x.n)
                write_row(t, p->name, p->language->name,
                          p->ask.outcome.metric[m], &x);
        }
        if (!rc)
            rc = pool_add(err, pool, p, &theirs);
    }
    outcome_free(&theirs);
    free(path);
    return rc;
}

static int
compare_parts(struct moe_err *err, const struct evaluation *e,
              struct pairing *t)
{
    struct pool pool = {0};
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < e->parts; i++) {
        if (i && e->part[i].task != e->part[i - 1].task)
            pool_end(&pool, t);
        rc = compare_part(err, e, t, &e->part[i], &pool);
    }
    pool_end(&pool, t);
    return rc;
}

int
evaluate_paired(struct moe_err *err, const struct evaluation *e)
{
    const struct job_strings *against = &e->spec->eval.against;
    struct pairing p;
    char *path = str_path(e->run->results_dir, "paired.csv");
    int rc = path ? csv_open(err, &p.t, path,
                             "task,language,metric,n,value,against,difference,"
                             "stderr,z,p,only_here,only_there,p_mcnemar,"
                             "directory")
                  : moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
    free(path);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < against->n; i++) {
        p.dir = against->item[i];
        rc = compare_parts(err, e, &p);
    }
    if (!rc)
        return csv_close(err, &p.t);
    csv_abort(&p.t);
    return rc;
}
