/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A flow's direction as a NIC driver wants to read it.
 */
#ifndef _NFO_HW_RULE_H
#define _NFO_HW_RULE_H

#include <linux/if_ether.h>
#include <linux/in6.h>
#include <net/flow_offload.h>

#define NFO_HW_ENCAPS	2

/* The longest rule: IPv6, both addresses and ports rewritten, out of two VLANs
 * into two others, hop limit spelled out. 4 MAC + 2 pop + 2 push + 8 address +
 * 2 port + 1 hop limit + 1 checksum + 1 redirect (CVE-2026-43329 is what happens
 * when this is reckoned too low).
 */
#define NFO_HW_ACTIONS	21

/**
 * struct nfo_hw_encap - one header between Ethernet and IP
 * @id:   VLAN id or PPPoE session, CPU byte order
 * @kind: enum nfo_encap_kind
 */
struct nfo_hw_encap {
	u16	id;
	u8	kind;
};

/**
 * struct nfo_hw_spec - one direction of a flow, in values
 * @family:  NFPROTO_IPV4 or NFPROTO_IPV6
 * @l4proto: IPPROTO_TCP or IPPROTO_UDP
 * @in_encaps: used of @in_encap, outermost first
 * @out_encaps: used of @out_encap, outermost first
 * @nat:     some of the new values differ
 * @ttl:     spell out the TTL or hop-limit decrement (block drivers; the
 *           drivers behind TC_SETUP_FT do it unasked)
 * @outer_first: say what is pushed in the order it stands in the frame, as the
 *           drivers behind TC_SETUP_FT read it (mtk_ppe_offload.c); else one
 *           header around the other, as TC does
 * @no_frag: match on "not a fragment"
 * @iif:     ingress device, by index
 * @out:     egress device; a value here, not a reference
 * @src, @dst, @sport, @dport: as packets arrive
 * @new_src, @new_dst, @new_sport, @new_dport: as they leave
 * @eth_src, @eth_dst: of the frames that leave
 * @in_encap, @out_encap: what packets arrive in, what they leave in
 */
struct nfo_hw_spec {
	u8			family;
	u8			l4proto;
	u8			in_encaps;
	u8			out_encaps;
	bool			nat;
	bool			ttl;
	bool			outer_first;
	bool			no_frag;
	u32			iif;
	struct net_device	*out;
	union nf_inet_addr	src, dst;
	union nf_inet_addr	new_src, new_dst;
	__be16			sport, dport;
	__be16			new_sport, new_dport;
	u8			eth_src[ETH_ALEN];
	u8			eth_dst[ETH_ALEN];
	struct nfo_hw_encap	in_encap[NFO_HW_ENCAPS];
	struct nfo_hw_encap	out_encap[NFO_HW_ENCAPS];
};

/* What dissectors of rules are made of; drivers read it by offset. */
struct nfo_hw_key {
	struct flow_dissector_key_meta		meta;
	struct flow_dissector_key_control	control;
	struct flow_dissector_key_basic		basic;
	struct flow_dissector_key_vlan		vlan;
	struct flow_dissector_key_vlan		cvlan;
	union {
		struct flow_dissector_key_ipv4_addrs	ipv4;
		struct flow_dissector_key_ipv6_addrs	ipv6;
	};
	struct flow_dissector_key_tcp		tcp;
	struct flow_dissector_key_ports		ports;
} __aligned(BITS_PER_LONG / 8);

/**
 * struct nfo_hw_cls - a rule in the form drivers take
 * @dissector: says which members of @key and @mask count
 * @key:       values to match
 * @mask:      bits of them that count
 * @rule:      points at the above, and holds the actions
 */
struct nfo_hw_cls {
	struct flow_dissector	dissector;
	struct nfo_hw_key	key;
	struct nfo_hw_key	mask;
	struct flow_rule	*rule;
};

struct nfo_hw_cls *nfo_hw_cls_alloc(const struct nfo_hw_spec *spec);
void nfo_hw_cls_free(struct nfo_hw_cls *r);

#endif /* _NFO_HW_RULE_H */
