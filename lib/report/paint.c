/*
 * paint.c - figures as SVG and PDF files, through cairo.
 */
#include "config.h"

#include "report/paint.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "base/utf8.h"
#include "report/xml.h"

/* A pixel in points, the unit of both surfaces. */
static const double POINT = 0.75;

void
paint_font(cairo_t *cr, struct words words)
{
    cairo_select_font_face(
        cr, "sans-serif",
        words.italic ? CAIRO_FONT_SLANT_ITALIC : CAIRO_FONT_SLANT_NORMAL,
        words.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, words.size);
}

void
paint_clean(char *out, size_t cap, const char *text)
{
    const size_t n = strlen(text);
    size_t to = 0;
    for (size_t i = 0; i < n;) {
        char bytes[4];
        int32_t point;
        const int used = utf8_get(text + i, n - i, &point);
        i += (size_t)abs(used);
        if (point < 0x20 || (point >= 0x7f && point < 0xa0) ||
            point == 0xfffe || point == 0xffff)
            point = 0xfffd;
        const size_t m = (size_t)utf8_put(bytes, point);
        if (to + m >= cap)
            break;
        memcpy(out + to, bytes, m);
        to += m;
    }
    out[to] = '\0';
}

static void
set_ink(cairo_t *cr, int ink)
{
    const int rgb = ink_rgb(ink, false);
    cairo_set_source_rgb(cr, (rgb >> 16 & 0xff) / 255.0,
                         (rgb >> 8 & 0xff) / 255.0, (rgb & 0xff) / 255.0);
}

static void
set_stroke(cairo_t *cr, struct stroke stroke)
{
    const double *on = dash_lengths[stroke.dash];
    const double lengths[2] = {on[0] * stroke.width, on[1] * stroke.width};
    set_ink(cr, stroke.ink);
    cairo_set_line_width(cr, stroke.width);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_dash(cr, lengths, stroke.dash == DASH_SOLID ? 0 : 2, 0);
}

static void
paint_path(cairo_t *cr, const struct shape *s)
{
    for (size_t i = 0; i < s->n; i++)
        cairo_line_to(cr, s->at[i].x, s->at[i].y);
    set_stroke(cr, s->stroke);
    cairo_stroke(cr);
}

static void
paint_box(cairo_t *cr, const struct shape *s)
{
    cairo_rectangle(cr, s->box.x, s->box.y, s->box.w, s->box.h);
    if (s->fill != INK_NONE) {
        set_ink(cr, s->fill);
        cairo_fill_preserve(cr);
    }
    if (s->stroke.ink != INK_NONE) {
        set_stroke(cr, s->stroke);
        cairo_stroke_preserve(cr);
    }
    cairo_new_path(cr);
}

static void
paint_mark(cairo_t *cr, const struct shape *s)
{
    static const double turn = 2 * 3.14159265358979323846;
    struct point outline[MARK_POINTS];
    const size_t n = mark_outline(outline, s->mark);
    for (size_t i = 0; i < n; i++)
        cairo_line_to(cr, s->at->x + s->size * outline[i].x,
                      s->at->y + s->size * outline[i].y);
    if (n)
        cairo_close_path(cr);
    else
        cairo_arc(cr, s->at->x, s->at->y, s->size / 2, 0, turn);
    if (s->mark == MARK_RING) {
        set_ink(cr, INK_PAPER);
        cairo_fill_preserve(cr);
        set_stroke(cr, (struct stroke){s->fill, s->size / 4, DASH_SOLID});
        cairo_stroke(cr);
        return;
    }
    set_ink(cr, s->fill);
    cairo_fill(cr);
}

static void
paint_text(cairo_t *cr, const struct shape *s)
{
    cairo_text_extents_t extents;
    paint_font(cr, s->words);
    cairo_text_extents(cr, s->text, &extents);
    cairo_save(cr);
    cairo_translate(cr, s->at->x, s->at->y);
    if (s->words.up)
        cairo_rotate(cr, -3.14159265358979323846 / 2);
    cairo_move_to(cr, -extents.x_advance * s->words.across,
                  0.36 * s->words.size); // half the height of a capital
    set_ink(cr, s->words.ink);
    cairo_show_text(cr, s->text);
    cairo_restore(cr);
    cairo_new_path(cr);
}

static void
paint(cairo_t *cr, const struct figure *f)
{
    static void (*const by_kind[])(cairo_t *, const struct shape *) = {
        [SHAPE_PATH] = paint_path,
        [SHAPE_BOX] = paint_box,
        [SHAPE_MARK] = paint_mark,
        [SHAPE_TEXT] = paint_text};
    cairo_scale(cr, POINT, POINT);
    set_ink(cr, INK_PAPER);
    cairo_paint(cr);
    for (size_t i = 0, n; i < f->n; i += n ? n : 1) {
        n = figure_cells(f, i);
        for (size_t k = 1; k < n; k++) { // filled with the first
            const struct box *b = &f->shape[i + k].box;
            cairo_rectangle(cr, b->x, b->y, b->w, b->h);
        }
        by_kind[f->shape[i].kind](cr, &f->shape[i]);
    }
}

/* ---- Files --------------------------------------------------------------- */

static cairo_status_t
take_bytes(void *to, const unsigned char *bytes, unsigned n)
{
    struct str *out = to;
    str_add(out, bytes, n);
    return out->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

/* The words that cairo has no call for, after the opening tag. */
static int
write_svg(struct moe_err *err, const struct figure *f, const struct str *svg,
          const char *path)
{
    struct str out = {0};
    const char *tag = svg->s ? strstr(svg->s, "<svg") : NULL;
    const char *end = tag ? strchr(tag, '>') : NULL;
    if (!end)
        return moe_fail(err, MOE_EIO, "%s: cairo wrote no SVG", path);
    const size_t head = (size_t)(end + 1 - svg->s);
    str_add(&out, svg->s, head);
    str_puts(&out, "\n<title>");
    xml_text(&out, f->title);
    str_puts(&out, "</title>\n<desc>");
    xml_text(&out, f->about ? f->about : f->title);
    str_puts(&out, "</desc>");
    str_add(&out, svg->s + head, svg->n - head);
    int rc = out.failed ? moe_fail(err, MOE_ENOMEM, "%s: out of memory", path)
                        : fs_write(err, path, out.s, out.n);
    str_free(&out);
    return rc;
}

int
figure_save(struct moe_err *err, const struct figure *f, const char *path)
{
    const char *ending = strrchr(path, '.');
    const bool pdf = ending && strcmp(ending, ".pdf") == 0;
    const double w = f->w * POINT, h = f->h * POINT;
    struct str out = {0};
    if (f->failed)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    cairo_surface_t *surface =
        pdf ? cairo_pdf_surface_create_for_stream(take_bytes, &out, w, h)
            : cairo_svg_surface_create_for_stream(take_bytes, &out, w, h);
    if (pdf)
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE,
                                       f->title);
    cairo_t *cr = cairo_create(surface);
    paint(cr, f);
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    cairo_surface_finish(surface);
    status = status ? status : cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    int rc = status ? moe_fail(err, MOE_EIO, "%s: cairo: %s", path,
                               cairo_status_to_string(status))
             : pdf  ? fs_write(err, path, out.s, out.n)
                    : write_svg(err, f, &out, path);
    str_free(&out);
    return rc;
}
