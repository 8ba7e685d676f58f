/*
 * check_adapted.c - what adaptations bought, from folders made by hand: the
 * best learning rate, pairs of runs, and what is said of them.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "report/adapted.h"
#include "support.h"

/* One job of kind adapt. */
struct job {
    const char *language, *strategy, *extra; // extra: further lines of the spec
    double lr;
    int seed;
    double parameters, nll;
    const char *status; // NULL: done
    double test;        // loss of the text to test on; 0: none
};

static void
put(const char *dir, const char *name, const struct str *text)
{
    char *path = str_path(dir, name);
    support_write(path, text->s, text->n);
    free(path);
}

static void
plant(const char *dir, const struct job *j)
{
    struct moe_err err = {0};
    struct str spec = {0}, record = {0}, heldout = {0}, test = {0};
    char *results = str_path(dir, "results");
    ck_ok(&err, fs_mkdirs(&err, results, 0777));
    str_printf(&spec,
               "kind: adapt\nname: %s-%d\nmodel: /base\ndata:\n  %s: [/x]\n"
               "seed: %d\noptimizer.lr: %g\nadapt.strategy: %s\n"
               "adapt.language: %s\nadapt.shared: 5\nmax_steps: 60\n%s",
               j->language, j->seed, j->language, j->seed, j->lr, j->strategy,
               j->language, j->extra ? j->extra : "");
    str_printf(&record,
               "{\"status\": \"%s\", \"inputs\": [{\"role\": \"data\", "
               "\"language\": \"%s\"}, {\"role\": \"heldout\", \"language\": "
               "\"en\"}], \"trained\": {\"parameters\": %g, \"share\": 0.01}}",
               j->status ? j->status : "done", j->language, j->parameters);
    str_printf(&heldout,
               "step,language,tokens,nll\n0,en,9,1\n0,%s,9,4\n60,en,9,7\n"
               "60,%s,9,%.9g\n",
               j->language, j->language, j->nll);
    put(dir, "spec.yaml", &spec);
    put(dir, "run.json", &record);
    put(results, "heldout.csv", &heldout);
    if (j->test > 0) {
        str_printf(&test, "step,language,tokens,nll\n0,%s,9,5\n60,%s,9,%.9g\n",
                   j->language, j->language, j->test);
        put(results, "test.csv", &test);
    }
    free(results);
    str_free(&spec);
    str_free(&record);
    str_free(&heldout);
    str_free(&test);
}

struct planted_jobs {
    struct folder folder[64];
    size_t n;
    struct adapted a;
};

static void
find(struct planted_jobs *p, const struct job *jobs, size_t n)
{
    struct moe_err err = {0};
    for (p->n = 0; p->n < n; p->n++) {
        char *name = str_format("job%zu", p->n), *dir;
        dir = str_copy(support_path(name));
        plant(dir, &jobs[p->n]);
        ck_ok(&err, folder_read(&err, &p->folder[p->n], dir));
        free(name);
        free(dir);
    }
    ck_ok(&err, adapted_find(&err, &p->a, p->folder, n));
}

static void
lose(struct planted_jobs *p)
{
    adapted_free(&p->a);
    for (size_t i = 0; i < p->n; i++)
        folder_free(&p->folder[i]);
}

static void
says(const struct adapted *a, size_t test, const char *part)
{
    struct str words = {0};
    ck_assert_uint_lt(test, a->tests);
    adapted_words(&words, a, &a->test[test]);
    ck_assert_msg(strstr(words.s, part) != NULL, "'%s' is not in: %s", part,
                  words.s);
    str_free(&words);
}

START_TEST(the_distribution_is_student_s)
{
    /* Tables of the distribution. */
    static const double quantile[] = {12.7062047, 4.3026527, 3.1824463,
                                      2.7764451,  2.5705818, 2.4469119,
                                      2.3646243};
    for (size_t i = 0; i < 7; i++) {
        const double t = student_two_sided(0.05, i + 1);
        ck_assert_double_eq_tol(t, quantile[i], 1e-6);
        ck_assert_double_eq_tol(student_below(t, i + 1), 0.975, 1e-12);
        ck_assert_double_eq_tol(student_below(-t, i + 1), 0.025, 1e-12);
    }
    ck_assert_double_eq_tol(student_two_sided(0.05, 1000), 1.962339, 1e-6);
    ck_assert_double_eq_tol(student_below(1, 1), 0.75, 1e-12);
    ck_assert_double_nan(student_below(NAN, 3));
    const double x[] = {1, 2, 4, 5};
    const struct sample s = sample_of(x, 4);
    ck_assert_double_eq_tol(s.mean, 3, 1e-15);
    ck_assert_double_eq_tol(s.stderr_, sqrt(10.0 / 3 / 4), 1e-15);
    ck_assert_double_nan(sample_of(x, 1).stderr_);
}
END_TEST

