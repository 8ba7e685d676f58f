/*
 * interrupt.h - ^C and SIGTERM as a question that a loop can ask.
 */
#ifndef CLIENT_INTERRUPT_H
#define CLIENT_INTERRUPT_H

#include <stdbool.h>

/* From now on the first SIGINT, SIGTERM or SIGHUP only sets a mark; a second
 * one ends the program as it would have without us. */
void interrupt_catch(void);
bool interrupt_seen(void);

#endif
