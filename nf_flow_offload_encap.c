// SPDX-License-Identifier: GPL-2.0
/*
 * Encapsulations: the table of header types between Ethernet and IP, and how
 * such headers are taken off a packet and put back.
 */
#include <linux/if_pppox.h>
#include <linux/if_vlan.h>
#include <linux/indirect_call_wrapper.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/ppp_defs.h>

#include "nfo_encap.h"

/* One more header, inside of those there are. Return: false when there is no room. */
static bool nfo_encap_add(struct nfo_encap_popped *popped, enum nfo_encap_kind kind, u16 id)
{
	if (popped->layers == NFO_ENCAPS)
		return false;
	popped->encap.id[popped->layers] = htons(id);
	popped->encap.kinds |= kind << NFO_ENCAP_BITS * popped->layers++;

	return true;
}

/* VLAN id 0 names no VLAN, only a priority. */
static bool nfo_encap_add_vlan(struct nfo_encap_popped *popped, __be16 proto, u16 id)
{
	return id && nfo_encap_add(popped, proto == htons(ETH_P_8021AD) ?
				   NFO_ENCAP_8021AD : NFO_ENCAP_8021Q, id);
}

/* A tag that stands in the packet. */
static __be16 nfo_encap_parse_vlan(struct nfo_encap_popped *popped,
				   const struct sk_buff *skb, __be16 proto)
{
	const struct vlan_hdr *vh;
	struct vlan_hdr copy;

	vh = skb_header_pointer(skb, popped->len, sizeof(copy), &copy);
	if (!vh || !nfo_encap_add_vlan(popped, proto, ntohs(vh->h_vlan_TCI) & VLAN_VID_MASK))
		return 0;
	popped->len += sizeof(copy);

	return vh->h_vlan_encapsulated_proto;
}

/* A data packet of a session whose PPP protocol field is not compressed (RFC 2516,
 * section 7 forbids that). The length field includes the PPP protocol field.
 */
static __be16 nfo_encap_parse_pppoe(struct nfo_encap_popped *popped,
				    const struct sk_buff *skb, __be16 proto)
{
	struct {
		struct pppoe_hdr	h;
		__be16			proto;
	} __packed copy, *ph;

	ph = skb_header_pointer(skb, popped->len, sizeof(copy), &copy);
	if (!ph || ph->h.ver != 1 || ph->h.type != 1 || ph->h.code ||
	    ntohs(ph->h.length) < sizeof(ph->proto) ||
	    !nfo_encap_add(popped, NFO_ENCAP_PPPOE, ntohs(ph->h.sid)))
		return 0;
	popped->len += sizeof(copy);
	popped->payload = ntohs(ph->h.length) - sizeof(ph->proto);
	popped->has_payload = true;

	switch (ph->proto) {
	case cpu_to_be16(PPP_IP):
		return htons(ETH_P_IP);
	case cpu_to_be16(PPP_IPV6):
		return htons(ETH_P_IPV6);
	default:
		return 0;
	}
}

/* Hardware counts a PPP protocol field as part of the frame's headers. */
const struct nfo_encap_type nfo_encap_types[__NFO_ENCAP_MAX] = {
	[NFO_ENCAP_8021Q] = {
		.proto		= cpu_to_be16(ETH_P_8021Q),
		.path		= DEV_PATH_VLAN,
		.frame_len	= VLAN_HLEN,
		.shape		= 1,
		.is_vlan	= true,
		.hw_push	= FLOW_ACTION_VLAN_PUSH,
		.parse		= nfo_encap_parse_vlan,
	},
	[NFO_ENCAP_8021AD] = {
		.proto		= cpu_to_be16(ETH_P_8021AD),
		.path		= DEV_PATH_VLAN,
		.frame_len	= VLAN_HLEN,
		.shape		= 1,
		.is_vlan	= true,
		.hw_push	= FLOW_ACTION_VLAN_PUSH,
		.parse		= nfo_encap_parse_vlan,
	},
	[NFO_ENCAP_PPPOE] = {
		.proto		= cpu_to_be16(ETH_P_PPP_SES),
		.path		= DEV_PATH_PPPOE,
		.frame_len	= PPPOE_SES_HLEN,
		.shape		= 3,
		.hw_push	= FLOW_ACTION_PPPOE_PUSH,
		.parse		= nfo_encap_parse_pppoe,
	},
};

