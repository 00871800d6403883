// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: decisions that need nothing but their arguments.
 */
#include <kunit/test.h>
#include <linux/random.h>
#include <net/checksum.h>
#include <net/ip6_checksum.h>

#include "nfo_entry.h"
#include "nfo_hash.h"
#include "nfo_table.h"

/* The module's is its own; any seed will do here. */
struct nfo_hash_secret nfo_hash_secret = {
	.add = { 0x5eed5eed, 0x12345678, 0xdeadbeef, 0x0badcafe, 0x31415926, 0x27182818 },
	.mul = { 0x9e3779b97f4a7c15ull, 0xc2b2ae3d27d4eb4full },
};

struct nfo_hw_flow nfo_hw_none;

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

/* ---- the layer 4 checksum of a packet that is rewritten ---- */

struct nfo_test_segment {
	union nf_inet_addr	src;
	union nf_inet_addr	dst;
	struct {
		__be16		sport;
		__be16		dport;
		u8		rest[28];
	} l4;
};

/* The whole sum of a segment whose checksum field counts as 0. */
static __sum16 nfo_full_csum(const struct nfo_test_segment *s, u8 family, u8 proto)
{
	__wsum sum = csum_partial(&s->l4, sizeof(s->l4), 0);

	if (family == NFPROTO_IPV4)
		return csum_tcpudp_magic(s->src.ip, s->dst.ip, sizeof(s->l4), proto, sum);
	return csum_ipv6_magic(&s->src.in6, &s->dst.in6, sizeof(s->l4), proto, sum);
}

static __sum16 nfo_pseudo_csum(const struct nfo_test_segment *s, u8 family, u8 proto)
{
	if (family == NFPROTO_IPV4)
		return ~csum_tcpudp_magic(s->src.ip, s->dst.ip, sizeof(s->l4), proto, 0);
	return ~csum_ipv6_magic(&s->src.in6, &s->dst.in6, sizeof(s->l4), proto, 0);
}

/* What learning puts into an entry. */
static void nfo_entry_deltas(struct nfo_entry *e, const struct nfo_test_segment *from,
			     const struct nfo_test_segment *to, unsigned int len)
{
	u16 ports = nfo_csum_delta_add(nfo_csum_delta(&from->l4.sport, &to->l4.sport, 2),
				       nfo_csum_delta(&from->l4.dport, &to->l4.dport, 2));

	e->addr_delta = nfo_csum_delta_add(nfo_csum_delta(&from->src, &to->src, len),
					   nfo_csum_delta(&from->dst, &to->dst, len));
	e->l4_delta = nfo_csum_delta_add(e->addr_delta, ports);
}

static void nfo_test_l4_csum_nat(struct kunit *test)
{
	static const u8 families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };
	struct nfo_test_segment from, to;
	struct nfo_entry e = {};
	int i;

	for (i = 0; i < 40000; i++) {
		u8 family = families[i & 1], proto = i & 2 ? IPPROTO_TCP : IPPROTO_UDP;
		__sum16 got, want;

		get_random_bytes(&from, sizeof(from));
		get_random_bytes(&to, sizeof(to));
		memcpy(to.l4.rest, from.l4.rest, sizeof(to.l4.rest));
		/* One of the two addresses changes, or both; or neither does. */
		if (i & 4)
			to.src = from.src;
		if (i & 8)
			to.dst = from.dst;
		if (i & 16)
			to.l4 = from.l4;
		nfo_entry_deltas(&e, &from, &to, family == NFPROTO_IPV4 ? 4 : 16);
		got = nfo_l4_csum_nat(nfo_full_csum(&from, family, proto), &e, false);
		want = nfo_full_csum(&to, family, proto);
		KUNIT_ASSERT_EQ_MSG(test, (__force u16)got, (__force u16)want, "case %d", i % 32);

		/* A sum that is yet to be made covers the ports later. */
		got = nfo_l4_csum_nat(nfo_pseudo_csum(&from, family, proto), &e, true);
		want = nfo_pseudo_csum(&to, family, proto);
		KUNIT_ASSERT_EQ_MSG(test, (__force u16)got, (__force u16)want, "case %d", i % 32);
	}
}

