// SPDX-License-Identifier: GPL-2.0
/*
 * What a case is made of. A class makes one frame, or the few that belong
 * together; a connection that may have lost its state is retired afterwards.
 */
#include <string.h>
#include <linux/if_ether.h>
#include "gen.h"

struct frame *next(struct gcase *gc)
{
	if (gc->n == CASE_FRAMES)
		fatal("case of class %s has too many frames", gc->class->name);
	return &gc->f[gc->n++];
}

int any_dir(struct rng *r)
{
	return rnd(r, 2);
}

static uint32_t headers(const struct conn *c)
{
	return (c->v6 ? 40 : 20) + (c->tcp ? 20 : l4_header_len(c));
}

/* What the link into the router carries, whatever the way out can take. */
static uint32_t link_mtu(const struct conn *c, int dir)
{
	return (c->init ^ dir) == LAN ? 4000 : 1500;
}

static uint32_t payload_within(const struct conn *c, int dir, struct rng *r)
{
	uint32_t mtu = path_mtu(c, dir), in = link_mtu(c, dir);
	uint32_t max = (mtu < in ? mtu : in) - headers(c);

	switch (rnd(r, 4)) {
	case 0:
		return rnd(r, 64);
	case 1:
		return max - rnd(r, 8);
	default:
		return rnd(r, max + 1);
	}
}

void sound(struct gcase *gc, struct pkt *p, int dir, struct rng *r)
{
	pkt_init(p, gc->c, dir, r);
	p->payload = l4_payload(gc->c, payload_within(gc->c, dir, r));
}

void emit(struct gcase *gc, struct pkt *p, struct rng *r)
{
	build_frame(next(gc), p, r);
	if (p->c->tcp)
		p->c->seq[p->dir] = p->seq + p->payload;
}

static void g_plain(struct gcase *gc, struct rng *r)
{
	struct pkt p;

	sound(gc, &p, any_dir(r), r);
	emit(gc, &p, r);
}

static void g_partial(struct gcase *gc, struct rng *r)
{
	struct pkt p;

	sound(gc, &p, any_dir(r), r);
	p.csum = C_PARTIAL;
	emit(gc, &p, r);
}

/* Segments that fit, that just fit, and that don't. */
static void gso(struct gcase *gc, struct rng *r, bool over)
{
	struct conn *c = gc->c;
	struct pkt p;
	struct frame *f;
	/* No virtio name says that segments are inside something. */
	int dir = road_wraps() ? c->init != LAN : any_dir(r);
	uint32_t opts = 0, size, segs, mtu = path_mtu(c, dir);
	static const uint8_t ts[12] = { 1, 1, 8, 10, 0, 0, 1, 2, 0, 0, 3, 4 };

	pkt_init(&p, c, dir, r);
	if (c->tcp && one_in(r, 2)) {
		p.l4opt = ts;
		p.l4opt_len = opts = sizeof(ts);
	}
	size = mtu - headers(c) - opts;
	if (over)
		size += rnd_in(r, 1, one_in(r, 2) ? 4 : 1400);
	else if (one_in(r, 2))
		size = rnd_in(r, 8, size);
	segs = rnd_in(r, 2, 40);
	p.payload = size * (segs - 1) + rnd_in(r, 1, size);
	if (p.payload > 60000)
		p.payload = size * 2 + 1;
	p.csum = C_PARTIAL;
	emit(gc, &p, r);
	f = &gc->f[gc->n - 1];
	f->vh.gso_size = size;
	f->vh.hdr_len = L2_LEN + headers(c) + opts;
	if (!c->tcp)
		f->vh.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
	else
		f->vh.gso_type = c->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 :
					 VIRTIO_NET_HDR_GSO_TCPV4;
	if (c->tcp && p.flags & TH_CWR)
		f->vh.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
}

static void g_gso(struct gcase *gc, struct rng *r)
{
	if (!gc->c->tcp && !gso_udp_works)
		return g_partial(gc, r);
	gso(gc, r, false);
}

