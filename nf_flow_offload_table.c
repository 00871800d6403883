// SPDX-License-Identifier: GPL-2.0
/*
 * Flowtables: what the module keeps for one, how its flows age, and walks over them.
 */
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "nfo_ct.h"
#include "nfo_hash.h"
#include "nfo_neigh.h"
#include "nfo_test_point.h"
#include "nfo_trace.h"

/* ---- the ageing wheel ---- */

/* Caller holds the wheel's lock. */
static void nfo_wheel_put(struct nfo_wheel *w, struct nfo_flow *f, u32 delay)
{
	list_add_tail(&f->wheel, &w->slot[nfo_wheel_slot(w->now, delay)]);
}

/* The wheel goes by seconds of the clock: a late run of its work visits all slots that are due. */
static unsigned long nfo_wheel_clock(void)
{
	return ktime_get_seconds();
}

/**
 * nfo_wheel_add() - look at a flow from now on
 * @w: wheel
 * @f: flow
 *
 * Context: any.
 */
void nfo_wheel_add(struct nfo_wheel *w, struct nfo_flow *f)
{
	spin_lock_bh(&w->lock);
	if (!w->count++) {
		w->now = nfo_wheel_clock();
		queue_delayed_work(system_power_efficient_wq, &w->work, HZ);
	}
	nfo_wheel_put(w, f, HZ);
	spin_unlock_bh(&w->lock);
}

/**
 * nfo_wheel_del() - a flow ended
 * @w: wheel
 * @f: flow that nfo_wheel_add() added
 *
 * Context: any.
 */
void nfo_wheel_del(struct nfo_wheel *w, struct nfo_flow *f)
{
	spin_lock_bh(&w->lock);
	list_del_init(&f->wheel);
	w->count--;
	spin_unlock_bh(&w->lock);
}

/* May conntrack drop the connection when its table is full? It keeps assured ones. */
static bool nfo_flow_is_young(const struct nfo_flow *f)
{
	return !test_bit(IPS_ASSURED_BIT, &f->ct->status);
}

/* For how many jiffies no packet came, as far as is known. Packets that hardware forwards are known
 * when the counters of the rule are read, and a busy driver may delay that. So the time since the
 * last reading counts as use.
 */
static u32 nfo_flow_known_idle(const struct nfo_flow *f)
{
	u32 idle = nfo_flow_idle(f), unread = 0, now = nfo_now();
	const struct nfo_hw_rule *rule = nfo_flow_hw(f)->rule;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		if (READ_ONCE(rule[dir].state) >= NFO_RULE_IN)
			unread = max_t(s32, unread, now - READ_ONCE(rule[dir].read));

	return idle - min(idle, unread);
}

/* Look at one flow. Return: in how many jiffies to look again; 0 when the flow was retired. */
static u32 nfo_flow_age(struct nfo_flow *f, bool pressed)
{
	u32 timeout = nfo_ct_flow_timeout(f->ct);
	u32 idle = nfo_flow_known_idle(f);
	u32 was = READ_ONCE(f->ct->timeout);

	if (nf_ct_is_dying(f->ct)) {
		nfo_flow_retire(f, NFO_R_CT_GONE);
		return 0;
	}
	if (pressed && nfo_flow_is_young(f)) {
		nfo_flow_retire(f, NFO_R_CONNTRACK_FULL);
		return 0;
	}
	if (idle >= timeout) {
		nfo_flow_retire(f, NFO_R_EXPIRED);
		return 0;
	}
	if (!nfo_ct_is_established(f->ct)) {
		nfo_flow_retire(f, nfo_ct_close_reason(f->ct));
		return 0;
	}
	nfo_test_point(NFO_TP_AGE_LIVE, f);
	nfo_ct_hold_timeout(f->ct, was, idle);

	return nfo_flow_is_young(f) ? min_t(u32, HZ, timeout - idle) : timeout - idle;
}

