/*
 * axes.c - from data to pixels.
 */
#include "config.h"

#include "report/axes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct words tick_words = {.size = 11, .ink = INK_MUTED};
static const struct words title_words = {.size = 12, .across = 0.5};

double
axis_at(const struct axis *a, double v)
{
    return a->from + (v - a->lo) / (a->hi - a->lo) * (a->to - a->from);
}

static double
round_step(double span, int most, bool whole)
{
    double rough = span / (most - 1);
    double power = pow(10, floor(log10(rough))), step = power;
    for (int i = 0; i < 4 && step * (1 + 1e-9) < rough; i++)
        step = power * (const double[]){1, 2, 5, 10}[i];
    return whole ? fmax(1, ceil(step)) : step;
}

int
axis_ticks(double tick[AXIS_TICKS], double lo, double hi, int most, bool whole)
{
    if (!(hi > lo)) {
        tick[0] = lo;
        return 1;
    }
    double step = round_step(hi - lo, most, whole);
    int n = 0;
    for (double k = ceil(lo / step - 1e-9);
         n < AXIS_TICKS && k * step <= hi + 1e-9 * step; k++)
        tick[n++] = k * step + 0.0; // -0 reads badly
    return n;
}

void
axis_round(double *lo, double *hi, int most)
{
    if (!isfinite(*lo) || !isfinite(*hi)) {
        *lo = 0;
        *hi = 1;
    }
    if (!(*hi > *lo)) {
        double room = fmax(fabs(*lo) * 0.1, 1e-3);
        *lo -= room;
        *hi += room;
    }
    double step = round_step(*hi - *lo, most, false);
    *lo = step * floor(*lo / step + 1e-9);
    *hi = step * ceil(*hi / step - 1e-9);
}

void
axis_tick_text(char out[32], double tick, double step)
{
    int digits = step > 0 ? (int)fmax(0, ceil(-log10(step) - 1e-9)) : 3;
    if (digits > 5 || fabs(tick) >= 1e7)
        snprintf(out, 32, "%.3g", tick);
    else
        snprintf(out, 32, "%.*f", digits, tick);
    if (out[0] != '-')
        return;
    char number[28];
    snprintf(number, sizeof number, "%.27s", out + 1);
    snprintf(out, 32, "\u2212%s", number); // a true minus sign
}

/* ---- Frame --------------------------------------------------------------- */

static int
y_ticks(const struct frame *frame, double tick[AXIS_TICKS])
{
    int most = frame->y_ticks ? frame->y_ticks : (int)(frame->plot.h / 42) + 1;
    most = most < 3 ? 3 : most > 9 ? 9 : most;
    return axis_ticks(tick, frame->y.lo, frame->y.hi, most, false);
}

static double
step_of(const double *tick, int n)
{
    return n > 1 ? tick[1] - tick[0] : 0;
}

double
frame_y_width(struct figure *f, const struct frame *frame)
{
    double tick[AXIS_TICKS], widest = 0;
    char text[32];
    const int n = y_ticks(frame, tick);
    for (int i = 0; i < n; i++) {
        axis_tick_text(text, tick[i], step_of(tick, n));
        widest = fmax(widest, figure_width(f, tick_words, text));
    }
    return widest + 8;
}

static void
draw_y(struct figure *f, const struct frame *frame)
{
    const struct box p = frame->plot;
    struct words words = tick_words, title = title_words;
    double tick[AXIS_TICKS];
    char text[32];
    const int n = y_ticks(frame, tick);
    words.across = 1;
    for (int i = 0; i < n; i++) {
        const double y = axis_at(&frame->y, tick[i]);
        figure_line(f, (struct stroke){INK_GRID, 1, DASH_SOLID}, p.x, y,
                    p.x + p.w, y);
        axis_tick_text(text, tick[i], step_of(tick, n));
        figure_text(f, words, p.x - 6, y, text);
    }
    title.up = true;
    if (frame->y_title)
        figure_text(f, title, p.x - frame_y_width(f, frame) - 9, p.y + p.h / 2,
                    frame->y_title);
}

/* As many ticks as their labels leave room for. */
static int
x_ticks(struct figure *f, const struct frame *frame, double tick[AXIS_TICKS])
{
    int n = 0;
    for (int most = AXIS_TICKS; most >= 2; most--) {
        double widest = 0;
        char text[32];
        n = axis_ticks(tick, frame->x.lo, frame->x.hi, most, frame->whole_x);
        for (int i = 0; i < n; i++) {
            axis_tick_text(text, tick[i], step_of(tick, n));
            widest = fmax(widest, figure_width(f, tick_words, text));
        }
        if (n < 2 ||
            axis_at(&frame->x, tick[1]) - axis_at(&frame->x, tick[0]) >=
                widest + 8)
            break;
    }
    return n;
}

void
frame_draw_x(struct figure *f, const struct frame *frame)
{
    const struct box p = frame->plot;
    const struct stroke stroke = {INK_AXIS, 1, DASH_SOLID};
    const double y = p.y + p.h;
    struct words words = tick_words;
    double tick[AXIS_TICKS];
    char text[32];
    const int n = x_ticks(f, frame, tick);
    words.across = 0.5;
    figure_line(f, stroke, p.x, y, p.x + p.w, y);
    for (int i = 0; i < n; i++) {
        const double x = axis_at(&frame->x, tick[i]);
        figure_line(f, stroke, x, y, x, y + 4);
        axis_tick_text(text, tick[i], step_of(tick, n));
        figure_text(f, words, x, y + 13, text);
    }
    if (frame->x_title)
        figure_text(f, title_words, p.x + p.w / 2, y + 30, frame->x_title);
}

void
frame_draw(struct figure *f, const struct frame *frame)
{
    draw_y(f, frame);
    frame_draw_x(f, frame);
}
