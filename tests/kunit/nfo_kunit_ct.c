// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: what conntrack is told of a TCP connection that it did not see for a while.
 */
#include <kunit/test.h>

/* The rooms of the hardware side call those in nfo_kunit_chip.c. */
#define nfo_ct_hardware		nfo_ct_hardware_of_flow
#define nfo_ct_refresh		nfo_ct_refresh_of_flow
#include "../../nf_flow_offload_ct.c"
#undef nfo_ct_hardware
#undef nfo_ct_refresh

#define ORIGINAL	IP_CT_DIR_ORIGINAL
#define REPLY		IP_CT_DIR_REPLY
#define LIBERAL		IP_CT_TCP_FLAG_BE_LIBERAL
#define MAXACK		IP_CT_TCP_FLAG_MAXACK_SET

/* Numbers at which the connection stands: in the middle, and where 32 bits and their
 * sign end.
 */
static const u32 nfo_bases[] = {
	100000, 0, 0x7fffffff, 0x80000000, U32_MAX - 500, U32_MAX,
};

static void nfo_base_name(const u32 *base, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "at %u", *base);
}

KUNIT_ARRAY_PARAM(nfo_base, nfo_bases, nfo_base_name);

static struct nf_conn *nfo_tcp(struct kunit *test)
{
	struct nf_conn *ct = kunit_kzalloc(test, sizeof(*ct), GFP_KERNEL);
	int dir;

	KUNIT_ASSERT_NOT_NULL(test, ct);
	spin_lock_init(&ct->lock);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		ct->tuplehash[dir].tuple.dst.protonum = IPPROTO_TCP;
	ct->proto.tcp.state = TCP_CONNTRACK_ESTABLISHED;

	return ct;
}

/* The original side has sent up to @base, which the other side acknowledged; that one has
 * sent up to @base + 6500, of which all but 500 are acknowledged. Windows are 100 << 3 and 50 << 1.
 */
static void nfo_seen(u32 base, struct nf_conn *ct, struct nfo_ct_tcp seen[IP_CT_DIR_MAX])
{
	ct->proto.tcp.seen[ORIGINAL].td_scale = 3;
	ct->proto.tcp.seen[REPLY].td_scale = 1;
	seen[ORIGINAL] = (struct nfo_ct_tcp) {
		.known = true, .end = base, .ack = base + 6000, .win = 100,
	};
	seen[REPLY] = (struct nfo_ct_tcp) {
		.known = true, .end = base + 6500, .ack = base, .win = 50,
	};
}

/* ---- does it fit together? ---- */

static void nfo_test_plausible_ack(struct kunit *test)
{
	const u32 *base = test->param_value;
	struct nfo_ct_tcp seen[IP_CT_DIR_MAX];
	struct nf_conn *ct = nfo_tcp(test);

	nfo_seen(*base, ct, seen);
	KUNIT_EXPECT_TRUE(test, nfo_ct_tcp_plausible(ct, seen, ORIGINAL));
	/* All is acknowledged, and then more than there was. */
	seen[ORIGINAL].ack = seen[REPLY].end;
	KUNIT_EXPECT_TRUE(test, nfo_ct_tcp_plausible(ct, seen, ORIGINAL));
	seen[ORIGINAL].ack++;
	KUNIT_EXPECT_FALSE(test, nfo_ct_tcp_plausible(ct, seen, ORIGINAL));
}

static void nfo_test_plausible_end(struct kunit *test)
{
	const u32 *base = test->param_value;
	struct nfo_ct_tcp seen[IP_CT_DIR_MAX];
	struct nf_conn *ct = nfo_tcp(test);

	/* The receiver's window counts, by the receiver's scale. */
	nfo_seen(*base, ct, seen);
	seen[ORIGINAL].end = *base + (50 << 1);
	KUNIT_EXPECT_TRUE(test, nfo_ct_tcp_plausible(ct, seen, ORIGINAL));
	seen[ORIGINAL].end++;
	KUNIT_EXPECT_FALSE(test, nfo_ct_tcp_plausible(ct, seen, ORIGINAL));

	nfo_seen(*base, ct, seen);
	seen[REPLY].end = *base + 6000 + (100 << 3);
	KUNIT_EXPECT_TRUE(test, nfo_ct_tcp_plausible(ct, seen, REPLY));
	seen[REPLY].end++;
	KUNIT_EXPECT_FALSE(test, nfo_ct_tcp_plausible(ct, seen, REPLY));

	/* A window of nothing is probed with a byte. */
	nfo_seen(*base, ct, seen);
	seen[REPLY].win = 0;
	seen[ORIGINAL].end = *base + 1;
	KUNIT_EXPECT_TRUE(test, nfo_ct_tcp_plausible(ct, seen, ORIGINAL));
	seen[ORIGINAL].end++;
	KUNIT_EXPECT_FALSE(test, nfo_ct_tcp_plausible(ct, seen, ORIGINAL));
}

