/*
 * check_device.c - buffers, launches, programs and times on a device.
 *
 * Precondition: an OpenCL device.  Claim: what is written is read back, a
 * kernel gets exactly the arguments it declares, and every misuse is an error
 * that names the buffer or the kernel.
 */
#include "config.h"

#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"

static const char kernels[] =
    "__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void\n"
    "scale(__global float *y, const ulong y_at, __global const float *x,\n"
    "      const ulong x_at, const int n, const float a)\n"
    "{\n"
    "    const size_t i = get_global_id(0);\n"
    "    if (i < (size_t)n)\n"
    "        y[y_at + i] = a * x[x_at + i];\n"
    "}\n"
    "__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void\n"
    "place(__global int *y, const int width)\n"
    "{\n"
    "    y[get_group_id(1) * width + get_group_id(0)] =\n"
    "        100 * (int)get_group_id(1) + (int)get_group_id(0);\n"
    "}\n"
    "__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void\n"
    "sums(__global float *y, __global const float *x, const int n)\n"
    "{\n"
    "    __local float scratch[WG];\n"
    "    float s = 0.0f;\n"
    "    for (int i = get_local_id(0); i < n; i += WG)\n"
    "        s += x[get_group_id(0) * (size_t)n + i];\n"
    "    s = group_sum(s, scratch);\n"
    "    if (get_local_id(0) == 0)\n"
    "        y[get_group_id(0)] = s;\n"
    "}\n";

static struct moe_ctx *
ctx_with_kernels(void)
{
    struct moe_ctx *ctx = support_ctx();
    support_write(support_path("sample.cl"), kernels, strlen(kernels));
    support_write(support_path("broken.cl"), "kernel void f() { oops; }\n", 26);
    setenv("POLYMOE_KERNEL_DIR", support_dir(), 1);
    return ctx;
}

static struct tensor
filled(struct moe_ctx *ctx, const char *name, const float *x, int64_t n)
{
    struct tensor t = tensor_shape(DTYPE_F32, 1, &n);
    ck_ok(moe_ctx_err(ctx), tensor_create(ctx, &t, name));
    if (x)
        ck_ok(moe_ctx_err(ctx), tensor_write(&t, x));
    return t;
}

START_TEST(bytes_come_back)
{
    struct moe_ctx *ctx = support_ctx();
    struct moe_err *err = moe_ctx_err(ctx);
    struct buffer *a, *b;
    unsigned char in[1000], out[1000];
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)(i * 7);
    ck_ok(err, buffer_create(ctx, &a, sizeof in, "a"));
    ck_ok(err, buffer_create(ctx, &b, sizeof in, "b"));
    ck_assert_uint_eq(buffer_size(a), sizeof in);
    ck_ok(err, buffer_write(a, 0, in, sizeof in));
    ck_ok(err, buffer_copy(b, 0, a, 0, sizeof in));
    ck_ok(err, buffer_copy(b, 3, a, 501, 97));
    ck_ok(err, buffer_zero(b, 200, 13));
    ck_ok(err, buffer_zero(b, 400, 16));
    ck_ok(err, buffer_read(b, 0, out, sizeof out));
    memcpy(in + 3, in + 501, 97);
    memset(in + 200, 0, 13);
    memset(in + 400, 0, 16);
    ck_assert(memcmp(in, out, sizeof in) == 0);
    buffer_destroy(&a);
    buffer_destroy(&b);
    ck_assert_ptr_null(a);
    buffer_destroy(&a);
}
END_TEST

START_TEST(ranges_are_checked)
{
    struct moe_ctx *ctx = support_ctx();
    struct moe_err *err = moe_ctx_err(ctx);
    struct buffer *a, *none;
    char byte = 0;
    ck_ok(err, buffer_create(ctx, &a, 10, "weights"));
    ck_fails(err, buffer_write(a, 10, &byte, 1), MOE_ESHAPE, "weights");
    ck_fails(err, buffer_read(a, UINT64_MAX, &byte, 2), MOE_ESHAPE, "weights");
    ck_fails(err, buffer_zero(a, 3, 8), MOE_ESHAPE, "bytes 3 + 8 of 10");
    ck_ok(err, buffer_create(ctx, &none, 0, "none"));
    ck_ok(err, buffer_write(none, 0, NULL, 0));
    ck_ok(err, buffer_copy(none, 0, a, 10, 0));
    ck_fails(err, buffer_copy(none, 0, a, 0, 1), MOE_ESHAPE, "none");
    buffer_destroy(&none);
    buffer_destroy(&a);
}
END_TEST

