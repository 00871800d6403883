// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: hardware as a cache. Which flow is admitted, and what a driver's answer means for the
 * flows that come after.
 */
#include "nfo_kunit_chip.h"

static int nfo_cache_init(struct kunit *test)
{
	nfo_fake_open(test, 1);
	return 0;
}

/* What keeps the flow out; the directions that are meant to be in, in @want. */
static enum nfo_reason nfo_admit(struct nfo_fake_flow *ff, u8 *want)
{
	struct nfo_hw *hw = &ff->f.table->hw;
	enum nfo_reason why;

	rcu_read_lock();
	spin_lock_bh(&hw->lock);
	*want = nfo_hw_admit(&ff->f, &why);
	spin_unlock_bh(&hw->lock);
	rcu_read_unlock();

	return why;
}

static enum nfo_reason nfo_admit_why(struct nfo_fake_flow *ff)
{
	u8 want;

	return nfo_admit(ff, &want);
}

static void nfo_packets(struct nfo_fake_flow *ff, u64 original, u64 reply)
{
	atomic64_set(&ff->f.e[IP_CT_DIR_ORIGINAL].packets, original);
	/* As long as nothing added it up, it counts as well. */
	atomic64_set(&ff->f.e[IP_CT_DIR_REPLY].counts, reply * NFO_COUNT_PACKET);
}

/* ---- how busy a flow is ---- */

static void nfo_test_worth_by_packets(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);

	nfo_packets(ff, 4, 3);
	KUNIT_EXPECT_FALSE(test, nfo_hw_worth(&ff->f));
	nfo_packets(ff, 4, 4);
	KUNIT_EXPECT_TRUE(test, nfo_hw_worth(&ff->f));
	fake->nn.settings.hw_after = 9;
	KUNIT_EXPECT_FALSE(test, nfo_hw_worth(&ff->f));
	fake->nn.settings.hw_after = 0;
	nfo_packets(ff, 0, 0);
	KUNIT_EXPECT_TRUE(test, nfo_hw_worth(&ff->f));
}

static void nfo_test_worth_by_rate(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);

	fake->nn.settings.hw_after = U32_MAX;
	nfo_flow_hw(&ff->f)->rate = U32_MAX;
	KUNIT_EXPECT_FALSE(test, nfo_hw_worth(&ff->f));
	fake->nn.settings.hw_rate = 100;
	nfo_flow_hw(&ff->f)->rate = 99;
	KUNIT_EXPECT_FALSE(test, nfo_hw_worth(&ff->f));
	nfo_flow_hw(&ff->f)->rate = 100;
	KUNIT_EXPECT_TRUE(test, nfo_hw_worth(&ff->f));
}

static void nfo_test_measure(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_hw_flow *hw = nfo_flow_hw(&ff->f);
	u32 last;

	/* Promotion counts as the first measurement. */
	last = nfo_now() - HZ;
	hw->at = last;
	nfo_packets(ff, 600, 400);
	nfo_hw_measure(&ff->f);
	KUNIT_EXPECT_GE(test, hw->at - last, HZ);
	KUNIT_EXPECT_EQ(test, hw->rate, 1000 * HZ / (hw->at - last));
	KUNIT_EXPECT_EQ(test, hw->seen, 1000);

	/* What was counted before does not count again. */
	last = nfo_now() - 2 * HZ;
	hw->at = last;
	nfo_packets(ff, 800, 400);
	nfo_hw_measure(&ff->f);
	KUNIT_EXPECT_EQ(test, hw->rate, 200 * HZ / (hw->at - last));

	/* Too short a time says nothing. */
	hw->rate = 77;
	hw->at = nfo_now();
	nfo_packets(ff, 5000, 5000);
	nfo_hw_measure(&ff->f);
	KUNIT_EXPECT_EQ(test, hw->rate, 77);
	KUNIT_EXPECT_EQ(test, hw->seen, 1200);

	/* Packets that are on their way from one counter to the other are in none. */
	hw->at = nfo_now() - HZ;
	nfo_packets(ff, 700, 400);
	nfo_hw_measure(&ff->f);
	KUNIT_EXPECT_EQ(test, hw->rate, 0);
	KUNIT_EXPECT_EQ(test, hw->seen, 1200);

	hw->at = nfo_now() - HZ;
	nfo_packets(ff, 1ull << 40, 0);
	nfo_hw_measure(&ff->f);
	KUNIT_EXPECT_EQ(test, hw->rate, U32_MAX);
}

