/*
 * verb_inspect.c - polymoe inspect: what a checkpoint is, and what it takes.
 */
#include "config.h"

#include "client/client.h"
#include "client/inspect_train.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <polymoe/model.h>

#include "base/fs.h"
#include "base/options.h"
#include "base/str.h"
#include "device/device.h"
#include "model/match.h"
#include "model/plan.h"
#include "model/strategy.h"

struct inspect_options {
    int64_t batch, window, layers, micro_batch;
    const char *weights;
    bool json;
};

static const struct option_row rows[] = {
    {0, "batch", "B", "sequences at a time in the memory plan; 1 unless given",
     OPTION_INT, offsetof(struct inspect_options, batch), 1, 65536},
    {0, "json", NULL, "print JSON", OPTION_FLAG,
     offsetof(struct inspect_options, json), 0, 0},
    {0, "layers", "N", "layers that an adaptation trains; the last 2",
     OPTION_INT, offsetof(struct inspect_options, layers), 1, 1024},
    {0, "micro-batch", "B", "sequences at a time in the plan of training; 4",
     OPTION_INT, offsetof(struct inspect_options, micro_batch), 1, 65536},
    {0, "weights", "TYPE", "f32, bf16-master or bf16 in training; f32",
     OPTION_STRING, offsetof(struct inspect_options, weights), 0, 0},
    {0, "window", "T", "tokens of a sequence in the memory plans; 2048",
     OPTION_INT, offsetof(struct inspect_options, window), 1, 1 << 20},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

static const struct option_set set = {
    "polymoe inspect", "[OPTION...] MODEL",
    "Show the architecture of a checkpoint, its parameters, and the memory it "
    "takes.",
    rows, NULL};

/* Everything that is printed. */
struct facts {
    const struct inspect_options *opt;
    struct moe_config config;
    struct moe_param_totals totals;
    struct strategy_row strategy[STRATEGY_ROWS];
    size_t strategies;
    struct plan plan;
    struct inspect_train train;
    bool weights; // the files are there, and complete
    size_t files, tensors;
    uint64_t bytes;
    struct device_info *device;
    size_t devices;
};

/* The weights, if there are any: every tensor must have its place. */
static int
read_weights(struct moe_err *err, struct facts *f, const char *path)
{
    struct checkpoint *files;
    struct match match;
    char *single = str_path(path, "model.safetensors");
    char *index = str_path(path, "model.safetensors.index.json");
    f->weights = single && index && (fs_exists(single) || fs_exists(index));
    free(single);
    free(index);
    if (!f->weights)
        return MOE_OK;
    int rc = checkpoint_open(err, &files, path);
    if (rc)
        return rc;
    rc = match_open(err, &match, &f->config, files);
    f->files = files->files;
    f->tensors = files->n;
    f->bytes = checkpoint_bytes(files);
    if (!rc)
        match_close(&match);
    checkpoint_close(&files);
    return rc;
}

static int
collect(struct moe_err *err, struct facts *f, const char *path)
{
    struct moe_run_options shape = {.B = f->opt->batch, .T = f->opt->window};
    int rc = moe_config_read(err, &f->config, path);
    if (!rc && shape.T == 0) // of a job, as far as the model goes
        shape.T =
            f->config.max_positions < 2048 ? f->config.max_positions : 2048;
    f->train = (struct inspect_train){.micro_batch = f->opt->micro_batch,
                                      .window = shape.T,
                                      .weights = f->opt->weights};
    if (!rc)
        rc = moe_param_count(err, &f->totals, &f->config);
    if (!rc)
        rc = read_weights(err, f, path);
    if (!rc)
        rc = plan_model(err, &f->plan, &f->config, &shape);
    if (!rc)
        rc = device_list(err, &f->device, &f->devices, verb_note, "inspect");
    if (!rc)
        rc = inspect_train_plan(err, &f->train, &f->config, f->device,
                                f->devices);
    if (!rc)
        f->strategies = strategy_table(f->strategy, &f->config, f->opt->layers);
    return rc;
}

/* ---- For people --------------------------------------------------------- */

static void
print_number(const char *what, uint64_t n)
{
    printf("  %-18s %14" PRIu64 "\n", what, n);
}

static void
print_architecture(const struct facts *f)
{
    const struct moe_config *c = &f->config;
    printf("%s, %s\n", c->model_type,
           c->dtype[0] ? c->dtype : "type of the weights not given");
    printf("  layers %" PRId64 ", width %" PRId64 ", vocabulary %" PRId64
           ", positions %" PRId64 "\n",
           c->L, c->D, c->V, c->max_positions);
    printf("  heads %" PRId64 " of %" PRId64 ", key heads %" PRId64
           ", rope theta %.10g, norm epsilon %.3g\n",
           c->H, c->S, c->G, c->rope_theta, c->rms_eps);
    printf("  experts %" PRId64 " of width %" PRId64 ", top-%" PRId64 "%s\n",
           c->E, c->F, c->K, c->norm_topk_prob ? ", weights renormalised" : "");
    if (c->clip_qkv > 0)
        printf("  queries, keys and values clipped at %.6g\n", c->clip_qkv);
    printf("  attention %s biases, embeddings %s\n",
           c->attention_bias ? "with" : "without",
           c->tie_embeddings ? "tied" : "not tied");
}

static void
print_parameters(const struct facts *f)
{
    const struct moe_param_totals *n = &f->totals;
    printf("\nParameters\n");
    print_number("total", n->total);
    print_number("active per token", n->active);
    print_number("embedding", n->embedding);
    print_number("head", n->head);
    print_number("attention", n->attention);
    print_number("norms", n->norms);
    print_number("routers", n->routers);
    print_number("experts", n->experts);
    print_number("one expert", n->per_expert);
}

static void
print_strategies(const struct facts *f)
{
    printf(
        "\nTrained by an adaptation\n"
        "  strategy      layers  experts a layer      parameters    share\n");
    for (size_t i = 0; i < f->strategies; i++) {
        const struct strategy_row *s = &f->strategy[i];
        char experts[24] = "-";
        if (s->experts >= 0)
            snprintf(experts, sizeof experts, "%" PRId64, s->experts);
        printf("  %-12s  %6" PRId64 "  %15s  %14" PRIu64 "  %6.2f%%\n", s->name,
               s->layers, experts, s->parameters, 100 * s->share);
    }
}

static void
print_plan(const struct facts *f)
{
    char weights[16], run[16], total[16], largest[16];
    str_bytes(weights, sizeof weights, f->plan.weights);
    str_bytes(run, sizeof run, f->plan.run);
    str_bytes(total, sizeof total, f->plan.need.bytes);
    str_bytes(largest, sizeof largest, f->plan.need.largest);
    printf("\nMemory for %" PRId64 " x %" PRId64
           " tokens: weights %s, activations %s, together %s; "
           "largest piece %s, %s\n",
           f->opt->batch, f->train.window, weights, run, total, largest,
           f->plan.need.name);
    for (size_t i = 0; i < f->devices; i++) {
        const struct device_info *d = &f->device[i];
        char has[16], piece[16], why[NEED_TEXT];
        str_bytes(has, sizeof has, need_capacity(d));
        str_bytes(piece, sizeof piece, d->max_alloc_bytes);
        need_problem(why, &f->plan.need, d);
        printf("  %d  %s: %s in pieces of %s: %s%s\n", d->index, d->name, has,
               piece, *why ? "does not fit: " : "fits", why);
    }
    if (!f->devices)
        printf("  no OpenCL device here\n");
}

static void
print_text(const struct facts *f)
{
    char bytes[16];
    print_architecture(f);
    str_bytes(bytes, sizeof bytes, f->bytes);
    if (f->weights)
        printf("  weights: %zu tensors, %s, in %zu file%s, all accounted for\n",
               f->tensors, bytes, f->files, f->files == 1 ? "" : "s");
    else
        printf("  weights: none here\n");
    print_parameters(f);
    print_strategies(f);
    print_plan(f);
    inspect_train_print(&f->train, f->device);
}

/* ---- For programs ------------------------------------------------------- */

static json_t *
config_json(const struct moe_config *c)
{
    return json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, "
        "s:f, s:f, s:b, s:b, s:b}",
        "model_type", c->model_type, "dtype", c->dtype, "vocab_size",
        (json_int_t)c->V, "hidden_size", (json_int_t)c->D, "layers",
        (json_int_t)c->L, "heads", (json_int_t)c->H, "key_heads",
        (json_int_t)c->G, "head_size", (json_int_t)c->S, "experts",
        (json_int_t)c->E, "top_k", (json_int_t)c->K, "expert_width",
        (json_int_t)c->F, "max_positions", (json_int_t)c->max_positions,
        "rope_theta", c->rope_theta, "norm_epsilon", c->rms_eps, "clip_qkv",
        c->clip_qkv, "attention_bias", (int)c->attention_bias, "norm_topk_prob",
        (int)c->norm_topk_prob, "tied", (int)c->tie_embeddings);
}

