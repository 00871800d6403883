#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# Devices that packets pass unseen count what the classic path would have had them count.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"

modprobe -q -a bridge macvlan || true
topo_up
echo_up

# received DEVICE - its counters, in RX and RX_BYTES.
received() {
	read -r RX_BYTES RX < <(ip -n "$NS_R" -s -j link show "$1" |
		sed -nE 's/.*"rx":\{"bytes":([0-9]+),"packets":([0-9]+).*/\1 \2/p')
}

# amounts DEVICE... - what 300 echoes add to each one's counters, in AMOUNTS.
amounts() {
	local dev
	local -A packets=() bytes=()

	# The counters of the last half second move with the next packet after it.
	must c ping 3
	pass_time 1
	must c ping 1 400
	for dev; do
		received "$dev"
		packets[$dev]=$RX bytes[$dev]=$RX_BYTES
	done
	must c ping 300 400
	pass_time 1
	must c ping 1 400
	AMOUNTS=''
	for dev; do
		received "$dev"
		AMOUNTS+="$dev $((RX - packets[$dev])) $((RX_BYTES - bytes[$dev])) "
	done
}

# near A B MORE - within one in a hundred and MORE.
near() { [ $(($1 - $2)) -le $(($2 / 100 + $3)) ] && [ $(($2 - $1)) -le $(($2 / 100 + $3)) ]; }

# compare DEVICE... - the classic path's amounts are those of the fast path.
compare() {
	local -a classic fast
	local i

	address_of udp
	client c udp 5000 "${TO:-$S4}"
	amounts "$@"
	read -ra classic <<<"$AMOUNTS"
	rules_std
	promote c udp "$PORT"
	fast c ping 5
	amounts "$@"
	read -ra fast <<<"$AMOUNTS"
	rules_flush
	for ((i = 0; i < ${#classic[@]}; i += 3)); do
		[ "${classic[i + 1]}" -ge 300 ] || fail "the classic path counts ${classic[*]}"
		near "${fast[i + 1]}" "${classic[i + 1]}" 3 ||
			fail "${classic[i]}: ${fast[i + 1]} packets, classic ${classic[i + 1]}"
		near "${fast[i + 2]}" "${classic[i + 2]}" 1500 ||
			fail "${classic[i]}: ${fast[i + 2]} bytes, classic ${classic[i + 2]}"
	done
}

vlans() {
	behind_vlans 802.1q:10
	compare rs.10
	stack_gone
}
run_case "a VLAN device" vlans

two_vlans() {
	behind_vlans 802.1ad:10 802.1q:20
	compare rs.10.20 rs.10
	stack_gone
}
run_case "two VLAN devices above each other" two_vlans

in_pppoe() {
	behind_pppoe 10
	# PPP keeps its counters to itself in older kernels.
	if [ "$(uname -r | cut -d. -f1)" -ge 7 ]; then
		compare ppp0 rs.10
	else
		compare rs.10
	fi
	stack_gone
}
run_case "PPPoE in a VLAN" in_pppoe

tunnel() {
	behind_tunnel "$1"
	[ "$1" != sit ] || skip "no IPv4 in it"
	compare tun0
	tunnel_gone
}
run_case "IPIP" tunnel ipip
run_case "GRE with a key" tunnel grekey
run_case "4in6" tunnel ip6tnl

tunnel_in_vlan() {
	behind_vlans 802.1q:10
	RS4=$V4R S4=$V4S behind_tunnel ipip
	compare tun0 rs.10
	tunnel_gone
	stack_gone
}
run_case "IPIP over a VLAN" tunnel_in_vlan

# above_rs_gone DEVICE - and rs has its addresses again.
above_rs_gone() {
	ip -n "$NS_R" link del "$1"
	# A team closes the ports that it loses.
	ip -n "$NS_R" -batch - <<-END
		link set rs up
		addr add $RS4/24 dev rs
		addr replace $RS6/64 dev rs nodad
	END
}

bridge() {
	tunnel_gone
	stack_gone
	V4S=$S4 V6S=$S6
	ip -n "$NS_R" -batch - <<-END || skip "no bridge"
		link add br0 type bridge
		addr flush dev rs
		link set rs master br0
		addr add $RS4/24 dev br0
		link set br0 up
	END
	links_ready "$NS_R" rs "$NS_R" br0
	compare br0
	above_rs_gone br0
}
run_case "a bridge" bridge

macvlan() {
	tunnel_gone
	stack_gone
	V4S=$S4 V6S=$S6
	ip -n "$NS_R" -batch - <<-END || skip "no macvlan"
		link add link rs name mv0 type macvlan mode bridge
		addr flush dev rs
		addr add $RS4/24 dev mv0
		link set mv0 up
	END
	ip -n "$NS_S" neigh flush dev s0
	compare mv0
	above_rs_gone mv0
	ip -n "$NS_S" neigh flush dev s0
}
run_case "a macvlan device" macvlan

# enslave DEVICE - rc and rs join it.
enslave() {
	ip -n "$NS_R" -batch - <<-END
		link set $1 up
		link set rc master $1
		link set rs master $1
		addr replace $RC6/64 dev rc nodad
		addr replace $RS6/64 dev rs nodad
	END
}

freed() {
	ip -n "$NS_R" -batch - <<-END
		link set rc nomaster
		link set rs nomaster
		link del $1
		addr replace $RC6/64 dev rc nodad
		addr replace $RS6/64 dev rs nodad
	END
}

# A VRF keeps its counters to itself before 6.7.
vrf() {
	tunnel_gone
	stack_gone
	V4S=$S4 V6S=$S6
	[ "$(uname -r | cut -d. -f1)" -ge 7 ] || [[ $(uname -r) == 6.12.* ]] || skip "its counters are its own"
	modprobe -q vrf && ip -n "$NS_R" link add vrf0 type vrf table 100 || skip "no VRF"
	enslave vrf0
	compare vrf0
	freed vrf0
}
run_case "a VRF" vrf

team() {
	tunnel_gone
	stack_gone
	V4S=$S4 V6S=$S6
	command -v teamnl >/dev/null || skip "no teamnl"
	modprobe -q team_mode_roundrobin && ip -n "$NS_R" link add team0 type team || skip "no team"
	# Without a mode, which no link attribute gives, it drops all.
	in_r teamnl team0 setoption mode roundrobin
	ip -n "$NS_R" -batch - <<-END
		link set rs down
		addr flush dev rs
		link set rs master team0
		link set rs up
		addr add $RS4/24 dev team0
		link set team0 up
	END
	links_ready "$NS_R" rs "$NS_R" team0
	ip -n "$NS_S" neigh flush dev s0
	compare team0
	above_rs_gone team0
	ip -n "$NS_S" neigh flush dev s0
}
run_case "a team" team

# With the setting at 0 no device that is passed counts.
no_counters() {
	local -a fast

	ours_only "it has no settings"
	behind_vlans 802.1q:10
	in_r "$NFO_TOOLS/nft-offload" set dev_counters 0 >/dev/null
	rules_std
	client c udp 5000 "$V4S"
	promote c udp "$PORT"
	fast c ping 5
	amounts rs.10
	read -ra fast <<<"$AMOUNTS"
	in_r "$NFO_TOOLS/nft-offload" set dev_counters 1 >/dev/null
	[ "${fast[1]}" -le 10 ] || fail "rs.10 counts ${fast[1]} packets"
	stack_gone
}
run_case "the setting dev_counters" no_counters

all_done
