// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the socket that hears what rtnetlink alone tells, when messages get lost.
 */
#include <linux/inetdevice.h>
#include <net/netns/generic.h>

#include "nfo_kunit_chip.h"
#include "nfo_kunit_works.h"
#include "nfo_hw.h"

#define queue_delayed_work(wq, dwork, delay)	nfo_fake_arm(wq, dwork, delay, false)
#define mod_delayed_work(wq, dwork, delay)	nfo_fake_arm(wq, dwork, delay, true)
#define cancel_delayed_work_sync(dwork)		nfo_fake_disarm(dwork)
#define queue_work(wq, work)			schedule_work(((void)(wq), work))
#include "../../nf_flow_offload_event.c"
#include "../../nf_flow_offload_fib.c"

/* Walks of whoever makes an event happen, and those that it asks for. */
static unsigned int nfo_flushes, nfo_losses;

void nfo_table_flush(struct nfo_table *t, const struct net_device *dev, enum nfo_reason why)
{
	nfo_flushes++;
}

void nfo_table_lost(struct nfo_net *nn, bool gone)
{
	nfo_losses++;
}

void nfo_table_lost_work(struct work_struct *work)
{
}

/* Rooms that no message of these tests leads to. */
bool nfo_upper_takes(struct net_device *dev, const struct net_device *upper)
{
	return true;
}

void nfo_hw_feature_changed(struct nfo_table *t, struct net_device *dev)
{
}

void nfo_hw_dev_gone(struct net_device *dev)
{
}

void nfo_hw_device_back(struct nfo_table *t, struct net_device *dev)
{
}

void nfo_recheck_routing(struct nfo_net *nn)
{
}

void nfo_recheck_route(struct nfo_net *nn, unsigned long event,
		       const struct fib_notifier_info *info)
{
}

/* The namespace of the test listens to the real one's messages. */
static int nfo_event_test_init(struct kunit *test)
{
	struct nfo_fake *fake = nfo_fake_open(test, 1);

	fake->nn.net = &init_net;
	fake->nn.genid = rt_genid_ipv4(&init_net);
	xa_init_flags(&fake->nn.devs, XA_FLAGS_LOCK_BH);
	xa_init_flags(&fake->nn.led6, XA_FLAGS_LOCK_BH);
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
	xa_destroy(&fake->nn.devs);
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

	fake->looks = 0;
	rtnl_set_sk_err(&init_net, RTNLGRP_NEXTHOP, -ENOBUFS);
	flush_work(&fake->nn.rtnl_work);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake->nn.epoch) - before, 1);
	/* It may have told of a filter, or of a bridge port that is blocked. */
	KUNIT_EXPECT_EQ(test, fake->looks, 1);
	KUNIT_EXPECT_EQ(test, fake->nn.journal->changes[fake->nn.epoch % NFO_JOURNAL].what,
			NFO_CHANGE_ALL);
	KUNIT_EXPECT_EQ(test, nfo_tell(test), 1);
}

/* What a bridge tells of a port's state. */
static void nfo_tell_port(struct kunit *test, int ifindex, u8 state)
{
	struct nfo_fake *fake = test->priv;
	struct nlmsghdr *nlh;
	struct nlattr *port;
	struct sk_buff *skb;

	skb = nlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	nlh = nlmsg_put(skb, 0, 0, RTM_NEWLINK, sizeof(struct ifinfomsg), 0);
	KUNIT_ASSERT_NOT_NULL(test, nlh);
	*(struct ifinfomsg *)nlmsg_data(nlh) = (struct ifinfomsg) {
		.ifi_family	= AF_BRIDGE,
		.ifi_index	= ifindex,
	};
	port = nla_nest_start(skb, IFLA_PROTINFO);
	KUNIT_ASSERT_NOT_NULL(test, port);
	KUNIT_ASSERT_EQ(test, nla_put_u8(skb, IFLA_BRPORT_STATE, state), 0);
	nla_nest_end(skb, port);
	nlmsg_end(skb, nlh);
	rtnl_notify(skb, &init_net, 0, RTNLGRP_LINK, NULL, GFP_KERNEL);
	flush_work(&fake->nn.rtnl_work);
}

/* A port that is blocked is held at once, not when RTNL is free to look at it; that it is open is
 * found by looking.
 */
