/*
 * figure.c - a drawing as a list of shapes.
 */
#include "config.h"

#include "report/figure.h"

#include <cairo.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "report/paint.h"

/* A reader's browser may have a wider font than the one that measures. */
static const double WIDER = 1.06;

const double dash_lengths[DASHES][2] = {
    [DASH_SOLID] = {0, 0},
    [DASH_LONG] = {5, 2.5},
    [DASH_SHORT] = {2.5, 2},
    [DASH_DOT] = {1, 1.8},
};

void
figure_begin(struct figure *f, double w, double h, const char *title)
{
    *f = (struct figure){.w = w, .h = h, .title = str_copy(title)};
    cairo_surface_t *none =
        cairo_recording_surface_create(CAIRO_CONTENT_ALPHA, NULL);
    f->meter = cairo_create(none);
    cairo_surface_destroy(none);
    f->failed = !f->title || cairo_status(f->meter) != CAIRO_STATUS_SUCCESS;
}

void
figure_free(struct figure *f)
{
    for (size_t i = 0; i < f->n; i++) {
        free(f->shape[i].at);
        free(f->shape[i].text);
    }
    if (f->meter)
        cairo_destroy(f->meter);
    free(f->shape);
    free(f->title);
    free(f->about);
    *f = (struct figure){0};
}

void
figure_about(struct figure *f, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    free(f->about);
    f->about = str_copy(text);
    f->failed |= !f->about;
}

/* A new shape at the end of the list, or NULL. */
static struct shape *
add(struct figure *f, struct shape shape, const char *text)
{
    if (f->failed)
        return NULL;
    struct shape *grown = mem_grow(f->shape, &f->cap, f->n + 1, sizeof *grown);
    f->failed = !grown;
    if (!grown)
        return NULL;
    f->shape = grown;
    shape.text = text ? str_copy(text) : NULL;
    f->failed = text && !shape.text;
    grown[f->n] = shape;
    return &grown[f->n++];
}

/* A shape with points. */
static void
add_path(struct figure *f, struct shape shape, const struct point *at,
         const char *tip)
{
    struct shape *s = add(f, shape, tip);
    if (!s)
        return;
    s->at = mem_dup(at, shape.n * sizeof *at);
    if (!s->at) {
        s->n = 0;
        f->failed = true;
    }
}

/* Paths end at a missing value and begin again after it. */
void
figure_path(struct figure *f, struct stroke stroke, const struct point *at,
            size_t n)
{
    for (size_t i = 0, k; i < n; i = k + 1) {
        for (k = i; k < n && isfinite(at[k].x) && isfinite(at[k].y); k++)
            ;
        if (k > i + 1)
            add_path(f,
                     (struct shape){
                         .kind = SHAPE_PATH, .stroke = stroke, .n = k - i},
                     at + i, NULL);
    }
}

void
figure_line(struct figure *f, struct stroke stroke, double x1, double y1,
            double x2, double y2)
{
    figure_path(f, stroke, (struct point[]){{x1, y1}, {x2, y2}}, 2);
}

void
figure_box(struct figure *f, struct stroke stroke, int fill, struct box box,
           const char *tip)
{
    add(f,
        (struct shape){
            .kind = SHAPE_BOX, .stroke = stroke, .fill = fill, .box = box},
        tip);
}

void
figure_mark(struct figure *f, enum mark mark, int ink, double size,
            struct point at, const char *tip)
{
    if (mark == MARK_NONE || !isfinite(at.x) || !isfinite(at.y))
        return;
    add_path(f,
             (struct shape){.kind = SHAPE_MARK,
                            .fill = ink,
                            .mark = mark,
                            .size = size,
                            .n = 1},
             &at, tip);
}

