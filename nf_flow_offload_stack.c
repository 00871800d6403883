// SPDX-License-Identifier: GPL-2.0
/*
 * Device stacks: from the device that routing sees (eth0.10, ppp0) down to the
 * listed device whose ingress hook, and whose hardware, sees the frames (eth0),
 * and the headers that stand between Ethernet and IP there.
 *
 * Software sends through the upper device when a qdisc, a rule or a tap looks at what that
 * device sends. Otherwise it hands packets of bridges, VLAN devices and PPPoE sessions to
 * the listed device. Packets that come in, and rules for the hardware, which knows no upper
 * devices, are matched at the listed device as well.
 */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/if_macvlan.h>
#include <linux/if_pppox.h>
#include <linux/if_vlan.h>
#include <linux/netfilter_bridge.h>
#include <net/sch_generic.h>

#include "nfo_encap.h"
#include "nfo_stack.h"
#include "nfo_tunnel.h"

/* An address that no bridge has learned. */
static const u8 nobody[ETH_ALEN] __aligned(2);

/* How many tunnels and PPP devices above each other are followed. */
#define NFO_LOWER_DEPTH	3
/* How many devices may be linked above each other: the kernel allows no more. */
#define NFO_LINKED_DEPTH	8

/* Does a device put no more than a tag on what it sends? A VLAN device with an egress map gives the
 * tag a priority, too, but rules for hardware push tags without a priority.
 */
static bool nfo_lower_sends_plain(const struct net_device *dev)
{
#if IS_ENABLED(CONFIG_VLAN_8021Q)
	if (is_vlan_dev(dev))
		return !READ_ONCE(vlan_dev_priv(dev)->nr_egress_mappings);
#endif
	return true;
}

/* Does a device take no more than a header off what it receives? A VLAN device with an ingress map
 * also sets the packet's priority.
 */
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

	/* A lower device in another namespace may have the index of a listed device. */
	return d && d->dev == dev ? d->dev : NULL;
}

/* PPP devices and tunnels are not linked to the device below, so each kind is asked in its own way.
 * Return: the device below, with @way set to what is known of the header between; or NULL.
 */
static struct net_device *nfo_lower_unlinked(const struct net_device *dev,
					     struct nfo_tunnel_way *way)
{
	struct net_device_path_stack path;
	struct net_device *below;

	if (dev->type != ARPHRD_PPP)
		return nfo_tunnel_below(dev, way);
	if (!nfo_dev_has_forward_path(dev) || nfo_fill_forward_path(dev, nobody, &path) < 0 ||
	    path.num_paths < 2)
		return NULL;
	below = (struct net_device *)path.path[1].dev;
	*way = (struct nfo_tunnel_way) { .len = PPPOE_SES_HLEN };

	return below;
}

/* Is a device listed, or a linked device below it at which its packets can be recognized? */
static bool nfo_lower_covers_linked(const struct nfo_table *t, struct net_device *dev, int depth)
{
	struct list_head *iter = &dev->adj_list.lower;
	struct net_device *below;

	if (nfo_lower_listed(t, dev))
		return true;
	if (nfo_tunnel_hides(dev) || depth == NFO_LINKED_DEPTH)
		return false;
	while ((below = netdev_next_lower_dev_rcu(dev, &iter)))
		if (nfo_lower_covers_linked(t, below, depth + 1))
			return true;

	return false;
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
	struct net_device *at = (struct net_device *)dev;
	struct nfo_tunnel_way way = {};
	bool covers = false;
	int depth;

	rcu_read_lock();
	for (depth = 0; at && !way.hidden && depth <= NFO_LOWER_DEPTH; depth++) {
		covers = nfo_lower_covers_linked(t, at, 0);
		if (covers)
			break;
		at = nfo_lower_unlinked(at, &way);
	}
	rcu_read_unlock();

	return covers;
}

/**
 * nfo_upper_takes() - may an upper device take frames of the flows of the device below it?
 * @dev:   device
 * @upper: device that was linked above it, or is not any more; no master
 *
 * A VLAN device takes frames with its tag, which nobody but a master got before. A macvlan device
 * takes those for its own address, unless it takes all, or those of some senders. An ipvlan device
 * takes packets for its own addresses, a VXLAN device those for its port. Context: RTNL held.
 */
