/*
 * usage_json.c - the counters of a language as JSON, and back.
 */
#include "config.h"

#include "routing/usage.h"

#include <math.h>

#include "base/mem.h"

/* The array, or NULL when an element found no memory. */
static json_t *
whole(json_t *array, size_t n)
{
    if (json_array_size(array) == n)
        return array;
    json_decref(array);
    return NULL;
}

json_t *
usage_pack_counts(const uint64_t *x, size_t n)
{
    json_t *out = json_array();
    size_t want = 0;
    for (size_t i = 0; i < n; i++)
        if (x[i]) {
            json_array_append_new(out, json_integer((json_int_t)i));
            json_array_append_new(out, json_integer((json_int_t)x[i]));
            want += 2;
        }
    return whole(out, want);
}

bool
usage_unpack_counts(uint64_t *x, size_t n, const json_t *from)
{
    const size_t m = json_array_size(from);
    if (!json_is_array(from) || m % 2)
        return false;
    for (size_t i = 0; i < m; i += 2) {
        const json_int_t at = json_integer_value(json_array_get(from, i));
        const json_int_t value =
            json_integer_value(json_array_get(from, i + 1));
        if (at < 0 || (size_t)at >= n || value <= 0)
            return false;
        x[at] = (uint64_t)value;
    }
    return true;
}

static json_t *
layer_pack(const struct usage_layer *l)
{
    json_t *token = json_array();
    for (size_t i = 0; i < l->n; i++)
        json_array_append_new(
            token, json_pack("[i, i, I, I]", l->token[i].expert,
                             l->token[i].token, (json_int_t)l->token[i].count,
                             (json_int_t)l->token[i].of));
    return json_pack("{s:I, s:I, s:f, s:o}", "layer", (json_int_t)l->layer,
                     "ids", (json_int_t)l->ids, "specialization",
                     isnan(l->specialization) ? 0 : l->specialization, "token",
                     whole(token, l->n));
}

json_t *
usage_pack(const struct usage *u)
{
    const size_t pairs = (size_t)(u->L * u->E * u->E);
    const size_t common = (size_t)(u->L * (u->K + 1));
    json_t *layers = json_array();
    for (int64_t c = 0; c < u->C; c++)
        json_array_append_new(layers, layer_pack(&u->layer[c]));
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "seen",
        usage_pack_counts(u->seen, (size_t)u->V), "together",
        usage_pack_counts(u->together, u->together ? pairs : 0), "adjacent",
        usage_pack_counts(u->adjacent, u->adjacent ? pairs : 0), "common",
        usage_pack_counts(u->common, u->common ? common : 0), "layers",
        whole(layers, (size_t)u->C));
}

static bool
token_unpack(struct usage_token *t, const struct usage *u, json_t *from)
{
    json_int_t count, of;
    int expert, token;
    if (json_unpack(from, "[i, i, I, I]", &expert, &token, &count, &of) ||
        expert < 0 || expert >= u->E || token < 0 || token >= u->V ||
        count < 1 || of < count)
        return false;
    *t = (struct usage_token){expert, token, (uint64_t)count, (uint64_t)of};
    return true;
}

static bool
layer_unpack(struct usage_layer *l, const struct usage *u, json_t *from)
{
    json_int_t layer, ids;
    json_t *token;
    if (json_unpack(from, "{s:I, s:I, s:F, s:o}", "layer", &layer, "ids", &ids,
                    "specialization", &l->specialization, "token", &token) ||
        layer < 0 || layer >= u->L || ids < 0)
        return false;
    l->layer = layer;
    l->ids = ids;
    l->specialization = ids ? l->specialization : NAN;
    l->cap = json_array_size(token);
    l->token = mem_zero(l->cap, sizeof *l->token);
    for (l->n = 0; l->token && l->n < l->cap; l->n++)
        if (!token_unpack(&l->token[l->n], u, json_array_get(token, l->n)))
            return false;
    return l->token != NULL;
}

int
usage_unpack(struct moe_err *err, struct usage *u, const json_t *from,
             const char *path)
{
    const size_t pairs = (size_t)(u->L * u->E * u->E);
    const size_t common = (size_t)(u->L * (u->K + 1));
    const json_t *layers = json_object_get(from, "layers");
    bool ok = usage_unpack_counts(u->seen, (size_t)u->V,
                                  json_object_get(from, "seen")) &&
              usage_unpack_counts(u->together, u->together ? pairs : 0,
                                  json_object_get(from, "together")) &&
              usage_unpack_counts(u->adjacent, u->adjacent ? pairs : 0,
                                  json_object_get(from, "adjacent")) &&
              usage_unpack_counts(u->common, u->common ? common : 0,
                                  json_object_get(from, "common")) &&
              (int64_t)json_array_size(layers) == u->C;
    for (int64_t c = 0; ok && c < u->C; c++)
        ok = layer_unpack(&u->layer[c], u, json_array_get(layers, (size_t)c));
    return ok ? MOE_OK
              : moe_fail(err, MOE_EFORMAT, "%s: not the counters of a language",
                         path);
}
