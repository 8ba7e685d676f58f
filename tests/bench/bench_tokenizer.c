/*
 * bench_tokenizer.c - megabytes a second, line by line, one thread.
 *
 *     bench_tokenizer [TOKENIZER FILE...]
 *
 * Without arguments the sample's tokenizer and parallel texts.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <polymoe/tokenizer.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

enum { SECONDS = 2 };

/* Encode every line of a text; returns its bytes. */
static size_t
encode_lines(struct moe_tokenizer *t, struct moe_ids *ids, const char *s,
             size_t n)
{
    for (size_t i = 0; i < n;) {
        const char *end = memchr(s + i, '\n', n - i);
        size_t length = end ? (size_t)(end - s) - i : n - i;
        ids->n = 0;
        if (moe_tokenizer_encode(NULL, t, ids, s + i, length, NULL))
            exit(EXIT_FAILURE);
        i += length + 1;
    }
    return n;
}

/* All texts again and again; the first pass is shown on its own, since later
 * ones find every piece in the cache. */
static void
measure(struct moe_tokenizer *t, const struct str *text, double load_s)
{
    struct moe_ids ids = {0};
    double start = clock_seconds(), first, now;
    size_t bytes = encode_lines(t, &ids, text->s, text->n);
    first = now = clock_seconds() - start;
    while (now < SECONDS) {
        bytes += encode_lines(t, &ids, text->s, text->n);
        now = clock_seconds() - start;
    }
    printf("tokenizer  load %.3f s  %.2f MB  first pass %.2f MB/s  all passes "
           "%.2f MB/s\n",
           load_s, (double)text->n / 1e6, (double)text->n / 1e6 / first,
           (double)bytes / 1e6 / now);
    moe_ids_free(&ids);
}

static int
add_file(struct moe_err *err, struct str *all, const char *path)
{
    char *text;
    size_t n;
    int rc = fs_read(err, &text, &n, path, (size_t)1 << 30);
    if (!rc)
        str_add(all, text, n);
    free(text);
    return rc;
}

static int
add_sample(struct moe_err *err, struct str *all)
{
    static const char dir[] = SRCDIR "/tests/sample/parallel";
    char **names;
    size_t n;
    int rc = fs_list(err, &names, &n, dir, ".txt");
    for (size_t i = 0; !rc && i < n; i++) {
        char *path = str_path(dir, names[i]);
        rc = add_file(err, all, path);
        free(path);
    }
    if (!rc)
        fs_list_free(names, n);
    return rc;
}

int
main(int argc, char **argv)
{
    struct moe_err err = {0};
    struct moe_tokenizer *t;
    struct str text = {0};
    double start = clock_seconds();
    int rc = moe_tokenizer_load(
        &err, &t, argc > 1 ? argv[1] : SRCDIR "/tests/sample/tokenizer.json");
    double load_s = clock_seconds() - start;
    if (!rc && argc < 3)
        rc = add_sample(&err, &text);
    for (int i = 2; !rc && i < argc; i++)
        rc = add_file(&err, &text, argv[i]);
    if (!rc)
        measure(t, &text, load_s);
    else
        fprintf(stderr, "bench_tokenizer: %s\n", err.text);
    str_free(&text);
    moe_tokenizer_destroy(&t);
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
