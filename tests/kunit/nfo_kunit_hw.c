// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: rules for NICs. Expectations are packet bytes written down by hand, so
 * they hold in either byte order.
 */
#include <kunit/test.h>

#include "../../nf_flow_offload_encap.c"
#include "../../nf_flow_table_hw_rule.c"

#define OUT ((struct net_device *)0x1000)

/* 192.168.1.2:1000 -> 203.0.113.9:80, leaving as 198.51.100.7:2000 -> 10.0.0.5:8080 */
static struct nfo_hw_spec nfo_spec4(u8 l4proto)
{
	return (struct nfo_hw_spec) {
		.family = NFPROTO_IPV4, .l4proto = l4proto, .iif = 7, .out = OUT,
		.src.ip = htonl(0xc0a80102), .dst.ip = htonl(0xcb007109),
		.new_src.ip = htonl(0xc0a80102), .new_dst.ip = htonl(0xcb007109),
		.sport = htons(1000), .dport = htons(80),
		.new_sport = htons(1000), .new_dport = htons(80),
		.eth_src = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 },
		.eth_dst = { 0x06, 0xaa, 0xbb, 0xcc, 0xdd, 0xee },
	};
}

static struct nfo_hw_spec nfo_spec4_nat(u8 l4proto)
{
	struct nfo_hw_spec s = nfo_spec4(l4proto);

	s.nat = true;
	s.new_src.ip = htonl(0xc6336407);
	s.new_dst.ip = htonl(0x0a000005);
	s.new_sport = htons(2000);
	s.new_dport = htons(8080);

	return s;
}

static void nfo_addr6_set(union nf_inet_addr *a, u8 first, u8 last)
{
	memset(a, 0, sizeof(*a));
	a->in6.s6_addr[0] = 0x20;
	a->in6.s6_addr[1] = first;
	a->in6.s6_addr[15] = last;
}

static struct nfo_hw_spec nfo_spec6_nat(u8 l4proto)
{
	struct nfo_hw_spec s = nfo_spec4_nat(l4proto);

	s.family = NFPROTO_IPV6;
	nfo_addr6_set(&s.src, 1, 2);
	nfo_addr6_set(&s.dst, 2, 9);
	nfo_addr6_set(&s.new_src, 3, 7);
	nfo_addr6_set(&s.new_dst, 4, 5);

	return s;
}

/* ---- what a driver would do to a header with our mangles ---- */

static void nfo_apply(const struct flow_action_entry *a, u8 *hdr)
{
	const u8 *mask = (const u8 *)&a->mangle.mask;
	const u8 *val = (const u8 *)&a->mangle.val;
	int i;

	for (i = 0; i < 4; i++)
		if (a->id == FLOW_ACTION_ADD)
			hdr[a->mangle.offset + i] += val[i] & ~mask[i];
		else
			hdr[a->mangle.offset + i] = (hdr[a->mangle.offset + i] & mask[i]) |
						    (val[i] & ~mask[i]);
}

/* Apply all mangles of a rule for one header. Return: how many there were. */
static int nfo_apply_all(const struct nfo_hw_cls *r, enum flow_action_mangle_base base,
			 u8 *hdr)
{
	const struct flow_action_entry *a;
	int i, n = 0;

	flow_action_for_each(i, a, &r->rule->action) {
		if (a->id != FLOW_ACTION_MANGLE && a->id != FLOW_ACTION_ADD)
			continue;
		if (a->mangle.htype != base)
			continue;
		nfo_apply(a, hdr);
		n++;
	}

	return n;
}

static int nfo_count_actions(const struct nfo_hw_cls *r, enum flow_action_id id)
{
	const struct flow_action_entry *a;
	int i, n = 0;

	flow_action_for_each(i, a, &r->rule->action)
		n += a->id == id;
	return n;
}

static struct nfo_hw_cls *nfo_rule(struct kunit *test, const struct nfo_hw_spec *s)
{
	struct nfo_hw_cls *r = nfo_hw_cls_alloc(s);

	KUNIT_ASSERT_FALSE(test, IS_ERR(r));
	KUNIT_ASSERT_LE(test, r->rule->action.num_entries, NFO_HW_ACTIONS);

