// SPDX-License-Identifier: GPL-2.0
/*
 * Resolve: from a connection to two forwarding decisions, and whether they
 * still hold.
 *
 * Each direction is routed as the classic path would route its packets: as
 * input on the device they enter by, with the addresses between destination
 * and source NAT. So policy rules on iif, source validation and multiple
 * uplinks count as they do there.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/slab.h>
#include <net/ip.h>
#include <net/dsfield.h>
#include <net/ip6_route.h>
#include <net/neighbour.h>
#include <net/xfrm.h>

#include "nfo_neigh.h"
#include "nfo_route.h"
#include "nfo_stack.h"

/* ---- link-layer header ---- */

/* Ask the device itself; VLAN devices have a header but no cache for it. */
static bool nfo_hh_create(struct net_device *dev, struct neighbour *n,
			  const u8 *ha, u8 *hh)
{
	struct sk_buff *skb;
	bool ok = false;

	skb = alloc_skb(LL_MAX_HEADER, GFP_ATOMIC);
	if (!skb)
		return false;
	skb_reserve(skb, LL_MAX_HEADER);
	skb->dev = dev;
	skb->protocol = n->tbl->family == AF_INET6 ? htons(ETH_P_IPV6) :
						     htons(ETH_P_IP);
	if (dev_hard_header(skb, dev, ntohs(skb->protocol), ha, NULL, 0) == ETH_HLEN &&
	    skb->len == ETH_HLEN) {
		memcpy(hh + NFO_HH_MAX - ETH_HLEN, skb->data, ETH_HLEN);
		ok = true;
	}
	kfree_skb(skb);

	return ok;
}

static bool nfo_dev_has_header(const struct net_device *dev)
{
	return dev->header_ops && dev->header_ops->create;
}

static enum nfo_reason nfo_hh_build(struct net_device *dev, __be16 proto,
				    struct neighbour *n, u8 *hh)
{
	struct ethhdr *eth = (void *)(hh + NFO_HH_MAX - ETH_HLEN);
	u8 ha[ETH_ALEN];

	memset(hh, 0, NFO_HH_MAX);
	if (!nfo_neigh_read(n, ha))
		return NFO_R_NEIGH;
	if (!dev->header_ops->cache)
		return nfo_hh_create(dev, n, ha, hh) ? NFO_R_NONE : NFO_R_DEV_TYPE;

	ether_addr_copy(eth->h_dest, ha);
	ether_addr_copy(eth->h_source, dev->dev_addr);
	eth->h_proto = proto;

	return NFO_R_NONE;
}

/* ---- routes ---- */

static const struct nf_conntrack_tuple *nfo_tuple(const struct nf_conn *ct,
						  enum ip_conntrack_dir dir)
{
	return &ct->tuplehash[dir].tuple;
}

static __be16 nfo_proto(u8 family)
{
	return family == NFPROTO_IPV6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
}

/* A packet of this direction as routing sees it, for rules that look inside. */
static struct sk_buff *nfo_probe_skb4(struct net_device *in,
				      const struct nf_conn *ct,
				      enum ip_conntrack_dir dir, u8 tos, u32 mark)
{
	const struct nf_conntrack_tuple *t = nfo_tuple(ct, dir);
	const struct nf_conntrack_tuple *o = nfo_tuple(ct, !dir);
	unsigned int len = sizeof(struct iphdr) + sizeof(struct tcphdr);
	struct sk_buff *skb;
	struct iphdr *iph;
	__be16 *ports;

	skb = alloc_skb(len, GFP_ATOMIC);
	if (!skb)
		return NULL;

	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	iph = skb_put_zero(skb, len);
	iph->version = 4;
	iph->ihl = 5;
	iph->tos = tos;
	iph->tot_len = htons(len);
	iph->ttl = 64;
	iph->protocol = nf_ct_protonum(ct);
	iph->saddr = t->src.u3.ip;
	iph->daddr = o->src.u3.ip;
	ports = (__be16 *)(iph + 1);
	ports[0] = t->src.u.all;
	ports[1] = o->src.u.all;
	skb_set_transport_header(skb, sizeof(*iph));
	memset(IPCB(skb), 0, sizeof(struct inet_skb_parm));
	skb->protocol = htons(ETH_P_IP);
	skb->dev = in;
	skb->mark = mark;

