// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: the queue to the drivers, who may enter, and what comes back.
 *
 * The hardware's table is a cache. A flow asks for a place while its packets pass
 * through software; the worker puts in both directions or none. What a driver
 * answers decides what follows (nfo_hw_outcome()).
 */
#include <linux/random.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/pkt_cls.h>

#include "nfo.h"
#include "nfo_hw_rule.h"
#include "nfo_trace.h"

/* Defaults of struct nfo_hw_settings. */
#define NFO_HW_AFTER		8
#define NFO_HW_QUEUE_MAX	4096
#define NFO_HW_SYNC_MS		1000

#define NFO_HW_BACKOFF_MIN	(HZ)
#define NFO_HW_BACKOFF_MAX	(64 * HZ)
/* How long "full" is believed. */
#define NFO_HW_PROBE		(30 * HZ)

static struct workqueue_struct *nfo_hw_wq;

/* ---- one rule to one driver ---- */

/* Return: how many headers. */
static u8 nfo_hw_encaps(struct nfo_hw_encap to[NFO_HW_ENCAPS],
			const __be16 id[NFO_ENCAPS], u8 kinds)
{
	static const u16 proto[] = {
		[NFO_ENCAP_8021Q]	= ETH_P_8021Q,
		[NFO_ENCAP_8021AD]	= ETH_P_8021AD,
		[NFO_ENCAP_PPPOE]	= ETH_P_PPP_SES,
	};
	u8 n;

	BUILD_BUG_ON(NFO_HW_ENCAPS < NFO_ENCAPS);
	for (n = 0; kinds; n++, kinds >>= NFO_ENCAP_BITS)
		to[n] = (struct nfo_hw_encap) {
			.id	= ntohs(id[n]),
			.proto	= htons(proto[kinds & NFO_ENCAP_MASK]),
		};

	return n;
}

static void nfo_hw_eth(struct nfo_hw_spec *s, const struct nfo_entry *e,
		       const struct nfo_stack *below)
{
	const struct ethhdr *eth = (const void *)(e->hh + NFO_HH_MAX - ETH_HLEN);

	if (e->hh_len) {
		ether_addr_copy(s->eth_src, eth->h_source);
		ether_addr_copy(s->eth_dst, eth->h_dest);
		return;
	}
	/* PPP knows no addresses, the Ethernet below it does. */
	ether_addr_copy(s->eth_src, below->dev->dev_addr);
	ether_addr_copy(s->eth_dst, below->h_dest);
}

static void nfo_hw_spec_fill(struct nfo_hw_spec *s, const struct nfo_flow *f,
			     enum ip_conntrack_dir dir, bool block)
{
	const struct nfo_stack *below = &f->hold[dir].below;
	const struct nf_conntrack_tuple *t = nf_ct_tuple(f->ct, dir);
	const struct nf_conntrack_tuple *o = nf_ct_tuple(f->ct, !dir);
	const struct nfo_entry *e = &f->e[dir];

	*s = (struct nfo_hw_spec) {
		.family		= e->key.family,
		.l4proto	= e->key.l4proto,
		.nat		= e->flags & NFO_E_NAT,
		.ttl		= block,
		.outer_first	= !block,
		.iif		= e->key.iif,
		.out		= below->dev,
		.src		= t->src.u3,
		.dst		= t->dst.u3,
		.new_src	= o->dst.u3,
		.new_dst	= o->src.u3,
		.sport		= e->key.sport,
		.dport		= e->key.dport,
		.new_sport	= e->sport,
		.new_dport	= e->dport,
	};
	s->in_encaps = nfo_hw_encaps(s->in_encap, e->key.encap, e->key.kinds);
	s->out_encaps = nfo_hw_encaps(s->out_encap, below->encap, below->kinds);
	nfo_hw_eth(s, e, below);
}

