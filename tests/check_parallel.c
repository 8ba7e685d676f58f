/*
 * check_parallel.c - measures over sequences and the rules of selection on
 * planted data, and an analysis with parallel text from its spec to its tables.
 *
 * Claims: each measure has its closed form; a job that was stopped between two
 * languages ends with the same bytes; text that is not parallel and scores that
 * are no numbers are refused in one line.
 */
#include "config.h"

#include "tests/jobs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <polymoe/routing.h>

#include "base/str.h"
#include "routing/parallel.h"
#include "routing/usage.h"

enum { E = 4, K = 2 };

/* ---- Planted sequences --------------------------------------------------- */

START_TEST(sequences_have_their_closed_forms)
{
    // Three tokens, all of {0, 1}; two tokens of {0, 1} and {2, 3}.
    static const uint64_t same[E] = {3, 3, 0, 0}, split[E] = {1, 1, 1, 1};
    static const int32_t alike[2 * (K + 1)] = {0, 0, 3, 0, 0, 2};
    static const int32_t apart[2 * (K + 1)] = {1, 0, 0, 1, 0, 0};
    static const double half[E] = {1.5, 1.5, 0, 0}, other[E] = {0, 0, 1, 1};
    static const double flat[E] = {.5, .5, .5, .5};
    struct moe_err err = {0};
    struct parallel p;
    ck_ok(&err, parallel_init(&err, &p, "xx", false, 1, E, K));
    parallel_add(&p, 3, same, half, alike, 2 * (K + 1), other);
    ck_assert_double_eq_tol(p.divergence[0], 1, 1e-12); // disjoint halves
    ck_assert_double_eq_tol(p.all[0], 1, 1e-12);
    ck_assert_double_eq_tol(p.adjacent[0], 1, 1e-12);
    ck_assert_double_eq_tol(p.entropy[0], log(2), 1e-12);
    parallel_add(&p, 2, split, half, apart, 2 * (K + 1), half);
    ck_assert_double_eq_tol(p.divergence[0], 1, 1e-12); // equal adds 0
    ck_assert_double_eq_tol(p.all[0], 1, 1e-12);        // nothing in common
    ck_assert_int_eq(p.defined[0], 2);
    ck_assert_double_eq_tol(p.activation[0], 1.5, 1e-12);
    ck_assert_double_eq_tol(p.activation[2], 0.5, 1e-12);
    parallel_add(&p, 1, same, flat, apart, 2 * (K + 1), flat);
    ck_assert_int_eq(p.defined[0], 2); // both uniform: undefined
    ck_assert_int_eq(p.pairs, 2);      // one token has no pair
    ck_assert_int_eq(p.n, 3);
    parallel_free(&p);
}
END_TEST

START_TEST(sums_come_back_from_json)
{
    static const uint64_t count[E] = {1, 0, 0, 1};
    static const double sum[E] = {.7, .1, .1, .1};
    struct moe_err err = {0};
    struct parallel p, q;
    ck_ok(&err, parallel_init(&err, &p, "xx", false, 1, E, K));
    ck_ok(&err, parallel_init(&err, &q, "xx", false, 1, E, K));
    parallel_add(&p, 3, count, sum, NULL, 0, sum);
    json_t *packed = parallel_pack(&p);
    ck_ok(&err, parallel_unpack(&err, &q, packed, "p"));
    ck_assert_mem_eq(p.activation, q.activation, E * sizeof *p.activation);
    ck_assert_double_eq(p.entropy[0], q.entropy[0]);
    ck_assert_int_eq(q.n, 1);
    json_object_del(packed, "entropy");
    ck_fails(&err, parallel_unpack(&err, &q, packed, "p"), MOE_EFORMAT,
             "not the sums of xx");
    json_decref(packed);
    parallel_free(&p);
    parallel_free(&q);
}
END_TEST

