// SPDX-License-Identifier: GPL-2.0
/*
 * transfer - move a known amount of data and know that it arrived unharmed.
 *
 *   transfer serve tcp|udp ADDR PORT
 *   transfer send tcp|udp ADDR PORT BYTES [MBIT]
 *
 * The sender makes a stream that never repeats and sums it up; the receiver
 * sums up what arrived, in order, and returns its sum at the end. The sums
 * must be equal. The sender prints one line,
 *
 *   ok BYTES SECONDS SUM
 *
 * (or "error WORDS" on standard error) and keeps the connection open until its
 * standard input ends, so that it can be looked at; with MBIT it sends no faster
 * than that. The server prints "ready" and serves one transfer after another until
 * it is killed.
 *
 * UDP goes out in datagrams that fill an Ethernet frame, with a window and
 * acknowledgements: a lost one is sent again, a damaged one shows in the sum.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../lib/net.h"

#define CHUNK		65536
#define DATAGRAM	1400		/* payload; the header comes on top */
#define WINDOW		128		/* datagrams under way */
#define ACK_EVERY	32
#define PATIENCE	20		/* seconds without any progress */
#define RESEND_MS	200

/* Before each datagram's payload, and alone as an acknowledgement. */
struct header {
	uint64_t transfer;		/* tells one transfer from the next */
	uint64_t number;		/* datagram, or the next one wanted */
	uint64_t total;			/* bytes of the whole transfer */
	uint64_t sum;			/* receiver's, once it has everything */
};

/* The words that travel, and the sum over them: order matters to it. */
struct stream {
	uint64_t state, sum;
};

static void stream_init(struct stream *s, uint64_t seed)
{
	s->state = seed | 1;
	s->sum = 14695981039346656037u;
}

static void sum_up(struct stream *s, const uint64_t *words, size_t n)
{
	while (n--)
		s->sum = (s->sum ^ *words++) * 1099511628211u;
}

static void produce(struct stream *s, uint64_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		words[i] = xorshift(&s->state);
	sum_up(s, words, n);
}

static double now(void)
{
	return now_ns() / 1e9;
}

static int open_socket(bool tcp, const char *host, const char *port, bool listening)
{
	struct timeval patience = { .tv_sec = PATIENCE };
	struct addr addr = addr_parse(host, atoi(port));
	struct addr any = addr_parse(addr.ss.ss_family == AF_INET6 ? "::" : "0.0.0.0", 0);
	int type = tcp ? SOCK_STREAM : SOCK_DGRAM, proto = tcp ? IPPROTO_TCP : IPPROTO_UDP;
	int fd, room = 1 << 20;

	fd = listening ? socket_bound(&addr, type, proto) :
			 socket_connected(&any, &addr, type, proto, PATIENCE * 1000);
	if (fd < 0)
		die("%s %s port %s: %m", listening ? "bind" : "connect to", host, port);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!tcp)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return fd;
}

static void read_all(int fd, void *buf, size_t len)
{
	while (len) {
		ssize_t n = recv(fd, buf, len, 0);

		if (n <= 0)
			die("receiving: %s", n ? strerror(errno) : "connection closed early");
		buf = (char *)buf + n;
		len -= n;
	}
}

static void write_all(int fd, const void *buf, size_t len)
{
	if (send_all(fd, buf, len, PATIENCE * 1000))
		die("sending: %m");
}

static void result(uint64_t total, double start, double end, uint64_t mine, uint64_t theirs)
{
	if (mine != theirs)
		die("data arrived damaged: sum %016llx, sent %016llx",
		     (unsigned long long)theirs, (unsigned long long)mine);
	say("ok %llu %.3f %016llx", (unsigned long long)total, end - start,
	    (unsigned long long)mine);
}

/* Bytes per second; 0 as fast as it goes. */
static double pace;

static void keep_pace(double start, uint64_t sent)
{
	double early = pace ? start + sent / pace - now() : 0;

	if (early > 0.001)
		usleep(early * 1e6);
}

static void send_tcp(int fd, uint64_t total)
{
	static uint64_t buf[CHUNK / 8];
	uint64_t left = total, theirs;
	double start = now();
	struct stream s;

	stream_init(&s, total);
	write_all(fd, &total, sizeof(total));
	while (left) {
		size_t n = left < CHUNK ? left : CHUNK;

		produce(&s, buf, n / 8);
		write_all(fd, buf, n);
		left -= n;
		keep_pace(start, total - left);
	}
	read_all(fd, &theirs, sizeof(theirs));
	result(total, start, now(), s.sum, theirs);
}

