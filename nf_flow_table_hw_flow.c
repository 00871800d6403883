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

/* How many rules a long walk looks at before it releases nfo_hw::lock for a moment. */
#define NFO_HW_TURN		64

/* ---- what comes next for a flow; nfo_hw::lock held ---- */

/**
 * nfo_hw_rule_put() - a direction's rule does not name its device any more
 * @f: flow
 * @p: rule of one direction, in no list, with nfo_hw_rule::dev
 *
 * When no rule names the device, waiters in nfo_hw_pull_wait() are woken. Context: nfo_hw::lock
 * held.
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

/* Queue the next rule of a flow that is to be in hardware. The second rule is queued when the
 * driver has taken the first one, so a refusal costs one call. When all rules are in, so is the
 * flow.
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

/* Take the rules of a flow back. A waiting rule leaves its queue, and a rule in hardware is queued
 * for deletion. A worker that is busy with a rule calls nfo_hw_next() when it is done.
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
 * @f: flow that is queued, in hardware or on its way out. The call may drop the reference of the
 *     hardware side, the last one perhaps: then the flow lives on until the end of an RCU grace
 *     period
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
 * @f: flow, as for nfo_hw_next()
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
 * @f: flow, as for nfo_hw_next()
 *
 * The flow's rules are deleted before those of other flows. When the flow has learned anew, its
 * rules are added before other flows' rules are added or deleted. That is safe only for a flow that
 * was in hardware with both directions: an old rule for the same packets, of an earlier flow, was
 * deleted before the rules of this flow were added the first time. Context: nfo_hw::lock held.
 */
void nfo_hw_expel_stale(struct nfo_flow *f)
{
	struct nfo_hw_flow *h = nfo_flow_hw(f);

	if (h->state == NFO_HW_LIVE && h->want == NFO_HW_BOTH)
		WRITE_ONCE(h->returns, true);
	nfo_hw_expel(f);
}

/* Admit a flow. A flow that was in software as a whole gets the reference of the hardware side; a
 * flow with one direction in hardware has it already. Caller holds rcu_read_lock().
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

/* The chip is full: evict a flow that is clearly less busy than a flow of which the directions
 * @want are to be in hardware. Return: true when there was one.
 */
