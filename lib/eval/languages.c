/*
 * languages.c - one name for a language that data sets call differently.
 */
#include "config.h"

#include "eval/languages.h"

#include <string.h>

static const struct {
    const char *name, *iso3, *flores;
    enum resource resource;
} known[] = {
    {"en", "eng", "eng_Latn", RESOURCE_HIGH},
    {"ar", "arb", "arb_Arab", RESOURCE_HIGH},
    {"cs", "ces", "ces_Latn", RESOURCE_HIGH},
    {"es", "spa", "spa_Latn", RESOURCE_HIGH},
    {"fi", "fin", "fin_Latn", RESOURCE_HIGH},
    {"hi", "hin", "hin_Deva", RESOURCE_HIGH},
    {"ru", "rus", "rus_Cyrl", RESOURCE_HIGH},
    {"nl", "nld", "nld_Latn", RESOURCE_LOW},
    {"ur", "urd", "urd_Arab", RESOURCE_LOW},
    {"sk", "slk", "slk_Latn", RESOURCE_LOW},
    {"ca", "cat", "cat_Latn", RESOURCE_LOW},
    {"et", "est", "est_Latn", RESOURCE_LOW},
    {"mr", "mar", "mar_Deva", RESOURCE_LOW},
    {"uk", "ukr", "ukr_Cyrl", RESOURCE_LOW},
};

enum { KNOWN = sizeof known / sizeof *known };

size_t
language_order(const char *name)
{
    size_t i = 0;
    while (i < KNOWN && strcmp(name, known[i].name) != 0 &&
           strcmp(name, known[i].iso3) != 0 &&
           strcmp(name, known[i].flores) != 0)
        i++;
    return i;
}

const char *
language_name(const char *name)
{
    size_t i = language_order(name);
    return i < KNOWN ? known[i].name : name;
}

enum resource
language_resource(const char *name)
{
    size_t i = language_order(name);
    return i < KNOWN ? known[i].resource : RESOURCE_NONE;
}
