// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: decisions that need nothing but their arguments.
 */
#include <kunit/test.h>
#include <linux/random.h>
#include <net/checksum.h>

#include "nfo_hash.h"

/* The module's is its own; any seed will do here. */
u32 nfo_hash_seed = 0x5eed5eed;

/* ---- checksums, held against the kernel's own incremental updates ---- */

static void nfo_test_csum_addr4(struct kunit *test)
{
	int i;

	for (i = 0; i < 20000; i++) {
		__be32 from = (__force __be32)get_random_u32();
		__be32 to = (__force __be32)get_random_u32();
		__sum16 want = (__force __sum16)get_random_u16();
		__sum16 got;

		got = nfo_csum_apply(want, nfo_csum_delta(&from, &to, 4));
		csum_replace4(&want, from, to);
		KUNIT_ASSERT_EQ(test, (__force u16)got, (__force u16)want);
	}
}

/* Address and port in one step are what conntrack does in two. */
static void nfo_test_csum_addr_and_port(struct kunit *test)
{
	int i;

	for (i = 0; i < 20000; i++) {
		__be32 a = (__force __be32)get_random_u32();
		__be32 b = (__force __be32)get_random_u32();
		__be16 p = (__force __be16)get_random_u16();
		__be16 q = (__force __be16)get_random_u16();
		__sum16 want = (__force __sum16)get_random_u16();
		__sum16 got;
		u16 delta;

		delta = nfo_csum_delta_add(nfo_csum_delta(&a, &b, 4),
					   nfo_csum_delta(&p, &q, 2));
		got = nfo_csum_apply(want, delta);
		csum_replace4(&want, a, b);
		csum_replace2(&want, p, q);
		KUNIT_ASSERT_EQ(test, (__force u16)got, (__force u16)want);
	}
}

static void nfo_test_csum_addr6(struct kunit *test)
{
	int i, w;

	for (i = 0; i < 20000; i++) {
		__sum16 want = (__force __sum16)get_random_u16();
		struct in6_addr from, to;
		__sum16 got;

		get_random_bytes(&from, sizeof(from));
		get_random_bytes(&to, sizeof(to));
		got = nfo_csum_apply(want, nfo_csum_delta(&from, &to, 16));
		for (w = 0; w < 4; w++)
			csum_replace4(&want, from.s6_addr32[w], to.s6_addr32[w]);
		KUNIT_ASSERT_EQ(test, (__force u16)got, (__force u16)want);
	}
}

/* RFC 1624, section 4: the example that older formulas got wrong. */
static void nfo_test_csum_rfc1624(struct kunit *test)
{
	__be16 from = htons(0x5555), to = htons(0x3285);
	__sum16 check = (__force __sum16)htons(0xdd2f);

	check = nfo_csum_apply(check, nfo_csum_delta(&from, &to, 2));
	KUNIT_EXPECT_EQ(test, ntohs((__force __be16)check), 0x0000);
}

static void nfo_test_csum_no_change(struct kunit *test)
{
	__be32 a = htonl(0xc0a80101);

	KUNIT_EXPECT_EQ(test, nfo_csum_delta(&a, &a, 4), 0xffff);
	KUNIT_EXPECT_EQ(test, (__force u16)nfo_csum_apply((__force __sum16)0x1234, 0xffff),
			0x1234);
	/* The two zeros are one. */
	KUNIT_EXPECT_EQ(test, (__force u16)nfo_csum_apply((__force __sum16)0xffff, 0xffff),
			0x0000);
}

/* CHECKSUM_PARTIAL: the field holds the pseudo header's sum as it is. */
static void nfo_test_csum_partial(struct kunit *test)
{
	int i;

	for (i = 0; i < 20000; i++) {
		__be32 src = (__force __be32)get_random_u32();
		__be32 dst = (__force __be32)get_random_u32();
		__be32 to = (__force __be32)get_random_u32();
		__sum16 got, want;

		got = ~csum_tcpudp_magic(src, dst, 1234, IPPROTO_TCP, 0);
		got = nfo_csum_apply_partial(got, nfo_csum_delta(&src, &to, 4));
		want = ~csum_tcpudp_magic(to, dst, 1234, IPPROTO_TCP, 0);
		KUNIT_ASSERT_EQ(test, (__force u16)got, (__force u16)want);
	}
}

/* ---- ladders ---- */

