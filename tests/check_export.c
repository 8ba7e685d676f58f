/*
 * check_export.c - new models and written ones.
 *
 * A model made from a configuration is read back: its parameters have the
 * distribution that the initialisation promises, and sharding, element types
 * and unknown keys of the configuration come through.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "io/checkpoint.h"
#include "model/export.h"
#include "model/init.h"

static const char source[] =
    "{\"model_type\": \"olmoe\", \"architectures\": [\"OlmoeForCausalLM\"],"
    " \"vocab_size\": 96, \"hidden_size\": 32, \"intermediate_size\": 24,"
    " \"num_hidden_layers\": 2, \"num_attention_heads\": 4,"
    " \"num_key_value_heads\": 2, \"num_experts\": 8,"
    " \"num_experts_per_tok\": 2, \"max_position_embeddings\": 64,"
    " \"pad_token_id\": 1, \"eos_token_id\": 0, \"attention_bias\": true,"
    " \"rms_norm_eps\": 1e-06, \"torch_dtype\": \"float32\","
    " \"a_key_of_tomorrow\": {\"x\": [1, 2]}}";

static struct moe_config
config_read(void)
{
    struct moe_err err = {0};
    struct moe_config c;
    const char *path = support_path("in.json");
    support_write(path, source, strlen(source));
    ck_ok(&err, moe_config_read(&err, &c, path));
    return c;
}

/* One tensor of a directory, widened. */
static float *
tensor_values(const char *dir, const char *name, size_t *n)
{
    struct moe_err err = {0};
    struct checkpoint *c;
    ck_ok(&err, checkpoint_open(&err, &c, dir));
    struct ck_tensor *t = checkpoint_find(c, name);
    ck_assert_msg(t != NULL, "%s: no %s", dir, name);
    *n = (t->st->end - t->st->begin) / dtype_bytes((enum dtype)t->st->dtype);
    float *x = calloc(*n, sizeof *x);
    dtype_widen(x, t->st->data, (enum dtype)t->st->dtype, *n);
    checkpoint_close(&c);
    return x;
}

START_TEST(new_models_are_distributed_as_promised)
{
    struct moe_err err = {0};
    struct moe_config c = config_read();
    for (int kind = INIT_OLMO; kind <= INIT_HF; kind++) {
        const char *dir = support_path(kind == INIT_OLMO ? "olmo" : "hf");
        size_t n;
        ck_ok(&err,
              init_model(&err, dir, &c, (enum init_kind)kind, 7, DTYPE_F32));
        float *x = tensor_values(dir, "model.embed_tokens.weight", &n);
        double squares = 0, most = 0;
        ck_assert_uint_eq(n, 96 * 32);
        for (size_t i = 0; i < n; i++) {
            squares += (double)x[i] * x[i];
            most = fmax(most, fabs(x[i]));
        }
        for (int i = 0; i < 32; i++)
            ck_assert((x[32 + i] == 0) == (kind == INIT_HF));
        ck_assert(fabs(sqrt(squares / (double)n) - 0.02) < 0.001);
        ck_assert((most <= 0.06f) == (kind == INIT_OLMO));
        free(x);
        x = tensor_values(dir, "model.layers.1.self_attn.k_norm.weight", &n);
        ck_assert_uint_eq(n, 16);
        ck_assert(x[0] == 1 && x[15] == 1);
        free(x);
        x = tensor_values(dir, "model.layers.1.self_attn.q_proj.bias", &n);
        ck_assert(x[0] == 0 && x[31] == 0);
        free(x);
    }
    moe_config_free(&c);
}
END_TEST

START_TEST(seeds_decide_everything)
{
    struct moe_err err = {0};
    struct moe_config c = config_read();
    const uint64_t seeds[] = {1, 1, 2};
    float *x[3];
    size_t n;
    for (int i = 0; i < 3; i++) {
        const char *dir = support_path("seed");
        ck_ok(&err, init_model(&err, dir, &c, INIT_OLMO, seeds[i], DTYPE_F32));
        x[i] = tensor_values(dir, "model.layers.1.mlp.experts.7.up_proj.weight",
                             &n);
    }
    ck_assert(memcmp(x[0], x[1], n * sizeof(float)) == 0);
    ck_assert(memcmp(x[0], x[2], n * sizeof(float)) != 0);
    for (int i = 0; i < 3; i++)
        free(x[i]);
    moe_config_free(&c);
}
END_TEST

static int
count_up(struct moe_err *err, void *arg, const struct param *p, uint64_t at,
         float *out, size_t n)
{
    (void)err;
    (void)arg;
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((at + i) % 128) + 128 * (float)(p->expert % 2);
    return MOE_OK;
}

