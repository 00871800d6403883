// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: from plain values to a flow_rule. Nothing here takes a lock or a reference.
 *
 * The rules have the form that the in-tree drivers parse (mtk_ppe_offload.c, airoha_ppe.c,
 * mlx5 en_tc.c, nfp flower): a mangle action is a 32-bit word at an offset that is a multiple
 * of four, and its mask has a 1 for each bit that stays. The words are put together byte by
 * byte, so that they mean the same bytes of the packet in either byte order.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/tc_act/tc_csum.h>
#include <net/inet_ecn.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_tables.h>

#include "nfo_encap.h"
#include "nfo_hw_rule.h"

/* ---- match ---- */

/* A rule matches one more field: tell drivers where the field is in struct nfo_hw_key. */
static void nfo_hw_use(struct nfo_hw_cls *r, enum flow_dissector_key_id id,
		       unsigned short offset)
{
	r->dissector.used_keys |= BIT_ULL(id);
	r->dissector.offset[id] = offset;
}

static void nfo_hw_match_vlan(struct flow_dissector_key_vlan *key,
			      struct flow_dissector_key_vlan *mask,
			      const struct nfo_hw_encap *encap)
{
	key->vlan_id = encap->id;
	key->vlan_tpid = nfo_encap_types[encap->kind].proto;
	mask->vlan_id = VLAN_VID_MASK;
	mask->vlan_tpid = cpu_to_be16(0xffff);
}

static bool nfo_hw_is_vlan(const struct nfo_hw_encap *encap)
{
	return nfo_encap_types[encap->kind].is_vlan;
}

/* Drivers have no key for a PPPoE session, so a rule matches VLAN tags only; sessions differ by
 * their ingress device.
 */
static void nfo_hw_match_encap(struct nfo_hw_cls *r, const struct nfo_hw_spec *s)
{
	unsigned int vlans = 0;
	int i;

	for (i = 0; i < s->in_encaps; i++) {
		if (!nfo_hw_is_vlan(&s->in_encap[i]))
			continue;
		if (!vlans++) {
			nfo_hw_use(r, FLOW_DISSECTOR_KEY_VLAN, offsetof(struct nfo_hw_key, vlan));
			nfo_hw_match_vlan(&r->key.vlan, &r->mask.vlan, &s->in_encap[i]);
		} else {
			nfo_hw_use(r, FLOW_DISSECTOR_KEY_CVLAN, offsetof(struct nfo_hw_key, cvlan));
			nfo_hw_match_vlan(&r->key.cvlan, &r->mask.cvlan, &s->in_encap[i]);
		}
	}
}

static void nfo_hw_match_addrs(struct nfo_hw_cls *r, const struct nfo_hw_spec *s)
{
	r->mask.basic.n_proto = cpu_to_be16(0xffff);
	r->mask.control.addr_type = 0xffff;

	if (s->family == NFPROTO_IPV4) {
		nfo_hw_use(r, FLOW_DISSECTOR_KEY_IPV4_ADDRS,
			   offsetof(struct nfo_hw_key, ipv4));
		r->key.control.addr_type = FLOW_DISSECTOR_KEY_IPV4_ADDRS;
		r->key.basic.n_proto = htons(ETH_P_IP);
		r->key.ipv4.src = s->src.ip;
		r->key.ipv4.dst = s->dst.ip;
		r->mask.ipv4.src = htonl(INADDR_BROADCAST);
		r->mask.ipv4.dst = htonl(INADDR_BROADCAST);
		return;
	}
	nfo_hw_use(r, FLOW_DISSECTOR_KEY_IPV6_ADDRS,
		   offsetof(struct nfo_hw_key, ipv6));
	r->key.control.addr_type = FLOW_DISSECTOR_KEY_IPV6_ADDRS;
	r->key.basic.n_proto = htons(ETH_P_IPV6);
	r->key.ipv6.src = s->src.in6;
	r->key.ipv6.dst = s->dst.in6;
	memset(&r->mask.ipv6, 0xff, sizeof(r->mask.ipv6));
}

