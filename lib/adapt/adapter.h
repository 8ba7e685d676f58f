/*
 * adapter.h - the small result of an adaptation: the tensors that changed.
 *
 * A directory that stands for a whole model wherever one is read: see
 * io/overlay.h.  Tensors have the names and types of the base.
 */
#ifndef ADAPT_ADAPTER_H
#define ADAPT_ADAPTER_H

#include <jansson.h>

#include "model/weights.h"

struct adapter_source {
    const char *base_dir;       // of the model that it is for
    const struct weights *base; // the same, open
    bool (*changed)(const void *arg, const struct param *p);
    const void *changed_arg;
    export_read_fn *read; // the new values, of what changed
    void *read_arg;
    const json_t *about; // put into adapter.json beside base and parameters
};

/*
 * Write config.json, adapter.safetensors, the tokenizer's files, and
 * adapter.json last, to `dir`, which is made if missing.
 *
 * MOE_EINVAL when nothing changed, or when a part of a fused tensor did;
 * MOE_EIO, MOE_ENOMEM, what `read` returned.
 */
int adapter_write(struct moe_err *err, const char *dir,
                  const struct adapter_source *s);

/*
 * Write, as an adapter, what differs between two models of one shape.
 * MOE_ESHAPE when their configurations differ in a size.
 */
int adapter_diff(struct moe_err *err, const char *dir, const char *base_dir,
                 const char *tuned_dir);

#endif
