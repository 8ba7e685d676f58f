/*
 * node.h - a small tree of values with the lines that they stand on: what
 * YAML and MessagePack become before the table of fields looks at them.
 */
#ifndef JOB_NODE_H
#define JOB_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include <polymoe/error.h>

struct msgpack_object;

/* Bounds of any spec. */
enum {
    JOB_NODE_DEPTH = 8,
    JOB_NODE_TOTAL = 65536,
    JOB_MAP_KEYS = 4096,
    JOB_TEXT_BYTES = 1 << 20,
    JOB_SCALAR_BYTES = 65536
};

enum job_node_kind { JOB_NULL, JOB_SCALAR, JOB_LIST, JOB_MAP };

struct job_node {
    enum job_node_kind kind;
    char *key;   // in a map, else NULL
    char *text;  // of a scalar
    bool quoted; // the scalar is a string, whatever it looks like
    int line;    // from 1; 0: no file; JOB_LINE_SET: from the command line
    struct job_node *child;
    size_t n, cap;
};

enum { JOB_LINE_SET = -1 };

/* What errors call the text. */
struct job_source {
    const char *name;
    const char *option; // what they call the command line; NULL: --set
    size_t nodes;       // so far, against JOB_NODE_TOTAL
};

void job_node_free(struct job_node *node);

/* A new empty child, valid until the next one is made; NULL without memory. */
struct job_node *job_node_add(struct job_node *parent);

/* The child of that key, or NULL. */
struct job_node *job_node_find(const struct job_node *map, const char *key);

/* A deep copy; MOE_ENOMEM. */
int job_node_copy(struct moe_err *err, struct job_node *out,
                  const struct job_node *from);

/* Put a copy of `value` under its key, in place of what stands there. */
int job_node_set(struct moe_err *err, struct job_node *map,
                 const struct job_node *value);

/* "FILE:LINE: FIELD: words"; field may be NULL.  MOE_EFORMAT, or MOE_EINVAL
 * for what came from the command line. */
int job_node_fail(struct moe_err *err, const struct job_source *source,
                  const struct job_node *node, const char *field,
                  const char *fmt, ...) MOE_PRINTF(5, 6);

/* One YAML document.  Anchors, aliases, tags, duplicate keys and second
 * documents are refused.  *out is empty after a failure. */
int job_node_yaml(struct moe_err *err, struct job_source *source,
                  struct job_node *out, const char *text, size_t n);

/* Put "FIELD=VALUE" of a command line's option, VALUE in YAML, into a map. */
int job_node_assign(struct moe_err *err, struct job_node *map,
                    const char *option, const char *text);

int job_node_msgpack(struct moe_err *err, struct job_source *source,
                     struct job_node *out, const struct msgpack_object *from);

#endif
