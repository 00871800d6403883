// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: the queues to the drivers, the calls, and what comes back.
 *
 * A queue for each chip, a worker for each queue: nobody else talks to its drivers
 * about rules, and it talks to no other.
 */
#include "nfo_ct.h"
#include "nfo_hw.h"
#include "nfo_route.h"

/* Rules added or deleted, and counters read, before it is the others' turn. */
#define NFO_HW_BATCH		32
/* How soon a change of the ruleset, which nothing announces, is noticed: in jiffies. */
#define NFO_HW_LOOK_IN		(HZ / 20)

/* ---- the worker of a queue ---- */

/* The driver says that there is no such device: nothing more of it, and who may
 * sleep unbinds it.
 */
static void nfo_hw_driver_gone(struct nfo_dev *d)
{
	struct nfo_hw_queue *q = d->queue;

	if (d->leaving)
		return;
	d->leaving = true;
	d->driver_gone = true;
	queue_work(nfo_hw_wq, &q->t->hw.gone_work);
}

/* Rules of the flow that this chip has yet to take. */
static unsigned int nfo_hw_need(const struct nfo_flow *f, const struct nfo_hw_queue *q)
{
	unsigned int need = 0;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		need += f->hw.rule[dir].dev && f->hw.rule[dir].dev->queue == q &&
			f->hw.rule[dir].state != NFO_RULE_IN;

	return need;
}

/* Things may have changed while it waited: a full table or a refused shape is not
 * asked for again by all who waited behind. Return: may the driver be asked?
 */
static bool nfo_hw_still_meant(struct nfo_flow *f, struct nfo_hw_rule *p,
			       enum nfo_reason *why)
{
	bool going;

	spin_lock_bh(&f->table->hw.lock);
	going = nfo_hw_going(f);
	*why = nfo_hw_dev_check(p->dev, f, p->dir, nfo_hw_need(f, p->dev->queue));
	spin_unlock_bh(&f->table->hw.lock);

	return !going && !*why;
}

static void nfo_hw_added(struct nfo_flow *f, struct nfo_hw_rule *p)
{
	struct nfo_hw_queue *q = p->dev->queue;

	set_bit(NFO_F_HARDWARE, &f->state);
	nfo_hw_queue_live(q, p);
	atomic_inc(&f->table->nn->in_hw);
	nfo_hw_dev_ok(p->dev);
	/* nfo_hw_pull() found the rule in no list while the driver was asked. */
	if (p->dev->leaving)
		f->hw.evict = true;
}

static void nfo_hw_asked(struct nfo_dev *d, struct nfo_flow *f, enum ip_conntrack_dir dir,
			 int err, const struct netlink_ext_ack *extack,
			 enum nfo_reason *why)
{
	nfo_hw_dev_set_error(d, err, extack);
	if (err == -ENODEV) {
		nfo_hw_driver_gone(d);
		*why = NFO_R_HW_DRIVER;
	} else {
		*why = nfo_hw_outcome(d, f, dir, err);
	}
	nfo_count_reason(f->table->nn, *why);
}

/* One direction cannot: that is the end of both, but for the setting. */
static void nfo_hw_not_added(struct nfo_flow *f, struct nfo_hw_rule *p, enum nfo_reason why)
{
	nfo_hw_rule_put(f, p);
	if (nfo_hw_going(f))
		return;

	if (READ_ONCE(f->table->nn->settings.hw_oneway) &&
	    (why == NFO_R_HW_SHAPE || why == NFO_R_HW_DRIVER)) {
		f->hw.want &= ~BIT(p->dir);
		if (f->hw.want)
			return;
	}
	f->hw.evict = true;
	if (why == NFO_R_HW_SHAPE)
		nfo_table_ops->hardware(f, NFO_EVENT_FAILED, why);
}

static void nfo_hw_do_add(struct nfo_flow *f, struct nfo_hw_rule *p)
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

static void nfo_hw_do_del(struct nfo_flow *f, struct nfo_hw_rule *p)
{
	struct nfo_hw *hw = &f->table->hw;
	u64 packets;

	nfo_hw_rule_stats(p->dev, f, p->dir, &packets);
	nfo_hw_rule_del(p->dev, f, p->dir);

	spin_lock_bh(&hw->lock);
	p->dev->queue->rules--;
	nfo_hw_rule_put(f, p);
	nfo_hw_next(f);
	spin_unlock_bh(&hw->lock);
}

/* Return: did it have something to do? */
static bool nfo_hw_do_some(struct nfo_hw_queue *q)
{
	struct nfo_hw_rule *p;
	int i;

	for (i = 0; i < NFO_HW_BATCH; i++) {
		p = nfo_hw_queue_take(q);
		if (!p)
			break;
		if (p->state == NFO_RULE_ADDING)
			nfo_hw_do_add(nfo_hw_rule_flow(p), p);
		else
			nfo_hw_do_del(nfo_hw_rule_flow(p), p);
	}

	return i;
}

/* ---- what comes back ---- */

/* The direction's route and neighbour: in use, and still the same? No packet will
 * come to ask.
 */
