// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: a flow's way into hardware and out, one step after another, with a driver that
 * answers as it is told. Whatever happens in whatever order: in the end no driver has
 * a rule, no count is left, and each reference has been given back.
 */
#include "nfo_kunit_chip.h"

#define ORIGINAL	IP_CT_DIR_ORIGINAL
#define REPLY		IP_CT_DIR_REPLY

static int nfo_flow_init(struct kunit *test)
{
	nfo_fake_open(test, 1);
	return 0;
}

static unsigned int nfo_adds(const struct nfo_fake *fake)
{
	return fake->port[0].adds + fake->port[1].adds + fake->port[2].adds;
}

static unsigned int nfo_dels(const struct nfo_fake *fake)
{
	return fake->port[0].dels + fake->port[1].dels + fake->port[2].dels;
}

/* ---- the way in ---- */

static void nfo_test_way_in(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_hw_queue *q = fake->port[0].d->queue;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);

	/* It has shown too little. */
	nfo_fake_ask(ff, 7);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->state, NFO_HW_SOFT);
	nfo_fake_ask(ff, 1);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->state, NFO_HW_QUEUED);
	KUNIT_EXPECT_EQ(test, fake->t.hw.queued, 1);
	KUNIT_EXPECT_EQ(test, q->depth, 1);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->rule[ORIGINAL].state, NFO_RULE_WAITING);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->rule[REPLY].state, NFO_RULE_NONE);
	KUNIT_EXPECT_EQ(test, fake->port[0].d->users, 1);
	KUNIT_EXPECT_EQ(test, fake->port[1].d->users, 1);
	KUNIT_EXPECT_EQ(test, refcount_read(&ff->f.refs), 2);
	/* Asked again it does not enter twice. */
	nfo_fake_ask(ff, 100);
	KUNIT_EXPECT_EQ(test, q->depth, 1);
	KUNIT_EXPECT_EQ(test, nfo_adds(fake), 0);

	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	KUNIT_EXPECT_EQ(test, ff->events[NFO_EVENT_HARDWARE], 1);
	KUNIT_EXPECT_EQ(test, fake->t.hw.queued, 0);
	KUNIT_EXPECT_EQ(test, fake->t.hw.whole, 1);
	KUNIT_EXPECT_EQ(test, q->depth, 0);
	KUNIT_EXPECT_EQ(test, q->count, 2);
	KUNIT_EXPECT_EQ(test, q->rules, 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&fake->nn.in_hw), 2);
	KUNIT_EXPECT_EQ(test, fake->port[0].d->rules, 1);
	KUNIT_EXPECT_EQ(test, fake->port[1].d->rules, 1);
	KUNIT_EXPECT_EQ(test, fake->call[0].dir, ORIGINAL);
	KUNIT_EXPECT_EQ(test, fake->call[1].dir, REPLY);
	nfo_fake_ask(ff, 100);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, nfo_adds(fake), 2);
	nfo_fake_end(test, ff);
	KUNIT_EXPECT_EQ(test, nfo_dels(fake), 2);
}

static void nfo_test_not_asked(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff;

	/* The table has no flags offload. */
	fake->t.flags = 0;
	ff = nfo_fake_asking(fake);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->state, NFO_HW_SOFT);
	nfo_flow_retire(&ff->f, NFO_R_USER);
	fake->t.flags = NF_FLOWTABLE_HW_OFFLOAD;
	/* It is dead. */
	nfo_fake_ask(ff, 100);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 0));
	KUNIT_EXPECT_EQ(test, nfo_adds(fake), 0);
}

