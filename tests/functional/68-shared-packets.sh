#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# FINDINGS S15: a packet that somebody else holds as well is copied before it is
# rewritten. pktgen hands the same packet to the stack several times and keeps it.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

modprobe -q pktgen || { skipped "shared packets" "this kernel has no pktgen"; all_done; exit 0; }
topo_up
echo_up
must su set echo 0
COUNT=400 BURST=8

pgset() { in_r sh -c "echo '$2' >/proc/net/pktgen/$1" || fail "pktgen: $2"; }

# again_and_again PORT - COUNT packets of the client's connection, each buffer BURST times.
again_and_again() {
	local word to=${2:-$S4}

	pgset kpktgend_0 rem_device_all
	pgset kpktgend_0 "add_device rc"
	for word in "xmit_mode netif_receive" "count $COUNT" "burst $BURST" "pkt_size 200" "delay 0" \
		"dst_mac $(mac_of "$NS_R" rc)" "src_mac $(mac_of "$NS_C" c0)" \
		"src_min $C4" "src_max $C4" "dst_min $to" "dst_max $to" \
		"udp_src_min $1" "udp_src_max $1" "udp_dst_min 5000" "udp_dst_max 5000"; do
		pgset rc "$word"
	done
	pgset pgctrl start
	pgset kpktgend_0 rem_device_all
}

# pktgen sends with TTL 32.
arrivals_counted() {
	in_s nft -f - <<-END
		table netdev p {
			counter good { }
			counter bad { }
			chain in {
				type filter hook ingress device s0 priority 0;
				udp dport 5000 udp length 166 ip saddr $1 ip ttl 31 counter name good accept
				udp dport 5000 udp length 166 counter name bad
			}
		}
	END
}
all_good() { counter good "$NS_S" netdev p; GOOD=$PACKETS; counter bad "$NS_S" netdev p; [ "$GOOD" = $COUNT ] && [ "$PACKETS" = 0 ]; }

shared() {
	local path=$1 nat=$2 from=$C4

	rules_for "$path"
	if [ "$nat" = nat ]; then
		in_r nft 'table inet nat { chain post { type nat hook postrouting priority 100; oifname rs masquerade; }; }'
		from=$RS4
	fi
	client c udp
	must c send 3
	[ "$path" = classic ] || wait_for 5 has_offload_flag udp "$PORT" || fail "not offloaded: $CT"
	arrivals_counted $from
	again_and_again "$PORT"
	wait_for 5 all_good || fail "of $COUNT packets $GOOD arrived as they should, $PACKETS otherwise"
}
# A device that is done with a packet at once: pktgen sends the same packet again, which
# must be as it was.
sent_again() {
	local from=$C4

	rules_load <<-END
		table inet t {
			counter seen { }
			flowtable f { hook ingress priority 0; devices = { rc, d0 }; }
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				$([ "$1" = classic ] || echo "meta l4proto udp flow add @f")
			}
		}
		table netdev p {
			counter good { }
			counter bad { }
			chain out {
				type filter hook egress device d0 priority 0;
				udp length 166 ip saddr $from ip ttl 31 counter name good accept
				udp length 166 counter name bad
			}
		}
	END
	client c udp 5000 $D4
	must c send 3
	[ "$1" = classic ] || wait_for 5 has_offload_flag udp "$PORT" || fail "not offloaded: $CT"
	again_and_again "$PORT" $D4
	counter good "$NS_R" netdev p
	GOOD=$PACKETS
	counter bad "$NS_R" netdev p
	[ "$GOOD" = $COUNT ] && [ "$PACKETS" = 0 ] ||
		fail "of $COUNT packets $GOOD left as they should, $PACKETS otherwise"
}
D4=203.0.113.2
if ip -n "$NS_R" link add d0 type dummy 2>/dev/null &&
	in_r nft 'table netdev e { chain x { type filter hook egress device d0 priority 0; }; }'; then
	in_r nft delete table netdev e
	ip -n "$NS_R" -batch - <<-END
		addr add 203.0.113.1/24 dev d0
		link set d0 up
		neigh add $D4 lladdr 02:00:00:00:00:09 dev d0
	END
	for path in classic offload; do
		run_case "a packet that pktgen sends $BURST times, $path" sent_again $path
	done
else
	skipped "a packet that pktgen sends $BURST times" "this kernel has no dummy device or no egress hook"
fi

for nat in plain nat; do
	for path in classic offload; do
		run_case "packets that pktgen keeps, $nat, $path" shared $path $nat
		in_s nft flush ruleset
	done
done

all_done
