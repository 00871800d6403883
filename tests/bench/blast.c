// SPDX-License-Identifier: GPL-2.0
/*
 * blast ADDR PORT COUNT - send COUNT small UDP datagrams as fast as they go,
 * from one socket, and print how many nanoseconds that took.
 *
 * Beside pktgen because a socket's packets are like everybody's: the skb has
 * one owner, and a checksum. pktgen keeps a reference to what it sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH	64
#define PAYLOAD	18			/* 60 bytes with Ethernet, IPv4, UDP */

int main(int argc, char **argv)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} to = { 0 }, from = { 0 };
	struct mmsghdr messages[BATCH] = { 0 };
	char payload[PAYLOAD] = "nf_flow_offload";
	struct iovec iov = { payload, sizeof(payload) };
	struct timespec a, b;
	long left, count;
	socklen_t len;
	int fd;

	if (argc != 4) {
		fputs("usage: blast ADDR PORT COUNT\n", stderr);
		return 2;
	}
	if (inet_pton(AF_INET6, argv[1], &to.in6.sin6_addr) == 1) {
		to.in6.sin6_family = from.in6.sin6_family = AF_INET6;
		to.in6.sin6_port = htons(atoi(argv[2]));
		from.in6.sin6_port = htons(4001);
		len = sizeof(to.in6);
	} else if (inet_pton(AF_INET, argv[1], &to.in.sin_addr) == 1) {
		to.in.sin_family = from.in.sin_family = AF_INET;
		to.in.sin_port = htons(atoi(argv[2]));
		from.in.sin_port = htons(4001);
		len = sizeof(to.in);
	} else {
		fprintf(stderr, "blast: '%s' is no address\n", argv[1]);
		return 2;
	}
	fd = socket(to.any.sa_family, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, &from.any, len) || connect(fd, &to.any, len)) {
		perror("blast");
		return 1;
	}
	for (int i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_iov = &iov;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	count = left = atol(argv[3]);
	clock_gettime(CLOCK_MONOTONIC, &a);
	while (left > 0) {
		int n = sendmmsg(fd, messages, left < BATCH ? left : BATCH, 0);

		if (n < 0) {
			perror("blast");
			return 1;
		}
		left -= n;
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%lld\n", (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec);
	return count <= 0;
}
