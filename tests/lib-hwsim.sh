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

# ours_alone - mainline's flowtable has its tests on the chip in 16-hwsim-flowtable.sh.
ours_alone() {
	[ "${NFO_PROVIDER:-}" = mainline ] || return 0
	skipped "hardware" "mainline's flowtable is shown in 16-hwsim-flowtable.sh"
	all_done
	exit 0
}

mac() { printf '02:00:00:00:00:%02x' "$1"; }
C_MAC=$(mac 1) S_MAC=$(mac 2) RC_MAC=$(mac 16) RS_MAC=$(mac 17)

# port_up N - both ends of a port, new ones: the router's and that of who is behind it.
port_up() {
	local ns=$NS_C name=c0 far=$C_MAC near=$RC_MAC far4=$C4 far6=$C6 near4=$RC4 near6=$RC6

	if [ "$1" = 1 ]; then
		ns=$NS_S name=s0 far=$S_MAC near=$RS_MAC far4=$S4 far6=$S6 near4=$RS4 near6=$RS6
	fi
	ip -batch - <<-END
		link set hwp$1 netns $NS_R
		link set wire$1 netns $ns name $name
	END
	ip -n "$NS_R" -batch - <<-END
		link set hwp$1 address $near up
		addr add $near4/24 dev hwp$1
		addr add $near6/64 dev hwp$1 nodad
	END
	ip -n "$ns" link set "$name" address "$far"
	host_up "$ns" "$name" "$far4" "$far6" "$near4" "$near6"
	links_ready "$ns" "$name" "$NS_R" "hwp$1"
}

# CHIP_OPTIONS - more parameters of the chip's module.
CHIP_OPTIONS=''
chip_up() {
	# shellcheck disable=SC2086 # a list
	insmod "$KO" ports=3 $CHIP_OPTIONS
	set_chip bind "${1:-block}"
	port_up 0
	port_up 1
}

# port_in_bridge - the client's port goes into the bridge br0, which gets its addresses.
port_in_bridge() {
	ip -n "$NS_R" -batch - <<-END
		link add br0 type bridge
		link set br0 address $RC_MAC
		addr flush dev hwp0
		link set hwp0 master br0
		addr add $RC4/24 dev br0
		link set br0 up
	END
	links_ready "$NS_R" br0
}

port_alone() {
	ip -n "$NS_R" link del br0 2>/dev/null || true
	ip -n "$NS_R" addr replace "$RC4/24" dev hwp0
}

set_chip() { echo "$2" >"$CHIP/$1"; }

# mode NAME - an unkind mode of the simulated driver, from now on.
mode() { set_chip "modes/$1" 1; }

# refused_calls add|del|stats - how many calls of the driver it refused, in REFUSED.
# shellcheck disable=SC2034 # for the tests
refused_calls() { REFUSED=$(awk -v c="$1" '$1 == c { print $4 }' "$CHIP/calls"); }

# refused_deletes N - the driver has refused so many deletions or more.
refused_deletes() {
	refused_calls del
	[ "$REFUSED" -ge "$1" ]
}

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
	local want=$1

	shift
	past_host "$@"
	[ "$MOVED" = "$want" ] || fail "$*: $MOVED packets by hardware, expected $want"
}

# by_whom PEER COMMAND... - it succeeds; the packets that the chip forwarded in MOVED, and those
# that the host saw in SAW.
by_whom() {
	local host hw

	ports
	host=$HOST hw=$HW
	must "$@"
	ports
	MOVED=$((HW - hw)) SAW=$((HOST - host))
}

# past_host PEER COMMAND... - it succeeds and the host saw no packet; those that the chip
# forwarded in MOVED.
past_host() {
	by_whom "$@"
	[ "$SAW" = 0 ] || fail "$*: the host saw $SAW packets"
}

# by_host PEER COMMAND... - it succeeds and every packet of it went through the host.
by_host() {
	by_whom "$@"
	[ "$MOVED" = 0 ] || fail "$*: the chip forwarded $MOVED packets"
	[ "$SAW" -gt 0 ] || fail "$*: nobody saw packets"
}

