// SPDX-License-Identifier: GPL-2.0
/* nfo_peer: the end that echoes. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "nfo_peer.h"

#define CONNS	1024

struct conn {
	int fd;
	size_t len, off;
	unsigned char *buf;
};

static unsigned char rx[BUF];
static unsigned long long got_bytes, got_messages;
static bool echo = true;

static void echo_datagram(int fd)
{
	struct addr from = { .len = sizeof(from.ss) };
	ssize_t n = recvfrom(fd, rx, sizeof(rx), 0, (struct sockaddr *)&from.ss, &from.len);

	if (n < 0)
		return;
	got_bytes += n;
	got_messages++;
	/* a refusal of the way back is the test's business, not the echo's */
	if (echo)
		(void)!sendto(fd, rx, n, 0, (struct sockaddr *)&from.ss, from.len);
}

/* false: the connection is over */
static bool echo_stream(struct conn *c, int revents)
{
	ssize_t n;

	if (c->len == c->off && (revents & (POLLIN | POLLHUP | POLLERR))) {
		n = recv(c->fd, c->buf, BUF, MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN;
		if (!n)
			return false;
		c->len = n;
		c->off = 0;
		got_bytes += n;
		got_messages++;
		if (!echo)
			c->off = c->len;
	}
	if (c->len > c->off) {
		n = send(c->fd, c->buf + c->off, c->len - c->off, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN;
		c->off += n;
	}
	return true;
}

static void serve_command(int fd, struct conn *conns, unsigned int *count)
{
	char line[256], word[32], name[32];
	long long v = 0;
	ssize_t n = read(0, line, sizeof(line) - 1);

	if (n <= 0)
		exit(0);
	line[n] = 0;
	if (sscanf(line, "%31s", word) != 1)
		return;
	if (!strcmp(word, "count")) {
		say("ok count %llu %llu", got_bytes, got_messages);
	} else if (!strcmp(word, "conns")) {
		say("ok conns %u", *count);
	} else if (!strcmp(word, "reset") || !strcmp(word, "fin")) {
		for (unsigned int i = 0; i < *count; i++) {
			if (*word == 'r') {
				close_hard(conns[i].fd);
				free(conns[i].buf);
			} else {
				shutdown(conns[i].fd, SHUT_WR);
			}
		}
		if (*word == 'r')
			*count = 0;
		say("ok %s", word);
	} else if (!strcmp(word, "set") && sscanf(line, "%*s %31s %lld", name, &v) == 2) {
		if (!strcmp(name, "echo")) {
			echo = v;
			say("ok set echo");
		} else {
			do_set(fd, name, v);
		}
	} else if (!strcmp(word, "quit")) {
		exit(0);
	} else {
		say("error command %s", word);
	}
}

void serve(void)
{
	static struct conn conns[CONNS];
	static struct pollfd p[CONNS + 2];
	unsigned int count = 0;
	int fd;

	fd = socket_bound(&peer.local, peer.type, peer.proto);
	if (fd < 0)
		die("bind: %m");
	if (peer.type == SOCK_STREAM && listen(fd, 256))
		die("listen: %m");
	say("ok server");
	for (;;) {
		unsigned int polled = count;

		p[0] = (struct pollfd){ .fd = 0, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = fd, .events = count < CONNS ? POLLIN : 0 };
		for (unsigned int i = 0; i < count; i++)
			p[i + 2] = (struct pollfd){
				.fd = conns[i].fd,
				.events = conns[i].len > conns[i].off ? POLLOUT : POLLIN,
			};
		if (poll(p, polled + 2, -1) < 0)
			die("poll: %m");
		/* backwards: a finished connection is filled from the end */
		for (unsigned int i = polled; i-- > 0;) {
			if (!p[i + 2].revents || echo_stream(&conns[i], p[i + 2].revents))
				continue;
			close(conns[i].fd);
			free(conns[i].buf);
			conns[i] = conns[--count];
		}
		if (p[1].revents & POLLIN) {
			int one = 1, c;

			if (peer.type == SOCK_DGRAM) {
				echo_datagram(fd);
			} else {
				c = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
				if (c >= 0) {
					if (peer.proto == IPPROTO_TCP)
						setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one,
							   sizeof(one));
					conns[count++] = (struct conn){ .fd = c,
									.buf = malloc(BUF) };
				}
			}
		}
		if (p[0].revents)
			serve_command(fd, conns, &count);
	}
}
