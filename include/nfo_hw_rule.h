/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A flow's direction as a struct flow_rule, which NIC drivers read.
 */
#ifndef _NFO_HW_RULE_H
#define _NFO_HW_RULE_H

#include <linux/if_ether.h>
#include <linux/in6.h>
#include <net/flow_offload.h>

#include "nfo_hw_drivers.h"

#define NFO_HW_ENCAPS	2

/* Actions of the longest rule: IPv6 with both addresses and ports rewritten, from two VLANs
 * into two others, with an action for the hop limit. 4 for the MAC addresses, 2 pop, 2 push,
 * 8 for the addresses, 2 for the ports, 1 for the hop limit, 1 checksum, 1 redirect. A number
 * that is too low lets actions be written past the array (CVE-2026-43329).
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
 * struct nfo_hw_spec - one direction of a flow, as plain values
 * @family:  NFPROTO_IPV4 or NFPROTO_IPV6
 * @l4proto: IPPROTO_TCP or IPPROTO_UDP
 * @in_encaps: how many elements of @in_encap are used
 * @out_encaps: how many elements of @out_encap are used
 * @nat:     some of the new addresses or ports differ from those that packets arrive with
 * @ttl:     enum nfo_hw_ttl: how the TTL or hop limit is lowered
 * @ttl_in:  TTL of the packet that taught the direction, for the forms that match it; 2 or more
 * @csum:    enum nfo_hw_csum
 * @outer_first: headers are pushed in the order in which they stand in the frame, as
 *           mtk_ppe_offload.c and airoha_ppe.c read them; otherwise the inner header is pushed
 *           first, as in TC
 * @no_frag: the rule matches only packets that are no fragments
 * @no_meta: the rule does not match the ingress device
 * @match_dest: the rule matches only frames that come for @in_dest
 * @match_dscp: the rule matches only packets that come with @dscp
 * @dscp:    DSCP, in the upper six bits as in the type of service
 * @iif:     index of the ingress device
 * @out:     egress device; not owned, the flow's reference keeps it
 * @src, @dst, @sport, @dport: addresses and ports of packets that arrive, big endian
 * @new_src, @new_dst, @new_sport, @new_dport: addresses and ports of packets that leave, big endian
 * @eth_src, @eth_dst: MAC addresses of frames that leave
 * @in_dest: destination MAC address of frames that arrive
 * @in_encap, @out_encap: headers of packets that arrive and that leave, outermost first
 */
struct nfo_hw_spec {
	u8			family;
	u8			l4proto;
	u8			in_encaps;
	u8			out_encaps;
	u8			ttl;
	u8			ttl_in;
	u8			csum;
	bool			nat;
	bool			outer_first;
	bool			no_frag;
	bool			no_meta;
	bool			match_dest;
	bool			match_dscp;
	u8			dscp;
	u32			iif;
	struct net_device	*out;
	union nf_inet_addr	src, dst;
	union nf_inet_addr	new_src, new_dst;
	__be16			sport, dport;
	__be16			new_sport, new_dport;
	u8			eth_src[ETH_ALEN];
	u8			eth_dst[ETH_ALEN];
	u8			in_dest[ETH_ALEN];
	struct nfo_hw_encap	in_encap[NFO_HW_ENCAPS];
	struct nfo_hw_encap	out_encap[NFO_HW_ENCAPS];
};

/* The fields of a rule's match; nfo_hw_cls::dissector gives drivers the offset of each field. */
struct nfo_hw_key {
	struct flow_dissector_key_meta		meta;
	struct flow_dissector_key_control	control;
	struct flow_dissector_key_basic		basic;
	struct flow_dissector_key_eth_addrs	eth;
	struct flow_dissector_key_vlan		vlan;
	struct flow_dissector_key_vlan		cvlan;
	union {
		struct flow_dissector_key_ipv4_addrs	ipv4;
		struct flow_dissector_key_ipv6_addrs	ipv6;
	};
	struct flow_dissector_key_ip		ip;
	struct flow_dissector_key_tcp		tcp;
	struct flow_dissector_key_ports		ports;
} __aligned(BITS_PER_LONG / 8);

/**
 * struct nfo_hw_cls - a rule in the form that drivers take
 * @dissector: says which members of @key and @mask are used
 * @key:       values to match
 * @mask:      1 for each bit of @key that is compared
 * @rule:      points at @dissector, @key and @mask, and has the actions; owned
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
