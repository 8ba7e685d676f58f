/*
 * eval.c - an evaluation as a user runs it, against eval/: log-likelihoods
 * item by item, means, and texts that are generated.
 *
 * The model is small/trained and the items those of the sample data; where the
 * folder has no such model, as the one that is kept with the tests, the sample
 * model is meant.
 */
#include "config.h"

#include "tests/golden/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <polymoe/model.h>
#include <polymoe/tokenizer.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "eval/generate.h"
#include "eval/score.h"
#include "tests/support.h"
#include "tests/table.h"

static const double CLOSE = 1e-3; // log-likelihoods of an item
static const double GAP = 2e-3;   // nearer logits may change places

/* Where things are. */
struct place {
    struct golden *g;
    struct moe_err *err;
    const char *sample;
    char numbers[512], model[512];
};

static int
find_place(struct place *p)
{
    p->sample = getenv("POLYMOE_SAMPLE");
    if (!p->sample)
        return moe_fail(p->err, MOE_EINPUT, "POLYMOE_SAMPLE is not set");
    snprintf(p->numbers, sizeof p->numbers, "%s/eval", p->g->root);
    snprintf(p->model, sizeof p->model, "%s/small/trained", p->g->root);
    if (!fs_is_dir(p->model))
        snprintf(p->model, sizeof p->model, "%s/model", p->sample);
    return MOE_OK;
}

/* ---- Items --------------------------------------------------------------- */

/* A task: its items in the sample, and columns of its reference. */
struct task {
    const char *name, *dir, *ending, *numbers;
    int shots; // -1: none
    const char *columns[4];
    const char *more[2]; // columns of a second list of scores
};

/* The lines of OUT/results/items/NAME.LANGUAGE.jsonl as one array. */
static json_t *
read_items(struct moe_err *err, const char *out, const struct task *t,
           const char *language)
{
    json_t *list = NULL;
    char *text = NULL, *path = str_format("%s/results/items/%s.%s.jsonl", out,
                                          t->name, language);
    size_t n;
    if (path && fs_read(err, &text, &n, path, 1 << 26) == MOE_OK) {
        struct str all = {0};
        str_puts(&all, "[");
        for (char *p = text; p < text + n; p += strcspn(p, "\n") + 1)
            str_printf(&all, "%s%.*s", p == text ? "" : ",",
                       (int)strcspn(p, "\n"), p);
        str_puts(&all, "]");
        if (!all.failed)
            json_parse(err, &list, all.s, all.n, path);
        str_free(&all);
    }
    free(text);
    free(path);
    return list;
}

/* The largest difference of a row, infinite for numbers that must be equal. */
static double
row_error(const struct task *t, const struct table *want, size_t row,
          const json_t *item)
{
    static const char *const equal[] = {"context_tokens", "truncated", "gold"};
    double worst = 0;
    for (size_t i = 0; i < 4 && t->columns[i]; i++) {
        const json_t *ll = json_array_get(json_object_get(item, "ll"), i);
        worst = fmax(worst, fabs(json_number_value(ll) -
                                 table_number(want, row, t->columns[i])));
    }
    for (size_t i = 0; i < 2 && t->more[i]; i++) {
        const json_t *ll =
            json_array_get(json_object_get(item, "ll_no_first"), i);
        worst = fmax(worst, fabs(json_number_value(ll) -
                                 table_number(want, row, t->more[i])));
    }
    for (size_t i = 0; i < 3 && t->shots >= 0; i++)
        if (json_number_value(json_object_get(item, equal[i])) !=
            table_number(want, row, equal[i]))
            worst = INFINITY;
    return worst;
}

/* The spec of the languages in the reference. */
static char *
write_spec(const struct place *p, const struct task *t,
           const struct table *want, size_t items)
{
    struct str b = {0};
    const char *last = "";
    str_printf(&b, "kind: evaluate\nmodel: \"%s\"\nlimit: %zu\n%s:\n", p->model,
               items, t->dir[0] == 'b' ? "belebele" : "multiblimp");
    if (t->shots >= 0)
        str_printf(&b, "  shots: %d\n", t->shots);
    str_puts(&b, "  data:\n");
    for (size_t i = 0; i < want->rows; i++) {
        const char *language = table_text(want, i, "language");
        if (strcmp(language, last) != 0)
            str_printf(&b, "    %s: \"%s/%s/%s%s\"\n", language, p->sample,
                       t->dir, language, t->ending);
        last = language;
    }
    return str_take(&b);
}

