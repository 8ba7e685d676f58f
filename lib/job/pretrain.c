/*
 * pretrain.c - kind: pretrain.  Train a checkpoint, or a new model, on a
 * mixture of languages.
 */
#include "config.h"

#include "job/training.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/str.h"
#include "model/export.h"
#include "model/init.h"

/* The checkpoint to begin with: the model's directory, or new weights in
 * OUT/init. */
static int
find_model(struct moe_err *err, struct training *p)
{
    const struct job_train *t = &p->spec->train;
    if (t->init == JOB_INIT_NONE) {
        p->model_dir = str_copy(p->spec->model);
        return p->model_dir ? MOE_OK
                            : moe_fail(err, MOE_ENOMEM, "out of memory");
    }
    p->model_dir = str_path(p->run->out_dir, "init");
    char *config = p->model_dir ? str_path(p->model_dir, "config.json") : NULL;
    int rc = config ? MOE_OK : moe_fail(err, MOE_ENOMEM, "out of memory");
    if (!rc && !fs_exists(config)) { // written last, so the rest is there too
        job_logf(p->run, MOE_LOG_INFO, "making new weights");
        rc = init_model(err, p->model_dir, &p->config,
                        t->init == JOB_INIT_OLMO ? INIT_OLMO : INIT_HF,
                        (uint64_t)t->seed, DTYPE_F32);
    }
    free(config);
    return rc;
}

/* OUT/model in Hugging Face layout, the tokenizer's files carried along. */
static int
export_all(struct moe_err *err, struct training *p)
{
    const struct job_train *t = &p->spec->train;
    struct export_options opt = {.dtype =
                                     t->export_dtype ? DTYPE_F32 : DTYPE_BF16,
                                 .shard_bytes = (uint64_t)t->shard_bytes,
                                 .read = arena_read_param,
                                 .arg = trainer_arena(p->trainer)};
    char *dir = str_path(p->run->out_dir, "model");
    int rc = dir ? export_model(err, dir, &p->config, &opt)
                 : moe_fail(err, MOE_ENOMEM, "out of memory");
    if (!rc)
        rc = export_carry(err, dir, p->spec->model, p->spec->tokenizer);
    free(dir);
    return rc;
}

int
pretrain_run(struct moe_err *err, const struct job_spec *spec,
             struct job_run *run)
{
    static const struct training_kind kind = {.prepare = find_model,
                                              .finish = export_all};
    struct training p = {.kind = &kind, .spec = spec, .run = run};
    return training_run(err, &p);
}
