// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the walk through all rules in hardware after a change. Each rule that a change concerns is
 * found, whatever the change is, and changes that keep coming hold up neither the walk nor the
 * calls of drivers.
 */
#include "nfo_kunit_chip.h"
#include "nfo_neigh.h"
#include "nfo_route.h"

#define ORIGINAL	IP_CT_DIR_ORIGINAL
#define REPLY		IP_CT_DIR_REPLY

/* More rules than a walk looks at in one RCU section. */
#define NFO_WALK_FLOWS	24
#define NFO_WALK_CHANGES 9

static struct neighbour nfo_next_hop, nfo_other_hop, nfo_no_hop;
static struct nfo_neigh nfo_watch[] = {
	{ .n = &nfo_next_hop }, { .n = &nfo_other_hop },
};

static struct nfo_fake_flow *nfo_walked[NFO_WALK_FLOWS];

static int nfo_walk_init(struct kunit *test)
{
	struct nfo_fake *fake = nfo_fake_open(test, 1);

	fake->nn.settings.hw_sync_ms = 1000 * MSEC_PER_SEC;
	return 0;
}

/* Flows that differ in what they rest on: two neighbours and none, two stations, two prefixes, two
 * devices that packets come in by.
 */
static void nfo_walk_flows(struct nfo_fake *fake)
{
	struct nfo_fake_flow *ff;
	struct nfo_entry *e;
	int i, dir;

	for (i = 0; i < NFO_WALK_FLOWS; i++) {
		ff = nfo_fake_asking(fake);
		for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
			e = &ff->f.e[dir];
			if ((i + dir) % 3 < 2)
				ff->route[dir].neigh = &nfo_watch[(i + dir) % 3];
			ff->route[dir].hh[5] = i % 2;
			e->flags |= NFO_E_HEADER;
			e->daddr = htonl(i % 4 ? 0x0a000000 + i : 0x0b000000 + i);
		}
		nfo_walked[i] = ff;
	}
	nfo_fake_run(fake);
	nfo_fake_period(fake);
	for (i = 0; i < NFO_WALK_FLOWS; i++) {
		KUNIT_ASSERT_TRUE(fake->test, nfo_fake_in_whole(fake, nfo_walked[i]));
		nfo_walked[i]->route[ORIGINAL].in = fake->port[i % 5 ? 0 : 2].netdev;
	}
}

static void nfo_walk_end(struct nfo_fake *fake)
{
	int i;

	for (i = 0; i < NFO_WALK_FLOWS; i++)
		nfo_flow_retire(&nfo_walked[i]->f, NFO_R_USER);
	nfo_fake_run(fake);
	for (i = 0; i < NFO_WALK_FLOWS; i++)
		KUNIT_EXPECT_TRUE(fake->test, nfo_fake_nothing_left(fake, nfo_walked[i], 0));
}

/* Changes that concern some of the flows, and others that concern none. */
static const struct nfo_change nfo_walk_change[] = {
	{ .what = NFO_CHANGE_NEIGH, .neigh = &nfo_next_hop },
	{ .what = NFO_CHANGE_NEIGH, .neigh = &nfo_other_hop },
	{ .what = NFO_CHANGE_NEIGH, .neigh = &nfo_no_hop },
	{ .what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV4, .plen = 8,
	  .prefix.ip = cpu_to_be32(0x0b000000) },
	{ .what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV4, .plen = 8,
	  .prefix.ip = cpu_to_be32(0x0c000000) },
	{ .what = NFO_CHANGE_STATION, .lladdr = { 2, 0, 0, 0, 0, 1 } },
	{ .what = NFO_CHANGE_DEV, .ifindex = NFO_FAKE_IFINDEX + 2 },
	{ .what = NFO_CHANGE_DEV, .ifindex = 1000 },
	{ .what = NFO_CHANGE_FAMILY, .family = NFPROTO_IPV6 },
	{ .what = NFO_CHANGE_FAMILY, .family = NFPROTO_IPV4 },
	{ .what = NFO_CHANGE_ALL },
};

/* A sequence of changes, by their index in nfo_walk_change. Some of the entries know the first of
 * them already.
 */
struct nfo_walk_case {
	const char *name;
	u8 change[NFO_WALK_CHANGES];
	u8 n;
};

