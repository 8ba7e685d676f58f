/*
 * conn.h - the client's end of the protocol: connect, ask, listen.
 *
 * A DEALER that is thrown away and made again when an answer does not come in
 * time.  A request keeps its bytes over such retries, so that a change, which
 * carries a request_id, happens once.
 *
 *     struct conn *conn;
 *     struct msg_writer w;
 *     json_t *result;
 *     rc = conn_open(&err, &conn);
 *     conn_request(conn, &w, "show");
 *     msg_put_int(&w, "job", 7);
 *     rc = conn_call(&err, conn, &w, &result);
 */
#ifndef CLIENT_CONN_H
#define CLIENT_CONN_H

#include <jansson.h>

#include "proto/msg.h"

struct conn;

/*
 * Connect to the daemon of the state directory and say hello.
 *
 * MOE_ENODAEMON within 2 s when nobody listens; MOE_EVERSION when the daemon
 * speaks no version of ours.  *out is NULL after a failure.
 */
int conn_open(struct moe_err *err, struct conn **out);
void conn_close(struct conn **cp);

/* What the daemon said to hello. */
const json_t *conn_hello(const struct conn *conn);

/* Begin a request; a request_id is put in when `change`. */
void conn_request(struct conn *conn, struct msg_writer *w, const char *method,
                  bool change);

/* Send a request, wait for its result, free the writer.  The code and the
 * sentence of an error reply; MOE_ETIMEOUT.  The caller owns *result. */
int conn_call(struct moe_err *err, struct conn *conn, struct msg_writer *w,
              json_t **result);

/*
 * The next notification, {"method": ..., and its parameters}, or NULL after
 * timeout_ms or an interrupt.  The caller owns *note.
 */
int conn_next(struct moe_err *err, struct conn *conn, int timeout_ms,
              json_t **note);

/* Connect anew, for a listener that has heard nothing for too long. */
int conn_again(struct moe_err *err, struct conn *conn);

#endif
