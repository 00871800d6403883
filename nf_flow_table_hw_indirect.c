// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: callbacks of indirect blocks, whose driver may be unloaded while a flowtable lets go of
 * them.
 */
#include <linux/module.h>
#include <net/flow_offload.h>

#include "nfo_hw.h"

/* flow_block_cb::indr.data of callbacks of indirect blocks: the device while its nfo_dev::block has
 * the callback, NULL afterwards. It becomes NULL with nfo_net::lock held too.
 */
static DEFINE_SPINLOCK(nfo_hw_indirect_lock);

/**
 * nfo_hw_indirect_disown() - a device lets go of a callback that its driver did not take back
 * @cb: callback, not in nfo_dev::block any more
 *
 * The driver is being unloaded, and nfo_hw_indirect_cleanup() is still to be called. Until then the
 * module stays. Context: may sleep, nfo_net::lock held.
 */
void nfo_hw_indirect_disown(struct flow_block_cb *cb)
{
	__module_get(THIS_MODULE);
	spin_lock(&nfo_hw_indirect_lock);
	cb->indr.data = NULL;
	spin_unlock(&nfo_hw_indirect_lock);
}

/* Return: the namespace of the device that has a callback, for nfo_net_put(); NULL when the device
 * has let go of the callback, and may be freed.
 */
static struct nfo_net *nfo_hw_indirect_net(const struct flow_block_cb *cb)
{
	struct nfo_net *nn = NULL;
	struct nfo_dev *d;

	spin_lock(&nfo_hw_indirect_lock);
	d = cb->indr.data;
	if (d) {
		nn = d->queue->t->nn;
		refcount_inc(&nn->refs);
	}
	spin_unlock(&nfo_hw_indirect_lock);

	return nn;
}

/* Take the flows of the device that has a callback back into software. Caller holds nfo_net::lock.
 * Return: false when the device has let go of the callback.
 */
static bool nfo_hw_indirect_pull(struct flow_block_cb *cb)
{
	struct nfo_dev *d = cb->indr.data;

	if (!d)
		return false;
	nfo_hw_pull(d->queue->t, d);
	nfo_hw_set_bound(d->queue->t, d, NFO_DEV_HW_NONE);

	return true;
}

static void nfo_hw_indirect_free(struct flow_block_cb *cb)
{
	list_del(&cb->list);
	list_del(&cb->driver_list);
	flow_block_cb_free(cb);
}

/**
 * nfo_hw_indirect_cleanup() - the driver of an indirect block is unloaded: free its callback
 * @cb: callback that a driver gave for a device
 *
 * The device stays in the kernel's list of indirect blocks, so that a driver that is loaded later
 * finds it. The kernel has taken the driver out of its lists and holds no lock, so the device may
 * be unbound, unlisted and freed before this call or meanwhile. Context: may sleep, nfo_net::lock
 * not held.
 */
void nfo_hw_indirect_cleanup(struct flow_block_cb *cb)
{
	struct nfo_net *nn = nfo_hw_indirect_net(cb);
	bool owned = false;

	if (nn) {
		mutex_lock(&nn->lock);
		owned = nfo_hw_indirect_pull(cb);
		if (owned)
			nfo_hw_indirect_free(cb);
		mutex_unlock(&nn->lock);
		nfo_net_put(nn);
	}
	if (owned)
		return;
	nfo_hw_indirect_free(cb);
	module_put(THIS_MODULE);
}
