// SPDX-License-Identifier: GPL-2.0
/*
 * Equality of what two routers did with one case. Bytes are compared as they
 * are, but for the few fields that a router draws at random.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include "equiv.h"

#define FRAG_IDS 64

/* Fragment identifications of one router's answer, in order of appearance. */
struct frag_ids {
	int n;
	uint32_t id[FRAG_IDS];
};

static bool is_icmp_error(const struct frame *f)
{
	uint8_t type = f->data[f->l4];

	if (rd16(f->data + 12) == ETH_P_IPV6)
		return f->data[L2_LEN + 6] == IPPROTO_ICMPV6 && type < 128;
	return f->data[L2_LEN + 9] == IPPROTO_ICMP && type != 0 && type != 8;
}

/*
 * Is it the router's own word? NAT may have given an ICMP error the address of
 * somebody else, so it is told by what the case did not contain.
 */
bool is_router_error(const struct frame *f, int n, const struct out *o)
{
	const uint8_t *ip = o->data + L2_LEN;
	uint16_t type = rd16(o->data + 12);
	uint32_t hl = (ip[0] & 15) * 4;		/* an error echoes IP options */

	if (o->uncapturable || o->len < L2_LEN + 28)
		return false;
	if (type == ETH_P_IP) {
		if (ip[0] >> 4 != 4 || hl < 20 || o->len < L2_LEN + hl + 8 ||
		    ip[9] != IPPROTO_ICMP ||
		    (ip[hl] != 3 && ip[hl] != 5 && ip[hl] != 11 && ip[hl] != 12))
			return false;
	} else if (type != ETH_P_IPV6 || o->len < L2_LEN + 48 || ip[6] != IPPROTO_ICMPV6 ||
		   ip[40] >= 128) {
		return false;
	}
	while (n--)
		if (is_icmp_error(&f[n]))
			return false;
	return true;
}

/* A reset from the router's own stack: no payload, no options. */
static bool is_router_reset(const uint8_t *ip)
{
	return ip[0] == 0x45 && ip[9] == IPPROTO_TCP && rd16(ip + 2) == 40 &&
	       ip[33] & TH_RST &&
	       (!memcmp(ip + 12, "\x0a\x01\x00\x01", 4) ||
		!memcmp(ip + 12, "\x0a\x02\x00\x01", 4));
}

/*
 * What the router says itself gets an IPv4 identification from a keyed hash,
 * and the keys of two network namespaces differ.
 */
static void mask_v4_id(const struct frame *f, int n, const struct out *o, uint8_t *ip)
{
	if (o->len < L2_LEN + 40 || !(is_router_error(f, n, o) || is_router_reset(ip)))
		return;
	if (csum16(ip, (ip[0] & 15) * 4, 0))
		return;		/* a wrong header checksum stays visible */
	wr16(ip + 4, 0);
	wr16(ip + 10, 0);
}

static bool is_whole_fragment(const uint8_t *ip)
{
	return ip[6] == IPPROTO_FRAGMENT && !(rd16(ip + 42) & 0xfff9);
}

/* Did a sender write this identification into a fragment that is the whole packet? */
static bool is_senders_id(const struct frame *f, int n, uint32_t id)
{
	while (n--) {
		const uint8_t *ip = f[n].data + L2_LEN;

		if (rd16(f[n].data + 12) == ETH_P_IPV6 && f[n].len >= L2_LEN + 48 &&
		    is_whole_fragment(ip) && rd32(ip + 44) == id)
			return true;
	}
	return false;
}

/*
 * A router that fragments IPv6 (it may, when it had to reassemble) draws a new
 * identification; the fragments of one packet must share it all the same. Without room for
 * the link's header it may write one fragment that is the whole packet.
 */
static void mask_v6_frag(const struct frame *f, int n, const struct out *o, uint8_t *ip,
			 struct frag_ids *ids)
{
	uint32_t id;
	int i;

	if (o->len < L2_LEN + 48 || ip[6] != IPPROTO_FRAGMENT)
		return;
	id = rd32(ip + 44);
	if (is_whole_fragment(ip) && is_senders_id(f, n, id))
		return;
	for (i = 0; i < ids->n && ids->id[i] != id; i++)
		;
	if (i == ids->n && ids->n < FRAG_IDS)
		ids->id[ids->n++] = id;
	wr32(ip + 44, i);
}

