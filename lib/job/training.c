/*
 * training.c - the loop of a job that trains.
 *
 * A step is the unit between two looks at job_stopping(): who is told to stop
 * finishes it, writes a checkpoint and leaves.  Started again, the job goes on
 * from there, and ends with the same bits as one that was never stopped.
 */
#include "config.h"

#include "job/training.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

/* Busiest and idlest share of each layer's choices, and their entropy; null
 * below the lowest trained layer, which need not be computed. */
static json_t *
load_metric(const struct training *p)
{
    const struct moe_config *c = &p->config;
    const double *load = trainer_load(p->trainer);
    json_t *layers = json_array();
    for (int64_t l = 0; l < c->L; l++) {
        if (l < trainer_arena(p->trainer)->lowest) {
            json_array_append_new(layers, json_null());
            continue;
        }
        double most = 0, least = 1, entropy = 0;
        for (int64_t e = 0; e < c->E; e++) {
            double x = load[l * c->E + e];
            most = fmax(most, x);
            least = fmin(least, x);
            entropy -= x > 0 ? x * log(x) : 0;
        }
        json_array_append_new(layers,
                              json_pack("{s:f, s:f, s:f}", "busiest", most,
                                        "idlest", least, "entropy", entropy));
    }
    return layers;
}

static json_t *
epochs_metric(const struct training *p)
{
    json_t *epochs = json_object();
    for (size_t i = 0; i < p->spec->data.n; i++)
        json_object_set_new(epochs, p->spec->data.language[i].name,
                            json_real(source_epochs(p->source, i)));
    return epochs;
}

/* Bytes: on the device now, and of the process at most. */
static json_t *
memory_metric(const struct training *p)
{
    return json_pack("{s:I, s:I}", "device",
                     (json_int_t)ctx_allocated(p->run->ctx), "peak_resident",
                     (json_int_t)mem_resident_peak());
}

static void
report_step(struct training *p, const struct trainer_metrics *m, double data_s)
{
    double tokens = (double)(p->spec->train.batch * p->spec->window);
    json_t *o = json_pack(
        "{s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:o, s:f, s:f, s:f}", "kind",
        "step", "step", (json_int_t)m->step, "tokens", (json_int_t)m->tokens,
        "loss", m->loss, "ce", m->ce, "aux", m->aux, "z", m->z, "perplexity",
        m->labels ? json_real(exp(m->nll)) : json_null(), "lr", m->rate,
        "grad_norm", m->norm, "tokens_per_s", tokens / (m->seconds + data_s));
    json_t *seconds =
        json_pack("{s:f, s:f, s:f, s:f}", "forward", m->forward_s, "backward",
                  m->backward_s, "optimizer", m->optimizer_s, "data", data_s);
    if (o) {
        json_object_set_new(o, "seconds", seconds);
        json_object_set_new(o, "memory", memory_metric(p));
        json_object_set_new(o, "load", load_metric(p));
        json_object_set_new(o, "epochs", epochs_metric(p));
        json_object_set_new(
            o, "filtered_windows",
            json_integer((json_int_t)source_filtered(p->source)));
    }
    job_metric(p->run, o);
    job_progress(p->run,
                 (struct moe_progress){.phase = "train",
                                       .item = "loss",
                                       .unit = "tokens",
                                       .done = m->tokens,
                                       .total = p->steps * (uint64_t)tokens});
    job_logf(p->run, MOE_LOG_DEBUG, "step %" PRIu64 " loss %.4f", m->step,
             m->loss);
}

static bool
due(int64_t every, uint64_t step)
{
    return every > 0 && step % (uint64_t)every == 0;
}

static int
one_step(struct moe_err *err, struct training *p)
{
    struct trainer_metrics m;
    double begin = clock_seconds();
    int rc = source_next(err, p->source, p->ids, p->target);
    if (rc)
        return rc;
    double data_s = clock_seconds() - begin;
    rc = trainer_step(p->trainer, p->ids, p->target, p->spec->train.batch, &m);
    if (rc)
        return job_from_ctx(err, p->run, rc);
    report_step(p, &m, data_s);
    if (due(p->spec->train.eval_every, m.step) || m.step == p->steps)
        rc = training_evaluate(err, p, m.step);
    if (!rc &&
        (due(p->spec->train.checkpoint_every, m.step) || m.step == p->steps))
        rc = training_save(err, p);
    return rc;
}

static int
train(struct moe_err *err, struct training *p)
{
    uint64_t step, tokens;
    int rc = MOE_OK;
    trainer_position(p->trainer, &step, &tokens);
    if (step == 0)
        rc = training_evaluate(err, p, 0);
    job_phase(p->run);
    p->run->rate.last_done = tokens;
    for (; !rc && step < p->steps; step++) {
        if (job_stopping(p->run)) {
            rc = step ? training_save(err, p) : MOE_OK;
            return rc ? rc
                      : moe_fail(err, MOE_ECANCEL,
                                 "stopped after step %" PRIu64 " of %" PRIu64,
                                 step, p->steps);
        }
        rc = one_step(err, p);
    }
    return rc;
}

int
training_run(struct moe_err *err, struct training *p)
{
    uint64_t step = 0, tokens;
    int rc = training_read(err, p);
    if (!rc)
        rc = training_open(err, p);
    if (!rc)
        rc = training_resume(err, p);
    if (!rc) {
        trainer_position(p->trainer, &step, &tokens);
        rc = job_metrics_keep(err, p->run, step);
    }
    if (!rc)
        rc = train(err, p);
    if (!rc)
        rc = p->kind->finish(err, p);
    training_release(p);
    return rc;
}
