// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that leave by VLAN devices or a PPPoE session and that software hands to the listed port
 * below these, see nfo_lower_send_by(). This file puts on the headers that the devices would have
 * put on.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>

#include "nfo_compat.h"
#include "nfo_encap.h"
#include "nfo_entry.h"
#include "nfo_push.h"
#include "nfo_stack.h"

static void nfo_push_ethernet(struct sk_buff *skb, const struct nfo_route_refs *refs)
{
	const struct nfo_lower *lower = &refs->out_lower;
	const struct ethhdr *hh = (const struct ethhdr *)refs->hh;
	bool session = nfo_lower_has_session(lower);
	struct ethhdr *eth = __skb_push(skb, ETH_HLEN);

	ether_addr_copy(eth->h_dest, session ? lower->h_dest : hh->h_dest);
	ether_addr_copy(eth->h_source, session ? lower->h_source : hh->h_source);
	eth->h_proto = skb->protocol;
}

/* Put the headers on a packet that the port takes in one piece, and send it. Consumes @skb. */
static void nfo_push_one(struct sk_buff *skb, const struct nfo_route_refs *refs)
{
	const struct nfo_encap *encap = &refs->out_lower.encap;

	if (skb_cow_head(skb, LL_RESERVED_SPACE(refs->send) + nfo_encap_frame_len(encap))) {
		kfree_skb(skb);
		return;
	}
	nfo_encap_push(skb, encap);
	nfo_push_ethernet(skb, refs);
	skb->dev = refs->send;
	dev_queue_xmit(skb);
}

/* The counters of the devices that are passed by follow the flow's. Add to them what they differ
 * from these by; @packets and @bytes may be negative.
 */
static void nfo_push_count(const struct nfo_entry *e, s64 packets, s64 bytes)
{
	nfo_lower_count_sent(nfo_flow(e), nfo_dir(e), packets, bytes);
}

/* Split a packet that GRO has joined. The device of a PPPoE session does so as well and counts the
 * segments; a flow counts one packet.
 */
static void nfo_push_segments(struct sk_buff *skb, const struct nfo_entry *e,
			      const struct nfo_route_refs *refs)
{
	s64 packets = -1, bytes = -(s64)skb->len;
	struct sk_buff *segs, *seg, *next;

	skb->dev = refs->out;
	segs = skb_gso_segment(skb, netif_skb_features(skb) & ~NETIF_F_GSO_MASK);
	if (IS_ERR_OR_NULL(segs)) {
		kfree_skb(skb);
		return;
	}
	consume_skb(skb);
	skb_list_walk_safe(segs, seg, next) {
		skb_mark_not_on_list(seg);
		packets++;
		bytes += seg->len;
		nfo_push_one(seg, refs);
	}
	if (nfo_lower_has_session(&refs->out_lower))
		nfo_push_count(e, packets, bytes);
}

/* pppd asks a PPP device when it was used last, and may hang up. So the device itself sends the
 * first packet after nfo_flow_settle() took the flow's counters, which it does twice a second.
 */
static bool nfo_push_shows(const struct nfo_entry *e, const struct nfo_route_refs *refs)
{
	return nfo_lower_has_session(&refs->out_lower) &&
	       nfo_entry_counts(e) / NFO_COUNT_PACKET == 1;
}

/* Do what PPP does with each packet that it sends. Its device has one queue, so the port chooses a
 * queue of its own by the packet's hash. By the queue that the packet came in by it would choose
 * another one, and packets that PPP sends would overtake those of the flow that PPP does not see.
 */
static void nfo_push_as_ppp(struct sk_buff *skb)
{
	skb_scrub_packet(skb, false);
	skb_set_queue_mapping(skb, 0);
}

/* Does the port take the packet in one piece? One that GRO has joined may have a single tag. */
static bool nfo_push_takes(const struct sk_buff *skb, const struct nfo_lower *lower)
{
	return !skb_is_gso(skb) ||
	       !(nfo_lower_has_session(lower) || lower->encap.kinds >> NFO_ENCAP_BITS);
}

/**
 * nfo_push_xmit() - send a packet by the listed port below a VLAN device or a session
 * @skb:  packet that is ready to be sent but for its headers, and may be written to; consumed
 * @e:    entry of its direction
 * @refs: what the packet was made ready by, with nfo_route_refs::push; the entry may have others
 *        meanwhile
 *
 * nfo_lower_passed() adds the flow's packets to the counters of the devices that are passed by.
 * Context: softirq, rcu_read_lock().
 */
void nfo_push_xmit(struct sk_buff *skb, const struct nfo_entry *e,
		   const struct nfo_route_refs *refs)
{
	if (nfo_push_shows(e, refs)) {
		nfo_push_count(e, -1, -(s64)skb->len);
		skb->dev = refs->out;
		dev_queue_xmit(skb);
		return;
	}
	if (nfo_lower_has_session(&refs->out_lower))
		nfo_push_as_ppp(skb);
	if (nfo_push_takes(skb, &refs->out_lower))
		nfo_push_one(skb, refs);
	else
		nfo_push_segments(skb, e, refs);
}
