/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions that the hardware rooms offer to each other and to rooms above, from the room at the
 * top to the one at the bottom: hw_list, hw_bind, hw_indirect, hw (the worker), hw_flow, hw_driver,
 * hw_cache.
 */
#ifndef _NFO_HW_H
#define _NFO_HW_H

#include "nfo_dev.h"
#include "nfo_hw_queue.h"
#include "nfo_table.h"

#define NFO_HW_BOTH	(BIT(IP_CT_DIR_ORIGINAL) | BIT(IP_CT_DIR_REPLY))

/* ---- hw_list: devices join and leave ---- */
int nfo_hw_setup(struct nfo_table *t, struct net_device *dev,
		 enum flow_block_command cmd, enum nfo_reason why);
void nfo_hw_dev_gone(struct net_device *dev);
void nfo_hw_leave_all(struct nfo_table *t);
void nfo_hw_init(struct nfo_table *t);
void nfo_hw_exit(struct nfo_table *t);

/* ---- hw_bind: which driver, which queue ---- */
int nfo_hw_bind_module_init(void);
void nfo_hw_bind_module_exit(void);
bool nfo_hw_in_event(void);
int nfo_hw_bind(struct nfo_table *t, struct nfo_dev *d);
void nfo_hw_unbind(struct nfo_table *t, struct nfo_dev *d);
void nfo_hw_release(struct nfo_table *t, struct nfo_dev *d);
void nfo_hw_drained_work(struct work_struct *work);
enum nfo_reason nfo_hw_dev_reason(const struct nfo_table *t, const struct nfo_dev *d);
void nfo_hw_feature_changed(struct nfo_table *t, struct net_device *dev);
void nfo_hw_device_back(struct nfo_table *t, struct net_device *dev);

/* ---- hw_indirect: callbacks whose driver may go at any time ---- */
void nfo_hw_indirect_cleanup(struct flow_block_cb *cb);
void nfo_hw_indirect_disown(struct flow_block_cb *cb);

/* ---- hw: the worker ---- */
struct nfo_hw_queue *nfo_hw_queue_open(struct nfo_table *t);
struct nfo_dev *nfo_hw_without_hook(const struct nfo_table *t);
void nfo_hw_kick(struct nfo_net *nn);
void nfo_hw_net_init(struct nfo_net *nn);

/* ---- hw_forward: what the forward hooks would do to a flow's packets ---- */
bool nfo_hw_forwards(struct nfo_flow *f, enum ip_conntrack_dir dir);

/* ---- hw_flow: a flow's way into hardware and out of it ---- */
void nfo_hw_rule_put(struct nfo_flow *f, struct nfo_hw_rule *p);
void nfo_hw_next(struct nfo_flow *f);
void nfo_hw_expel(struct nfo_flow *f);
void nfo_hw_expel_stale(struct nfo_flow *f);
void nfo_hw_pull(struct nfo_table *t, struct nfo_dev *d);
void nfo_hw_pull_start(struct nfo_table *t, struct nfo_dev *d);
void nfo_hw_pull_begin(struct nfo_table *t, struct nfo_dev *d);
void nfo_hw_pull_wait(struct nfo_table *t, struct nfo_dev *d);
void nfo_hw_active(struct nfo_flow *f);
void nfo_hw_evict(struct nfo_flow *f);
void nfo_hw_retired(struct nfo_flow *f);

/* ---- hw_driver: one call to one driver ---- */
/**
 * enum nfo_hw_use - what a driver said of a rule's packets since it was last asked
 * @NFO_HW_UNUSED:  no packet came, or the driver does not know of any
 * @NFO_HW_USED:    packets came; the chip does not count them
 * @NFO_HW_COUNTED: packets came, and they were added to the flow's counters
 */
enum nfo_hw_use {
	NFO_HW_UNUSED,
	NFO_HW_USED,
	NFO_HW_COUNTED,
};

void nfo_hw_feature_show(struct nfo_dev *d, bool on);
int nfo_hw_rule_add(struct nfo_dev *d, struct nfo_flow *f,
		    enum ip_conntrack_dir dir, enum nfo_hw_ttl form,
		    struct netlink_ext_ack *extack);
