// SPDX-License-Identifier: GPL-2.0
/*
 * Frames as the models of hardware see them. A frame that a model cannot forward (no IP, no
 * TCP or UDP, a fragment, options, lengths that do not fit) is not read: it is the host's.
 */
#if __has_include(<linux/unaligned.h>)
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif
#include <net/checksum.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include "frame.h"

static bool read_l4(struct nfd_frame *f, const u8 *data)
{
	u32 need = f->proto == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr);
	const struct tcphdr *th = (const void *)(data + f->l4);

	if ((f->proto != IPPROTO_TCP && f->proto != IPPROTO_UDP) || f->l4 + need > f->end)
		return false;
	f->sport = th->source;
	f->dport = th->dest;
	if (f->proto == IPPROTO_TCP) {
		f->tcp_flags = ((const u8 *)th)[13];
		f->closing = th->syn || th->fin || th->rst;
	}

	return true;
}

static bool read_ip4(struct nfd_frame *f, const u8 *data, u32 len)
{
	const struct iphdr *ip = (const void *)(data + f->l3);

	if (f->l3 + sizeof(*ip) > len || ip->version != 4 || ip->ihl != 5 || ip_is_fragment(ip) ||
	    f->l3 + ntohs(ip->tot_len) > len || ip_fast_csum(ip, ip->ihl))
		return false;
	f->src[0] = ip->saddr;
	f->dst[0] = ip->daddr;
	f->proto = ip->protocol;
	f->tos = ip->tos;
	f->ttl = ip->ttl;
	f->l4 = f->l3 + sizeof(*ip);
	f->end = f->l3 + ntohs(ip->tot_len);

	return read_l4(f, data);
}

static bool read_ip6(struct nfd_frame *f, const u8 *data, u32 len)
{
	const struct ipv6hdr *ip = (const void *)(data + f->l3);

	if (f->l3 + sizeof(*ip) > len || ip->version != 6 ||
	    f->l3 + sizeof(*ip) + ntohs(ip->payload_len) > len)
		return false;
	f->v6 = true;
	memcpy(f->src, &ip->saddr, sizeof(f->src));
	memcpy(f->dst, &ip->daddr, sizeof(f->dst));
	f->proto = ip->nexthdr;
	f->tos = ipv6_get_dsfield(ip);
	f->ttl = ip->hop_limit;
	f->l4 = f->l3 + sizeof(*ip);
	f->end = f->l4 + ntohs(ip->payload_len);

	return read_l4(f, data);
}

static __be16 read_pppoe(struct nfd_frame *f, const u8 *data, u32 len)
{
	const struct pppoe_hdr *hdr = (const void *)(data + f->l3);

	if (f->l3 + NFD_PPPOE_LEN > len || hdr->ver != 1 || hdr->type != 1 || hdr->code ||
	    f->l3 + sizeof(*hdr) + ntohs(hdr->length) > len)
		return 0;
	f->pppoe = true;
	f->sid = hdr->sid;
	f->l3 += NFD_PPPOE_LEN;
	switch (get_unaligned_be16(data + f->l3 - 2)) {
	case PPP_IP:
		return htons(ETH_P_IP);
	case PPP_IPV6:
		return htons(ETH_P_IPV6);
	}

	return 0;
}

/**
 * nfd_frame_read() - read the headers of a frame
 * @f: where to
 * @data: the frame, from its Ethernet header on, linear
 * @len: its length
 *
 * Return: whether it is a frame that a model may forward.
 */
bool nfd_frame_read(struct nfd_frame *f, const u8 *data, u32 len)
{
	__be16 proto;

	memset(f, 0, sizeof(*f));
	if (len < ETH_HLEN)
		return false;
	memcpy(f->eth, data, sizeof(f->eth));
	proto = get_unaligned((const __be16 *)(data + 2 * ETH_ALEN));
	f->l3 = ETH_HLEN;
	while (eth_type_vlan(proto)) {
		if (f->tags == NFD_TAGS || f->l3 + VLAN_HLEN > len)
			return false;
		f->tpid[f->tags] = proto;
		f->vid[f->tags++] = get_unaligned((const __be16 *)(data + f->l3)) &
				    htons(VLAN_VID_MASK);
		proto = get_unaligned((const __be16 *)(data + f->l3 + 2));
		f->l3 += VLAN_HLEN;
	}
	if (proto == htons(ETH_P_PPP_SES))
		proto = read_pppoe(f, data, len);
	switch (proto) {
	case htons(ETH_P_IP):
		return read_ip4(f, data, len);
	case htons(ETH_P_IPV6):
		return read_ip6(f, data, len);
	}

	return false;
}

/**
 * nfd_frame_tag() - give a frame tags of 802.1Q, in place of those that it has
 * @f: frame
 * @tags: how many, at most NFD_TAGS
 * @outer: the first one's identifier
 * @inner: the second one's
 */
