// SPDX-License-Identifier: GPL-2.0
/*
 * Written by scripts/gen-netlink from docs/netlink/nf_flow_offload.yaml: change that.
 *
 * What netlink requests may hold; the settings' places and defaults; what reasons
 * are called.
 */
#include <linux/kernel.h>
#include <linux/netfilter/nf_tables.h>

#include "nfo_compat.h"
#include "nfo_netlink_gen.h"

const struct nla_policy nfo_dir_policy[NFO_DIR_POLICY_MAX + 1] = {
	[NFO_DIR_SRC]			= NLA_POLICY_MIN_LEN(4),
	[NFO_DIR_DST]			= NLA_POLICY_MIN_LEN(4),
	[NFO_DIR_SPORT]			= { .type = NLA_BE16 },
	[NFO_DIR_DPORT]			= { .type = NLA_BE16 },
};

const struct nla_policy nfo_filter_policy[NFO_FILTER_POLICY_MAX + 1] = {
	[NFO_FILTER_L3PROTO]		= { .type = NLA_U8 },
	[NFO_FILTER_L4PROTO]		= { .type = NLA_U8 },
	[NFO_FILTER_ADDR]		= NLA_POLICY_MIN_LEN(4),
	[NFO_FILTER_PREFIX]		= NLA_POLICY_MAX(NLA_U8, 128),
	[NFO_FILTER_PORT]		= { .type = NLA_BE16 },
	[NFO_FILTER_DEV]		= NLA_POLICY_MIN(NLA_U32, 1),
	[NFO_FILTER_STATE]		= NLA_POLICY_RANGE(NLA_U8, 1, NFO_STATE_MAX),
	[NFO_FILTER_FLOWTABLE]		= { .type = NLA_NUL_STRING, .len = NFT_NAME_MAXLEN - 1 },
	[NFO_FILTER_TABLE]		= { .type = NLA_NUL_STRING, .len = NFT_NAME_MAXLEN - 1 },
	[NFO_FILTER_ZONE]		= { .type = NLA_U16 },
};

const struct nla_policy nfo_flow_policy[NFO_FLOW_POLICY_MAX + 1] = {
	[NFO_FLOW_FILTER]		= NLA_POLICY_NESTED(nfo_filter_policy),
	[NFO_FLOW_L4PROTO]		= { .type = NLA_U8 },
	[NFO_FLOW_ZONE]			= { .type = NLA_U16 },
	[NFO_FLOW_ORIGINAL]		= NLA_POLICY_NESTED(nfo_dir_policy),
};

const struct nla_policy nfo_settings_policy[NFO_SETTINGS_POLICY_MAX + 1] = {
	[NFO_SETTINGS_PROMOTE_AFTER]	= { .type = NLA_U32 },
	[NFO_SETTINGS_MAX_FLOWS]	= { .type = NLA_U32 },
	[NFO_SETTINGS_HW_AFTER]		= { .type = NLA_U32 },
	[NFO_SETTINGS_HW_BUDGET]	= { .type = NLA_U32 },
	[NFO_SETTINGS_HW_QUEUE]		= NLA_POLICY_MIN(NLA_U32, 1),
	[NFO_SETTINGS_HW_SYNC_MS]	= NLA_POLICY_RANGE(NLA_U32, 100, 32767),
	[NFO_SETTINGS_HW_RATE]		= { .type = NLA_U32 },
	[NFO_SETTINGS_HW_HYSTERESIS]	= NLA_POLICY_MAX(NLA_U32, 10000),
	[NFO_SETTINGS_HW_ONEWAY]	= NLA_POLICY_MAX(NLA_U32, 1),
	[NFO_SETTINGS_POLICY]		= NLA_POLICY_MAX(NLA_U32, 1),
	[NFO_SETTINGS_RULESET_MS]	= NLA_POLICY_MAX(NLA_U32, 32767),
	[NFO_SETTINGS_HW_OVERSIZE]	= NLA_POLICY_MAX(NLA_U32, 1),
	[NFO_SETTINGS_ICMP_ECHO]	= NLA_POLICY_MAX(NLA_U32, 1),
	[NFO_SETTINGS_DEV_COUNTERS]	= NLA_POLICY_MAX(NLA_U32, 1),
	[NFO_SETTINGS_HW_BYPASS]	= NLA_POLICY_MAX(NLA_U32, 1),
	[NFO_SETTINGS_RECHECK_MS]	= NLA_POLICY_MAX(NLA_U32, 32767),
	[NFO_SETTINGS_UDP_ANSWERS]	= NLA_POLICY_MAX(NLA_U32, 255),
};

