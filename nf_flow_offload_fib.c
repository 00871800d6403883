// SPDX-License-Identifier: GPL-2.0
/*
 * Events of routing: what of it changes, as the journal has it.
 */
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/fib_notifier.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>
#include <net/netlink.h>
#include <net/nexthop.h>

#include "nfo_compat.h"
#include "nfo_fib.h"
#include "nfo_neigh.h"

static void nfo_fib_prefix4(struct nfo_change *c, const struct fib_notifier_info *info)
{
	const struct fib_entry_notifier_info *fen;

	fen = container_of(info, struct fib_entry_notifier_info, info);
	c->what = NFO_CHANGE_PREFIX;
	c->plen = fen->dst_len;
	c->prefix.ip = htonl(fen->dst);
}

#if IS_ENABLED(CONFIG_IPV6)
static void nfo_fib_prefix6(struct nfo_change *c, const struct fib_notifier_info *info)
{
	const struct fib6_entry_notifier_info *fen;

	fen = container_of(info, struct fib6_entry_notifier_info, info);
	c->what = NFO_CHANGE_PREFIX;
	c->plen = fen->rt->fib6_dst.plen;
	c->prefix.in6 = fen->rt->fib6_dst.addr;
}
#else
static void nfo_fib_prefix6(struct nfo_change *c, const struct fib_notifier_info *info)
{
}
#endif

/* A next hop that goes concerns its flows, or all, if several others remain; a new one, all. */
static void nfo_fib_nexthop(struct nfo_change *c, unsigned long event,
			    const struct fib_notifier_info *info)
{
	const struct fib_nh *nh = container_of(info, struct fib_nh_notifier_info, info)->fib_nh;

	if (!nh->fib_nh_dev || fib_info_num_path(nh->nh_parent) > 2 ||
	    (event == FIB_EVENT_NH_ADD && nfo_neigh_returns(nh)))
		return;
	c->what = NFO_CHANGE_DEV;
	c->ifindex = nh->fib_nh_dev->ifindex;
}

/* Does routing announce the change before it makes it? IPv4 does so with some changes, IPv6 with
 * all but deletions. Both count such a change afterwards.
 */
static bool nfo_fib_is_early(u8 family, unsigned long event)
{
	return family == NFPROTO_IPV4 ||
	       (event != FIB_EVENT_ENTRY_DEL && event != FIB_EVENT_RULE_DEL);
}

/**
 * nfo_fib_change() - what a change of routing concerns
 * @c:     filled in
 * @event: FIB_EVENT_*
 * @info:  what the FIB notifier tells
 *
 * Context: atomic. Return: false for an event of a family other than IPv4 and IPv6.
 */
bool nfo_fib_change(struct nfo_change *c, unsigned long event,
		    const struct fib_notifier_info *info)
{
	bool is_v4 = info->family == AF_INET;

	if (!is_v4 && info->family != AF_INET6)
		return false;
	*c = (struct nfo_change) {
		.what	= NFO_CHANGE_FAMILY,
		.family	= is_v4 ? NFPROTO_IPV4 : NFPROTO_IPV6,
	};
	c->early = nfo_fib_is_early(c->family, event);

	switch (event) {
	case FIB_EVENT_ENTRY_REPLACE:
	case FIB_EVENT_ENTRY_APPEND:
	case FIB_EVENT_ENTRY_ADD:
	case FIB_EVENT_ENTRY_DEL:
		if (is_v4)
			nfo_fib_prefix4(c, info);
		else
			nfo_fib_prefix6(c, info);
		break;
	case FIB_EVENT_NH_ADD:
	case FIB_EVENT_NH_DEL:
		if (is_v4)
			nfo_fib_nexthop(c, event, info);
		break;
	}

	return true;
}

/* Packets have left by a next hop that may leave by another one now. */
static void nfo_fib_leaves(struct nfo_change *c, const struct fib_nh_common *nhc)
{
	*c = (struct nfo_change) {
		.what = NFO_CHANGE_DEV, .ifindex = nhc->nhc_dev->ifindex,
	};
	/* Without a gateway each destination is a neighbour of its own. */
	if (!nhc->nhc_gw_family)
		return;
	c->what = NFO_CHANGE_NEIGH;
	c->neigh = nfo_neigh_of(nhc);
}

/* A bucket of a resilient group has the member @id now, and had another one. Nothing says which, so
 * packets by each other member are concerned. Caller holds rcu_read_lock(). Return: false when
 * @group is no group.
 */
static bool nfo_fib_bucket(struct nfo_net *nn, const struct nexthop *group, u32 id,
			   void (*tell)(struct nfo_net *nn, const struct nfo_change *change))
{
	const struct fib_nh_common *nhc;
	const struct nh_group *members;
	struct nfo_change c;
	unsigned int i;

	if (!group || !group->is_group)
		return false;
	members = rcu_dereference(group->nh_grp);
	for (i = 0; i < members->num_nh; i++) {
		if (members->nh_entries[i].nh->id == id)
			continue;
		nhc = &rcu_dereference(members->nh_entries[i].nh->nh_info)->fib_nhc;
		if (!nhc->nhc_dev)
			continue;
		nfo_fib_leaves(&c, nhc);
		tell(nn, &c);
	}

	return true;
}

/**
 * nfo_fib_nexthop_object() - a nexthop object has changed, or a bucket of a resilient group
 * @nn:   namespace
 * @nlh:  rtnetlink's message about it
 * @tell: called for each change
 *
 * Nothing says which routes use an object, so all flows are concerned when it has changed. A
 * deletion needs no change here: routing announces each route that goes with the object, and
 * rtnetlink each group that the object leaves. Context: any.
 */
