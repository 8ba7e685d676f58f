/*
 * tensors.c - tensors on the device for the check programs of kernels.
 */
#include "config.h"

#include "tests/tensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "device/device.h"

enum { GUARD = 13, TENSORS = 1000, BLOCKS = 4000 };

struct held {
    struct tensor t;
    char name[32];
};

static struct held held[TENSORS];
static int count;
static void *block[BLOCKS];
static int blocks;

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
    unsigned char *host = support_alloc(all, 1);
    ck_assert_int_lt(count, TENSORS);
    memset(host, 0xff, all);
    if (data)
        memcpy(host + guard, data, bytes);
    ck_ok(moe_ctx_err(ctx), buffer_create(ctx, &t.buf, all, name));
    ck_ok(moe_ctx_err(ctx), buffer_write(t.buf, 0, host, all));
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
    float *x = support_alloc(n, sizeof *x);
    void *y = support_alloc(n, sizeof *x);
    support_normal(x, n, seed, scale);
    narrow(y, x, t, n);
    if (host)
        dtype_widen(host, y, t, n);
    return support_tensor(name, t, rank, dim, y);
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
    float *got = support_alloc(n, sizeof *got);
    support_read(t, got);
    support_close(name_of(t), got, want, n, abs, rel);
}

void
support_same(const struct tensor *a, const struct tensor *b)
{
    size_t bytes = tensor_bytes(a);
    unsigned char *x = support_alloc(bytes, 1), *y = support_alloc(bytes, 1);
    ck_assert_uint_eq(bytes, tensor_bytes(b));
    support_read(a, x);
    support_read(b, y);
    ck_assert_msg(memcmp(x, y, bytes) == 0, "%s and %s differ", name_of(a),
                  name_of(b));
}

void *
support_alloc(size_t n, size_t size)
{
    ck_assert_int_lt(blocks, BLOCKS);
    void *p = calloc(n + 1, size);
    ck_assert_ptr_nonnull(p);
    block[blocks++] = p;
    return p;
}

int32_t *
support_integers(size_t n, uint64_t seed, int64_t end)
{
    int32_t *x = support_alloc(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (int32_t)(rng_uniform(seed, 1, i) * (double)end);
    return x;
}

void
support_free(void)
{
    while (count > 0)
        buffer_destroy(&held[--count].t.buf);
    while (blocks > 0)
        free(block[--blocks]);
}

int
support_quick(void)
{
    const char *quick = getenv("POLYMOE_QUICK");
    return quick && *quick;
}
