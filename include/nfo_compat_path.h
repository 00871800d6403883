/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The devices below a device, as the newest kernel tells them: a part of nfo_compat.h.
 */
#ifndef _NFO_COMPAT_PATH_H
#define _NFO_COMPAT_PATH_H

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <net/flow_offload.h>

/**
 * enum nfo_path_tag - what a bridge does to the outermost tag
 * @NFO_PATH_NO_BRIDGE: this device is no bridge
 * @NFO_PATH_KEEP: nothing
 * @NFO_PATH_PUSH: the tag of its VLAN is put on
 * @NFO_PATH_POP:  that tag is taken off
 */
enum nfo_path_tag {
	NFO_PATH_NO_BRIDGE,
	NFO_PATH_KEEP,
	NFO_PATH_PUSH,
	NFO_PATH_POP,
};

#ifdef NFO_HAVE_FORWARD_PATH

/* Does the kernel know what is below this device? */
static inline bool nfo_dev_has_forward_path(const struct net_device *dev)
{
	return dev->netdev_ops->ndo_fill_forward_path;
}

static inline void nfo_flow_action_set_pppoe(struct flow_action_entry *a, u16 sid)
{
	a->pppoe.sid = sid;
}

static inline u16 nfo_flow_action_pppoe(const struct flow_action_entry *a)
{
	return a->pppoe.sid;
}

/* 7.x: dev_fill_forward_path() takes a context, and what it found has to be
 * released. Only devices without references of their own are looked at here, so
 * that is done at once. Goes with 6.12.
 */
static inline int nfo_fill_forward_path(const struct net_device *dev, const u8 *daddr,
					struct net_device_path_stack *stack)
{
#ifdef NFO_HAVE_FORWARD_PATH_CTX
	struct net_device_path_ctx ctx = { .dev = dev };
	int err;

	ether_addr_copy(ctx.daddr, daddr);
	err = dev_fill_forward_path(&ctx, stack);
	if (!err)
		dev_fill_forward_path_release(stack);
	return err;
#else
	return dev_fill_forward_path(dev, daddr, stack);
#endif
}

/* What a bridge does to the tags of what it sends through the port after it in the path. */
static inline enum nfo_path_tag nfo_path_bridge_tag(const struct net_device_path *path, u16 *id,
						    __be16 *proto)
{
	if (path->type != DEV_PATH_BRIDGE)
		return NFO_PATH_NO_BRIDGE;
	*id = path->bridge.vlan_id;
	*proto = path->bridge.vlan_proto;
	switch (path->bridge.vlan_mode) {
	case DEV_PATH_BR_VLAN_TAG:
		return NFO_PATH_PUSH;
	case DEV_PATH_BR_VLAN_UNTAG:
	/* The switch takes off what the bridge leaves on: none is on the wire either way. */
	case DEV_PATH_BR_VLAN_UNTAG_HW:
		return NFO_PATH_POP;
	default:
		return NFO_PATH_KEEP;
	}
}

#else

/* 5.13, ddb94eafab8b ("net: resolve forwarding path from virtual netdevice and HW
 * destination address"). Until then VLAN devices are followed here. What is below a PPP
 * device cannot be found: only PPP's own driver knows. Goes with 5.10.
 */
enum net_device_path_type {
	DEV_PATH_ETHERNET = 0,
	DEV_PATH_VLAN,
	DEV_PATH_PPPOE,
};

struct net_device_path {
	enum net_device_path_type	type;
	const struct net_device		*dev;
	struct {
		u16			id;
		__be16			proto;
		u8			h_dest[ETH_ALEN];
	} encap;
};

#define NET_DEVICE_PATH_STACK_MAX	5

struct net_device_path_stack {
	int			num_paths;
	struct net_device_path	path[NET_DEVICE_PATH_STACK_MAX];
};

static inline bool nfo_dev_has_forward_path(const struct net_device *dev)
{
	return is_vlan_dev(dev);
}

/* Caller holds rcu_read_lock() or RTNL. */
static inline int nfo_fill_forward_path(const struct net_device *dev, const u8 *daddr,
					struct net_device_path_stack *stack)
{
	struct net_device_path *path;

	stack->num_paths = 0;
	while (stack->num_paths < NET_DEVICE_PATH_STACK_MAX) {
		path = &stack->path[stack->num_paths++];
		*path = (struct net_device_path) { .dev = dev };
		if (!is_vlan_dev(dev))
			return 0;
		path->type = DEV_PATH_VLAN;
		path->encap.id = vlan_dev_vlan_id(dev);
		path->encap.proto = vlan_dev_vlan_proto(dev);
		dev = vlan_dev_priv(dev)->real_dev;
	}

	return -1;
}

/* That kernel does not tell by which port a bridge sends. */
static inline enum nfo_path_tag nfo_path_bridge_tag(const struct net_device_path *path, u16 *id,
						    __be16 *proto)
{
	return NFO_PATH_NO_BRIDGE;
}

/* 5.13, 563ae557dd4e ("net: flow_offload: add FLOW_ACTION_PPPOE_PUSH"). No rule gets the
 * action: a route whose frames have a PPPoE header is never found in such a kernel.
 * Goes with 5.10.
 */
#define FLOW_ACTION_PPPOE_PUSH	NUM_FLOW_ACTIONS

static inline void nfo_flow_action_set_pppoe(struct flow_action_entry *a, u16 sid)
{
}

static inline u16 nfo_flow_action_pppoe(const struct flow_action_entry *a)
{
	return 0;
}

#endif /* NFO_HAVE_FORWARD_PATH */

#endif /* _NFO_COMPAT_PATH_H */
