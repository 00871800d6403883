// SPDX-License-Identifier: GPL-2.0
/*
 * A network namespace: the object the module keeps for it, and its counters.
 */
#include <linux/inetdevice.h>
#include <linux/slab.h>
#include <net/netfilter/nf_tables.h>
#include <net/netns/generic.h>

#include "nfo_compat.h"
#include "nfo_net.h"

#define CREATE_TRACE_POINTS
#include "nfo_trace.h"

/* Frees namespaces, so that the module's exit can wait for the last one. */
struct workqueue_struct *nfo_net_wq;

/* Given by the kernel when core registers the module's namespaces. */
unsigned int nfo_net_id;

static struct nfo_net **nfo_net_slot(const struct net *net)
{
	return net_generic(net, nfo_net_id);
}

/* ---- changes ---- */

/* Caller holds the journal's lock. */
static void nfo_change_append(struct nfo_net *nn, const struct nfo_change *change)
{
	u32 epoch = nn->epoch + 1;

	lockdep_assert_held(&nn->journal_lock);
	if (nn->journal)
		nn->journal[epoch % NFO_JOURNAL] = *change;
	/* What changed, and its place in the journal, are visible before the epoch. */
	smp_store_release(&nn->epoch, epoch);
}

/**
 * nfo_change_add() - entries that rest on something are not true any more
 * @nn:     namespace
 * @change: what changed
 *
 * Context: any.
 */
void nfo_change_add(struct nfo_net *nn, const struct nfo_change *change)
{
	spin_lock_bh(&nn->journal_lock);
	/* IPv4 routing counts what follows from it as well. */
	if (change->family == NFPROTO_IPV4 || change->what == NFO_CHANGE_DEV)
		nn->explained_at = nfo_now();
	nfo_change_append(nn, change);
	spin_unlock_bh(&nn->journal_lock);
}

/**
 * nfo_net_explain() - routing changed by an event that concerns no flow
 * @nn: namespace
 *
 * IPv4's generation moves with it, which is no reason to look at flows. Context: any.
 */
void nfo_net_explain(struct nfo_net *nn)
{
	spin_lock_bh(&nn->journal_lock);
	nn->explained_at = nfo_now();
	spin_unlock_bh(&nn->journal_lock);
}

/* An event that concerns every flow. Caller holds the journal's lock. */
static void nfo_change_all(struct nfo_net *nn)
{
	static const struct nfo_change all = { .what = NFO_CHANGE_ALL };

	nfo_change_append(nn, &all);
}

/* Caller holds the journal's lock. */
static void nfo_change_ruleset(struct nfo_net *nn)
{
	static const struct nfo_change ruleset = { .what = NFO_CHANGE_RULESET };

	nn->ruleset_at = nfo_now();
	nfo_change_append(nn, &ruleset);
}

/* The end of a window in which the ruleset changed again. */
static void nfo_ruleset_work(struct work_struct *work)
{
	struct nfo_net *nn = container_of(to_delayed_work(work), struct nfo_net, ruleset_work);

	spin_lock_bh(&nn->journal_lock);
	nfo_change_ruleset(nn);
	spin_unlock_bh(&nn->journal_lock);
	nfo_net_put(nn);
}

/* nf_tables counts a commit before its rules are in use, and flips the cursor with them:
 * both start together, so they differ while a commit is under way. The count skips 0
 * when it wraps around, hence the limit in time.
 */
static bool nfo_ruleset_in_use(struct nfo_net *nn, u32 seq)
{
	if (((seq - 1) & 1) == READ_ONCE(nn->net->nft.gencursor)) {
		nn->ruleset_wait = 0;
		return true;
	}
	if (!nn->ruleset_wait)
		nn->ruleset_wait = nfo_now() ?: 1;

	return nfo_now() - nn->ruleset_wait > HZ / 10;
}

