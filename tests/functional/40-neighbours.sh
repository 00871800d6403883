#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# Neighbours under a flow: kept alive, followed when they move, never used when failed.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

topo_up
echo_up

# Neighbour timers a hundred times faster than life.
for family in ipv4 ipv6; do
	for dev in rc rs; do
		sysctl_r net/$family/neigh/$dev/base_reachable_time_ms 1000
		sysctl_r net/$family/neigh/$dev/delay_first_probe_time 1
		sysctl_r net/$family/neigh/$dev/retrans_time_ms 200
		sysctl_r net/$family/neigh/$dev/gc_stale_time 2
	done
done
# A moved host announces itself.
sysctl_in "$NS_S" net/ipv4/conf/all/arp_notify 1
sysctl_in "$NS_S" net/ipv6/conf/all/ndisc_notify 1

server_addr() { [[ $1 == *6 ]] && echo $S6 || echo $S4; }
neigh_state() { ip -n "$NS_R" neigh show "$(server_addr "$1")" dev rs; }

# Several reachable times long, no packet is seen by the classic path, and the entry
# is confirmed again and again by the traffic's own need.
kept_alive() {
	local round state proto

	rules_std
	for proto in udp tcp udp6 tcp6; do
		flow_up $proto $proto
	done
	counter seen
	before=$PACKETS
	for round in 1 2 3 4 5; do
		for proto in udp tcp udp6 tcp6; do
			tell $proto run 1000
		done
		for proto in udp tcp udp6 tcp6; do
			peer_answer $proto || fail "$proto: $ANSWER"
			[[ $ANSWER == *" 0" ]] || fail "$proto packets lost in round $round: $ANSWER"
			state=$(neigh_state $proto)
			[[ $state == *REACHABLE* || $state == *DELAY* || $state == *PROBE* || $state == *STALE* ]] ||
				fail "$proto, round $round: $state"
		done
	done
	counter seen
	equal $((PACKETS - before)) 0 "packets on the slow path"
	# the entry was asked about: used within the last seconds, not when it was made
	for proto in udp udp6; do
		state=$(ip -n "$NS_R" -s neigh show "$(server_addr $proto)" dev rs)
		state=${state#*used }
		[ "${state%%/*}" -lt 6 ] || fail "$proto: last used ${state%%/*} s ago"
	done
}
run_case "traffic keeps its neighbours" kept_alive

# One way only: nothing comes back that could confirm the neighbour by accident.
one_way() {
	rules_std
	flow_up c udp
	ask su set echo 0
	for _ in 1 2 3 4 5; do
		must c send 50
		pass_time 1
	done
	ask su set echo 1
	must c drain
	[[ $(neigh_state udp) != *FAILED* ]] || fail "failed under traffic"
	fast c ping 5
}
run_case "traffic in one direction keeps its neighbour" one_way

move_to() {
	ip -n "$NS_S" link set s0 address "$1"
}

moved_mac() {
	local i

	rules_std
	flow_up c "$1"
	for i in 1 2 3; do
		# arp_notify speaks for IPv4; an IPv6 host says so with an advertisement
		pass_time 1
		move_to "02:00:00:00:0$i:01"
		if [[ $1 == *6 ]]; then
			ip -n "$NS_R" neigh replace $S6 dev rs lladdr "02:00:00:00:0$i:01" nud reachable
		else
			wait_for 5 neigh_is "02:00:00:00:0$i:01" || fail "not announced: $(neigh_state "$1")"
		fi
		must c timeout 1000
		must c ping 5
		promote c "$1" "$PORT"
		fast c ping 5
	done
}
neigh_is() { [[ $(ip -n "$NS_R" neigh show $S4 dev rs) == *"$1"* ]]; }
for proto in udp tcp udp6; do
	run_case "$proto follows its neighbour's new address" moved_mac $proto
done

# The client's side moves: the reply direction follows.
moved_client() {
	rules_std
	flow_up c tcp
	pass_time 1
	ip -n "$NS_C" link set c0 address 02:00:00:00:00:77
	ip -n "$NS_R" neigh replace $C4 dev rc lladdr 02:00:00:00:00:77 nud reachable
	must c ping 5
	promote c tcp "$PORT"
	fast c ping 5
}
run_case "the client's new address" moved_client

# No answer any more, and the entry gone: the classic path queues and asks.
failed_neighbour() {
	ours_only "sends through a neighbour entry of its own making"
	rules_std
	flow_up c udp
	fast c ping 10
	ip -n "$NS_S" link set s0 arp off
	ip -n "$NS_R" neigh del $S4 dev rs
	must c timeout 300
	counter seen
	before=$PACKETS
	ask c ping 3 && fail "the server answered: $(neigh_state udp)"
	counter seen
	[ $((PACKETS - before)) -ge 1 ] || fail "the slow path did not take over"
	wait_for 10 neigh_failed || fail "$(neigh_state udp)"
	ask c ping 1 && fail "sent through a failed neighbour"
	ip -n "$NS_S" link set s0 arp on
	must c timeout 1000
	wait_for 20 ask c ping 1 || fail "does not recover: $ANSWER"
	promote c udp "$PORT"
	wait_for 10 is_fast c ping 10 || fail "not fast again"
}
neigh_failed() { local s; s=$(neigh_state udp); [[ -z $s || $s == *FAILED* || $s == *INCOMPLETE* ]]; }
run_case "a failed neighbour is not used" failed_neighbour

# Administrators set permanent entries.
permanent() {
	local mac

	rules_std
	flow_up c udp
	mac=$(mac_of "$NS_S" s0)
	ip -n "$NS_R" neigh replace $S4 dev rs lladdr "$mac" nud permanent
	must c ping 2
	promote c udp "$PORT"
	fast c run 1500
	ip -n "$NS_R" neigh replace $S4 dev rs lladdr 02:00:00:00:00:99 nud permanent
	must c timeout 300
	ask c ping 2 && fail "still goes to the old address"
	ip -n "$NS_R" neigh replace $S4 dev rs lladdr "$mac" nud permanent
	must c timeout 3000
	must c ping 2
	wait_for 10 is_fast c ping 5 || fail "not fast again"
	ip -n "$NS_R" neigh del $S4 dev rs
}
run_case "permanent entries, changed by hand" permanent

all_done
