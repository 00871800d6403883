// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: what comes back from hardware. Counters, rules that a chip lost, and flows whose
 * route is not the one they were learned with, for no packet comes to ask.
 */
#include "nfo_kunit_chip.h"
#include "nfo_neigh.h"
#include "nfo_route.h"

#define ORIGINAL	IP_CT_DIR_ORIGINAL
#define REPLY		IP_CT_DIR_REPLY

static int nfo_sync_init(struct kunit *test)
{
	nfo_fake_open(test, 1);
	return 0;
}

static void nfo_test_counters(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_asking(fake);
	struct nfo_entry *e = &ff->f.e[ORIGINAL];
	u64 packets, bytes;
	u32 before;

	nfo_fake_run(fake);
	packets = nfo_flow_packets(&ff->f, ORIGINAL);
	bytes = nfo_flow_bytes(&ff->f, ORIGINAL);
	before = nfo_now();
	e->used = before - 1000;
	fake->port[0].stats.pkts = 10;
	fake->port[0].stats.bytes = 10 * (ETH_HLEN + 100);
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, fake->port[0].reads, 1);
	KUNIT_EXPECT_EQ(test, fake->port[1].reads, 1);
	KUNIT_EXPECT_EQ(test, nfo_flow_packets(&ff->f, ORIGINAL), packets + 10);
	KUNIT_EXPECT_EQ(test, nfo_flow_bytes(&ff->f, ORIGINAL), bytes + 1000);
	KUNIT_EXPECT_GE(test, (s32)(e->used - before), 0);
	KUNIT_EXPECT_EQ(test, fake->acct_packets, 0);

	/* Conntrack counts as well; a tag is no part of the IP packet. */
	e->flags |= NFO_E_ACCT;
	e->key.encap.kinds = NFO_ENCAP_8021Q;
	fake->port[0].stats.bytes = 10 * (ETH_HLEN + 4 + 100);
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, fake->acct_packets, 10);
	KUNIT_EXPECT_EQ(test, fake->acct_bytes, 1000);

	/* More than 32 bits hold, between two readings. */
	fake->acct_packets = 0;
	fake->acct_bytes = 0;
	fake->port[0].stats.pkts = 5 * BIT_ULL(30);
	fake->port[0].stats.bytes = 5 * BIT_ULL(30) * (ETH_HLEN + 4 + 1000);
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, fake->acct_packets, 5 * BIT_ULL(30));
	KUNIT_EXPECT_EQ(test, fake->acct_bytes, 5 * BIT_ULL(30) * 1000);

	/* No packets: the flow was not used, unless the driver says when. */
	fake->port[0].stats = (struct flow_stats) {};
	e->used = nfo_now() - 1000;
	fake->port[0].stats.lastused = jiffies - 500;
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, e->used, (u32)fake->port[0].stats.lastused);
	/* Each period counts on. */
	KUNIT_EXPECT_EQ(test, fake->port[0].reads, 4);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	nfo_fake_end(test, ff);
	/* With nothing in hardware no period is counted. */
	nfo_fake_period(fake);
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, fake->port[0].reads, 5);
}

/* A chip that counts from 0 again: what is known stays known, and the flow is no busier for it. */
static void nfo_test_counters_anew(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_asking(fake);
	struct nfo_entry *e = &ff->f.e[ORIGINAL];
	u64 packets, bytes;

	nfo_fake_run(fake);
	e->flags |= NFO_E_ACCT;
	fake->port[0].stats.pkts = 1000;
	fake->port[0].stats.bytes = 1000 * (ETH_HLEN + 100);
	nfo_fake_period(fake);
	packets = nfo_flow_packets(&ff->f, ORIGINAL);
	bytes = nfo_flow_bytes(&ff->f, ORIGINAL);
	fake->port[0].stats.pkts = -990ULL;
	fake->port[0].stats.bytes = -990ULL * (ETH_HLEN + 100);
	e->used = nfo_now() - 1000;
	fake->port[0].stats.lastused = jiffies - 500;
	nfo_flow_hw(&ff->f)->at = nfo_now() - HZ;
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, nfo_flow_packets(&ff->f, ORIGINAL), packets);
	KUNIT_EXPECT_EQ(test, nfo_flow_bytes(&ff->f, ORIGINAL), bytes);
	KUNIT_EXPECT_EQ(test, fake->acct_packets, 1000);
	KUNIT_EXPECT_EQ(test, fake->acct_bytes, 1000 * 100);
	KUNIT_EXPECT_EQ(test, e->used, (u32)fake->port[0].stats.lastused);
	KUNIT_EXPECT_LE(test, nfo_flow_hw(&ff->f)->rate, 2000);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	nfo_fake_end(test, ff);
}

