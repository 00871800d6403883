/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Steps that the packet path and learning share. They are inline because they run for each packet.
 */
#ifndef _NFO_ENTRY_H
#define _NFO_ENTRY_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ipv6.h>
#include <net/route.h>

#include "nfo_fields.h"
#include "nfo_flow.h"
#include "nfo_pure.h"

/**
 * nfo_skb_tos() - type of service or traffic class, ECN included
 * @skb:    packet, network header set and in the linear part
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 */
static inline u8 nfo_skb_tos(const struct sk_buff *skb, u8 family)
{
	return family == NFPROTO_IPV6 ? ipv6_get_dsfield(ipv6_hdr(skb)) : ip_hdr(skb)->tos;
}

/**
 * nfo_skb_ttl() - time to live or hop limit
 * @skb:    packet, network header set and in the linear part
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 */
static inline u8 nfo_skb_ttl(const struct sk_buff *skb, u8 family)
{
	return family == NFPROTO_IPV6 ? ipv6_hdr(skb)->hop_limit : ip_hdr(skb)->ttl;
}

/**
 * nfo_skb_len() - the length field of the IP header
 * @skb:    packet, network header set and in the linear part
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * skb->len may include padding. Return: big endian; of IPv6 without the IP header.
 */
static inline __be16 nfo_skb_len(const struct sk_buff *skb, u8 family)
{
	return family == NFPROTO_IPV6 ? ipv6_hdr(skb)->payload_len : ip_hdr(skb)->tot_len;
}

/**
 * nfo_skb_label() - IPv6 flow label or IPv4 fragment field, as it stands in the header
 * @skb:    packet, network header set and in the linear part
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 */
static inline u32 nfo_skb_label(const struct sk_buff *skb, u8 family)
{
	return family == NFPROTO_IPV6 ? (__force u32)ip6_flowlabel(ipv6_hdr(skb)) :
					(__force u32)ip_hdr(skb)->frag_off;
}

/**
 * nfo_fields_differ() - does a packet come with a field that differs from the entry's?
 * @e:        entry
 * @mark:     as in struct nfo_look; separate arguments can be kept in registers
 * @priority: likewise
 * @tos:      likewise
 * @ttl:      likewise
 *
 * Return: true when nfo_fields_unknown() has to say whether the entry holds for the packet.
 */
static inline bool nfo_fields_differ(const struct nfo_entry *e, u32 mark, u32 priority,
				     u8 tos, u8 ttl)
{
	return (mark ^ e->mark) | (priority ^ e->priority) |
	       ((tos ^ e->dscp) & ~INET_ECN_MASK) | (ttl ^ e->ttl_in);
}

/**
 * nfo_skb_look() - read a packet's fields that rulesets may set
 * @skb:    packet, network header set and in the linear part
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 */
static inline struct nfo_look nfo_skb_look(const struct sk_buff *skb, u8 family)
{
	return (struct nfo_look) {
		.mark		= skb->mark,
		.priority	= skb->priority,
		.tos		= nfo_skb_tos(skb, family),
		.ttl		= nfo_skb_ttl(skb, family),
	};
}

/**
 * nfo_look_before() - the fields that a packet has before the ruleset sees it
 * @look: nfo_skb_look() of the packet at the ingress hook
 * @e:    entry of its direction, which says whether forwarding derives the priority from the TOS
 */
static inline struct nfo_look nfo_look_before(struct nfo_look look, const struct nfo_entry *e)
{
	if (e->flags & NFO_E_PRIO_TOS)
		look.priority = rt_tos2priority(look.tos);

	return look;
}

/**
 * nfo_l4_csum_nat() - update a layer 4 checksum for the addresses and ports that NAT writes
 * @check:   checksum field of the packet that came in
 * @e:       entry with NFO_E_NAT
 * @partial: the packet is CHECKSUM_PARTIAL: the field has the pseudo header's sum
 *
 * Return: the field of the packet that leaves. A UDP packet without a checksum has a field of 0,
 * which the caller must leave alone.
 */
static inline __sum16 nfo_l4_csum_nat(__sum16 check, const struct nfo_entry *e, bool partial)
{
	if (partial)
		return nfo_csum_apply_partial(check, e->addr_delta);
	return nfo_csum_apply(check, e->l4_delta);
}

/**
 * nfo_entry_track_tcp() - remember a segment's numbers if they are the highest so far
 * @e:   entry of the segment's direction
 * @th:  TCP header
 * @len: bytes after the TCP header
 *
 * The window belongs to the acknowledgment: that of an older segment is history.
 */
static inline void nfo_entry_track_tcp(struct nfo_entry *e, const struct tcphdr *th,
				       unsigned int len)
{
	u32 end = ntohl(th->seq) + len;
	u32 ack = ntohl(th->ack_seq);

	if ((s32)(end - READ_ONCE(e->end)) > 0)
		WRITE_ONCE(e->end, end);
	if ((s32)(ack - READ_ONCE(e->ack)) >= 0) {
		WRITE_ONCE(e->ack, ack);
		WRITE_ONCE(e->win, ntohs(th->window));
	}
}

#endif /* _NFO_ENTRY_H */
