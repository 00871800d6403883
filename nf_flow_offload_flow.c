// SPDX-License-Identifier: GPL-2.0
/*
 * Flows: from allocation through what is learned of their directions to the RCU
 * callback that frees them.
 */
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "nfo_ct.h"
#include "nfo_hash.h"
#include "nfo_neigh.h"
#include "nfo_test_point.h"
#include "nfo_trace.h"

/* Caches of flows, by family (1: IPv6), and by whether they have a struct nfo_hw_flow. */
static struct kmem_cache *nfo_flow_cache[2][2];
static const char * const nfo_flow_cache_names[2][2] = {
	{ "nfo_flow4", "nfo_flow4_hw" }, { "nfo_flow6", "nfo_flow6_hw" },
};

struct nfo_hw_flow nfo_hw_none;

spinlock_t nfo_flow_locks[1 << NFO_FLOW_LOCKS];

struct nfo_hash_secret nfo_hash_secret __read_mostly;

/* For nfo_net::by_ct. */
const struct rhashtable_params nfo_ct_params = {
	.key_len		= sizeof_field(struct nfo_flow, ct),
	.key_offset		= offsetof(struct nfo_flow, ct),
	.head_offset		= offsetof(struct nfo_flow, ct_node),
	.automatic_shrinking	= true,
};

/* Set once at module init, before there is a table. */
const struct nfo_table_ops *nfo_table_ops __read_mostly;

/* ---- making a flow ---- */

/**
 * nfo_flow_alloc() - make a flow of a connection
 * @t:  table it will live in
 * @ct: confirmed connection with IPS_OFFLOAD set by the caller; the flow takes a reference
 *      of its own
 *
 * Context: any. Return: the flow, which knows no direction and which nobody can find, for
 * nfo_flow_teach() or nfo_flow_abandon(); NULL when memory ran out.
 */
struct nfo_flow *nfo_flow_alloc(struct nfo_table *t, struct nf_conn *ct)
{
	bool v6 = nf_ct_l3num(ct) == NFPROTO_IPV6, hw = t->flags & NF_FLOWTABLE_HW_OFFLOAD;
	struct nfo_flow *f;
	int dir;

	f = kmem_cache_zalloc(nfo_flow_cache[v6][hw], GFP_ATOMIC);
	if (!f)
		return NULL;

	f->state = (unsigned long)v6 << NFO_F_V6 | (unsigned long)hw << NFO_F_HAS_HW;
	if (hw) {
		nfo_flow_hw(f)->flow = f;
		nfo_flow_hw(f)->at = nfo_now();
	}
	nf_conntrack_get(&ct->ct_general);
	f->table = t;
	f->added = nfo_flow_clock();
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		f->e[dir].ct = ct;
		f->e[dir].refs = &nfo_route_refs_none;
		f->e[dir].used = nfo_now();
	}
	f->e[IP_CT_DIR_REPLY].flags = NFO_E_REPLY;
	INIT_LIST_HEAD(&f->wheel);
	refcount_set(&f->refs, 1);

	return f;
}

/**
 * nfo_flow_free() - undo nfo_flow_alloc()
 * @f: flow that nobody can find (any more)
 *
 * Context: any. Drops the references of both directions and of the connection.
 */
void nfo_flow_free(struct nfo_flow *f)
{
	bool v6 = nfo_flow_is_v6(f), hw = test_bit(NFO_F_HAS_HW, &f->state);
	struct nf_conn *ct = f->ct;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		nfo_route_refs_put(f->e[dir].refs);
	kmem_cache_free(nfo_flow_cache[v6][hw], f);
	nf_ct_put(ct);
}

static struct nfo_ct_tcp nfo_flow_seen_tcp(const struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	const struct nfo_entry *e = &f->e[dir];

	return (struct nfo_ct_tcp) {
		.known	= nfo_flow_learned(f, dir) || READ_ONCE(e->end),
		.end	= READ_ONCE(e->end),
		.ack	= READ_ONCE(e->ack),
		.win	= READ_ONCE(e->win),
	};
}

