/*
 * heat.c - a matrix as coloured cells.
 */
#include "config.h"

#include "report/heat.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 480, NAME = 24, BAR = 120, BAR_STEPS = 24, GAP = 6 };

/* Cells up to which each has a tip; colours of a larger matrix. */
enum { SMALL = 1000, LEVELS = 100 };

static const struct words label = {.size = 10, .ink = INK_TEXT};
static const struct words value_words = {.size = 8, .across = 0.5};
static const struct words quiet_words = {.size = 10, .ink = INK_MUTED};

/* Where the cells stand. */
struct grid_place {
    double x, y, w, h; // of the first cell
    double names;      // depth of the column names
    bool up;           // column names read upwards
    size_t every_row, every_column;
};

static void
name_of(char out[LABEL_BYTES], const char *const *names, size_t i)
{
    if (names)
        label_cut(out, names[i], NAME);
    else
        snprintf(out, LABEL_BYTES, "%zu", i);
}

static double
widest_name(struct figure *f, const char *const *names, size_t n)
{
    char text[LABEL_BYTES];
    double widest = 0;
    for (size_t i = names || !n ? 0 : n - 1; i < n; i++) {
        name_of(text, names, i);
        widest = fmax(widest, figure_width(f, label, text));
    }
    return widest;
}

/* Numbers are left out where there is no room; names never are. */
static size_t
round_stride(double needed)
{
    static const size_t strides[] = {1, 2, 4, 5, 8, 10, 16, 20, 32, 50, 64};
    size_t i = 0;
    while (i + 1 < sizeof strides / sizeof *strides &&
           (double)strides[i] < needed)
        i++;
    return strides[i];
}

static struct grid_place
place(struct figure *f, const struct heat *h)
{
    struct grid_place g;
    const double row_names = widest_name(f, h->row_name, h->rows);
    const double column_names = widest_name(f, h->column_name, h->columns);
    double least = h->values ? figure_width(f, value_words, "0.00") + 3 : 5;
    if (h->column_name)
        least = fmax(least, 12.5);
    g.x = row_names + 12 + (h->row_title ? 18 : 0);
    g.y = 34 + (h->marked ? 16 : 0);
    g.w = h->cell_w > 0 ? h->cell_w
                        : fmin(34, (WIDTH - g.x - 12) / (double)h->columns);
    g.w = fmax(g.w, least);
    g.h = h->cell_h > 0 ? h->cell_h : fmin(g.w, 26);
    if (h->row_name)
        g.h = fmax(g.h, 12.5);
    g.up = h->column_name && column_names + 3 > g.w;
    g.every_row = h->row_name ? 1 : round_stride(12 / g.h);
    g.every_column =
        h->column_name ? 1 : round_stride((column_names + 5) / g.w);
    g.names = g.up ? column_names + 10 : 18;
    return g;
}

/* The colour of t in [0, 1] of the scale. */
static int
colour(const struct heat *h, double t)
{
    return h->balanced ? ink_balance(2 * t - 1) : ink_scale(t);
}

/* The scale as a bar with its two ends, and the mark's meaning. */
static void
draw_scale(struct figure *f, const struct heat *h, double x)
{
    const double y = 8, step = BAR / (double)BAR_STEPS;
    char lo[32], hi[32];
    snprintf(lo, sizeof lo, "%s%.3g", h->lo < 0 ? "\u2212" : "", fabs(h->lo));
    snprintf(hi, sizeof hi, "%.3g", h->hi);
    figure_text(f, quiet_words, x, y + 5, lo);
    const double bar = x + figure_width(f, quiet_words, lo) + 5;
    for (int i = 0; i < BAR_STEPS; i++)
        figure_box(f, (struct stroke){0}, colour(h, (i + 0.5) / BAR_STEPS),
                   (struct box){bar + i * step, y, step + 0.3, 10}, NULL);
    figure_text(f, quiet_words, bar + BAR + 5, y + 5, hi);
    figure_text(f, label, bar + BAR + 5 + figure_width(f, quiet_words, hi) + 10,
                y + 5, h->scale_title);
    if (!h->marked)
        return;
    figure_box(f, (struct stroke){0}, colour(h, 0.9),
               (struct box){x, y + 15, 12, 12}, NULL);
    figure_mark(f, MARK_DIAMOND, ink_on(colour(h, 0.9)), 9,
                (struct point){x + 6, y + 21}, NULL);
    figure_text(f, label, x + 18, y + 21, h->mark_title);
}

/* Where the cell of a row and a column stands. */
static struct box
cell_box(const struct grid_place *g, size_t r, size_t c)
{
    return (struct box){g->x + g->w * (double)c, g->y + g->h * (double)r, g->w,
                        g->h};
}

static double
share_of(const struct heat *h, size_t r, size_t c)
{
    return (h->value[r * h->columns + c] - h->lo) / (h->hi - h->lo);
}

static bool
is_drawn(const struct heat *h, size_t r, size_t c)
{
    return !h->lower || c < r;
}