static void normalise(const struct frame *f, int n, const struct out *o, uint8_t *copy,
		      struct frag_ids *ids)
{
	memcpy(copy, o->data, o->len);
	if (o->len < L2_LEN + 20)
		return;
	if (rd16(copy + 12) == ETH_P_IP)
		mask_v4_id(f, n, o, copy + L2_LEN);
	else if (rd16(copy + 12) == ETH_P_IPV6)
		mask_v6_frag(f, n, o, copy + L2_LEN, ids);
}

static const char *field_at(const struct out *o, uint32_t at)
{
	static char name[32];
	const uint8_t *ip = o->data + L2_LEN;
	uint32_t l4 = 0;
	uint8_t proto;

	if (at < 12)
		return "link address";
	if (at < L2_LEN)
		return "ethertype";
	at -= L2_LEN;
	if (rd16(o->data + 12) == ETH_P_IP) {
		static const char *const f[20] = {
			"version/ihl", "tos", "total length", "total length", "id", "id",
			"fragment", "fragment", "ttl", "protocol", "IP checksum",
			"IP checksum", "source", "source", "source", "source",
			"destination", "destination", "destination", "destination",
		};

		if (at < 20)
			return f[at];
		l4 = (ip[0] & 15) * 4;
		proto = ip[9];
	} else if (rd16(o->data + 12) == ETH_P_IPV6) {
		if (at < 40)
			return at < 4 ? "class/label" : at < 6 ? "payload length" :
			       at == 6 ? "next header" : at == 7 ? "hop limit" :
			       at < 24 ? "source" : "destination";
		l4 = 40;
		proto = ip[6];
	} else {
		return "bytes";
	}
	if (at >= l4) {
		at -= l4;
		if (at < 4 && (proto == IPPROTO_TCP || proto == IPPROTO_UDP))
			return "ports";
		if ((proto == IPPROTO_TCP && (at == 16 || at == 17)) ||
		    (proto == IPPROTO_UDP && (at == 6 || at == 7)))
			return "L4 checksum";
	}
	snprintf(name, sizeof(name), "L4+%d", (int)at);
	return at < 64 ? name : "payload";
}

static bool vnet_equal(const struct out *a, const struct out *b)
{
	/*
	 * hdr_len only tells how much of the buffer is linear, and DATA_VALID
	 * only whether somebody looked at the checksum: neither is on a wire.
	 */
	return a->vh.gso_type == b->vh.gso_type && a->vh.gso_size == b->vh.gso_size &&
	       !((a->vh.flags ^ b->vh.flags) & VIRTIO_NET_HDR_F_NEEDS_CSUM) &&
	       a->vh.csum_start == b->vh.csum_start && a->vh.csum_offset == b->vh.csum_offset;
}

/* In one word: what did the router do with the case? */
static const char *deed(const struct frame *f, int n, const struct outs *o)
{
	static char buf[2][48];
	static int which;
	int fwd = 0, err = 0, i;

	for (i = 0; i < o->n; i++)
		if (is_router_error(f, n, &o->f[i]))
			err++;
		else
			fwd++;
	which = !which;
	if (!o->n)
		return "nothing";
	if (n == 1 && o->n == 1)
		return err ? "ICMP error" : "forwarded";
	if (n == 1)
		return !err ? "forwarded in pieces" : !fwd ? "ICMP errors" :
		       "pieces and ICMP errors";
	snprintf(buf[which], sizeof(buf[which]), "%d forwarded, %d ICMP error%s", fwd, err,
		 err == 1 ? "" : "s");
	return buf[which];
}

void outs_compare(const struct frame *f, int n, const struct outs out[NROUTERS],
		  struct verdict *v)
{
	static uint8_t copy[NROUTERS][FRAME_MAX];
	struct frag_ids ids[NROUTERS] = { 0 };
	const struct outs *a = &out[CLASSIC], *b = &out[FAST];
	int i;