	return r;
}

/* ---- match ---- */

static void nfo_test_match4(struct kunit *test)
{
	struct nfo_hw_spec s = nfo_spec4(IPPROTO_TCP);
	struct nfo_hw_cls *r = nfo_rule(test, &s);
	struct flow_match_ipv4_addrs addrs;
	struct flow_match_control control;
	struct flow_match_ports ports;
	struct flow_match_basic basic;
	struct flow_match_meta meta;
	struct flow_match_tcp tcp;

	KUNIT_EXPECT_EQ(test, r->dissector.used_keys,
			BIT_ULL(FLOW_DISSECTOR_KEY_META) |
			BIT_ULL(FLOW_DISSECTOR_KEY_CONTROL) |
			BIT_ULL(FLOW_DISSECTOR_KEY_BASIC) |
			BIT_ULL(FLOW_DISSECTOR_KEY_IPV4_ADDRS) |
			BIT_ULL(FLOW_DISSECTOR_KEY_TCP) |
			BIT_ULL(FLOW_DISSECTOR_KEY_PORTS));
	flow_rule_match_meta(r->rule, &meta);
	KUNIT_EXPECT_EQ(test, meta.key->ingress_ifindex, 7);
	KUNIT_EXPECT_EQ(test, meta.mask->ingress_ifindex, U32_MAX);
	flow_rule_match_control(r->rule, &control);
	KUNIT_EXPECT_EQ(test, control.key->addr_type, FLOW_DISSECTOR_KEY_IPV4_ADDRS);
	KUNIT_EXPECT_EQ(test, control.mask->flags, 0);
	flow_rule_match_basic(r->rule, &basic);
	KUNIT_EXPECT_EQ(test, ntohs(basic.key->n_proto), 0x0800);
	KUNIT_EXPECT_EQ(test, basic.key->ip_proto, IPPROTO_TCP);
	flow_rule_match_ipv4_addrs(r->rule, &addrs);
	KUNIT_EXPECT_EQ(test, ntohl(addrs.key->src), 0xc0a80102);
	KUNIT_EXPECT_EQ(test, ntohl(addrs.key->dst), 0xcb007109);
	KUNIT_EXPECT_EQ(test, ntohl(addrs.mask->src), 0xffffffff);
	flow_rule_match_ports(r->rule, &ports);
	KUNIT_EXPECT_EQ(test, ntohs(ports.key->src), 1000);
	KUNIT_EXPECT_EQ(test, ntohs(ports.key->dst), 80);
	flow_rule_match_tcp(r->rule, &tcp);
	KUNIT_EXPECT_EQ(test, ntohs(tcp.key->flags), 0);
	/* FIN 1, SYN 2, RST 4 */
	KUNIT_EXPECT_EQ(test, ntohs(tcp.mask->flags), 0x0007);
	nfo_hw_cls_free(r);
}

static void nfo_test_match6_udp_frag(struct kunit *test)
{
	struct nfo_hw_spec s = nfo_spec6_nat(IPPROTO_UDP);
	struct flow_match_ipv6_addrs addrs;
	struct flow_match_control control;
	struct flow_match_basic basic;
	struct nfo_hw_cls *r;

	s.no_frag = true;
	r = nfo_rule(test, &s);
	KUNIT_EXPECT_FALSE(test, flow_rule_match_key(r->rule, FLOW_DISSECTOR_KEY_TCP));
	KUNIT_EXPECT_FALSE(test, flow_rule_match_key(r->rule, FLOW_DISSECTOR_KEY_VLAN));
	flow_rule_match_basic(r->rule, &basic);
	KUNIT_EXPECT_EQ(test, ntohs(basic.key->n_proto), 0x86dd);
	flow_rule_match_ipv6_addrs(r->rule, &addrs);
	KUNIT_EXPECT_EQ(test, memcmp(&addrs.key->src, &s.src.in6, 16), 0);
	KUNIT_EXPECT_EQ(test, memcmp(&addrs.key->dst, &s.dst.in6, 16), 0);
	flow_rule_match_control(r->rule, &control);
	KUNIT_EXPECT_EQ(test, control.key->flags, 0);
	KUNIT_EXPECT_EQ(test, control.mask->flags, FLOW_DIS_IS_FRAGMENT);
	nfo_hw_cls_free(r);
}

