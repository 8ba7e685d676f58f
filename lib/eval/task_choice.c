/*
 * task_choice.c - questions with four answers to choose from.
 *
 *   Belebele     JSON Lines or a table in the data set's own fields, or by
 *                passage: {text, items: [{question, answers: [{text,
 *                correct}]}]}
 *   MMLU         its own CSV without a header: question, four answers, letter
 *   Global-MMLU  question, option_a .. option_d, answer, subject
 *
 * The prompts are those of the lm-evaluation-harness.
 */
#include "config.h"

#include "eval/items.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "eval/encode.h"
#include "eval/records.h"

/* One question as it is read; texts are borrowed. */
struct question {
    const char *passage, *text, *choice[CHOICES], *group;
    int gold;
};

/* Python's strip(). */
static void
put_stripped(struct str *b, const char *s)
{
    size_t n = encode_trim(s), skip = encode_skip(s);
    if (skip < n)
        str_add(b, s + skip, n - skip);
}

static char *
write_prompt(const struct question *q)
{
    struct str b = {0};
    if (q->passage)
        str_printf(&b, "P: %s\nQ: ", q->passage);
    put_stripped(&b, q->text);
    for (int i = 0; i < CHOICES; i++)
        str_printf(&b, q->passage ? "\n%c: %s" : "\n%c. %s", 'A' + i,
                   q->choice[i]);
    str_puts(&b, "\nAnswer:");
    return str_take(&b);
}

static int
add_question(struct moe_err *err, struct task_file *f, const struct record *r,
             const struct question *q)
{
    char *prompt = write_prompt(q);
    char *place = str_format("%s:%zu", r->file, r->line);
    int rc = prompt && place
                 ? items_add(err, f->items, f->example,
                             &(struct item){.place = place,
                                            .group = (char *)q->group,
                                            .prompt = prompt,
                                            .gold = q->gold})
                 : moe_fail(err, MOE_ENOMEM, "questions: out of memory");
    free(prompt);
    free(place);
    return rc;
}

/* ---- Belebele ------------------------------------------------------------ */

/* A FLORES code must be that of the language that the file is given for, when
 * that is one too. */
static int
check_dialect(struct moe_err *err, const struct task_file *f,
              const struct record *r, const char *found)
{
    const char *want = f->opt->language;
    const char *bar = strchr(want, '_');
    if (!found || !bar || bar - want != 3 || strlen(bar) != 5 ||
        strcmp(found, want) == 0)
        return MOE_OK;
    return record_fail(err, r, "'%.40s' found, want the dialect %s", found,
                       want);
}

/* One of four, as a number from 1 or a letter. */
static int
read_gold(struct moe_err *err, struct record *r, const char *name, char first,
          int *gold)
{
    const char *text;
    int rc = record_text(err, r, name, &text);
    if (rc)
        return rc;
    *gold = text[0] - first;
    if (*gold >= 0 && *gold < CHOICES && !text[1])
        return MOE_OK;
    return record_fail(err, r, "%s: '%.40s' found, want %c to %c", name, text,
                       first, first + CHOICES - 1);
}

static int
take_one_question(struct moe_err *err, struct task_file *f, struct record *r)
{
    static const char *const names[CHOICES] = {"mc_answer1", "mc_answer2",
                                               "mc_answer3", "mc_answer4"};
    struct question q = {.group = ""};
    int rc = check_dialect(err, f, r, record_find(r, "dialect"));
    if (!rc)
        rc = record_text(err, r, "flores_passage", &q.passage);
    if (!rc)
        rc = record_text(err, r, "question", &q.text);
    for (int i = 0; !rc && i < CHOICES; i++)
        rc = record_text(err, r, names[i], &q.choice[i]);
    if (!rc)
        rc = read_gold(err, r, "correct_answer_num", '1', &q.gold);
    return rc ? rc : add_question(err, f, r, &q);
}

