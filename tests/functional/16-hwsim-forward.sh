#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# The simulated switch chip (tests/hwsim) forwards what rules of tc flower tell it to,
# and leaves all else to the host: later tests of hardware are worth as much as this.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-flower.sh
. "$(dirname "$0")/../lib-flower.sh"

# ttl_count FAMILY - counters at both ends for packets that are one hop older.
ttl_count() {
	local ns field="ip ttl 63"

	[ "$1" = ip ] || field="ip6 hoplimit 63"
	for ns in "$NS_C" "$NS_S"; do
		in_ns "$ns" nft -f - <<-END
			table $1 seen {
				counter hop { }
				chain in {
					type filter hook input priority 0;
					meta l4proto { tcp, udp } $field counter name hop
				}
			}
		END
	done
}

no_rules() {
	clean
	client u udp
	by_host u ping 10
}

routed_udp() {
	local text

	clean
	client u udp
	by_host u ping 2
	route_pair ip udp "$PORT"
	ttl_count ip
	by_hw 40 u ping 20
	counter hop "$NS_S" ip seen
	equal "$PACKETS" 20 "TTL 63 at the server"
	counter hop "$NS_C" ip seen
	equal "$PACKETS" 20 "TTL 63 at the client"
	in_ns "$NS_C" nft flush ruleset
	in_ns "$NS_S" nft flush ruleset
	# 14 Ethernet, 20 IPv4, 8 UDP and what a ping says
	[[ $(cat $CHIP/rules) == *" sport=$PORT/ffff"*" ttl-1 "*" packets=20 "* ]] ||
		fail "dump: $(cat $CHIP/rules)"
	# what is read is a difference, once
	text=$(tc -n "$NS_R" -s filter show dev hwp0 ingress)
	[[ $text == *"Sent hardware "*" bytes 20 pkt"* ]] || fail "statistics: $text"
	by_hw 10 u ping 5
	text=$(tc -n "$NS_R" -s filter show dev hwp0 ingress)
	text=$(tc -n "$NS_R" -s filter show dev hwp0 ingress)
	[[ $text == *"Sent hardware "*" bytes 25 pkt"* ]] || fail "statistics: $text"
}

routed_tcp6() {
	clean
	client t tcp6
	by_host t ping 2
	CSUM=''
	route_pair ipv6 tcp "$PORT"
	ttl_count ip6
	ports
	local host=$HOST hw=$HW
	must t bulk 100000
	ports
	equal "$HOST" "$host" "packets at the host"
	[ $((HW - hw)) -ge 140 ] || fail "only $((HW - hw)) packets by hardware"
	counter hop "$NS_S" ip6 seen
	[ "$PACKETS" -ge 70 ] || fail "hop limit 63 on $PACKETS packets"
	in_ns "$NS_C" nft flush ruleset
	in_ns "$NS_S" nft flush ruleset
}

# The client talks to the router's address, the server answers to that.
nat() {
	local proto=$1 l4=$2 fam=$3 c=$C4 s=$S4 rc=$RC4 rs=$RS4

	clean
	[ "$proto" = ip ] || { c=$C6 s=$S6 rc=$RC6 rs=$RS6; fam+=6; }
	next_port
	CSUM="$l4"
	[ "$proto" != ip ] || CSUM="ip and $l4"
	local ip=ip
	[ "$proto" = ip ] || ip=ip6
	REWRITE="munge $ip dst set $s munge $ip src set $rs munge $l4 dport set 5000 munge $l4 sport set 6001"
	route 0 "$proto" src_ip "$c" dst_ip "$rc" ip_proto "$l4" src_port $((PORT + 1)) dst_port 7000
	REWRITE="munge $ip dst set $c munge $ip src set $rc munge $l4 dport set $((PORT + 1)) munge $l4 sport set 7000"
	route 1 "$proto" src_ip "$s" dst_ip "$rs" ip_proto "$l4" src_port 5000 dst_port 6001
	client n "$fam" 7000 "$rc"
	if [ "$l4" = udp ]; then
		by_hw 40 n ping 20
	else
		ports
		local host=$HOST hw=$HW
		must n bulk 50000
		ports
		equal "$HOST" "$host" "packets at the host"
		[ "$HW" -gt $((hw + 60)) ] || fail "only $((HW - hw)) packets by hardware"
	fi
}

# Nobody asked for the checksum: the chip corrects none, the server drops.
no_csum() {
	clean
	next_port
	CSUM=ip
	REWRITE="munge ip dst set $S4"
	route 0 ip src_ip "$C4" dst_ip "$RC4" ip_proto udp dst_port 5000
	client n udp 5000 "$RC4"
	must n timeout 300
	ports
	local hw=$HW
	! ask n ping 1 || fail "answered in spite of its checksum"
	ports
	equal $((HW - hw)) 1 "packets by hardware"
}

tcp_end() {
	clean
	client t tcp
	route_pair ip tcp "$PORT" tcp_flags 0/0x5
	must t ping 1
	ports
	local host=$HOST
	must t ping 5
	ports
	equal "$HOST" "$host" "data packets at the host"
	must t fin
	ports
	[ "$HOST" -gt "$host" ] || fail "the host saw no FIN"
}

