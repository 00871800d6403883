// SPDX-License-Identifier: GPL-2.0
/*
 * The packet path: parse, look up, verify, rewrite, transmit.
 *
 * It runs before the stack's own input checks, so it makes all those the stack
 * and conntrack would have made. What it is not sure of goes on to the classic
 * path untouched; what it sends is what the classic path would have sent.
 */
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/netfilter/nf_conntrack_acct.h>

#include "nfo_encap.h"
#include "nfo_hash.h"
#include "nfo_ip.h"
#include "nfo_route.h"

/* How stale nfo_entry::used may get, and how often the objects are looked at. */
#define NFO_REFRESH	(HZ / 2)

/**
 * struct nfo_pkt - one packet on its way through
 * @l:     what it is looked up by
 * @len:   length of the IP packet by its own header, bytes
 * @thoff: offset of the layer 4 header from the network header
 */
struct nfo_pkt {
	struct nfo_lookup	l;
	unsigned int		len;
	unsigned int		thoff;
};

static bool nfo_is_l4(u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

/* What both families need before the header is worth reading. A shared skb
 * (pktgen keeps its own) cannot be pulled; a linear one needs no pull.
 */
static bool nfo_skb_ok(const struct sk_buff *skb)
{
	return skb->pkt_type == PACKET_HOST &&
	       !(skb_shared(skb) && skb_is_nonlinear(skb));
}

static bool nfo_parse4(struct sk_buff *skb, const struct net_device *in,
		       struct nfo_pkt *p)
{
	const struct iphdr *iph;
	const __be16 *ports;

	if (!pskb_may_pull(skb, sizeof(*iph) + sizeof(struct udphdr)))
		return false;

	iph = ip_hdr(skb);
	/* Version 4 and no options in one comparison. */
	if (*(const u8 *)iph != 0x45 || ip_is_fragment(iph) || iph->ttl <= 1)
		return false;
	if (!nfo_is_l4(iph->protocol))
		return false;

	ports = (const __be16 *)(iph + 1);
	p->l.key = (struct nfo_key) {
		.saddr		= iph->saddr,
		.daddr		= iph->daddr,
		.sport		= ports[0],
		.dport		= ports[1],
		.iif		= in->ifindex,
		.l4proto	= iph->protocol,
		.family		= NFPROTO_IPV4,
	};
	p->thoff = sizeof(*iph);

	return true;
}

static bool nfo_parse6(struct sk_buff *skb, const struct net_device *in,
		       struct nfo_pkt *p)
{
	const struct ipv6hdr *ip6h;
	const __be16 *ports;

	if (!pskb_may_pull(skb, sizeof(*ip6h) + sizeof(struct udphdr)))
		return false;

	ip6h = ipv6_hdr(skb);
	if (ip6h->version != 6 || ip6h->hop_limit <= 1 || !nfo_is_l4(ip6h->nexthdr))
		return false;

	ports = (const __be16 *)(ip6h + 1);
	p->l.key = (struct nfo_key) {
		.saddr		= nfo_fold6(&ip6h->saddr),
		.daddr		= nfo_fold6(&ip6h->daddr),
		.sport		= ports[0],
		.dport		= ports[1],
		.iif		= in->ifindex,
		.l4proto	= ip6h->nexthdr,
		.family		= NFPROTO_IPV6,
	};
	p->l.saddr6 = &ip6h->saddr;
	p->l.daddr6 = &ip6h->daddr;
	p->thoff = sizeof(*ip6h);

	return true;
}

/* The receive routine's checks: lengths, header checksum, padding cut off.
 * Return: the packet may be forwarded as far as its IP header goes.
 */
static bool nfo_check4(struct sk_buff *skb, struct nfo_pkt *p)
{
	const struct iphdr *iph = ip_hdr(skb);

	p->len = iph_totlen(skb, iph);
	if (unlikely(p->len < p->thoff + sizeof(struct udphdr) || p->len > skb->len))
		return false;
	if (unlikely(ip_fast_csum(iph, 5)))
		return false;

	return likely(skb->len == p->len) || !pskb_trim_rcsum(skb, p->len);
}

static bool nfo_check6(struct sk_buff *skb, struct nfo_pkt *p, const struct net *net)
{
	unsigned int payload = ntohs(ipv6_hdr(skb)->payload_len);

	/* IPv4 has rt_genid for this, see nfo_epoch(). */
	if (unlikely(!READ_ONCE(net->ipv6.devconf_all->forwarding)))
		return false;
	/* A jumbogram, or one that GRO put together: sized by the skb. */
	if (unlikely(!payload && skb_is_gso(skb)))
		payload = skb->len - p->thoff;
	p->len = payload + p->thoff;
	if (unlikely(payload < sizeof(struct udphdr) || p->len > skb->len))
		return false;

	return likely(skb->len == p->len) || !pskb_trim_rcsum(skb, p->len);
}

/* Conntrack verifies unless told not to; a bad one is its to judge. */
static bool nfo_l4_csum_ok(struct sk_buff *skb, const struct nfo_pkt *p,
			   const struct net *net)
{
	if (skb->ip_summed == CHECKSUM_UNNECESSARY ||
	    skb->ip_summed == CHECKSUM_PARTIAL)
		return true;
	if (!READ_ONCE(net->ct.sysctl_checksum))
		return true;

	return !nf_checksum(skb, NF_INET_PRE_ROUTING, p->thoff,
			    p->l.key.l4proto, p->l.key.family);
}

static enum nfo_verdict nfo_check_tcp(struct sk_buff *skb, struct nfo_pkt *p,
				      const struct net *net)
{
	const struct tcphdr *th;
	unsigned int hlen;

	if (unlikely(!pskb_may_pull(skb, p->thoff + sizeof(*th))))
		return NFO_PASS;
	th = (const void *)(skb_network_header(skb) + p->thoff);
	hlen = th->doff * 4;
	if (unlikely(hlen < sizeof(*th) || p->thoff + hlen > p->len))
		return NFO_PASS;
	if (unlikely(!nfo_l4_csum_ok(skb, p, net)))
		return NFO_PASS;

	return nfo_tcp_verdict(th);
}

static enum nfo_verdict nfo_check_udp(struct sk_buff *skb, struct nfo_pkt *p,
				      const struct net *net)
{
	const struct udphdr *uh = (const void *)(skb_network_header(skb) + p->thoff);
	unsigned int ulen = ntohs(uh->len);

	if (unlikely(ulen < sizeof(*uh) || p->thoff + ulen > p->len))
		return NFO_PASS;
	if (uh->check && unlikely(!nfo_l4_csum_ok(skb, p, net)))
		return NFO_PASS;

	return NFO_FORWARD;
}

/* ip_forward() and ip6_forward() send these back with an error, or cut them up. */
static bool nfo_too_big(const struct sk_buff *skb, unsigned int mtu)
{
	if (likely(skb->len <= mtu))
		return false;
	return !skb_is_gso(skb) || !skb_gso_validate_network_len(skb, mtu);
}

/* What is owed once in a while, or after something changed. */
static enum nfo_reason nfo_entry_verify(struct nfo_table *t, struct nfo_entry *e,
				      struct sk_buff *skb)
{
	u32 epoch = nfo_epoch(t->nn);
	struct nfo_flow *f = nfo_flow(e);
	u32 mark = skb->mark;
	enum nfo_reason why;
	u8 tos;

	tos = e->key.family == NFPROTO_IPV4 ? ip_hdr(skb)->tos :
					      ipv6_get_dsfield(ipv6_hdr(skb));
	if (READ_ONCE(e->epoch) != epoch) {
		/* What the event changed is visible before the epoch is. */
		smp_rmb();
		this_cpu_inc(t->nn->stats->stale);
		why = nfo_route_verify(e, tos, mark);
		if (why)
			return why;
		WRITE_ONCE(e->epoch, epoch);
	}
	if (nfo_now() - READ_ONCE(e->used) < NFO_REFRESH)
		return NFO_R_NONE;

	WRITE_ONCE(e->used, nfo_now());
	if (test_bit(NFO_F_ONEWAY, &f->state) &&
	    test_bit(IPS_SEEN_REPLY_BIT, &f->ct->status))
		nfo_flow_join(f);
	nfo_table_ops->active(f);

	return nfo_route_refresh(e, tos, mark);
}

/* Room for the link-layer header, and headers nobody else looks at? */
static bool nfo_is_writable(const struct sk_buff *skb, const struct nfo_entry *e,
			    unsigned int len)
{
	return skb_headroom(skb) >= LL_RESERVED_SPACE(e->out) &&
	       (!skb_cloned(skb) || skb_clone_writable(skb, len));
}

static bool nfo_make_writable(struct sk_buff *skb, const struct nfo_entry *e)
{
	unsigned int need = LL_RESERVED_SPACE(e->out);
	unsigned int room = skb_headroom(skb);

	return !pskb_expand_head(skb, need > room ? SKB_DATA_ALIGN(need - room) : 0,
				 0, GFP_ATOMIC);
}

static void nfo_nat_l4(const struct sk_buff *skb, const struct nfo_entry *e,
		       void *l4hdr)
{
	__be16 *ports = l4hdr;
	__sum16 *check;

	ports[0] = e->sport;
	ports[1] = e->dport;
	if (e->key.l4proto == IPPROTO_TCP) {
		check = &((struct tcphdr *)l4hdr)->check;
	} else {
		check = &((struct udphdr *)l4hdr)->check;
		if (!*check && skb->ip_summed != CHECKSUM_PARTIAL)
			return;
	}

	if (skb->ip_summed == CHECKSUM_PARTIAL)
		*check = nfo_csum_apply_partial(*check, e->addr_delta);
	else
		*check = nfo_csum_apply(*check, e->l4_delta);
	if (!*check && e->key.l4proto == IPPROTO_UDP)
		*check = CSUM_MANGLED_0;
}

static void nfo_rewrite4(struct sk_buff *skb, const struct nfo_entry *e,
			 const struct net *net)
{
	struct iphdr *iph = ip_hdr(skb);

	if (e->flags & NFO_E_NAT) {
		iph->saddr = e->saddr;
		iph->daddr = e->daddr;
		iph->check = nfo_csum_apply(iph->check, e->addr_delta);
		nfo_nat_l4(skb, e, iph + 1);
	}
	ip_decrease_ttl(iph);
	if (READ_ONCE(net->ipv4.sysctl_ip_fwd_update_priority))
		skb->priority = rt_tos2priority(iph->tos);

	memset(IPCB(skb), 0, sizeof(struct inet_skb_parm));
	IPCB(skb)->iif = e->in;
	IPCB(skb)->flags = IPSKB_FORWARDED;
}

static void nfo_rewrite6(struct sk_buff *skb, const struct nfo_entry *e)
{
	const struct nfo_addr6 *a = nfo_addr6(e);
	struct ipv6hdr *ip6h = ipv6_hdr(skb);

	if (e->flags & NFO_E_NAT) {
		ip6h->saddr = a->new_saddr;
		ip6h->daddr = a->new_daddr;
		nfo_nat_l4(skb, e, ip6h + 1);
	}
	ip6h->hop_limit--;

	memset(IP6CB(skb), 0, sizeof(struct inet6_skb_parm));
	IP6CB(skb)->iif = e->in;
	IP6CB(skb)->flags = IP6SKB_FORWARDED;
}

static void nfo_account(const struct nfo_table *t, struct nfo_entry *e,
			const struct sk_buff *skb)
{
	atomic64_inc(&e->packets);
	atomic64_add(skb->len, &e->bytes);
	if (t->flags & NF_FLOWTABLE_COUNTER)
		nf_ct_acct_update(e->ct, nfo_dir(e), skb->len);
}

static void nfo_set_dst(struct sk_buff *skb, const struct nfo_entry *e)
{
	skb_dst_drop(skb);
	if (e->flags & NFO_E_KEEP_DST)
		skb_dst_set_noref(skb, READ_ONCE(nfo_flow(e)->route[nfo_dir(e)].dst));
}

static void nfo_push_header(struct sk_buff *skb, const struct nfo_entry *e)
{
	const u8 *end = e->hh + NFO_HH_MAX;

	if (likely(e->hh_len == ETH_HLEN))
		/* Two bytes too many, into headroom, make it two words. */
		memcpy(skb->data - 16, end - 16, 16);
	else
		memcpy(skb->data - e->hh_len, end - e->hh_len, e->hh_len);
	__skb_push(skb, e->hh_len);
}

static void nfo_xmit(struct sk_buff *skb, const struct nfo_entry *e)
{
	skb_orphan(skb);
	nfo_set_dst(skb, e);
	skb_clear_tstamp(skb);
	skb_forward_csum(skb);
	skb->dev = e->out;
	nfo_push_header(skb, e);
	dev_queue_xmit(skb);
}

/* From a hit to a verdict. Return: what to do; @e's flow may be retired. */
static enum nfo_verdict nfo_pkt_verdict(struct nfo_table *t, struct nfo_entry *e,
				  struct sk_buff *skb, struct nfo_pkt *p)
{
	const struct net *net = t->nn->net;
	enum nfo_verdict verdict;
	enum nfo_reason why;

	if (unlikely(skb_sk_is_prefetched(skb)))
		return NFO_PASS;
	if (unlikely(test_bit(IPS_DYING_BIT, &e->ct->status))) {
		nfo_flow_retire(nfo_flow(e), NFO_R_CT_GONE);
		return NFO_PASS;
	}

	if (e->key.family == NFPROTO_IPV4 ? !nfo_check4(skb, p) : !nfo_check6(skb, p, net))
		return NFO_PASS;
	skb_set_transport_header(skb, p->thoff);
	verdict = e->key.l4proto == IPPROTO_TCP ? nfo_check_tcp(skb, p, net) :
						  nfo_check_udp(skb, p, net);
	if (unlikely(verdict != NFO_FORWARD)) {
		if (verdict == NFO_CLOSE)
			nfo_flow_retire(nfo_flow(e), NFO_R_TCP_CLOSE);
		return NFO_PASS;
	}

	if (unlikely(READ_ONCE(e->epoch) != nfo_epoch(t->nn) ||
		     nfo_now() - READ_ONCE(e->used) >= NFO_REFRESH)) {
		why = nfo_entry_verify(t, e, skb);
		if (why) {
			nfo_flow_retire(nfo_flow(e), why);
			return NFO_PASS;
		}
	}
	if (unlikely(nfo_too_big(skb, READ_ONCE(e->mtu))))
		return NFO_PASS;

	return NFO_FORWARD;
}

/* What the devices above would have left of the packet's headers. */
static void nfo_taken_apart(struct sk_buff *skb, const struct nfo_entry *e)
{
	__vlan_hwaccel_clear_tag(skb);
	skb->skb_iif = e->in;
	/* VLAN devices set it by the tag; those that set anything but 0 are not
	 * seen through.
	 */
	if (nfo_encap_types[nfo_encap_first(e->key.encap.kinds)].sets_priority)
		skb->priority = 0;
}

static unsigned int nfo_forward(struct nfo_table *t, struct sk_buff *skb,
				struct nfo_pkt *p)
{
	struct nfo_entry *e = nfo_lookup(t, &p->l);
	unsigned int hlen;

	if (!e)
		return NF_ACCEPT;
	prefetch(&e->ct);
	if (nfo_pkt_verdict(t, e, skb, p) != NFO_FORWARD)
		return NF_ACCEPT;

	hlen = e->key.l4proto == IPPROTO_TCP ? sizeof(struct tcphdr) :
					       sizeof(struct udphdr);
	if (unlikely(!nfo_is_writable(skb, e, p->thoff + hlen))) {
		if (skb_shared(skb))
			return NF_ACCEPT;
		if (!nfo_make_writable(skb, e))
			return NF_DROP;
	}

	if (unlikely(e->key.encap.kinds))
		nfo_taken_apart(skb, e);
	nfo_account(t, e, skb);
	if (e->key.family == NFPROTO_IPV4)
		nfo_rewrite4(skb, e, t->nn->net);
	else
		nfo_rewrite6(skb, e);
	nfo_xmit(skb, e);

	return NF_STOLEN;
}

/* ---- the walk ---- */

/* @popped: headers that were taken off, or NULL. Everything but rare cases is inlined
 * here.
 */
static noinline unsigned int nfo_walk(struct nfo_table *t, struct sk_buff *skb,
				      const struct net_device *in,
				      const struct nfo_encap_popped *popped)
{
	struct nfo_pkt p;

	if (!nfo_skb_ok(skb))
		return NF_ACCEPT;
	if (skb->protocol == htons(ETH_P_IP) ? !nfo_parse4(skb, in, &p) :
					       !nfo_parse6(skb, in, &p))
		return NF_ACCEPT;
	if (unlikely(popped)) {
		if (!nfo_encap_payload_ok(skb, popped))
			return NF_ACCEPT;
		p.l.key.encap = popped->encap;
	}

	return nfo_forward(t, skb, &p);
}

/* A packet with headers between Ethernet and IP. What is not forwarded is given back
 * as it came, for the devices above to take apart.
 */
static noinline unsigned int nfo_walk_encap(struct nfo_table *t, struct sk_buff *skb,
					    const struct net_device *in, u8 family)
{
	unsigned int verdict = NF_ACCEPT;
	struct nfo_encap_popped popped;

	if (!nfo_encap_pop(skb, &popped))
		return NF_ACCEPT;
	if (family != (skb->protocol == htons(ETH_P_IP) ? NFPROTO_IPV6 : NFPROTO_IPV4))
		verdict = nfo_walk(t, skb, in, &popped);
	if (verdict == NF_ACCEPT)
		nfo_encap_restore(skb, &popped);

	return verdict;
}

static bool nfo_is_bare(const struct sk_buff *skb, u16 proto)
{
	return skb->protocol == htons(proto) && !skb_vlan_tag_present(skb);
}

/* ---- hooks ---- */

/**
 * nfo_hook_ip() - ingress hook of an ip flowtable
 * @priv:  struct nf_flowtable
 * @skb:   packet, data at the network header
 * @state: where
 *
 * Context: softirq, rcu_read_lock(). Return: NF_ACCEPT or NF_STOLEN; NF_DROP
 * only where the classic path would have run out of memory as well.
 */
unsigned int nfo_hook_ip(void *priv, struct sk_buff *skb,
			 const struct nf_hook_state *state)
{
	if (likely(nfo_is_bare(skb, ETH_P_IP)))
		return nfo_walk(nfo_table(priv), skb, state->in, NULL);
	return nfo_walk_encap(nfo_table(priv), skb, state->in, NFPROTO_IPV4);
}

/**
 * nfo_hook_ip6() - ingress hook of an ip6 flowtable; see nfo_hook_ip()
 * @priv:  struct nf_flowtable
 * @skb:   packet, data at the network header
 * @state: where
 */
unsigned int nfo_hook_ip6(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state)
{
	if (likely(nfo_is_bare(skb, ETH_P_IPV6)))
		return nfo_walk(nfo_table(priv), skb, state->in, NULL);
	return nfo_walk_encap(nfo_table(priv), skb, state->in, NFPROTO_IPV6);
}

/**
 * nfo_hook_inet() - ingress hook of an inet flowtable; see nfo_hook_ip()
 * @priv:  struct nf_flowtable
 * @skb:   packet, data at the network header
 * @state: where
 */
unsigned int nfo_hook_inet(void *priv, struct sk_buff *skb,
			   const struct nf_hook_state *state)
{
	if (likely(nfo_is_bare(skb, ETH_P_IP) || nfo_is_bare(skb, ETH_P_IPV6)))
		return nfo_walk(nfo_table(priv), skb, state->in, NULL);
	return nfo_walk_encap(nfo_table(priv), skb, state->in, NFPROTO_INET);
}
