/*
 * match.c - tensors of files to parameters, none forgotten on either side.
 */
#include "model/match.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/family.h"
#include "model/names.h"

/* Names that a sentence lists before it says how many more there are. */
enum { LISTED = 6 };

struct matcher {
    struct moe_err *err;
    struct match *out;
    const struct moe_config *config;
    const struct checkpoint *files;
    const char *const *names;
    struct str missing;
    size_t missing_n;
};

static void
list_name(struct str *list, size_t *n, const char *name)
{
    if ((*n)++ < LISTED)
        str_printf(list, "%s%s", *n > 1 ? ", " : "", name);
}

static void
list_end(struct str *list, size_t n)
{
    if (n > LISTED)
        str_printf(list, " and %zu more", n - LISTED);
}

static int
check_type(const struct matcher *m, const struct ck_tensor *t)
{
    int type = t->st->dtype;
    if (type == DTYPE_F32 || type == DTYPE_BF16 || type == DTYPE_F16)
        return MOE_OK;
    return moe_fail(m->err, MOE_EFORMAT,
                    "%s: tensor '%s': found %s, want F32, BF16 or F16",
                    m->files->file[t->file].path, t->st->name, t->st->type);
}

static int
check_shape(const struct matcher *m, const struct ck_tensor *t,
            enum param_kind kind)
{
    char found[TENSOR_SHAPE_TEXT], want[TENSOR_SHAPE_TEXT];
    struct tensor shape = param_shape(kind, m->config);
    bool same = t->st->rank == shape.rank;
    for (int i = 0; same && i < shape.rank; i++)
        same = t->st->dim[i] == shape.dim[i];
    if (same)
        return MOE_OK;
    return moe_fail(m->err, MOE_ESHAPE, "%s: tensor '%s': found %s, want %s",
                    m->files->file[t->file].path, t->st->name,
                    tensor_print(found, t->st->rank, t->st->dim),
                    tensor_print(want, shape.rank, shape.dim));
}

/* The tensor of a parameter, checked and marked; NULL when it is not there. */
static int
find(struct matcher *m, const struct ck_tensor **out, const struct param *p)
{
    char name[NAMES_BYTES];
    struct ck_tensor *t =
        checkpoint_find(m->files, names_format(name, m->names, p));
    *out = t;
    if (!t)
        return MOE_OK;
    t->used = true;
    int rc = check_type(m, t);
    return rc ? rc : check_shape(m, t, p->kind);
}

/* The same, where its absence is a failure of the whole. */
static int
need(struct matcher *m, const struct ck_tensor **out, const struct param *p)
{
    char name[NAMES_BYTES];
    int rc = find(m, out, p);
    if (!rc && !*out)
        list_name(&m->missing, &m->missing_n, names_format(name, m->names, p));
    return rc;
}

/* All parameters of one scope for a layer. */
static int
match_scope(struct matcher *m, const struct ck_tensor **out,
            enum param_scope scope, int layer)
{
    int rc = MOE_OK;
    for (int k = 0; !rc && k < PARAM_KINDS; k++)
        if (param_scope(k) == scope && param_present(k, m->config))
            rc = need(m, &out[k], &(struct param){k, layer, 0});
    return rc;
}

/* The two fused tensors of a layer, cut into the parts of each expert. */
static int
match_fused(struct matcher *m, struct expert_part (*expert)[EXPERT_PARTS],
            const struct ck_tensor *gate_up, int layer)
{
    const struct ck_tensor *down;
    int rc = need(m, &down, &(struct param){PARAM_FUSED_DOWN, layer, 0});
    if (rc || !down)
        return rc;
    uint64_t part = param_elements(PARAM_GATE, m->config);
    uint64_t up = part * dtype_bytes((enum dtype)gate_up->st->dtype);
    part *= dtype_bytes((enum dtype)down->st->dtype);
    for (uint64_t e = 0; e < (uint64_t)m->config->E; e++) {
        expert[e][EXPERT_GATE] = (struct expert_part){gate_up, 2 * e * up};
        expert[e][EXPERT_UP] = (struct expert_part){gate_up, (2 * e + 1) * up};
        expert[e][EXPERT_DOWN] = (struct expert_part){down, e * part};
    }
    return MOE_OK;
}

