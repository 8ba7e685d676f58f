/*
 * check_encode.c - ids of tasks: a context and a text become those that the
 * harness makes of them, cut from the left.
 */
#include "config.h"

#include "tests/support.h"

#include <string.h>

#include "eval/encode.h"

static struct moe_err err;

static struct moe_tokenizer *tokenizer;
static struct encoder encoder;
static struct moe_ids ids;

static void
setup(void)
{
    struct moe_config config = {.V = 4096, .eos = 4095, .bos = -1};
    ck_ok(&err, moe_tokenizer_load(&err, &tokenizer,
                                   SRCDIR "/tests/sample/tokenizer.json"));
    ck_ok(&err, encoder_make(&err, &encoder, &config, tokenizer, 50));
    ids = (struct moe_ids){0};
}

static void
teardown(void)
{
    moe_ids_free(&ids);
    moe_tokenizer_destroy(&tokenizer);
}

static struct encoded
encode(const char *context, const char *text)
{
    struct encoded e;
    ck_ok(&err, encode_pair(&err, &encoder, &ids, &e, context, text));
    return e;
}

/* The ids of a text alone. */
static struct moe_ids
plain(const char *text)
{
    struct moe_ids list = {0};
    ck_ok(&err, moe_tokenizer_encode(&err, tokenizer, &list, text, strlen(text),
                                     NULL));
    return list;
}

static void
is(const struct encoded *e, const char *whole, size_t first)
{
    struct moe_ids want = plain(whole);
    ck_assert_uint_eq(e->n, want.n);
    ck_assert_mem_eq(ids.id + e->at, want.id, want.n * sizeof *want.id);
    ck_assert_uint_eq(e->first, first);
    moe_ids_free(&want);
}

START_TEST(white_space_goes_with_the_text)
{
    struct moe_ids context = plain("Answer:");
    struct encoded a = encode("Answer:", " A"), b = encode("Answer: ", "A"),
                   c = encode("Answer: \n\xc2\xa0", "A");
    is(&a, "Answer: A", context.n);
    is(&b, "Answer: A", context.n);
    is(&c,
       "Answer: \n\xc2\xa0"
       "A",
       context.n);
    moe_ids_free(&context);
    ck_fails(&err, encode_pair(&err, &encoder, &ids, &a, "Answer:", ""),
             MOE_EFORMAT, "no token to score");
}
END_TEST

START_TEST(an_empty_context_is_one_prefix_and_never_two)
{
    struct moe_ids text = plain("The keys");
    struct encoded a = encode("", "The keys"),
                   b = encode("", "<|endoftext|>The keys");
    ck_assert_uint_eq(a.n, text.n + 1);
    ck_assert_int_eq(ids.id[a.at], 4095);
    ck_assert_uint_eq(a.first, 1);
    ck_assert_uint_eq(b.n, a.n);
    ck_assert_mem_eq(ids.id + b.at, ids.id + a.at, a.n * sizeof *ids.id);
    ck_assert_uint_eq(b.first, 1);
    moe_ids_free(&text);
    struct moe_config none = {.V = 10, .eos = -1, .bos = -1};
    struct encoder e;
    ck_fails(&err, encoder_make(&err, &e, &none, tokenizer, 50), MOE_EINVAL,
             "bos_token_id");
}
END_TEST

/* Digits are a token each: "abc" + "de" with room for three. */
START_TEST(only_the_text_is_scored_after_a_cut)
{
    encoder.length = 3;
    struct encoded e = encode("1 2 3", " 4 5");
    struct moe_ids whole = plain("1 2 3 4 5"), text = plain(" 4 5");
    ck_assert_uint_eq(e.n, 4);
    ck_assert_mem_eq(ids.id + e.at, whole.id + whole.n - 4, 4 * sizeof *ids.id);
    ck_assert_uint_eq(e.n - e.first, text.n);
    ck_assert_uint_eq(e.truncated, whole.n - 4);
    ck_assert_uint_eq(e.context, whole.n - text.n);
    ck_assert(!e.too_long);
    size_t before = ids.n;
    e = encode("1", " 2 3 4 5 6 7");
    ck_assert(e.too_long);
    ck_assert_uint_eq(ids.n, before);
    moe_ids_free(&whole);
    moe_ids_free(&text);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("encode");
    TCase *t = tcase_create("encode");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, white_space_goes_with_the_text);
    tcase_add_test(t, an_empty_context_is_one_prefix_and_never_two);
    tcase_add_test(t, only_the_text_is_scored_after_a_cut);
    suite_add_tcase(suite, t);
    return support_main(suite, 0);
}
