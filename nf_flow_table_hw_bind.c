// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: a device's driver is asked for its callbacks.
 *
 * A device whose driver has none is no error: its flows run in software, and the
 * driver's answer is kept for display. The driver is asked through TC_SETUP_FT, as
 * mainline's flowtable asks it. A driver that does not know TC_SETUP_FT is asked
 * through TC_SETUP_BLOCK, as a clsact ingress block, because many drivers know TC
 * flower only. A device without ndo_setup_tc is asked through an indirect block.
 *
 * A device has one clsact ingress block. While this module holds it, the driver
 * answers EBUSY to tc and to nft's own offload. So the block is not taken where the
 * driver understood TC_SETUP_FT.
 */
#include <linux/module.h>
#include <net/pkt_cls.h>

#include "nfo_hw.h"

static bool nfo_hw_strict;
module_param_named(strict_offload, nfo_hw_strict, bool, 0644);
MODULE_PARM_DESC(strict_offload,
		 "refuse a flowtable with 'flags offload' when a device's driver refuses, as mainline does");

static void nfo_hw_offload_init(struct flow_block_offload *bo, struct nfo_dev *d,
				enum flow_block_command cmd,
				struct netlink_ext_ack *extack)
{
	memset(bo, 0, sizeof(*bo));
	bo->net = dev_net(d->dev);
	bo->block = &d->block;
	bo->command = cmd;
	bo->binder_type = FLOW_BLOCK_BINDER_TYPE_CLSACT_INGRESS;
	bo->unlocked_driver_cb = true;
	bo->extack = extack;
	bo->cb_list_head = &d->block.cb_list;
	INIT_LIST_HEAD(&bo->cb_list);
}

static struct nfo_dev *nfo_hw_find(struct nfo_table *t, const struct net_device *dev)
{
	struct nfo_dev *d;

	rcu_read_lock();
	d = nfo_dev_find(&t->devs, dev->ifindex);
	rcu_read_unlock();

	/* The device leaves the list with nfo_net::lock held, and with the commit mutex
	 * or, when the device itself ends, with RTNL: the caller has one of these.
	 */
	return d;
}

static void nfo_hw_set_bound(struct nfo_table *t, struct nfo_dev *d, enum nfo_dev_hw how)
{
	spin_lock_bh(&t->hw.lock);
	d->bound = how;
	spin_unlock_bh(&t->hw.lock);
}

/* A driver of an indirect block unloads: its callback is removed here. */
static void nfo_hw_indirect_cleanup(struct flow_block_cb *cb)
{
	struct nfo_table *t = cb->indr.data;
	struct net_device *dev = cb->indr.dev;
	struct nfo_dev *d;

	mutex_lock(&t->nn->lock);
	d = nfo_hw_find(t, dev);
	if (d)
		nfo_hw_pull(t, d);
	list_del(&cb->list);
	list_del(&cb->driver_list);
	flow_block_cb_free(cb);
	if (d)
		nfo_hw_set_bound(t, d, NFO_DEV_HW_NONE);
	mutex_unlock(&t->nn->lock);
}

static int nfo_hw_ask(struct nfo_table *t, struct nfo_dev *d, enum nfo_dev_hw how,
		      struct flow_block_offload *bo)
{
	const struct net_device_ops *ops = d->dev->netdev_ops;

	switch (how) {
	case NFO_DEV_HW_FT:
		return ops->ndo_setup_tc(d->dev, TC_SETUP_FT, bo);
	case NFO_DEV_HW_BLOCK:
		return ops->ndo_setup_tc(d->dev, TC_SETUP_BLOCK, bo);
	case NFO_DEV_HW_INDIRECT:
		return flow_indr_dev_setup_offload(d->dev, NULL, TC_SETUP_FT, t, bo,
						   nfo_hw_indirect_cleanup);
	default:
		return -EINVAL;
	}
}

