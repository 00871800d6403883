// SPDX-License-Identifier: GPL-2.0
/*
 * The packet path: parse, look up, verify, rewrite, transmit.
 *
 * The ingress hook runs before the stack's own input checks, so this file makes all checks that
 * the stack and conntrack would have made. A packet that does not pass them takes the classic path
 * as it came, but for padding. A packet that passes is sent as the classic path would have sent it.
 * nf_flow_offload_rare.c has the steps that few packets need.
 */
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/prefetch.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/xfrm.h>

#include "nfo_ct.h"
#include "nfo_encap.h"
#include "nfo_entry.h"
#include "nfo_hash.h"
#include "nfo_ip.h"
#include "nfo_l4.h"
#include "nfo_learn.h"
#include "nfo_push.h"
#include "nfo_rare.h"
#include "nfo_recheck.h"
#include "nfo_route.h"
#include "nfo_skb.h"

/* How old nfo_entry::used may become, and how often nfo_entry_refresh() runs, in jiffies. */
#define NFO_REFRESH	(HZ / 2)

/**
 * struct nfo_pkt - what is known of a packet on its way through
 * @len:    length of the IP packet by its own header, bytes
 * @epoch:  nfo_epoch() when the packet came in
 * @priority: skb->priority that the packet leaves with, unless a rule sets one
 * @fields: nfo_entry::fields, read once
 * @set_ce: a tunnel's header says that there was congestion, and the packet is to say so
 * @popped: headers that were taken off, or NULL
 *
 * No pointer to it leaves the functions that are inlined into nfo_walk(), so that its
 * fields can be registers.
 */
struct nfo_pkt {
	unsigned int		len;
	u32			epoch;
	u32			priority;
	u8			fields;
	bool			set_ce;
	const struct nfo_encap_popped	*popped;
};

/* With CONFIG_INIT_STACK_ALL_ZERO a struct nfo_lookup would be cleared for each packet, which is
 * slow. The packet path writes each field before it reads it, so the structure is exempt.
 */
#if __has_attribute(__uninitialized__)
#define nfo_not_cleared	__attribute__((__uninitialized__))
#else
#define nfo_not_cleared
#endif

/* The offset of the layer 4 header. @family is a constant here: the functions between a hook and
 * dev_queue_xmit() are compiled once for each family.
 */
