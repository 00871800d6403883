// SPDX-License-Identifier: GPL-2.0
/*
 * What packets in hardware would miss: tc filters, XDP programs and netdev chains of the devices
 * that packets enter by, egress filters and shapers of the devices that packets leave by. In the
 * software fast path packets meet all of these; packets in a chip meet none. So a flow with one of
 * them on its way stays in software, unless the setting hw_bypass is 1.
 *
 * What the hardware does itself does not count: filters and qdiscs that the driver has taken, and
 * XDP programs in the card. A qdisc that only queues does not count either, because its queue is
 * empty while the chip forwards. A qdisc that limits a rate, delays packets or has classes counts.
 *
 * Software that hands packets straight to the port of a bridge passes by the bridge. So the note of
 * a port says whether the bridge would have sent every packet by the port as it is.
 *
 * A work item looks at devices with RTNL held, soon after rtnetlink or nf_tables announced a
 * change, and twice a second while a caller asks. It notes what it found in nfo_net::devs.
 */
#include <linux/if_bridge.h>
#include <linux/if_vlan.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <net/pkt_cls.h>
#include <net/pkt_sched.h>

#include "nfo_compat.h"
#include "nfo_hw_queue.h"
#include "nfo_stack.h"
#include "nfo_unseen.h"

/* Bits of a device's note, beside NFO_NOTE_*. */
#define NFO_UNSEEN_RX		BIT(2)	/* a filter sees what the device receives */
#define NFO_UNSEEN_TX		BIT(3)	/* a filter sees what the device sends */
#define NFO_UNSEEN_QUEUE	BIT(4)	/* a qdisc shapes what the device sends */
#define NFO_UNSEEN_TAKEN	BIT(6)	/* the driver has taken the qdisc into hardware */

/* The notes are not renewed more often than this, in jiffies. With thousands of devices, each with
 * a shaper of its own, a look takes so long that others would wait for RTNL: then the pause before
 * the next one is NFO_UNSEEN_SHARE times as long as the look, and NFO_UNSEEN_LONGEST at most.
 */
#define NFO_UNSEEN_GAP		(HZ / 20)
#define NFO_UNSEEN_SHARE	8
#define NFO_UNSEEN_LONGEST	HZ

/* ---- filters; RTNL held ---- */

static int nfo_unseen_count(struct tcf_proto *tp, void *filter, struct tcf_walker *walker)
{
	return 0;
}

/* Return: how many filters of one kind and priority there are. */
static int nfo_unseen_filters_of(struct tcf_proto *tp)
{
	struct tcf_walker walker = { .fn = nfo_unseen_count };

	if (!tp->ops->walk)
		return 1;
	tp->ops->walk(tp, &walker, true);

	return walker.count;
}

/* RTNL does not protect a chain, because flower's filters come and go without it. So each step of a
 * loop holds a reference of the chain or the filter, and drops that of the step before: both loops
 * must run to their ends. Return: how many filters a block has; INT_MAX when it has chains beyond
 * the first.
 */
static int nfo_unseen_filters(struct tcf_block *block)
{
	int filters = 0;
#ifdef CONFIG_NET_CLS
	struct tcf_chain *chain = NULL;
	struct tcf_proto *tp;
	int chains = 0;

	while ((chain = tcf_get_next_chain(block, chain))) {
		chains++;
		for (tp = nfo_tcf_next_proto(chain, NULL); tp; tp = nfo_tcf_next_proto(chain, tp))
			filters += nfo_unseen_filters_of(tp);
	}
	if (chains > 1)
		return INT_MAX;
#endif
	return filters;
}

/* Return: true when the driver has taken all filters that packets can meet. False where that cannot
 * be known: for a block with chains beyond the first, for clsact's egress, whose block is not
 * known, and for a block that several devices share, because nothing says which of their drivers
 * took a filter.
 */
