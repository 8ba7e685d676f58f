/*
 * progress.h - progress for people and programs: a bar on a terminal, plain
 * lines elsewhere, JSON lines on demand.
 *
 * Always on standard error, except JSON lines, which go to standard output.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* What is known at one moment.  Strings are borrowed for the call. */
struct moe_progress {
    const char *phase; // "collect", "tokenize"
    const char *item;  // "Catalan", a file name, or ""
    const char *unit;  // "tokens", "bytes"
    uint64_t done;     // of total, over all items
    uint64_t total;    // 0: unknown
    double rate;       // units a second, over the recent past; 0: unknown
    double elapsed_s;
    double eta_s; // negative: unknown
};

/* Turns (done, total, clock) into a rate and an estimate. */
struct progress_meter {
    double start_s, last_s;
    uint64_t last_done;
    double rate; // exponential mean, time constant 5 s
};

void progress_meter_begin(struct progress_meter *m);
/* Fills rate, elapsed_s and eta_s of p from its done and total. */
void progress_meter_update(struct progress_meter *m, struct moe_progress *p);

enum progress_style {
    PROGRESS_QUIET,
    PROGRESS_LINES,
    PROGRESS_BAR,
    PROGRESS_JSON
};

struct progress_view {
    enum progress_style style;
    double last_s;    // when something was last shown
    bool bar_on_line; // an unfinished bar stands on the line
};

/* A bar when standard error is a terminal, else lines; JSON and quiet win. */
void progress_view_begin(struct progress_view *v, bool json, bool quiet);
/* Show p if it is time to (10 a second for a bar, every 5 s for lines), or
 * when `force`. */
void progress_view_show(struct progress_view *v, const struct moe_progress *p,
                        bool force);
/* End the bar's line, so that other text can follow. */
void progress_view_end(struct progress_view *v);

#endif