/* Counters are read once a period; in between is looked whether something changed. */
static void nfo_test_period(struct kunit *test)
{
	static const struct nfo_change other = {
		.what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV6, .plen = 128,
	};
	struct nfo_fake *fake = test->priv;
	struct nfo_hw_queue *q = fake->port[0].d->queue;
	struct nfo_fake_flow *ff = nfo_fake_asking(fake);
	unsigned long before = jiffies;

	fake->nn.settings.hw_sync_ms = 1000 * MSEC_PER_SEC;
	nfo_fake_run(fake);
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, fake->port[0].reads, 1);
	KUNIT_EXPECT_TRUE(test, time_after_eq(q->read_at, before + 1000 * HZ));
	KUNIT_EXPECT_TRUE(test, time_before_eq(q->read_at, jiffies + 1000 * HZ));
	KUNIT_EXPECT_EQ(test, fake->delay, HZ / 20);
	nfo_fake_look(fake);
	nfo_fake_look(fake);
	KUNIT_EXPECT_EQ(test, fake->port[0].reads, 1);
	KUNIT_EXPECT_EQ(test, fake->delay, HZ / 20);
	/* An event is no matter of the period, and none of the driver. */
	nfo_change_add(&fake->nn, &other);
	nfo_fake_look(fake);
	KUNIT_EXPECT_EQ(test, fake->port[0].reads, 1);
	KUNIT_EXPECT_EQ(test, ff->f.e[REPLY].epoch, nfo_epoch(&fake->nn));
	nfo_fake_look(fake);
	KUNIT_EXPECT_EQ(test, fake->port[0].reads, 1);

	/* The end of the period comes before the next look. */
	q->read_at = jiffies + HZ / 20 - 1;
	nfo_fake_look(fake);
	KUNIT_EXPECT_LT(test, fake->delay, HZ / 20);
	nfo_fake_end(test, ff);
}

/* A driver that is slow keeps the worker busy, and a commit must not wait until it is through. */
static void nfo_test_period_of_busy(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_hw_queue *q = fake->port[0].d->queue;
	struct nfo_fake_flow *ff = nfo_fake_asking(fake);

	nfo_fake_run(fake);
	KUNIT_ASSERT_TRUE(test, nfo_fake_disarm(&q->sync_work));
	q->read_at = jiffies;
	q->sync_work.work.func(&q->sync_work.work);
	/* The worker is woken and has not come to it; there is another look meanwhile. */
	KUNIT_EXPECT_GT(test, q->unread, 0);
	KUNIT_EXPECT_TRUE(test, nfo_fake_disarm(&q->sync_work));
	/* A period that begins before the worker is through does not make it read more. */
	q->unread = 1;
	q->read_at = jiffies;
	q->sync_work.work.func(&q->sync_work.work);
	KUNIT_EXPECT_EQ(test, q->unread, 1);
	nfo_fake_run(fake);
	nfo_fake_end(test, ff);
}

static void nfo_test_chip_lost_the_rule(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_asking(fake);

	nfo_fake_run(fake);
	fake->port[1].stats_err = -ENOENT;
	nfo_fake_period(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	KUNIT_EXPECT_FALSE(test, test_bit(NFO_F_DEAD, &ff->f.state));
	fake->port[1].stats_err = 0;
	nfo_fake_ask(ff, 1);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));

	/* The driver lost the device. */
	fake->port[0].stats_err = -ENODEV;
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, fake->gone, 1);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	nfo_fake_ask(ff, 1);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->state, NFO_HW_SOFT);
	nfo_fake_end(test, ff);
}

