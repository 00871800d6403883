// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_peer - one end of a connection that a test drives packet by packet.
 *
 *   nfo_peer server PROTO ADDR PORT          echo; PROTO is tcp, udp or sctp
 *   nfo_peer client PROTO LADDR LPORT ADDR PORT
 *   nfo_peer raw PROTONUM LADDR ADDR         datagrams of any IP protocol
 *   nfo_peer many PROTO LADDR ADDR PORT MS   short connections, one after another, until
 *                                      the time is over or a line is written to it
 *   nfo_peer exec COMMAND...                 another program instead
 *
 * Each may be preceded by `-n NAMESPACE`, which is entered first.
 *
 * Commands come on stdin, one line of answer each goes to stdout; the first line
 * is "ok ..." once the end is ready. A shell keeps it open and asks:
 *
 *   ping N [SIZE]  N echoed messages, one in flight   -> ok ping N | lost K/N
 *   send N [SIZE]  N messages, no answer awaited      -> ok send N
 *   drain          throw away what has been echoed    -> ok drain N
 *   bulk BYTES     a checked stream through the echo  -> ok bulk BYTES
 *   run MS [SIZE]  ping for that long                 -> ok run ROUNDS LOST
 *   timeout MS     how long a ping waits; default 3000
 *   fin | finread | close | reset | connect           TCP's life
 *   state | mtu                                       TCP_INFO state, IP_MTU
 *   set NAME VALUE  ttl, df, nocheck, options, tos, label, mark, nodelay, mss
 *   count          bytes and messages received so far (server)
 *   conns          connections held (server)
 *   set echo 0|1   whether anything is answered (server)
 *
 * The payload is a function of its position, so that a lost, doubled or changed
 * byte is seen.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "nfo_peer.h"

struct peer peer = { .type = SOCK_STREAM, .wait_ms = 3000 };

static void set_proto(const char *name)
{
	if (!strcmp(name, "tcp")) {
		peer.proto = IPPROTO_TCP;
	} else if (!strcmp(name, "sctp")) {
		peer.proto = IPPROTO_SCTP;
	} else if (!strcmp(name, "udp")) {
		peer.proto = IPPROTO_UDP;
		peer.type = SOCK_DGRAM;
	} else {
		say("error protocol %s", name);
		exit(1);
	}
}

static void talk(int fd)
{
	char line[256], word[32], name[32];

	while (fgets(line, sizeof(line), stdin)) {
		long long a = 0, b = 64;
		int n = sscanf(line, "%31s %lld %lld", word, &a, &b);

		if (n < 1)
			continue;
		if (b < 1 || b > BUF)
			b = 64;
		if (!strcmp(word, "connect")) {
			if (fd >= 0)
				close_hard(fd);
			fd = open_connected();
			if (fd < 0) {
				say_errno("connect");
			} else {
				if (peer.type == SOCK_STREAM)
					linger(fd, true);
				say("ok connect");
			}
		} else if (!strcmp(word, "timeout")) {
			peer.wait_ms = a;
			say("ok timeout");
		} else if (!strcmp(word, "quit")) {
			break;
		} else if (fd < 0) {
			say("error closed");
		} else if (!strcmp(word, "ping")) {
			do_ping(fd, a, b);
		} else if (!strcmp(word, "run")) {
			do_run(fd, a, b);
		} else if (!strcmp(word, "send")) {
			do_send(fd, a, b);
		} else if (!strcmp(word, "drain")) {
			do_drain(fd);
		} else if (!strcmp(word, "bulk")) {
			do_bulk(fd, a);
		} else if (!strcmp(word, "fin")) {
			if (shutdown(fd, SHUT_WR))
				say_errno("fin");
			else
				say("ok fin");
		} else if (!strcmp(word, "finread")) {
			do_finread(fd);
		} else if (!strcmp(word, "close")) {
			linger(fd, false);
			close(fd);
			fd = -1;
			say("ok close");
		} else if (!strcmp(word, "reset")) {
			close_hard(fd);
			fd = -1;
			say("ok reset");
		} else if (!strcmp(word, "state")) {
			do_state(fd);
		} else if (!strcmp(word, "mtu")) {
			do_mtu(fd);
		} else if (!strcmp(word, "set") &&
			   sscanf(line, "%*s %31s %lld", name, &a) == 2) {
			do_set(fd, name, a);
		} else {
			say("error command %s", word);
		}
	}
}

static void server(char **argv)
{
	set_proto(argv[0]);
	peer.local = addr_parse(argv[1], atoi(argv[2]));
	serve();
}

static void client(char **argv)
{
	int fd;

	set_proto(argv[0]);
	peer.local = addr_parse(argv[1], atoi(argv[2]));
	peer.remote = addr_parse(argv[3], atoi(argv[4]));
	fd = open_connected();
	if (fd < 0)
		say_errno("connect");
	else
		say("ok connect");
	/* a killed client leaves no half-closed connection to the next case */
	if (fd >= 0 && peer.type == SOCK_STREAM)
		linger(fd, true);
	talk(fd);
}

static void raw(char **argv)
{
	int fd;

	peer.type = SOCK_RAW;
	peer.proto = atoi(argv[0]);
	peer.local = addr_parse(argv[1], 0);
	peer.remote = addr_parse(argv[2], 0);
	fd = socket_connected(&peer.local, &peer.remote, peer.type, peer.proto, peer.wait_ms);
	if (fd < 0)
		die("raw: %m");
	say("ok raw");
	talk(fd);
}

/* Has the test written anything? The end of a file is nothing. */
static bool told(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char c;

	return poll(&p, 1, 0) == 1 && p.revents & POLLIN && read(STDIN_FILENO, &c, 1) == 1;
}

static void many(char **argv)
{
	unsigned int done = 0, failed = 0;
	long long end;

	set_proto(argv[0]);
	peer.local = addr_parse(argv[1], 0);
	peer.remote = addr_parse(argv[2], atoi(argv[3]));
	end = now_ms() + atoi(argv[4]);
	peer.wait_ms = 1000;
	while (now_ms() < end && !told()) {
		int r = 1, fd = open_connected();

		if (fd < 0) {
			failed++;
			poll(NULL, 0, 10);
			continue;
		}
		for (unsigned int i = 0; r == 1 && i < 2 + done % 7; i++)
			r = one_round(fd, i, 1 + (done * 131) % 1200);
		failed += r != 1;
		done++;
		if (done % 3)
			close(fd);
		else
			close_hard(fd);
	}
	say("ok many %u %u", done, failed);
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "-n")) {
		if (netns_enter_name(argv[2]))
			die("%s: %m", argv[2]);
		argc -= 2;
		argv += 2;
	}
	if (argc > 2 && !strcmp(argv[1], "exec")) {
		execvp(argv[2], argv + 2);
		die("%s: %m", argv[2]);
	}
	signal(SIGPIPE, SIG_IGN);
	if (argc == 5 && !strcmp(argv[1], "server"))
		server(argv + 2);
	else if (argc == 7 && !strcmp(argv[1], "client"))
		client(argv + 2);
	else if (argc == 5 && !strcmp(argv[1], "raw"))
		raw(argv + 2);
	else if (argc == 7 && !strcmp(argv[1], "many"))
		many(argv + 2);
	else
		return 2;
	return 0;
}