static void nfo_test_match_vlans(struct kunit *test)
{
	struct nfo_hw_spec s = nfo_spec4(IPPROTO_UDP);
	struct flow_match_vlan vlan;
	struct nfo_hw_cls *r;

	s.in_encaps = 2;
	s.in_encap[0] = (struct nfo_hw_encap) { 100, NFO_ENCAP_8021AD };
	s.in_encap[1] = (struct nfo_hw_encap) { 200, NFO_ENCAP_8021Q };
	r = nfo_rule(test, &s);
	flow_rule_match_vlan(r->rule, &vlan);
	KUNIT_EXPECT_EQ(test, (int)vlan.key->vlan_id, 100);
	KUNIT_EXPECT_EQ(test, ntohs(vlan.key->vlan_tpid), 0x88a8);
	KUNIT_EXPECT_EQ(test, (int)vlan.mask->vlan_id, 0xfff);
	flow_rule_match_cvlan(r->rule, &vlan);
	KUNIT_EXPECT_EQ(test, (int)vlan.key->vlan_id, 200);
	KUNIT_EXPECT_EQ(test, ntohs(vlan.key->vlan_tpid), 0x8100);
	nfo_hw_cls_free(r);
}

/* ---- actions ---- */

static void nfo_test_macs(struct kunit *test)
{
	static const u8 want[16] = {
		0x06, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55,
		0x08, 0x00, 0x45, 0x00,
	};
	u8 hdr[16] = { [12] = 0x08, 0x00, 0x45, 0x00 };
	struct nfo_hw_spec s = nfo_spec4(IPPROTO_UDP);
	struct nfo_hw_cls *r = nfo_rule(test, &s);

	KUNIT_EXPECT_EQ(test, nfo_apply_all(r, FLOW_ACT_MANGLE_HDR_TYPE_ETH, hdr), 4);
	KUNIT_EXPECT_EQ(test, memcmp(hdr, want, sizeof(want)), 0);
	nfo_hw_cls_free(r);
}

/* mtk_ppe_offload.c tells the halves of the source MAC apart by this mask. */
static void nfo_test_macs_as_mtk_reads_them(struct kunit *test)
{
	struct nfo_hw_spec s = nfo_spec4(IPPROTO_UDP);
	struct nfo_hw_cls *r = nfo_rule(test, &s);
	const struct flow_action_entry *a = &r->rule->action.entries[0];
	static const u8 mask[4] = { 0xff, 0xff, 0, 0 };
	static const u8 val[4] = { 0, 0, 0x02, 0x11 };

	KUNIT_EXPECT_EQ(test, a->mangle.offset, 4);
	KUNIT_EXPECT_EQ(test, memcmp(&a->mangle.mask, mask, 4), 0);
	KUNIT_EXPECT_EQ(test, memcmp(&a->mangle.val, val, 4), 0);
	nfo_hw_cls_free(r);
}

static void nfo_test_nat4(struct kunit *test)
{
	static const u8 want_ip[20] = {
		0x45, 0, 0, 40, 0, 0, 0, 0, 63, 6, 0, 0,
		198, 51, 100, 7, 10, 0, 0, 5,
	};
	u8 ip[20] = {
		0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0,
		192, 168, 1, 2, 203, 0, 113, 9,
	};
	static const u8 want_tcp[8] = { 0x07, 0xd0, 0x1f, 0x90, 1, 2, 3, 4 };
	u8 tcp[8] = { 0x03, 0xe8, 0x00, 0x50, 1, 2, 3, 4 };
	struct nfo_hw_spec s = nfo_spec4_nat(IPPROTO_TCP);
	struct nfo_hw_cls *r;

	s.ttl = NFO_HW_TTL_ADD;
	s.ttl_in = 64;
	r = nfo_rule(test, &s);
	KUNIT_EXPECT_EQ(test, nfo_apply_all(r, FLOW_ACT_MANGLE_HDR_TYPE_IP4, ip), 3);
	KUNIT_EXPECT_EQ(test, memcmp(ip, want_ip, sizeof(ip)), 0);
	KUNIT_EXPECT_EQ(test, nfo_apply_all(r, FLOW_ACT_MANGLE_HDR_TYPE_TCP, tcp), 2);
	KUNIT_EXPECT_EQ(test, memcmp(tcp, want_tcp, sizeof(tcp)), 0);
	KUNIT_EXPECT_EQ(test, nfo_apply_all(r, FLOW_ACT_MANGLE_HDR_TYPE_UDP, tcp), 0);
	nfo_hw_cls_free(r);
}

