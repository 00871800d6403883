// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_badnl - netlink as nobody should speak it, to the family of nf_flow_offload.
 *
 *   nfo_badnl groups               names of the groups of malformed messages
 *   nfo_badnl send GROUP           send each: the errno must be the one expected, and
 *                                  where our family refuses, a sentence must come along
 *   nfo_badnl fuzz SEED COUNT      messages at random, from a seed; each is answered
 *   nfo_badnl hold [-m] [RCVBUF]   begin a dump of flows and read one message of it;
 *                                  -m: then go back to the namespace of process 1
 *   nfo_badnl deaf RCVBUF          join the multicast group and read nothing
 *
 * hold and deaf then take commands on stdin, one line of answer each:
 *   finish    read all that is to come  -> ok finish FLOWS TORN | ok finish EVENTS LOST
 *   queue     the socket as the kernel sees it   -> ok queue BYTES DROPS
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netfilter.h>
#include <linux/nf_flow_offload.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "names_gen.h"

#define DUMP	NLM_F_DUMP
#define DO	NLM_F_ACK

static struct mnl_socket *nl;
static uint16_t family;
static uint32_t group;
static unsigned int seq;
static char out[1 << 17], in[1 << 16];
static char words[256];

static void die(const char *what)
{
	printf("error %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- talking ---- */

static struct nlmsghdr *request(uint16_t type, uint8_t cmd, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(out);
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++seq;
	g->cmd = cmd;
	g->version = NFO_GENL_VERSION;

	return nlh;
}

static void send_it(const struct nlmsghdr *nlh)
{
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		die("send");
}

static void ext_ack(const struct nlmsghdr *nlh, size_t skip)
{
	const struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	mnl_attr_for_each(attr, nlh, skip)
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(words, sizeof(words), "%s", mnl_attr_get_str(attr));
}

/* Read until the answer to the last request has ended. Return: its errno, and the
 * messages in between in @count.
 */
static int answer(unsigned int *count)
{
	const struct nlmsgerr *e;
	struct nlmsghdr *nlh;
	ssize_t got;
	int len, err;

	*count = 0;
	words[0] = 0;
	for (;;) {
		got = mnl_socket_recvfrom(nl, in, sizeof(in));
		if (got < 0)
			die("no answer");
		len = got;
		for (nlh = (void *)in; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_seq != seq)
				continue;
			if (nlh->nlmsg_type == NLMSG_DONE) {
				err = -*(int *)mnl_nlmsg_get_payload(nlh);
				ext_ack(nlh, sizeof(err));
				return err;
			}
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				e = mnl_nlmsg_get_payload(nlh);
				ext_ack(nlh, sizeof(*e));
				return -e->error;
			}
			++*count;
		}
	}
}

static int group_attr(const struct nlattr *attr, void *arg)
{
	(void)arg;
	if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID)
		group = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int groups_attr(const struct nlattr *attr, void *arg)
{
	return mnl_attr_parse_nested(attr, group_attr, arg);
}

static int family_attr(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		family = mnl_attr_get_u16(attr);
	if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
		return mnl_attr_parse_nested(attr, groups_attr, arg);
	return MNL_CB_OK;
}

static int family_msg(const struct nlmsghdr *nlh, void *arg)
{
	return mnl_attr_parse(nlh, sizeof(struct genlmsghdr), family_attr, arg);
}

static void open_socket(void)
{
	struct timeval patience = { .tv_sec = 30 };
	struct nlmsghdr *nlh;
	int one = 1;
	ssize_t got;

	nl = mnl_socket_open(NETLINK_GENERIC);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		die("socket");
	mnl_socket_setsockopt(nl, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));

	nlh = request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, NFO_GENL_NAME);
	send_it(nlh);
	got = mnl_socket_recvfrom(nl, in, sizeof(in));
	if (got < 0 || mnl_cb_run(in, got, 0, 0, family_msg, NULL) < 0 || !family || !group)
		die("no family " NFO_GENL_NAME);
}

/* ---- malformed messages ---- */

/* An attribute with any length, and as many bytes as @len says. */
static void put(struct nlmsghdr *nlh, uint16_t type, size_t len)
{
	static const char zeros[70000];

	mnl_attr_put(nlh, type, len, zeros);
}

