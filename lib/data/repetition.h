/*
 * repetition.h - instances that repeat themselves, as OLMo filters them.
 */
#ifndef DATA_REPETITION_H
#define DATA_REPETITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The published settings: periods 1 .. 13, at least 32 repetitions. */
enum { REPETITION_PERIOD = 13, REPETITION_TIMES = 32 };

/*
 * Whether ids[0 .. n) holds a run that repeats with some period in
 * 1 .. max_period at least `times` times; such an instance trains on nothing
 * (all its labels are masked) but still counts as positions.
 *
 * A repeated run of period p is found on the grid of p-token rows, then
 * stretched to both sides by the tokens that still agree, as
 * olmo/data/util.py does; runs under three repetitions never count.
 */
bool repetition_found(const int32_t *ids, size_t n, int max_period, int times);

#endif
