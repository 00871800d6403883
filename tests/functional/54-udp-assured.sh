#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# FINDINGS S8: a UDP connection that both sides use for longer than two seconds is
# ASSURED, offloaded or not; one side alone never is.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

topo_up
echo_up

assured() {
	local path=$1 proto=$2

	rules_for "$path"
	connect_for "$path" c "$proto"
	must c run 3500
	ct_has "$proto" "$PORT" assured=1 || fail "after 3.5 s: $CT"
}
for proto in udp udp6; do
	on_both_paths "$proto becomes assured" assured $proto
done

not_at_once() {
	rules_for "$1"
	connect_for "$1" c udp
	must c run 500
	ct_has udp "$PORT" assured=0 || fail "after half a second: $CT"
}
on_both_paths "udp is not assured at once" not_at_once

one_way() {
	must su set echo 0
	rules_for "$1"
	client c udp
	for _ in 1 2 3 4 5 6; do
		must c send 5
		pass_time 1
	done
	[ "$1" = classic ] || ct_has udp "$PORT" offload=1 || fail "not offloaded: $CT"
	ct_has udp "$PORT" assured=0 || fail "$CT"
	must su set echo 1
}
on_both_paths "udp in one direction is never assured" one_way
must su set echo 1

# What assurance is for: a full table drops others first.
limit=/proc/sys/net/netfilter/nf_conntrack_max
buckets=/sys/module/nf_conntrack/parameters/hashsize
before=$(cat $limit) buckets_before=$(cat $buckets)
echo 256 >$buckets
survives() {
	local path=$1 port

	ip -n "$NS_R" route replace 10.0.0.0/8 via $C4
	rules_for "$path"
	connect_for "$path" c udp
	port=$PORT
	must c run 3500
	inject_up flood "$NS_C" c0 "$NS_R" rc
	echo 256 >$limit
	in_r nft -f - <<-END
		table inet new {
			counter fresh { }
			chain forward { type filter hook forward priority -1; udp sport $port ct state new counter name fresh; }
		}
	END
	# to a port where nobody listens: one direction
	tell flood flood udp $S4 5001 3000 1 1500 20000
	for _ in 1 2 3 4 5; do
		must c run 300
		[ "${ANSWER##* }" = 0 ] || fail "lost packets: $ANSWER"
	done
	peer_answer flood || fail "flood: $ANSWER"
	must c run 300
	counter fresh "$NS_R" inet new
	equal "$PACKETS" 0 "packets that began the connection anew"
}
for path in classic offload; do
	run_case "an assured UDP connection survives a full table, $path" survives $path
	echo "$before" >$limit
done
echo "$buckets_before" >$buckets

all_done
