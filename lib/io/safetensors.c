/*
 * safetensors.c - reading tensor files.
 */
#include "io/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

/* The format's own limit of a header, and what bounds the parser's memory: no
 * header nests deeper or has longer arrays than a shape. */
enum { HEADER_LIMIT = 100000000, DEPTH_LIMIT = 3, ARRAY_LIMIT = 16 };

/* clang-format off */
static const struct {
    const char *name;
    unsigned bits;
} types[] = {
    {"BOOL", 8},    {"U8", 8},      {"I8", 8},      {"F8_E4M3", 8},
    {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"F6_E2M3", 6}, {"F6_E3M2", 6},
    {"F4", 4},      {"I16", 16},    {"U16", 16},    {"F16", 16},
    {"BF16", 16},   {"I32", 32},    {"U32", 32},    {"F32", 32},
    {"F64", 64},    {"I64", 64},    {"U64", 64},    {"C64", 64},
};
/* clang-format on */

static unsigned
type_bits(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].bits;
    return 0;
}

/* Refuse shapes of JSON that no header has before a parser allocates for them.
 * The parser checks the grammar; this only counts outside of strings. */
static int
scan_header(struct moe_err *err, const char *path, const char *s, size_t n)
{
    unsigned depth = 0, commas[DEPTH_LIMIT + 1] = {0};
    char open[DEPTH_LIMIT + 1] = {0};
    bool text = false;
    for (size_t i = 0; i < n; i++) {
        if (text && s[i] == '\\')
            i++;
        else if (s[i] == '"')
            text = !text;
        else if (text)
            continue;
        else if (s[i] == '{' || s[i] == '[') {
            if (++depth > DEPTH_LIMIT)
                return moe_fail(err, MOE_EFORMAT,
                                "%s: header nests deeper than %d", path,
                                DEPTH_LIMIT);
            open[depth] = s[i];
            commas[depth] = 0;
        } else if (s[i] == '}' || s[i] == ']')
            depth -= depth > 0;
        else if (s[i] == ',' && open[depth] == '[' &&
                 ++commas[depth] > ARRAY_LIMIT)
            return moe_fail(err, MOE_EFORMAT,
                            "%s: header has an array of more than %d elements",
                            path, ARRAY_LIMIT);
    }
    return MOE_OK;
}

/* Parse the header; *at becomes the place of the first data byte. */
static int
read_header(struct moe_err *err, struct safetensors *st, uint64_t *at)
{
    const unsigned char *p = st->map.data;
    if (st->map.size < 9)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: %zu bytes, too short for a safetensors file",
                        st->path, st->map.size);
    uint64_t n = 0;
    for (int i = 7; i >= 0; i--)
        n = n << 8 | p[i];
    if (n < 2 || n > HEADER_LIMIT)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: header of %llu bytes, want 2 to %d", st->path,
                        (unsigned long long)n, HEADER_LIMIT);
    if (n > st->map.size - 8)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: truncated: header of %llu bytes in a file of %zu",
                        st->path, (unsigned long long)n, st->map.size);
    const char *text = (const char *)p + 8;
    if (*text != '{')
        return moe_fail(err, MOE_EFORMAT,
                        "%s: header begins with byte 0x%02x, want '{'",
                        st->path, p[8]);
    int rc = scan_header(err, st->path, text, (size_t)n);
    if (!rc)
        rc = json_parse(err, &st->header, text, (size_t)n, st->path);
    *at = 8 + n;
    return rc;
}

static int
check_metadata(struct moe_err *err, const struct safetensors *st)
{
    const char *key;
    json_t *value, *object = json_object_get(st->header, "__metadata__");
    if (object && !json_is_object(object))
        return moe_fail(err, MOE_EFORMAT, "%s: __metadata__ is not an object",
                        st->path);
    json_object_foreach(object, key, value)
    {
        if (!json_is_string(value))
            return moe_fail(err, MOE_EFORMAT,
                            "%s: __metadata__: '%s' is not a string", st->path,
                            key);
    }
    return MOE_OK;
}