/* Id 1 goes to expert 2 in 9 of 12, id 2 always to 0, id 0 is rare. */
START_TEST(ids_belong_to_their_most_frequent_expert)
{
    static const int32_t count[3 * E] = {1, 1, 0, 0, 3, 0, 9, 0, 20, 0, 0, 0};
    static const int32_t id[] = {0, 1, 2};
    const struct usage_shape shape = {1, E, K, 3, 1, false, false};
    struct moe_err err = {0};
    struct usage u;
    ck_ok(&err, usage_init(&err, &u, &shape));
    usage_see(&u, id, 3);
    ck_ok(&err, usage_tokens(&err, &u, 0, 0, count));
    const struct usage_layer *l = &u.layer[0];
    ck_assert_int_eq(l->ids, 3);
    ck_assert_double_eq_tol(l->specialization, (.5 + .75 + 1) / 3, 1e-12);
    ck_assert_uint_eq(l->n, 2);
    ck_assert_int_eq(l->token[0].token, 2);
    ck_assert_int_eq(l->token[1].expert, 2);
    ck_assert_uint_eq(l->token[1].of, 12);
    usage_free(&u);
}
END_TEST

START_TEST(rules_have_their_closed_forms)
{
    static const double w[3 * E] = {6, 2, 1, 1, 2, 6, 1, 1, 2, 2, 3, 3};
    struct moe_err err = {0};
    bool own[3 * E];
    int32_t list[E];
    // Expert 0: .6 against a mean of .2; expert 2: .3 against .1.
    ck_ok(&err, moe_select_by_mean_gap(&err, own, w, 3, E, 0.2));
    static const bool want[3 * E] = {1, 0, 0, 0, 0, 1};
    for (int i = 0; i < 2 * E + 2; i++)
        ck_assert_int_eq(own[i], want[i]);
    ck_assert_int_eq(moe_select_top(list, w, E, 2), 2);
    ck_assert_int_eq(list[0], 0);
    ck_assert_int_eq(list[1], 1);
    ck_assert_int_eq(moe_select_top(list, w, E, 9), E);
    ck_assert_int_eq(moe_select_share(list, w, E, 0.6), 1);
    ck_assert_int_eq(moe_select_share(list, w, E, 0.61), 2);
    ck_assert_int_eq(moe_select_share(list, w, E, 1), E);
    ck_assert_int_eq(moe_select_share(list, w, E, 0), 0);
    ck_fails(&err, moe_select_by_mean_gap(&err, own, w, 1, E, 0), MOE_EINVAL,
             "at least 2");
}
END_TEST

/* ---- Jobs ---------------------------------------------------------------- */

static const char *
sample(void)
{
    const char *dir = getenv("POLYMOE_SAMPLE");
    ck_assert_ptr_nonnull(dir);
    return dir;
}

static char *
spec_of(const char *more)
{
    return str_format("kind: analyze\nmodel: model\nwindow: 32\n"
                      "max_tokens: 128\nbatch_tokens: 64\nmax_sequences: 5\n"
                      "data: {en: parallel/en.txt, ca: parallel/ca.txt}\n%s",
                      more);
}

/* The sample text and more fields; to the end, or until so many tokens. */
static int
run(struct moe_err *err, const char *more, const char *out, uint64_t until)
{
    struct jobs_watch w = {.phase = until ? "collect" : NULL, .done = until};
    const struct job_sink sink = jobs_stop(&w);
    char *text = spec_of(more);
    int rc = jobs_run(err, text, sample(), out, &sink);
    free(text);
    return rc;
}

#define PARALLEL                                                               \
    "parallel: {en: parallel/en.txt, ca: parallel/ca.txt, es: "                \
    "parallel/es.txt}\ntasks: {again: parallel/en.txt}\n"

START_TEST(a_stopped_job_ends_with_the_same_bytes)
{
    struct moe_err err = {0};
    char more[700];
    snprintf(more, sizeof more, PARALLEL "against: model\n");
    ck_ok(&err, run(&err, more, "straight", 0));
    // In the text of ca, and among the sequences of ca.
    ck_fails(&err, run(&err, more, "halted", 192), MOE_ECANCEL, "stopped");
    ck_fails(&err, run(&err, more, "halted", 480), MOE_ECANCEL, "stopped");
    ck_ok(&err, run(&err, more, "halted", 0));
    jobs_same_results("straight", "halted");
    // A model agrees with itself.
    char *saturation = jobs_read("straight", "results/saturation.csv", NULL);
    ck_assert_ptr_nonnull(strstr(saturation, "en,0,128,1\n"));
    free(saturation);
}
END_TEST

