/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Written by scripts/gen-netlink from docs/netlink/nf_flow_offload.yaml: change that.
 *
 * Generic netlink family NFO_GENL_NAME, version NFO_GENL_VERSION.
 *
 * What the kernel module nf_flow_offload and its users agree on. Everything is per
 * network namespace: a message concerns the namespace of its socket.
 *
 * A dump answers with one message an object. Ports and addresses are big endian. One
 * flow is named by the original direction of its connection: both addresses, both
 * ports, the protocol; without a zone the tuple must be of one zone only. An ICMP
 * echo has its identifier for the source port, type and code for the other one; a
 * protocol without ports has 0. An empty filter means all flows. Bytes are lengths of
 * IP packets.
 *
 * Errors, with a sentence in the extended ACK:
 *   EPERM     CAP_NET_ADMIN in the namespace is needed
 *   EINVAL    an attribute is missing, malformed, unknown or makes no sense here
 *   ERANGE    an attribute is out of range
 *   ENOENT    no such flow
 *   ENOTUNIQ  flows in several conntrack zones have this tuple
 *   ENODEV    the namespace is going away
 *   ENOMEM    memory ran out
 *
 * A reason says why a connection is not, or no longer, in the fast path. All numbers
 * here are part of the interface: new ones go to the end of their list.
 *
 * Messages, with the attributes they take and, after ->, those of the answer:
 *
 *   NFO_CMD_FLOW_GET: one flow by its original direction, or all that pass a
 *     filter
 *     do: NFO_FLOW_L4PROTO, NFO_FLOW_ZONE, NFO_FLOW_ORIGINAL { NFO_DIR_* of
 *         SRC, DST, SPORT, DPORT }
 *       -> NFO_FLOW_FAMILY, NFO_FLOW_TABLE, NFO_FLOW_FLOWTABLE,
 *          NFO_FLOW_L3PROTO, NFO_FLOW_L4PROTO, NFO_FLOW_STATE, NFO_FLOW_REASON,
 *          NFO_FLOW_AGE_MS, NFO_FLOW_EXPIRES_MS, NFO_FLOW_CT_ID, NFO_FLOW_MARK,
 *          NFO_FLOW_ZONE, NFO_FLOW_ORIGINAL, NFO_FLOW_REPLY
 *     dump: NFO_FLOW_FILTER { NFO_FILTER_* }
 *       -> the same
 *   NFO_CMD_FLOW_DEL: hand flows back to the slow path, one or those that pass
 *     a filter
 *     do: NFO_FLOW_L4PROTO, NFO_FLOW_ZONE, NFO_FLOW_ORIGINAL { NFO_DIR_* of
 *         SRC, DST, SPORT, DPORT }, NFO_FLOW_FILTER { NFO_FILTER_* }
 *       -> NFO_FLOW_COUNT
 *   NFO_CMD_FLOW_EVENT: something happened to a flow; its end comes with its
 *     reason and final counters
 *     to the multicast group flows: NFO_FLOW_EVENT, NFO_FLOW_FAMILY,
 *         NFO_FLOW_TABLE, NFO_FLOW_FLOWTABLE, NFO_FLOW_L3PROTO,
 *         NFO_FLOW_L4PROTO, NFO_FLOW_STATE, NFO_FLOW_REASON, NFO_FLOW_AGE_MS,
 *         NFO_FLOW_EXPIRES_MS, NFO_FLOW_CT_ID, NFO_FLOW_MARK, NFO_FLOW_ZONE,
 *         NFO_FLOW_ORIGINAL, NFO_FLOW_REPLY
 *   NFO_CMD_TABLE_GET: the flowtables
 *     dump: nothing
 *       -> NFO_TABLE_FAMILY, NFO_TABLE_TABLE, NFO_TABLE_FLOWTABLE,
 *          NFO_TABLE_FLAGS, NFO_TABLE_FLOWS, NFO_TABLE_DEVS,
 *          NFO_TABLE_SOFTWARE, NFO_TABLE_ONEWAY, NFO_TABLE_QUEUED,
 *          NFO_TABLE_HARDWARE, NFO_TABLE_HALF, NFO_TABLE_MEMORY
 *   NFO_CMD_DEV_GET: the devices of the flowtables
 *     dump: nothing
 *       -> NFO_DEV_IFINDEX, NFO_DEV_FAMILY, NFO_DEV_TABLE, NFO_DEV_FLOWTABLE,
 *          NFO_DEV_HW, NFO_DEV_REASON, NFO_DEV_ERRNO, NFO_DEV_MESSAGE
 *   NFO_CMD_STATS_GET: counters, and how often each reason was met
 *     do: nothing
 *       -> NFO_STATS_FLOWS, NFO_STATS_TABLES, NFO_STATS_ADDED,
 *          NFO_STATS_REVERIFIED, NFO_STATS_EPOCH, NFO_STATS_VERSION,
 *          NFO_STATS_REASON, NFO_STATS_FLOW_SIZE, NFO_STATS_FLOW_SIZE6,
 *          NFO_STATS_MEMORY, NFO_STATS_RECHECK_MS
 *   NFO_CMD_SETTINGS_GET: the settings
 *     do: nothing
 *       -> NFO_SETTINGS_PROMOTE_AFTER, NFO_SETTINGS_MAX_FLOWS,
 *          NFO_SETTINGS_HW_AFTER, NFO_SETTINGS_HW_BUDGET,
 *          NFO_SETTINGS_HW_QUEUE, NFO_SETTINGS_HW_SYNC_MS,
 *          NFO_SETTINGS_HW_RATE, NFO_SETTINGS_HW_HYSTERESIS,
 *          NFO_SETTINGS_HW_ONEWAY, NFO_SETTINGS_POLICY,
 *          NFO_SETTINGS_RULESET_MS, NFO_SETTINGS_HW_OVERSIZE,
 *          NFO_SETTINGS_ICMP_ECHO, NFO_SETTINGS_DEV_COUNTERS,
 *          NFO_SETTINGS_HW_BYPASS, NFO_SETTINGS_RECHECK_MS,
 *          NFO_SETTINGS_UDP_ANSWERS
 *   NFO_CMD_SETTINGS_SET: change those settings that are given
 *     do: NFO_SETTINGS_PROMOTE_AFTER, NFO_SETTINGS_MAX_FLOWS,
 *         NFO_SETTINGS_HW_AFTER, NFO_SETTINGS_HW_BUDGET, NFO_SETTINGS_HW_QUEUE,
 *         NFO_SETTINGS_HW_SYNC_MS, NFO_SETTINGS_HW_RATE,
 *         NFO_SETTINGS_HW_HYSTERESIS, NFO_SETTINGS_HW_ONEWAY,
 *         NFO_SETTINGS_POLICY, NFO_SETTINGS_RULESET_MS,
 *         NFO_SETTINGS_HW_OVERSIZE, NFO_SETTINGS_ICMP_ECHO,
 *         NFO_SETTINGS_DEV_COUNTERS, NFO_SETTINGS_HW_BYPASS,
 *         NFO_SETTINGS_RECHECK_MS, NFO_SETTINGS_UDP_ANSWERS
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
	NFO_FLOW_COUNT,		/* u32, flows handed back */
	NFO_FLOW_EVENT,		/* u8, enum nfo_flow_event */
	NFO_FLOW_FAMILY,	/* u8, family of the nft table */
	NFO_FLOW_TABLE,		/* string, nft table */
	NFO_FLOW_FLOWTABLE,	/* string */
	NFO_FLOW_L3PROTO,	/* u8, NFPROTO_IPV4 or NFPROTO_IPV6 */
	NFO_FLOW_L4PROTO,	/* u8, IPPROTO_* */
	NFO_FLOW_STATE,		/* u8, enum nfo_flow_state */
	NFO_FLOW_REASON,	/* u32, enum nfo_reason, of an event; or why not in hardware */
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

