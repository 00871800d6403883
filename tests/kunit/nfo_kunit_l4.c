// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: layer 4 protocols other than TCP and UDP.
 */
#include <kunit/test.h>

#include "../../nf_flow_offload_l4.c"

#define THOFF	sizeof(struct iphdr)
#define VTAG	0x11223344

/* An IPv4 packet with @len bytes after its header, of an established connection. */
struct nfo_l4_packet {
	struct sk_buff		*skb;
	struct nfo_net		*nn;
	struct net		*net;
	struct nf_conn		*ct;
	struct nfo_entry	*e;
};

static struct nfo_l4_packet nfo_packet(struct kunit *test, u8 proto, const void *l4,
				       unsigned int len)
{
	struct nfo_l4_packet p = {
		.skb	= alloc_skb(512, GFP_KERNEL),
		.nn	= kunit_kzalloc(test, sizeof(*p.nn), GFP_KERNEL),
		.net	= kunit_kzalloc(test, sizeof(*p.net), GFP_KERNEL),
		.ct	= kunit_kzalloc(test, sizeof(*p.ct), GFP_KERNEL),
		.e	= kunit_kzalloc(test, sizeof(*p.e), GFP_KERNEL),
	};
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = proto };
	int dir;

	KUNIT_ASSERT_TRUE(test, p.skb && p.nn && p.net && p.ct && p.e);
	ip.tot_len = htons(sizeof(ip) + len);
	ip_send_check(&ip);
	skb_put_data(p.skb, &ip, sizeof(ip));
	skb_put_data(p.skb, l4, len);
	skb_reset_network_header(p.skb);
	p.skb->protocol = htons(ETH_P_IP);
	p.net->ct.sysctl_checksum = 1;
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		p.ct->tuplehash[dir].tuple.dst.protonum = proto;
	p.ct->proto.sctp.state = SCTP_CONNTRACK_ESTABLISHED;
	p.ct->proto.sctp.vtag[IP_CT_DIR_ORIGINAL] = htonl(VTAG);
	p.e->ct = p.ct;
	p.e->key.l4proto = proto;
	p.e->key.family = NFPROTO_IPV4;

	return p;
}

static bool nfo_packet_ok(const struct nfo_l4_packet *p)
{
	return nfo_l4_pkt_ok(p->skb, p->e, p->net, THOFF, p->skb->len);
}

/* ---- SCTP ---- */

/* A header, a chunk of 8 bytes, and another one of 5 bytes, filled up to 8. */
static void nfo_sctp_bytes(u8 b[28], u8 first, u8 second)
{
	const u8 h[28] = {
		0x10, 0x01, 0x20, 0x02, 0x11, 0x22, 0x33, 0x44, [12] = first, 0, 0, 8, 1, 2, 3, 4,
		second, 0, 0, 5, 9,
	};

	memcpy(b, h, sizeof(h));
}

static struct nfo_l4_packet nfo_sctp(struct kunit *test, u8 first, u8 second)
{
	struct nfo_l4_packet p;
	struct sctphdr *sh;
	u8 b[28];

	if (!IS_ENABLED(CONFIG_NF_CT_PROTO_SCTP))
		kunit_skip(test, "conntrack does not know SCTP");
	nfo_sctp_bytes(b, first, second);
	p = nfo_packet(test, IPPROTO_SCTP, b, sizeof(b));
	sh = (struct sctphdr *)(p.skb->data + THOFF);
	sh->checksum = sctp_compute_cksum(p.skb, THOFF);

	return p;
}

static void nfo_test_sctp_chunks(struct kunit *test)
{
	static const u8 carried[] = { 0, 3, 12, 13, 15, 64, 192, 194 };
	int type, i;

	for (type = 0; type < 256; type++) {
		struct nfo_l4_packet p = nfo_sctp(test, SCTP_CID_DATA, type);
		bool want = false;

		for (i = 0; i < ARRAY_SIZE(carried); i++)
			want |= carried[i] == type;
		KUNIT_EXPECT_EQ_MSG(test, nfo_packet_ok(&p), want, "second chunk %d", type);
		kfree_skb(p.skb);
		p = nfo_sctp(test, type, SCTP_CID_SACK);
		KUNIT_EXPECT_EQ_MSG(test, nfo_packet_ok(&p), want, "first chunk %d", type);
		kfree_skb(p.skb);
	}
}

