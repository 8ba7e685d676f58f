/*
 * verb_devices.c - polymoe devices: what there is to compute on.
 */
#include "config.h"

#include "client/client.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/options.h"
#include "base/str.h"
#include "device/device.h"

struct devices_options {
    const char *device;
    bool json;
};

static const struct option_row rows[] = {
    {'d', "device", "SELECTOR", "show only the device that this selects",
     OPTION_STRING, offsetof(struct devices_options, device), 0, 0},
    {0, "json", NULL, "print JSON", OPTION_FLAG,
     offsetof(struct devices_options, json), 0, 0},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

static const struct option_set set = {
    "polymoe devices", "[OPTION...]",
    "List the OpenCL devices and what they offer.", rows, NULL};

static const char *
kind_name(enum device_kind kind)
{
    return kind == DEVICE_GPU ? "gpu" : kind == DEVICE_CPU ? "cpu" : "other";
}

static void
print_text(const struct device_info *d, bool chosen)
{
    char memory[16], free_bytes[16], alloc[16], local[16];
    str_bytes(memory, sizeof memory, d->memory_bytes);
    str_bytes(free_bytes, sizeof free_bytes, d->free_bytes);
    str_bytes(alloc, sizeof alloc, d->max_alloc_bytes);
    str_bytes(local, sizeof local, d->local_bytes);
    printf("%d  %s%s\n", d->index, d->name, chosen ? "  (default)" : "");
    printf("   selectors      %d, %s, vendor=%s\n", d->index,
           kind_name(d->kind), d->vendor_key);
    printf("   vendor         %s\n", d->vendor);
    printf("   platform       %s, %s\n", d->platform, d->platform_version);
    printf("   driver         %s, %s\n", d->driver, d->c_version);
    printf("   memory         %s, %s free%s\n", memory, free_bytes,
           d->host_memory ? ", shared with the host" : "");
    printf("   max allocation %s\n", alloc);
    printf("   compute units  %" PRIu32 ", groups of up to %" PRIu32
           ", %s local memory\n",
           d->compute_units, d->max_group, local);
    printf("   fp16, fp64     %s, %s\n", d->fp16 ? "yes" : "no",
           d->fp64 ? "yes" : "no");
    printf("   extensions     %s\n", *d->extensions ? d->extensions : "none");
    printf("   instructions   %s\n",
           *d->instructions ? d->instructions : "none");
}

/* The words of a list as an array. */
static json_t *
words(const char *list)
{
    json_t *array = json_array();
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, " ");
        json_array_append_new(array, json_stringn(p, n));
        p += n + (p[n] == ' ');
    }
    return array;
}

static json_t *
to_json(const struct device_info *d, bool chosen)
{
    return json_pack(
        "{s:i, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, "
        "s:I, s:I, s:I, s:b, s:b, s:b, s:I, s:o, s:o}",
        "index", d->index, "default", (int)chosen, "kind", kind_name(d->kind),
        "name", d->name, "vendor", d->vendor, "vendor_key", d->vendor_key,
        "platform", d->platform, "platform_version", d->platform_version,
        "driver", d->driver, "c_version", d->c_version, "memory_bytes",
        (json_int_t)d->memory_bytes, "free_bytes", (json_int_t)d->free_bytes,
        "max_alloc_bytes", (json_int_t)d->max_alloc_bytes, "local_bytes",
        (json_int_t)d->local_bytes, "compute_units",
        (json_int_t)d->compute_units, "max_group", (json_int_t)d->max_group,
        "host_memory", (int)d->host_memory, "fp16", (int)d->fp16, "fp64",
        (int)d->fp64, "vector_bits", (json_int_t)d->vector_bits, "extensions",
        words(d->extensions), "instructions", words(d->instructions));
}

/* Of all devices, or of the chosen one alone. */
static void
print(const struct device_info *list, size_t n, size_t chosen,
      const struct devices_options *opt)
{
    size_t best;
    json_t *array = json_array();
    if (device_select(NULL, &best, list, n, NULL))
        best = n; // $POLYMOE_DEVICE selects nothing
    for (size_t i = 0; i < n; i++) {
        if (opt->device && i != chosen)
            continue;
        if (opt->json)
            json_array_append_new(array, to_json(&list[i], i == best));
        else
            print_text(&list[i], i == best);
    }
    if (opt->json) {
        json_t *root = json_pack("{s:O}", "devices", array);
        json_dumpf(root, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(root);
    }
    json_decref(array);
}

/* Without a selector every device is shown, and a $POLYMOE_DEVICE that selects
 * none does not matter. */
static int
choose(struct moe_err *err, size_t *chosen, const struct device_info *list,
       size_t n, const char *selector)
{
    *chosen = n;
    return selector || n == 0 ? device_select(err, chosen, list, n, selector)
                              : MOE_OK;
}

int
verb_devices(int argc, char **argv)
{
    struct devices_options opt = {0};
    struct moe_err err = {0};
    struct device_info *list;
    size_t n, chosen;
    int first;
    int status = options_parse(&set, &opt, argc, argv, &first);
    if (status != OPTIONS_GO_ON)
        return status;
    if (first < argc)
        return options_usage_error(&set, "unexpected operand '%s'",
                                   argv[first]);
    int rc = device_list(&err, &list, &n, verb_note, "devices");
    if (rc)
        return verb_fail("devices", &err);
    rc = choose(&err, &chosen, list, n, opt.device);
    if (!rc)
        print(list, n, chosen, &opt);
    free(list);
    return rc ? verb_fail("devices", &err) : 0;
}
