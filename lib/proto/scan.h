/*
 * scan.h - is this frame one MessagePack value within our limits?
 *
 * msgpack-c allocates from the counts that a message claims and accepts
 * duplicate keys, bad UTF-8 and trailing bytes.  So the bytes are walked once
 * here, without allocation that depends on them, before it sees any.
 */
#ifndef PROTO_SCAN_H
#define PROTO_SCAN_H

#include <stddef.h>

#include "proto/proto.h"

/*
 * PROTO_OK when the n bytes are exactly one value: at most PROTO_FRAME_BYTES,
 * PROTO_DEPTH, PROTO_ITEMS, PROTO_STRING and PROTO_NODES, every string UTF-8
 * without zero bytes, map keys strings and different, no ext type, no 0xc1.
 *
 * Otherwise too_large, too_deep or bad_message, and err (NULL is fine) says
 * what was found at which byte.
 */
enum proto_error scan_frame(struct moe_err *err, const void *bytes, size_t n);

#endif