static const struct nfo_walk_case nfo_walk_cases[] = {
	{ "a neighbour", { 0 }, 1 },
	{ "the other neighbour", { 1 }, 1 },
	{ "a neighbour of no flow", { 2 }, 1 },
	{ "both neighbours", { 0, 1 }, 2 },
	{ "a neighbour after three others", { 2, 2, 2, 0 }, 4 },
	{ "a neighbour before three others", { 1, 2, 2, 2 }, 4 },
	{ "a neighbour after four others", { 2, 2, 2, 2, 0 }, 5 },
	{ "a neighbour before eight others", { 1, 2, 2, 2, 2, 2, 2, 2, 2 }, 9 },
	{ "a prefix", { 3 }, 1 },
	{ "a prefix of no flow", { 4 }, 1 },
	{ "a prefix among neighbours", { 2, 3, 2 }, 3 },
	{ "many prefixes", { 4, 4, 4, 3, 4, 4 }, 6 },
	{ "a station", { 5 }, 1 },
	{ "a station after a neighbour", { 1, 5 }, 2 },
	{ "a device", { 6 }, 1 },
	{ "a device of no flow", { 7 }, 1 },
	{ "a device before a neighbour", { 6, 2 }, 2 },
	{ "the other family", { 8 }, 1 },
	{ "the family", { 9 }, 1 },
	{ "everything, then a neighbour", { 10, 2 }, 2 },
	{ "a neighbour, then everything", { 2, 10 }, 2 },
};

static void nfo_walk_name(const struct nfo_walk_case *c, char *name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(nfo_walk, nfo_walk_cases, nfo_walk_name);

/* The walk takes out of hardware the flows of which nfo_route_changed() says that a direction is
 * not true any more, and no other. The directions have learned at different times.
 */
static void nfo_test_walk_finds(struct kunit *test)
{
	const struct nfo_walk_case *c = test->param_value;
	struct nfo_fake *fake = test->priv;
	bool stale[NFO_WALK_FLOWS] = {};
	int i, dir, left = 0;
	u32 start, now;
	bool none;

	nfo_walk_flows(fake);
	start = nfo_epoch(&fake->nn);
	for (i = 0; i < c->n; i++)
		nfo_change_add(&fake->nn, &nfo_walk_change[c->change[i]]);
	now = nfo_epoch(&fake->nn);
	rcu_read_lock();
	for (i = 0; i < NFO_WALK_FLOWS; i++)
		for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
			struct nfo_entry *e = &nfo_walked[i]->f.e[dir];

			e->epoch = start + (i % 7 == 3 && dir);
			if (nfo_route_changed(&fake->nn, e, e->epoch, now))
				stale[i] = true;
		}
	rcu_read_unlock();
	nfo_fake_look(fake);
	for (i = 0; i < NFO_WALK_FLOWS; i++) {
		struct nfo_fake_flow *ff = nfo_walked[i];

		left += stale[i];
		KUNIT_EXPECT_EQ_MSG(test, nfo_flow_hw(&ff->f)->state,
				    stale[i] ? NFO_HW_SOFT : NFO_HW_LIVE, "flow %d", i);
		KUNIT_EXPECT_EQ_MSG(test, ff->in_chip[ORIGINAL], !stale[i], "flow %d", i);
		/* A rule that stays is true as of now. */
		for (dir = 0; dir < IP_CT_DIR_MAX && !stale[i]; dir++)
			KUNIT_EXPECT_EQ_MSG(test, ff->f.e[dir].epoch, now, "flow %d", i);
	}
	/* The cases do differ. */
	none = strstr(c->name, "no flow") || strstr(c->name, "other family");
	KUNIT_EXPECT_EQ(test, !left, none);
	nfo_walk_end(fake);
}

/* ---- what a glance tells ---- */

/* From epochs before, at, and after the wrap-around of the 32 bits. */
static const u32 nfo_glances[] = { 0, 1, NFO_JOURNAL - 2, 0x7ffffffe, U32_MAX - 2, U32_MAX };

static void nfo_glance_name(const u32 *start, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "from epoch %u", *start);
}

KUNIT_ARRAY_PARAM(nfo_glance, nfo_glances, nfo_glance_name);

/* A glance spares an entry only if nfo_route_changed() finds nothing that concerns it; and it does
 * when a few neighbours changed, which is what it is for.
 */
static void nfo_test_glance(struct kunit *test)
{
	const u32 *start = test->param_value;
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_entry *e = &ff->f.e[ORIGINAL];
	struct nfo_glance g;
	unsigned int i, n;
	bool spared;

	ff->route[ORIGINAL].neigh = &nfo_watch[0];
	for (n = 0; n <= NFO_GLANCE + 1; n++)
		for (i = 0; i < n * ARRAY_SIZE(nfo_walk_change); i++) {
			const struct nfo_change *c = &nfo_walk_change[i / max(n, 1U)];
			unsigned int at;

			fake->nn.epoch = *start;
			for (at = 0; at < n; at++)
				nfo_change_add(&fake->nn, at == i % n ? c : &nfo_walk_change[2]);
			g = (struct nfo_glance) { .to = *start + n };
			rcu_read_lock();
			nfo_route_glance(&fake->nn, &g, *start);
			spared = nfo_glance_spares(&g, e);
			KUNIT_EXPECT_EQ_MSG(test, spared, n <= NFO_GLANCE &&
					    c->what == NFO_CHANGE_NEIGH &&
					    c->neigh != &nfo_next_hop,
					    "change %u of %u at %u", i / n, n, i % n);
			if (spared)
				KUNIT_EXPECT_EQ(test, nfo_route_changed(&fake->nn, e, *start, g.to),
						NFO_NEWS_NONE);
			rcu_read_unlock();
		}
}

