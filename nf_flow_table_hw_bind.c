// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: a device's driver is asked for its callbacks.
 *
 * A device whose driver has none is no error: its flows run in software, and the
 * driver's answer is kept for display. The driver is asked through TC_SETUP_FT, as
 * mainline's flowtable asks it. A driver that does not know TC_SETUP_FT is asked
 * through TC_SETUP_BLOCK, as a clsact ingress block, if the table of drivers says that
 * it forwards by such rules (docs/hardware.md); many other drivers accept rules that they
 * do not carry out. A device without ndo_setup_tc is asked through an indirect block.
 *
 * A device has one clsact ingress block. While this module holds it, the driver
 * answers EBUSY to tc and to nft's own offload. So the block is not taken where the
 * driver understood TC_SETUP_FT.
 */
#include <linux/delay.h>
#include <linux/ethtool.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <net/pkt_cls.h>

#include "nfo_hw.h"
#include "nfo_unseen.h"

static bool nfo_hw_try_block;
module_param_named(try_block, nfo_hw_try_block, bool, 0644);
MODULE_PARM_DESC(try_block,
		 "ask every driver for a TC block, for experiments only: some make a port deaf or forward wrongly");

/* Milliseconds for which a caller without RTNL waits for it. */
#define NFO_HW_RTNL_MS		200

/* ---- events within which a device joins or leaves ---- */

/*
 * From 6.16 on a flowtable lists devices by their names, or by how their names begin. nf_tables has
 * a device join or leave it when the device is registered or renamed, in its own notifier, with
 * RTNL held. nf_tables does not say so, and to wait for RTNL would be to wait for the caller. A
 * device also leaves when it is unregistered, or goes to another namespace, which the kernel tells
 * by the same event. So two notifiers of this module, before nf_tables' and after it, note which
 * task handles such an event.
 */

/* The task, which holds RTNL; NULL: none. Written with RTNL held. */
static const struct task_struct *nfo_hw_event_task;

/**
 * nfo_hw_in_event() - is the caller within an event by which a device joins or leaves?
 *
 * Context: any. Return: true when the caller is, and so holds RTNL.
 */
bool nfo_hw_in_event(void)
{
	return READ_ONCE(nfo_hw_event_task) == current && rtnl_is_locked();
}

static int nfo_hw_event_begins(struct notifier_block *nb, unsigned long event, void *ptr)
{
	bool moves = event == NETDEV_REGISTER || event == NETDEV_CHANGENAME ||
		     event == NETDEV_UNREGISTER;

	/* Without nfo_hw_event_over(), if another notifier refused the last event. */
	WRITE_ONCE(nfo_hw_event_task, moves ? current : NULL);

	return NOTIFY_DONE;
}

static int nfo_hw_event_over(struct notifier_block *nb, unsigned long event, void *ptr)
{
	WRITE_ONCE(nfo_hw_event_task, NULL);

	return NOTIFY_DONE;
}

static struct notifier_block nfo_hw_before_nb = {
	.notifier_call	= nfo_hw_event_begins,
	.priority	= 1,
};

static struct notifier_block nfo_hw_after_nb = {
	.notifier_call	= nfo_hw_event_over,
	.priority	= -1,
};

/**
 * nfo_hw_bind_module_init() - listen to devices that are registered, renamed or unregistered
 *
 * Return: 0 or a negative errno.
 */
int __init nfo_hw_bind_module_init(void)
{
	int err = register_netdevice_notifier(&nfo_hw_before_nb);

	if (err)
		return err;
	/* The registration tells of each device, so no event is left open by the first one. */
	err = register_netdevice_notifier(&nfo_hw_after_nb);
	if (err)
		unregister_netdevice_notifier(&nfo_hw_before_nb);

	return err;
}

/**
 * nfo_hw_bind_module_exit() - undo nfo_hw_bind_module_init(), when no flowtable is left
 */
void nfo_hw_bind_module_exit(void)
{
	unregister_netdevice_notifier(&nfo_hw_before_nb);
	unregister_netdevice_notifier(&nfo_hw_after_nb);
}

/* ---- a driver is asked ---- */

/* Return: the row of a device's driver, asked in the way @bind, or NULL. The driver's name is that
 * of the bus driver or, if no row has that name, the one that the driver tells ethtool.
 */
