// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: hardware as a cache. Which flow gives way to a busier one, and which rule is deleted
 * first.
 */
#include "nfo_kunit_chip.h"
#include "nfo_neigh.h"

static int nfo_evict_init(struct kunit *test)
{
	nfo_fake_open(test, 1);
	return 0;
}

static struct nfo_flow *nfo_colder_than(struct nfo_fake_flow *ff)
{
	struct nfo_flow *f;

	rcu_read_lock();
	f = nfo_hw_colder(&ff->f, NFO_HW_BOTH);
	rcu_read_unlock();

	return f;
}

static struct nfo_fake_flow *nfo_live(struct nfo_fake *fake, unsigned int in, unsigned int out,
				      u32 rate)
{
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, in, out);

	nfo_fake_ask(ff, 1000);
	nfo_fake_run(fake);
	KUNIT_ASSERT_EQ(fake->test, nfo_flow_hw(&ff->f)->state, NFO_HW_LIVE);
	nfo_flow_hw(&ff->f)->rate = rate;

	return ff;
}

static void nfo_chip_full(struct nfo_fake *fake)
{
	struct nfo_hw_queue *q = fake->port[0].d->queue;

	q->size = q->rules;
	q->probe_at = jiffies + 1000 * HZ;
}

static void nfo_retire_all(struct nfo_fake *fake, struct nfo_fake_flow **ff, int n)
{
	while (n--)
		nfo_flow_retire(&ff[n]->f, NFO_R_USER);
	nfo_fake_run(fake);
}

static void nfo_test_hysteresis(struct kunit *test)
{
	static const struct {
		u32 hysteresis, cold, least;
	} cases[] = {
		{ 100, 100, 216 },
		{ 0, 100, 116 },
		{ 50, 1000, 1516 },
		{ 100, 0, 16 },
		{ 10000, 7, 723 },
		/* 64 bits inside. */
		{ 0, U32_MAX - 16, U32_MAX },
	};
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *cold = nfo_live(fake, 0, 1, 0), *hot = nfo_fake_flow(fake, 0, 1);
	int i;

	nfo_chip_full(fake);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fake->nn.settings.hw_hysteresis = cases[i].hysteresis;
		nfo_flow_hw(&cold->f)->rate = cases[i].cold;
		nfo_flow_hw(&hot->f)->rate = cases[i].least - 1;
		KUNIT_EXPECT_PTR_EQ_MSG(test, nfo_colder_than(hot), NULL, "case %d", i);
		nfo_flow_hw(&hot->f)->rate = cases[i].least;
		KUNIT_EXPECT_PTR_EQ_MSG(test, nfo_colder_than(hot), &cold->f, "case %d", i);
	}
	/* Beyond what 32 bits can show nobody is hot enough. */
	nfo_flow_hw(&cold->f)->rate = U32_MAX;
	nfo_flow_hw(&hot->f)->rate = U32_MAX;
	fake->nn.settings.hw_hysteresis = 100;
	KUNIT_EXPECT_PTR_EQ(test, nfo_colder_than(hot), NULL);
	nfo_retire_all(fake, &cold, 1);
}

static void nfo_test_coldest(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *hot = nfo_fake_flow(fake, 0, 1);
	struct nfo_fake_flow *in[4];

	nfo_flow_hw(&hot->f)->rate = 100000;
	in[0] = nfo_live(fake, 0, 1, 300);
	in[1] = nfo_live(fake, 0, 1, 100);
	in[2] = nfo_live(fake, 0, 1, 200);
	in[3] = nfo_live(fake, 0, 1, 400);
	/* Nothing is full. */
	KUNIT_EXPECT_PTR_EQ(test, nfo_colder_than(hot), NULL);
	nfo_chip_full(fake);
	KUNIT_EXPECT_PTR_EQ(test, nfo_colder_than(hot), &in[1]->f);

	/* A flow that is half way in or out is no flow that could give way. */
	nfo_flow_hw(&in[1]->f)->state = NFO_HW_QUEUED;
	KUNIT_EXPECT_PTR_EQ(test, nfo_colder_than(hot), &in[2]->f);
	nfo_flow_hw(&in[1]->f)->state = NFO_HW_LIVE;

	/* No flow makes room for itself. */
	nfo_flow_hw(&in[1]->f)->rate = 0;
	KUNIT_EXPECT_PTR_EQ(test, nfo_colder_than(in[1]), NULL);
	nfo_retire_all(fake, in, ARRAY_SIZE(in));
	nfo_chip_full(fake);
	fake->port[0].d->queue->size = 1;
	KUNIT_EXPECT_PTR_EQ(test, nfo_colder_than(hot), NULL);
}