/* ---- the checksum of an IPv4 header ---- */

static void nfo_test_ip_csum(struct kunit *test)
{
	struct iphdr h;
	u16 kind;
	int i;

	for (i = 0; i < 40000; i++) {
		get_random_bytes(&h, sizeof(h));
		h.version = 4;
		h.ihl = 5;
		h.check = 0;
		h.check = ip_fast_csum(&h, 5);
		KUNIT_ASSERT_FALSE(test, nfo_ip_csum_bad(&h));
		/* Zero has two forms, and both are right. */
		if (!h.check)
			h.check = (__force __sum16)0xffff;
		KUNIT_ASSERT_FALSE(test, nfo_ip_csum_bad(&h));
		get_random_bytes(&kind, sizeof(kind));
		h.check = (__force __sum16)kind;
		KUNIT_ASSERT_EQ(test, nfo_ip_csum_bad(&h), ip_fast_csum(&h, 5) != 0);
	}
}

/* Every checksum field and every TTL: what ip_forward() makes of them, in one step with what NAT
 * makes of the addresses.
 */
static void nfo_test_csum_hop(struct kunit *test)
{
	unsigned int check;
	int i;

	for (check = 0; check <= 0xffff; check++) {
		struct iphdr h = { .ttl = check % 255 + 1 }, after;
		u16 delta;

		h.check = (__force __sum16)check;
		after = h;
		ip_decrease_ttl(&after);
		KUNIT_ASSERT_EQ_MSG(test,
				    (__force u16)nfo_csum_apply(h.check, nfo_csum_delta_hop()),
				    (__force u16)after.check, "check %x", check);
		for (i = 0; i < 4; i++) {
			get_random_bytes(&delta, sizeof(delta));
			/* No replacement has the difference 0. */
			delta = delta ?: 0xffff;
			after.check = nfo_csum_apply(h.check, delta);
			after.ttl = h.ttl;
			ip_decrease_ttl(&after);
			delta = nfo_csum_delta_add(delta, nfo_csum_delta_hop());
			KUNIT_ASSERT_EQ_MSG(test, (__force u16)nfo_csum_apply(h.check, delta),
					    (__force u16)after.check, "check %x", check);
		}
	}
}

/* ---- the highest numbers of a TCP direction ---- */

static void nfo_track(struct nfo_entry *e, u32 seq, unsigned int len, u32 ack, u16 win)
{
	struct tcphdr th = {
		.seq = htonl(seq), .ack_seq = htonl(ack), .window = htons(win),
	};

	nfo_entry_track_tcp(e, &th, len);
}