/* ---- which flow is admitted ---- */

static void nfo_test_admit(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	u8 want;

	KUNIT_EXPECT_EQ(test, nfo_admit(ff, &want), NFO_R_NONE);
	KUNIT_EXPECT_EQ(test, want, NFO_HW_BOTH);
}

static void nfo_test_admit_no_driver(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	int i;

	for (i = 0; i < 2; i++) {
		struct nfo_dev *d = fake->port[i].d;

		d->bound = NFO_DEV_HW_NONE;
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_DRIVER);
		d->bound = NFO_DEV_HW_BLOCK;
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_NONE);
		d->leaving = true;
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_DRIVER);
		d->leaving = false;
		/* Not listed any more. The first direction leaves by port 1. */
		xa_erase(&fake->t.devs.by_index, d->ifindex);
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), i ? NFO_R_HW_SHAPE : NFO_R_HW_DRIVER);
		KUNIT_ASSERT_FALSE(test, xa_err(xa_store(&fake->t.devs.by_index, d->ifindex, d,
							 GFP_KERNEL)));
	}
	KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_NONE);
}

/* Hardware knows no bridge, nor more headers than a rule has: then there is no device. */
static void nfo_test_admit_stack(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	int i;
	u8 want;

	for (i = 0; i < 2; i++) {
		struct net_device **dev = &ff->route[i].out_lower.dev, *was = *dev;

		*dev = NULL;
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_DEV_STACK);
		/* That is for ever, as a shape is: the setting lets the other one in. */
		fake->nn.settings.hw_oneway = 1;
		KUNIT_EXPECT_EQ(test, nfo_admit(ff, &want), NFO_R_NONE);
		KUNIT_EXPECT_EQ(test, want, BIT(!i));
		fake->nn.settings.hw_oneway = 0;
		/* A driver that there is not comes first. */
		fake->port[i].d->leaving = true;
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_DRIVER);
		fake->port[i].d->leaving = false;
		*dev = was;
	}
	KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_NONE);
}

/* A flow that would pass by something in hardware is not admitted. */
static void nfo_test_admit_unseen(struct kunit *test)
{
	static const enum nfo_reason reasons[] = { NFO_R_HW_FILTER, NFO_R_HW_QDISC, NFO_R_HW_BUSY };
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	int i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		fake->unseen = reasons[i];
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), reasons[i]);
		KUNIT_EXPECT_EQ(test, nfo_hw_never(reasons[i]), reasons[i] != NFO_R_HW_BUSY);
	}
	fake->unseen = NFO_R_NONE;
	KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_NONE);
}

static void nfo_test_admit_budget(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	int i;

	for (i = 0; i < 2; i++) {
		struct nfo_dev *d = fake->port[i].d;

		d->rules = 1000;
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_NONE);
		d->budget = 1001;
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_NONE);
		d->budget = 1000;
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_FULL);
		d->budget = 0;
	}
}

static void nfo_test_admit_queue(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	int i;

	nfo_fake_chips(fake, 2);
	fake->nn.settings.hw_queue = 3;
	for (i = 0; i < 2; i++) {
		struct nfo_dev *d = fake->port[i].d;

		d->queue->depth = 2;
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_NONE);
		d->queue->depth = 3;
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_QUEUE);
		/* No flow is evicted for one that cannot even wait. */
		d->budget = 1;
		d->rules = 1;
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_QUEUE);
		/* What never gets in does not wait. */
		d->leaving = true;
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_DRIVER);
		d->leaving = false;
		d->budget = 0;
		d->queue->depth = 0;
	}
}

