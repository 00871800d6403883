// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: what counts as a change that nothing announces, and the windows in which commits of
 * the ruleset count together.
 */
#include <linux/inetdevice.h>
#include <linux/workqueue.h>

#include "nfo_kunit_chip.h"
#include "nfo_route.h"

#define queue_delayed_work(wq, dwork, delay)	nfo_fake_arm(wq, dwork, delay, false)
#define cancel_delayed_work_sync(dwork)		nfo_fake_disarm(dwork)
#include "../../nf_flow_offload_net.c"
#undef CREATE_TRACE_POINTS

/* The works of a namespace that nfo_net_alloc() did not make. */
void nfo_fake_net_init(struct nfo_net *nn)
{
	INIT_DELAYED_WORK(&nn->ruleset_work, nfo_ruleset_work);
	INIT_DELAYED_WORK(&nn->explain_work, nfo_explain_work);
}

/* A namespace of the test's own: nobody but the test counts generations in it. */
int nfo_journal_init(struct kunit *test)
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
	fake->nn.ruleset_at = nfo_now() - 1000 * HZ;

	return nfo_route_refs_init();
}

void nfo_journal_exit(struct kunit *test)
{
	nfo_route_refs_exit();
	nfo_fake_close(test);
}

static const struct nfo_change *nfo_latest(const struct nfo_net *nn)
{
	return &nn->journal->changes[nn->epoch % NFO_JOURNAL];
}

/* Half a second without an event has passed. */
static void nfo_explanation_ends(struct nfo_fake *fake)
{
	fake->nn.explained_at = nfo_now() - HZ;
	nfo_fake_look(fake);
	KUNIT_EXPECT_FALSE(fake->test, fake->nn.explained);
	KUNIT_EXPECT_EQ(fake->test, refcount_read(&fake->nn.refs), 1);
}

/* IPv4's generation moves right after a change. Return: how far the epoch moved. */
static u32 nfo_moved_after(struct nfo_fake *fake, const struct nfo_change *c, bool forwarding)
{
	struct nfo_net *nn = &fake->nn;
	u32 before, moved;

	nfo_explanation_ends(fake);
	before = nfo_epoch(nn);
	if (c)
		nfo_change_add(nn, c);
	nn->net->ipv4.devconf_all->data[IPV4_DEVCONF_FORWARDING - 1] ^= forwarding;
	rt_genid_bump_ipv4(nn->net);
	moved = nfo_epoch(nn) - before;
	KUNIT_EXPECT_EQ(fake->test, nn->genid, rt_genid_ipv4(nn->net));
	/* Noticed once. */
	KUNIT_EXPECT_EQ(fake->test, nfo_epoch(nn) - before, moved);

	return moved;
}

static void nfo_test_genid(struct kunit *test)
{
	static const struct nfo_change route4 = {
		.what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV4, .plen = 32, .early = true,
	}, sysctl = {
		.what = NFO_CHANGE_FAMILY, .family = NFPROTO_IPV4,
	}, route6 = {
		.what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV6, .plen = 128,
	}, dev = {
		.what = NFO_CHANGE_DEV, .ifindex = 1000,
	};
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	u32 before = nfo_epoch(&fake->nn);

	/* The journal has it: no more than that changed. It may have been told of before it was
	 * made, so it is there twice.
	 */
	KUNIT_EXPECT_EQ(test, nfo_moved_after(fake, &route4, false), 2);
	KUNIT_EXPECT_EQ(test, nfo_moved_after(fake, &dev, false), 1);
	KUNIT_EXPECT_FALSE(test, nfo_route_changed(&fake->nn, e, before, fake->nn.epoch));
	/* What was told of when it had been made is there once. */
	KUNIT_EXPECT_EQ(test, nfo_moved_after(fake, &sysctl, false), 1);
	/* IPv4's generation does not move for IPv6. */
	KUNIT_EXPECT_EQ(test, nfo_moved_after(fake, &route6, false), 2);
	/* Forwarding was switched at the same time. */
	KUNIT_EXPECT_EQ(test, nfo_moved_after(fake, &route4, true), 2);
	KUNIT_EXPECT_EQ(test, nfo_latest(&fake->nn)->what, NFO_CHANGE_ALL);
	/* Nothing explains it. */
	before = fake->nn.epoch;
	KUNIT_EXPECT_EQ(test, nfo_moved_after(fake, NULL, false), 1);
	KUNIT_EXPECT_TRUE(test, nfo_route_changed(&fake->nn, e, before, fake->nn.epoch));
}