static void nfo_test_track_tcp(struct kunit *test)
{
	static const u32 bases[] = { 0, 5000, 0x7fffff00, 0x80000000, U32_MAX - 50, U32_MAX };
	int i;

	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		u32 seq = bases[i], ack = bases[ARRAY_SIZE(bases) - 1 - i];
		struct nfo_entry e = { .end = seq, .ack = ack, .win = 1 };

		nfo_track(&e, seq, 100, ack + 1000, 500);
		KUNIT_EXPECT_EQ(test, e.end, seq + 100);
		KUNIT_EXPECT_EQ(test, e.ack, ack + 1000);
		KUNIT_EXPECT_EQ(test, e.win, 500);
		/* Overtaken by the segment before: its window is history. */
		nfo_track(&e, seq, 100, ack + 10, 0);
		KUNIT_EXPECT_EQ(test, e.end, seq + 100);
		KUNIT_EXPECT_EQ(test, e.ack, ack + 1000);
		KUNIT_EXPECT_EQ(test, e.win, 500);
		/* Sent again: the window alone is news. */
		nfo_track(&e, seq, 100, ack + 1000, 0xffff);
		KUNIT_EXPECT_EQ(test, e.end, seq + 100);
		KUNIT_EXPECT_EQ(test, e.ack, ack + 1000);
		KUNIT_EXPECT_EQ(test, e.win, 0xffff);
		/* Each goes on by itself, across the end of the 32 bits. */
		nfo_track(&e, seq + 100, 0, ack + 1001, 0);
		KUNIT_EXPECT_EQ(test, e.end, seq + 100);
		KUNIT_EXPECT_EQ(test, e.ack, ack + 1001);
		KUNIT_EXPECT_EQ(test, e.win, 0);
		nfo_track(&e, seq + 100, 1, ack, 1);
		KUNIT_EXPECT_EQ(test, e.end, seq + 101);
		KUNIT_EXPECT_EQ(test, e.ack, ack + 1001);
		/* Half the numbers are behind. */
		nfo_track(&e, e.end + 0x7fffffff, 0, e.ack + 0x7fffffff, 1);
		KUNIT_EXPECT_EQ(test, e.end, seq + 101 + 0x7fffffff);
		KUNIT_EXPECT_EQ(test, e.ack, ack + 1001 + 0x7fffffff);
		nfo_track(&e, e.end + 0x80000001, 0, e.ack + 0x80000001, 1);
		KUNIT_EXPECT_EQ(test, e.end, seq + 101 + 0x7fffffff);
		KUNIT_EXPECT_EQ(test, e.ack, ack + 1001 + 0x7fffffff);
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

/* Never the slot the wheel stands at, never late, never past a turn. */
static void nfo_test_wheel_slots(struct kunit *test)
{
	static const unsigned long starts[] = {
		0, 1, NFO_WHEEL_SLOTS - 1, NFO_WHEEL_SLOTS, 1000003, U32_MAX, ULONG_MAX - 100,
	};
	unsigned int ahead;
	int i;
	u32 delay;

	for (i = 0; i < ARRAY_SIZE(starts); i++)
		for (delay = 0; delay < 40 * HZ; delay += 1 + delay % 7) {
			ahead = (nfo_wheel_slot(starts[i], delay) - starts[i]) % NFO_WHEEL_SLOTS;
			KUNIT_ASSERT_GE(test, ahead, 1);
			KUNIT_ASSERT_LE(test, ahead, NFO_VISIT_MAX);
			/* Not before it is due, and less than a second after that. */
			if (delay <= NFO_VISIT_MAX * HZ)
				KUNIT_ASSERT_GE(test, ahead * HZ, delay);
			if (delay > HZ)
				KUNIT_ASSERT_LT(test, (ahead - 1) * HZ, delay);
		}
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

/* ---- what a flow counts ---- */

static void nfo_test_counts(struct kunit *test)
{
	struct nfo_flow *f = nfo_test_flow(test, NFPROTO_IPV4);
	u64 packets[IP_CT_DIR_MAX] = {}, bytes[IP_CT_DIR_MAX] = {};
	int i;

	for (i = 0; i < 10000; i++) {
		unsigned int dir = get_random_u32_below(2), len = get_random_u32_below(65536);

		atomic64_add(NFO_COUNT_PACKET + len, &f->e[dir].counts);
		packets[dir]++;
		bytes[dir] += len;
		if (!get_random_u32_below(10))
			nfo_flow_count(f, get_random_u32_below(2));
		for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
			KUNIT_ASSERT_EQ(test, nfo_flow_packets(f, dir), packets[dir]);
			KUNIT_ASSERT_EQ(test, nfo_flow_bytes(f, dir), bytes[dir]);
		}
	}
}

/* As much as there is room for between two looks. */
static void nfo_test_counts_most(struct kunit *test)
{
	struct nfo_flow *f = nfo_test_flow(test, NFPROTO_IPV4);
	u64 most = U64_MAX / NFO_COUNT_PACKET, i;

	for (i = 0; i <= 2; i++) {
		KUNIT_EXPECT_EQ(test, nfo_flow_packets(f, 1), i * most);
		KUNIT_EXPECT_EQ(test, nfo_flow_bytes(f, 1), i * NFO_COUNT_BYTES);
		atomic64_set(&f->e[1].counts, U64_MAX);
		KUNIT_EXPECT_EQ(test, nfo_flow_packets(f, 1), (i + 1) * most);
		KUNIT_EXPECT_EQ(test, nfo_flow_bytes(f, 1), (i + 1) * NFO_COUNT_BYTES);
		nfo_flow_count(f, 1);
		KUNIT_EXPECT_EQ(test, atomic64_read(&f->e[1].counts), 0);
	}
	/* A millisecond's worth of 100 Gbit/s is far less than half a second may have. */
	KUNIT_EXPECT_GE(test, most, 10000000ull);
	KUNIT_EXPECT_GE(test, NFO_COUNT_BYTES, 100000000000ull);
	KUNIT_EXPECT_EQ(test, nfo_flow_packets(f, 0), 0);
}

/* A walk meets each flow once. */
static void nfo_test_directions(struct kunit *test)
{
	struct nfo_flow *f = nfo_test_flow(test, NFPROTO_IPV4);
	unsigned int known, reply;

	for (known = 0; known < 4; known++) {
		f->state = (unsigned long)known << NFO_F_LEARNED;
		KUNIT_EXPECT_EQ(test, nfo_flow_learned(f, 0), !!(known & 1));
		KUNIT_EXPECT_EQ(test, nfo_flow_learned(f, 1), !!(known & 2));
		KUNIT_EXPECT_EQ(test, nfo_flow_is_oneway(f), known == 1 || known == 2);
		for (reply = 0; reply < 2; reply++) {
			__assign_bit(NFO_F_REPLY_LEADS, &f->state, reply);
			KUNIT_EXPECT_EQ(test, nfo_entry_leads(&f->e[0]), !reply);
			KUNIT_EXPECT_EQ(test, nfo_entry_leads(&f->e[1]), reply);
		}
	}
	/* What else is said of a flow says nothing of these. */
	f->state = ~(3ul << NFO_F_LEARNED);
	KUNIT_EXPECT_FALSE(test, nfo_flow_learned(f, 0));
	KUNIT_EXPECT_FALSE(test, nfo_flow_learned(f, 1));
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
	struct nfo_lookup l = { .sum = nfo_key_sum(&f->e[0].key), .key = f->e[0].key };
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

/* Keys that differ in a few bits, as those of real connections do, fill a table of the size
 * that holds them as random numbers would: no bucket has many.
 */
static void nfo_test_hash_spread(struct kunit *test)
{
	enum { KEYS = 16384 };
	u8 *in_bucket = kunit_kzalloc(test, KEYS, GFP_KERNEL);
	unsigned int kind, i, most;

	KUNIT_ASSERT_NOT_NULL(test, in_bucket);
	for (kind = 0; kind < 4; kind++) {
		memset(in_bucket, 0, KEYS);
		for (i = 0, most = 0; i < KEYS; i++) {
			struct in6_addr a = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8 } };
			struct nfo_key key = {
				.saddr = htonl(0x0a000001), .daddr = htonl(0xc6336402),
				.sport = htons(4000), .dport = htons(443), .iif = 2,
				.l4proto = IPPROTO_TCP, .family = NFPROTO_IPV4,
			};
			u8 *n;

			a.s6_addr32[kind % 2 ? 1 : 3] = htonl(i);
			switch (kind) {
			case 0:
				key.sport = htons(i);
				break;
			case 1:
				key.saddr = htonl(0x0a000000 + i);
				break;
			default:
				key.saddr = nfo_fold6(&a);
			}
			n = &in_bucket[nfo_hash_fold(nfo_key_sum(&key), 7) % KEYS];
			most = max_t(unsigned int, most, ++*n);
		}
		/* Of 16,384 balls in as many urns, not one in a hundred billion has 15. */
		KUNIT_EXPECT_LT_MSG(test, most, 15u, "kind %u", kind);
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

/* Of those who look every half second each has one turn in a period, and not all at once. */
static void nfo_test_turns(struct kunit *test)
{
	const u32 look = HZ / 2, period = 5 * HZ, rounds = 20;
	u32 phase, since, turns, at_once[10] = {}, i;

	for (phase = 0; phase < 1000; phase++) {
		turns = 0;
		for (i = 0; i < 10 * rounds; i++) {
			since = 0xfffff000 + i * look;
			if (!nfo_turn_came(since, since + look, phase * 2654435761U, period))
				continue;
			turns++;
			at_once[i % 10]++;
		}
		/* The count of jiffies wraps around on the way, which may be one turn more. */
		KUNIT_EXPECT_GE(test, turns, rounds - 1);
		KUNIT_EXPECT_LE(test, turns, rounds + 1);
	}
	for (i = 0; i < 10; i++) {
		KUNIT_EXPECT_GT(test, at_once[i], 1000 * rounds / 20);
		KUNIT_EXPECT_LT(test, at_once[i], 1000 * rounds / 5);
	}
	/* Who comes back after a long time has missed a turn. */
	KUNIT_EXPECT_TRUE(test, nfo_turn_came(1000, 1000 + period, 7, period));
}

static void nfo_test_spread_period(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, nfo_spread_period(5 * HZ, 0, 10000, 10), 5U * HZ);
	KUNIT_EXPECT_EQ(test, nfo_spread_period(5 * HZ, 50000, 10000, 10), 5U * HZ);
	KUNIT_EXPECT_EQ(test, nfo_spread_period(5 * HZ, 50001, 10000, 10), 10U * HZ);
	KUNIT_EXPECT_EQ(test, nfo_spread_period(5 * HZ, 1000000, 10000, 10), 160U * HZ);
	KUNIT_EXPECT_EQ(test, nfo_spread_period(5 * HZ, 1000000, 10000, 2), 20U * HZ);
	KUNIT_EXPECT_EQ(test, nfo_spread_period(0, 0, 10000, 10), 1U);
	KUNIT_EXPECT_LE(test, nfo_spread_period(U32_MAX / 8, U32_MAX, 1, 20), U32_MAX / 2);
}

static void nfo_test_layout(struct kunit *test)
{
	struct nfo_flow *f = nfo_test_flow(test, NFPROTO_IPV6);

	/* Two cache lines, and what they say in nfo_flow.h. */
	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_entry, refs), 8);
	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_entry, key), 16);
	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_entry, epoch), 48);
	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_entry, flags), 62);
	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_entry, saddr), 64);
	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_entry, win), 82);
	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_entry, counts), 104);
	KUNIT_EXPECT_EQ(test, offsetof(struct nfo_entry, bytes), 120);
	KUNIT_EXPECT_EQ(test, sizeof(struct nfo_entry), 128);
	/* Five lines, whatever the kernel's locks are made of. */
	KUNIT_EXPECT_EQ(test, sizeof(struct nfo_flow), 320);
	KUNIT_EXPECT_PTR_EQ(test, &f->ct, &f->e[0].ct);
	KUNIT_EXPECT_PTR_EQ(test, nfo_flow(&f->e[0]), f);
	KUNIT_EXPECT_PTR_EQ(test, nfo_flow(&f->e[1]), f);
	KUNIT_EXPECT_PTR_EQ(test, nfo_addr6(&f->e[0]), &f->a6[0]);
	KUNIT_EXPECT_PTR_EQ(test, nfo_addr6(&f->e[1]), &f->a6[1]);
}

