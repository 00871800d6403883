#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# Tunnels: the flowtable lists the Ethernet device below a tunnel, the tunnel's device, or
# both; connections go through the tunnel in both directions.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"

topo_up
echo_up

# Reached, bulk data intact, none of it seen by the forward chain in either direction, and
# the tunnel's device counts what came through it.
carries() {
	local proto=$1 before

	address_of "$proto"
	client c "$proto" 5000 "$TO"
	promote c "$proto" "$PORT"
	rx_packets "$NS_R" tun0
	before=$RX
	hops_watch
	fast c ping 200
	fast c ping 4 1200
	hops_right 204
	if [ "${proto%6}" = tcp ]; then
		# The first stream finds the path's MTU.
		must c bulk 100000
		settle c
		fast c bulk 300000
	fi
	wait_for 5 counted_by_tunnel "$before" c || fail "tun0 received $((RX - before)) of 204 packets"
}

# Counters move twice a second of traffic.
counted_by_tunnel() {
	ask "$2" ping 1 && rx_packets "$NS_R" tun0 && [ $((RX - $1)) -ge 204 ]
}

# through KIND PROTO [DEVICES [RULES]]
through() {
	behind_tunnel "$1"
	rules_listing "${3:-rc, rs}"
	[ -z "${4:-}" ] || in_r nft -f - <<<"$4"
	carries "$2"
	tunnel_gone
}

NAT="table inet nat { chain post { type nat hook postrouting priority 100; iifname rc masquerade; }; }"

for proto in udp tcp; do
	run_case "IPIP, $proto" through ipip $proto
	run_case "GRE, $proto" through gre $proto
	run_case "4in6, $proto" through ip6tnl $proto
	run_case "6in4, ${proto}6" through sit ${proto}6
	run_case "IP6IP6, ${proto}6" through ip6tnl ${proto}6
	run_case "GRE, ${proto}6" through gre ${proto}6
done
run_case "GRE with a key, udp" through grekey udp
run_case "GRE over IPv6, tcp" through ip6gre tcp
run_case "GRE over IPv6, udp6" through ip6gre udp6
run_case "4in6 with a limit of encapsulation, udp" through ip6limit udp
run_case "IPIP, masquerade, tcp" through ipip tcp "" "$NAT"
run_case "IP6IP6, masquerade, tcp6" through ip6tnl tcp6 "" "$NAT"
run_case "IPIP, the tunnel listed, tcp" through ipip tcp "rc, tun0"
run_case "6in4, the tunnel listed, udp6" through sit udp6 "rc, tun0"
run_case "GRE, the tunnel and the device below listed, udp" through gre udp "rc, rs, tun0"
run_case "GRE with checksums is carried where the tunnel is listed" through grecsum udp "rc, tun0"

# A packet that comes through a tunnel is noted twice, as the tunnel's and as its own. With as
# many connections as these, some have both notes in one place when there is one for both.
many_in_tunnel() {
	ours_only "it does not look into GRE"
	behind_tunnel "$1"
	rules_listing "rc, rs"
	next_port
	peer_start m "$NS_C" exec "$NFO_TOOLS/nfo_swarm" "$C4" $((PORT + 20000)) 512 "$V4S" 5000 ||
		fail "swarm: $ANSWER"
	must m ping 0 512 2
	wait_for 10 is_fast m ping 0 512 1 || fail "$(in_r "$NFO_TOOLS/nft-offload" status)"
	peer_stop m
	tunnel_gone
}
for kind in ipip gre ip6tnl; do
	run_case "many connections, $kind" many_in_tunnel $kind
done

# over_vlan - a tunnel over a VLAN over the listed device.
over_vlan() {
	behind_vlans 802.1q:10
	local r=$V4R s=$V4S

	RS4=$r S4=$s behind_tunnel ipip
	ip -n "$NS_S" route del 192.0.2.0/24 dev s0.10 2>/dev/null || true
	rules_listing "rc, rs"
	carries "$1"
	tunnel_gone
	stack_gone
}
run_case "IPIP over a VLAN, tcp" over_vlan tcp