/* Take the next flow of a slot off its list. nfo_wheel::count still counts the flow. */
static struct nfo_flow *nfo_wheel_next(struct nfo_wheel *w, struct list_head *slot)
{
	struct nfo_flow *f;

	spin_lock_bh(&w->lock);
	f = list_first_entry_or_null(slot, struct nfo_flow, wheel);
	if (f)
		list_del_init(&f->wheel);
	spin_unlock_bh(&w->lock);

	return f;
}

static void nfo_wheel_again(struct nfo_wheel *w, struct nfo_flow *f, u32 delay)
{
	spin_lock_bh(&w->lock);
	if (!test_bit(NFO_F_DEAD, &f->state))
		nfo_wheel_put(w, f, delay);
	spin_unlock_bh(&w->lock);
}

/* Visit the flows of one slot. A flow that is put back goes into a later slot. */
static void nfo_wheel_turn(struct nfo_wheel *w, unsigned long second, bool pressed)
{
	struct list_head *slot = &w->slot[second % NFO_WHEEL_SLOTS], due;
	unsigned int batch = 0;
	struct nfo_flow *f;
	u32 delay;

	INIT_LIST_HEAD(&due);
	spin_lock_bh(&w->lock);
	list_splice_init(slot, &due);
	spin_unlock_bh(&w->lock);

	rcu_read_lock();
	while ((f = nfo_wheel_next(w, &due))) {
		delay = nfo_flow_age(f, pressed);
		if (delay)
			nfo_wheel_again(w, f, delay);
		if (++batch % 256)
			continue;
		rcu_read_unlock();
		cond_resched();
		rcu_read_lock();
	}
	rcu_read_unlock();
}

/* When a timeout was lowered, all flows are due now, because their slots were chosen by the old
 * timeout. Caller holds the wheel's lock.
 */
static void nfo_wheel_recall(struct nfo_wheel *w, const struct net *net)
{
	u32 tcp = nfo_flow_timeout(net, IPPROTO_TCP);
	u32 udp = nfo_flow_timeout(net, IPPROTO_UDP);
	int i;

	if (tcp < w->tcp_timeout || udp < w->udp_timeout)
		for (i = 1; i < NFO_WHEEL_SLOTS; i++)
			list_splice_tail_init(&w->slot[(w->now + i) % NFO_WHEEL_SLOTS],
					      &w->slot[w->now % NFO_WHEEL_SLOTS]);
	w->tcp_timeout = tcp;
	w->udp_timeout = udp;
}

/* Visit the slots of all seconds that have begun since the last run. */
static void nfo_wheel_work(struct work_struct *work)
{
	struct nfo_wheel *w = container_of(to_delayed_work(work),
					   struct nfo_wheel, work);
	struct nfo_table *t = container_of(w, struct nfo_table, wheel);
	unsigned long from, to;
	bool pressed;

	spin_lock_bh(&w->lock);
	pressed = w->pressed;
	w->pressed = false;
	from = w->now + 1;
	to = max(nfo_wheel_clock(), w->now);
	if (to - w->now > NFO_WHEEL_SLOTS)
		from = to - NFO_WHEEL_SLOTS + 1;
	w->now = to;
	nfo_wheel_recall(w, t->nn->net);
	spin_unlock_bh(&w->lock);

	for (; from <= to; from++)
		nfo_wheel_turn(w, from, pressed);
	/* Flows of connections that are not assured are visited every second: they are here. */
	for (from = to; pressed && from <= to + 2; from++)
		nfo_wheel_turn(w, from, pressed);

	spin_lock_bh(&w->lock);
	if (w->count)
		queue_delayed_work(system_power_efficient_wq, &w->work, HZ);
	spin_unlock_bh(&w->lock);
}

/**
 * nfo_table_press() - end flows of connections that are not assured, for conntrack is nearly full
 * @t: table
 *
 * The wheel's work ends them; conntrack may drop these connections then. Context: any.
 */