static int
read_shape(struct moe_err *err, const char *path, struct st_tensor *t,
           const json_t *shape)
{
    size_t rank = json_array_size(shape);
    if (!json_is_array(shape) || rank > SAFETENSORS_RANK)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: tensor '%s': shape is not an array of at most %d",
                        path, t->name, SAFETENSORS_RANK);
    t->rank = (int)rank;
    for (size_t i = 0; i < SAFETENSORS_RANK; i++) {
        const json_t *d = json_array_get(shape, i);
        t->dim[i] = d ? json_integer_value(d) : 1;
        if (d && (!json_is_integer(d) || t->dim[i] < 0))
            return moe_fail(err, MOE_EFORMAT,
                            "%s: tensor '%s': shape[%zu] is not a size", path,
                            t->name, i);
    }
    return MOE_OK;
}

/* Bytes of a tensor; false when that overflows or is no whole number. */
static bool
tensor_bytes(uint64_t *out, const struct st_tensor *t)
{
    uint64_t factor[SAFETENSORS_RANK + 1], bits;
    for (int i = 0; i < SAFETENSORS_RANK; i++)
        factor[i] = (uint64_t)t->dim[i];
    factor[SAFETENSORS_RANK] = type_bits(t->type);
    if (!mem_product(&bits, factor, SAFETENSORS_RANK + 1) || bits % 8)
        return false;
    *out = bits / 8;
    return true;
}

static int
read_offsets(struct moe_err *err, const char *path, struct st_tensor *t,
             const json_t *pair)
{
    const json_t *b = json_array_get(pair, 0), *e = json_array_get(pair, 1);
    if (json_array_size(pair) != 2 || !json_is_integer(b) ||
        !json_is_integer(e) || json_integer_value(b) < 0 ||
        json_integer_value(e) < json_integer_value(b))
        return moe_fail(err, MOE_EFORMAT,
                        "%s: tensor '%s': data_offsets is not a pair of "
                        "ascending sizes",
                        path, t->name);
    t->begin = (uint64_t)json_integer_value(b);
    t->end = (uint64_t)json_integer_value(e);
    return MOE_OK;
}

static int
read_tensor(struct moe_err *err, const char *path, struct st_tensor *t,
            const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (strcmp(key, "dtype") != 0 && strcmp(key, "shape") != 0 &&
            strcmp(key, "data_offsets") != 0)
            return moe_fail(err, MOE_EFORMAT,
                            "%s: tensor '%s': unknown key '%s'", path, t->name,
                            key);
    }
    t->type = json_string_value(json_object_get(object, "dtype"));
    if (!t->type || !type_bits(t->type))
        return moe_fail(err, MOE_EFORMAT, "%s: tensor '%s': unknown dtype '%s'",
                        path, t->name, t->type ? t->type : "");
    t->dtype = dtype_find(t->type);
    int rc = read_shape(err, path, t, json_object_get(object, "shape"));
    if (!rc)
        rc =
            read_offsets(err, path, t, json_object_get(object, "data_offsets"));
    if (rc)
        return rc;
    uint64_t bytes;
    if (!tensor_bytes(&bytes, t))
        return moe_fail(err, MOE_EFORMAT,
                        "%s: tensor '%s': shape and dtype %s give no size in "
                        "bytes that fits",
                        path, t->name, t->type);
    if (bytes != t->end - t->begin)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: tensor '%s': %llu bytes of data, its shape wants "
                        "%llu",
                        path, t->name, (unsigned long long)(t->end - t->begin),
                        (unsigned long long)bytes);
    return MOE_OK;
}

