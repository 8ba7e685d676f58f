/*
 * native_config.c - the trainer's config.yaml from and to a configuration.
 */
#include "config.h"

#include "model/native.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/fs.h"
#include "base/str.h"
#include "job/node.h"
#include "model/model.h"

enum { FILE_LIMIT = 1 << 20 };

/* The end of document of OLMoE's tokenizer, in whose place some of the
 * trainer's files say 0. */
enum { OLMOE_EOS = 50279 };

/* ---- In ------------------------------------------------------------------ */

struct reader {
    struct moe_err *err;
    struct job_source *source;
    const struct job_node *model; // the map of that name
    int rc;                       // of the first failure
};

static const struct job_node *
get(const struct reader *r, const char *key)
{
    const struct job_node *node = job_node_find(r->model, key);
    const bool null = !node || node->kind == JOB_NULL ||
                      (node->kind == JOB_SCALAR && !node->quoted &&
                       (!*node->text || strcmp(node->text, "null") == 0 ||
                        strcmp(node->text, "~") == 0));
    return null ? NULL : node;
}

/* A number; `absent` when it is not there, unless that is NAN. */
static double
number(struct reader *r, const char *key, double absent)
{
    const struct job_node *node = get(r, key);
    char *end = NULL;
    double x = node && node->kind == JOB_SCALAR ? strtod(node->text, &end) : 0;
    if (r->rc || (!node && absent == absent))
        return absent;
    if (!node)
        r->rc = moe_fail(r->err, MOE_EFORMAT, "%s: model.%s is missing",
                         r->source->name, key);
    else if (!end || end == node->text || *end || x != x)
        r->rc = job_node_fail(r->err, r->source, node, key, "want a number");
    return x;
}

/* A word that must be as it is here, if it is there. */
static void
require(struct reader *r, const char *key, const char *want)
{
    const struct job_node *node = get(r, key);
    if (!r->rc && node &&
        (node->kind != JOB_SCALAR || strcmp(node->text, want) != 0))
        r->rc = job_node_fail(
            r->err, r->source, node, key, "'%s' found, an OLMoE model has %s",
            node->kind == JOB_SCALAR ? node->text : "a map", want);
}

static bool
is_true(const struct reader *r, const char *key)
{
    const struct job_node *node = get(r, key);
    return node && node->kind == JOB_SCALAR && strcmp(node->text, "true") == 0;
}

static void
set_int(json_t *to, const char *key, double x)
{
    json_object_set_new(to, key, json_integer((json_int_t)x));
}

static void
put_sizes(struct reader *r, json_t *to)
{
    const double D = number(r, "d_model", NAN), H = number(r, "n_heads", NAN);
    const double hidden =
        number(r, "mlp_hidden_size", number(r, "mlp_ratio", 4) * D);
    const double vocabulary = number(r, "vocab_size", 50257);
    set_int(to, "vocab_size", number(r, "embedding_size", vocabulary));
    set_int(to, "hidden_size", D);
    set_int(to, "intermediate_size", hidden / 2); // gate and up
    set_int(to, "num_hidden_layers", number(r, "n_layers", NAN));
    set_int(to, "num_attention_heads", H);
    set_int(
        to, "num_key_value_heads",
        number(r, "n_kv_heads", is_true(r, "multi_query_attention") ? 1 : H));
    set_int(to, "num_experts", number(r, "moe_num_experts", NAN));
    set_int(to, "num_experts_per_tok", number(r, "moe_top_k", NAN));
    set_int(to, "max_position_embeddings",
            number(r, "max_sequence_length", 1024));
}

static void
put_rest(struct reader *r, json_t *to, int64_t eos)
{
    const double written = number(r, "eos_token_id", OLMOE_EOS);
    const double clip = number(r, "clip_qkv", -1);
    const json_int_t V = json_integer_value(json_object_get(to, "vocab_size"));
    if (eos < 0)
        eos = written == 0 && V > OLMOE_EOS ? OLMOE_EOS : (int64_t)written;
    set_int(to, "eos_token_id", (double)eos);
    set_int(to, "pad_token_id", number(r, "pad_token_id", 1));
    json_object_set_new(to, "clip_qkv",
                        clip < 0 ? json_null() : json_real(clip));
    json_object_set_new(to, "rms_norm_eps",
                        json_real(number(r, "layer_norm_eps", 1e-5)));
    json_object_set_new(to, "rope_theta",
                        json_real(number(r, "rope_theta", 10000)));
    json_object_set_new(to, "initializer_range",
                        json_real(number(r, "init_std", 0.02)));
    json_object_set_new(to, "router_aux_loss_coef",
                        json_real(number(r, "moe_loss_weight", 0.1)));
    json_object_set_new(to, "tie_word_embeddings",
                        json_boolean(is_true(r, "weight_tying")));
    json_object_set_new(
        to, "norm_topk_prob",
        json_boolean(number(r, "moe_normalize_expert_weights", 0) != 0));
}

