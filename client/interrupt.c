/*
 * interrupt.c - ^C and SIGTERM as a question that a loop can ask.
 */
#include "config.h"

#include "client/interrupt.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t seen; // a handler has no other place

static void
on_signal(int sig)
{
    (void)sig;
    seen = 1;
}

void
interrupt_catch(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction sa;
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_signal;
    sigemptyset(&sa.sa_mask);
    sa.sa_flags = (int)SA_RESETHAND;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction old;
        /* nohup and a shell's background jobs ask us to ignore some. */
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &sa, NULL);
    }
}

bool
interrupt_seen(void)
{
    return seen != 0;
}
