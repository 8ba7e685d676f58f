/*
 * strategy.c - how many parameters each way of adapting a model trains.
 */
#include "model/strategy.h"

#include "model/params.h"

static const int64_t TOP = 20; // experts of the control that takes the busiest

struct table {
    struct strategy_row *row;
    size_t n;
    uint64_t total;
};

static void
add(struct table *t, const char *name, int64_t layers, int64_t experts,
    uint64_t parameters)
{
    t->row[t->n++] =
        (struct strategy_row){name, layers, experts, parameters,
                              (double)parameters / (double)t->total};
}

/* Everything in one layer. */
static uint64_t
layer_parameters(const struct moe_config *c)
{
    uint64_t n = 0;
    for (int k = 0; k < PARAM_KINDS; k++)
        if (param_scope(k) != SCOPE_MODEL && param_present(k, c))
            n += param_elements(k, c) * param_repeats(k, c) / (uint64_t)c->L;
    return n;
}

size_t
strategy_table(struct strategy_row out[STRATEGY_ROWS],
               const struct moe_config *config, int64_t layers)
{
    static const int64_t some[] = {1, 2, 4, 6, 8, 10, 12, 16, TOP, 32, 48};
    struct moe_param_totals n;
    if (moe_param_count(NULL, &n, config))
        return 0;
    struct table t = {.row = out, .total = n.total};
    if (layers > config->L)
        layers = config->L;
    uint64_t each = n.per_expert, l = (uint64_t)layers;
    uint64_t router = param_elements(PARAM_ROUTER, config);
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        if (some[i] < config->E)
            add(&t, some[i] == TOP ? "top-20" : "seft, ssft", layers, some[i],
                l * ((uint64_t)some[i] * each + router));
    add(&t, "aeft", layers, config->E,
        l * ((uint64_t)config->E * each + router));
    add(&t, "final layers", layers, -1, l * layer_parameters(config));
    add(&t, "full", config->L, -1, n.total);
    return t.n;
}