/* A cell of a small matrix has an edge and a tip. */
static void
draw_cell(struct figure *f, const struct heat *h, const struct grid_place *g,
          size_t r, size_t c)
{
    const double v = h->value[r * h->columns + c];
    char row[LABEL_BYTES], column[LABEL_BYTES], tip[2 * LABEL_BYTES + 40];
    name_of(row, h->row_name, r);
    name_of(column, h->column_name, c);
    if (isnan(v))
        snprintf(tip, sizeof tip, "%s, %s: missing", row, column);
    else
        snprintf(tip, sizeof tip, "%s, %s: %.4g", row, column, v);
    figure_box(f,
               (struct stroke){INK_PAPER, g->w < 10 ? 0.25 : 0.75, DASH_SOLID},
               colour(h, share_of(h, r, c)), cell_box(g, r, c), tip);
}

/* Cells of a large one are drawn colour by colour, in steps too small to
 * see, so that each colour is one path in the file. */
static void
draw_levels(struct figure *f, const struct heat *h, const struct grid_place *g)
{
    for (int level = -1; level <= LEVELS; level++)
        for (size_t r = 0; r < h->rows; r++)
            for (size_t c = 0; c < h->columns; c++) {
                const double t = share_of(h, r, c);
                const int at =
                    isnan(t) ? -1 : (int)lround(LEVELS * fmin(fmax(t, 0), 1));
                struct box box = cell_box(g, r, c);
                box.w -= 0.4; // the gap that an edge would be
                box.h -= 0.4;
                if (at == level && is_drawn(h, r, c))
                    figure_box(f, (struct stroke){0},
                               at < 0 ? INK_VOID
                                      : colour(h, at / (double)LEVELS),
                               box, NULL);
            }
}

static void
draw_inside(struct figure *f, const struct heat *h, const struct grid_place *g,
            size_t r, size_t c)
{
    const double v = h->value[r * h->columns + c];
    const struct box box = cell_box(g, r, c);
    const struct point middle = {box.x + box.w / 2, box.y + box.h / 2};
    struct words words = value_words;
    char text[32];
    words.ink = isnan(v) ? INK_MUTED : ink_on(colour(h, share_of(h, r, c)));
    snprintf(text, sizeof text, "%.2f", v);
    if (h->values)
        figure_text(f, words, middle.x, middle.y, isnan(v) ? "\u2013" : text);
    if (h->marked && h->marked[r * h->columns + c])
        figure_mark(f, MARK_DIAMOND, words.ink, fmin(10, 0.85 * g->w), middle,
                    NULL);
}

static void
draw_cells(struct figure *f, const struct heat *h, const struct grid_place *g)
{
    const bool small = h->rows * h->columns <= SMALL;
    if (!small)
        draw_levels(f, h, g);
    for (size_t r = 0; r < h->rows; r++)
        for (size_t c = 0; c < h->columns; c++) {
            if (!is_drawn(h, r, c))
                continue;
            if (small)
                draw_cell(f, h, g, r, c);
            draw_inside(f, h, g, r, c);
        }
}

static void
draw_names(struct figure *f, const struct heat *h, const struct grid_place *g)
{
    char text[LABEL_BYTES];
    struct words words = label;
    words.across = 1;
    for (size_t r = 0; r < h->rows; r += g->every_row) {
        name_of(text, h->row_name, r);
        figure_text(f, words, g->x - 6, g->y + g->h * ((double)r + 0.5), text);
    }
    words.up = g->up;
    words.across = g->up ? 1 : 0.5;
    const double y = g->y + g->h * (double)h->rows + (g->up ? 6 : 11);
    for (size_t c = 0; c < h->columns; c += g->every_column) {
        name_of(text, h->column_name, c);
        figure_text(f, words, g->x + g->w * ((double)c + 0.5), y, text);
    }
}

static void
draw_titles(struct figure *f, const struct heat *h, const struct grid_place *g)
{
    struct words words = {.size = 11, .across = 0.5};
    const double w = g->w * (double)h->columns, rows = g->h * (double)h->rows;
    if (h->column_title)
        figure_text(f, words, g->x + w / 2, g->y + rows + g->names + 8,
                    h->column_title);
    words.up = true;
    if (h->row_title)
        figure_text(f, words, 9, g->y + rows / 2, h->row_title);
}

void
heat_draw(struct figure *f, const struct heat *h, const char *title)
{
    figure_begin(f, WIDTH, 0, title);
    const struct grid_place g = place(f, h);
    const double left = h->row_title ? 18 : 0;
    f->w = fmax(WIDTH, g.x + g.w * (double)h->columns + 12);
    f->h = g.y + g.h * (double)h->rows + g.names + (h->column_title ? 18 : 4);
    draw_scale(f, h, left + GAP);
    draw_cells(f, h, &g);
    draw_names(f, h, &g);
    draw_titles(f, h, &g);
}
