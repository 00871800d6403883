#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core compat stock long
# Shapers of the output device see each packet of the fast path, and put it into the class that it
# has on the classic path, by priority, mark and DSCP. With SQM as sqm-scripts sets it up downloads
# pass the ifb. Debian's kernels have what these need.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"
modprobe -q -a ifb act_mirred act_police act_skbedit cls_flower cls_fw cls_matchall cls_u32 sch_cake sch_fq \
	sch_fq_codel sch_hfsc sch_htb sch_ingress sch_netem sch_prio sch_tbf || true
topo_up
echo_up

tc_r() { tc -n "$NS_R" "$@"; }
root() { tc_r qdisc replace dev rs root "$@"; }

bare() {
	tc_r qdisc show | awk '$3 != "0:" && ($2 == "clsact" || $2 == "ingress") { print "qdisc del dev", $5, $2 }
		$3 != "0:" && $6 == "root" { print "qdisc del dev", $5, "root" }' | tc_r -batch -
	ip -n "$NS_R" link del ifb4 2>/dev/null || true
	ip -n "$NS_R" link del br0 2>/dev/null || true
	stack_gone
}

# sent DEVICE - packets that its root qdisc has sent, in SENT.
sent() { SENT=$(tc_r -s qdisc show dev "$1" root | awk '$1 == "Sent" { print $4; exit }'); }
# classed CLASS - likewise those of a class of rs, in SENT.
classed() {
	SENT=$(tc_r -s class show dev rs | awk -v c="$1" '$1 == "class" { on = $3 == c } on && $1 == "Sent" { print $4; exit }')
	SENT=${SENT:-0}
}

# carries PATH PEER N - N packets there and back, by that path alone.
carries() {
	if [ "$1" = offload ]; then fast "$2" ping "$3"; else must "$2" ping "$3"; fi
}

# all PATH WHAT - the qdisc of rs sends each of 20 packets, and no more than a few others.
all() {
	local before

	[ "$1" = classic ] || settle c
	sent rs
	before=$SENT
	carries "$1" c 20
	sent rs
	[ $((SENT - before)) -ge 20 ] || fail "$2: $((SENT - before)) of 20 packets pass it"
	[ $((SENT - before)) -le 25 ] || fail "$2: $((SENT - before)) packets for 20"
}

htb() { root handle 1: htb "$@" && tc_r class add dev rs parent 1: classid 1:1 htb rate 90mbit; }
hfsc() { root handle 1: hfsc default 1 && tc_r class add dev rs parent 1: classid 1:1 hfsc sc rate 90mbit ul rate 90mbit; }
each_packet() {
	local kind

	bare
	root cake bandwidth 90mbit
	rules_for "$1"
	connect_for "$1" c udp
	all "$1" "cake before the flow"
	for kind in "root tbf rate 90mbit burst 20k latency 50ms" "htb default 1" htb hfsc "root fq maxrate 90mbit" \
		"root netem delay 1ms" "root fq_codel" "root cake unlimited"; do
		tc_r qdisc del dev rs root
		$kind
		all "$1" "$kind"
	done
}

# 100 kB and their echo do not pass faster than 4 Mbit/s.
as_fast_as() {
	local kind start

	bare
	rules_for "$1"
	connect_for "$1" c tcp
	for kind in "cake bandwidth 4mbit" "tbf rate 4mbit burst 5k latency 100ms"; do
		# shellcheck disable=SC2086 # words
		root $kind
		[ "$1" = classic ] || settle c
		now
		start=$NOW
		must c bulk 100000
		now
		[ $((NOW - start)) -ge 180000 ] || fail "$kind: 100 kB took $((NOW - start)) us"
	done
}

# --- classes -------------------------------------------------------------

CLASSES="default 20"
classes() {
	# shellcheck disable=SC2086 # words
	root handle 1: htb $CLASSES
	tc_r class add dev rs parent 1: classid 1:10 htb rate 90mbit
	tc_r class add dev rs parent 1: classid 1:20 htb rate 90mbit
}

# sent_by COUNTER WHICH PATH WHAT - COUNTER leaves in SENT what a class or a tin has sent: 10 packets more.
sent_by() {
	local before

	[ "$3" = classic ] || settle c
	$1 "$2"
	before=$SENT
	carries "$3" c 10
	$1 "$2"
	[ $((SENT - before)) -ge 10 ] || fail "$4: $((SENT - before)) of 10 packets in $1 $2"
}
# class_is PATH CLASS WHAT - 10 packets pass that class.
class_is() { sent_by classed "$2" "$1" "$3"; }

