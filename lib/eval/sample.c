/*
 * sample.c - one token from logits.
 *
 * First the temperature, then the k best, then the fewest that reach p, in
 * that order, as in Hugging Face's generate().
 */
#include "config.h"

#include "eval/sample.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"

struct candidate {
    float logit;
    int32_t id;
    double weight; // exp((logit - the largest) / temperature)
};

struct sampler {
    struct sample_options opt;
    struct candidate *all; // (n), in the order of ids
    struct candidate *c;   // (n)
    size_t n;
};

int
sampler_create(struct moe_err *err, struct sampler **out,
               const struct sample_options *opt, const struct moe_tokenizer *t,
               int64_t V)
{
    struct sampler *s = mem_zero(1, sizeof *s);
    const int64_t size = moe_tokenizer_size(t) < V ? moe_tokenizer_size(t) : V;
    *out = s;
    if (s) {
        s->opt = *opt;
        s->all = mem_zero((size_t)size, sizeof *s->all);
        s->c = mem_zero((size_t)size, sizeof *s->c);
    }
    if (!s || !s->all || !s->c) {
        sampler_destroy(out);
        return moe_fail(err, MOE_ENOMEM, "sampling: out of memory");
    }
    for (int32_t id = 0; id < size; id++) {
        size_t bytes;
        if (moe_tokenizer_token(t, id, &bytes))
            s->all[s->n++].id = id;
    }
    return MOE_OK;
}

void
sampler_destroy(struct sampler **sp)
{
    struct sampler *s = *sp;
    *sp = NULL;
    if (!s)
        return;
    free(s->all);
    free(s->c);
    free(s);
}

/* The best candidate; also whether every logit is a number. */
static const struct candidate *
best(const struct candidate *c, size_t n)
{
    const struct candidate *top = NULL;
    for (size_t i = 0; i < n; i++) {
        if (isnan(c[i].logit))
            return NULL;
        if (!top || c[i].logit > top->logit)
            top = &c[i];
    }
    return top && isfinite(top->logit) ? top : NULL;
}

/* Best first, of equal ones the lower id first. */
static int
by_logit(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->logit != y->logit)
        return x->logit > y->logit ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

static void
weigh(struct sampler *s, float top)
{
    for (size_t i = 0; i < s->n; i++)
        s->c[i].weight =
            exp(((double)s->c[i].logit - (double)top) / s->opt.temperature);
}

/* How many of n candidates, best first, are left. */
static size_t
narrow(const struct sampler *s, size_t n)
{
    const struct sample_options *o = &s->opt;
    double sum = 0, reached = 0;
    if (o->top_k > 0 && (uint64_t)o->top_k < n)
        n = (size_t)o->top_k;
    if (!(o->top_p > 0 && o->top_p < 1))
        return n;
    for (size_t i = 0; i < n; i++)
        sum += s->c[i].weight;
    for (size_t i = 0; i < n; i++) {
        reached += s->c[i].weight;
        if (reached >= o->top_p * sum)
            return i + 1;
    }
    return n;
}

static int32_t
draw(const struct sampler *s, size_t n, double u)
{
    double sum = 0, reached = 0;
    for (size_t i = 0; i < n; i++)
        sum += s->c[i].weight;
    for (size_t i = 0; i < n; i++) {
        reached += s->c[i].weight;
        if (reached > u * sum)
            return s->c[i].id;
    }
    return s->c[0].id; // the best, where rounding leaves none
}

int
sampler_pick(struct moe_err *err, struct sampler *s, const float *logits,
             uint64_t stream, uint64_t index, int32_t *id)
{
    const struct sample_options *o = &s->opt;
    for (size_t i = 0; i < s->n; i++)
        s->c[i] = (struct candidate){logits[s->all[i].id], s->all[i].id, 0};
    const struct candidate *top = best(s->c, s->n);
    if (!top)
        return moe_fail(err, MOE_ENUMERIC,
                        "token %llu of the text: a logit is not a number",
                        (unsigned long long)index);
    *id = top->id;
    if (o->temperature <= 0)
        return MOE_OK;
    size_t n = s->n;
    weigh(s, top->logit);
    if (o->top_k > 0 || (o->top_p > 0 && o->top_p < 1)) {
        qsort(s->c, n, sizeof *s->c, by_logit);
        n = narrow(s, n);
    }
    *id = draw(s, n, rng_uniform(o->seed, stream, index));
    return MOE_OK;
}
