/*
 * family.c - one row a family.
 */
#include "model/family.h"

#include <string.h>

#include "model/names.h"

static const struct family families[] = {
    {
        .model_type = "olmoe",
        .architecture = "OlmoeForCausalLM",
        .names = names_olmoe,
        .defaults = {.max_positions = 4096,
                     .rope_theta = 10000,
                     .rms_eps = 1e-5,
                     .init_std = 0.02,
                     .aux_coef = 0.01,
                     .bos = -1,
                     .eos = 50279,
                     .pad = 1},
    },
};

enum { FAMILIES = sizeof families / sizeof *families };

const struct family *
family_find(const char *model_type)
{
    for (size_t i = 0; i < FAMILIES; i++)
        if (strcmp(families[i].model_type, model_type) == 0)
            return &families[i];
    return NULL;
}

void
family_list(struct str *out)
{
    for (size_t i = 0; i < FAMILIES; i++)
        str_printf(out, "%s%s", i ? ", " : "", families[i].model_type);
}
