/*
 * analyze_results.c - the tables of an analysis, and its selection of experts.
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "job/analyze.h"
#include "routing/study.h"

/* ---- Selection ----------------------------------------------------------- */

static bool
has_language(const struct analysis *a, const char *name)
{
    return moe_routing_find(&a->table, name) != NULL;
}

static bool
is_parent(const struct job_pairs *parents, const char *name)
{
    for (size_t i = 0; i < parents->n; i++)
        if (strcmp(parents->value[i], name) == 0)
            return true;
    return false;
}

/* Those that are named, else all parents, else all. */
static int
choose_high(struct moe_err *err, struct analysis *a)
{
    const struct job_measures *m = &a->spec->measures;
    struct moe_selection *s = &a->selection;
    const size_t n = a->parts > m->high.n ? a->parts : m->high.n;
    a->high = mem_zero(n, sizeof *a->high);
    if (!a->high)
        return moe_fail(err, MOE_ENOMEM, "high: out of memory");
    for (size_t i = 0; i < m->high.n; i++) {
        if (!has_language(a, m->high.item[i]))
            return moe_fail(err, MOE_EINVAL, "high: no language %s in data",
                            m->high.item[i]);
        a->high[s->n_high++] = m->high.item[i];
    }
    for (size_t i = 0; !m->high.n && i < a->parts; i++) {
        const char *name = a->part[i].language->name;
        if (!m->parents.n || is_parent(&m->parents, name))
            a->high[s->n_high++] = name;
    }
    s->high = a->high;
    return MOE_OK;
}

static bool
is_high(const struct analysis *a, const char *name)
{
    for (int64_t i = 0; i < a->selection.n_high; i++)
        if (strcmp(a->high[i], name) == 0)
            return true;
    return false;
}

/* The parents, or each language as its own: with the rules of gaps the high
 * ones, which alone have experts then. */
static int
choose_parents(struct moe_err *err, struct analysis *a)
{
    const struct job_pairs *p = &a->spec->measures.parents;
    struct moe_selection *s = &a->selection;
    const bool gap = s->rule <= MOE_RULE_GAP_MEAN;
    const size_t n = a->parts > p->n ? a->parts : p->n;
    a->parent = mem_zero(n, sizeof *a->parent);
    if (!a->parent)
        return moe_fail(err, MOE_ENOMEM, "parents: out of memory");
    for (size_t i = 0; i < p->n; i++) {
        if (!has_language(a, p->value[i]) || (gap && !is_high(a, p->value[i])))
            return moe_fail(err, MOE_EINVAL,
                            "parents: %s takes the experts of %s, which is "
                            "not %s",
                            p->name[i], p->value[i],
                            gap ? "one of the high languages" : "in data");
        a->parent[s->n_low++] = (struct moe_parent){p->name[i], p->value[i]};
    }
    for (size_t i = 0; !p->n && i < a->parts; i++) {
        const char *name = a->part[i].language->name;
        if (!gap || is_high(a, name))
            a->parent[s->n_low++] = (struct moe_parent){name, name};
    }
    s->low = a->parent;
    return MOE_OK;
}

/* Those that are named, else the last two. */
static int
choose_layers(struct moe_err *err, struct analysis *a)
{
    const struct job_strings *list = &a->spec->measures.layers;
    struct moe_selection *s = &a->selection;
    const int64_t L = a->config.L;
    struct moe_err why = {0};
    bool *in = mem_zero((size_t)L, sizeof *in);
    a->layer = mem_zero((size_t)L, sizeof *a->layer);
    if (!in || !a->layer) {
        free(in);
        return moe_fail(err, MOE_ENOMEM, "select.layers: out of memory");
    }
    int rc =
        moe_layers_parse(&why, in, (const char *const *)list->item, list->n, L);
    for (int64_t l = 0; !rc && l < L; l++)
        if (list->n ? in[l] : l >= L - 2)
            a->layer[s->layers++] = l;
    s->layer = a->layer;
    free(in);
    return rc ? moe_fail(err, rc, "select.%s", why.text) : MOE_OK;
}

