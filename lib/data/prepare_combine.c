/*
 * prepare_combine.c - a mixture and one more language, shuffled.
 */
#include "config.h"

#include "data/prepare.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "data/prepare_state.h"
#include "data/shuffle.h"
#include "data/suffix.h"

enum { PIECE_BYTES = 256 << 20, EXPANSION = 5 };

/* So many pieces that one fits in memory; text is compressed to about a
 * fifth. */
static unsigned
count_pieces(const struct prepare_file *file, size_t n)
{
    uint64_t bytes = 0;
    struct stat st;
    for (size_t i = 0; i < n; i++)
        if (stat(file[i].path, &st) == 0)
            bytes += (uint64_t)st.st_size *
                     (suffix_is(file[i].path, ".jsonl") ? 1 : EXPANSION);
    const uint64_t pieces = bytes / PIECE_BYTES + 1;
    return pieces < SHUFFLE_PIECES_MAX ? (unsigned)pieces : SHUFFLE_PIECES_MAX;
}

/* The first documents of a reader, all with limit 0. */
static int
add_all(struct moe_err *err, struct shuffle *s, struct prepare_reader *r,
        uint64_t limit, const struct prepare_options *opt)
{
    int rc = prepare_advance(err, r, opt);
    while (!rc && r->has && (!limit || r->train < limit)) {
        char *line;
        rc = prepare_line(err, &line, r, r->train++, true);
        if (!rc)
            rc = shuffle_add(err, s, line, strlen(line));
        free(line);
        if (!rc)
            rc = prepare_advance(err, r, opt);
    }
    return rc;
}

static int
put(struct moe_err *err, void *arg, const char *line, size_t n)
{
    return rotate_add(err, arg, line, n);
}

static int
finish(struct moe_err *err, json_t **manifest, const struct rotate *out,
       const struct prepare_reader *reader, size_t n,
       const struct prepare_options *opt)
{
    json_t *files = json_array(), *sources = json_array();
    json_t *languages = json_array();
    int rc = prepare_list_sources(err, sources, reader, n);
    prepare_list_files(files, out, "combined", "train");
    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            languages,
            json_pack("{s:s, s:I, s:I}", "language", reader[i].name, "held_out",
                      (json_int_t)0, "train", (json_int_t)reader[i].train));
    json_t *root =
        json_pack("{s:s, s:i, s:s, s:I, s:I, s:I, s:o, s:o, s:o}", "format",
                  "polymoe-corpus", "version", 1, "kind", "combined", "rotate",
                  (json_int_t)opt->rotate, "limit", (json_int_t)opt->limit,
                  "seed", (json_int_t)opt->seed, "languages", languages,
                  "files", files, "sources", sources);
    if (!rc)
        return prepare_end(err, manifest, root, opt);
    json_decref(root);
    return rc;
}

/* The files of both: the mixture's first, as a language of its own. */
static struct prepare_file *
join(const char *const *mixture, size_t n, const struct prepare_file *more,
     size_t more_n)
{
    struct prepare_file *file = mem_zero(n + more_n, sizeof *file);
    for (size_t i = 0; file && i < n; i++)
        file[i] = (struct prepare_file){"multilang", mixture[i]};
    for (size_t i = 0; file && i < more_n; i++)
        file[n + i] = more[i];
    return file;
}

int
prepare_combine(struct moe_err *err, json_t **manifest,
                const char *const *mixture, size_t n,
                const struct prepare_file *more, size_t more_n,
                const struct prepare_options *opt)
{
    struct prepare_file *file = join(mixture, n, more, more_n);
    struct prepare_reader *reader = NULL;
    struct shuffle *shuffle = NULL;
    struct rotate out;
    size_t readers = 0;
    rotate_begin(&out, opt->dir, "combined_train", opt->rotate, true);
    int rc = file ? prepare_open(err, &reader, &readers, file, n + more_n)
                  : moe_fail(err, MOE_ENOMEM, "corpus: out of memory");
    if (!rc)
        rc = prepare_begin(err, opt);
    if (!rc)
        rc = shuffle_create(err, &shuffle, opt->dir, opt->seed,
                            count_pieces(file, n + more_n));
    for (size_t i = 0; !rc && i < readers; i++)
        rc = add_all(err, shuffle, &reader[i], i == 0 && n ? opt->limit : 0,
                     opt);
    if (!rc)
        rc = shuffle_each(err, shuffle, put, &out);
    if (!rc)
        rc = rotate_finish(err, &out);
    if (!rc)
        rc = finish(err, manifest, &out, reader, readers, opt);
    rotate_free(&out);
    shuffle_destroy(&shuffle);
    prepare_close(&reader, readers);
    free(file);
    return rc;
}
