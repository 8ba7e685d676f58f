/*
 * task_math.c - questions whose answer is written out.
 *
 *   MGSM   question TAB number, without a header; or question, answer,
 *          answer_number, where a question with a worked answer has its label
 *          in the text already
 *   GSM8K  question, answer with "#### NUMBER" at its end
 */
#include "config.h"

#include "eval/items.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "eval/math.h"
#include "eval/records.h"

static int
add_item(struct moe_err *err, struct task_file *f, const struct record *r,
         struct str *prompt, const char *answer)
{
    char *text = str_take(prompt);
    char *place = str_format("%s:%zu", r->file, r->line);
    int rc = text && place
                 ? items_add(err, f->items, f->example,
                             &(struct item){.place = place,
                                            .group = (char *)"",
                                            .prompt = text,
                                            .answer = (char *)answer})
                 : moe_fail(err, MOE_ENOMEM, "questions: out of memory");
    free(text);
    free(place);
    return rc;
}

/* A worked answer without the label that it begins with. */
static const char *
without_label(const char *answer, const char *label)
{
    size_t n = strlen(label);
    if (strncmp(answer, label, n) != 0)
        return answer;
    return answer + n + (answer[n] == ' ');
}

/* The label before the answer. */
static const char *
answer_label(const struct math_words *own, enum mgsm_mode mode)
{
    return mode == MGSM_DIRECT   ? own->direct
           : mode == MGSM_EN_COT ? math_words("en")->steps
                                 : own->steps;
}

static int
take_mgsm(struct moe_err *err, void *arg, struct record *r)
{
    struct task_file *f = arg;
    const struct math_words *own = math_words(f->opt->language);
    const bool bare = r->table && r->headless;
    const char *question, *number, *answer = NULL;
    struct str prompt = {0};
    int rc = bare ? record_cell(err, r, 0, &question)
                  : record_text(err, r, "question", &question);
    if (!rc)
        rc = bare ? record_cell(err, r, 1, &number)
                  : record_text(err, r, "answer_number", &number);
    if (rc)
        return rc;
    if (!bare)
        answer = record_find(r, "answer");
    if (f->example && !answer)
        return record_fail(err, r, "an example without an answer");
    if (!answer)
        str_printf(&prompt, "%s ", own->question);
    str_printf(&prompt, "%s\n%s", question, answer_label(own, f->opt->mode));
    return add_item(err, f, r, &prompt,
                    f->example ? without_label(answer, own->steps) : number);
}

int
mgsm_read(struct moe_err *err, struct task_file *f)
{
    if (!math_words(f->opt->language))
        return moe_fail(err, MOE_EINVAL,
                        "mgsm: '%s' found, want one of bn, de, en, es, fr, ja, "
                        "ru, sw, te, th, zh",
                        f->opt->language);
    return records_read(err, f->path, "question", RECORDS_NO_HEADER, take_mgsm,
                        f);
}

static int
take_gsm8k(struct moe_err *err, void *arg, struct record *r)
{
    const char *question, *answer;
    struct str prompt = {0};
    int rc = record_text(err, r, "question", &question);
    if (!rc)
        rc = record_text(err, r, "answer", &answer);
    if (!rc && !strstr(answer, "#### "))
        rc = record_fail(err, r, "an answer without '#### '");
    if (rc)
        return rc;
    str_printf(&prompt, "Question: %s\nAnswer:", question);
    return add_item(err, arg, r, &prompt, answer);
}

int
gsm8k_read(struct moe_err *err, struct task_file *f)
{
    return records_read(err, f->path, "question", RECORDS_HEADER, take_gsm8k,
                        f);
}
