/*
 * normalize.h - Unicode normalization form C, at no cost for text that
 * already has it.
 */
#ifndef DATA_NORMALIZE_H
#define DATA_NORMALIZE_H

#include <stddef.h>
#include <stdint.h>

#include <polymoe/error.h>

#include "base/str.h"

struct nfc {
    uint8_t *kind;  // of every character below NFC_KINDS; see normalize.c
    int32_t *point; // a stretch being composed
    size_t point_cap;
    struct str out; // the last text that had to change
};

int nfc_create(struct moe_err *err, struct nfc *nfc);
void nfc_free(struct nfc *nfc);

/*
 * Well-formed UTF-8 to form C.
 *
 * *out is s itself when nothing can change, else a text that lives until the
 * next call.  MOE_OK or MOE_ENOMEM.
 */
int nfc_apply(struct moe_err *err, struct nfc *nfc, const char *s, size_t n,
              const char **out, size_t *out_n);

#endif