/* A packet on another processor may be younger than the clock that was read. */
static void nfo_test_time_since(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, nfo_time_since(100, 100), 0);
	KUNIT_EXPECT_EQ(test, nfo_time_since(100 + 5 * HZ, 100), 5 * HZ);
	KUNIT_EXPECT_EQ(test, nfo_time_since(100, 101), 0);
	/* Jiffies wrap around five minutes after the machine started. */
	KUNIT_EXPECT_EQ(test, nfo_time_since(7, U32_MAX), 8);
	KUNIT_EXPECT_EQ(test, nfo_time_since(U32_MAX, 0), 0);
}

/* What rules make of the first two bytes of a header, as nft writes them. */
static void nfo_test_dscp_is_plain(struct kunit *test)
{
	static const struct {
		const char	*rule;
		u8		family;
		u16		mask;
		u16		flip;
		bool		plain;
	} rules[] = {
		{ "ip dscp set cs1", NFPROTO_IPV4, 0xff03, 0x0020, true },
		{ "ip dscp set cs1", NFPROTO_INET, 0xff03, 0x0020, true },
		{ "ip6 dscp set cs1", NFPROTO_IPV6, 0xf03f, 0x0200, true },
		{ "ip6 dscp set cs1", NFPROTO_INET, 0xf03f, 0x0200, true },
		{ "ip ecn set 1", NFPROTO_IPV4, 0xfffc, 0x0001, true },
		{ "ip6 ecn set 1", NFPROTO_IPV6, 0xffcf, 0x0010, true },
		{ "ip6 flowlabel set 5", NFPROTO_IPV6, 0xfff0, 0x0000, true },
		{ "ip dscp set ip dscp | 0x20", NFPROTO_IPV4, 0xff7f, 0x0080, false },
		{ "ip dscp set ip dscp | 0x20", NFPROTO_INET, 0xff7f, 0x0080, false },
		{ "ip dscp set ip dscp | 0x0f", NFPROTO_INET, 0xffc3, 0x003c, false },
		{ "ip dscp set ip dscp & 0x38", NFPROTO_INET, 0xffe3, 0x0000, false },
		{ "ip dscp set ip dscp ^ 0x3f", NFPROTO_IPV4, 0xffff, 0x00fc, false },
		{ "ip6 dscp set ip6 dscp | 0x08", NFPROTO_IPV6, 0xfdff, 0x0200, false },
		{ "ip6 dscp set ip6 dscp | 0x08", NFPROTO_INET, 0xfdff, 0x0200, false },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(rules); i++)
		KUNIT_EXPECT_EQ_MSG(test, nfo_dscp_is_plain(rules[i].family, rules[i].mask,
							    rules[i].flip), rules[i].plain,
				    "%s in a table of family %u", rules[i].rule, rules[i].family);
	/* What rules change or look at. */
	KUNIT_EXPECT_TRUE(test, nfo_bits_have_ecn(NFPROTO_INET, 0x0001));	/* ip ecn set */
	KUNIT_EXPECT_TRUE(test, nfo_bits_have_ecn(NFPROTO_INET, 0x0030));	/* ip6 ecn */
	KUNIT_EXPECT_FALSE(test, nfo_bits_have_ecn(NFPROTO_INET, 0x00fc));	/* ip dscp */
	KUNIT_EXPECT_FALSE(test, nfo_bits_have_ecn(NFPROTO_INET, 0x0fc0));	/* ip6 dscp */
	KUNIT_EXPECT_TRUE(test, nfo_bits_have_ecn(NFPROTO_IPV6, 0x0ff0));
	KUNIT_EXPECT_FALSE(test, nfo_bits_have_ecn(NFPROTO_IPV6, 0x0003));
	KUNIT_EXPECT_FALSE(test, nfo_bits_have_ecn(NFPROTO_IPV4, 0x0030));
	KUNIT_EXPECT_TRUE(test, nfo_bits_are_plain(0x00, 64, 0xff));
	KUNIT_EXPECT_FALSE(test, nfo_bits_are_plain(0xf0, 0, 0xff));
}

