// SPDX-License-Identifier: GPL-2.0
/*
 * Next hops: the neighbours that flows send to, each with what was last seen of it, so
 * that events which change nothing for a flow can be told from those that do; and who uses
 * nexthop objects.
 */
#include <linux/etherdevice.h>
#include <linux/hashtable.h>
#include <linux/inetdevice.h>
#include <linux/jhash.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/nexthop.h>

#include "nfo_compat.h"
#include "nfo_neigh.h"

static DEFINE_SPINLOCK(nfo_neigh_lock);
static DEFINE_HASHTABLE(nfo_neighs, 10);
static DEFINE_HASHTABLE(nfo_neighs_by_ha, 10);

static u32 nfo_neigh_ha_key(const u8 ha[ETH_ALEN])
{
	return jhash(ha, ETH_ALEN, 0);
}

/**
 * nfo_neigh_read() - read a neighbour's address and whether it can be used
 * @n:  neighbour
 * @ha: filled with its link-layer address
 *
 * Context: any but with n->lock held. Return: true when the neighbour can be used.
 */
bool nfo_neigh_read(struct neighbour *n, u8 ha[ETH_ALEN])
{
	bool valid;

	read_lock_bh(&n->lock);
	valid = !n->dead && (n->nud_state & NUD_VALID);
	memcpy(ha, n->ha, ETH_ALEN);
	read_unlock_bh(&n->lock);

	return valid;
}

static struct nfo_neigh *nfo_neigh_find(const struct neighbour *n)
{
	struct nfo_neigh *nb;

	hash_for_each_possible(nfo_neighs, nb, node, (unsigned long)n)
		if (nb->n == n)
			return nb;
	return NULL;
}

/**
 * nfo_neigh_get() - watch a neighbour
 * @n: neighbour; the result holds a reference of its own
 *
 * A change after this is noticed by nfo_neigh_changed(). Context: any.
 *
 * Return: the watch, with a reference for nfo_neigh_put(); NULL without memory.
 */
struct nfo_neigh *nfo_neigh_get(struct neighbour *n)
{
	struct nfo_neigh *nb;

	spin_lock_bh(&nfo_neigh_lock);
	nb = nfo_neigh_find(n);
	if (nb) {
		nb->refs++;
		goto out;
	}
	nb = kzalloc_obj(*nb, GFP_ATOMIC);
	if (!nb)
		goto out;
	neigh_hold(n);
	nb->n = n;
	nb->refs = 1;
	nb->valid = nfo_neigh_read(n, nb->ha);
	hash_add(nfo_neighs, &nb->node, (unsigned long)n);
	hash_add(nfo_neighs_by_ha, &nb->by_ha, nfo_neigh_ha_key(nb->ha));
out:
	spin_unlock_bh(&nfo_neigh_lock);
	return nb;
}

/**
 * nfo_neigh_put() - undo nfo_neigh_get()
 * @nb: watch
 *
 * Context: any.
 */
void nfo_neigh_put(struct nfo_neigh *nb)
{
	spin_lock_bh(&nfo_neigh_lock);
	if (--nb->refs) {
		spin_unlock_bh(&nfo_neigh_lock);
		return;
	}
	hash_del(&nb->node);
	hash_del(&nb->by_ha);
	spin_unlock_bh(&nfo_neigh_lock);

	neigh_release(nb->n);
	kfree(nb);
}

/**
 * nfo_neigh_changed() - did a neighbour event change anything for a flow?
 * @n: neighbour the event is about
 *
 * Context: any but with n->lock held. Return: true when some flow uses the neighbour, and
 * its address or usability differs from what was known.
 */
bool nfo_neigh_changed(const struct neighbour *n)
{
	struct nfo_neigh *nb;
	bool changed = false;
	u8 ha[ETH_ALEN] __aligned(2);
	bool valid;

	spin_lock_bh(&nfo_neigh_lock);
	nb = nfo_neigh_find(n);
	if (nb) {
		valid = nfo_neigh_read(nb->n, ha);
		changed = valid != nb->valid || !ether_addr_equal(ha, nb->ha);
		nb->valid = valid;
		ether_addr_copy(nb->ha, ha);
		hash_del(&nb->by_ha);
		hash_add(nfo_neighs_by_ha, &nb->by_ha, nfo_neigh_ha_key(ha));
	}
	spin_unlock_bh(&nfo_neigh_lock);

	return changed;
}

