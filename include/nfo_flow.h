/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A flow is one connection in the fast path. It has two entries, one a direction; an
 * entry is all that a packet of that direction needs.
 */
#ifndef _NFO_FLOW_H
#define _NFO_FLOW_H

#include <linux/if_ether.h>
#include <linux/in6.h>
#include <linux/netdevice.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <net/netfilter/nf_conntrack.h>

#include "nfo_compat.h"
#include "nfo_key.h"

/* Room for an Ethernet header; leaves space for two VLAN tags and PPPoE. */
#define NFO_HH_MAX	32

/* struct nfo_entry::flags, fixed before the entry is published */
#define NFO_E_REPLY	BIT(0)	/* the connection's reply direction */
#define NFO_E_NAT	BIT(1)	/* addresses or ports are rewritten */
#define NFO_E_KEEP_DST	BIT(2)	/* the output device wants skb_dst() */

/**
 * struct nfo_entry - one direction of a flow, laid out for the packet path
 *
 *  line 0  identity, and whether it is true   line 1  what becomes of the packet
 *  0  node     8  hash chain               64  out       8  output device
 *  8  key     24  struct nfo_key           72  ct        8  for its status word
 *  32 epoch    4  topology epoch           80  saddr,daddr  8  new addresses
 *  36 used     4  jiffies of last packet   88  sport,dport  4  new ports
 *  40 mtu      2  largest IP packet        92  addr_delta,l4_delta  4
 *  42 hh_len   1  link-layer header        96  hh       32  link-layer header,
 *  43 flags    1  NFO_E_*                               its end at the end
 *  44 in       4  device routing knows
 *  48 packets  8
 *  56 bytes    8
 *
 * An IPv4 packet touches these two lines, the hash bucket, and the status word
 * of its conntrack entry; IPv6 has its addresses in a third (struct nfo_addr6).
 *
 * Written by the packet path: @epoch, @used (WRITE_ONCE, racing writers write
 * the same kind of truth), @mtu (by a new verification), @packets and @bytes.
 * Everything else is constant from publication to the end of the RCU grace
 * period after removal. @out and @ct are referenced by the flow.
 */
struct nfo_entry {
	struct rhash_head	node;
	struct nfo_key		key;
	u32			epoch;
	u32			used;
	u16			mtu;
	u8			hh_len;
	u8			flags;
	u32			in;
	atomic64_t		packets;
	atomic64_t		bytes;

	struct net_device	*out __aligned(64);
	struct nf_conn		*ct;
	__be32			saddr;
	__be32			daddr;
	__be16			sport;
	__be16			dport;
	u16			addr_delta;
	u16			l4_delta;
	u8			hh[NFO_HH_MAX];
} __aligned(64);

/**
 * struct nfo_addr6 - the IPv6 addresses of one direction, one cache line; constant
 * @saddr: source address packets arrive with
 * @daddr: destination address they arrive with
 * @new_saddr: source address they leave with
 * @new_daddr: destination address they leave with
 */
struct nfo_addr6 {
	struct in6_addr		saddr;
	struct in6_addr		daddr;
	struct in6_addr		new_saddr;
	struct in6_addr		new_daddr;
};

struct nfo_dev;
struct nfo_neigh;
struct nfo_table;

/**
 * struct nfo_lower - what stands between routing's device and the frames
 * @dev:    the listed device whose ingress hook and hardware see the frames; valid while
 *          the device is listed in the flowtable, or while the holder has a reference
 * @encap:  headers between Ethernet and IP there
 * @h_dest: with PPPoE: the peer's address
 */
struct nfo_lower {
	struct net_device	*dev;
	struct nfo_encap	encap;
	u8			h_dest[ETH_ALEN];
};

/**
 * struct nfo_route_refs - what one direction keeps alive
 * @dst:    route, one reference
 * @neigh:  next hop, one reference; NULL when the device has no link layer
 * @out:    output device, one reference through @tracker
 * @tracker: holder of the device reference
 * @cookie: for dst_check()
 * @out_lower: what is below @out; its device with one reference through @lower_tracker,
 *          for the hardware's rules name it
 * @lower_tracker: holder of that reference
 *
 * After publication @dst and @cookie are protected by nfo_flow::lock; the rest is
 * constant.
 */
struct nfo_route_refs {
	struct dst_entry	*dst;
	struct nfo_neigh	*neigh;
	struct net_device	*out;
	netdevice_tracker	tracker;
	u32			cookie;
	struct nfo_lower	out_lower;
	netdevice_tracker	lower_tracker;
};

/**
 * struct nfo_route - the forwarding decision of one direction
 * @refs:   the objects it rests on
 * @in:     index of the device its packets enter by, as routing knows it
 * @in_lower: what is below that device
 * @mtu:    largest IP packet that leaves unfragmented, bytes
 * @keep_dst: the output device reads skb_dst()
 * @hh_len: bytes used of @hh
 * @hh:     link-layer header as it goes on the wire, at the end of the array
 */
struct nfo_route {
	struct nfo_route_refs	refs;
	u32			in;
	struct nfo_lower	in_lower;
	u16			mtu;
	bool			keep_dst;
	u8			hh_len;
	u8			hh[NFO_HH_MAX];
};

