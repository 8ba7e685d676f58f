/*
 * fig_overlap.c - divergence of two languages against the overlap of their
 * vocabularies in one layer, with the fitted lines and sister pairs starred
 * (study A, figure 6).
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/axes.h"
#include "report/gallery.h"
#include "report/summary.h"

enum { WIDTH = 480, HEIGHT = 380, TOP = 12, NAME = 14 };

struct scatter {
    const struct folder *f;
    size_t layer;
    struct frame frame;
    size_t starred, named;
};

static void
find_ranges(struct scatter *s)
{
    struct axis *x = &s->frame.x, *y = &s->frame.y;
    *x = (struct axis){.lo = 0, .hi = 0};
    *y = (struct axis){.lo = 0, .hi = 0};
    for (size_t a = 0; a < s->f->n; a++)
        for (size_t b = a + 1; b < s->f->n; b++) {
            if (!summary_is_pair(s->f, a, b))
                continue;
            x->hi = fmax(x->hi, folder_at(s->f, GRID_JACCARD, a, b, 0));
            y->hi = fmax(y->hi, folder_at(s->f, GRID_JSD, s->layer, a, b));
        }
    axis_round(&x->lo, &x->hi, 6);
    axis_round(&y->lo, &y->hi, 6);
}

static struct point
place(const struct scatter *s, size_t a, size_t b)
{
    return (struct point){
        axis_at(&s->frame.x, folder_at(s->f, GRID_JACCARD, a, b, 0)),
        axis_at(&s->frame.y, folder_at(s->f, GRID_JSD, s->layer, a, b))};
}

/* A name near its star where nothing of this sort stands, further out and with
 * a line to it where it is crowded. */
static bool
find_place(struct figure *f, const struct scatter *s, struct point at,
           const char *name, enum taken_by by, int rings)
{
    const struct words words = {.size = 10, .bold = true};
    const struct box p = s->frame.plot;
    const double w = figure_width(f, words, name);
    for (int ring = 0; ring < rings; ring++)
        for (int turn = 0; turn < 8; turn++) {
            const double angle = turn * 3.14159265358979 / 4 - 0.6;
            const double r = 9 + 9 * ring;
            const double x = at.x + r * cos(angle) + (cos(angle) < 0 ? -w : 0);
            const double y = at.y + r * sin(angle);
            const struct box box = figure_text_box(f, words, x, y, name);
            if (box.x < p.x || box.x + box.w > p.x + p.w || box.y < p.y ||
                box.y + box.h > p.y + p.h || figure_is_taken(f, box, by))
                continue;
            if (ring)
                figure_line(f, (struct stroke){INK_AXIS, 0.6, DASH_SOLID}, at.x,
                            at.y, cos(angle) < 0 ? x + w + 1 : x - 1, y);
            figure_text(f, words, x, y, name);
            return true;
        }
    return false;
}

/* Clear of every mark and line where that is near enough, else at least of
 * stars and texts; left out when there is no such place. */
static bool
name_star(struct figure *f, const struct scatter *s, struct point at,
          const char *name)
{
    return find_place(f, s, at, name, TAKEN_BY_ANY, 6) ||
           find_place(f, s, at, name, TAKEN_BY_TEXT, 12);
}

static void
draw_pair(struct figure *f, const struct scatter *s, size_t a, size_t b,
          bool star)
{
    const bool low = !(s->f->high[a] && s->f->high[b]);
    char tip[2 * LABEL_BYTES + 64];
    snprintf(tip, sizeof tip, "%.100s\u2013%.100s: overlap %.4g, JSD %.4g",
             s->f->language[a], s->f->language[b],
             folder_at(s->f, GRID_JACCARD, a, b, 0),
             folder_at(s->f, GRID_JSD, s->layer, a, b));
    figure_mark(f,
                star  ? MARK_STAR
                : low ? MARK_CIRCLE
                      : MARK_TRIANGLE,
                star  ? ink_series(1)
                : low ? ink_series(0)
                      : ink_series(2),
                star ? 13 : 6, place(s, a, b), tip);
}

static void
draw_pairs(struct figure *f, const struct scatter *s, bool stars)
{
    for (size_t a = 0; a < s->f->n; a++)
        for (size_t b = a + 1; b < s->f->n; b++)
            if (summary_is_pair(s->f, a, b) &&
                summary_are_sisters(s->f, a, b) == stars)
                draw_pair(f, s, a, b, stars);
}

