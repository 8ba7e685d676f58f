/*
 * study.c - the tables of a routing analysis beside the measures of languages.
 */
#include "config.h"

#include "routing/study.h"

#include <stdlib.h>

#include "base/str.h"

static int
write_languages(struct moe_err *err, struct csv *out, const struct study *s)
{
    (void)err;
    for (int64_t i = 0; i < s->r->n; i++) {
        csv_text(out, s->r->language[i]->name);
        csv_text(out, s->language[i].group);
        csv_text(out, s->language[i].parent);
        csv_int(out, (int64_t)s->r->language[i]->tokens);
        csv_int(out, (int64_t)s->r->language[i]->documents);
        csv_int(out, s->language[i].sequences);
        csv_end(out);
    }
    return MOE_OK;
}

/* Pairs that occur; the diagonal has how often each is chosen. */
static int
write_coactivation(struct moe_err *err, struct csv *out, const struct study *s)
{
    const int64_t E = s->r->E;
    (void)err;
    for (int64_t l = 0; l < s->r->L; l++)
        for (int64_t a = 0; a < E; a++)
            for (int64_t b = a + 1; b < E; b++) {
                const uint64_t *x = s->total->together + l * E * E;
                const uint64_t n = x[a * E + b];
                if (!n)
                    continue;
                csv_int(out, l);
                csv_int(out, a);
                csv_int(out, b);
                csv_int(out, (int64_t)n);
                csv_int(out, (int64_t)s->total->adjacent[(l * E + a) * E + b]);
                csv_real(out, (double)n / (double)x[a * E + a]);
                csv_real(out, (double)n / (double)x[b * E + b]);
                csv_end(out);
            }
    return MOE_OK;
}

static int
write_token_layers(struct moe_err *err, struct csv *out, const struct study *s)
{
    (void)err;
    for (int64_t i = 0; i < s->r->n; i++)
        for (int64_t c = 0; c < s->language[i].usage->C; c++) {
            const struct usage_layer *l = &s->language[i].usage->layer[c];
            csv_text(out, s->r->language[i]->name);
            csv_int(out, l->layer);
            csv_int(out, l->ids);
            csv_real(out, l->specialization);
            csv_end(out);
        }
    return MOE_OK;
}

static int
write_named(struct moe_err *err, struct csv *out, const struct study *s,
            const char *language, const struct usage_layer *l)
{
    int rank = 0;
    for (size_t k = 0; k < l->n; k++) {
        const struct usage_token *t = &l->token[k];
        rank = k && l->token[k - 1].expert == t->expert ? rank + 1 : 0;
        char *text = s->text(s->arg, t->token);
        if (!text)
            return moe_fail(err, MOE_ENOMEM, "token ids of %s", language);
        csv_text(out, language);
        csv_int(out, l->layer);
        csv_int(out, t->expert);
        csv_int(out, rank);
        csv_int(out, t->token);
        csv_text(out, text);
        csv_int(out, (int64_t)t->count);
        csv_real(out, (double)t->count / (double)t->of);
        csv_end(out);
        free(text);
    }
    return MOE_OK;
}

static int
write_tokens(struct moe_err *err, struct csv *out, const struct study *s)
{
    int rc = MOE_OK;
    for (int64_t i = 0; i < s->r->n; i++)
        for (int64_t c = 0; !rc && c < s->language[i].usage->C; c++)
            rc = write_named(err, out, s, s->r->language[i]->name,
                             &s->language[i].usage->layer[c]);
    return rc;
}

static int
write_saturation(struct moe_err *err, struct csv *out, const struct study *s)
{
    const int64_t K = s->r->K;
    (void)err;
    for (int64_t i = 0; i < s->r->n; i++)
        for (int64_t l = 0; l < s->r->L; l++) {
            const uint64_t *x = s->language[i].usage->common + l * (K + 1);
            double shared = 0, tokens = 0;
            for (int64_t c = 0; c <= K; c++) {
                shared += (double)x[c] * (double)c;
                tokens += (double)x[c];
            }
            csv_text(out, s->r->language[i]->name);
            csv_int(out, l);
            csv_int(out, (int64_t)tokens);
            csv_real(out, shared / (tokens * (double)K));
            csv_end(out);
        }
    return MOE_OK;
}

static int
write_table(struct moe_err *err, const struct study *s, const char *dir,
            const struct study_table *t)
{
    struct csv out;
    char *path = str_path(dir, t->name);
    if (!path)
        return moe_fail(err, MOE_ENOMEM, "%s/%s", dir, t->name);
    int rc = csv_open(err, &out, path, t->header);
    if (!rc && (rc = t->rows(err, &out, s)))
        csv_abort(&out);
    else if (!rc)
        rc = csv_close(err, &out);
    free(path);
    return rc;
}

int
study_write(struct moe_err *err, const struct study *s, const char *dir)
{
    const struct usage *first = s->r->n ? s->language[0].usage : NULL;
    const struct study_table table[] = {
        {"languages.csv", "language,group,parent,tokens,documents,sequences",
         write_languages, true},
        {"layers.csv",
         "layer,entropy_pivot,entropy_others,entropy_probabilities_pivot,"
         "entropy_probabilities_others,jsd,jsd_without_pivot,jsd_high,"
         "jsd_high_without_pivot,specialization",
         study_layers, true},
        {"overlap.csv",
         "language_a,language_b,jaccard,overlap_coefficient,weighted_jaccard",
         study_overlap, true},
        {"overlap_correlation.csv",
         "layer,measure,pairs,pearson_r,slope,intercept,n", study_correlation,
         true},
        {"coactivation.csv",
         "layer,expert_a,expert_b,together,adjacent,b_given_a,a_given_b",
         write_coactivation, s->total && s->total->together},
        {"token_layers.csv", "language,layer,tokens,specialization",
         write_token_layers, first && first->C},
        {"token_specialization.csv",
         "language,layer,expert,rank,token,text,count,share", write_tokens,
         first && first->C},
        {"saturation.csv", "language,layer,tokens,saturation", write_saturation,
         first && first->common},
    };
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < sizeof table / sizeof *table; i++)
        if (table[i].wanted)
            rc = write_table(err, s, dir, &table[i]);
    return rc;
}
