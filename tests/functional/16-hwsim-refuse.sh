#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# The simulated switch chip refuses what it cannot do, with a sentence, and fails or
# takes its time when a test tells it to.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-flower.sh
. "$(dirname "$0")/../lib-flower.sh"

refusals() {
	local to="action mirred egress redirect dev hwp1" no="95 nfo_hwsim:"
	local udp="protocol ip flower skip_sw ip_proto udp"

	clean
	[ -e "/sys/class/net/x0" ] || in_r ip link add x0 type dummy
	# shellcheck disable=SC2086 # words
	{
		refused_rule "$no Unknown match key" 0 protocol ip flower skip_sw ip_proto icmp type 8 $to
		refused_rule "$no Unknown match key" 0 protocol arp flower skip_sw arp_tip 192.0.2.1 $to
		refused_rule "$no Only TCP and UDP can be matched" 0 \
			protocol ip flower skip_sw ip_proto sctp $to
		refused_rule "$no Unknown action" 0 $udp action drop
		refused_rule "$no Unknown action" 0 $udp action mirred egress mirror dev hwp1
		refused_rule "$no No redirect to a port" 0 $udp \
			action pedit ex munge eth dst set "$S_MAC"
		refused_rule "$no Egress device is not a port of this chip" 0 $udp \
			action mirred egress redirect dev x0
		refused_rule "$no Egress port is the ingress port" 0 $udp \
			action mirred egress redirect dev hwp0
		refused_rule "$no Only a TTL or hop limit can be added to, and only -1" 0 $udp \
			action pedit ex munge ip ttl add 3 pipe $to
		refused_rule "$no This byte of the header can't be rewritten" 0 $udp \
			action pedit ex munge ip protocol set 6 pipe $to
		refused_rule "$no A transport header is rewritten and not matched" 0 $udp \
			action pedit ex munge tcp dport set 6 pipe $to
		refused_rule "$no Only checksums of IPv4, TCP and UDP can be corrected" 0 $udp \
			action csum icmp pipe $to
	}
	used 0 || fail "something refused is in the table"
}

features() {
	local to="action mirred egress redirect dev hwp1" no="95 nfo_hwsim:" f
	local udp="protocol ip flower skip_sw ip_proto udp"

	clean
	for f in "$CHIP"/features/*; do echo 0 >"$f"; done
	# shellcheck disable=SC2086 # words
	{
		refused_rule "$no IPv6 is switched off" 0 protocol ipv6 flower skip_sw $to
		refused_rule "$no UDP is switched off" 0 $udp $to
		refused_rule "$no TCP is switched off" 0 protocol ip flower skip_sw ip_proto tcp $to
		refused_rule "$no VLAN is switched off" 0 protocol 802.1q flower skip_sw vlan_id 2 $to
		set_chip features/vlan 1
		refused_rule "$no QinQ is switched off" 0 protocol 802.1ad flower skip_sw vlan_id 2 \
			vlan_ethtype 802.1q cvlan_id 3 $to
		set_chip features/udp 1
		refused_rule "$no NAT is switched off" 0 $udp \
			action pedit ex munge ip src set 192.0.2.1 pipe $to
		refused_rule "$no NAT is switched off" 0 $udp \
			action pedit ex munge udp sport set 9 pipe $to
		refused_rule "$no Rewriting TTL or hop limit is switched off" 0 $udp \
			action pedit ex munge ip ttl dec pipe $to
		rule 0 1 $udp $to
	}
	used 1 || fail "not one rule"
}

tc_off() {
	clean
	in_r ethtool -K hwp0 hw-tc-offload off
	! route 0 ip dst_ip "$S4" 2>/dev/null || fail "accepted with hw-tc-offload off"
	in_r ethtool -K hwp0 hw-tc-offload on
	route 0 ip dst_ip "$S4"
	used 1 || fail "not one rule"
}

table_full() {
	local i to="action mirred egress redirect dev hwp1"

	clean
	set_chip table_size 4
	# shellcheck disable=SC2086 # words
	for i in 1 2 3 4; do
		rule 0 $i protocol ip flower skip_sw ip_proto udp dst_port $i $to
	done
	# shellcheck disable=SC2086 # words
	refused_rule "28 nfo_hwsim: The table is full" 0 protocol ip flower skip_sw ip_proto udp $to
	tc -n "$NS_R" filter del dev hwp0 ingress prio 2
	used 3 || fail "a rule is still there"
	# shellcheck disable=SC2086 # words
	rule 0 5 protocol ip flower skip_sw ip_proto udp $to
	used 4 || fail "not four rules"
}

delay() {
	local start

	clean
	client u udp
	route_pair ip udp "$PORT"
	set_chip rule_delay_us 400000
	now
	start=$NOW
	rule 0 7 protocol ip flower skip_sw ip_proto tcp action mirred egress redirect dev hwp1 &
	by_hw 10 u ping 5
	wait $!
	now
	[ $((NOW - start)) -ge 400000 ] || fail "a rule took $((NOW - start)) us"
	set_chip rule_delay_us 0
}

injection() {
	local i failed=0 to="action mirred egress redirect dev hwp1"

	clean
	set_chip fail "12 100 no memory in the chip"
	# shellcheck disable=SC2086 # words
	refused_rule "12 no memory in the chip" 0 protocol ip flower skip_sw $to
	set_chip fail "16 50"
	for i in {1..16}; do
		# shellcheck disable=SC2086 # words
		rule 0 $((i + 10)) protocol ip flower skip_sw ip_proto udp dst_port $i $to 2>/dev/null ||
			failed=$((failed + 1))
	done
	[ $failed -gt 0 ] && [ $failed -lt 16 ] || fail "$failed of 16 failed at 50 %"
	used $((16 - failed)) || fail "$failed of 16 failed and $(cat $CHIP/used) are used"
	set_chip fail 0
	# shellcheck disable=SC2086 # words
	rule 0 1 protocol ip flower skip_sw $to
}

topo_chip
run_case "refusals, each with a sentence" refusals
run_case "features switched off" features
run_case "hw-tc-offload off" tc_off
run_case "a full table" table_full
run_case "a slow driver" delay
run_case "a failing driver" injection
rmmod nfo_hwsim
all_done
