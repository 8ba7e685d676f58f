/*
 * main.c - polymoe: find the verb, run it, end with its status.
 */
#include "config.h"

#include "client/client.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct verb verbs[] = {
#define XX(name, summary) {#name, summary, verb_##name},
#include "client/verbs.inc"
#undef XX
    {NULL, NULL, NULL},
};

static void
print_usage(FILE *f)
{
    fputs("Usage: polymoe VERB [OPTION...] [ARGUMENT...]\n"
          "Run, study and adapt Mixture-of-Experts language models on any "
          "OpenCL device.\n\nVerbs:\n",
          f);
    for (const struct verb *v = verbs; v->name; v++)
        fprintf(f, "  %-12s%s\n", v->name, v->summary);
    fprintf(f,
            "\n'polymoe VERB --help' shows the options of a verb; its manual "
            "page is polymoe-VERB(1).\n"
            "Report bugs to <%s>.\n",
            PACKAGE_BUGREPORT);
}

int
verb_fail(const char *verb, const struct moe_err *err)
{
    fprintf(stderr, "polymoe %s: %s\n", verb, err->text);
    return moe_exit_status(err->code);
}

void
verb_note(void *arg, enum moe_log_level level, const char *line)
{
    if (level <= MOE_LOG_WARN)
        fprintf(stderr, "polymoe %s: %s%s\n", (const char *)arg,
                level == MOE_LOG_WARN ? "warning: " : "", line);
}

int
main(int argc, char **argv)
{
    /* A reader that goes away (| head -1) ends us quietly. */
    signal(SIGPIPE, SIG_DFL);
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("polymoe (polymoe) %s\n"
               "Licence Apache-2.0.  There is no warranty, to the extent "
               "permitted by law.\n",
               PACKAGE_VERSION);
        return 0;
    }
    for (const struct verb *v = verbs; v->name; v++)
        if (strcmp(v->name, argv[1]) == 0)
            return v->run(argc - 1, argv + 1);
    fprintf(stderr, "polymoe: unknown verb '%s'\nTry 'polymoe --help'.\n",
            argv[1]);
    return 2;
}