/* Caller holds the journal's lock. The first commit counts at once, those in a window
 * after it count together at its end. Without a flow there is nothing to spare: counted at the
 * end of the window, a commit would concern flows that were learned after it.
 */
static void nfo_ruleset_changed(struct nfo_net *nn, u32 seq)
{
	u32 window = msecs_to_jiffies(READ_ONCE(nn->settings.ruleset_ms));
	u32 since = nfo_now() - nn->ruleset_at;

	if (!nfo_ruleset_in_use(nn, seq))
		return;
	WRITE_ONCE(nn->ruleset, seq);
	/* Mainline's way: rules are for connections that are not in the fast path. */
	if (READ_ONCE(nn->settings.policy))
		return;
	if (since >= window || !atomic_read(&nn->flows)) {
		nfo_change_ruleset(nn);
		return;
	}
	if (!refcount_inc_not_zero(&nn->refs))
		return;
	if (!queue_delayed_work(nfo_net_wq, &nn->ruleset_work, window - since))
		/* Not the last one: the work that is queued has one. */
		refcount_dec(&nn->refs);
}

/* Changes of IPv4's generation for this long after an event are part of the event. */
#define NFO_EXPLAINED	(HZ / 2)

/* What no event announces, as a number that changes with it. */
static u32 nfo_net_signature(const struct net *net)
{
	u32 sum = READ_ONCE(net->ipv4.devconf_all->data[IPV4_DEVCONF_FORWARDING - 1]);

#ifdef CONFIG_XFRM
	int i;

	for (i = 0; i < ARRAY_SIZE(net->xfrm.policy_count); i++)
		sum = sum * 31 + READ_ONCE(net->xfrm.policy_count[i]);
	for (i = 0; i < XFRM_POLICY_MAX; i++)
		sum = sum * 31 + READ_ONCE(net->xfrm.policy_default[i]);
#endif
	return sum;
}

/* Caller holds the journal's lock. IPv4's generation moves with each change of a route,
 * which the journal has then already; without one it was something else: forwarding
 * switched off, an IPsec policy, caches flushed.
 */
static void nfo_genid_changed(struct nfo_net *nn, u32 genid)
{
	u32 signature = nfo_net_signature(nn->net);

	if (signature != nn->signature || nfo_now() - nn->explained_at > NFO_EXPLAINED)
		nfo_change_all(nn);
	nn->signature = signature;
	WRITE_ONCE(nn->genid, genid);
}

/* Caller holds the journal's lock. IPv6 announces its routes; what it does not announce
 * is told by the signature, and twice a second by the route objects.
 */
static void nfo_sernum6_changed(struct nfo_net *nn)
{
#if IS_ENABLED(CONFIG_IPV6)
	u32 signature = nfo_net_signature(nn->net);

	WRITE_ONCE(nn->sernum6, atomic_read(&nn->net->ipv6.fib6_sernum));
	if (signature != nn->signature)
		nfo_change_all(nn);
	nn->signature = signature;
#endif
}

/**
 * nfo_net_notice() - look at what nothing announces
 * @nn: namespace
 *
 * Context: any.
 */
void nfo_net_notice(struct nfo_net *nn)
{
	u32 genid, seq;

	spin_lock_bh(&nn->journal_lock);
	genid = rt_genid_ipv4(nn->net);
	if (genid != nn->genid)
		nfo_genid_changed(nn, genid);
	if (nfo_net_moved6(nn))
		nfo_sernum6_changed(nn);
	seq = READ_ONCE(*nn->ruleset_seq);
	if (seq != nn->ruleset)
		nfo_ruleset_changed(nn, seq);
	spin_unlock_bh(&nn->journal_lock);
}

/**
 * nfo_net_start() - keep a journal: the namespace gets its first flowtable
 * @nn:    namespace
 * @table: nft table of the flowtable, which is in the namespace's list
 *
 * Context: may sleep, nf_tables' commit mutex held. Return: 0 or -ENOMEM.
 */
