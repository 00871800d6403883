#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# Mainline's modules are there first: ours says so, once, and what to do.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

need modprobe rmmod dmesg
topo_up
echo_up

mainline_gone() { module_gone nft_flow_offload && module_gone nf_flow_table_inet && module_gone nf_flow_table; }

# message COMMAND... - the kernel's words about us while it ran, in MESSAGE.
message() {
	local mark="nfo: message $RANDOM$RANDOM"

	# Lines can't be counted: a full log forgets its first ones.
	echo "$mark" >/dev/kmsg
	"$@" >/dev/null 2>&1 || true
	MESSAGE=$(dmesg | sed "1,/$mark/d" | grep 'nf_flow_offload:' | grep rmmod || true)
}

mainline_first() {
	local lines

	ours_only "this is about our module"
	wait_for 10 module_gone nf_flow_offload || fail "can't be removed"
	modprobe -i "$1" || skip "this kernel has no $1"
	message modprobe nf_flow_offload
	lines=$(grep -c . <<<"$MESSAGE" || true)
	equal "$lines" 1 "lines in the kernel log"
	[[ $MESSAGE == *"$1"* ]] || fail "does not name $1: $MESSAGE"
	wait_for 10 module_gone nf_flow_offload || fail "stays"
	wait_for 10 mainline_gone || fail "mainline's modules stay"
	# as the message says: now it loads and works
	message modprobe nf_flow_offload
	equal "$MESSAGE" "" "complaint without a reason"
	rules_std
	flow_up c tcp
}
run_case "nf_flow_table_inet is loaded" mainline_first nf_flow_table_inet

# Mainline's rule must never meet our flowtable, nor ours mainline's: a ruleset is
# refused (refuse) or served by ours alone (serve).
beside() {
	ours_only "this is about our module"
	wait_for 10 module_gone nf_flow_offload || fail "can't be removed"
	modprobe -i "$1" || skip "this kernel has no $1"
	modprobe nf_flow_offload || fail "does not load beside $1"
	if [ "$2" = serve ]; then
		rules_std
		flow_up c tcp
		fast c bulk 300000
		flow_up u udp6
	elif rules_std; then
		fail "accepted a flowtable of mainline's"
	fi
	rules_flush
	wait_for 10 module_gone nf_flow_offload || fail "stays"
	wait_for 10 mainline_gone || fail "mainline's modules stay"
	modprobe nf_flow_offload
}
run_case "a ruleset beside nf_flow_table_inet" beside nf_flow_table_inet refuse
run_case "a ruleset beside nft_flow_offload" beside nft_flow_offload serve

[ "${NFO_PROVIDER:-}" = mainline ] || modprobe nf_flow_offload
all_done
