/*
 * check_results.c - tables of a study from planted counters, in closed form.
 *
 * Claims: layers.csv and overlap_correlation.csv have the values of
 * distributions that are equal, disjoint or half shared; delta.csv sums to 0
 * over a layer, and tau_sweep.csv counts what is above each threshold for a
 * task, for languages and for both; the lists that study A trained come back
 * from its ranking and its explicit sets.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "routing/parallel.h"
#include "routing/study.h"
#include "tests/support.h"
#include "tests/table.h"

enum { EN, ES, CA, NL, N, L = 2, E = 4, K = 2, V = 4 };

static const char *const names[N] = {"en", "es", "ca", "nl"};

static void
read_named(struct table *t, const char *name)
{
    ck_assert_msg(table_read(t, support_path(name)), "%s is no table", name);
}

/* A number of a row, or an empty field where it is NaN. */
static void
ck_cell(const struct table *t, size_t row, const char *column, double want)
{
    ck_assert_msg(table_column(t, column) >= 0, "no column %s", column);
    if (isnan(want))
        ck_assert_str_eq(table_text(t, row, column), "");
    else
        ck_assert_msg(fabs(table_number(t, row, column) - want) < 1e-8,
                      "row %zu: %s is %s, want %.9g", row, column,
                      table_text(t, row, column), want);
}

/* ---- Languages ----------------------------------------------------------- */

/*
 * In layer 0 all use experts alike.  In layer 1 en and nl have experts 0 and 1
 * to themselves but for half of ca's, es has 2 and 3, and ca the middle two;
 * the mean probabilities of en are uniform, those of the others one expert's.
 * The vocabularies share as much as the experts do.
 */
static const uint64_t chosen[N][E] = {
    {50, 50, 0, 0}, {0, 0, 50, 50}, {0, 50, 50, 0}, {50, 50, 0, 0}};
static const int32_t ids[N][2] = {{0, 1}, {2, 3}, {1, 2}, {0, 1}};

static void
plant(struct moe_routing *r, struct usage *usage)
{
    const struct usage_shape shape = {L, E, K, V, 0, false, false};
    struct moe_err err = {0};
    ck_ok(&err, moe_routing_init(&err, r, L, E, K));
    for (int i = 0; i < N; i++) {
        struct moe_routing_language *p;
        ck_ok(&err, moe_routing_add(&err, r, names[i], &p));
        ck_ok(&err, usage_init(&err, &usage[i], &shape));
        usage_see(&usage[i], ids[i], 2);
        p->tokens = 50;
        for (int e = 0; e < E; e++) {
            p->count[e] = 25;
            p->pooled[e] = 12.5;
            p->count[E + e] = chosen[i][e];
            p->pooled[E + e] = i == EN ? 12.5 : e == i ? 50 : 0;
        }
    }
}

static void
write_study(bool groups)
{
    struct moe_err err = {0};
    struct moe_routing r;
    struct usage usage[N];
    struct study_language list[N];
    plant(&r, usage);
    for (int i = 0; i < N; i++)
        list[i] = (struct study_language){.group = !groups  ? ""
                                                   : i < CA ? "high"
                                                            : "low",
                                          .parent = "",
                                          .usage = &usage[i]};
    const struct study s = {.r = &r, .language = list, .pivot = EN};
    ck_ok(&err, study_write(&err, &s, support_dir()));
    for (int i = 0; i < N; i++)
        usage_free(&usage[i]);
    moe_routing_free(&r);
}

START_TEST(layers_have_their_closed_forms)
{
    const double ln2 = log(2), ln4 = log(4);
    // en-es and es-nl are disjoint, ca shares half with any, en-nl is equal.
    const double all = (1 + 1 + 3 * 0.5 + 0) / 6 * ln2;
    const double given = (ln2 + 1.5 * log(3) + ln2) / 4; // of 1, 1.5, 1, 0.5
    const struct {
        const char *column;
        double value[L];
    } want[] = {{"entropy_pivot", {ln4, ln2}},
                {"entropy_others", {ln4, ln2}},
                {"entropy_probabilities_pivot", {ln4, ln4}},
                {"entropy_probabilities_others", {ln4, 0}},
                {"jsd", {0, all}},
                {"jsd_without_pivot", {0, (0.5 + 1 + 0.5) / 3 * ln2}},
                {"jsd_high", {0, ln2}},
                {"jsd_high_without_pivot", {NAN, NAN}}, // one language left
                {"specialization", {0, 1 - given / ln4}}};
    struct table t;
    write_study(true);
    read_named(&t, "layers.csv");
    ck_assert_uint_eq(t.rows, L);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        for (size_t l = 0; l < L; l++)
            ck_cell(&t, l, want[i].column, want[i].value[l]);
    table_free(&t);
}
END_TEST

