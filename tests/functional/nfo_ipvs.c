// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_ipvs PROTO ADDRESS PORT SERVER PORT - have IPVS balance what comes for ADDRESS, of this network
 * namespace, to one server, with NAT. IPv4. It prints "ok ipvs".
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
/* This wants what netinet/in.h has declared. */
#include <linux/ip_vs.h>
#include "../lib/net.h"

static struct in_addr address(const char *text)
{
	struct addr a = addr_parse(text, 0);

	return ((const struct sockaddr_in *)&a.ss)->sin_addr;
}

static int protocol(const char *name)
{
	if (!strcmp(name, "sctp"))
		return IPPROTO_SCTP;
	return strcmp(name, "udp") ? IPPROTO_TCP : IPPROTO_UDP;
}

int main(int argc, char **argv)
{
	/* The kernel reads both structures behind each other. */
	struct {
		struct ip_vs_service_user s;
		struct ip_vs_dest_user d;
	} u = { .s.sched_name = "rr", .d.weight = 1, .d.conn_flags = IP_VS_CONN_F_MASQ };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	if (argc != 6)
		die("usage: nfo_ipvs PROTO ADDRESS PORT SERVER PORT");
	u.s.protocol = protocol(argv[1]);
	u.s.addr = address(argv[2]).s_addr;
	u.s.port = htons(atoi(argv[3]));
	u.d.addr = address(argv[4]).s_addr;
	u.d.port = htons(atoi(argv[5]));
	if (setsockopt(fd, IPPROTO_IP, IP_VS_SO_SET_ADD, &u.s, sizeof(u.s)))
		die("service: %m");
	if (setsockopt(fd, IPPROTO_IP, IP_VS_SO_SET_ADDDEST, &u, sizeof(u)))
		die("server: %m");
	puts("ok ipvs");

	return 0;
}
