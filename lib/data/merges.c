/*
 * merges.c - the merges of a tokenizer.json.
 */
#include "data/merges.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* One merge as two texts, not terminated. */
struct texts {
    const char *left, *right;
    size_t left_n, right_n;
};

static bool
read_string(struct texts *t, const json_t *value)
{
    const char *s = json_string_value(value);
    const char *space = s ? strchr(s, ' ') : NULL;
    if (!space || space == s || !space[1] || strchr(space + 1, ' '))
        return false;
    *t = (struct texts){s, space + 1, (size_t)(space - s), strlen(space + 1)};
    return true;
}

static bool
read_pair(struct texts *t, const json_t *value)
{
    const char *left = json_string_value(json_array_get(value, 0));
    const char *right = json_string_value(json_array_get(value, 1));
    if (json_array_size(value) != 2 || !left || !right)
        return false;
    *t = (struct texts){left, right, strlen(left), strlen(right)};
    return true;
}

/* Look up the three tokens of a merge and keep it. */
static int
read_merge(struct moe_err *err, struct merges *m, const struct vocab *v,
           const struct texts *t, size_t rank, const char *path)
{
    struct str joined = {0};
    str_add(&joined, t->left, t->left_n);
    str_add(&joined, t->right, t->right_n);
    if (joined.failed) {
        str_free(&joined);
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    }
    int32_t left = vocab_find(v, t->left, t->left_n);
    int32_t right = vocab_find(v, t->right, t->right_n);
    int32_t id = vocab_find(v, joined.s ? joined.s : "", joined.n);
    int rc = MOE_OK;
    if (left < 0 || right < 0 || id < 0)
        rc = moe_fail(err, MOE_EFORMAT,
                      "%s: model.merges[%zu]: the vocabulary has no '%.200s'",
                      path, rank,
                      left < 0    ? t->left
                      : right < 0 ? t->right
                                  : joined.s);
    else
        *merges_slot(m, merges_pair(left, right)) =
            (struct merge){merges_pair(left, right), (uint32_t)rank, id};
    str_free(&joined);
    return rc;
}

static int
make_slots(struct moe_err *err, struct merges *m, size_t n, const char *path)
{
    if (n > VOCAB_MAX)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: model.merges: %zu merges, at most %d allowed",
                        path, n, VOCAB_MAX);
    m->slots = 64;
    while (m->slots < 2 * n)
        m->slots *= 2;
    m->slot = mem_zero(m->slots, sizeof *m->slot);
    if (!m->slot)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    for (size_t i = 0; i < m->slots; i++)
        m->slot[i].rank = MERGE_FREE;
    return MOE_OK;
}

int
merges_read(struct moe_err *err, struct merges *m, const struct vocab *v,
            const json_t *list, const char *path)
{
    *m = (struct merges){0};
    if (!json_is_array(list))
        return moe_fail(err, MOE_EFORMAT, "%s: model.merges: not a list", path);
    size_t n = json_array_size(list);
    int rc = make_slots(err, m, n, path);
    bool pairs = json_is_array(json_array_get(list, 0));
    for (size_t i = 0; !rc && i < n; i++) {
        struct texts t;
        const json_t *value = json_array_get(list, i);
        if (!(pairs ? read_pair(&t, value) : read_string(&t, value)))
            rc = moe_fail(
                err, MOE_EFORMAT,
                "%s: model.merges[%zu]: not %s like the first one", path, i,
                pairs ? "a list of two strings" : "a string of two parts");
        else
            rc = read_merge(err, m, v, &t, i, path);
    }
    return rc;
}

void
merges_free(struct merges *m)
{
    free(m->slot);
    *m = (struct merges){0};
}
