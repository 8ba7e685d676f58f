/*
 * need.h - what will be asked of a device, counted buffer by buffer before any
 * is made: all bytes, and the largest buffer, since a device gives only so many
 * bytes in one piece.
 */
#ifndef DEVICE_NEED_H
#define DEVICE_NEED_H

#include "device/device.h"

/* A zeroed struct needs nothing. */
struct need {
    uint64_t bytes;   // of all buffers
    uint64_t largest; // of one of them
    char name[64];    // of that one
};

/* `n` buffers of so many bytes each, or in the shape of a tensor. */
void need_add(struct need *need, const char *name, uint64_t bytes, uint64_t n);
void need_tensor(struct need *need, const char *name, const struct tensor *t,
                 uint64_t n);

/* Everything that another needs too. */
void need_all(struct need *need, const struct need *more);

/* Only its largest buffer: of what is there no longer when the rest is made. */
void need_once(struct need *need, const struct need *more);

/* What a device can hold at all: its memory or, where that is the host's, what
 * the system can give if that is more (drivers report less than there is). */
uint64_t need_capacity(const struct device_info *device);

/* Whether all bytes fit on the device, and the largest buffer in one piece. */
bool need_fits_bytes(const struct need *need, const struct device_info *device);
bool need_fits_piece(const struct need *need, const struct device_info *device);

/* Why it does not fit, in words: needed and available bytes, and the buffer
 * that is too large; "" when it does. */
enum { NEED_TEXT = 512 };
const char *need_problem(char out[NEED_TEXT], const struct need *need,
                         const struct device_info *device);

/* MOE_EFIT with these words, after `name`, unless it fits. */
int need_check(struct moe_err *err, const struct device_info *device,
               const struct need *need, const char *name);

#endif
