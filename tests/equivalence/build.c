// SPDX-License-Identifier: GPL-2.0
/* Headers and checksums of one frame. */
#include <string.h>
#include <linux/if_ether.h>
#include "equiv.h"

const uint8_t mac_router[NSIDES][6] = {
	{ 2, 0, 0, 0, 1, 1 }, { 2, 0, 0, 0, 2, 1 },
};
/* Not the addresses of the veth ends: the test's own stack must not listen. */
const uint8_t mac_host[NSIDES][6] = {
	{ 2, 0, 0, 0, 1, 0x10 }, { 2, 0, 0, 0, 2, 0x10 },
};

/* splitmix64: every case has its own generator, so that it can be replayed. */
uint64_t rnd64(struct rng *r)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint32_t rnd(struct rng *r, uint32_t n)
{
	return (uint32_t)((rnd64(r) >> 32) * n >> 32);
}

uint32_t rnd_in(struct rng *r, uint32_t lo, uint32_t hi)
{
	return lo + rnd(r, hi - lo + 1);
}

bool one_in(struct rng *r, uint32_t n)
{
	return rnd(r, n) == 0;
}

void rnd_fill(struct rng *r, void *p, size_t len)
{
	uint8_t *b = p;

	while (len) {
		uint64_t v = rnd64(r);
		size_t n = len < 8 ? len : 8;

		memcpy(b, &v, n);
		b += n;
		len -= n;
	}
}

void wr16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

void wr32(uint8_t *p, uint32_t v)
{
	wr16(p, v >> 16);
	wr16(p + 2, v);
}

uint16_t rd16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

uint32_t rd32(const uint8_t *p)
{
	return (uint32_t)rd16(p) << 16 | rd16(p + 2);
}