/* One direction has not been learned, however busy the other one is. */
static void nfo_test_one_direction_learned(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff;
	int oneway, dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		for (oneway = 0; oneway < 2; oneway++) {
			ff = nfo_fake_flow(fake, 0, 1);
			fake->nn.settings.hw_oneway = oneway;
			clear_bit(NFO_F_LEARNED + dir, &ff->f.state);
			nfo_fake_ask(ff, 100000);
			nfo_fake_run(fake);
			KUNIT_EXPECT_EQ(test, nfo_adds(fake), 0);
			KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
			clear_bit(NFO_F_LEARNED + !dir, &ff->f.state);
			nfo_fake_ask(ff, 100000);
			KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
			nfo_fake_end(test, ff);
		}

	ff = nfo_fake_flow(fake, 0, 1);
	clear_bit(NFO_F_LEARNED + REPLY, &ff->f.state);
	nfo_fake_ask(ff, 100);
	KUNIT_EXPECT_TRUE(test, nfo_fake_teach(ff, REPLY));
	nfo_fake_ask(ff, 1);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	nfo_fake_end(test, ff);
}

/* A flow that has begun goes before those that have not. */
static void nfo_test_one_flow_after_the_other(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff[3];
	int i;

	for (i = 0; i < 3; i++)
		ff[i] = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	KUNIT_ASSERT_EQ(test, fake->calls, 6);
	for (i = 0; i < 6; i++) {
		KUNIT_EXPECT_PTR_EQ_MSG(test, fake->call[i].ff, ff[i / 2], "call %d", i);
		KUNIT_EXPECT_EQ_MSG(test, fake->call[i].dir, i % 2, "call %d", i);
	}
	KUNIT_EXPECT_EQ(test, fake->t.hw.whole, 3);
	for (i = 0; i < 3; i++)
		nfo_flow_retire(&ff[i]->f, NFO_R_USER);
	nfo_fake_run(fake);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff[i], 0));
}

static void nfo_test_deleted_before_added(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *old = nfo_fake_asking(fake), *new;

	nfo_fake_run(fake);
	new = nfo_fake_asking(fake);
	nfo_flow_retire(&old->f, NFO_R_USER);
	nfo_fake_run(fake);
	KUNIT_ASSERT_EQ(test, fake->calls, 6);
	KUNIT_EXPECT_EQ(test, fake->call[2].cmd, FLOW_CLS_DESTROY);
	KUNIT_EXPECT_EQ(test, fake->call[3].cmd, FLOW_CLS_DESTROY);
	KUNIT_EXPECT_PTR_EQ(test, fake->call[4].ff, new);
	KUNIT_EXPECT_EQ(test, refcount_read(&old->f.refs), 0);
	nfo_fake_end(test, new);
}

static void nfo_test_queue_full(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff[3];
	int i;

	fake->nn.settings.hw_queue = 2;
	for (i = 0; i < 3; i++)
		ff[i] = nfo_fake_asking(fake);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff[1]->f)->state, NFO_HW_QUEUED);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff[2]->f)->state, NFO_HW_SOFT);
	KUNIT_EXPECT_EQ(test, nfo_fake_reasons(fake, NFO_R_HW_QUEUE), 1);
	nfo_fake_run(fake);
	nfo_fake_ask(ff[2], 1);
	nfo_fake_run(fake);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff[i]));
	for (i = 0; i < 3; i++)
		nfo_flow_retire(&ff[i]->f, NFO_R_USER);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff[2], 0));
}

/* ---- refusals ---- */

static void nfo_test_first_refused(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff, *next;

	fake->port[0].add_err = -EOPNOTSUPP;
	fake->port[0].text = "cannot";
	ff = nfo_fake_asking(fake);
	next = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	/* The second direction is spared, and so is the flow that waited behind. */
	KUNIT_EXPECT_EQ(test, fake->port[0].adds, 1);
	KUNIT_EXPECT_EQ(test, fake->port[1].adds, 0);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, next, 1));
	KUNIT_EXPECT_EQ(test, ff->events[NFO_EVENT_FAILED], 1);
	KUNIT_EXPECT_EQ(test, ff->events[NFO_EVENT_HARDWARE], 0);
	KUNIT_EXPECT_EQ(test, nfo_fake_reasons(fake, NFO_R_HW_SHAPE), 1);
	KUNIT_EXPECT_EQ(test, fake->port[0].d->err, -EOPNOTSUPP);
	KUNIT_EXPECT_STREQ(test, fake->port[0].d->message, "cannot");
	nfo_fake_ask(ff, 100);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->state, NFO_HW_SOFT);
	nfo_flow_retire(&next->f, NFO_R_USER);
	nfo_fake_end(test, ff);
	KUNIT_EXPECT_EQ(test, nfo_adds(fake), 1);
}

