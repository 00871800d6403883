// SPDX-License-Identifier: GPL-2.0
/*
 * What is known of a packet whose connection is offloaded, bit by bit, and whether a
 * match can be true for it. The connection is established, TCP or UDP, without a helper.
 * The packet has no SYN, FIN or RST and no IP options, and is no fragment.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <libnftnl/set.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "rules.h"

enum { FROM_CT = 1, FROM_META };

#define TCP_FLAGS_OFFSET	13
#define TCP_SYN_FIN_RST		0x07
#define TCPOPT_MSS		2
#define TCPOPT_SACK_PERMITTED	4

static const char per_packet[] = "a field that differs from packet to packet";
const char per_time[] = "the time of day";
const char per_count[] = "how much the connection has sent so far";
static const char per_chance[] = "a number that each packet gets anew";
static const char per_length[] = "the packet's length";

void regs_clear(struct regs *r)
{
	memset(r, 0, sizeof(*r));
}

/* Return: the offset of a register in bytes; 0, the verdict register, for one that does not exist.
 */
static size_t at(uint32_t reg)
{
	size_t o = reg <= NFT_REG_4 ? reg * 16 : (reg - NFT_REG32_00) * 4 + 16;

	return o < REG_BYTES ? o : 0;
}

static size_t fits(size_t o, size_t len)
{
	return len < REG_BYTES - o ? len : REG_BYTES - o;
}

/* Load a value of which nothing is known. Return: the offset of the register. */
static size_t load(struct regs *r, uint32_t reg, size_t len)
{
	size_t o = at(reg), n = fits(o, len ? len : 16);

	memset(r->known + o, 0, n);
	memset(r->v + o, 0, n);
	memset(&r->from[o / 4], 0, (n + 3) / 4 * sizeof(r->from[0]));
	return o;
}

static void know(struct regs *r, size_t o, const void *v, const void *mask, size_t len)
{
	size_t n = fits(o, len);

	memcpy(r->v + o, v, n);
	if (mask)
		memcpy(r->known + o, mask, n);
	else
		memset(r->known + o, 0xff, n);
}

static void know_u32(struct regs *r, size_t o, uint32_t v, uint32_t mask)
{
	know(r, o, &v, &mask, sizeof(v));
}

static void know_u8(struct regs *r, size_t o, uint8_t v)
{
	uint32_t word = 0;

	/* the kernel clears the rest of the register's first word */
	memcpy(&word, &v, 1);
	know_u32(r, o, word, ~0U);
}

static void varies(struct regs *r, size_t o, const char *what)
{
	r->from[o / 4].varies = what;
}

const char *packet_varies(const struct regs *r, uint32_t reg)
{
	return r->from[at(reg) / 4].varies;
}

/* ---- loads ---- */

static void load_meta(struct regs *r, const struct packet *p, uint32_t reg, uint32_t key)
{
	size_t o = load(r, reg, 16);
	uint16_t proto = htons(p->l3proto == NFPROTO_IPV6 ? ETH_P_IPV6 : ETH_P_IP);

	r->from[o / 4].kind = FROM_META;
	r->from[o / 4].key = key;
	switch (key) {
	case NFT_META_NFPROTO:
		know_u8(r, o, p->l3proto);
		break;
	case NFT_META_L4PROTO:
		know_u8(r, o, p->l4proto);
		break;
	case NFT_META_PROTOCOL:
		/* at a device's ingress the packet may have VLAN tags */
		if (!p->raw)
			know(r, o, &proto, NULL, sizeof(proto));
		break;
	case NFT_META_PKTTYPE:
		know_u8(r, o, PACKET_HOST);
		break;
	case NFT_META_LEN:
		varies(r, o, per_length);
		break;
	case NFT_META_PRANDOM:
		varies(r, o, per_chance);
		break;
	case NFT_META_TIME_NS:
	case NFT_META_TIME_DAY:
	case NFT_META_TIME_HOUR:
		varies(r, o, per_time);
		break;
	}
}

static uint32_t ct_state(const struct packet *p)
{
	return p->untracked ? NF_CT_STATE_INVALID_BIT : NF_CT_STATE_BIT(IP_CT_ESTABLISHED);
}

