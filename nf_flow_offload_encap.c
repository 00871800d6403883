// SPDX-License-Identifier: GPL-2.0
/*
 * Encapsulations: the table of header types between Ethernet and the IP header that is
 * forwarded, and how such headers are taken off a packet and put back.
 */
#include <linux/if_pppox.h>
#include <linux/if_vlan.h>
#include <linux/indirect_call_wrapper.h>
#include <linux/ip.h>
#include <linux/ip6_tunnel.h>
#include <linux/ipv6.h>
#include <linux/ppp_defs.h>
#include <net/dst_metadata.h>
#include <net/gre.h>
#include <net/inet_ecn.h>
#include <net/ip.h>

#include "nfo_encap.h"

/* One more header, inside of those there are. Return: false when there is no room. */
static bool nfo_encap_add(struct nfo_encap_popped *popped, enum nfo_encap_kind kind, u16 id)
{
	unsigned int at = popped->layers;

	if (at == NFO_ENCAPS_MAX)
		return false;
	popped->outer.id[at] = htons(id);
	popped->encap.id[min(at, NFO_ENCAPS - 1u)] ^= htons(id);
	popped->encap.kinds |= kind << NFO_ENCAP_BITS * at;
	popped->layers++;

	return true;
}

/* VLAN id 0 names no VLAN, only a priority: such a packet is the device's own. */
static bool nfo_encap_add_vlan(struct nfo_encap_popped *popped, __be16 proto, u16 id)
{
	return nfo_encap_add(popped, proto == htons(ETH_P_8021AD) ?
			     NFO_ENCAP_8021AD : NFO_ENCAP_8021Q, id);
}

/* A device for all tunnels of a kind says beside a packet which of them the packet came by. Rules
 * of routing and ports of a bridge tell packets apart by that. Return: false when something else
 * stands there.
 */
