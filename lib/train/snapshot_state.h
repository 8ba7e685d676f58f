/*
 * snapshot_state.h - the state.json of a snapshot, with its own sum.
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

#endif
