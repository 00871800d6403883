#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# nft-offload monitor tells what happens to flows, and neither a reader that stops nor
# several tools at once disturb the traffic.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-tool.sh
. "$(dirname "$0")/../lib-tool.sh"
topo_tool

# event NAME - the next line of the monitor is of that event; in EVENT.
event() {
	EVENT=''
	read -r -t 20 -u "${PEER_OUT[mon]}" EVENT || fail "no event, expected $1"
	equal "$(jq -r .event <<<"$EVENT")" "$1" "event ($EVENT)"
}
event_value() { jq -r "$1" <<<"$EVENT"; }

monitor() {
	ours
	rules_std
	peer_run mon "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec "$NFO_TOOLS/nft-offload" monitor -j -p udp -n 3
	event listening
	flow_up t tcp
	flow_up c udp
	event new
	equal "$(event_value '"\(.l4proto) \(.original.src) \(.original.sport)"')" "udp $C4 $PORT"
	fast c ping 10
	sums "$PORT"
	tool_ok flush -P "$PORT"
	event destroy
	equal "$(event_value .reason)" user
	equal "$(event_value '"\(.original.packets) \(.original.bytes) \(.reply.packets) \(.reply.bytes)"')" \
		"$SUMS" "final counters"
	client d udp
	promote d udp "$PORT"
	event new
	wait "${PEER_PID[mon]}" || fail "monitor: status $?"
}
run_case "monitor tells new and destroyed flows, with final counters" monitor

# The devices of a flow that has ended are told, and may be asked for.
by_device() {
	ours
	rules_std
	peer_run mon "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec "$NFO_TOOLS/nft-offload" monitor -j -p udp -d rs -n 2
	event listening
	flow_up c udp
	event new
	fast c ping 5
	tool_ok flush -P "$PORT"
	event destroy
	equal "$(event_value '"\(.original.iif) \(.original.oif) \(.reply.iif) \(.reply.oif)"')" "rc rs rs rc"
	wait "${PEER_PID[mon]}" || fail "monitor: status $?"
}
run_case "monitor tells the devices of a flow that ended" by_device

# Nobody reads what the monitor prints: it stands still, and nothing else does.
deaf() {
	ours
	rules_std
	flow_up c udp
	peer_run mon "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec "$NFO_TOOLS/nft-offload" monitor -j
	event listening
	in_c "$NFO_TOOLS/nfo_peer" many udp "$C4" "$S4" 5000 1500 >/dev/null || fail "no traffic"
	tool_ok flush
	promote c udp "$PORT"
	fast c ping 50
	tool_ok list -j
}
run_case "a monitor that nobody reads stops nothing" deaf

gone() {
	local rc=0

	ours
	[ -e /sys/module/nf_flow_offload/initstate ] || skip "the module is built in"
	rules_flush
	peer_run mon "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec "$NFO_TOOLS/nft-offload" monitor -j
	event listening
	at_end "modprobe nf_flow_offload"
	wait_for 10 module_gone nf_flow_offload || fail "the module can't be removed"
	read -r -t 20 -u "${PEER_OUT[mon]}" EVENT || fail "not a word of the end"
	[[ $EVENT == *"the module was unloaded"* ]] || fail "$EVENT"
	wait "${PEER_PID[mon]}" || rc=$?
	equal "$rc" 1 status
}
run_case "monitor ends with the module" gone

two() {
	local i pids=() rc=0

	ours
	rules_std
	flow_up a udp
	flow_up b tcp
	tell a run 4000
	for i in 1 2 3 4 5; do
		in_r "$NFO_TOOLS/nft-offload" list -j >"$LIB_TMP/two.$i" & pids+=($!)
		in_r "$NFO_TOOLS/nft-offload" flush -p udp >/dev/null & pids+=($!)
		in_r "$NFO_TOOLS/nft-offload" set max_flows $((i * 100)) & pids+=($!)
		in_r "$NFO_TOOLS/nft-offload" status >/dev/null & pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || rc=$?
	done
	equal "$rc" 0 "status of the tools"
	for i in 1 2 3 4 5; do
		jq -e '.flows | length <= 2' "$LIB_TMP/two.$i" >/dev/null || fail "$(cat "$LIB_TMP/two.$i")"
	done
	peer_answer a || fail "traffic: $ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "traffic was lost: $ANSWER"
	tool_ok set max_flows 0
}
run_case "several tools at once, and traffic goes on" two

all_done
