// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the journal. Which changes concern an entry, how long they are remembered, and
 * what counts as a change that nothing announces.
 */
#include <linux/inetdevice.h>
#include <linux/workqueue.h>

#include "nfo_kunit_chip.h"

#define queue_delayed_work(wq, dwork, delay)	nfo_fake_arm(wq, dwork, delay, false)
#include "../../nf_flow_offload_net.c"
#undef CREATE_TRACE_POINTS

/* The rooms of the hardware side call the one in nfo_kunit_chip.c. */
#define nfo_route_refresh	nfo_route_refresh_of_packets
#include "../../nf_flow_offload_neigh.c"
#include "../../nf_flow_offload_route.c"
#undef nfo_route_refresh

#define ORIGINAL	IP_CT_DIR_ORIGINAL
#define REPLY		IP_CT_DIR_REPLY

/* Device stacks are not here: each device is its own lowest one. */
enum nfo_reason nfo_lower_check(const struct nfo_table *t, int iif, struct net_device *dev)
{
	return iif == dev->ifindex ? NFO_R_NONE : NFO_R_DEV_STACK;
}

enum nfo_reason nfo_lower_find(const struct nfo_table *t, const struct net_device *dev,
			       struct nfo_lower *lower)
{
	*lower = (struct nfo_lower) { .dev = (struct net_device *)dev };
	return NFO_R_NONE;
}

/* A namespace of the test's own: nobody but the test counts generations in it. */
static int nfo_journal_init(struct kunit *test)
{
	struct nfo_fake *fake = nfo_fake_open(test, 1);
	struct ipv4_devconf *conf = kunit_kzalloc(test, sizeof(*conf), GFP_KERNEL);
	struct net *net = kunit_kzalloc(test, sizeof(*net), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, conf);
	KUNIT_ASSERT_NOT_NULL(test, net);
	net->ipv4.devconf_all = conf;
	fake->nn.net = net;
	fake->nn.genid = rt_genid_ipv4(net);
	fake->nn.sernum6 = 0;
	fake->nn.signature = nfo_net_signature(net);
	fake->nn.explained_at = nfo_now() - HZ;
	fake->nn.ruleset_at = nfo_now() - 1000 * HZ;
	INIT_DELAYED_WORK(&fake->nn.ruleset_work, nfo_ruleset_work);

	return nfo_route_refs_init();
}

static void nfo_journal_exit(struct kunit *test)
{
	nfo_route_refs_exit();
	nfo_fake_close(test);
}

/* Does a change make an entry that was true before it stale? */
static bool nfo_concerns(struct nfo_fake *fake, const struct nfo_entry *e,
			 const struct nfo_change *c)
{
	u32 before = nfo_epoch(&fake->nn);

	nfo_change_add(&fake->nn, c);
	KUNIT_EXPECT_EQ(fake->test, nfo_epoch(&fake->nn), before + 1);

	return nfo_route_changed(&fake->nn, e, before, before + 1);
}

/* ---- which changes concern which entry ---- */

/* 192.168.1.2 -> 203.0.113.9, which is 10.0.0.5 in fact. */
static struct nfo_entry *nfo_entry4(struct nfo_fake *fake)
{
	struct nfo_entry *e = &nfo_fake_flow(fake, 0, 1)->f.e[ORIGINAL];

	e->key.saddr = htonl(0xc0a80102);
	e->key.daddr = htonl(0xcb007109);
	e->saddr = htonl(0xc6336407);
	e->daddr = htonl(0x0a000005);

	return e;
}

static void nfo_test_prefix4(struct kunit *test)
{
	static const struct {
		u32 prefix;
		u8 plen;
		bool concerns;
	} cases[] = {
		{ 0, 0, true },			/* the default route */
		{ 0x0a000000, 8, true },	/* where packets go to */
		{ 0x0a000004, 31, true },
		{ 0x0a000005, 32, true },
		{ 0x0a000004, 32, false },
		{ 0x0a000006, 31, false },
		{ 0x0b000000, 8, false },
		{ 0xc0a80100, 24, true },	/* the way back to the source */
		{ 0xc0a80200, 24, false },
		{ 0xcb007100, 24, false },	/* the address before NAT is not routed */
		{ 0xc6336400, 24, false },
	};
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct nfo_change c = {
			.what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV4,
			.plen = cases[i].plen, .prefix.ip = htonl(cases[i].prefix),
		};

		KUNIT_EXPECT_EQ_MSG(test, nfo_concerns(fake, e, &c), cases[i].concerns,
				    "%08x/%u", cases[i].prefix, c.plen);
		c.family = NFPROTO_IPV6;
		KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, e, &c));
	}
}