const struct nfo_setting nfo_setting_table[NFO_SETTINGS_MAX] = {
	{ NFO_SETTINGS_PROMOTE_AFTER, offsetof(struct nfo_settings, promote_after), 0 },
	{ NFO_SETTINGS_MAX_FLOWS, offsetof(struct nfo_settings, max_flows), 0 },
	{ NFO_SETTINGS_HW_AFTER, offsetof(struct nfo_settings, hw_after), 8 },
	{ NFO_SETTINGS_HW_BUDGET, offsetof(struct nfo_settings, hw_budget), 0 },
	{ NFO_SETTINGS_HW_QUEUE, offsetof(struct nfo_settings, hw_queue), 4096 },
	{ NFO_SETTINGS_HW_SYNC_MS, offsetof(struct nfo_settings, hw_sync_ms), 1000 },
	{ NFO_SETTINGS_HW_RATE, offsetof(struct nfo_settings, hw_rate), 0 },
	{ NFO_SETTINGS_HW_HYSTERESIS, offsetof(struct nfo_settings, hw_hysteresis), 100 },
	{ NFO_SETTINGS_HW_ONEWAY, offsetof(struct nfo_settings, hw_oneway), 0 },
	{ NFO_SETTINGS_POLICY, offsetof(struct nfo_settings, policy), 0 },
	{ NFO_SETTINGS_RULESET_MS, offsetof(struct nfo_settings, ruleset_ms), 100 },
	{ NFO_SETTINGS_HW_OVERSIZE, offsetof(struct nfo_settings, hw_oversize), 0 },
	{ NFO_SETTINGS_ICMP_ECHO, offsetof(struct nfo_settings, icmp_echo), 0 },
	{ NFO_SETTINGS_DEV_COUNTERS, offsetof(struct nfo_settings, dev_counters), 1 },
	{ NFO_SETTINGS_HW_BYPASS, offsetof(struct nfo_settings, hw_bypass), 0 },
	{ NFO_SETTINGS_RECHECK_MS, offsetof(struct nfo_settings, recheck_ms), 5000 },
	{ NFO_SETTINGS_UDP_ANSWERS, offsetof(struct nfo_settings, udp_answers), 2 },
};

/**
 * nfo_settings_init() - give a namespace the defaults
 * @settings: filled
 */
void nfo_settings_init(struct nfo_settings *settings)
{
	const struct nfo_setting *s;

	for (s = nfo_setting_table; s < nfo_setting_table + NFO_SETTINGS_MAX; s++)
		*(u32 *)((char *)settings + s->offset) = s->def;
}

const char * const nfo_reason_names[__NFO_R_MAX] = {
	[NFO_R_NONE]			= "none",
	[NFO_R_NO_CONNTRACK]		= "no-conntrack",
	[NFO_R_UNTRACKED]		= "untracked",
	[NFO_R_DECRYPTED]		= "decrypted",
	[NFO_R_IP_OPTIONS]		= "ip-options",
	[NFO_R_PROTOCOL]		= "protocol",
	[NFO_R_TCP_FLAGS]		= "tcp-flags",
	[NFO_R_TCP_STATE]		= "tcp-state",
	[NFO_R_UNCONFIRMED]		= "unconfirmed",
	[NFO_R_DYING]			= "dying",
	[NFO_R_HELPER]			= "helper",
	[NFO_R_SEQ_ADJUST]		= "seq-adjust",
	[NFO_R_NAT_CLASH]		= "nat-clash",
	[NFO_R_FIXED_TIMEOUT]		= "fixed-timeout",
	[NFO_R_ALREADY]			= "already",
	[NFO_R_NO_ROUTE]		= "no-route",
	[NFO_R_ROUTE_TYPE]		= "route-type",
	[NFO_R_XFRM]			= "xfrm",
	[NFO_R_DEV_DOWN]		= "dev-down",
	[NFO_R_DEV_TYPE]		= "dev-type",
	[NFO_R_DEV_NOT_IN_TABLE]	= "dev-not-in-table",
	[NFO_R_NEIGH]			= "neighbour",
	[NFO_R_NO_MEMORY]		= "no-memory",
	[NFO_R_TUPLE_BUSY]		= "tuple-busy",
	[NFO_R_EXPIRED]			= "expired",
	[NFO_R_CT_GONE]			= "conntrack-gone",
	[NFO_R_TCP_CLOSE]		= "tcp-close",
	[NFO_R_ROUTE_CHANGED]		= "route-changed",
	[NFO_R_NEIGH_CHANGED]		= "neighbour-changed",
	[NFO_R_DEV_GONE]		= "dev-gone",
	[NFO_R_TABLE_GONE]		= "table-gone",
	[NFO_R_NETNS_GONE]		= "netns-gone",
	[NFO_R_HW_DRIVER]		= "hw-driver",
	[NFO_R_PROMOTE_AFTER]		= "promote-after",
	[NFO_R_MAX_FLOWS]		= "max-flows",
	[NFO_R_USER]			= "user",
	[NFO_R_HW_OFF]			= "hw-off",
	[NFO_R_HW_FEATURE]		= "hw-feature",
	[NFO_R_HW_SHAPE]		= "hw-shape",
	[NFO_R_HW_FULL]			= "hw-full",
	[NFO_R_HW_BUSY]			= "hw-busy",
	[NFO_R_HW_QUEUE]		= "hw-queue",
	[NFO_R_HW_EVICTED]		= "hw-evicted",
	[NFO_R_DEV_STACK]		= "dev-stack",
	[NFO_R_PAYLOAD_CHANGED]		= "payload-changed",
	[NFO_R_HEADER_CHANGED]		= "header-changed",
	[NFO_R_CONNTRACK_FULL]		= "conntrack-full",
	[NFO_R_HW_FIELDS]		= "hw-fields",
	[NFO_R_HW_ZONE]			= "hw-zone",
	[NFO_R_HW_DECLINED]		= "hw-declined",
	[NFO_R_HW_MTU]			= "hw-mtu",
	[NFO_R_SCTP_CHUNK]		= "sctp-chunk",
	[NFO_R_SCTP_STATE]		= "sctp-state",
	[NFO_R_ICMP_ECHO]		= "icmp-echo",
	[NFO_R_HW_PROTOCOL]		= "hw-protocol",
	[NFO_R_HW_FILTER]		= "hw-filter",
	[NFO_R_HW_QDISC]		= "hw-qdisc",
	[NFO_R_HW_STALE]		= "hw-stale",
	[NFO_R_NOT_AT_INGRESS]		= "not-at-ingress",
	[NFO_R_UDP_ANSWER]		= "udp-answer",
};
