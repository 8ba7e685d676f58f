/*
 * snapshot_state.h - what the files of a snapshot share: state.json with its
 * own sum, the hidden name.
 */
#ifndef TRAIN_SNAPSHOT_STATE_H
#define TRAIN_SNAPSHOT_STATE_H

#include "train/snapshot.h"

enum { SNAPSHOT_FORMAT = 1 };

/* Add "sum", the SHA-256 of all the rest, and write DIR/state.json.  root may
 * be NULL (MOE_ENOMEM). */
int snapshot_write_state(struct moe_err *err, const char *dir, json_t *root);

/* Read it; MOE_EFORMAT unless format and sum are right.  *root is the
 * caller's. */
int snapshot_read_state(struct moe_err *err, const char *dir, json_t **root);

/* Where a snapshot lies while it is written or removed. */
char *snapshot_hidden_dir(const char *run_dir, uint64_t step);

#endif