/* ---- conntrack catches up ---- */

static void nfo_test_advance(struct kunit *test)
{
	const u32 *base = test->param_value;
	struct nf_conn *ct = nfo_tcp(test);
	struct ip_ct_tcp_state *s = &ct->proto.tcp.seen[ORIGINAL];
	struct ip_ct_tcp_state *r = &ct->proto.tcp.seen[REPLY];
	struct nfo_ct_tcp seen = { .known = true, .end = *base + 9, .ack = *base + 70,
				   .win = 100 };

	s->td_end = *base + 8;
	s->td_maxwin = 799;
	s->td_maxack = *base + 69;
	s->flags = MAXACK;
	s->td_scale = 3;
	s->td_maxend = 1234;
	r->td_maxend = *base + 70 + 799;
	r->td_end = 5678;
	nfo_ct_tcp_advance(ct, &seen, ORIGINAL);
	KUNIT_EXPECT_EQ(test, s->td_end, *base + 9);
	KUNIT_EXPECT_EQ(test, s->td_maxwin, 800);
	KUNIT_EXPECT_EQ(test, s->td_maxack, *base + 70);
	/* The other side may send up to the end of the window. */
	KUNIT_EXPECT_EQ(test, r->td_maxend, *base + 70 + 800);
	KUNIT_EXPECT_EQ(test, s->td_maxend, 1234);
	KUNIT_EXPECT_EQ(test, r->td_end, 5678);

	/* Never back. */
	seen = (struct nfo_ct_tcp) { .known = true, .end = *base, .ack = *base, .win = 1 };
	nfo_ct_tcp_advance(ct, &seen, ORIGINAL);
	KUNIT_EXPECT_EQ(test, s->td_end, *base + 9);
	KUNIT_EXPECT_EQ(test, s->td_maxwin, 800);
	KUNIT_EXPECT_EQ(test, s->td_maxack, *base + 70);
	KUNIT_EXPECT_EQ(test, r->td_maxend, *base + 70 + 800);
}

static void nfo_test_advance_first_ack(struct kunit *test)
{
	struct nf_conn *ct = nfo_tcp(test);
	struct ip_ct_tcp_state *s = &ct->proto.tcp.seen[REPLY];
	struct nfo_ct_tcp seen = { .known = true, .end = 10, .ack = 1000, .win = 0 };

	/* What conntrack has there is no acknowledgment yet. */
	s->td_maxack = 5000;
	nfo_ct_tcp_advance(ct, &seen, REPLY);
	KUNIT_EXPECT_EQ(test, s->td_maxack, 1000);
	KUNIT_EXPECT_TRUE(test, s->flags & MAXACK);
	KUNIT_EXPECT_EQ(test, s->td_maxwin, 1);
	KUNIT_EXPECT_EQ(test, ct->proto.tcp.seen[ORIGINAL].td_maxend, 1001);
}

/* ---- begin and end ---- */

static u8 nfo_liberal(const struct nf_conn *ct)
{
	return (ct->proto.tcp.seen[ORIGINAL].flags & LIBERAL ? BIT(ORIGINAL) : 0) |
	       (ct->proto.tcp.seen[REPLY].flags & LIBERAL ? BIT(REPLY) : 0);
}

static void nfo_test_begin(struct kunit *test)
{
	struct nf_conn *ct = nfo_tcp(test);
	u8 dirs;

	for (dirs = 0; dirs <= NFO_CT_BOTH; dirs++) {
		nfo_ct_tcp_set_liberal(ct, dirs);
		ct->proto.tcp.seen[REPLY].flags |= MAXACK;
		KUNIT_EXPECT_EQ(test, nfo_liberal(ct), dirs);
		KUNIT_EXPECT_EQ(test, nfo_ct_offload_begin(ct), dirs);
		KUNIT_EXPECT_EQ(test, nfo_liberal(ct), NFO_CT_BOTH);
		KUNIT_EXPECT_TRUE(test, ct->proto.tcp.seen[REPLY].flags & MAXACK);
	}
	/* Another protocol keeps something else there. */
	nfo_ct_tcp_set_liberal(ct, 0);
	ct->tuplehash[ORIGINAL].tuple.dst.protonum = IPPROTO_UDP;
	KUNIT_EXPECT_EQ(test, nfo_ct_offload_begin(ct), 0);
	KUNIT_EXPECT_EQ(test, nfo_liberal(ct), 0);
}

