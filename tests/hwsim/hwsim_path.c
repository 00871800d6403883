// SPDX-License-Identifier: GPL-2.0
/*
 * Frames: from a wire through the table to another wire, or to the host.
 */
#include <linux/if_pppox.h>
#include <linux/ip.h>
#include <linux/ppp_defs.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include "hwsim.h"

struct frame {
	struct hwsim_key key;
	u32	l3;		/* offsets from the Ethernet header */
	u32	l4;		/* 0: none that can be touched */
	u32	end;		/* of the IP packet */
	u8	ttl;
	bool	v6;
};

struct pppoe_ip {
	struct pppoe_hdr hdr;
	__be16	proto;
} __packed;

/* Only as much as an engine would; false: this one is the host's. */
static bool read_l4(struct frame *f, const u8 *data, u32 off)
{
	struct hwsim_key *key = &f->key;
	const struct tcphdr *th = (const void *)(data + off);

	switch (key->ip_proto) {
	case IPPROTO_TCP:
		if (off + sizeof(*th) > f->end)
			return false;
		if (!key->frag)
			key->tcp_flags = tcp_flag_word(th) & htonl(0x0fff0000) ?
					 htons(ntohl(tcp_flag_word(th)) >> 16 & 0x0fff) : 0;
		break;
	case IPPROTO_UDP:
		if (off + sizeof(struct udphdr) > f->end)
			return false;
		break;
	default:
		return true;
	}
	f->l4 = off;
	if (!key->frag) {
		key->sport = th->source;
		key->dport = th->dest;
	}
	return true;
}

static bool read_ip4(struct frame *f, const u8 *data, u32 len)
{
	const struct iphdr *ip = (const void *)(data + f->l3);
	struct hwsim_key *key = &f->key;
	u32 total;

	if (f->l3 + sizeof(*ip) > len)
		return false;
	total = ntohs(ip->tot_len);
	if (ip->version != 4 || ip->ihl != 5 || total < sizeof(*ip) || f->l3 + total > len ||
	    ip_fast_csum(ip, ip->ihl))
		return false;
	f->end = f->l3 + total;
	f->ttl = ip->ttl;
	key->addr_type = FLOW_DISSECTOR_KEY_IPV4_ADDRS;
	key->src[0] = ip->saddr;
	key->dst[0] = ip->daddr;
	key->ip_proto = ip->protocol;
	key->tos = ip->tos;
	key->ttl = ip->ttl;
	if (ip_is_fragment(ip)) {
		key->frag = HWSIM_FRAG_ANY;
		if (ip->frag_off & htons(IP_OFFSET))
			return true;
		key->frag |= HWSIM_FRAG_FIRST;
	}
	return read_l4(f, data, f->l3 + sizeof(*ip));
}

static bool read_ip6(struct frame *f, const u8 *data, u32 len)
{
	const struct ipv6hdr *ip = (const void *)(data + f->l3);
	u32 off = f->l3 + sizeof(*ip);
	const struct frag_hdr *frag;
	struct hwsim_key *key = &f->key;

	if (off > len || ip->version != 6 || off + ntohs(ip->payload_len) > len)
		return false;
	f->v6 = true;
	f->end = off + ntohs(ip->payload_len);
	f->ttl = ip->hop_limit;
	key->addr_type = FLOW_DISSECTOR_KEY_IPV6_ADDRS;
	memcpy(key->src, &ip->saddr, sizeof(key->src));
	memcpy(key->dst, &ip->daddr, sizeof(key->dst));
	key->ip_proto = ip->nexthdr;
	key->tos = ipv6_get_dsfield(ip);
	key->ttl = ip->hop_limit;
	if (key->ip_proto == NEXTHDR_FRAGMENT) {
		frag = (const void *)(data + off);
		if (off + sizeof(*frag) > f->end)
			return false;
		key->frag = HWSIM_FRAG_ANY;
		key->ip_proto = frag->nexthdr;
		if (frag->frag_off & htons(IP6_OFFSET))
			return true;
		key->frag |= HWSIM_FRAG_FIRST;
		off += sizeof(*frag);
	}
	return read_l4(f, data, off);
}