/* Its entry is taken for stale, so that packets show in software where they go now. */
static bool nfo_back_in_software(struct nfo_fake *fake, struct nfo_fake_flow *ff, u8 dir)
{
	struct nfo_entry *e = &ff->f.e[dir];

	return nfo_fake_nothing_left(fake, ff, 1) && !test_bit(NFO_F_DEAD, &ff->f.state) &&
	       nfo_route_changed(&fake->nn, e, e->epoch, nfo_epoch(&fake->nn)) &&
	       ff->f.e[!dir].epoch == nfo_epoch(&fake->nn);
}

static bool nfo_both_stale(struct nfo_fake *fake, struct nfo_fake_flow *ff)
{
	u32 epoch = nfo_epoch(&fake->nn);

	return nfo_route_changed(&fake->nn, &ff->f.e[ORIGINAL], ff->f.e[ORIGINAL].epoch, epoch) &&
	       nfo_route_changed(&fake->nn, &ff->f.e[REPLY], ff->f.e[REPLY].epoch, epoch);
}

/* A new ruleset that lets a flow pass leaves it in hardware until its turn to learn comes; then
 * both directions do.
 */
static void nfo_test_ruleset_passes(struct kunit *test)
{
	static const struct nfo_change ruleset = { .what = NFO_CHANGE_RULESET };
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_asking(fake);

	fake->nn.settings.hw_sync_ms = 1000 * MSEC_PER_SEC;
	nfo_fake_run(fake);
	nfo_fake_period(fake);
	nfo_change_add(&fake->nn, &ruleset);
	nfo_fake_look(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	KUNIT_EXPECT_EQ(test, ff->judged[ORIGINAL], 1);
	KUNIT_EXPECT_EQ(test, ff->judged[REPLY], 1);
	nfo_fake_look(fake);
	KUNIT_EXPECT_EQ(test, ff->judged[ORIGINAL], 1);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	nfo_fake_period(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	KUNIT_EXPECT_TRUE(test, nfo_both_stale(fake, ff));
	nfo_fake_end(test, ff);
}

static void nfo_test_ruleset_drops(struct kunit *test)
{
	static const struct nfo_change ruleset = { .what = NFO_CHANGE_RULESET };
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_asking(fake);

	nfo_fake_run(fake);
	fake->drops = true;
	nfo_change_add(&fake->nn, &ruleset);
	nfo_fake_look(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	KUNIT_EXPECT_FALSE(test, test_bit(NFO_F_DEAD, &ff->f.state));
	KUNIT_EXPECT_TRUE(test, nfo_both_stale(fake, ff));
	nfo_fake_end(test, ff);
}

/* The rules may answer otherwise although nothing was committed: the reading of counters asks. */
static void nfo_test_ruleset_varies(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_asking(fake);

	nfo_fake_run(fake);
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, ff->judged[ORIGINAL], 0);
	fake->recheck = true;
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, ff->judged[ORIGINAL], 1);
	KUNIT_EXPECT_EQ(test, ff->judged[REPLY], 1);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	fake->drops = true;
	nfo_fake_period(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	nfo_fake_end(test, ff);
}

/* In each period sixteen leave to learn, of so few. */
static void nfo_test_ruleset_in_turn(struct kunit *test)
{
	static const struct nfo_change ruleset = { .what = NFO_CHANGE_RULESET };
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff[40];
	unsigned int i, left;

	fake->nn.settings.hw_sync_ms = 1000 * MSEC_PER_SEC;
	for (i = 0; i < ARRAY_SIZE(ff); i++)
		ff[i] = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	nfo_fake_period(fake);
	nfo_change_add(&fake->nn, &ruleset);
	nfo_fake_look(fake);
	for (left = ARRAY_SIZE(ff); left > 16; left -= 16) {
		KUNIT_EXPECT_EQ(test, fake->port[0].d->queue->count, 2 * left);
		nfo_fake_period(fake);
	}
	KUNIT_EXPECT_EQ(test, fake->port[0].d->queue->count, 2 * left);
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, fake->port[0].d->queue->count, 0);
	for (i = 0; i < ARRAY_SIZE(ff); i++) {
		KUNIT_EXPECT_TRUE(test, nfo_both_stale(fake, ff[i]));
		nfo_flow_retire(&ff[i]->f, NFO_R_USER);
	}
}

/* No packet comes to notice it: the worker does. */
static void nfo_test_no_more_true(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_change change = { .what = NFO_CHANGE_DEV, .ifindex = 1000 };
	static struct neighbour to_server, to_client;
	struct neighbour *next_hop[IP_CT_DIR_MAX] = { &to_server, &to_client };
	struct nfo_neigh watch[IP_CT_DIR_MAX];
	struct nfo_fake_flow *dying = nfo_fake_asking(fake), *ff;
	u32 before;
	int i;

	nfo_fake_run(fake);
	nfo_fake_period(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, dying));
	set_bit(IPS_DYING_BIT, &dying->ct.status);
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, dying->why, NFO_R_CT_GONE);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, dying, 0));

	/* Its timeout is fixed, which a flow would keep putting off. */
	ff = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	set_bit(IPS_FIXED_TIMEOUT_BIT, &ff->ct.status);
	fake->port[0].stats.pkts = 1;
	nfo_fake_period(fake);
	fake->port[0].stats.pkts = 0;
	KUNIT_EXPECT_EQ(test, ff->why, NFO_R_FIXED_TIMEOUT);
	KUNIT_EXPECT_EQ(test, ff->ct_refreshed, 0);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 0));

	/* An event that does not concern it. */
	ff = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	before = nfo_epoch(&fake->nn);
	nfo_change_add(&fake->nn, &change);
	nfo_fake_period(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	KUNIT_EXPECT_EQ(test, ff->f.e[ORIGINAL].epoch, before + 1);
	KUNIT_EXPECT_EQ(test, ff->f.e[REPLY].epoch, before + 1);

	/* Events that concern one direction. */
	change.what = NFO_CHANGE_NEIGH;
	for (i = 0; i < IP_CT_DIR_MAX; i++) {
		watch[i].n = next_hop[i];
		ff->route[i].neigh = &watch[i];
		change.neigh = next_hop[i];
		nfo_change_add(&fake->nn, &change);
		nfo_fake_period(fake);
		if (ff->f.e[!i].epoch != nfo_epoch(&fake->nn)) {
			/* The first rule that was read took the other one out with it. */
			KUNIT_EXPECT_EQ(test, ff->f.e[!i].epoch, nfo_epoch(&fake->nn) - 1);
			ff->f.e[!i].epoch = nfo_epoch(&fake->nn);
		}
		KUNIT_EXPECT_TRUE(test, nfo_back_in_software(fake, ff, i));
		/* A packet taught it anew. */
		ff->f.e[i].epoch = nfo_epoch(&fake->nn);
		nfo_fake_ask(ff, 1);
		nfo_fake_run(fake);
		KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	}
	nfo_fake_end(test, ff);
}