void nfd_frame_tag(struct nfd_frame *f, u8 tags, u16 outer, u16 inner)
{
	const u16 vid[NFD_TAGS] = { outer, inner };
	int i;

	f->tags = tags;
	for (i = 0; i < NFD_TAGS; i++) {
		f->tpid[i] = i < tags ? htons(ETH_P_8021Q) : 0;
		f->vid[i] = i < tags ? htons(vid[i]) : 0;
	}
}

/**
 * nfd_frame_same() - whether two frames are equal in all that routing decides
 * @a: one
 * @b: the other
 *
 * Return: whether addresses, tags, session, ports, DSCP and TTL are the same.
 */
bool nfd_frame_same(const struct nfd_frame *a, const struct nfd_frame *b)
{
	return !memcmp(a->eth, b->eth, sizeof(a->eth)) && a->tags == b->tags &&
	       !memcmp(a->tpid, b->tpid, sizeof(a->tpid)) &&
	       !memcmp(a->vid, b->vid, sizeof(a->vid)) && a->pppoe == b->pppoe &&
	       a->sid == b->sid && a->v6 == b->v6 && !memcmp(a->src, b->src, sizeof(a->src)) &&
	       !memcmp(a->dst, b->dst, sizeof(a->dst)) && a->proto == b->proto &&
	       a->sport == b->sport && a->dport == b->dport && a->tos == b->tos && a->ttl == b->ttl;
}

/* What a layer 4 checksum covers and a chip can change. */
static __wsum covered(const struct nfd_frame *f)
{
	u32 len = f->v6 ? 16 : 4;
	__wsum sum = csum_partial(f->src, len, 0);

	sum = csum_partial(f->dst, len, sum);
	sum = csum_add(sum, (__force __wsum)(__force u16)f->sport);

	return csum_add(sum, (__force __wsum)(__force u16)f->dport);
}

static void write_l4(u8 *l4, const struct nfd_frame *was, const struct nfd_frame *now)
{
	struct tcphdr *th = (void *)l4;
	struct udphdr *uh = (void *)l4;
	__sum16 *check = now->proto == IPPROTO_TCP ? &th->check : &uh->check;

	th->source = now->sport;
	th->dest = now->dport;
	if (now->proto == IPPROTO_UDP && !*check)
		return;
	*check = csum_fold(csum_add(csum_sub(~csum_unfold(*check), covered(was)), covered(now)));
	if (now->proto == IPPROTO_UDP && !*check)
		*check = CSUM_MANGLED_0;
}

static void write_ip(u8 *l3, const struct nfd_frame *f)
{
	struct ipv6hdr *ip6 = (void *)l3;
	struct iphdr *ip4 = (void *)l3;

	if (f->v6) {
		memcpy(&ip6->saddr, f->src, sizeof(f->src));
		memcpy(&ip6->daddr, f->dst, sizeof(f->dst));
		ip6->hop_limit = f->ttl;
		return;
	}
	ip4->saddr = f->src[0];
	ip4->daddr = f->dst[0];
	ip4->ttl = f->ttl;
	ip_send_check(ip4);
}

static u32 write_l2(u8 *to, const struct nfd_frame *f)
{
	u32 len = sizeof(f->eth), i;
	__be16 ip = htons(f->v6 ? ETH_P_IPV6 : ETH_P_IP);
	struct pppoe_hdr ppp = { .ver = 1, .type = 1, .sid = f->sid };

	memcpy(to, f->eth, len);
	for (i = 0; i < f->tags; i++, len += VLAN_HLEN) {
		put_unaligned(f->tpid[i], (__be16 *)(to + len));
		put_unaligned(f->vid[i], (__be16 *)(to + len + 2));
	}
	put_unaligned(f->pppoe ? htons(ETH_P_PPP_SES) : ip, (__be16 *)(to + len));
	len += 2;
	if (f->pppoe) {
		ppp.length = htons(f->end - f->l3 + 2);
		memcpy(to + len, &ppp, sizeof(ppp));
		put_unaligned_be16(f->v6 ? PPP_IPV6 : PPP_IP, to + len + sizeof(ppp));
		len += NFD_PPPOE_LEN;
	}

	return len;
}

/**
 * nfd_frame_write() - make a frame of what a model's rule says
 * @skb: the frame, linear, with its Ethernet header as data
 * @was: what it was read as
 * @now: what it is to be; its offsets are those of @was
 *
 * Return: false: no memory.
 */
bool nfd_frame_write(struct sk_buff *skb, const struct nfd_frame *was, const struct nfd_frame *now)
{
	u8 l2[NFD_L2_MAX];
	u32 len = write_l2(l2, now);

	if (skb_ensure_writable(skb, skb->len) || skb_cow_head(skb, NFD_L2_MAX))
		return false;
	write_l4(skb->data + was->l4, was, now);
	write_ip(skb->data + was->l3, now);
	skb_trim(skb, was->end);
	skb_pull(skb, was->l3);
	memcpy(skb_push(skb, len), l2, len);
	skb_reset_mac_header(skb);

	return true;
}
