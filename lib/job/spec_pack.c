/*
 * spec_pack.c - the MessagePack form of a spec.
 */
#include "config.h"

#include "job/field.h"

#include <string.h>

#include <msgpack.h>

static void
pack_text(msgpack_packer *pk, const char *s)
{
    msgpack_pack_str_with_body(pk, s, strlen(s));
}

static void
pack_strings(msgpack_packer *pk, const struct job_strings *list)
{
    msgpack_pack_array(pk, list->n);
    for (size_t i = 0; i < list->n; i++)
        pack_text(pk, list->item[i]);
}

static void
pack_data(msgpack_packer *pk, const struct job_data *data)
{
    if (data->directory) {
        pack_text(pk, data->directory);
        return;
    }
    msgpack_pack_map(pk, data->n);
    for (size_t i = 0; i < data->n; i++) {
        pack_text(pk, data->language[i].name);
        pack_strings(pk, &data->language[i].files);
    }
}

static void
pack_shares(msgpack_packer *pk, const struct job_shares *shares)
{
    msgpack_pack_map(pk, shares->n);
    for (size_t i = 0; i < shares->n; i++) {
        pack_text(pk, shares->name[i]);
        msgpack_pack_double(pk, shares->value[i]);
    }
}

static void
pack_pairs(msgpack_packer *pk, const struct job_pairs *pairs)
{
    msgpack_pack_map(pk, pairs->n);
    for (size_t i = 0; i < pairs->n; i++) {
        pack_text(pk, pairs->name[i]);
        pack_text(pk, pairs->value[i]);
    }
}

static void
pack_value(msgpack_packer *pk, const struct job_field *field,
           const struct job_spec *spec)
{
    const void *at = job_field_at(field, spec);
    const char *word;
    size_t n;
    switch (field->type) {
    case JOB_STRING:
    case JOB_PATH:
        pack_text(pk, *(char *const *)at);
        break;
    case JOB_INT:
    case JOB_DURATION:
        msgpack_pack_int64(pk, *(const int64_t *)at);
        break;
    case JOB_REAL:
        msgpack_pack_double(pk, *(const double *)at);
        break;
    case JOB_BOOL:
        *(const bool *)at ? msgpack_pack_true(pk) : msgpack_pack_false(pk);
        break;
    case JOB_ENUM:
        n = job_field_word(field, *(const int *)at, &word);
        msgpack_pack_str_with_body(pk, word, n);
        break;
    case JOB_NAMES:
    case JOB_PATHS:
        pack_strings(pk, at);
        break;
    case JOB_DATA:
        pack_data(pk, at);
        break;
    case JOB_SHARES:
        pack_shares(pk, at);
        break;
    case JOB_PAIRS:
        pack_pairs(pk, at);
        break;
    }
}

/* A buffer that remembers that it could not grow. */
struct sink {
    msgpack_sbuffer *out;
    bool failed;
};

static int
sink_write(void *arg, const char *bytes, size_t n)
{
    struct sink *sink = arg;
    if (msgpack_sbuffer_write(sink->out, bytes, n) < 0)
        sink->failed = true;
    return sink->failed ? -1 : 0;
}

int
job_spec_pack(struct moe_err *err, struct msgpack_sbuffer *out,
              const struct job_spec *spec)
{
    struct sink sink = {out, false};
    msgpack_packer pk;
    size_t n = 0;
    for (const struct job_field *f = job_fields; f->name; f++)
        n += job_field_given(f, spec);
    msgpack_packer_init(&pk, &sink, sink_write);
    msgpack_pack_map(&pk, n);
    for (const struct job_field *f = job_fields; f->name; f++)
        if (job_field_given(f, spec)) {
            pack_text(&pk, f->name);
            pack_value(&pk, f, spec);
        }
    return sink.failed ? moe_fail(err, MOE_ENOMEM, "job spec: out of memory")
                       : MOE_OK;
}

int
job_spec_unpack(struct moe_err *err, struct job_spec *out,
                const struct msgpack_object *from)
{
    struct job_source source = {.name = "spec"};
    struct job_node map;
    *out = (struct job_spec){0};
    int rc = job_node_msgpack(err, &source, &map, from);
    if (rc)
        return rc;
    rc = job_spec_bind(err, &source, &map, out);
    job_node_free(&map);
    return rc;
}
