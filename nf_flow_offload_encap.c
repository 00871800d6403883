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

/* Add a header inside of the others. Return: false when there is no room. */
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

/* A tag with VLAN id 0 has a priority only, and the packet is the device's own. It is a header like
 * any other here: the key tells such packets from packets without a tag.
 */
static bool nfo_encap_add_vlan(struct nfo_encap_popped *popped, __be16 proto, u16 id)
{
	return nfo_encap_add(popped, proto == htons(ETH_P_8021AD) ?
			     NFO_ENCAP_8021AD : NFO_ENCAP_8021Q, id);
}

/* A device that serves many tunnels puts the number of a packet's tunnel into the skb's metadata.
 * Routing rules and bridge ports tell packets apart by it. Return: false when the metadata are
 * of another kind.
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

/* A tag in the packet's data; a tag in skb->vlan_tci is outside of it. */
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

/* Note the length of what is inside a header. @total: the header's length field, @header: bytes of
 * the header. Return: false when two length fields contradict each other.
 */
static bool nfo_encap_payload(struct nfo_encap_popped *popped, unsigned int total,
			      unsigned int header)
{
	if ((popped->has_payload && popped->payload != total) || total <= header)
		return false;
	popped->payload = total - header;
	popped->has_payload = true;

	return true;
}

/* Add a tunnel's IP header. Its addresses are folded into the last id, so that keys of several
 * tunnels differ.
 */
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

/* Only a GRE header of version 0 without checksum, sequence number and routing is known here. */
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

/* Make the checks of ip_rcv(). Headers with options, and fragments, take the classic path. */
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

/* A destination options header that has a limit of encapsulation and nothing else, as tunnels of
 * Linux write it by default. Return: its length in bytes, or 0 for any other header.
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

/* PPPOE_SES_HLEN includes the PPP protocol field, which hardware counts as part of the headers. */
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
		/* nfo_encap_inside() reads it, after the IP header before it. */
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
 * A packet is left alone when it has a header that is not in the table, more than NFO_ENCAPS_MAX
 * headers, or anything but IP inside, and when it has neither a header nor a tunnel's number in
 * its metadata. A tag in skb->vlan_tci is a header. Context: any.
 *
 * Return: true when the packet was changed; nfo_encap_restore() undoes it.
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
		/* A tunnel inside of a tunnel that ends here passes through this router. */
		if (type && (!type->is_tunnel || (tunnels && !popped->tunnel)))
			proto = INDIRECT_CALL_4(type->parse, nfo_encap_parse_ipv4,
						nfo_encap_parse_vlan, nfo_encap_parse_pppoe,
						nfo_encap_parse_ipv6, popped, skb, proto);
	} while (popped->layers != layers);
	if (proto != htons(ETH_P_IP) && proto != htons(ETH_P_IPV6))
		return false;
	/* Another holder of a shared skb would see it without the headers. */
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
 *
 * Context: any.
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
 * The outermost tag is put into skb->vlan_tci, as a VLAN device does it. Afterwards skb->protocol
 * is the ethertype for the Ethernet header in front of the packet. Context: any.
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
 * nfo_encap_payload_ok() - do length fields of the headers agree with that of the packet inside?
 * @skb:    packet without the headers; its IP header can be read
 * @popped: what nfo_encap_pop() took off
 *
 * PPP sees as much of a packet as the length in the PPPoE header says, and a tunnel as much as the
 * length in the tunnel's header says. GRO updates each of them when it joins packets.
 * Return: false when the packet takes the classic path.
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
 * nfo_encap_of_tag() - the kind of VLAN tag that an ethertype announces
 * @proto: ethertype, big endian
 *
 * Return: NFO_ENCAP_NONE when the ethertype is not that of a tag.
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
 * nfo_encap_shape() - what a driver's ability depends on in the headers
 * @encap: headers
 *
 * Return: 0 no header, 1 one tag, 2 two tags, 3 PPPoE with or without tags; NFO_ENCAP_SHAPE_AD is
 * added with a tag of 802.1ad, which fewer drivers can push. The value is below 8.
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
