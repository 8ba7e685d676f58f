/*
 * check_normalize.c - text to form C.
 *
 * Claim: text that has the form is handed through; pairs, Hangul and marks in
 * the wrong order are composed, what Unicode excludes is not; a text of a
 * megabyte without a boundary takes no more than its length.
 */
#include "config.h"

#include "tests/support.h"

#include <string.h>

#include "data/normalize.h"

static struct moe_err err;

static void
becomes(struct nfc *nfc, const char *text, const char *want)
{
    const char *out;
    size_t n;
    ck_ok(&err, nfc_apply(&err, nfc, text, strlen(text), &out, &n));
    ck_assert_msg(n == strlen(want) && memcmp(out, want, n) == 0,
                  "'%s' becomes '%.*s', want '%s'", text, (int)n, out, want);
}

START_TEST(form_c_is_handed_through)
{
    static const char text[] = "plain caf\u00e9";
    struct nfc nfc;
    const char *out;
    size_t n;
    ck_ok(&err, nfc_create(&err, &nfc));
    ck_ok(&err, nfc_apply(&err, &nfc, text, sizeof text - 1, &out, &n));
    ck_assert_ptr_eq(out, text);
    ck_assert_uint_eq(n, sizeof text - 1);
    becomes(&nfc, "", "");
    nfc_free(&nfc);
}
END_TEST

START_TEST(the_rest_is_composed)
{
    struct nfc nfc;
    ck_ok(&err, nfc_create(&err, &nfc));
    becomes(&nfc, "cafe\u0301 e", "caf\u00e9 e");
    becomes(&nfc, "Vie\u0323\u0302t", "Vi\u1ec7t");
    becomes(&nfc, "Vie\u0302\u0323t", "Vi\u1ec7t");
    becomes(&nfc, "\u1112\u1161\u11ab", "\ud55c");
    becomes(&nfc, "\u212b \u2126", "\u00c5 \u03a9"); // one for another
    becomes(&nfc, "\u0958", "\u0915\u093c");         // excluded: taken apart
    becomes(&nfc, "\u0301x", "\u0301x");             // a mark with no base
    nfc_free(&nfc);
    nfc_free(&nfc);
}
END_TEST

START_TEST(a_megabyte_of_marks_is_ordered_in_time)
{
    struct nfc nfc;
    struct str text = {0};
    const char *out;
    size_t n;
    ck_ok(&err, nfc_create(&err, &nfc));
    str_puts(&text, "e");
    for (int i = 0; i < 250000; i++)
        str_puts(&text, "\u0315\u0323");
    ck_ok(&err, nfc_apply(&err, &nfc, text.s, text.n, &out, &n));
    ck_assert_uint_eq(n, text.n); // e and one dot below become one of 3 bytes
    ck_assert_mem_eq(out, "\u1eb9\u0323\u0323", 7);
    ck_assert_mem_eq(out + n - 4, "\u0315\u0315", 4);
    str_free(&text);
    nfc_free(&nfc);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("normalize");
    TCase *tc = tcase_create("normalize");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, form_c_is_handed_through);
    tcase_add_test(tc, the_rest_is_composed);
    tcase_add_test(tc, a_megabyte_of_marks_is_ordered_in_time);
    suite_add_tcase(s, tc);
    return support_main(s, 0);
}
