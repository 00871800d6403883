// SPDX-License-Identifier: GPL-2.0
/*
 * The world changes: devices, neighbours and routes. Each event advances the
 * topology epoch of its namespace; flows whose device went away end at once.
 */
#include <net/fib_notifier.h>
#include <net/neighbour.h>
#include <net/netevent.h>

#include "nfo_event.h"
#include "nfo_hw.h"
#include "nfo_neigh.h"

/* Flows in hardware have no packets that would notice the new epoch. */
static void nfo_event_advance(struct nfo_net *nn)
{
	nfo_epoch_advance(nn);
	if (atomic_read(&nn->in_hw))
		nfo_hw_kick(nn);
}

/* Context: any. */
static void nfo_event_changed(const struct net *net)
{
	struct nfo_net *nn;

	rcu_read_lock();
	nn = nfo_net_get_rcu(net);
	if (nn)
		nfo_event_advance(nn);
	rcu_read_unlock();
}

/* Tell the tables' hardware side of a device. */
static void nfo_event_hw(struct net_device *dev,
			 void (*tell)(struct nfo_table *t, struct net_device *dev))
{
	struct nfo_net *nn = nfo_net_tryget(dev_net(dev));
	struct nfo_table *t;

	if (!nn)
		return;

	mutex_lock(&nn->lock);
	list_for_each_entry(t, &nn->tables, list)
		tell(t, dev);
	mutex_unlock(&nn->lock);
	nfo_net_put(nn);
}

static void nfo_event_flush_dev(const struct net_device *dev)
{
	struct nfo_net *nn = nfo_net_tryget(dev_net(dev));
	struct nfo_table *t;

	if (!nn)
		return;

	nfo_event_advance(nn);
	mutex_lock(&nn->lock);
	list_for_each_entry(t, &nn->tables, list)
		nfo_table_flush(t, dev, NFO_R_DEV_GONE);
	mutex_unlock(&nn->lock);
	nfo_net_put(nn);
}

/* Sleeps, RTNL held. */
static int nfo_event_netdev(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);

	switch (event) {
	case NETDEV_GOING_DOWN:
	case NETDEV_DOWN:
	case NETDEV_UNREGISTER:
		nfo_event_flush_dev(dev);
		break;
	case NETDEV_FEAT_CHANGE:
		/* ethtool -K DEV hw-tc-offload on|off */
		nfo_event_hw(dev, nfo_hw_feature_changed);
		break;
	case NETDEV_UP:
	case NETDEV_CHANGE:
		nfo_event_hw(dev, nfo_hw_device_back);
		fallthrough;
	case NETDEV_CHANGEADDR:
	case NETDEV_CHANGEMTU:
	case NETDEV_CHANGEUPPER:
		nfo_event_changed(dev_net(dev));
		break;
	}

	return NOTIFY_DONE;
}

/* Atomic context. */
static int nfo_event_neigh(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct neighbour *n = ptr;

	if (event == NETEVENT_NEIGH_UPDATE && nfo_neigh_changed(n))
		nfo_event_changed(dev_net(n->dev));

	return NOTIFY_DONE;
}

/* Atomic context. Multicast routes are not ours. */
static int nfo_event_fib(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct nfo_net *nn = container_of(nb, struct nfo_net, fib);
	const struct fib_notifier_info *info = ptr;

	if (info->family == AF_INET || info->family == AF_INET6)
		nfo_event_advance(nn);

	return NOTIFY_DONE;
}

static struct notifier_block nfo_netdev_nb = {
	.notifier_call	= nfo_event_netdev,
	/* Before nf_tables takes the hooks away and frees their devices. */
	.priority	= 1,
};

static struct notifier_block nfo_neigh_nb = {
	.notifier_call	= nfo_event_neigh,
};

/**
 * nfo_event_net_init() - listen to a namespace's routes
 * @nn: namespace
 *
 * Context: may sleep. Return: 0 or a negative errno.
 */
int nfo_event_net_init(struct nfo_net *nn)
{
	nn->fib.notifier_call = nfo_event_fib;
	return register_fib_notifier(nn->net, &nn->fib, NULL, NULL);
}

/**
 * nfo_event_net_exit() - undo nfo_event_net_init()
 * @nn: namespace
 *
 * Context: may sleep.
 */
void nfo_event_net_exit(struct nfo_net *nn)
{
	unregister_fib_notifier(nn->net, &nn->fib);
}

/**
 * nfo_event_init() - listen to devices and neighbours of all namespaces
 *
 * Return: 0 or a negative errno.
 */
int __init nfo_event_init(void)
{
	int err;

	err = register_netdevice_notifier(&nfo_netdev_nb);
	if (err)
		return err;
	err = register_netevent_notifier(&nfo_neigh_nb);
	if (err)
		unregister_netdevice_notifier(&nfo_netdev_nb);

	return err;
}

/**
 * nfo_event_exit() - undo nfo_event_init()
 */
void nfo_event_exit(void)
{
	unregister_netevent_notifier(&nfo_neigh_nb);
	unregister_netdevice_notifier(&nfo_netdev_nb);
}