/* Tell conntrack of segments that were forwarded while the flow ended: a packet that had found the
 * flow, or an entry, may have noted its numbers after nfo_flow_sync_tcp() read them.
 */
static void nfo_flow_late_tcp(const struct nfo_flow *f)
{
	struct nfo_ct_tcp seen;
	int dir;

	if (nf_ct_protonum(f->ct) != IPPROTO_TCP || test_bit(NFO_F_HARDWARE, &f->state))
		return;
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		seen = nfo_flow_seen_tcp(f, dir);
		if (seen.known)
			nfo_ct_tcp_late(f->ct, dir, &seen);
	}
}

static void nfo_flow_free_rcu(struct rcu_head *rcu)
{
	struct nfo_flow *f = container_of(rcu, struct nfo_flow, rcu);

	nfo_flow_late_tcp(f);
	nfo_flow_free(f);
}

/**
 * nfo_flow_put() - drop a reference of a flow
 * @f: flow
 *
 * After the last reference the flow is freed an RCU grace period later. Context: any.
 */
void nfo_flow_put(struct nfo_flow *f)
{
	if (refcount_dec_and_test(&f->refs))
		call_rcu(&f->rcu, nfo_flow_free_rcu);
}

/**
 * nfo_flow_idle() - how long ago a flow had its last packet
 * @f: flow seen under rcu_read_lock()
 *
 * Return: jiffies.
 */