static void nfo_test_prefix6(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_change c = { .what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV6 };
	int dir, plen;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct nfo_addr6 *a6 = &ff->f.a6[dir];
		struct nfo_entry *e = &ff->f.e[dir];

		e->key.family = NFPROTO_IPV6;
		memset(&a6->saddr, 0xc4 + dir, 16);
		memset(&a6->daddr, 0x22 + dir, 16);
		memset(&a6->new_saddr, 0x33 + dir, 16);
		memset(&a6->new_daddr, 0x44 + dir, 16);
		for (plen = 1; plen <= 128; plen++) {
			c.plen = plen;
			c.prefix.in6 = a6->new_daddr;
			KUNIT_EXPECT_TRUE_MSG(test, nfo_concerns(fake, e, &c), "/%d", plen);
			/* The last bit that counts differs; the first bit is the source's then. */
			c.prefix.in6.s6_addr[(plen - 1) / 8] ^= 0x80 >> (plen - 1) % 8;
			KUNIT_EXPECT_EQ_MSG(test, nfo_concerns(fake, e, &c), plen == 1,
					    "/%d", plen);
			c.prefix.in6 = a6->saddr;
			KUNIT_EXPECT_TRUE_MSG(test, nfo_concerns(fake, e, &c), "/%d", plen);
		}
		c.prefix.in6 = a6->daddr;
		KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, e, &c));
		c.prefix.in6 = a6->new_saddr;
		KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, e, &c));
		c.plen = 0;
		KUNIT_EXPECT_TRUE(test, nfo_concerns(fake, e, &c));
	}
}

static void nfo_test_family(struct kunit *test)
{
	static const u8 families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_change c = { .what = NFO_CHANGE_FAMILY };
	int mine, other;

	for (mine = 0; mine < 2; mine++)
		for (other = 0; other < 2; other++) {
			e->key.family = families[mine];
			c.family = families[other];
			KUNIT_EXPECT_EQ(test, nfo_concerns(fake, e, &c), mine == other);
		}
	c = (struct nfo_change) { .what = NFO_CHANGE_ALL };
	KUNIT_EXPECT_TRUE(test, nfo_concerns(fake, e, &c));
}

static void nfo_test_neighbour(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	static struct neighbour mine, others;
	struct nfo_neigh watch = { .n = &mine };
	struct nfo_change c = { .what = NFO_CHANGE_NEIGH, .neigh = &mine };

	/* A device without a link layer has none. */
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, &ff->f.e[ORIGINAL], &c));
	ff->route[ORIGINAL].neigh = &watch;
	KUNIT_EXPECT_TRUE(test, nfo_concerns(fake, &ff->f.e[ORIGINAL], &c));
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, &ff->f.e[REPLY], &c));
	c.neigh = &others;
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, &ff->f.e[ORIGINAL], &c));
}

static void nfo_test_device(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_entry *e = &ff->f.e[ORIGINAL];
	struct nfo_change c = { .what = NFO_CHANGE_DEV };
	int port;

	for (port = 0; port < NFO_FAKE_PORTS; port++) {
		c.ifindex = fake->port[port].netdev->ifindex;
		KUNIT_EXPECT_EQ_MSG(test, nfo_concerns(fake, e, &c), port < 2, "port %d", port);
	}
	/* Where packets come in, as routing sees it. */
	ff->route[ORIGINAL].in = fake->port[2].netdev;
	KUNIT_EXPECT_TRUE(test, nfo_concerns(fake, e, &c));
	ff->route[ORIGINAL].in = fake->port[0].netdev;
	/* The device below the one that routing sends to. */
	ff->route[ORIGINAL].out_lower.dev = fake->port[2].netdev;
	KUNIT_EXPECT_TRUE(test, nfo_concerns(fake, e, &c));
	ff->route[ORIGINAL].out_lower.dev = NULL;
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, e, &c));
	/* What the other direction rests on is none of this one's. */
	ff->route[REPLY].in = fake->port[2].netdev;
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, e, &c));
}

