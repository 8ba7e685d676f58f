/*
 * gallery.c - every figure of a report, drawn, or why it is not there.
 */
#include "config.h"

#include "report/gallery.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "report/summary.h"
#include "report/xml.h"

static struct exhibit *
add(struct gallery *g, enum section section, const char *name)
{
    struct exhibit *grown =
        mem_grow(g->exhibit, &g->cap, g->n + 1, sizeof *grown);
    if (!grown) {
        g->failed = true;
        return NULL;
    }
    g->exhibit = grown;
    struct exhibit *x = &grown[g->n];
    *x = (struct exhibit){.section = section};
    xml_name(x->name, sizeof x->name - 8, name);
    for (size_t i = 0; i < g->n; i++) // two names may have become one
        if (strcmp(grown[i].name, x->name) == 0) {
            snprintf(x->name + strlen(x->name), 8, "-%zu", g->n % 100000);
            break;
        }
    g->n++;
    return x;
}

void
gallery_add(struct gallery *g, enum section section, struct figure *f,
            const char *name, ...)
{
    char text[4 * EXHIBIT_NAME];
    va_list ap;
    va_start(ap, name);
    vsnprintf(text, sizeof text, name, ap);
    va_end(ap);
    struct exhibit *x = add(g, section, text);
    g->failed |= f->failed;
    if (x)
        x->figure = *f;
    else
        figure_free(f);
    *f = (struct figure){0};
}

void
gallery_omit(struct gallery *g, enum section section, const char *name,
             const char *reason)
{
    struct exhibit *x = add(g, section, name);
    if (x)
        x->reason = str_copy(reason);
    g->failed |= x && !x->reason;
}

void
gallery_more(struct gallery *g)
{
    if (g->n)
        g->exhibit[g->n - 1].more = true;
}

void
gallery_free(struct gallery *g)
{
    for (size_t i = 0; i < g->n; i++) {
        figure_free(&g->exhibit[i].figure);
        free(g->exhibit[i].reason);
    }
    free(g->exhibit);
    *g = (struct gallery){0};
}

const char *
gallery_suffix(const struct gallery *g, size_t run, char out[EXHIBIT_NAME])
{
    snprintf(out, EXHIBIT_NAME, "%s%.40s", g->report->runs > 1 ? "-" : "",
             g->report->runs > 1 ? g->report->run[run].label : "");
    return out;
}

static bool
holds(const size_t *layer, size_t n, size_t l)
{
    for (size_t i = 0; i < n; i++)
        if (layer[i] == l)
            return true;
    return false;
}

size_t
gallery_layers(const struct folder *f, size_t layer[GALLERY_LAYERS])
{
    const size_t most = summary_most_special(f);
    size_t n = 0;
    for (size_t l = 0; l < f->L; l++)
        if ((f->L <= GALLERY_LAYERS || l == 0 || l == most || l + 3 >= f->L) &&
            !holds(layer, n, l) && n < GALLERY_LAYERS)
            layer[n++] = l;
    return n;
}

void
gallery_each_layer(struct gallery *g, enum folder_grid grid,
                   void (*draw)(struct gallery *g, size_t run, size_t layer),
                   enum section section, const char *name, const char *reason)
{
    const size_t before = g->n;
    for (size_t i = 0; i < g->report->runs; i++) {
        size_t layer[GALLERY_LAYERS];
        const struct folder *f = &g->report->run[i];
        const size_t n = folder_has(f, grid) ? gallery_layers(f, layer) : 0;
        for (size_t k = 0; k < n; k++)
            draw(g, i, layer[k]);
    }
    if (g->n == before)
        gallery_omit(g, section, name, reason);
}

int
gallery_draw(struct moe_err *err, struct gallery *g,
             const struct report *report)
{
    static void (*const figures[])(struct gallery *) = {
        fig_specialization, fig_jsd_mean,    fig_entropy,    fig_jsd_heatmap,
        fig_overlap,        fig_correlation, fig_activation, fig_coactivation,
        fig_delta,          fig_tau,         fig_saturation, fig_divergence,
        fig_consistency,    fig_adapted,     fig_training,   fig_evaluation};
    *g = (struct gallery){.report = report};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        figures[i](g);
    if (!g->failed)
        return MOE_OK;
    gallery_free(g);
    return moe_fail(err, MOE_ENOMEM, "figures: out of memory");
}
