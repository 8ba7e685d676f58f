/*
 * model.c - the whole model and its loss in double, plain loops throughout.
 *
 * Parameters come as one array in the order of params_list(), so that a test
 * can move them along any direction.
 */
#include "tests/ref/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where the parameters of the model lie in the array. */
struct reader {
    const struct moe_config *c;
    const double *at; // of the next parameter
};

struct layer {
    const double *attn_norm, *q, *k, *v, *o, *bq, *bk, *bv, *bo, *q_norm,
        *k_norm, *mlp_norm, *router, *experts;
};

static const double *
take(struct reader *r, enum param_kind kind)
{
    const double *p = r->at;
    if (!param_present(kind, r->c))
        return NULL;
    r->at += param_elements(kind, r->c);
    return p;
}

static struct layer
take_layer(struct reader *r)
{
    struct layer w;
    w.attn_norm = take(r, PARAM_ATTN_NORM);
    w.q = take(r, PARAM_Q);
    w.k = take(r, PARAM_K);
    w.v = take(r, PARAM_V);
    w.o = take(r, PARAM_O);
    w.bq = take(r, PARAM_Q_BIAS);
    w.bk = take(r, PARAM_K_BIAS);
    w.bv = take(r, PARAM_V_BIAS);
    w.bo = take(r, PARAM_O_BIAS);
    w.q_norm = take(r, PARAM_Q_NORM);
    w.k_norm = take(r, PARAM_K_NORM);
    w.mlp_norm = take(r, PARAM_MLP_NORM);
    w.router = take(r, PARAM_ROUTER);
    w.experts = r->at;
    r->at += 3 * r->c->E * r->c->F * r->c->D;
    return w;
}

static void
norm(double *y, const double *x, const double *w, int64_t n, double eps)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    double r = 1 / sqrt(sum / (double)n + eps);
    for (int64_t i = 0; i < n; i++)
        y[i] = w[i] * x[i] * r;
}

/* y (m) = w (m,n) x (n) + b. */
static void
linear(double *y, const double *w, const double *x, const double *b, int64_t m,
       int64_t n)
{
    for (int64_t i = 0; i < m; i++) {
        double sum = b ? b[i] : 0;
        for (int64_t k = 0; k < n; k++)
            sum += w[i * n + k] * x[k];
        y[i] = sum;
    }
}

static void
rotate(double *x, int64_t heads, int64_t S, int64_t t, double theta)
{
    for (int64_t h = 0; h < heads; h++)
        for (int64_t i = 0; i < S / 2; i++) {
            double a = (double)t * pow(theta, -2.0 * (double)i / (double)S);
            double *p = x + h * S + i, u = p[0], v = p[S / 2];
            p[0] = u * cos(a) - v * sin(a);
            p[S / 2] = v * cos(a) + u * sin(a);
        }
}

static void
clip(double *x, int64_t n, double limit)
{
    for (int64_t i = 0; limit > 0 && i < n; i++)
        x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i];
}

/* x (T,D) += o(attention(norm(x))) of one sequence. */
static void
attention(double *x, const struct layer *w, const struct moe_config *c,
          int64_t T)
{
    int64_t D = c->D, H = c->H, G = c->G, S = c->S, Q = H * S, J = G * S;
    double *n = calloc((size_t)(D + Q), sizeof *n), *mixed = n + D;
    double *q = calloc((size_t)(T * Q), sizeof *q);
    double *k = calloc((size_t)(T * J), sizeof *k);
    double *v = calloc((size_t)(T * J), sizeof *v);
    double *p = calloc((size_t)T, sizeof *p);
    for (int64_t t = 0; t < T; t++) {
        norm(n, x + t * D, w->attn_norm, D, c->rms_eps);
        linear(q + t * Q, w->q, n, w->bq, Q, D);
        linear(k + t * J, w->k, n, w->bk, J, D);
        linear(v + t * J, w->v, n, w->bv, J, D);
        norm(q + t * Q, q + t * Q, w->q_norm, Q, c->rms_eps);
        norm(k + t * J, k + t * J, w->k_norm, J, c->rms_eps);
        clip(q + t * Q, Q, c->clip_qkv);
        clip(k + t * J, J, c->clip_qkv);
        clip(v + t * J, J, c->clip_qkv);
        rotate(q + t * Q, H, S, t, c->rope_theta);
        rotate(k + t * J, G, S, t, c->rope_theta);
    }
    for (int64_t t = 0; t < T; t++) {
        for (int64_t h = 0; h < H; h++) {
            int64_t g = h / (H / G);
            double top = -INFINITY, sum = 0;
            for (int64_t u = 0; u <= t; u++) {
                p[u] = 0;
                for (int64_t s = 0; s < S; s++)
                    p[u] += q[t * Q + h * S + s] * k[u * J + g * S + s];
                p[u] /= sqrt((double)S);
                top = fmax(top, p[u]);
            }
            for (int64_t u = 0; u <= t; u++)
                sum += p[u] = exp(p[u] - top);
            for (int64_t s = 0; s < S; s++) {
                mixed[h * S + s] = 0;
                for (int64_t u = 0; u <= t; u++)
                    mixed[h * S + s] += p[u] / sum * v[u * J + g * S + s];
            }
        }
        linear(n, w->o, mixed, w->bo, D, Q);
        for (int64_t d = 0; d < D; d++)
            x[t * D + d] += n[d];
    }
    free(n);
    free(q);
    free(k);
    free(v);
    free(p);
}

