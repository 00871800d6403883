// SPDX-License-Identifier: GPL-2.0
/*
 * The packet path's rare cases: checks and changes of packets whose direction has NFO_E_FRAME or
 * NFO_E_RARE, or a field that a rule sets. Packets of all other directions come to none of these
 * functions.
 */
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/addrconf.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/xfrm.h>

#include "nfo_encap.h"
#include "nfo_entry.h"
#include "nfo_rare.h"
#include "nfo_route.h"
#include "nfo_stack.h"

/* On the classic path a tunnel's own packets pass conntrack and the ruleset, in the fast path those
 * that are received do not. So one packet in this time, in jiffies, takes the classic path: it
 * keeps the tunnel's connection alive, and rules about the tunnel keep their effect.
 */
#define NFO_TUNNEL_SHOW	(10 * HZ)

/* Rulesets route by the connection's mark, which an administrator may change at any time. */
static bool nfo_ct_mark_ok(const struct nfo_entry *e)
{
	return nfo_route_ct_mark(e->ct, e->flags) == READ_ONCE(e->ct_mark);
}

/* With zones, a packet with the same addresses and ports from the same device may belong to another
 * connection. A ruleset tells the two apart by the sender's address or the packet's mark.
 */
static bool nfo_origin_ok(const struct sk_buff *skb, const struct nfo_entry *e)
{
	const struct nfo_origin *o = &nfo_entry_extra(e)->origin;

	return skb->mark == o->mark &&
	       (!o->has_source ||
		ether_addr_equal_unaligned(eth_hdr(skb)->h_source, o->h_source));
}

/**
 * nfo_frame_ok() - does a frame have the addresses that frames of its direction have?
 * @skb: packet, with its Ethernet header
 * @e:   entry of the direction; it may have NFO_E_FRAME
 *
 * The source address is compared with zones and with PPPoE only. Context: rcu_read_lock().
 * Return: false when the packet takes the classic path.
 */
bool nfo_frame_ok(const struct sk_buff *skb, const struct nfo_entry *e)
{
	if (e->flags & NFO_E_IN_DEST ?
	    !ether_addr_equal_unaligned(eth_hdr(skb)->h_dest,
					nfo_entry_refs(e)->in_dest) :
	    skb->pkt_type != PACKET_HOST)
		return false;

	if (e->flags & NFO_E_IN_SOURCE &&
	    !ether_addr_equal_unaligned(eth_hdr(skb)->h_source, nfo_entry_refs(e)->in_source))
		return false;

	return !(e->flags & NFO_E_ORIGIN) || nfo_origin_ok(skb, e);
}

/**
 * nfo_forced_to_forward6() - does a device forward IPv6 although the namespace does not?
 * @in: device that packets come in by, as routing knows it
 *
 * Context: rcu_read_lock(). Return: net.ipv6.conf.DEV.force_forwarding.
 */
bool nfo_forced_to_forward6(const struct net_device *in)
{
	const struct inet6_dev *idev = __in6_dev_get(in);

	return idev && nfo_force_forwarding(idev);
}

/* ---- tunnels and IPsec ---- */

/* Are the headers those that taught the entry? When the ECN bits inside and outside do not fit
 * together, a tunnel drops the packet or writes to the log (__INET_ECN_decapsulate() returns 2 or
 * 1). Such a packet takes the classic path.
 */
static bool nfo_outer_ok(const struct sk_buff *skb, const struct nfo_extra *x, u8 family,
			 const struct nfo_encap_popped *popped, bool *set_ce)
{
	if (!popped || memcmp(&x->outer, &popped->outer, sizeof(x->outer)))
		return false;
	if (!popped->tunnel)
		return true;

	return !__INET_ECN_decapsulate(popped->ecn, nfo_skb_tos(skb, family), set_ce);
}

/* Routing notes in IPCB() that the input device wants no policy check. At the ingress hook IPCB()
 * still has what decryption or GRO left there.
 */
static void nfo_policy_prepare4(struct sk_buff *skb)
{
	struct in_device *in_dev = __in_dev_get_rcu(skb->dev);

	memset(IPCB(skb), 0, sizeof(struct inet_skb_parm));
	if (in_dev && IN_DEV_ORCONF(in_dev, NOPOLICY))
		IPCB(skb)->flags |= IPSKB_NOPOLICY;
}

/* Ask the policies as ip_forward() and ip6_forward() do. The packet needs its route for that,
 * because a policy may name a device.
 */