static bool read_frame(struct frame *f, const struct sk_buff *skb)
{
	const struct ethhdr *eth = (const void *)skb->data;
	struct hwsim_key *key = &f->key;
	const u8 *data = skb->data;
	const struct pppoe_ip *ppp;
	u32 len = skb->len;
	__be16 proto;

	if (len < ETH_HLEN)
		return false;
	ether_addr_copy(key->eth_dst, eth->h_dest);
	ether_addr_copy(key->eth_src, eth->h_source);
	proto = eth->h_proto;
	f->l3 = ETH_HLEN;
	while (eth_type_vlan(proto)) {
		if (key->tags == HWSIM_TAGS || f->l3 + VLAN_HLEN > len)
			return false;
		key->tpid[key->tags] = proto;
		key->tci[key->tags] = *(const __be16 *)(data + f->l3);
		proto = *(const __be16 *)(data + f->l3 + 2);
		key->next[key->tags++] = proto;
		f->l3 += VLAN_HLEN;
	}
	if (proto == htons(ETH_P_PPP_SES)) {
		ppp = (const void *)(data + f->l3);
		if (f->l3 + sizeof(*ppp) > len || ppp->hdr.ver != 1 || ppp->hdr.type != 1 ||
		    ppp->hdr.code || f->l3 + sizeof(ppp->hdr) + ntohs(ppp->hdr.length) > len)
			return false;
		key->pppoe = 1;
		f->l3 += sizeof(*ppp);
		if (ppp->proto == htons(PPP_IP))
			proto = htons(ETH_P_IP);
		else if (ppp->proto == htons(PPP_IPV6))
			proto = htons(ETH_P_IPV6);
		else
			return false;
	}
	key->n_proto = proto;
	switch (proto) {
	case htons(ETH_P_IP):
		return read_ip4(f, data, len);
	case htons(ETH_P_IPV6):
		return read_ip6(f, data, len);
	}
	f->end = len;
	return true;
}

static void edit(u8 *to, const u8 *mask, const u8 *val, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		to[i] = (to[i] & ~mask[i]) | val[i];
}

/* What a transport checksum covers and the chip can change: addresses and ports. */
static __wsum covered(const struct frame *f, const u8 *data)
{
	const u8 *l3 = data + f->l3;
	__wsum sum;

	sum = f->v6 ? csum_partial(l3 + offsetof(struct ipv6hdr, saddr), 32, 0) :
		      csum_partial(l3 + offsetof(struct iphdr, saddr), 8, 0);
	return csum_partial(data + f->l4, 4, sum);
}

static void fix_l4(const struct frame *f, u8 *data, __wsum before)
{
	__sum16 *check;
	__wsum sum;

	if (f->key.ip_proto == IPPROTO_TCP) {
		check = &((struct tcphdr *)(data + f->l4))->check;
	} else {
		check = &((struct udphdr *)(data + f->l4))->check;
		if (!*check)
			return;
	}
	sum = csum_add(csum_sub(~csum_unfold(*check), before), covered(f, data));
	*check = csum_fold(sum);
	if (f->key.ip_proto == IPPROTO_UDP && !*check)
		*check = CSUM_MANGLED_0;
}

static void rewrite_l3(const struct hwsim_actions *a, const struct frame *f, u8 *data)
{
	u8 *l3 = data + f->l3;
	__wsum before = 0;

	if (f->l4)
		before = covered(f, data);
	if (f->v6) {
		edit(l3, a->l3.mask, a->l3.val, sizeof(struct ipv6hdr));
		((struct ipv6hdr *)l3)->hop_limit -= a->ttl_dec;
	} else if (f->key.addr_type) {
		struct iphdr *ip = (struct iphdr *)l3;

		edit(l3, a->l3.mask, a->l3.val, sizeof(*ip));
		ip->ttl -= a->ttl_dec;
		if (a->csum & HWSIM_CSUM_IP)
			ip_send_check(ip);
	}
	if (f->l4) {
		edit(data + f->l4, a->l4.mask, a->l4.val, sizeof(a->l4.val));
		if (a->csum & HWSIM_CSUM_L4)
			fix_l4(f, data, before);
	}
}