void nfo_fib_nexthop_object(struct nfo_net *nn, const struct nlmsghdr *nlh,
			    void (*tell)(struct nfo_net *nn, const struct nfo_change *change))
{
	static const struct nfo_change all = { .what = NFO_CHANGE_ALL };
	const struct nlattr *attr = nlmsg_find_attr(nlh, sizeof(struct nhmsg), NHA_ID);
	u32 id, member = nfo_nh_bucket_member(nlh);

	if (nlh->nlmsg_type == RTM_DELNEXTHOP || !attr || nla_len(attr) != sizeof(u32))
		return;
	id = nla_get_u32(attr);
	if (!nfo_nexthop_is_used(nn->net, id))
		return;
	rcu_read_lock();
	if (!member || !nfo_fib_bucket(nn, nexthop_find_by_id(nn->net, id), member, tell))
		tell(nn, &all);
	rcu_read_unlock();
}

/* ---- which IPv6 routes lead by a device ---- */

/* How many prefixes are kept of a device. */
#define NFO_LED	8

/**
 * struct nfo_led - the prefixes to which IPv6 routes lead by a device, or have led
 * @n:      how many there are; NFO_LED + 1: more than are kept
 * @change: each as a change; the first @n are valid
 */
struct nfo_led {
	unsigned int		n;
	struct nfo_change	change[NFO_LED];
};

#if IS_ENABLED(CONFIG_IPV6)
/* Caller holds the lock of nfo_net::led6. Return: what is kept of a device; NULL without memory. */
static struct nfo_led *nfo_led_get(struct nfo_net *nn, int ifindex)
{
	struct nfo_led *led = xa_load(&nn->led6, ifindex);

	if (led)
		return led;
	led = kzalloc_obj(*led, GFP_ATOMIC);
	if (led && !xa_err(__xa_store(&nn->led6, ifindex, led, GFP_ATOMIC)))
		return led;
	kfree(led);

	return NULL;
}

static void nfo_led_note(struct nfo_net *nn, const struct fib6_nh *nh, const struct rt6key *dst)
{
	struct nfo_led *led;
	unsigned int i;

	if (!nh->fib_nh_dev)
		return;
	xa_lock_bh(&nn->led6);
	led = nfo_led_get(nn, nh->fib_nh_dev->ifindex);
	if (!led)
		WRITE_ONCE(nn->led6_all, true);
	for (i = 0; led && i < min_t(unsigned int, led->n, NFO_LED); i++)
		if (led->change[i].plen == dst->plen &&
		    ipv6_addr_equal(&led->change[i].prefix.in6, &dst->addr))
			goto unlock;
	if (led && i < NFO_LED)
		led->change[i] = (struct nfo_change) {
			.what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV6,
			.plen = dst->plen, .prefix.in6 = dst->addr,
		};
	if (led && led->n <= NFO_LED)
		led->n++;
unlock:
	xa_unlock_bh(&nn->led6);
}

/**
 * nfo_fib_note_route() - note by which devices an IPv6 route leads
 * @nn:    namespace
 * @event: FIB_EVENT_*
 * @info:  what the FIB notifier tells, also of routes that exist when it is registered
 *
 * Context: atomic.
 */
void nfo_fib_note_route(struct nfo_net *nn, unsigned long event,
			const struct fib_notifier_info *info)
{
	const struct fib6_info *rt, *other;

	if (info->family != AF_INET6 || event < FIB_EVENT_ENTRY_REPLACE ||
	    event > FIB_EVENT_ENTRY_ADD)
		return;
	rt = container_of(info, struct fib6_entry_notifier_info, info)->rt;
	/* Forwarded packets take no other route. */
	if (rt->fib6_type != RTN_UNICAST ||
	    ipv6_addr_type(&rt->fib6_dst.addr) & (IPV6_ADDR_MULTICAST | IPV6_ADDR_LINKLOCAL))
		return;
	/* A nexthop object may lead by another device later, and nothing says whose it is. */
	if (rt->nh) {
		WRITE_ONCE(nn->led6_all, true);
		return;
	}
	nfo_led_note(nn, (const struct fib6_nh *)rt->fib6_nh, &rt->fib6_dst);
	if (!READ_ONCE(rt->fib6_nsiblings))
		return;
	list_for_each_entry(other, &rt->fib6_siblings, fib6_siblings)
		nfo_led_note(nn, (const struct fib6_nh *)other->fib6_nh, &rt->fib6_dst);
}
#else
void nfo_fib_note_route(struct nfo_net *nn, unsigned long event,
			const struct fib_notifier_info *info)
{
}
#endif

/**
 * nfo_fib_link6() - IPv6 routing passes by the routes of a device, or uses them again
 * @nn:   namespace
 * @dev:  device
 * @tell: called for each change: the prefixes to which routes lead by the device, or all of IPv6
 *        when these are not known
 *
 * Context: any.
 */
void nfo_fib_link6(struct nfo_net *nn, const struct net_device *dev,
		   void (*tell)(struct nfo_net *nn, const struct nfo_change *change))
{
	static const struct nfo_change all = {
		.what = NFO_CHANGE_FAMILY, .family = NFPROTO_IPV6,
	};
	const struct nfo_led *found;
	struct nfo_led led = {};
	unsigned int i;

	xa_lock_bh(&nn->led6);
	found = xa_load(&nn->led6, dev->ifindex);
	if (found)
		led = *found;
	xa_unlock_bh(&nn->led6);
	if (!READ_ONCE(nn->fib_on) || READ_ONCE(nn->led6_all) || led.n > NFO_LED) {
		tell(nn, &all);
		return;
	}
	for (i = 0; i < led.n; i++)
		tell(nn, &led.change[i]);
}
