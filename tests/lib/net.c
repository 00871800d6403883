// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "net.h"

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void say_errno(const char *what)
{
	say("error %s %s", what, strerrorname_np(errno));
}

void die(const char *fmt, ...)
{
	va_list ap;
	int err = errno;

	fflush(stdout);
	fputs("error ", stderr);
	errno = err;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

long long now_ms(void)
{
	return now_ns() / 1000000;
}

struct addr addr_parse(const char *host, int port)
{
	struct addr a = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&a.ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a.ss;

	if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		a.len = sizeof(*in);
	} else if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		a.len = sizeof(*in6);
	} else {
		die("'%s' is no address", host);
	}
	return a;
}

static int give_up(int fd)
{
	int err = errno;

	close(fd);
	errno = err;
	return -1;
}

int socket_bound(const struct addr *local, int type, int proto)
{
	int one = 1, fd = socket(local->ss.ss_family, type | SOCK_CLOEXEC, proto);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (proto == IPPROTO_TCP)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return bind(fd, (const struct sockaddr *)&local->ss, local->len) ? give_up(fd) : fd;
}

static int finish_connect(int fd, int ms)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (errno != EINPROGRESS)
		return -1;
	errno = ETIMEDOUT;
	if (!wait_for(fd, POLLOUT, ms))
		return -1;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	errno = err;
	return err ? -1 : 0;
}

int socket_connected(const struct addr *local, const struct addr *remote, int type, int proto,
		     int ms)
{
	int fd = socket_bound(local, type, proto);

	if (fd < 0)
		return -1;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (connect(fd, (const struct sockaddr *)&remote->ss, remote->len) &&
	    finish_connect(fd, ms))
		return give_up(fd);
	fcntl(fd, F_SETFL, 0);
	return fd;
}

bool wait_for(int fd, int events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, ms) == 1;
}

int send_all(int fd, const void *buf, size_t len, int ms)
{
	while (len) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

		if (n < 0) {
			if (errno != EAGAIN)
				return -1;
			if (!wait_for(fd, POLLOUT, ms)) {
				errno = ETIMEDOUT;
				return -1;
			}
			continue;
		}
		buf = (const char *)buf + n;
		len -= n;
	}
	return 0;
}

int netns_enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		return fd < 0 ? -1 : give_up(fd);
	close(fd);
	return 0;
}

int netns_enter_name(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	return netns_enter(path);
}

uint64_t xorshift(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}
