// SPDX-License-Identifier: GPL-2.0
/*
 * Layer 4 protocols other than TCP and UDP: which packets the fast path may carry, what
 * stands for their ports, and what NAT does to them.
 *
 * These functions do what conntrack and its NAT do in the running kernel. Conntrack tracks a
 * protocol of which it reads no ports by addresses alone: ESP, GRE, tunnels that pass through, and
 * UDP-Lite in kernels whose conntrack does not know it any more.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/sctp.h>
#include <linux/udp.h>
#include <net/gre.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_tuple.h>
#include <net/sctp/checksum.h>

#include "nfo_l4.h"
#include "nfo_pure.h"

/* Does conntrack read the ports of UDP-Lite? */
static bool nfo_l4_is_udplite(u8 l4proto)
{
	return IS_ENABLED(CONFIG_NF_CT_PROTO_UDPLITE) && l4proto == IPPROTO_UDPLITE;
}

static bool nfo_l4_is_icmp(u8 l4proto)
{
	return l4proto == IPPROTO_ICMP || l4proto == IPPROTO_ICMPV6;
}

/* ---- SCTP ---- */

/* @offset: of the first chunk from skb->data; @end: of the packet's end. Return: false for a packet
 * without a chunk, or whose last chunk does not end where the packet does.
 */
static bool nfo_sctp_chunks_ok(const struct sk_buff *skb, unsigned int offset, unsigned int end)
{
	const struct sctp_chunkhdr *chunk;
	struct sctp_chunkhdr copy;
	unsigned int len;

	do {
		chunk = skb_header_pointer(skb, offset, sizeof(copy), &copy);
		if (!chunk || !nfo_sctp_chunk_ok(chunk->type))
			return false;
		len = ntohs(chunk->length);
		if (len < sizeof(copy))
			return false;
		offset += ALIGN(len, 4);
	} while (offset < end);

	return offset == end;
}

#if IS_ENABLED(CONFIG_NF_CT_PROTO_SCTP)
/* Verify the CRC where conntrack would. It has no pseudo header. */
static bool nfo_sctp_crc_ok(struct sk_buff *skb, const struct net *net, unsigned int thoff)
{
	const struct sctphdr *sh = (const void *)(skb->data + thoff);

	if (skb->ip_summed != CHECKSUM_NONE || !READ_ONCE(net->ct.sysctl_checksum))
		return true;
	if (sh->checksum != sctp_compute_cksum(skb, thoff))
		return false;
	skb->ip_summed = CHECKSUM_UNNECESSARY;

	return true;
}

/* NAT computes the CRC anew, unless the CRC was verified and the ports stay. Addresses do not count
 * in it.
 */
static void nfo_sctp_nat(struct sk_buff *skb, const struct nfo_entry *e, struct sctphdr *sh)
{
	bool same = sh->source == e->sport && sh->dest == e->dport;

	sh->source = e->sport;
	sh->dest = e->dport;
	if (skb->ip_summed == CHECKSUM_PARTIAL ||
	    (same && skb->ip_summed == CHECKSUM_UNNECESSARY))
		return;
	sh->checksum = sctp_compute_cksum(skb, (unsigned char *)sh - skb->data);
	skb->ip_summed = CHECKSUM_NONE;
}
#else
static bool nfo_sctp_crc_ok(struct sk_buff *skb, const struct net *net, unsigned int thoff)
{
	return false;
}

static void nfo_sctp_nat(struct sk_buff *skb, const struct nfo_entry *e, struct sctphdr *sh)
{
}
#endif

static bool nfo_sctp_ok(struct sk_buff *skb, const struct nfo_entry *e, const struct net *net,
			unsigned int thoff, unsigned int len)
{
	const struct sctphdr *sh = (const void *)(skb->data + thoff);
	bool reply = e->flags & NFO_E_REPLY;

	/* The segments of a GSO packet are in its list of fragments, not behind this header. */
	if (skb_is_gso(skb) || len < thoff + sizeof(*sh))
		return false;
	if (sh->vtag != READ_ONCE(e->ct->proto.sctp.vtag[reply]) ||
	    READ_ONCE(e->ct->proto.sctp.state) != SCTP_CONNTRACK_ESTABLISHED)
		return false;

	return nfo_sctp_chunks_ok(skb, thoff + sizeof(*sh), len) &&
	       nfo_sctp_crc_ok(skb, net, thoff);
}