# with PATH RULES - the forward chain has these.
with() {
	rules_flush
	case $1 in
	classic) rules_classic "$2" ;;
	offload) rules_std "" "$2" ;;
	esac
	connect_for "$1" c udp
}

by_priority() {
	bare
	classes
	with "$1" "udp dport 5000 meta priority set 1:10"
	class_is "$1" 1:10 priority
	# The rule goes: the class of all others.
	in_r nft flush chain inet t forward
	in_r nft "add rule inet t forward counter name seen"
	[ "$1" = classic ] || in_r nft "add rule inet t forward meta l4proto udp flow add @f"
	class_is "$1" 1:20 "no priority"
}
fw() { tc_r filter add dev rs parent 1: protocol ip handle 7 fw classid 1:10; }
by_mark() {
	bare
	classes
	fw
	with "$1" "udp dport 5000 meta mark set 7"
	class_is "$1" 1:10 mark
}
by_ct_mark() {
	bare
	classes
	fw
	with "$1" "udp dport 5000 ct mark set 7"
	in_r nft 'add chain inet t pre { type filter hook prerouting priority mangle; }; add rule inet t pre meta mark set ct mark'
	class_is "$1" 1:10 "conntrack's mark"
}
by_dscp() {
	bare
	classes
	tc_r filter add dev rs parent 1: protocol ip u32 match ip tos 0xb8 0xfc classid 1:10
	with "$1" ""
	class_is "$1" 1:20 "no DSCP"
	must c set tos 184
	must c ping 4
	class_is "$1" 1:10 "the sender's DSCP"
	must c set tos 0
	class_is "$1" 1:20 "no DSCP again"
	must c close
	with "$1" "udp dport 5000 ip dscp set ef"
	class_is "$1" 1:10 "the ruleset's DSCP"
}
# Filters before the flowtable and after the way out.
by_filter() {
	bare
	classes
	fw
	with "$1" ""
	tc_r qdisc add dev rc clsact
	tc_r filter add dev rc ingress protocol ip matchall action skbedit mark 7
	class_is "$1" 1:10 "a filter at the ingress"
	tc_r qdisc del dev rc clsact
	class_is "$1" 1:20 "without it"
	tc_r qdisc add dev rs clsact
	tc_r filter add dev rs egress protocol ip matchall action skbedit priority 1:10
	class_is "$1" 1:10 "a filter at the egress"
}

# tin N - packets in the Nth tin of cake, from 0, in SENT.
tin() { SENT=$(tc_r -s -j qdisc show dev rs root | jq ".[0].tins[$1].sent_packets"); }
tin_is() { sent_by tin "$2" "$1" "$3"; }
cake_tins() {
	bare
	root cake bandwidth 90mbit diffserv4 fwmark 0xff
	with "$1" ""
	tin_is "$1" 1 "no DSCP"
	must c set tos 184
	must c ping 4
	tin_is "$1" 3 "the sender's DSCP"
	must c set tos 32
	must c ping 4
	tin_is "$1" 0 "another one of the sender's"
	must c close
	with "$1" "udp dport 5000 ip dscp set ef"
	tin_is "$1" 3 "the ruleset's DSCP"
	must c close
	with "$1" "udp dport 5000 meta mark set 1"
	tin_is "$1" 0 "the mark"
}

# --- SQM -----------------------------------------------------------------

sqm_up() {
	ip -n "$NS_R" link add ifb4 type ifb
	ip -n "$NS_R" link set ifb4 up
	tc_r qdisc add dev "$1" root cake bandwidth 90mbit besteffort nat dual-srchost
	tc_r qdisc add dev "$1" handle ffff: ingress
	tc_r qdisc add dev ifb4 root cake bandwidth 90mbit besteffort nat dual-dsthost ingress wash
	tc_r filter add dev "$1" parent ffff: protocol all prio 10 u32 match u32 0 0 flowid 1:1 \
		action mirred egress redirect dev ifb4
}
sqm_down() {
	tc_r qdisc del dev "$1" root
	tc_r qdisc del dev "$1" ingress
	ip -n "$NS_R" link del ifb4
}

