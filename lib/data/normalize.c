/*
 * normalize.c - Unicode normalization form C over utf8proc.
 *
 * Every character has a kind, made once from utf8proc's own tables:
 *
 *   0        nothing before it changes it and it changes nothing before it
 *   1..254   a mark that stays as it is; the number is its combining class
 *   SLOW     it may decompose, or compose with what stands before it
 *
 * A text whose marks stand in order and which has no slow character is in form
 * C.  Else only the stretch from the last character of kind 0 to the next one
 * is normalized.  utf8proc sorts marks by exchanging neighbours, which a
 * megabyte of marks would turn into hours; we sort by counting instead.
 */
#include "data/normalize.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/mem.h"
#include "base/utf8.h"

/* No character from here on decomposes or composes in Unicode 16; should one
 * do so some day, it is treated as slow and stays right. */
enum { NFC_KINDS = 0x30000, SLOW = 255, MAX_DECOMPOSED = 32 };

static const utf8proc_option_t split_options =
    UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
static const utf8proc_option_t join_options =
    UTF8PROC_STABLE | UTF8PROC_COMPOSE;

static unsigned
combining_class(int32_t c)
{
    return (unsigned)utf8proc_get_property(c)->combining_class;
}

/* The canonical decomposition of one character; at least 1 number. */
static size_t
split(int32_t c, int32_t *out, size_t cap)
{
    int bound = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char(c, out, (utf8proc_ssize_t)cap,
                                                 split_options, &bound);
    if (n >= 1 && (size_t)n <= cap)
        return (size_t)n;
    out[0] = c;
    return 1;
}

/* First pass: c, and the character that c's composition ends with. */
static void
classify(uint8_t *kind, int32_t c)
{
    int32_t d[MAX_DECOMPOSED], joined[MAX_DECOMPOSED];
    size_t n = split(c, d, MAX_DECOMPOSED);
    unsigned mark = combining_class(c);
    if (mark && kind[c] != SLOW)
        kind[c] = (uint8_t)mark;
    if (n == 1 && d[0] == c)
        return;
    memcpy(joined, d, sizeof *d * n);
    utf8proc_ssize_t m =
        utf8proc_normalize_utf32(joined, (utf8proc_ssize_t)n, join_options);
    if (m != 1 || joined[0] != c)
        kind[c] = SLOW;
    else if (d[n - 1] < NFC_KINDS)
        kind[d[n - 1]] = SLOW;
}

/* Second pass: a composed character whose first part may itself compose with
 * what stands before it. */
static void
classify_by_first(uint8_t *kind, int32_t c)
{
    int32_t d[MAX_DECOMPOSED];
    split(c, d, MAX_DECOMPOSED);
    if (d[0] != c && (d[0] >= NFC_KINDS || kind[d[0]]))
        kind[c] = SLOW;
}

int
nfc_create(struct moe_err *err, struct nfc *nfc)
{
    *nfc = (struct nfc){.kind = mem_zero(NFC_KINDS, 1)};
    if (!nfc->kind)
        return moe_fail(err, MOE_ENOMEM, "normalizer: out of memory");
    for (int32_t c = 0x80; c < NFC_KINDS; c++)
        classify(nfc->kind, c);
    /* Hangul is composed by rule, not by table: vowels and final consonants
     * join what stands before them. */
    memset(nfc->kind + 0x1161, SLOW, 21);
    memset(nfc->kind + 0x11a8, SLOW, 27);
    for (int32_t c = 0x80; c < NFC_KINDS; c++)
        if (nfc->kind[c] == 0)
            classify_by_first(nfc->kind, c);
    return MOE_OK;
}

void
nfc_free(struct nfc *nfc)
{
    free(nfc->kind);
    free(nfc->point);
    str_free(&nfc->out);
    *nfc = (struct nfc){0};
}

static unsigned
kind_of(const struct nfc *nfc, int32_t c)
{
    return c < NFC_KINDS ? nfc->kind[c] : SLOW;
}

/*
 * Where form C may be lost: the first slow character, or mark out of order, at
 * or after *i.  *start is the last character of kind 0 before it.  n when the
 * rest is in form C.
 */