/* bit order of the header's flags byte: FIN SYN RST PSH ACK URG */
#define F BIT(0)
#define S BIT(1)
#define R BIT(2)
#define P BIT(3)
#define A BIT(4)
#define U BIT(5)

static enum nfo_verdict nfo_want_tcp(unsigned int flags)
{
	switch (flags & ~P) {
	case A:
	case A | U:
		return NFO_FORWARD;
	case S:
	case S | U:
	case S | A:
	case R:
	case R | A:
	case F | A:
	case F | A | U:
		return NFO_CLOSE;
	}
	return NFO_PASS;
}

static void nfo_test_tcp_verdict(struct kunit *test)
{
	unsigned int flags;

	for (flags = 0; flags < 64; flags++) {
		struct tcphdr th = {
			.fin = !!(flags & F), .syn = !!(flags & S),
			.rst = !!(flags & R), .psh = !!(flags & P),
			.ack = !!(flags & A), .urg = !!(flags & U),
		};

		KUNIT_EXPECT_EQ_MSG(test, nfo_tcp_verdict(&th), nfo_want_tcp(flags),
				    "flags 0x%02x", flags);
		/* Congestion notification changes nothing. */
		th.ece = 1;
		th.cwr = 1;
		KUNIT_EXPECT_EQ(test, nfo_tcp_verdict(&th), nfo_want_tcp(flags));
	}
}

static void nfo_test_status_ladder(struct kunit *test)
{
	static const struct {
		unsigned long status;
		enum nfo_reason why;
	} rungs[] = {
		{ 0, NFO_R_UNCONFIRMED },
		{ IPS_DYING, NFO_R_UNCONFIRMED },
		{ IPS_CONFIRMED, NFO_R_NONE },
		{ IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED, NFO_R_NONE },
		{ IPS_CONFIRMED | IPS_SRC_NAT | IPS_DST_NAT_DONE, NFO_R_NONE },
		{ IPS_CONFIRMED | IPS_DYING, NFO_R_DYING },
		{ IPS_CONFIRMED | IPS_DYING | IPS_SEQ_ADJUST, NFO_R_DYING },
		{ IPS_CONFIRMED | IPS_SEQ_ADJUST, NFO_R_SEQ_ADJUST },
		{ IPS_CONFIRMED | IPS_NAT_CLASH, NFO_R_NAT_CLASH },
		{ IPS_CONFIRMED | IPS_FIXED_TIMEOUT, NFO_R_FIXED_TIMEOUT },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(rungs); i++)
		KUNIT_EXPECT_EQ_MSG(test, nfo_status_reason(rungs[i].status),
				    rungs[i].why, "status 0x%lx", rungs[i].status);
}

/* ---- time ---- */

static void nfo_test_wheel_slot(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, nfo_wheel_slot(0, 0), 1);
	KUNIT_EXPECT_EQ(test, nfo_wheel_slot(0, 1), 1);
	KUNIT_EXPECT_EQ(test, nfo_wheel_slot(0, HZ), 1);
	KUNIT_EXPECT_EQ(test, nfo_wheel_slot(0, HZ + 1), 2);
	KUNIT_EXPECT_EQ(test, nfo_wheel_slot(10, 30 * HZ), 40);
	KUNIT_EXPECT_EQ(test, nfo_wheel_slot(60, 30 * HZ), 26);
	/* Far ahead is looked at in between. */
	KUNIT_EXPECT_EQ(test, nfo_wheel_slot(0, 86400 * HZ), NFO_VISIT_MAX);
	KUNIT_EXPECT_EQ(test, nfo_wheel_slot(0, U32_MAX), NFO_VISIT_MAX);
	KUNIT_EXPECT_LT(test, NFO_VISIT_MAX, NFO_WHEEL_SLOTS);
}

static void nfo_test_timeout_left(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, nfo_timeout_left(120 * HZ, 0), 120 * HZ);
	KUNIT_EXPECT_EQ(test, nfo_timeout_left(120 * HZ, 30 * HZ), 90 * HZ);
	KUNIT_EXPECT_EQ(test, nfo_timeout_left(30 * HZ, 30 * HZ), 0);
	KUNIT_EXPECT_EQ(test, nfo_timeout_left(30 * HZ, 31 * HZ), 0);
}

/* ---- keys ---- */

