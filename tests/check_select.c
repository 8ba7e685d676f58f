/*
 * check_select.c - giving experts to languages, ranking shared ones, and
 * experts.json, written and read.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <string.h>

#include <polymoe/routing.h>

#include "base/json.h"
#include "base/rng.h"

enum { E = 6 };

/* Shares of three languages with different totals. */
static const double counts[3 * E] = {
    50, 20, 10, 10, 5,  5,  // en, 100
    20, 40, 40, 40, 20, 40, // fi, 200
    2,  2,  2,  2,  1,  1,  // ru, 10
};

START_TEST(an_expert_goes_to_who_uses_it_clearly_more)
{
    struct moe_err err = {0};
    int32_t owner[E];
    ck_ok(&err, moe_select_by_gap(&err, owner, counts, 3, E, 0.01));
    // .5 .1 .2 | .2 .2 .2 | .1 .2 .2 | .1 .2 .2 | .05 .1 .1 | .05 .2 .1
    const int32_t want[] = {0, -1, -1, -1, -1, 1};
    for (int e = 0; e < E; e++)
        ck_assert_int_eq(owner[e], want[e]);
    ck_ok(&err, moe_select_by_gap(&err, owner, counts, 3, E, 0.2));
    ck_assert_int_eq(owner[0], 0);
    ck_assert_int_eq(owner[5], -1);
}
END_TEST

/* alpha = 0 gives every expert away: a partition, whatever the counts. */
START_TEST(no_gap_asked_gives_a_partition)
{
    struct moe_err err = {0};
    double w[5 * 64];
    int32_t owner[64];
    for (int i = 0; i < 5 * 64; i++)
        w[i] = floor(10 * rng_uniform(3, 0, (uint64_t)i));
    ck_ok(&err, moe_select_by_gap(&err, owner, w, 5, 64, 0));
    for (int e = 0; e < 64; e++)
        ck_assert(owner[e] >= 0 && owner[e] < 5);
}
END_TEST

START_TEST(shared_experts_rank_by_the_mean_share)
{
    struct moe_err err = {0};
    int32_t rank[E];
    // Means times 3: .8 .6 .5 .5 .25 .35
    const int32_t want[] = {0, 1, 2, 3, 5, 4};
    ck_ok(&err, moe_rank_shared(&err, rank, counts, 3, E));
    for (int e = 0; e < E; e++)
        ck_assert_int_eq(rank[e], want[e]);
}
END_TEST

START_TEST(selection_refuses_what_it_cannot_compare)
{
    struct moe_err err = {0};
    int32_t out[E];
    double w[2 * E] = {1, 2, 3, 4, 5, 6};
    ck_fails(&err, moe_select_by_gap(&err, out, counts, 1, E, 0.01), MOE_EINVAL,
             "at least 2");
    ck_fails(&err, moe_select_by_gap(&err, out, w, 2, E, 0.01), MOE_EINVAL,
             "language 1 has no counts");
    ck_fails(&err, moe_rank_shared(&err, out, w, 0, E), MOE_EINVAL,
             "no language");
}
END_TEST

static void
make_table(struct moe_routing *r)
{
    static const char *const name[] = {"en", "fi", "ru"};
    struct moe_err err = {0};
    struct moe_routing_language *p;
    ck_ok(&err, moe_routing_init(&err, r, 2, E, 2));
    for (int i = 0; i < 3; i++) {
        ck_ok(&err, moe_routing_add(&err, r, name[i], &p));
        for (int e = 0; e < E; e++) {
            p->count[E + e] = (uint64_t)counts[i * E + e];
            p->count[e] = 1;
            p->tokens += p->count[E + e];
        }
    }
}

static void
same_list(json_t *root, const char *language, const char *set, const char *want)
{
    json_t *list = json_object_get(
        json_object_get(json_object_get(root, language), set), "1");
    char got[64] = "";
    for (size_t i = 0; i < json_array_size(list); i++)
        sprintf(got + strlen(got), "%lld ",
                (long long)json_integer_value(json_array_get(list, i)));
    ck_assert_str_eq(got, want);
}

