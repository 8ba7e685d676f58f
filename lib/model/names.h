/*
 * names.h - checkpoint tensor names to ours, as data.
 *
 * A name is a pattern in which {l} stands for the layer and {e} for the
 * expert.
 */
#ifndef MODEL_NAMES_H
#define MODEL_NAMES_H

#include "model/params.h"

enum { NAMES_BYTES = 128 };

extern const char *const names_olmoe[PARAM_KINDS];

/* The tensor name of a parameter; the place where it stands in `out`. */
const char *names_format(char out[NAMES_BYTES], const char *const *names,
                         const struct param *p);

#endif