/* While it was read, the journal went round. */
static void nfo_test_glance_overtaken(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = &nfo_fake_flow(fake, 0, 1)->f.e[ORIGINAL];
	u32 start = nfo_epoch(&fake->nn);
	struct nfo_glance g = { .to = start + 1 };
	int i;

	for (i = 0; i < NFO_JOURNAL - 1; i++)
		nfo_change_add(&fake->nn, &nfo_walk_change[2]);
	rcu_read_lock();
	nfo_route_glance(&fake->nn, &g, start);
	KUNIT_EXPECT_TRUE(test, nfo_glance_spares(&g, e));
	nfo_change_add(&fake->nn, &nfo_walk_change[2]);
	nfo_route_glance(&fake->nn, &g, start);
	KUNIT_EXPECT_FALSE(test, nfo_glance_spares(&g, e));
	rcu_read_unlock();
}

/* ---- changes that keep coming ---- */

/* How many rules are looked at while each look meets one more change. */
#define NFO_STORM	1000

/* Each commit of the ruleset has the walk judge each rule, in nfo_hw_forwards(). */
static const struct nfo_change nfo_storm_change = { .what = NFO_CHANGE_RULESET };

static unsigned int nfo_storm_looks, nfo_storm_deleted_at;

/* A change comes in the middle of the walk, and the queue's other work item hears of it. */
static void nfo_storm_judging(struct nfo_fake *fake)
{
	struct nfo_hw_queue *q = fake->port[0].d->queue;

	if (nfo_storm_looks++ >= NFO_STORM)
		return;
	if (!nfo_storm_deleted_at && fake->port[0].dels)
		nfo_storm_deleted_at = nfo_storm_looks;
	nfo_change_add(&fake->nn, &nfo_storm_change);
	if (nfo_fake_disarm(&q->sync_work))
		q->sync_work.work.func(&q->sync_work.work);
}

/* A neighbour has changed, and other changes come faster than a walk ends. The rules of the
 * neighbour leave after one walk, and changes that a walk has missed are seen by the next one.
 */
static void nfo_test_walk_storm(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_hw_queue *q = fake->port[0].d->queue;
	int i, dir, stale = 0;

	nfo_walk_flows(fake);
	for (i = 0; i < NFO_WALK_FLOWS; i++)
		for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
			nfo_walked[i]->route[dir].neigh = &nfo_watch[i != 7];
	fake->port[0].dels = 0;
	nfo_storm_looks = 0;
	nfo_storm_deleted_at = 0;
	fake->judging = nfo_storm_judging;
	nfo_change_add(&fake->nn, &nfo_walk_change[0]);
	nfo_change_add(&fake->nn, &nfo_storm_change);
	for (i = 0; i < 100 && q->epoch != nfo_epoch(&fake->nn); i++) {
		nfo_fake_look(fake);
		/* Changes that the walk has missed are looked for at once. */
		KUNIT_EXPECT_EQ(test, fake->delay, q->epoch == nfo_epoch(&fake->nn) ? HZ / 20 : 0);
	}
	fake->judging = NULL;
	KUNIT_EXPECT_NE(test, nfo_storm_deleted_at, 0);
	KUNIT_EXPECT_LE(test, nfo_storm_deleted_at, 2 * NFO_WALK_FLOWS);
	for (i = 0; i < NFO_WALK_FLOWS; i++) {
		if (nfo_flow_hw(&nfo_walked[i]->f)->state == NFO_HW_SOFT) {
			stale++;
			continue;
		}
		for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
			KUNIT_EXPECT_EQ_MSG(test, nfo_walked[i]->f.e[dir].epoch,
					    nfo_epoch(&fake->nn), "flow %d", i);
	}
	KUNIT_EXPECT_EQ(test, stale, 1);
	nfo_walk_end(fake);
}

static struct kunit_case nfo_walk_kunit_cases[] = {
	KUNIT_CASE_PARAM(nfo_test_walk_finds, nfo_walk_gen_params),
	KUNIT_CASE_PARAM(nfo_test_glance, nfo_glance_gen_params),
	KUNIT_CASE(nfo_test_glance_overtaken),
	KUNIT_CASE(nfo_test_walk_storm),
	{}
};

static struct kunit_suite nfo_walk_suite = {
	.name		= "nf_flow_offload_hw_walk",
	.init		= nfo_walk_init,
	.exit		= nfo_fake_close,
	.test_cases	= nfo_walk_kunit_cases,
};

kunit_test_suite(nfo_walk_suite);