/* A direction's addresses and ports as its packets arrive, and the new ones as they leave. */
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
	NFO_DIR_IIF,		/* u32, device that packets enter by */
	NFO_DIR_OIF,		/* u32, device that packets leave by */
	NFO_DIR_MTU,		/* u32, bytes */
	NFO_DIR_PACKETS,	/* u64 */
	NFO_DIR_BYTES,		/* u64, of IP packets */
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
	NFO_FILTER_PREFIX,	/* u8, with an address; default all bits */
	NFO_FILTER_PORT,	/* be16, any port of the connection */
	NFO_FILTER_DEV,		/* u32, any device of the connection */
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
	NFO_TABLE_FLAGS,	/* u32, 1 offload, 2 counter, as nf_tables has them */
	NFO_TABLE_FLOWS,	/* u32 */
	NFO_TABLE_DEVS,		/* u32 */
	NFO_TABLE_SOFTWARE,	/* u32, of its flows, those in NFO_STATE_SOFTWARE */
	NFO_TABLE_ONEWAY,	/* u32, in NFO_STATE_ONEWAY */
	NFO_TABLE_QUEUED,	/* u32, in NFO_STATE_QUEUED */
	NFO_TABLE_HARDWARE,	/* u32, in NFO_STATE_HARDWARE */
	NFO_TABLE_HALF,		/* u32, in NFO_STATE_HALF */
	NFO_TABLE_PAD,
	NFO_TABLE_MEMORY,	/* u64, bytes of the table, its hash table and its flows */

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
	NFO_DEV_REASON,		/* u32, enum nfo_reason, why not in hardware */
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
	NFO_STATS_REVERIFIED,	/* u64, packets that a stale entry sent the classic way */
	NFO_STATS_EPOCH,	/* u32, how many changes the namespace has seen */
	NFO_STATS_VERSION,	/* string, of the module */
	NFO_STATS_REASON,	/* nested NFO_REASON_*, once a reason */
	NFO_STATS_FLOW_SIZE,	/* u32, bytes of an IPv4 flow */
	NFO_STATS_FLOW_SIZE6,	/* u32, bytes of an IPv6 flow */
	NFO_STATS_MEMORY,	/* u64, bytes of tables, flows, their routes, journal, counters */
	NFO_STATS_RECHECK_MS,	/* u32, how often a direction passes the ruleset anew; 0: never */

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

