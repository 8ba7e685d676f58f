/*
 * check_config.c - config.json: every key, its spellings, and what is refused;
 * the parameters that follow from it.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include <polymoe/model.h>

#include "base/json.h"
#include "base/str.h"
#include "model/family.h"
#include "model/names.h"
#include "model/params.h"
#include "model/plan.h"
#include "model/strategy.h"

static const char OLMOE[] = SRCDIR "/tests/vectors/olmoe-1b-7b/config.json";

/* A small complete configuration. */
static const char SMALL[] =
    "{\"model_type\":\"olmoe\",\"vocab_size\":160,\"hidden_size\":32,"
    "\"num_hidden_layers\":2,\"num_attention_heads\":4,\"num_experts\":8,"
    "\"num_experts_per_tok\":2,\"intermediate_size\":24}";

/* SMALL with the keys of `change` set and the key `drop` left out. */
static int
read_changed(struct moe_err *err, struct moe_config *out, const char *change,
             const char *drop)
{
    static int serial;
    char name[32];
    json_t *root, *more;
    snprintf(name, sizeof name, "config%d.json", serial++);
    ck_ok(err, json_parse(err, &root, SMALL, strlen(SMALL), "small"));
    ck_ok(err, json_parse(err, &more, change, strlen(change), "change"));
    json_object_update(root, more);
    if (drop)
        ck_assert_int_eq(json_object_del(root, drop), 0);
    const char *path = support_path(name);
    ck_ok(err, json_write(err, root, path));
    json_decref(root);
    json_decref(more);
    return moe_config_read(err, out, path);
}

START_TEST(olmoe_has_its_published_size)
{
    struct moe_err err = {0};
    struct moe_config c;
    struct moe_param_totals n;
    ck_ok(&err, moe_config_read(&err, &c, OLMOE));
    ck_assert_str_eq(c.model_type, "olmoe");
    ck_assert_str_eq(c.dtype, "bfloat16");
    ck_assert_int_eq(c.S, 128);
    ck_assert_int_eq(c.eos, 50279);
    ck_assert_int_eq(c.bos, -1);
    ck_assert_double_eq(c.rms_eps, 1e-5);
    ck_assert(!c.norm_topk_prob);
    ck_assert_ptr_nonnull(strstr(c.source, "4.43.0.dev0"));
    ck_ok(&err, moe_param_count(&err, &n, &c));
    ck_assert_uint_eq(n.total, 6919161856);
    ck_assert_uint_eq(n.active, 1282017280);
    ck_assert_uint_eq(n.per_expert, 6291456);
    ck_assert_uint_eq(n.attention, 16 * 16777216);
    ck_assert_uint_eq(n.norms, 16 * 8192 + 2048);
    ck_assert_uint_eq(n.routers, 16 * 131072);
    ck_assert_uint_eq(n.embedding, 50304 * 2048);
    ck_assert_uint_eq(n.head, 50304 * 2048);
    ck_assert_uint_eq(n.total * 2, 13838323712);
    moe_config_free(&c);
    moe_config_free(&c);
}
END_TEST

START_TEST(the_list_agrees_with_the_totals)
{
    struct moe_err err = {0};
    struct moe_config c;
    struct moe_param_totals totals;
    struct param *list;
    size_t n;
    uint64_t sum = 0;
    char name[NAMES_BYTES];
    ck_ok(&err, moe_config_read(&err, &c, OLMOE));
    ck_ok(&err, moe_param_count(&err, &totals, &c));
    ck_ok(&err, params_list(&err, &list, &n, &c));
    ck_assert_uint_eq(n, 3219);
    for (size_t i = 0; i < n; i++)
        sum += param_elements(list[i].kind, &c);
    ck_assert_uint_eq(sum, totals.total);
    const char *const *names = family_find("olmoe")->names;
    ck_assert_str_eq(names_format(name, names, &list[0]),
                     "model.embed_tokens.weight");
    ck_assert_str_eq(names_format(name, names, &list[n - 1]), "lm_head.weight");
    ck_assert_str_eq(
        names_format(name, names, &(struct param){PARAM_DOWN, 15, 63}),
        "model.layers.15.mlp.experts.63.down_proj.weight");
    free(list);
    moe_config_free(&c);
}
END_TEST

