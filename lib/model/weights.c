/*
 * weights.c - parameters by name to elements of mapped files.
 */
#include "config.h"

#include "model/weights.h"

int
weights_open(struct moe_err *err, struct weights *out, const char *dir)
{
    *out = (struct weights){0};
    int rc = moe_config_read(err, &out->config, dir);
    if (!rc)
        rc = checkpoint_open(err, &out->files, dir);
    if (!rc)
        rc = match_open(err, &out->match, &out->config, out->files);
    if (rc)
        weights_close(out);
    return rc;
}

void
weights_close(struct weights *w)
{
    match_close(&w->match);
    checkpoint_close(&w->files);
    moe_config_free(&w->config);
}

/* The tensor of a parameter, and the bytes of it before the parameter. */
static struct expert_part
find(const struct weights *w, const struct param *p)
{
    const size_t cell = (size_t)(p->layer * w->config.E + p->expert);
    switch (p->kind) {
    case PARAM_GATE:
        return w->match.expert[cell][EXPERT_GATE];
    case PARAM_UP:
        return w->match.expert[cell][EXPERT_UP];
    case PARAM_DOWN:
        return w->match.expert[cell][EXPERT_DOWN];
    default:
        break;
    }
    const struct ck_tensor *t = param_scope(p->kind) == SCOPE_MODEL
                                    ? w->match.model[p->kind]
                                    : w->match.layer[p->layer][p->kind];
    return (struct expert_part){t, 0};
}

enum dtype
weights_dtype(const struct weights *w, const struct param *p)
{
    return (enum dtype)find(w, p).t->st->dtype;
}

enum dtype
weights_type(const void *arg, const struct param *p)
{
    return weights_dtype(arg, p);
}

int
weights_read(struct moe_err *err, void *arg, const struct param *p, uint64_t at,
             float *out, size_t n)
{
    const struct expert_part part = find(arg, p);
    const enum dtype type = (enum dtype)part.t->st->dtype;
    (void)err;
    dtype_widen(out, part.t->st->data + part.skip + at * dtype_bytes(type),
                type, n);
    return MOE_OK;
}
