// SPDX-License-Identifier: GPL-2.0
/*
 * The filter options, which say which flows are meant, and a connection named by its two ends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <string.h>

#include "tool.h"

/* Length of the names of nft tables and flowtables, with the final zero. */
#define NAME_MAXLEN	256

static int name_opt(const char **to, const char *what, const char *value)
{
	if (!*value)
		return usage("the %s name is empty", what);
	if (strlen(value) >= NAME_MAXLEN)
		return usage("the %s name '%s' is longer than %d characters", what, value,
			     NAME_MAXLEN - 1);
	*to = value;
	return 0;
}

static int l3_opt(struct filter *f, uint8_t l3proto)
{
	if (f->l3proto && f->l3proto != l3proto)
		return usage("a flow is IPv4 or IPv6, not both");
	f->l3proto = l3proto;
	return 0;
}

static int addr_opt(struct filter *f, const char *value)
{
	char text[INET6_ADDRSTRLEN + 1];
	const char *slash = strchr(value, '/');
	size_t len = slash ? (size_t)(slash - value) : strlen(value);
	unsigned int bits;
	uint64_t v;

	if (len >= sizeof(text))
		return usage("'%s' is no IP address", value);
	memcpy(text, value, len);
	text[len] = 0;
	if (f->has_addr)
		return usage("one address at a time: '%s' and '%s'", f->addr_text, value);
	if (inet_pton(AF_INET, text, &f->addr.v4) == 1) {
		bits = 32;
	} else if (inet_pton(AF_INET6, text, &f->addr.v6) == 1) {
		bits = 128;
	} else {
		return usage("'%s' is no IP address", text);
	}
	f->prefix = bits;
	if (slash) {
		if (!parse_u64(slash + 1, bits, &v))
			return usage("'%s' is no prefix length of 0 to %u", slash + 1, bits);
		f->prefix = v;
	}
	f->has_addr = true;
	f->addr_text = value;

	return 0;
}

static int dev_opt(struct filter *f, const char *value)
{
	if (!*value || strlen(value) >= IFNAMSIZ)
		return usage("'%s' is no device name: it has 1 to %d characters", value,
			     IFNAMSIZ - 1);
	f->dev = if_nametoindex(value);
	if (!f->dev)
		return refused("no such device: '%s'", value);
	return 0;
}

int zone_parse(const char *value, uint16_t *zone)
{
	uint64_t v;

	if (!parse_u64(value, 65535, &v))
		return usage("'%s' is no zone of 0 to 65535", value);
	*zone = v;
	return 0;
}

/* A flow has to match all options that are given. An option that is given twice could match none, or
 * one of the two alone, so that flush would leave out what somebody meant.
 */
static int once_opt(struct filter *f, const struct opt *o, const char *value)
{
	static const char letters[] = "pPdstfz";
	const char *at = strchr(letters, o->letter);

	if (!at)
		return 0;
	if (f->given & 1U << (at - letters))
		return usage("one --%s at a time: '%s' is the second", o->name, value);
	f->given |= 1U << (at - letters);
	return 0;
}

int filter_opt(struct filter *f, const struct opt *o, const char *value)
{
	uint64_t v;
	int rc = once_opt(f, o, value);

	if (rc)
		return rc;
	switch (o->letter) {
	case '4':
		rc = l3_opt(f, NFPROTO_IPV4);
		break;
	case '6':
		rc = l3_opt(f, NFPROTO_IPV6);
		break;
	case 'p':
		if (!l4proto_parse(value, &f->l4proto))
			rc = usage("'%s' is no protocol: a name (tcp, udp, sctp, ...) or a number up to 255", value);
		break;
	case 'a':
		rc = addr_opt(f, value);
		break;
	case 'P':
		if (!parse_u64(value, 65535, &v) || !v)
			rc = usage("'%s' is no port of 1 to 65535", value);
		f->port = v;
		f->has_port = true;
		break;
	case 'd':
		rc = dev_opt(f, value);
		break;
	case 's':
		if (!state_parse(value, &f->state))
			rc = usage("'%s' is no state: " STATE_LIST, value);
		break;
	case 't':
		rc = name_opt(&f->table, "table", value);
		break;
	case 'f':
		rc = name_opt(&f->flowtable, "flowtable", value);
		break;
	case 'z':
		f->has_zone = true;
		return zone_parse(value, &f->zone);
	default:
		return -1;
	}
	f->any = true;

	return rc;
}