/* The Ethernet header with all that follows it up to IP, made anew in @to. */
static u32 build_l2(const struct hwsim_actions *a, const struct frame *f,
		    const u8 *old, u8 *to)
{
	u32 len = 2 * ETH_ALEN, l3_len = f->end - f->l3, i;
	struct pppoe_ip ppp = {};
	__be16 type;

	memcpy(to, old, len);
	edit(to, a->eth.mask, a->eth.val, len);
	for (i = 0; i < a->pushes; i++, len += VLAN_HLEN) {
		put_unaligned(a->push[i].tpid, (__be16 *)(to + len));
		put_unaligned_be16(a->push[i].tci, to + len + 2);
	}
	for (i = a->pops; i < f->key.tags; i++, len += VLAN_HLEN) {
		put_unaligned(f->key.tpid[i], (__be16 *)(to + len));
		put_unaligned(f->key.tci[i], (__be16 *)(to + len + 2));
	}
	type = a->pppoe ? htons(ETH_P_PPP_SES) : f->key.n_proto;
	put_unaligned(type, (__be16 *)(to + len));
	len += 2;
	if (a->pppoe) {
		ppp.hdr.ver = 1;
		ppp.hdr.type = 1;
		ppp.hdr.sid = htons(a->sid);
		ppp.hdr.length = htons(l3_len + 2);
		ppp.proto = htons(f->v6 ? PPP_IPV6 : PPP_IP);
		memcpy(to + len, &ppp, sizeof(ppp));
		len += sizeof(ppp);
	}
	return len;
}

static bool fits(const struct hwsim_actions *a, const struct frame *f, struct net_device *out)
{
	return f->end - f->l3 + (a->pppoe ? sizeof(struct pppoe_ip) : 0) <= READ_ONCE(out->mtu);
}

enum verdict { TO_HOST, DONE, LOST };

static enum verdict forward(struct hwsim_port *in, struct sk_buff *skb, struct frame *f)
{
	u8 l2[2 * ETH_ALEN + 2 * HWSIM_TAGS * VLAN_HLEN + 2 + sizeof(struct pppoe_ip)];
	struct hwsim_chip *c = in->chip;
	const struct hwsim_actions *a;
	struct net_device *host, *wire;
	u32 len, old, in_len = skb->len;
	struct hwsim_port *out;
	struct hwsim_rule *r;

	if (!read_frame(f, skb))
		return TO_HOST;
	f->key.in_port = in->index;
	r = hwsim_lookup(c, &f->key);
	if (!r || time_before(jiffies, r->from))
		return TO_HOST;

	a = &r->act;
	out = &c->port[a->out_port];
	host = rcu_dereference(out->host);
	wire = rcu_dereference(out->wire);
	if (!host || !wire || !(host->flags & IFF_UP) || !(wire->flags & IFF_UP))
		return LOST;
	if (a->ttl_dec && f->ttl <= a->ttl_dec && !c->mode[HWSIM_M_TTL_ENDS])
		return TO_HOST;
	if (!fits(a, f, host) && !c->mode[HWSIM_M_NO_MTU])
		return TO_HOST;
	if (r->via == HWSIM_FT && is_multicast_ether_addr(f->key.eth_dst))
		return TO_HOST;
	if (memchr_inv(a->l4.mask, 0, sizeof(a->l4.mask)) && !f->l4)
		return TO_HOST;

	old = f->l3;
	if (skb_ensure_writable(skb, f->l4 ? min_t(u32, f->l4 + sizeof(struct tcphdr), skb->len) :
					    f->end))
		return LOST;
	rewrite_l3(a, f, skb->data);
	len = build_l2(a, f, skb->data, l2);
	if (len > old && skb_cow_head(skb, len - old))
		return LOST;
	skb_pull(skb, old);
	memcpy(skb_push(skb, len), l2, len);
	/* Padding that was needed for a shorter header stays with it. */
	if (skb->len > len + f->end - f->l3)
		skb_trim(skb, len + f->end - f->l3);
	skb_reset_mac_header(skb);

	spin_lock(&r->lock);
	r->packets++;
	r->bytes += in_len;
	r->lastused = jiffies;
	spin_unlock(&r->lock);

	len = skb->len;
	if (dev_forward_skb(wire, skb) != NET_RX_SUCCESS) {
		hwsim_count(out, HWSIM_DROPPED, 1);
		return DONE;
	}
	hwsim_count(in, HWSIM_HW_IN, 1);
	hwsim_count(out, HWSIM_HW_OUT, 1);
	hwsim_count(out, HWSIM_HW_BYTES, len);
	return DONE;
}

