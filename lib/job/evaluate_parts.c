/*
 * evaluate_parts.c - the tasks of a spec, language by language.
 */
#include "config.h"

#include "job/evaluate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

/* Files and shots of a task. */
struct source {
    enum task task;
    const struct job_data *data;
    int64_t shots; // -1: a task without
};

enum { SOURCES = TASKS };

static void
list_sources(struct source list[SOURCES], const struct job_eval *s)
{
    const struct source all[SOURCES] = {
        {TASK_PERPLEXITY, &s->perplexity, -1},
        {TASK_MULTIBLIMP, &s->multiblimp, -1},
        {TASK_CLAMS, &s->clams, -1},
        {TASK_BLIMP, &s->blimp, -1},
        {TASK_BELEBELE, &s->belebele, s->belebele_shots},
        {TASK_MMLU, &s->mmlu, s->mmlu_shots},
        {TASK_GLOBAL_MMLU, &s->global_mmlu, s->global_mmlu_shots},
        {TASK_MGSM, &s->mgsm, s->mgsm_shots},
        {TASK_GSM8K, &s->gsm8k, s->gsm8k_shots}};
    for (int i = 0; i < SOURCES; i++)
        list[i] = all[i];
}

/* "belebele_4shot", "mgsm_direct_0shot", "multiblimp". */
static char *
name_part(const struct job_eval *s, const struct source *from)
{
    static const char *const modes[] = {[JOB_MGSM_DIRECT] = "_direct",
                                        [JOB_MGSM_NATIVE] = "_native_cot",
                                        [JOB_MGSM_EN] = "_en_cot"};
    const char *mode = from->task == TASK_MGSM ? modes[s->mgsm_mode] : "";
    if (from->shots < 0)
        return str_copy(task_name(from->task));
    return str_format("%s%s_%" PRId64 "shot", task_name(from->task), mode,
                      from->shots);
}

static enum mgsm_mode
mode_of(const struct job_eval *s)
{
    return s->mgsm_mode == JOB_MGSM_DIRECT   ? MGSM_DIRECT
           : s->mgsm_mode == JOB_MGSM_NATIVE ? MGSM_NATIVE_COT
                                             : MGSM_EN_COT;
}

/* The text of a perplexity. */
static int
read_corpus(struct moe_err *err, struct evaluation *e, struct part *p)
{
    const struct job_eval *s = &e->spec->eval;
    const int64_t W = s->perplexity_window;
    const bool windows = s->perplexity_mode == JOB_PERPLEXITY_WINDOWS;
    struct corpus_options opt = {.model = e->spec->model,
                                 .V = e->config.V,
                                 .eos = e->spec->eos < 0 ? e->config.eos
                                                         : e->spec->eos,
                                 .documents = e->spec->documents,
                                 .limit = (size_t)s->perplexity_tokens,
                                 .tokenizer = e->tokenizer};
    int rc = corpus_read(err, &p->corpus, &opt, p->language);
    if (rc || !windows || p->corpus.ids.n >= (size_t)W)
        return rc;
    return moe_fail(err, MOE_EFORMAT,
                    "perplexity: %s: %zu tokens, want at least one window of "
                    "%" PRId64,
                    p->language->name, p->corpus.ids.n, W);
}

static int
read_part(struct moe_err *err, struct evaluation *e, struct part *p)
{
    const struct job_strings *files = &p->language->files;
    if (p->task == TASK_PERPLEXITY)
        return read_corpus(err, e, p);
    int rc = task_read(err, &p->items, p->task, &p->ask.opt,
                       (const char *const *)files->item, files->n);
    if (rc)
        return rc;
    if (p->task == TASK_MGSM && p->shots > 0 && !p->items.examples)
        return moe_fail(err, MOE_EINVAL,
                        "mgsm.shots: %" PRId64 " worked examples of %s, no "
                        "file whose name ends in train or dev",
                        p->shots, p->language->name);
    return MOE_OK;
}

