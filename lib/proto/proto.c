/*
 * proto.c - the tables of proto.h and their look-ups.
 */
#include "config.h"

#include "proto/proto.h"

#include <stddef.h>
#include <string.h>

static const char *const methods[] = {
#define XX(name, params, results) #name,
    PROTO_METHODS(XX)
#undef XX
};

static const struct {
    const char *name;
    int code;
    const char *retry;
} errors[] = {{"ok", MOE_OK, "never"},
#define XX(name, code, retry) {#name, MOE_##code, retry},
              PROTO_ERRORS(XX)
#undef XX
};

static const struct {
    const char *name;
    int ended;
} states[] = {
#define XX(name, ended) {#name, ended},
    PROTO_STATES(XX)
#undef XX
};

const char *
proto_method_name(enum proto_method method)
{
    return methods[method];
}

enum proto_method
proto_method_find(const char *name)
{
    for (size_t i = 0; i < PROTO_METHOD_COUNT; i++)
        if (strcmp(methods[i], name) == 0)
            return (enum proto_method)i;
    return PROTO_METHOD_COUNT;
}

const char *
proto_error_name(enum proto_error error)
{
    return errors[error].name;
}

enum proto_error
proto_error_find(const char *name)
{
    for (size_t i = 1; i < PROTO_ERROR_COUNT; i++)
        if (strcmp(errors[i].name, name) == 0)
            return (enum proto_error)i;
    return PROTO_internal;
}

int
proto_error_code(enum proto_error error)
{
    return errors[error].code;
}

const char *
proto_error_retry(enum proto_error error)
{
    return errors[error].retry;
}

const char *
proto_state_name(enum proto_state state)
{
    return states[state].name;
}

enum proto_state
proto_state_find(const char *name)
{
    for (size_t i = 0; i < PROTO_STATE_COUNT; i++)
        if (strcmp(states[i].name, name) == 0)
            return (enum proto_state)i;
    return PROTO_STATE_COUNT;
}

int
proto_state_ended(enum proto_state state)
{
    return states[state].ended;
}
