#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life compat
# What a bridge port lets in changes under live connections: its VLANs, its state, which stations
# may use it. The port is listed, so packets of a flow pass the bridge unseen.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"
# shellcheck source=../lib-bridge.sh
. "$(dirname "$0")/../lib-bridge.sh"
need bridge

modprobe -q -a bridge 8021q || true
topo_up
echo_up

bridge_r() { in_r bridge "$@"; }

vlan_bridge

# What gets as far as the server; its answers may be lost for another reason.
arrivals_watch "$NS_S" s0

port_state() { bridge_r link set dev rc state "$1"; }
# A bridge before 5.16 takes `locked` without a word and does nothing.
port_locked() {
	bridge_r link set dev rc locked "$1" learning "$2" || return
	[[ $(bridge_r -d link show dev rc) == *"locked $1"* ]] || return
	bridge_r fdb replace "$(mac_of "$NS_C" c0)" dev rc master static
}

# shut PATH PROTO SHUT OPEN [ONCE] - after SHUT no packet passes, after OPEN the connection goes on;
# ONCE is done first, and stops nothing.
shut() {
	local path=$1 proto=$2 shut=$3 open=$4 once=${5:-true} before

	rules_for "$path"
	connect_for "$path" c "$proto"
	$once || skip "bridge does not know: $once"
	must c ping 10
	must c timeout 200
	$shut || skip "bridge does not know: $shut"
	arrived "$NS_S"
	before=$PACKETS
	for _ in 1 2 3 4; do
		ask c ping 1 || true
	done
	arrived "$NS_S"
	$open
	equal $((PACKETS - before)) 0 "packets of 4 at the server after: $shut"
	must c timeout 5000
	wait_for 20 ask c ping 1 || fail "nothing passes after: $open"
	[ "$path" = classic ] || promote c "$proto" "$PORT"
}
SHUT_VLAN="bridge_r vlan del dev rc vid 10" OPEN_VLAN="bridge_r vlan add dev rc vid 10 pvid untagged"
on_both_paths "udp, the port leaves the VLAN" shut udp "$SHUT_VLAN" "$OPEN_VLAN"
on_both_paths "udp6, the port leaves the VLAN" shut udp6 "$SHUT_VLAN" "$OPEN_VLAN"
on_both_paths "udp, the port is put into another VLAN" shut udp "bridge_r vlan add dev rc vid 20 pvid untagged" "$OPEN_VLAN"
on_both_paths "udp, the router leaves the VLAN" shut udp "bridge_r vlan del dev br0 vid 10 self" "bridge_r vlan add dev br0 vid 10 self"
on_both_paths "udp, the port is disabled" shut udp "port_state 0" "port_state 3"
on_both_paths "udp, the VLAN is blocked at the port" shut udp "bridge_r vlan set dev rc vid 10 state blocking" \
	"bridge_r vlan set dev rc vid 10 state forwarding"
on_both_paths "udp, a station loses its place at a locked port" shut udp "bridge_r fdb del $(mac_of "$NS_C" c0) dev rc master" \
	"bridge_r fdb replace $(mac_of "$NS_C" c0) dev rc master static" "port_locked on off"

all_done