/* Shorten the message by some bytes; what its last attribute says stays. */
static void cut(struct nlmsghdr *nlh, unsigned int bytes) { nlh->nlmsg_len -= bytes; }

static void put_dir(struct nlmsghdr *nlh, size_t src, size_t dst, size_t sport, size_t dport)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFO_FLOW_ORIGINAL);

	put(nlh, NFO_DIR_SRC, src);
	put(nlh, NFO_DIR_DST, dst);
	put(nlh, NFO_DIR_SPORT, sport);
	put(nlh, NFO_DIR_DPORT, dport);
	mnl_attr_nest_end(nlh, nest);
}

static void put_tuple(struct nlmsghdr *nlh)
{
	mnl_attr_put_u8(nlh, NFO_FLOW_L4PROTO, IPPROTO_UDP);
	put_dir(nlh, 4, 4, 2, 2);
}

static struct nlattr *nest;
static void filter(struct nlmsghdr *nlh) { nest = mnl_attr_nest_start(nlh, NFO_FLOW_FILTER); }
static void filter_end(struct nlmsghdr *nlh) { mnl_attr_nest_end(nlh, nest); }

static struct genlmsghdr *genl(struct nlmsghdr *nlh) { return mnl_nlmsg_get_payload(nlh); }

#define FILL(name)	static void name(struct nlmsghdr *n)
/* The body stands for a filter. */
#define FILTER(name, body) FILL(name) { filter(n); body; filter_end(n); }
#define F_U8(name, attr, v)	FILTER(name, mnl_attr_put_u8(n, NFO_FILTER_##attr, v))
#define F_LEN(name, attr, len)	FILTER(name, put(n, NFO_FILTER_##attr, len))

FILL(nothing) { (void)n; }
FILL(no_genl_header) { cut(n, 4); }
FILL(half_header) { cut(n, 2); }
FILL(tuple_cut) { put_tuple(n); cut(n, 4); }
FILL(tuple_cut_long) { put_tuple(n); cut(n, 16); }
FILL(attr_of_2) { put(n, NFO_FLOW_L4PROTO, 0); ((struct nlattr *)((char *)(n + 1) + 4))->nla_len = 2; }
FILL(proto_empty) { put(n, NFO_FLOW_L4PROTO, 0); put_dir(n, 4, 4, 2, 2); }
FILL(port_of_1) { mnl_attr_put_u8(n, NFO_FLOW_L4PROTO, 17); put_dir(n, 4, 4, 1, 2); }
FILL(addr_of_3) { mnl_attr_put_u8(n, NFO_FLOW_L4PROTO, 17); put_dir(n, 3, 4, 2, 2); }
FILL(addr_of_5) { mnl_attr_put_u8(n, NFO_FLOW_L4PROTO, 17); put_dir(n, 5, 5, 2, 2); }
FILL(addrs_differ) { mnl_attr_put_u8(n, NFO_FLOW_L4PROTO, 17); put_dir(n, 4, 16, 2, 2); }
FILL(zone_of_1) { put_tuple(n); put(n, NFO_FLOW_ZONE, 1); }
F_LEN(f_addr_of_1, ADDR, 1)
F_LEN(f_addr_of_7, ADDR, 7)
F_LEN(f_dev_of_2, DEV, 2)
F_LEN(f_name_of_0, TABLE, 0)
F_LEN(f_zone_of_4, ZONE, 4)
FILL(setting_of_2) { put(n, NFO_SETTINGS_MAX_FLOWS, 2); }

