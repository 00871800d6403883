// SPDX-License-Identifier: GPL-2.0
/*
 * A network namespace: the object the module keeps for it, and its counters.
 */
#include <linux/slab.h>
#include <net/netns/generic.h>

#include "nfo_compat.h"
#include "nfo_net.h"

#define CREATE_TRACE_POINTS
#include "nfo_trace.h"

/* Given by the kernel when core registers the module's namespaces. */
unsigned int nfo_net_id;

static struct nfo_net **nfo_net_slot(const struct net *net)
{
	return net_generic(net, nfo_net_id);
}

/**
 * nfo_net_alloc() - make our side of a namespace
 * @net: namespace
 *
 * Context: may sleep. Return: it, with a reference for nfo_net_put(), or NULL.
 */
struct nfo_net *nfo_net_alloc(struct net *net)
{
	struct nfo_net *nn = kzalloc_obj(*nn);

	if (!nn)
		return NULL;
	nn->stats = alloc_percpu(struct nfo_stats);
	if (!nn->stats) {
		kfree(nn);
		return NULL;
	}
	nn->net = net;
	nfo_settings_init(&nn->settings);
	atomic_set(&nn->topo, 1);
	refcount_set(&nn->refs, 1);
	INIT_LIST_HEAD(&nn->tables);
	mutex_init(&nn->lock);

	return nn;
}

/**
 * nfo_net_publish() - let nfo_net_tryget() find our side of a namespace
 * @nn: it, complete
 */
void nfo_net_publish(struct nfo_net *nn)
{
	WRITE_ONCE(*nfo_net_slot(nn->net), nn);
}

/**
 * nfo_net_withdraw() - undo nfo_net_publish()
 * @net: namespace
 *
 * Return: our side, with the reference of nfo_net_alloc().
 */
struct nfo_net *nfo_net_withdraw(struct net *net)
{
	struct nfo_net *nn = *nfo_net_slot(net);

	WRITE_ONCE(*nfo_net_slot(net), NULL);
	return nn;
}

/**
 * nfo_net_get_rcu() - our side of a namespace, without a reference
 * @net: namespace
 *
 * Context: rcu_read_lock(). Return: it, good until the end of that section, or NULL.
 */
struct nfo_net *nfo_net_get_rcu(const struct net *net)
{
	return READ_ONCE(*nfo_net_slot(net));
}

/**
 * nfo_net_tryget() - our side of a namespace, with a reference
 * @net: namespace; may be on its way up or down
 *
 * Context: any. Return: it, or NULL when the namespace has none (any more).
 */
struct nfo_net *nfo_net_tryget(const struct net *net)
{
	struct nfo_net *nn;

	rcu_read_lock();
	nn = READ_ONCE(*nfo_net_slot(net));
	if (nn && !refcount_inc_not_zero(&nn->refs))
		nn = NULL;
	rcu_read_unlock();

	return nn;
}

static void nfo_net_free_rcu(struct rcu_head *rcu)
{
	struct nfo_net *nn = container_of(rcu, struct nfo_net, rcu);

	free_percpu(nn->stats);
	kfree(nn);
}

/**
 * nfo_net_put() - drop a reference of nfo_net_tryget()
 * @nn: may be NULL
 *
 * Context: any.
 */
void nfo_net_put(struct nfo_net *nn)
{
	if (nn && refcount_dec_and_test(&nn->refs))
		call_rcu(&nn->rcu, nfo_net_free_rcu);
}

/**
 * nfo_stats_sum() - a namespace's counters over all CPUs
 * @nn:  namespace
 * @sum: filled
 *
 * Context: any.
 */
void nfo_stats_sum(const struct nfo_net *nn, struct nfo_stats *sum)
{
	const struct nfo_stats *s;
	int cpu, i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		s = per_cpu_ptr(nn->stats, cpu);
		sum->added += READ_ONCE(s->added);
		sum->stale += READ_ONCE(s->stale);
		for (i = 0; i < __NFO_R_MAX; i++)
			sum->reason[i] += READ_ONCE(s->reason[i]);
	}
}
