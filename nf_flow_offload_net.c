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

/* Counts the tables that went, of all namespaces: see nfo_permit(). */
atomic_t nfo_tables_gen = ATOMIC_INIT(0);

static struct nfo_net **nfo_net_slot(const struct net *net)
{
	return net_generic(net, nfo_net_id);
}

/* ---- changes ---- */

/* A prefix stands for each group of longer prefixes that it has the first bits of. Return: how many
 * groups these are, 0 for too many; @first is set to the first bits of the first one.
 */
static u32 nfo_prefix_groups(const struct nfo_change *c, u32 *first)
{
	u8 len = nfo_prefix_len(c->family), span = len - min(c->plen, len);

	if (span > NFO_PREFIX_SPAN)
		return 0;
	*first = ntohl(c->prefix.ip6[0]) & ~0U << (32 - len + span);

	return 1U << span;
}

/* The place of group @i of a prefix whose first group is @first. */
static u32 nfo_prefix_group(const struct nfo_change *c, u32 first, u32 i)
{
	return nfo_prefix_slot(c->family, htonl(first + (i << (32 - nfo_prefix_len(c->family)))));
}

static void nfo_prefix_changed(struct nfo_journal *j, const struct nfo_change *c, u32 epoch)
{
	int family = nfo_prefix_family(c->family);
	u32 first, i, n = nfo_prefix_groups(c, &first);

	if (!n)
		WRITE_ONCE(j->all[family], epoch);
	for (i = 0; i < n; i++)
		WRITE_ONCE(j->prefixes[family][nfo_prefix_group(c, first, i)], epoch);
}

/* ---- whom changes concern ---- */

/* For how long a generation of nfo_journal::watched gains bits, and is kept after that. An entry
 * whose packets are coming sets its bits anew twice a second.
 */
#define NFO_WATCH_TURN	(2 * HZ)

/* Caller holds the journal's lock. */
static void nfo_watch_turn(struct nfo_journal *j)
{
	int next = !j->turn;

	if (nfo_now() - j->turned_at < NFO_WATCH_TURN)
		return;
	memset(j->watched[next], 0, sizeof(j->watched[next]));
	/* The generation is empty before it gains bits. */
	smp_store_release(&j->turn, next);
	j->turned_at = nfo_now();
}

static bool nfo_slot_is_watched(const struct nfo_journal *j, int family, u32 slot)
{
	return test_bit(slot, j->watched[0][family]) || test_bit(slot, j->watched[1][family]);
}

static bool nfo_prefix_is_watched(const struct nfo_journal *j, const struct nfo_change *c)
{
	int family = nfo_prefix_family(c->family);
	u32 first, i, n = nfo_prefix_groups(c, &first);

	for (i = 0; i < n; i++)
		if (nfo_slot_is_watched(j, family, nfo_prefix_group(c, first, i)))
			return true;

	return !n;
}

/* Likewise of the prefixes that nfo_many_again() gave an epoch. */
static bool nfo_prefixes_are_watched(const struct nfo_journal *j, u8 family, u32 epoch)
{
	int place = nfo_prefix_family(family);
	u32 slot;

	for (slot = 0; slot < 1 << NFO_PREFIX_BITS; slot++)
		if (j->prefixes[place][slot] == epoch && nfo_slot_is_watched(j, place, slot))
			return true;

	return j->all[place] == epoch;
}

/* May a change concern an entry whose packets are coming? Caller holds the journal's lock. */
static bool nfo_change_is_watched(struct nfo_journal *j, const struct nfo_change *c, u32 epoch)
{
	nfo_watch_turn(j);
	switch (c->what) {
	case NFO_CHANGE_PREFIX:
		return nfo_prefix_is_watched(j, c);
	case NFO_CHANGE_PREFIXES:
		return nfo_prefixes_are_watched(j, c->family, epoch);
	default:
		return true;
	}
}

/**
 * nfo_net_watch() - packets rely on the routes to and from addresses
 * @nn:     namespace
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @src:    first 32 bits of the one
 * @dst:    first 32 bits of the other
 *
 * For the next half a second at least, packets need not look at the journal until
 * nfo_net::concerned moves. What changed before the call may not have moved it: the caller looks
 * at the journal after the call. Context: any.
 */
