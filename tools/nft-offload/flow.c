// SPDX-License-Identifier: GPL-2.0
/*
 * A flow: from the kernel's message to a struct, and from there to JSON.
 */
#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <string.h>

#include "tool.h"

static void addr_read(union addr *to, const struct attrs *a, int type, size_t len)
{
	const void *p = attr_bytes(a, type, len);

	if (p)
		memcpy(to, p, len);
}

static void dir_read(struct flow_dir *d, const struct nlattr *nest, uint8_t l3proto)
{
	size_t len = l3proto == NFPROTO_IPV6 ? sizeof(d->src.v6) : sizeof(d->src.v4);
	struct attrs a;

	attrs_nested(&a, nest);
	addr_read(&d->src, &a, NFO_DIR_SRC, len);
	addr_read(&d->dst, &a, NFO_DIR_DST, len);
	d->sport = attr_be(&a, NFO_DIR_SPORT);
	d->dport = attr_be(&a, NFO_DIR_DPORT);
	/* without these attributes nothing is translated */
	d->new_src = d->src;
	d->new_dst = d->dst;
	addr_read(&d->new_src, &a, NFO_DIR_NEW_SRC, len);
	addr_read(&d->new_dst, &a, NFO_DIR_NEW_DST, len);
	d->new_sport = attr_has(&a, NFO_DIR_NEW_SPORT) ? attr_be(&a, NFO_DIR_NEW_SPORT) : d->sport;
	d->new_dport = attr_has(&a, NFO_DIR_NEW_DPORT) ? attr_be(&a, NFO_DIR_NEW_DPORT) : d->dport;
	d->iif = attr_uint(&a, NFO_DIR_IIF);
	d->oif = attr_uint(&a, NFO_DIR_OIF);
	d->mtu = attr_uint(&a, NFO_DIR_MTU);
	d->packets = attr_uint(&a, NFO_DIR_PACKETS);
	d->bytes = attr_uint(&a, NFO_DIR_BYTES);
	d->hw = attr_has(&a, NFO_DIR_HW) && attr_uint(&a, NFO_DIR_HW);
}

void flow_read(struct flow *f, const struct nlmsghdr *nlh)
{
	struct attrs a;

	memset(f, 0, sizeof(*f));
	attrs_read(&a, nlh, sizeof(struct genlmsghdr));
	f->family = attr_uint(&a, NFO_FLOW_FAMILY);
	f->table = utf8(attr_str(&a, NFO_FLOW_TABLE));
	f->flowtable = utf8(attr_str(&a, NFO_FLOW_FLOWTABLE));
	f->l3proto = attr_uint(&a, NFO_FLOW_L3PROTO);
	f->l4proto = attr_uint(&a, NFO_FLOW_L4PROTO);
	f->state = attr_uint(&a, NFO_FLOW_STATE);
	f->event = attr_uint(&a, NFO_FLOW_EVENT);
	f->reason = attr_uint(&a, NFO_FLOW_REASON);
	f->age_ms = attr_uint(&a, NFO_FLOW_AGE_MS);
	f->expires_ms = attr_uint(&a, NFO_FLOW_EXPIRES_MS);
	f->ct_id = attr_uint(&a, NFO_FLOW_CT_ID);
	f->mark = attr_uint(&a, NFO_FLOW_MARK);
	f->zone = attr_uint(&a, NFO_FLOW_ZONE);
	dir_read(&f->dir[0], a.a[NFO_FLOW_ORIGINAL], f->l3proto);
	dir_read(&f->dir[1], a.a[NFO_FLOW_REPLY], f->l3proto);
}

static uint64_t mix(uint64_t h, const void *p, size_t len)
{
	const unsigned char *c = p;

	while (len--)
		h = (h ^ *c++) * 0x100000001b3ULL;
	return h;
}

/* Return: a number that stays the same while the connection lives; never 0. */
uint64_t flow_key(const struct flow *f)
{
	const struct flow_dir *d = &f->dir[0];
	uint64_t h = 0xcbf29ce484222325ULL;

	h = mix(h, &f->ct_id, sizeof(f->ct_id));
	h = mix(h, &f->zone, sizeof(f->zone));
	h = mix(h, &f->l4proto, sizeof(f->l4proto));
	h = mix(h, &d->src, sizeof(d->src));
	h = mix(h, &d->dst, sizeof(d->dst));
	h = mix(h, &d->sport, sizeof(d->sport));
	h = mix(h, &d->dport, sizeof(d->dport));
	return h ? h : 1;
}

uint64_t flow_bytes(const struct flow *f)
{
	return f->dir[0].bytes + f->dir[1].bytes;
}

uint64_t flow_packets(const struct flow *f)
{
	return f->dir[0].packets + f->dir[1].packets;
}

bool flow_translated(const struct flow *f)
{
	const struct flow_dir *d = &f->dir[0];

	return memcmp(&d->src, &d->new_src, sizeof(d->src)) ||
	       memcmp(&d->dst, &d->new_dst, sizeof(d->dst)) ||
	       d->sport != d->new_sport || d->dport != d->new_dport;
}

const char *addr_str(char *buf, uint8_t l3proto, const union addr *a)
{
	if (!inet_ntop(l3proto == NFPROTO_IPV6 ? AF_INET6 : AF_INET, a, buf, INET6_ADDRSTRLEN))
		strcpy(buf, "?");
	return buf;
}

const char *endpoint(char *buf, uint8_t l3proto, const union addr *a, uint16_t port)
{
	char addr[INET6_ADDRSTRLEN];

	snprintf(buf, ENDPOINT_LEN, l3proto == NFPROTO_IPV6 ? "[%s]:%u" : "%s:%u",
		 addr_str(addr, l3proto, a), port);
	return buf;
}

static json_t *dir_json(const struct flow *f, const struct flow_dir *d)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	char new_src[INET6_ADDRSTRLEN], new_dst[INET6_ADDRSTRLEN];

	return json_pack("{ss si ss si ss si ss si ss ss si sI sI sb}",
			 "src", addr_str(src, f->l3proto, &d->src), "sport", d->sport,
			 "dst", addr_str(dst, f->l3proto, &d->dst), "dport", d->dport,
			 "new_src", addr_str(new_src, f->l3proto, &d->new_src),
			 "new_sport", d->new_sport,
			 "new_dst", addr_str(new_dst, f->l3proto, &d->new_dst),
			 "new_dport", d->new_dport,
			 "iif", dev_name(d->iif), "oif", dev_name(d->oif), "mtu", d->mtu,
			 "packets", (json_int_t)d->packets, "bytes", (json_int_t)d->bytes,
			 "hw", d->hw);
}

json_t *flow_json(const struct flow *f)
{
	return json_pack("{ss ss ss ss ss ss ss so so sI sI sI sI si}",
			 "flowtable", f->flowtable, "table", f->table,
			 "family", family_name(f->family),
			 "l3proto", l3proto_name(f->l3proto),
			 "l4proto", l4proto_name(f->l4proto),
			 "state", state_name(f->state), "reason", reason_name(f->reason),
			 "original", dir_json(f, &f->dir[0]), "reply", dir_json(f, &f->dir[1]),
			 "age_ms", (json_int_t)f->age_ms,
			 "expires_ms", (json_int_t)f->expires_ms,
			 "ct_id", (json_int_t)f->ct_id, "mark", (json_int_t)f->mark,
			 "zone", f->zone);
}