FILL(no_proto) { put_dir(n, 4, 4, 2, 2); }
FILL(no_dir) { mnl_attr_put_u8(n, NFO_FLOW_L4PROTO, 17); }
FILL(zone_alone) { mnl_attr_put_u16(n, NFO_FLOW_ZONE, 0); }
FILL(dir_empty) { mnl_attr_put_u8(n, NFO_FLOW_L4PROTO, 17); mnl_attr_nest_end(n, mnl_attr_nest_start(n, NFO_FLOW_ORIGINAL)); }
FILL(no_such) { put_tuple(n); }
FILL(no_such_zone) { put_tuple(n); mnl_attr_put_u16(n, NFO_FLOW_ZONE, 65535); }
FILL(no_such6) { mnl_attr_put_u8(n, NFO_FLOW_L4PROTO, 17); put_dir(n, 16, 16, 2, 2); }
FILL(both) { put_tuple(n); filter(n); filter_end(n); }
FILL(filter_only) { filter(n); filter_end(n); }
F_U8(f_prefix_alone, PREFIX, 8)
FILTER(f_prefix_33, put(n, NFO_FILTER_ADDR, 4); mnl_attr_put_u8(n, NFO_FILTER_PREFIX, 33))
F_U8(f_prefix_129, PREFIX, 129)
F_U8(f_state_0, STATE, 0)
F_U8(f_state_200, STATE, 200)
F_U8(f_l3_7, L3PROTO, 7)
FILTER(f_family, put(n, NFO_FILTER_ADDR, 4); mnl_attr_put_u8(n, NFO_FILTER_L3PROTO, NFPROTO_IPV6))
FILTER(f_dev_0, mnl_attr_put_u32(n, NFO_FILTER_DEV, 0))
FILTER(f_dev_none, mnl_attr_put_u32(n, NFO_FILTER_DEV, 0x7fffffff))
FILTER(f_dev_minus, mnl_attr_put_u32(n, NFO_FILTER_DEV, 0xffffffff))
FILTER(f_name_empty, mnl_attr_put_strz(n, NFO_FILTER_TABLE, ""))
FILTER(f_ft_empty, mnl_attr_put_strz(n, NFO_FILTER_FLOWTABLE, ""))
FILTER(f_name_other, mnl_attr_put_strz(n, NFO_FILTER_TABLE, "nosuch"))
FILL(s_one_bad) { mnl_attr_put_u32(n, NFO_SETTINGS_MAX_FLOWS, 7); mnl_attr_put_u32(n, NFO_SETTINGS_HW_QUEUE, 0); }

FILL(not_nested) { put(n, NFO_FLOW_FILTER, 8); }
FILL(nested_u8) { put_dir(n, 4, 4, 2, 2); put(n, NFO_FLOW_L4PROTO | NLA_F_NESTED, 1); }
FILL(byteorder) { put_dir(n, 4, 4, 2, 2); put(n, NFO_FLOW_L4PROTO | NLA_F_NET_BYTEORDER, 1); }
FILTER(f_in_f, struct nlattr *a = nest; filter(n); filter_end(n); nest = a)
FILL(inner_long)
{
	struct nlattr *a;

	filter(n);
	a = mnl_nlmsg_get_payload_tail(n);
	put(n, NFO_FILTER_STATE, 1);
	a->nla_len = 200;
	filter_end(n);
}
FILL(inner_short)
{
	struct nlattr *a;

	filter(n);
	a = mnl_nlmsg_get_payload_tail(n);
	put(n, NFO_FILTER_PORT, 2);
	a->nla_len = 3;
	filter_end(n);
}
FILL(deep)
{
	struct nlattr *level[200];
	int i;

	for (i = 0; i < 200; i++)
		level[i] = mnl_attr_nest_start(n, NFO_FLOW_FILTER);
	while (i--)
		mnl_attr_nest_end(n, level[i]);
}

F_LEN(f_name_long, TABLE, 300)
FILL(f_name_open)
{
	char name[256];

	memset(name, 'x', sizeof(name));
	filter(n);
	mnl_attr_put(n, NFO_FILTER_FLOWTABLE, sizeof(name), name);
	filter_end(n);
}
F_LEN(f_addr_64k, ADDR, 60000)
FILL(addr_64k) { mnl_attr_put_u8(n, NFO_FLOW_L4PROTO, 17); put_dir(n, 30000, 30000, 2, 2); }
FILL(many_unknown) { for (int i = 0; i < 12000; i++) put(n, 200, 1); }
FILL(setting_of_8) { put(n, NFO_SETTINGS_HW_AFTER, 8); }
FILL(port_of_8) { mnl_attr_put_u8(n, NFO_FLOW_L4PROTO, 17); put_dir(n, 4, 4, 2, 8); }

