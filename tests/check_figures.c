/*
 * check_figures.c - figures of every size: no label meets another, none
 * leaves its figure, and colours carry what they should.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planted.h"
#include "report/axes.h"
#include "report/gallery.h"
#include "support.h"

/* ---- Labels ----------------------------------------------------------------
 */

static void
look_at(const struct exhibit *x, int64_t n, int64_t L)
{
    const struct figure *f = &x->figure;
    for (size_t i = 0; i < f->n; i++) {
        const struct shape *a = &f->shape[i];
        if (a->kind != SHAPE_TEXT)
            continue;
        ck_assert_msg(a->box.x >= -1 && a->box.y >= -1 &&
                          a->box.x + a->box.w <= f->w + 1 &&
                          a->box.y + a->box.h <= f->h + 1,
                      "%s (%d languages, %d layers): '%s' leaves the figure: "
                      "%g %g %g %g of %g %g",
                      x->name, (int)n, (int)L, a->text, a->box.x, a->box.y,
                      a->box.w, a->box.h, f->w, f->h);
        for (size_t k = i + 1; k < f->n; k++)
            if (f->shape[k].kind == SHAPE_TEXT &&
                box_meets(a->box, f->shape[k].box))
                ck_abort_msg("%s (%d languages, %d layers): '%s' meets '%s'",
                             x->name, (int)n, (int)L, a->text,
                             f->shape[k].text);
    }
}

static const int64_t languages[] = {2, 7, 14, 60};

START_TEST(no_label_meets_another)
{
    static const int64_t layers[] = {4, 16, 64};
    const struct planted p = {
        .n = languages[_i % 4], .L = layers[_i / 4], .E = _i % 4 ? 16 : 64};
    struct moe_err err = {0};
    struct folder folder;
    struct gallery g;
    planted_write(support_dir(), &p);
    ck_ok(&err, folder_read(&err, &folder, support_dir()));
    const struct report r = {.run = &folder, .runs = 1, .title = "planted"};
    ck_ok(&err, gallery_draw(&err, &g, &r));
    size_t drawn = 0;
    for (size_t i = 0; i < g.n; i++) {
        if (!g.exhibit[i].reason)
            look_at(&g.exhibit[i], p.n, p.L);
        drawn += !g.exhibit[i].reason;
    }
    ck_assert_uint_ge(drawn, 23);
    gallery_free(&g);
    folder_free(&folder);
}
END_TEST

START_TEST(labels_spread_as_little_as_they_must)
{
    double at[] = {50, 10, 52, 51, 90};
    size_t order[5];
    labels_spread(at, order, 5, 10, 0, 100);
    ck_assert_double_eq(at[1], 10); // far from others: where it was
    ck_assert_double_eq(at[4], 90);
    ck_assert_double_eq_tol(at[3], 51, 1e-9); // the middle of three
    ck_assert_double_eq_tol(at[0], 41, 1e-9);
    ck_assert_double_eq_tol(at[2], 61, 1e-9);
    ck_assert_uint_eq(order[0], 1);
    double low[] = {99, 99, 99};
    labels_spread(low, order, 3, 10, 0, 100); // pushed back from the edge
    ck_assert_double_eq_tol(low[order[2]], 100, 1e-9);
    ck_assert_double_eq_tol(low[order[0]], 80, 1e-9);
}
END_TEST

START_TEST(a_long_or_hostile_name_is_cut_and_clean)
{
    char out[LABEL_BYTES];
    label_cut(out, "a\033[31mb\n", 10);
    ck_assert_str_eq(out, "a\uFFFD[31mb\uFFFD");
    label_cut(out, "ÄÖÜäöü", 4);
    ck_assert_str_eq(out, "ÄÖÜ\u2026");
    label_cut(out, "abcd", 4);
    ck_assert_str_eq(out, "abcd");
    label_cut(out, "x\xff", 4);
    ck_assert_str_eq(out, "x\uFFFD");
}
END_TEST

/* ---- Axes -------------------------------------------------------------------
 */

START_TEST(ticks_are_round)
{
    double tick[AXIS_TICKS];
    char text[32];
    ck_assert_int_eq(axis_ticks(tick, 0, 0.28, 6, false), 3);
    ck_assert_double_eq_tol(tick[1], 0.1, 1e-12);
    ck_assert_int_eq(axis_ticks(tick, 0, 3, 16, true), 4); // no half layer
    ck_assert_int_eq(axis_ticks(tick, 5, 5, 6, false), 1);
    axis_tick_text(text, -0.5, 0.5);
    ck_assert_str_eq(text, "\u22120.5");
    double lo = NAN, hi = NAN;
    axis_round(&lo, &hi, 6);
    ck_assert(hi > lo);
    lo = hi = 3;
    axis_round(&lo, &hi, 6);
    ck_assert(lo < 3 && hi > 3);
}
END_TEST

/* ---- Colours
 * ------------------------------------------------------------------ */

static double
grey(int rgb)
{
    return 1 / ink_contrast(rgb & 0xffffff, 0); // falls as it gets lighter
}

START_TEST(the_scale_darkens_all_the_way)
{
    for (int i = 0; i < 100; i++)
        ck_assert_msg(grey(ink_scale(i / 100.0)) <
                          grey(ink_scale((i + 1) / 100.0)),
                      "from %d to %d", i, i + 1);
    for (int i = 0; i < 100; i++)
        for (int side = -1; side < 2; side += 2)
            ck_assert(grey(ink_balance(side * i / 100.0)) <
                      grey(ink_balance(side * (i + 1) / 100.0)));
    ck_assert_int_eq(ink_balance(NAN), INK_VOID);
    ck_assert_int_ne(ink_balance(-1), ink_balance(1));
    ck_assert_int_eq(ink_scale(NAN), INK_VOID);
    ck_assert_int_eq(ink_scale(-1), ink_scale(0));
    ck_assert_int_eq(ink_scale(2), ink_scale(1));
}
END_TEST

START_TEST(text_and_lines_stand_out)
{
    for (int dark = 0; dark < 2; dark++) {
        const int paper = ink_rgb(INK_PAPER, dark);
        ck_assert_double_ge(ink_contrast(ink_rgb(INK_TEXT, dark), paper), 7);
        ck_assert_double_ge(ink_contrast(ink_rgb(INK_MUTED, dark), paper), 4.5);
        for (int i = 0; i < INK_SERIES_N; i++)
            ck_assert_double_ge(
                ink_contrast(ink_rgb(ink_series(i), dark), paper), 3);
    }
    for (int i = 0; i <= 200; i++) { // values on cells
        const int cell =
            i % 2 ? ink_scale(i / 200.0) : ink_balance(i / 100.0 - 1);
        ck_assert_double_ge(
            ink_contrast(cell & 0xffffff, ink_on(cell) & 0xffffff), 4.5);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("figures");
    TCase *t = tcase_create("figures");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, no_label_meets_another, 0, 12);
    tcase_add_test(t, labels_spread_as_little_as_they_must);
    tcase_add_test(t, a_long_or_hostile_name_is_cut_and_clean);
    tcase_add_test(t, ticks_are_round);
    tcase_add_test(t, the_scale_darkens_all_the_way);
    tcase_add_test(t, text_and_lines_stand_out);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