u32 nfo_flow_idle(const struct nfo_flow *f)
{
	u32 now = nfo_now();
	u32 a = nfo_time_since(now, READ_ONCE(f->e[0].used));
	u32 b = nfo_time_since(now, READ_ONCE(f->e[1].used));

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

/* ---- the hash table ---- */

static int nfo_entry_insert(struct nfo_table *t, struct nfo_entry *e)
{
	struct nfo_lookup l = { .sum = nfo_key_sum(&e->key), .key = e->key };

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

/* ---- a flow's directions ---- */

/* A walk of the table meets a flow with two entries at one of them: that of the direction that was
 * known first, for as long as this direction is known. When only the other one is known, the flow
 * moves to its entry. A walk at that time may meet the flow twice or miss it, and sees
 * nfo_table::moved change. The caller holds nfo_flow_lock().
 */
static void nfo_flow_lead(struct nfo_flow *f)
{
	bool reply = test_bit(NFO_F_REPLY_LEADS, &f->state);

	if (!nfo_flow_is_oneway(f) || nfo_flow_learned(f, reply))
		return;
	atomic_inc(&f->table->moved);
	smp_mb__after_atomic();	/* a walk that meets the flow at its new place sees @moved change */
	change_bit(NFO_F_REPLY_LEADS, &f->state);
	smp_mb__after_atomic();	/* a walk that met it at its old place sees the next change */
	atomic_inc(&f->table->moved);
}

/* Set or clear NFO_F_LEARNED of a direction. Return: false when the flow is dead, where the bit is
 * clear in any case.
 */
static bool nfo_flow_set_learned(struct nfo_flow *f, enum ip_conntrack_dir dir, bool learned)
{
	bool alive, before;

	spin_lock_bh(nfo_flow_lock(f));
	before = nfo_flow_is_oneway(f);
	alive = !test_bit(NFO_F_DEAD, &f->state);
	if (alive && learned)
		set_bit(NFO_F_LEARNED + dir, &f->state);
	else
		clear_bit(NFO_F_LEARNED + dir, &f->state);
	atomic_add(nfo_flow_is_oneway(f) - before, &f->table->oneway);
	nfo_flow_lead(f);
	spin_unlock_bh(nfo_flow_lock(f));

	return alive;
}

/* Publish a flow whose first entry, that of @dir, is inserted next: from here on the flow ages, and
 * can be found by its connection.
 * Return: 0 or a negative errno; in the latter case the caller calls nfo_flow_abandon().
 */
static int nfo_flow_begin(struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	struct nfo_table *t = f->table;
	int liberal, err;

	if (dir == IP_CT_DIR_REPLY)
		set_bit(NFO_F_REPLY_LEADS, &f->state);
	liberal = nfo_ct_offload_begin(f->ct);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		if (liberal & BIT(dir))
			set_bit(NFO_F_LIBERAL + dir, &f->state);
	set_bit(NFO_F_BEGUN, &f->state);
	atomic_inc(&t->flows);
	if (nfo_flow_is_v6(f))
		atomic_inc(&t->flows6);
	atomic_inc(&t->nn->flows);
	this_cpu_inc(t->nn->stats->added);
	nfo_wheel_add(&t->wheel, f);
	err = rhashtable_insert_fast(&t->nn->by_ct, &f->ct_node, nfo_ct_params);
	if (err)
		return err;

	/* Ageing may have retired the flow before it was in @by_ct. */
	smp_mb();
	if (test_bit(NFO_F_DEAD, &f->state))
		rhashtable_remove_fast(&t->nn->by_ct, &f->ct_node, nfo_ct_params);

	return 0;
}

/* From here on events of these devices look for flows. Return: false when memory ran out. */
static bool nfo_flow_use_devs(struct nfo_net *nn, const struct nfo_entry *e)
{
	const struct nfo_route_refs *refs = e->refs;

	return nfo_net_use_dev(nn, e->key.iif) && nfo_net_use_dev(nn, refs->in->ifindex) &&
	       nfo_net_use_dev(nn, refs->out->ifindex) &&
	       (!refs->out_lower.dev || nfo_net_use_dev(nn, refs->out_lower.dev->ifindex));
}

/* Copy an entry from a lesson and insert it, so that packets find it. The caller has a reference of
 * @f. Return: 0 or a negative errno; in the latter case the reference in @e->refs is the caller's.
 */
static int nfo_flow_publish(struct nfo_flow *f, enum ip_conntrack_dir dir,
			    const struct nfo_entry *e, const struct nfo_addr6 *a6, bool begin)
{
	struct nfo_entry *to = &f->e[dir];
	struct nfo_route_refs *old = to->refs;
	int err = 0;

	memcpy((void *)to + NFO_E_LESSON_FROM, (const void *)e + NFO_E_LESSON_FROM,
	       NFO_E_LESSON_TO - NFO_E_LESSON_FROM);
	if (nfo_flow_is_v6(f))
		f->a6[dir] = *a6;
	/* A reader who found the flow by its connection may read @refs at once. */
	smp_store_release(&to->refs, e->refs);
	if (begin)
		err = nfo_flow_begin(f, dir);
	if (!err)
		err = nfo_entry_insert(f->table, to);
	if (err)
		WRITE_ONCE(to->refs, old);
	else
		nfo_route_refs_put(old);

	return err;
}

/**
 * nfo_flow_teach() - publish the entry of a direction, so that packets find it
 * @f:     flow; NFO_F_LEARNING of the direction is set by the caller
 * @dir:   direction that is not known
 * @e:     its entry, copied; @e->refs, of nfo_route_refs_share(), is no longer the caller's, unless
 *         the call fails
 * @a6:    its addresses, of an IPv6 flow; copied
 * @begin: the flow is new and belongs to the caller
 *
 * A flow can be found by everything that ends flows before packets find it. Context:
 * rcu_read_lock().
 *
 * Return: NFO_R_NONE, also when the flow has ended; NFO_R_TUPLE_BUSY when another flow has
 * such packets, NFO_R_NO_MEMORY, or NFO_R_HW_BUSY while the hardware still has rules that were
 * made of an earlier entry.
 */
enum nfo_reason nfo_flow_teach(struct nfo_flow *f, enum ip_conntrack_dir dir,
			       const struct nfo_entry *e, const struct nfo_addr6 *a6, bool begin)
{
	int err;

	/* nfo_flow_retire() sets NFO_F_DEAD, then clears NFO_F_LEARNED, and takes the entries out
	 * of the table last. The caller has seen NFO_F_LEARNED clear. If the flow is dead, the
	 * entry may still be in its chain, and must not be written.
	 */
	smp_rmb();	/* NFO_F_LEARNED is read before NFO_F_DEAD */
	if (test_bit(NFO_F_DEAD, &f->state)) {
		nfo_route_refs_put(e->refs);
		return NFO_R_NONE;
	}
	if (READ_ONCE(nfo_flow_hw(f)->state) != NFO_HW_SOFT)
		return NFO_R_HW_BUSY;
	if (!nfo_flow_use_devs(f->table->nn, e))
		return NFO_R_NO_MEMORY;
	/* From here on another caller may retire the flow and drop its reference before the entry
	 * is in the table. A grace period that begins then does not wait for packets that find the
	 * entry later. This reference has it begin when the entry is out of the table again.
	 */
	if (!refcount_inc_not_zero(&f->refs)) {
		nfo_route_refs_put(e->refs);
		return NFO_R_NONE;
	}
	err = nfo_flow_publish(f, dir, e, a6, begin);
	if (err) {
		nfo_flow_put(f);
		return err == -EEXIST ? NFO_R_TUPLE_BUSY : NFO_R_NO_MEMORY;
	}
	nfo_test_point(NFO_TP_PUBLISHED, f);
	if (!nfo_flow_set_learned(f, dir, true)) {
		/* The caller that retired the flow may have found no entry to remove. */
		nfo_entry_remove(f->table, &f->e[dir]);
		nfo_flow_put(f);
		return NFO_R_NONE;
	}
	if (begin) {
		trace_nfo_promote(f->ct, nfo_reason_names[NFO_R_NONE]);
		nfo_table_ops->added(f);
	} else if (READ_ONCE(nfo_flow_hw(f)->returns)) {
		nfo_table_ops->active(f);
	}
	nfo_flow_put(f);

	return NFO_R_NONE;
}

/**
 * nfo_flow_settle() - add what an entry has counted to the totals
 * @f:   flow, which is not dead, or which the caller retires
 * @dir: direction
 *
 * The packets are also added to the counters of the devices that they passed unseen. Context: any.
 */
void nfo_flow_settle(struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	u64 counts = nfo_flow_count(f, dir);

	if (counts)
		nfo_table_ops->passed(f, dir, counts / NFO_COUNT_PACKET,
				      counts & NFO_COUNT_BYTES);
}

static void nfo_flow_forgotten(struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	nfo_flow_count(f, dir);
	clear_bit_unlock(NFO_F_FORGETTING + dir, &f->state);
	nfo_flow_put(f);
}

/* A grace period is over. The two directions share one struct rcu_head, so a direction that was
 * forgotten during the grace period begins another one here. Each direction that waits holds a
 * reference of the flow.
 */
static void nfo_flow_forget_rcu(struct rcu_head *rcu)
{
	struct nfo_flow *f = container_of(rcu, struct nfo_flow, rcu);
	bool over[IP_CT_DIR_MAX], again = false;
	int dir;

	spin_lock_bh(nfo_flow_lock(f));
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		over[dir] = test_and_clear_bit(NFO_F_WAITING + dir, &f->state);
		if (!test_and_clear_bit(NFO_F_NEXT + dir, &f->state))
			continue;
		set_bit(NFO_F_WAITING + dir, &f->state);
		again = true;
	}
	spin_unlock_bh(nfo_flow_lock(f));
	if (again)
		call_rcu(&f->rcu, nfo_flow_forget_rcu);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		if (over[dir])
			nfo_flow_forgotten(f, dir);
}

/* Wait for an RCU grace period, in which packets that found the entry of a direction may use it. */
static void nfo_flow_await_packets(struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	bool waiting;

	spin_lock_bh(nfo_flow_lock(f));
	waiting = test_bit(NFO_F_WAITING + !dir, &f->state);
	set_bit((waiting ? NFO_F_NEXT : NFO_F_WAITING) + dir, &f->state);
	spin_unlock_bh(nfo_flow_lock(f));
	if (!waiting)
		call_rcu(&f->rcu, nfo_flow_forget_rcu);
}

/**
 * nfo_flow_forget() - take the entry of a direction out of the table, because it is not true
 * @f:   flow seen under rcu_read_lock(); NFO_F_LEARNING of the direction is set by the
 *       caller
 * @dir: direction that is known
 *
 * From now on packets of the direction take the classic path. After an RCU grace period, when no
 * packet uses the entry any more, the next packet may teach. The direction keeps what it rests on
 * until it is taught again or the flow ends, because a hardware worker may be reading it.
 * Context: any.
 */
void nfo_flow_forget(struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	/* The last reference of a retired flow may be gone. */
	if (!refcount_inc_not_zero(&f->refs))
		return;
	set_bit(NFO_F_FORGETTING + dir, &f->state);
	nfo_flow_set_learned(f, dir, false);
	nfo_entry_remove(f->table, &f->e[dir]);
	/* Conntrack sees the direction's segments now, and perhaps not what answers them. */
	if (nf_ct_protonum(f->ct) == IPPROTO_TCP && nfo_ct_tcp_is_strict(f->ct))
		nfo_ct_offload_begin(f->ct);
	nfo_table_ops->forgotten(f);
	nfo_flow_settle(f, dir);
	nfo_flow_await_packets(f, dir);
}

/* Forget how many packets of a direction came another way. */
static void nfo_flow_not_away(struct nfo_flow *f, unsigned int first)
{
	unsigned int bit;

	for (bit = first; bit < first + NFO_AWAY; bit++)
		clear_bit(bit, &f->state);
}

/**
 * nfo_flow_has_left() - a packet came another way than the entry of its direction holds for: do all
 * packets of the direction come that way now?
 * @f:   flow seen under rcu_read_lock(); NFO_F_LEARNING of the direction is set by the
 *       caller
 * @dir: direction that is known
 *
 * Where packets come both ways in turns, the entry is used between two packets of the other way.
 * Hardware tells late of the packets that it has carried. Context: any. Return: true when more than
 * NFO_AWAY packets came another way and the entry carried none between them.
 */
bool nfo_flow_has_left(struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	unsigned int first = NFO_F_AWAY + NFO_AWAY * dir, bit = first;

	if (test_bit(NFO_F_HARDWARE, &f->state))
		return false;
	if (nfo_entry_counts(&f->e[dir])) {
		nfo_flow_settle(f, dir);
		nfo_flow_not_away(f, first);
	}
	while (test_and_set_bit(bit, &f->state))
		if (++bit == first + NFO_AWAY) {
			nfo_flow_not_away(f, first);
			return true;
		}

	return false;
}

/**
 * nfo_flow_drop_refs() - drop what the directions of a flow rest on before the flow is freed
 * @f: flow that has ended, an RCU grace period ago or more
 *
 * For a flow that a driver's rule keeps in memory. Context: any.
 */
void nfo_flow_drop_refs(struct nfo_flow *f)
{
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		nfo_route_refs_put(xchg(&f->e[dir].refs, &nfo_route_refs_none));
}

/**
 * nfo_flow_abandon() - undo nfo_flow_alloc() when nothing was learned
 * @f: flow without a direction
 *
 * Clears IPS_OFFLOAD. Context: any.
 */
void nfo_flow_abandon(struct nfo_flow *f)
{
	if (test_bit(NFO_F_BEGUN, &f->state)) {
		nfo_flow_retire(f, NFO_R_NONE);
		return;
	}
	clear_bit(IPS_OFFLOAD_BIT, &f->ct->status);
	nfo_flow_free(f);
}

/* Return: directions whose windows conntrack did not check before the flow, bit by direction. */
static u8 nfo_flow_liberal(const struct nfo_flow *f)
{
	u8 liberal = 0;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		liberal |= test_bit(NFO_F_LIBERAL + dir, &f->state) << dir;

	return liberal;
}

/**
 * nfo_flow_sync_tcp() - tell conntrack what it missed of a TCP connection
 * @f: flow
 *
 * Afterwards conntrack judges a FIN or RST as if it had seen all segments. Context: any, takes
 * ct->lock. Return: as nfo_ct_tcp_sync().
 */
u8 nfo_flow_sync_tcp(struct nfo_flow *f)
{
	struct nfo_ct_tcp seen[IP_CT_DIR_MAX];
	int dir;

	if (test_bit(NFO_F_HARDWARE, &f->state)) {
		nfo_ct_tcp_forget(f->ct);
		return 0;
	}
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		seen[dir] = nfo_flow_seen_tcp(f, dir);

	return nfo_ct_tcp_sync(f->ct, seen, nfo_flow_liberal(f));
}

/**
 * nfo_flow_sync_closing() - tell conntrack what it missed, before it judges a FIN or RST
 * @f:   flow
 * @dir: direction of the segment
 * @seq: its sequence number
 *
 * Context: any, takes ct->lock.
 */
void nfo_flow_sync_closing(struct nfo_flow *f, enum ip_conntrack_dir dir, u32 seq)
{
	struct nfo_ct_tcp other;

	if (!(nfo_flow_sync_tcp(f) & BIT(dir)))
		return;
	other = nfo_flow_seen_tcp(f, !dir);
	nfo_ct_tcp_guard(f->ct, dir, seq, &other, nfo_flow_liberal(f));
}

/**
 * nfo_flow_retire() - end a flow and hand its connection back to conntrack
 * @f:   flow seen under rcu_read_lock(), or not yet published
 * @why: counted; NFO_R_NONE when the caller counts
 *
 * Context: any; takes bucket locks, nfo_flow_lock(), the wheel's lock, ct->lock one after
 * the other. Returns with the flow gone from every list, and its memory safe until
 * the end of the caller's RCU section. Of several callers one does the work.
 */
void nfo_flow_retire(struct nfo_flow *f, enum nfo_reason why)
{
	struct nfo_table *t = f->table;

	if (test_and_set_bit(NFO_F_DEAD, &f->state))
		return;

	/* A packet that teaches a direction after this sees that the flow is dead. */
	nfo_flow_set_learned(f, IP_CT_DIR_ORIGINAL, false);
	nfo_flow_set_learned(f, IP_CT_DIR_REPLY, false);
	nfo_test_point(NFO_TP_UNLEARNED, f);
	nfo_entry_remove(t, &f->e[IP_CT_DIR_ORIGINAL]);
	nfo_entry_remove(t, &f->e[IP_CT_DIR_REPLY]);
	nfo_wheel_del(&t->wheel, f);
	if (nfo_flow_is_v6(f))
		atomic_dec(&t->flows6);
	atomic_dec(&t->flows);
	atomic_dec(&t->nn->flows);

	nfo_flow_settle(f, IP_CT_DIR_ORIGINAL);
	nfo_flow_settle(f, IP_CT_DIR_REPLY);
	if (nf_ct_protonum(f->ct) == IPPROTO_TCP)
		nfo_flow_sync_tcp(f);
	/* Until now packets of the classic path left the numbers of their segments with the flow.
	 * From now on conntrack takes them, because it knows those of the other direction.
	 */
	rhashtable_remove_fast(&t->nn->by_ct, &f->ct_node, nfo_ct_params);
	nfo_ct_offload_end(f->ct, nfo_flow_idle(f));
	nfo_flow_late_tcp(f);
	nfo_count_reason(t->nn, why);
	if (why)
		trace_nfo_retire(f->ct, nfo_reason_names[why]);
	nfo_table_ops->retired(f, why);
	nfo_flow_put(f);
}

/**
 * nfo_flow_of_ct() - find the flow of a connection
 * @nn: namespace
 * @ct: conntrack entry
 *
 * Context: rcu_read_lock(). Return: the flow, valid in the caller's RCU section, or NULL.
 */
struct nfo_flow *nfo_flow_of_ct(struct nfo_net *nn, const struct nf_conn *ct)
{
	if (!test_bit(IPS_OFFLOAD_BIT, &ct->status))
		return NULL;
	return rhashtable_lookup(&nn->by_ct, &ct, nfo_ct_params);
}

/**
 * nfo_flow_size() - the memory of a flow
 * @v6: of an IPv6 flow
 * @hw: of a table with `flags offload`
 *
 * Return: bytes.
 */
unsigned int nfo_flow_size(bool v6, bool hw)
{
	unsigned int size = v6 ? struct_size((struct nfo_flow *)0, a6, IP_CT_DIR_MAX) :
				 sizeof(struct nfo_flow);

	return ALIGN(size + (hw ? sizeof(struct nfo_hw_flow) : 0), 64);
}

static int __init nfo_flow_caches_create(void)
{
	int v6, hw;

	for (v6 = 0; v6 < 2; v6++)
		for (hw = 0; hw < 2; hw++) {
			nfo_flow_cache[v6][hw] =
				kmem_cache_create(nfo_flow_cache_names[v6][hw],
						  nfo_flow_size(v6, hw), 64, 0, NULL);
			if (!nfo_flow_cache[v6][hw])
				return -ENOMEM;
		}

	return 0;
}

/**
 * nfo_table_init() - make the caches of flows, the locks, the secret of hashes and the table of
 * what directions rest on. Return: 0 or a negative errno.
 */
int __init nfo_table_init(void)
{
	int i, err;

	BUILD_BUG_ON(sizeof(struct nfo_key) != 24);
	BUILD_BUG_ON(NFO_KEY_WORDS % 2);
	/* A packet reads one cache line of a table, which nothing writes for each flow. */
	BUILD_BUG_ON(offsetofend(struct nfo_table, ht.tbl) > 64);
	BUILD_BUG_ON(offsetof(struct nfo_table, ht.nelems) < 64);
	BUILD_BUG_ON(offsetof(struct nfo_table, flows) % 64);
	BUILD_BUG_ON(offsetof(struct nfo_entry, saddr) != 64);
	BUILD_BUG_ON(offsetofend(struct nfo_route_refs, out) > 64);
	BUILD_BUG_ON(sizeof(struct nfo_entry) != 128);
	BUILD_BUG_ON(sizeof(struct nfo_addr6) != 64);
	BUILD_BUG_ON(offsetof(struct nfo_flow, ct) != offsetof(struct nfo_flow, e[0].ct));
	BUILD_BUG_ON(sizeof(struct nfo_flow) != 320);

	for (i = 0; i < 1 << NFO_FLOW_LOCKS; i++)
		spin_lock_init(&nfo_flow_locks[i]);
	get_random_bytes(&nfo_hash_secret, sizeof(nfo_hash_secret));
	nfo_hash_secret.mul[0] |= 1;
	nfo_hash_secret.mul[1] |= 1;
	err = nfo_route_refs_init();
	if (err)
		return err;
	err = nfo_flow_caches_create();
	if (err)
		nfo_table_exit();

	return err;
}

/**
 * nfo_table_exit() - undo nfo_table_init(). Waits for the last flows to be freed.
 */
void nfo_table_exit(void)
{
	int v6, hw;

	/* A callback may queue the next one: the grace period of one direction is over, that of the
	 * other direction begins, and after that the one after which the flow is freed.
	 */
	rcu_barrier();
	rcu_barrier();
	rcu_barrier();
	nfo_route_refs_exit();
	for (v6 = 0; v6 < 2; v6++)
		for (hw = 0; hw < 2; hw++)
			kmem_cache_destroy(nfo_flow_cache[v6][hw]);
}
