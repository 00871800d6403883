/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the hardware's rooms share: binding -> queue -> flow -> cache.
 */
#ifndef _NFO_HW_H
#define _NFO_HW_H

#include "nfo.h"

#define NFO_HW_BOTH	(BIT(IP_CT_DIR_ORIGINAL) | BIT(IP_CT_DIR_REPLY))

/* ---- cache: who may enter, what an answer means ---- */
u8 nfo_hw_admit(struct nfo_flow *f, enum nfo_reason *why);
enum nfo_reason nfo_hw_judge_dev(const struct nfo_dev *d, const struct nfo_flow *f,
				 enum ip_conntrack_dir dir, unsigned int need);
void nfo_hw_measure(struct nfo_flow *f);
bool nfo_hw_worth(const struct nfo_flow *f);
struct nfo_flow *nfo_hw_colder(const struct nfo_flow *hot);
void nfo_hw_fine(struct nfo_dev *d);
enum nfo_reason nfo_hw_outcome(struct nfo_dev *d, const struct nfo_flow *f,
			       enum ip_conntrack_dir dir, int err);
void nfo_hw_forget(struct nfo_dev *d);
void nfo_hw_say(struct nfo_dev *d, int err, const struct netlink_ext_ack *extack);

/* ---- flow: the way in and out ---- */
void nfo_hw_part_put(struct nfo_flow *f, struct nfo_hw_part *p);
void nfo_hw_next(struct nfo_flow *f);
void nfo_hw_expel(struct nfo_flow *f);
void nfo_hw_pull(struct nfo_table *t, struct nfo_dev *d);

/* ---- queue ---- */
extern struct workqueue_struct *nfo_hw_wq;
struct nfo_hw_queue *nfo_hw_queue_alloc(struct nfo_table *t);
void nfo_hw_queue_free(struct nfo_hw_queue *q);

static inline void nfo_hw_wake(struct nfo_hw_queue *q)
{
	queue_work(nfo_hw_wq, &q->work);
}

static inline bool nfo_hw_going(const struct nfo_flow *f)
{
	return f->hw.out || test_bit(NFO_F_DEAD, &f->state);
}

static inline struct nfo_flow *nfo_hw_part_flow(struct nfo_hw_part *p)
{
	return container_of(p - p->dir, struct nfo_flow, hw.part[0]);
}

/* The device a direction's packets enter by. Caller holds rcu_read_lock(). */
static inline struct nfo_dev *nfo_hw_dev(const struct nfo_flow *f,
					 enum ip_conntrack_dir dir)
{
	return nfo_table_dev(f->table, f->e[dir].key.iif);
}

#endif /* _NFO_HW_H */