START_TEST(absent_keys_mean_the_defaults_of_the_family)
{
    struct moe_err err = {0};
    struct moe_config c;
    ck_ok(&err, read_changed(&err, &c, "{}", NULL));
    ck_assert_int_eq(c.G, 4);
    ck_assert_int_eq(c.S, 8);
    ck_assert_int_eq(c.max_positions, 4096);
    ck_assert_double_eq(c.rope_theta, 10000);
    ck_assert_double_eq(c.rms_eps, 1e-5);
    ck_assert_double_eq(c.clip_qkv, 0);
    ck_assert_double_eq(c.init_std, 0.02);
    ck_assert_double_eq(c.aux_coef, 0.01);
    ck_assert(!c.norm_topk_prob && !c.attention_bias && !c.tie_embeddings);
    ck_assert_str_eq(c.dtype, "");
    ck_assert_int_eq(c.eos, -1); // 50279 is outside of the vocabulary
    ck_assert_int_eq(c.pad, 1);
    moe_config_free(&c);
}
END_TEST

START_TEST(present_keys_are_taken)
{
    struct moe_err err = {0};
    struct moe_config c;
    ck_ok(&err, read_changed(&err, &c,
                             "{\"num_key_value_heads\":2,\"head_dim\":8,"
                             "\"clip_qkv\":8,\"attention_bias\":true,"
                             "\"norm_topk_prob\":true,\"rms_norm_eps\":1e-6,"
                             "\"tie_word_embeddings\":true,"
                             "\"max_position_embeddings\":256,"
                             "\"initializer_range\":0.1,"
                             "\"router_aux_loss_coef\":0,"
                             "\"bos_token_id\":3,\"eos_token_id\":[5,6],"
                             "\"pad_token_id\":null,\"my_own_key\":[1]}",
                             NULL));
    ck_assert_int_eq(c.G, 2);
    ck_assert_double_eq(c.clip_qkv, 8);
    ck_assert_double_eq(c.rms_eps, 1e-6);
    ck_assert_double_eq(c.init_std, 0.1);
    ck_assert_double_eq(c.aux_coef, 0);
    ck_assert(c.norm_topk_prob && c.attention_bias && c.tie_embeddings);
    ck_assert_int_eq(c.max_positions, 256);
    ck_assert_int_eq(c.bos, 3);
    ck_assert_int_eq(c.eos, 5);
    ck_assert_int_eq(c.pad, -1);
    ck_assert_ptr_nonnull(strstr(c.source, "my_own_key"));
    moe_config_free(&c);
}
END_TEST

/* One meaning, several spellings. */
static const struct {
    const char *change;
    double theta;
    const char *dtype;
} spellings[] = {
    {"{\"rope_theta\":500000}", 500000, ""},
    {"{\"rope_parameters\":{\"rope_theta\":500000.0}}", 500000, ""},
    {"{\"rope_theta\":500000.0,\"rope_parameters\":{\"rope_theta\":500000,"
     "\"rope_type\":\"default\"}}",
     500000, ""},
    {"{\"rope_scaling\":null,\"rope_parameters\":null}", 10000, ""},
    {"{\"rope_scaling\":{\"type\":\"default\",\"rope_theta\":7}}", 7, ""},
    {"{\"dtype\":\"float16\"}", 10000, "float16"},
    {"{\"torch_dtype\":\"bfloat16\"}", 10000, "bfloat16"},
    {"{\"torch_dtype\":\"float32\",\"dtype\":\"float32\"}", 10000, "float32"},
    {"{\"torch_dtype\":null}", 10000, ""},
};

START_TEST(old_and_new_spellings_mean_the_same)
{
    struct moe_err err = {0};
    struct moe_config c;
    ck_ok(&err, read_changed(&err, &c, spellings[_i].change, NULL));
    ck_assert_double_eq(c.rope_theta, spellings[_i].theta);
    ck_assert_str_eq(c.dtype, spellings[_i].dtype);
    moe_config_free(&c);
}
END_TEST

