/*
 * verb_tokenize.c - polymoe tokenize: text files to token shards.
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

#include <polymoe/model.h>
#include <polymoe/tokenizer.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/progress.h"
#include "base/str.h"
#include "client/table.h"
#include "data/shard.h"
#include "data/text.h"

struct tokenize_options {
    const char *tokenizer, *out, *documents, *added;
    int64_t eos, max_size;
    bool json, quiet;
};

#define AT(field) offsetof(struct tokenize_options, field)
static const struct option_row rows[] = {
    {'t', "tokenizer", "FILE|MODEL", "tokenizer.json, or a model's directory",
     OPTION_STRING, AT(tokenizer), 0, 0},
    {'o', "out", "DIR", "write the shards there", OPTION_STRING, AT(out), 0, 0},
    {0, "eos", "ID", "id after each document, -1 for none", OPTION_INT, AT(eos),
     -1, INT32_MAX},
    {0, "documents", "WORD", "of .txt files: line, blank or file",
     OPTION_STRING, AT(documents), 0, 0},
    {0, "added", "WORD", "added tokens in texts: all, ordinary or spaces",
     OPTION_STRING, AT(added), 0, 0},
    {0, "max-size", "BYTES", "largest shard", OPTION_INT, AT(max_size), 1,
     1e15},
    {0, "json", NULL, "print JSON", OPTION_FLAG, AT(json), 0, 0},
    {'q', "quiet", NULL, "no progress", OPTION_FLAG, AT(quiet), 0, 0},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};
#undef AT

static const struct option_set set = {
    "polymoe tokenize", "[OPTION...] --tokenizer=FILE|MODEL --out=DIR FILE...",
    "Turn text files into token shards, one series for each language.", rows,
    NULL};

enum { EOS_UNSET = -2 };

/* The files of one language and what they gave. */
struct language {
    char *name;
    char **file; // borrowed from argv
    size_t files, file_cap;
    struct text_counts counts;
    uint64_t tokens; // EOS included
    uint64_t bare;   // without
    unsigned shards;
};

struct job {
    struct tokenize_options opt;
    struct text_options text;
    struct moe_encode_options encode;
    struct moe_tokenizer *tokenizer;
    int64_t V;
    struct language *language;
    size_t languages, language_cap;
    struct progress_meter meter;
    struct progress_view view;
    struct moe_progress progress;
    uint64_t done; // bytes of finished files
};

/* ---- Options ------------------------------------------------------------ */

