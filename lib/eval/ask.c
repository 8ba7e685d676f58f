/*
 * ask.c - what all tasks share: examples, scores, errors that name an item.
 */
#include "config.h"

#include "eval/ask.h"

#include <stdlib.h>
#include <string.h>

#include "eval/math.h"
#include "model/run.h"

void
ask_free(struct ask *a)
{
    outcome_free(&a->outcome);
    json_decref(a->detail);
    a->detail = NULL;
}

int
ask_fail(struct moe_err *err, const struct ask *a, int rc, const char *place)
{
    char text[MOE_ERR_TEXT];
    memcpy(text, moe_ctx_err(a->run->model->ctx)->text, sizeof text);
    return moe_fail(err, rc, "%s %s%s%s: %s", a->name, a->opt.language,
                    place ? ": " : "", place ? place : "", text);
}

int
ask_score(struct moe_err *err, struct ask *a, struct score_request *r, size_t n,
          const char *const *place)
{
    struct score_watch w = {.pass = a->pass, .arg = a->arg};
    int rc = score_run(a->run, r, n, &w);
    a->tokens = w.tokens;
    a->requested = w.requested;
    if (rc == MOE_ECANCEL)
        return moe_fail(err, rc, "%s %s: stopped", a->name, a->opt.language);
    return rc ? ask_fail(err, a, rc,
                         w.failed != SIZE_MAX && place ? place[w.failed] : NULL)
              : MOE_OK;
}

/* ---- Examples ------------------------------------------------------------ */

/* The list that examples come from: those of a dev or train file, else the
 * items themselves. */
static const struct item *
source(const struct items *items, size_t *n)
{
    *n = items->examples ? items->examples : items->n;
    return items->examples ? items->example : items->item;
}

/* Is entry k of the source one of the first examples of its group? */
static bool
is_first(const struct item *list, size_t k, int64_t shots)
{
    int64_t before = 0;
    for (size_t i = 0; i < k && before < shots; i++)
        before += strcmp(list[i].group, list[k].group) == 0;
    return before < shots;
}

size_t
ask_next(const struct ask *a, const struct items *items, size_t i, size_t n)
{
    const bool clean = a->clean && !items->examples && a->shots;
    while (clean && i < items->n && is_first(items->item, i, a->shots))
        i++;
    return a->limit && n >= (size_t)a->limit ? items->n : i;
}

static void
put_example(const struct ask *a, struct str *out, const struct item *e)
{
    if (task_has_choices(a->task))
        str_printf(out, "%s %c\n\n", e->prompt, ask_letter(e->gold));
    else
        str_printf(out, "%s%s%s\n\n", e->prompt,
                   math_filter(a->task, &a->opt).delimiter, e->answer);
}

int
ask_context(struct moe_err *err, const struct ask *a, const struct items *items,
            size_t i, struct str *out)
{
    const struct item *item = &items->item[i];
    int64_t found = 0;
    size_t n;
    const struct item *list = source(items, &n);
    for (size_t k = 0; k < n && found < a->shots; k++)
        if (&list[k] != item && strcmp(list[k].group, item->group) == 0) {
            put_example(a, out, &list[k]);
            found++;
        }
    if (found < a->shots)
        return moe_fail(
            err, MOE_EINVAL, "%s %s: %s: %lld examples%s%s, want %lld", a->name,
            a->opt.language, item->place, (long long)found,
            *item->group ? " of " : "", item->group, (long long)a->shots);
    str_puts(out, item->prompt);
    return out->failed ? moe_fail(err, MOE_ENOMEM, "%s: out of memory", a->name)
                       : MOE_OK;
}
