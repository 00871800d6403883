// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: headers between Ethernet and the IP header that is forwarded are taken off, put
 * back, and put on. nfo_kunit_hw.o has the room.
 */
#include <kunit/test.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/ppp_defs.h>
#include <net/ip.h>

#include "nfo_encap.h"

/* One layer after another at the end of a packet; lengths are set by nfo_frame_end(). */
struct nfo_frame {
	struct sk_buff	*skb;
	unsigned int	at[8];
	unsigned int	layers;
};

static void nfo_frame_put(struct nfo_frame *f, const void *bytes, unsigned int len)
{
	f->at[f->layers++] = f->skb->len;
	skb_put_data(f->skb, bytes, len);
}

static struct nfo_frame nfo_frame_begin(struct kunit *test, u16 proto)
{
	struct nfo_frame f = { .skb = alloc_skb(512, GFP_KERNEL) };

	KUNIT_ASSERT_NOT_NULL(test, f.skb);
	skb_reserve(f.skb, 128);
	f.skb->protocol = htons(proto);
	skb_reset_network_header(f.skb);

	return f;
}

static void nfo_frame_ipv4(struct nfo_frame *f, u8 protocol)
{
	const u8 h[20] = { 0x45, 0xb9, [8] = 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2 };

	nfo_frame_put(f, h, sizeof(h));
}

static void nfo_frame_ipv6(struct nfo_frame *f, u8 protocol)
{
	const u8 h[40] = { 0x60, [6] = protocol, 64, 0x20, 1, [23] = 1, 0x20, 1, [39] = 2 };

	nfo_frame_put(f, h, sizeof(h));
}

static void nfo_frame_vlan(struct nfo_frame *f, u16 id, u16 proto)
{
	const u8 h[4] = { id >> 8, id, proto >> 8, proto };

	nfo_frame_put(f, h, sizeof(h));
}

static void nfo_frame_pppoe(struct nfo_frame *f, u16 sid, u16 proto)
{
	const u8 h[8] = { 0x11, 0, sid >> 8, sid, 0, 0, proto >> 8, proto };

	nfo_frame_put(f, h, sizeof(h));
}

/* Eight bytes of payload; then each IP header says how long it is. */
static void nfo_frame_end(struct nfo_frame *f)
{
	struct sk_buff *skb = f->skb;
	unsigned int i;

	skb_put_zero(skb, 8);
	for (i = 0; i < f->layers; i++) {
		u8 *h = skb->data + f->at[i];
		unsigned int len = skb->len - f->at[i];

		if (h[0] == 0x45) {
			((struct iphdr *)h)->tot_len = htons(len);
			ip_send_check((struct iphdr *)h);
		} else if (h[0] == 0x60) {
			((struct ipv6hdr *)h)->payload_len = htons(len - 40);
		} else if (h[0] == 0x11 && i + 1 < f->layers) {
			h[4] = (len - 6) >> 8;
			h[5] = len - 6;
		}
	}
}

/* Take off @len bytes of headers, look, put them back. */
static void nfo_pops(struct kunit *test, struct nfo_frame *f, u16 kinds, unsigned int len,
		     u16 proto, struct nfo_encap_popped *popped)
{
	unsigned int all = f->skb->len;
	__be16 before = f->skb->protocol;

	KUNIT_ASSERT_TRUE(test, nfo_encap_pop(f->skb, popped, true));
	KUNIT_EXPECT_EQ(test, popped->encap.kinds, kinds);
	KUNIT_EXPECT_EQ(test, popped->len, len);
	KUNIT_EXPECT_EQ(test, f->skb->len, all - len);
	KUNIT_EXPECT_EQ(test, ntohs(f->skb->protocol), proto);
	KUNIT_EXPECT_TRUE(test, nfo_encap_payload_ok(f->skb, popped));
	nfo_encap_restore(f->skb, popped);
	KUNIT_EXPECT_EQ(test, f->skb->len, all);
	KUNIT_EXPECT_TRUE(test, f->skb->protocol == before);
	kfree_skb(f->skb);
}