/* ---- how long changes are remembered ---- */

/* A change that concerns no entry here. */
static void nfo_add_others(struct nfo_fake *fake, unsigned int n)
{
	static const struct nfo_change c = { .what = NFO_CHANGE_DEV, .ifindex = 1000 };

	while (n--)
		nfo_change_add(&fake->nn, &c);
}

/* From epochs before, at, and after the wrap-around of the 32 bits. */
static const u32 nfo_starts[] = {
	0, 1, NFO_JOURNAL - 1, NFO_JOURNAL, 0x7ffffff0, U32_MAX - NFO_JOURNAL, U32_MAX - 100,
	U32_MAX - 1, U32_MAX,
};

static void nfo_start_name(const u32 *start, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "from epoch %u", *start);
}

KUNIT_ARRAY_PARAM(nfo_start, nfo_starts, nfo_start_name);

/* The one change that concerns the entry is found wherever it is, and only there. */
static void nfo_test_found_anywhere(struct kunit *test)
{
	const u32 *start = test->param_value;
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_change mine = { .what = NFO_CHANGE_DEV, .ifindex = e->key.iif };
	u32 from, at, last = NFO_JOURNAL - 1;

	for (at = 0; at < last; at += 11) {
		fake->nn.epoch = *start;
		nfo_add_others(fake, at);
		nfo_change_add(&fake->nn, &mine);
		nfo_add_others(fake, last - at - 1);
		KUNIT_ASSERT_EQ(test, nfo_epoch(&fake->nn), *start + last);
		for (from = 0; from < last; from++)
			KUNIT_EXPECT_EQ_MSG(test, nfo_route_changed(&fake->nn, e, *start + from,
								    *start + last),
					    from <= at ? NFO_NEWS_ROUTE : NFO_NEWS_NONE,
					    "change %u, from %u", at, from);
	}
}

/* A changed ruleset is told apart as long as nothing else concerns the entry. */
static void nfo_test_ruleset_alone(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_change ruleset = { .what = NFO_CHANGE_RULESET };
	struct nfo_change mine = { .what = NFO_CHANGE_DEV, .ifindex = e->key.iif };
	u32 start = nfo_epoch(&fake->nn);

	nfo_add_others(fake, 3);
	nfo_change_add(&fake->nn, &ruleset);
	nfo_add_others(fake, 3);
	KUNIT_EXPECT_EQ(test, nfo_route_changed(&fake->nn, e, start, nfo_epoch(&fake->nn)),
			NFO_NEWS_RULESET);
	KUNIT_EXPECT_EQ(test, nfo_route_changed(&fake->nn, e, start + 4, nfo_epoch(&fake->nn)),
			NFO_NEWS_NONE);
	nfo_change_add(&fake->nn, &mine);
	nfo_change_add(&fake->nn, &ruleset);
	KUNIT_EXPECT_EQ(test, nfo_route_changed(&fake->nn, e, start, nfo_epoch(&fake->nn)),
			NFO_NEWS_ROUTE);
	KUNIT_EXPECT_EQ(test, nfo_route_changed(&fake->nn, e, start + 8, nfo_epoch(&fake->nn)),
			NFO_NEWS_RULESET);
}

/* 255 changes are remembered, of more than that nothing is known. */
static void nfo_test_overflow(struct kunit *test)
{
	const u32 *start = test->param_value;
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);

	fake->nn.epoch = *start;
	nfo_add_others(fake, NFO_JOURNAL - 1);
	KUNIT_EXPECT_FALSE(test, nfo_route_changed(&fake->nn, e, *start, fake->nn.epoch));
	nfo_add_others(fake, 1);
	KUNIT_EXPECT_TRUE(test, nfo_route_changed(&fake->nn, e, *start, fake->nn.epoch));
	KUNIT_EXPECT_FALSE(test, nfo_route_changed(&fake->nn, e, *start + 1, fake->nn.epoch));
	/* While it was read, the journal went round. */
	KUNIT_EXPECT_TRUE(test, nfo_route_changed(&fake->nn, e, *start, *start + 1));
	KUNIT_EXPECT_FALSE(test, nfo_route_changed(&fake->nn, e, fake->nn.epoch,
						   fake->nn.epoch));
}

