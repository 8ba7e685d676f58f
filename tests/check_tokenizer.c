/*
 * check_tokenizer.c - text to ids and back, against recorded ids.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include <polymoe/tokenizer.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"

static const char sample_path[] = SRCDIR "/tests/sample/tokenizer.json";
static struct moe_err err;

static json_t *
read_json(const char *path)
{
    json_t *root;
    ck_ok(&err, json_read(&err, &root, path));
    return root;
}

static struct moe_tokenizer *
load(const char *path)
{
    struct moe_tokenizer *t;
    ck_ok(&err, moe_tokenizer_load(&err, &t, path));
    return t;
}

/* Load a document as a file; takes the reference. */
static int
load_document(struct moe_tokenizer **t, json_t *root)
{
    const char *path = support_path("tokenizer.json");
    ck_ok(&err, json_write(&err, root, path));
    json_decref(root);
    err = (struct moe_err){0};
    return moe_tokenizer_load(&err, t, path);
}

/* The sample with the tokens of more.json. */
static struct moe_tokenizer *
load_more(void)
{
    struct moe_tokenizer *t;
    json_t *root = read_json(sample_path);
    json_t *more = read_json(SRCDIR "/tests/vectors/tokens/more.json");
    json_array_extend(json_object_get(root, "added_tokens"), more);
    json_decref(more);
    ck_ok(&err, load_document(&t, root));
    return t;
}

static void
expect_ids(struct moe_tokenizer *t, const char *text, size_t n,
           enum moe_added added, const json_t *want)
{
    struct moe_ids ids = {0};
    struct moe_encode_options opt = {.added = added};
    ck_ok(&err, moe_tokenizer_encode(&err, t, &ids, text, n, &opt));
    ck_assert_msg(ids.n == json_array_size(want), "'%s': %zu ids, want %zu",
                  text, ids.n, json_array_size(want));
    for (size_t i = 0; i < ids.n; i++)
        ck_assert_msg(ids.id[i] == json_integer_value(json_array_get(want, i)),
                      "'%s': id %zu is %d", text, i, (int)ids.id[i]);
    moe_ids_free(&ids);
}

static void
expect_repeated(struct moe_tokenizer *t, const json_t *row)
{
    struct str text = {0};
    struct moe_ids ids = {0};
    struct hash h;
    char hex[HASH_HEX];
    const char *piece = json_string_value(json_object_get(row, "repeat"));
    for (json_int_t i = json_integer_value(json_object_get(row, "times"));
         i > 0; i--)
        str_puts(&text, piece);
    ck_ok(&err, moe_tokenizer_encode(&err, t, &ids, text.s, text.n, NULL));
    ck_assert_uint_eq(ids.n, json_integer_value(json_object_get(row, "n")));
    hash_begin(&h);
    for (size_t i = 0; i < ids.n; i++) {
        uint32_t id = (uint32_t)ids.id[i];
        unsigned char b[4] = {id & 255, id >> 8 & 255, id >> 16 & 255,
                              id >> 24};
        hash_add(&h, b, 4);
    }
    hash_end(&h, hex);
    ck_assert_str_eq(hex, json_string_value(json_object_get(row, "sha256")));
    str_free(&text);
    moe_ids_free(&ids);
}

static void
expect_row(struct moe_tokenizer *t, const json_t *row)
{
    const json_t *text = json_object_get(row, "text");
    const char *s = json_string_value(text);
    const json_t *ids = json_object_get(row, "ids");
    if (!text) {
        expect_repeated(t, row);
        return;
    }
    expect_ids(t, s, json_string_length(text), MOE_ADDED_ALL, ids);
    expect_ids(t, s, json_string_length(text), MOE_ADDED_ORDINARY,
               json_object_get(row, "ordinary"));
    int32_t id[512];
    struct moe_text out = {0};
    for (size_t i = 0; i < json_array_size(ids); i++)
        id[i] = (int32_t)json_integer_value(json_array_get(ids, i));
    ck_ok(&err,
          moe_tokenizer_decode(&err, t, &out, id, json_array_size(ids), true));
    const char *want = json_string_value(json_object_get(row, "decoded"));
    /* The reference reads an added token's own text through the byte
     * alphabet; ours is the token's text. */
    if (!strstr(s, "caf"))
        ck_assert_str_eq(out.s, want);
    moe_text_free(&out);
}

/* Every row of a JSON Lines file that is for this tokenizer. */
static void
expect_rows(struct moe_tokenizer *t, const char *name)
{
    char *text, *save = NULL;
    size_t n;
    int rows = 0;
    ck_ok(&err, fs_read(&err, &text, &n,
                        SRCDIR "/tests/vectors/tokens/edge.jsonl", 1 << 26));
    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        json_error_t e;
        json_t *row = json_loads(line, JSON_ALLOW_NUL, &e);
        ck_assert_msg(row != NULL, "%s", e.text);
        if (strcmp(json_string_value(json_object_get(row, "tokenizer")),
                   name) == 0) {
            expect_row(t, row);
            rows++;
        }
        json_decref(row);
    }
    ck_assert_int_gt(rows, 5);
    free(text);
}

