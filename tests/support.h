/*
 * support.h - what the check programs share: a device, seeded data, files in
 * a private directory, comparison of numbers.
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>

#include <polymoe/ctx.h>

/* Run every test of a suite and return the exit status of main().  With
 * `device`, tests do not fork: an OpenCL context made before a fork hangs in
 * the child. */
int support_main(Suite *suite, int device);

/*
 * The context that all tests of a program share, on $POLYMOE_DEVICE or the
 * default device; destroyed by support_main().  Ends the program with 77, a
 * skip, when there is no device at all; a selector that matches nothing is a
 * failure.
 */
struct moe_ctx *support_ctx(void);

/* Another on the same device, made to give at most so many bytes in one piece;
 * 0: as it is.  The test destroys it. */
struct moe_ctx *support_limited(uint64_t max_alloc);

/* Fail the test with the sentence of err unless rc is MOE_OK. */
#define ck_ok(err, rc)                                                         \
    do {                                                                       \
        int ck_ok_rc = (rc);                                                   \
        ck_assert_msg(ck_ok_rc == MOE_OK, "%s: %s", moe_errname(ck_ok_rc),     \
                      (err)->text);                                            \
    } while (0)

/* Fail the test unless rc is `code` and the sentence contains `part`. */
void support_expect(const struct moe_err *err, int rc, int code,
                    const char *part, const char *file, int line);
#define ck_fails(err, rc, code, part)                                          \
    support_expect(err, rc, code, part, __FILE__, __LINE__)

/* A directory of this test's own, removed at exit; static until then. */
const char *support_dir(void);
/* DIR/name in it; static, overwritten by the eighth next call. */
const char *support_path(const char *name);
void support_write(const char *path, const void *p, size_t n);

/* n normal numbers of deviation `scale`, from (seed, stream 0). */
void support_normal(float *x, size_t n, uint64_t seed, double scale);

/*
 * n normal numbers of deviation `scale`, rounded to multiples of 2^-10, and
 * the derivative of f at such x along such a direction, by differences of
 * fourth order.  A step then adds without rounding, so that a function in
 * double of f32 inputs is known to about 1e-9.  f reads x.
 */
void support_lattice(float *x, size_t n, uint64_t seed, double scale);
double support_derivative(double (*f)(void *arg), void *arg, float *x,
                          const float *direction, size_t n);

/* |got - want| <= abs + rel * |want| for every element, else fail with the
 * worst one.  Where the reference is a NaN or infinite, so must got be. */
void support_close(const char *what, const float *got, const double *want,
                   size_t n, double abs, double rel);

#endif
