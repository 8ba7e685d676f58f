/*
 * arena_read.c - parameters out of an arena.
 */
#include "config.h"

#include "train/arena.h"

/* n elements from `at` of a tensor in the arena, as f32.  Half-width ones come
 * to the upper half of the space and are widened from its start. */
static int
read_elements(const struct tensor *t, uint64_t at, float *out, size_t n)
{
    size_t width = dtype_bytes(t->dtype);
    unsigned char *raw = (unsigned char *)out + n * (sizeof *out - width);
    int rc = buffer_read(t->buf, (t->offset + at) * width, raw, n * width);
    for (size_t i = 0; !rc && width < sizeof *out && i < n; i++) {
        float x;
        dtype_widen(&x, raw + i * width, t->dtype, 1);
        out[i] = x;
    }
    return rc;
}

int
arena_read_param(struct moe_err *err, void *arg, const struct param *q,
                 uint64_t at, float *out, size_t n)
{
    const struct arena *a = arg;
    for (size_t i = 0; i < a->params; i++) {
        const struct arena_param *r = &a->param[i];
        if (r->p.kind == q->kind && r->p.layer == q->layer &&
            r->p.expert == q->expert)
            return read_elements(r->master.buf ? &r->master : &r->w, at, out,
                                 n);
    }
    return moe_fail(err, MOE_EINVAL, "export: a parameter is not trained");
}
