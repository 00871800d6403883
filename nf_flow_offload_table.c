// SPDX-License-Identifier: GPL-2.0
/*
 * Flows: from allocation through the hash table and the ageing wheel to the
 * RCU callback that frees them.
 */
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "nfo_ct.h"
#include "nfo_hash.h"
#include "nfo_neigh.h"
#include "nfo_test_point.h"
#include "nfo_trace.h"

static struct kmem_cache *nfo_flow_cache4;
static struct kmem_cache *nfo_flow_cache6;

u32 nfo_hash_seed __read_mostly;

/* Set once at module init, before there is a table. */
const struct nfo_table_ops *nfo_table_ops __read_mostly;

/* ---- making a flow ---- */

static void nfo_entry_key(struct nfo_entry *e,
			  const struct nf_conntrack_tuple *t,
			  const struct nfo_lower *lower)
{
	e->key.sport = t->src.u.all;
	e->key.dport = t->dst.u.all;
	nfo_key_set_lower(&e->key, lower);
	e->key.l4proto = t->dst.protonum;
	e->key.family = t->src.l3num;
	if (t->src.l3num == NFPROTO_IPV4) {
		e->key.saddr = t->src.u3.ip;
		e->key.daddr = t->dst.u3.ip;
		return;
	}
	e->key.saddr = nfo_fold6(&t->src.u3.in6);
	e->key.daddr = nfo_fold6(&t->dst.u3.in6);
	nfo_addr6(e)->saddr = t->src.u3.in6;
	nfo_addr6(e)->daddr = t->dst.u3.in6;
}

/* A packet of this direction leaves as the mirror image of the other tuple. */
static void nfo_entry_nat(struct nfo_entry *e,
			  const struct nf_conntrack_tuple *t,
			  const struct nf_conntrack_tuple *other)
{
	unsigned int len = t->src.l3num == NFPROTO_IPV4 ? 4 : 16;
	u16 ports;

	e->sport = other->dst.u.all;
	e->dport = other->src.u.all;
	e->saddr = other->dst.u3.ip;
	e->daddr = other->src.u3.ip;
	if (t->src.l3num == NFPROTO_IPV6) {
		nfo_addr6(e)->new_saddr = other->dst.u3.in6;
		nfo_addr6(e)->new_daddr = other->src.u3.in6;
	}

	e->addr_delta = nfo_csum_delta_add(nfo_csum_delta(&t->src.u3, &other->dst.u3, len),
					   nfo_csum_delta(&t->dst.u3, &other->src.u3, len));
	ports = nfo_csum_delta_add(nfo_csum_delta(&t->src.u.all, &other->dst.u.all, 2),
				   nfo_csum_delta(&t->dst.u.all, &other->src.u.all, 2));
	e->l4_delta = nfo_csum_delta_add(e->addr_delta, ports);
}

static void nfo_entry_route(struct nfo_entry *e, const struct nfo_route *route)
{
	e->in = route->in;
	e->out = route->refs.out;
	e->mtu = route->mtu;
	e->hh_len = route->hh_len;
	memcpy(e->hh, route->hh, sizeof(e->hh));
	if (route->keep_dst)
		e->flags |= NFO_E_KEEP_DST;
}

/**
 * nfo_flow_alloc() - make a flow of a connection
 * @t:     table it will live in
 * @ct:    confirmed connection; the flow takes a reference of its own
 * @route:  both directions' decisions; what they hold passes to the flow
 * @epoch: topology epoch read before @route was resolved
 *
 * Context: any. Return: the flow, or NULL when memory ran out; then @route
 * still belongs to the caller.
 */
struct nfo_flow *nfo_flow_alloc(struct nfo_table *t, struct nf_conn *ct,
				struct nfo_route route[IP_CT_DIR_MAX], u32 epoch)
{
	bool v6 = nf_ct_l3num(ct) == NFPROTO_IPV6;
	struct nfo_flow *f;
	int dir;

	f = kmem_cache_zalloc(v6 ? nfo_flow_cache6 : nfo_flow_cache4, GFP_ATOMIC);
	if (!f)
		return NULL;

	nf_conntrack_get(&ct->ct_general);
	f->ct = ct;
	f->table = t;
	f->added = nfo_now();
	spin_lock_init(&f->lock);
	INIT_LIST_HEAD(&f->wheel);
	refcount_set(&f->refs, 1);

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct nfo_entry *e = &f->e[dir];

