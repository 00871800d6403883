// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the rooms of the hardware side, compiled a second time for nfo_kunit.ko. What
 * they call above and beside them is in nfo_kunit_chip.c; a work that they queue
 * runs when the test says so, in the test's own thread.
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/netfilter/nf_flow_table.h>
#include <net/pkt_cls.h>

#include "nfo_compat.h"
#include "nfo_ct.h"
#include "nfo_kunit_works.h"

#define queue_work(wq, work)			nfo_fake_queue(wq, work)
#define queue_delayed_work(wq, dwork, delay)	nfo_fake_arm(wq, dwork, delay, false)
#define mod_delayed_work(wq, dwork, delay)	nfo_fake_arm(wq, dwork, delay, true)
#define cancel_work_sync(work)			nfo_fake_cancel(work)
#define cancel_delayed_work_sync(dwork)		nfo_fake_disarm(dwork)
#define nfo_ct_count_many(ct, dir, packets, bytes) nfo_fake_acct(ct, dir, packets, bytes)

#include "../../nf_flow_offload_dev.c"
#include "../../nf_flow_offload_netlink_gen.c"
#include "../../nf_flow_table_hw_drivers.c"
#include "../../nf_flow_table_hw_queue.c"
#include "../../nf_flow_table_hw_cache.c"
#include "../../nf_flow_table_hw_driver.c"
#include "../../nf_flow_table_hw_flow.c"
#include "../../nf_flow_table_hw.c"
