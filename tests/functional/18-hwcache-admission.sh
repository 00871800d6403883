#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# Hardware as a cache: which flows get a place in the chip, how many may wait for one, and
# how often the driver is asked.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-hwcache.sh
. "$(dirname "$0")/../lib-hwcache.sh"
ours_alone

# Packets per second do in place of a number of packets.
rate() {
	local slow

	fresh
	setting hw_after 1000000
	setting hw_rate 400
	table
	client slow udp
	slow=$PORT
	client busy udp
	tell busy run 3000
	for _ in {1..12}; do
		must slow ping 2
		nap 0.15
	done
	wait_for 5 ct_has udp "$PORT" hw=1 || fail "the busy one is not in: $CT"
	ct_has udp "$slow" hw=0 || fail "the slow one is in: $CT"
	peer_answer busy || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	setting hw_rate 0
	client other udp
	lossless other run 1500
	ct_has udp "$PORT" hw=0 || fail "in without a rate: $CT"
	used 2 || fail "$(cat $CHIP/rules)"
}

# Counters are read as often as is said, and what is said counts at once.
sync_period() {
	local reads

	fresh
	setting hw_sync_ms 20000
	table
	hw_up c udp
	stats_calls
	reads=$STATS
	by_hw 40 c ping 20
	pass_time 2
	stats_calls
	equal "$STATS" "$reads" "counters read in 2 s of 20"
	setting hw_sync_ms 100
	wait_for 3 reads_beyond $((reads + 20)) || fail "$((STATS - reads)) counters read"
	setting hw_sync_ms 20000
	nap 0.3
	stats_calls
	reads=$STATS
	pass_time 1
	stats_calls
	[ $((STATS - reads)) -le 4 ] || fail "$((STATS - reads)) counters read in 1 s of 20"
}
stats_calls() { STATS=$(awk '/^stats/{ print $2 }' $CHIP/calls); }
reads_beyond() { stats_calls; [ "$STATS" -gt "$1" ]; }

# Many ask at once: no more than so many wait, and nobody is forgotten.
queue_bound() {
	local queued most=0

	fresh
	setting hw_queue 20
	set_chip table_size 4000
	set_chip rule_delay_us 30000
	table
	swarm many $MANY
	lossless many ping 0 $MANY 10
	nap 0.6
	lossless many ping 0 $MANY 1
	for _ in {1..5}; do
		tool list -j -s queued
		queued=$(value '.flows | length')
		[ "$queued" -le "$most" ] || most=$queued
		nap 0.1
	done
	# and one may be in the driver's hands
	[ "$most" -le 21 ] || fail "$most flows wait"
	[ "$most" -ge 15 ] || fail "only $most flows wait: the bound was not tried"
	reason hw-queue
	[ "$COUNT" -ge $((MANY - 150)) ] || fail "hw-queue was counted $COUNT times"
	set_chip rule_delay_us 0
	setting hw_queue 4096
	wait_for 20 swarm_in many $MANY || fail "not all are in: $(cat $CHIP/used $CHIP/calls)"
}
swarm_in() { lossless "$1" ping 0 "$2" 1; used $((2 * $2)); }

# One call for a shape that is refused, however many have it and wait for it.
no_storm() {
	local calls n=$((MANY / 2))

	fresh
	set_chip features/udp 0
	set_chip rule_delay_us 50000
	table
	swarm many $n
	calls
	calls=$CALLS
	lossless many ping 0 $n 10
	for _ in 1 2 3 4; do
		nap 0.6
		lossless many ping 0 $n 1
	done
	wait_for 10 nobody_queued || fail "flows still wait"
	calls
	equal $((CALLS - calls)) 1 "calls of the driver for a shape it refuses"
	used 0 || fail "$(cat $CHIP/rules)"
}
nobody_queued() {
	tool list -j -s queued
	[ "$(value '.flows | length')" = 0 ]
}

# How much busier: with a wide margin nobody is displaced, with a narrow one he is.
hysteresis() {
	fresh
	setting hw_hysteresis 10000
	set_chip table_size 2
	table
	hw_up old udp
	local old=$PORT
	# busy for longer than counters take to be read, before the other one comes
	tell old run 6000
	pass_time 3
	client new udp
	tell new run 9000
	# 100 times as busy is asked for, and nobody can be
	pass_time 2
	ct_has udp "$old" hw=1 || fail "displaced: $CT"
	reason hw-evicted
	local before=$COUNT
	setting hw_hysteresis 0
	peer_answer old || fail "$ANSWER"
	wait_for 5 ct_has udp "$PORT" hw=1 || fail "not displaced: $CT"
	reason hw-evicted
	[ "$COUNT" -gt "$before" ] || fail "nobody was evicted"
	peer_answer new || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
}

# --- the heavy ones ------------------------------------------------------

# heavy_in FIRST-PORT N - those of N connections are in.
heavy_in() {
	local n

	n=$(grep -oE 'dst=198.51.100.2/255.255.255.255 proto=17 sport=[0-9]+' $CHIP/rules |
		awk -F= -v first="$1" -v count="$2" '
			$NF >= first && $NF < first + count { n++ } END { print n + 0 }')
	[ "$n" = "$2" ]
}

# Many connections, 32 of them heavy, and room for just those.
heavy() {
	fresh
	set_chip table_size 64
	table
	swarm all $MANY
	# the mice come first, and fill the table
	lossless all ping 32 $((MANY - 32)) 10
	nap 0.6
	lossless all ping 32 $((MANY - 32)) 1
	wait_for 5 used 64 || fail "not full: $(cat $CHIP/used)"
	! heavy_in "$PORT" 32 || fail "the heavy ones are in before they did anything"
	# as long as a slow machine needs
	local tries=6
	until tell all mix 32 6000 && wait_for 5 heavy_in "$PORT" 32; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "$(grep -c . $CHIP/rules) rules: $(cat $CHIP/calls)"
		peer_answer all || fail "$ANSWER"
		[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	done
	used 64 || fail "$(cat $CHIP/used)"
	local evicted
	reason hw-evicted
	evicted=$COUNT
	# and they stay
	pass_time 1
	heavy_in "$PORT" 32 || fail "a heavy one is out"
	reason hw-evicted
	[ $((COUNT - evicted)) -le 2 ] || fail "$((COUNT - evicted)) evictions in 1 s"
	peer_answer all || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
}

topo_chip
sysctl_r net/netfilter/nf_conntrack_acct 1
run_case "hw_rate" rate
run_case "hw_sync_ms" sync_period
run_case "hw_queue" queue_bound
run_case "a refused shape, hundreds at once" no_storm
run_case "hw_hysteresis" hysteresis
run_case "32 heavy ones of $MANY, room for 64 rules" heavy
rmmod nfo_hwsim
all_done