	return skb;
}

static struct dst_entry *nfo_input_route4(struct net_device *in,
					  const struct nf_conn *ct,
					  enum ip_conntrack_dir dir,
					  u8 tos, u32 mark)
{
	struct sk_buff *skb = nfo_probe_skb4(in, ct, dir, tos, mark);
	struct dst_entry *dst = NULL;

	if (!skb)
		return NULL;
	if (nfo_route_input4(skb, ip_hdr(skb)->daddr, ip_hdr(skb)->saddr, tos, in))
		dst = skb_dst(skb);
	if (dst && !dst_hold_safe(dst))
		dst = NULL;
	kfree_skb(skb);

	return dst;
}

#if IS_ENABLED(CONFIG_IPV6)
static struct dst_entry *nfo_input_route6(struct net_device *in,
					  const struct nf_conn *ct,
					  enum ip_conntrack_dir dir,
					  u8 tclass, u32 mark)
{
	const struct nf_conntrack_tuple *t = nfo_tuple(ct, dir);
	const struct nf_conntrack_tuple *o = nfo_tuple(ct, !dir);
	struct flowi6 fl6 = {
		.flowi6_iif	= in->ifindex,
		.flowi6_mark	= mark,
		.flowi6_proto	= nf_ct_protonum(ct),
		.flowlabel	= ip6_make_flowinfo(tclass, 0),
		.saddr		= t->src.u3.in6,
		.daddr		= o->src.u3.in6,
		.fl6_sport	= t->src.u.all,
		.fl6_dport	= o->src.u.all,
	};

	return ip6_route_input_lookup(dev_net(in), in, &fl6, NULL,
				      RT6_LOOKUP_F_HAS_SADDR);
}
#else
static struct dst_entry *nfo_input_route6(struct net_device *in,
					  const struct nf_conn *ct,
					  enum ip_conntrack_dir dir,
					  u8 tclass, u32 mark)
{
	return NULL;
}
#endif

/* Return: route with a reference, or NULL. */
static struct dst_entry *nfo_input_route(struct net_device *in,
					 const struct nf_conn *ct,
					 enum ip_conntrack_dir dir, u8 tos, u32 mark)
{
	if (nf_ct_l3num(ct) == NFPROTO_IPV4)
		return nfo_input_route4(in, ct, dir, tos, mark);
	return nfo_input_route6(in, ct, dir, tos, mark);
}

#ifdef CONFIG_XFRM
static bool nfo_xfrm_active(const struct net *net)
{
	return READ_ONCE(net->xfrm.policy_count[XFRM_POLICY_OUT]) ||
	       READ_ONCE(net->xfrm.policy_default[XFRM_POLICY_OUT]) ==
	       XFRM_USERPOLICY_BLOCK;
}

static void nfo_xfrm_flow(struct flowi *fl, const struct nf_conn *ct,
			  const union nf_inet_addr *saddr, __be16 sport,
			  const struct nf_conntrack_tuple *o,
			  const struct net_device *out, u32 mark)
{
	memset(fl, 0, sizeof(*fl));
	fl->flowi_oif = out->ifindex;
	fl->flowi_mark = mark;
	fl->flowi_proto = nf_ct_protonum(ct);
	if (nf_ct_l3num(ct) == NFPROTO_IPV4) {
		fl->u.ip4.saddr = saddr->ip;
		fl->u.ip4.daddr = o->src.u3.ip;
		fl->u.ip4.fl4_sport = sport;
		fl->u.ip4.fl4_dport = o->src.u.all;
		return;
	}
	fl->u.ip6.saddr = saddr->in6;
	fl->u.ip6.daddr = o->src.u3.in6;
	fl->u.ip6.fl6_sport = sport;
	fl->u.ip6.fl6_dport = o->src.u.all;
}

