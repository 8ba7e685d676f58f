/*
 * check_generate.c - tokens from logits, and texts that go on.
 *
 * Precondition: an OpenCL device and the sample model.  Claims: greedy tokens
 * are those of plain passes; texts do not depend on those beside them, on the
 * size of a pass or on the cache; chance depends on seed, text and place
 * alone and has the right frequencies; a token that the tokenizer lacks never
 * comes; a text ends where it should.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/generate.h"
#include "eval/score.h"
#include "model/model.h"

enum { V = 4096, NEW = 12, TEXTS = 5 };

static struct moe_model *model;
static struct moe_tokenizer *tokenizer;
static struct moe_ids prompt[TEXTS];

static struct moe_err *
err(void)
{
    return moe_ctx_err(support_ctx());
}

static void
setup(void)
{
    static const char *const texts[TEXTS] = {
        "The ", "The keys to the cabinet", "Klíče od skříně leží",
        "A long night on the island of Harrow, and then", "\n"};
    const char *dir = SRCDIR "/tests/sample/model";
    struct moe_err e;
    ck_ok(&e, moe_tokenizer_load(&e, &tokenizer, dir));
    ck_ok(err(), moe_model_load(support_ctx(), &model, dir));
    for (int i = 0; i < TEXTS; i++) {
        prompt[i] = (struct moe_ids){0};
        ck_ok(&e, moe_tokenizer_encode(&e, tokenizer, &prompt[i], texts[i],
                                       strlen(texts[i]), NULL));
    }
}

static void
teardown(void)
{
    for (int i = 0; i < TEXTS; i++)
        moe_ids_free(&prompt[i]);
    moe_model_destroy(&model);
    moe_tokenizer_destroy(&tokenizer);
}

static void
begin(struct generation g[TEXTS])
{
    for (int i = 0; i < TEXTS; i++)
        g[i] = (struct generation){.prompt = prompt[i].id,
                                   .n = (int64_t)prompt[i].n,
                                   .stream = (uint64_t)i};
}

static void
end(struct generation g[TEXTS])
{
    for (int i = 0; i < TEXTS; i++)
        generation_free(&g[i]);
}

static struct generate_options
options(void)
{
    return (struct generate_options){
        .tokenizer = tokenizer, .max_tokens = NEW, .eos = -1};
}

static void
make(struct generation g[TEXTS], const struct generate_options *opt,
     int64_t pass_tokens, bool quick)
{
    struct moe_run *run;
    const struct eval_run_options o = {
        .max_length = 100, .pass_tokens = pass_tokens, .quick = quick};
    begin(g);
    ck_ok(err(), eval_run_create(&run, model, &o));
    ck_ok(err(), generate(run, g, TEXTS, opt, NULL));
    moe_run_destroy(&run);
}

static bool
same(const struct generation *a, const struct generation *b)
{
    return a->ids.n == b->ids.n && a->end == b->end &&
           memcmp(a->ids.id, b->ids.id, a->ids.n * sizeof(int32_t)) == 0 &&
           a->text.n == b->text.n &&
           memcmp(a->text.s, b->text.s, a->text.n) == 0;
}

START_TEST(greedy_tokens_are_those_of_plain_passes)
{
    struct generation g[TEXTS];
    struct generate_options opt = options();
    struct moe_run *run;
    const struct moe_run_options o = {.B = 1, .T = 100};
    float logits[V];
    int32_t ids[100];
    make(g, &opt, 64, true);
    ck_ok(err(), moe_run_create(&run, model, &o));
    for (int i = 0; i < TEXTS; i++) {
        size_t n = prompt[i].n;
        memcpy(ids, prompt[i].id, n * sizeof *ids);
        for (size_t k = 0; k < NEW; k++, n++) {
            int32_t top = 0;
            ck_ok(err(), moe_run_forward(run, ids, 1, (int64_t)n));
            ck_ok(err(), moe_run_logits(run, (int64_t)n - 1, 1, logits));
            for (int32_t v = 1; v < V; v++)
                top = logits[v] > logits[top] ? v : top;
            ids[n] = top;
            ck_assert_int_eq(g[i].ids.id[k], top);
        }
        ck_assert_int_eq(g[i].end, GENERATE_LENGTH);
    }
    moe_run_destroy(&run);
    end(g);
}
END_TEST

START_TEST(texts_do_not_depend_on_their_company)
{
    struct generation want[TEXTS], got[TEXTS];
    struct generate_options opt = options();
    opt.sample = (struct sample_options){
        .temperature = 0.9, .top_k = 50, .top_p = 0.95, .seed = 3};
    make(want, &opt, 200, false);
    opt.parallel = 1;
    make(got, &opt, 200, false);
    for (int i = 0; i < TEXTS; i++)
        ck_assert(same(&want[i], &got[i]));
    end(got);
    opt.parallel = 3;
    make(got, &opt, 7, false);
    for (int i = 0; i < TEXTS; i++)
        ck_assert(same(&want[i], &got[i]));
    end(got);
    opt.sample.seed = 4;
    make(got, &opt, 200, false);
    ck_assert(!same(&want[0], &got[0]) || !same(&want[3], &got[3]));
    end(got);
    end(want);
}
END_TEST

START_TEST(texts_end_where_they_should)
{
    struct generation g[TEXTS], all[TEXTS];
    struct generate_options opt = options();
    char stop[8] = {0};
    make(all, &opt, 64, true);
    /* A piece of the first text, across tokens, and one of its tokens. */
    memcpy(stop, all[0].text.s + 5, 4);
    const char *const stops[] = {"", "no such text", stop};
    opt.stop = stops;
    opt.stops = 3;
    make(g, &opt, 64, true);
    ck_assert_int_eq(g[0].end, GENERATE_STOP);
    ck_assert(g[0].text.n <= 5 && !strstr(g[0].text.s, stop));
    ck_assert(memcmp(g[0].text.s, all[0].text.s, g[0].text.n) == 0);
    end(g);
    opt.stops = 0;
    opt.eos = all[1].ids.id[4];
    make(g, &opt, 64, true);
    ck_assert_int_eq(g[1].end, GENERATE_EOS);
    ck_assert_uint_le(g[1].ids.n, 4);
    end(g);
    opt = options();
    opt.max_tokens = 0;
    make(g, &opt, 64, true);
    ck_assert_int_eq(g[0].end, GENERATE_LENGTH);
    ck_assert_uint_eq(g[0].ids.n, 0);
    end(g);
    opt.max_tokens = 500;
    opt.length = 60;
    make(g, &opt, 64, true);
    ck_assert_int_eq(g[0].end, GENERATE_LENGTH);
    ck_assert_uint_eq(g[0].ids.n + prompt[0].n, 60);
    end(g);
    end(all);
}
END_TEST

