#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# FINDINGS S13, and conntrack's own accounting: with nf_conntrack_acct its figures are
# right within a second, `counter` or not, and exact when the connection ends.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

topo_up
echo_up
sysctl_r net/netfilter/nf_conntrack_acct 1

acct_is() {
	ct_get "$1" "$2"
	ct_field acct
	[ "$FIELD" = "$3" ]
}

# messages_since - what the echo has received since the last call, in WANT as conntrack
# counts it: datagrams of a header of $1 bytes, both directions alike.
messages_since() {
	local bytes messages

	must su count
	read -r _ _ bytes messages <<<"$ANSWER"
	MESSAGES=$((messages - LAST_MESSAGES))
	OCTETS=$((bytes - LAST_BYTES + MESSAGES * $1))
	WANT=$MESSAGES,$OCTETS,$MESSAGES,$OCTETS
}
start_count() {
	must su count
	read -r _ _ LAST_BYTES LAST_MESSAGES <<<"$ANSWER"
}
header_of() {
	case $1 in
	*6) HEADER=48 ;;
	*) HEADER=28 ;;
	esac
}

within_a_second() {
	local path=$1 proto=$2

	header_of "$proto"
	rules_for "$path"
	start_count
	connect_for "$path" c "$proto"
	must c ping 50 100
	must c ping 20 1400
	messages_since $HEADER
	wait_for 2 acct_is "$proto" "$PORT" "$WANT" || fail "conntrack has $FIELD, sent $WANT"
	# and again: the figures go on
	must c ping 30 500
	messages_since $HEADER
	wait_for 2 acct_is "$proto" "$PORT" "$WANT" || fail "conntrack has $FIELD, sent $WANT"
}
for proto in udp udp6; do
	on_both_paths "$proto, right within a second without counter" within_a_second $proto
done

destroyed_with() { grep -q "sport=$PORT.*packets=$MESSAGES bytes=$OCTETS.*packets=$MESSAGES bytes=$OCTETS" "$LIB_TMP/events"; }

# It listens once it has told of a connection that was made and deleted for that.
listen() {
	peer_run events "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec \
		stdbuf -oL conntrack -E -e DESTROY -p udp -f "$1" -o id
	client probe "$2"
	wait_for 20 probe_is_heard "$2" || fail "conntrack -E hears nothing"
	peer_stop probe
}
probe_is_heard() {
	ask probe ping 1
	ct_delete "$1" "$PORT" || return 1
	read -r -t 0.5 -u "${PEER_OUT[events]}" _
}

# at_destroy PATH PROTO [FLOWTABLE-LINES]
at_destroy() {
	local path=$1 proto=$2 line

	header_of "$proto"
	rules_for "$path" "${3:-}"
	: >"$LIB_TMP/events"
	case $proto in
	*6) listen ipv6 "$proto" ;;
	*) listen ipv4 "$proto" ;;
	esac
	start_count
	connect_for "$path" c "$proto"
	must c ping 70 300
	messages_since $HEADER
	# at once: what was counted since the last second must not be lost
	ct_delete "$proto" "$PORT" || fail "$ANSWER"
	while read -r -t 3 -u "${PEER_OUT[events]}" line; do
		echo "$line" | tee -a "$LIB_TMP/events"
		! destroyed_with || break
	done
	destroyed_with || fail "wanted packets=$MESSAGES bytes=$OCTETS each way"
}
on_both_paths "udp, exact at DESTROY" at_destroy udp
on_both_paths "udp6, exact at DESTROY" at_destroy udp6
run_case "udp, exact at DESTROY, with counter" at_destroy offload udp "counter;"

# `counter` given to a flowtable that has flows already.
counter_later() {
	rules_std
	start_count
	flow_up c udp
	in_r nft 'add flowtable inet t f { hook ingress priority 0; devices = { rc, rs }; counter; }' ||
		skip "this nft does not change a flowtable"
	[[ $(in_r nft list flowtables) == *counter* ]] || skip "this kernel does not take counter later"
	settle c
	ct_get udp "$PORT"
	ct_field acct
	IFS=, read -r first _ <<<"$FIELD"
	fast c ping 50 100
	wait_for 2 acct_moved udp "$PORT" $((first + 50)) || fail "conntrack has $FIELD, had $first packets, 50 were sent"
}
acct_moved() {
	ct_get "$1" "$2"
	ct_field acct
	[ "${FIELD%%,*}" -ge "$3" ]
}
run_case "counter added later takes effect" counter_later

all_done
