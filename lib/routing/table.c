/*
 * table.c - a table of counters as a file, so that a job can go on where it
 * was.
 *
 * JSON: numbers are printed with 17 digits, which give the same double back,
 * and no byte order or struct layout is in the file.
 */
#include <polymoe/routing.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/json.h"

static const char format_name[] = "polymoe-routing-2";

/* The array, or NULL when an element found no memory. */
static json_t *
whole(json_t *array, int64_t n)
{
    if ((int64_t)json_array_size(array) == n)
        return array;
    json_decref(array);
    return NULL;
}

static json_t *
counts_pack(const uint64_t *x, int64_t n)
{
    json_t *out = json_array();
    for (int64_t i = 0; i < n; i++)
        json_array_append_new(out, json_integer((json_int_t)x[i]));
    return whole(out, n);
}

static json_t *
reals_pack(const double *x, int64_t n)
{
    json_t *out = json_array();
    for (int64_t i = 0; i < n; i++)
        json_array_append_new(out, json_real(x[i]));
    return whole(out, n);
}

static json_t *
language_pack(const struct moe_routing_language *p, int64_t cells)
{
    return json_pack(
        "{s:s, s:I, s:I, s:I, s:f, s:o, s:o, s:o, s:o}", "name", p->name,
        "tokens", (json_int_t)p->tokens, "documents", (json_int_t)p->documents,
        "predicted", (json_int_t)p->predicted, "nll", p->nll, "count",
        counts_pack(p->count, cells), "pooled", reals_pack(p->pooled, cells),
        "by_document", reals_pack(p->by_document, cells), "gate",
        reals_pack(p->gate, cells));
}

int
moe_routing_save(struct moe_err *err, const struct moe_routing *r,
                 const char *path, const char *identity)
{
    json_t *languages = json_array();
    int bad = !languages;
    for (int64_t i = 0; i < r->n; i++)
        bad |= json_array_append_new(
            languages, language_pack(r->language[i], r->L * r->E));
    json_t *root = json_pack("{s:s, s:s, s:I, s:I, s:I, s:o}", "format",
                             format_name, "identity", identity, "layers",
                             (json_int_t)r->L, "experts", (json_int_t)r->E,
                             "top_k", (json_int_t)r->K, "languages", languages);
    int rc = bad || !root
                 ? moe_fail(err, MOE_ENOMEM, "%s: not enough memory", path)
                 : json_write_sealed(err, root, path);
    json_decref(root);
    return rc;
}

static bool
counts_unpack(uint64_t *out, const json_t *from, int64_t n)
{
    if ((int64_t)json_array_size(from) != n)
        return false;
    for (int64_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(from, (size_t)i);
        if (!json_is_integer(x) || json_integer_value(x) < 0)
            return false;
        out[i] = (uint64_t)json_integer_value(x);
    }
    return true;
}

static bool
reals_unpack(double *out, const json_t *from, int64_t n)
{
    if ((int64_t)json_array_size(from) != n)
        return false;
    for (int64_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(from, (size_t)i);
        out[i] = json_number_value(x);
        if (!json_is_number(x) || !(out[i] >= 0))
            return false;
    }
    return true;
}

/* Each layer must hold K choices a token: a file that was cut or edited does
 * not pass for a measurement. */
static bool
adds_up(const struct moe_routing_language *p, const struct moe_routing *r)
{
    for (int64_t l = 0; l < r->L; l++) {
        uint64_t sum = 0;
        for (int64_t e = 0; e < r->E; e++)
            sum += p->count[l * r->E + e];
        if (sum != p->tokens * (uint64_t)r->K)
            return false;
    }
    return true;
}

static int
language_unpack(struct moe_err *err, struct moe_routing *r, json_t *from,
                const char *path)
{
    const char *name;
    json_int_t tokens, documents, predicted;
    double nll;
    json_t *count, *pooled, *by_document, *gate;
    if (json_unpack(from, "{s:s, s:I, s:I, s:I, s:F, s:o, s:o, s:o, s:o}",
                    "name", &name, "tokens", &tokens, "documents", &documents,
                    "predicted", &predicted, "nll", &nll, "count", &count,
                    "pooled", &pooled, "by_document", &by_document, "gate",
                    &gate) ||
        tokens < 0 || documents < 0 || predicted < 0)
        return moe_fail(err, MOE_EFORMAT, "%s: a language is not complete",
                        path);
    struct moe_routing_language *p;
    int rc = moe_routing_add(err, r, name, &p);
    if (rc)
        return rc;
    p->tokens = (uint64_t)tokens;
    p->documents = (uint64_t)documents;
    p->predicted = (uint64_t)predicted;
    p->nll = nll;
    const int64_t cells = r->L * r->E;
    if (counts_unpack(p->count, count, cells) &&
        reals_unpack(p->pooled, pooled, cells) &&
        reals_unpack(p->by_document, by_document, cells) &&
        reals_unpack(p->gate, gate, cells) && adds_up(p, r))
        return MOE_OK;
    return moe_fail(err, MOE_EFORMAT,
                    "%s: %s: the counters are damaged or do not add up", path,
                    name);
}

static int
table_unpack(struct moe_err *err, struct moe_routing *r, json_t *root,
             const char *path, const char *identity)
{
    const char *format, *made_from;
    json_int_t L, E, K;
    json_t *languages, *language;
    size_t i;
    if (json_unpack(root, "{s:s, s:s, s:I, s:I, s:I, s:o}", "format", &format,
                    "identity", &made_from, "layers", &L, "experts", &E,
                    "top_k", &K, "languages", &languages) ||
        strcmp(format, format_name) != 0)
        return moe_fail(err, MOE_EFORMAT, "%s: not a table of format %s", path,
                        format_name);
    if (strcmp(made_from, identity) != 0)
        return moe_fail(err, MOE_ESTATE, "%s: made from %s, want %s", path,
                        made_from, identity);
    int rc = moe_routing_init(err, r, L, E, K);
    json_array_foreach(languages, i, language) rc =
        rc ? rc : language_unpack(err, r, language, path);
    return rc;
}

int
moe_routing_load(struct moe_err *err, struct moe_routing *r, const char *path,
                 const char *identity)
{
    *r = (struct moe_routing){0};
    json_t *root;
    int rc = json_read_sealed(err, &root, path);
    if (rc)
        return rc;
    rc = table_unpack(err, r, root, path, identity);
    if (rc)
        moe_routing_free(r);
    json_decref(root);
    return rc;
}
