// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_peer - one end of a connection that a test drives packet by packet.
 *
 *   nfo_peer server PROTO ADDR PORT          echo; PROTO is tcp, udp or sctp
 *   nfo_peer client PROTO LADDR LPORT ADDR PORT
 *   nfo_peer raw PROTONUM LADDR ADDR         datagrams of any IP protocol
 *   nfo_peer many PROTO LADDR ADDR PORT MS   short connections, one after another
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
 *   set NAME VALUE  ttl, df, nocheck, options, tos, mark, nodelay, mss
 *   count          bytes and messages received so far (server)
 *   conns          connections held (server)
 *   set echo 0|1   whether anything is answered (server)
 *
 * The payload is a function of its position, so that a lost, doubled or changed
 * byte is seen.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUF	65536
#define CONNS	1024

struct addr {
	struct sockaddr_storage ss;
	socklen_t len;
};

struct conn {
	int fd;
	size_t len, off;
	bool eof;
	unsigned char *buf;
};

static unsigned char tx[BUF], rx[BUF];
static int wait_ms = 3000;
static struct addr local, remote;
static int type = SOCK_STREAM, proto;
static unsigned long long got_bytes, got_messages;
static bool echo = true;

static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static void fail(const char *what)
{
	say("error %s %s", what, strerrorname_np(errno));
}

static void die(const char *what)
{
	fail(what);
	exit(1);
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

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

static struct addr parse(const char *host, const char *port)
{
	struct addr a = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&a.ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a.ss;

	if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(atoi(port));
		a.len = sizeof(*in);
	} else if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(atoi(port));
		a.len = sizeof(*in6);
	} else {
		say("error address %s %s", host, port);
		exit(1);
	}
	return a;
}

static void set_proto(const char *name)
{
	if (!strcmp(name, "tcp")) {
		proto = IPPROTO_TCP;
	} else if (!strcmp(name, "sctp")) {
		proto = IPPROTO_SCTP;
	} else if (!strcmp(name, "udp")) {
		proto = IPPROTO_UDP;
		type = SOCK_DGRAM;
	} else {
		say("error protocol %s", name);
		exit(1);
	}
}

static bool is_v6(void)
{
	return local.ss.ss_family == AF_INET6;
}

static int open_socket(void)
{
	int one = 1, fd = socket(local.ss.ss_family, type | SOCK_CLOEXEC, proto);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (proto == IPPROTO_TCP)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&local.ss, local.len)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A connect with a deadline: a dropped SYN must not hold the test for minutes. */
static int open_connected(void)
{
	int fd = open_socket(), err = 0;
	socklen_t len = sizeof(err);
	struct pollfd p;

	if (fd < 0)
		return -1;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (connect(fd, (struct sockaddr *)&remote.ss, remote.len)) {
		if (errno != EINPROGRESS)
			goto out;
		p = (struct pollfd){ .fd = fd, .events = POLLOUT };
		if (poll(&p, 1, wait_ms) != 1) {
			errno = ETIMEDOUT;
			goto out;
		}
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
		if (err) {
			errno = err;
			goto out;
		}
	}
	return fd;
out:
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

static int wait_for(int fd, int events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, ms);
}

static int send_all(int fd, const unsigned char *buf, size_t len)
{
	while (len) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

		if (n < 0) {
			if (errno != EAGAIN)
				return -1;
			if (wait_for(fd, POLLOUT, wait_ms) != 1) {
				errno = ETIMEDOUT;
				return -1;
			}
			continue;
		}
		buf += n;
		len -= n;
	}
	return 0;
}