START_TEST(damaged_sums_are_named_and_counted_again)
{
    struct moe_err err = {0};
    ck_ok(&err, run(&err, PARALLEL, "whole", 0));
    ck_fails(&err, run(&err, PARALLEL, "broken", 480), MOE_ECANCEL, "stopped");
    jobs_damage("broken", "checkpoints/parallel-000.json", false);
    ck_ok(&err, run(&err, PARALLEL, "broken", 0));
    jobs_same_results("whole", "broken");
    char *log = jobs_read("broken", "log.txt", NULL);
    ck_assert_ptr_nonnull(strstr(log, "parallel-000.json: damaged: its "
                                      "checksum is not that of its content; "
                                      "en is counted again"));
    free(log);
}
END_TEST

static void
refuses(const char *more, int code, const char *part)
{
    char *text = spec_of(more);
    jobs_refuse(text, sample(), code, part);
    free(text);
}

START_TEST(bad_inputs_are_refused)
{
    static const char nan[] = "language,score\nca,0.5\nes,nan\n";
    static const char two[] = "one\ntwo\n";
    char more[900];
    support_write(support_path("nan.csv"), nan, sizeof nan - 1);
    support_write(support_path("two.txt"), two, sizeof two - 1);
    snprintf(more, sizeof more, PARALLEL "scores: \"%s\"\n",
             support_path("nan.csv"));
    refuses(more, MOE_EFORMAT,
            "nan.csv:3: the score of es is 'nan', want a finite number");
    snprintf(more, sizeof more, "parallel: {en: parallel/en.txt, ca: \"%s\"}\n",
             support_path("two.txt"));
    refuses(more, MOE_EFORMAT, "parallel: ca has 2 lines, en has");
    refuses("parallel: {ca: parallel/ca.txt}\n", MOE_EINVAL,
            "parallel: no text in en, the pivot");
    refuses("tasks: {math: parallel/en.txt}\n", MOE_EINVAL,
            "tasks: parallel is missing");
    refuses("parents: {nl: fr}\n", MOE_EINVAL,
            "nl takes the experts of fr, which is not one of");
    refuses("high: [fr]\n", MOE_EINVAL, "high: no language fr");
    refuses("select: {layers: [99]}\n", MOE_EINVAL, "select.layers: '99'");
    refuses("select: {rule: explicit}\n", MOE_EINVAL,
            "select.experts: missing");
}
END_TEST

START_TEST(scores_are_correlated_layer_by_layer)
{
    static const char scores[] =
        "task,language,metric,value,stderr,n\nx,ca,acc,0.5,0,9\n"
        "x,es,acc,0.25,0,9\nx,ca,ties,1,,9\nx,es,ties,0,,9\n";
    struct moe_err err = {0};
    char more[900];
    support_write(support_path("evaluation.csv"), scores, sizeof scores - 1);
    snprintf(more, sizeof more,
             PARALLEL "scores: \"%s\"\nhigh: [en, ca]\nparents: {nl: en}\n",
             support_path("evaluation.csv"));
    ck_ok(&err, run(&err, more, "scores", 0));
    char *table = jobs_read("scores", "results/score_correlation.csv", NULL);
    // Two points lie on a line.
    ck_assert(strstr(table, "x acc,0,1,") || strstr(table, "x acc,0,-1,"));
    ck_assert_ptr_null(strstr(table, "ties")); // a count
    free(table);
    char *experts = jobs_read("scores", "results/experts.json", NULL);
    ck_assert_ptr_nonnull(strstr(experts, "\"ssft_k5\""));
    free(experts);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("parallel");
    TCase *t = tcase_create("planted");
    tcase_add_test(t, sequences_have_their_closed_forms);
    tcase_add_test(t, sums_come_back_from_json);
    tcase_add_test(t, ids_belong_to_their_most_frequent_expert);
    tcase_add_test(t, rules_have_their_closed_forms);
    suite_add_tcase(s, t);
    t = tcase_create("jobs");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, a_stopped_job_ends_with_the_same_bytes);
    tcase_add_test(t, damaged_sums_are_named_and_counted_again);
    tcase_add_test(t, bad_inputs_are_refused);
    tcase_add_test(t, scores_are_correlated_layer_by_layer);
    suite_add_tcase(s, t);
    return support_main(s, 1);
}