/* Two rules of one chip, or one of each of two. */
static void nfo_test_admit_size(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	unsigned int chips, i;
	u8 want;

	for (chips = 1; chips <= 2; chips++) {
		nfo_fake_chips(fake, chips);
		for (i = 0; i < 2; i++) {
			struct nfo_hw_queue *q = fake->port[i].d->queue;

			q->size = 10;
			q->probe_at = jiffies + 1000 * HZ;
			q->rules = 8 + chips - 1;
			KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_NONE);
			q->rules++;
			KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_FULL);
			q->rules = 0;
			q->size = 0;
		}
	}

	/* The other half of a flow that is there already needs one place. */
	nfo_fake_chips(fake, 1);
	fake->port[0].d->queue->size = 10;
	fake->port[0].d->queue->probe_at = jiffies + 1000 * HZ;
	fake->port[0].d->queue->rules = 9;
	KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_FULL);
	nfo_flow_hw(&ff->f)->want = BIT(IP_CT_DIR_ORIGINAL);
	nfo_flow_hw(&ff->f)->rule[IP_CT_DIR_ORIGINAL].state = NFO_RULE_IN;
	KUNIT_EXPECT_EQ(test, nfo_admit(ff, &want), NFO_R_NONE);
	KUNIT_EXPECT_EQ(test, want, NFO_HW_BOTH);
	fake->port[0].d->queue->rules = 0;
}

/* One chip is full, and the other one takes nothing now: no flow is evicted for nothing. */
static void nfo_test_admit_full_and_busy(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	int full;

	nfo_fake_chips(fake, 2);
	fake->nn.settings.hw_queue = 3;
	for (full = 0; full < 2; full++) {
		struct nfo_dev *d = fake->port[full].d, *other = fake->port[!full].d;

		d->budget = 1;
		d->rules = 1;
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_FULL);
		other->backoff = HZ;
		other->not_before = jiffies + 1000 * HZ;
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_BUSY);
		other->backoff = 0;
		other->queue->depth = 3;
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_QUEUE);
		other->queue->depth = 0;
		d->rules = 0;
		d->budget = 0;
	}
}

/* "Full" is believed for half a second at first, for one bucket may be full alone, and twice as
 * long each time, up to half a minute.
 */
static void nfo_test_size_learned(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_fake_flow *other = nfo_fake_flow(fake, 0, 1);
	struct nfo_dev *d = fake->port[0].d;
	struct nfo_hw_queue *q = d->queue;
	unsigned long before = jiffies;
	int i;

	q->rules = 5;
	KUNIT_EXPECT_EQ(test, nfo_hw_outcome(d, &ff->f, 0, -ENOSPC), NFO_R_HW_FULL);
	KUNIT_EXPECT_EQ(test, q->size, 5);
	KUNIT_EXPECT_EQ(test, d->backoff, 0);
	KUNIT_EXPECT_TRUE(test, time_after_eq(q->probe_at, before + HZ / 2));
	KUNIT_EXPECT_TRUE(test, time_before_eq(q->probe_at, jiffies + HZ / 2));
	KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_FULL);
	KUNIT_EXPECT_EQ(test, q->size, 5);

	/* The flow that was refused is not the first to ask again while there are others. */
	q->probe_at = jiffies - 1;
	KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_FULL);
	KUNIT_EXPECT_EQ(test, nfo_admit_why(other), NFO_R_NONE);
	KUNIT_EXPECT_EQ(test, q->size, 0);

	/* When all were refused, any of them is. */
	KUNIT_EXPECT_EQ(test, nfo_hw_outcome(d, &other->f, 1, -ENOSPC), NFO_R_HW_FULL);
	q->probe_at = jiffies - 1;
	KUNIT_EXPECT_EQ(test, nfo_admit_why(other), NFO_R_HW_FULL);
	KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_FULL);
	q->probe_at = jiffies - HZ;
	KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_NONE);
	KUNIT_EXPECT_EQ(test, q->size, 0);

	for (i = 0; i < 10; i++)
		nfo_hw_outcome(d, &ff->f, 0, -ENOSPC);
	KUNIT_EXPECT_EQ(test, d->full_wait, 30 * HZ);
	/* One rule more than was believed: begin anew. */
	q->rules = 6;
	nfo_hw_dev_ok(d, &ff->f, 0);
	nfo_hw_outcome(d, &ff->f, 0, -ENOSPC);
	KUNIT_EXPECT_EQ(test, d->full_wait, HZ / 2);

	/* Full of other people's rules: no size of ours, so wait. */
	q->rules = 0;
	q->size = 0;
	KUNIT_EXPECT_EQ(test, nfo_hw_outcome(d, &ff->f, 0, -ENOSPC), NFO_R_HW_FULL);
	KUNIT_EXPECT_EQ(test, q->size, 0);
	KUNIT_EXPECT_EQ(test, d->backoff, HZ);
	d->not_before = jiffies + 1000 * HZ;
	KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_BUSY);
}

