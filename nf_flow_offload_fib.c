// SPDX-License-Identifier: GPL-2.0
/*
 * Events of routing: what of it changes, as the journal has it.
 */
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
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
