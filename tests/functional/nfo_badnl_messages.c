// SPDX-License-Identifier: GPL-2.0
/* nfo_badnl: malformed messages, and what the kernel should say of each. */
#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <string.h>
#include "nfo_badnl.h"

/* An attribute with any length, and as many bytes as @len says. */
static void put(struct nlmsghdr *nlh, uint16_t type, size_t len)
{
	static const char zeros[70000];

	mnl_attr_put(nlh, type, len, zeros);
}

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

FILL(version_0) { genl_header(n)->version = 0; }
FILL(version_2) { genl_header(n)->version = 2; }
FILL(version_255) { genl_header(n)->version = 255; }
FILL(reserved) { genl_header(n)->reserved = 1; }

const struct bad bads[] = {
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
	{ }
};
