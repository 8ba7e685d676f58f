/*
 * svg.c - figures as elements of the page: text stays text, and inks are
 * CSS classes, so that a figure follows the reader's theme and can be read
 * aloud, searched and copied.
 */
#include "config.h"

#include "report/figure.h"

#include "report/xml.h"

static void
put_ink(struct str *out, const char *attribute, int ink)
{
    const char *name = ink_name(ink);
    if (ink == INK_NONE)
        str_printf(out, " %s=\"none\"", attribute);
    else if (name)
        str_printf(out, " %s=\"var(--%s)\"", attribute, name);
    else
        str_printf(out, " %s=\"#%06x\"", attribute, ink_rgb(ink, false));
}

static void
put_number(struct str *out, const char *attribute, double x)
{
    str_printf(out, " %s=\"", attribute);
    xml_number(out, x);
    str_puts(out, "\"");
}

static void
put_stroke(struct str *out, struct stroke stroke)
{
    const double *on = dash_lengths[stroke.dash];
    put_ink(out, "stroke", stroke.ink);
    put_number(out, "stroke-width", stroke.width);
    if (stroke.dash != DASH_SOLID)
        str_printf(out, " stroke-dasharray=\"%.3g %.3g\"", on[0] * stroke.width,
                   on[1] * stroke.width);
}

static void
put_points(struct str *out, const struct point *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        str_puts(out, i ? " " : "");
        xml_number(out, at[i].x);
        str_puts(out, ",");
        xml_number(out, at[i].y);
    }
}

/* The end of an element, with its tip where it has one. */
static void
put_end(struct str *out, const char *element, const char *tip)
{
    if (!tip) {
        str_puts(out, "/>\n");
        return;
    }
    str_puts(out, "><title>");
    xml_text(out, tip);
    str_printf(out, "</title></%s>\n", element);
}

static void
put_path(struct str *out, const struct shape *s)
{
    str_puts(out, "<polyline fill=\"none\"");
    put_stroke(out, s->stroke);
    str_puts(out, " points=\"");
    put_points(out, s->at, s->n);
    str_puts(out, "\"");
    put_end(out, "polyline", NULL);
}

static void
put_box(struct str *out, const struct shape *s)
{
    str_puts(out, "<rect");
    put_number(out, "x", s->box.x);
    put_number(out, "y", s->box.y);
    put_number(out, "width", s->box.w);
    put_number(out, "height", s->box.h);
    put_ink(out, "fill", s->fill);
    if (s->stroke.ink != INK_NONE)
        put_stroke(out, s->stroke);
    put_end(out, "rect", s->text);
}

/* Boxes of one fill as one path. */
static void
put_cells(struct str *out, const struct shape *s, size_t n)
{
    str_puts(out, "<path");
    put_ink(out, "fill", s->fill);
    str_puts(out, " d=\"");
    for (size_t i = 0; i < n; i++) {
        const struct box *b = &s[i].box;
        str_puts(out, "M");
        put_points(out, &(struct point){b->x, b->y}, 1);
        str_puts(out, "h");
        xml_number(out, b->w);
        str_puts(out, "v");
        xml_number(out, b->h);
        str_puts(out, "h");
        xml_number(out, -b->w);
        str_puts(out, "z");
    }
    str_puts(out, "\"/>\n");
}

static void
put_mark(struct str *out, const struct shape *s)
{
    struct point outline[MARK_POINTS];
    const size_t n = mark_outline(outline, s->mark);
    for (size_t i = 0; i < n; i++) {
        outline[i].x = s->at->x + s->size * outline[i].x;
        outline[i].y = s->at->y + s->size * outline[i].y;
    }
    if (n) {
        str_puts(out, "<polygon points=\"");
        put_points(out, outline, n);
        str_puts(out, "\"");
    } else {
        str_puts(out, "<circle");
        put_number(out, "cx", s->at->x);
        put_number(out, "cy", s->at->y);
        put_number(out, "r", s->size / 2);
    }
    const bool ring = s->mark == MARK_RING;
    put_ink(out, "fill", ring ? INK_PAPER : s->fill);
    if (ring)
        put_stroke(out, (struct stroke){s->fill, s->size / 4, DASH_SOLID});
    put_end(out, n ? "polygon" : "circle", s->text);
}

static void
put_text(struct str *out, const struct shape *s)
{
    const struct words *w = &s->words;
    const double down = 0.36 * w->size; // half the height of a capital
    str_puts(out, "<text");
    if (w->up) {
        str_puts(out, " transform=\"translate(");
        put_points(out, &(struct point){s->at->x + down, s->at->y}, 1);
        str_puts(out, ") rotate(-90)\"");
    } else {
        put_number(out, "x", s->at->x);
        put_number(out, "y", s->at->y + down);
    }
    put_number(out, "font-size", w->size);
    if (w->across > 0)
        str_printf(out, " text-anchor=\"%s\"",
                   w->across < 1 ? "middle" : "end");
    if (w->bold)
        str_puts(out, " font-weight=\"bold\"");
    if (w->italic)
        str_puts(out, " font-style=\"italic\"");
    put_ink(out, "fill", w->ink);
    str_puts(out, ">");
    xml_text(out, s->text);
    str_puts(out, "</text>\n");
}

void
figure_inline(struct str *out, const struct figure *f, const char *id)
{
    static void (*const by_kind[])(struct str *, const struct shape *) = {
        [SHAPE_PATH] = put_path,
        [SHAPE_BOX] = put_box,
        [SHAPE_MARK] = put_mark,
        [SHAPE_TEXT] = put_text};
    out->failed |= f->failed;
    str_printf(out,
               "<svg role=\"img\" viewBox=\"0 0 %.0f %.0f\" "
               "aria-labelledby=\"%s-t %s-d\" "
               "style=\"min-width:%.0fpx;max-width:%.0fpx\">\n<title "
               "id=\"%s-t\">",
               f->w, f->h, id, id, 0.75 * f->w, 1.4 * f->w, id);
    xml_text(out, f->title ? f->title : "");
    str_printf(out, "</title>\n<desc id=\"%s-d\">", id);
    xml_text(out, f->about ? f->about : "");
    str_puts(out, "</desc>\n");
    for (size_t i = 0, n; i < f->n; i += n ? n : 1) {
        n = figure_cells(f, i);
        if (n > 1)
            put_cells(out, &f->shape[i], n);
        else
            by_kind[f->shape[i].kind](out, &f->shape[i]);
    }
    str_puts(out, "</svg>\n");
}
