// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_pptp - the control connection and one call of PPTP (RFC 2637), as far as conntrack's
 * helper and its NAT read them.
 *
 *   nfo_pptp NAMESPACE serve LOCAL
 *       answers one client, and sends the packets of its call back -> "ok pptp"
 *   nfo_pptp NAMESPACE client LOCAL REMOTE
 *       opens a call -> "ok call OWN-ID PEER-ID"; then commands on stdin:
 *         ping N [SIZE]   N packets of the call with SIZE bytes of data, each awaits its echo
 *                         -> "ok ping N", or "lost I/N" with the number of missing ones
 */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../lib/net.h"

#define PORT		1723
#define MAX		2048
#define MAGIC		0x1a2b3c4d
/* A call's packet: GRE of version 1 with key and sequence number. */
#define HEAD		12
#define CLIENT_CALL	0x1234
#define SERVER_CALL	0x5678

enum { START_REQUEST = 1, START_REPLY = 2, CALL_REQUEST = 7, CALL_REPLY = 8 };

static unsigned int peer_call;

static void put16(unsigned char *p, unsigned int v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static void put32(unsigned char *p, unsigned int v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static unsigned int get16(const unsigned char *p)
{
	return p[0] << 8 | p[1];
}

static size_t message_len(unsigned int type)
{
	switch (type) {
	case START_REQUEST:
	case START_REPLY:
		return 156;
	case CALL_REQUEST:
		return 168;
	default:
		return 32;
	}
}

/* @first and @second: the two words after the message's type. */
static void send_message(int fd, unsigned int type, unsigned int first, unsigned int second)
{
	unsigned char p[168] = { 0 };
	size_t len = message_len(type);

	put16(p, len);
	put16(p + 2, 1);
	put32(p + 4, MAGIC);
	put16(p + 8, type);
	put16(p + 12, first);
	put16(p + 14, second);
	/* The result of a call: connected. */
	if (type == CALL_REPLY)
		p[16] = 1;
	if (send_all(fd, p, len, 5000))
		die("message %u: %m", type);
}

/* Receive a message of this type into @p. */
static void take_message(int fd, unsigned int type, unsigned char *p)
{
	size_t len = message_len(type);

	if (recv(fd, p, len, MSG_WAITALL) != (ssize_t)len || get16(p + 8) != type)
		die("no message %u", type);
}

static size_t build(unsigned char *p, unsigned int sequence, size_t size)
{
	put16(p, 0x3001);
	put16(p + 2, 0x880b);
	put16(p + 4, size);
	put16(p + 6, peer_call);
	put32(p + 8, sequence);
	for (size_t i = 0; i < size; i++)
		p[HEAD + i] = (sequence * 31 + i) * 2654435761u >> 24;

	return HEAD + size;
}

/* A packet of this call, without IPv4's header. Return: its length, 0 for none. */
static size_t take(int fd, unsigned int call, unsigned char *p)
{
	ssize_t n = recv(fd, p, MAX, MSG_DONTWAIT);
	size_t head = (p[0] & 15) * 4;

	if (n < (ssize_t)(head + HEAD) || get16(p + head + 6) != call)
		return 0;
	memmove(p, p + head, n - head);

	return n - head;
}

static bool one_round(int fd, unsigned int sequence, size_t size, const struct addr *remote)
{
	static unsigned char tx[MAX], rx[MAX];
	long long end = now_ms() + 1000;
	size_t len = build(tx, sequence, size);

	if (sendto(fd, tx, len, 0, (const struct sockaddr *)&remote->ss, remote->len) < 0)
		return false;
	while (now_ms() < end) {
		if (!wait_for(fd, POLLIN, 100))
			continue;
		if (take(fd, CLIENT_CALL, rx) == len && !memcmp(rx + 8, tx + 8, len - 8))
			return true;
	}

	return false;
}

static void client(int fd, const struct addr *local, const struct addr *remote)
{
	struct addr to = *remote;
	int tcp = socket_connected(local, remote, SOCK_STREAM, IPPROTO_TCP, 5000);
	unsigned int sequence = 0;
	unsigned char p[MAX];
	char line[256];

	if (tcp < 0)
		die("control connection: %m");
	send_message(tcp, START_REQUEST, 0x100, 0);
	take_message(tcp, START_REPLY, p);
	send_message(tcp, CALL_REQUEST, CLIENT_CALL, 1);
	take_message(tcp, CALL_REPLY, p);
	peer_call = get16(p + 12);
	/* The raw socket has no port. */
	((struct sockaddr_in *)&to.ss)->sin_port = 0;
	say("ok call %u %u", CLIENT_CALL, peer_call);

	while (fgets(line, sizeof(line), stdin)) {
		unsigned int n, size = 64, lost = 0;

		if (sscanf(line, "ping %u %u", &n, &size) < 1 || size > MAX - HEAD)
			continue;
		for (unsigned int i = 0; i < n; i++)
			lost += !one_round(fd, ++sequence, size, &to);
		if (lost)
			say("lost %u/%u", lost, n);
		else
			say("ok ping %u", n);
	}
}

static void echo(int fd, const struct addr *to)
{
	unsigned char p[MAX];

	while (wait_for(fd, POLLIN, -1)) {
		size_t len = take(fd, SERVER_CALL, p);

		put16(p + 6, peer_call);
		if (len)
			(void)!sendto(fd, p, len, 0, (const struct sockaddr *)&to->ss, to->len);
	}
}

static void serve(int fd, const struct addr *local)
{
	int listener = socket_bound(local, SOCK_STREAM, IPPROTO_TCP);
	struct addr from = { .len = sizeof(from.ss) };
	unsigned char p[MAX];
	int tcp;

	if (listener < 0 || listen(listener, 1))
		die("port %d: %m", PORT);
	say("ok pptp");
	tcp = accept(listener, (struct sockaddr *)&from.ss, &from.len);
	if (tcp < 0)
		die("accept: %m");
	take_message(tcp, START_REQUEST, p);
	/* Version and result. */
	send_message(tcp, START_REPLY, 0x100, 0x100);
	take_message(tcp, CALL_REQUEST, p);
	peer_call = get16(p + 12);
	send_message(tcp, CALL_REPLY, SERVER_CALL, peer_call);
	((struct sockaddr_in *)&from.ss)->sin_port = 0;
	echo(fd, &from);
}

int main(int argc, char **argv)
{
	struct addr local, remote, raw;
	int fd;

	if (argc < 4 || netns_enter_name(argv[1]))
		die("usage: see the head of nfo_pptp.c");
	raw = addr_parse(argv[3], 0);
	fd = socket_bound(&raw, SOCK_RAW, IPPROTO_GRE);
	if (fd < 0)
		die("GRE: %m");
	local = addr_parse(argv[3], strcmp(argv[2], "serve") ? 0 : PORT);
	if (argc == 4) {
		serve(fd, &local);
	} else {
		remote = addr_parse(argv[4], PORT);
		client(fd, &local, &remote);
	}

	return 0;
}