static const struct nfo_hw_driver *nfo_hw_driver_of(struct net_device *dev, enum nfo_dev_hw bind)
{
	const struct nfo_hw_driver *row = NULL;
	const struct device *parent = dev->dev.parent;
	struct ethtool_drvinfo info = {};

	if (parent && parent->driver)
		row = nfo_hw_driver_find(parent->driver->name, bind);
	if (row || !dev->ethtool_ops || !dev->ethtool_ops->get_drvinfo ||
	    !netif_device_present(dev))
		return row;
	dev->ethtool_ops->get_drvinfo(dev, &info);
	info.driver[sizeof(info.driver) - 1] = '\0';

	return nfo_hw_driver_find(info.driver, bind);
}

static void nfo_hw_offload_init(struct flow_block_offload *bo, struct nfo_dev *d,
				enum flow_block_command cmd,
				struct netlink_ext_ack *extack)
{
	memset(bo, 0, sizeof(*bo));
	bo->net = dev_net(d->dev);
	bo->block = &d->block;
	bo->command = cmd;
	bo->binder_type = FLOW_BLOCK_BINDER_TYPE_CLSACT_INGRESS;
	bo->extack = extack;
	bo->cb_list_head = &d->block.cb_list;
	INIT_LIST_HEAD(&bo->cb_list);
}

/* Drivers keep TC blocks in lists that RTNL protects. nf_tables calls with its commit mutex held
 * and mostly without RTNL, and RTNL must not be waited for under that mutex. So RTNL is tried for
 * NFO_HW_RTNL_MS; a holder that keeps it for longer is taken to wait for the caller, or to be the
 * caller. Return: true when RTNL was taken and is to be released.
 */
static bool nfo_hw_bind_rtnl(const struct nfo_dev *d, enum nfo_dev_hw how)
{
	unsigned int ms;

	if ((how != NFO_DEV_HW_BLOCK && !READ_ONCE(d->off)) || d->lent || nfo_hw_in_event())
		return false;
	for (ms = 0; ms < NFO_HW_RTNL_MS; ms++) {
		if (rtnl_trylock())
			return true;
		usleep_range(1000, 1500);
	}

	return false;
}

static int nfo_hw_ask_driver(struct nfo_dev *d, enum nfo_dev_hw how,
			     struct flow_block_offload *bo)
{
	const struct net_device_ops *ops = d->dev->netdev_ops;

	switch (how) {
	case NFO_DEV_HW_FT:
		return ops->ndo_setup_tc(d->dev, TC_SETUP_FT, bo);
	case NFO_DEV_HW_BLOCK:
		return ops->ndo_setup_tc(d->dev, TC_SETUP_BLOCK, bo);
	case NFO_DEV_HW_INDIRECT:
		/* When the block is unbound, the kernel finds it by the pointer @d alone. */
		return flow_indr_dev_setup_offload(d->dev, NULL, TC_SETUP_FT, d, bo,
						   nfo_hw_indirect_cleanup);
	default:
		return -EINVAL;
	}
}

static int nfo_hw_ask(struct nfo_dev *d, enum nfo_dev_hw how, struct flow_block_offload *bo)
{
	bool rtnl = nfo_hw_bind_rtnl(d, how);
	int err;

	nfo_hw_feature_show(d, true);
	err = nfo_hw_ask_driver(d, how, bo);
	nfo_hw_feature_show(d, false);
	if (rtnl)
		rtnl_unlock();

	return err;
}

/* Note for display why a driver is not asked for a block. */
static void nfo_hw_decline(struct nfo_dev *d, int err)
{
	const struct nfo_hw_driver *row = nfo_hw_driver_of(d->dev, NFO_DEV_HW_NONE);
	struct netlink_ext_ack extack = {};

	/* A driver that takes rules may take none for this chip, or, with DSA, for this switch. */
	if (!row)
		row = nfo_hw_driver_of(d->dev, NFO_DEV_HW_FT);
	if (!row)
		extack._msg = "its driver is not known to forward routed packets";
	else
		extack._msg = row->why ?: "its driver takes no rules for this device";
	d->declined = true;
	nfo_hw_dev_set_error(d, err, &extack);
}

/* Return: how a driver that gave its callbacks takes rules. For a device above a port, such as a
 * VLAN's, which has no row, only mlx5 answers (en/rep/tc.c), as it does for its representors.
 */
