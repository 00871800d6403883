// SPDX-License-Identifier: GPL-2.0
/*
 * Connections. They are opened with real handshakes through both routers; the
 * NAT mapping is read off the packet that comes out.
 */
#include <string.h>
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include "equiv.h"

const char *const kind_names[NKINDS] = {
	[K_NONE] = "none", [K_SNAT] = "snat", [K_SNAT_PORT] = "snat+port",
	[K_DNAT] = "dnat", [K_DNAT_PORT] = "dnat+port", [K_BOTH] = "snat+dnat",
	[K_MASQ] = "masquerade", [K_MASQ_DNAT] = "masquerade+dnat",
	[K_PORTFWD] = "port-forward", [K_NONE_IN] = "none-inbound",
	[K_REDIR] = "redirect",
};

/* The address that the initiator calls, by kind; the ruleset knows them too. */
static const struct { const char *v4, *v6; } called[NKINDS] = {
	[K_NONE]	= { "10.2.0.10", "fd02::10" },
	[K_SNAT]	= { "10.2.0.10", "fd02::10" },
	[K_SNAT_PORT]	= { "10.2.0.10", "fd02::10" },
	[K_DNAT]	= { "10.3.0.10", "fd03::10" },
	[K_DNAT_PORT]	= { "10.3.0.11", "fd03::11" },
	[K_BOTH]	= { "10.3.0.12", "fd03::12" },
	[K_MASQ]	= { "10.2.0.10", "fd02::10" },
	[K_MASQ_DNAT]	= { "10.3.0.13", "fd03::13" },
	[K_REDIR]	= { "10.2.0.12", "fd02::12" },
};

struct conn conns[NALL];
unsigned int nconns = NSLOTS;
unsigned long setup_frames, conns_opened, conns_slow;

static struct outs out[NROUTERS];
static uint64_t setup_no;

static void set_addr(const struct conn *c, struct endpoint *e, const char *v4, const char *v6)
{
	if (inet_pton(c->v6 ? AF_INET6 : AF_INET, c->v6 ? v6 : v4, e->addr) != 1)
		fatal("bad address %s", c->v6 ? v6 : v4);
}

void conns_init(void)
{
	static uint8_t arena[NROUTERS][OUT_ARENA];
	int i, k;

	for (k = 0; k < NROUTERS; k++)
		out[k].arena = arena[k];
	for (i = 0; i < NSLOTS; i++) {
		struct conn *c = &conns[i];
		int v = i;

		c->v6 = v & 1;
		v >>= 1;
		c->tcp = v & 1;
		v >>= 1;
		c->small_mtu = v & 1;
		c->kind = v >> 1;
		c->proto = c->tcp ? IPPROTO_TCP : IPPROTO_UDP;
		c->init = c->kind == K_PORTFWD || c->kind == K_NONE_IN ? WAN : LAN;
	}
	for (i = 0; with_others && i < 2 * (int)nl4_slots; i++) {
		struct conn *c = &conns[nconns++];

		c->v6 = i & 1;
		c->kind = l4_slots[i / 2].kind;
		c->proto = l4_slots[i / 2].proto;
		if (c->v6 && c->proto == IPPROTO_ICMP)
			c->proto = IPPROTO_ICMPV6;
		c->init = c->kind == K_PORTFWD || c->kind == K_NONE_IN ? WAN : LAN;
	}
}

static void tuple_of_initiator(struct conn *c)
{
	struct endpoint *src = &c->t[0].src, *dst = &c->t[0].dst;
	unsigned int no = c->serial++ % SLOT_PORTS + (c->small_mtu ? SLOT_PORTS : 0);

	memset(c->t, 0, sizeof(c->t));
	src->port = KIND_PORT0 + c->kind * KIND_PORTS + no;
	dst->port = 1000 + no;
	if (c->init == LAN) {
		set_addr(c, src, c->small_mtu ? "10.1.1.10" : "10.1.0.10",
			 c->small_mtu ? "fd01::1:10" : "fd01::10");
		set_addr(c, dst, called[c->kind].v4, called[c->kind].v6);
	} else {
		set_addr(c, src, "10.2.0.20", "fd02::20");
		if (c->kind == K_PORTFWD)
			set_addr(c, dst, c->small_mtu ? "10.4.0.30" : "10.2.0.1",
				 c->small_mtu ? "fd04::30" : "fd02::1");
		else
			set_addr(c, dst, c->small_mtu ? "10.1.1.30" : "10.1.0.30",
				 c->small_mtu ? "fd01::1:30" : "fd01::30");
	}
}

static void tuple_of_responder(struct conn *c, const struct out *o)
{
	const uint8_t *ip = o->data + L2_LEN, *l4 = ip + (c->v6 ? 40 : 20);
	uint32_t al = c->v6 ? 16 : 4, at = c->v6 ? 8 : 12;

	memcpy(c->t[1].dst.addr, ip + at, al);
	memcpy(c->t[1].src.addr, ip + at + al, al);
	c->t[1].dst.port = rd16(l4);
	c->t[1].src.port = rd16(l4 + 2);
	/* An echo has an identifier, which is the same both ways. */
	if (l4_flag(c) == G_ICMP)
		c->t[1].src.port = rd16(l4 + 4);
}

