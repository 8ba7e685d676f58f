/*
 * matrix.h - a heat map of one layer of one run, as an exhibit.
 */
#ifndef REPORT_MATRIX_H
#define REPORT_MATRIX_H

#include "report/gallery.h"
#include "report/heat.h"

struct matrix {
    enum section section;
    const char *name;  // of its files: NAME-layerNN
    const char *title; // "TITLE, layer N"
    const char *about; // follows "Layer N: "
    struct heat heat;  // its scale_title becomes "TITLE, layer N" too
};

void matrix_add(struct gallery *g, size_t run, size_t layer,
                const struct matrix *m);

/* The highest finite value of n, 0 when none is above. */
double matrix_highest(const double *v, size_t n);

#endif
