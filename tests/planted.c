/*
 * planted.c - a results folder of any size with known numbers.
 */
#include "config.h"

#include "planted.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/str.h"
#include "support.h"

static const char *const four_names[] = {"en", "es", "<b>&\"'\033", "ca"};
const struct planted planted_four = {
    .n = 4, .L = 3, .E = 8, .name = four_names};

void
planted_table(const char *dir, const char *name, const char *text)
{
    char *path = str_format("%s/results/%s.csv", dir, name);
    support_write(path, text, strlen(text));
    free(path);
}

/* What each row function needs. */
struct planting {
    const struct planted *p;
    const char *dir;
};

static const char *
name_of(const struct planted *p, int64_t i)
{
    static char name[3]; // copied at once by csv_text()
    if (p->name)
        return p->name[i];
    name[0] = (char)('a' + i / 26);
    name[1] = (char)('a' + i % 26);
    return name;
}

static void
begin(struct csv *t, const struct planting *g, const char *name,
      const char *header)
{
    struct moe_err err = {0};
    char *path = str_format("%s/results/%s.csv", g->dir, name);
    ck_ok(&err, csv_open(&err, t, path, header));
    free(path);
}

static void
end(struct csv *t)
{
    struct moe_err err = {0};
    ck_ok(&err, csv_close(&err, t));
}

/* Layer and language, in that order or the other, and some numbers. */
static void
by_layer(const struct planting *g, const char *name, const char *header,
         int64_t first, bool language_first, int values, double scale)
{
    struct csv t;
    begin(&t, g, name, header);
    for (int64_t l = 0; l < g->p->L; l++)
        for (int64_t i = first; i < g->p->n; i++) {
            if (language_first)
                csv_text(&t, name_of(g->p, i));
            csv_int(&t, l);
            if (!language_first)
                csv_text(&t, name_of(g->p, i));
            for (int k = 0; k < values; k++)
                csv_real(&t, scale * (0.3 + 0.02 * (double)((i + l + k) % 20)));
            csv_end(&t);
        }
    end(&t);
}

static double
divergence(const struct planted *p, int64_t l, int64_t a, int64_t b)
{
    return (0.3 + p->extra) * (double)llabs(a - b) / (double)p->n *
           (double)(l + 1) / (double)p->L;
}

static void
pairs(const struct planting *g)
{
    const struct planted *p = g->p;
    struct csv t, o;
    begin(&t, g, "jsd",
          "layer,language_a,language_b,jsd_counts,jsd_probabilities");
    begin(&o, g, "overlap",
          "language_a,language_b,jaccard,overlap_coefficient,"
          "weighted_jaccard");
    for (int64_t l = 0; l < p->L; l++)
        for (int64_t a = 0; a < p->n; a++)
            for (int64_t b = a + 1; b < p->n; b++) {
                const double share = 0.5 - 0.4 * (double)(b - a) / (double)p->n;
                csv_int(&t, l);
                csv_text(&t, name_of(p, a));
                csv_text(&t, name_of(p, b));
                csv_real(&t, divergence(p, l, a, b));
                csv_real(&t, 0.9 * divergence(p, l, a, b));
                csv_end(&t);
                if (l > 0)
                    continue;
                csv_text(&o, name_of(p, a));
                csv_text(&o, name_of(p, b));
                csv_real(&o, share);
                csv_real(&o, sqrt(share));
                csv_real(&o, share * share);
                csv_end(&o);
            }
    end(&t);
    end(&o);
}

static void
counts(const struct planting *g)
{
    struct csv t, p;
    begin(&t, g, "counts", "language,layer,expert,count");
    begin(&p, g, "probabilities", "language,layer,expert,mean_pooled");
    for (int64_t i = 0; i < g->p->n; i++)
        for (int64_t l = 0; l < g->p->L; l++)
            for (int64_t e = 0; e < g->p->E; e++) {
                csv_text(&t, name_of(g->p, i));
                csv_int(&t, l);
                csv_int(&t, e);
                csv_int(&t, 1000 * (1 + (i + e + l) % 5));
                csv_end(&t);
                csv_text(&p, name_of(g->p, i));
                csv_int(&p, l);
                csv_int(&p, e);
                csv_real(&p,
                         (double)(1 + (i + e + l) % 5) / (3 * (double)g->p->E));
                csv_end(&p);
            }
    end(&t);
    end(&p);
}

