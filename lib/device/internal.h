/*
 * internal.h - what the files of lib/device know of each other.
 */
#ifndef DEVICE_INTERNAL_H
#define DEVICE_INTERNAL_H

#include "device/opencl.h"

#include "base/hash.h"
#include "device/device.h"

/* ---- Devices ------------------------------------------------------------ */

/* Fill out from the driver; false for a device that we cannot use (no
 * compiler, not available, older than OpenCL 1.2, big-endian). */
bool describe_device(struct device_info *out, cl_platform_id p, cl_device_id d);

/* From now on devices are asked in this process. */
void probe_mark_in_use(void);

/* ---- The context -------------------------------------------------------- */

struct program;
struct profile;

struct moe_ctx {
    struct moe_err err;
    moe_log_fn *log;
    void *log_arg;

    struct device_info info;
    cl_platform_id platform;
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    size_t group;       // WG
    bool poison;        // fill new buffers with NaN
    uint64_t allocated; // bytes of buffers that are there, not wrapped
    uint64_t largest;   // bytes of the largest buffer so far

    struct program *programs; // list, owned
    char *cache_dir;          // owned; NULL: no cache
    bool blas_ready;          // CLBlast has our parameters
    struct buffer *widened;   // owned; f32 copy of weights for CLBlast
    struct profile *profile;  // owned; NULL: times are not kept
};

/* MOE_ECL with what failed and the status in words. */
int ctx_fail_cl(struct moe_ctx *ctx, cl_int status, const char *fmt, ...)
    MOE_PRINTF(3, 4);

/* ---- Programs ----------------------------------------------------------- */

enum { KERNEL_ARGS = LAUNCH_ARGS };

/* What may be passed as one argument of a kernel. */
enum arg_kind { ARG_ANY, ARG_POINTER, ARG_INT, ARG_ULONG, ARG_FLOAT };

struct kernel {
    struct kernel *next;
    char *name;
    cl_kernel cl;
    size_t group[3]; // reqd_work_group_size; 0: any
    int args;
    unsigned char kind[KERNEL_ARGS]; // enum arg_kind, ANY where not told
};

/* A built program, or one that failed to build (cl NULL). */
struct program {
    struct program *next;
    char *name; // "" for the plain program
    char *options;
    cl_program cl;
    struct kernel *kernels; // those used so far
    char *problem;          // why it did not build
};

/* Build, or find among those built; MOE_EBUILD. */
int program_get(struct moe_ctx *ctx, struct program **out, const char *name,
                const char *options);
int program_kernel(struct moe_ctx *ctx, struct kernel **out,
                   struct program *program, const char *name);
void programs_destroy(struct moe_ctx *ctx);

/* The source files of a program, prelude first. */
struct sources {
    char **text; // owned
    size_t n, cap;
};
int sources_load(struct moe_err *err, struct sources *out, const char *name);
void sources_free(struct sources *s);

/* ---- Programs on disk --------------------------------------------------- */

/* What a cached program was made from, as SHA-256. */
struct cache_key {
    char place[HASH_HEX];  // program, options, device: the file's name
    char source[HASH_HEX]; // texts
    char driver[HASH_HEX]; // versions of driver and platform
};

enum cache_answer {
    CACHE_NOTHING,    // build from source, and store
    CACHE_NONE_WORKS, // build from source: binaries do not work here
    CACHE_BINARY
};

/* Sets ctx->cache_dir, NULL where nothing is to be kept. */
void cache_open(struct moe_ctx *ctx, const char *option);
void cache_key(struct moe_ctx *ctx, struct cache_key *out, const char *name,
               const char *options, const struct sources *sources);
/* The binary is the caller's to free.  A file that cannot be used is told in
 * one warning. */
enum cache_answer cache_load(struct moe_ctx *ctx, const struct cache_key *key,
                             char **out, size_t *n);
/* n = 0 records that binaries do not work.  A failure is only a warning. */
void cache_store(struct moe_ctx *ctx, const struct cache_key *key,
                 const void *binary, size_t n);

/* ---- Times -------------------------------------------------------------- */

int profile_create(struct moe_ctx *ctx);
void profile_destroy(struct moe_ctx *ctx);
/* One event of a kernel; the event is taken over. */
int profile_add(struct moe_ctx *ctx, const char *kernel, cl_event event);
/* From the end of one event to the end of another; both are taken over. */
int profile_add_span(struct moe_ctx *ctx, const char *kernel, cl_event from,
                     cl_event to);

cl_mem buffer_cl(const struct buffer *b); // NULL for NULL

#endif