		if (dir == IP_CT_DIR_REPLY)
			e->flags |= NFO_E_REPLY;
		if (ct->status & IPS_NAT_MASK)
			e->flags |= NFO_E_NAT;
		nfo_entry_key(e, nf_ct_tuple(ct, dir), &route[dir].in_lower);
		nfo_entry_nat(e, nf_ct_tuple(ct, dir), nf_ct_tuple(ct, !dir));
		nfo_entry_route(e, &route[dir]);
		e->ct = ct;
		e->epoch = epoch;
		e->used = f->added;
		f->route[dir] = route[dir].refs;
		memset(&route[dir].refs, 0, sizeof(route[dir].refs));
	}

	return f;
}

/**
 * nfo_route_refs_put() - drop what a direction holds
 * @refs: may be empty or half filled
 *
 * Context: any.
 */
void nfo_route_refs_put(struct nfo_route_refs *refs)
{
	if (refs->neigh)
		nfo_neigh_put(refs->neigh);
	if (refs->out_lower.dev)
		netdev_put(refs->out_lower.dev, &refs->lower_tracker);
	if (refs->out)
		netdev_put(refs->out, &refs->tracker);
	dst_release(refs->dst);
	memset(refs, 0, sizeof(*refs));
}

/**
 * nfo_flow_free() - undo nfo_flow_alloc()
 * @f: flow that nobody can find (any more)
 *
 * Context: any. Drops the references of both paths and of the connection.
 */
void nfo_flow_free(struct nfo_flow *f)
{
	struct nf_conn *ct = f->ct;
	bool v6 = f->e[0].key.family == NFPROTO_IPV6;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		nfo_route_refs_put(&f->route[dir]);
	kmem_cache_free(v6 ? nfo_flow_cache6 : nfo_flow_cache4, f);
	nf_ct_put(ct);
}

static void nfo_flow_free_rcu(struct rcu_head *rcu)
{
	nfo_flow_free(container_of(rcu, struct nfo_flow, rcu));
}

/**
 * nfo_flow_put() - drop a reference of a flow
 * @f: flow
 *
 * Context: any. The last one frees it after an RCU grace period.
 */
void nfo_flow_put(struct nfo_flow *f)
{
	if (refcount_dec_and_test(&f->refs))
		call_rcu(&f->rcu, nfo_flow_free_rcu);
}

/* ---- the ageing wheel ---- */

/* Jiffies since its last packet. */
static u32 nfo_flow_idle(const struct nfo_flow *f)
{
	u32 now = nfo_now();
	u32 a = now - READ_ONCE(f->e[0].used);
	u32 b = now - READ_ONCE(f->e[1].used);

	return min(a, b);
}

/**
 * nfo_flow_left() - when a flow ends if no packet comes
 * @f: flow seen under rcu_read_lock()
 *
 * Return: jiffies.
 */
u32 nfo_flow_left(const struct nfo_flow *f)
{
	return nfo_timeout_left(nfo_ct_flow_timeout(f->ct), nfo_flow_idle(f));
}

/* Caller holds the wheel's lock. */
static void nfo_wheel_put(struct nfo_wheel *w, struct nfo_flow *f, u32 delay)
{
	list_add_tail(&f->wheel, &w->slot[nfo_wheel_slot(w->now, delay)]);
}

static void nfo_wheel_add(struct nfo_wheel *w, struct nfo_flow *f)
{
	spin_lock_bh(&w->lock);
	nfo_wheel_put(w, f, nfo_ct_flow_timeout(f->ct));
	if (!w->count++)
		queue_delayed_work(system_power_efficient_wq, &w->work, HZ);
	spin_unlock_bh(&w->lock);
}

static void nfo_wheel_del(struct nfo_wheel *w, struct nfo_flow *f)
{
	spin_lock_bh(&w->lock);
	list_del_init(&f->wheel);
	w->count--;
	spin_unlock_bh(&w->lock);
}

/* Look at one flow: end it, or say in how many jiffies to look again. */
static u32 nfo_flow_age(struct nfo_flow *f)
{
	u32 timeout = nfo_ct_flow_timeout(f->ct);
	u32 idle = nfo_flow_idle(f);

	if (nf_ct_is_dying(f->ct)) {
		nfo_flow_retire(f, NFO_R_CT_GONE);
		return 0;
	}
	if (idle >= timeout) {
		nfo_flow_retire(f, NFO_R_EXPIRED);
		return 0;
	}
	if (nf_ct_protonum(f->ct) == IPPROTO_TCP &&
	    READ_ONCE(f->ct->proto.tcp.state) != TCP_CONNTRACK_ESTABLISHED) {
		nfo_flow_retire(f, NFO_R_TCP_CLOSE);
		return 0;
	}
	nfo_test_point(NFO_TP_AGE_LIVE, f);
	nfo_ct_hold_timeout(f->ct);

	return timeout - idle;
}

