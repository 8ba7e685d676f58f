/*
 * curves.c - what the figures of curves over layers share.
 */
#include "config.h"

#include "report/curves.h"

#include <stdio.h>

const char *
curves_label(const struct report *r, size_t run)
{
    return r->runs > 1 ? r->run[run].label : NULL;
}

struct series *
curves_series(struct chart *c, const char *run, const char *name, size_t n)
{
    char text[2 * LABEL_BYTES];
    snprintf(text, sizeof text, "%s%s%s", run ? run : "",
             run && *name ? ": " : "", name);
    return chart_series(c, text, n);
}

static void
fill(struct series *s, const struct folder *f, enum folder_grid grid, size_t i)
{
    for (size_t l = 0; s && l < f->L; l++)
        s->y[l] = folder_at(f, grid, l, i, 0);
}

void
curves_quiet(struct chart *c, const struct folder *f, enum folder_grid grid)
{
    for (size_t i = 0; i < f->n; i++) {
        struct series *s = chart_quiet(c, f->language[i], f->L);
        fill(s, f, grid, i);
    }
}

void
curves_languages(struct chart *c, const struct folder *f, enum folder_grid grid,
                 size_t but)
{
    for (size_t i = 0; i < f->n; i++)
        if (i != but)
            fill(chart_series(c, f->language[i], f->L), f, grid, i);
}

void
curves_runs(struct chart *c, const struct report *r, enum folder_grid grid,
            const char *name)
{
    for (size_t i = 0; i < r->runs; i++) {
        const struct folder *f = &r->run[i];
        if (folder_has(f, grid))
            fill(curves_series(c, curves_label(r, i), name, f->L), f, grid, 0);
    }
}

void
curves_each_run(struct gallery *g, const struct chart *like,
                enum section section, enum folder_grid grid, const char *name,
                const char *title, const char *about, const char *missing)
{
    char suffix[EXHIBIT_NAME], file[2 * EXHIBIT_NAME];
    bool any = false;
    for (size_t i = 0; i < g->report->runs; i++) {
        const struct folder *f = &g->report->run[i];
        struct chart c = *like;
        if (!folder_has(f, grid))
            continue;
        any = true;
        snprintf(file, sizeof file, "%s%s", name, gallery_suffix(g, i, suffix));
        curves_languages(&c, f, grid, f->pivot);
        curves_finish(g, &c, section, file, title, about, missing);
    }
    if (!any)
        gallery_omit(g, section, name, missing);
}

void
curves_finish(struct gallery *g, struct chart *c, enum section section,
              const char *name, const char *title, const char *about,
              const char *missing)
{
    struct figure f;
    if (!chart_has_data(c) && !c->failed) {
        gallery_omit(g, section, name, missing);
    } else {
        chart_draw(&f, c, title);
        figure_about(&f, "%s", about);
        gallery_add(g, section, &f, "%s", name);
    }
    chart_free(c);
}