static void nfo_hw_match_l4(struct nfo_hw_cls *r, const struct nfo_hw_spec *s)
{
	nfo_hw_use(r, FLOW_DISSECTOR_KEY_PORTS, offsetof(struct nfo_hw_key, ports));
	r->key.basic.ip_proto = s->l4proto;
	r->mask.basic.ip_proto = 0xff;
	r->key.ports.src = s->sport;
	r->key.ports.dst = s->dport;
	r->mask.ports.src = cpu_to_be16(0xffff);
	r->mask.ports.dst = cpu_to_be16(0xffff);
	if (s->l4proto != IPPROTO_TCP)
		return;

	/* SYN, RST and FIN have to be 0: the CPU handles segments that open or close. */
	nfo_hw_use(r, FLOW_DISSECTOR_KEY_TCP, offsetof(struct nfo_hw_key, tcp));
	r->mask.tcp.flags = cpu_to_be16(be32_to_cpu(TCP_FLAG_SYN | TCP_FLAG_RST |
						    TCP_FLAG_FIN) >> 16);
}

/* Return: true when the rule has an action that lowers the TTL. */
static bool nfo_hw_sets_ttl(const struct nfo_hw_spec *s)
{
	return s->ttl == NFO_HW_TTL_ADD || s->ttl == NFO_HW_TTL_EXACT;
}

/* Match the DSCP, so that packets with another one pass in software, where they show what the
 * ruleset does to them.
 */
static void nfo_hw_match_dscp(struct nfo_hw_cls *r, const struct nfo_hw_spec *s)
{
	if (!s->match_dscp)
		return;
	nfo_hw_use(r, FLOW_DISSECTOR_KEY_IP, offsetof(struct nfo_hw_key, ip));
	r->mask.ip.tos = (u8)~INET_ECN_MASK;
	r->key.ip.tos = s->dscp;
}

/* An action that lowers the TTL would let a packet with a TTL of 1 leave with 0. TC cannot match a
 * range, so the rule matches the highest bit of the TTL that the direction was learned with: a
 * packet with this bit has a TTL of at least 2, and a packet without it goes to the host.
 */
static void nfo_hw_match_ttl(struct nfo_hw_cls *r, const struct nfo_hw_spec *s)
{
	if (!nfo_hw_sets_ttl(s))
		return;
	nfo_hw_use(r, FLOW_DISSECTOR_KEY_IP, offsetof(struct nfo_hw_key, ip));
	r->mask.ip.ttl = s->ttl == NFO_HW_TTL_EXACT ? 0xff : rounddown_pow_of_two(s->ttl_in);
	r->key.ip.ttl = s->ttl_in & r->mask.ip.ttl;
}

/* Match the destination MAC address, because frames that the chip floods, and frames for another
 * router, must not be forwarded.
 */
static void nfo_hw_match_dest(struct nfo_hw_cls *r, const struct nfo_hw_spec *s)
{
	if (!s->match_dest)
		return;
	nfo_hw_use(r, FLOW_DISSECTOR_KEY_ETH_ADDRS, offsetof(struct nfo_hw_key, eth));
	ether_addr_copy(r->key.eth.dst, s->in_dest);
	eth_broadcast_addr(r->mask.eth.dst);
}

static void nfo_hw_match_meta(struct nfo_hw_cls *r, const struct nfo_hw_spec *s)
{
	if (s->no_meta)
		return;
	nfo_hw_use(r, FLOW_DISSECTOR_KEY_META, offsetof(struct nfo_hw_key, meta));
	r->key.meta.ingress_ifindex = s->iif;
	r->mask.meta.ingress_ifindex = U32_MAX;
}

static void nfo_hw_match(struct nfo_hw_cls *r, const struct nfo_hw_spec *s)
{
	nfo_hw_use(r, FLOW_DISSECTOR_KEY_CONTROL, offsetof(struct nfo_hw_key, control));
	nfo_hw_use(r, FLOW_DISSECTOR_KEY_BASIC, offsetof(struct nfo_hw_key, basic));
	if (s->no_frag)
		r->mask.control.flags = FLOW_DIS_IS_FRAGMENT;

	nfo_hw_match_meta(r, s);
	nfo_hw_match_dest(r, s);
	nfo_hw_match_ttl(r, s);
	nfo_hw_match_dscp(r, s);
	nfo_hw_match_encap(r, s);
	nfo_hw_match_addrs(r, s);
	nfo_hw_match_l4(r, s);
}

/* ---- actions ---- */

