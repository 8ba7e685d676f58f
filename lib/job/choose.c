/*
 * choose.c - kind: choose.  The training of several that has the lowest
 * held-out perplexity, such as the best learning rate of a sweep.
 */
#include "config.h"

#include "job/run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

/* A training that may be chosen. */
struct candidate {
    const char *dir; // borrowed
    char *name;      // of the job
    char *setting;   // its spec without what names it and without its seed
    char *text;      // the held-out text: a line for each language
    double loss;     // mean over the languages, as the training logs it
    size_t seeds;    // candidates of the same setting
    double mean;     // of their losses
};

struct choice {
    struct job_run *run;
    struct candidate *all;
    size_t n, best;
};

static int
no_memory(struct moe_err *err)
{
    return moe_fail(err, MOE_ENOMEM, "choose: out of memory");
}

/* ---- Reading ------------------------------------------------------------- */

/* It must have ended well: a run that goes on has no final perplexity. */
static int
check_status(struct moe_err *err, const char *dir)
{
    json_t *record = NULL;
    char *path = str_path(dir, "run.json");
    int rc = path ? json_read(err, &record, path) : no_memory(err);
    const char *status = json_string_value(json_object_get(record, "status"));
    if (!rc && (!status || strcmp(status, "done") != 0))
        rc = moe_fail(err, MOE_EINPUT, "%s: status %s, want done", path,
                      status ? status : "missing");
    json_decref(record);
    free(path);
    return rc;
}

/* Two candidates of one setting differ in nothing but the seed. */
static int
read_setting(struct moe_err *err, struct candidate *c)
{
    struct job_spec spec;
    struct str text = {0};
    char *path = str_path(c->dir, "spec.yaml");
    int rc = path ? job_spec_read(err, &spec, path, NULL, 0) : no_memory(err);
    free(path);
    if (rc)
        return rc;
    c->name = spec.name;
    spec.name = NULL;
    spec.priority = spec.time_limit_s = spec.train.seed = 0;
    free(spec.device);
    free(spec.out);
    spec.device = spec.out = NULL;
    job_spec_text(&text, &spec);
    job_spec_free(&spec);
    c->setting = str_take(&text);
    return c->setting ? MOE_OK : no_memory(err);
}

/* The last look of heldout.csv: a block of rows of one step. */
static int
take_last_look(struct moe_err *err, struct candidate *c,
               const struct csv_table *t, const char *path)
{
    static const char *const names[] = {"step", "language", "tokens", "nll"};
    struct str text = {0};
    size_t at[4], n = 0;
    int rc = MOE_OK;
    for (int i = 0; !rc && i < 4; i++)
        rc = csv_column(err, t, names[i], &at[i]);
    if (rc)
        return rc;
    for (size_t r = 0; r < t->rows; r++) {
        if (strcmp(csv_cell(t, r, at[0]), csv_cell(t, t->rows - 1, at[0])))
            continue;
        str_printf(&text, "%s %s\n", csv_cell(t, r, at[1]),
                   csv_cell(t, r, at[2]));
        c->loss += csv_number(t, r, at[3]);
        n++;
    }
    c->loss /= (double)n;
    c->text = str_take(&text);
    if (!c->text)
        return no_memory(err);
    if (!isfinite(c->loss))
        return moe_fail(err, MOE_EFORMAT,
                        "%s: no held-out loss in its last "
                        "look",
                        path);
    return MOE_OK;
}

static int
read_heldout(struct moe_err *err, struct candidate *c)
{
    struct csv_table t = {0};
    char *path = str_path(c->dir, "results/heldout.csv");
    int rc = path ? csv_read(err, &t, path) : no_memory(err);
    if (!rc)
        rc = take_last_look(err, c, &t, path);
    csv_table_free(&t);
    free(path);
    return rc;
}

/* Perplexities of different text say nothing of the models. */
static int
check_same(struct moe_err *err, const struct choice *x, size_t i)
{
    const struct candidate *a = &x->all[0], *b = &x->all[i];
    return strcmp(a->text, b->text) == 0
               ? MOE_OK
               : moe_fail(err, MOE_EINVAL,
                          "among: %s and %s held out different text", a->dir,
                          b->dir);
}

