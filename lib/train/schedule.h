/*
 * schedule.h - the learning rate as a function of steps or tokens.
 *
 * A pure function of the position, so a resumed run continues the curve to
 * the bit: nothing is remembered.
 */
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H

#include <stdint.h>

enum schedule_kind { SCHEDULE_CONSTANT, SCHEDULE_LINEAR, SCHEDULE_COSINE };

/* warmup and total are in the unit of the position: steps or tokens. */
struct schedule {
    enum schedule_kind kind;
    double peak;       // after the warm-up
    double floor;      // share of peak at the end, 0 .. 1 (OLMo: 0.1)
    double warm_floor; // share of peak at the start of the warm-up (OLMo: 0.1)
    uint64_t warmup;
    uint64_t total; // the floor is reached here and kept; not read when
                    // constant
};

/*
 *   t < warmup    peak (w + (1 - w) t / warmup),  w = warm_floor
 *   t >= total    peak f,  f = floor
 *   else          u = (t - warmup) / (total - warmup);
 *     cosine      peak (f + (1 - f) (1 + cos(pi u)) / 2)
 *     linear      peak (1 - (1 - f) u)
 *     constant    peak, also after total
 *
 * Source: OLMo, olmo/optim.py, cosine_with_warmup; for steps it must agree
 * with a trainer that asks for step t before step t is taken.
 */
double schedule_rate(const struct schedule *s, uint64_t t);

#endif
