// SPDX-License-Identifier: GPL-2.0
/* Classes of frames that are not what their headers say. */
#include <string.h>
#include <linux/if_ether.h>
#include "gen.h"

static struct frame *mutable(struct gcase *gc, struct rng *r)
{
	struct pkt p;

	sound(gc, &p, any_dir(r), r);
	emit(gc, &p, r);
	return &gc->f[gc->n - 1];
}

void g_truncated(struct gcase *gc, struct rng *r)
{
	struct frame *f = mutable(gc, r);

	f->len = one_in(r, 2) ? rnd_in(r, L2_LEN, f->l4 + 24 < f->len ? f->l4 + 24 : f->len)
			      : rnd_in(r, L2_LEN, f->len);
	/* half of them with a length field that agrees */
	if (one_in(r, 2) && f->len >= L2_LEN + 20) {
		if (gc->c->v6 && f->len >= L2_LEN + 40)
			wr16(f->data + L2_LEN + 4, f->len - L2_LEN - 40);
		else if (!gc->c->v6)
			wr16(f->data + L2_LEN + 2, f->len - L2_LEN);
		fix_ip_csum(f);
		fix_l4_csum(f);
	}
}

void g_ip_length(struct gcase *gc, struct rng *r)
{
	struct frame *f = mutable(gc, r);
	uint8_t *field = f->data + L2_LEN + (gc->c->v6 ? 4 : 2);
	uint16_t now = rd16(field), v;

	switch (rnd(r, 4)) {
	case 0:
		v = now + rnd_in(r, 1, 40);
		break;
	case 1:
		v = rnd(r, now + 1);
		break;
	case 2:
		v = rnd(r, 64);
		break;
	default:
		v = rnd(r, 65536);
	}
	wr16(field, v);
	fix_ip_csum(f);
	/* sometimes the shorter packet is sound in itself */
	if (v < now && one_in(r, 2)) {
		uint32_t len = f->len;

		f->len -= now - v;
		if (f->len > f->l4) {
			if (gc->c->proto == IPPROTO_UDP && f->len >= f->l4 + 8)
				wr16(f->data + f->l4 + 4, f->len - f->l4);
			fix_l4_csum(f);
		}
		f->len = len;
	}
}

void g_ihl(struct gcase *gc, struct rng *r)
{
	struct frame *f = mutable(gc, r);

	f->data[L2_LEN] = 0x40 | rnd(r, 16);
	if (one_in(r, 2))
		fix_ip_csum(f);
}

void g_version(struct gcase *gc, struct rng *r)
{
	struct frame *f = mutable(gc, r);

	f->data[L2_LEN] = rnd(r, 16) << 4 | (f->data[L2_LEN] & 15);
	if (!gc->c->v6) {
		wr16(f->data + L2_LEN + 10, 0);
		wr16(f->data + L2_LEN + 10, csum16(f->data + L2_LEN, 20, 0));
	}
	if (one_in(r, 4))
		wr16(f->data + 12, gc->c->v6 ? ETH_P_IP : ETH_P_IPV6);
}

void g_udp_length(struct gcase *gc, struct rng *r)
{
	struct frame *f = mutable(gc, r);
	uint16_t now = rd16(f->data + f->l4 + 4);

	wr16(f->data + f->l4 + 4, one_in(r, 2) ? now + rnd(r, 9) - 4 : rnd(r, 65536));
	if (one_in(r, 2))
		fix_l4_csum(f);
	else if (one_in(r, 2))
		wr16(f->data + f->l4 + 6, 0);
}

void g_tcp_offset(struct gcase *gc, struct rng *r)
{
	struct frame *f = mutable(gc, r);

	if (one_in(r, 2)) {
		/* a short packet, so that the offset leads past its end */
		f->len = f->l4 + 20 + rnd(r, 12);
		if (gc->c->v6)
			wr16(f->data + L2_LEN + 4, f->len - L2_LEN - 40);
		else
			wr16(f->data + L2_LEN + 2, f->len - L2_LEN);
		fix_ip_csum(f);
	}
	f->data[f->l4 + 12] = rnd(r, 16) << 4 | (f->data[f->l4 + 12] & 15);
	fix_l4_csum(f);
}

/* Ethernet's minimum, or a sender that appends whatever it likes. */
void g_padding(struct gcase *gc, struct rng *r)
{
	struct pkt p;
	struct frame *f;
	uint32_t pad;

	pkt_init(&p, gc->c, any_dir(r), r);
	p.payload = l4_payload(gc->c, one_in(r, 2) ? rnd(r, 7) : rnd(r, 500));
	if (one_in(r, 4))
		p.csum = C_ZERO;
	emit(gc, &p, r);
	f = &gc->f[gc->n - 1];
	pad = f->len < 60 && one_in(r, 2) ? 60 - f->len : rnd_in(r, 1, 64);
	if (one_in(r, 2))
		memset(f->data + f->len, 0, pad);
	else
		rnd_fill(r, f->data + f->len, pad);
	f->len += pad;
}

