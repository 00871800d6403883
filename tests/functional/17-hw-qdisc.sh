#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw compat stock
# Shapers, policers and redirections on the way of flows in hardware: the flow leaves for a reason that
# is true, no other one enters, and it comes back. What only queues keeps no flow out, nor does what the
# hardware does itself.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq modprobe
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-hwcache.sh
. "$(dirname "$0")/../lib-hwcache.sh"
# shellcheck source=../lib-hwunseen.sh
. "$(dirname "$0")/../lib-hwunseen.sh"
ours_alone
modprobe -q -a ifb act_police cls_matchall cls_u32 sch_cake sch_fq sch_fq_codel sch_hfsc sch_htb sch_mqprio \
	sch_netem sch_sfq sch_tbf || true

CHIP_OPTIONS="queues=2"
topo_chip

# clean_chip [HOW]
clean_chip() {
	bare
	clean "$@"
}
root() { root_of hwp1 "$@"; }

# --- qdiscs of the port --------------------------------------------------

htb() { root handle 1: htb "$@" && tc_r class add dev hwp1 parent 1: classid 1:1 htb rate 900mbit; }
hfsc() { root handle 1: hfsc default 1 && tc_r class add dev hwp1 parent 1: classid 1:1 hfsc sc rate 900mbit ul rate 900mbit; }
shapers() {
	clean_chip
	begin
	leaves "away hw-qdisc" "cake_of hwp1" no_root
	leaves "gone hw-qdisc" "tbf_of hwp1" no_root
	leaves "gone hw-qdisc" "htb default 1" no_root
	# What no class is said for goes out unshaped; a filter may say one any time.
	leaves "gone hw-qdisc" htb no_root
	leaves "gone hw-qdisc" hfsc no_root
	leaves "gone hw-qdisc" "root fq maxrate 900mbit" no_root
	leaves "gone hw-qdisc" "root netem delay 1ms" no_root
}

mq() { root handle 8: mq; }
mqprio() { root mqprio num_tc 2 map 0 0 0 0 0 0 0 1 queues 1@0 1@1 hw 0; }
queues() {
	clean_chip
	begin
	stays "root fq_codel"
	stays "root fq"
	stays "root sfq"
	stays "root cake unlimited" no_root
	stays mq no_root
	stays mqprio no_root
	# The driver of a switch has a shaper of its port (mt7530): what the chip forwards passes it.
	mode qdisc
	stays "tbf_of hwp1" no_root
}

# HTB of ConnectX: the driver has rates of what the host sends, and frames that the adapter forwards
# are not among these.
of_host() {
	clean_chip block
	set_chip driver mlx5_core
	mode qdisc
	begin
	leaves "gone hw-qdisc" "root handle 1: htb offload" no_root
}

# A qdisc that only queues may have filters, which see each packet, and do with it as they like. What
# none puts into a queue is dropped by fq_codel.
filter_in() { tc_r filter add dev hwp1 parent "$1" prio 2 matchall classid 1:1; }
no_filter_in() { tc_r filter del dev hwp1 parent "$1"; }
fq_codel_drops() {
	root handle 1: fq_codel
	filter_in 1:
	tc_r filter add dev hwp1 parent 1: prio 1 protocol ip u32 match ip dport 9 0xffff action drop
}
cake_filters() { root handle 1: cake unlimited && filter_in 1:; }
mq_filters() { mq && tc_r qdisc add dev hwp1 parent 8:2 handle 1: fq_codel && filter_in 1:; }
mq_shapes() { mq && tc_r qdisc add dev hwp1 parent 8:2 tbf rate 900mbit burst 100k latency 50ms; }
filters_of_queues() {
	clean_chip
	begin
	leaves "away hw-filter" fq_codel_drops "no_filter_in 1:"
	no_root
	leaves "gone hw-filter" cake_filters no_root
	leaves "gone hw-filter" mq_filters no_root
}
queue_shapes() {
	clean_chip
	begin
	leaves "gone hw-qdisc" mq_shapes no_root
}
# It clears the DSCP of each packet.
washes() {
	clean_chip
	begin
	leaves "gone hw-qdisc" "root cake unlimited wash" no_root
}

# --- filters -------------------------------------------------------------

