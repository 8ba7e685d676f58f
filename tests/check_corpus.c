/*
 * check_corpus.c - text and shards of a language as one stream, and its
 * documents.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include "job/corpus.h"

enum { EOS = 4095, V = 4096 };

static struct moe_tokenizer *
tokenizer(void)
{
    static struct moe_tokenizer *t;
    struct moe_err err = {0};
    if (!t)
        ck_ok(&err, moe_tokenizer_load(&err, &t,
                                       SRCDIR "/tests/sample/tokenizer.json"));
    return t;
}

static struct corpus_options
options(int documents, size_t limit)
{
    return (struct corpus_options){.model = "sample",
                                   .V = V,
                                   .eos = EOS,
                                   .documents = documents,
                                   .limit = limit,
                                   .tokenizer = tokenizer()};
}

/* Write the texts as files a.txt, b.txt ... of a language. */
static struct job_language
language(const char *const *name, const char *const *text, size_t n)
{
    static char *item[8];
    for (size_t i = 0; i < n; i++) {
        item[i] = (char *)support_path(name[i]);
        support_write(item[i], text[i], strlen(text[i]));
    }
    return (struct job_language){"en", {item, n, n}};
}

/* The corpus is exactly these documents, each with or without EOS. */
static void
holds(const struct corpus *c, const char *const *document, size_t n, int eos)
{
    struct moe_err err = {0};
    size_t at = 0;
    ck_assert_uint_eq(c->documents, n);
    for (size_t i = 0; i < n; i++) {
        struct moe_ids ids = {0};
        ck_ok(&err, moe_tokenizer_encode(&err, tokenizer(), &ids, document[i],
                                         strlen(document[i]), NULL));
        const size_t m = ids.n;
        ck_assert_uint_eq(c->start[i], at);
        ck_assert_mem_eq(c->ids.id + at, ids.id, m * sizeof *ids.id);
        at += m;
        if (eos)
            ck_assert_int_eq(c->ids.id[at++], EOS);
        moe_ids_free(&ids);
    }
    ck_assert_uint_eq(c->ids.n, at);
}

START_TEST(text_is_cut_into_documents)
{
    struct moe_err err = {0};
    const char *name[] = {"a.txt", "b.txt"};
    const char *text[] = {"One line.\nTwo.\n\nThree\nfour", "Five.\n"};
    struct job_language en = language(name, text, 2);
    struct corpus c = {0};
    struct corpus_options opt = options(JOB_DOCUMENTS_LINE, 1000);
    ck_ok(&err, corpus_read(&err, &c, &opt, &en));
    holds(&c, (const char *[]){"One line.", "Two.", "Three", "four", "Five."},
          5, 1);
    corpus_free(&c);
    opt.documents = JOB_DOCUMENTS_BLANK;
    ck_ok(&err, corpus_read(&err, &c, &opt, &en));
    holds(&c, (const char *[]){"One line.\nTwo.", "Three\nfour", "Five."}, 3,
          1);
    corpus_free(&c);
    opt.documents = JOB_DOCUMENTS_FILE;
    opt.eos = -1; // not needed
    ck_ok(&err, corpus_read(&err, &c, &opt, &en));
    holds(&c, text, 2, 0);
    corpus_free(&c);
}
END_TEST

START_TEST(json_lines_are_documents)
{
    struct moe_err err = {0};
    const char *name[] = {"a.jsonl"};
    const char *text[] = {"{\"text\":\"One\\nline.\"}\n{\"text\":\"Two.\"}\n"};
    struct job_language en = language(name, text, 1);
    struct corpus c = {0};
    struct corpus_options opt = options(JOB_DOCUMENTS_FILE, 1000);
    ck_ok(&err, corpus_read(&err, &c, &opt, &en));
    holds(&c, (const char *[]){"One\nline.", "Two."}, 2, 1);
    corpus_free(&c);
}
END_TEST

