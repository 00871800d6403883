#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw compat
# Every way in which a driver can be asked: packets go from wire to wire and the host sees
# none of them; devices join and leave, rulesets are loaded anew.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
ours_alone

# told COMMAND... - it is so when nft returns, or a little later where nf_tables frees a flowtable after
# the transaction, and says nothing of a device that is deleted from one.
told() {
	if leaves_are_told; then
		"$@"
	else
		wait_for 5 "$@"
	fi
}

# carried HOW PROTO NAT
carried() {
	local proto=$2 nat=$3 to='' port=5000

	clean "$1"
	table "$(nat_lines "$proto" "$nat")"
	if [ "$nat" = dnat ]; then
		port=7000 to=$RC4
		[ "$proto" = "${proto%6}" ] || to=$RC6
	fi
	hw_up c "$proto" "$port" $to
	if [ "${proto%6}" = tcp ]; then
		flat 60 c bulk 50000
	fi
	used 2 || fail "not two rules: $(cat $CHIP/rules)"
	has_rule "sport=$PORT/ffff dport=$port/ffff" || fail "$(cat $CHIP/rules)"
	state_is "$PORT" hardware || fail "$(cat "$OUT")"
	has_rule "ttl-1" || [ "$1" != block ] || fail "no TTL: $(cat $CHIP/rules)"
	dev_is hwp0 "$1 none 0 " || fail "hwp0: $SAYS"
	no_flowtable
	told used 0 || fail "rules are left: $(cat $CHIP/rules)"
	by_host c ping 5
}

no_driver() {
	clean none
	table
	client c udp
	promote c udp "$PORT"
	fast c ping 20
	by_host c ping 20
	state_is "$PORT" software || fail "$(cat "$OUT")"
	dev_is hwp0 "none hw-driver 95 *" || fail "hwp0: $SAYS"
	dev_is hwp1 "none hw-driver 95 *" || fail "hwp1: $SAYS"
	used 0 || fail "rules"
}

# A table of two ports and a veth: what crosses the border is software's.
mixed() {
	local ns

	clean
	ns_add v
	ns=$NS
	no_dad "$ns"
	ip link add v0 netns "$ns" type veth peer name rv netns "$NS_R"
	ip -n "$NS_R" -batch - <<-END
		addr add 203.0.113.1/24 dev rv
		link set rv up
	END
	ip -n "$ns" -batch - <<-END
		addr add 203.0.113.2/24 dev v0
		link set v0 up
		route add default via 203.0.113.1
	END
	links_ready "$ns" v0 "$NS_R" rv
	table "" "hwp0, hwp1, rv"
	peer_start sv "$ns" server udp :: 5000 || fail "$ANSWER"
	client v udp 5000 203.0.113.2
	promote v udp "$PORT"
	wait_for 3 no_asking v "$PORT" || true
	state_is "$PORT" software || fail "$(cat "$OUT")"
	fast v ping 10
	by_host v ping 10
	used 0 || fail "$(cat $CHIP/rules)"
	hw_up c udp
	used 2 || fail "$(cat $CHIP/rules)"
	dev_is rv "none hw-driver 95 *" || fail "rv: $SAYS"
	ip -n "$NS_R" link del rv
	by_hw 20 c ping 10
}
no_asking() { must "$1" ping 4; state_is "$2" hardware; }

# Who wants mainline's way gets it: no ruleset for a device that can't.
strict() {
	clean none
	strict_offload Y
	if table 2>/dev/null; then
		strict_offload N
		fail "accepted without a driver"
	fi
	set_chip bind ft
	if ! table; then
		strict_offload N
		fail "refused with a driver"
	fi
	strict_offload N
	hw_up c udp
}

# Ports that join and leave a flowtable which is at work.
joins() {
	clean
	table "" hwp0
	client c udp
	must c ping 20
	used 0 || fail "$(cat $CHIP/rules)"
	in_r nft "add flowtable inet t f { flags offload; devices = { hwp1 }; }"
	in_hw c udp "$PORT"
	by_hw 20 c ping 10
	in_r nft "delete flowtable inet t f { devices = { hwp1 }; }"
	told used 0 || fail "rules are left: $(cat $CHIP/rules)"
	by_host c ping 10
}