/* A device's budget is spent by its own rules: another port's going is no help. */
static void nfo_test_coldest_of_budget(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *hot = nfo_fake_flow(fake, 0, 1);
	struct nfo_fake_flow *in[2];

	nfo_flow_hw(&hot->f)->rate = 100000;
	in[0] = nfo_live(fake, 0, 1, 300);
	in[1] = nfo_live(fake, 2, 2, 100);
	fake->port[0].d->budget = 1;
	KUNIT_EXPECT_PTR_EQ(test, nfo_colder_than(hot), &in[0]->f);
	fake->port[0].d->budget = 0;
	fake->port[1].d->budget = 1;
	KUNIT_EXPECT_PTR_EQ(test, nfo_colder_than(hot), &in[0]->f);
	/* With the chip full any of the chip's will do. */
	fake->port[1].d->budget = 0;
	nfo_chip_full(fake);
	KUNIT_EXPECT_PTR_EQ(test, nfo_colder_than(hot), &in[1]->f);
	nfo_retire_all(fake, in, ARRAY_SIZE(in));
}

/* The chip has held more rules: a bucket of its table is full, and nobody can make room. */
static void nfo_test_crowded(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *hot = nfo_fake_flow(fake, 0, 1);
	struct nfo_hw_queue *q = fake->port[0].d->queue;
	struct nfo_fake_flow *in[3];
	unsigned int size;
	int i;

	for (i = 0; i < ARRAY_SIZE(in); i++)
		in[i] = nfo_live(fake, 0, 1, 100);
	nfo_chip_full(fake);
	size = q->size;
	nfo_flow_hw(&hot->f)->rate = 100000;
	/* One gives way, as to any busier flow, and the driver has no room all the same. */
	fake->port[0].add_err = -ENOSPC;
	fake->port[1].add_err = -ENOSPC;
	nfo_fake_ask(hot, 100000);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_flow_hw(&hot->f)->crowded);
	KUNIT_EXPECT_EQ(test, q->size, size);
	KUNIT_EXPECT_EQ(test, q->rules, size - 2);
	/* No other one does, and the driver is not asked again. */
	fake->calls = 0;
	nfo_fake_ask(hot, 100000);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, fake->calls, 0);
	KUNIT_EXPECT_EQ(test, q->rules, size - 2);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&hot->f)->reason, NFO_R_HW_FULL);
	/* It may ask again when the size is forgotten. */
	fake->port[0].add_err = 0;
	fake->port[1].add_err = 0;
	q->size = 0;
	nfo_fake_ask(hot, 100000);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&hot->f)->state, NFO_HW_LIVE);
	nfo_retire_all(fake, in, ARRAY_SIZE(in));
	nfo_retire_all(fake, &hot, 1);
}

/* Both directions of a flow enter by one device: its budget is to hold both rules. */
static void nfo_test_budget_of_both(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 2, 2);

	fake->port[2].d->budget = 1;
	nfo_fake_ask(ff, 1000);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, fake->calls, 0);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->reason, NFO_R_HW_FULL);
	fake->port[2].d->budget = 2;
	nfo_fake_ask(ff, 1000);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->state, NFO_HW_LIVE);
	nfo_retire_all(fake, &ff, 1);
}

/* How many rules a device and its chip have yet to take: of each pair of states of the two rules,
 * of the directions that are meant, with the directions on one device, on two of a chip, on two
 * chips.
 */
