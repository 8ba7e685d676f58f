/*
 * ask_choices.c - a question and four letters: which one is likeliest next?
 */
#include "config.h"

#include "eval/ask.h"

#include <stdlib.h>

#include "base/mem.h"

enum { ACC, NORM };

struct asked {
    size_t item;
    struct encoded text[CHOICES];
    bool too_long;
};

struct asking {
    struct ask *a;
    const struct items *items;
    struct moe_ids ids;
    struct asked *asked; // (n)
    size_t n;
    struct score_request *request; // (CHOICES n)
    const char **place;
};

static int
encode(struct moe_err *err, struct asking *s, struct asked *q)
{
    struct str context = {0};
    int rc = ask_context(err, s->a, s->items, q->item, &context);
    for (int c = 0; !rc && c < CHOICES; c++) {
        const char answer[] = {' ', ask_letter(c), '\0'};
        rc = encode_pair(err, s->a->encoder, &s->ids, &q->text[c], context.s,
                         answer);
        q->too_long = q->too_long || q->text[c].too_long;
    }
    str_free(&context);
    return rc ? moe_fail_before(err, rc, "%s", s->items->item[q->item].place)
              : MOE_OK;
}

static int
prepare(struct moe_err *err, struct asking *s)
{
    const struct items *items = s->items;
    s->asked = mem_zero(items->n, sizeof *s->asked);
    s->request = mem_zero(items->n, CHOICES * sizeof *s->request);
    s->place = mem_zero(items->n, CHOICES * sizeof *s->place);
    if (!s->asked || !s->request || !s->place)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", s->a->name);
    int rc = MOE_OK;
    for (size_t i = 0; (i = ask_next(s->a, items, i, s->n)) < items->n && !rc;
         i++) {
        s->asked[s->n].item = i;
        rc = encode(err, s, &s->asked[s->n++]);
    }
    return rc;
}

/* All requests; an item that is too long for one choice has none. */
static int
score(struct moe_err *err, struct asking *s)
{
    size_t requests = 0;
    for (size_t i = 0; i < s->n; i++)
        for (int c = 0; c < CHOICES && !s->asked[i].too_long; c++) {
            const struct encoded *e = &s->asked[i].text[c];
            s->place[requests] = s->items->item[s->asked[i].item].place;
            s->request[requests++] =
                (struct score_request){.ids = s->ids.id + e->at,
                                       .n = (int64_t)e->n,
                                       .first = (int64_t)e->first};
        }
    return ask_score(err, s->a, s->request, requests, s->place);
}

/* r are the requests of the item. */
static json_t *
take(struct asking *s, const struct asked *q, const struct score_request *r,
     struct outcome_item *to)
{
    struct outcome *o = &s->a->outcome;
    const int gold = s->items->item[q->item].gold;
    int best = 0, equal = 0;
    for (int c = 1; c < CHOICES; c++)
        best = r[c].ll > r[best].ll ? c : best;
    for (int c = 0; c < CHOICES; c++)
        equal += r[c].ll == r[best].ll;
    to->score[ACC].value = to->score[NORM].value = best == gold ? 1 : 0;
    o->ties += equal > 1;
    o->truncated += q->text[0].truncated > 0;
    o->truncated_tokens += q->text[0].truncated;
    json_t *detail =
        json_pack("{s:[f,f,f,f], s:i, s:i, s:I, s:I}", "ll", r[0].ll, r[1].ll,
                  r[2].ll, r[3].ll, "gold", gold, "chosen", best,
                  "context_tokens", (json_int_t)q->text[0].context, "truncated",
                  (json_int_t)q->text[0].truncated);
    if (equal > 1)
        json_object_set_new(detail, "tie", json_true());
    return detail;
}

static int
collect(struct moe_err *err, struct asking *s)
{
    struct ask *a = s->a;
    size_t at = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct asked *q = &s->asked[i];
        struct outcome_item *to =
            outcome_add(&a->outcome, q->item, s->items->item[q->item].group);
        json_t *detail = NULL;
        if (to && q->too_long) {
            a->outcome.too_long++;
            detail = json_pack("{s:b}", "too_long", 1);
        } else if (to) {
            detail = take(s, q, s->request + at, to);
            at += CHOICES;
        }
        if (!to || json_array_append_new(a->detail, detail) != 0)
            return moe_fail(err, MOE_ENOMEM, "%s: out of memory", a->name);
    }
    return MOE_OK;
}

int
ask_choices(struct moe_err *err, struct ask *a, const struct items *items)
{
    /* All letters have one character, one byte and one mark: normalised by
     * length they are what they are. */
    static const char *const metrics[] = {"acc", "acc_norm"};
    struct asking s = {.a = a, .items = items};
    a->detail = json_array();
    int rc =
        outcome_begin(err, &a->outcome, a->name, a->opt.language, metrics, 2);
    if (!rc)
        rc = prepare(err, &s);
    if (!rc)
        rc = score(err, &s);
    if (!rc)
        rc = collect(err, &s);
    moe_ids_free(&s.ids);
    free(s.asked);
    free(s.request);
    free(s.place);
    return rc;
}
