/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Conditions that a packet must meet before the fast path reads its headers. The functions are
 * inline because they run for each packet.
 */
#ifndef _NFO_SKB_H
#define _NFO_SKB_H

#include <linux/if_packet.h>
#include <linux/skbuff.h>

/* May the packet be rewritten? Usually it has one user. pktgen keeps a reference of a packet that
 * it has sent, to see when the packet is freed, so a second user is allowed; it keeps one more each
 * time that it sends the same packet again, and then the classic path makes a copy. A shared skb
 * must be linear, because it cannot be pulled.
 */
static inline bool nfo_skb_is_own(const struct sk_buff *skb)
{
	unsigned int users = refcount_read(&skb->users);

	return likely(users == 1) || (users == 2 && !skb_is_nonlinear(skb));
}

/* A packet that LRO merged cannot be segmented again: ip_forward() drops it and warns. */
static inline bool nfo_skb_is_lro(const struct sk_buff *skb)
{
	return skb_is_nonlinear(skb) && skb_is_gso(skb) && !skb_shinfo(skb)->gso_type;
}

/* Hardware has routed the packet and given a copy to the host, for an ICMP redirect or a sampler.
 * The classic path does not send the copy.
 */
static inline bool nfo_skb_is_forwarded(const struct sk_buff *skb)
{
#ifdef CONFIG_NET_SWITCHDEV
	return skb->offload_l3_fwd_mark;
#else
	return false;
#endif
}

/* Conditions of both families that need no IP header. A frame for another address than the
 * device's is not refused here, because it may be for a device above.
 */
static inline bool nfo_skb_ok(const struct sk_buff *skb)
{
	return (skb->pkt_type == PACKET_HOST || skb->pkt_type == PACKET_OTHERHOST) &&
	       nfo_skb_is_own(skb) && !nfo_skb_is_lro(skb) && !nfo_skb_is_forwarded(skb);
}

#endif /* _NFO_SKB_H */
