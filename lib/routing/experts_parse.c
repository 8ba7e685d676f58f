/*
 * experts_parse.c - experts that a person writes down.
 */
#include "config.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "routing/experts_set.h"

/* "N", "N-M" or "all" before `end`, within [0, n): first and last. */
static bool
read_span(const char *s, char end, int64_t n, int64_t span[2])
{
    if (strncmp(s, "all", 3) == 0 && s[3] == end) {
        span[0] = 0;
        span[1] = n - 1;
        return true;
    }
    for (int i = 0; i < 2; i++) {
        char *after;
        if (!isdigit((unsigned char)*s))
            return false;
        span[i] = strtoll(s, &after, 10);
        if (*after == end && i == 0)
            span[1] = span[0];
        if (*after == end)
            return span[0] <= span[1] && span[1] < n;
        if (*after != '-')
            return false;
        s = after + 1;
    }
    return false;
}

int
moe_layers_parse(struct moe_err *err, bool *in, const char *const *text,
                 size_t n, int64_t L)
{
    int64_t span[2];
    for (int64_t l = 0; l < L; l++)
        in[l] = false;
    for (size_t i = 0; i < n; i++) {
        if (!read_span(text[i], '\0', L, span))
            return moe_fail(
                err, MOE_EINVAL,
                "layers: '%s', want N, N-M or all from 0 to %" PRId64, text[i],
                L - 1);
        for (int64_t l = span[0]; l <= span[1]; l++)
            in[l] = true;
    }
    return MOE_OK;
}

static int
take(struct moe_err *err, struct moe_experts *out, const char *text, int64_t L,
     int64_t E)
{
    int64_t layer[2], expert[2];
    const char *slash = strchr(text, '/');
    if (!slash || !read_span(text, '/', L, layer) ||
        !read_span(slash + 1, '\0', E, expert))
        return moe_fail(err, MOE_EINVAL,
                        "experts: '%s', want LAYER/EXPERT, each N, N-M or all, "
                        "layers to %" PRId64 ", experts to %" PRId64,
                        text, L - 1, E - 1);
    for (int64_t l = layer[0]; l <= layer[1]; l++)
        for (int64_t e = expert[0]; e <= expert[1]; e++)
            experts_add(out, l, e);
    return MOE_OK;
}

int
moe_experts_parse(struct moe_err *err, struct moe_experts *out,
                  const char *const *text, size_t n, int64_t L, int64_t E)
{
    int rc = experts_open(err, out, L, E);
    for (size_t i = 0; !rc && i < n; i++)
        rc = take(err, out, text[i], L, E);
    if (rc)
        moe_experts_free(out);
    else
        experts_close(out);
    return rc;
}