START_TEST(the_best_rate_is_that_of_the_mean)
{
    static const struct job jobs[] = {
        {"ca", "ssft", NULL, 1e-3, 1, 100, 2.0, NULL, 0}, // best single run
        {"ca", "ssft", NULL, 1e-3, 2, 100, 2.6, NULL, 0},
        {"ca", "ssft", NULL, 4e-3, 1, 100, 2.1, NULL, 0},
        {"ca", "ssft", NULL, 4e-3, 2, 100, 2.2, NULL, 0},
        {"ca", "ssft", NULL, 1e-2, 1, 100, 9.0, NULL, 0},
        {"et", "ssft", NULL, 1e-3, 1, 100, 3.0, NULL, 0},
        {"et", "ssft", NULL, 4e-3, 1, 100, 2.5, NULL, 0},
        {"mr", "ssft", NULL, 4e-3, 1, 100, 1.5, NULL, 0},
        {"mr", "ssft", NULL, 1e-3, 1, 100, 0.5, "failed", 0}};
    struct planted_jobs p;
    find(&p, jobs, sizeof jobs / sizeof *jobs);
    ck_assert_uint_eq(p.a.runs, 8);
    ck_assert_uint_eq(p.a.settings, 1);
    ck_assert_str_eq(p.a.setting[0].label, "ssft");
    ck_assert_uint_eq(p.a.cells, 3);
    ck_assert_uint_eq(p.a.tests, 0);
    const struct adapted_cell *ca = adapted_cell(&p.a, "ca", 0);
    ck_assert_double_eq_tol(ca->lr, 4e-3, 1e-12);
    ck_assert_double_eq_tol(ca->nll, 2.15, 1e-9);
    ck_assert_double_eq_tol(ca->before, 4, 1e-9);
    ck_assert_double_eq_tol(ca->low, 2.1, 1e-9);
    ck_assert_double_eq_tol(ca->high, 2.2, 1e-9);
    ck_assert_uint_eq(ca->runs, 2);
    ck_assert_uint_eq(ca->rates, 3);
    ck_assert(!ca->edge);
    ck_assert(adapted_cell(&p.a, "et", 0)->edge);
    ck_assert(!adapted_cell(&p.a, "mr", 0)->edge); // the only one
    ck_assert_ptr_null(adapted_cell(&p.a, "fi", 0));
    lose(&p);
}
END_TEST

/* Three languages, two seeds: differences whose mean by language is 0.01,
 * 0.02 and 0.06, so the mean is 0.03, its error 0.0152753. */
static const struct job three[] = {
    {"ca", "ssft", NULL, 1e-3, 1, 160, 2.00, NULL, 0},
    {"ca", "ssft", NULL, 1e-3, 2, 160, 2.10, NULL, 0},
    {"et", "ssft", NULL, 1e-3, 1, 100, 3.02, NULL, 0},
    {"et", "ssft", NULL, 1e-3, 2, 100, 3.12, NULL, 0},
    {"mr", "ssft", NULL, 1e-3, 1, 100, 1.06, NULL, 0},
    {"mr", "ssft", NULL, 1e-3, 2, 100, 1.16, NULL, 0},
    {"mr", "ssft", NULL, 1e-3, 3, 100, 1.11, NULL, 0}, // has no partner
    {"ca", "final_layers", NULL, 4e-3, 1, 800, 2.01, NULL, 0},
    {"ca", "final_layers", NULL, 4e-3, 2, 800, 2.07, NULL, 0},
    {"et", "final_layers", NULL, 4e-3, 1, 800, 3.00, NULL, 0},
    {"et", "final_layers", NULL, 4e-3, 2, 800, 3.10, NULL, 0},
    {"mr", "final_layers", NULL, 4e-3, 1, 800, 1.00, NULL, 0},
    {"mr", "final_layers", NULL, 4e-3, 2, 800, 1.10, NULL, 0},
    {"uk", "final_layers", NULL, 4e-3, 2, 800, 1.10, NULL, 0}};