void nfo_table_press(struct nfo_table *t)
{
	struct nfo_wheel *w = &t->wheel;

	if (READ_ONCE(w->pressed))
		return;
	spin_lock_bh(&w->lock);
	if (w->count) {
		w->pressed = true;
		mod_delayed_work(system_power_efficient_wq, &w->work, 0);
	}
	spin_unlock_bh(&w->lock);
}

static void nfo_wheel_init(struct nfo_wheel *w)
{
	int i;

	spin_lock_init(&w->lock);
	for (i = 0; i < NFO_WHEEL_SLOTS; i++)
		INIT_LIST_HEAD(&w->slot[i]);
	INIT_DELAYED_WORK(&w->work, nfo_wheel_work);
}

/* Let others run in the middle of a long walk, which goes on behind the entry that it has reached.
 * Context: may sleep. Return: false when this entry has left its chain meanwhile: then the walk may
 * miss the entries behind.
 */
static bool nfo_walk_pause(struct rhashtable_iter *iter)
{
	if (!need_resched())
		return true;
	rhashtable_walk_stop(iter);
	cond_resched();
	nfo_walk_start(iter);

	return iter->p;
}

/* Which flows a walk retires, and why: those of @table, or of all tables when it is NULL, for which
 * @match says so, or all when it is NULL.
 */
struct nfo_retire {
	const struct nfo_table	*table;
	enum nfo_reason		why;
	bool			(*match)(const struct nfo_flow *f, const void *arg);
	const void		*arg;
};

/* Walks the flows by connection, because a flow whose directions are both forgotten has no entry in
 * its table. @count: how many were retired is added. Return: false when flows may have been missed.
 */
static bool nfo_retire_pass(struct nfo_net *nn, const struct nfo_retire *r, unsigned int *count)
{
	struct rhashtable_iter iter;
	struct nfo_flow *f;
	bool all = true;

	rhashtable_walk_enter(&nn->by_ct, &iter);
	nfo_walk_start(&iter);
	while ((f = rhashtable_walk_next(&iter))) {
		/* -EAGAIN: the table was resized, and the walk has begun anew. */
		if (IS_ERR(f))
			continue;
		if ((!r->table || f->table == r->table) && (!r->match || r->match(f, r->arg))) {
			nfo_flow_retire(f, r->why);
			(*count)++;
		}
		if (!nfo_walk_pause(&iter))
			all = false;
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);

	return all;
}

/* The number of walks is bounded, because packets may promote again what a walk retires. @flows:
 * counts the flows of the table, or of all tables. Return: how many were retired.
 */
static unsigned int nfo_retire(struct nfo_net *nn, const struct nfo_retire *r,
			       const atomic_t *flows)
{
	unsigned int count = 0, pass;

	for (pass = 0; pass < 16 && atomic_read(flows); pass++)
		if (nfo_retire_pass(nn, r, &count))
			break;

	return count;
}

/**
 * nfo_table_retire_if() - retire the flows of a table that match
 * @t:     table
 * @why:   reason of their end, counted for each
 * @match: called under rcu_read_lock() for each flow; NULL matches all
 * @arg:   for @match
 *
 * Context: may sleep. A flow that is promoted during the walk may be missed.
 * Return: how many were retired.
 */
unsigned int nfo_table_retire_if(struct nfo_table *t, enum nfo_reason why,
				 bool (*match)(const struct nfo_flow *f, const void *arg),
				 const void *arg)
{
	const struct nfo_retire r = { .table = t, .why = why, .match = match, .arg = arg };

	return nfo_retire(t->nn, &r, &t->flows);
}

/**
 * nfo_table_for_each() - visit the flows of a table that match
 * @t:     table
 * @match: called under rcu_read_lock() for each flow
 * @arg:   for @match
 * @use:   called likewise for each flow that matches, as long as it returns 0
 * @data:  for @use
 *
 * Context: may sleep, but neither @match nor @use may. Flows that come or go meanwhile may be
 * missed or met twice. Return: what @use returned last, or 0.
 */
