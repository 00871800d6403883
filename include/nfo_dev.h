/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The devices listed in a flowtable.
 */
#ifndef _NFO_DEV_H
#define _NFO_DEV_H

#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/xarray.h>
#include <net/flow_offload.h>
#include <linux/nf_flow_offload.h>

#include "nfo_hw_drivers.h"

struct nf_flowtable;
struct nfo_hw_queue;

/* For how many egress devices an ingress device remembers what its driver refused. */
#define NFO_HW_REFUSALS	8

/* Of how many devices nfo_hw_feature_show() shows the feature: a port and those below it. */
#define NFO_HW_SHOWN	4

/* Bytes for a driver's message, with the 0 at its end. */
#define NFO_DEV_WORDS	80

/**
 * struct nfo_hw_refusal - what a driver cannot do
 * @out:    egress device, by index; 0: any
 * @at:     jiffies of the first refusal of those in @shapes
 * @wait:   for how many jiffies from @at on the refusals are believed
 * @shapes: bits by nfo_hw_shape()
 */
struct nfo_hw_refusal {
	int	out;
	u32	at;
	u32	wait;
	u64	shapes;
};

/**
 * struct nfo_dev - a device listed in a flowtable
 * @list:    in nfo_devs::list
 * @ifindex: index of @dev; constant
 * @dev:     the device; no reference, because it is unlisted before it is unregistered, at the
 *           latest by nfo_hw_dev_gone(); constant
 * @block:   the driver's callbacks; changed with nfo_net::lock held and @users 0
 * @queue:   queue of its chip, which nfo_hw::queues owns; NULL before the device is bound
 *           for the first time; set with nfo_net::lock and nfo_hw::lock held
 * @bound:   enum nfo_dev_hw; likewise
 * @driver:  what is known of the driver when it is bound as @bound says; constant while bound
 * @form_failed: shapes that the driver refused in its first form, bits by nfo_hw_shape();
 *           nfo_hw::lock
 * @declined: the driver was not asked for a block, and @message says why; written with
 *          nfo_net::lock held
 * @indirect: the kernel's list of indirect blocks has @block; nfo_net::lock
 * @locked:  the driver wants RTNL for each call; constant while bound
 * @lent:    a caller with RTNL waits until the rules are deleted, so the worker does not take
 *           RTNL; written with nfo_net::lock, or by the worker of @queue
 * @off:     somebody switched hw-tc-offload of @dev, or of a device below it, off while the driver
 *          had rules; written with RTNL held, or while its holder waits
 * @shown:   devices to which nfo_hw_feature_show() has given the feature until the call is over;
 *          written with RTNL held, or while its holder waits
 * @shows:   how many elements of @shown are used
 * @drains:  nfo_hw::drained_work unbinds the device when no rule is left; written with
 *          nfo_net::lock and nfo_hw::lock held
 * @counts:  since the device was bound, its driver has reported packets, or when the last one
 *           passed; written by the worker of @queue alone
 * @leaving: the device gets no more rules, and its rules are deleted; nfo_hw::lock
 * @going:   the device is about to be unlisted: it is not bound again, and the caller that unlists
 *           it may wait for its rules without nfo_net::lock; nfo_net::lock
 * @driver_gone: @leaving was set because the driver said ENODEV; nfo_hw::lock
 * @del_failed: the driver did not delete a rule, however often it was told, and has deleted
 *           none since; written by the worker of @queue alone
 * @users:  directions of flows that name this device in nfo_hw_rule::dev; nfo_hw::lock
 * @refused: what the driver cannot do; nfo_hw::lock
 * @refusals: how many places of @refused are used, since the device was bound or switched;
 *          nfo_hw::lock
 * @rules:   rules in its hardware; written by the worker of @queue alone
 * @budget:  how many rules it may have; 0: any number; nfo_hw::lock
 * @full_wait: for how many jiffies the last learned size of its chip is believed; nfo_hw::lock
 * @backoff: jiffies to wait after a passing failure; doubled each time; nfo_hw::lock
 * @not_before: jiffies; no rule is added until then; nfo_hw::lock
 * @answer_lock: protects @err and @message; innermost
 * @err:     the driver's last error, negative; 0: none
 * @message: the driver's extended ACK, or our own words
 * @rcu:     frees this structure
 */
struct nfo_dev {
	struct list_head	list;
	int			ifindex;
	struct net_device	*dev;
	struct flow_block	block;
	struct nfo_hw_queue	*queue;
	enum nfo_dev_hw		bound;
	const struct nfo_hw_driver *driver;
	u64			form_failed;
	bool			declined;
	bool			indirect;
	bool			locked;
	bool			lent;
	bool			off;
	struct net_device	*shown[NFO_HW_SHOWN];
	unsigned int		shows;
	bool			drains;
	bool			counts;
	bool			leaving;
	bool			going;
	bool			driver_gone;
	bool			del_failed;
	unsigned int		users;
	struct nfo_hw_refusal	refused[NFO_HW_REFUSALS];
	unsigned int		refusals;
	unsigned int		rules;
	unsigned int		budget;
	unsigned long		full_wait;
	unsigned long		backoff;
	unsigned long		not_before;
	spinlock_t		answer_lock;	/* err, message; innermost */
	int			err;
	char			message[NFO_DEV_WORDS];
	struct rcu_head		rcu;
};

/**
 * struct nfo_devs - the devices of a flowtable
 * @list:    list of struct nfo_dev::list, owned; RCU readers, writers hold nfo_net::lock
 * @by_index: the same devices by their index; likewise. A transaction may have a device leave and
 *           join again, and it is listed twice meanwhile: this is the older one
 * @changes: how often @list changed; written with nfo_net::lock held, read without it
 */
struct nfo_devs {
	struct list_head	list;
	struct xarray		by_index;
	u32			changes;
};

void nfo_devs_init(struct nfo_devs *devs);
struct nfo_dev *nfo_dev_find(const struct nfo_devs *devs, int ifindex);
struct nfo_dev *nfo_dev_add(struct nfo_devs *devs, struct net_device *dev);
bool nfo_dev_has_hook(const struct nfo_dev *d, const struct nf_flowtable *ft);
void nfo_dev_set_answer(struct nfo_dev *d, int err, const char *words);
int nfo_dev_answer(struct nfo_dev *d, char words[NFO_DEV_WORDS]);
void nfo_dev_del(struct nfo_devs *devs, struct nfo_dev *d);

#endif /* _NFO_DEV_H */
