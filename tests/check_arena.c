/*
 * check_arena.c - the memory of training and its snapshots.
 *
 * A small random model is loaded and moved into an arena: every trained value
 * survives the move, ranges cover exactly what is trained, and a snapshot
 * brings back every bit or says what is damaged.
 */
#include "config.h"

#include "tests/support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "model/init.h"
#include "train/arena.h"
#include "train/layout.h"
#include "train/snapshot.h"

static const char source[] =
    "{\"model_type\": \"olmoe\", \"vocab_size\": 96, \"hidden_size\": 32,"
    " \"intermediate_size\": 24, \"num_hidden_layers\": 2,"
    " \"num_attention_heads\": 4, \"num_key_value_heads\": 4,"
    " \"num_experts\": 8, \"num_experts_per_tok\": 2,"
    " \"max_position_embeddings\": 64, \"pad_token_id\": 1,"
    " \"eos_token_id\": 0, \"attention_bias\": true%s}";

static struct moe_config
config_read(bool tied)
{
    struct moe_err err = {0};
    struct moe_config c;
    const char *path = support_path("in.json");
    char *text =
        str_format(source, tied ? ", \"tie_word_embeddings\": true" : "");
    support_write(path, text, strlen(text));
    free(text);
    ck_ok(&err, moe_config_read(&err, &c, path));
    return c;
}

static struct moe_model *
model_make(bool tied, enum dtype t)
{
    struct moe_ctx *ctx = support_ctx();
    struct moe_config c = config_read(tied);
    const char *dir = support_path(tied ? "tied" : "untied");
    struct moe_model *m;
    ck_ok(moe_ctx_err(ctx),
          init_model(moe_ctx_err(ctx), dir, &c, INIT_OLMO, 3, t));
    ck_ok(moe_ctx_err(ctx), moe_model_load(ctx, &m, dir));
    moe_config_free(&c);
    return m;
}

/* A tensor of the model before or after the move, widened. */
static float *
values(const struct tensor *t)
{
    uint64_t n = tensor_count(t);
    size_t width = dtype_bytes(t->dtype);
    void *raw = calloc(n, width);
    float *x = calloc(n, sizeof *x);
    ck_assert_int_eq(buffer_read(t->buf, t->offset * width, raw, n * width),
                     MOE_OK);
    dtype_widen(x, raw, t->dtype, n);
    free(raw);
    return x;
}

/* An expert's matrix as the kernels find it. */
static struct tensor
expert(const struct moe_model *m, int layer, int e, int column)
{
    const struct expert_weights *w = &m->layer[layer].experts;
    uint64_t table[8 * 3];
    ck_assert_int_eq(tensor_read(&w->offsets, table), MOE_OK);
    struct tensor t = tensor_shape(w->dtype, 1, &(int64_t){32 * 24});
    t.buf = w->buf;
    t.offset = table[e * 3 + column];
    return t;
}

static void
same_values(float *before, const struct tensor *after)
{
    float *x = values(after);
    ck_assert(memcmp(before, x, tensor_count(after) * sizeof *x) == 0);
    free(before);
    free(x);
}

