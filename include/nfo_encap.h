/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Encapsulations: one table of the header types that may stand between Ethernet and
 * the IP header that is forwarded, and functions that read and write such headers. A new header
 * type is a row in that table.
 */
#ifndef _NFO_ENCAP_H
#define _NFO_ENCAP_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/flow_offload.h>

#include "nfo_compat.h"
#include "nfo_key.h"

struct nfo_encap_popped;

/**
 * struct nfo_encap_type - one header type
 * @proto:     ethertype that announces the header, big endian
 * @path:      how dev_fill_forward_path() names the device that adds the header
 * @frame_len: bytes by which the header makes a frame longer
 * @shape:     what the header adds to nfo_encap_shape()
 * @is_vlan:   rules match the header as a VLAN tag and pop it as one
 * @is_tunnel: header of a tunnel that ends at this router; no driver's rule has such a header
 * @hw_push:   action of a rule that pushes the header
 * @push:      puts the header with @id in front of a packet whose ethertype is skb->protocol, which
 *             becomes @proto; NULL for a header that only the tunnel's device makes
 * @parse:     reads the header at @popped->len and adds it to @popped; returns the
 *             ethertype of what is inside, or 0 for a packet that takes the classic path. An IP
 *             header that is no tunnel's adds nothing and returns its own ethertype. NULL for GRE,
 *             which is read with the IP header before it
 */
struct nfo_encap_type {
	__be16				proto;
	enum net_device_path_type	path;
	u8				frame_len;
	u8				shape;
	bool				is_vlan;
	bool				is_tunnel;
	enum flow_action_id		hw_push;
	void				(*push)(struct sk_buff *skb, __be16 proto, __be16 id);
	__be16				(*parse)(struct nfo_encap_popped *popped,
						 const struct sk_buff *skb, __be16 proto);
};

extern const struct nfo_encap_type nfo_encap_types[__NFO_ENCAP_MAX];

/**
 * struct nfo_encap_popped - what nfo_encap_pop() took off a packet
 * @encap:   the headers, as far as a key has room
 * @outer:   the headers in full
 * @layers:  how many headers
 * @len:     bytes of the headers in the packet; a tag in skb->vlan_tci has none
 * @tunnel:  one of the headers is a tunnel's
 * @many:    the packet came by a device that serves many tunnels
 * @ecn:     ECN bits of the tunnel's header
 * @payload: bytes of the IP packet inside, by the length field of the innermost header
 *           that has one; valid with @has_payload
 * @has_payload: one of the headers has a length field
 * @has_tag: a tag was in skb->vlan_tci
 * @tag:     skb->vlan_tci
 * @tag_proto: skb->vlan_proto, big endian
 * @proto:   skb->protocol as it was, big endian
 */
struct nfo_encap_popped {
	struct nfo_encap	encap;
	struct nfo_outer	outer;
	u8			layers;
	u8			len;
	bool			tunnel;
	bool			many;
	u8			ecn;
	bool			has_payload;
	unsigned int		payload;
	bool			has_tag;
	u16			tag;
	__be16			tag_proto;
	__be16			proto;
};

/* Is there too little room in a key, so that the headers must be compared in full? */
static inline bool nfo_encap_is_deep(const struct nfo_encap_popped *popped)
{
	return popped->tunnel || popped->many || popped->layers > NFO_ENCAPS;
}

bool nfo_encap_pop(struct sk_buff *skb, struct nfo_encap_popped *popped, bool tunnels);
void nfo_encap_push(struct sk_buff *skb, const struct nfo_encap *encap);
void nfo_encap_restore(struct sk_buff *skb, const struct nfo_encap_popped *popped);
bool nfo_encap_payload_ok(const struct sk_buff *skb, const struct nfo_encap_popped *popped);
enum nfo_encap_kind nfo_encap_of_path(const struct net_device_path *path);
enum nfo_encap_kind nfo_encap_of_tag(__be16 proto);
unsigned int nfo_encap_frame_len(const struct nfo_encap *encap);
/* Bit of the value of nfo_encap_shape(): one of the tags is 802.1ad. */
#define NFO_ENCAP_SHAPE_AD	4

unsigned int nfo_encap_shape(const struct nfo_encap *encap);
bool nfo_encap_fits_rule(const struct nfo_encap *encap);

/* The kind of the outermost header. A caller that walks inwards shifts @kinds to the right. */
static inline enum nfo_encap_kind nfo_encap_first(u16 kinds)
{
	return kinds & NFO_ENCAP_MASK;
}

/* Is one of the headers that of a PPPoE session? */
static inline bool nfo_encap_has_session(const struct nfo_encap *encap)
{
	u16 kinds;

	for (kinds = encap->kinds; kinds; kinds >>= NFO_ENCAP_BITS)
		if (nfo_encap_first(kinds) == NFO_ENCAP_PPPOE)
			return true;

	return false;
}

/**
 * nfo_encap_add_outer() - add a header outside of the others
 * @encap: headers; fewer than NFO_ENCAPS
 * @kind:  kind of the new header
 * @id:    VLAN or session id of the new header, CPU byte order
 */
static inline void nfo_encap_add_outer(struct nfo_encap *encap, enum nfo_encap_kind kind,
				       u16 id)
{
	int i;

	for (i = NFO_ENCAPS - 1; i > 0; i--)
		encap->id[i] = encap->id[i - 1];
	encap->id[0] = htons(id);
	encap->kinds = encap->kinds << NFO_ENCAP_BITS | kind;
}

/* Are there NFO_ENCAPS headers already? */
static inline bool nfo_encap_is_full(const struct nfo_encap *encap)
{
	return encap->kinds >> (NFO_ENCAPS - 1) * NFO_ENCAP_BITS;
}

/**
 * nfo_encap_drop_outer() - take the outermost header away
 * @encap: headers; at least one
 */
static inline void nfo_encap_drop_outer(struct nfo_encap *encap)
{
	int i;

	for (i = 0; i < NFO_ENCAPS - 1; i++)
		encap->id[i] = encap->id[i + 1];
	encap->id[NFO_ENCAPS - 1] = 0;
	encap->kinds >>= NFO_ENCAP_BITS;
}

static inline bool nfo_encap_equal(const struct nfo_encap *a, const struct nfo_encap *b)
{
	return a->kinds == b->kinds && !memcmp(a->id, b->id, sizeof(a->id));
}

#endif /* _NFO_ENCAP_H */