static int nfo_hw_try(struct nfo_table *t, struct nfo_dev *d, enum nfo_dev_hw how)
{
	struct netlink_ext_ack extack = {};
	struct flow_block_offload bo;
	int err;

	nfo_hw_offload_init(&bo, d, FLOW_BLOCK_BIND, &extack);
	err = nfo_hw_ask(t, d, how, &bo);
	if (err < 0) {
		nfo_hw_dev_set_error(d, err, &extack);
		return err;
	}
	/* Some drivers (netdevsim) accept TC_SETUP_FT and register no callback. For
	 * strict_offload this counts as acceptance, as it does in mainline. The device
	 * has no hardware for flows all the same.
	 */
	if (list_empty(&bo.cb_list)) {
		nfo_hw_dev_set_error(d, -EOPNOTSUPP, &extack);
		return how == NFO_DEV_HW_FT ? 0 : -EOPNOTSUPP;
	}

	nfo_hw_dev_set_error(d, 0, NULL);
	list_splice(&bo.cb_list, &d->block.cb_list);
	nfo_hw_set_bound(t, d, how);

	return 0;
}

static int nfo_hw_try_all(struct nfo_table *t, struct nfo_dev *d)
{
	int err;

	if (!d->dev->netdev_ops->ndo_setup_tc)
		return nfo_hw_try(t, d, NFO_DEV_HW_INDIRECT);
	/* The administrator has switched hw-tc-offload off. This is no refusal by the
	 * driver, and mainline does not look at the switch, so strict_offload accepts it.
	 */
	if (!tc_can_offload(d->dev)) {
		nfo_hw_dev_set_error(d, -EOPNOTSUPP, NULL);
		return 0;
	}

	err = nfo_hw_try(t, d, NFO_DEV_HW_FT);
	if (err != -EOPNOTSUPP && err != -EINVAL)
		return err;
	return nfo_hw_try(t, d, NFO_DEV_HW_BLOCK);
}

/* Return: true for ports of one switch and for functions of one piece of hardware. One
 * firmware serves them, one request after another, and they share one table.
 */
static bool nfo_hw_same_chip(struct net_device *a, struct net_device *b)
{
	if (a->dev.parent && a->dev.parent == b->dev.parent)
		return true;
	/* netdev_port_same_parent_id() walks the lower devices, which needs RTNL. The caller
	 * may not hold RTNL, so a device with lower devices is not compared.
	 */
	return list_empty(&a->adj_list.lower) && list_empty(&b->adj_list.lower) &&
	       netdev_port_same_parent_id(a, b);
}

/* Caller holds nfo_net::lock. Return: 0 or -ENOMEM. */
static int nfo_hw_queue_get(struct nfo_table *t, struct nfo_dev *d)
{
	struct nfo_hw_queue *q = NULL;
	struct nfo_dev *other;

	if (d->queue)
		return 0;
	list_for_each_entry_rcu(other, &t->devs.list, list, lockdep_is_held(&t->nn->lock)) {
		if (!other->queue || !nfo_hw_same_chip(d->dev, other->dev))
			continue;
		q = other->queue;
		q->devs++;
		break;
	}
	if (!q)
		q = nfo_hw_queue_open(t);
	if (!q)
		return -ENOMEM;
	spin_lock_bh(&t->hw.lock);
	d->queue = q;
	spin_unlock_bh(&t->hw.lock);

	return 0;
}

/* Caller holds nfo_net::lock. No direction names the device any more, and none will,
 * because nfo_dev::leaving is set.
 */
static void nfo_hw_queue_put(struct nfo_table *t, struct nfo_dev *d)
{
	struct nfo_hw_queue *q = d->queue;

	spin_lock_bh(&t->hw.lock);
	d->queue = NULL;
	spin_unlock_bh(&t->hw.lock);
	if (q && !--q->devs)
		nfo_hw_queue_free(q);
}

/* Caller holds nfo_net::lock. No direction names the device: nfo_dev::users is 0. */
static int nfo_hw_bind(struct nfo_table *t, struct nfo_dev *d)
{
	int err;

	err = nfo_hw_queue_get(t, d);
	if (err) {
		nfo_hw_dev_set_error(d, err, NULL);
		return err;
	}
	spin_lock_bh(&t->hw.lock);
	nfo_hw_forget(d);
	d->budget = READ_ONCE(t->nn->settings.hw_budget);
	spin_unlock_bh(&t->hw.lock);

	err = nfo_hw_try_all(t, d);
	/* The hardware is still gone: nfo_hw_device_back() asks again. */
	d->driver_gone = err == -ENODEV;

	return err;
}

