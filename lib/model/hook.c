/*
 * hook.c - the edits of all layers: two small tables on the host, copied to
 * the device when a run takes them.
 */
#include "model/hook.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "model/run.h"

enum { VALUES = 3 }; // a cell has scale, add or margin, spread

struct moe_hook {
    struct moe_ctx *ctx; // borrowed
    int64_t L, E, K;
    int32_t *rule;               // (L,E) enum moe_edit_rule
    float *value;                // (L,E,3)
    bool *normalise, *edited;    // (L)
    struct tensor rules, values; // the tables on the device
};

/* ---- Life --------------------------------------------------------------- */

static int
create(struct moe_hook *h)
{
    size_t cells = (size_t)(h->L * h->E);
    h->rule = mem_zero(cells, sizeof *h->rule);
    h->value = mem_zero(cells * VALUES, sizeof *h->value);
    h->normalise = mem_zero((size_t)h->L, sizeof *h->normalise);
    h->edited = mem_zero((size_t)h->L, sizeof *h->edited);
    if (!h->rule || !h->value || !h->normalise || !h->edited)
        return moe_fail(moe_ctx_err(h->ctx), MOE_ENOMEM, "hook: out of memory");
    for (size_t i = 0; i < cells; i++)
        h->value[i * VALUES] = 1;
    h->rules = tensor_shape(DTYPE_I32, 2, (int64_t[]){h->L, h->E});
    h->values = tensor_shape(DTYPE_F32, 3, (int64_t[]){h->L, h->E, VALUES});
    int rc = tensor_create(h->ctx, &h->rules, "rules of the hook");
    return rc ? rc : tensor_create(h->ctx, &h->values, "numbers of the hook");
}

int
moe_hook_create(struct moe_ctx *ctx, struct moe_hook **out,
                const struct moe_config *config)
{
    struct moe_hook *h = mem_zero(1, sizeof *h);
    *out = NULL;
    if (!h)
        return moe_fail(moe_ctx_err(ctx), MOE_ENOMEM, "hook: out of memory");
    h->ctx = ctx;
    h->L = config->L;
    h->E = config->E;
    h->K = config->K;
    int rc = create(h);
    if (rc)
        moe_hook_destroy(&h);
    *out = h;
    return rc;
}

void
moe_hook_destroy(struct moe_hook **hp)
{
    struct moe_hook *h = *hp;
    *hp = NULL;
    if (!h)
        return;
    buffer_destroy(&h->rules.buf);
    buffer_destroy(&h->values.buf);
    free(h->rule);
    free(h->value);
    free(h->normalise);
    free(h->edited);
    free(h);
}

/* ---- Edits -------------------------------------------------------------- */

static int
check_layer(const struct moe_hook *h, int64_t layer)
{
    if (layer >= 0 && layer < h->L)
        return MOE_OK;
    return moe_fail(moe_ctx_err(h->ctx), MOE_EINVAL,
                    "hook: layer %" PRId64 ", want 0 to %" PRId64, layer,
                    h->L - 1);
}

static bool
good_numbers(const struct moe_edit *e)
{
    return isfinite(e->scale) && isfinite(e->add) && isfinite(e->spread) &&
           isfinite(e->margin) && e->margin >= 0;
}

int
moe_hook_edit(struct moe_hook *h, int64_t layer, int64_t expert,
              const struct moe_edit *edit)
{
    struct moe_err *err = moe_ctx_err(h->ctx);
    int rc = check_layer(h, layer);
    if (rc)
        return rc;
    if (expert < 0 || expert >= h->E)
        return moe_fail(err, MOE_EINVAL,
                        "hook: layer %" PRId64 ": expert %" PRId64
                        ", want 0 to %" PRId64,
                        layer, expert, h->E - 1);
    if (!good_numbers(edit))
        return moe_fail(err, MOE_EINVAL,
                        "hook: layer %" PRId64 ", expert %" PRId64
                        ": numbers must be finite, a margin 0 or more",
                        layer, expert);
    bool shift = edit->rule == MOE_EDIT_SHIFT;
    float *v = h->value + (layer * h->E + expert) * VALUES;
    h->rule[layer * h->E + expert] = edit->rule;
    v[0] = shift ? edit->scale : 1;
    v[1] = shift ? edit->add : edit->margin;
    v[2] = shift ? edit->spread : 0;
    return MOE_OK;
}

int
moe_hook_normalise(struct moe_hook *h, int64_t layer)
{
    int rc = check_layer(h, layer);
    if (!rc)
        h->normalise[layer] = true;
    return rc;
}