static struct kunit_case nfo_cases[] = {
	KUNIT_CASE(nfo_test_csum_addr4),
	KUNIT_CASE(nfo_test_csum_addr_and_port),
	KUNIT_CASE(nfo_test_csum_addr6),
	KUNIT_CASE(nfo_test_csum_rfc1624),
	KUNIT_CASE(nfo_test_csum_no_change),
	KUNIT_CASE(nfo_test_csum_partial),
	KUNIT_CASE(nfo_test_l4_csum_nat),
	KUNIT_CASE(nfo_test_ip_csum),
	KUNIT_CASE(nfo_test_csum_hop),
	KUNIT_CASE(nfo_test_track_tcp),
	KUNIT_CASE(nfo_test_tcp_verdict),
	KUNIT_CASE(nfo_test_status_ladder),
	KUNIT_CASE(nfo_test_wheel_slot),
	KUNIT_CASE(nfo_test_wheel_slots),
	KUNIT_CASE(nfo_test_timeout_left),
	KUNIT_CASE(nfo_test_time_since),
	KUNIT_CASE(nfo_test_counts),
	KUNIT_CASE(nfo_test_counts_most),
	KUNIT_CASE(nfo_test_directions),
	KUNIT_CASE(nfo_test_key4),
	KUNIT_CASE(nfo_test_hash_spread),
	KUNIT_CASE(nfo_test_key6),
	KUNIT_CASE(nfo_test_turns),
	KUNIT_CASE(nfo_test_spread_period),
	KUNIT_CASE(nfo_test_dscp_is_plain),
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