# half_fast PEER - what comes in by the device with SQM passes the forward chain, and the other
# direction does not. What the ifb gives back goes past the hooks at the ingress, the flowtable's too.
half_fast() { seen_slow ask "$1" ping 10 && [ "$SLOW" = 10 ]; }
# Within half a second it is noticed that a shaper may ask for a packet's connection.
steady() { half_fast "$1" && nap 0.7 && half_fast "$1"; }
# Likewise, that none asks any more.
steady_again() { is_fast "$1" ping 1 && nap 0.7 && is_fast "$1" ping 1; }
back() { wait_for 10 steady_again "$1" || fail "$1 does not come back to the fast path"; }

# shaped PATH DEVICE PEER - 10 packets and their answers pass both shapers.
shaped() {
	local out in

	if [ "$1" = offload ]; then
		wait_for 10 steady "$3" || fail "of 20 packets $SLOW pass the forward chain, expected the answers"
	fi
	sent "$2"
	out=$SENT
	sent ifb4
	in=$SENT
	seen_slow must "$3" ping 10
	[ "$1" = classic ] || equal "$SLOW" 10 "packets in the forward chain"
	sent "$2"
	[ $((SENT - out)) -ge 10 ] || fail "$((SENT - out)) of 10 packets pass the shaper of $2"
	sent ifb4
	[ $((SENT - in)) -ge 10 ] || fail "$((SENT - in)) of 10 answers pass ifb4"
}

# sqm PATH PROTO DEVICE UP... - a server behind the device, which UP makes.
sqm() {
	local path=$1 proto=$2 dev=$3

	bare
	V4S=''
	"${@:4}"
	rules_for "$path"
	in_r nft "add chain inet t post { type nat hook postrouting priority srcnat; }; add rule inet t post iifname rc masquerade"
	# One that begins with SQM, and one that is there before.
	client old "$proto" 5000 "$V4S"
	if [ "$path" = offload ]; then
		promote old "$proto" "$PORT"
		# A direction learns when a work item has looked at its devices, which are new.
		settle old
		fast old ping 10
	fi
	sqm_up "$dev"
	shaped "$path" "$dev" old
	client new "$proto" 5000 "$V4S"
	shaped "$path" "$dev" new
	if [ "$proto" = tcp ]; then
		must old bulk 300000
		must new bulk 300000
	fi
	counter invalid
	equal "$PACKETS" 0 "invalid packets"
	sqm_down "$dev"
	must old ping 4
	must new ping 4
	[ "$path" = classic ] || { back old; back new; fast old ping 10; fast new ping 10; }
	peers_stop
	bare
}

# A filter of what comes in by a device that is neither listed nor known to routing.
between() {
	bare
	behind_bridge_of_vlan
	rules_for "$1"
	client c udp 5000 "$V4S"
	if [ "$1" = offload ]; then
		promote c udp "$PORT"
		fast c ping 10
	fi
	must c ping 10
	must c timeout 300
	tc_r qdisc add dev br0 clsact
	tc_r filter add dev br0 ingress matchall action drop
	# half a second, if nobody tells of it
	wait_for 2 silent c || fail "a filter of br0 is passed by"
	nap 0.6
	! ask c ping 1 || fail "a filter of br0 is passed by"
	tc_r qdisc del dev br0 clsact
	must c timeout 3000
	must c drain
	must c ping 2
	[ "$1" = classic ] || settle c
	peer_stop c
	bare
}
silent() { ! ask "$1" ping 1; }
if [[ $(uname -r) == 5.10.* ]]; then
	between() { skip "5.10 does not say what is below a device"; }
fi

for path in classic offload; do
	run_case "a filter of a bridge between VLAN devices, $path" between $path
	run_case "classes by priority, $path" by_priority $path
	run_case "classes by mark, $path" by_mark $path
	run_case "classes by conntrack's mark, $path" by_ct_mark $path
	run_case "classes by DSCP, $path" by_dscp $path
	run_case "classes by filters of tc, $path" by_filter $path
	run_case "tins of cake, $path" cake_tins $path
	run_case "SQM, udp, $path" sqm $path udp rs true
done
run_case "each packet passes the shaper" each_packet offload
run_case "no faster than the shaper" as_fast_as offload
run_case "SQM, tcp" sqm offload tcp rs true
run_case "SQM for the client's side, udp" sqm offload udp rc true
run_case "SQM on a VLAN device, udp" sqm offload udp rs.10 behind_vlans 802.1q:10
run_case "SQM on a PPPoE session, tcp" sqm offload tcp ppp0 behind_pppoe
all_done
