/*
 * golden.c - what all comparisons share: a device, and the lines.
 */
#include "config.h"

#include "tests/golden/golden.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "job/job.h"
#include "job/spec.h"

struct moe_ctx *
golden_ctx(struct golden *g, struct moe_err *err)
{
    struct moe_ctx_options opt = {0};
    if (!g->ctx && moe_ctx_create(&g->ctx, &opt, err))
        return NULL;
    return g->ctx;
}

int
golden_job(struct moe_err *err, const char *text, const char *out,
           void (*metric)(void *arg, const char *json), void *arg)
{
    struct job_spec spec;
    struct job_env env = {.out_dir = out,
                          .sink = {.metric = metric, .arg = arg}};
    int rc = job_spec_parse(err, &spec, text, strlen(text), "golden", NULL, 0);
    if (!rc)
        rc = job_spec_resolve(err, &spec, ".", NULL, 0);
    if (!rc)
        rc = job_run(err, &spec, &env);
    job_spec_free(&spec);
    return rc;
}

void
golden_report(struct golden *g, const char *subject, const char *what,
              double error, double bound, bool ok)
{
    printf("%-26s %-20s error %-9.3g bound %-8.1g %s\n", subject, what, error,
           bound, ok ? "ok" : "WRONG");
    g->done++;
    g->failed += !ok;
}

double
golden_worst(double worst, const float *got, const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double error = fabs((double)got[i] - want[i]);
        if (!(error <= worst)) // also when it is a NaN
            worst = isnan(error) ? INFINITY : error;
    }
    return worst;
}

void
golden_close(struct golden *g, const char *subject, const char *what,
             const float *got, const float *want, size_t n, double bound)
{
    double worst = golden_worst(0, got, want, n);
    golden_report(g, subject, what, worst, bound, worst <= bound);
}
