/*
 * train.c - training of small checkpoints: loss terms by both conventions,
 * every gradient by both presets, parameters after one and three steps.
 *
 * Only directories of tiny/ with numbers of their own take part, and only
 * those in which something is predicted.
 */
#include "config.h"

#include "tests/golden/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"

enum { STEPS = 3 };

/* Loss terms and gradients of one preset. */
static int
compare_gradients(struct subject *s, bool hf)
{
    struct moe_model *m;
    struct trainer *t;
    struct trainer_metrics got;
    const struct trainer_options opt = subject_options(
        s, hf ? &loss_hf : &loss_olmoe, hf ? ACTS_RECOMPUTE : ACTS_KEEP, s->B);
    int rc = subject_open(s, &m, &t, &opt);
    if (!rc)
        rc = trainer_gradients(t, s->ids, s->target, s->B, &got);
    if (!rc) {
        subject_loss(
            s, hf ? "ce, labels" : "ce, positions", got.ce,
            subject_scalar(s, hf ? "loss.ce_labels" : "loss.ce_positions", 0));
        subject_loss(
            s, hf ? "balance, hf" : "balance, megablocks", got.aux,
            subject_scalar(s, hf ? "loss.lb_hf" : "loss.lb_megablocks", 0));
        subject_loss(
            s, hf ? "z, mean" : "z, over top-k", got.z,
            subject_scalar(s, hf ? "loss.z_mean" : "loss.z_div_topk", 0));
        rc = subject_params(s, t, hf ? "grad_hf." : "grad_olmoe.", true);
    }
    subject_close(&m, &t);
    return rc;
}

static int
compare_steps(struct subject *s)
{
    struct moe_model *m;
    struct trainer *t;
    struct trainer_metrics got;
    const struct trainer_options opt =
        subject_options(s, &loss_olmoe, ACTS_BLOCKS, s->B);
    int rc = subject_open(s, &m, &t, &opt);
    for (int step = 0; !rc && step < STEPS; step++) {
        rc = trainer_step(t, s->ids, s->target, s->B, &got);
        if (rc)
            break;
        char what[32];
        snprintf(what, sizeof what, "loss of step %d", step + 1);
        subject_loss(s, what, got.loss, subject_scalar(s, "step_loss", step));
        snprintf(what, sizeof what, "norm of step %d", step + 1);
        subject_loss(s, what, got.norm, subject_scalar(s, "step_norm", step));
        if (step == 0 || step == STEPS - 1)
            rc = subject_params(s, t, step ? "step3." : "step1.", false);
    }
    subject_close(&m, &t);
    return rc;
}

static int
compare_dir(struct golden *g, struct moe_err *err, const char *name)
{
    struct subject s = {.g = g, .err = err};
    char *subject = str_format("tiny/%s", name);
    char *path = str_format("%s/tiny/%s/vectors.safetensors", g->root, name);
    int rc =
        subject && path ? MOE_OK : moe_fail(err, MOE_ENOMEM, "out of memory");
    s.name = subject;
    snprintf(s.dir, sizeof s.dir, "%s/tiny/%s", g->root, name);
    if (!rc && fs_exists(path)) {
        rc = safetensors_open(err, &s.vectors, path);
        if (!rc && subject_vector(&s, "", "loss.ce_labels")) {
            rc = subject_ids(&s, &s.vectors);
            if (!rc)
                rc = compare_gradients(&s, false);
            if (!rc)
                rc = compare_gradients(&s, true);
            if (!rc)
                rc = compare_steps(&s);
        }
        safetensors_close(&s.vectors);
    }
    free(s.ids);
    free(s.target);
    free(subject);
    free(path);
    return rc;
}

int
golden_train(struct golden *g, struct moe_err *err)
{
    char **names, *dir = str_path(g->root, "tiny");
    size_t n;
    int rc = dir ? fs_list(err, &names, &n, dir, "")
                 : moe_fail(err, MOE_ENOMEM, "out of memory");
    free(dir);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < n; i++)
        rc = compare_dir(g, err, names[i]);
    fs_list_free(names, n);
    return rc;
}
