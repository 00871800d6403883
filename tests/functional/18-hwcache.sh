#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Hardware as a cache, on the simulated switch chip: who gets a place, how much may
# wait, what a driver that is slow, failing or gone does to the flows, and that one
# device's troubles stay its own.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
ours_alone

# A kernel with all its debugging makes a tenth of the packets: fewer connections there.
MANY=1000
[ ! -e /proc/lockdep ] || MANY=250

# swarm NAME COUNT [ADDR] - so many UDP connections of the client, the first one's source
# port in PORT.
swarm() {
	next_port
	# away from those of single clients
	PORT=$((PORT + 20000))
	peer_start "$1" "$NS_C" exec "$NFO_TOOLS/nfo_swarm" $C4 "$PORT" "$2" "${3:-$S4}" 5000 ||
		fail "swarm: $ANSWER"
}

# lossless NAME COMMAND... - of a peer that answers "... SENT LOST".
lossless() {
	must "$@"
	[[ $ANSWER == *" 0" ]] || fail "$*: packets lost: $ANSWER"
}

set_is() {
	tool status -j
	equal "$(value ".settings.$1")" "$2" "setting $1"
}

# setting NAME VALUE - for this case, shown by status as well.
setting() {
	tool set "$1" "$2"
	set_is "$1" "$2"
}

defaults() {
	tool set hw_after 8
	tool set hw_rate 0
	tool set hw_budget 0
	tool set hw_queue 4096
	tool set hw_sync_ms 1000
	tool set hw_hysteresis 100
	tool set hw_oneway 0
}

# fresh [HOW] - as clean, with every setting and feature as it was made.
fresh() {
	local d

	clean "$@"
	for d in hwp0 hwp1; do in_r ethtool -K $d hw-tc-offload on; done
	defaults
}

# reason NAME - how often it was counted, in COUNT.
reason() {
	tool status -j
	COUNT=$(value ".reasons[\"$1\"]")
}

# flow_is PORT EXPRESSION WANTED - of the one flow with that port.
flow_is() {
	tool list -j -P "$1"
	IS=$(value ".flows[0] | $2")
	[ "$IS" = "$3" ]
}

# A third port with a server of its own behind it, in NS_V.
V4=203.0.113.2
third_up() {
	ns_add v
	NS_V=$NS
	no_dad "$NS_V"
	ip -batch - <<-END
		link set hwp2 netns $NS_R
		link set wire2 netns $NS_V name v0
	END
	ip -n "$NS_R" -batch - <<-END
		link set hwp2 up
		addr add 203.0.113.1/24 dev hwp2
	END
	ip -n "$NS_V" -batch - <<-END
		link set v0 up
		addr add $V4/24 dev v0
		route add default via 203.0.113.1
	END
	wait_for 10 link_ready "$NS_V" v0
	peer_start sv "$NS_V" server udp :: 5000 || fail "$ANSWER"
}

# Back into the namespace the chip is in: the next case finds it there.
third_down() {
	rules_flush
	peer_stop sv
	set_chip ports "del 2"
	set_chip ports "add 2"
}

# --- a driver that says ENODEV -------------------------------------------

software_goes_on() {
	must "$1" ping 4
	flow_is "$2" .state software
}

