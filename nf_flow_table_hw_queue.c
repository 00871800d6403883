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
 * @hw:   hardware side of its table
 * @work: function of the worker, which calls the drivers
 * @sync: function that begins a period of reading counters
 *
 * Context: may sleep, nfo_net::lock held. Return: the queue, with one device, or NULL.
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
 * @q: queue that no device uses
 *
 * Context: may sleep, nfo_net::lock held.
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
 * @q:     queue
 * @p:     direction, in no list
 * @begun: the other direction is in hardware already. A flow with one direction alone is
 *         of no use, so this rule goes before rules of flows that have none in hardware
 * @returns: the flow was in hardware until something changed, and goes before other flows
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
 * @p: direction in state NFO_RULE_WAITING
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
 * @p: direction in state NFO_RULE_ADDING
 *
 * Context: nfo_hw::lock held.
 */
void nfo_hw_queue_live(struct nfo_hw_queue *q, struct nfo_hw_rule *p)
{
	p->state = NFO_RULE_IN;
	list_add_tail(&p->node, &q->live);
	q->count++;
	q->rules++;
}

/* A rule leaves its place in the list: walks that stand there stand before it from now on. */
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
 * @p: direction in state NFO_RULE_IN
 * @stale: the flow's packets go somewhere else by now, so the rule goes before other rules
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
 * @p: direction in state NFO_RULE_IN
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
 * @cursor: which walk
 *
 * After the last rule comes the first one. Context: nfo_hw::lock held. Return: a direction
 * in state NFO_RULE_IN; NULL when there is none.
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
 * @p: direction in state NFO_RULE_DELETING, in no list
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

/* Return: the list whose turn it is; it may be empty. */
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
 * Of flows that something changed for, all that is due goes before the rules of other flows, and
 * deletions go before additions.
 *
 * Context: the queue's worker. Return: a direction in state NFO_RULE_DELETING or
 * NFO_RULE_ADDING, in no list; or NULL.
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
 * Context: the queue's worker. Only this worker takes a rule out of hardware, so the rule
 * stays while it is read. Return: a direction in state NFO_RULE_IN; NULL when all are read.
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
 * nfo_hw_queue_module_init() - make the workqueue of all workers. Return: 0 or -ENOMEM.
 */
int __init nfo_hw_queue_module_init(void)
{
	nfo_hw_wq = alloc_workqueue("nf_flow_offload", WQ_UNBOUND, 0);
	return nfo_hw_wq ? 0 : -ENOMEM;
}

/**
 * nfo_hw_queue_module_exit() - undo nfo_hw_queue_module_init(); waits for the last work.
 */
void nfo_hw_queue_module_exit(void)
{
	destroy_workqueue(nfo_hw_wq);
}