static void
ck_fit(const struct table *t, size_t row, const char *measure,
       const char *pairs, struct moe_fit want)
{
    ck_assert_str_eq(table_text(t, row, "measure"), measure);
    ck_assert_str_eq(table_text(t, row, "pairs"), pairs);
    ck_cell(t, row, "pearson_r", want.r);
    ck_cell(t, row, "slope", want.slope);
    ck_cell(t, row, "intercept", want.intercept);
    ck_cell(t, row, "n", (double)want.n);
}

/*
 * Pairs of two low languages, ca-nl, are in no fit.  The overlap coefficient
 * is 1 minus the divergence over ln 2, so these two lie on a line; of the
 * Jaccard index, 0, 0, 1/3, 1/3, 1 over 1, 1, 1/2, 1/2, 0, the deviations from
 * 1/3 and 3/5 have the sums of products -2/3, 2/3 and 7/10.
 */
START_TEST(correlations_have_their_closed_forms)
{
    const double ln2 = log(2);
    struct table t;
    write_study(true);
    read_named(&t, "overlap_correlation.csv");
    ck_assert_uint_eq(t.rows, 9 * L);
    for (size_t i = 0; i < 9; i++) { // all divergences of layer 0 are 0
        const bool point = strcmp(table_text(&t, i, "pairs"), "high-high") == 0;
        ck_cell(&t, i, "pearson_r", NAN);
        ck_cell(&t, i, "slope", point ? NAN : 0);
    }
    ck_fit(&t, 9, "jaccard", "all",
           (struct moe_fit){-sqrt(20. / 21), -ln2, 14. / 15 * ln2, 5});
    ck_fit(&t, 12, "overlap_coefficient", "all",
           (struct moe_fit){-1, -ln2, ln2, 5});
    ck_fit(&t, 13, "overlap_coefficient", "high-low",
           (struct moe_fit){-1, -ln2, ln2, 4});
    ck_fit(&t, 14, "overlap_coefficient", "high-high",
           (struct moe_fit){NAN, NAN, NAN, 1});
    ck_fit(&t, 15, "weighted_jaccard", "all",
           (struct moe_fit){-sqrt(20. / 21), -ln2, 14. / 15 * ln2, 5});
    table_free(&t);
    write_study(false); // without groups ca-nl counts too
    read_named(&t, "overlap_correlation.csv");
    ck_assert_uint_eq(t.rows, 3 * L);
    ck_fit(&t, 4, "overlap_coefficient", "all",
           (struct moe_fit){-1, -ln2, ln2, 6});
    table_free(&t);
}
END_TEST

/* ---- Parallel text ------------------------------------------------------- */

/* The pivot, a language and a task, as shares of K = 2 choices. */
static const double active[3][E] = {
    {.8, .8, .2, .2}, {.3, .6, .9, .2}, {.8, .4, .4, .4}};

static void
write_parallel(double tau)
{
    static const char *const name[3] = {"en", "ca", "math"};
    struct moe_err err = {0};
    struct parallel p[3];
    for (int i = 0; i < 3; i++) {
        ck_ok(&err, parallel_init(&err, &p[i], name[i], i == 2, 1, E, K));
        p[i].n = 10;
        for (int e = 0; e < E; e++)
            p[i].activation[e] = 10 * active[i][e];
    }
    ck_ok(&err, parallel_write(&err, p, 3, 0, tau, support_dir()));
    for (int i = 0; i < 3; i++)
        parallel_free(&p[i]);
}

START_TEST(differences_sum_to_zero_and_are_cut_at_tau)
{
    struct table t;
    double sum[3] = {0};
    write_parallel(0.3);
    read_named(&t, "delta.csv");
    ck_assert_uint_eq(t.rows, 3 * E);
    for (size_t i = 0; i < t.rows; i++) {
        const double delta = active[i / E][i % E] - active[0][i % E];
        ck_cell(&t, i, "activation", active[i / E][i % E]);
        ck_cell(&t, i, "delta", i < E ? NAN : delta);
        sum[i / E] += i < E ? 0 : table_number(&t, i, "delta");
    }
    ck_assert_double_eq_tol(sum[1], 0, 1e-12);
    ck_assert_double_eq_tol(sum[2], 0, 1e-12);
    table_free(&t);
    read_named(&t, "task_experts.csv");
    ck_assert_uint_eq(t.rows, 1); // 2 of ca, .7 above; 2 and 3 of math are not
    ck_assert_str_eq(table_text(&t, 0, "language"), "ca");
    ck_cell(&t, 0, "expert", 2);
    table_free(&t);
}
END_TEST

/* Above the threshold: 2 of ca up to 0.65; 2 and 3 of math up to 0.15. */
START_TEST(the_sweep_counts_task_languages_and_both)
{
    struct table t;
    write_parallel(0.3);
    read_named(&t, "tau_sweep.csv");
    ck_assert_uint_eq(t.rows, 19);
    for (size_t i = 0; i < t.rows; i++) {
        const double tau = 0.05 * (double)(i + 1);
        ck_cell(&t, i, "tau", tau);
        ck_cell(&t, i, "task_experts", tau < 0.19 ? 2 : 0);
        ck_cell(&t, i, "multilingual_experts", tau < 0.69 ? 1 : 0);
        ck_cell(&t, i, "both", tau < 0.19 ? 1 : 0);
    }
    table_free(&t);
}
END_TEST