/* Frames that are not for this router, or wear something over the packet. */
void g_link(struct gcase *gc, struct rng *r)
{
	struct frame *f = mutable(gc, r);
	uint8_t *d = f->data;
	uint32_t n = 0, kind = rnd(r, 8);

	switch (kind) {
	case 0:		/* another station's */
		d[5] ^= rnd_in(r, 1, 255);
		return;
	case 1:
		memset(d, 0xff, 6);
		return;
	case 2:		/* multicast */
		d[0] |= 1;
		return;
	case 3:		/* another sender */
		rnd_fill(r, d + 7, 5);
		return;
	case 4:		/* VLAN: priority only, or a tag nobody configured */
	case 5:
		n = 4;
		break;
	case 6:		/* PPPoE session nobody has */
		n = 8;
		break;
	default:	/* IEEE 802.3 length and LLC/SNAP */
		n = 8;
	}
	if (f->len > 1400)
		f->len = 1400;
	memmove(d + L2_LEN + n, d + L2_LEN, f->len - L2_LEN);
	f->len += n;
	f->l4 += n;
	if (n == 4) {
		wr16(d + 16, rd16(d + 12));
		wr16(d + 12, one_in(r, 4) ? ETH_P_8021AD : ETH_P_8021Q);
		wr16(d + 14, rnd(r, 8) << 13 | (kind == 4 ? 0 : rnd_in(r, 1, 4094)));
	} else if (kind == 6) {
		bool v6 = rd16(d + 12) == ETH_P_IPV6;

		wr16(d + 12, ETH_P_PPP_SES);
		d[14] = 0x11;
		d[15] = 0;
		wr16(d + 16, rnd(r, 4));
		wr16(d + 18, f->len - L2_LEN - 6);
		wr16(d + 20, v6 ? 0x57 : 0x21);
	} else {
		uint16_t type = rd16(d + 12);

		wr16(d + 12, f->len - L2_LEN);
		memcpy(d + 14, "\xaa\xaa\x03\0\0\0", 6);
		wr16(d + 20, type);
	}
}

/* The right tuple on the wrong side of the router. */
void g_wrong_side(struct gcase *gc, struct rng *r)
{
	struct frame *f = mutable(gc, r);

	if (f->len > L2_LEN + 1500) {
		f->len = L2_LEN + 1500;		/* a truncated one, then */
	}
	f->side = !f->side;
	memcpy(f->data, mac_router[f->side], 6);
	memcpy(f->data + 6, mac_host[f->side], 6);
}

/* An ICMP error about a packet that the other side might have sent. */
void g_icmp(struct gcase *gc, struct rng *r)
{
	struct conn *c = gc->c;
	struct pkt p;
	static struct frame in;
	struct frame *f = next(gc);
	uint32_t l3h = c->v6 ? 40 : 20, quote, len;
	uint8_t *ip = f->data + L2_LEN, *ic = ip + l3h;
	int dir = any_dir(r);		/* who reports */

	pkt_init(&p, c, !dir, r);
	p.payload = rnd(r, 64);
	build_frame(&in, &p, r);
	/* quote it as it arrived at the reporting side: the reply's mirror */
	if (c->v6) {
		memcpy(in.data + L2_LEN + 8, c->t[dir].dst.addr, 16);
		memcpy(in.data + L2_LEN + 24, c->t[dir].src.addr, 16);
	} else {
		memcpy(in.data + L2_LEN + 12, c->t[dir].dst.addr, 4);
		memcpy(in.data + L2_LEN + 16, c->t[dir].src.addr, 4);
	}
	wr16(in.data + in.l4, c->t[dir].dst.port);
	wr16(in.data + in.l4 + 2, c->t[dir].src.port);
	fix_ip_csum(&in);
	fix_l4_csum(&in);
	quote = in.len - L2_LEN;
	if (one_in(r, 3))
		quote = in.l4 - L2_LEN + 8;

	p.dir = dir;
	p.payload = 0;
	build_frame(f, &p, r);
	len = 8 + quote;
	memset(ic, 0, 8);
	memcpy(ic + 8, in.data + L2_LEN, quote);
	f->len = L2_LEN + l3h + len;
	f->l4 = L2_LEN + l3h;
	if (c->v6) {
		static const uint8_t t[][2] = { {1, 4}, {1, 0}, {2, 0}, {3, 0}, {4, 1} };
		const uint8_t *k = t[rnd(r, 5)];

		wr16(ip + 4, len);
		ip[6] = IPPROTO_ICMPV6;
		memcpy(ic, k, 2);
		if (k[0] == 2)
			wr32(ic + 4, 1400);
		wr16(ic + 2, csum16(ic, len, pseudo_sum(ip, true, IPPROTO_ICMPV6, len)));
	} else {
		static const uint8_t t[][2] = { {3, 3}, {3, 1}, {3, 4}, {11, 0}, {12, 0} };
		const uint8_t *k = t[rnd(r, 5)];

		wr16(ip + 2, l3h + len);
		ip[9] = IPPROTO_ICMP;
		memcpy(ic, k, 2);
		if (k[0] == 3 && k[1] == 4)
			wr16(ic + 6, 1400);
		wr16(ic + 2, csum16(ic, len, 0));
		fix_ip_csum(f);
	}
	stray_data(gc, 1, r);
}

/*
 * Random damage to the headers. Addresses and ports are left alone: a changed
 * port could clash with another mapping, and NAT then picks one at random.
 */
void g_damage(struct gcase *gc, struct rng *r)
{
	struct frame *f = mutable(gc, r);
	uint32_t n = rnd_in(r, 1, 3), l3addr = L2_LEN + (gc->c->v6 ? 8 : 12);

	while (n--) {
		uint32_t at = rnd(r, f->l4 + 20 < f->len ? f->l4 + 20 : f->len);

		if (at >= l3addr && at < f->l4 + 4)
			continue;
		if (one_in(r, 2))
			f->data[at] ^= 1 << rnd(r, 8);
		else
			f->data[at] = rnd(r, 256);
	}
	if (one_in(r, 2))
		fix_ip_csum(f);
	if (one_in(r, 2))
		fix_l4_csum(f);
}
