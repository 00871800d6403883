/* SPDX-License-Identifier: GPL-2.0 */
/* nfo_peer: what its parts share. */
#ifndef NFO_PEER_H
#define NFO_PEER_H

#include "../lib/net.h"

#define BUF	65536

struct peer {
	struct addr local, remote;
	int type, proto;		/* of the socket */
	int wait_ms;			/* for an answer, or a connection */
};

extern struct peer peer;

static inline bool peer_is_v6(void)
{
	return peer.local.ss.ss_family == AF_INET6;
}

/* nfo_peer_socket.c: a socket from peer.local to peer.remote that does not block; with
 * @hard a close, also the one at the end of this process, sends RST. The do_ functions
 * are commands and give their answer.
 */
int open_connected(void);
void linger(int fd, bool hard);
void close_hard(int fd);
void do_set(int fd, const char *name, int value);
void do_state(int fd);
void do_mtu(int fd);

/* nfo_peer_rounds.c: messages and their echoes */
int one_round(int fd, unsigned int seq, size_t size);
void do_ping(int fd, unsigned int n, size_t size);
void do_run(int fd, long long ms, size_t size);
void do_send(int fd, unsigned int n, size_t size);
void do_drain(int fd);
void do_finread(int fd);
void do_bulk(int fd, unsigned long long bytes);

/* nfo_peer_server.c: the echo, until it is told to end */
void serve(void);

#endif
