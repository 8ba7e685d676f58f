/*
 * generate.c - texts that a model goes on with, several at once.
 */
#include "config.h"

#include "eval/generate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "eval/score.h"
#include "model/run.h"

enum { PARALLEL = 16 };

/* A text that is being made. */
struct active {
    size_t at;     // its place in the list
    int64_t slot;  // of the cache
    int64_t past;  // positions in the cache
    int64_t rows;  // of this pass
    bool complete; // the pass has its last known token
};

struct generating {
    struct moe_run *run;
    struct generation *g;
    size_t n, next; // texts before `next` are begun
    const struct generate_options *opt;
    struct sampler *sampler;
    int64_t length, room;  // positions of a slot, rows of a pass
    struct active *active; // (slots)
    size_t actives, slots;

    int32_t *ids, *row; // (room), (slots)
    struct moe_segment *segment;
    float *logits; // (slots, V)
    size_t failed;
};

void
generation_free(struct generation *g)
{
    moe_ids_free(&g->ids);
    str_free(&g->text);
}

const char *
generate_end_name(enum generate_end end)
{
    static const char *const names[] = {"length", "eos", "stop", "unended"};
    return names[end];
}

static struct moe_err *
err_of(const struct generating *s)
{
    return moe_ctx_err(s->run->model->ctx);
}

/* ---- The end of a text --------------------------------------------------- */

/* Where the first of the stop texts begins, at the earliest so far back that
 * the last token has a part of it; SIZE_MAX when none is there. */
static size_t
find_stop(const struct generate_options *opt, const struct str *text,
          size_t before)
{
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < opt->stops && text->n; i++) {
        size_t n = strlen(opt->stop[i]);
        size_t at = before < n ? 0 : before - n + 1;
        for (; n && at + n <= text->n; at++)
            if (memcmp(text->s + at, opt->stop[i], n) == 0) {
                first = at < first ? at : first;
                break;
            }
    }
    return first;
}

static int
add_token(struct generating *s, struct generation *g, int32_t id)
{
    const struct generate_options *opt = s->opt;
    size_t bytes, before = g->text.n;
    if (id == opt->eos) {
        g->end = GENERATE_EOS;
        return MOE_OK;
    }
    int32_t *grown = mem_grow(g->ids.id, &g->ids.cap, g->ids.n + 1, sizeof id);
    const char *text = moe_tokenizer_token(opt->tokenizer, id, &bytes);
    if (grown) {
        g->ids.id = grown;
        grown[g->ids.n++] = id;
        str_add(&g->text, text, bytes);
    }
    if (!grown || g->text.failed)
        return moe_fail(err_of(s), MOE_ENOMEM, "generating: out of memory");
    size_t stop = find_stop(opt, &g->text, before);
    if (stop != SIZE_MAX) {
        g->text.n = stop;
        g->text.s[stop] = '\0';
        g->end = GENERATE_STOP;
    } else if ((int64_t)g->ids.n >= opt->max_tokens ||
               g->n + (int64_t)g->ids.n >= s->length)
        g->end = GENERATE_LENGTH;
    return MOE_OK;
}

/* ---- One pass ------------------------------------------------------------ */

/* Known ids of a text from position `past` on, at most `room`. */
static int64_t
copy_known(const struct generation *g, int64_t past, int64_t room, int32_t *to)
{
    const int64_t known = g->n + (int64_t)g->ids.n;
    const int64_t n = known - past < room ? known - past : room;
    for (int64_t i = 0; i < n; i++)
        to[i] =
            past + i < g->n ? g->prompt[past + i] : g->ids.id[past + i - g->n];
    return n;
}

static bool
slot_is_free(const struct generating *s, int64_t slot)
{
    for (size_t i = 0; i < s->actives; i++)
        if (s->active[i].slot == slot)
            return false;
    return true;
}

/* New texts for free places; one that may have no token is complete. */
static void
begin(struct generating *s)
{
    while (s->actives < s->slots && s->next < s->n) {
        struct active *a = &s->active[s->actives];
        int64_t slot = 0;
        while (!slot_is_free(s, slot))
            slot++;
        *a = (struct active){.at = s->next++, .slot = slot};
        if (s->g[a->at].end == GENERATE_UNENDED)
            s->actives++;
    }
}

/* One token of every text that has its prompt behind it, then as much of the
 * prompts as there is room for. */
static size_t
fill(struct generating *s, int64_t *rows)
{
    size_t segments = 0;
    *rows = 0;
    for (size_t i = 0; i < s->actives; i++) {
        struct active *a = &s->active[i];
        const struct generation *g = &s->g[a->at];
        const int64_t left = (int64_t)(s->actives - i - 1);
        const int64_t room = s->room - *rows - left; // one row for each
        a->rows = copy_known(g, a->past, room, s->ids + *rows);
        a->complete = a->past + a->rows == g->n + (int64_t)g->ids.n;
        s->segment[segments++] =
            (struct moe_segment){a->slot * s->length, a->past, a->rows};
        a->past += a->rows;
        *rows += a->rows;
    }
    return segments;
}