static size_t
find_change(const struct nfc *nfc, const char *s, size_t i, size_t n,
            size_t *start)
{
    unsigned last = 0;
    *start = i;
    while (i < n) {
        int32_t c;
        if (!(s[i] & 0x80)) {
            *start = i++;
            last = 0;
            continue;
        }
        int length = utf8_get(s + i, n - i, &c);
        unsigned kind = kind_of(nfc, c);
        if (kind == SLOW || (kind && kind < last))
            return i;
        if (!kind)
            *start = i;
        last = kind;
        i += (size_t)length;
    }
    return n;
}

/* The next character of kind 0 after i. */
static size_t
find_boundary(const struct nfc *nfc, const char *s, size_t i, size_t n)
{
    while (i < n && (s[i] & 0x80)) {
        int32_t c;
        int length = utf8_get(s + i, n - i, &c);
        if (kind_of(nfc, c) == 0)
            break;
        i += (size_t)length;
    }
    return i;
}

static int
by_class(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Sort n marks by class, equal ones as they stand. */
static bool
order_marks(int32_t *point, size_t n)
{
    uint64_t few[32], *key = n <= 32 ? few : malloc(n * sizeof *key);
    int32_t *copy = n <= 32 ? (int32_t[32]){0} : malloc(n * sizeof *copy);
    if (key && copy) {
        memcpy(copy, point, n * sizeof *copy);
        for (size_t i = 0; i < n; i++)
            key[i] = (uint64_t)combining_class(point[i]) << 48 | i;
        qsort(key, n, sizeof *key, by_class);
        for (size_t i = 0; i < n; i++)
            point[i] = copy[key[i] & 0xffffffffffff];
    }
    bool done = key && copy;
    if (n > 32) {
        free(key);
        free(copy);
    }
    return done;
}

/* Put every run of marks of a decomposed stretch in order. */
static bool
order_all(int32_t *point, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t from = i;
        bool sorted = true;
        unsigned last = 0, mark;
        for (; i < n && (mark = combining_class(point[i])); i++) {
            sorted = sorted && mark >= last;
            last = mark;
        }
        if (!sorted && !order_marks(point + from, i - from))
            return false;
    }
    return true;
}

/* Append the form C of a stretch. */
static bool
compose(struct nfc *nfc, const char *s, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n;) {
        int32_t c;
        i += (size_t)utf8_get(s + i, n - i, &c);
        int32_t *grown = mem_grow(nfc->point, &nfc->point_cap,
                                  count + MAX_DECOMPOSED, sizeof *nfc->point);
        if (!grown)
            return false;
        nfc->point = grown;
        count += split(c, nfc->point + count, MAX_DECOMPOSED);
    }
    if (!order_all(nfc->point, count))
        return false;
    utf8proc_ssize_t m = utf8proc_normalize_utf32(
        nfc->point, (utf8proc_ssize_t)count, join_options);
    for (utf8proc_ssize_t i = 0; i < m; i++) {
        char bytes[4];
        str_add(&nfc->out, bytes, (size_t)utf8_put(bytes, nfc->point[i]));
    }
    return m >= 0;
}

int
nfc_apply(struct moe_err *err, struct nfc *nfc, const char *s, size_t n,
          const char **out, size_t *out_n)
{
    size_t start, done = 0, i = find_change(nfc, s, 0, n, &start);
    *out = s;
    *out_n = n;
    if (i == n)
        return MOE_OK;
    str_clear(&nfc->out);
    bool ok = true;
    while (ok && i < n) {
        size_t end = find_boundary(nfc, s, i, n);
        str_add(&nfc->out, s + done, start - done);
        ok = compose(nfc, s + start, end - start);
        done = end;
        i = find_change(nfc, s, end, n, &start);
    }
    str_add(&nfc->out, s + done, n - done);
    if (!ok || nfc->out.failed)
        return moe_fail(err, MOE_ENOMEM, "normalizer: out of memory");
    *out = nfc->out.s ? nfc->out.s : "";
    *out_n = nfc->out.n;
    return MOE_OK;
}
