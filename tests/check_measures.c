/*
 * check_measures.c - routing measures: values in closed form, and agreement
 * with formulas of another shape.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>

#include <polymoe/routing.h>

#include "base/rng.h"

enum { E = 64 };

static double
ln2(void)
{
    return log(2.0);
}

/* n random weights in [0,1), every `hole`-th one 0. */
static void
fill(double *w, int n, uint64_t seed, int hole)
{
    for (int i = 0; i < n; i++)
        w[i] = hole && i % hole == 0 ? 0 : rng_uniform(seed, 0, (uint64_t)i);
}

static double
plain_entropy(const double *p, int n)
{
    double h = 0;
    for (int i = 0; i < n; i++)
        h += p[i] > 0 ? p[i] * log(1 / p[i]) : 0;
    return h;
}

static void
normalise(double *p, const double *w, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += w[i];
    for (int i = 0; i < n; i++)
        p[i] = w[i] / sum;
}

START_TEST(entropy_in_closed_form)
{
    double w[E];
    for (int n = 1; n <= E; n++) {
        for (int e = 0; e < n; e++)
            w[e] = 7;
        ck_assert_double_eq_tol(moe_entropy(w, n), log(n), 1e-14);
    }
    double one[] = {0, 0, 5, 0};
    ck_assert_double_eq(moe_entropy(one, 4), 0);
    ck_assert(!signbit(moe_entropy(one, 4)));
    // 1/2, 1/4, 1/4
    ck_assert_double_eq_tol(moe_entropy((double[]){2, 1, 0, 1}, 4), 1.5 * ln2(),
                            1e-15);
}
END_TEST

START_TEST(jsd_in_closed_form)
{
    double p[E], q[E];
    fill(p, E, 1, 3);
    for (int e = 0; e < E; e++)
        q[e] = 2.5 * p[e];
    ck_assert_double_eq_tol(moe_jsd(p, q, E), 0, 1e-15);
    ck_assert_double_eq(moe_jsd(p, p, E), 0);

    // Disjoint supports are as far apart as it gets.
    double left[] = {3, 1, 0, 0}, right[] = {0, 0, 1, 9};
    ck_assert_double_eq_tol(moe_jsd(left, right, 4), ln2(), 1e-15);

    // (1,0) against (1/2,1/2): m = (3/4,1/4).
    double a[] = {1, 0}, b[] = {1, 1};
    double want = (log(4.0 / 3) + 0.5 * log(2.0 / 3) + 0.5 * log(2.0)) / 2;
    ck_assert_double_eq_tol(moe_jsd(a, b, 2), want, 1e-15);
}
END_TEST

START_TEST(jsd_is_a_symmetric_bounded_divergence)
{
    double w[E], v[E], p[E], q[E], m[E];
    for (uint64_t seed = 0; seed < 50; seed++) {
        fill(w, E, seed, 2 + (int)seed % 5);
        fill(v, E, seed + 1000, 2 + (int)seed % 4);
        double d = moe_jsd(w, v, E);
        ck_assert(d == moe_jsd(v, w, E));
        ck_assert(d >= 0 && d <= ln2());
        normalise(p, w, E);
        normalise(q, v, E);
        for (int e = 0; e < E; e++)
            m[e] = (p[e] + q[e]) / 2;
        double want = plain_entropy(m, E) -
                      (plain_entropy(p, E) + plain_entropy(q, E)) / 2;
        ck_assert_double_eq_tol(d, want, 1e-13);
    }
}
END_TEST

/* Mutual information over H(language), from the joint distribution. */
static double
plain_specialization(const double *w, int n, int experts)
{
    double total = 0, information = 0, row[8] = {0}, column[E] = {0};
    for (int i = 0; i < n; i++)
        for (int e = 0; e < experts; e++) {
            total += w[i * experts + e];
            row[i] += w[i * experts + e];
            column[e] += w[i * experts + e];
        }
    for (int i = 0; i < n; i++)
        for (int e = 0; e < experts; e++) {
            double x = w[i * experts + e];
            if (x > 0)
                information += x / total * log2(x * total / row[i] / column[e]);
        }
    double h = 0;
    for (int i = 0; i < n; i++)
        h -= row[i] > 0 ? row[i] / total * log2(row[i] / total) : 0;
    return information / h;
}

START_TEST(specialization_in_closed_form)
{
    // Identical languages, also with unequal token totals.
    double same[] = {1, 2, 3, 10, 20, 30};
    ck_assert_double_eq_tol(moe_specialization(same, 2, 3), 0, 1e-15);
    ck_assert(moe_specialization(same, 2, 3) >= 0);

    // Experts of their own, also with unequal token totals.
    double apart[] = {5, 1, 0, 0, 0, 0, 70, 0, 0, 0, 0, 3};
    ck_assert_double_eq_tol(moe_specialization(apart, 3, 4), 1, 1e-15);

    // Two languages, 3:1, that share one of two experts.
    double w[] = {3, 0, 0.5, 0.5};
    double h = -(0.75 * log(0.75) + 0.25 * log(0.25));
    double left = -(3 * log(3 / 3.5) + 0.5 * log(0.5 / 3.5)) / 4;
    ck_assert_double_eq_tol(moe_specialization(w, 2, 2), 1 - left / h, 1e-15);
}
END_TEST

START_TEST(specialization_is_information_over_entropy)
{
    double w[7 * E];
    for (uint64_t seed = 0; seed < 20; seed++) {
        fill(w, 7 * E, seed, 2 + (int)seed % 6);
        for (int e = 0; e < E; e++) // unequal totals
            w[3 * E + e] *= 1000;
        ck_assert_double_eq_tol(moe_specialization(w, 7, E),
                                plain_specialization(w, 7, E), 1e-12);
    }
}
END_TEST

START_TEST(undefined_is_nan)
{
    double zero[4] = {0}, bad[] = {1, -1, 2, 2}, nan[] = {1, NAN, 1, 1},
           inf[] = {1, INFINITY, 1, 1}, good[] = {1, 2, 3, 4};
    ck_assert(isnan(moe_entropy(zero, 4)));
    ck_assert(isnan(moe_entropy(bad, 4)));
    ck_assert(isnan(moe_entropy(nan, 4)));
    ck_assert(isnan(moe_entropy(inf, 4)));
    ck_assert(isnan(moe_jsd(zero, good, 4)));
    ck_assert(isnan(moe_jsd(good, zero, 4)));
    ck_assert(isnan(moe_jsd(good, nan, 4)));
    ck_assert(isnan(moe_specialization(good, 1, 4)));
    ck_assert(isnan(moe_specialization(zero, 2, 2)));
    double only[] = {1, 2, 0, 0};
    ck_assert(isnan(moe_specialization(only, 2, 2)));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("measures");
    TCase *t = tcase_create("measures");
    tcase_add_test(t, entropy_in_closed_form);
    tcase_add_test(t, jsd_in_closed_form);
    tcase_add_test(t, jsd_is_a_symmetric_bounded_divergence);
    tcase_add_test(t, specialization_in_closed_form);
    tcase_add_test(t, specialization_is_information_over_entropy);
    tcase_add_test(t, undefined_is_nan);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