/* IPsec looks at a forwarded packet twice: as routed, and again after source
 * NAT. A policy that matches either way keeps the connection out.
 */
static bool nfo_xfrm_applies(struct dst_entry *dst, const struct nf_conn *ct,
			     enum ip_conntrack_dir dir, u32 mark)
{
	const struct nf_conntrack_tuple *t = nfo_tuple(ct, dir);
	const struct nf_conntrack_tuple *o = nfo_tuple(ct, !dir);
	struct net_device *out = dst_dev(dst);
	struct net *net = dev_net(out);
	struct dst_entry *res;
	struct flowi fl;
	int nat;

	if (likely(!nfo_xfrm_active(net)))
		return false;

	for (nat = 0; nat < 2; nat++) {
		nfo_xfrm_flow(&fl, ct, nat ? &o->dst.u3 : &t->src.u3,
			      nat ? o->dst.u.all : t->src.u.all, o, out, mark);
		res = xfrm_lookup(net, dst, &fl, NULL, XFRM_LOOKUP_KEEP_DST_REF);
		if (IS_ERR(res))
			return true;
		if (res != dst) {
			dst_release(res);
			return true;
		}
		if (!(ct->status & IPS_NAT_MASK))
			break;
	}

	return false;
}
#else
static bool nfo_xfrm_applies(struct dst_entry *dst, const struct nf_conn *ct,
			     enum ip_conntrack_dir dir, u32 mark)
{
	return false;
}
#endif

static enum nfo_reason nfo_dst_check(const struct dst_entry *dst, u8 family)
{
	const struct net_device *out = dst_dev(dst);

	if (dst->error)
		return NFO_R_NO_ROUTE;
	if (dst->flags & DST_FAKE_RTABLE || dst->lwtstate)
		return NFO_R_ROUTE_TYPE;
	if (dst_xfrm(dst))
		return NFO_R_XFRM;
	if (family == NFPROTO_IPV4 &&
	    container_of(dst, struct rtable, dst)->rt_type != RTN_UNICAST)
		return NFO_R_ROUTE_TYPE;
	if (family == NFPROTO_IPV6 &&
	    dst_rt6_info(dst)->rt6i_flags & (RTF_LOCAL | RTF_ANYCAST | RTF_REJECT))
		return NFO_R_ROUTE_TYPE;
	if (out->flags & IFF_LOOPBACK)
		return NFO_R_ROUTE_TYPE;
	if (!(out->flags & IFF_UP))
		return NFO_R_DEV_DOWN;

	return NFO_R_NONE;
}

static u16 nfo_dst_mtu(const struct dst_entry *dst, u8 family)
{
	unsigned int mtu;

	if (family == NFPROTO_IPV4) {
		mtu = ip_dst_mtu_maybe_forward(dst, true);
	} else {
		/* ip6_forward() and ip6_finish_output() each have their own. */
		mtu = min(ip6_dst_mtu_maybe_forward(dst, true), dst_mtu(dst));
		mtu = max_t(unsigned int, mtu, IPV6_MIN_MTU);
	}

	return min_t(unsigned int, mtu, U16_MAX);
}

static u32 nfo_dst_cookie(const struct dst_entry *dst, u8 family)
{
	return family == NFPROTO_IPV6 ? rt6_get_cookie(dst_rt6_info(dst)) : 0;
}

/* The route takes over the caller's reference of @dst, whatever happens. */
static enum nfo_reason nfo_route_fill(const struct nfo_table *t,
				     struct nfo_route *route, struct dst_entry *dst,
				     int in, const struct nf_conn *ct,
				     enum ip_conntrack_dir dir, u32 mark)
{
	u8 family = nf_ct_l3num(ct);
	enum nfo_reason why;
	struct neighbour *n;

	route->refs.dst = dst;
	route->refs.cookie = nfo_dst_cookie(dst, family);
	route->in = in;
	why = nfo_dst_check(dst, family);
	if (why)
		return why;
	why = nfo_lower_find(t, dst_dev(dst), &route->refs.out_lower);
	if (why)
		return why;
	netdev_hold(route->refs.out_lower.dev, &route->refs.lower_tracker, GFP_ATOMIC);
	if (nfo_xfrm_applies(dst, ct, dir, mark))
		return NFO_R_XFRM;