/**
 * enum nfo_hw_state - where a flow stands with the hardware
 * @NFO_HW_SOFT:     nowhere
 * @NFO_HW_QUEUED:   on its way in
 * @NFO_HW_LIVE:     what is meant to be in hardware is
 * @NFO_HW_RETIRING: on its way out
 */
enum nfo_hw_state {
	NFO_HW_SOFT,
	NFO_HW_QUEUED,
	NFO_HW_LIVE,
	NFO_HW_RETIRING,
};

/**
 * enum nfo_hw_rule_state - where one direction's rule stands
 * @NFO_RULE_NONE:     the driver does not have it
 * @NFO_RULE_WAITING:  in nfo_hw_queue::add
 * @NFO_RULE_ADDING:   the driver is being asked
 * @NFO_RULE_IN:       in hardware, and in nfo_hw_queue::live
 * @NFO_RULE_LEAVING:  in nfo_hw_queue::del
 * @NFO_RULE_DELETING: the driver is being told
 */
enum nfo_hw_rule_state {
	NFO_RULE_NONE,
	NFO_RULE_WAITING,
	NFO_RULE_ADDING,
	NFO_RULE_IN,
	NFO_RULE_LEAVING,
	NFO_RULE_DELETING,
};

/**
 * struct nfo_hw_rule - one direction's side of the hardware
 * @node:  in one of the lists of the device's queue
 * @dev:   device whose driver has or gets the rule, which nfo_dev::users keeps; NULL
 *         when the direction is not meant to be in hardware
 * @state: enum nfo_hw_rule_state
 * @dir:   enum ip_conntrack_dir
 *
 * Protected by nfo_hw::lock.
 */
struct nfo_hw_rule {
	struct list_head	node;
	struct nfo_dev		*dev;
	u8			state;
	u8			dir;
};

/**
 * struct nfo_hw_flow - a flow's side of the hardware
 * @rule:  by direction
 * @state: enum nfo_hw_state
 * @want:  directions meant to be in hardware, bit by enum ip_conntrack_dir
 * @evict: the flow is to leave the hardware, though it lives on in software
 * @rate:  packets per second, both directions, by the last measurement
 * @at:    jiffies of that measurement; 0 before the first
 * @seen:  packets at that time
 *
 * Protected by nfo_hw::lock; the states are read without it for display.
 */
struct nfo_hw_flow {
	struct nfo_hw_rule	rule[IP_CT_DIR_MAX];
	u8			state;
	u8			want;
	bool			evict;
	u32			rate;
	u32			at;
	u64			seen;
};

/* struct nfo_flow::state, bit numbers for atomic bit operations */
#define NFO_F_DEAD	0	/* retired: the caller that set it does the rest */
#define NFO_F_ONEWAY	1	/* UDP without a reply so far: original entry only */
#define NFO_F_JOINING	2	/* a caller is inserting the reply entry */

/**
 * struct nfo_flow - one connection in the fast path
 * @e:      its two directions, indexed by enum ip_conntrack_dir
 * @table:  the flowtable it is in, which outlives the flow; constant
 * @ct:     conntrack entry, one reference; constant
 * @state:  NFO_F_* bits, atomic
 * @lock:   protects dst and cookie of @route after publication
 * @route:  what the directions rest on
 * @wheel:  place in the table's ageing wheel, protected by the wheel's lock
 * @added:  jiffies of promotion; constant
 * @mark:   of the packet that promoted the flow; routes are looked up with it; constant
 * @refs:   one for being published, one while the hardware has the flow
 * @hw:     its side of the hardware
 * @rcu:    frees the flow
 * @a6:     IPv6 only: addresses of the two directions
 *
 * Holders: the hash chains and the wheel, both left in nfo_flow_retire(), and the
 * hardware queue. When the last is gone an RCU callback drops what the flow holds.
 * Anybody else looks at a flow under rcu_read_lock() only.
 */
struct nfo_flow {
	struct nfo_entry	e[IP_CT_DIR_MAX];
	struct nfo_table	*table;
	struct nf_conn		*ct;
	unsigned long		state;
	spinlock_t		lock;	/* dst and cookie of route[] */
	struct nfo_route_refs	route[IP_CT_DIR_MAX];
	struct list_head	wheel;
	u32			added;
	u32			mark;
	refcount_t		refs;
	struct nfo_hw_flow	hw;
	struct rcu_head		rcu;
	struct nfo_addr6	a6[] __aligned(64);
};

/* Say in a key where its packets come in. */
static inline void nfo_key_set_lower(struct nfo_key *key, const struct nfo_lower *lower)
{
	key->iif = lower->dev->ifindex;
	key->encap = lower->encap;
}

static inline enum ip_conntrack_dir nfo_dir(const struct nfo_entry *e)
{
	return e->flags & NFO_E_REPLY ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
}

static inline struct nfo_flow *nfo_flow(const struct nfo_entry *e)
{
	return container_of(e - nfo_dir(e), struct nfo_flow, e[0]);
}

static inline struct nfo_addr6 *nfo_addr6(const struct nfo_entry *e)
{
	return &nfo_flow(e)->a6[nfo_dir(e)];
}

#endif /* _NFO_FLOW_H */
