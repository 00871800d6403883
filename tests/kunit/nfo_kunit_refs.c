// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: what the directions of flows rest on, shared by those that rest on the same. The routes,
 * next hops and devices are addresses only: what is really shared here keeps none alive.
 */
#include <kunit/test.h>

#include "../../nf_flow_offload_refs.c"

static struct nfo_net nfo_refs_net;

static unsigned int nfo_shared(void)
{
	return atomic_read(&nfo_refs_table.nelems);
}

/* Once the last references are gone, nothing is left. */
static int nfo_refs_test_init(struct kunit *test)
{
	refcount_set(&nfo_refs_net.refs, 1);
	return nfo_route_refs_init();
}

static void nfo_refs_test_exit(struct kunit *test)
{
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, nfo_shared(), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&nfo_refs_net.route_refs), 0);
	KUNIT_EXPECT_EQ(test, refcount_read(&nfo_refs_net.refs), 1);
	nfo_route_refs_exit();
}

static struct nfo_route_refs nfo_some_refs(void)
{
	return (struct nfo_route_refs) {
		.cookie		= 1,
		.hh		= { 2, 0, 0, 0, 0, 7, 2, 0, 0, 0, 0, 8, 8, 0 },
		.in_dest	= { 2, 0, 0, 0, 0, 10 },
		.rp_filter	= 1,
		.out_lower	= {
			.encap	= { .id = { htons(5), htons(6) }, .kinds = NFO_ENCAP_8021Q },
			.mtu	= 1480,
			.h_dest	= { 2, 0, 0, 0, 0, 9 },
			.h_source = { 2, 0, 0, 0, 0, 11 },
		},
	};
}

/* One field of each is another one; of those from NFO_REFS_POINTERS on, an address. */
#define NFO_REFS_POINTERS	12
#define NFO_REFS_FIELDS		18

static void nfo_other_refs(struct nfo_route_refs other[NFO_REFS_FIELDS])
{
	static struct dst_entry dst;
	static struct nfo_neigh neigh;
	static struct net_device dev;
	int i;

	for (i = 0; i < NFO_REFS_FIELDS; i++)
		other[i] = nfo_some_refs();
	other[0].cookie++;
	other[1].rp_filter++;
	other[2].hh[0]++;
	other[3].hh[ETH_HLEN - 1]++;
	other[4].in_dest[0]++;
	other[5].in_dest[5]++;
	other[6].out_lower.encap.id[0] ^= htons(1);
	other[7].out_lower.encap.id[1] ^= htons(1);
	other[8].out_lower.encap.kinds = NFO_ENCAP_8021AD;
	other[9].out_lower.mtu--;
	other[10].out_lower.h_dest[5]++;
	other[11].out_lower.h_source[5]++;
	other[12].dst = &dst;
	other[13].neigh = &neigh;
	other[14].out = &dev;
	other[15].in = &dev;
	other[16].out_lower.dev = &dev;
	other[17].send = &dev;
}

static struct nfo_route_refs *nfo_share(struct kunit *test, struct nfo_route_refs refs)
{
	static const struct nfo_route_refs empty;
	struct nfo_route_refs *shared = nfo_route_refs_share(&nfo_refs_net, &refs);

	KUNIT_ASSERT_NOT_NULL(test, shared);
	/* The lesson has nothing left to drop. */
	KUNIT_EXPECT_EQ(test, memcmp(&refs, &empty, sizeof(refs)), 0);

	return shared;
}

static void nfo_test_refs_equal(struct kunit *test)
{
	static struct nfo_route_refs other[NFO_REFS_FIELDS];
	struct nfo_route_refs a = nfo_some_refs(), b = nfo_some_refs();
	int i;

	KUNIT_EXPECT_TRUE(test, nfo_refs_equal(&a, &b));
	nfo_other_refs(other);
	for (i = 0; i < NFO_REFS_FIELDS; i++)
		KUNIT_EXPECT_FALSE_MSG(test, nfo_refs_equal(&a, &other[i]), "field %d", i);
}

/* The same is one object, for as long as some direction rests on it. */
static void nfo_test_refs_shared(struct kunit *test)
{
	struct nfo_route_refs *a = nfo_share(test, nfo_some_refs());
	struct nfo_route_refs *b = nfo_share(test, nfo_some_refs());

	KUNIT_EXPECT_PTR_EQ(test, a, b);
	KUNIT_EXPECT_EQ(test, nfo_shared(), 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&nfo_refs_net.route_refs), sizeof(*a));
	nfo_route_refs_put(a);
	KUNIT_EXPECT_EQ(test, nfo_shared(), 1);
	KUNIT_EXPECT_PTR_EQ(test, nfo_share(test, nfo_some_refs()), b);
	nfo_route_refs_put(b);
	nfo_route_refs_put(b);
	KUNIT_EXPECT_EQ(test, nfo_shared(), 0);
}

/* What differs in anything is another object. */
static void nfo_test_refs_apart(struct kunit *test)
{
	static struct nfo_route_refs other[NFO_REFS_FIELDS];
	struct nfo_route_refs *shared[NFO_REFS_POINTERS];
	int i, j;

	nfo_other_refs(other);
	for (i = 0; i < NFO_REFS_POINTERS; i++) {
		shared[i] = nfo_share(test, other[i]);
		KUNIT_EXPECT_TRUE(test, nfo_refs_equal(shared[i], &other[i]));
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_PTR_NE(test, shared[i], shared[j]);
	}
	KUNIT_EXPECT_EQ(test, nfo_shared(), NFO_REFS_POINTERS);
	for (i = 0; i < NFO_REFS_POINTERS; i++)
		nfo_route_refs_put(shared[i]);
}

/* What few directions have is one direction's own. */
static void nfo_test_refs_extra(struct kunit *test)
{
	struct nfo_route_refs *own[2], refs;
	int i;

	for (i = 0; i < 2; i++) {
		refs = nfo_some_refs();
		refs.extra = kzalloc_obj(*refs.extra);
		KUNIT_ASSERT_NOT_NULL(test, refs.extra);
		own[i] = nfo_share(test, refs);
		KUNIT_EXPECT_PTR_EQ(test, own[i]->extra, refs.extra);
	}
	KUNIT_EXPECT_PTR_NE(test, own[0], own[1]);
	KUNIT_EXPECT_EQ(test, nfo_shared(), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&nfo_refs_net.route_refs),
			2 * (sizeof(refs) + sizeof(*refs.extra)));
	nfo_route_refs_put(own[0]);
	nfo_route_refs_put(own[1]);
}

/* A direction that was never learned: any number of flows has it, and none counts. */
static void nfo_test_refs_none(struct kunit *test)
{
	nfo_route_refs_put(&nfo_route_refs_none);
	nfo_route_refs_put(&nfo_route_refs_none);
	KUNIT_EXPECT_NULL(test, nfo_route_refs_none.in);
	KUNIT_EXPECT_NULL(test, nfo_route_refs_none.dst);
}

static struct kunit_case nfo_refs_cases[] = {
	KUNIT_CASE(nfo_test_refs_equal),
	KUNIT_CASE(nfo_test_refs_shared),
	KUNIT_CASE(nfo_test_refs_apart),
	KUNIT_CASE(nfo_test_refs_extra),
	KUNIT_CASE(nfo_test_refs_none),
	{}
};

static struct kunit_suite nfo_refs_suite = {
	.name		= "nf_flow_offload_refs",
	.init		= nfo_refs_test_init,
	.exit		= nfo_refs_test_exit,
	.test_cases	= nfo_refs_cases,
};

kunit_test_suite(nfo_refs_suite);
