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
#include "tests/trained.h"

#include <math.h>
#include <stdio.h>
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
    struct need little = {0}, more = {0}, most = {0};
    ck_ok(&e, moe_config_read(&e, &c, tiny_write("plan", &(struct tiny){0})));
    struct moe_run_options opt = {.B = B, .T = T, .routers_only = true};
    ck_ok(&e, run_plan(&e, &little, &c, &opt));
    opt.routers_only = false;
    ck_ok(&e, run_plan(&e, &more, &c, &opt));
    opt.keep_hidden = true;
    ck_ok(&e, run_plan(&e, &most, &c, &opt));
    ck_assert_uint_eq(more.bytes - little.bytes,
                      4 * (N * V + 2 * N * D + 4 * N));
    ck_assert_uint_eq(most.bytes - more.bytes, 4 * (L + 1) * N * D);
    moe_config_free(&c);
}
END_TEST

/* The device layer's own count, for a shape that is no rounding error. */
static void
expect_plan(const char *name, const struct moe_run_options *opt)
{
    struct moe_model *m;
    struct moe_run *run;
    struct need plan = {0};
    ck_ok(err(), moe_model_load(support_ctx(), &m,
                                tiny_write(name, &(struct tiny){0})));
    const uint64_t before = ctx_allocated(support_ctx());
    ck_ok(err(), run_plan(err(), &plan, moe_model_config(m), opt));
    ck_ok(err(), moe_run_create(&run, m, opt));
    const double made = (double)(ctx_allocated(support_ctx()) - before);
    ck_assert_double_le(fabs((double)plan.bytes - made), 0.05 * made);
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

/* ---- Limits of one allocation ------------------------------------------- */

/* The logits of a batch, or what a training step reports. */
struct outcome {
    float logits[TRAINED_N * V];
    double loss, norm;
};

static int
pass(struct moe_ctx *ctx, const char *dir, const int32_t *ids,
     struct outcome *out)
{
    struct moe_model *m;
    struct moe_run *run = NULL;
    struct moe_run_options opt = {.B = TRAINED_ROWS, .T = TRAINED_T};
    int rc = moe_model_load(ctx, &m, dir);
    if (!rc)
        rc = moe_run_create(&run, m, &opt);
    if (!rc)
        rc = moe_run_forward(run, ids, TRAINED_ROWS, TRAINED_T);
    if (!rc)
        rc = moe_run_logits(run, 0, TRAINED_N, out->logits);
    moe_run_destroy(&run);
    moe_model_destroy(&m);
    return rc;
}

static int
step(struct moe_ctx *ctx, const char *dir, const int32_t *ids,
     const int32_t *target, struct outcome *out)
{
    struct trainer_options opt =
        trained_options(&trained_variants[0], ACTS_KEEP, 2);
    struct trainer_metrics got;
    struct moe_model *m;
    struct trainer *t = NULL;
    int rc = moe_model_load(ctx, &m, dir);
    if (!rc)
        rc = trainer_create(&t, m, &opt);
    if (!rc)
        rc = trainer_step(t, ids, target, TRAINED_ROWS, &got);
    if (!rc) {
        out->loss = got.loss;
        out->norm = got.norm;
    }
    trainer_destroy(&t);
    moe_model_destroy(&m);
    return rc;
}

/* MOE_OK, or a refusal that names needed and allowed bytes. */
static bool
fits(struct moe_ctx *ctx, int rc, uint64_t limit)
{
    char allowed[32];
    snprintf(allowed, sizeof allowed, "%llu", (unsigned long long)limit);
    if (rc)
        ck_fails(moe_ctx_err(ctx), rc, MOE_EFIT, allowed);
    return rc == MOE_OK;
}

/* However small the limit is, a pass and a step are refused at the start or
 * have the numbers that they always have; what fits fits a larger limit. */
START_TEST(any_limit_of_an_allocation_is_kept)
{
    static struct outcome want, got;
    int32_t ids[TRAINED_N], target[TRAINED_N];
    const char *dir = tiny_write(
        "limit", &(struct tiny){.dtype = DTYPE_BF16}); // half of the arena's
    bool passed = false, stepped = false;
    int refused = 0;
    trained_batch(ids, target, 0);
    ck_ok(err(), pass(support_ctx(), dir, ids, &want));
    ck_ok(err(), step(support_ctx(), dir, ids, target, &want));
    for (uint64_t limit = 4096; !passed || !stepped; limit *= 2) {
        struct moe_ctx *ctx = support_limited(limit);
        const bool runs = fits(ctx, pass(ctx, dir, ids, &got), limit);
        const bool trains = fits(ctx, step(ctx, dir, ids, target, &got), limit);
        moe_ctx_destroy(&ctx);
        ck_assert(runs || !passed);
        ck_assert(trains || !stepped);
        if (runs)
            ck_assert_mem_eq(got.logits, want.logits, sizeof want.logits);
        if (trains) {
            ck_assert_double_eq(got.loss, want.loss);
            ck_assert_double_eq_tol(got.norm, want.norm, 1e-6 * want.norm);
        }
        passed = runs;
        stepped = trains;
        refused += !runs || !trains;
    }
    ck_assert_int_gt(refused, 1);
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
    tcase_add_test(t, any_limit_of_an_allocation_is_kept);
    suite_add_tcase(s, t);
    return support_main(s, 1);
}
