/*
 * config.c - config.json: every key checked, in its old and new spellings.
 *
 * A key is declared once, in the table; what a table cannot say (spellings of
 * the rotary base, of the stored type, lists of token ids) has a function.
 */
#include "config.h"

#include <polymoe/model.h>

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/family.h"
#include "model/model.h"

enum { FILE_LIMIT = 16 << 20, FOUND_BYTES = 60 };

enum kind { KEY_INT, KEY_REAL, KEY_BOOL };

/* What an absent or null key means. */
enum absent { REQUIRED, DEFAULT };

struct key {
    const char *name;
    enum kind kind;
    enum absent absent;
    size_t offset;   // in moe_config; NOT_KEPT: checked only
    double min, max; // of a number
};

static const size_t NOT_KEPT = SIZE_MAX;

#define AT(field) offsetof(struct moe_config, field)

/* clang-format off */
static const struct key keys[] = {
    {"vocab_size",              KEY_INT,  REQUIRED, AT(V), 1, 1 << 27},
    {"hidden_size",             KEY_INT,  REQUIRED, AT(D), 1, 1 << 20},
    {"num_hidden_layers",       KEY_INT,  REQUIRED, AT(L), 1, 1024},
    {"num_attention_heads",     KEY_INT,  REQUIRED, AT(H), 1, 4096},
    {"num_key_value_heads",     KEY_INT,  DEFAULT,  AT(G), 1, 4096},
    {"head_dim",                KEY_INT,  DEFAULT,  AT(S), 1, 1 << 16},
    {"num_experts",             KEY_INT,  REQUIRED, AT(E), 1, 4096},
    {"num_experts_per_tok",     KEY_INT,  REQUIRED, AT(K), 1, 4096},
    {"intermediate_size",       KEY_INT,  REQUIRED, AT(F), 1, 1 << 20},
    {"max_position_embeddings", KEY_INT,  DEFAULT,  AT(max_positions), 1, 1 << 27},
    {"rms_norm_eps",            KEY_REAL, DEFAULT,  AT(rms_eps), 1e-12, 1e-1},
    {"clip_qkv",                KEY_REAL, DEFAULT,  AT(clip_qkv), 1e-6, 1e9},
    {"attention_bias",          KEY_BOOL, DEFAULT,  AT(attention_bias), 0, 0},
    {"norm_topk_prob",          KEY_BOOL, DEFAULT,  AT(norm_topk_prob), 0, 0},
    {"tie_word_embeddings",     KEY_BOOL, DEFAULT,  AT(tie_embeddings), 0, 0},
    {"initializer_range",       KEY_REAL, DEFAULT,  AT(init_std), 0, 10},
    {"router_aux_loss_coef",    KEY_REAL, DEFAULT,  AT(aux_coef), 0, 1000},
    {"attention_dropout",       KEY_REAL, DEFAULT,  NOT_KEPT, 0, 1},
    {"output_router_logits",    KEY_BOOL, DEFAULT,  NOT_KEPT, 0, 0},
    {"use_cache",               KEY_BOOL, DEFAULT,  NOT_KEPT, 0, 0},
};
/* clang-format on */

/* A file being read. */
struct reader {
    struct moe_err *err;
    const char *path;
    const json_t *root;
    struct moe_config *out;
};

/* "PATH: KEY: found VALUE, want ..."; value NULL: missing. */
static int
refuse(const struct reader *r, const char *name, const json_t *value,
       const char *want)
{
    if (!value)
        return moe_fail(r->err, MOE_EFORMAT, "%s: %s: missing, want %s",
                        r->path, name, want);
    char *found = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    moe_fail(r->err, MOE_EFORMAT, "%s: %s: found %.*s, want %s", r->path, name,
             FOUND_BYTES, found ? found : "?", want);
    free(found);
    return MOE_EFORMAT;
}

/* The value of a key, NULL when it is absent or null. */
static const json_t *
get(const struct reader *r, const char *name)
{
    const json_t *v = json_object_get(r->root, name);
    return json_is_null(v) ? NULL : v;
}