static void load_ct(struct regs *r, const struct packet *p, struct nftnl_expr *e)
{
	static const uint8_t no_helper[16];
	uint32_t key = nftnl_expr_get_u32(e, NFTNL_EXPR_CT_KEY);
	size_t o = load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_CT_DREG), 16);

	r->from[o / 4].kind = FROM_CT;
	r->from[o / 4].key = key;
	r->from[o / 4].dir = -1;
	if (nftnl_expr_is_set(e, NFTNL_EXPR_CT_DIR))
		r->from[o / 4].dir = nftnl_expr_get_u8(e, NFTNL_EXPR_CT_DIR);
	switch (key) {
	case NFT_CT_STATE:
		if (!p->any_state)
			know_u32(r, o, ct_state(p), ~0U);
		break;
	case NFT_CT_STATUS:
		if (!p->any_state && !p->untracked)
			know_u32(r, o, IPS_CONFIRMED, IPS_CONFIRMED | IPS_DYING);
		break;
	case NFT_CT_HELPER:
		if (!p->untracked)
			know(r, o, no_helper, NULL, sizeof(no_helper));
		break;
	case NFT_CT_PKTS:
	case NFT_CT_BYTES:
	case NFT_CT_AVGPKT:
	case NFT_CT_EXPIRATION:
		varies(r, o, per_count);
		break;
	}
}

/* Set the bits of a header that are the same in every offloaded packet. */
static void header(const struct packet *p, uint32_t base, uint8_t *v, uint8_t *known, size_t len)
{
	if (base == NFT_PAYLOAD_TRANSPORT_HEADER) {
		if (p->l4proto == IPPROTO_TCP && len > TCP_FLAGS_OFFSET)
			known[TCP_FLAGS_OFFSET] = TCP_SYN_FIN_RST;
		return;
	}
	if (base != NFT_PAYLOAD_NETWORK_HEADER)
		return;
	if (p->l3proto == NFPROTO_IPV6) {
		v[0] = 0x60;
		known[0] = 0xf0;
		v[6] = p->l4proto;
		known[6] = 0xff;
		return;
	}
	v[0] = 0x45;
	known[0] = 0xff;
	known[6] = 0x3f;	/* no more fragments, and the first */
	known[7] = 0xff;
	v[9] = p->l4proto;
	known[9] = 0xff;
}

/* Return: text, why a part of a header differs from packet to packet; or NULL. */
static const char *header_varies(const struct packet *p, uint32_t base, uint32_t offset, uint32_t len)
{
	if (base > NFT_PAYLOAD_TRANSPORT_HEADER)
		return per_packet;	/* the data of the connection */
	if (base == NFT_PAYLOAD_TRANSPORT_HEADER)
		return offset + len > 4 ? per_packet : NULL;
	if (base != NFT_PAYLOAD_NETWORK_HEADER)
		return NULL;
	if (p->l3proto == NFPROTO_IPV6)
		return offset < 6 && offset + len > 4 ? per_length : NULL;
	if (offset < 4 && offset + len > 2)
		return per_length;
	return offset < 6 && offset + len > 4 ? per_packet : NULL;
}

static void load_payload(struct regs *r, const struct packet *p, struct nftnl_expr *e)
{
	uint8_t v[64] = {}, known[64] = {};
	uint32_t base = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_BASE);
	uint32_t offset = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET);
	uint32_t len = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_LEN);
	size_t o = load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_DREG), len);

	header(p, base, v, known, sizeof(v));
	if (offset < sizeof(v) && len <= sizeof(v) - offset)
		know(r, o, v + offset, known + offset, len);
	varies(r, o, header_varies(p, base, offset, len));
}

/* An offloaded packet has no IP options and no extension headers, and no TCP options that are in
 * SYN segments only.
 */
static enum answer load_exthdr(struct regs *r, struct nftnl_expr *e)
{
	uint32_t op = nftnl_expr_get_u32(e, NFTNL_EXPR_EXTHDR_OP);
	uint32_t type = nftnl_expr_get_u8(e, NFTNL_EXPR_EXTHDR_TYPE);
	uint32_t len = nftnl_expr_get_u32(e, NFTNL_EXPR_EXTHDR_LEN);
	size_t o;

	if (nftnl_expr_is_set(e, NFTNL_EXPR_EXTHDR_SREG))
		return ALWAYS;
	o = load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_EXTHDR_DREG), len);
	if (op == NFT_EXTHDR_OP_TCPOPT && (type < TCPOPT_MSS || type > TCPOPT_SACK_PERMITTED)) {
		varies(r, o, per_packet);
		return MAYBE;
	}
	if (!(nftnl_expr_get_u32(e, NFTNL_EXPR_EXTHDR_FLAGS) & NFT_EXTHDR_F_PRESENT))
		return NEVER;
	know_u8(r, o, 0);
	return ALWAYS;
}

static void load_fib(struct regs *r, const struct packet *p, struct nftnl_expr *e)
{
	size_t o = load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_DREG), 16);

	/* before routing the address may still be translated, from one of this host perhaps */
	if (p->hook != NF_INET_PRE_ROUTING && !p->raw &&
	    nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_RESULT) == NFT_FIB_RESULT_ADDRTYPE &&
	    nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_FLAGS) & NFTA_FIB_F_DADDR)
		know_u32(r, o, RTN_UNICAST, ~0U);
}

