#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life debug long
# Ports of a DSA switch in a bridge: the bridge forwards between them, or the switch does by itself, and
# gives frames of a VLAN-aware bridge to the host with a tag (DSA takes it off since 6.12).
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need bridge
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"
# shellcheck source=../lib-bridge.sh
. "$(dirname "$0")/../lib-bridge.sh"
# shellcheck source=../lib-dsa.sh
. "$(dirname "$0")/../lib-dsa.sh"
modprobe -a dummy

switch_gone() {
	ip -n "$NS_R" link del br0 2>/dev/null || true
	ip -n "$NS_C" link del sta 2>/dev/null || true
	ip -n "$NS_C" link del stay 2>/dev/null || true
	rmmod nfo_dsasim
}

# lan untagged|tagged|plain - the bridge br0 of lan1 to lan3, with the client plugged in at lan1.
lan() {
	bridge_of lan1 lan2 "${1#plain}"
	ip -n "$NS_R" link set lan3 master br0 up
	links_ready "$NS_R" lan2
}

# bridged DEVICES VLAN PROTO
bridged() {
	lan "$2"
	rules_listing "$1"
	intact "$3"
}

# moves VLAN PROTO - the client is found at lan2 with the first packet that it sends from there.
moves() {
	lan "$1"
	rules_listing "lan1, lan2, lan3, wan"
	flow_up c "$2"
	found_at c2 2 50
	fast c ping 20
	plug c0
}

# moves_quietly VLAN - the client says one word to the router from lan2; what the server sends then
# arrives, from the first packet on.
moves_quietly() {
	local before

	lan "$1"
	rules_listing "lan1, lan2, lan3, wan"
	flow_up c udp
	inject_up i "$NS_S" s0 "$NS_R" wan
	plug c2
	in_c ping -c 1 -W 2 "$RC4" >/dev/null || fail "the router does not answer at lan2"
	arrivals_watch "$NS_C" c2
	arrived "$NS_C"
	before=$PACKETS
	for _ in 1 2 3 4 5; do must i udp "$S4" 5000 "$C4" "$PORT" 64; done
	arrived "$NS_C"
	equal $((PACKETS - before)) 5 "packets of 5 at lan2"
	plug c0
}

# another_switch [OPTION...]
another_switch() {
	switch_gone
	switch_up "$@"
	station_up
}

PORTS="lan1, lan2, lan3, wan"
switch_up bridging=1 untag_pvid=0
echo_up
station_up
run_case "the switch tags, own VLAN, ports listed, tcp" bridged "$PORTS" untagged tcp
run_case "the switch tags, own VLAN, ports listed, udp6" bridged "$PORTS" untagged udp6
run_case "the switch tags, own VLAN, br0 listed, udp" bridged "br0, wan" untagged udp
run_case "the switch tags, own VLAN, the client moves" moves untagged udp
run_case "the switch tags, own VLAN, rules name the ports" rules_name udp "$PORTS" "$BOTH" lan untagged

another_switch bridging=1
run_case "the switch forwards, ports listed, tcp" bridged "$PORTS" plain tcp
run_case "the switch forwards, own VLAN, ports listed, tcp6" bridged "$PORTS" untagged tcp6
run_case "the switch forwards, the client moves" moves plain udp
run_case "the switch forwards, the client moves and says little" moves_quietly plain

another_switch
run_case "the bridge forwards, br0 listed, tcp" bridged "br0, wan" plain tcp
run_case "the bridge forwards, own VLAN, ports listed, tcp" bridged "$PORTS" untagged tcp
run_case "the bridge forwards, tagged VLAN, ports listed, tcp" bridged "$PORTS" tagged tcp
run_case "the bridge forwards, the client moves" moves plain udp
run_case "the bridge forwards, rules name the ports" rules_name udp "$PORTS" "$BOTH" lan plain

rules_flush
switch_gone
all_done
