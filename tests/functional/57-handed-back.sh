#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# Conntrack's time-outs: a connection that comes back from the fast path has at least the
# time that the classic path would have left it, and the classic one from its next
# packet on.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

topo_up
echo_up
sysctl_r net/netfilter/nf_conntrack_udp_timeout 40
sysctl_r net/netfilter/nf_conntrack_udp_timeout_stream 90
sysctl_r net/netfilter/nf_conntrack_tcp_timeout_established 2000
MOST=2000

# exchange PROTO KIND - the traffic that both paths get.
exchange() {
	case $2 in
	one-way) must c send 20 ;;
	short) must c ping 20 ;;
	stream) must c run 3200 ;;
	idle) must c run 500; pass_time 3 ;;
	esac
}

timeout_now() {
	ct_get "$1" "$2"
	ct_field timeout
	TIMEOUT=$FIELD
}

# left PATH PROTO KIND - seconds left after the traffic in LEFT, after one packet more
# in NEXT.
left() {
	local path=$1 proto=$2 kind=$3

	[ "$kind" != one-way ] || must su set echo 0
	rules_for "$path"
	client c "$proto"
	case $path:$kind in
	offload:one-way) must c send 5; wait_for 5 has_offload_flag "$proto" "$PORT" || fail "$CT" ;;
	offload:*) promote c "$proto" "$PORT" ;;
	esac
	exchange "$proto" "$kind"
	# delayed acknowledgements: data that is not acknowledged has a time-out of its own
	nap 0.3
	if [ "$path" = offload ]; then
		has_offload_flag "$proto" "$PORT" || fail "not offloaded: $CT"
		in_r nft 'flush chain inet t forward; add rule inet t forward counter name seen; add rule inet t forward ct state invalid counter name invalid; delete flowtable inet t f'
		wait_for 5 no_offload_flag "$proto" "$PORT" || fail "$CT"
	fi
	timeout_now "$proto" "$PORT"
	LEFT=$TIMEOUT
	must c send 1
	nap 0.3
	timeout_now "$proto" "$PORT"
	NEXT=$TIMEOUT
	must su set echo 1
	peer_stop c
}

never_shorter() {
	local classic_left classic_next

	left classic "$@"
	classic_left=$LEFT classic_next=$NEXT
	rules_flush
	ct_flush
	left offload "$@"
	echo "classic path: $classic_left, then $classic_next; handed back: $LEFT, then $NEXT"
	[ "$LEFT" -ge $((classic_left - 2)) ] || fail "$LEFT seconds are left, $classic_left on the classic path"
	[ "$LEFT" -le $MOST ] || fail "$LEFT seconds are left of at most $MOST"
	[[ $NEXT -ge $((classic_next - 2)) && $NEXT -le $((classic_next + 2)) ]] ||
		fail "$NEXT seconds after one more packet, $classic_next on the classic path"
}
for proto in udp udp6; do
	run_case "$proto, replies for a moment" never_shorter $proto short
	run_case "$proto, a stream of three seconds" never_shorter $proto stream
	run_case "$proto, idle for three seconds" never_shorter $proto idle
done
run_case "udp, one direction" never_shorter udp one-way
for proto in tcp tcp6; do
	run_case "$proto, established" never_shorter $proto short
	run_case "$proto, idle for three seconds" never_shorter $proto idle
done

all_done
