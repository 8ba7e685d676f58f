/*
 * strategy.h - how many parameters each way of adapting a model trains.
 *
 * Selective fine-tuning (SEFT: experts of a language; SSFT: with the shared
 * ones; AEFT: all experts) trains some experts of the last layers and their
 * routers.  How many experts a layer has is known after selection, so the
 * table has a row a number.
 */
#ifndef MODEL_STRATEGY_H
#define MODEL_STRATEGY_H

#include <stddef.h>

#include <polymoe/model.h>

enum { STRATEGY_ROWS = 24 };

struct strategy_row {
    const char *name;
    int64_t layers;      // from the last one upwards
    int64_t experts;     // a layer; -1: not a number of experts
    uint64_t parameters; // trained
    double share;        // of all parameters, 0 to 1
};

/* Fill the table for a model whose last `layers` layers are adapted; how many
 * rows. */
size_t strategy_table(struct strategy_row out[STRATEGY_ROWS],
                      const struct moe_config *config, int64_t layers);

#endif