/* A rule taken beyond the size shows that the size was wrong. */
static void nfo_test_driver_took_it(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_dev *d = fake->port[0].d;
	struct netlink_ext_ack extack = { ._msg = "no room" };

	nfo_hw_dev_set_error(d, -EIO, &extack);
	d->backoff = 4 * HZ;
	d->queue->size = 5;
	d->queue->rules = 5;
	nfo_hw_dev_ok(d, &ff->f, 0);
	KUNIT_EXPECT_EQ(test, d->queue->size, 5);
	KUNIT_EXPECT_EQ(test, d->backoff, 0);
	KUNIT_EXPECT_EQ(test, d->err, 0);
	KUNIT_EXPECT_STREQ(test, d->message, "");
	d->queue->rules = 6;
	nfo_hw_dev_ok(d, &ff->f, 0);
	KUNIT_EXPECT_EQ(test, d->queue->size, 0);
	d->queue->rules = 0;
}

/* ---- refusals ---- */

/* Make the flow's original direction one of the shapes there are. */
#define NFO_SHAPES	56
static void nfo_set_shape(struct nfo_fake_flow *ff, unsigned int shape)
{
	static const u16 kinds[] = {
		0,
		NFO_ENCAP_8021Q,
		NFO_ENCAP_8021Q | NFO_ENCAP_8021Q << NFO_ENCAP_BITS,
		NFO_ENCAP_8021Q | NFO_ENCAP_PPPOE << NFO_ENCAP_BITS,
		NFO_ENCAP_8021AD,
		NFO_ENCAP_8021AD | NFO_ENCAP_8021Q << NFO_ENCAP_BITS,
		NFO_ENCAP_8021AD | NFO_ENCAP_PPPOE << NFO_ENCAP_BITS,
	};
	struct nfo_entry *e = &ff->f.e[0];

	BUILD_BUG_ON(ARRAY_SIZE(kinds) * 8 != NFO_SHAPES);

	e->key.family = shape & 1 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	e->key.l4proto = shape & 2 ? IPPROTO_TCP : IPPROTO_UDP;
	e->flags = shape & 4 ? NFO_E_NAT : 0;
	e->key.encap.kinds = kinds[shape >> 3];
}

static enum nfo_reason nfo_check(struct nfo_fake_flow *ff)
{
	return nfo_hw_dev_check(nfo_fake(&ff->f)->port[0].d, &ff->f, 0);
}

