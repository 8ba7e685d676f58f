/*
 * score.c - log-likelihoods of texts under a model, many at once.
 *
 * Requests are sorted by their input.  Those of one input are one sequence.
 * A pass takes rows of many sequences, as many as it has room for; a long one
 * goes on in the next pass.  A sequence waits for the next pass when it would
 * share more with one of this pass than with anything before.
 */
#include "config.h"

#include "eval/score.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "eval/slots.h"

/* A pass later, so many more ids must be there already. */
enum { WORTH_WAITING = 32 };

/* Requests [from, to) of the order, which have the same input. */
struct sequence {
    const int32_t *ids;
    int64_t n, done; // of the input
    int64_t first;   // earliest token that is scored
    size_t from, to, slot;
    bool begun;
};

struct scoring {
    struct moe_run *run;
    struct score_request *request;
    size_t *order; // (n)
    struct sequence *sequence;
    size_t sequences, finished, next; // sequences before `next` are begun
    struct slots slots;
    struct score_watch *watch;

    /* One pass. */
    int32_t *ids;                // (room)
    struct moe_segment *segment; // (slots)
    size_t *of;                  // (slots) sequence of each segment
    size_t segments;
    int64_t rows, room;

    /* What is scored of it. */
    int32_t *row, *target;
    size_t *owner;
    float *nll;
    size_t targets, row_cap, target_cap, owner_cap, nll_cap;
};

static struct moe_err *
err_of(const struct scoring *s)
{
    return moe_ctx_err(s->run->model->ctx);
}

static int
no_memory(const struct scoring *s)
{
    return moe_fail(err_of(s), MOE_ENOMEM, "scoring: out of memory");
}

/* ---- Before -------------------------------------------------------------- */

static int
check(struct scoring *s, size_t n)
{
    const int64_t most = eval_run_length(s->run);
    for (size_t i = 0; i < n; i++) {
        const struct score_request *r = &s->request[i];
        if (r->n - 1 <= most && r->first >= 1 && r->first < r->n)
            continue;
        s->watch->failed = i;
        return moe_fail(err_of(s), MOE_EINVAL,
                        "scoring: tokens %" PRId64 " to %" PRId64
                        ", want 1 or more of them and at most %" PRId64
                        " before the last",
                        r->first, r->n, most);
    }
    return MOE_OK;
}

/* A request as it is sorted: by input, id by id, then by place. */
struct key {
    const int32_t *ids;
    int64_t n;
    size_t at;
};