static void nfo_test_nat6(struct kunit *test)
{
	struct nfo_hw_spec s = nfo_spec6_nat(IPPROTO_UDP);
	struct nfo_hw_cls *r;
	u8 ip[40], want[40], udp[8] = { 0x03, 0xe8, 0x00, 0x50 };
	static const u8 want_udp[8] = { 0x07, 0xd0, 0x1f, 0x90 };

	memset(ip, 0, sizeof(ip));
	ip[6] = IPPROTO_UDP;
	ip[7] = 2;
	memcpy(want, ip, sizeof(ip));
	memcpy(ip + 8, &s.src, 16);
	memcpy(ip + 24, &s.dst, 16);
	want[7] = 1;
	memcpy(want + 8, &s.new_src, 16);
	memcpy(want + 24, &s.new_dst, 16);

	s.ttl = NFO_HW_TTL_ADD;
	s.ttl_in = 64;
	r = nfo_rule(test, &s);
	KUNIT_EXPECT_EQ(test, nfo_apply_all(r, FLOW_ACT_MANGLE_HDR_TYPE_IP6, ip), 9);
	KUNIT_EXPECT_EQ(test, memcmp(ip, want, sizeof(ip)), 0);
	KUNIT_EXPECT_EQ(test, nfo_apply_all(r, FLOW_ACT_MANGLE_HDR_TYPE_UDP, udp), 2);
	KUNIT_EXPECT_EQ(test, memcmp(udp, want_udp, sizeof(udp)), 0);
	nfo_hw_cls_free(r);
}

/* Only what changes is written. */
static void nfo_test_partial_nat(struct kunit *test)
{
	struct nfo_hw_spec s = nfo_spec4(IPPROTO_UDP);
	struct nfo_hw_cls *r;
	u8 hdr[20] = {};

	s.nat = true;
	s.new_src.ip = htonl(0xc6336407);
	r = nfo_rule(test, &s);
	KUNIT_EXPECT_EQ(test, nfo_apply_all(r, FLOW_ACT_MANGLE_HDR_TYPE_IP4, hdr), 1);
	KUNIT_EXPECT_EQ(test, nfo_apply_all(r, FLOW_ACT_MANGLE_HDR_TYPE_UDP, hdr), 0);
	nfo_hw_cls_free(r);
}

static u32 nfo_csum_flags(const struct nfo_hw_cls *r)
{
	const struct flow_action_entry *a;
	u32 flags = 0;
	int i;

	flow_action_for_each(i, a, &r->rule->action)
		if (a->id == FLOW_ACTION_CSUM)
			flags |= a->csum_flags;
	return flags;
}

static void nfo_test_csum(struct kunit *test)
{
	static const struct {
		bool v6, nat, ttl;
		u8 l4proto;
		int actions;
		u32 flags;
	} cases[] = {
		{ false, false, false, IPPROTO_TCP, 0, 0 },
		{ false, false, true,  IPPROTO_TCP, 1, TCA_CSUM_UPDATE_FLAG_IPV4HDR },
		{ false, true,  false, IPPROTO_TCP, 1,
		  TCA_CSUM_UPDATE_FLAG_IPV4HDR | TCA_CSUM_UPDATE_FLAG_TCP },
		{ false, true,  true,  IPPROTO_UDP, 1,
		  TCA_CSUM_UPDATE_FLAG_IPV4HDR | TCA_CSUM_UPDATE_FLAG_UDP },
		{ true,  false, true,  IPPROTO_TCP, 0, 0 },
		{ true,  true,  true,  IPPROTO_TCP, 1, TCA_CSUM_UPDATE_FLAG_TCP },
		{ true,  true,  false, IPPROTO_UDP, 1, TCA_CSUM_UPDATE_FLAG_UDP },
	};
	struct nfo_hw_cls *r;
	struct nfo_hw_spec s;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		s = nfo_spec4_nat(cases[i].l4proto);
		if (cases[i].v6)
			s = nfo_spec6_nat(cases[i].l4proto);
		s.nat = cases[i].nat;
		s.ttl = NFO_HW_TTL_IMPLICIT;
		if (cases[i].ttl)
			s.ttl = NFO_HW_TTL_ADD;
		s.ttl_in = 64;
		r = nfo_rule(test, &s);
		KUNIT_EXPECT_EQ_MSG(test, nfo_count_actions(r, FLOW_ACTION_CSUM),
				    cases[i].actions, "case %d", i);
		KUNIT_EXPECT_EQ_MSG(test, nfo_csum_flags(r), cases[i].flags, "case %d", i);
		nfo_hw_cls_free(r);
	}
}

