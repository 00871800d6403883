// SPDX-License-Identifier: GPL-2.0
/*
 * Routes: what the classic path's own route means for a direction, and whether that
 * is still true. Nothing is routed here.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/slab.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/neighbour.h>
#include <net/xfrm.h>

#include "nfo_encap.h"
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
		memcpy(hh, skb->data, ETH_HLEN);
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
	struct ethhdr eth;
	u8 ha[ETH_ALEN];

	if (!nfo_neigh_read(n, ha))
		return NFO_R_NEIGH;
	if (!dev->header_ops->cache)
		return nfo_hh_create(dev, n, ha, hh) ? NFO_R_NONE : NFO_R_DEV_TYPE;

	ether_addr_copy(eth.h_dest, ha);
	ether_addr_copy(eth.h_source, dev->dev_addr);
	eth.h_proto = proto;
	memcpy(hh, &eth, sizeof(eth));

	return NFO_R_NONE;
}

static __be16 nfo_proto(u8 family)
{
	return family == NFPROTO_IPV6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
}

/* ---- the route of a packet ---- */

static enum nfo_reason nfo_dst_check(const struct dst_entry *dst, u8 family)
{
	const struct net_device *out = dst_dev(dst);

	if (dst->error)
		return NFO_R_NO_ROUTE;
	if (dst->flags & DST_FAKE_RTABLE || dst->lwtstate)
		return NFO_R_ROUTE_TYPE;
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
	if (dst_xfrm(dst))
		return 0;
	return family == NFPROTO_IPV6 ? rt6_get_cookie(dst_rt6_info(dst)) : 0;
}

static enum nfo_reason nfo_route_learn_neigh(struct nfo_entry *e, struct nfo_route_refs *refs)
{
	const struct nf_conntrack_tuple *other = nf_ct_tuple(e->ct, !nfo_dir(e));
	enum nfo_reason why;
	struct neighbour *n;

	/* IPsec finds the next hop of what it made. */
	if (!nfo_dev_has_header(refs->out) || dst_xfrm(refs->dst))
		return NFO_R_NONE;
	if (refs->out->type != ARPHRD_ETHER)
		return NFO_R_DEV_TYPE;

	n = dst_neigh_lookup(refs->dst, &other->src.u3);
	if (IS_ERR_OR_NULL(n))
		return NFO_R_NEIGH;
	refs->neigh = nfo_neigh_get(n);
	if (!refs->neigh) {
		neigh_release(n);
		return NFO_R_NO_MEMORY;
	}
	why = nfo_hh_build(refs->out, nfo_proto(e->key.family), n, refs->hh);
	e->flags |= NFO_E_HEADER;
	/* In use from now on; an unresolved one starts resolving. */
	neigh_event_send(n, NULL);
	neigh_release(n);

	return why;
}

/* No driver's rule has a tunnel, more headers than two, or IPsec. */
static enum nfo_reason nfo_route_lower(const struct nfo_table *t, const struct nfo_entry *e,
				       const struct nfo_route_refs *refs,
				       const struct net_device *out, struct nfo_lower *lower)
{
	enum nfo_reason why = nfo_lower_find(t, out, lower);

	if (e->flags & NFO_E_EXTRA || !nfo_encap_fits_rule(&e->key.encap))
		lower->dev = NULL;

	return why;
}

static u16 nfo_lower_mtu(const struct nfo_lower *lower, u16 mtu)
{
	return lower->mtu ? min(mtu, lower->mtu) : mtu;
}

/**
 * nfo_route_encrypts() - does a packet leave through IPsec?
 * @skb: packet at the end of POSTROUTING
 *
 * Context: rcu_read_lock().
 */
bool nfo_route_encrypts(const struct sk_buff *skb)
{
	return skb_dst(skb) && dst_xfrm(skb_dst(skb));
}

/**
 * nfo_route_learn() - what the route that a packet has means for its direction
 * @t:    flowtable: a device that is neither listed nor above a listed one is refused
 * @e:    entry of the direction; flags and MTU are filled in
 * @refs: what the entry rests on, of which that of the output is filled in; the caller's also
 *        after a refusal
 * @skb:  packet at the end of POSTROUTING
 * @out:  device it leaves by
 *
 * Context: rcu_read_lock(). Return: NFO_R_NONE or why not.
 */
enum nfo_reason nfo_route_learn(struct nfo_table *t, struct nfo_entry *e,
				struct nfo_route_refs *refs, const struct sk_buff *skb,
				struct net_device *out)
{
	struct dst_entry *dst = skb_dst(skb);
	u8 family = e->key.family;
	enum nfo_reason why;

