/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The filter of a netlink request, which selects flows.
 */
#ifndef _NFO_FILTER_H
#define _NFO_FILTER_H

#include <linux/netlink.h>

#include "nfo_table.h"

/**
 * struct nfo_filter - NFO_FILTER_*, parsed; zero means "any"
 * @l3proto:   NFPROTO_*
 * @l4proto:   IPPROTO_*
 * @prefix:    how many bits of @addr are compared, with @has_addr
 * @state:     enum nfo_flow_state
 * @has_addr:  @addr is compared, with either end of the connection
 * @has_port:  @port is compared, likewise
 * @has_zone:  @zone is compared
 * @port:      big endian
 * @zone:      conntrack zone
 * @dev:       index of a device that the flow uses
 * @addr:      of the family @l3proto, big endian
 * @table:     name of the nft table
 * @flowtable: name of the flowtable
 */
struct nfo_filter {
	u8			l3proto;
	u8			l4proto;
	u8			prefix;
	u8			state;
	bool			has_addr;
	bool			has_port;
	bool			has_zone;
	__be16			port;
	u16			zone;
	u32			dev;
	union nf_inet_addr	addr;
	char			table[NFT_NAME_MAXLEN];
	char			flowtable[NFT_NAME_MAXLEN];
};

int nfo_filter_parse(struct nfo_filter *filter, struct nlattr * const tb[],
		     struct netlink_ext_ack *extack);
bool nfo_filter_table(const struct nfo_table *t, const struct nfo_filter *filter);
bool nfo_filter_flow(const struct nfo_flow *f, const struct nfo_filter *filter);

/**
 * nfo_flow_state() - where a flow's packets are forwarded
 * @f: flow seen under rcu_read_lock()
 */
static inline enum nfo_flow_state nfo_flow_state(const struct nfo_flow *f)
{
	switch (READ_ONCE(nfo_flow_hw(f)->state)) {
	case NFO_HW_QUEUED:
		return NFO_STATE_QUEUED;
	case NFO_HW_LIVE:
	case NFO_HW_RETIRING:
		return hweight8(READ_ONCE(nfo_flow_hw(f)->want)) == 1 ? NFO_STATE_HALF :
							      NFO_STATE_HARDWARE;
	}
	return nfo_flow_is_oneway(f) ? NFO_STATE_ONEWAY : NFO_STATE_SOFTWARE;
}

#endif /* _NFO_FILTER_H */
