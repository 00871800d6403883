// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: the queues to the drivers, the calls, and what comes back.
 *
 * A queue for each chip, a worker for each queue: nobody else talks to its drivers
 * about rules, and it talks to no other.
 */
#include <linux/delay.h>
#include <linux/if_pppox.h>
#include <linux/if_vlan.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/pkt_cls.h>

#include "nfo.h"
#include "nfo_hw.h"
#include "nfo_hw_rule.h"
#include "nfo_trace.h"

/* Rules added or deleted, and counters read, before it is the others' turn. */
#define NFO_HW_BATCH		32
/* Attempts to delete, and what is between the first two; doubled three times. */
#define NFO_HW_INSIST		8
#define NFO_HW_INSIST_MS	20

struct workqueue_struct *nfo_hw_wq;

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

/* A rule that stays would go on forwarding: a driver that is busy is asked again. One
 * that was deaf to that is not waited for with every rule. Return: the last answer.
 */
static int nfo_hw_insist(struct nfo_dev *d, struct flow_cls_offload *cls)
{
	unsigned int i, tries = d->deaf ? 1 : NFO_HW_INSIST;
	int err;

	for (i = 0; i < tries; i++) {
		err = nfo_hw_call(d, cls);
		if (!err || err == -ENOENT || err == -ENODEV || err == -EOPNOTSUPP) {
			d->deaf = false;
			return err;
		}
		if (i + 1 < tries)
			msleep(NFO_HW_INSIST_MS << min(i, 3u));
	}
	d->deaf = true;
	nfo_hw_say(d, err, cls->common.extack);

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
	/* TC's protocol is that of the frame as it comes in. */
	if (d->bound == NFO_DEV_HW_BLOCK && s.in_encaps)
		cls.common.protocol = s.in_encap[0].proto;
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
	err = nfo_hw_insist(d, &cls);
	trace_nfo_hw_result(false, f->ct, dir, d->dev->name, err, extack._msg);
	d->rules--;
}

/* What hardware counts in a frame beyond the IP packet, which is what software and
 * conntrack count.
 */
static unsigned int nfo_hw_frame_header(const struct nfo_entry *e)
{
	static const u8 len[] = {
		[NFO_ENCAP_8021Q]	= VLAN_HLEN,
		[NFO_ENCAP_8021AD]	= VLAN_HLEN,
		[NFO_ENCAP_PPPOE]	= PPPOE_SES_HLEN,
	};
	unsigned int sum = ETH_HLEN;
	u8 kinds;

	for (kinds = e->key.kinds; kinds; kinds >>= NFO_ENCAP_BITS)
		sum += len[kinds & NFO_ENCAP_MASK];

	return sum;
}

/* Add what the hardware counted since the last time; @packets is set to it. Return:
 * the driver's answer.
 */
static int nfo_hw_rule_stats(struct nfo_dev *d, struct nfo_flow *f,
			     enum ip_conntrack_dir dir, u64 *packets)
{
	struct nfo_entry *e = &f->e[dir];
	struct flow_cls_offload cls;
	u64 bytes, headers;
	int err;

	*packets = 0;
	nfo_hw_cls_init(&cls, FLOW_CLS_STATS, e, NULL);
	err = nfo_hw_call(d, &cls);
	if (err)
		return err;

	headers = cls.stats.pkts * nfo_hw_frame_header(e);
	bytes = cls.stats.bytes > headers ? cls.stats.bytes - headers : 0;
	if (cls.stats.pkts || bytes) {
		atomic64_add(cls.stats.pkts, &e->packets);
		atomic64_add(bytes, &e->bytes);
		if (f->table->flags & NF_FLOWTABLE_COUNTER)
			nf_ct_acct_add(f->ct, dir, cls.stats.pkts, bytes);
		WRITE_ONCE(e->used, nfo_now());
	} else if ((s32)((u32)cls.stats.lastused - READ_ONCE(e->used)) > 0) {
		/* Drivers that count nothing at least tell this. */
		WRITE_ONCE(e->used, (u32)cls.stats.lastused);
	}
	*packets = cls.stats.pkts;

