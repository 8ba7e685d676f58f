/*
 * tiny.c - small OLMoE checkpoints in every spelling, right and wrong.
 */
#include "config.h"

#include "tests/tiny.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/str.h"
#include "io/safetensors.h"
#include "model/family.h"
#include "model/names.h"

static const char CONFIG[] =
    "{\"model_type\":\"olmoe\",\"vocab_size\":83,\"hidden_size\":32,"
    "\"num_hidden_layers\":2,\"num_attention_heads\":4,\"num_experts\":8,"
    "\"num_experts_per_tok\":2,\"intermediate_size\":24,\"eos_token_id\":0}";

/* One tensor to be written: its entry and its bytes. */
struct piece {
    struct st_entry entry;
    void *data;
};

struct maker {
    const struct tiny *t;
    struct moe_config config;
    const char *const *names;
    struct piece *piece;
    size_t n;
};

/* The numbers of a parameter, widened; the place after them. */
static float *
put_values(float *to, const struct param *p, const struct moe_config *c)
{
    size_t n = (size_t)param_elements(p->kind, c);
    struct tensor shape = param_shape(p->kind, c);
    bool norm = param_group(p->kind) == GROUP_NORM;
    double scale = norm ? 0.2 : shape.rank == 1 ? 0.1 : 1;
    if (shape.rank > 1)
        scale = (p->kind == PARAM_ROUTER ? 1.5 : 1) /
                sqrt((double)shape.dim[shape.rank - 1]);
    uint64_t stream = (uint64_t)(p->kind * 10000 + p->layer * 100 + p->expert);
    for (size_t i = 0; i < n; i++)
        to[i] = (float)(norm + scale * rng_normal(7, stream, i));
    return to + n;
}

static void
narrow(void *to, const float *from, enum dtype t, size_t n)
{
    uint16_t *half = to;
    if (t != DTYPE_BF16 && t != DTYPE_F16) {
        memcpy(to, from, n * sizeof *from);
        return;
    }
    for (size_t i = 0; i < n; i++)
        half[i] = t == DTYPE_BF16 ? dtype_f32_to_bf16(from[i])
                                  : dtype_f32_to_f16(from[i]);
}

static bool
is(const char *wish, const char *name)
{
    return wish && strcmp(wish, name) == 0;
}

/* Add a tensor of the shape of `kind` with these numbers. */
static void
add(struct maker *m, const char *name, const struct tensor *shape, float *x)
{
    if (is(m->t->drop, name)) {
        free(x);
        return;
    }
    struct piece *p = &m->piece[m->n++];
    size_t n = (size_t)tensor_count(shape);
    p->entry = (struct st_entry){.name = str_copy(name),
                                 .dtype = is(m->t->typed, name) ? DTYPE_U32
                                                                : m->t->dtype,
                                 .rank = shape->rank};
    memcpy(p->entry.dim, shape->dim, sizeof shape->dim);
    if (is(m->t->zero, name))
        memset(x, 0, n * sizeof *x);
    if (is(m->t->nan, name))
        x[0] = NAN;
    if (is(m->t->tall, name)) {
        p->entry.dim[0]++;
        n += n / (size_t)shape->dim[0];
    }
    p->data = calloc(n, sizeof(float));
    ck_assert_ptr_nonnull(p->data);
    narrow(p->data, x, p->entry.dtype, (size_t)tensor_count(shape));
    free(x);
}

static void
add_param(struct maker *m, const struct param *p)
{
    char name[NAMES_BYTES];
    struct tensor shape = param_shape(p->kind, &m->config);
    float *x = malloc((size_t)tensor_count(&shape) * sizeof *x);
    ck_assert_ptr_nonnull(x);
    put_values(x, p, &m->config);
    if (m->t->fill)
        m->t->fill(x, p, (size_t)tensor_count(&shape));
    add(m, names_format(name, m->names, p), &shape, x);
}

static void
add_fused(struct maker *m, int layer)
{
    static const enum param_kind kinds[] = {PARAM_FUSED_GATE_UP,
                                            PARAM_FUSED_DOWN};
    for (int i = 0; i < 2; i++) {
        char name[NAMES_BYTES];
        struct param p = {kinds[i], layer, 0};
        struct tensor shape = param_shape(kinds[i], &m->config);
        float *x = malloc((size_t)tensor_count(&shape) * sizeof *x), *at = x;
        ck_assert_ptr_nonnull(x);
        for (int e = 0; e < m->config.E; e++) {
            if (i == 0)
                at = put_values(at, &(struct param){PARAM_GATE, layer, e},
                                &m->config);
            at = put_values(
                at, &(struct param){i ? PARAM_DOWN : PARAM_UP, layer, e},
                &m->config);
        }
        add(m, names_format(name, m->names, &p), &shape, x);
    }
}