out_police() { tc_r qdisc add dev hwp1 clsact && tc_r filter add dev hwp1 egress matchall action police rate 900mbit burst 100k conform-exceed drop; }
out_skip_hw() { tc_r qdisc add dev hwp1 clsact && tc_r filter add dev hwp1 egress protocol ip flower skip_hw ip_proto udp dst_port 9 action drop; }
no_clsact() { tc_r qdisc del dev "$1" clsact; }
filters() {
	clean_chip
	begin
	leaves "away hw-filter" "police hwp0" "no_ingress hwp0"
	leaves "gone hw-filter" out_police "no_clsact hwp1"
	leaves "gone hw-filter" out_skip_hw "no_clsact hwp1"
}

# shaped DEVICE PEER - what it sends and gets passes the shapers of the device and of ifb4.
shaped() {
	local out in

	sent "$1"
	out=$SENT
	sent ifb4
	in=$SENT
	by_host "$2" ping 10
	sent "$1"
	[ $((SENT - out)) -ge 10 ] || fail "$((SENT - out)) of 10 packets pass the shaper of $1"
	sent ifb4
	[ $((SENT - in)) -ge 10 ] || fail "$((SENT - in)) of 10 packets pass ifb4"
}

# What the ifb gives back goes past the flowtable, so one direction has no way in software either.
sqm() {
	clean_chip
	begin
	leaves unasked "sqm_in hwp1" "no_sqm_in hwp1"
	WHAT=SQM
	cake_of hwp1
	gone hw-qdisc
	sqm_in hwp1
	unasked
	shaped hwp1 c
	client d udp
	must d ping 10
	nap 0.6
	shaped hwp1 d
	used 0 || fail "a rule: $(cat $CHIP/rules)"
	no_sqm_in hwp1
	gone hw-qdisc
	no_root
	back
}

# What the chip's driver has taken is the chip's matter, whether software has it as well or not.
chip_filter() { tc_r filter add "${@:2}" protocol ip prio "$1" flower ip_proto udp dst_port 9 action mirred egress redirect dev hwp1; }
with_flags() { tc_r filter add dev hwp0 ingress protocol ip prio "$1" flower "$2" ip_proto udp dst_port "$1" action mirred egress redirect dev hwp1; }
without() { tc_r filter del dev hwp0 ingress prio "$1"; }
flags() {
	clean_chip
	mode tc
	begin
	tc_r qdisc add dev hwp0 clsact
	RULES=1
	stays "with_flags 1 skip_sw"
	RULES=2
	stays "chip_filter 2 dev hwp0 ingress"
	[[ $(tc_r filter show dev hwp0 ingress) != *not_in_hw* ]] || fail "$(tc_r filter show dev hwp0 ingress)"
	leaves "gone hw-filter" "with_flags 3 skip_hw" "without 3"
	# One that the driver refuses is software's.
	leaves "gone hw-filter" "tc_r filter add dev hwp0 ingress protocol ip prio 4 matchall action pass" "without 4"
	no_clsact hwp0
}

# A block of two ports, of which one has the filter in hardware and the other has not.
shared() {
	local dev

	clean_chip
	mode tc
	begin
	for dev in hwp0 hwp1; do tc_r qdisc add dev $dev ingress_block 9 clsact; done
	RULES=1 WHAT=shared
	set_chip fail_port 1
	set_chip fail_add "95 100"
	chip_filter 1 block 9
	[[ $(tc_r filter show block 9) == *in_hw_count\ 1* ]] || fail "$(tc_r filter show block 9)"
	set_chip fail_add 0
	set_chip fail_port 4294967295
	gone hw-filter
	tc_r filter del block 9
	RULES=0
	back
}

run_case "shapers of the port" shapers
run_case "qdiscs that only queue" queues
run_case "a shaper of the driver that forwarded frames do not pass" of_host
run_case "filters of qdiscs that only queue" filters_of_queues
run_case "a shaper of one of the port's queues" queue_shapes
run_case "cake that clears the DSCP" washes
run_case "policers and filters" filters
run_case "SQM: cake, and an ifb for what comes in" sqm
run_case "filters with skip_sw, skip_hw, and one that the driver refuses" flags
run_case "a shared block, half of it in hardware" shared
rmmod nfo_hwsim
all_done
