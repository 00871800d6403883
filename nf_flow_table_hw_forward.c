// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: what the forward hooks would do to a flow whose packets pass in hardware. After a
 * change of the ruleset the worker makes a packet of the flow, has it pass the forward hooks, and
 * frees it: whatever the hooks say, this packet is not sent.
 *
 * The packet looks as the hooks see a segment without data: NAT has rewritten its destination and
 * not yet its source. It has the devices, the route and the connection of its direction, and the
 * mark, priority, DSCP and TTL of the packet that taught the direction. Hooks before and after
 * forwarding do not see it, because conntrack would count it there. Rules about what such a packet
 * does not have, such as a length, are not asked.
 */
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "nfo_hw.h"

/* Give the packet an Ethernet header in front of its data, if its ingress device has one. */
static void nfo_hw_push_link(struct sk_buff *skb, const struct nfo_flow *f,
			     enum ip_conntrack_dir dir)
{
	const struct net_device *in = nfo_flow_refs(f, dir)->in;
	struct ethhdr *eth;

	if (in->type == ARPHRD_ETHER && in->addr_len == ETH_ALEN) {
		eth = skb_push(skb, ETH_HLEN);
		ether_addr_copy(eth->h_dest, in->dev_addr);
		ether_addr_copy(eth->h_source, nfo_flow_hw(f)->origin[dir].h_source);
		eth->h_proto = skb->protocol;
		skb_reset_mac_header(skb);
		skb_pull(skb, ETH_HLEN);
	} else {
		skb_reset_mac_header(skb);
	}
	skb_reset_mac_len(skb);
}

static void nfo_hw_put_ip(struct sk_buff *skb, const struct nfo_flow *f,
			  enum ip_conntrack_dir dir, unsigned int len)
{
	u8 tos = READ_ONCE(f->e[dir].dscp), ttl = READ_ONCE(f->e[dir].ttl_in) - 1;
	const union nf_inet_addr *src = &nf_ct_tuple(f->ct, dir)->src.u3;
	const union nf_inet_addr *dst = &nf_ct_tuple(f->ct, !dir)->src.u3;
	struct ipv6hdr *ip6;
	struct iphdr *ip;

	if (!nfo_flow_is_v6(f)) {
		ip = skb_put_zero(skb, sizeof(*ip));
		ip->version = 4;
		ip->ihl = sizeof(*ip) / 4;
		ip->tos = tos;
		ip->tot_len = htons(sizeof(*ip) + len);
		ip->frag_off = htons(IP_DF);
		ip->ttl = ttl;
		ip->protocol = nf_ct_protonum(f->ct);
		ip->saddr = src->ip;
		ip->daddr = dst->ip;
		ip_send_check(ip);
	} else {
		ip6 = skb_put_zero(skb, sizeof(*ip6));
		ip6_flow_hdr(ip6, tos, 0);
		ip6->payload_len = htons(len);
		ip6->nexthdr = nf_ct_protonum(f->ct);
		ip6->hop_limit = ttl;
		ip6->saddr = src->in6;
		ip6->daddr = dst->in6;
	}
	skb_set_transport_header(skb, skb->len);
}

static void nfo_hw_put_ports(struct sk_buff *skb, const struct nfo_flow *f,
			     enum ip_conntrack_dir dir, unsigned int len)
{
	__be16 sport = nf_ct_tuple(f->ct, dir)->src.u.all;
	__be16 dport = nf_ct_tuple(f->ct, !dir)->src.u.all;
	struct tcphdr *th;
	struct udphdr *uh;

	if (nf_ct_protonum(f->ct) == IPPROTO_TCP) {
		th = skb_put_zero(skb, len);
		th->source = sport;
		th->dest = dport;
		th->seq = htonl(READ_ONCE(f->e[dir].end));
		th->ack_seq = htonl(READ_ONCE(f->e[dir].ack));
		th->doff = len / 4;
		th->ack = 1;
		th->window = htons(READ_ONCE(f->e[dir].win));
	} else {
		uh = skb_put_zero(skb, len);
		uh->source = sport;
		uh->dest = dport;
		uh->len = htons(len);
	}
}

/* Set the mark and the priority that the packet which taught the direction had in the end. */
static void nfo_hw_put_fields(struct sk_buff *skb, const struct nfo_flow *f,
			      enum ip_conntrack_dir dir)
{
	const struct nfo_entry *e = &f->e[dir];

	skb->mark = READ_ONCE(e->fields) & NFO_FIELD_MARK ? e->mark :
							    nfo_flow_hw(f)->origin[dir].mark;
	skb->priority = READ_ONCE(e->priority);
}

static struct sk_buff *nfo_hw_packet(struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	unsigned int len = nf_ct_protonum(f->ct) == IPPROTO_TCP ? sizeof(struct tcphdr) :
								  sizeof(struct udphdr);
	struct nfo_route_refs *refs = nfo_flow_refs(f, dir);
	struct sk_buff *skb;

	skb = alloc_skb(LL_MAX_HEADER + sizeof(struct ipv6hdr) + len, GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;
	skb_reserve(skb, LL_MAX_HEADER);
	skb->protocol = nfo_flow_is_v6(f) ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
	skb->dev = refs->in;
	skb->skb_iif = refs->in->ifindex;
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	memset(skb->cb, 0, sizeof(skb->cb));

	nfo_hw_put_fields(skb, f, dir);
	nfo_hw_push_link(skb, f, dir);
	skb_reset_network_header(skb);
	nfo_hw_put_ip(skb, f, dir, len);
	nfo_hw_put_ports(skb, f, dir, len);

	skb_dst_set(skb, dst_clone(refs->dst));
	nf_conntrack_get(&f->ct->ct_general);
	nf_ct_set(skb, f->ct,
		  dir == IP_CT_DIR_ORIGINAL ? IP_CT_ESTABLISHED : IP_CT_ESTABLISHED_REPLY);

	return skb;
}

/**
 * nfo_hw_forwards() - would the forward hooks let the packets of a direction pass?
 * @f:   flow with a rule in hardware; the caller is the worker of the rule's queue
 * @dir: direction of the rule
 *
 * A packet that a rule queues to user space counts as dropped. Rules that count, limit, log or copy
 * packets see one packet more, and a rule that rejects answers it. Context: process,
 * rcu_read_lock(), no spinlock held.
 *
 * Return: true when the packet passed; false also when there was no memory for it.
 */
bool nfo_hw_forwards(struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	struct nfo_route_refs *refs = nfo_flow_refs(f, dir);
	struct sk_buff *skb;
	bool passes;

	local_bh_disable();
	skb = nfo_hw_packet(f, dir);
	passes = skb && nf_hook(nfo_flow_is_v6(f) ? NFPROTO_IPV6 : NFPROTO_IPV4, NF_INET_FORWARD,
				f->table->nn->net, NULL, skb, refs->in, refs->out,
				/* A queue may keep the packet for longer than this module lives. */
				dst_discard_out) == 1;
	if (passes)
		consume_skb(skb);
	local_bh_enable();

	return passes;
}
