// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: the lists of a chip's queue. A rule is in one list at a time. Nothing here
 * calls a driver.
 */
#include <linux/slab.h>

#include "nfo_compat.h"
#include "nfo_flow.h"
#include "nfo_hw_queue.h"

struct workqueue_struct *nfo_hw_wq;

/**
 * nfo_hw_queue_alloc() - make the queue of a chip
 * @hw:   hardware side of the table, which will own the queue
 * @work: function of nfo_hw_queue::work
 * @sync: function of nfo_hw_queue::sync_work
 *
 * Context: may sleep, nfo_net::lock held. Return: the queue, which counts one device; NULL when
 * there is no memory.
 */
struct nfo_hw_queue *nfo_hw_queue_alloc(struct nfo_hw *hw, work_func_t work,
					work_func_t sync)
{
	struct nfo_hw_queue *q = kzalloc_obj(*q, GFP_KERNEL_ACCOUNT);
	int i;

	if (!q)
		return NULL;

	q->hw = hw;
	q->round = 1;
	q->devs = 1;
	q->read_at = jiffies;
	INIT_LIST_HEAD(&q->stale);
	INIT_LIST_HEAD(&q->back);
	INIT_LIST_HEAD(&q->del);
	INIT_LIST_HEAD(&q->add);
	INIT_LIST_HEAD(&q->live);
	INIT_LIST_HEAD(&q->stuck);
	for (i = 0; i < NFO_HW_CURSORS; i++)
		q->cursor[i] = &q->live;
	INIT_WORK(&q->work, work);
	INIT_DELAYED_WORK(&q->sync_work, sync);
	spin_lock_bh(&hw->lock);
	list_add_tail(&q->list, &hw->queues);
	spin_unlock_bh(&hw->lock);

	return q;
}

/**
 * nfo_hw_queue_free() - undo nfo_hw_queue_alloc()
 * @q: queue that no device uses, without rules
 *
 * Waits for the worker. Context: may sleep, nfo_net::lock held.
 */
void nfo_hw_queue_free(struct nfo_hw_queue *q)
{
	spin_lock_bh(&q->hw->lock);
	list_del(&q->list);
	spin_unlock_bh(&q->hw->lock);

	cancel_delayed_work_sync(&q->sync_work);
	cancel_work_sync(&q->work);
	WARN_ON_ONCE(q->depth || q->count || q->rules || !list_empty(&q->stuck));
	kfree(q);
}

/**
 * nfo_hw_queue_add() - a rule is to be added
 * @q:     queue of the rule's device
 * @p:     rule in state NFO_RULE_NONE, in no list
 * @begun: the flow's other rule is in hardware already. One rule alone is of no use, so this one
 *         goes before rules of flows that have none in hardware
 * @returns: the flow has left the hardware because a rule was not true any more; it goes before
 *         other flows
 *
 * Context: nfo_hw::lock held.
 */
void nfo_hw_queue_add(struct nfo_hw_queue *q, struct nfo_hw_rule *p, bool begun, bool returns)
{
	struct list_head *to = returns ? &q->back : &q->add;

	p->state = NFO_RULE_WAITING;
	if (begun)
		list_add(&p->node, to);
	else
		list_add_tail(&p->node, to);
	q->depth++;
	nfo_hw_wake(q);
}

/**
 * nfo_hw_queue_drop() - a waiting rule leaves the queue without being added
 * @q: queue
 * @p: rule in state NFO_RULE_WAITING
 *
 * Context: nfo_hw::lock held.
 */
void nfo_hw_queue_drop(struct nfo_hw_queue *q, struct nfo_hw_rule *p)
{
	list_del_init(&p->node);
	p->state = NFO_RULE_NONE;
	q->depth--;
}

/**
 * nfo_hw_queue_live() - the driver took a rule
 * @q: queue
 * @p: rule in state NFO_RULE_ADDING
 *
 * Context: nfo_hw::lock held.
 */
