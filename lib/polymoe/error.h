/*
 * error.h - codes, their words and the exit status each one ends a program
 * with.
 *
 * A code says what kind of thing went wrong, the sentence in struct moe_err
 * says which thing, what was found and what was wanted:
 *
 *     return moe_fail(err, MOE_ESHAPE, "%s: %s has shape (%lld), want (%lld)",
 *                     path, name, found, wanted);
 */
#ifndef POLYMOE_ERROR_H
#define POLYMOE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MOE_API          __attribute__((visibility("default")))
#define MOE_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define MOE_API
#define MOE_PRINTF(f, a)
#endif

/* clang-format off */
/* Name, number, exit status, words.  Numbers are never reused. */
#define MOE_ERR_MAP(XX)                                                   \
    XX(EINVAL,    -1,  2,  "invalid argument")                            \
    XX(ENOMEM,    -2,  1,  "out of memory")                               \
    XX(ESHAPE,    -3,  13, "tensor has the wrong shape")                  \
    XX(EDEVICE,   -4,  12, "no usable OpenCL device")                     \
    XX(EBUILD,    -5,  12, "OpenCL program did not build")                \
    XX(EBLAS,     -6,  1,  "CLBlast reported a failure")                  \
    XX(EIO,       -7,  10, "reading or writing failed")                   \
    XX(EFORMAT,   -8,  13, "file is not in the expected format")          \
    XX(EPROTO,    -9,  9,  "malformed or unknown message")                \
    XX(ECANCEL,   -10, 11, "cancelled")                                   \
    XX(EINPUT,    -11, 13, "input file cannot be read")                   \
    XX(EFIT,      -12, 7,  "does not fit in memory")                      \
    XX(ENODAEMON, -13, 3,  "daemon cannot be reached")                    \
    XX(EDENIED,   -14, 4,  "permission denied")                           \
    XX(ENOJOB,    -15, 5,  "no such job")                                 \
    XX(ESTATE,    -16, 6,  "job is in the wrong state")                   \
    XX(EREFUSED,  -17, 7,  "request refused")                             \
    XX(ETIMEOUT,  -18, 8,  "timed out")                                   \
    XX(EVERSION,  -19, 9,  "protocol versions do not match")              \
    XX(ESTORAGE,  -20, 10, "state storage failed")                        \
    XX(ENUMERIC,  -21, 1,  "a number is not finite")                      \
    XX(EJOB,      -22, 1,  "job failed")                                  \
    XX(ECL,       -23, 1,  "an OpenCL call failed")
/* clang-format on */

enum moe_error {
    MOE_OK = 0,
#define XX(name, number, status, words) MOE_##name = number,
    MOE_ERR_MAP(XX)
#undef XX
};

enum { MOE_ERR_TEXT = 1024 };

/* The last failure: its code, and a sentence of at most one line. */
struct moe_err {
    int code;                // MOE_OK or a negative code
    char text[MOE_ERR_TEXT]; // "" while code is MOE_OK
};

/*
 * Record a failure.
 *
 * err may be NULL; then only the code is returned.  The sentence is cut to
 * MOE_ERR_TEXT - 1 bytes and control bytes in it become '?', so that a name
 * taken from a file cannot write to the terminal.  Returns code.
 */
MOE_API int moe_fail(struct moe_err *err, int code, const char *fmt, ...)
    MOE_PRINTF(3, 4);

/* Put words and a colon before the sentence that err has. */
MOE_API int moe_fail_before(struct moe_err *err, int code, const char *fmt, ...)
    MOE_PRINTF(3, 4);

/* The words of a code.  Static; "unknown error" for a number not in the list.
 */
MOE_API const char *moe_strerror(int code);

/* The name of a code without its prefix, "ESHAPE".  Static. */
MOE_API const char *moe_errname(int code);

/* The exit status that a program ends with after this code; 0 for MOE_OK. */
MOE_API int moe_exit_status(int code);

#ifdef __cplusplus
}
#endif
#endif