static void g_gso_over(struct gcase *gc, struct rng *r)
{
	if (!gc->c->tcp && !gso_udp_works)
		return g_partial(gc, r);
	gso(gc, r, true);
}

static void g_csum_bad(struct gcase *gc, struct rng *r)
{
	struct pkt p;

	sound(gc, &p, any_dir(r), r);
	p.csum = C_WRONG;
	emit(gc, &p, r);
}

static void g_csum_zero(struct gcase *gc, struct rng *r)
{
	struct pkt p;

	sound(gc, &p, any_dir(r), r);
	p.csum = C_ZERO;
	emit(gc, &p, r);
}

/* The sums 0x0000 and 0xffff, where one's complement arithmetic bends. */
static void g_csum_edge(struct gcase *gc, struct rng *r)
{
	struct pkt p;
	struct frame *f;
	uint32_t at;
	uint16_t want, sum;

	sound(gc, &p, any_dir(r), r);
	if (p.payload < 2)
		p.payload = 2;
	emit(gc, &p, r);
	f = &gc->f[gc->n - 1];
	at = f->len - p.payload;
	/* choose a payload word that makes the checksum near zero */
	wr16(f->data + at, 0);
	fix_l4_csum(f);
	sum = rd16(f->data + f->l4 + (gc->c->tcp ? 16 : 6));
	want = rnd(r, 5) - 2;
	/* at an odd offset the sum's bytes are swapped, which both sides see */
	wr16(f->data + at, csum16(NULL, 0, (uint16_t)~sum + want));
	fix_l4_csum(f);
}

static void g_ip_csum_bad(struct gcase *gc, struct rng *r)
{
	struct pkt p;
	struct frame *f;

	sound(gc, &p, any_dir(r), r);
	emit(gc, &p, r);
	f = &gc->f[gc->n - 1];
	f->data[L2_LEN + 10 + rnd(r, 2)] ^= rnd_in(r, 1, 255);
}

static void g_ip_options(struct gcase *gc, struct rng *r)
{
	uint8_t o[40] = { 0 };
	uint32_t n = 4 * rnd_in(r, 1, 10), at = 0;
	struct pkt p;

	sound(gc, &p, any_dir(r), r);
	switch (rnd(r, 9)) {
	case 0:		/* only no-operations */
		memset(o, 1, n);
		break;
	case 1:		/* end of list at once, rubbish after it */
		rnd_fill(r, o, n);
		o[0] = 0;
		break;
	case 2:		/* record route, possibly full */
		o[0] = 7;
		o[1] = n > 7 ? (n - 1) / 4 * 4 - 1 : 3;
		o[2] = one_in(r, 3) ? o[1] + 1 : 4;
		break;
	case 3:		/* timestamp; flags 3 with a foreign address */
		n = 12;
		o[0] = 68;
		o[1] = 12;
		o[2] = one_in(r, 2) ? 13 : 5;
		o[3] = 3;
		o[4] = 172;
		break;
	case 4:		/* loose or strict source route */
		n = 8;
		o[0] = one_in(r, 2) ? 131 : 137;
		o[1] = 7;
		o[2] = one_in(r, 2) ? 4 : 8;
		memcpy(o + 3, "\xac\x10\x00\x01", 4);
		break;
	case 5:		/* router alert */
		n = 4;
		o[0] = 148;
		o[1] = 4;
		break;
	case 6:		/* a length that leads past the end */
		o[0] = 7;
		o[1] = rnd_in(r, n + 1, 255);
		o[2] = 4;
		break;
	case 7:		/* length 0 or 1 */
		o[0] = rnd_in(r, 2, 255);
		o[1] = rnd(r, 2);
		break;
	default:
		for (at = 0; at < n; at++)
			o[at] = rnd(r, 256);
	}
	p.l3opt = o;
	p.l3opt_len = n;
	if (p.payload > n)
		p.payload -= n;
	emit(gc, &p, r);
}

