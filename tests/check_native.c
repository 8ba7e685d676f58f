/*
 * check_native.c - checkpoints of the OLMo trainer.
 *
 * Claims: every parameter comes from the rows that the trainer's layout gives
 * it, by plain and by encoded names; what is written is read back to the bit;
 * a wrong file is refused with the name of the tensor or the key.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "io/safetensors.h"
#include "model/native.h"

enum { D = 8, H = 2, G = 1, S = 4, L = 2, E = 3, F = 5, V = 11 };
enum { Q = H * S, J = G * S, TENSORS = 2 + 10 * L + 1 };

static const char yaml[] =
    "run_name: x\nmodel:\n  d_model: 8\n  n_heads: 2\n  n_kv_heads: 1\n"
    "  n_layers: 2\n  mlp_hidden_size: 10\n  activation_type: swiglu\n"
    "  block_type: moe\n  layer_norm_type: rms\n  vocab_size: 10\n"
    "  embedding_size: 11\n  max_sequence_length: 64\n  moe_num_experts: 3\n"
    "  moe_top_k: 2\n  moe_loss_weight: 0.01\n  clip_qkv: null\n"
    "  eos_token_id: 4\n  pad_token_id: 1\n";

/* A tensor of the trainer: its suffix, rows (0: a vector) and columns. */
static const struct row {
    const char *name;
    int rows, columns, layer;
} table[] = {{"transformer.wte.weight", V, D, 0},
             {"attn_norm.weight", 0, D, 1},
             {"att_proj.weight", Q + 2 * J, D, 1},
             {"attn_out.weight", D, Q, 1},
             {"q_norm.weight", 0, Q, 1},
             {"k_norm.weight", 0, J, 1},
             {"ff_norm.weight", 0, D, 1},
             {"ffn.router.layer.weight", E, D, 1},
             {"ffn.experts.mlp.w1", E *F, D, 1},
             {"ffn.experts.mlp.v1", E *F, D, 1},
             {"ffn.experts.mlp.w2", E *F, D, 1},
             {"transformer.ln_f.weight", 0, D, 0},
             {"transformer.ff_out.weight", V, D, 0}};

enum { ROWS = sizeof table / sizeof *table };

/* Every element of every tensor has a number of its own. */
static float
value(int row, int layer, int64_t i)
{
    return (float)(row * 100000 + layer * 10000 + i);
}

static void
put_tensor(struct st_writer *w, size_t at, int row, int layer)
{
    struct moe_err err = {0};
    const struct row *r = &table[row];
    float x[V * Q + E * F * D];
    const size_t n = (size_t)((r->rows ? r->rows : 1) * r->columns);
    for (size_t i = 0; i < n; i++)
        x[i] = value(row, layer, (int64_t)i);
    ck_ok(&err, safetensors_put(&err, w, at, 0, x, n * sizeof *x));
}

/* The trainer's file by plain names, without tensor `drop`. */
static const char *
write_plain(const char *dir, const char *drop)
{
    struct moe_err err = {0};
    struct st_entry entry[TENSORS];
    struct st_writer w;
    static char names[TENSORS][64];
    int row[TENSORS], layer[TENSORS];
    size_t n = 0;
    for (int k = 0; k < ROWS; k++)
        for (int l = 0; l < (table[k].layer ? L : 1); l++) {
            const struct row *r = &table[k];
            if (drop && strcmp(drop, r->name) == 0)
                continue;
            if (r->layer)
                snprintf(names[n], sizeof names[n], "transformer.blocks.%d.%s",
                         l, r->name);
            else
                snprintf(names[n], sizeof names[n], "%s", r->name);
            entry[n] = (struct st_entry){
                .name = names[n], .dtype = DTYPE_F32, .rank = r->rows ? 2 : 1};
            for (int i = 0; i < SAFETENSORS_RANK; i++)
                entry[n].dim[i] = 1;
            entry[n].dim[0] = r->rows ? r->rows : r->columns;
            entry[n].dim[1] = r->rows ? r->columns : 1;
            row[n] = k;
            layer[n++] = l;
        }
    const char *path = support_path(dir);
    ck_ok(&err, fs_mkdirs(&err, path, 0777));
    char *file = str_path(path, "model.safetensors");
    char *config = str_path(path, "config.yaml");
    ck_ok(&err, safetensors_create(&err, &w, file, entry, n, NULL));
    for (size_t i = 0; i < n; i++)
        put_tensor(&w, i, row[i], layer[i]);
    ck_ok(&err, safetensors_commit(&err, &w));
    support_write(config, yaml, sizeof yaml - 1);
    free(file);
    free(config);
    return path;
}

/* What element i of a parameter must be, from the layout's description. */
static float
expected(const struct param *p, int64_t i)
{
    const int64_t e = p->expert * F * D;
    switch (p->kind) {
    case PARAM_EMBED:
        return value(0, 0, i);
    case PARAM_ATTN_NORM:
        return value(1, p->layer, i);
    case PARAM_Q:
        return value(2, p->layer, i);
    case PARAM_K:
        return value(2, p->layer, Q * D + i);
    case PARAM_V:
        return value(2, p->layer, (Q + J) * D + i);
    case PARAM_O:
        return value(3, p->layer, i);
    case PARAM_Q_NORM:
        return value(4, p->layer, i);
    case PARAM_K_NORM:
        return value(5, p->layer, i);
    case PARAM_MLP_NORM:
        return value(6, p->layer, i);
    case PARAM_ROUTER:
        return value(7, p->layer, i);
    case PARAM_GATE:
        return value(8, p->layer, e + i);
    case PARAM_UP:
        return value(9, p->layer, e + i);
    case PARAM_DOWN: // (D,F) from (F,D)
        return value(10, p->layer, e + i % F * D + i / F);
    case PARAM_FINAL_NORM:
        return value(11, 0, i);
    case PARAM_HEAD:
        return value(12, 0, i);
    default:
        ck_abort_msg("kind %d", (int)p->kind);
    }
    return 0;
}