	v->equal = false;
	if (a->n != b->n) {
		snprintf(v->what, sizeof(v->what), "classic: %s; fast: %s",
			 deed(f, n, a), deed(f, n, b));
		return;
	}
	for (i = 0; i < a->n; i++) {
		const struct out *p = &a->f[i], *q = &b->f[i];
		uint32_t at;

		if (p->uncapturable != q->uncapturable || p->side != q->side ||
		    is_router_error(f, n, p) != is_router_error(f, n, q)) {
			snprintf(v->what, sizeof(v->what), "classic: %s; fast: %s%s",
				 deed(f, n, a), deed(f, n, b),
				 p->side != q->side ? ", by another way" : "");
			return;
		}
		if (p->uncapturable)
			continue;
		if (p->outer_len != q->outer_len || memcmp(p->outer, q->outer, p->outer_len)) {
			snprintf(v->what, sizeof(v->what), "%s: what is around the packet differs%s",
				 is_router_error(f, n, p) ? "ICMP error" : "forwarded",
				 p->outer_len != q->outer_len ? " in length" : "");
			return;
		}
		normalise(f, n, p, copy[CLASSIC], &ids[CLASSIC]);
		normalise(f, n, q, copy[FAST], &ids[FAST]);
		for (at = 0; at < p->len && at < q->len; at++)
			if (copy[CLASSIC][at] != copy[FAST][at])
				break;
		if (at < p->len && at < q->len) {
			snprintf(v->what, sizeof(v->what), "%s: %s differs",
				 is_router_error(f, n, p) ? "ICMP error" : "forwarded",
				 field_at(p, at));
			return;
		}
		if (p->len != q->len) {
			snprintf(v->what, sizeof(v->what), "forwarded: the %s frame is longer",
				 p->len > q->len ? "classic" : "fast");
			return;
		}
		if (p->has_vlan != q->has_vlan || p->vlan_tci != q->vlan_tci ||
		    p->vlan_tpid != q->vlan_tpid) {
			snprintf(v->what, sizeof(v->what), "VLAN tag differs");
			return;
		}
		if (!vnet_equal(p, q)) {
			snprintf(v->what, sizeof(v->what), "segmentation or checksum state differs");
			return;
		}
	}
	v->equal = true;
	v->what[0] = 0;
}

/* From here on: words for a person. */

static void decode_l4(FILE *to, const uint8_t *l3, bool v6, uint8_t proto,
		      const uint8_t *l4, int len, bool partial)
{
	uint32_t sum = pseudo_sum(l3, v6, proto, len);

	if (proto == IPPROTO_TCP && len >= 20) {
		static const char names[] = "FSRPAUEC";
		char flags[10] = "";
		int i, n = 0;

		for (i = 0; i < 8; i++)
			if (l4[13] & 1 << i)
				flags[n++] = names[i];
		flags[n] = 0;
		fprintf(to, " | TCP %u>%u flags=%s%s seq=%u ack=%u doff=%u win=%u csum=%04x %s",
			rd16(l4), rd16(l4 + 2), flags, l4[12] & 1 ? "N" : "", rd32(l4 + 4),
			rd32(l4 + 8), l4[12] >> 4, rd16(l4 + 14), rd16(l4 + 16),
			partial ? "(partial)" : csum16(l4, len, sum) ? "(bad)" : "(good)");
	} else if (proto == IPPROTO_UDP && len >= 8) {
		fprintf(to, " | UDP %u>%u len=%u csum=%04x %s", rd16(l4), rd16(l4 + 2),
			rd16(l4 + 4), rd16(l4 + 6),
			partial ? "(partial)" : !rd16(l4 + 6) ? "(none)" :
			csum16(l4, len, sum) ? "(bad)" : "(good)");
	} else if ((proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6) && len >= 8) {
		bool bad = csum16(l4, len, proto == IPPROTO_ICMPV6 ? sum : 0);

		fprintf(to, " | ICMP type=%u code=%u info=%08x csum %s", l4[0], l4[1],
			rd32(l4 + 4), bad ? "(bad)" : "(good)");
	} else {
		fprintf(to, " | protocol %u", proto);
	}
	fprintf(to, " | %d bytes of transport", len);
}