/* One IPv6 extension header at o; returns its length. */
static uint32_t ext_header(uint8_t *o, uint8_t type, uint8_t next, struct rng *r)
{
	uint32_t len = 8 * rnd_in(r, 1, 3);

	if (type == IPPROTO_FRAGMENT) {
		len = 8;
		memset(o, 0, len);
		wr32(o + 4, rnd64(r));	/* an atomic fragment */
		o[0] = next;
		return len;
	}
	memset(o, 0, len);
	o[0] = next;
	o[1] = len / 8 - 1;
	if (type == IPPROTO_ROUTING) {
		static const uint8_t kinds[] = { 0, 2, 3, 4, 253 };

		o[2] = kinds[rnd(r, sizeof(kinds))];
		o[3] = rnd(r, 2);
		return len;
	}
	switch (rnd(r, 5)) {
	case 0:		/* unknown option; the two top bits say what to do */
		o[2] = rnd(r, 4) << 6 | 0x1e;
		o[3] = len - 4;
		break;
	case 1:		/* router alert, then padding */
		o[2] = 5;
		o[3] = 2;
		o[6] = 1;
		o[7] = len - 8;
		break;
	case 2:		/* jumbo payload, wrong here */
		o[2] = 0xc2;
		o[3] = 4;
		wr32(o + 4, rnd(r, 2) ? 70000 : 100);
		if (len > 8) {
			o[8] = 1;
			o[9] = len - 10;
		}
		break;
	case 3:		/* an option longer than its header */
		o[2] = 1;
		o[3] = 250;
		break;
	default:	/* PadN */
		o[2] = 1;
		o[3] = len - 4;
	}
	return len;
}

static void g_ext_headers(struct gcase *gc, struct rng *r)
{
	static const uint8_t types[] = {
		IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING,
		IPPROTO_FRAGMENT, IPPROTO_NONE, IPPROTO_AH,
	};
	uint8_t o[160], type[3], proto = gc->c->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	uint32_t n = rnd_in(r, 1, 3), i, len = 0;
	struct pkt p;

	sound(gc, &p, any_dir(r), r);
	for (i = 0; i < n; i++)
		type[i] = types[rnd(r, i ? sizeof(types) : 4)];
	for (i = 0; i < n; i++) {
		uint8_t nx = i + 1 < n ? type[i + 1] : proto;

		if (type[i] == IPPROTO_NONE)
			break;
		len += ext_header(o + len, type[i], nx, r);
	}
	p.l3opt = o;
	p.l3opt_len = len;
	p.l3opt_next = type[0];
	p.payload = p.payload > len ? p.payload - len : 0;
	if (one_in(r, 8))
		p.payload = 0;
	emit(gc, &p, r);
}

