/*
 * adapted.h - what the adaptations among some jobs bought, language by
 * language, and which way of adapting is as good as which.
 *
 *     struct adapted a;
 *     adapted_find(err, &a, folder, n);
 *     ... a.cell[i] is a way of adapting a language, a.test[i] compares two
 *     adapted_free(&a);
 */
#ifndef REPORT_ADAPTED_H
#define REPORT_ADAPTED_H

#include "base/str.h"
#include "base/student.h"
#include "report/folder.h"

/* A perplexity is as good as another when it is at most 5 % above it. */
#define ADAPTED_MARGIN 1.05

/* One job of kind adapt. */
struct adapted_run {
    const char *language; // borrowed from the folder
    const char *model;    // that was adapted
    const char *seed;
    size_t setting;
    double lr, parameters, share; // of all parameters
    double chosen_by;             // held-out loss in the end, nats a token
    double before, nll;           // that which is compared: of the text to test
                                  // on when all runs have it, else held-out
};

/* All that was set beside the language, the model, the learning rate and the
 * seed. */
struct adapted_setting {
    const char *strategy; // borrowed
    json_t *field;
    char *label; // the strategy, and the fields that tell it from others
};

/* A setting in a language, at the learning rate of the lowest mean held-out
 * loss over models and seeds. */
struct adapted_cell {
    const char *language;
    size_t setting;
    double lr;
    size_t rates;     // that were tried
    bool edge;        // the chosen one is the smallest or largest of several
    size_t runs;      // at the chosen one
    double chosen_by; // mean
    double before, nll, low, high; // mean, lowest and highest
    double parameters, share;      // largest
};

/*
 * A setting against another, paired: for each language the mean difference of
 * the runs of the same model and seed, and over the languages Student's t.
 * Of one language it is over the pairs of runs, which are less independent.
 */
struct adapted_test {
    size_t setting, other;
    size_t languages, within, pairs; // within: at most the margin above
    bool by_run;                     // one language
    double most;                     // largest ratio of trained parameters
    struct sample difference;        // of the loss, nats
    double low, high;                // 95 % of its mean
    double p_equal;                  // two-sided, that it is 0
    double p_worse;                  // one-sided, that it is the margin or more
};

struct adapted {
    struct adapted_run *run;
    struct adapted_setting *setting;
    struct adapted_cell *cell;
    struct adapted_test *test;
    size_t runs, settings, cells, tests;
    size_t other; // the setting that all others are compared with
    bool tested;  // by text that no learning rate was chosen by
};

/*
 * Every adaptation that held out text of the language that it trained on; a
 * learning rate is chosen by this text, and what it reached is that of the text
 * to test on when all of them have some.
 * All settings are compared with final_layers, or with that which trains most
 * where nobody did that.  a->runs is 0 without any.  MOE_ENOMEM.
 */
int adapted_find(struct moe_err *err, struct adapted *a, const struct folder *f,
                 size_t n);
void adapted_free(struct adapted *a);

/* The cell, or NULL. */
const struct adapted_cell *adapted_cell(const struct adapted *a,
                                        const char *language, size_t setting);

/* How many percent a perplexity is above another, by the difference of their
 * losses. */
double adapted_percent(double nats);

/* How far its perplexity is above that of a->other in its language, in percent;
 * NaN for that one itself and where there is none. */
double adapted_above(const struct adapted *a, const struct adapted_cell *c);

/* Its trained parameters as a share of those of a->other in its language; NaN
 * as above. */
double adapted_part(const struct adapted *a, const struct adapted_cell *c);

/* The run of a->other that a run is paired with: of the same language, model
 * and seed, both at the chosen rates.  NULL where there is none. */
const struct adapted_run *adapted_partner(const struct adapted *a,
                                          const struct adapted_run *run);

/* The differences of loss, nats, of a cell's runs to their partners, into d, of
 * a->runs; their number. */
size_t adapted_pairs(const struct adapted *a, const struct adapted_cell *c,
                     double *d);

/* "test", or "held-out" when not all runs have text to test on. */
const char *adapted_text(const struct adapted *a);

/* A test in words. */
void adapted_words(struct str *out, const struct adapted *a,
                   const struct adapted_test *t);

/* ---- private to the files adapted*.c */

int adapted_settings(struct moe_err *err, struct adapted *a,
                     const struct folder *f, const size_t folder_of[]);
int adapted_compare(struct moe_err *err, struct adapted *a);

#endif
