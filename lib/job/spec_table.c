/*
 * spec_table.c - the fields of a job spec, each declared here and nowhere
 * else.
 */
#include "config.h"

#include "job/field.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"

/* Sets of kinds. */
#define ANALYZE  (1u << JOB_ANALYZE)
#define PRETRAIN (1u << JOB_PRETRAIN)
#define BOTH     (ANALYZE | PRETRAIN)

#define AT(field) offsetof(struct job_spec, field)
#define IN(field) offsetof(struct job_spec, train.field)

static const int64_t YEAR_S = 366 * 86400;

/* clang-format off */
const struct job_field job_fields[] = {
    {.name = "kind", .type = JOB_ENUM, .offset = AT(kind),
     .words = "analyze|pretrain", .kinds = JOB_EVERY_KIND, .required = true,
     .text = "what the job does"},
    {.name = "name", .type = JOB_STRING, .offset = AT(name),
     .max = 200, .kinds = JOB_EVERY_KIND,
     .text = "what people call it; the file's name without its ending when "
             "not given"},
    {.name = "device", .type = JOB_STRING, .offset = AT(device),
     .max = 200, .kinds = JOB_EVERY_KIND,
     .text = "an index, cpu, gpu, vendor=NAME or a part of the device's name; "
             "the best device when not given"},
    {.name = "out", .type = JOB_PATH, .offset = AT(out),
     .kinds = JOB_EVERY_KIND,
     .text = "directory for the results, new or empty; chosen by the daemon "
             "or polymoe run when not given"},
    {.name = "priority", .type = JOB_INT, .offset = AT(priority),
     .deflt = "0", .min = -1000, .max = 1000, .kinds = JOB_EVERY_KIND,
     .text = "jobs of higher priority start earlier"},
    {.name = "time_limit", .type = JOB_DURATION, .offset = AT(time_limit_s),
     .deflt = "0", .min = 0, .max = YEAR_S, .kinds = JOB_EVERY_KIND,
     .text = "the job is stopped after this time; 0 is no limit"},
    {.name = "after", .type = JOB_NAMES, .offset = AT(after),
     .kinds = JOB_EVERY_KIND,
     .text = "jobs that must succeed before this one starts"},

    {.name = "model", .type = JOB_PATH, .offset = AT(model),
     .kinds = BOTH, .required = true,
     .text = "directory of a checkpoint in Hugging Face layout"},
    {.name = "data", .type = JOB_DATA, .offset = AT(data),
     .kinds = BOTH, .required = true,
     .text = "a map from language to a file or a list of files, or a "
             "directory with LANG.txt and the like, or a manifest.json of "
             "polymoe prepare"},
    {.name = "tokenizer", .type = JOB_PATH, .offset = AT(tokenizer),
     .kinds = BOTH,
     .text = "tokenizer.json for text files; the model's own when not given"},
    {.name = "eos", .type = JOB_INT, .offset = AT(eos),
     .deflt = "-1", .min = -1, .max = INT32_MAX, .kinds = BOTH,
     .text = "token put after each document; -1 takes eos_token_id of "
             "config.json"},
    {.name = "documents", .type = JOB_ENUM, .offset = AT(documents),
     .deflt = "line", .words = "line|blank|file", .kinds = BOTH,
     .text = "what is a document of a text file: each line, a block between "
             "blank lines, or the file"},
    {.name = "window", .type = JOB_INT, .offset = AT(window),
     .unit = "tokens", .deflt = "2048", .min = 1, .max = 1 << 20,
     .kinds = BOTH,
     .text = "length of the sequences that the text is cut into"},
    {.name = "max_tokens", .type = JOB_INT, .offset = AT(max_tokens),
     .unit = "tokens", .deflt = "1024000", .min = 1, .max = INT64_C(1) << 48,
     .kinds = ANALYZE,
     .text = "at most so many of each language"},
    {.name = "batch_tokens", .type = JOB_INT, .offset = AT(batch_tokens),
     .unit = "tokens", .deflt = "4096", .min = 1, .max = 1 << 24,
     .kinds = ANALYZE,
     .text = "in one forward pass, rounded to whole windows, at least one"},
    {.name = "compute", .type = JOB_ENUM, .offset = AT(compute),
     .deflt = "f32", .words = "f32", .kinds = BOTH,
     .text = "type that products are computed in"},
    {.name = "perplexity", .type = JOB_BOOL, .offset = AT(perplexity),
     .deflt = "false", .kinds = ANALYZE,
     .text = "also compute the loss, which needs the last experts and the "
             "head"},

    {.name = "init", .type = JOB_ENUM, .offset = IN(init),
     .deflt = "none", .words = "none|olmo|hf", .kinds = PRETRAIN,
     .text = "make new weights from the model's config.json alone: truncated "
             "normal as OLMo, or normal as Hugging Face; none goes on with "
             "the checkpoint"},
    {.name = "heldout", .type = JOB_DATA, .offset = IN(heldout),
     .kinds = PRETRAIN,
     .text = "text that is never trained on, for the perplexity per language; "
             "as data"},
    {.name = "order", .type = JOB_ENUM, .offset = IN(order),
     .deflt = "stream", .words = "stream|olmo|file", .kinds = PRETRAIN,
     .text = "which window comes when: a mixture of languages, one shuffle of "
             "all windows as OLMo's trainer, or the recorded batches of a "
             "file"},
    {.name = "batches", .type = JOB_PATH, .offset = IN(batches),
     .kinds = PRETRAIN,
     .text = "with order: file, ids of batch after batch as a raw shard"},
    {.name = "mixture", .type = JOB_ENUM, .offset = IN(mixture),
     .deflt = "proportional",
     .words = "proportional|uniform|temperature|explicit", .kinds = PRETRAIN,
     .text = "with order: stream, the share of each language in tokens"},
    {.name = "temperature", .type = JOB_REAL, .offset = IN(temperature),
     .deflt = "1", .low = 0.01, .high = 1000, .kinds = PRETRAIN,
     .text = "with mixture: temperature, shares go as tokens to the power of "
             "1 over it"},
    {.name = "shares", .type = JOB_SHARES, .offset = IN(shares),
     .kinds = PRETRAIN,
     .text = "with mixture: explicit, a map from language to its share"},
    {.name = "repetition_filter", .type = JOB_BOOL,
     .offset = IN(repetition_filter), .deflt = "false", .kinds = PRETRAIN,
     .text = "train on no label of a window that repeats itself, as OLMo"},
    {.name = "batch", .type = JOB_INT, .offset = IN(batch),
     .unit = "windows", .deflt = "8", .min = 1, .max = 1 << 20,
     .kinds = PRETRAIN, .text = "of one step"},
    {.name = "micro_batch", .type = JOB_INT, .offset = IN(micro_batch),
     .unit = "windows", .deflt = "4", .min = 1, .max = 1 << 20,
     .kinds = PRETRAIN,
     .text = "of one pass; gradients are summed over the batch"},
    {.name = "max_steps", .type = JOB_INT, .offset = IN(max_steps),
     .deflt = "0", .min = 0, .max = INT64_C(1) << 48, .kinds = PRETRAIN,
     .text = "stop after so many steps; 0 is no limit"},
    {.name = "max_tokens", .type = JOB_INT, .offset = IN(max_tokens),
     .unit = "tokens", .deflt = "0", .min = 0, .max = INT64_C(1) << 60,
     .kinds = PRETRAIN,
     .text = "stop when so many were trained on; 0 is no limit"},
    {.name = "epochs", .type = JOB_REAL, .offset = IN(epochs),
     .deflt = "0", .low = 0, .high = 1e6, .kinds = PRETRAIN,
     .text = "stop when the data were seen so often; 0 is no limit, or 1 "
             "when there is no other"},
    {.name = "seed", .type = JOB_INT, .offset = IN(seed),
     .deflt = "6198", .min = 0, .max = INT64_MAX, .kinds = PRETRAIN,
     .text = "of the order of the data, new weights and stochastic rounding"},
    {.name = "optimizer.lr", .type = JOB_REAL, .offset = IN(lr),
     .deflt = "1e-4", .low = 0, .high = 10, .kinds = PRETRAIN,
     .text = "peak learning rate of AdamW"},
    {.name = "optimizer.beta1", .type = JOB_REAL, .offset = IN(beta1),
     .deflt = "0.9", .low = 0, .high = 0.999999, .kinds = PRETRAIN,
     .text = "decay of the first moment"},
    {.name = "optimizer.beta2", .type = JOB_REAL, .offset = IN(beta2),
     .deflt = "0.95", .low = 0, .high = 0.999999, .kinds = PRETRAIN,
     .text = "decay of the second moment"},
    {.name = "optimizer.eps", .type = JOB_REAL, .offset = IN(eps),
     .deflt = "1e-8", .low = 0, .high = 1, .kinds = PRETRAIN,
     .text = "added to the root of the second moment"},
    {.name = "optimizer.weight_decay", .type = JOB_REAL,
     .offset = IN(weight_decay), .deflt = "0.1", .low = 0, .high = 10,
     .kinds = PRETRAIN, .text = "decoupled from the gradient"},
    {.name = "optimizer.decay_norms", .type = JOB_BOOL,
     .offset = IN(decay_norms), .deflt = "true", .kinds = PRETRAIN,
     .text = "decay norm weights and biases too, as OLMoE was trained"},
    {.name = "optimizer.decay_embeddings", .type = JOB_BOOL,
     .offset = IN(decay_embeddings), .deflt = "true", .kinds = PRETRAIN,
     .text = "decay the embedding and the head too"},
    {.name = "optimizer.clip", .type = JOB_REAL, .offset = IN(clip),
     .deflt = "1", .low = 0, .high = 1e9, .kinds = PRETRAIN,
     .text = "largest global norm of the gradient; 0 never clips"},
    {.name = "schedule.kind", .type = JOB_ENUM, .offset = IN(schedule),
     .deflt = "cosine", .words = "constant|linear|cosine", .kinds = PRETRAIN,
     .text = "the learning rate after the warm-up"},
    {.name = "schedule.unit", .type = JOB_ENUM, .offset = IN(schedule_unit),
     .deflt = "steps", .words = "steps|tokens", .kinds = PRETRAIN,
     .text = "what warmup and end count"},
    {.name = "schedule.warmup", .type = JOB_INT, .offset = IN(warmup),
     .deflt = "0", .min = 0, .max = INT64_C(1) << 60, .kinds = PRETRAIN,
     .text = "length of the linear rise to the peak"},
    {.name = "schedule.end", .type = JOB_INT, .offset = IN(decay_end),
     .deflt = "0", .min = 0, .max = INT64_C(1) << 60, .kinds = PRETRAIN,
     .text = "where the floor is reached; 0 is where the job stops"},
    {.name = "schedule.floor", .type = JOB_REAL, .offset = IN(floor),
     .deflt = "0.1", .low = 0, .high = 1, .kinds = PRETRAIN,
     .text = "share of the peak that is left at the end"},
    {.name = "schedule.warmup_floor", .type = JOB_REAL,
     .offset = IN(warmup_floor), .deflt = "0.1", .low = 0, .high = 1,
     .kinds = PRETRAIN, .text = "share of the peak where the warm-up begins"},
    {.name = "loss.preset", .type = JOB_ENUM, .offset = IN(preset),
     .deflt = "olmoe", .words = "olmoe|hf", .kinds = PRETRAIN,
     .text = "whose losses: those OLMoE was trained with, or those of "
             "Hugging Face"},
    {.name = "loss.aux", .type = JOB_ENUM, .offset = IN(aux),
     .deflt = "preset", .words = "preset|megablocks|hf", .kinds = PRETRAIN,
     .text = "which load-balancing loss"},
    {.name = "loss.aux_weight", .type = JOB_REAL, .offset = IN(aux_weight),
     .deflt = "-1", .low = -1, .high = 1000, .kinds = PRETRAIN,
     .text = "its weight; -1 is the preset's"},
    {.name = "loss.z_weight", .type = JOB_REAL, .offset = IN(z_weight),
     .deflt = "-1", .low = -1, .high = 1000, .kinds = PRETRAIN,
     .text = "weight of the router's z-loss; -1 is the preset's"},
    {.name = "loss.ce_denominator", .type = JOB_ENUM,
     .offset = IN(denominator), .deflt = "preset",
     .words = "preset|labels|positions", .kinds = PRETRAIN,
     .text = "what the cross-entropy is divided by"},
    {.name = "weights", .type = JOB_ENUM, .offset = IN(weights),
     .deflt = "f32", .words = "f32|bf16-master|bf16", .kinds = PRETRAIN,
     .text = "type of the matrices: f32, bf16 beside an f32 master copy, or "
             "bf16 with stochastic rounding"},
    {.name = "memory", .type = JOB_ENUM, .offset = IN(memory),
     .deflt = "keep", .words = "keep|recompute|blocks", .kinds = PRETRAIN,
     .text = "keep all activations, make the cheap ones again, or run each "
             "block's forward again"},
    {.name = "checkpoint_every", .type = JOB_INT,
     .offset = IN(checkpoint_every), .unit = "steps", .deflt = "100",
     .min = 0, .max = INT64_C(1) << 48, .kinds = PRETRAIN,
     .text = "between two checkpoints; 0 only at the end"},
    {.name = "keep_last", .type = JOB_INT, .offset = IN(keep_last),
     .deflt = "2", .min = 1, .max = 1 << 20, .kinds = PRETRAIN,
     .text = "newest checkpoints that are kept; the best one is kept as well"},
    {.name = "keep_every", .type = JOB_INT, .offset = IN(keep_every),
     .unit = "steps", .deflt = "0", .min = 0, .max = INT64_C(1) << 48,
     .kinds = PRETRAIN,
     .text = "checkpoints at multiples of it are kept too; 0 is none"},
    {.name = "eval_every", .type = JOB_INT, .offset = IN(eval_every),
     .unit = "steps", .deflt = "100", .min = 0, .max = INT64_C(1) << 48,
     .kinds = PRETRAIN,
     .text = "between two looks at the held-out text; 0 only at the end"},
    {.name = "eval_tokens", .type = JOB_INT, .offset = IN(eval_tokens),
     .unit = "tokens", .deflt = "512000", .min = 1, .max = INT64_C(1) << 48,
     .kinds = PRETRAIN, .text = "at most so many of each language"},
    {.name = "export.dtype", .type = JOB_ENUM, .offset = IN(export_dtype),
     .deflt = "bf16", .words = "bf16|f32", .kinds = PRETRAIN,
     .text = "type of the finished model's tensors"},
    {.name = "export.shard_bytes", .type = JOB_INT, .offset = IN(shard_bytes),
     .unit = "bytes", .deflt = "5000000000", .min = 0,
     .max = INT64_C(1) << 60, .kinds = PRETRAIN,
     .text = "largest file of the finished model; 0 is one file"},
    {.name = NULL},
};
/* clang-format on */