static void nfo_test_made_stale(struct kunit *test)
{
	const u32 *start = test->param_value;
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	int i;

	fake->nn.epoch = *start;
	for (i = 0; i < 2 * NFO_JOURNAL; i++) {
		nfo_entry_make_stale(e, fake->nn.epoch);
		KUNIT_EXPECT_TRUE(test, nfo_route_changed(&fake->nn, e, e->epoch,
							  fake->nn.epoch));
		/* The journal does not make it true again. */
		nfo_add_others(fake, 1);
		KUNIT_EXPECT_TRUE(test, nfo_route_changed(&fake->nn, e, e->epoch,
							  fake->nn.epoch));
	}
}

/* A packet shows what the entry knows: it gets the packet's epoch, route and MTU. */
static void nfo_test_renew(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_flow *f = nfo_flow(e);
	struct nfo_route_refs old = { .cookie = 6 }, refs = { .cookie = 7 };
	struct nfo_route_refs *both, *now, *reply = f->e[REPLY].refs;
	struct nfo_entry shown = { .mtu = 1400, .ct_mark = 5 };

	both = nfo_route_refs_share(&old);
	KUNIT_ASSERT_NOT_NULL(test, both);
	f->e[ORIGINAL].refs = both;
	nfo_entry_make_stale(e, fake->nn.epoch);
	nfo_add_others(fake, 3);
	rcu_read_lock();
	shown.epoch = fake->nn.epoch - 1;
	KUNIT_EXPECT_TRUE(test, nfo_route_renew(f, ORIGINAL, &refs, &shown));
	/* Another direction that rests on the same goes on with it, and so does a packet. */
	KUNIT_EXPECT_EQ(test, both->cookie, 6);
	rcu_read_unlock();
	now = f->e[ORIGINAL].refs;
	KUNIT_EXPECT_EQ(test, now->cookie, 7);
	KUNIT_EXPECT_EQ(test, e->ct_mark, 5);
	KUNIT_EXPECT_EQ(test, f->e[REPLY].ct_mark, 0);
	KUNIT_EXPECT_EQ(test, e->mtu, 1400);
	KUNIT_EXPECT_PTR_EQ(test, f->e[REPLY].refs, reply);
	KUNIT_EXPECT_EQ(test, e->epoch, fake->nn.epoch - 1);
	/* Devices of the test, of which there is no reference to drop. */
	now->in = fake->port[0].netdev;
	now->out = fake->port[1].netdev;
	KUNIT_EXPECT_FALSE(test, nfo_route_changed(&fake->nn, e, e->epoch, fake->nn.epoch));
	now->in = NULL;
	now->out = NULL;
	nfo_route_refs_put(now);
}

/* ---- objects that are looked at now and then ---- */

static struct dst_entry *nfo_never_good(struct dst_entry *dst, u32 cookie)
{
	return NULL;
}

static struct dst_ops nfo_dst_ops = { .check = nfo_never_good };

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
	/* This one was taken out of use. */
	rt.dst.obsolete = DST_OBSOLETE_KILL;
	metrics[RTAX_MTU - 1] = 1100;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
	KUNIT_EXPECT_EQ(test, f->e[ORIGINAL].mtu, 1200);
	/* IPv6's routes expire by themselves alone. */
	rt.dst.obsolete = DST_OBSOLETE_FORCE_CHK;
	f->e[ORIGINAL].key.family = NFPROTO_IPV6;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
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
	KUNIT_EXPECT_TRUE(test, nfo_refresh(f));
	/* And the device that routing sees packets come in by. */
	refs->in = fake->port[2].netdev;
	KUNIT_EXPECT_TRUE(test, nfo_refresh(f));
	f->e[ORIGINAL].flags |= NFO_E_LOWER;
	KUNIT_EXPECT_FALSE(test, nfo_refresh(f));
}

/* ---- what nothing announces ---- */

