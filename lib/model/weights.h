/*
 * weights.h - the parameters of a Hugging Face checkpoint, read on the host.
 */
#ifndef MODEL_WEIGHTS_H
#define MODEL_WEIGHTS_H

#include "model/export.h"
#include "model/match.h"

struct weights {
    struct moe_config config;
    struct checkpoint *files;
    struct match match;
};

/* Map a checkpoint and account for every tensor of it.  MOE_EINPUT and
 * MOE_EFORMAT as moe_model_load(); *out is empty after a failure. */
int weights_open(struct moe_err *err, struct weights *out, const char *dir);
void weights_close(struct weights *w);

/* The type that a parameter is stored in. */
enum dtype weights_dtype(const struct weights *w, const struct param *p);

/* The same as an export_type_fn, whose arg is the weights. */
enum dtype weights_type(const void *arg, const struct param *p);

/* An export_read_fn whose arg is the weights. */
int weights_read(struct moe_err *err, void *arg, const struct param *p,
                 uint64_t at, float *out, size_t n);

#endif