const char *
job_type_name(enum job_type type)
{
    static const char *const names[] = {
        [JOB_STRING] = "text",      [JOB_PATH] = "path",
        [JOB_INT] = "whole number", [JOB_BOOL] = "true or false",
        [JOB_ENUM] = "word",        [JOB_DURATION] = "duration",
        [JOB_NAMES] = "names",      [JOB_DATA] = "files",
        [JOB_REAL] = "number",      [JOB_SHARES] = "numbers"};
    return names[type];
}

const struct job_field *
job_field_find(const char *name, unsigned kinds)
{
    for (const struct job_field *f = job_fields; f->name; f++)
        if ((f->kinds & kinds) && strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

size_t
job_field_word(const struct job_field *field, int value, const char **word)
{
    const char *at = field->words;
    for (; value > 0; value--)
        at += strcspn(at, "|") + 1;
    *word = at;
    return strcspn(at, "|");
}

bool
job_field_given(const struct job_field *field, const struct job_spec *spec)
{
    const void *at = job_field_at(field, spec);
    if (!(field->kinds & (1u << spec->kind)))
        return false;
    switch (field->type) {
    case JOB_STRING:
    case JOB_PATH:
        return *(char *const *)at != NULL;
    case JOB_NAMES:
        return ((const struct job_strings *)at)->n != 0;
    case JOB_SHARES:
        return ((const struct job_shares *)at)->n != 0;
    case JOB_DATA:
        return field->required || ((const struct job_data *)at)->n != 0 ||
               ((const struct job_data *)at)->directory != NULL;
    default:
        return true;
    }
}

void
job_field_allowed(struct str *out, const struct job_field *field)
{
    if (field->words)
        str_puts(out, field->words);
    else if (field->type == JOB_INT)
        str_printf(out, "%" PRId64 " to %" PRId64, field->min, field->max);
    else if (field->type == JOB_REAL)
        str_printf(out, "%g to %g", field->low, field->high);
    else
        str_puts(out, job_type_name(field->type));
    if (field->unit)
        str_printf(out, " %s", field->unit);
}

void
job_fields_help(struct str *out)
{
    for (const struct job_field *f = job_fields; f->name; f++) {
        str_printf(out, "  %-14s ", f->name);
        str_puts(out, f->text);
        str_puts(out, " (");
        job_field_allowed(out, f);
        if (f->deflt)
            str_printf(out, "; default %s", f->deflt);
        str_puts(out, f->required ? "; required)\n" : ")\n");
    }
}