fragments() {
	clean
	client u udp
	route 0 ip src_ip "$C4" dst_ip "$S4" ip_proto udp ip_flags nofrag
	route 1 ip src_ip "$S4" dst_ip "$C4" ip_proto udp ip_flags nofrag
	by_hw 10 u ping 5
	by_host u ping 2 3000
	set_chip features/frag 0
	refused_rule "95 nfo_hwsim: Matching on fragments is switched off" 1 \
		protocol ip flower skip_sw dst_ip "$C4" ip_flags nofrag \
		action mirred egress redirect dev hwp0
}

# --- VLAN ----------------------------------------------------------------

# Tagged and untagged frames are different ones; the tag stays when nobody pops it.
vlan_match() {
	clean
	in_c ip -batch - <<-END
		link add link c0 name c0.10 type vlan id 10
		link set c0.10 up
		addr add 203.0.113.1/24 dev c0.10
		neigh add 203.0.113.2 lladdr $RC_MAC dev c0.10
	END
	in_s ip -batch - <<-END
		link add link s0 name s0.10 type vlan id 10
		link set s0.10 up
		addr add 203.0.113.2/24 dev s0.10
		neigh add 203.0.113.1 lladdr $RS_MAC dev s0.10
	END
	vlan_rule 0 203.0.113.2 "$S_MAC"
	vlan_rule 1 203.0.113.1 "$C_MAC"
	next_port
	peer_start v "$NS_C" client udp 203.0.113.1 "$PORT" 203.0.113.2 5000 || fail "$ANSWER"
	by_hw 20 v ping 10
	# the same addresses without a tag
	rule 0 3 protocol ip flower skip_sw dst_ip "$S4" ip_proto udp dst_port 9 \
		action mirred egress redirect dev hwp1
	client u udp
	by_host u ping 2
	in_c ip link del c0.10
	in_s ip link del s0.10
}

vlan_rule() {
	rule "$1" 2 protocol 802.1q flower skip_sw vlan_id 10 vlan_ethtype ip dst_ip "$2" \
		ip_proto udp action pedit ex munge eth dst set "$3" pipe \
		action mirred egress redirect dev "hwp$((1 - $1))"
}

# Untagged at the client, tagged at the server.
vlan_push_pop() {
	modprobe -q act_vlan || skip "this kernel has no act_vlan"
	clean
	in_s ip -batch - <<-END
		link add link s0 name s0.10 type vlan id 10
		link set s0.10 up
		addr add 203.0.113.2/24 dev s0.10
		neigh add 203.0.113.1 lladdr $RS_MAC dev s0.10
	END
	in_c ip -batch - <<-END
		addr add 203.0.113.1/24 dev c0
		neigh add 203.0.113.2 lladdr $RC_MAC dev c0
	END
	rule 0 1 protocol ip flower skip_sw dst_ip 203.0.113.2 ip_proto udp \
		action pedit ex munge eth dst set "$S_MAC" pipe \
		action vlan push id 10 pipe action mirred egress redirect dev hwp1
	rule 1 1 protocol 802.1q flower skip_sw vlan_id 10 vlan_ethtype ip dst_ip 203.0.113.1 \
		ip_proto udp action pedit ex munge eth dst set "$C_MAC" pipe \
		action vlan pop pipe action mirred egress redirect dev hwp0
	next_port
	peer_start v "$NS_C" client udp 203.0.113.1 "$PORT" 203.0.113.2 5000 || fail "$ANSWER"
	by_hw 20 v ping 10
	in_s ip link del s0.10
	in_c ip addr del 203.0.113.1/24 dev c0
}

# --- exceptions ----------------------------------------------------------

# A packet that is too big or too old is the host's to judge.
exceptions() {
	clean
	client u udp
	route_pair ip udp "$PORT"
	by_hw 10 u ping 5
	in_r ip link set hwp1 mtu 1400
	ports
	local host=$HOST
	! ask u ping 1 1430 || fail "1430 bytes through an MTU of 1400"
	# it was the host that said so
	[[ $ANSWER == *EMSGSIZE* ]] || fail "$ANSWER"
	ports
	equal $((HOST - host)) 1 "packets at the host"
	in_r ip link set hwp1 mtu 1500
	must u set ttl 1
	must u timeout 300
	ports
	local hw=$HW
	host=$HOST
	! ask u ping 1 || fail "TTL 1 was forwarded"
	ports
	equal "$HW" "$hw" "packets by hardware"
	[ "$HOST" -gt "$host" ] || fail "the host saw no packet with TTL 1"
}

topo_chip
run_case "without rules the host forwards" no_rules
run_case "UDP over IPv4 from wire to wire, TTL, statistics" routed_udp
run_case "TCP over IPv6 from wire to wire, hop limit" routed_tcp6
run_case "NAT44 of UDP, addresses and ports" nat ip udp udp
run_case "NAT44 of TCP" nat ip tcp tcp
run_case "NAT66 of UDP" nat ipv6 udp udp
run_case "NAT66 of TCP" nat ipv6 tcp tcp
run_case "a checksum nobody asked for stays wrong" no_csum
run_case "FIN reaches the host" tcp_end
run_case "fragments reach the host" fragments
run_case "VLAN: matched, kept" vlan_match
run_case "VLAN: pushed, popped" vlan_push_pop
run_case "MTU and TTL exceptions reach the host" exceptions
rmmod nfo_hwsim
all_done