/* No packet comes for longer than an event explains. */
static void nfo_test_genid_later(struct kunit *test)
{
	static const struct nfo_change route = {
		.what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV4, .plen = 32, .early = true,
	};
	struct nfo_fake *fake = test->priv;
	struct nfo_net *nn = &fake->nn;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_journal *journal = NULL;
	u32 before = nfo_epoch(nn);

	nfo_change_add(nn, &route);
	KUNIT_EXPECT_EQ(test, fake->delay, NFO_EXPLAINED);
	rt_genid_bump_ipv4(nn->net);
	nfo_explanation_ends(fake);
	KUNIT_EXPECT_FALSE(test, nfo_route_changed(nn, e, before, nfo_epoch(nn)));
	/* Events that go on explain until the last one is half a second old. */
	nfo_change_add(nn, &route);
	nn->explained_at = nfo_now() + HZ;
	nfo_fake_look(fake);
	KUNIT_EXPECT_TRUE(test, nn->explained);
	nfo_explanation_ends(fake);
	/* Then they do not. */
	before = nfo_epoch(nn);
	rt_genid_bump_ipv4(nn->net);
	KUNIT_EXPECT_TRUE(test, nfo_route_changed(nn, e, before, nfo_epoch(nn)));
	/* Before the first flowtable an event explains nothing. */
	swap(journal, nn->journal);
	nfo_change_add(nn, &route);
	KUNIT_EXPECT_FALSE(test, nn->explained);
	swap(journal, nn->journal);
	/* At the end of the namespace nothing is queued. */
	nfo_net_end(nn);
	nfo_change_add(nn, &route);
	KUNIT_EXPECT_EQ(test, refcount_read(&nn->refs), 1);
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
	KUNIT_EXPECT_EQ(test, nfo_latest(nn)->what, NFO_CHANGE_RULESET);
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

/* Commits that go on: windows become longer, up to eight times, until there is a pause. */
static void nfo_test_ruleset_burst(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_net *nn = &fake->nn;
	int i, longer;
	u32 seq;

	nfo_ruleset_begin(fake, &seq);
	nn->settings.ruleset_ms = 1000 * MSEC_PER_SEC;
	atomic_set(&nn->flows, 1);
	KUNIT_EXPECT_EQ(test, nfo_commit(fake, &seq), 1);
	for (i = 1; i < 20; i++) {
		longer = 1 << min(i / 4, 3);
		KUNIT_EXPECT_EQ(test, nfo_commit(fake, &seq), 0);
		KUNIT_EXPECT_LE_MSG(test, fake->delay, longer * 1000 * HZ, "window %d", i);
		KUNIT_EXPECT_GT_MSG(test, fake->delay, longer * 1000 * HZ - 100 * HZ,
				    "window %d", i);
		nfo_fake_look(fake);
	}
	/* A pause. */
	nn->ruleset_at -= 4500 * HZ;
	nn->ruleset_seen -= 4500 * HZ;
	KUNIT_EXPECT_EQ(test, nfo_commit(fake, &seq), 1);
	KUNIT_EXPECT_EQ(test, nfo_commit(fake, &seq), 0);
	KUNIT_EXPECT_LE(test, fake->delay, 1000 * HZ);
	nfo_fake_look(fake);
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

static struct kunit_case nfo_notice_cases[] = {
	KUNIT_CASE(nfo_test_genid),
	KUNIT_CASE(nfo_test_genid_later),
	KUNIT_CASE(nfo_test_sernum6),
	KUNIT_CASE(nfo_test_ruleset),
	KUNIT_CASE(nfo_test_ruleset_burst),
	KUNIT_CASE(nfo_test_ruleset_wait),
	{}
};

static struct kunit_suite nfo_notice_suite = {
	.name		= "nf_flow_offload_notice",
	.init		= nfo_journal_init,
	.exit		= nfo_journal_exit,
	.test_cases	= nfo_notice_cases,
};

kunit_test_suite(nfo_notice_suite);
