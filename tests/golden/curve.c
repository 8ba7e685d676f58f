/*
 * curve.c - a whole training run as a user starts it, against small/: the loss
 * of every step, the learning rate, and the held-out losses at its ends.
 *
 * Two programs that round differently drift apart, since a token whose experts
 * are nearly tied takes another one; the bounds are what the drift of a right
 * program stays below.
 */
#include "config.h"

#include "tests/golden/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/fs.h"
#include "base/str.h"
#include "tests/support.h"
#include "tests/table.h"

enum {
    EARLY = 50,
    LOOKS = 100
}; // steps: those that agree closely; between
   // two looks at the held-out text
static const double EARLY_CLOSE = 2e-3; // of a loss, absolute
static const double CLOSE = 1e-2;       // of a loss, relative
static const double RATE_CLOSE = 1e-6;  // of a learning rate, relative

/* What went by, compared as it comes. */
struct curve {
    struct table want, heldout;
    double early, late, rate;  // largest differences
    double first, last;        // of the held-out losses
    size_t steps, looks, left; // left: heldout cells without a counterpart
};

static double
relative(double got, double want)
{
    double d = fabs(got - want) / fabs(want);
    return isnan(d) ? INFINITY : d;
}

static void
see_step(struct curve *c, const json_t *o, size_t row)
{
    double loss = json_number_value(json_object_get(o, "loss"));
    double rate = json_number_value(json_object_get(o, "lr"));
    if (row >= c->want.rows)
        return;
    double want = table_number(&c->want, row, "total");
    if (row < EARLY)
        c->early = fmax(c->early, fabs(loss - want));
    c->late = fmax(c->late, relative(loss, want));
    c->rate = fmax(c->rate, relative(rate, table_number(&c->want, row, "lr")));
    c->steps++;
}

static void
see_heldout(struct curve *c, const json_t *o, json_int_t step)
{
    char key[32];
    double worst = 0;
    snprintf(key, sizeof key, "%lld", (long long)step);
    size_t row = table_find(&c->heldout, 0, "step", key);
    if (row == c->heldout.rows)
        return;
    for (size_t i = 1; i < c->heldout.columns; i++) {
        const char *language = c->heldout.cell[i];
        json_t *x = json_object_get(
            json_object_get(json_object_get(o, "languages"), language), "nll");
        c->left += !x;
        worst = fmax(worst, relative(json_number_value(x),
                                     table_number(&c->heldout, row, language)));
    }
    *(step ? &c->last : &c->first) = worst;
    c->looks++;
}

static void
see(void *arg, const char *line)
{
    json_t *o = json_loads(line, 0, NULL);
    const char *kind = json_string_value(json_object_get(o, "kind"));
    json_int_t step = json_integer_value(json_object_get(o, "step"));
    if (kind && strcmp(kind, "step") == 0)
        see_step(arg, o, (size_t)step - 1);
    else if (kind && strcmp(kind, "heldout") == 0)
        see_heldout(arg, o, step);
    json_decref(o);
}

/* The run that made the reference, scripts/train_small.py there. */
static char *
write_spec(const struct golden *g, const struct curve *c)
{
    struct str b = {0};
    str_printf(&b,
               "kind: pretrain\nmodel: \"%s/small/init\"\norder: file\n"
               "batches: \"%s/small/batches.u16\"\n"
               "data: {en: \"%s/tokens/en.train.u16\"}\nwindow: 256\n"
               "batch: 16\nmicro_batch: 16\noptimizer: {lr: 3e-3}\n"
               "schedule: {warmup: 50, end: %zu}\neval_every: %d\n"
               "eval_tokens: 5120\ncheckpoint_every: 0\nheldout:\n",
               g->root, g->root, g->root, c->want.rows, LOOKS);
    for (size_t i = 1; i < c->heldout.columns; i++)
        str_printf(&b, "  %s: \"%s/tokens/%s.heldout.u16\"\n",
                   c->heldout.cell[i], g->root, c->heldout.cell[i]);
    return str_take(&b);
}

static void
report(struct golden *g, const struct curve *c)
{
    golden_report(g, "small", "learning rate", c->rate, RATE_CLOSE,
                  c->rate <= RATE_CLOSE && c->steps == c->want.rows);
    golden_report(g, "small", "loss, 50 steps", c->early, EARLY_CLOSE,
                  c->early <= EARLY_CLOSE);
    golden_report(g, "small", "loss, to the end", c->late, CLOSE,
                  c->late <= CLOSE);
    bool all = c->looks == c->heldout.rows && !c->left;
    golden_report(g, "small", "held-out, start", c->first, 1e-5,
                  c->first <= 1e-5 && all);
    golden_report(g, "small", "held-out, end", c->last, CLOSE,
                  c->last <= CLOSE && all);
}

int
golden_curve(struct golden *g, struct moe_err *err)
{
    struct curve c = {0};
    char *curve = str_format("%s/small/curve.csv", g->root);
    char *heldout = str_format("%s/small/heldout.csv", g->root);
    int rc =
        curve && heldout ? MOE_OK : moe_fail(err, MOE_ENOMEM, "out of memory");
    if (!rc && fs_exists(curve)) {
        bool read = table_read(&c.want, curve);
        read = table_read(&c.heldout, heldout) && read;
        char *spec = read ? write_spec(g, &c) : NULL;
        rc = spec ? golden_job(err, spec, support_path("curve"), see, &c)
                  : moe_fail(err, MOE_EINPUT, "%s: cannot be read", curve);
        if (!rc)
            report(g, &c);
        free(spec);
        table_free(&c.want);
        table_free(&c.heldout);
    }
    free(curve);
    free(heldout);
    return rc;
}