void nfo_hw_queue_live(struct nfo_hw_queue *q, struct nfo_hw_rule *p)
{
	p->state = NFO_RULE_IN;
	list_add_tail(&p->node, &q->live);
	/* A walk over all rules that is under way meets one more. */
	if (q->unchecked)
		WRITE_ONCE(q->unchecked, q->unchecked + 1);
	q->count++;
	q->rules++;
}

/* A rule is about to leave its place in nfo_hw_queue::live: move each walk that stands at this rule
 * to the rule before it.
 */
static void nfo_hw_queue_spare(struct nfo_hw_queue *q, const struct nfo_hw_rule *p)
{
	int i;

	for (i = 0; i < NFO_HW_CURSORS; i++)
		if (q->cursor[i] == &p->node)
			q->cursor[i] = p->node.prev;
}

/**
 * nfo_hw_queue_del() - a rule in hardware is to be deleted
 * @q: queue
 * @p: rule in state NFO_RULE_IN
 * @stale: a rule of the flow is not true any more, so this rule is deleted before others
 *
 * Context: nfo_hw::lock held.
 */
void nfo_hw_queue_del(struct nfo_hw_queue *q, struct nfo_hw_rule *p, bool stale)
{
	nfo_hw_queue_spare(q, p);
	p->state = NFO_RULE_LEAVING;
	list_move_tail(&p->node, stale ? &q->stale : &q->del);
	q->count--;
	nfo_hw_wake(q);
}

/**
 * nfo_hw_queue_rotate() - a rule in hardware goes to the end of its list
 * @q: queue
 * @p: rule in state NFO_RULE_IN
 *
 * Context: nfo_hw::lock held.
 */
void nfo_hw_queue_rotate(struct nfo_hw_queue *q, struct nfo_hw_rule *p)
{
	nfo_hw_queue_spare(q, p);
	list_move_tail(&p->node, &q->live);
}

/**
 * nfo_hw_queue_step() - one step of a walk through the rules in hardware
 * @q:      queue
 * @cursor: which walk, NFO_HW_CURSOR_*
 *
 * After the last rule comes the first one. Context: nfo_hw::lock held. Return: a rule in state
 * NFO_RULE_IN; NULL when there is none.
 */
struct nfo_hw_rule *nfo_hw_queue_step(struct nfo_hw_queue *q, unsigned int cursor)
{
	struct list_head *at = q->cursor[cursor]->next;

	if (at == &q->live)
		at = at->next;
	q->cursor[cursor] = at;

	return at == &q->live ? NULL : list_entry(at, struct nfo_hw_rule, node);
}

/**
 * nfo_hw_queue_stuck() - a driver did not delete a rule
 * @q: queue
 * @p: rule in state NFO_RULE_DELETING, in no list
 *
 * Context: nfo_hw::lock held.
 */
void nfo_hw_queue_stuck(struct nfo_hw_queue *q, struct nfo_hw_rule *p)
{
	p->state = NFO_RULE_LEAVING;
	list_add_tail(&p->node, &q->stuck);
}

/**
 * nfo_hw_queue_unstick() - the rules that were not deleted are to be deleted again
 * @q: queue
 *
 * Context: nfo_hw::lock held.
 */
void nfo_hw_queue_unstick(struct nfo_hw_queue *q)
{
	if (list_empty(&q->stuck))
		return;
	list_splice_tail_init(&q->stuck, &q->del);
	nfo_hw_wake(q);
}

/* Return: the list from which the worker takes the next rule. It may be empty. */
static struct list_head *nfo_hw_queue_next(struct nfo_hw_queue *q)
{
	if (!list_empty(&q->stale))
		return &q->stale;
	if (!list_empty(&q->back))
		return &q->back;
	if (!list_empty(&q->del))
		return &q->del;
	return &q->add;
}

/**
 * nfo_hw_queue_take() - the next rule to delete or to add
 * @q: queue
 *
 * The order is: deletions of rules that are not true any more, additions for flows that return,
 * other deletions, other additions. Context: the queue's worker, nfo_hw::lock not held. Return: a
 * rule in state NFO_RULE_DELETING or NFO_RULE_ADDING, in no list; NULL when there is none.
 */
