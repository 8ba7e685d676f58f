/*
 * pass_aux.c - the losses of the routers in a training pass: of each
 * micro-batch, or of the whole batch.
 */
#include "train/pass_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int
pass_note_layer(struct pass *p, int64_t l)
{
    const struct layer_acts *a = &p->acts->layer[l];
    uint64_t E = (uint64_t)p->model->config.E;
    struct tensor sums = tensor_rows(&p->sums, l, 1);
    int rc = auxloss_sums(p->ctx, &sums, &p->partial, &a->probs, &a->scores,
                          p->run->N, (int64_t)E);
    if (!rc)
        rc = buffer_copy(p->counts.buf, (uint64_t)l * E * sizeof(int32_t),
                         a->dispatch.count.buf,
                         a->dispatch.count.offset * sizeof(int32_t),
                         E * sizeof(int32_t));
    return rc;
}

/* Of a whole batch the counts are those of all its tokens, and a micro-batch
 * has a part of the probabilities; the gradient is linear in these, so the
 * micro-batches' gradients add up to the batch's. */
int
pass_auxiliary(struct pass *p, double share)
{
    const struct moe_config *c = &p->model->config;
    const struct loss_options *o = &p->opt.loss;
    bool whole = p->known_tokens > 0;
    p->z_factor = (float)auxloss_z_factor(o->z_weight * share, o->z_div_topk,
                                          c->L, p->run->N, c->K);
    return auxloss_balance(p->ctx, &p->balance,
                           whole ? &p->known_counts : &p->counts, o->aux,
                           whole ? o->aux_weight : o->aux_weight * share, c->L,
                           whole ? p->known_tokens : p->run->N, c->E, c->K);
}

int
pass_add_known(struct pass *p)
{
    int64_t n = p->model->config.L * p->model->config.E;
    int32_t *count = mem_zero((size_t)n, sizeof *count);
    int rc = count ? tensor_read(&p->counts, count)
                   : moe_fail(moe_ctx_err(p->ctx), MOE_ENOMEM,
                              "training: out of memory");
    for (int64_t i = 0; !rc && i < n; i++)
        p->known[i] += count[i];
    free(count);
    p->known_tokens += p->run->N;
    return rc ? rc : tensor_write(&p->known_counts, p->known);
}

static struct auxloss
values(const struct pass *p, const double *sums, const uint64_t *count,
       int64_t N)
{
    const struct moe_config *c = &p->model->config;
    const struct loss_options *o = &p->opt.loss;
    const int64_t from = p->frozen;
    return auxloss_values(sums + from * (c->E + 1), count + from * c->E, o->aux,
                          o->z_div_topk, c->L - from, N, c->E, c->K);
}

/* Read a micro-batch's sums and counts, add them to those of all, and its
 * losses to the means. */
static int
add(struct pass *p, float *sums, int32_t *count, double *wide, uint64_t *wide_n)
{
    const struct moe_config *c = &p->model->config;
    int64_t N = p->run->N;
    int rc = tensor_read(&p->sums, sums);
    if (!rc)
        rc = tensor_read(&p->counts, count);
    if (rc)
        return rc;
    for (int64_t i = 0; i < c->L * (c->E + 1); i++)
        p->sums_of_all[i] += wide[i] = (double)sums[i];
    for (int64_t i = 0; i < c->L * c->E; i++)
        p->count[i] += wide_n[i] = (uint64_t)count[i];
    struct auxloss a = values(p, wide, wide_n, N);
    p->total.tokens += N;
    p->total.balance += a.balance * (double)N;
    p->total.z += a.z * (double)N;
    return MOE_OK;
}

int
pass_add_routers(struct pass *p)
{
    const struct moe_config *c = &p->model->config;
    size_t n = (size_t)(c->L * (c->E + 1));
    float *sums = mem_zero(n, sizeof *sums);
    int32_t *count = mem_zero(n, sizeof *count);
    double *wide = mem_zero(n, sizeof *wide);
    uint64_t *wide_n = mem_zero(n, sizeof *wide_n);
    int rc = sums && count && wide && wide_n
                 ? add(p, sums, count, wide, wide_n)
                 : moe_fail(moe_ctx_err(p->ctx), MOE_ENOMEM,
                            "training: out of memory");
    free(sums);
    free(count);
    free(wide);
    free(wide_n);
    return rc;
}

void
pass_sums(struct pass *p, struct pass_sums *sums, uint64_t *count)
{
    const struct moe_config *c = &p->model->config;
    size_t n = (size_t)(c->L * c->E);
    *sums = p->total;
    if (sums->tokens) {
        sums->balance /= (double)sums->tokens;
        sums->z /= (double)sums->tokens;
        if (p->opt.loss.aux_batch)
            sums->balance =
                values(p, p->sums_of_all, p->count, sums->tokens).balance;
    }
    if (count)
        memcpy(count, p->count, n * sizeof *count);
    memset(p->count, 0, n * sizeof *p->count);
    memset(p->sums_of_all, 0,
           (size_t)(c->L * (c->E + 1)) * sizeof *p->sums_of_all);
    memset(p->known, 0, n * sizeof *p->known);
    p->known_tokens = 0;
    p->total = (struct pass_sums){0};
}