static bool nfo_policy_ok(struct sk_buff *skb, struct dst_entry *dst, u8 family)
{
	bool ok;

	skb_dst_set_noref(skb, dst);
	if (family == NFPROTO_IPV4) {
		nfo_policy_prepare4(skb);
		ok = xfrm4_policy_check(NULL, XFRM_POLICY_FWD, skb);
	} else {
		memset(IP6CB(skb), 0, sizeof(struct inet6_skb_parm));
		ok = xfrm6_policy_check(NULL, XFRM_POLICY_FWD, skb);
	}
	skb_dst_drop(skb);

	return ok;
}

/* No event tells of a changed policy, and which policy applies to a decrypted packet depends on how
 * it was decrypted. So each packet asks.
 */
static bool nfo_decrypted_ok(struct sk_buff *skb, const struct nfo_route_refs *refs, u8 family)
{
	bool decrypted = refs->extra->decrypted;

	if (decrypted != !!skb_sec_path(skb))
		return false;

	return !decrypted || (!skb_dst(skb) && nfo_policy_ok(skb, refs->dst, family));
}

/* Is it this packet's turn to take the classic path? If nothing was learned from the one whose turn
 * was before, a rule may have dropped that packet: the entry becomes stale.
 */
static bool nfo_tunnel_shows(struct nfo_entry *e, struct nfo_extra *x, u32 epoch)
{
	u32 now = nfo_now();

	if (now - READ_ONCE(x->at) < NFO_TUNNEL_SHOW)
		return false;
	WRITE_ONCE(x->at, now);
	if (READ_ONCE(x->shown))
		nfo_entry_make_stale(e, epoch);
	WRITE_ONCE(x->shown, 1);

	return true;
}

/* Is the packet like the one that taught the entry, in what the key has no room for? */
static bool nfo_extra_ok(struct nfo_entry *e, struct sk_buff *skb,
			 const struct nfo_encap_popped *popped, u32 epoch, bool *set_ce)
{
	const struct nfo_route_refs *refs = nfo_entry_refs(e);
	struct nfo_extra *x = refs->extra;

	if (!(e->flags & NFO_E_EXTRA))
		return false;
	if (!nfo_decrypted_ok(skb, refs, e->key.family))
		return false;
	if (x->has_outer && !nfo_outer_ok(skb, x, e->key.family, popped, set_ce))
		return false;
	if (x->tunnel && nfo_tunnel_shows(e, x, epoch))
		return false;
	/* The states or policies of the IPsec bundle have changed. */
	if (x->encrypt && !dst_check(refs->dst, 0)) {
		nfo_entry_make_stale(e, epoch);
		return false;
	}

	return true;
}

/**
 * nfo_rare_ok() - check a packet that came out of IPsec or whose entry has NFO_E_RARE
 * @t:      table
 * @e:      entry; it may be stale afterwards
 * @skb:    packet whose headers are sound
 * @popped: headers that were taken off, or NULL
 * @epoch:  nfo_epoch() when the packet came in
 * @set_ce: set to true when the packet is to say that there was congestion
 *
 * Context: softirq, rcu_read_lock(). Return: false when the packet takes the classic path.
 */
bool nfo_rare_ok(struct nfo_table *t, struct nfo_entry *e, struct sk_buff *skb,
		 const struct nfo_encap_popped *popped, u32 epoch, bool *set_ce)
{
	if ((e->flags & NFO_E_EXTRA || skb_sec_path(skb)) &&
	    !nfo_extra_ok(e, skb, popped, epoch, set_ce))
		return false;
	if (e->flags & NFO_E_CT_MARK && !nfo_ct_mark_ok(e))
		nfo_entry_make_stale(e, epoch);
	/* A filter may have been added to the device that the packet would pass unseen. */
	if (e->flags & NFO_E_LOWER && nfo_lower_filters(nfo_entry_refs(e)->in))
		return false;

	return !(e->flags & NFO_E_LABEL) ||
	       (__force u32)ip6_flowlabel(ipv6_hdr(skb)) == e->label;
}

/* Do to a packet what a tunnel device does when it takes its header off. Return: false without
 * memory.
 */
static bool nfo_leave_tunnel(struct sk_buff *skb, const struct nfo_entry *e, bool set_ce)
{
	if (!nfo_entry_extra(e)->tunnel)
		return true;
	if (iptunnel_pull_offloads(skb))
		return false;
	if (set_ce)
		INET_ECN_set_ce(skb);
	skb_clear_hash_if_not_l4(skb);
	skb_set_queue_mapping(skb, 0);
	skb->ignore_df = 0;

	return true;
}