static int
refuse_range(const struct reader *r, const struct key *k, const json_t *v)
{
    char want[96];
    if (k->kind == KEY_BOOL)
        snprintf(want, sizeof want, "true or false");
    else
        snprintf(want, sizeof want, "%s from %.10g to %.10g",
                 k->kind == KEY_INT ? "a whole number" : "a number", k->min,
                 k->max);
    return refuse(r, k->name, v, want);
}

static bool
in_range(const struct key *k, const json_t *v)
{
    double x = json_number_value(v);
    if (k->kind == KEY_BOOL)
        return json_is_boolean(v);
    if (k->kind == KEY_INT ? !json_is_integer(v) : !json_is_number(v))
        return false;
    return x >= k->min && x <= k->max;
}

static int
read_key(const struct reader *r, const struct key *k)
{
    const json_t *v = get(r, k->name);
    if (!v && k->absent == DEFAULT)
        return MOE_OK;
    if (!v || !in_range(k, v))
        return refuse_range(r, k, v);
    if (k->offset == NOT_KEPT)
        return MOE_OK;
    void *field = (char *)r->out + k->offset;
    if (k->kind == KEY_INT)
        *(int64_t *)field = json_integer_value(v);
    else if (k->kind == KEY_REAL)
        *(double *)field = json_number_value(v);
    else
        *(bool *)field = json_is_true(v);
    return MOE_OK;
}

static int
read_family(struct reader *r)
{
    const json_t *v = get(r, "model_type");
    const struct family *f = NULL;
    if (json_is_string(v))
        f = family_find(json_string_value(v));
    if (!f) {
        struct str want = {0};
        str_puts(&want, "one of the supported types: ");
        family_list(&want);
        int rc = refuse(r, "model_type", v, want.s ? want.s : "another");
        str_free(&want);
        return rc;
    }
    *r->out = f->defaults;
    snprintf(r->out->model_type, sizeof r->out->model_type, "%s",
             f->model_type);
    return MOE_OK;
}

/* The stored type under its old and its new name. */
static int
read_dtype(const struct reader *r)
{
    static const char want[] = "\"float32\", \"bfloat16\" or \"float16\"";
    static const char *const allowed[] = {"float32", "bfloat16", "float16"};
    static const char *const names[] = {"torch_dtype", "dtype"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *v = get(r, names[i]);
        const char *s = json_string_value(v);
        bool known = false;
        for (size_t k = 0; s && k < 3; k++)
            known = known || strcmp(s, allowed[k]) == 0;
        if (v && !known)
            return refuse(r, names[i], v, want);
        if (v && r->out->dtype[0] && strcmp(r->out->dtype, s) != 0)
            return refuse(r, names[i], v, "the same as torch_dtype");
        if (v)
            snprintf(r->out->dtype, sizeof r->out->dtype, "%s", s);
    }
    return MOE_OK;
}

/* One place where the base of the rotary angles may stand. */
static int
read_theta(const struct reader *r, const char *name, const json_t *v,
           bool *found)
{
    double x = json_number_value(v);
    if (!v || json_is_null(v))
        return MOE_OK;
    if (!json_is_number(v) || !(x >= 1 && x <= 1e12))
        return refuse(r, name, v, "a number from 1 to 1e12");
    if (*found && x != r->out->rope_theta)
        return refuse(r, name, v, "the same value as rope_theta");
    r->out->rope_theta = x;
    *found = true;
    return MOE_OK;
}

/* rope_parameters, and rope_scaling as older files call it: only the plain
 * kind is known, and it may carry the base. */
static int
read_rope_object(const struct reader *r, const char *name, bool *found)
{
    static const char want[] = "null or an object with rope_type \"default\"";
    const json_t *v = get(r, name);
    if (!v)
        return MOE_OK;
    const json_t *type = json_object_get(v, "rope_type");
    if (!type)
        type = json_object_get(v, "type");
    if (!json_is_object(v) ||
        (type && (!json_is_string(type) ||
                  strcmp(json_string_value(type), "default") != 0)))
        return refuse(r, name, v, want);
    char key[64];
    snprintf(key, sizeof key, "%s.rope_theta", name);
    return read_theta(r, key, json_object_get(v, "rope_theta"), found);
}

static int
read_rope(const struct reader *r)
{
    bool found = false;
    int rc = read_theta(r, "rope_theta", get(r, "rope_theta"), &found);
    if (!rc)
        rc = read_rope_object(r, "rope_parameters", &found);
    if (!rc)
        rc = read_rope_object(r, "rope_scaling", &found);
    return rc;
}