START_TEST(runs_of_a_seed_are_pairs)
{
    struct planted_jobs p;
    find(&p, three, sizeof three / sizeof *three);
    ck_assert_uint_eq(p.a.tests, 1);
    const struct adapted_test *t = &p.a.test[0];
    ck_assert_str_eq(p.a.setting[t->other].label, "final_layers");
    ck_assert_uint_eq(t->languages, 3);
    ck_assert_uint_eq(t->pairs, 6);
    ck_assert_uint_eq(t->within, 2); // e^0.06 is more than 1.05
    ck_assert(!t->by_run);
    ck_assert_double_eq_tol(t->most, 0.2, 1e-12);
    const double error = sqrt(0.0014 / 2 / 3);
    ck_assert_double_eq_tol(t->difference.mean, 0.03, 1e-9);
    ck_assert_double_eq_tol(t->difference.stderr_, error, 1e-9);
    ck_assert_double_eq_tol(t->high, 0.03 + 4.3026527 * error, 1e-7);
    /* Student's t with 2 degrees: 1/2 + t / (2 sqrt(2 + t^2)). */
    const double x = (0.03 - log(1.05)) / error, y = -0.03 / error;
    ck_assert_double_eq_tol(t->p_worse, 0.5 + x / 2 / sqrt(2 + x * x), 1e-9);
    ck_assert_double_eq_tol(t->p_equal, 1 + y / sqrt(2 + y * y), 1e-9);
    says(&p.a, 0,
         "ssft: held-out perplexity at most 5 % above that of final_layers in "
         "2 of 3 languages, with at most 20.0 % of its trained parameters.");
    says(
        &p.a, 0,
        "Mean difference +3.05 %, over 6 pairs of runs in 3 languages (paired");
    says(&p.a, 0, "Less than 5 % above: not shown (p = 0.17).");
    says(&p.a, 0, "A difference: not shown (p = 0.19).");
    const struct adapted_cell *mr = adapted_cell(&p.a, "mr", t->setting);
    ck_assert_double_eq_tol(adapted_above(&p.a, mr), 100 * (exp(0.06) - 1),
                            1e-6);
    ck_assert_double_nan(adapted_above(&p.a, adapted_cell(&p.a, "mr", 1)));
    lose(&p);
}
END_TEST

START_TEST(what_is_clear_is_said)
{
    struct job jobs[8];
    struct planted_jobs p;
    for (int i = 0; i < 8; i++)
        jobs[i] = (struct job){i % 4 < 2 ? "ca" : "et",
                               i < 4 ? "ssft" : "final_layers",
                               NULL,
                               1e-3,
                               i % 2,
                               i < 4 ? 10 : 100,
                               2 + (i < 4 ? 0.001 * i : 0),
                               NULL,
                               0};
    find(&p, jobs, 8);
    says(&p.a, 0, "in 2 of 2 languages, with at most 10.0 %");
    says(&p.a, 0, "Less than 5 % above: shown (p = 0.0");
    lose(&p);
    for (int i = 0; i < 4; i++)
        jobs[i].nll = 2.5 + 0.001 * i;
    find(&p, jobs, 8);
    says(&p.a, 0, "in 0 of 2 languages");
    says(&p.a, 0, "Less than 5 % above: not shown (p = 1).");
    says(&p.a, 0, "A difference: shown");
    lose(&p);
    find(&p, jobs + 3, 5); // et of one seed
    ck_assert_uint_eq(p.a.test[0].pairs, 1);
    says(&p.a, 0, "over 1 pair of runs; too few for a test.");
    lose(&p);
    find(&p, jobs + 2, 6); // et of two
    ck_assert(p.a.test[0].by_run);
    says(&p.a, 0, "over 2 pairs of runs (paired, Student's t of 2 pairs");
    lose(&p);
}
END_TEST

