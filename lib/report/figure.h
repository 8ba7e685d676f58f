/*
 * figure.h - a drawing as a list of shapes, and the ways out of it.
 *
 *     struct figure f;
 *     figure_begin(&f, 480, 300, "Entropy", "Entropy of each layer.");
 *     figure_line(&f, (struct stroke){INK_AXIS, 1}, 40, 10, 40, 260);
 *     figure_text(&f, (struct words){.size = 11}, 40, 280, "layer");
 *     figure_save(&err, &f, "figures/entropy.svg");
 *     figure_free(&f);
 *
 * Lengths are pixels of 1/96 inch, y grows downwards.  One list gives SVG and
 * PDF through cairo, with text as outlines, and the page's inline SVG, with
 * text as text.  Every text is measured when it is added and its rectangle is
 * kept, so that a test can see that no two meet.
 *
 * A failed allocation marks the figure, later calls do nothing, and the ways
 * out report it.
 */
#ifndef REPORT_FIGURE_H
#define REPORT_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include <polymoe/error.h>

#include "report/ink.h"

struct str;

struct box {
    double x, y, w, h;
};

struct point {
    double x, y;
};

enum dash { DASH_SOLID, DASH_LONG, DASH_SHORT, DASH_DOT, DASHES };
enum mark {
    MARK_NONE,
    MARK_CIRCLE,
    MARK_SQUARE,
    MARK_TRIANGLE,
    MARK_DIAMOND,
    MARK_RING,
    MARK_CROSS,
    MARK_STAR
};
enum { MARKS_PLAIN = 6 }; // CIRCLE to CROSS, for series

struct stroke {
    int ink;
    double width;
    enum dash dash;
};

/* How a text stands at its point. */
struct words {
    double size;   // pixels; 0: 11
    double across; // share of the text left of the point: 0, 0.5, 1
    bool up;       // reads upwards; `across` is then the share below it
    bool bold;
    bool italic;
    int ink; // 0: INK_TEXT
};

enum shape_kind { SHAPE_PATH, SHAPE_BOX, SHAPE_MARK, SHAPE_TEXT };

struct shape {
    enum shape_kind kind;
    struct stroke stroke;
    int fill;
    bool closed;
    struct point *at; // n
    size_t n;
    struct box box; // of SHAPE_BOX and SHAPE_TEXT
    double size;    // across a mark
    enum mark mark;
    struct words words;
    char *text; // of SHAPE_TEXT; of others the tip shown under the pointer
};

struct figure {
    double w, h;
    char *title, *about; // what it shows; what is seen in it
    struct shape *shape;
    size_t n, cap;
    void *meter; // a cairo context that measures text
    bool failed;
};

void figure_begin(struct figure *f, double w, double h, const char *title);
void figure_free(struct figure *f);

/* The sentence for those who cannot see it. */
void figure_about(struct figure *f, const char *fmt, ...) MOE_PRINTF(2, 3);

void figure_line(struct figure *f, struct stroke stroke, double x1, double y1,
                 double x2, double y2);
/* n points; a NaN in one leaves a gap. */
void figure_path(struct figure *f, struct stroke stroke, const struct point *at,
                 size_t n);
/* stroke.ink or fill may be INK_NONE; tip may be NULL. */
void figure_box(struct figure *f, struct stroke stroke, int fill,
                struct box box, const char *tip);
void figure_mark(struct figure *f, enum mark mark, int ink, double size,
                 struct point at, const char *tip);
/* The baseline is put so that the text stands centred on y (on x when it
 * reads upwards). */
void figure_text(struct figure *f, struct words words, double x, double y,
                 const char *text);

/* The width that a text takes, and the box at a place. */
double figure_width(struct figure *f, struct words words, const char *text);
struct box figure_text_box(struct figure *f, struct words words, double x,
                           double y, const char *text);
bool box_meets(struct box a, struct box b);
/* What must not meet a box: texts and stars, or marks and lines too. */
enum taken_by { TAKEN_BY_TEXT, TAKEN_BY_ANY };
bool figure_is_taken(const struct figure *f, struct box box, enum taken_by by);

/* Write the figure by rename; the ending of the path, .svg or .pdf, says
 * what.  MOE_EIO, MOE_ENOMEM. */
int figure_save(struct moe_err *err, const struct figure *f, const char *path);

/* Append an <svg> element whose ids begin with `id`. */
void figure_inline(struct str *out, const struct figure *f, const char *id);

/* How many boxes from shape i on have no edge, no tip and one fill: they are
 * written as one path, which keeps a matrix small. */
size_t figure_cells(const struct figure *f, size_t i);
bool shape_is_cell(const struct shape *s);

/* Coordinates of a mark's outline around 0, 0 for size 1; its number of
 * points, at most MARK_POINTS.  A circle or ring has none. */
enum { MARK_POINTS = 12 };
size_t mark_outline(struct point out[MARK_POINTS], enum mark mark);

/* Lengths of a dash's on and off, for a line of width 1. */
extern const double dash_lengths[DASHES][2];

#endif
