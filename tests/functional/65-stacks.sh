#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core compat
# Device stacks: the flowtable lists the Ethernet device below, connections go over
# VLAN devices, two of them above each other, or PPPoE.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"

topo_up
echo_up

# Reached, bulk data intact, none of it seen by the forward chain in either direction.
carries() {
	local proto=$1

	address_of "$proto"
	client c "$proto" 5000 "$TO"
	promote c "$proto" "$PORT"
	hops_watch
	fast c ping 20
	fast c ping 4 1300
	hops_right 24
	[ "${proto%6}" = tcp ] || return 0
	# The first stream finds the path's MTU.
	must c bulk 100000
	fast c bulk 300000
}

# vlans PROTO "TAG..." [RULES]
vlans() {
	# shellcheck disable=SC2086 # a list
	behind_vlans $2
	rules_std "counter;"
	[ -z "${3:-}" ] || in_r nft -f - <<<"$3"
	carries "$1"
	stack_gone
}

# 5.10 does not tell what is below a PPP device.
tells_ppp() { [ "${NFO_KERNEL:-}" != 5.10 ]; }

# Nothing goes fast, and the reason has a name.
unseen() {
	local before

	reason_count dev-not-in-table
	before=$REASON
	address_of "$1"
	client c "$1" 5000 "$TO"
	slow 10 c ping 10
	reason_count dev-not-in-table
	[ "$REASON" -gt "$before" ] || fail "the reason is not counted"
}

pppoe() {
	# shellcheck disable=SC2086 # a list
	behind_pppoe ${2:-}
	rules_std "counter;"
	if tells_ppp; then carries "$1"; else unseen "$1"; fi
	stack_gone
}

# session_gro PROTO [TAG...] - newer kernels put segments in a session together as they come in.
session_gro() {
	in_s ethtool -K s0 tso off gso off
	in_r ethtool -K rs gro on || skip "ethtool -K gro"
	pppoe "$1" "${*:2}"
	in_r ethtool -K rs gro off
	in_s ethtool -K s0 tso on gso on
}

NAT="table inet nat { chain post { type nat hook postrouting priority 100; iifname rc masquerade; }; }"

run_case "VLAN, udp" vlans udp 802.1q:10
run_case "VLAN, tcp" vlans tcp 802.1q:10
run_case "VLAN, tcp6" vlans tcp6 802.1q:10
run_case "VLAN, masquerade, tcp" vlans tcp 802.1q:10 "$NAT"
run_case "802.1ad, udp6" vlans udp6 802.1ad:10
run_case "two tags, tcp" vlans tcp "802.1ad:10 802.1q:20"
run_case "two tags, udp6" vlans udp6 "802.1q:10 802.1q:20"
run_case "PPPoE, udp" pppoe udp
run_case "PPPoE, tcp" pppoe tcp
run_case "PPPoE, tcp6" pppoe tcp6
run_case "PPPoE in a VLAN, tcp" pppoe tcp 10
run_case "PPPoE, segments put together, tcp" session_gro tcp
run_case "PPPoE in a VLAN, segments put together, tcp6" session_gro tcp6 10
run_case "PPPoE in two VLANs, tcp" pppoe tcp "10 20"
run_case "PPPoE in two VLANs, udp6" pppoe udp6 "10 20"

# Frames with a priority and no VLAN, on the way back.
priority_tagged() {
	rules_std
	ip -n "$NS_S" link add link s0 name s0.0 type vlan id 0 egress-qos-map 0:5
	ip -n "$NS_S" link set s0.0 up
	ip -n "$NS_S" neigh replace $RS4 lladdr "$(mac_of "$NS_R" rs)" dev s0.0 nud permanent
	ip -n "$NS_S" route replace 192.0.2.0/24 via $RS4 dev s0.0 onlink src $S4
	V4S=$S4 V6S=$S6
	carries "$1"
	ip -n "$NS_S" route del 192.0.2.0/24
	# The same connection without a tag.
	settle c
	fast c ping 5
	stack_gone
}
run_case "frames tagged with a priority, udp" priority_tagged udp
run_case "frames tagged with a priority, tcp" priority_tagged tcp