static void bitwise(struct regs *r, struct nftnl_expr *e)
{
	uint32_t len = nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_LEN), n;
	size_t from = at(nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_SREG));
	size_t to = at(nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_DREG));
	const uint8_t *mask = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_MASK, &n);
	const uint8_t *xor = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_XOR, &n);

	len = fits(from > to ? from : to, len);
	r->from[to / 4] = r->from[from / 4];
	for (uint32_t i = 0; i < len; i++) {
		uint8_t m = mask && i < n ? mask[i] : 0, known = r->known[from + i];

		if (nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_OP) != NFT_BITWISE_BOOL || !mask || !xor) {
			r->known[to + i] = 0;
			continue;
		}
		r->v[to + i] = (r->v[from + i] & m) ^ (i < n ? xor[i] : 0);
		r->known[to + i] = known | (uint8_t)~m;
	}
}

static void byteorder(struct regs *r, struct nftnl_expr *e)
{
	size_t from = at(nftnl_expr_get_u32(e, NFTNL_EXPR_BYTEORDER_SREG));
	uint32_t to = nftnl_expr_get_u32(e, NFTNL_EXPR_BYTEORDER_DREG);
	const char *what = r->from[from / 4].varies;

	varies(r, load(r, to, nftnl_expr_get_u32(e, NFTNL_EXPR_BYTEORDER_LEN)), what);
}

/* ---- comparisons ---- */

static enum answer depends(struct regs *r, size_t o)
{
	if (!r->varies)
		r->varies = r->from[o / 4].varies;
	return MAYBE;
}

/* Keep what a comparison says about all packets of a connection. Only conntrack's keys and the mark
 * are the same in all of them.
 */
static void fact_take(struct regs *r, size_t o, const uint8_t *v, uint32_t len, bool equal)
{
	uint8_t kind = r->from[o / 4].kind, key = r->from[o / 4].key;
	struct fact *f = &r->fact;

	if (len > sizeof(f->v) || r->from[o / 4].varies ||
	    !(kind == FROM_CT || (kind == FROM_META && key == NFT_META_MARK)))
		return;
	memset(f, 0, sizeof(*f));
	f->kind = kind;
	f->key = key;
	f->dir = r->from[o / 4].dir;
	f->len = len;
	f->equal = equal;
	/* bits that a mask has cleared are known, and say nothing about the connection */
	for (uint32_t i = 0; i < len; i++) {
		f->mask[i] = ~r->known[o + i];
		f->v[i] = v[i] & f->mask[i];
	}
	r->has_fact = true;
}

static bool loopback(const struct regs *r, size_t o, const uint8_t *v, uint32_t len)
{
	static const uint32_t lo = 1;

	if (r->from[o / 4].kind != FROM_META)
		return false;
	switch (r->from[o / 4].key) {
	case NFT_META_IIFNAME:
	case NFT_META_OIFNAME:
		return len >= 3 && !memcmp(v, "lo", 3);
	case NFT_META_IIF:
	case NFT_META_OIF:
		return len == sizeof(lo) && !memcmp(v, &lo, sizeof(lo));
	}
	return false;
}

static enum answer compare(struct regs *r, struct nftnl_expr *e)
{
	size_t o = at(nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_SREG));
	uint32_t op = nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP), len;
	const uint8_t *v = nftnl_expr_get(e, NFTNL_EXPR_CMP_DATA, &len);
	bool all = true, equal = true;

	len = v ? fits(o, len) : 0;
	for (uint32_t i = 0; i < len; i++) {
		all = all && r->known[o + i] == 0xff;
		equal = equal && !((r->v[o + i] ^ v[i]) & r->known[o + i]);
	}
	if (loopback(r, o, v, len))
		equal = false;
	if (op == NFT_CMP_EQ || op == NFT_CMP_NEQ) {
		if (!equal)
			return op == NFT_CMP_EQ ? NEVER : ALWAYS;
		if (all)
			return op == NFT_CMP_EQ ? ALWAYS : NEVER;
		fact_take(r, o, v, len, op == NFT_CMP_EQ);
	}
	return depends(r, o);
}

enum answer packet_element(const struct regs *r, uint32_t reg, struct nftnl_set_elem *e)
{
	size_t o = at(reg);
	uint32_t len = 0, known = 0;
	const uint8_t *v = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);

	if (!v || nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_KEY_END))
		return MAYBE;
	len = fits(o, len);
	for (uint32_t i = 0; i < len; i++) {
		if ((r->v[o + i] ^ v[i]) & r->known[o + i])
			return NEVER;
		known += r->known[o + i] == 0xff;
	}
	return known == len ? ALWAYS : MAYBE;
}

