/*
 * check_counts.c - the table of routing counters: adding, merging, saving, and
 * the result files.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <polymoe/routing.h>

#include "base/fs.h"
#include "base/rng.h"

enum { L = 3, E = 5, K = 2, CELLS = L * E };

/* `tokens` random tokens in documents of seven. */
static void
observe(struct moe_routing_language *p, uint64_t tokens, uint64_t seed)
{
    p->tokens += tokens;
    p->documents += (tokens + 6) / 7;
    for (int l = 0; l < L; l++)
        for (uint64_t t = 0; t < tokens; t++)
            for (int k = 0; k < K; k++) {
                double u = rng_uniform(seed, (uint64_t)l, t);
                p->count[l * E + ((int)(u * E) + k) % E]++;
                p->pooled[l * E + ((int)(u * E) + k) % E] += u / K;
                p->by_document[l * E + k] += u / 7;
            }
}

static void
make_table(struct moe_routing *r)
{
    struct moe_err err = {0};
    struct moe_routing_language *p;
    ck_ok(&err, moe_routing_init(&err, r, L, E, K));
    ck_ok(&err, moe_routing_add(&err, r, "en", &p));
    observe(p, 100, 1);
    ck_ok(&err, moe_routing_add(&err, r, "a, \"b\"", &p));
    observe(p, 31, 2);
    p->predicted = 30;
    p->nll = 61.25;
}

static void
same_language(const struct moe_routing_language *a,
              const struct moe_routing_language *b)
{
    ck_assert_str_eq(a->name, b->name);
    ck_assert_uint_eq(a->tokens, b->tokens);
    ck_assert_uint_eq(a->documents, b->documents);
    ck_assert_uint_eq(a->predicted, b->predicted);
    ck_assert(a->nll == b->nll);
    ck_assert_mem_eq(a->count, b->count, CELLS * sizeof *a->count);
    ck_assert_mem_eq(a->pooled, b->pooled, CELLS * sizeof *a->pooled);
    ck_assert_mem_eq(a->by_document, b->by_document,
                     CELLS * sizeof *a->by_document);
}

START_TEST(a_table_refuses_what_it_cannot_hold)
{
    struct moe_err err = {0};
    struct moe_routing r;
    struct moe_routing_language *p;
    ck_fails(&err, moe_routing_init(&err, &r, 0, E, K), MOE_EINVAL, "0 layers");
    ck_fails(&err, moe_routing_init(&err, &r, L, 2, 3), MOE_EINVAL,
             "3 a token");
    make_table(&r);
    ck_fails(&err, moe_routing_add(&err, &r, "en", &p), MOE_EINVAL, "en");
    ck_assert_ptr_null(moe_routing_find(&r, "fi"));
    moe_routing_free(&r);
    moe_routing_free(&r);
}
END_TEST

START_TEST(saving_keeps_every_bit)
{
    struct moe_err err = {0};
    struct moe_routing r, back;
    const char *path = support_path("table.json");
    make_table(&r);
    ck_ok(&err, moe_routing_save(&err, &r, path, "model x"));
    ck_ok(&err, moe_routing_load(&err, &back, path, "model x"));
    ck_assert_int_eq(back.L, L);
    ck_assert_int_eq(back.E, E);
    ck_assert_int_eq(back.K, K);
    ck_assert_int_eq(back.n, 2);
    for (int i = 0; i < 2; i++)
        same_language(r.language[i], back.language[i]);
    moe_routing_free(&back);
    moe_routing_free(&r);
}
END_TEST

START_TEST(loading_refuses_another_and_a_damaged_table)
{
    struct moe_err err = {0};
    struct moe_routing r, back;
    const char *path = support_path("table.json");
    ck_fails(&err, moe_routing_load(&err, &back, path, "x"), MOE_EINPUT,
             "table.json");
    make_table(&r);
    r.language[0]->count[4]++; // no longer K choices a token
    ck_ok(&err, moe_routing_save(&err, &r, path, "x"));
    ck_fails(&err, moe_routing_load(&err, &back, path, "x"), MOE_EFORMAT,
             "add up");
    ck_assert_int_eq(back.n, 0);
    r.language[0]->count[4]--;
    ck_ok(&err, moe_routing_save(&err, &r, path, "x"));
    ck_fails(&err, moe_routing_load(&err, &back, path, "y"), MOE_ESTATE, "y");
    moe_routing_free(&r);

    static const char *const bad[] = {
        "", "{}", "[1]",
        "{\"format\":\"polymoe-routing-1\",\"identity\":\"x\",\"layers\":1,"
        "\"experts\":1,\"top_k\":1,\"languages\":[{\"name\":\"a\"}]}",
        "{\"format\":\"polymoe-routing-1\",\"identity\":\"x\",\"layers\":1,"
        "\"experts\":1,\"top_k\":1,\"languages\":[{\"name\":\"a\","
        "\"tokens\":1,\"documents\":1,\"predicted\":0,\"nll\":0,"
        "\"count\":[-1],\"pooled\":[1],\"by_document\":[1]}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        support_write(path, bad[i], strlen(bad[i]));
        ck_fails(&err, moe_routing_load(&err, &back, path, "x"), MOE_EFORMAT,
                 "table.json");
    }
}
END_TEST