/**
 * enum nfo_settings_attr - settings of a network namespace
 * @NFO_SETTINGS_PROMOTE_AFTER: u32, 0 or more packets, default 0: packets that
 *	conntrack must have counted, both directions together, before a connection is
 *	promoted; 0 for none. It is for inspection that needs to see the beginning of
 *	a connection. Setting it turns conntrack's accounting on for new connections.
 * @NFO_SETTINGS_MAX_FLOWS: u32, 0 or more flows, default 0: as many flows as
 *	there may be in the namespace; 0 for as many as conntrack may have
 *	connections, net.netfilter.nf_conntrack_max.
 * @NFO_SETTINGS_HW_AFTER: u32, 0 or more packets, default 8: packets of both
 *	directions before a flow asks for a place in hardware.
 * @NFO_SETTINGS_HW_BUDGET: u32, 0 or more rules, default 0: rules that a
 *	device's hardware is given, two for each connection, from the next time the
 *	device joins a flowtable; 0 for as many as the driver takes.
 * @NFO_SETTINGS_HW_QUEUE: u32, 1 or more flows, default 4096: flows of one
 *	flowtable that may wait for one chip, which is a device of its own or the
 *	ports of one switch. A flow that finds as many waiting asks again later.
 * @NFO_SETTINGS_HW_SYNC_MS: u32, 100 to 32767 milliseconds, default 1000:
 *	period in which hardware counters are read.
 * @NFO_SETTINGS_HW_RATE: u32, 0 or more packets per second, default 0: packets
 *	per second of both directions, measured over a quarter of a second at least,
 *	that let a flow ask for hardware before it has shown hw_after packets; 0 when
 *	hw_after alone counts.
 * @NFO_SETTINGS_HW_HYSTERESIS: u32, 0 to 10000 percent, default 100: how much
 *	busier than the least busy flow of a full hardware table another flow must be
 *	to take its place; 100 is twice as busy. 16 packets per second come on top.
 * @NFO_SETTINGS_HW_ONEWAY: u32, 0 to 1, default 0: 1 to let one direction go
 *	into hardware alone when the device of the other direction cannot, for want
 *	of a driver or because the driver refused. Conntrack does not call such a
 *	connection [HW_OFFLOAD], and its state is half. 0 for both directions or
 *	none.
 * @NFO_SETTINGS_POLICY: u32, 0 to 1, default 0: what a change of the ruleset
 *	does to connections that are in the fast path. 0: after each commit of
 *	nf_tables a packet of each direction passes the ruleset once more, and the
 *	connection goes on only if that packet is accepted; in hardware the forward
 *	chains count at once, the others in turn. 1: nothing, as in mainline.
 * @NFO_SETTINGS_RULESET_MS: u32, 0 to 32767 milliseconds, default 100: window
 *	in which changes of the ruleset count as one: the first acts at once, those
 *	in the window after it together at its end. For rulesets whose sets change
 *	many times a second; while changes go on without a pause, windows become up
 *	to eight times as long.
 * @NFO_SETTINGS_HW_OVERSIZE: u32, 0 to 1, default 0: 1 to let a direction into
 *	hardware though its ingress device may receive larger packets than its egress
 *	takes, and the hardware would send these as they are. 0 to leave it in
 *	software. Chips that give such packets to the host need no setting.
 * @NFO_SETTINGS_ICMP_ECHO: u32, 0 to 1, default 0: 1 to let the echo requests
 *	and replies of a `ping` into the fast path, of ICMP and of ICMPv6. A rule has
 *	to match them with flow add as well.
 * @NFO_SETTINGS_DEV_COUNTERS: u32, 0 to 1, default 1: 1 to have devices that
 *	packets pass unseen, between the listed device and the one that routing uses,
 *	count what they would have received, and sent where hardware sends in their
 *	place or software sends to a bridge's port itself; 0 to spare the work.
 * @NFO_SETTINGS_HW_BYPASS: u32, 0 to 1, default 0: 1 to let flows into hardware
 *	though a tc filter, an XDP program or a netdev chain of a device on their
 *	way, or the qdisc that shapes what it sends, would not see their packets
 *	there. 0 to leave them in software, where each of these sees every packet.
 * @NFO_SETTINGS_RECHECK_MS: u32, 0 to 32767 milliseconds, default 5000: how
 *	often a packet of each direction passes the ruleset once more while the
 *	ruleset has rules whose answer changes without a commit: elements that time
 *	out or that packets add, the time of day, quotas, what a connection has had,
 *	rules of iptables' own tables. Without such rules no packet does. 0, or with
 *	policy 1: none does. With more than 10000 flows a second and processor the
 *	time becomes two, four, up to 1024 times as long.
 * @NFO_SETTINGS_UDP_ANSWERS: u32, 0 to 255 packets, default 2: how many packets
 *	of the reply direction do not promote a UDP connection, as most have ended
 *	with an answer or two (DNS, NTP). The next packet of the original direction
 *	promotes it, one answer more, and any packet once conntrack calls the
 *	connection assured. 0: the first answer promotes it.
 */