/* The place of a word in a list that ends with NULL, or -1. */
static int
find_word(const char *word, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

static int
read_words(struct job *job)
{
    static const char *const documents[] = {"line", "blank", "file", NULL};
    static const char *const added[] = {"all", "ordinary", "spaces", NULL};
    int d = find_word(job->opt.documents, documents);
    int a = find_word(job->opt.added, added);
    if (d < 0)
        return options_usage_error(&set,
                                   "--documents=%s: want line, blank or file",
                                   job->opt.documents);
    if (a < 0)
        return options_usage_error(
            &set, "--added=%s: want all, ordinary or spaces", job->opt.added);
    job->text.documents = (enum text_documents)d;
    job->encode.added = (enum moe_added)a;
    return 0;
}

static int
add_file(struct moe_err *err, struct job *job, char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t n = strcspn(base, "."), i = 0;
    if (!n || !text_is_name(path))
        return moe_fail(err, MOE_EFORMAT,
                        "%s: want LANG.txt or LANG.jsonl, also LANG.*.txt, "
                        "alone or with .gz or .zst",
                        path);
    while (i < job->languages && (strlen(job->language[i].name) != n ||
                                  memcmp(job->language[i].name, base, n) != 0))
        i++;
    if (i == job->languages) {
        struct language *grown =
            mem_grow(job->language, &job->language_cap, i + 1, sizeof *grown);
        if (grown)
            job->language = grown;
        char *name = str_format("%.*s", (int)n, base);
        if (!grown || !name) {
            free(name);
            return moe_fail(err, MOE_ENOMEM, "out of memory");
        }
        job->language[job->languages++] = (struct language){.name = name};
    }
    struct language *l = &job->language[i];
    char **files = mem_grow(l->file, &l->file_cap, l->files + 1, sizeof *files);
    if (!files)
        return moe_fail(err, MOE_ENOMEM, "out of memory");
    l->file = files;
    l->file[l->files++] = path;
    struct stat st;
    if (stat(path, &st) == 0)
        job->progress.total += (uint64_t)st.st_size;
    return MOE_OK;
}

/* The vocabulary and EOS of the model's configuration, when a model was
 * named, else the tokenizer's. */
static int
find_eos(struct moe_err *err, struct job *job)
{
    int64_t own = moe_tokenizer_eos(job->tokenizer), eos = own;
    job->V = moe_tokenizer_size(job->tokenizer);
    char *config = str_path(job->opt.tokenizer, "config.json");
    if (config && fs_is_dir(job->opt.tokenizer) && fs_exists(config)) {
        struct moe_config c;
        int rc = moe_config_read(err, &c, config);
        if (rc) {
            free(config);
            return rc;
        }
        if (c.eos >= 0)
            eos = c.eos;
        if (c.V > job->V)
            job->V = c.V;
        moe_config_free(&c);
    }
    free(config);
    if (job->opt.eos == EOS_UNSET)
        job->opt.eos = eos;
    if (job->opt.eos == -1 && eos == -1)
        return moe_fail(err, MOE_EINVAL,
                        "%s: no <|endoftext|>: the id after each document "
                        "must be given by --eos",
                        job->opt.tokenizer);
    if (job->opt.eos >= job->V)
        return moe_fail(err, MOE_EINVAL,
                        "--eos=%" PRId64 ": the vocabulary ends at %" PRId64,
                        job->opt.eos, job->V - 1);
    if (job->opt.eos >= 0 && own >= 0 && job->opt.eos != own)
        fprintf(stderr,
                "polymoe tokenize: warning: documents end with id %" PRId64
                ", but <|endoftext|> of the tokenizer is %" PRId64 "\n",
                job->opt.eos, own);
    return MOE_OK;
}

/* ---- Work --------------------------------------------------------------- */

static void
show(struct job *job, const struct language *l, uint64_t here, bool force)
{
    job->progress.item = l->name;
    job->progress.done = job->done + here;
    progress_meter_update(&job->meter, &job->progress);
    progress_view_show(&job->view, &job->progress, force);
}

static void
add_counts(struct text_counts *to, const struct text_counts *c)
{
    to->documents += c->documents;
    to->empty += c->empty;
    to->bytes += c->bytes;
    to->replaced += c->replaced;
    to->bom += c->bom;
    to->crlf += c->crlf;
}

static int
write_file(struct moe_err *err, struct job *job, struct language *l,
           struct shard_writer *w, const char *path)
{
    struct text_reader *r;
    struct text_document doc;
    struct moe_ids ids = {0};
    int rc = text_open(err, &r, path, &job->text);
    if (rc)
        return rc;
    while ((rc = text_next(err, r, &doc)) > 0) {
        ids.n = 0;
        rc = moe_tokenizer_encode(err, job->tokenizer, &ids, doc.text, doc.n,
                                  &job->encode);
        if (!rc)
            rc =
                shard_writer_add(err, w, ids.id, ids.n, doc.id, path, doc.line);
        if (rc)
            break;
        l->bare += ids.n;
        show(job, l, text_position(r), false);
    }
    job->done += text_position(r);
    add_counts(&l->counts, text_counts(r));
    text_close(&r);
    moe_ids_free(&ids);
    return rc;
}

static int
write_language(struct moe_err *err, struct job *job, struct language *l)
{
    struct shard_writer *w;
    struct shard_options opt = {.dir = job->opt.out,
                                .stem = l->name,
                                .V = job->V,
                                .eos = (int32_t)job->opt.eos,
                                .max_bytes = (uint64_t)job->opt.max_size};
    int rc = shard_writer_create(err, &w, &opt);
    for (size_t i = 0; !rc && i < l->files; i++)
        rc = write_file(err, job, l, w, l->file[i]);
    if (!rc && !l->counts.documents)
        rc = moe_fail(err, MOE_EINPUT,
                      "%s: no document with text in %zu file%s of language %s",
                      l->file[0], l->files, l->files == 1 ? "" : "s", l->name);
    if (!rc)
        rc = shard_writer_finish(err, w);
    if (w) {
        l->tokens = shard_writer_tokens(w);
        l->shards = shard_writer_files(w);
    }
    shard_writer_destroy(&w);
    show(job, l, 0, true);
    return rc;
}

/* ---- Results ------------------------------------------------------------ */

static double
density(const struct language *l)
{
    return l->counts.bytes ? (double)l->bare / (double)l->counts.bytes : 0;
}

static void
print_table(const struct job *job)
{
    static const char *const columns[] = {"documents",   "tokens", "bytes",
                                          "tokens/byte", "empty",  "replaced",
                                          "BOM",         "CRLF"};
    struct table t = {0};
    table_column(&t, "language", TABLE_LEFT);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        table_column(&t, columns[i], TABLE_RIGHT);
    for (size_t i = 0; i < job->languages; i++) {
        const struct language *l = &job->language[i];
        table_cell(&t, "%s", l->name);
        table_cell(&t, "%" PRIu64, l->counts.documents);
        table_cell(&t, "%" PRIu64, l->tokens);
        table_cell(&t, "%" PRIu64, l->counts.bytes);
        table_cell(&t, "%.4f", density(l));
        table_cell(&t, "%" PRIu64, l->counts.empty);
        table_cell(&t, "%" PRIu64, l->counts.replaced);
        table_cell(&t, "%" PRIu64, l->counts.bom);
        table_cell(&t, "%" PRIu64, l->counts.crlf);
    }
    table_print(&t, stdout);
    table_free(&t);
}

static void
print_json(const struct job *job)
{
    json_t *list = json_array();
    for (size_t i = 0; i < job->languages; i++) {
        const struct language *l = &job->language[i];
        json_array_append_new(
            list,
            json_pack("{s:s, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I, "
                      "s:I}",
                      "language", l->name, "documents",
                      (json_int_t)l->counts.documents, "tokens",
                      (json_int_t)l->tokens, "bytes",
                      (json_int_t)l->counts.bytes, "tokens_per_byte",
                      density(l), "empty", (json_int_t)l->counts.empty,
                      "replaced", (json_int_t)l->counts.replaced, "bom",
                      (json_int_t)l->counts.bom, "crlf",
                      (json_int_t)l->counts.crlf, "files", (json_int_t)l->files,
                      "shards", (json_int_t)l->shards));
    }
    json_t *root = json_pack("{s:I, s:i, s:o}", "eos", (json_int_t)job->opt.eos,
                             "width", shard_width(job->V), "languages", list);
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    if (text)
        puts(text);
    free(text);
    json_decref(root);
}

static int
run(struct moe_err *err, struct job *job)
{
    int rc = moe_tokenizer_load(err, &job->tokenizer, job->opt.tokenizer);
    if (!rc)
        rc = find_eos(err, job);
    if (!rc)
        rc = fs_mkdirs(err, job->opt.out, 0777);
    job->progress.phase = "tokenize";
    job->progress.unit = "bytes";
    progress_meter_begin(&job->meter);
    progress_view_begin(&job->view, false, job->opt.quiet);
    for (size_t i = 0; !rc && i < job->languages; i++)
        rc = write_language(err, job, &job->language[i]);
    progress_view_end(&job->view);
    if (!rc)
        (job->opt.json ? print_json : print_table)(job);
    return rc;
}

static void
release(struct job *job)
{
    for (size_t i = 0; i < job->languages; i++) {
        free(job->language[i].name);
        free(job->language[i].file);
    }
    free(job->language);
    moe_tokenizer_destroy(&job->tokenizer);
}

int
verb_tokenize(int argc, char **argv)
{
    struct moe_err err = {0};
    struct job job = {
        .opt = {.eos = EOS_UNSET, .documents = "line", .added = "all"}};
    int first, rc = MOE_OK, status;
    status = options_parse(&set, &job.opt, argc, argv, &first);
    if (status != OPTIONS_GO_ON)
        return status;
    if (!job.opt.tokenizer || !job.opt.out || first == argc)
        return options_usage_error(&set, "want --tokenizer, --out and a file");
    if ((status = read_words(&job)) != 0)
        return status;
    for (int i = first; !rc && i < argc; i++)
        rc = add_file(&err, &job, argv[i]);
    if (!rc)
        rc = run(&err, &job);
    release(&job);
    return rc ? verb_fail("tokenize", &err) : 0;
}