/* A shape that was refused keeps out its like, and no other. */
static void nfo_test_refused_shape(struct kunit *test)
{
	static const int errors[] = { -EOPNOTSUPP, -EINVAL };
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_dev *d = fake->port[0].d;
	unsigned int refused, other;

	for (refused = 0; refused < NFO_SHAPES; refused++) {
		nfo_hw_forget(d);
		nfo_set_shape(ff, refused);
		KUNIT_EXPECT_EQ(test, nfo_hw_outcome(d, &ff->f, 0, errors[refused % 2]),
				NFO_R_HW_SHAPE);
		KUNIT_EXPECT_EQ(test, d->backoff, 0);
		for (other = 0; other < NFO_SHAPES; other++) {
			nfo_set_shape(ff, other);
			KUNIT_EXPECT_EQ_MSG(test, nfo_check(ff), other == refused ?
					    NFO_R_HW_SHAPE : NFO_R_NONE,
					    "shape %u, refused is %u", other, refused);
		}
	}
}

/* The headers that are pushed count as those that are popped. */
static void nfo_test_refused_out_encap(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_dev *d = fake->port[0].d;
	struct nfo_encap *out = &ff->route[0].out_lower.encap;

	out->kinds = NFO_ENCAP_PPPOE;
	nfo_hw_outcome(d, &ff->f, 0, -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_HW_SHAPE);
	out->kinds = NFO_ENCAP_8021Q;
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_NONE);
	out->kinds = 0;
	ff->f.e[0].key.encap.kinds = NFO_ENCAP_PPPOE;
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_HW_SHAPE);
}

/* It may be the pair of devices that the driver cannot do. */
static void nfo_test_refused_pair(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1), *other = nfo_fake_flow(fake, 0, 2);
	struct nfo_dev *d = fake->port[0].d;

	nfo_hw_outcome(d, &ff->f, 0, -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_HW_SHAPE);
	KUNIT_EXPECT_EQ(test, nfo_check(other), NFO_R_NONE);
	nfo_hw_outcome(d, &other->f, 0, -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, nfo_check(other), NFO_R_HW_SHAPE);
	KUNIT_EXPECT_EQ(test, d->refusals, 2);
	/* The same again takes no further place. */
	nfo_set_shape(other, 1);
	nfo_hw_outcome(d, &other->f, 0, -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, d->refusals, 2);

	nfo_hw_forget(d);
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_NONE);
	KUNIT_EXPECT_EQ(test, nfo_check(other), NFO_R_NONE);
}

/* More pairs than there are places: then the shape is refused for any pair. */
static void nfo_test_refused_overflow(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_dev *d = fake->port[0].d;
	struct net_device *out = fake->port[1].netdev;
	int i;

	for (i = 0; i < NFO_HW_REFUSALS; i++) {
		out->ifindex = 100 + i;
		nfo_set_shape(ff, i ? 0 : 1);
		nfo_hw_outcome(d, &ff->f, 0, -EOPNOTSUPP);
	}
	KUNIT_EXPECT_EQ(test, d->refusals, NFO_HW_REFUSALS);
	nfo_set_shape(ff, 0);
	out->ifindex = 200;
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_NONE);

	nfo_hw_outcome(d, &ff->f, 0, -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, d->refusals, NFO_HW_REFUSALS);
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_HW_SHAPE);
	out->ifindex = 201;
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_HW_SHAPE);
	/* Another shape is still told apart by pair. */
	nfo_set_shape(ff, 1);
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_NONE);
	out->ifindex = 100;
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_HW_SHAPE);
	nfo_set_shape(ff, 2);
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_NONE);
	out->ifindex = fake->port[1].d->ifindex;
}

/* A refusal is believed for a minute. Then each shape is asked for once more, and one that is
 * refused again is believed for twice as long.
 */
