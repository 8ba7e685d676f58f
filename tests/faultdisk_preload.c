/*
 * faultdisk_preload.c - the failing disk for a program that is not of the
 * tests: LD_PRELOAD puts it under polymoed.
 */
#include "config.h"

#include "tests/faultdisk.h"

__attribute__((constructor)) static void
start(void)
{
    faultdisk_install();
}
