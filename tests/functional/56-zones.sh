#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# FINDINGS S12: the same addresses and ports in two conntrack zones, through one device,
# are two connections with a way of their own.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

topo_up
echo_up
must su set echo 0
MAC1=02:00:00:00:00:01 MAC2=02:00:00:00:00:02

# A zone for each of two customers, told by their Ethernet address; each has its own
# address outside.
zones() {
	in_r nft -f - <<-END
		table inet z {
			chain raw {
				type filter hook prerouting priority raw;
				iifname rc ether saddr $MAC1 ct zone set 1
				iifname rc ether saddr $MAC2 ct zone set 2
			}
			chain post {
				type nat hook postrouting priority 100;
				oifname rs ct zone 1 snat ip to 198.51.100.11
				oifname rs ct zone 2 snat ip to 198.51.100.12
			}
		}
	END
	in_s nft -f - <<-END
		table netdev z {
			counter a { }
			counter b { }
			chain in {
				type filter hook ingress device s0 priority 0;
				ip saddr 198.51.100.11 udp dport 5000 counter name a
				ip saddr 198.51.100.12 udp dport 5000 counter name b
			}
		}
	END
}

arrived() {
	counter a "$NS_S" netdev z
	A=$PACKETS
	counter b "$NS_S" netdev z
	B=$PACKETS
}
arrived_are() { arrived; [ "$A" = "$1" ] && [ "$B" = "$2" ]; }

two_zones() {
	rules_for "$1"
	in_s nft flush ruleset
	zones
	inject_up in "$NS_C" c0 "$NS_R" rc
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		must in from $MAC1
		must in udp $C4 7000 $S4 5000 100
		must in from $MAC2
		must in udp $C4 7000 $S4 5000 100
	done
	wait_for 3 arrived_are 10 10 || fail "arrived: $A of the first zone, $B of the second, 10 each were sent"
}
on_both_paths "one tuple in two zones" two_zones

# One after the other: the second begins when the first is in the table.
second_later() {
	rules_for "$1"
	in_s nft flush ruleset
	zones
	inject_up in "$NS_C" c0 "$NS_R" rc
	must in from $MAC1
	for _ in 1 2 3 4 5; do
		must in udp $C4 7001 $S4 5000 100
	done
	wait_for 3 arrived_are 5 0 || fail "arrived: $A and $B, sent: 5 and 0"
	must in from $MAC2
	for _ in 1 2 3 4 5; do
		must in udp $C4 7001 $S4 5000 100
	done
	wait_for 3 arrived_are 5 5 || fail "arrived: $A and $B, sent: 5 and 5"
}
on_both_paths "the same, one after the other" second_later
in_s nft flush ruleset

# A RST far out of the window does not end a connection in a zone either.
in_zone() { in_r conntrack -L -w 7 -p tcp --orig-port-src "$PORT" 2>/dev/null; }
blind_rst() {
	local path=$1 offset

	rules_for "$path"
	rules_load <<-END
		table inet z {
			chain raw {
				type filter hook prerouting priority raw;
				iifname { rc, rs } ct zone set 7
			}
		}
	END
	client c tcp
	must c ping 10
	must c bulk 1000000
	[ "$path" = classic ] || fast c ping 10
	inject_up in "$NS_C" c0 "$NS_R" rc
	sequences in c tcp "$PORT"
	for offset in -3000000 100000000 1000000000; do
		seq_add "$CLIENT_SEQ" $offset
		must in tcp "$CLIENT_END" "$SERVER_END" "$SEQ" "$SERVER_SEQ" R 0
	done
	if [ "$path" = offload ]; then
		fast c ping 10
		[[ $(in_zone) == *OFFLOAD* ]] || fail "not offloaded any more: $(in_zone)"
	else
		must c ping 10
		[[ $(in_zone) == *ESTABLISHED* ]] || fail "conntrack says: $(in_zone)"
	fi
}
on_both_paths "blind RST in a zone" blind_rst

all_done