/* Add an action to the rule. The array has room for the longest rule. Return: the action. */
static struct flow_action_entry *nfo_hw_action(struct nfo_hw_cls *r,
					       enum flow_action_id id)
{
	struct flow_action_entry *a;

	a = &r->rule->action.entries[r->rule->action.num_entries++];
	a->id = id;
	/* Each action must say which kind of counters it wants: any kind will do. */
	a->hw_stats = FLOW_ACTION_HW_STATS_ANY;

	return a;
}

/* Add an action that writes @len bytes at offset @at of a header. They lie within one 32-bit word.
 */
static void nfo_hw_mangle(struct nfo_hw_cls *r, enum flow_action_id id,
			  enum flow_action_mangle_base base, u32 at,
			  const void *bytes, unsigned int len)
{
	struct flow_action_entry *a = nfo_hw_action(r, id);
	u8 *mask = (u8 *)&a->mangle.mask;
	u8 *val = (u8 *)&a->mangle.val;
	u32 in_word = at % 4;

	a->mangle.htype = base;
	a->mangle.offset = at - in_word;
	memset(mask, 0xff, 4);
	memset(val, 0, 4);
	memset(mask + in_word, 0, len);
	memcpy(val + in_word, bytes, len);
}

static void nfo_hw_macs(struct nfo_hw_cls *r, const struct nfo_hw_spec *s)
{
	const enum flow_action_mangle_base base = FLOW_ACT_MANGLE_HDR_TYPE_ETH;

	nfo_hw_mangle(r, FLOW_ACTION_MANGLE, base, 6, s->eth_src, 2);
	nfo_hw_mangle(r, FLOW_ACTION_MANGLE, base, 8, s->eth_src + 2, 4);
	nfo_hw_mangle(r, FLOW_ACTION_MANGLE, base, 0, s->eth_dst, 4);
	nfo_hw_mangle(r, FLOW_ACTION_MANGLE, base, 4, s->eth_dst + 4, 2);
}

static void nfo_hw_push(struct nfo_hw_cls *r, const struct nfo_hw_encap *encap)
{
	const struct nfo_encap_type *type = &nfo_encap_types[encap->kind];
	struct flow_action_entry *a = nfo_hw_action(r, type->hw_push);

	if (type->is_vlan) {
		a->vlan.vid = encap->id;
		a->vlan.proto = type->proto;
	} else {
		nfo_flow_action_set_pppoe(a, encap->id);
	}
}

static void nfo_hw_encaps(struct nfo_hw_cls *r, const struct nfo_hw_spec *s)
{
	int i;

	for (i = 0; i < s->in_encaps; i++)
		if (nfo_hw_is_vlan(&s->in_encap[i]))
			nfo_hw_action(r, FLOW_ACTION_VLAN_POP);

	for (i = 0; i < s->out_encaps; i++)
		nfo_hw_push(r, &s->out_encap[s->outer_first ? i : s->out_encaps - 1 - i]);
}

/* Lower the TTL or hop limit by one: set the new value, or add 255 to the byte. */
static void nfo_hw_ttl(struct nfo_hw_cls *r, const struct nfo_hw_spec *s)
{
	bool exact = s->ttl == NFO_HW_TTL_EXACT;
	const u8 byte = exact ? s->ttl_in - 1 : 0xff;
	enum flow_action_id id = exact ? FLOW_ACTION_MANGLE : FLOW_ACTION_ADD;

	if (!nfo_hw_sets_ttl(s))
		return;
	if (s->family == NFPROTO_IPV4)
		nfo_hw_mangle(r, id, FLOW_ACT_MANGLE_HDR_TYPE_IP4,
			      offsetof(struct iphdr, ttl), &byte, 1);
	else
		nfo_hw_mangle(r, id, FLOW_ACT_MANGLE_HDR_TYPE_IP6,
			      offsetof(struct ipv6hdr, hop_limit), &byte, 1);
}