static int
match_experts(struct matcher *m, int layer)
{
    static const enum param_kind kind[EXPERT_PARTS] = {
        [EXPERT_GATE] = PARAM_GATE,
        [EXPERT_UP] = PARAM_UP,
        [EXPERT_DOWN] = PARAM_DOWN};
    struct expert_part(*expert)[EXPERT_PARTS] =
        m->out->expert + (int64_t)layer * m->config->E;
    const struct ck_tensor *fused;
    int rc = find(m, &fused, &(struct param){PARAM_FUSED_GATE_UP, layer, 0});
    if (rc || fused)
        return rc ? rc : match_fused(m, expert, fused, layer);
    for (int e = 0; !rc && e < m->config->E; e++)
        for (int i = 0; !rc && i < EXPERT_PARTS; i++)
            rc = need(m, &expert[e][i].t, &(struct param){kind[i], layer, e});
    return rc;
}

/* A head beside tied embeddings must not say anything else than they do. */
static int
match_tied_head(struct matcher *m)
{
    const struct ck_tensor *head, *embed = m->out->model[PARAM_EMBED];
    int rc = find(m, &head, &(struct param){.kind = PARAM_HEAD});
    if (rc || !head || !embed)
        return rc;
    uint64_t bytes = head->st->end - head->st->begin;
    if (head->st->dtype == embed->st->dtype &&
        memcmp(head->st->data, embed->st->data, (size_t)bytes) == 0)
        return MOE_OK;
    return moe_fail(m->err, MOE_EFORMAT,
                    "%s: tensor '%s' differs from '%s', although "
                    "tie_word_embeddings is true",
                    m->files->dir, head->st->name, embed->st->name);
}

static int
check_complete(struct matcher *m)
{
    struct str extra = {0};
    size_t extra_n = 0;
    for (size_t i = 0; i < m->files->n; i++)
        if (!m->files->tensor[i].used)
            list_name(&extra, &extra_n, m->files->tensor[i].st->name);
    list_end(&extra, extra_n);
    list_end(&m->missing, m->missing_n);
    int rc = MOE_OK;
    if (extra.failed || m->missing.failed)
        rc = moe_fail(m->err, MOE_ENOMEM, "%s: out of memory", m->files->dir);
    else if (m->missing_n || extra_n)
        rc = moe_fail(m->err, MOE_EFORMAT, "%s: %s%s%s%s%s", m->files->dir,
                      m->missing_n ? "tensors missing: " : "",
                      m->missing_n ? m->missing.s : "",
                      m->missing_n && extra_n ? "; " : "",
                      extra_n ? "tensors of no parameter: " : "",
                      extra_n ? extra.s : "");
    str_free(&extra);
    return rc;
}

static int
match_all(struct matcher *m)
{
    int rc = match_scope(m, m->out->model, SCOPE_MODEL, 0);
    if (!rc && m->config->tie_embeddings)
        rc = match_tied_head(m);
    for (int l = 0; !rc && l < m->config->L; l++) {
        rc = match_scope(m, m->out->layer[l], SCOPE_LAYER, l);
        if (!rc)
            rc = match_experts(m, l);
    }
    return rc ? rc : check_complete(m);
}

int
match_open(struct moe_err *err, struct match *out,
           const struct moe_config *config, const struct checkpoint *files)
{
    size_t L = (size_t)config->L, E = (size_t)config->E;
    *out = (struct match){.layer = mem_zero(L, sizeof *out->layer),
                          .expert = mem_zero(L * E, sizeof *out->expert)};
    const struct family *family = family_find(config->model_type);
    struct matcher m = {.err = err,
                        .out = out,
                        .config = config,
                        .files = files,
                        .names = family ? family->names : NULL};
    int rc;
    if (!out->layer || !out->expert)
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", files->dir);
    else if (!family)
        rc = moe_fail(err, MOE_EINVAL, "no family '%s'", config->model_type);
    else
        rc = match_all(&m);
    str_free(&m.missing);
    if (rc)
        match_close(out);
    return rc;
}

void
match_close(struct match *m)
{
    free(m->layer);
    free(m->expert);
    *m = (struct match){0};
}
