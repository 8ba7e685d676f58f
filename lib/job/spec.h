/*
 * spec.h - a job spec: one table that declares every field once, and the
 * struct that it fills.
 *
 * The table (job_fields) gives the YAML parser, its errors, the help, the
 * list in polymoe-job(5), the MessagePack form and the canonical text.  The
 * order of work on a spec is
 *
 *     read or unpack   text becomes values, every one checked by the table
 *     resolve          relative paths become absolute, a data directory
 *                      becomes a list of files, files are looked for
 *     freeze           the canonical text, which reads back to the same spec
 */
#ifndef JOB_SPEC_H
#define JOB_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <polymoe/error.h>

struct msgpack_object;
struct msgpack_sbuffer;
struct str;

/* The kinds that can be run. */
enum job_kind {
    JOB_ANALYZE,
    JOB_PRETRAIN,
    JOB_ADAPT,
    JOB_EVALUATE,
    JOB_CHOOSE,
    JOB_KINDS
};

/* What ends a document of a text file. */
enum job_documents {
    JOB_DOCUMENTS_LINE,  // every line is one
    JOB_DOCUMENTS_BLANK, // an empty line stands between two
    JOB_DOCUMENTS_FILE   // the whole file is one
};

/* Type that products are computed in. */
enum job_compute { JOB_COMPUTE_F32 };

struct job_strings {
    char **item;
    size_t n, cap;
};

/* The files of one language, in the order in which they are read. */
struct job_language {
    char *name;
    struct job_strings files;
};

/* Either a directory, before resolve, or languages with their files. */
struct job_data {
    char *directory; // NULL once resolved
    struct job_language *language;
    size_t n, cap;
};

/* A positive number for each language that has one. */
struct job_shares {
    char **name;
    double *value;
    size_t n, cap;
};

/* A name for each name. */
struct job_pairs {
    char **name, **value;
    size_t n, cap;
};

/* Words of the training fields, in the order of the table. */
enum job_order { JOB_ORDER_STREAM, JOB_ORDER_OLMO, JOB_ORDER_FILE };
enum job_mixture {
    JOB_MIX_PROPORTIONAL,
    JOB_MIX_UNIFORM,
    JOB_MIX_TEMPERATURE,
    JOB_MIX_EXPLICIT
};
enum job_init { JOB_INIT_NONE, JOB_INIT_OLMO, JOB_INIT_HF };
enum job_preset { JOB_PRESET_OLMOE, JOB_PRESET_HF };
enum job_weights { JOB_WEIGHTS_F32, JOB_WEIGHTS_MASTER, JOB_WEIGHTS_BF16 };

/* How and against what the router is steered, in the order of the table. */
enum job_steer_method {
    JOB_STEER_NONE,
    JOB_STEER_SOFT,
    JOB_STEER_HARD,
    JOB_STEER_SUPPRESS,
    JOB_STEER_STEERMOE,
    JOB_STEER_MASK
};
enum job_control { JOB_CONTROL_NONE, JOB_CONTROL_RANDOM, JOB_CONTROL_SHIFT };

/* The kinds that run a model as it is */
struct job_steer {
    int method, control;
    double strength, margin, tau; // margin < 0: the method's own
    char *from, *name, *strategy;
    struct job_strings experts, off, layers;
    int64_t most, shift, seed;
};

/* How a language's own experts are found, in the order of the table. */
enum job_rule {
    JOB_RULE_GAP,
    JOB_RULE_GAP_MEAN,
    JOB_RULE_TOP_N,
    JOB_RULE_GATE,
    JOB_RULE_TOKEN,
    JOB_RULE_EXPLICIT
};

/* kind: analyze, beside what it counts */
struct job_measures {
    char *pivot; // language that others are compared with
    struct job_strings high;
    struct job_pairs parents; // a language, and the one whose experts it takes
    struct job_data parallel, tasks;
    int64_t max_sequences; // of each language and task; 0: all
    double tau;
    char *against, *scores;
    int rule; // enum job_rule
    double alpha, threshold;
    int64_t n, most;           // most 0: all
    struct job_strings layers; // numbers; none: the last two
    char *experts;
    bool distinct, coactivation, tokens;
    struct job_strings token_layers; // numbers; none: first, middle, last
};

/* kind: pretrain and kind: adapt */
struct job_train {
    int init, order, mixture, preset, aux, aux_scope, z_div_topk, denominator,
        weights, memory;
    int schedule, schedule_unit, export_dtype;
    double temperature;
    struct job_shares shares;
    char *batches;
    struct job_data heldout, test;
    bool repetition_filter, decay_norms, decay_embeddings;
    int64_t batch, micro_batch, max_steps, max_tokens, seed;
    double epochs;
    double lr, beta1, beta2, eps, weight_decay, clip, floor, warmup_floor;
    int64_t warmup, decay_end;
    double aux_weight, z_weight; // negative: the preset's
    int64_t checkpoint_every, keep_last, keep_every, eval_every, eval_tokens;
    int64_t shard_bytes;
};

/* What an adaptation trains, in the order of the table. */
enum job_strategy {
    JOB_ADAPT_SEFT,
    JOB_ADAPT_SSFT,
    JOB_ADAPT_ESFT,
    JOB_ADAPT_RANDOM,
    JOB_ADAPT_RANDOM_OTHER,
    JOB_ADAPT_TOP_N,
    JOB_ADAPT_AEFT,
    JOB_ADAPT_FINAL_LAYERS,
    JOB_ADAPT_FULL,
    JOB_ADAPT_LIST
};

/* kind: adapt, beside job_train */
struct job_adapt {
    int strategy, restriction;
    char *from, *language, *other, *cache;
    int64_t shared, n, cache_bytes;
    struct job_strings experts, layers;
    bool routers, embeddings, keep_rows, merge;
};