static bool nfo_encap_add_tun_id(struct nfo_encap_popped *popped, const struct sk_buff *skb)
{
	const struct ip_tunnel_info *info = skb_tunnel_info(skb);
	u32 id;

	if (!info)
		return false;
	popped->outer.tun_id = tunnel_id_to_key32(info->key.tun_id);
	id = ntohl(popped->outer.tun_id);
	popped->encap.id[NFO_ENCAPS - 1] ^= htons((u16)(id ^ id >> 16));
	popped->many = true;

	return true;
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

/* ---- tunnels: IP in IP, with or without GRE ---- */

/* A packet that two length fields do not agree about is the classic path's. */
static bool nfo_encap_payload(struct nfo_encap_popped *popped, unsigned int total,
			      unsigned int header)
{
	if ((popped->has_payload && popped->payload != total) || total <= header)
		return false;
	popped->payload = total - header;
	popped->has_payload = true;

	return true;
}

/* One tunnel in a packet. Its addresses make keys of several tunnels differ. */
static bool nfo_encap_add_tunnel(struct nfo_encap_popped *popped, enum nfo_encap_kind kind,
				 u8 dsfield)
{
	const struct nfo_outer *o = &popped->outer;
	u32 fold = 0;
	int i;

	if (!nfo_encap_add(popped, kind, 0))
		return false;
	for (i = 0; i < 4; i++)
		fold ^= (__force u32)o->saddr.s6_addr32[i] ^
			(__force u32)o->daddr.s6_addr32[i];
	popped->encap.id[NFO_ENCAPS - 1] ^= (__force __be16)(u16)(fold ^ fold >> 16);
	popped->outer.dscp = dsfield & ~INET_ECN_MASK;
	popped->ecn = dsfield & INET_ECN_MASK;
	popped->tunnel = true;

	return true;
}

/* A GRE header of version 0 without checksum, sequence number and routing. */
static __be16 nfo_encap_parse_gre(struct nfo_encap_popped *popped, const struct sk_buff *skb)
{
	const struct gre_base_hdr *gre;
	struct gre_base_hdr copy;
	unsigned int len = sizeof(copy);
	__be32 key, *k;

	gre = skb_header_pointer(skb, popped->len, sizeof(copy), &copy);
	if (!gre || gre->flags & ~GRE_KEY || !nfo_encap_add(popped, NFO_ENCAP_GRE, 0))
		return 0;
	if (gre->flags & GRE_KEY) {
		k = skb_header_pointer(skb, popped->len + len, sizeof(key), &key);
		if (!k)
			return 0;
		popped->outer.key = *k;
		popped->outer.keyed = true;
		len += sizeof(key);
	}
	if (!nfo_encap_payload(popped, popped->payload, len))
		return 0;
	popped->len += len;

	return gre->protocol == htons(ETH_P_IP) || gre->protocol == htons(ETH_P_IPV6) ?
		gre->protocol : 0;
}

static __be16 nfo_encap_inside(struct nfo_encap_popped *popped, const struct sk_buff *skb,
			       u8 protocol)
{
	switch (protocol) {
	case IPPROTO_IPIP:
		return htons(ETH_P_IP);
	case IPPROTO_IPV6:
		return htons(ETH_P_IPV6);
	default:
		return nfo_encap_parse_gre(popped, skb);
	}
}

static bool nfo_encap_is_tunnel(u8 protocol)
{
	return protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6 || protocol == IPPROTO_GRE;
}

/* The checks of the receive routine; options and fragments are the classic path's. */
static __be16 nfo_encap_parse_ipv4(struct nfo_encap_popped *popped,
				   const struct sk_buff *skb, __be16 proto)
{
	const struct iphdr *iph;
	struct iphdr copy;

	iph = skb_header_pointer(skb, popped->len, sizeof(copy), &copy);
	if (!iph || !nfo_encap_is_tunnel(iph->protocol))
		return proto;
	if (*(const u8 *)iph != 0x45 || ip_is_fragment(iph) || ip_fast_csum(iph, 5) ||
	    skb->len < popped->len + ntohs(iph->tot_len) ||
	    !nfo_encap_payload(popped, ntohs(iph->tot_len), sizeof(*iph)))
		return 0;
	popped->outer.saddr.s6_addr32[0] = iph->saddr;
	popped->outer.daddr.s6_addr32[0] = iph->daddr;
	if (!nfo_encap_add_tunnel(popped, NFO_ENCAP_IPV4, iph->tos))
		return 0;
	popped->len += sizeof(*iph);

	return nfo_encap_inside(popped, skb, iph->protocol);
}

/* Destination options that hold nothing but a limit of encapsulation, as a tunnel of
 * Linux writes them unless told otherwise. Return: their length, or 0.
 */
static unsigned int nfo_encap_limit(const struct sk_buff *skb, unsigned int offset, u8 *protocol)
{
	u8 *opt, copy[8];

	opt = skb_header_pointer(skb, offset, sizeof(copy), copy);
	if (!opt || opt[1] || opt[2] != IPV6_TLV_TNL_ENCAP_LIMIT || opt[3] != 1 ||
	    opt[5] != IPV6_TLV_PADN || opt[6] != 1)
		return 0;
	*protocol = opt[0];

	return sizeof(copy);
}

static __be16 nfo_encap_parse_ipv6(struct nfo_encap_popped *popped,
				   const struct sk_buff *skb, __be16 proto)
{
	unsigned int len, total, limit = 0;
	const struct ipv6hdr *ip6h;
	struct ipv6hdr copy;
	u8 protocol;

	ip6h = skb_header_pointer(skb, popped->len, sizeof(copy), &copy);
	if (!ip6h)
		return proto;
	protocol = ip6h->nexthdr;
	if (protocol == NEXTHDR_DEST)
		limit = nfo_encap_limit(skb, popped->len + sizeof(copy), &protocol);
	if (!nfo_encap_is_tunnel(protocol))
		return proto;
	len = sizeof(copy) + limit;
	total = sizeof(copy) + ntohs(ip6h->payload_len);
	if (ip6h->version != 6 || skb->len < popped->len + total ||
	    !nfo_encap_payload(popped, total, len))
		return 0;
	popped->outer.saddr = ip6h->saddr;
	popped->outer.daddr = ip6h->daddr;
	popped->outer.limit = !!limit;
	if (!nfo_encap_add_tunnel(popped, NFO_ENCAP_IPV6, ipv6_get_dsfield(ip6h)))
		return 0;
	popped->len += len;

	return nfo_encap_inside(popped, skb, protocol);
}

static void nfo_encap_push_vlan(struct sk_buff *skb, __be16 proto, __be16 id)
{
	struct vlan_hdr *vh = __skb_push(skb, VLAN_HLEN);

	vh->h_vlan_TCI = id;
	vh->h_vlan_encapsulated_proto = skb->protocol;
	skb->protocol = proto;
}

/* The session's header and PPP's protocol, which is not compressed. Source: RFC 2516. */
static void nfo_encap_push_pppoe(struct sk_buff *skb, __be16 proto, __be16 id)
{
	unsigned int len = skb->len + sizeof(__be16);
	struct pppoe_hdr *ph = __skb_push(skb, PPPOE_SES_HLEN);

	*ph = (struct pppoe_hdr) { .ver = 1, .type = 1, .sid = id, .length = htons(len) };
	*(__be16 *)(ph + 1) = htons(skb->protocol == htons(ETH_P_IPV6) ? PPP_IPV6 : PPP_IP);
	skb->protocol = proto;
	skb_reset_network_header(skb);
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
		.push		= nfo_encap_push_vlan,
		.parse		= nfo_encap_parse_vlan,
	},
	[NFO_ENCAP_8021AD] = {
		.proto		= cpu_to_be16(ETH_P_8021AD),
		.path		= DEV_PATH_VLAN,
		.frame_len	= VLAN_HLEN,
		.shape		= 1,
		.is_vlan	= true,
		.hw_push	= FLOW_ACTION_VLAN_PUSH,
		.push		= nfo_encap_push_vlan,
		.parse		= nfo_encap_parse_vlan,
	},
	[NFO_ENCAP_PPPOE] = {
		.proto		= cpu_to_be16(ETH_P_PPP_SES),
		.path		= DEV_PATH_PPPOE,
		.frame_len	= PPPOE_SES_HLEN,
		.shape		= 3,
		.hw_push	= FLOW_ACTION_PPPOE_PUSH,
		.push		= nfo_encap_push_pppoe,
		.parse		= nfo_encap_parse_pppoe,
	},
	[NFO_ENCAP_IPV4] = {
		.proto		= cpu_to_be16(ETH_P_IP),
		.is_tunnel	= true,
		.parse		= nfo_encap_parse_ipv4,
	},
	[NFO_ENCAP_IPV6] = {
		.proto		= cpu_to_be16(ETH_P_IPV6),
		.is_tunnel	= true,
		.parse		= nfo_encap_parse_ipv6,
	},
	[NFO_ENCAP_GRE] = {
		/* Read with the IP header before it. */
		.is_tunnel	= true,
	},
};

