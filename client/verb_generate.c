/*
 * verb_generate.c - polymoe generate: go on with a text.
 */
#include "config.h"

#include "client/client.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <polymoe/model.h>
#include <polymoe/tokenizer.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/utf8.h"
#include "eval/generate.h"
#include "eval/score.h"
#include "job/steer.h"

struct generate_use {
    const char *device, *prompt, *prompt_file;
    int64_t count, max_tokens, seed, top_k;
    double temperature, top_p;
    struct option_list stop, steer;
    bool json;
};

static const struct option_row rows[] = {
    {'n', "count", "N", "how many texts to make; 1 when not given", OPTION_INT,
     offsetof(struct generate_use, count), 1, 1 << 16},
    {'d', "device", "DEVICE", "OpenCL device", OPTION_STRING,
     offsetof(struct generate_use, device), 0, 0},
    {0, "json", NULL, "print JSON", OPTION_FLAG,
     offsetof(struct generate_use, json), 0, 0},
    {'m', "max-tokens", "N", "new tokens at most; 128 when not given",
     OPTION_INT, offsetof(struct generate_use, max_tokens), 0, 1 << 20},
    {'p', "prompt", "TEXT", "the text to go on with", OPTION_STRING,
     offsetof(struct generate_use, prompt), 0, 0},
    {0, "prompt-file", "FILE", "a file with that text; - is standard input",
     OPTION_STRING, offsetof(struct generate_use, prompt_file), 0, 0},
    {0, "seed", "N", "of the random numbers; 0 when not given", OPTION_INT,
     offsetof(struct generate_use, seed), 0, (double)INT64_MAX},
    {0, "steer", "FIELD=VALUE", "steer the router; may be given again",
     OPTION_LIST, offsetof(struct generate_use, steer), 0, 0},
    {0, "stop", "TEXT", "end where this comes; may be given again", OPTION_LIST,
     offsetof(struct generate_use, stop), 0, 0},
    {'t', "temperature", "X", "draw tokens; 0, the best one, when not given",
     OPTION_DOUBLE, offsetof(struct generate_use, temperature), 0, 1000},
    {0, "top-k", "N", "draw from the N most probable tokens", OPTION_INT,
     offsetof(struct generate_use, top_k), 1, 1 << 30},
    {0, "top-p", "X", "draw from the fewest that reach this probability",
     OPTION_DOUBLE, offsetof(struct generate_use, top_p), 1e-9, 1},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

static const struct option_set set = {
    "polymoe generate", "[OPTION...] MODEL",
    "Go on with a text, token by token, by a model.", rows, NULL};

enum { PROMPT_BYTES = 1 << 26 };

/* One use of the verb. */
struct use {
    const struct generate_use *opt;
    const char *model_path;
    struct moe_err err;
    struct moe_ctx *ctx;
    struct moe_model *model;
    struct moe_run *run;
    struct job_steering steering;
    struct moe_tokenizer *tokenizer;
    struct moe_ids prompt;
    struct generation *g; // (count)
    size_t printed;       // bytes of the only text
    size_t held;          // bytes that may begin a stop text
    double seconds;
};

static int
read_stream(struct use *u, char **out, size_t *n)
{
    struct str text = {0};
    char piece[1 << 16];
    size_t got;
    while (text.n <= PROMPT_BYTES &&
           (got = fread(piece, 1, sizeof piece, stdin)) > 0)
        str_add(&text, piece, got);
    *n = text.n;
    *out = str_take(&text);
    if (!*out)
        return moe_fail(&u->err, MOE_ENOMEM, "out of memory");
    if (!ferror(stdin) && *n <= PROMPT_BYTES)
        return MOE_OK;
    return moe_fail(&u->err, MOE_EINPUT, "standard input: %s",
                    ferror(stdin) ? "reading failed" : "too long");
}

static int
read_prompt(struct use *u)
{
    const struct generate_use *opt = u->opt;
    const struct moe_config *c = moe_model_config(u->model);
    char *text = NULL;
    size_t n = 0;
    int rc = MOE_OK;
    if (opt->prompt) {
        n = strlen(opt->prompt);
        if (!(text = str_copy(opt->prompt)))
            rc = moe_fail(&u->err, MOE_ENOMEM, "out of memory");
    } else if (strcmp(opt->prompt_file, "-") == 0)
        rc = read_stream(u, &text, &n);
    else
        rc = fs_read(&u->err, &text, &n, opt->prompt_file, PROMPT_BYTES);
    if (!rc)
        rc = moe_tokenizer_encode(&u->err, u->tokenizer, &u->prompt, text, n,
                                  NULL);
    free(text);
    if (rc || u->prompt.n)
        return rc;
    /* An empty text begins as the model's texts do. */
    if (c->bos < 0 && c->eos < 0)
        return moe_fail(&u->err, MOE_EINVAL,
                        "%s: no token begins an empty text", u->model_path);
    u->prompt.id = mem_zero(1, sizeof *u->prompt.id);
    if (!u->prompt.id)
        return moe_fail(&u->err, MOE_ENOMEM, "out of memory");
    u->prompt.id[0] = (int32_t)(c->bos >= 0 ? c->bos : c->eos);
    u->prompt.n = 1;
    return MOE_OK;
}

static int
read_inputs(struct use *u)
{
    const struct option_list *steer = &u->opt->steer;
    int rc = job_steering_parse(&u->err, &u->steering, steer->value, steer->n,
                                u->ctx, moe_model_config(u->model));
    return rc ? rc : read_prompt(u);
}

/* Print what can no longer change: whole characters, before what may be the
 * beginning of a stop text. */
static bool
print_more(void *arg, const struct generation *g)
{
    struct use *u = arg;
    size_t held = g->end == GENERATE_UNENDED ? u->held : 0;
    if (g->text.n <= u->printed + held)
        return false;
    const char *s = g->text.s + u->printed;
    size_t n = g->text.n - held - u->printed;
    if (g->end == GENERATE_UNENDED)
        n = utf8_prefix(s, n);
    fwrite(s, 1, n, stdout);
    fflush(stdout);
    u->printed += n;
    return false;
}

static int
make_texts(struct use *u)
{
    const struct generate_use *opt = u->opt;
    const struct moe_config *c = moe_model_config(u->model);
    struct generate_options o = {
        .tokenizer = u->tokenizer,
        .sample = {.temperature = opt->temperature,
                   .top_k = opt->top_k,
                   .top_p = opt->top_p,
                   .seed = (uint64_t)opt->seed},
        .max_tokens = opt->max_tokens,
        .eos = (int32_t)c->eos,
        .stop = opt->stop.value,
        .stops = opt->stop.n,
        .token = opt->count == 1 && !opt->json ? print_more : NULL,
        .arg = u};
    for (size_t i = 0; i < opt->stop.n; i++)
        if (strlen(opt->stop.value[i]) > u->held + 1)
            u->held = strlen(opt->stop.value[i]) - 1;
    u->g = mem_zero((size_t)opt->count, sizeof *u->g);
    if (!u->g)
        return moe_fail(moe_ctx_err(u->ctx), MOE_ENOMEM, "out of memory");
    for (int64_t i = 0; i < opt->count; i++)
        u->g[i] = (struct generation){.prompt = u->prompt.id,
                                      .n = (int64_t)u->prompt.n,
                                      .stream = (uint64_t)i};
    const double start = clock_seconds();
    int rc = generate(u->run, u->g, (size_t)opt->count, &o, NULL);
    u->seconds = clock_seconds() - start;
    return rc;
}

static int
compute(struct use *u)
{
    struct moe_ctx_options ctx_opt = {
        .device = u->opt->device, .log = verb_note, .log_arg = "generate"};
    int rc = moe_tokenizer_load(&u->err, &u->tokenizer, u->model_path);
    if (!rc)
        rc = moe_ctx_create(&u->ctx, &ctx_opt, &u->err);
    if (rc)
        return rc;
    rc = moe_model_load(u->ctx, &u->model, u->model_path);
    if (!rc && (rc = read_inputs(u)) != MOE_OK)
        return rc;
    struct eval_run_options opt = {.max_length = (int64_t)u->prompt.n +
                                                 u->opt->max_tokens,
                                   .pass_tokens = 512,
                                   .quick = true};
    if (!rc)
        rc = eval_run_create(&u->run, u->model, &opt);
    if (!rc)
        rc = moe_run_hook(u->run, u->steering.hook);
    if (!rc)
        rc = make_texts(u);
    if (rc)
        u->err = *moe_ctx_err(u->ctx);
    return rc;
}

static json_t *
ids_json(const struct moe_ids *ids)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ids->n; i++)
        json_array_append_new(list, json_integer(ids->id[i]));
    return list;
}