/* ---- Use ---------------------------------------------------------------- */

static bool
is_edit(int32_t rule, const float *v)
{
    return rule != MOE_EDIT_SHIFT || v[0] != 1 || v[1] != 0 || v[2] != 0;
}

static bool
has_edit(const struct moe_hook *h, int64_t layer)
{
    const int64_t first = layer * h->E;
    bool some = false;
    for (int64_t i = first; !some && i < first + h->E; i++)
        some = is_edit(h->rule[i], h->value + i * VALUES);
    return some;
}

static int
check_training(const struct moe_hook *h, int64_t layer)
{
    const int32_t *rule = h->rule + layer * h->E;
    const float *v = h->value + layer * h->E * VALUES;
    bool good = !h->normalise[layer];
    for (int64_t e = 0; e < h->E; e++)
        good = good && v[e * VALUES + 2] == 0 &&
               (rule[e] == MOE_EDIT_SHIFT || rule[e] == MOE_EDIT_MASK);
    return good ? MOE_OK
                : moe_fail(moe_ctx_err(h->ctx), MOE_EINVAL,
                           "hook: layer %" PRId64
                           ": training allows only masks, scales and sums",
                           layer);
}

/* Enough experts for the K that a token takes, in one layer. */
static int
check_counts(const struct moe_hook *h, int64_t layer, enum hook_use use)
{
    const int32_t *rule = h->rule + layer * h->E;
    int64_t left = h->E, on = 0, least = use == HOOK_TRAIN ? 1 : h->K;
    for (int64_t e = 0; e < h->E; e++) {
        left -= rule[e] == MOE_EDIT_MASK;
        on += rule[e] == MOE_EDIT_ON;
    }
    if (left < least)
        return moe_fail(moe_ctx_err(h->ctx), MOE_EINVAL,
                        "hook: layer %" PRId64 ": the masks leave %" PRId64
                        " of %" PRId64 " experts, want at least %" PRId64,
                        layer, left, h->E, least);
    if (on > h->K)
        return moe_fail(moe_ctx_err(h->ctx), MOE_EINVAL,
                        "hook: layer %" PRId64 ": %" PRId64
                        " experts are forced on, a token takes %" PRId64,
                        layer, on, h->K);
    return MOE_OK;
}

int
hook_prepare(struct moe_hook *h, const struct moe_config *config,
             enum hook_use use)
{
    if (h->L != config->L || h->E != config->E || h->K != config->K)
        return moe_fail(moe_ctx_err(h->ctx), MOE_ESHAPE,
                        "hook: made for %" PRId64 " layers of %" PRId64
                        " experts, the model has %" PRId64 " of %" PRId64,
                        h->L, h->E, config->L, config->E);
    int rc = MOE_OK;
    for (int64_t l = 0; !rc && l < h->L; l++) {
        h->edited[l] = has_edit(h, l);
        if (h->edited[l])
            rc = check_counts(h, l, use);
        if (!rc && h->edited[l] && use == HOOK_TRAIN)
            rc = check_training(h, l);
    }
    if (!rc)
        rc = tensor_write(&h->rules, h->rule);
    return rc ? rc : tensor_write(&h->values, h->value);
}

int
moe_run_hook(struct moe_run *run, struct moe_hook *h)
{
    int rc = h ? hook_prepare(h, &run->model->config, HOOK_RUN) : MOE_OK;
    if (!rc)
        run->hook = h;
    return rc;
}

int64_t
hook_lowest(const struct moe_hook *h)
{
    int64_t l = 0;
    while (l < h->L && !has_edit(h, l))
        l++;
    return l;
}

int
hook_forward(const struct moe_hook *h, int64_t layer,
             const struct tensor *logits, int64_t N)
{
    if (!h || !h->edited[layer])
        return MOE_OK;
    struct tensor rule = tensor_rows(&h->rules, layer, 1);
    struct tensor value = tensor_rows(&h->values, layer, 1);
    return edit_forward(h->ctx, logits, &rule, &value, N, h->E,
                        h->normalise[layer]);
}

int
hook_backward(const struct moe_hook *h, int64_t layer,
              const struct tensor *dlogits, int64_t N)
{
    if (!h || !h->edited[layer])
        return MOE_OK;
    struct tensor rule = tensor_rows(&h->rules, layer, 1);
    struct tensor value = tensor_rows(&h->values, layer, 1);
    return edit_backward(h->ctx, dlogits, &rule, &value, N, h->E);
}