/* The rate of the lowest held-out loss is not that of the lowest test loss. */
START_TEST(a_rate_is_chosen_by_other_text)
{
    struct job jobs[] = {
        {"ca", "ssft", NULL, 1e-3, 1, 150, 2.00, NULL, 2.30},
        {"ca", "ssft", NULL, 4e-3, 1, 150, 2.10, NULL, 2.20},
        {"ca", "final_layers", NULL, 1e-3, 1, 800, 2.20, NULL, 2.10},
        {"ca", "final_layers", NULL, 4e-3, 1, 800, 2.00, NULL, 2.25},
        {"et", "ssft", NULL, 1e-3, 1, 100, 3.00, NULL, 3.30},
        {"et", "final_layers", NULL, 1e-3, 1, 800, 3.00, NULL, 3.30}};
    const size_t n = sizeof jobs / sizeof *jobs;
    struct planted_jobs p;
    find(&p, jobs, n);
    ck_assert(p.a.tested);
    const struct adapted_cell *ca = adapted_cell(&p.a, "ca", 0);
    ck_assert_double_eq_tol(ca->lr, 1e-3, 1e-12);
    ck_assert_double_eq_tol(ca->chosen_by, 2.00, 1e-9);
    ck_assert_double_eq_tol(ca->nll, 2.30, 1e-9);
    ck_assert_double_eq_tol(ca->before, 5, 1e-9);
    ck_assert_double_eq_tol(adapted_part(&p.a, ca), 150.0 / 800, 1e-12);
    ck_assert_double_eq_tol(adapted_above(&p.a, ca), 100 * (exp(0.05) - 1),
                            1e-6);
    ck_assert_ptr_eq(adapted_partner(&p.a, &p.a.run[0]), &p.a.run[3]);
    ck_assert_ptr_null(adapted_partner(&p.a, &p.a.run[1])); // not chosen
    ck_assert_ptr_null(adapted_partner(&p.a, &p.a.run[3])); // the reference
    says(&p.a, 0, "ssft: test perplexity at most 5 % above that of");
    says(&p.a, 0, "in 1 of 2 languages, with at most 18.8 % of");
    lose(&p);
    jobs[5].test = 0; // one without: all by the text that they have
    ck_assert_int_eq(remove(support_path("job5/results/test.csv")), 0);
    find(&p, jobs, n);
    ck_assert(!p.a.tested);
    ca = adapted_cell(&p.a, "ca", 0);
    ck_assert_double_eq_tol(ca->nll, 2.00, 1e-9);
    ck_assert_double_eq_tol(ca->before, 4, 1e-9);
    says(&p.a, 0, "ssft: held-out perplexity at most 5 % above that of");
    lose(&p);
}
END_TEST

START_TEST(settings_are_called_by_what_differs)
{
    static const struct job jobs[] = {
        {"ca", "ssft", "adapt.n: 20\n", 1e-3, 1, 10, 2, NULL, 0},
        {"ca", "ssft", "adapt.n: 7\n", 1e-3, 2, 10, 2, NULL, 0},
        {"ca", "ssft", "adapt.restrict: mask\n", 1e-3, 1, 10, 2, NULL, 0},
        {"ca", "top_n", "adapt.n: 20\n", 1e-3, 1, 10, 2, NULL, 0},
        {"ca", "top_n", "adapt.n: 7\n", 1e-3, 1, 300, 2, NULL, 0},
        {"ca", "aeft", "adapt.restrict: mask\n", 1e-3, 1, 200, 2, NULL, 0}};
    struct planted_jobs p;
    find(&p, jobs, sizeof jobs / sizeof *jobs);
    ck_assert_uint_eq(p.a.settings, 5);
    ck_assert_str_eq(p.a.setting[0].label, "ssft");
    ck_assert_str_eq(p.a.setting[1].label, "ssft restrict=mask");
    ck_assert_str_eq(p.a.setting[2].label, "top_n n=20");
    ck_assert_str_eq(p.a.setting[3].label, "top_n n=7");
    ck_assert_str_eq(p.a.setting[4].label, "aeft");
    ck_assert_uint_eq(p.a.other, 3); // trains most
    ck_assert_uint_eq(p.a.tests, 4);
    lose(&p);
}
END_TEST

START_TEST(others_are_no_adaptations)
{
    struct moe_err err = {0};
    struct folder f;
    struct adapted a;
    struct job job = {"ca", "ssft", NULL, 1e-3, 1, 10, NAN, NULL, 0};
    char *dir = str_copy(support_path("other"));
    plant(dir, &job); // held-out text without a number
    ck_ok(&err, folder_read(&err, &f, dir));
    ck_ok(&err, adapted_find(&err, &a, &f, 1));
    ck_assert_uint_eq(a.runs, 0);
    ck_assert_uint_eq(a.cells, 0);
    adapted_free(&a);
    ck_ok(&err, adapted_find(&err, &a, NULL, 0));
    ck_assert_uint_eq(a.tests, 0);
    adapted_free(&a);
    folder_free(&f);
    free(dir);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("adapted");
    TCase *t = tcase_create("adapted");
    tcase_add_test(t, the_distribution_is_student_s);
    tcase_add_test(t, the_best_rate_is_that_of_the_mean);
    tcase_add_test(t, runs_of_a_seed_are_pairs);
    tcase_add_test(t, what_is_clear_is_said);
    tcase_add_test(t, a_rate_is_chosen_by_other_text);
    tcase_add_test(t, settings_are_called_by_what_differs);
    tcase_add_test(t, others_are_no_adaptations);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