static void nfo_test_refused_for_a_time(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1), *other = nfo_fake_flow(fake, 0, 1);
	struct nfo_dev *d = fake->port[0].d;
	struct nfo_hw_refusal *r = &d->refused[0];
	u32 wait = 60 * HZ;
	int i;

	nfo_set_shape(ff, 0);
	nfo_set_shape(other, 1);
	nfo_hw_outcome(d, &ff->f, 0, -EOPNOTSUPP);
	r->at -= 30 * HZ;
	/* What is refused later is believed until the same moment. */
	nfo_hw_outcome(d, &other->f, 0, -EINVAL);
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_HW_SHAPE);
	KUNIT_EXPECT_EQ(test, nfo_check(other), NFO_R_HW_SHAPE);
	r->at -= 30 * HZ;
	KUNIT_EXPECT_EQ(test, nfo_check(other), NFO_R_NONE);

	for (i = 0; i < 10; i++) {
		KUNIT_EXPECT_EQ_MSG(test, nfo_check(ff), NFO_R_NONE, "attempt %d", i);
		nfo_hw_outcome(d, &ff->f, 0, -EOPNOTSUPP);
		wait = min(2 * wait, 3600U * HZ);
		KUNIT_EXPECT_EQ_MSG(test, r->wait, wait, "attempt %d", i);
		KUNIT_EXPECT_EQ_MSG(test, nfo_check(ff), NFO_R_HW_SHAPE, "attempt %d", i);
		KUNIT_EXPECT_EQ_MSG(test, nfo_check(other), NFO_R_NONE, "attempt %d", i);
		r->at -= wait;
	}
	KUNIT_EXPECT_EQ(test, d->refusals, 1);
	/* Long after that it is a refusal like the first one. */
	r->at -= wait;
	nfo_hw_outcome(d, &ff->f, 0, -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, r->wait, 60 * HZ);

	/* A rule of that kind was taken: the next refusal is like a first one, however soon. */
	r->at -= r->wait;
	nfo_hw_dev_ok(d, &other->f, 0);
	KUNIT_EXPECT_EQ(test, r->wait, 60 * HZ);
	nfo_hw_dev_ok(d, &ff->f, 0);
	nfo_hw_outcome(d, &ff->f, 0, -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, r->wait, 60 * HZ);
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_HW_SHAPE);
	r->at -= r->wait;
	nfo_hw_outcome(d, &ff->f, 0, -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, r->wait, 120 * HZ);
}

/* Drivers refuse what goes to no station's address, as if they could not do that kind of rule. */
static void nfo_test_to_no_station(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	u8 *hh = ff->route[0].hh;

	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_NONE);
	hh[0] = 3;
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_HW_SHAPE);
	hh[0] = 0;
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_HW_SHAPE);
	ff->f.e[0].flags &= ~NFO_E_HEADER;
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_NONE);
	KUNIT_EXPECT_EQ(test, fake->port[0].d->refusals, 0);
}

/* ---- back-off ---- */

static void nfo_test_backoff(struct kunit *test)
{
	static const int errors[] = { -EIO, -EBUSY, -ENOMEM, -EAGAIN, -ETIMEDOUT };
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_dev *d = fake->port[0].d;
	unsigned long expected = HZ;
	int i;

	for (i = 0; i < 10; i++) {
		unsigned long before = jiffies;

		KUNIT_EXPECT_EQ(test, nfo_hw_outcome(d, &ff->f, 0, errors[i % 5]),
				NFO_R_HW_BUSY);
		KUNIT_EXPECT_EQ_MSG(test, d->backoff, expected, "attempt %d", i);
		KUNIT_EXPECT_TRUE(test, time_after_eq(d->not_before, before + expected));
		KUNIT_EXPECT_TRUE(test, time_before_eq(d->not_before, jiffies + expected +
						       expected / 4 + 1));
		d->not_before = jiffies + 1000 * HZ;
		KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_HW_BUSY);
		KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_HW_BUSY);
		d->not_before = jiffies;
		KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_NONE);
		expected = min(2 * expected, 64ul * HZ);
	}
	KUNIT_EXPECT_EQ(test, d->backoff, 64 * HZ);
	KUNIT_EXPECT_EQ(test, d->refusals, 0);
	KUNIT_EXPECT_EQ(test, d->queue->size, 0);

	/* A rule that was taken ends it, and so does binding anew. */
	nfo_hw_dev_ok(d, &ff->f, 0);
	KUNIT_EXPECT_EQ(test, d->backoff, 0);
	nfo_hw_outcome(d, &ff->f, 0, -EIO);
	KUNIT_EXPECT_EQ(test, d->backoff, HZ);
	nfo_hw_forget(d);
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_NONE);
}

