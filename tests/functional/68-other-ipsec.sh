#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life compat stock
# IPsec as devices: xfrm interfaces and VTI, and tunnels whose own packets a policy encrypts. Each is
# carried in both directions, or stays slow for a reason that has a name.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"
# shellcheck source=../lib-roads.sh
. "$(dirname "$0")/../lib-roads.sh"

modprobe -q -a ip_gre ipip ip6_tunnel ip_vti ip6_vti xfrm_interface xfrm_user esp4 esp6 vrf || true
topo_up
echo_up
tunnel_names

KEYS="auth hmac(sha1) 0x0123456789012345678901234567890123456789 enc cbc(aes) 0x00112233445566778899aabbccddeeff"

# states MODE R S [WORD...] - between these addresses of rs and s0, on both sides.
states() {
	local mode=$1 r=$2 s=$3 ns
	shift 3

	for ns in "$NS_R" "$NS_S"; do
		ip -n "$ns" -batch - <<-END || skip "no xfrm"
			xfrm state add src $r dst $s proto esp spi 0x100 mode $mode $* $KEYS
			xfrm state add src $s dst $r proto esp spi 0x101 mode $mode $* $KEYS
		END
	done
}

# policies OWN PEER NAMESPACE DIRECTIONS [WORD...] - of everything, both families.
policies() {
	local own=$1 peer=$2 ns=$3 dirs=$4 dir any from to
	shift 4

	for any in 0.0.0.0/0 ::/0; do
		for dir in $dirs; do
			from=$peer to=$own
			[ "$dir" != out ] || { from=$own to=$peer; }
			echo "xfrm policy add dir $dir src $any dst $any $* tmpl src $from dst $to proto esp mode tunnel"
		done
	done | ip -n "$ns" -batch -
}

# xfrm_up R S DIRECTIONS - an xfrm interface on both sides, with these policies on the router's.
xfrm_up() {
	ip -n "$NS_R" link add tun0 type xfrm dev rs if_id 42 2>/dev/null || skip "no xfrm interfaces"
	ip -n "$NS_S" link add tun0 type xfrm dev s0 if_id 42
	states tunnel "$1" "$2" if_id 42 flag af-unspec
	policies "$1" "$2" "$NS_R" "$3" if_id 42
	policies "$2" "$1" "$NS_S" "in out" if_id 42
	tunnel_ends
}
up_xfrm() { xfrm_up $RS4 $S4 "in out fwd"; }
up_xfrm6() { xfrm_up $RS6 $S6 "in out fwd"; }
# What is decrypted passes without a policy: the device asks for none.
up_xfrm_open() {
	xfrm_up $RS4 $S4 "in out"
	sysctl_r net/ipv4/conf/tun0/disable_policy 1
}
# The same in a VRF.
up_xfrm_vrf() {
	up_xfrm_open
	ip -n "$NS_R" link add top0 type vrf table 100 2>/dev/null || skip "this kernel has no VRF"
	ip -n "$NS_R" -batch - <<-END
		link set top0 up
		link set tun0 master top0
		link set rc master top0
		addr replace $RC6/64 dev rc nodad
		addr replace $V6R/64 dev tun0 nodad
	END
}
run_case "xfrm interface" road xfrm tun0 udp tcp udp6 tcp6 -- rs udp,dev-not-in-table tcp6,dev-not-in-table
run_case "xfrm interface over IPv6" road xfrm6 tun0 tcp udp6
run_case "xfrm interface without a policy for forwarding" road xfrm_open tun0 udp tcp
run_case "xfrm interface without a policy for forwarding, in a VRF" road xfrm_vrf tun0 tcp

# NAT of what was decrypted: answers stay slow.
xfrm_nat() {
	at_end down
	up_xfrm
	rules_listing "rc, tun0"
	in_r nft -f - <<<"$ROAD_NAT"
	declined "$1" decrypted 10
}
run_case "xfrm interface, masquerade, tcp" xfrm_nat tcp

# A policy that blocks what was decrypted stops a connection that is carried.
xfrm_blocks() {
	at_end down
	up_xfrm
	rules_listing "rc, tun0"
	carried "$1"
	ip -n "$NS_R" xfrm policy delete dir fwd src 0.0.0.0/0 dst 0.0.0.0/0 if_id 42
	ip -n "$NS_R" xfrm policy add dir fwd src 0.0.0.0/0 dst 0.0.0.0/0 if_id 42 action block
	must c timeout 300
	if ask c ping 2; then fail "decrypted packets pass a policy that blocks"; fi
}
run_case "xfrm interface, a policy that blocks" xfrm_blocks udp

# VTI: the mark of the policies is the tunnel's key.
vti_up() {
	ip -n "$NS_R" link add tun0 type "$1" local "$2" remote "$3" key 42 2>/dev/null || skip "no $1"
	ip -n "$NS_S" link add tun0 type "$1" local "$3" remote "$2" key 42
	states tunnel "$2" "$3" flag af-unspec
	policies "$2" "$3" "$NS_R" "in out" mark 42
	policies "$3" "$2" "$NS_S" "in out" mark 42
	tunnel_ends
}
up_vti() { vti_up vti $RS4 $S4; }
up_vti6() { vti_up vti6 $RS6 $S6; }
run_case "VTI" road vti tun0 udp tcp6 tcp,nat -- rs udp,dev-not-in-table
run_case "VTI6" road vti6 tun0 udp tcp6 -- rs tcp6,dev-not-in-table

# GRE or IPIP whose own packets a policy encrypts: the port sees ESP.
esp_up() {
	local mode=$1 proto=$2 ns own=$RS4 peer=$S4

	states "$mode" $RS4 $S4
	for ns in "$NS_R" "$NS_S"; do
		ip -n "$ns" -batch - <<-END
			xfrm policy add dir out src $own dst $peer proto $proto tmpl src $own dst $peer proto esp mode $mode
			xfrm policy add dir in src $peer dst $own proto $proto tmpl src $peer dst $own proto esp mode $mode
		END
		own=$S4 peer=$RS4
	done
}
up_gre_esp() { behind_tunnel gre; esp_up transport gre; }
up_gre_esp_tunnel() { behind_tunnel gre; esp_up tunnel gre; }
up_ipip_esp() { behind_tunnel ipip; esp_up transport 4; }
run_case "GRE under IPsec" road gre_esp tun0 udp tcp6 tcp,nat -- rs udp,dev-not-in-table tcp6,dev-not-in-table
run_case "GRE in an ESP tunnel" road gre_esp_tunnel tun0 udp -- rs udp,dev-not-in-table tcp6,dev-not-in-table
run_case "IPIP under IPsec" road ipip_esp tun0 tcp -- rs tcp,dev-not-in-table

# The policy comes under a live connection, and goes.
all_slow() { seen_slow ask c ping 10 && [ "$SLOW" -ge 20 ]; }
policy_comes() {
	at_end down
	behind_tunnel gre
	rules_listing "rc, rs"
	carried udp
	esp_up transport gre
	wait_for 10 ask c ping 1 || fail "nothing passes under IPsec: $ANSWER"
	wait_for 5 all_slow || fail "packets are carried while the port sees ESP: $SLOW of 20 are not"
	for ns in "$NS_R" "$NS_S"; do ip -n "$ns" xfrm policy flush; done
	wait_for 10 ask c ping 1 || fail "nothing passes without IPsec: $ANSWER"
	promote c udp "$PORT"
	all_fast c ping 20
}
run_case "GRE comes under IPsec and leaves it" policy_comes

all_done
