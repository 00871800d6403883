#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# What hardware would pass by keeps flows in software: tc filters, BPF programs, netdev chains and
# shapers of the devices on their way. Flows in hardware leave when one comes, and come back when
# it is gone. A bridge port that is blocked gets no rule.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq bridge modprobe
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-hwcache.sh
. "$(dirname "$0")/../lib-hwcache.sh"
ours_alone
modprobe -q -a bridge 8021q cls_matchall sch_htb sch_netem sch_prio sch_fq_codel || true

topo_chip

tc_r() { tc -n "$NS_R" "$@"; }
nft_r() { in_r nft -f -; }
flow_why() { flow_is "$1" '"\(.state) \(.reason)"' "$2"; }

# no_qdiscs - the devices are as they were made.
no_qdiscs() {
	local dev

	for dev in hwp0 hwp1; do
		tc_r qdisc del dev $dev clsact 2>/dev/null || true
		tc_r qdisc del dev $dev root 2>/dev/null || true
	done
	in_r nft delete table netdev w 2>/dev/null || true
}

begin() {
	fresh ft
	no_qdiscs
	table
	hw_up c udp
}

# In software with this reason, however often it asks, and the chip forwards nothing.
kept_out() {
	asks_again
	flow_why "$PORT" "software $1" || fail "$(<"$OUT")"
	by_host c ping 10
	used 0 || fail "a rule: $(cat $CHIP/rules)"
}
asks_again() { for _ in 1 2; do must c ping 6; nap 0.6; done; }

counted() {
	reason "$1"
	[ "$COUNT" -gt 0 ] || fail "$1 is not counted"
}

# soon_out SINCE - no rule is left since then, within 100 ms on a quiet machine.
soon_out() {
	local took

	wait_for 3 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	now
	took=$(((NOW - $1) / 1000))
	slow_now
	[ $took -le $((150 * SLOW_NOW)) ] || fail "it took $took ms"
	echo "gone after $took ms"
}

# leaves REASON DEVICE COME GO - of a flow in hardware; COME and GO are functions.
leaves() {
	local why=$1 dev=$2 begun

	begin
	$3
	now
	begun=$NOW
	soon_out "$begun"
	kept_out "$why"
	counted "$why"
	dev_is "$dev" "* $why *" || fail "status: $SAYS"
	tool check "$dev"
	[[ $(<"$OUT") == *"$5"* ]] || fail "check: $(<"$OUT")"
	$4
	in_hw c udp "$PORT"
	flat 20 c ping 10
	no_qdiscs
}

# stays COME - what takes nothing from packets in hardware. After a commit the flow may leave once,
# to show a packet.
stays() {
	begin
	"$@"
	# two periods and more
	pass_time 2
	in_hw c udp "$PORT"
	flat 20 c ping 10
	no_qdiscs
}

FILTER='would not see' QDISC='limits their rate'

ingress_filter() {
	tc_r qdisc add dev hwp0 clsact
	tc_r filter add dev hwp0 ingress matchall action pass
}
ingress_filter_goes() { tc_r filter del dev hwp0 ingress; }
run_case "a tc filter at the ingress" leaves hw-filter hwp0 ingress_filter ingress_filter_goes "$FILTER"

egress_filter() {
	tc_r qdisc add dev hwp1 clsact
	tc_r filter add dev hwp1 egress matchall action pass
}
egress_filter_goes() { tc_r qdisc del dev hwp1 clsact; }
run_case "a tc filter at the egress" leaves hw-filter hwp1 egress_filter egress_filter_goes "$FILTER"

shared_block() {
	tc_r qdisc add dev hwp0 ingress_block 7 clsact
	tc_r filter add block 7 matchall action pass
}
shared_block_goes() { tc_r filter del block 7; }
run_case "a tc filter of a shared block" leaves hw-filter hwp0 shared_block shared_block_goes "$FILTER"

empty_clsact() { tc_r qdisc add dev hwp0 clsact; }
run_case "clsact without a filter" stays empty_clsact

# A policer of the packets that come in loses them in software, as it should.
police() {
	begin
	tc_r qdisc add dev hwp0 clsact
	tc_r filter add dev hwp0 ingress protocol ip flower ip_proto udp src_port "$PORT" action drop
	wait_for 3 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	must c timeout 200
	! ask c ping 1 || fail "a filter that drops is passed by"
	tc_r qdisc del dev hwp0 clsact
	must c timeout 3000
	in_hw c udp "$PORT"
}
run_case "a tc filter that drops" police

