/*
 * axes.h - from data to pixels: scales, ticks, the frame of a plot, labels
 * that keep clear of each other.
 */
#ifndef REPORT_AXES_H
#define REPORT_AXES_H

#include "report/figure.h"

/* A value v stands at from + (v - lo) / (hi - lo) * (to - from). */
struct axis {
    double lo, hi;   // data
    double from, to; // pixels
};

double axis_at(const struct axis *a, double v);

enum { AXIS_TICKS = 16 };

/* At most `most` (2 to AXIS_TICKS) round values from lo to hi, steps of 1, 2
 * or 5 times a power of ten, or whole numbers; their number. */
int axis_ticks(double tick[AXIS_TICKS], double lo, double hi, int most,
               bool whole);

/* Widen [*lo, *hi] to ticks; a range of one value, or none (NaN), gets some
 * room. */
void axis_round(double *lo, double *hi, int most);

/* A tick as text: as many digits as the step between ticks needs. */
void axis_tick_text(char out[32], double tick, double step);

/* The rectangle that data is drawn in, and what stands around it. */
struct frame {
    struct box plot;
    struct axis x, y;
    const char *x_title, *y_title;
    bool whole_x; // ticks at whole numbers only, such as layers
    int y_ticks;  // at most; 0: by height
};

/* The width that tick labels of y need. */
double frame_y_width(struct figure *f, const struct frame *frame);

/* Grid, ticks, their labels, titles; or only those of x. */
void frame_draw(struct figure *f, const struct frame *frame);
void frame_draw_x(struct figure *f, const struct frame *frame);

enum { FRAME_BELOW = 40 }; // room that ticks and title of x take

/*
 * Move n label centres, in pixels, apart to at least `gap`, within [lo, hi]
 * where they fit, keeping their order and as near to where they were as
 * possible.  order (n) is filled with indices from top to bottom.
 */
void labels_spread(double *at, size_t *order, size_t n, double gap, double lo,
                   double hi);

/* A name for a label: control characters replaced, and at most `most`
 * characters, the last an ellipsis when it was cut. */
enum { LABEL_BYTES = 128 };
void label_cut(char out[LABEL_BYTES], const char *name, int most);

/* One sample of a legend. */
struct legend_item {
    const char *name;
    int ink;
    enum dash dash;
    enum mark mark;
    double width;
};

/* Place the legend in rows of at most `width`, its first row centred on
 * y; with `draw` false only measure.  Returns the height taken. */
double legend(struct figure *f, const struct legend_item *item, size_t n,
              double x, double y, double width, bool draw);

#endif