	return 0;
}

/* ---- the worker of a queue ---- */

/* The driver says that there is no such device: nothing more of it, and who may
 * sleep unbinds it.
 */
static void nfo_hw_lost(struct nfo_dev *d)
{
	struct nfo_hw_queue *q = d->queue;

	if (d->leaving)
		return;
	d->leaving = true;
	d->lost = true;
	queue_work(nfo_hw_wq, &q->t->hw.lost);
}

static struct nfo_hw_part *nfo_hw_take(struct nfo_hw_queue *q)
{
	struct nfo_hw_part *p;

	spin_lock_bh(&q->t->hw.lock);
	p = list_first_entry_or_null(&q->del, struct nfo_hw_part, node);
	if (p) {
		p->state = NFO_RULE_DELETING;
	} else {
		p = list_first_entry_or_null(&q->add, struct nfo_hw_part, node);
		if (p) {
			p->state = NFO_RULE_ADDING;
			q->depth--;
		}
	}
	if (p)
		list_del_init(&p->node);
	spin_unlock_bh(&q->t->hw.lock);

	return p;
}

/* Rules of the flow that this chip has yet to take. */
static unsigned int nfo_hw_need(const struct nfo_flow *f, const struct nfo_hw_queue *q)
{
	unsigned int need = 0;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		need += f->hw.part[dir].dev && f->hw.part[dir].dev->queue == q &&
			f->hw.part[dir].state != NFO_RULE_IN;

	return need;
}

/* Things may have changed while it waited: a full table or a refused shape is not
 * asked for again by all who waited behind. Return: may the driver be asked?
 */
static bool nfo_hw_still_meant(struct nfo_flow *f, struct nfo_hw_part *p,
			       enum nfo_reason *why)
{
	bool going;

	spin_lock_bh(&f->table->hw.lock);
	going = nfo_hw_going(f);
	*why = nfo_hw_judge_dev(p->dev, f, p->dir, nfo_hw_need(f, p->dev->queue));
	spin_unlock_bh(&f->table->hw.lock);

	return !going && !*why;
}

static void nfo_hw_added(struct nfo_flow *f, struct nfo_hw_part *p)
{
	struct nfo_hw_queue *q = p->dev->queue;

	p->state = NFO_RULE_IN;
	list_add_tail(&p->node, &q->live);
	q->count++;
	q->rules++;
	atomic_inc(&f->table->nn->in_hw);
	nfo_hw_fine(p->dev);
}

static void nfo_hw_asked(struct nfo_dev *d, struct nfo_flow *f, enum ip_conntrack_dir dir,
			 int err, const struct netlink_ext_ack *extack,
			 enum nfo_reason *why)
{
	nfo_hw_say(d, err, extack);
	if (err == -ENODEV) {
		nfo_hw_lost(d);
		*why = NFO_R_HW_DRIVER;
	} else {
		*why = nfo_hw_outcome(d, f, dir, err);
	}
	nfo_count_reason(f->table->nn, *why);
}

/* One direction cannot: that is the end of both, but for the setting. */
static void nfo_hw_not_added(struct nfo_flow *f, struct nfo_hw_part *p, enum nfo_reason why)
{
	nfo_hw_part_put(f, p);
	if (nfo_hw_going(f))
		return;

	if (READ_ONCE(f->table->nn->settings.hw_oneway) &&
	    (why == NFO_R_HW_SHAPE || why == NFO_R_HW_DRIVER)) {
		f->hw.want &= ~BIT(p->dir);
		if (f->hw.want)
			return;
	}
	f->hw.out = true;
	if (why == NFO_R_HW_SHAPE)
		nfo_netlink_notify(f, NFO_EVENT_FAILED, why);
}

