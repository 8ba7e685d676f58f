/*
 * adapted_settings.c - which adaptations were set alike, and what to call
 * them.
 */
#include "config.h"

#include "report/adapted.h"

#include <stdlib.h>
#include <string.h>

/* Fields that do not tell one way of adapting from another: they name a place,
 * or what is looked at, or cannot change a result. */
static const char *const apart[] = {"name",
                                    "device",
                                    "out",
                                    "priority",
                                    "time_limit",
                                    "after",
                                    "model",
                                    "tokenizer",
                                    "seed",
                                    "optimizer.lr",
                                    "adapt.strategy",
                                    "adapt.language",
                                    "adapt.other",
                                    "adapt.from",
                                    "adapt.cache",
                                    "adapt.cache_bytes",
                                    "adapt.merge",
                                    "micro_batch",
                                    "memory",
                                    "checkpoint_every",
                                    "keep_last",
                                    "keep_every",
                                    "eval_every",
                                    "export.shard_bytes"};

static bool
is_apart(const char *field)
{
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        if (strcmp(field, apart[i]) == 0)
            return true;
    return false;
}

/* The fields that a strategy does not look at say nothing of it. */
static bool
is_unused(const char *strategy, const char *field)
{
    static const char *const of[][2] = {{"adapt.shared", "ssft"},
                                        {"adapt.n", "top_n"},
                                        {"adapt.experts", "list"}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (strcmp(field, of[i][0]) == 0)
            return strcmp(strategy, of[i][1]) != 0;
    return strcmp(field, "adapt.layers") == 0 &&
           strcmp(strategy, "top_n") != 0 && strcmp(strategy, "aeft") != 0 &&
           strcmp(strategy, "final_layers") != 0;
}

static json_t *
fields_of(const struct folder *f, const char *strategy)
{
    json_t *copy = json_object(), *value;
    const char *field;
    json_object_foreach(f->spec, field, value) if (!is_apart(field) &&
                                                   !is_unused(strategy, field))
        json_object_set(copy, field, value);
    return copy;
}

/* Do two settings of one strategy differ in this field? */
static bool
tells_apart(const struct adapted *a, size_t i, const char *field)
{
    const struct adapted_setting *s = &a->setting[i];
    const json_t *mine = json_object_get(s->field, field);
    for (size_t k = 0; k < a->settings; k++)
        if (strcmp(a->setting[k].strategy, s->strategy) == 0 &&
            !json_equal(json_object_get(a->setting[k].field, field), mine))
            return true;
    return false;
}

static char *
label_of(const struct adapted *a, size_t i)
{
    const struct adapted_setting *s = &a->setting[i];
    struct str label = {0};
    const char *field;
    json_t *value;
    str_puts(&label, s->strategy);
    json_object_foreach(s->field, field, value) if (tells_apart(a, i, field))
        str_printf(&label, " %s=%s",
                   strncmp(field, "adapt.", 6) == 0 ? field + 6 : field,
                   json_string_value(value));
    return str_take(&label);
}

static size_t
find_setting(const struct adapted *a, const char *strategy, const json_t *field)
{
    size_t i = 0;
    while (i < a->settings && (strcmp(a->setting[i].strategy, strategy) != 0 ||
                               !json_equal(a->setting[i].field, field)))
        i++;
    return i;
}

int
adapted_settings(struct moe_err *err, struct adapted *a, const struct folder *f,
                 const size_t folder_of[])
{
    bool failed = false;
    for (size_t i = 0; i < a->runs; i++) {
        const struct folder *from = &f[folder_of[i]];
        const char *strategy =
            json_string_value(json_object_get(from->spec, "adapt.strategy"));
        strategy = strategy ? strategy : "";
        json_t *field = fields_of(from, strategy);
        const size_t at = find_setting(a, strategy, field);
        a->run[i].setting = at;
        failed |= !field;
        if (at == a->settings)
            a->setting[a->settings++] =
                (struct adapted_setting){.strategy = strategy, .field = field};
        else
            json_decref(field);
    }
    for (size_t i = 0; i < a->settings; i++) {
        a->setting[i].label = label_of(a, i);
        failed |= !a->setting[i].label;
    }
    return failed ? moe_fail(err, MOE_ENOMEM, "report: out of memory") : MOE_OK;
}