START_TEST(merging_adds)
{
    struct moe_err err = {0};
    struct moe_routing whole, part, other;
    struct moe_routing_language *p;
    make_table(&whole);
    ck_ok(&err, moe_routing_init(&err, &part, L, E, K));
    ck_ok(&err, moe_routing_add(&err, &part, "fi", &p));
    observe(p, 40, 3);
    ck_ok(&err, moe_routing_add(&err, &part, "en", &p));
    observe(p, 40, 4);
    uint64_t before = whole.language[0]->count[7];
    ck_ok(&err, moe_routing_merge(&err, &whole, &part));
    ck_assert_int_eq(whole.n, 3);
    ck_assert_uint_eq(whole.language[0]->tokens, 140);
    ck_assert_uint_eq(whole.language[0]->count[7], before + p->count[7]);
    same_language(whole.language[2], part.language[0]);
    ck_ok(&err, moe_routing_init(&err, &other, L, E + 1, K));
    ck_fails(&err, moe_routing_merge(&err, &whole, &other), MOE_ESHAPE, "6");
    moe_routing_free(&whole);
    moe_routing_free(&part);
}
END_TEST

/* The text of a result file; static until the next call. */
static const char *
result(const char *name)
{
    static char *text;
    struct moe_err err = {0};
    size_t n;
    free(text);
    ck_ok(&err, fs_read(&err, &text, &n, support_path(name), 1 << 20));
    return text;
}

static int
lines(const char *s)
{
    int n = 0;
    for (; *s; s++)
        n += *s == '\n';
    return n;
}

START_TEST(results_have_the_documented_shape)
{
    struct moe_err err = {0};
    struct moe_routing r;
    struct moe_routing_language *p;
    make_table(&r);
    ck_ok(&err, moe_routing_add(&err, &r, "silent", &p));
    ck_ok(&err, moe_routing_write(&err, &r, NULL, 0, support_dir()));
    const char *s = result("counts.csv");
    ck_assert_int_eq(lines(s), 1 + 2 * CELLS);
    ck_assert_ptr_eq(strstr(s, "language,layer,expert,count\nen,0,0,"), s);
    ck_assert_ptr_nonnull(strstr(s, "\n\"a, \"\"b\"\"\",2,4,"));
    ck_assert_ptr_null(strstr(s, "silent"));
    s = result("probabilities.csv");
    ck_assert_int_eq(lines(s), 1 + 2 * CELLS);
    ck_assert_ptr_eq(strstr(s, "language,layer,expert,mean_pooled,mean_"
                               "documents,mean_gate\nen,0,0,"),
                     s);
    s = result("entropy.csv");
    ck_assert_int_eq(lines(s), 1 + 2 * L);
    ck_assert_ptr_eq(
        strstr(s, "language,layer,entropy_counts,entropy_probabilities\n"), s);
    s = result("jsd.csv");
    ck_assert_int_eq(lines(s), 1 + L);
    ck_assert_ptr_eq(
        strstr(s, "layer,language_a,language_b,jsd_counts,jsd_probabilities\n"
                  "0,en,\"a, \"\"b\"\"\","),
        s);
    s = result("specialization.csv");
    ck_assert_int_eq(lines(s), 1 + L);
    ck_assert_ptr_eq(strstr(s, "layer,score,score_high\n0,0."), s);
    s = result("perplexity.csv");
    ck_assert_int_eq(lines(s), 2); // only the language that has a loss
    char row[200];
    snprintf(row, sizeof row, "\",31,30,%.9g,%.9g,%.9g,%.9g\n", 61.25 / 30,
             exp(61.25 / 30), 61.25 / 31, exp(61.25 / 31));
    ck_assert_ptr_nonnull(strstr(s, row));
    moe_routing_free(&r);
}
END_TEST

START_TEST(one_language_has_no_pairs)
{
    struct moe_err err = {0};
    struct moe_routing r;
    struct moe_routing_language *p;
    ck_ok(&err, moe_routing_init(&err, &r, L, E, K));
    ck_ok(&err, moe_routing_add(&err, &r, "en", &p));
    observe(p, 10, 5);
    ck_ok(&err, moe_routing_write(&err, &r, NULL, 0, support_dir()));
    ck_assert_str_eq(
        result("jsd.csv"),
        "layer,language_a,language_b,jsd_counts,jsd_probabilities\n");
    ck_assert_str_eq(result("specialization.csv"), "layer,score,score_high\n");
    ck_assert(!fs_exists(support_path("perplexity.csv")));
    ck_fails(&err,
             moe_routing_write(&err, &r, NULL, 0, support_path("no-such-dir")),
             MOE_EIO, "no-such-dir");
    moe_routing_free(&r);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("counts");
    TCase *t = tcase_create("counts");
    tcase_add_test(t, a_table_refuses_what_it_cannot_hold);
    tcase_add_test(t, saving_keeps_every_bit);
    tcase_add_test(t, loading_refuses_another_and_a_damaged_table);
    tcase_add_test(t, merging_adds);
    tcase_add_test(t, results_have_the_documented_shape);
    tcase_add_test(t, one_language_has_no_pairs);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