/* Ask every callback of the device. Return: 0 when one said yes. */
static int nfo_hw_call(struct nfo_dev *d, struct flow_cls_offload *cls)
{
	struct flow_block_cb *cb;
	int err = -EOPNOTSUPP, ret;

	list_for_each_entry(cb, &d->block.cb_list, list) {
		ret = cb->cb(TC_SETUP_CLSFLOWER, cls, cb->cb_priv);
		if (ret >= 0)
			err = 0;
		else if (err)
			err = ret;
	}

	return err;
}

static void nfo_hw_cls_init(struct flow_cls_offload *cls, enum flow_cls_command cmd,
			    const struct nfo_entry *e, struct netlink_ext_ack *extack)
{
	memset(cls, 0, sizeof(*cls));
	cls->common.protocol = e->key.family == NFPROTO_IPV4 ? htons(ETH_P_IP) :
							       htons(ETH_P_IPV6);
	cls->common.prio = 1;
	cls->common.extack = extack;
	cls->command = cmd;
	cls->cookie = (unsigned long)e;
}

static int nfo_hw_rule_add(struct nfo_dev *d, struct nfo_flow *f,
			   enum ip_conntrack_dir dir, struct netlink_ext_ack *extack)
{
	struct flow_cls_offload cls;
	struct nfo_hw_rule *r;
	struct nfo_hw_spec s;
	int err;

	nfo_hw_spec_fill(&s, f, dir, d->bound == NFO_DEV_HW_BLOCK);
	r = nfo_hw_rule_alloc(&s);
	if (IS_ERR(r))
		return PTR_ERR(r);

	nfo_hw_cls_init(&cls, FLOW_CLS_REPLACE, &f->e[dir], extack);
	cls.rule = r->rule;
	trace_nfo_hw_request(true, f->ct, dir, f->table->name, d->dev->name);
	err = nfo_hw_call(d, &cls);
	trace_nfo_hw_result(true, f->ct, dir, d->dev->name, err, extack->_msg);
	nfo_hw_rule_free(r);
	if (!err)
		d->rules++;

	return err;
}

static void nfo_hw_rule_del(struct nfo_dev *d, struct nfo_flow *f,
			    enum ip_conntrack_dir dir)
{
	struct netlink_ext_ack extack = {};
	struct flow_cls_offload cls;
	int err;

	nfo_hw_cls_init(&cls, FLOW_CLS_DESTROY, &f->e[dir], &extack);
	trace_nfo_hw_request(false, f->ct, dir, f->table->name, d->dev->name);
	err = nfo_hw_call(d, &cls);
	trace_nfo_hw_result(false, f->ct, dir, d->dev->name, err, extack._msg);
	d->rules--;
}

/* Add what the hardware counted since the last time. Return: packets. */
static u64 nfo_hw_rule_stats(struct nfo_dev *d, struct nfo_flow *f,
			     enum ip_conntrack_dir dir)
{
	struct nfo_entry *e = &f->e[dir];
	struct flow_cls_offload cls;

	nfo_hw_cls_init(&cls, FLOW_CLS_STATS, e, NULL);
	if (nfo_hw_call(d, &cls))
		return 0;

	if (cls.stats.pkts || cls.stats.bytes) {
		atomic64_add(cls.stats.pkts, &e->packets);
		atomic64_add(cls.stats.bytes, &e->bytes);
		if (f->table->flags & NF_FLOWTABLE_COUNTER)
			nf_ct_acct_add(f->ct, dir, cls.stats.pkts, cls.stats.bytes);
		WRITE_ONCE(e->used, nfo_now());
	} else if ((s32)((u32)cls.stats.lastused - READ_ONCE(e->used)) > 0) {
		/* Drivers that count nothing at least tell this. */
		WRITE_ONCE(e->used, (u32)cls.stats.lastused);
	}

	return cls.stats.pkts;
}

/* ---- what the driver's answer means ---- */

static u32 nfo_hw_shape(const struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	const struct nfo_entry *e = &f->e[dir];

	return BIT((e->key.family == NFPROTO_IPV6) |
		   (e->key.l4proto == IPPROTO_TCP) << 1 |
		   !!(e->flags & NFO_E_NAT) << 2);
}

