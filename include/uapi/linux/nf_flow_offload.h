/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What the kernel module nf_flow_offload and its users agree on: generic
 * netlink family NFO_GENL_NAME, version NFO_GENL_VERSION. Everything is per
 * network namespace: a message concerns the namespace of its socket.
 *
 * Messages, with the attributes they take and give. A dump answers with one
 * message an object. u16 ports and addresses are big endian.
 *
 *   NFO_CMD_FLOW_GET        do: NFO_FLOW_L4PROTO, NFO_FLOW_ORIGINAL { SRC, DST,
 *                           SPORT, DPORT } [, NFO_FLOW_ZONE] -> one flow, by
 *                           the original direction of its connection. Without
 *                           a zone the tuple must be of one zone only
 *                           dump: [NFO_FLOW_FILTER { NFO_FILTER_* }] -> flows
 *   NFO_CMD_FLOW_DEL        do: as NFO_CMD_FLOW_GET, or NFO_FLOW_FILTER; an
 *                           empty filter means all.
 *                           -> NFO_FLOW_COUNT: flows handed back
 *   NFO_CMD_TABLE_GET       dump -> NFO_TABLE_*
 *   NFO_CMD_DEV_GET         dump -> NFO_DEV_*
 *   NFO_CMD_STATS_GET       do -> NFO_STATS_*
 *   NFO_CMD_SETTINGS_GET    do -> NFO_SETTINGS_*
 *   NFO_CMD_SETTINGS_SET    do: NFO_SETTINGS_* to change
 *   NFO_CMD_FLOW_EVENT      to multicast group NFO_GENL_GROUP_FLOWS:
 *                           NFO_FLOW_* with NFO_FLOW_EVENT and, at the end of
 *                           a flow, NFO_FLOW_REASON and its final counters
 *
 * A flow:
 *   NFO_FLOW_FAMILY u8, NFO_FLOW_TABLE, NFO_FLOW_FLOWTABLE strings
 *   NFO_FLOW_L3PROTO u8 (NFPROTO_*), NFO_FLOW_L4PROTO u8
 *   NFO_FLOW_STATE u8 (enum nfo_flow_state), NFO_FLOW_REASON u32
 *   NFO_FLOW_AGE_MS u64, NFO_FLOW_EXPIRES_MS u32, NFO_FLOW_CT_ID u32
 *   NFO_FLOW_MARK u32, NFO_FLOW_ZONE u16
 *   NFO_FLOW_ORIGINAL, NFO_FLOW_REPLY: nested
 *     NFO_DIR_SRC, NFO_DIR_DST, NFO_DIR_SPORT, NFO_DIR_DPORT  as packets arrive
 *     NFO_DIR_NEW_SRC, ..._NEW_DST, ..._NEW_SPORT, ..._NEW_DPORT  as they leave
 *     NFO_DIR_IIF u32, NFO_DIR_OIF u32, NFO_DIR_MTU u32
 *     NFO_DIR_PACKETS u64, NFO_DIR_BYTES u64 (IP packet lengths)
 *     NFO_DIR_HW u8, 1 when this direction is in hardware
 *
 * Errors, with a sentence in the extended ACK:
 *   EPERM     changing needs CAP_NET_ADMIN in the namespace
 *   EINVAL    an attribute is missing, malformed, unknown or makes no sense here
 *   ERANGE    an attribute is out of range
 *   ENOENT    no such flow
 *   ENOTUNIQ  flows in several conntrack zones have this tuple
 *   ENODEV    the namespace is going away
 *   ENOMEM    memory ran out
 *
 * A reason says why a connection is not, or no longer, in the fast path. All
 * numbers here are part of the interface: new ones go to the end.
 */
#ifndef _UAPI_NF_FLOW_OFFLOAD_H
#define _UAPI_NF_FLOW_OFFLOAD_H

#define NFO_GENL_NAME		"nf_flow_offload"
#define NFO_GENL_VERSION	1
#define NFO_GENL_GROUP_FLOWS	"flows"