static int
read_all(struct moe_err *err, struct choice *x, const struct job_strings *among)
{
    int rc = MOE_OK;
    for (; !rc && x->n < among->n; x->n++) {
        struct candidate *c = &x->all[x->n];
        c->dir = among->item[x->n];
        rc = check_status(err, c->dir);
        if (!rc)
            rc = read_setting(err, c);
        if (!rc)
            rc = read_heldout(err, c);
        if (!rc)
            rc = check_same(err, x, x->n);
    }
    return rc;
}

/* ---- Choosing ------------------------------------------------------------ */

static void
average(struct choice *x, struct candidate *c)
{
    for (size_t i = 0; i < x->n; i++)
        if (strcmp(x->all[i].setting, c->setting) == 0) {
            c->seeds++;
            c->mean += x->all[i].loss;
        }
    c->mean /= (double)c->seeds;
}

/* Of the setting with the lowest mean the candidate with the lowest loss, of
 * equal ones the first. */
static void
choose(struct choice *x)
{
    for (size_t i = 0; i < x->n; i++)
        average(x, &x->all[i]);
    for (size_t i = 1; i < x->n; i++) {
        const struct candidate *c = &x->all[i], *best = &x->all[x->best];
        if (c->mean < best->mean ||
            (c->mean == best->mean && c->loss < best->loss))
            x->best = i;
    }
}

/* ---- Results ------------------------------------------------------------- */

static int
write_table(struct moe_err *err, const struct choice *x)
{
    struct csv t;
    char *path = str_path(x->run->results_dir, "choice.csv");
    int rc = path ? csv_open(err, &t, path,
                             "job,nll,perplexity,seeds,mean_nll,"
                             "mean_perplexity,chosen,directory")
                  : no_memory(err);
    for (size_t i = 0; !rc && i < x->n; i++) {
        const struct candidate *c = &x->all[i];
        csv_text(&t, c->name);
        csv_real(&t, c->loss);
        csv_real(&t, exp(c->loss));
        csv_int(&t, (int64_t)c->seeds);
        csv_real(&t, c->mean);
        csv_real(&t, exp(c->mean));
        csv_int(&t, i == x->best);
        csv_text(&t, c->dir);
        csv_end(&t);
    }
    free(path);
    return rc ? rc : csv_close(err, &t);
}

static int
link_best(struct moe_err *err, const struct choice *x)
{
    char *path = str_path(x->run->out_dir, "best");
    int rc = path ? fs_link(err, path, x->all[x->best].dir) : no_memory(err);
    free(path);
    return rc;
}

static void
tell(const struct choice *x)
{
    const struct candidate *best = &x->all[x->best];
    for (size_t i = 0; i < x->n; i++)
        job_logf(x->run, MOE_LOG_INFO, "%s: held-out perplexity %.4f%s",
                 x->all[i].name, exp(x->all[i].loss),
                 i == x->best ? ", chosen" : "");
    job_record(x->run, "chosen",
               json_pack("{s:s, s:s, s:f, s:f, s:I}", "job", best->name,
                         "directory", best->dir, "perplexity", exp(best->loss),
                         "mean_perplexity", exp(best->mean), "seeds",
                         (json_int_t)best->seeds));
}

int
choose_run(struct moe_err *err, const struct job_spec *spec,
           struct job_run *run)
{
    struct choice x = {.run = run,
                       .all = mem_zero(spec->among.n, sizeof *x.all)};
    int rc = x.all ? read_all(err, &x, &spec->among) : no_memory(err);
    if (!rc) {
        choose(&x);
        rc = write_table(err, &x);
    }
    if (!rc)
        rc = link_best(err, &x);
    if (!rc)
        tell(&x);
    for (size_t i = 0; i < x.n; i++) {
        free(x.all[i].name);
        free(x.all[i].setting);
        free(x.all[i].text);
    }
    free(x.all);
    return rc;
}