static void nfo_test_port_state(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	int lo = init_net.loopback_dev->ifindex;

	KUNIT_ASSERT_TRUE(test, nfo_net_use_dev(&fake->nn, lo));
	fake->looks = 0;
	nfo_tell_port(test, lo, BR_STATE_BLOCKING);
	KUNIT_EXPECT_EQ(test, nfo_net_dev_note(&fake->nn, lo), 0);
	nfo_net_note_dev(&fake->nn, lo, NFO_NOTE_KNOWN);
	nfo_tell_port(test, lo, BR_STATE_FORWARDING);
	KUNIT_EXPECT_EQ(test, nfo_net_dev_note(&fake->nn, lo), NFO_NOTE_KNOWN);
	nfo_tell_port(test, lo, BR_STATE_BLOCKING);
	KUNIT_EXPECT_EQ(test, nfo_net_dev_note(&fake->nn, lo), NFO_NOTE_KNOWN | NFO_NOTE_HELD);
	nfo_tell_port(test, lo, BR_STATE_FORWARDING);
	KUNIT_EXPECT_EQ(test, nfo_net_dev_note(&fake->nn, lo), NFO_NOTE_KNOWN | NFO_NOTE_HELD);
	KUNIT_EXPECT_EQ(test, fake->looks, 4);
}

/* Which part of a made namespace is the module's. */
#define NFO_TEST_NET_ID	8

/* A device in a namespace of the test's own, where the module finds @fake's struct nfo_net. */
static struct net_device *nfo_made_dev(struct kunit *test, int ifindex)
{
	struct nfo_fake *fake = test->priv;
	struct net *net = kunit_kzalloc(test, sizeof(*net), GFP_KERNEL);
	struct net_generic *gen = kunit_kzalloc(test, struct_size(gen, ptr, NFO_TEST_NET_ID + 1),
						GFP_KERNEL);
	struct net_device *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);
	struct nfo_net **slot = kunit_kzalloc(test, sizeof(*slot), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, net);
	KUNIT_ASSERT_NOT_NULL(test, gen);
	KUNIT_ASSERT_NOT_NULL(test, dev);
	KUNIT_ASSERT_NOT_NULL(test, slot);
	*slot = &fake->nn;
	gen->ptr[NFO_TEST_NET_ID] = slot;
	rcu_assign_pointer(net->gen, gen);
	dev_net_set(dev, net);
	dev->ifindex = ifindex;

	return dev;
}

static void nfo_tell_dev(struct net_device *dev, unsigned long event)
{
	struct netdev_notifier_info info = { .dev = dev };

	nfo_event_netdev(NULL, event, &info);
}

/* A device that goes down may come back. When it is unregistered, nothing is kept of it: a later
 * device may have its index. A flow that used it at that moment is still found when the kernel,
 * which waits for the flow's reference, announces the device again. The holder of RTNL walks
 * through no flows.
 */
static void nfo_test_dev_gone(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	unsigned int id = nfo_net_id;
	struct net_device *dev;

	dev = nfo_made_dev(test, 77);
	nfo_net_id = NFO_TEST_NET_ID;
	KUNIT_ASSERT_TRUE(test, nfo_net_use_dev(&fake->nn, 77));
	KUNIT_ASSERT_TRUE(test, nfo_net_use_dev(&fake->nn, 78));
	nfo_net_note_dev(&fake->nn, 77, NFO_NOTE_KNOWN);
	atomic_set(&fake->t.flows, 1);
	nfo_flushes = 0;
	nfo_losses = 0;
	nfo_tell_dev(dev, NETDEV_GOING_DOWN);
	nfo_tell_dev(dev, NETDEV_DOWN);
	KUNIT_EXPECT_EQ(test, nfo_losses, 1);
	KUNIT_EXPECT_EQ(test, nfo_net_dev_note(&fake->nn, 77), NFO_NOTE_KNOWN);
	nfo_tell_dev(dev, NETDEV_UNREGISTER);
	KUNIT_EXPECT_EQ(test, nfo_losses, 2);
	KUNIT_EXPECT_FALSE(test, nfo_net_uses_dev(&fake->nn, 77));
	KUNIT_EXPECT_TRUE(test, nfo_net_uses_dev(&fake->nn, 78));

	dev->reg_state = NETREG_UNREGISTERED;
	nfo_tell_dev(dev, NETDEV_UNREGISTER);
	KUNIT_EXPECT_EQ(test, nfo_losses, 3);
	KUNIT_EXPECT_EQ(test, nfo_flushes, 0);
	atomic_set(&fake->t.flows, 0);
	nfo_net_id = id;
}

static struct kunit_case nfo_event_cases[] = {
	KUNIT_CASE(nfo_test_overrun),
	KUNIT_CASE(nfo_test_not_made),
	KUNIT_CASE(nfo_test_port_state),
	KUNIT_CASE(nfo_test_dev_gone),
	{}
};

static struct kunit_suite nfo_event_suite = {
	.name		= "nf_flow_offload_event",
	.init		= nfo_event_test_init,
	.exit		= nfo_event_test_exit,
	.test_cases	= nfo_event_cases,
};

kunit_test_suite(nfo_event_suite);
