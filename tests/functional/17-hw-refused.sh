#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# What a driver refuses runs in software: a shape it does not know is asked for once, an
# error in passing is waited out, and half a flow is taken back.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-hwcache.sh
. "$(dirname "$0")/../lib-hwcache.sh"
ours_alone

# The second direction's rule fails: the first is taken back.
one_direction() {
	clean
	set_chip table_size 1
	table
	client c udp
	promote c udp "$PORT"
	wait_for 10 refused_after c "28 " || fail "the driver was not asked: $(cat $CHIP/calls)"
	wait_for 5 used 0 || fail "half a flow: $(cat $CHIP/rules)"
	by_host c ping 10
	fast c ping 10
	ct_has udp "$PORT" hw=0 || fail "$CT"
	dev_is hwp1 "ft hw-full 28 *table is full*" || fail "hwp1: $SAYS"
}

# shape FEATURE PROTO NAT OTHER-PROTO FLOWS
# A shape the chip does not know is tried once per device, whoever has it.
shape() {
	local i calls proto=$2 flows=$5

	clean
	set_chip "features/$1" 0
	table "$(nat_lines "$proto" "$3")"
	client c1 "$proto"
	calls
	calls=$CALLS
	wait_for 10 refused_after c1 "95 " || fail "the driver was not asked: $(cat $CHIP/calls)"
	for ((i = 2; i <= flows; i++)); do client "c$i" "$proto"; done
	for _ in 1 2 3; do
		for ((i = 1; i <= flows; i++)); do must "c$i" ping 6; done
		nap 0.6
	done
	by_host c1 ping 5
	by_host "c$flows" ping 5
	fast "c$flows" ping 5
	calls
	[ $((CALLS - calls)) -le 2 ] || fail "$((CALLS - calls)) calls for $flows flows"
	used 0 || fail "$(cat $CHIP/rules)"
	dev_is hwp0 "ft hw-shape 95 nfo_hwsim: * switched off" || fail "hwp0: $SAYS"
	# another shape is none the worse for it
	hw_up other "$4"
}

# failing ERRNO SECONDS - a driver that fails in passing is asked less and less often.
failing() {
	local calls errno=$1 secs=$2

	clean
	set_chip fail "$errno 100 not now"
	table
	client c udp
	promote c udp "$PORT"
	calls
	calls=$CALLS
	must c run $((secs * 1000))
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	calls
	[ $((CALLS - calls)) -ge 1 ] || fail "the driver was not asked"
	[ $((CALLS - calls)) -le 4 ] || fail "$((CALLS - calls)) calls in $secs s"
	used 0 || fail "$(cat $CHIP/rules)"
	dev_is hwp0 "ft hw-busy $errno not now" || fail "hwp0: $SAYS"
	set_chip fail 0
	in_hw c udp "$PORT"
	by_hw 10 c ping 5
	dev_is hwp0 "ft none 0 " || fail "hwp0: $SAYS"
}

# A rule sets the DSCP of packets: the driver is not asked, and each packet has it.
fields() {
	local calls before

	clean
	table "chain mangle { type filter hook forward priority -150; oifname hwp1 $1; }"
	calls
	calls=$CALLS
	reason hw-fields
	before=$COUNT
	client c udp
	promote c udp "$PORT"
	for _ in 1 2 3; do must c ping 6; nap 0.6; done
	reason hw-fields
	[ "$COUNT" -gt "$before" ] || fail "hw-fields was counted $COUNT times"
	by_host c ping 10
	fast c ping 10
	calls
	equal "$CALLS" "$calls" "calls of the driver"
	equal "$(nft_egress c "$2")" 10 "packets that leave as the rule has it"
	in_r nft flush chain inet t mangle
	in_hw c udp "$PORT"
}
# nft_egress PEER MATCH - how many of ten packets match at the port, behind the fast path.
nft_egress() {
	in_r nft -f - <<-END
		table netdev look {
			counter right { }
			chain out { type filter hook egress device hwp1 priority 0; $2 counter name right; }
		}
	END
	settle "$1"
	in_r nft reset counter netdev look right >/dev/null
	fast "$1" ping 10
	in_r nft -j list counter netdev look right | jq '.nftables[] | select(.counter).counter.packets'
	in_r nft delete table netdev look
}

