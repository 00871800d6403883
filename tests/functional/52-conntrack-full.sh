#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# FINDINGS S2: conntrack's limit holds under a flood of new connections, and who comes
# new finds room.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

topo_up
echo_up
must su set echo 0
ip -n "$NS_R" route add 10.0.0.0/8 via $C4
ip -n "$NS_R" route add 2001:db8:f::/48 via $C6

# One value for all namespaces, writable in the first one only.
# Who drops early looks into eight buckets: a table as small as the limit, as by default.
limit=/proc/sys/net/netfilter/nf_conntrack_max
buckets=/sys/module/nf_conntrack/parameters/hashsize
before=$(cat $limit) buckets_before=$(cat $buckets)
MAX=256
echo $MAX >$buckets
# Tuples of three packets, and how many of them begin in a second.
TUPLES=4000 TUPLE_RATE=1000
# A tick, a grace period, and what a loaded machine adds: 80 ms.
ALLOWED=$((MAX + TUPLE_RATE * 80 / 1000))

# Only here may a new connection fail for a while: the table is full by intent.
connects() {
	next_port
	peer_start n "$NS_C" client "$1" $C4 "$PORT" $S4 5000 || { peer_stop n; return 1; }
	ask n ping 2
	[[ $ANSWER == ok* ]] || { peer_stop n; return 1; }
	peer_stop n
}

flood_with_limit() {
	local path=$1 proto=$2 to=$S4 peak

	case $proto in
	*6) to=$S6 ;;
	esac
	echo $MAX >$limit
	rules_for "$path"
	inject_up flood "$NS_C" c0 "$NS_R" rc
	watch_up watch "$NS_R" /proc/sys/net/netfilter/nf_conntrack_count
	# established before the flood, assured, and in the table
	client old tcp
	[ "$path" = classic ] || promote old tcp "$PORT"
	must old bulk 100000
	must watch max
	tell flood flood "$proto" "$to" 5000 $TUPLES 3 $((TUPLE_RATE * 3)) 8000
	pass_time 2
	# in the middle of the flood
	wait_for 8 connects tcp || fail "no new TCP connection finds room: $ANSWER"
	peer_answer flood || fail "flood: $ANSWER"
	echo "flood: $ANSWER"
	must watch max
	peak=${ANSWER#ok max }
	echo "entries: $peak of $MAX"
	[ "$peak" -le $ALLOWED ] || fail "$peak entries with a limit of $MAX"
	wait_for 8 connects tcp || fail "no new TCP connection finds room after the flood: $ANSWER"
	must old bulk 100000
}
limits_back() { echo "$before" >$limit; }

for proto in udp udp6 tcp; do
	for path in classic offload; do
		run_case "nf_conntrack_max holds, $proto, $path" flood_with_limit $path $proto
		limits_back
	done
done

# Six connections from before the ruleset, when conntrack had room for them: as many become
# flows as max_flows says, or, while that is 0, as conntrack may have entries.
figure() { FIGURE=$(in_r sed -n "s/^$1 //p" /proc/net/nf_flow_offload); }
limit_of_flows() {
	local setting=$1 conntrack=$2 want=$3 i before

	[ "${NFO_PROVIDER:-ours}" = ours ] || skip "our own setting"
	rules_classic
	for i in 1 2 3 4 5 6; do
		client "f$i" tcp
		must "f$i" ping 3
	done
	figure max-flows
	before=$FIGURE
	in_r "$NFO_TOOLS/nft-offload" set max_flows "$setting"
	echo "$conntrack" >$limit || skip "this kernel does not take $conntrack for nf_conntrack_max"
	rules_flush
	rules_std
	for i in 1 2 3 4 5 6; do
		must "f$i" ping 3
	done
	# An acknowledgement may come late, when the limit is another one.
	figure flows
	in_r "$NFO_TOOLS/nft-offload" set max_flows 0
	equal "$FIGURE" "$want" "flows"
	figure max-flows
	[ "$want" = 6 ] || [ "$FIGURE" -gt "$before" ] || fail "no refusal was counted"
}
run_case "max_flows set" limit_of_flows 3 "$before" 3
run_case "max_flows follows nf_conntrack_max" limit_of_flows 0 4 4
limits_back
run_case "no limit in conntrack" limit_of_flows 0 0 6
limits_back
run_case "neither limit is met" limit_of_flows 0 "$before" 6
echo "$buckets_before" >$buckets

all_done