	if (!dst || !dst_hold_safe(dst))
		return NFO_R_NO_ROUTE;
	refs->dst = dst;
	refs->cookie = nfo_dst_cookie(dst, family);
	why = nfo_dst_check(dst, family);
	if (why)
		return why;
	if (dst_dev(dst) != out)
		return NFO_R_ROUTE_TYPE;
	why = nfo_route_lower(t, e, refs, out, &refs->out_lower);
	if (why)
		return why;
	if (refs->out_lower.dev)
		netdev_hold(refs->out_lower.dev, &refs->lower_tracker, GFP_ATOMIC);

	refs->out = out;
	netdev_hold(out, &refs->tracker, GFP_ATOMIC);
	e->mtu = nfo_lower_mtu(&refs->out_lower, nfo_dst_mtu(dst, family));
	if (!(out->priv_flags & IFF_XMIT_DST_RELEASE))
		e->flags |= NFO_E_KEEP_DST;

	return nfo_route_learn_neigh(e, refs);
}

/**
 * nfo_route_by_label() - may the flow label have chosen between equal-cost routes?
 * @net: namespace
 * @dst: IPv6 route
 *
 * Context: rcu_read_lock(). Return: true when a packet with another label may get another
 * route (net.ipv6.fib_multipath_hash_policy, all but layer 4).
 */
bool nfo_route_by_label(const struct net *net, const struct dst_entry *dst)
{
	const struct fib6_info *from = rcu_dereference(dst_rt6_info(dst)->from);

	if (!from || !(READ_ONCE(from->fib6_nsiblings) || from->nh))
		return false;

	return ip6_multipath_hash_policy(net) != 1;
}

/**
 * nfo_route_rp_filter() - how the kernel checks that sources are routed back
 * @dev: device packets come in by
 *
 * Context: rcu_read_lock(). Return: rp_filter of the device.
 */
u8 nfo_route_rp_filter(const struct net_device *dev)
{
	struct in_device *in = __in_dev_get_rcu(dev);

	return in ? IN_DEV_RPFILTER(in) : 0;
}

/**
 * nfo_route_ct_mark() - what a ruleset may route by, and conntrack's user may change
 * @ct: connection
 *
 * Context: any. Return: its mark.
 */
u32 nfo_route_ct_mark(const struct nf_conn *ct)
{
#ifdef CONFIG_NF_CONNTRACK_MARK
	return READ_ONCE(ct->mark);
#else
	return 0;
#endif
}

/**
 * nfo_route_renew() - a packet taught a direction what it knows already
 * @f:     flow
 * @dir:   direction that is known
 * @refs:  what the packet showed; the direction rests on it from now on, and the caller has
 *         nothing, unless the call fails
 * @shown: entry that the packet showed: largest IP packet, conntrack's mark, when it came in
 *
 * Context: rcu_read_lock(), NFO_F_LEARNING of the direction is set by the caller.
 *
 * Return: false without memory.
 */
bool nfo_route_renew(struct nfo_flow *f, enum ip_conntrack_dir dir,
		     struct nfo_route_refs *refs, const struct nfo_entry *shown)
{
	struct nfo_route_refs *old = nfo_flow_refs(f, dir), *fresh;
	struct nfo_entry *e = &f->e[dir];

	fresh = nfo_route_refs_share(refs);
	if (!fresh)
		return false;
	spin_lock_bh(nfo_flow_lock(f));
	/* What it has is visible before packets and hardware workers read it. */
	smp_store_release(&e->refs, fresh);
	WRITE_ONCE(e->mtu, shown->mtu);
	spin_unlock_bh(nfo_flow_lock(f));
	WRITE_ONCE(e->ct_mark, shown->ct_mark);
	nfo_route_refs_put(old);
	/* The route object is visible before the entry is true again. */
	smp_store_release(&e->epoch, shown->epoch);

	return true;
}

/* ---- is it still true? ---- */

static bool nfo_in_prefix(const struct nfo_change *c, const void *addr)
{
	if (c->family == NFPROTO_IPV4)
		return !((*(const __be32 *)addr ^ c->prefix.ip) & inet_make_mask(c->plen));
	return ipv6_prefix_equal(addr, &c->prefix.in6, c->plen);
}

/* The destination is routed; the source is, too, where its reverse path is checked. */
static bool nfo_change_of_prefix(const struct nfo_change *c, const struct nfo_entry *e)
{
	if (c->family != e->key.family)
		return false;
	if (c->family == NFPROTO_IPV4)
		return nfo_in_prefix(c, &e->daddr) || nfo_in_prefix(c, &e->key.saddr);
	return nfo_in_prefix(c, &nfo_addr6(e)->new_daddr) ||
	       nfo_in_prefix(c, &nfo_addr6(e)->saddr);
}