/* The last one counts, everywhere in netlink. */
FILL(twice_filter) { for (int i = 0; i < 2; i++) { filter(n); put(n, NFO_FILTER_L4PROTO, 1); filter_end(n); } }
FILTER(twice_inner, mnl_attr_put_u8(n, NFO_FILTER_L4PROTO, 17); mnl_attr_put_u8(n, NFO_FILTER_L4PROTO, 200))
FILL(twice_tuple) { put_tuple(n); put_tuple(n); }
FILL(twice_bad) { mnl_attr_put_u8(n, NFO_FLOW_L4PROTO, 17); put(n, NFO_FLOW_L4PROTO, 3); put_dir(n, 4, 4, 2, 2); }
FILL(many_times) { for (int i = 0; i < 4000; i++) { filter(n); put(n, NFO_FILTER_L4PROTO, 1); filter_end(n); } }
FILL(twice_set) { mnl_attr_put_u32(n, NFO_SETTINGS_MAX_FLOWS, 4); mnl_attr_put_u32(n, NFO_SETTINGS_MAX_FLOWS, 0); }

FILL(attr_0) { put_tuple(n); put(n, 0, 4); }
FILL(attr_last) { put_tuple(n); put(n, NFO_FLOW_MAX + 1, 4); }
FILL(attr_14bit) { put_tuple(n); put(n, 0x3fff, 4); }
FILL(attr_out) { put_tuple(n); put(n, NFO_FLOW_COUNT, 4); }
FILL(attr_reply) { put_tuple(n); mnl_attr_nest_end(n, mnl_attr_nest_start(n, NFO_FLOW_REPLY)); }
F_LEN(f_attr_last, ZONE + 1, 4)
F_LEN(f_attr_0, UNSPEC, 1)
FILL(any_attr) { put(n, 1, 4); }
FILL(setting_last) { mnl_attr_put_u32(n, NFO_SETTINGS_MAX + 1, 1); }
FILL(dir_out)
{
	struct nlattr *a;

	mnl_attr_put_u8(n, NFO_FLOW_L4PROTO, 17);
	a = mnl_attr_nest_start(n, NFO_FLOW_ORIGINAL);
	put(n, NFO_DIR_OIF, 4);
	mnl_attr_nest_end(n, a);
}

FILL(version_0) { genl(n)->version = 0; }
FILL(version_2) { genl(n)->version = 2; }
FILL(version_255) { genl(n)->version = 255; }
FILL(reserved) { genl(n)->reserved = 1; }

