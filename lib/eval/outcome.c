/*
 * outcome.c - what came out for each item of a task in a language.
 */
#include "config.h"

#include "eval/outcome.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

int
outcome_begin(struct moe_err *err, struct outcome *o, const char *task,
              const char *language, const char *const *metric, size_t metrics)
{
    *o = (struct outcome){.task = str_copy(task),
                          .language = str_copy(language),
                          .metrics = metrics};
    for (size_t i = 0; i < metrics; i++)
        o->metric[i] = metric[i];
    return o->task && o->language
               ? MOE_OK
               : moe_fail(err, MOE_ENOMEM, "%s: out of memory", task);
}

void
outcome_free(struct outcome *o)
{
    for (size_t i = 0; i < o->n; i++)
        free(o->item[i].group);
    free(o->item);
    free(o->task);
    free(o->language);
    *o = (struct outcome){0};
}

struct outcome_item *
outcome_add(struct outcome *o, size_t item, const char *group)
{
    struct outcome_item *grown =
        mem_grow(o->item, &o->cap, o->n + 1, sizeof *grown);
    if (!grown)
        return NULL;
    o->item = grown;
    struct outcome_item *to = &grown[o->n];
    *to = (struct outcome_item){.item = item, .group = str_copy(group)};
    for (size_t i = 0; i < OUTCOME_METRICS; i++)
        to->score[i] = (struct outcome_score){NAN, 1};
    return to->group ? &grown[o->n++] : NULL;
}

static bool
counts(const struct outcome_item *i, size_t metric, const char *group)
{
    return !isnan(i->score[metric].value) &&
           (!group || strcmp(i->group, group) == 0);
}

struct outcome_mean
outcome_mean(const struct outcome *o, size_t metric, const char *group)
{
    struct outcome_mean m = {NAN, NAN, 0};
    double sum = 0, weights = 0, squares = 0;
    for (size_t i = 0; i < o->n; i++)
        if (counts(&o->item[i], metric, group)) {
            const struct outcome_score *s = &o->item[i].score[metric];
            sum += s->weight * s->value;
            weights += s->weight;
            m.n++;
        }
    if (!m.n)
        return m;
    m.value = sum / weights;
    for (size_t i = 0; i < o->n; i++)
        if (counts(&o->item[i], metric, group)) {
            const struct outcome_score *s = &o->item[i].score[metric];
            double d = s->weight * (s->value - m.value);
            squares += d * d;
        }
    if (m.n > 1)
        m.stderr_ = sqrt(squares * (double)m.n / (double)(m.n - 1)) / weights;
    return m;
}

/* ---- Two evaluations ----------------------------------------------------- */

/* The two-sided tail of a binomial with probability 1/2 at `few` of n. */
static double
binomial_tail(uint64_t few, uint64_t n)
{
    double sum = 0;
    if (2 * few >= n)
        return 1;
    for (uint64_t i = 0; i <= few; i++)
        sum += exp(lgamma((double)n + 1) - lgamma((double)i + 1) -
                   lgamma((double)(n - i) + 1) - (double)n * log(2));
    return 2 * sum < 1 ? 2 * sum : 1;
}

/* The place of an item in b; both are in the order of items. */
static const struct outcome_score *
partner(const struct outcome *b, size_t *at, size_t item, size_t metric)
{
    while (*at < b->n && b->item[*at].item < item)
        ++*at;
    if (*at == b->n || b->item[*at].item != item ||
        isnan(b->item[*at].score[metric].value))
        return NULL;
    return &b->item[*at].score[metric];
}

static bool
is_binary(double x)
{
    return x == 0 || x == 1;
}

/* The sums over all pairs; with p->difference known, of its squares too. */
static double
add_pairs(struct outcome_paired *p, const struct outcome *a,
          const struct outcome *b, size_t metric, size_t other, double *weights)
{
    double squares = 0;
    size_t at = 0;
    for (size_t i = 0; i < a->n; i++) {
        const struct outcome_score *x = &a->item[i].score[metric];
        const struct outcome_score *y =
            isnan(x->value) ? NULL : partner(b, &at, a->item[i].item, other);
        if (!y)
            continue;
        double d = x->weight * (x->value - y->value - p->difference);
        squares += d * d;
        if (weights) {
            p->n++;
            p->value += x->weight * x->value;
            p->other += x->weight * y->value;
            *weights += x->weight;
            p->binary = p->binary && is_binary(x->value) && is_binary(y->value);
            p->only_value += x->value > y->value;
            p->only_other += x->value < y->value;
        }
    }
    return squares;
}

struct outcome_paired
outcome_compare(const struct outcome *a, const struct outcome *b, size_t metric)
{
    struct outcome_paired p = {
        .stderr_ = NAN, .z = NAN, .p = NAN, .binary = true, .p_mcnemar = NAN};
    size_t other = 0;
    double weights = 0;
    while (other < b->metrics &&
           strcmp(b->metric[other], a->metric[metric]) != 0)
        other++;
    if (other == b->metrics)
        return p;
    add_pairs(&p, a, b, metric, other, &weights);
    if (!p.n)
        return p;
    p.value /= weights;
    p.other /= weights;
    p.difference = p.value - p.other;
    double squares = add_pairs(&p, a, b, metric, other, NULL);
    if (p.n > 1) {
        p.stderr_ = sqrt(squares * (double)p.n / (double)(p.n - 1)) / weights;
        if (p.stderr_ > 0) {
            p.z = p.difference / p.stderr_;
            p.p = erfc(fabs(p.z) / sqrt(2));
        }
    }
    if (p.binary)
        p.p_mcnemar = binomial_tail(p.only_value < p.only_other ? p.only_value
                                                                : p.only_other,
                                    p.only_value + p.only_other);
    return p;
}