/* Each length of the second chunk: only those that end where the packet ends. */
static void nfo_test_sctp_lengths(struct kunit *test)
{
	unsigned int len;

	for (len = 0; len < 64; len++) {
		struct nfo_l4_packet p = nfo_sctp(test, SCTP_CID_DATA, SCTP_CID_DATA);
		struct sctphdr *sh = (struct sctphdr *)(p.skb->data + THOFF);

		p.skb->data[THOFF + 23] = len;
		sh->checksum = sctp_compute_cksum(p.skb, THOFF);
		KUNIT_EXPECT_EQ_MSG(test, nfo_packet_ok(&p), len >= 5 && len <= 8,
				    "length %u", len);
		kfree_skb(p.skb);
	}
}

static void nfo_test_sctp_state(struct kunit *test)
{
	struct nfo_l4_packet p = nfo_sctp(test, SCTP_CID_DATA, SCTP_CID_SACK);
	int state;

	for (state = 0; state < SCTP_CONNTRACK_MAX; state++) {
		p.ct->proto.sctp.state = state;
		KUNIT_EXPECT_EQ_MSG(test, nfo_packet_ok(&p), state == SCTP_CONNTRACK_ESTABLISHED,
				    "state %d", state);
	}
	p.ct->proto.sctp.state = SCTP_CONNTRACK_ESTABLISHED;
	p.e->flags |= NFO_E_REPLY;
	KUNIT_EXPECT_FALSE_MSG(test, nfo_packet_ok(&p), "the other direction's tag");
	p.ct->proto.sctp.vtag[IP_CT_DIR_REPLY] = htonl(VTAG);
	KUNIT_EXPECT_TRUE(test, nfo_packet_ok(&p));
	kfree_skb(p.skb);
}

static void nfo_test_sctp_crc(struct kunit *test)
{
	struct nfo_l4_packet p = nfo_sctp(test, SCTP_CID_DATA, SCTP_CID_SACK);

	KUNIT_EXPECT_TRUE(test, nfo_packet_ok(&p));
	KUNIT_EXPECT_TRUE(test, p.skb->ip_summed == CHECKSUM_UNNECESSARY);
	p.skb->ip_summed = CHECKSUM_NONE;
	p.skb->data[THOFF + 17] ^= 1;
	KUNIT_EXPECT_FALSE(test, nfo_packet_ok(&p));
	p.net->ct.sysctl_checksum = 0;
	KUNIT_EXPECT_TRUE(test, nfo_packet_ok(&p));
	kfree_skb(p.skb);
}

static void nfo_test_sctp_nat(struct kunit *test)
{
	struct nfo_l4_packet p = nfo_sctp(test, SCTP_CID_DATA, SCTP_CID_SACK);
	struct sctphdr *sh = (struct sctphdr *)(p.skb->data + THOFF);
	__le32 before = sh->checksum;

	/* The addresses alone: a CRC that was verified stays. */
	p.e->sport = sh->source;
	p.e->dport = sh->dest;
	KUNIT_EXPECT_TRUE(test, nfo_packet_ok(&p));
	nfo_l4_nat(p.skb, p.e, sh);
	KUNIT_EXPECT_EQ(test, (__force u32)sh->checksum, (__force u32)before);

	p.e->sport = htons(4000);
	nfo_l4_nat(p.skb, p.e, sh);
	KUNIT_EXPECT_EQ(test, ntohs(sh->source), 4000);
	KUNIT_EXPECT_NE(test, (__force u32)sh->checksum, (__force u32)before);
	KUNIT_EXPECT_EQ(test, (__force u32)sh->checksum,
			(__force u32)sctp_compute_cksum(p.skb, THOFF));

	/* The device makes it. */
	p.skb->ip_summed = CHECKSUM_PARTIAL;
	before = sh->checksum;
	p.e->sport = htons(4001);
	nfo_l4_nat(p.skb, p.e, sh);
	KUNIT_EXPECT_EQ(test, (__force u32)sh->checksum, (__force u32)before);
	kfree_skb(p.skb);
}

