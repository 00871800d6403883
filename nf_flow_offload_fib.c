// SPDX-License-Identifier: GPL-2.0
/*
 * Events of routing: what of it changes, as the journal has it.
 */
#include <net/fib_notifier.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>
#include <net/nexthop.h>

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