START_TEST(experts_json_has_the_published_shape)
{
    struct moe_err err = {0};
    struct moe_routing r;
    json_t *root;
    const char *path = support_path("experts.json");
    const char *const high[] = {"en", "fi", "ru"};
    const struct moe_parent low[] = {{"nl", "en"}, {"et", "fi"}, {"uk", "ru"}};
    const int64_t layer[] = {0, 1};
    struct moe_selection s = {.alpha = 0.01,
                              .layer = layer,
                              .layers = 2,
                              .high = high,
                              .n_high = 3,
                              .low = low,
                              .n_low = 3};
    make_table(&r);
    ck_ok(&err, moe_selection_write(&err, &r, &s, path));
    ck_ok(&err, json_read(&err, &root, path));
    json_t *meta = json_object_get(root, "_meta");
    ck_assert_double_eq(json_real_value(json_object_get(meta, "alpha")), 0.01);
    ck_assert_uint_eq(json_array_size(json_object_get(meta, "hr_languages")),
                      3);
    same_list(root, "shared_experts", "k1", "0 ");
    same_list(root, "shared_experts", "k5", "0 1 2 3 5 ");
    same_list(root, "nl", "seft", "0 ");
    same_list(root, "nl", "ssft_k3", "0 0 1 2 "); // 0 twice, as published
    same_list(root, "et", "ssft_k1", "5 0 ");
    same_list(root, "uk", "seft", "");
    same_list(root, "uk", "ssft_k1", "0 ");
    json_decref(root);

    s.distinct = true;
    ck_ok(&err, moe_selection_write(&err, &r, &s, path));
    ck_ok(&err, json_read(&err, &root, path));
    same_list(root, "nl", "ssft_k3", "0 1 2 3 ");
    same_list(root, "et", "ssft_k5", "5 0 1 2 3 4 ");
    same_list(root, "shared_experts", "k3", "0 1 2 ");
    json_decref(root);
    moe_routing_free(&r);
}
END_TEST

/* Shares of layer 1: .5 .2 .1 .1 .05 .05 | .1 .2 .2 .2 .1 .2 | .2 .2 .2 .2 .1
 * .1; without a gap asked fi has 2 to 5, above the others' largest by 0 and,
 * the last, by .1, and above their mean by .05, .05, .025 and .125. */
START_TEST(at_most_so_many_are_kept)
{
    static const struct {
        enum moe_rule rule;
        double alpha;
        int64_t most;
        const char *nl, *et, *shared;
    } want[] = {{MOE_RULE_GAP, 0, 0, "0 1 ", "2 3 4 5 ", "2 3 4 5 0 "},
                {MOE_RULE_GAP, 0, 9, "0 1 ", "2 3 4 5 ", "2 3 4 5 0 "},
                {MOE_RULE_GAP, 0, 2, "0 1 ", "2 5 ", "2 5 0 "},
                {MOE_RULE_GAP, 0, 1, "0 ", "5 ", "5 0 "},
                {MOE_RULE_GAP_MEAN, 0.01, 3, "0 ", "2 3 5 ", "2 3 5 0 "},
                {MOE_RULE_TOP_N, 0, 2, "0 1 ", "1 2 ", "1 2 0 "}};
    const char *const high[] = {"en", "fi", "ru"};
    const struct moe_parent low[] = {{"nl", "en"}, {"et", "fi"}};
    const int64_t layer = 1;
    const char *path = support_path("most.json");
    struct moe_err err = {0};
    struct moe_routing r;
    make_table(&r);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct moe_selection s = {.alpha = want[i].alpha,
                                        .layer = &layer,
                                        .layers = 1,
                                        .high = high,
                                        .n_high = 3,
                                        .low = low,
                                        .n_low = 2,
                                        .distinct = true,
                                        .rule = want[i].rule,
                                        .n = 4,
                                        .most = want[i].most};
        json_t *root;
        ck_ok(&err, moe_selection_write(&err, &r, &s, path));
        ck_ok(&err, json_read(&err, &root, path));
        same_list(root, "nl", "seft", want[i].nl);
        same_list(root, "et", "seft", want[i].et);
        same_list(root, "et", "ssft_k1", want[i].shared);
        const json_t *most =
            json_object_get(json_object_get(root, "_meta"), "most");
        ck_assert_int_eq(json_integer_value(most), want[i].most);
        json_decref(root);
    }
    moe_routing_free(&r);
}
END_TEST

START_TEST(experts_json_names_what_is_missing)
{
    struct moe_err err = {0};
    struct moe_routing r;
    struct moe_routing_language *p;
    const char *path = support_path("experts.json");
    const char *high[] = {"en", "fi"};
    struct moe_parent low = {"uk", "ru"};
    int64_t layer = 1;
    struct moe_selection s = {.alpha = 0.01,
                              .layer = &layer,
                              .layers = 1,
                              .high = high,
                              .n_high = 2,
                              .low = &low,
                              .n_low = 1};
    make_table(&r);
    ck_fails(&err, moe_selection_write(&err, &r, &s, path), MOE_EINVAL,
             "experts of ru");
    low.parent = "fi";
    layer = 2;
    ck_fails(&err, moe_selection_write(&err, &r, &s, path), MOE_EINVAL,
             "layer 2");
    layer = 1;
    ck_ok(&err, moe_routing_add(&err, &r, "hi", &p));
    high[1] = "hi";
    ck_fails(&err, moe_selection_write(&err, &r, &s, path), MOE_EINVAL,
             "hi has no tokens");
    moe_routing_free(&r);
}
END_TEST