/* The K best of p, ties to the lower index. */
static void
choose(int64_t *idx, const double *p, int64_t E, int64_t K)
{
    for (int64_t k = 0; k < K; k++) {
        idx[k] = -1;
        for (int64_t e = 0; e < E; e++) {
            bool taken = false;
            for (int64_t j = 0; j < k; j++)
                taken = taken || idx[j] == e;
            if (!taken && (idx[k] < 0 || p[e] > p[idx[k]]))
                idx[k] = e;
        }
    }
}

/* y (D) += weight down(silu(gate x) up x). */
static void
expert(double *y, const double *w, const double *x, double weight, int64_t D,
       int64_t F)
{
    double *h = calloc((size_t)F, sizeof *h);
    for (int64_t f = 0; f < F; f++) {
        double g = 0, u = 0;
        for (int64_t d = 0; d < D; d++) {
            g += w[f * D + d] * x[d];
            u += w[F * D + f * D + d] * x[d];
        }
        h[f] = g / (1 + exp(-g)) * u;
    }
    for (int64_t d = 0; d < D; d++)
        for (int64_t f = 0; f < F; f++)
            y[d] += weight * w[2 * F * D + d * F + f] * h[f];
    free(h);
}

/* x (N,D) += experts(norm(x)); adds the layer's part of the router's losses:
 * count (E), psum (E) and the squares of the log-sum-exp. */
static void
experts(double *x, const struct layer *w, const struct moe_config *c, int64_t N,
        double *count, double *psum, double *squares)
{
    int64_t D = c->D, E = c->E, K = c->K, F = c->F;
    double *n = calloc((size_t)(D + E), sizeof *n), *p = n + D;
    int64_t *idx = calloc((size_t)K, sizeof *idx);
    for (int64_t t = 0; t < N; t++) {
        double top = -INFINITY, sum = 0, kept = 0;
        norm(n, x + t * D, w->mlp_norm, D, c->rms_eps);
        linear(p, w->router, n, NULL, E, D);
        for (int64_t e = 0; e < E; e++)
            top = fmax(top, p[e]);
        for (int64_t e = 0; e < E; e++)
            sum += exp(p[e] - top);
        double lse = top + log(sum);
        *squares += lse * lse;
        for (int64_t e = 0; e < E; e++)
            psum[e] += p[e] = exp(p[e] - lse);
        choose(idx, p, E, K);
        for (int64_t k = 0; k < K; k++)
            kept += p[idx[k]];
        for (int64_t k = 0; k < K; k++) {
            count[idx[k]]++;
            expert(x + t * D, w->experts + 3 * idx[k] * F * D, n,
                   p[idx[k]] / (c->norm_topk_prob ? kept : 1), D, F);
        }
    }
    free(n);
    free(idx);
}

/* Sum of -log p over the labelled positions. */
static double
cross_entropy(const double *x, const double *norm_w, const double *head,
              const struct moe_config *c, const int32_t *target, int64_t N)
{
    double *n = calloc((size_t)(c->D + c->V), sizeof *n), *z = n + c->D;
    double total = 0;
    for (int64_t t = 0; t < N; t++) {
        double top = -INFINITY, sum = 0;
        if (target[t] < 0)
            continue;
        norm(n, x + t * c->D, norm_w, c->D, c->rms_eps);
        linear(z, head, n, NULL, c->V, c->D);
        for (int64_t v = 0; v < c->V; v++)
            top = fmax(top, z[v]);
        for (int64_t v = 0; v < c->V; v++)
            sum += exp(z[v] - top);
        total += top + log(sum) - z[target[t]];
    }
    free(n);
    return total;
}

static double
router_losses(const struct loss_options *o, const struct moe_config *c,
              const double *count, const double *psum, double squares,
              int64_t N)
{
    int64_t L = c->L, E = c->E;
    double LN = (double)(L * N), K = (double)c->K, balance = 0;
    for (int64_t e = 0; e < E; e++) {
        double n = 0, p = 0;
        for (int64_t l = 0; l < L; l++) {
            n += count[l * E + e];
            p += psum[l * E + e];
            if (o->aux == AUX_MEGABLOCKS)
                balance += count[l * E + e] * psum[l * E + e] / (double)N *
                           (double)E / (LN * K);
        }
        if (o->aux == AUX_HF)
            balance += (double)E * n * p / (LN * LN);
    }
    return o->aux_weight * balance +
           o->z_weight * squares / (LN * (o->z_div_topk ? K : 1));
}

double
ref_model_loss(const struct moe_config *c, const double *params,
               const struct loss_options *o, const int32_t *ids,
               const int32_t *target, int64_t B, int64_t T)
{
    struct reader r = {c, params};
    int64_t N = B * T, D = c->D, labels = 0;
    double *x = calloc((size_t)(N * D), sizeof *x), squares = 0;
    double *count = calloc((size_t)(2 * c->L * c->E), sizeof *count);
    double *psum = count + c->L * c->E;
    const double *embed = take(&r, PARAM_EMBED);
    for (int64_t t = 0; t < N; t++) {
        labels += target[t] >= 0;
        memcpy(x + t * D, embed + ids[t] * D, (size_t)D * sizeof *x);
    }
    for (int64_t l = 0; l < c->L; l++) {
        struct layer w = take_layer(&r);
        for (int64_t b = 0; b < B; b++)
            attention(x + b * T * D, &w, c, T);
        experts(x, &w, c, N, count + l * c->E, psum + l * c->E, &squares);
    }
    const double *final = take(&r, PARAM_FINAL_NORM);
    const double *head = take(&r, PARAM_HEAD);
    double ce = cross_entropy(x, final, head ? head : embed, c, target, N) /
                (double)(o->ce_positions ? N : labels);
    ce += router_losses(o, c, count, psum, squares, N);
    free(x);
    free(count);
    return ce;
}
