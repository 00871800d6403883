// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the socket that hears what rtnetlink alone tells, when messages get lost.
 */
#include <linux/inetdevice.h>

#include "nfo_kunit_chip.h"
#include "nfo_kunit_works.h"
#include "nfo_hw.h"

#define queue_delayed_work(wq, dwork, delay)	nfo_fake_arm(wq, dwork, delay, false)
#define mod_delayed_work(wq, dwork, delay)	nfo_fake_arm(wq, dwork, delay, true)
#define cancel_delayed_work_sync(dwork)		nfo_fake_disarm(dwork)
#define queue_work(wq, work)			schedule_work(((void)(wq), work))
#include "../../nf_flow_offload_event.c"

/* Rooms that no message of these tests leads to. */
void nfo_table_flush(struct nfo_table *t, const struct net_device *dev, enum nfo_reason why)
{
}

void nfo_hw_feature_changed(struct nfo_table *t, struct net_device *dev)
{
}

void nfo_hw_device_back(struct nfo_table *t, struct net_device *dev)
{
}

/* The namespace of the test listens to the real one's messages. */
static int nfo_event_test_init(struct kunit *test)
{
	struct nfo_fake *fake = nfo_fake_open(test, 1);

	fake->nn.net = &init_net;
	fake->nn.genid = rt_genid_ipv4(&init_net);
	nfo_event_net_init(&fake->nn);
	fake->nn.rtnl = nfo_rtnl_open(&fake->nn);
	KUNIT_ASSERT_NOT_NULL(test, fake->nn.rtnl);

	return 0;
}

static void nfo_event_test_exit(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;

	if (fake->nn.rtnl)
		sock_release(fake->nn.rtnl);
	fake->nn.rtnl = NULL;
	cancel_work_sync(&fake->nn.rtnl_work);
	nfo_fake_close(test);
}

/* A sysctl of all devices changed. Return: how far the epoch moved. */
static u32 nfo_tell(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	u32 before = READ_ONCE(fake->nn.epoch);
	struct nlmsghdr *nlh;
	struct sk_buff *skb;

	skb = nlmsg_new(sizeof(struct netconfmsg), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	nlh = nlmsg_put(skb, 0, 0, RTM_NEWNETCONF, sizeof(struct netconfmsg), 0);
	KUNIT_ASSERT_NOT_NULL(test, nlh);
	*(struct netconfmsg *)nlmsg_data(nlh) = (struct netconfmsg) { .ncm_family = AF_INET };
	nlmsg_end(skb, nlh);
	rtnl_notify(skb, &init_net, 0, RTNLGRP_IPV4_NETCONF, NULL, GFP_KERNEL);
	flush_work(&fake->nn.rtnl_work);

	return READ_ONCE(fake->nn.epoch) - before;
}

/* A message that cannot be delivered changes everything, and the next one is heard. */
static void nfo_test_overrun(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct sock *sk = fake->nn.rtnl->sk;

	KUNIT_EXPECT_EQ(test, nfo_tell(test), 1);
	KUNIT_EXPECT_EQ(test, fake->nn.journal->changes[fake->nn.epoch % NFO_JOURNAL].what,
			NFO_CHANGE_FAMILY);

	/* No room. */
	atomic_add(INT_MAX / 2, &sk->sk_rmem_alloc);
	KUNIT_EXPECT_EQ(test, nfo_tell(test), 1);
	KUNIT_EXPECT_EQ(test, fake->nn.journal->changes[fake->nn.epoch % NFO_JOURNAL].what,
			NFO_CHANGE_ALL);
	KUNIT_EXPECT_EQ(test, nfo_tell(test), 1);
	atomic_sub(INT_MAX / 2, &sk->sk_rmem_alloc);

	KUNIT_EXPECT_EQ(test, nfo_tell(test), 1);
	KUNIT_EXPECT_EQ(test, fake->nn.journal->changes[fake->nn.epoch % NFO_JOURNAL].what,
			NFO_CHANGE_FAMILY);
	KUNIT_EXPECT_EQ(test, atomic_read(&sk->sk_rmem_alloc), 0);
}

/* A message that could not be made. */
static void nfo_test_not_made(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	u32 before = READ_ONCE(fake->nn.epoch);

	rtnl_set_sk_err(&init_net, RTNLGRP_NEXTHOP, -ENOBUFS);
	flush_work(&fake->nn.rtnl_work);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake->nn.epoch) - before, 1);
	KUNIT_EXPECT_EQ(test, fake->nn.journal->changes[fake->nn.epoch % NFO_JOURNAL].what,
			NFO_CHANGE_ALL);
	KUNIT_EXPECT_EQ(test, nfo_tell(test), 1);
}

static struct kunit_case nfo_event_cases[] = {
	KUNIT_CASE(nfo_test_overrun),
	KUNIT_CASE(nfo_test_not_made),
	{}
};

static struct kunit_suite nfo_event_suite = {
	.name		= "nf_flow_offload_event",
	.init		= nfo_event_test_init,
	.exit		= nfo_event_test_exit,
	.test_cases	= nfo_event_cases,
};

kunit_test_suite(nfo_event_suite);
