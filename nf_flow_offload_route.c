// SPDX-License-Identifier: GPL-2.0
/*
 * Routes: what the classic path's own route means for a direction, and whether that
 * is still true. Nothing is routed here.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/inetdevice.h>
#include <linux/jhash.h>
#include <linux/slab.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/neighbour.h>
#include <net/netfilter/nf_conntrack_labels.h>
#include <net/nexthop.h>
#include <net/xfrm.h>

#include "nfo_encap.h"
#include "nfo_neigh.h"
#include "nfo_route.h"
#include "nfo_stack.h"
#include "nfo_tunnel.h"
#include "nfo_unseen.h"

/* ---- link-layer header ---- */

/* A device without a cache for its header makes the header itself. */
static bool nfo_hh_create(struct net_device *dev, __be16 proto, const u8 *ha, u8 *hh)
{
	struct sk_buff *skb;
	bool ok = false;

	skb = alloc_skb(LL_MAX_HEADER, GFP_ATOMIC);
	if (!skb)
		return false;
	skb_reserve(skb, LL_MAX_HEADER);
	skb->dev = dev;
	skb->protocol = proto;
	if (dev_hard_header(skb, dev, ntohs(proto), ha, NULL, 0) == ETH_HLEN &&
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

/* @proto: ethertype of the packets; the next hop of an IPv4 route may be an IPv6 neighbour. */
static enum nfo_reason nfo_hh_build(struct net_device *dev, __be16 proto,
				    struct neighbour *n, u8 *hh)
{
	u8 ha[ETH_ALEN] __aligned(2);
	struct ethhdr eth __aligned(2);

	if (!nfo_neigh_read(n, ha))
		return NFO_R_NEIGH;
	if (nfo_tunnel_has_header(dev)) {
		memcpy(hh, ha, sizeof(__be32));
		hh[NFO_HH_IS_ADDR] = true;
		return NFO_R_NONE;
	}
	/* A VLAN device puts the tag on a header without a tag when it sends. It does so even with
	 * reorder_hdr off, when it would itself make a header with the tag.
	 */
	if (!dev->header_ops->cache && !is_vlan_dev(dev))
		return nfo_hh_create(dev, proto, ha, hh) ? NFO_R_NONE : NFO_R_DEV_TYPE;

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

/* Multicast routing sends a packet by as many devices as have receivers now, and tells nobody when
 * these come or go. An IPv4 route has a type for it; with IPv6 the destination has to be looked at.
 */
static bool nfo_is_multicast6(const struct sk_buff *skb, u8 family)
{
	return family == NFPROTO_IPV6 && ipv6_addr_is_multicast(&ipv6_hdr(skb)->daddr);
}

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
		/* ip6_forward() compares with one of them, ip6_finish_output() with the other. */
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

	/* The next hop is that of the encrypted packet, which IPsec finds itself. */
	if (!nfo_dev_has_header(refs->out) || dst_xfrm(refs->dst))
		return NFO_R_NONE;
	if (refs->out->type != ARPHRD_ETHER && !nfo_tunnel_has_header(refs->out))
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
	if (refs->out->type == ARPHRD_ETHER)
		e->flags |= NFO_E_HEADER;
	/* Marks the neighbour as used, and has an unresolved one resolved. */
	neigh_event_send(n, NULL);
	neigh_release(n);

	return why;
}

/* IPsec may encrypt what a multipoint tunnel sends to one of its neighbours. Then packets of that
 * neighbour cannot be recognized at a device below, and the tunnel itself has to be listed.
 */
static bool nfo_route_hides(const struct nfo_table *t, const struct nfo_entry *e,
			    const struct nfo_route_refs *refs)
{
	if (e->flags & NFO_E_HEADER || !refs->hh[NFO_HH_IS_ADDR])
		return false;
	return !nfo_dev_find(&t->devs, refs->out->ifindex) &&
	       nfo_tunnel_encrypts_to(refs->out, refs->hh);
}

/* Find the listed device below the output device. It stays unknown for a direction with a tunnel,
 * IPsec or more than two headers, because no driver's rule has these.
 */
static void nfo_route_lower(const struct nfo_table *t, const struct nfo_entry *e,
			    const struct nfo_route_refs *refs, struct nfo_lower *lower)
{
	nfo_lower_find(t, refs->out, nfo_entry_h_dest(e, refs), lower);
	if (e->flags & NFO_E_EXTRA || !nfo_encap_fits_rule(&e->key.encap))
		lower->dev = NULL;
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
 * @refs: what the entry rests on; the fields of the output side are filled in, with references
 *        that the caller drops also after a refusal
 * @skb:  packet at the end of POSTROUTING
 * @out:  device that the packet leaves by
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
	if (dst_dev(dst) != out || nfo_is_multicast6(skb, family))
		return NFO_R_ROUTE_TYPE;
	if (!nfo_lower_covers(t, out))
		return NFO_R_DEV_NOT_IN_TABLE;

	refs->out = out;
	netdev_hold(out, &refs->tracker, GFP_ATOMIC);
	if (nfo_lower_shows_dst(out))
		e->flags |= NFO_E_KEEP_DST;
	if (nfo_lower_shows_ct(t->nn, out))
		e->flags |= NFO_E_SHOW_CT;
	why = nfo_route_learn_neigh(e, refs);
	if (why)
		return why;
	if (nfo_route_hides(t, e, refs))
		return NFO_R_DEV_NOT_IN_TABLE;

	nfo_route_lower(t, e, refs, &refs->out_lower);
	if (refs->out_lower.dev)
		netdev_hold(refs->out_lower.dev, &refs->lower_tracker, GFP_ATOMIC);
	refs->send = nfo_lower_send_by(t, out, &refs->out_lower);
	refs->push = refs->send != out && refs->out_lower.encap.kinds;
	e->mtu = nfo_lower_mtu(&refs->out_lower, nfo_dst_mtu(dst, family));

	return NFO_R_NONE;
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
 * @dev: device that packets come in by
 *
 * Context: rcu_read_lock(). Return: the rp_filter that is in force for the device.
 */
u8 nfo_route_rp_filter(const struct net_device *dev)
{
	struct in_device *in = __in_dev_get_rcu(dev);

	return in ? IN_DEV_RPFILTER(in) : 0;
}

static u32 nfo_route_ct_labels(const struct nf_conn *ct)
{
	const struct nf_conn_labels *labels = nf_ct_labels_find(ct);

	return labels ? jhash(labels->bits, sizeof(labels->bits), 0) : 0;
}

/**
 * nfo_route_ct_mark() - a number that changes when a connection's mark or labels do
 * @ct:    connection
 * @flags: NFO_E_LABELS: the connection may have labels
 *
 * Rulesets may route by mark and labels, and a user may change them. Context: any.
 * Return: the mark, or the mark combined with a hash of the labels.
 */
u32 nfo_route_ct_mark(const struct nf_conn *ct, u16 flags)
{
	u32 mark = 0;

#ifdef CONFIG_NF_CONNTRACK_MARK
	mark = READ_ONCE(ct->mark);
#endif
	return unlikely(flags & NFO_E_LABELS) ? mark ^ nfo_route_ct_labels(ct) : mark;
}

/**
 * nfo_route_renew() - make an entry true again, because a packet taught what is known already
 * @f:     flow
 * @dir:   direction that is known
 * @refs:  what the packet's own entry rests on; the direction rests on it from now on, and it is
 *         empty afterwards, unless the call fails
 * @shown: the packet's own entry, of which @mtu, @ct_mark and @epoch are taken
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

	fresh = nfo_route_refs_share(f->table->nn, refs);
	if (!fresh)
		return false;
	spin_lock_bh(nfo_flow_lock(f));
	/* The object's fields are visible before packets and hardware workers find it. */
	smp_store_release(&e->refs, fresh);
	WRITE_ONCE(e->mtu, shown->mtu);
	spin_unlock_bh(nfo_flow_lock(f));
	WRITE_ONCE(e->ct_mark, shown->ct_mark);
	nfo_route_refs_put(old);
	/* @refs is visible before the epoch that makes the entry true again. */
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

/* Is an address whose route the entry rests on in the prefix? See nfo_entry_routed(). */
static bool nfo_change_of_prefix(const struct nfo_change *c, const struct nfo_entry *e)
{
	if (c->family != e->key.family)
		return false;
	if (c->family == NFPROTO_IPV4)
		return nfo_in_prefix(c, &e->daddr) || nfo_in_prefix(c, &e->key.saddr);
	return nfo_in_prefix(c, &nfo_addr6(e)->new_daddr) ||
	       nfo_in_prefix(c, &nfo_addr6(e)->saddr);
}

/* A bridge has learned that a station is at another port. That concerns a direction that sends to
 * the station, and a direction whose packets come from the station through a bridge, which may not
 * let them in any more. Packets come from the station that the other direction sends to; when that
 * is not known, they may come from any station.
 */
static bool nfo_change_of_station(const struct nfo_change *c, const struct nfo_entry *e)
{
	const struct nfo_flow *f = nfo_flow(e);
	const struct nfo_entry *other = &f->e[!nfo_dir(e)];
	const u8 *h_dest = nfo_entry_h_dest(e, nfo_entry_refs(e));

	if (h_dest && ether_addr_equal_unaligned(h_dest, c->lladdr))
		return true;
	if (!(e->flags & NFO_E_LOWER))
		return false;
	if (!nfo_flow_learned(f, !nfo_dir(e)) || !(other->flags & NFO_E_HEADER))
		return true;

	return ether_addr_equal_unaligned(nfo_entry_refs(other)->hh, c->lladdr);
}

/* A change also concerns the entry when it is of a device between the listed one and the one that
 * routing uses, on the way in or out.
 */
static bool nfo_change_of_dev(const struct nfo_change *c, const struct nfo_entry *e)
{
	const struct nfo_route_refs *refs = nfo_entry_refs(e);
	const struct net_device *lower = refs->out_lower.dev;
	const struct nfo_table *t = nfo_flow(e)->table;

	if (refs->out->ifindex == c->ifindex || e->key.iif == c->ifindex ||
	    refs->in->ifindex == c->ifindex || (lower && lower->ifindex == c->ifindex))
		return true;
	if (e->flags & NFO_E_LOWER && nfo_lower_passes(t, e->key.iif, refs->in, c->ifindex))
		return true;

	return lower && lower != refs->out &&
	       nfo_lower_passes(t, lower->ifindex, refs->out, c->ifindex);
}

/* Since the epoch @from, did a prefix change that may contain an address? @addr: its first 32 bits,
 * big endian.
 */
static bool nfo_prefix_moved(const struct nfo_journal *j, u8 family, __be32 addr, u32 from)
{
	const u32 *slots = j->prefixes[nfo_prefix_family(family)];

	return nfo_epoch_is_later(READ_ONCE(slots[nfo_prefix_slot(family, addr)]), from);
}

/* Since the epoch @from, did a prefix change that may contain an address of the entry? */
static bool nfo_prefixes_moved(const struct nfo_journal *j, const struct nfo_entry *e, u32 from)
{
	__be32 src, dst;
	u8 family = nfo_entry_routed(e, &src, &dst);

	if (nfo_epoch_is_later(READ_ONCE(j->all[nfo_prefix_family(family)]), from))
		return true;

	return nfo_prefix_moved(j, family, src, from) || nfo_prefix_moved(j, family, dst, from);
}

/* Does a direction send to the neighbour that changed? One without a neighbour, for IPsec or a
 * device without a link layer, may do so when it leaves by the neighbour's device.
 */
static bool nfo_change_of_neigh(const struct nfo_change *c, const struct nfo_route_refs *refs)
{
	if (refs->neigh)
		return refs->neigh->n == c->neigh;

	return c->ifindex && refs->out->ifindex == c->ifindex;
}

/* Does a change concern an entry? @at: the epoch that the change made. */
static bool nfo_change_concerns(const struct nfo_net *nn, const struct nfo_change *c,
				const struct nfo_entry *e, u32 at)
{
	switch (c->what) {
	case NFO_CHANGE_FAMILY:
		return c->family == e->key.family;
	case NFO_CHANGE_PREFIX:
		return nfo_change_of_prefix(c, e);
	case NFO_CHANGE_PREFIXES:
		return c->family == e->key.family && nfo_prefixes_moved(nn->journal, e, at - 1);
	case NFO_CHANGE_NEIGH:
		return nfo_change_of_neigh(c, nfo_entry_refs(e));
	case NFO_CHANGE_STATION:
		return nfo_change_of_station(c, e);
	case NFO_CHANGE_DEV:
		return nfo_change_of_dev(c, e);
	default:
		return true;
	}
}

/* Since the epoch @from, did no change concern the entry? This reads no change, only the epochs of
 * the latest changes of each kind.
 */
static bool nfo_route_untouched(const struct nfo_journal *j, const struct nfo_entry *e, u32 from)
{
	return !nfo_epoch_is_later(READ_ONCE(j->other), from) && !nfo_prefixes_moved(j, e, from);
}

/**
 * nfo_route_changed() - did one of the latest changes concern an entry?
 * @nn:   namespace
 * @e:    entry found under rcu_read_lock()
 * @from: epoch at which the entry was true
 * @to:   epoch now
 *
 * Context: rcu_read_lock(). Return: NFO_NEWS_NONE; NFO_NEWS_RULESET when of all that concerns the
 * entry the ruleset alone changed; otherwise NFO_NEWS_ROUTE, also when there were too many changes
 * to know whether one of them concerns the entry.
 */
enum nfo_news nfo_route_changed(const struct nfo_net *nn, const struct nfo_entry *e, u32 from,
				u32 to)
{
	enum nfo_news news = NFO_NEWS_NONE;
	struct nfo_change c;
	u32 i;

	if (to - from >= NFO_JOURNAL_ALL)
		return NFO_NEWS_ROUTE;
	/* To read up to four changes takes no longer than this look. */
	if (to - from > 4 && nfo_route_untouched(nn->journal, e, from))
		return NFO_NEWS_NONE;
	if (to - from >= NFO_JOURNAL)
		return NFO_NEWS_ROUTE;
	for (i = from + 1; i != to + 1; i++) {
		c = nn->journal->changes[i % NFO_JOURNAL];
		if (c.what == NFO_CHANGE_RULESET)
			news = NFO_NEWS_RULESET;
		else if (nfo_change_concerns(nn, &c, e, i))
			return NFO_NEWS_ROUTE;
	}
	/* The changes that were read may have been overwritten meanwhile. */
	smp_rmb();
	return READ_ONCE(nn->epoch) - from >= NFO_JOURNAL ? NFO_NEWS_ROUTE : news;
}

/**
 * nfo_route_glance() - read the latest changes once, for a walk through many entries
 * @nn:   namespace
 * @g:    @to is the epoch now; the other fields are filled in
 * @from: epoch at which the entries were true
 *
 * nfo_glance_spares() tells then what nfo_route_changed() would, for most entries in a few
 * instructions. Context: rcu_read_lock().
 */
void nfo_route_glance(const struct nfo_net *nn, struct nfo_glance *g, u32 from)
{
	const struct nfo_change *c;
	u32 i;

	g->from = from;
	g->n = -1;
	if (g->to - from > NFO_GLANCE)
		return;
	for (i = 0; i < g->to - from; i++) {
		c = &nn->journal->changes[(from + 1 + i) % NFO_JOURNAL];
		if (c->what != NFO_CHANGE_NEIGH || c->ifindex)
			return;
		g->neigh[i] = c->neigh;
	}
	/* The changes that were read may have been overwritten meanwhile. */
	smp_rmb();
	if (READ_ONCE(nn->epoch) - from < NFO_JOURNAL)
		g->n = i;
}

/**
 * nfo_route_learned() - an entry was learned, or has learned again, and packets may use it
 * @nn: namespace
 * @e:  entry
 *
 * A route of the entry may have changed between the packet's arrival and this call, when no entry
 * watched the route and the change did not move nfo_net::concerned. This call moves it then, so
 * that packets look at the journal. Context: rcu_read_lock().
 */
void nfo_route_learned(struct nfo_net *nn, const struct nfo_entry *e)
{
	nfo_entry_watch(nn, e);
	if (nfo_prefixes_moved(nn->journal, e, READ_ONCE(e->epoch)))
		nfo_net_concern(nn);
}

static bool nfo_route_has_policies(const struct net *net)
{
#ifdef CONFIG_XFRM
	int i;

	for (i = 0; i < ARRAY_SIZE(net->xfrm.policy_count); i++)
		if (READ_ONCE(net->xfrm.policy_count[i]))
			return true;
#endif
	return false;
}

/* Does an IPv6 next hop have redirects or path MTUs, or no link? @arg: not used. */
static int nfo_nexthop6_varies(struct fib6_nh *nh, void *arg)
{
	return rcu_access_pointer(nh->rt6i_exception_bucket) ||
	       nh->fib_nh_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN);
}

/* Each new IPv6 route makes the route objects expire of all shorter prefixes that include it, and
 * those of nexthop objects expire with any route. Each device that comes up has a route of its own,
 * which the default route includes. The journal has the routes that packets may take from then on.
 * Return: false when an object may have expired for something that is not in the journal: its own
 * route is gone or expired, has a redirect, a path MTU or several next hops, or routing chooses
 * between several routes of the same metric, for it prefers some routers to others.
 */
static bool nfo_route6_stands(const struct rt6_info *rt)
{
	const struct fib6_info *from = rcu_dereference(rt->from), *next;
	const struct fib6_node *fn = from ? rcu_dereference(from->fib6_node) : NULL;

	if (!fn || rcu_access_pointer(fn->leaf) != from || from->fib6_nsiblings ||
	    rt->rt6i_flags & (RTF_CACHE | RTF_EXPIRES) || fib6_check_expired(from))
		return false;
	/* A nexthop object's is taken out of use when another packet takes the route. */
	if (!rt->sernum && READ_ONCE(rt->dst.obsolete) != DST_OBSOLETE_FORCE_CHK)
		return false;
	next = rcu_dereference(from->fib6_next);
	if (next && next->fib6_metric == from->fib6_metric)
		return false;
	if (from->nh)
		return !nexthop_for_each_fib6_nh(from->nh, nfo_nexthop6_varies, NULL);

	return !nfo_nexthop6_varies((struct fib6_nh *)from->fib6_nh, NULL);
}

/* Is a route object still good? Each change of any IPv4 route makes all IPv4 route objects expire.
 * The journal has shown that no such change concerned the entry, so an expired object is still
 * good, unless it was itself taken out of use, for a redirect or a path MTU: then @obsolete has
 * another value. A change of an IPsec policy makes objects expire as well, but is in no journal, so
 * with IPsec policies an expired object is not good.
 */
static bool nfo_dst_is_good(struct nfo_net *nn, struct dst_entry *dst, u32 cookie, u8 family)
{
	if (dst_check(dst, cookie))
		return true;
	if (dst_xfrm(dst) || nfo_route_has_policies(nn->net))
		return false;
	if (family == NFPROTO_IPV4)
		return READ_ONCE(dst->obsolete) == DST_OBSOLETE_FORCE_CHK;
	/* What the entry learned while routing changed is in the journal once more from here on. */
	if (nfo_net_moved6(nn))
		nfo_net_notice(nn);

	return nfo_route6_stands(dst_rt6_info(dst));
}

/* Has an object that is good nevertheless been taken out of use? It has lost its device then. */
static bool nfo_dst_is_dead(const struct dst_entry *dst)
{
	return READ_ONCE(dst->obsolete) == DST_OBSOLETE_DEAD;
}

/* The lock is taken only when the MTU changed, because processors share its cache line. */
static void nfo_route_set_mtu(struct nfo_flow *f, struct nfo_entry *e,
			      const struct nfo_route_refs *refs, u16 mtu)
{
	if (likely(READ_ONCE(e->mtu) == mtu))
		return;
	spin_lock_bh(nfo_flow_lock(f));
	/* A packet may have taught another route meanwhile, to which this MTU does not belong. */
	if (refs == nfo_entry_refs(e))
		WRITE_ONCE(e->mtu, mtu);
	spin_unlock_bh(nfo_flow_lock(f));
}

/* Tell a neighbour that it is in use. Many flows, on all processors, share a neighbour, and
 * neigh_event_send() writes the time into it, so the call is made twice a second at most.
 */
static void nfo_neigh_use(struct neighbour *n)
{
	if (nfo_now() - (u32)READ_ONCE(n->used) < HZ / 2 &&
	    READ_ONCE(n->nud_state) & (NUD_CONNECTED | NUD_DELAY | NUD_PROBE))
		return;
	neigh_event_send(n, NULL);
}

/**
 * nfo_route_refresh() - see whether what a direction rests on is still good, and mark it as used
 * @t:   flowtable of the flow
 * @f:   flow found under rcu_read_lock()
 * @dir: direction that is known
 *
 * Called twice a second. Keeps the neighbour from going stale unnoticed, and finds changes that no
 * event announces: path MTU exceptions, redirects, a new PPPoE session under the same device,
 * qdiscs, filters on a device that the flow passes unseen. Context: rcu_read_lock().
 *
 * Return: false when the direction has to learn again.
 */
bool nfo_route_refresh(struct nfo_table *t, struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	struct nfo_route_refs *refs = nfo_flow_refs(f, dir);
	struct nfo_entry *e = &f->e[dir];
	struct nfo_lower lower;

	if (refs->neigh)
		nfo_neigh_use(refs->neigh->n);

	if (!nfo_lower_covers(t, refs->out) ||
	    !nfo_dst_is_good(t->nn, refs->dst, refs->cookie, e->key.family))
		return false;
	if (nfo_dst_is_dead(refs->dst) && e->flags & (NFO_E_KEEP_DST | NFO_E_EXTRA))
		return false;
	nfo_route_lower(t, e, refs, &lower);
	if (lower.dev && netif_is_bridge_port(lower.dev))
		nfo_unseen_keep(t->nn);
	if (!nfo_dst_is_dead(refs->dst))
		nfo_route_set_mtu(f, e, refs,
				  nfo_lower_mtu(&lower, nfo_dst_mtu(refs->dst, e->key.family)));
	if (READ_ONCE(e->ct_mark) != nfo_route_ct_mark(e->ct, e->flags) ||
	    refs->rp_filter != nfo_route_rp_filter(refs->in))
		return false;
	if (e->flags & NFO_E_LOWER && nfo_lower_check(t, e->key.iif, refs->in))
		return false;
	if (nfo_lower_shows_ct(t->nn, refs->out) != !!(e->flags & NFO_E_SHOW_CT))
		return false;
	/* A filter that looks at routes was added to the device, or taken away. */
	if (nfo_lower_shows_dst(refs->out) != !!(e->flags & NFO_E_KEEP_DST))
		return false;

	return nfo_lower_equal(&lower, &refs->out_lower) &&
	       nfo_lower_send_by(t, refs->out, &lower) == refs->send;
}