static bool nfo_unseen_is_offloaded(const struct mini_Qdisc *miniq)
{
	struct tcf_block *block = miniq->block;

	return block && !tcf_block_shared(block) && atomic_read(&block->offloadcnt) &&
	       atomic_read(&block->offloadcnt) >= nfo_unseen_filters(block);
}

static bool nfo_unseen_has_tc(const struct net_device *dev, bool egress)
{
	const struct mini_Qdisc *miniq = nfo_dev_tc_filters(dev, egress);

	return nfo_dev_has_tcx(dev, egress) || (miniq && !nfo_unseen_is_offloaded(miniq));
}

/* dev->xdp_state also has the program that runs in the card, which does not count. */
static bool nfo_unseen_has_xdp(const struct net_device *dev)
{
	static const enum bpf_xdp_mode modes[] = { XDP_MODE_SKB, XDP_MODE_DRV };
	int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++)
		if (dev->xdp_state[modes[i]].prog || dev->xdp_state[modes[i]].link)
			return true;
	return false;
}

/* ---- qdiscs; RTNL held ---- */

/* Return: attribute @type of the options that a qdisc dumps, or @none without it. */
static u64 nfo_qdisc_option(struct Qdisc *q, int type, u64 none)
{
	struct sk_buff *skb = alloc_skb(NLMSG_GOODSIZE, GFP_KERNEL);
	const struct nlattr *options, *attr = NULL;
	u64 value = none;

	if (skb && q->ops->dump && q->ops->dump(q, skb) >= 0) {
		options = nla_find((const struct nlattr *)skb->data, skb->len, TCA_OPTIONS);
		attr = options ? nla_find_nested(options, type) : NULL;
	}
	if (attr)
		value = nla_len(attr) == sizeof(u64) ? nla_get_u64(attr) : nla_get_u32(attr);
	kfree_skb(skb);

	return value;
}

/* cake shapes when it has a bandwidth. With `wash` it clears the DSCP of each packet. */
static bool nfo_cake_shapes(struct Qdisc *q)
{
	return nfo_qdisc_option(q, TCA_CAKE_BASE_RATE64, 0) ||
	       nfo_qdisc_option(q, TCA_CAKE_WASH, 0);
}

static bool nfo_fq_shapes(struct Qdisc *q)
{
	return nfo_qdisc_option(q, TCA_FQ_FLOW_MAX_RATE, U32_MAX) != U32_MAX;
}

/**
 * struct nfo_qdisc_kind - a kind of qdisc that never shapes, or not always
 * @id:     name of the kind
 * @shapes: says whether a qdisc of this kind shapes; NULL when none does
 */
struct nfo_qdisc_kind {
	const char	*id;
	bool		(*shapes)(struct Qdisc *q);
};

static const struct nfo_qdisc_kind nfo_qdisc_kinds[] = {
	{ "noqueue" }, { "noop" }, { "pfifo_fast" }, { "pfifo" }, { "bfifo" },
	{ "pfifo_head_drop" }, { "fq_codel" }, { "fq_pie" }, { "codel" }, { "pie" },
	{ "sfq" }, { "hhf" }, { "cake", nfo_cake_shapes }, { "cake_mq", nfo_cake_shapes },
	{ "fq", nfo_fq_shapes }, { "dualpi2" },
};

/* A qdisc that is not in the table is taken for a shaper, as those with classes are. */
static bool nfo_qdisc_shapes(struct Qdisc *q)
{
	const struct nfo_qdisc_kind *kind = nfo_qdisc_kinds;
	int i;

	for (i = 0; i < ARRAY_SIZE(nfo_qdisc_kinds); i++, kind++)
		if (!strcmp(q->ops->id, kind->id))
			return kind->shapes && kind->shapes(q);
	return true;
}

/* A qdisc that only queues may have filters, which choose one of its queues; the actions of a
 * filter may drop a packet or send it elsewhere.
 */
