// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_probe - a steady stream of numbered datagrams through an echo, and what became
 * of each; and two kinds of packets that no socket sends.
 *
 *   nfo_probe udp LADDR LPORT ADDR PORT RATE COUNT [SIZE]
 *       COUNT datagrams, RATE a second at most: time that was lost is not made up for.
 *       The first line of output is "ok probe". Commands on stdin are
 *         mark     answered with "ok mark N", the number of datagrams sent so far
 *         pass N   answered with "ok pass" when N more datagrams are sent
 *         more N   the stream ends when N more datagrams are sent; "ok more"
 *       The last line is
 *       "ok sent=N echoed=N lost=N gap=MS dup=N bad=N" and, for mark I, the fields
 *       sentI, echoedI, lostI (of the datagrams sent after the mark) and backI: the
 *       milliseconds from the mark to the first echo of a datagram sent after it,
 *       -1 if there was none.
 *   nfo_probe flood LADDR FIRST-PORT COUNT ADDR PORT PACKETS MS
 *       COUNT short UDP connections, or as many as MS milliseconds allow, one source
 *       port each, PACKETS datagrams in each. -> "ok flood ANSWERED of TRIED"
 *   nfo_probe rst SADDR SPORT DADDR DPORT SEQ
 *       one IPv4 TCP RST with these addresses and this sequence number -> "ok rst"
 *
 * The gap is the longest time between two echoes that follow one another; it begins
 * with the first datagram sent and ends with the last one. A datagram with another
 * content than the one sent counts as bad, and as lost.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
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

#define MAX_COUNT	1000000
#define MAX_SIZE	9000
#define MAX_MARKS	8
#define TAIL_NS		500000000LL	/* how long the last echoes are awaited */
#define MAGIC		0x6e666f70u

struct addr {
	struct sockaddr_storage ss;
	socklen_t len;
};

struct mark {
	long long at;		/* when it was set */
	uint32_t seq;		/* of the first datagram sent after it */
	long long back;		/* the first echo of such a datagram, 0: none yet */
};

static bool *echoed;
static uint32_t sent, count;
static uint32_t reach;		/* somebody awaits this many; 0: nobody */
static unsigned int doubled, bad, marks;
static struct mark mark[MAX_MARKS];
static size_t size = 64;
static long long first, last, gap;
static unsigned char tx[MAX_SIZE], rx[MAX_SIZE];

static int fail(const char *what)
{
	printf("error %s %s\n", what, strerrorname_np(errno));
	return 1;
}

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
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
		printf("error address %s %s\n", host, port);
		exit(1);
	}
	return a;
}

static void build(unsigned char *buf, uint32_t seq)
{
	uint32_t head[2] = { MAGIC, seq };

	memcpy(buf, head, sizeof(head));
	for (size_t i = sizeof(head); i < size; i++)
		buf[i] = (seq * 31 + i) * 2654435761u >> 24;
}

static void take_gap(long long t)
{
	if (t - last > gap)
		gap = t - last;
	last = t;
}

static void receive(int fd)
{
	ssize_t n;

	while ((n = recv(fd, rx, sizeof(rx), MSG_DONTWAIT)) >= 0) {
		uint32_t head[2] = { 0 };
		long long t = now();

		if (n >= (ssize_t)sizeof(head))
			memcpy(head, rx, sizeof(head));
		build(tx, head[1]);
		if ((size_t)n != size || head[1] >= sent || memcmp(rx, tx, size)) {
			bad++;
			continue;
		}
		if (echoed[head[1]]) {
			doubled++;
			continue;
		}
		echoed[head[1]] = true;
		take_gap(t);
		for (unsigned int i = 0; i < marks; i++)
			if (!mark[i].back && head[1] >= mark[i].seq)
				mark[i].back = t;
	}
}

static void answer_pass(void)
{
	if (!reach || sent < reach)
		return;
	reach = 0;
	printf("ok pass\n");
}

static void command(struct pollfd *p)
{
	unsigned int arg;
	char line[256];
	ssize_t n = read(p->fd, line, sizeof(line) - 1);

	if (n <= 0) {
		p->fd = -1;
		return;
	}
	line[n] = 0;
	if (!strncmp(line, "mark", 4) && marks < MAX_MARKS) {
		mark[marks++] = (struct mark){ .at = now(), .seq = sent };
		printf("ok mark %u\n", sent);
	} else if (sscanf(line, "pass %u", &arg) == 1) {
		reach = sent + arg;
		answer_pass();
	} else if (sscanf(line, "more %u", &arg) == 1 && sent + arg <= count) {
		count = sent + arg;
		printf("ok more\n");
	} else {
		printf("error command\n");
	}
}

static unsigned int echoed_from(uint32_t seq)
{
	unsigned int n = 0;

	for (uint32_t i = seq; i < sent; i++)
		n += echoed[i];
	return n;
}

static void report(void)
{
	unsigned int n = echoed_from(0);

	printf("ok sent=%u echoed=%u lost=%u gap=%lld dup=%u bad=%u", sent, n, sent - n,
	       gap / 1000000, doubled, bad);
	for (unsigned int i = 0; i < marks; i++) {
		unsigned int all = sent - mark[i].seq;

		n = echoed_from(mark[i].seq);
		printf(" sent%u=%u echoed%u=%u lost%u=%u back%u=%lld", i + 1, all, i + 1, n,
		       i + 1, all - n, i + 1,
		       mark[i].back ? (mark[i].back - mark[i].at) / 1000000 : -1);
	}
	printf("\n");
}