static uint32_t sum16(const uint8_t *b, size_t len, uint64_t sum)
{
	for (; len > 1; len -= 2, b += 2)
		sum += rd16(b);
	if (len)
		sum += b[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

uint16_t csum16(const void *p, size_t len, uint32_t sum)
{
	return ~sum16(p, len, sum);
}

uint32_t pseudo_sum(const uint8_t *l3, bool v6, uint8_t proto, uint32_t l4len)
{
	uint32_t sum = v6 ? sum16(l3 + 8, 32, 0) : sum16(l3 + 12, 8, 0);

	return sum + proto + (l4len >> 16) + (l4len & 0xffff);
}

/* The MTU a packet of this direction meets on its way out of the router. */
unsigned int path_mtu(const struct conn *c, int dir)
{
	enum side out = (c->init ^ dir) == LAN ? WAN : LAN;

	if (out == WAN)
		return 1500;
	return c->small_mtu ? 1400 : 4000;
}

void pkt_init(struct pkt *p, struct conn *c, int dir, struct rng *r)
{
	memset(p, 0, sizeof(*p));
	p->c = c;
	p->dir = dir;
	p->tos = one_in(r, 2) ? rnd(r, 256) : 0;
	p->ttl = rnd_in(r, 3, 255);
	p->id = rnd(r, 65536);
	p->frag = one_in(r, 2) ? 0x4000 : 0;
	/* Senders keep a label; equal-cost routes may be chosen by it. */
	p->label = one_in(r, 8) ? rnd(r, 1 << 20) : c->label[dir];
	p->flags = TH_ACK | (one_in(r, 2) ? TH_PSH : 0);
	p->seq = c->seq[dir];
	p->ack = c->seq[!dir];
	p->win = rnd_in(r, 1000, 65535);
	p->cookie = rnd64(r);
}

void fix_ip_csum(struct frame *f)
{
	uint8_t *ip = f->data + L2_LEN;
	uint32_t hl = (ip[0] & 15) * 4;

	if (ip[0] >> 4 != 4 || f->len < L2_LEN + 20)
		return;
	if (hl < 20 || hl > f->len - L2_LEN)
		hl = 20;
	wr16(ip + 10, 0);
	wr16(ip + 10, csum16(ip, hl, 0));
}

/* Over all that follows the transport header, as if lengths were honest. */
void fix_l4_csum(struct frame *f)
{
	uint8_t *ip = f->data + L2_LEN, *l4 = f->data + f->l4;
	bool v6 = rd16(f->data + 12) == ETH_P_IPV6;
	uint32_t len = f->len - f->l4, at;
	uint8_t proto = v6 ? ip[6] : ip[9];
	uint16_t sum;

	if (f->l4 >= f->len || l4_fix_csum(f, proto))
		return;
	if (v6 && f->l4 != L2_LEN + 40)
		proto = len >= 20 && (l4[12] >> 4) >= 5 ? IPPROTO_TCP : IPPROTO_UDP;
	at = proto == IPPROTO_TCP ? 16 : 6;
	if (len < at + 2)
		return;
	wr16(l4 + at, 0);
	sum = csum16(l4, len, pseudo_sum(ip, v6, proto, len));
	if (!sum && proto == IPPROTO_UDP)
		sum = 0xffff;
	wr16(l4 + at, sum);
}

static void build_l4_csum(struct frame *f, const struct pkt *p, struct rng *r)
{
	uint8_t *ip = f->data + L2_LEN, *l4 = f->data + f->l4;
	uint32_t len = f->len - f->l4, at = p->c->tcp ? 16 : 6;
	uint8_t proto = p->c->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	uint16_t sum;

	wr16(l4 + at, 0);
	if (p->csum == C_PARTIAL) {
		wr16(l4 + at, ~csum16(NULL, 0, pseudo_sum(ip, p->c->v6, proto, len)));
		f->vh.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		f->vh.csum_start = f->l4;
		f->vh.csum_offset = at;
		return;
	}
	if (p->csum == C_ZERO)
		return;
	sum = csum16(l4, len, pseudo_sum(ip, p->c->v6, proto, len));
	if (!sum && !p->c->tcp)
		sum = 0xffff;
	if (p->csum == C_WRONG) {
		uint16_t bad = sum;

		/* 0 is "no checksum" to UDP, and 0xffff is 0 to both */
		while (bad == sum || !bad || bad == 0xffff)
			bad = rnd(r, 65536);
		sum = bad;
	}
	wr16(l4 + at, sum);
}

void build_frame(struct frame *f, const struct pkt *p, struct rng *r)
{
	const struct conn *c = p->c;
	uint32_t l3h = (c->v6 ? 40 : 20) + p->l3opt_len;
	uint32_t l4h = c->tcp ? 20 + p->l4opt_len : l4_header_len(c);
	uint32_t total = l3h + l4h + p->payload;
	uint8_t *d = f->data, *ip = d + L2_LEN, *l4 = ip + l3h, *pl = l4 + l4h;
	uint8_t proto = c->proto;
	enum side side = c->init ^ p->dir;

	f->side = side;
	f->paged = false;
	memset(&f->vh, 0, sizeof(f->vh));
	f->len = L2_LEN + total;
	f->l4 = L2_LEN + l3h;

	memcpy(d, mac_router[side], 6);
	memcpy(d + 6, mac_host[side], 6);
	wr16(d + 12, c->v6 ? ETH_P_IPV6 : ETH_P_IP);

	memset(ip, 0, l3h + l4h);
	if (c->v6) {
		wr32(ip, 6u << 28 | p->tos << 20 | p->label);
		wr16(ip + 4, total - 40);
		ip[6] = p->l3opt_len ? p->l3opt_next : proto;
		ip[7] = p->ttl;
		memcpy(ip + 8, c->t[p->dir].src.addr, 16);
		memcpy(ip + 24, c->t[p->dir].dst.addr, 16);
		if (p->l3opt_len)
			memcpy(ip + 40, p->l3opt, p->l3opt_len);
	} else {
		ip[0] = 0x40 | l3h / 4;
		ip[1] = p->tos;
		wr16(ip + 2, total);
		wr16(ip + 4, p->id);
		wr16(ip + 6, p->frag);
		ip[8] = p->ttl;
		ip[9] = proto;
		memcpy(ip + 12, c->t[p->dir].src.addr, 4);
		memcpy(ip + 16, c->t[p->dir].dst.addr, 4);
		if (p->l3opt_len)
			memcpy(ip + 20, p->l3opt, p->l3opt_len);
		wr16(ip + 10, csum16(ip, l3h, 0));
	}

	wr16(l4, c->t[p->dir].src.port);
	wr16(l4 + 2, c->t[p->dir].dst.port);
	if (c->tcp) {
		wr32(l4 + 4, p->seq);
		wr32(l4 + 8, p->ack);
		l4[12] = (l4h / 4) << 4 | (p->flags >> 8 & 1);
		l4[13] = p->flags;
		wr16(l4 + 14, p->win);
		wr16(l4 + 18, p->urg);
		if (p->l4opt_len)
			memcpy(l4 + 20, p->l4opt, p->l4opt_len);
	} else if (proto == IPPROTO_UDP) {
		wr16(l4 + 4, 8 + p->payload);
	}

	rnd_fill(r, pl, p->payload);
	if (p->payload >= 8)
		memcpy(pl, &p->cookie, 8);
	if (c->tcp || proto == IPPROTO_UDP)
		build_l4_csum(f, p, r);
	else
		l4_build(f, p, r);
}
