/*
 * check_source.c - training batches: which tokens come when.
 *
 * Precondition: small files whose ids tell file and place.  Claim: windows,
 * remainders and labels are as written down; each order is what its name says;
 * a source that was saved and restored after any batch goes on with the same
 * tokens, over three epochs of a set that is no multiple of the batch; bad
 * files and foreign places are refused by name.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "data/order.h"
#include "data/source.h"

enum { T = 8, B = 4, V = 1000, EOS = 999 };

/* n ids from `first` on, the last one EOS. */
static const char *
shard(const char *name, int first, size_t n)
{
    uint16_t ids[400];
    const char *path = support_path(name);
    ck_assert_uint_le(n, 400);
    for (size_t i = 0; i < n; i++)
        ids[i] = (uint16_t)(i + 1 == n ? EOS : first + (int)i);
    support_write(path, ids, n * sizeof *ids);
    return path;
}

static char warned[400];

static void
note(void *arg, const char *line)
{
    strncpy(arg, line, sizeof warned - 1);
}

/* Two languages, 5 + 2 windows and 6 windows: 13, of which a batch takes 4. */
struct set {
    const char *ca[2], *es[1];
    struct source_language language[2];
    struct source_options opt;
};

static void
set_make(struct set *s, enum source_order order)
{
    *s = (struct set){
        .ca = {shard("ca.0.npy", 0, 5 * T + 3), shard("ca.1.u16", 100, 2 * T)},
        .es = {shard("es.npy", 200, 6 * T + 7)}};
    s->language[0] = (struct source_language){"ca", s->ca, 2};
    s->language[1] = (struct source_language){"es", s->es, 1};
    s->opt = (struct source_options){.order = order,
                                     .batch = B,
                                     .T = T,
                                     .V = V,
                                     .eos = EOS,
                                     .seed = 6198,
                                     .repetition_filter = true,
                                     .warn = note,
                                     .warn_arg = warned};
    warned[0] = '\0';
}

static struct source *
open_set(const struct set *set)
{
    struct moe_err err = {0};
    struct source *s;
    ck_ok(&err, source_open(&err, &s, set->language, 2, &set->opt));
    return s;
}

struct batch {
    int32_t ids[B * T], target[B * T];
};

static void
cannot_open(const struct set *set, int code, const char *part)
{
    struct moe_err err = {0};
    struct source *s;
    ck_fails(&err, source_open(&err, &s, set->language, 2, &set->opt), code,
             part);
}

static void
next(struct source *s, struct batch *b)
{
    struct moe_err err = {0};
    memset(b, 0xff, sizeof *b);
    ck_ok(&err, source_next(&err, s, b->ids, b->target));
}

/* The first id of window w of all files, in their order. */
static int32_t
first_id(uint32_t w)
{
    if (w < 5)
        return (int32_t)w * T;
    return w < 7 ? 100 + ((int32_t)w - 5) * T : 200 + ((int32_t)w - 7) * T;
}

START_TEST(olmo_is_the_shuffle_of_all_windows)
{
    struct moe_err err = {0};
    struct set set;
    set_make(&set, SOURCE_OLMO);
    struct source *s = open_set(&set);
    ck_assert_str_eq(warned, "");
    ck_assert_uint_eq(source_windows(s), 13);
    uint64_t drawn[2] = {0};
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        uint32_t *want;
        uint64_t n;
        ck_ok(&err, order_olmo(&err, &want, &n, 13, 6198, epoch, B));
        ck_assert_uint_eq(n, 12);
        for (uint64_t i = 0; i < n; i++) {
            static struct batch b;
            if (i % B == 0)
                next(s, &b);
            const int32_t *ids = b.ids + i % B * T;
            const int32_t *target = b.target + i % B * T;
            ck_assert_int_eq(ids[0], first_id(want[i]));
            for (int t = 0; t + 1 < T; t++)
                ck_assert_int_eq(target[t], ids[t + 1]);
            ck_assert_int_eq(target[T - 1], -1);
            drawn[want[i] >= 7]++;
        }
        free(want);
    }
    ck_assert_double_eq_tol(source_epochs(s, 0), (double)drawn[0] / 7, 1e-12);
    ck_assert_double_eq_tol(source_epochs(s, 1), (double)drawn[1] / 6, 1e-12);
    source_close(&s);
    source_close(&s);
}
END_TEST

START_TEST(stream_keeps_shares)
{
    struct set set;
    struct batch b;
    set_make(&set, SOURCE_STREAM);
    set.opt.shares = MIXTURE_EXPLICIT;
    set.opt.given = (const double[]){3, 1};
    struct source *s = open_set(&set);
    for (int i = 0; i < 14; i++)
        next(s, &b);
    ck_assert_double_eq(source_epochs(s, 0), 6); // 42 of 7
    ck_assert_double_eq_tol(source_epochs(s, 1), 14.0 / 6, 1e-12);
    source_close(&s);
    set.opt.shares = MIXTURE_PROPORTIONAL; // 7 to 6
    s = open_set(&set);
    for (int i = 0; i < 13; i++)
        next(s, &b);
    ck_assert_double_eq(source_epochs(s, 0), 4);
    source_close(&s);
}
END_TEST