size_t
mark_outline(struct point out[MARK_POINTS], enum mark mark)
{
    static const int corners[] = {[MARK_SQUARE] = 4,
                                  [MARK_TRIANGLE] = 3,
                                  [MARK_DIAMOND] = 4,
                                  [MARK_CROSS] = 12,
                                  [MARK_STAR] = 10};
    static const double pi = 3.14159265358979323846;
    const size_t n =
        mark <= MARK_CIRCLE || mark == MARK_RING ? 0 : (size_t)corners[mark];
    for (size_t i = 0; i < n; i++) {
        double turn = 2 * pi * (double)i / (double)n - pi / 2, r = 0.6;
        if (mark == MARK_SQUARE)
            turn += pi / 4;
        if (mark == MARK_STAR)
            r = i % 2 ? 0.32 : 0.8;
        if (mark == MARK_CROSS) { // an x: four arms of two corners
            turn = pi / 2 * (double)(i / 3) +
                   (i % 3 == 0   ? -0.25
                    : i % 3 == 1 ? 0.25
                                 : pi / 4) +
                   pi / 4;
            r = i % 3 == 2 ? 0.22 : 0.65;
        }
        out[i] = (struct point){r * cos(turn), r * sin(turn)};
    }
    return n;
}

/* ---- Text ---------------------------------------------------------------- */

static double
size_of(struct words words)
{
    return words.size > 0 ? words.size : 11;
}

double
figure_width(struct figure *f, struct words words, const char *text)
{
    cairo_text_extents_t extents;
    if (f->failed)
        return 0;
    words.size = size_of(words);
    paint_font(f->meter, words);
    cairo_text_extents(f->meter, text, &extents);
    return WIDER * fmax(extents.x_advance, extents.x_bearing + extents.width);
}

struct box
figure_text_box(struct figure *f, struct words words, double x, double y,
                const char *text)
{
    // Ascent and descent of common sans-serif faces, in sizes.
    const double w = figure_width(f, words, text), h = 1.1 * size_of(words);
    if (words.up)
        return (struct box){x - h / 2, y - w * (1 - words.across), h, w};
    return (struct box){x - w * words.across, y - h / 2, w, h};
}

void
figure_text(struct figure *f, struct words words, double x, double y,
            const char *text)
{
    char clean[512];
    paint_clean(clean, sizeof clean, text);
    words.size = size_of(words);
    words.ink = words.ink ? words.ink : INK_TEXT;
    if (!*clean)
        return;
    const struct point at = {x, y};
    add_path(f,
             (struct shape){.kind = SHAPE_TEXT,
                            .words = words,
                            .n = 1,
                            .box = figure_text_box(f, words, x, y, clean)},
             &at, clean);
}

bool
box_meets(struct box a, struct box b)
{
    return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h &&
           b.y < a.y + a.h;
}

/* Whether a straight line runs through a box, looked at every pixel. */
static bool
line_meets(struct point a, struct point b, struct box box)
{
    const double steps = ceil(hypot(b.x - a.x, b.y - a.y)) + 1;
    for (double t = 0; t <= steps; t++) {
        const double x = a.x + (b.x - a.x) * t / steps - box.x;
        const double y = a.y + (b.y - a.y) * t / steps - box.y;
        if (x > 0 && x < box.w && y > 0 && y < box.h)
            return true;
    }
    return false;
}

/* Grid lines are thin and lie behind everything. */
static bool
shape_meets(const struct shape *s, struct box box, enum taken_by by)
{
    bool meets = false;
    switch (s->kind) {
    case SHAPE_TEXT:
        return box_meets(s->box, box);
    case SHAPE_MARK: // stars always: a name over one hides what it names
        return (by == TAKEN_BY_ANY || s->mark == MARK_STAR) &&
               box_meets((struct box){s->at->x - s->size / 2,
                                      s->at->y - s->size / 2, s->size, s->size},
                         box);
    case SHAPE_PATH:
        for (size_t i = 1;
             by == TAKEN_BY_ANY && s->stroke.width > 1 && i < s->n; i++)
            meets |= line_meets(s->at[i - 1], s->at[i], box);
        return meets;
    case SHAPE_BOX:
        break;
    }
    return false;
}

bool
figure_is_taken(const struct figure *f, struct box box, enum taken_by by)
{
    for (size_t i = 0; i < f->n; i++)
        if (shape_meets(&f->shape[i], box, by))
            return true;
    return false;
}

bool
shape_is_cell(const struct shape *s)
{
    return s->kind == SHAPE_BOX && s->stroke.ink == INK_NONE && !s->text;
}

size_t
figure_cells(const struct figure *f, size_t i)
{
    size_t n = 0;
    while (i + n < f->n && shape_is_cell(&f->shape[i + n]) &&
           f->shape[i + n].fill == f->shape[i].fill)
        n++;
    return n;
}