/* What is expected; @words: with a sentence. 0 is for what netlink takes. */
static const struct bad {
	const char *group, *name;
	uint8_t cmd;
	uint16_t flags;
	void (*fill)(struct nlmsghdr *nlh);
	int err;
	bool words;
} bads[] = {
#define GET NFO_CMD_FLOW_GET
#define DEL NFO_CMD_FLOW_DEL
#define SET NFO_CMD_SETTINGS_SET
	{ "truncated", "no header of generic netlink", GET, DO, no_genl_header, EINVAL, false },
	{ "truncated", "half a header", GET, DUMP, half_header, EINVAL, false },
	{ "truncated", "the last attribute is cut", GET, DO, tuple_cut, EINVAL, true },
	{ "truncated", "the last attribute is cut, to delete", DEL, DO, tuple_cut_long, EINVAL, true },
	{ "truncated", "an attribute shorter than its header", GET, DO, attr_of_2, EINVAL, true },
	{ "truncated", "an empty protocol", GET, DO, proto_empty, EINVAL, true },
	{ "truncated", "a port of one byte", DEL, DO, port_of_1, EINVAL, true },
	{ "truncated", "an address of three bytes", GET, DO, addr_of_3, ERANGE, true },
	{ "truncated", "an address of five bytes", GET, DO, addr_of_5, EINVAL, true },
	{ "truncated", "a zone of one byte", GET, DO, zone_of_1, EINVAL, true },
	{ "truncated", "filter: an address of one byte", GET, DUMP, f_addr_of_1, ERANGE, true },
	{ "truncated", "filter: an address of seven bytes", DEL, DO, f_addr_of_7, EINVAL, true },
	{ "truncated", "filter: a device of two bytes", GET, DUMP, f_dev_of_2, EINVAL, true },
	{ "truncated", "filter: a name of no byte", DEL, DO, f_name_of_0, EINVAL, true },
	{ "truncated", "a setting of two bytes", SET, DO, setting_of_2, EINVAL, true },

	{ "nested", "a filter that is no nest", GET, DUMP, not_nested, EINVAL, true },
	{ "nested", "a number that is a nest", GET, DO, nested_u8, EINVAL, true },
	/* a flag that netlink itself never looked at */
	{ "nested", "a number in another byte order", GET, DO, byteorder, ENOENT, true },
	{ "nested", "a filter in a filter", DEL, DO, f_in_f, EINVAL, true },
	{ "nested", "longer than its nest", DEL, DO, inner_long, EINVAL, true },
	{ "nested", "shorter than a header", GET, DUMP, inner_short, EINVAL, true },
	{ "nested", "two hundred filters in one another", DEL, DO, deep, EINVAL, true },
	{ "nested", "an empty direction", GET, DO, dir_empty, EINVAL, true },

	{ "oversized", "a name of 300 bytes", DEL, DO, f_name_long, ERANGE, true },
	{ "oversized", "a name without an end", GET, DUMP, f_name_open, EINVAL, true },
	{ "oversized", "filter: an address of 60000 bytes", DEL, DO, f_addr_64k, EINVAL, true },
	{ "oversized", "filter: a zone of four bytes", DEL, DO, f_zone_of_4, EINVAL, true },
	{ "oversized", "two addresses of 30000 bytes", GET, DO, addr_64k, EINVAL, true },
	{ "oversized", "twelve thousand unknown attributes", GET, DUMP, many_unknown, EINVAL, true },
	{ "oversized", "a setting of eight bytes", SET, DO, setting_of_8, EINVAL, true },
	{ "oversized", "a port of eight bytes", DEL, DO, port_of_8, EINVAL, true },

	{ "repeated", "two filters", GET, DUMP, twice_filter, 0, false },
	{ "repeated", "a protocol twice in a filter", DEL, DO, twice_inner, 0, false },
	{ "repeated", "a flow named twice", DEL, DO, twice_tuple, ENOENT, true },
	{ "repeated", "once right, once wrong", DEL, DO, twice_bad, EINVAL, true },
	{ "repeated", "four thousand filters", GET, DUMP, many_times, 0, false },
	{ "repeated", "a setting twice", SET, DO, twice_set, 0, false },

	{ "unknown", "attribute 0", DEL, DO, attr_0, EINVAL, true },
	{ "unknown", "an attribute beyond the last", DEL, DO, attr_last, EINVAL, true },
	{ "unknown", "an attribute far beyond the last", GET, DO, attr_14bit, EINVAL, true },
	{ "unknown", "an attribute only answers have", DEL, DO, attr_out, EINVAL, true },
	{ "unknown", "the reply direction", GET, DO, attr_reply, EINVAL, true },
	{ "unknown", "a device in a direction", GET, DO, dir_out, EINVAL, true },
	{ "unknown", "in a filter, beyond the last", DEL, DO, f_attr_last, EINVAL, true },
	{ "unknown", "in a filter, 0", GET, DUMP, f_attr_0, EINVAL, true },
	{ "unknown", "to a dump of tables", NFO_CMD_TABLE_GET, DUMP, any_attr, EINVAL, true },
	{ "unknown", "to a dump of devices", NFO_CMD_DEV_GET, DUMP, any_attr, EINVAL, true },
	{ "unknown", "to the counters", NFO_CMD_STATS_GET, DO, any_attr, EINVAL, true },
	{ "unknown", "to the settings", NFO_CMD_SETTINGS_GET, DO, any_attr, EINVAL, true },
	{ "unknown", "a setting", SET, DO, setting_last, EINVAL, true },

	{ "command", "0", 0, DO, nothing, EOPNOTSUPP, false },
	{ "command", "the event's", NFO_CMD_FLOW_EVENT, DO, nothing, EOPNOTSUPP, false },
	{ "command", "beyond the last", NFO_CMD_MAX + 1, DO, nothing, EOPNOTSUPP, false },
	{ "command", "beyond the last, dump", NFO_CMD_MAX + 1, DUMP, nothing, EOPNOTSUPP, false },
	{ "command", "255", 255, DO, nothing, EOPNOTSUPP, false },
	{ "command", "one table", NFO_CMD_TABLE_GET, DO, nothing, EOPNOTSUPP, false },
	{ "command", "a dump of counters", NFO_CMD_STATS_GET, DUMP, nothing, EOPNOTSUPP, false },
	{ "command", "a dump that deletes", DEL, DUMP, filter_only, EOPNOTSUPP, false },
	{ "command", "a dump that sets", SET, DUMP, nothing, EOPNOTSUPP, false },
	/* versions are nobody's business in generic netlink */
	{ "command", "version 0", NFO_CMD_SETTINGS_GET, DO, version_0, 0, false },
	{ "command", "version 2", NFO_CMD_SETTINGS_GET, DO, version_2, 0, false },
	{ "command", "version 255, dump", NFO_CMD_TABLE_GET, DUMP, version_255, 0, false },
	{ "command", "reserved bits", NFO_CMD_SETTINGS_GET, DO, reserved, EINVAL, true },
	{ "command", "reserved bits, dump", NFO_CMD_TABLE_GET, DUMP, reserved, EINVAL, true },
	{ "command", "flags of another time", NFO_CMD_SETTINGS_GET, DO | NLM_F_ATOMIC, nothing, EINVAL, true },
	{ "command", "half a dump's flags", DEL, DO | NLM_F_ROOT, filter_only, EINVAL, true },

	{ "meaning", "a direction without protocol", GET, DO, no_proto, EINVAL, true },
	{ "meaning", "a protocol without direction", DEL, DO, no_dir, EINVAL, true },
	{ "meaning", "a zone alone", DEL, DO, zone_alone, EINVAL, true },
	{ "meaning", "nothing to delete", DEL, DO, nothing, EINVAL, true },
	{ "meaning", "nothing to get", GET, DO, nothing, EINVAL, true },
	{ "meaning", "nothing to set", SET, DO, nothing, EINVAL, true },
	{ "meaning", "addresses of two families", GET, DO, addrs_differ, EINVAL, true },
	{ "meaning", "no such flow", GET, DO, no_such, ENOENT, true },
	{ "meaning", "no such flow to delete", DEL, DO, no_such, ENOENT, true },
	{ "meaning", "no such IPv6 flow", DEL, DO, no_such6, ENOENT, true },
	{ "meaning", "no such flow in that zone", GET, DO, no_such_zone, ENOENT, true },
	{ "meaning", "a flow and a filter to delete", DEL, DO, both, EINVAL, true },
	{ "meaning", "a filter to get one flow", GET, DO, both, EINVAL, true },
	{ "meaning", "a dump of one flow", GET, DUMP, no_such, EINVAL, true },
	{ "meaning", "a dump of one zone, not by filter", GET, DUMP, zone_alone, EINVAL, true },
	{ "meaning", "a prefix without address", DEL, DO, f_prefix_alone, EINVAL, true },
	{ "meaning", "a prefix longer than the address", DEL, DO, f_prefix_33, EINVAL, true },
	{ "meaning", "a prefix longer than any address", DEL, DO, f_prefix_129, ERANGE, true },
	{ "meaning", "state 0", GET, DUMP, f_state_0, ERANGE, true },
	{ "meaning", "state 200", DEL, DO, f_state_200, ERANGE, true },
	{ "meaning", "a family that flows don't have", DEL, DO, f_l3_7, EINVAL, true },
	{ "meaning", "an address of another family", DEL, DO, f_family, EINVAL, true },
	{ "meaning", "device 0", DEL, DO, f_dev_0, ERANGE, true },
	{ "meaning", "a device that does not exist", DEL, DO, f_dev_none, 0, false },
	{ "meaning", "a dump for a device that does not exist", GET, DUMP, f_dev_none, 0, false },
	{ "meaning", "a negative device", GET, DUMP, f_dev_minus, 0, false },
	{ "meaning", "an empty table name", DEL, DO, f_name_empty, EINVAL, true },
	{ "meaning", "an empty flowtable name", GET, DUMP, f_ft_empty, EINVAL, true },
	{ "meaning", "a table that does not exist", DEL, DO, f_name_other, 0, false },
	{ "meaning", "two settings, one wrong", SET, DO, s_one_bad, ERANGE, true },
};