static bool nfo_hw_make_room(const struct nfo_flow *hot, u8 want)
{
	struct nfo_flow *cold = nfo_hw_colder(hot, want);

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

/* Note what keeps a flow, or one direction of it, out of hardware. A reason that does so for good
 * is counted when it is first found, not each time that the flow asks. NFO_R_HW_DRIVER is not
 * counted, because every flow of such a device would count.
 */
static void nfo_hw_set_reason(struct nfo_flow *f, enum nfo_reason why)
{
	struct nfo_hw_flow *h = nfo_flow_hw(f);

	if (h->reason != why && why != NFO_R_HW_DRIVER && nfo_hw_never(why))
		nfo_count_reason(f->table->nn, why);
	WRITE_ONCE(h->reason, why);
}

/* Return: why the direction that is not in @want stays in software; NFO_R_NONE when both are in. */
static enum nfo_reason nfo_hw_left_out(const struct nfo_flow *f, u8 want)
{
	enum ip_conntrack_dir dir = want & BIT(IP_CT_DIR_ORIGINAL) ? IP_CT_DIR_REPLY :
								     IP_CT_DIR_ORIGINAL;

	return want == NFO_HW_BOTH ? NFO_R_NONE :
				     nfo_hw_dev_check(nfo_hw_dev(f, dir), f, dir);
}

/* Admit a flow if it is busy enough and nothing stands against it. Caller holds nfo_hw::lock and
 * rcu_read_lock().
 */
static void nfo_hw_consider(struct nfo_flow *f)
{
	struct nfo_hw_flow *h = nfo_flow_hw(f);
	enum nfo_reason why;
	u8 want;

	/* A flow that is on its way in or out, or in hardware with both directions, needs nothing.
	 * A flow with a single direction in hardware may get the other one in.
	 */
	if (h->state != NFO_HW_SOFT &&
	    (h->state != NFO_HW_LIVE || h->want == NFO_HW_BOTH))
		return;

	nfo_hw_measure(f);
	if (!nfo_hw_worth(f) || nfo_hw_going(f) || !nfo_hw_both_learned(f))
		return;

	want = nfo_hw_admit(f, &why);
	if (why == NFO_R_HW_FULL && h->state == NFO_HW_SOFT && !h->crowded &&
	    nfo_hw_make_room(f, want))
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
 * Called twice a second for a flow with packets. Context: any, rcu_read_lock().
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
 * nfo_hw_evict() - take a flow out of hardware because a rule of it is not true any more
 * @f: flow, in hardware or not
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
 * No driver is called for a flow whose rules were still waiting. Context: any.
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

/* Release the lock for a moment after each NFO_HW_TURN rules of a long walk, because packets in
 * softirq may wait for it.
 */
static void nfo_hw_pause(struct nfo_hw *hw, unsigned int left)
{
	if (left % NFO_HW_TURN)
		return;
	spin_unlock_bh(&hw->lock);
	cond_resched();
	spin_lock_bh(&hw->lock);
}

/* Withdraw the flows of a device in a list of rules to add. At most one rule of a flow waits, so a
 * withdrawal removes one node of the list. The walk may miss rules while the lock is released; the
 * worker does not ask a driver for them, because nfo_dev::leaving is set.
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
 * nfo_hw_pull_start() - begin to take all flows of a device back into software
 * @t: table in which the device is listed
 * @d: device with a queue; no rule is added for it until it is bound again
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
	/* The worker rotates the list too, so the walk may have missed rules. The worker finds
	 * nfo_dev::leaving set when it reads the counters of these rules, and withdraws them.
	 */
	q->unread = q->count;
	nfo_hw_wake(q);
	spin_unlock_bh(&hw->lock);
}

/**
 * nfo_hw_pull_begin() - begin to take all flows of a device back, as a caller that will wait
 * @t: table in which the device is listed
 * @d: device with a queue; no rule is added for it until it is bound again
 *
 * nfo_hw_pull_wait() must follow. Context: may sleep, nfo_net::lock held.
 */
void nfo_hw_pull_begin(struct nfo_table *t, struct nfo_dev *d)
{
	spin_lock_bh(&t->hw.lock);
	t->hw.pullers++;
	spin_unlock_bh(&t->hw.lock);
	nfo_hw_pull_start(t, d);
}

/**
 * nfo_hw_pull_wait() - wait until no flow of a device is in hardware
 * @t: table in which the device is listed
 * @d: device for which nfo_hw_pull_begin() was called
 *
 * After the return no worker calls the driver about rules of this device, and the driver has none,
 * but for rules that it would not delete. Context: may sleep, with nfo_net::lock held or
 * nfo_dev::going set.
 */
void nfo_hw_pull_wait(struct nfo_table *t, struct nfo_dev *d)
{
	struct nfo_hw *hw = &t->hw;

	wait_event(hw->wait, !READ_ONCE(d->users));
	/* The worker that woke this caller in nfo_hw_rule_put() may still hold the lock; when it
	 * has released the lock, it does not use the device any more.
	 */
	spin_lock_bh(&hw->lock);
	if (!--hw->pullers)
		WRITE_ONCE(hw->lent, false);
	spin_unlock_bh(&hw->lock);
}

/**
 * nfo_hw_pull() - take all flows of a device back into software, and wait
 * @t: table in which the device is listed
 * @d: device; no rule is added for it until it is bound again
 *
 * After the return it is as after nfo_hw_pull_wait(). Context: may sleep, nfo_net::lock held.
 */
void nfo_hw_pull(struct nfo_table *t, struct nfo_dev *d)
{
	if (!d->queue)
		return;
	nfo_hw_pull_begin(t, d);
	nfo_hw_pull_wait(t, d);
}