/* Every element, in pieces of 7. */
static void
all_there(struct native *n)
{
    struct moe_err err = {0};
    struct param *list;
    size_t count, seen = 0;
    const struct moe_config *c = native_config(n);
    ck_ok(&err, params_list(&err, &list, &count, c));
    for (size_t k = 0; k < count; k++) {
        const uint64_t all = param_elements(list[k].kind, c);
        for (uint64_t at = 0; at < all; at += 7) {
            float x[7];
            const size_t piece = all - at < 7 ? (size_t)(all - at) : 7;
            ck_ok(&err, native_read(&err, n, &list[k], at, x, piece));
            for (size_t i = 0; i < piece; i++, seen++)
                ck_assert_float_eq(x[i], expected(&list[k], (int64_t)(at + i)));
        }
    }
    ck_assert_uint_gt(seen, 1000);
    free(list);
}

START_TEST(every_parameter_comes_from_its_rows)
{
    struct moe_err err = {0};
    struct native *n;
    ck_ok(&err, native_open(&err, &n, write_plain("plain", NULL), -1));
    const struct moe_config *c = native_config(n);
    ck_assert_int_eq(c->V, V); // embedding_size
    ck_assert_int_eq(c->F, F); // half of mlp_hidden_size
    ck_assert_int_eq(c->G, G);
    ck_assert_int_eq(c->K, 2);
    ck_assert_int_eq(c->eos, 4);
    ck_assert(!c->norm_topk_prob && c->clip_qkv == 0);
    all_there(n);
    native_close(&n);
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
    struct moe_err err = {0};
    struct native *from, *back;
    const char *dir = support_path("written");
    ck_ok(&err, native_open(&err, &from, write_plain("plain", NULL), -1));
    const struct export_options opt = {
        .dtype = DTYPE_F32, .read = native_read, .arg = from};
    ck_ok(&err, native_write(&err, dir, native_config(from), &opt));
    ck_ok(&err, native_open(&err, &back, dir, -1));
    all_there(back);
    ck_assert_int_eq(native_config(back)->max_positions, 64);
    native_close(&back);
    ck_ok(&err, native_open(&err, &back, dir, 7));
    ck_assert_int_eq(native_config(back)->eos, 7);
    native_close(&back);
    native_close(&from);
}
END_TEST

/* As pickle.dumps((("transformer.wte.weight",), False)) of Python 3.11. */
START_TEST(names_are_those_of_the_trainer)
{
    char name[NATIVE_NAME_BYTES];
    native_name(name, NATIVE_WTE, 0, true);
    ck_assert_str_eq(name, "gASVHwAAAAAAAACMFnRyYW5zZm9ybWVyLnd0ZS53ZWlnaHSUhZ"
                           "SJhpQu");
    native_name(name, NATIVE_V1, 15, false);
    ck_assert_str_eq(name, "transformer.blocks.15.ffn.experts.mlp.v1");
}
END_TEST

START_TEST(a_file_that_lacks_a_tensor_is_refused)
{
    struct moe_err err = {0};
    struct native *n;
    int rc =
        native_open(&err, &n, write_plain("drop", "ffn.experts.mlp.v1"), -1);
    ck_fails(&err, rc, MOE_EFORMAT,
             "tensor missing: transformer.blocks.0.ffn.experts.mlp.v1");
    ck_assert_ptr_null(n);
}
END_TEST

START_TEST(a_config_of_another_model_is_refused)
{
    static const struct {
        const char *from, *to, *words;
    } row[] = {
        {"block_type: moe", "block_type: sequential", "'sequential' found"},
        {"swiglu", "gelu", "activation_type: 'gelu' found"},
        {"n_layers: 2", "n_layers: two", "n_layers: want a number"},
        {"  moe_top_k: 2\n", "", "model.moe_top_k is missing"},
        {"n_heads: 2", "n_heads: 3", "hidden_size"},
        {"model:", "other:", "want a map 'model'"},
        {"d_model: 8", "d_model: 16", "want (11, 16)"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct moe_err err = {0};
        struct native *n;
        struct str text = {0};
        const char *dir = write_plain("plain", NULL);
        const char *at = strstr(yaml, row[i].from);
        str_add(&text, yaml, (size_t)(at - yaml));
        str_puts(&text, row[i].to);
        str_puts(&text, at + strlen(row[i].from));
        char *path = str_path(dir, "config.yaml");
        support_write(path, text.s, text.n);
        free(path);
        str_free(&text);
        int rc = native_open(&err, &n, dir, -1);
        ck_assert_int_ne(rc, MOE_OK);
        ck_assert_msg(strstr(err.text, row[i].words), "%s: %s", row[i].to,
                      err.text);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("native");
    TCase *t = tcase_create("native");
    tcase_add_test(t, every_parameter_comes_from_its_rows);
    tcase_add_test(t, what_is_written_is_read_back);
    tcase_add_test(t, names_are_those_of_the_trainer);
    tcase_add_test(t, a_file_that_lacks_a_tensor_is_refused);
    tcase_add_test(t, a_config_of_another_model_is_refused);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
