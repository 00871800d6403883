// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: what no event announces, and entries look at twice a second.
 */
#include <linux/inetdevice.h>
#include <net/ip6_fib.h>
#include <net/nexthop.h>

#include "nfo_kunit_chip.h"

/* The one of the packets' side, as nfo_kunit_journal.c compiles it. */
#define nfo_route_refresh	nfo_route_refresh_of_packets
#include "nfo_route.h"
#undef nfo_route_refresh

#define ORIGINAL	IP_CT_DIR_ORIGINAL

static struct dst_entry *nfo_never_good(struct dst_entry *dst, u32 cookie)
{
	return NULL;
}

static unsigned int nfo_some_mtu(const struct dst_entry *dst)
{
	return 1300;
}

static struct dst_ops nfo_dst_ops = { .check = nfo_never_good, .mtu = nfo_some_mtu };

static bool nfo_refresh(struct nfo_flow *f)
{
	bool good;

	rcu_read_lock();
	good = nfo_route_refresh_of_packets(f->table, f, ORIGINAL);
	rcu_read_unlock();

	return good;
}

/* A flow whose route has an MTU of 1300. */
static struct nfo_flow *nfo_routed(struct nfo_fake *fake, struct rtable *rt, u32 *metrics)
{
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_flow *f = nfo_flow(e);

	*rt = (struct rtable) { .dst.ops = &nfo_dst_ops, .dst.dev = e->refs->out };
	metrics[RTAX_MTU - 1] = 1300;
	rt->dst._metrics = (unsigned long)metrics;
	f->e[ORIGINAL].refs->dst = &rt->dst;
	dev_net_set(e->refs->out, fake->nn.net);

	return f;
}

static void nfo_test_refresh_route(struct kunit *test)
{
	static u32 metrics[RTAX_MAX] __aligned(4);
	static struct rtable rt;
	struct nfo_flow *f = nfo_routed(test->priv, &rt, metrics);

	KUNIT_EXPECT_TRUE(test, nfo_refresh(f));
	KUNIT_EXPECT_EQ(test, f->e[ORIGINAL].mtu, 1300);
	metrics[RTAX_MTU - 1] = 1200;
	KUNIT_EXPECT_TRUE(test, nfo_refresh(f));
	KUNIT_EXPECT_EQ(test, f->e[ORIGINAL].mtu, 1200);
	/* Some other IPv4 route changed: the journal knows whether it matters. */
	rt.dst.obsolete = DST_OBSOLETE_FORCE_CHK;
	KUNIT_EXPECT_TRUE(test, nfo_refresh(f));
	/* Or an IPsec policy, which the journal does not know. */
	f->table->nn->net->xfrm.policy_count[XFRM_POLICY_FWD] = 1;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	f->table->nn->net->xfrm.policy_count[XFRM_POLICY_FWD] = 0;
	KUNIT_EXPECT_TRUE(test, nfo_refresh(f));
	/* This one was taken out of use. */
	rt.dst.obsolete = DST_OBSOLETE_KILL;
	metrics[RTAX_MTU - 1] = 1100;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	KUNIT_EXPECT_EQ(test, f->e[ORIGINAL].mtu, 1200);
}

/* An IPv6 route object has expired. It is still good when what the journal does not have cannot be
 * the reason.
 */
