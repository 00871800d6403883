#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life compat
# Packets that leave by a listed port of a bridge: the fast path hands them to the port, and to the
# bridge where something looks at what the bridge sends. The devices above count them in any case.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"
# shellcheck source=../lib-bridge.sh
. "$(dirname "$0")/../lib-bridge.sh"
need bridge tc

modprobe -q -a bridge 8021q dummy || true
topo_up
echo_up

ip -n "$NS_R" link add r2 type veth peer name c2 netns "$NS_C"
station_up

# bridge_up [untagged]
bridge_up() {
	bridge_of rc r2 "$@"
	links_ready "$NS_R" r2
}

counting() { in_r "$NFO_TOOLS/nft-offload" set dev_counters "$1" >/dev/null; }

# sent DEVICE - packets it has sent, in TX.
sent() {
	TX=$(ip -n "$NS_R" -s -j link show "$1" | sed -nE 's/.*"tx":\{"bytes":[0-9]+,"packets":([0-9]+).*/\1/p')
}

# With dev_counters off a bridge counts what it has sent itself, and nothing else.
# past_bridge PEER - how many of 40 packets in the fast path it has not sent, in PAST.
past_bridge() {
	local before

	PAST=
	sent br0
	before=$TX
	is_fast "$1" ping 40 || return 1
	sent br0
	PAST=$((40 - TX + before))
}
straight() { past_bridge "$1" && [ "$PAST" -ge 40 ]; }
by_bridge() { past_bridge "$1" && [ "$PAST" -le 0 ]; }

# up PROTO [untagged] - a connection whose packets to the client go straight to the port.
up() {
	bridge_up "${@:2}"
	rules_listing "rc, r2, rs"
	counting 0
	flow_up c "$1"
	wait_for 5 straight c || fail "$PAST of 40 packets pass the bridge by"
}

carries() {
	up "$@"
	fast c ping 4 1200
	[ "${1%6}" != tcp ] || fast c bulk 300000
}

counted() {
	local dev before=()

	up udp untagged
	counting 1
	fast c ping 3
	pass_time 1
	must c ping 1
	for dev in br0 br0.10; do
		sent $dev
		before+=("$TX")
	done
	fast c ping 200
	pass_time 1
	must c ping 1
	for dev in br0 br0.10; do
		sent $dev
		[ $((TX - before[0])) -ge 200 ] || fail "$dev counts $((TX - before[0])) of 200 packets"
		[ $((TX - before[0])) -le 210 ] || fail "$dev counts $((TX - before[0])) packets, 200 were sent"
		before=("${before[@]:1}")
	done
}

# looked_at BEGIN END - after BEGIN the bridge sends, after END it is passed by again.
looked_at() {
	up udp
	eval "$1" || skip "this kernel does not know: $1"
	wait_for 5 by_bridge c || fail "$PAST of 40 packets pass the bridge by after: $1"
	eval "$2"
	settle c
	wait_for 5 straight c || fail "$PAST of 40 packets pass the bridge by after: $2"
}
tap_on() {
	peer_run tap "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec tcpdump -l -n -q -i br0 "src host $S4"
	wait_for 20 tap_ready || fail "tcpdump: $ANSWER"
}
tap_ready() { peer_answer tap 5 || [[ $ANSWER == *"listening on"* ]]; }
hook_on() { in_r nft 'table netdev e { chain c { type filter hook egress device br0 priority 0; ip daddr 192.0.2.99 drop; }; }' 2>/dev/null; }

# disabled - by a port that is disabled nothing leaves, though the station is known there. (Without
# STP the kernel opens a port that is only blocked at once.)
disabled() {
	up udp
	inject_up i "$NS_S" s0 "$NS_R" rs
	arrivals_watch "$NS_C" c0
	arrive 5 || fail "$PACKETS of 5 packets arrive"
	bridge -n "$NS_R" link set dev rc state 0
	wait_for 5 arrive 0 || fail "$PACKETS of 5 packets leave by a disabled port"
	bridge -n "$NS_R" link set dev rc state 3
	wait_for 20 ask c ping 1 || fail "nothing passes after the port is open"
	settle c
	wait_for 5 straight c || fail "$PAST of 40 packets pass the bridge by"
}

# stays_known - a client that does not answer the router's questions any more.
stays_known() { ip -n "$NS_R" neigh replace "$C4" lladdr 02:00:00:00:00:01 dev br0.10 nud permanent; }

# vlan_blocked - in the VLAN alone the port, or the bridge itself, forwards nothing.
vlan_blocked() {
	local dev

	up udp untagged
	stays_known
	inject_up i "$NS_S" s0 "$NS_R" rs
	arrivals_watch "$NS_C" c0
	arrive 5 || fail "$PACKETS of 5 packets arrive"
	for dev in rc br0; do
		bridge -n "$NS_R" vlan set vid 10 state blocking dev $dev ||
			skip "VLANs have no states of their own in this kernel"
		wait_for 5 arrive 0 || fail "$PACKETS of 5 packets leave in a VLAN that $dev blocks"
		bridge -n "$NS_R" vlan set vid 10 state forwarding dev $dev
		wait_for 20 ask c ping 1 || fail "nothing passes after the VLAN is open"
	done
}