/* Cut a sound datagram into fragments; order, holes and overlaps vary. */
static void g_fragments(struct gcase *gc, struct rng *r)
{
	static struct frame whole;
	struct conn *c = gc->c;
	struct pkt p;
	uint32_t parts = rnd_in(r, 1, 4), unit, off = 0, total, i, id, l3h;
	uint32_t order[4] = { 0, 1, 2, 3 };
	uint32_t lie = rnd(r, 6);
	int first = gc->n;

	pkt_init(&p, c, any_dir(r), r);
	p.frag = 0;
	p.payload = l4_payload(c, rnd_in(r, 100, 1300));
	build_frame(&whole, &p, r);
	l3h = whole.l4 - L2_LEN;
	total = whole.len - whole.l4;
	id = rnd64(r);
	unit = (total / parts + 7) & ~7u;
	if (lie == 0)
		unit = 8 * rnd_in(r, 1, 4);	/* headers in more than one */
	for (i = 0; i < parts && off < total; i++) {
		uint32_t n = i == parts - 1 || total - off < unit ? total - off : unit;
		bool more = off + n < total;
		uint32_t o = off;
		struct frame *f = next(gc);
		uint8_t *ip = f->data + L2_LEN;

		if (lie == 1 && i == 1)
			o = off >= 8 ? off - 8 : 0;	/* overlap */
		if (parts == 1)
			more = true;			/* the rest never comes */
		f->side = whole.side;
		f->paged = false;
		memset(&f->vh, 0, sizeof(f->vh));
		memcpy(f->data, whole.data, whole.l4);
		f->l4 = whole.l4;
		if (c->v6) {
			ip[6] = IPPROTO_FRAGMENT;
			ip[40] = c->proto;
			ip[41] = 0;
			wr16(ip + 42, o | more);
			wr32(ip + 44, id);
			f->l4 += 8;
			wr16(ip + 4, 8 + n);
		} else {
			wr16(ip + 2, l3h + n);
			wr16(ip + 6, (more ? 0x2000 : 0) | o / 8);
		}
		memcpy(f->data + f->l4, whole.data + whole.l4 + off, n);
		f->len = f->l4 + n;
		fix_ip_csum(f);
		off += n;
	}
	if (lie == 2 && gc->n - first > 2)
		gc->n--;				/* the last one is lost */
	if (lie == 3) {
		/* any order: swap the frames themselves */
		for (i = gc->n - first; i > 1; i--) {
			uint32_t j = rnd(r, i), t = order[i - 1];

			order[i - 1] = order[j];
			order[j] = t;
			memcpy(&whole, &gc->f[first + i - 1], sizeof(whole));
			memcpy(&gc->f[first + i - 1], &gc->f[first + j], sizeof(whole));
			memcpy(&gc->f[first + j], &whole, sizeof(whole));
		}
	}
	/* packets that claim to be fragments but are whole or marked oddly */
	if (lie == 4 && !c->v6) {
		gc->n = first;
		p.frag = 0x8000 | (one_in(r, 2) ? 0x4000 : 0);
		if (one_in(r, 2))
			p.frag |= rnd_in(r, 1, 0x1fff);
		p.payload = l4_payload(c, rnd(r, 200));
		build_frame(next(gc), &p, r);
	}
}

static void g_ttl(struct gcase *gc, struct rng *r)
{
	struct pkt p;

	sound(gc, &p, any_dir(r), r);
	p.ttl = rnd(r, 3);
	emit(gc, &p, r);
}

/* Around and over the MTU of the way out, as far as the way in carries it. */
static void g_mtu(struct gcase *gc, struct rng *r)
{
	struct conn *c = gc->c;
	struct pkt p;
	int dir = any_dir(r);
	uint32_t mtu = path_mtu(c, dir), in = link_mtu(c, dir), len;

	if (mtu > in)
		dir = !dir, mtu = path_mtu(c, dir), in = link_mtu(c, dir);
	pkt_init(&p, c, dir, r);
	len = one_in(r, 2) ? mtu - 3 + rnd(r, 7) : rnd_in(r, mtu, in);
	if (len > in)
		len = in;
	p.payload = l4_payload(c, len - headers(c));
	if (one_in(r, 3) && (c->tcp || c->proto == IPPROTO_UDP))
		p.csum = C_PARTIAL;
	emit(gc, &p, r);
}

void stray_data(struct gcase *gc, int n, struct rng *r)
{
	while (n--) {
		struct pkt p;

		pkt_init(&p, gc->c, any_dir(r), r);
		p.payload = l4_payload(gc->c, rnd(r, 200));
		emit(gc, &p, r);
	}
}

static void g_tcp_flags(struct gcase *gc, struct rng *r)
{
	struct pkt p;
	int n = rnd_in(r, 1, 2);

	while (n--) {
		pkt_init(&p, gc->c, any_dir(r), r);
		p.flags = rnd(r, 512);
		p.urg = one_in(r, 2) ? rnd(r, 65536) : 0;
		p.payload = one_in(r, 2) ? rnd(r, 100) : 0;
		emit(gc, &p, r);
	}
	stray_data(gc, rnd(r, 4), r);
}

static void control(struct gcase *gc, int dir, uint16_t flags, struct rng *r)
{
	struct pkt p;

	pkt_init(&p, gc->c, dir, r);
	p.flags = flags;
	if (!(flags & TH_ACK))
		p.ack = 0;
	emit(gc, &p, r);
	if (flags & (TH_SYN | TH_FIN))
		gc->c->seq[dir]++;
}

