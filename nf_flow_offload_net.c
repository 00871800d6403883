// SPDX-License-Identifier: GPL-2.0
/*
 * A network namespace: what the module keeps for it, its journal and epoch, its counters.
 */
#include <linux/inetdevice.h>
#include <linux/slab.h>
#include <net/netfilter/nf_tables.h>
#include <net/netns/generic.h>

#include "nfo_compat.h"
#include "nfo_net.h"

#define CREATE_TRACE_POINTS
#include "nfo_trace.h"

/* Runs the work items of namespaces. The last of them frees a struct nfo_net, so the module's exit
 * waits for this workqueue.
 */
struct workqueue_struct *nfo_net_wq;

/* The kernel sets the id when core calls register_pernet_subsys(). */
unsigned int nfo_net_id;

/* Advances when a table of any namespace goes: older permits are void then, see nfo_permit(). */
atomic_t nfo_tables_gen = ATOMIC_INIT(0);

static struct nfo_net **nfo_net_slot(const struct net *net)
{
	return net_generic(net, nfo_net_id);
}

/* ---- changes ---- */

/* A short prefix covers several groups of prefixes. Return: how many groups a changed prefix
 * covers, 0 for too many; @first is set to the first address of the first group, CPU byte order.
 */
static u32 nfo_prefix_groups(const struct nfo_change *c, u32 *first)
{
	u8 len = nfo_prefix_len(c->family), span = len - min(c->plen, len);

	if (span > NFO_PREFIX_SPAN)
		return 0;
	*first = ntohl(c->prefix.ip6[0]) & ~0U << (32 - len + span);

	return 1U << span;
}

/* Return: the index in nfo_journal::prefixes of group @i of a prefix whose first group is @first.
 */
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

/* ---- which changes concern an entry in use ---- */

/* For how long bits are set in one generation of nfo_journal::watched, in jiffies; for as long the
 * generation is kept after that. An entry whose packets are coming sets its bits twice a second.
 */
#define NFO_WATCH_TURN	(2 * HZ)

/* Begin the other generation if the present one is old enough. Caller holds the journal's lock. */
static void nfo_watch_turn(struct nfo_journal *j)
{
	int next = !j->turn;

	if (nfo_now() - j->turned_at < NFO_WATCH_TURN)
		return;
	memset(j->watched[next], 0, sizeof(j->watched[next]));
	/* The generation is empty before bits are set in it: pairs with nfo_net_watch(). */
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

/* Is one of the groups watched that nfo_many_again() gave this epoch? */
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
 * nfo_net_watch() - packets rely on the routes to two addresses
 * @nn:     namespace
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @src:    first 32 bits of the source address, big endian
 * @dst:    first 32 bits of the destination address, big endian
 *
 * For the next two seconds each change of such a route moves nfo_net::concerned, so packets look at
 * the journal only then. A change before the call may not have moved it, so the caller looks at the
 * journal after the call. Context: any.
 */
void nfo_net_watch(struct nfo_net *nn, u8 family, __be32 src, __be32 dst)
{
	struct nfo_journal *j = nn->journal;
	unsigned long *bits;

	if (!j)
		return;
	/* The bits that nfo_watch_turn() cleared are clear before these are set. */
	bits = j->watched[smp_load_acquire(&j->turn)][nfo_prefix_family(family)];
	if (!test_bit(nfo_prefix_slot(family, src), bits))
		set_bit(nfo_prefix_slot(family, src), bits);
	if (!test_bit(nfo_prefix_slot(family, dst), bits))
		set_bit(nfo_prefix_slot(family, dst), bits);
	/* Either nfo_change_append() sees the bits, or the caller sees the change. */
	smp_mb();
}

/**
 * nfo_net_concern() - a change whose groups were not watched may concern an entry after all
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

/* Write a change into the journal and advance the epoch. Caller holds the journal's lock. */
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
	/* The journal is written before the epoch: pairs with nfo_epoch(). */
	smp_store_release(&nn->epoch, epoch);
	/* Pairs with nfo_net_watch(): its caller sees the epoch, or the bits are seen here. */
	smp_mb();
	if (change->early && change->family == NFPROTO_IPV6 && !nn->early6) {
		nn->early6 = true;
		nn->early6_epoch = epoch;
	}
	if (!j || nfo_change_is_watched(j, change, epoch) ||
	    epoch - nn->concerned >= NFO_UNCONCERNED / 2)
		WRITE_ONCE(nn->concerned, epoch);
}