static void nfo_hw_do_add(struct nfo_flow *f, struct nfo_hw_part *p)
{
	struct nfo_hw *hw = &f->table->hw;
	struct netlink_ext_ack extack = {};
	enum nfo_reason why;
	bool asked;
	int err = 0;

	asked = nfo_hw_still_meant(f, p, &why);
	if (asked)
		err = nfo_hw_rule_add(p->dev, f, p->dir, &extack);

	spin_lock_bh(&hw->lock);
	if (err)
		nfo_hw_asked(p->dev, f, p->dir, err, &extack, &why);
	if (asked && !err)
		nfo_hw_added(f, p);
	else
		nfo_hw_not_added(f, p, why);
	nfo_hw_next(f);
	spin_unlock_bh(&hw->lock);
}

static void nfo_hw_do_del(struct nfo_flow *f, struct nfo_hw_part *p)
{
	struct nfo_hw *hw = &f->table->hw;
	u64 packets;

	nfo_hw_rule_stats(p->dev, f, p->dir, &packets);
	nfo_hw_rule_del(p->dev, f, p->dir);

	spin_lock_bh(&hw->lock);
	p->dev->queue->rules--;
	nfo_hw_part_put(f, p);
	nfo_hw_next(f);
	spin_unlock_bh(&hw->lock);
}

/* Return: did it have something to do? */
static bool nfo_hw_do_some(struct nfo_hw_queue *q)
{
	struct nfo_hw_part *p;
	int i;

	for (i = 0; i < NFO_HW_BATCH; i++) {
		p = nfo_hw_take(q);
		if (!p)
			break;
		if (p->state == NFO_RULE_ADDING)
			nfo_hw_do_add(nfo_hw_part_flow(p), p);
		else
			nfo_hw_do_del(nfo_hw_part_flow(p), p);
	}

	return i;
}

/* ---- what comes back ---- */

/* The direction's route and neighbour: in use, and still the same? No packet will
 * come to ask.
 */
static enum nfo_reason nfo_hw_still_true(struct nfo_flow *f, enum ip_conntrack_dir dir,
					 bool used)
{
	struct nfo_entry *e = &f->e[dir];
	u32 epoch = nfo_epoch(f->table->nn);
	enum nfo_reason why;

	if (READ_ONCE(e->epoch) != epoch) {
		/* As in the packet path: the change is visible before the epoch. */
		smp_rmb();
		why = nfo_route_verify(e, 0, f->mark);
		if (why)
			return why;
		WRITE_ONCE(e->epoch, epoch);
	}

	return used ? nfo_route_touch(e, 0, f->mark) : NFO_R_NONE;
}

/* A direction's counters. The rule is in: this worker alone would take it out. */
static void nfo_hw_read(struct nfo_flow *f, struct nfo_hw_part *p)
{
	enum nfo_reason why = NFO_R_CT_GONE;
	struct nfo_hw *hw = &f->table->hw;
	u64 packets;
	int err;

	err = nfo_hw_rule_stats(p->dev, f, p->dir, &packets);

	rcu_read_lock();
	if (!nf_ct_is_dying(f->ct))
		why = nfo_hw_still_true(f, p->dir, packets);
	if (why)
		nfo_flow_retire(f, why);
	rcu_read_unlock();

	spin_lock_bh(&hw->lock);
	nfo_hw_measure(f);
	if (err == -ENODEV) {
		nfo_hw_say(p->dev, err, NULL);
		nfo_hw_lost(p->dev);
	}
	/* A chip that lost the rule, or a device that goes. */
	if ((err == -ENOENT || p->dev->leaving) && p->state == NFO_RULE_IN)
		nfo_hw_expel(f);
	spin_unlock_bh(&hw->lock);
}

/* The next whose counters are to be read, unless there is something to delete. */
static struct nfo_hw_part *nfo_hw_next_unread(struct nfo_hw_queue *q)
{
	struct nfo_hw_part *p = NULL;

