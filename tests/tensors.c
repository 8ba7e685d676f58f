/*
 * tensors.c - tensors on the device for the check programs of kernels.
 */
#include "config.h"

#include "tests/tensors.h"

#include <stdlib.h>
#include <string.h>

#include "device/device.h"

enum { GUARD = 13, TENSORS = 64 };

struct held {
    struct tensor t;
    char name[32];
};

static struct held held[TENSORS];
static int count;

static size_t
tensor_bytes(const struct tensor *t)
{
    return (size_t)tensor_count(t) * dtype_bytes(t->dtype);
}

struct tensor
support_tensor(const char *name, enum dtype type, int rank, const int64_t *dim,
               const void *data)
{
    struct moe_ctx *ctx = support_ctx();
    struct tensor t = tensor_shape(type, rank, dim);
    size_t bytes = tensor_bytes(&t), guard = GUARD * dtype_bytes(type);
    size_t all = bytes + 2 * guard;
    unsigned char *host = malloc(all);
    ck_assert_ptr_nonnull(host);
    ck_assert_int_lt(count, TENSORS);
    memset(host, 0xff, all);
    if (data)
        memcpy(host + guard, data, bytes);
    ck_ok(moe_ctx_err(ctx), buffer_create(ctx, &t.buf, all, name));
    ck_ok(moe_ctx_err(ctx), buffer_write(t.buf, 0, host, all));
    free(host);
    t.offset = GUARD;
    held[count].t = t;
    strncpy(held[count].name, name, sizeof held[count].name - 1);
    count++;
    return t;
}

static void
narrow(void *out, const float *x, enum dtype t, size_t n)
{
    if (t == DTYPE_F32)
        memcpy(out, x, n * sizeof *x);
    else
        for (size_t i = 0; i < n; i++)
            ((uint16_t *)out)[i] = t == DTYPE_BF16 ? dtype_f32_to_bf16(x[i])
                                                   : dtype_f32_to_f16(x[i]);
}

struct tensor
support_random(const char *name, enum dtype t, int rank, const int64_t *dim,
               uint64_t seed, double scale, float *host)
{
    struct tensor shape = tensor_shape(t, rank, dim);
    size_t n = (size_t)tensor_count(&shape);
    float *x = malloc(n * sizeof *x + 1);
    void *y = malloc(n * sizeof *x + 1);
    ck_assert(x && y);
    support_normal(x, n, seed, scale);
    narrow(y, x, t, n);
    if (host)
        dtype_widen(host, y, t, n);
    shape = support_tensor(name, t, rank, dim, y);
    free(x);
    free(y);
    return shape;
}

static const char *
name_of(const struct tensor *t)
{
    for (int i = 0; i < count; i++)
        if (held[i].t.buf == t->buf)
            return held[i].name;
    return "tensor";
}

/* The guards around a tensor of ours still hold what they held. */
static void
check_guards(const struct tensor *t)
{
    size_t size = dtype_bytes(t->dtype), guard = GUARD * size;
    unsigned char got[GUARD * sizeof(uint64_t)];
    uint64_t at[2] = {0, buffer_size(t->buf) - guard};
    for (int i = 0; i < 2; i++) {
        ck_ok(moe_ctx_err(support_ctx()),
              buffer_read(t->buf, at[i], got, guard));
        for (size_t k = 0; k < guard; k++)
            ck_assert_msg(got[k] == 0xff, "%s: written %s its end", name_of(t),
                          i ? "after" : "before");
    }
}

void
support_read(const struct tensor *t, void *out)
{
    ck_ok(moe_ctx_err(support_ctx()), tensor_read(t, out));
    check_guards(t);
}

void
support_close_tensor(const struct tensor *t, const double *want, double abs,
                     double rel)
{
    size_t n = (size_t)tensor_count(t);
    float *got = malloc(n * sizeof *got + 1);
    ck_assert_ptr_nonnull(got);
    support_read(t, got);
    support_close(name_of(t), got, want, n, abs, rel);
    free(got);
}

void
support_same(const struct tensor *a, const struct tensor *b)
{
    size_t bytes = tensor_bytes(a);
    unsigned char *x = malloc(bytes + 1), *y = malloc(bytes + 1);
    ck_assert(x && y);
    ck_assert_uint_eq(bytes, tensor_bytes(b));
    support_read(a, x);
    support_read(b, y);
    ck_assert_msg(memcmp(x, y, bytes) == 0, "%s and %s differ", name_of(a),
                  name_of(b));
    free(x);
    free(y);
}

void
support_free_tensors(void)
{
    while (count > 0)
        buffer_destroy(&held[--count].t.buf);
}

int
support_quick(void)
{
    const char *quick = getenv("POLYMOE_QUICK");
    return quick && *quick;
}