static bool nfo_hw_still_true(struct nfo_flow *f, enum ip_conntrack_dir dir, bool used)
{
	struct nfo_entry *e = &f->e[dir];
	u32 epoch = nfo_epoch(f->table->nn);
	u32 was = READ_ONCE(e->epoch);

	if (was != epoch) {
		if (nfo_route_changed(f->table->nn, e, was, epoch))
			return false;
		cmpxchg(&e->epoch, was, epoch);
	}
	if (!used)
		return true;
	nfo_ct_refresh(f->ct);

	return nfo_route_refresh(f, dir);
}

/* A direction's counters. The rule is in: this worker alone would take it out. */
static void nfo_hw_read(struct nfo_flow *f, struct nfo_hw_rule *p)
{
	struct nfo_hw *hw = &f->table->hw;
	bool stays = true;
	u64 packets;
	int err;

	err = nfo_hw_rule_stats(p->dev, f, p->dir, &packets);

	rcu_read_lock();
	if (nf_ct_is_dying(f->ct)) {
		nfo_flow_retire(f, NFO_R_CT_GONE);
	} else if (!nfo_hw_still_true(f, p->dir, packets)) {
		/* Its packets show in software where they go now. */
		nfo_entry_make_stale(&f->e[p->dir], READ_ONCE(f->table->nn->epoch));
		stays = false;
	}
	rcu_read_unlock();

	spin_lock_bh(&hw->lock);
	nfo_hw_measure(f);
	if (err == -ENODEV) {
		nfo_hw_dev_set_error(p->dev, err, NULL);
		nfo_hw_driver_gone(p->dev);
	}
	/* A chip that lost the rule, or a device that goes. */
	if ((err == -ENOENT || p->dev->leaving || !stays) && p->state == NFO_RULE_IN)
		nfo_hw_expel(f);
	spin_unlock_bh(&hw->lock);
}

static bool nfo_hw_read_some(struct nfo_hw_queue *q)
{
	struct nfo_hw_rule *p;
	int i;

	for (i = 0; i < NFO_HW_BATCH; i++) {
		p = nfo_hw_queue_unread(q);
		if (!p)
			break;
		nfo_hw_read(nfo_hw_rule_flow(p), p);
	}

	return i;
}

/* Jiffies until it is to be asked whether something changed, or counters are due. */
static unsigned long nfo_hw_look_in(const struct nfo_hw_queue *q)
{
	unsigned long now = jiffies;

	if (time_before_eq(q->read_at, now))
		return 0;
	return min_t(unsigned long, q->read_at - now, NFO_HW_LOOK_IN);
}

static void nfo_hw_work(struct work_struct *work)
{
	struct nfo_hw_queue *q = container_of(work, struct nfo_hw_queue, work);

	while (nfo_hw_do_some(q) | nfo_hw_read_some(q))
		cond_resched();

	spin_lock_bh(&q->t->hw.lock);
	if (q->count)
		queue_delayed_work(nfo_hw_wq, &q->sync_work, nfo_hw_look_in(q));
	spin_unlock_bh(&q->t->hw.lock);
}

static void nfo_hw_sync_worker(struct work_struct *work)
{
	struct nfo_hw_queue *q = container_of(to_delayed_work(work),
					      struct nfo_hw_queue, sync_work);

	u32 ms = READ_ONCE(q->t->nn->settings.hw_sync_ms);
	u32 epoch = nfo_epoch(q->t->nn);

	spin_lock_bh(&q->t->hw.lock);
	if (epoch != q->epoch || time_before_eq(q->read_at, jiffies)) {
		q->epoch = epoch;
		q->read_at = jiffies + msecs_to_jiffies(ms);
		q->unread = q->count;
		nfo_hw_wake(q);
	} else if (q->count) {
		queue_delayed_work(nfo_hw_wq, &q->sync_work, nfo_hw_look_in(q));
	}
	spin_unlock_bh(&q->t->hw.lock);
}

static void nfo_hw_kick_table(struct nfo_hw *hw)
{
	struct nfo_hw_queue *q;

	spin_lock_bh(&hw->lock);
	list_for_each_entry(q, &hw->queues, list)
		if (q->count) {
			q->read_at = jiffies;
			mod_delayed_work(nfo_hw_wq, &q->sync_work, 0);
		}
	spin_unlock_bh(&hw->lock);
}

static void nfo_hw_kick_work(struct work_struct *work)
{
	struct nfo_net *nn = container_of(work, struct nfo_net, kick_work);
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
	if (!queue_work(nfo_hw_wq, &nn->kick_work))
		nfo_net_put(nn);
}

/* ---- queues ---- */

/**
 * nfo_hw_queue_open() - a queue with a worker for a chip
 * @t: table
 *
 * Context: may sleep, nfo_net::lock held. Return: the queue, with one device, or NULL.
 */
struct nfo_hw_queue *nfo_hw_queue_open(struct nfo_table *t)
{
	struct nfo_hw_queue *q = nfo_hw_queue_alloc(&t->hw, nfo_hw_work, nfo_hw_sync_worker);

	if (q)
		q->t = t;
	return q;
}

/**
 * nfo_hw_net_init() - a namespace's hardware side
 * @nn: namespace
 */
void nfo_hw_net_init(struct nfo_net *nn)
{
	INIT_WORK(&nn->kick_work, nfo_hw_kick_work);
}