/* Check options that depend on each other, when all of them are read. Return: 0 or the exit status.
 */
int filter_done(struct filter *f)
{
	uint8_t l3proto = strchr(f->addr_text ? f->addr_text : "", ':') ? NFPROTO_IPV6 : NFPROTO_IPV4;

	if (!f->has_addr)
		return 0;
	if (f->l3proto && f->l3proto != l3proto)
		return usage("'%s' is no %s address", f->addr_text,
			     f->l3proto == NFPROTO_IPV6 ? "IPv6" : "IPv4");
	f->l3proto = l3proto;
	return 0;
}

static size_t addr_len(uint8_t l3proto)
{
	return l3proto == NFPROTO_IPV6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
}

void filter_put(const struct filter *f, struct nlmsghdr *nlh)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFO_FLOW_FILTER);

	if (f->l3proto)
		mnl_attr_put_u8(nlh, NFO_FILTER_L3PROTO, f->l3proto);
	if (f->l4proto)
		mnl_attr_put_u8(nlh, NFO_FILTER_L4PROTO, f->l4proto);
	if (f->has_addr) {
		mnl_attr_put(nlh, NFO_FILTER_ADDR, addr_len(f->l3proto), &f->addr);
		mnl_attr_put_u8(nlh, NFO_FILTER_PREFIX, f->prefix);
	}
	if (f->has_port)
		mnl_attr_put_u16(nlh, NFO_FILTER_PORT, htons(f->port));
	if (f->dev)
		mnl_attr_put_u32(nlh, NFO_FILTER_DEV, f->dev);
	if (f->state)
		mnl_attr_put_u8(nlh, NFO_FILTER_STATE, f->state);
	if (f->table)
		mnl_attr_put_strz(nlh, NFO_FILTER_TABLE, f->table);
	if (f->flowtable)
		mnl_attr_put_strz(nlh, NFO_FILTER_FLOWTABLE, f->flowtable);
	if (f->has_zone)
		mnl_attr_put_u16(nlh, NFO_FILTER_ZONE, f->zone);
	mnl_attr_nest_end(nlh, nest);
}

/* ---- the same filter in the tool, because the kernel sends events unfiltered ---- */

static bool prefix_match(const union addr *a, const union addr *b, unsigned int bits)
{
	const unsigned char *x = (const void *)a, *y = (const void *)b;
	unsigned int whole = bits / 8, mask = 0xff00 >> (bits % 8);

	return !memcmp(x, y, whole) &&
	       (!(bits % 8) || !((x[whole] ^ y[whole]) & mask & 0xff));
}

bool filter_match(const struct filter *f, const struct flow *fl)
{
	bool ends = false, dev = !f->dev;

	if ((f->l3proto && f->l3proto != fl->l3proto) ||
	    (f->l4proto && f->l4proto != fl->l4proto) ||
	    (f->state && f->state != fl->state) ||
	    (f->has_zone && f->zone != fl->zone) ||
	    (f->table && strcmp(utf8(f->table), fl->table)) ||
	    (f->flowtable && strcmp(utf8(f->flowtable), fl->flowtable)))
		return false;
	/* as in the kernel, address and port must be found in the same direction */
	for (int i = 0; i < 2; i++) {
		const struct flow_dir *d = &fl->dir[i];
		bool addr = !f->has_addr || prefix_match(&d->src, &f->addr, f->prefix) ||
			    prefix_match(&d->dst, &f->addr, f->prefix);
		bool port = !f->has_port || d->sport == f->port || d->dport == f->port;

		ends = ends || (addr && port);
		dev = dev || d->iif == f->dev || d->oif == f->dev;
	}
	return ends && dev;
}

