// SPDX-License-Identifier: GPL-2.0
/*
 * One conntrack entry, from ctnetlink.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_sctp.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#include "tool.h"

/* For an ICMP echo sport is the identifier, and dport has the type in its upper byte and the code
 * in its lower one.
 */
static void l4_put(struct nlmsghdr *nlh, const struct conn *c)
{
	bool icmp6 = c->l4proto == IPPROTO_ICMPV6;

	if (c->l4proto != IPPROTO_ICMP && !icmp6) {
		mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(c->sport));
		mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(c->dport));
		return;
	}
	mnl_attr_put_u16(nlh, icmp6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID, htons(c->sport));
	mnl_attr_put_u8(nlh, icmp6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE, c->dport >> 8);
	mnl_attr_put_u8(nlh, icmp6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE, c->dport & 0xff);
}

static void l4_read(struct conn *c, const struct attrs *proto)
{
	bool icmp6 = c->l4proto == IPPROTO_ICMPV6;

	if (c->l4proto != IPPROTO_ICMP && !icmp6) {
		c->sport = attr_be(proto, CTA_PROTO_SRC_PORT);
		c->dport = attr_be(proto, CTA_PROTO_DST_PORT);
		return;
	}
	c->sport = attr_be(proto, icmp6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID);
	c->dport = attr_uint(proto, icmp6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE) << 8 |
		   attr_uint(proto, icmp6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE);
}

static void tuple_put(struct nlmsghdr *nlh, const struct conn *c)
{
	struct nlattr *tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG), *part;

	part = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	if (c->l3proto == NFPROTO_IPV6) {
		mnl_attr_put(nlh, CTA_IP_V6_SRC, sizeof(c->src.v6), &c->src.v6);
		mnl_attr_put(nlh, CTA_IP_V6_DST, sizeof(c->dst.v6), &c->dst.v6);
	} else {
		mnl_attr_put(nlh, CTA_IP_V4_SRC, sizeof(c->src.v4), &c->src.v4);
		mnl_attr_put(nlh, CTA_IP_V4_DST, sizeof(c->dst.v4), &c->dst.v4);
	}
	mnl_attr_nest_end(nlh, part);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, c->l4proto);
	l4_put(nlh, c);
	mnl_attr_nest_end(nlh, part);
	mnl_attr_nest_end(nlh, tuple);
}

static void tuple_read(struct conn *c, const struct nlattr *nest, uint8_t l3proto)
{
	bool v6 = l3proto == NFPROTO_IPV6;
	size_t len = v6 ? sizeof(c->src.v6) : sizeof(c->src.v4);
	struct attrs t, ip, proto;
	const void *p;

	memset(c, 0, sizeof(*c));
	attrs_nested(&t, nest);
	attrs_nested(&ip, t.a[CTA_TUPLE_IP]);
	attrs_nested(&proto, t.a[CTA_TUPLE_PROTO]);
	c->l3proto = l3proto;
	c->l4proto = attr_uint(&proto, CTA_PROTO_NUM);
	l4_read(c, &proto);
	p = attr_bytes(&ip, v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, len);
	if (p)
		memcpy(&c->src, p, len);
	p = attr_bytes(&ip, v6 ? CTA_IP_V6_DST : CTA_IP_V4_DST, len);
	if (p)
		memcpy(&c->dst, p, len);
}

