// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: the states of a flow on its way in and out.
 *
 * A flow asks for a place while its packets pass in software. Its two rules are added one
 * after the other and deleted independently. The rules may belong to two chips, and then
 * they stand in two queues. After each step nfo_hw_next() decides the next one, in the
 * context of the worker or of the caller that made the step.
 */
#include "nfo_ct.h"
#include "nfo_hw.h"

/* How many rules are looked at before nfo_hw::lock is released for a moment. */
#define NFO_HW_TURN		64

/* ---- what comes next for a flow; nfo_hw::lock held ---- */

/**
 * nfo_hw_rule_put() - a direction does not name its device any more
 * @f: flow
 * @p: its direction
 *
 * Context: nfo_hw::lock held.
 */
void nfo_hw_rule_put(struct nfo_flow *f, struct nfo_hw_rule *p)
{
	struct nfo_dev *d = p->dev;

	p->state = NFO_RULE_NONE;
	p->dev = NULL;
	if (--d->users)
		return;
	wake_up_all(&f->table->hw.wait);
	if (d->drains)
		queue_delayed_work(nfo_hw_wq, &f->table->hw.drained_work, 0);
}

/* Return: the counter of struct nfo_hw that the flow is in, or NULL. */
static u32 *nfo_hw_tally(struct nfo_flow *f)
{
	struct nfo_hw *hw = &f->table->hw;

	switch (nfo_flow_hw(f)->state) {
	case NFO_HW_QUEUED:
		return &hw->queued;
	case NFO_HW_LIVE:
		return nfo_flow_hw(f)->want == NFO_HW_BOTH ? &hw->whole : &hw->half;
	default:
		return NULL;
	}
}

static void nfo_hw_set_state(struct nfo_flow *f, enum nfo_hw_state state, u8 want)
{
	struct nfo_hw_flow *h = nfo_flow_hw(f);
	u32 *tally = nfo_hw_tally(f);

	if (tally)
		WRITE_ONCE(*tally, *tally - 1);
	h->state = state;
	h->want = want;
	tally = nfo_hw_tally(f);
	if (tally)
		WRITE_ONCE(*tally, *tally + 1);
}

/* Queue the next rule of the flow. The second rule waits until the driver has taken the
 * first one, so a refusal costs one call. With the last rule the flow is in hardware.
 */
static void nfo_hw_proceed(struct nfo_flow *f)
{
	struct nfo_hw_flow *h = nfo_flow_hw(f);
	bool begun = false;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct nfo_hw_rule *p = &h->rule[dir];

		if (!(h->want & BIT(dir)))
			continue;
		if (p->state == NFO_RULE_NONE)
			nfo_hw_queue_add(p->dev->queue, p, begun, h->returns);
		if (p->state != NFO_RULE_IN)
			return;
		begun = true;
	}

	nfo_hw_set_state(f, NFO_HW_LIVE, h->want);
	h->returns = false;
	if (h->want == NFO_HW_BOTH) {
		WRITE_ONCE(h->reason, NFO_R_NONE);
		nfo_ct_hardware(f->ct, true);
	}
	nfo_table_ops->hardware(f, NFO_EVENT_HARDWARE, NFO_R_NONE);
}

/* No driver has a rule of the flow any more: drop the reference of the hardware side. */
static void nfo_hw_finish(struct nfo_flow *f)
{
	nfo_hw_set_state(f, NFO_HW_SOFT, 0);
	nfo_flow_hw(f)->evict = false;
	nfo_flow_put(f);
}

/* Take the rules of a flow back. A waiting rule leaves its queue, a rule in hardware is
 * queued for deletion. For a rule with which a worker is busy, nfo_hw_next() is called
 * again when the worker is done.
 */
