/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The path from a device through the devices below it, in the form of the newest kernel: a part of
 * nfo_compat.h.
 */
#ifndef _NFO_COMPAT_PATH_H
#define _NFO_COMPAT_PATH_H

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <net/flow_offload.h>

/**
 * enum nfo_path_tag - what a bridge does to the outermost tag of frames that it sends
 * @NFO_PATH_NO_BRIDGE: this device is no bridge
 * @NFO_PATH_KEEP: it leaves the tag as it is
 * @NFO_PATH_PUSH: it adds the tag of its VLAN
 * @NFO_PATH_POP:  it removes the tag of its VLAN
 */
enum nfo_path_tag {
	NFO_PATH_NO_BRIDGE,
	NFO_PATH_KEEP,
	NFO_PATH_PUSH,
	NFO_PATH_POP,
};

#ifdef NFO_HAVE_FORWARD_PATH

/* Return: true when the device can tell what is below it. */
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

/* 7.x: dev_fill_forward_path() takes a context, and the caller has to release the stack. No device
 * that is used here keeps a reference in it, so the stack is released at once. Goes with 6.12.
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

/* Return: what a bridge does to the outermost tag of frames that it sends by the port which follows
 * in the path; @id and @proto are set to the tag of its VLAN.
 */
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
	/* The bridge leaves the tag on and the switch removes it, so none is on the wire either. */
	case DEV_PATH_BR_VLAN_UNTAG_HW:
		return NFO_PATH_POP;
	default:
		return NFO_PATH_KEEP;
	}
}

#else

/* 5.13, ddb94eafab8b ("net: resolve forwarding path from virtual netdevice and HW
 * destination address"). Before, VLAN devices are followed here, and the device below a PPP
 * device is not found, because only PPP's own driver knows it. Goes with 5.10.
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

/* Kernels before 5.13 do not tell by which port a bridge sends. */
static inline enum nfo_path_tag nfo_path_bridge_tag(const struct net_device_path *path, u16 *id,
						    __be16 *proto)
{
	return NFO_PATH_NO_BRIDGE;
}

/* 5.13, 563ae557dd4e ("net: flow_offload: add FLOW_ACTION_PPPOE_PUSH"). Without it no rule gets
 * this action, because a device below a PPP device is never found in such a kernel. Goes with 5.10.
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
