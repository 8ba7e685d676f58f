/*
 * check_fit.c - what fits on a device, and what is said of what does not.
 *
 * Precondition: an OpenCL device.  Claims: the plan of a run is what is
 * allocated; what cannot fit is refused before anything is taken; under any
 * limit of one allocation a model runs and trains, or is refused at the start
 * with needed and allowed bytes.
 */
#include "config.h"

#include "tests/tensors.h"
#include "tests/tiny.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

enum { B = 2, T = 9, N = B * T, V = 83, L = 2, D = 32 };

static struct moe_err *
err(void)
{
    return moe_ctx_err(support_ctx());
}

/* The plan names what is created. */
START_TEST(a_plan_grows_with_what_is_kept)
{
    struct moe_config c;
    struct moe_err e = {0};
    uint64_t little, more, most;
    ck_ok(&e, moe_config_read(&e, &c, tiny_write("plan", &(struct tiny){0})));
    struct moe_run_options opt = {.B = B, .T = T, .routers_only = true};
    ck_ok(&e, run_plan(&e, &little, &c, &opt));
    opt.routers_only = false;
    ck_ok(&e, run_plan(&e, &more, &c, &opt));
    opt.keep_hidden = true;
    ck_ok(&e, run_plan(&e, &most, &c, &opt));
    ck_assert_uint_eq(more - little, 4 * (N * V + 2 * N * D + 4 * N));
    ck_assert_uint_eq(most - more, 4 * (L + 1) * N * D);
    moe_config_free(&c);
}
END_TEST

/* The device layer's own count, for a shape that is no rounding error. */
static void
expect_plan(const char *name, const struct moe_run_options *opt)
{
    struct moe_model *m;
    struct moe_run *run;
    uint64_t plan;
    ck_ok(err(), moe_model_load(support_ctx(), &m,
                                tiny_write(name, &(struct tiny){0})));
    const uint64_t before = ctx_allocated(support_ctx());
    ck_ok(err(), run_plan(err(), &plan, moe_model_config(m), opt));
    ck_ok(err(), moe_run_create(&run, m, opt));
    const double made = (double)(ctx_allocated(support_ctx()) - before);
    ck_assert_double_le(fabs((double)plan - made), 0.05 * made);
    moe_run_destroy(&run);
    ck_assert_uint_eq(ctx_allocated(support_ctx()), before);
    moe_model_destroy(&m);
}

START_TEST(a_plan_is_what_is_allocated)
{
    for (int i = 0; i < 8; i++) {
        struct moe_run_options opt = {.B = 3,
                                      .T = 67,
                                      .routers_only = i & 1,
                                      .keep_routing = i & 2,
                                      .keep_hidden = i & 4};
        expect_plan("planned", &opt);
    }
}
END_TEST

START_TEST(a_run_that_cannot_fit_is_refused_before)
{
    struct moe_model *m;
    struct moe_run *run;
    struct moe_run_options opt = {.B = 1 << 9, .T = 1 << 20};
    ck_ok(err(), moe_model_load(support_ctx(), &m,
                                tiny_write("vast", &(struct tiny){0})));
    const uint64_t before = ctx_allocated(support_ctx());
    int rc = moe_run_create(&run, m, &opt);
    ck_fails(err(), rc, MOE_EFIT, "run: needs");
    ck_assert_ptr_null(run);
    ck_assert_uint_eq(ctx_allocated(support_ctx()), before);
    moe_model_destroy(&m);
}
END_TEST

START_TEST(a_small_limit_of_allocations_is_said)
{
    struct moe_ctx *ctx;
    struct moe_model *m;
    struct moe_err e = {0};
    setenv("POLYMOE_MAX_ALLOC", "4096", 1);
    ck_ok(&e, moe_ctx_create(&ctx, NULL, &e));
    unsetenv("POLYMOE_MAX_ALLOC");
    int rc = moe_model_load(ctx, &m, tiny_write("limit", &(struct tiny){0}));
    ck_fails(moe_ctx_err(ctx), rc, MOE_EFIT, "4096");
    moe_ctx_destroy(&ctx);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("fit");
    TCase *t = tcase_create("fit");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, a_plan_grows_with_what_is_kept);
    tcase_add_test(t, a_plan_is_what_is_allocated);
    tcase_add_test(t, a_run_that_cannot_fit_is_refused_before);
    tcase_add_test(t, a_small_limit_of_allocations_is_said);
    suite_add_tcase(s, t);
    return support_main(s, 1);
}