static void nfo_test_sync(struct kunit *test)
{
	const u32 *base = test->param_value;
	struct nfo_ct_tcp seen[IP_CT_DIR_MAX];
	struct nf_conn *ct = nfo_tcp(test);
	struct ip_ct_tcp_state *s = ct->proto.tcp.seen;
	u8 dirs;

	for (dirs = 0; dirs <= NFO_CT_BOTH; dirs++) {
		nfo_seen(*base, ct, seen);
		s[ORIGINAL].td_end = *base - 1000;
		s[ORIGINAL].td_maxend = *base - 900;
		s[ORIGINAL].td_maxack = *base - 1000;
		s[ORIGINAL].flags |= MAXACK;
		s[REPLY].td_end = *base - 1000;
		s[REPLY].td_maxend = *base - 1000;
		nfo_ct_tcp_set_liberal(ct, NFO_CT_BOTH);
		nfo_ct_tcp_sync(ct, seen, dirs);
		KUNIT_EXPECT_EQ(test, s[ORIGINAL].td_end, *base);
		KUNIT_EXPECT_EQ(test, s[ORIGINAL].td_maxack, *base + 6000);
		KUNIT_EXPECT_EQ(test, s[ORIGINAL].td_maxend, *base + (50 << 1));
		KUNIT_EXPECT_EQ(test, s[REPLY].td_end, *base + 6500);
		KUNIT_EXPECT_EQ(test, s[REPLY].td_maxack, *base);
		KUNIT_EXPECT_EQ(test, s[REPLY].td_maxend, *base + 6000 + (100 << 3));
		/* Windows are checked as they were before. */
		KUNIT_EXPECT_EQ(test, nfo_liberal(ct), dirs);
	}
}

/* One direction stayed in the slow path: conntrack itself knows that one. */
static void nfo_test_sync_half(struct kunit *test)
{
	const u32 *base = test->param_value;
	struct nfo_ct_tcp seen[IP_CT_DIR_MAX];
	struct nf_conn *ct = nfo_tcp(test);
	struct ip_ct_tcp_state *s = ct->proto.tcp.seen;

	nfo_seen(*base, ct, seen);
	seen[REPLY] = (struct nfo_ct_tcp) {};
	s[ORIGINAL].td_end = *base - 40;
	s[ORIGINAL].td_maxend = *base;
	s[REPLY].td_end = *base + 6500;
	s[REPLY].td_maxend = *base + 6500;
	s[REPLY].td_maxack = *base - 40;
	s[REPLY].td_maxwin = 50 << 1;
	s[REPLY].flags |= MAXACK;
	nfo_ct_tcp_set_liberal(ct, NFO_CT_BOTH);
	nfo_ct_tcp_sync(ct, seen, 0);
	KUNIT_EXPECT_EQ(test, nfo_liberal(ct), 0);
	KUNIT_EXPECT_EQ(test, s[ORIGINAL].td_end, *base);
	KUNIT_EXPECT_EQ(test, s[ORIGINAL].td_maxack, *base + 6000);
	KUNIT_EXPECT_EQ(test, s[REPLY].td_end, *base + 6500);
	KUNIT_EXPECT_EQ(test, s[REPLY].td_maxack, *base - 40);
	KUNIT_EXPECT_EQ(test, s[REPLY].td_maxwin, 50 << 1);
	KUNIT_EXPECT_EQ(test, s[REPLY].td_maxend, *base + 6000 + (100 << 3));
}

/* Somebody else has sent segments: conntrack keeps what it knows, and is liberal. */
static void nfo_test_sync_implausible(struct kunit *test)
{
	struct nf_conn *ct = nfo_tcp(test);
	struct nfo_ct_tcp seen[IP_CT_DIR_MAX];
	struct ip_ct_tcp before;
	int dir, what;
	u8 beyond;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		for (what = 0; what < 3; what++) {
			nfo_seen(1000000, ct, seen);
			if (what == 0)
				seen[dir].ack = seen[!dir].end + 1;
			else if (what == 1)
				seen[dir].end += 0x10000000;
			else
				seen[dir].known = false;
			nfo_ct_tcp_set_liberal(ct, NFO_CT_BOTH);
			before = ct->proto.tcp;
			beyond = nfo_ct_tcp_sync(ct, seen, 0);
			if (what < 2)
				KUNIT_EXPECT_EQ_MSG(test, beyond, BIT(dir), "case %d", what);
			KUNIT_EXPECT_EQ_MSG(test, memcmp(&before, &ct->proto.tcp, sizeof(before)),
					    0, "direction %d, case %d", dir, what);
			/* An earlier RST, which was no more than that, has made them strict. */
			nfo_ct_tcp_set_liberal(ct, 0);
			nfo_ct_tcp_sync(ct, seen, 0);
			KUNIT_EXPECT_EQ_MSG(test, memcmp(&before, &ct->proto.tcp, sizeof(before)),
					    0, "direction %d, case %d, strict", dir, what);
		}
}