enum nfo_settings_attr {
	NFO_SETTINGS_UNSPEC,
	NFO_SETTINGS_PROMOTE_AFTER,
	NFO_SETTINGS_MAX_FLOWS,
	NFO_SETTINGS_HW_AFTER,
	NFO_SETTINGS_HW_BUDGET,
	NFO_SETTINGS_HW_QUEUE,
	NFO_SETTINGS_HW_SYNC_MS,
	NFO_SETTINGS_HW_RATE,
	NFO_SETTINGS_HW_HYSTERESIS,
	NFO_SETTINGS_HW_ONEWAY,
	NFO_SETTINGS_POLICY,
	NFO_SETTINGS_RULESET_MS,
	NFO_SETTINGS_HW_OVERSIZE,
	NFO_SETTINGS_ICMP_ECHO,
	NFO_SETTINGS_DEV_COUNTERS,
	NFO_SETTINGS_HW_BYPASS,
	NFO_SETTINGS_RECHECK_MS,
	NFO_SETTINGS_UDP_ANSWERS,

	__NFO_SETTINGS_MAX
};

#define NFO_SETTINGS_MAX (__NFO_SETTINGS_MAX - 1)

enum nfo_flow_state {
	NFO_STATE_UNSPEC,
	NFO_STATE_SOFTWARE,	/* both directions in the software fast path */
	NFO_STATE_ONEWAY,	/* one direction in software; the other has not been learned yet */
	NFO_STATE_QUEUED,	/* on its way into hardware */
	NFO_STATE_HARDWARE,	/* both directions in hardware */
	NFO_STATE_HALF,		/* one direction in hardware, the other cannot (hw_oneway) */

