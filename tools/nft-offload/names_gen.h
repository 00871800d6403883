/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Written by scripts/gen-netlink from docs/netlink/nf_flow_offload.yaml: change that.
 *
 * Names and texts of reasons, states, events and settings.
 */
#ifndef NAMES_GEN_H
#define NAMES_GEN_H

#include <linux/nf_flow_offload.h>
#include <stdint.h>

struct reason {
	const char *name, *text, *remedy;
};

struct setting {
	const char *name, *unit, *text;
	uint16_t attr;
	uint32_t min, max, def;
};

#define SETTINGS	NFO_SETTINGS_MAX

extern const struct reason reasons[NFO_R_MAX + 1];
extern const struct setting settings[SETTINGS];
extern const char * const states[__NFO_STATE_MAX];
extern const char * const events[__NFO_EVENT_MAX];
extern const char * const dev_hws[__NFO_DEV_HW_MAX];

#define STATE_LIST	"software, oneway, queued, hardware or half"
#define SETTING_LIST	"promote_after, max_flows, hw_after, hw_budget, hw_queue, hw_sync_ms, hw_rate, hw_hysteresis, hw_oneway, policy, ruleset_ms, hw_oversize, icmp_echo, dev_counters, hw_bypass, recheck_ms or udp_answers"
/* Lines of the help, indented as its lines are. */
#define SETTING_HELP	"promote_after, max_flows, hw_after, hw_budget,\n      hw_queue, hw_sync_ms, hw_rate, hw_hysteresis,\n      hw_oneway, policy, ruleset_ms, hw_oversize,\n      icmp_echo, dev_counters, hw_bypass, recheck_ms,\n      udp_answers"

#endif
