// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_mst - multiple spanning trees of a bridge, which the `bridge` of Debian 12 does not know yet:
 *
 *   nfo_mst NAMESPACE on BRIDGE            before its ports have VLANs
 *   nfo_mst NAMESPACE tree BRIDGE VID TREE the tree of a VLAN
 *   nfo_mst NAMESPACE state PORT TREE STATE
 */
#define _GNU_SOURCE
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "../lib/net.h"

static char buf[8192];

static int device(const char *name)
{
	int ifindex = if_nametoindex(name);

	if (!ifindex)
		die("%s: %m", name);
	return ifindex;
}

static struct nlmsghdr *message(int type, const void *header, size_t size)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = 1;
	memcpy(mnl_nlmsg_put_extra_header(nlh, size), header, size);
	return nlh;
}

static struct nlmsghdr *on(char **arg)
{
	struct ifinfomsg link = { .ifi_index = device(arg[0]) };
	struct nlmsghdr *nlh = message(RTM_NEWLINK, &link, sizeof(link));
	struct br_boolopt_multi options = {
		.optval = 1 << BR_BOOLOPT_MST_ENABLE,
		.optmask = 1 << BR_BOOLOPT_MST_ENABLE,
	};
	struct nlattr *info = mnl_attr_nest_start(nlh, IFLA_LINKINFO), *data;

	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put(nlh, IFLA_BR_MULTI_BOOLOPT, sizeof(options), &options);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return nlh;
}

static struct nlmsghdr *tree(char **arg)
{
	struct br_vlan_msg msg = { .family = AF_BRIDGE, .ifindex = device(arg[0]) };
	struct nlmsghdr *nlh = message(RTM_NEWVLAN, &msg, sizeof(msg));
	struct nlattr *entry = mnl_attr_nest_start(nlh, BRIDGE_VLANDB_GLOBAL_OPTIONS);

	mnl_attr_put_u16(nlh, BRIDGE_VLANDB_GOPTS_ID, atoi(arg[1]));
	mnl_attr_put_u16(nlh, BRIDGE_VLANDB_GOPTS_MSTI, atoi(arg[2]));
	mnl_attr_nest_end(nlh, entry);
	return nlh;
}

static struct nlmsghdr *state(char **arg)
{
	struct ifinfomsg link = { .ifi_family = AF_BRIDGE, .ifi_index = device(arg[0]) };
	struct nlmsghdr *nlh = message(RTM_SETLINK, &link, sizeof(link));
	struct nlattr *spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	struct nlattr *mst = mnl_attr_nest_start(nlh, IFLA_BRIDGE_MST);
	struct nlattr *entry = mnl_attr_nest_start(nlh, IFLA_BRIDGE_MST_ENTRY);

	mnl_attr_put_u16(nlh, IFLA_BRIDGE_MST_ENTRY_MSTI, atoi(arg[1]));
	mnl_attr_put_u8(nlh, IFLA_BRIDGE_MST_ENTRY_STATE, atoi(arg[2]));
	mnl_attr_nest_end(nlh, entry);
	mnl_attr_nest_end(nlh, mst);
	mnl_attr_nest_end(nlh, spec);
	return nlh;
}

static struct nlmsghdr *request(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[2], "on"))
		return on(argv + 3);
	if (argc == 6 && !strcmp(argv[2], "tree"))
		return tree(argv + 3);
	if (argc == 6 && !strcmp(argv[2], "state"))
		return state(argv + 3);
	die("usage: nfo_mst NAMESPACE on BRIDGE | tree BRIDGE VID TREE | state PORT TREE STATE");
}

int main(int argc, char **argv)
{
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	ssize_t n;

	if (argc < 2 || netns_enter_name(argv[1]))
		die("nfo_mst: %m");
	nlh = request(argc, argv);
	nl = mnl_socket_open(NETLINK_ROUTE);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		die("rtnetlink: %m");
	n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (n < 0 || mnl_cb_run(buf, n, 1, mnl_socket_get_portid(nl), NULL, NULL) < 0)
		die("%s: %m", argv[2]);
	return 0;
}