/* ---- ICMP echo ---- */

static void nfo_test_icmp_ports(struct kunit *test)
{
	u8 b[16] = { ICMP_ECHO, 0, 0, 0, 0x12, 0x34, 0, 1 };
	struct nfo_l4_packet p = nfo_packet(test, IPPROTO_ICMP, b, sizeof(b));
	__be16 sport, dport;
	int type;

	KUNIT_EXPECT_FALSE(test, nfo_l4_ports(p.skb, p.nn, THOFF, IPPROTO_ICMP, &sport, &dport));
	p.nn->settings.icmp_echo = 1;
	for (type = 0; type < 256; type++) {
		p.skb->data[THOFF] = type;
		KUNIT_EXPECT_EQ_MSG(test, nfo_l4_ports(p.skb, p.nn, THOFF, IPPROTO_ICMP, &sport,
						       &dport),
				    type == ICMP_ECHO || type == ICMP_ECHOREPLY, "type %d", type);
		KUNIT_EXPECT_EQ(test, ntohs(sport), 0x1234);
		KUNIT_EXPECT_EQ(test, ntohs(dport), type << 8);
	}
	/* Neither a code, nor ICMPv6 in IPv4. */
	p.skb->data[THOFF] = ICMP_ECHO;
	p.skb->data[THOFF + 1] = 1;
	KUNIT_EXPECT_FALSE(test, nfo_l4_ports(p.skb, p.nn, THOFF, IPPROTO_ICMP, &sport, &dport));
	p.skb->data[THOFF] = ICMPV6_ECHO_REQUEST;
	p.skb->data[THOFF + 1] = 0;
	KUNIT_EXPECT_FALSE(test, nfo_l4_ports(p.skb, p.nn, THOFF, IPPROTO_ICMPV6, &sport, &dport));
	kfree_skb(p.skb);
}

static void nfo_test_icmp_nat(struct kunit *test)
{
	u8 b[16] = { ICMP_ECHO, 0, 0, 0, 0x12, 0x34, 0, 1, 7, 8, 9 };
	struct nfo_l4_packet p = nfo_packet(test, IPPROTO_ICMP, b, sizeof(b));
	struct icmphdr *ih = (struct icmphdr *)(p.skb->data + THOFF);
	struct nf_conntrack_tuple *t = &p.ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	struct nf_conntrack_tuple *o = &p.ct->tuplehash[IP_CT_DIR_REPLY].tuple;

	ih->checksum = ip_compute_csum(ih, sizeof(b));
	t->src.u.icmp.id = htons(0x1234);
	t->dst.u.icmp.type = ICMP_ECHO;
	o->src.u.icmp.id = htons(0x4321);
	p.e->addr_delta = 0x5555;
	nfo_l4_learn_nat(p.e, p.ct, IP_CT_DIR_ORIGINAL);
	KUNIT_EXPECT_EQ(test, ntohs(p.e->sport), 0x4321);
	KUNIT_EXPECT_EQ(test, ntohs(p.e->dport), ICMP_ECHO << 8);
	KUNIT_EXPECT_TRUE(test, nfo_packet_ok(&p));
	nfo_l4_nat(p.skb, p.e, ih);
	KUNIT_EXPECT_EQ(test, ntohs(ih->un.echo.id), 0x4321);
	KUNIT_EXPECT_EQ(test, ntohs(ih->un.echo.sequence), 1);
	KUNIT_EXPECT_EQ(test, (__force u16)ip_compute_csum(ih, sizeof(b)), 0);
	kfree_skb(p.skb);
}

/* ---- protocols without ports ---- */

static void nfo_test_portless(struct kunit *test)
{
	static const struct { u8 proto; u8 second; bool carried; } cases[] = {
		{ IPPROTO_ESP, 9, true }, { IPPROTO_GRE, 0, true }, { IPPROTO_GRE, 1, false },
		{ IPPROTO_IPIP, 0, true }, { IPPROTO_IPV6, 0, true }, { IPPROTO_AH, 0, false },
		{ IPPROTO_TCP, 0, false }, { IPPROTO_UDP, 0, false }, { IPPROTO_IGMP, 0, false },
	};
	__be16 sport, dport;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u8 b[16] = { 0x20, cases[i].second, 3, 4, 5, 6 };
		struct nfo_l4_packet p = nfo_packet(test, cases[i].proto, b, sizeof(b));

		KUNIT_EXPECT_EQ_MSG(test, nfo_l4_ports(p.skb, p.nn, THOFF, cases[i].proto, &sport,
						       &dport),
				    cases[i].carried, "case %d", i);
		KUNIT_EXPECT_TRUE(test, !sport && !dport);
		kfree_skb(p.skb);
	}
}