/* The frame is left alone. */
static void nfo_left(struct kunit *test, struct nfo_frame *f)
{
	struct nfo_encap_popped popped;
	unsigned int all = f->skb->len;

	KUNIT_EXPECT_FALSE(test, nfo_encap_pop(f->skb, &popped, true));
	KUNIT_EXPECT_EQ(test, f->skb->len, all);
	kfree_skb(f->skb);
}

#define NFO_KINDS2(a, b) ((a) | (b) << NFO_ENCAP_BITS)

static void nfo_test_encap_ipip(struct kunit *test)
{
	struct nfo_frame f = nfo_frame_begin(test, ETH_P_IP);
	struct nfo_encap_popped popped;

	nfo_frame_ipv4(&f, IPPROTO_IPIP);
	nfo_frame_ipv4(&f, IPPROTO_UDP);
	nfo_frame_end(&f);
	nfo_pops(test, &f, NFO_ENCAP_IPV4, 20, ETH_P_IP, &popped);
	KUNIT_EXPECT_TRUE(test, nfo_encap_is_deep(&popped));
	KUNIT_EXPECT_EQ(test, popped.outer.dscp, 0xb8);
	KUNIT_EXPECT_EQ(test, popped.ecn, 1);
	KUNIT_EXPECT_EQ(test, ntohl(popped.outer.saddr.s6_addr32[0]), 0xc0000201);
	KUNIT_EXPECT_FALSE(test, nfo_encap_fits_rule(&popped.encap));
}

static void nfo_test_encap_6in4_in_vlan(struct kunit *test)
{
	struct nfo_frame f = nfo_frame_begin(test, ETH_P_8021Q);
	struct nfo_encap_popped popped;

	nfo_frame_vlan(&f, 10, ETH_P_IP);
	nfo_frame_ipv4(&f, IPPROTO_IPV6);
	nfo_frame_ipv6(&f, IPPROTO_UDP);
	nfo_frame_end(&f);
	nfo_pops(test, &f, NFO_KINDS2(NFO_ENCAP_8021Q, NFO_ENCAP_IPV4), 24, ETH_P_IPV6, &popped);
	KUNIT_EXPECT_EQ(test, ntohs(popped.outer.id[0]), 10);
}

static void nfo_test_encap_4in6_limit(struct kunit *test)
{
	struct nfo_frame f = nfo_frame_begin(test, ETH_P_IPV6);
	const u8 limit[8] = { IPPROTO_IPIP, 0, 4, 1, 4, 1, 1, 0 };
	struct nfo_encap_popped popped;

	nfo_frame_ipv6(&f, IPPROTO_DSTOPTS);
	nfo_frame_put(&f, limit, sizeof(limit));
	nfo_frame_ipv4(&f, IPPROTO_UDP);
	nfo_frame_end(&f);
	nfo_pops(test, &f, NFO_ENCAP_IPV6, 48, ETH_P_IP, &popped);
	KUNIT_EXPECT_EQ(test, popped.outer.limit, 1);
}

static void nfo_test_encap_other_options(struct kunit *test)
{
	struct nfo_frame f = nfo_frame_begin(test, ETH_P_IPV6);
	const u8 home[8] = { IPPROTO_IPIP, 0, 0xc9, 4 };

	nfo_frame_ipv6(&f, IPPROTO_DSTOPTS);
	nfo_frame_put(&f, home, sizeof(home));
	nfo_frame_ipv4(&f, IPPROTO_UDP);
	nfo_frame_end(&f);
	nfo_left(test, &f);
}

static void nfo_test_encap_gre_key(struct kunit *test)
{
	struct nfo_frame f = nfo_frame_begin(test, ETH_P_IP);
	const u8 gre[8] = { 0x20, 0, 0x08, 0, 0, 0, 0, 77 };
	struct nfo_encap_popped popped;

	nfo_frame_ipv4(&f, IPPROTO_GRE);
	nfo_frame_put(&f, gre, sizeof(gre));
	nfo_frame_ipv4(&f, IPPROTO_UDP);
	nfo_frame_end(&f);
	nfo_pops(test, &f, NFO_KINDS2(NFO_ENCAP_IPV4, NFO_ENCAP_GRE), 28, ETH_P_IP, &popped);
	KUNIT_EXPECT_EQ(test, ntohl(popped.outer.key), 77);
	KUNIT_EXPECT_EQ(test, popped.outer.keyed, 1);
}

