// SPDX-License-Identifier: GPL-2.0
/* nfo_peer: messages and their echoes, and a stream through the echo. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include "nfo_peer.h"

static unsigned char tx[BUF], rx[BUF];
static unsigned int sequence;

static unsigned char pattern(unsigned long long pos)
{
	uint32_t x = (uint32_t)(pos >> 2) * 2654435761u + 12345;

	x ^= x >> 15;
	return x >> ((pos & 3) * 8);
}

static void fill(unsigned char *buf, unsigned long long pos, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = pattern(pos + i);
}

static bool same(const unsigned char *buf, unsigned long long pos, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (buf[i] != pattern(pos + i))
			return false;
	return true;
}

/* 1: echoed, 0: lost, -1: error */
int one_round(int fd, unsigned int seq, size_t size)
{
	long long end = now_ms() + peer.wait_ms;
	size_t got = 0;

	fill(tx, seq * 7ULL, size);
	if (send_all(fd, tx, size, peer.wait_ms))
		return -1;
	while (got < size) {
		long long left = end - now_ms();
		ssize_t n;

		if (left <= 0 || !wait_for(fd, POLLIN, left))
			return 0;
		n = recv(fd, rx + got, sizeof(rx) - got, 0);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n < 0)
			return -1;
		if (!n) {
			errno = ECONNRESET;
			return -1;
		}
		if (peer.type == SOCK_DGRAM) {
			/* a late answer to an earlier, lost round */
			if ((size_t)n != size || memcmp(rx, tx, size))
				continue;
			return 1;
		}
		got += n;
	}
	if (memcmp(rx, tx, size)) {
		errno = EBADMSG;
		return -1;
	}
	return 1;
}

void do_ping(int fd, unsigned int n, size_t size)
{
	unsigned int lost = 0;

	for (unsigned int i = 0; i < n; i++) {
		int r = one_round(fd, ++sequence, size);

		if (r < 0) {
			say_errno("ping");
			return;
		}
		lost += !r;
		if (!r && peer.type == SOCK_STREAM) {
			say("lost %u/%u", n - i, n);
			return;
		}
	}
	if (lost)
		say("lost %u/%u", lost, n);
	else
		say("ok ping %u", n);
}

void do_run(int fd, long long ms, size_t size)
{
	long long end = now_ms() + ms;
	unsigned int rounds = 0, lost = 0;

	while (now_ms() < end) {
		int r = one_round(fd, ++sequence, size);

		if (r < 0) {
			say_errno("run");
			return;
		}
		rounds++;
		lost += !r;
		if (!r && peer.type == SOCK_STREAM)
			break;
	}
	say("ok run %u %u", rounds, lost);
}

void do_send(int fd, unsigned int n, size_t size)
{
	for (unsigned int i = 0; i < n; i++) {
		fill(tx, ++sequence * 7ULL, size);
		if (send_all(fd, tx, size, peer.wait_ms)) {
			say_errno("send");
			return;
		}
	}
	say("ok send %u", n);
}

void do_drain(int fd)
{
	unsigned int n = 0;

	while (recv(fd, rx, sizeof(rx), MSG_DONTWAIT) > 0)
		n++;
	say("ok drain %u", n);
}

void do_finread(int fd)
{
	long long end = now_ms() + peer.wait_ms;

	while (now_ms() < end) {
		ssize_t n;

		if (!wait_for(fd, POLLIN, end - now_ms()))
			break;
		n = recv(fd, rx, sizeof(rx), 0);
		if (!n) {
			say("ok finread");
			return;
		}
		if (n < 0 && errno != EAGAIN) {
			say_errno("finread");
			return;
		}
	}
	say("lost finread");
}

void do_bulk(int fd, unsigned long long bytes)
{
	unsigned long long out = 0, in = 0;

	while (in < bytes) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (out < bytes)
			p.events |= POLLOUT;
		if (poll(&p, 1, 20000) != 1) {
			errno = ETIMEDOUT;
			say_errno("bulk");
			return;
		}
		if (p.revents & POLLOUT) {
			size_t len = bytes - out < BUF ? bytes - out : BUF;

			fill(tx, out, len);
			n = send(fd, tx, len, MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n > 0)
				out += n;
		}
		if (p.revents & (POLLIN | POLLERR | POLLHUP)) {
			n = recv(fd, rx, sizeof(rx), MSG_DONTWAIT);
			if (n < 0 && errno == EAGAIN)
				continue;
			if (n <= 0) {
				if (!n)
					errno = ECONNRESET;
				say_errno("bulk");
				return;
			}
			if (!same(rx, in, n)) {
				say("error bulk corrupt after %llu", in);
				return;
			}
			in += n;
		}
	}
	say("ok bulk %llu", bytes);
}
