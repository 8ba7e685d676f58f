/*
 * progress.c - progress for people and programs.
 */
#include "config.h"

#include "base/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/str.h"

static const double RATE_SECONDS = 5; // time constant of the rate's mean
static const double BAR_SECONDS = 0.1, LINE_SECONDS = 5;

void
progress_meter_begin(struct progress_meter *m)
{
    *m = (struct progress_meter){.start_s = clock_seconds()};
    m->last_s = m->start_s;
}

void
progress_meter_update(struct progress_meter *m, struct moe_progress *p)
{
    double now = clock_seconds(), dt = now - m->last_s;
    if (dt > 0.05 && p->done >= m->last_done) {
        double rate = (double)(p->done - m->last_done) / dt;
        double keep = exp(-dt / RATE_SECONDS);
        m->rate = m->rate > 0 ? keep * m->rate + (1 - keep) * rate : rate;
        m->last_s = now;
        m->last_done = p->done;
    }
    p->rate = m->rate;
    p->elapsed_s = now - m->start_s;
    p->eta_s = m->rate > 0 && p->total >= p->done
                   ? (double)(p->total - p->done) / m->rate
                   : -1;
}

void
progress_view_begin(struct progress_view *v, bool json, bool quiet)
{
    const char *term = getenv("TERM");
    bool dumb = term && strcmp(term, "dumb") == 0;
    *v = (struct progress_view){.style = PROGRESS_LINES, .last_s = -1e9};
    if (isatty(STDERR_FILENO) && !dumb)
        v->style = PROGRESS_BAR;
    if (json)
        v->style = PROGRESS_JSON;
    else if (quiet)
        v->style = PROGRESS_QUIET;
}

static int
columns(void)
{
    struct winsize w;
    const char *env = getenv("COLUMNS");
    int n = env ? atoi(env) : 0;
    if (n <= 0 && ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0)
        n = w.ws_col;
    return n > 20 ? n : 80;
}

static double
share(const struct moe_progress *p)
{
    double x = p->total ? (double)p->done / (double)p->total : 0;
    return x > 1 ? 1 : x;
}

/* "20,480/286,720 tokens  8510 tokens/s  ETA 0:31", counts scaled to k, M. */
static void
describe(char *out, size_t cap, const struct moe_progress *p)
{
    char eta[32] = "";
    int n = p->total ? snprintf(out, cap, "%" PRIu64 "/%" PRIu64 " %s", p->done,
                                p->total, p->unit)
                     : snprintf(out, cap, "%" PRIu64 " %s", p->done, p->unit);
    if (p->rate > 0 && n > 0 && (size_t)n < cap)
        n += snprintf(out + n, cap - (size_t)n, "  %.*f %s/s",
                      p->rate < 10 ? 1 : 0, p->rate, p->unit);
    if (p->eta_s >= 0 && n > 0 && (size_t)n < cap) {
        str_duration(eta, sizeof eta, p->eta_s);
        snprintf(out + n, cap - (size_t)n, "  ETA %s", eta);
    }
}

static void
show_bar(struct progress_view *v, const struct moe_progress *p)
{
    char text[160], cells[64];
    describe(text, sizeof text, p);
    int width = columns(), room = width - (int)strlen(text) - 22;
    int bar = room > 30 ? 30 : room;
    memset(cells, 0, sizeof cells);
    for (int i = 0; i < bar; i++)
        cells[i] = i < (int)(share(p) * bar + 0.5) ? '#' : '.';
    fprintf(stderr, "\r%-12.12s %s %3.0f%% %.*s\033[K", p->item, cells,
            100 * share(p), width - 20 > 0 ? width - 20 : 0, text);
    fflush(stderr);
    v->bar_on_line = true;
}

static void
show_line(const struct moe_progress *p)
{
    char text[160];
    describe(text, sizeof text, p);
    fprintf(stderr, "%s %s: %.0f%% %s\n", p->phase, p->item, 100 * share(p),
            text);
}

static void
show_json(const struct moe_progress *p)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:f, s:f}", "event",
                          "progress", "phase", p->phase, "item", p->item,
                          "unit", p->unit, "done", (json_int_t)p->done, "total",
                          (json_int_t)p->total, "rate", p->rate, "elapsed_s",
                          p->elapsed_s);
    if (o && p->eta_s >= 0)
        json_object_set_new(o, "eta_s", json_real(p->eta_s));
    char *line = o ? json_dumps(o, JSON_COMPACT) : NULL;
    if (line) {
        puts(line);
        fflush(stdout);
    }
    free(line);
    json_decref(o);
}

void
progress_view_show(struct progress_view *v, const struct moe_progress *p,
                   bool force)
{
    double now = clock_seconds();
    double every = v->style == PROGRESS_LINES ? LINE_SECONDS : BAR_SECONDS;
    if (v->style == PROGRESS_QUIET || (!force && now - v->last_s < every))
        return;
    v->last_s = now;
    if (v->style == PROGRESS_BAR)
        show_bar(v, p);
    else if (v->style == PROGRESS_JSON)
        show_json(p);
    else
        show_line(p);
}

void
progress_view_end(struct progress_view *v)
{
    if (v->bar_on_line)
        fputc('\n', stderr);
    v->bar_on_line = false;
}