static int
translate(struct reader *r, char **out, int64_t eos)
{
    json_t *to =
        json_pack("{s:[s], s:s, s:s, s:b, s:n}", "architectures",
                  "OlmoeForCausalLM", "model_type", "olmoe", "hidden_act",
                  "silu", "attention_bias", 0, "rope_scaling");
    static const char *const words[][2] = {
        {"block_type", "moe"},      {"activation_type", "swiglu"},
        {"layer_norm_type", "rms"}, {"attention_layer_norm", "true"},
        {"rope", "true"},           {"alibi", "false"},
        {"include_bias", "false"},  {"moe_shared_expert", "false"},
        {"norm_after", "false"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        require(r, words[i][0], words[i][1]);
    put_sizes(r, to);
    put_rest(r, to, eos);
    *out = r->rc ? NULL : json_dumps(to, JSON_INDENT(2));
    if (!r->rc && !*out)
        r->rc =
            moe_fail(r->err, MOE_ENOMEM, "%s: out of memory", r->source->name);
    json_decref(to);
    return r->rc;
}

int
native_config_read(struct moe_err *err, struct moe_config *out,
                   const char *path, int64_t eos)
{
    struct job_source source = {.name = path};
    struct job_node root = {0};
    char *text, *json = NULL;
    size_t n;
    *out = (struct moe_config){0};
    int rc = fs_read(err, &text, &n, path, FILE_LIMIT);
    if (rc)
        return rc;
    rc = job_node_yaml(err, &source, &root, text, n);
    free(text);
    struct reader r = {err, &source, job_node_find(&root, "model"), MOE_OK};
    if (!rc && (!r.model || r.model->kind != JOB_MAP))
        rc = moe_fail(err, MOE_EFORMAT, "%s: want a map 'model'", path);
    if (!rc)
        rc = translate(&r, &json, eos);
    job_node_free(&root);
    return rc ? rc : config_parse(err, out, json, strlen(json), path);
}

/* ---- Out ----------------------------------------------------------------- */

int
native_config_write(struct moe_err *err, const char *path,
                    const struct moe_config *c)
{
    struct str s = {0};
    str_puts(&s, "model:\n  block_type: moe\n  activation_type: swiglu\n"
                 "  layer_norm_type: rms\n  attention_layer_norm: true\n"
                 "  rope: true\n  alibi: false\n  include_bias: false\n"
                 "  moe_dropless: true\n");
    str_printf(&s, "  d_model: %" PRId64 "\n  n_heads: %" PRId64 "\n", c->D,
               c->H);
    str_printf(&s, "  n_kv_heads: %" PRId64 "\n  n_layers: %" PRId64 "\n", c->G,
               c->L);
    str_printf(&s, "  mlp_hidden_size: %" PRId64 "\n", 2 * c->F);
    str_printf(&s, "  vocab_size: %" PRId64 "\n  embedding_size: %" PRId64 "\n",
               c->V, c->V);
    str_printf(&s, "  max_sequence_length: %" PRId64 "\n", c->max_positions);
    str_printf(&s, "  moe_num_experts: %" PRId64 "\n  moe_top_k: %" PRId64 "\n",
               c->E, c->K);
    str_printf(&s, "  moe_loss_weight: %.17g\n", c->aux_coef);
    if (c->norm_topk_prob)
        str_puts(&s, "  moe_normalize_expert_weights: 1\n");
    str_printf(&s, "  layer_norm_eps: %.17g\n  rope_theta: %.17g\n", c->rms_eps,
               c->rope_theta);
    if (c->clip_qkv > 0)
        str_printf(&s, "  clip_qkv: %.17g\n", c->clip_qkv);
    str_printf(&s, "  init_std: %.17g\n  weight_tying: %s\n", c->init_std,
               c->tie_embeddings ? "true" : "false");
    if (c->eos >= 0)
        str_printf(&s, "  eos_token_id: %" PRId64 "\n", c->eos);
    if (c->pad >= 0)
        str_printf(&s, "  pad_token_id: %" PRId64 "\n", c->pad);
    int rc = s.failed ? moe_fail(err, MOE_ENOMEM, "%s: out of memory", path)
                      : fs_write(err, path, s.s, s.n);
    str_free(&s);
    return rc;
}