bool nfo_upper_takes(struct net_device *dev, const struct net_device *upper)
{
	if (is_vlan_dev(upper))
		return netdev_master_upper_dev_get(dev);
	if (netif_is_macvlan(upper))
		return ((const struct macvlan_dev *)netdev_priv(upper))->mode &
		       (MACVLAN_MODE_PASSTHRU | MACVLAN_MODE_SOURCE);

	return !nfo_dev_is_kind(upper, "ipvlan") && !nfo_dev_is_kind(upper, "vxlan");
}

/* Has an administrator given the device a qdisc or an egress filter? The kernel's default qdisc has
 * no handle.
 */
static int nfo_lower_has_qdisc(struct net_device *dev, struct netdev_nested_priv *priv)
{
	return rcu_dereference(dev->qdisc)->handle || nfo_dev_has_tc(dev, true);
}

/* A bridge may have hundreds of ports, and each direction that leaves by it asks twice a second. So
 * what was found of a device above many others holds for the rest of a tenth of a second. It stands
 * in nfo_net::devs, above the note of the device, and is lost when the note is renewed.
 */
#define NFO_SHOWN_MANY	16
#define NFO_SHOWN_KNOWN	BIT(8)
#define NFO_SHOWN	BIT(9)
#define NFO_SHOWN_TICK	GENMASK(30, 10)

static unsigned long nfo_shown_tick(void)
{
	return FIELD_PREP(NFO_SHOWN_TICK, (nfo_now() / (HZ / 10)) % BIT(21));
}

/* Return: what was found of a device, NFO_SHOWN or not, with NFO_SHOWN_KNOWN; 0 when that is not
 * known. @entry: set to the device's entry in nfo_net::devs.
 */
static unsigned long nfo_lower_shown(struct nfo_net *nn, const struct net_device *dev, void **entry)
{
	unsigned long value;

	*entry = xa_load(&nn->devs, dev->ifindex);
	value = *entry ? xa_to_value(*entry) : 0;
	if ((value & NFO_SHOWN_TICK) != nfo_shown_tick() || !(value & NFO_SHOWN_KNOWN))
		return 0;

	return value & (NFO_SHOWN_KNOWN | NFO_SHOWN);
}

/* Remember what was found. If the entry has changed meanwhile, it is left as it is. */
static void nfo_lower_remember(struct nfo_net *nn, const struct net_device *dev, void *entry,
			       bool shows)
{
	unsigned long value = NFO_SHOWN_KNOWN | nfo_shown_tick() | (shows ? NFO_SHOWN : 0);

	if (entry)
		xa_cmpxchg_bh(&nn->devs, dev->ifindex, entry,
			      xa_mk_value((xa_to_value(entry) & U8_MAX) | value), GFP_ATOMIC);
}

static int nfo_lower_use_shows(struct net_device *dev, struct netdev_nested_priv *priv)
{
	++*(unsigned int *)priv->data;

	return nfo_lower_has_qdisc(dev, priv);
}

/**
 * nfo_lower_shows_ct() - may packets that a device sends be classified by their conntrack entry?
 * @nn:  namespace
 * @dev: device, as routing knows it
 *
 * CAKE asks for the addresses before NAT, filters ask for conntrack's state and mark. On the
 * classic path a packet has its conntrack entry until a device has sent it. A tunnel takes the
 * entry away, so the devices below a tunnel are not looked at. Context: rcu_read_lock(). Return:
 * the answer, which may be a tenth of a second old when many devices are below.
 */
bool nfo_lower_shows_ct(struct nfo_net *nn, const struct net_device *dev)
{
	unsigned int below = 0;
	struct netdev_nested_priv priv = { .data = &below };
	const struct net_device *at = dev;
	struct nfo_tunnel_way way;
	unsigned long known;
	bool shows = false;
	void *entry;
	int depth;

	known = nfo_lower_shown(nn, dev, &entry);
	if (known)
		return known & NFO_SHOWN;
	for (depth = 0; at && !shows && depth <= NFO_LOWER_DEPTH; depth++) {
		shows = nfo_lower_has_qdisc((struct net_device *)at, &priv) ||
			netdev_walk_all_lower_dev_rcu((struct net_device *)at, nfo_lower_use_shows,
						      &priv);
		at = at->type == ARPHRD_PPP ? nfo_lower_unlinked(at, &way) : NULL;
	}
	if (below >= NFO_SHOWN_MANY)
		nfo_lower_remember(nn, dev, entry, shows);

	return shows;
}

