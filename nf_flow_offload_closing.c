// SPDX-License-Identifier: GPL-2.0
/*
 * Closing segments: conntrack is told which segments it has missed before it judges one.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_l4proto.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "nfo_learn.h"

/* Conntrack is to judge a FIN or RST as if it had seen the whole connection. This is a hook of
 * PRE_ROUTING and not of the flowtable, because the segment may come in by any device.
 */
static void nfo_learn_closing(struct sk_buff *skb, const struct nf_hook_state *state,
			      unsigned int thoff)
{
	struct nf_conntrack_tuple_hash *h;
	struct nf_conntrack_zone zone;
	struct nf_conntrack_tuple tuple;
	enum ip_conntrack_info ctinfo;
	struct tcphdr *th, copy;
	struct nfo_flow *f;
	struct nfo_net *nn;
	struct nf_conn *ct;

	/* A rule may have given the packet a template with a zone, or exempted it by `notrack`. */
	ct = nf_ct_get(skb, &ctinfo);
	if (ctinfo == IP_CT_UNTRACKED || (ct && !nf_ct_is_template(ct)))
		return;
	th = skb_header_pointer(skb, skb_network_offset(skb) + thoff, sizeof(copy), &copy);
	if (!th || !(th->fin || th->rst))
		return;
	nn = nfo_net_get_rcu(state->net);
	if (!nn || !nf_ct_get_tuplepr(skb, skb_network_offset(skb), state->pf, state->net,
				      &tuple))
		return;
	h = nf_conntrack_find_get(state->net, nf_ct_zone_tmpl(ct, skb, &zone), &tuple);
	if (!h)
		return;
	ct = nf_ct_tuplehash_to_ctrack(h);
	f = nfo_flow_of_ct(nn, ct);
	if (f)
		nfo_flow_sync_closing(f, NF_CT_DIRECTION(h), ntohl(th->seq));
	nf_ct_put(ct);
}

/**
 * nfo_closing_hook4() - IPv4 packets before conntrack looks at them
 * @priv:  not used
 * @skb:   packet
 * @state: where
 *
 * Context: softirq, rcu_read_lock(). Return: NF_ACCEPT.
 */
unsigned int nfo_closing_hook4(void *priv, struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	if (ip_hdr(skb)->protocol == IPPROTO_TCP && !ip_is_fragment(ip_hdr(skb)))
		nfo_learn_closing(skb, state, ip_hdrlen(skb));

	return NF_ACCEPT;
}

/**
 * nfo_closing_hook6() - see nfo_closing_hook4()
 * @priv:  not used
 * @skb:   packet
 * @state: where
 */
unsigned int nfo_closing_hook6(void *priv, struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	if (ipv6_hdr(skb)->nexthdr == IPPROTO_TCP)
		nfo_learn_closing(skb, state, sizeof(struct ipv6hdr));

	return NF_ACCEPT;
}
