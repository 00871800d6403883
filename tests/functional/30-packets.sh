#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core compat
# What the fast path does to a packet, and what it leaves to others.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

topo_up
echo_up
BULK=1000000

features() {
	in_c ethtool -K c0 "$@" >/dev/null 2>&1
	in_s ethtool -K s0 "$@" >/dev/null 2>&1
	in_r ethtool -K rc "$@" >/dev/null 2>&1
	in_r ethtool -K rs "$@" >/dev/null 2>&1
}

# The first part of the stream promotes the flow, the second must not be seen at all.
bulk() {
	local proto=$1

	shift
	[ $# = 0 ] || features "$@" || skip "ethtool -K $*"
	rules_std
	in_r nft -f - <<-END
		table inet nat {
			chain post { type nat hook postrouting priority 100; oifname rs masquerade; }
		}
	END
	flow_up c "$proto"
	fast c bulk $BULK
	fast c bulk 277777
	[ $# = 0 ] || features tso on gso on gro off tx on rx on sg on || true
}

for proto in tcp tcp6; do
	run_case "$proto bulk, TSO and GSO" bulk $proto tso on gso on
	run_case "$proto bulk, no TSO" bulk $proto tso off gso on
	run_case "$proto bulk, no segmentation offload" bulk $proto tso off gso off
	run_case "$proto bulk, GRO" bulk $proto gro on
	run_case "$proto bulk, GRO after segmentation in the stack" bulk $proto gro on tso off gso off
	run_case "$proto bulk, no checksum offload" bulk $proto tx off rx off
	run_case "$proto bulk, linear packets" bulk $proto sg off
done

udp_sizes() {
	local size

	rules_std
	in_r nft -f - <<-END
		table inet nat {
			chain post { type nat hook postrouting priority 100; oifname rs masquerade; }
		}
	END
	[ -z "${2:-}" ] || features "${@:2}" || skip "ethtool"
	flow_up c "$1"
	for size in 1 2 3 17 255 512 1001 1400 1452; do
		fast c ping 3 $size
	done
	[ -z "${2:-}" ] || features tso on gso on tx on rx on sg on || true
}
run_case "udp, sizes up to the MTU" udp_sizes udp
run_case "udp6, sizes up to the MTU" udp_sizes udp6
run_case "udp, sizes, no checksum offload" udp_sizes udp tx off rx off
run_case "udp6, sizes, no checksum offload" udp_sizes udp6 tx off rx off

# A checksum of zero means that there is none: NAT must leave it alone.
udp_nocheck() {
	local dst=$S4

	peer_start nocheck "$NS_S" server "${1%6}" "$([ "$1" = udp ] && echo $S4 || echo $S6)" 5002 ||
		fail "$ANSWER"
	ask nocheck set nocheck 1 || skip "no such socket option: $ANSWER"
	rules_std
	in_r nft -f - <<-END
		table inet nat {
			chain post { type nat hook postrouting priority 100; oifname rs masquerade; }
		}
	END
	in_s nft -f - <<-END
		table inet s {
			counter hits { }
			chain i { type filter hook prerouting priority -300; udp dport 5002 udp checksum 0 counter name hits; }
		}
	END
	[ "$1" = udp ] || dst=$S6
	client c "$1" 5002 "$dst"
	must c set nocheck 1
	promote c "$1" "$PORT"
	counter hits "$NS_S" inet s
	before=$PACKETS
	fast c ping 20
	counter hits "$NS_S" inet s
	[ $((PACKETS - before)) = 20 ] || fail "$((PACKETS - before)) of 20 came without a checksum"
	agent flush "$NS_S"
}
run_case "udp without a checksum, NAT" udp_nocheck udp
run_case "udp6 without a checksum, NAT" udp_nocheck udp6

ttl() {
	local match="ip ttl 63" error="icmp type time-exceeded" name=ttl

	[ "$1" = udp ] || match="ip6 hoplimit 63" error="icmpv6 type time-exceeded" name=hoplimit
	rules_std
	in_s nft -f - <<-END
		table inet s {
			counter hits { }
			counter other { }
			chain i {
				type filter hook prerouting priority -300;
				udp dport 5000 $match counter name hits return
				udp dport 5000 counter name other
			}
		}
	END
	in_c nft -f - <<-END
		table inet c {
			counter hits { }
			counter exceeded { }
			chain i {
				type filter hook input priority 0;
				udp sport 5000 $match counter name hits
				$error counter name exceeded
			}
		}
	END
	flow_up c "$1"
	fast c ping 20
	counter other "$NS_S" inet s
	equal "$PACKETS" 0 "packets with another $name at the server"
	counter hits "$NS_S" inet s
	[ "$PACKETS" -ge 31 ] || fail "the server saw $PACKETS packets with $name 63"
	counter hits "$NS_C" inet c
	[ "$PACKETS" -ge 31 ] || fail "the client saw $PACKETS packets with $name 63"
	# the last hop is here: the classic path sends the error, nothing gets through
	must c set ttl 1
	must c send 1
	wait_for 5 exceeded 1 || fail "no time exceeded"
	must c set ttl 2
	counter hits "$NS_S" inet s
	must c drain
	ask c ping 1 || ask c ping 1 || fail "ttl 2: $ANSWER"
	must c set ttl 64
	wait_for 10 is_fast c ping 5 || fail "not fast again"
	agent flush "$NS_S"
	agent flush "$NS_C"
}
exceeded() { counter exceeded "$NS_C" inet c && [ "$PACKETS" -ge "$1" ]; }
run_case "TTL is one less; 1 is the classic path's" ttl udp
run_case "hop limit is one less; 1 is the classic path's" ttl udp6

fragments() {
	rules_std
	client c "$1"
	must c set df 0
	promote c "$1" "$PORT"
	fast c ping 10
	# both ways in three fragments, reassembled by conntrack, forwarded by the stack
	slow 2 c ping 3 4000
	has_offload_flag "$1" "$PORT" || fail "fragments ended the flow: $CT"
	fast c ping 10
}
run_case "udp fragments pass, the flow stays" fragments udp
run_case "udp6 fragments pass, the flow stays" fragments udp6

# Everything on the way out still sees the packets: tc, nft egress, the qdisc.
tc_egress() {
	rules_std
	in_r tc qdisc replace dev rs clsact || skip "no clsact"
	in_r tc filter add dev rs egress matchall action pass || skip "no matchall"
	flow_up c "$1"
	before=$(tc_hits egress)
	fast c ping 20
	[ $(($(tc_hits egress) - before)) -ge 20 ] || fail "tc egress saw $(($(tc_hits egress) - before)) of 20"
	in_r tc qdisc del dev rs clsact
}
tc_hits() { in_r tc -s filter show dev rs "$1" | awk '/Sent/ { print $4; exit }'; }

tc_ingress() {
	rules_std
	in_r tc qdisc replace dev rs clsact || skip "no clsact"
	in_r tc filter add dev rs ingress matchall action pass || skip "no matchall"
	flow_up c "$1"
	before=$(tc_hits ingress)
	fast c ping 20
	[ $(($(tc_hits ingress) - before)) -ge 20 ] || fail "tc ingress saw $(($(tc_hits ingress) - before)) of 20"
	in_r tc qdisc del dev rs clsact
}

nft_egress() {
	rules_std
	in_r nft -f - <<-END || skip "no egress hook"
		table netdev e {
			counter hits { }
			chain e { type filter hook egress device rs priority 0; udp dport 5000 counter name hits; }
		}
	END
	flow_up c "$1"
	counter hits "$NS_R" netdev e
	before=$PACKETS
	fast c ping 20
	counter hits "$NS_R" netdev e
	equal $((PACKETS - before)) 20 "packets at the egress hook"
}

# An egress rule that drops is obeyed.
nft_egress_drop() {
	rules_std
	flow_up c "$1"
	in_r nft -f - <<-END || skip "no egress hook"
		table netdev e {
			counter hits { }
			chain e { type filter hook egress device rs priority 0; udp dport 5000 counter name hits drop; }
		}
	END
	must c timeout 300
	ask c ping 3 && fail "went through a dropping egress hook"
	counter hits "$NS_R" netdev e
	equal "$PACKETS" 3 "packets at the egress hook"
	in_r nft delete table netdev e
	must c timeout 3000
	settle c
	fast c ping 10
}

qdisc() {
	rules_std
	in_r tc qdisc replace dev rs root handle 1: pfifo limit 1000 || skip "no pfifo"
	flow_up c "$1"
	before=$(qdisc_sent)
	fast c ping 20
	after=$(qdisc_sent)
	# A neighbour may be asked after meanwhile.
	[ $((after - before)) -ge 20 ] && [ $((after - before)) -le 23 ] ||
		fail "$((after - before)) packets through the qdisc, expected 20"
	in_r tc qdisc del dev rs root
}
qdisc_sent() { in_r tc -s qdisc show dev rs | awk '/Sent/ { print $4; exit }'; }

for proto in udp udp6; do
	run_case "$proto, tc egress sees the packets" tc_egress $proto
	run_case "$proto, tc ingress sees the packets" tc_ingress $proto
	run_case "$proto, nft egress hook sees the packets" nft_egress $proto
	run_case "$proto, nft egress hook may drop them" nft_egress_drop $proto
	run_case "$proto, the qdisc counts the packets" qdisc $proto
done

# A mark set before the flowtable's hook is there at the way out.
mark_kept() {
	rules_std
	in_r nft -f - <<-END || skip "no egress hook"
		table netdev m {
			counter hits { }
			chain i { type filter hook ingress device rc priority -10; meta mark set 7; }
			chain e { type filter hook egress device rs priority 0; meta mark 7 udp dport 5000 counter name hits; }
		}
	END
	flow_up c udp
	counter hits "$NS_R" netdev m
	before=$PACKETS
	fast c ping 20
	counter hits "$NS_R" netdev m
	equal $((PACKETS - before)) 20 "marked packets at the way out"
}
run_case "a mark set at ingress is kept" mark_kept

# Interface counters are those of forwarding.
device_counters() {
	rules_std
	flow_up c udp
	before=$(tx_packets)
	fast c ping 50
	after=$(tx_packets)
	[ $((after - before)) -ge 50 ] || fail "rs sent $((after - before)) of 50"
}
tx_packets() { ip -n "$NS_R" -s -j link show rs | grep -o '"tx":{"bytes":[0-9]*,"packets":[0-9]*' | grep -o '[0-9]*$'; }
run_case "interface counters" device_counters

# Someone else holds a clone of every packet, and gets to see it as it came in.
taps() {
	command -v tcpdump >/dev/null || skip "no tcpdump"
	rules_std
	in_r nft -f - <<-END
		table inet nat {
			chain post { type nat hook postrouting priority 100; oifname rs masquerade; }
		}
	END
	flow_up c tcp
	peer_run tap "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec tcpdump -l -n -q -i rc "src host $C4 or dst host $C4"
	wait_for 20 tap_ready || fail "tcpdump: $ANSWER"
	fast c ping 20
	fast c bulk 300000
	tap_seen=0
	while peer_answer_any tap; do
		[[ $ANSWER == *"$C4"* ]] || fail "the tap saw $ANSWER"
		tap_seen=$((tap_seen + 1))
		[ $tap_seen -lt 40 ] || break
	done
	[ $tap_seen -ge 40 ] || fail "the tap saw $tap_seen packets"
}
peer_answer_any() { ANSWER=; peer_answer "$1" 5 || [ -n "$ANSWER" ] && [ "$ANSWER" != "no answer" ]; }
tap_ready() { peer_answer tap 5 || [[ $ANSWER == *"listening on"* ]]; }
run_case "a packet socket on the ingress device" taps

all_done
