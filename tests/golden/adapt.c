/*
 * adapt.c - three steps of every way to adapt tiny/plain: what must move, to
 * which values, and what must not.
 *
 * adapt/cases.json has the settings, adapt/NAME.safetensors losses, norms, the
 * trained tensors after the first and the third step, and the logits of the
 * adapted model with its routers unrestricted.
 */
#include "config.h"

#include "tests/golden/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/target.h"
#include "base/json.h"
#include "base/str.h"
#include "model/weights.h"

static const double LOGITS_CLOSE = 2e-4;
enum { STEPS = 3 };

/* Cross-entropy over all positions, nothing else. */
static const struct loss_options loss_only = {.ce_positions = true};

struct adapting {
    struct subject s;
    struct golden *g;
    struct moe_err *err;
    const json_t *c; // of the case
    struct weights original;
    struct adapt_target target;
    struct moe_hook *hook;
};

static bool
is_set(const json_t *c, const char *key)
{
    return json_is_true(json_object_get(c, key));
}

static void
read_target(struct adapting *a)
{
    struct adapt_target *t = &a->target;
    const char *key;
    json_t *list, *x;
    size_t i;
    json_object_foreach(json_object_get(a->c, "experts"), key, list)
    {
        const int64_t layer = atoll(key);
        json_array_foreach(list, i, x)
            t->expert[layer * t->E + json_integer_value(x)] = true;
        t->router[layer] = is_set(a->c, "routers");
    }
    json_array_foreach(json_object_get(a->c, "layers"), i, x)
        t->layer[json_integer_value(x)] = true;
    t->embeddings = is_set(a->c, "embeddings");
    t->full = is_set(a->c, "full");
    t->keep_rows = is_set(a->c, "keep_rows");
}

/* Tensors that the arena holds beside trained ones have their old bits. */
static int
compare_frozen(struct adapting *a, struct trainer *t)
{
    const struct arena *arena = trainer_arena(t);
    double moved = 0;
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < arena->params; i++) {
        const struct arena_param *q = &arena->param[i];
        const size_t n = (size_t)tensor_count(&q->w);
        float *got, *want;
        if (q->g.buf)
            continue;
        got = calloc(n, sizeof *got);
        want = calloc(n, sizeof *want);
        rc = got && want ? tensor_read(&q->w, got)
                         : moe_fail(a->err, MOE_ENOMEM, "out of memory");
        if (!rc)
            rc = weights_read(a->err, &a->original, &q->p, 0, want, n);
        moved += !rc && memcmp(got, want, n * sizeof *got) != 0;
        free(got);
        free(want);
    }
    golden_report(a->g, a->s.name, "frozen tensors that moved", moved, 0,
                  moved == 0);
    return rc;
}

static int
compare_logits(struct adapting *a, struct moe_model *m)
{
    const struct st_tensor *want = subject_vector(&a->s, "", "logits_after");
    const int64_t N = a->s.B * a->s.T;
    const size_t n = (size_t)(N * moe_model_config(m)->V);
    const struct moe_run_options opt = {.B = a->s.B, .T = a->s.T};
    struct moe_run *run = NULL;
    float *got = calloc(n, sizeof *got), *ref = calloc(n, sizeof *ref);
    int rc = got && ref && want && want->end - want->begin == n * sizeof *ref
                 ? moe_run_create(&run, m, &opt)
                 : moe_fail(a->err, MOE_EFORMAT, "%s: logits_after", a->s.name);
    if (!rc)
        rc = moe_run_forward(run, a->s.ids, a->s.B, a->s.T);
    if (!rc)
        rc = moe_run_logits(run, 0, N, got);
    if (!rc) {
        memcpy(ref, want->data, n * sizeof *ref);
        golden_close(a->g, a->s.name, "logits after", got, ref, n,
                     LOGITS_CLOSE);
    }
    moe_run_destroy(&run);
    free(got);
    free(ref);
    return rc;
}

