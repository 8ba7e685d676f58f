/*
 * outcome_lines.c - the items of an outcome as lines of JSON, and back.
 */
#include "config.h"

#include "eval/outcome.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "eval/records.h"

/* Every metric that any evaluation has: what is read back names one of these.
 */
static const char *const metrics[] = {
    "acc",           "acc_norm",           "acc_bytes",
    "acc_tokens",    "acc_original",       "nll",
    "bits_per_byte", "exact_match_strict", "exact_match_flexible"};

json_t *
outcome_line(const struct outcome *o, size_t i)
{
    const struct outcome_item *it = &o->item[i];
    json_t *scores = json_object(), *weights = json_object();
    for (size_t m = 0; m < o->metrics; m++) {
        const struct outcome_score *s = &it->score[m];
        json_object_set_new(scores, o->metric[m],
                            isnan(s->value) ? json_null()
                                            : json_real(s->value));
        if (s->weight != 1)
            json_object_set_new(weights, o->metric[m], json_real(s->weight));
    }
    json_t *line =
        json_pack("{s:s, s:s, s:I, s:o}", "task", o->task, "language",
                  o->language, "item", (json_int_t)it->item, "scores", scores);
    if (*it->group)
        json_object_set_new(line, "group", json_string(it->group));
    if (json_object_size(weights))
        json_object_set(line, "weights", weights);
    json_decref(weights);
    return line;
}

static int
take_metrics(struct moe_err *err, struct outcome *o, struct record *r,
             const json_t *scores)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)scores, name, value)
    {
        size_t k = 0;
        while (k < sizeof metrics / sizeof *metrics &&
               strcmp(metrics[k], name) != 0)
            k++;
        if (k == sizeof metrics / sizeof *metrics ||
            o->metrics == OUTCOME_METRICS)
            return record_fail(err, r, "'%.40s' is no metric", name);
        o->metric[o->metrics++] = metrics[k];
    }
    return MOE_OK;
}

static int
begin(struct moe_err *err, struct outcome *o, struct record *r,
      const json_t *scores)
{
    const char *task, *language;
    int rc = record_text(err, r, "task", &task);
    if (!rc)
        rc = record_text(err, r, "language", &language);
    if (!rc)
        rc = outcome_begin(err, o, task, language, NULL, 0);
    return rc ? rc : take_metrics(err, o, r, scores);
}

static int
take(struct moe_err *err, void *arg, struct record *r)
{
    struct outcome *o = arg;
    const json_t *scores = json_object_get(r->object, "scores");
    const json_t *weights = json_object_get(r->object, "weights");
    const json_t *item = json_object_get(r->object, "item");
    const char *group = record_find(r, "group");
    if (!json_is_integer(item) || !json_is_object(scores))
        return record_fail(err, r, "no item of an evaluation");
    int rc = o->task ? MOE_OK : begin(err, o, r, scores);
    if (rc)
        return rc;
    struct outcome_item *to =
        outcome_add(o, (size_t)json_integer_value(item), group ? group : "");
    if (!to)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", r->file);
    for (size_t m = 0; m < o->metrics; m++) {
        const json_t *v = json_object_get(scores, o->metric[m]);
        const json_t *w = json_object_get(weights, o->metric[m]);
        if (json_is_number(v))
            to->score[m].value = json_number_value(v);
        if (json_is_number(w))
            to->score[m].weight = json_number_value(w);
    }
    return MOE_OK;
}

int
outcome_read(struct moe_err *err, struct outcome *o, const char *path)
{
    *o = (struct outcome){0};
    int rc = records_read(err, path, "", RECORDS_HEADER, take, o);
    if (!rc && !o->task)
        rc = moe_fail(err, MOE_EFORMAT, "%s: no items", path);
    if (rc)
        outcome_free(o);
    return rc;
}