START_TEST(values_survive_the_move)
{
    static const enum dtype types[] = {DTYPE_F32, DTYPE_BF16};
    for (int i = 0; i < 4; i++) {
        struct moe_model *m = model_make(i % 2, DTYPE_BF16);
        struct arena *a;
        struct tensor down = expert(m, 1, 5, 2), gate = expert(m, 0, 0, 0);
        float *embed = values(&m->embed), *q = values(&m->layer[1].q),
              *norm = values(&m->final_norm), *d = values(&down),
              *g = values(&gate);
        struct arena_options opt = {.decay_norms = true,
                                    .decay_embeddings = true,
                                    .weights = types[i / 2]};
        ck_ok(moe_ctx_err(m->ctx), arena_create(&a, m, &opt));
        down = expert(m, 1, 5, 2);
        gate = expert(m, 0, 0, 0);
        same_values(embed, &m->embed);
        same_values(q, &m->layer[1].q);
        same_values(norm, &m->final_norm);
        same_values(d, &down);
        same_values(g, &gate);
        ck_assert_int_eq(m->layer[1].q.dtype, types[i / 2]);
        ck_assert_int_eq(m->final_norm.dtype, DTYPE_F32);
        ck_assert(m->head.buf == m->embed.buf || !(i % 2));
        struct moe_param_totals totals;
        ck_ok(moe_ctx_err(m->ctx),
              moe_param_count(moe_ctx_err(m->ctx), &totals, &m->config));
        ck_assert_uint_eq(a->trained, totals.total);
        uint64_t n = 0;
        for (size_t r = 0; r < a->ranges; r++) {
            ck_assert_uint_eq(a->range[r].first, n);
            n += a->range[r].n;
        }
        ck_assert_uint_eq(n, totals.total);
        ck_assert_int_eq(a->lowest, -1);
        arena_destroy(&a);
        moe_model_destroy(&m);
    }
}
END_TEST

static bool
two_experts(const void *arg, const struct param *p)
{
    (void)arg;
    return (param_group(p->kind) == GROUP_EXPERT && p->layer == 1 &&
            (p->expert == 2 || p->expert == 5)) ||
           (p->kind == PARAM_ROUTER && p->layer == 1);
}

START_TEST(only_what_is_trained_has_state)
{
    struct moe_model *m = model_make(false, DTYPE_F32);
    struct arena *a;
    struct buffer *untouched = m->layer[0].experts.buf;
    struct arena_options opt = {.trains = two_experts, .weights = DTYPE_F32};
    ck_ok(moe_ctx_err(m->ctx), arena_create(&a, m, &opt));
    ck_assert_uint_eq(a->trained, 2 * 3 * 32 * 24 + 8 * 32);
    ck_assert_int_eq(a->lowest, 1);
    ck_assert(m->layer[0].experts.buf == untouched);
    ck_assert(a->grads.layer[0].experts.buf == NULL);
    ck_assert(a->grads.embed.buf == NULL);
    ck_assert(a->grads.layer[1].router.buf != NULL);
    uint64_t table[8 * 3];
    ck_ok(moe_ctx_err(m->ctx),
          tensor_read(&a->grads.layer[1].experts.offsets, table));
    for (int e = 0; e < 8; e++)
        ck_assert((table[3 * e] == ARENA_FROZEN) == (e != 2 && e != 5));
    /* The router, expert 2, expert 5: three ranges, decayed. */
    ck_assert_uint_eq(a->ranges, 3);
    arena_destroy(&a);
    moe_model_destroy(&m);
}
END_TEST

static bool
nothing(const void *arg, const struct param *p)
{
    (void)arg;
    (void)p;
    return false;
}

START_TEST(plans_and_refusals)
{
    struct moe_err err = {0};
    struct moe_config c = config_read(false);
    struct moe_param_totals totals;
    struct layout l;
    struct arena_bytes plan;
    ck_ok(&err, moe_param_count(&err, &totals, &c));
    struct arena_options opt = {.weights = DTYPE_F32};
    ck_ok(&err, arena_plan(&err, &plan, &c, &opt, UINT64_MAX));
    ck_assert_uint_eq(plan.held.bytes, 16 * totals.total);
    ck_assert_uint_eq(plan.trained, totals.total);
    ck_assert_uint_eq(plan.frozen, 0);
    /* A layer's experts fit, two layers' do not: more segments. */
    const uint64_t experts = 4 * 8 * 3 * 32 * 24;
    ck_ok(&err, layout_make(&err, &l, &c, &opt, experts));
    ck_assert_uint_gt(l.segments, 3);
    for (size_t i = 0; i < l.segments; i++)
        ck_assert_uint_le(4 * l.segment[i].w_n, experts);
    layout_free(&l);
    ck_ok(&err, arena_plan(&err, &plan, &c, &opt, experts));
    ck_assert_uint_eq(plan.held.bytes, 16 * totals.total);
    ck_assert_uint_eq(plan.held.largest, experts);
    /* What cannot be cut is alone, and named. */
    ck_ok(&err, arena_plan(&err, &plan, &c, &opt, 1000));
    ck_assert_uint_eq(plan.held.bytes, 16 * totals.total);
    ck_assert_uint_eq(plan.held.largest, experts);
    ck_assert_str_eq(plan.held.name, "weights of the experts of layer 0");
    opt.trains = nothing;
    ck_fails(&err, layout_make(&err, &l, &c, &opt, 1000), MOE_EINVAL,
             "no parameter is trained");
    moe_config_free(&c);
}
END_TEST

