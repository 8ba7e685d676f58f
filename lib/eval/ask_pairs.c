/*
 * ask_pairs.c - a sentence against a wrong one: is the right one likelier?
 *
 *   acc           sum of log-likelihoods after the prefix; a tie counts as
 *                 right, as in the lm-evaluation-harness, and is reported
 *   acc_norm      over characters;  acc_bytes, acc_tokens: over these
 *   acc_original  MultiBLiMP's own: no prefix, so that the first token is not
 *                 scored; strictly likelier
 */
#include "config.h"

#include "eval/ask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

enum { ACC, NORM, BYTES, TOKENS, ORIGINAL };

/* The four texts of an item: right and wrong, with a prefix and without. */
struct pair {
    struct encoded text[4];
    size_t request[4]; // SIZE_MAX: nothing to score
    size_t item;
    bool too_long;
};

struct asking {
    struct ask *a;
    const struct items *items;
    struct moe_ids ids;
    struct pair *pair; // (n)
    size_t n;
    struct score_request *request; // (4 n)
    const char **place;
    size_t requests;
};

static int
encode(struct moe_err *err, struct asking *s, struct pair *p)
{
    const struct item *i = &s->items->item[p->item];
    int rc = MOE_OK;
    for (int k = 0; !rc && k < (s->a->original ? 4 : 2); k++) {
        const char *text = k % 2 ? i->bad : i->good;
        rc = k < 2
                 ? encode_pair(err, s->a->encoder, &s->ids, &p->text[k], "",
                               text)
                 : encode_alone(err, s->a->encoder, &s->ids, &p->text[k], text);
        p->too_long = p->too_long || p->text[k].too_long;
    }
    return rc ? moe_fail_before(err, rc, "%s", i->place) : MOE_OK;
}

static int
prepare(struct moe_err *err, struct asking *s)
{
    const size_t limit = (size_t)s->a->limit;
    s->n = limit && limit < s->items->n ? limit : s->items->n;
    s->pair = mem_zero(s->n, sizeof *s->pair);
    s->request = mem_zero(4 * s->n, sizeof *s->request);
    s->place = mem_zero(4 * s->n, sizeof *s->place);
    int rc = s->pair && s->request && s->place
                 ? MOE_OK
                 : moe_fail(err, MOE_ENOMEM, "pairs: out of memory");
    for (size_t i = 0; !rc && i < s->n; i++) {
        s->pair[i].item = i;
        rc = encode(err, s, &s->pair[i]);
    }
    /* The list of ids does not move any more. */
    for (size_t i = 0; !rc && i < s->n; i++)
        for (int k = 0; k < 4; k++) {
            struct pair *p = &s->pair[i];
            const struct encoded *e = &p->text[k];
            p->request[k] = SIZE_MAX;
            if (p->too_long || e->n <= e->first)
                continue;
            p->request[k] = s->requests;
            s->place[s->requests] = s->items->item[i].place;
            s->request[s->requests++] =
                (struct score_request){.ids = s->ids.id + e->at,
                                       .n = (int64_t)e->n,
                                       .first = (int64_t)e->first};
        }
    return rc;
}

static double
characters(const char *s)
{
    size_t n = strlen(s), count = 0;
    for (int32_t c; n; count++) {
        int step = utf8_get(s, n, &c);
        size_t bytes = (size_t)(step < 0 ? -step : step);
        s += bytes;
        n -= bytes;
    }
    return (double)count;
}

static void
set(struct outcome_item *to, int metric, bool right)
{
    to->score[metric].value = right ? 1 : 0;
}

static json_t *
take(struct asking *s, const struct pair *p, struct outcome_item *to)
{
    const struct item *i = &s->items->item[p->item];
    double ll[4];
    for (int k = 0; k < 4; k++)
        ll[k] = p->request[k] == SIZE_MAX ? 0 : s->request[p->request[k]].ll;
    if (p->too_long) {
        s->a->outcome.too_long++;
        return json_pack("{s:b}", "too_long", 1);
    }
    double tokens[2];
    for (int k = 0; k < 2; k++)
        tokens[k] = (double)(p->text[k].n - p->text[k].first);
    set(to, ACC, ll[0] >= ll[1]);
    set(to, NORM, ll[0] / characters(i->good) >= ll[1] / characters(i->bad));
    set(to, BYTES,
        ll[0] / (double)strlen(i->good) >= ll[1] / (double)strlen(i->bad));
    set(to, TOKENS, ll[0] / tokens[0] >= ll[1] / tokens[1]);
    s->a->outcome.ties += ll[0] == ll[1];
    json_t *detail = json_pack("{s:[f,f]}", "ll", ll[0], ll[1]);
    if (s->a->original) {
        set(to, ORIGINAL, ll[2] > ll[3]);
        json_object_set_new(detail, "ll_no_first",
                            json_pack("[f,f]", ll[2], ll[3]));
    }
    if (ll[0] == ll[1])
        json_object_set_new(detail, "tie", json_true());
    return detail;
}

int
ask_pairs(struct moe_err *err, struct ask *a, const struct items *items)
{
    static const char *const metrics[] = {"acc", "acc_norm", "acc_bytes",
                                          "acc_tokens", "acc_original"};
    struct asking s = {.a = a, .items = items};
    a->detail = json_array();
    int rc = outcome_begin(err, &a->outcome, a->name, a->opt.language, metrics,
                           a->original ? 5 : 4);
    if (!rc)
        rc = prepare(err, &s);
    if (!rc)
        rc = ask_score(err, a, s.request, s.requests, s.place);
    for (size_t i = 0; !rc && i < s.n; i++) {
        struct outcome_item *to =
            outcome_add(&a->outcome, i, items->item[i].group);
        if (!to ||
            json_array_append_new(a->detail, take(&s, &s.pair[i], to)) != 0)
            rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", a->name);
    }
    moe_ids_free(&s.ids);
    free(s.pair);
    free(s.request);
    free(s.place);
    return rc;
}
