/*
 * verb_convert.c - polymoe convert: a model in another layout or type.
 */
#include "config.h"

#include "client/client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "adapt/adapter.h"
#include "base/fs.h"
#include "base/options.h"
#include "io/overlay.h"
#include "model/native.h"
#include "model/weights.h"

struct convert_options {
    const char *to, *dtype, *diff;
    int64_t shard_bytes, eos;
    bool merge;
};

static const struct option_row rows[] = {
    {0, "diff", "BASE", "write what differs from BASE, as an adapter",
     OPTION_STRING, offsetof(struct convert_options, diff), 0, 0},
    {0, "dtype", "TYPE", "f32, bf16 or f16; as in MODEL when not given",
     OPTION_STRING, offsetof(struct convert_options, dtype), 0, 0},
    {0, "eos", "N", "end of document, in place of that of config.yaml",
     OPTION_INT, offsetof(struct convert_options, eos), 0, 1 << 30},
    {0, "merge", NULL, "MODEL is an adapter; write the whole adapted model",
     OPTION_FLAG, offsetof(struct convert_options, merge), 0, 0},
    {0, "shard-bytes", "N",
     "largest file of the result; 0, one file, if not "
     "given",
     OPTION_INT, offsetof(struct convert_options, shard_bytes), 0,
     (double)(INT64_C(1) << 53)},
    {0, "to", "LAYOUT", "hf or olmo; hf when not given", OPTION_STRING,
     offsetof(struct convert_options, to), 0, 0},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

static const struct option_set set = {
    "polymoe convert", "[OPTION...] MODEL OUT",
    "Write a model in Hugging Face's or the OLMo trainer's layout, in another "
    "type, merged with an adapter, or as one.",
    rows, NULL};

/* A model that is read, in either layout. */
struct input {
    struct weights hf;
    struct native *olmo; // NULL: hf
    const struct moe_config *config;
    enum dtype dtype;
    export_type_fn *type; // NULL: all tensors have dtype
    export_read_fn *read;
    void *arg;
};

static int
open_input(struct moe_err *err, struct input *in, const char *dir, int64_t eos)
{
    int rc;
    *in = (struct input){0};
    if (native_is(dir)) {
        rc = native_open(err, &in->olmo, dir, eos);
        if (rc)
            return rc;
        in->config = native_config(in->olmo);
        in->dtype = native_dtype(in->olmo);
        in->read = native_read;
        in->arg = in->olmo;
        return MOE_OK;
    }
    rc = weights_open(err, &in->hf, dir);
    if (rc)
        return rc;
    in->config = &in->hf.config;
    in->dtype = weights_dtype(&in->hf, &(struct param){.kind = PARAM_EMBED});
    in->type = weights_type;
    in->read = weights_read;
    in->arg = &in->hf;
    return MOE_OK;
}

static void
close_input(struct input *in)
{
    native_close(&in->olmo);
    weights_close(&in->hf);
}

/* What stands in OUT would be mixed with the result. */
static int
check_out(struct moe_err *err, const char *dir)
{
    char **names;
    size_t n;
    if (!fs_exists(dir))
        return MOE_OK;
    int rc = fs_list(err, &names, &n, dir, "");
    if (rc)
        return rc;
    fs_list_free(names, n);
    return n ? moe_fail(err, MOE_EINVAL, "%s: not empty, want a new directory",
                        dir)
             : MOE_OK;
}

static int
convert(struct moe_err *err, const struct convert_options *opt,
        const char *model, const char *dir, int dtype, bool olmo)
{
    struct input in;
    int rc = check_out(err, dir);
    if (!rc && opt->diff)
        return adapter_diff(err, dir, opt->diff, model);
    if (!rc && opt->merge && !overlay_is(model))
        rc = moe_fail(err, MOE_EINVAL, "%s: no adapter, it has no %s", model,
                      OVERLAY_META);
    if (!rc)
        rc = open_input(err, &in, model, opt->eos);
    if (rc)
        return rc;
    const struct export_options how = {
        .dtype = dtype < 0 ? in.dtype : (enum dtype)dtype,
        .type = dtype < 0 ? in.type : NULL,
        .shard_bytes = (uint64_t)opt->shard_bytes,
        .read = in.read,
        .arg = in.arg};
    rc = olmo ? native_write(err, dir, in.config, &how)
              : export_model(err, dir, in.config, &how);
    if (!rc)
        rc = export_carry(err, dir, model, NULL);
    close_input(&in);
    return rc;
}

/* A type by its name, or -1. */
static int
find_dtype(const char *name)
{
    static const struct {
        const char *name;
        enum dtype dtype;
    } row[] = {{"f32", DTYPE_F32}, {"bf16", DTYPE_BF16}, {"f16", DTYPE_F16}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (strcmp(row[i].name, name) == 0)
            return (int)row[i].dtype;
    return -1;
}

int
verb_convert(int argc, char **argv)
{
    struct convert_options opt = {.to = "hf", .eos = -1};
    int first;
    int status = options_parse(&set, &opt, argc, argv, &first);
    if (status != OPTIONS_GO_ON)
        return status;
    if (argc - first != 2)
        return options_usage_error(&set, "want MODEL and OUT");
    const bool olmo = strcmp(opt.to, "olmo") == 0;
    if (!olmo && strcmp(opt.to, "hf") != 0)
        return options_usage_error(&set, "--to: '%s', want hf or olmo", opt.to);
    const int dtype = opt.dtype ? find_dtype(opt.dtype) : -1;
    if (opt.dtype && dtype < 0)
        return options_usage_error(&set, "--dtype: '%s', want f32, bf16 or f16",
                                   opt.dtype);
    if (olmo && opt.shard_bytes)
        return options_usage_error(&set, "--shard-bytes: olmo is one file");
    if (opt.diff && (olmo || opt.dtype || opt.merge || opt.shard_bytes))
        return options_usage_error(&set, "--diff: an adapter has the layout "
                                         "and types of its base");
    struct moe_err err = {0};
    int rc = convert(&err, &opt, argv[first], argv[first + 1], dtype, olmo);
    return rc ? verb_fail("convert", &err) : 0;
}
