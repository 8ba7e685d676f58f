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

/* Nothing matches: say what there is. */
static int
fail_none(struct moe_err *err, const struct device_info *list, size_t n,
          const char *selector)
{
    struct str have = {0};
    for (size_t i = 0; i < n; i++)
        str_printf(&have, "%s%d %s", i ? ", " : "", list[i].index,
                   list[i].name);
    char *text = str_take(&have);
    int rc = !text ? moe_fail(err, MOE_ENOMEM, "devices: out of memory")
                   : moe_fail(err, MOE_EDEVICE,
                              "device '%s': not found, want an index, cpu, "
                              "gpu, vendor=NAME or a part of a name of: %s",
                              selector, text);
    free(text);
    return rc;
}

static bool
is_better(const struct device_info *a, const struct device_info *b)
{
    if (rank(a) != rank(b))
        return rank(a) > rank(b);
    return a->kind == DEVICE_GPU && a->memory_bytes > b->memory_bytes;
}

int
device_select(struct moe_err *err, size_t *out, const struct device_info *list,
              size_t n, const char *selector)
{
    bool found = false;
    if (!selector || !*selector)
        selector = getenv("POLYMOE_DEVICE");
    bool any = !selector || !*selector;
    *out = 0;
    if (n == 0)
        return moe_fail(err, MOE_EDEVICE,
                        "no usable OpenCL device%s%s%s: install a driver, or "
                        "PoCL for the processor",
                        any ? "" : " (asked for '", any ? "" : selector,
                        any ? "" : "')");
    for (size_t i = 0; i < n; i++) {
        if (!any && !matches(&list[i], selector))
            continue;
        if (!found || is_better(&list[i], &list[*out]))
            *out = i;
        found = true;
    }
    return found ? MOE_OK : fail_none(err, list, n, selector);
}
