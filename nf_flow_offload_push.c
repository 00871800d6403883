// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that leave by VLAN devices or a PPPoE session and that software hands to the listed port
 * below these, see nfo_lower_send_by(): it puts the headers on that the devices would put on.
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

/* One packet that the port takes as it is, with its headers; taken. */
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

/* The devices count what they send. @packets, @bytes: what that is more than the flow counts. */
static void nfo_push_count(const struct nfo_entry *e, s64 packets, s64 bytes)
{
	nfo_lower_count_sent(nfo_flow(e), nfo_dir(e), packets, bytes);
}

/* A packet that GRO has joined becomes the packets that it was. A session's device does so as well,
 * and counts these; a flow counts one.
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

/* pppd asks a PPP device when it was used last, and may hang up. So the device gets the first
 * packet after the flow's counters were taken, which they are twice a second.
 */
static bool nfo_push_shows(const struct nfo_entry *e, const struct nfo_route_refs *refs)
{
	return nfo_lower_has_session(&refs->out_lower) &&
	       nfo_entry_counts(e) / NFO_COUNT_PACKET == 1;
}

/* Does the port take a joined packet with these headers? It does with one tag. */
static bool nfo_push_takes(const struct sk_buff *skb, const struct nfo_lower *lower)
{
	return !skb_is_gso(skb) ||
	       !(nfo_lower_has_session(lower) || lower->encap.kinds >> NFO_ENCAP_BITS);
}

/**
 * nfo_push_xmit() - send a packet by the listed port below a VLAN device or a session
 * @skb: packet that is ready to be sent but for its headers, and may be written to; taken
 * @e:   entry of its direction, whose nfo_route_refs::push is set
 *
 * The devices that are passed by count what the flow counts, see nfo_lower_passed(). Context:
 * softirq, rcu_read_lock().
 */
void nfo_push_xmit(struct sk_buff *skb, const struct nfo_entry *e)
{
	const struct nfo_route_refs *refs = nfo_entry_refs(e);

	if (nfo_push_shows(e, refs)) {
		nfo_push_count(e, -1, -(s64)skb->len);
		skb->dev = refs->out;
		dev_queue_xmit(skb);
		return;
	}
	/* As PPP does. */
	if (nfo_lower_has_session(&refs->out_lower))
		skb_scrub_packet(skb, false);
	if (nfo_push_takes(skb, &refs->out_lower))
		nfo_push_one(skb, refs);
	else
		nfo_push_segments(skb, e, refs);
}