	spin_lock_bh(&q->t->hw.lock);
	if (q->unread && list_empty(&q->del)) {
		q->unread--;
		p = list_first_entry_or_null(&q->live, struct nfo_hw_part, node);
	}
	if (p)
		list_move_tail(&p->node, &q->live);
	else if (list_empty(&q->live))
		q->unread = 0;
	spin_unlock_bh(&q->t->hw.lock);

	return p;
}

static bool nfo_hw_read_some(struct nfo_hw_queue *q)
{
	struct nfo_hw_part *p;
	int i;

	for (i = 0; i < NFO_HW_BATCH; i++) {
		p = nfo_hw_next_unread(q);
		if (!p)
			break;
		nfo_hw_read(nfo_hw_part_flow(p), p);
	}

	return i;
}

static void nfo_hw_work(struct work_struct *work)
{
	struct nfo_hw_queue *q = container_of(work, struct nfo_hw_queue, work);
	u32 ms = READ_ONCE(q->t->nn->settings.hw_sync_ms);

	while (nfo_hw_do_some(q) | nfo_hw_read_some(q))
		cond_resched();

	spin_lock_bh(&q->t->hw.lock);
	if (q->count)
		queue_delayed_work(nfo_hw_wq, &q->sync, msecs_to_jiffies(ms));
	spin_unlock_bh(&q->t->hw.lock);
}

static void nfo_hw_sync(struct work_struct *work)
{
	struct nfo_hw_queue *q = container_of(to_delayed_work(work), struct nfo_hw_queue, sync);

	spin_lock_bh(&q->t->hw.lock);
	q->unread = q->count;
	nfo_hw_wake(q);
	spin_unlock_bh(&q->t->hw.lock);
}

static void nfo_hw_kick_table(struct nfo_hw *hw)
{
	struct nfo_hw_queue *q;

	spin_lock_bh(&hw->lock);
	list_for_each_entry(q, &hw->queues, list)
		if (q->count)
			mod_delayed_work(nfo_hw_wq, &q->sync, 0);
	spin_unlock_bh(&hw->lock);
}

static void nfo_hw_kick_work(struct work_struct *work)
{
	struct nfo_net *nn = container_of(work, struct nfo_net, kick);
	struct nfo_table *t;

	mutex_lock(&nn->lock);
	list_for_each_entry(t, &nn->tables, list)
		nfo_hw_kick_table(&t->hw);
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

/* ---- queues ---- */

/**
 * nfo_hw_queue_alloc() - make the queue of a chip
 * @t: table
 *
 * Context: may sleep, nfo_net::lock held. Return: it, with one device, or NULL.
 */
struct nfo_hw_queue *nfo_hw_queue_alloc(struct nfo_table *t)
{
	struct nfo_hw_queue *q = kzalloc_obj(*q);

	if (!q)
		return NULL;

	q->t = t;
	q->devs = 1;
	INIT_LIST_HEAD(&q->add);
	INIT_LIST_HEAD(&q->del);
	INIT_LIST_HEAD(&q->live);
	INIT_WORK(&q->work, nfo_hw_work);
	INIT_DELAYED_WORK(&q->sync, nfo_hw_sync);
	spin_lock_bh(&t->hw.lock);
	list_add_tail(&q->list, &t->hw.queues);
	spin_unlock_bh(&t->hw.lock);

	return q;
}

/**
 * nfo_hw_queue_free() - undo nfo_hw_queue_alloc()
 * @q: queue that no device uses
 *
 * Context: may sleep, nfo_net::lock held.
 */
void nfo_hw_queue_free(struct nfo_hw_queue *q)
{
	spin_lock_bh(&q->t->hw.lock);
	list_del(&q->list);
	spin_unlock_bh(&q->t->hw.lock);

	cancel_delayed_work_sync(&q->sync);
	cancel_work_sync(&q->work);
	WARN_ON_ONCE(q->depth || q->count || q->rules);
	kfree(q);
}

/**
 * nfo_hw_net_init() - a namespace's hardware side
 * @nn: namespace
 */
void nfo_hw_net_init(struct nfo_net *nn)
{
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