/* ---- UDP-Lite ---- */

/* As conntrack does, verify the checksum with UDP's protocol number in the pseudo header. */
static bool nfo_udplite_ok(struct sk_buff *skb, const struct nfo_entry *e,
			   const struct net *net, unsigned int thoff, unsigned int len)
{
#if IS_ENABLED(CONFIG_NF_CT_PROTO_UDPLITE)
	const struct udphdr *uh = (const void *)(skb->data + thoff);
	unsigned int covered = ntohs(uh->len);

	if (!covered)
		covered = len - thoff;
	if (skb->ip_summed == CHECKSUM_PARTIAL || skb_is_gso(skb) ||
	    covered < sizeof(*uh) || covered > len - thoff || !uh->check)
		return false;

	return !READ_ONCE(net->ct.sysctl_checksum) ||
	       !nf_checksum_partial(skb, NF_INET_PRE_ROUTING, thoff, covered, IPPROTO_UDP,
				    e->key.family);
#else
	return false;
#endif
}

/* ---- ICMP echo ---- */

static bool nfo_icmp_is_echo(const struct icmphdr *ih, u8 l4proto)
{
	if (ih->code)
		return false;
	if (l4proto == IPPROTO_ICMP)
		return ih->type == ICMP_ECHO || ih->type == ICMP_ECHOREPLY;
	return ih->type == ICMPV6_ECHO_REQUEST || ih->type == ICMPV6_ECHO_REPLY;
}

static bool nfo_icmp_ok(struct sk_buff *skb, const struct nfo_entry *e, const struct net *net,
			unsigned int thoff)
{
	if (skb->ip_summed == CHECKSUM_PARTIAL || skb_is_gso(skb))
		return false;

	return !READ_ONCE(net->ct.sysctl_checksum) ||
	       !nf_checksum(skb, NF_INET_PRE_ROUTING, thoff, e->key.l4proto, e->key.family);
}

/* Addresses do not change the checksum of IPv4's ICMP, which has no pseudo header. */
static void nfo_icmp_learn_nat(struct nfo_entry *e, const struct nf_conntrack_tuple *t,
			       const struct nf_conntrack_tuple *other)
{
	u16 id = nfo_csum_delta(&t->src.u.all, &other->src.u.all, sizeof(t->src.u.all));

	e->sport = other->src.u.all;
	e->dport = t->dst.u.all;
	e->l4_delta = t->dst.protonum == IPPROTO_ICMP ? id : nfo_csum_delta_add(e->addr_delta, id);
}

/* ---- GRE ---- */

/* Version 1 is PPTP's: conntrack tells its calls apart by ids that a helper has read. */
static bool nfo_gre_ok(const struct sk_buff *skb, unsigned int offset)
{
	const struct gre_base_hdr *gre;
	struct gre_base_hdr copy;

	gre = skb_header_pointer(skb, offset, sizeof(copy), &copy);
	return gre && !(gre->flags & GRE_VERSION);
}

/* ---- what the rooms ask ---- */

/* Read what stands for the ports of a packet, big endian. The caller has pulled the first 8 bytes
 * of the layer 4 header. Return: false when the fast path does not carry such packets.
 */
static bool nfo_l4_ports(struct sk_buff *skb, const struct nfo_net *nn, unsigned int thoff,
			 u8 l4proto, __be16 *sport, __be16 *dport)
{
	u8 icmp = skb->protocol == htons(ETH_P_IP) ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	const __be16 *words;

	*sport = 0;
	*dport = 0;
	if (nfo_l4_is_sctp(l4proto) && !pskb_may_pull(skb, thoff + sizeof(struct sctphdr)))
		return false;
	words = (const void *)(skb->data + thoff);

	switch (l4proto) {
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
		if (nfo_l4_is_sctp(l4proto) || nfo_l4_is_udplite(l4proto)) {
			*sport = words[0];
			*dport = words[1];
		}
		return true;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		*sport = words[2];
		*dport = words[0];
		return l4proto == icmp && READ_ONCE(nn->settings.icmp_echo) &&
		       nfo_icmp_is_echo((const void *)words, l4proto);
	case IPPROTO_GRE:
		return nfo_gre_ok(skb, thoff);
	case IPPROTO_ESP:
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		return true;
	default:
		return false;
	}
}

