/*
 * device.c - the list of devices.
 */
#include "config.h"

#include "device/internal.h"

#include <stdlib.h>

#include "base/mem.h"

int
device_list(struct moe_err *err, struct device_info **out, size_t *n,
            moe_log_fn *log, void *log_arg)
{
    struct found_list list;
    *out = NULL;
    *n = 0;
    int rc = probe_all(err, &list, log, log_arg);
    if (rc)
        return rc;
    struct device_info *info = mem_zero(list.n, sizeof *info);
    if (info) {
        for (size_t i = 0; i < list.n; i++)
            info[i] = list.v[i].info;
        *out = info;
        *n = list.n;
    } else {
        rc = moe_fail(err, MOE_ENOMEM, "devices: out of memory");
    }
    free(list.v);
    return rc;
}
