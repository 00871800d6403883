// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the calls that nf_tables makes to a flowtable type, in the orders in which kernels make
 * them.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <net/netfilter/nf_tables.h>

/* The rooms below, which this file has for itself. */
#define nfo_table_alloc		nfo_nft_test_alloc
#define nfo_table_enlist	nfo_nft_test_enlist
#define nfo_table_drain		nfo_nft_test_drain
#define nfo_table_free		nfo_nft_test_free
#define nfo_learn_net_start	nfo_nft_test_learn_start
#define nfo_learn_net_stop	nfo_nft_test_learn_stop
#define nfo_event_net_start	nfo_nft_test_event_start
#define nfo_event_net_stop	nfo_nft_test_event_stop
#define nfo_hw_init		nfo_nft_test_hw_init
#define nfo_hw_exit		nfo_nft_test_hw_exit
#define nfo_hw_leave_all	nfo_nft_test_hw_leave_all
#define nfo_hw_setup		nfo_nft_test_hw_setup
#define nfo_permit		nfo_nft_test_permit
#define nfo_l4_permit_check	nfo_nft_test_l4_permit_check
#define nfo_table_press		nfo_nft_test_press
#define nfo_hook_ip		nfo_nft_test_hook
#define nfo_hook_ip6		nfo_nft_test_hook
#define nfo_hook_inet		nfo_nft_test_hook

/* nf_tables is not to take this module for the one that it loads for a flowtable. */
#undef MODULE_ALIAS
#define MODULE_ALIAS(alias)

#include "../../nf_flow_offload_nft.c"

/* The flowtable of a test, how often nf_tables' calls reached the hardware side, and how a new
 * table was made.
 */
static struct {
	struct nfo_net		*nn;
	struct net_device	dev;
	unsigned int		setups;
	bool			hw_ready;
	bool			listed;
	bool			listed_too_early;
} nfo_nft_test;

struct nfo_table *nfo_table_alloc(struct net *net, struct nf_flowtable *ft)
{
	struct nfo_table *t = kzalloc_obj(*t);

	if (!t)
		return ERR_PTR(-ENOMEM);
	t->nn = nfo_nft_test.nn;

	return t;
}

/* From here on other contexts use the hardware side of the table. */
void nfo_table_enlist(struct nfo_table *t)
{
	nfo_nft_test.listed = true;
	nfo_nft_test.listed_too_early = !nfo_nft_test.hw_ready;
}

void nfo_table_drain(struct nfo_table *t)
{
}

/* At once, so KASAN sees who uses the table afterwards. */
void nfo_table_free(struct nfo_table *t)
{
	kfree(t);
}

int nfo_learn_net_start(struct nfo_net *nn)
{
	return 0;
}

void nfo_learn_net_stop(struct nfo_net *nn)
{
}

void nfo_event_net_start(struct nfo_net *nn)
{
}

void nfo_event_net_stop(struct nfo_net *nn)
{
}

void nfo_hw_init(struct nfo_table *t)
{
	nfo_nft_test.hw_ready = true;
}

void nfo_hw_exit(struct nfo_table *t)
{
}

void nfo_hw_leave_all(struct nfo_table *t)
{
}

int nfo_hw_setup(struct nfo_table *t, struct net_device *dev, enum flow_block_command cmd,
		 enum nfo_reason why)
{
	nfo_nft_test.setups++;
	return 0;
}

void nfo_permit(struct nfo_table *t, const struct sk_buff *skb, const struct nf_conn *ct)
{
}

enum nfo_reason nfo_l4_permit_check(struct sk_buff *skb, const struct nfo_net *nn,
				    const struct nf_conn *ct, unsigned int thoff)
{
	return NFO_R_NONE;
}

void nfo_table_press(struct nfo_table *t)
{
}

unsigned int nfo_nft_test_hook(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return NF_ACCEPT;
}

/* Older kernels free a flowtable first and unbind its devices then. */
static void nfo_test_unbind_after_free(struct kunit *test)
{
	struct nft_flowtable *nft = kunit_kzalloc(test, sizeof(*nft), GFP_KERNEL);
	const struct nf_flowtable_type *type = &nfo_table_types[0];
	struct nfo_net *nn = kunit_kzalloc(test, sizeof(*nn), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, nft);
	KUNIT_ASSERT_NOT_NULL(test, nn);
	nn->net = &init_net;
	mutex_init(&nn->lock);
	nfo_nft_test.nn = nn;
	nfo_nft_test.setups = 0;
	nfo_nft_test.hw_ready = false;
	nfo_nft_test.listed = false;
	write_pnet(&nft->data.net, &init_net);

	KUNIT_ASSERT_EQ(test, type->init(&nft->data), 0);
	KUNIT_EXPECT_EQ(test, type->setup(&nft->data, &nfo_nft_test.dev, FLOW_BLOCK_BIND), 0);
	KUNIT_EXPECT_EQ(test, nfo_nft_test.setups, 1);
	KUNIT_EXPECT_TRUE(test, nfo_nft_test.listed);
	KUNIT_EXPECT_FALSE(test, nfo_nft_test.listed_too_early);
	type->free(&nft->data);
	KUNIT_EXPECT_EQ(test, type->setup(&nft->data, &nfo_nft_test.dev, FLOW_BLOCK_UNBIND), 0);
	KUNIT_EXPECT_EQ(test, nfo_nft_test.setups, 1);
}

static struct nfo_dev *nfo_found(const struct nfo_devs *devs, int ifindex)
{
	struct nfo_dev *d;

	rcu_read_lock();
	d = nfo_dev_find(devs, ifindex);
	rcu_read_unlock();

	return d;
}

/* A device leaves a flowtable and joins again in one transaction, and is listed twice meanwhile. */
static void nfo_test_listed_twice(struct kunit *test)
{
	struct net_device *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);
	struct nfo_dev *one, *two;
	struct nfo_devs devs;

	KUNIT_ASSERT_NOT_NULL(test, dev);
	dev->ifindex = 7;
	nfo_devs_init(&devs);
	KUNIT_EXPECT_NULL(test, nfo_found(&devs, 7));
	one = nfo_dev_add(&devs, dev);
	two = nfo_dev_add(&devs, dev);
	KUNIT_ASSERT_TRUE(test, one && two);
	KUNIT_EXPECT_PTR_EQ(test, nfo_found(&devs, 7), one);
	KUNIT_EXPECT_NULL(test, nfo_found(&devs, 8));
	nfo_dev_del(&devs, one);
	KUNIT_EXPECT_PTR_EQ(test, nfo_found(&devs, 7), two);
	one = nfo_dev_add(&devs, dev);
	KUNIT_ASSERT_NOT_NULL(test, one);
	nfo_dev_del(&devs, one);
	KUNIT_EXPECT_PTR_EQ(test, nfo_found(&devs, 7), two);
	nfo_dev_del(&devs, two);
	KUNIT_EXPECT_NULL(test, nfo_found(&devs, 7));
	KUNIT_EXPECT_TRUE(test, list_empty(&devs.list));
	KUNIT_EXPECT_TRUE(test, xa_empty(&devs.by_index));
}

static struct kunit_case nfo_nft_cases[] = {
	KUNIT_CASE(nfo_test_unbind_after_free),
	KUNIT_CASE(nfo_test_listed_twice),
	{}
};

static struct kunit_suite nfo_nft_suite = {
	.name		= "nf_flow_offload_nft",
	.test_cases	= nfo_nft_cases,
};

kunit_test_suite(nfo_nft_suite);