START_TEST(edge_cases_equal_reference)
{
    struct moe_tokenizer *t = load(sample_path);
    expect_rows(t, "sample");
    moe_tokenizer_destroy(&t);
    t = load_more();
    expect_rows(t, "more");
    moe_tokenizer_destroy(&t);
}
END_TEST

/* Line `number` of a language's text, for the caller to free. */
static char *
sample_line(const char *language, int number)
{
    char path[512], *text;
    size_t n;
    snprintf(path, sizeof path, SRCDIR "/tests/sample/parallel/%s.txt",
             language);
    ck_ok(&err, fs_read(&err, &text, &n, path, 1 << 26));
    char *line = text;
    for (int i = 1; i < number; i++)
        line = strchr(line, '\n') + 1;
    char *copy = str_format("%.*s", (int)strcspn(line, "\n"), line);
    free(text);
    return copy;
}

static void
expect_sample(struct moe_tokenizer *t)
{
    char *text, *save = NULL;
    size_t n;
    int lines = 0;
    ck_ok(&err, fs_read(&err, &text, &n,
                        SRCDIR "/tests/vectors/tokens/sample.ids", 1 << 26));
    for (char *row = strtok_r(text, "\n", &save); row;
         row = strtok_r(NULL, "\n", &save), lines++) {
        char *next;
        row[2] = '\0';
        int number = (int)strtol(row + 3, &next, 10);
        json_t *want = json_array();
        for (char *p = next; *p; p = next)
            json_array_append_new(want, json_integer(strtol(p, &next, 10)));
        char *line = sample_line(row, number);
        expect_ids(t, line, strlen(line), MOE_ADDED_ALL, want);
        json_decref(want);
        free(line);
    }
    ck_assert_int_eq(lines, 14 * 30);
    free(text);
}

/* The same file with its merges as "a b". */
static json_t *
merges_as_strings(void)
{
    json_t *root = read_json(sample_path);
    json_t *merges = json_object_get(json_object_get(root, "model"), "merges");
    for (size_t i = 0; i < json_array_size(merges); i++) {
        const json_t *pair = json_array_get(merges, i);
        char *s =
            str_format("%s %s", json_string_value(json_array_get(pair, 0)),
                       json_string_value(json_array_get(pair, 1)));
        json_array_set_new(merges, i, json_string(s));
        free(s);
    }
    return root;
}

START_TEST(both_forms_of_merges_give_the_reference_ids)
{
    struct moe_tokenizer *t = load(sample_path);
    expect_sample(t);
    moe_tokenizer_destroy(&t);
    ck_ok(&err, load_document(&t, merges_as_strings()));
    expect_sample(t);
    moe_tokenizer_destroy(&t);
}
END_TEST

static void
expect_refused(json_t *root, const char *part)
{
    struct moe_tokenizer *t;
    int rc = load_document(&t, root);
    ck_fails(&err, rc, MOE_EFORMAT, part);
    ck_assert_ptr_null(t);
}

START_TEST(bad_merges_are_named_by_index)
{
    json_t *root = merges_as_strings();
    json_t *merges = json_object_get(json_object_get(root, "model"), "merges");
    json_array_set_new(merges, 7, json_pack("[ss]", "a", "b"));
    expect_refused(root, "merges[7]");
    root = read_json(sample_path);
    merges = json_object_get(json_object_get(root, "model"), "merges");
    json_array_set_new(merges, 9, json_pack("[sss]", "a", "b", "c"));
    expect_refused(root, "merges[9]");
    root = read_json(sample_path);
    merges = json_object_get(json_object_get(root, "model"), "merges");
    json_array_set_new(merges, 3, json_pack("[ss]", "a", "qqqq"));
    expect_refused(root, "merges[3]");
}
END_TEST

/* The sample with one part replaced. */
static json_t *
sample_with(const char *key, const char *value)
{
    json_t *root = read_json(sample_path);
    json_object_set_new(root, key, json_loads(value, 0, NULL));
    return root;
}

START_TEST(unsupported_parts_are_named)
{
    expect_refused(sample_with("model", "{\"type\":\"Unigram\"}"), "Unigram");
    expect_refused(sample_with("normalizer", "{\"type\":\"NFKC\"}"), "NFKC");
    expect_refused(sample_with("decoder", "{\"type\":\"Metaspace\"}"),
                   "Metaspace");
    expect_refused(sample_with("pre_tokenizer", "{\"type\":\"Whitespace\"}"),
                   "Whitespace");
    expect_refused(
        sample_with("pre_tokenizer",
                    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
                    "\"Split\",\"pattern\":{\"Regex\":\"(\"},\"behavior\":"
                    "\"Isolated\"}]}"),
        "pattern");
    expect_refused(
        sample_with("added_tokens", "[{\"id\":5,\"content\":\"<|padding|>\"}]"),
        "<|padding|>");
    struct moe_tokenizer *t;
    ck_fails(&err, moe_tokenizer_load(&err, &t, support_path("absent.json")),
             MOE_EINPUT, "absent.json");
    support_write(support_path("cut.json"), "{\"model\":", 9);
    ck_fails(&err, moe_tokenizer_load(&err, &t, support_path("cut.json")),
             MOE_EFORMAT, "cut.json:1");
}
END_TEST