START_TEST(sizes_are_refused_with_both_numbers)
{
    struct moe_ctx *ctx = support_ctx();
    struct moe_err *err = moe_ctx_err(ctx);
    struct buffer *b;
    char allowed[64];
    uint64_t most = ctx_device(ctx)->max_alloc_bytes;
    snprintf(allowed, sizeof allowed, "allows %llu", (unsigned long long)most);
    ck_fails(err, buffer_create(ctx, &b, most + 1, "head"), MOE_EFIT, allowed);
    ck_assert_ptr_null(b);
    struct tensor t = tensor_shape(
        DTYPE_F32, 3, (int64_t[]){INT64_MAX / 2, INT64_MAX / 2, 9});
    ck_fails(err, tensor_create(ctx, &t, "huge"), MOE_ESHAPE, "huge");
}
END_TEST

START_TEST(host_bytes_are_wrapped)
{
    struct moe_ctx *ctx = ctx_with_kernels();
    struct moe_err *err = moe_ctx_err(ctx);
    static float x[1024 + 1];
    float y[7];
    struct buffer *b;
    struct launch l;
    for (int i = 0; i < 1024; i++)
        x[i + 1] = (float)i;
    ck_ok(err, buffer_wrap(ctx, &b, x + 1, 4096, "file"));
    struct tensor out = filled(ctx, "out", NULL, 7);
    struct tensor in = {.buf = b, .offset = 1000, .dtype = DTYPE_F32};
    launch_begin_in(ctx, &l, "sample", "", "scale");
    launch_tensor(&l, &out);
    launch_tensor(&l, &in);
    launch_int(&l, 7);
    launch_float(&l, 2.0f);
    ck_ok(err, launch_items(&l, 7));
    ck_ok(err, tensor_read(&out, y));
    for (int i = 0; i < 7; i++)
        ck_assert_float_eq(y[i], 2.0f * (1000.0f + (float)i));
    buffer_destroy(&out.buf);
    buffer_destroy(&b);
}
END_TEST

/* Below, at and above the group size, and a prime. */
START_TEST(every_length_is_covered)
{
    static const int64_t length[] = {1, 63, 64, 65, 211, 1024};
    struct moe_ctx *ctx = ctx_with_kernels();
    struct moe_err *err = moe_ctx_err(ctx);
    int64_t n = length[_i];
    float *x = calloc((size_t)n + 1, sizeof *x), *y = calloc((size_t)n + 1, 4);
    struct launch l;
    support_normal(x, (size_t)n, 1, 1.0);
    struct tensor in = filled(ctx, "in", x, n);
    struct tensor out = filled(ctx, "out", NULL, n + 1);
    ck_ok(err, buffer_zero(out.buf, 0, buffer_size(out.buf)));
    launch_begin_in(ctx, &l, "sample", "", "scale");
    launch_tensor(&l, &out);
    launch_tensor(&l, &in);
    launch_int(&l, n);
    launch_float(&l, 0.5f);
    ck_ok(err, launch_items(&l, (uint64_t)n));
    ck_ok(err, tensor_read(&out, y));
    for (int64_t i = 0; i < n; i++)
        ck_assert_float_eq(y[i], 0.5f * x[i]);
    ck_assert_float_eq(y[n], 0.0f);
    double sum = 0;
    float got;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    launch_begin_in(ctx, &l, "sample", "", "sums");
    launch_buffer(&l, out.buf);
    launch_buffer(&l, in.buf);
    launch_int(&l, n);
    ck_ok(err, launch_groups(&l, 1));
    ck_ok(err, buffer_read(out.buf, 0, &got, sizeof got));
    support_close("sum", &got, &sum, 1, 1e-4, 1e-5);
    buffer_destroy(&in.buf);
    buffer_destroy(&out.buf);
    free(x);
    free(y);
}
END_TEST

START_TEST(singles_have_two_dimensions)
{
    struct moe_ctx *ctx = ctx_with_kernels();
    struct moe_err *err = moe_ctx_err(ctx);
    struct buffer *b;
    struct launch l;
    int y[3][5];
    ck_ok(err, buffer_create(ctx, &b, sizeof y, "places"));
    launch_begin_in(ctx, &l, "sample", "", "place");
    launch_buffer(&l, b);
    launch_int(&l, 5);
    ck_ok(err, launch_singles(&l, 5, 3));
    ck_ok(err, buffer_read(b, 0, y, sizeof y));
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 5; j++)
            ck_assert_int_eq(y[i][j], 100 * i + j);
    ck_ok(err, launch_singles(&l, 0, 3));
    buffer_destroy(&b);
}
END_TEST

