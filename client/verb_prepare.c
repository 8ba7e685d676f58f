/*
 * verb_prepare.c - polymoe prepare: documents to the files of a corpus.
 */
#include "config.h"

#include "client/client.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include <polymoe/tokenizer.h>

#include "base/mem.h"
#include "base/options.h"
#include "base/progress.h"
#include "base/str.h"
#include "client/table.h"
#include "data/prepare.h"

struct prepare_fields {
    const char *out, *mix, *tokenizer;
    struct option_list with;
    int64_t held_out, rotate, limit, seed;
    bool json, quiet;
};

#define AT(field) offsetof(struct prepare_fields, field)
static const struct option_row rows[] = {
    {'o', "out", "DIR", "write the corpus there", OPTION_STRING, AT(out), 0, 0},
    {0, "held-out", "N", "first documents of each language kept for tests",
     OPTION_INT, AT(held_out), 0, 1e15},
    {0, "rotate", "N", "documents of a file, 0 for one file", OPTION_INT,
     AT(rotate), 0, 1e15},
    {0, "limit", "N", "at most so much of each language, 0 for all", OPTION_INT,
     AT(limit), 0, 1e15},
    {0, "mix", "WORD", "languages in turn, by documents or by tokens",
     OPTION_STRING, AT(mix), 0, 0},
    {'t', "tokenizer", "FILE|MODEL", "what counts tokens for --mix=tokens",
     OPTION_STRING, AT(tokenizer), 0, 0},
    {0, "with", "FILE", "shuffle this language into the mixture FILE...",
     OPTION_LIST, AT(with), 0, 0},
    {0, "seed", "N", "of the shuffle", OPTION_INT, AT(seed), 0, 9e18},
    {0, "json", NULL, "print the manifest", OPTION_FLAG, AT(json), 0, 0},
    {'q', "quiet", NULL, "no progress", OPTION_FLAG, AT(quiet), 0, 0},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};
#undef AT

static const struct option_set set = {
    "polymoe prepare", "[OPTION...] --out=DIR [LANG=]FILE...",
    "Split, mix and shuffle documents into the files of a corpus.", rows, NULL};

enum { UNSET = -1, HELD_OUT = 5000, ROTATE = 1000000, TAKE = 3000000 };

/* A file and the language it is of. */
struct operands {
    struct prepare_file *file;
    char **name; // the languages, owned
    size_t n;
};

/* How long the language is in a file's base name: raw_LANG.jsonl,
 * LANG.any.jsonl.gz, LANG_train_2.jsonl. */
static const char *
find_language(const char *base, size_t *n)
{
    if (strncmp(base, "raw_", 4) == 0)
        base += 4;
    *n = strcspn(base, ".");
    const char *train = strstr(base, "_train");
    if (train && train < base + *n)
        *n = (size_t)(train - base);
    return base;
}

static int
add_operand(struct moe_err *err, struct operands *ops, const char *word)
{
    const char *equals = strchr(word, '='), *slash = strrchr(word, '/');
    const char *name = word, *path = word;
    size_t n;
    /* An equals sign in a path is no language. */
    if (equals && !memchr(word, '/', (size_t)(equals - word))) {
        n = (size_t)(equals - word);
        path = equals + 1;
    } else
        name = find_language(slash ? slash + 1 : word, &n);
    if (!n)
        return moe_fail(err, MOE_EINVAL,
                        "%s: no language in the name; write LANG=FILE", word);
    ops->name[ops->n] = str_format("%.*s", (int)n, name);
    if (!ops->name[ops->n])
        return moe_fail(err, MOE_ENOMEM, "out of memory");
    ops->file[ops->n] = (struct prepare_file){ops->name[ops->n], path};
    ops->n++;
    return MOE_OK;
}

static int
read_operands(struct moe_err *err, struct operands *ops,
              const char *const *word, size_t n)
{
    ops->file = mem_zero(n, sizeof *ops->file);
    ops->name = mem_zero(n, sizeof *ops->name);
    int rc = ops->file && ops->name
                 ? MOE_OK
                 : moe_fail(err, MOE_ENOMEM, "out of memory");
    for (size_t i = 0; !rc && i < n; i++)
        rc = add_operand(err, ops, word[i]);
    return rc;
}

static void
free_operands(struct operands *ops)
{
    for (size_t i = 0; i < ops->n; i++)
        free(ops->name[i]);
    free(ops->name);
    free(ops->file);
}

/* ---- Progress ----------------------------------------------------------- */

struct display {
    struct progress_meter meter;
    struct progress_view view;
    struct moe_progress progress;
};

/* Languages are read in turn: what is known is the file at hand. */
static void
show(void *arg, const char *path, uint64_t bytes)
{
    struct display *d = arg;
    if (!d->progress.item || strcmp(d->progress.item, path) != 0) {
        struct stat st;
        d->progress.item = path;
        d->progress.total = stat(path, &st) ? 0 : (uint64_t)st.st_size;
    }
    d->progress.done = bytes;
    progress_meter_update(&d->meter, &d->progress);
    progress_view_show(&d->view, &d->progress, false);
}

/* ---- Results ------------------------------------------------------------ */