static void nfo_test_forget(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_dev *d = fake->port[0].d;

	nfo_hw_outcome(d, &ff->f, 0, -EINVAL);
	d->leaving = true;
	d->driver_gone = true;
	d->queue->size = 1;
	nfo_hw_forget(d);
	KUNIT_EXPECT_FALSE(test, d->leaving);
	KUNIT_EXPECT_FALSE(test, d->driver_gone);
	KUNIT_EXPECT_EQ(test, d->queue->size, 0);
	KUNIT_EXPECT_EQ(test, nfo_admit_why(ff), NFO_R_NONE);
}

/* The driver is asked once more for what it refused before a device was switched. */
static void nfo_test_forget_refusals(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1), *other = nfo_fake_flow(fake, 0, 2);
	struct nfo_dev *d = fake->port[0].d;

	d->driver = &nfo_hw_driver_tc;
	KUNIT_EXPECT_TRUE(test, nfo_hw_form_refused(d, &ff->f, 0));
	nfo_hw_outcome(d, &ff->f, 0, -EOPNOTSUPP);
	nfo_hw_outcome(d, &other->f, 0, -EOPNOTSUPP);
	/* A device with which the driver has nothing to do. */
	nfo_hw_forget_refusals(d, 77);
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_HW_SHAPE);
	KUNIT_EXPECT_EQ(test, nfo_check(other), NFO_R_HW_SHAPE);
	/* The egress device of one flow. */
	nfo_hw_forget_refusals(d, fake->port[1].netdev->ifindex);
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_NONE);
	KUNIT_EXPECT_EQ(test, nfo_check(other), NFO_R_HW_SHAPE);
	KUNIT_EXPECT_NE(test, d->form_failed, 0);
	/* What counts for any egress device may be this one's. */
	d->refused[0].out = 0;
	nfo_hw_forget_refusals(d, fake->port[1].netdev->ifindex);
	KUNIT_EXPECT_EQ(test, nfo_check(other), NFO_R_NONE);
	/* The device itself; it is not asked sooner than it was to be. */
	nfo_hw_outcome(d, &ff->f, 0, -EOPNOTSUPP);
	nfo_hw_outcome(d, &ff->f, 0, -EBUSY);
	d->queue->size = 1;
	nfo_hw_forget_refusals(d, 0);
	KUNIT_EXPECT_EQ(test, d->refusals, 0);
	KUNIT_EXPECT_EQ(test, d->form_failed, 0);
	KUNIT_EXPECT_EQ(test, d->queue->size, 1);
	KUNIT_EXPECT_EQ(test, nfo_check(ff), NFO_R_HW_BUSY);
}

static void nfo_test_message(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_dev *d = fake->port[0].d;
	struct netlink_ext_ack extack = {};
	char text[200];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	extack._msg = text;
	nfo_hw_dev_set_error(d, -EIO, &extack);
	KUNIT_EXPECT_EQ(test, d->err, -EIO);
	KUNIT_EXPECT_EQ(test, strlen(d->message), sizeof(d->message) - 1);
	nfo_hw_dev_set_error(d, -ENOSPC, NULL);
	KUNIT_EXPECT_EQ(test, d->err, -ENOSPC);
	KUNIT_EXPECT_STREQ(test, d->message, "");
}

/* ---- the setting oneway ---- */

