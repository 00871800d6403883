// SPDX-License-Identifier: GPL-2.0
/*
 * What the directions of flows rest on: route, next hop, devices. A router has few of these and
 * many flows, so directions that rest on the same share one object.
 */
#include <linux/etherdevice.h>
#include <linux/jhash.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <net/dst.h>

#include "nfo_encap.h"
#include "nfo_neigh.h"
#include "nfo_net.h"
#include "nfo_refs.h"

/* What a direction that was never learned rests on: nothing. Its references are not counted. */
struct nfo_route_refs nfo_route_refs_none;

/* The objects that are shared. Under the lock an object is added, or its last reference dropped. */
static DEFINE_SPINLOCK(nfo_refs_lock);
static struct rhashtable nfo_refs_table;

/**
 * nfo_lower_equal() - are the same device and the same headers below two output devices?
 * @a: what is below one
 * @b: what is below the other one
 *
 * The MTU of a tunnel is not compared. Context: any.
 */
bool nfo_lower_equal(const struct nfo_lower *a, const struct nfo_lower *b)
{
	return a->dev == b->dev && nfo_encap_equal(&a->encap, &b->encap) &&
	       ether_addr_equal(a->h_dest, b->h_dest) &&
	       ether_addr_equal(a->h_source, b->h_source);
}

/**
 * nfo_route_refs_alike() - do the packets of two directions come and go the same way?
 * @a: what one direction rests on
 * @b: what the other one rests on
 *
 * Two fields are not compared: the route (@dst), for another one may name the same next hop, and
 * the device that software sends by (@send). Context: any.
 */
bool nfo_route_refs_alike(const struct nfo_route_refs *a, const struct nfo_route_refs *b)
{
	return a->out == b->out && a->in == b->in && a->neigh == b->neigh &&
	       !memcmp(a->hh, b->hh, sizeof(a->hh)) &&
	       ether_addr_equal(a->in_dest, b->in_dest) &&
	       ether_addr_equal(a->in_source, b->in_source) &&
	       nfo_lower_equal(&a->out_lower, &b->out_lower);
}

static bool nfo_refs_equal(const struct nfo_route_refs *a, const struct nfo_route_refs *b)
{
	return a->dst == b->dst && a->cookie == b->cookie && a->send == b->send &&
	       a->rp_filter == b->rp_filter && a->out_lower.mtu == b->out_lower.mtu &&
	       a->given == b->given && a->came.mark == b->came.mark &&
	       a->came.priority == b->came.priority && a->came.dscp == b->came.dscp &&
	       a->came.ecn == b->came.ecn &&
	       nfo_route_refs_alike(a, b);
}

static u32 nfo_refs_hash(const void *data, u32 len, u32 seed)
{
	const struct nfo_route_refs *refs = data;
	const unsigned long words[] = {
		(unsigned long)refs->dst, (unsigned long)refs->neigh, (unsigned long)refs->in,
	};

	return jhash(words, sizeof(words), seed);
}

static int nfo_refs_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	return !nfo_refs_equal(obj, arg->key);
}

static const struct rhashtable_params nfo_refs_params = {
	.head_offset		= offsetof(struct nfo_route_refs, node),
	.hashfn			= nfo_refs_hash,
	.obj_hashfn		= nfo_refs_hash,
	.obj_cmpfn		= nfo_refs_cmp,
	.automatic_shrinking	= true,
};

/**
 * nfo_route_refs_drop() - drop the references that a lesson has taken
 * @refs: the lesson's own; may be empty or half filled, and is empty afterwards
 *
 * Context: any.
 */
void nfo_route_refs_drop(struct nfo_route_refs *refs)
{
	if (refs->neigh)
		nfo_neigh_put(refs->neigh);
	if (refs->out_lower.dev)
		netdev_put(refs->out_lower.dev, &refs->lower_tracker);
	if (refs->in)
		netdev_put(refs->in, &refs->in_tracker);
	if (refs->out)
		netdev_put(refs->out, &refs->tracker);
	dst_release(refs->dst);
	kfree(refs->extra);
	memset(refs, 0, sizeof(*refs));
}

/* Return: a shared object that is equal to @like, with a reference; NULL when there is none. */
static struct nfo_route_refs *nfo_refs_find(const struct nfo_route_refs *like)
{
	struct nfo_route_refs *found;