/* For this long after an event, in jiffies, a move of IPv4's generation is taken for a part of the
 * event.
 */
#define NFO_EXPLAINED	(HZ / 2)

/* An event happened that also makes IPv4's generation move. Caller holds the journal's lock. */
static void nfo_explain(struct nfo_net *nn)
{
	nn->explained_at = nfo_now();
	/* The work item that ends an explanation is queued once; nothing is learned before there is
	 * a journal.
	 */
	if (nn->explained || !nn->journal)
		return;
	nn->explained = true;
	nfo_net_queue(nn, nfo_net_wq, &nn->explain_work, NFO_EXPLAINED);
}

/**
 * nfo_change_add() - write a change into the journal: entries that it concerns are stale
 * @nn:     namespace
 * @change: what changed; it is copied
 *
 * Context: any.
 */
void nfo_change_add(struct nfo_net *nn, const struct nfo_change *change)
{
	spin_lock_bh(&nn->journal_lock);
	/* IPv4 routing advances its generation for such an event too. */
	if (change->family == NFPROTO_IPV4 || change->what == NFO_CHANGE_DEV)
		nfo_explain(nn);
	nfo_change_append(nn, change);
	spin_unlock_bh(&nn->journal_lock);
}

/**
 * nfo_net_explain() - an event that concerns no flow makes IPv4's generation move
 * @nn: namespace
 *
 * Without this call the move would be taken for a change that concerns all flows. Context: any.
 */
void nfo_net_explain(struct nfo_net *nn)
{
	spin_lock_bh(&nn->journal_lock);
	nfo_explain(nn);
	spin_unlock_bh(&nn->journal_lock);
}

/* Write a change that concerns every flow. Caller holds the journal's lock. */
static void nfo_change_all(struct nfo_net *nn)
{
	static const struct nfo_change all = { .what = NFO_CHANGE_ALL };

	nfo_change_append(nn, &all);
}

/* Write a change of the ruleset. Caller holds the journal's lock. */
static void nfo_change_ruleset(struct nfo_net *nn)
{
	static const struct nfo_change ruleset = { .what = NFO_CHANGE_RULESET };

	nn->ruleset_at = nfo_now();
	nn->ruleset_burst = atomic_read(&nn->flows) ?
			    min_t(unsigned int, nn->ruleset_burst + 1, U8_MAX) : 0;
	nfo_change_append(nn, &ruleset);
}

/* A window has ended in which there were commits: they count together. */
static void nfo_ruleset_work(struct work_struct *work)
{
	struct nfo_net *nn = container_of(to_delayed_work(work), struct nfo_net, ruleset_work);

	spin_lock_bh(&nn->journal_lock);
	nfo_change_ruleset(nn);
	spin_unlock_bh(&nn->journal_lock);
	nfo_net_put(nn);
}

/* nf_tables counts a commit before its rules are in use, and flips gencursor when they are. Count
 * and cursor begin with the same parity, so they differ while a commit is under way. The count
 * skips 0 when it wraps around, and they differ for good after that, so the rules are taken to be
 * in use after a tenth of a second. Caller holds the journal's lock. Return: true when the rules of
 * @seq are in use.
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

/* Each window costs each direction of each flow a packet on the classic path. So while commits go
 * on, each fourth window makes the next ones twice as long, three times at most.
 */
#define NFO_RULESET_BURST	4
#define NFO_RULESET_DOUBLED	3

/* Note a commit. Caller holds the journal's lock. Return: how long the window is, in jiffies. */
static u32 nfo_ruleset_window(struct nfo_net *nn)
{
	u32 window = msecs_to_jiffies(READ_ONCE(nn->settings.ruleset_ms));

	if (nfo_now() - nn->ruleset_seen > NFO_RULESET_BURST * window)
		nn->ruleset_burst = 0;
	nn->ruleset_seen = nfo_now();

	return window << min_t(unsigned int, nn->ruleset_burst / NFO_RULESET_BURST,
			       NFO_RULESET_DOUBLED);
}