lost() {
	local in age

	fresh "$1"
	table
	hw_up a udp
	in=$PORT
	tool list -j -P "$in"
	age=$(value '.flows[0].ct_id')
	set_chip fail "19 100 firmware is gone"
	client b udp
	promote b udp "$PORT"
	wait_for 10 lost_by b "none hw-driver 19 firmware is gone" || fail "hwp0: $SAYS"
	# what it had is out, and goes on as the flow it was
	wait_for 10 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	wait_for 5 software_goes_on a "$in" || fail "state $IS"
	flow_is "$in" .ct_id "$age" || fail "another flow"
	by_host a ping 10
	fast a ping 10
	ct_has udp "$in" hw=0 || fail "$CT"
	# the other device's driver has said nothing of the kind
	dev_is hwp1 "$1 none 0 *" || fail "hwp1: $SAYS"
	# not asked again while nothing has happened
	calls
	local calls=$CALLS
	for _ in 1 2 3; do must a ping 4; must b ping 4; nap 0.6; done
	calls
	equal "$CALLS" "$calls" "calls of a driver that is gone"
	set_chip fail 0
	"$2"
	dev_is hwp0 "$1 none 0 *" || fail "hwp0: $SAYS"
	in_hw b udp "$PORT"
	by_hw 10 b ping 5
}
lost_by() { must "$1" ping 4; dev_is hwp0 "$2"; }
by_feature() {
	in_r ethtool -K hwp0 hw-tc-offload off
	in_r ethtool -K hwp0 hw-tc-offload on
}
by_link() {
	ip -n "$NS_R" link set hwp0 down
	ip -n "$NS_R" -batch - <<-END
		link set hwp0 up
		addr replace $RC6/64 dev hwp0 nodad
	END
	wait_for 10 link_ready "$NS_C" c0
	wait_for 10 ask b ping 1 || fail "no answer: $ANSWER"
	must b drain
}

# It says so when asked for counters, with nothing to add.
lost_counters() {
	fresh
	table
	hw_up a udp
	set_chip fail_stats "19 100 gone"
	wait_for 5 dev_is hwp0 "none hw-driver 19 *" || fail "hwp0: $SAYS"
	wait_for 5 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	by_host a ping 10
	set_chip fail_stats 0
	by_feature
	in_r ethtool -K hwp1 hw-tc-offload off
	in_r ethtool -K hwp1 hw-tc-offload on
	in_hw a udp "$PORT"
	by_hw 10 a ping 5
}

# --- what was learned is forgotten ---------------------------------------

# ask_twice PEER... - enough packets, long enough, to ask for a place.
ask_twice() {
	local p

	for _ in 1 2 3; do
		for p in "$@"; do must "$p" ping 6; done
		nap 0.6
	done
}

forgets() {
	local calls

	fresh
	set_chip features/ipv6 0
	table
	client c udp6
	wait_for 10 refused_after c "95 " || fail "the driver was not asked: $(cat $CHIP/calls)"
	set_chip features/ipv6 1
	calls
	calls=$CALLS
	ask_twice c
	calls
	equal "$CALLS" "$calls" "calls for a shape that was refused"
	by_feature
	in_hw c udp6 "$PORT"
	by_hw 10 c ping 5
}
refused_after() {
	must "$1" ping 4
	[[ $(<$CHIP/last_refusal) == "$2"* ]]
}

# --- each device by itself -----------------------------------------------

# A device takes a second for each command; flows between the others don't wait.
slow_neighbour() {
	fresh
	third_up
	set_chip features/one_chip 0
	table "" "hwp0, hwp1, hwp2"
	set_chip port_delay_us/1 1000000
	swarm many 40
	must many ping 0 40 10
	nap 0.6
	must many ping 0 40 1
	client v udp 5000 $V4
	promote v udp "$PORT"
	now
	local start=$NOW
	wait_for 5 asks v udp "$PORT" || fail "held up: $(cat $CHIP/calls)"
	now
	[ $((NOW - start)) -lt 5000000 ] || fail "it took $((NOW - start)) us"
	by_v 20 v ping 10
	# the others are still waiting
	tool list -j -s queued
	[ "$(value '.flows | length')" -gt 20 ] || fail "the slow device was not slow"
	# and don't hold up who deletes them, but for the one in the driver's hands
	set_chip port_delay_us/1 200000
	now
	start=$NOW
	rules_flush
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
	now
	[ $((NOW - start)) -lt 15000000 ] || fail "the flush took $((NOW - start)) us"
	third_down
}
# as by_hw, between the ports 0 and 2
by_v() {
	local before after

	before=$(awk '/^[02] /{ sub(/.*hw_in=/, ""); n += $1 } END { print n }' $CHIP/ports)
	must "${@:2}"
	after=$(awk '/^[02] /{ sub(/.*hw_in=/, ""); n += $1 } END { print n }' $CHIP/ports)
	equal $((after - before)) "$1" "packets by hardware"
}

