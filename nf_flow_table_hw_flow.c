// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: a flow's way in and out.
 *
 * A flow asks for a place while its packets pass through software. Its rules go in
 * one after the other and out side by side; they may be two chips' business, and so
 * stand in two queues. nfo_hw_next() says what comes next, whoever did the last step.
 */
#include "nfo_ct.h"
#include "nfo_hw.h"

/* Rules looked at before others may take the lock. */
#define NFO_HW_TURN		64

/* ---- what comes next for a flow; nfo_hw::lock held ---- */

/**
 * nfo_hw_rule_put() - a device has no more to do with a direction
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
	if (!--d->users)
		wake_up_all(&f->table->hw.wait);
}

/* Where a flow is counted, see struct nfo_hw. */
static u32 *nfo_hw_tally(struct nfo_flow *f)
{
	struct nfo_hw *hw = &f->table->hw;

	switch (f->hw.state) {
	case NFO_HW_QUEUED:
		return &hw->queued;
	case NFO_HW_LIVE:
		return f->hw.want == NFO_HW_BOTH ? &hw->whole : &hw->half;
	default:
		return NULL;
	}
}

static void nfo_hw_set_state(struct nfo_flow *f, enum nfo_hw_state state, u8 want)
{
	u32 *tally = nfo_hw_tally(f);

	if (tally)
		WRITE_ONCE(*tally, *tally - 1);
	f->hw.state = state;
	f->hw.want = want;
	tally = nfo_hw_tally(f);
	if (tally)
		WRITE_ONCE(*tally, *tally + 1);
}

/* One direction after the other: a driver that refuses the first spares the second. */
static void nfo_hw_proceed(struct nfo_flow *f)
{
	bool begun = false;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct nfo_hw_rule *p = &f->hw.rule[dir];

		if (!(f->hw.want & BIT(dir)))
			continue;
		if (p->state == NFO_RULE_NONE)
			nfo_hw_queue_add(p->dev->queue, p, begun);
		if (p->state != NFO_RULE_IN)
			return;
		begun = true;
	}

	nfo_hw_set_state(f, NFO_HW_LIVE, f->hw.want);
	if (f->hw.want == NFO_HW_BOTH)
		nfo_ct_hardware(f->ct, true);
	nfo_table_ops->hardware(f, NFO_EVENT_HARDWARE, NFO_R_NONE);
}

/* Nothing of it is left with any driver: the flow is software's, or nobody's. */
static void nfo_hw_finish(struct nfo_flow *f)
{
	nfo_hw_set_state(f, NFO_HW_SOFT, 0);
	f->hw.evict = false;
	nfo_flow_put(f);
}

/* What was not begun is dropped, what is in is taken out, and what a driver has in
 * hands comes back here.
 */
static void nfo_hw_withdraw(struct nfo_flow *f)
{
	bool busy = false;
	int dir;

	if (f->hw.state == NFO_HW_LIVE)
		nfo_ct_hardware(f->ct, false);
	nfo_hw_set_state(f, NFO_HW_RETIRING, f->hw.want);

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct nfo_hw_rule *p = &f->hw.rule[dir];

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
			nfo_hw_queue_del(p->dev->queue, p);
			atomic_dec(&f->table->nn->in_hw);
			break;
		}
		busy = true;
	}
	if (!busy)
		nfo_hw_finish(f);
}

/**
 * nfo_hw_next() - the one place that says what comes next for a flow
 * @f: flow that is queued, in hardware or on its way out; may be gone afterwards
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
	f->hw.evict = true;
	nfo_hw_next(f);
}

/* The first time the hardware side takes a reference of the flow. */
static void nfo_hw_begin(struct nfo_flow *f, u8 want)
{
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct nfo_hw_rule *p = &f->hw.rule[dir];

		if (!(want & ~f->hw.want & BIT(dir)))
			continue;
		p->dev = nfo_hw_dev(f, dir);
		p->dir = dir;
		p->dev->users++;
	}
	if (f->hw.state == NFO_HW_SOFT)
		refcount_inc(&f->refs);
	nfo_hw_set_state(f, NFO_HW_QUEUED, want);
	nfo_hw_next(f);
}

