/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a packet must be before the fast path reads its headers. Inline: per packet.
 */
#ifndef _NFO_SKB_H
#define _NFO_SKB_H

#include <linux/if_packet.h>
#include <linux/skbuff.h>

/* May the packet be rewritten? pktgen keeps one reference of what it has sent to see when
 * the packet is done with, and one more for each time that it sends the same packet again:
 * then the classic path makes a copy. A shared skb cannot be pulled; a linear one needs no
 * pull.
 */
static inline bool nfo_skb_is_own(const struct sk_buff *skb)
{
	unsigned int users = refcount_read(&skb->users);

	return likely(users == 1) || (users == 2 && !skb_is_nonlinear(skb));
}

/* What LRO merged cannot be cut up again: ip_forward() drops it and says so. */
static inline bool nfo_skb_is_lro(const struct sk_buff *skb)
{
	return skb_is_nonlinear(skb) && skb_is_gso(skb) && !skb_shinfo(skb)->gso_type;
}

/* The hardware has routed the packet by itself and gave a copy to the host, for a redirect
 * or a sampler: the classic path does not send the copy.
 */
static inline bool nfo_skb_is_forwarded(const struct sk_buff *skb)
{
#ifdef CONFIG_NET_SWITCHDEV
	return skb->offload_l3_fwd_mark;
#else
	return false;
#endif
}

/* What both families need before the header is worth reading. A frame for another
 * address than the device's may be for a device above.
 */
static inline bool nfo_skb_ok(const struct sk_buff *skb)
{
	return (skb->pkt_type == PACKET_HOST || skb->pkt_type == PACKET_OTHERHOST) &&
	       nfo_skb_is_own(skb) && !nfo_skb_is_lro(skb) && !nfo_skb_is_forwarded(skb);
}

#endif /* _NFO_SKB_H */