/**
 * nfo_lower_has_hooks() - do rules of the netdev family see what a device receives?
 * @dev: device
 * @all: count rules behind a flowtable's hook as well, which packets that this flowtable forwards
 *       do not reach
 *
 * Context: rcu_read_lock().
 */
bool nfo_lower_has_hooks(const struct net_device *dev, bool all)
{
#ifdef CONFIG_NETFILTER_INGRESS
	const struct nf_hook_entries *hooks = rcu_dereference(dev->nf_hooks_ingress);
	int i;

	for (i = 0; hooks && i < hooks->num_hook_entries; i++) {
		if (!nfo_table_ops->is_own_hook(hooks->hooks[i].hook))
			return true;
		if (!all)
			return false;
	}
#endif
	return false;
}

/* Hooks with rules have a chain or a table as their private data. Those of br_netfilter and of
 * bridges' connection tracking, which drop nothing by rules, have none. Caller holds
 * rcu_read_lock(). Return: @dev is a bridge, and one of the two hooks has rules.
 */
static bool nfo_bridge_has_rules(const struct net_device *dev, unsigned int one, unsigned int other)
{
#ifdef CONFIG_NETFILTER_FAMILY_BRIDGE
	const unsigned int numbers[] = { one, other };
	const struct nf_hook_entries *hooks;
	int i, j;

	if (!netif_is_bridge_master(dev))
		return false;
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		hooks = rcu_dereference(dev_net(dev)->nf.hooks_bridge[numbers[i]]);
		for (j = 0; hooks && j < hooks->num_hook_entries; j++)
			if (hooks->hooks[j].priv)
				return true;
	}
#endif
	return false;
}

/* Frames that a bridge gives to the router itself pass these two hooks; see br_pass_frame_up(). */
static bool nfo_bridge_filters_in(const struct net_device *dev)
{
	return nfo_bridge_has_rules(dev, NF_BR_PRE_ROUTING, NF_BR_LOCAL_IN);
}

static bool nfo_bridge_filters_out(const struct net_device *dev)
{
	return nfo_bridge_has_rules(dev, NF_BR_LOCAL_OUT, NF_BR_POST_ROUTING);
}

/**
 * nfo_lower_filters() - does a device look at packets that it receives, or change them?
 * @dev: device that flows pass unseen
 *
 * Context: rcu_read_lock().
 */
bool nfo_lower_filters(const struct net_device *dev)
{
	return !nfo_lower_is_plain(dev) || nfo_lower_has_hooks(dev, true) ||
	       nfo_dev_has_tc(dev, false) || rcu_access_pointer(dev->xdp_prog) ||
	       nfo_bridge_filters_in(dev);
}

/* Return: the device that a device is linked above, if it is linked above one alone. */
static struct net_device *nfo_lower_only(struct net_device *dev)
{
	struct list_head *iter = &dev->adj_list.lower;
	struct net_device *below = netdev_next_lower_dev_rcu(dev, &iter);

	return below && !netdev_next_lower_dev_rcu(dev, &iter) ? below : NULL;
}

/* Thousands of VLAN devices may be above one device, and each of them is above this one alone. So
 * the way between two devices is gone from above as long as it does not fork. Return: the device
 * where it does, or @lower; NULL when @dev is not linked above @lower.
 */
static struct net_device *nfo_lower_fork(struct net_device *lower, struct net_device *dev)
{
	struct net_device *below;

	while (dev != lower && (below = nfo_lower_only(dev)))
		dev = below;

	return dev == lower || netdev_has_upper_dev_all_rcu(lower, dev) ? dev : NULL;
}

/* Call @use for the devices between two linked devices: those above the fork from the upper one
 * downwards, the others from the lower one upwards. When a device there has several upper devices
 * on the way, the walk goes on from the last of them.
 */
