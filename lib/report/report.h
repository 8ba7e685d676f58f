/*
 * report.h - from results folders to report.html and figures.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include <polymoe/error.h>

struct report_options {
    const char *out;   // directory; made if need be
    const char *title; // NULL: from the names of the runs
    bool no_figures;   // only the page, which holds the figures too
};

/*
 * Read n results folders, one run each, and write OUT/report.html and
 * OUT/figures/NAME.svg and .pdf.
 *
 * MOE_EINPUT and MOE_EFORMAT for a folder that cannot be read, MOE_EIO for a
 * file that cannot be written; each file appears only when it is complete.
 */
int report_write(struct moe_err *err, const char *const *dir, size_t n,
                 const struct report_options *opt);

#endif
