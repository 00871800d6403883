#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core long
# Kinds of NAT and of connections that routers have: pools, prefixes, maps of several servers, a SYN
# proxy, zones of one direction, ICMP errors about packets that were translated. What an end sees is what it sees without a flowtable.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

topo_up
echo_up

# nat PATH LINES [FORWARD-LINES] - the table's NAT beside rules_for PATH.
nat() {
	rules_for "$1"
	in_r nft -f - <<-END || skip "nft does not know: $2"
		table inet n {
			$2
		}
	END
}

# with_nat PATH PROTO LINES [ADDR [PORT]] - a connection with this NAT is carried, echoes and a stream come back.
with_nat() {
	local path=$1 proto=$2

	nat "$path" "$3"
	client c "$proto" "${5:-5000}" "${4:-}"
	carry "$path" c "$proto"
	if [ "$path" = classic ]; then must c ping 5 1400; else fast c ping 5 1400; fi
	[ "${proto%6}" = udp ] || must c bulk 300000
	counter invalid
	equal "$PACKETS" 0 "invalid packets"
}
post='type nat hook postrouting priority srcnat;'
pre='type nat hook prerouting priority dstnat;'
ip -n "$NS_S" route add 198.18.5.0/24 via $RS4
ip -n "$NS_S" route add 2001:db8:77::/64 via $RS6
for proto in udp tcp; do
	on_both_paths "$proto, a pool of addresses, random ports" with_nat $proto \
		"chain post { $post oifname rs meta l4proto { tcp, udp } snat ip to 198.18.5.10-198.18.5.20:20000-30000 fully-random; }"
	on_both_paths "$proto, masquerade random,persistent" with_nat $proto \
		"chain post { $post oifname rs masquerade random,persistent; }"
	on_both_paths "$proto, a prefix for a prefix" with_nat $proto \
		"chain post { $post oifname rs snat ip prefix to ip saddr map { 192.0.2.0/24 : 198.18.5.0/24 }; }"
	on_both_paths "$proto, servers by turns" with_nat $proto \
		"chain pre { $pre iifname rc ip daddr 203.0.113.99 dnat ip to numgen inc mod 2 map { 0 : $S4, 1 : $S4 }; }" 203.0.113.99
	on_both_paths "$proto, both addresses and both ports" with_nat $proto \
		"chain pre { $pre iifname rc ip daddr 203.0.113.99 meta l4proto { tcp, udp } th dport 80 dnat ip to $S4:5000; }
		chain post { $post oifname rs meta l4proto { tcp, udp } snat ip to 198.18.5.10:7000-7999; }" 203.0.113.99 80
done
for proto in udp6 tcp6; do
	on_both_paths "$proto, a prefix for a prefix" with_nat $proto \
		"chain post { $post oifname rs snat ip6 prefix to ip6 saddr map { 2001:db8:1::/64 : 2001:db8:77::/64 }; }"
done

# The server's kernel answers packets to a port where nobody listens with an error, which the client
# gets about the packet that it sent.
errors() {
	local path=$1 proto=$2 dst=$S4 src=$C4

	[ "$proto" = udp ] || dst=$S6 src=$C6
	nat "$path" "$3"
	peer_start gone "$NS_S" server udp :: 5777 || fail "$ANSWER"
	client c "$proto" 5777
	carry "$path" c "$proto"
	in_c nft -f - <<-END
		table inet e {
			counter right { }
			counter wrong { }
			chain i {
				type filter hook prerouting priority -400;
				icmp type destination-unreachable @th,64,32 & 0xff000000 == 0x45000000 @th,160,32 $(hex_of "$src") @th,224,16 $PORT counter name right accept
				icmpv6 type destination-unreachable @th,128,64 0x20010db800010000 @th,384,16 $PORT counter name right accept
				icmp type destination-unreachable counter name wrong
				icmpv6 type destination-unreachable counter name wrong
			}
		}
	END
	at_end "agent flush $NS_C"
	peer_stop gone
	must c timeout 300
	ask c ping 1 || true
	wait_for 5 had_errors || fail "no error about the packet came"
	counter wrong "$NS_C" inet e
	equal "$PACKETS" 0 "errors about other packets"
}
had_errors() { counter right "$NS_C" inet e && [ "$PACKETS" -ge 1 ]; }
# shellcheck disable=SC2086 # four words
hex_of() { [[ $1 == *:* ]] && echo 0 || printf '0x%02x%02x%02x%02x' ${1//./ }; }

# A connection of which the SYN proxy has made up the beginning.
synproxy() {
	modprobe -q nft_synproxy || skip "no nft_synproxy"
	sysctl_r net/netfilter/nf_conntrack_tcp_loose 0
	at_end "sysctl_r net/netfilter/nf_conntrack_tcp_loose 1"
	rules_load <<-END || skip "no synproxy"
		table inet t {
			counter seen { }
			counter invalid { }
			flowtable f { hook ingress priority 0; devices = { rc, rs }; }
			chain pre {
				type filter hook prerouting priority -300;
				iifname rc tcp dport 5000 tcp flags syn notrack
			}
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				iifname rc tcp dport 5000 ct state { invalid, untracked } synproxy mss 1460 wscale 7 timestamp sack-perm
				ct state invalid counter name invalid drop
				$([ "$1" = classic ] || echo "meta l4proto tcp flow add @f")
			}
		}
	END
	client c tcp
	must c ping 20
	must c bulk 300000
	must c ping 20 1000
	[ "$1" = offload ] || return 0
	reason_count seq-adjust
	[ "$REASON" -gt 0 ] || fail "the reason is not counted"
	no_offload_flag tcp "$PORT" || fail "$CT"
}
on_both_paths "tcp behind a SYN proxy" synproxy

# Zones for the original direction alone.
one_zone() {
	rules_for "$1"
	in_r nft -f - <<-END
		table inet z {
			chain pre { type filter hook prerouting priority -300; iifname rc ct original zone set 5; }
			chain post { $post oifname rs masquerade; }
		}
	END
	client c "$2"
	must c ping 12
	[ "$1" = classic ] || { wait_for 5 is_fast c ping 10 || fail "slow: $(in_r conntrack -L 2>/dev/null | head)"; }
	must c ping 10
}
on_both_paths "udp, a zone for the original direction" one_zone udp
on_both_paths "tcp, a zone for the original direction" one_zone tcp

# What comes back about packets of an offloaded connection that was translated.
on_both_paths "udp, an error about translated packets" errors udp \
	"chain post { $post oifname rs meta l4proto udp snat ip to 198.18.5.10:7000-7999; }"
on_both_paths "udp6, an error about translated packets" errors udp6 \
	"chain post { $post oifname rs snat ip6 to 2001:db8:77::9; }"

all_done
