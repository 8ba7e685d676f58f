/*
 * worker.h - the two threads of polymoe-worker: the job computes in the main
 * thread, the link talks with the daemon in its own.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "job/job.h"
#include "job/spec.h"
#include "proto/msg.h"

struct link;

/* Connect and wait for the spec.  MOE_EDENIED: this attempt is not wanted;
 * MOE_ENODAEMON: no answer for a minute. */
int link_open(struct moe_err *err, struct link **out, const char *state_dir,
              const char *attempt_dir, struct job_spec *spec, char **out_dir);
void link_close(struct link **lp);

/* Where the job reports. */
struct job_sink link_sink(struct link *link);

/* Ask the job to stop; safe in a signal handler. */
void link_stop(void);

#endif