/* 1: echoed, 0: lost, -1: error */
static int one_round(int fd, unsigned int seq, size_t size)
{
	long long end = now_ms() + wait_ms;
	size_t got = 0;

	fill(tx, seq * 7ULL, size);
	if (send_all(fd, tx, size))
		return -1;
	while (got < size) {
		long long left = end - now_ms();
		ssize_t n;

		if (left <= 0 || wait_for(fd, POLLIN, left) != 1)
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
		if (type == SOCK_DGRAM) {
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

static unsigned int sequence;

static void do_ping(int fd, unsigned int n, size_t size)
{
	unsigned int lost = 0;

	for (unsigned int i = 0; i < n; i++) {
		int r = one_round(fd, ++sequence, size);

		if (r < 0) {
			fail("ping");
			return;
		}
		lost += !r;
		if (!r && type == SOCK_STREAM) {
			say("lost %u/%u", n - i, n);
			return;
		}
	}
	if (lost)
		say("lost %u/%u", lost, n);
	else
		say("ok ping %u", n);
}

static void do_run(int fd, long long ms, size_t size)
{
	long long end = now_ms() + ms;
	unsigned int rounds = 0, lost = 0;

	while (now_ms() < end) {
		int r = one_round(fd, ++sequence, size);

		if (r < 0) {
			fail("run");
			return;
		}
		rounds++;
		lost += !r;
		if (!r && type == SOCK_STREAM)
			break;
	}
	say("ok run %u %u", rounds, lost);
}

static void do_send(int fd, unsigned int n, size_t size)
{
	for (unsigned int i = 0; i < n; i++) {
		fill(tx, ++sequence * 7ULL, size);
		if (send_all(fd, tx, size)) {
			fail("send");
			return;
		}
	}
	say("ok send %u", n);
}

static void do_drain(int fd)
{
	unsigned int n = 0;

	while (recv(fd, rx, sizeof(rx), MSG_DONTWAIT) > 0)
		n++;
	say("ok drain %u", n);
}

static void do_bulk(int fd, unsigned long long bytes)
{
	unsigned long long out = 0, in = 0;

	while (in < bytes) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (out < bytes)
			p.events |= POLLOUT;
		if (poll(&p, 1, 20000) != 1) {
			errno = ETIMEDOUT;
			fail("bulk");
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
				fail("bulk");
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

static void do_finread(int fd)
{
	long long end = now_ms() + wait_ms;

	while (now_ms() < end) {
		ssize_t n;

		if (wait_for(fd, POLLIN, end - now_ms()) != 1)
			break;
		n = recv(fd, rx, sizeof(rx), 0);
		if (!n) {
			say("ok finread");
			return;
		}
		if (n < 0 && errno != EAGAIN) {
			fail("finread");
			return;
		}
	}
	say("lost finread");
}

/* With @hard a close, also the one at the end of this process, sends RST. */
static void linger(int fd, bool hard)
{
	struct linger l = { .l_onoff = hard };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static void do_reset(int fd)
{
	linger(fd, true);
	close(fd);
}

static void do_set(int fd, const char *name, int value)
{
	/* record route with room for one hop: harmless, yet an option */
	static const unsigned char rr[8] = { 7, 7, 4, 0, 0, 0, 0, 0 };
	int err = -1, pmtu = value ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT;

	if (!strcmp(name, "ttl"))
		err = is_v6() ?
			setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &value, sizeof(value)) :
			setsockopt(fd, IPPROTO_IP, IP_TTL, &value, sizeof(value));
	else if (!strcmp(name, "tos"))
		err = is_v6() ?
			setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value)) :
			setsockopt(fd, IPPROTO_IP, IP_TOS, &value, sizeof(value));
	else if (!strcmp(name, "df"))
		err = is_v6() ?
			setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &pmtu, sizeof(pmtu)) :
			setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &pmtu, sizeof(pmtu));
	else if (!strcmp(name, "nocheck") && is_v6())
		err = setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_TX, &value, sizeof(value)) ?:
		      setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, &value, sizeof(value));
	else if (!strcmp(name, "nocheck"))
		err = setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &value, sizeof(value));
	else if (!strcmp(name, "options"))
		err = setsockopt(fd, IPPROTO_IP, IP_OPTIONS, rr, value ? sizeof(rr) : 0);
	else if (!strcmp(name, "mark"))
		err = setsockopt(fd, SOL_SOCKET, SO_MARK, &value, sizeof(value));
	else if (!strcmp(name, "nodelay"))
		err = setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value));
	else
		errno = ENOENT;
	if (err)
		fail(name);
	else
		say("ok set %s", name);
}

static void do_state(int fd)
{
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof(ti);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len))
		fail("state");
	else
		say("ok state %d", ti.tcpi_state);
}

static void do_mtu(int fd)
{
	int mtu = 0;
	socklen_t len = sizeof(mtu);

	if (is_v6() ? getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, &len) :
		      getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &len))
		fail("mtu");
	else
		say("ok mtu %d", mtu);
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
				do_reset(fd);
			fd = open_connected();
			if (fd < 0) {
				fail("connect");
			} else {
				if (type == SOCK_STREAM)
					linger(fd, true);
				say("ok connect");
			}
		} else if (!strcmp(word, "timeout")) {
			wait_ms = a;
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
				fail("fin");
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
			do_reset(fd);
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

static void client(char **argv)
{
	int fd;

	set_proto(argv[0]);
	local = parse(argv[1], argv[2]);
	remote = parse(argv[3], argv[4]);
	fd = open_connected();
	if (fd < 0)
		fail("connect");
	else
		say("ok connect");
	/* a killed client leaves no half-closed connection to the next case */
	if (fd >= 0 && type == SOCK_STREAM)
		linger(fd, true);
	talk(fd);
}

static void raw(char **argv)
{
	int fd;

	type = SOCK_RAW;
	proto = atoi(argv[0]);
	local = parse(argv[1], "0");
	remote = parse(argv[2], "0");
	fd = open_socket();
	if (fd < 0 || connect(fd, (struct sockaddr *)&remote.ss, remote.len))
		die("raw");
	say("ok raw");
	talk(fd);
}

static void many(char **argv)
{
	unsigned int done = 0, failed = 0;
	long long end;

	set_proto(argv[0]);
	local = parse(argv[1], "0");
	remote = parse(argv[2], argv[3]);
	end = now_ms() + atoi(argv[4]);
	wait_ms = 1000;
	while (now_ms() < end) {
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
			do_reset(fd);
	}
	say("ok many %u %u", done, failed);
}

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
				do_reset(conns[i].fd);
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

static void server(char **argv)
{
	static struct conn conns[CONNS];
	static struct pollfd p[CONNS + 2];
	unsigned int count = 0;
	int fd;

	set_proto(argv[0]);
	local = parse(argv[1], argv[2]);
	fd = open_socket();
	if (fd < 0)
		die("bind");
	if (type == SOCK_STREAM && listen(fd, 256))
		die("listen");
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
			die("poll");
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

			if (type == SOCK_DGRAM) {
				echo_datagram(fd);
			} else {
				c = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
				if (c >= 0) {
					if (proto == IPPROTO_TCP)
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

static void enter(const char *ns)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(ns);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "-n")) {
		enter(argv[2]);
		argc -= 2;
		argv += 2;
	}
	if (argc > 2 && !strcmp(argv[1], "exec")) {
		execvp(argv[2], argv + 2);
		die(argv[2]);
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