static const struct nfo_hw_driver *nfo_hw_row_of(struct net_device *dev, enum nfo_dev_hw how)
{
	const struct nfo_hw_driver *row;

	row = nfo_hw_driver_of(dev, how == NFO_DEV_HW_BLOCK ? how : NFO_DEV_HW_FT);
	if (!row && how == NFO_DEV_HW_INDIRECT)
		row = nfo_hw_driver_find("mlx5e_rep", NFO_DEV_HW_FT);
	if (row)
		return row;

	return how == NFO_DEV_HW_FT ? &nfo_hw_driver_ft : &nfo_hw_driver_tc;
}

/* A driver gave its callbacks for a device. Caller holds nfo_net::lock. */
static void nfo_hw_bound(struct nfo_table *t, struct nfo_dev *d, enum nfo_dev_hw how,
			 const struct flow_block_offload *bo)
{
	nfo_hw_dev_set_error(d, 0, NULL);
	d->driver = nfo_hw_row_of(d->dev, how);
	/* Drivers behind TC_SETUP_FT are called without RTNL by mainline's flowtable too. */
	d->locked = how == NFO_DEV_HW_BLOCK && !bo->unlocked_driver_cb;
	d->counts = false;
	nfo_hw_set_bound(t, d, how);
}

static int nfo_hw_try(struct nfo_table *t, struct nfo_dev *d, enum nfo_dev_hw how)
{
	struct netlink_ext_ack extack = {};
	struct flow_block_offload bo;
	int err;

	nfo_hw_offload_init(&bo, d, FLOW_BLOCK_BIND, &extack);
	err = nfo_hw_ask(d, how, &bo);
	d->indirect = how == NFO_DEV_HW_INDIRECT;
	if (err < 0) {
		nfo_hw_dev_set_error(d, err, &extack);
		return err;
	}
	/* Some drivers (netdevsim) accept TC_SETUP_FT and register no callback, so the device has
	 * no hardware for flows. With strict_offload this is no refusal, as in mainline.
	 */
	if (list_empty(&bo.cb_list)) {
		nfo_hw_dev_set_error(d, -EOPNOTSUPP, &extack);
		return how == NFO_DEV_HW_FT ? 0 : -EOPNOTSUPP;
	}

	list_splice(&bo.cb_list, &d->block.cb_list);
	nfo_hw_bound(t, d, how, &bo);

	return 0;
}

/* Return: true for a device below that has hw-tc-offload, switched off. */
static int nfo_hw_lower_off(struct net_device *lower, struct netdev_nested_priv *priv)
{
	return lower->hw_features & NETIF_F_HW_TC && !tc_can_offload(lower);
}

/* Return: true when hw-tc-offload is on for a device and for the devices below it, because DSA
 * hands the rules of a port to the device below.
 */
static bool nfo_hw_feature_on(struct net_device *dev)
{
	struct netdev_nested_priv priv = {};
	bool on;

	if (!tc_can_offload(dev))
		return false;
	rcu_read_lock();
	on = !netdev_walk_all_lower_dev_rcu(dev, nfo_hw_lower_off, &priv);
	rcu_read_unlock();

	return on;
}

/* Return: true when hw-tc-offload is off and cannot be switched on: the driver offers none for this
 * chip.
 */
static bool nfo_hw_feature_absent(const struct net_device *dev)
{
	return !((dev->features | dev->hw_features) & NETIF_F_HW_TC);
}

/* Ask the driver in one way after the other. Caller holds nfo_net::lock. Return: 0, or the last
 * answer, which is kept for display.
 */
static int nfo_hw_try_all(struct nfo_table *t, struct nfo_dev *d)
{
	int err;

	d->declined = false;

	if (!d->dev->netdev_ops->ndo_setup_tc)
		return nfo_hw_try(t, d, NFO_DEV_HW_INDIRECT);
	if (nfo_hw_feature_absent(d->dev)) {
		nfo_hw_decline(d, -EOPNOTSUPP);
		return -EOPNOTSUPP;
	}
	/* The administrator has switched hw-tc-offload off. This is no refusal by the
	 * driver, and mainline does not look at the switch, so strict_offload accepts it.
	 */
	if (!nfo_hw_feature_on(d->dev)) {
		nfo_hw_dev_set_error(d, -EOPNOTSUPP, NULL);
		return 0;
	}

	err = nfo_hw_try(t, d, NFO_DEV_HW_FT);
	if (err != -EOPNOTSUPP && err != -EINVAL)
		return err;
	if (nfo_hw_try_block || nfo_hw_driver_of(d->dev, NFO_DEV_HW_BLOCK))
		return nfo_hw_try(t, d, NFO_DEV_HW_BLOCK);
	nfo_hw_decline(d, err);

	return err;
}

