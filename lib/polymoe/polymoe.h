/*
 * polymoe.h - Mixture-of-Experts language models on any OpenCL device.
 *
 * Lifecycle.  A context (ctx.h) owns one device, its queue, its programs and
 * the text of the last error.  A model (model.h) belongs to one context, a run
 * to one model.  Destroy in reverse order.
 *
 * Errors.  A function that can fail returns MOE_OK or a negative code from the
 * list in error.h; the sentence that goes with the code is kept in a struct
 * moe_err: the context's, or one that the caller passes where there is no
 * context.  Outputs are unspecified after a failure unless stated.
 *
 * Ownership.  A constructor writes the object through its first or second
 * argument and leaves it NULL on failure; a destructor takes the address,
 * frees, nulls, and never fails; NULL and twice are fine.  `const T *` is
 * borrowed for the call.
 *
 * Threads.  An object belongs to one thread at a time.
 *
 * Units.  Sizes in bytes, times in seconds unless the name says otherwise,
 * entropies and divergences in nats.  Layers, experts and languages count
 * from 0.
 *
 * Dimension letters, the same everywhere, in comments and in code:
 *
 *   B batch        T sequence          N = B*T tokens
 *   D model width  H query heads       G key and value heads  S head size
 *   E experts      K experts a token   F expert hidden width
 *   V vocabulary   L layers
 */
#ifndef POLYMOE_POLYMOE_H
#define POLYMOE_POLYMOE_H

#include <polymoe/error.h>
#include <polymoe/ctx.h>

#endif