/* The whole text of what is drawn from a set, and of one that is stopped. */
static void
stop_everywhere(const struct set *set, int batches)
{
    struct moe_err err = {0};
    struct source *whole = open_set(set);
    char *saved = NULL;
    for (int i = 0; i < batches; i++) {
        struct batch a, b;
        struct source *s = open_set(set);
        json_t *place = NULL;
        if (saved) {
            ck_ok(&err, json_parse(&err, &place, saved, strlen(saved), "it"));
            ck_ok(&err, source_restore(&err, s, place));
            json_decref(place);
        }
        next(whole, &a);
        next(s, &b);
        ck_assert_msg(memcmp(&a, &b, sizeof a) == 0, "batch %d differs", i);
        for (size_t l = 0; l < 2; l++)
            ck_assert_double_eq(source_epochs(s, l), source_epochs(whole, l));
        ck_assert_uint_eq(source_filtered(s), source_filtered(whole));
        place = source_state(s);
        free(saved);
        saved = json_dumps(place, 0);
        json_decref(place);
        source_close(&s);
    }
    ck_assert_uint_eq(source_position(whole), (uint64_t)batches);
    source_close(&whole);
    free(saved);
}

START_TEST(stopping_changes_nothing)
{
    struct set set;
    set_make(&set, SOURCE_OLMO);
    stop_everywhere(&set, 3 * 3 + 2);
    set_make(&set, SOURCE_STREAM);
    set.opt.shares = MIXTURE_TEMPERATURE;
    set.opt.tau = 3;
    stop_everywhere(&set, 13);
}
END_TEST

START_TEST(recorded_batches_are_replayed)
{
    struct moe_err err = {0};
    struct set set;
    struct batch b;
    set_make(&set, SOURCE_FILE);
    set.opt.batches = shard("batches.u16", 0, 3 * B * T);
    set.opt.eos = 5; // batches do not end with it, and need not
    stop_everywhere(&set, 3);
    struct source *s = open_set(&set);
    ck_assert_str_eq(warned, "");
    ck_assert_uint_eq(source_windows(s), 3 * B);
    for (int i = 0; i < 3; i++) {
        next(s, &b);
        ck_assert_int_eq(b.ids[0], i * B * T);
        ck_assert_int_eq(b.ids[T], i * B * T + T);
    }
    ck_fails(&err, source_next(&err, s, b.ids, b.target), MOE_EINPUT,
             "batches.u16: only 3 batches");
    ck_assert_double_eq(source_epochs(s, 1), 0);
    source_close(&s);
    set.opt.batches = shard("batches.u16", 0, 3 * B * T - T);
    ck_fails(&err, source_open(&err, &s, NULL, 0, &set.opt), MOE_EFORMAT,
             "batches.u16: 88 ids, want whole batches of 4 x 8");
    ck_assert_ptr_null(s);
    set.opt.batches = NULL;
    ck_fails(&err, source_open(&err, &s, NULL, 0, &set.opt), MOE_EINVAL,
             "no recorded batches");
}
END_TEST

START_TEST(repetitions_are_masked)
{
    enum { LONG = 64 };
    uint16_t ids[2 * LONG];
    struct set set;
    int32_t got[2 * LONG], target[2 * LONG];
    struct moe_err err = {0};
    for (int i = 0; i < 2 * LONG; i++)
        ids[i] = (uint16_t)(i < LONG ? i : 7);
    const char *path = support_path("repeat.u16");
    support_write(path, ids, sizeof ids);
    for (int keep = 0; keep < 2; keep++) {
        set_make(&set, SOURCE_FILE);
        set.opt.batches = path;
        set.opt.batch = 2;
        set.opt.T = LONG;
        set.opt.repetition_filter = !keep;
        struct source *s = open_set(&set);
        ck_ok(&err, source_next(&err, s, got, target));
        ck_assert_uint_eq(source_filtered(s), keep ? 0 : 1);
        ck_assert_int_eq(target[0], 1);
        for (int i = LONG; i < 2 * LONG; i++)
            ck_assert_int_eq(target[i], keep && i + 1 < 2 * LONG ? 7 : -1);
        source_close(&s);
    }
}
END_TEST