/* Popped before pushed; pushed from the inside out; redirected last. */
static void nfo_test_order(struct kunit *test)
{
	struct nfo_hw_spec s = nfo_spec4(IPPROTO_UDP);
	static const enum flow_action_id want[] = {
		FLOW_ACTION_MANGLE, FLOW_ACTION_MANGLE, FLOW_ACTION_MANGLE,
		FLOW_ACTION_MANGLE, FLOW_ACTION_VLAN_POP, FLOW_ACTION_PPPOE_PUSH,
		FLOW_ACTION_VLAN_PUSH, FLOW_ACTION_REDIRECT,
	};
	const struct flow_action_entry *a;
	struct nfo_hw_cls *r;
	int i;

	s.in_encaps = 1;
	s.in_encap[0] = (struct nfo_hw_encap) { 10, NFO_ENCAP_8021Q };
	s.out_encaps = 2;
	s.out_encap[0] = (struct nfo_hw_encap) { 20, NFO_ENCAP_8021Q };
	s.out_encap[1] = (struct nfo_hw_encap) { 0x4321, NFO_ENCAP_PPPOE };
	r = nfo_rule(test, &s);
	KUNIT_ASSERT_EQ(test, r->rule->action.num_entries, ARRAY_SIZE(want));
	flow_action_for_each(i, a, &r->rule->action)
		KUNIT_EXPECT_EQ_MSG(test, a->id, want[i], "action %d", i);
	KUNIT_EXPECT_EQ(test, r->rule->action.entries[5].pppoe.sid, 0x4321);
	KUNIT_EXPECT_EQ(test, r->rule->action.entries[6].vlan.vid, 20);
	KUNIT_EXPECT_EQ(test, ntohs(r->rule->action.entries[6].vlan.proto), 0x8100);
	KUNIT_EXPECT_PTR_EQ(test, r->rule->action.entries[7].dev, OUT);
	nfo_hw_cls_free(r);
}

/* Two tags: TC's order, one around the other, and that of the frame. */
static void nfo_test_two_tags(struct kunit *test)
{
	struct nfo_hw_spec s = nfo_spec4(IPPROTO_UDP);
	const struct flow_action_entry *a;
	struct nfo_hw_cls *r;

	s.out_encaps = 2;
	s.out_encap[0] = (struct nfo_hw_encap) { 100, NFO_ENCAP_8021AD };
	s.out_encap[1] = (struct nfo_hw_encap) { 200, NFO_ENCAP_8021Q };
	r = nfo_rule(test, &s);
	a = &r->rule->action.entries[4];
	KUNIT_EXPECT_EQ(test, a[0].vlan.vid, 200);
	KUNIT_EXPECT_EQ(test, ntohs(a[0].vlan.proto), 0x8100);
	KUNIT_EXPECT_EQ(test, a[1].vlan.vid, 100);
	KUNIT_EXPECT_EQ(test, ntohs(a[1].vlan.proto), 0x88a8);
	nfo_hw_cls_free(r);

	s.outer_first = true;
	r = nfo_rule(test, &s);
	a = &r->rule->action.entries[4];
	KUNIT_EXPECT_EQ(test, a[0].vlan.vid, 100);
	KUNIT_EXPECT_EQ(test, a[1].vlan.vid, 200);
	nfo_hw_cls_free(r);
}

