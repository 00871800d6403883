/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: a connection is promoted, refused, or its flow is retired, with the reason;
 * a driver is asked for something, and answers.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nf_flow_offload

#if !defined(_NFO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _NFO_TRACE_H

#include <linux/tracepoint.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>

#ifndef _NFO_TRACE_HELPERS
#define _NFO_TRACE_HELPERS
/* IPv4 as the mapped address that %pI6c prints in dotted form. */
static inline void nfo_trace_addr(u8 *to, u8 family, const union nf_inet_addr *a)
{
	struct in6_addr *a6 = (struct in6_addr *)to;

	if (family == NFPROTO_IPV4)
		ipv6_addr_set_v4mapped(a->ip, a6);
	else
		*a6 = a->in6;
}

/* Return: @text, or an empty string for NULL, because the trace cannot record NULL. */
static inline const char *nfo_trace_text(const char *text)
{
	return text ? text : "";
}
#endif

DECLARE_EVENT_CLASS(nfo_connection,
	TP_PROTO(const struct nf_conn *ct, const char *why),
	TP_ARGS(ct, why),
	TP_STRUCT__entry(
		__array(u8, src, 16)
		__array(u8, dst, 16)
		__field(u16, sport)
		__field(u16, dport)
		__field(u8, l4proto)
		__field(const char *, why)
	),
	TP_fast_assign(
		const struct nf_conntrack_tuple *t = NULL;

		memset(__entry->src, 0, 16);
		memset(__entry->dst, 0, 16);
		__entry->sport = 0;
		__entry->dport = 0;
		__entry->l4proto = 0;
		__entry->why = why;
		if (ct)
			t = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
		if (t) {
			nfo_trace_addr(__entry->src, t->src.l3num, &t->src.u3);
			nfo_trace_addr(__entry->dst, t->src.l3num, &t->dst.u3);
			__entry->sport = ntohs(t->src.u.all);
			__entry->dport = ntohs(t->dst.u.all);
			__entry->l4proto = t->dst.protonum;
		}
	),
	TP_printk("proto=%u src=%pI6c sport=%u dst=%pI6c dport=%u reason=%s",
		  __entry->l4proto, __entry->src, __entry->sport,
		  __entry->dst, __entry->dport, __entry->why)
);

/* A connection entered the fast path. */
DEFINE_EVENT(nfo_connection, nfo_promote,
	TP_PROTO(const struct nf_conn *ct, const char *why),
	TP_ARGS(ct, why)
);

/* A packet was refused: `flow add` gave no permit, or the packet could not teach. */
DEFINE_EVENT(nfo_connection, nfo_refuse,
	TP_PROTO(const struct nf_conn *ct, const char *why),
	TP_ARGS(ct, why)
);

/* A flow ended and its connection went back to the slow path. */
DEFINE_EVENT(nfo_connection, nfo_retire,
	TP_PROTO(const struct nf_conn *ct, const char *why),
	TP_ARGS(ct, why)
);

/* Trace records keep strings as arrays, because __assign_str() takes two arguments in older
 * kernels and one in newer ones.
 */
#define NFO_TRACE_STR(item, src)						\
	__dynamic_array(char, item, strlen(nfo_trace_text(src)) + 1)

/* A driver is asked to add or to delete the rule of one direction. */
TRACE_EVENT(nfo_hw_request,
	TP_PROTO(bool add, const struct nf_conn *ct, enum ip_conntrack_dir dir,
		 const char *table, const char *dev),
	TP_ARGS(add, ct, dir, table, dev),
	TP_STRUCT__entry(
		__array(u8, src, 16)
		__array(u8, dst, 16)
		__field(u16, sport)
		__field(u16, dport)
		__field(u8, l4proto)
		__field(u8, dir)
		__field(bool, add)
		NFO_TRACE_STR(table, table)
		NFO_TRACE_STR(dev, dev)
	),
	TP_fast_assign(
		const struct nf_conntrack_tuple *t = &ct->tuplehash[dir].tuple;

		nfo_trace_addr(__entry->src, t->src.l3num, &t->src.u3);
		nfo_trace_addr(__entry->dst, t->src.l3num, &t->dst.u3);
		__entry->sport = ntohs(t->src.u.all);
		__entry->dport = ntohs(t->dst.u.all);
		__entry->l4proto = t->dst.protonum;
		__entry->dir = dir;
		__entry->add = add;
		memcpy(__get_str(table), nfo_trace_text(table),
		       __get_dynamic_array_len(table));
		memcpy(__get_str(dev), nfo_trace_text(dev),
		       __get_dynamic_array_len(dev));
	),
	TP_printk("%s flowtable=%s dev=%s dir=%s proto=%u src=%pI6c sport=%u dst=%pI6c dport=%u",
		  __entry->add ? "add" : "delete", __get_str(table), __get_str(dev),
		  __entry->dir ? "reply" : "original", __entry->l4proto,
		  __entry->src, __entry->sport, __entry->dst, __entry->dport)
);

/* What the driver answered. */
TRACE_EVENT(nfo_hw_result,
	TP_PROTO(bool add, const struct nf_conn *ct, enum ip_conntrack_dir dir,
		 const char *dev, int err, const char *message),
	TP_ARGS(add, ct, dir, dev, err, message),
	TP_STRUCT__entry(
		__field(u16, sport)
		__field(u16, dport)
		__field(u8, l4proto)
		__field(u8, dir)
		__field(bool, add)
		__field(int, err)
		NFO_TRACE_STR(dev, dev)
		NFO_TRACE_STR(message, message)
	),
	TP_fast_assign(
		const struct nf_conntrack_tuple *t = &ct->tuplehash[dir].tuple;

		__entry->sport = ntohs(t->src.u.all);
		__entry->dport = ntohs(t->dst.u.all);
		__entry->l4proto = t->dst.protonum;
		__entry->dir = dir;
		__entry->add = add;
		__entry->err = err;
		memcpy(__get_str(dev), nfo_trace_text(dev),
		       __get_dynamic_array_len(dev));
		memcpy(__get_str(message), nfo_trace_text(message),
		       __get_dynamic_array_len(message));
	),
	TP_printk("%s dev=%s dir=%s proto=%u sport=%u dport=%u errno=%d message=%s",
		  __entry->add ? "add" : "delete", __get_str(dev),
		  __entry->dir ? "reply" : "original", __entry->l4proto,
		  __entry->sport, __entry->dport, -__entry->err, __get_str(message))
);

#endif /* _NFO_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE nfo_trace
#include <trace/define_trace.h>