# A chip that has all it can have.
chip_whole() {
	local f

	set_chip table_size 1000
	set_chip rule_delay_us 0
	set_chip fail_port 4294967295
	for f in "$CHIP"/fail_{add,del,stats} "$CHIP"/port_delay_us/*; do echo 0 >"$f"; done
	for f in "$CHIP"/features/*; do echo 1 >"$f"; done
	for f in "$CHIP"/modes/*; do echo 0 >"$f"; done
	set_chip driver nfo_hwsim
	set_chip indirect 1
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

# --- flows in hardware ---------------------------------------------------

OUT=$LIB_TMP/out

# tool ARGUMENT... - nft-offload in the router, what it says in $OUT.
tool() { in_r "$NFO_TOOLS/nft-offload" "$@" >"$OUT" || fail "nft-offload $*: $(cat "$OUT")"; }
value() { jq -r "$1" "$OUT"; }

# clean [HOW] - an empty chip that has all it can have.
clean() {
	rules_flush
	wait_for 10 used 0 || fail "rules without a flowtable: $(cat $CHIP/rules)"
	chip_whole
	set_chip bind "${1:-ft}"
}

# table [LINES [DEVICES]]
table() { rules_offloading "${2:-hwp0, hwp1}" "${1:-}"; }

# calls - of the driver to add a rule, in CALLS.
# shellcheck disable=SC2034 # for the tests
calls() { read -r _ CALLS _ <"$CHIP/calls"; }

# has_rule TEXT - a rule with these words is in the chip.
has_rule() {
	local rules

	rules=$(<"$CHIP/rules")
	[[ $rules == *" $1"* ]]
}

# A flow looks for a place while packets of it pass in software.
asks() {
	must "$1" ping 4
	ct_has "$2" "$3" hw=1
}

in_hw() { wait_for 15 asks "$@" || fail "$* is not in hardware: $(cat $CHIP/last_refusal $CHIP/calls $CHIP/rules)"; }

# flat N PEER COMMAND... - it succeeds, N packets or more go from wire to wire (TCP may
# add an acknowledgement), and the host sees none.
flat() {
	local want=$1

	shift
	past_host "$@"
	[ "$MOVED" -ge "$want" ] || fail "$*: $MOVED packets by hardware, expected $want"
}

# hw_up NAME PROTO [PORT [ADDR]] - a client whose connection is in hardware.
hw_up() {
	client "$@"
	in_hw "$1" "$2" "$PORT"
	flat 20 "$1" ping 10
}

state_of() {
	tool list -j -P "$1"
	STATE=$(value '[.flows[].state] | join(",")')
}
state_is() { state_of "$1"; [ "$STATE" = "$2" ]; }

# dev_is DEV WANTED - "hw reason errno message" of nft-offload's status.
dev_is() {
	tool status -j
	SAYS=$(value ".devices[] | select(.dev == \"$1\") | \"\(.hw) \(.reason) \(.errno) \(.message)\"")
	# shellcheck disable=SC2053 # a pattern
	[[ $SAYS == $2 ]]
}

# --- of several files ----------------------------------------------------

nat_lines() {
	local ip=ip to=$S4

	case $1 in
	*6) ip=ip6 to="[$S6]" ;;
	esac
	case $2 in
	masquerade) echo "chain post { type nat hook postrouting priority 100; oifname hwp1 meta l4proto ${1%6} masquerade; }" ;;
	dnat) echo "chain pre { type nat hook prerouting priority -100;
		meta l4proto ${1%6} th dport 7000 dnat $ip to $to:5000; }" ;;
	esac
}

no_flowtable() {
	in_r nft -f - <<-END
		flush chain inet t forward
		delete flowtable inet t f
	END
}

refused_after() {
	must "$1" ping 4
	[[ $(<$CHIP/last_refusal) == "$2"* ]]
}