static int
compare_items(struct place *p, const struct task *t, const struct table *want,
              const char *out)
{
    double worst = 0;
    json_t *items = NULL;
    const char *last = "";
    for (size_t i = 0; i < want->rows; i++) {
        const char *language = table_text(want, i, "language");
        if (strcmp(language, last) != 0) {
            json_decref(items);
            items = read_items(p->err, out, t, language);
        }
        last = language;
        if (!items)
            return p->err->code;
        const size_t n = (size_t)table_number(want, i, "item");
        worst = fmax(worst, row_error(t, want, i, json_array_get(items, n)));
    }
    json_decref(items);
    golden_report(p->g, "eval", t->name, worst, CLOSE, worst <= CLOSE);
    return MOE_OK;
}

/* The row of `got` that has this row's task, language and metric. */
static size_t
find_row(const struct table *got, const struct table *want, size_t row)
{
    static const char *const keys[] = {"task", "language", "metric"};
    for (size_t i = 0; i < got->rows; i++) {
        bool same = true;
        for (size_t k = 0; k < 3; k++)
            same = same && strcmp(table_text(got, i, keys[k]),
                                  table_text(want, row, keys[k])) == 0;
        if (same)
            return i;
    }
    return got->rows;
}

static double
summary_error(const struct table *got, const struct table *want)
{
    static const char *const numbers[] = {"value", "stderr", "n"};
    double worst = 0;
    for (size_t i = 0; i < want->rows; i++) {
        size_t row = find_row(got, want, i);
        for (size_t k = 0; k < 3; k++)
            worst = fmax(worst, row == got->rows
                                    ? INFINITY
                                    : fabs(table_number(got, row, numbers[k]) -
                                           table_number(want, i, numbers[k])));
    }
    return worst;
}

/* The rows of summary.csv that this task has; a folder may have none. */
static void
compare_summary(struct place *p, const struct task *t, const char *out)
{
    struct table want, got;
    double worst = INFINITY;
    char path[700];
    snprintf(path, sizeof path, "%s/summary.csv", p->numbers);
    if (!table_read(&want, path))
        return;
    table_keep(&want, "task", t->name);
    snprintf(path, sizeof path, "%s/results/evaluation.csv", out);
    if (table_read(&got, path)) {
        worst = summary_error(&got, &want);
        table_free(&got);
    }
    golden_report(p->g, "eval", "summary.csv", worst, 1e-6, worst <= 1e-6);
    table_free(&want);
}

static int
compare_task(struct place *p, const struct task *t)
{
    struct table want;
    char path[700], out[300], shots[12];
    size_t items = 0;
    snprintf(path, sizeof path, "%s/%s", p->numbers, t->numbers);
    snprintf(out, sizeof out, "%s/%s", support_dir(), t->name);
    if (!table_read(&want, path))
        return moe_fail(p->err, MOE_EINPUT, "%s: cannot be read", path);
    snprintf(shots, sizeof shots, "%d", t->shots);
    if (t->shots >= 0)
        table_keep(&want, "shots", shots);
    for (size_t i = 0; i < want.rows; i++)
        if (table_number(&want, i, "item") >= (double)items)
            items = (size_t)table_number(&want, i, "item") + 1;
    char *spec = write_spec(p, t, &want, items);
    int rc = spec ? golden_job(p->err, spec, out, NULL, NULL)
                  : moe_fail(p->err, MOE_ENOMEM, "spec of an evaluation");
    free(spec);
    if (!rc)
        rc = compare_items(p, t, &want, out);
    if (!rc)
        compare_summary(p, t, out);
    table_free(&want);
    return rc;
}

/* ---- Texts --------------------------------------------------------------- */