/* Fill weights, moments (and masters) of every range with distinct numbers. */
static void
scribble(const struct arena *a, double scale)
{
    for (size_t r = 0; r < a->ranges; r++) {
        const struct arena_range *q = &a->range[r];
        const struct tensor *all[] = {&q->master, &q->m, &q->v};
        float *x = calloc(q->n, sizeof *x);
        uint16_t *half = calloc(q->n, sizeof *half);
        for (int i = 0; i < 3; i++) {
            support_normal(x, q->n, r * 3 + (uint64_t)i, scale);
            if (all[i]->buf)
                ck_assert_int_eq(tensor_write(all[i], x), MOE_OK);
        }
        for (uint64_t i = 0; i < q->n; i++)
            half[i] = dtype_f32_to_bf16(x[i]);
        ck_assert_int_eq(tensor_write(&q->w, q->w.dtype == DTYPE_F32
                                                 ? (void *)x
                                                 : (void *)half),
                         MOE_OK);
        free(x);
        free(half);
    }
}

/* All bytes of the arena's state, one after the other. */
static unsigned char *
bytes_of(const struct arena *a, size_t *n)
{
    unsigned char *all = calloc(a->trained, 4 * sizeof(float));
    *n = 0;
    for (size_t r = 0; r < a->ranges; r++) {
        const struct arena_range *q = &a->range[r];
        const struct tensor *part[] = {&q->w, &q->master, &q->m, &q->v};
        for (int i = 0; i < 4; i++)
            if (part[i]->buf) {
                ck_assert_int_eq(tensor_read(part[i], all + *n), MOE_OK);
                *n += q->n * dtype_bytes(part[i]->dtype);
            }
    }
    return all;
}

static struct arena *
arena_make(struct moe_model *m)
{
    struct arena *a;
    struct arena_options opt = {.weights = DTYPE_BF16, .master = true};
    ck_ok(moe_ctx_err(m->ctx), arena_create(&a, m, &opt));
    return a;
}

START_TEST(snapshots_are_exact)
{
    struct moe_err err = {0};
    struct moe_model *m = model_make(false, DTYPE_F32);
    struct arena *a = arena_make(m);
    json_t *state = json_pack("{s:I, s:f}", "tokens", (json_int_t)1 << 40,
                              "loss", 0.1),
           *back;
    size_t n, k;
    ck_ok(&err, fs_mkdirs(&err, support_path("run"), 0777));
    scribble(a, 1);
    unsigned char *before = bytes_of(a, &n);
    ck_ok(&err, snapshot_save(&err, support_path("run"), 7, a, state));
    scribble(a, 2);
    char *dir = snapshot_dir(support_path("run"), 7);
    ck_ok(&err, snapshot_load(&err, dir, a, &back));
    unsigned char *after = bytes_of(a, &k);
    ck_assert_uint_eq(n, k);
    ck_assert(memcmp(before, after, n) == 0);
    ck_assert(json_equal(state, back));
    /* Again over the same step. */
    ck_ok(&err, snapshot_save(&err, support_path("run"), 7, a, state));
    free(before);
    free(after);
    free(dir);
    json_decref(state);
    json_decref(back);
    arena_destroy(&a);
    moe_model_destroy(&m);
}
END_TEST