/* The sum leaves out what NAT changes, and nothing else; padding does not count. */
static void nfo_test_sum(struct kunit *test)
{
	struct nfo_l4_packet p;
	__sum16 before, after;
	u8 b[24] = { 1, 2, 3, 4 };
	int i;

	p = nfo_packet(test, IPPROTO_ESP, b, sizeof(b));
	KUNIT_EXPECT_TRUE(test, nfo_l4_sum(p.skb, THOFF, IPPROTO_ESP, &before));
	skb_put_data(p.skb, "padding", 7);
	KUNIT_EXPECT_TRUE(test, nfo_l4_sum(p.skb, THOFF, IPPROTO_ESP, &after));
	KUNIT_EXPECT_EQ(test, (__force u16)before, (__force u16)after);
	for (i = 0; i < sizeof(b); i++) {
		p.skb->data[THOFF + i] ^= 0x40;
		KUNIT_EXPECT_TRUE(test, nfo_l4_sum(p.skb, THOFF, IPPROTO_ESP, &after));
		KUNIT_EXPECT_NE_MSG(test, (__force u16)before, (__force u16)after, "byte %d", i);
		KUNIT_EXPECT_TRUE(test, nfo_l4_sum(p.skb, THOFF, IPPROTO_ICMP, &after));
		p.skb->data[THOFF + i] ^= 0x40;
	}
	KUNIT_EXPECT_TRUE(test, nfo_l4_sum(p.skb, THOFF, IPPROTO_ICMP, &before));
	p.skb->data[THOFF + 4] ^= 1;
	KUNIT_EXPECT_TRUE(test, nfo_l4_sum(p.skb, THOFF, IPPROTO_ICMP, &after));
	KUNIT_EXPECT_EQ(test, (__force u16)before, (__force u16)after);
	p.skb->data[THOFF + 6] ^= 1;
	KUNIT_EXPECT_TRUE(test, nfo_l4_sum(p.skb, THOFF, IPPROTO_ICMP, &after));
	KUNIT_EXPECT_NE(test, (__force u16)before, (__force u16)after);
	/* Shorter than it says. */
	ip_hdr(p.skb)->tot_len = htons(THOFF + sizeof(b) + 8);
	KUNIT_EXPECT_FALSE(test, nfo_l4_sum(p.skb, THOFF, IPPROTO_ESP, &after));
	/* Nor is a length believed that is shorter than the header. */
	ip_hdr(p.skb)->tot_len = htons(THOFF - 1);
	KUNIT_EXPECT_FALSE(test, nfo_l4_sum(p.skb, THOFF, IPPROTO_ESP, &after));
	ip_hdr(p.skb)->tot_len = 0;
	KUNIT_EXPECT_FALSE(test, nfo_l4_sum(p.skb, THOFF, IPPROTO_ESP, &after));
	kfree_skb(p.skb);
}

static struct kunit_case nfo_l4_cases[] = {
	KUNIT_CASE(nfo_test_sctp_chunks),
	KUNIT_CASE(nfo_test_sctp_lengths),
	KUNIT_CASE(nfo_test_sctp_state),
	KUNIT_CASE(nfo_test_sctp_crc),
	KUNIT_CASE(nfo_test_sctp_nat),
	KUNIT_CASE(nfo_test_icmp_ports),
	KUNIT_CASE(nfo_test_icmp_nat),
	KUNIT_CASE(nfo_test_portless),
	KUNIT_CASE(nfo_test_sum),
	{}
};

static struct kunit_suite nfo_l4_suite = {
	.name		= "nfo_l4",
	.test_cases	= nfo_l4_cases,
};

kunit_test_suite(nfo_l4_suite);
