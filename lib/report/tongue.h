/*
 * tongue.h - what a language code means to people.
 */
#ifndef REPORT_TONGUE_H
#define REPORT_TONGUE_H

/* "Catalan" for "ca", also for "ca_XX" and "ca-XX"; NULL when not known. */
const char *tongue_name(const char *code);

#endif