/* A closing segment that the other end waits for is no injected one. */
static void nfo_test_guard(struct kunit *test)
{
	static const struct {
		u32	from_ack;
		u8	liberal;
		u32	told;	/* how far conntrack's acknowledgment moves */
	} cases[] = {
		{ 0, NFO_CT_BOTH, 6000 }, { 800, NFO_CT_BOTH, 6000 }, { -800, NFO_CT_BOTH, 6000 },
		{ 801 }, { -801 }, { 0x40000000 }, { -0x40000000 },
	};
	const u32 *base = test->param_value;
	struct nf_conn *ct = nfo_tcp(test);
	struct nfo_ct_tcp seen[IP_CT_DIR_MAX];
	u32 at;
	int i;

	nfo_seen(*base, ct, seen);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		at = *base + 6000 + cases[i].from_ack;
		ct->proto.tcp.seen[ORIGINAL].td_maxack = *base;
		ct->proto.tcp.seen[ORIGINAL].flags |= MAXACK;
		nfo_ct_tcp_set_liberal(ct, NFO_CT_BOTH);
		nfo_ct_tcp_guard(ct, REPLY, at, &seen[ORIGINAL], 0);
		KUNIT_EXPECT_EQ_MSG(test, nfo_liberal(ct), cases[i].liberal, "case %d", i);
		KUNIT_EXPECT_EQ_MSG(test, ct->proto.tcp.seen[ORIGINAL].td_maxack,
				    *base + cases[i].told, "case %d", i);
	}
	/* Conntrack has seen a larger window. */
	ct->proto.tcp.seen[ORIGINAL].td_maxwin = 5000;
	nfo_ct_tcp_set_liberal(ct, NFO_CT_BOTH);
	nfo_ct_tcp_guard(ct, REPLY, *base + 11000, &seen[ORIGINAL], 0);
	KUNIT_EXPECT_EQ(test, nfo_liberal(ct), NFO_CT_BOTH);
}

/* Segments went by unseen: conntrack begins anew with the next one of each side. */
static void nfo_test_forget(struct kunit *test)
{
	struct nf_conn *ct = nfo_tcp(test);
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		ct->proto.tcp.seen[dir].td_maxwin = 1000;
		ct->proto.tcp.seen[dir].td_end = 2000;
		ct->proto.tcp.seen[dir].flags = MAXACK | LIBERAL | IP_CT_TCP_FLAG_SACK_PERM;
	}
	nfo_ct_tcp_forget(ct);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		KUNIT_EXPECT_EQ(test, ct->proto.tcp.seen[dir].td_maxwin, 0);
		KUNIT_EXPECT_EQ(test, ct->proto.tcp.seen[dir].td_end, 2000);
		KUNIT_EXPECT_EQ(test, ct->proto.tcp.seen[dir].flags,
				LIBERAL | IP_CT_TCP_FLAG_SACK_PERM);
	}
}

static void nfo_test_established(struct kunit *test)
{
	struct nf_conn *ct = nfo_tcp(test);
	int state;

	for (state = TCP_CONNTRACK_NONE; state < TCP_CONNTRACK_MAX; state++) {
		ct->proto.tcp.state = state;
		KUNIT_EXPECT_EQ_MSG(test, nfo_ct_is_established(ct),
				    state == TCP_CONNTRACK_ESTABLISHED, "state %d", state);
	}
	KUNIT_EXPECT_EQ(test, nfo_ct_close_reason(ct), NFO_R_TCP_CLOSE);
	ct->tuplehash[ORIGINAL].tuple.dst.protonum = IPPROTO_UDP;
	KUNIT_EXPECT_TRUE(test, nfo_ct_is_established(ct));
	ct->tuplehash[ORIGINAL].tuple.dst.protonum = IPPROTO_ESP;
	KUNIT_EXPECT_TRUE(test, nfo_ct_is_established(ct));
}