static bool nfo_change_concerns(const struct nfo_change *c, const struct nfo_entry *e)
{
	const struct nfo_route_refs *refs = nfo_entry_refs(e);

	switch (c->what) {
	case NFO_CHANGE_FAMILY:
		return c->family == e->key.family;
	case NFO_CHANGE_PREFIX:
		return nfo_change_of_prefix(c, e);
	case NFO_CHANGE_NEIGH:
		return refs->neigh && refs->neigh->n == c->neigh;
	case NFO_CHANGE_DEV:
		return refs->out->ifindex == c->ifindex || e->key.iif == c->ifindex ||
		       refs->in->ifindex == c->ifindex ||
		       (refs->out_lower.dev && refs->out_lower.dev->ifindex == c->ifindex);
	default:
		return true;
	}
}

/**
 * nfo_route_changed() - did one of the latest changes concern an entry?
 * @nn:   namespace
 * @e:    entry found under rcu_read_lock()
 * @from: epoch at which it was true
 * @to:   epoch now
 *
 * Context: rcu_read_lock(). Return: NFO_NEWS_NONE, NFO_NEWS_RULESET when the ruleset alone
 * changed, otherwise NFO_NEWS_ROUTE; that also when there were too many changes to know.
 */
enum nfo_news nfo_route_changed(const struct nfo_net *nn, const struct nfo_entry *e, u32 from,
				u32 to)
{
	enum nfo_news news = NFO_NEWS_NONE;
	struct nfo_change c;
	u32 i;

	if (to - from >= NFO_JOURNAL)
		return NFO_NEWS_ROUTE;
	for (i = from + 1; i != to + 1; i++) {
		c = nn->journal[i % NFO_JOURNAL];
		if (c.what == NFO_CHANGE_RULESET)
			news = NFO_NEWS_RULESET;
		else if (nfo_change_concerns(&c, e))
			return NFO_NEWS_ROUTE;
	}
	/* What was read may have been overwritten meanwhile. */
	smp_rmb();
	return READ_ONCE(nn->epoch) - from >= NFO_JOURNAL ? NFO_NEWS_ROUTE : news;
}

/* Each change of any IPv4 route makes all route objects expire. The journal has seen that
 * such a change did not concern the entry; then only an object that was taken out of use
 * by itself, for a redirect or a path MTU, says anything.
 */
static bool nfo_dst_is_good(struct dst_entry *dst, u32 cookie, u8 family)
{
	if (dst_check(dst, cookie))
		return true;
	if (dst_xfrm(dst))
		return false;
	return family == NFPROTO_IPV4 && READ_ONCE(dst->obsolete) == DST_OBSOLETE_FORCE_CHK;
}

/* A lock is another processor's line: it is taken when the MTU changed only. */
static void nfo_route_set_mtu(struct nfo_flow *f, struct nfo_entry *e,
			      const struct nfo_route_refs *refs, u16 mtu)
{
	if (likely(READ_ONCE(e->mtu) == mtu))
		return;
	spin_lock_bh(nfo_flow_lock(f));
	/* Unless a packet showed another route meanwhile. */
	if (refs == nfo_entry_refs(e))
		WRITE_ONCE(e->mtu, mtu);
	spin_unlock_bh(nfo_flow_lock(f));
}

/**
 * nfo_route_refresh() - now and then: say that the objects are in use, see if
 * they are still good
 * @t:   its table
 * @f:   flow found under rcu_read_lock()
 * @dir: direction that is known
 *
 * Keeps the neighbour from going stale unnoticed, and finds what no event
 * announces: path MTU exceptions, redirects, a new PPPoE session under the same device,
 * filters on a device that the flow passes unseen. Context: rcu_read_lock().
 *
 * Return: false when a packet has to show anew where it goes.
 */
bool nfo_route_refresh(struct nfo_table *t, struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	struct nfo_route_refs *refs = nfo_flow_refs(f, dir);
	struct nfo_entry *e = &f->e[dir];
	struct nfo_lower lower;
	enum nfo_reason why;

	if (refs->neigh)
		neigh_event_send(refs->neigh->n, NULL);

	why = nfo_route_lower(t, e, refs, refs->out, &lower);
	if (why || !nfo_dst_is_good(refs->dst, refs->cookie, e->key.family))
		return false;
	nfo_route_set_mtu(f, e, refs, nfo_lower_mtu(&lower, nfo_dst_mtu(refs->dst, e->key.family)));
	if (READ_ONCE(e->ct_mark) != nfo_route_ct_mark(e->ct) ||
	    refs->rp_filter != nfo_route_rp_filter(refs->in))
		return false;
	if (e->flags & NFO_E_LOWER && nfo_lower_check(t, e->key.iif, refs->in))
		return false;

	return nfo_lower_equal(&lower, &refs->out_lower);
}
