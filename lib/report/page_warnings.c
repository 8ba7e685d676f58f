/*
 * page_warnings.c - what a reader must know before believing a number: the
 * job's own warnings, too few tokens, runs that do not match.
 */
#include "config.h"

#include "report/page.h"

#include <math.h>
#include <string.h>

#include "report/html.h"
#include "report/summary.h"

/* Chance alone may make up this share of a mean divergence without a word. */
static const double NOISE_SHARE = 0.1;

static void
warn_noise(struct str *out, const struct folder *f)
{
    size_t noisy = 0, worst = f->n;
    double most = 0;
    const size_t last = f->L ? f->L - 1 : 0;
    const double mean = summary_jsd(f, last, false, false);
    for (size_t i = 0; i < f->n; i++) {
        const double noise = summary_noise(f, last, i);
        if (!(noise > NOISE_SHARE * mean))
            continue;
        noisy++;
        if (noise > most) {
            most = noise;
            worst = i;
        }
    }
    if (noisy)
        html_tag(out, "li",
                 "%s: too few tokens in %zu language%s: in the last layer "
                 "chance alone gives a divergence of about %.4f nats to %s, "
                 "the mean of all pairs is %.4f. Give them more tokens before "
                 "comparing.",
                 f->label, noisy, noisy == 1 ? "" : "s", most,
                 f->language[worst], mean);
}

/* The hash of a language's first file, "" when it is not recorded. */
static const char *
data_hash(const struct folder *f, const char *language)
{
    const json_t *inputs = json_object_get(f->record, "inputs");
    for (size_t i = 0; i < json_array_size(inputs); i++) {
        const json_t *o = json_array_get(inputs, i);
        const char *role = json_string_value(json_object_get(o, "role"));
        const char *name = json_string_value(json_object_get(o, "language"));
        const char *hash = json_string_value(json_object_get(o, "sha256"));
        if (role && name && hash && strcmp(role, "data") == 0 &&
            strcmp(name, language) == 0)
            return hash;
    }
    return "";
}

static void
warn_mismatch(struct str *out, const struct folder *a, const struct folder *b)
{
    size_t other = 0, missing = 0;
    if (a->L && b->L && (a->L != b->L || a->E != b->E))
        html_tag(out, "li",
                 "%s and %s differ in shape: %zu layers of %zu experts, and "
                 "%zu of %zu. Layers of the same number are compared.",
                 a->label, b->label, a->L, a->E, b->L, b->E);
    for (size_t i = 0; i < a->n; i++) {
        const size_t k = folder_language(b, a->language[i]);
        const char *x = data_hash(a, a->language[i]);
        const char *y = data_hash(b, a->language[i]);
        missing += k == b->n;
        other += *x && *y && strcmp(x, y) != 0;
    }
    if (missing && b->n)
        html_tag(out, "li", "%s lacks %zu of the languages of %s.", b->label,
                 missing, a->label);
    if (other)
        html_tag(out, "li",
                 "%s and %s read different text in %zu language%s: their "
                 "difference is not one of the models alone.",
                 a->label, b->label, other, other == 1 ? "" : "s");
}

void
page_warnings(struct str *out, const struct report *r)
{
    struct str list = {0};
    for (size_t i = 0; i < r->runs; i++) {
        const struct folder *f = &r->run[i];
        for (size_t k = 0; k < f->warnings; k++)
            html_tag(&list, "li", "%s%s%s", r->runs > 1 ? f->label : "",
                     r->runs > 1 ? ": " : "", f->warning[k]);
        warn_noise(&list, f);
        if (i && strcmp(f->kind, r->run[0].kind) == 0)
            warn_mismatch(&list, &r->run[0], f);
    }
    if (list.n) {
        str_puts(out, "<details class=\"warn\" id=\"warnings\" open=\"open\">"
                      "<summary>Warnings</summary><ul>\n");
        str_add(out, list.s, list.n);
        str_puts(out, "</ul></details>\n");
    }
    out->failed |= list.failed;
    str_free(&list);
}
