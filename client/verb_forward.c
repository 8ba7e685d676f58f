/*
 * verb_forward.c - polymoe forward: one pass over tokens or a text, into a
 * file.
 */
#include "config.h"

#include "client/client.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <polymoe/model.h>
#include <polymoe/tokenizer.h>

#include "base/clock.h"
#include "base/options.h"
#include "base/progress.h"
#include "device/device.h"
#include "job/steer.h"
#include "model/dump.h"

struct forward_options {
    const char *device, *out, *text, *tokens;
    int64_t window;
    struct option_list steer;
    bool hidden, json;
};

static const struct option_row rows[] = {
    {'d', "device", "DEVICE", "OpenCL device", OPTION_STRING,
     offsetof(struct forward_options, device), 0, 0},
    {0, "hidden", NULL, "write hidden states too", OPTION_FLAG,
     offsetof(struct forward_options, hidden), 0, 0},
    {0, "json", NULL, "print JSON", OPTION_FLAG,
     offsetof(struct forward_options, json), 0, 0},
    {'o', "out", "FILE", "the safetensors file to write", OPTION_STRING,
     offsetof(struct forward_options, out), 0, 0},
    {0, "steer", "FIELD=VALUE", "steer the router; may be given again",
     OPTION_LIST, offsetof(struct forward_options, steer), 0, 0},
    {0, "text", "STRING", "text to run, through the model's tokenizer",
     OPTION_STRING, offsetof(struct forward_options, text), 0, 0},
    {'t', "tokens", "FILE", "token ids to run: safetensors or a raw shard",
     OPTION_STRING, offsetof(struct forward_options, tokens), 0, 0},
    {'w', "window", "N", "cut a shard or a text into sequences of N tokens",
     OPTION_INT, offsetof(struct forward_options, window), 1, 1 << 20},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

static const struct option_set set = {
    "polymoe forward", "[OPTION...] MODEL",
    "Run a model over tokens and write logits, routing and hidden states.",
    rows, NULL};

/* One use of the verb. */
struct forward {
    const struct forward_options *opt;
    const char *model_path;
    struct moe_err err;
    struct moe_ctx *ctx;
    struct moe_model *model;
    struct job_steering steering;
    struct token_batch batch;
    struct progress_view view;
    struct progress_meter meter;
    double nll;
};

static int
read_text(struct forward *f)
{
    struct moe_tokenizer *t;
    struct moe_ids ids = {0};
    const char *text = f->opt->text;
    int rc = moe_tokenizer_load(&f->err, &t, f->model_path);
    if (!rc)
        rc = moe_tokenizer_encode(&f->err, t, &ids, text, strlen(text), NULL);
    if (!rc)
        rc = tokens_cut(&f->err, &f->batch, "text", ids.id, (int64_t)ids.n,
                        moe_model_config(f->model), f->opt->window);
    moe_ids_free(&ids);
    moe_tokenizer_destroy(&t);
    return rc;
}

static int
read_tokens(struct forward *f)
{
    int rc = f->opt->text
                 ? read_text(f)
                 : tokens_read(&f->err, &f->batch, f->opt->tokens,
                               moe_model_config(f->model), f->opt->window);
    if (!rc && f->batch.left_out)
        fprintf(stderr,
                "polymoe forward: the last %" PRId64
                " tokens do not fill a sequence of %" PRId64
                " and are left out\n",
                f->batch.left_out, f->batch.T);
    return rc;
}

static void
show_progress(void *arg, uint64_t done, uint64_t total)
{
    struct forward *f = arg;
    struct moe_progress p = {.phase = "forward",
                             .item = "",
                             .unit = "tokens",
                             .done = done,
                             .total = total};
    progress_meter_update(&f->meter, &p);
    progress_view_show(&f->view, &p, false);
}

/* The sentence of a failure that stands in the context. */
static int
keep_error(struct forward *f, int rc)
{
    if (rc)
        f->err = *moe_ctx_err(f->ctx);
    return rc;
}

static int
compute(struct forward *f)
{
    struct moe_ctx_options ctx_opt = {
        .device = f->opt->device, .log = verb_note, .log_arg = "forward"};
    struct dump_options dump = {.path = f->opt->out,
                                .hidden = f->opt->hidden,
                                .progress = show_progress,
                                .arg = f};
    int rc = moe_ctx_create(&f->ctx, &ctx_opt, &f->err);
    if (!rc)
        rc = keep_error(f, moe_model_load(f->ctx, &f->model, f->model_path));
    if (!rc)
        rc = job_steering_parse(&f->err, &f->steering, f->opt->steer.value,
                                f->opt->steer.n, f->ctx,
                                moe_model_config(f->model));
    if (!rc)
        rc = read_tokens(f);
    if (rc)
        return rc;
    dump.hook = f->steering.hook;
    progress_view_begin(&f->view, false, f->batch.B * f->batch.T < 4096);
    progress_meter_begin(&f->meter);
    rc = keep_error(f, dump_forward(f->model, &f->nll, &f->batch, &dump));
    progress_view_end(&f->view);
    return rc;
}

static void
print_json(const struct forward *f)
{
    json_t *root =
        json_pack("{s:s, s:I, s:I, s:I, s:o}", "out", f->opt->out, "sequences",
                  (json_int_t)f->batch.B, "window", (json_int_t)f->batch.T,
                  "left_out", (json_int_t)f->batch.left_out, "nll",
                  isnan(f->nll) ? json_null() : json_real(f->nll));
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(root);
}

static void
print_text(const struct forward *f)
{
    printf("%" PRId64 " x %" PRId64 " tokens", f->batch.B, f->batch.T);
    if (!isnan(f->nll))
        printf(", mean negative log-likelihood %.6f, perplexity %.6g", f->nll,
               exp(f->nll));
    putchar('\n');
}

static int
check_use(const struct forward_options *opt, int operands)
{
    if (operands != 1)
        return options_usage_error(&set, "want one MODEL");
    if (!opt->text == !opt->tokens)
        return options_usage_error(&set, "want --tokens or --text");
    if (!opt->out)
        return options_usage_error(&set, "want --out");
    return OPTIONS_GO_ON;
}

int
verb_forward(int argc, char **argv)
{
    struct forward_options opt = {0};
    int first;
    int status = options_parse(&set, &opt, argc, argv, &first);
    if (status == OPTIONS_GO_ON)
        status = check_use(&opt, argc - first);
    if (status != OPTIONS_GO_ON)
        return status;
    struct forward f = {.opt = &opt, .model_path = argv[first]};
    int rc = compute(&f);
    if (!rc && opt.json)
        print_json(&f);
    else if (!rc)
        print_text(&f);
    tokens_free(&f.batch);
    job_steering_free(&f.steering);
    option_list_free(&opt.steer);
    moe_model_destroy(&f.model);
    moe_ctx_destroy(&f.ctx);
    return rc ? verb_fail("forward", &f.err) : 0;
}