static void nfo_test_second_refused(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff;

	fake->port[1].add_err = -EOPNOTSUPP;
	ff = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, fake->port[0].adds, 1);
	KUNIT_EXPECT_EQ(test, fake->port[1].adds, 1);
	KUNIT_EXPECT_EQ(test, fake->port[0].dels, 1);
	KUNIT_EXPECT_EQ(test, fake->port[1].dels, 0);
	KUNIT_EXPECT_EQ(test, ff->events[NFO_EVENT_FAILED], 1);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	nfo_fake_end(test, ff);
}

static void nfo_test_full(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *in = nfo_fake_asking(fake), *ff;

	fake->capacity = 3;
	nfo_fake_run(fake);
	ff = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	/* Its first rule was the third, there is no place for the fourth. */
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->state, NFO_HW_SOFT);
	KUNIT_EXPECT_EQ(test, fake->port[0].d->queue->size, 3);
	KUNIT_EXPECT_EQ(test, fake->port[0].d->queue->rules, 2);
	KUNIT_EXPECT_EQ(test, nfo_fake_reasons(fake, NFO_R_HW_FULL), 1);
	KUNIT_EXPECT_EQ(test, ff->events[NFO_EVENT_FAILED], 0);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, in));
	/* From now on the driver is not asked. */
	nfo_fake_ask(ff, 0);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, nfo_adds(fake), 4);
	nfo_flow_retire(&in->f, NFO_R_USER);
	nfo_fake_end(test, ff);
}

static void nfo_test_busy(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_dev *d = fake->port[1].d;
	struct nfo_fake_flow *ff;

	fake->port[1].add_err = -EIO;
	ff = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	KUNIT_EXPECT_EQ(test, nfo_fake_reasons(fake, NFO_R_HW_BUSY), 1);
	KUNIT_EXPECT_EQ(test, d->backoff, HZ);
	KUNIT_EXPECT_EQ(test, d->err, -EIO);
	d->not_before = jiffies + 1000 * HZ;
	nfo_fake_ask(ff, 100);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, nfo_adds(fake), 2);

	/* Time goes by, the driver is well again. */
	d->not_before = jiffies;
	fake->port[1].add_err = 0;
	nfo_fake_ask(ff, 100);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	KUNIT_EXPECT_EQ(test, d->backoff, 0);
	KUNIT_EXPECT_EQ(test, d->err, 0);
	nfo_fake_end(test, ff);
}

/* Asked to take a rule, a driver may say ENODEV for the output's device, or until its firmware is
 * there: the device is asked again after a while, and keeps what it has.
 */
static void nfo_test_enodev(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *in = nfo_fake_asking(fake), *ff;
	struct nfo_dev *d = fake->port[1].d;

	nfo_fake_run(fake);
	fake->port[1].add_err = -ENODEV;
	ff = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->state, NFO_HW_SOFT);
	KUNIT_EXPECT_EQ(test, fake->gone, 0);
	KUNIT_EXPECT_FALSE(test, d->leaving);
	KUNIT_EXPECT_FALSE(test, d->driver_gone);
	KUNIT_EXPECT_GT(test, d->backoff, 0);
	KUNIT_EXPECT_EQ(test, nfo_fake_reasons(fake, NFO_R_HW_BUSY), 1);
	KUNIT_EXPECT_EQ(test, d->err, -ENODEV);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, in));

	fake->port[1].add_err = 0;
	d->not_before = jiffies;
	nfo_fake_ask(ff, 100);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	nfo_flow_retire(&in->f, NFO_R_USER);
	nfo_fake_end(test, ff);
}

/* ---- the setting oneway ---- */

