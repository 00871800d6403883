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
 * @NFO_ENCAP_GRE:    the GRE header that follows a tunnel's IP header, without an id
 * @__NFO_ENCAP_MAX:  how many kinds there are
 *
 * The table nfo_encap_types says how each kind is read and written.
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

/* Each header takes this many bits of nfo_encap::kinds, so there is room for 7 kinds. */
#define NFO_ENCAP_BITS	3
#define NFO_ENCAP_MASK	(BIT(NFO_ENCAP_BITS) - 1)
/* How many headers have an id of their own in a key, and how many headers a packet may have: GRE
 * over PPPoE in two VLANs has five.
 */
#define NFO_ENCAPS	2
#define NFO_ENCAPS_MAX	5

static_assert(BIT(NFO_ENCAP_BITS) >= __NFO_ENCAP_MAX && NFO_ENCAPS_MAX * NFO_ENCAP_BITS <= 16);

/**
 * struct nfo_encap - the headers between Ethernet and IP of a packet
 * @id:    VLAN or session ids, outermost first, big endian. A third id and a tunnel's addresses
 *         and number have no place of their own and are folded into the last id; struct
 *         nfo_outer has them in full.
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
 * @tun_id: number of the tunnel that the packet came by, big endian, if the device serves many
 *         tunnels; 0 otherwise
 * @id:     VLAN or session ids of all headers, outermost first, big endian
 * @dscp:   TOS or traffic class of the tunnel's header, its ECN bits 0
 * @keyed:  the GRE header has a key
 * @limit:  an option that limits encapsulation (RFC 2473) follows the IPv6 header
 *
 * Two of these are compared with memcmp(), so every byte has to be set.
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
 * 64-bit words and hashed as six 32-bit ones, so every byte has to be set.
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
 * The packet path handles these two itself; the room l4 handles all other protocols.
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