static int
take_passage_item(struct moe_err *err, struct task_file *f,
                  const struct record *r, const char *passage,
                  const json_t *item)
{
    const json_t *answers = json_object_get(item, "answers");
    struct question q = {
        .passage = passage,
        .group = "",
        .text = json_string_value(json_object_get(item, "question")),
        .gold = -1};
    if (!q.text || json_array_size(answers) != CHOICES)
        return record_fail(err, r, "an item without question or %d answers",
                           CHOICES);
    for (int i = 0; i < CHOICES; i++) {
        const json_t *a = json_array_get(answers, (size_t)i);
        q.choice[i] = json_string_value(json_object_get(a, "text"));
        if (!q.choice[i] || !q.choice[i][0])
            return record_fail(err, r, "answer %d has no text", i + 1);
        if (!json_is_true(json_object_get(a, "correct")))
            continue;
        if (q.gold >= 0)
            return record_fail(err, r, "more than one correct answer");
        q.gold = i;
    }
    if (q.gold < 0)
        return record_fail(err, r, "no correct answer");
    return add_question(err, f, r, &q);
}

static int
take_passage(struct moe_err *err, struct task_file *f, struct record *r)
{
    const json_t *items = json_object_get(r->object, "items"), *item;
    const json_t *extra =
        json_object_get(json_object_get(r->object, "metadata"), "extra");
    const char *passage;
    size_t i;
    int rc = check_dialect(
        err, f, r, json_string_value(json_object_get(extra, "language")));
    if (!rc)
        rc = record_text(err, r, "text", &passage);
    if (!rc && !json_array_size(items))
        rc = record_fail(err, r, "no items");
    json_array_foreach(items, i, item) if (!rc) rc =
        take_passage_item(err, f, r, passage, item);
    return rc;
}

static int
take_belebele(struct moe_err *err, void *arg, struct record *r)
{
    return r->object && json_object_get(r->object, "items")
               ? take_passage(err, arg, r)
               : take_one_question(err, arg, r);
}

int
belebele_read(struct moe_err *err, struct task_file *f)
{
    return records_read(err, f->path, "flores_passage", RECORDS_HEADER,
                        take_belebele, f);
}

/* ---- MMLU ---------------------------------------------------------------- */

struct mmlu_file {
    struct task_file *f;
    char *subject; // from the file's name
};

static int
take_bare(struct moe_err *err, struct mmlu_file *m, const struct record *r)
{
    struct question q = {.group = m->subject};
    const char *letter;
    int rc = record_cell(err, r, 0, &q.text);
    for (int i = 0; !rc && i < CHOICES; i++)
        rc = record_cell(err, r, (size_t)i + 1, &q.choice[i]);
    if (!rc)
        rc = record_cell(err, r, CHOICES + 1, &letter);
    if (rc)
        return rc;
    q.gold = letter[0] - 'A';
    if (q.gold < 0 || q.gold >= CHOICES || letter[1])
        return record_fail(err, r, "answer '%.40s' found, want A to D", letter);
    return add_question(err, m->f, r, &q);
}

static int
take_mmlu(struct moe_err *err, void *arg, struct record *r)
{
    static const char *const names[CHOICES] = {"option_a", "option_b",
                                               "option_c", "option_d"};
    struct mmlu_file *m = arg;
    struct question q = {0};
    if (r->table && r->headless)
        return take_bare(err, m, r);
    const char *subject = record_find(r, "subject");
    if (!subject)
        subject = record_find(r, "subject_category");
    q.group = subject ? subject : m->subject;
    int rc = record_text(err, r, "question", &q.text);
    for (int i = 0; !rc && i < CHOICES; i++)
        rc = record_text(err, r, names[i], &q.choice[i]);
    if (!rc)
        rc = read_gold(err, r, "answer", 'A', &q.gold);
    return rc ? rc : add_question(err, m->f, r, &q);
}

/* "anatomy" of ".../anatomy_test.csv". */
static char *
subject_of(const char *path)
{
    static const char *const ends[] = {"_dev", "_test", "_val"};
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t n = strcspn(name, ".");
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t m = strlen(ends[i]);
        if (n > m && strncmp(name + n - m, ends[i], m) == 0)
            return str_format("%.*s", (int)(n - m), name);
    }
    return str_format("%.*s", (int)n, name);
}

int
mmlu_read(struct moe_err *err, struct task_file *f)
{
    struct mmlu_file m = {f, subject_of(f->path)};
    int rc = m.subject ? records_read(err, f->path, "option_a",
                                      RECORDS_NO_HEADER, take_mmlu, &m)
                       : moe_fail(err, MOE_ENOMEM, "mmlu: out of memory");
    free(m.subject);
    return rc;
}
