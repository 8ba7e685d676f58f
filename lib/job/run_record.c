/*
 * run_record.c - run.json: what ran, on what, with which inputs, and how it
 * ended.
 */
#include "config.h"

#include "job/run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "device/device.h"
#include "job/field.h"

/* Larger files are recorded by size and time only: a hash of them would take
 * longer than many jobs. */
enum { HASH_BYTES = 1 << 28 };

void
job_record(struct job_run *run, const char *key, json_t *value)
{
    if (!value || json_object_set_new(run->record, key, value) != 0)
        run->lost = true;
}

static json_t *
now(void)
{
    char iso[CLOCK_ISO_BYTES];
    clock_iso(iso, sizeof iso, clock_wall_ms());
    return json_string(iso);
}

static int
write_record(struct moe_err *err, const struct job_run *run)
{
    char *path = str_path(run->out_dir, "run.json");
    int rc = path ? json_write(err, run->record, path)
                  : moe_fail(err, MOE_ENOMEM, "job: out of memory");
    free(path);
    return rc;
}

/* One input: role, language or null, path, bytes, time, hash. */
static int
add_input(struct moe_err *err, json_t *list, const char *role,
          const char *language, const char *path)
{
    struct stat st;
    char iso[CLOCK_ISO_BYTES], hex[HASH_HEX];
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return MOE_OK; // whoever reads it says what is wrong with it
    json_t *o = json_object();
    clock_iso(iso, sizeof iso, (int64_t)st.st_mtime * 1000);
    json_object_set_new(o, "role", json_string(role));
    if (language)
        json_object_set_new(o, "language", json_string(language));
    json_object_set_new(o, "path", json_string(path));
    json_object_set_new(o, "bytes", json_integer(st.st_size));
    json_object_set_new(o, "modified", json_string(iso));
    int rc = MOE_OK;
    if (st.st_size <= HASH_BYTES && !(rc = hash_file(err, hex, path)))
        json_object_set_new(o, "sha256", json_string(hex));
    if (rc)
        json_decref(o);
    else
        json_array_append_new(list, o);
    return rc;
}

/* A directory with a checkpoint, or a file. */
static int
add_path(struct moe_err *err, json_t *list, const char *role, const char *path)
{
    char **names;
    size_t n;
    if (!fs_is_dir(path))
        return add_input(err, list, role, NULL, path);
    int rc = fs_list(err, &names, &n, path, "");
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < n; i++) {
        size_t m = strlen(names[i]);
        bool weights = m > 12 && strcmp(names[i] + m - 12, ".safetensors") == 0;
        if (!weights && strcmp(names[i], "config.json") != 0)
            continue;
        char *file = str_path(path, names[i]);
        rc = file ? add_input(err, list, role, NULL, file)
                  : moe_fail(err, MOE_ENOMEM, "job: out of memory");
        free(file);
    }
    fs_list_free(names, n);
    return rc;
}

static int
add_data(struct moe_err *err, json_t *list, const char *role,
         const struct job_data *data)
{
    int rc = MOE_OK;
    for (size_t i = 0; i < data->n; i++) {
        const struct job_language *language = &data->language[i];
        for (size_t k = 0; !rc && k < language->files.n; k++)
            rc = add_input(err, list, role, language->name,
                           language->files.item[k]);
    }
    return rc;
}

static int
add_paths(struct moe_err *err, json_t *list, const char *role,
          const struct job_strings *paths)
{
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < paths->n; i++)
        rc = add_path(err, list, role, paths->item[i]);
    return rc;
}

/* Every field that names something to read. */
static int
add_inputs(struct moe_err *err, json_t *list, const struct job_spec *spec)
{
    int rc = MOE_OK;
    for (const struct job_field *f = job_fields; !rc && f->name; f++) {
        const void *at = job_field_at(f, spec);
        if (!job_field_given(f, spec))
            continue;
        if (f->type == JOB_DATA)
            rc = add_data(err, list, f->name, at);
        else if (f->type == JOB_PATHS)
            rc = add_paths(err, list, f->name, at);
        else if (f->input || at == &spec->tokenizer)
            rc = add_path(err, list, f->name, *(char *const *)at);
    }
    return rc;
}

int
run_record_begin(struct moe_err *err, struct job_run *run)
{
    char hex[HASH_HEX], host[256] = "";
    json_t *inputs = json_array();
    run->record = json_object();
    int rc = kernels_hash(err, hex);
    if (!rc)
        rc = add_inputs(err, inputs, run->spec);
    if (rc) {
        json_decref(inputs);
        return rc;
    }
    gethostname(host, sizeof host - 1);
    job_record(run, "schema", json_integer(1));
    job_record(run, "name", json_string(run->spec->name));
    job_record(run, "status", json_string("running"));
    job_record(run, "started", now());
    job_record(run, "build",
               json_pack("{s:s, s:s}", "version", PACKAGE_VERSION, "compiler",
                         __VERSION__));
    job_record(run, "host", json_string(host));
    job_record(run, "pid", json_integer(getpid()));
    job_record(run, "kernels_sha256", json_string(hex));
    job_record(run, "seeds", json_object()); // no kind draws random numbers
    job_record(run, "inputs", inputs);
    job_record(run, "warnings", json_array());
    return write_record(err, run);
}

void
run_record_device(struct job_run *run)
{
    const struct device_info *d = ctx_device(run->ctx);
    job_record(run, "device",
               json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}",
                         "index", d->index, "name", d->name, "vendor",
                         d->vendor, "platform", d->platform, "platform_version",
                         d->platform_version, "driver", d->driver, "c_version",
                         d->c_version, "memory_bytes",
                         (json_int_t)d->memory_bytes, "compute_units",
                         (json_int_t)d->compute_units));
}

static const char *
status_word(int code)
{
    return code == MOE_OK         ? "done"
           : code == MOE_ECANCEL  ? "cancelled"
           : code == MOE_ETIMEOUT ? "timed_out"
                                  : "failed";
}

int
run_record_end(struct moe_err *err, struct job_run *run,
               const struct moe_err *result)
{
    job_record(run, "status", json_string(status_word(result->code)));
    job_record(run, "ended", now());
    job_record(run, "exit", json_integer(moe_exit_status(result->code)));
    if (result->code)
        job_record(run, "error", json_string(result->text));
    return write_record(err, run);
}
