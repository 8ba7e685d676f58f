/*
 * check_ask.c - items put to the sample model.
 *
 * Precondition: an OpenCL device and the sample model.  Claims: the metrics of
 * pairs are those of the scores over characters, bytes and tokens counted by
 * hand; a tie and an item that is too long are counted; every token of a
 * document is scored once, across windows too.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/ask.h"
#include "model/model.h"

static struct moe_model *model;
static struct moe_tokenizer *tokenizer;
static struct moe_run *run;
static struct encoder encoder;

static struct moe_err *
err(void)
{
    return moe_ctx_err(support_ctx());
}

static void
setup(void)
{
    const char *dir = SRCDIR "/tests/sample/model";
    struct moe_err e;
    ck_ok(&e, moe_tokenizer_load(&e, &tokenizer, dir));
    ck_ok(err(), moe_model_load(support_ctx(), &model, dir));
    ck_ok(err(), eval_run_create(&run, model, &(struct eval_run_options){0}));
    ck_ok(&e,
          encoder_make(&e, &encoder, moe_model_config(model), tokenizer, 60));
}

static void
teardown(void)
{
    moe_run_destroy(&run);
    moe_model_destroy(&model);
    moe_tokenizer_destroy(&tokenizer);
}

static struct ask
ask(enum task task)
{
    return (struct ask){.run = run,
                        .encoder = &encoder,
                        .task = task,
                        .opt = {"el", MGSM_DIRECT},
                        .name = "test",
                        .original = true,
                        .window = 16};
}

static double
number(const struct ask *a, size_t item, const char *key, size_t i)
{
    return json_number_value(json_array_get(
        json_object_get(json_array_get(a->detail, item), key), i));
}

static double
tokens(const char *text)
{
    struct moe_err e;
    struct moe_ids ids = {0};
    ck_ok(&e,
          moe_tokenizer_encode(&e, tokenizer, &ids, text, strlen(text), NULL));
    size_t n = ids.n;
    moe_ids_free(&ids);
    return (double)n;
}

/* Texts of a Greek and a Hindi word against Latin ones, so that the lengths
 * fall apart; characters and bytes counted by hand. */
START_TEST(four_norms_of_a_pair)
{
    static const struct {
        const char *good, *bad;
        double chars[2], bytes[2];
    } pair[] = {{"καλημέρα", "good morning", {8, 12}, {16, 12}},
                {"नमस्ते", "hello there", {6, 11}, {18, 11}},
                {"a", "नमस्ते", {1, 6}, {1, 18}},
                {"The key is here.", "The key are here.", {16, 17}, {16, 17}}};
    struct moe_err e;
    struct items items = {0};
    struct ask a = ask(TASK_MULTIBLIMP);
    for (size_t i = 0; i < 4; i++)
        ck_ok(&e, items_add(&e, &items, false,
                            &(struct item){.place = "p",
                                           .group = "",
                                           .good = (char *)pair[i].good,
                                           .bad = (char *)pair[i].bad}));
    ck_ok(&e, ask_pairs(&e, &a, &items));
    for (size_t i = 0; i < 4; i++) {
        const struct outcome_score *s = a.outcome.item[i].score;
        const double x = number(&a, i, "ll", 0), y = number(&a, i, "ll", 1);
        ck_assert(x < 0 && y < 0);
        ck_assert_double_eq(s[0].value, x >= y);
        ck_assert_double_eq(s[1].value,
                            x / pair[i].chars[0] >= y / pair[i].chars[1]);
        ck_assert_double_eq(s[2].value,
                            x / pair[i].bytes[0] >= y / pair[i].bytes[1]);
        ck_assert_double_eq(s[3].value, x / tokens(pair[i].good) >=
                                            y / tokens(pair[i].bad));
        ck_assert_double_eq(s[4].value, number(&a, i, "ll_no_first", 0) >
                                            number(&a, i, "ll_no_first", 1));
    }
    ck_assert_uint_eq(a.outcome.ties, 0);
    items_free(&items);
    ask_free(&a);
}
END_TEST

START_TEST(ties_and_long_items_are_counted)
{
    char text[400] = "";
    struct moe_err e;
    struct items items = {0};
    struct ask a = ask(TASK_MULTIBLIMP);
    for (int i = 0; i < 99; i++)
        strcat(text, "key ");
    const char *good[] = {"The same.", text, "No."};
    for (size_t i = 0; i < 3; i++)
        ck_ok(&e, items_add(&e, &items, false,
                            &(struct item){.place = "p",
                                           .group = "",
                                           .good = (char *)good[i],
                                           .bad = (char *)good[i]}));
    a.limit = 2;
    ck_ok(&e, ask_pairs(&e, &a, &items));
    ck_assert_uint_eq(a.outcome.n, 2);
    ck_assert_uint_eq(a.outcome.ties, 1);
    ck_assert_uint_eq(a.outcome.too_long, 1);
    ck_assert_double_eq(a.outcome.item[0].score[0].value, 1);
    ck_assert_double_eq(a.outcome.item[0].score[4].value, 0);
    ck_assert_uint_eq(outcome_mean(&a.outcome, 0, NULL).n, 1);
    items_free(&items);
    ask_free(&a);
}
END_TEST

/* 40 tokens in windows of 16: each once, the last 8 with 9 before them. */
START_TEST(every_token_of_a_document_once)
{
    enum { N = 40 };
    int32_t ids[N], from[17];
    const size_t start[] = {0, N};
    struct moe_err e;
    struct ask a = ask(TASK_PERPLEXITY);
    struct score_watch w = {0};
    double sum = 0;
    for (int i = 0; i < N; i++)
        ids[i] = 300 + i * 37 % 900;
    ck_ok(&e, ask_documents(&e, &a, ids, start, 1));
    ck_assert_uint_eq(a.outcome.n, 1);
    ck_assert_double_eq(a.outcome.item[0].score[0].weight, N);
    for (int done = 0; done < N; done += 16) {
        const int end = done + 16 < N ? done + 16 : N;
        const int first = end - 17 < -1 ? -1 : end - 17;
        for (int i = first; i < end; i++)
            from[i - first] = i < 0 ? encoder.prefix : ids[i];
        struct score_request r = {from, end - first, done - first, 0};
        ck_ok(err(), score_run(run, &r, 1, &w));
        sum -= r.ll;
    }
    ck_assert_double_eq_tol(a.outcome.item[0].score[0].value, sum / N, 1e-9);
    ck_assert(a.outcome.item[0].score[1].value > 0);
    ask_free(&a);
    ck_ok(&e, ask_windows(&e, &a, ids, N));
    ck_assert_uint_eq(a.outcome.n, 2);
    ck_assert_uint_eq(a.outcome.left_out, 8);
    ask_free(&a);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ask");
    TCase *tc = tcase_create("items");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, four_norms_of_a_pair);
    tcase_add_test(tc, ties_and_long_items_are_counted);
    tcase_add_test(tc, every_token_of_a_document_once);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