/* nf_tables has a new generation. The first commit counts at once, and those in the window after it
 * count together at the end of the window. Without a flow a commit counts at once too, because at
 * the end of the window it would concern flows that were learned after it. Caller holds the
 * journal's lock.
 */
static void nfo_ruleset_changed(struct nfo_net *nn, u32 seq)
{
	u32 since = nfo_now() - nn->ruleset_at;
	u32 window;

	if (!nfo_ruleset_in_use(nn, seq))
		return;
	window = nfo_ruleset_window(nn);
	WRITE_ONCE(nn->ruleset, seq);
	/* With the setting policy commits change nothing for flows, as in mainline. */
	if (READ_ONCE(nn->settings.policy))
		return;
	if (since >= window || !atomic_read(&nn->flows)) {
		nfo_change_ruleset(nn);
		return;
	}
	nfo_net_queue(nn, nfo_net_wq, &nn->ruleset_work, window - since);
}

/* Return: a number that changes when forwarding or the IPsec policies change, which no event
 * announces.
 */
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

/* There were more changes since the epoch @from than nfo_changes_again() writes again one by one:
 * write them as one change, of the groups of the family's prefixes that changed or, if anything
 * else did, of the family. Caller holds the journal's lock.
 */
static void nfo_many_again(struct nfo_net *nn, u8 family, u32 from)
{
	struct nfo_change c = { .what = NFO_CHANGE_PREFIXES, .family = family };
	u32 *at = nn->journal->prefixes[nfo_prefix_family(family)];
	u32 *all = &nn->journal->all[nfo_prefix_family(family)];
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

/* Routing announces some changes before it makes them, IPv4 that a route goes, IPv6 that one comes,
 * both that a rule comes, and moves its count afterwards. A packet that came between the two taught
 * the old route, with an epoch from after the announcement. So such changes since the epoch @from
 * are written into the journal again, and the entries that they concern learn once more. Those of
 * no family are IPv4's. Caller holds the journal's lock.
 */
static void nfo_changes_again(struct nfo_net *nn, u8 family, u32 from)
{
	u32 to = nn->epoch, i;
	struct nfo_change c;

	if (!nn->journal)
		return;
	if (to - from >= NFO_JOURNAL / 2) {
		nfo_many_again(nn, family, from);
		return;
	}
	for (i = from + 1; i != to + 1; i++) {
		c = nn->journal->changes[i % NFO_JOURNAL];
		if (!c.early || (c.family ?: NFPROTO_IPV4) != family)
			continue;
		c.early = false;
		nfo_change_append(nn, &c);
	}
}

/* IPv4's generation has moved. It moves with each change of a route, which is in the journal then.
 * If no such event explains the move, forwarding was switched, an IPsec policy changed, or caches
 * were flushed, and that concerns every flow. Caller holds the journal's lock.
 */
static void nfo_genid_changed(struct nfo_net *nn, u32 genid)
{
	u32 signature = nfo_net_signature(nn->net);

	if (signature != nn->signature || !nn->explained)
		nfo_change_all(nn);
	else
		nfo_changes_again(nn, NFPROTO_IPV4, nn->genid_epoch);
	nn->signature = signature;
	nn->genid_epoch = nn->epoch;
	WRITE_ONCE(nn->genid, genid);
}

/* Look whether IPv4's generation has moved. Caller holds the journal's lock. */
static void nfo_genid_notice(struct nfo_net *nn)
{
	u32 genid = rt_genid_ipv4(nn->net);

	if (genid != nn->genid)
		nfo_genid_changed(nn, genid);
}

/* Half a second after an event a move of IPv4's generation is not part of the event any more. A
 * move until now is, but perhaps no packet came and noticed it, so it is noticed here.
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

/* IPv6's count has moved. Changes of routes are in the journal, perhaps from before they were made.
 * The signature tells of others, and so do the route objects, at which each entry looks twice a
 * second. Caller holds the journal's lock.
 */
static void nfo_sernum6_changed(struct nfo_net *nn)
{
	u32 signature = nfo_net_signature(nn->net);

	WRITE_ONCE(nn->sernum6, nfo_net_sernum6(nn));
	if (signature != nn->signature)
		nfo_change_all(nn);
	else if (nn->early6)
		nfo_changes_again(nn, NFPROTO_IPV6, nn->early6_epoch - 1);
	nn->early6 = false;
	nn->signature = signature;
}

/**
 * nfo_net_notice() - look for changes that no event announces, and write them into the journal
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
 * nfo_net_start() - begin a namespace's journal, when the namespace gets its first flowtable
 * @nn:    namespace
 * @table: nft table of the flowtable, which is in the namespace's list of tables
 *
 * Nothing is done when there is a journal. Context: may sleep, nf_tables' commit mutex held.
 * Return: 0 or -ENOMEM.
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

/* A work item frees the object, because rhashtable_destroy() sleeps. */
static void nfo_net_free_work(struct work_struct *work)
{
	struct nfo_net *nn = container_of(to_rcu_work(work), struct nfo_net, free_work);
	unsigned long i;
	void *led;

	if (nn->journal)
		rhashtable_destroy(&nn->by_ct);
	kvfree(nn->journal);
	xa_destroy(&nn->devs);
	xa_for_each(&nn->led6, i, led)
		kfree(led);
	xa_destroy(&nn->led6);
	free_percpu(nn->stats);
	kfree(nn);
}

/**
 * nfo_net_alloc() - make the struct nfo_net of a namespace
 * @net: namespace
 *
 * Context: may sleep. Return: the object, with a reference for nfo_net_put(); NULL when there is no
 * memory.
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
	xa_init_flags(&nn->led6, XA_FLAGS_LOCK_BH);
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
 * nfo_net_publish() - let nfo_net_tryget() find the struct nfo_net of a namespace
 * @nn: the object, complete; the reference of nfo_net_alloc() stays for nfo_net_withdraw()
 *
 * Context: any.
 */
void nfo_net_publish(struct nfo_net *nn)
{
	WRITE_ONCE(*nfo_net_slot(nn->net), nn);
}

/**
 * nfo_net_withdraw() - undo nfo_net_publish()
 * @net: namespace
 *
 * Context: any. Return: the object, with the reference of nfo_net_alloc().
 */
struct nfo_net *nfo_net_withdraw(struct net *net)
{
	struct nfo_net *nn = *nfo_net_slot(net);

	WRITE_ONCE(*nfo_net_slot(net), NULL);

	return nn;
}

/**
 * nfo_net_get_rcu() - the struct nfo_net of a namespace, without a reference
 * @net: namespace
 *
 * Context: rcu_read_lock(). Return: the object, which lives until the end of the RCU section; NULL
 * when the namespace has none.
 */
struct nfo_net *nfo_net_get_rcu(const struct net *net)
{
	return READ_ONCE(*nfo_net_slot(net));
}

/**
 * nfo_net_tryget() - the struct nfo_net of a namespace, with a reference
 * @net: namespace, which may be starting or exiting
 *
 * Context: any. Return: the object, for nfo_net_put(); NULL when the namespace has none.
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
 * nfo_net_put() - drop a reference
 * @nn: may be NULL
 *
 * With the last reference the object is freed after an RCU grace period. Context: any.
 */
void nfo_net_put(struct nfo_net *nn)
{
	if (nn && refcount_dec_and_test(&nn->refs))
		queue_rcu_work(nfo_net_wq, &nn->free_work);
}

/**
 * nfo_net_queue() - queue a work item of a namespace
 * @nn:    namespace
 * @wq:    workqueue
 * @work:  embedded in @nn; its function drops a reference with nfo_net_put() at its end
 * @delay: jiffies; 0: at once
 *
 * Work that is queued already runs when it was to, unless it is to run at once now. Nothing is done
 * after nfo_net_end(). Context: any, nfo_net::journal_lock held.
 */
void nfo_net_queue(struct nfo_net *nn, struct workqueue_struct *wq, struct delayed_work *work,
		   unsigned long delay)
{
	bool queued;

	lockdep_assert_held(&nn->journal_lock);
	if (nn->over || !refcount_inc_not_zero(&nn->refs))
		return;
	queued = delay ? !queue_delayed_work(wq, work, delay) : mod_delayed_work(wq, work, 0);
	if (queued)
		/* This is not the last reference: the work that is queued has one. */
		refcount_dec(&nn->refs);
}

/**
 * nfo_net_cancel() - undo nfo_net_queue(), or wait until the work has run
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
 * nfo_net_end() - the namespace ends: nfo_net_queue() queues nothing any more
 * @nn: namespace, without flows
 *
 * Work items of this room are cancelled here; other rooms cancel theirs afterwards. Context: may
 * sleep.
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
 * nfo_net_use_dev() - a flow, or a flowtable, is about to use a device
 * @nn:      namespace
 * @ifindex: index of the device
 *
 * Events of devices that are not in nfo_net::devs are ignored, so the caller calls this before
 * packets find the flow. Context: any. Return: false when there is no memory.
 */
bool nfo_net_use_dev(struct nfo_net *nn, int ifindex)
{
	return xa_load(&nn->devs, ifindex) ||
	       !xa_err(xa_cmpxchg_bh(&nn->devs, ifindex, NULL, xa_mk_value(0), GFP_ATOMIC));
}

/**
 * nfo_net_uses_dev() - was nfo_net_use_dev() called for a device?
 * @nn:      namespace
 * @ifindex: index of the device
 *
 * Context: any.
 */
bool nfo_net_uses_dev(struct nfo_net *nn, int ifindex)
{
	return xa_load(&nn->devs, ifindex);
}

/**
 * nfo_net_forget_dev() - a device is unregistered: undo nfo_net_use_dev(), forget its routes
 * @nn:      namespace
 * @ifindex: index of the device
 *
 * A router that gives each session a device has new indexes all day, and a later device may have an
 * old index. Context: any; RTNL held, no flow uses the device, and packets do not find it any more.
 */
void nfo_net_forget_dev(struct nfo_net *nn, int ifindex)
{
	xa_erase_bh(&nn->devs, ifindex);
	kfree(xa_erase_bh(&nn->led6, ifindex));
}

/**
 * nfo_net_dev_note() - the note of a device
 * @nn:      namespace
 * @ifindex: index of the device
 *
 * Context: any. Return: what nfo_net_note_dev() noted, 0 when it noted nothing.
 */
u8 nfo_net_dev_note(struct nfo_net *nn, int ifindex)
{
	void *entry = xa_load(&nn->devs, ifindex);

	return entry ? xa_to_value(entry) : 0;
}

/**
 * nfo_net_note_dev() - replace the note of a device
 * @nn:      namespace
 * @ifindex: index of a device for which nfo_net_uses_dev() is true
 * @note:    NFO_NOTE_* and the bits of nf_flow_offload_unseen.c, with NFO_NOTE_KNOWN
 *
 * Context: any.
 */
void nfo_net_note_dev(struct nfo_net *nn, int ifindex, u8 note)
{
	/* The index has an entry already, so no memory is needed. */
	xa_store_bh(&nn->devs, ifindex, xa_mk_value(note), GFP_ATOMIC);
}

/**
 * nfo_stats_sum() - add up a namespace's counters of all CPUs
 * @nn:  namespace
 * @sum: set to the sums
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
 * nfo_net_module_init() - make the workqueue of namespaces
 *
 * Return: 0 or -ENOMEM.
 */
int __init nfo_net_module_init(void)
{
	nfo_net_wq = alloc_workqueue("nf_flow_offload_net", WQ_UNBOUND, 0);
	return nfo_net_wq ? 0 : -ENOMEM;
}

/**
 * nfo_net_module_exit() - undo nfo_net_module_init(), after the last struct nfo_net was freed
 */
void nfo_net_module_exit(void)
{
	/* queue_rcu_work() queues the work at the end of a grace period. */
	rcu_barrier();
	destroy_workqueue(nfo_net_wq);
}