START_TEST(wrong_launches_name_the_kernel)
{
    struct moe_ctx *ctx = ctx_with_kernels();
    struct moe_err *err = moe_ctx_err(ctx);
    struct tensor t = filled(ctx, "t", NULL, 4);
    struct launch l;
    launch_begin_in(ctx, &l, "sample", "", "place");
    launch_buffer(&l, t.buf);
    ck_fails(err, launch_singles(&l, 1, 1), MOE_EINVAL,
             "kernel place: 1 arguments given, takes 2");
    launch_begin_in(ctx, &l, "sample", "", "place");
    launch_buffer(&l, t.buf);
    launch_int(&l, 1);
    launch_int(&l, 1);
    ck_fails(err, launch_singles(&l, 1, 1), MOE_EINVAL,
             "kernel place: argument 3 given, takes 2");
    launch_begin_in(ctx, &l, "sample", "", "place");
    launch_buffer(&l, t.buf);
    launch_int(&l, INT64_C(1) << 31);
    ck_fails(err, launch_singles(&l, 1, 1), MOE_EINVAL,
             "kernel place: argument 2: 2147483648");
    launch_begin_in(ctx, &l, "sample", "", "place");
    launch_buffer(&l, t.buf);
    launch_ulong(&l, 1);
    ck_fails(err, launch_singles(&l, 1, 1), MOE_EINVAL, "kernel place");
    launch_begin_in(ctx, &l, "sample", "", "place");
    launch_buffer(&l, t.buf);
    launch_int(&l, 1);
    if (ctx_group(ctx) > 1)
        ck_fails(err, launch_groups(&l, 1), MOE_EINVAL, "requires (1, 1, 1)");
    launch_begin_in(ctx, &l, "sample", "", "absent");
    launch_buffer(&l, t.buf);
    ck_fails(err, launch_singles(&l, 1, 1), MOE_EBUILD, "kernel absent");
    buffer_destroy(&t.buf);
}
END_TEST

START_TEST(a_broken_program_stands_alone)
{
    struct moe_ctx *ctx = ctx_with_kernels();
    struct moe_err *err = moe_ctx_err(ctx);
    struct launch l;
    ck_assert(!program_available(ctx, "broken", ""));
    ck_assert(!program_available(ctx, "absent", ""));
    ck_assert(program_available(ctx, "sample", "-DSIZE=3"));
    launch_begin_in(ctx, &l, "broken", "", "f");
    ck_fails(err, launch_singles(&l, 1, 1), MOE_EBUILD, "program 'broken'");
    launch_begin_in(ctx, &l, "sample", "", "place");
    ck_ok(err, l.rc);
}
END_TEST

START_TEST(the_plain_program_builds)
{
    struct moe_ctx *ctx = support_ctx();
    ck_assert(program_available(ctx, "", ""));
}
END_TEST

START_TEST(times_are_kept_by_kernel)
{
    struct moe_err err = {0};
    struct moe_ctx *ctx;
    ctx_with_kernels();
    ck_ok(&err, moe_ctx_create(&ctx, &(struct moe_ctx_options){.profile = true},
                               &err));
    struct buffer *b;
    struct launch l;
    ck_ok(moe_ctx_err(ctx), buffer_create(ctx, &b, 4096, "b"));
    for (int i = 0; i < 5000; i++) { // more than are kept pending
        launch_begin_in(ctx, &l, "sample", "", "place");
        launch_buffer(&l, b);
        launch_int(&l, 1);
        ck_ok(moe_ctx_err(ctx), launch_singles(&l, 1, 1));
    }
    struct profile_row *row;
    size_t n;
    ck_ok(moe_ctx_err(ctx), profile_rows(ctx, &row, &n));
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(row[0].kernel, "place");
    ck_assert_uint_eq(row[0].calls, 5000);
    ck_assert(row[0].seconds > 0);
    free(row);
    buffer_destroy(&b);
    moe_ctx_destroy(&ctx);
    ck_assert_ptr_null(ctx);
    moe_ctx_destroy(&ctx);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("device");
    TCase *t = tcase_create("device");
    tcase_add_test(t, bytes_come_back);
    tcase_add_test(t, ranges_are_checked);
    tcase_add_test(t, sizes_are_refused_with_both_numbers);
    tcase_add_test(t, host_bytes_are_wrapped);
    tcase_add_loop_test(t, every_length_is_covered, 0, 6);
    tcase_add_test(t, singles_have_two_dimensions);
    tcase_add_test(t, wrong_launches_name_the_kernel);
    tcase_add_test(t, a_broken_program_stands_alone);
    tcase_add_test(t, the_plain_program_builds);
    tcase_add_test(t, times_are_kept_by_kernel);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return support_main(suite(), 1);
}