static void
place(struct csv *t, const struct planting *g, int64_t i, int64_t at)
{
    csv_text(t, i < g->p->n ? "language" : "task");
    csv_text(t, i < g->p->n ? name_of(g->p, i) : "gsm8k");
    csv_int(t, at / g->p->E);
    csv_int(t, at % g->p->E);
}

/* The first language is the pivot; one task follows the languages. */
static void
deltas(const struct planting *g)
{
    struct csv t, x;
    begin(&t, g, "delta", "kind,language,layer,expert,activation,delta");
    begin(&x, g, "task_experts", "kind,language,layer,expert,delta");
    for (int64_t i = 0; i <= g->p->n; i++)
        for (int64_t at = 0; at < g->p->L * g->p->E; at++) {
            const double delta = 0.1 * (double)((i + at) % 7 - 3);
            place(&t, g, i, at);
            csv_real(&t, 0.4 + (i ? delta : 0));
            csv_real(&t, i ? delta : NAN);
            csv_end(&t);
            if (!i || delta < 0.25)
                continue;
            place(&x, g, i, at);
            csv_real(&x, delta);
            csv_end(&x);
        }
    end(&t);
    end(&x);
}

/* As analyses write them, without the rows' meaning. */
static void
other_tables(const struct planting *g)
{
    static const struct {
        const char *name, *header;
    } table[] = {
        {"layers", "layer,entropy_pivot,entropy_others,specialization"},
        {"overlap_correlation",
         "layer,measure,pairs,pearson_r,slope,intercept,n"},
        {"token_layers", "language,layer,tokens,specialization"},
        {"token_specialization",
         "language,layer,expert,rank,token,text,count,share"},
        {"selection", "layer,expert,language,share,gap,gap_mean,mean_share,"
                      "shared_rank,selected"},
        {"perplexity", "language,tokens,predicted,nll,perplexity"},
        {"scores", "score,language,value"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct csv t;
        begin(&t, g, table[i].name, table[i].header);
        for (const char *p = table[i].header; p; p = strchr(p, ',')) {
            p += *p == ',';
            if (strncmp(p, "language", 8) == 0)
                csv_text(&t, name_of(g->p, 0));
            else if (strncmp(p, "text", 4) == 0)
                csv_text(&t, "<b>&");
            else
                csv_int(&t, 0);
        }
        csv_end(&t);
        end(&t);
    }
}

static void
coactivation(const struct planting *g)
{
    struct csv t;
    begin(&t, g, "coactivation",
          "layer,expert_a,expert_b,together,adjacent,b_given_a,a_given_b");
    for (int64_t l = 0; l < g->p->L; l++)
        for (int64_t a = 0; a < g->p->E; a++)
            for (int64_t b = a + 1; b < g->p->E; b++) {
                csv_int(&t, l);
                csv_int(&t, a);
                csv_int(&t, b);
                csv_int(&t, 10 * (a + b));
                csv_int(&t, a + b);
                csv_real(&t, 0.01 * (double)(a + b));
                csv_real(&t, 0.02 * (double)(a + b));
                csv_end(&t);
            }
    end(&t);
}

static void
languages(const struct planting *g)
{
    const struct planted *p = g->p;
    struct csv t, e;
    begin(&t, g, "languages",
          "language,group,parent,tokens,documents,sequences");
    begin(&e, g, "evaluation", "task,language,metric,value,stderr,n");
    for (int64_t i = 0; i < p->n; i++) {
        const bool high = 2 * i < p->n;
        csv_text(&t, name_of(p, i));
        csv_text(&t, high ? "high" : "low");
        csv_text(&t, high ? "" : name_of(p, i - p->n / 2));
        csv_int(&t, p->tokens ? p->tokens : 20480);
        csv_int(&t, 10);
        csv_int(&t, 5);
        csv_end(&t);
        csv_text(&e, "belebele");
        csv_text(&e, name_of(p, i));
        csv_text(&e, "acc");
        csv_real(&e, i == 1 ? NAN : 0.3 + 0.01 * (double)(i % 30));
        csv_real(&e, 0.02);
        csv_int(&e, 900);
        csv_end(&e);
    }
    end(&t);
    end(&e);
}

static void
steps(const struct planting *g)
{
    struct csv t;
    begin(&t, g, "heldout", "step,language,nll");
    for (int64_t step = 0; step <= 100; step += 50)
        for (int64_t i = 0; i < g->p->n; i++) {
            csv_int(&t, step);
            csv_text(&t, name_of(g->p, i));
            csv_real(&t, 8 - 0.01 * (double)(step + i));
            csv_end(&t);
        }
    end(&t);
    begin(&t, g, "tau_sweep",
          "tau,task,task_experts,multilingual_experts,both");
    for (int i = 1; i < 20; i++) {
        csv_real(&t, 0.05 * i);
        csv_text(&t, "gsm8k");
        csv_int(&t, 20 - i);
        csv_int(&t, 30 - i);
        csv_int(&t, i < 6 ? 6 - i : 0);
        csv_end(&t);
    }
    end(&t);
    struct str lines = {0};
    for (int i = 1; i <= 50; i++)
        str_printf(&lines, "{\"kind\":\"step\",\"step\":%d,\"ce\":%g}\n", i,
                   8 - 0.02 * i);
    str_puts(&lines, "{\"kind\":\"st"); // a line that was cut
    char *path = str_format("%s/metrics.jsonl", g->dir);
    support_write(path, lines.s, lines.n);
    str_free(&lines);
    free(path);
}

static void
scores(const struct planting *g)
{
    struct csv t, s;
    begin(&t, g, "score_correlation",
          "score,layer,pearson_r,slope,intercept,n");
    begin(&s, g, "specialization", "layer,score,score_high");
    for (int64_t l = 0; l < g->p->L; l++) {
        csv_text(&t, "belebele acc");
        csv_int(&t, l);
        csv_real(&t, -0.8);
        csv_real(&t, -1);
        csv_real(&t, 1);
        csv_int(&t, g->p->n - 1);
        csv_end(&t);
        csv_int(&s, l);
        csv_real(&s, 0.1 + 0.5 * (double)l / (double)g->p->L);
        csv_real(&s, 0.1 + 0.4 * (double)l / (double)g->p->L);
        csv_end(&s);
    }
    end(&t);
    end(&s);
}

static void
record(const struct planting *g)
{
    static const char text[] =
        "{\"schema\": 1, \"name\": \"planted <run> & co\", \"status\": "
        "\"done\", \"device\": {\"name\": \"a device\"}, \"warnings\": [\"the "
        "text of ab is cut\"]}";
    char *path = str_format("%s/run.json", g->dir);
    support_write(path, text, sizeof text - 1);
    free(path);
}

void
planted_write(const char *dir, const struct planted *p)
{
    const struct planting g = {p, dir};
    struct moe_err err = {0};
    char *results = str_path(dir, "results");
    ck_ok(&err, fs_mkdirs(&err, results, 0777));
    free(results);
    languages(&g);
    counts(&g);
    pairs(&g);
    coactivation(&g);
    deltas(&g);
    other_tables(&g);
    scores(&g);
    steps(&g);
    by_layer(&g, "entropy",
             "language,layer,entropy_counts,entropy_probabilities", 0, true, 2,
             4);
    by_layer(&g, "divergence", "layer,language,divergence", 1, false, 1, 1);
    by_layer(&g, "consistency",
             "layer,language,jaccard_all_pairs,jaccard_adjacent,entropy", 0,
             false, 3, 1);
    by_layer(&g, "saturation", "language,layer,saturation", 0, true, 1, 1);
    record(&g);
}