/* ---- Reading ------------------------------------------------------------- */

static const char lists[] =
    "{\"_meta\": {}, \"shared_experts\": {\"k1\": {\"1\": [3]}},"
    " \"ca\": {\"seft\": {\"3\": [], \"2\": [5, 0]},"
    " \"ssft_k1\": {\"2\": [5, 0, 5, 3]},"
    " \"far\": {\"4\": [1]}, \"wide\": {\"2\": [1, 6]},"
    " \"twice\": {\"2\": [1], \"02\": [1]}, \"flat\": [1],"
    " \"word\": {\"2\": [\"1\"]}, \"sign\": {\"-1\": [1]}}}";

static int
read_lists(struct moe_err *err, struct moe_experts *x, const char *language,
           const char *strategy)
{
    const char *path = support_path("lists.json");
    support_write(path, lists, sizeof lists - 1);
    return moe_experts_read(err, x, path, language, strategy, 4, E);
}

START_TEST(a_list_is_read_by_language_and_strategy)
{
    struct moe_err err = {0};
    struct moe_experts x;
    ck_ok(&err, read_lists(&err, &x, "ca", "seft"));
    ck_assert_int_eq(x.layers, 2);
    ck_assert_int_eq(x.layer[0].layer, 2); // ascending
    ck_assert_int_eq(x.layer[0].n, 2);
    ck_assert_int_eq(x.layer[0].expert[0], 5); // in the file's order
    ck_assert_int_eq(x.layer[0].expert[1], 0);
    ck_assert_int_eq(x.layer[1].layer, 3);
    ck_assert_int_eq(x.layer[1].n, 0);
    moe_experts_free(&x);
    ck_ok(&err, read_lists(&err, &x, "ca", "ssft_k1"));
    ck_assert_int_eq(x.layer[0].n, 3); // 5 once
    ck_assert_int_eq(x.layer[0].expert[2], 3);
    moe_experts_free(&x);
    ck_ok(&err, read_lists(&err, &x, "shared_experts", "k1"));
    ck_assert_int_eq(x.layer[0].expert[0], 3);
    moe_experts_free(&x);
    ck_assert_ptr_null(x.layer);
}
END_TEST

START_TEST(a_list_that_is_not_there_is_named)
{
    static const struct {
        const char *language, *strategy, *part;
        int code;
    } row[] = {
        {"nl", "seft", "no language nl, it has shared_experts, ca", MOE_EINVAL},
        {"_meta", "alpha", "no language _meta", MOE_EINVAL},
        {"shared_experts", "k3", "no strategy k3, it has k1", MOE_EINVAL},
        {"ca", "far", "'4', want a layer from 0 to 3", MOE_EFORMAT},
        {"ca", "sign", "'-1', want a layer", MOE_EFORMAT},
        {"ca", "wide", "layer 2, entry 1: want an expert from 0 to 5",
         MOE_EFORMAT},
        {"ca", "word", "layer 2, entry 0: want an expert", MOE_EFORMAT},
        {"ca", "twice", "layer 2 stands there twice", MOE_EFORMAT},
        {"ca", "flat", "want a map from layer", MOE_EFORMAT}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct moe_err err = {0};
        struct moe_experts x;
        int rc = read_lists(&err, &x, row[i].language, row[i].strategy);
        ck_fails(&err, rc, row[i].code, row[i].part);
        ck_assert_ptr_null(x.layer);
    }
    struct moe_err err = {0};
    struct moe_experts x;
    int rc = moe_experts_read(&err, &x, "/nowhere.json", "ca", "seft", 4, E);
    ck_fails(&err, rc, MOE_EINPUT, "/nowhere.json");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("select");
    TCase *t = tcase_create("select");
    tcase_add_test(t, an_expert_goes_to_who_uses_it_clearly_more);
    tcase_add_test(t, no_gap_asked_gives_a_partition);
    tcase_add_test(t, shared_experts_rank_by_the_mean_share);
    tcase_add_test(t, selection_refuses_what_it_cannot_compare);
    tcase_add_test(t, experts_json_has_the_published_shape);
    tcase_add_test(t, at_most_so_many_are_kept);
    tcase_add_test(t, experts_json_names_what_is_missing);
    tcase_add_test(t, a_list_is_read_by_language_and_strategy);
    tcase_add_test(t, a_list_that_is_not_there_is_named);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
