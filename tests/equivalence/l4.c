// SPDX-License-Identifier: GPL-2.0
/*
 * Protocols other than TCP and UDP: SCTP with real handshakes, ICMP echo, and GRE and ESP,
 * which conntrack tracks by addresses alone.
 *
 * Of an SCTP connection, seq[] holds the verification tag of each direction.
 */
#include <string.h>
#include <linux/if_ether.h>
#include "gen.h"

enum { DATA, INIT, INIT_ACK, SACK };

bool with_others;

/* Two connections without ports between the same hosts would be one. */
const struct l4_slot l4_slots[] = {
	{ IPPROTO_SCTP, K_NONE }, { IPPROTO_SCTP, K_SNAT }, { IPPROTO_SCTP, K_SNAT_PORT },
	{ IPPROTO_SCTP, K_DNAT }, { IPPROTO_SCTP, K_DNAT_PORT }, { IPPROTO_SCTP, K_BOTH },
	{ IPPROTO_SCTP, K_MASQ }, { IPPROTO_SCTP, K_PORTFWD }, { IPPROTO_SCTP, K_NONE_IN },
	{ IPPROTO_ICMP, K_NONE }, { IPPROTO_ICMP, K_SNAT }, { IPPROTO_ICMP, K_MASQ },
	{ IPPROTO_GRE, K_NONE }, { IPPROTO_ESP, K_NONE },
};
const unsigned int nl4_slots = sizeof(l4_slots) / sizeof(l4_slots[0]);

unsigned int l4_flag(const struct conn *c)
{
	switch (c->proto) {
	case IPPROTO_TCP:
		return G_TCP;
	case IPPROTO_UDP:
		return G_UDP;
	case IPPROTO_SCTP:
		return G_SCTP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return G_ICMP;
	default:
		return G_PORTLESS;
	}
}

const char *proto_name(const struct conn *c)
{
	switch (c->proto) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_SCTP:
		return "SCTP";
	case IPPROTO_GRE:
		return "GRE";
	case IPPROTO_ESP:
		return "ESP";
	default:
		return l4_flag(c) == G_ICMP ? "ICMP" : "UDP";
	}
}

unsigned int l4_header_len(const struct conn *c)
{
	return c->proto == IPPROTO_SCTP ? 12 : c->proto == IPPROTO_GRE ? 4 : 8;
}

/* Chunks end on a multiple of four bytes; GRE has something inside. */
unsigned int l4_payload(const struct conn *c, unsigned int payload)
{
	if (c->proto == IPPROTO_SCTP)
		return payload < 4 ? 4 : payload & ~3u;
	if (c->proto == IPPROTO_GRE && payload < 8)
		return 8;
	return payload;
}

static uint32_t crc32c(const uint8_t *p, size_t len, uint32_t crc)
{
	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return crc;
}

static void sctp_crc(uint8_t *l4, uint32_t len)
{
	uint32_t crc;

	memset(l4 + 8, 0, 4);
	crc = ~crc32c(l4, len, ~0u);
	for (int i = 0; i < 4; i++)
		l4[8 + i] = crc >> 8 * i;
}

/* Return: false for a protocol that is not known here. */
bool l4_fix_csum(struct frame *f, uint8_t proto)
{
	uint8_t *ip = f->data + L2_LEN, *l4 = f->data + f->l4;
	uint32_t len = f->len - f->l4, sum = 0;

	switch (proto) {
	case IPPROTO_SCTP:
		if (len >= 12)
			sctp_crc(l4, len);
		return true;
	case IPPROTO_ICMPV6:
		sum = pseudo_sum(ip, true, proto, len);
		/* fall through */
	case IPPROTO_ICMP:
		if (len < 8)
			return true;
		wr16(l4 + 2, 0);
		wr16(l4 + 2, csum16(l4, len, sum));
		return true;
	case IPPROTO_GRE:
	case IPPROTO_ESP:
		return true;
	default:
		return false;
	}
}

static void sctp_build(uint8_t *l4, const struct pkt *p, uint32_t len)
{
	const struct conn *c = p->c;
	uint8_t *chunk = l4 + 12;

	wr16(l4, c->t[p->dir].src.port);
	wr16(l4 + 2, c->t[p->dir].dst.port);
	wr32(l4 + 4, p->chunk == INIT ? 0 : p->seq);
	chunk[0] = p->chunk;
	chunk[1] = p->chunk == DATA ? 3 : 0;
	wr16(chunk + 2, len - 12);
	/* The tag that the other side is to use. */
	if (p->chunk == INIT || p->chunk == INIT_ACK)
		wr32(chunk + 4, p->ack);
	/* Two chunks, sometimes. */
	if (p->chunk == DATA && len >= 12 + 32 && p->cookie & 1) {
		wr16(chunk + 2, 16);
		chunk[16] = p->cookie & 2 ? SACK : DATA;
		wr16(chunk + 18, len - 12 - 16);
	}
}

/* What follows the IP header; its payload is random already. */
void l4_build(struct frame *f, const struct pkt *p, struct rng *r)
{
	static const uint16_t inside[] = { 0x0800, 0x86dd, 0x6558, 0x1234 };
	const struct conn *c = p->c;
	uint8_t *l4 = f->data + f->l4;
	uint32_t len = f->len - f->l4;

	memset(l4, 0, l4_header_len(c));
	switch (c->proto) {
	case IPPROTO_SCTP:
		sctp_build(l4, p, len);
		break;
	case IPPROTO_GRE:
		wr16(l4 + 2, inside[rnd(r, 4)]);
		break;
	case IPPROTO_ESP:
		wr32(l4, 0x1000);
		wr32(l4 + 4, rnd64(r));
		break;
	default:
		l4[0] = c->v6 ? 128 + p->dir : p->dir ? 0 : 8;
		wr16(l4 + 4, c->t[p->dir].src.port);
		wr16(l4 + 6, p->id);
	}
	l4_fix_csum(f, c->proto);
	if (p->csum == C_WRONG)
		l4[c->proto == IPPROTO_SCTP ? 9 : 3] ^= 1 + rnd(r, 255);
}

/* ---- classes ---- */

/* Chunks of any kind, some of which end the association, and lengths of any kind. */
void g_sctp_chunks(struct gcase *gc, struct rng *r)
{
	int n = rnd_in(r, 1, 3);

	while (n--) {
		struct frame *f;
		struct pkt p;

		sound(gc, &p, any_dir(r), r);
		p.payload = 4 * rnd_in(r, 1, 40);
		p.chunk = one_in(r, 4) ? rnd(r, 256) : rnd(r, 16);
		emit(gc, &p, r);
		f = &gc->f[gc->n - 1];
		if (one_in(r, 3)) {
			wr16(f->data + f->l4 + 14, one_in(r, 2) ? rnd(r, 65536) : rnd(r, 24));
			l4_fix_csum(f, IPPROTO_SCTP);
		}
	}
	stray_data(gc, 2, r);
}

/* Somebody who does not know the tag. */
void g_sctp_vtag(struct gcase *gc, struct rng *r)
{
	struct pkt p;

	sound(gc, &p, any_dir(r), r);
	p.seq = rnd64(r);
	build_frame(next(gc), &p, r);
	stray_data(gc, 1, r);
}
