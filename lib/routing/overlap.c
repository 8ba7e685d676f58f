/*
 * overlap.c - the share of their vocabulary that two texts have in common.
 */
#include <polymoe/routing.h>

#include <math.h>

struct moe_overlap
moe_vocabulary_overlap(const uint64_t *a, const uint64_t *b, int64_t V)
{
    uint64_t in_a = 0, in_b = 0, both = 0, total_a = 0, total_b = 0;
    double low = 0, high = 0;
    for (int64_t t = 0; t < V; t++) {
        in_a += a[t] > 0;
        in_b += b[t] > 0;
        both += a[t] && b[t];
        total_a += a[t];
        total_b += b[t];
    }
    if (!total_a || !total_b)
        return (struct moe_overlap){NAN, NAN, NAN};
    for (int64_t t = 0; t < V; t++) {
        double f = (double)a[t] / (double)total_a;
        double g = (double)b[t] / (double)total_b;
        low += f < g ? f : g;
        high += f < g ? g : f;
    }
    return (struct moe_overlap){
        .jaccard = (double)both / (double)(in_a + in_b - both),
        .coefficient = (double)both / (double)(in_a < in_b ? in_a : in_b),
        .weighted = low / high};
}