/* ---- Lists that were trained --------------------------------------------- */

enum { PUBLISHED = 64, SHARED = 5 };

/* Study A's shared experts of layers 15 and 14, in order; its languages'
 * explicit experts and the five shared ones that they were trained with. */
static const int32_t ranking[2][10] = {{57, 0, 43, 36, 31, 58, 60, 6, 1, -1},
                                       {39, 13, 7, 27, 47, 19, 26, 8, 43, 46}};
static const struct {
    const char *name;
    struct {
        const char *own;
        int32_t shared[SHARED];
    } layer[2];
} trained[] = {{"ca",
                {{"6,8,63,7,49,58", {57, 0, 43, 36, 31}},
                 {"46,0,27,7,19,47", {39, 13, 26, 8, 43}}}},
               {"et",
                {{"41,12,36,0,43,31", {57, 58, 60, 6, 1}},
                 {"27,7,19,47,40,50,39", {13, 26, 8, 43, 46}}}},
               {"mr",
                {{"33,50,14,45,34,32,40,4", {57, 0, 43, 36, 31}},
                 {"9,4,11,42,55,21,35", {39, 13, 7, 27, 47}}}},
               {"sk",
                {{"1,60,30,38,26", {57, 0, 43, 36, 31}},
                 {"25,26,3,27,7,19", {39, 13, 47, 8, 43}}}},
               {"uk",
                {{"57,53,17,1,43,31", {0, 36, 58, 60, 6}},
                 {"13,36,28,59,33,17", {39, 7, 27, 47, 19}}}},
               {"ur",
                {{"44,24,29,22,3,9", {57, 0, 43, 36, 31}},
                 {"58,24,52,51,61", {39, 13, 7, 27, 47}}}}};
enum { TRAINED = sizeof trained / sizeof *trained };

static void
write_explicit(const char *path)
{
    char text[4096];
    int n = snprintf(text, sizeof text, "{");
    for (int i = 0; i < TRAINED; i++)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "%s\"%s\": {\"seft\": {\"0\": [%s], \"1\": [%s]}}",
                      i ? "," : "", trained[i].name, trained[i].layer[0].own,
                      trained[i].layer[1].own);
    n += snprintf(text + n, sizeof text - (size_t)n, "}");
    support_write(path, text, (size_t)n);
}

/* One language whose counts have the published order. */
static void
plant_ranking(struct moe_routing *r)
{
    struct moe_err err = {0};
    struct moe_routing_language *p;
    ck_ok(&err, moe_routing_init(&err, r, 2, PUBLISHED, 8));
    ck_ok(&err, moe_routing_add(&err, r, "en", &p));
    p->tokens = 1000;
    for (int l = 0; l < 2; l++)
        for (int e = 0; e < PUBLISHED; e++) {
            p->count[l * PUBLISHED + e] = 1;
            for (int k = 0; k < 10; k++)
                if (ranking[l][k] == e)
                    p->count[l * PUBLISHED + e] = (uint64_t)(100 - k);
        }
}

START_TEST(the_lists_that_were_trained_come_back)
{
    static const char *const high[] = {"en"};
    static const int64_t layer[] = {0, 1};
    struct moe_err err = {0};
    struct moe_routing r;
    struct moe_parent low[TRAINED];
    char *path = str_copy(support_path("explicit.json"));
    const char *out = support_path("experts.json");
    for (int i = 0; i < TRAINED; i++)
        low[i] = (struct moe_parent){trained[i].name, "en"};
    const struct moe_selection s = {.layer = layer,
                                    .layers = 2,
                                    .high = high,
                                    .n_high = 1,
                                    .low = low,
                                    .n_low = TRAINED,
                                    .distinct = true,
                                    .rule = MOE_RULE_EXPLICIT,
                                    .file = path};
    write_explicit(path);
    plant_ranking(&r);
    ck_ok(&err, moe_selection_write(&err, &r, &s, out));
    for (int i = 0; i < TRAINED; i++) {
        struct moe_experts x;
        ck_ok(&err, moe_experts_read(&err, &x, out, trained[i].name, "ssft_k5",
                                     2, PUBLISHED));
        for (int l = 0; l < 2; l++)
            ck_assert_mem_eq(x.layer[l].expert + x.layer[l].n - SHARED,
                             trained[i].layer[l].shared,
                             sizeof trained[i].layer[l].shared);
        moe_experts_free(&x);
    }
    moe_routing_free(&r);
    free(path);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("results");
    TCase *t = tcase_create("results");
    tcase_add_test(t, layers_have_their_closed_forms);
    tcase_add_test(t, correlations_have_their_closed_forms);
    tcase_add_test(t, differences_sum_to_zero_and_are_cut_at_tau);
    tcase_add_test(t, the_sweep_counts_task_languages_and_both);
    tcase_add_test(t, the_lists_that_were_trained_come_back);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
