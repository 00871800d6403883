#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw x86
# A driver that fails: errors injected into netdevsim's ndo_setup_tc. The kernel needs
# CONFIG_FAIL_FUNCTION, which scripts/kernel-x86 has.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-netdevsim.sh
. "$(dirname "$0")/../lib-netdevsim.sh"
KNOBS=/sys/kernel/debug/fail_function
KEPT="does not let go of its callback"

modprobe -q -a nf_tables nf_conntrack_netlink || true
agent_up
ns_add r
NS_R=$NS
sim_up
ip -n "$NS_R" link set lo up
echo Y >$KNOBS/task-filter
# The table of drivers declines netdevsim; here it stands for a driver that is asked.
TRY=/sys/module/nf_flow_offload/parameters/try_block
echo Y >$TRY
echo 0 >$KNOBS/verbose
echo 100 >$KNOBS/probability
echo nsim_setup_tc >$KNOBS/inject

# failing TIMES COMMAND... - the driver fails that often for it, -1 always.
failing() {
	echo "$1" >$KNOBS/times
	shift
	(echo 1 >/proc/self/make-it-fail; exec "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec "$@")
}
flush() { in_r nft flush ruleset; }

# The knob reaches the driver: what has to fail fails.
knob() {
	nft_block_lines >"$LIB_TMP/rules"
	! failing -1 nft -f "$LIB_TMP/rules" || fail "nothing was injected"
	failing 0 nft -f "$LIB_TMP/rules" || fail "refused without an error"
	flush
}
run_case "errors are injected" knob

hybrid() {
	flowtable_lines >"$LIB_TMP/rules"
	failing -1 nft -f "$LIB_TMP/rules" || fail "refused"
	dev_is sim0 "none hw-driver 22 *" || fail "sim0: $SAYS"
	flush
	failing 0 nft -f "$LIB_TMP/rules"
	dev_is sim0 "none hw-driver 95 *" || fail "sim0: $SAYS"
	flush
}
run_case "a driver that fails is accepted, its error kept" hybrid

strict() {
	local status=0

	flowtable_lines >"$LIB_TMP/rules"
	strict_offload Y
	failing -1 nft -f "$LIB_TMP/rules" || status=$?
	strict_offload N
	[ $status != 0 ] || fail "accepted"
	[ "$(in_r nft list ruleset)" = "" ] || fail "left behind: $(in_r nft list ruleset)"
	failing -1 nft -f "$LIB_TMP/rules" || fail "refused without strict_offload"
	flush
}
run_case "strict_offload: the ruleset is refused as a whole, and nothing stays" strict

# The second of two devices fails: the first is given back.
second() {
	local status=0

	flowtable_lines "sim0, lo" >"$LIB_TMP/rules"
	strict_offload Y
	in_r nft -f "$LIB_TMP/rules" || status=$?
	strict_offload N
	[ $status != 0 ] || fail "accepted"
	nft_block_lines >"$LIB_TMP/rules"
	in_r nft -f "$LIB_TMP/rules"
	flush
}
run_case "strict_offload: one of two fails" second

# TC_SETUP_FT fails, hence the block is taken; it is given back.
block() {
	flowtable_lines >"$LIB_TMP/rules"
	failing 1 nft -f "$LIB_TMP/rules"
	dev_is sim0 "block none 0 *" || fail "sim0: $SAYS"
	flush
	nft_block_lines >"$LIB_TMP/rules"
	in_r nft -f "$LIB_TMP/rules"
	flush
}
run_case "a block is taken and given back" block

# The driver fails to let go: its callback is its own from then on, which the next
# one to ask for the block learns, and nobody else.
kept() {
	local before

	before=$(dmesg | grep -c "$KEPT") || true
	flowtable_lines >"$LIB_TMP/rules"
	failing 1 nft -f "$LIB_TMP/rules"
	dev_is sim0 "block none 0 *" || fail "sim0: $SAYS"
	failing -1 nft flush ruleset
	[ "$(dmesg | grep -c "$KEPT")" -gt "$before" ] || fail "no word of it"
	failing 0 nft -f "$LIB_TMP/rules"
	dev_is sim0 "none hw-driver 95 *" || fail "sim0: $SAYS"
	flush
	failing 1 nft -f "$LIB_TMP/rules"
	dev_is sim0 "none hw-driver 16 *" || fail "sim0: $SAYS"
	flush
	rmmod nf_flow_offload
	modprobe nf_flow_offload
	failing 0 nft -f "$LIB_TMP/rules"
	dev_is sim0 "none hw-driver 95 *" || fail "sim0: $SAYS"
	flush
}
run_case "a callback the driver does not let go of" kept

# After all that the next device binds as the first did.
again() {
	sim_down
	rmmod netdevsim
	sim_up
	flowtable_lines >"$LIB_TMP/rules"
	in_r nft -f "$LIB_TMP/rules"
	dev_is sim0 "none hw-driver 95 *" || fail "sim0: $SAYS"
	nft_block_lines >"$LIB_TMP/rules"
	in_r nft -f "$LIB_TMP/rules"
	flush
}
echo >$KNOBS/inject
run_case "the driver is loaded anew" again

echo N >$TRY
sim_down
all_done