/* How many tokens of the reference come otherwise, up to its end of text. */
static size_t
wrong_tokens(const struct generation *g, const json_t *want, int64_t eos)
{
    const json_t *ids = json_object_get(want, "continuation_ids");
    size_t n = 0, wrong = 0;
    while (n < json_array_size(ids) &&
           json_integer_value(json_array_get(ids, n)) != eos)
        n++;
    for (size_t i = 0; i < n; i++)
        wrong += i >= g->ids.n ||
                 g->ids.id[i] != json_integer_value(json_array_get(ids, i));
    return wrong + (g->ids.n > n);
}

struct maker {
    struct place *p;
    struct moe_tokenizer *tokenizer;
    struct moe_model *model;
    struct moe_run *run;
};

static int
compare_text(struct maker *m, const json_t *want, size_t *wrong)
{
    const struct moe_config *c = moe_model_config(m->model);
    const json_t *ids = json_object_get(want, "prompt_ids");
    const double gap = json_number_value(json_object_get(want, "smallest_gap"));
    int32_t prompt[64];
    struct generation g = {.prompt = prompt,
                           .n = (int64_t)json_array_size(ids)};
    const struct generate_options opt = {
        .tokenizer = m->tokenizer,
        .max_tokens =
            (int64_t)json_array_size(json_object_get(want, "continuation_ids")),
        .eos = (int32_t)c->eos};
    if (g.n > 64 || gap < GAP)
        return MOE_OK;
    for (int64_t i = 0; i < g.n; i++)
        prompt[i] = (int32_t)json_integer_value(json_array_get(ids, (size_t)i));
    int rc = generate(m->run, &g, 1, &opt, NULL);
    if (!rc)
        *wrong += wrong_tokens(&g, want, c->eos);
    generation_free(&g);
    return rc;
}

static int
compare_texts(struct place *p)
{
    struct maker m = {.p = p};
    const struct eval_run_options opt = {.max_length = 200, .quick = true};
    json_t *list = NULL, *want;
    size_t wrong = 0, i;
    char path[700];
    snprintf(path, sizeof path, "%s/generate.json", p->numbers);
    int rc = json_read(p->err, &list, path);
    if (!rc)
        rc = moe_tokenizer_load(p->err, &m.tokenizer, p->model);
    struct moe_ctx *ctx = rc ? NULL : golden_ctx(p->g, p->err);
    if (!rc && !ctx)
        rc = p->err->code;
    if (!rc)
        rc = moe_model_load(ctx, &m.model, p->model);
    if (!rc)
        rc = eval_run_create(&m.run, m.model, &opt);
    json_array_foreach(list, i, want)
    {
        if (!rc)
            rc = compare_text(&m, want, &wrong);
    }
    if (rc && ctx)
        *p->err = *moe_ctx_err(ctx);
    if (!rc)
        golden_report(p->g, "eval", "generated tokens", (double)wrong, 0,
                      wrong == 0);
    moe_run_destroy(&m.run);
    moe_model_destroy(&m.model);
    moe_tokenizer_destroy(&m.tokenizer);
    json_decref(list);
    return rc;
}

int
golden_eval(struct golden *g, struct moe_err *err)
{
    static const struct task tasks[] = {
        {"multiblimp",
         "minimal_pairs",
         ".tsv",
         "minimal_pairs.csv",
         -1,
         {"ll_sen", "ll_wrong"},
         {"ll_sen_no_first", "ll_wrong_no_first"}},
        {"belebele_0shot",
         "belebele",
         ".jsonl",
         "belebele.csv",
         0,
         {"ll_a", "ll_b", "ll_c", "ll_d"},
         {NULL}},
        {"belebele_4shot",
         "belebele",
         ".jsonl",
         "belebele.csv",
         4,
         {"ll_a", "ll_b", "ll_c", "ll_d"},
         {NULL}}};
    struct place p = {.g = g, .err = err};
    int rc = find_place(&p);
    for (size_t i = 0; !rc && i < sizeof tasks / sizeof *tasks; i++)
        rc = compare_task(&p, &tasks[i]);
    return rc ? rc : compare_texts(&p);
}