/* Give a packet its conntrack entry, which it keeps until a device has sent it, see
 * nfo_lower_shows_ct().
 */
static void nfo_show_ct(struct sk_buff *skb, const struct nfo_entry *e)
{
	nf_reset_ct(skb);
	nf_conntrack_get(&e->ct->ct_general);
	nf_ct_set(skb, e->ct,
		  e->flags & NFO_E_REPLY ? IP_CT_ESTABLISHED_REPLY : IP_CT_ESTABLISHED);
}

/**
 * nfo_leave_rare() - do what devices that a packet passes unseen would have done to it
 * @skb:    packet that is forwarded and may be written to
 * @e:      its entry, which has NFO_E_RARE
 * @set_ce: nfo_rare_ok() said so
 *
 * The devices between the listed one and the one that routing uses would have given the packet an
 * input device and a type. Return: false without memory.
 */
bool nfo_leave_rare(struct sk_buff *skb, const struct nfo_entry *e, bool set_ce)
{
	if (e->flags & NFO_E_LOWER) {
		skb->skb_iif = nfo_in_ifindex(e);
		skb->pkt_type = PACKET_HOST;
#ifdef CONFIG_NET_SWITCHDEV
		/* A switch would take the frame for one that it has sent to the bridge's ports. */
		skb->offload_fwd_mark = 0;
#endif
	}
	if (e->flags & NFO_E_SHOW_CT)
		nfo_show_ct(skb, e);

	return !(e->flags & NFO_E_EXTRA) || nfo_leave_tunnel(skb, e, set_ce);
}

/**
 * nfo_rewrite_fields() - give a packet the fields that the ruleset sets
 * @skb:    packet whose TTL is one less already
 * @e:      its entry
 * @fields: the entry's @fields, read once for the packet
 */
void nfo_rewrite_fields(struct sk_buff *skb, const struct nfo_entry *e, u8 fields)
{
	struct ipv6hdr *ip6h = ipv6_hdr(skb);
	struct iphdr *iph = ip_hdr(skb);

	if (fields & NFO_FIELD_MARK)
		skb->mark = e->mark;
	if (fields & NFO_FIELD_PRIORITY)
		skb->priority = e->priority;
	if (e->key.family == NFPROTO_IPV6) {
		if (fields & NFO_FIELD_DSCP)
			ipv6_change_dsfield(ip6h, INET_ECN_MASK, e->dscp);
		if (fields & NFO_FIELD_TTL)
			ip6h->hop_limit = e->ttl_out;
		return;
	}
	if (fields & NFO_FIELD_DSCP)
		ipv4_change_dsfield(iph, INET_ECN_MASK, e->dscp);
	if (fields & NFO_FIELD_TTL) {
		csum_replace2(&iph->check, htons(iph->ttl << 8), htons(e->ttl_out << 8));
		iph->ttl = e->ttl_out;
	}
}

/**
 * nfo_put_outer() - have a tunnel's device make the header of a packet
 * @skb:  packet; skb->dev is the tunnel's device
 * @refs: what the direction rests on; @hh has the address of the tunnel's other end
 *
 * Return: false without memory.
 */
bool nfo_put_outer(struct sk_buff *skb, const struct nfo_route_refs *refs)
{
	return dev_hard_header(skb, skb->dev, ntohs(skb->protocol), refs->hh, NULL, skb->len) >= 0;
}

/**
 * nfo_xmit_xfrm() - send a packet through IPsec, which may keep it for a while
 * @skb: packet; consumed
 * @e:   its entry
 *
 * Context: softirq, rcu_read_lock().
 */
void nfo_xmit_xfrm(struct sk_buff *skb, const struct nfo_entry *e)
{
	struct nfo_route_refs *refs = nfo_entry_refs(e);
	struct dst_entry *dst = refs->dst;

	skb_orphan(skb);
	skb_dst_drop(skb);
	if (!dst_hold_safe(dst)) {
		kfree_skb(skb);
		return;
	}
	skb_dst_set(skb, dst);
	skb_clear_tstamp(skb);
	skb_forward_csum(skb);
	skb->dev = refs->out;
	if (IS_ENABLED(CONFIG_XFRM))
		xfrm_output(NULL, skb);
	else
		kfree_skb(skb);
}