static void
print_json(struct use *u)
{
    json_t *texts = json_array();
    uint64_t tokens = 0;
    for (int64_t i = 0; i < u->opt->count; i++) {
        struct generation *g = &u->g[i];
        struct str clean = {0};
        tokens += g->ids.n;
        utf8_repair(&clean, g->text.s ? g->text.s : "", g->text.n);
        json_array_append_new(
            texts, json_pack("{s:o, s:s%, s:s}", "ids", ids_json(&g->ids),
                             "text", clean.s ? clean.s : "", clean.n, "end",
                             generate_end_name(g->end)));
        str_free(&clean);
    }
    json_t *root =
        json_pack("{s:s, s:o, s:o, s:I, s:f}", "model", u->model_path,
                  "prompt_ids", ids_json(&u->prompt), "texts", texts, "tokens",
                  (json_int_t)tokens, "seconds", u->seconds);
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(root);
}

static void
print_texts(struct use *u)
{
    for (int64_t i = 0; i < u->opt->count; i++) {
        const struct str *text = &u->g[i].text;
        if (i)
            puts("----");
        if (u->opt->count == 1)
            print_more(u, &u->g[0]);
        else if (text->n)
            fwrite(text->s, 1, text->n, stdout);
        putchar('\n');
    }
}

static int
check_use(const struct generate_use *opt, int operands)
{
    if (operands != 1)
        return options_usage_error(&set, "want one MODEL");
    if (!opt->prompt == !opt->prompt_file)
        return options_usage_error(&set, "want --prompt or --prompt-file");
    if (opt->temperature <= 0 && (opt->top_k || opt->top_p > 0))
        return options_usage_error(
            &set, "--top-k and --top-p draw tokens: want --temperature too");
    return OPTIONS_GO_ON;
}

int
verb_generate(int argc, char **argv)
{
    struct generate_use opt = {.count = 1, .max_tokens = 128};
    int first;
    int status = options_parse(&set, &opt, argc, argv, &first);
    if (status == OPTIONS_GO_ON)
        status = check_use(&opt, argc - first);
    if (status == OPTIONS_GO_ON) {
        struct use u = {.opt = &opt, .model_path = argv[first]};
        int rc = compute(&u);
        if (!rc && opt.json)
            print_json(&u);
        else if (!rc)
            print_texts(&u);
        for (int64_t i = 0; u.g && i < opt.count; i++)
            generation_free(&u.g[i]);
        free(u.g);
        moe_ids_free(&u.prompt);
        moe_run_destroy(&u.run);
        job_steering_free(&u.steering);
        moe_model_destroy(&u.model);
        moe_ctx_destroy(&u.ctx);
        moe_tokenizer_destroy(&u.tokenizer);
        status = rc ? verb_fail("generate", &u.err) : 0;
    }
    option_list_free(&opt.stop);
    option_list_free(&opt.steer);
    return status;
}
