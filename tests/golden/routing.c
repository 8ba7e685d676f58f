/*
 * routing.c - an analysis as a user runs it, against routing/.
 *
 * The model is small/trained, the text its shards and text files; where the
 * folder has no such model, as the one that is kept with the tests, the sample
 * data is meant.
 */
#include "config.h"

#include "tests/golden/routing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "tests/support.h"
#include "tests/table.h"

static void
find_case(struct routing_case *c, const struct golden *g)
{
    const char *sample = getenv("POLYMOE_SAMPLE");
    *c = (struct routing_case){
        .window = 256, .max_tokens = 20480, .sequences = 150};
    snprintf(c->numbers, sizeof c->numbers, "%s/routing", g->root);
    snprintf(c->model, sizeof c->model, "%s/small/trained", g->root);
    snprintf(c->tokens, sizeof c->tokens, "%s/tokens/%%s.heldout.u16", g->root);
    snprintf(c->text, sizeof c->text, "%s/../data/text/%%s.heldout.txt",
             g->root);
    snprintf(c->parallel, sizeof c->parallel, "%s/../data/ntrex/%%s.txt",
             g->root);
    if (fs_is_dir(c->model) || !sample)
        return;
    c->window = 128;
    c->max_tokens = 2048;
    c->sequences = 12;
    snprintf(c->parallel, sizeof c->parallel, "%s/parallel/%%s.txt", sample);
    snprintf(c->model, sizeof c->model, "%s/model", sample);
    snprintf(c->tokens, sizeof c->tokens, "%s/parallel/%%s.txt", sample);
    snprintf(c->text, sizeof c->text, "%s/parallel/%%s.txt", sample);
}

/* "%s" of a file pattern replaced by a language. */
static void
add_file(struct str *b, const char *pattern, const char *language)
{
    const char *at = strstr(pattern, "%s");
    str_printf(b, "\"%.*s%s%s\"", (int)(at - pattern), pattern, language,
               at + 2);
}

/* FIELD: a map from each language of the reference to its file. */
static void
add_data(struct str *b, const char *field, const struct table *counts,
         const char *files)
{
    const char *last = "";
    str_printf(b, "%s:\n", field);
    for (size_t i = 0; i < counts->rows; i++) {
        const char *language = table_text(counts, i, "language");
        if (strcmp(language, last) == 0)
            continue;
        str_printf(b, "  %s: ", language);
        add_file(b, files, language);
        str_puts(b, "\n");
        last = language;
    }
}

/* The languages of study A, where the reference has them. */
static const char groups[] =
    "high: [en, ar, cs, es, fi, hi, ru]\n"
    "parents: {nl: en, ur: ar, sk: cs, ca: es, et: fi, mr: hi, uk: ru}\n";

/* The spec that makes NAME.csv of the reference: its languages, in order. */
static char *
write_spec(const struct routing_case *c, const struct table *counts,
           const char *files, const char *documents)
{
    struct str b = {0};
    const bool line = strcmp(documents, "line") == 0;
    str_printf(&b,
               "kind: analyze\nname: golden\nmodel: \"%s\"\nwindow: %d\n"
               "max_tokens: %d\nbatch_tokens: 4096\ndocuments: %s\n"
               "perplexity: %s\n",
               c->model, c->window, c->max_tokens, documents,
               line ? "true" : "false");
    add_data(&b, "data", counts, files);
    if (line) {
        add_data(&b, "parallel", counts, c->parallel);
        str_printf(&b, "max_sequences: %d\n", c->sequences);
        if (table_find(counts, 0, "language", "uk") < counts->rows)
            str_puts(&b, groups);
    }
    return str_take(&b);
}

/* The counts of OUT/results against numbers/NAME; says whether all agree. */
static bool
compare_counts(struct golden *g, const struct routing_case *c, const char *out,
               const char *name)
{
    struct table want, got, ties;
    struct table_difference d = {0};
    char path[700];
    snprintf(path, sizeof path, "%s/near_ties.csv", c->numbers);
    bool has_ties = table_read(&ties, path);
    snprintf(path, sizeof path, "%s/%s", c->numbers, name);
    bool read = table_read(&want, path);
    snprintf(path, sizeof path, "%s/results/counts.csv", out);
    if (read && table_read(&got, path)) {
        table_compare_counts(&d, &got, &want, has_ties ? &ties : NULL);
        table_free(&got);
    }
    if (!d.ok)
        printf("  %s\n", d.text[0] ? d.text : "not written");
    golden_report(g, "routing", name, d.worst, 0, d.ok);
    if (read)
        table_free(&want);
    if (has_ties)
        table_free(&ties);
    return d.ok && d.worst == 0;
}

static int
analyze(struct golden *g, struct moe_err *err, const struct routing_case *c,
        const struct table *counts)
{
    // A token that goes the other way at a near tie moves a share by about
    // 1 in the 10^5 choices of a layer.
    char out[300], results[320];
    snprintf(out, sizeof out, "%s/line", support_dir());
    snprintf(results, sizeof results, "%s/results", out);
    char *spec = write_spec(c, counts, c->tokens, "line");
    int rc = spec ? golden_job(err, spec, out, NULL, NULL)
                  : moe_fail(err, MOE_ENOMEM, "spec of an analysis");
    free(spec);
    if (rc)
        return rc;
    const double bound = compare_counts(g, c, out, "counts.csv") ? 1e-6 : 1e-4;
    routing_compare(g, c, results, "probabilities.csv", 1e-6);
    routing_compare(g, c, results, "entropy.csv", bound);
    routing_compare(g, c, results, "jsd.csv", bound);
    routing_compare(g, c, results, "specialization.csv", bound);
    routing_compare(g, c, results, "overlap.csv", 1e-9);
    routing_compare(g, c, results, "overlap_correlation.csv", bound);
    routing_compare(g, c, results, "parallel/divergence.csv", 1e-5);
    routing_compare(g, c, results, "parallel/consistency.csv", 1e-5);
    routing_compare(g, c, results, "parallel/delta.csv", 1e-5);
    /* Up to 1.5e5 for a model that knows nothing: single precision. */
    routing_compare(g, c, results, "perplexity.csv", 2e-2);
    return routing_selection(g, err, c, results);
}

static int
analyze_files(struct golden *g, struct moe_err *err,
              const struct routing_case *c, const struct table *counts)
{
    char out[300];
    snprintf(out, sizeof out, "%s/file", support_dir());
    char *spec = write_spec(c, counts, c->text, "file");
    int rc = spec ? golden_job(err, spec, out, NULL, NULL)
                  : moe_fail(err, MOE_ENOMEM, "spec of an analysis");
    free(spec);
    if (!rc)
        compare_counts(g, c, out, "counts_file.csv");
    return rc;
}

int
golden_routing(struct golden *g, struct moe_err *err)
{
    struct routing_case c;
    struct table counts;
    char path[700];
    find_case(&c, g);
    snprintf(path, sizeof path, "%s/counts.csv", c.numbers);
    if (!table_read(&counts, path))
        return moe_fail(err, MOE_EINPUT, "%s: cannot be read", path);
    int rc = routing_measures(g, &c, err);
    if (!rc)
        rc = analyze(g, err, &c, &counts);
    if (!rc)
        rc = analyze_files(g, err, &c, &counts);
    table_free(&counts);
    return rc;
}