/* Return: true for ports of one switch and for functions of one piece of hardware. One firmware
 * serves all of them, one request after another, and they share one table.
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

/* Give a device the queue of its chip. Caller holds nfo_net::lock. Return: 0 or -ENOMEM. */
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

/* Undo nfo_hw_queue_get(). Caller holds nfo_net::lock. No direction of a flow names the device, and
 * none will, because nfo_dev::bound is NFO_DEV_HW_NONE.
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

/**
 * nfo_hw_bind() - ask the driver of a device for its callbacks
 * @t: flowtable
 * @d: device that is listed in @t and that no direction of a flow names: nfo_dev::users is 0
 *
 * Context: may sleep, nfo_net::lock held. Return: 0, -ENOMEM, or the driver's answer.
 */
int nfo_hw_bind(struct nfo_table *t, struct nfo_dev *d)
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
	/* With ENODEV the hardware is still gone, and nfo_hw_device_back() asks again. */
	d->driver_gone = err == -ENODEV;

	return err;
}

/* Return: true when something is to be undone. The kernel keeps a device in its list of indirect
 * blocks even when no driver gave a callback.
 */
static bool nfo_hw_to_unbind(const struct nfo_dev *d)
{
	return d->bound != NFO_DEV_HW_NONE || d->indirect;
}

static void nfo_hw_set_drains(struct nfo_table *t, struct nfo_dev *d, bool drains)
{
	spin_lock_bh(&t->hw.lock);
	d->drains = drains;
	spin_unlock_bh(&t->hw.lock);
}

/* A driver that does not let go still has the callback on a list of its own, so the callback's
 * memory is left to the driver. The list in @d must be empty before @d is freed. @err: what the
 * driver, asked in the way @how, answered. Caller holds nfo_net::lock.
 */
static void nfo_hw_leave_behind(struct nfo_dev *d, enum nfo_dev_hw how, int err)
{
	struct flow_block_cb *cb, *next;

	list_for_each_entry_safe(cb, next, &d->block.cb_list, list) {
		list_del_init(&cb->list);
		if (how == NFO_DEV_HW_INDIRECT)
			nfo_hw_indirect_disown(cb);
		else
			pr_warn_ratelimited("nf_flow_offload: the driver of %s does not let go of its callback: error %d\n",
					    netdev_name(d->dev), err);
	}
}

/* Give the callbacks of a device back to its driver, which has no rule of the device any more.
 * Caller holds nfo_net::lock.
 */
static void nfo_hw_let_go(struct nfo_table *t, struct nfo_dev *d)
{
	struct flow_block_cb *cb, *next;
	struct flow_block_offload bo;
	enum nfo_dev_hw bound;
	int err;

	if (!nfo_hw_to_unbind(d))
		return;
	bound = d->indirect ? NFO_DEV_HW_INDIRECT : d->bound;
	nfo_hw_set_bound(t, d, NFO_DEV_HW_NONE);
	d->indirect = false;

	nfo_hw_offload_init(&bo, d, FLOW_BLOCK_UNBIND, NULL);
	err = nfo_hw_ask(d, bound, &bo);
	nfo_hw_set_drains(t, d, false);
	WRITE_ONCE(d->off, false);
	list_for_each_entry_safe(cb, next, &bo.cb_list, list) {
		list_del(&cb->list);
		flow_block_cb_free(cb);
	}
	nfo_hw_leave_behind(d, bound, err);
}

/**
 * nfo_hw_unbind() - unbind a device, whose flows go on in software
 * @t: flowtable
 * @d: device that is listed in @t
 *
 * Context: may sleep, nfo_net::lock held.
 */
void nfo_hw_unbind(struct nfo_table *t, struct nfo_dev *d)
{
	nfo_hw_pull(t, d);
	nfo_hw_let_go(t, d);
}

/**
 * nfo_hw_release() - unbind a device that is about to be unlisted
 * @t: flowtable
 * @d: device that is listed in @t and has no rule; it is not bound again
 *
 * Context: may sleep, nfo_net::lock held.
 */