/* The ways in which connections end and begin anew on the same ports. */
static void g_tcp_close(struct gcase *gc, struct rng *r)
{
	int d = any_dir(r);

	switch (rnd(r, 6)) {
	case 0:		/* orderly, one stray packet at the end */
		control(gc, d, TH_FIN | TH_ACK, r);
		control(gc, !d, TH_ACK, r);
		control(gc, !d, TH_FIN | TH_ACK, r);
		control(gc, d, TH_ACK, r);
		stray_data(gc, 1, r);
		break;
	case 1:		/* reset, then data */
		control(gc, d, one_in(r, 2) ? TH_RST : TH_RST | TH_ACK, r);
		stray_data(gc, 3, r);
		break;
	case 2:		/* reset, then the same ports again */
		control(gc, d, TH_RST | TH_ACK, r);
		gc->c->seq[0] = rnd64(r);
		gc->c->seq[1] = rnd64(r);
		control(gc, 0, TH_SYN, r);
		control(gc, 1, TH_SYN | TH_ACK, r);
		control(gc, 0, TH_ACK, r);
		stray_data(gc, 4, r);
		break;
	case 3:		/* closed, then the same ports again */
		control(gc, d, TH_FIN | TH_ACK, r);
		control(gc, !d, TH_FIN | TH_ACK, r);
		control(gc, d, TH_ACK, r);
		gc->c->seq[0] += 100000;
		gc->c->seq[1] = rnd64(r);
		control(gc, 0, TH_SYN, r);
		control(gc, 1, TH_SYN | TH_ACK, r);
		control(gc, 0, TH_ACK, r);
		stray_data(gc, 4, r);
		break;
	case 4:		/* a SYN in the middle, answered by an ACK */
		control(gc, 0, TH_SYN, r);
		control(gc, 1, TH_ACK, r);
		stray_data(gc, 3, r);
		break;
	default:	/* half closed: the other side goes on */
		control(gc, d, TH_FIN | TH_ACK, r);
		stray_data(gc, 5, r);
		control(gc, !d, TH_FIN | TH_ACK, r);
		control(gc, d, TH_ACK, r);
		stray_data(gc, 1, r);
	}
}

static void g_tcp_seq(struct gcase *gc, struct rng *r)
{
	struct conn *c = gc->c;
	struct pkt p;

	sound(gc, &p, any_dir(r), r);
	p.seq = rnd64(r);
	p.ack = rnd64(r);
	p.win = one_in(r, 2) ? 0 : rnd(r, 65536);
	build_frame(next(gc), &p, r);
	c->seq[p.dir] = p.seq + p.payload;
}

static void g_tcp_options(struct gcase *gc, struct rng *r)
{
	uint8_t o[40];
	uint32_t n = 4 * rnd_in(r, 1, 10);
	struct pkt p;

	sound(gc, &p, any_dir(r), r);
	memset(o, 1, sizeof(o));
	switch (rnd(r, 4)) {
	case 0:
		n = 12;
		o[2] = 8;
		o[3] = 10;
		rnd_fill(r, o + 4, 8);
		break;
	case 1:
		n = 12;
		o[2] = 5;
		o[3] = 10;
		wr32(o + 4, p.ack + 100);
		wr32(o + 8, p.ack + 200);
		break;
	case 2:
		o[0] = rnd_in(r, 2, 255);
		o[1] = rnd(r, 256);
		break;
	default:
		rnd_fill(r, o, n);
	}
	p.l4opt = o;
	p.l4opt_len = n;
	p.payload = p.payload > n ? p.payload - n : 0;
	emit(gc, &p, r);
}

