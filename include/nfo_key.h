/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What identifies the packets of one direction of a connection.
 */
#ifndef _NFO_KEY_H
#define _NFO_KEY_H

#include <linux/bits.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/types.h>

/**
 * enum nfo_encap_kind - a header between Ethernet and the IP header that is forwarded
 * @NFO_ENCAP_NONE:   no header
 * @NFO_ENCAP_8021Q:  a VLAN tag, its id is the VLAN id
 * @NFO_ENCAP_8021AD: a service tag, its id is the VLAN id
 * @NFO_ENCAP_PPPOE:  a PPPoE session with its PPP protocol, its id is the session id
 * @NFO_ENCAP_IPV4:   the IPv4 header of a tunnel (IPIP, 6in4), without an id
 * @NFO_ENCAP_IPV6:   the IPv6 header of a tunnel (IP6IP6, 4in6), without an id
 * @NFO_ENCAP_GRE:    the GRE header that follows one of these, without an id
 * @__NFO_ENCAP_MAX:  how many kinds there are
 *
 * What each of them needs stands in the table nfo_encap_types.
 */
enum nfo_encap_kind {
	NFO_ENCAP_NONE,
	NFO_ENCAP_8021Q,
	NFO_ENCAP_8021AD,
	NFO_ENCAP_PPPOE,
	NFO_ENCAP_IPV4,
	NFO_ENCAP_IPV6,
	NFO_ENCAP_GRE,
	__NFO_ENCAP_MAX,
};

/* Bits of struct nfo_encap::kinds that one header takes; 7 kinds have room. */
#define NFO_ENCAP_BITS	3
#define NFO_ENCAP_MASK	(BIT(NFO_ENCAP_BITS) - 1)
/* Headers whose ids have a place of their own in a key, and headers of a packet: GRE over PPPoE
 * in two VLANs has five.
 */
#define NFO_ENCAPS	2
#define NFO_ENCAPS_MAX	5

static_assert(BIT(NFO_ENCAP_BITS) >= __NFO_ENCAP_MAX && NFO_ENCAPS_MAX * NFO_ENCAP_BITS <= 16);

/**
 * struct nfo_encap - the headers between Ethernet and IP of a packet
 * @id:    VLAN or session ids, outermost first, big endian. What has no place of its own,
 *         a third id, a tunnel's addresses or number, is folded into the last one; struct
 *         nfo_outer has it in full.
 * @kinds: enum nfo_encap_kind of each header, the outermost in the lowest bits
 */
struct nfo_encap {
	__be16	id[NFO_ENCAPS];
	u16	kinds;
};

/**
 * struct nfo_outer - the headers of a packet in full, where a key has no room for them
 * @saddr:  source address of the tunnel's header; IPv4 in the first word, the rest 0
 * @daddr:  destination address of the tunnel's header, likewise
 * @key:    GRE key, big endian; 0 without one
 * @tun_id: the device is one for many tunnels: number of the one that the packet came by, big
 *         endian; 0 otherwise
 * @id:     VLAN or session ids of all headers, outermost first, big endian
 * @dscp:   DSCP of the tunnel's header, in the place it has in that header
 * @keyed:  the GRE header has a key
 * @limit:  the IPv6 header is followed by an option that limits encapsulation (RFC 2473)
 *
 * Compared as bytes: no hole may be left unset.
 */
struct nfo_outer {
	struct in6_addr	saddr;
	struct in6_addr	daddr;
	__be32		key;
	__be32		tun_id;
	__be16		id[NFO_ENCAPS_MAX];
	u8		dscp;
	u8		keyed;
	u8		limit;
	u8		pad[3];
};

/**
 * struct nfo_key - what identifies the packets of one direction
 * @saddr:  IPv4 source address; for IPv6 a hash of the source address
 * @daddr:  IPv4 destination address; for IPv6 a hash of the destination address
 * @sport:  layer 4 source port, or what stands for it (nfo_l4.h)
 * @dport:  layer 4 destination port, likewise
 * @iif:    index of the device whose ingress hook sees the packet
 * @encap:  headers between Ethernet and IP
 * @l4proto: IPPROTO_*
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * Addresses and ports are big endian, as on the wire. Keys are compared as three
 * 64-bit words and hashed as six 32-bit ones: no hole may be left unset.
 */
struct nfo_key {
	__be32			saddr;
	__be32			daddr;
	__be16			sport;
	__be16			dport;
	u32			iif;
	struct nfo_encap	encap;
	u8			l4proto;
	u8			family;
} __aligned(8);

/**
 * nfo_l4_is_main() - is a protocol TCP or UDP?
 * @l4proto: IPPROTO_*
 *
 * The packet path treats these two itself; the room l4 is for all others.
 */
static inline bool nfo_l4_is_main(u8 l4proto)
{
	return l4proto == IPPROTO_TCP || l4proto == IPPROTO_UDP;
}

/**
 * nfo_l4_is_sctp() - is a protocol SCTP, and does conntrack know it?
 * @l4proto: IPPROTO_*
 */
static inline bool nfo_l4_is_sctp(u8 l4proto)
{
	return IS_ENABLED(CONFIG_NF_CT_PROTO_SCTP) && l4proto == IPPROTO_SCTP;
}

#define NFO_KEY_WORDS	(sizeof(struct nfo_key) / sizeof(u32))

#endif /* _NFO_KEY_H */
