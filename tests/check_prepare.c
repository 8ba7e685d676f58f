/*
 * check_prepare.c - series of files, the shuffle, mixtures of documents.
 *
 * Precondition: documents whose text tells language and place.  Claim: a
 * series is cut where it should be; the shuffle's order does not depend on the
 * number of pieces and loses nothing; a mixture ends cleanly whichever
 * language runs out, and is even by what it counts.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "data/prepare.h"
#include "data/rotate.h"
#include "data/shuffle.h"

/* The whole file DIR/name; freed by the caller, NULL when there is none. */
static char *
slurp(const char *dir, const char *name)
{
    struct moe_err err = {0};
    char *path = str_path(dir, name), *text = NULL;
    size_t n;
    if (fs_exists(path))
        ck_ok(&err, fs_read(&err, &text, &n, path, 1 << 20));
    free(path);
    return text;
}

static size_t
count_lines(const char *text)
{
    size_t n = 0;
    for (; text && *text; text++)
        n += *text == '\n';
    return n;
}

START_TEST(series_are_cut)
{
    static const struct {
        uint64_t every;
        unsigned lines, files;
        bool bare;
        const char *last;
    } row[] = {{4, 0, 0, false, ""},          {4, 4, 1, false, "x_1.jsonl"},
               {4, 5, 2, false, "x_2.jsonl"}, {4, 8, 2, true, "x_2.jsonl"},
               {4, 3, 1, true, "x.jsonl"},    {0, 9, 1, false, "x.jsonl"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct moe_err err = {0};
        struct rotate r;
        rotate_begin(&r, support_dir(), "x", row[i].every, row[i].bare);
        for (unsigned k = 0; k < row[i].lines; k++)
            ck_ok(&err, rotate_add(&err, &r, "line", 4));
        ck_ok(&err, rotate_finish(&err, &r));
        ck_assert_uint_eq(r.files, row[i].files);
        ck_assert_uint_eq(rotate_lines(&r), row[i].lines);
        if (r.files) {
            const struct rotate_file *f = &r.file[r.files - 1];
            char hex[HASH_HEX], *text = slurp(support_dir(), f->name);
            ck_assert_str_eq(f->name, row[i].last);
            ck_assert_uint_eq(count_lines(text), f->lines);
            ck_assert_uint_eq(strlen(text), f->bytes);
            ck_ok(&err, hash_file(&err, hex, support_path(f->name)));
            ck_assert_str_eq(hex, f->sha256);
            free(text);
        }
        rotate_free(&r);
    }
}
END_TEST

static int
append(struct moe_err *err, void *arg, const char *line, size_t n)
{
    (void)err;
    str_add(arg, line, n);
    str_add(arg, " ", 1);
    return MOE_OK;
}

static char *
shuffled(unsigned lines, uint64_t seed, unsigned pieces)
{
    struct moe_err err = {0};
    struct shuffle *s;
    struct str out = {0};
    char word[20];
    ck_ok(&err, shuffle_create(&err, &s, support_dir(), seed, pieces));
    for (unsigned i = 0; i < lines; i++) {
        int n = snprintf(word, sizeof word, "%u", i);
        ck_ok(&err, shuffle_add(&err, s, word, i == 7 ? 0 : (size_t)n));
    }
    ck_ok(&err, shuffle_each(&err, s, append, &out));
    shuffle_destroy(&s);
    return str_take(&out);
}

START_TEST(shuffle_is_one_order)
{
    struct moe_err err = {0};
    struct shuffle *s;
    enum { LINES = 1009 };
    char *one = shuffled(LINES, 5, 1), *other = shuffled(LINES, 6, 1);
    ck_assert_str_ne(one, other);
    free(other);
    for (unsigned pieces = 2; pieces <= 256; pieces = pieces * 3 + 1) {
        char *many = shuffled(LINES, 5, pieces);
        ck_assert_str_eq(one, many);
        free(many);
    }
    /* Every line once; line 7 is empty. */
    int seen[LINES] = {0};
    unsigned moved = 0, at = 0;
    for (char *p = strtok(one, " "); p; p = strtok(NULL, " "), at++) {
        unsigned long line = strtoul(p, NULL, 10);
        ck_assert_int_eq(seen[line]++, 0);
        moved += line != at;
    }
    ck_assert_uint_eq(at, LINES - 1);
    ck_assert_uint_gt(moved, LINES * 9 / 10);
    free(one);
    one = shuffled(0, 5, 3);
    ck_assert_str_eq(one, "");
    free(one);
    ck_fails(&err, shuffle_create(&err, &s, support_dir(), 0, 257), MOE_EINVAL,
             "257 pieces");
    ck_fails(&err, shuffle_create(&err, &s, "/absent", 0, 1), MOE_EIO,
             "/absent");
}
END_TEST

/* n documents of a language, `words` words each. */
static struct prepare_file
documents(const char *language, const char *name, int n, int words)
{
    const char *path = support_path(name);
    struct str s = {0};
    for (int i = 0; i < n; i++) {
        str_printf(&s, "{\"text\": \"%s%d", language, i);
        for (int k = 1; k < words; k++)
            str_puts(&s, " and");
        str_puts(&s, "\"}\n");
    }
    support_write(path, s.s, s.n);
    str_free(&s);
    return (struct prepare_file){language, path};
}

/* The mixture of a: A and b: B documents, of which one is held out. */
static void
mixture_of(int A, int B, uint64_t limit, size_t want, const char *ended)
{
    struct moe_err err = {0};
    json_t *manifest = NULL;
    const char *dir = support_path("mix");
    const struct prepare_file file[] = {documents("a", "a.jsonl", A, 1),
                                        documents("b", "b.jsonl", B, 1)};
    const struct prepare_options opt = {
        .dir = dir, .mix = PREPARE_DOCUMENTS, .held_out = 1, .limit = limit};
    ck_ok(&err, prepare_split(&err, &manifest, file, 2, &opt));
    char *text = slurp(dir, "multilang_train.jsonl");
    ck_assert_uint_eq(count_lines(text), want);
    free(text);
    const json_t *by = json_object_get(manifest, "ended_by");
    if (ended)
        ck_assert_str_eq(json_string_value(by), ended);
    else
        ck_assert(json_is_null(by));
    json_decref(manifest);
}

START_TEST(mixtures_end_cleanly)
{
    mixture_of(5, 5, 0, 8, "a");
    mixture_of(3, 9, 0, 4, "a");
    mixture_of(9, 3, 0, 4, "b");
    mixture_of(9, 2, 0, 2, "b");
    mixture_of(9, 9, 3, 6, NULL);
    struct moe_err err = {0};
    const struct prepare_file file[] = {documents("a", "a.jsonl", 1, 1)};
    const struct prepare_options opt = {.dir = support_path("one"),
                                        .held_out = 1};
    ck_fails(&err, prepare_split(&err, NULL, file, 1, &opt), MOE_EINPUT,
             "a: 1 documents, the first 1 are held out");
}
END_TEST

static json_int_t
tokens_of(const json_t *manifest, size_t language)
{
    const json_t *list = json_object_get(manifest, "languages");
    return json_integer_value(
        json_object_get(json_array_get(list, language), "tokens"));
}

/* Documents of b are nine times as long: a gives about nine for one. */
START_TEST(tokens_are_even)
{
    struct moe_err err = {0};
    json_t *manifest = NULL;
    const char *sample = getenv("POLYMOE_SAMPLE");
    char *path = str_path(sample ? sample : ".", "tokenizer.json");
    struct prepare_options opt = {
        .dir = support_path("tokens"), .mix = PREPARE_TOKENS, .limit = 300};
    const struct prepare_file file[] = {documents("a", "a.jsonl", 300, 1),
                                        documents("b", "b.jsonl", 300, 9)};
    ck_fails(&err, prepare_split(&err, NULL, file, 2, &opt), MOE_EINVAL,
             "wants a tokenizer");
    ck_ok(&err, moe_tokenizer_load(&err, &opt.tokenizer, path));
    ck_ok(&err, prepare_split(&err, &manifest, file, 2, &opt));
    ck_assert_int_ge(tokens_of(manifest, 0), 300);
    ck_assert_int_lt(llabs(tokens_of(manifest, 0) - tokens_of(manifest, 1)),
                     20);
    json_decref(manifest);
    moe_tokenizer_destroy(&opt.tokenizer);
    free(path);
}
END_TEST

/* Files of one language, text that is no plain ASCII, what is passed over. */
START_TEST(records_keep_their_text)
{
    struct moe_err err = {0};
    json_t *manifest = NULL;
    const char first[] = "{\"text\": \"\", \"url\": \"u\"}\n"
                         "{\"text\": \"\xc3\xa9 \\\"q\\\" \\u0000\", "
                         "\"source\": \"s\"}\n";
    const char second[] = "{\"text\": \"two\", \"language\": \"other\"}";
    const struct prepare_file file[] = {{"fr", support_path("1.jsonl")},
                                        {"fr", support_path("2.jsonl")}};
    const struct prepare_options opt = {.dir = support_path("records")};
    support_write(file[0].path, first, sizeof first - 1);
    support_write(file[1].path, second, sizeof second - 1);
    ck_ok(&err, prepare_split(&err, &manifest, file, 2, &opt));
    char *text = slurp(opt.dir, "fr_train.jsonl");
    ck_assert_str_eq(
        text, "{\"id\": \"fr_0\", \"text\": \"\xc3\xa9 \\\"q\\\" \\u0000\", "
              "\"source\": \"s\", \"timestamp\": null, \"url\": null, "
              "\"metadata\": {}, \"language\": \"fr\"}\n"
              "{\"id\": \"fr_1\", \"text\": \"two\", \"source\": null, "
              "\"timestamp\": null, \"url\": null, \"metadata\": {}, "
              "\"language\": \"fr\"}\n");
    free(text);
    const json_t *source =
        json_array_get(json_object_get(manifest, "sources"), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(source, "empty")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(source, "documents")),
                     1);
    json_decref(manifest);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("prepare");
    TCase *tc = tcase_create("prepare");
    tcase_add_test(tc, series_are_cut);
    tcase_add_test(tc, shuffle_is_one_order);
    tcase_add_test(tc, mixtures_end_cleanly);
    tcase_add_test(tc, tokens_are_even);
    tcase_add_test(tc, records_keep_their_text);
    suite_add_tcase(suite, tc);
    return support_main(suite, 0);
}