# As everybody reloads a ruleset: the new flowtable is there before the old one goes, and
# the driver serves one of them at a time.
reloaded() {
	local new

	clean "$1"
	table
	hw_up c udp
	new=$(in_r nft list ruleset)
	rules_load <<<"flush ruleset"$'\n'"$new"
	told dev_is hwp0 "* none *" || fail "hwp0: $SAYS"
	in_hw c udp "$PORT"
	flat 20 c ping 10
	used 2 || fail "$(cat $CHIP/rules)"
}

# link_set ARGUMENT... - of the router's port; LEAST is the least of the times that it took, in us.
link_set() {
	local start

	now
	start=$NOW
	ip -n "$NS_R" link set "$@" 2>/dev/null || return
	now
	[ $((NOW - start)) -ge "$LEAST" ] || LEAST=$((NOW - start))
}

# rename_times HOW - AWAY and BACK: how long it takes, in us, to give a port another name and its own.
rename_times() {
	local _

	clean "$1"
	table
	hw_up c udp
	AWAY=100000000 BACK=100000000
	for _ in 1 2 3; do
		LEAST=$AWAY
		link_set hwp0 name hwx || skip "not while the device is up"
		AWAY=$LEAST LEAST=$BACK
		link_set hwx name hwp0 || fail "hwx keeps its name"
		BACK=$LEAST
	done
	dev_is hwp0 "$1 none *" || fail "hwp0: $SAYS"
	in_hw c udp "$PORT"
	flat 20 c ping 10
}

# A port gets another name, and its own again. nf_tables that lists devices by name, from 6.16 on, has
# the port leave the flowtable and join it, with RTNL held. A driver behind a block wants RTNL, and the
# other one does not: a wait for RTNL, which never came, took a fifth of a second more.
renamed() {
	local away back

	rename_times ft
	away=$AWAY back=$BACK
	rename_times block
	[ $((AWAY - away)) -lt 150000 ] && [ $((BACK - back)) -lt 150000 ] ||
		fail "RTNL was held for $AWAY and $BACK us, and without a block $away and $back us"
}

# move_time HOW - how long it takes, in us, to move a port to another namespace, in LEAST.
move_time() {
	local _

	LEAST=100000000
	for _ in 1 2 3; do
		clean "$1"
		table
		hw_up c udp
		link_set hwp0 netns "$NS_S" || fail "hwp0 does not move"
		# The rule of the other port, which sends by this one, goes when the worker gets RTNL.
		wait_for 5 used 0 || fail "rules are left: $(cat $CHIP/rules)"
		peer_stop c
		rules_flush
		rmmod nfo_hwsim
		chip_up "$1"
	done
}

# A port goes to another namespace. The kernel says so as of a port that is unregistered, with RTNL
# held, but the port is registered all the time.
moved() {
	local without

	move_time ft
	without=$LEAST
	move_time block
	[ $((LEAST - without)) -lt 150000 ] ||
		fail "RTNL was held for $LEAST us, and without a block $without us"
	table
	hw_up c udp
}

topo_chip
sysctl_r net/netfilter/nf_conntrack_acct 1
run_case "flow table callback, UDP" carried ft udp none
run_case "flow table callback, TCP, masquerade" carried ft tcp masquerade
run_case "flow table callback, TCP over IPv6, dnat" carried ft tcp6 dnat
run_case "block, TCP, masquerade" carried block tcp masquerade
run_case "block, UDP, dnat" carried block udp dnat
run_case "block, UDP over IPv6, masquerade" carried block udp6 masquerade
run_case "indirect block, UDP over IPv6, dnat" carried indirect udp6 dnat
run_case "indirect block, TCP" carried indirect tcp none
run_case "no driver" no_driver
run_case "two ports and a veth" mixed
run_case "strict_offload" strict
run_case "a port joins and leaves" joins
run_case "the ruleset is loaded anew, at once" reloaded ft
run_case "the ruleset is loaded anew, at once, block" reloaded block
run_case "the ruleset is loaded anew, at once, indirect block" reloaded indirect
run_case "a port gets another name, and its own again" renamed
run_case "a port goes to another namespace" moved
rmmod nfo_hwsim
all_done