/* Text goes document by document, with the end after each. */
START_TEST(text_is_encoded)
{
    struct moe_err err = {0};
    struct moe_tokenizer *t;
    struct moe_ids a = {0}, b = {0};
    struct set set;
    struct source *s;
    static int32_t got[400], target[400];
    const char *file[] = {support_path("t.jsonl")};
    const char text[] = "{\"text\": \"One two three.\"}\n"
                        "{\"text\": \"Four, five and six.\"}\n";
    support_write(file[0], text, sizeof text - 1);
    ck_ok(&err,
          moe_tokenizer_load(&err, &t, SRCDIR "/tests/sample/tokenizer.json"));
    ck_ok(&err, moe_tokenizer_encode(&err, t, &a, "One two three.", 14, NULL));
    ck_ok(&err,
          moe_tokenizer_encode(&err, t, &b, "Four, five and six.", 19, NULL));
    set_make(&set, SOURCE_OLMO);
    set.language[0] = set.language[1] = (struct source_language){"en", file, 1};
    set.opt.batch = 1;
    set.opt.T = (int64_t)(a.n + b.n + 2);
    set.opt.V = 4096;
    set.opt.eos = 3;
    set.opt.tokenizer = t;
    s = open_set(&set);
    ck_assert_ptr_nonnull(strstr(warned, "documents end with id 3, but"));
    ck_ok(&err, source_next(&err, s, got, target));
    ck_assert(memcmp(got, a.id, a.n * sizeof *got) == 0);
    ck_assert_int_eq(got[a.n], 3);
    ck_assert(memcmp(got + a.n + 1, b.id, b.n * sizeof *got) == 0);
    ck_assert_int_eq(got[a.n + b.n + 1], 3);
    source_close(&s);
    set.opt.V = 20;
    cannot_open(&set, MOE_EFORMAT, "t.jsonl:1: id ");
    set.opt.V = 4096;
    set.opt.eos = -1;
    cannot_open(&set, MOE_EINVAL, "no id given that ends");
    set.opt.tokenizer = NULL;
    cannot_open(&set, MOE_EINVAL, "t.jsonl: a text, and no tokenizer");
    moe_ids_free(&a);
    moe_ids_free(&b);
    moe_tokenizer_destroy(&t);
}
END_TEST

START_TEST(bad_files_are_named)
{
    struct moe_err err = {0};
    struct set set;
    struct batch b;
    struct source *s;
    set_make(&set, SOURCE_OLMO);
    set.opt.eos = 998;
    s = open_set(&set);
    ck_assert_ptr_nonnull(strstr(
        warned, "es.npy: the last id is 999, documents should end with 998"));
    source_close(&s);

    set_make(&set, SOURCE_OLMO);
    set.opt.batch = 14;
    cannot_open(&set, MOE_EFORMAT, "13 windows of 8 tokens, a batch takes 14");
    set_make(&set, SOURCE_OLMO);
    set.opt.T = 56;
    cannot_open(&set, MOE_EFORMAT, "ca: none of its 2 files has 56 tokens");
    set_make(&set, SOURCE_STREAM);
    set.opt.shares = MIXTURE_EXPLICIT;
    set.opt.given = (const double[]){1, 0};
    cannot_open(&set, MOE_EINVAL, "share 0");

    set_make(&set, SOURCE_OLMO);
    set.es[0] = support_path("absent.npy");
    cannot_open(&set, MOE_EINPUT, "es: ");
    set_make(&set, SOURCE_OLMO);
    set.opt.V = 210; // below the ids of es
    set.opt.eos = -1;
    s = open_set(&set);
    int rc = MOE_OK;
    for (int i = 0; i < 3 && !rc; i++)
        rc = source_next(&err, s, b.ids, b.target);
    ck_fails(&err, rc, MOE_EFORMAT, "want an id below 210");
    source_close(&s);
}
END_TEST

START_TEST(foreign_places_are_refused)
{
    struct moe_err err = {0};
    struct set set;
    set_make(&set, SOURCE_OLMO);
    struct source *s = open_set(&set), *other;
    json_t *place = source_state(s);
    set.opt.seed = 1;
    other = open_set(&set);
    ck_fails(&err, source_restore(&err, other, place), MOE_ESTATE,
             "saved with seed 6198, this run has 1");
    source_close(&other);
    set_make(&set, SOURCE_OLMO);
    set.ca[1] = shard("ca.1.u16", 100, 3 * T);
    other = open_set(&set);
    ck_fails(&err, source_restore(&err, other, place), MOE_ESTATE,
             "saved with files");
    source_close(&other);
    json_object_set_new(place, "batches", json_integer(-1));
    ck_fails(&err, source_restore(&err, s, place), MOE_ESTATE,
             "no number of batches");
    ck_fails(&err, source_restore(&err, s, NULL), MOE_ESTATE, "missing");
    json_decref(place);
    source_close(&s);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("source");
    TCase *tc = tcase_create("source");
    tcase_add_test(tc, olmo_is_the_shuffle_of_all_windows);
    tcase_add_test(tc, stream_keeps_shares);
    tcase_add_test(tc, stopping_changes_nothing);
    tcase_add_test(tc, recorded_batches_are_replayed);
    tcase_add_test(tc, repetitions_are_masked);
    tcase_add_test(tc, text_is_encoded);
    tcase_add_test(tc, bad_files_are_named);
    tcase_add_test(tc, foreign_places_are_refused);
    suite_add_tcase(suite, tc);
    return support_main(suite, 0);
}