static void nfo_end_during(struct nfo_fake *fake, struct nfo_fake_flow *ff)
{
	static struct nfo_route_refs none;
	int dir;

	nfo_flow_retire(&ff->f, NFO_R_USER);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		ff->f.e[dir].refs = &none;
}

/* While a driver is asked for counters the flow ends, and the worker of another chip, whose driver
 * does not delete the other rule, drops what the flow rests on.
 */
static void nfo_test_ends_while_read(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff;

	nfo_fake_chips(fake, 2);
	ff = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	nfo_fake_period(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	ff->refreshed[ORIGINAL] = 0;
	fake->port[0].stats.pkts = 1;
	fake->during_cmd = FLOW_CLS_STATS;
	fake->during_dir = ORIGINAL;
	fake->during = nfo_end_during;
	nfo_fake_period(fake);
	KUNIT_EXPECT_NULL(test, fake->during);
	KUNIT_EXPECT_EQ(test, ff->refreshed[ORIGINAL], 0);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 0));
}

/* What is looked at with traffic alone. */
static void nfo_test_no_more_good(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_asking(fake);

	nfo_fake_run(fake);
	fake->refresh_fails = true;
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, ff->refreshed[ORIGINAL], 0);
	KUNIT_EXPECT_EQ(test, ff->ct_refreshed, 0);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));

	fake->refresh_fails = false;
	fake->port[0].stats.pkts = 1;
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, ff->refreshed[ORIGINAL], 1);
	KUNIT_EXPECT_EQ(test, ff->refreshed[REPLY], 0);
	KUNIT_EXPECT_EQ(test, ff->ct_refreshed, 1);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));

	fake->refresh_fails = true;
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, ff->refreshed[ORIGINAL], 2);
	KUNIT_EXPECT_TRUE(test, nfo_back_in_software(fake, ff, ORIGINAL));
	nfo_fake_end(test, ff);
}

