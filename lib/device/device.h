/*
 * device.h - everything the engine asks of OpenCL.
 *
 * lib/device is the only folder that calls OpenCL or CLBlast; the rest of the
 * library sees buffers, launches and products.  All work of a context goes
 * through one in-order queue, so calls take effect in the order they are made.
 */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <polymoe/ctx.h>

#include "base/hash.h"
#include "tensor/tensor.h"

/* ---- Devices ------------------------------------------------------------ */

enum device_kind { DEVICE_CPU, DEVICE_GPU, DEVICE_OTHER };

/* What a user needs to choose, and what the engine chooses by. */
struct device_info {
    int index;          // over all platforms, the selector
    char platform[128]; // "Portable Computing Language"
    char platform_version[128];
    char name[256];
    char vendor[128];    // as the driver spells it
    char vendor_key[16]; // "amd", "intel", "nvidia", "pocl", "other"
    char driver[128];
    char c_version[64]; // "OpenCL C 1.2 PoCL"
    enum device_kind kind;
    uint64_t memory_bytes; // what the driver reports
    uint64_t free_bytes;   // on CPUs what the system can give, else memory
    uint64_t max_alloc_bytes;
    uint64_t local_bytes;
    uint32_t compute_units;
    uint32_t max_group;   // work-items in a group
    uint32_t align_bytes; // CL_DEVICE_MEM_BASE_ADDR_ALIGN
    bool fp16, fp64;
    bool host_memory;      // shares memory with the host
    uint32_t vector_bits;  // CPUs: 128, 256, 512 of the host's SIMD; else 0
    char extensions[512];  // those that we use, space separated
    char instructions[64]; // CPUs: of the host, those that we use; else ""
    /* Its place for OpenCL, the same in every process of this machine. */
    uint32_t platform_at;  // in the order of clGetPlatformIDs
    uint32_t device_at;    // in the order of clGetDeviceIDs
    char driver_file[256]; // the loader may open only this .icd; "": any
};

/*
 * All usable devices, in the order of the platforms.
 *
 * Each platform is first tried in a child process, so that a driver that
 * crashes or hangs is left out with a warning instead of taking us down.
 * *out is freed by the caller; *n may be 0.
 */
int device_list(struct moe_err *err, struct device_info **out, size_t *n,
                moe_log_fn *log, void *log_arg);

/*
 * The index in list[0..n) of the device that a selector means (ctx.h); NULL or
 * "" is $POLYMOE_DEVICE, and without that the best one: a GPU with memory of
 * its own, another GPU, a CPU.
 *
 * MOE_EDEVICE names what was asked and lists what there is.
 */
int device_select(struct moe_err *err, size_t *out,
                  const struct device_info *list, size_t n,
                  const char *selector);

/* The device of a context. */
const struct device_info *ctx_device(const struct moe_ctx *ctx);

/* Log a line through the context's sink. */
void ctx_log(struct moe_ctx *ctx, enum moe_log_level level, const char *fmt,
             ...) MOE_PRINTF(3, 4);

/* Wait until everything enqueued so far is done. */
int ctx_finish(struct moe_ctx *ctx);

/* ---- Buffers ------------------------------------------------------------ */

/* One allocation on the device, with its size and its name for errors. */
struct buffer;

/* A buffer of `bytes` (0 is allowed and allocates nothing that is used).
 * MOE_EFIT, with needed against allowed bytes, above the device's largest
 * allocation.  POLYMOE_MAX_ALLOC lowers that limit; with POLYMOE_POISON set,
 * new buffers are filled with NaN. */
int buffer_create(struct moe_ctx *ctx, struct buffer **out, uint64_t bytes,
                  const char *name);

/* Read-only host bytes that stay valid and unchanged as long as the buffer:
 * used in place where the device shares the host's memory, else copied. */
int buffer_wrap(struct moe_ctx *ctx, struct buffer **out, const void *host,
                uint64_t bytes, const char *name);
void buffer_destroy(struct buffer **bp);
uint64_t buffer_size(const struct buffer *b);

/* Bytes of all buffers of the context that are there now, without those that
 * use host memory in place. */