static void nfo_hw_back_off(struct nfo_dev *d)
{
	d->backoff = clamp(2 * d->backoff, (unsigned long)NFO_HW_BACKOFF_MIN,
			   (unsigned long)NFO_HW_BACKOFF_MAX);
	/* Not all devices at once, nor in step with anything. */
	d->not_before = jiffies + d->backoff + get_random_u32() % (d->backoff / 4 + 1);
}

/* Full of ours: that is its size for now. Full without any of ours: wait. */
static void nfo_hw_full(struct nfo_dev *d)
{
	if (!d->rules) {
		nfo_hw_back_off(d);
		return;
	}
	d->budget = d->rules;
	d->learned = true;
	d->probe_at = jiffies + NFO_HW_PROBE;
}

/* It said yes. */
static void nfo_hw_fine(struct nfo_dev *d)
{
	d->backoff = 0;
	d->err = 0;
	d->message[0] = '\0';
	if (d->learned && d->rules > d->budget) {
		d->budget = 0;
		d->learned = false;
	}
}

/* Return: the flow's next state. */
static enum nfo_hw_state nfo_hw_outcome(struct nfo_dev *d, struct nfo_flow *f,
					enum ip_conntrack_dir dir, int err,
					const struct netlink_ext_ack *extack)
{
	d->err = err;
	if (extack->_msg)
		strscpy(d->message, extack->_msg, sizeof(d->message));

	switch (err) {
	case -EOPNOTSUPP:
	case -EINVAL:
		d->refused |= nfo_hw_shape(f, dir);
		nfo_count_reason(f->table->nn, NFO_R_HW_SHAPE);
		return NFO_HW_FAILED;
	case -ENOSPC:
		nfo_hw_full(d);
		nfo_count_reason(f->table->nn, NFO_R_HW_FULL);
		return NFO_HW_SOFT;
	default:
		nfo_hw_back_off(d);
		nfo_count_reason(f->table->nn, NFO_R_HW_BUSY);
		return NFO_HW_SOFT;
	}
}

/* ---- both directions or none ---- */

static struct nfo_dev *nfo_hw_dev(const struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	return nfo_table_dev(f->table, f->e[dir].key.iif);
}

/* Nothing else keeps the device a rule sends to, if it is below another. */
static bool nfo_hw_is_listed(const struct nfo_table *t, const struct net_device *dev)
{
	const struct nfo_dev *d;

	list_for_each_entry(d, &t->devs, list)
		if (d->dev == dev)
			return true;
	return false;
}

/* nfo_hw::bind held for reading. Return: the flow's next state. */
static enum nfo_hw_state nfo_hw_add_both(struct nfo_flow *f)
{
	struct nfo_dev *d[IP_CT_DIR_MAX];
	struct netlink_ext_ack extack = {};
	int dir, err;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		d[dir] = nfo_hw_dev(f, dir);
		if (!d[dir] || d[dir]->bound == NFO_DEV_HW_NONE || READ_ONCE(d[dir]->leaving) ||
		    !nfo_hw_is_listed(f->table, f->hold[dir].below.dev))
			return NFO_HW_SOFT;
	}

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		err = nfo_hw_rule_add(d[dir], f, dir, &extack);
		if (!err)
			continue;
		if (dir == IP_CT_DIR_REPLY)
			nfo_hw_rule_del(d[0], f, IP_CT_DIR_ORIGINAL);
		return nfo_hw_outcome(d[dir], f, dir, err, &extack);
	}
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		nfo_hw_fine(d[dir]);

	return NFO_HW_LIVE;
}

/* nfo_hw::bind held for reading. */
static void nfo_hw_del_both(struct nfo_flow *f)
{
	struct nfo_dev *d;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		d = nfo_hw_dev(f, dir);
		if (!d || d->bound == NFO_DEV_HW_NONE)
			continue;
		nfo_hw_rule_stats(d, f, dir);
		nfo_hw_rule_del(d, f, dir);
	}
}