static int
compare(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    const int64_t n = x->n < y->n ? x->n : y->n;
    const int64_t m = slots_common(x->ids, y->ids, n - 1);
    if (m < n - 1)
        return x->ids[m] < y->ids[m] ? -1 : 1;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static int
order(struct scoring *s, size_t n)
{
    struct key *key = mem_zero(n, sizeof *key);
    s->order = mem_zero(n, sizeof *s->order);
    if (!key || !s->order) {
        free(key);
        return no_memory(s);
    }
    for (size_t i = 0; i < n; i++)
        key[i] = (struct key){s->request[i].ids, s->request[i].n, i};
    qsort(key, n, sizeof *key, compare);
    for (size_t i = 0; i < n; i++)
        s->order[i] = key[i].at;
    free(key);
    return MOE_OK;
}

static bool
same_input(const struct score_request *a, const struct score_request *b)
{
    return a->n == b->n &&
           memcmp(a->ids, b->ids, (size_t)(a->n - 1) * sizeof *a->ids) == 0;
}

static int
group(struct scoring *s, size_t n)
{
    s->sequence = mem_zero(n, sizeof *s->sequence);
    if (!s->sequence)
        return no_memory(s);
    for (size_t i = 0; i < n; i++) {
        const struct score_request *r = &s->request[s->order[i]];
        struct sequence *q = s->sequence + s->sequences - 1;
        s->watch->requested += (uint64_t)(r->n - 1);
        s->request[s->order[i]].ll = 0;
        if (!i || !same_input(r, &s->request[s->order[i - 1]]))
            *(q = s->sequence + s->sequences++) = (struct sequence){
                .ids = r->ids, .n = r->n - 1, .first = r->first, .from = i};
        q->to = i + 1;
        if (r->first < q->first)
            q->first = r->first;
    }
    return MOE_OK;
}

static int
make_room(struct scoring *s)
{
    int64_t longest = 1;
    for (size_t i = 0; i < s->sequences; i++)
        if (s->sequence[i].n > longest)
            longest = s->sequence[i].n;
    int rc = slots_create(&s->slots, s->run, longest, s->sequences);
    s->room = s->run->opt.B * s->run->opt.T;
    s->ids = mem_zero((size_t)s->room, sizeof *s->ids);
    s->segment = mem_zero(s->slots.n, sizeof *s->segment);
    s->of = mem_zero(s->slots.n, sizeof *s->of);
    return rc ? rc : s->ids && s->segment && s->of ? MOE_OK : no_memory(s);
}

/* ---- One pass ------------------------------------------------------------ */

/* The next rows of a sequence that has a slot. */
static void
add_rows(struct scoring *s, size_t i)
{
    struct sequence *q = &s->sequence[i];
    const int64_t left = q->n - q->done, room = s->room - s->rows;
    const int64_t n = left < room ? left : room;
    memcpy(s->ids + s->rows, q->ids + q->done, (size_t)n * sizeof *s->ids);
    s->segment[s->segments] =
        (struct moe_segment){(int64_t)q->slot * s->slots.rows, q->done, n};
    s->of[s->segments++] = i;
    s->rows += n;
}

/* Begin sequences until the pass is full.  `last` is the one that was begun
 * last in it: of those in order before q it shares most with q. */
static int
begin(struct scoring *s)
{
    const struct sequence *last = NULL;
    for (size_t i = s->next; i < s->sequences && s->rows < s->room; i++) {
        struct sequence *q = &s->sequence[i];
        const int64_t most = q->first - 1; // its row scores the first token
        if (q->begun)
            continue;
        if (last &&
            slots_common(last->ids, q->ids, last->n < most ? last->n : most) >=
                slots_have(&s->slots, q->ids, most) + WORTH_WAITING)
            continue;
        int rc = slots_take(&s->slots, q->ids, q->n, most, &q->slot, &q->done);
        if (rc)
            return rc;
        if (q->slot == SIZE_MAX)
            break;
        q->begun = true;
        last = q;
        add_rows(s, i);
    }
    while (s->next < s->sequences && s->sequence[s->next].begun)
        s->next++;
    return MOE_OK;
}

static int
grow_targets(struct scoring *s, size_t n)
{
    int32_t *row = mem_grow(s->row, &s->row_cap, n, sizeof *row);
    s->row = row ? row : s->row;
    int32_t *target = mem_grow(s->target, &s->target_cap, n, sizeof *target);
    s->target = target ? target : s->target;
    size_t *owner = mem_grow(s->owner, &s->owner_cap, n, sizeof *owner);
    s->owner = owner ? owner : s->owner;
    float *nll = mem_grow(s->nll, &s->nll_cap, n, sizeof *nll);
    s->nll = nll ? nll : s->nll;
    return row && target && owner && nll ? MOE_OK : no_memory(s);
}

/* What row `row`, the input's position p, is asked for. */
static int
add_targets(struct scoring *s, const struct sequence *q, int64_t p, int64_t row)
{
    int rc = grow_targets(s, s->targets + (q->to - q->from));
    for (size_t k = q->from; !rc && k < q->to; k++) {
        const struct score_request *r = &s->request[s->order[k]];
        if (p + 1 < r->first)
            continue;
        s->row[s->targets] = (int32_t)row;
        s->target[s->targets] = r->ids[p + 1];
        s->owner[s->targets++] = s->order[k];
    }
    return rc;
}

static int
list_targets(struct scoring *s)
{
    int64_t row = 0;
    int rc = MOE_OK;
    s->targets = 0;
    for (size_t k = 0; k < s->segments; k++)
        for (int64_t i = 0; !rc && i < s->segment[k].n; i++, row++)
            rc = add_targets(s, &s->sequence[s->of[k]], s->segment[k].past + i,
                             row);
    return rc;
}

static int
add_scores(struct scoring *s)
{
    for (size_t i = 0; i < s->targets; i++) {
        s->request[s->owner[i]].ll -= (double)s->nll[i];
        if (isfinite(s->nll[i]))
            continue;
        s->watch->failed = s->owner[i];
        return moe_fail(err_of(s), MOE_ENUMERIC, "a score is not a number");
    }
    return MOE_OK;
}

static void
end_pass(struct scoring *s)
{
    for (size_t k = 0; k < s->segments; k++) {
        struct sequence *q = &s->sequence[s->of[k]];
        struct slot *slot = &s->slots.slot[q->slot];
        q->done += s->segment[k].n;
        slot->valid = q->done;
        slot->busy = q->done < q->n;
        s->finished += q->done == q->n;
    }
}

static int
one_pass(struct scoring *s)
{
    size_t unfinished = s->segments;
    s->segments = 0;
    s->rows = 0;
    /* At most one was cut, the last one. */
    if (unfinished) {
        size_t i = s->of[unfinished - 1];
        if (s->sequence[i].done < s->sequence[i].n)
            add_rows(s, i);
    }
    int rc = begin(s);
    if (!rc)
        rc = moe_run_extend(s->run, s->ids, s->segment, s->segments);
    if (rc == MOE_ENUMERIC && s->run->bad_sequence >= 0)
        s->watch->failed =
            s->order[s->sequence[s->of[s->run->bad_sequence]].from];
    if (!rc)
        rc = list_targets(s);
    if (!rc && s->targets)
        rc = moe_run_nll_at(s->run, s->row, s->target, (int64_t)s->targets,
                            s->nll);
    if (!rc)
        rc = add_scores(s);
    if (!rc)
        end_pass(s);
    s->watch->tokens += (uint64_t)s->rows;
    return rc;
}

static void
release(struct scoring *s)
{
    slots_destroy(&s->slots);
    free(s->order);
    free(s->sequence);
    free(s->ids);
    free(s->segment);
    free(s->of);
    free(s->row);
    free(s->target);
    free(s->owner);
    free(s->nll);
}

int
score_run(struct moe_run *run, struct score_request *r, size_t n,
          struct score_watch *watch)
{
    struct scoring s = {.run = run, .request = r, .watch = watch};
    watch->failed = SIZE_MAX;
    watch->tokens = watch->requested = 0;
    if (!n)
        return MOE_OK;
    int rc = check(&s, n);
    if (!rc)
        rc = order(&s, n);
    if (!rc)
        rc = group(&s, n);
    if (!rc)
        rc = make_room(&s);
    while (!rc && s.finished < s.sequences) {
        rc = one_pass(&s);
        if (!rc && watch->pass &&
            watch->pass(watch->arg, s.finished, s.sequences))
            rc = moe_fail(err_of(&s), MOE_ECANCEL, "stopped");
    }
    release(&s);
    return rc;
}
