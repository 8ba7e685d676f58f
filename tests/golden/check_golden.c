/*
 * check_golden.c - compare this build with a folder of reference numbers.
 *
 *     check_golden [DIR [SUBJECT...]]
 *
 * DIR is tests/vectors unless given.  Subjects that the folder does not have
 * are left out.  Exit status 0 when every comparison is within its bound, 1
 * when one is not or nothing was compared, 77 without a device.
 */
#include "config.h"

#include "tests/golden/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"

static const struct {
    const char *subject;
    golden_fn *run;
} subjects[] = {
    {"tiny", golden_tiny},     {"tiny", golden_train},
    {"tokens", golden_tokens}, {"routing", golden_routing},
    {"adapt", golden_adapt},   {"small", golden_curve},
    {"eval", golden_eval},
};

static bool
chosen(const char *subject, int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], subject) == 0)
            return true;
    return argc <= 2;
}

static bool
is_there(const char *root, const char *subject)
{
    char *path = str_path(root, subject);
    bool there = path && fs_is_dir(path);
    free(path);
    return there;
}

int
main(int argc, char **argv)
{
    struct moe_err err = {0};
    struct golden g = {.root = argc > 1 ? argv[1] : SRCDIR "/tests/vectors"};
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < sizeof subjects / sizeof *subjects; i++)
        if (chosen(subjects[i].subject, argc, argv) &&
            is_there(g.root, subjects[i].subject))
            rc = subjects[i].run(&g, &err);
    moe_ctx_destroy(&g.ctx);
    if (rc)
        fprintf(stderr, "check_golden: %s\n", err.text);
    else
        printf("%zu comparisons, %zu wrong\n", g.done, g.failed);
    if (rc == MOE_EDEVICE)
        return 77;
    return rc || g.failed || !g.done ? EXIT_FAILURE : EXIT_SUCCESS;
}
