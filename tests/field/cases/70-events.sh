# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086,SC2153,SC2154 # names and addresses hold no white space
# Events that concern nobody: what they cost the connections that run.

# timed NAME BYTES - a transfer, in TIME (ms).
timed() {
	now
	local start=$NOW

	must "$1" bulk "$2"
	now
	TIME=$(((NOW - start) / 1000))
}

# route_storm EVENTS - a route that concerns nobody comes and goes, an event every 10 ms.
route_storm() {
	local i to

	exec {to}> >(exec ip -n "$NS_R" -force -batch -)
	for ((i = 0; i < $1; i++)); do
		if [ $((i % 2)) = 0 ]; then
			echo "route add 10.8.0.0/24 via $S4" >&"$to"
		else
			echo "route del 10.8.0.0/24" >&"$to"
		fi
		nap 0.01
	done
	exec {to}>&-
}

route_events() {
	local quiet

	field_up
	field_rules "rc, rs"
	peer_start t "$NS_C" client tcp $C4 9999 $S4 5000 || fail "tcp: $ANSWER"
	must t bulk 1000000
	timed t 20000000
	quiet=$TIME
	live_start
	slow_count
	SLOW1=$SLOW
	route_storm 300
	slow_count
	SLOW1=$((SLOW - SLOW1))
	probe_more p 20
	probe_say
	figure "slow during 300 events $SLOW1"
	tell t bulk 20000000
	now
	local start=$NOW
	while ! peer_ready t; do
		route_storm 10
	done
	peer_answer t || fail "tcp: $ANSWER"
	now
	figure "20 MB in $quiet ms without, $(((NOW - start) / 1000)) ms with events"
	want_all
	want_fast
}
field_case route-events "a route that concerns nobody comes or goes every 10 ms: all echoed, slow at most 1 %" route_events

# reload_routes ADD-OR-DEL - 10,000 of them in one batch.
reload_routes() {
	awk -v op="$1" -v via="$S4" 'BEGIN {
		for (i = 0; i < 10000; i++)
			printf "route %s 10.%d.%d.0/24 via %s\n", op, 100 + int(i / 250), i % 250, via
	}' | ip -n "$NS_R" -batch -
}
many_routes() {
	field_up
	field_rules "rc, rs"
	live_start
	now
	local start=$NOW
	reload_routes add
	reload_routes del
	reload_routes add
	now
	figure "10,000 routes made, deleted, made in $(((NOW - start) / 1000)) ms"
	probe_more p 100
	probe_say
	want_all
	want_fast
}
field_case many-routes "10,000 unrelated routes are reloaded under traffic: all echoed, slow at most 1 %" many_routes

# A device that has nothing to do with the flow, as containers make them.
other_devices() {
	local i

	field_up
	field_rules "rc, rs"
	live_start
	for i in 1 2 3 4 5; do
		ip -n "$NS_R" link add v$i type veth peer name w$i
		ip -n "$NS_R" addr add 10.7.$i.1/24 dev v$i
		ip -n "$NS_R" link set v$i up
		ip -n "$NS_R" link set w$i up
		ip -n "$NS_R" link del v$i
	done
	probe_more p 100
	probe_say
	want_all
	want_fast
}
field_case other-devices "five veth pairs come and go: all echoed, slow at most 1 %" other_devices