START_TEST(split_steps_cut_like_byte_level)
{
    struct moe_tokenizer *t;
    ck_ok(&err,
          load_document(
              &t,
              sample_with(
                  "pre_tokenizer",
                  "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
                  "\"Split\",\"behavior\":\"Isolated\",\"pattern\":{\"Regex\":"
                  "\"'s|'t|'re|'ve|'m|'ll|'d| ?\\\\p{L}+| ?\\\\p{N}+| "
                  "?[^\\\\s\\\\p{L}\\\\p{N}]+|\\\\s+(?!\\\\S)|\\\\s+\"}},"
                  "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
                  "\"use_regex\":false}]}")));
    expect_sample(t);
    expect_rows(t, "sample");
    moe_tokenizer_destroy(&t);
}
END_TEST

START_TEST(malformed_utf8_is_replaced_and_counted)
{
    struct moe_tokenizer *t = load(sample_path);
    struct moe_ids got = {0}, want = {0};
    static const char bad[] = "a\xff"
                              "b\xe0\xa4 \xf0\x9f\x98\xed\xa0\x80z\xc3";
    static const char good[] = "a\xef\xbf\xbd"
                               "b\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf"
                               "\xbd\xef\xbf\xbdz\xef\xbf\xbd";
    ck_ok(&err, moe_tokenizer_encode(&err, t, &got, bad, sizeof bad - 1, NULL));
    ck_ok(&err,
          moe_tokenizer_encode(&err, t, &want, good, sizeof good - 1, NULL));
    ck_assert_uint_eq(got.replaced, 7);
    ck_assert_uint_eq(want.replaced, 0);
    ck_assert_uint_eq(got.n, want.n);
    ck_assert_mem_eq(got.id, want.id, got.n * sizeof *got.id);
    moe_ids_free(&got);
    moe_ids_free(&want);
    moe_tokenizer_destroy(&t);
}
END_TEST

START_TEST(control_tokens_can_be_read_as_text)
{
    struct moe_tokenizer *t = load_more();
    struct moe_encode_options opt = {.added = MOE_ADDED_SPACES};
    struct moe_ids ids = {0};
    struct moe_text out = {0};
    static const char text[] = "<|endoftext|> |||EMAIL_ADDRESS|||    x";
    ck_ok(&err,
          moe_tokenizer_encode(&err, t, &ids, text, sizeof text - 1, &opt));
    bool spaces = false;
    for (size_t i = 0; i < ids.n; i++) {
        ck_assert_int_lt(ids.id[i], 4095);
        spaces = spaces || ids.id[i] >= 4088;
    }
    ck_assert(spaces);
    ck_ok(&err, moe_tokenizer_decode(&err, t, &out, ids.id, ids.n, false));
    ck_assert_str_eq(out.s, text);
    moe_ids_free(&ids);
    moe_text_free(&out);
    moe_tokenizer_destroy(&t);
}
END_TEST

START_TEST(tokens_can_be_looked_up)
{
    struct moe_tokenizer *t = load(SRCDIR "/tests/sample/model");
    size_t n;
    struct moe_text out = {0};
    ck_assert_int_eq(moe_tokenizer_size(t), 4096);
    ck_assert_int_eq(moe_tokenizer_eos(t), 4095);
    ck_assert_int_eq(moe_tokenizer_added(t, "absent"), -1);
    const char *token = moe_tokenizer_token(t, 4095, &n);
    ck_assert_uint_eq(n, 13);
    ck_assert_mem_eq(token, "<|endoftext|>", n);
    ck_assert_ptr_null(moe_tokenizer_token(t, 4096, &n));
    ck_assert_ptr_null(moe_tokenizer_token(t, -1, &n));
    ck_fails(
        &err,
        moe_tokenizer_decode(&err, t, &out, (int32_t[]){5, 4096}, 2, false),
        MOE_EFORMAT, "token 1: id 4096");
    moe_text_free(&out);
    moe_tokenizer_destroy(&t);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("tokenizer");
    TCase *tc = tcase_create("tokenizer");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, edge_cases_equal_reference);
    tcase_add_test(tc, both_forms_of_merges_give_the_reference_ids);
    tcase_add_test(tc, bad_merges_are_named_by_index);
    tcase_add_test(tc, unsupported_parts_are_named);
    tcase_add_test(tc, split_steps_cut_like_byte_level);
    tcase_add_test(tc, malformed_utf8_is_replaced_and_counted);
    tcase_add_test(tc, control_tokens_can_be_read_as_text);
    tcase_add_test(tc, tokens_can_be_looked_up);
    suite_add_tcase(s, tc);
    return support_main(s, 0);
}
