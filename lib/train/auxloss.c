/*
 * auxloss.c - the router's losses, in both conventions.
 */
#include "train/auxloss.h"

int
auxloss_sums(struct moe_ctx *ctx, const struct tensor *sums,
             const struct tensor *partial, const struct tensor *probs,
             const struct tensor *logits, int64_t N, int64_t E)
{
    struct launch l;
    int64_t piece = (N + NN_PARTS - 1) / NN_PARTS;
    int64_t pieces = (N + piece - 1) / piece;
    launch_begin(ctx, &l, "auxloss_partial");
    launch_tensor(&l, partial);
    launch_tensor(&l, probs);
    launch_tensor(&l, logits);
    launch_int(&l, N);
    launch_int(&l, E);
    launch_int(&l, piece);
    int rc = launch_groups(&l, (uint64_t)pieces);
    if (rc)
        return rc;
    launch_begin(ctx, &l, "auxloss_finish");
    launch_tensor(&l, sums);
    launch_tensor(&l, partial);
    launch_int(&l, pieces);
    launch_int(&l, E);
    return launch_items(&l, (uint64_t)E + 1);
}

int
auxloss_balance(struct moe_ctx *ctx, const struct tensor *balance,
                const struct tensor *count, enum aux_kind kind, double weight,
                int64_t L, int64_t N, int64_t E, int64_t K)
{
    struct launch l;
    double LN = (double)L * (double)N;
    double scale = kind == AUX_HF
                       ? weight * (double)E / (LN * LN)
                       : weight * (double)E / (LN * (double)K * (double)N);
    launch_begin(ctx, &l, "auxloss_balance");
    launch_tensor(&l, balance);
    launch_tensor(&l, count);
    launch_int(&l, L);
    launch_int(&l, E);
    launch_float(&l, (float)scale);
    launch_int(&l, kind == AUX_HF);
    return launch_items(&l, (uint64_t)(L * E));
}

double
auxloss_z_factor(double weight, bool z_div_topk, int64_t L, int64_t N,
                 int64_t K)
{
    return weight / ((double)L * (double)N * (z_div_topk ? (double)K : 1));
}

/* sum_l sum_e n mean_n p, layer by layer. */
static double
per_layer(const double *sums, const uint64_t *count, int64_t L, int64_t N,
          int64_t E)
{
    double total = 0;
    for (int64_t l = 0; l < L; l++)
        for (int64_t e = 0; e < E; e++)
            total +=
                (double)count[l * E + e] * sums[l * (E + 1) + e] / (double)N;
    return total;
}

/* sum_e (sum_l n) (sum_l sum_n p). */
static double
pooled(const double *sums, const uint64_t *count, int64_t L, int64_t E)
{
    double total = 0;
    for (int64_t e = 0; e < E; e++) {
        double n = 0, p = 0;
        for (int64_t l = 0; l < L; l++) {
            n += (double)count[l * E + e];
            p += sums[l * (E + 1) + e];
        }
        total += n * p;
    }
    return total;
}

struct auxloss
auxloss_values(const double *sums, const uint64_t *count, enum aux_kind kind,
               bool z_div_topk, int64_t L, int64_t N, int64_t E, int64_t K)
{
    struct auxloss loss = {0};
    double LN = (double)L * (double)N;
    if (kind == AUX_HF)
        loss.balance = (double)E * pooled(sums, count, L, E) / (LN * LN);
    else
        loss.balance =
            (double)E * per_layer(sums, count, L, N, E) / (LN * (double)K);
    for (int64_t l = 0; l < L; l++)
        loss.z += sums[l * (E + 1) + E];
    loss.z *= auxloss_z_factor(1, z_div_topk, L, N, K);
    return loss;
}
