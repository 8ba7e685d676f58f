/*
 * check_resume.c - kind: pretrain, stopped and gone on with.
 *
 * Precondition: an OpenCL device, a small model, two shards whose windows are
 * no multiple of the batch.  Claims: a run that is stopped after every step of
 * three epochs, or once in a hundred steps, has the losses, learning rates,
 * data cursor and parameters of one that was not, in every order; a state
 * without its schedule or with another one is refused, never a new warm-up; a
 * run that diverges names step, layer and tensor and leaves the checkpoint
 * before.
 */
#include "config.h"

#include "tests/jobs.h"
#include "tests/tiny.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "train/snapshot_state.h"

enum { W = 8, BATCH = 4, STEPS = 12, LINE = 96 };

/* What a run reported, and when it is to stop. */
struct watch {
    int stop;             // after so many steps; 0: never
    int seen;             // steps since it began
    char step[128][LINE]; // loss, rate and epochs of step i
};

static void
see(void *arg, const char *line)
{
    struct watch *w = arg;
    json_t *o = json_loads(line, 0, NULL);
    json_int_t step = json_integer_value(json_object_get(o, "step"));
    if (strcmp(json_string_value(json_object_get(o, "kind")), "step") == 0) {
        json_t *epochs = json_object_get(o, "epochs");
        w->seen++;
        snprintf(w->step[step], LINE, "%.17g %.17g %.17g %.17g",
                 json_number_value(json_object_get(o, "loss")),
                 json_number_value(json_object_get(o, "lr")),
                 json_number_value(json_object_get(epochs, "aa")),
                 json_number_value(json_object_get(epochs, "bb")));
    }
    json_decref(o);
}

static bool
stopping(void *arg)
{
    struct watch *w = arg;
    return w->stop && w->seen >= w->stop;
}

static int
run(struct moe_err *err, const char *text, const char *out, struct watch *w)
{
    const struct job_sink sink = {
        .metric = see, .stopping = stopping, .arg = w};
    w->seen = 0;
    return jobs_run(err, text, support_dir(), out, &sink);
}

static char *
spec_of(int checkpoint_every, const char *more)
{
    return str_format("kind: pretrain\nmodel: model\ndata: {aa: aa.u16, bb: "
                      "bb.u16}\nwindow: %d\nbatch: %d\nmicro_batch: 3\n"
                      "eos: 1\noptimizer: {lr: 1e-2}\ncheckpoint_every: %d\n"
                      "eval_every: 0\nexport: {dtype: f32}\n%s",
                      W, BATCH, checkpoint_every, more);
}

/* 17 and 13 windows: 7 batches of 4 an epoch and two windows more. */
static void
write_inputs(void)
{
    support_ctx(); // skips all of it without a device
    tiny_write("model", &(struct tiny){0});
    jobs_shard("aa.u16", 17 * W + 5, 2, 80, 1);
    jobs_shard("bb.u16", 13 * W, 2, 80, 2);
    jobs_shard("batches.u16", (size_t)STEPS / 2 * BATCH * W, 2, 80, 3);
}

/* Run to the end with a stop after every `piece` steps; how often it began. */
static int
run_in_pieces(const char *text, const char *out, struct watch *w, int piece)
{
    struct moe_err err = {0};
    int rc, begun = 0;
    w->stop = piece;
    do {
        rc = run(&err, text, out, w);
        begun++;
    } while (rc == MOE_ECANCEL && begun < 100);
    ck_ok(&err, rc);
    return begun;
}

static void
stop_everywhere(const char *name, const char *more, int steps, int last)
{
    struct moe_err err = {0};
    static struct watch whole, again, parts;
    char *text = spec_of(1, more), out[3][32], state[64];
    memset(&whole, 0, sizeof whole);
    memset(&again, 0, sizeof again);
    memset(&parts, 0, sizeof parts);
    for (int i = 0; i < 3; i++)
        snprintf(out[i], sizeof out[i], "%s-%d", name, i);
    ck_ok(&err, run(&err, text, out[0], &whole));
    ck_ok(&err, run(&err, text, out[1], &again));
    ck_assert_int_eq(run_in_pieces(text, out[2], &parts, 1), steps);
    for (int i = 1; i <= steps; i++) {
        ck_assert_str_ne(whole.step[i], "");
        ck_assert_str_eq(again.step[i], whole.step[i]);
        ck_assert_str_eq(parts.step[i], whole.step[i]);
    }
    ck_assert_str_eq(whole.step[steps + 1], "");
    snprintf(state, sizeof state, "checkpoints/step-%08d/state.json", last);
    for (int i = 1; i < 3; i++) {
        jobs_same(out[0], out[i], "model/model.safetensors");
        jobs_same(out[0], out[i], state); // the cursor, and every sum
    }
    free(text);
}

