/*
 * labels.c - names that keep clear of each other, and legends.
 */
#include "config.h"

#include "report/axes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "report/paint.h"

static void
sort_by_place(size_t *order, const double *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = i;
        for (; k > 0 && at[order[k - 1]] > at[i]; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
}

/*
 * Labels that touch move as one block, whose place is the mean of what its
 * members want; blocks that meet then become one.  This is the least-squares
 * answer.
 */
void
labels_spread(double *at, size_t *order, size_t n, double gap, double lo,
              double hi)
{
    struct block {
        double sum, top; // of wanted places less their offset; first label
        size_t size;
    } *block = calloc(n ? n : 1, sizeof *block);
    size_t blocks = 0;
    sort_by_place(order, at, n);
    for (size_t i = 0; block && i < n; i++) {
        struct block b = {at[order[i]], 0, 1};
        for (;;) {
            const double room = hi - gap * (double)(b.size - 1);
            b.top = fmax(lo, fmin(b.sum / (double)b.size, room));
            if (!blocks)
                break;
            const struct block above = block[blocks - 1];
            const double end = above.top + gap * (double)above.size;
            if (b.top >= end)
                break;
            b.sum += above.sum - gap * (double)(above.size * b.size);
            b.size += above.size;
            blocks--;
        }
        block[blocks++] = b;
    }
    for (size_t b = 0, i = 0; b < blocks; b++)
        for (size_t k = 0; k < block[b].size; k++)
            at[order[i++]] = block[b].top + gap * (double)k;
    free(block);
}

void
label_cut(char out[LABEL_BYTES], const char *name, int most)
{
    int32_t point;
    paint_clean(out, LABEL_BYTES - 4, name);
    char *p = out, *last = out;
    for (int i = 0; *p; i++) {
        if (i == most) {
            strcpy(last, "\u2026");
            return;
        }
        last = p;
        p += abs(utf8_get(p, strlen(p), &point));
    }
}

enum { SAMPLE = 24, AFTER_SAMPLE = 5, BETWEEN = 16, ROW = 16 };

static void
draw_sample(struct figure *f, const struct legend_item *item, double x,
            double y)
{
    if (item->width > 0)
        figure_line(f, (struct stroke){item->ink, item->width, item->dash}, x,
                    y, x + SAMPLE, y);
    figure_mark(f, item->mark, item->ink, 7,
                (struct point){x + SAMPLE / 2.0, y}, NULL);
    figure_text(f, (struct words){.size = 10}, x + SAMPLE + AFTER_SAMPLE, y,
                item->name);
}

double
legend(struct figure *f, const struct legend_item *item, size_t n, double x,
       double y, double width, bool draw)
{
    double at = x, row = y;
    for (size_t i = 0; i < n; i++) {
        const double w =
            SAMPLE + AFTER_SAMPLE +
            figure_width(f, (struct words){.size = 10}, item[i].name);
        if (at > x && at + w > x + width) {
            at = x;
            row += ROW;
        }
        if (draw)
            draw_sample(f, &item[i], at, row);
        at += w + BETWEEN;
    }
    return n ? row - y + ROW : 0;
}
