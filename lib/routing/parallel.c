/*
 * parallel.c - measures over sequences, added up.
 */
#include "config.h"

#include "routing/parallel.h"

#include <math.h>
#include <stdlib.h>

#include <polymoe/routing.h>

#include "base/mem.h"
#include "base/str.h"

void
parallel_free(struct parallel *p)
{
    free(p->name);
    free(p->activation);
    free(p->entropy);
    free(p->all);
    free(p->adjacent);
    free(p->divergence);
    free(p->defined);
    *p = (struct parallel){0};
}

int
parallel_init(struct moe_err *err, struct parallel *p, const char *name,
              bool task, int64_t L, int64_t E, int64_t K)
{
    size_t cells;
    const size_t layers = (size_t)L;
    *p = (struct parallel){.task = task, .L = L, .E = E, .K = K};
    p->name = str_copy(name);
    if (mem_mul(&cells, layers, (size_t)E))
        p->activation = mem_zero(cells, sizeof *p->activation);
    p->entropy = mem_zero(layers, sizeof *p->entropy);
    p->all = mem_zero(layers, sizeof *p->all);
    p->adjacent = mem_zero(layers, sizeof *p->adjacent);
    p->divergence = mem_zero(layers, sizeof *p->divergence);
    p->defined = mem_zero(layers, sizeof *p->defined);
    if (p->name && p->activation && p->entropy && p->all && p->adjacent &&
        p->divergence && p->defined)
        return MOE_OK;
    parallel_free(p);
    return moe_fail(err, MOE_ENOMEM, "%s: sequences", name);
}

/* The mean Jaccard index of pairs that share c of K experts: |both| / |either|
 * = c / (2 K - c). */
static double
mean_jaccard(const int32_t *pairs, int64_t K)
{
    double sum = 0, n = 0;
    for (int64_t c = 0; c <= K; c++) {
        sum += pairs[c] * ((double)c / (double)(2 * K - c));
        n += pairs[c];
    }
    return sum / n;
}

void
parallel_add(struct parallel *p, uint64_t tokens, const uint64_t *count,
             const double *sum, const int32_t *pairs, int64_t stride,
             const double *pivot)
{
    const int64_t E = p->E;
    const bool many = pairs && tokens > 1;
    p->n++;
    p->pairs += many;
    for (int64_t i = 0; i < p->L * E; i++)
        p->activation[i] += (double)count[i] / (double)tokens;
    for (int64_t l = 0; l < p->L; l++) {
        p->entropy[l] += moe_entropy(sum + l * E, E);
        if (many) {
            p->all[l] += mean_jaccard(pairs + l * stride, p->K);
            p->adjacent[l] += mean_jaccard(pairs + l * stride + p->K + 1, p->K);
        }
        const double d =
            pivot ? moe_divergence(pivot + l * E, sum + l * E, E) : NAN;
        p->divergence[l] += isnan(d) ? 0 : d;
        p->defined[l] += !isnan(d);
    }
}

/* ---- As JSON ------------------------------------------------------------- */

static json_t *
reals(const double *x, int64_t n)
{
    json_t *out = json_array();
    for (int64_t i = 0; i < n; i++)
        json_array_append_new(out, json_real(x[i]));
    return out;
}

json_t *
parallel_pack(const struct parallel *p)
{
    json_t *defined = json_array();
    for (int64_t l = 0; l < p->L; l++)
        json_array_append_new(defined, json_integer(p->defined[l]));
    return json_pack("{s:s, s:b, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
                     "name", p->name, "task", (int)p->task, "sequences",
                     (json_int_t)p->n, "pairs", (json_int_t)p->pairs,
                     "activation", reals(p->activation, p->L * p->E), "entropy",
                     reals(p->entropy, p->L), "all", reals(p->all, p->L),
                     "adjacent", reals(p->adjacent, p->L), "divergence",
                     reals(p->divergence, p->L), "defined", defined);
}

static bool
take(double *out, const json_t *from, const char *key, int64_t n)
{
    const json_t *list = json_object_get(from, key);
    if ((int64_t)json_array_size(list) != n)
        return false;
    for (int64_t i = 0; i < n; i++)
        out[i] = json_number_value(json_array_get(list, (size_t)i));
    return true;
}

int
parallel_unpack(struct moe_err *err, struct parallel *p, const json_t *from,
                const char *path)
{
    const json_t *defined = json_object_get(from, "defined");
    bool ok = take(p->activation, from, "activation", p->L * p->E) &&
              take(p->entropy, from, "entropy", p->L) &&
              take(p->all, from, "all", p->L) &&
              take(p->adjacent, from, "adjacent", p->L) &&
              take(p->divergence, from, "divergence", p->L) &&
              (int64_t)json_array_size(defined) == p->L;
    for (int64_t l = 0; ok && l < p->L; l++)
        p->defined[l] = json_integer_value(json_array_get(defined, (size_t)l));
    p->n = json_integer_value(json_object_get(from, "sequences"));
    p->pairs = json_integer_value(json_object_get(from, "pairs"));
    if (ok && p->n > 0)
        return MOE_OK;
    return moe_fail(err, MOE_EFORMAT, "%s: not the sums of %s", path, p->name);
}
