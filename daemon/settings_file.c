/*
 * settings_file.c - polymoed.conf: where it is and how it is read.
 */
#include "config.h"

#include "daemon/settings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

enum { FILE_BYTES = 1 << 20 };

/* s without the blanks at its ends, in place. */
static char *
trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    size_t n = strlen(s);
    while (n && isspace((unsigned char)s[n - 1]))
        n--;
    s[n] = '\0';
    return s;
}

static bool
is_section(const char *name)
{
    const struct setting_row *r = setting_rows;
    while (r->key && strcmp(r->section, name) != 0)
        r++;
    return r->key;
}

/* Is this key one of that section? */
static bool
belongs(const char *section, const char *key)
{
    for (const struct setting_row *r = setting_rows; r->key; r++)
        if (strcmp(r->key, key) == 0)
            return strcmp(r->section, section) == 0;
    return true; // settings_set() says that it is unknown
}

/* "[name]"; keeps the name in *section. */
static int
read_section(struct moe_err *err, char *line, const char **section)
{
    size_t n = strlen(line);
    if (line[n - 1] != ']')
        return moe_fail(err, MOE_EINVAL, "'%s', want [SECTION]", line);
    line[n - 1] = '\0';
    *section = trim(line + 1);
    return is_section(*section)
               ? MOE_OK
               : moe_fail(err, MOE_EINVAL, "[%s]: unknown section", *section);
}

static int
read_line(struct moe_err *err, struct settings *c, char *line,
          const char **section)
{
    line = trim(line);
    if (!*line || *line == '#')
        return MOE_OK;
    if (*line == '[')
        return read_section(err, line, section);
    char *value = strchr(line, '=');
    if (!value)
        return moe_fail(err, MOE_EINVAL, "'%s', want KEY = VALUE", line);
    *value++ = '\0';
    const char *key = trim(line);
    if (!belongs(*section, key))
        return moe_fail(err, MOE_EINVAL, "%s: not a key of section [%s]", key,
                        *section);
    return settings_set(err, c, key, trim(value));
}

int
settings_read(struct moe_err *err, struct settings *c, const char *path)
{
    char *text, *next;
    size_t n;
    const char *section = "";
    struct moe_err cause = {0};
    int rc = fs_read(err, &text, &n, path, FILE_BYTES), line = 0;
    if (rc)
        return rc;
    if (strlen(text) != n)
        rc = moe_fail(err, MOE_EFORMAT, "%s: holds a zero byte", path);
    for (char *p = text; !rc && p; p = next) {
        line++;
        if ((next = strchr(p, '\n')))
            *next++ = '\0';
        if (read_line(&cause, c, p, &section))
            rc =
                moe_fail(err, MOE_EFORMAT, "%s:%d: %s", path, line, cause.text);
    }
    free(text);
    return rc;
}

char *
settings_find(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char *user = NULL;
    if (xdg && xdg[0] == '/')
        user = str_path(xdg, "polymoe/polymoed.conf");
    else if (home && home[0] == '/')
        user = str_path(home, ".config/polymoe/polymoed.conf");
    if (user && fs_exists(user))
        return user;
    free(user);
    return fs_exists(SYSCONFDIR "/polymoe/polymoed.conf")
               ? str_copy(SYSCONFDIR "/polymoe/polymoed.conf")
               : NULL;
}