static void nfo_test_refresh_route6(struct kunit *test)
{
	static u32 metrics[RTAX_MAX] __aligned(4);
	static struct rtable none;
	struct nfo_flow *f = nfo_routed(test->priv, &none, metrics);
	struct fib6_info *from = kunit_kzalloc(test, struct_size(from, fib6_nh, 1), GFP_KERNEL);
	struct fib6_info *next = kunit_kzalloc(test, struct_size(from, fib6_nh, 1), GFP_KERNEL);
	struct fib6_node *fn = kunit_kzalloc(test, sizeof(*fn), GFP_KERNEL);
	struct rt6_info *rt = kunit_kzalloc(test, sizeof(*rt), GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, from && next && fn && rt);
	rt->dst = none.dst;
	rt->dst.obsolete = DST_OBSOLETE_FORCE_CHK;
	f->e[ORIGINAL].refs->dst = &rt->dst;
	f->e[ORIGINAL].key.family = NFPROTO_IPV6;
	set_bit(NFO_F_V6, &f->state);
	/* The object has lost its route; then the route is out of the tables. */
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	rcu_assign_pointer(rt->from, from);
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	rcu_assign_pointer(from->fib6_node, fn);
	rcu_assign_pointer(fn->leaf, from);
	KUNIT_EXPECT_TRUE(test, nfo_refresh(f));
	/* A route that is less preferred came behind it, then one that is not. */
	rcu_assign_pointer(from->fib6_next, next);
	next->fib6_metric = 1;
	KUNIT_EXPECT_TRUE(test, nfo_refresh(f));
	next->fib6_metric = 0;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	RCU_INIT_POINTER(from->fib6_next, NULL);
	rcu_assign_pointer(fn->leaf, next);
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	rcu_assign_pointer(fn->leaf, from);
	/* One of several next hops, a next hop without a link. */
	from->fib6_nsiblings = 1;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	from->fib6_nsiblings = 0;
	from->fib6_nh->fib_nh_flags = RTNH_F_LINKDOWN;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	from->fib6_nh->fib_nh_flags = 0;
	/* A path MTU or a redirect: of this object, or perhaps of its destination. */
	rt->rt6i_flags = RTF_CACHE;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	rt->rt6i_flags = 0;
	rcu_assign_pointer(from->fib6_nh->rt6i_exception_bucket, (void *)fn);
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	RCU_INIT_POINTER(from->fib6_nh->rt6i_exception_bucket, NULL);
	/* The lifetime of a router's advertisement. */
	from->fib6_flags = RTF_EXPIRES;
	from->expires = jiffies - 1;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	from->fib6_flags = 0;
	/* An IPsec policy changed, perhaps. */
	f->table->nn->net->xfrm.policy_count[XFRM_POLICY_FWD] = 1;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	f->table->nn->net->xfrm.policy_count[XFRM_POLICY_FWD] = 0;
	/* Objects of nexthop objects are taken out of use for any route, and lose their device: the
	 * MTU stays as it was learned.
	 */
	KUNIT_EXPECT_TRUE(test, nfo_refresh(f));
	f->e[ORIGINAL].mtu = 1400;
	rt->dst.obsolete = DST_OBSOLETE_DEAD;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	rt->sernum = 1;
	KUNIT_EXPECT_TRUE(test, nfo_refresh(f));
	KUNIT_EXPECT_EQ(test, f->e[ORIGINAL].mtu, 1400);
	f->e[ORIGINAL].flags |= NFO_E_EXTRA;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	f->e[ORIGINAL].flags &= ~NFO_E_EXTRA;
	f->e[ORIGINAL].refs->dst = NULL;
}

static void nfo_test_refresh_rest(struct kunit *test)
{
	static u32 metrics[RTAX_MAX] __aligned(4);
	static struct rtable rt;
	struct nfo_fake *fake = test->priv;
	struct nfo_flow *f = nfo_routed(fake, &rt, metrics);
	struct nfo_route_refs *refs = f->e[ORIGINAL].refs;

	f->ct->mark = 1;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	f->e[ORIGINAL].ct_mark = 1;
	KUNIT_EXPECT_TRUE(test, nfo_refresh(f));
	refs->rp_filter = 1;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	refs->rp_filter = 0;
	/* The device below is another one, has other headers, or another peer. */
	refs->out_lower.dev = fake->port[2].netdev;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	refs->out_lower.dev = fake->port[1].netdev;
	refs->out_lower.encap.kinds = NFO_ENCAP_PPPOE;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	refs->out_lower.encap.kinds = 0;
	refs->out_lower.h_dest[5] = 1;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	refs->out_lower.h_dest[5] = 0;
	f->e[ORIGINAL].flags ^= NFO_E_KEEP_DST;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	f->e[ORIGINAL].flags ^= NFO_E_KEEP_DST;
	/* The device that routing sees packets come in by. */
	refs->in = fake->port[2].netdev;
	KUNIT_EXPECT_TRUE(test, nfo_refresh(f));
	f->e[ORIGINAL].flags |= NFO_E_LOWER;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
}

static struct kunit_case nfo_refresh_cases[] = {
	KUNIT_CASE(nfo_test_refresh_route),
	KUNIT_CASE(nfo_test_refresh_route6),
	KUNIT_CASE(nfo_test_refresh_rest),
	{}
};

static struct kunit_suite nfo_refresh_suite = {
	.name		= "nf_flow_offload_refresh",
	.init		= nfo_journal_init,
	.exit		= nfo_journal_exit,
	.test_cases	= nfo_refresh_cases,
};

kunit_test_suite(nfo_refresh_suite);