/* A token id: null for none; of a list the first. */
static int
read_token(const struct reader *r, const char *name, int64_t *out)
{
    const json_t *v = json_object_get(r->root, name);
    if (!v) { // the family's, unless the vocabulary is too small for it
        if (*out >= r->out->V)
            *out = -1;
        return MOE_OK;
    }
    const json_t *first = json_is_array(v) ? json_array_get(v, 0) : v;
    json_int_t id = json_is_null(v) ? -1 : json_integer_value(first);
    bool ok = json_is_null(v) || (json_is_integer(first) && id >= 0);
    if (!ok || id >= r->out->V)
        return refuse(r, name, v, "a token id below vocab_size, or null");
    *out = id;
    return MOE_OK;
}

static int
read_tokens(const struct reader *r)
{
    int rc = read_token(r, "bos_token_id", &r->out->bos);
    if (!rc)
        rc = read_token(r, "eos_token_id", &r->out->eos);
    if (!rc)
        rc = read_token(r, "pad_token_id", &r->out->pad);
    return rc;
}

static int
read_activation(const struct reader *r)
{
    const json_t *v = get(r, "hidden_act");
    if (v && (!json_is_string(v) || strcmp(json_string_value(v), "silu") != 0))
        return refuse(r, "hidden_act", v, "\"silu\"");
    return MOE_OK;
}

/* What must hold between keys. */
static int
check_together(const struct reader *r)
{
    struct moe_config *c = r->out;
    if (!c->G)
        c->G = c->H;
    if (c->D % c->H)
        return refuse(r, "num_attention_heads", get(r, "num_attention_heads"),
                      "a divisor of hidden_size");
    if (c->S && c->S != c->D / c->H)
        return refuse(r, "head_dim", get(r, "head_dim"),
                      "hidden_size / num_attention_heads");
    c->S = c->D / c->H;
    if (c->S % 2)
        return refuse(r, "hidden_size", get(r, "hidden_size"),
                      "an even number of channels in each attention head");
    if (c->G > c->H || c->H % c->G)
        return refuse(r, "num_key_value_heads", get(r, "num_key_value_heads"),
                      "a divisor of num_attention_heads");
    if (c->K > c->E)
        return refuse(r, "num_experts_per_tok", get(r, "num_experts_per_tok"),
                      "at most num_experts");
    struct moe_param_totals totals;
    return moe_param_count(r->err, &totals, c);
}

static int
read_keys(struct reader *r)
{
    if (!json_is_object(r->root))
        return moe_fail(r->err, MOE_EFORMAT, "%s: not a JSON object", r->path);
    int rc = read_family(r);
    for (size_t i = 0; !rc && i < sizeof keys / sizeof *keys; i++)
        rc = read_key(r, &keys[i]);
    if (!rc)
        rc = read_dtype(r);
    if (!rc)
        rc = read_rope(r);
    if (!rc)
        rc = read_tokens(r);
    if (!rc)
        rc = read_activation(r);
    return rc ? rc : check_together(r);
}

int
config_parse(struct moe_err *err, struct moe_config *out, char *text, size_t n,
             const char *name)
{
    json_t *root = NULL;
    *out = (struct moe_config){0};
    int rc = json_parse(err, &root, text, n, name);
    struct reader r = {err, name, root, out};
    if (!rc)
        rc = read_keys(&r);
    json_decref(root);
    if (rc) {
        free(text);
        *out = (struct moe_config){0};
        return rc;
    }
    out->source = text;
    return MOE_OK;
}

int
moe_config_read(struct moe_err *err, struct moe_config *out, const char *path)
{
    char *text;
    size_t n;
    *out = (struct moe_config){0};
    char *file =
        fs_is_dir(path) ? str_path(path, "config.json") : str_copy(path);
    int rc = file ? fs_read(err, &text, &n, file, FILE_LIMIT)
                  : moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    if (!rc)
        rc = config_parse(err, out, text, n, file);
    free(file);
    return rc;
}

void
moe_config_free(struct moe_config *config)
{
    free(config->source);
    *config = (struct moe_config){0};
}