int nfo_table_for_each(struct nfo_table *t,
		       bool (*match)(const struct nfo_flow *f, const void *arg), const void *arg,
		       int (*use)(struct nfo_flow *f, void *data), void *data)
{
	struct rhashtable_iter iter;
	struct nfo_entry *e;
	int err = 0;

	rhashtable_walk_enter(&t->ht, &iter);
	nfo_walk_start(&iter);
	while (!err && (e = rhashtable_walk_next(&iter))) {
		if (IS_ERR(e))
			continue;
		if (nfo_entry_leads(e) && match(nfo_flow(e), arg))
			err = use(nfo_flow(e), data);
		nfo_walk_pause(&iter);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);

	return err;
}

static u64 nfo_hash_memory(const struct rhashtable *ht)
{
	const struct bucket_table *tbl;
	u64 bytes;

	rcu_read_lock();
	tbl = rcu_dereference(ht->tbl);
	bytes = struct_size(tbl, buckets, tbl->size);
	rcu_read_unlock();

	return bytes;
}

/**
 * nfo_table_memory() - the memory of a table and its flows
 * @t: table
 *
 * Flows that have ended and wait for an RCU grace period are not counted. Context: any.
 * Return: bytes.
 */
u64 nfo_table_memory(const struct nfo_table *t)
{
	u64 flows = atomic_read(&t->flows);
	u64 v6 = min_t(u64, atomic_read(&t->flows6), flows);
	bool hw = t->flags & NF_FLOWTABLE_HW_OFFLOAD;

	return sizeof(*t) + nfo_hash_memory(&t->ht) + (flows - v6) * nfo_flow_size(false, hw) +
	       v6 * nfo_flow_size(true, hw);
}

/**
 * nfo_net_memory() - the memory that a namespace costs
 * @nn: namespace
 *
 * Context: may sleep, nfo_net::lock held. Return: bytes.
 */
u64 nfo_net_memory(const struct nfo_net *nn)
{
	u64 bytes = sizeof(*nn) + num_possible_cpus() * sizeof(*nn->stats) +
		    atomic_long_read(&nn->route_refs);
	const struct nfo_table *t;

	if (nn->journal)
		bytes += sizeof(*nn->journal) + nfo_hash_memory(&nn->by_ct);
	list_for_each_entry(t, &nn->tables, list)
		bytes += nfo_table_memory(t);

	return bytes;
}

static bool nfo_flow_uses(const struct nfo_flow *f, const void *arg)
{
	const struct net_device *dev = arg;
	const struct nfo_route_refs *refs;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		refs = nfo_flow_refs(f, dir);
		if (refs->out == dev || refs->out_lower.dev == dev || refs->in == dev ||
		    f->e[dir].key.iif == dev->ifindex)
			return true;
	}

	return false;
}

/**
 * nfo_table_flush() - retire the flows of a table that use a device, or all of them
 * @t:   table
 * @dev: device; NULL for all flows
 * @why: reason of their end, counted for each
 *
 * Context: may sleep. When @dev is down or gone, or no hook calls the module any more,
 * no flow is promoted that the walk could miss.
 */
void nfo_table_flush(struct nfo_table *t, const struct net_device *dev,
		     enum nfo_reason why)
{
	nfo_table_retire_if(t, why, dev ? nfo_flow_uses : NULL, dev);
}

/* Is a device down, or not the namespace's any more? NULL: no device, false. */
static bool nfo_dev_is_lost(const struct nfo_net *nn, const struct net_device *dev)
{
	return dev && (!(READ_ONCE(dev->flags) & IFF_UP) || !net_eq(dev_net(dev), nn->net));
}

/* Is the device that packets come in by down or gone? It is @in, or the listed one below. */
static bool nfo_iif_is_lost(const struct nfo_net *nn, int iif, const struct net_device *in)
{
	const struct net_device *dev;

	if (!in || in->ifindex == iif)
		return false;
	dev = dev_get_by_index_rcu(nn->net, iif);

	return !dev || nfo_dev_is_lost(nn, dev);
}

/* Does a flow use a device that is down or gone? A direction that was forgotten counts, because it
 * keeps its references. @arg: the namespace.
 */