void nfo_hw_release(struct nfo_table *t, struct nfo_dev *d)
{
	nfo_hw_let_go(t, d);
	nfo_hw_queue_put(t, d);
}

/* Unbind a device of which no flow is in hardware any more. If hw-tc-offload was switched on again
 * meanwhile, bind it anew. Caller holds RTNL and nfo_net::lock.
 */
static void nfo_hw_drained(struct nfo_table *t, struct nfo_dev *d)
{
	d->lent = true;
	nfo_hw_let_go(t, d);
	if (nfo_hw_feature_on(d->dev))
		nfo_hw_bind(t, d);
	d->lent = false;
}

static bool nfo_hw_is_drained(struct nfo_table *t, const struct nfo_dev *d)
{
	bool drained;

	spin_lock_bh(&t->hw.lock);
	drained = d->drains && !d->users;
	spin_unlock_bh(&t->hw.lock);

	return drained;
}

/**
 * nfo_hw_drained_work() - unbind devices whose hw-tc-offload was switched off and that have no rule
 * @work: nfo_hw::drained_work
 *
 * It does not wait for RTNL: the holder of RTNL may wait for nf_tables' commit mutex, and the
 * holder of that mutex for this work item, in nfo_hw_exit(). Context: may sleep.
 */
void nfo_hw_drained_work(struct work_struct *work)
{
	struct nfo_hw *hw = container_of(to_delayed_work(work), struct nfo_hw, drained_work);
	struct nfo_table *t = container_of(hw, struct nfo_table, hw);
	struct nfo_dev *d;

	if (!rtnl_trylock()) {
		queue_delayed_work(nfo_hw_wq, &hw->drained_work, 1);
		return;
	}
	mutex_lock(&t->nn->lock);
	list_for_each_entry_rcu(d, &t->devs.list, list, lockdep_is_held(&t->nn->lock))
		if (!d->going && nfo_hw_is_drained(t, d))
			nfo_hw_drained(t, d);
	mutex_unlock(&t->nn->lock);
	rtnl_unlock();
}

/* hw-tc-offload of a device, or of one below it, was switched off. The caller holds RTNL, and the
 * driver may need long to delete all rules. So the worker deletes them afterwards and takes RTNL
 * for one call at a time. A device without rules is unbound at once.
 */
static void nfo_hw_unbind_off(struct nfo_table *t, struct nfo_dev *d)
{
	WRITE_ONCE(d->off, true);
	if (d->going)
		return;
	nfo_hw_set_drains(t, d, true);
	nfo_hw_pull_start(t, d);
	if (nfo_hw_is_drained(t, d))
		nfo_hw_drained(t, d);
}

static void nfo_hw_feature_of(struct nfo_table *t, struct nfo_dev *d)
{
	bool can = nfo_hw_feature_on(d->dev), bound = d->bound != NFO_DEV_HW_NONE;

	if (!d->dev->netdev_ops->ndo_setup_tc)
		return;
	/* If the device was switched off and on before all rules were gone, it is still bound;
	 * nfo_hw_drained() binds it anew.
	 */
	if (can)
		WRITE_ONCE(d->off, false);
	if (can == bound)
		return;
	if (!can) {
		nfo_hw_unbind_off(t, d);
		return;
	}
	if (d->going)
		return;
	d->lent = true;
	nfo_hw_bind(t, d);
	d->lent = false;
}

/* Return: true when @dev is the listed device, or one below it. Caller holds RTNL. */
static bool nfo_hw_rests_on(const struct nfo_dev *d, struct net_device *dev)
{
	return d->dev == dev || netdev_has_upper_dev(dev, d->dev);
}

/* A device changed. Perhaps it was switched, as to switchdev mode, and its driver, or that of a
 * device with rules that forward to it, takes now what it refused before. Caller holds RTNL and
 * nfo_net::lock.
 */
static void nfo_hw_switched(struct nfo_table *t, struct net_device *dev)
{
	struct nfo_dev *d;

	list_for_each_entry_rcu(d, &t->devs.list, list, lockdep_is_held(&t->nn->lock)) {
		spin_lock_bh(&t->hw.lock);
		nfo_hw_forget_refusals(d, nfo_hw_rests_on(d, dev) ? 0 : dev->ifindex);
		spin_unlock_bh(&t->hw.lock);
	}
}