static void nfo_hw_addr(struct nfo_hw_cls *r, const struct nfo_hw_spec *s, bool src)
{
	const union nf_inet_addr *from = src ? &s->src : &s->dst;
	const union nf_inet_addr *to = src ? &s->new_src : &s->new_dst;
	u32 at;
	int i;

	if (s->family == NFPROTO_IPV4) {
		at = src ? offsetof(struct iphdr, saddr) : offsetof(struct iphdr, daddr);
		if (from->ip != to->ip)
			nfo_hw_mangle(r, FLOW_ACTION_MANGLE, FLOW_ACT_MANGLE_HDR_TYPE_IP4,
				      at, &to->ip, 4);
		return;
	}
	at = src ? offsetof(struct ipv6hdr, saddr) : offsetof(struct ipv6hdr, daddr);
	if (ipv6_addr_equal(&from->in6, &to->in6))
		return;
	for (i = 0; i < 4; i++)
		nfo_hw_mangle(r, FLOW_ACTION_MANGLE, FLOW_ACT_MANGLE_HDR_TYPE_IP6,
			      at + 4 * i, &to->in6.s6_addr32[i], 4);
}

static void nfo_hw_ports(struct nfo_hw_cls *r, const struct nfo_hw_spec *s)
{
	enum flow_action_mangle_base base = s->l4proto == IPPROTO_TCP ?
		FLOW_ACT_MANGLE_HDR_TYPE_TCP : FLOW_ACT_MANGLE_HDR_TYPE_UDP;

	if (s->sport != s->new_sport)
		nfo_hw_mangle(r, FLOW_ACTION_MANGLE, base, 0, &s->new_sport, 2);
	if (s->dport != s->new_dport)
		nfo_hw_mangle(r, FLOW_ACTION_MANGLE, base, 2, &s->new_dport, 2);
}

static u32 nfo_hw_csum_l4(const struct nfo_hw_spec *s)
{
	return s->l4proto == IPPROTO_TCP ? TCA_CSUM_UPDATE_FLAG_TCP : TCA_CSUM_UPDATE_FLAG_UDP;
}

/* Return: the checksums that the CSUM action names. Without NAT no layer 4 checksum changes, and an
 * IPv6 header has none, but drivers with NFO_HW_CSUM_ALL want the layer 4 checksum named anyway.
 */
static u32 nfo_hw_csum_flags(const struct nfo_hw_spec *s)
{
	u32 flags = 0;

	if (s->csum == NFO_HW_CSUM_NONE || !(s->nat || nfo_hw_sets_ttl(s)))
		return 0;
	if (s->family == NFPROTO_IPV4)
		flags |= TCA_CSUM_UPDATE_FLAG_IPV4HDR;
	if (s->nat || s->csum == NFO_HW_CSUM_ALL)
		flags |= nfo_hw_csum_l4(s);

	return flags;
}

static void nfo_hw_actions(struct nfo_hw_cls *r, const struct nfo_hw_spec *s)
{
	u32 csum = nfo_hw_csum_flags(s);

	nfo_hw_macs(r, s);
	nfo_hw_encaps(r, s);
	nfo_hw_ttl(r, s);
	if (s->nat) {
		nfo_hw_addr(r, s, true);
		nfo_hw_addr(r, s, false);
		nfo_hw_ports(r, s);
	}
	if (csum)
		nfo_hw_action(r, FLOW_ACTION_CSUM)->csum_flags = csum;
	nfo_hw_action(r, FLOW_ACTION_REDIRECT)->dev = s->out;
}

/**
 * nfo_hw_cls_alloc() - make the rule for one direction
 * @spec: what the rule matches and does
 *
 * Context: may sleep. Return: the rule, for nfo_hw_cls_free(), or ERR_PTR(-ENOMEM).
 */
struct nfo_hw_cls *nfo_hw_cls_alloc(const struct nfo_hw_spec *spec)
{
	struct nfo_hw_cls *r = kzalloc(sizeof(*r), GFP_KERNEL);

	if (!r)
		return ERR_PTR(-ENOMEM);
	r->rule = flow_rule_alloc(NFO_HW_ACTIONS);
	if (!r->rule) {
		kfree(r);
		return ERR_PTR(-ENOMEM);
	}

	r->rule->match.dissector = &r->dissector;
	r->rule->match.key = &r->key;
	r->rule->match.mask = &r->mask;
	r->rule->action.num_entries = 0;
	nfo_hw_match(r, spec);
	nfo_hw_actions(r, spec);

	return r;
}

/**
 * nfo_hw_cls_free() - undo nfo_hw_cls_alloc()
 * @r: rule, which no driver reads any more
 */
void nfo_hw_cls_free(struct nfo_hw_cls *r)
{
	kfree(r->rule);
	kfree(r);
}
