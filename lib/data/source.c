/*
 * source.c - the batches that a model is trained on, in a known order.
 */
#include "config.h"

#include "data/source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "data/order.h"
#include "data/repetition.h"
#include "data/source_state.h"

/* ---- Opening ------------------------------------------------------------ */

static int
open_file(struct moe_err *err, struct source *s, size_t language,
          const char *path, const struct source_options *opt)
{
    struct source_file *f = &s->file[s->files];
    int rc = source_file_open(err, f, path, opt);
    if (rc)
        return rc;
    f->language = language;
    f->first = s->windows;
    s->windows += f->tokens / (uint64_t)s->T;
    s->files++;
    return MOE_OK;
}

static int
open_language(struct moe_err *err, struct source *s, size_t i,
              const struct source_language *from,
              const struct source_options *opt)
{
    struct source_part *l = &s->language[i];
    struct moe_err why = {0};
    int rc = MOE_OK;
    l->first = s->windows;
    l->name = str_copy(from->name);
    if (!l->name)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", from->name);
    for (size_t k = 0; !rc && k < from->n; k++)
        rc = open_file(&why, s, i, from->files[k], opt);
    if (rc)
        return moe_fail(err, rc, "%s: %s", from->name, why.text);
    l->windows = s->windows - l->first;
    if (!l->windows)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: none of its %zu file%s has %" PRId64
                        " tokens, the length of a window",
                        from->name, from->n, from->n == 1 ? "" : "s", s->T);
    return MOE_OK;
}

static void
warn_of_eos(const struct source_options *opt)
{
    int32_t own = opt->tokenizer ? moe_tokenizer_eos(opt->tokenizer) : -1;
    if (!opt->warn || own < 0 || opt->eos < 0 || own == opt->eos)
        return;
    char *line = str_format("documents end with id %" PRId64
                            ", but <|endoftext|> of the tokenizer is %" PRId32,
                            opt->eos, own);
    if (line)
        opt->warn(opt->warn_arg, line);
    free(line);
}

/* Shares by the tokens of whole windows, which are all that is trained on. */
static int
open_mixture(struct moe_err *err, struct source *s,
             const struct source_options *opt)
{
    const size_t n = s->languages;
    uint64_t *windows = mem_zero(n, sizeof *windows);
    double *share = mem_zero(n, sizeof *share);
    double *given = mem_zero(n, sizeof *given);
    int rc = MOE_OK;
    if (!windows || !share || !given)
        rc = moe_fail(err, MOE_ENOMEM, "data: out of memory");
    for (size_t i = 0; !rc && i < n; i++) {
        windows[i] = s->language[i].windows;
        given[i] = opt->given ? opt->given[i] : 0;
    }
    if (!rc)
        rc = mixture_shares(err, share, opt->shares, windows, given, opt->tau,
                            n);
    for (size_t i = 0; !rc && i < n; i++)
        s->language[i].share = share[i];
    if (!rc)
        rc = mixture_create(err, &s->mixture, windows, share, n, s->seed);
    free(windows);
    free(share);
    free(given);
    return rc;
}

/* Recorded batches: one file that belongs to no language. */
static int
open_batches(struct moe_err *err, struct source *s,
             const struct source_options *opt)
{
    const char *path = opt->batches;
    int rc = path ? open_file(err, s, 0, path, opt)
                  : moe_fail(err, MOE_EINVAL, "data: no recorded batches");
    if (rc)
        return rc;
    const uint64_t tokens = (uint64_t)s->batch * (uint64_t)s->T;
    if (!s->file[0].tokens || s->file[0].tokens % tokens)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: %" PRIu64 " ids, want whole batches of %" PRId64
                        " x %" PRId64,
                        path, s->file[0].tokens, s->batch, s->T);
    return MOE_OK;
}

static int
open_order(struct moe_err *err, struct source *s,
           const struct source_options *opt)
{
    if (s->order == SOURCE_STREAM)
        return open_mixture(err, s, opt);
    s->epoch_batches = s->windows / (uint64_t)s->batch;
    if (!s->epoch_batches)
        return moe_fail(err, MOE_EFORMAT,
                        "data: %" PRIu64 " windows of %" PRId64
                        " tokens, a batch takes %" PRId64,
                        s->windows, s->T, s->batch);
    return MOE_OK;
}

