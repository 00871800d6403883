#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life race
# FINDINGS S1 and S14, and S18 (docs/testing.md): somebody ends a flow between two steps of somebody else. A debug
# kernel's module does the rival's work at the armed test point, on one processor and
# each time alike (include/nfo_test_point.h); KASAN and list debugging judge. What a processor
# remembers of its packets is for code that other packets do not interrupt; the module looks.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

topo_up
echo_up
point=/sys/module/nf_flow_offload/parameters/test_point
[ -e $point ] || {
	skipped "races" "this kernel's module has no test points"
	all_done
	exit 0
}

arm() { echo "$1" >$point; }
hit() { [ "$(cat $point)" = 0 ]; }

# The kernel log from here on.
log_mark() { MARK="races $LIB_SUFFIX $RANDOM"; echo "$MARK" >/dev/kmsg; }
log_is_clean() {
	local report

	report=$(dmesg | sed "1,/$MARK/d" | grep -m 3 -E 'BUG|KASAN|WARNING|corruption' || true)
	[ -z "$report" ] || fail "$report"
}

flows_counted() {
	local flows

	flows=$(in_r "$NFO_TOOLS/nft-offload" -j list | grep -c '"id"' || true)
	echo "flows: $flows"
}

# S1: a FIN of the server comes when its direction is published and the flow is not whole.
ended_while_made() {
	sysctl_r net/netfilter/nf_flowtable_tcp_timeout 30
	rules_std
	log_mark
	# the acknowledgement that ends the handshake makes the flow
	arm 1
	client c "$1"
	must c ping 3
	wait_for 5 hit || fail "no flow was made"
	# it is not offloaded, or it was made anew and is; others come and go beside it
	for i in 1 2 3 4; do
		client "d$i" "$1"
		promote "d$i" "$1" "$PORT"
	done
	promote c "$1" $((PORT - 4))
	# two turns of the wheel
	pass_time 3
	for i in 1 2 3 4; do
		must "d$i" ping 3
		peer_stop "d$i"
	done
	flows_counted
	rules_flush
	log_is_clean
}

# S14: a RST comes when ageing has found the flow alive: conntrack's ten seconds stay.
closed_while_aged() {
	sysctl_r net/netfilter/nf_flowtable_tcp_timeout 6
	rules_std
	log_mark
	flow_up c "$1"
	# Young enough at the next visit to be left alone, and quiet from here on: a later
	# packet would have conntrack write its ten seconds again.
	must c run 3000
	arm 2
	wait_for 15 hit || fail "ageing did not look"
	ct_get "$1" "$PORT"
	ct_field timeout
	[[ $FIELD -ge 0 && $FIELD -le 10 ]] || fail "a closed connection has $FIELD seconds left: $CT"
	log_is_clean
}
# S18: a packet of the reply is learned from while the flow is taken out of the table.
taught_while_ended() {
	rules_std
	log_mark
	flow_up c "$1"
	arm 3
	in_r "$NFO_TOOLS/nft-offload" flush
	hit || fail "no flow was flushed"
	must c ping 3
	promote c "$1" "$PORT"
	rules_flush
	log_is_clean
}

# The flow ends between conntrack, which does not judge a segment of it, and the end of POSTROUTING,
# where the flow notes the segment's numbers. The server's answers come in by a device that is not
# listed, so no hook at the ingress notes them before. The client acknowledges the answer.
ended_while_passed() {
	second_link 203.0.113 2001:db8:3
	at_end "ip -n $NS_R link del rs2"
	rules_std
	log_mark
	flow_up c "$1"
	# so much that conntrack's own window is far behind
	fast c bulk 3000000
	ip -n "$NS_S" route replace default via 203.0.113.1 dev s1
	ip -n "$NS_S" route replace ::/0 via 2001:db8:3::1 dev s1
	at_end "ip -n $NS_S route replace default via $RS4; ip -n $NS_S route replace ::/0 via $RS6"
	arm 4
	must c ping 3
	hit || fail "no answer took the classic path"
	counter invalid
	equal "$PACKETS" 0 "invalid packets"
	log_is_clean
}

# The router sends in process context, through the hook that learns.
sent_by_the_router() {
	rules_std
	log_mark
	next_port
	peer_start own "$NS_R" client "${1%6}" $RS6 "$PORT" $S6 5000 || fail "no connection: $ANSWER"
	must own ping 3
	peer_stop own
	log_is_clean
}
for proto in udp6 tcp6; do
	run_case "$proto: packets of the router itself" sent_by_the_router $proto
done
for proto in tcp tcp6; do
	run_case "$proto, S18: taught while it is retired" taught_while_ended $proto
done
for proto in tcp tcp6; do
	run_case "$proto: ended while a segment passes" ended_while_passed $proto
done
for proto in tcp tcp6; do
	run_case "$proto, S14: closed while ageing looks at it" closed_while_aged $proto
done
for proto in tcp tcp6; do
	run_case "$proto, S1: ended while it is made" ended_while_made $proto
done

all_done