/* ---- the queue ---- */

static void nfo_hw_enqueue(struct nfo_hw *hw, struct nfo_flow *f, enum nfo_hw_state state)
{
	f->hw.state = state;
	list_add_tail(&f->hw.node, &hw->queue);
	queue_work(nfo_hw_wq, &hw->work);
}

static struct nfo_flow *nfo_hw_next(struct nfo_hw *hw)
{
	struct nfo_flow *f;

	spin_lock_bh(&hw->lock);
	f = list_first_entry_or_null(&hw->queue, struct nfo_flow, hw.node);
	if (f) {
		list_del_init(&f->hw.node);
		if (f->hw.state == NFO_HW_QUEUED) {
			f->hw.state = NFO_HW_ADDING;
			hw->depth--;
		}
	}
	spin_unlock_bh(&hw->lock);

	return f;
}

static void nfo_hw_sync_later(struct nfo_table *t)
{
	u32 ms = READ_ONCE(t->nn->hw.sync_ms);

	queue_delayed_work(nfo_hw_wq, &t->hw.sync, msecs_to_jiffies(ms));
}

/* The driver said yes. Return: false when the flow ended meanwhile. */
static bool nfo_hw_live(struct nfo_hw *hw, struct nfo_flow *f)
{
	bool live;

	spin_lock_bh(&hw->lock);
	live = !test_bit(NFO_F_DEAD, &f->state);
	if (live) {
		f->hw.state = NFO_HW_LIVE;
		list_add_tail(&f->hw.node, &hw->live);
		if (!hw->count++)
			nfo_hw_sync_later(f->table);
		atomic_inc(&f->table->nn->in_hw);
		nfo_ct_hardware(f->ct, true);
	}
	spin_unlock_bh(&hw->lock);

	return live;
}

static void nfo_hw_work_add(struct nfo_hw *hw, struct nfo_flow *f)
{
	enum nfo_hw_state state = NFO_HW_SOFT;

	if (!test_bit(NFO_F_DEAD, &f->state))
		state = nfo_hw_add_both(f);
	if (state == NFO_HW_LIVE) {
		if (nfo_hw_live(hw, f)) {
			nfo_netlink_notify(f, NFO_EVENT_HARDWARE, NFO_R_NONE);
			return;
		}
		nfo_hw_del_both(f);
		state = NFO_HW_SOFT;
	} else if (state == NFO_HW_FAILED) {
		nfo_netlink_notify(f, NFO_EVENT_FAILED, NFO_R_HW_SHAPE);
	}

	spin_lock_bh(&hw->lock);
	f->hw.state = state;
	spin_unlock_bh(&hw->lock);
	nfo_flow_put(f);
}

/* Also an eviction: then the flow lives on in software. */
static void nfo_hw_work_del(struct nfo_hw *hw, struct nfo_flow *f)
{
	nfo_hw_del_both(f);
	spin_lock_bh(&hw->lock);
	f->hw.state = NFO_HW_SOFT;
	spin_unlock_bh(&hw->lock);
	nfo_flow_put(f);
}

static void nfo_hw_work(struct work_struct *work)
{
	struct nfo_hw *hw = container_of(work, struct nfo_hw, work);
	struct nfo_flow *f;

	while ((f = nfo_hw_next(hw))) {
		down_read(&hw->bind);
		if (f->hw.state == NFO_HW_ADDING)
			nfo_hw_work_add(hw, f);
		else
			nfo_hw_work_del(hw, f);
		up_read(&hw->bind);
		cond_resched();
	}
}

/* Caller holds hw->lock; the reference stays with the queue. */
static void nfo_hw_take_out(struct nfo_hw *hw, struct nfo_flow *f)
{
	list_del_init(&f->hw.node);
	hw->count--;
	atomic_dec(&f->table->nn->in_hw);
	nfo_ct_hardware(f->ct, false);
	nfo_hw_enqueue(hw, f, NFO_HW_RETIRING);
}