static bool nfo_qdisc_has_filters(struct Qdisc *q)
{
	const struct Qdisc_class_ops *ops = q->ops->cl_ops;
	struct tcf_block *block = ops && ops->tcf_block ? ops->tcf_block(q, 0, NULL) : NULL;

	return block && nfo_unseen_filters(block);
}

/* Return: NFO_UNSEEN_*. */
static u8 nfo_qdisc_look(struct Qdisc *q)
{
	if (q->flags & TCQ_F_OFFLOADED)
		return NFO_UNSEEN_TAKEN;
	if (nfo_qdisc_shapes(q))
		return NFO_UNSEEN_QUEUE;
	return nfo_qdisc_has_filters(q) ? NFO_UNSEEN_TX : 0;
}

/* Return: true for a qdisc below which each queue of the device has a qdisc of its own. */
static bool nfo_qdisc_is_split(const struct Qdisc *q)
{
	return !strcmp(q->ops->id, "mq") || !strcmp(q->ops->id, "mqprio");
}

static u8 nfo_qdiscs_look(struct net_device *dev)
{
	struct Qdisc *root = rtnl_dereference(dev->qdisc), *q;
	unsigned int i;
	u8 note = 0;

	if (!nfo_qdisc_is_split(root))
		return nfo_qdisc_look(root);
	for (i = 0; i < dev->num_tx_queues; i++) {
		q = nfo_queue_qdisc(netdev_get_tx_queue(dev, i));
		if (q && q != root)
			note |= nfo_qdisc_look(q);
	}

	return note;
}

/* ---- bridge ports; RTNL held ---- */

/* This module must not depend on the bridge module, so symbol_get() looks for its functions.
 * Kernels in which devices do not tell what is below them do not tell by which port a bridge sends
 * either.
 */
#if IS_ENABLED(CONFIG_BRIDGE) && defined(NFO_HAVE_FORWARD_PATH)
#define NFO_CAN_ASK_BRIDGES
#endif

/* Return: true when STP lets frames leave by a port, and the bridge does not give them a tunnel id
 * (vlan_tunnel).
 */
static bool nfo_bridge_port_is_open(const struct net_device *dev)
{
	bool open = false;
#ifdef NFO_CAN_ASK_BRIDGES
	typeof(br_port_get_stp_state) *state = symbol_get(br_port_get_stp_state);
	typeof(br_port_flag_is_set) *flag = symbol_get(br_port_flag_is_set);

	if (state && flag)
		open = state(dev) == BR_STATE_FORWARDING && !flag(dev, BR_VLAN_TUNNEL);
	if (state)
		symbol_put(br_port_get_stp_state);
	if (flag)
		symbol_put(br_port_flag_is_set);
#endif
	return open;
}

#if defined(NFO_CAN_ASK_BRIDGES) && IS_ENABLED(CONFIG_BRIDGE_VLAN_FILTERING)
/* Return: true when a bridge itself is in the VLAN of each VLAN device above it: otherwise it would
 * drop what that device sends. @info: br_vlan_get_info(). Caller holds RTNL.
 */
static bool nfo_bridge_is_in_vlans(struct net_device *bridge,
				   int (*info)(const struct net_device *bridge, u16 vid,
					       struct bridge_vlan_info *vlan))
{
	struct bridge_vlan_info vlan;
	struct net_device *upper;
	struct list_head *iter;

	netdev_for_each_upper_dev_rcu(bridge, upper, iter) {
		if (!is_vlan_dev(upper))
			continue;
		if (info(bridge, vlan_dev_vlan_id(upper), &vlan) ||
		    !(vlan.flags & BRIDGE_VLAN_INFO_BRENTRY))
			return false;
	}

	return true;
}

static bool nfo_bridge_has_vlans(struct net_device *bridge)
{
	typeof(br_vlan_enabled) *enabled = symbol_get(br_vlan_enabled);
	bool has = true;

	if (enabled) {
		has = enabled(bridge);
		symbol_put(br_vlan_enabled);
	}

	return has;
}

