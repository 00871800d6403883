// SPDX-License-Identifier: GPL-2.0
/*
 * What stands around each packet on the wire of the WAN side: a PPPoE session, or a tunnel in
 * IPv4 or IPv6. The generator and the comparison of packets know of none of it: frames are
 * wrapped when they are sent, and what a router sends is taken apart when it is captured.
 *
 * The bytes around a captured packet are compared too, but for an IPv4 identification with a
 * valid checksum, because a router draws it from a keyed hash.
 */
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include "gen.h"

#define PPPOE_LEN	8
#define SESSION		77
#define PPP_IP		0x0021
#define PPP_IPV6	0x0057

static const uint8_t outer4_router[4] = { 198, 18, 0, 1 }, outer4_host[4] = { 198, 18, 0, 2 };
static const uint8_t outer6_router[16] = { 0xfd, 9, [15] = 1 };
static const uint8_t outer6_host[16] = { 0xfd, 9, [15] = 2 };

enum road { ROAD_PLAIN, ROAD_PPPOE, ROAD_IPIP, ROAD_GRE, ROAD_IP6TNL };

static const char *const road_names[] = {
	[ROAD_PLAIN] = "plain", [ROAD_PPPOE] = "pppoe", [ROAD_IPIP] = "ipip",
	[ROAD_GRE] = "gre", [ROAD_IP6TNL] = "ip6tnl",
};

static enum road road;

void road_set(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(road_names) / sizeof(road_names[0]); i++)
		if (!strcmp(name, road_names[i])) {
			road = i;
			return;
		}
	fatal("no road '%s'", name);
}

bool road_wraps(void)
{
	return road != ROAD_PLAIN;
}

/* The protocol number of a tunnel without a header of its own. */
static uint8_t inner_proto(uint16_t type)
{
	return type == ETH_P_IP ? IPPROTO_IPIP : type == ETH_P_IPV6 ? IPPROTO_IPV6 : 97;
}

static uint32_t put_outer4(uint8_t *ip, uint8_t proto, uint32_t payload, struct rng *r)
{
	memset(ip, 0, 20);
	ip[0] = 0x45;
	wr16(ip + 2, 20 + payload);
	wr16(ip + 4, rnd(r, 65536));
	wr16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, outer4_host, 4);
	memcpy(ip + 16, outer4_router, 4);
	return 20;
}

static uint32_t put_outer6(uint8_t *ip, uint8_t proto, uint32_t payload)
{
	memset(ip, 0, 40);
	ip[0] = 0x60;
	wr16(ip + 4, payload);
	ip[6] = proto;
	ip[7] = 64;
	memcpy(ip + 8, outer6_host, 16);
	memcpy(ip + 24, outer6_router, 16);
	return 40;
}

/* The headers of the road before a packet of this type, at o. Return: how long they are. */
static uint32_t put_headers(uint8_t *o, uint16_t type, uint32_t len, struct rng *r)
{
	uint32_t n;

	switch (road) {
	case ROAD_PPPOE:
		o[0] = 0x11;
		o[1] = 0;
		wr16(o + 2, SESSION);
		wr16(o + 4, len + 2);
		wr16(o + 6, type == ETH_P_IP ? PPP_IP : type == ETH_P_IPV6 ? PPP_IPV6 : 0xfd);
		return PPPOE_LEN;
	case ROAD_IPIP:
		return put_outer4(o, inner_proto(type), len, r);
	case ROAD_GRE:
		n = put_outer4(o, IPPROTO_GRE, len + 4, r);
		wr16(o + n, 0);
		wr16(o + n + 2, type);
		return n + 4;
	default:
		return put_outer6(o, inner_proto(type), len);
	}
}

static uint16_t outer_type(void)
{
	return road == ROAD_PPPOE ? ETH_P_PPP_SES : road == ROAD_IP6TNL ? ETH_P_IPV6 : ETH_P_IP;
}

/* Damage to the headers of the road, or values that are sound and unusual. */
static void spoil(uint8_t *o, uint32_t len, struct rng *r)
{
	static const uint8_t at_v4[] = { 0, 1, 1, 2, 3, 6, 7, 8, 8, 9, 12, 19 };
	static const uint8_t at_v6[] = { 0, 1, 1, 2, 4, 5, 6, 7, 7, 8, 39 };
	uint32_t at;

	if (road == ROAD_PPPOE)
		at = rnd(r, PPPOE_LEN);
	else if (road == ROAD_GRE && one_in(r, 3))
		at = 20 + rnd(r, 4);
	else if (road == ROAD_IP6TNL)
		at = at_v6[rnd(r, sizeof(at_v6))];
	else
		at = at_v4[rnd(r, sizeof(at_v4))];
	if (at >= len)
		return;
	if (one_in(r, 2))
		o[at] ^= 1 << rnd(r, 8);
	else
		o[at] = rnd(r, 256);
}

