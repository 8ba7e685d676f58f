/*
 * analyze_read.c - what an analysis knows before it opens a device.
 *
 * Every input is read and checked here, so that a bad file is not found after
 * hours.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "job/analyze.h"

static int
check_spec(struct moe_err *err, struct analysis *a)
{
    const struct job_spec *s = a->spec;
    const struct moe_config *c = &a->config;
    if (s->window > c->max_positions)
        return moe_fail(err, MOE_EINVAL,
                        "window: %lld tokens, the model has %lld positions",
                        (long long)s->window, (long long)c->max_positions);
    if (s->max_tokens < s->window)
        return moe_fail(err, MOE_EINVAL,
                        "max_tokens: %lld, want at least one window of %lld",
                        (long long)s->max_tokens, (long long)s->window);
    if (s->perplexity && s->window < 2)
        return moe_fail(err, MOE_EINVAL,
                        "window: 1 token predicts nothing, perplexity wants 2");
    if (s->eos >= c->V)
        return moe_fail(err, MOE_EINVAL, "eos: %lld, the vocabulary has %lld",
                        (long long)s->eos, (long long)c->V);
    return MOE_OK;
}

/* ---- Fields -------------------------------------------------------------- */

/* The layers whose token ids are looked at: the first, the middle and the last
 * when none is named. */
static int
choose_token_layers(struct moe_err *err, struct analysis *a)
{
    const struct job_measures *m = &a->spec->measures;
    const int64_t L = a->config.L;
    bool *in = mem_zero((size_t)L, sizeof *in);
    a->token_layer = mem_zero((size_t)L, sizeof *a->token_layer);
    if (!in || !a->token_layer) {
        free(in);
        return moe_fail(err, MOE_ENOMEM, "token_layers: out of memory");
    }
    struct moe_err why = {0};
    int rc =
        moe_layers_parse(&why, in, (const char *const *)m->token_layers.item,
                         m->token_layers.n, L);
    if (!m->token_layers.n)
        in[0] = in[L / 2] = in[L - 1] = true;
    for (int64_t l = 0; !rc && m->tokens && l < L; l++)
        if (in[l])
            a->token_layer[a->C++] = (int32_t)l;
    free(in);
    return rc ? moe_fail(err, rc, "token_layers: %s", why.text) : MOE_OK;
}

static int
check_measures(struct moe_err *err, const struct analysis *a)
{
    const struct job_measures *m = &a->spec->measures;
    if (m->tasks.n && !m->parallel.n)
        return moe_fail(err, MOE_EINVAL,
                        "tasks: parallel is missing, which they are compared "
                        "with");
    if (m->scores && !m->parallel.n)
        return moe_fail(err, MOE_EINVAL,
                        "scores: parallel is missing, whose divergence they "
                        "are compared with");
    if (m->rule == JOB_RULE_EXPLICIT && !m->experts)
        return moe_fail(err, MOE_EINVAL,
                        "select.experts: missing, select.rule is explicit");
    return MOE_OK;
}

/* A second checkpoint must route as the first one does. */
static int
check_against(struct moe_err *err, const struct analysis *a)
{
    struct moe_config c;
    const struct moe_config *want = &a->config;
    const char *dir = a->spec->measures.against;
    int rc = dir ? moe_config_read(err, &c, dir) : MOE_OK;
    if (!dir || rc)
        return rc;
    if (c.L != want->L || c.E != want->E || c.K != want->K || c.V < want->V ||
        c.max_positions < a->spec->window)
        rc = moe_fail(err, MOE_EINVAL,
                      "against: %s has %" PRId64 " layers, %" PRId64
                      " experts, %" PRId64 " a token, %" PRId64
                      " token ids; want %" PRId64 ", %" PRId64 ", %" PRId64
                      ", %" PRId64 " and a window of %" PRId64,
                      dir, c.L, c.E, c.K, c.V, want->L, want->E, want->K,
                      want->V, a->spec->window);
    moe_config_free(&c);
    return rc;
}

/* ---- Text ---------------------------------------------------------------- */

/* What was saved and cannot be used; a first run has nothing. */
static void
log_unused(struct analysis *a, int rc, const struct moe_err *why,
           const char *name)
{
    if (rc && rc != MOE_EINPUT)
        job_logf(a->run, MOE_LOG_WARN, "%s; %s is counted again", why->text,
                 name);
}

/* The counters of a language that an earlier run of this job finished. */
static bool
take_saved(struct analysis *a, size_t i)
{
    struct moe_err why;
    struct analyze_part *p = &a->part[i];
    int rc = analyze_load(&why, a, i);
    p->saved = !rc;
    log_unused(a, rc, &why, p->language->name);
    if (p->saved) {
        p->windows = (int64_t)a->table.language[i]->tokens / a->W;
        analyze_report(a->run, a->table.language[i], -1);
    }
    return p->saved;
}