static int
train(struct adapting *a, struct moe_model *m, struct trainer *t)
{
    struct trainer_metrics got;
    char what[32];
    int rc = MOE_OK;
    for (int step = 0; !rc && step < STEPS; step++) {
        rc = trainer_step(t, a->s.ids, a->s.target, a->s.B, &got);
        if (rc)
            break;
        snprintf(what, sizeof what, "loss of step %d", step + 1);
        subject_loss(&a->s, what, got.loss,
                     subject_scalar(&a->s, "loss", step));
        snprintf(what, sizeof what, "norm of step %d", step + 1);
        subject_loss(&a->s, what, got.norm,
                     subject_scalar(&a->s, "norm", step));
        if (step == 0 || step == STEPS - 1)
            rc = subject_params(&a->s, t, step ? "step3." : "step1.", false);
    }
    if (!rc)
        rc = compare_frozen(a, t);
    return rc ? rc : compare_logits(a, m);
}

static int
run_case(struct adapting *a)
{
    const struct moe_config *c = &a->original.config;
    struct moe_model *m = NULL;
    struct trainer *t = NULL;
    struct moe_ctx *ctx = golden_ctx(a->g, a->err);
    struct trainer_options opt =
        subject_options(&a->s, &loss_only, ACTS_KEEP, a->s.B);
    opt.arena.trains = adapt_trains;
    opt.arena.decays = adapt_decays;
    opt.arena.arg = &a->target;
    int rc = ctx ? adapt_target_init(a->err, &a->target, c) : a->err->code;
    if (rc)
        return rc;
    read_target(a);
    const double parameters = (double)adapt_parameters(&a->target, c);
    const double want =
        json_number_value(json_object_get(a->c, "trained_parameters"));
    golden_report(a->g, a->s.name, "trained parameters", parameters - want, 0,
                  parameters == want);
    if (is_set(a->c, "mask")) {
        rc = moe_hook_create(ctx, &a->hook, c);
        if (!rc)
            rc = adapt_mask(a->hook, &a->target);
        opt.pass.hook = a->hook;
    }
    if (!rc)
        rc = subject_open(&a->s, &m, &t, &opt);
    if (!rc)
        rc = train(a, m, t);
    if (rc && !a->err->code)
        *a->err = *moe_ctx_err(ctx);
    subject_close(&m, &t);
    moe_hook_destroy(&a->hook);
    adapt_target_free(&a->target);
    return rc;
}

static int
compare_case(struct golden *g, struct moe_err *err, const char *name,
             const json_t *c)
{
    struct adapting a = {.g = g, .err = err, .c = c, .s = {.g = g, .err = err}};
    struct safetensors plain = {0};
    char *title = str_format("adapt/%s", name);
    char *path = str_format("%s/adapt/%s.safetensors", g->root, name);
    char *ids = str_format("%s/tiny/plain/vectors.safetensors", g->root);
    int rc = title && path && ids ? MOE_OK
                                  : moe_fail(err, MOE_ENOMEM, "out of memory");
    a.s.name = title;
    snprintf(a.s.dir, sizeof a.s.dir, "%s/tiny/plain", g->root);
    if (!rc)
        rc = safetensors_open(err, &a.s.vectors, path);
    if (!rc)
        rc = safetensors_open(err, &plain, ids);
    if (!rc)
        rc = subject_ids(&a.s, &plain);
    if (!rc)
        rc = weights_open(err, &a.original, a.s.dir);
    if (!rc)
        rc = run_case(&a);
    weights_close(&a.original);
    safetensors_close(&plain);
    safetensors_close(&a.s.vectors);
    free(a.s.ids);
    free(a.s.target);
    free(title);
    free(path);
    free(ids);
    return rc;
}

int
golden_adapt(struct golden *g, struct moe_err *err)
{
    json_t *cases = NULL, *c;
    const char *name;
    char *path = str_format("%s/adapt/cases.json", g->root);
    int rc = path ? json_read(err, &cases, path)
                  : moe_fail(err, MOE_ENOMEM, "out of memory");
    json_object_foreach(cases, name, c) if (!rc) rc =
        compare_case(g, err, name, c);
    json_decref(cases);
    free(path);
    return rc;
}
