/*
 * snapshot.h - a training run on disk, exact to the bit: weights, master
 * copies, moments, and a JSON object with everything else.
 *
 *     RUN/checkpoints/step-00000100/
 *         weights.safetensors   trained parameters, types of the arena
 *         moments.safetensors   m.NAME, v.NAME and, with masters, w.NAME; f32
 *         state.json            {"format", "step", "files": {NAME: SHA-256},
 *                               "state": the caller's object}
 *
 * A snapshot is written to a hidden name, synced and renamed: a folder that
 * is there is complete.  Sums are verified before anything is loaded.
 */
#ifndef TRAIN_SNAPSHOT_H
#define TRAIN_SNAPSHOT_H

#include <jansson.h>

#include "train/arena.h"

/* Write RUN/checkpoints/step-STEP.  On failure nothing is left behind but
 * what was there before.  MOE_EIO names the file and the system's words. */
int snapshot_save(struct moe_err *err, const char *run_dir, uint64_t step,
                  const struct arena *a, const json_t *state);

/*
 * Load a snapshot folder into an arena of the same parameters.
 *
 * *state is the caller's.  MOE_EFORMAT when a sum, a parameter, a shape or a
 * type disagrees; the arena may be partly written then.
 */
int snapshot_load(struct moe_err *err, const char *dir, const struct arena *a,
                  json_t **state);

/* The steps of the complete snapshots of a run, ascending; freed by the
 * caller.  A run without any has n = 0. */
int snapshot_list(struct moe_err *err, uint64_t **steps, size_t *n,
                  const char *run_dir);

/* The folder of a step; the caller frees it. */
char *snapshot_dir(const char *run_dir, uint64_t step);

/* MOE_OK when state.json is whole and every file has its sum. */
int snapshot_verify(struct moe_err *err, const char *dir);

/* What to keep when a run writes many. */
struct snapshot_policy {
    uint64_t newest; // the step that was just written; later ones are of a run
                     // that went back to an earlier snapshot, and go
    uint64_t last;   // this many of the newest; at least 1
    uint64_t every;  // and each multiple of it; 0: none
    uint64_t best;   // and this step; 0: none
};

/* Remove every other snapshot of the run, and what a killed writer left. */
int snapshot_prune(struct moe_err *err, const char *run_dir,
                   const struct snapshot_policy *keep);

#endif
