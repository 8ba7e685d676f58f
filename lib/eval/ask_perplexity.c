/*
 * ask_perplexity.c - how surprising a text is: windows, or whole documents.
 */
#include "config.h"

#include "eval/ask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { NLL, BITS };

/* Requests of one item lie side by side: one window, or those of a document. */
struct part {
    size_t from, to;
    int64_t tokens; // scored
    uint64_t bytes; // of these
};

struct asking {
    struct ask *a;
    struct part *part; // (n)
    size_t n;
    struct score_request *request;
    size_t requests, request_cap;
};

static int
no_memory(struct moe_err *err, const struct ask *a)
{
    return moe_fail(err, MOE_ENOMEM, "%s: out of memory", a->name);
}

static int
add_request(struct moe_err *err, struct asking *s, const int32_t *ids,
            int64_t n, int64_t first)
{
    struct score_request *grown =
        mem_grow(s->request, &s->request_cap, s->requests + 1, sizeof *grown);
    if (!grown)
        return no_memory(err, s->a);
    s->request = grown;
    grown[s->requests++] =
        (struct score_request){.ids = ids, .n = n, .first = first};
    return MOE_OK;
}

/* Scores of everything, and an item for each part. */
static int
finish(struct moe_err *err, struct asking *s)
{
    static const char *const metrics[] = {"nll", "bits_per_byte"};
    struct ask *a = s->a;
    int rc = outcome_begin(err, &a->outcome, a->name, a->opt.language, metrics,
                           a->window && s->n && s->part[0].bytes ? 2 : 1);
    if (!rc)
        rc = ask_score(err, a, s->request, s->requests, NULL);
    for (size_t i = 0; !rc && i < s->n; i++) {
        const struct part *p = &s->part[i];
        struct outcome_item *to = outcome_add(&a->outcome, i, "");
        double nll = 0;
        if (!to)
            return no_memory(err, a);
        for (size_t k = p->from; k < p->to; k++)
            nll -= s->request[k].ll;
        if (!p->tokens)
            continue;
        to->score[NLL] =
            (struct outcome_score){nll / (double)p->tokens, (double)p->tokens};
        if (p->bytes)
            to->score[BITS] = (struct outcome_score){
                nll / (double)p->bytes / log(2), (double)p->bytes};
    }
    return rc;
}

static void
release(struct asking *s)
{
    free(s->part);
    free(s->request);
}

int
ask_windows(struct moe_err *err, struct ask *a, const int32_t *ids, size_t n)
{
    const size_t W = (size_t)a->window;
    struct asking s = {.a = a, .n = n / W};
    if (a->limit && (size_t)a->limit < s.n)
        s.n = (size_t)a->limit;
    s.part = mem_zero(s.n, sizeof *s.part);
    int rc = s.part ? MOE_OK : no_memory(err, a);
    for (size_t i = 0; !rc && i < s.n; i++) {
        s.part[i] = (struct part){i, i + 1, a->window - 1, 0};
        rc = add_request(err, &s, ids + i * W, a->window, 1);
    }
    if (!rc)
        rc = finish(err, &s);
    if (!rc) {
        a->outcome.left_out = n - s.n * W;
        a->outcome.window = a->window;
    }
    release(&s);
    return rc;
}

/* ---- Documents ----------------------------------------------------------- */

/* One document after the prefix: its last window reaches back as far as it
 * can, so that what it scores has a long context. */
static int
add_document(struct moe_err *err, struct asking *s, const int32_t *ids,
             int64_t n)
{
    const int64_t W = s->a->window;
    int rc = MOE_OK;
    for (int64_t done = 0; !rc && done < n;) { // ids[-1] is the prefix
        const int64_t some = n - done < W ? n - done : W;
        const int64_t end = done + some;
        const int64_t from = end - W - 1 < -1 ? -1 : end - W - 1;
        rc = add_request(err, s, ids + from, end - from, end - from - some);
        done = end;
    }
    return rc;
}

static uint64_t
bytes_of(const struct ask *a, const int32_t *ids, size_t n)
{
    uint64_t sum = 0;
    size_t bytes;
    for (size_t i = 0; a->encoder->tokenizer && i < n; i++)
        if (moe_tokenizer_token(a->encoder->tokenizer, ids[i], &bytes))
            sum += bytes;
    return sum;
}

int
ask_documents(struct moe_err *err, struct ask *a, const int32_t *ids,
              const size_t *start, size_t n)
{
    struct asking s = {.a = a, .n = n};
    if (a->limit && (size_t)a->limit < n)
        s.n = (size_t)a->limit;
    const size_t total = start[s.n] - start[0] + s.n;
    int32_t *room = mem_zero(total, sizeof *room), *to = room;
    s.part = mem_zero(s.n, sizeof *s.part);
    int rc = room && s.part ? MOE_OK : no_memory(err, a);
    for (size_t i = 0; !rc && i < s.n; i++) {
        const size_t length = start[i + 1] - start[i];
        *to++ = a->encoder->prefix;
        memcpy(to, ids + start[i], length * sizeof *to);
        s.part[i] = (struct part){s.requests, 0, (int64_t)length,
                                  bytes_of(a, to, length)};
        rc = add_document(err, &s, to, (int64_t)length);
        s.part[i].to = s.requests;
        to += length;
    }
    if (!rc)
        rc = finish(err, &s);
    release(&s);
    free(room);
    return rc;
}
