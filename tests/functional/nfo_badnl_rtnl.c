// SPDX-License-Identifier: GPL-2.0
/* nfo_badnl: messages of rtnetlink that the kernel did not send, to all who listen to it. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/netconf.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "nfo_badnl.h"

static char out[1 << 13];
static unsigned int sent;

/* To a group, or to the socket with this port. */
static void send_to(int fd, uint32_t groups, uint32_t port, const void *msg, size_t len)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = groups, .nl_pid = port };

	if (sendto(fd, msg, len, MSG_DONTWAIT, (void *)&to, sizeof(to)) < 0 && errno != ECONNREFUSED &&
	    errno != EAGAIN && errno != ESRCH)
		die("sendto: %m");
	sent++;
}

/* Without NLM_F_REQUEST the kernel, which gets what is sent to a group as well, does nothing. */
static struct nlmsghdr *message(uint16_t type, const void *payload, size_t len)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(out);

	nlh->nlmsg_type = type;
	memcpy(mnl_nlmsg_put_extra_header(nlh, len), payload, len);

	return nlh;
}

/* Nothing is wrong with these but the sender. */
static void send_forged(int fd, uint32_t groups, uint32_t port, int ifindex)
{
	struct netconfmsg conf = { .ncm_family = AF_INET };
	struct ifinfomsg link = { .ifi_family = AF_BRIDGE, .ifi_index = ifindex };
	struct ndmsg neigh = { .ndm_family = AF_BRIDGE, .ndm_ifindex = ifindex, .ndm_state = NUD_NOARP };
	struct nhmsg nexthop = { .nh_family = AF_INET };
	struct nlmsghdr *nlh;

	for (int i = NETCONFA_IFINDEX_ALL; i <= ifindex; i++) {
		nlh = message(RTM_NEWNETCONF, &conf, sizeof(conf));
		mnl_attr_put_u32(nlh, NETCONFA_IFINDEX, i);
		send_to(fd, groups, port, nlh, nlh->nlmsg_len);
	}
	nlh = message(RTM_NEWLINK, &link, sizeof(link));
	send_to(fd, groups, port, nlh, nlh->nlmsg_len);
	nlh = message(RTM_DELNEIGH, &neigh, sizeof(neigh));
	send_to(fd, groups, port, nlh, nlh->nlmsg_len);
	nlh = message(RTM_NEWNEXTHOP, &nexthop, sizeof(nexthop));
	send_to(fd, groups, port, nlh, nlh->nlmsg_len);
}

/* Shorter than what their headers say, by up to the largest number. */
static void send_short(int fd, uint32_t groups, uint32_t port)
{
	static const uint16_t types[] = { RTM_NEWNETCONF, RTM_NEWLINK, RTM_DELNEIGH, RTM_NEWNEXTHOP };
	static const char nothing[64];
	struct nlmsghdr *nlh;
	struct nlattr *attr;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (size_t len = 1; len < sizeof(*nlh) + 32; len++) {
			nlh = message(types[i], nothing, 32);
			nlh->nlmsg_len = len % 2 ? sizeof(*nlh) + 32 : INT32_MAX;
			send_to(fd, groups, port, nlh, len);
		}
		/* An attribute that ends anywhere behind the message. */
		for (uint32_t len = sizeof(*attr); len <= UINT16_MAX; len += len / 16 * 4 + 4) {
			nlh = message(types[i], nothing, 4);
			attr = mnl_nlmsg_get_payload_tail(nlh);
			*attr = (struct nlattr) { .nla_len = len, .nla_type = 1000 };
			nlh->nlmsg_len = INT32_MAX;
			send_to(fd, groups, port, nlh, sizeof(*nlh) + 4 + sizeof(*attr));
		}
	}
}

static void send_both(int fd, uint32_t groups, uint32_t port, int ifindex)
{
	send_forged(fd, groups, port, ifindex);
	send_short(fd, groups, port);
}

/* To the sockets of the namespace themselves: /proc/net/netlink, see nfo_badnl_readers.c. */
static void send_ports(int fd, uint32_t own, int ifindex)
{
	FILE *f = fopen("/proc/self/net/netlink", "r");
	unsigned int proto, port, n = 0;
	uint32_t ports[64];
	char line[256];

	while (f && n < 64 && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %u %u", &proto, &port) == 2 && proto == NETLINK_ROUTE && port &&
		    port != own)
			ports[n++] = port;
	if (f)
		fclose(f);
	while (n)
		send_both(fd, 0, ports[--n], ifindex);
}

int rtnl(int ifindex)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID))
		die("NETLINK_ROUTE: %m");
	for (int group = 0; group < 32; group++)
		send_both(mnl_socket_get_fd(nl), 1U << group, 0, ifindex);
	send_ports(mnl_socket_get_fd(nl), mnl_socket_get_portid(nl), ifindex);
	printf("ok %u messages\n", sent);

	return 0;
}