/* ---- one connection ---- */

/* Read ADDR:PORT or [V6]:PORT. @zero: port 0 is allowed, for protocols without ports. Return:
 * NFPROTO_IPV4, NFPROTO_IPV6, or 0 when @s is something else.
 */
static uint8_t end_parse(const char *s, union addr *a, uint16_t *port, bool zero)
{
	char text[INET6_ADDRSTRLEN + 1];
	const char *from = s, *to;
	uint8_t l3proto = NFPROTO_IPV4;
	uint64_t v;

	if (*s == '[') {
		l3proto = NFPROTO_IPV6;
		from = s + 1;
		to = strchr(from, ']');
		if (!to || to[1] != ':')
			return 0;
	} else {
		to = strchr(from, ':');
		if (!to)
			return 0;
	}
	if ((size_t)(to - from) >= sizeof(text))
		return 0;
	memcpy(text, from, to - from);
	text[to - from] = 0;
	if (inet_pton(l3proto == NFPROTO_IPV6 ? AF_INET6 : AF_INET, text, a) != 1 ||
	    !parse_u64(strrchr(s, ':') + 1, 65535, &v) || (!v && !zero) ||
	    strrchr(s, ':') != (l3proto == NFPROTO_IPV6 ? to + 1 : to))
		return 0;
	*port = v;

	return l3proto;
}

int conn_parse(struct conn *c, char **argv)
{
	uint8_t other;
	bool zero;

	memset(c, 0, sizeof(*c));
	if (!l4proto_parse(argv[0], &c->l4proto))
		return usage("'%s' is no protocol: a name (tcp, udp, sctp, ...) or a number up to 255", argv[0]);
	zero = c->l4proto != IPPROTO_TCP && c->l4proto != IPPROTO_UDP;
	c->l3proto = end_parse(argv[1], &c->src, &c->sport, zero);
	if (!c->l3proto)
		return usage("'%s' is no ADDRESS:PORT (IPv6: [ADDRESS]:PORT)", argv[1]);
	other = end_parse(argv[2], &c->dst, &c->dport, zero);
	if (!other)
		return usage("'%s' is no ADDRESS:PORT (IPv6: [ADDRESS]:PORT)", argv[2]);
	if (other != c->l3proto)
		return usage("'%s' and '%s' are of different families", argv[1], argv[2]);
	return 0;
}

void conn_put(const struct conn *c, struct nlmsghdr *nlh)
{
	size_t len = addr_len(c->l3proto);
	struct nlattr *nest;

	mnl_attr_put_u8(nlh, NFO_FLOW_L4PROTO, c->l4proto);
	nest = mnl_attr_nest_start(nlh, NFO_FLOW_ORIGINAL);
	mnl_attr_put(nlh, NFO_DIR_SRC, len, &c->src);
	mnl_attr_put(nlh, NFO_DIR_DST, len, &c->dst);
	mnl_attr_put_u16(nlh, NFO_DIR_SPORT, htons(c->sport));
	mnl_attr_put_u16(nlh, NFO_DIR_DPORT, htons(c->dport));
	mnl_attr_nest_end(nlh, nest);
}

const char *conn_str(char *buf, size_t len, const struct conn *c)
{
	char src[ENDPOINT_LEN], dst[ENDPOINT_LEN];

	snprintf(buf, len, "%s %s > %s", l4proto_name(c->l4proto),
		 endpoint(src, c->l3proto, &c->src, c->sport),
		 endpoint(dst, c->l3proto, &c->dst, c->dport));
	return buf;
}

struct conn conn_reversed(const struct conn *c)
{
	struct conn r = *c;

	r.src = c->dst;
	r.dst = c->src;
	r.sport = c->dport;
	r.dport = c->sport;
	return r;
}