/* ---- flows come and go ---- */

/* The table is full: something colder goes, and the place is this flow's. */
static bool nfo_hw_make_room(const struct nfo_flow *hot)
{
	struct nfo_flow *cold = nfo_hw_colder(hot);

	if (!cold)
		return false;
	nfo_count_reason(hot->table->nn, NFO_R_HW_EVICTED);
	nfo_table_ops->hardware(cold, NFO_EVENT_EVICTED, NFO_R_HW_EVICTED);
	nfo_hw_expel(cold);

	return true;
}

/* Caller holds hw->lock and rcu_read_lock(). */
static void nfo_hw_consider(struct nfo_flow *f)
{
	enum nfo_reason why;
	u8 want;

	/* In hardware, but this packet was not: is it the half that could not? */
	if (f->hw.state != NFO_HW_SOFT &&
	    (f->hw.state != NFO_HW_LIVE || f->hw.want == NFO_HW_BOTH))
		return;

	nfo_hw_measure(f);
	if (!nfo_hw_worth(f) || nfo_hw_going(f) || test_bit(NFO_F_ONEWAY, &f->state))
		return;

	want = nfo_hw_admit(f, &why);
	if (why == NFO_R_HW_FULL && f->hw.state == NFO_HW_SOFT && nfo_hw_make_room(f))
		why = NFO_R_NONE;
	if (why == NFO_R_HW_QUEUE)
		nfo_count_reason(f->table->nn, why);
	if (!why && want != f->hw.want)
		nfo_hw_begin(f, want | f->hw.want);
}

/**
 * nfo_hw_active() - a flow has packets in software: would it be worth a place?
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
 * nfo_hw_retired() - a flow ended: take it out of the queues or of the hardware
 * @f: flow, dead
 *
 * Context: any. Added and deleted before a driver heard of it, it costs nothing.
 */
void nfo_hw_retired(struct nfo_flow *f)
{
	struct nfo_hw *hw = &f->table->hw;

	if (!(f->table->flags & NF_FLOWTABLE_HW_OFFLOAD))
		return;

	spin_lock_bh(&hw->lock);
	if (f->hw.state != NFO_HW_SOFT)
		nfo_hw_next(f);
	spin_unlock_bh(&hw->lock);
}

/**
 * nfo_hw_pull() - take everything off a device, back into software
 * @t: its table
 * @d: device; takes nothing more, until it is bound again
 *
 * Context: may sleep, nfo_net::lock held. Returns when no driver has, gets, or is
 * being told about a rule of this device.
 */
void nfo_hw_pull(struct nfo_table *t, struct nfo_dev *d)
{
	struct nfo_hw_queue *q = d->queue;
	struct nfo_hw *hw = &t->hw;
	struct nfo_hw_rule *p, *next;
	unsigned int left;

	if (!q)
		return;

	spin_lock_bh(&hw->lock);
	d->leaving = true;
	/* Of a flow one direction at most waits to be added. */
	list_for_each_entry_safe(p, next, &q->add, node)
		if (p->dev == d)
			nfo_hw_expel(nfo_hw_rule_flow(p));
	for (left = q->count; left && !list_empty(&q->live); left--) {
		p = list_first_entry(&q->live, struct nfo_hw_rule, node);
		list_move_tail(&p->node, &q->live);
		if (p->dev == d)
			nfo_hw_expel(nfo_hw_rule_flow(p));
		if (left % NFO_HW_TURN)
			continue;
		spin_unlock_bh(&hw->lock);
		cond_resched();
		spin_lock_bh(&hw->lock);
	}
	/* The worker turns the list as well: it finds whom we missed. */
	q->unread = q->count;
	nfo_hw_wake(q);
	spin_unlock_bh(&hw->lock);

	wait_event(hw->wait, !READ_ONCE(d->users));
	/* Who woke us is through with the device. */
	spin_lock_bh(&hw->lock);
	spin_unlock_bh(&hw->lock);
}
