// SPDX-License-Identifier: GPL-2.0
/*
 * The devices listed in a flowtable: a list that packets read and rulesets change.
 */
#include <linux/slab.h>

#include "nfo_compat.h"
#include "nfo_dev.h"

/**
 * nfo_devs_init() - an empty list
 * @devs: list
 */
void nfo_devs_init(struct nfo_devs *devs)
{
	INIT_LIST_HEAD(&devs->list);
	spin_lock_init(&devs->lock);
}

/**
 * nfo_dev_find() - a device listed in the flowtable
 * @devs:    list
 * @ifindex: device
 *
 * Context: rcu_read_lock(). Return: it or NULL.
 */
struct nfo_dev *nfo_dev_find(const struct nfo_devs *devs, int ifindex)
{
	struct nfo_dev *d;

	list_for_each_entry_rcu(d, &devs->list, list)
		if (d->ifindex == ifindex)
			return d;
	return NULL;
}

/**
 * nfo_dev_add() - a device was listed in the flowtable
 * @devs: list
 * @dev:  device
 *
 * Context: may sleep. Return: its place, or NULL when memory ran out.
 */
struct nfo_dev *nfo_dev_add(struct nfo_devs *devs, struct net_device *dev)
{
	struct nfo_dev *d = kzalloc_obj(*d);

	if (!d)
		return NULL;

	d->ifindex = dev->ifindex;
	d->dev = dev;
	flow_block_init(&d->block);
	spin_lock(&devs->lock);
	list_add_tail_rcu(&d->list, &devs->list);
	spin_unlock(&devs->lock);

	return d;
}

/**
 * nfo_dev_del() - a device left the flowtable
 * @devs: list
 * @d:    its place; freed after an RCU grace period
 *
 * Context: may sleep, nfo_net::lock held, so that a holder of that lock may walk the list.
 */
void nfo_dev_del(struct nfo_devs *devs, struct nfo_dev *d)
{
	spin_lock(&devs->lock);
	list_del_rcu(&d->list);
	spin_unlock(&devs->lock);
	kfree_rcu(d, rcu);
}

/**
 * nfo_devs_exit() - undo nfo_devs_init() and what nfo_dev_add() added
 * @devs: list that no packet and no driver uses any more
 *
 * Context: may sleep.
 */
void nfo_devs_exit(struct nfo_devs *devs)
{
	struct nfo_dev *d, *next;

	list_for_each_entry_safe(d, next, &devs->list, list)
		nfo_dev_del(devs, d);
}
