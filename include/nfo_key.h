/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What identifies the packets of one direction of a connection.
 */
#ifndef _NFO_KEY_H
#define _NFO_KEY_H

#include <linux/bits.h>
#include <linux/types.h>

/**
 * enum nfo_encap_kind - a header between Ethernet and IP
 * @NFO_ENCAP_NONE:   no header
 * @NFO_ENCAP_8021Q:  a VLAN tag, its id is the VLAN id
 * @NFO_ENCAP_8021AD: a service tag, its id is the VLAN id
 * @NFO_ENCAP_PPPOE:  a PPPoE session with its PPP protocol, its id is the session id
 * @__NFO_ENCAP_MAX:  how many kinds there are
 *
 * What each of them needs stands in the table nfo_encap_types.
 */
enum nfo_encap_kind {
	NFO_ENCAP_NONE,
	NFO_ENCAP_8021Q,
	NFO_ENCAP_8021AD,
	NFO_ENCAP_PPPOE,
	__NFO_ENCAP_MAX,
};

/* Bits of struct nfo_encap::kinds that one header takes; 15 kinds have room. */
#define NFO_ENCAP_BITS	4
#define NFO_ENCAP_MASK	(BIT(NFO_ENCAP_BITS) - 1)
/* Headers of a packet that have an id of their own; kinds has room for four. */
#define NFO_ENCAPS	2

/**
 * struct nfo_encap - the headers between Ethernet and IP of a packet
 * @id:    VLAN or session ids, outermost first, big endian
 * @kinds: enum nfo_encap_kind of each header, the outermost in the lowest bits
 */
struct nfo_encap {
	__be16	id[NFO_ENCAPS];
	u16	kinds;
};

/**
 * struct nfo_key - what identifies the packets of one direction
 * @saddr:  IPv4 source address; for IPv6 a hash of the source address
 * @daddr:  IPv4 destination address; for IPv6 a hash of the destination address
 * @sport:  layer 4 source port
 * @dport:  layer 4 destination port
 * @iif:    index of the device whose ingress hook sees the packet
 * @encap:  headers between Ethernet and IP
 * @l4proto: IPPROTO_TCP or IPPROTO_UDP
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

#define NFO_KEY_WORDS	(sizeof(struct nfo_key) / sizeof(u32))

#endif /* _NFO_KEY_H */
