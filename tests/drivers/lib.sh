# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the guests share that run a driver's own code around a model with tests/drivers/common;
# sourced after tests/lib.sh.
#
#   client c0 = cable |DRV0 [router] DRV1| cable = s0 server
OUT=$LIB_TMP/out
# shellcheck source=../lib-stacks.sh
. "$NFO_TOP/tests/lib-stacks.sh"

# drv_is DRIVER PORT CABLE - whose code it is, and the names of its devices before the number.
drv_is() {
	DRV=$2 WIRE=$3 STACK_R=${2}1
	PARAMETERS=/sys/module/nfo_drv_$1/parameters
}

# run_full NAME FUNCTION [ARG...] - a case that a brief run leaves out (tests/drivers/run -b).
run_full() { [ -n "${NFD_BRIEF:-}" ] || run_case "$@"; }

# drv_up - the driver is loaded, the router is on its ports.
drv_up() {
	local ns

	modprobe -q -a nf_tables nf_conntrack nf_conntrack_netlink || true
	insmod "$NFO_DRIVER_KO"
	agent_up
	ns_add c r s
	NS_S=$NS NS_R=${NS/nfo-s/nfo-r} NS_C=${NS/nfo-s/nfo-c}
	for ns in "$NS_C" "$NS_R" "$NS_S"; do no_dad "$ns"; done
	forwarding_on "$NS_R"
	ip -batch - <<-END
		link set ${DRV}0 netns $NS_R
		link set ${DRV}1 netns $NS_R
		link set ${WIRE}0 netns $NS_C name c0
		link set ${WIRE}1 netns $NS_S name s0
	END
	ip -n "$NS_R" -batch - <<-END
		addr add $RC4/24 dev ${DRV}0
		addr add $RC6/64 dev ${DRV}0 nodad
		addr add $RS4/24 dev ${DRV}1
		addr add $RS6/64 dev ${DRV}1 nodad
		link set ${DRV}0 address 02:00:00:00:00:10 up
		link set ${DRV}1 address 02:00:00:00:00:11 up
	END
	host_up "$NS_C" c0 "$C4" "$C6" "$RC4" "$RC6"
	host_up "$NS_S" s0 "$S4" "$S6" "$RS4" "$RS6"
	sysctl_r net/netfilter/nf_conntrack_acct 1
	echo_up
}

# table [LINES] - a router whose flowtable asks for hardware.
table() { rules_offloading "${DRV}0, ${DRV}1" "${1:-}"; }

# dev_is DEV WANTED - "hw reason errno message" of nft-offload's status.
dev_is() {
	in_r "$NFO_TOOLS/nft-offload" status -j >"$OUT"
	SAYS=$(jq -r ".devices[] | select(.dev == \"$1\") | \"\(.hw) \(.reason) \(.errno) \(.message)\"" "$OUT")
	# shellcheck disable=SC2053 # a pattern
	[[ $SAYS == $2 ]]
}

# frames - of the model, so far: to the host, by hardware, of these as the host had sent them,
# different, never sent by the host; lost.
# shellcheck disable=SC2153
frames() { read -r HOST HW SAME DIFFERENT UNSEEN GONE <"$PARAMETERS/frames"; }

# by_hw LEAST PEER COMMAND... - it succeeds, so many frames or more are forwarded by the hardware,
# none by the host, and each of them is what the host had sent for the connection.
by_hw() {
	local least=$1 host hw same bad

	shift
	frames
	host=$HOST hw=$HW same=$SAME bad=$((DIFFERENT + UNSEEN + GONE))
	must "$@"
	frames
	equal "$HOST" "$host" "$*: frames that the host saw"
	[ $((HW - hw)) -ge "$least" ] || fail "$*: $((HW - hw)) frames by hardware, expected $least"
	equal $((SAME - same)) $((HW - hw)) "$*: frames equal to what the host had sent"
	equal $((DIFFERENT + UNSEEN + GONE)) "$bad" "$*: frames different, unseen, lost"
}

# by_host PEER COMMAND... - it succeeds and the hardware forwards nothing of it.
by_host() {
	local hw

	frames
	hw=$HW
	must "$@"
	frames
	equal "$HW" "$hw" "$*: frames by hardware"
}

in_hw_now() { must "$1" ping 10; frames; local host=$HOST; must "$1" ping 2; frames; [ "$HOST" = "$host" ]; }

# hw_up NAME PROTO [PORT [ADDR]] - a client whose connection is in hardware.
hw_up() {
	client "$@"
	wait_for 20 in_hw_now "$1" || fail "$* is not in hardware: $(cat "$PARAMETERS/calls")"
}

# carried PROTO [PORT [ADDR]] - connections of this kind pass the hardware, frame by frame as
# they passed the host.
carried() {
	hw_up h "$@"
	by_hw 20 h ping 10
	by_hw 2 h ping 1 1200
	[ "${1%6}" != tcp ] || by_hw 30 h bulk 50000
	ct_has "$1" "$PORT" hw=1 || fail "$CT"
}

# packets_of PORT - what the flow has counted, both directions together.
packets_of() {
	in_r "$NFO_TOOLS/nft-offload" list -j -P "$1" >"$OUT"
	PACKETS=$(jq '[.flows[0] | .. | .packets? // empty] | add' "$OUT")
}

# An engine may end an entry that has had no packet for some time, and its last count with it.
counts() { must h ping 2; packets_of "$PORT"; [ "$PACKETS" -ge "$1" ]; }

# hw_counted - a flow counts the packets that the hardware forwards for it, and each of them once.
hw_counted() {
	local before host hw

	frames
	host=$HOST hw=$HW
	hw_up h udp
	packets_of "$PORT"
	before=$PACKETS
	by_hw 200 h ping 100
	wait_for 10 counts $((before + 200)) || fail "$before packets before 200 by hardware: $(cat "$OUT")"
	frames
	[ "$PACKETS" -le $((HW - hw + HOST - host)) ] ||
		fail "more packets than the $((HW - hw)) and $((HOST - host)) frames there were: $(cat "$OUT")"
}

# emptied - no rule is left in the driver.
emptied() { calls; [ "$RULES" = 0 ]; }
no_rules() { wait_for 10 emptied || fail "rules are left: $(cat "$PARAMETERS/calls")"; }

# nat PROTO HOW
nat() {
	case $2 in
	masquerade) echo "chain post { type nat hook postrouting priority 100; oifname ${DRV}1 meta l4proto ${1%6} masquerade; }" ;;
	dnat) echo "chain pre { type nat hook prerouting priority -100;
		meta l4proto ${1%6} th dport 7000 dnat ip to $S4:5000; }" ;;
	esac
}