enum nfo_cmd {
	NFO_CMD_UNSPEC,
	NFO_CMD_FLOW_GET,
	NFO_CMD_FLOW_DEL,
	NFO_CMD_FLOW_EVENT,
	NFO_CMD_TABLE_GET,
	NFO_CMD_DEV_GET,
	NFO_CMD_STATS_GET,
	NFO_CMD_SETTINGS_GET,
	NFO_CMD_SETTINGS_SET,

	__NFO_CMD_MAX
};

#define NFO_CMD_MAX (__NFO_CMD_MAX - 1)

enum nfo_flow_attr {
	NFO_FLOW_UNSPEC,
	NFO_FLOW_PAD,
	NFO_FLOW_FILTER,	/* nested NFO_FILTER_* */
	NFO_FLOW_COUNT,		/* u32 */
	NFO_FLOW_EVENT,		/* u8, enum nfo_flow_event */
	NFO_FLOW_FAMILY,	/* u8, family of the nft table */
	NFO_FLOW_TABLE,		/* string, nft table */
	NFO_FLOW_FLOWTABLE,	/* string */
	NFO_FLOW_L3PROTO,	/* u8, NFPROTO_IPV4 or NFPROTO_IPV6 */
	NFO_FLOW_L4PROTO,	/* u8, IPPROTO_* */
	NFO_FLOW_STATE,		/* u8, enum nfo_flow_state */
	NFO_FLOW_REASON,	/* u32, enum nfo_reason */
	NFO_FLOW_AGE_MS,	/* u64, since promotion */
	NFO_FLOW_EXPIRES_MS,	/* u32, if no packet comes */
	NFO_FLOW_CT_ID,		/* u32, conntrack's id */
	NFO_FLOW_MARK,		/* u32, conntrack mark */
	NFO_FLOW_ZONE,		/* u16, conntrack zone */
	NFO_FLOW_ORIGINAL,	/* nested NFO_DIR_* */
	NFO_FLOW_REPLY,		/* nested NFO_DIR_* */

	__NFO_FLOW_MAX
};

#define NFO_FLOW_MAX (__NFO_FLOW_MAX - 1)

enum nfo_dir_attr {
	NFO_DIR_UNSPEC,
	NFO_DIR_PAD,
	NFO_DIR_SRC,		/* 4 or 16 bytes */
	NFO_DIR_DST,		/* 4 or 16 bytes */
	NFO_DIR_SPORT,		/* be16 */
	NFO_DIR_DPORT,		/* be16 */
	NFO_DIR_NEW_SRC,	/* 4 or 16 bytes */
	NFO_DIR_NEW_DST,	/* 4 or 16 bytes */
	NFO_DIR_NEW_SPORT,	/* be16 */
	NFO_DIR_NEW_DPORT,	/* be16 */
	NFO_DIR_IIF,		/* u32 */
	NFO_DIR_OIF,		/* u32 */
	NFO_DIR_MTU,		/* u32, bytes */
	NFO_DIR_PACKETS,	/* u64 */
	NFO_DIR_BYTES,		/* u64 */
	NFO_DIR_HW,		/* u8, 1: in hardware now */

	__NFO_DIR_MAX
};

#define NFO_DIR_MAX (__NFO_DIR_MAX - 1)

/* A flow passes a filter when it matches every attribute given. */
enum nfo_filter_attr {
	NFO_FILTER_UNSPEC,
	NFO_FILTER_L3PROTO,	/* u8, NFPROTO_IPV4 or NFPROTO_IPV6 */
	NFO_FILTER_L4PROTO,	/* u8 */
	NFO_FILTER_ADDR,	/* 4 or 16 bytes: any address of the connection */
	NFO_FILTER_PREFIX,	/* u8, with NFO_FILTER_ADDR; default all bits */
	NFO_FILTER_PORT,	/* be16: any port of the connection */
	NFO_FILTER_DEV,		/* u32: any device of the connection */
	NFO_FILTER_STATE,	/* u8, enum nfo_flow_state */
	NFO_FILTER_FLOWTABLE,	/* string */
	NFO_FILTER_TABLE,	/* string, nft table */
	NFO_FILTER_ZONE,	/* u16, conntrack zone */