void nfo_net_watch(struct nfo_net *nn, u8 family, __be32 src, __be32 dst)
{
	struct nfo_journal *j = nn->journal;
	unsigned long *bits;

	if (!j)
		return;
	/* The generation was emptied before. */
	bits = j->watched[smp_load_acquire(&j->turn)][nfo_prefix_family(family)];
	if (!test_bit(nfo_prefix_slot(family, src), bits))
		set_bit(nfo_prefix_slot(family, src), bits);
	if (!test_bit(nfo_prefix_slot(family, dst), bits))
		set_bit(nfo_prefix_slot(family, dst), bits);
	/* Either nfo_change_append() sees the bits, or the caller sees the change. */
	smp_mb();
}

/**
 * nfo_net_concern() - a change that seemed to concern nobody may concern an entry
 * @nn: namespace
 *
 * Context: any.
 */
void nfo_net_concern(struct nfo_net *nn)
{
	spin_lock_bh(&nn->journal_lock);
	WRITE_ONCE(nn->concerned, nn->epoch);
	spin_unlock_bh(&nn->journal_lock);
}

/* Caller holds the journal's lock. */
static void nfo_change_append(struct nfo_net *nn, const struct nfo_change *change)
{
	struct nfo_journal *j = nn->journal;
	u32 epoch = nn->epoch + 1;

	lockdep_assert_held(&nn->journal_lock);
	if (j) {
		j->changes[epoch % NFO_JOURNAL] = *change;
		if (change->what == NFO_CHANGE_PREFIX)
			nfo_prefix_changed(j, change, epoch);
		else if (change->what != NFO_CHANGE_PREFIXES)
			WRITE_ONCE(j->other, epoch);
	}
	/* What changed, and its place in the journal, are visible before the epoch. */
	smp_store_release(&nn->epoch, epoch);
	/* Pairs with nfo_net_watch(). */
	smp_mb();
	if (!j || nfo_change_is_watched(j, change, epoch) ||
	    epoch - nn->concerned >= NFO_UNCONCERNED / 2)
		WRITE_ONCE(nn->concerned, epoch);
}

/* Changes of IPv4's generation for this long after an event are part of the event. */
#define NFO_EXPLAINED	(HZ / 2)