static int
add_part(struct moe_err *err, struct evaluation *e, const struct source *from,
         const struct job_language *language)
{
    const struct job_eval *s = &e->spec->eval;
    struct part *p = &e->part[e->parts++];
    p->task = from->task;
    p->language = language;
    p->shots = from->shots;
    if (!(p->name = name_part(s, from)))
        return moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
    p->ask =
        (struct ask){.encoder = &e->encoder,
                     .task = from->task,
                     .opt = {language->name, mode_of(s)},
                     .name = p->name,
                     .shots = from->shots < 0 ? 0 : from->shots,
                     .clean = from->task == TASK_BELEBELE && s->belebele_clean,
                     .limit = s->limit,
                     .original = s->original,
                     .max_tokens = s->max_new_tokens,
                     .eos = (int32_t)e->config.eos,
                     .window = s->perplexity_window};
    return read_part(err, e, p);
}

int
evaluate_parts(struct moe_err *err, struct evaluation *e)
{
    const struct job_eval *s = &e->spec->eval;
    struct source list[SOURCES];
    size_t n = 0;
    int rc = MOE_OK;
    list_sources(list, s);
    for (int i = 0; i < SOURCES; i++)
        n += list[i].data->n;
    if (!n)
        return moe_fail(err, MOE_EINVAL,
                        "%s: no task, want perplexity.data, multiblimp.data, "
                        "belebele.data or another",
                        e->spec->name);
    if (s->perplexity.n && s->perplexity_window > e->config.max_positions)
        return moe_fail(err, MOE_EINVAL,
                        "perplexity.window: %" PRId64
                        " tokens, the model has %" PRId64 " positions",
                        s->perplexity_window, e->config.max_positions);
    if (!(e->part = mem_zero(n, sizeof *e->part)))
        return moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
    for (int i = 0; i < SOURCES; i++)
        for (size_t k = 0; !rc && k < list[i].data->n; k++)
            rc = add_part(err, e, &list[i], &list[i].data->language[k]);
    return rc;
}

void
part_free(struct part *p)
{
    items_free(&p->items);
    corpus_free(&p->corpus);
    ask_free(&p->ask);
    free(p->name);
}

size_t
part_items(const struct evaluation *e, const struct part *p)
{
    const struct job_eval *s = &e->spec->eval;
    size_t n = p->items.n;
    if (p->task == TASK_PERPLEXITY)
        n = s->perplexity_mode == JOB_PERPLEXITY_DOCUMENTS
                ? p->corpus.documents
                : p->corpus.ids.n / (size_t)s->perplexity_window;
    return s->limit && (size_t)s->limit < n ? (size_t)s->limit : n;
}

/* Documents without the end of text that the corpus puts after each. */
static int
ask_corpus(struct moe_err *err, struct evaluation *e, struct part *p)
{
    const struct corpus *c = &p->corpus;
    if (e->spec->eval.perplexity_mode == JOB_PERPLEXITY_WINDOWS)
        return ask_windows(err, &p->ask, c->ids.id, c->ids.n);
    const int64_t eos = e->spec->eos < 0 ? e->config.eos : e->spec->eos;
    int32_t *ids = mem_zero(c->ids.n, sizeof *ids);
    size_t *start = mem_zero(c->documents + 1, sizeof *start), n = 0, at = 0;
    if (!ids || !start) {
        free(ids);
        free(start);
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", p->name);
    }
    for (size_t i = 0; i < c->documents; i++) {
        size_t end = i + 1 < c->documents ? c->start[i + 1] : c->ids.n;
        start[n] = at;
        for (size_t k = c->start[i]; k < end; k++)
            if (k + 1 < end || c->ids.id[k] != eos)
                ids[at++] = c->ids.id[k];
        n += at > start[n];
    }
    start[n] = at;
    int rc = ask_documents(err, &p->ask, ids, start, n);
    free(ids);
    free(start);
    return rc;
}

int
part_ask(struct moe_err *err, struct evaluation *e, struct part *p)
{
    p->ask.run = e->pass;
    if (p->task == TASK_PERPLEXITY)
        return ask_corpus(err, e, p);
    if (task_has_pairs(p->task))
        return ask_pairs(err, &p->ask, &p->items);
    if (task_has_choices(p->task))
        return ask_choices(err, &p->ask, &p->items);
    return ask_texts(err, &p->ask, &p->items);
}
