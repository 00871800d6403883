/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the directions of flows rest on: route, next hop, devices. Directions that rest on the
 * same share one object.
 */
#ifndef _NFO_REFS_H
#define _NFO_REFS_H

#include <linux/etherdevice.h>
#include <linux/if_pppox.h>
#include <linux/netdevice.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>

#include "nfo_compat.h"
#include "nfo_key.h"

struct nfo_neigh;
struct nfo_net;

/**
 * struct nfo_lower - the listed device below the device that routing uses
 * @dev:    the listed device, which sends and receives the frames; NULL: not found. Valid in the
 *          RCU section that found it, or while the owner of this structure has a reference
 * @encap:  headers between Ethernet and IP in these frames
 * @h_dest: with PPPoE: Ethernet address of the peer; otherwise 0
 * @h_source: with PPPoE: Ethernet address of the device that the session runs on, which may be a
 *          VLAN device with an address of its own
 * @mtu:    of a tunnel: the largest IP packet that the route to its other end takes whole;
 *          0: no tunnel, or not known
 */
struct nfo_lower {
	struct net_device	*dev;
	struct nfo_encap	encap;
	u16			mtu;
	u8			h_dest[ETH_ALEN];
	u8			h_source[ETH_ALEN];
};

/**
 * struct nfo_origin - by what, beside the key, a ruleset may tell connections of two zones apart
 * @mark:     skb->mark at the ingress hook
 * @h_source: the sender's Ethernet address
 * @has_source: frames have an Ethernet header, and @h_source is valid
 */
struct nfo_origin {
	u32	mark;
	u8	h_source[ETH_ALEN];
	bool	has_source;
};

/**
 * struct nfo_extra - what only few directions need
 * @outer:     all headers that packets must come with; valid with @has_outer
 * @origin:    where packets must come from, with NFO_E_ORIGIN
 * @has_outer: the key has no room for all of the headers
 * @tunnel:    one of the headers is a tunnel's
 * @decrypted: packets come out of IPsec
 * @encrypt:   packets leave through IPsec: the route is a bundle of its transformations
 * @shown:     nfo_tunnel_shows() has sent a packet the classic way, and none has taught since
 * @at:        jiffies when it last sent one; of the lesson before the first
 *
 * Constant after publication, apart from @shown and @at, which packets write without a lock.
 */
struct nfo_extra {
	struct nfo_outer	outer;
	struct nfo_origin	origin;
	bool			has_outer;
	bool			tunnel;
	bool			decrypted;
	bool			encrypt;
	u8			shown;
	u32			at;
};

/**
 * struct nfo_came - fields of the packet that taught a direction, as the packet came in
 * @mark:     skb->mark
 * @priority: skb->priority
 * @dscp:     DSCP, in the upper six bits
 * @ecn:      ECN, in the lower two bits
 */
struct nfo_came {
	u32	mark;
	u32	priority;
	u8	dscp;
	u8	ecn;
};

/* Index of a byte in nfo_route_refs::hh. Without NFO_E_HEADER it is true when @hh begins with the
 * IPv4 address of the tunnel's other end, from which the tunnel's device makes its header.
 */
#define NFO_HH_IS_ADDR	(ETH_HLEN - 1)

/**
 * struct nfo_route_refs - what a direction of a flow rests on, and keeps alive
 * @out:    output device, one reference through @tracker
 * @send:   device that software hands packets to: @out, or @out_lower.dev when software passes by
 *          the devices between, see nfo_lower_send_by(); no reference of its own
 * @in:     device that packets come in by, as routing knows it, one reference through
 *          @in_tracker
 * @out_lower: what is below @out; its device with one reference through @lower_tracker,
 *          because hardware rules name it
 * @dst:    route, one reference
 * @neigh:  next hop, one reference; NULL when the device has no link layer
 * @extra:  with NFO_E_EXTRA or NFO_E_ORIGIN, owned; NULL without
 * @hh:     link-layer header of packets that leave, with NFO_E_HEADER; see NFO_HH_IS_ADDR
 * @given:  fields of @came that count, NFO_FIELD_* and NFO_BY_ECN: the direction holds for packets
 *          that come so
 * @came:   what packets come with
 * @in_dest: Ethernet address that frames come for, with NFO_E_IN_DEST
 * @in_source: Ethernet address that frames come from, with NFO_E_IN_SOURCE
 * @cookie: for dst_check()
 * @rp_filter: nfo_route_rp_filter() of @in when the direction was learned
 * @push:   software puts on the headers of the devices that it passes by: nfo_push_xmit()
 * @shared: the object is in nfo_refs_table, where lessons of other directions find it
 * @refs:   one for each direction that uses the object
 * @nn:     namespace that counts the memory, one reference
 * @tracker: holder of the reference of @out
 * @in_tracker: holder of the reference of @in
 * @lower_tracker: holder of the reference of @out_lower's device
 * @node:   with @shared: in nfo_refs_table
 * @rcu:    drops what the object keeps alive and frees it
 *
 * A lesson fills one on its stack, without @shared, @refs, @nn, @node and @rcu, and gives it to
 * nfo_route_refs_share() or nfo_route_refs_drop(). The object that nfo_route_refs_share() returns
 * is constant, apart from @refs and what struct nfo_extra names.
 */
struct nfo_route_refs {
	/* What packets read. */
	struct net_device	*send;
	u8			hh[ETH_HLEN];
	u8			in_dest[ETH_ALEN];
	u8			rp_filter;
	bool			shared;
	bool			push;
	u8			given;
	struct net_device	*in;
	struct nfo_extra	*extra;
	struct dst_entry	*dst;
	struct net_device	*out;

	/* Another cache line: each new flow writes @refs, nfo_route_refresh() compares the rest
	 * twice a second, and packets read it only with PPPoE or devices that are passed by.
	 */
	u8			in_source[ETH_ALEN];
	refcount_t		refs;
	struct nfo_neigh	*neigh;
	u32			cookie;
	struct nfo_came		came;
	struct nfo_net		*nn;
	struct nfo_lower	out_lower;
	netdevice_tracker	tracker;
	netdevice_tracker	in_tracker;
	netdevice_tracker	lower_tracker;
	struct rhash_head	node;
	struct rcu_head		rcu;
};

extern struct nfo_route_refs nfo_route_refs_none;

/* Is one of the headers that of a PPPoE session? Of all headers only this one sets @h_dest. */
static inline bool nfo_lower_has_session(const struct nfo_lower *lower)
{
	return !is_zero_ether_addr(lower->h_dest);
}

/* Return: how many bytes of a port's MTU the header of a PPPoE session takes. */
static inline unsigned int nfo_lower_session_len(const struct nfo_lower *lower)
{
	return nfo_lower_has_session(lower) ? PPPOE_SES_HLEN : 0;
}

int nfo_route_refs_init(void);
void nfo_route_refs_exit(void);
void nfo_route_refs_drop(struct nfo_route_refs *refs);
struct nfo_route_refs *nfo_route_refs_share(struct nfo_net *nn, struct nfo_route_refs *refs);
void nfo_route_refs_put(struct nfo_route_refs *refs);
bool nfo_route_refs_alike(const struct nfo_route_refs *a, const struct nfo_route_refs *b);
bool nfo_lower_equal(const struct nfo_lower *a, const struct nfo_lower *b);

#endif /* _NFO_REFS_H */
