/*
 * json.c - jansson with our errors: duplicates refused, place named.
 */
#include "base/json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"

/* Larger than any tokenizer.json or safetensors index we know of. */
static const size_t JSON_LIMIT = (size_t)1 << 30;

int
json_parse(struct moe_err *err, json_t **out, const char *text, size_t n,
           const char *name)
{
    json_error_t e;
    *out = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
    if (*out)
        return MOE_OK;
    if (json_error_code(&e) == json_error_out_of_memory)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", name);
    return moe_fail(err, MOE_EFORMAT, "%s:%d: %s", name, e.line, e.text);
}

int
json_read(struct moe_err *err, json_t **out, const char *path)
{
    char *text;
    size_t n;
    *out = NULL;
    int rc = fs_read(err, &text, &n, path, JSON_LIMIT);
    if (rc)
        return rc;
    rc = json_parse(err, out, text, n, path);
    free(text);
    return rc;
}

static int
write_text(struct moe_err *err, const json_t *root, const char *path,
           size_t flags)
{
    char *text = json_dumps(root, flags);
    if (!text)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    struct fs_writer w;
    int rc = fs_create(err, &w, path);
    if (!rc)
        rc = fs_put(err, &w, text, strlen(text));
    if (!rc)
        rc = fs_put(err, &w, "\n", 1);
    rc = rc ? (fs_abort(&w), rc) : fs_commit(err, &w);
    free(text);
    return rc;
}

int
json_write(struct moe_err *err, const json_t *root, const char *path)
{
    return write_text(err, root, path, JSON_INDENT(2));
}

static const char seal_key[] = "sha256";

/* Of the members in the order of their names, numbers as they are written. */
static bool
seal_of(char hex[HASH_HEX], const json_t *root)
{
    struct hash h;
    char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        return false;
    hash_begin(&h);
    hash_add_text(&h, text);
    hash_end(&h, hex);
    free(text);
    return true;
}

int
json_write_sealed(struct moe_err *err, json_t *root, const char *path)
{
    char hex[HASH_HEX];
    json_object_del(root, seal_key);
    if (!seal_of(hex, root) ||
        json_object_set_new(root, seal_key, json_string(hex)) != 0)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    return write_text(err, root, path, JSON_COMPACT);
}

int
json_read_sealed(struct moe_err *err, json_t **out, const char *path)
{
    char hex[HASH_HEX];
    int rc = json_read(err, out, path);
    if (rc)
        return rc;
    json_t *seal = json_incref(json_object_get(*out, seal_key));
    json_object_del(*out, seal_key);
    if (!seal_of(hex, *out))
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    else if (!json_is_string(seal) || strcmp(json_string_value(seal), hex) != 0)
        rc = moe_fail(err, MOE_EFORMAT,
                      "%s: damaged: its checksum is not that of its content",
                      path);
    json_decref(seal);
    if (rc) {
        json_decref(*out);
        *out = NULL;
    }
    return rc;
}
