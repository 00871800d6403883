/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module keeps for a flowtable: a hash table in which packets find their entries, and
 * the wheel by which flows age.
 */
#ifndef _NFO_TABLE_H
#define _NFO_TABLE_H

#include <linux/hash.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <net/netfilter/nf_flow_table.h>

#include "nfo_dev.h"
#include "nfo_flow.h"
#include "nfo_hw_queue.h"
#include "nfo_net.h"
#include "nfo_pure.h"

/**
 * struct nfo_wheel - when to look at which flow again
 * @lock:  protects everything here and nfo_flow::wheel; innermost lock
 * @slot:  flows by second
 * @now:   the second the wheel stands at
 * @count: flows on the wheel; @work is not queued again while there are none
 * @pressed: flows of connections that are not assured are to end, for conntrack is nearly full
 * @tcp_timeout: nfo_flow_timeout() of TCP as the work saw it last, jiffies
 * @udp_timeout: of other protocols, likewise
 * @work:  turns the wheel
 */
struct nfo_wheel {
	spinlock_t		lock;	/* everything here; innermost */
	struct list_head	slot[NFO_WHEEL_SLOTS];
	unsigned long		now;
	unsigned int		count;
	bool			pressed;
	u32			tcp_timeout;
	u32			udp_timeout;
	struct delayed_work	work;
};

/**
 * struct nfo_table_ops - what the rooms above are told of flows
 * @added:   a flow was published; any context, rcu_read_lock()
 * @active: a flow has packets in software, or may return to hardware; likewise
 * @forgotten: a direction of a flow is no longer known; any context, rcu_read_lock()
 * @retired: a flow ended; any context, before the reference of the published flow is dropped
 * @passed:  software has forwarded packets of a direction, and the devices that they passed unseen
 *           are to count them; any context
 * @hardware: the hardware side reports an event of a flow; any context
 * @is_own_hook: is a function the ingress hook of a flowtable of ours? any context
 */
struct nfo_table_ops {
	void	(*added)(struct nfo_flow *f);
	void	(*active)(struct nfo_flow *f);
	void	(*forgotten)(struct nfo_flow *f);
	void	(*retired)(struct nfo_flow *f, enum nfo_reason why);
	void	(*passed)(const struct nfo_flow *f, enum ip_conntrack_dir dir, u64 packets,
			  u64 bytes);
	void	(*hardware)(struct nfo_flow *f, enum nfo_flow_event event,
			    enum nfo_reason why);
	bool	(*is_own_hook)(nf_hookfn *hook);
};

/**
 * struct nfo_table - what we keep for one flowtable
 * @nn:     its namespace, one reference; constant
 * @ht:     entries of both directions by struct nfo_key
 * @devs:   devices listed
 * @ft:     nf_tables' side, only compared: it may be freed earlier; constant
 * @id:     grows from table to table of a namespace; tables are listed by it; constant
 * @refs:   one for nf_tables' side and one for each dump; they keep @ht
 * @family: of the nft table; constant
 * @table_name: nft table, owned; constant
 * @name:   flowtable, owned; constant
 * @flags:  NF_FLOWTABLE_*; constant
 * @flows:  flows in @ht; atomic
 * @flows6: of @flows, those of IPv6; atomic
 * @oneway: flows of which one direction is known; atomic
 * @moved:  counts up before and after walks begin to meet a flow at its other entry, see
 *          nfo_entry_leads(); atomic
 * @wheel:  ageing
 * @hw:     hardware side
 * @list:   in nfo_net::tables
 * @rcu:    frees the table
 *
 * Packets read @nn and the first field of @ht, which share a cache line. Fields that change with
 * each flow are in other lines: the counter at the end of @ht, and those from @flows on.
 */
struct nfo_table {
	struct nfo_net		*nn;
	struct rhashtable	ht;
	struct nfo_devs		devs;
	const struct nf_flowtable *ft;
	u32			id;
	refcount_t		refs;
	u8			family;
	char			*table_name;
	char			*name;
	u32			flags;

	atomic_t		flows ____cacheline_aligned;
	atomic_t		flows6;
	atomic_t		oneway;
	atomic_t		moved;
	struct nfo_wheel	wheel;
	struct nfo_hw		hw;
	struct list_head	list;
	struct rcu_head		rcu;
};

/* nf_tables leaves the field rhashtable of struct nf_flowtable to the flowtable type, so the
 * pointer to our own table is kept there.
 */
static inline struct nfo_table *nfo_table(const struct nf_flowtable *ft)
{
	return *(struct nfo_table * const *)&ft->rhashtable;
}

static inline void nfo_table_attach(struct nf_flowtable *ft, struct nfo_table *t)
{
	BUILD_BUG_ON(sizeof(ft->rhashtable) < sizeof(t));
	*(struct nfo_table **)&ft->rhashtable = t;
}