static void
warn_replaced(struct analysis *a, const char *name, uint64_t replaced)
{
    if (replaced)
        job_warn(a->run,
                 "%s: %" PRIu64 " malformed UTF-8 sequences read as U+FFFD",
                 name, replaced);
}

static int
read_part(struct moe_err *err, struct analysis *a, size_t i,
          struct moe_tokenizer *tokenizer)
{
    struct analyze_part *p = &a->part[i];
    const struct job_spec *s = a->spec;
    const int64_t limit = s->max_tokens / a->W * a->W;
    struct corpus_options opt = {
        .model = s->model,
        .V = a->config.V,
        .eos = s->eos < 0 ? a->config.eos : s->eos,
        .documents = s->documents,
        .limit = (uint64_t)limit < SIZE_MAX ? (size_t)limit : SIZE_MAX,
        .tokenizer = tokenizer};
    int rc = corpus_read(err, &p->corpus, &opt, p->language);
    if (rc)
        return rc;
    warn_replaced(a, p->language->name, p->corpus.replaced);
    p->windows = (int64_t)p->corpus.ids.n / a->W;
    if (p->windows) {
        usage_see(&p->usage, p->corpus.ids.id, (size_t)(p->windows * a->W));
        return MOE_OK;
    }
    return moe_fail(err, MOE_EFORMAT,
                    "%s: %s: %zu tokens, want at least one window of %lld",
                    p->language->name, p->language->files.item[0],
                    p->corpus.ids.n, (long long)a->W);
}

static int
show(struct moe_err *err, struct analysis *a, const char *item, size_t done)
{
    job_progress(a->run,
                 (struct moe_progress){.phase = "read",
                                       .item = item,
                                       .unit = "languages",
                                       .done = done,
                                       .total = a->parts + a->sections});
    return job_stopping(a->run)
               ? moe_fail(err, MOE_ECANCEL, "stopped while reading")
               : MOE_OK;
}

static int
read_parts(struct moe_err *err, struct analysis *a,
           struct moe_tokenizer *tokenizer)
{
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < a->parts; i++) {
        struct analyze_part *p = &a->part[i];
        rc = show(err, a, p->language->name, i);
        if (!rc && !take_saved(a, i))
            rc = read_part(err, a, i, tokenizer);
        a->total += (uint64_t)(p->windows * a->W);
    }
    return rc;
}

/* ---- Sequences ----------------------------------------------------------- */

static int
read_section(struct moe_err *err, struct analysis *a, size_t i,
             struct moe_tokenizer *tokenizer)
{
    struct analyze_section *x = &a->section[i];
    const int64_t rows =
        a->W *
        (a->spec->batch_tokens / a->W > 1 ? a->spec->batch_tokens / a->W : 1);
    const int64_t most =
        rows < a->config.max_positions ? rows : a->config.max_positions;
    const struct sequences_options opt = {
        .tokenizer = tokenizer,
        .lines = !x->task,
        .documents = a->spec->documents,
        .limit = (size_t)a->spec->measures.max_sequences,
        .longest = (size_t)most,
        .V = a->config.V};
    struct moe_err why = {0};
    int rc = sequences_read(&why, &x->text, &opt, x->language);
    if (rc)
        return moe_fail(err, rc, "%s: %s", x->task ? "tasks" : "parallel",
                        why.text);
    warn_replaced(a, x->language->name, x->text.replaced);
    if (x->text.cut)
        job_warn(a->run,
                 "%s: %zu sequences of more than %" PRId64
                 " tokens were cut there",
                 x->language->name, x->text.cut, most);
    a->total += x->text.ids.n;
    return MOE_OK;
}

/* Line i must be the same sentence everywhere. */
static int
check_lines(struct moe_err *err, struct analysis *a)
{
    const struct analyze_section *pivot = &a->section[a->pivot];
    a->lines = pivot->text.lines;
    for (size_t i = 0; i < a->sections; i++) {
        const struct analyze_section *x = &a->section[i];
        if (x->task)
            continue;
        if (x->text.lines != a->lines)
            return moe_fail(err, MOE_EFORMAT,
                            "parallel: %s has %zu lines, %s has %zu; want "
                            "line i to be the same sentence",
                            x->language->name, x->text.lines,
                            pivot->language->name, a->lines);
        if (x->text.n < a->lines && !a->spec->measures.max_sequences)
            job_warn(a->run,
                     "parallel: %s: %zu of %zu lines are empty and left out",
                     x->language->name, a->lines - x->text.n, a->lines);
    }
    return MOE_OK;
}

