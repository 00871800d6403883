#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# A flow in hardware counts as it does in software, lives as long as packets pass, and
# ends with its connection, its conntrack entry or its flowtable.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
ours_alone

# --- what comes back -----------------------------------------------------

acct() {
	ct_get "$1" "$2"
	ct_field acct
}
acct_is() { acct "$1" "$2"; [ "$FIELD" = "$3" ]; }

flow_sums() {
	tool list -j -P "$1"
	SUMS=$(value '.flows[0] | "\(.original.packets),\(.original.bytes),\(.reply.packets),\(.reply.bytes)"')
}

# Bytes are those of IP packets, whoever carried them: what the server got, with its
# headers, over moves from software into hardware, back, and in again.
counted() {
	local head=28 b m bytes messages before ib im was back is again

	[[ $1 != *6 ]] || head=48
	clean
	table
	ask su count
	read -r _ _ b m <<<"$ANSWER"
	hw_up c "$1"
	by_hw 80 c ping 40 500
	by_hw 2 c ping 1 1400
	in_r ethtool -K hwp1 hw-tc-offload off
	wait_for 5 state_is "$PORT" software || fail "$STATE"
	exact "$1" || fail "in software: conntrack $FIELD, expected $messages,$bytes"
	flow_sums "$PORT"
	before=$SUMS
	ask su count
	read -r _ _ ib im <<<"$ANSWER"
	by_host c ping 20 333
	in_r ethtool -K hwp1 hw-tc-offload on
	in_hw c "$1" "$PORT"
	by_hw 40 c ping 20 100
	wait_for 5 exact "$1" || fail "in hardware: conntrack $FIELD, expected $messages,$bytes"
	# the flow has counted the same since
	IFS=, read -r _ was _ back <<<"$before"
	flow_sums "$PORT"
	IFS=, read -r _ is _ again <<<"$SUMS"
	ask su count
	read -r _ _ bytes messages <<<"$ANSWER"
	bytes=$((bytes - ib + (messages - im) * head))
	equal "$((is - was)),$((again - back))" "$bytes,$bytes" "the flow's bytes"
	must c ping 10 500
	rules_flush
	wait_for 5 exact "$1" || fail "after the flush: conntrack $FIELD, expected $messages,$bytes"
}
exact() {
	ask su count
	read -r _ _ bytes messages <<<"$ANSWER"
	messages=$((messages - m)) bytes=$((bytes - b + messages * head))
	acct_is "$1" "$PORT" "$messages,$bytes,$messages,$bytes"
}

ageing() {
	local busy idle

	clean
	sysctl_r net/netfilter/nf_flowtable_udp_timeout 2
	sysctl_r net/netfilter/nf_conntrack_udp_timeout 3
	sysctl_r net/netfilter/nf_conntrack_udp_timeout_stream 3
	table
	client busy udp
	busy=$PORT
	client idle udp
	idle=$PORT
	in_hw busy udp "$busy"
	in_hw idle udp "$idle"
	by_hw 10 idle ping 5
	for _ in {1..7}; do
		by_hw 2 busy ping 1
		nap 0.8
	done
	wait_for 5 used 2 || fail "the idle flow stays: $(cat $CHIP/rules)"
	by_hw 10 busy ping 5
	ct_has udp "$busy" hw=1 || fail "busy: $CT"
	! ct_has udp "$idle" hw=1 || fail "idle: $CT"
	sysctl_r net/netfilter/nf_flowtable_udp_timeout 30
	sysctl_r net/netfilter/nf_conntrack_udp_timeout 30
	sysctl_r net/netfilter/nf_conntrack_udp_timeout_stream 120
}

# --- the end of a connection ---------------------------------------------

ended() {
	local proto=$1 how=$2

	clean
	table "counter bad { }
		chain inv {
			type filter hook forward priority 1;
			ct state invalid counter name bad
		}"
	hw_up c "$proto"
	ports
	local host=$HOST
	must c "$how"
	ports
	wait_for 5 host_beyond "$host" || fail "the host saw no $how"
	wait_for 5 used 0 || fail "rules are left after $how: $(cat $CHIP/rules)"
	if [ "$how" = fin ]; then
		wait_for 10 ct_state "$proto" "$PORT" "fin_wait close_wait last_ack time_wait close none" ||
			fail "conntrack: $CT"
	else
		wait_for 10 ct_state "$proto" "$PORT" "close none" || fail "conntrack: $CT"
	fi
	counter bad
	equal "$PACKETS" 0 "invalid packets"
}
host_beyond() { ports; [ "$HOST" -gt "$1" ]; }
ct_state() {
	ct_get "$1" "$2"
	[ "$CT" != none ] || FIELD=none
	[ "$CT" = none ] || ct_field state
	[[ " $3 " == *" $FIELD "* ]] && [[ $CT != *hw=1* ]]
}

ct_deleted() {
	clean
	table
	hw_up c "$1"
	ct_delete "$1" "$PORT" || fail "$ANSWER"
	wait_for 3 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	in_hw c "$1" "$PORT"
	flat 10 c ping 5
}

# Conntrack is told that the entry is not to live for longer. A flow would keep it alive.
timeout_is_fixed() {
	clean
	table
	hw_up c udp
	ct_fix_timeout "$PORT"
	wait_for 5 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	by_host c ping 5
	no_offload_flag udp "$PORT" || fail "still offloaded: $CT"
	ct_timeout_kept
}

flowtable_deleted() {
	clean
	table
	hw_up c tcp
	no_flowtable
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
	ct_has tcp "$PORT" hw=0 || fail "$CT"
	by_host c ping 10
}

# A flowtable goes, and its driver takes its time for the rules: other devices and who reads our
# counters do not wait for that. nf_tables has its commit mutex meanwhile, for which a netfilter
# socket that is closed waits: so nothing here opens one.
slow_drain() {
	local flush other

	clean
	table
	hw_up c udp
	set_chip hold 1
	in_r nft flush ruleset &
	flush=$!
	pass_time 2
	(ip -n "$NS_R" link set lo down && ip -n "$NS_R" link set lo up) &
	other=$!
	wait_for 5 ended_already $other || { set_chip hold 0; fail "another device waits for the driver"; }
	in_r cat /proc/net/nf_flow_offload >"$OUT" &
	other=$!
	wait_for 5 ended_already $other || { set_chip hold 0; fail "a reader waits for the driver"; }
	[[ $(<"$OUT") == *"flows 0"* ]] || { set_chip hold 0; fail "no flow has ended: $(<"$OUT")"; }
	! ended_already $flush || fail "the driver was not waited for"
	set_chip hold 0
	wait $flush
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
}
ended_already() { ! kill -0 "$1" 2>/dev/null; }

topo_chip
sysctl_r net/netfilter/nf_conntrack_acct 1
run_case "counters, UDP" counted udp
run_case "counters, UDP over IPv6" counted udp6
run_case "ageing" ageing
run_case "FIN" ended tcp fin
run_case "RST" ended tcp reset
run_case "RST over IPv6" ended tcp6 reset
run_case "conntrack -D, UDP" ct_deleted udp
run_case "conntrack -D, TCP" ct_deleted tcp
run_case "the timeout of a live connection is fixed" timeout_is_fixed
run_case "the flowtable is deleted" flowtable_deleted
run_case "a slow driver holds up no other device" slow_drain
rmmod nfo_hwsim
all_done