/* What a rule cannot do may come to light while it is in hardware. */
static void nfo_test_no_more_fits(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_asking(fake);
	struct nfo_entry *e = &ff->f.e[REPLY];

	nfo_fake_run(fake);
	nfo_fake_period(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	/* A packet that the host saw showed that a rule sets the DSCP. */
	e->fields |= NFO_FIELD_DSCP;
	nfo_fake_period(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	nfo_fake_ask(ff, 1);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->reason, NFO_R_HW_FIELDS);
	/* Flow labels that choose the route are no better. */
	e->fields = 0;
	e->flags |= NFO_E_LABEL;
	nfo_fake_ask(ff, 1);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	e->flags &= ~NFO_E_LABEL;
	nfo_fake_ask(ff, 1);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	/* The route got another MTU, which no event announced. */
	fake->port[1].netdev->mtu = 1500;
	e->mtu = 1400;
	nfo_fake_period(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	fake->nn.settings.hw_oversize = 1;
	nfo_fake_ask(ff, 1);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	fake->nn.settings.hw_oversize = 0;
	nfo_fake_period(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	nfo_fake_end(test, ff);
}

/* Give an entry another MTU: the flow leaves and stays out until the entry has the old one again.
 */
static void nfo_too_small(struct nfo_fake *fake, struct nfo_fake_flow *ff, u16 mtu)
{
	struct nfo_entry *e = &ff->f.e[ORIGINAL];
	u16 was = e->mtu;

	e->mtu = mtu;
	nfo_fake_period(fake);
	KUNIT_EXPECT_TRUE(fake->test, nfo_fake_nothing_left(fake, ff, 1));
	nfo_fake_ask(ff, 1);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(fake->test, nfo_fake_nothing_left(fake, ff, 1));
	KUNIT_EXPECT_EQ(fake->test, nfo_flow_hw(&ff->f)->reason, NFO_R_HW_MTU);
	e->mtu = was;
	nfo_fake_ask(ff, 1);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(fake->test, nfo_fake_in_whole(fake, ff));
}

/* By enum nfo_hw_mtu. */
static const struct nfo_hw_driver nfo_mtu_chips[] = {
	{ .bind = NFO_DEV_HW_FT, .forms = { NFO_HW_TTL_IMPLICIT }, .mtu = NFO_HW_MTU_NONE },
	{ .bind = NFO_DEV_HW_FT, .forms = { NFO_HW_TTL_IMPLICIT }, .mtu = NFO_HW_MTU_CHIP },
	{ .bind = NFO_DEV_HW_FT, .forms = { NFO_HW_TTL_IMPLICIT }, .mtu = NFO_HW_MTU_PORT },
};

/* Chips that give frames to the host which are too large for the egress port, or for all ports:
 * they know nothing of the MTU of a route, nor of that of a VLAN device above the port.
 */
static void nfo_test_chip_looks_at_mtu(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_entry *e = &ff->f.e[ORIGINAL];
	int i;

	fake->port[0].netdev->mtu = 1500;
	fake->port[1].netdev->mtu = 1500;
	e->mtu = 1500;
	ff->f.e[REPLY].mtu = 1500;
	for (i = NFO_HW_MTU_PORT; i >= NFO_HW_MTU_CHIP; i--) {
		fake->port[0].d->driver = &nfo_mtu_chips[i];
		fake->port[1].d->driver = &nfo_mtu_chips[i];
		nfo_fake_ask(ff, 100);
		nfo_fake_run(fake);
		KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
		nfo_too_small(fake, ff, 1400);
	}

	/* A session's header takes its part of what the port takes. */
	e->mtu = 1492;
	ff->route[ORIGINAL].out_lower.h_dest[5] = 1;
	nfo_fake_period(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	nfo_too_small(fake, ff, 1480);

	/* A smaller port is as large as what it sends, and the largest port may be another one. */
	ff->route[ORIGINAL].out_lower.h_dest[5] = 0;
	fake->port[1].netdev->mtu = 1400;
	e->mtu = 1400;
	nfo_fake_period(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	fake->port[0].d->driver = &nfo_mtu_chips[NFO_HW_MTU_PORT];
	nfo_fake_ask(ff, 1);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	nfo_fake_end(test, ff);
}

/* A PPPoE session with an MTU of 1500 on a port that takes 1508 bytes (RFC 4638). What comes out of
 * the session is as much smaller than what the port may receive, so it is not too large for a LAN.
 */
static void nfo_test_session_of_1500(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_entry *back = &ff->f.e[REPLY];
	int i;

	fake->port[0].netdev->mtu = 1500;
	fake->port[1].netdev->mtu = 1508;
	ff->f.e[ORIGINAL].mtu = 1500;
	ff->route[ORIGINAL].out_lower.h_dest[5] = 1;
	back->key.encap.kinds = NFO_ENCAP_PPPOE;
	for (i = 0; i < ARRAY_SIZE(nfo_mtu_chips); i++) {
		fake->port[0].d->driver = &nfo_mtu_chips[i];
		fake->port[1].d->driver = &nfo_mtu_chips[i];
		back->mtu = 1500;
		nfo_fake_ask(ff, 100);
		nfo_fake_run(fake);
		KUNIT_EXPECT_TRUE_MSG(test, nfo_fake_in_whole(fake, ff), "chip %d: %s", i,
				      nfo_reason_names[nfo_flow_hw(&ff->f)->reason]);
		/* A route to the LAN takes less. */
		back->mtu = 1499;
		nfo_fake_period(fake);
		KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	}
	/* On a port that takes more, the session may bring more than the LAN takes. */
	fake->port[1].netdev->mtu = 1509;
	fake->port[1].d->driver = &nfo_mtu_chips[NFO_HW_MTU_NONE];
	back->mtu = 1500;
	nfo_fake_ask(ff, 100);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->reason, NFO_R_HW_MTU);
	nfo_fake_end(test, ff);
}

/* An event finds the flow that it concerns among others, and no driver is asked for it: what
 * is read is what the flow's own rules counted last.
 */
static void nfo_test_event_concerns(struct kunit *test)
{
	struct nfo_change change = { .what = NFO_CHANGE_NEIGH };
	struct nfo_fake *fake = test->priv;
	static struct neighbour next_hop;
	struct nfo_neigh watch = { .n = &next_hop };
	static struct nfo_fake_flow *ff[200];
	int i;

	for (i = 0; i < ARRAY_SIZE(ff); i++)
		ff[i] = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	fake->nn.settings.hw_sync_ms = 1000 * MSEC_PER_SEC;
	nfo_fake_period(fake);
	fake->port[0].reads = 0;
	ff[150]->route[ORIGINAL].neigh = &watch;
	change.neigh = &next_hop;
	nfo_change_add(&fake->nn, &change);
	nfo_fake_look(fake);
	KUNIT_EXPECT_EQ(test, fake->port[0].reads, 1);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff[150]->f)->state, NFO_HW_SOFT);
	KUNIT_EXPECT_FALSE(test, ff[150]->in_chip[ORIGINAL]);
	KUNIT_EXPECT_FALSE(test, ff[150]->in_chip[REPLY]);
	KUNIT_EXPECT_EQ(test, fake->t.hw.whole, ARRAY_SIZE(ff) - 1);
	for (i = 0; i < ARRAY_SIZE(ff); i++)
		nfo_flow_retire(&ff[i]->f, NFO_R_USER);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff[0], 0));
}