static void nfo_test_oneway(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	int i;
	u8 want;

	for (i = 0; i < 2; i++) {
		struct nfo_dev *d = fake->port[i].d, *able = fake->port[!i].d;

		d->leaving = true;
		fake->nn.settings.hw_oneway = 0;
		KUNIT_EXPECT_EQ(test, nfo_admit(ff, &want), NFO_R_HW_DRIVER);
		KUNIT_EXPECT_EQ(test, want, NFO_HW_BOTH);
		fake->nn.settings.hw_oneway = 1;
		KUNIT_EXPECT_EQ(test, nfo_admit(ff, &want), NFO_R_NONE);
		KUNIT_EXPECT_EQ(test, want, BIT(!i));
		/* What keeps the other one out for a time keeps out both. */
		able->backoff = HZ;
		able->not_before = jiffies + 1000 * HZ;
		KUNIT_EXPECT_EQ(test, nfo_admit(ff, &want), NFO_R_HW_BUSY);
		able->backoff = 0;
		d->leaving = false;

		nfo_hw_outcome(d, &ff->f, i, -EOPNOTSUPP);
		KUNIT_EXPECT_EQ(test, nfo_admit(ff, &want), NFO_R_NONE);
		KUNIT_EXPECT_EQ(test, want, BIT(!i));
		nfo_hw_forget(d);

		/* A passing failure is waited for, with both. */
		d->backoff = HZ;
		d->not_before = jiffies + 1000 * HZ;
		KUNIT_EXPECT_EQ(test, nfo_admit(ff, &want), NFO_R_HW_BUSY);
		KUNIT_EXPECT_EQ(test, want, NFO_HW_BOTH);
		d->backoff = 0;
	}

	fake->port[0].d->leaving = true;
	fake->port[1].d->leaving = true;
	KUNIT_EXPECT_EQ(test, nfo_admit(ff, &want), NFO_R_HW_DRIVER);
	KUNIT_EXPECT_EQ(test, want, NFO_HW_BOTH);
}

/* Of a half that is in, the device that has it is not asked again. */
static void nfo_test_oneway_completed(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	u8 want;

	nfo_flow_hw(&ff->f)->want = BIT(IP_CT_DIR_REPLY);
	fake->port[1].d->backoff = HZ;
	fake->port[1].d->not_before = jiffies + 1000 * HZ;
	KUNIT_EXPECT_EQ(test, nfo_admit(ff, &want), NFO_R_NONE);
	KUNIT_EXPECT_EQ(test, want, NFO_HW_BOTH);
	fake->port[0].d->leaving = true;
	KUNIT_EXPECT_EQ(test, nfo_admit(ff, &want), NFO_R_HW_DRIVER);
}

static struct kunit_case nfo_cache_cases[] = {
	KUNIT_CASE(nfo_test_worth_by_packets),
	KUNIT_CASE(nfo_test_worth_by_rate),
	KUNIT_CASE(nfo_test_measure),
	KUNIT_CASE(nfo_test_admit),
	KUNIT_CASE(nfo_test_admit_no_driver),
	KUNIT_CASE(nfo_test_admit_stack),
	KUNIT_CASE(nfo_test_admit_unseen),
	KUNIT_CASE(nfo_test_admit_budget),
	KUNIT_CASE(nfo_test_admit_queue),
	KUNIT_CASE(nfo_test_admit_size),
	KUNIT_CASE(nfo_test_admit_full_and_busy),
	KUNIT_CASE(nfo_test_size_learned),
	KUNIT_CASE(nfo_test_driver_took_it),
	KUNIT_CASE(nfo_test_refused_shape),
	KUNIT_CASE(nfo_test_refused_out_encap),
	KUNIT_CASE(nfo_test_refused_pair),
	KUNIT_CASE(nfo_test_refused_overflow),
	KUNIT_CASE(nfo_test_refused_for_a_time),
	KUNIT_CASE(nfo_test_to_no_station),
	KUNIT_CASE(nfo_test_backoff),
	KUNIT_CASE(nfo_test_forget),
	KUNIT_CASE(nfo_test_forget_refusals),
	KUNIT_CASE(nfo_test_message),
	KUNIT_CASE(nfo_test_oneway),
	KUNIT_CASE(nfo_test_oneway_completed),
	{}
};

static struct kunit_suite nfo_cache_suite = {
	.name		= "nf_flow_offload_hw_cache",
	.init		= nfo_cache_init,
	.exit		= nfo_fake_close,
	.test_cases	= nfo_cache_cases,
};

kunit_test_suite(nfo_cache_suite);
