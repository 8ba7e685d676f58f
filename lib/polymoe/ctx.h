/*
 * ctx.h - a context: one OpenCL device and everything made on it.
 *
 *     struct moe_err err = {0};
 *     struct moe_ctx *ctx;
 *     struct moe_ctx_options opt = {.device = "gpu"};
 *     if (moe_ctx_create(&ctx, &opt, &err))
 *         puts(err.text);
 *     ...
 *     moe_ctx_destroy(&ctx);
 */
#ifndef POLYMOE_CTX_H
#define POLYMOE_CTX_H

#include <stdbool.h>

#include <polymoe/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct moe_ctx;

enum moe_log_level { MOE_LOG_ERROR, MOE_LOG_WARN, MOE_LOG_INFO, MOE_LOG_DEBUG };

/* Takes one line without a line end.  Never called from two threads at once. */
typedef void moe_log_fn(void *arg, enum moe_log_level level, const char *line);

/* A zeroed struct means all defaults. */
struct moe_ctx_options {
    const char *device; // selector; NULL: $POLYMOE_DEVICE, else best GPU, CPU
    const char *cache_dir; // compiled programs; NULL: $POLYMOE_CACHE_DIR, else
                           // $XDG_CACHE_HOME/polymoe, ~/.cache/polymoe
    bool profile;          // keep seconds per kernel
    moe_log_fn *log;       // NULL: no log
    void *log_arg;
};

/*
 * Open a device.
 *
 * A selector is an index of `polymoe devices`, `cpu`, `gpu`, `vendor=NAME`,
 * or a part of the device's name, compared without case.
 *
 * Returns MOE_OK; MOE_EDEVICE when nothing matches or the driver fails, with
 * what was asked and what there is; MOE_ENOMEM.
 */
MOE_API int moe_ctx_create(struct moe_ctx **out,
                           const struct moe_ctx_options *opt,
                           struct moe_err *err);
MOE_API void moe_ctx_destroy(struct moe_ctx **ctxp);

/* The context's error record; valid until the context is destroyed. */
MOE_API struct moe_err *moe_ctx_err(struct moe_ctx *ctx);

#ifdef __cplusplus
}
#endif
#endif