/* IPv4's generation moves right after a change. Return: how far the epoch moved. */
static u32 nfo_moved_after(struct nfo_fake *fake, const struct nfo_change *c, bool forwarding)
{
	struct nfo_net *nn = &fake->nn;
	u32 before, moved;
	int i;

	/* A machine that stands still for a tenth of a second tells nothing. */
	for (i = 0; i < 100; i++) {
		before = nfo_epoch(nn);
		nn->explained_at = nfo_now() - HZ;
		if (c)
			nfo_change_add(nn, c);
		nn->net->ipv4.devconf_all->data[IPV4_DEVCONF_FORWARDING - 1] ^= forwarding;
		rt_genid_bump_ipv4(nn->net);
		moved = nfo_epoch(nn) - before;
		if (!c || nfo_now() - nn->explained_at < NFO_EXPLAINED ||
		    nfo_now() - nn->explained_at > HZ / 2)
			break;
	}
	KUNIT_EXPECT_EQ(fake->test, nn->genid, rt_genid_ipv4(nn->net));
	/* Noticed once. */
	KUNIT_EXPECT_EQ(fake->test, nfo_epoch(nn) - before, moved);

	return moved;
}

static void nfo_test_genid(struct kunit *test)
{
	static const struct nfo_change route4 = {
		.what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV4, .plen = 32,
	}, route6 = {
		.what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV6, .plen = 128,
	}, dev = {
		.what = NFO_CHANGE_DEV, .ifindex = 1000,
	};
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	u32 before = nfo_epoch(&fake->nn);

	/* The journal has it: no more than that changed. */
	KUNIT_EXPECT_EQ(test, nfo_moved_after(fake, &route4, false), 1);
	KUNIT_EXPECT_EQ(test, nfo_moved_after(fake, &dev, false), 1);
	KUNIT_EXPECT_FALSE(test, nfo_route_changed(&fake->nn, e, before, fake->nn.epoch));
	/* IPv4's generation does not move for IPv6. */
	KUNIT_EXPECT_EQ(test, nfo_moved_after(fake, &route6, false), 2);
	/* Forwarding was switched at the same time. */
	KUNIT_EXPECT_EQ(test, nfo_moved_after(fake, &route4, true), 2);
	/* Nothing explains it. */
	before = fake->nn.epoch;
	KUNIT_EXPECT_EQ(test, nfo_moved_after(fake, NULL, false), 1);
	KUNIT_EXPECT_TRUE(test, nfo_route_changed(&fake->nn, e, before, fake->nn.epoch));
}

/* IPv6 counts changes that the journal has, and forwarding as well. */
static void nfo_test_sernum6(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_net *nn = &fake->nn;
	u32 before = nfo_epoch(nn);

	KUNIT_EXPECT_FALSE(test, nfo_net_moved6(nn));
	atomic_inc(&nn->net->ipv6.fib6_sernum);
	KUNIT_EXPECT_TRUE(test, nfo_net_moved6(nn));
	nfo_net_notice(nn);
	KUNIT_EXPECT_FALSE(test, nfo_net_moved6(nn));
	KUNIT_EXPECT_EQ(test, nn->epoch, before);

	atomic_inc(&nn->net->ipv6.fib6_sernum);
	nn->net->ipv4.devconf_all->data[IPV4_DEVCONF_FORWARDING - 1] ^= 1;
	nfo_net_notice(nn);
	KUNIT_EXPECT_EQ(test, nn->epoch, before + 1);
	nfo_net_notice(nn);
	KUNIT_EXPECT_EQ(test, nn->epoch, before + 1);
}

/* Another commit of the ruleset: counted first, in use when the cursor has moved. */
static u32 nfo_commit(struct nfo_fake *fake, u32 *seq)
{
	u32 before = fake->nn.epoch;

	++*seq;
	KUNIT_EXPECT_EQ(fake->test, nfo_epoch(&fake->nn), before);
	fake->nn.net->nft.gencursor ^= 1;

	return nfo_epoch(&fake->nn) - before;
}

static void nfo_ruleset_begin(struct nfo_fake *fake, u32 *seq)
{
	*seq = 1;
	fake->nn.ruleset_seq = seq;
	fake->nn.ruleset = 1;
}