static const struct {
    const char *change, *drop;
    const char *part;
} refused[] = {
    {"{}", "model_type", "model_type: missing, want one of the supported"},
    {"{\"model_type\":\"mixtral\"}", NULL,
     "model_type: found \"mixtral\", want one of the supported types: olmoe"},
    {"{\"model_type\":3}", NULL, "model_type: found 3"},
    {"{}", "vocab_size", "vocab_size: missing, want a whole number from 1"},
    {"{}", "hidden_size", "hidden_size: missing"},
    {"{}", "num_hidden_layers", "num_hidden_layers: missing"},
    {"{}", "num_attention_heads", "num_attention_heads: missing"},
    {"{}", "num_experts", "num_experts: missing"},
    {"{}", "num_experts_per_tok", "num_experts_per_tok: missing"},
    {"{}", "intermediate_size", "intermediate_size: missing"},
    {"{\"vocab_size\":0}", NULL, "vocab_size: found 0, want"},
    {"{\"vocab_size\":-5}", NULL, "vocab_size: found -5"},
    {"{\"vocab_size\":9223372036854775807}", NULL, "vocab_size: found 922337"},
    {"{\"vocab_size\":\"160\"}", NULL, "vocab_size: found \"160\""},
    {"{\"hidden_size\":32.0}", NULL, "hidden_size: found 32.0"},
    {"{\"hidden_size\":null}", NULL, "hidden_size: missing"},
    {"{\"hidden_size\":30}", NULL, "num_attention_heads: found 4, want a div"},
    {"{\"hidden_size\":36}", NULL, "hidden_size: found 36, want an even"},
    {"{\"num_hidden_layers\":0}", NULL, "num_hidden_layers: found 0"},
    {"{\"num_hidden_layers\":1000000}", NULL, "num_hidden_layers: found"},
    {"{\"num_key_value_heads\":3}", NULL, "num_key_value_heads: found 3"},
    {"{\"num_key_value_heads\":8}", NULL, "num_key_value_heads: found 8"},
    {"{\"head_dim\":16}", NULL, "head_dim: found 16, want hidden_size /"},
    {"{\"num_experts_per_tok\":9}", NULL,
     "num_experts_per_tok: found 9, want at most num_experts"},
    {"{\"num_experts_per_tok\":0}", NULL, "num_experts_per_tok: found 0"},
    {"{\"rms_norm_eps\":0}", NULL, "rms_norm_eps: found 0, want a number"},
    {"{\"rms_norm_eps\":\"1e-5\"}", NULL, "rms_norm_eps: found \"1e-5\""},
    {"{\"clip_qkv\":-1}", NULL, "clip_qkv: found -1"},
    {"{\"attention_bias\":0}", NULL, "attention_bias: found 0, want true or"},
    {"{\"norm_topk_prob\":\"no\"}", NULL, "norm_topk_prob: found \"no\""},
    {"{\"tie_word_embeddings\":1}", NULL, "tie_word_embeddings: found 1"},
    {"{\"attention_dropout\":2}", NULL, "attention_dropout: found 2"},
    {"{\"hidden_act\":\"gelu\"}", NULL, "hidden_act: found \"gelu\", want"},
    {"{\"max_position_embeddings\":0}", NULL, "max_position_embeddings"},
    {"{\"rope_theta\":0}", NULL, "rope_theta: found 0"},
    {"{\"rope_theta\":\"x\"}", NULL, "rope_theta: found \"x\""},
    {"{\"rope_theta\":10000,\"rope_parameters\":{\"rope_theta\":500000}}", NULL,
     "rope_parameters.rope_theta: found 500000, want the same value as rope"},
    {"{\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}}", NULL,
     "rope_scaling: found {\"type\":\"linear\""},
    {"{\"rope_parameters\":{\"rope_type\":\"yarn\"}}", NULL,
     "rope_parameters: found {\"rope_type\":\"yarn\""},
    {"{\"rope_parameters\":[]}", NULL, "rope_parameters: found []"},
    {"{\"dtype\":\"int8\"}", NULL, "dtype: found \"int8\", want"},
    {"{\"dtype\":\"float16\",\"torch_dtype\":\"float32\"}", NULL,
     "dtype: found \"float16\", want the same as torch_dtype"},
    {"{\"eos_token_id\":160}", NULL, "eos_token_id: found 160, want a token"},
    {"{\"eos_token_id\":-1}", NULL, "eos_token_id: found -1"},
    {"{\"eos_token_id\":[]}", NULL, "eos_token_id: found []"},
    {"{\"pad_token_id\":\"<pad>\"}", NULL, "pad_token_id: found \"<pad>\""},
};

START_TEST(a_missing_or_absurd_value_is_refused)
{
    struct moe_err err = {0};
    struct moe_config c;
    int rc = read_changed(&err, &c, refused[_i].change, refused[_i].drop);
    ck_fails(&err, rc, MOE_EFORMAT, refused[_i].part);
    ck_assert_ptr_null(c.source);
}
END_TEST