static int nfo_lower_between(const struct nfo_table *t, struct net_device *lower,
			     struct net_device *dev, unsigned int headers,
			     int (*use)(const struct nfo_table *t, struct net_device *dev,
					unsigned int headers, void *data),
			     void *data)
{
	struct net_device *fork = nfo_lower_fork(lower, dev), *upper, *next;
	struct list_head *iter;
	int err;

	if (!fork || dev == lower)
		return 0;
	while (dev != fork) {
		dev = nfo_lower_only(dev);
		if (!dev || dev == lower)
			return 0;
		err = use(t, dev, headers, data);
		if (err)
			return err;
	}
	for (; lower; lower = next) {
		next = NULL;
		netdev_for_each_upper_dev_rcu(lower, upper, iter) {
			if (upper == dev || !netdev_has_upper_dev_all_rcu(upper, dev))
				continue;
			err = use(t, upper, headers, data);
			if (err)
				return err;
			next = upper;
		}
	}

	return 0;
}

/**
 * nfo_lower_each() - call a function for the devices between a listed one and routing's
 * @t:    flowtable
 * @iif:  index of the listed device, for which the function is not called
 * @dev:  device above it that routing uses, for which the function is called
 * @use:  function; a value other than 0 ends the walk. @headers: bytes that tunnels and PPPoE
 *        sessions above the device have put on a packet there
 * @data: for @use
 *
 * Context: rcu_read_lock(). Return: what @use returned, when not 0; -ENODEV when the listed
 * device is gone.
 */
int nfo_lower_each(const struct nfo_table *t, int iif, struct net_device *dev,
		   int (*use)(const struct nfo_table *t, struct net_device *dev,
			      unsigned int headers, void *data),
		   void *data)
{
	struct net_device *lower = dev_get_by_index_rcu(t->nn->net, iif);
	struct nfo_tunnel_way way;
	struct net_device *below;
	unsigned int headers = 0;
	int depth, err;

	if (!lower)
		return -ENODEV;
	for (depth = 0; dev != lower; depth++) {
		below = depth < NFO_LOWER_DEPTH ? nfo_lower_unlinked(dev, &way) : NULL;
		/* A tunnel may send by another device than the one that it receives by, which is
		 * not above the listed one then.
		 */
		err = 0;
		if (!depth || below || nfo_lower_fork(lower, dev))
			err = use(t, dev, headers, data);
		if (err)
			return err;
		if (!below)
			break;
		dev = below;
		headers += way.len;
	}

	return nfo_lower_between(t, lower, dev, headers, use, data);
}

static int nfo_lower_use_is(const struct nfo_table *t, struct net_device *dev,
			    unsigned int headers, void *data)
{
	return dev->ifindex == *(const int *)data;
}

/**
 * nfo_lower_passes() - is a device on the way from a listed one to the one that routing uses?
 * @t:       flowtable
 * @iif:     index of the listed device
 * @dev:     device above it that routing uses
 * @ifindex: index of the device that may be between the two
 *
 * Context: rcu_read_lock(). Return: true also when the listed device is gone.
 */
bool nfo_lower_passes(const struct nfo_table *t, int iif, struct net_device *dev, int ifindex)
{
	return nfo_lower_each(t, iif, dev, nfo_lower_use_is, &ifindex);
}

static int nfo_lower_use_filters(const struct nfo_table *t, struct net_device *dev,
				 unsigned int headers, void *data)
{
	return nfo_lower_filters(dev) || nfo_tunnel_decides(dev);
}

/**
 * nfo_lower_check() - may the devices between a listed one and routing's be passed?
 * @t:   flowtable
 * @iif: index of the listed device
 * @dev: device above it that routing uses
 *
 * A device with a filter, a policer or an ifb of its own on what it receives is not passed
 * unseen. Context: rcu_read_lock(). Return: NFO_R_NONE or NFO_R_DEV_STACK.
 */
enum nfo_reason nfo_lower_check(const struct nfo_table *t, int iif, struct net_device *dev)
{
	if (nfo_net_dev_note(t->nn, iif) & NFO_NOTE_TREES)
		return NFO_R_DEV_STACK;
	return nfo_lower_each(t, iif, dev, nfo_lower_use_filters, NULL) ? NFO_R_DEV_STACK :
									  NFO_R_NONE;
}

/**
 * struct nfo_lower_counts - packets to add to the counters of devices
 * @add:     adds packets to what a device has received, or sent
 * @packets: how many packets
 * @bytes:   bytes of the IP packets
 */
struct nfo_lower_counts {
	void	(*add)(struct net_device *dev, u64 packets, u64 bytes);
	u64	packets;
	u64	bytes;
};

static int nfo_lower_use_count(const struct nfo_table *t, struct net_device *dev,
			       unsigned int headers, void *data)
{
	const struct nfo_lower_counts *c = data;

	c->add(dev, c->packets, c->bytes + c->packets * headers);

	return 0;
}

