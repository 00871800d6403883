/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit: what nfo_kunit_rooms.c calls in place of the kernel's workqueues and of
 * conntrack's counters.
 */
#ifndef _NFO_KUNIT_WORKS_H
#define _NFO_KUNIT_WORKS_H

#include <linux/workqueue.h>
#include <net/netfilter/nf_conntrack.h>

bool nfo_fake_queue(struct workqueue_struct *wq, struct work_struct *work);
bool nfo_fake_arm(struct workqueue_struct *wq, struct delayed_work *dwork, unsigned long delay,
		  bool anew);
bool nfo_fake_cancel(struct work_struct *work);
bool nfo_fake_disarm(struct delayed_work *dwork);
void nfo_fake_acct(struct nf_conn *ct, u32 dir, u64 packets, u64 bytes);

#endif /* _NFO_KUNIT_WORKS_H */
