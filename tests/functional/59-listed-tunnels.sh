#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# Tunnels whose device is listed in the flowtable, tunnels that pass through the router, and
# what is not carried when the device below is listed.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"

topo_up
echo_up

NAT="table inet nat { chain post { type nat hook postrouting priority 100; iifname rc masquerade; }; }"

# all_fast PEER COMMAND... - as fast, within a few tries: the ends of a tunnel have packets of
# their own (ARP, neighbour discovery), and a device that came up is told of a second later.
all_fast() { wait_for 15 is_fast "$@" || fail "$*: the slow path sees packets each time"; }

# listed KIND PROTO [RULES] - the tunnel's device is listed, the one below is not: echoes and
# a stream come back, none of it is seen by the forward chain.
listed() {
	behind_tunnel "$1"
	rules_listing "rc, tun0"
	[ -z "${3:-}" ] || in_r nft -f - <<<"$3"
	address_of "$2"
	client c "$2" 5000 "$TO"
	promote c "$2" "$PORT"
	settle c
	all_fast c ping 50
	all_fast c ping 4 1200
	if [ "${2%6}" = tcp ]; then
		must c bulk 100000
		settle c
		all_fast c bulk 300000
	fi
	tunnel_gone
}
for kind in gretap vxlan geneve tun wireguard ip6gre; do
	run_case "$kind listed, udp" listed $kind udp
	run_case "$kind listed, tcp6" listed $kind tcp6
	run_case "$kind listed, tcp, NAT" listed $kind tcp "$NAT"
done

# A VXLAN that takes more than the path to its other end does: its packets are cut up until the
# sender knows the path's MTU.
wide() {
	behind_tunnel vxlan
	ip -n "$NS_R" link set tun0 mtu 1500
	ip -n "$NS_S" link set tun0 mtu 1500
	rules_listing "rc, tun0"
	address_of "$1"
	client c "$1" 5000 "$TO"
	promote c "$1" "$PORT"
	must c bulk 300000
	all_fast c bulk 300000
	all_fast c ping 50
	tunnel_gone
}
run_case "vxlan wider than its path, tcp" wide tcp
run_case "vxlan wider than its path, tcp6" wide tcp6

# below KIND - only the port below is listed: the connection is declined for a reason, and
# works.
below() {
	local before

	behind_tunnel "$1"
	rules_listing "rc, rs"
	reason_count dev-not-in-table
	before=$REASON
	address_of udp
	client c udp 5000 "$TO"
	slow 20 c ping 10
	reason_count dev-not-in-table
	[ "$REASON" -gt "$before" ] || fail "the reason is not counted"
	no_offload_flag udp "$PORT" || fail "offloaded: $CT"
	tunnel_gone
}
for kind in gretap vxlan geneve tun wireguard; do
	run_case "the device below $kind listed" below $kind
done

# carried KIND - the ends of the tunnel are client and server: the router forwards UDP, whose
# checksum is zero, and whose ports differ between the two directions.
carried() {
	modprobe -q "$1" || true
	ip -n "$NS_C" link add "$1"0 type "$1" id 7 remote $S4 dstport 4790 2>/dev/null || skip "no $1"
	ip -n "$NS_S" link add "$1"0 type "$1" id 7 remote $C4 dstport 4790
	ip -n "$NS_C" -batch - <<-END
		addr add 203.0.113.33/30 dev ${1}0
		link set ${1}0 up
	END
	ip -n "$NS_S" -batch - <<-END
		addr add 203.0.113.34/30 dev ${1}0
		link set ${1}0 up
	END
	rules_listing "rc, rs"
	next_port
	peer_start c "$NS_C" client tcp 203.0.113.33 "$PORT" 203.0.113.34 5000 || fail "client: $ANSWER"
	wait_for 10 is_fast c ping 3 || fail "not fast: $ANSWER"
	all_fast c ping 50
	must c bulk 100000
	wait_for 10 is_fast c ping 3 || fail "not fast: $ANSWER"
	all_fast c bulk 300000
	ip -n "$NS_C" link del "$1"0
	ip -n "$NS_S" link del "$1"0
}
run_case "VXLAN passes through" carried vxlan
run_case "Geneve passes through" carried geneve

all_done