# Tags on both sides, another on each.
both_sides() {
	behind_vlans 802.1q:10
	ip -n "$NS_R" link add link rc name rc.30 type vlan id 30
	ip -n "$NS_C" link add link c0 name c0.30 type vlan id 30
	ip -n "$NS_R" -batch - <<-END
		link set rc.30 up
		addr add 198.18.1.1/24 dev rc.30
	END
	ip -n "$NS_C" -batch - <<-END
		link set c0.30 up
		addr add 198.18.1.2/24 dev c0.30
		route add $V4S via 198.18.1.1
	END
	ip -n "$NS_S" route add 198.18.1.0/24 via $V4R
	rules_std "counter;"
	next_port
	peer_start c "$NS_C" client tcp 198.18.1.2 "$PORT" "$V4S" 5000 || fail "$ANSWER"
	promote c tcp "$PORT"
	fast c ping 20
	fast c bulk 200000
	ip -n "$NS_C" link del c0.30
	stack_gone
}
run_case "tags on both sides" both_sides

# listed DEVICES PROTO - with the VLAN device among the listed ones.
listed() {
	behind_vlans 802.1q:10
	rules_listing "$1"
	carries "$2"
	rules_flush
	stack_gone
}
# The lower one sees the frames.
run_case "lower and upper device listed" listed "rc, rs, rs.10" tcp
run_case "only the upper device listed" listed "rc, rs.10" udp

# The PPP device itself, where the frames have no header any more.
ppp_listed() {
	behind_pppoe
	rules_listing "rc, ppp0"
	carries "$1"
	rules_flush
	stack_gone
}
run_case "only the PPP device listed, udp" ppp_listed udp
run_case "only the PPP device listed, tcp6" ppp_listed tcp6

# The tool names the device routing knows, and finds the flow by either.
seen_by_tool() {
	local tool=$NFO_TOOLS/nft-offload out

	behind_vlans 802.1q:10
	rules_std
	carries udp
	for dev in rs rs.10; do
		out=$(in_r "$tool" list -j -d "$dev")
		[[ $out == *'"oif": "rs.10"'* || $out == *'"oif":"rs.10"'* ]] || fail "list -d $dev: $out"
	done
	out=$(in_r "$tool" explain udp "$C4:$PORT" "$V4S:5000") || fail "explain: $out"
	[[ $out == *"software fast path carries it"* ]] || fail "explain, carried: $out"
	in_r "$tool" set promote_after 100000
	in_r "$tool" flush -P "$PORT" || fail "flush"
	wait_for 5 no_offload_flag udp "$PORT" || fail "not flushed: $CT"
	out=$(in_r "$tool" explain udp "$C4:$PORT" "$V4S:5000") || true
	[[ $out == *"rs.10 is above rs"* ]] || fail "explain, not carried: $out"
	in_r "$tool" set promote_after 0
	stack_gone
}
if [ "${NFO_PROVIDER:-}" != mainline ]; then
	run_case "the tool on a tagged flow" seen_by_tool
fi

# The same tuple under another tag is another connection's: not taken for this one's.
another_tag() {
	local port

	behind_vlans 802.1q:10
	rules_std
	carries udp
	port=$PORT
	ip -n "$NS_S" link add link s0 name s0.11 type vlan id 11
	ip -n "$NS_S" link set s0.11 address "$(mac_of "$NS_S" s0.10)" up
	in_s nft -f - 2>/dev/null <<-END || { stack_gone; skip "no egress hook"; }
		table netdev move {
			counter moved { }
			chain out {
				type filter hook egress device s0.10 priority 0;
				udp dport $port counter name moved fwd to s0.11
			}
		}
	END
	must c timeout 300
	if ask c ping 1; then fail "an answer under the wrong tag arrived"; fi
	counter moved "$NS_S" netdev move
	[ "$PACKETS" -gt 0 ] || fail "no answer was sent under the wrong tag"
	in_s nft delete table netdev move
	settle c
	fast c ping 5
	stack_gone
}
run_case "another tag is another connection" another_tag