static json_t *
totals_json(const struct moe_param_totals *n)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "total",
                     (json_int_t)n->total, "active", (json_int_t)n->active,
                     "embedding", (json_int_t)n->embedding, "head",
                     (json_int_t)n->head, "attention", (json_int_t)n->attention,
                     "norms", (json_int_t)n->norms, "routers",
                     (json_int_t)n->routers, "experts", (json_int_t)n->experts,
                     "per_expert", (json_int_t)n->per_expert);
}

static json_t *
strategies_json(const struct facts *f)
{
    json_t *list = json_array();
    for (size_t i = 0; i < f->strategies; i++) {
        const struct strategy_row *s = &f->strategy[i];
        json_t *row = json_pack("{s:s, s:I, s:I, s:f}", "strategy", s->name,
                                "layers", (json_int_t)s->layers, "parameters",
                                (json_int_t)s->parameters, "share", s->share);
        if (s->experts >= 0)
            json_object_set_new(row, "experts", json_integer(s->experts));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *
plan_json(const struct facts *f)
{
    json_t *list = json_array();
    for (size_t i = 0; i < f->devices; i++)
        json_array_append_new(list,
                              inspect_fit_json(&f->plan.need, &f->device[i]));
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o}", "batch",
        (json_int_t)f->opt->batch, "window", (json_int_t)f->train.window,
        "weights_bytes", (json_int_t)f->plan.weights, "run_bytes",
        (json_int_t)f->plan.run, "total_bytes", (json_int_t)f->plan.need.bytes,
        "largest_bytes", (json_int_t)f->plan.need.largest, "largest_buffer",
        f->plan.need.name, "devices", list);
}