#define BADS	(sizeof(bads) / sizeof(bads[0]))

/* One message; @err and @words are what its answer must have. Return: 0 or 1. */
static int send_one(const char *name, struct nlmsghdr *nlh, int err, bool need_words)
{
	unsigned int count;
	int got;

	send_it(nlh);
	got = answer(&count);
	if (got == err && (words[0] || !need_words))
		return 0;
	printf("%s: %s (%s), expected %s%s\n", name, got ? strerrorname_np(got) : "taken",
	       words, err ? strerrorname_np(err) : "to be taken", need_words ? " with words" : "");
	return 1;
}

static int send_setting(const struct setting *s, uint32_t value)
{
	struct nlmsghdr *nlh = request(family, NFO_CMD_SETTINGS_SET, DO);

	mnl_attr_put_u32(nlh, s->attr, value);
	return send_one(s->name, nlh, ERANGE, true);
}

/* What is just outside the limits of each setting that has limits. */
static int send_limits(void)
{
	unsigned int n = 0, failed = 0;

	for (const struct setting *s = settings; s < settings + SETTINGS; s++) {
		if (s->min) {
			failed += send_setting(s, s->min - 1);
			n++;
		}
		if (s->max < UINT32_MAX) {
			failed += send_setting(s, s->max + 1);
			n++;
		}
	}
	printf("%s %u messages, %u not as expected\n", n && !failed ? "ok" : "error", n, failed);

	return !n || failed;
}