static void nfo_test_need(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff[] = { nfo_fake_flow(fake, 2, 2), nfo_fake_flow(fake, 1, 2),
				       nfo_fake_flow(fake, 0, 2) };
	unsigned int i, states, want, own, chip;
	struct nfo_hw_rule *rule;
	struct nfo_dev *d = fake->port[2].d;

	nfo_fake_chips(fake, 2);
	rcu_read_lock();
	for (i = 0; i < ARRAY_SIZE(ff); i++)
		for (states = 0; states < 36; states++)
			for (want = 0; want <= NFO_HW_BOTH; want++) {
				rule = nfo_flow_hw(&ff[i]->f)->rule;
				rule[0].state = states % 6;
				rule[1].state = states / 6;
				/* The reply enters by the device. */
				own = want & BIT(1) && rule[1].state <= NFO_RULE_ADDING;
				chip = own + (i < 2 && want & BIT(0) &&
					      rule[0].state <= NFO_RULE_ADDING);
				KUNIT_EXPECT_EQ_MSG(test, nfo_hw_need(&ff[i]->f, want, d, d->queue),
						    i ? own : chip, "case %u, %u, %u", i, states,
						    want);
				KUNIT_EXPECT_EQ_MSG(test,
						    nfo_hw_need(&ff[i]->f, want, NULL, d->queue),
						    chip, "case %u, %u, %u", i, states, want);
			}
	rcu_read_unlock();
}

/* Both enter by one device, and its driver refuses one: with hw_oneway the budget is to hold the
 * other one's rule alone.
 */
static void nfo_test_budget_of_one(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 2, 2);

	ff->f.e[IP_CT_DIR_REPLY].flags |= NFO_E_NAT;
	nfo_hw_outcome(fake->port[2].d, &ff->f, IP_CT_DIR_REPLY, -EOPNOTSUPP);
	fake->nn.settings.hw_oneway = 1;
	fake->port[2].d->budget = 1;
	nfo_fake_ask(ff, 1000);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->state, NFO_HW_LIVE);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->want, BIT(IP_CT_DIR_ORIGINAL));
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->reason, NFO_R_HW_SHAPE);
	nfo_retire_all(fake, &ff, 1);
}

/* A chip with room for the flow's one rule is not the full one. */
static void nfo_test_coldest_of_two_chips(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *hot = nfo_fake_flow(fake, 0, 1);
	struct nfo_fake_flow *in[2];
	struct nfo_hw_queue *q;

	nfo_fake_chips(fake, 2);
	nfo_flow_hw(&hot->f)->rate = 100000;
	in[0] = nfo_live(fake, 0, 0, 100);
	in[1] = nfo_live(fake, 1, 2, 100);
	list_for_each_entry(q, &fake->t.hw.queues, list) {
		q->size = q->rules;
		q->probe_at = jiffies + 1000 * HZ;
	}
	fake->port[0].d->queue->size++;
	KUNIT_EXPECT_PTR_EQ(test, nfo_colder_than(hot), &in[1]->f);
	nfo_retire_all(fake, in, ARRAY_SIZE(in));
}

/* ---- the order of deletions ---- */

/* Have many flows end, with a slow driver: none of their rules is deleted yet. */
static void nfo_many_leave(struct nfo_fake *fake, struct nfo_fake_flow **ff, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		ff[i] = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	nfo_fake_look(fake);
	for (i = 0; i < n; i++)
		nfo_flow_retire(&ff[i]->f, NFO_R_USER);
	fake->calls = 0;
}

/* Is the next call the deletion of this rule? */
static bool nfo_deleted(const struct nfo_fake *fake, unsigned int call,
			const struct nfo_fake_flow *ff, u8 dir)
{
	const struct nfo_fake_call *c = &fake->call[call];

	return c->cmd == FLOW_CLS_DESTROY && c->ff == ff && c->dir == dir;
}

/* A rule that waits for its deletion goes on forwarding. If it is not true any more, it goes before
 * those that forward as they should.
 */