/* Return: true when a bridge may drop frames of a VLAN device above it. */
static bool nfo_bridge_drops_vlans(struct net_device *bridge)
{
	typeof(br_vlan_get_info) *info = symbol_get(br_vlan_get_info);
	bool drops = true;

	if (info) {
		drops = !nfo_bridge_is_in_vlans(bridge, info);
		symbol_put(br_vlan_get_info);
	}

	return drops;
}

/* Return: true when a bridge has multiple spanning trees (MST). */
static bool nfo_bridge_has_trees(struct net_device *bridge)
{
	bool has = false;
#ifdef NFO_HAVE_BR_MST
	typeof(br_mst_enabled) *enabled = symbol_get(br_mst_enabled);

	if (enabled) {
		has = enabled(bridge);
		symbol_put(br_mst_enabled);
	}
#endif
	return has;
}
#else
static bool nfo_bridge_has_vlans(struct net_device *bridge)
{
	return false;
}

static bool nfo_bridge_drops_vlans(struct net_device *bridge)
{
	return false;
}

static bool nfo_bridge_has_trees(struct net_device *bridge)
{
	return false;
}
#endif

/* A port may forward some VLANs and not others. No function of the bridge tells which, and with
 * multiple spanning trees no event tells that it changed. Return: NFO_NOTE_HELD, NFO_NOTE_TREES.
 */
static u8 nfo_unseen_port(const struct nfo_net *nn, struct net_device *dev)
{
	struct net_device *bridge = netdev_master_upper_dev_get(dev);

	if (!bridge || !nfo_bridge_port_is_open(dev))
		return NFO_NOTE_HELD;
	if (!nfo_bridge_has_vlans(bridge))
		return 0;
	if (nfo_bridge_has_trees(bridge))
		return NFO_NOTE_HELD | NFO_NOTE_TREES;

	return READ_ONCE(nn->vlan_states) || nfo_bridge_drops_vlans(bridge) ? NFO_NOTE_HELD : 0;
}

/* ---- the note of a device ---- */

/* Look at a device. Caller holds RTNL. Return: its note, NFO_NOTE_* and NFO_UNSEEN_*. */
static u8 nfo_unseen_look(const struct nfo_net *nn, struct net_device *dev)
{
	u8 note = NFO_NOTE_KNOWN;

	rcu_read_lock();
	if (nfo_lower_has_hooks(dev, false))
		note |= NFO_UNSEEN_RX;
	if (nfo_dev_has_egress_hooks(dev))
		note |= NFO_UNSEEN_TX;
	rcu_read_unlock();
	if (nfo_unseen_has_tc(dev, false) || nfo_unseen_has_xdp(dev))
		note |= NFO_UNSEEN_RX;
	if (nfo_unseen_has_tc(dev, true))
		note |= NFO_UNSEEN_TX;
	note |= nfo_qdiscs_look(dev);
	if (netif_is_bridge_port(dev))
		note |= nfo_unseen_port(nn, dev);

	return note;
}

/* May software send straight to the port of a bridge from now on? */
static bool nfo_port_opens(u8 was, u8 is)
{
	return !(is & NFO_NOTE_HELD) && (!was || was & NFO_NOTE_HELD);
}

/* Caller holds RTNL. */
static void nfo_unseen_renew_dev(struct nfo_net *nn, struct net_device *dev)
{
	const struct nfo_change c = { .what = NFO_CHANGE_DEV, .ifindex = dev->ifindex };
	u8 was = nfo_net_dev_note(nn, dev->ifindex), is = nfo_unseen_look(nn, dev);

	if (is == was)
		return;
	nfo_net_note_dev(nn, dev->ifindex, is);
	/* A filter that is gone needs no change: flows in software ask for the hardware anyway. */
	if ((was && is & ~was) || (netif_is_bridge_port(dev) && nfo_port_opens(was, is)))
		nfo_change_add(nn, &c);
}

