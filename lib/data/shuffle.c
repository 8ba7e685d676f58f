/*
 * shuffle.c - lines in a random order, more of them than memory holds.
 */
#include "config.h"

#include "data/shuffle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

/* What stands before a line in its piece. */
struct head {
    uint64_t key, index, bytes;
};

struct piece {
    FILE *f;
    uint64_t lines, bytes;
};

struct shuffle {
    char *dir;
    uint64_t seed, lines;
    unsigned pieces;
    struct piece piece[SHUFFLE_PIECES_MAX];
};

struct line {
    struct head head;
    const char *text;
};

static int
fail_file(struct moe_err *err, const struct shuffle *s)
{
    return moe_fail(err, MOE_EIO, "%s: shuffling: %s", s->dir, strerror(errno));
}

/* A file that is gone when it is closed, however the program ends. */
static int
open_piece(struct moe_err *err, struct shuffle *s, unsigned i)
{
    char *path = str_format("%s/shuffle-XXXXXX", s->dir);
    if (!path)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", s->dir);
    int fd = mkstemp(path);
    int rc = fd < 0 ? fail_file(err, s) : MOE_OK;
    if (!rc) {
        unlink(path);
        s->piece[i].f = fdopen(fd, "w+b");
        if (!s->piece[i].f) {
            rc = fail_file(err, s);
            close(fd);
        }
    }
    free(path);
    return rc;
}

int
shuffle_create(struct moe_err *err, struct shuffle **out, const char *dir,
               uint64_t seed, unsigned pieces)
{
    struct shuffle *s = mem_zero(1, sizeof *s);
    *out = s;
    if (!s || !(s->dir = str_copy(dir))) {
        shuffle_destroy(out);
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    }
    s->seed = seed;
    int rc = MOE_OK;
    if (pieces < 1 || pieces > SHUFFLE_PIECES_MAX)
        rc = moe_fail(err, MOE_EINVAL, "%s: %u pieces, want 1 to %d", dir,
                      pieces, SHUFFLE_PIECES_MAX);
    for (; !rc && s->pieces < pieces; s->pieces++)
        rc = open_piece(err, s, s->pieces);
    if (rc)
        shuffle_destroy(out);
    return rc;
}

void
shuffle_destroy(struct shuffle **sp)
{
    struct shuffle *s = *sp;
    *sp = NULL;
    if (!s)
        return;
    for (unsigned i = 0; i < SHUFFLE_PIECES_MAX; i++)
        if (s->piece[i].f)
            fclose(s->piece[i].f);
    free(s->dir);
    free(s);
}

int
shuffle_add(struct moe_err *err, struct shuffle *s, const char *line, size_t n)
{
    uint32_t word[4];
    rng_block(word, s->seed, 0, s->lines);
    const struct head h = {(uint64_t)word[0] << 32 | word[1], s->lines, n};
    struct piece *p = &s->piece[(uint64_t)word[0] * s->pieces >> 32];
    if (fwrite(&h, sizeof h, 1, p->f) != 1 || fwrite(line, 1, n, p->f) != n)
        return fail_file(err, s);
    p->lines++;
    p->bytes += sizeof h + n;
    s->lines++;
    return MOE_OK;
}

static int
by_key(const void *a, const void *b)
{
    const struct head *x = &((const struct line *)a)->head;
    const struct head *y = &((const struct line *)b)->head;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Where the lines of a piece lie, in their order. */
static void
sort_piece(struct line *line, const char *text, const struct piece *p)
{
    const char *at = text;
    for (uint64_t i = 0; i < p->lines; i++) {
        memcpy(&line[i].head, at, sizeof line[i].head);
        line[i].text = at + sizeof line[i].head;
        at = line[i].text + line[i].head.bytes;
    }
    if (p->lines)
        qsort(line, (size_t)p->lines, sizeof *line, by_key);
}

static int
give_piece(struct moe_err *err, struct shuffle *s, const struct piece *p,
           shuffle_fn fn, void *arg)
{
    char *text = mem_zero((size_t)p->bytes, 1);
    struct line *line = mem_zero((size_t)p->lines, sizeof *line);
    int rc = MOE_OK;
    if (!text || !line)
        rc =
            moe_fail(err, MOE_ENOMEM, "%s: shuffling: no memory for %llu lines",
                     s->dir, (unsigned long long)p->lines);
    else if (fflush(p->f) || fseek(p->f, 0, SEEK_SET) ||
             fread(text, 1, (size_t)p->bytes, p->f) != p->bytes)
        rc = fail_file(err, s);
    else
        sort_piece(line, text, p);
    for (uint64_t i = 0; !rc && i < p->lines; i++)
        rc = fn(err, arg, line[i].text, (size_t)line[i].head.bytes);
    free(line);
    free(text);
    return rc;
}

int
shuffle_each(struct moe_err *err, struct shuffle *s, shuffle_fn fn, void *arg)
{
    int rc = MOE_OK;
    for (unsigned i = 0; !rc && i < s->pieces; i++)
        rc = give_piece(err, s, &s->piece[i], fn, arg);
    return rc;
}