static void nfo_test_oneway_half(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff;
	int i;

	fake->nn.settings.hw_oneway = 1;
	for (i = 0; i < 2; i++) {
		fake->port[i].add_err = -EOPNOTSUPP;
		ff = nfo_fake_asking(fake);
		nfo_fake_run(fake);
		KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->state, NFO_HW_LIVE);
		KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->want, BIT(!i));
		KUNIT_EXPECT_TRUE(test, ff->in_chip[!i]);
		KUNIT_EXPECT_FALSE(test, ff->in_chip[i]);
		KUNIT_EXPECT_EQ(test, fake->t.hw.half, 1);
		KUNIT_EXPECT_EQ(test, fake->t.hw.whole, 0);
		/* conntrack shows hardware when both directions are there. */
		KUNIT_EXPECT_FALSE(test, ff->marked);
		KUNIT_EXPECT_EQ(test, fake->port[i].d->users, 0);
		KUNIT_EXPECT_EQ(test, refcount_read(&ff->f.refs), 2);

		/* The driver can after all: the other half follows. */
		fake->port[i].add_err = 0;
		nfo_hw_forget(fake->port[i].d);
		nfo_fake_ask(ff, 1);
		KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->state, NFO_HW_QUEUED);
		KUNIT_EXPECT_EQ(test, fake->t.hw.half, 0);
		nfo_fake_run(fake);
		KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
		KUNIT_EXPECT_EQ(test, fake->t.hw.whole, 1);
		nfo_fake_end(test, ff);
	}
}

static void nfo_test_oneway_neither(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff;

	fake->nn.settings.hw_oneway = 1;
	fake->port[0].add_err = -EOPNOTSUPP;
	fake->port[1].add_err = -EINVAL;
	ff = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	KUNIT_EXPECT_EQ(test, nfo_adds(fake), 2);
	/* A passing failure of one takes out both. */
	nfo_hw_forget(fake->port[0].d);
	nfo_hw_forget(fake->port[1].d);
	fake->port[0].add_err = 0;
	fake->port[1].add_err = -EIO;
	nfo_fake_ask(ff, 100);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, nfo_adds(fake), 4);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
	nfo_fake_end(test, ff);
}

/* ---- eviction ---- */

static void nfo_test_evicted_for_a_hotter_one(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *cold = nfo_fake_asking(fake), *warm = nfo_fake_asking(fake), *hot;

	nfo_fake_run(fake);
	fake->capacity = 4;
	hot = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	KUNIT_ASSERT_EQ(test, fake->port[0].d->queue->size, 4);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&hot->f)->state, NFO_HW_SOFT);

	nfo_flow_hw(&cold->f)->rate = 100;
	nfo_flow_hw(&warm->f)->rate = 150;
	nfo_flow_hw(&hot->f)->rate = 215;
	nfo_fake_ask(hot, 0);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&hot->f)->state, NFO_HW_SOFT);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&cold->f)->state, NFO_HW_LIVE);
	nfo_flow_hw(&hot->f)->rate = 216;
	nfo_fake_ask(hot, 0);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&hot->f)->state, NFO_HW_QUEUED);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&cold->f)->state, NFO_HW_RETIRING);
	KUNIT_EXPECT_EQ(test, cold->events[NFO_EVENT_EVICTED], 1);
	KUNIT_EXPECT_EQ(test, nfo_fake_reasons(fake, NFO_R_HW_EVICTED), 1);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, hot));
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, warm));
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&cold->f)->state, NFO_HW_SOFT);
	KUNIT_EXPECT_EQ(test, refcount_read(&cold->f.refs), 1);
	KUNIT_EXPECT_FALSE(test, cold->marked);
	nfo_flow_retire(&cold->f, NFO_R_USER);
	nfo_flow_retire(&warm->f, NFO_R_USER);
	nfo_fake_end(test, hot);
}

/* ---- a direction is forgotten ---- */

enum {
	FORGET_SOFT,
	FORGET_WAITING,
	FORGET_ADDING_FIRST,
	FORGET_ADDING_SECOND,
	FORGET_LIVE,
	FORGET_LEAVING,
	FORGET_DELETING_FIRST,
	FORGET_DELETING_SECOND,
};

static const char * const nfo_forget_names[] = {
	"in software", "waiting", "adding the first", "adding the second", "live", "leaving",
	"deleting the first", "deleting the second",
};