# --- one direction alone -------------------------------------------------

half_in() { must "$1" ping 4; flow_is "$2" '"\(.state) \(.original.hw) \(.reply.hw)"' "half $3"; }

# half HOW - the server's device cannot: no driver any more, or it refuses.
half() {
	local port hw host

	fresh
	setting hw_oneway 0
	if [ "$1" = driver ]; then
		table
		in_r ethtool -K hwp1 hw-tc-offload off
	else
		set_chip fail_port 1
		set_chip fail "95 100 not that way"
		table
	fi
	client c udp
	port=$PORT
	promote c udp "$port"
	ask_twice c
	used 0 || fail "half a flow without being asked: $(cat $CHIP/rules)"
	setting hw_oneway 1
	wait_for 10 half_in c "$port" "true false" || fail "flow: $IS"
	used 1 || fail "$(cat $CHIP/rules)"
	has_rule "in=0" || fail "$(cat $CHIP/rules)"
	ct_has udp "$port" hw=0 || fail "conntrack: $CT"
	ct_has udp "$port" offload=1 || fail "conntrack: $CT"
	ports
	hw=$HW host=$HOST
	lossless c run 1000
	ports
	equal $((HW - hw)) $((HOST - host)) "packets of the two directions"
	fast c ping 20
	# what the hardware counts and what software counts come together
	wait_for 5 flow_is "$port" '.original.packets == .reply.packets' true || fail "counters differ"
	# it gives way to one that is hotter
	set_chip table_size 1
	in_r ethtool -K hwp0 hw-tc-offload off
	in_r ethtool -K hwp0 hw-tc-offload on
	wait_for 10 half_in c "$port" "true false" || fail "flow: $IS"
	client h udp
	tell h run 4000
	wait_for 8 half_now "$PORT" || fail "the hot one is not in: $(cat $CHIP/rules)"
	peer_answer h || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	flow_is "$port" .original.hw false || fail "both are in: $(cat $CHIP/rules)"
	set_chip table_size 1000
	# the other half follows when its device can
	if [ "$1" = driver ]; then
		in_r ethtool -K hwp1 hw-tc-offload on
	else
		set_chip fail 0
		in_r ethtool -K hwp1 hw-tc-offload off
		in_r ethtool -K hwp1 hw-tc-offload on
	fi
	in_hw h udp "$PORT"
	flow_is "$PORT" '"\(.state) \(.original.hw) \(.reply.hw)"' "hardware true true" || fail "$IS"
	by_hw 10 h ping 5
	rules_flush
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
}
half_now() { flow_is "$1" '"\(.state) \(.original.hw)"' "half true"; }

# The direction alone may as well be the reply.
half_reply() {
	fresh
	setting hw_oneway 1
	table
	in_r ethtool -K hwp0 hw-tc-offload off
	client c udp
	promote c udp "$PORT"
	wait_for 10 half_in c "$PORT" "false true" || fail "flow: $IS"
	in_r ethtool -K hwp1 hw-tc-offload off
	wait_for 5 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	in_r ethtool -K hwp1 hw-tc-offload on
	wait_for 10 half_in c "$PORT" "false true" || fail "flow: $IS"
	has_rule "in=1" || fail "$(cat $CHIP/rules)"
	lossless c run 500
	ct_delete udp "$PORT" || fail "$ANSWER"
	wait_for 3 used 0 || fail "rules are left: $(cat $CHIP/rules)"
}

# --- settings ------------------------------------------------------------

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

# --- drivers in trouble, under traffic -----------------------------------

