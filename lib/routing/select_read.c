/*
 * select_read.c - the experts of a language from experts.json.
 */
#include "config.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "routing/experts_set.h"

/* A list on its way out of the file. */
struct reading {
    struct moe_err *err;
    const char *path, *language, *strategy;
    int64_t L, E;
};

static int
no_memory(const struct reading *r)
{
    return moe_fail(r->err, MOE_ENOMEM, "%s: out of memory", r->path);
}

/* The member `key` of an object, or a failure that names those it has. */
static int
member(const struct reading *r, json_t **out, json_t *from, const char *what,
       const char *key)
{
    const char *name;
    json_t *value;
    struct str names = {0};
    *out = key[0] == '_' ? NULL : json_object_get(from, key);
    if (*out)
        return MOE_OK;
    json_object_foreach(from, name, value) if (name[0] != '_')
        str_printf(&names, "%s%s", names.n ? ", " : "", name);
    int rc = moe_fail(r->err, MOE_EINVAL, "%s: no %s %s, it has %s", r->path,
                      what, key, names.n && !names.failed ? names.s : "none");
    str_free(&names);
    return rc;
}

/* A layer's number as experts.json writes it, or -1. */
static int64_t
layer_number(const char *key)
{
    char *end;
    long long x = isdigit((unsigned char)key[0]) ? strtoll(key, &end, 10) : -1;
    return x < 0 || *end ? -1 : x;
}

static int
take_list(const struct reading *r, struct moe_layer_experts *to,
          const json_t *list)
{
    const size_t n = json_array_size(list);
    to->expert = mem_zero(n, sizeof *to->expert);
    if (!to->expert)
        return no_memory(r);
    for (size_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(list, i);
        const json_int_t e = json_integer_value(x);
        if (!json_is_integer(x) || e < 0 || e >= r->E)
            return moe_fail(r->err, MOE_EFORMAT,
                            "%s: %s: %s: layer %" PRId64 ", entry %zu: want an "
                            "expert from 0 to %" PRId64,
                            r->path, r->language, r->strategy, to->layer, i,
                            r->E - 1);
        if (!experts_have(to, e))
            to->expert[to->n++] = (int32_t)e;
    }
    return MOE_OK;
}

static int
take_layer(const struct reading *r, struct moe_experts *out, const char *key,
           const json_t *list)
{
    const int64_t layer = layer_number(key);
    if (layer < 0 || layer >= r->L || !json_is_array(list))
        return moe_fail(r->err, MOE_EFORMAT,
                        "%s: %s: %s: '%.40s', want a layer from 0 to %" PRId64
                        " with a list of experts",
                        r->path, r->language, r->strategy, key, r->L - 1);
    int64_t at = out->layers++;
    for (; at > 0 && out->layer[at - 1].layer > layer; at--)
        out->layer[at] = out->layer[at - 1];
    out->layer[at] = (struct moe_layer_experts){.layer = layer};
    if (at > 0 && out->layer[at - 1].layer == layer)
        return moe_fail(r->err, MOE_EFORMAT,
                        "%s: %s: %s: layer %" PRId64 " stands there twice",
                        r->path, r->language, r->strategy, layer);
    return take_list(r, &out->layer[at], list);
}

static int
take_root(const struct reading *r, struct moe_experts *out, json_t *root)
{
    json_t *language, *lists = NULL, *list;
    const char *key;
    if (!json_is_object(root))
        return moe_fail(r->err, MOE_EFORMAT, "%s: want a map of languages",
                        r->path);
    int rc = member(r, &language, root, "language", r->language);
    if (!rc)
        rc = member(r, &lists, language, "strategy", r->strategy);
    if (rc)
        return rc;
    if (!json_is_object(lists))
        return moe_fail(r->err, MOE_EFORMAT,
                        "%s: %s: %s: want a map from layer to experts", r->path,
                        r->language, r->strategy);
    out->layer = mem_zero(json_object_size(lists), sizeof *out->layer);
    if (!out->layer)
        return no_memory(r);
    json_object_foreach(lists, key, list) if (!rc) rc =
        take_layer(r, out, key, list);
    return rc;
}

int
moe_experts_read(struct moe_err *err, struct moe_experts *out, const char *path,
                 const char *language, const char *strategy, int64_t L,
                 int64_t E)
{
    const struct reading r = {err, path, language, strategy, L, E};
    json_t *root;
    *out = (struct moe_experts){0};
    int rc = json_read(err, &root, path);
    if (rc)
        return rc;
    rc = take_root(&r, out, root);
    if (rc)
        moe_experts_free(out);
    json_decref(root);
    return rc;
}