static int
find_pivot(struct moe_err *err, struct analysis *a)
{
    const struct job_measures *m = &a->spec->measures;
    a->pivot = -1;
    for (size_t i = 0; i < m->parallel.n; i++)
        if (strcmp(m->parallel.language[i].name, m->pivot) == 0)
            a->pivot = (int64_t)i;
    if (a->pivot < 0 && m->parallel.n)
        return moe_fail(err, MOE_EINVAL,
                        "parallel: no text in %s, the pivot that others are "
                        "compared with",
                        m->pivot);
    if (m->parallel.n == 1)
        job_warn(a->run,
                 "parallel: only %s, nothing to compare: divergence.csv is "
                 "empty",
                 m->pivot);
    return MOE_OK;
}

static int
make_sections(struct moe_err *err, struct analysis *a)
{
    const struct job_measures *m = &a->spec->measures;
    const struct moe_config *c = &a->config;
    a->section = mem_zero(m->parallel.n + m->tasks.n, sizeof *a->section);
    if (!a->section)
        return moe_fail(err, MOE_ENOMEM, "parallel: out of memory");
    int rc = find_pivot(err, a);
    for (size_t i = 0; !rc && i < m->parallel.n + m->tasks.n; i++) {
        struct analyze_section *x = &a->section[a->sections];
        x->task = i >= m->parallel.n;
        x->language = x->task ? &m->tasks.language[i - m->parallel.n]
                              : &m->parallel.language[i];
        rc = parallel_init(err, &x->sums, x->language->name, x->task, c->L,
                           c->E, c->K);
        a->sections += !rc;
    }
    return rc;
}

static int
read_sections(struct moe_err *err, struct analysis *a,
              struct moe_tokenizer *tokenizer)
{
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < a->sections; i++) {
        rc = show(err, a, a->section[i].language->name, a->parts + i);
        if (!rc)
            rc = read_section(err, a, i, tokenizer);
    }
    if (!rc && a->sections)
        rc = check_lines(err, a);
    for (size_t i = 0; !rc && i < a->sections; i++) {
        struct moe_err why;
        const int unused = analyze_load_section(&why, a, i);
        a->section[i].saved = !unused;
        log_unused(a, unused, &why, a->section[i].language->name);
    }
    return rc;
}

/* ---- All of it ----------------------------------------------------------- */

static int
make_parts(struct moe_err *err, struct analysis *a)
{
    const struct job_spec *s = a->spec;
    const struct moe_config *c = &a->config;
    struct usage_shape shape = {.L = c->L,
                                .E = c->E,
                                .K = c->K,
                                .V = c->V,
                                .C = a->C,
                                .coactivation = s->measures.coactivation,
                                .against = s->measures.against != NULL};
    a->part = mem_zero(s->data.n, sizeof *a->part);
    int rc = a->part ? MOE_OK
                     : moe_fail(err, MOE_ENOMEM, "%zu languages", s->data.n);
    for (size_t i = 0; !rc && i < s->data.n; i++) {
        struct moe_routing_language *unused;
        a->part[i].language = &s->data.language[i];
        a->parts++;
        rc = usage_init(err, &a->part[i].usage, &shape);
        if (!rc)
            rc = moe_routing_add(err, &a->table, a->part[i].language->name,
                                 &unused);
    }
    shape.C = 0;
    return rc ? rc : usage_init(err, &a->together, &shape);
}

static int
read_all(struct moe_err *err, struct analysis *a)
{
    struct moe_tokenizer *tokenizer = NULL;
    const struct job_spec *s = a->spec;
    int rc = a->sections || corpus_has_text(&s->data)
                 ? moe_tokenizer_load(err, &tokenizer, s->tokenizer)
                 : MOE_OK;
    job_phase(a->run);
    if (!rc)
        rc = read_parts(err, a, tokenizer);
    if (!rc)
        rc = read_sections(err, a, tokenizer);
    moe_tokenizer_destroy(&tokenizer);
    return rc;
}

int
analyze_prepare(struct moe_err *err, struct analysis *a)
{
    const struct job_spec *s = a->spec;
    int rc = moe_config_read(err, &a->config, s->model);
    if (rc)
        return rc;
    a->W = s->window;
    if (!(rc = check_spec(err, a)) && !(rc = check_measures(err, a)))
        rc = check_against(err, a);
    if (!rc)
        rc =
            job_steering_read(err, &a->steering, &s->steer, &a->config, a->run);
    if (!rc)
        rc = moe_routing_init(err, &a->table, a->config.L, a->config.E,
                              a->config.K);
    if (!rc && !(rc = choose_token_layers(err, a)) &&
        !(rc = make_parts(err, a)) && !(rc = make_sections(err, a)))
        rc = analyze_selection(err, a);
    if (!rc && s->measures.scores)
        rc = analyze_scores(err, a, false);
    return rc ? rc : read_all(err, a);
}