	__NFO_STATE_MAX
};

#define NFO_STATE_MAX (__NFO_STATE_MAX - 1)

enum nfo_flow_event {
	NFO_EVENT_UNSPEC,
	NFO_EVENT_NEW,		/* promoted into the software fast path */
	NFO_EVENT_HARDWARE,	/* the hardware has taken it */
	NFO_EVENT_FAILED,	/* the hardware has refused it */
	NFO_EVENT_EVICTED,	/* it left the hardware for a busier flow */
	NFO_EVENT_DESTROY,	/* it has left the fast path, see its reason */

	__NFO_EVENT_MAX
};

#define NFO_EVENT_MAX (__NFO_EVENT_MAX - 1)

enum nfo_dev_hw {
	NFO_DEV_HW_NONE,	/* software only, see the device's reason */
	NFO_DEV_HW_FT,		/* bound by TC_SETUP_FT */
	NFO_DEV_HW_BLOCK,	/* bound by TC_SETUP_BLOCK */
	NFO_DEV_HW_INDIRECT,	/* bound by indirect blocks */

	__NFO_DEV_HW_MAX
};

/**
 * enum nfo_reason - why a connection stays in the slow path, or has returned to it
 * @NFO_R_NONE: nothing keeps the connection there
 * @NFO_R_NO_CONNTRACK: conntrack found no entry for the packet and made none
 * @NFO_R_UNTRACKED: conntrack does not track the packet, most often because a
 *	rule says notrack
 * @NFO_R_DECRYPTED: the packet arrived through IPsec, and its connection has
 *	NAT
 * @NFO_R_IP_OPTIONS: the packet carries IP options or IPv6 extension headers
 * @NFO_R_PROTOCOL: its protocol is not one that the fast path carries (TCP,
 *	UDP, udplite, SCTP, ESP, GRE of version 0, IP in IP, ICMP echo), or the
 *	packet only relates to the connection
 * @NFO_R_TCP_FLAGS: the packet opens or closes the TCP connection
 * @NFO_R_TCP_STATE: the TCP connection is not established, or is closing
 * @NFO_R_UNCONFIRMED: the packet is the first of its connection, which
 *	conntrack has not confirmed
 * @NFO_R_DYING: the connection's conntrack entry is being deleted
 * @NFO_R_HELPER: a conntrack helper reads the connection's payload
 * @NFO_R_SEQ_ADJUST: the connection's TCP sequence numbers are rewritten
 *	(synproxy, or a NAT helper)
 * @NFO_R_NAT_CLASH: another connection has taken the connection's NAT mapping
 * @NFO_R_FIXED_TIMEOUT: the conntrack entry has a fixed end, which a program
 *	has set
 * @NFO_R_ALREADY: the connection is in the fast path already, and this packet
 *	came the slow way
 * @NFO_R_NO_ROUTE: one direction of the connection has no route, or a route
 *	that refuses packets
 * @NFO_R_ROUTE_TYPE: a route of the connection is local, broadcast, multicast,
 *	encapsulating or a bridge's own
 * @NFO_R_XFRM: an IPsec policy applies to the connection; the software fast
 *	path carries it, hardware does not
 * @NFO_R_DEV_DOWN: a device that the connection leaves by is down
 * @NFO_R_DEV_TYPE: a device that the connection leaves by has a link layer for
 *	which no header can be prepared
 * @NFO_R_DEV_NOT_IN_TABLE: a device of the connection is not listed in the
 *	flowtable, nor is a device below it
 * @NFO_R_NEIGH: the link-layer address of a next hop is not known
 * @NFO_R_NO_MEMORY: memory ran out
 * @NFO_R_TUPLE_BUSY: another flow has the same addresses, ports and ingress
 *	device
 * @NFO_R_EXPIRED: no packet of the connection came for the flowtable timeout
 * @NFO_R_CT_GONE: the connection's conntrack entry was deleted
 * @NFO_R_TCP_CLOSE: a FIN, RST or SYN of the connection was seen
 * @NFO_R_ROUTE_CHANGED: the connection's route changed
 * @NFO_R_NEIGH_CHANGED: the connection's next hop got another link-layer
 *	address, or does not answer
 * @NFO_R_DEV_GONE: a device of the connection went down, was removed or left
 *	the flowtable
 * @NFO_R_TABLE_GONE: the connection's flowtable was deleted
 * @NFO_R_NETNS_GONE: the network namespace ended
 * @NFO_R_HW_DRIVER: the device's driver offers no flow offload, or has lost its
 *	hardware (ENODEV)
 * @NFO_R_PROMOTE_AFTER: the connection has not shown as many packets as the
 *	setting promote_after asks for
 * @NFO_R_MAX_FLOWS: the namespace has as many flows as the setting max_flows
 *	allows, or, while it is 0, as net.netfilter.nf_conntrack_max
 * @NFO_R_USER: somebody asked for the removal of the flow (nft-offload flush)
 * @NFO_R_HW_OFF: the flowtable does not ask for hardware
 * @NFO_R_HW_FEATURE: hw-tc-offload is switched off for the device
 * @NFO_R_HW_SHAPE: the device's driver refuses rules of this kind, or between
 *	these two devices
 * @NFO_R_HW_FULL: the hardware's table is full, and no flow in it is clearly
 *	less busy
 * @NFO_R_HW_BUSY: the device's driver failed and is asked again after a while
 * @NFO_R_HW_QUEUE: as many flows wait for the device's chip as the setting
 *	hw_queue allows
 * @NFO_R_HW_EVICTED: a busier flow took the flow's place in hardware
 * @NFO_R_DEV_STACK: a device above the listed one does more than take its
 *	header off (a tc filter, an ingress hook, an XDP program, an ingress-qos-map,
 *	rules of the bridge family), or hardware cannot express the devices in
 *	between (a macvlan, a third tag, an egress-qos-map, a bridge that has not
 *	heard from the next hop)
 * @NFO_R_PAYLOAD_CHANGED: something on the classic path changes more of the
 *	connection's packets than addresses and ports, so packets cannot be sent
 *	around it
 * @NFO_R_HEADER_CHANGED: something on the classic path changes the IPv6 flow
 *	label, IPv4's identification or fragment field, or the ECN bits of the
 *	connection's packets, or sets addresses or ports without NAT, as IPVS does
 * @NFO_R_CONNTRACK_FULL: conntrack's table is three quarters full, and the
 *	connection is one that conntrack would drop to make room
 * @NFO_R_HW_FIELDS: the ruleset sets DSCP or TTL of the flow's packets, which
 *	rules for hardware do not, or the IPv6 flow label chooses between equal-cost
 *	routes, which they do not match
 * @NFO_R_HW_ZONE: the namespace has connections in conntrack zones, and the
 *	hardware cannot tell by the sender's address or a mark to which zone a packet
 *	belongs
 * @NFO_R_HW_DECLINED: the device's driver would take rules and not forward by
 *	them as the classic path does, or it is not known, so it is not asked
 * @NFO_R_HW_MTU: the direction's ingress device may receive larger packets than
 *	its egress takes, and the hardware would send them
 * @NFO_R_SCTP_CHUNK: the packet has an SCTP chunk that opens, closes or tests
 *	the association
 * @NFO_R_SCTP_STATE: the SCTP association is not established, or is closing
 * @NFO_R_ICMP_ECHO: ICMP is offloaded only while the setting icmp_echo is 1
 * @NFO_R_HW_PROTOCOL: rules for hardware carry TCP and UDP only
 * @NFO_R_HW_FILTER: a device on the flow's way has a tc filter, an XDP program
 *	or a chain of the netdev family, which would not see packets that hardware
 *	forwards
 * @NFO_R_HW_QDISC: a device that packets leave by has a qdisc that limits their
 *	rate, delays them or serves classes (cake with a bandwidth, htb, tbf, netem),
 *	and hardware would pass it by
 * @NFO_R_HW_STALE: something changed on the way of one direction, and none of
 *	its packets has passed the classic path since; through a blocked bridge port
 *	none does
 * @NFO_R_NOT_AT_INGRESS: no packet with the connection's addresses and ports
 *	passed the flowtable's ingress hook; with br_netfilter (Docker) and a bridge
 *	listed, DNAT comes before the hook
 * @NFO_R_UDP_ANSWER: the packet is the answer to the first packet of a UDP
 *	connection; most such connections have ended with it (DNS, NTP)
 *
 * Read "the connection stays in the slow path because ...".
 */