/* Take the next flow of a slot off its list; it stays counted. */
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

/* One slot. Flows put back during the walk land in later slots only. */
static void nfo_wheel_turn(struct nfo_wheel *w)
{
	struct list_head *slot = &w->slot[w->now % NFO_WHEEL_SLOTS];
	unsigned int batch = 0;
	struct nfo_flow *f;
	u32 delay;

	rcu_read_lock();
	while ((f = nfo_wheel_next(w, slot))) {
		delay = nfo_flow_age(f);
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

/* Somebody lowered a timeout: what was to be looked at by the old one is due
 * now. Caller holds the wheel's lock.
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

static void nfo_wheel_work(struct work_struct *work)
{
	struct nfo_wheel *w = container_of(to_delayed_work(work),
					   struct nfo_wheel, work);
	struct nfo_table *t = container_of(w, struct nfo_table, wheel);

	spin_lock_bh(&w->lock);
	w->now++;
	nfo_wheel_recall(w, t->nn->net);
	spin_unlock_bh(&w->lock);

	nfo_wheel_turn(w);

	spin_lock_bh(&w->lock);
	if (w->count)
		queue_delayed_work(system_power_efficient_wq, &w->work, HZ);
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

/* ---- the hash table ---- */

static int nfo_entry_insert(struct nfo_table *t, struct nfo_entry *e)
{
	struct nfo_lookup l = { .key = e->key };

	if (e->key.family == NFPROTO_IPV6) {
		l.saddr6 = &nfo_addr6(e)->saddr;
		l.daddr6 = &nfo_addr6(e)->daddr;
	}

	return rhashtable_lookup_insert_key(&t->ht, &l, &e->node, nfo_ht_params);
}

static void nfo_entry_remove(struct nfo_table *t, struct nfo_entry *e)
{
	rhashtable_remove_fast(&t->ht, &e->node, nfo_ht_params);
}

static enum nfo_reason nfo_insert_reason(int err)
{
	return err == -EEXIST ? NFO_R_TUPLE_BUSY : NFO_R_NO_MEMORY;
}

/**
 * nfo_flow_insert() - let packets find a flow
 * @f:      flow made by nfo_flow_alloc(), whose connection has IPS_OFFLOAD set
 * @oneway: publish the original direction only, see nfo_flow_join()
 *
 * Context: rcu_read_lock(). The original direction is published last: walks go
 * by it, so they never meet half a flow.
 *
 * Return: NFO_R_NONE; or why not, and then @f is gone, its connection as it
 * was before and IPS_OFFLOAD clear.
 */
enum nfo_reason nfo_flow_insert(struct nfo_flow *f, bool oneway)
{
	struct nfo_ct_saved saved = nfo_ct_offload_begin(f->ct);
	struct nfo_table *t = f->table;
	int err;

	if (oneway) {
		set_bit(NFO_F_ONEWAY, &f->state);
		atomic_inc(&t->oneway);
	} else {
		err = nfo_entry_insert(t, &f->e[IP_CT_DIR_REPLY]);
		if (err) {
			nfo_ct_offload_abort(f->ct, saved);
			nfo_flow_free(f);
			return nfo_insert_reason(err);
		}
		nfo_test_point(NFO_TP_REPLY_PUBLISHED, f);
	}

	nfo_wheel_add(&t->wheel, f);
	atomic_inc(&t->flows);
	atomic_inc(&t->nn->flows);

	err = nfo_entry_insert(t, &f->e[IP_CT_DIR_ORIGINAL]);
	if (err) {
		nfo_flow_retire(f, NFO_R_NONE);
		return nfo_insert_reason(err);
	}

	/* A FIN in the reply direction may have retired it already, and whoever
	 * did that found no original entry to remove.
	 */
	smp_mb();
	if (test_bit(NFO_F_DEAD, &f->state))
		nfo_entry_remove(t, &f->e[IP_CT_DIR_ORIGINAL]);
	this_cpu_inc(t->nn->stats->added);
	trace_nfo_promote(f->ct, nfo_reason_names[NFO_R_NONE]);
	nfo_table_ops->added(f);

	return NFO_R_NONE;
}

/* Joined or retired, whichever comes first. */
static void nfo_flow_not_oneway(struct nfo_flow *f)
{
	if (test_and_clear_bit(NFO_F_ONEWAY, &f->state))
		atomic_dec(&f->table->oneway);
}

/**
 * nfo_flow_join() - a reply was seen: publish the reply direction as well
 * @f: live flow with NFO_F_ONEWAY, seen under rcu_read_lock()
 *
 * Context: any. Does nothing when somebody else is at it or did it.
 */
void nfo_flow_join(struct nfo_flow *f)
{
	struct nfo_entry *e = &f->e[IP_CT_DIR_REPLY];

	if (test_and_set_bit(NFO_F_JOINING, &f->state))
		return;
	WRITE_ONCE(e->used, nfo_now());
	if (nfo_entry_insert(f->table, e))
		return;
	nfo_flow_not_oneway(f);

	/* Retired meanwhile: whoever did that saw no reply entry to remove. */
	smp_mb__after_atomic();
	if (test_bit(NFO_F_DEAD, &f->state))
		nfo_entry_remove(f->table, e);
}

/**
 * nfo_flow_retire() - end a flow and hand its connection back to conntrack
 * @f:   flow seen under rcu_read_lock(), or not yet published in full
 * @why: counted; NFO_R_NONE when the caller counts
 *
 * Context: any; takes bucket locks, the wheel's lock, ct->lock one after the
 * other. Returns with the flow gone from every list, and its memory safe until
 * the end of the caller's RCU section. Of several callers one does the work.
 */
void nfo_flow_retire(struct nfo_flow *f, enum nfo_reason why)
{
	struct nfo_table *t = f->table;

	if (test_and_set_bit(NFO_F_DEAD, &f->state))
		return;

	nfo_entry_remove(t, &f->e[IP_CT_DIR_ORIGINAL]);
	nfo_entry_remove(t, &f->e[IP_CT_DIR_REPLY]);
	nfo_wheel_del(&t->wheel, f);
	atomic_dec(&t->flows);
	atomic_dec(&t->nn->flows);

	nfo_ct_offload_end(f->ct, nfo_flow_idle(f));
	nfo_count_reason(t->nn, why);
	if (why) {
		trace_nfo_retire(f->ct, nfo_reason_names[why]);
		nfo_table_ops->retired(f, why);
	}
	nfo_flow_not_oneway(f);
	nfo_flow_put(f);
}

static unsigned int nfo_table_retire_pass(struct nfo_table *t, enum nfo_reason why,
					  bool (*match)(const struct nfo_flow *f,
							const void *arg),
					  const void *arg)
{
	struct rhashtable_iter iter;
	unsigned int count = 0;
	struct nfo_entry *e;

	rhashtable_walk_enter(&t->ht, &iter);
	nfo_walk_start(&iter);
	while ((e = rhashtable_walk_next(&iter))) {
		/* -EAGAIN: the table was resized, the walk began anew */
		if (IS_ERR(e) || nfo_dir(e) != IP_CT_DIR_ORIGINAL)
			continue;
		if (!match || match(nfo_flow(e), arg)) {
			nfo_flow_retire(nfo_flow(e), why);
			count++;
		}
		if (!need_resched())
			continue;
		rhashtable_walk_stop(&iter);
		cond_resched();
		nfo_walk_start(&iter);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);

	return count;
}

/**
 * nfo_table_retire_if() - retire those flows of a table that match
 * @t:     table
 * @why:   counted
 * @match: called under rcu_read_lock() for each flow; NULL matches all
 * @arg:   for @match
 *
 * Context: may sleep. A flow promoted during the walk may be missed.
 * Return: how many were retired.
 */
unsigned int nfo_table_retire_if(struct nfo_table *t, enum nfo_reason why,
				 bool (*match)(const struct nfo_flow *f, const void *arg),
				 const void *arg)
{
	unsigned int count, total = 0, pass;

	/* A walk that pauses in a chain it removes from misses what is behind: only
	 * one that removed nothing has seen all. Bounded, for packets may promote
	 * anew what a caller asks to remove.
	 */
	for (pass = 0; pass < 16 && atomic_read(&t->flows); pass++) {
		count = nfo_table_retire_pass(t, why, match, arg);
		if (!count)
			break;
		total += count;
	}

	return total;
}

static bool nfo_flow_uses(const struct nfo_flow *f, const void *arg)
{
	const struct net_device *dev = arg;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		if (f->route[dir].out == dev || f->route[dir].out_lower.dev == dev ||
		    f->e[dir].in == dev->ifindex ||
		    f->e[dir].key.iif == dev->ifindex)
			return true;
	return false;
}

/**
 * nfo_table_flush() - retire flows
 * @t:   table
 * @dev: those that use this device, or NULL for all
 * @why: counted
 *
 * Context: may sleep. With @dev down or gone, or no hook calling us any more,
 * no flow is promoted that the walk could miss.
 */
void nfo_table_flush(struct nfo_table *t, const struct net_device *dev,
		     enum nfo_reason why)
{
	nfo_table_retire_if(t, why, dev ? nfo_flow_uses : NULL, dev);
}

/* ---- the table itself ---- */

static int nfo_table_name(struct nfo_table *t, const struct nf_flowtable *ft)
{
	const struct nft_flowtable *nft = container_of(ft, struct nft_flowtable, data);

	t->family = nft->table->family;
	t->flags = ft->flags;
	t->table_name = kstrdup(nft->table->name, GFP_KERNEL);
	t->name = kstrdup(nft->name, GFP_KERNEL);

	return t->table_name && t->name ? 0 : -ENOMEM;
}

static void nfo_table_enlist(struct nfo_table *t)
{
	mutex_lock(&t->nn->lock);
	t->id = ++t->nn->next_id;
	list_add_tail(&t->list, &t->nn->tables);
	mutex_unlock(&t->nn->lock);
}

/**
 * nfo_table_alloc() - make our side of a flowtable
 * @net: namespace
 * @ft:  nf_tables' side, named; outlives ours but for dumps
 *
 * Context: may sleep. Return: table, or an ERR_PTR.
 */
struct nfo_table *nfo_table_alloc(struct net *net, struct nf_flowtable *ft)
{
	struct nfo_net *nn = nfo_net_tryget(net);
	struct nfo_table *t;
	int err;

	if (!nn)
		return ERR_PTR(-ENODEV);

	err = -ENOMEM;
	t = kzalloc_obj(*t);
	if (!t)
		goto err_net;
	err = nfo_table_name(t, ft);
	if (err)
		goto err_table;
	err = rhashtable_init(&t->ht, &nfo_ht_params);
	if (err)
		goto err_table;

	t->nn = nn;
	refcount_set(&t->refs, 1);
	nfo_devs_init(&t->devs);
	nfo_wheel_init(&t->wheel);
	nfo_table_enlist(t);

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
 * nfo_table_next() - walk the tables of a namespace, sleeping in between
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
 * @t: table whose hooks are unregistered
 *
 * Waits for an RCU grace period: on nf_tables' error path a packet may still
 * be in the hook (CVE-2026-23392). Context: may sleep.
 */
void nfo_table_drain(struct nfo_table *t)
{
	mutex_lock(&t->nn->lock);
	list_del(&t->list);
	mutex_unlock(&t->nn->lock);

	synchronize_rcu();
	while (atomic_read(&t->flows))
		nfo_table_flush(t, NULL, NFO_R_TABLE_GONE);
	cancel_delayed_work_sync(&t->wheel.work);
}

/**
 * nfo_table_free() - undo nfo_table_alloc()
 * @t: table that nfo_table_drain() has emptied and no driver knows any more
 *
 * A dump may keep the empty table for a while. Context: may sleep.
 */
void nfo_table_free(struct nfo_table *t)
{
	WARN_ON_ONCE(atomic_read(&t->flows));
	nfo_devs_exit(&t->devs);
	nfo_table_put(t);
}

/**
 * nfo_table_init() - caches of the module. Return: 0 or -ENOMEM.
 */
int __init nfo_table_init(void)
{
	BUILD_BUG_ON(sizeof(struct nfo_key) != 24);
	BUILD_BUG_ON(offsetof(struct nfo_entry, out) != 64);
	BUILD_BUG_ON(sizeof(struct nfo_entry) != 128);
	BUILD_BUG_ON(sizeof(struct nfo_addr6) != 64);

	nfo_hash_seed = get_random_u32();
	nfo_flow_cache4 = kmem_cache_create("nfo_flow4", sizeof(struct nfo_flow),
					    64, 0, NULL);
	nfo_flow_cache6 = kmem_cache_create("nfo_flow6",
					    struct_size((struct nfo_flow *)0, a6,
							IP_CT_DIR_MAX),
					    64, 0, NULL);
	if (nfo_flow_cache4 && nfo_flow_cache6)
		return 0;

	nfo_table_exit();
	return -ENOMEM;
}

/**
 * nfo_table_exit() - undo nfo_table_init(). Waits for the last flows to be freed.
 */
void nfo_table_exit(void)
{
	rcu_barrier();
	kmem_cache_destroy(nfo_flow_cache6);
	kmem_cache_destroy(nfo_flow_cache4);
}