/* Whatever goes wrong with one connection, the next one gets its chance. */
static void serve_tcp_one(int fd)
{
	static uint64_t buf[CHUNK / 8];
	uint64_t left;
	struct stream s;

	stream_init(&s, 0);
	read_all(fd, &left, sizeof(left));
	while (left) {
		size_t n = left < CHUNK ? left : CHUNK;

		read_all(fd, buf, n);
		sum_up(&s, buf, n / 8);
		left -= n;
	}
	write_all(fd, &s.sum, sizeof(s.sum));
	/* the sender closes, when it has been looked at */
	wait_for(fd, POLLIN, -1);
}

static void serve_tcp(int listener)
{
	if (listen(listener, 8))
		die("listen: %m");
	say("ready");
	for (;;) {
		int fd;

		if (!wait_for(listener, POLLIN, -1))
			continue;
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			continue;
		if (!fork()) {
			serve_tcp_one(fd);
			_exit(0);
		}
		close(fd);
	}
}

struct datagram {
	struct header h;
	uint64_t words[DATAGRAM / 8];
};

static size_t payload(uint64_t number, uint64_t total)
{
	uint64_t left = total - number * DATAGRAM;

	return left < DATAGRAM ? left : DATAGRAM;
}

static void send_udp(int fd, uint64_t total)
{
	static struct datagram window[WINDOW];
	uint64_t all = (total + DATAGRAM - 1) / DATAGRAM;
	uint64_t made = 0, next = 0, acked = 0;
	double start = now(), progress = start;
	struct header ack;
	struct stream s;

	stream_init(&s, total);
	for (;;) {
		bool stuck;

		while (next < all && next < acked + WINDOW) {
			struct datagram *d = &window[next % WINDOW];
			size_t n = payload(next, total);

			if (next == made) {
				d->h = (struct header){ (uint64_t)getpid(), next, total, 0 };
				produce(&s, d->words, n / 8);
				made++;
				keep_pace(start, made * DATAGRAM);
			}
			/* a full queue on the way is a loss like any other */
			if (send(fd, d, sizeof(d->h) + n, 0) < 0 && errno != ENOBUFS &&
			    errno != EAGAIN && errno != ECONNREFUSED)
				die("sending: %m");
			next++;
		}
		stuck = !wait_for(fd, POLLIN, RESEND_MS);
		while (!stuck && recv(fd, &ack, sizeof(ack), MSG_DONTWAIT) == sizeof(ack)) {
			if (ack.transfer != (uint64_t)getpid())
				continue;
			if (ack.number == all) {
				result(total, start, now(), s.sum, ack.sum);
				return;
			}
			if (ack.number > acked) {
				acked = ack.number;
				progress = now();
			}
		}
		if (stuck)
			next = acked;
		if (now() - progress > PATIENCE)
			die("no acknowledgement of datagram %llu of %llu for %d seconds",
			     (unsigned long long)acked, (unsigned long long)all, PATIENCE);
	}
}

static void serve_udp(int fd)
{
	static struct datagram d;
	struct header state = { 0 };
	struct stream s = { 0 };
	struct sockaddr_storage from;

	say("ready");
	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n;
		uint64_t all;
		bool wanted;

		if (!wait_for(fd, POLLIN, -1))
			continue;
		n = recvfrom(fd, &d, sizeof(d), 0, (struct sockaddr *)&from, &len);
		if (n < (ssize_t)sizeof(d.h))
			continue;
		if (d.h.transfer != state.transfer && d.h.number == 0) {
			state = d.h;
			stream_init(&s, 0);
		}
		if (d.h.transfer != state.transfer)
			continue;
		all = (state.total + DATAGRAM - 1) / DATAGRAM;
		wanted = d.h.number == state.number && state.number < all &&
			 n == (ssize_t)(sizeof(d.h) + payload(state.number, state.total));
		if (wanted) {
			sum_up(&s, d.words, (n - sizeof(d.h)) / 8);
			state.number++;
			state.sum = s.sum;
		}
		if (!wanted || state.number == all || !(state.number % ACK_EVERY))
			sendto(fd, &state, sizeof(state), 0, (struct sockaddr *)&from, len);
	}
}

int main(int argc, char **argv)
{
	bool serve = argc == 5 && !strcmp(argv[1], "serve");
	bool tcp = argc > 2 && !strcmp(argv[2], "tcp");
	uint64_t total = argc == 6 || argc == 7 ? strtoull(argv[5], NULL, 0) / 8 * 8 : 0;
	char c;
	int fd;

	if ((!serve && !total) || (!tcp && strcmp(argv[2], "udp"))) {
		fputs("usage: transfer serve tcp|udp ADDR PORT\n"
		      "       transfer send tcp|udp ADDR PORT BYTES [MBIT]\n", stderr);
		return 2;
	}
	pace = argc == 7 ? atof(argv[6]) * 1e6 / 8 : 0;
	fd = open_socket(tcp, argv[3], argv[4], serve);
	if (serve && tcp)
		serve_tcp(fd);
	else if (serve)
		serve_udp(fd);
	else if (tcp)
		send_tcp(fd, total);
	else
		send_udp(fd, total);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
