/*
 * select.c - the device that a selector means.
 */
#include "config.h"

#include "device/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

/* GPUs before CPUs, a card with its own memory before an integrated one, and
 * simulators and software renderers last. */
static int
rank(const struct device_info *info)
{
    if (strstr(info->name, "llvmpipe") || strstr(info->name, "Oclgrind"))
        return 1;
    if (info->kind == DEVICE_GPU)
        return info->host_memory ? 4 : 5;
    return info->kind == DEVICE_CPU ? 3 : 2;
}

static bool
contains(const char *text, const char *part)
{
    size_t n = strlen(part);
    for (; *text; text++)
        if (strncasecmp(text, part, n) == 0)
            return true;
    return false;
}

static bool
matches(const struct device_info *info, const char *selector)
{
    char *end;
    if (isdigit((unsigned char)selector[0])) {
        unsigned long index = strtoul(selector, &end, 10);
        if (!*end)
            return index == (unsigned long)info->index;
    }
    if (strcasecmp(selector, "cpu") == 0)
        return info->kind == DEVICE_CPU;
    if (strcasecmp(selector, "gpu") == 0)
        return info->kind == DEVICE_GPU;
    if (strncasecmp(selector, "vendor=", 7) == 0)
        return selector[7] &&
               (strcasecmp(info->vendor_key, selector + 7) == 0 ||
                contains(info->vendor, selector + 7));
    return selector[0] && contains(info->name, selector);
}

static int
fail_none(struct moe_err *err, const struct found_list *list,
          const char *selector)
{
    struct str have = {0};
    for (size_t i = 0; i < list->n; i++)
        str_printf(&have, "%s%d %s", i ? ", " : "", list->v[i].info.index,
                   list->v[i].info.name);
    char *text = str_take(&have);
    int rc;
    if (!text)
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory",
                      selector ? selector : "devices");
    else if (list->n == 0)
        rc = moe_fail(err, MOE_EDEVICE,
                      "no usable OpenCL device%s%s%s: install a driver, or "
                      "PoCL for the processor",
                      selector ? " (asked for '" : "", selector ? selector : "",
                      selector ? "')" : "");
    else
        rc = moe_fail(err, MOE_EDEVICE,
                      "device '%s': not found, want an index, cpu, gpu, "
                      "vendor=NAME or a part of a name of: %s",
                      selector, text);
    free(text);
    return rc;
}

int
select_device(struct moe_err *err, struct found *out,
              const struct found_list *list, const char *selector)
{
    const struct found *best = NULL;
    for (size_t i = 0; i < list->n; i++) {
        const struct found *f = &list->v[i];
        if (selector && !matches(&f->info, selector))
            continue;
        int better = best ? rank(&f->info) - rank(&best->info) : 1;
        if (better > 0 || (better == 0 && f->info.kind == DEVICE_GPU &&
                           f->info.memory_bytes > best->info.memory_bytes))
            best = f;
    }
    if (!best)
        return fail_none(err, list, selector);
    *out = *best;
    return MOE_OK;
}