static int send_group(const char *name)
{
	unsigned int n = 0, failed = 0;
	struct nlmsghdr *nlh;

	for (const struct bad *b = bads; b < bads + BADS; b++) {
		if (strcmp(b->group, name))
			continue;
		nlh = request(family, b->cmd, b->flags);
		b->fill(nlh);
		failed += send_one(b->name, nlh, b->err, b->words);
		n++;
	}
	printf("%s %u messages, %u not as expected\n", n && !failed ? "ok" : "error", n, failed);

	return !n || failed;
}

/* ---- at random ---- */

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 32) % below;
}

/* Lengths, types and contents that are nearly right, more often than not. */
static void random_attrs(struct nlmsghdr *nlh, int depth)
{
	static const unsigned char lens[] = { 0, 1, 1, 2, 2, 4, 4, 4, 8, 16, 16, 17, 64, 255 };
	struct nlattr *a;
	char body[256];

	for (uint32_t n = rnd(6); n && nlh->nlmsg_len < 30000; n--) {
		uint16_t type = rnd(NFO_FLOW_MAX + 6) | (rnd(16) ? 0 : rnd(4) << 14);

		if (depth < 4 && !rnd(3)) {
			a = mnl_attr_nest_start(nlh, rnd(2) ? NFO_FLOW_FILTER : rnd(2) ?
						NFO_FLOW_ORIGINAL : type & 0x3fff);
			random_attrs(nlh, depth + 1);
			mnl_attr_nest_end(nlh, a);
		} else {
			size_t len = lens[rnd(sizeof(lens))];

			for (size_t i = 0; i < len; i++)
				body[i] = rnd(4) ? rnd(20) : rnd(256);
			a = mnl_nlmsg_get_payload_tail(nlh);
			mnl_attr_put(nlh, type, len, body);
		}
		if (!rnd(32))
			a->nla_len = rnd(2) ? rnd(12) : rnd(65536);
	}
}

static int fuzz(uint64_t seed, unsigned int rounds)
{
	unsigned int count, taken = 0;
	struct nlmsghdr *nlh;

	state = seed * 0x9e3779b97f4a7c15ULL | 1;
	for (unsigned int i = 0; i < rounds; i++) {
		nlh = request(family, rnd(12), rnd(3) ? DO : DUMP);
		random_attrs(nlh, 0);
		if (!rnd(16))
			genl(nlh)->reserved = rnd(65536);
		/* a message is never shorter than what nlmsghdr and genlmsghdr say */
		if (!rnd(16) && nlh->nlmsg_len > 24)
			cut(nlh, rnd(nlh->nlmsg_len - 20));
		send_it(nlh);
		taken += !answer(&count);
	}
	printf("ok %u messages, %u of them taken\n", rounds, taken);

	return 0;
}

/* ---- readers that stop ---- */

