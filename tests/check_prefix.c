/*
 * check_prefix.c - the residual stream of windows on disk.
 *
 * Precondition: two layers, of which experts and router of the second are
 * trained; two epochs over six windows, whose batches and micro-batches differ
 * between the epochs.  Claims: weights, losses and held-out likelihoods of a
 * run with a cache are those of one without, to the bit, also where the cache
 * is shared, too small, damaged, or of another identity, and on a disk that
 * fails; the cache is refused where it cannot be right.
 */
#include "config.h"

#include "tests/trained.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "model/hook.h"

enum {
    WINDOWS = 6,
    BATCH = 3,
    STEPS = 4,
    T = TRAINED_T,
    NUMBERS = T * 16,
    FILE_BYTES = NUMBERS * 4 + 64
};

/* Of the second epoch no two windows were together in the first. */
static const int order[STEPS][BATCH] = {
    {0, 1, 2}, {3, 4, 5}, {5, 0, 3}, {2, 4, 1}};

static bool
trains(const void *arg, const struct param *p)
{
    (void)arg;
    return p->layer == 1 &&
           (p->kind == PARAM_ROUTER ||
            (param_group(p->kind) == GROUP_EXPERT && p->expert % 2));
}

static struct trainer_options
options(const struct trained_variant *v, struct prefix *prefix)
{
    struct trainer_options opt = trained_options(v, ACTS_KEEP, 2);
    opt.arena.trains = trains;
    opt.pass.loss.aux_weight = opt.pass.loss.z_weight = 0;
    opt.pass.prefix = prefix;
    return opt;
}

/* What a run comes to. */
struct outcome {
    float w[8192];
    size_t n;
    double loss[STEPS], aux[STEPS], z[STEPS];
    float nll[2 * T];
};

static void
window(int32_t *ids, int32_t *target, int k)
{
    for (int i = 0; i < T; i++) {
        ids[i] = (7 * k + i * (k + 3) + i * i) % TRAINED_V;
        target[i] =
            i + 1 < T
                ? (7 * k + (i + 1) * (k + 3) + (i + 1) * (i + 1)) % TRAINED_V
                : -1;
    }
}

static void
step(struct trainer *t, struct outcome *o, int s)
{
    struct trainer_metrics m;
    int32_t ids[BATCH * T], target[BATCH * T];
    for (int b = 0; b < BATCH; b++)
        window(ids + b * T, target + b * T, order[s][b]);
    ck_ok(moe_ctx_err(support_ctx()), trainer_step(t, ids, target, BATCH, &m));
    o->loss[s] = m.loss;
    o->aux[s] = m.aux;
    o->z[s] = m.z;
}

static struct outcome
run(const struct trained_variant *v, struct prefix *prefix)
{
    struct moe_model *m = trained_model(v);
    struct trainer_options opt = options(v, prefix);
    struct outcome o = {.n = 0};
    struct trainer *t;
    int32_t ids[2 * T], target[2 * T];
    ck_ok(moe_ctx_err(m->ctx), trainer_create(&t, m, &opt));
    for (int s = 0; s < STEPS; s++)
        step(t, &o, s);
    window(ids, target, 4);
    window(ids + T, target + T, WINDOWS); // that is not trained on
    ck_ok(moe_ctx_err(m->ctx),
          pass_forward(trainer_pass(t), ids, target, 2, T, o.nll));
    const struct arena *a = trainer_arena(t);
    for (size_t i = 0; i < a->params; i++) {
        const uint64_t n = tensor_count(&a->param[i].w);
        ck_assert_uint_le(o.n + n, sizeof o.w / sizeof *o.w);
        ck_ok(moe_ctx_err(m->ctx), tensor_read(&a->param[i].w, o.w + o.n));
        o.n += n;
    }
    trainer_destroy(&t);
    moe_model_destroy(&m);
    return o;
}

static void
same(const struct outcome *a, const struct outcome *b)
{
    ck_assert_uint_gt(a->n, 0);
    ck_assert_uint_eq(a->n, b->n);
    ck_assert(memcmp(a->w, b->w, a->n * sizeof *a->w) == 0);
    ck_assert(memcmp(a->loss, b->loss, sizeof a->loss) == 0);
    ck_assert(memcmp(a->aux, b->aux, sizeof a->aux) == 0);
    ck_assert(memcmp(a->z, b->z, sizeof a->z) == 0);
    ck_assert(memcmp(a->nll, b->nll, sizeof a->nll) == 0);
}

