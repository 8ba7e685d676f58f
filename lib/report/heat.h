/*
 * heat.h - a matrix as coloured cells.
 */
#ifndef REPORT_HEAT_H
#define REPORT_HEAT_H

#include "report/axes.h"

struct heat {
    size_t rows, columns;
    const double *value;         // (rows, columns); a missing value is NaN
    const char *const *row_name; // NULL: numbers from 0, as room allows
    const char *const *column_name;
    const char *row_title, *column_title;
    const char *scale_title;     // quantity and unit
    double lo, hi;               // of the scale
    bool lower;                  // only the part below the diagonal
    bool balanced;               // lo = -hi, and 0 is pale
    bool values;                 // write each value, two digits
    const unsigned char *marked; // (rows, columns), or NULL
    const char *mark_title;      // what a mark means
    double cell_w, cell_h;       // 0: by room
};

/* Begin f and draw. */
void heat_draw(struct figure *f, const struct heat *h, const char *title);

#endif
