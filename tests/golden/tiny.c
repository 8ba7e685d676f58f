/*
 * tiny.c - forward passes of small checkpoints: logits, hidden states, routing
 * and likelihoods.
 *
 * Each directory of tiny/ is a checkpoint; its numbers stand in
 * vectors.safetensors or, for another spelling of the same weights, in that
 * of plain/.
 */
#include "config.h"

#include "tests/golden/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <polymoe/model.h>

#include "base/fs.h"
#include "base/str.h"
#include "io/safetensors.h"

static const double CLOSE = 2e-4;      // logits, hidden states, routing
static const double LOSS_CLOSE = 1e-5; // means of likelihoods
static const double TIE = 1e-6;        // nearer probabilities may change places

/* One checkpoint under comparison. */
struct subject {
    struct golden *g;
    struct moe_err *err;
    const char *name; // "tiny/plain"
    struct safetensors vectors;
    struct moe_model *model;
    struct moe_run *run;
    const struct moe_config *config;
    int64_t B, T, N;
};

/* A tensor of the vectors, NAME or NAME.level. */
static int
find(struct subject *s, const struct st_tensor **out, const char *name,
     int64_t level, enum dtype type, int rank)
{
    char full[64];
    snprintf(full, sizeof full, level < 0 ? "%s" : "%s.%lld", name,
             (long long)level);
    return safetensors_get(s->err, out, &s->vectors, full, type, rank);
}

static size_t
count(const struct st_tensor *t, enum dtype type)
{
    return (size_t)(t->end - t->begin) / dtype_bytes(type);
}

/* Aligned copies of what a file holds and room for what we compute. */
static void *
copy(const struct st_tensor *t)
{
    void *p = malloc((size_t)(t->end - t->begin) + 1);
    if (p)
        memcpy(p, t->data, (size_t)(t->end - t->begin));
    return p;
}

static int
no_memory(struct subject *s)
{
    return moe_fail(s->err, MOE_ENOMEM, "%s: out of memory", s->name);
}

static void
report(struct subject *s, const char *what, double error, double bound)
{
    golden_report(s->g, s->name, what, error, bound, error <= bound);
}

static int
compare_logits(struct subject *s)
{
    const struct st_tensor *t;
    int rc = find(s, &t, "logits", -1, DTYPE_F32, 3);
    if (rc)
        return rc;
    size_t n = (size_t)(s->N * s->config->V);
    float *want = copy(t), *got = malloc(n * sizeof *got);
    if (!want || !got)
        rc = no_memory(s);
    else if (count(t, DTYPE_F32) != n)
        rc = moe_fail(s->err, MOE_ESHAPE, "%s: logits of another shape",
                      s->name);
    else if (!(rc = moe_run_logits(s->run, 0, s->N, got)))
        golden_close(s->g, s->name, "logits", got, want, n, CLOSE);
    free(want);
    free(got);
    return rc;
}

static int
compare_hidden(struct subject *s)
{
    double worst = 0;
    size_t n = (size_t)(s->N * s->config->D);
    float *got = malloc(n * sizeof *got);
    int rc = got ? MOE_OK : no_memory(s);
    for (int64_t l = 0; !rc && l <= s->config->L; l++) {
        const struct st_tensor *t;
        rc = find(s, &t, "hidden", l, DTYPE_F32, 3);
        float *want = rc ? NULL : copy(t);
        if (!rc && (!want || count(t, DTYPE_F32) != n))
            rc = moe_fail(s->err, MOE_ESHAPE, "%s: hidden states", s->name);
        if (!rc && !(rc = moe_run_hidden(s->run, l, got)))
            worst = golden_worst(worst, got, want, n);
        free(want);
    }
    if (!rc)
        report(s, "hidden states", worst, CLOSE);
    free(got);
    return rc;
}

/* Whether the best K of row `logits` (E) are certain: the K-th probability is
 * clearly above the next one. */
static bool
is_certain(const float *logits, int64_t E, const int32_t *best, int64_t K)
{
    double sum = 0, last = INFINITY, next = -INFINITY, top = logits[best[0]];
    for (int64_t e = 0; e < E; e++) {
        bool in = false;
        for (int64_t k = 0; k < K; k++)
            in = in || best[k] == e;
        sum += exp(logits[e] - top);
        if (in && logits[e] < last)
            last = logits[e];
        if (!in && logits[e] > next)
            next = logits[e];
    }
    return K == E || (exp(last - top) - exp(next - top)) / sum > TIE;
}

static bool
same_set(const int32_t *a, const int32_t *b, int64_t K)
{
    for (int64_t i = 0; i < K; i++) {
        bool in = false;
        for (int64_t k = 0; k < K; k++)
            in = in || a[i] == b[k];
        if (!in)
            return false;
    }
    return true;
}

/* One layer's numbers, ours and theirs. */
struct routing {
    float *logits, *weight, *want_logits, *want_weight;
    int32_t *idx, *want_idx;
};

static int
read_routing(struct subject *s, struct routing *r, int64_t layer)
{
    const struct st_tensor *logits, *idx, *weight;
    size_t E = (size_t)(s->N * s->config->E), K = (size_t)(s->N * s->config->K);
    int rc = find(s, &logits, "router_logits", layer, DTYPE_F32, 2);
    if (!rc)
        rc = find(s, &idx, "router_indices", layer, DTYPE_I32, 2);
    if (!rc)
        rc = find(s, &weight, "router_weights", layer, DTYPE_F32, 2);
    if (rc)
        return rc;
    if (count(logits, DTYPE_F32) != E || count(idx, DTYPE_I32) != K ||
        count(weight, DTYPE_F32) != K)
        return moe_fail(s->err, MOE_ESHAPE, "%s: routing of another shape",
                        s->name);
    r->want_logits = copy(logits);
    r->want_idx = copy(idx);
    r->want_weight = copy(weight);
    r->logits = malloc(E * sizeof(float));
    r->weight = malloc(K * sizeof(float));
    r->idx = malloc(K * sizeof(int32_t));
    if (!r->want_logits || !r->want_idx || !r->want_weight || !r->logits ||
        !r->weight || !r->idx)
        return no_memory(s);
    return moe_run_routing(s->run, layer, r->logits, r->idx, r->weight);
}