static void
name_stars(struct figure *f, struct scatter *s)
{
    char name[2 * LABEL_BYTES + 8], one[LABEL_BYTES], two[LABEL_BYTES];
    for (size_t a = 0; a < s->f->n; a++)
        for (size_t b = a + 1; b < s->f->n; b++) {
            const struct point at = place(s, a, b);
            if (!summary_is_pair(s->f, a, b) ||
                !summary_are_sisters(s->f, a, b) || !isfinite(at.x + at.y))
                continue;
            label_cut(one, s->f->language[a], NAME);
            label_cut(two, s->f->language[b], NAME);
            snprintf(name, sizeof name, "%s\u2013%s", one, two);
            s->starred++;
            s->named += name_star(f, s, at, name);
        }
}

static void
draw_fit(struct figure *f, const struct scatter *s, struct moe_fit fit)
{
    const struct axis *x = &s->frame.x, *y = &s->frame.y;
    struct point end[2];
    if (!isfinite(fit.slope))
        return;
    for (int i = 0; i < 2; i++) { // cut where the line leaves the plot
        double at = i ? x->hi : x->lo;
        double v = fit.intercept + fit.slope * at;
        if ((v < y->lo || v > y->hi) && fit.slope != 0) {
            v = v < y->lo ? y->lo : y->hi;
            at = (v - fit.intercept) / fit.slope;
        }
        end[i] = (struct point){axis_at(x, at), axis_at(y, v)};
    }
    figure_path(f, (struct stroke){INK_TEXT, 1.5, DASH_LONG}, end, 2);
}

static double
draw_legend(struct figure *f, const struct folder *from)
{
    struct legend_item item[4];
    size_t n = 0;
    const int none = INK_NONE;
    if (from->grouped) {
        item[n++] = (struct legend_item){"high\u2013high", ink_series(2),
                                         DASH_SOLID, MARK_TRIANGLE, 0};
        item[n++] = (struct legend_item){"high\u2013low", ink_series(0),
                                         DASH_SOLID, MARK_CIRCLE, 0};
    } else {
        item[n++] = (struct legend_item){"pair of languages", ink_series(2),
                                         DASH_SOLID, MARK_TRIANGLE, 0};
    }
    item[n++] = (struct legend_item){"sister pair", ink_series(1), DASH_SOLID,
                                     MARK_STAR, none};
    item[n++] = (struct legend_item){"least squares", INK_TEXT, DASH_LONG,
                                     MARK_NONE, 1.5};
    return legend(f, item, n, 12, TOP, WIDTH - 24, true);
}

static void
draw(struct gallery *g, size_t run, size_t layer)
{
    struct scatter s = {.f = &g->report->run[run], .layer = layer};
    const struct moe_fit fit = summary_overlap(s.f, layer, GRID_JACCARD);
    char title[128], suffix[EXHIBIT_NAME], y_title[64];
    struct figure f;
    if (!folder_has(s.f, GRID_JSD))
        return;
    snprintf(title, sizeof title,
             "Divergence and vocabulary overlap, layer %zu", layer);
    snprintf(y_title, sizeof y_title, "JSD (nats), layer %zu", layer);
    figure_begin(&f, WIDTH, HEIGHT, title);
    const double above = TOP + draw_legend(&f, s.f);
    find_ranges(&s);
    s.frame.x_title = "vocabulary overlap (Jaccard index)";
    s.frame.y_title = y_title;
    s.frame.plot = (struct box){0, above, 0, HEIGHT - above - FRAME_BELOW};
    const double left = frame_y_width(&f, &s.frame) + 20;
    s.frame.plot.x = left;
    s.frame.plot.w = WIDTH - left - 14;
    s.frame.x.from = left;
    s.frame.x.to = left + s.frame.plot.w - 6;
    s.frame.y.from = above + s.frame.plot.h;
    s.frame.y.to = above;
    frame_draw(&f, &s.frame);
    draw_fit(&f, &s, fit);
    draw_pairs(&f, &s, false);
    draw_pairs(&f, &s, true);
    name_stars(&f, &s);
    figure_about(
        &f,
        "Each point is a pair of languages%s%s in layer %zu. Pearson "
        "r\u00a0=\u00a0%s%.2f over %lld pairs, slope %s%.3g. %zu sister "
        "pairs are starred%s.",
        g->report->runs > 1 ? ", of " : "",
        g->report->runs > 1 ? s.f->label : "", layer, fit.r < 0 ? "\u2212" : "",
        fabs(fit.r), (long long)fit.n, fit.slope < 0 ? "\u2212" : "",
        fabs(fit.slope), s.starred,
        s.named < s.starred ? "; some have no room for their name" : "");
    gallery_add(g, SECTION_OVERLAP, &f, "overlap-layer%02zu%s", layer,
                gallery_suffix(g, run, suffix));
}

void
fig_overlap(struct gallery *g)
{
    gallery_each_layer(g, GRID_JACCARD, draw, SECTION_OVERLAP, "overlap-layer",
                       "no pair of languages in overlap.csv and jsd.csv");
}