bool facts_contradict(const struct fact *a, const struct fact *b)
{
	bool same;

	if (a->kind != b->kind || a->key != b->key || a->dir != b->dir || a->len != b->len ||
	    memcmp(a->mask, b->mask, a->len))
		return false;
	same = !memcmp(a->v, b->v, a->len);
	return a->equal && b->equal ? !same : a->equal != b->equal && same;
}

/* ---- iptables' matches in nf_tables' rules (xtables compat) ---- */

static enum answer xt_state(uint32_t mask, bool invert, const struct packet *p)
{
	if (p->any_state)
		return MAYBE;
	return !!(mask & ct_state(p)) != invert ? ALWAYS : NEVER;
}

static enum answer xt_match(struct regs *r, const struct packet *p, struct nftnl_expr *e)
{
	static const struct {
		const char *name, *varies;
	} per[] = {
		{ "time", per_time }, { "connbytes", per_count }, { "statistic", per_chance },
		{ "length", per_length }, { "string", per_packet }, { "u32", per_packet },
	};
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_MT_NAME);
	uint32_t rev = nftnl_expr_get_u32(e, NFTNL_EXPR_MT_REV), len = 0;
	const void *info = nftnl_expr_get(e, NFTNL_EXPR_MT_INFO, &len);

	if (!name || !info)
		return MAYBE;
	if (!strcmp(name, "comment"))
		return ALWAYS;
	if (!strcmp(name, "state") && len >= sizeof(struct xt_state_info)) {
		const struct xt_state_info *s = info;

		return xt_state(s->statemask, false, p);
	}
	if (!strcmp(name, "conntrack") && rev == 3 && len >= sizeof(struct xt_conntrack_mtinfo3)) {
		const struct xt_conntrack_mtinfo3 *c = info;
		enum answer a;

		if (!(c->match_flags & XT_CONNTRACK_STATE))
			return MAYBE;
		a = xt_state(c->state_mask, c->invert_flags & XT_CONNTRACK_STATE, p);
		return a == ALWAYS && c->match_flags != XT_CONNTRACK_STATE ? MAYBE : a;
	}
	if (!strcmp(name, "tcp") && len >= sizeof(struct xt_tcp)) {
		const struct xt_tcp *t = info;

		if (t->flg_mask & t->flg_cmp & TCP_SYN_FIN_RST && !(t->invflags & XT_TCP_INV_FLAGS))
			return NEVER;
		return MAYBE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(per); i++)
		if (!strcmp(name, per[i].name) && !r->varies)
			r->varies = per[i].varies;
	return MAYBE;
}

/* ---- the table of expressions ---- */

enum answer packet_match(struct regs *r, const struct packet *p, struct nftnl_expr *e,
			 const char *name)
{
	r->has_fact = false;
	if (!strcmp(name, "meta") && nftnl_expr_is_set(e, NFTNL_EXPR_META_DREG))
		load_meta(r, p, nftnl_expr_get_u32(e, NFTNL_EXPR_META_DREG),
			  nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY));
	else if (!strcmp(name, "ct") && nftnl_expr_is_set(e, NFTNL_EXPR_CT_DREG))
		load_ct(r, p, e);
	else if (!strcmp(name, "payload") && nftnl_expr_is_set(e, NFTNL_EXPR_PAYLOAD_DREG))
		load_payload(r, p, e);
	else if (!strcmp(name, "exthdr"))
		return load_exthdr(r, e);
	else if (!strcmp(name, "fib"))
		load_fib(r, p, e);
	else if (!strcmp(name, "numgen"))
		varies(r, load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_NG_DREG), 4), per_chance);
	else if (!strcmp(name, "rt"))
		load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_RT_DREG), 16);
	else if (!strcmp(name, "socket"))
		load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_SOCKET_DREG), 16);
	else if (!strcmp(name, "osf"))
		load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_OSF_DREG), 16);
	else if (!strcmp(name, "xfrm"))
		load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_XFRM_DREG), 16);
	else if (!strcmp(name, "tunnel"))
		load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_TUNNEL_DREG), 16);
	else if (!strcmp(name, "hash"))
		load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_HASH_DREG), 4);
	else if (!strcmp(name, "bitwise"))
		bitwise(r, e);
	else if (!strcmp(name, "byteorder"))
		byteorder(r, e);
	else if (!strcmp(name, "cmp"))
		return compare(r, e);
	else if (!strcmp(name, "range"))
		return depends(r, at(nftnl_expr_get_u32(e, NFTNL_EXPR_RANGE_SREG)));
	else if (!strcmp(name, "match"))
		return xt_match(r, p, e);
	return ALWAYS;
}
