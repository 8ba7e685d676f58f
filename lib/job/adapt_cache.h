/*
 * adapt_cache.h - the cache of the layers that an adaptation does not train.
 */
#ifndef JOB_ADAPT_CACHE_H
#define JOB_ADAPT_CACHE_H

#include "job/training.h"

/* Put a cache into t->opt.pass, when the job asks for one and has a use for
 * it; else the log says why there is none.  MOE_EINVAL for adapt.cache
 * without adapt.cache_bytes, MOE_EIO for a directory that cannot be made. */
int adapt_cache_open(struct moe_err *err, struct training *t);

/* With `done` also count in run.json what it was good for, and remove it when
 * it is the job's own. */
void adapt_cache_close(struct training *t, bool done);

#endif