	__NFO_FILTER_MAX
};

#define NFO_FILTER_MAX (__NFO_FILTER_MAX - 1)

enum nfo_table_attr {
	NFO_TABLE_UNSPEC,
	NFO_TABLE_FAMILY,	/* u8 */
	NFO_TABLE_TABLE,	/* string, nft table */
	NFO_TABLE_FLOWTABLE,	/* string */
	NFO_TABLE_FLAGS,	/* u32: 1 offload, 2 counter, as nf_tables has them */
	NFO_TABLE_FLOWS,	/* u32 */
	NFO_TABLE_DEVS,		/* u32 */
	NFO_TABLE_SOFTWARE,	/* u32, of NFO_TABLE_FLOWS those in NFO_STATE_SOFTWARE */
	NFO_TABLE_ONEWAY,	/* u32, in NFO_STATE_ONEWAY */
	NFO_TABLE_QUEUED,	/* u32, in NFO_STATE_QUEUED */
	NFO_TABLE_HARDWARE,	/* u32, in NFO_STATE_HARDWARE */
	NFO_TABLE_HALF,		/* u32, in NFO_STATE_HALF */

	__NFO_TABLE_MAX
};

#define NFO_TABLE_MAX (__NFO_TABLE_MAX - 1)

enum nfo_dev_attr {
	NFO_DEV_UNSPEC,
	NFO_DEV_IFINDEX,	/* u32 */
	NFO_DEV_FAMILY,		/* u8 */
	NFO_DEV_TABLE,		/* string, nft table */
	NFO_DEV_FLOWTABLE,	/* string */
	NFO_DEV_HW,		/* u8, enum nfo_dev_hw */
	NFO_DEV_REASON,		/* u32, enum nfo_reason: why not in hardware */
	NFO_DEV_ERRNO,		/* u32, the driver's error, positive */
	NFO_DEV_MESSAGE,	/* string, the driver's extended ACK */

	__NFO_DEV_MAX
};

#define NFO_DEV_MAX (__NFO_DEV_MAX - 1)

enum nfo_stats_attr {
	NFO_STATS_UNSPEC,
	NFO_STATS_PAD,
	NFO_STATS_FLOWS,	/* u32, now */
	NFO_STATS_TABLES,	/* u32, now */
	NFO_STATS_ADDED,	/* u64, flows promoted since load */
	NFO_STATS_REVERIFIED,	/* u64, entries looked at again after an event */
	NFO_STATS_EPOCH,	/* u32, topology epoch */
	NFO_STATS_VERSION,	/* string, of the module */
	NFO_STATS_REASON,	/* nested, once a reason: NFO_REASON_* */

	__NFO_STATS_MAX
};

#define NFO_STATS_MAX (__NFO_STATS_MAX - 1)

enum nfo_reason_attr {
	NFO_REASON_UNSPEC,
	NFO_REASON_PAD,
	NFO_REASON_ID,		/* u32, enum nfo_reason */
	NFO_REASON_NAME,	/* string */
	NFO_REASON_COUNT,	/* u64 */

	__NFO_REASON_MAX
};

#define NFO_REASON_MAX (__NFO_REASON_MAX - 1)

enum nfo_settings_attr {
	NFO_SETTINGS_UNSPEC,
	NFO_SETTINGS_PROMOTE_AFTER, /* u32, packets conntrack must have counted; 0 none */
	NFO_SETTINGS_MAX_FLOWS,	/* u32, in the namespace; 0 no limit */
	NFO_SETTINGS_HW_AFTER,	/* u32, packets before a flow asks for hardware */
	NFO_SETTINGS_HW_BUDGET,	/* u32, rules a device is given from its next binding on; 0 learn */
	NFO_SETTINGS_HW_QUEUE,	/* u32, flows that may wait for a chip */
	NFO_SETTINGS_HW_SYNC_MS, /* u32, period of reading hardware counters; 100 at least */
	NFO_SETTINGS_HW_RATE,	/* u32, packets per second that do instead of HW_AFTER; 0 off */
	NFO_SETTINGS_HW_HYSTERESIS, /* u32, percent busier than whom it displaces */
	NFO_SETTINGS_HW_ONEWAY,	/* u32, 1: one direction alone may go into hardware */