/* Every combination fits, and the longest fills the array to the last place. */
static void nfo_test_never_too_long(struct kunit *test)
{
	unsigned int i, longest = 0;
	struct nfo_hw_cls *r;
	struct nfo_hw_spec s;

	for (i = 0; i < 256; i++) {
		s = i & 1 ? nfo_spec6_nat(i & 2 ? IPPROTO_UDP : IPPROTO_TCP) :
			    nfo_spec4_nat(i & 2 ? IPPROTO_UDP : IPPROTO_TCP);
		s.nat = i & 4;
		s.ttl = i & 8 ? NFO_HW_TTL_ADD : NFO_HW_TTL_IMPLICIT;
		s.ttl_in = 64;
		s.in_encaps = min(i >> 4 & 3, 2u);
		s.out_encaps = min(i >> 6 & 3, 2u);
		s.in_encap[0] = (struct nfo_hw_encap) { 1, NFO_ENCAP_8021AD };
		s.in_encap[1] = (struct nfo_hw_encap) { 2, NFO_ENCAP_8021Q };
		s.out_encap[0] = (struct nfo_hw_encap) { 3, NFO_ENCAP_8021Q };
		s.out_encap[1] = (struct nfo_hw_encap) { 4, NFO_ENCAP_PPPOE };
		r = nfo_rule(test, &s);
		KUNIT_EXPECT_EQ(test, nfo_count_actions(r, FLOW_ACTION_REDIRECT), 1);
		longest = max(longest, r->rule->action.num_entries);
		nfo_hw_cls_free(r);
	}
	KUNIT_EXPECT_EQ(test, longest, NFO_HW_ACTIONS);
}

/* ---- the forms of the table of drivers ---- */

/* A rule that lowers the TTL never meets a TTL of 0 or 1, whatever it was learned with. */
static void nfo_test_ttl_guard(struct kunit *test)
{
	struct nfo_hw_spec s = nfo_spec4(IPPROTO_UDP);
	struct flow_match_ip ip;
	struct nfo_hw_cls *r;
	unsigned int ttl;

	for (ttl = 2; ttl < 256; ttl++) {
		s.ttl = NFO_HW_TTL_ADD;
		s.ttl_in = ttl;
		r = nfo_rule(test, &s);
		flow_rule_match_ip(r->rule, &ip);
		KUNIT_EXPECT_EQ_MSG(test, ttl & ip.mask->ttl, ip.key->ttl, "its own, %u", ttl);
		KUNIT_EXPECT_NE_MSG(test, 0 & ip.mask->ttl, ip.key->ttl, "TTL 0 for %u", ttl);
		KUNIT_EXPECT_NE_MSG(test, 1 & ip.mask->ttl, ip.key->ttl, "TTL 1 for %u", ttl);
		KUNIT_EXPECT_EQ(test, ip.mask->tos, 0);
		nfo_hw_cls_free(r);
	}
}

static void nfo_test_ttl_exact(struct kunit *test)
{
	struct nfo_hw_spec s = nfo_spec6_nat(IPPROTO_UDP);
	struct flow_match_ip ip;
	struct nfo_hw_cls *r;
	u8 hdr[40] = {};

	s.ttl = NFO_HW_TTL_EXACT;
	s.ttl_in = 57;
	r = nfo_rule(test, &s);
	flow_rule_match_ip(r->rule, &ip);
	KUNIT_EXPECT_EQ(test, ip.key->ttl, 57);
	KUNIT_EXPECT_EQ(test, ip.mask->ttl, 255);
	KUNIT_EXPECT_EQ(test, nfo_count_actions(r, FLOW_ACTION_ADD), 0);
	nfo_apply_all(r, FLOW_ACT_MANGLE_HDR_TYPE_IP6, hdr);
	KUNIT_EXPECT_EQ(test, hdr[7], 56);
	nfo_hw_cls_free(r);
}

