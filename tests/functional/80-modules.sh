#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life compat
# The module comes, stays while it is needed, and goes under traffic.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

need modprobe rmmod
case ${NFO_PROVIDER:-ours} in
mainline) modules=(nft_flow_offload nf_flow_table_inet nf_flow_table) ;;
*) modules=(nf_flow_offload) ;;
esac

topo_up
echo_up

# by the one module that has both names, or by mainline's for the expression
loaded() { [ -d "/sys/module/${modules[0]}" ]; }
unload() {
	local module

	for module in "${modules[@]}"; do
		[ ! -d "/sys/module/$module" ] || rmmod "$module" 2>/dev/null || return 1
	done
}
load() { modprobe -a "${modules[@]}"; }

in_use() {
	rules_std
	rmmod "${modules[0]}" 2>/dev/null && fail "removed under a ruleset that uses it"
	loaded || fail "not loaded"
	flow_up c tcp
	rmmod "${modules[0]}" 2>/dev/null && fail "removed under a live flow"
	fast c ping 5
	rules_flush
	wait_for 10 unload || fail "can't be removed after the ruleset"
	# the connection has lost nothing but its speed
	no_offload_flag tcp "$PORT" || fail "[OFFLOAD] outlives the module: $CT"
	must c ping 5
	load
	rules_std
	promote c tcp "$PORT"
	fast c ping 5
}
run_case "rmmod: refused in use, fine afterwards" in_use

# nf_tables asks for the module by its aliases.
autoload() {
	wait_for 10 unload || fail "can't be removed"
	loaded && fail "still there"
	rules_std
	loaded || fail "nf_tables has loaded something else"
	flow_up c "$1"
}
run_case "loaded by nf_tables through its aliases" autoload tcp

autoload_family() {
	local family

	for family in ip ip6 inet; do
		rules_flush
		wait_for 10 unload || fail "can't be removed"
		rules_load <<-END
			table $family t {
				flowtable f { hook ingress priority 0; devices = { rc, rs }; }
			}
		END
	done
	[[ -d /sys/module/nf_flow_offload || -d /sys/module/nf_flow_table_inet ]] || fail "not loaded"
}
run_case "loaded for each family" autoload_family

expression_first() {
	rules_flush
	wait_for 10 unload || fail "can't be removed"
	in_r nft -f - 2>/dev/null <<-END && fail "a rule for an unknown flowtable was accepted"
		table inet t {
			chain c { type filter hook forward priority 0; flow add @nosuch; }
		}
	END
	# the expression's module may stay or go: both are fine, it must only be free
	wait_for 10 unload || fail "a refused rule holds the module"
	load
}
run_case "a refused rule holds nothing" expression_first

# Packets are on their way through it, in both directions, while it goes.
under_traffic() {
	local round

	client u udp
	client t tcp
	for round in 1 2 3 4; do
		loaded || load
		rules_std
		promote u udp $((PORT - 1))
		promote t tcp "$PORT"
		tell u run 2500
		tell t run 2500
		nap 0.3
		rules_flush
		wait_for 10 unload || fail "round $round: can't be removed under traffic"
		peer_answer u || fail "round $round, udp: $ANSWER"
		[[ $ANSWER == *" 0" ]] || fail "round $round, udp lost packets: $ANSWER"
		peer_answer t || fail "round $round, tcp: $ANSWER"
		[[ $ANSWER == *" 0" ]] || fail "round $round, tcp: $ANSWER"
		must t bulk 500000
	done
	load
}
run_case "rmmod under traffic, and again" under_traffic

# Load and unload as fast as it goes, traffic and ruleset on top: for five seconds, and twice at
# least, since a slow machine takes longer for one round.
loop() {
	local end rounds=0

	client t tcp
	tell t run 6000
	now
	end=$((NOW + 5000000))
	while now && { [ "$NOW" -lt "$end" ] || [ $rounds -lt 2 ]; }; do
		load
		rules_std
		rules_flush
		wait_for 10 unload || fail "can't be removed in round $rounds"
		rounds=$((rounds + 1))
	done
	peer_answer t || fail "tcp: $ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "tcp: $ANSWER"
	load
}
run_case "load and unload in a loop under traffic" loop

loaded || load
all_done
