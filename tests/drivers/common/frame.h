/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames as the models of hardware see them: where their headers are, what the headers say,
 * and whether two frames differ in anything that routing decides.
 */
#ifndef NFD_FRAME_H
#define NFD_FRAME_H

#include <linux/if_ether.h>
#include <linux/if_pppox.h>
#include <linux/if_vlan.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/ppp_defs.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#define NFD_TAGS	2
#define NFD_PPPOE_LEN	(sizeof(struct pppoe_hdr) + 2)
/* The longest header in front of IP. */
#define NFD_L2_MAX	(ETH_HLEN + NFD_TAGS * VLAN_HLEN + NFD_PPPOE_LEN)

/* Addresses of IPv4 are in the first word of @src and @dst. */
struct nfd_frame {
	u8	eth[2 * ETH_ALEN];	/* destination, source */
	u8	tags;
	bool	pppoe;
	bool	v6;
	bool	closing;		/* a TCP segment with SYN, FIN or RST */
	__be16	tpid[NFD_TAGS];
	__be16	vid[NFD_TAGS];
	__be16	sid;
	__be32	src[4], dst[4];
	__be16	sport, dport;
	u8	proto, tos, ttl, tcp_flags;
	/* Offsets from the Ethernet header. */
	u16	l3, l4, end;
};

void nfd_frame_tag(struct nfd_frame *f, u8 tags, u16 outer, u16 inner);
bool nfd_frame_read(struct nfd_frame *f, const u8 *data, u32 len);
bool nfd_frame_same(const struct nfd_frame *a, const struct nfd_frame *b);
bool nfd_frame_write(struct sk_buff *skb, const struct nfd_frame *was, const struct nfd_frame *now);

#endif