START_TEST(a_file_that_is_no_config_is_refused)
{
    struct moe_err err = {0};
    struct moe_config c;
    int rc = moe_config_read(&err, &c, support_path("nothing"));
    ck_fails(&err, rc, MOE_EINPUT, "nothing");
    const char *path = support_path("array.json");
    support_write(path, "[]", 2);
    rc = moe_config_read(&err, &c, path);
    ck_fails(&err, rc, MOE_EFORMAT, "not a JSON object");
    support_write(path, "{\"a\":1,\"a\":2}", 13);
    rc = moe_config_read(&err, &c, path);
    ck_fails(&err, rc, MOE_EFORMAT, "duplicate");
}
END_TEST

/* Counts published with the methods that train these experts. */
START_TEST(strategies_train_what_is_published)
{
    struct moe_err err = {0};
    struct moe_config c;
    struct strategy_row row[STRATEGY_ROWS];
    ck_ok(&err, moe_config_read(&err, &c, OLMOE));
    size_t n = strategy_table(row, &c, 2);
    ck_assert(n > 4 && n <= STRATEGY_ROWS);
    ck_assert_str_eq(row[n - 3].name, "aeft");
    ck_assert_uint_eq(row[n - 3].parameters, 805568512);
    ck_assert_double_eq_tol(row[n - 3].share, 0.1164, 5e-5);
    ck_assert_uint_eq(row[n - 2].parameters,
                      2 * (16777216 + 8192 + 131072 + (uint64_t)402653184));
    ck_assert_uint_eq(row[n - 1].parameters, 6919161856);
    for (size_t i = 0; i + 3 < n; i++) {
        uint64_t each = 6291456 * (uint64_t)row[i].experts + 131072;
        ck_assert_uint_eq(row[i].parameters, 2 * each);
        if (row[i].experts == 20)
            ck_assert_str_eq(row[i].name, "top-20");
    }
    moe_config_free(&c);
}
END_TEST

START_TEST(a_plan_is_held_against_the_device)
{
    struct moe_err err = {0};
    struct moe_config c;
    struct plan plan;
    struct moe_run_options opt = {.B = 1, .T = 512};
    struct device_info d = {.name = "card",
                            .memory_bytes = (uint64_t)12 << 30,
                            .free_bytes = (uint64_t)20 << 30,
                            .max_alloc_bytes = 1 << 30};
    ck_ok(&err, moe_config_read(&err, &c, OLMOE));
    ck_ok(&err, plan_model(&err, &plan, &c, &opt));
    uint64_t small = 2097152 + 133120;  // routers and norms are f32
    uint64_t offsets = 16 * 64 * 3 * 8; // of the experts' matrices
    ck_assert_uint_eq(plan.weights, 2 * 6919161856 + 2 * small + offsets);
    ck_assert_uint_eq(plan.need.largest, 805306368);
    ck_assert_str_eq(plan.need.name, "a layer's experts");
    ck_assert_uint_eq(plan.need.bytes, plan.weights + plan.run);
    int rc = need_check(&err, &d, &plan.need, "olmoe");
    ck_fails(&err, rc, MOE_EFIT, "card has 12.9 GB");
    d.host_memory = true; // the system has more than the driver says
    ck_ok(&err, need_check(&err, &d, &plan.need, "olmoe"));
    d.max_alloc_bytes = 1 << 29;
    rc = need_check(&err, &d, &plan.need, "olmoe");
    ck_fails(&err, rc, MOE_EFIT,
             "olmoe: buffer 'a layer's experts' needs 805 MB (805306368 bytes) "
             "in one "
             "piece, card allows 537 MB (536870912 bytes)");
    moe_config_free(&c);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("config");
    TCase *t = tcase_create("config");
    tcase_add_test(t, olmoe_has_its_published_size);
    tcase_add_test(t, the_list_agrees_with_the_totals);
    tcase_add_test(t, absent_keys_mean_the_defaults_of_the_family);
    tcase_add_test(t, present_keys_are_taken);
    tcase_add_loop_test(t, old_and_new_spellings_mean_the_same, 0,
                        (int)(sizeof spellings / sizeof *spellings));
    tcase_add_loop_test(t, a_missing_or_absurd_value_is_refused, 0,
                        (int)(sizeof refused / sizeof *refused));
    tcase_add_test(t, a_file_that_is_no_config_is_refused);
    tcase_add_test(t, strategies_train_what_is_published);
    tcase_add_test(t, a_plan_is_held_against_the_device);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
