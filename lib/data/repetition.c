/*
 * repetition.c - instances that repeat themselves, as OLMo filters them.
 *
 * For period p the ids are padded with -1 to whole rows of p (at least one
 * pad), and a row is marked when it equals the row before it; row 0 is
 * compared with the last row, which ends in a pad and so never agrees for
 * real tokens.
 */
#include "data/repetition.h"

struct rows {
    const int32_t *ids;
    size_t n;     // tokens
    size_t p;     // period
    size_t count; // rows, the padded one included
};

static int32_t
at(const struct rows *r, size_t i)
{
    return i < r->n ? r->ids[i] : -1;
}

/* Whether row i equals the row before it, around the end for row 0. */
static bool
marked(const struct rows *r, size_t i)
{
    size_t before = i ? i - 1 : r->count - 1;
    for (size_t k = 0; k < r->p; k++)
        if (at(r, i * r->p + k) != at(r, before * r->p + k))
            return false;
    return true;
}

/* How many tokens of the row before `first`, from its end, continue the
 * pattern of row first - 1 backwards. */
static size_t
stretch_back(const struct rows *r, size_t first)
{
    size_t k = 0;
    if (first < 2)
        return 0;
    while (k < r->p &&
           at(r, first * r->p - 1 - k) == at(r, (first - 1) * r->p - 1 - k))
        k++;
    return k;
}

/* How many tokens of the row after `last`, from its start, still agree. */
static size_t
stretch_ahead(const struct rows *r, size_t last)
{
    size_t k = 0;
    if (last + 1 >= r->count)
        return 0;
    while (k < r->p && at(r, (last + 1) * r->p + k) == at(r, last * r->p + k))
        k++;
    return k;
}

static bool
found_at(const struct rows *r, size_t times)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!marked(r, i))
            continue;
        size_t first = i;
        while (i + 1 < r->count && marked(r, i + 1))
            i++;
        /* Row 0 marked: the run starts in the row before it, at -p. */
        size_t tokens = (i + 1 - first + 1) * r->p + stretch_back(r, first) +
                        stretch_ahead(r, i);
        size_t runs = tokens / r->p;
        if (runs >= times && runs > 2)
            return true;
    }
    return false;
}

bool
repetition_found(const int32_t *ids, size_t n, int max_period, int times)
{
    for (int p = 1; p <= max_period; p++) {
        struct rows r = {ids, n, (size_t)p, n / (size_t)p + 1};
        if (found_at(&r, (size_t)times))
            return true;
    }
    return false;
}