/**
 * nfo_l4_parse() - read addresses and what stands for ports
 * @skb:   packet, data at the network header; its headers may be pulled
 * @in:    device whose ingress hook sees the packet
 * @nn:    namespace
 * @l:     filled
 * @thoff: set to the offset of the layer 4 header
 *
 * Context: softirq. Return: false when the fast path does not carry such packets.
 */
bool nfo_l4_parse(struct sk_buff *skb, const struct net_device *in, const struct nfo_net *nn,
		  struct nfo_lookup *l, unsigned int *thoff)
{
	bool v6 = skb->protocol == htons(ETH_P_IPV6);
	const struct ipv6hdr *ip6h;
	const struct iphdr *iph;
	__be16 sport, dport;
	u8 l4proto;

	*thoff = v6 ? sizeof(*ip6h) : sizeof(*iph);
	if (!pskb_may_pull(skb, *thoff + sizeof(struct udphdr)))
		return false;
	iph = ip_hdr(skb);
	ip6h = ipv6_hdr(skb);
	if (v6 ? ip6h->version != 6 || ip6h->hop_limit <= 1 :
		 *(const u8 *)iph != 0x45 || ip_is_fragment(iph) || iph->ttl <= 1)
		return false;
	l4proto = v6 ? ip6h->nexthdr : iph->protocol;
	if (!nfo_l4_ports(skb, nn, *thoff, l4proto, &sport, &dport))
		return false;

	iph = ip_hdr(skb);
	ip6h = ipv6_hdr(skb);
	l->key = (struct nfo_key) {
		.saddr		= v6 ? nfo_fold6(&ip6h->saddr) : iph->saddr,
		.daddr		= v6 ? nfo_fold6(&ip6h->daddr) : iph->daddr,
		.sport		= sport,
		.dport		= dport,
		.iif		= in->ifindex,
		.l4proto	= l4proto,
		.family		= v6 ? NFPROTO_IPV6 : NFPROTO_IPV4,
	};
	l->saddr6 = &ip6h->saddr;
	l->daddr6 = &ip6h->daddr;

	return true;
}

/**
 * nfo_l4_pkt_ok() - would conntrack find a packet valid, and stay in the state it is in?
 * @skb:   packet that nfo_l4_parse() accepted, data at the network header
 * @e:     its entry
 * @net:   namespace
 * @thoff: offset of the layer 4 header
 * @len:   length of the IP packet
 *
 * Context: softirq. Return: false when the packet takes the classic path.
 */
bool nfo_l4_pkt_ok(struct sk_buff *skb, const struct nfo_entry *e, const struct net *net,
		   unsigned int thoff, unsigned int len)
{
	if (nfo_l4_is_sctp(e->key.l4proto))
		return nfo_sctp_ok(skb, e, net, thoff, len);
	if (nfo_l4_is_udplite(e->key.l4proto))
		return nfo_udplite_ok(skb, e, net, thoff, len);
	if (nfo_l4_is_icmp(e->key.l4proto))
		return nfo_icmp_ok(skb, e, net, thoff);

	return true;
}

/**
 * nfo_l4_nat() - do to the layer 4 header what NAT does
 * @skb:   packet that may be written to, data at the network header
 * @e:     entry with NFO_E_NAT
 * @l4hdr: its layer 4 header
 *
 * Context: softirq.
 */
