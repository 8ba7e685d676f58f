/*
 * ask_texts.c - a question whose answer the model writes, greedily.
 *
 *   exact_match_strict    the number after the words that announce it; in
 *                         MGSM's direct mode the text itself
 *   exact_match_flexible  the last number of the text
 */
#include "config.h"

#include "eval/ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "eval/answer.h"
#include "eval/generate.h"
#include "eval/math.h"
#include "model/model.h"

enum { STRICT, FLEXIBLE };

struct asked {
    size_t item;
    size_t at, n;     // of the prompt's ids
    size_t truncated; // from the left
};

struct asking {
    struct ask *a;
    const struct items *items;
    struct moe_ids ids;
    struct asked *asked;  // (n)
    struct generation *g; // (n)
    size_t n, done;
    size_t ended; // texts, for progress
};

/* The prompt leaves room for the answer. */
static int
encode(struct moe_err *err, struct asking *s, struct asked *q)
{
    const struct ask *a = s->a;
    const int64_t room = a->encoder->length - a->max_tokens;
    struct str context = {0};
    q->at = s->ids.n;
    if (room < 1)
        return moe_fail(
            err, MOE_EINVAL, "%s: %lld new tokens of %lld positions", a->name,
            (long long)a->max_tokens, (long long)a->encoder->length);
    int rc = ask_context(err, a, s->items, q->item, &context);
    if (!rc)
        rc = encode_prompt(err, a->encoder, &s->ids, context.s);
    str_free(&context);
    q->n = s->ids.n - q->at;
    if (!rc && q->n > (size_t)room) {
        q->truncated = q->n - (size_t)room;
        memmove(s->ids.id + q->at, s->ids.id + q->at + q->truncated,
                (size_t)room * sizeof *s->ids.id);
        q->n = (size_t)room;
        s->ids.n = q->at + q->n;
    }
    return rc;
}

static int
prepare(struct moe_err *err, struct asking *s)
{
    const struct items *items = s->items;
    s->asked = mem_zero(items->n, sizeof *s->asked);
    s->g = mem_zero(items->n, sizeof *s->g);
    if (!s->asked || !s->g)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", s->a->name);
    int rc = MOE_OK;
    for (size_t i = 0; (i = ask_next(s->a, items, i, s->n)) < items->n && !rc;
         i++) {
        s->asked[s->n].item = i;
        rc = encode(err, s, &s->asked[s->n++]);
    }
    for (size_t i = 0; !rc && i < s->n; i++)
        s->g[i] = (struct generation){.prompt = s->ids.id + s->asked[i].at,
                                      .n = (int64_t)s->asked[i].n,
                                      .stream = i};
    return rc;
}

static bool
count_ended(void *arg, const struct generation *g)
{
    struct asking *s = arg;
    if (g->end == GENERATE_UNENDED)
        return s->a->pass && s->a->pass(s->a->arg, s->ended, s->n);
    s->ended++;
    return s->a->pass && s->a->pass(s->a->arg, s->ended, s->n);
}

static int
write_texts(struct moe_err *err, struct asking *s)
{
    struct ask *a = s->a;
    const struct math_filter f = math_filter(a->task, &a->opt);
    const char *const stop[] = {f.stop, "</s>", "<|im_end|>"};
    const struct generate_options opt = {.tokenizer = a->encoder->tokenizer,
                                         .max_tokens = a->max_tokens,
                                         .length = a->encoder->length,
                                         .eos = a->eos,
                                         .stop = stop,
                                         .stops = 3,
                                         .token = count_ended,
                                         .arg = s};
    size_t failed;
    int rc = generate(a->run, s->g, s->n, &opt, &failed);
    for (size_t i = 0; i < s->n; i++)
        a->tokens += s->asked[i].n + s->g[i].ids.n;
    a->requested = a->tokens;
    if (rc == MOE_ECANCEL)
        return moe_fail(err, rc, "%s %s: stopped", a->name, a->opt.language);
    return rc ? ask_fail(err, a, rc,
                         failed == SIZE_MAX
                             ? NULL
                             : s->items->item[s->asked[failed].item].place)
              : MOE_OK;
}

/* The number that is right: of GSM8K it stands after the mark. */
static bool
is_right(const struct ask *a, const char *found, const char *answer)
{
    return a->task == TASK_GSM8K ? answer_same_gsm8k(found, answer)
                                 : answer_same_mgsm(found, answer);
}

static json_t *
take(struct asking *s, size_t k, struct outcome_item *to)
{
    struct ask *a = s->a;
    const struct math_filter f = math_filter(a->task, &a->opt);
    const char *answer = s->items->item[s->asked[k].item].answer;
    struct str text = {0}, strict = {0}, flexible = {0};
    utf8_repair(&text, s->g[k].text.s ? s->g[k].text.s : "", s->g[k].text.n);
    const char *t = text.s ? text.s : "";
    if (!f.stem)
        str_puts(&strict, t + encode_skip(t));
    else if (!answer_strict(&strict, t, f.stem, f.end))
        str_puts(&strict, "[invalid]");
    if (!answer_flexible(&flexible, t)) {
        str_puts(&flexible, "[invalid]");
        a->outcome.invalid++;
    }
    a->outcome.truncated += s->asked[k].truncated > 0;
    a->outcome.truncated_tokens += s->asked[k].truncated;
    const char *x = strict.s ? strict.s : "", *y = flexible.s ? flexible.s : "";
    to->score[STRICT].value = is_right(a, x, answer) ? 1 : 0;
    to->score[FLEXIBLE].value = is_right(a, y, answer) ? 1 : 0;
    json_t *detail = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "text", t, "strict", x,
        "flexible", y, "answer", answer, "end", generate_end_name(s->g[k].end),
        "context_tokens", (json_int_t)(s->asked[k].n + s->asked[k].truncated),
        "truncated", (json_int_t)s->asked[k].truncated);
    str_free(&text);
    str_free(&strict);
    str_free(&flexible);
    return detail;
}

int
ask_texts(struct moe_err *err, struct ask *a, const struct items *items)
{
    static const char *const metrics[] = {"exact_match_strict",
                                          "exact_match_flexible"};
    struct asking s = {.a = a, .items = items};
    a->detail = json_array();
    int rc =
        outcome_begin(err, &a->outcome, a->name, a->opt.language, metrics, 2);
    if (!rc)
        rc = prepare(err, &s);
    if (!rc)
        rc = write_texts(err, &s);
    for (size_t i = 0; !rc && i < s.n; i++) {
        struct outcome_item *to = outcome_add(&a->outcome, s.asked[i].item, "");
        if (!to || json_array_append_new(a->detail, take(&s, i, to)) != 0)
            rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", a->name);
    }
    for (size_t i = 0; i < s.n && s.g; i++)
        generation_free(&s.g[i]);
    moe_ids_free(&s.ids);
    free(s.asked);
    free(s.g);
    return rc;
}
