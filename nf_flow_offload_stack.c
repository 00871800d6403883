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
#include <linux/if_arp.h>
#include <linux/if_pppox.h>
#include <linux/if_vlan.h>

#include "nfo_encap.h"
#include "nfo_stack.h"
#include "nfo_tunnel.h"

/* Tunnels and PPP devices above each other that are looked through. */
#define NFO_LOWER_DEPTH	3

/* A VLAN device that sets priorities by tag does more than take the tag off. */
static bool nfo_lower_is_plain(const struct net_device *dev)
{
#if IS_ENABLED(CONFIG_VLAN_8021Q)
	if (is_vlan_dev(dev))
		return !READ_ONCE(vlan_dev_priv(dev)->nr_ingress_mappings);
#endif
	return nfo_tunnel_is_plain(dev);
}

/* Return: @dev, if it is listed. */
static struct net_device *nfo_lower_listed(const struct nfo_table *t,
					   const struct net_device *dev)
{
	const struct nfo_dev *d = nfo_dev_find(&t->devs, dev->ifindex);

	/* The lower device may live in another namespace, under the same number. */
	return d && d->dev == dev ? d->dev : NULL;
}

/* Is a device below this one listed? */
static int nfo_lower_is_listed(struct net_device *dev, struct netdev_nested_priv *priv)
{
	return !!nfo_lower_listed(priv->data, dev);
}

/* PPP devices and tunnels are linked to no device; they are asked in their own way.
 * Return: the device below, or NULL; @len is set to the bytes of the header between.
 */
static struct net_device *nfo_lower_unlinked(const struct net_device *dev, unsigned int *mtu,
					     unsigned int *len)
{
	struct net_device_path_stack path;
	struct net_device *below;

	*mtu = 0;
	if (dev->type != ARPHRD_PPP)
		return nfo_tunnel_below(dev, mtu, len);
	if (!nfo_dev_has_forward_path(dev) || nfo_fill_forward_path(dev, &path) < 0 ||
	    path.num_paths < 2)
		return NULL;
	below = (struct net_device *)path.path[1].dev;
	*len = PPPOE_SES_HLEN;

	return below;
}

static bool nfo_lower_covers_linked(const struct nfo_table *t, const struct net_device *dev)
{
	struct netdev_nested_priv priv = { .data = (void *)t };

	return nfo_lower_listed(t, dev) ||
	       netdev_walk_all_lower_dev_rcu((struct net_device *)dev, nfo_lower_is_listed,
					     &priv);
}

/**
 * nfo_lower_covers() - are packets of a device seen by a listed one?
 * @t:   flowtable
 * @dev: device, as routing knows it
 *
 * Context: RTNL, or rcu_read_lock(). Return: true when @dev or one below is listed.
 */
bool nfo_lower_covers(const struct nfo_table *t, const struct net_device *dev)
{
	unsigned int mtu, len;
	bool covers = false;
	int depth;

	rcu_read_lock();
	for (depth = 0; dev && depth <= NFO_LOWER_DEPTH; depth++) {
		covers = nfo_lower_covers_linked(t, dev);
		if (covers)
			break;
		dev = nfo_lower_unlinked(dev, &mtu, &len);
	}
	rcu_read_unlock();

	return covers;
}

#ifdef CONFIG_NETFILTER_INGRESS
/* A listed device has our own hook. */
static bool nfo_lower_has_hooks(const struct nfo_table *t, const struct net_device *dev)
{
	const struct nf_hook_entries *hooks = rcu_dereference(dev->nf_hooks_ingress);

	return hooks && hooks->num_hook_entries > !!nfo_lower_listed(t, dev);
}
#else
static bool nfo_lower_has_hooks(const struct nfo_table *t, const struct net_device *dev)
{
	return false;
}
#endif

/**
 * nfo_lower_filters() - does a device do something to what it receives?
 * @t:   flowtable
 * @dev: device that flows pass unseen
 *
 * Context: rcu_read_lock().
 */
bool nfo_lower_filters(const struct nfo_table *t, const struct net_device *dev)
{
	return !nfo_lower_is_plain(dev) || nfo_lower_has_hooks(t, dev) ||
	       nfo_dev_has_tc_ingress(dev) || rcu_access_pointer(dev->xdp_prog);
}

/* Call @use for the devices between a listed one and routing's, routing's included, with
 * the bytes of headers inside which @dev counts. Return: what @use returned, when not 0;
 * -ENODEV when the listed device is gone.
 */
