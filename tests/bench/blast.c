// SPDX-License-Identifier: GPL-2.0
/*
 * blast ADDR PORT COUNT - send COUNT small UDP datagrams as fast as they go,
 * from one socket, and print how many nanoseconds that took.
 *
 * Beside pktgen because a socket's packets are like everybody's: the skb has
 * one owner, and a checksum. pktgen keeps a reference to what it sent.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include "../lib/net.h"

#define BATCH	64
#define PAYLOAD	18			/* 60 bytes with Ethernet, IPv4, UDP */

int main(int argc, char **argv)
{
	struct mmsghdr messages[BATCH] = { 0 };
	char payload[PAYLOAD] = "nf_flow_offload";
	struct iovec iov = { payload, sizeof(payload) };
	struct addr to, from;
	long left, count;
	long long start;
	int fd;

	if (argc != 4) {
		fputs("usage: blast ADDR PORT COUNT\n", stderr);
		return 2;
	}
	to = addr_parse(argv[1], atoi(argv[2]));
	from = addr_parse(to.ss.ss_family == AF_INET6 ? "::" : "0.0.0.0", 4001);
	fd = socket_connected(&from, &to, SOCK_DGRAM, 0, -1);
	if (fd < 0)
		die("socket: %m");
	for (int i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_iov = &iov;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	count = left = atol(argv[3]);
	start = now_ns();
	while (left > 0) {
		int n = sendmmsg(fd, messages, left < BATCH ? left : BATCH, 0);

		if (n < 0)
			die("sending: %m");
		left -= n;
	}
	say("%lld", now_ns() - start);
	return count <= 0;
}