	route->refs.out = dst_dev(dst);
	netdev_hold(route->refs.out, &route->refs.tracker, GFP_ATOMIC);
	route->keep_dst = !(route->refs.out->priv_flags & IFF_XMIT_DST_RELEASE);
	route->mtu = nfo_dst_mtu(dst, family);
	if (!nfo_dev_has_header(route->refs.out))
		return NFO_R_NONE;
	if (route->refs.out->type != ARPHRD_ETHER)
		return NFO_R_DEV_TYPE;

	n = dst_neigh_lookup(dst, &nfo_tuple(ct, !dir)->src.u3);
	if (IS_ERR_OR_NULL(n))
		return NFO_R_NEIGH;
	route->refs.neigh = nfo_neigh_get(n);
	route->hh_len = ETH_HLEN;
	if (!route->refs.neigh) {
		neigh_release(n);
		return NFO_R_NO_MEMORY;
	}
	why = nfo_hh_build(route->refs.out, nfo_proto(family), n, route->hh);
	/* In use from now on; an unresolved one starts resolving. */
	neigh_event_send(n, NULL);
	neigh_release(n);

	return why;
}

/**
 * nfo_route_resolve() - where the packets of a connection go
 * @t:    flowtable: devices outside it are refused
 * @skb:  a packet of the connection in the forward hook
 * @in:   device it came in by, as the forward hook sees it
 * @ct:   the connection
 * @dir:  the packet's direction
 * @route: zeroed; filled for both directions. What they hold belongs to the
 *        caller (nfo_route_refs_put()), also after a refusal.
 *
 * The packet's own route is taken as it is; the other direction's is looked
 * up as if its packets entered where this one leaves. Context: rcu_read_lock().
 *
 * Return: NFO_R_NONE or why not.
 */
enum nfo_reason nfo_route_resolve(struct nfo_table *t, struct sk_buff *skb,
				  const struct net_device *in,
				  const struct nf_conn *ct,
				  enum ip_conntrack_dir dir,
				  struct nfo_route route[IP_CT_DIR_MAX])
{
	struct dst_entry *dst = skb_dst(skb);
	enum nfo_reason why;
	u8 tos;

	why = nfo_lower_find(t, in, &route[dir].in_lower);
	if (why)
		return why;
	if (!dst || !dst_hold_safe(dst))
		return NFO_R_NO_ROUTE;
	why = nfo_route_fill(t, &route[dir], dst, in->ifindex, ct, dir, skb->mark);
	if (why)
		return why;
	route[!dir].in_lower = route[dir].refs.out_lower;

	tos = nf_ct_l3num(ct) == NFPROTO_IPV4 ? ip_hdr(skb)->tos :
						ipv6_get_dsfield(ipv6_hdr(skb));
	dst = nfo_input_route(route[dir].refs.out, ct, !dir, tos, skb->mark);
	if (!dst)
		return NFO_R_NO_ROUTE;

	return nfo_route_fill(t, &route[!dir], dst, route[dir].refs.out->ifindex,
			     ct, !dir, skb->mark);
}

/* Same device, same next hop, same header? */
static enum nfo_reason nfo_route_same(const struct nfo_entry *e,
				     const struct nfo_route_refs *refs,
				     const struct nf_conn *ct,
				     struct dst_entry *dst)
{
	u8 hh[NFO_HH_MAX];
	struct neighbour *n;
	bool same;

	if (dst_dev(dst) != e->out ||
	    !nfo_lower_same(nfo_flow(e)->table, e->out, &refs->out_lower))
		return NFO_R_ROUTE_CHANGED;
	if (!refs->neigh)
		return NFO_R_NONE;