static int nfo_lower_each(const struct nfo_table *t, int iif, struct net_device *dev,
			  int (*use)(const struct nfo_table *t, struct net_device *dev,
				     unsigned int headers, void *data),
			  void *data)
{
	struct net_device *lower = dev_get_by_index_rcu(t->nn->net, iif);
	unsigned int mtu, len, headers = 0;
	struct net_device *upper, *below;
	struct list_head *iter;
	int depth, err;

	if (!lower)
		return -ENODEV;
	for (depth = 0; dev != lower; depth++) {
		below = depth < NFO_LOWER_DEPTH ? nfo_lower_unlinked(dev, &mtu, &len) : NULL;
		/* A tunnel may send by another device than it receives by. */
		err = 0;
		if (!depth || below || netdev_has_upper_dev_all_rcu(lower, dev))
			err = use(t, dev, headers, data);
		if (err)
			return err;
		if (!below)
			break;
		dev = below;
		headers += len;
	}
	netdev_for_each_upper_dev_rcu(lower, upper, iter) {
		if (upper == dev || !netdev_has_upper_dev_all_rcu(upper, dev))
			continue;
		err = use(t, upper, headers, data);
		if (err)
			return err;
	}

	return 0;
}

static int nfo_lower_use_filters(const struct nfo_table *t, struct net_device *dev,
				 unsigned int headers, void *data)
{
	return nfo_lower_filters(t, dev);
}

/**
 * nfo_lower_check() - may the devices between a listed one and routing's be passed?
 * @t:   flowtable
 * @iif: index of the listed device
 * @dev: device routing knows, above it
 *
 * A device with a filter, a policer or an ifb of its own on what it receives is not passed
 * unseen. Context: rcu_read_lock(). Return: NFO_R_NONE or NFO_R_DEV_STACK.
 */
enum nfo_reason nfo_lower_check(const struct nfo_table *t, int iif, struct net_device *dev)
{
	return nfo_lower_each(t, iif, dev, nfo_lower_use_filters, NULL) ? NFO_R_DEV_STACK :
									  NFO_R_NONE;
}

/**
 * struct nfo_lower_counts - what packets of a direction amount to
 * @packets: how many
 * @bytes:   bytes of their IP headers and what follows
 */
struct nfo_lower_counts {
	u64	packets;
	u64	bytes;
};

static int nfo_lower_use_count(const struct nfo_table *t, struct net_device *dev,
			       unsigned int headers, void *data)
{
	const struct nfo_lower_counts *c = data;

	nfo_dev_count_rx(dev, c->packets, c->bytes + c->packets * headers);

	return 0;
}

/**
 * nfo_lower_count() - the devices that packets passed unseen count them
 * @f:       flow
 * @dir:     direction with NFO_E_LOWER
 * @packets: how many
 * @bytes:   bytes of IP packets
 *
 * Context: any.
 */
void nfo_lower_count(const struct nfo_flow *f, enum ip_conntrack_dir dir, u64 packets,
		     u64 bytes)
{
	struct nfo_lower_counts c = { .packets = packets, .bytes = bytes };
	struct net_device *in = nfo_flow_refs(f, dir)->in;

	if (!in || !READ_ONCE(f->table->nn->settings.dev_counters))
		return;
	local_bh_disable();
	rcu_read_lock();
	nfo_lower_each(f->table, f->e[dir].key.iif, in, nfo_lower_use_count, &c);
	rcu_read_unlock();
	local_bh_enable();
}

/**
 * nfo_lower_find() - the listed device that sends what a device sends
 * @t:     flowtable
 * @dev:   device, as routing knows it
 * @lower: filled; its device is NULL when one below is listed, but not all between are
 *         known: a bridge, more headers than a rule can have
 *
 * Software sends through @dev in any case; this is for the hardware. Of several listed
 * devices above each other the lowest counts. Context: rcu_read_lock().
 *
 * Return: NFO_R_NONE; NFO_R_DEV_NOT_IN_TABLE when neither @dev nor one below is listed.
 */
enum nfo_reason nfo_lower_find(const struct nfo_table *t, const struct net_device *dev,
			       struct nfo_lower *lower)
{
	struct net_device_path_stack path;
	struct nfo_lower s = {};
	unsigned int mtu, len;
	bool known = true;
	int i;

	*lower = (struct nfo_lower) { .dev = nfo_lower_listed(t, dev) };
	if (!nfo_lower_covers(t, dev))
		return NFO_R_DEV_NOT_IN_TABLE;
	/* No driver's rule sends through a tunnel. */
	if (nfo_tunnel_below(dev, &mtu, &len)) {
		lower->dev = NULL;
		lower->mtu = min_t(unsigned int, mtu, U16_MAX);
		return NFO_R_NONE;
	}
	if (!nfo_dev_has_forward_path(dev) || netif_is_bridge_master(dev) ||
	    nfo_fill_forward_path(dev, &path) < 0)
		return NFO_R_NONE;

	for (i = 0; known && i + 1 < path.num_paths; i++) {
		enum nfo_encap_kind kind = nfo_encap_of_path(&path.path[i]);

		known = kind && i < NFO_ENCAPS && nfo_lower_is_plain(path.path[i].dev);
		if (!known)
			break;
		nfo_encap_add_outer(&s.encap, kind, path.path[i].encap.id);
		if (kind == NFO_ENCAP_PPPOE)
			ether_addr_copy(s.h_dest, path.path[i].encap.h_dest);
		s.dev = nfo_lower_listed(t, path.path[i + 1].dev);
		if (s.dev)
			*lower = s;
	}

	return NFO_R_NONE;
}
