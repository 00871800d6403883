// SPDX-License-Identifier: GPL-2.0
/*
 * Test points, see include/nfo_test_point.h: what a rival on another processor would do
 * in a window of a few instructions. Built for kernels with KASAN only.
 */
#include <linux/moduleparam.h>
#include <net/dst.h>
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

/* What the end of POSTROUTING does with a packet of the reply that it had in hand. An entry that
 * is in a chain of the table must stay as it is there.
 */
static void nfo_test_teach(struct nfo_flow *f)
{
	const enum ip_conntrack_dir dir = IP_CT_DIR_REPLY;
	const struct rhash_head *next = rcu_dereference_raw(f->e[dir].node.next);
	struct nfo_addr6 a6 = nfo_flow_is_v6(f) ? f->a6[dir] : (struct nfo_addr6) {};
	struct nfo_route_refs own = {
		.in	= nfo_flow_refs(f, dir)->in,
		.out	= nfo_flow_refs(f, dir)->out,
		.send	= nfo_flow_refs(f, dir)->send,
		.dst	= dst_clone(nfo_flow_refs(f, dir)->dst),
	};
	struct nfo_entry e = f->e[dir];
	enum nfo_reason why;

	memset(&e.node, 0, sizeof(e.node));
	netdev_hold(own.in, &own.in_tracker, GFP_ATOMIC);
	netdev_hold(own.out, &own.tracker, GFP_ATOMIC);
	e.refs = nfo_route_refs_share(f->table->nn, &own);
	if (!e.refs) {
		nfo_route_refs_drop(&own);
		return;
	}
	why = nfo_flow_teach(f, dir, &e, &a6, false);
	if (why)
		nfo_route_refs_put(e.refs);
	WARN_ONCE(rcu_dereference_raw(f->e[dir].node.next) != next,
		  "an entry was overwritten in its chain");
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

	if (point == NFO_TP_UNLEARNED) {
		nfo_test_teach(f);
		return;
	}
	nfo_flow_retire(f, NFO_R_TCP_CLOSE);
	/* A packet that finds the entry now is not waited for by a grace period that began. */
	WARN_ONCE(point == NFO_TP_PUBLISHED && !refcount_read(&f->refs),
		  "a flow is about to be freed and an entry of it is in the table");
	if (point == NFO_TP_AGE_LIVE)
		nfo_test_rst(f->ct);
}
