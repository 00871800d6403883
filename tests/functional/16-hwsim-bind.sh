#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# The simulated switch chip is bound and let go, under traffic as well: no rule, no file
# and no packet of another way is left.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-flower.sh
. "$(dirname "$0")/../lib-flower.sh"

modes() {
	clean
	! set_chip bind ft 2>/dev/null || fail "another driver while a block is bound"
	clean none
	blocks_up
	! route 0 ip dst_ip "$S4" 2>/dev/null || fail "a rule without a driver"
	clean
}

indirect() {
	clean none
	set_chip bind indirect
	blocks_up
	# tc never takes an indirect block for a sure thing
	SKIP_SW=
	client u udp
	route_pair ip udp "$PORT"
	by_hw 20 u ping 10
	clean
}

unbound() {
	clean
	client u udp
	route_pair ip udp "$PORT"
	by_hw 10 u ping 5
	tell u run 1500
	tc -n "$NS_R" qdisc del dev hwp0 clsact
	tc -n "$NS_R" qdisc del dev hwp1 clsact
	peer_answer u || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER; $(cat $CHIP/ports)"
	used 0 || fail "rules are left"
	by_host u ping 5
}

# The port disappears with everything on it and comes back empty.
port_goes() {
	clean
	client u udp
	route_pair ip udp "$PORT"
	by_hw 10 u ping 5
	must u timeout 300
	tell u run 1500
	set_chip ports "del 1"
	peer_answer u || true
	! ask u ping 1 || fail "answered without a port"
	tc -n "$NS_R" qdisc del dev hwp0 clsact
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
	set_chip ports "add 1"
	port_up 1
	must u timeout 3000
	must u drain
	by_host u ping 5
}

# rmmod with blocks bound, rules in the table and packets in it.
rmmod_busy() {
	clean "$1"
	[ "$1" != indirect ] || SKIP_SW=
	client u udp
	route_pair ip udp "$PORT"
	by_hw 10 u ping 5
	must u timeout 200
	tell u run 1500
	wait_for 5 hw_beyond 100 || fail "no traffic"
	rmmod nfo_hwsim
	peer_answer u || true
	[ ! -e "$CHIP" ] || fail "debugfs is left"
	[ ! -e "/sys/module/nfo_hwsim" ] || fail "the module is left"
	peer_stop u
	chip_up "$1"
}
hw_beyond() { ports; [ "$HW" -ge "$1" ]; }

topo_chip
run_case "one driver at a time" modes
run_case "indirect block" indirect
run_case "unbound under traffic" unbound
run_case "a port goes under traffic and comes back" port_goes
run_case "rmmod under traffic" rmmod_busy block
run_case "rmmod under traffic, indirect block" rmmod_busy indirect
rmmod nfo_hwsim
all_done
