// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: devices join and leave a flowtable.
 *
 * A device that leaves is unlisted after its driver has deleted all rules. nf_tables says when a
 * device joins. It does not always say when a device leaves: older kernels, as Debian's 5.10, say
 * nothing when a device is deleted from a flowtable that stays, and free a deleted flowtable after
 * the transaction, when its devices may be unregistered. So a device also leaves when it is
 * unregistered, when its table is freed, and when its hook is found gone after a commit.
 */
#include <linux/module.h>

#include "nfo_hw.h"
#include "nfo_unseen.h"

static bool nfo_hw_strict;
module_param_named(strict_offload, nfo_hw_strict, bool, 0644);
MODULE_PARM_DESC(strict_offload,
		 "refuse a flowtable with 'flags offload' when a device's driver refuses, as mainline does");

/* ---- a device leaves ---- */

/* A device has left a table: ask its driver for the other tables that list the device. When a
 * ruleset is loaded anew in one transaction, the new table asks while the old one is still bound,
 * and a driver that serves one table at a time refuses. Caller holds nfo_net::lock.
 */
static void nfo_hw_pass_on(struct nfo_net *nn, struct net_device *dev)
{
	struct nfo_table *t;
	struct nfo_dev *d;

	if (dev->reg_state != NETREG_REGISTERED)
		return;
	list_for_each_entry(t, &nn->tables, list) {
		d = nfo_hw_listed(t, dev);
		if (d && t->flags & NF_FLOWTABLE_HW_OFFLOAD && !d->leaving && !d->going &&
		    d->bound == NFO_DEV_HW_NONE)
			nfo_hw_bind(t, d);
	}
}

/* Take the rules of a device back before it is unlisted. The driver may need long to delete all
 * rules, and events of other devices wait for nfo_net::lock with RTNL held. So this lock, which the
 * caller holds, is released while the driver works.
 */
static void nfo_hw_empty(struct nfo_table *t, struct nfo_dev *d)
{
	d->going = true;
	if (!d->queue)
		return;
	nfo_hw_pull_begin(t, d);
	mutex_unlock(&t->nn->lock);
	nfo_hw_pull_wait(t, d);
	mutex_lock(&t->nn->lock);
}

/* Return: true while another caller unlists a device, whose memory may be freed already. Caller
 * holds nfo_net::lock.
 */
static bool nfo_hw_is_going(const struct nfo_table *t, const struct nfo_dev *going)
{
	const struct nfo_dev *d;

	list_for_each_entry_rcu(d, &t->devs.list, list, lockdep_is_held(&t->nn->lock))
		if (d == going)
			return d->going;
	return false;
}

/* Another caller unlists a device: wait until it has left the list. That caller does not wait for
 * RTNL for long, so this one may hold RTNL. Caller holds nfo_net::lock, which is released
 * meanwhile.
 */
static void nfo_hw_wait_gone(struct nfo_table *t, const struct nfo_dev *d)
{
	u32 changes;

	while (nfo_hw_is_going(t, d)) {
		changes = READ_ONCE(t->devs.changes);
		mutex_unlock(&t->nn->lock);
		wait_event(t->hw.wait, READ_ONCE(t->devs.changes) != changes);
		mutex_lock(&t->nn->lock);
	}
}

/* Unlist a device, or wait until another caller has unlisted it. @why: reason that is counted for
 * the device's flows. Caller holds nfo_net::lock, which may be released meanwhile.
 */
static void nfo_hw_unlist(struct nfo_table *t, struct nfo_dev *d, enum nfo_reason why)
{
	struct net_device *dev = d->dev;
	bool bound;

	if (d->going) {
		nfo_hw_wait_gone(t, d);
		return;
	}
	spin_lock_bh(&t->hw.lock);
	d->leaving = true;
	spin_unlock_bh(&t->hw.lock);
	/* The holder of RTNL unregisters, moves or renames the device: it is the caller, or it
	 * waits for a lock of the caller, or for the caller. So no worker waits for RTNL.
	 */
	d->lent = dev->reg_state == NETREG_UNREGISTERING || nfo_hw_in_event();
	bound = d->bound != NFO_DEV_HW_NONE;
	/* The devices of a flowtable that is deleted leave one by one, and each walk is through all
	 * flows of the namespace. So the first one ends all flows of the table. The flows of a
	 * device that is unregistered end without RTNL, see nfo_table_lost().
	 */
	if (bound || d->queue || dev->reg_state == NETREG_REGISTERED || why == NFO_R_TABLE_GONE)
		nfo_table_flush(t, why == NFO_R_TABLE_GONE ? NULL : dev, why);
	nfo_hw_empty(t, d);
	nfo_hw_release(t, d);
	nfo_dev_del(&t->devs, d);
	wake_up_all(&t->hw.wait);
	if (bound)
		nfo_hw_pass_on(t->nn, dev);
}

static void nfo_hw_leave(struct nfo_table *t, struct net_device *dev, enum nfo_reason why)
{
	struct nfo_dev *d;

	mutex_lock(&t->nn->lock);
	d = nfo_hw_listed(t, dev);
	if (d)
		nfo_hw_unlist(t, d, why);
	mutex_unlock(&t->nn->lock);
}

/**
 * nfo_hw_dev_gone() - a device is unregistered: no table lists it any more
 * @dev: device; nf_tables, whose notifier comes after ours, may say once more that it leaves
 *
 * Context: may sleep, RTNL held.
 */