	rcu_read_lock();
	found = rhashtable_lookup(&nfo_refs_table, like, nfo_refs_params);
	if (found && !refcount_inc_not_zero(&found->refs))
		found = NULL;
	rcu_read_unlock();

	return found;
}

/* Share a new object, unless an equal one is shared by now. Return: the object to use. */
static struct nfo_route_refs *nfo_refs_add(struct nfo_route_refs *fresh)
{
	struct nfo_route_refs *found;

	spin_lock_bh(&nfo_refs_lock);
	found = nfo_refs_find(fresh);
	/* @shared is set before others find the object. If it cannot be inserted, the direction
	 * has it alone.
	 */
	fresh->shared = true;
	if (!found && rhashtable_insert_fast(&nfo_refs_table, &fresh->node, nfo_refs_params))
		fresh->shared = false;
	spin_unlock_bh(&nfo_refs_lock);

	return found ?: fresh;
}

static long nfo_refs_size(const struct nfo_route_refs *refs)
{
	return sizeof(*refs) + (refs->extra ? sizeof(*refs->extra) : 0);
}

/**
 * nfo_route_refs_share() - make or find the object that a direction is to rest on
 * @nn:   namespace of the direction, which counts the memory
 * @refs: the lesson's own; empty afterwards, unless the call fails
 *
 * An object with @extra is not shared. Context: any.
 *
 * Return: the object, with a reference for nfo_route_refs_put(); NULL without memory.
 */
struct nfo_route_refs *nfo_route_refs_share(struct nfo_net *nn, struct nfo_route_refs *refs)
{
	struct nfo_route_refs *used = NULL, *fresh;

	if (!refs->extra)
		used = nfo_refs_find(refs);
	if (used) {
		nfo_route_refs_drop(refs);
		return used;
	}
	fresh = kmalloc(sizeof(*fresh), GFP_ATOMIC);
	if (!fresh)
		return NULL;
	*fresh = *refs;
	fresh->nn = nn;
	refcount_set(&fresh->refs, 1);
	used = refs->extra ? fresh : nfo_refs_add(fresh);
	if (used == fresh) {
		refcount_inc(&nn->refs);
		atomic_long_add(nfo_refs_size(fresh), &nn->route_refs);
		memset(refs, 0, sizeof(*refs));
	} else {
		nfo_route_refs_drop(refs);
		kfree(fresh);
	}

	return used;
}

static void nfo_refs_free_rcu(struct rcu_head *rcu)
{
	struct nfo_route_refs *refs = container_of(rcu, struct nfo_route_refs, rcu);
	struct nfo_net *nn = refs->nn;

	atomic_long_sub(nfo_refs_size(refs), &nn->route_refs);
	nfo_route_refs_drop(refs);
	kfree(refs);
	nfo_net_put(nn);
}

/* Return: true when this was the last reference, and no lesson can find @refs any more. */
static bool nfo_refs_dec(struct nfo_route_refs *refs)
{
	bool last;

	if (!refs->shared)
		return refcount_dec_and_test(&refs->refs);
	local_bh_disable();
	last = refcount_dec_and_lock(&refs->refs, &nfo_refs_lock);
	if (last) {
		rhashtable_remove_fast(&nfo_refs_table, &refs->node, nfo_refs_params);
		spin_unlock(&nfo_refs_lock);
	}
	local_bh_enable();

	return last;
}

/**
 * nfo_route_refs_put() - drop a direction's reference of what it rested on
 * @refs: of nfo_route_refs_share(), or nfo_route_refs_none
 *
 * After the last reference, an object drops what it keeps alive an RCU grace period later, because
 * packets, dumps and hardware workers may be reading it. Context: any.
 */
void nfo_route_refs_put(struct nfo_route_refs *refs)
{
	if (refs != &nfo_route_refs_none && nfo_refs_dec(refs))
		call_rcu(&refs->rcu, nfo_refs_free_rcu);
}

/**
 * nfo_route_refs_init() - make the table of shared objects. Return: 0 or a negative errno.
 */
int nfo_route_refs_init(void)
{
	return rhashtable_init(&nfo_refs_table, &nfo_refs_params);
}

/**
 * nfo_route_refs_exit() - undo nfo_route_refs_init(). The last flow was freed; the call waits
 * until what it rested on is freed.
 */
void nfo_route_refs_exit(void)
{
	rcu_barrier();
	rhashtable_destroy(&nfo_refs_table);
}