static __always_inline unsigned int nfo_thoff(u8 family)
{
	return family == NFPROTO_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

static bool nfo_parse4(struct sk_buff *skb, const struct net_device *in,
		       struct nfo_lookup *l)
{
	const struct iphdr *iph;
	const __be16 *ports;

	if (!pskb_may_pull(skb, sizeof(*iph) + sizeof(struct udphdr)))
		return false;

	iph = ip_hdr(skb);
	/* Version 4 and no options in one comparison. */
	if (*(const u8 *)iph != 0x45 || ip_is_fragment(iph) || iph->ttl <= 1)
		return false;
	if (!nfo_l4_is_main(iph->protocol))
		return false;

	ports = (const __be16 *)(iph + 1);
	l->key = (struct nfo_key) {
		.saddr		= iph->saddr,
		.daddr		= iph->daddr,
		.sport		= ports[0],
		.dport		= ports[1],
		.iif		= in->ifindex,
		.l4proto	= iph->protocol,
		.family		= NFPROTO_IPV4,
	};

	return true;
}

static bool nfo_parse6(struct sk_buff *skb, const struct net_device *in,
		       struct nfo_lookup *l)
{
	const struct ipv6hdr *ip6h;
	const __be16 *ports;

	if (!pskb_may_pull(skb, sizeof(*ip6h) + sizeof(struct udphdr)))
		return false;

	ip6h = ipv6_hdr(skb);
	if (ip6h->version != 6 || ip6h->hop_limit <= 1 ||
	    !nfo_l4_is_main(ip6h->nexthdr))
		return false;

	ports = (const __be16 *)(ip6h + 1);
	l->key = (struct nfo_key) {
		.saddr		= nfo_fold6(&ip6h->saddr),
		.daddr		= nfo_fold6(&ip6h->daddr),
		.sport		= ports[0],
		.dport		= ports[1],
		.iif		= in->ifindex,
		.l4proto	= ip6h->nexthdr,
		.family		= NFPROTO_IPV6,
	};
	l->saddr6 = &ip6h->saddr;
	l->daddr6 = &ip6h->daddr;

	return true;
}

/* As ip_rcv() does, check the lengths and the header checksum, and cut off padding.
 * Return: true when the IP header is valid.
 */
static bool nfo_check4(struct sk_buff *skb, struct nfo_pkt *p)
{
	const struct iphdr *iph = ip_hdr(skb);

	p->len = iph_totlen(skb, iph);
	if (unlikely(p->len < sizeof(*iph) + sizeof(struct udphdr) || p->len > skb->len))
		return false;
	if (unlikely(nfo_ip_csum_bad(iph)))
		return false;

	return likely(skb->len == p->len) || !pskb_trim_rcsum(skb, p->len);
}

/* Return: the setting net.ipv6.conf.all.forwarding; false without IPv6. */
static bool nfo_net_forwards6(const struct net *net)
{
#if IS_ENABLED(CONFIG_IPV6)
	return READ_ONCE(net->ipv6.devconf_all->forwarding);
#else
	return false;
#endif
}

static bool nfo_check6(struct sk_buff *skb, struct nfo_pkt *p, const struct nfo_entry *e,
		       const struct net *net)
{
	unsigned int payload = ntohs(ipv6_hdr(skb)->payload_len);

	/* When IPv4 forwarding is switched off, rt_genid moves, see nfo_net_moved(). IPv6 has no
	 * such number, so each packet looks.
	 */
	if (unlikely(!nfo_net_forwards6(net)) && !nfo_forced_to_forward6(nfo_entry_refs(e)->in))
		return false;
	/* A packet of more than 64 KiB that GRO put together: the skb has its length. */
	if (unlikely(!payload && skb_is_gso(skb)))
		payload = skb->len - sizeof(struct ipv6hdr);
	p->len = payload + sizeof(struct ipv6hdr);
	if (unlikely(payload < sizeof(struct udphdr) || p->len > skb->len))
		return false;

	return likely(skb->len == p->len) || !pskb_trim_rcsum(skb, p->len);
}

/* Conntrack verifies checksums unless nf_conntrack_checksum is 0. A packet with a wrong checksum
 * takes the classic path, so that conntrack judges it.
 */
static bool nfo_l4_csum_ok(struct sk_buff *skb, const struct net *net, u8 l4proto, u8 family)
{
	if (skb->ip_summed == CHECKSUM_UNNECESSARY ||
	    skb->ip_summed == CHECKSUM_PARTIAL)
		return true;
	if (!READ_ONCE(net->ct.sysctl_checksum))
		return true;

	return !nf_checksum(skb, NF_INET_PRE_ROUTING, nfo_thoff(family), l4proto, family);
}

static __always_inline enum nfo_verdict
nfo_check_tcp(struct sk_buff *skb, const struct nfo_pkt *p, struct nfo_entry *e,
	      const struct net *net, u8 family)
{
	const unsigned int thoff = nfo_thoff(family);
	enum nfo_verdict verdict;
	const struct tcphdr *th;
	unsigned int hlen;

	if (unlikely(!pskb_may_pull(skb, thoff + sizeof(*th))))
		return NFO_PASS;
	th = (const void *)(skb_network_header(skb) + thoff);
	hlen = th->doff * 4;
	if (unlikely(hlen < sizeof(*th) || thoff + hlen > p->len))
		return NFO_PASS;
	if (unlikely(!nfo_l4_csum_ok(skb, net, IPPROTO_TCP, family)))
		return NFO_PASS;

	verdict = nfo_tcp_verdict(th);
	if (likely(verdict == NFO_FORWARD))
		nfo_entry_track_tcp(e, th, p->len - thoff - hlen);

	return verdict;
}

static __always_inline enum nfo_verdict
nfo_check_udp(struct sk_buff *skb, const struct nfo_pkt *p, const struct nfo_entry *e,
	      const struct net *net, u8 family)
{
	const unsigned int thoff = nfo_thoff(family);
	const struct udphdr *uh = (const void *)(skb_network_header(skb) + thoff);
	unsigned int ulen = ntohs(uh->len);

	if (unlikely(e->key.l4proto != IPPROTO_UDP))
		return nfo_l4_pkt_ok(skb, e, net, thoff, p->len) ? NFO_FORWARD : NFO_PASS;
	if (unlikely(ulen < sizeof(*uh) || thoff + ulen > p->len))
		return NFO_PASS;
	if (uh->check && unlikely(!nfo_l4_csum_ok(skb, net, IPPROTO_UDP, family)))
		return NFO_PASS;

	return NFO_FORWARD;
}

/* ip_forward() and ip6_forward() answer larger packets with an ICMP error, or fragment them. */
static bool nfo_too_big(const struct sk_buff *skb, unsigned int mtu)
{
	if (likely(skb->len <= mtu))
		return false;
	return !skb_is_gso(skb) || !skb_gso_validate_network_len(skb, mtu);
}

/* Called twice a second while a direction has packets: bring the flow's counters, conntrack's
 * timeout and the hardware side up to date, and look at the objects whose changes no event
 * announces. Return: false when the direction has to learn again.
 */
static bool nfo_entry_refresh(struct nfo_table *t, struct nfo_entry *e)
{
	bool recheck = nfo_recheck_due(t->nn, e, READ_ONCE(e->used));
	struct nfo_flow *f = nfo_flow(e);

	WRITE_ONCE(e->used, nfo_now());
	nfo_flow_settle(f, nfo_dir(e));
	if (unlikely(nfo_ct_has_fixed_timeout(e->ct))) {
		nfo_flow_retire(f, NFO_R_FIXED_TIMEOUT);
		return false;
	}
	nfo_ct_refresh(e->ct, e->key.l4proto, e->flags & NFO_E_TIMEOUT);
	/* nfo_hw_active() tests this too, but would have to load f->table from a cold line. */
	if (t->flags & NF_FLOWTABLE_HW_OFFLOAD)
		nfo_table_ops->active(f);

	return nfo_route_refresh(t, f, nfo_dir(e)) && !recheck;
}

/* Does the entry still say what the classic path would do? If not, the packet takes the classic
 * path, and the direction learns from it. @own: the packet will use the entry if it does, so the
 * entry counts as in use.
 */
static noinline bool nfo_entry_verify(struct nfo_table *t, struct nfo_entry *e, u32 epoch, bool own)
{
	bool refresh = own && nfo_now() - READ_ONCE(e->used) >= NFO_REFRESH;
	u32 was = READ_ONCE(e->epoch);

	/* From here on a change that concerns the entry moves nfo_net::concerned, so packets of the
	 * next half second need not look at the journal. Earlier changes may not have moved it, so
	 * the journal is read up to now.
	 */
	if (refresh) {
		nfo_entry_watch(t->nn, e);
		/* Pairs with nfo_change_append(), as in nfo_epoch(). */
		epoch = smp_load_acquire(&t->nn->epoch);
	}
	if (was != epoch) {
		if (nfo_route_changed(t->nn, e, was, epoch)) {
			nfo_entry_make_stale(e, epoch);
			this_cpu_inc(t->nn->stats->stale);
			return false;
		}
		/* The entry stays stale if another packet has made it so meanwhile. */
		cmpxchg(&e->epoch, was, epoch);
	}
	if (!refresh || nfo_entry_refresh(t, e))
		return true;

	nfo_entry_make_stale(e, epoch);
	this_cpu_inc(t->nn->stats->stale);
	return false;
}

/* Is there room for the link-layer header, and do no clones share the headers? */
static __always_inline bool nfo_is_writable(const struct sk_buff *skb,
					    const struct net_device *out, unsigned int len)
{
	return skb_headroom(skb) >= LL_RESERVED_SPACE(out) &&
	       (!skb_cloned(skb) || skb_clone_writable(skb, len));
}

static bool nfo_make_writable(struct sk_buff *skb, const struct net_device *out)
{
	unsigned int need = LL_RESERVED_SPACE(out);
	unsigned int room = skb_headroom(skb);

	return !pskb_expand_head(skb, need > room ? SKB_DATA_ALIGN(need - room) : 0,
				 0, GFP_ATOMIC);
}

static __always_inline void nfo_nat_l4(struct sk_buff *skb, const struct nfo_entry *e,
				       void *l4hdr)
{
	__sum16 *check;

	if (e->key.l4proto == IPPROTO_TCP) {
		check = &((struct tcphdr *)l4hdr)->check;
	} else if (likely(e->key.l4proto == IPPROTO_UDP)) {
		check = &((struct udphdr *)l4hdr)->check;
	} else {
		nfo_l4_nat(skb, e, l4hdr);
		return;
	}
	BUILD_BUG_ON(offsetof(struct nfo_entry, dport) != offsetof(struct nfo_entry, sport) + 2);
	/* Both ports at once. */
	*(u32 *)l4hdr = *(const u32 *)&e->sport;
	if (e->key.l4proto == IPPROTO_UDP && !*check && skb->ip_summed != CHECKSUM_PARTIAL)
		return;

	*check = nfo_l4_csum_nat(*check, e, skb->ip_summed == CHECKSUM_PARTIAL);
	if (!*check && e->key.l4proto == IPPROTO_UDP)
		*check = CSUM_MANGLED_0;
}

static __always_inline void nfo_rewrite4(struct sk_buff *skb, const struct nfo_entry *e)
{
	struct iphdr *iph = ip_hdr(skb);

	/* @ip_delta includes the TTL that becomes one less. */
	iph->check = nfo_csum_apply(iph->check, e->ip_delta);
	iph->ttl--;
	if (e->flags & NFO_E_NAT) {
		iph->saddr = e->saddr;
		iph->daddr = e->daddr;
		nfo_nat_l4(skb, e, iph + 1);
	}

	memset(IPCB(skb), 0, sizeof(struct inet_skb_parm));
	IPCB(skb)->iif = nfo_in_ifindex(e);
	IPCB(skb)->flags = IPSKB_FORWARDED;
}

static __always_inline void nfo_rewrite6(struct sk_buff *skb, const struct nfo_entry *e)
{
	const struct nfo_addr6 *a = nfo_addr6(e);
	struct ipv6hdr *ip6h = ipv6_hdr(skb);

	ip6h->hop_limit--;
	if (e->flags & NFO_E_NAT) {
		ip6h->saddr = a->new_saddr;
		ip6h->daddr = a->new_daddr;
		nfo_nat_l4(skb, e, ip6h + 1);
	}

	memset(IP6CB(skb), 0, sizeof(struct inet6_skb_parm));
	IP6CB(skb)->iif = nfo_in_ifindex(e);
	IP6CB(skb)->flags = IP6SKB_FORWARDED;
}

static __always_inline void nfo_rewrite(struct sk_buff *skb, const struct nfo_entry *e,
					const struct nfo_pkt *p, u8 family)
{
	if (family == NFPROTO_IPV4)
		nfo_rewrite4(skb, e);
	else
		nfo_rewrite6(skb, e);
	skb->priority = p->priority;
	if (unlikely(p->fields & NFO_FIELDS))
		nfo_rewrite_fields(skb, e, p->fields);
}

/* br_netfilter, the connection tracking of bridges and act_ct give a packet its conntrack entry
 * before it comes to the hook. On the classic path the packet keeps that entry, and conntrack
 * neither looks for another one nor counts the packet again. Return: @skb has no entry, or that
 * of @e.
 */
static __always_inline bool nfo_skb_is_of(const struct sk_buff *skb, const struct nfo_entry *e)
{
	return likely(!skb->_nfct) || skb_nfct(skb) == &e->ct->ct_general;
}

/* Call this while @skb has the conntrack entry that it came with, see nfo_skb_is_of(). */
static __always_inline void nfo_account(struct nfo_entry *e, const struct sk_buff *skb)
{
	nfo_entry_count(e, skb->len);
	if (e->flags & NFO_E_ACCT && likely(!skb->_nfct))
		nfo_ct_count(e->ct, nfo_dir(e), skb->len);
}

static void nfo_set_dst(struct sk_buff *skb, const struct nfo_entry *e,
			const struct nfo_route_refs *refs)
{
	skb_dst_drop(skb);
	if (e->flags & NFO_E_KEEP_DST)
		skb_dst_set_noref(skb, refs->dst);
}

/* Put the link-layer header in front. Return: false when the tunnel's device could not make it. */
static bool nfo_put_header(struct sk_buff *skb, const struct nfo_entry *e,
			   const struct nfo_route_refs *refs)
{
	if (unlikely(!(e->flags & NFO_E_HEADER)))
		return likely(!refs->hh[NFO_HH_IS_ADDR]) || nfo_put_outer(skb, refs);
	/* neigh_hh_output() writes 16 bytes. ETH_HLEN bytes replace the header of the frame that
	 * came in, and leave the cold cache line before it alone.
	 */
	memcpy(__skb_push(skb, ETH_HLEN), refs->hh, ETH_HLEN);

	return true;
}

static __always_inline void nfo_xmit(struct sk_buff *skb, const struct nfo_entry *e,
				     const struct nfo_route_refs *refs)
{
	if (unlikely(e->flags & NFO_E_EXTRA) && refs->extra->encrypt) {
		nfo_xmit_xfrm(skb, e);
		return;
	}
	if (unlikely(skb->destructor))
		skb_orphan(skb);
	nfo_set_dst(skb, e, refs);
	skb_clear_tstamp(skb);
	skb_forward_csum(skb);
	if (unlikely(refs->push)) {
		nfo_push_xmit(skb, e, refs);
		return;
	}
	skb->dev = refs->send;
	if (nfo_put_header(skb, e, refs))
		dev_queue_xmit(skb);
	else
		kfree_skb(skb);
}

/* ---- verdict ---- */

static bool nfo_entry_is_due(const struct nfo_net *nn, const struct nfo_entry *e)
{
	return !nfo_entry_is_current(nn, e) || nfo_now() - READ_ONCE(e->used) >= NFO_REFRESH;
}

static noinline bool nfo_skb_settled(const struct sk_buff *skb, const struct nfo_entry *e,
				     u8 fields)
{
	struct nfo_look look = nfo_look_before(nfo_skb_look(skb, e->key.family), e);

	return !nfo_fields_unknown(e, nfo_entry_refs(e), &look, fields);
}

/* Is it known what the ruleset does to each field of the packet? */
static __always_inline bool nfo_fields_ok(const struct sk_buff *skb, const struct nfo_entry *e,
					  struct nfo_pkt *p, u8 family)
{
	u8 tos = nfo_skb_tos(skb, family), ttl = nfo_skb_ttl(skb, family);

	p->fields = READ_ONCE(e->fields);
	p->priority = skb->priority;
	if (family == NFPROTO_IPV4 && e->flags & NFO_E_PRIO_TOS)
		p->priority = rt_tos2priority(tos);

	/* A packet that comes with the value that a rule sets may be none that the rule is for. */
	return likely(!nfo_fields_differ(e, skb->mark, p->priority, tos, ttl) &&
		      !nfo_entry_refs(e)->given) ||
	       nfo_skb_settled(skb, e, p->fields);
}

/* Check a packet whose entry was found; the flow may be retired meanwhile. Return: NFO_FORWARD, or
 * NFO_PASS for the classic path.
 */
static __always_inline enum nfo_verdict
nfo_pkt_verdict(struct nfo_table *t, struct nfo_entry *e, struct sk_buff *skb,
		struct nfo_pkt *p, u8 family)
{
	const struct net *net = t->nn->net;
	enum nfo_verdict verdict;
	bool set_ce = false;
	bool due, known;

	prefetch(&e->ct->status);
	due = nfo_entry_is_due(t->nn, e);
	if (unlikely(due))
		prefetch(&e->ct->timeout);

	if (unlikely(skb_sk_is_prefetched(skb) || !nfo_skb_is_of(skb, e)))
		return NFO_PASS;
	if (unlikely(e->flags & NFO_E_FRAME || skb->pkt_type != PACKET_HOST) &&
	    !nfo_frame_ok(skb, e))
		return NFO_PASS;

	if (family == NFPROTO_IPV4 ? !nfo_check4(skb, p) : !nfo_check6(skb, p, e, net))
		return NFO_PASS;
	skb_set_transport_header(skb, nfo_thoff(family));
	verdict = e->key.l4proto == IPPROTO_TCP ? nfo_check_tcp(skb, p, e, net, family) :
						  nfo_check_udp(skb, p, e, net, family);
	if (unlikely(verdict != NFO_FORWARD))
		return NFO_PASS;

	if (unlikely(test_bit(IPS_DYING_BIT, &e->ct->status))) {
		nfo_flow_retire(nfo_flow(e), NFO_R_CT_GONE);
		return NFO_PASS;
	}
	if (unlikely(e->flags & NFO_E_RARE || skb_sec_path(skb))) {
		if (!nfo_rare_ok(t, e, skb, p->popped, p->epoch, &set_ce))
			return NFO_PASS;
		p->set_ce = set_ce;
		due = nfo_entry_is_due(t->nn, e);
	}
	known = nfo_fields_ok(skb, e, p, family);
	if (unlikely(due) && !nfo_entry_verify(t, e, p->epoch, known))
		return NFO_PASS;
	if (unlikely(nfo_too_big(skb, READ_ONCE(e->mtu))))
		return NFO_PASS;

	return likely(known) ? NFO_FORWARD : NFO_PASS;
}

/* A packet of a known direction takes the classic path. After a closing segment that conntrack
 * found invalid, windows are strict until the flow is refreshed, and conntrack does not know what
 * has been forwarded since. It is told now, or it would find this packet invalid too.
 */
static noinline void nfo_entry_pass(struct nfo_entry *e)
{
	if (e->key.l4proto == IPPROTO_TCP && nfo_ct_tcp_is_strict(e->ct))
		nfo_flow_sync_tcp(nfo_flow(e));
}

static __always_inline unsigned int
nfo_forward(struct nfo_table *t, struct sk_buff *skb, struct nfo_lookup *l,
	    const struct nfo_encap_popped *popped, u8 family)
{
	struct nfo_pkt p = { .popped = popped };
	const struct nfo_route_refs *refs;
	struct nfo_entry *e;
	unsigned int hlen;

	nfo_lookup_begin(t, l);
	if (family == NFPROTO_IPV6 && unlikely(nfo_net_moved6(t->nn)))
		nfo_net_notice(t->nn);
	p.epoch = nfo_epoch(t->nn);
	e = nfo_lookup(t, l);
	if (!e || nfo_pkt_verdict(t, e, skb, &p, family) != NFO_FORWARD) {
		if (e)
			nfo_entry_pass(e);
		nfo_note_take(t, skb, &l->key, popped, nfo_thoff(family), p.epoch);
		return NF_ACCEPT;
	}

	/* Of the headers of other protocols at most the length of TCP's is written to. */
	refs = nfo_entry_refs(e);
	hlen = e->key.l4proto == IPPROTO_UDP ? sizeof(struct udphdr) :
					       sizeof(struct tcphdr);
	if (unlikely(!nfo_is_writable(skb, refs->send, nfo_thoff(family) + hlen))) {
		if (skb_shared(skb))
			return NF_ACCEPT;
		if (!nfo_make_writable(skb, refs->send))
			return NF_DROP;
	}

	nfo_account(e, skb);
	if (unlikely(e->flags & NFO_E_RARE) && !nfo_leave_rare(skb, e, p.set_ce))
		return NF_DROP;
	nfo_rewrite(skb, e, &p, family);
	nfo_xmit(skb, e, refs);

	return NF_STOLEN;
}

/* ---- the walk ---- */

static noinline unsigned int nfo_walk_encap(struct nfo_table *t, struct sk_buff *skb,
					    const struct net_device *in);

/* A packet of a protocol other than TCP and UDP, see nf_flow_offload_l4.c. */
static noinline unsigned int nfo_walk_other(struct nfo_table *t, struct sk_buff *skb,
					    const struct net_device *in,
					    const struct nfo_encap_popped *popped)
{
	struct nfo_lookup l nfo_not_cleared;
	unsigned int thoff;

	if (!nfo_l4_parse(skb, in, t->nn, &l, &thoff))
		return NF_ACCEPT;
	if (popped) {
		if (!nfo_encap_payload_ok(skb, popped))
			return NF_ACCEPT;
		l.key.encap = popped->encap;
	}

	return nfo_forward(t, skb, &l, popped, l.key.family);
}

/* @popped: headers that were taken off, or NULL. Everything but rare cases is inlined
 * here. A packet that is neither TCP nor UDP may be a tunnel's, so nfo_walk_encap() looks at it.
 */
static __always_inline unsigned int nfo_walk(struct nfo_table *t, struct sk_buff *skb,
					     const struct net_device *in,
					     const struct nfo_encap_popped *popped, u8 family)
{
	struct nfo_lookup l nfo_not_cleared;

	if (family == NFPROTO_IPV4 ? !nfo_parse4(skb, in, &l) : !nfo_parse6(skb, in, &l))
		return popped ? nfo_walk_other(t, skb, in, popped) : nfo_walk_encap(t, skb, in);
	if (unlikely(popped)) {
		if (!nfo_encap_payload_ok(skb, popped))
			return NF_ACCEPT;
		l.key.encap = popped->encap;
	}

	return nfo_forward(t, skb, &l, popped, family);
}

static noinline unsigned int nfo_walk4(struct nfo_table *t, struct sk_buff *skb,
				       const struct net_device *in,
				       const struct nfo_encap_popped *popped)
{
	return nfo_walk(t, skb, in, popped, NFPROTO_IPV4);
}

static noinline unsigned int nfo_walk6(struct nfo_table *t, struct sk_buff *skb,
				       const struct net_device *in,
				       const struct nfo_encap_popped *popped)
{
	return nfo_walk(t, skb, in, popped, NFPROTO_IPV6);
}

/* Does the flowtable's family include the packet's? */
static bool nfo_family_ok(const struct nfo_table *t, const struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		return t->family != NFPROTO_IPV6;
	return skb->protocol == htons(ETH_P_IPV6) && t->family != NFPROTO_IPV4;
}

/* A packet whose headers between Ethernet and IP were taken off. A packet that is not forwarded
 * gets them back, because the devices above take them off themselves.
 */
static unsigned int nfo_walk_popped(struct nfo_table *t, struct sk_buff *skb,
				    const struct net_device *in,
				    const struct nfo_encap_popped *popped)
{
	unsigned int verdict = NF_ACCEPT;

	if (nfo_family_ok(t, skb))
		verdict = skb->protocol == htons(ETH_P_IP) ? nfo_walk4(t, skb, in, popped) :
							     nfo_walk6(t, skb, in, popped);
	if (verdict == NF_ACCEPT)
		nfo_encap_restore(skb, popped);

	return verdict;
}

/* A packet with headers between Ethernet and IP, with a tag or a tunnel's number in the skb, or of
 * another protocol than TCP and UDP. A tunnel may end here or pass through, so its packet is looked
 * up by what is inside the tunnel first, and then as a packet of the tunnel.
 */
static noinline unsigned int nfo_walk_encap(struct nfo_table *t, struct sk_buff *skb,
					    const struct net_device *in)
{
	struct nfo_encap_popped popped;
	unsigned int verdict;

	if (nfo_encap_pop(skb, &popped, true)) {
		verdict = nfo_walk_popped(t, skb, in, &popped);
		if (verdict != NF_ACCEPT || !popped.tunnel)
			return verdict;
	}
	if (nfo_encap_pop(skb, &popped, false))
		return nfo_walk_popped(t, skb, in, &popped);
	if (skb_vlan_tag_present(skb) || skb_dst(skb) || !nfo_family_ok(t, skb))
		return NF_ACCEPT;

	return nfo_walk_other(t, skb, in, NULL);
}

/* @family: of the table; a table of NFPROTO_INET has flows of both families. */
static __always_inline unsigned int nfo_ingress(struct nfo_table *t, struct sk_buff *skb,
						const struct nf_hook_state *state, u8 family)
{
	if (unlikely(!nfo_skb_ok(skb)))
		return NF_ACCEPT;
	/* A device that serves many tunnels sets skb_dst() to metadata: the tunnel's number. */
	if (likely(!skb_vlan_tag_present(skb) && !skb_dst(skb))) {
		if (family != NFPROTO_IPV6 && skb->protocol == htons(ETH_P_IP))
			return nfo_walk4(t, skb, state->in, NULL);
		if (family != NFPROTO_IPV4 && skb->protocol == htons(ETH_P_IPV6))
			return nfo_walk6(t, skb, state->in, NULL);
	}

	return nfo_walk_encap(t, skb, state->in);
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
	return nfo_ingress(nfo_table(priv), skb, state, NFPROTO_IPV4);
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
	return nfo_ingress(nfo_table(priv), skb, state, NFPROTO_IPV6);
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
	return nfo_ingress(nfo_table(priv), skb, state, NFPROTO_INET);
}

/**
 * nfo_hook_is_own() - is a hook one of the above?
 * @hook: function of any hook
 *
 * Context: any.
 */
bool nfo_hook_is_own(nf_hookfn *hook)
{
	return hook == nfo_hook_ip || hook == nfo_hook_ip6 || hook == nfo_hook_inet;
}
