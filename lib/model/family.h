/*
 * family.h - what differs between families of models, as data: one row each.
 */
#ifndef MODEL_FAMILY_H
#define MODEL_FAMILY_H

#include <polymoe/model.h>

#include "base/str.h"
#include "model/params.h"

struct family {
    const char *model_type;     // in config.json
    const char *architecture;   // its class in transformers
    struct moe_config defaults; // what an absent key means
    const char *const *names;   // of tensors, by enum param_kind
};

/* The row of a model type, or NULL. */
const struct family *family_find(const char *model_type);

/* Append the supported model types, separated by commas. */
void family_list(struct str *out);

#endif