/* Sleep until @until, a packet or a command. */
static void pause_until(struct pollfd *p, long long until)
{
	long long left = until - now();
	struct timespec ts = { .tv_sec = 0 };

	if (left > 0) {
		ts.tv_sec = left / 1000000000;
		ts.tv_nsec = left % 1000000000;
	}
	if (ppoll(p, 2, &ts, NULL) <= 0)
		return;
	if (p[0].revents) {
		/* a queued ICMP error would keep the socket readable */
		int err;
		socklen_t len = sizeof(err);

		getsockopt(p[0].fd, SOL_SOCKET, SO_ERROR, &err, &len);
		receive(p[0].fd);
	}
	if (p[1].revents)
		command(&p[1]);
}

static int probe(int argc, char **argv)
{
	struct addr local = parse(argv[0], argv[1]), remote = parse(argv[2], argv[3]);
	int fd = socket(local.ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
	long long step, due;

	count = atoi(argv[5]);
	if (argc > 6)
		size = atoi(argv[6]);
	if (atoi(argv[4]) < 1 || count < 1 || count > MAX_COUNT || size < 8 || size > MAX_SIZE) {
		printf("error range\n");
		return 1;
	}
	step = 1000000000LL / atoi(argv[4]);
	echoed = calloc(count, sizeof(*echoed));
	if (!echoed || fd < 0)
		return fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&local.ss, local.len) ||
	    connect(fd, (struct sockaddr *)&remote.ss, remote.len))
		return fail("connect");
	printf("ok probe\n");
	first = now();
	last = first;
	due = first;
	while (sent < count) {
		long long t = now();

		if (t < due) {
			pause_until(p, due);
			continue;
		}
		/* A stall is followed by the usual pace, not by a burst. */
		due = t + step;
		build(tx, sent);
		sent++;
		/* A refusal (a device that is down, an ICMP error) is a lost datagram. */
		(void)!send(fd, tx, size, MSG_NOSIGNAL);
		answer_pass();
	}
	due = now();
	while (echoed_from(0) < sent && now() < due + TAIL_NS)
		pause_until(p, now() + TAIL_NS / 10);
	if (last < due)
		take_gap(due);
	report();
	return 0;
}

static int flood(char **argv)
{
	unsigned int n = atoi(argv[2]), packets = atoi(argv[5]), answered = 0, i;
	long long end = now() + atoi(argv[6]) * 1000000LL;

	for (i = 0; i < n && now() < end; i++) {
		struct addr local, remote = parse(argv[3], argv[4]);
		char port[16];
		int fd;

		snprintf(port, sizeof(port), "%u", atoi(argv[1]) + i);
		local = parse(argv[0], port);
		fd = socket(local.ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || bind(fd, (struct sockaddr *)&local.ss, local.len) ||
		    connect(fd, (struct sockaddr *)&remote.ss, remote.len))
			return fail("flood");
		for (unsigned int k = 0; k < packets; k++) {
			struct pollfd p = { .fd = fd, .events = POLLIN };

			build(tx, k);
			(void)!send(fd, tx, size, MSG_NOSIGNAL);
			/* A connection that got no answer gets no more packets. */
			if (poll(&p, 1, 2) != 1 || recv(fd, rx, sizeof(rx), 0) < 0)
				break;
			answered += k + 1 == packets;
		}
		close(fd);
	}
	printf("ok flood %u of %u\n", answered, i);
	return 0;
}

static uint16_t checksum(const void *data, size_t len, uint32_t sum)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i += 2)
		sum += p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static int rst(char **argv)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} packet = {
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP,
			.tot_len = htons(sizeof(packet)), .saddr = inet_addr(argv[0]),
			.daddr = inet_addr(argv[2]) },
		.tcp = { .source = htons(atoi(argv[1])), .dest = htons(atoi(argv[3])),
			 .seq = htonl(strtoul(argv[4], NULL, 0)), .doff = 5, .rst = 1 },
	};
	struct addr to = parse(argv[2], "0");
	uint32_t pseudo = IPPROTO_TCP + sizeof(packet.tcp);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	for (int i = 0; i < 2; i++)
		pseudo += ntohs(i ? packet.ip.saddr >> 16 : packet.ip.saddr & 0xffff) +
			  ntohs(i ? packet.ip.daddr >> 16 : packet.ip.daddr & 0xffff);
	packet.tcp.check = checksum(&packet.tcp, sizeof(packet.tcp), pseudo);
	if (fd < 0 || sendto(fd, &packet, sizeof(packet), 0, (struct sockaddr *)&to.ss, to.len) < 0)
		return fail("rst");
	printf("ok rst\n");
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if ((argc == 8 || argc == 9) && !strcmp(argv[1], "udp"))
		return probe(argc - 2, argv + 2);
	if (argc == 9 && !strcmp(argv[1], "flood"))
		return flood(argv + 2);
	if (argc == 7 && !strcmp(argv[1], "rst"))
		return rst(argv + 2);
	printf("usage: see the head of nfo_probe.c\n");
	return 2;
}