# A rule has no word for SCTP: no driver is asked.
sctp() {
	local before

	modprobe -q sctp || true
	clean
	table
	in_r nft add rule inet t forward meta l4proto sctp flow add @f
	peer_start srv "$NS_S" server sctp $S4 5001 || skip "no SCTP sockets: $ANSWER"
	next_port
	peer_start c "$NS_C" client sctp $C4 "$PORT" $S4 5001 || fail "client: $ANSWER"
	promote c sctp "$PORT"
	calls
	before=$CALLS
	for _ in 1 2 3; do
		must c ping 20
		nap 0.6
	done
	fast c ping 10
	calls
	equal "$CALLS" "$before" "calls of the driver"
	reason hw-protocol
	equal "$COUNT" 1 "hw-protocol, counted once a flow"
	state_is "$PORT" software || fail "$STATE"
	hw_up other udp
}

# --- a device becomes another one ----------------------------------------

# What each of these tells of.
features_change() { in_r ethtool -K hwp0 gro "$1"; }
flags_change() { ip -n "$NS_R" link set hwp1 multicast "$1"; }
down_and_up() {
	ip -n "$NS_R" link set hwp0 down
	ip -n "$NS_R" link set hwp0 up
	links_ready "$NS_R" hwp0
	wait_for 10 ask c ping 1 || fail "no answer: $ANSWER"
}

# asked_from N [TO] - so many calls since CALLS was $was.
asked_from() {
	calls
	[ $((CALLS - was)) -ge "$1" ] && [ $((CALLS - was)) -le "${2:-$1}" ] ||
		fail "$((CALLS - was)) calls, expected $1${2:+ to $2}"
}

# switched MOST EVENT - a driver that refused is asked again after each event, MOST times at most.
switched() {
	local was most=$1 event=$2

	clean
	set_chip features/udp 0
	table
	client c udp
	wait_for 10 refused_after c "95 " || fail "the driver was not asked: $(cat $CHIP/calls)"
	ask_twice c
	calls
	was=$CALLS
	"$event" off
	ask_twice c
	asked_from 1 "$most"
	calls
	was=$CALLS
	set_chip features/udp 1
	ask_twice c
	asked_from 0
	"$event" on
	in_hw c udp "$PORT"
	by_hw 10 c ping 5
}

# bound_later - a driver that refused the device is asked for it again when the link comes up.
bound_later() {
	clean none
	table
	dev_is hwp0 "none hw-driver 95 *" || fail "hwp0: $SAYS"
	client c udp
	promote c udp "$PORT"
	set_chip bind ft
	dev_is hwp0 "none hw-driver 95 *" || fail "hwp0: $SAYS"
	down_and_up
	flags_change off
	flags_change on
	dev_is hwp0 "ft none 0 " || fail "hwp0: $SAYS"
	dev_is hwp1 "ft none 0 " || fail "hwp1: $SAYS"
	must c ping 1
	in_hw c udp "$PORT"
	by_hw 10 c ping 5
}

topo_chip
sysctl_r net/netfilter/nf_conntrack_acct 1
run_case "both directions or none" one_direction
run_case "refused shape: IPv6" shape ipv6 udp6 none udp 20
run_case "refused shape: NAT" shape nat udp masquerade tcp 5
run_case "the ruleset sets DSCP" fields "ip dscp set cs3" "ip dscp cs3"
run_case "the ruleset sets the TTL" fields "ip ttl set 33" "ip ttl 33"
run_case "EAGAIN" failing 11 5
run_case "EBUSY" failing 16 3
run_case "ENOMEM" failing 12 3
run_case "SCTP: no driver is asked" sctp
run_case "refused, and features change" switched 1 features_change
run_case "refused, and the egress device changes" switched 1 flags_change
run_case "refused, and the link goes down and up" switched 3 down_and_up
run_case "the driver refuses the device at first" bound_later
rmmod nfo_hwsim
all_done