START_TEST(shards_and_types_hold_the_same_values)
{
    struct moe_err err = {0};
    struct moe_config c = config_read();
    static const enum dtype types[] = {DTYPE_F32, DTYPE_BF16, DTYPE_F16};
    for (int i = 0; i < 6; i++) {
        char name[24];
        snprintf(name, sizeof name, "shards%d", i);
        const char *dir = support_path(name);
        struct export_options opt = {.dtype = types[i % 3],
                                     .shard_bytes = i < 3 ? 0 : 10000,
                                     .read = count_up};
        ck_ok(&err, export_model(&err, dir, &c, &opt));
        struct checkpoint *ck;
        ck_ok(&err, checkpoint_open(&err, &ck, dir));
        ck_assert((ck->files > 3) == (i >= 3));
        checkpoint_close(&ck);
        size_t n;
        float *x = tensor_values(
            dir, "model.layers.0.mlp.experts.3.down_proj.weight", &n);
        ck_assert_uint_eq(n, 32 * 24);
        for (size_t k = 0; k < n; k++)
            ck_assert(x[k] == (float)(k % 128) + 128);
        free(x);
    }
    moe_config_free(&c);
}
END_TEST

static enum dtype
wide_norms(const void *arg, const struct param *p)
{
    (void)arg;
    return param_group(p->kind) == GROUP_NORM ? DTYPE_F32 : DTYPE_BF16;
}

/* Each tensor in its own type, and shards filled by the bytes of these. */
START_TEST(types_may_differ)
{
    struct moe_err err = {0};
    struct moe_config c = config_read();
    const char *dir = support_path("mixed");
    struct export_options opt = {.dtype = DTYPE_BF16,
                                 .type = wide_norms,
                                 .shard_bytes = 10000,
                                 .read = count_up};
    struct checkpoint *ck;
    ck_ok(&err, export_model(&err, dir, &c, &opt));
    ck_ok(&err, checkpoint_open(&err, &ck, dir));
    ck_assert_str_eq(checkpoint_find(ck, "model.norm.weight")->st->type, "F32");
    ck_assert_str_eq(checkpoint_find(ck, "model.embed_tokens.weight")->st->type,
                     "BF16");
    checkpoint_close(&ck);
    size_t n;
    float *x = tensor_values(dir, "model.norm.weight", &n);
    ck_assert_uint_eq(n, 32);
    for (size_t k = 0; k < n; k++)
        ck_assert(x[k] == (float)k);
    free(x);
    moe_config_free(&c);
}
END_TEST

START_TEST(unknown_keys_survive)
{
    struct moe_err err = {0};
    struct moe_config c = config_read();
    const char *dir = support_path("keys");
    json_t *root;
    ck_ok(&err, init_model(&err, dir, &c, INIT_HF, 1, DTYPE_BF16));
    ck_ok(&err, json_read(&err, &root, support_path("keys/config.json")));
    ck_assert_str_eq(json_string_value(json_object_get(root, "dtype")),
                     "bfloat16");
    ck_assert_str_eq(json_string_value(json_object_get(root, "torch_dtype")),
                     "bfloat16");
    ck_assert_uint_eq(
        json_object_size(json_object_get(root, "a_key_of_tomorrow")), 1);
    ck_assert(json_real_value(json_object_get(root, "rms_norm_eps")) == 1e-6);
    json_decref(root);
    moe_config_free(&c);
}
END_TEST

static int
refuse(struct moe_err *err, void *arg, const struct param *p, uint64_t at,
       float *out, size_t n)
{
    (void)arg, (void)at, (void)out, (void)n;
    return p->layer == 1 ? moe_fail(err, MOE_EIO, "no more") : MOE_OK;
}

START_TEST(a_failed_export_leaves_no_model)
{
    struct moe_err err = {0};
    struct moe_config c = config_read();
    const char *dir = support_path("none");
    struct export_options opt = {.dtype = DTYPE_F32, .read = refuse};
    ck_fails(&err, export_model(&err, dir, &c, &opt), MOE_EIO, "no more");
    char **names;
    size_t n;
    ck_ok(&err, fs_list(&err, &names, &n, dir, ""));
    ck_assert_uint_eq(n, 0);
    fs_list_free(names, n);
    moe_config_free(&c);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("export");
    TCase *tc = tcase_create("export");
    tcase_add_test(tc, new_models_are_distributed_as_promised);
    tcase_add_test(tc, seeds_decide_everything);
    tcase_add_test(tc, shards_and_types_hold_the_same_values);
    tcase_add_test(tc, types_may_differ);
    tcase_add_test(tc, unknown_keys_survive);
    tcase_add_test(tc, a_failed_export_leaves_no_model);
    suite_add_tcase(suite, tc);
    return support_main(suite, 0);
}
