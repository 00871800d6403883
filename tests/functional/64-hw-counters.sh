#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# Devices above one whose hardware forwards count what the classic path would have had them count,
# received and sent.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
ours_alone
STACK_R=hwp1
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"
# shellcheck source=../lib-hwcache.sh
. "$(dirname "$0")/../lib-hwcache.sh"
modprobe -q -a bridge 8021q || true

topo_chip

# count_of DEVICE - packets and bytes received, then sent, in COUNTS.
count_of() {
	mapfile -t COUNTS < <(ip -n "$NS_R" -s -j link show "$1" | jq '.[0].stats64 |
		.rx.packets, .rx.bytes, .tx.packets, .tx.bytes')
}

# near A B MORE - within one in a hundred and MORE.
near() { [ $(($1 - $2)) -le $(($2 / 100 + $3)) ] && [ $(($2 - $1)) -le $(($2 / 100 + $3)) ]; }

# echoes DEVICE - what 300 echoes of 400 bytes add to its counters, in ADDED. The chip's counters
# are read each second.
echoes() {
	local i
	local -a before

	pass_time 2
	count_of "$1"
	before=("${COUNTS[@]}")
	must c ping 300 400
	pass_time 2
	count_of "$1"
	ADDED=()
	for i in 0 1 2 3; do ADDED+=($((COUNTS[i] - before[i]))); done
}

# compare DEVICE... - of the classic path, then in hardware.
compare() {
	local dev i what=("packets received" "bytes received" "packets sent" "bytes sent")
	local -A classic=()

	address_of udp
	client c udp 5000 "$TO"
	for dev; do
		echoes "$dev"
		classic[$dev]=${ADDED[*]}
		[ "${ADDED[0]}" -ge 300 ] && [ "${ADDED[2]}" -ge 300 ] ||
			fail "the classic path: $dev counts ${ADDED[*]}"
	done
	table
	in_hw c udp "$PORT"
	flat 20 c ping 10
	for dev; do
		echoes "$dev"
		echo "$dev: ${ADDED[*]}, classic ${classic[$dev]}"
		read -ra want <<<"${classic[$dev]}"
		for i in 0 1 2 3; do
			near "${ADDED[i]}" "${want[i]}" $((i % 2 ? 1500 : 3)) ||
				fail "$dev: ${ADDED[i]} ${what[i]}, classic ${want[i]}"
		done
	done
	state_is "$PORT" hardware || fail "$(<"$OUT")"
}

end() {
	rules_flush
	peers_stop
	stack_gone
}

vlan() {
	fresh ft
	behind_vlans 802.1q:10
	compare hwp1.10
	end
}
run_case "a VLAN device" vlan

pppoe() {
	fresh ft
	behind_pppoe 10
	# PPP keeps its counters to itself in older kernels.
	if [ "$(uname -r | cut -d. -f1)" -ge 7 ]; then
		compare ppp0 hwp1.10
	else
		compare hwp1.10
	fi
	end
}
run_case "PPPoE in a VLAN" pppoe

bridge() {
	fresh ft
	V4S=$S4
	port_in_bridge
	compare br0
	port_alone
	end
}
run_case "a bridge" bridge

# With the setting at 0 none of them counts.
without() {
	fresh ft
	behind_vlans 802.1q:10
	table
	address_of udp
	client c udp 5000 "$TO"
	in_hw c udp "$PORT"
	tool set dev_counters 0
	echoes hwp1.10
	tool set dev_counters 1
	[ "${ADDED[0]}" -le 10 ] && [ "${ADDED[2]}" -le 10 ] || fail "hwp1.10 counts ${ADDED[*]}"
	end
}
run_case "the setting dev_counters" without

rmmod nfo_hwsim
all_done
