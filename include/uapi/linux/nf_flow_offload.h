/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What the kernel module nf_flow_offload and its users agree on.
 *
 * A reason says why a connection is not, or no longer, in the fast path.
 * The numbers are part of the interface: new ones go to the end.
 */
#ifndef _UAPI_NF_FLOW_OFFLOAD_H
#define _UAPI_NF_FLOW_OFFLOAD_H

/* NFO_REASONS - list of (NAME, "short-name", "sentence")
 *
 * One rung of one ladder each. The short names are what tools print and
 * scripts match; the sentences complete "the connection stays in, or returned
 * to, the slow path because ...".
 */
#define NFO_REASONS(X)							\
	/* promotion: the packet that asked */				\
	X(NONE, "none", "nothing keeps it there")			\
	X(NO_CONNTRACK, "no-conntrack", "the packet has no connection tracking entry") \
	X(UNTRACKED, "untracked", "the packet is not tracked (notrack or invalid)") \
	X(DECRYPTED, "decrypted", "the packet arrived through IPsec")	\
	X(IP_OPTIONS, "ip-options", "the packet carries IP options or extension headers") \
	X(PROTOCOL, "protocol", "its protocol is neither TCP nor UDP")	\
	X(TCP_FLAGS, "tcp-flags", "the packet opens or closes the TCP connection") \
	X(TCP_STATE, "tcp-state", "the TCP connection is not established") \
	/* promotion: the connection */					\
	X(UNCONFIRMED, "unconfirmed", "conntrack has not confirmed it yet") \
	X(DYING, "dying", "its conntrack entry is being deleted")	\
	X(HELPER, "helper", "a conntrack helper reads its payload")	\
	X(SEQ_ADJUST, "seq-adjust", "its TCP sequence numbers are rewritten") \
	X(NAT_CLASH, "nat-clash", "its NAT mapping clashes with another's") \
	X(FIXED_TIMEOUT, "fixed-timeout", "its conntrack entry has a fixed end") \
	X(ALREADY, "already", "it is offloaded already")		\
	/* promotion: where its packets go */				\
	X(NO_ROUTE, "no-route", "one of its directions has no route")	\
	X(ROUTE_TYPE, "route-type", "a route is local, broadcast, multicast, encapsulating or faked by a bridge") \
	X(XFRM, "xfrm", "an IPsec policy applies to it")		\
	X(DEV_DOWN, "dev-down", "an output device is down")		\
	X(DEV_TYPE, "dev-type", "an output device has a link layer that cannot be prepared") \
	X(DEV_NOT_IN_TABLE, "dev-not-in-table", "a device it uses is not listed in the flowtable") \
	X(NEIGH, "neighbour", "a next hop has no valid neighbour entry") \
	X(NO_MEMORY, "no-memory", "memory ran out")			\
	X(TUPLE_BUSY, "tuple-busy", "another flow has the same addresses, ports and device") \
	/* the end of a flow */						\
	X(EXPIRED, "expired", "it was idle for the flowtable timeout")	\
	X(CT_GONE, "conntrack-gone", "its conntrack entry was deleted")	\
	X(TCP_CLOSE, "tcp-close", "a FIN, RST or SYN was seen")		\
	X(ROUTE_CHANGED, "route-changed", "its route changed")		\
	X(NEIGH_CHANGED, "neighbour-changed", "its next hop changed or failed") \
	X(DEV_GONE, "dev-gone", "one of its devices went down or away")	\
	X(TABLE_GONE, "table-gone", "its flowtable was deleted")	\
	X(NETNS_GONE, "netns-gone", "its network namespace ended")	\
	/* the hardware */						\
	X(HW_DRIVER, "hw-driver", "this version drives no hardware: flows of this device stay in software")

enum nfo_reason {
#define NFO_REASON_ENUM(name, key, text) NFO_R_##name,
	NFO_REASONS(NFO_REASON_ENUM)
#undef NFO_REASON_ENUM
	__NFO_R_MAX
};

#define NFO_R_MAX (__NFO_R_MAX - 1)

#endif /* _UAPI_NF_FLOW_OFFLOAD_H */