/* Caller holds nfo_net::lock. Flows go on in software. */
static void nfo_hw_unbind(struct nfo_table *t, struct nfo_dev *d)
{
	struct flow_block_cb *cb, *next;
	struct flow_block_offload bo;
	enum nfo_dev_hw bound;
	int err;

	nfo_hw_pull(t, d);
	bound = d->bound;
	nfo_hw_set_bound(t, d, NFO_DEV_HW_NONE);
	if (bound == NFO_DEV_HW_NONE)
		return;

	nfo_hw_offload_init(&bo, d, FLOW_BLOCK_UNBIND, NULL);
	err = nfo_hw_ask(t, d, bound, &bo);
	list_for_each_entry_safe(cb, next, &bo.cb_list, list) {
		list_del(&cb->list);
		flow_block_cb_free(cb);
	}
	/* A driver that does not let go still has the callback on a list of its own, so
	 * the memory belongs to the driver. The list head in @d is about to be freed.
	 */
	list_for_each_entry_safe(cb, next, &d->block.cb_list, list) {
		pr_warn_ratelimited("nf_flow_offload: the driver of %s does not let go of its callback: error %d\n",
				    netdev_name(d->dev), err);
		list_del_init(&cb->list);
	}
}

static int nfo_hw_join(struct nfo_table *t, struct net_device *dev)
{
	struct nfo_dev *d = nfo_dev_add(&t->devs, dev);
	int err;

	if (!d)
		return -ENOMEM;
	if (!(t->flags & NF_FLOWTABLE_HW_OFFLOAD))
		return 0;

	mutex_lock(&t->nn->lock);
	err = nfo_hw_bind(t, d);
	if (!nfo_hw_strict)
		err = 0;
	if (err) {
		nfo_hw_queue_put(t, d);
		nfo_dev_del(&t->devs, d);
	}
	mutex_unlock(&t->nn->lock);

	return err;
}

/* Ask the driver again for the other tables that list the device. A driver that serves
 * one table at a time refused the new table of a ruleset that was loaded anew in one
 * transaction, because the old table was still bound. Caller holds nfo_net::lock.
 */
static void nfo_hw_pass_on(struct nfo_net *nn, struct net_device *dev)
{
	struct nfo_table *t;
	struct nfo_dev *d;

	if (dev->reg_state != NETREG_REGISTERED)
		return;
	list_for_each_entry(t, &nn->tables, list) {
		d = nfo_hw_find(t, dev);
		if (d && t->flags & NF_FLOWTABLE_HW_OFFLOAD && !d->leaving &&
		    d->bound == NFO_DEV_HW_NONE)
			nfo_hw_bind(t, d);
	}
}

static void nfo_hw_leave(struct nfo_table *t, struct net_device *dev)
{
	bool bound;

	struct nfo_dev *d;

	mutex_lock(&t->nn->lock);
	d = nfo_hw_find(t, dev);
	if (d) {
		spin_lock_bh(&t->hw.lock);
		d->leaving = true;
		spin_unlock_bh(&t->hw.lock);
		nfo_table_flush(t, dev, NFO_R_DEV_GONE);
		bound = d->bound != NFO_DEV_HW_NONE;
		nfo_hw_unbind(t, d);
		nfo_hw_queue_put(t, d);
		nfo_dev_del(&t->devs, d);
		if (bound)
			nfo_hw_pass_on(t->nn, dev);
	}
	mutex_unlock(&t->nn->lock);
}

/**
 * nfo_hw_setup() - a device joins or leaves a flowtable
 * @t:   flowtable
 * @dev: device
 * @cmd: FLOW_BLOCK_BIND or FLOW_BLOCK_UNBIND
 *
 * Context: may sleep, nf_tables' commit mutex held, with or without RTNL. When a device
 * leaves, no rule of the device is left in hardware after the return.
 *
 * Return: 0; -ENOMEM; with strict_offload the driver's error.
 */
int nfo_hw_setup(struct nfo_table *t, struct net_device *dev,
		 enum flow_block_command cmd)
{
	if (cmd == FLOW_BLOCK_BIND)
		return nfo_hw_join(t, dev);
	nfo_hw_leave(t, dev);
	return 0;
}