static void nfo_test_ruleset(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_net *nn = &fake->nn;
	u32 seq, before;

	nfo_ruleset_begin(fake, &seq);
	nn->settings.ruleset_ms = 1000 * MSEC_PER_SEC;
	atomic_set(&nn->flows, 1);
	/* The first counts at once, those in the window after it at its end, together. */
	KUNIT_EXPECT_EQ(test, nfo_commit(fake, &seq), 1);
	KUNIT_EXPECT_EQ(test, refcount_read(&nn->refs), 1);
	KUNIT_EXPECT_EQ(test, nfo_commit(fake, &seq), 0);
	KUNIT_EXPECT_EQ(test, nfo_commit(fake, &seq), 0);
	KUNIT_EXPECT_EQ(test, refcount_read(&nn->refs), 2);
	KUNIT_EXPECT_LE(test, fake->delay, 1000 * HZ);
	KUNIT_EXPECT_GT(test, fake->delay, 900 * HZ);
	before = nn->epoch;
	nfo_fake_look(fake);
	KUNIT_EXPECT_EQ(test, nn->epoch, before + 1);
	KUNIT_EXPECT_EQ(test, nn->journal[nn->epoch % NFO_JOURNAL].what, NFO_CHANGE_RULESET);
	KUNIT_EXPECT_EQ(test, refcount_read(&nn->refs), 1);
	/* A window of its own begins with that. */
	KUNIT_EXPECT_EQ(test, nfo_commit(fake, &seq), 0);
	nfo_fake_look(fake);
	/* Without a flow each one counts. */
	atomic_set(&nn->flows, 0);
	KUNIT_EXPECT_EQ(test, nfo_commit(fake, &seq), 1);
	KUNIT_EXPECT_EQ(test, nfo_commit(fake, &seq), 1);
	KUNIT_EXPECT_EQ(test, refcount_read(&nn->refs), 1);
	atomic_set(&nn->flows, 1);
	KUNIT_EXPECT_EQ(test, nfo_commit(fake, &seq), 0);
	nfo_fake_look(fake);
	atomic_set(&nn->flows, 0);
	/* Without a window each one counts. */
	nn->settings.ruleset_ms = 0;
	KUNIT_EXPECT_EQ(test, nfo_commit(fake, &seq), 1);
	KUNIT_EXPECT_EQ(test, nfo_commit(fake, &seq), 1);
	/* Rules may be for connections that are not in the fast path. */
	nn->settings.policy = 1;
	KUNIT_EXPECT_EQ(test, nfo_commit(fake, &seq), 0);
	KUNIT_EXPECT_EQ(test, nn->ruleset, seq);
	KUNIT_EXPECT_EQ(test, refcount_read(&nn->refs), 1);
}

/* The count skips 0, after that the cursor agrees no more: waiting ends in time. */
static void nfo_test_ruleset_wait(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_net *nn = &fake->nn;
	u32 seq, before = nn->epoch;

	nfo_ruleset_begin(fake, &seq);
	nn->settings.ruleset_ms = 0;
	seq = 2;
	KUNIT_EXPECT_EQ(test, nfo_epoch(nn), before);
	KUNIT_EXPECT_NE(test, nn->ruleset_wait, 0);
	KUNIT_EXPECT_EQ(test, nn->ruleset, 1);
	nn->ruleset_wait = nfo_now() - HZ;
	KUNIT_EXPECT_EQ(test, nfo_epoch(nn), before + 1);
	KUNIT_EXPECT_EQ(test, nn->ruleset, 2);
}

static struct kunit_case nfo_journal_cases[] = {
	KUNIT_CASE(nfo_test_prefix4),
	KUNIT_CASE(nfo_test_prefix6),
	KUNIT_CASE(nfo_test_family),
	KUNIT_CASE(nfo_test_neighbour),
	KUNIT_CASE(nfo_test_ruleset_alone),
	KUNIT_CASE(nfo_test_device),
	KUNIT_CASE_PARAM(nfo_test_found_anywhere, nfo_start_gen_params),
	KUNIT_CASE_PARAM(nfo_test_overflow, nfo_start_gen_params),
	KUNIT_CASE_PARAM(nfo_test_made_stale, nfo_start_gen_params),
	KUNIT_CASE(nfo_test_renew),
	KUNIT_CASE(nfo_test_refresh_route),
	KUNIT_CASE(nfo_test_refresh_rest),
	KUNIT_CASE(nfo_test_genid),
	KUNIT_CASE(nfo_test_sernum6),
	KUNIT_CASE(nfo_test_ruleset),
	KUNIT_CASE(nfo_test_ruleset_wait),
	{}
};

static struct kunit_suite nfo_journal_suite = {
	.name		= "nf_flow_offload_journal",
	.init		= nfo_journal_init,
	.exit		= nfo_journal_exit,
	.test_cases	= nfo_journal_cases,
};

kunit_test_suite(nfo_journal_suite);
