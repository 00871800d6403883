// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: device stacks. How often the devices below a bridge are looked at.
 */
#include <linux/etherdevice.h>
#include <net/sch_generic.h>

#include "nfo_kunit_chip.h"
#include "nfo_tunnel.h"

/* Many ports below each device. Return: what @fn returned, when not 0. */
static int nfo_ports_walk(struct net_device *dev,
			  int (*fn)(struct net_device *dev, struct netdev_nested_priv *priv),
			  struct netdev_nested_priv *priv);

/* Other rooms call the ones in the tests of those rooms. */
#define nfo_lower_send_by	nfo_real_lower_send_by
#define nfo_lower_shows_ct	nfo_real_lower_shows_ct
#define nfo_lower_check		nfo_real_lower_check
#define nfo_lower_covers	nfo_real_lower_covers
#define nfo_lower_find		nfo_real_lower_find
#define nfo_lower_passes	nfo_real_lower_passes
#define nfo_lower_count_sent	nfo_real_lower_count_sent
#define nfo_lower_count		nfo_real_lower_count
#define nfo_upper_takes		nfo_real_upper_takes
#define netdev_walk_all_lower_dev_rcu	nfo_ports_walk
#include "../../nf_flow_offload_stack.c"
#undef netdev_walk_all_lower_dev_rcu

/* No device is a tunnel. */
bool nfo_dev_is_kind(const struct net_device *dev, const char *kind)
{
	return false;
}

struct net_device *nfo_tunnel_below(const struct net_device *dev, struct nfo_tunnel_way *way)
{
	return NULL;
}

bool nfo_tunnel_hides(const struct net_device *dev)
{
	return false;
}

bool nfo_tunnel_decides(const struct net_device *dev)
{
	return false;
}

bool nfo_tunnel_is_plain(const struct net_device *dev)
{
	return true;
}

void nfo_dev_count_rx(struct net_device *dev, u64 packets, u64 bytes)
{
}

void nfo_dev_count_tx(struct net_device *dev, u64 packets, u64 bytes)
{
}

static struct net_device *nfo_port;
static unsigned int nfo_ports, nfo_looks;

static int nfo_ports_walk(struct net_device *dev,
			  int (*fn)(struct net_device *dev, struct netdev_nested_priv *priv),
			  struct netdev_nested_priv *priv)
{
	unsigned int i;
	int err;

	for (i = 0; i < nfo_ports; i++) {
		nfo_looks++;
		err = fn(nfo_port, priv);
		if (err)
			return err;
	}

	return 0;
}

static int nfo_stack_init(struct kunit *test)
{
	struct nfo_fake *fake = nfo_fake_open(test, 1);

	xa_init_flags(&fake->nn.devs, XA_FLAGS_LOCK_BH);
	xa_init_flags(&fake->nn.led6, XA_FLAGS_LOCK_BH);
	nfo_port = kunit_kzalloc(test, sizeof(*nfo_port), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, nfo_port);
	rcu_assign_pointer(nfo_port->qdisc, &noop_qdisc);

	return 0;
}

static void nfo_stack_exit(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;

	xa_destroy(&fake->nn.devs);
	nfo_fake_close(test);
}

/* Ask for a direction that leaves by the bridge. */
static bool nfo_shows(struct nfo_fake *fake)
{
	struct net_device *bridge = fake->port[0].netdev;
	bool shows;

	rcu_assign_pointer(bridge->qdisc, &noop_qdisc);
	rcu_read_lock();
	shows = nfo_real_lower_shows_ct(&fake->nn, bridge);
	rcu_read_unlock();

	return shows;
}

/* A thousand directions ask. The ports are looked at once in a tenth of a second. */
static void nfo_test_many_ports(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	u32 began, ticks;
	int i;

	KUNIT_ASSERT_TRUE(test, nfo_net_use_dev(&fake->nn, fake->port[0].netdev->ifindex));
	nfo_ports = 500;
	nfo_looks = 0;
	began = nfo_now();
	for (i = 0; i < 1000; i++)
		KUNIT_EXPECT_FALSE(test, nfo_shows(fake));
	ticks = (nfo_now() - began) / (HZ / 10) + 2;
	KUNIT_EXPECT_LE(test, nfo_looks, ticks * nfo_ports);
}

/* A qdisc that one of them gets is seen soon, and the note of the device stays. */
static void nfo_test_port_gets_qdisc(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	int ifindex = fake->port[0].netdev->ifindex;
	unsigned long end = jiffies + 10 * HZ;
	typeof(noop_qdisc) *qdisc;

	KUNIT_ASSERT_TRUE(test, nfo_net_use_dev(&fake->nn, ifindex));
	nfo_net_note_dev(&fake->nn, ifindex, NFO_NOTE_KNOWN | NFO_NOTE_HELD);
	qdisc = kunit_kzalloc(test, sizeof(*qdisc), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, qdisc);
	qdisc->handle = 1;
	nfo_ports = 500;
	KUNIT_EXPECT_FALSE(test, nfo_shows(fake));
	rcu_assign_pointer(nfo_port->qdisc, qdisc);
	while (!nfo_shows(fake) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	/* The look ends at the first port with a qdisc, which is one of few: the answer is new. */
	KUNIT_EXPECT_TRUE(test, nfo_shows(fake));
	KUNIT_EXPECT_EQ(test, nfo_net_dev_note(&fake->nn, ifindex), NFO_NOTE_KNOWN | NFO_NOTE_HELD);
	rcu_assign_pointer(nfo_port->qdisc, &noop_qdisc);
	KUNIT_EXPECT_FALSE(test, nfo_shows(fake));
}

/* Few ports, as most bridges have, and a device that no flow uses yet: each answer is new. */
static void nfo_test_few_ports(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;

	nfo_ports = 500;
	nfo_looks = 0;
	nfo_shows(fake);
	nfo_shows(fake);
	KUNIT_EXPECT_EQ(test, nfo_looks, 2 * nfo_ports);
	KUNIT_ASSERT_TRUE(test, nfo_net_use_dev(&fake->nn, fake->port[0].netdev->ifindex));
	nfo_ports = 4;
	nfo_looks = 0;
	nfo_shows(fake);
	nfo_shows(fake);
	KUNIT_EXPECT_EQ(test, nfo_looks, 2 * nfo_ports);
}

static struct kunit_case nfo_stack_cases[] = {
	KUNIT_CASE(nfo_test_many_ports),
	KUNIT_CASE(nfo_test_port_gets_qdisc),
	KUNIT_CASE(nfo_test_few_ports),
	{}
};

static struct kunit_suite nfo_stack_suite = {
	.name		= "nf_flow_offload_stack",
	.init		= nfo_stack_init,
	.exit		= nfo_stack_exit,
	.test_cases	= nfo_stack_cases,
};

kunit_test_suite(nfo_stack_suite);