int
analyze_selection(struct moe_err *err, struct analysis *a)
{
    const struct job_measures *m = &a->spec->measures;
    a->selection = (struct moe_selection){.alpha = m->alpha,
                                          .distinct = m->distinct,
                                          .rule = (enum moe_rule)m->rule,
                                          .n = m->n,
                                          .most = m->most,
                                          .threshold = m->threshold,
                                          .file = m->experts};
    int rc = choose_high(err, a);
    if (!rc)
        rc = choose_parents(err, a);
    return rc ? rc : choose_layers(err, a);
}

static int
write_selection(struct moe_err *err, struct analysis *a)
{
    const struct moe_selection *s = &a->selection;
    const char *dir = a->run->results_dir;
    if (s->n_high < 2 && s->rule <= MOE_RULE_GAP_MEAN) {
        job_warn(a->run,
                 "selection: %" PRId64 " high-resource language, nothing to "
                 "compare: no experts.json",
                 s->n_high);
        return MOE_OK;
    }
    char *json = str_path(dir, "experts.json");
    char *csv = str_path(dir, "selection.csv");
    int rc = json && csv ? moe_selection_write(err, &a->table, s, json)
                         : moe_fail(err, MOE_ENOMEM, "%s", dir);
    if (!rc)
        rc = moe_selection_table(err, &a->table, s, csv);
    free(json);
    free(csv);
    return rc;
}

/* ---- Tables -------------------------------------------------------------- */

/* A byte that would break a table or a terminal. */
static bool
is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* The text of a token, "" without a tokenizer or a token of that id. */
static char *
token_text(void *arg, int32_t id)
{
    struct moe_tokenizer *t = arg;
    struct moe_text text = {0};
    struct moe_err why;
    if (!t || moe_tokenizer_decode(&why, t, &text, &id, 1, false) != MOE_OK) {
        moe_text_free(&text);
        return str_copy("");
    }
    struct str b = {0};
    for (size_t i = 0; i < text.n; i++)
        if (is_control(text.s[i]))
            str_puts(&b, "\xEF\xBF\xBD"); // U+FFFD
        else
            str_add(&b, &text.s[i], 1);
    moe_text_free(&text);
    return str_take(&b);
}

static int64_t
sequences_of(const struct analysis *a, const char *name)
{
    for (size_t i = 0; i < a->sections; i++)
        if (!a->section[i].task &&
            strcmp(a->section[i].language->name, name) == 0)
            return a->section[i].sums.n;
    return 0;
}

/* Groups are there when the spec names any. */
static const char *
group_of(const struct analysis *a, const char *name)
{
    const struct job_measures *m = &a->spec->measures;
    if (!m->high.n && !m->parents.n)
        return "";
    return is_high(a, name) ? "high" : "low";
}

static const char *
parent_of(const struct analysis *a, const char *name)
{
    const struct job_pairs *p = &a->spec->measures.parents;
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->name[i], name) == 0)
            return p->value[i];
    return "";
}

static int
write_study(struct moe_err *err, struct analysis *a)
{
    struct moe_tokenizer *tokenizer = NULL;
    struct study_language *list = mem_zero(a->parts, sizeof *list);
    struct study s = {.r = &a->table,
                      .language = list,
                      .pivot = -1,
                      .total = &a->together,
                      .text = token_text};
    if (!list)
        return moe_fail(err, MOE_ENOMEM, "%zu languages", a->parts);
    for (size_t i = 0; i < a->parts; i++) {
        const char *name = a->part[i].language->name;
        list[i] = (struct study_language){.group = group_of(a, name),
                                          .parent = parent_of(a, name),
                                          .sequences = sequences_of(a, name),
                                          .usage = &a->part[i].usage};
        usage_merge(&a->together, &a->part[i].usage);
        if (strcmp(name, a->spec->measures.pivot) == 0)
            s.pivot = (int64_t)i;
    }
    int rc = a->C && fs_exists(a->spec->tokenizer)
                 ? moe_tokenizer_load(err, &tokenizer, a->spec->tokenizer)
                 : MOE_OK;
    s.arg = tokenizer;
    if (!rc)
        rc = study_write(err, &s, a->run->results_dir);
    moe_tokenizer_destroy(&tokenizer);
    free(list);
    return rc;
}

