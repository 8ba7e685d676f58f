/*
 * source_place.c - where a data source stands, and the way to such a place.
 */
#include "config.h"

#include "data/source.h"

#include <stdlib.h>

#include "data/source_state.h"

uint64_t
source_position(const struct source *s)
{
    return s->batches;
}

uint64_t
source_windows(const struct source *s)
{
    return s->windows;
}

double
source_epochs(const struct source *s, size_t language)
{
    if (language >= s->languages)
        return 0;
    const struct source_part *l = &s->language[language];
    return (double)l->drawn / (double)l->windows;
}

uint64_t
source_filtered(const struct source *s)
{
    return s->filtered;
}

/* Count what was drawn in the first batches of an epoch. */
static int
count_epoch(struct moe_err *err, struct source *s, uint64_t epoch,
            uint64_t batches)
{
    int rc = source_make_order(err, s, epoch);
    for (uint64_t i = 0; !rc && i < batches * (uint64_t)s->batch; i++)
        s->language[source_file_of(s, s->epoch_order[i])->language].drawn++;
    return rc;
}

static int
seek(struct moe_err *err, struct source *s, uint64_t batches)
{
    int rc = MOE_OK;
    uint64_t epoch = 0, rest = batches;
    s->batches = batches;
    for (size_t i = 0; i < s->languages; i++)
        s->language[i].drawn = 0;
    if (s->order == SOURCE_STREAM) {
        mixture_seek(s->mixture, batches * (uint64_t)s->batch);
        for (size_t i = 0; i < s->languages; i++)
            s->language[i].drawn = mixture_drawn(s->mixture, i);
    }
    if (s->order != SOURCE_OLMO)
        return MOE_OK;
    for (; !rc && rest > s->epoch_batches; rest -= s->epoch_batches)
        rc = count_epoch(err, s, epoch++, s->epoch_batches);
    return rc ? rc : count_epoch(err, s, epoch, rest);
}

/* What the sequence depends on.  A file is known by its length: it may have
 * moved. */
static json_t *
describe(const struct source *s)
{
    static const char *const order[] = {"stream", "olmo", "file"};
    json_t *files = json_array(), *shares = json_array();
    for (size_t i = 0; i < s->files; i++) {
        const struct source_file *f = &s->file[i];
        const char *name = s->languages ? s->language[f->language].name : "";
        json_array_append_new(files,
                              json_pack("[s, I]", name, (json_int_t)f->tokens));
    }
    for (size_t i = 0; s->mixture && i < s->languages; i++)
        json_array_append_new(shares, json_real(s->language[i].share));
    return json_pack("{s:s, s:I, s:I, s:I, s:b, s:o, s:o}", "order",
                     order[s->order], "seed", (json_int_t)s->seed, "batch",
                     (json_int_t)s->batch, "window", (json_int_t)s->T,
                     "repetition_filter", s->filter, "files", files, "shares",
                     shares);
}

json_t *
source_state(const struct source *s)
{
    json_t *root = describe(s);
    json_t *place = json_pack("{s:I, s:I}", "batches", (json_int_t)s->batches,
                              "filtered", (json_int_t)s->filtered);
    if (!root || !place || json_object_update(root, place)) {
        json_decref(root);
        root = NULL;
    }
    json_decref(place);
    return root;
}

static int
refuse(struct moe_err *err, const char *key, const json_t *saved,
       const json_t *own)
{
    char *a = saved ? json_dumps(saved, JSON_ENCODE_ANY) : NULL;
    char *b = json_dumps(own, JSON_ENCODE_ANY);
    int rc = moe_fail(err, MOE_ESTATE,
                      "place in the data: saved with %s %.300s, this run has "
                      "%.300s",
                      key, a ? a : "missing", b ? b : "?");
    free(a);
    free(b);
    return rc;
}

/* A number of the state that is not negative, or -1. */
static int64_t
count_at(const json_t *state, const char *key)
{
    const json_t *n = json_object_get(state, key);
    return json_is_integer(n) ? (int64_t)json_integer_value(n) : -1;
}

int
source_restore(struct moe_err *err, struct source *s, const json_t *state)
{
    json_t *own = describe(s), *value;
    const char *key;
    const int64_t batches = count_at(state, "batches");
    const int64_t filtered = count_at(state, "filtered");
    int rc = own ? MOE_OK : moe_fail(err, MOE_ENOMEM, "data: out of memory");
    json_object_foreach(own, key, value)
    {
        const json_t *saved = json_object_get(state, key);
        if (!rc && !json_equal(saved, value))
            rc = refuse(err, key, saved, value);
    }
    json_decref(own);
    if (!rc && (batches < 0 || filtered < 0))
        rc = moe_fail(err, MOE_ESTATE,
                      "place in the data: no number of batches in it");
    if (rc)
        return rc;
    s->filtered = (uint64_t)filtered;
    return seek(err, s, (uint64_t)batches);
}