/* An event that moves IPv4's generation as well. Caller holds the journal's lock. */
static void nfo_explain(struct nfo_net *nn)
{
	nn->explained_at = nfo_now();
	nn->explained = true;
	if (nn->journal)
		nfo_net_queue(nn, nfo_net_wq, &nn->explain_work, NFO_EXPLAINED);
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
		nfo_explain(nn);
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
	nfo_explain(nn);
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
	nn->ruleset_burst = atomic_read(&nn->flows) ?
			    min_t(unsigned int, nn->ruleset_burst + 1, U8_MAX) : 0;
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

/* A window costs each flow a packet of each direction on the classic path. Of a program that
 * commits all the time each fourth window makes the next ones twice as long, three times at most.
 */
#define NFO_RULESET_BURST	4
#define NFO_RULESET_DOUBLED	3

/* Caller holds the journal's lock, and there was a commit. Return: jiffies. */
static u32 nfo_ruleset_window(struct nfo_net *nn)
{
	u32 window = msecs_to_jiffies(READ_ONCE(nn->settings.ruleset_ms));

	if (nfo_now() - nn->ruleset_seen > NFO_RULESET_BURST * window)
		nn->ruleset_burst = 0;
	nn->ruleset_seen = nfo_now();

	return window << min_t(unsigned int, nn->ruleset_burst / NFO_RULESET_BURST,
			       NFO_RULESET_DOUBLED);
}

/* Caller holds the journal's lock. The first commit counts at once, those in a window
 * after it count together at its end. Without a flow there is nothing to spare: counted at the
 * end of the window, a commit would concern flows that were learned after it.
 */
static void nfo_ruleset_changed(struct nfo_net *nn, u32 seq)
{
	u32 since = nfo_now() - nn->ruleset_at;
	u32 window;

	if (!nfo_ruleset_in_use(nn, seq))
		return;
	window = nfo_ruleset_window(nn);
	WRITE_ONCE(nn->ruleset, seq);
	/* Mainline's way: rules are for connections that are not in the fast path. */
	if (READ_ONCE(nn->settings.policy))
		return;
	if (since >= window || !atomic_read(&nn->flows)) {
		nfo_change_ruleset(nn);
		return;
	}
	nfo_net_queue(nn, nfo_net_wq, &nn->ruleset_work, window - since);
}

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

/* More changes than the journal tells one by one: prefixes of IPv4 since an epoch, or also others.
 * Caller holds the journal's lock.
 */
static void nfo_many_again(struct nfo_net *nn, u32 from)
{
	struct nfo_change c = { .what = NFO_CHANGE_PREFIXES, .family = NFPROTO_IPV4 };
	u32 *at = nn->journal->prefixes[nfo_prefix_family(NFPROTO_IPV4)];
	u32 *all = &nn->journal->all[nfo_prefix_family(NFPROTO_IPV4)];
	int i;

	for (i = 0; i < 1 << NFO_PREFIX_BITS; i++)
		if (nfo_epoch_is_later(at[i], from))
			WRITE_ONCE(at[i], nn->epoch + 1);
	if (nfo_epoch_is_later(*all, from))
		WRITE_ONCE(*all, nn->epoch + 1);
	if (nfo_epoch_is_later(nn->journal->other, from))
		c.what = NFO_CHANGE_FAMILY;
	nfo_change_append(nn, &c);
}

/* Routing tells of a route that goes, and of a rule that comes, before it makes the change, and
 * advances the generation afterwards. A packet between the two has taught what was true before,
 * with an epoch from after the change: what such changes concern learns once more. Caller holds
 * the journal's lock.
 */
static void nfo_changes_again(struct nfo_net *nn)
{
	u32 from = nn->genid_epoch, to = nn->epoch, i;
	struct nfo_change c;

	if (!nn->journal)
		return;
	if (to - from >= NFO_JOURNAL / 2) {
		nfo_many_again(nn, from);
		return;
	}
	for (i = from + 1; i != to + 1; i++) {
		c = nn->journal->changes[i % NFO_JOURNAL];
		if (c.early)
			nfo_change_append(nn, &c);
	}
}

/* Caller holds the journal's lock. IPv4's generation moves with each change of a route,
 * which the journal has then already; without one it was something else: forwarding
 * switched off, an IPsec policy, caches flushed.
 */
static void nfo_genid_changed(struct nfo_net *nn, u32 genid)
{
	u32 signature = nfo_net_signature(nn->net);

	if (signature != nn->signature || !nn->explained)
		nfo_change_all(nn);
	else
		nfo_changes_again(nn);
	nn->signature = signature;
	nn->genid_epoch = nn->epoch;
	WRITE_ONCE(nn->genid, genid);
}

/* Caller holds the journal's lock. */
static void nfo_genid_notice(struct nfo_net *nn)
{
	u32 genid = rt_genid_ipv4(nn->net);

	if (genid != nn->genid)
		nfo_genid_changed(nn, genid);
}

/* An event stops explaining. What has changed until now is noticed here, for no packet may have
 * come since: the first one after a pause would find a change that nothing explains any more.
 */
static void nfo_explain_work(struct work_struct *work)
{
	struct nfo_net *nn = container_of(to_delayed_work(work), struct nfo_net, explain_work);
	s32 left;

	spin_lock_bh(&nn->journal_lock);
	nfo_genid_notice(nn);
	left = nn->explained_at + NFO_EXPLAINED - nfo_now();
	nn->explained = left > 0;
	if (nn->explained)
		nfo_net_queue(nn, nfo_net_wq, &nn->explain_work, left);
	spin_unlock_bh(&nn->journal_lock);
	nfo_net_put(nn);
}

/* Caller holds the journal's lock. IPv6 announces its routes; what it does not announce
 * is told by the signature, and twice a second by the route objects.
 */
static void nfo_sernum6_changed(struct nfo_net *nn)
{
	u32 signature = nfo_net_signature(nn->net);

	WRITE_ONCE(nn->sernum6, nfo_net_sernum6(nn));
	if (signature != nn->signature)
		nfo_change_all(nn);
	nn->signature = signature;
}

/**
 * nfo_net_notice() - look at what nothing announces
 * @nn: namespace
 *
 * Context: any.
 */
void nfo_net_notice(struct nfo_net *nn)
{
	u32 seq;

	spin_lock_bh(&nn->journal_lock);
	nfo_genid_notice(nn);
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
	struct nfo_journal *journal;

	if (nn->journal)
		return 0;
	journal = kvzalloc(sizeof(*journal), GFP_KERNEL_ACCOUNT);
	if (!journal)
		return -ENOMEM;

	spin_lock_bh(&nn->journal_lock);
	nn->journal = journal;
	nn->signature = nfo_net_signature(nn->net);
	nn->nft_tables = nfo_nft_tables(nn->net, table);
	WRITE_ONCE(nn->ruleset_seq, nfo_nft_base_seq(nn->net, nn->nft_tables) ?: &nn->ruleset);
	WRITE_ONCE(nn->ruleset, *nn->ruleset_seq);
	WRITE_ONCE(nn->rules_seen, nn->ruleset - 1);
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
	struct nfo_net *nn = kzalloc_obj(*nn, GFP_KERNEL_ACCOUNT);

	if (!nn)
		return NULL;
	nn->stats = alloc_percpu_gfp(struct nfo_stats, GFP_KERNEL_ACCOUNT);
	if (!nn->stats) {
		kfree(nn);
		return NULL;
	}
	nn->net = net;
	xa_init_flags(&nn->devs, XA_FLAGS_LOCK_BH);
	nfo_settings_init(&nn->settings);
	nn->ruleset_seq = &nn->ruleset;
	nn->genid = rt_genid_ipv4(net);
	spin_lock_init(&nn->journal_lock);
	INIT_DELAYED_WORK(&nn->ruleset_work, nfo_ruleset_work);
	INIT_DELAYED_WORK(&nn->explain_work, nfo_explain_work);
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
 * nfo_net_queue() - queue work of a namespace; it has a reference for nfo_net_put() at its end
 * @nn:    namespace
 * @wq:    workqueue
 * @work:  embedded in @nn
 * @delay: jiffies
 *
 * Context: any, nfo_net::journal_lock held. Nothing is queued after nfo_net_end().
 */
void nfo_net_queue(struct nfo_net *nn, struct workqueue_struct *wq, struct delayed_work *work,
		   unsigned long delay)
{
	lockdep_assert_held(&nn->journal_lock);
	if (nn->over || !refcount_inc_not_zero(&nn->refs))
		return;
	if (!queue_delayed_work(wq, work, delay))
		/* Not the last one: the work that is queued has one. */
		refcount_dec(&nn->refs);
}

/**
 * nfo_net_cancel() - undo nfo_net_queue(), or wait for the end of the work
 * @nn:   namespace
 * @work: embedded in @nn
 *
 * Context: may sleep.
 */
void nfo_net_cancel(struct nfo_net *nn, struct delayed_work *work)
{
	if (cancel_delayed_work_sync(work))
		nfo_net_put(nn);
}

/**
 * nfo_net_end() - the namespace ends: no work of its own is queued any more
 * @nn: namespace, without flows
 *
 * Context: may sleep. Other rooms cancel theirs afterwards.
 */
void nfo_net_end(struct nfo_net *nn)
{
	spin_lock_bh(&nn->journal_lock);
	nn->over = true;
	spin_unlock_bh(&nn->journal_lock);
	nfo_net_cancel(nn, &nn->ruleset_work);
	nfo_net_cancel(nn, &nn->explain_work);
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
	       !xa_err(xa_cmpxchg_bh(&nn->devs, ifindex, NULL, xa_mk_value(0), GFP_ATOMIC));
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
 * nfo_net_dev_note() - what nfo_net_note_dev() noted of a device
 * @nn:      namespace
 * @ifindex: device
 *
 * Context: any. Return: the note, 0 without one.
 */
u8 nfo_net_dev_note(struct nfo_net *nn, int ifindex)
{
	void *entry = xa_load(&nn->devs, ifindex);

	return entry ? xa_to_value(entry) : 0;
}

/**
 * nfo_net_note_dev() - note something of a device that a flow uses
 * @nn:      namespace
 * @ifindex: device, for which nfo_net_uses_dev() is true
 * @note:    what to note; a bit 0 tells it from no note
 *
 * Context: any.
 */
void nfo_net_note_dev(struct nfo_net *nn, int ifindex, u8 note)
{
	/* There is an entry, so that no memory is needed. */
	xa_store_bh(&nn->devs, ifindex, xa_mk_value(note), GFP_ATOMIC);
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