bool nfo_hw_rule_del(struct nfo_dev *d, struct nfo_flow *f, enum ip_conntrack_dir dir);
int nfo_hw_rule_stats(struct nfo_dev *d, struct nfo_flow *f,
		      enum ip_conntrack_dir dir, enum nfo_hw_use *use);

/* ---- hw_cache: admission, eviction, what an answer means ---- */
u8 nfo_hw_admit(struct nfo_flow *f, enum nfo_reason *why);
enum nfo_reason nfo_hw_rule_check(const struct nfo_dev *d, const struct nfo_flow *f,
				  enum ip_conntrack_dir dir);
unsigned int nfo_hw_need(const struct nfo_flow *f, u8 want, const struct nfo_dev *d,
			 const struct nfo_hw_queue *q);
enum nfo_reason nfo_hw_room_check(const struct nfo_dev *d, const struct nfo_flow *f, u8 want);
enum nfo_reason nfo_hw_dev_check(const struct nfo_dev *d, const struct nfo_flow *f,
				 enum ip_conntrack_dir dir);
bool nfo_hw_never(enum nfo_reason why);
enum nfo_hw_ttl nfo_hw_form(const struct nfo_dev *d, const struct nfo_flow *f,
			    enum ip_conntrack_dir dir);
bool nfo_hw_form_refused(struct nfo_dev *d, const struct nfo_flow *f, enum ip_conntrack_dir dir);
void nfo_hw_measure(struct nfo_flow *f);
bool nfo_hw_worth(const struct nfo_flow *f);
struct nfo_flow *nfo_hw_colder(const struct nfo_flow *hot, u8 want);
void nfo_hw_dev_ok(struct nfo_dev *d, const struct nfo_flow *f, enum ip_conntrack_dir dir);
enum nfo_reason nfo_hw_outcome(struct nfo_dev *d, const struct nfo_flow *f,
			       enum ip_conntrack_dir dir, int err);
void nfo_hw_forget_refusals(struct nfo_dev *d, int out);
void nfo_hw_set_bound(struct nfo_table *t, struct nfo_dev *d, enum nfo_dev_hw how);
void nfo_hw_forget(struct nfo_dev *d);
void nfo_hw_dev_set_error(struct nfo_dev *d, int err, const struct netlink_ext_ack *extack);

/* Context: nfo_hw::lock held. Return: true for a flow that has to leave the hardware, because it is
 * evicted or was retired.
 */
static inline bool nfo_hw_going(const struct nfo_flow *f)
{
	return nfo_flow_hw(f)->evict || test_bit(NFO_F_DEAD, &f->state);
}

/* @err: a negative errno or 0. Return: true when the device's driver means a full table by it. */
static inline bool nfo_hw_means_full(const struct nfo_dev *d, int err)
{
	return err == -ENOSPC || (d->driver->full && err == -d->driver->full);
}

/* Return: the flow of a rule whose nfo_hw_rule::dir was set by nfo_hw_begin(). */
static inline struct nfo_flow *nfo_hw_rule_flow(struct nfo_hw_rule *p)
{
	return container_of(p - p->dir, struct nfo_hw_flow, rule[0])->flow;
}

/* Return: true when it is known what the ruleset does to packets of a direction with any DSCP. */
static inline bool nfo_hw_dscp_known(const struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	return READ_ONCE(f->e[dir].fields) & NFO_FIELD_DSCP << NFO_FIELD_SETTLED;
}

/* Return: the listed device by which packets of a direction enter, or NULL. Context:
 * rcu_read_lock().
 */
static inline struct nfo_dev *nfo_hw_dev(const struct nfo_flow *f,
					 enum ip_conntrack_dir dir)
{
	return nfo_dev_find(&f->table->devs, f->e[dir].key.iif);
}

/* Context: nfo_net::lock held; the device leaves the list only with that lock held. Return: the
 * listed device, or NULL.
 */
static inline struct nfo_dev *nfo_hw_listed(const struct nfo_table *t,
					    const struct net_device *dev)
{
	struct nfo_dev *d;

	rcu_read_lock();
	d = nfo_dev_find(&t->devs, dev->ifindex);
	rcu_read_unlock();

	return d;
}

#endif /* _NFO_HW_H */
