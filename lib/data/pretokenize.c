/*
 * pretokenize.c - a text cut into pieces by patterns.
 */
#include "data/pretokenize.h"

#include <string.h>

#include "base/utf8.h"
#include "data/pattern.h"

/* One walk: the steps and who takes the pieces. */
struct walk {
    struct moe_err *err;
    struct pretokenizer *pre;
    pre_piece_fn *fn;
    void *arg;
};

static int run_step(const struct walk *w, size_t step, const char *s, size_t n);

/* The next match at or after i that is not empty: 1, 0 for none, or a code. */
static int
find_match(const struct walk *w, size_t number, const char *s, size_t n,
           size_t i, size_t *start, size_t *stop)
{
    const struct pre_step *step = &w->pre->step[number];
    pcre2_match_data *data = w->pre->match[number];
    PCRE2_SPTR subject = (PCRE2_SPTR)s;
    while (i < n) {
        int rc =
            step->jit
                ? pcre2_jit_match(step->code, subject, n, i, PCRE2_NO_UTF_CHECK,
                                  data, w->pre->context)
                : pcre2_match(step->code, subject, n, i, PCRE2_NO_UTF_CHECK,
                              data, w->pre->context);
        if (rc == PCRE2_ERROR_NOMATCH)
            return 0;
        if (rc < 0) {
            char words[128];
            pcre2_get_error_message(rc, (PCRE2_UCHAR *)words, sizeof words);
            return moe_fail(w->err, MOE_ENOMEM,
                            "pre_tokenizer: pattern on a text of %zu bytes: "
                            "%s",
                            n, words);
        }
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(data);
        *start = at[0];
        *stop = at[1];
        if (*stop > *start)
            return 1;
        int32_t c;
        i = *stop;
        if (i < n)
            i += (size_t)utf8_get(s + i, n - i, &c);
    }
    return 0;
}

static int
give(const struct walk *w, size_t step, bool match, const char *s, size_t n)
{
    bool drop =
        w->pre->step[step].drop_matches && match != w->pre->step[step].invert;
    return n && !drop ? run_step(w, step + 1, s, n) : MOE_OK;
}

static int
cut(const struct walk *w, size_t step, const char *s, size_t n)
{
    size_t done = 0, start = 0, stop = 0;
    while (done < n) {
        int rc = find_match(w, step, s, n, done, &start, &stop);
        if (rc < 0)
            return rc;
        if (rc == 0)
            return give(w, step, false, s + done, n - done);
        rc = give(w, step, false, s + done, start - done);
        if (!rc)
            rc = give(w, step, true, s + start, stop - start);
        if (rc)
            return rc;
        done = stop;
    }
    return MOE_OK;
}

static int
run_step(const struct walk *w, size_t step, const char *s, size_t n)
{
    struct pretokenizer *pre = w->pre;
    if (step == pre->steps)
        return w->fn(w->arg, s, n);
    if (pre->step[step].prefix_space && s[0] != ' ') {
        str_clear(&pre->prefixed);
        str_add(&pre->prefixed, " ", 1);
        str_add(&pre->prefixed, s, n);
        if (pre->prefixed.failed)
            return moe_fail(w->err, MOE_ENOMEM, "tokenizer: out of memory");
        s = pre->prefixed.s;
        n = pre->prefixed.n;
    }
    return pre->step[step].code ? cut(w, step, s, n)
                                : run_step(w, step + 1, s, n);
}

int
pretokenize(struct moe_err *err, struct pretokenizer *pre, const char *text,
            size_t n, pre_piece_fn *fn, void *arg)
{
    struct walk w = {err, pre, fn, arg};
    return n ? run_step(&w, 0, text, n) : MOE_OK;
}

/* ---- Reading ------------------------------------------------------------ */

static bool
flag(const json_t *step, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(step, key);
    return value && !json_is_null(value) ? json_is_true(value) : otherwise;
}

static int
compile(struct moe_err *err, struct pretokenizer *pre, struct pre_step *step,
        const char *pattern, bool literal, const char *path)
{
    int rc =
        pattern_compile(err, &step->code, &step->jit, pattern, literal, path);
    if (rc)
        return rc;
    pre->match[pre->steps] =
        pcre2_match_data_create_from_pattern(step->code, NULL);
    return pre->match[pre->steps]
               ? MOE_OK
               : moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
}

