/*
 * dispatch.c - slots sorted by expert, one expert after the other.
 */
#include "tests/ref/ref.h"

void
ref_dispatch_forward(int32_t *count, int32_t *start, int32_t *slot_token,
                     int32_t *slot_of, const int32_t *idx, int64_t N, int64_t E,
                     int64_t K)
{
    int32_t s = 0;
    for (int64_t j = 0; j < N * K; j++)
        slot_of[j] = -1;
    for (int64_t e = 0; e < E; e++) {
        start[e] = s;
        for (int64_t j = 0; j < N * K; j++)
            if (idx[j] == e) {
                slot_token[s] = (int32_t)(j / K);
                slot_of[j] = s++;
            }
        count[e] = s - start[e];
    }
    start[E] = s;
}
