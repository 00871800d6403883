// SPDX-License-Identifier: GPL-2.0
/*
 * Filters: parse a request's description of flows, and compare flows with it.
 */
#include <linux/inetdevice.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include <net/netlink.h>

#include "nfo_filter.h"

static int nfo_filter_parse_addr(struct nfo_filter *filter, const struct nlattr *addr,
				 const struct nlattr *prefix,
				 struct netlink_ext_ack *extack)
{
	u8 family = nla_len(addr) == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	unsigned int bits = nla_len(addr) * 8;

	if (nla_len(addr) != 4 && nla_len(addr) != 16) {
		NL_SET_ERR_MSG_ATTR(extack, addr, "an address has 4 or 16 bytes");
		return -EINVAL;
	}
	if (filter->l3proto && filter->l3proto != family) {
		NL_SET_ERR_MSG_ATTR(extack, addr, "the address is not of the family asked for");
		return -EINVAL;
	}
	filter->prefix = prefix ? nla_get_u8(prefix) : bits;
	if (filter->prefix > bits) {
		NL_SET_ERR_MSG_ATTR(extack, prefix, "the prefix is longer than the address");
		return -EINVAL;
	}
	memcpy(&filter->addr, nla_data(addr), nla_len(addr));
	filter->l3proto = family;
	filter->has_addr = true;

	return 0;
}

/* An empty name is refused, because in struct nfo_filter it would mean any name. */
static int nfo_filter_parse_name(char name[NFT_NAME_MAXLEN], const struct nlattr *attr,
				 struct netlink_ext_ack *extack)
{
	if (!attr)
		return 0;
	nla_strscpy(name, attr, NFT_NAME_MAXLEN);
	if (name[0])
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "the name is empty");

	return -EINVAL;
}

/**
 * nfo_filter_parse() - read a filter
 * @filter: zeroed; filled
 * @tb:     attributes by NFO_FILTER_*, validated against their policy
 * @extack: filled with what is wrong
 *
 * Return: 0 or -EINVAL.
 */
int nfo_filter_parse(struct nfo_filter *filter, struct nlattr * const tb[],
		     struct netlink_ext_ack *extack)
{
	if (tb[NFO_FILTER_L3PROTO])
		filter->l3proto = nla_get_u8(tb[NFO_FILTER_L3PROTO]);
	if (filter->l3proto && filter->l3proto != NFPROTO_IPV4 &&
	    filter->l3proto != NFPROTO_IPV6) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NFO_FILTER_L3PROTO],
				    "flows are of IPv4 (2) or IPv6 (10)");
		return -EINVAL;
	}
	if (tb[NFO_FILTER_L4PROTO])
		filter->l4proto = nla_get_u8(tb[NFO_FILTER_L4PROTO]);
	if (tb[NFO_FILTER_STATE])
		filter->state = nla_get_u8(tb[NFO_FILTER_STATE]);
	if (tb[NFO_FILTER_DEV])
		filter->dev = nla_get_u32(tb[NFO_FILTER_DEV]);
	if (tb[NFO_FILTER_PORT]) {
		filter->port = nla_get_be16(tb[NFO_FILTER_PORT]);
		filter->has_port = true;
	}
	if (tb[NFO_FILTER_ZONE]) {
		filter->zone = nla_get_u16(tb[NFO_FILTER_ZONE]);
		filter->has_zone = true;
	}
	if (nfo_filter_parse_name(filter->table, tb[NFO_FILTER_TABLE], extack) ||
	    nfo_filter_parse_name(filter->flowtable, tb[NFO_FILTER_FLOWTABLE], extack))
		return -EINVAL;
	if (tb[NFO_FILTER_ADDR])
		return nfo_filter_parse_addr(filter, tb[NFO_FILTER_ADDR],
					     tb[NFO_FILTER_PREFIX], extack);
	if (tb[NFO_FILTER_PREFIX]) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NFO_FILTER_PREFIX],
				    "a prefix length needs an address");
		return -EINVAL;
	}

	return 0;
}

/**
 * nfo_filter_table() - can flows of a table pass a filter?
 * @t:      table
 * @filter: filter
 *
 * Context: any.
 */
bool nfo_filter_table(const struct nfo_table *t, const struct nfo_filter *filter)
{
	if (filter->table[0] && strcmp(filter->table, t->table_name))
		return false;
	return !filter->flowtable[0] || !strcmp(filter->flowtable, t->name);
}

static bool nfo_filter_addr(const struct nf_conntrack_tuple *t,
			    const struct nfo_filter *filter)
{
	if (filter->l3proto == NFPROTO_IPV4) {
		__be32 mask = inet_make_mask(filter->prefix);

		return !((t->src.u3.ip ^ filter->addr.ip) & mask) ||
		       !((t->dst.u3.ip ^ filter->addr.ip) & mask);
	}

	return ipv6_prefix_equal(&t->src.u3.in6, &filter->addr.in6, filter->prefix) ||
	       ipv6_prefix_equal(&t->dst.u3.in6, &filter->addr.in6, filter->prefix);
}

static bool nfo_filter_tuple(const struct nf_conntrack_tuple *t,
			     const struct nfo_filter *filter)
{
	if (filter->has_addr && !nfo_filter_addr(t, filter))
		return false;
	return !filter->has_port || t->src.u.all == filter->port ||
	       t->dst.u.all == filter->port;
}

static bool nfo_filter_dev(const struct nfo_flow *f, u32 ifindex)
{
	const struct nfo_route_refs *refs;
	int dir;

	/* The listed device counts, and so do the devices that routing uses. */
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		if (!nfo_flow_learned(f, dir))
			continue;
		refs = nfo_flow_refs(f, dir);
		if (f->e[dir].key.iif == ifindex || refs->in->ifindex == ifindex ||
		    refs->out->ifindex == ifindex)
			return true;
	}

	return false;
}

/**
 * nfo_filter_flow() - does a flow pass a filter?
 * @f:      flow seen under rcu_read_lock()
 * @filter: filter; nfo_filter_table() compares the table
 *
 * Address and port are compared within the tuple of one direction. Context: rcu_read_lock().
 */
bool nfo_filter_flow(const struct nfo_flow *f, const struct nfo_filter *filter)
{
	if (filter->l3proto && filter->l3proto != nf_ct_l3num(f->ct))
		return false;
	if (filter->l4proto && filter->l4proto != nf_ct_protonum(f->ct))
		return false;
	if (filter->state && filter->state != nfo_flow_state(f))
		return false;
	if (filter->has_zone && filter->zone != nf_ct_zone(f->ct)->id)
		return false;
	if (filter->dev && !nfo_filter_dev(f, filter->dev))
		return false;

	return nfo_filter_tuple(nf_ct_tuple(f->ct, IP_CT_DIR_ORIGINAL), filter) ||
	       nfo_filter_tuple(nf_ct_tuple(f->ct, IP_CT_DIR_REPLY), filter);
}