static void nfo_hw_withdraw(struct nfo_flow *f)
{
	struct nfo_hw_flow *h = nfo_flow_hw(f);
	bool busy = false;
	int dir;

	if (h->state == NFO_HW_LIVE)
		nfo_ct_hardware(f->ct, false);
	nfo_hw_set_state(f, NFO_HW_RETIRING, h->want);

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct nfo_hw_rule *p = &h->rule[dir];

		if (!p->dev)
			continue;
		switch (p->state) {
		case NFO_RULE_WAITING:
			nfo_hw_queue_drop(p->dev->queue, p);
			fallthrough;
		case NFO_RULE_NONE:
			nfo_hw_rule_put(f, p);
			continue;
		case NFO_RULE_IN:
			nfo_hw_queue_del(p->dev->queue, p, h->returns);
			atomic_dec(&f->table->nn->in_hw);
			break;
		}
		busy = true;
	}
	if (!busy)
		nfo_hw_finish(f);
}

/**
 * nfo_hw_next() - decide the next step of a flow, after each step of one of its rules
 * @f: flow that is queued, in hardware or on its way out; may be freed by the call
 *
 * Context: nfo_hw::lock held.
 */
void nfo_hw_next(struct nfo_flow *f)
{
	if (nfo_hw_going(f))
		nfo_hw_withdraw(f);
	else
		nfo_hw_proceed(f);
}

/**
 * nfo_hw_expel() - take a flow out of hardware, back into software
 * @f: as for nfo_hw_next()
 *
 * Context: nfo_hw::lock held.
 */
void nfo_hw_expel(struct nfo_flow *f)
{
	nfo_flow_hw(f)->evict = true;
	nfo_hw_next(f);
}

/**
 * nfo_hw_expel_stale() - take a flow out of hardware because a rule is not true any more
 * @f: as for nfo_hw_next()
 *
 * Its rules are deleted before others are, and when its packets have shown where they go now, it
 * returns before other flows, and before their rules are deleted. No rule of an earlier flow with
 * the same packets is among these, for all that were due had been deleted before the rules of this
 * flow were added: so this is for flows alone that were in hardware as a whole.
 * Context: nfo_hw::lock held.
 */
void nfo_hw_expel_stale(struct nfo_flow *f)
{
	struct nfo_hw_flow *h = nfo_flow_hw(f);

	if (h->state == NFO_HW_LIVE && h->want == NFO_HW_BOTH)
		WRITE_ONCE(h->returns, true);
	nfo_hw_expel(f);
}

/* The flow is admitted. In software until now, it gets the reference of the hardware side;
 * with one direction in hardware already, the reference is there.
 */
static void nfo_hw_begin(struct nfo_flow *f, u8 want)
{
	struct nfo_hw_flow *h = nfo_flow_hw(f);
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct nfo_hw_rule *p = &h->rule[dir];

		if (!(want & ~h->want & BIT(dir)))
			continue;
		p->dev = nfo_hw_dev(f, dir);
		p->dir = dir;
		p->dev->users++;
	}
	if (h->state == NFO_HW_SOFT)
		refcount_inc(&f->refs);
	nfo_hw_set_state(f, NFO_HW_QUEUED, want);
	nfo_hw_next(f);
}

/* ---- flows come and go ---- */

/* The chip is full: evict a clearly less busy flow. Return: true when one was evicted. */
static bool nfo_hw_make_room(const struct nfo_flow *hot)
{
	struct nfo_flow *cold = nfo_hw_colder(hot);

	if (!cold)
		return false;
	nfo_count_reason(hot->table->nn, NFO_R_HW_EVICTED);
	nfo_table_ops->hardware(cold, NFO_EVENT_EVICTED, NFO_R_HW_EVICTED);
	WRITE_ONCE(nfo_flow_hw(cold)->reason, NFO_R_HW_EVICTED);
	nfo_hw_expel(cold);

	return true;
}

static bool nfo_hw_both_learned(const struct nfo_flow *f)
{
	return nfo_flow_learned(f, IP_CT_DIR_ORIGINAL) && nfo_flow_learned(f, IP_CT_DIR_REPLY);
}

/* What keeps a flow, or one direction of it, out of hardware. What does so for good is counted
 * once a flow, not twice a second; a device without a driver is counted for no flow.
 */