static void
count(void *arg, const char *line)
{
    (void)line;
    ++*(int *)arg;
}

static struct prefix *
open_prefix(const char *dir, const char *identity, uint64_t bytes, bool own,
            int *warnings)
{
    struct moe_err err = {0};
    struct prefix *p;
    const struct prefix_options opt = {.dir = dir,
                                       .identity = identity,
                                       .own = own,
                                       .bytes = bytes,
                                       .D = 16,
                                       .warn = count,
                                       .warn_arg = warnings};
    *warnings = 0;
    ck_ok(&err, prefix_open(&err, &p, &opt));
    return p;
}

/* A run with what is in `dir`; what the cache did, and the warnings. */
static struct prefix_counts
run_with(const char *dir, const char *identity, uint64_t bytes,
         const struct outcome *want, int *warnings)
{
    struct prefix *p = open_prefix(dir, identity, bytes, false, warnings);
    const struct outcome got = run(&trained_variants[0], p);
    const struct prefix_counts n = prefix_counts(p);
    same(&got, want);
    prefix_close(&p);
    return n;
}

START_TEST(two_epochs_are_the_same_to_the_bit)
{
    for (int v = 0; v < TRAINED_VARIANTS; v++) {
        const char *dir = support_path(v ? "all.cache" : "plain.cache");
        const struct outcome want = run(&trained_variants[v], NULL);
        int warnings;
        for (int again = 0; again < 2; again++) {
            struct prefix *p = open_prefix(dir, "a", 1 << 20, false, &warnings);
            const struct outcome got = run(&trained_variants[v], p);
            const struct prefix_counts n = prefix_counts(p);
            same(&got, &want);
            /* The last look has a new window, so its other is not read. */
            ck_assert_uint_eq(n.read, again ? 2 * WINDOWS + 2 : WINDOWS);
            ck_assert_uint_eq(n.written, again ? 0 : WINDOWS + 1);
            ck_assert_uint_eq(n.bytes, (WINDOWS + 1) * FILE_BYTES);
            ck_assert_int_eq(warnings, 0);
            prefix_close(&p);
        }
    }
}
END_TEST

START_TEST(a_small_budget_is_kept)
{
    const struct outcome want = run(&trained_variants[0], NULL);
    const char *dir = support_path("small.cache");
    int warnings;
    struct prefix_counts n =
        run_with(dir, "a", 3 * FILE_BYTES + 10, &want, &warnings);
    ck_assert_uint_eq(n.written, 3);
    ck_assert_uint_eq(n.bytes, 3 * FILE_BYTES);
    ck_assert_uint_gt(n.left_out, 0);
    n = run_with(dir, "a", 3 * FILE_BYTES + 10, &want, &warnings);
    ck_assert_uint_eq(n.written, 0);
    ck_assert_uint_gt(n.read, 0);
    ck_assert_int_eq(warnings, 0);
    n = run_with(support_path("none.cache"), "a", 10, &want, &warnings);
    ck_assert_uint_eq(n.bytes + n.read, 0);
}
END_TEST

/* The k-th file of a directory: cut it, or change a byte in it. */
static void
damage(const char *dir, size_t k, bool cut)
{
    struct moe_err err = {0};
    char **names, *text;
    size_t n, size;
    ck_ok(&err, fs_list(&err, &names, &n, dir, ".stream"));
    ck_assert_uint_gt(n, k);
    char *path = str_path(dir, names[k]);
    ck_ok(&err, fs_read(&err, &text, &size, path, 1 << 20));
    ck_assert_uint_eq(size, FILE_BYTES);
    text[100] ^= 1;
    support_write(path, text, cut ? size / 2 : size);
    free(text);
    free(path);
    fs_list_free(names, n);
}

START_TEST(damaged_files_are_computed_anew)
{
    const struct outcome want = run(&trained_variants[0], NULL);
    const char *dir = support_path("damaged.cache");
    int warnings;
    run_with(dir, "a", 1 << 20, &want, &warnings);
    damage(dir, 0, true);
    damage(dir, 3, false);
    damage(dir, 4, false);
    struct prefix_counts n = run_with(dir, "a", 1 << 20, &want, &warnings);
    ck_assert_int_eq(warnings, 3);
    ck_assert_uint_eq(n.written, 3);
    run_with(dir, "a", 1 << 20, &want, &warnings);
    ck_assert_int_eq(warnings, 0);
}
END_TEST

