// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_raw - packets of protocols that have no sockets everywhere, and their echo.
 *
 *   nfo_raw NAMESPACE serve PROTO LOCAL PORT
 *       sends each packet back to where it came from -> "ok raw"
 *   nfo_raw NAMESPACE client PROTO LOCAL SPORT REMOTE DPORT
 *       -> "ok raw"; then commands on stdin:
 *         ping N [SIZE]   N packets with SIZE bytes of data, each awaits its echo
 *                         -> "ok ping N", or "lost I/N" with the number of missing ones
 *         send N [SIZE]   without awaiting anything -> "ok send N"
 *         version N       GRE packets have this version from now on -> "ok version"
 *
 * PROTO: gre, ipip and ah (an IPv4 packet inside), esp, udplite (with ports), icmp (SPORT is the
 * identifier; the far end's kernel answers). An echo of UDP-Lite whose checksum is wrong
 * counts as missing.
 */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../lib/net.h"

#define MAX	2048
#define AH_LEN	24
#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif

static unsigned char tx[MAX], rx[MAX];
static struct addr local, remote;
static uint16_t sport, dport;
static uint8_t gre_version;
static int proto, sequence;
static bool v6;

static void put16(unsigned char *p, unsigned int v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static unsigned int get16(const unsigned char *p)
{
	return p[0] << 8 | p[1];
}

static uint32_t sum(const void *data, size_t len, uint32_t s)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		s += i % 2 ? p[i] : p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static uint32_t sum_addr(const struct addr *a)
{
	if (v6)
		return sum(&((const struct sockaddr_in6 *)&a->ss)->sin6_addr, 16, 0);
	return sum(&((const struct sockaddr_in *)&a->ss)->sin_addr, 4, 0);
}

static void udplite_checksum(unsigned char *p, size_t len, const struct addr *from,
			     const struct addr *to)
{
	size_t covered = get16(p + 4) ? get16(p + 4) : len;
	uint32_t s = sum_addr(from) + sum_addr(to) + IPPROTO_UDPLITE + len;

	put16(p + 6, 0);
	s = sum(p, covered, s);
	put16(p + 6, s == 0xffff ? s : ~s);
}

static bool udplite_ok(const unsigned char *p, size_t len, const struct addr *from,
		       const struct addr *to)
{
	size_t covered = get16(p + 4) ? get16(p + 4) : len;
	uint32_t s = sum_addr(from) + sum_addr(to) + IPPROTO_UDPLITE + len;

	return len >= 8 && covered <= len && sum(p, covered, s) == 0xffff;
}

/* An IPv4 packet with UDP from 10.9.9.1 to 10.9.9.2. */
static size_t build_inner(unsigned char *p, size_t data)
{
	static const unsigned char addrs[] = { 10, 9, 9, 1, 10, 9, 9, 2 };

	memset(p, 0, 28);
	p[0] = 0x45;
	put16(p + 2, 28 + data);
	p[8] = 64;
	p[9] = IPPROTO_UDP;
	memcpy(p + 12, addrs, sizeof(addrs));
	put16(p + 10, ~sum(p, 20, 0));
	put16(p + 20, 4000);
	put16(p + 22, 4001);
	put16(p + 24, 8 + data);

	return 28;
}

/* Return: the length of what is in tx, with @size bytes of data. */
static size_t build(size_t size)
{
	size_t head = 8;

	memset(tx, 0, 64);
	switch (proto) {
	case IPPROTO_GRE:
		tx[1] = gre_version;
		put16(tx + 2, gre_version ? 0x880b : 0x0800);
		head = 4 + build_inner(tx + 4, size);
		break;
	case IPPROTO_IPIP:
		head = build_inner(tx, size);
		break;
	case IPPROTO_AH:
		tx[0] = IPPROTO_IPIP;
		/* In words of 32 bits, less 2. */
		tx[1] = AH_LEN / 4 - 2;
		put16(tx + 6, 0x1234);
		put16(tx + 10, sequence);
		head = AH_LEN + build_inner(tx + AH_LEN, size);
		break;
	case IPPROTO_UDPLITE:
		put16(tx, sport);
		put16(tx + 2, dport);
		put16(tx + 4, sequence % 3 ? 8 + size / 2 : 0);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		tx[0] = v6 ? 128 : 8;
		put16(tx + 4, sport);
		put16(tx + 6, sequence);
		break;
	default:
		put16(tx + 2, 0x1234);
		put16(tx + 6, sequence);
	}
	for (size_t i = 0; i < size; i++)
		tx[head + i] = (sequence * 31 + i) * 2654435761u >> 24;
	if (proto == IPPROTO_UDPLITE)
		udplite_checksum(tx, head + size, &local, &remote);
	/* The kernel makes the checksum of ICMPv6. */
	if (proto == IPPROTO_ICMP)
		put16(tx + 2, ~sum(tx, head + size, 0));

	return head + size;
}

/* The packet without IPv4's header. Return: its length, 0 for none. */
static size_t take(int fd, struct addr *from)
{
	ssize_t n;

	from->len = sizeof(from->ss);
	n = recvfrom(fd, rx, sizeof(rx), MSG_DONTWAIT, (struct sockaddr *)&from->ss, &from->len);
	if (n > 0 && !v6) {
		size_t head = (rx[0] & 15) * 4;

		n -= head;
		if (n > 0)
			memmove(rx, rx + head, n);
	}
	if (v6)
		((struct sockaddr_in6 *)&from->ss)->sin6_port = 0;

	return n > 0 ? n : 0;
}

static bool is_echo(size_t n, size_t len, const struct addr *from)
{
	size_t head = proto == IPPROTO_UDPLITE || proto == IPPROTO_ICMP ||
		      proto == IPPROTO_ICMPV6 ? 8 : 0;

	if (n != len || memcmp(rx + head, tx + head, len - head))
		return false;
	if (proto == IPPROTO_UDPLITE)
		return get16(rx + 2) == sport && udplite_ok(rx, n, from, &local);
	if (head)
		return rx[0] == (v6 ? 129 : 0) && !memcmp(rx + 4, tx + 4, 4);
	return true;
}

static bool one_round(int fd, size_t size, bool await)
{
	long long end = now_ms() + 1000;
	struct addr from;
	size_t len;

	sequence++;
	len = build(size);
	if (sendto(fd, tx, len, 0, (const struct sockaddr *)&remote.ss, remote.len) < 0)
		return false;
	while (await && now_ms() < end) {
		if (!wait_for(fd, POLLIN, 100))
			continue;
		if (is_echo(take(fd, &from), len, &from))
			return true;
	}
	return !await;
}

static void talk(int fd)
{
	char line[256], word[32];

	while (fgets(line, sizeof(line), stdin)) {
		unsigned int n = 0, size = 64, lost = 0;

		if (sscanf(line, "%31s %u %u", word, &n, &size) < 1 || size > 1400)
			continue;
		if (!strcmp(word, "version")) {
			gre_version = n;
			say("ok version");
			continue;
		}
		for (unsigned int i = 0; i < n; i++)
			lost += !one_round(fd, size, !strcmp(word, "ping"));
		if (lost)
			say("lost %u/%u", lost, n);
		else
			say("ok %s %u", word, n);
	}
}

static void serve(int fd)
{
	struct addr from;
	size_t n;

	while (wait_for(fd, POLLIN, -1)) {
		n = take(fd, &from);
		if (n < 4)
			continue;
		if (proto == IPPROTO_UDPLITE) {
			unsigned int port = get16(rx);

			if (!udplite_ok(rx, n, &from, &local))
				continue;
			put16(rx, get16(rx + 2));
			put16(rx + 2, port);
			udplite_checksum(rx, n, &local, &from);
		}
		(void)!sendto(fd, rx, n, 0, (struct sockaddr *)&from.ss, from.len);
	}
}

/* A kernel that knows UDP-Lite answers packets to a port without a socket. */
static void hold_port(const char *host, int port)
{
	struct addr a = addr_parse(host, port);

	if (proto == IPPROTO_UDPLITE)
		(void)!socket_bound(&a, SOCK_DGRAM, proto);
}

static int set_proto(const char *name)
{
	static const struct { const char *name; int proto; } names[] = {
		{ "gre", IPPROTO_GRE }, { "ipip", IPPROTO_IPIP }, { "esp", IPPROTO_ESP },
		{ "udplite", IPPROTO_UDPLITE }, { "icmp", IPPROTO_ICMP }, { "ah", IPPROTO_AH },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i].name))
			return names[i].proto;
	die("'%s' is no protocol", name);
	return 0;
}

int main(int argc, char **argv)
{
	int fd;

	if (argc < 6 || netns_enter_name(argv[1]))
		die("usage: see the head of nfo_raw.c");
	proto = set_proto(argv[3]);
	local = addr_parse(argv[4], 0);
	v6 = local.ss.ss_family == AF_INET6;
	if (v6 && proto == IPPROTO_ICMP)
		proto = IPPROTO_ICMPV6;
	fd = socket_bound(&local, SOCK_RAW, proto);
	if (fd < 0)
		die("%s: %m", argv[3]);
	hold_port(argv[4], atoi(argv[5]));
	if (!strcmp(argv[2], "client") && argc == 8) {
		sport = atoi(argv[5]);
		remote = addr_parse(argv[6], 0);
		dport = atoi(argv[7]);
		say("ok raw");
		talk(fd);
	} else {
		say("ok raw");
		serve(fd);
	}
	return 0;
}