static void nfo_hw_set_reason(struct nfo_flow *f, enum nfo_reason why)
{
	struct nfo_hw_flow *h = nfo_flow_hw(f);

	if (h->reason != why && why != NFO_R_HW_DRIVER && nfo_hw_never(why))
		nfo_count_reason(f->table->nn, why);
	WRITE_ONCE(h->reason, why);
}

/* Return: why the direction that is not in @want stays in software; NFO_R_NONE when both are. */
static enum nfo_reason nfo_hw_left_out(const struct nfo_flow *f, u8 want)
{
	enum ip_conntrack_dir dir = want & BIT(IP_CT_DIR_ORIGINAL) ? IP_CT_DIR_REPLY :
								     IP_CT_DIR_ORIGINAL;

	return want == NFO_HW_BOTH ? NFO_R_NONE :
				     nfo_hw_dev_check(nfo_hw_dev(f, dir), f, dir, 1);
}

/* Caller holds hw->lock and rcu_read_lock(). */
static void nfo_hw_consider(struct nfo_flow *f)
{
	struct nfo_hw_flow *h = nfo_flow_hw(f);
	enum nfo_reason why;
	u8 want;

	/* A flow that is queued or in hardware as a whole needs nothing. One with a single
	 * direction in hardware may get the other one in.
	 */
	if (h->state != NFO_HW_SOFT &&
	    (h->state != NFO_HW_LIVE || h->want == NFO_HW_BOTH))
		return;

	nfo_hw_measure(f);
	if (!nfo_hw_worth(f) || nfo_hw_going(f) || !nfo_hw_both_learned(f))
		return;

	want = nfo_hw_admit(f, &why);
	if (why == NFO_R_HW_FULL && h->state == NFO_HW_SOFT && nfo_hw_make_room(f))
		why = NFO_R_NONE;
	if (why == NFO_R_HW_QUEUE)
		nfo_count_reason(f->table->nn, why);
	nfo_hw_set_reason(f, why ?: nfo_hw_left_out(f, want));
	if (!why && want != h->want)
		nfo_hw_begin(f, want | h->want);
}

/**
 * nfo_hw_active() - a flow has packets in software: admit it if it is busy enough
 * @f: flow
 *
 * Context: any, rcu_read_lock().
 */
void nfo_hw_active(struct nfo_flow *f)
{
	struct nfo_hw *hw = &f->table->hw;

	if (!(f->table->flags & NF_FLOWTABLE_HW_OFFLOAD))
		return;

	spin_lock_bh(&hw->lock);
	nfo_hw_consider(f);
	spin_unlock_bh(&hw->lock);
}

/**
 * nfo_hw_evict() - take a flow out of hardware because its rules are not true any more
 * @f: flow
 *
 * Context: any, rcu_read_lock().
 */
void nfo_hw_evict(struct nfo_flow *f)
{
	struct nfo_hw *hw = &f->table->hw;

	spin_lock_bh(&hw->lock);
	if (nfo_flow_hw(f)->state != NFO_HW_SOFT)
		nfo_hw_expel_stale(f);
	spin_unlock_bh(&hw->lock);
}

/**
 * nfo_hw_retired() - a flow ended: take it out of the queues or of the hardware
 * @f: flow with NFO_F_DEAD
 *
 * Context: any. No driver is called for a flow that was still waiting.
 */
void nfo_hw_retired(struct nfo_flow *f)
{
	struct nfo_hw *hw = &f->table->hw;

	if (!(f->table->flags & NF_FLOWTABLE_HW_OFFLOAD))
		return;

	spin_lock_bh(&hw->lock);
	if (nfo_flow_hw(f)->state != NFO_HW_SOFT)
		nfo_hw_next(f);
	spin_unlock_bh(&hw->lock);
}

/* After some rules of a long walk: whoever waits for the lock, in softirq perhaps, gets it. */
static void nfo_hw_pause(struct nfo_hw *hw, unsigned int left)
{
	if (left % NFO_HW_TURN)
		return;
	spin_unlock_bh(&hw->lock);
	cond_resched();
	spin_lock_bh(&hw->lock);
}

