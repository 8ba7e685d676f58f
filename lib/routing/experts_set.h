/*
 * experts_set.h - sets of experts while they grow.
 */
#ifndef ROUTING_EXPERTS_SET_H
#define ROUTING_EXPERTS_SET_H

#include <polymoe/routing.h>

/* Room for every expert of every layer, none in it. */
int experts_open(struct moe_err *err, struct moe_experts *out, int64_t L,
                 int64_t E);

/* Add one to an open set, unless it is in it. */
void experts_add(struct moe_experts *set, int64_t layer, int64_t expert);

bool experts_have(const struct moe_layer_experts *layer, int64_t expert);

/* The set is whole: layers without experts go. */
void experts_close(struct moe_experts *set);

#endif