const struct gclass classes[] = {
	{ "plain",		8, G_ANY | G_PLAIN,		g_plain },
	{ "csum-partial",	4, G_ANY | G_PLAIN,		g_partial },
	{ "gso",		4, G_ANY | G_PLAIN,		g_gso },
	{ "gso-over-mtu",	2, G_ANY,			g_gso_over },
	{ "csum-edge",		2, G_ANY,			g_csum_edge },
	{ "csum-wrong",		2, G_ANY,			g_csum_bad },
	{ "csum-zero",		2, G_ANY,			g_csum_zero },
	{ "ip-csum-wrong",	1, G_ANY & ~G_V6,		g_ip_csum_bad },
	{ "ip-options",		3, (G_ANY & ~G_V6) | G_RETIRE,	g_ip_options },
	{ "ext-headers",	3, (G_ANY & ~G_V4) | G_RETIRE,	g_ext_headers },
	{ "fragments",		2, G_ANY,			g_fragments },
	{ "ttl",		2, G_ANY,			g_ttl },
	{ "mtu",		3, G_ANY,			g_mtu },
	{ "tcp-flags",		2, (G_ANY & ~G_UDP) | G_RETIRE,	g_tcp_flags },
	{ "tcp-close",		1, (G_ANY & ~G_UDP) | G_RETIRE,	g_tcp_close },
	{ "tcp-seq",		2, (G_ANY & ~G_UDP) | G_RETIRE,	g_tcp_seq },
	{ "tcp-options",	2, G_ANY & ~G_UDP,		g_tcp_options },
	{ "truncated",		3, G_ANY | G_RETIRE,		g_truncated },
	{ "ip-length",		3, G_ANY | G_RETIRE,		g_ip_length },
	{ "ihl",		2, (G_ANY & ~G_V6) | G_RETIRE,	g_ihl },
	{ "version",		2, G_ANY | G_RETIRE,		g_version },
	{ "udp-length",		2, G_ANY & ~G_TCP,		g_udp_length },
	{ "tcp-offset",		2, (G_ANY & ~G_UDP) | G_RETIRE,	g_tcp_offset },
	{ "padding",		3, G_ANY,			g_padding },
	{ "link",		2, G_ANY,			g_link },
	{ "wrong-side",		1, G_ANY | G_RETIRE,		g_wrong_side },
	{ "icmp-error",		1, G_ANY | G_RETIRE,		g_icmp },
	{ "damage",		4, G_ANY | G_RETIRE,		g_damage },
	{ "outer",		5, G_ANY | G_RETIRE | G_ROAD,	g_outer },
	{ "l4-plain",		6, G_OTHER | G_PLAIN,		g_plain },
	{ "l4-csum-wrong",	2, G_OTHER & ~G_PORTLESS,	g_csum_bad },
	{ "l4-fragments",	1, G_OTHER,			g_fragments },
	{ "l4-ttl",		1, G_OTHER,			g_ttl },
	{ "l4-mtu",		1, G_OTHER,			g_mtu },
	{ "l4-padding",		1, G_OTHER,			g_padding },
	{ "l4-truncated",	2, (G_OTHER & ~G_ICMP) | G_RETIRE, g_truncated },
	{ "l4-ip-length",	2, (G_OTHER & ~G_ICMP) | G_RETIRE, g_ip_length },
	{ "l4-damage",		2, (G_OTHER & ~G_ICMP) | G_RETIRE, g_damage },
	{ "l4-ip-options",	1, (G_OTHER & ~(G_V6 | G_ICMP)) | G_RETIRE, g_ip_options },
	{ "sctp-chunks",	3, G_V4 | G_V6 | G_SCTP | G_RETIRE, g_sctp_chunks },
	{ "sctp-vtag",		1, G_V4 | G_V6 | G_SCTP,	g_sctp_vtag },
};
const unsigned int nclasses = sizeof(classes) / sizeof(classes[0]);

void gen_case(struct gcase *gc, struct rng *r)
{
	int i;

	gc->n = 0;
	for (i = 0; i < CASE_FRAMES; i++)
		gc->f[i].outer = 0;
	gc->retire = gc->class->flags & G_RETIRE;
	gc->class->gen(gc, r);
	/* headers that are not in the linear part of the buffer */
	for (i = 0; i < gc->n; i++) {
		struct frame *f = &gc->f[i];
		uint32_t hdr = L2_LEN + rnd(r, 50);

		f->paged = one_in(r, 4);
		if (f->paged)
			f->vh.hdr_len = hdr < f->len ? hdr : f->len;
	}
}
