/*
 * task_pairs.c - minimal pairs: a sentence and a wrong one.
 *
 *   MultiBLiMP  a table with sen, wrong_sen and phenomenon
 *   BLiMP       JSON Lines with sentence_good, sentence_bad and UID
 *   CLAMS       True TAB sentence, then False TAB sentence
 */
#include "config.h"

#include "eval/items.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "data/suffix.h"
#include "eval/records.h"

/* A file on its way; good is the sentence that waits for its wrong one. */
struct reading {
    struct task_file *f;
    char *group, *good;
};

static int
add_pair(struct moe_err *err, struct reading *s, const struct record *r,
         const char *group, const char *good, const char *bad)
{
    char *place = str_format("%s:%zu", r->file, r->line);
    int rc = place ? items_add(err, s->f->items, false,
                               &(struct item){.place = place,
                                              .group = (char *)group,
                                              .good = (char *)good,
                                              .bad = (char *)bad})
                   : moe_fail(err, MOE_ENOMEM, "pairs: out of memory");
    free(place);
    return rc;
}

static int
take_named(struct moe_err *err, struct reading *s, struct record *r)
{
    const bool blimp = r->object && record_find(r, "sentence_good");
    const char *good, *bad;
    const char *group = record_find(r, blimp ? "UID" : "phenomenon");
    int rc = record_text(err, r, blimp ? "sentence_good" : "sen", &good);
    if (!rc)
        rc = record_text(err, r, blimp ? "sentence_bad" : "wrong_sen", &bad);
    return rc ? rc : add_pair(err, s, r, group ? group : "", good, bad);
}

static int
take_line(struct moe_err *err, struct reading *s, const struct record *r)
{
    const char *word, *text;
    int rc = record_cell(err, r, 0, &word);
    if (!rc)
        rc = record_cell(err, r, 1, &text);
    if (rc)
        return rc;
    const char *want = s->good ? "False" : "True";
    if (strcmp(word, want) != 0)
        return record_fail(err, r, "'%.40s' found, want %s", word, want);
    if (!s->good) {
        s->good = str_copy(text);
        return s->good ? MOE_OK
                       : moe_fail(err, MOE_ENOMEM, "pairs: out of memory");
    }
    rc = add_pair(err, s, r, s->group, s->good, text);
    free(s->good);
    s->good = NULL;
    return rc;
}

static int
take(struct moe_err *err, void *arg, struct record *r)
{
    struct reading *s = arg;
    return r->table && r->headless ? take_line(err, s, r)
                                   : take_named(err, s, r);
}

int
pairs_read(struct moe_err *err, struct task_file *f)
{
    const char *slash = strrchr(f->path, '/');
    const char *name = slash ? slash + 1 : f->path;
    struct reading s = {f, str_format("%.*s", (int)strcspn(name, "."), name),
                        NULL};
    const bool lines = suffix_is(f->path, ".txt");
    int rc =
        s.group ? MOE_OK : moe_fail(err, MOE_ENOMEM, "pairs: out of memory");
    if (!rc)
        rc = records_read(err, f->path, "sen",
                          lines ? RECORDS_NO_HEADER : RECORDS_HEADER, take, &s);
    if (!rc && s.good)
        rc = moe_fail(err, MOE_EFORMAT, "%s: the last sentence has no pair",
                      f->path);
    free(s.group);
    free(s.good);
    return rc;
}
