#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# Replies come in by a device that is not listed, so one direction of a connection is in
# the fast path and the other one stays on the classic path. After the hand-back conntrack
# checks windows as if the connection had never been offloaded.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

topo_up
echo_up
sysctl_r net/netfilter/nf_conntrack_tcp_be_liberal 0
ip link add s1 netns "$NS_S" type veth peer name ry netns "$NS_R"
ip -n "$NS_R" -batch - <<-END
	addr add 198.18.0.1/24 dev ry
	link set ry up
END
ip -n "$NS_S" -batch - <<-END
	addr add 198.18.0.2/24 dev s1
	link set s1 up
	route add 192.0.2.0/24 via 198.18.0.1
END
links_ready "$NS_S" s1 "$NS_R" ry
for d in all rs ry; do
	sysctl_r net/ipv4/conf/$d/rp_filter 0
done

hand_back() {
	in_r nft 'flush chain inet t forward; add rule inet t forward counter name seen; add rule inet t forward ct state invalid counter name invalid'
	in_r nft delete flowtable inet t f
	wait_for 5 no_offload_flag tcp "$1" || fail "not handed back: $CT"
}

slow_replies() {
	local before

	counter seen
	before=$PACKETS
	must c ping 20
	counter seen
	[ $((PACKETS - before)) -ge 20 ] || fail "replies are in the fast path as well"
	[ $((PACKETS - before)) -le 30 ] || fail "no direction is in the fast path"
}

# window PATH QUIET - segments that conntrack has to find out of the window do nothing
# after the hand-back. QUIET yes: nothing passes between promotion and hand-back.
window() {
	local path=$1 quiet=$2 port offset

	rules_for "$path"
	client c tcp
	port=$PORT
	if [ "$path" = classic ]; then
		must c ping 5
	else
		wait_for 10 ping_promoted c tcp "$port" || fail "not promoted: $CT"
	fi
	if [ "$quiet" = no ]; then
		[ "$path" = classic ] || slow_replies
		must c bulk 2000000
	fi
	[ "$path" = classic ] || hand_back "$port"
	inject_up watcher "$NS_C" c0 "$NS_R" rc
	sequences watcher c tcp "$port"
	for offset in -3000000 100000000 1000000000; do
		seq_add "$CLIENT_SEQ" $offset
		must watcher tcp "$CLIENT_END" "$SERVER_END" "$SEQ" "$SERVER_SEQ" R 0
		ct_get tcp "$port"
		ct_field state
		equal "$FIELD" established "conntrack's state after a RST at $offset"
	done
	must c ping 5
	counter invalid
	[ "$PACKETS" = 3 ] || fail "$PACKETS packets were invalid, of 3 that are"
}
on_both_paths "windows of a connection with replies by another device" window no
on_both_paths "the same, handed back at once" window yes

all_done
