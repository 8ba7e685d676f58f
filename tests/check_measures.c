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

START_TEST(divergence_in_closed_form)
{
    double uniform[E], a[] = {1, 0, 0, 0}, b[] = {0, 1, 0, 0},
                       left[] = {1, 1, 0, 0}, right[] = {0, 0, 1, 1};
    for (int e = 0; e < E; e++)
        uniform[e] = 1;
    // The mean of two halves is uniform: nothing lies further apart.
    ck_assert_double_eq_tol(moe_divergence(left, right, 4), 1, 1e-15);
    ck_assert(moe_divergence(left, right, 4) <= 1);
    // Two single experts of four: ln 2 of ln 4.
    ck_assert_double_eq_tol(moe_divergence(a, b, 4), 0.5, 1e-15);
    ck_assert_double_eq(moe_divergence(a, a, 4), 0);
    ck_assert(isnan(moe_divergence(uniform, uniform, E)));
    ck_assert(isnan(moe_divergence(a, (double[]){0, 0, 0, 0}, 4)));
}
END_TEST

START_TEST(divergence_is_a_share_and_symmetric)
{
    double w[E], v[E], p[E], q[E];
    for (uint64_t seed = 0; seed < 50; seed++) {
        fill(w, E, seed, 2 + (int)seed % 5);
        fill(v, E, seed + 500, 3);
        normalise(p, w, E);
        normalise(q, v, E);
        double d = moe_divergence(w, v, E), kl = 0;
        ck_assert(d == moe_divergence(v, w, E));
        ck_assert(d >= 0 && d <= 1);
        for (int e = 0; e < E; e++) {
            double m = (p[e] + q[e]) / 2;
            kl += p[e] > 0 ? p[e] * log2(p[e] / m) : 0;
            kl += q[e] > 0 ? q[e] * log2(q[e] / m) : 0;
        }
        double most = log2(E) - (plain_entropy(p, E) + plain_entropy(q, E)) /
                                    2 / log(2.0);
        ck_assert_double_eq_tol(d, kl / 2 / most, 1e-12);
    }
}
END_TEST

START_TEST(consistency_in_closed_form)
{
    struct moe_err err = {0};
    struct moe_consistency c;
    // Sets {0,1} {1,0} {1,99} {2,3}: neighbours 1, 1/3, 0.
    const int32_t idx[] = {0, 1, 1, 0, 1, 99, 2, 3};
    ck_ok(&err, moe_consistency(&err, &c, idx, 4, 2, 100));
    ck_assert_double_eq_tol(c.adjacent, (1 + 1.0 / 3) / 3, 1e-15);
    ck_assert_double_eq_tol(c.all, (1 + 2.0 / 3) / 6, 1e-15);
    ck_ok(&err, moe_consistency(&err, &c, idx, 1, 2, 100));
    ck_assert(isnan(c.all) && isnan(c.adjacent));
    ck_fails(&err, moe_consistency(&err, &c, idx, 4, 2, 99), MOE_EINVAL,
             "token 2 has expert 99");
    ck_assert(isnan(c.all));
}
END_TEST

START_TEST(activation_in_closed_form)
{
    const int32_t idx[] = {0, 1, 1, 0, 1, 3, 2, 3};
    double a[4];
    moe_activation(a, idx, 4, 2, 4);
    ck_assert_double_eq(a[0], 0.5);
    ck_assert_double_eq(a[1], 0.75);
    ck_assert_double_eq(a[2], 0.25);
    ck_assert_double_eq(a[3], 0.5);
    moe_activation(a, idx, 0, 2, 4);
    ck_assert(isnan(a[0]));
}
END_TEST

START_TEST(overlap_in_closed_form)
{
    // {0,1,2} and {2,3}; frequencies of 2: 1/4 and 1/2.
    const uint64_t a[] = {2, 1, 1, 0, 0}, b[] = {0, 0, 3, 3, 0}, none[5] = {0};
    struct moe_overlap o = moe_vocabulary_overlap(a, b, 5);
    ck_assert_double_eq(o.jaccard, 0.25);
    ck_assert_double_eq(o.coefficient, 0.5);
    ck_assert_double_eq_tol(o.weighted, 0.25 / 1.75, 1e-15);
    o = moe_vocabulary_overlap(a, a, 5);
    ck_assert_double_eq(o.jaccard, 1);
    ck_assert_double_eq(o.coefficient, 1);
    ck_assert_double_eq(o.weighted, 1);
    o = moe_vocabulary_overlap(a, none, 5);
    ck_assert(isnan(o.jaccard) && isnan(o.coefficient) && isnan(o.weighted));
}
END_TEST

START_TEST(a_line_through_points)
{
    const double x[] = {1, 2, 3, 4}, y[] = {7, 5, 3, 1}, z[] = {1, 3, 2, 4},
                 flat[] = {2, 2, 2, 2};
    struct moe_fit f = moe_linear_fit(x, y, 4);
    ck_assert_double_eq_tol(f.r, -1, 1e-15);
    ck_assert_double_eq_tol(f.slope, -2, 1e-15);
    ck_assert_double_eq_tol(f.intercept, 9, 1e-14);
    ck_assert_int_eq(f.n, 4);
    f = moe_linear_fit(x, z, 4);
    ck_assert_double_eq_tol(f.r, 0.8, 1e-15);
    ck_assert_double_eq_tol(f.slope, 0.8, 1e-15);
    ck_assert_double_eq_tol(f.intercept, 0.5, 1e-15);
    f = moe_linear_fit(x, flat, 4);
    ck_assert(isnan(f.r) && f.slope == 0 && f.intercept == 2);
    f = moe_linear_fit(flat, x, 4);
    ck_assert(isnan(f.r) && isnan(f.slope) && isnan(f.intercept));
    ck_assert(isnan(moe_linear_fit(x, y, 1).slope));
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
    tcase_add_test(t, divergence_in_closed_form);
    tcase_add_test(t, divergence_is_a_share_and_symmetric);
    tcase_add_test(t, consistency_in_closed_form);
    tcase_add_test(t, activation_in_closed_form);
    tcase_add_test(t, overlap_in_closed_form);
    tcase_add_test(t, a_line_through_points);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