static const struct nfo_encap_type *nfo_encap_by_proto(__be16 proto)
{
	int kind;

	for (kind = 1; kind < __NFO_ENCAP_MAX; kind++)
		if (nfo_encap_types[kind].proto == proto)
			return &nfo_encap_types[kind];
	return NULL;
}

/**
 * nfo_encap_pop() - make a packet look as it would without its headers
 * @skb:    packet, data at what follows the Ethernet header
 * @popped: filled
 *
 * A packet with a header that is not in the table, with more headers than a key has
 * room for, with none at all, or with anything but IP inside is left alone. Context: any.
 *
 * Return: true when headers were taken off; nfo_encap_restore() puts them back.
 */
bool nfo_encap_pop(struct sk_buff *skb, struct nfo_encap_popped *popped)
{
	const struct nfo_encap_type *type;
	__be16 proto = skb->protocol;

	*popped = (struct nfo_encap_popped) { .proto = proto };
	if (skb_vlan_tag_present(skb) &&
	    !nfo_encap_add_vlan(popped, skb->vlan_proto, skb_vlan_tag_get_id(skb)))
		return false;
	while ((type = nfo_encap_by_proto(proto)))
		proto = INDIRECT_CALL_2(type->parse, nfo_encap_parse_vlan,
					nfo_encap_parse_pppoe, popped, skb, proto);
	if (proto != htons(ETH_P_IP) && proto != htons(ETH_P_IPV6))
		return false;
	/* Pulling is undone by pushing; another holder of the skb may not look meanwhile. */
	if (!popped->layers || skb_shared(skb) || !pskb_may_pull(skb, popped->len))
		return false;

	skb_pull_rcsum(skb, popped->len);
	skb_reset_network_header(skb);
	skb->protocol = proto;

	return true;
}

/**
 * nfo_encap_restore() - undo nfo_encap_pop()
 * @skb:    packet
 * @popped: what nfo_encap_pop() took off
 */
void nfo_encap_restore(struct sk_buff *skb, const struct nfo_encap_popped *popped)
{
	skb_push_rcsum(skb, popped->len);
	skb_reset_network_header(skb);
	skb->protocol = popped->proto;
}

/**
 * nfo_encap_payload_ok() - does PPPoE's length field agree with IP's?
 * @skb:    packet without the headers; its IP header can be read
 * @popped: what nfo_encap_pop() took off
 *
 * The length in the PPPoE header decides how much of the packet PPP gets to see.
 */
bool nfo_encap_payload_ok(const struct sk_buff *skb, const struct nfo_encap_popped *popped)
{
	unsigned int len;

	if (!popped->has_payload)
		return true;
	if (skb_is_gso(skb))
		return false;
	len = skb->protocol == htons(ETH_P_IP) ? ntohs(ip_hdr(skb)->tot_len) :
		sizeof(struct ipv6hdr) + ntohs(ipv6_hdr(skb)->payload_len);

	return len == popped->payload;
}

/**
 * nfo_encap_of_path() - the header that a device of a stack adds
 * @path: what dev_fill_forward_path() says of the device
 *
 * Return: NFO_ENCAP_NONE when the device does something else.
 */
enum nfo_encap_kind nfo_encap_of_path(const struct net_device_path *path)
{
	int kind;

	for (kind = 1; kind < __NFO_ENCAP_MAX; kind++) {
		if (path->type != nfo_encap_types[kind].path)
			continue;
		if (!nfo_encap_types[kind].is_vlan ||
		    path->encap.proto == nfo_encap_types[kind].proto)
			return kind;
	}

	return NFO_ENCAP_NONE;
}

/**
 * nfo_encap_frame_len() - by how much the headers make a frame longer
 * @encap: headers
 *
 * Return: bytes.
 */
unsigned int nfo_encap_frame_len(const struct nfo_encap *encap)
{
	unsigned int sum = 0;
	u16 kinds;

	for (kinds = encap->kinds; kinds; kinds >>= NFO_ENCAP_BITS)
		sum += nfo_encap_types[nfo_encap_first(kinds)].frame_len;

	return sum;
}

/**
 * nfo_encap_shape() - the headers as far as a driver's ability goes
 * @encap: headers
 *
 * Return: 0 no header, 1 one tag, 2 two tags, 3 PPPoE with or without tags; below 8.
 */
unsigned int nfo_encap_shape(const struct nfo_encap *encap)
{
	unsigned int shape = 0;
	u16 kinds;

	for (kinds = encap->kinds; kinds; kinds >>= NFO_ENCAP_BITS)
		shape += nfo_encap_types[nfo_encap_first(kinds)].shape;

	return min(shape, 3u);
}