static void
add_all(struct maker *m)
{
    struct moe_err err = {0};
    struct param *list;
    size_t n;
    ck_ok(&err, params_list(&err, &list, &n, &m->config));
    m->piece = calloc(n + 8, sizeof *m->piece);
    ck_assert_ptr_nonnull(m->piece);
    for (size_t i = 0; i < n; i++)
        if (!m->t->fused || param_scope(list[i].kind) != SCOPE_EXPERT)
            add_param(m, &list[i]);
    for (int l = 0; m->t->fused && l < m->config.L; l++)
        add_fused(m, l);
    free(list);
    if (m->t->head) {
        struct tensor shape = param_shape(PARAM_EMBED, &m->config);
        float *x = malloc((size_t)tensor_count(&shape) * sizeof *x);
        ck_assert_ptr_nonnull(x);
        put_values(x, &(struct param){.kind = PARAM_EMBED}, &m->config);
        add(m, m->names[PARAM_HEAD], &shape, x);
    }
    if (m->t->extra) {
        struct tensor one = tensor_shape(DTYPE_F32, 0, NULL);
        add(m, m->t->extra, &one, calloc(1, sizeof(float)));
    }
}

/* The pieces file, file + step, ... to one file. */
static void
write_file(struct maker *m, const char *path, size_t file, size_t step)
{
    struct moe_err err = {0};
    struct st_writer w;
    struct st_entry *entry = calloc(m->n, sizeof *entry);
    size_t n = 0;
    ck_assert_ptr_nonnull(entry);
    for (size_t i = file; i < m->n; i += step)
        entry[n++] = m->piece[i].entry;
    ck_ok(&err, safetensors_create(&err, &w, path, entry, n, NULL));
    for (size_t i = 0; i < n; i++)
        ck_ok(&err,
              safetensors_put(&err, &w, i, 0, m->piece[file + i * step].data,
                              (size_t)(entry[i].end - entry[i].begin)));
    ck_ok(&err, safetensors_commit(&err, &w));
    free(entry);
}

static void
write_weights(struct maker *m, const char *dir)
{
    struct moe_err err = {0};
    size_t step = m->t->shards ? (size_t)m->t->shards : 1;
    json_t *map = json_object();
    for (size_t f = 0; f < step; f++) {
        char name[64] = "model.safetensors";
        if (m->t->shards)
            snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors",
                     f + 1, step);
        char *path = str_path(dir, name);
        write_file(m, path, f, step);
        free(path);
        for (size_t i = f; i < m->n; i += step)
            json_object_set_new(map, m->piece[i].entry.name, json_string(name));
    }
    json_t *index = json_pack("{s:o}", "weight_map", map);
    char *path = str_path(dir, "model.safetensors.index.json");
    if (m->t->shards)
        ck_ok(&err, json_write(&err, index, path));
    free(path);
    json_decref(index);
}

static void
write_config(struct maker *m, const char *dir)
{
    struct moe_err err = {0};
    json_t *root, *more = NULL;
    const char *change = m->t->config ? m->t->config : "{}";
    char *path = str_path(dir, "config.json");
    ck_ok(&err, json_parse(&err, &root, CONFIG, strlen(CONFIG), "tiny"));
    ck_ok(&err, json_parse(&err, &more, change, strlen(change), "change"));
    json_object_update(root, more);
    ck_ok(&err, json_write(&err, root, path));
    ck_ok(&err, moe_config_read(&err, &m->config, path));
    json_decref(root);
    json_decref(more);
    free(path);
}

const char *
tiny_write(const char *name, const struct tiny *t)
{
    struct moe_err err = {0};
    const char *dir = support_path(name);
    struct maker m = {.t = t, .names = family_find("olmoe")->names};
    ck_ok(&err, fs_mkdirs(&err, dir, 0777));
    write_config(&m, dir);
    add_all(&m);
    write_weights(&m, dir);
    for (size_t i = 0; i < m.n; i++) {
        free((char *)(uintptr_t)m.piece[i].entry.name);
        free(m.piece[i].data);
    }
    free(m.piece);
    moe_config_free(&m.config);
    return dir;
}