/* With and without a match on the TTL, which is in the same key. */
static void nfo_test_dscp(struct kunit *test)
{
	struct nfo_hw_spec s = nfo_spec4(IPPROTO_UDP);
	struct flow_match_ip ip;
	struct nfo_hw_cls *r;
	int i;

	s.match_dscp = true;
	s.dscp = 0xb8;
	s.ttl_in = 64;
	for (i = 0; i < 2; i++) {
		s.ttl = i ? NFO_HW_TTL_ADD : NFO_HW_TTL_IMPLICIT;
		r = nfo_rule(test, &s);
		KUNIT_ASSERT_TRUE(test, flow_rule_match_key(r->rule, FLOW_DISSECTOR_KEY_IP));
		flow_rule_match_ip(r->rule, &ip);
		KUNIT_EXPECT_EQ(test, ip.key->tos, 0xb8);
		KUNIT_EXPECT_EQ(test, ip.mask->tos, 0xfc);
		KUNIT_EXPECT_EQ(test, ip.key->ttl, i ? 64 : 0);
		KUNIT_EXPECT_EQ(test, ip.mask->ttl, i ? 64 : 0);
		nfo_hw_cls_free(r);
	}
}

static void nfo_test_csum_kinds(struct kunit *test)
{
	struct nfo_hw_spec s = nfo_spec4(IPPROTO_UDP);
	struct nfo_hw_cls *r;

	s.ttl = NFO_HW_TTL_EXACT;
	s.ttl_in = 64;
	s.csum = NFO_HW_CSUM_ALL;
	r = nfo_rule(test, &s);
	KUNIT_EXPECT_EQ(test, nfo_csum_flags(r),
			TCA_CSUM_UPDATE_FLAG_IPV4HDR | TCA_CSUM_UPDATE_FLAG_UDP);
	nfo_hw_cls_free(r);

	s.csum = NFO_HW_CSUM_NONE;
	r = nfo_rule(test, &s);
	KUNIT_EXPECT_EQ(test, nfo_count_actions(r, FLOW_ACTION_CSUM), 0);
	nfo_hw_cls_free(r);
}

static void nfo_test_dest_and_meta(struct kunit *test)
{
	static const u8 dest[ETH_ALEN] = { 2, 4, 6, 8, 10, 12 };
	struct nfo_hw_spec s = nfo_spec4(IPPROTO_UDP);
	struct flow_match_eth_addrs eth;
	struct nfo_hw_cls *r;

	s.match_dest = true;
	s.no_meta = true;
	memcpy(s.in_dest, dest, ETH_ALEN);
	r = nfo_rule(test, &s);
	KUNIT_EXPECT_FALSE(test, flow_rule_match_key(r->rule, FLOW_DISSECTOR_KEY_META));
	flow_rule_match_eth_addrs(r->rule, &eth);
	KUNIT_EXPECT_EQ(test, memcmp(eth.key->dst, dest, ETH_ALEN), 0);
	KUNIT_EXPECT_TRUE(test, is_broadcast_ether_addr(eth.mask->dst));
	KUNIT_EXPECT_TRUE(test, is_zero_ether_addr(eth.mask->src));
	nfo_hw_cls_free(r);
}

/* ---- the table of drivers ---- */

/* Each row makes sense, and no driver has two rows for one way of asking. */
static void nfo_test_drivers(struct kunit *test)
{
	const struct nfo_hw_driver *d;
	unsigned int i;

	for (i = 0; i < nfo_hw_drivers_count; i++) {
		d = &nfo_hw_drivers[i];
		KUNIT_EXPECT_PTR_EQ_MSG(test, nfo_hw_driver_find(d->name, d->bind), d, "%s",
					d->name);
		KUNIT_EXPECT_EQ_MSG(test, !!d->forms[0], d->bind != NFO_DEV_HW_NONE, "%s",
				    d->name);
		KUNIT_EXPECT_TRUE_MSG(test, d->why || d->bind != NFO_DEV_HW_NONE, "%s", d->name);
		/* A block driver does nothing unasked. */
		if (d->bind == NFO_DEV_HW_BLOCK)
			KUNIT_EXPECT_NE_MSG(test, d->forms[0], NFO_HW_TTL_IMPLICIT, "%s", d->name);
	}
}