static const struct nfo_encap_type *nfo_encap_by_proto(__be16 proto)
{
	int kind;

	for (kind = 1; kind < __NFO_ENCAP_MAX; kind++)
		if (nfo_encap_types[kind].parse && nfo_encap_types[kind].proto == proto)
			return &nfo_encap_types[kind];
	return NULL;
}

/**
 * nfo_encap_pop() - make a packet look as it would without its headers
 * @skb:    packet, data at what follows the Ethernet header
 * @popped: filled
 * @tunnels: a tunnel's headers are taken off as well
 *
 * A packet with a header that is not in the table, with more headers than a key has
 * room for, with none at all and nothing beside it, or with anything but IP inside is
 * left alone. Context: any.
 *
 * Return: true when headers were taken off, or when there is something beside the packet
 * that counts as one; nfo_encap_restore() puts them back.
 */
bool nfo_encap_pop(struct sk_buff *skb, struct nfo_encap_popped *popped, bool tunnels)
{
	const struct nfo_encap_type *type;
	__be16 proto = skb->protocol;
	int layers;

	*popped = (struct nfo_encap_popped) { .proto = proto };
	if (skb_metadata_dst(skb) && !nfo_encap_add_tun_id(popped, skb))
		return false;
	if (skb_vlan_tag_present(skb) &&
	    !nfo_encap_add_vlan(popped, skb->vlan_proto, skb_vlan_tag_get_id(skb)))
		return false;
	do {
		type = nfo_encap_by_proto(proto);
		layers = popped->layers;
		/* What passes through a tunnel that ends here may be a tunnel itself. */
		if (type && (!type->is_tunnel || (tunnels && !popped->tunnel)))
			proto = INDIRECT_CALL_4(type->parse, nfo_encap_parse_ipv4,
						nfo_encap_parse_vlan, nfo_encap_parse_pppoe,
						nfo_encap_parse_ipv6, popped, skb, proto);
	} while (popped->layers != layers);
	if (proto != htons(ETH_P_IP) && proto != htons(ETH_P_IPV6))
		return false;
	/* Pulling is undone by pushing; another holder of the skb may not look meanwhile. */
	if (!(popped->layers || popped->many) || skb_shared(skb) ||
	    !pskb_may_pull(skb, popped->len))
		return false;

	skb_pull_rcsum(skb, popped->len);
	skb_reset_network_header(skb);
	skb->protocol = proto;
	popped->has_tag = skb_vlan_tag_present(skb);
	popped->tag = skb->vlan_tci;
	popped->tag_proto = skb->vlan_proto;
	__vlan_hwaccel_clear_tag(skb);

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
	if (popped->has_tag)
		__vlan_hwaccel_put_tag(skb, popped->tag_proto, popped->tag);
}

