// SPDX-License-Identifier: GPL-2.0
/*
 * Test points, see include/nfo_test_point.h: the code at a test point does what another processor,
 * here the rival, could do in a window of a few instructions. Built for kernels with KASAN only.
 */
#include <linux/moduleparam.h>
#include <net/dst.h>
#include <net/netfilter/nf_conntrack.h>

#include "nfo_table.h"
#include "nfo_test_point.h"

static unsigned int nfo_test_armed;
module_param_named(test_point, nfo_test_armed, uint, 0644);
MODULE_PARM_DESC(test_point, "enum nfo_test_point to act at, once; goes back to 0");

/* Do what conntrack does for a RST: the connection is closed and has ten seconds left. */
static void nfo_test_rst(struct nf_conn *ct)
{
	spin_lock_bh(&ct->lock);
	ct->proto.tcp.state = TCP_CONNTRACK_CLOSE;
	WRITE_ONCE(ct->timeout, nfct_time_stamp + 10 * HZ);
	spin_unlock_bh(&ct->lock);
}

/* Teach the reply direction, as the end of POSTROUTING does with a packet of it. The entry is still
 * in a chain of the hash table, so it must not be overwritten.
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
 * @point: test point to which the caller has come
 * @f:     flow that the caller works on; flows of other protocols than TCP are left alone
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
	/* If the last reference is gone, a grace period has begun, and it does not wait for a
	 * packet that finds the entry only now.
	 */
	WARN_ONCE(point == NFO_TP_PUBLISHED && !refcount_read(&f->refs),
		  "a flow is about to be freed and an entry of it is in the table");
	if (point == NFO_TP_AGE_LIVE)
		nfo_test_rst(f->ct);
}