/* Add packets to the counters of the devices that nfo_lower_each() visits. */
static void nfo_lower_add(const struct nfo_table *t, int iif, struct net_device *dev,
			  struct nfo_lower_counts c)
{
	if (!READ_ONCE(t->nn->settings.dev_counters))
		return;
	local_bh_disable();
	rcu_read_lock();
	nfo_lower_each(t, iif, dev, nfo_lower_use_count, &c);
	rcu_read_unlock();
	local_bh_enable();
}

/**
 * nfo_lower_count() - count packets at the devices that they passed unseen when they came in
 * @f:       flow
 * @dir:     direction
 * @packets: how many
 * @bytes:   bytes of IP packets
 *
 * Context: any.
 */
void nfo_lower_count(const struct nfo_flow *f, enum ip_conntrack_dir dir, u64 packets,
		     u64 bytes)
{
	struct net_device *in;

	rcu_read_lock();
	in = nfo_flow_refs(f, dir)->in;
	if (in && f->e[dir].flags & NFO_E_LOWER)
		nfo_lower_add(f->table, f->e[dir].key.iif, in,
			      (struct nfo_lower_counts){ nfo_dev_count_rx, packets, bytes });
	rcu_read_unlock();
}

/**
 * nfo_lower_count_sent() - count packets at the devices above the one that sent them
 * @f:       flow
 * @dir:     direction whose rule is in hardware, or that software sends straight to a port
 * @packets: how many
 * @bytes:   bytes of IP packets
 *
 * The driver of the device that sent them counts there. Context: any.
 */
void nfo_lower_count_sent(const struct nfo_flow *f, enum ip_conntrack_dir dir, u64 packets,
			  u64 bytes)
{
	const struct nfo_route_refs *refs;
	struct net_device *port;

	rcu_read_lock();
	refs = nfo_flow_refs(f, dir);
	port = refs->out_lower.dev;
	if (port && port != refs->out)
		nfo_lower_add(f->table, port->ifindex, refs->out,
			      (struct nfo_lower_counts){ nfo_dev_count_tx, packets, bytes });
	rcu_read_unlock();
}

/**
 * nfo_lower_passed() - count packets that software forwarded at the devices that they passed by
 * @f:       flow
 * @dir:     direction
 * @packets: how many
 * @bytes:   bytes of IP packets
 *
 * Context: any.
 */
void nfo_lower_passed(const struct nfo_flow *f, enum ip_conntrack_dir dir, u64 packets, u64 bytes)
{
	const struct nfo_route_refs *refs;

	rcu_read_lock();
	refs = nfo_flow_refs(f, dir);
	nfo_lower_count(f, dir, packets, bytes);
	if (refs->send != refs->out)
		nfo_lower_count_sent(f, dir, packets, bytes);
	rcu_read_unlock();
}

/* Add to @s what a device, which is not the last one of its path, does to the frames that it sends.
 * Return: false when that is not known, or a rule cannot do it.
 */
static bool nfo_lower_step(struct nfo_lower *s, const struct net_device_path *path)
{
	enum nfo_encap_kind kind = nfo_encap_of_path(path);
	__be16 proto = 0;
	u16 id = 0;

	if (nfo_bridge_filters_out(path->dev))
		return false;
	switch (nfo_path_bridge_tag(path, &id, &proto)) {
	case NFO_PATH_NO_BRIDGE:
		id = path->encap.id;
		break;
	case NFO_PATH_KEEP:
		return true;
	case NFO_PATH_PUSH:
		kind = nfo_encap_of_tag(proto);
		break;
	case NFO_PATH_POP:
		if (!s->encap.kinds)
			return false;
		nfo_encap_drop_outer(&s->encap);
		return true;
	}
	if (!kind || nfo_encap_is_full(&s->encap) || !nfo_lower_is_plain(path->dev))
		return false;
	nfo_encap_add_outer(&s->encap, kind, id);
	if (kind == NFO_ENCAP_PPPOE) {
		ether_addr_copy(s->h_dest, path->encap.h_dest);
		ether_addr_copy(s->h_source, path[1].dev->dev_addr);
	}

	return true;
}

