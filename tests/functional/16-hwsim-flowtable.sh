#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# Mainline's flowtable puts its flows into the simulated switch chip, so the chip serves
# a flowtable that is not ours. Ours has tests of its own: 17-*.sh and 18-hwcache-*.sh.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-flower.sh
. "$(dirname "$0")/../lib-flower.sh"
STACK_R=hwp1
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"

ft_begin() {
	[ "${NFO_PROVIDER:-}" = mainline ] || skip "mainline's flowtable; ours has tests of its own"
	[ "${NFO_KERNEL:-}" != 6.1 ] || skip "mainline 6.1 puts one direction of two into hardware"
	clean none
	stack_gone
	set_chip bind ft
}

ft_in_table() {
	must "$1" ping 1
	used 2
}

# ft_proof PROTO [ADDR] - a connection goes into hardware, data flows there, statistics
# reach conntrack, FIN or the end of the connection takes it out.
ft_proof() {
	local proto=$1 dst=${2:-$S4} src=$C4

	case $proto in
	*6) dst=${2:-$S6} src=$C6 ;;
	esac
	next_port
	peer_start f "$NS_C" client "${proto%6}" "$src" "$PORT" "$dst" 5000 || fail "client: $ANSWER"
	wait_for 10 ft_in_table f ||
		fail "not in hardware: $(cat $CHIP/last_refusal $CHIP/calls; cat $CHIP/rules)"
	ports
	local host=$HOST hw=$HW
	must f ping 50
	ports
	equal "$HOST" "$host" "packets at the host"
	[ $((HW - hw)) -ge 100 ] || fail "$((HW - hw)) packets by hardware"
	cat $CHIP/rules
}

ft_done() {
	ct_flush
	wait_for 10 used 0 || fail "rules are left: $(cat $CHIP/rules)"
}

ft() {
	ft_begin
	table "${2:-}"
	ft_proof "$1"
	ft_done
}

# ft_behind PROTO COMMAND... - the server is behind what COMMAND makes, the client is not.
ft_behind() {
	local proto=$1

	ft_begin
	"${@:2}"
	table
	address_of "$proto"
	ft_proof "$proto" "$TO"
	RULES=$(<$CHIP/rules)
}

# ft_vlan PROTO TAG... - behind these tags.
ft_vlan() {
	local id proto=$1

	shift
	ft_behind "$proto" behind_vlans "${@/#/802.1q:}"
	for id; do
		[[ $RULES == *" push=$id:8100"* ]] || fail "tag $id is not pushed: $RULES"
	done
	[[ $RULES == *" pop*$# "* ]] || fail "not $# tags are popped: $RULES"
	ft_done
}

# ft_pppoe PROTO - behind a PPPoE session.
ft_pppoe() {
	ft_behind "$1" behind_pppoe
	[[ $RULES == *" pppoe=77 "* ]] || fail "no PPPoE header: $RULES"
	ft_done
}

# A table of two, a driver that fails: the flows stay in software and work.
ft_refused() {
	local i

	ft_begin
	set_chip table_size 2
	table
	ft_proof udp
	for i in a b; do
		client $i tcp
		must $i ping 5
		wait_for 10 ft_asked || fail "the driver was not asked"
		by_host $i ping 20
	done
	[[ $(cat $CHIP/last_refusal) == "28 "* ]] || fail "$(cat $CHIP/last_refusal)"
	used 2 || fail "not two rules"
	ft_done
}
# shellcheck disable=SC2329 # through wait_for
ft_asked() { [[ $(cat $CHIP/last_refusal) == "28 "* ]]; }

topo_chip
run_case "flowtable: UDP over IPv4" ft udp
run_case "flowtable: TCP over IPv6" ft tcp6
run_case "flowtable: masquerade" ft tcp "chain post { type nat hook postrouting priority 100; oifname hwp1 masquerade; }"
run_case "flowtable: VLAN" ft_vlan udp 10
run_case "flowtable: VLAN, TCP over IPv6" ft_vlan tcp6 10
run_case "flowtable: two VLAN tags" ft_vlan tcp 10 20
run_case "flowtable: PPPoE" ft_pppoe udp
run_case "flowtable: PPPoE, TCP over IPv6" ft_pppoe tcp6
run_case "flowtable: a full table" ft_refused
rmmod nfo_hwsim
all_done