# over_session KIND PROTO [TAG...] - a tunnel over a PPPoE session over the listed device.
over_session() {
	local kind=$1 proto=$2

	behind_pppoe "${@:3}"
	ip -n "$NS_S" route del 192.0.2.0/24
	ip -n "$NS_S" route del 2001:db8:1::/64
	RS4=$V4R S4=$V4S RS6=$V6R S6=$V6S behind_tunnel "$kind"
	rules_listing "rc, rs"
	carries "$proto"
	tunnel_gone
	stack_gone
}
run_case "4in6 over PPPoE in a VLAN, tcp" over_session ip6tnl tcp 7
run_case "6in4 over PPPoE, udp6" over_session sit udp6
# Five headers, with GRE's own.
run_case "GRE over PPPoE in two VLANs, udp" over_session gre udp 7 8
run_case "GRE over IPv6 over PPPoE in two VLANs, tcp6" over_session ip6gre tcp6 7 8

# A tunnel that asks each packet where it goes, as those of 6rd and 6to4 do.
without_remote() {
	behind_tunnel sit
	ip -n "$NS_R" link del tun0
	ip -n "$NS_R" -batch - <<-END
		link add tun0 type sit local $RS4 ttl 64
		link set tun0 up
		addr add $V6R/64 dev tun0 nodad
		route add $V6S/128 via ::$S4 dev tun0
	END
	rules_listing "rc, rs"
	carries "$1"
	tunnel_gone
}
run_case "6in4 without a remote address, tcp6" without_remote tcp6

# unanswered TEXT - answers get as far as the router, and no farther.
unanswered() {
	local before

	rx_packets "$NS_R" rs
	before=$RX
	must c timeout 300
	if ask c ping 2; then fail "$1"; fi
	must c timeout 5000
	rx_packets "$NS_R" rs
	[ "$RX" -gt "$before" ] || fail "the server has not answered: the test proves nothing"
}

# The same connection from another tunnel: not taken for this one's. The server's answers
# come with a source address that no tunnel of the router has.
another_tunnel() {
	behind_tunnel ipip
	rules_listing "rc, rs"
	carries udp
	in_s nft -f - <<-END || skip "no egress hook"
		table netdev move {
			chain out { type filter hook egress device s0 priority 0; ip protocol 4 ip saddr set 198.51.100.77; }
		}
	END
	at_end 'in_s nft flush ruleset'
	unanswered "an answer of another tunnel arrived"
	in_s nft delete table netdev move
	settle c
	tunnel_gone
}
run_case "another tunnel's packets are not taken for this one's" another_tunnel

# The server's tunnel sends another key than the one that the router's tunnel takes.
another_key() {
	behind_tunnel grekey
	rules_listing "rc, rs"
	carries udp
	ip -n "$NS_S" link set tun0 type gre ikey 77 okey 78 local "$S4" remote "$RS4"
	unanswered "an answer with another key arrived"
	ip -n "$NS_S" link set tun0 type gre key 77 local "$S4" remote "$RS4"
	settle c
	tunnel_gone
}
run_case "packets with another key are not taken for the tunnel's" another_key

# A plain packet with the addresses of a connection in the tunnel is not taken for one of its own.
bare_packets() {
	behind_tunnel gre
	rules_listing "rc, rs"
	carries udp
	ip -n "$NS_S" route replace 192.0.2.0/24 via "$RS4" dev s0 src "$V4S"
	# The first one is noticed; then the direction is learned anew.
	slow 1 c ping 5
	ip -n "$NS_S" route replace 192.0.2.0/24 dev tun0 src "$V4S"
	settle c
	tunnel_gone
}
run_case "packets beside the tunnel are learned anew" bare_packets

# ECN, RFC 6040: what the outer header says of congestion reaches the inner one.
congested() {
	local hits

	behind_tunnel ipip
	rules_listing "rc, rs"
	carries udp
	in_s nft -f - <<-END
		table ip ce {
			chain out {
				type filter hook output priority mangle;
				ip protocol 4 ip ecn set ce
				udp sport 5000 ip ecn set ect0
			}
		}
	END
	in_c nft -f - <<-END
		table ip ce {
			counter ce { }
			chain in {
				type filter hook input priority 0;
				udp dport $PORT ip ecn ce counter name ce
			}
		}
	END
	fast c ping 20
	counter ce "$NS_C" ip ce
	hits=$PACKETS
	in_s nft delete table ip ce
	in_c nft delete table ip ce
	[ "$hits" -ge 20 ] || fail "congestion is shown by $hits of 20 packets"
	tunnel_gone
}
run_case "congestion shown by the outer header" congested