START_TEST(stopped_after_every_step)
{
    write_inputs();
    stop_everywhere("olmo", "order: olmo\nepochs: 3\n", 22, 22);
    stop_everywhere("stream", "mixture: uniform\nepochs: 3\nweights: bf16\n",
                    22, 22);
    stop_everywhere("file", "order: file\nbatches: batches.u16\n", STEPS / 2,
                    STEPS / 2);
}
END_TEST

START_TEST(a_hundred_rates_go_on)
{
    struct moe_err err = {0};
    static struct watch whole, halves;
    char *text = spec_of(1000, "max_steps: 100\nschedule: {warmup: 10}\n");
    write_inputs();
    ck_ok(&err, run(&err, text, "hundred", &whole));
    ck_assert_int_eq(run_in_pieces(text, "halves", &halves, 50), 2);
    ck_assert_str_ne(whole.step[100], "");
    for (int i = 1; i <= 100; i++)
        ck_assert_str_eq(halves.step[i], whole.step[i]);
    free(text);
}
END_TEST

/* Change the schedule in the state of the newest snapshot, sum and all. */
static void
edit_schedule(const char *out, uint64_t step, const char *key)
{
    struct moe_err err = {0};
    json_t *root;
    char *dir = snapshot_dir(support_path(out), step);
    ck_ok(&err, snapshot_read_state(&err, dir, &root));
    json_t *state = json_object_get(root, "state");
    if (key)
        json_object_set_new(json_object_get(state, "schedule"), key,
                            json_integer(1000));
    else
        json_object_del(state, "schedule");
    ck_ok(&err, snapshot_write_state(&err, dir, root));
    json_decref(root);
    free(dir);
}

START_TEST(another_schedule_is_refused)
{
    struct moe_err err = {0};
    static struct watch w;
    write_inputs();
    char *text = spec_of(1, "max_steps: 4\nschedule: {warmup: 2}\n");
    w.stop = 1;
    ck_fails(&err, run(&err, text, "other", &w), MOE_ECANCEL, "step 1 of 4");
    edit_schedule("other", 1, "total");
    ck_fails(&err, run(&err, text, "other", &w), MOE_ESTATE,
             "another schedule");
    edit_schedule("other", 1, NULL);
    ck_fails(&err, run(&err, text, "other", &w), MOE_EFORMAT, "schedule");
    free(text);
}
END_TEST

/* The embedding of id 0 is a NaN, and only the third batch has that id. */
START_TEST(divergence_leaves_the_checkpoint_before)
{
    struct moe_err err = {0};
    static struct watch w;
    static unsigned char ids[2 * 4 * BATCH * W];
    uint64_t *steps;
    size_t n;
    write_inputs();
    tiny_write("sick", &(struct tiny){.nan = "model.embed_tokens.weight"});
    for (size_t i = 0; i < sizeof ids / 2; i++)
        ids[2 * i] = (unsigned char)(2 + i * 7 % 70);
    ids[2 * (2 * BATCH * W + 5)] = 0;
    support_write(support_path("sick.u16"), ids, sizeof ids);
    char *text = spec_of(1, "order: file\nbatches: sick.u16\n");
    memcpy(strstr(text, "model: model"), "model: sick ", 12);
    w.stop = 0;
    ck_fails(&err, run(&err, text, "sick-out", &w), MOE_ENUMERIC, "step 3");
    ck_assert_msg(strstr(err.text, "layer 0") && strstr(err.text, "router"),
                  "%s", err.text);
    ck_ok(&err, snapshot_list(&err, &steps, &n, support_path("sick-out")));
    ck_assert(n == 2 && steps[0] == 1 && steps[1] == 2);
    char *dir = snapshot_dir(support_path("sick-out"), 2);
    ck_ok(&err, snapshot_verify(&err, dir));
    ck_assert_str_eq(w.step[3], "");
    free(dir);
    free(steps);
    free(text);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("resume");
    TCase *tc = tcase_create("resume");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, stopped_after_every_step);
    tcase_add_test(tc, a_hundred_rates_go_on);
    tcase_add_test(tc, another_schedule_is_refused);
    tcase_add_test(tc, divergence_leaves_the_checkpoint_before);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
