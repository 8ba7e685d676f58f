/*
 * wellformed.c - whether a text is well-formed XML.
 */
#include "config.h"

#include "wellformed.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

enum { DEPTH = 256 };

/* A name in the text. */
struct span {
    const char *s;
    size_t n;
};

struct reader {
    const char *start, *p;
    struct span open[DEPTH], *id;
    size_t depth, ids, ids_cap;
    char fault[256];
};

static bool
fail(struct reader *r, const char *words, struct span what)
{
    int line = 1;
    for (const char *p = r->start; p < r->p; p++)
        line += *p == '\n';
    snprintf(r->fault, sizeof r->fault, "line %d: %s%.*s", line, words,
             (int)(what.n < 80 ? what.n : 80), what.n ? what.s : "");
    return false;
}

static bool
same(struct span a, struct span b)
{
    return a.n == b.n && memcmp(a.s, b.s, a.n) == 0;
}

static bool
starts(const struct reader *r, const char *word)
{
    return strncmp(r->p, word, strlen(word)) == 0;
}

static bool
skip_past(struct reader *r, const char *word)
{
    const char *end = strstr(r->p, word);
    if (!end)
        return fail(r, "not closed, want ", (struct span){word, strlen(word)});
    r->p = end + strlen(word);
    return true;
}

static struct span
read_name(struct reader *r)
{
    struct span name = {r->p, 0};
    if (isalpha((unsigned char)*r->p) || *r->p == '_')
        while (isalnum((unsigned char)*r->p) || strchr("_-.:", *r->p)) {
            if (!*r->p)
                break;
            r->p++;
            name.n++;
        }
    return name;
}

static bool
read_entity(struct reader *r)
{
    static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;",
                                        "&apos;"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (starts(r, names[i])) {
            r->p += strlen(names[i]);
            return true;
        }
    char *end;
    const bool hex = r->p[1] == '#' && r->p[2] == 'x';
    if (r->p[1] == '#' &&
        strtol(r->p + (hex ? 3 : 2), &end, hex ? 16 : 10) > 0 && *end == ';') {
        r->p = end + 1;
        return true;
    }
    return fail(r, "unknown entity ", (struct span){r->p, 8});
}

/* One character of text or of a value. */
static bool
read_character(struct reader *r)
{
    int32_t point;
    if (*r->p == '&')
        return read_entity(r);
    const int n = utf8_get(r->p, strlen(r->p) < 4 ? strlen(r->p) : 4, &point);
    if (n < 0 || (point < 0x20 && !strchr("\t\n\r", (char)point)) ||
        point == 0xfffe || point == 0xffff)
        return fail(r, "a character that XML has not", (struct span){0});
    r->p += n;
    return true;
}

static bool
note_id(struct reader *r, struct span id)
{
    for (size_t i = 0; i < r->ids; i++)
        if (same(r->id[i], id))
            return fail(r, "twice the id ", id);
    struct span *grown =
        mem_grow(r->id, &r->ids_cap, r->ids + 1, sizeof *grown);
    if (!grown)
        return fail(r, "out of memory", (struct span){0});
    r->id = grown;
    r->id[r->ids++] = id;
    return true;
}

static bool
read_attribute(struct reader *r)
{
    const struct span name = read_name(r);
    if (!name.n || *r->p != '=')
        return fail(r, "want a name and = at ", (struct span){r->p, 8});
    const char quote = *++r->p;
    if (quote != '"' && quote != '\'')
        return fail(r, "want a quote after ", name);
    struct span value = {++r->p, 0};
    while (*r->p != quote) {
        if (*r->p == '<' || !*r->p)
            return fail(r, "a value that is not closed: ", name);
        if (!read_character(r))
            return false;
    }
    value.n = (size_t)(r->p++ - value.s);
    return same(name, (struct span){"id", 2}) ? note_id(r, value) : true;
}

static bool
read_open(struct reader *r)
{
    r->p++;
    const struct span name = read_name(r);
    if (!name.n)
        return fail(r, "a < without a name", (struct span){0});
    for (;;) {
        const char *before = r->p;
        while (isspace((unsigned char)*r->p))
            r->p++;
        if (starts(r, "/>")) {
            r->p += 2;
            return true;
        }
        if (*r->p == '>')
            break;
        if (r->p == before)
            return fail(r, "want a space in ", name);
        if (!read_attribute(r))
            return false;
    }
    r->p++;
    if (r->depth == DEPTH)
        return fail(r, "too deep: ", name);
    r->open[r->depth++] = name;
    return true;
}

static bool
read_close(struct reader *r)
{
    r->p += 2;
    const struct span name = read_name(r);
    if (*r->p != '>' || !r->depth || !same(r->open[r->depth - 1], name))
        return fail(r, "does not match: </",
                    (struct span){name.s, name.n + (*r->p == '>')});
    r->p++;
    r->depth--;
    return true;
}

static bool
read_one(struct reader *r)
{
    if (starts(r, "<?"))
        return skip_past(r, "?>");
    if (starts(r, "<!--"))
        return skip_past(r, "-->");
    if (starts(r, "<!DOCTYPE"))
        return skip_past(r, ">");
    if (starts(r, "</"))
        return read_close(r);
    if (*r->p == '<')
        return read_open(r);
    return read_character(r);
}

const char *
wellformed(const char *text)
{
    static struct reader r;
    r = (struct reader){.start = text, .p = text};
    while (*r.p && read_one(&r))
        ;
    if (!*r.fault && r.depth)
        fail(&r, "not closed: ", r.open[r.depth - 1]);
    free(r.id);
    return r.fault;
}
