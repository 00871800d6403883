#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# What conntrackd and others hear: the events of a connection name the same states in
# the same order, offloaded or not.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

topo_up
echo_up
sysctl_r net/netfilter/nf_conntrack_events 1

# Events go to a file. It listens once it has told of a connection that was made and
# deleted for that; the heading alone may come before it has joined.
listen() {
	: >"$LIB_TMP/events"
	peer_run events "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec \
		sh -c "exec stdbuf -oL conntrack -E -o xml >'$LIB_TMP/events' 2>&1"
	client probe udp
	wait_for 20 probe_is_heard || fail "conntrack -E hears nothing"
	peer_stop probe
}
probe_is_heard() {
	ask probe ping 1
	ct_delete udp "$PORT" || return 1
	wait_for 1 heard "<sport>$PORT<"
}
heard() { grep -q -- "$1" "$LIB_TMP/events"; }
# over HOW PORT - the last event of such a life has come.
over() {
	local last

	case $1 in
	fin) last='<state>TIME_WAIT' ;;
	rst) last='<state>CLOSE<' ;;
	delete) last='type="destroy"' ;;
	esac
	grep "<sport>$2<" "$LIB_TMP/events" | grep -- "$last" >/dev/null
}

# Kind, state and "assured" of one connection's events, in order; what is told twice in
# a row counts once. In plain text [OFFLOAD] would hide [ASSURED].
story() {
	awk -v port="<sport>$1</sport>" '
		index($0, port) && /<flow/ {
			text = ""
			if (match($0, /type="[a-z]+"/))
				text = substr($0, RSTART + 6, RLENGTH - 7)
			if (match($0, /<state>[A-Z_]+/))
				text = text " " substr($0, RSTART + 7, RLENGTH - 7)
			if (/<assured\/>/)
				text = text " assured"
			if (text != last)
				printf "%s; ", text
			last = text
		}' "$LIB_TMP/events"
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
	local path=$1 proto=$2 how=$3

	rules_for "$path"
	listen
	connect_for "$path" c "$proto"
	case $proto in
	udp*) must c run 3000 ;;
	*) must c bulk 1000000 ;;
	esac
	life_of "$how" "$proto"
	wait_for 5 over "$how" "$PORT" || echo "no last event of $how"
	STORY=$(story "$PORT")
	peer_stop c
	peer_stop events
}

same_story() {
	local classic

	story_of classic "$@"
	classic=$STORY
	cp "$LIB_TMP/events" "$LIB_TMP/events.classic"
	rules_flush
	ct_flush
	story_of offload "$@"
	echo "classic: $classic"
	echo "ours:    $STORY"
	[ -n "$classic" ] || { cat "$LIB_TMP/events.classic"; fail "the classic path has no story"; }
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
