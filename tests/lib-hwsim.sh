# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests on the simulated switch chip (tests/hwsim) share; sourced after lib.sh.
#
#   client c0 = wire0 |hwp0 [router] hwp1| wire1 = s0 server      wire2: unused port
CHIP=/sys/kernel/debug/nfo_hwsim
KO=${NFO_HWSIM_KO:-${NFO_KO%/*}/tests/hwsim/nfo_hwsim.ko}
if [ ! -e "$KO" ]; then
	skipped "hwsim" "nfo_hwsim.ko is not built for this kernel"
	all_done
	exit 0
fi

mac() { printf '02:00:00:00:00:%02x' "$1"; }
C_MAC=$(mac 1) S_MAC=$(mac 2) RC_MAC=$(mac 16) RS_MAC=$(mac 17)

# The router's side of a port, again after the port came back.
ports_up() {
	ip -batch - <<-END
		link set hwp0 netns $NS_R
		link set hwp1 netns $NS_R
		link set wire0 netns $NS_C name c0
		link set wire1 netns $NS_S name s0
	END
	ip -n "$NS_R" -batch - <<-END
		link set hwp0 address $RC_MAC up
		link set hwp1 address $RS_MAC up
		addr add $RC4/24 dev hwp0
		addr add $RC6/64 dev hwp0 nodad
		addr add $RS4/24 dev hwp1
		addr add $RS6/64 dev hwp1 nodad
	END
	ip -n "$NS_C" -batch - <<-END
		link set c0 address $C_MAC up
		addr add $C4/24 dev c0
		addr add $C6/64 dev c0 nodad
		route add default via $RC4
		route add ::/0 via $RC6
	END
	ip -n "$NS_S" -batch - <<-END
		link set s0 address $S_MAC up
		addr add $S4/24 dev s0
		addr add $S6/64 dev s0 nodad
		route add default via $RS4
		route add ::/0 via $RS6
	END
	wait_for 10 link_ready "$NS_C" c0
	wait_for 10 link_ready "$NS_S" s0
}

chip_up() {
	insmod "$KO" ports=3
	set_chip bind "${1:-block}"
	ports_up
}

set_chip() { echo "$2" >"$CHIP/$1"; }

# ports - packets that entered by the two wires: TCP and UDP to the host in HOST,
# forwarded by the chip in HW.
ports() {
	local index state hw_in host_l4

	HOST=0 HW=0
	while read -r index state hw_in _ _ _ _ host_l4 _; do
		[ "$index" -le 1 ] && [ "$state" = present ] || continue
		HOST=$((HOST + ${host_l4#*=}))
		HW=$((HW + ${hw_in#*=}))
	done <"$CHIP/ports"
}

# used N - so many rules are in the table.
used() {
	local now

	read -r now _ <"$CHIP/used"
	[ "$now" = "$1" ]
}

# by_hw PACKETS PEER COMMAND... - it succeeds, the chip forwarded that many packets
# from wire to wire, and the host saw none.
by_hw() {
	local want=$1 host hw

	shift
	ports
	host=$HOST hw=$HW
	must "$@"
	ports
	[ $((HW - hw)) = "$want" ] || fail "$*: $((HW - hw)) packets by hardware, expected $want"
	[ "$HOST" = "$host" ] || fail "$*: the host saw $((HOST - host)) packets"
}

# by_host PEER COMMAND... - it succeeds and every packet of it went through the host.
by_host() {
	local host hw

	ports
	host=$HOST hw=$HW
	must "$@"
	ports
	[ "$HW" = "$hw" ] || fail "$*: the chip forwarded $((HW - hw)) packets"
	[ "$HOST" -gt "$host" ] || fail "$*: nobody saw packets"
}

# A chip that has all it can have.
chip_whole() {
	local f

	set_chip table_size 1000
	set_chip rule_delay_us 0
	for f in "$CHIP"/fail_*; do echo 0 >"$f"; done
	for f in "$CHIP"/features/*; do echo 1 >"$f"; done
}

topo_chip() {
	modprobe -q -a nf_tables nf_conntrack nf_conntrack_netlink cls_flower act_mirred act_pedit \
		act_csum act_gact sch_ingress || true
	agent_up
	ns_add c r s
	NS_S=$NS NS_R=${NS/nfo-s/nfo-r} NS_C=${NS/nfo-s/nfo-c}
	local ns
	for ns in "$NS_C" "$NS_R" "$NS_S"; do no_dad "$ns"; done
	forwarding_on "$NS_R"
	chip_up
	echo_up
}
