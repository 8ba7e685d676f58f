/*
 * need.c - what will be asked of a device, before any is.
 */
#include "config.h"

#include "device/need.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/str.h"

static void
note_largest(struct need *need, const char *name, uint64_t bytes)
{
    if (bytes <= need->largest)
        return;
    need->largest = bytes;
    snprintf(need->name, sizeof need->name, "%s", name);
}

void
need_add(struct need *need, const char *name, uint64_t bytes, uint64_t n)
{
    need->bytes += n * bytes;
    if (n)
        note_largest(need, name, bytes);
}

void
need_tensor(struct need *need, const char *name, const struct tensor *t,
            uint64_t n)
{
    need_add(need, name, tensor_count(t) * dtype_bytes(t->dtype), n);
}

void
need_all(struct need *need, const struct need *more)
{
    need->bytes += more->bytes;
    need_once(need, more);
}

void
need_once(struct need *need, const struct need *more)
{
    note_largest(need, more->name, more->largest);
}

uint64_t
need_capacity(const struct device_info *device)
{
    if (device->host_memory && device->free_bytes > device->memory_bytes)
        return device->free_bytes;
    return device->memory_bytes;
}

bool
need_fits_bytes(const struct need *need, const struct device_info *device)
{
    return need->bytes <= need_capacity(device);
}

bool
need_fits_piece(const struct need *need, const struct device_info *device)
{
    return need->largest <= device->max_alloc_bytes;
}

const char *
need_problem(char out[NEED_TEXT], const struct need *need,
             const struct device_info *device)
{
    char want[32], have[32];
    const uint64_t capacity = need_capacity(device);
    const uint64_t piece = device->max_alloc_bytes;
    const bool all = need_fits_bytes(need, device);
    str_bytes(want, sizeof want, all ? need->largest : need->bytes);
    str_bytes(have, sizeof have, all ? piece : capacity);
    out[0] = '\0';
    if (!all)
        snprintf(out, NEED_TEXT,
                 "needs %s (%" PRIu64 " bytes), %s has %s (%" PRIu64 " bytes)",
                 want, need->bytes, device->name, have, capacity);
    else if (!need_fits_piece(need, device))
        snprintf(out, NEED_TEXT,
                 "buffer '%s' needs %s (%" PRIu64
                 " bytes) in one piece, %s allows %s "
                 "(%" PRIu64 " bytes)",
                 need->name, want, need->largest, device->name, have, piece);
    return out;
}

int
need_check(struct moe_err *err, const struct device_info *device,
           const struct need *need, const char *name)
{
    char why[NEED_TEXT];
    if (!*need_problem(why, need, device))
        return MOE_OK;
    return moe_fail(err, MOE_EFIT, "%s: %s", name, why);
}
