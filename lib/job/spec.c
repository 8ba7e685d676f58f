/*
 * spec.c - a map of values becomes a job spec.
 */
#include "config.h"

#include "job/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

bool
job_strings_add(struct job_strings *list, const char *s)
{
    char **grown = mem_grow(list->item, &list->cap, list->n + 1, sizeof *grown);
    if (!grown)
        return false;
    list->item = grown;
    if (!(grown[list->n] = str_copy(s)))
        return false;
    list->n++;
    return true;
}

void
job_strings_free(struct job_strings *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->item[i]);
    free(list->item);
    *list = (struct job_strings){0};
}

struct job_language *
job_data_add(struct job_data *data, const char *name)
{
    struct job_language *grown =
        mem_grow(data->language, &data->cap, data->n + 1, sizeof *grown);
    if (!grown)
        return NULL;
    data->language = grown;
    grown[data->n] = (struct job_language){.name = str_copy(name)};
    return grown[data->n].name ? &grown[data->n++] : NULL;
}

void
job_data_free(struct job_data *data)
{
    for (size_t i = 0; i < data->n; i++) {
        free(data->language[i].name);
        job_strings_free(&data->language[i].files);
    }
    free(data->language);
    free(data->directory);
    *data = (struct job_data){0};
}

void
job_shares_free(struct job_shares *shares)
{
    for (size_t i = 0; i < shares->n; i++)
        free(shares->name[i]);
    free(shares->name);
    free(shares->value);
    *shares = (struct job_shares){0};
}

void
job_pairs_free(struct job_pairs *pairs)
{
    for (size_t i = 0; i < pairs->n; i++) {
        free(pairs->name[i]);
        free(pairs->value[i]);
    }
    free(pairs->name);
    free(pairs->value);
    *pairs = (struct job_pairs){0};
}

void
job_field_clear(const struct job_field *field, struct job_spec *spec)
{
    void *at = job_field_at(field, spec);
    if (field->type == JOB_STRING || field->type == JOB_PATH)
        free(*(char **)at);
    else if (field->type == JOB_NAMES || field->type == JOB_PATHS)
        job_strings_free(at);
    else if (field->type == JOB_DATA)
        job_data_free(at);
    else if (field->type == JOB_SHARES)
        job_shares_free(at);
    else if (field->type == JOB_PAIRS)
        job_pairs_free(at);
}

void
job_spec_free(struct job_spec *spec)
{
    for (const struct job_field *f = job_fields; f->name; f++)
        job_field_clear(f, spec);
    *spec = (struct job_spec){0};
}

/* Insertions, deletions and replacements between two short words. */
static size_t
edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 32 };
    size_t n = strlen(a), m = strlen(b), row[LONGEST + 1];
    if (n > LONGEST || m > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = corner + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            corner = row[j];
            row[j] = best;
        }
    }
    return row[m];
}

static int
unknown_field(struct moe_err *err, const struct job_source *source,
              const struct job_node *node, const char *name, unsigned kinds)
{
    const char *near = NULL;
    size_t best = 3; // two wrong letters are a slip, three another word
    for (const struct job_field *f = job_fields; f->name; f++) {
        size_t d = edit_distance(name, f->name);
        if ((f->kinds & kinds) && d < best) {
            best = d;
            near = f->name;
        }
    }
    if (near)
        return job_node_fail(err, source, node, name,
                             "no such field; did you mean '%s'?", near);
    return job_node_fail(err, source, node, name,
                         "no such field of this kind; see polymoe-job(5)");
}

/* The kind decides which fields there may be, so it is read first. */
static int
bind_kind(struct moe_err *err, const struct job_source *source,
          const struct job_node *map, struct job_spec *spec)
{
    const struct job_field *field = job_field_find("kind", JOB_EVERY_KIND);
    const struct job_node *node = job_node_find(map, "kind");
    if (!node)
        return job_node_fail(err, source, map, "kind", "missing, %s allowed",
                             field->words);
    return job_field_store(err, source, field, node, spec);
}

/* Paths of the file stand relative to it, those of the command line to the
 * working directory. */
