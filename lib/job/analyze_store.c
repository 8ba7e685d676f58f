/*
 * analyze_store.c - what an analysis leaves behind.
 */
#include "config.h"

#include "job/analyze.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

/* ---- Counters of a language ---------------------------------------------- */

static char *
counters_path(const struct job_run *run, size_t i)
{
    return str_format("%s/checkpoints/routing-%03zu.json", run->out_dir, i);
}

static int
make_dir(struct moe_err *err, const struct job_run *run)
{
    char *dir = str_path(run->out_dir, "checkpoints");
    int rc = dir ? fs_mkdirs(err, dir, 0777)
                 : moe_fail(err, MOE_ENOMEM, "%s", run->out_dir);
    free(dir);
    return rc;
}

int
analyze_save(struct moe_err *err, const struct moe_routing *shape,
             const struct moe_routing_language *p, const struct job_run *run,
             size_t i)
{
    char hex[HASH_HEX];
    struct moe_routing_language *borrowed[1] = {
        (struct moe_routing_language *)p};
    const struct moe_routing one = {shape->L, shape->E, shape->K, 1, borrowed};
    char *path = counters_path(run, i);
    int rc = path ? make_dir(err, run)
                  : moe_fail(err, MOE_ENOMEM, "%s", run->out_dir);
    if (!rc)
        rc = job_identity(err, hex, run, &run->spec->data.language[i].files);
    if (!rc)
        rc = moe_routing_save(err, &one, path, hex);
    free(path);
    return rc;
}

int
analyze_load(struct moe_err *err, struct moe_routing *out,
             const struct job_run *run, size_t i)
{
    char hex[HASH_HEX];
    char *path = counters_path(run, i);
    *out = (struct moe_routing){0};
    int rc =
        path ? job_identity(err, hex, run, &run->spec->data.language[i].files)
             : moe_fail(err, MOE_ENOMEM, "%s", run->out_dir);
    if (!rc)
        rc = moe_routing_load(err, out, path, hex);
    free(path);
    return rc;
}

/* ---- Metrics and tables -------------------------------------------------- */

void
analyze_report(struct job_run *run, const struct moe_routing_language *p,
               double seconds)
{
    json_t *line = json_pack(
        "{s:s, s:s, s:I, s:I}", "event", "language", "language", p->name,
        "tokens", (json_int_t)p->tokens, "documents", (json_int_t)p->documents);
    if (p->predicted)
        json_object_set_new(line, "nll",
                            json_real(p->nll / (double)p->predicted));
    if (seconds < 0) {
        json_object_set_new(line, "resumed", json_true());
        job_logf(run, MOE_LOG_INFO, "%s: %" PRIu64 " tokens counted before",
                 p->name, p->tokens);
    } else {
        double rate = seconds > 0 ? (double)p->tokens / seconds : 0;
        json_object_set_new(line, "seconds", json_real(seconds));
        json_object_set_new(line, "tokens_per_s", json_real(rate));
        job_logf(run, MOE_LOG_INFO,
                 "%s: %" PRIu64 " tokens, %" PRIu64 " documents, %.0f "
                 "tokens/s",
                 p->name, p->tokens, p->documents, rate);
    }
    job_metric(run, line);
}

/* counts (n,E) of one layer. */
static void
take_layer(double *counts, const struct moe_routing *r, int64_t layer)
{
    for (int64_t i = 0; i < r->n; i++)
        for (int64_t e = 0; e < r->E; e++)
            counts[i * r->E + e] =
                (double)r->language[i]->count[layer * r->E + e];
}

/* A value, or null where it is undefined. */
static json_t *
number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static void
report_layer(struct job_run *run, const struct moe_routing *r, int64_t layer,
             const double *counts)
{
    const int64_t E = r->E, n = r->n;
    double entropy = 0, jsd = 0;
    for (int64_t a = 0; a < n; a++) {
        entropy += moe_entropy(counts + a * E, E);
        for (int64_t b = a + 1; b < n; b++)
            jsd += moe_jsd(counts + a * E, counts + b * E, E);
    }
    const double pairs = (double)n * (double)(n - 1) / 2;
    job_metric(run, json_pack("{s:s, s:I, s:o, s:o, s:o}", "event", "layer",
                              "layer", (json_int_t)layer, "mean_entropy",
                              number(entropy / (double)n), "mean_jsd",
                              number(jsd / pairs), "specialization",
                              number(moe_specialization(counts, n, E))));
}

int
analyze_results(struct moe_err *err, const struct moe_routing *table,
                struct job_run *run)
{
    size_t cells;
    double *counts = NULL;
    int rc = moe_routing_write(err, table, run->results_dir);
    if (rc)
        return rc;
    if (!mem_mul(&cells, (size_t)table->n, (size_t)table->E) ||
        !(counts = mem_zero(cells, sizeof *counts)))
        return moe_fail(err, MOE_ENOMEM, "%lld languages", (long long)table->n);
    for (int64_t l = 0; l < table->L; l++) {
        take_layer(counts, table, l);
        report_layer(run, table, l, counts);
    }
    free(counts);
    return MOE_OK;
}