# program TYPE - of the device; nobody tells of it, so that a look each period finds it.
program() {
	begin
	peer_start bpf "$NS_R" exec "$NFO_TOOLS/nfo_bpf" hwp0 "$1" || skip "$ANSWER"
	wait_for 3 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	kept_out hw-filter
	peer_stop bpf
	in_hw c udp "$PORT"
	flat 20 c ping 10
}
run_case "an XDP program" program xdp
run_case "a tcx program" program tcx

# netdev_chain HOOK DEVICE PRIORITY
netdev_chain() {
	nft_r <<-END
		table netdev w {
			chain x {
				type filter hook $1 device $2 priority $3
				counter
			}
		}
	END
}
chain_goes() { in_r nft delete table netdev w; }
ingress_chain() { netdev_chain ingress hwp0 -10; }
run_case "a netdev chain at the ingress" leaves hw-filter hwp0 ingress_chain chain_goes "$FILTER"

egress_chain() { netdev_chain egress hwp1 0; }
egress_hooks() {
	in_r nft -c -f - <<<'table netdev w { chain x { type filter hook egress device hwp1 priority 0; }; }' 2>/dev/null ||
		skip "no egress hook"
	leaves "$@"
}
run_case "a netdev chain at the egress" egress_hooks hw-filter hwp1 egress_chain chain_goes "$FILTER"

# What stands behind the flowtable sees no packet of a flow in software either.
chain_behind() { netdev_chain ingress hwp0 10; }
run_case "a netdev chain behind the flowtable" stays chain_behind

# root KIND [OPTION...] - a qdisc of what hwp1 sends.
root() { tc_r qdisc replace dev hwp1 root "$@"; }
root_goes() { tc_r qdisc del dev hwp1 root; }
htb() { root handle 1: htb default 1 && tc_r class add dev hwp1 parent 1: classid 1:1 htb rate 900mbit; }
netem() { root netem delay 1ms; }
prio() { root prio; }
tbf() { root tbf rate 900mbit burst 100k latency 50ms; }
cake() { root cake bandwidth 900mbit; }
fq_paced() { root fq maxrate 900mbit; }
# shaper MODULE NAME
shaper() {
	modprobe -q "$1" || skip "no $1"
	leaves hw-qdisc hwp1 "$2" root_goes "$QDISC"
}
run_case "htb" shaper sch_htb htb
run_case "netem" shaper sch_netem netem
run_case "prio" shaper sch_prio prio
run_case "tbf" shaper sch_tbf tbf
run_case "cake with a bandwidth" shaper sch_cake cake
run_case "fq with a rate" shaper sch_fq fq_paced

# queue MODULE KIND
queue() {
	modprobe -q "$1" || skip "no $1"
	stays root "${@:2}"
}
run_case "fq_codel" queue sch_fq_codel fq_codel
run_case "pfifo" stays root pfifo
run_case "cake without a bandwidth" queue sch_cake cake
run_case "fq" queue sch_fq fq

# A device above the listed one: the bridge that routing knows.
above() {
	fresh ft
	port_alone
	port_in_bridge
	table
	hw_up c udp
	tc_r qdisc replace dev br0 root netem delay 1ms
	wait_for 3 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	kept_out hw-qdisc
	tc_r qdisc del dev br0 root
	in_hw c udp "$PORT"
	"$@"
	port_alone
}

# The client's port is put into a state of STP. A bridge without STP takes no port as blocked, but
# these states let no packet pass either.
blocked() {
	bridge -n "$NS_R" link set dev hwp0 state "$1"
	wait_for 3 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	must c timeout 100
	ports
	before=$HW
	calls
	adds=$CALLS
	for _ in {1..15}; do ! ask c ping 1 || fail "the blocked port lets packets pass"; done
	calls
	equal "$CALLS" "$adds" "rules added while the port is blocked"
	ports
	equal "$HW" "$before" "packets that the chip forwarded"
	bridge -n "$NS_R" link set dev hwp0 state 3
	must c timeout 3000
	wait_for 10 ask c ping 1 || fail "nothing passes any more"
	in_hw c udp "$PORT"
}
run_case "a shaper of the bridge above" above true
run_case "the bridge port is disabled" above blocked 0
run_case "the bridge port listens" above blocked 1
run_case "the bridge port learns" above blocked 2

# Who wants the hardware's speed past a shaper gets it.
bypass() {
	begin
	htb
	wait_for 3 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	setting hw_bypass 1
	in_hw c udp "$PORT"
	flat 20 c ping 10
	setting hw_bypass 0
	wait_for 5 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	kept_out hw-qdisc
	root_goes
}
run_case "the setting hw_bypass" bypass

rmmod nfo_hwsim
all_done