	__NFO_SETTINGS_MAX
};

#define NFO_SETTINGS_MAX (__NFO_SETTINGS_MAX - 1)

enum nfo_flow_state {
	NFO_STATE_UNSPEC,
	NFO_STATE_SOFTWARE,	/* both directions in the software fast path */
	NFO_STATE_ONEWAY,	/* UDP without a reply: original direction only */
	NFO_STATE_QUEUED,	/* on its way into hardware */
	NFO_STATE_HARDWARE,
	NFO_STATE_HALF,		/* one direction in hardware, the other cannot (hw_oneway) */

	__NFO_STATE_MAX
};

#define NFO_STATE_MAX (__NFO_STATE_MAX - 1)

enum nfo_flow_event {
	NFO_EVENT_UNSPEC,
	NFO_EVENT_NEW,
	NFO_EVENT_HARDWARE,
	NFO_EVENT_FAILED,
	NFO_EVENT_EVICTED,
	NFO_EVENT_DESTROY,

	__NFO_EVENT_MAX
};

#define NFO_EVENT_MAX (__NFO_EVENT_MAX - 1)

enum nfo_dev_hw {
	NFO_DEV_HW_NONE,	/* software only; see NFO_DEV_REASON */
	NFO_DEV_HW_FT,		/* bound by TC_SETUP_FT */
	NFO_DEV_HW_BLOCK,	/* bound by TC_SETUP_BLOCK */
	NFO_DEV_HW_INDIRECT,	/* bound by indirect blocks */

	__NFO_DEV_HW_MAX
};

/**
 * enum nfo_reason - one rung of one ladder each
 * @NFO_R_NONE: nothing keeps it there
 * @NFO_R_NO_CONNTRACK: the packet has no connection tracking entry
 * @NFO_R_UNTRACKED: the packet is not tracked (notrack or invalid)
 * @NFO_R_DECRYPTED: the packet arrived through IPsec
 * @NFO_R_IP_OPTIONS: the packet carries IP options or extension headers
 * @NFO_R_PROTOCOL: its protocol is neither TCP nor UDP
 * @NFO_R_TCP_FLAGS: the packet opens or closes the TCP connection
 * @NFO_R_TCP_STATE: the TCP connection is not established
 * @NFO_R_UNCONFIRMED: conntrack has not confirmed it yet
 * @NFO_R_DYING: its conntrack entry is being deleted
 * @NFO_R_HELPER: a conntrack helper reads its payload
 * @NFO_R_SEQ_ADJUST: its TCP sequence numbers are rewritten
 * @NFO_R_NAT_CLASH: its NAT mapping clashes with another's
 * @NFO_R_FIXED_TIMEOUT: its conntrack entry has a fixed end
 * @NFO_R_ALREADY: it is offloaded already
 * @NFO_R_NO_ROUTE: one of its directions has no route
 * @NFO_R_ROUTE_TYPE: a route is local, broadcast, multicast, encapsulating or faked by a bridge
 * @NFO_R_XFRM: an IPsec policy applies to it
 * @NFO_R_DEV_DOWN: an output device is down
 * @NFO_R_DEV_TYPE: an output device has a link layer that cannot be prepared
 * @NFO_R_DEV_NOT_IN_TABLE: a device it uses is not listed in the flowtable
 * @NFO_R_NEIGH: a next hop has no valid neighbour entry
 * @NFO_R_NO_MEMORY: memory ran out
 * @NFO_R_TUPLE_BUSY: another flow has the same addresses, ports and device
 * @NFO_R_EXPIRED: it was idle for the flowtable timeout
 * @NFO_R_CT_GONE: its conntrack entry was deleted
 * @NFO_R_TCP_CLOSE: a FIN, RST or SYN was seen
 * @NFO_R_ROUTE_CHANGED: its route changed
 * @NFO_R_NEIGH_CHANGED: its next hop changed or failed
 * @NFO_R_DEV_GONE: one of its devices went down or away
 * @NFO_R_TABLE_GONE: its flowtable was deleted
 * @NFO_R_NETNS_GONE: its network namespace ended
 * @NFO_R_HW_DRIVER: the device's driver offers no flow offload, or lost the device (ENODEV)
 * @NFO_R_PROMOTE_AFTER: it has not shown enough packets yet (setting promote_after)
 * @NFO_R_MAX_FLOWS: the namespace has as many flows as it may (setting max_flows)
 * @NFO_R_USER: somebody asked for its removal
 * @NFO_R_HW_OFF: its flowtable does not ask for hardware (flags offload)
 * @NFO_R_HW_FEATURE: hw-tc-offload is switched off for the device (ethtool -K)
 * @NFO_R_HW_SHAPE: the driver cannot do rules of this kind, or this pair of devices
 * @NFO_R_HW_FULL: the hardware's table is full and nothing in it is colder
 * @NFO_R_HW_BUSY: the driver failed in passing and is given time
 * @NFO_R_HW_QUEUE: the queue to the hardware is full
 * @NFO_R_HW_EVICTED: it gave its place in hardware to a busier one
 * @NFO_R_DEV_STACK: between a device it uses and the listed one below stands
 *	what cannot be seen through
 *
 * Read "the connection stays in, or returned to, the slow path because ...".
 */