static bool nfo_flow_is_lost(const struct nfo_flow *f, const void *arg)
{
	const struct nfo_net *nn = arg;
	const struct nfo_route_refs *refs;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		refs = nfo_flow_refs(f, dir);
		if (nfo_dev_is_lost(nn, refs->out) || nfo_dev_is_lost(nn, refs->out_lower.dev) ||
		    nfo_dev_is_lost(nn, refs->in) ||
		    nfo_iif_is_lost(nn, f->e[dir].key.iif, refs->in))
			return true;
	}

	return false;
}

/**
 * nfo_table_lost_work() - retire the flows of a namespace that use devices which are down or gone
 * @work: nfo_net::lost_work
 *
 * One walk does for all devices of which nfo_table_lost() told before the walk. Context: may sleep.
 */
void nfo_table_lost_work(struct work_struct *work)
{
	struct nfo_net *nn = container_of(to_delayed_work(work), struct nfo_net, lost_work);
	const struct nfo_retire r = {
		.why = NFO_R_DEV_GONE, .match = nfo_flow_is_lost, .arg = nn,
	};

	nfo_retire(nn, &r, &nn->flows);
	nfo_net_put(nn);
}

/* How long the flows of a device that is down may stay, in jiffies. They are stale, so no packet is
 * forwarded by them. A device that is removed goes down shortly before.
 */
#define NFO_LOST_AFTER	(HZ / 10)

/**
 * nfo_table_lost() - flows may use a device that is down or unregistered
 * @nn:   namespace, whose journal has the change
 * @gone: the device is unregistered, and who does so waits for the references of its flows
 *
 * The walk through all flows takes long where there are many, and a server that loses its sessions
 * has a device for each. So a work item walks, once for many devices, without RTNL. Context: any.
 */
void nfo_table_lost(struct nfo_net *nn, bool gone)
{
	spin_lock_bh(&nn->journal_lock);
	if (nn->journal && atomic_read(&nn->flows))
		nfo_net_queue(nn, nfo_net_wq, &nn->lost_work, gone ? 0 : NFO_LOST_AFTER);
	spin_unlock_bh(&nn->journal_lock);
}

/* ---- the table itself ---- */

static int nfo_table_name(struct nfo_table *t, const struct nf_flowtable *ft)
{
	const struct nft_flowtable *nft = container_of(ft, struct nft_flowtable, data);

	t->family = nft->table->family;
	t->flags = ft->flags;
	t->table_name = kstrdup(nft->table->name, GFP_KERNEL_ACCOUNT);
	t->name = kstrdup(nft->name, GFP_KERNEL_ACCOUNT);

	return t->table_name && t->name ? 0 : -ENOMEM;
}

/* With the first flowtable of a namespace, make the table that finds flows by their connection, and
 * the journal of changes. Caller holds nf_tables' commit mutex.
 */
static int nfo_table_net_start(struct nfo_net *nn, const struct nft_table *table)
{
	int err;

	if (nn->journal)
		return 0;
	err = rhashtable_init(&nn->by_ct, &nfo_ct_params);
	if (err)
		return err;
	err = nfo_net_start(nn, table);
	if (err)
		rhashtable_destroy(&nn->by_ct);

	return err;
}

/**
 * nfo_table_enlist() - let other contexts find a new table
 * @t: table of nfo_table_alloc(), whose hardware side is made
 *
 * From here on events, workers and dumps use the table. nfo_table_drain() undoes it. Context: may
 * sleep.
 */
void nfo_table_enlist(struct nfo_table *t)
{
	mutex_lock(&t->nn->lock);
	t->id = ++t->nn->next_id;
	list_add_tail(&t->list, &t->nn->tables);
	mutex_unlock(&t->nn->lock);
}

/**
 * nfo_table_alloc() - make our side of a flowtable
 * @net: namespace
 * @ft:  nf_tables' side, with its name
 *
 * Context: may sleep, nf_tables' commit mutex held. Return: table, for nfo_table_enlist(), or an
 * ERR_PTR.
 */
