/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Next hops: the neighbours that flows send to, and nexthop objects.
 */
#ifndef _NFO_NEIGH_H
#define _NFO_NEIGH_H

#include <linux/if_ether.h>
#include <net/neighbour.h>

struct fib_nh;
struct net;

/**
 * struct nfo_neigh - a neighbour that some flow sends to, and what was last seen of it
 * @node:  in nfo_neighs
 * @by_ha: in nfo_neighs_by_ha
 * @n:     the neighbour, one reference; constant
 * @refs:  one for each struct nfo_route_refs that names it
 * @ha:    link-layer address of the neighbour when it was last looked at
 * @valid: the neighbour could be used at that time
 *
 * Everything but @n is protected by nfo_neigh_lock. Most neighbour events change nothing
 * for a flow (REACHABLE to STALE and back, every half minute, for each neighbour): the
 * comparison with @ha and @valid keeps them from making every flow stale.
 */
struct nfo_neigh {
	struct hlist_node	node;
	struct hlist_node	by_ha;
	struct neighbour	*n;
	unsigned int		refs;
	u8			ha[ETH_ALEN];
	bool			valid;
};

struct nfo_neigh *nfo_neigh_get(struct neighbour *n);
void nfo_neigh_put(struct nfo_neigh *nb);
bool nfo_neigh_changed(const struct neighbour *n);
bool nfo_neigh_is_at(const u8 ha[ETH_ALEN]);
bool nfo_neigh_read(struct neighbour *n, u8 ha[ETH_ALEN]);
const struct neighbour *nfo_neigh_of(const struct fib_nh_common *nhc);
bool nfo_neigh_returns(const struct fib_nh *nh);
bool nfo_nexthop_is_used(struct net *net, u32 id);
bool nfo_nexthop_uses_dev(const struct net_device *dev);

#endif /* _NFO_NEIGH_H */