START_TEST(another_model_has_its_own_files)
{
    const struct outcome want = run(&trained_variants[0], NULL);
    const char *dir = support_path("two.cache");
    int warnings;
    run_with(dir, "a", 1 << 20, &want, &warnings);
    struct prefix_counts n = run_with(dir, "b", 1 << 20, &want, &warnings);
    ck_assert_uint_eq(n.written, WINDOWS + 1);
    ck_assert_uint_eq(n.bytes, 2 * (WINDOWS + 1) * FILE_BYTES);
    struct prefix *p = open_prefix(dir, "b", 1 << 20, true, &warnings);
    ck_assert_uint_eq(prefix_counts(p).bytes, (WINDOWS + 1) * FILE_BYTES);
    prefix_close(&p);
}
END_TEST

START_TEST(a_disk_that_fails_is_a_warning)
{
    const struct outcome want = run(&trained_variants[0], NULL);
    const char *dir = support_path("gone.cache");
    int warnings;
    struct prefix *p = open_prefix(dir, "a", 1 << 20, true, &warnings);
    ck_assert_int_eq(rmdir(dir), 0);
    const struct outcome got = run(&trained_variants[0], p);
    same(&got, &want);
    ck_assert_int_eq(warnings, 1);
    ck_assert_uint_eq(prefix_counts(p).written, 0);
    prefix_close(&p);

    struct moe_err err = {0};
    const char *file = support_path("file");
    support_write(file, "x", 1);
    ck_fails(&err,
             prefix_open(&err, &p,
                         &(struct prefix_options){
                             .dir = file, .identity = "a", .D = 16}),
             MOE_EIO, "file");
}
END_TEST

START_TEST(a_use_that_would_be_wrong_is_refused)
{
    struct moe_model *m = trained_model(&trained_variants[0]);
    struct moe_err *err = moe_ctx_err(m->ctx);
    int warnings;
    struct prefix *p =
        open_prefix(support_path("bad.cache"), "a", 1 << 20, true, &warnings);
    struct trainer_options opt = options(&trained_variants[0], p);
    struct pass_options *pass = &opt.pass;
    struct trainer *t;
    ck_assert_int_eq(pass_frozen(pass, 1, 2), 1);
    ck_assert_int_eq(pass_frozen(pass, 2, 2), 1);
    ck_assert_int_eq(pass_frozen(pass, 0, 2), 0);
    ck_assert_int_eq(pass_frozen(pass, -1, 2), 0);
    pass->loss.z_weight = 0.001;
    ck_assert_int_eq(pass_frozen(pass, 1, 2), 0);
    pass->loss = (struct loss_options){.aux_weight = 0.01};
    ck_assert_int_eq(pass_frozen(pass, 1, 2), 0);
    ck_fails(err, trainer_create(&t, m, &opt), MOE_EINVAL, "cache");

    struct moe_hook *hook;
    const struct moe_edit edit = {.rule = MOE_EDIT_SHIFT, .scale = 1, .add = 1};
    pass->loss.aux_weight = 0;
    ck_ok(err, moe_hook_create(m->ctx, &hook, &m->config));
    pass->hook = hook;
    ck_ok(err, moe_hook_edit(hook, 1, 0, &edit));
    ck_assert_int_eq(pass_frozen(pass, 1, 2), 1);
    ck_ok(err, moe_hook_edit(hook, 0, 0, &edit));
    ck_assert_int_eq(pass_frozen(pass, 1, 2), 0);
    moe_hook_destroy(&hook);
    prefix_close(&p);
    moe_model_destroy(&m);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("prefix");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, two_epochs_are_the_same_to_the_bit);
    tcase_add_test(t, a_small_budget_is_kept);
    tcase_add_test(t, damaged_files_are_computed_anew);
    tcase_add_test(t, another_model_has_its_own_files);
    tcase_add_test(t, a_disk_that_fails_is_a_warning);
    tcase_add_test(t, a_use_that_would_be_wrong_is_refused);
    suite_add_tcase(s, t);
    return support_main(s, 1);
}
