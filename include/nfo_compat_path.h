/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The devices below a device, as the newest kernel tells them: a part of nfo_compat.h.
 */
#ifndef _NFO_COMPAT_PATH_H
#define _NFO_COMPAT_PATH_H

#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <net/flow_offload.h>

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
static inline int nfo_fill_forward_path(const struct net_device *dev,
					struct net_device_path_stack *stack)
{
#ifdef NFO_HAVE_FORWARD_PATH_CTX
	struct net_device_path_ctx ctx = { .dev = dev };
	int err = dev_fill_forward_path(&ctx, stack);

	if (!err)
		dev_fill_forward_path_release(stack);
	return err;
#else
	static const u8 nobody[ETH_ALEN];

	return dev_fill_forward_path(dev, nobody, stack);
#endif
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
static inline int nfo_fill_forward_path(const struct net_device *dev,
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
