/*
 * analyze_parallel.c - sequences of parallel text and of tasks.
 *
 * The pivot comes first: the sums of each of its lines are kept for the
 * languages that are compared with it.  Sequences are packed one after another
 * into a pass; none is padded.
 */
#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "job/analyze.h"

/* A section while it is measured. */
struct measuring {
    struct analysis *a;
    struct analyze_section *x;
    bool pivot;
    size_t first;   // sequence of the pass
    size_t n;       // sequences of the pass
    int32_t *pairs; // (L,n,2,K+1), of sections that are no task
    bool no_memory;

    struct moe_segment *segment; // room for every row of a pass
    struct choices_sequence *place;
    struct moe_routing_language *unused; // what the collector adds to
};

/* A sequence is over: the collector's documents are its places in the text. */
static void
see_sequence(void *arg, uint64_t document, uint64_t tokens,
             const uint64_t *count, const double *sum)
{
    struct measuring *m = arg;
    struct analysis *a = m->a;
    const int64_t bins = 2 * (a->config.K + 1);
    const size_t line = m->x->text.line[document];
    const int32_t *pairs =
        m->pairs ? m->pairs + (int64_t)(document - m->first) * bins : NULL;
    const double *other = m->pivot || m->x->task ? NULL : a->q[line];
    parallel_add(&m->x->sums, tokens, count, sum, pairs, (int64_t)m->n * bins,
                 other);
    if (!m->pivot)
        return;
    free(a->q[line]);
    a->q[line] =
        mem_dup(sum, (size_t)(a->config.L * a->config.E) * sizeof *sum);
    m->no_memory |= !a->q[line];
}

/* As many sequences from m->first on as fit into a pass; how many rows. */
static size_t
fill_pass(struct measuring *m)
{
    const struct sequences *s = &m->x->text;
    const size_t room = (size_t)(m->a->B * m->a->W);
    size_t rows = 0;
    m->n = 0;
    for (size_t i = m->first; i < s->n; i++) {
        const size_t n = s->start[i + 1] - s->start[i];
        if (rows + n > room)
            break;
        m->segment[m->n] = (struct moe_segment){
            .row = (int64_t)rows, .past = 0, .n = (int64_t)n};
        m->place[m->n] =
            (struct choices_sequence){(int32_t)rows, (int32_t)(rows + n)};
        m->a->segment[m->n++] =
            (struct collect_segment){(int64_t)rows, (int64_t)(rows + n), i};
        rows += n;
    }
    return rows;
}

/* Pairs of tokens of the sequences of the pass; a task has no use for them. */
static int
count_pairs(struct measuring *m, const int32_t *ids)
{
    const struct moe_config *c = &m->a->config;
    uint64_t cells;
    free(m->pairs);
    m->pairs = NULL;
    if (m->x->task)
        return MOE_OK;
    if (mem_product(&cells,
                    (uint64_t[]){(uint64_t)c->L, m->n, 2, (uint64_t)c->K + 1},
                    4))
        m->pairs = mem_zero((size_t)cells, sizeof *m->pairs);
    if (!m->pairs)
        return moe_fail(moe_ctx_err(m->a->run->ctx), MOE_ENOMEM,
                        "pairs of tokens");
    int rc = choices_end(m->a->sequence_choices, ids);
    return rc ? rc
              : choices_pairs(m->a->sequence_choices, m->place, m->n, m->pairs);
}

static int
run_pass(struct measuring *m, size_t rows)
{
    struct analysis *a = m->a;
    const int32_t *ids = m->x->text.ids.id + m->x->text.start[m->first];
    int rc = collect_begin(a->collect, a->segment, m->n);
    choices_begin(a->sequence_choices, (int64_t)rows);
    if (!rc)
        rc = moe_run_extend(a->pass, ids, m->segment, m->n);
    if (!rc)
        rc = count_pairs(m, ids);
    if (!rc)
        rc = collect_end(a->collect, m->unused);
    if (!rc)
        collect_finish(a->collect, m->unused);
    if (!rc && m->no_memory)
        rc = moe_fail(moe_ctx_err(a->run->ctx), MOE_ENOMEM,
                      "sums of the pivot's lines");
    return rc;
}

static int
measure(struct moe_err *err, struct measuring *m)
{
    struct analysis *a = m->a;
    const char *name = m->x->language->name;
    int rc = analyze_step(err, a, name, 0);
    for (m->first = 0; !rc && m->first < m->x->text.n; m->first += m->n) {
        const size_t rows = fill_pass(m);
        rc = run_pass(m, rows);
        rc = rc ? moe_fail(err, rc, "%s: %s", name,
                           moe_ctx_err(a->run->ctx)->text)
                : analyze_step(err, a, name, m->x->saved ? 0 : rows);
    }
    return rc;
}

/* Sums of a section, in place of what an earlier run kept of it. */
static int
measure_section(struct moe_err *err, struct analysis *a, size_t i,
                struct measuring *m)
{
    struct analyze_section *x = m->x = &a->section[i];
    const struct moe_config *c = &a->config;
    m->pivot = (int64_t)i == a->pivot;
    parallel_free(&x->sums);
    int rc = parallel_init(err, &x->sums, x->language->name, x->task, c->L,
                           c->E, c->K);
    collect_each_document(a->collect, see_sequence, m);
    if (!rc)
        rc = measure(err, m);
    if (!rc)
        rc = analyze_save_section(err, a, i);
    if (!rc)
        job_logf(a->run, MOE_LOG_INFO, "%s: %zu sequences", x->language->name,
                 x->text.n);
    return rc;
}

static bool
any_left(const struct analysis *a, bool languages)
{
    for (size_t i = 0; i < a->sections; i++)
        if (!a->section[i].saved && !(languages && a->section[i].task))
            return true;
    return false;
}

static int
make_space(struct moe_err *err, struct measuring *m, struct moe_routing *r)
{
    struct analysis *a = m->a;
    const struct moe_config *c = &a->config;
    const size_t rows = (size_t)(a->B * a->W);
    m->segment = mem_zero(rows, sizeof *m->segment);
    m->place = mem_zero(rows, sizeof *m->place);
    a->q = mem_zero(a->lines, sizeof *a->q);
    if (!m->segment || !m->place || !a->q)
        return moe_fail(err, MOE_ENOMEM, "a batch of %zu tokens", rows);
    int rc = moe_routing_init(err, r, c->L, c->E, c->K);
    return rc ? rc : moe_routing_add(err, r, "sequences", &m->unused);
}

int
analyze_sections(struct moe_err *err, struct analysis *a)
{
    struct measuring m = {.a = a};
    struct moe_routing unused = {0};
    if (!any_left(a, false))
        return MOE_OK;
    a->watched = a->sequence_choices;
    int rc = make_space(err, &m, &unused);
    // Other languages want the pivot's lines, so it is run again for them.
    if (!rc && any_left(a, true))
        rc = measure_section(err, a, (size_t)a->pivot, &m);
    for (size_t i = 0; !rc && i < a->sections; i++)
        if (!a->section[i].saved && (int64_t)i != a->pivot)
            rc = measure_section(err, a, i, &m);
    collect_each_document(a->collect, NULL, NULL);
    moe_routing_free(&unused);
    free(m.segment);
    free(m.place);
    free(m.pairs);
    return rc;
}
