/*
 * overlay.h - an adapter's directory: some tensors in place of those of a
 * checkpoint elsewhere.
 *
 *     DIR/adapter.json         {"base": DIRECTORY, ...}; relative to DIR
 *     DIR/adapter.safetensors  the tensors, by the names of the base
 *     DIR/config.json          that of the base
 */
#ifndef IO_OVERLAY_H
#define IO_OVERLAY_H

#include "io/checkpoint.h"

#define OVERLAY_META "adapter.json"
#define OVERLAY_FILE "adapter.safetensors"

/* Whether a directory is one: it has an adapter.json. */
bool overlay_is(const char *dir);

/* The base that its adapter.json names; the caller frees *out.  MOE_EINPUT,
 * MOE_EFORMAT. */
int overlay_base(struct moe_err *err, char **out, const char *dir);

/*
 * Map base and adapter, each tensor of the adapter in place of the base's.
 *
 * MOE_EFORMAT when a tensor is not in the base, or has another shape or type
 * there, or when the base is itself an adapter.
 */
int overlay_open(struct moe_err *err, struct checkpoint **out, const char *dir);

#endif