# A path MTU below the tunnel's: the client learns it, as on the classic path.
narrow() {
	behind_tunnel ipip
	ip -n "$NS_R" link set tun0 mtu 1480
	ip -n "$NS_R" route add "$S4/32" dev rs mtu 1300
	rules_listing "rc, rs"
	address_of tcp
	client c tcp 5000 "$TO"
	promote c tcp "$PORT"
	must c bulk 300000
	settle c
	fast c bulk 300000
	ip -n "$NS_R" route del "$S4/32" dev rs
	tunnel_gone
}
run_case "a path MTU below that of the tunnel" narrow

# Fragments of the outer packets.
outer_fragments() {
	behind_tunnel gre
	ip -n "$NS_S" link set tun0 type gre local "$S4" remote "$RS4" nopmtudisc ignore-df 2>/dev/null ||
		skip "this ip cannot let a tunnel cut packets up"
	ip -n "$NS_S" link set tun0 mtu 1500
	rules_listing "rc, rs"
	carries udp
	must c ping 3 1460
	fast c ping 5
	tunnel_gone
}
run_case "fragments of a tunnel's packets" outer_fragments

# A filter on the tunnel's device is not passed.
filtered() {
	behind_tunnel ipip
	rules_listing "rc, rs"
	carries udp
	in_r nft -f - <<-END
		table netdev filtering {
			chain in {
				type filter hook ingress device tun0 priority 0;
				udp sport 5000 drop
			}
		}
	END
	must c timeout 300
	if ask c ping 2; then fail "packets pass a filter on the tunnel's device"; fi
	in_r nft delete table netdev filtering
	must c timeout 5000
	settle c
	tunnel_gone
}
run_case "a filter on the tunnel's device" filtered

# The tunnel goes down and up, and for good.
tunnel_down() {
	behind_tunnel ipip
	rules_listing "rc, rs"
	carries udp
	local port=$PORT

	ip -n "$NS_R" link set tun0 down
	wait_for 5 no_offload_flag udp "$port" || fail "flows outlive their tunnel: $CT"
	ip -n "$NS_R" link set tun0 up
	wait_for 10 ask c ping 1 || fail "not back: $ANSWER"
	promote c udp "$port"
	fast c ping 5
	ip -n "$NS_R" link del tun0
	wait_for 5 no_offload_flag udp "$port" || fail "flows outlive their tunnel: $CT"
	tunnel_gone
}
run_case "the tunnel goes down, up, and away" tunnel_down

# not_carried - all packets take the slow path, for the reason that a device is not listed.
not_carried() {
	local before

	reason_count dev-not-in-table
	before=$REASON
	address_of udp
	client c udp 5000 "$TO"
	slow 20 c ping 10
	reason_count dev-not-in-table
	[ "$REASON" -gt "$before" ] || fail "the reason is not counted"
	no_offload_flag udp "$PORT" || fail "one direction is carried: $CT"
	tunnel_gone
}

# The device below is not listed: nothing is carried, for a reason.
not_listed() {
	behind_tunnel ipip
	rules_listing "rc"
	not_carried
}

# A VXLAN device may be linked to the device below, which does not know its packets either.
linked() {
	behind_tunnel vxlan
	ip -n "$NS_R" link del tun0
	ip -n "$NS_R" -batch - <<-END
		link add tun0 mtu 1450 type vxlan id 77 dstport 4789 local $RS4 remote $S4 dev rs
		link set tun0 up
		addr add $V4R/30 dev tun0
	END
	rules_listing "rc, rs"
	not_carried
}
[ "${NFO_PROVIDER:-}" = mainline ] || run_case "neither the tunnel nor the device below is listed" not_listed
[ "${NFO_PROVIDER:-}" = mainline ] || run_case "the device below a VXLAN device is listed" linked

# A header with a checksum differs from packet to packet: what comes in is not recognized, so what goes
# out is not carried either, or conntrack would see one side alone.
summed() {
	behind_tunnel grecsum
	rules_listing "rc, rs"
	not_carried
}
[ "${NFO_PROVIDER:-}" = mainline ] || run_case "the device below a GRE tunnel with checksums is listed" summed

all_done
