/*
 * chart.c - curves over layers, or over steps.
 */
#include "config.h"

#include "report/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { WIDTH = 480, HEIGHT = 300, TOP = 12, LONGEST_NAME = 32 };

struct series *
chart_series(struct chart *c, const char *name, size_t n)
{
    struct series *grown =
        mem_grow(c->series, &c->cap, c->n + 1, sizeof *grown);
    const int i = (int)(c->n - c->quiet);
    if (grown)
        c->series = grown;
    double *x = mem_zero(n, sizeof *x), *y = mem_zero(n, sizeof *y);
    if (!grown || !x || !y) {
        free(x);
        free(y);
        c->failed = true;
        return NULL;
    }
    struct series *s = &c->series[c->n++];
    *s = (struct series){.x = x,
                         .y = y,
                         .n = n,
                         .ink = ink_series(i),
                         .dash = i / INK_SERIES_N % DASHES,
                         .mark = 1 + i % MARKS_PLAIN,
                         .width = 1.8};
    label_cut(s->name, name, LONGEST_NAME);
    for (size_t k = 0; k < n; k++) {
        x[k] = (double)k;
        y[k] = NAN;
    }
    return s;
}

struct series *
chart_quiet(struct chart *c, const char *name, size_t n)
{
    struct series *s = chart_series(c, name, n);
    if (s) {
        s->quiet = true;
        s->ink = INK_AXIS;
        s->width = 0.5;
        s->dash = DASH_SOLID;
        s->mark = MARK_NONE;
        c->quiet++;
    }
    return s;
}

void
chart_free(struct chart *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->series[i].x);
        free(c->series[i].y);
    }
    free(c->series);
    *c = (struct chart){0};
}

/* The last value that is there, or n. */
static size_t
last_of(const struct series *s)
{
    size_t i = s->n;
    while (i > 0 && !isfinite(s->y[i - 1]))
        i--;
    return i ? i - 1 : s->n;
}

bool
chart_has_data(const struct chart *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (last_of(&c->series[i]) < c->series[i].n)
            return true;
    return false;
}

static bool
is_named(const struct series *s)
{
    return !s->quiet && last_of(s) < s->n;
}

/* The ranges of all data. */
static void
find_ranges(const struct chart *c, struct axis *x, struct axis *y)
{
    x->lo = y->lo = INFINITY;
    x->hi = y->hi = -INFINITY;
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < c->series[i].n; k++) {
            x->lo = fmin(x->lo, c->series[i].x[k]);
            x->hi = fmax(x->hi, c->series[i].x[k]);
            if (!isfinite(c->series[i].y[k]))
                continue;
            y->lo = fmin(y->lo, c->series[i].y[k]);
            y->hi = fmax(y->hi, c->series[i].y[k]);
        }
    if (c->zero)
        y->lo = fmin(y->lo, 0);
    if (c->signed_y) {
        y->lo = -1;
        y->hi = 1;
    }
    axis_round(&y->lo, &y->hi, 6);
    if (!(x->hi > x->lo)) { // one layer stands in the middle
        x->lo -= 0.5;
        x->hi += 0.5;
    }
}

struct naming {
    size_t n;
    double size, widest;
    bool legend;
};

static struct naming
plan_names(struct figure *f, const struct chart *c)
{
    struct naming names = {0};
    for (size_t i = 0; i < c->n; i++)
        names.n += is_named(&c->series[i]);
    names.size = names.n > 16 ? 9 : 11;
    for (size_t i = 0; i < c->n; i++)
        if (is_named(&c->series[i]))
            names.widest =
                fmax(names.widest,
                     figure_width(
                         f, (struct words){.size = names.size, .bold = true},
                         c->series[i].name));
    const double share = c->wide_label > 0 ? c->wide_label : 0.26;
    names.legend = names.widest > share * f->w;
    return names;
}

static double
draw_legend(struct figure *f, const struct chart *c, size_t names, bool draw)
{
    struct legend_item *item = mem_zero(names, sizeof *item);
    size_t n = 0;
    double height = 0;
    f->failed |= !item;
    for (size_t i = 0; item && i < c->n; i++) {
        const struct series *s = &c->series[i];
        if (is_named(s))
            item[n++] = (struct legend_item){s->name, s->ink, s->dash, s->mark,
                                             s->width};
    }
    if (item)
        height = legend(f, item, n, 12, TOP, f->w - 24, draw);
    free(item);
    return height;
}

