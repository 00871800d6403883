// SPDX-License-Identifier: GPL-2.0
/*
 * The devices listed in a flowtable: a list that packets read and nf_tables changes.
 */
#include <linux/netfilter.h>
#include <linux/slab.h>

#include "nfo_compat.h"
#include "nfo_dev.h"

/**
 * nfo_devs_init() - make an empty list
 * @devs: list
 *
 * Context: any.
 */
void nfo_devs_init(struct nfo_devs *devs)
{
	INIT_LIST_HEAD(&devs->list);
	xa_init(&devs->by_index);
	devs->changes = 0;
}

/**
 * nfo_dev_find() - find a device in the list of a flowtable
 * @devs:    list
 * @ifindex: index of the device
 *
 * A flowtable may list thousands of devices ("ppp*"), and each flow asks several times a second.
 * Context: rcu_read_lock(). Return: the device, valid in the caller's RCU section, or NULL.
 */
struct nfo_dev *nfo_dev_find(const struct nfo_devs *devs, int ifindex)
{
	return xa_load((struct xarray *)&devs->by_index, ifindex);
}

/**
 * nfo_dev_add() - list a device
 * @devs: list of a flowtable
 * @dev:  device
 *
 * Context: may sleep, nfo_net::lock held. Return: the listed device, or NULL when memory ran out.
 */
struct nfo_dev *nfo_dev_add(struct nfo_devs *devs, struct net_device *dev)
{
	struct nfo_dev *d = kzalloc_obj(*d, GFP_KERNEL_ACCOUNT);

	if (!d)
		return NULL;

	d->ifindex = dev->ifindex;
	d->dev = dev;
	d->driver = &nfo_hw_driver_ft;
	flow_block_init(&d->block);
	spin_lock_init(&d->answer_lock);
	if (!xa_load(&devs->by_index, d->ifindex) &&
	    xa_err(xa_store(&devs->by_index, d->ifindex, d, GFP_KERNEL_ACCOUNT))) {
		kfree(d);
		return NULL;
	}
	list_add_tail_rcu(&d->list, &devs->list);
	WRITE_ONCE(devs->changes, devs->changes + 1);

	return d;
}

/**
 * nfo_dev_has_hook() - is a flowtable's ingress hook registered on a device?
 * @d:  device
 * @ft: nf_tables' side of the flowtable that lists @d; only compared
 *
 * Context: any; @d is listed, so its device is not freed. Return: true when it is.
 */
bool nfo_dev_has_hook(const struct nfo_dev *d, const struct nf_flowtable *ft)
{
	const struct nf_hook_entries *e;
	bool has = false;
	int i;

	rcu_read_lock();
	e = rcu_dereference(d->dev->nf_hooks_ingress);
	for (i = 0; e && i < e->num_hook_entries && !has; i++)
		has = e->hooks[i].priv == ft;
	rcu_read_unlock();

	return has;
}

/**
 * nfo_dev_set_answer() - keep what a driver said last
 * @d:     device
 * @err:   0 or negative errno
 * @words: the driver's message, or NULL
 *
 * The worker of the device's queue and a caller that binds the device may write at the same
 * time. Under the lock, an error and its message are replaced together. Context: any.
 */
void nfo_dev_set_answer(struct nfo_dev *d, int err, const char *words)
{
	spin_lock_bh(&d->answer_lock);
	WRITE_ONCE(d->err, err);
	strscpy(d->message, words ?: "", sizeof(d->message));
	spin_unlock_bh(&d->answer_lock);
}

/**
 * nfo_dev_answer() - what a driver said last
 * @d:     device
 * @words: filled with the driver's message
 *
 * Context: any. Return: the error that the message belongs to, 0 or negative.
 */
int nfo_dev_answer(struct nfo_dev *d, char words[NFO_DEV_WORDS])
{
	int err;

	spin_lock_bh(&d->answer_lock);
	err = d->err;
	strscpy(words, d->message, NFO_DEV_WORDS);
	spin_unlock_bh(&d->answer_lock);

	return err;
}

/* Return: the first device of the list that has the index. Caller holds nfo_net::lock. */
static struct nfo_dev *nfo_dev_first(const struct nfo_devs *devs, int ifindex)
{
	struct nfo_dev *d;

	list_for_each_entry(d, &devs->list, list)
		if (d->ifindex == ifindex)
			return d;
	return NULL;
}

/**
 * nfo_dev_del() - unlist a device
 * @devs: list of a flowtable
 * @d:    the listed device; freed after an RCU grace period
 *
 * Context: may sleep, nfo_net::lock held, so that a holder of that lock may walk the list.
 */
void nfo_dev_del(struct nfo_devs *devs, struct nfo_dev *d)
{
	list_del_rcu(&d->list);
	/* The index has an entry already, so no memory is needed. */
	if (xa_load(&devs->by_index, d->ifindex) == d)
		xa_store(&devs->by_index, d->ifindex, nfo_dev_first(devs, d->ifindex), GFP_KERNEL);
	WRITE_ONCE(devs->changes, devs->changes + 1);
	kfree_rcu(d, rcu);
}