uint64_t ctx_allocated(const struct moe_ctx *ctx);

/* Bytes of the largest buffer that the context has made so far. */
uint64_t ctx_largest(const struct moe_ctx *ctx);

/* Blocking copies; ranges are checked (MOE_ESHAPE). */
int buffer_write(struct buffer *b, uint64_t at, const void *src, uint64_t n);
int buffer_read(struct buffer *b, uint64_t at, void *dst, uint64_t n);
/* Enqueued, not waited for. */
int buffer_copy(struct buffer *dst, uint64_t dst_at, struct buffer *src,
                uint64_t src_at, uint64_t n);
int buffer_zero(struct buffer *b, uint64_t at, uint64_t n);

/* A tensor in a buffer of its own: t->buf is made, offset 0.  Destroy with
 * buffer_destroy(&t->buf). */
int tensor_create(struct moe_ctx *ctx, struct tensor *t, const char *name);
/* Copy all elements of a tensor, in its own type. */
int tensor_write(const struct tensor *t, const void *src);
int tensor_read(const struct tensor *t, void *dst);

/* ---- Kernels ------------------------------------------------------------ */

enum { LAUNCH_ARGS = 32 };

/*
 * One kernel call, built argument by argument and then run:
 *
 *     struct launch l;
 *     launch_begin(ctx, &l, "rmsnorm_forward");
 *     launch_tensor(&l, y);      // two kernel arguments: pointer, ulong offset
 *     launch_tensor(&l, x);
 *     launch_int(&l, D);
 *     launch_float(&l, eps);
 *     return launch_groups(&l, N);
 *
 * The first failure is kept and returned by launch_groups().  Kernels are
 * found by name among all plain .cl files, which form one program.
 */
struct launch {
    struct moe_ctx *ctx;
    void *kernel; // cl_kernel, owned by the context
    const char *name;
    int args;
    int rc;
};

void launch_begin(struct moe_ctx *ctx, struct launch *l, const char *kernel);
/* A kernel of a program of its own: the file cl/PROGRAM.cl after the prelude,
 * or several, "gemm_tile+gemm_cpu", built with `options` ("-DMR=6 -DNV=2").  A
 * failed build fails only here. */
void launch_begin_in(struct moe_ctx *ctx, struct launch *l, const char *program,
                     const char *options, const char *kernel);
void launch_tensor(struct launch *l, const struct tensor *t);
void launch_buffer(struct launch *l, struct buffer *b); // pointer only
void launch_int(struct launch *l, int64_t x); // cl_int; out of range fails
void launch_ulong(struct launch *l, uint64_t x);
void launch_float(struct launch *l, float x);

/* Enqueue `groups` groups of ctx_group(ctx) items (kernels declared with
 * reqd_work_group_size(WG, 1, 1)).  Nothing is enqueued for 0 groups. */
int launch_groups(struct launch *l, uint64_t groups);
/* The same in two dimensions of groups: get_group_id(0) < gx, (1) < gy. */
int launch_groups_2d(struct launch *l, uint64_t gx, uint64_t gy);
/* One work-item per group (reqd_work_group_size(1, 1, 1)): CPU kernels. */
int launch_singles(struct launch *l, uint64_t gx, uint64_t gy);
/* At least `items` items in groups of WG; the kernel guards the tail. */
int launch_items(struct launch *l, uint64_t items);

/* The group size WG that the plain program was built with. */
size_t ctx_group(const struct moe_ctx *ctx);

/* Does a variant program build here?  Cached; the log is a debug line. */
bool program_available(struct moe_ctx *ctx, const char *program,
                       const char *options);

/* One hash over the text of every kernel as it would be built now. */
int kernels_hash(struct moe_err *err, char hex[HASH_HEX]);

/* ---- Times -------------------------------------------------------------- */

struct profile_row {
    const char *kernel;
    uint64_t calls;
    double seconds;
};

/* Seconds on the device per kernel name, most first; empty unless the context
 * was made with `profile`.  Waits for the queue.  *out belongs to the caller.
 */
int profile_rows(struct moe_ctx *ctx, struct profile_row **out, size_t *n);

#endif