/**
 * nfo_unseen_renew() - renew the notes of the devices in nfo_net::devs
 * @nn: namespace
 *
 * A note with a new filter or shaper makes the flows of the device stale. So does the note of a
 * bridge's port to which software may send straight from now on, or may not any more. Context: may
 * sleep. RTNL is tried and not waited for, because its holder may wait for the caller. Return:
 * false when RTNL was not free.
 */
bool nfo_unseen_renew(struct nfo_net *nn)
{
	struct net_device *dev;
	unsigned long ifindex;
	u64 began, pause;
	void *entry;

	if (!rtnl_trylock())
		return false;
	began = ktime_get_ns();
	xa_for_each(&nn->devs, ifindex, entry) {
		dev = __dev_get_by_index(nn->net, ifindex);
		if (dev)
			nfo_unseen_renew_dev(nn, dev);
	}
	WRITE_ONCE(nn->unseen_at, nfo_now());
	pause = nsecs_to_jiffies64(NFO_UNSEEN_SHARE * (ktime_get_ns() - began));
	WRITE_ONCE(nn->unseen_gap, clamp_t(u64, pause, NFO_UNSEEN_GAP, NFO_UNSEEN_LONGEST));
	rtnl_unlock();

	return true;
}

/**
 * nfo_unseen_soon() - have nfo_unseen_renew() called soon
 * @nn: namespace
 *
 * Context: any.
 */
void nfo_unseen_soon(struct nfo_net *nn)
{
	u32 since = nfo_now() - READ_ONCE(nn->unseen_at), gap = READ_ONCE(nn->unseen_gap);

	if (delayed_work_pending(&nn->unseen_work))
		return;
	spin_lock_bh(&nn->journal_lock);
	nfo_net_queue(nn, nfo_hw_wq, &nn->unseen_work, since < gap ? gap - since : 0);
	spin_unlock_bh(&nn->journal_lock);
}

/**
 * nfo_unseen_net_exit() - the namespace ends: notes are not renewed any more
 * @nn: namespace, after nfo_net_end()
 *
 * Context: may sleep, RTNL may be held.
 */
void nfo_unseen_net_exit(struct nfo_net *nn)
{
	nfo_net_cancel(nn, &nn->unseen_work);
}

/* ---- what the notes mean for a flow ---- */

/**
 * struct nfo_unseen - a walk over the devices on a direction's way
 * @t:     flowtable; the caller keeps it
 * @mask:  bits of a note that count for the devices that are being walked
 * @found: such bits that were found so far
 * @young: a device has no note yet
 */
struct nfo_unseen {
	const struct nfo_table	*t;
	u8			mask;
	u8			found;
	bool			young;
};

/* Frames that a chip forwards mostly pass the qdiscs that its driver has taken. Drivers with
 * NFO_HW_DRV_HOST_QDISC take qdiscs that only frames of the host pass, so such a qdisc counts as a
 * shaper. @d: NULL for a device that is not listed. Return: the note with this added.
 */
static u8 nfo_unseen_counts(const struct nfo_dev *d, u8 note)
{
	if (note & NFO_UNSEEN_TAKEN && d && d->bound != NFO_DEV_HW_NONE &&
	    d->driver->flags & NFO_HW_DRV_HOST_QDISC)
		note |= NFO_UNSEEN_QUEUE;

	return note;
}

static int nfo_unseen_use(const struct nfo_table *t, struct net_device *dev,
			  unsigned int headers, void *data)
{
	u8 note = nfo_unseen_counts(nfo_dev_find(&t->devs, dev->ifindex),
				    nfo_net_dev_note(t->nn, dev->ifindex));
	struct nfo_unseen *u = data;

	if (!note) {
		nfo_net_use_dev(t->nn, dev->ifindex);
		u->young = true;
	}
	u->found |= note & u->mask;

	return 0;
}