/**
 * nfo_hw_drain() - wait until the hardware has heard all that was queued
 * @t: flowtable
 *
 * Context: may sleep, nfo_hw::bind not held.
 */
void nfo_hw_drain(struct nfo_table *t)
{
	flush_work(&t->hw.work);
	/* Counters may be being read by who saw a flow still live. */
	flush_work(&t->hw.sync.work);
	/* And that may have ended flows in turn. */
	flush_work(&t->hw.work);
}

/* ---- who may enter ---- */

/* A learned size is doubted now and then, by one flow. */
static bool nfo_hw_is_full(struct nfo_dev *d)
{
	if (!d->budget || d->rules < d->budget)
		return false;
	if (!d->learned || time_before(jiffies, d->probe_at))
		return true;
	d->probe_at = jiffies + NFO_HW_PROBE;
	return false;
}

/* Under rcu_read_lock() and nfo_hw::lock. */
static enum nfo_reason nfo_hw_judge_dev(const struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	struct nfo_dev *d = nfo_hw_dev(f, dir);

	if (!d || d->bound == NFO_DEV_HW_NONE || d->leaving)
		return NFO_R_HW_DRIVER;
	if (d->refused & nfo_hw_shape(f, dir))
		return NFO_R_HW_SHAPE;
	if (d->backoff && time_before(jiffies, d->not_before))
		return NFO_R_HW_BUSY;
	if (nfo_hw_is_full(d))
		return NFO_R_HW_FULL;

	return NFO_R_NONE;
}

static enum nfo_reason nfo_hw_judge(const struct nfo_flow *f)
{
	enum nfo_reason why;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		why = nfo_hw_judge_dev(f, dir);
		if (why)
			return why;
	}

	return NFO_R_NONE;
}

static u64 nfo_hw_packets(const struct nfo_flow *f)
{
	return atomic64_read(&f->e[0].packets) + atomic64_read(&f->e[1].packets);
}

/* The table is full: a flow in it that is clearly colder gives way. Twice as busy
 * and some more, or two equal flows would chase each other. Caller holds hw->lock.
 */
static void nfo_hw_make_room(struct nfo_hw *hw, const struct nfo_flow *hot)
{
	struct nfo_flow *f, *coldest = NULL;
	unsigned int looked = 0;

	list_for_each_entry(f, &hw->live, hw.node) {
		if (!coldest || f->hw.rate < coldest->hw.rate)
			coldest = f;
		if (++looked == 4096)
			break;
	}
	if (!coldest || hot->hw.rate < 2 * coldest->hw.rate + NFO_HW_AFTER)
		return;

	nfo_count_reason(hot->table->nn, NFO_R_HW_EVICTED);
	nfo_hw_take_out(hw, coldest);
	nfo_netlink_notify(coldest, NFO_EVENT_EVICTED, NFO_R_HW_EVICTED);
}

/* Caller holds hw->lock and rcu_read_lock(). */
static void nfo_hw_consider(struct nfo_hw *hw, struct nfo_flow *f)
{
	const struct nfo_net *nn = f->table->nn;
	u64 packets = nfo_hw_packets(f);
	enum nfo_reason why;

	if (f->hw.state != NFO_HW_SOFT)
		return;
	f->hw.rate = packets - f->hw.seen;
	f->hw.seen = packets;
	if (packets < READ_ONCE(nn->hw.after) ||
	    test_bit(NFO_F_ONEWAY, &f->state) || test_bit(NFO_F_DEAD, &f->state))
		return;

	why = nfo_hw_judge(f);
	if (why == NFO_R_HW_FULL)
		nfo_hw_make_room(hw, f);
	if (why)
		return;
	if (hw->depth >= READ_ONCE(nn->hw.queue)) {
		nfo_count_reason(nn, NFO_R_HW_QUEUE);
		return;
	}

	refcount_inc(&f->refs);
	hw->depth++;
	nfo_hw_enqueue(hw, f, NFO_HW_QUEUED);
}