/* A cable carries bytes: the far end knows neither marks nor verified checksums. */
static void bytes_only(struct sk_buff *skb)
{
	skb->ip_summed = CHECKSUM_NONE;
	skb->mark = 0;
}

/* As a driver with LRO on gives it to the host: the payload in a page, a segment size, and
 * no type of segments. Only UDP over IPv4, which has headers of one length here.
 */
static struct sk_buff *merged(struct sk_buff *skb)
{
	const unsigned int keep = ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr);
	struct sk_buff *new;
	struct page *page;

	if (skb->protocol != htons(ETH_P_IP) || skb->len <= keep || skb->len > PAGE_SIZE ||
	    ((struct iphdr *)(skb->data + ETH_HLEN))->protocol != IPPROTO_UDP)
		return skb;
	new = alloc_skb(NET_SKB_PAD + keep, GFP_ATOMIC);
	page = alloc_page(GFP_ATOMIC);
	if (!new || !page) {
		kfree_skb(new);
		if (page)
			put_page(page);
		return skb;
	}
	skb_reserve(new, NET_SKB_PAD);
	skb_put_data(new, skb->data, keep);
	memcpy(page_address(page), skb->data + keep, skb->len - keep);
	skb_add_rx_frag(new, 0, page, 0, skb->len - keep, PAGE_SIZE);
	skb_shinfo(new)->gso_size = skb->len - keep;
	skb_shinfo(new)->gso_segs = 1;
	skb_reset_mac_header(new);
	new->protocol = skb->protocol;
	new->dev = skb->dev;
	/* Nobody merges what has a wrong checksum. */
	new->ip_summed = CHECKSUM_UNNECESSARY;
	consume_skb(skb);

	return new;
}

/* A frame that no rule forwards, or a copy of one that the chip has routed. */
static int to_host(struct hwsim_chip *c, struct net_device *host, struct sk_buff *skb)
{
	if (READ_ONCE(c->lro))
		skb = merged(skb);
	if (__dev_forward_skb(host, skb))
		return NET_RX_DROP;
#ifdef CONFIG_NET_SWITCHDEV
	skb->offload_l3_fwd_mark = READ_ONCE(c->routed);
#endif
	return netif_rx(skb);
}

/* A frame enters by the wire. Called with bottom halves off. */
void hwsim_from_wire(struct hwsim_port *p, struct sk_buff *skb)
{
	struct net_device *host;
	enum verdict verdict = TO_HOST;
	struct frame f = {};
	u32 len = skb->len;

	bytes_only(skb);
	rcu_read_lock();
	hwsim_count(p, HWSIM_WIRE_IN_BYTES, len);
	host = rcu_dereference(p->host);
	if (!host || !(host->flags & IFF_UP) || p->deaf || skb_linearize(skb)) {
		verdict = LOST;
	} else {
		verdict = forward(p, skb, &f);
		if (verdict == TO_HOST) {
			if (to_host(p->chip, host, skb) == NET_RX_SUCCESS) {
				hwsim_count(p, HWSIM_HOST_IN, 1);
				hwsim_count(p, HWSIM_HOST_IN_BYTES, len);
				if (f.key.ip_proto == IPPROTO_TCP || f.key.ip_proto == IPPROTO_UDP)
					hwsim_count(p, HWSIM_HOST_L4, 1);
			} else {
				hwsim_count(p, HWSIM_DROPPED, 1);
			}
		}
	}
	if (verdict == LOST) {
		hwsim_count(p, HWSIM_DROPPED, 1);
		kfree_skb(skb);
	}
	rcu_read_unlock();
}

/* The host sends. */
void hwsim_from_host(struct hwsim_port *p, struct sk_buff *skb)
{
	struct net_device *wire;
	u32 len = skb->len;

	bytes_only(skb);
	rcu_read_lock();
	wire = rcu_dereference(p->wire);
	if (!wire) {
		kfree_skb(skb);
		hwsim_count(p, HWSIM_DROPPED, 1);
	} else if (dev_forward_skb(wire, skb) == NET_RX_SUCCESS) {
		hwsim_count(p, HWSIM_HOST_OUT, 1);
		hwsim_count(p, HWSIM_HOST_OUT_BYTES, len);
	} else {
		hwsim_count(p, HWSIM_DROPPED, 1);
	}
	rcu_read_unlock();
}