/**
 * nfo_lower_find() - the listed device that sends what a device sends
 * @t:     flowtable
 * @dev:   device, as routing knows it, that nfo_lower_covers() says is listed or above a listed one
 * @h_dest: Ethernet address of the next hop, by which a bridge chooses its port; NULL without
 * @lower: filled; its device is NULL when the way to a listed device is not known, or a rule cannot
 *         go it: a bridge that has not heard of the next hop, or that has rules; more headers than
 *         a rule can have
 *
 * Of several listed devices on the way, the lowest one is taken. Context: rcu_read_lock().
 */
void nfo_lower_find(const struct nfo_table *t, const struct net_device *dev, const u8 *h_dest,
		    struct nfo_lower *lower)
{
	struct net_device_path_stack path;
	struct nfo_tunnel_way way;
	struct nfo_lower s = {};
	int i;

	*lower = (struct nfo_lower) { .dev = nfo_lower_listed(t, dev) };
	/* No driver's rule sends through a tunnel. */
	if (nfo_tunnel_below(dev, &way)) {
		lower->dev = NULL;
		lower->mtu = min_t(unsigned int, way.mtu, U16_MAX);
		return;
	}
	if (!nfo_dev_has_forward_path(dev) ||
	    nfo_fill_forward_path(dev, h_dest ?: nobody, &path) < 0)
		return;

	for (i = 0; i + 1 < path.num_paths; i++) {
		/* This device's tag would be missing its priority, whichever device is listed. */
		if (!nfo_lower_sends_plain(path.path[i].dev)) {
			lower->dev = NULL;
			break;
		}
		if (!nfo_lower_step(&s, &path.path[i]))
			break;
		s.dev = nfo_lower_listed(t, path.path[i + 1].dev);
		if (s.dev)
			*lower = s;
	}
}

/* Can software send in place of a device? Packets are added to the device's counters, so a PPP
 * device must have those of the core.
 */
static bool nfo_lower_is_replaced(const struct net_device *dev)
{
	return netif_is_bridge_master(dev) || is_vlan_dev(dev) ||
	       (dev->type == ARPHRD_PPP && nfo_dev_has_tstats(dev));
}

/* Return: the device must not be passed by, because a tap, a rule, a filter or a qdisc sees what it
 * sends, or because a bridge above it may hold packets back.
 */
static int nfo_lower_use_looks(const struct nfo_table *t, struct net_device *dev,
			       unsigned int headers, void *data)
{
	struct netdev_nested_priv priv = {};

	return !nfo_lower_is_replaced(dev) || netif_is_bridge_port(dev) ||
	       !list_empty(&dev->ptype_all) || nfo_dev_has_egress_hooks(dev) ||
	       nfo_lower_has_qdisc(dev, &priv);
}

/* Is a device no port of a bridge, or a port by which its bridge is known to send? */
static bool nfo_lower_is_open(const struct nfo_table *t, const struct net_device *port)
{
	u8 note;

	if (!netif_is_bridge_port(port))
		return true;
	note = nfo_net_dev_note(t->nn, port->ifindex);

	return note & NFO_NOTE_KNOWN && !(note & NFO_NOTE_HELD);
}

/* Is the port's MTU large enough for what the device above takes, and for a session's header? */
static bool nfo_lower_takes(const struct net_device *port, const struct net_device *out,
			    const struct nfo_lower *lower)
{
	return READ_ONCE(port->mtu) >= READ_ONCE(out->mtu) + nfo_lower_session_len(lower);
}

/**
 * nfo_lower_send_by() - the device that software hands a direction's packets to
 * @t:     flowtable
 * @out:   device, as routing knows it
 * @lower: what nfo_lower_find() found below it
 *
 * Software passes by a bridge, VLAN devices and a PPPoE session above a listed port when the bridge
 * would send the frames by the port, and nothing at these devices looks at the frames. The packets
 * are added to the counters of these devices, see nfo_lower_count_sent(). Context:
 * rcu_read_lock(). Return: the port, or @out.
 */
struct net_device *nfo_lower_send_by(const struct nfo_table *t, struct net_device *out,
				     const struct nfo_lower *lower)
{
	struct net_device *port = lower->dev;

	if (!port || port == out || !nfo_lower_takes(port, out, lower) ||
	    !nfo_lower_is_open(t, port))
		return out;

	return nfo_lower_each(t, port->ifindex, out, nfo_lower_use_looks, NULL) ? out : port;
}
