/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The queue of a chip: which rules it has, gets, and is to lose.
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
 * @lock:   protects the queues, each nfo_flow::hw, and what devices learned (struct
 *          nfo_dev); innermost
 * @queues: list of struct nfo_hw_queue::list, owned; @lock
 * @queued: flows on their way in; @lock, read without it for display
 * @whole:  flows in hardware; likewise
 * @half:   flows of which one direction is in hardware; likewise
 * @wait:   woken when a device is used by no flow any more
 * @gone_work: unbinds devices whose driver said ENODEV
 */
struct nfo_hw {
	spinlock_t		lock;	/* queues, nfo_flow::hw, nfo_dev */
	struct list_head	queues;
	u32			queued;
	u32			whole;
	u32			half;
	wait_queue_head_t	wait;
	struct work_struct	gone_work;
};

/**
 * struct nfo_hw_queue - what waits for one chip
 * @list:   in nfo_hw::queues
 * @hw:     hardware side of the table it belongs to, which outlives it; constant
 * @t:      that table; constant
 * @devs:   devices that share it: ports of one chip; nfo_net::lock
 * @add:    rules to add; struct nfo_hw_rule::node, as in the other two lists
 * @del:    rules to delete; they go first
 * @live:   rules in hardware
 * @depth:  length of @add
 * @count:  length of @live
 * @rules:  rules in hardware: those in @live and those on their way out
 * @size:   rules the chip held when it said that it is full; 0: unknown
 * @probe_at: jiffies; then @size is doubted
 * @unread: how many of @live still have counters to be read in this period
 * @work:   talks to the drivers, alone, so one flow's calls keep their order
 * @sync_work: a period is over
 *
 * Lists and counts are protected by nfo_hw::lock.
 */
struct nfo_hw_queue {
	struct list_head	list;
	struct nfo_hw		*hw;
	struct nfo_table	*t;
	unsigned int		devs;
	struct list_head	add;
	struct list_head	del;
	struct list_head	live;
	unsigned int		depth;
	unsigned int		count;
	unsigned int		rules;
	unsigned int		size;
	unsigned long		probe_at;
	unsigned int		unread;
	struct work_struct	work;
	struct delayed_work	sync_work;
};

extern struct workqueue_struct *nfo_hw_wq;

int nfo_hw_queue_module_init(void);
void nfo_hw_queue_module_exit(void);
struct nfo_hw_queue *nfo_hw_queue_alloc(struct nfo_hw *hw, work_func_t work,
					work_func_t sync);
void nfo_hw_queue_free(struct nfo_hw_queue *q);
void nfo_hw_queue_add(struct nfo_hw_queue *q, struct nfo_hw_rule *p, bool begun);
void nfo_hw_queue_drop(struct nfo_hw_queue *q, struct nfo_hw_rule *p);
void nfo_hw_queue_live(struct nfo_hw_queue *q, struct nfo_hw_rule *p);
void nfo_hw_queue_del(struct nfo_hw_queue *q, struct nfo_hw_rule *p);
struct nfo_hw_rule *nfo_hw_queue_take(struct nfo_hw_queue *q);
struct nfo_hw_rule *nfo_hw_queue_unread(struct nfo_hw_queue *q);

/* Context: any. */
static inline void nfo_hw_wake(struct nfo_hw_queue *q)
{
	queue_work(nfo_hw_wq, &q->work);
}

#endif /* _NFO_HW_QUEUE_H */
