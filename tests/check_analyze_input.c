/*
 * check_analyze_input.c - what kind: analyze cannot use is refused in one line
 * before any table is written.
 */
#include "config.h"

#include "tests/analyzing.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/str.h"

START_TEST(unusable_inputs_are_refused)
{
    unsigned char bad[2 * W] = {0};
    bad[6] = V;
    support_write(support_path("bad.u16"), bad, sizeof bad);
    support_write(support_path("odd.u16"), bad, 7);
    support_write(support_path("empty.u16"), "", 0);
    support_write(support_path("short.u16"), bad, 6);
    analyzing_refuses(SHARED "data: {aa: aa.u16, bb: short.u16}\n", MOE_EFORMAT,
                      "3 tokens, want at least one window of 8");
    analyzing_refuses(SHARED "data: {aa: aa.u16, bb: empty.u16}\n", MOE_EFORMAT,
                      "empty.u16: no tokens");
    analyzing_refuses(SHARED "data: {aa: aa.u16, bb: gone.u16}\n", MOE_EINPUT,
                      "gone.u16");
    analyzing_refuses(SHARED "data: {aa: odd.u16}\n", MOE_EFORMAT,
                      "7 bytes, want a multiple of 2");
    analyzing_refuses(SHARED "data: {aa: bad.u16}\n", MOE_EFORMAT,
                      "bad.u16: token 3 is 83, want an id below 83");
}
END_TEST

/* The tokenizer is that of another model: its ids are not this model's. */
START_TEST(a_strange_tokenizer_is_found_out)
{
    struct str b = {0};
    support_write(support_path("some.txt"), "Zwölf Boxkämpfer jagen\n", 25);
    str_printf(&b,
               SHARED "eos: 0\ntokenizer: \"%s/tokenizer.json\"\n"
                      "data: {aa: some.txt}\n",
               getenv("POLYMOE_SAMPLE"));
    char *text = str_take(&b);
    analyzing_refuses(text, MOE_EFORMAT, "the vocabulary of");
    free(text);
}
END_TEST

START_TEST(windows_that_cannot_be_are_refused)
{
#define BASE "kind: analyze\nmodel: model\ndata: {aa: aa.u16}\n"
    analyzing_refuses(BASE "window: 100000\n", MOE_EINVAL,
                      "window: 100000 tokens, the model has");
    analyzing_refuses(BASE "window: 0\n", MOE_EFORMAT,
                      "window: '0' found, 1 to");
    analyzing_refuses(BASE "window: 8\nmax_tokens: 7\n", MOE_EINVAL,
                      "max_tokens: 7, want at least one window of 8");
    analyzing_refuses(BASE "window: 1\nperplexity: true\n", MOE_EINVAL,
                      "perplexity wants 2");
    analyzing_refuses(BASE "window: 8\neos: 83\n", MOE_EINVAL,
                      "eos: 83, the vocabulary has 83");
}
END_TEST

/* Known from the configuration alone: there are no weights here. */
START_TEST(a_model_that_cannot_fit_is_refused_before)
{
    static const char huge[] =
        "{\"model_type\":\"olmoe\",\"vocab_size\":83,"
        "\"hidden_size\":8192,\"num_hidden_layers\":512,"
        "\"num_attention_heads\":64,\"num_experts\":128,"
        "\"num_experts_per_tok\":8,\"intermediate_size\":8192,"
        "\"torch_dtype\":\"bfloat16\",\"eos_token_id\":0}";
    struct moe_err err = {0};
    ck_ok(&err, fs_mkdirs(&err, support_path("huge"), 0777));
    support_write(support_path("huge/config.json"), huge, sizeof huge - 1);
    analyzing_refuses("kind: analyze\nmodel: huge\nwindow: 8\n" THREE, MOE_EFIT,
                      "huge: needs 26");
}
END_TEST

/* The embedding of id 0 is no number: the language, layer and token. */
START_TEST(a_router_without_numbers_is_named)
{
    unsigned char ids[2 * W];
    for (int i = 0; i < W; i++) {
        ids[2 * i] = i == 5 ? 0 : 7;
        ids[2 * i + 1] = 0;
    }
    support_write(support_path("sick.u16"), ids, sizeof ids);
    tiny_write("sick", &(struct tiny){.nan = "model.embed_tokens.weight"});
    analyzing_refuses("kind: analyze\nmodel: sick\nwindow: 8\n"
                      "data: {xx: sick.u16}\n",
                      MOE_ENUMERIC, "xx: layer 0");
}
END_TEST

START_TEST(a_device_that_does_not_exist_is_named)
{
    analyzing_refuses(SHARED THREE "device: nonesuch\n", MOE_EDEVICE,
                      "nonesuch");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("analyze_input");
    TCase *t = tcase_create("refusals");
    tcase_set_timeout(t, 0);
    tcase_add_checked_fixture(t, analyzing_inputs, NULL);
    tcase_add_test(t, unusable_inputs_are_refused);
    tcase_add_test(t, a_strange_tokenizer_is_found_out);
    tcase_add_test(t, windows_that_cannot_be_are_refused);
    tcase_add_test(t, a_model_that_cannot_fit_is_refused_before);
    tcase_add_test(t, a_router_without_numbers_is_named);
    tcase_add_test(t, a_device_that_does_not_exist_is_named);
    suite_add_tcase(s, t);
    return support_main(s, 1);
}
