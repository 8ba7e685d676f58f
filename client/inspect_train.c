/*
 * inspect_train.c - what training a model takes, at each level of memory.
 */
#include "config.h"

#include "client/inspect_train.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

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

static struct need *
need_of(const struct inspect_train *t, int level, size_t device)
{
    return &t->need[(size_t)level * t->devices + device];
}

static struct trainer_options
options(const struct inspect_train *t, int level)
{
    const int type = find_type(t->weights);
    return (struct trainer_options){
        .arena = {.weights = type ? DTYPE_BF16 : DTYPE_F32,
                  .master = type == 1},
        .pass = {.B = t->micro_batch,
                 .T = t->window,
                 .level = (enum acts_level)level}};
}

int
inspect_train_plan(struct moe_err *err, struct inspect_train *t,
                   const struct moe_config *config,
                   const struct device_info *device, size_t devices)
{
    int rc = MOE_OK;
    t->devices = devices;
    t->need = mem_zero(INSPECT_LEVELS * devices + 1, sizeof *t->need);
    if (!t->need)
        return moe_fail(err, MOE_ENOMEM, "inspect: out of memory");
    for (int i = 0; !rc && i < INSPECT_LEVELS; i++) {
        const struct trainer_options opt = options(t, i);
        rc = trainer_plan(err, &t->plan[i], config, &opt, UINT64_MAX);
        for (size_t d = 0; !rc && d < devices; d++) {
            struct trainer_plan here;
            rc = trainer_plan(err, &here, config, &opt,
                              device[d].max_alloc_bytes);
            *need_of(t, i, d) = here.need;
        }
    }
    return rc;
}

void
inspect_train_free(struct inspect_train *t)
{
    free(t->need);
    t->need = NULL;
}

static bool
fits(const struct need *need, const struct device_info *device)
{
    return need_fits_bytes(need, device) && need_fits_piece(need, device);
}

/* ---- For people --------------------------------------------------------- */

/* One line for each level and device that do not go together. */
static void
print_problems(const struct inspect_train *t, const struct device_info *device)
{
    char why[NEED_TEXT];
    for (int i = 0; i < INSPECT_LEVELS; i++)
        for (size_t d = 0; d < t->devices; d++)
            if (*need_problem(why, need_of(t, i, d), &device[d]))
                printf("  %s on %d: %s\n", levels[i], device[d].index, why);
}

void
inspect_train_print(const struct inspect_train *t,
                    const struct device_info *device)
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
        str_bytes(total, sizeof total, p->need.bytes);
        printf("  %-9s  %16" PRIu64 "  %17" PRIu64 "  %10s ", levels[i],
               p->pass, p->need.bytes, total);
        size_t count = 0;
        for (size_t d = 0; d < t->devices; d++)
            if (fits(need_of(t, i, d), &device[d]) && ++count)
                printf(" %d", device[d].index);
        printf("%s\n", count ? "" : " none");
    }
    print_problems(t, device);
}

/* ---- For programs ------------------------------------------------------- */

json_t *
inspect_fit_json(const struct need *need, const struct device_info *device)
{
    return json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:s, s:b, s:b, s:b}",
                     "index", device->index, "name", device->name,
                     "capacity_bytes", (json_int_t)need_capacity(device),
                     "max_alloc_bytes", (json_int_t)device->max_alloc_bytes,
                     "total_bytes", (json_int_t)need->bytes, "largest_bytes",
                     (json_int_t)need->largest, "largest_buffer", need->name,
                     "fits_total", (int)need_fits_bytes(need, device),
                     "fits_largest", (int)need_fits_piece(need, device), "fits",
                     (int)fits(need, device));
}

json_t *
inspect_train_json(const struct inspect_train *t,
                   const struct device_info *device)
{
    json_t *list = json_array();
    for (int i = 0; i < INSPECT_LEVELS; i++) {
        const struct trainer_plan *p = &t->plan[i];
        json_t *on = json_array(), *all = json_array();
        for (size_t d = 0; d < t->devices; d++) {
            const struct need *need = need_of(t, i, d);
            json_array_append_new(all, inspect_fit_json(need, &device[d]));
            if (fits(need, &device[d]))
                json_array_append_new(on, json_integer(device[d].index));
        }
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:I, s:I, s:o, s:o}", "memory",
                            levels[i], "state_bytes", (json_int_t)p->arena,
                            "activation_bytes", (json_int_t)p->pass,
                            "total_bytes", (json_int_t)p->need.bytes, "fits_on",
                            on, "devices", all));
    }
    return json_pack(
        "{s:I, s:I, s:s, s:o}", "micro_batch", (json_int_t)t->micro_batch,
        "window", (json_int_t)t->window, "weights", t->weights, "levels", list);
}