/**
 * nfo_hw_touched() - a flow has packets in software: would it be worth a place?
 * @f: flow
 *
 * Context: any, rcu_read_lock().
 */
void nfo_hw_touched(struct nfo_flow *f)
{
	struct nfo_hw *hw = &f->table->hw;

	if (!(f->table->flags & NF_FLOWTABLE_HW_OFFLOAD))
		return;

	spin_lock_bh(&hw->lock);
	nfo_hw_consider(hw, f);
	spin_unlock_bh(&hw->lock);
}

/**
 * nfo_hw_retired() - a flow ended: take it out of the queue or of the hardware
 * @f: flow, dead
 *
 * Context: any. Added and deleted before the driver heard of it, it costs nothing.
 */
void nfo_hw_retired(struct nfo_flow *f)
{
	struct nfo_hw *hw = &f->table->hw;
	bool put = false;

	if (!(f->table->flags & NF_FLOWTABLE_HW_OFFLOAD))
		return;

	spin_lock_bh(&hw->lock);
	switch (f->hw.state) {
	case NFO_HW_QUEUED:
		list_del_init(&f->hw.node);
		hw->depth--;
		f->hw.state = NFO_HW_SOFT;
		put = true;
		break;
	case NFO_HW_LIVE:
		nfo_hw_take_out(hw, f);
		break;
	}
	spin_unlock_bh(&hw->lock);
	if (put)
		nfo_flow_put(f);
}

/* ---- what comes back ---- */

/* Routes and neighbours of both directions: in use, and still the same? No packet
 * will come to ask.
 */
static enum nfo_reason nfo_hw_still_true(struct nfo_flow *f, enum ip_conntrack_dir dir,
					 bool used)
{
	struct nfo_entry *e = &f->e[dir];
	struct nfo_net *nn = f->table->nn;
	u32 epoch = nfo_epoch(nn);
	struct net_device *in;
	enum nfo_reason why;

	in = dev_get_by_index_rcu(nn->net, e->in);
	if (!in)
		return NFO_R_DEV_GONE;
	if (READ_ONCE(e->epoch) != epoch) {
		/* As in the packet path: the change is visible before the epoch. */
		smp_rmb();
		why = nfo_route_verify(e, 0, f->mark, in);
		if (why)
			return why;
		WRITE_ONCE(e->epoch, epoch);
	}

	return used ? nfo_route_touch(e, 0, f->mark, in) : NFO_R_NONE;
}

static void nfo_hw_sync_flow(struct nfo_flow *f)
{
	enum nfo_reason why = NFO_R_NONE;
	struct nfo_dev *d;
	u64 packets[IP_CT_DIR_MAX] = {};
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		d = nfo_hw_dev(f, dir);
		if (d && d->bound != NFO_DEV_HW_NONE)
			packets[dir] = nfo_hw_rule_stats(d, f, dir);
	}

	rcu_read_lock();
	if (nf_ct_is_dying(f->ct))
		why = NFO_R_CT_GONE;
	for (dir = 0; dir < IP_CT_DIR_MAX && !why; dir++)
		why = nfo_hw_still_true(f, dir, packets[dir]);
	if (why)
		nfo_flow_retire(f, why);
	rcu_read_unlock();

	/* In halves of a second, as software counts it. */
	spin_lock_bh(&f->table->hw.lock);
	f->hw.rate = (packets[0] + packets[1]) / 2;
	f->hw.seen = nfo_hw_packets(f);
	spin_unlock_bh(&f->table->hw.lock);
}

/* Take the first of the live, put it last. */
static struct nfo_flow *nfo_hw_rotate(struct nfo_hw *hw)
{
	struct nfo_flow *f;