	n = dst_neigh_lookup(dst, &nfo_tuple(ct, !nfo_dir(e))->src.u3);
	if (IS_ERR_OR_NULL(n))
		return NFO_R_NEIGH_CHANGED;
	same = n == refs->neigh->n;
	neigh_release(n);
	if (!same)
		return NFO_R_ROUTE_CHANGED;
	if (nfo_hh_build(e->out, nfo_proto(e->key.family), refs->neigh->n, hh) ||
	    memcmp(hh, e->hh, sizeof(hh)))
		return NFO_R_NEIGH_CHANGED;

	return NFO_R_NONE;
}

static enum nfo_reason nfo_dst_same(const struct nfo_entry *e,
				    const struct nfo_route_refs *refs,
				    const struct nf_conn *ct,
				    struct dst_entry *dst, u32 mark)
{
	enum nfo_reason why = nfo_dst_check(dst, e->key.family);

	if (why)
		return why;
	if (nfo_xfrm_applies(dst, ct, nfo_dir(e), mark))
		return NFO_R_XFRM;
	return nfo_route_same(e, refs, ct, dst);
}

static void nfo_route_refs_swap_dst(struct nfo_flow *f, struct nfo_route_refs *refs,
			      struct dst_entry *dst, u8 family)
{
	struct dst_entry *old;

	spin_lock_bh(&f->lock);
	old = refs->dst;
	refs->cookie = nfo_dst_cookie(dst, family);
	WRITE_ONCE(refs->dst, dst);
	spin_unlock_bh(&f->lock);
	dst_release(old);
}

/**
 * nfo_route_verify() - does an entry still say where its packets go?
 * @e:    entry found under rcu_read_lock()
 * @tos:  type of service or traffic class of its packets
 * @mark: of its packets
 *
 * Routes them anew, as input of the device they enter by, and compares; an entry
 * that holds gets the new route object and MTU. Context: rcu_read_lock(), BH
 * disabled.
 *
 * Return: NFO_R_NONE, or what changed: then the flow is to be retired.
 */
enum nfo_reason nfo_route_verify(struct nfo_entry *e, u8 tos, u32 mark)
{
	struct nfo_flow *f = nfo_flow(e);
	struct nfo_route_refs *refs = &f->route[nfo_dir(e)];
	struct net_device *in;
	enum nfo_reason why;
	struct dst_entry *dst;

	in = dev_get_by_index_rcu(f->table->nn->net, e->in);
	if (!in || !(e->out->flags & IFF_UP))
		return NFO_R_DEV_GONE;
	dst = nfo_input_route(in, f->ct, nfo_dir(e), tos, mark);
	if (!dst)
		return NFO_R_ROUTE_CHANGED;
	why = nfo_dst_same(e, refs, f->ct, dst, mark);
	if (why) {
		dst_release(dst);
		return why;
	}
	WRITE_ONCE(e->mtu, nfo_dst_mtu(dst, e->key.family));
	nfo_route_refs_swap_dst(f, refs, dst, e->key.family);

	return NFO_R_NONE;
}

/**
 * nfo_route_refresh() - now and then: say that the objects are in use, see if
 * they are still good
 * @e:    entry found under rcu_read_lock()
 * @tos:  as for nfo_route_verify()
 * @mark: likewise
 *
 * Keeps the neighbour from going stale unnoticed, and finds what no event
 * announces: path MTU exceptions, redirects, IPsec policies, a new PPPoE session
 * under the same device. Context:
 * rcu_read_lock(), BH disabled.
 *
 * Return: as nfo_route_verify().
 */
enum nfo_reason nfo_route_refresh(struct nfo_entry *e, u8 tos, u32 mark)
{
	struct nfo_flow *f = nfo_flow(e);
	struct nfo_route_refs *refs = &f->route[nfo_dir(e)];
	bool good;

	if (refs->neigh)
		neigh_event_send(refs->neigh->n, NULL);

	spin_lock_bh(&f->lock);
	good = dst_check(refs->dst, refs->cookie);
	if (good)
		WRITE_ONCE(e->mtu, nfo_dst_mtu(refs->dst, e->key.family));
	spin_unlock_bh(&f->lock);
	good = good && nfo_lower_same(f->table, e->out, &refs->out_lower);

	return good ? NFO_R_NONE : nfo_route_verify(e, tos, mark);
}