static void
free_routing(struct routing *r)
{
    free(r->logits);
    free(r->weight);
    free(r->idx);
    free(r->want_logits);
    free(r->want_weight);
    free(r->want_idx);
    *r = (struct routing){0};
}

static size_t
count_wrong(const struct subject *s, const struct routing *r)
{
    int64_t E = s->config->E, K = s->config->K;
    size_t wrong = 0;
    for (int64_t n = 0; n < s->N; n++)
        wrong +=
            is_certain(r->want_logits + n * E, E, r->want_idx + n * K, K) &&
            !same_set(r->idx + n * K, r->want_idx + n * K, K);
    return wrong;
}

static int
compare_routing(struct subject *s)
{
    double logits = 0, weights = 0;
    size_t wrong = 0;
    int rc = MOE_OK;
    for (int64_t l = 0; !rc && l < s->config->L; l++) {
        struct routing r = {0};
        rc = read_routing(s, &r, l);
        if (!rc) {
            logits = golden_worst(logits, r.logits, r.want_logits,
                                  (size_t)(s->N * s->config->E));
            weights = golden_worst(weights, r.weight, r.want_weight,
                                   (size_t)(s->N * s->config->K));
            wrong += count_wrong(s, &r);
        }
        free_routing(&r);
    }
    if (rc)
        return rc;
    report(s, "router logits", logits, CLOSE);
    report(s, "router weights", weights, CLOSE);
    report(s, "router indices", (double)wrong, 0);
    return MOE_OK;
}

static int
compare_nll(struct subject *s)
{
    const struct st_tensor *t;
    size_t n = (size_t)(s->B * (s->T - 1));
    if (!n || !safetensors_find(&s->vectors, "nll"))
        return MOE_OK;
    int rc = find(s, &t, "nll", -1, DTYPE_F32, 0);
    float *nll = malloc(n * sizeof *nll), want;
    double sum = 0;
    if (!rc)
        rc = nll ? moe_run_nll(s->run, nll) : no_memory(s);
    if (!rc) {
        for (size_t i = 0; i < n; i++)
            sum += nll[i];
        memcpy(&want, t->data, sizeof want);
        report(s, "mean likelihood", fabs(sum / (double)n - want), LOSS_CLOSE);
    }
    free(nll);
    return rc;
}

static int
make_run(struct subject *s)
{
    const struct st_tensor *ids;
    int rc = find(s, &ids, "input_ids", -1, DTYPE_I32, 2);
    if (rc)
        return rc;
    s->B = ids->dim[0];
    s->T = ids->dim[1];
    s->N = s->B * s->T;
    struct moe_run_options opt = {
        .B = s->B, .T = s->T, .keep_hidden = true, .keep_routing = true};
    int32_t *copied = copy(ids);
    rc = copied ? moe_run_create(&s->run, s->model, &opt) : no_memory(s);
    if (!rc)
        rc = moe_run_forward(s->run, copied, s->B, s->T);
    free(copied);
    return rc;
}

static int
compare(struct subject *s, const char *dir, const char *vectors)
{
    struct moe_ctx *ctx = golden_ctx(s->g, s->err);
    if (!ctx)
        return s->err->code;
    int rc = safetensors_open(s->err, &s->vectors, vectors);
    if (rc)
        return rc;
    s->err = moe_ctx_err(ctx);
    rc = moe_model_load(ctx, &s->model, dir);
    if (!rc) {
        s->config = moe_model_config(s->model);
        rc = make_run(s);
    }
    if (!rc)
        rc = compare_logits(s);
    if (!rc)
        rc = compare_hidden(s);
    if (!rc)
        rc = compare_routing(s);
    if (!rc)
        rc = compare_nll(s);
    moe_run_destroy(&s->run);
    moe_model_destroy(&s->model);
    safetensors_close(&s->vectors);
    return rc;
}

static int
compare_dir(struct golden *g, struct moe_err *err, const char *name)
{
    char *subject = str_format("tiny/%s", name);
    char *dir = str_format("%s/tiny/%s", g->root, name);
    char *vectors = str_format("%s/tiny/%s/vectors.safetensors", g->root, name);
    char *plain = str_format("%s/tiny/plain/vectors.safetensors", g->root);
    struct subject s = {.g = g, .err = err, .name = subject};
    int rc = MOE_ENOMEM;
    if (subject && dir && vectors && plain)
        rc = compare(&s, dir, fs_exists(vectors) ? vectors : plain);
    if (rc && s.err && s.err != err)
        *err = *s.err;
    free(subject);
    free(dir);
    free(vectors);
    free(plain);
    return rc;
}

int
golden_tiny(struct golden *g, struct moe_err *err)
{
    char *root = str_path(g->root, "tiny"), **names = NULL;
    size_t n = 0;
    int rc = root ? fs_list(err, &names, &n, root, "") : MOE_ENOMEM;
    for (size_t i = 0; !rc && i < n; i++) {
        char *dir = str_path(root, names[i]);
        if (dir && fs_is_dir(dir))
            rc = compare_dir(g, err, names[i]);
        free(dir);
    }
    fs_list_free(names, n);
    free(root);
    return rc;
}
