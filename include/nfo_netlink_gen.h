/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Written by scripts/gen-netlink from docs/netlink/nf_flow_offload.yaml: change that.
 *
 * What requests may hold, the settings of a namespace, and what reasons are called.
 */
#ifndef _NFO_NETLINK_GEN_H
#define _NFO_NETLINK_GEN_H

#include <linux/nf_flow_offload.h>
#include <net/netlink.h>

/* The last attribute that a request may have, by attribute set. */
#define NFO_DIR_POLICY_MAX		NFO_DIR_DPORT
#define NFO_FILTER_POLICY_MAX		NFO_FILTER_ZONE
#define NFO_FLOW_POLICY_MAX		NFO_FLOW_ORIGINAL
#define NFO_SETTINGS_POLICY_MAX		NFO_SETTINGS_UDP_ANSWERS

extern const struct nla_policy nfo_dir_policy[NFO_DIR_POLICY_MAX + 1];
extern const struct nla_policy nfo_filter_policy[NFO_FILTER_POLICY_MAX + 1];
extern const struct nla_policy nfo_flow_policy[NFO_FLOW_POLICY_MAX + 1];
extern const struct nla_policy nfo_settings_policy[NFO_SETTINGS_POLICY_MAX + 1];

/**
 * struct nfo_settings - the settings of a namespace
 * @promote_after: 0 or more packets, default 0: packets that conntrack must
 *	have counted, both directions together, before a connection is promoted; 0
 *	for none. It is for inspection that needs to see the beginning of a
 *	connection. Setting it turns conntrack's accounting on for new connections.
 * @max_flows: 0 or more flows, default 0: as many flows as there may be in the
 *	namespace; 0 for as many as conntrack may have connections,
 *	net.netfilter.nf_conntrack_max.
 * @hw_after: 0 or more packets, default 8: packets of both directions before a
 *	flow asks for a place in hardware.
 * @hw_budget: 0 or more rules, default 0: rules that a device's hardware is
 *	given, two for each connection, from the next time the device joins a
 *	flowtable; 0 for as many as the driver takes.
 * @hw_queue: 1 or more flows, default 4096: flows of one flowtable that may
 *	wait for one chip, which is a device of its own or the ports of one switch. A
 *	flow that finds as many waiting asks again later.
 * @hw_sync_ms: 100 to 32767 milliseconds, default 1000: period in which
 *	hardware counters are read.
 * @hw_rate: 0 or more packets per second, default 0: packets per second of both
 *	directions, measured over a quarter of a second at least, that let a flow ask
 *	for hardware before it has shown hw_after packets; 0 when hw_after alone
 *	counts.
 * @hw_hysteresis: 0 to 10000 percent, default 100: how much busier than the
 *	least busy flow of a full hardware table another flow must be to take its
 *	place; 100 is twice as busy. 16 packets per second come on top.
 * @hw_oneway: 0 to 1, default 0: 1 to let one direction go into hardware alone
 *	when the device of the other direction cannot, for want of a driver or
 *	because the driver refused. Conntrack does not call such a connection
 *	[HW_OFFLOAD], and its state is half. 0 for both directions or none.
 * @policy: 0 to 1, default 0: what a change of the ruleset does to connections
 *	that are in the fast path. 0: after each commit of nf_tables a packet of each
 *	direction passes the ruleset once more, and the connection goes on only if
 *	that packet is accepted; in hardware the forward chains count at once, the
 *	others in turn. 1: nothing, as in mainline.
 * @ruleset_ms: 0 to 32767 milliseconds, default 100: window in which changes of
 *	the ruleset count as one: the first acts at once, those in the window after
 *	it together at its end. For rulesets whose sets change many times a second;
 *	while changes go on without a pause, windows become up to eight times as
 *	long.
 * @hw_oversize: 0 to 1, default 0: 1 to let a direction into hardware though
 *	its ingress device may receive larger packets than its egress takes, and the
 *	hardware would send these as they are. 0 to leave it in software. Chips that
 *	give such packets to the host need no setting.
 * @icmp_echo: 0 to 1, default 0: 1 to let the echo requests and replies of a
 *	`ping` into the fast path, of ICMP and of ICMPv6. A rule has to match them
 *	with flow add as well.
 * @dev_counters: 0 to 1, default 1: 1 to have devices that packets pass unseen,
 *	between the listed device and the one that routing uses, count what they
 *	would have received, and sent where hardware sends in their place or software
 *	sends to a bridge's port itself; 0 to spare the work.
 * @hw_bypass: 0 to 1, default 0: 1 to let flows into hardware though a tc
 *	filter, an XDP program or a netdev chain of a device on their way, or the
 *	qdisc that shapes what it sends, would not see their packets there. 0 to
 *	leave them in software, where each of these sees every packet.
 * @recheck_ms: 0 to 32767 milliseconds, default 5000: how often a packet of
 *	each direction passes the ruleset once more while the ruleset has rules whose
 *	answer changes without a commit: elements that time out or that packets add,
 *	the time of day, quotas, what a connection has had, rules of iptables' own
 *	tables. Without such rules no packet does. 0, or with policy 1: none does.
 *	With more than 10000 flows a second and processor the time becomes two, four,
 *	up to 1024 times as long.
 * @udp_answers: 0 to 255 packets, default 2: how many packets of the reply
 *	direction do not promote a UDP connection, as most have ended with an answer
 *	or two (DNS, NTP). The next packet of the original direction promotes it, one
 *	answer more, and any packet once conntrack calls the connection assured. 0:
 *	the first answer promotes it.
 *
 * Netlink writes a field with WRITE_ONCE() while others read it with READ_ONCE().
 */
struct nfo_settings {
	u32	promote_after;
	u32	max_flows;
	u32	hw_after;
	u32	hw_budget;
	u32	hw_queue;
	u32	hw_sync_ms;
	u32	hw_rate;
	u32	hw_hysteresis;
	u32	hw_oneway;
	u32	policy;
	u32	ruleset_ms;
	u32	hw_oversize;
	u32	icmp_echo;
	u32	dev_counters;
	u32	hw_bypass;
	u32	recheck_ms;
	u32	udp_answers;
};

/**
 * struct nfo_setting - where a setting is
 * @attr:   NFO_SETTINGS_*
 * @offset: of its u32 in struct nfo_settings
 * @def:    the value a new namespace has
 */
struct nfo_setting {
	u16	attr;
	u16	offset;
	u32	def;
};

extern const struct nfo_setting nfo_setting_table[NFO_SETTINGS_MAX];
void nfo_settings_init(struct nfo_settings *settings);

/* What tools print and scripts match, by enum nfo_reason. */
extern const char * const nfo_reason_names[__NFO_R_MAX];

#endif /* _NFO_NETLINK_GEN_H */