static void
print_table(const json_t *manifest)
{
    static const char *const column[] = {"documents", "bytes"};
    struct table t = {0};
    size_t i;
    const json_t *file;
    table_column(&t, "file", TABLE_LEFT);
    table_column(&t, "language", TABLE_LEFT);
    table_column(&t, "part", TABLE_LEFT);
    for (i = 0; i < 2; i++)
        table_column(&t, column[i], TABLE_RIGHT);
    json_array_foreach(json_object_get(manifest, "files"), i, file)
    {
        table_cell(&t, "%s", json_string_value(json_object_get(file, "path")));
        table_cell(&t, "%s",
                   json_string_value(json_object_get(file, "language")));
        table_cell(&t, "%s", json_string_value(json_object_get(file, "part")));
        for (size_t k = 0; k < 2; k++)
            table_cell(&t, "%lld",
                       (long long)json_integer_value(
                           json_object_get(file, column[k])));
    }
    table_print(&t, stdout);
    table_free(&t);
    const char *ended =
        json_string_value(json_object_get(manifest, "ended_by"));
    if (ended)
        fprintf(stderr,
                "polymoe prepare: the mixture ends where %s has no further "
                "document\n",
                ended);
}

static void
print(const json_t *manifest, bool json)
{
    if (!json) {
        print_table(manifest);
        return;
    }
    char *text = json_dumps(manifest, JSON_INDENT(2));
    if (text)
        puts(text);
    free(text);
}

/* ---- Work --------------------------------------------------------------- */

static int
combine(struct moe_err *err, json_t **manifest, const char *const *word,
        size_t n, const struct prepare_fields *f,
        const struct prepare_options *opt)
{
    struct operands with = {0};
    int rc = read_operands(err, &with, f->with.value, f->with.n);
    if (!rc)
        rc = prepare_combine(err, manifest, word, n, with.file, with.n, opt);
    free_operands(&with);
    return rc;
}

static int
split(struct moe_err *err, json_t **manifest, const char *const *word, size_t n,
      const struct prepare_options *opt)
{
    struct operands ops = {0};
    int rc = read_operands(err, &ops, word, n);
    if (!rc)
        rc = prepare_split(err, manifest, ops.file, ops.n, opt);
    free_operands(&ops);
    return rc;
}

static int
run(struct moe_err *err, const char *const *word, size_t n,
    const struct prepare_fields *f, enum prepare_mix mix)
{
    struct display d = {.progress = {.phase = "prepare", .unit = "bytes"}};
    struct moe_tokenizer *tokenizer = NULL;
    json_t *manifest = NULL;
    int rc = mix == PREPARE_TOKENS
                 ? moe_tokenizer_load(err, &tokenizer, f->tokenizer)
                 : MOE_OK;
    const struct prepare_options opt = {
        .dir = f->out,
        .mix = mix,
        .held_out = (uint64_t)(f->held_out == UNSET ? HELD_OUT : f->held_out),
        .rotate = (uint64_t)f->rotate,
        .limit = (uint64_t)(f->limit != UNSET ? f->limit
                            : f->with.n       ? TAKE
                                              : 0),
        .seed = (uint64_t)f->seed,
        .tokenizer = tokenizer,
        .progress = show,
        .progress_arg = &d};
    progress_meter_begin(&d.meter);
    progress_view_begin(&d.view, false, f->quiet);
    if (!rc)
        rc = f->with.n ? combine(err, &manifest, word, n, f, &opt)
                       : split(err, &manifest, word, n, &opt);
    progress_view_end(&d.view);
    if (!rc)
        print(manifest, f->json);
    json_decref(manifest);
    moe_tokenizer_destroy(&tokenizer);
    return rc;
}

/* What goes with what; *mix is set.  0 or the exit status of wrong usage. */
static int
check(const struct prepare_fields *f, bool operands, enum prepare_mix *mix)
{
    *mix = PREPARE_SPLIT;
    if (f->mix && strcmp(f->mix, "documents") == 0)
        *mix = PREPARE_DOCUMENTS;
    else if (f->mix && strcmp(f->mix, "tokens") == 0)
        *mix = PREPARE_TOKENS;
    else if (f->mix)
        return options_usage_error(&set, "--mix=%s: want documents or tokens",
                                   f->mix);
    if (!f->out || !operands)
        return options_usage_error(&set, "want --out and a file");
    if (*mix == PREPARE_TOKENS && !f->tokenizer)
        return options_usage_error(&set, "--mix=tokens wants --tokenizer");
    if (f->with.n && (f->mix || f->held_out != UNSET))
        return options_usage_error(
            &set, "--with goes with neither --mix nor --held-out");
    return 0;
}

int
verb_prepare(int argc, char **argv)
{
    struct moe_err err = {0};
    struct prepare_fields f = {
        .held_out = UNSET, .rotate = ROTATE, .limit = UNSET};
    enum prepare_mix mix;
    int first, status = options_parse(&set, &f, argc, argv, &first);
    const bool go_on = status == OPTIONS_GO_ON;
    if (go_on)
        status = check(&f, first < argc, &mix);
    if (go_on && !status &&
        run(&err, (const char *const *)argv + first, (size_t)(argc - first), &f,
            mix))
        status = verb_fail("prepare", &err);
    option_list_free(&f.with);
    return status;
}