# Drivers that fail now and then in all they do, and take their time: every byte of a
# stream arrives as it was sent, and no datagram is lost.
trouble() {
	fresh
	setting hw_after 1
	table
	set_chip rule_delay_us 2000
	set_chip fail_add "11 5 now and then"
	set_chip fail_del "16 20"
	set_chip fail_stats "5 50"
	client t tcp
	client u udp
	swarm many 60
	tell many mix 30 5000
	tell u run 5000
	for _ in 1 2 3; do
		must t bulk 300000
		must t ping 10
		in_r ethtool -K hwp1 hw-tc-offload off
		must t bulk 100000
		in_r ethtool -K hwp1 hw-tc-offload on
	done
	peer_answer u || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	peer_answer many || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	# deletions were insisted on
	rules_flush
	[ "$(awk '/^del/{ print $4 }' $CHIP/calls)" != 0 ] || fail "no deletion failed"
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
}

# A chip that lost its table: packets come to the host, and rules come anew.
amnesia() {
	fresh
	table
	hw_up c udp
	tell c run 4000
	nap 0.3
	set_chip reset 1
	used 0 || fail "$(cat $CHIP/rules)"
	wait_for 4 used 2 || fail "the rules are not back: $(cat $CHIP/rules)"
	peer_answer c || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	by_hw 10 c ping 5
}

# The driver goes while it works; what does not cross it does not notice.
vanishing() {
	local a b

	fresh "$1"
	ns_add a b
	b=$NS a=${NS/nfo-b/nfo-a}
	no_dad "$a"
	no_dad "$b"
	ip -batch - <<-END
		link add a0 netns $a type veth peer name ra netns $NS_R
		link add b0 netns $b type veth peer name rb netns $NS_R
	END
	ip -n "$NS_R" -batch - <<-END
		addr add 203.0.113.1/25 dev ra
		addr add 203.0.113.129/25 dev rb
		link set ra up
		link set rb up
	END
	ip -n "$a" -batch - <<-END
		addr add 203.0.113.2/25 dev a0
		link set a0 up
		route add default via 203.0.113.1
	END
	ip -n "$b" -batch - <<-END
		addr add 203.0.113.130/25 dev b0
		link set b0 up
		route add default via 203.0.113.129
	END
	wait_for 10 link_ready "$a" a0
	wait_for 10 link_ready "$b" b0
	table "" "hwp0, hwp1, ra, rb"
	peer_start sb "$b" server udp :: 5000 || fail "$ANSWER"
	next_port
	peer_start v "$a" client udp 203.0.113.2 "$PORT" 203.0.113.130 5000 || fail "$ANSWER"
	promote v udp "$PORT"
	hw_up c udp
	swarm many 200
	must many ping 0 200 10
	nap 0.6
	set_chip rule_delay_us 2000
	tell v run 4000
	tell many ping 0 200 2
	must c timeout 200
	tell c run 1500
	nap 0.3
	# two hundred are on their way in
	rmmod nfo_hwsim
	peer_answer c || true
	peer_answer v || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets between veths lost: $ANSWER"
	tool list -j
	equal "$(value '.flows | length')" 1 "flows"
	fast v ping 10
	peer_stop c
	peer_stop many
	rules_flush
	ip -n "$NS_R" link del ra
	ip -n "$NS_R" link del rb
	chip_up "$1"
	table
	hw_up n udp
}

topo_chip
sysctl_r net/netfilter/nf_conntrack_acct 1
run_case "ENODEV, flow table callback, hw-tc-offload" lost ft by_feature
run_case "ENODEV, block, the link comes back" lost block by_link
run_case "ENODEV with the counters" lost_counters
run_case "what was refused is forgotten with a rebinding" forgets
run_case "a slow device is nobody else's trouble" slow_neighbour
run_case "half a flow: no driver" half driver
run_case "half a flow: refused" half refused
run_case "half a flow: the reply" half_reply
run_case "hw_rate" rate
run_case "hw_sync_ms" sync_period
run_case "hw_queue" queue_bound
run_case "a refused shape, hundreds at once" no_storm
run_case "hw_hysteresis" hysteresis
run_case "32 heavy ones of $MANY, room for 64 rules" heavy
run_case "a driver that fails now and then" trouble
run_case "a chip that forgot its rules" amnesia
run_case "rmmod with two hundred on their way in" vanishing ft
run_case "rmmod with two hundred on their way in, indirect block" vanishing indirect
rmmod nfo_hwsim
all_done