struct look { uint8_t tos, ttl; };

/* One packet of a handshake: it must pass, and be the same behind both. */
static void step(struct conn *c, int dir, uint16_t flags, uint32_t payload,
		 const struct look *look, struct rng *r)
{
	static const uint8_t syn_opt[8] = { 2, 4, 5, 180, 1, 3, 3, 7 };
	static struct gcase gc;
	struct verdict v;
	struct pkt p;
	unsigned long slow[NROUTERS] = { 0 };

	pkt_init(&p, c, dir, r);
	p.label = c->label[dir];
	if (look) {
		p.tos = look->tos;
		p.ttl = look->ttl;
	}
	p.flags = flags;
	p.payload = l4_payload(c, payload);
	p.chunk = c->proto == IPPROTO_SCTP ? flags >> 8 : 0;
	if (flags & TH_SYN && c->tcp) {
		p.l4opt = syn_opt;
		p.l4opt_len = sizeof(syn_opt);
		if (!(flags & TH_ACK))
			p.ack = 0;
	}
	build_frame(&gc.f[0], &p, r);
	gc.n = 1;
	gc.c = c;
	gc.index = setup_no++;
	if (c->tcp)
		c->seq[dir] += payload + !!(flags & TH_SYN);
	io_run(gc.f, 1, out);
	setup_frames++;
	outs_compare(gc.f, 1, out, &v);
	if (!v.equal || out[CLASSIC].n != 1 || out[CLASSIC].f[0].side == gc.f[0].side) {
		if (v.equal)
			snprintf(v.what, sizeof(v.what), "handshake packet did not pass");
		print_difference(stdout, &gc, "handshake", 0, out, &v, slow);
		fatal("a %s %s connection (%s) cannot be opened alike on both routers",
		      c->v6 ? "IPv6" : "IPv4", proto_name(c), kind_names[c->kind]);
	}
	if (dir == 0)
		tuple_of_responder(c, &out[CLASSIC].f[0]);
}

/*
 * Send data both ways until router 1 carries both without its forward chain. What a rule
 * does to a field shows when packets come with two values of the field: of DSCP, of TTL, and
 * (the ruleset gives packets with a TTL of 130 both) of mark and priority.
 */
static bool probe(struct conn *c, int rounds, struct rng *r)
{
	static const struct look looks[] = { { 0x00, 90 }, { 0xb8, 130 } };
	int i, fast = 0;

	for (i = 0; i < rounds && fast < 2; i++) {
		uint64_t before = slow_packets(FAST);

		step(c, 0, TH_ACK | TH_PSH, 32, &looks[i % 2], r);
		step(c, 1, TH_ACK | TH_PSH, 32, &looks[i % 2], r);
		fast = slow_packets(FAST) == before ? fast + 1 : 0;
	}
	return fast == 2;
}

void conn_ready(struct conn *c, struct rng *r, int rounds)
{
	int i;

	if (c->up && c->fast)
		return;
	if (!c->up) {
		tuple_of_initiator(c);
		c->seq[0] = rnd64(r);
		c->seq[1] = rnd64(r);
		for (i = 0; i < 2; i++)
			c->label[i] = one_in(r, 2) ? rnd(r, 1 << 20) : 0;
		if (c->tcp) {
			step(c, 0, TH_SYN, 0, NULL, r);
			step(c, 1, TH_SYN | TH_ACK, 0, NULL, r);
			step(c, 0, TH_ACK, 0, NULL, r);
		} else if (c->proto == IPPROTO_SCTP) {
			/* INIT, INIT ACK, COOKIE ECHO, COOKIE ACK */
			step(c, 0, 1 << 8, 20, NULL, r);
			step(c, 1, 2 << 8, 20, NULL, r);
			step(c, 0, 10 << 8, 16, NULL, r);
			step(c, 1, 11 << 8, 0, NULL, r);
		} else {
			for (i = 0; i < 2; i++) {
				step(c, 0, 0, 24, NULL, r);
				step(c, 1, 0, 24, NULL, r);
			}
		}
		c->up = true;
		conns_opened++;
	}
	c->fast = probe(c, rounds, r);
	if (!c->fast)
		conns_slow++;
}

/*
 * Ports of a slot come round after SLOT_PORTS; none may be remembered then.
 * Nor may the table fill up.
 */
void conn_retire(struct conn *c)
{
	static unsigned long flushed_at;
	int i, k;

	c->up = c->fast = false;
	if (c->serial % SLOT_PORTS && conns_opened - flushed_at < 20000)
		return;
	flushed_at = conns_opened;
	for (k = 0; k < NROUTERS; k++)
		conntrack_flush(k);
	for (i = 0; i < (int)nconns; i++)
		conns[i].up = conns[i].fast = false;
}