/* An event: the rules are looked at now, not at the next look. */
static void nfo_test_kick(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff;

	/* Nothing is in hardware. */
	nfo_hw_kick(&fake->nn);
	nfo_fake_run(fake);
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, fake->port[0].reads, 0);

	ff = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	/* The first look is at once, the second one is not due. */
	nfo_fake_look(fake);
	KUNIT_EXPECT_EQ(test, fake->port[0].reads, 1);
	fake->port[0].d->queue->read_at = jiffies + 1000 * HZ;
	nfo_fake_look(fake);
	KUNIT_EXPECT_EQ(test, fake->port[0].reads, 1);
	KUNIT_EXPECT_NE(test, fake->delay, 0);
	nfo_hw_kick(&fake->nn);
	nfo_hw_kick(&fake->nn);
	KUNIT_EXPECT_EQ(test, refcount_read(&fake->nn.refs), 2);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, fake->delay, 0);
	KUNIT_EXPECT_EQ(test, refcount_read(&fake->nn.refs), 1);
	nfo_fake_look(fake);
	KUNIT_EXPECT_EQ(test, fake->port[0].reads, 1);
	nfo_fake_end(test, ff);
}

/* ---- chips that count less ---- */

/* A chip without counters says when the last packet passed: the rate stays. One that says 0 says
 * nothing.
 */