	spin_lock_bh(&hw->lock);
	f = list_first_entry_or_null(&hw->live, struct nfo_flow, hw.node);
	if (f) {
		list_move_tail(&f->hw.node, &hw->live);
		refcount_inc(&f->refs);
	}
	spin_unlock_bh(&hw->lock);

	return f;
}

static void nfo_hw_sync(struct work_struct *work)
{
	struct nfo_hw *hw = container_of(to_delayed_work(work), struct nfo_hw, sync);
	struct nfo_table *t = container_of(hw, struct nfo_table, hw);
	unsigned int left = READ_ONCE(hw->count);
	struct nfo_flow *f;

	while (left-- && (f = nfo_hw_rotate(hw))) {
		down_read(&hw->bind);
		/* Deleted since: the worker has read its last counters. */
		if (READ_ONCE(f->hw.state) == NFO_HW_LIVE)
			nfo_hw_sync_flow(f);
		up_read(&hw->bind);
		nfo_flow_put(f);
		cond_resched();
	}

	spin_lock_bh(&hw->lock);
	if (hw->count)
		nfo_hw_sync_later(t);
	spin_unlock_bh(&hw->lock);
}

static void nfo_hw_kick_work(struct work_struct *work)
{
	struct nfo_net *nn = container_of(work, struct nfo_net, kick);
	struct nfo_table *t;

	mutex_lock(&nn->lock);
	list_for_each_entry(t, &nn->tables, list)
		if (READ_ONCE(t->hw.count))
			mod_delayed_work(nfo_hw_wq, &t->hw.sync, 0);
	mutex_unlock(&nn->lock);
	nfo_net_put(nn);
}

/**
 * nfo_hw_kick() - something changed: look at what is in hardware at once
 * @nn: namespace, held by the caller or by RCU
 *
 * Context: any.
 */
void nfo_hw_kick(struct nfo_net *nn)
{
	if (!refcount_inc_not_zero(&nn->refs))
		return;
	if (!queue_work(nfo_hw_wq, &nn->kick))
		nfo_net_put(nn);
}

/**
 * nfo_hw_net_init() - a namespace's hardware side
 * @nn: namespace
 */
void nfo_hw_net_init(struct nfo_net *nn)
{
	nn->hw = (struct nfo_hw_settings) {
		.after		= NFO_HW_AFTER,
		.queue		= NFO_HW_QUEUE_MAX,
		.sync_ms	= NFO_HW_SYNC_MS,
	};
	INIT_WORK(&nn->kick, nfo_hw_kick_work);
}

/**
 * nfo_hw_module_init() - the workers. Return: 0 or -ENOMEM.
 */
int __init nfo_hw_module_init(void)
{
	nfo_hw_wq = alloc_workqueue("nf_flow_offload", WQ_UNBOUND, 0);
	return nfo_hw_wq ? 0 : -ENOMEM;
}

/**
 * nfo_hw_module_exit() - undo nfo_hw_module_init(); waits for the last work.
 */
void nfo_hw_module_exit(void)
{
	destroy_workqueue(nfo_hw_wq);
}

/**
 * nfo_hw_init() - a new table's hardware side
 * @t: flowtable
 */
void nfo_hw_init(struct nfo_table *t)
{
	struct nfo_hw *hw = &t->hw;

	spin_lock_init(&hw->lock);
	INIT_LIST_HEAD(&hw->queue);
	INIT_LIST_HEAD(&hw->live);
	init_rwsem(&hw->bind);
	INIT_WORK(&hw->work, nfo_hw_work);
	INIT_DELAYED_WORK(&hw->sync, nfo_hw_sync);
}

/**
 * nfo_hw_exit() - undo nfo_hw_init(). Every flow is retired.
 * @t: flowtable
 *
 * Context: may sleep.
 */
void nfo_hw_exit(struct nfo_table *t)
{
	nfo_hw_drain(t);
	cancel_delayed_work_sync(&t->hw.sync);
	WARN_ON_ONCE(t->hw.count || t->hw.depth);
}