static int ct_one(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct attrs a, t, info;
	struct ct *ct = arg;

	attrs_read(&a, nlh, sizeof(*nfg));
	tuple_read(&ct->dir[0], a.a[CTA_TUPLE_ORIG], nfg->nfgen_family);
	tuple_read(&ct->dir[1], a.a[CTA_TUPLE_REPLY], nfg->nfgen_family);
	ct->found = true;
	ct->status = attr_be(&a, CTA_STATUS);
	ct->mark = attr_be(&a, CTA_MARK);
	ct->id = attr_be(&a, CTA_ID);
	ct->zone = attr_be(&a, CTA_ZONE);
	ct->timeout = attr_be(&a, CTA_TIMEOUT);
	attrs_nested(&info, a.a[CTA_PROTOINFO]);
	attrs_nested(&t, info.a[CTA_PROTOINFO_TCP]);
	if (attr_has(&t, CTA_PROTOINFO_TCP_STATE))
		ct->tcp_state = attr_uint(&t, CTA_PROTOINFO_TCP_STATE);
	attrs_nested(&t, info.a[CTA_PROTOINFO_SCTP]);
	ct->sctp_state = attr_uint(&t, CTA_PROTOINFO_SCTP_STATE);
	attrs_nested(&t, a.a[CTA_COUNTERS_ORIG]);
	ct->counted = a.a[CTA_COUNTERS_ORIG];
	ct->packets[0] = attr_be(&t, CTA_COUNTERS_PACKETS);
	attrs_nested(&t, a.a[CTA_COUNTERS_REPLY]);
	ct->packets[1] = attr_be(&t, CTA_COUNTERS_PACKETS);
	attrs_nested(&t, a.a[CTA_HELP]);
	snprintf(ct->helper, sizeof(ct->helper), "%s", attr_str(&t, CTA_HELP_NAME));

	return 0;
}

/**
 * ct_get() - the conntrack entry of a connection
 * @c: either direction of the connection, as its packets arrive
 * @zone: conntrack zone
 * @ct: set to the entry; ct->found says whether there is one
 *
 * Return: 0, or -errno with the text in ct->why when conntrack can't be asked.
 */
int ct_get(const struct conn *c, uint16_t zone, struct ct *ct)
{
	char buf[512] = {};
	struct nlmsghdr *req = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(req, sizeof(*nfg));
	struct nl nl = {};
	int rc;

	memset(ct, 0, sizeof(*ct));
	ct->tcp_state = -1;
	req->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	req->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nfg->nfgen_family = c->l3proto;
	nfg->version = NFNETLINK_V0;
	tuple_put(req, c);
	if (zone)
		mnl_attr_put_u16(req, CTA_ZONE, htons(zone));
	rc = nl_open(&nl, NETLINK_NETFILTER);
	if (!rc)
		rc = nl_talk(&nl, req, ct_one, ct);
	snprintf(ct->why, sizeof(ct->why), "%s", nl.why);
	nl_close(&nl);

	return rc == -ENOENT ? 0 : rc;
}

const char *tcp_state_name(int state)
{
	static const char * const names[] = {
		[TCP_CONNTRACK_NONE] = "none", [TCP_CONNTRACK_SYN_SENT] = "syn-sent",
		[TCP_CONNTRACK_SYN_RECV] = "syn-received",
		[TCP_CONNTRACK_ESTABLISHED] = "established",
		[TCP_CONNTRACK_FIN_WAIT] = "fin-wait", [TCP_CONNTRACK_CLOSE_WAIT] = "close-wait",
		[TCP_CONNTRACK_LAST_ACK] = "last-ack", [TCP_CONNTRACK_TIME_WAIT] = "time-wait",
		[TCP_CONNTRACK_CLOSE] = "closed", [TCP_CONNTRACK_SYN_SENT2] = "syn-sent",
	};

	return state >= 0 && state < (int)ARRAY_SIZE(names) && names[state] ? names[state] : "unknown";
}

const char *sctp_state_name(int state)
{
	static const char * const names[] = {
		[SCTP_CONNTRACK_NONE] = "none", [SCTP_CONNTRACK_CLOSED] = "closed",
		[SCTP_CONNTRACK_COOKIE_WAIT] = "cookie-wait",
		[SCTP_CONNTRACK_COOKIE_ECHOED] = "cookie-echoed",
		[SCTP_CONNTRACK_ESTABLISHED] = "established",
		[SCTP_CONNTRACK_SHUTDOWN_SENT] = "shutdown-sent",
		[SCTP_CONNTRACK_SHUTDOWN_RECD] = "shutdown-received",
		[SCTP_CONNTRACK_SHUTDOWN_ACK_SENT] = "shutdown-ack-sent",
		[SCTP_CONNTRACK_HEARTBEAT_SENT] = "heartbeat-sent",
	};

	return state >= 0 && state < (int)ARRAY_SIZE(names) && names[state] ? names[state] : "unknown";
}