/**
 * nfo_neigh_is_at() - does some flow send to an Ethernet address?
 * @ha: address
 *
 * Context: any but with the lock of a neighbour held. Return: true when a flow of any network
 * namespace does.
 */
bool nfo_neigh_is_at(const u8 ha[ETH_ALEN])
{
	struct nfo_neigh *nb;
	bool found = false;

	spin_lock_bh(&nfo_neigh_lock);
	hash_for_each_possible(nfo_neighs_by_ha, nb, by_ha, nfo_neigh_ha_key(ha)) {
		found = ether_addr_equal(nb->ha, ha);
		if (found)
			break;
	}
	spin_unlock_bh(&nfo_neigh_lock);

	return found;
}

static bool nfo_neigh_is_of(const struct neighbour *n, const struct fib_nh_common *nhc)
{
	return n->dev == nhc->nhc_dev && n->tbl->family == nhc->nhc_gw_family &&
	       !memcmp(n->primary_key, &nhc->nhc_gw, n->tbl->key_len) && !READ_ONCE(n->dead);
}

/**
 * nfo_neigh_of() - which neighbour in use does a next hop lead to?
 * @nhc: next hop with a gateway and a device
 *
 * Context: any but with the lock of a neighbour held. Return: the neighbour without a reference, to
 * be compared and not followed; NULL when no flow sends to it.
 */
const struct neighbour *nfo_neigh_of(const struct fib_nh_common *nhc)
{
	const struct neighbour *found = NULL;
	struct nfo_neigh *nb;
	int bucket;

	spin_lock_bh(&nfo_neigh_lock);
	hash_for_each(nfo_neighs, bucket, nb, node)
		if (nfo_neigh_is_of(nb->n, nhc))
			found = nb->n;
	spin_unlock_bh(&nfo_neigh_lock);

	return found;
}

/**
 * nfo_neigh_returns() - may packets take another route because a next hop is back?
 * @nh: IPv4 next hop of FIB_EVENT_NH_ADD, with a device
 *
 * The kernel tells so of each device whose link comes up. But it uses next hops without a link all
 * the same, unless the sysctl ignore_routes_with_linkdown forbids that, and it keeps the next hop
 * of a device that is down only where the route has others. Context: rcu_read_lock(). Return: false
 * when routing has used the next hop all the time.
 */
bool nfo_neigh_returns(const struct fib_nh *nh)
{
	struct in_device *in = __in_dev_get_rcu(nh->fib_nh_dev);

	return !in || fib_info_num_path(nh->nh_parent) > 1 ||
	       IN_DEV_IGNORE_ROUTES_WITH_LINKDOWN(in);
}

/**
 * nfo_nexthop_is_used() - do routes or groups use a nexthop object?
 * @net: namespace
 * @id:  number of the object, CPU byte order
 *
 * Context: any. Return: true if so; a new object is used by nobody.
 */
bool nfo_nexthop_is_used(struct net *net, u32 id)
{
	const struct nexthop *nh;
	bool used;

	rcu_read_lock();
	nh = nexthop_find_by_id(net, id);
	used = nh && !(list_empty(&nh->fi_list) && list_empty(&nh->f6i_list) &&
		       list_empty(&nh->grp_list));
	rcu_read_unlock();

	return used;
}

/**
 * nfo_nexthop_uses_dev() - does a nexthop object lead by a device?
 * @dev: device
 *
 * Context: RTNL held. Return: true if one does.
 */
bool nfo_nexthop_uses_dev(const struct net_device *dev)
{
	const struct nexthop *nh;
	struct rb_node *node;

	for (node = rb_first(&dev_net(dev)->nexthop.rb_root); node; node = rb_next(node)) {
		nh = rb_entry(node, struct nexthop, rb_node);
		if (!nh->is_group && rtnl_dereference(nh->nh_info)->fib_nhc.nhc_dev == dev)
			return true;
	}

	return false;
}