# tree_blocked - the port forwards nothing of the spanning tree that the VLAN is of, whatever the state
# of the port itself.
tree_blocked() {
	bridge_up untagged
	bridge -n "$NS_R" vlan del dev rc vid 1-10
	bridge -n "$NS_R" vlan del dev r2 vid 1-10
	mst on br0 || skip "no multiple spanning trees in this kernel, or no VLANs of these"
	vlans_of_ports add
	mst tree br0 10 7
	mst state rc 7 $FORWARDING
	wait_for 20 in_ns "$NS_C" ping -c 1 -W 1 "$RC4" >/dev/null || fail "the router is not there"
	rules_listing "rc, r2, rs"
	counting 0
	client c udp
	must c ping 12
	stays_known
	inject_up i "$NS_S" s0 "$NS_R" rs
	arrivals_watch "$NS_C" c0
	arrive 5 || fail "$PACKETS of 5 packets arrive"
	must c timeout 200
	mst state rc 7 $BLOCKING
	wait_for 5 arrive 0 || fail "$PACKETS of 5 packets leave by a port whose tree is blocked"
	! ask c ping 1 || fail "a packet comes in by a port whose tree is blocked"
	mst state rc 7 $FORWARDING
	must c timeout 5000
	wait_for 20 ask c ping 1 || fail "nothing passes after the tree is open"
}
FORWARDING=3 BLOCKING=4
mst() { "$NFO_TOOLS/nfo_mst" "$NS_R" "$@"; }
# Only a bridge whose ports have no VLANs gets trees.
vlans_of_ports() {
	local port

	for port in rc r2; do bridge -n "$NS_R" vlan "$1" dev $port vid 10 pvid untagged; done
}

# bridge_leaves - the bridge itself is no member of the VLAN any more: then it drops what the VLAN
# device above it sends.
bridge_leaves() {
	up udp untagged
	stays_known
	inject_up i "$NS_S" s0 "$NS_R" rs
	arrivals_watch "$NS_C" c0
	arrive 5 || fail "$PACKETS of 5 packets arrive"
	bridge -n "$NS_R" vlan del dev br0 vid 10 self
	wait_for 5 arrive 0 || fail "$PACKETS of 5 packets leave in a VLAN that the bridge is not in"
	bridge -n "$NS_R" vlan add dev br0 vid 10 self
	wait_for 20 ask c ping 1 || fail "nothing passes after the bridge is back"
	settle c
	wait_for 5 straight c || fail "$PAST of 40 packets pass the bridge by"
}
# arrive N - so many of 5 answers, which the client did not ask for, reach it.
arrive() {
	local before

	arrived "$NS_C"
	before=$PACKETS
	for _ in 1 2 3 4 5; do must i udp "$S4" 5000 "$C4" "$PORT" 64; done
	arrived "$NS_C"
	PACKETS=$((PACKETS - before))
	[ "$PACKETS" = "$1" ]
}

# moves - the client is found at its other port with the first packet that it sends from there.
moves() {
	up "$@"
	found_at c2 5 40
	wait_for 5 straight c || fail "$PAST of 40 packets pass the bridge by at the other port"
	plug c0
}

# A port takes less than the bridge: the bridge drops what is too large, and so does the fast path.
narrow_port() {
	up udp
	# From here on the bridge keeps its own.
	ip -n "$NS_R" link set br0 mtu 1400
	ip -n "$NS_R" link set br0 mtu 1500
	ip -n "$NS_R" link set rc mtu 1300
	settle c
	wait_for 5 by_bridge c || fail "$PAST of 40 packets pass the bridge by"
	ip -n "$NS_R" link set rc mtu 1500
}

# The port is taken out of the bridge: nothing is sent by it any more.
port_goes() {
	up udp
	ip -n "$NS_R" link set rc nomaster
	must c timeout 200
	! ask c ping 1 || fail "an answer came by a port that the bridge does not have"
	must c timeout 5000
	ip -n "$NS_R" link set rc master br0
	wait_for 20 ask c ping 1 || fail "nothing passes after the port is back"
	settle c
	wait_for 5 straight c || fail "$PAST of 40 packets pass the bridge by"
}

# What is below a device is told from 5.13 on.
if [[ $(uname -r) == 5.10.* ]]; then
	carries() { skip "5.10 does not say by which port a bridge sends"; }
	counted() { carries; }
	looked_at() { carries; }
	moves() { carries; }
	narrow_port() { carries; }
	port_goes() { carries; }
	disabled() { carries; }
	bridge_leaves() { carries; }
	vlan_blocked() { carries; }
	tree_blocked() { carries; }
fi

run_case "bridge, udp" carries udp
run_case "bridge, tcp6" carries tcp6
run_case "VLAN of a bridge, untagged port, tcp" carries tcp untagged
run_case "VLAN of a bridge, untagged port, udp6" carries udp6 untagged
run_case "the bridge and its VLAN device count" counted
run_case "a tap on the bridge" looked_at tap_on "peer_stop tap"
run_case "an egress chain of the bridge" looked_at hook_on "in_r nft delete table netdev e"
run_case "a qdisc of the bridge" looked_at "in_r tc qdisc add dev br0 root pfifo" "in_r tc qdisc del dev br0 root"
run_case "a filter of the bridge" looked_at "in_r tc qdisc add dev br0 clsact && in_r tc filter add dev br0 egress matchall action pass" \
	"in_r tc qdisc del dev br0 clsact"
run_case "the client moves to another port" moves udp
run_case "the client moves, VLAN of a bridge" moves udp untagged
run_case "a port with a smaller MTU" narrow_port
run_case "the port leaves the bridge" port_goes
run_case "a disabled port" disabled
run_case "the bridge leaves the VLAN" bridge_leaves
run_case "a spanning tree that is blocked" tree_blocked
# From here on the bridge keeps what is of a VLAN.
run_case "a VLAN that is blocked" vlan_blocked
all_done