static void nfo_test_uncounted(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_asking(fake);
	struct nfo_entry *e = &ff->f.e[ORIGINAL];
	u32 used;

	nfo_fake_run(fake);
	nfo_flow_hw(&ff->f)->rate = 1000;
	e->used = nfo_now() - 500;
	nfo_flow_hw(&ff->f)->at = nfo_now() - 1000;
	fake->port[0].stats.lastused = jiffies - 1;
	fake->port[1].stats.lastused = jiffies - 1;
	ff->f.e[REPLY].used = nfo_now() - 500;
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->rate, 1000);
	KUNIT_EXPECT_LT(test, nfo_now() - e->used, 500);
	KUNIT_EXPECT_TRUE(test, fake->port[0].d->counts);

	/* Not used any more: what is left is the packets that software counted in the beginning. */
	nfo_flow_hw(&ff->f)->at = nfo_now() - 1000;
	nfo_fake_period(fake);
	KUNIT_EXPECT_LT(test, nfo_flow_hw(&ff->f)->rate, 1000);

	used = e->used;
	fake->port[0].stats.lastused = 0;
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, e->used, used);
	nfo_fake_end(test, ff);
}

/* A chip that says nothing at all: after a while software looks whether the flow is in use. */
static void nfo_test_silent(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_asking(fake);
	int i;

	nfo_fake_run(fake);
	nfo_fake_period(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	for (i = 0; i < IP_CT_DIR_MAX; i++)
		nfo_flow_hw(&ff->f)->rule[i].read = nfo_now() - 11 * HZ;
	nfo_fake_period(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	KUNIT_EXPECT_FALSE(test, test_bit(NFO_F_DEAD, &ff->f.state));
	nfo_fake_end(test, ff);
}

static struct kunit_case nfo_sync_cases[] = {
	KUNIT_CASE(nfo_test_event_concerns),
	KUNIT_CASE(nfo_test_uncounted),
	KUNIT_CASE(nfo_test_silent),
	KUNIT_CASE(nfo_test_no_more_fits),
	KUNIT_CASE(nfo_test_chip_looks_at_mtu),
	KUNIT_CASE(nfo_test_session_of_1500),
	KUNIT_CASE(nfo_test_counters),
	KUNIT_CASE(nfo_test_counters_anew),
	KUNIT_CASE(nfo_test_period),
	KUNIT_CASE(nfo_test_period_of_busy),
	KUNIT_CASE(nfo_test_chip_lost_the_rule),
	KUNIT_CASE(nfo_test_no_more_true),
	KUNIT_CASE(nfo_test_ruleset_passes),
	KUNIT_CASE(nfo_test_ruleset_drops),
	KUNIT_CASE(nfo_test_ruleset_varies),
	KUNIT_CASE(nfo_test_ruleset_in_turn),
	KUNIT_CASE(nfo_test_ends_while_read),
	KUNIT_CASE(nfo_test_no_more_good),
	KUNIT_CASE(nfo_test_kick),
	{}
};

static struct kunit_suite nfo_sync_suite = {
	.name		= "nf_flow_offload_hw_sync",
	.init		= nfo_sync_init,
	.exit		= nfo_fake_close,
	.test_cases	= nfo_sync_cases,
};

kunit_test_suite(nfo_sync_suite);