/**
 * nfo_hw_feature_changed() - the features of a device changed, perhaps hw-tc-offload
 * @t:   flowtable
 * @dev: device that is listed in @t, or below a listed one, or neither
 *
 * Context: may sleep, RTNL and nfo_net::lock held.
 */
void nfo_hw_feature_changed(struct nfo_table *t, struct net_device *dev)
{
	struct nfo_dev *d;

	if (!(t->flags & NF_FLOWTABLE_HW_OFFLOAD))
		return;
	nfo_hw_switched(t, dev);
	list_for_each_entry_rcu(d, &t->devs.list, list, lockdep_is_held(&t->nn->lock))
		if (nfo_hw_rests_on(d, dev))
			nfo_hw_feature_of(t, d);
}

/* When a driver of indirect blocks is loaded, the kernel has it put callbacks into the blocks of
 * devices in its list, and tells nobody. Look for such callbacks. Caller holds nfo_net::lock.
 */
static void nfo_hw_late_driver(struct nfo_table *t)
{
	const struct flow_block_offload bo = {};
	struct nfo_dev *d;

	list_for_each_entry_rcu(d, &t->devs.list, list, lockdep_is_held(&t->nn->lock)) {
		if (!d->indirect || d->bound != NFO_DEV_HW_NONE || d->going ||
		    list_empty(&d->block.cb_list))
			continue;
		spin_lock_bh(&t->hw.lock);
		nfo_hw_forget(d);
		spin_unlock_bh(&t->hw.lock);
		nfo_hw_bound(t, d, NFO_DEV_HW_INDIRECT, &bo);
	}
}

/* Return: true when a driver was asked for the device itself and refused. */
static bool nfo_hw_was_refused(const struct nfo_dev *d)
{
	return d->bound == NFO_DEV_HW_NONE && d->dev->netdev_ops->ndo_setup_tc && !d->declined &&
	       nfo_hw_feature_on(d->dev);
}

/**
 * nfo_hw_device_back() - a device came up or changed: ask its driver again for what it refused
 * @t:   flowtable
 * @dev: device, listed in @t or not
 *
 * Context: may sleep, RTNL and nfo_net::lock held.
 */
void nfo_hw_device_back(struct nfo_table *t, struct net_device *dev)
{
	struct nfo_dev *d = nfo_hw_listed(t, dev);

	if (!(t->flags & NF_FLOWTABLE_HW_OFFLOAD))
		return;
	nfo_hw_switched(t, dev);
	nfo_hw_late_driver(t);
	if (!d || d->going || (!READ_ONCE(d->driver_gone) && !nfo_hw_was_refused(d)))
		return;
	d->lent = true;
	nfo_hw_unbind(t, d);
	nfo_hw_bind(t, d);
	d->lent = false;
}

static enum nfo_reason nfo_hw_unbound_reason(const struct nfo_dev *d)
{
	if (d->dev->netdev_ops->ndo_setup_tc && !nfo_hw_feature_absent(d->dev) &&
	    !nfo_hw_feature_on(d->dev))
		return NFO_R_HW_FEATURE;
	return d->declined ? NFO_R_HW_DECLINED : NFO_R_HW_DRIVER;
}

/**
 * nfo_hw_dev_reason() - why flows of a device are not in hardware
 * @t: flowtable
 * @d: device that is listed in @t
 *
 * Context: rcu_read_lock(). Return: the reason; NFO_R_NONE when flows can be in hardware.
 */
enum nfo_reason nfo_hw_dev_reason(const struct nfo_table *t, const struct nfo_dev *d)
{
	enum nfo_reason why;
	int err;

	if (!(t->flags & NF_FLOWTABLE_HW_OFFLOAD))
		return NFO_R_HW_OFF;
	if (d->bound == NFO_DEV_HW_NONE)
		return nfo_hw_unbound_reason(d);
	if (READ_ONCE(d->off))
		return NFO_R_HW_FEATURE;
	why = nfo_unseen_dev_reason(t->nn, d);
	if (why)
		return why;
	/* The driver's last error is then about a deletion, and says nothing about new rules. */
	if (READ_ONCE(d->del_failed))
		return NFO_R_HW_BUSY;
	err = READ_ONCE(d->err);
	if (nfo_hw_means_full(d, err))
		return NFO_R_HW_FULL;
	if (err == -EOPNOTSUPP || err == -EINVAL)
		return NFO_R_HW_SHAPE;
	return err ? NFO_R_HW_BUSY : NFO_R_NONE;
}