static struct nfo_flow *nfo_test_flow(struct kunit *test, u8 family)
{
	struct nfo_flow *f;

	f = kunit_kzalloc(test, struct_size(f, a6, IP_CT_DIR_MAX), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	get_random_bytes(&f->e[0].key, sizeof(struct nfo_key));
	get_random_bytes(&f->a6[0], sizeof(struct nfo_addr6));
	f->e[0].key.family = family;
	f->e[1].flags = NFO_E_REPLY;

	return f;
}

static bool nfo_test_match(const struct nfo_flow *f, const struct nfo_lookup *l)
{
	struct rhashtable_compare_arg arg = { .key = l };

	return !nfo_ht_cmp(&arg, &f->e[0]);
}

/* Every byte of the key counts, and equal keys hash alike. */
static void nfo_test_key4(struct kunit *test)
{
	struct nfo_flow *f = nfo_test_flow(test, NFPROTO_IPV4);
	struct nfo_lookup l = { .key = f->e[0].key };
	u8 *bytes = (u8 *)&l.key;
	int i;

	KUNIT_EXPECT_TRUE(test, nfo_test_match(f, &l));
	KUNIT_EXPECT_EQ(test, nfo_ht_hash(&l, 0, 7), nfo_ht_obj_hash(&f->e[0], 0, 7));
	for (i = 0; i < sizeof(l.key); i++) {
		bytes[i] ^= 0x10;
		KUNIT_EXPECT_FALSE_MSG(test, nfo_test_match(f, &l), "byte %d", i);
		bytes[i] ^= 0x10;
	}
}

/* Folded addresses may collide; the addresses themselves decide. */
static void nfo_test_key6(struct kunit *test)
{
	struct nfo_flow *f = nfo_test_flow(test, NFPROTO_IPV6);
	struct in6_addr s = f->a6[0].saddr, d = f->a6[0].daddr;
	struct nfo_lookup l = {
		.key = f->e[0].key, .saddr6 = &s, .daddr6 = &d,
	};
	int i;

	KUNIT_EXPECT_TRUE(test, nfo_test_match(f, &l));
	for (i = 0; i < 16; i++) {
		s.s6_addr[i] ^= 1;
		KUNIT_EXPECT_FALSE_MSG(test, nfo_test_match(f, &l), "source byte %d", i);
		s.s6_addr[i] ^= 1;
		d.s6_addr[i] ^= 1;
		KUNIT_EXPECT_FALSE_MSG(test, nfo_test_match(f, &l), "destination byte %d", i);
		d.s6_addr[i] ^= 1;
	}
}

static void nfo_test_layout(struct kunit *test)
{
	struct nfo_flow *f = nfo_test_flow(test, NFPROTO_IPV6);

	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_entry, out), 64);
	KUNIT_EXPECT_EQ(test, sizeof(struct nfo_entry), 128);
	KUNIT_EXPECT_PTR_EQ(test, nfo_flow(&f->e[0]), f);
	KUNIT_EXPECT_PTR_EQ(test, nfo_flow(&f->e[1]), f);
	KUNIT_EXPECT_PTR_EQ(test, nfo_addr6(&f->e[0]), &f->a6[0]);
	KUNIT_EXPECT_PTR_EQ(test, nfo_addr6(&f->e[1]), &f->a6[1]);
}

static struct kunit_case nfo_cases[] = {
	KUNIT_CASE(nfo_test_csum_addr4),
	KUNIT_CASE(nfo_test_csum_addr_and_port),
	KUNIT_CASE(nfo_test_csum_addr6),
	KUNIT_CASE(nfo_test_csum_rfc1624),
	KUNIT_CASE(nfo_test_csum_no_change),
	KUNIT_CASE(nfo_test_csum_partial),
	KUNIT_CASE(nfo_test_tcp_verdict),
	KUNIT_CASE(nfo_test_status_ladder),
	KUNIT_CASE(nfo_test_wheel_slot),
	KUNIT_CASE(nfo_test_timeout_left),
	KUNIT_CASE(nfo_test_key4),
	KUNIT_CASE(nfo_test_key6),
	KUNIT_CASE(nfo_test_layout),
	{}
};

static struct kunit_suite nfo_suite = {
	.name		= "nf_flow_offload",
	.test_cases	= nfo_cases,
};

kunit_test_suite(nfo_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of nf_flow_offload's pure logic and hardware side");