static void rcvbuf(const char *bytes)
{
	int n = atoi(bytes);

	if (setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUF, &n, sizeof(n)))
		die("SO_RCVBUF");
}

/* /proc/net/netlink: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode */
static void say_queue(void)
{
	unsigned long pid, rmem, drops;
	char line[256];
	unsigned int proto;
	FILE *f = fopen("/proc/self/net/netlink", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %u %lu %*x %lu %*s %*s %*s %lu", &proto, &pid, &rmem, &drops) != 4 ||
		    proto != NETLINK_GENERIC || pid != mnl_socket_get_portid(nl))
			continue;
		printf("ok queue %lu %lu\n", rmem, drops);
		fclose(f);
		return;
	}
	puts("error queue: no such socket");
	if (f)
		fclose(f);
}

static void finish_dump(unsigned int flows)
{
	bool torn = false, done = false;
	struct nlmsghdr *nlh;
	ssize_t got;
	int len;

	while (!done) {
		got = mnl_socket_recvfrom(nl, in, sizeof(in));
		if (got <= 0)
			die("finish");
		len = got;
		for (nlh = (void *)in; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				torn = true;
			if (nlh->nlmsg_type == NLMSG_DONE)
				done = true;
			else if (nlh->nlmsg_type == NLMSG_ERROR)
				die("finish: refused");
			else
				flows++;
		}
	}
	printf("ok finish %u %d\n", flows, torn);
}

static void finish_events(void)
{
	unsigned int events = 0, lost = 0;
	ssize_t got;

	for (;;) {
		got = recv(mnl_socket_get_fd(nl), in, sizeof(in), MSG_DONTWAIT);
		if (got < 0 && errno == EAGAIN)
			break;
		if (got < 0 && errno != ENOBUFS)
			die("finish");
		if (got < 0)
			lost++;
		else
			events++;
	}
	printf("ok finish %u %u\n", events, lost);
}

static unsigned int begin_dump(void)
{
	struct nlmsghdr *nlh;
	unsigned int flows = 0;
	ssize_t got;
	int len;

	send_it(request(family, NFO_CMD_FLOW_GET, NLM_F_DUMP));
	/* one read: the kernel makes the next message when there is room */
	got = mnl_socket_recvfrom(nl, in, sizeof(in));
	if (got <= 0)
		die("begin");
	len = got;
	for (nlh = (void *)in; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_type == NLMSG_DONE) {
			puts("error: the dump has one message only");
			exit(1);
		}
		flows++;
	}

	return flows;
}

static void move_away(void)
{
	int fd = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("namespace of process 1");
	close(fd);
}

static int commands(bool dump, unsigned int flows)
{
	char line[64];

	printf("ok %u\n", flows);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (!strncmp(line, "queue", 5))
			say_queue();
		else if (strncmp(line, "finish", 6))
			puts("error what?");
		else if (dump)
			finish_dump(flows);
		else
			finish_events();
		fflush(stdout);
	}

	return 0;
}

static int hold(int argc, char **argv)
{
	bool move = argc && !strcmp(argv[0], "-m");
	unsigned int flows;

	if (argc > move)
		rcvbuf(argv[move]);
	flows = begin_dump();
	if (move)
		move_away();

	return commands(true, flows);
}

static int deaf(const char *bytes)
{
	rcvbuf(bytes);
	if (mnl_socket_setsockopt(nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		die("membership");
	return commands(false, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "groups")) {
		for (const struct bad *b = bads; b < bads + BADS; b++)
			if (b == bads || strcmp(b->group, b[-1].group))
				puts(b->group);
		puts("limits");
		return 0;
	}
	open_socket();
	if (!strcmp(what, "send") && argc == 3)
		return strcmp(argv[2], "limits") ? send_group(argv[2]) : send_limits();
	if (!strcmp(what, "fuzz") && argc == 4)
		return fuzz(strtoull(argv[2], NULL, 0), atoi(argv[3]));
	if (!strcmp(what, "hold"))
		return hold(argc - 2, argv + 2);
	if (!strcmp(what, "deaf") && argc == 3)
		return deaf(argv[2]);
	fputs("usage: nfo_badnl groups | send GROUP | fuzz SEED COUNT | hold [-m] [RCVBUF] | deaf RCVBUF\n",
	      stderr);
	return 2;
}