static void nfo_forget_during(struct nfo_fake *fake, struct nfo_fake_flow *ff)
{
	nfo_fake_forget(ff, fake->arg);
	/* The hardware is not done with what was known. */
	KUNIT_EXPECT_FALSE(fake->test, nfo_fake_teach(ff, fake->arg));
	nfo_fake_ask(ff, 100);
}

/* Bring the flow to a state, and forget a direction there. */
static void nfo_forget_at(struct nfo_fake *fake, struct nfo_fake_flow *ff, unsigned int at,
			  u8 dir)
{
	bool adding = at == FORGET_ADDING_FIRST || at == FORGET_ADDING_SECOND;

	fake->arg = dir;
	if (at == FORGET_SOFT) {
		nfo_fake_forget(ff, dir);
		nfo_fake_ask(ff, 100);
		return;
	}
	nfo_fake_ask(ff, 100);
	if (at >= FORGET_LIVE)
		nfo_fake_run(fake);
	if (at > FORGET_LIVE)
		nfo_fake_evict(ff);
	if (at == FORGET_WAITING || at == FORGET_LIVE || at == FORGET_LEAVING) {
		nfo_fake_forget(ff, dir);
		nfo_fake_ask(ff, 100);
		return;
	}
	fake->during_cmd = adding ? FLOW_CLS_REPLACE : FLOW_CLS_DESTROY;
	fake->during_dir = at == FORGET_ADDING_FIRST || at == FORGET_DELETING_FIRST ?
			   ORIGINAL : REPLY;
	fake->during = nfo_forget_during;
}

/* Whatever the hardware is about, it takes the flow out and stays out of it until the
 * direction was learned again.
 */
static void nfo_test_forgotten(struct kunit *test)
{
	const unsigned int *at = test->param_value;
	struct nfo_fake *fake = test->priv;
	unsigned int adds;
	u8 dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);

		nfo_forget_at(fake, ff, *at, dir);
		nfo_fake_run(fake);
		KUNIT_EXPECT_NULL(test, fake->during);
		KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 1));
		KUNIT_EXPECT_FALSE(test, test_bit(NFO_F_DEAD, &ff->f.state));
		KUNIT_EXPECT_EQ(test, ff->events[NFO_EVENT_EVICTED], 0);
		adds = nfo_adds(fake);
		nfo_fake_ask(ff, 100);
		nfo_fake_run(fake);
		KUNIT_EXPECT_EQ(test, nfo_adds(fake), adds);
		KUNIT_EXPECT_TRUE(test, nfo_fake_teach(ff, dir));
		nfo_fake_ask(ff, 1);
		nfo_fake_run(fake);
		KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
		nfo_fake_end(test, ff);
	}
}

static const unsigned int nfo_forgets[] = {
	FORGET_SOFT, FORGET_WAITING, FORGET_ADDING_FIRST, FORGET_ADDING_SECOND, FORGET_LIVE,
	FORGET_LEAVING, FORGET_DELETING_FIRST, FORGET_DELETING_SECOND,
};

