// SPDX-License-Identifier: GPL-2.0
/*
 * Test points, see include/nfo_test_point.h: what a rival on another processor would do
 * in a window of a few instructions. Built for kernels with KASAN only.
 */
#include <linux/moduleparam.h>
#include <net/netfilter/nf_conntrack.h>

#include "nfo_table.h"
#include "nfo_test_point.h"

static unsigned int nfo_test_armed;
module_param_named(test_point, nfo_test_armed, uint, 0644);
MODULE_PARM_DESC(test_point, "enum nfo_test_point to act at, once; goes back to 0");

/* What conntrack does with a RST: ten seconds are left. */
static void nfo_test_rst(struct nf_conn *ct)
{
	spin_lock_bh(&ct->lock);
	ct->proto.tcp.state = TCP_CONNTRACK_CLOSE;
	WRITE_ONCE(ct->timeout, nfct_time_stamp + 10 * HZ);
	spin_unlock_bh(&ct->lock);
}

/**
 * nfo_test_point() - act as a rival if this point is armed
 * @point: where the caller is
 * @f:     TCP flow it has in hand
 *
 * Context: any, rcu_read_lock().
 */
void nfo_test_point(enum nfo_test_point point, struct nfo_flow *f)
{
	if (likely(READ_ONCE(nfo_test_armed) != point) ||
	    nf_ct_protonum(f->ct) != IPPROTO_TCP ||
	    cmpxchg(&nfo_test_armed, point, NFO_TP_NONE) != point)
		return;

	nfo_flow_retire(f, NFO_R_TCP_CLOSE);
	if (point == NFO_TP_AGE_LIVE)
		nfo_test_rst(f->ct);
}