/* Withdraw the flows of a device in a list of rules to add. At most one direction of a flow waits,
 * so withdrawing it removes no other node. The worker, which finds nfo_dev::leaving set, asks no
 * driver for rules that this walk misses.
 */
static void nfo_hw_pull_waiting(struct nfo_hw_queue *q, struct list_head *list,
				const struct nfo_dev *d)
{
	struct nfo_hw_rule *p;
	unsigned int left;

	for (left = q->depth; left && !list_empty(list); left--) {
		p = list_first_entry(list, struct nfo_hw_rule, node);
		list_move_tail(&p->node, list);
		if (p->dev == d)
			nfo_hw_expel(nfo_hw_rule_flow(p));
		nfo_hw_pause(q->hw, left);
	}
}

/**
 * nfo_hw_pull_start() - have all flows of a device taken back into software, and do not wait
 * @t: its table
 * @d: device with a queue; no rule is added to it until it is bound again
 *
 * Context: may sleep, nfo_net::lock held.
 */
void nfo_hw_pull_start(struct nfo_table *t, struct nfo_dev *d)
{
	struct nfo_hw_queue *q = d->queue;
	struct nfo_hw *hw = &t->hw;
	struct nfo_hw_rule *p;
	unsigned int left;

	spin_lock_bh(&hw->lock);
	d->leaving = true;
	nfo_hw_queue_unstick(q);
	nfo_hw_pull_waiting(q, &q->add, d);
	nfo_hw_pull_waiting(q, &q->back, d);
	for (left = q->count; left && !list_empty(&q->live); left--) {
		p = list_first_entry(&q->live, struct nfo_hw_rule, node);
		nfo_hw_queue_rotate(q, p);
		if (p->dev == d)
			nfo_hw_expel(nfo_hw_rule_flow(p));
		nfo_hw_pause(hw, left);
	}
	/* The worker rotates the list too, so the walk may have missed rules. The worker
	 * withdraws these when it reads counters, because nfo_dev::leaving is set.
	 */
	q->unread = q->count;
	nfo_hw_wake(q);
	spin_unlock_bh(&hw->lock);
}

/**
 * nfo_hw_pull_begin() - have all flows of a device taken back into software
 * @t: its table
 * @d: device with a queue; no rule is added to it until it is bound again
 *
 * Context: may sleep, nfo_net::lock held. nfo_hw_pull_wait() must follow.
 */
void nfo_hw_pull_begin(struct nfo_table *t, struct nfo_dev *d)
{
	spin_lock_bh(&t->hw.lock);
	d->queue->pullers++;
	spin_unlock_bh(&t->hw.lock);
	nfo_hw_pull_start(t, d);
}

/**
 * nfo_hw_pull_wait() - wait until no flow of a device is in hardware
 * @t: its table
 * @d: device for which nfo_hw_pull_begin() was called
 *
 * Context: may sleep; a caller that does not hold nfo_net::lock has set nfo_dev::going. After
 * the return the driver has no rule of this device, and no worker is calling the driver for it.
 */
void nfo_hw_pull_wait(struct nfo_table *t, struct nfo_dev *d)
{
	struct nfo_hw_queue *q = d->queue;
	struct nfo_hw *hw = &t->hw;

	wait_event(hw->wait, !READ_ONCE(d->users));
	/* The waker may still hold the lock in nfo_hw_rule_put(): after this it is done
	 * with the device.
	 */
	spin_lock_bh(&hw->lock);
	if (!--q->pullers)
		q->lent = false;
	spin_unlock_bh(&hw->lock);
}

/**
 * nfo_hw_pull() - take all flows of a device back into software
 * @t: its table
 * @d: device; no rule is added to it until it is bound again
 *
 * Context: may sleep, nfo_net::lock held. After the return the driver has no rule of this
 * device, and no worker is calling the driver for it.
 */
void nfo_hw_pull(struct nfo_table *t, struct nfo_dev *d)
{
	if (!d->queue)
		return;
	nfo_hw_pull_begin(t, d);
	nfo_hw_pull_wait(t, d);
}