static void nfo_forget_name(const unsigned int *at, char *name)
{
	strscpy(name, nfo_forget_names[*at], KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(nfo_forget, nfo_forgets, nfo_forget_name);

/* ---- deletions ---- */

static void nfo_test_delete_insists(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_port *port = &fake->port[0];
	struct nfo_fake_flow *ff = nfo_fake_asking(fake);

	nfo_fake_run(fake);
	port->del_err = -EBUSY;
	port->del_fails = 2;
	nfo_fake_end(test, ff);
	KUNIT_EXPECT_EQ(test, port->dels, 3);
	KUNIT_EXPECT_FALSE(test, port->d->del_failed);
	KUNIT_EXPECT_EQ(test, port->d->err, 0);
}

/* A driver that never does costs its time once, and blocks nothing. What it was told to delete
 * stays known, and it is told again in the next period.
 */
static void nfo_test_delete_fails(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_port *port = &fake->port[0];
	struct nfo_fake_flow *ff[3];
	int i;

	for (i = 0; i < 3; i++)
		ff[i] = nfo_fake_asking(fake);
	nfo_fake_run(fake);
	port->del_err = -EIO;
	port->del_fails = U32_MAX;
	nfo_flow_retire(&ff[0]->f, NFO_R_USER);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, port->dels, 8);
	KUNIT_EXPECT_TRUE(test, port->d->del_failed);
	KUNIT_EXPECT_EQ(test, port->d->err, -EIO);
	KUNIT_EXPECT_EQ(test, refcount_read(&ff[0]->f.refs), 1);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff[0]->f)->rule[ORIGINAL].state, NFO_RULE_LEAVING);
	nfo_flow_retire(&ff[1]->f, NFO_R_USER);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, port->dels, 9);
	/* Told once more, they keep the flows, and what these rest on no longer. */
	KUNIT_EXPECT_EQ(test, ff[0]->dropped, 0);
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, port->dels, 11);
	KUNIT_EXPECT_EQ(test, ff[0]->dropped, 1);
	KUNIT_EXPECT_EQ(test, ff[1]->dropped, 1);
	KUNIT_EXPECT_EQ(test, ff[2]->dropped, 0);
	port->del_err = 0;
	nfo_flow_retire(&ff[2]->f, NFO_R_USER);
	nfo_fake_run(fake);
	KUNIT_EXPECT_FALSE(test, port->d->del_failed);
	KUNIT_EXPECT_EQ(test, port->dels, 12);
	KUNIT_EXPECT_TRUE(test, ff[0]->in_chip[ORIGINAL]);
	nfo_fake_period(fake);
	KUNIT_EXPECT_EQ(test, port->dels, 14);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff[i], 0));
}

/* A driver that does not want to hear of it has the rule as before. Its device leaves: it is
 * told once more, and not waited for.
 */
static void nfo_test_delete_not_heard(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_port *port = &fake->port[0];
	struct nfo_fake_flow *ff = nfo_fake_asking(fake);
	unsigned int dels;

	nfo_fake_run(fake);
	port->del_err = -EOPNOTSUPP;
	port->del_fails = U32_MAX;
	nfo_flow_retire(&ff->f, NFO_R_USER);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, ff->in_chip[ORIGINAL]);
	KUNIT_EXPECT_EQ(test, port->d->users, 1);
	KUNIT_EXPECT_EQ(test, port->d->rules, 1);

	dels = port->dels;
	nfo_fake_pull_begin(fake, port);
	KUNIT_EXPECT_TRUE(test, nfo_fake_pull_end(fake));
	KUNIT_EXPECT_EQ(test, port->dels, dels + 1);
	KUNIT_EXPECT_EQ(test, port->d->users, 0);
	ff->in_chip[ORIGINAL] = false;
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 0));
}

/* A rule of an earlier flow is left, and this flow has its cookie: it goes, and nobody waits. */
static void nfo_test_cookie_left(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_port *port = &fake->port[0];
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);

	port->exists = true;
	ff->in_chip[ORIGINAL] = true;
	nfo_fake_ask(ff, 100);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, port->adds, 2);
	KUNIT_EXPECT_EQ(test, port->dels, 1);
	KUNIT_EXPECT_EQ(test, port->d->backoff, 0);
	KUNIT_EXPECT_EQ(test, port->d->rules, 1);
	KUNIT_EXPECT_TRUE(test, nfo_fake_in_whole(fake, ff));
	nfo_fake_end(test, ff);

	/* One that stays is a failure that may pass. */
	ff = nfo_fake_flow(fake, 0, 1);
	ff->in_chip[ORIGINAL] = true;
	port->del_err = -EIO;
	port->del_fails = U32_MAX;
	nfo_fake_ask(ff, 100);
	nfo_fake_run(fake);
	KUNIT_EXPECT_NE(test, port->d->backoff, 0);
	KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff->f)->reason, NFO_R_HW_BUSY);
	port->del_err = 0;
	ff->in_chip[ORIGINAL] = false;
	nfo_fake_end(test, ff);
}

