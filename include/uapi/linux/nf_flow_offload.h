/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What the kernel module nf_flow_offload and its users agree on.
 *
 * A reason says why a connection is not, or no longer, in the fast path.
 * The numbers are part of the interface: new ones go to the end.
 */
#ifndef _UAPI_NF_FLOW_OFFLOAD_H
#define _UAPI_NF_FLOW_OFFLOAD_H

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
 * @NFO_R_HW_DRIVER: this version drives no hardware: flows of this device stay in software
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

	__NFO_R_MAX
};

#define NFO_R_MAX (__NFO_R_MAX - 1)

#endif /* _UAPI_NF_FLOW_OFFLOAD_H */
