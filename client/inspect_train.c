/*
 * inspect_train.c - what training a model takes, at each level of memory.
 */
#include "config.h"

#include "client/inspect_train.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "model/plan.h"

static const char *const types[] = {"f32", "bf16-master", "bf16"};
static const char *const levels[INSPECT_LEVELS] = {"keep", "recompute",
                                                   "blocks"};

/* Place in `types`; 3: none. */
static int
find_type(const char *weights)
{
    int i = 0;
    while (i < 3 && strcmp(weights, types[i]) != 0)
        i++;
    return i;
}

bool
inspect_train_weights(const char *weights)
{
    return find_type(weights) < 3;
}

int
inspect_train_plan(struct moe_err *err, struct inspect_train *t,
                   const struct moe_config *config)
{
    int type = find_type(t->weights), rc = MOE_OK;
    for (int i = 0; !rc && i < INSPECT_LEVELS; i++) {
        struct trainer_options opt = {
            .arena = {.weights = type ? DTYPE_BF16 : DTYPE_F32,
                      .master = type == 1},
            .pass = {.B = t->micro_batch,
                     .T = t->window,
                     .level = (enum acts_level)i}};
        rc = trainer_plan(err, &t->plan[i], config, &opt);
    }
    return rc;
}

static bool
fits(const struct trainer_plan *p, const struct device_info *device)
{
    return p->total <= plan_capacity(device);
}

void
inspect_train_print(const struct inspect_train *t,
                    const struct device_info *device, size_t devices)
{
    char arena[16];
    str_bytes(arena, sizeof arena, t->plan[0].arena);
    printf("\nMemory to train all of it on %" PRId64 " x %" PRId64
           " tokens at a time, weights %s: %s (%" PRIu64
           " bytes) for weights, gradients and moments, and\n"
           "  memory          activations  together in bytes              fits "
           "on\n",
           t->micro_batch, t->window, t->weights, arena, t->plan[0].arena);
    for (int i = 0; i < INSPECT_LEVELS; i++) {
        const struct trainer_plan *p = &t->plan[i];
        char total[16];
        str_bytes(total, sizeof total, p->total);
        printf("  %-9s  %16" PRIu64 "  %17" PRIu64 "  %10s ", levels[i],
               p->pass, p->total, total);
        size_t count = 0;
        for (size_t d = 0; d < devices; d++)
            if (fits(p, &device[d]) && ++count)
                printf(" %d", device[d].index);
        printf("%s\n", count ? "" : " none");
    }
}

json_t *
inspect_train_json(const struct inspect_train *t,
                   const struct device_info *device, size_t devices)
{
    json_t *list = json_array();
    for (int i = 0; i < INSPECT_LEVELS; i++) {
        const struct trainer_plan *p = &t->plan[i];
        json_t *on = json_array();
        for (size_t d = 0; d < devices; d++)
            if (fits(p, &device[d]))
                json_array_append_new(on, json_integer(device[d].index));
        json_array_append_new(
            list,
            json_pack("{s:s, s:I, s:I, s:I, s:o}", "memory", levels[i],
                      "state_bytes", (json_int_t)p->arena, "activation_bytes",
                      (json_int_t)p->pass, "total_bytes", (json_int_t)p->total,
                      "fits_on", on));
    }
    return json_pack(
        "{s:I, s:I, s:s, s:o}", "micro_batch", (json_int_t)t->micro_batch,
        "window", (json_int_t)t->window, "weights", t->weights, "levels", list);
}