/* Use a device below, unless it is in another namespace, where its index means another device. */
static int nfo_unseen_use_below(struct net_device *dev, struct netdev_nested_priv *priv)
{
	struct nfo_unseen *u = priv->data;

	if (net_eq(dev_net(dev), u->t->nn->net))
		nfo_unseen_use(u->t, dev, 0, u);
	return 0;
}

/* Walk the listed device @lower, the devices from there up to @dev, which routing uses, and the
 * devices below @lower, because frames of a switch's port pass the device that the switch is
 * connected to. Caller holds rcu_read_lock().
 */
static void nfo_unseen_walk(struct nfo_unseen *u, struct net_device *lower,
			    struct net_device *dev, u8 mask)
{
	struct netdev_nested_priv priv = { .data = u };

	u->mask = mask;
	nfo_unseen_use(u->t, lower, 0, u);
	nfo_lower_each(u->t, lower->ifindex, dev, nfo_unseen_use, u);
	netdev_walk_all_lower_dev_rcu(lower, nfo_unseen_use_below, &priv);
}

/* Would the bridge above the egress port of a direction drop or change some of its packets? Caller
 * holds rcu_read_lock().
 */
static bool nfo_unseen_is_held(const struct nfo_table *t, const struct nfo_route_refs *refs)
{
	struct net_device *port = refs->out_lower.dev, *bridge;

	if (!(nfo_net_dev_note(t->nn, port->ifindex) & NFO_NOTE_HELD))
		return false;
	bridge = netdev_master_upper_dev_get_rcu(port);

	return bridge && (bridge == refs->out || netdev_has_upper_dev_all_rcu(bridge, refs->out));
}

static enum nfo_reason nfo_unseen_reason(u8 found)
{
	if (found & (NFO_UNSEEN_RX | NFO_UNSEEN_TX))
		return NFO_R_HW_FILTER;
	return found & NFO_UNSEEN_QUEUE ? NFO_R_HW_QDISC : NFO_R_NONE;
}

/**
 * nfo_unseen_check() - would packets of a direction miss a filter or a shaper in hardware?
 * @f:   flow
 * @dir: direction, with a device in nfo_route_refs::out_lower
 *
 * Context: rcu_read_lock(). Return: NFO_R_NONE when they would not, otherwise what they would miss;
 * NFO_R_HW_BUSY while a device has no note yet.
 */
enum nfo_reason nfo_unseen_check(const struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	const struct nfo_route_refs *refs = nfo_flow_refs(f, dir);
	struct nfo_net *nn = f->table->nn;
	const struct nfo_dev *in;
	struct nfo_unseen u = { .t = f->table };

	if (nfo_unseen_is_held(f->table, refs))
		return NFO_R_DEV_STACK;
	if (READ_ONCE(nn->settings.hw_bypass))
		return NFO_R_NONE;
	in = nfo_dev_find(&f->table->devs, f->e[dir].key.iif);
	if (in)
		nfo_unseen_walk(&u, in->dev, refs->in, NFO_UNSEEN_RX);
	nfo_unseen_walk(&u, refs->out_lower.dev, refs->out,
			NFO_UNSEEN_TX | NFO_UNSEEN_QUEUE);

	if (u.young)
		nfo_unseen_soon(nn);
	nfo_unseen_keep(nn);
	if (u.young && !u.found)
		return NFO_R_HW_BUSY;

	return nfo_unseen_reason(u.found);
}

/**
 * nfo_unseen_dev_reason() - would packets in hardware miss a filter or a shaper of a device?
 * @nn: namespace
 * @d:  device, bound
 *
 * Context: rcu_read_lock(). Return: NFO_R_NONE when they would not, otherwise why flows of the
 * device stay in software.
 */
enum nfo_reason nfo_unseen_dev_reason(struct nfo_net *nn, const struct nfo_dev *d)
{
	if (READ_ONCE(nn->settings.hw_bypass))
		return NFO_R_NONE;
	return nfo_unseen_reason(nfo_unseen_counts(d, nfo_net_dev_note(nn, d->ifindex)));
}