static void decode(FILE *to, const uint8_t *d, uint32_t len, const struct virtio_net_hdr *vh)
{
	const uint8_t *ip = d + L2_LEN;
	char s[INET6_ADDRSTRLEN], t[INET6_ADDRSTRLEN];
	bool partial = vh->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	int rest = len - L2_LEN, tl;

	if (len < L2_LEN) {
		fprintf(to, "runt\n");
		return;
	}
	fprintf(to, "%02x%02x%02x%02x%02x%02x>%02x%02x%02x%02x%02x%02x type=%04x %u bytes",
		d[6], d[7], d[8], d[9], d[10], d[11], d[0], d[1], d[2], d[3], d[4], d[5],
		rd16(d + 12), len);
	if (vh->gso_type)
		fprintf(to, " gso type=%u size=%u", vh->gso_type, vh->gso_size);
	if (rd16(d + 12) == ETH_P_IP && rest >= 20) {
		int hl = (ip[0] & 15) * 4;

		inet_ntop(AF_INET, ip + 12, s, sizeof(s));
		inet_ntop(AF_INET, ip + 16, t, sizeof(t));
		fprintf(to, " | IPv%u ihl=%u tos=%02x len=%u id=%04x frag=%04x ttl=%u proto=%u "
			"csum=%04x %s %s>%s", ip[0] >> 4, ip[0] & 15, ip[1], rd16(ip + 2),
			rd16(ip + 4), rd16(ip + 6), ip[8], ip[9], rd16(ip + 10),
			hl >= 20 && hl <= rest && !csum16(ip, hl, 0) ? "(good)" : "(bad)", s, t);
		tl = rd16(ip + 2) < rest ? rd16(ip + 2) : rest;
		if (hl >= 20 && tl > hl && !(rd16(ip + 6) & 0x1fff))
			decode_l4(to, ip, false, ip[9], ip + hl, tl - hl, partial);
		if (tl < rest)
			fprintf(to, " | %d bytes of padding", rest - tl);
	} else if (rd16(d + 12) == ETH_P_IPV6 && rest >= 40) {
		inet_ntop(AF_INET6, ip + 8, s, sizeof(s));
		inet_ntop(AF_INET6, ip + 24, t, sizeof(t));
		fprintf(to, " | IPv%u class/label=%07x len=%u next=%u hops=%u %s>%s", ip[0] >> 4,
			rd32(ip) & 0xfffffff, rd16(ip + 4), ip[6], ip[7], s, t);
		tl = rd16(ip + 4) < rest - 40 ? rd16(ip + 4) : rest - 40;
		decode_l4(to, ip, true, ip[6], ip + 40, tl, partial);
		if (tl < rest - 40)
			fprintf(to, " | %d bytes of padding", rest - 40 - tl);
	}
	fputc('\n', to);
}

static void hexdump(FILE *to, const uint8_t *d, uint32_t len)
{
	const char *all = getenv("EQUIV_FULL_HEX");
	uint32_t show = len > 192 && !all ? 192 : len, i;

	for (i = 0; i < show; i++)
		fprintf(to, "%s%02x%s", i % 32 ? "" : "      ", d[i],
			i % 32 == 31 || i + 1 == show ? "\n" : i % 2 ? " " : "");
	if (show < len)
		fprintf(to, "      ... %u bytes more\n", len - show);
}

void print_difference(FILE *to, const struct gcase *gc, const char *class, uint64_t seed,
		      const struct outs out[NROUTERS], const struct verdict *v,
		      unsigned long slow[NROUTERS])
{
	static const char *const name[NROUTERS] = { "classic", "fast" };
	static const char *const side[NSIDES] = { "LAN", "WAN" };
	int i, k;

	fprintf(to, "DIFFERENCE case %llu seed %llu class %s (%s %s, %s%s): %s\n",
		(unsigned long long)gc->index, (unsigned long long)seed, class,
		gc->c->v6 ? "IPv6" : "IPv4", proto_name(gc->c),
		kind_names[gc->c->kind], gc->c->small_mtu ? ", small route MTU" : "", v->what);
	for (i = 0; i < gc->n; i++) {
		fprintf(to, "  sent %d into %s%s: ", i + 1, side[gc->f[i].side],
			gc->f[i].paged ? " (paged)" : "");
		decode(to, gc->f[i].data, gc->f[i].len, &gc->f[i].vh);
		hexdump(to, gc->f[i].data, gc->f[i].len);
	}
	for (k = 0; k < NROUTERS; k++) {
		fprintf(to, "  %s: %d frames came out, %lu seen by the forward chain\n",
			name[k], out[k].n, slow[k]);
		for (i = 0; i < out[k].n; i++) {
			const struct out *o = &out[k].f[i];

			fprintf(to, "    out of %s: ", side[o->side]);
			if (o->uncapturable) {
				fprintf(to, "segmentation without a virtio name\n");
				continue;
			}
			decode(to, o->data, o->len, &o->vh);
			if (o->outer_len) {
				fprintf(to, "      around it:\n");
				hexdump(to, o->outer, o->outer_len);
			}
			hexdump(to, o->data, o->len);
		}
	}
}

void fatal(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	fprintf(stderr, "equivalence: ");
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
}