static void nfo_test_event_concerns_leaving(struct kunit *test)
{
	struct nfo_change change = { .what = NFO_CHANGE_NEIGH };
	struct nfo_fake *fake = test->priv;
	static struct neighbour next_hop;
	struct nfo_neigh watch = { .n = &next_hop };
	static struct nfo_fake_flow *ff[100];

	nfo_many_leave(fake, ff, ARRAY_SIZE(ff));
	ff[31]->route[IP_CT_DIR_REPLY].neigh = &watch;
	ff[70]->route[IP_CT_DIR_ORIGINAL].neigh = &watch;
	ff[71]->route[IP_CT_DIR_ORIGINAL].neigh = &watch;
	change.neigh = &next_hop;
	nfo_change_add(&fake->nn, &change);
	nfo_fake_look(fake);
	KUNIT_EXPECT_TRUE(test, nfo_deleted(fake, 0, ff[31], IP_CT_DIR_REPLY));
	KUNIT_EXPECT_TRUE(test, nfo_deleted(fake, 1, ff[70], IP_CT_DIR_ORIGINAL));
	KUNIT_EXPECT_TRUE(test, nfo_deleted(fake, 2, ff[71], IP_CT_DIR_ORIGINAL));
	KUNIT_EXPECT_TRUE(test, nfo_deleted(fake, 3, ff[0], IP_CT_DIR_ORIGINAL));
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff[0], 0));
}

/* A neighbour changes, and the works that this queues run at once, as on another processor. */
static void nfo_change_during(struct nfo_fake *fake, struct nfo_fake_flow *ff)
{
	const struct nfo_change change = { .what = NFO_CHANGE_NEIGH, .neigh = (void *)fake->arg };
	struct delayed_work *sync = &fake->port[0].d->queue->sync_work;

	nfo_change_add(&fake->nn, &change);
	nfo_hw_kick(&fake->nn);
	if (nfo_fake_cancel(&fake->nn.kick_work))
		fake->nn.kick_work.func(&fake->nn.kick_work);
	if (nfo_fake_disarm(sync))
		sync->work.func(&sync->work);
}

/* The same while the driver deletes them one after another, and nothing else is in hardware. */
static void nfo_test_event_while_leaving(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	static struct neighbour next_hop;
	struct nfo_neigh watch = { .n = &next_hop };
	static struct nfo_fake_flow *ff[100];

	nfo_many_leave(fake, ff, ARRAY_SIZE(ff));
	ff[99]->route[IP_CT_DIR_REPLY].neigh = &watch;
	fake->arg = (unsigned long)&next_hop;
	fake->during_cmd = FLOW_CLS_DESTROY;
	fake->during_dir = IP_CT_DIR_ORIGINAL;
	fake->during = nfo_change_during;
	nfo_fake_run_queue(fake, fake->port[0].d->queue);
	KUNIT_EXPECT_TRUE(test, nfo_deleted(fake, 0, ff[0], IP_CT_DIR_ORIGINAL));
	KUNIT_EXPECT_TRUE(test, nfo_deleted(fake, 1, ff[99], IP_CT_DIR_REPLY));
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff[0], 0));
}

static struct kunit_case nfo_evict_cases[] = {
	KUNIT_CASE(nfo_test_need),
	KUNIT_CASE(nfo_test_budget_of_one),
	KUNIT_CASE(nfo_test_coldest_of_two_chips),
	KUNIT_CASE(nfo_test_crowded),
	KUNIT_CASE(nfo_test_budget_of_both),
	KUNIT_CASE(nfo_test_hysteresis),
	KUNIT_CASE(nfo_test_coldest),
	KUNIT_CASE(nfo_test_coldest_of_budget),
	KUNIT_CASE(nfo_test_event_concerns_leaving),
	KUNIT_CASE(nfo_test_event_while_leaving),
	{}
};

static struct kunit_suite nfo_evict_suite = {
	.name		= "nf_flow_offload_hw_evict",
	.init		= nfo_evict_init,
	.exit		= nfo_fake_close,
	.test_cases	= nfo_evict_cases,
};

kunit_test_suite(nfo_evict_suite);