static int
read_tensors(struct moe_err *err, struct safetensors *st)
{
    const char *key;
    json_t *value;
    st->tensor = mem_zero(json_object_size(st->header), sizeof *st->tensor);
    if (!st->tensor)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", st->path);
    json_object_foreach(st->header, key, value)
    {
        if (strcmp(key, "__metadata__") == 0)
            continue;
        struct st_tensor *t = &st->tensor[st->n++];
        t->name = key;
        if (!json_is_object(value))
            return moe_fail(err, MOE_EFORMAT,
                            "%s: tensor '%s' is not an object", st->path, key);
        int rc = read_tensor(err, st->path, t, value);
        if (rc)
            return rc;
    }
    return MOE_OK;
}

static int
compare_places(const void *a, const void *b)
{
    const struct st_tensor *s = a, *t = b;
    if (s->begin != t->begin)
        return s->begin < t->begin ? -1 : 1;
    return (s->end > t->end) - (s->end < t->end);
}

static int
compare_names(const void *a, const void *b)
{
    const struct st_tensor *s = a, *t = b;
    return strcmp(s->name, t->name);
}

/* The tensors fill the file from its header to its last byte, in order. */
static int
check_places(struct moe_err *err, struct safetensors *st, uint64_t at)
{
    uint64_t next = 0, size = st->map.size - at;
    qsort(st->tensor, st->n, sizeof *st->tensor, compare_places);
    for (size_t i = 0; i < st->n; i++) {
        struct st_tensor *t = &st->tensor[i];
        if (t->begin != next)
            return moe_fail(err, MOE_EFORMAT,
                            "%s: tensor '%s' begins at byte %llu of the data: "
                            "%s, want %llu",
                            st->path, t->name, (unsigned long long)t->begin,
                            t->begin < next ? "an overlap" : "a gap",
                            (unsigned long long)next);
        if (t->end > size)
            return moe_fail(err, MOE_EFORMAT,
                            "%s: truncated: tensor '%s' ends at byte %llu of "
                            "the data, the file has %llu",
                            st->path, t->name, (unsigned long long)t->end,
                            (unsigned long long)size);
        t->data = st->map.data + at + t->begin;
        next = t->end;
    }
    if (next != size)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: %llu bytes after the last tensor, want none",
                        st->path, (unsigned long long)(size - next));
    return MOE_OK;
}

int
safetensors_open(struct moe_err *err, struct safetensors *st, const char *path)
{
    uint64_t at = 0;
    *st = (struct safetensors){.path = str_copy(path)};
    int rc = st->path ? fs_map_open(err, &st->map, path)
                      : moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    if (!rc)
        rc = read_header(err, st, &at);
    if (!rc)
        rc = check_metadata(err, st);
    if (!rc)
        rc = read_tensors(err, st);
    if (!rc)
        rc = check_places(err, st, at);
    if (rc) {
        safetensors_close(st);
        return rc;
    }
    st->metadata = json_object_get(st->header, "__metadata__");
    qsort(st->tensor, st->n, sizeof *st->tensor, compare_names);
    return MOE_OK;
}

void
safetensors_close(struct safetensors *st)
{
    free(st->tensor);
    json_decref(st->header);
    fs_map_close(&st->map);
    free(st->path);
    *st = (struct safetensors){0};
}

const struct st_tensor *
safetensors_find(const struct safetensors *st, const char *name)
{
    struct st_tensor key = {.name = name};
    if (!st->n)
        return NULL;
    return bsearch(&key, st->tensor, st->n, sizeof key, compare_names);
}

int
safetensors_get(struct moe_err *err, const struct st_tensor **out,
                const struct safetensors *st, const char *name,
                enum dtype dtype, int rank)
{
    const struct st_tensor *t = safetensors_find(st, name);
    *out = t;
    if (!t)
        return moe_fail(err, MOE_EFORMAT, "%s: no tensor '%s'", st->path, name);
    if (t->dtype != (int)dtype || t->rank != rank)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: tensor '%s': found %s of rank %d, want %s of "
                        "rank %d",
                        st->path, name, t->type, t->rank, dtype_name(dtype),
                        rank);
    return MOE_OK;
}
