// SPDX-License-Identifier: GPL-2.0
/*
 * Device stacks: from the device that routing sees (eth0.10, ppp0) down to the
 * listed device whose ingress hook, and whose hardware, sees the frames (eth0),
 * and the headers that stand between Ethernet and IP there.
 *
 * Software still sends through the upper device, so its qdisc, its egress hooks
 * and its counters see every packet; what is said here is for matching what
 * comes in, and for the hardware, which knows no upper devices.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>

#include "nfo_encap.h"
#include "nfo_stack.h"

/* A VLAN device that sets priorities by tag does more than take the tag off. */
static bool nfo_lower_is_plain(const struct net_device *dev)
{
#if IS_ENABLED(CONFIG_VLAN_8021Q)
	if (is_vlan_dev(dev))
		return !READ_ONCE(vlan_dev_priv(dev)->nr_ingress_mappings);
#endif
	return true;
}

/* Return: @dev, if it is listed. */
static struct net_device *nfo_lower_listed(const struct nfo_table *t,
					   const struct net_device *dev)
{
	const struct nfo_dev *d = nfo_dev_find(&t->devs, dev->ifindex);

	/* The lower device may live in another namespace, under the same number. */
	return d && d->dev == dev ? d->dev : NULL;
}

/**
 * nfo_lower_find() - the listed device that sees what a device sends and gets
 * @t:     flowtable
 * @dev:   device, as routing knows it
 * @stack: filled
 *
 * Of several listed devices above each other the lowest counts: what it has seen
 * through never reaches the others. Context: rcu_read_lock().
 *
 * Return: NFO_R_NONE; NFO_R_DEV_NOT_IN_TABLE when neither @dev nor one below is
 * listed; NFO_R_DEV_STACK when one below is, but not all between can be seen
 * through (more than two headers, a VLAN device with an ingress-qos-map, a bridge).
 */
enum nfo_reason nfo_lower_find(const struct nfo_table *t, const struct net_device *dev,
				  struct nfo_lower *stack)
{
	struct net_device_path_stack path;
	struct nfo_lower s = {};
	enum nfo_reason why;
	bool blind = false;
	int i;

	*stack = (struct nfo_lower) { .dev = nfo_lower_listed(t, dev) };
	why = stack->dev ? NFO_R_NONE : NFO_R_DEV_NOT_IN_TABLE;
	if (!dev->netdev_ops->ndo_fill_forward_path || netif_is_bridge_master(dev) ||
	    nfo_fill_forward_path(dev, &path) < 0)
		return why;

	for (i = 0; i + 1 < path.num_paths; i++) {
		enum nfo_encap_kind kind = nfo_encap_of_path(&path.path[i]);

		if (!kind || i == NFO_ENCAPS || !nfo_lower_is_plain(path.path[i].dev))
			blind = true;
		if (!blind)
			nfo_encap_add_outer(&s.encap, kind, path.path[i].encap.id);
		if (!blind && kind == NFO_ENCAP_PPPOE)
			ether_addr_copy(s.h_dest, path.path[i].encap.h_dest);
		s.dev = nfo_lower_listed(t, path.path[i + 1].dev);
		if (!s.dev)
			continue;
		if (blind)
			return stack->dev ? NFO_R_NONE : NFO_R_DEV_STACK;
		*stack = s;
		why = NFO_R_NONE;
	}

	return why;
}

/**
 * nfo_lower_same() - is what stands below a device still what it was?
 * @t:     flowtable
 * @dev:   device, as routing knows it
 * @stack: what nfo_lower_find() said of it
 *
 * Context: rcu_read_lock().
 */
bool nfo_lower_same(const struct nfo_table *t, const struct net_device *dev,
		    const struct nfo_lower *stack)
{
	struct nfo_lower now;

	if (!dev->netdev_ops->ndo_fill_forward_path)
		return true;

	return !nfo_lower_find(t, dev, &now) && now.dev == stack->dev &&
	       nfo_encap_equal(&now.encap, &stack->encap) &&
	       ether_addr_equal(now.h_dest, stack->h_dest);
}
