#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
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

# An idle flow leaves the table; its connection goes on with the rest of its time:
# the state's time-out less what the flow was idle.
idle() {
	local proto i=0
	local -a ports=()

	rules_std
	for proto in tcp udp tcp6 udp6; do
		flow_up $proto $proto
		ports+=("$PORT")
	done
	for proto in tcp udp tcp6 udp6; do
		PORT=${ports[i++]}
		wait_for 15 no_offload_flag $proto "$PORT" || fail "an idle $proto flow stays: $CT"
		ct_field timeout
		case $proto in
		tcp*) [[ $FIELD -ge 1900 && $FIELD -le 2000 ]] || fail "$proto has $FIELD of 2000 s left" ;;
		udp*) [[ $FIELD -ge 30 && $FIELD -le 100 ]] || fail "$proto has $FIELD of 50 to 100 s left" ;;
		esac
	done
	# and is promoted again when there is something to do
	i=0
	for proto in tcp udp tcp6 udp6; do
		promote $proto $proto "${ports[i++]}"
		fast $proto ping 10
	done
	counter invalid
	equal "$PACKETS" 0 "invalid packets"
}
run_case "idle flows end, their connections don't" idle

# Nor does it end early.
not_early() {
	rules_std
	sysctl_r net/netfilter/nf_flowtable_udp_timeout 4
	flow_up c udp
	must c ping 1
	pass_time 3
	has_offload_flag udp "$PORT" || fail "ended before its time: $CT"
	sysctl_r net/netfilter/nf_flowtable_udp_timeout 2
}
run_case "no flow ends before its time" not_early

# Traffic once a second, several time-outs long: nobody expires.
active() {
	local i proto
	local -A port_of=()

	# room for a slow machine between two packets that should be a second apart
	sysctl_r net/netfilter/nf_flowtable_tcp_timeout 4
	sysctl_r net/netfilter/nf_flowtable_udp_timeout 4
	sysctl_r net/netfilter/nf_conntrack_udp_timeout 3
	sysctl_r net/netfilter/nf_conntrack_udp_timeout_stream 3
	sysctl_r net/netfilter/nf_conntrack_tcp_timeout_established 3
	rules_std
	for proto in udp tcp; do
		flow_up $proto $proto
		port_of[$proto]=$PORT
	done
	counter seen
	before=$PACKETS
	for i in 1 2 3 4 5 6 7; do
		pass_time 1
		for proto in udp tcp; do
			must $proto ping 1
			ct_get $proto "${port_of[$proto]}"
			[[ $CT == *offload=1* ]] || fail "$proto after $i s: $CT"
		done
	done
	counter seen
	equal $((PACKETS - before)) 0 "packets on the slow path"
}
run_case "active flows outlive every time-out" active
sysctl_r net/netfilter/nf_flowtable_tcp_timeout 2
sysctl_r net/netfilter/nf_flowtable_udp_timeout 3
sysctl_r net/netfilter/nf_conntrack_udp_timeout 50
sysctl_r net/netfilter/nf_conntrack_udp_timeout_stream 100
sysctl_r net/netfilter/nf_conntrack_tcp_timeout_established 2000

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