/* The chip does not know the rule any more: so it is gone. */
static void nfo_test_delete_unknown(struct kunit *test)
{
	static const int errors[] = { -ENOENT, -EINVAL };
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_port *port = &fake->port[0];
	struct nfo_fake_flow *ff;
	int i;

	port->del_fails = U32_MAX;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		ff = nfo_fake_asking(fake);
		nfo_fake_run(fake);
		port->del_err = errors[i];
		nfo_flow_retire(&ff->f, NFO_R_USER);
		nfo_fake_run(fake);
		KUNIT_EXPECT_EQ(test, port->dels, i + 1);
		ff->in_chip[ORIGINAL] = false;
		KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 0));
	}
}

/* ---- a device goes ---- */

/* More rules than are looked at under the lock at once. */
static void nfo_test_pull_many(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	static struct nfo_fake_flow *ff[150];
	int i;

	for (i = 0; i < ARRAY_SIZE(ff); i++)
		ff[i] = nfo_fake_flow(fake, i % 3, (i + 1) % 3);
	for (i = 0; i < 120; i++)
		nfo_fake_ask(ff[i], 100);
	nfo_fake_run(fake);
	for (; i < ARRAY_SIZE(ff); i++)
		nfo_fake_ask(ff[i], 100);
	KUNIT_EXPECT_EQ(test, fake->t.hw.whole, 120);
	KUNIT_EXPECT_EQ(test, fake->t.hw.queued, 30);
	nfo_fake_pull_begin(fake, &fake->port[0]);
	KUNIT_EXPECT_TRUE(test, nfo_fake_pull_end(fake));
	KUNIT_EXPECT_EQ(test, fake->port[0].d->users, 0);
	KUNIT_EXPECT_EQ(test, fake->port[0].d->rules, 0);
	/* Every third flow has nothing to do with the port. */
	KUNIT_EXPECT_EQ(test, fake->t.hw.whole, 50);
	for (i = 0; i < ARRAY_SIZE(ff); i++) {
		KUNIT_EXPECT_EQ(test, nfo_flow_hw(&ff[i]->f)->state,
				i % 3 == 1 ? NFO_HW_LIVE : NFO_HW_SOFT);
		nfo_flow_retire(&ff[i]->f, NFO_R_USER);
	}
	nfo_fake_run(fake);
	for (i = 0; i < ARRAY_SIZE(ff); i++)
		KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff[i], 0));
}

static struct kunit_case nfo_flow_cases[] = {
	KUNIT_CASE(nfo_test_way_in),
	KUNIT_CASE(nfo_test_not_asked),
	KUNIT_CASE(nfo_test_one_direction_learned),
	KUNIT_CASE(nfo_test_one_flow_after_the_other),
	KUNIT_CASE(nfo_test_deleted_before_added),
	KUNIT_CASE(nfo_test_queue_full),
	KUNIT_CASE(nfo_test_first_refused),
	KUNIT_CASE(nfo_test_second_refused),
	KUNIT_CASE(nfo_test_full),
	KUNIT_CASE(nfo_test_busy),
	KUNIT_CASE(nfo_test_enodev),
	KUNIT_CASE(nfo_test_oneway_half),
	KUNIT_CASE(nfo_test_oneway_neither),
	KUNIT_CASE(nfo_test_evicted_for_a_hotter_one),
	KUNIT_CASE_PARAM(nfo_test_forgotten, nfo_forget_gen_params),
	KUNIT_CASE(nfo_test_delete_insists),
	KUNIT_CASE(nfo_test_delete_fails),
	KUNIT_CASE(nfo_test_delete_not_heard),
	KUNIT_CASE(nfo_test_cookie_left),
	KUNIT_CASE(nfo_test_delete_unknown),
	KUNIT_CASE(nfo_test_pull_many),
	{}
};

static struct kunit_suite nfo_flow_suite = {
	.name		= "nf_flow_offload_hw_flow",
	.init		= nfo_flow_init,
	.exit		= nfo_fake_close,
	.test_cases	= nfo_flow_cases,
};

kunit_test_suite(nfo_flow_suite);