static void
draw_series(struct figure *f, const struct frame *frame, const struct chart *c,
            const struct series *s)
{
    struct point *at = mem_zero(s->n, sizeof *at);
    f->failed |= !at;
    for (size_t i = 0; at && i < s->n; i++)
        at[i] = (struct point){axis_at(&frame->x, s->x[i]),
                               axis_at(&frame->y, s->y[i])};
    if (at)
        figure_path(f, (struct stroke){s->ink, s->width, s->dash}, at, s->n);
    const size_t every = s->n / 24 + 1;
    for (size_t i = 0; at && !c->steps && i < s->n; i++) {
        const bool alone = (i == 0 || !isfinite(s->y[i - 1])) &&
                           (i + 1 == s->n || !isfinite(s->y[i + 1]));
        if (!isfinite(s->y[i]) || (!alone && (s->quiet || i % every)))
            continue;
        char tip[LABEL_BYTES + 64];
        snprintf(tip, sizeof tip, "%s, layer %g: %.4g", s->name, s->x[i],
                 s->y[i]);
        figure_mark(f, s->mark ? s->mark : MARK_CIRCLE, s->ink,
                    s->quiet ? 3 : 6, at[i], tip);
    }
    free(at);
}

/* Names beside the ends of their curves, with a line to those that moved. */
static void
draw_names(struct figure *f, const struct frame *frame, const struct chart *c,
           const struct naming *names)
{
    const struct box p = frame->plot;
    double *at = mem_zero(names->n, sizeof *at);
    size_t *order = mem_zero(names->n, sizeof *order), n = 0;
    f->failed |= !at || !order;
    for (size_t i = 0; at && i < c->n; i++) {
        const struct series *s = &c->series[i];
        if (is_named(s))
            at[n++] = axis_at(&frame->y, s->y[last_of(s)]);
    }
    if (at && order)
        labels_spread(at, order, n, 1.12 * names->size, p.y, p.y + p.h);
    n = 0;
    for (size_t i = 0; at && order && i < c->n; i++) {
        const struct series *s = &c->series[i];
        if (!is_named(s))
            continue;
        const double x = axis_at(&frame->x, s->x[last_of(s)]);
        const double y = axis_at(&frame->y, s->y[last_of(s)]);
        figure_path(f, (struct stroke){INK_AXIS, 0.5, DASH_SOLID},
                    (struct point[]){{x + 5, y},
                                     {p.x + p.w + 6, y},
                                     {p.x + p.w + 16, at[n]}},
                    3);
        figure_text(f, (struct words){.size = names->size, .ink = s->ink},
                    p.x + p.w + 19, at[n], s->name);
        n++;
    }
    free(at);
    free(order);
}

void
chart_draw(struct figure *f, const struct chart *c, const char *title)
{
    struct frame frame = {
        .x_title = c->x_title, .y_title = c->y_title, .whole_x = !c->steps};
    figure_begin(f, c->width > 0 ? c->width : WIDTH, HEIGHT, title);
    f->failed |= c->failed;
    find_ranges(c, &frame.x, &frame.y);
    const struct naming names = plan_names(f, c);
    double above = TOP, right = 14;
    if (names.legend)
        above += draw_legend(f, c, names.n, true);
    else if (names.n)
        right = names.widest + 26;
    const double rows =
        names.legend ? 0 : 1.12 * names.size * (double)(names.n + 1);
    const double height = fmax(HEIGHT - TOP - FRAME_BELOW, rows);
    frame.plot = (struct box){0, above, f->w, height};
    const double left = frame_y_width(f, &frame) + 20;
    frame.plot.x = left;
    frame.plot.w = f->w - left - right;
    f->h = above + height + FRAME_BELOW;
    frame.x.from = left + 8;
    frame.x.to = left + frame.plot.w - 8;
    frame.y.from = above + height;
    frame.y.to = above;
    frame_draw(f, &frame);
    if (frame.y.lo < 0 && frame.y.hi > 0)
        figure_line(f, (struct stroke){INK_AXIS, 1, DASH_SHORT}, left,
                    axis_at(&frame.y, 0), left + frame.plot.w,
                    axis_at(&frame.y, 0));
    for (int quiet = 1; quiet >= 0; quiet--) // quiet ones lie below
        for (size_t i = 0; i < c->n; i++)
            if (c->series[i].quiet == quiet)
                draw_series(f, &frame, c, &c->series[i]);
    if (!names.legend)
        draw_names(f, &frame, c, &names);
}
