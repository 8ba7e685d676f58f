/*
 * items.c - what a task asks: memory, and the files that it is read from.
 */
#include "config.h"

#include "eval/items.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/suffix.h"
#include "eval/records.h"

static const struct {
    const char *name;
    task_read_fn *read;
} tasks[TASKS] = {
    [TASK_PERPLEXITY] = {"perplexity", NULL},
    [TASK_MULTIBLIMP] = {"multiblimp", pairs_read},
    [TASK_CLAMS] = {"clams", pairs_read},
    [TASK_BLIMP] = {"blimp", pairs_read},
    [TASK_BELEBELE] = {"belebele", belebele_read},
    [TASK_MMLU] = {"mmlu", mmlu_read},
    [TASK_GLOBAL_MMLU] = {"global_mmlu", mmlu_read},
    [TASK_MGSM] = {"mgsm", mgsm_read},
    [TASK_GSM8K] = {"gsm8k", gsm8k_read},
};

const char *
task_name(enum task t)
{
    return tasks[t].name;
}

bool
task_has_pairs(enum task t)
{
    return tasks[t].read == pairs_read;
}

bool
task_has_choices(enum task t)
{
    return tasks[t].read == belebele_read || tasks[t].read == mmlu_read;
}

bool
task_is_generated(enum task t)
{
    return tasks[t].read == mgsm_read || tasks[t].read == gsm8k_read;
}

static void
item_free(struct item *i)
{
    free(i->place);
    free(i->group);
    free(i->good);
    free(i->bad);
    free(i->prompt);
    free(i->answer);
}

void
items_free(struct items *items)
{
    for (size_t i = 0; i < items->n; i++)
        item_free(&items->item[i]);
    for (size_t i = 0; i < items->examples; i++)
        item_free(&items->example[i]);
    free(items->item);
    free(items->example);
    *items = (struct items){0};
}

static bool
copy(char **to, const char *from)
{
    *to = from ? str_copy(from) : NULL;
    return !from || *to;
}

int
items_add(struct moe_err *err, struct items *items, bool example,
          const struct item *item)
{
    struct item **list = example ? &items->example : &items->item;
    size_t *n = example ? &items->examples : &items->n;
    size_t *cap = example ? &items->example_cap : &items->cap;
    struct item *grown = mem_grow(*list, cap, *n + 1, sizeof *grown);
    if (!grown)
        return moe_fail(err, MOE_ENOMEM, "items: out of memory");
    *list = grown;
    struct item *to = &grown[(*n)++];
    *to = (struct item){.gold = item->gold};
    if (copy(&to->place, item->place) && copy(&to->group, item->group) &&
        copy(&to->good, item->good) && copy(&to->bad, item->bad) &&
        copy(&to->prompt, item->prompt) && copy(&to->answer, item->answer))
        return MOE_OK;
    return moe_fail(err, MOE_ENOMEM, "items: out of memory");
}

/* ---- Files --------------------------------------------------------------- */

/* "anatomy_dev.csv", "train.jsonl", "sw.dev.jsonl". */
static bool
is_example(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    size_t n = dot ? (size_t)(dot - name) : strlen(name);
    return (n >= 3 && strncmp(name + n - 3, "dev", 3) == 0) ||
           (n >= 5 && strncmp(name + n - 5, "train", 5) == 0);
}

static int
read_file(struct moe_err *err, struct items *items, enum task task,
          const struct task_options *opt, const char *path)
{
    struct task_file f = {.path = path,
                          .example = is_example(path),
                          .opt = opt,
                          .items = items,
                          .task = task};
    return tasks[task].read(err, &f);
}

static bool
is_ours(enum task task, const char *name)
{
    return records_is_name(name) &&
           (task_has_pairs(task) || !suffix_is(name, ".txt"));
}

/* The files of a directory, and of its folders that are splits. */
static int
read_dir(struct moe_err *err, struct items *items, enum task task,
         const struct task_options *opt, const char *dir, bool below)
{
    static const char *const splits[] = {"dev", "test", "train"};
    char **names;
    size_t n;
    int rc = fs_list(err, &names, &n, dir, "");
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < n; i++) {
        char *path = str_path(dir, names[i]);
        bool split = false;
        for (size_t k = 0; k < sizeof splits / sizeof *splits; k++)
            split = split || (!below && strcmp(names[i], splits[k]) == 0);
        if (!path)
            rc = moe_fail(err, MOE_ENOMEM, "items: out of memory");
        else if (split && fs_is_dir(path))
            rc = read_dir(err, items, task, opt, path, true);
        else if (is_ours(task, names[i]))
            rc = read_file(err, items, task, opt, path);
        free(path);
    }
    fs_list_free(names, n);
    return rc;
}

int
task_read(struct moe_err *err, struct items *items, enum task task,
          const struct task_options *opt, const char *const *path, size_t paths)
{
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < paths; i++)
        rc = fs_is_dir(path[i])
                 ? read_dir(err, items, task, opt, path[i], false)
                 : read_file(err, items, task, opt, path[i]);
    if (!rc && !items->n)
        rc = moe_fail(err, MOE_EFORMAT, "%s: %s: nothing to ask",
                      paths ? path[0] : "", task_name(task));
    return rc;
}