/* Padding behind a packet is often no part of what the headers before it count. */
static uint32_t counted(const struct frame *f, struct rng *r)
{
	const uint8_t *ip = f->data + L2_LEN;
	uint32_t len = f->len - L2_LEN, own = len;

	if (len >= 40 && rd16(f->data + 12) == ETH_P_IPV6)
		own = 40 + rd16(ip + 4);
	else if (len >= 20 && rd16(f->data + 12) == ETH_P_IP)
		own = rd16(ip + 2);
	return own < len && one_in(r, 2) ? own : len;
}

/* Return: f, or a copy of it as it is on the wire. */
const struct frame *road_wrap(const struct frame *f)
{
	static struct frame out;
	struct rng r = { f->outer ^ f->len };
	uint8_t *o = out.data + L2_LEN;
	uint32_t n;

	if (road == ROAD_PLAIN || f->side != WAN || f->len < L2_LEN)
		return f;
	n = put_headers(o, rd16(f->data + 12), counted(f, &r), &r);
	if (f->outer)
		spoil(o, n, &r);
	if (road != ROAD_PPPOE && road != ROAD_IP6TNL && !(f->outer && one_in(&r, 4)))
		wr16(o + 10, csum16(o, 20, 0));
	memcpy(out.data, f->data, 12);
	wr16(out.data + 12, outer_type());
	if (f->len + n > FRAME_MAX)
		fatal("a frame of %u bytes is too long for its road", f->len);
	memcpy(o + n, f->data + L2_LEN, f->len - L2_LEN);
	out.len = f->len + n;
	out.side = f->side;
	out.paged = f->paged;
	out.vh = f->vh;
	if (out.vh.hdr_len)
		out.vh.hdr_len += n;
	if (out.vh.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		out.vh.csum_start += n;
	return &out;
}

static uint16_t type_of_proto(uint8_t proto)
{
	return proto == IPPROTO_IPIP ? ETH_P_IP : proto == IPPROTO_IPV6 ? ETH_P_IPV6 : 0;
}

/* Return: the type of the packet behind the headers at o, and their length in @n; 0: none. */
static uint16_t parse_headers(const uint8_t *o, uint32_t len, uint32_t *n)
{
	if (road == ROAD_PPPOE) {
		*n = PPPOE_LEN;
		if (len < *n || o[0] != 0x11 || o[1] || rd16(o + 2) != SESSION)
			return 0;
		return rd16(o + 6) == PPP_IP ? ETH_P_IP : rd16(o + 6) == PPP_IPV6 ? ETH_P_IPV6 : 0;
	}
	if (road == ROAD_IP6TNL) {
		*n = 40;
		if (len < *n || memcmp(o + 8, outer6_router, 16) || memcmp(o + 24, outer6_host, 16))
			return 0;
		return type_of_proto(o[6]);
	}
	*n = road == ROAD_GRE ? 24 : 20;
	if (len < *n || o[0] != 0x45 || memcmp(o + 12, outer4_router, 4) || memcmp(o + 16, outer4_host, 4))
		return 0;
	if (road == ROAD_IPIP)
		return type_of_proto(o[9]);
	return o[9] == IPPROTO_GRE && !rd16(o + 20) ? rd16(o + 22) : 0;
}

/* The bytes that a NIC would write where a checksum is left to it. */
static void finish_csum(struct out *o)
{
	uint32_t at = o->vh.csum_start, to = at + o->vh.csum_offset;
	uint16_t sum;

	if (!(o->vh.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || o->vh.gso_type || to + 2 > o->len)
		return;
	sum = csum16(o->data + at, o->len - at, 0);
	wr16(o->data + to, sum ? sum : 0xffff);
	o->vh.flags &= ~VIRTIO_NET_HDR_F_NEEDS_CSUM;
	o->vh.csum_start = 0;
	o->vh.csum_offset = 0;
}

/* Take the headers of the road off a captured frame; they stay in it to be compared. */
void road_unwrap(struct out *o)
{
	uint8_t *at = o->data + L2_LEN;
	uint16_t type;
	uint32_t n;

	if (road == ROAD_PLAIN || o->side != WAN || o->uncapturable || o->len < L2_LEN)
		return;
	finish_csum(o);
	if (rd16(o->data + 12) != outer_type())
		return;
	type = parse_headers(at, o->len - L2_LEN, &n);
	if (!type)
		return;
	memcpy(o->outer, at, n);
	o->outer_len = n;
	if (outer_type() == ETH_P_IP && !csum16(o->outer, 20, 0)) {
		wr16(o->outer + 4, 0);
		wr16(o->outer + 10, 0);
	}
	o->len -= n;
	memmove(at, at + n, o->len - L2_LEN);
	wr16(o->data + 12, type);
}

/* A sound packet with something odd around it, or a frame of the road without one. */
void g_outer(struct gcase *gc, struct rng *r)
{
	struct conn *c = gc->c;
	struct pkt p;

	sound(gc, &p, c->init == WAN ? 0 : 1, r);
	emit(gc, &p, r);
	gc->f[gc->n - 1].outer = rnd64(r) | 1;
	stray_data(gc, 1, r);
}