static int
read_byte_level(struct moe_err *err, struct pretokenizer *pre,
                const json_t *value, const char *path)
{
    struct pre_step *step = &pre->step[pre->steps];
    step->prefix_space = flag(value, "add_prefix_space", true);
    int rc = flag(value, "use_regex", true)
                 ? compile(err, pre, step, pattern_gpt2, false, path)
                 : MOE_OK;
    pre->steps++;
    return rc;
}

static int
read_split(struct moe_err *err, struct pretokenizer *pre, const json_t *value,
           const char *path)
{
    struct pre_step *step = &pre->step[pre->steps];
    const json_t *pattern = json_object_get(value, "pattern");
    const char *regex = json_string_value(json_object_get(pattern, "Regex"));
    const char *text = json_string_value(json_object_get(pattern, "String"));
    const char *how = json_string_value(json_object_get(value, "behavior"));
    if (!regex && !text)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: pre_tokenizer: Split without a pattern", path);
    if (!how || (strcmp(how, "Isolated") != 0 && strcmp(how, "Removed") != 0))
        return moe_fail(err, MOE_EFORMAT,
                        "%s: pre_tokenizer: Split with behavior '%.64s', "
                        "supported are Isolated and Removed",
                        path, how ? how : "");
    step->drop_matches = strcmp(how, "Removed") == 0;
    step->invert = flag(value, "invert", false);
    int rc = compile(err, pre, step, regex ? regex : text, !regex, path);
    pre->steps++;
    return rc;
}

/* One step; `last` when no other may follow it. */
static int
read_step(struct moe_err *err, struct pretokenizer *pre, const json_t *value,
          const char *path, bool *last)
{
    const char *type = json_string_value(json_object_get(value, "type"));
    if (*last)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: pre_tokenizer: a step after ByteLevel", path);
    if (pre->steps == PRE_STEPS)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: pre_tokenizer: more than %d steps", path,
                        PRE_STEPS);
    *last = type && strcmp(type, "ByteLevel") == 0;
    if (*last)
        return read_byte_level(err, pre, value, path);
    if (type && strcmp(type, "Split") == 0)
        return read_split(err, pre, value, path);
    return moe_fail(err, MOE_EFORMAT,
                    "%s: pre_tokenizer: type '%.64s', supported are ByteLevel "
                    "and a Sequence of Split and ByteLevel",
                    path, type ? type : "none");
}

/* A pattern may need more stack than PCRE2's own 32 KiB. */
static bool
make_context(struct pretokenizer *pre)
{
    pre->context = pcre2_match_context_create(NULL);
    pre->stack = pcre2_jit_stack_create(32 * 1024, 64 * 1024 * 1024, NULL);
    if (pre->context && pre->stack)
        pcre2_jit_stack_assign(pre->context, NULL, pre->stack);
    return pre->context != NULL;
}

int
pretokenizer_read(struct moe_err *err, struct pretokenizer *pre,
                  const json_t *value, const char *path)
{
    *pre = (struct pretokenizer){0};
    if (!make_context(pre))
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    const char *type = json_string_value(json_object_get(value, "type"));
    bool last = false;
    int rc = MOE_OK;
    if (type && strcmp(type, "Sequence") == 0) {
        const json_t *list = json_object_get(value, "pretokenizers");
        for (size_t i = 0; !rc && i < json_array_size(list); i++)
            rc = read_step(err, pre, json_array_get(list, i), path, &last);
    } else {
        rc = read_step(err, pre, value, path, &last);
    }
    if (!rc && !last)
        rc = moe_fail(err, MOE_EFORMAT,
                      "%s: pre_tokenizer: no ByteLevel step, so its tokens "
                      "are not bytes",
                      path);
    return rc;
}

void
pretokenizer_free(struct pretokenizer *pre)
{
    for (size_t i = 0; i < PRE_STEPS; i++) {
        pcre2_match_data_free(pre->match[i]);
        pcre2_code_free(pre->step[i].code);
    }
    pcre2_match_context_free(pre->context);
    pcre2_jit_stack_free(pre->stack);
    str_free(&pre->prefixed);
    *pre = (struct pretokenizer){0};
}
