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
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip_tunnels.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/xfrm.h>

#include "nfo_ct.h"
#include "nfo_encap.h"
#include "nfo_entry.h"
#include "nfo_hash.h"
#include "nfo_ip.h"
#include "nfo_l4.h"
#include "nfo_learn.h"
#include "nfo_route.h"
#include "nfo_skb.h"
#include "nfo_stack.h"

/* A tunnel's own packets pass conntrack and a ruleset, which the fast path spares the
 * received ones. As often as this one of them takes the classic path, so that their
 * connection stays alive, and so does what rules say of it.
 */
#define NFO_TUNNEL_SHOW	(10 * HZ)

/* How stale nfo_entry::used may get, and how often the objects are looked at. */
#define NFO_REFRESH	(HZ / 2)

/**
 * struct nfo_pkt - one packet on its way through
 * @l:     what it is looked up by
 * @len:   length of the IP packet by its own header, bytes
 * @thoff: offset of the layer 4 header from the network header
 * @epoch: nfo_epoch() when it came in
 * @fields: nfo_entry::fields, read once
 * @set_ce: a tunnel's header says that there was congestion, and the packet is to say so
 * @popped: headers that were taken off, or NULL
 */
struct nfo_pkt {
	struct nfo_lookup	l;
	unsigned int		len;
	unsigned int		thoff;
	u32			epoch;
	u8			fields;
	bool			set_ce;
	const struct nfo_encap_popped	*popped;
};

/* Is the frame for the address that the frames of this direction come for? */
static bool nfo_dest_ok(const struct sk_buff *skb, const struct nfo_entry *e)
{
	if (!(e->flags & NFO_E_IN_DEST))
		return skb->pkt_type == PACKET_HOST;
	return ether_addr_equal_unaligned(eth_hdr(skb)->h_dest, e->in_dest);
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
	if (!nfo_l4_is_main(iph->protocol))
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
	if (ip6h->version != 6 || ip6h->hop_limit <= 1 ||
	    !nfo_l4_is_main(ip6h->nexthdr))
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

	/* IPv4 has rt_genid for this, see nfo_net_moved(). */
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
				      struct nfo_entry *e, const struct net *net)
{
	enum nfo_verdict verdict;
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

	verdict = nfo_tcp_verdict(th);
	if (likely(verdict == NFO_FORWARD))
		nfo_entry_track_tcp(e, th, p->len - p->thoff - hlen);

	return verdict;
}

