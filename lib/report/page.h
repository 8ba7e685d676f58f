/*
 * page.h - report.html: one file, no network, whole without a script.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "base/str.h"
#include "report/adapted.h"
#include "report/gallery.h"

/* Append the whole page. */
void page_write(struct str *out, const struct gallery *g);

/* ---- private to the files page*.c */

/* "Catalan (ca)", or the name as it is. */
void page_language(char *out, size_t cap, const char *name);

/* First screen: which layers, which experts, does overlap explain it. */
void page_answers(struct str *out, const struct report *r);
void page_experts(struct str *out, const struct report *r);
void page_warnings(struct str *out, const struct report *r);
/* What a section shows, in words. */
void page_findings(struct str *out, const struct report *r,
                   enum section section);
void page_tables(struct str *out, const struct report *r, enum section section);
/* Runs side by side: of several, when one has layers or languages. */
bool page_compares(const struct report *r);
void page_compare(struct str *out, const struct report *r);
void page_adapted(struct str *out, const struct adapted *a);
/* What ran, the conventions, how to cite. */
void page_about(struct str *out, const struct report *r);

#endif