struct nfo_hw_rule *nfo_hw_queue_take(struct nfo_hw_queue *q)
{
	struct nfo_hw_rule *p;

	spin_lock_bh(&q->hw->lock);
	p = list_first_entry_or_null(nfo_hw_queue_next(q), struct nfo_hw_rule, node);
	if (p) {
		list_del_init(&p->node);
		if (p->state == NFO_RULE_WAITING) {
			p->state = NFO_RULE_ADDING;
			q->depth--;
		} else {
			p->state = NFO_RULE_DELETING;
		}
	}
	spin_unlock_bh(&q->hw->lock);

	return p;
}

/**
 * nfo_hw_queue_unread() - the next rule whose counters are to be read in this period
 * @q: queue
 *
 * Only the queue's worker takes a rule out of hardware, so the rule stays while it is read.
 * Context: the queue's worker, nfo_hw::lock not held. Return: a rule in state NFO_RULE_IN; NULL
 * when all are read.
 */
struct nfo_hw_rule *nfo_hw_queue_unread(struct nfo_hw_queue *q)
{
	struct nfo_hw_rule *p = NULL;

	spin_lock_bh(&q->hw->lock);
	if (q->unread) {
		q->unread--;
		p = list_first_entry_or_null(&q->live, struct nfo_hw_rule, node);
	}
	if (p)
		nfo_hw_queue_rotate(q, p);
	else if (list_empty(&q->live))
		q->unread = 0;
	spin_unlock_bh(&q->hw->lock);

	return p;
}

/**
 * nfo_hw_queue_leaving() - the next rules of a walk through those that wait for their deletion
 * @q:     queue
 * @at:    where the walk stands; at first the head of nfo_hw_queue::del
 * @rules: filled
 * @n:     how many rules there is room for
 *
 * Context: the queue's worker, nfo_hw::lock not held. Return: how many rules were put into @rules,
 * of which each stays where it is until the worker moves it; 0 at the end of the walk.
 */
unsigned int nfo_hw_queue_leaving(struct nfo_hw_queue *q, struct list_head **at,
				  struct nfo_hw_rule **rules, unsigned int n)
{
	unsigned int found = 0;

	spin_lock_bh(&q->hw->lock);
	while (found < n && (*at)->next != &q->del) {
		*at = (*at)->next;
		rules[found++] = list_entry(*at, struct nfo_hw_rule, node);
	}
	spin_unlock_bh(&q->hw->lock);

	return found;
}

/**
 * nfo_hw_queue_hurry() - a rule that waits for its deletion is not true any more
 * @q:  queue
 * @p:  rule that nfo_hw_queue_leaving() found
 * @at: where this walk stands
 *
 * Context: the queue's worker, nfo_hw::lock held.
 */
void nfo_hw_queue_hurry(struct nfo_hw_queue *q, struct nfo_hw_rule *p, struct list_head **at)
{
	if (*at == &p->node)
		*at = p->node.prev;
	list_move_tail(&p->node, &q->stale);
}

/**
 * nfo_hw_queue_is_idle() - is there no rule to look at when a period is over or something changed?
 * @q: queue
 *
 * Context: nfo_hw::lock held.
 */
bool nfo_hw_queue_is_idle(const struct nfo_hw_queue *q)
{
	return !q->count && list_empty(&q->del) && list_empty(&q->stuck);
}

/**
 * nfo_hw_queue_module_init() - make the workqueue of all workers
 *
 * Return: 0 or -ENOMEM.
 */
int __init nfo_hw_queue_module_init(void)
{
	nfo_hw_wq = alloc_workqueue("nf_flow_offload", WQ_UNBOUND, 0);
	return nfo_hw_wq ? 0 : -ENOMEM;
}

/**
 * nfo_hw_queue_module_exit() - undo nfo_hw_queue_module_init(), after the last work item has ended
 */
void nfo_hw_queue_module_exit(void)
{
	destroy_workqueue(nfo_hw_wq);
}
