/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The queue of a chip: rules in hardware, rules to add, rules to delete.
 */
#ifndef _NFO_HW_QUEUE_H
#define _NFO_HW_QUEUE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct nfo_hw_rule;
struct nfo_table;

/**
 * struct nfo_hw - a table's hardware side
 * @lock:   protects the queues, each struct nfo_hw_flow, and what was learned of the drivers
 *          (struct nfo_dev). nfo_dev::answer_lock, and for nfo_unseen_check() and
 *          nfo_unseen_soon() nfo_net::journal_lock, are taken inside
 * @queues: list of struct nfo_hw_queue::list, owned; protected by @lock
 * @queued: flows on their way into hardware; written with @lock held, read without it for
 *          display
 * @whole:  flows of which both directions are in hardware; written with @lock held, read without it
 *          for display
 * @half:   flows of which one direction alone is in hardware; written with @lock held, read without
 *          it for display
 * @wait:   woken when nfo_dev::users of a device becomes 0
 * @pullers: callers between nfo_hw_pull_begin() and the end of nfo_hw_pull_wait(): they wait for
 *          the workers of the table, and may hold nfo_net::lock, nf_tables' commit mutex and RTNL.
 *          A flow names both its devices while one chip is asked for its first rule, so the pull
 *          of one chip's device waits for the worker of another chip. Protected by @lock
 * @lent:   no worker of the table waits for RTNL: its holder is taken to wait for a puller, or to
 *          be one; protected by @lock
 * @gone_work: unbinds devices whose driver said ENODEV
 * @drained_work: unbinds devices with nfo_dev::drains that have no rules any more
 */
struct nfo_hw {
	spinlock_t		lock;	/* queues, nfo_hw_flow, nfo_dev */
	struct list_head	queues;
	u32			queued;
	u32			whole;
	u32			half;
	wait_queue_head_t	wait;
	unsigned int		pullers;
	bool			lent;
	struct work_struct	gone_work;
	struct delayed_work	drained_work;
};

/* Which walk: an index of nfo_hw_queue::cursor. */
enum { NFO_HW_CURSOR_CHECK, NFO_HW_CURSOR_COLD, NFO_HW_CURSORS };

/**
 * struct nfo_hw_queue - the rules of one chip
 * @list:   in nfo_hw::queues
 * @hw:     hardware side of @t, which outlives the queue; constant
 * @t:      table that the queue belongs to, which outlives the queue; constant
 * @devs:   how many devices share the queue; protected by nfo_net::lock
 * @stale:  rules to delete before anything else, because they are not true any more; linked by
 *          nfo_hw_rule::node, as the rules in the other lists are. The worker alone takes rules out
 *          of @stale and @del
 * @back:   rules to add of flows that left by way of @stale; they go before rules of @del
 * @del:    other rules to delete; they go before rules of @add
 * @add:    other rules to add
 * @live:   rules in hardware
 * @stuck:  rules that a driver did not delete; the driver is told again each period
 * @cursor: for each walk through @live the rule at which the walk stands, or the head of @live: one
 *          walk looks for rules that are not true any more, the other for the least busy flow
 * @unchecked: how many rules the walk NFO_HW_CURSOR_CHECK has still to look at
 * @unsorted: something changed, and the rules in @del were not looked at since
 * @depth:  length of @add and @back
 * @count:  length of @live
 * @rules:  rules in hardware: those in @live and those that wait for their deletion
 * @size:   how many rules the chip held when its driver said that the table is full; 0: unknown
 * @probe_at: jiffies at which @size is doubted
 * @round:  number of the present round, from 1 to 255; in a round each flow that finds no room is
 *          refused once
 * @unread: how many rules of @live still have counters to be read in this period
 * @owing: how many rules may still leave in this period because of nfo_hw_rule::owes
 * @work:   the worker; no other context calls the drivers of the queue about rules, so the
 *          calls for one rule keep their order
 * @epoch:  nfo_net::epoch when @sync_work last had all rules checked
 * @read_at: jiffies at which the next period begins
 * @sync_work: looks whether a period is over, or something changed
 *
 * nfo_hw::lock protects the lists and the numbers, but for @devs.
 */
struct nfo_hw_queue {
	struct list_head	list;
	struct nfo_hw		*hw;
	struct nfo_table	*t;
	unsigned int		devs;
	struct list_head	stale;
	struct list_head	back;
	struct list_head	del;
	struct list_head	add;
	struct list_head	live;
	struct list_head	stuck;
	struct list_head	*cursor[NFO_HW_CURSORS];
	unsigned int		unchecked;
	bool			unsorted;
	unsigned int		depth;
	unsigned int		count;
	unsigned int		rules;
	unsigned int		size;
	unsigned long		probe_at;
	u8			round;
	unsigned int		unread;
	unsigned int		owing;
	u32			epoch;
	unsigned long		read_at;
	struct work_struct	work;
	struct delayed_work	sync_work;
};

extern struct workqueue_struct *nfo_hw_wq;

int nfo_hw_queue_module_init(void);
void nfo_hw_queue_module_exit(void);
struct nfo_hw_queue *nfo_hw_queue_alloc(struct nfo_hw *hw, work_func_t work,
					work_func_t sync);
void nfo_hw_queue_free(struct nfo_hw_queue *q);
void nfo_hw_queue_add(struct nfo_hw_queue *q, struct nfo_hw_rule *p, bool begun, bool returns);
void nfo_hw_queue_drop(struct nfo_hw_queue *q, struct nfo_hw_rule *p);
void nfo_hw_queue_live(struct nfo_hw_queue *q, struct nfo_hw_rule *p);
void nfo_hw_queue_del(struct nfo_hw_queue *q, struct nfo_hw_rule *p, bool stale);
void nfo_hw_queue_rotate(struct nfo_hw_queue *q, struct nfo_hw_rule *p);
struct nfo_hw_rule *nfo_hw_queue_step(struct nfo_hw_queue *q, unsigned int cursor);
void nfo_hw_queue_stuck(struct nfo_hw_queue *q, struct nfo_hw_rule *p);
void nfo_hw_queue_unstick(struct nfo_hw_queue *q);
struct nfo_hw_rule *nfo_hw_queue_take(struct nfo_hw_queue *q);
struct nfo_hw_rule *nfo_hw_queue_unread(struct nfo_hw_queue *q);
unsigned int nfo_hw_queue_leaving(struct nfo_hw_queue *q, struct list_head **at,
				  struct nfo_hw_rule **rules, unsigned int n);
void nfo_hw_queue_hurry(struct nfo_hw_queue *q, struct nfo_hw_rule *p, struct list_head **at);
bool nfo_hw_queue_is_idle(const struct nfo_hw_queue *q);

/* Context: any. */
static inline void nfo_hw_wake(struct nfo_hw_queue *q)
{
	queue_work(nfo_hw_wq, &q->work);
}

#endif /* _NFO_HW_QUEUE_H */