/* Checksums, sequence numbers, routing, versions, acknowledgments of PPTP. */
static void nfo_test_encap_gre_flags(struct kunit *test)
{
	static const u8 flags[][2] = {
		{ 0x80, 0 }, { 0x40, 0 }, { 0x10, 0 }, { 0, 1 }, { 0x20, 0x81 }, { 0x08, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct nfo_frame f = nfo_frame_begin(test, ETH_P_IP);
		const u8 gre[8] = { flags[i][0], flags[i][1], 0x08, 0 };

		nfo_frame_ipv4(&f, IPPROTO_GRE);
		nfo_frame_put(&f, gre, sizeof(gre));
		nfo_frame_ipv4(&f, IPPROTO_UDP);
		nfo_frame_end(&f);
		nfo_left(test, &f);
	}
}

static void nfo_test_encap_three_headers(struct kunit *test)
{
	struct nfo_frame f = nfo_frame_begin(test, ETH_P_8021AD);
	struct nfo_encap_popped popped;

	nfo_frame_vlan(&f, 10, ETH_P_8021Q);
	nfo_frame_vlan(&f, 20, ETH_P_PPP_SES);
	nfo_frame_pppoe(&f, 77, 0x21);
	nfo_frame_ipv4(&f, IPPROTO_UDP);
	nfo_frame_end(&f);
	nfo_pops(test, &f, NFO_KINDS2(NFO_ENCAP_8021AD, NFO_ENCAP_8021Q) |
		 NFO_ENCAP_PPPOE << 2 * NFO_ENCAP_BITS, 16, ETH_P_IP, &popped);
	KUNIT_EXPECT_TRUE(test, nfo_encap_is_deep(&popped));
	KUNIT_EXPECT_EQ(test, ntohs(popped.outer.id[2]), 77);
	KUNIT_EXPECT_EQ(test, ntohs(popped.encap.id[0]), 10);
	KUNIT_EXPECT_FALSE(test, nfo_encap_fits_rule(&popped.encap));
}

/* GRE over a PPPoE session in two VLANs. A sixth header leaves the packet as it came. */
static void nfo_test_encap_five_headers(struct kunit *test)
{
	const u8 gre[4] = { 0, 0, 0x08, 0 };
	int more;

	for (more = 0; more < 2; more++) {
		struct nfo_frame f = nfo_frame_begin(test, ETH_P_8021AD);
		struct nfo_encap_popped popped;

		nfo_frame_vlan(&f, 10, more ? ETH_P_8021AD : ETH_P_8021Q);
		if (more)
			nfo_frame_vlan(&f, 15, ETH_P_8021Q);
		nfo_frame_vlan(&f, 20, ETH_P_PPP_SES);
		nfo_frame_pppoe(&f, 77, 0x21);
		nfo_frame_ipv4(&f, IPPROTO_GRE);
		nfo_frame_put(&f, gre, sizeof(gre));
		nfo_frame_ipv4(&f, IPPROTO_UDP);
		nfo_frame_end(&f);
		if (more) {
			nfo_left(test, &f);
			continue;
		}
		nfo_pops(test, &f, NFO_KINDS2(NFO_ENCAP_8021AD, NFO_ENCAP_8021Q) |
			 NFO_ENCAP_PPPOE << 2 * NFO_ENCAP_BITS |
			 NFO_KINDS2(NFO_ENCAP_IPV4, NFO_ENCAP_GRE) << 3 * NFO_ENCAP_BITS,
			 40, ETH_P_IP, &popped);
		KUNIT_EXPECT_TRUE(test, popped.tunnel);
	}
}

/* A tag beside the packet comes back; a tag with id 0 is a header like any other. */
static void nfo_test_encap_tag_beside(struct kunit *test)
{
	struct nfo_frame f = nfo_frame_begin(test, ETH_P_IP);
	struct nfo_encap_popped popped;

	nfo_frame_ipv4(&f, IPPROTO_UDP);
	nfo_frame_end(&f);
	__vlan_hwaccel_put_tag(f.skb, htons(ETH_P_8021Q), 5 << 13);
	KUNIT_ASSERT_TRUE(test, nfo_encap_pop(f.skb, &popped, true));
	KUNIT_EXPECT_FALSE(test, skb_vlan_tag_present(f.skb));
	KUNIT_EXPECT_EQ(test, popped.encap.kinds, NFO_ENCAP_8021Q);
	KUNIT_EXPECT_EQ(test, ntohs(popped.encap.id[0]), 0);
	nfo_encap_restore(f.skb, &popped);
	KUNIT_EXPECT_TRUE(test, skb_vlan_tag_present(f.skb));
	KUNIT_EXPECT_EQ(test, skb_vlan_tag_get(f.skb), 5 << 13);
	kfree_skb(f.skb);
}

/* What a tunnel's header must not be. */
static void nfo_test_encap_bad_outer(struct kunit *test)
{
	int what;

	for (what = 0; what < 5; what++) {
		struct nfo_frame f = nfo_frame_begin(test, ETH_P_IP);
		struct iphdr *iph;

		nfo_frame_ipv4(&f, IPPROTO_IPIP);
		nfo_frame_ipv4(&f, IPPROTO_UDP);
		nfo_frame_end(&f);
		iph = (struct iphdr *)f.skb->data;
		if (what == 0)
			iph->ihl = 6;
		else if (what == 1)
			iph->frag_off = htons(IP_MF);
		else if (what == 2)
			iph->tot_len = htons(f.skb->len + 1);
		else if (what == 3)
			iph->tot_len = htons(20);
		if (what < 4)
			ip_send_check(iph);
		else
			iph->check = (__force __sum16)((__force u16)iph->check ^ 1);
		nfo_left(test, &f);
	}
}

/* A tunnel in a tunnel: the outer one is taken off, the inner one is what is forwarded. */
static void nfo_test_encap_inner_tunnel(struct kunit *test)
{
	static const u8 inner[] = { IPPROTO_IPIP, IPPROTO_GRE, IPPROTO_IPV6 };
	int i;

	for (i = 0; i < ARRAY_SIZE(inner); i++) {
		struct nfo_frame f = nfo_frame_begin(test, ETH_P_IP);
		struct nfo_encap_popped popped;

		nfo_frame_ipv4(&f, IPPROTO_IPIP);
		nfo_frame_ipv4(&f, inner[i]);
		nfo_frame_ipv4(&f, IPPROTO_UDP);
		nfo_frame_end(&f);
		KUNIT_ASSERT_TRUE(test, nfo_encap_pop(f.skb, &popped, true));
		KUNIT_EXPECT_TRUE(test, popped.tunnel);
		KUNIT_EXPECT_EQ(test, popped.layers, 1);
		KUNIT_EXPECT_EQ(test, popped.len, sizeof(struct iphdr));
		KUNIT_EXPECT_EQ(test, ip_hdr(f.skb)->protocol, inner[i]);
		KUNIT_EXPECT_TRUE(test, nfo_encap_payload_ok(f.skb, &popped));
		kfree_skb(f.skb);
	}
}

/* Lengths that do not agree: what is inside is shorter than the outer header says. */
static void nfo_test_encap_lengths(struct kunit *test)
{
	struct nfo_frame f = nfo_frame_begin(test, ETH_P_IP);
	struct nfo_encap_popped popped;
	struct iphdr *inner;

	nfo_frame_ipv4(&f, IPPROTO_IPIP);
	nfo_frame_ipv4(&f, IPPROTO_UDP);
	nfo_frame_end(&f);
	inner = (struct iphdr *)(f.skb->data + 20);
	inner->tot_len = htons(27);
	KUNIT_ASSERT_TRUE(test, nfo_encap_pop(f.skb, &popped, true));
	KUNIT_EXPECT_FALSE(test, nfo_encap_payload_ok(f.skb, &popped));
	kfree_skb(f.skb);
}

/* Plain packets have nothing that could be taken off. */
static void nfo_test_encap_plain(struct kunit *test)
{
	struct nfo_frame f = nfo_frame_begin(test, ETH_P_IP);

	nfo_frame_ipv4(&f, IPPROTO_UDP);
	nfo_frame_end(&f);
	nfo_left(test, &f);
	f = nfo_frame_begin(test, ETH_P_IPV6);
	nfo_frame_ipv6(&f, IPPROTO_ICMPV6);
	nfo_frame_end(&f);
	nfo_left(test, &f);
}

/* What is taken off and put on again gives the same frame; the outermost tag stands beside it. */
static void nfo_pushes(struct kunit *test, struct nfo_frame *f)
{
	struct nfo_encap_popped popped;
	struct sk_buff *skb = f->skb;
	__be16 before = skb->protocol;
	u8 bytes[128];
	u16 tag;

	KUNIT_ASSERT_LE(test, skb->len, sizeof(bytes));
	memcpy(bytes, skb->data, skb->len);
	KUNIT_ASSERT_TRUE(test, nfo_encap_pop(skb, &popped, false));
	nfo_encap_push(skb, &popped.encap);
	if (skb_vlan_tag_present(skb)) {
		KUNIT_EXPECT_TRUE(test, skb->vlan_proto == before);
		tag = skb_vlan_tag_get(skb);
		KUNIT_EXPECT_EQ(test, tag, bytes[0] << 8 | bytes[1]);
		KUNIT_EXPECT_EQ(test, ntohs(skb->protocol), bytes[2] << 8 | bytes[3]);
		KUNIT_EXPECT_EQ(test, memcmp(skb->data, bytes + VLAN_HLEN, skb->len), 0);
	} else {
		KUNIT_EXPECT_TRUE(test, skb->protocol == before);
		KUNIT_EXPECT_EQ(test, memcmp(skb->data, bytes, skb->len), 0);
	}
	kfree_skb(skb);
}

static void nfo_test_encap_push(struct kunit *test)
{
	struct nfo_frame f = nfo_frame_begin(test, ETH_P_8021Q);

	nfo_frame_vlan(&f, 10, ETH_P_IP);
	nfo_frame_ipv4(&f, IPPROTO_UDP);
	nfo_frame_end(&f);
	nfo_pushes(test, &f);

	f = nfo_frame_begin(test, ETH_P_8021AD);
	nfo_frame_vlan(&f, 10, ETH_P_8021Q);
	nfo_frame_vlan(&f, 20, ETH_P_IPV6);
	nfo_frame_ipv6(&f, IPPROTO_UDP);
	nfo_frame_end(&f);
	nfo_pushes(test, &f);

	f = nfo_frame_begin(test, ETH_P_PPP_SES);
	nfo_frame_pppoe(&f, 77, PPP_IP);
	nfo_frame_ipv4(&f, IPPROTO_UDP);
	nfo_frame_end(&f);
	nfo_pushes(test, &f);

	f = nfo_frame_begin(test, ETH_P_8021Q);
	nfo_frame_vlan(&f, 10, ETH_P_PPP_SES);
	nfo_frame_pppoe(&f, 0x1234, PPP_IPV6);
	nfo_frame_ipv6(&f, IPPROTO_UDP);
	nfo_frame_end(&f);
	nfo_pushes(test, &f);
}

static struct kunit_case nfo_encap_cases[] = {
	KUNIT_CASE(nfo_test_encap_ipip),
	KUNIT_CASE(nfo_test_encap_6in4_in_vlan),
	KUNIT_CASE(nfo_test_encap_4in6_limit),
	KUNIT_CASE(nfo_test_encap_other_options),
	KUNIT_CASE(nfo_test_encap_gre_key),
	KUNIT_CASE(nfo_test_encap_gre_flags),
	KUNIT_CASE(nfo_test_encap_three_headers),
	KUNIT_CASE(nfo_test_encap_five_headers),
	KUNIT_CASE(nfo_test_encap_tag_beside),
	KUNIT_CASE(nfo_test_encap_bad_outer),
	KUNIT_CASE(nfo_test_encap_inner_tunnel),
	KUNIT_CASE(nfo_test_encap_lengths),
	KUNIT_CASE(nfo_test_encap_plain),
	KUNIT_CASE(nfo_test_encap_push),
	{}
};

static struct kunit_suite nfo_encap_suite = {
	.name		= "nfo_encap",
	.test_cases	= nfo_encap_cases,
};

kunit_test_suite(nfo_encap_suite);