static void
print_json(const struct facts *f)
{
    json_t *weights =
        f->weights ? json_pack("{s:I, s:I, s:I}", "files", (json_int_t)f->files,
                               "tensors", (json_int_t)f->tensors, "bytes",
                               (json_int_t)f->bytes)
                   : json_null();
    json_t *root = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o}", "config", config_json(&f->config),
        "weights", weights, "parameters", totals_json(&f->totals), "strategies",
        strategies_json(f), "memory", plan_json(f), "training",
        inspect_train_json(&f->train, f->device));
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

int
verb_inspect(int argc, char **argv)
{
    struct inspect_options opt = {
        .batch = 1, .layers = 2, .micro_batch = 4, .weights = "f32"};
    struct facts f = {.opt = &opt};
    struct moe_err err = {0};
    int first;
    int status = options_parse(&set, &opt, argc, argv, &first);
    if (status != OPTIONS_GO_ON)
        return status;
    if (first + 1 != argc)
        return options_usage_error(&set, "want one MODEL");
    if (!inspect_train_weights(opt.weights))
        return options_usage_error(&set,
                                   "--weights: found '%s', want f32, "
                                   "bf16-master or bf16",
                                   opt.weights);
    int rc = collect(&err, &f, argv[first]);
    if (!rc && opt.json)
        print_json(&f);
    else if (!rc)
        print_text(&f);
    inspect_train_free(&f.train);
    moe_config_free(&f.config);
    free(f.device);
    return rc ? verb_fail("inspect", &err) : 0;
}
