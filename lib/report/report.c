/*
 * report.c - from results folders to report.html and figures.
 */
#include "config.h"

#include "report/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "report/page.h"

static int
no_memory(struct moe_err *err)
{
    return moe_fail(err, MOE_ENOMEM, "report: out of memory");
}

/* Two runs of one name get their folder's name behind it, or a number. */
static int
make_labels(struct moe_err *err, struct report *r)
{
    for (size_t i = 1; i < r->runs; i++)
        for (size_t k = 0; k < i; k++) {
            if (strcmp(r->run[i].label, r->run[k].label) != 0)
                continue;
            char *label = str_format("%s (%zu)", r->run[i].label, i + 1);
            if (!label)
                return no_memory(err);
            free(r->run[i].label);
            r->run[i].label = label;
            k = (size_t)-1; // against all again
        }
    return MOE_OK;
}

static int
write_figures(struct moe_err *err, const struct gallery *g, const char *dir)
{
    static const char *const endings[] = {"svg", "pdf"};
    int rc = fs_mkdirs(err, dir, 0777);
    for (size_t i = 0; !rc && i < g->n; i++)
        for (int k = 0; !rc && !g->exhibit[i].reason && k < 2; k++) {
            char *path =
                str_format("%s/%s.%s", dir, g->exhibit[i].name, endings[k]);
            rc = path ? figure_save(err, &g->exhibit[i].figure, path)
                      : no_memory(err);
            free(path);
        }
    return rc;
}

static int
write_page(struct moe_err *err, const struct gallery *g, const char *path)
{
    struct str page = {0};
    page_write(&page, g);
    int rc = page.failed ? no_memory(err) : fs_write(err, path, page.s, page.n);
    str_free(&page);
    return rc;
}

static int
write_all(struct moe_err *err, const struct report *r,
          const struct report_options *opt)
{
    struct gallery g = {0};
    char *page = str_path(opt->out, "report.html");
    char *figures = str_path(opt->out, "figures");
    int rc = page && figures ? fs_mkdirs(err, opt->out, 0777) : no_memory(err);
    if (!rc)
        rc = gallery_draw(err, &g, r);
    if (!rc && !opt->no_figures)
        rc = write_figures(err, &g, figures);
    if (!rc)
        rc = write_page(err, &g, page);
    gallery_free(&g);
    free(page);
    free(figures);
    return rc;
}

static char *
make_title(const struct report *r)
{
    struct str title = {0};
    if (r->runs > REPORT_NAMED)
        str_printf(&title, "%s and %zu other jobs", r->run[0].label,
                   r->runs - 1);
    else
        for (size_t i = 0; i < r->runs; i++)
            str_printf(&title, "%s%s", i ? " and " : "", r->run[i].label);
    return str_take(&title);
}

int
report_write(struct moe_err *err, const char *const *dir, size_t n,
             const struct report_options *opt)
{
    struct report r = {.run = mem_zero(n, sizeof *r.run)};
    int rc = r.run ? MOE_OK : no_memory(err);
    for (; !rc && r.runs < n; r.runs += !rc)
        rc = folder_read(err, &r.run[r.runs], dir[r.runs]);
    if (!rc)
        rc = make_labels(err, &r);
    if (!rc)
        rc = adapted_find(err, &r.adapted, r.run, r.runs);
    char *title = rc ? NULL : make_title(&r);
    if (!rc && !title)
        rc = no_memory(err);
    r.title = opt->title ? opt->title : title;
    if (!rc)
        rc = write_all(err, &r, opt);
    adapted_free(&r.adapted);
    for (size_t i = 0; i < r.runs; i++)
        folder_free(&r.run[i]);
    free(r.run);
    free(title);
    return rc;
}
