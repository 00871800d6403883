/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: who enters the fast path, who does not and why, who leaves.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nf_flow_offload

#if !defined(_NFO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _NFO_TRACE_H

#include <linux/tracepoint.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>

#ifndef _NFO_TRACE_ADDR
#define _NFO_TRACE_ADDR
/* IPv4 as the mapped address that %pI6c prints in dotted form. */
static inline void nfo_trace_addr(u8 *to, u8 family, const union nf_inet_addr *a)
{
	struct in6_addr *a6 = (struct in6_addr *)to;

	if (family == NFPROTO_IPV4)
		ipv6_addr_set_v4mapped(a->ip, a6);
	else
		*a6 = a->in6;
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

/* A packet asked for promotion and the connection stays in the slow path. */
DEFINE_EVENT(nfo_connection, nfo_refuse,
	TP_PROTO(const struct nf_conn *ct, const char *why),
	TP_ARGS(ct, why)
);

/* A flow ended and its connection went back to the slow path. */
DEFINE_EVENT(nfo_connection, nfo_retire,
	TP_PROTO(const struct nf_conn *ct, const char *why),
	TP_ARGS(ct, why)
);

#endif /* _NFO_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE nfo_trace
#include <trace/define_trace.h>
