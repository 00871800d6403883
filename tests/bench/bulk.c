// SPDX-License-Identifier: GPL-2.0
/*
 * bulk - move bytes over TCP that neither end looks at, so that what is on their way is most of
 * what the transfer costs.
 *
 *	bulk take ADDR PORT		serve one transfer after another; prints "ready" first
 *	bulk send ADDR PORT MIB TIMES	over one connection; the sender sends pages of a file in
 *					memory, the receiver drops bytes unread
 *
 * The sender prints the nanoseconds each transfer of MIB took, one a line: from its first byte
 * until the receiver has said that it has the last one.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>
#include "../lib/net.h"

#define MIB	1048576l

static void take(const struct addr *local)
{
	int listener = socket_bound(local, SOCK_STREAM, 0), fd;
	long long wanted;
	ssize_t n;

	if (listener < 0 || listen(listener, 8))
		die("listening: %m");
	say("ready");
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		while (recv(fd, &wanted, sizeof(wanted), MSG_WAITALL) == sizeof(wanted)) {
			for (; wanted > 0; wanted -= n) {
				n = recv(fd, NULL, wanted < MIB ? wanted : MIB, MSG_TRUNC);
				if (n <= 0)
					die("receiving: %m");
			}
			if (send(fd, "", 1, 0) != 1)
				die("answering: %m");
		}
		close(fd);
	}
}

static void send_once(int fd, int file, long long bytes)
{
	long long start = now_ns();
	off_t at;
	char done;
	ssize_t n;

	if (send(fd, &bytes, sizeof(bytes), MSG_MORE) != sizeof(bytes))
		die("sending: %m");
	while (bytes > 0) {
		at = 0;
		n = sendfile(fd, file, &at, bytes < MIB ? bytes : MIB);
		if (n <= 0)
			die("sending: %m");
		bytes -= n;
	}
	if (recv(fd, &done, 1, 0) != 1)
		die("no answer: %m");
	say("%lld", now_ns() - start);
}

int main(int argc, char **argv)
{
	struct addr addr, any;
	int fd, file, times;

	if (argc == 4 && !strcmp(argv[1], "take")) {
		addr = addr_parse(argv[2], atoi(argv[3]));
		take(&addr);
		return 1;
	}
	if (argc != 6 || strcmp(argv[1], "send")) {
		fputs("usage: bulk take ADDR PORT | bulk send ADDR PORT MIB TIMES\n", stderr);
		return 2;
	}
	addr = addr_parse(argv[2], atoi(argv[3]));
	any = addr_parse(addr.ss.ss_family == AF_INET6 ? "::" : "0.0.0.0", 0);
	fd = socket_connected(&any, &addr, SOCK_STREAM, 0, 10000);
	if (fd < 0)
		die("connecting: %m");
	file = memfd_create("bulk", 0);
	if (file < 0 || ftruncate(file, MIB))
		die("memory: %m");
	for (times = atoi(argv[5]); times > 0; times--)
		send_once(fd, file, atoll(argv[4]) * MIB);
	return 0;
}