/**
 * nfo_hw_feature_changed() - somebody switched hw-tc-offload
 * @t:   flowtable
 * @dev: device, listed in it or not
 *
 * Context: may sleep, RTNL and nfo_net::lock held.
 */
void nfo_hw_feature_changed(struct nfo_table *t, struct net_device *dev)
{
	struct nfo_dev *d = nfo_hw_find(t, dev);
	bool can = tc_can_offload(dev), bound;

	if (!d || !(t->flags & NF_FLOWTABLE_HW_OFFLOAD) || !dev->netdev_ops->ndo_setup_tc)
		return;
	bound = d->bound != NFO_DEV_HW_NONE;
	if (can == bound)
		return;

	if (can)
		nfo_hw_bind(t, d);
	else
		nfo_hw_unbind(t, d);
}

/**
 * nfo_hw_device_back() - a device came up: ask its driver again if it had said ENODEV
 * @t:   flowtable
 * @dev: device, listed in it or not
 *
 * Context: may sleep, RTNL and nfo_net::lock held.
 */
void nfo_hw_device_back(struct nfo_table *t, struct net_device *dev)
{
	struct nfo_dev *d = nfo_hw_find(t, dev);

	if (!d || !READ_ONCE(d->driver_gone))
		return;
	nfo_hw_unbind(t, d);
	nfo_hw_bind(t, d);
}

/* A driver said ENODEV: the device is unbound; the driver's answer stays for display. */
static void nfo_hw_gone_work(struct work_struct *work)
{
	struct nfo_hw *hw = container_of(work, struct nfo_hw, gone_work);
	struct nfo_table *t = container_of(hw, struct nfo_table, hw);
	struct nfo_dev *d;

	mutex_lock(&t->nn->lock);
	list_for_each_entry_rcu(d, &t->devs.list, list, lockdep_is_held(&t->nn->lock))
		if (READ_ONCE(d->driver_gone))
			nfo_hw_unbind(t, d);
	mutex_unlock(&t->nn->lock);
}

/**
 * nfo_hw_init() - a new table's hardware side
 * @t: flowtable
 */
void nfo_hw_init(struct nfo_table *t)
{
	struct nfo_hw *hw = &t->hw;

	spin_lock_init(&hw->lock);
	INIT_LIST_HEAD(&hw->queues);
	init_waitqueue_head(&hw->wait);
	INIT_WORK(&hw->gone_work, nfo_hw_gone_work);
}

/**
 * nfo_hw_exit() - undo nfo_hw_init(). Every flow is retired.
 * @t: flowtable
 *
 * Context: may sleep. nf_tables may free a flowtable without unbinding its devices;
 * these are unbound here.
 */
void nfo_hw_exit(struct nfo_table *t)
{
	struct nfo_dev *d;

	mutex_lock(&t->nn->lock);
	list_for_each_entry_rcu(d, &t->devs.list, list, lockdep_is_held(&t->nn->lock)) {
		nfo_hw_unbind(t, d);
		nfo_hw_queue_put(t, d);
	}
	mutex_unlock(&t->nn->lock);
	cancel_work_sync(&t->hw.gone_work);
	WARN_ON_ONCE(!list_empty(&t->hw.queues));
}

/**
 * nfo_hw_dev_reason() - why a device's flows are not in hardware
 * @t: flowtable
 * @d: device of it
 *
 * Context: rcu_read_lock(). Return: NFO_R_NONE when its flows can be in hardware.
 */
enum nfo_reason nfo_hw_dev_reason(const struct nfo_table *t, const struct nfo_dev *d)
{
	int err;

	if (!(t->flags & NF_FLOWTABLE_HW_OFFLOAD))
		return NFO_R_HW_OFF;
	if (d->bound == NFO_DEV_HW_NONE)
		return d->dev->netdev_ops->ndo_setup_tc && !tc_can_offload(d->dev) ?
		       NFO_R_HW_FEATURE : NFO_R_HW_DRIVER;
	err = READ_ONCE(d->err);
	if (err == -ENOSPC)
		return NFO_R_HW_FULL;
	if (err == -EOPNOTSUPP || err == -EINVAL)
		return NFO_R_HW_SHAPE;
	return err ? NFO_R_HW_BUSY : NFO_R_NONE;
}