void nfo_hw_dev_gone(struct net_device *dev)
{
	struct nfo_net *nn = nfo_net_tryget(dev_net(dev));
	struct nfo_table *t;
	struct nfo_dev *d;
	u32 id = 0;

	if (!nn)
		return;
	while ((t = nfo_table_next(nn, id))) {
		id = t->id;
		mutex_lock(&nn->lock);
		while ((d = nfo_hw_listed(t, dev)))
			nfo_hw_unlist(t, d, NFO_R_DEV_GONE);
		mutex_unlock(&nn->lock);
		nfo_table_put(t);
	}
	nfo_net_put(nn);
}

/**
 * nfo_hw_leave_all() - unlist all devices of a flowtable that is about to go
 * @t: flowtable whose hooks are unregistered; still in nfo_net::tables, so that a device that is
 *     unregistered meanwhile waits for this function
 *
 * Context: may sleep, nfo_net::lock not held.
 */
void nfo_hw_leave_all(struct nfo_table *t)
{
	struct nfo_dev *d;

	mutex_lock(&t->nn->lock);
	while ((d = list_first_or_null_rcu(&t->devs.list, struct nfo_dev, list)))
		nfo_hw_unlist(t, d, NFO_R_TABLE_GONE);
	mutex_unlock(&t->nn->lock);
}

/* ---- a device joins ---- */

/* Caller holds nfo_net::lock from before the device is listed: an event that finds a listed device
 * unbound binds it.
 */
static int nfo_hw_list(struct nfo_table *t, struct net_device *dev)
{
	struct nfo_dev *d = nfo_dev_add(&t->devs, dev);
	int err;

	if (!d)
		return -ENOMEM;
	/* The device's filters and shapers are noted by the time flows ask for the hardware. */
	nfo_net_use_dev(t->nn, d->ifindex);
	nfo_unseen_soon(t->nn);
	if (!(t->flags & NF_FLOWTABLE_HW_OFFLOAD))
		return 0;

	err = nfo_hw_bind(t, d);
	if (!err || !nfo_hw_strict)
		return 0;
	nfo_hw_release(t, d);
	nfo_dev_del(&t->devs, d);

	return err;
}

static int nfo_hw_join(struct nfo_table *t, struct net_device *dev)
{
	struct nfo_dev *d;
	int err;

	mutex_lock(&t->nn->lock);
	/* A device that joins while it is listed was deleted from the table before. If that was in
	 * the same transaction, its hook is still there, and nf_tables will say that it leaves.
	 */
	d = nfo_hw_listed(t, dev);
	if (d && !nfo_dev_has_hook(d, t->ft))
		nfo_hw_unlist(t, d, NFO_R_DEV_GONE);
	err = nfo_hw_list(t, dev);
	mutex_unlock(&t->nn->lock);

	return err;
}

/**
 * nfo_hw_setup() - a device joins or leaves a flowtable
 * @t:   flowtable
 * @dev: device, registered or being unregistered
 * @cmd: FLOW_BLOCK_BIND or FLOW_BLOCK_UNBIND
 * @why: reason that is counted for flows that end because the device leaves
 *
 * Context: may sleep, nf_tables' commit mutex held, with or without RTNL. When a device
 * leaves, no rule of the device is left in hardware after the return.
 *
 * Return: 0; -ENOMEM; with strict_offload the driver's error.
 */
int nfo_hw_setup(struct nfo_table *t, struct net_device *dev,
		 enum flow_block_command cmd, enum nfo_reason why)
{
	if (cmd == FLOW_BLOCK_BIND)
		return nfo_hw_join(t, dev);
	nfo_hw_leave(t, dev, why);
	return 0;
}

/* ---- a driver or a hook is gone ---- */

/* Unbind devices whose driver said ENODEV, whose answer stays for display. Unlist those that were
 * deleted from the flowtable.
 */
static void nfo_hw_gone_work(struct work_struct *work)
{
	struct nfo_hw *hw = container_of(work, struct nfo_hw, gone_work);
	struct nfo_table *t = container_of(hw, struct nfo_table, hw);
	struct nfo_dev *d;

	mutex_lock(&t->nn->lock);
	list_for_each_entry_rcu(d, &t->devs.list, list, lockdep_is_held(&t->nn->lock))
		if (READ_ONCE(d->driver_gone) && !d->going)
			nfo_hw_unbind(t, d);
	while ((d = nfo_hw_without_hook(t)))
		nfo_hw_unlist(t, d, NFO_R_DEV_GONE);
	mutex_unlock(&t->nn->lock);
}

/**
 * nfo_hw_init() - make the hardware side of a new table
 * @t: flowtable, which no device has joined yet
 *
 * Context: any.
 */
void nfo_hw_init(struct nfo_table *t)
{
	struct nfo_hw *hw = &t->hw;

	spin_lock_init(&hw->lock);
	INIT_LIST_HEAD(&hw->queues);
	init_waitqueue_head(&hw->wait);
	INIT_WORK(&hw->gone_work, nfo_hw_gone_work);
	INIT_DELAYED_WORK(&hw->drained_work, nfo_hw_drained_work);
}

/**
 * nfo_hw_exit() - undo nfo_hw_init()
 * @t: flowtable whose flows are all retired, and whose devices nfo_hw_leave_all() has unlisted
 *
 * Context: may sleep, nfo_net::lock not held.
 */
void nfo_hw_exit(struct nfo_table *t)
{
	cancel_work_sync(&t->hw.gone_work);
	cancel_delayed_work_sync(&t->hw.drained_work);
	WARN_ON_ONCE(!list_empty(&t->hw.queues));
}