START_TEST(a_shard_ends_documents_at_eos)
{
    struct moe_err err = {0};
    const uint16_t ids[] = {5, 6, EOS, 7, EOS, 8, 9};
    char *path = (char *)support_path("x.u16");
    support_write(path, ids, sizeof ids);
    char *both[] = {path, path};
    struct job_language en = {"en", {both, 2, 2}};
    struct corpus c = {0};
    struct corpus_options opt = options(JOB_DOCUMENTS_LINE, 1000);
    ck_ok(&err, corpus_read(&err, &c, &opt, &en));
    ck_assert_uint_eq(c.ids.n, 14);
    const size_t want[] = {0, 3, 5, 7, 10, 12};
    ck_assert_uint_eq(c.documents, 6);
    ck_assert_mem_eq(c.start, want, sizeof want);
    ck_assert_int_eq(c.ids.id[13], 9);
    corpus_free(&c);

    opt.limit = 10; // what follows is not read
    ck_ok(&err, corpus_read(&err, &c, &opt, &en));
    ck_assert_uint_eq(c.ids.n, 10);
    ck_assert_uint_eq(c.documents, 4);
    corpus_free(&c);
}
END_TEST

START_TEST(what_is_wrong_names_language_and_file)
{
    struct moe_err err = {0};
    struct corpus c = {0};
    struct corpus_options opt = options(JOB_DOCUMENTS_LINE, 1000);
    const char *name[] = {"empty.txt"}, *text[] = {"\n"};
    struct job_language en = language(name, text, 1);
    ck_fails(&err, corpus_read(&err, &c, &opt, &en), MOE_EFORMAT,
             "empty.txt: no tokens");
    ck_assert_ptr_eq(strstr(err.text, "en: "), err.text);
    corpus_free(&c);

    char *missing = (char *)support_path("missing.txt");
    en.files.item = &missing;
    ck_fails(&err, corpus_read(&err, &c, &opt, &en), MOE_EINPUT, "missing.txt");
    corpus_free(&c);

    const uint16_t ids[] = {1, 2, V};
    char *shard = (char *)support_path("big.u16");
    support_write(shard, ids, sizeof ids);
    en.files.item = &shard;
    ck_fails(&err, corpus_read(&err, &c, &opt, &en), MOE_EFORMAT, "big.u16");
    ck_assert_ptr_nonnull(strstr(err.text, "token 2 is 4096"));
    corpus_free(&c);
    support_write(shard, ids, 0);
    ck_fails(&err, corpus_read(&err, &c, &opt, &en), MOE_EFORMAT, "big.u16");
    corpus_free(&c);

    text[0] = "some text";
    en = language(name, text, 1);
    opt.V = 2;
    ck_fails(&err, corpus_read(&err, &c, &opt, &en), MOE_EFORMAT,
             "the vocabulary of sample has 2");
    corpus_free(&c);
    opt.V = V;
    opt.eos = -1;
    ck_fails(&err, corpus_read(&err, &c, &opt, &en), MOE_EINVAL, "give eos");
    corpus_free(&c);
}
END_TEST

START_TEST(segments_are_parts_of_documents)
{
    size_t start[] = {0, 3, 4, 9, 20}, document = 0;
    struct corpus c = {.ids = {.n = 24}, .start = start, .documents = 5};
    struct collect_segment s[8];
    ck_assert_uint_eq(corpus_segments(&c, s, 0, 8, &document), 3);
    ck_assert_int_eq(s[2].first, 4);
    ck_assert_int_eq(s[2].end, 8);
    ck_assert_uint_eq(s[2].document, 2);
    ck_assert_uint_eq(corpus_segments(&c, s, 8, 8, &document), 2);
    ck_assert_int_eq(s[0].first, 0);
    ck_assert_int_eq(s[0].end, 1);
    ck_assert_uint_eq(s[0].document, 2); // goes on
    ck_assert_uint_eq(s[1].document, 3);
    ck_assert_int_eq(s[1].end, 8);
    ck_assert_uint_eq(corpus_segments(&c, s, 16, 8, &document), 2);
    ck_assert_uint_eq(s[0].document, 3);
    ck_assert_int_eq(s[0].end, 4);
    ck_assert_uint_eq(s[1].document, 4);
    ck_assert_int_eq(s[1].end, 8);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("corpus");
    TCase *t = tcase_create("corpus");
    tcase_add_test(t, text_is_cut_into_documents);
    tcase_add_test(t, json_lines_are_documents);
    tcase_add_test(t, a_shard_ends_documents_at_eos);
    tcase_add_test(t, what_is_wrong_names_language_and_file);
    tcase_add_test(t, segments_are_parts_of_documents);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