static int
write_parallel(struct moe_err *err, struct analysis *a)
{
    if (!a->sections)
        return MOE_OK;
    struct parallel *list = mem_zero(a->sections, sizeof *list);
    if (!list)
        return moe_fail(err, MOE_ENOMEM, "parallel: out of memory");
    for (size_t i = 0; i < a->sections; i++)
        list[i] = a->section[i].sums; // borrowed
    int rc = parallel_write(err, list, (int64_t)a->sections, a->pivot,
                            a->spec->measures.tau, a->run->results_dir);
    free(list);
    if (!rc && a->spec->measures.scores)
        rc = analyze_scores(err, a, true);
    return rc;
}

/* What a reader should know before trusting a comparison. */
static void
warn_unequal(struct analysis *a)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (int64_t i = 0; i < a->table.n; i++) {
        const uint64_t n = a->table.language[i]->tokens;
        least = n < least ? n : least;
        most = n > most ? n : most;
    }
    if (a->table.n == 1)
        job_warn(a->run,
                 "one language, %s: tables of pairs and specialization.csv "
                 "are empty",
                 a->table.language[0]->name);
    else if (most > least)
        job_warn(a->run,
                 "languages have %" PRIu64 " to %" PRIu64
                 " tokens: a longer one weighs more in the specialisation "
                 "score; max_tokens: %" PRIu64 " makes them equal",
                 least, most, least);
}

/* ---- Metrics ------------------------------------------------------------- */

/* A value, or null where it is undefined. */
static json_t *
number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static void
report_layer(struct job_run *run, const struct moe_routing *r, int64_t layer,
             const double *counts)
{
    const int64_t E = r->E, n = r->n;
    double entropy = 0, jsd = 0;
    for (int64_t a = 0; a < n; a++) {
        entropy += moe_entropy(counts + a * E, E);
        for (int64_t b = a + 1; b < n; b++)
            jsd += moe_jsd(counts + a * E, counts + b * E, E);
    }
    const double pairs = (double)n * (double)(n - 1) / 2;
    job_metric(run, json_pack("{s:s, s:I, s:o, s:o, s:o}", "event", "layer",
                              "layer", (json_int_t)layer, "mean_entropy",
                              number(entropy / (double)n), "mean_jsd",
                              number(jsd / pairs), "specialization",
                              number(moe_specialization(counts, n, E))));
}

static int
report_layers(struct moe_err *err, struct analysis *a)
{
    const struct moe_routing *r = &a->table;
    size_t cells;
    double *counts = NULL;
    if (mem_mul(&cells, (size_t)r->n, (size_t)r->E))
        counts = mem_zero(cells, sizeof *counts);
    if (!counts)
        return moe_fail(err, MOE_ENOMEM, "%lld languages", (long long)r->n);
    for (int64_t l = 0; l < r->L; l++) {
        study_counts(counts, r, l);
        report_layer(a->run, r, l, counts);
    }
    free(counts);
    return MOE_OK;
}

int
analyze_results(struct moe_err *err, struct analysis *a)
{
    int rc = moe_routing_write(err, &a->table, a->selection.high,
                               a->spec->measures.high.n ||
                                       a->spec->measures.parents.n
                                   ? a->selection.n_high
                                   : 0,
                               a->run->results_dir);
    if (!rc)
        rc = write_study(err, a);
    if (!rc)
        rc = write_selection(err, a);
    if (!rc)
        rc = write_parallel(err, a);
    if (!rc)
        warn_unequal(a);
    return rc ? rc : report_layers(err, a);
}
