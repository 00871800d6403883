// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_swarm - many UDP connections to one echo, in one process.
 *
 *   nfo_swarm LADDR FIRST-PORT COUNT ADDR PORT      (run below nfo_peer exec)
 *
 * Commands come on stdin, one line of answer each goes to stdout; the first line
 * is "ok swarm". Connections are numbered from 0.
 *
 *   ping FROM COUNT ROUNDS      one message in flight each -> ok ping SENT LOST
 *   mix HEAVY MS                connections below HEAVY as fast as they go, after
 *                               each round of theirs one of the others, in turn
 *                               -> ok mix SENT LOST
 *
 * A changed byte is an error: "error corrupt".
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "../lib/net.h"

#define SIZE	64
#define WAIT_MS	2000

static int *fds;
static unsigned int count;
static uint32_t sequence;

static void fill(uint32_t *buf, uint32_t seed)
{
	for (unsigned int i = 0; i < SIZE / sizeof(*buf); i++)
		buf[i] = (seed + i) * 2654435761u;
}

/* 1: echoed, 0: lost, -1: not what was sent */
static int round_trip(int fd)
{
	uint32_t tx[SIZE / sizeof(uint32_t)], rx[SIZE / sizeof(uint32_t) + 1];
	long long end = now_ms() + WAIT_MS, left;
	ssize_t n;

	fill(tx, ++sequence);
	if (send(fd, tx, sizeof(tx), 0) != sizeof(tx))
		return 0;
	while ((left = end - now_ms()) > 0) {
		if (!wait_for(fd, POLLIN, left))
			return 0;
		n = recv(fd, rx, sizeof(rx), MSG_DONTWAIT);
		if (n < 0)
			continue;
		if (n == sizeof(tx) && !memcmp(rx, tx, sizeof(tx)))
			return 1;
		/* late, of a round that was lost: whole, or damaged */
		if (n != sizeof(tx))
			return -1;
		fill(tx, rx[0] * 244002641u);
		if (memcmp(rx, tx, sizeof(tx)))
			return -1;
		fill(tx, sequence);
	}
	return 0;
}

static bool trip(unsigned int i, unsigned int *sent, unsigned int *lost)
{
	int r = round_trip(fds[i]);

	(*sent)++;
	*lost += !r;
	return r >= 0;
}

static bool ping(unsigned int from, unsigned int n, unsigned int rounds, unsigned int *sent,
		 unsigned int *lost)
{
	for (unsigned int r = 0; r < rounds; r++)
		for (unsigned int i = from; i < from + n && i < count; i++)
			if (!trip(i, sent, lost))
				return false;
	return true;
}

static bool mix(unsigned int heavy, int ms, unsigned int *sent, unsigned int *lost)
{
	static unsigned int turn;
	long long end = now_ms() + ms;

	while (now_ms() < end) {
		for (unsigned int i = 0; i < heavy && i < count; i++)
			if (!trip(i, sent, lost))
				return false;
		if (heavy < count && !trip(heavy + turn++ % (count - heavy), sent, lost))
			return false;
	}
	return true;
}

static void talk(void)
{
	unsigned int a, b, c, sent, lost;
	char line[128];
	bool ok;

	while (fgets(line, sizeof(line), stdin)) {
		sent = 0;
		lost = 0;
		if (sscanf(line, "ping %u %u %u", &a, &b, &c) == 3)
			ok = ping(a, b, c, &sent, &lost);
		else if (sscanf(line, "mix %u %u", &a, &b) == 2)
			ok = mix(a, b, &sent, &lost);
		else
			ok = false;
		if (ok)
			say("ok %.4s %u %u", line, sent, lost);
		else
			say("error corrupt, or no command");
	}
}

static void open_all(char **argv)
{
	struct addr remote = addr_parse(argv[3], atoi(argv[4]));

	for (unsigned int i = 0; i < count; i++) {
		struct addr local = addr_parse(argv[0], atoi(argv[1]) + i);

		fds[i] = socket_connected(&local, &remote, SOCK_DGRAM, 0, -1);
		if (fds[i] < 0)
			die("socket: %m");
	}
}

int main(int argc, char **argv)
{
	struct rlimit many;

	if (argc != 6)
		return 2;
	count = atoi(argv[3]);
	many = (struct rlimit){ count + 64, count + 64 };
	fds = calloc(count, sizeof(*fds));
	if (!fds || setrlimit(RLIMIT_NOFILE, &many))
		die("many: %m");
	open_all(argv + 1);
	say("ok swarm");
	talk();
	return 0;
}