/* A source without a file. */
static int
create(struct moe_err *err, struct source **out,
       const struct source_language *language, size_t n,
       const struct source_options *opt)
{
    struct source *s = mem_zero(1, sizeof *s);
    size_t files = 1;
    *out = s;
    if (!s)
        return moe_fail(err, MOE_ENOMEM, "data: out of memory");
    for (size_t i = 0; i < n; i++)
        files += language[i].n;
    *s = (struct source){.order = opt->order,
                         .T = opt->T,
                         .batch = opt->batch,
                         .seed = opt->seed,
                         .filter = opt->repetition_filter,
                         .languages = n,
                         .language = mem_zero(n, sizeof *s->language),
                         .file = mem_zero(files, sizeof *s->file)};
    if (!s->language || !s->file)
        return moe_fail(err, MOE_ENOMEM, "data: out of memory");
    if (opt->batch < 1 || opt->T < 1)
        return moe_fail(err, MOE_EINVAL,
                        "data: a batch of %" PRId64 " x %" PRId64 " tokens",
                        opt->batch, opt->T);
    return MOE_OK;
}

int
source_open(struct moe_err *err, struct source **out,
            const struct source_language *language, size_t n,
            const struct source_options *opt)
{
    const bool recorded = opt->order == SOURCE_FILE;
    int rc = create(err, out, language, recorded ? 0 : n, opt);
    if (!rc && recorded)
        rc = open_batches(err, *out, opt);
    else if (!rc)
        warn_of_eos(opt);
    for (size_t i = 0; !rc && i < (*out)->languages; i++)
        rc = open_language(err, *out, i, &language[i], opt);
    if (!rc)
        rc = open_order(err, *out, opt);
    if (rc)
        source_close(out);
    return rc;
}

void
source_close(struct source **sp)
{
    struct source *s = *sp;
    *sp = NULL;
    if (!s)
        return;
    for (size_t i = 0; i < s->files; i++)
        source_file_close(&s->file[i]);
    for (size_t i = 0; s->language && i < s->languages; i++)
        free(s->language[i].name);
    mixture_destroy(&s->mixture);
    free(s->epoch_order);
    free(s->language);
    free(s->file);
    free(s);
}

/* ---- Reading ------------------------------------------------------------ */

const struct source_file *
source_file_of(const struct source *s, uint64_t window)
{
    size_t low = 0, high = s->files; // file[low].first <= window
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (s->file[middle].first <= window)
            low = middle;
        else
            high = middle;
    }
    return &s->file[low];
}

int
source_make_order(struct moe_err *err, struct source *s, uint64_t epoch)
{
    uint64_t count;
    if (s->epoch_order && s->epoch == epoch)
        return MOE_OK;
    free(s->epoch_order);
    s->epoch_order = NULL;
    s->epoch = epoch;
    return order_olmo(err, &s->epoch_order, &count, s->windows, s->seed, epoch,
                      (uint64_t)s->batch);
}

/* The window that is instance i of the next batch. */
static int
choose(struct moe_err *err, struct source *s, uint64_t i, uint64_t *window)
{
    struct mixture_window w;
    if (s->order == SOURCE_STREAM) {
        int rc = mixture_next(err, s->mixture, &w);
        if (!rc)
            *window = s->language[w.language].first + w.window;
        return rc;
    }
    const uint64_t epoch = s->batches / s->epoch_batches;
    *window = s->batches % s->epoch_batches * (uint64_t)s->batch + i;
    if (s->order == SOURCE_FILE)
        return MOE_OK;
    int rc = source_make_order(err, s, epoch);
    if (!rc)
        *window = s->epoch_order[*window];
    return rc;
}

static void
label(struct source *s, const int32_t *ids, int32_t *target)
{
    const size_t T = (size_t)s->T;
    const bool repeated =
        s->filter &&
        repetition_found(ids, T, REPETITION_PERIOD, REPETITION_TIMES);
    for (size_t t = 0; t < T; t++)
        target[t] = repeated || t + 1 == T ? -1 : ids[t + 1];
    s->filtered += repeated;
}

/* Instance i of the next batch. */
static int
read_instance(struct moe_err *err, struct source *s, uint64_t i, int32_t *ids,
              int32_t *target)
{
    uint64_t window;
    int rc = choose(err, s, i, &window);
    if (rc)
        return rc;
    const struct source_file *f = source_file_of(s, window);
    rc = source_file_read(err, f, window - f->first, s->T, ids);
    if (rc)
        return rc;
    label(s, ids, target);
    if (s->languages)
        s->language[f->language].drawn++;
    return MOE_OK;
}

int
source_next(struct moe_err *err, struct source *s, int32_t *ids,
            int32_t *target)
{
    if (s->order == SOURCE_FILE && s->batches == s->epoch_batches)
        return moe_fail(err, MOE_EINPUT, "%s: only %" PRIu64 " batches",
                        s->file[0].shard.path, s->batches);
    for (int64_t i = 0; i < s->batch; i++) {
        int rc = read_instance(err, s, (uint64_t)i, ids + i * s->T,
                               target + i * s->T);
        if (rc)
            return rc;
    }
    s->batches++;
    return MOE_OK;
}
