/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A network namespace: what the module keeps for it, its epoch, its counters.
 */
#ifndef _NFO_NET_H
#define _NFO_NET_H

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <linux/nf_flow_offload.h>

#include "nfo_netlink_gen.h"

/**
 * struct nfo_stats - counters of a namespace, one set for each CPU
 * @reason:  refusals of promotion and ends of flows, by enum nfo_reason
 * @added:   flows promoted
 * @stale:   entries verified again because the epoch had moved
 */
struct nfo_stats {
	unsigned long		reason[__NFO_R_MAX];
	unsigned long		added;
	unsigned long		stale;
};

/**
 * struct nfo_net - a network namespace
 * @net:     the namespace; not referenced, for nfo_net_ops' exit ends all that uses it;
 *           constant
 * @topo:    topology epoch, see nfo_epoch(); atomic
 * @refs:    one for the namespace, one for each table, dump and queued @kick_work
 * @flows:   flows in all tables; atomic
 * @settings: what netlink sets, each field read and written as a whole, without a lock
 * @next_id: last value of nfo_table::id; protected by @lock
 * @in_hw:   rules in hardware; atomic
 * @kick_work: has hardware flows looked at after an event
 * @tables:  list of struct nfo_table::list, which nf_tables' flowtables own; protected
 *           by @lock
 * @lock:    protects the list of tables and what devices are bound to; may be held
 *           while sleeping
 * @stats:   counters, owned; each CPU writes its own
 * @fib:     listens to route events; constant
 * @rcu:     frees this
 */
struct nfo_net {
	struct net		*net;
	atomic_t		topo;
	refcount_t		refs;
	atomic_t		flows;
	struct nfo_settings	settings;
	u32			next_id;
	atomic_t		in_hw;
	struct work_struct	kick_work;
	struct list_head	tables;
	struct mutex		lock;	/* tables */
	struct nfo_stats __percpu *stats;
	struct notifier_block	fib;
	struct rcu_head		rcu;
};

extern unsigned int nfo_net_id;

struct nfo_net *nfo_net_alloc(struct net *net);
void nfo_net_publish(struct nfo_net *nn);
struct nfo_net *nfo_net_withdraw(struct net *net);
struct nfo_net *nfo_net_get_rcu(const struct net *net);
struct nfo_net *nfo_net_tryget(const struct net *net);
void nfo_net_put(struct nfo_net *nn);
void nfo_stats_sum(const struct nfo_net *nn, struct nfo_stats *sum);

/* Context: any. */
static inline void nfo_count_reason(const struct nfo_net *nn, enum nfo_reason why)
{
	this_cpu_inc(nn->stats->reason[why]);
}

/* The sum of two counters that only grow: events, and what IPv4 routing counts itself,
 * for nothing else announces that forwarding was switched off or caches were flushed.
 */
static inline u32 nfo_epoch(const struct nfo_net *nn)
{
	return (u32)atomic_read(&nn->topo) + rt_genid_ipv4(nn->net);
}

/* Entries that were true before are stale from here on. Context: any. */
static inline void nfo_epoch_advance(struct nfo_net *nn)
{
	/* What changed is visible before the epoch: pairs with the readers' smp_rmb(). */
	smp_mb__before_atomic();
	atomic_inc(&nn->topo);
}

/* Jiffies in 32 bits, as all times of the module are. */
static inline u32 nfo_now(void)
{
	return (u32)jiffies;
}

#endif /* _NFO_NET_H */
