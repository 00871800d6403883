// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_load - established TCP connections to an echo that carry a checked stream.
 *
 *   nfo_load COUNT LADDR FIRST-PORT ADDR PORT
 *
 * Commands come on stdin, one line of answer each goes to stdout; the first line is
 * "ok load". Connections are numbered from 0 and keep their local port.
 *
 *   open         closes what is there with RST, connects all anew -> ok open COUNT
 *   run MS       all of them at once, each with a window of data under way; what is
 *                under way at the end is awaited
 *                -> ok run BYTES LOST CORRUPT   (connections lost, connections whose
 *                   bytes were not those that were sent)
 *   ping         one message of each, no more, to keep them known
 *
 * A connection that is lost or corrupt stays out until the next open.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNS	64
#define CHUNK		32768
#define UNDER_WAY	131072
#define LAST_MS		8000
#define PATTERN		65536

struct conn {
	int fd;
	unsigned long long out, in;
	bool lost, corrupt;
};

static struct conn conns[MAX_CONNS];
static int count;
static struct sockaddr_storage local, remote;
static socklen_t addr_len;
static uint16_t first_port;
/* Twice, so that a chunk may begin at any place. */
static uint8_t pattern[2 * PATTERN];

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void parse(const char *host, const char *port, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *in6 = (void *)ss;
	struct sockaddr_in *in = (void *)ss;

	if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(atoi(port));
		addr_len = sizeof(*in);
	} else if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(atoi(port));
		addr_len = sizeof(*in6);
	} else {
		printf("error address %s\n", host);
		exit(1);
	}
}

static void hard_close(struct conn *c)
{
	struct linger l = { .l_onoff = 1 };

	if (c->fd < 0)
		return;
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(c->fd);
	c->fd = -1;
}

static bool open_one(struct conn *c, int i)
{
	struct timeval limit = { .tv_sec = 5 };
	struct sockaddr_storage from = local;
	int one = 1;

	hard_close(c);
	*c = (struct conn){ .lost = true };
	/* the port is at the same place in both address families */
	((struct sockaddr_in *)&from)->sin_port = htons(first_port + i);
	c->fd = socket(from.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return false;
	setsockopt(c->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (bind(c->fd, (void *)&from, addr_len) || connect(c->fd, (void *)&remote, addr_len))
		return false;
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	c->lost = false;
	return true;
}

static void do_open(void)
{
	int opened = 0;

	for (int i = 0; i < count; i++)
		opened += open_one(&conns[i], i);
	printf("ok open %d\n", opened);
}

static void feed(struct conn *c)
{
	size_t room = UNDER_WAY - (c->out - c->in);
	ssize_t n;

	n = send(c->fd, pattern + c->out % PATTERN, room < CHUNK ? room : CHUNK, MSG_NOSIGNAL);
	if (n > 0)
		c->out += n;
	else if (n < 0 && errno != EAGAIN)
		c->lost = true;
}

static void take(struct conn *c)
{
	static uint8_t buf[CHUNK];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		c->lost = true;
	} else if (memcmp(buf, pattern + c->in % PATTERN, n)) {
		c->corrupt = true;
		c->lost = true;
	} else {
		c->in += n;
	}
}

static short wanted(const struct conn *c, bool sending)
{
	bool room = c->out - c->in < UNDER_WAY;

	return POLLIN | (sending && room ? POLLOUT : 0);
}

/* One round over all that live. Return: whether something is still under way. */
static bool pump(bool sending)
{
	struct pollfd p[MAX_CONNS];
	bool more = false;

	for (int i = 0; i < count; i++)
		p[i] = (struct pollfd){ .fd = conns[i].lost ? -1 : conns[i].fd,
					.events = wanted(&conns[i], sending) };
	poll(p, count, 20);
	for (int i = 0; i < count; i++) {
		struct conn *c = &conns[i];

		if (p[i].revents & (POLLIN | POLLERR | POLLHUP))
			take(c);
		if (!c->lost && p[i].revents & POLLOUT)
			feed(c);
		more |= !c->lost && c->in < c->out;
	}
	return more;
}

static void do_run(int ms)
{
	unsigned long long before = 0, after = 0, bytes;
	int lost = 0, corrupt = 0;
	long long end = now_ms() + ms;

	for (int i = 0; i < count; i++)
		before += conns[i].in;
	while (now_ms() < end)
		pump(true);
	for (int i = 0; i < count; i++)
		after += conns[i].in;
	bytes = after - before;
	end = now_ms() + LAST_MS;
	while (pump(false) && now_ms() < end)
		;
	for (int i = 0; i < count; i++) {
		conns[i].lost |= conns[i].in < conns[i].out;
		lost += conns[i].lost;
		corrupt += conns[i].corrupt;
	}
	printf("ok run %llu %d %d\n", bytes, lost, corrupt);
}

static void do_ping(void)
{
	long long end = now_ms() + LAST_MS;

	for (int i = 0; i < count; i++)
		if (!conns[i].lost)
			feed(&conns[i]);
	while (pump(false) && now_ms() < end)
		;
	puts("ok ping");
}

int main(int argc, char **argv)
{
	char line[64];
	int ms;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (argc != 6) {
		puts("usage: nfo_load COUNT LADDR FIRST-PORT ADDR PORT");
		return 2;
	}
	count = atoi(argv[1]);
	if (count < 1 || count > MAX_CONNS)
		return 2;
	first_port = atoi(argv[3]);
	parse(argv[2], "0", &local);
	parse(argv[4], argv[5], &remote);
	for (int i = 0; i < PATTERN; i++)
		pattern[i] = pattern[i + PATTERN] = (i * 2654435761u) >> 13;
	for (int i = 0; i < count; i++)
		conns[i] = (struct conn){ .fd = -1, .lost = true };
	puts("ok load");
	while (fgets(line, sizeof(line), stdin)) {
		if (!strncmp(line, "open", 4))
			do_open();
		else if (!strncmp(line, "ping", 4))
			do_ping();
		else if (sscanf(line, "run %d", &ms) == 1)
			do_run(ms);
		else
			puts("error command");
	}
	return 0;
}
