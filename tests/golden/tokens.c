/*
 * tokens.c - token ids of every line of the reference texts, and back.
 *
 * The texts and the tokenizer stand beside the folder of reference numbers,
 * in data/; a NAME.u16 of tokens/ has the ids of each line of NAME.txt with
 * the id of the end of text after each.
 */
#include "config.h"

#include "tests/golden/golden.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include <polymoe/tokenizer.h>

#include "base/fs.h"
#include "base/str.h"
#include "data/shard.h"
#include "data/text.h"

/* One file: ids that differ, lines that do not decode to their form C. */
struct outcome {
    size_t wrong_ids, wrong_lines;
};

static bool
decodes(struct moe_tokenizer *t, const struct text_document *doc,
        const struct moe_ids *ids, size_t from)
{
    struct moe_text back = {0};
    char *form = (char *)utf8proc_NFC((const unsigned char *)doc->text);
    bool same = form &&
                moe_tokenizer_decode(NULL, t, &back, ids->id + from,
                                     ids->n - from, false) == MOE_OK &&
                strcmp(form, back.s) == 0;
    free(form);
    moe_text_free(&back);
    return same;
}

/* Encode a text line by line and compare with the shard. */
static int
compare_text(struct moe_err *err, struct moe_tokenizer *t, const char *path,
             const struct shard *want, struct outcome *out)
{
    struct text_reader *r;
    struct text_document doc;
    struct moe_ids ids = {0};
    uint64_t at = 0;
    int rc = text_open(err, &r, path, NULL);
    *out = (struct outcome){0};
    while (!rc && (rc = text_next(err, r, &doc)) > 0) {
        ids.n = 0;
        rc = moe_tokenizer_encode(err, t, &ids, doc.text, doc.n, NULL);
        out->wrong_lines += !rc && !decodes(t, &doc, &ids, 0);
        for (size_t i = 0; !rc && i <= ids.n; i++, at++) {
            int32_t id = moe_tokenizer_eos(t), expected = -1;
            if (i < ids.n)
                id = ids.id[i];
            if (at < want->tokens)
                rc = shard_read(err, want, at, 1, &expected);
            out->wrong_ids += id != expected;
        }
    }
    out->wrong_ids += at < want->tokens ? want->tokens - at : 0;
    text_close(&r);
    moe_ids_free(&ids);
    return rc;
}

/* The text of a shard: data/parallel for parallel-NAME, else data/text. */
static char *
text_path(const char *root, const char *name)
{
    static const char prefix[] = "parallel-";
    size_t skip =
        strncmp(name, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0;
    int stem = (int)(strlen(name) - strlen(".u16") - skip);
    return str_format("%s/../data/%s/%.*s.txt", root,
                      skip ? "parallel" : "text", stem, name + skip);
}

static int
compare_file(struct golden *g, struct moe_err *err, struct moe_tokenizer *t,
             const char *dir, const char *name)
{
    struct shard want = {0};
    struct outcome out;
    char *path = str_path(dir, name), *text = text_path(g->root, name);
    char *subject = str_format("tokens/%s", name);
    int rc = path && text && subject
                 ? shard_open(err, &want, path, moe_tokenizer_size(t), 2)
                 : moe_fail(err, MOE_ENOMEM, "out of memory");
    if (!rc && fs_exists(text)) {
        rc = compare_text(err, t, text, &want, &out);
        if (!rc) {
            golden_report(g, subject, "ids", (double)out.wrong_ids, 0,
                          !out.wrong_ids);
            golden_report(g, subject, "decode", (double)out.wrong_lines, 0,
                          !out.wrong_lines);
        }
    }
    shard_close(&want);
    free(path);
    free(text);
    free(subject);
    return rc;
}

int
golden_tokens(struct golden *g, struct moe_err *err)
{
    struct moe_tokenizer *t = NULL;
    char **names = NULL;
    size_t n = 0;
    char *dir = str_path(g->root, "tokens");
    char *file = str_path(g->root, "../data/tokenizer/olmoe-tokenizer.json");
    int rc = dir && file ? MOE_OK : moe_fail(err, MOE_ENOMEM, "out of memory");
    if (!rc && fs_exists(file))
        rc = moe_tokenizer_load(err, &t, file);
    if (!rc && t)
        rc = fs_list(err, &names, &n, dir, ".u16");
    for (size_t i = 0; !rc && i < n; i++)
        rc = compare_file(g, err, t, dir, names[i]);
    fs_list_free(names, n);
    moe_tokenizer_destroy(&t);
    free(dir);
    free(file);
    return rc;
}
