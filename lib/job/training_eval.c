/*
 * training_eval.c - the held-out text of each language, looked at while a
 * model trains.
 */
#include "config.h"

#include "job/training.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/mem.h"
#include "base/str.h"

/* Windows [w, w + n) of a language: the sum of -log p. */
static int
add_windows(struct training *p, const struct training_text *h, int64_t w,
            int64_t n, double *sum)
{
    int64_t T = p->spec->window, N = n * T;
    const int32_t *ids = h->corpus.ids.id + w * T;
    float *nll = mem_zero((size_t)N, sizeof *nll);
    int32_t *target = mem_zero((size_t)N, sizeof *target);
    int rc = nll && target ? MOE_OK
                           : moe_fail(moe_ctx_err(p->run->ctx), MOE_ENOMEM,
                                      "a batch of %" PRId64 " tokens", N);
    for (int64_t i = 0; !rc && i < N; i++)
        target[i] = (i + 1) % T ? ids[i + 1] : -1;
    if (!rc)
        rc = pass_forward(trainer_pass(p->trainer), ids, target, n, T, nll);
    for (int64_t i = 0; !rc && i < N; i++)
        *sum += (double)nll[i];
    free(nll);
    free(target);
    return rc;
}

static int
evaluate_language(struct moe_err *err, struct training *p, const char *name,
                  struct training_text *h)
{
    int64_t B = p->opt.pass.B, T = p->spec->window;
    double sum = 0;
    for (int64_t w = 0; w < h->windows; w += B) {
        int64_t n = h->windows - w < B ? h->windows - w : B;
        int rc = add_windows(p, h, w, n, &sum);
        if (rc)
            return moe_fail(err, rc, "%s: %s: %s", name, h->language->name,
                            moe_ctx_err(p->run->ctx)->text);
    }
    h->nll = sum / (double)(h->windows * (T - 1));
    return MOE_OK;
}

/* Both conventions: the mean over what is predicted, and OLMo's over every
 * position, which is lower by (T - 1) / T. */
static double
diluted(const struct training *p, double nll)
{
    double T = (double)p->spec->window;
    return nll * (T - 1) / T;
}

/* The table gains a block; it is short, so it is written anew. */
static int
write_table(struct moe_err *err, const struct training *p,
            const struct training_look *look, uint64_t step)
{
    struct csv t;
    struct csv_table old = {0};
    char *path = str_format("%s/%s.csv", p->run->results_dir, look->name);
    int rc = path ? MOE_OK : moe_fail(err, MOE_ENOMEM, "out of memory");
    if (!rc && fs_exists(path))
        rc = csv_read(err, &old, path);
    if (!rc)
        rc = csv_open(err, &t, path,
                      "step,language,tokens,nll,perplexity,nll_positions,"
                      "perplexity_positions");
    if (!rc) {
        for (size_t r = 0; r < old.rows; r++) {
            if (csv_number(&old, r, 0) >= (double)step)
                continue; // of a run that went back to an earlier snapshot
            for (size_t c = 0; c < old.columns; c++)
                csv_text(&t, csv_cell(&old, r, c));
            csv_end(&t);
        }
        for (size_t i = 0; i < look->n; i++) {
            const struct training_text *h = &look->text[i];
            csv_int(&t, (int64_t)step);
            csv_text(&t, h->language->name);
            csv_int(&t, h->windows * p->spec->window);
            csv_real(&t, h->nll);
            csv_real(&t, exp(h->nll));
            csv_real(&t, diluted(p, h->nll));
            csv_real(&t, exp(diluted(p, h->nll)));
            csv_end(&t);
        }
        rc = csv_close(err, &t);
    }
    csv_table_free(&old);
    free(path);
    return rc;
}

/* Perplexity of each language of a look, their mean loss into *mean. */
static int
take_look(struct moe_err *err, struct training *p, struct training_look *look,
          uint64_t step, double *mean)
{
    int rc = MOE_OK;
    json_t *languages = json_object();
    *mean = 0;
    for (size_t i = 0; !rc && i < look->n; i++) {
        struct training_text *h = &look->text[i];
        rc = evaluate_language(err, p, look->name, h);
        if (rc)
            break;
        *mean += h->nll / (double)look->n;
        json_object_set_new(languages, h->language->name,
                            json_pack("{s:f, s:f, s:f}", "nll", h->nll,
                                      "perplexity", exp(h->nll),
                                      "perplexity_positions",
                                      exp(diluted(p, h->nll))));
    }
    if (rc || !look->n) {
        json_decref(languages);
        return rc;
    }
    job_metric(p->run, json_pack("{s:s, s:I, s:f, s:o}", "kind", look->name,
                                 "step", (json_int_t)step, "nll", *mean,
                                 "languages", languages));
    job_logf(p->run, MOE_LOG_INFO,
             "step %" PRIu64 ": %s loss %.4f, perplexity %.2f over %zu "
             "languages",
             step, look == &p->test ? "test" : "held-out", *mean, exp(*mean),
             look->n);
    return write_table(err, p, look, step);
}

int
training_evaluate(struct moe_err *err, struct training *p, uint64_t step)
{
    double mean;
    int rc = take_look(err, p, &p->heldout, step, &mean);
    if (!rc && p->heldout.n && step && (!p->best_step || mean < p->best)) {
        p->best_step = step;
        p->best = mean;
    }
    if (!rc && (step == 0 || step == p->steps))
        rc = take_look(err, p, &p->test, step, &mean);
    return rc;
}
