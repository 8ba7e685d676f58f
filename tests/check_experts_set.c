/*
 * check_experts_set.c - experts that a person writes down, and those of a
 * table of differences.
 */
#include "config.h"

#include "tests/support.h"

#include <string.h>

#include <polymoe/routing.h>

#include "base/str.h"

enum { L = 4, E = 6 };

/* "LAYER: EXPERT EXPERT; ..." must be the set, which is freed. */
static void
same_set(struct moe_experts *x, const char *want)
{
    struct str got = {0};
    for (int64_t i = 0; i < x->layers; i++) {
        str_printf(&got, "%d:", (int)x->layer[i].layer);
        for (int64_t k = 0; k < x->layer[i].n; k++)
            str_printf(&got, " %d", (int)x->layer[i].expert[k]);
        str_puts(&got, "; ");
    }
    ck_assert_str_eq(got.n ? got.s : "", want);
    str_free(&got);
    moe_experts_free(x);
}

START_TEST(a_written_list_keeps_its_order)
{
    static const struct {
        const char *text[3], *want;
        size_t n;
    } row[] = {{{"3/5", "1/2", "3/0-1"}, "1: 2; 3: 5 0 1; ", 3},
               {{"0-1/4", "0/4"}, "0: 4; 1: 4; ", 2},
               {{"2/all"}, "2: 0 1 2 3 4 5; ", 1},
               {{"all/5"}, "0: 5; 1: 5; 2: 5; 3: 5; ", 1},
               {{0}, "", 0}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct moe_err err = {0};
        struct moe_experts x;
        ck_ok(&err, moe_experts_parse(&err, &x, row[i].text, row[i].n, L, E));
        same_set(&x, row[i].want);
    }
}
END_TEST

START_TEST(a_wrong_item_is_named)
{
    static const char *const wrong[] = {"3",
                                        "3/",
                                        "/3",
                                        "4/0",
                                        "0/6",
                                        "0/-",
                                        "0/1-",
                                        "1-0/0",
                                        "0/3-2",
                                        "0/0 ",
                                        "-1/0",
                                        "allx/0",
                                        "0/99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct moe_err err = {0};
        struct moe_experts x;
        int rc = moe_experts_parse(&err, &x, &wrong[i], 1, L, E);
        ck_fails(&err, rc, MOE_EINVAL, wrong[i]);
        ck_assert_ptr_null(x.layer);
    }
}
END_TEST

START_TEST(layers_are_numbers_and_ranges)
{
    static const char *const text[] = {"3", "0-1"}, *const wrong = "1-4";
    struct moe_err err = {0};
    bool in[L];
    ck_ok(&err, moe_layers_parse(&err, in, text, 2, L));
    ck_assert(in[0] && in[1] && !in[2] && in[3]);
    ck_fails(&err, moe_layers_parse(&err, in, &wrong, 1, L), MOE_EINVAL,
             "'1-4', want N, N-M or all from 0 to 3");
}
END_TEST

static const char table[] = "kind,language,layer,expert,activation,delta\n"
                            "language,en,0,0,0.5,\n"
                            "language,ca,2,1,0.5,0.3\n"
                            "language,ca,2,4,0.5,0.45\n"
                            "language,ca,1,0,0.5,0.31\n"
                            "language,ca,0,3,0.5,-0.6\n"
                            "language,hi,2,1,0.5,0.9\n"
                            "task,gsm8k,2,5,0.5,0.8\n";

static int
read_table(struct moe_err *err, struct moe_experts *x, const char *name,
           double tau, int sign)
{
    const char *path = support_path("delta.csv");
    support_write(path, table, sizeof table - 1);
    return moe_experts_read_delta(err, x, path, name, tau, sign, L, E);
}

START_TEST(a_table_gives_the_furthest_first)
{
    struct moe_err err = {0};
    struct moe_experts x;
    ck_ok(&err, read_table(&err, &x, "ca", 0, 1));
    moe_experts_cap(&x, 1);
    same_set(&x, "1: 0; 2: 4; ");
    ck_ok(&err, read_table(&err, &x, "ca", 0.3, 1)); // above, not at
    same_set(&x, "1: 0; 2: 4; ");
    ck_ok(&err, read_table(&err, &x, "ca", 0, -1));
    same_set(&x, "0: 3; ");
    ck_ok(&err, read_table(&err, &x, "multilingual", 0, 1));
    same_set(&x, "1: 0; 2: 1 4; ");
    ck_ok(&err, read_table(&err, &x, "gsm8k", 0, 1));
    same_set(&x, "2: 5; ");
    ck_ok(&err, read_table(&err, &x, "gsm8k", 0.9, 1)); // none is no error
    same_set(&x, "");
}
END_TEST

START_TEST(a_table_without_the_name_or_shape_is_refused)
{
    struct moe_err err = {0};
    struct moe_experts x;
    const char *path = support_path("delta.csv");
    ck_fails(&err, read_table(&err, &x, "nl", 0, 1), MOE_EINVAL,
             "no row of language or task nl");
    int rc = moe_experts_read_delta(&err, &x, path, "ca", 0, 1, 2, E);
    ck_fails(&err, rc, MOE_EFORMAT, "line 3: layer 2, expert 1");
    support_write(path, "kind,language\n", 14);
    rc = moe_experts_read_delta(&err, &x, path, "ca", 0, 1, L, E);
    ck_fails(&err, rc, MOE_EFORMAT, "layer");
    rc = moe_experts_read_delta(&err, &x, "/nowhere.csv", "ca", 0, 1, L, E);
    ck_fails(&err, rc, MOE_EINPUT, "/nowhere.csv");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("experts_set");
    TCase *t = tcase_create("experts_set");
    tcase_add_test(t, a_written_list_keeps_its_order);
    tcase_add_test(t, a_wrong_item_is_named);
    tcase_add_test(t, layers_are_numbers_and_ranges);
    tcase_add_test(t, a_table_gives_the_furthest_first);
    tcase_add_test(t, a_table_without_the_name_or_shape_is_refused);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