static void nfo_test_established_sctp(struct kunit *test)
{
	struct nf_conn *ct = nfo_tcp(test);
	int state;

	if (!IS_ENABLED(CONFIG_NF_CT_PROTO_SCTP))
		kunit_skip(test, "conntrack does not know SCTP");
	ct->tuplehash[ORIGINAL].tuple.dst.protonum = IPPROTO_SCTP;
	for (state = SCTP_CONNTRACK_NONE; state < SCTP_CONNTRACK_MAX; state++) {
		ct->proto.sctp.state = state;
		KUNIT_EXPECT_EQ_MSG(test, nfo_ct_is_established(ct),
				    state == SCTP_CONNTRACK_ESTABLISHED, "state %d", state);
	}
	KUNIT_EXPECT_EQ(test, nfo_ct_close_reason(ct), NFO_R_SCTP_STATE);
}

/* Give an entry a namespace of its own, whose timeouts are all 0. */
static struct net *nfo_net_of(struct kunit *test, struct nf_conn *ct)
{
	struct net *net = kunit_kzalloc(test, sizeof(*net), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, net);
	write_pnet(&ct->ct_net, net);

	return net;
}

/* The longest timeout that /proc takes. Conntrack takes a longer one for one that is over. */
static void nfo_test_hold_longest(struct kunit *test)
{
	struct nf_conn *ct = nfo_tcp(test);
	struct net *net = nfo_net_of(test, ct);
	u32 was = nfct_time_stamp + 100 * HZ;

	net->ct.nf_ct_proto.tcp.offload_timeout = INT_MAX;
	ct->timeout = was;
	nfo_ct_hold(ct, IPPROTO_TCP, false, was, 0);
	KUNIT_EXPECT_GT(test, (s32)(ct->timeout - was), HZ);
	KUNIT_EXPECT_GT(test, (s32)(ct->timeout - nfct_time_stamp), 100 * HZ);
}

/* Somebody said when the entry is to end: neither a live flow nor its end puts that off. */
static void nfo_test_fixed_timeout(struct kunit *test)
{
	struct nf_conn *ct = nfo_tcp(test);
	struct net *net = nfo_net_of(test, ct);
	u32 was = nfct_time_stamp + 100 * HZ;

	net->ct.nf_ct_proto.tcp.timeouts[TCP_CONNTRACK_ESTABLISHED] = 1000 * HZ;
	ct->proto.tcp.state = TCP_CONNTRACK_ESTABLISHED;
	ct->timeout = was;
	set_bit(IPS_FIXED_TIMEOUT_BIT, &ct->status);
	nfo_ct_hold(ct, IPPROTO_TCP, false, was, 0);
	KUNIT_EXPECT_EQ(test, ct->timeout, was);
	nfo_ct_offload_end(ct, 0);
	KUNIT_EXPECT_EQ(test, ct->timeout, was);
	/* What older kernels write for an offloaded entry was said by nobody. */
	ct->timeout = was + 86400 * HZ;
	nfo_ct_offload_end(ct, 0);
	KUNIT_EXPECT_LE(test, (s32)(ct->timeout - was), 1000 * HZ);

	clear_bit(IPS_FIXED_TIMEOUT_BIT, &ct->status);
	ct->timeout = was;
	nfo_ct_offload_end(ct, 0);
	KUNIT_EXPECT_GT(test, (s32)(ct->timeout - was), 800 * HZ);
}

static struct kunit_case nfo_ct_cases[] = {
	KUNIT_CASE_PARAM(nfo_test_plausible_ack, nfo_base_gen_params),
	KUNIT_CASE_PARAM(nfo_test_plausible_end, nfo_base_gen_params),
	KUNIT_CASE_PARAM(nfo_test_advance, nfo_base_gen_params),
	KUNIT_CASE(nfo_test_advance_first_ack),
	KUNIT_CASE(nfo_test_begin),
	KUNIT_CASE_PARAM(nfo_test_sync, nfo_base_gen_params),
	KUNIT_CASE_PARAM(nfo_test_sync_half, nfo_base_gen_params),
	KUNIT_CASE(nfo_test_sync_implausible),
	KUNIT_CASE_PARAM(nfo_test_guard, nfo_base_gen_params),
	KUNIT_CASE(nfo_test_forget),
	KUNIT_CASE(nfo_test_established),
	KUNIT_CASE(nfo_test_established_sctp),
	KUNIT_CASE(nfo_test_hold_longest),
	KUNIT_CASE(nfo_test_fixed_timeout),
	{}
};

static struct kunit_suite nfo_ct_suite = {
	.name		= "nf_flow_offload_ct",
	.test_cases	= nfo_ct_cases,
};

kunit_test_suite(nfo_ct_suite);
