// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: what a CPU remembers of the packets it has in hand.
 */
#include <kunit/test.h>
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/slab.h>

#include "../../nf_flow_offload_note.c"

static int nfo_note_test_init(struct kunit *test)
{
	return nfo_note_init();
}

static void nfo_note_test_exit(struct kunit *test)
{
	nfo_note_exit();
}

/* A permit is good once, for its packet, its connection and its namespace. */
static void nfo_test_permit(struct kunit *test)
{
	struct nfo_net *nn = kunit_kzalloc(test, sizeof(*nn), GFP_KERNEL);
	struct nfo_net *other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	struct nfo_table *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct nf_conn *ct = kunit_kzalloc(test, 2 * sizeof(*ct), GFP_KERNEL);
	const struct sk_buff *skb = (const void *)nn;

	KUNIT_ASSERT_NOT_NULL(test, nn);
	KUNIT_ASSERT_NOT_NULL(test, other);
	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_ASSERT_NOT_NULL(test, ct);
	t->nn = nn;

	nfo_permit(t, skb, ct);
	KUNIT_EXPECT_NULL(test, nfo_permitted(nn, (const void *)other, ct));
	KUNIT_EXPECT_PTR_EQ(test, nfo_permitted(nn, skb, ct), t);
	KUNIT_EXPECT_NULL(test, nfo_permitted(nn, skb, ct));
	nfo_permit(t, skb, ct);
	KUNIT_EXPECT_NULL(test, nfo_permitted(nn, skb, ct + 1));
	nfo_permit(t, skb, ct);
	KUNIT_EXPECT_NULL(test, nfo_permitted(other, skb, ct));
}

/* The packet of a permit was dropped, its table is gone, and a packet of another namespace has
 * got its address, and that of its connection. KASAN sees whether the table is read.
 */
static void nfo_test_permit_outlives(struct kunit *test)
{
	struct nfo_net *nn = kunit_kzalloc(test, sizeof(*nn), GFP_KERNEL);
	struct nfo_net *other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	struct nfo_table *t = kzalloc_obj(*t);
	const struct nf_conn *ct = (const void *)nn;
	const struct sk_buff *skb = (const void *)nn;

	KUNIT_ASSERT_NOT_NULL(test, nn);
	KUNIT_ASSERT_NOT_NULL(test, other);
	KUNIT_ASSERT_NOT_NULL(test, t);
	t->nn = nn;
	nfo_permit(t, skb, ct);
	/* As nfo_table_drain() does, and what follows it. */
	atomic_inc(&nfo_tables_gen);
	kfree(t);
	KUNIT_EXPECT_NULL(test, nfo_permitted(other, skb, ct));
}

/* Addresses are copied and compared by halfwords, which some processors cannot do at an odd
 * place.
 */
static void nfo_test_note_places(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_note, in_dest) % 2, 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_note, h_source) % 2, 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_route_refs, hh) % 2, 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_route_refs, in_dest) % 2, 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_lower, h_dest) % 2, 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_lower, h_source) % 2, 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_origin, h_source) % 2, 0);
}

static struct sk_buff *nfo_note_packet(struct kunit *test, struct net_device *dev, u8 ttl)
{
	struct sk_buff *skb = alloc_skb(128, GFP_KERNEL);
	struct udphdr *uh;
	struct iphdr *iph;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb->dev = dev;
	skb->protocol = htons(ETH_P_IP);
	skb_reset_mac_header(skb);
	memset(skb_put(skb, ETH_HLEN), 2, ETH_HLEN);
	skb_pull(skb, ETH_HLEN);
	skb_reset_network_header(skb);
	iph = skb_put_zero(skb, sizeof(*iph));
	iph->version = 4;
	iph->ihl = 5;
	iph->ttl = ttl;
	iph->protocol = IPPROTO_UDP;
	iph->tot_len = htons(sizeof(*iph) + sizeof(*uh));
	skb_put_zero(skb, sizeof(*uh));

	return skb;
}

static const struct nfo_key nfo_note_key = {
	.l4proto	= IPPROTO_UDP,
	.family		= NFPROTO_IPV4,
	.iif		= 1,
};

static const struct nf_conntrack_tuple nfo_note_tuple = {
	.src.l3num	= NFPROTO_IPV4,
	.dst.protonum	= IPPROTO_UDP,
};

static struct net_device *nfo_note_dev(struct kunit *test)
{
	struct net_device *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, dev);
	dev->dev_addr = kunit_kzalloc(test, ETH_ALEN, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, dev->dev_addr);

	return dev;
}

/* A packet that comes while another one teaches writes another note, and not the lesson's. */
static void nfo_test_note_is_a_copy(struct kunit *test)
{
	struct net_device *dev = nfo_note_dev(test);
	const struct nfo_table *t = (const void *)dev;
	struct sk_buff *one, *two;
	struct nfo_note note;

	one = nfo_note_packet(test, dev, 64);
	two = nfo_note_packet(test, dev, 32);

	nfo_note_take(t, one, &nfo_note_key, NULL, sizeof(struct iphdr), 7);
	KUNIT_ASSERT_TRUE(test, nfo_note_find(t, one, &nfo_note_tuple, &note));
	nfo_note_take(t, two, &nfo_note_key, NULL, sizeof(struct iphdr), 8);
	KUNIT_EXPECT_EQ(test, note.look.ttl, 64);
	KUNIT_EXPECT_EQ(test, note.epoch, 7);
	/* The two differ in what is learned, so the first one has lost its note. */
	KUNIT_EXPECT_FALSE(test, nfo_note_find(t, one, &nfo_note_tuple, &note));
	KUNIT_EXPECT_TRUE(test, nfo_note_find(t, two, &nfo_note_tuple, &note));
	KUNIT_EXPECT_EQ(test, note.look.ttl, 32);
	kfree_skb(one);
	kfree_skb(two);
}

/* Three tables list the device, and each takes its note of a packet, wherever their hashes meet. */
static void nfo_test_note_of_each_table(struct kunit *test)
{
	struct nf_conntrack_tuple tuple = nfo_note_tuple;
	struct nfo_key key = nfo_note_key;
	struct net_device *dev = nfo_note_dev(test);
	/* Tables are told apart by their addresses alone. */
	const struct nfo_table *t = (const void *)dev;
	struct nfo_note note;
	struct sk_buff *skb;
	int i, j, lost = 0;

	skb = nfo_note_packet(test, dev, 64);

	for (i = 0; i < 1000; i++) {
		key.sport = htons(i);
		tuple.src.u.all = key.sport;
		for (j = 0; j < 3; j++)
			nfo_note_take(&t[3 * i + j], skb, &key, NULL, sizeof(struct iphdr), 7 + j);
		for (j = 0; j < 3; j++)
			lost += !nfo_note_find(&t[3 * i + j], skb, &tuple, &note) ||
				note.epoch != 7 + j;
	}
	KUNIT_EXPECT_EQ(test, lost, 0);
	kfree_skb(skb);
}

static struct kunit_case nfo_note_cases[] = {
	KUNIT_CASE(nfo_test_permit),
	KUNIT_CASE(nfo_test_permit_outlives),
	KUNIT_CASE(nfo_test_note_places),
	KUNIT_CASE(nfo_test_note_is_a_copy),
	KUNIT_CASE(nfo_test_note_of_each_table),
	{}
};

static struct kunit_suite nfo_note_suite = {
	.name		= "nf_flow_offload_note",
	.init		= nfo_note_test_init,
	.exit		= nfo_note_test_exit,
	.test_cases	= nfo_note_cases,
};

kunit_test_suite(nfo_note_suite);