void nfo_l4_nat(struct sk_buff *skb, const struct nfo_entry *e, void *l4hdr)
{
	if (nfo_l4_is_sctp(e->key.l4proto)) {
		nfo_sctp_nat(skb, e, l4hdr);
	} else if (nfo_l4_is_udplite(e->key.l4proto)) {
		struct udphdr *uh = l4hdr;

		uh->source = e->sport;
		uh->dest = e->dport;
		uh->check = nfo_csum_apply(uh->check, e->l4_delta) ?: CSUM_MANGLED_0;
	} else if (nfo_l4_is_icmp(e->key.l4proto)) {
		struct icmphdr *ih = l4hdr;

		ih->un.echo.id = e->sport;
		ih->checksum = nfo_csum_apply(ih->checksum, e->l4_delta);
	}
}

/**
 * nfo_l4_learn_nat() - learn what stands for ports in packets that leave
 * @e:   entry; its @addr_delta, @l4_delta and ports are set as for TCP
 * @ct:  connection
 * @dir: direction
 *
 * Context: any.
 */
void nfo_l4_learn_nat(struct nfo_entry *e, const struct nf_conn *ct, enum ip_conntrack_dir dir)
{
	if (nfo_l4_is_icmp(nf_ct_protonum(ct)))
		nfo_icmp_learn_nat(e, nf_ct_tuple(ct, dir), nf_ct_tuple(ct, !dir));
}

/* Return: bytes at the start of the layer 4 header in which NAT may change something. */
static unsigned int nfo_l4_nat_len(u8 l4proto)
{
	if (nfo_l4_is_sctp(l4proto))
		return sizeof(struct sctphdr);
	if (nfo_l4_is_udplite(l4proto))
		return sizeof(struct udphdr);
	if (nfo_l4_is_icmp(l4proto))
		return offsetof(struct icmphdr, un.echo.sequence);

	return 0;
}

/**
 * nfo_l4_sum() - sum up the part of a packet that NAT does not change
 * @skb:     packet, network header set and in the linear part
 * @offset:  offset of the layer 4 header from skb->data
 * @l4proto: IPPROTO_* of that header
 * @sum:     set to the sum of that part
 *
 * Two sums of a packet, when it came in and when it leaves, show whether something on the
 * classic path changes the payload. Context: any. Return: false when the packet is shorter
 * than its header says.
 */
bool nfo_l4_sum(const struct sk_buff *skb, unsigned int offset, u8 l4proto, __sum16 *sum)
{
	int skip = nfo_l4_nat_len(l4proto), len;

	/* The length field was not checked yet: it may be smaller than the IP header. */
	if (skb->protocol == htons(ETH_P_IP))
		len = ntohs(ip_hdr(skb)->tot_len) - (int)sizeof(struct iphdr);
	else
		len = ntohs(ipv6_hdr(skb)->payload_len);
	if (len < skip || offset + len > skb->len)
		return false;
	*sum = csum_fold(skb_checksum(skb, offset + skip, len - skip, 0));

	return true;
}

/**
 * nfo_l4_permit_check() - may a packet let its connection be promoted, or teach?
 * @skb:   packet, data at the network header
 * @nn:    namespace
 * @ct:    its connection
 * @thoff: offset of the layer 4 header
 *
 * Context: any, rcu_read_lock(). Return: NFO_R_NONE, or why not.
 */
enum nfo_reason nfo_l4_permit_check(struct sk_buff *skb, const struct nfo_net *nn,
				    const struct nf_conn *ct, unsigned int thoff)
{
	u8 l4proto = nf_ct_protonum(ct);
	__be16 sport, dport;

	if (nfo_l4_is_icmp(l4proto) && !READ_ONCE(nn->settings.icmp_echo))
		return NFO_R_ICMP_ECHO;
	if (!pskb_may_pull(skb, thoff + sizeof(struct udphdr)) ||
	    !nfo_l4_ports(skb, nn, thoff, l4proto, &sport, &dport))
		return NFO_R_PROTOCOL;
	if (!nfo_l4_is_sctp(l4proto))
		return NFO_R_NONE;
	if (!nfo_sctp_chunks_ok(skb, thoff + sizeof(struct sctphdr), skb->len))
		return NFO_R_SCTP_CHUNK;
	if (READ_ONCE(ct->proto.sctp.state) != SCTP_CONNTRACK_ESTABLISHED)
		return NFO_R_SCTP_STATE;

	return NFO_R_NONE;
}