struct nfo_table *nfo_table_alloc(struct net *net, struct nf_flowtable *ft)
{
	struct nfo_net *nn = nfo_net_tryget(net);
	struct nfo_table *t;
	int err;

	if (!nn)
		return ERR_PTR(-ENODEV);

	err = -ENOMEM;
	t = kzalloc_obj(*t, GFP_KERNEL_ACCOUNT);
	if (!t)
		goto err_net;
	err = nfo_table_name(t, ft);
	if (err)
		goto err_table;
	err = nfo_table_net_start(nn, container_of(ft, struct nft_flowtable, data)->table);
	if (err)
		goto err_table;
	err = rhashtable_init(&t->ht, &nfo_ht_params);
	if (err)
		goto err_table;

	t->nn = nn;
	t->ft = ft;
	refcount_set(&t->refs, 1);
	nfo_devs_init(&t->devs);
	nfo_wheel_init(&t->wheel);

	return t;

err_table:
	kfree(t->name);
	kfree(t->table_name);
	kfree(t);
err_net:
	nfo_net_put(nn);
	return ERR_PTR(err);
}

/**
 * nfo_table_next() - walk the tables of a namespace; the caller may sleep between two of them
 * @nn:    namespace
 * @after: id of the table before; 0 to begin
 *
 * Context: may sleep. Return: a table with a reference for nfo_table_put(), or
 * NULL at the end.
 */
struct nfo_table *nfo_table_next(struct nfo_net *nn, u32 after)
{
	struct nfo_table *t, *found = NULL;

	mutex_lock(&nn->lock);
	list_for_each_entry(t, &nn->tables, list) {
		if (t->id <= after)
			continue;
		refcount_inc(&t->refs);
		found = t;
		break;
	}
	mutex_unlock(&nn->lock);

	return found;
}

/**
 * nfo_table_put() - drop a reference of nfo_table_next()
 * @t: table
 *
 * Context: may sleep.
 */
void nfo_table_put(struct nfo_table *t)
{
	if (!refcount_dec_and_test(&t->refs))
		return;

	rhashtable_destroy(&t->ht);
	nfo_net_put(t->nn);
	kfree(t->name);
	kfree(t->table_name);
	kfree_rcu(t, rcu);
}

/**
 * nfo_table_drain() - end all flows of a table that is about to go
 * @t: table whose hooks are unregistered; the hooks that learn may still be there
 *
 * Waits for an RCU grace period first: on nf_tables' error path a packet may still
 * be in the hook (CVE-2026-23392). After the return no packet uses the table. Context: may sleep.
 */
void nfo_table_drain(struct nfo_table *t)
{
	mutex_lock(&t->nn->lock);
	list_del(&t->list);
	/* This voids the permits of the table. */
	atomic_inc(&nfo_tables_gen);
	mutex_unlock(&t->nn->lock);

	synchronize_rcu();
	nfo_table_flush(t, NULL, NFO_R_TABLE_GONE);
	/* Another context has set NFO_F_DEAD of these flows and is about to retire them. Sleep,
	 * because this one may have preempted it.
	 */
	while (atomic_read(&t->flows)) {
		schedule_timeout_uninterruptible(1);
		nfo_table_flush(t, NULL, NFO_R_TABLE_GONE);
	}
	cancel_delayed_work_sync(&t->wheel.work);
	/* A packet of the classic path that found a flow before it ended may still be teaching it,
	 * and put an entry into the table, and take it out again.
	 */
	synchronize_rcu();
}

/**
 * nfo_table_free() - undo nfo_table_alloc()
 * @t: table that nfo_hw_leave_all() and nfo_table_drain() have emptied
 *
 * A dump may keep the empty table for a while. Context: may sleep.
 */
void nfo_table_free(struct nfo_table *t)
{
	WARN_ON_ONCE(atomic_read(&t->flows));
	WARN_ON_ONCE(!list_empty(&t->devs.list));
	nfo_table_put(t);
}
