/*
 * adapt_cache.c - the cache of the layers that an adaptation does not train:
 * where it is, whose it is, what it was good for.
 */
#include "config.h"

#include "job/adapt_cache.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/str.h"

static bool
is_own(const struct training *t)
{
    return !t->spec->adapt.cache;
}

/* The job's own cache, or the one that it shares; the caller frees it. */
static char *
directory(const struct training *t)
{
    return is_own(t) ? str_path(t->run->out_dir, "cache")
                     : str_copy(t->spec->adapt.cache);
}

static void
warn(void *arg, const char *line)
{
    job_logf(arg, MOE_LOG_WARN, "%s", line);
}

/* Everything but the ids that the stream below a layer comes from. */
static int
identity(struct moe_err *err, char hex[HASH_HEX], const struct training *t,
         int64_t frozen)
{
    const struct device_info *d = ctx_device(t->run->ctx);
    char kernels[HASH_HEX];
    struct hash h;
    int rc = kernels_hash(err, kernels);
    if (rc)
        return rc;
    hash_begin(&h);
    hash_add_text(&h, PACKAGE_VERSION);
    hash_add_text(&h, kernels);
    hash_add_text(&h, d->name);
    hash_add_text(&h, d->platform_version);
    hash_add_text(&h, d->driver);
    hash_add(&h, &frozen, sizeof frozen);
    rc = job_identity_model(err, &h, t->spec->model);
    hash_end(&h, hex);
    return rc;
}

static int
open_in(struct moe_err *err, struct training *t, int64_t frozen)
{
    char hex[HASH_HEX], limit[32];
    char *dir = directory(t);
    const struct prefix_options opt = {.dir = dir,
                                       .identity = hex,
                                       .own = is_own(t),
                                       .bytes =
                                           (uint64_t)t->spec->adapt.cache_bytes,
                                       .D = t->config.D,
                                       .warn = warn,
                                       .warn_arg = t->run};
    int rc = dir ? identity(err, hex, t, frozen)
                 : moe_fail(err, MOE_ENOMEM, "adapt.cache: out of memory");
    if (!rc)
        rc = prefix_open(err, &t->opt.pass.prefix, &opt);
    str_bytes(limit, sizeof limit, opt.bytes);
    if (!rc)
        job_logf(t->run, MOE_LOG_INFO,
                 "what the first %" PRId64 " of %" PRId64
                 " layers make of a window is kept in %s, at most %s",
                 frozen, t->config.L, dir, limit);
    free(dir);
    return rc;
}

int
adapt_cache_open(struct moe_err *err, struct training *t)
{
    struct arena_bytes a;
    if (t->spec->adapt.cache_bytes == 0)
        return is_own(t) ? MOE_OK
                         : moe_fail(err, MOE_EINVAL,
                                    "adapt.cache: want adapt.cache_bytes "
                                    "above 0 too");
    int rc = arena_plan(err, &a, &t->config, &t->opt.arena, UINT64_MAX);
    if (rc)
        return rc;
    const int64_t frozen = pass_frozen(&t->opt.pass, a.lowest, t->config.L);
    if (frozen)
        return open_in(err, t, frozen);
    job_logf(t->run, MOE_LOG_INFO, "adapt.cache_bytes: no cache, %s",
             a.lowest <= 0 ? "the first layer or the embedding is trained"
                           : "a loss or an edit of the routers is of all "
                             "layers");
    return MOE_OK;
}

void
adapt_cache_close(struct training *t, bool done)
{
    struct prefix **p = &t->opt.pass.prefix;
    struct moe_err why = {0};
    if (!*p)
        return;
    if (done) {
        const struct prefix_counts n = prefix_counts(*p);
        job_record(t->run, "cache",
                   json_pack("{s:I, s:I, s:I, s:I}", "read", (json_int_t)n.read,
                             "written", (json_int_t)n.written, "left_out",
                             (json_int_t)n.left_out, "bytes",
                             (json_int_t)n.bytes));
    }
    prefix_close(p);
    if (!done || !is_own(t))
        return;
    char *dir = directory(t);
    if (dir && fs_remove_dir(&why, dir))
        job_logf(t->run, MOE_LOG_WARN, "%s", why.text);
    free(dir);
}