enum nfo_reason {
	NFO_R_NONE,

	/* the packet */
	NFO_R_NO_CONNTRACK,
	NFO_R_UNTRACKED,
	NFO_R_DECRYPTED,
	NFO_R_IP_OPTIONS,
	NFO_R_PROTOCOL,
	NFO_R_TCP_FLAGS,

	/* the connection */
	NFO_R_TCP_STATE,
	NFO_R_UNCONFIRMED,
	NFO_R_DYING,
	NFO_R_HELPER,
	NFO_R_SEQ_ADJUST,
	NFO_R_NAT_CLASH,
	NFO_R_FIXED_TIMEOUT,
	NFO_R_ALREADY,

	/* routes and devices */
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

	/* hardware */
	NFO_R_HW_OFF,
	NFO_R_HW_FEATURE,
	NFO_R_HW_SHAPE,
	NFO_R_HW_FULL,
	NFO_R_HW_BUSY,
	NFO_R_HW_QUEUE,
	NFO_R_HW_EVICTED,

	/* routes and devices */
	NFO_R_DEV_STACK,

	/* the packet */
	NFO_R_PAYLOAD_CHANGED,
	NFO_R_HEADER_CHANGED,

	/* the connection */
	NFO_R_CONNTRACK_FULL,

	/* hardware */
	NFO_R_HW_FIELDS,
	NFO_R_HW_ZONE,
	NFO_R_HW_DECLINED,
	NFO_R_HW_MTU,

	/* the packet */
	NFO_R_SCTP_CHUNK,

	/* the connection */
	NFO_R_SCTP_STATE,

	/* settings and users */
	NFO_R_ICMP_ECHO,

	/* hardware */
	NFO_R_HW_PROTOCOL,
	NFO_R_HW_FILTER,
	NFO_R_HW_QDISC,
	NFO_R_HW_STALE,

	/* the packet */
	NFO_R_NOT_AT_INGRESS,

	/* settings and users */
	NFO_R_UDP_ANSWER,

	__NFO_R_MAX
};

#define NFO_R_MAX (__NFO_R_MAX - 1)

#endif /* _UAPI_NF_FLOW_OFFLOAD_H */
