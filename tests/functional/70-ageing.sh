#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# How long flows and their connections live.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

topo_up
echo_up
sysctl_r net/netfilter/nf_flowtable_tcp_timeout 2
sysctl_r net/netfilter/nf_flowtable_udp_timeout 2
sysctl_r net/netfilter/nf_conntrack_tcp_timeout_established 2000
sysctl_r net/netfilter/nf_conntrack_udp_timeout 50
sysctl_r net/netfilter/nf_conntrack_udp_timeout_stream 100

# An idle flow leaves the table; its connection goes on with the rest of its time.
idle() {
	local low=$2 high=$3

	rules_std
	flow_up c "$1"
	has_offload_flag "$1" "$PORT" || fail "gone at once"
	wait_for 15 no_offload_flag "$1" "$PORT" || fail "an idle flow stays: $CT"
	ct_field timeout
	[ "$FIELD" -ge "$low" ] && [ "$FIELD" -le "$high" ] ||
		fail "the connection has $FIELD s left, not $low to $high"
	# and is promoted again when there is something to do
	must c ping 1
	promote c "$1" "$PORT"
	fast c ping 10
	counter invalid
	equal "$PACKETS" 0 "invalid packets"
}
# What is left: the state's time-out less what the flow was idle.
run_case "tcp, idle" idle tcp 1900 2000
run_case "tcp6, idle" idle tcp6 1900 2000
run_case "udp, idle" idle udp 30 100
run_case "udp6, idle" idle udp6 30 100

# Traffic once a second, four time-outs long: nobody expires.
active() {
	local i

	sysctl_r net/netfilter/nf_conntrack_udp_timeout 3
	sysctl_r net/netfilter/nf_conntrack_udp_timeout_stream 3
	sysctl_r net/netfilter/nf_conntrack_tcp_timeout_established 3
	rules_std
	flow_up c "$1"
	counter seen
	before=$PACKETS
	for i in 1 2 3 4 5 6 7 8; do
		pass_time 1
		must c ping 1
		ct_get "$1" "$PORT"
		[[ $CT == status=* ]] || fail "after $i s: connection $CT"
		[[ $CT == *offload=1* ]] || fail "after $i s: $CT"
	done
	counter seen
	equal $((PACKETS - before)) 0 "packets on the slow path"
	sysctl_r net/netfilter/nf_conntrack_udp_timeout 50
	sysctl_r net/netfilter/nf_conntrack_udp_timeout_stream 100
	sysctl_r net/netfilter/nf_conntrack_tcp_timeout_established 2000
}
run_case "udp, active longer than every time-out" active udp
run_case "tcp, active longer than every time-out" active tcp

# One direction alone keeps the flow as well.
active_one_way() {
	local i

	rules_std
	flow_up c udp
	ask su set echo 0
	for i in 1 2 3 4 5; do
		pass_time 1
		fast c send 3
	done
	ask su set echo 1
	has_offload_flag udp "$PORT" || fail "$CT"
}
run_case "udp, active in one direction" active_one_way

# The sysctl speaks for flows that are there, too.
sysctl_changes() {
	sysctl_r net/netfilter/nf_flowtable_udp_timeout 30
	rules_std
	flow_up c udp
	pass_time 4
	has_offload_flag udp "$PORT" || fail "expired before its 30 s: $CT"
	sysctl_r net/netfilter/nf_flowtable_udp_timeout 2
	must c ping 1
	wait_for 15 no_offload_flag udp "$PORT" || fail "the shorter time-out has no effect: $CT"
}
run_case "the time-out changes" sysctl_changes

deleted() {
	rules_std
	flow_up c "$1"
	ct_delete "$1" "$PORT" || fail "ctdel: $ANSWER"
	slow 1 c ping 5
	# a new entry, and in the table again
	promote c "$1" "$PORT"
	fast c ping 10
}
for proto in tcp udp tcp6 udp6; do
	run_case "$proto, conntrack -D" deleted $proto
done

flushed() {
	rules_std
	flow_up t tcp
	flow_up u udp6
	ct_flush
	slow 1 t ping 1
	slow 1 u ping 1
	promote t tcp $((PORT - 1))
	promote u udp6 "$PORT"
	fast t ping 10
	fast u ping 10
}
run_case "conntrack -F" flushed

# The tool itself, not only its message.
deleted_by_tool() {
	rules_std
	flow_up c tcp
	in_r conntrack -D -p tcp --orig-port-src "$PORT" >/dev/null 2>&1 || fail "conntrack -D"
	slow 1 c ping 1
	promote c tcp "$PORT"
	[[ $(in_r conntrack -L -p tcp 2>/dev/null) == *"[OFFLOAD]"* ]] || fail "conntrack -L shows no [OFFLOAD]"
	in_r conntrack -F >/dev/null 2>&1
	slow 1 c ping 1
}
run_case "conntrack -D, -L and -F by the tool" deleted_by_tool

# A drop rule and a deleted entry: the way to end an offloaded connection.
cut_off() {
	rules_std "" "meta mark 0 tcp dport 5999 drop"
	flow_up c tcp
	in_r nft insert rule inet t forward tcp dport 5000 drop
	ct_delete tcp "$PORT" || fail "ctdel: $ANSWER"
	must c timeout 500
	ask c ping 1 && fail "passes a drop rule"
	no_offload_flag tcp "$PORT" || fail "offloaded: $CT"
}
run_case "a drop rule after conntrack -D" cut_off

all_done