enum nfo_reason {
	NFO_R_NONE,

	/* promotion: the packet that asks */
	NFO_R_NO_CONNTRACK,
	NFO_R_UNTRACKED,
	NFO_R_DECRYPTED,
	NFO_R_IP_OPTIONS,
	NFO_R_PROTOCOL,
	NFO_R_TCP_FLAGS,
	NFO_R_TCP_STATE,

	/* promotion: the connection */
	NFO_R_UNCONFIRMED,
	NFO_R_DYING,
	NFO_R_HELPER,
	NFO_R_SEQ_ADJUST,
	NFO_R_NAT_CLASH,
	NFO_R_FIXED_TIMEOUT,
	NFO_R_ALREADY,

	/* promotion: where its packets go */
	NFO_R_NO_ROUTE,
	NFO_R_ROUTE_TYPE,
	NFO_R_XFRM,
	NFO_R_DEV_DOWN,
	NFO_R_DEV_TYPE,
	NFO_R_DEV_NOT_IN_TABLE,
	NFO_R_NEIGH,
	NFO_R_NO_MEMORY,
	NFO_R_TUPLE_BUSY,

	/* the end of a flow */
	NFO_R_EXPIRED,
	NFO_R_CT_GONE,
	NFO_R_TCP_CLOSE,
	NFO_R_ROUTE_CHANGED,
	NFO_R_NEIGH_CHANGED,
	NFO_R_DEV_GONE,
	NFO_R_TABLE_GONE,
	NFO_R_NETNS_GONE,

	/* hardware */
	NFO_R_HW_DRIVER,

	/* settings and users */
	NFO_R_PROMOTE_AFTER,
	NFO_R_MAX_FLOWS,
	NFO_R_USER,

	/* hardware again */
	NFO_R_HW_OFF,
	NFO_R_HW_FEATURE,
	NFO_R_HW_SHAPE,
	NFO_R_HW_FULL,
	NFO_R_HW_BUSY,
	NFO_R_HW_QUEUE,
	NFO_R_HW_EVICTED,
	NFO_R_DEV_STACK,

	__NFO_R_MAX
};

#define NFO_R_MAX (__NFO_R_MAX - 1)

#endif /* _UAPI_NF_FLOW_OFFLOAD_H */