static enum nfo_verdict nfo_check_udp(struct sk_buff *skb, struct nfo_pkt *p,
				      const struct nfo_entry *e, const struct net *net)
{
	const struct udphdr *uh = (const void *)(skb_network_header(skb) + p->thoff);
	unsigned int ulen = ntohs(uh->len);

	if (unlikely(p->l.key.l4proto != IPPROTO_UDP))
		return nfo_l4_pkt_ok(skb, e, net, p->thoff, p->len) ? NFO_FORWARD : NFO_PASS;
	if (unlikely(ulen < sizeof(*uh) || p->thoff + ulen > p->len))
		return NFO_PASS;
	if (uh->check && unlikely(!nfo_l4_csum_ok(skb, p, net)))
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

/* Twice a second a flow's counters, its conntrack timeout and the hardware side are brought up
 * to date, and the objects are looked at whose changes no event announces.
 */
static bool nfo_entry_refresh(struct nfo_table *t, struct nfo_entry *e)
{
	struct nfo_flow *f = nfo_flow(e);

	WRITE_ONCE(e->used, nfo_now());
	nfo_flow_settle(f, nfo_dir(e));
	nfo_ct_refresh(e->ct);
	nfo_table_ops->active(f);

	return nfo_route_refresh(f, nfo_dir(e));
}

/* Does the entry still say what the classic path would do? If not, the packet takes that
 * path, and the entry learns from it.
 */
static noinline bool nfo_entry_verify(struct nfo_table *t, struct nfo_entry *e, u32 epoch)
{
	u32 was = READ_ONCE(e->epoch);

	if (was != epoch) {
		if (nfo_route_changed(t->nn, e, was, epoch)) {
			nfo_entry_make_stale(e, epoch);
			this_cpu_inc(t->nn->stats->stale);
			return false;
		}
		/* Unless another packet found it stale meanwhile. */
		cmpxchg(&e->epoch, was, epoch);
	}
	if (nfo_now() - READ_ONCE(e->used) < NFO_REFRESH)
		return true;
	if (nfo_entry_refresh(t, e))
		return true;

	nfo_entry_make_stale(e, epoch);
	this_cpu_inc(t->nn->stats->stale);
	return false;
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

static void nfo_nat_l4(struct sk_buff *skb, const struct nfo_entry *e, void *l4hdr)
{
	__be16 *ports = l4hdr;
	__sum16 *check;

	if (e->key.l4proto == IPPROTO_TCP) {
		check = &((struct tcphdr *)l4hdr)->check;
	} else if (likely(e->key.l4proto == IPPROTO_UDP)) {
		check = &((struct udphdr *)l4hdr)->check;
	} else {
		nfo_l4_nat(skb, e, l4hdr);
		return;
	}
	ports[0] = e->sport;
	ports[1] = e->dport;
	if (e->key.l4proto == IPPROTO_UDP && !*check && skb->ip_summed != CHECKSUM_PARTIAL)
		return;

	*check = nfo_l4_csum_nat(*check, e, skb->ip_summed == CHECKSUM_PARTIAL);
	if (!*check && e->key.l4proto == IPPROTO_UDP)
		*check = CSUM_MANGLED_0;
}

/* Routing's own name for the device the packet came in by. */
static u32 nfo_in_ifindex(const struct nfo_entry *e)
{
	if (likely(!(e->flags & NFO_E_LOWER)))
		return e->key.iif;
	return nfo_flow(e)->route[nfo_dir(e)].in->ifindex;
}

/* What the ruleset and routing gave the packet besides its addresses. */
static void nfo_rewrite_meta(struct sk_buff *skb, const struct nfo_entry *e, u8 fields)
{
	if (unlikely(fields & NFO_FIELD_MARK))
		skb->mark = e->mark;
	if (unlikely(fields & NFO_FIELD_PRIORITY))
		skb->priority = e->priority;
}

static void nfo_rewrite4(struct sk_buff *skb, const struct nfo_entry *e, u8 fields)
{
	struct iphdr *iph = ip_hdr(skb);

	if (e->flags & NFO_E_PRIO_TOS)
		skb->priority = rt_tos2priority(iph->tos);
	if (e->flags & NFO_E_NAT) {
		iph->saddr = e->saddr;
		iph->daddr = e->daddr;
		iph->check = nfo_csum_apply(iph->check, e->addr_delta);
		nfo_nat_l4(skb, e, iph + 1);
	}
	if (unlikely(fields & NFO_FIELD_DSCP))
		ipv4_change_dsfield(iph, INET_ECN_MASK, e->dscp);
	if (unlikely(fields & NFO_FIELD_TTL)) {
		csum_replace2(&iph->check, htons(iph->ttl << 8), htons(e->ttl_out << 8));
		iph->ttl = e->ttl_out;
	} else {
		ip_decrease_ttl(iph);
	}

	memset(IPCB(skb), 0, sizeof(struct inet_skb_parm));
	IPCB(skb)->iif = nfo_in_ifindex(e);
	IPCB(skb)->flags = IPSKB_FORWARDED;
}

static void nfo_rewrite6(struct sk_buff *skb, const struct nfo_entry *e, u8 fields)
{
	const struct nfo_addr6 *a = nfo_addr6(e);
	struct ipv6hdr *ip6h = ipv6_hdr(skb);

	if (e->flags & NFO_E_NAT) {
		ip6h->saddr = a->new_saddr;
		ip6h->daddr = a->new_daddr;
		nfo_nat_l4(skb, e, ip6h + 1);
	}
	if (unlikely(fields & NFO_FIELD_DSCP))
		ipv6_change_dsfield(ip6h, INET_ECN_MASK, e->dscp);
	if (unlikely(fields & NFO_FIELD_TTL))
		ip6h->hop_limit = e->ttl_out;
	else
		ip6h->hop_limit--;

	memset(IP6CB(skb), 0, sizeof(struct inet6_skb_parm));
	IP6CB(skb)->iif = nfo_in_ifindex(e);
	IP6CB(skb)->flags = IP6SKB_FORWARDED;
}

static void nfo_account(struct nfo_entry *e, const struct sk_buff *skb)
{
	atomic64_add(NFO_COUNT_PACKET + skb->len, &e->counts);
	if (unlikely(e->flags & NFO_E_ACCT))
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
	if (unlikely(!(e->flags & NFO_E_HEADER)))
		return;
	/* Two bytes too many, into headroom, make it two words. */
	memcpy(skb->data - NFO_HH_MAX, e->hh, NFO_HH_MAX);
	__skb_push(skb, ETH_HLEN);
}

/* The packet leaves through IPsec, which may keep it for a while. */
static noinline void nfo_xmit_xfrm(struct sk_buff *skb, const struct nfo_entry *e)
{
	struct dst_entry *dst = READ_ONCE(nfo_flow(e)->route[nfo_dir(e)].dst);

	skb_orphan(skb);
	skb_dst_drop(skb);
	if (!dst_hold_safe(dst)) {
		kfree_skb(skb);
		return;
	}
	skb_dst_set(skb, dst);
	skb_clear_tstamp(skb);
	skb_forward_csum(skb);
	skb->dev = e->out;
	if (IS_ENABLED(CONFIG_XFRM))
		xfrm_output(NULL, skb);
	else
		kfree_skb(skb);
}

static void nfo_xmit(struct sk_buff *skb, const struct nfo_entry *e)
{
	if (unlikely(e->flags & NFO_E_EXTRA) && nfo_entry_extra(e)->encrypt) {
		nfo_xmit_xfrm(skb, e);
		return;
	}
	skb_orphan(skb);
	nfo_set_dst(skb, e);
	skb_clear_tstamp(skb);
	skb_forward_csum(skb);
	skb->dev = e->out;
	nfo_push_header(skb, e);
	dev_queue_xmit(skb);
}

/* Rulesets route by the connection's mark, and its administrator may change it. */
static bool nfo_ct_mark_ok(const struct nfo_entry *e)
{
	return nfo_route_ct_mark(e->ct) == READ_ONCE(nfo_flow(e)->ct_mark[nfo_dir(e)]);
}

/* Where connections have zones, the same addresses and ports by the same device may be
 * another connection's, which rulesets tell by the sender or by the mark it comes with.
 */
static bool nfo_origin_ok(const struct sk_buff *skb, const struct nfo_entry *e)
{
	const struct nfo_origin *o = &nfo_flow(e)->origin[nfo_dir(e)];

	return skb->mark == o->mark &&
	       (!(e->flags & NFO_E_IN_DEST) ||
		ether_addr_equal_unaligned(eth_hdr(skb)->h_source, o->h_source));
}

/* ---- tunnels and IPsec ---- */

/* ECN: 0 and 1 go on, 1 and 2 are worth a line in the log, 2 is dropped. */
static bool nfo_outer_ok(const struct sk_buff *skb, const struct nfo_extra *x, u8 family,
			 struct nfo_pkt *p)
{
	const struct nfo_encap_popped *popped = p->popped;

	p->set_ce = false;
	if (!popped || memcmp(&x->outer, &popped->outer, sizeof(x->outer)))
		return false;
	if (!popped->tunnel)
		return true;

	return !__INET_ECN_decapsulate(popped->ecn, nfo_skb_tos(skb, family), &p->set_ce);
}

/* Policies may change without a word, and those for a decrypted packet depend on how it
 * was decrypted.
 */
static bool nfo_decrypted_ok(struct sk_buff *skb, const struct nfo_extra *x, u8 family)
{
	if (x->decrypted != !!skb_sec_path(skb))
		return false;
	if (!x->decrypted)
		return true;
	return family == NFPROTO_IPV4 ? xfrm4_policy_check(NULL, XFRM_POLICY_FWD, skb) :
					xfrm6_policy_check(NULL, XFRM_POLICY_FWD, skb);
}

/* Is it this packet's turn to take the classic path? An entry is stale when nothing
 * was learned from the one before: a rule may have dropped it.
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

/* Is the packet like the one that taught the entry, as far as its key does not say? */
static noinline bool nfo_extra_ok(struct nfo_entry *e, struct sk_buff *skb, struct nfo_pkt *p)
{
	const struct nfo_route_refs *refs = &nfo_flow(e)->route[nfo_dir(e)];
	struct nfo_extra *x = refs->extra;

	if (!(e->flags & NFO_E_EXTRA))
		return false;
	if (!nfo_decrypted_ok(skb, x, e->key.family))
		return false;
	if (x->has_outer && !nfo_outer_ok(skb, x, e->key.family, p))
		return false;
	if (x->tunnel && nfo_tunnel_shows(e, x, p->epoch))
		return false;
	/* A bundle whose states or policies changed. */
	if (x->encrypt && !dst_check(READ_ONCE(refs->dst), 0)) {
		nfo_entry_make_stale(e, p->epoch);
		return false;
	}

	return true;
}

/* What a tunnel does to a packet that it takes its header off. Return: false without
 * memory.
 */
static noinline bool nfo_leave_tunnel(struct sk_buff *skb, const struct nfo_entry *e,
				      const struct nfo_pkt *p)
{
	if (!nfo_entry_extra(e)->tunnel)
		return true;
	if (iptunnel_pull_offloads(skb))
		return false;
	if (p->set_ce)
		INET_ECN_set_ce(skb);
	skb_clear_hash_if_not_l4(skb);
	skb_set_queue_mapping(skb, 0);
	skb->ignore_df = 0;

	return true;
}

/* From a hit to a verdict. Return: what to do; @e's flow may be retired. */
static enum nfo_verdict nfo_pkt_verdict(struct nfo_table *t, struct nfo_entry *e,
					struct sk_buff *skb, struct nfo_pkt *p)
{
	const struct net *net = t->nn->net;
	enum nfo_verdict verdict;
	struct nfo_look look;
	bool due;

	if (unlikely(skb_sk_is_prefetched(skb)))
		return NFO_PASS;
	if (unlikely(!nfo_dest_ok(skb, e)))
		return NFO_PASS;
	if (unlikely(e->flags & NFO_E_ORIGIN) && !nfo_origin_ok(skb, e))
		return NFO_PASS;
	if (unlikely(test_bit(IPS_DYING_BIT, &e->ct->status))) {
		nfo_flow_retire(nfo_flow(e), NFO_R_CT_GONE);
		return NFO_PASS;
	}

	if (e->key.family == NFPROTO_IPV4 ? !nfo_check4(skb, p) : !nfo_check6(skb, p, net))
		return NFO_PASS;
	skb_set_transport_header(skb, p->thoff);
	verdict = e->key.l4proto == IPPROTO_TCP ? nfo_check_tcp(skb, p, e, net) :
						  nfo_check_udp(skb, p, e, net);
	if (unlikely(verdict != NFO_FORWARD))
		return NFO_PASS;

	if (unlikely(e->flags & NFO_E_EXTRA || skb_sec_path(skb)) && !nfo_extra_ok(e, skb, p))
		return NFO_PASS;
	if (unlikely(e->flags & NFO_E_CT_MARK) && !nfo_ct_mark_ok(e))
		nfo_entry_make_stale(e, p->epoch);
	due = READ_ONCE(e->epoch) != p->epoch || nfo_now() - READ_ONCE(e->used) >= NFO_REFRESH;
	if (unlikely(due) && !nfo_entry_verify(t, e, p->epoch))
		return NFO_PASS;
	if (unlikely(nfo_too_big(skb, READ_ONCE(e->mtu))))
		return NFO_PASS;
	/* A filter may have come to the device that is passed. */
	if (unlikely(e->flags & NFO_E_LOWER) &&
	    nfo_lower_filters(t, nfo_flow(e)->route[nfo_dir(e)].in))
		return NFO_PASS;
	if (unlikely(e->flags & NFO_E_LABEL) &&
	    (__force u32)ip6_flowlabel(ipv6_hdr(skb)) != e->label)
		return NFO_PASS;
	p->fields = READ_ONCE(e->fields);
	look = nfo_look_before(nfo_skb_look(skb, e->key.family), e);
	if (unlikely(!nfo_fields_known(e, &look, p->fields)))
		return NFO_PASS;

	return NFO_FORWARD;
}

/* The devices between the listed one and routing's are passed: the packet gets the input device
 * and the type that they would have given it.
 */
static void nfo_leave_lower(struct sk_buff *skb, const struct nfo_entry *e)
{
	skb->skb_iif = nfo_in_ifindex(e);
	skb->pkt_type = PACKET_HOST;
}

static unsigned int nfo_forward(struct nfo_table *t, struct sk_buff *skb,
				struct nfo_pkt *p)
{
	struct nfo_entry *e;
	unsigned int hlen;

	if (p->l.key.family == NFPROTO_IPV6 && unlikely(nfo_net_moved6(t->nn)))
		nfo_net_notice(t->nn);
	p->epoch = nfo_epoch(t->nn);
	e = nfo_lookup(t, &p->l);
	if (!e || nfo_pkt_verdict(t, e, skb, p) != NFO_FORWARD) {
		nfo_note_take(t, skb, &p->l.key, p->popped, p->thoff, p->epoch);
		return NF_ACCEPT;
	}

	/* Of other protocols no more than TCP's length is written to. */
	hlen = e->key.l4proto == IPPROTO_UDP ? sizeof(struct udphdr) :
					       sizeof(struct tcphdr);
	if (unlikely(!nfo_is_writable(skb, e, p->thoff + hlen))) {
		if (skb_shared(skb))
			return NF_ACCEPT;
		if (!nfo_make_writable(skb, e))
			return NF_DROP;
	}

	if (unlikely(e->flags & NFO_E_LOWER))
		nfo_leave_lower(skb, e);
	if (unlikely(e->flags & NFO_E_EXTRA) && !nfo_leave_tunnel(skb, e, p))
		return NF_DROP;
	nfo_account(e, skb);
	if (e->key.family == NFPROTO_IPV4)
		nfo_rewrite4(skb, e, p->fields);
	else
		nfo_rewrite6(skb, e, p->fields);
	nfo_rewrite_meta(skb, e, p->fields);
	nfo_xmit(skb, e);

	return NF_STOLEN;
}

/* ---- the walk ---- */

static noinline unsigned int nfo_walk_encap(struct nfo_table *t, struct sk_buff *skb,
					    const struct net_device *in);

/* A packet of a protocol that has more to be looked at, see nf_flow_offload_l4.c. */
static noinline unsigned int nfo_walk_other(struct nfo_table *t, struct sk_buff *skb,
					    const struct net_device *in,
					    const struct nfo_encap_popped *popped)
{
	struct nfo_pkt p;

	if (!nfo_l4_parse(skb, in, t->nn, &p.l, &p.thoff))
		return NF_ACCEPT;
	p.popped = popped;
	if (popped) {
		if (!nfo_encap_payload_ok(skb, popped))
			return NF_ACCEPT;
		p.l.key.encap = popped->encap;
	}

	return nfo_forward(t, skb, &p);
}

/* @popped: headers that were taken off, or NULL. Everything but rare cases is inlined
 * here. What is neither TCP nor UDP may be a tunnel's.
 */
static noinline unsigned int nfo_walk(struct nfo_table *t, struct sk_buff *skb,
				      const struct net_device *in,
				      const struct nfo_encap_popped *popped)
{
	struct nfo_pkt p;

	if (skb->protocol == htons(ETH_P_IP) ? !nfo_parse4(skb, in, &p) :
					       !nfo_parse6(skb, in, &p))
		return popped ? nfo_walk_other(t, skb, in, popped) : nfo_walk_encap(t, skb, in);
	p.popped = popped;
	if (unlikely(popped)) {
		if (!nfo_encap_payload_ok(skb, popped))
			return NF_ACCEPT;
		p.l.key.encap = popped->encap;
	}

	return nfo_forward(t, skb, &p);
}

/* Does the flowtable's family include the packet's? */
static bool nfo_family_ok(const struct nfo_table *t, const struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		return t->family != NFPROTO_IPV6;
	return skb->protocol == htons(ETH_P_IPV6) && t->family != NFPROTO_IPV4;
}

/* A packet without the headers between Ethernet and IP. What is not forwarded is given back
 * as it came, for the devices above to take apart.
 */
static unsigned int nfo_walk_popped(struct nfo_table *t, struct sk_buff *skb,
				    const struct net_device *in,
				    const struct nfo_encap_popped *popped)
{
	unsigned int verdict = NF_ACCEPT;

	if (nfo_family_ok(t, skb))
		verdict = nfo_walk(t, skb, in, popped);
	if (verdict == NF_ACCEPT)
		nfo_encap_restore(skb, popped);

	return verdict;
}

/* A packet with headers between Ethernet and IP, or of another protocol than TCP and UDP. A
 * tunnel's packet may be of a tunnel that ends here, or of one that passes through.
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
	if (skb_vlan_tag_present(skb) || !nfo_family_ok(t, skb))
		return NF_ACCEPT;

	return nfo_walk_other(t, skb, in, NULL);
}

static bool nfo_is_bare(const struct sk_buff *skb, u16 proto)
{
	return skb->protocol == htons(proto) && !skb_vlan_tag_present(skb);
}

static __always_inline unsigned int nfo_ingress(struct nfo_table *t, struct sk_buff *skb,
						const struct nf_hook_state *state, bool bare)
{
	if (!nfo_skb_ok(skb))
		return NF_ACCEPT;
	if (likely(bare))
		return nfo_walk(t, skb, state->in, NULL);
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
	return nfo_ingress(nfo_table(priv), skb, state, nfo_is_bare(skb, ETH_P_IP));
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
	return nfo_ingress(nfo_table(priv), skb, state, nfo_is_bare(skb, ETH_P_IPV6));
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
	return nfo_ingress(nfo_table(priv), skb, state,
			   nfo_is_bare(skb, ETH_P_IP) || nfo_is_bare(skb, ETH_P_IPV6));
}