/* Flip one bit of a file at a share of its length. */
static void
flip(const char *path, double where)
{
    int fd = open(path, O_RDWR);
    off_t at = (off_t)((double)lseek(fd, 0, SEEK_END) * where);
    unsigned char c;
    ck_assert_int_eq(pread(fd, &c, 1, at), 1);
    c ^= 4;
    ck_assert_int_eq(pwrite(fd, &c, 1, at), 1);
    close(fd);
}

START_TEST(one_flipped_bit_is_found)
{
    struct moe_err err = {0};
    struct moe_model *m = model_make(false, DTYPE_F32);
    struct arena *a = arena_make(m);
    json_t *state = json_pack("{s:i}", "tokens", 12345), *back;
    static const char *const files[] = {"weights.safetensors",
                                        "moments.safetensors", "state.json"};
    const char *run = support_path("flip");
    ck_ok(&err, fs_mkdirs(&err, run, 0777));
    for (int i = 0; i < 3; i++)
        for (double where = 0.02; where < 1; where += 0.31) {
            ck_ok(&err, snapshot_save(&err, run, 3, a, state));
            char *dir = snapshot_dir(run, 3), *path = str_path(dir, files[i]);
            ck_ok(&err, snapshot_verify(&err, dir));
            flip(path, where);
            int rc = snapshot_load(&err, dir, a, &back);
            ck_assert_msg(rc == MOE_EFORMAT, "%s at %g: %s", files[i], where,
                          moe_errname(rc));
            ck_assert(back == NULL);
            ck_assert(strstr(err.text, files[i]) != NULL);
            free(dir);
            free(path);
        }
    json_decref(state);
    arena_destroy(&a);
    moe_model_destroy(&m);
}
END_TEST

START_TEST(pruning_keeps_what_it_must)
{
    struct moe_err err = {0};
    struct moe_model *m = model_make(false, DTYPE_F32);
    struct arena *a;
    struct arena_options opt = {.trains = two_experts, .weights = DTYPE_F32};
    const char *run = support_path("prune");
    json_t *state = json_object();
    uint64_t *steps;
    size_t n;
    ck_ok(moe_ctx_err(m->ctx), arena_create(&a, m, &opt));
    ck_ok(&err,
          fs_mkdirs(&err, support_path("prune/checkpoints/.step-9"), 0777));
    for (uint64_t s = 1; s <= 12; s++)
        ck_ok(&err, snapshot_save(&err, run, s, a, state));
    ck_ok(&err,
          snapshot_prune(&err, run, &(struct snapshot_policy){12, 2, 5, 3}));
    ck_ok(&err, snapshot_list(&err, &steps, &n, run));
    static const uint64_t want[] = {3, 5, 10, 11, 12};
    ck_assert_uint_eq(n, 5);
    ck_assert(memcmp(steps, want, sizeof want) == 0);
    ck_assert(!fs_exists(support_path("prune/checkpoints/.step-9")));
    free(steps);
    /* A run that went back to step 5 and wrote 6: what lies ahead of it does
     * not push its own out. */
    ck_ok(&err, snapshot_save(&err, run, 6, a, state));
    ck_ok(&err,
          snapshot_prune(&err, run, &(struct snapshot_policy){6, 2, 0, 12}));
    ck_ok(&err, snapshot_list(&err, &steps, &n, run));
    ck_assert_uint_eq(n, 2);
    ck_assert(steps[0] == 5 && steps[1] == 6);
    free(steps);
    json_decref(state);
    arena_destroy(&a);
    moe_model_destroy(&m);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("arena");
    TCase *tc = tcase_create("arena");
    tcase_add_test(tc, values_survive_the_move);
    tcase_add_test(tc, only_what_is_trained_has_state);
    tcase_add_test(tc, plans_and_refusals);
    tcase_add_test(tc, snapshots_are_exact);
    tcase_add_test(tc, one_flipped_bit_is_found);
    tcase_add_test(tc, pruning_keeps_what_it_must);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
