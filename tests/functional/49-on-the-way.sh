#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core long
# On the way of packets: links that delay and double them, segments that GRO joins to a list, chains
# that copy them or send them by another device, TCP without its options.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

topo_up
echo_up
second_link 203.0.113 2001:db8:3

masq="table inet n { chain post { type nat hook postrouting priority srcnat; oifname rs masquerade; }; }"

# duplicated, late packets
netem() {
	local before

	rules_for "$1"
	in_r nft -f - <<<"$masq"
	connect_for "$1" c "$2"
	at_end "in_c tc qdisc del dev c0 root 2>/dev/null; in_s tc qdisc del dev s0 root 2>/dev/null"
	in_c tc qdisc add dev c0 root netem delay 2ms 1ms reorder 60% 50% duplicate 20% || skip "no netem"
	in_s tc qdisc add dev s0 root netem delay 2ms 1ms reorder 60% 50% duplicate 20%
	[ "${2%6}" = udp ] || must c bulk 1000000
	[ "${2%6}" = tcp ] || must c send 200
	in_c tc qdisc del dev c0 root
	in_s tc qdisc del dev s0 root
	[ "${2%6}" = tcp ] || must c drain
	must c ping 5
	[ "$1" = classic ] || wait_for 5 is_fast c ping 5 || fail "slow"
	counter invalid
	equal "$PACKETS" 0 invalid
	[ "${2%6}" = udp ] || { must c fin; must c finread; }
	counter invalid
	equal "$PACKETS" 0 invalid
}
for proto in tcp tcp6 udp; do on_both_paths "$proto, packets are late and come twice" netem $proto; done

# segments in a list (rx-gro-list)
fraglist() {
	rules_for "$1"
	[ -z "${3:-}" ] || in_r nft -f - <<<"$masq"
	at_end "in_r ethtool -K rc gro off rx-gro-list off; in_r ethtool -K rs gro off rx-gro-list off; in_c ethtool -K c0 tso on gso on"
	in_r ethtool -K rc gro on rx-gro-list on || skip "no rx-gro-list"
	in_r ethtool -K rs gro on rx-gro-list on
	in_c ethtool -K c0 tso off gso off tx-udp-segmentation off
	connect_for "$1" c "$2"
	if [ "${2%6}" = tcp ]; then
		must c bulk 2000000
	else
		must c send 200 1200
		pass_time 1
		must c drain
	fi
	must c ping 10 1200
	[ "$1" = classic ] || fast c ping 10 1200
}
for proto in tcp udp tcp6 udp6; do
	on_both_paths "$proto, segments in a list" fraglist $proto
	on_both_paths "$proto, segments in a list, NAT" fraglist $proto nat
done

# A chain before the flowtable copies packets, and the copy is as it came.
copies() {
	rules_for "$1"
	in_r nft -f - <<<"$masq"
	ip -n "$NS_R" link add dum0 type dummy 2>/dev/null || true
	ip -n "$NS_R" link set dum0 up
	at_end "ip -n $NS_R link del dum0; in_r nft delete table netdev d"
	in_r nft -f - <<-END || skip "no dup"
		table netdev d {
			counter right { }
			counter wrong { }
			chain i { type filter hook ingress device rc priority $3; meta l4proto { tcp, udp } th dport 5000 dup to "dum0"; }
			chain o {
				type filter hook egress device dum0 priority 0;
				ip saddr $C4 ip ttl 64 counter name right accept
				ip6 saddr $C6 ip6 hoplimit 64 counter name right accept
				meta protocol { ip, ip6 } counter name wrong
			}
		}
	END
	connect_for "$1" c "$2"
	counter right "$NS_R" netdev d
	before=$PACKETS
	must c ping 20
	[ "${2%6}" = udp ] || must c bulk 300000
	counter right "$NS_R" netdev d
	[ $((PACKETS - before)) -ge 20 ] || fail "$((PACKETS - before)) copies of 20"
	counter wrong "$NS_R" netdev d
	equal "$PACKETS" 0 "copies that are not as the packets came"
	[ "$1" = classic ] || fast c ping 10
}
for proto in udp tcp udp6; do on_both_paths "$proto, copies before the flowtable" copies $proto -10; done

# An egress chain copies, and sends another way.
egress_fwd() {
	rules_for "$1"
	in_r nft -f - <<<"$masq"
	in_r nft -f - <<-END || skip "no fwd"
		table netdev d {
			chain o { type filter hook egress device rs priority 0; udp dport 5000 fwd to rs2; }
		}
	END
	at_end "in_r nft delete table netdev d"
	ip -n "$NS_S" link set s1 address "$(mac_of "$NS_S" s0)"
	connect_for "$1" c udp
	must c ping 20
}
on_both_paths "udp, an egress chain sends by another device" egress_fwd

# tcp_kinds PATH SYSCTL=VALUE... - of both ends. Conntrack judges what it is given back.
tcp_kinds() {
	local k

	for k in $2; do
		sysctl_in "$NS_C" "net/ipv4/${k%=*}" "${k#*=}"
		sysctl_in "$NS_S" "net/ipv4/${k%=*}" "${k#*=}"
	done
	rules_for "$1"
	in_r nft -f - <<<"$masq"
	in_r nft 'insert rule inet t forward ct state invalid drop'
	connect_for "$1" c tcp
	must c bulk 3000000
	[ "$1" = classic ] || wait_for 5 is_fast c ping 5 || fail slow
	in_r nft 'flush chain inet t forward; add rule inet t forward ct state invalid counter name invalid drop'
	must c bulk 1000000
	must c fin
	must c finread
	counter invalid
	equal "$PACKETS" 0 invalid
}
on_both_paths "tcp without timestamps, SACK and scaling" tcp_kinds "tcp_timestamps=0 tcp_sack=0 tcp_window_scaling=0"
on_both_paths "tcp with ECN" tcp_kinds "tcp_timestamps=1 tcp_sack=1 tcp_window_scaling=1 tcp_ecn=1"

all_done