START_TEST(long_prompts_are_refused)
{
    struct moe_run *run;
    struct generation g[TEXTS];
    struct generate_options opt = options();
    size_t failed;
    const struct eval_run_options o = {.max_length = 6, .cache_bytes = 1};
    begin(g);
    ck_ok(err(), eval_run_create(&run, model, &o));
    ck_fails(err(), generate(run, g, TEXTS, &opt, &failed), MOE_EINVAL,
             "want 1 to 5");
    ck_assert_uint_lt(failed, TEXTS);
    moe_run_destroy(&run);
    end(g);
}
END_TEST

/* ---- One token ----------------------------------------------------------- */

static struct sampler *
sampler(const struct sample_options *opt, int64_t rows)
{
    struct moe_err e;
    struct sampler *s;
    ck_ok(&e, sampler_create(&e, &s, opt, tokenizer, rows));
    return s;
}

START_TEST(rows_beyond_the_vocabulary_never_come)
{
    struct moe_err e;
    static float logits[V + 30];
    int32_t id;
    for (int temperature = 0; temperature < 2; temperature++) {
        struct sampler *s = sampler(
            &(struct sample_options){.temperature = temperature}, V + 30);
        for (int v = 0; v < V + 30; v++)
            logits[v] = v < V ? -1 : 50;
        logits[7] = logits[9] = 20;
        ck_ok(&e, sampler_pick(&e, s, logits, 0, 0, &id));
        ck_assert(id == 7 || (temperature && id == 9));
        for (int v = 0; v < V; v++)
            logits[v] = NAN;
        ck_fails(&e, sampler_pick(&e, s, logits, 0, 8, &id), MOE_ENUMERIC,
                 "token 8");
        sampler_destroy(&s);
    }
}
END_TEST

/* Four tokens of probability 0.4, 0.3, 0.2, 0.1. */
static void
frequencies(int count[4], const struct sample_options *opt, int draws)
{
    struct moe_err e;
    static float logits[V];
    struct sampler *s = sampler(opt, V);
    for (int v = 0; v < V; v++)
        logits[v] = -INFINITY;
    for (int i = 0; i < 4; i++) {
        count[i] = 0;
        logits[100 + i] = (float)(opt->temperature * log(0.4 - 0.1 * i));
    }
    for (int i = 0; i < draws; i++) {
        int32_t id;
        ck_ok(&e, sampler_pick(&e, s, logits, 1, (uint64_t)i, &id));
        ck_assert_int_ge(id, 100);
        ck_assert_int_lt(id, 104);
        count[id - 100]++;
    }
    sampler_destroy(&s);
}

START_TEST(chance_has_the_right_frequencies)
{
    enum { DRAWS = 2000 };
    int all[4], again[4], best[4], most[4];
    const double four_sd = 4 * sqrt(DRAWS * 0.25);
    struct sample_options opt = {.temperature = 0.7, .seed = 11};
    frequencies(all, &opt, DRAWS);
    frequencies(again, &opt, DRAWS);
    for (int i = 0; i < 4; i++) {
        ck_assert_double_eq_tol(all[i], DRAWS * (0.4 - 0.1 * i), four_sd);
        ck_assert_int_eq(all[i], again[i]);
    }
    opt.top_k = 2;
    frequencies(best, &opt, DRAWS);
    ck_assert_double_eq_tol(best[0], DRAWS * 4.0 / 7, four_sd);
    ck_assert_int_eq(best[2] + best[3], 0);
    opt.top_k = 0;
    opt.top_p = 0.75;
    frequencies(most, &opt, DRAWS);
    ck_assert_int_eq(most[3], 0);
    ck_assert_double_eq_tol(most[2], DRAWS * 2.0 / 9, four_sd);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("generate");
    TCase *tc = tcase_create("texts");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, greedy_tokens_are_those_of_plain_passes);
    tcase_add_test(tc, texts_do_not_depend_on_their_company);
    tcase_add_test(tc, texts_end_where_they_should);
    tcase_add_test(tc, long_prompts_are_refused);
    tcase_add_test(tc, rows_beyond_the_vocabulary_never_come);
    tcase_add_test(tc, chance_has_the_right_frequencies);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