int nfo_net_start(struct nfo_net *nn, const struct nft_table *table)
{
	struct nfo_change *journal;

	if (nn->journal)
		return 0;
	journal = kvcalloc(NFO_JOURNAL, sizeof(*journal), GFP_KERNEL);
	if (!journal)
		return -ENOMEM;

	spin_lock_bh(&nn->journal_lock);
	nn->journal = journal;
	nn->signature = nfo_net_signature(nn->net);
	WRITE_ONCE(nn->ruleset_seq, nfo_nft_base_seq(nn->net, table) ?: &nn->ruleset);
	WRITE_ONCE(nn->ruleset, *nn->ruleset_seq);
	nn->ruleset_at = nfo_now() - HZ;
	spin_unlock_bh(&nn->journal_lock);

	return 0;
}

/* ---- the object ---- */

/* Destroying a hash table sleeps. */
static void nfo_net_free_work(struct work_struct *work)
{
	struct nfo_net *nn = container_of(to_rcu_work(work), struct nfo_net, free_work);

	if (nn->journal)
		rhashtable_destroy(&nn->by_ct);
	kvfree(nn->journal);
	xa_destroy(&nn->devs);
	free_percpu(nn->stats);
	kfree(nn);
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
	xa_init_flags(&nn->devs, XA_FLAGS_LOCK_BH);
	nfo_settings_init(&nn->settings);
	nn->ruleset_seq = &nn->ruleset;
	nn->genid = rt_genid_ipv4(net);
	nn->explained_at = nfo_now() - HZ;
	spin_lock_init(&nn->journal_lock);
	INIT_DELAYED_WORK(&nn->ruleset_work, nfo_ruleset_work);
	INIT_RCU_WORK(&nn->free_work, nfo_net_free_work);
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
 * Context: may sleep. Return: our side, with the reference of nfo_net_alloc().
 */
struct nfo_net *nfo_net_withdraw(struct net *net)
{
	struct nfo_net *nn = *nfo_net_slot(net);

	WRITE_ONCE(*nfo_net_slot(net), NULL);
	if (cancel_delayed_work_sync(&nn->ruleset_work))
		nfo_net_put(nn);

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

/**
 * nfo_net_put() - drop a reference of nfo_net_tryget()
 * @nn: may be NULL
 *
 * Context: any.
 */
void nfo_net_put(struct nfo_net *nn)
{
	if (nn && refcount_dec_and_test(&nn->refs))
		queue_rcu_work(nfo_net_wq, &nn->free_work);
}

/**
 * nfo_net_use_dev() - a flow is about to use a device
 * @nn:      namespace
 * @ifindex: device
 *
 * Context: any. Call before packets find the flow, so that the end of the device finds the
 * flow. Return: false when memory ran out.
 */
bool nfo_net_use_dev(struct nfo_net *nn, int ifindex)
{
	return xa_load(&nn->devs, ifindex) ||
	       !xa_err(xa_store_bh(&nn->devs, ifindex, xa_mk_value(1), GFP_ATOMIC));
}

/**
 * nfo_net_uses_dev() - may a flow use a device?
 * @nn:      namespace
 * @ifindex: device
 *
 * Context: any.
 */
bool nfo_net_uses_dev(struct nfo_net *nn, int ifindex)
{
	return xa_load(&nn->devs, ifindex);
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

/**
 * nfo_net_module_init() - what frees namespaces. Return: 0 or -ENOMEM.
 */
int __init nfo_net_module_init(void)
{
	nfo_net_wq = alloc_workqueue("nf_flow_offload_net", WQ_UNBOUND, 0);
	return nfo_net_wq ? 0 : -ENOMEM;
}

/**
 * nfo_net_module_exit() - undo nfo_net_module_init(); waits for the last namespace.
 */
void nfo_net_module_exit(void)
{
	/* Those whose RCU grace period is not over are queued by its end. */
	rcu_barrier();
	destroy_workqueue(nfo_net_wq);
}