enum job_perplexity { JOB_PERPLEXITY_WINDOWS, JOB_PERPLEXITY_DOCUMENTS };
enum job_mgsm { JOB_MGSM_DIRECT, JOB_MGSM_NATIVE, JOB_MGSM_EN };

/* kind: evaluate */
struct job_eval {
    struct job_data perplexity, multiblimp, clams, blimp, belebele, mmlu,
        global_mmlu, mgsm, gsm8k;
    int perplexity_mode, mgsm_mode;
    int64_t perplexity_window, perplexity_tokens;
    bool original, belebele_clean;
    int64_t belebele_shots, mmlu_shots, global_mmlu_shots, mgsm_shots,
        gsm8k_shots;
    int64_t limit, max_length, max_new_tokens, batch_tokens; // 0: no limit
    struct job_strings high, low;                            // languages
    struct job_strings against;
};

/* Every field of polymoe-job(5).  Strings are NULL where a field was not
 * given and has no default. */
struct job_spec {
    int kind; // enum job_kind
    char *name;
    char *device;             // selector; NULL: the default device
    char *out;                // result directory; NULL: chosen by who runs it
    int64_t priority;         // higher starts earlier
    int64_t time_limit_s;     // 0: none
    struct job_strings after; // names of jobs, or ids, that must end well

    /* kind: analyze */
    char *model;
    struct job_data data;
    char *tokenizer;
    int64_t eos; // id after each document; -1: what config.json says
    int64_t window;
    int64_t max_tokens;   // of each language
    int64_t batch_tokens; // in one forward pass
    int documents;        // enum job_documents
    int compute;          // enum job_compute
    bool perplexity;
    struct job_measures measures;

    struct job_steer steer;
    struct job_train train;
    struct job_adapt adapt;
    struct job_eval eval;
    struct job_strings among; // kind: choose: results of trainings
};

void job_spec_free(struct job_spec *spec);

/* ---- The table ---------------------------------------------------------- */

enum job_type {
    JOB_STRING,
    JOB_PATH,
    JOB_INT,
    JOB_REAL,
    JOB_BOOL,
    JOB_ENUM,     // words of `words`, the value is the place in that list
    JOB_DURATION, // seconds; "90", "90s", "30m", "36h", "7d", "1h30m"
    JOB_NAMES,    // a name or a list of names
    JOB_PATHS,    // a path or a list of paths
    JOB_DATA,     // a directory, or a map from language to file or files
    JOB_SHARES,   // a map from language to a positive number
    JOB_PAIRS     // a map from name to name
};

struct job_field {
    const char *name;  // "group.field" for a field of a map; NULL ends the
                       // table.  Two kinds may each have a field of a name.
    const char *text;  // one line, for people
    const char *unit;  // NULL: none
    const char *deflt; // as it would be written; NULL: none
    const char *words; // of an enumeration: "line|blank|file"
    enum job_type type;
    size_t offset;    // of the value in struct job_spec
    int64_t min, max; // of a whole number
    double low, high; // of a real one
    unsigned kinds;   // 1 << enum job_kind, or'd
    bool required;
    bool input;  // a path that is read: it must exist, and run.json has it
    bool tables; // of files: a directory's folders and tables are languages
};

extern const struct job_field job_fields[];

enum { JOB_EVERY_KIND = 0x7fffffff };

const char *job_type_name(enum job_type type);

/* The fields as lines for people, "  window=INT   text (default 2048)". */
void job_fields_help(struct str *out);

/* ---- In and out --------------------------------------------------------- */

/*
 * Read the spec of one job.  `name` stands in errors.
 *
 * Each of the n_set texts is "FIELD=VALUE", VALUE in YAML, and replaces that
 * field.  The errors read `FILE:LINE: FIELD: what was found, what is allowed`
 * (MOE_EFORMAT); MOE_EINVAL when a --set is wrong, MOE_EINPUT, MOE_ENOMEM.  A
 * study is refused; see study.h.  *out is freed by job_spec_free() and is
 * empty after a failure.
 */
int job_spec_parse(struct moe_err *err, struct job_spec *out, const char *text,
                   size_t n, const char *name, const char *const *set,
                   size_t n_set);
int job_spec_read(struct moe_err *err, struct job_spec *out, const char *path,
                  const char *const *set, size_t n_set);

/*
 * Make every path absolute, taking relative ones from `dir`, find the files of
 * a data directory, fill the tokenizer's default, and see that the inputs
 * exist (MOE_EINPUT).  Paths below one of the n directories in `later` are not
 * looked for: an earlier job will write them.  Doing it twice changes nothing.
 *
 * In a directory the files of LANG are LANG.txt, LANG.*.txt and the same with
 * .jsonl, .jsonl.gz, .jsonl.zst, .u16, .u32 and .npy, sorted by byte; LANG is
 * what stands before the first dot.
 */
int job_spec_resolve(struct moe_err *err, struct job_spec *spec,
                     const char *dir, const char *const *later, size_t n);

/* The canonical text: every field in the table's order, defaults included,
 * strings quoted where YAML needs it. */
void job_spec_text(struct str *out, const struct job_spec *spec);

/* The MessagePack form: a map from field to value. */
int job_spec_pack(struct moe_err *err, struct msgpack_sbuffer *out,
                  const struct job_spec *spec);

/*
 * Read the MessagePack form, with all checks of the YAML form.  The bytes must
 * have passed the scan of the protocol (depth, counts, UTF-8, duplicates).
 * The errors read `spec: FIELD: ...` (MOE_EFORMAT).
 */
int job_spec_unpack(struct moe_err *err, struct job_spec *out,
                    const struct msgpack_object *from);

#endif
