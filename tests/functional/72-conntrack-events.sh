#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life pending
# What conntrackd and others hear: the events of a connection name the same states in
# the same order, offloaded or not.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

topo_up
echo_up
sysctl_r net/netfilter/nf_conntrack_events 1

listen() {
	peer_run events "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec \
		stdbuf -oL conntrack -E -p "$1" -f "$2"
	: >"$LIB_TMP/events"
	# it has joined its group when it hears of somebody else's connection
	client probe "$1$3"
	must probe ping 1
	peer_stop probe
	wait_for 10 heard "dport=5000" || fail "conntrack -E hears nothing"
	must_be_quiet
}
# What has come so far goes to a file.
read_events() {
	local line

	while read -r -t 0.3 -u "${PEER_OUT[events]}" line; do
		echo "$line" >>"$LIB_TMP/events"
	done
}
heard() { read_events; grep -q -- "$1" "$LIB_TMP/events"; }
must_be_quiet() { read_events; : >"$LIB_TMP/events"; }

# Event, state and ASSURED of one connection, in order; what is told twice in a row
# counts once.
story() {
	read_events
	awk -v port="sport=$1" '
		$0 ~ port " " {
			text = ""
			for (i = 1; i <= NF; i++)
				if ($i ~ /^(\[(NEW|UPDATE|DESTROY|ASSURED)\]|SYN_SENT|SYN_RECV|ESTABLISHED|FIN_WAIT|CLOSE_WAIT|LAST_ACK|TIME_WAIT|CLOSE)$/)
					text = text " " $i
			if (text != last)
				print text ";"
			last = text
		}' "$LIB_TMP/events" | tr -d '\n'
}

life_of() {
	local how=$1

	case $how in
	fin) must c fin; must c finread; must c close ;;
	rst) must c reset ;;
	delete) ct_delete "$2" "$PORT" || fail "$ANSWER" ;;
	esac
}

# story_of PATH PROTO HOW
story_of() {
	local path=$1 proto=$2 how=$3 family=ipv4 six=

	case $proto in
	*6) family=ipv6 six=6 ;;
	esac
	rules_for "$path"
	listen "${proto%6}" $family "$six"
	connect_for "$path" c "$proto"
	case $proto in
	udp*) must c run 3000 ;;
	*) must c bulk 1000000 ;;
	esac
	life_of "$how" "$proto"
	pass_time 1
	STORY=$(story "$PORT")
	peer_stop c
	peer_stop events
}

same_story() {
	local classic

	story_of classic "$@"
	classic=$STORY
	rules_flush
	ct_flush
	story_of offload "$@"
	echo "classic: $classic"
	echo "ours:    $STORY"
	[ -n "$classic" ] || fail "the classic path has no story"
	equal "$STORY" "$classic" "events"
}
for proto in tcp tcp6; do
	run_case "$proto, events of a connection that ends with FIN" same_story $proto fin
	run_case "$proto, events of one that ends with RST" same_story $proto rst
	run_case "$proto, events of one that is deleted" same_story $proto delete
done
for proto in udp udp6; do
	run_case "$proto, events" same_story $proto delete
done

all_done