# An ingress-qos-map makes the VLAN device more than a tag: what comes in by it stays
# slow, and the reason has a name.
qos_map() {
	behind_vlans 802.1q:10
	ip -n "$NS_R" link set rs.10 type vlan ingress-qos-map 3:5
	rules_std
	reason_count dev-stack
	local before=$REASON

	address_of udp
	client c udp 5000 "$TO"
	slow 10 c ping 10
	slow 10 c ping 10
	reason_count dev-stack
	[ "$REASON" -gt "$before" ] || fail "the reason is not counted"
	stack_gone
}
if [ "${NFO_PROVIDER:-}" != mainline ]; then
	run_case "a VLAN device with an ingress-qos-map is not seen through" qos_map
fi

# Other frames on the lower device keep reaching the devices above: TTL 1, fragments.
exceptions() {
	behind_vlans 802.1q:10
	rules_std
	carries udp
	# Larger than the device takes: cut up, put together again, by the classic path.
	slow 2 c ping 2 3000
	fast c ping 5
	stack_gone
}
run_case "fragments under a tag" exceptions

# narrow STACK [TAG...] - answers that come in by the stack are larger than the route to the client
# takes: the server hears of it, and the flow stays.
narrow() {
	"behind_$1" "${@:2}"
	rules_std
	ip -n "$NS_R" route add "$C4/32" dev rc mtu 1300
	at_end "ip -n $NS_R route del $C4/32 dev rc; ip -n $NS_S route flush cache"
	address_of udp
	client c udp 5000 "$TO"
	promote c udp "$PORT"
	fast c ping 5 1200
	must c timeout 500
	! ask c ping 1 1400 || fail "an answer of 1400 bytes passed a route of 1300"
	[[ $(ip -n "$NS_S" route get "$C4") == *"mtu 1300"* ]] || fail "the server was not told: $(ip -n "$NS_S" route get "$C4")"
	must c timeout 5000
	fast c ping 5 1200
	stack_gone
}
run_case "VLAN, answers larger than the route takes" narrow vlans 802.1q:10
if tells_ppp; then
	run_case "PPPoE, answers larger than the route takes" narrow pppoe
fi

# The upper device goes: flows end, the connection lives on when it is back.
upper_down() {
	behind_vlans 802.1q:10
	rules_std
	carries udp
	local port=$PORT

	ip -n "$NS_R" link set rs.10 down
	wait_for 5 no_offload_flag udp "$port" || fail "flows outlive their device: $CT"
	ip -n "$NS_R" link set rs.10 up
	ip -n "$NS_R" addr replace $V6R/64 dev rs.10 nodad
	wait_for 10 ask c ping 1 || fail "not back: $ANSWER"
	promote c udp "$port"
	fast c ping 5
	stack_gone
}
run_case "the upper device goes down and up" upper_down

# And for good, with traffic.
upper_deleted() {
	behind_vlans 802.1q:10
	rules_std
	carries tcp
	ip -n "$NS_R" link del rs.10
	wait_for 5 no_offload_flag tcp "$PORT" || fail "flows outlive their device: $CT"
	stack_gone
}
run_case "the upper device is deleted" upper_deleted

# A new session under the same device: the old one's flows end.
new_session() {
	local port

	tells_ppp || skip "this kernel does not tell what is below a PPP device"
	behind_pppoe
	rules_std
	carries udp
	port=$PORT
	peer_stop pr
	wait_for 5 no_offload_flag udp "$port" || fail "flows outlive their session: $CT"
	stack_gone
}
run_case "the PPPoE session ends" new_session

all_done