static void nfo_encap_push_one(struct sk_buff *skb, u16 kinds, __be16 id)
{
	const struct nfo_encap_type *type = &nfo_encap_types[nfo_encap_first(kinds)];

	INDIRECT_CALL_2(type->push, nfo_encap_push_vlan, nfo_encap_push_pppoe,
			skb, type->proto, id);
}

/**
 * nfo_encap_push() - put headers on a packet
 * @skb:   packet without them, data at its IP header; it has room for nfo_encap_frame_len() and may
 *         be written to
 * @encap: one header or two, VLAN tags or a session's
 *
 * The outermost tag is put beside the packet, as a VLAN device does it. skb->protocol is what an
 * Ethernet header in front of the packet says. Context: any.
 */
void nfo_encap_push(struct sk_buff *skb, const struct nfo_encap *encap)
{
	const struct nfo_encap_type *type = &nfo_encap_types[nfo_encap_first(encap->kinds)];
	u16 inner = encap->kinds >> NFO_ENCAP_BITS;

	if (inner)
		nfo_encap_push_one(skb, inner, encap->id[1]);
	if (type->is_vlan)
		__vlan_hwaccel_put_tag(skb, type->proto, ntohs(encap->id[0]));
	else
		nfo_encap_push_one(skb, encap->kinds, encap->id[0]);
}

/**
 * nfo_encap_payload_ok() - do the length fields before agree with IP's?
 * @skb:    packet without the headers; its IP header can be read
 * @popped: what nfo_encap_pop() took off
 *
 * The length in a PPPoE header decides how much of the packet PPP gets to see, that in a
 * tunnel's header how much the tunnel does. GRO counts in each of them what it put together.
 */
bool nfo_encap_payload_ok(const struct sk_buff *skb, const struct nfo_encap_popped *popped)
{
	unsigned int len;

	if (!popped->has_payload)
		return true;
	len = skb->protocol == htons(ETH_P_IP) ? ntohs(ip_hdr(skb)->tot_len) :
		sizeof(struct ipv6hdr) + ntohs(ipv6_hdr(skb)->payload_len);

	return len == popped->payload;
}

/**
 * nfo_encap_of_tag() - the header that an ethertype of a VLAN tag announces
 * @proto: ethertype, big endian
 *
 * Return: NFO_ENCAP_NONE when it is no tag's.
 */
enum nfo_encap_kind nfo_encap_of_tag(__be16 proto)
{
	int kind;

	for (kind = 1; kind < __NFO_ENCAP_MAX; kind++)
		if (nfo_encap_types[kind].is_vlan && nfo_encap_types[kind].proto == proto)
			return kind;

	return NFO_ENCAP_NONE;
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

	if (path->type == DEV_PATH_VLAN)
		return nfo_encap_of_tag(path->encap.proto);
	for (kind = 1; kind < __NFO_ENCAP_MAX; kind++)
		if (!nfo_encap_types[kind].is_tunnel && path->type == nfo_encap_types[kind].path)
			return kind;

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
 * Return: 0 no header, 1 one tag, 2 two tags, 3 PPPoE with or without tags; and
 * NFO_ENCAP_SHAPE_AD with a tag of 802.1ad, which fewer drivers can push; below 8.
 */
unsigned int nfo_encap_shape(const struct nfo_encap *encap)
{
	unsigned int shape = 0, ad = 0;
	u16 kinds;

	for (kinds = encap->kinds; kinds; kinds >>= NFO_ENCAP_BITS) {
		shape += nfo_encap_types[nfo_encap_first(kinds)].shape;
		if (nfo_encap_first(kinds) == NFO_ENCAP_8021AD)
			ad = NFO_ENCAP_SHAPE_AD;
	}

	return min(shape, 3u) | ad;
}

/**
 * nfo_encap_fits_rule() - can a rule in hardware have these headers?
 * @encap: headers
 *
 * Return: false with a tunnel, or with more headers than a rule has room for.
 */
bool nfo_encap_fits_rule(const struct nfo_encap *encap)
{
	unsigned int layers = 0;
	u16 kinds;

	for (kinds = encap->kinds; kinds; kinds >>= NFO_ENCAP_BITS)
		if (nfo_encap_types[nfo_encap_first(kinds)].is_tunnel || ++layers > NFO_ENCAPS)
			return false;

	return true;
}