/* The next token of text i by the k-th logits. */
static int
choose(struct generating *s, size_t i, size_t k)
{
    struct generation *g = &s->g[s->active[i].at];
    const int64_t V = s->run->model->config.V;
    int32_t id;
    int rc = sampler_pick(err_of(s), s->sampler, s->logits + k * (size_t)V,
                          g->stream, g->ids.n, &id);
    if (rc)
        s->failed = s->active[i].at;
    else
        rc = add_token(s, g, id);
    if (!rc && s->opt->token && s->opt->token(s->opt->arg, g))
        rc = moe_fail(err_of(s), MOE_ECANCEL, "stopped");
    return rc;
}

static int
choose_all(struct generating *s)
{
    size_t rows = 0, k = 0, left = 0;
    int64_t at = 0;
    for (size_t i = 0; i < s->actives; i++) {
        at += s->active[i].rows;
        if (s->active[i].complete)
            s->row[rows++] = (int32_t)(at - 1);
    }
    int rc = rows ? moe_run_logits_at(s->run, s->row, (int64_t)rows, s->logits)
                  : MOE_OK;
    for (size_t i = 0; !rc && i < s->actives; i++)
        if (s->active[i].complete)
            rc = choose(s, i, k++);
    for (size_t i = 0; i < s->actives; i++)
        if (s->g[s->active[i].at].end == GENERATE_UNENDED)
            s->active[left++] = s->active[i];
    s->actives = left;
    return rc;
}

static int
one_pass(struct generating *s)
{
    int64_t rows;
    size_t segments = fill(s, &rows);
    int rc = moe_run_extend(s->run, s->ids, s->segment, segments);
    if (rc == MOE_ENUMERIC && s->run->bad_sequence >= 0)
        s->failed = s->active[s->run->bad_sequence].at;
    return rc ? rc : choose_all(s);
}

/* ---- All of it ----------------------------------------------------------- */

static int
check(struct generating *s)
{
    const int64_t longest = eval_run_length(s->run), asked = s->opt->length;
    const int64_t most = asked && asked < longest ? asked : longest;
    for (size_t i = 0; i < s->n; i++) {
        struct generation *g = &s->g[i];
        const int64_t want = g->n + s->opt->max_tokens;
        if (g->n < 1 || g->n >= most) {
            s->failed = i;
            return moe_fail(err_of(s), MOE_EINVAL,
                            "a prompt of %" PRId64
                            " tokens, want 1 to %" PRId64,
                            g->n, most - 1);
        }
        g->end = s->opt->max_tokens > 0 ? GENERATE_UNENDED : GENERATE_LENGTH;
        if (want > s->length)
            s->length = want < most ? want : most;
    }
    return MOE_OK;
}

static int
make_room(struct generating *s)
{
    const int64_t most = s->opt->parallel ? s->opt->parallel : PARALLEL;
    const int64_t V = s->run->model->config.V;
    s->room = s->run->opt.B * s->run->opt.T;
    s->slots = (size_t)(s->run->opt.cache / s->length);
    if (s->slots > (size_t)most)
        s->slots = (size_t)most;
    if (s->slots > s->n)
        s->slots = s->n;
    if (s->slots > (size_t)s->room)
        s->slots = (size_t)s->room;
    s->active = mem_zero(s->slots, sizeof *s->active);
    s->segment = mem_zero(s->slots, sizeof *s->segment);
    s->row = mem_zero(s->slots, sizeof *s->row);
    s->ids = mem_zero((size_t)s->room, sizeof *s->ids);
    s->logits = mem_zero(s->slots, (size_t)V * sizeof *s->logits);
    if (!s->active || !s->segment || !s->row || !s->ids || !s->logits)
        return moe_fail(err_of(s), MOE_ENOMEM, "generating: out of memory");
    return sampler_create(err_of(s), &s->sampler, &s->opt->sample,
                          s->opt->tokenizer, V);
}

int
generate(struct moe_run *run, struct generation *g, size_t n,
         const struct generate_options *opt, size_t *failed)
{
    struct generating s = {.run = run,
                           .g = g,
                           .n = n,
                           .opt = opt,
                           .length = 1,
                           .failed = SIZE_MAX};
    int rc = check(&s);
    if (!rc && n)
        rc = make_room(&s);
    if (!rc && n)
        begin(&s);
    while (!rc && s.actives) {
        rc = one_pass(&s);
        if (!rc)
            begin(&s);
    }
    if (failed)
        *failed = s.failed;
    sampler_destroy(&s.sampler);
    free(s.active);
    free(s.segment);
    free(s.row);
    free(s.ids);
    free(s.logits);
    return rc;
}
