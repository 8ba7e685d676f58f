/*
 * bars.c - values of named rows as horizontal bars.
 */
#include "config.h"

#include "report/bars.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { WIDTH = 480, NAME = 24, BAR = 11, ROW_GAP = 6, TOP = 12, VALUE = 40 };

static const struct words name_words = {.size = 10, .across = 1};
static const struct words value_words = {.size = 9, .ink = INK_MUTED};

static double
value_at(const struct bars *b, size_t row, size_t set)
{
    return b->value[row * b->sets + set];
}

static double
error_at(const struct bars *b, size_t row, size_t set)
{
    const double e = b->error ? b->error[row * b->sets + set] : NAN;
    return isfinite(e) ? e : 0;
}

static void
find_range(const struct bars *b, struct axis *x)
{
    x->lo = 0;
    x->hi = isfinite(b->chance) ? b->chance : 0;
    for (size_t r = 0; r < b->rows; r++)
        for (size_t s = 0; s < b->sets; s++) {
            const double v = value_at(b, r, s), e = error_at(b, r, s);
            if (!isfinite(v))
                continue;
            x->hi = fmax(x->hi, v + e);
            x->lo = fmin(x->lo, v - e < 0 && v < 0 ? v - e : 0);
        }
    axis_round(&x->lo, &x->hi, 6);
}

static double
names_width(struct figure *f, const struct bars *b)
{
    char text[LABEL_BYTES];
    double widest = 0;
    for (size_t r = 0; r < b->rows; r++) {
        label_cut(text, b->row_name[r], NAME);
        widest = fmax(widest, figure_width(f, name_words, text));
    }
    return widest;
}

static double
draw_sets(struct figure *f, const struct bars *b)
{
    struct legend_item *item = mem_zero(b->sets, sizeof *item);
    char(*name)[LABEL_BYTES] = mem_zero(b->sets, sizeof *name);
    double height = 0;
    f->failed |= !item || !name;
    for (size_t s = 0; item && name && s < b->sets; s++) {
        label_cut(name[s], b->set_name[s], NAME + 8);
        item[s] = (struct legend_item){name[s], ink_series((int)s), DASH_SOLID,
                                       MARK_SQUARE, 0};
    }
    if (item && name)
        height = legend(f, item, b->sets, 12, TOP, f->w - 24, true);
    free(item);
    free(name);
    return height;
}

static void
draw_bar(struct figure *f, const struct bars *b, const struct axis *x,
         size_t row, size_t set, double y)
{
    const double v = value_at(b, row, set), e = error_at(b, row, set);
    const double zero = axis_at(x, 0);
    const struct stroke stroke = {INK_TEXT, 1, DASH_SOLID};
    char text[LABEL_BYTES + 64];
    if (!isfinite(v)) {
        figure_text(f, value_words, zero + 4, y, "missing");
        return;
    }
    const double end = axis_at(x, v);
    snprintf(text, sizeof text, "%.4g", v);
    figure_box(f, (struct stroke){0}, ink_series((int)set),
               (struct box){fmin(zero, end), y - BAR / 2.0 + 1,
                            fabs(end - zero), BAR - 2},
               text);
    if (e > 0)
        figure_line(f, stroke, axis_at(x, v - e), y, axis_at(x, v + e), y);
    snprintf(text, sizeof text, "%.3f", v);
    figure_text(f, value_words, fmax(zero, axis_at(x, v + e)) + 4, y, text);
}

void
bars_draw(struct figure *f, const struct bars *b, const char *title)
{
    struct frame frame = {.x_title = b->x_title};
    char name[LABEL_BYTES];
    figure_begin(f, WIDTH, 0, title);
    const double above = TOP + (b->sets > 1 ? draw_sets(f, b) : 0);
    const double row = BAR * (double)b->sets + ROW_GAP;
    const double left = names_width(f, b) + 14;
    frame.plot =
        (struct box){left, above, f->w - left - VALUE, row * (double)b->rows};
    f->h = above + frame.plot.h + FRAME_BELOW;
    find_range(b, &frame.x);
    frame.x.from = left;
    frame.x.to = left + frame.plot.w;
    frame_draw_x(f, &frame);
    for (size_t r = 0; r < b->rows; r++) {
        const double y = above + row * (double)r + ROW_GAP / 2.0 + BAR / 2.0;
        label_cut(name, b->row_name[r], NAME);
        figure_text(f, name_words, left - 6,
                    y + BAR * ((double)b->sets - 1) / 2, name);
        for (size_t s = 0; s < b->sets; s++)
            draw_bar(f, b, &frame.x, r, s, y + BAR * (double)s);
    }
    if (isfinite(b->chance))
        figure_line(f, (struct stroke){INK_TEXT, 1, DASH_SHORT},
                    axis_at(&frame.x, b->chance), above,
                    axis_at(&frame.x, b->chance), above + frame.plot.h);
}