/* Those of whom reading their source said that they do harm. */
static void nfo_test_drivers_declined(struct kunit *test)
{
	static const char * const names[] = {
		"st_gmac", "bnxt_en", "yt921x", "cxgb4", "ice", "i40e", "iavf", "igb", "ixgbe",
		"mlxsw_spectrum", "prestera", "rvu-nicpf", "sparx5-switch", "lan966x-switch",
		"ocelot-switch", "mscc_felix", "dpaa2_switch", "fsl_enetc", "hns3", "qede", "cpsw",
		"netdevsim",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		KUNIT_EXPECT_NULL_MSG(test, nfo_hw_driver_find(names[i], NFO_DEV_HW_BLOCK), "%s",
				      names[i]);
		KUNIT_EXPECT_NOT_NULL_MSG(test, nfo_hw_driver_find(names[i], NFO_DEV_HW_NONE),
					  "%s", names[i]);
	}
	KUNIT_EXPECT_NULL(test, nfo_hw_driver_find("unheard of", NFO_DEV_HW_BLOCK));
}

static void nfo_test_drivers_asked(struct kunit *test)
{
	const struct nfo_hw_driver *d;

	d = nfo_hw_driver_find("nfp", NFO_DEV_HW_BLOCK);
	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_EXPECT_EQ(test, d->forms[0], NFO_HW_TTL_EXACT);
	KUNIT_EXPECT_EQ(test, d->csum, NFO_HW_CSUM_ALL);
	KUNIT_EXPECT_EQ(test, d->full, ENOENT);

	/* Two names, two ways. A representor leaves the TTL alone unless it is told. */
	KUNIT_EXPECT_NULL(test, nfo_hw_driver_find("mlx5_core", NFO_DEV_HW_FT));
	d = nfo_hw_driver_find("mlx5e_rep", NFO_DEV_HW_FT);
	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_EXPECT_EQ(test, d->forms[0], NFO_HW_TTL_ADD);
	d = nfo_hw_driver_find("mlx5_core", NFO_DEV_HW_BLOCK);
	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_EXPECT_EQ(test, d->forms[0], NFO_HW_TTL_ADD);

	d = nfo_hw_driver_find("sfc", NFO_DEV_HW_BLOCK);
	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_EXPECT_EQ(test, d->csum, NFO_HW_CSUM_NONE);
	KUNIT_EXPECT_TRUE(test, d->flags & NFO_HW_DRV_NO_META);

	d = nfo_hw_driver_find("mtk_soc_eth", NFO_DEV_HW_FT);
	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_EXPECT_EQ(test, d->forms[0], NFO_HW_TTL_IMPLICIT);
	KUNIT_EXPECT_FALSE(test, d->flags & NFO_HW_DRV_NO_FRAG);
}

static struct kunit_case nfo_hw_cases[] = {
	KUNIT_CASE(nfo_test_ttl_guard),
	KUNIT_CASE(nfo_test_ttl_exact),
	KUNIT_CASE(nfo_test_dscp),
	KUNIT_CASE(nfo_test_csum_kinds),
	KUNIT_CASE(nfo_test_dest_and_meta),
	KUNIT_CASE(nfo_test_drivers),
	KUNIT_CASE(nfo_test_drivers_declined),
	KUNIT_CASE(nfo_test_drivers_asked),
	KUNIT_CASE(nfo_test_match4),
	KUNIT_CASE(nfo_test_match6_udp_frag),
	KUNIT_CASE(nfo_test_match_vlans),
	KUNIT_CASE(nfo_test_macs),
	KUNIT_CASE(nfo_test_macs_as_mtk_reads_them),
	KUNIT_CASE(nfo_test_nat4),
	KUNIT_CASE(nfo_test_nat6),
	KUNIT_CASE(nfo_test_partial_nat),
	KUNIT_CASE(nfo_test_csum),
	KUNIT_CASE(nfo_test_order),
	KUNIT_CASE(nfo_test_two_tags),
	KUNIT_CASE(nfo_test_never_too_long),
	{}
};

static struct kunit_suite nfo_hw_suite = {
	.name		= "nf_flow_offload_hw_rule",
	.test_cases	= nfo_hw_cases,
};

kunit_test_suite(nfo_hw_suite);