extern const struct nfo_table_ops *nfo_table_ops;

int nfo_table_init(void);
void nfo_table_exit(void);
struct nfo_table *nfo_table_alloc(struct net *net, struct nf_flowtable *ft);
void nfo_table_enlist(struct nfo_table *t);
void nfo_table_drain(struct nfo_table *t);
void nfo_table_free(struct nfo_table *t);
void nfo_table_put(struct nfo_table *t);
struct nfo_table *nfo_table_next(struct nfo_net *nn, u32 after);
void nfo_table_flush(struct nfo_table *t, const struct net_device *dev,
		     enum nfo_reason why);
void nfo_table_lost(struct nfo_net *nn, bool gone);
void nfo_table_lost_work(struct work_struct *work);
unsigned int nfo_table_retire_if(struct nfo_table *t, enum nfo_reason why,
				 bool (*match)(const struct nfo_flow *f, const void *arg),
				 const void *arg);

int nfo_table_for_each(struct nfo_table *t,
		       bool (*match)(const struct nfo_flow *f, const void *arg), const void *arg,
		       int (*use)(struct nfo_flow *f, void *data), void *data);
u64 nfo_table_memory(const struct nfo_table *t);
u64 nfo_net_memory(const struct nfo_net *nn);
unsigned int nfo_flow_size(bool v6, bool hw);
void nfo_table_press(struct nfo_table *t);

void nfo_wheel_add(struct nfo_wheel *w, struct nfo_flow *f);
void nfo_wheel_del(struct nfo_wheel *w, struct nfo_flow *f);

u32 nfo_flow_idle(const struct nfo_flow *f);
u32 nfo_flow_left(const struct nfo_flow *f);
struct nfo_flow *nfo_flow_of_ct(struct nfo_net *nn, const struct nf_conn *ct);
struct nfo_flow *nfo_flow_alloc(struct nfo_table *t, struct nf_conn *ct);
enum nfo_reason nfo_flow_teach(struct nfo_flow *f, enum ip_conntrack_dir dir,
			       const struct nfo_entry *e, const struct nfo_addr6 *a6, bool begin);
void nfo_flow_forget(struct nfo_flow *f, enum ip_conntrack_dir dir);
void nfo_flow_drop_refs(struct nfo_flow *f);
void nfo_flow_abandon(struct nfo_flow *f);
void nfo_flow_free(struct nfo_flow *f);
void nfo_flow_put(struct nfo_flow *f);
void nfo_flow_retire(struct nfo_flow *f, enum nfo_reason why);
void nfo_flow_settle(struct nfo_flow *f, enum ip_conntrack_dir dir);
bool nfo_flow_has_left(struct nfo_flow *f, enum ip_conntrack_dir dir);
u8 nfo_flow_sync_tcp(struct nfo_flow *f);
void nfo_flow_sync_closing(struct nfo_flow *f, enum ip_conntrack_dir dir, u32 seq);

/* Few operations on a flow need a lock, so flows share these, and no operation takes two. */
#define NFO_FLOW_LOCKS	6	/* as a power of two */
extern spinlock_t nfo_flow_locks[1 << NFO_FLOW_LOCKS];

/**
 * nfo_flow_lock() - the lock of a flow, which other flows with the same hash share
 * @f: flow
 *
 * The lock protects nfo_entry::mtu together with nfo_entry::refs while the direction is published,
 * the bits NFO_F_LEARNED together with nfo_table::oneway, and the bits NFO_F_WAITING and
 * NFO_F_NEXT.
 */
static inline spinlock_t *nfo_flow_lock(const struct nfo_flow *f)
{
	return &nfo_flow_locks[hash_ptr(f, NFO_FLOW_LOCKS)];
}

/* The hardware side of flows that have none of their own: NFO_HW_SOFT. Never written. */
extern struct nfo_hw_flow nfo_hw_none;

static inline struct nfo_hw_flow *nfo_flow_hw(const struct nfo_flow *f)
{
	if (!test_bit(NFO_F_HAS_HW, &f->state))
		return &nfo_hw_none;
	return (struct nfo_hw_flow *)&f->a6[nfo_flow_is_v6(f) ? IP_CT_DIR_MAX : 0];
}

/* Is this the entry at which walks of the table meet its flow? A walk that skips other entries
 * meets each flow once, unless nfo_table::moved changes meanwhile.
 */
static inline bool nfo_entry_leads(const struct nfo_entry *e)
{
	return nfo_dir(e) == test_bit(NFO_F_REPLY_LEADS, &nfo_flow(e)->state);
}

#endif /* _NFO_TABLE_H */