static int
bind_field(struct moe_err *err, const struct job_source *source,
           const struct job_field *field, const struct job_node *node,
           struct job_spec *spec)
{
    char *here;
    int rc = job_field_store(err, source, field, node, spec);
    if (rc || node->line != JOB_LINE_SET)
        return rc;
    if ((rc = fs_realpath(err, &here, ".")))
        return rc;
    rc = job_field_absolute(err, field, spec, here);
    free(here);
    return rc;
}

/* Is there a field "NAME.something"? */
static bool
is_group(const char *name, unsigned kinds)
{
    size_t n = strlen(name);
    for (const struct job_field *f = job_fields; f->name; f++)
        if ((f->kinds & kinds) && strncmp(f->name, name, n) == 0 &&
            f->name[n] == '.')
            return true;
    return false;
}

bool
job_field_known(const char *name, unsigned kinds)
{
    return job_field_find(name, kinds) || is_group(name, kinds);
}

/* One key of the spec, or of a group's map, whose fields are "GROUP.KEY". */
static int
bind_node(struct moe_err *err, const struct job_source *source,
          const struct job_node *node, const char *group, unsigned kind,
          struct job_spec *spec)
{
    char name[JOB_NAME_BYTES];
    snprintf(name, sizeof name, "%s%s%s", group, *group ? "." : "", node->key);
    const struct job_field *f = job_field_find(name, kind);
    if (f)
        return bind_field(err, source, f, node, spec);
    if (*group || node->kind != JOB_MAP || !is_group(name, kind))
        return unknown_field(err, source, node, name, kind);
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < node->n; i++)
        rc = bind_node(err, source, &node->child[i], name, kind, spec);
    return rc;
}

static int
bind_fields(struct moe_err *err, const struct job_source *source,
            const struct job_node *map, struct job_spec *spec)
{
    unsigned kind = 1u << spec->kind;
    int rc = MOE_OK;
    for (const struct job_field *f = job_fields; !rc && f->name; f++)
        if (f->kinds & kind)
            rc = job_field_default(err, f, spec);
    for (size_t i = 0; !rc && i < map->n; i++)
        rc = bind_node(err, source, &map->child[i], "", kind, spec);
    for (const struct job_field *f = job_fields; !rc && f->name; f++)
        if (f->required && (f->kinds & kind) && !job_node_find(map, f->name))
            rc = job_node_fail(err, source, map, f->name, "missing; %s",
                               f->text);
    return rc;
}

char *
job_stem(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    size_t n = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    if (n > JOB_NAME_BYTES)
        n = JOB_NAME_BYTES;
    return n ? str_format("%.*s", (int)n, name) : str_copy("job");
}

int
job_spec_bind(struct moe_err *err, const struct job_source *source,
              const struct job_node *map, struct job_spec *spec)
{
    int rc = MOE_OK;
    *spec = (struct job_spec){0};
    if (map->kind != JOB_MAP)
        rc = job_node_fail(err, source, map, NULL,
                           "a job spec is a map of fields");
    if (!rc)
        rc = bind_kind(err, source, map, spec);
    if (!rc)
        rc = bind_fields(err, source, map, spec);
    if (!rc && !spec->name && !(spec->name = job_stem(source->name)))
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", source->name);
    if (rc)
        job_spec_free(spec);
    return rc;
}

int
job_spec_parse(struct moe_err *err, struct job_spec *out, const char *text,
               size_t n, const char *name, const char *const *set, size_t n_set)
{
    struct job_source source = {.name = name};
    struct job_node map;
    *out = (struct job_spec){0};
    int rc = job_node_yaml(err, &source, &map, text, n);
    if (rc)
        return rc;
    if (job_node_find(&map, "jobs"))
        rc = job_node_fail(err, &source, job_node_find(&map, "jobs"), "jobs",
                           "a study; one job is wanted here");
    for (size_t i = 0; !rc && i < n_set; i++)
        rc = job_node_assign(err, &map, "--set", set[i]);
    if (!rc)
        rc = job_spec_bind(err, &source, &map, out);
    job_node_free(&map);
    return rc;
}

int
job_spec_read(struct moe_err *err, struct job_spec *out, const char *path,
              const char *const *set, size_t n_set)
{
    char *text;
    size_t n;
    *out = (struct job_spec){0};
    int rc = fs_read(err, &text, &n, path, JOB_TEXT_BYTES);
    if (rc)
        return rc;
    rc = job_spec_parse(err, out, text, n, path, set, n_set);
    free(text);
    return rc;
}
