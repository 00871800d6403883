#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# TCP's end and return: conntrack judges every packet as if it had seen them all.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

topo_up
echo_up
sysctl_r net/netfilter/nf_conntrack_tcp_be_liberal 0
sysctl_r net/netfilter/nf_conntrack_tcp_timeout_established 3000
sysctl_r net/netfilter/nf_conntrack_tcp_timeout_time_wait 60
sysctl_r net/netfilter/nf_conntrack_tcp_timeout_close 10

nothing_invalid() {
	counter invalid
	equal "$PACKETS" 0 "invalid packets"
}

state_is() { ct_get "$1" "$2" && [[ $CT == *"state=$3 "* ]]; }

# timeout_between PROTO SPORT MIN MAX
timeout_between() {
	wait_for 5 timeout_is "$@" || fail "timeout $FIELD, not $3 to $4: $CT"
}
# Until the last byte is acknowledged conntrack has another timeout for it.
timeout_is() {
	ct_get "$1" "$2"
	ct_field timeout
	[[ $FIELD -ge $3 && $FIELD -le $4 ]]
}

# Enough data that a window frozen at the moment of promotion would be far behind.
flow_with_data() {
	flow_up c "$1"
	fast c bulk 3000000
}

fin_by_client() {
	rules_std
	flow_with_data "$1"
	slow 1 c fin
	must c finread
	wait_for 5 state_is "$1" "$PORT" time_wait || fail "$CT"
	no_offload_flag "$1" "$PORT" || fail "$CT"
	timeout_between "$1" "$PORT" 1 60
	nothing_invalid
}

fin_by_server() {
	rules_std
	flow_with_data "$1"
	must st fin
	must c finread
	wait_for 5 no_offload_flag "$1" "$PORT" || fail "$CT"
	must c close
	wait_for 5 state_is "$1" "$PORT" time_wait || fail "$CT"
	timeout_between "$1" "$PORT" 1 60
	nothing_invalid
}

# A half-closed connection carries data in the other direction.
half_closed() {
	rules_std
	flow_with_data "$1"
	must st set echo 0
	must st fin
	must c finread
	ask st count
	before=$ANSWER
	slow 1 c send 20 1000
	wait_for 5 st_has_more $(($(cut -d' ' -f3 <<<"$before") + 20000)) || fail "$ANSWER"
	must st set echo 1
	wait_for 5 no_offload_flag "$1" "$PORT" || fail "offloaded while closing: $CT"
	must c close
	wait_for 5 state_is "$1" "$PORT" time_wait || state_is "$1" "$PORT" close || fail "$CT"
	nothing_invalid
}

st_has_more() { ask st count && [ "$(cut -d' ' -f3 <<<"$ANSWER")" = "$1" ]; }

rst_by_client() {
	ours_only "conntrack is left in ESTABLISHED after RST"
	rules_std
	flow_with_data "$1"
	slow 1 c reset
	wait_for 5 state_is "$1" "$PORT" close || fail "$CT"
	no_offload_flag "$1" "$PORT" || fail "$CT"
	timeout_between "$1" "$PORT" 0 10
	nothing_invalid
}

rst_by_server() {
	ours_only "conntrack is left in ESTABLISHED after RST"
	rules_std
	flow_with_data "$1"
	must st reset
	ask c ping 1 && fail "the connection lives"
	wait_for 5 state_is "$1" "$PORT" close || fail "$CT"
	no_offload_flag "$1" "$PORT" || fail "$CT"
	timeout_between "$1" "$PORT" 0 10
	nothing_invalid
}

# The same addresses and ports again, at once.
reuse_after_rst() {
	rules_std
	flow_with_data "$1"
	for _ in 1 2 3; do
		must c reset
		must c connect
		promote c "$1" "$PORT"
		fast c ping 10
	done
	fast c bulk 1000000
	nothing_invalid
}

reuse_after_fin() {
	rules_std
	flow_with_data "$1"
	for _ in 1 2; do
		must st fin
		must c finread
		must c close
		wait_for 5 state_is "$1" "$PORT" time_wait || fail "$CT"
		must c connect
		promote c "$1" "$PORT"
		fast c ping 10
	done
	nothing_invalid
}

# Ruleset gone, connection not: the classic path must find the windows where they are.
hand_back() {
	rules_std
	flow_with_data "$1"
	in_r nft 'flush chain inet t forward; add rule inet t forward counter name seen; add rule inet t forward ct state invalid counter name invalid; add rule inet t forward ct state invalid drop; delete flowtable inet t f'
	wait_for 5 no_offload_flag "$1" "$PORT" || fail "$CT"
	slow 20 c ping 10
	must c bulk 3000000
	nothing_invalid
	state_is "$1" "$PORT" established || fail "$CT"
	timeout_between "$1" "$PORT" 2900 3000
	# and into a flowtable again
	in_r nft 'add flowtable inet t f { hook ingress priority 0; devices = { rc, rs }; }; add rule inet t forward meta l4proto tcp flow add @f'
	promote c "$1" "$PORT"
	fast c bulk 1000000
	must c fin
	must c finread
	wait_for 5 state_is "$1" "$PORT" time_wait || fail "$CT"
	nothing_invalid
}

# The same while data flows, not between two questions.
hand_back_in_stream() {
	rules_std
	flow_with_data "$1"
	must c ping 1
	tell c bulk 40000000
	for _ in 1 2 3; do
		in_r nft 'flush chain inet t forward; add rule inet t forward counter name seen; add rule inet t forward ct state invalid counter name invalid; add rule inet t forward ct state invalid drop; delete flowtable inet t f'
		in_r nft 'add flowtable inet t f { hook ingress priority 0; devices = { rc, rs }; }; add rule inet t forward meta l4proto tcp flow add @f'
	done
	peer_answer c || fail "stream: $ANSWER"
	nothing_invalid
	promote c "$1" "$PORT"
	fast c ping 10
}

for proto in tcp tcp6; do
	run_case "$proto, FIN by the client" fin_by_client $proto
	run_case "$proto, FIN by the server" fin_by_server $proto
	run_case "$proto, half closed" half_closed $proto
	run_case "$proto, RST by the client" rst_by_client $proto
	run_case "$proto, RST by the server" rst_by_server $proto
	run_case "$proto, the tuple again after RST" reuse_after_rst $proto
	run_case "$proto, the tuple again after FIN" reuse_after_fin $proto
	run_case "$proto, handed back under a live connection" hand_back $proto
	run_case "$proto, handed back in mid-stream" hand_back_in_stream $proto
done

udp_hand_back() {
	sysctl_r net/netfilter/nf_conntrack_udp_timeout 40
	sysctl_r net/netfilter/nf_conntrack_udp_timeout_stream 90
	rules_std
	flow_up c udp
	fast c ping 50
	in_r nft 'flush chain inet t forward; add rule inet t forward ct state invalid counter name invalid; add rule inet t forward counter name seen; delete flowtable inet t f'
	wait_for 5 no_offload_flag udp "$PORT" || fail "$CT"
	slow 20 c ping 10
	timeout_between udp "$PORT" 30 90
	nothing_invalid
}
run_case "udp, handed back" udp_hand_back

all_done
