#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw igb long
# A real driver that is not ours, Intel's igb, on QEMU's model of its card: it is declined with
# words, and its ports may restart, lose their driver or be unplugged under live flows.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq

# tests/vm/run-qemu --igb: port N has the address 02:00:00:00:01:0N, and a cable to the device of
# virtio 02:00:00:00:02:0N. Port 2 leads to a third host, in NS_T; it is the one that goes.
T4=203.0.113.2 T6=2001:db8:3::2
RT4=203.0.113.1 RT6=2001:db8:3::1
DRIVER=/sys/bus/pci/drivers/igb
OUT=$LIB_TMP/out

# dev_with ADDRESS - the device with it in the first namespace, in DEV.
dev_with() {
	DEV=$(ip -o link show | awk -v mac="$1" 'index($0, mac) { sub(":", "", $2); print $2; exit }')
	[ -n "$DEV" ]
}

# port_up NUMBER ADDR4 ADDR6 - a port of the card becomes the router's igbN.
port_up() {
	wait_for 30 dev_with "02:00:00:00:01:0$1" || fail "there is no port $1: $(ip -br link)"
	ip link set "$DEV" netns "$NS_R" name "igb$1"
	ip -n "$NS_R" -batch - <<-END
		addr add $2/24 dev igb$1
		addr add $3/64 dev igb$1 nodad
		link set igb$1 up
	END
	links_ready "$NS_R" "igb$1"
}

# far_up NUMBER NAMESPACE NAME ADDR4 ADDR6 GATEWAY4 GATEWAY6 - the host at the cable's other end.
far_up() {
	dev_with "02:00:00:00:02:0$1" || die "there is no device of virtio with number $1"
	ip link set "$DEV" netns "$2" name "$3"
	host_up "$2" "$3" "${@:4}"
}

third_up() { port_up 2 $RT4 $RT6; }

topo_igb() {
	local ns

	modprobe -a virtio_net virtio_console igb nf_tables nf_conntrack nf_conntrack_netlink
	MONITOR=$(compgen -G '/dev/vport*p1') || die "there is no way to QEMU's monitor"
	agent_up
	ns_add c r t s
	NS_S=$NS NS_R=${NS/nfo-s/nfo-r} NS_C=${NS/nfo-s/nfo-c} NS_T=${NS/nfo-s/nfo-t}
	for ns in "$NS_C" "$NS_R" "$NS_T" "$NS_S"; do no_dad "$ns"; done
	forwarding_on "$NS_R"
	port_up 0 $RC4 $RC6
	port_up 1 $RS4 $RS6
	third_up
	PLACE=$(in_r ethtool -i igb2 | sed -n 's/^bus-info: //p')
	far_up 0 "$NS_C" c0 $C4 $C6 $RC4 $RC6
	far_up 1 "$NS_S" s0 $S4 $S6 $RS4 $RS6
	far_up 2 "$NS_T" t0 $T4 $T6 $RT4 $RT6
	echo_up
	peer_start tu "$NS_T" server udp :: 5000 || die "udp echo: $ANSWER"
	LIB_SERVERS+="tu "
}

# table - a router whose flowtable asks for hardware on all ports that are there.
table() {
	local devices

	devices=$(ip -n "$NS_R" -br link show | awk '/^igb/ { printf "%s%s", sep, $1; sep = ", " }')
	rules_offloading "$devices"
}

tool() { in_r "$NFO_TOOLS/nft-offload" "$@"; }

# dev_is DEV WANTED - "hw reason errno message" of nft-offload's status.
dev_is() {
	tool status -j >"$OUT"
	SAYS=$(jq -r ".devices[] | select(.dev == \"$1\") | \"\(.hw) \(.reason) \(.errno) \(.message)\"" "$OUT")
	# shellcheck disable=SC2053 # a pattern
	[[ $SAYS == $2 ]]
}

# in_software PEER PROTO PORT - the flow is in the table, and in no hardware.
in_software() {
	fast "$1" ping 10
	ct_has "$2" "$3" offload=1 || fail "$CT"
	ct_has "$2" "$3" hw=0 || fail "$CT"
}

# live - UDP and TCP through ports that stay, UDP through port 2.
live() {
	table
	flow_up stays tcp
	STAYS=$PORT
	flow_up also udp6
	ALSO=$PORT
	client goes udp 5000 $T4
	GOES=$PORT
	promote goes udp "$GOES"
	fast goes ping 10
}

# lives_on - what has nothing to do with port 2 has not been harmed.
lives_on() {
	settle stays
	settle also
	in_software stays tcp "$STAYS"
	in_software also udp6 "$ALSO"
	must stays bulk 300000
}

no_port() { ! ip -n "$NS_R" link show igb2 >/dev/null 2>&1; }
no_flow() { [ "$(tool list -j -P "$1" | jq '.flows | length')" = 0 ]; }

# gone - port 2 is not there any more, and nothing of its flow.
gone() {
	wait_for 30 no_port || fail "port 2 is still there"
	wait_for 10 no_flow "$GOES" || fail "$(tool list -P "$GOES")"
	ct_has udp "$GOES" offload=0 || [ "$CT" = none ] || fail "$CT"
	! dev_is igb2 "*" || [ -z "$SAYS" ] || fail "the flowtable still has port 2: $SAYS"
	lives_on
}

# back - port 2 is there again; once the ruleset is loaded anew, its flows are fast as before.
back() {
	third_up
	rules_flush
	table
	client again udp 5000 $T4
	promote again udp "$PORT"
	in_software again udp "$PORT"
	dev_is igb2 "none hw-declined 95 *" || fail "igb2: $SAYS"
	lives_on
	peers_stop
	rules_flush
}

# --- what the driver says ------------------------------------------------

declined() {
	local dev

	table
	for dev in igb0 igb1 igb2; do
		dev_is $dev "none hw-declined 95 its filters choose queues; it forwards no packet" || fail "$dev: $SAYS"
	done
	tool status >"$OUT"
	grep -q "igb0.*its filters choose queues" "$OUT" || fail "$(<"$OUT")"
	tool check igb0 >"$OUT" || true
	grep -q "igb" "$OUT" || fail "$(<"$OUT")"
	grep -q "the software fast path" "$OUT" || fail "$(<"$OUT")"
	# The block is tc's.
	in_r tc qdisc add dev igb0 clsact
	in_r tc qdisc del dev igb0 clsact
}

carried() {
	table
	flow_up f "$1"
	in_software f "$1" "$PORT"
	[ "${1%6}" != tcp ] || fast f bulk 200000
}

# strict_offload=1 refuses, as mainline does.
strict() {
	local rc=0

	strict_offload Y
	table 2>"$OUT" || rc=$?
	strict_offload N
	[ $rc != 0 ] || fail "accepted"
	grep -q "Operation not supported" "$OUT" || fail "$(<"$OUT")"
	! tool status -j | jq -e '.devices[]?' || fail "devices of a ruleset that was refused"
}

# The card of QEMU's model has no hw-tc-offload to be switched: ethtool says so, and flows go on.
no_switch() {
	table
	flow_up f udp
	! in_r ethtool -K igb0 hw-tc-offload on >"$OUT" 2>&1 || fail "switched on: $(<"$OUT")"
	in_r ethtool -K igb0 hw-tc-offload off >"$OUT" 2>&1 || true
	dev_is igb0 "none hw-declined 95 *" || fail "igb0: $SAYS"
	in_software f udp "$PORT"
}

# Features that do work: the driver restarts the port for the last two.
toggled() {
	local feature

	table
	flow_up f tcp
	for feature in gro tso tx rx rxvlan rx-all; do
		in_r ethtool -K igb0 $feature off
		in_r ethtool -K igb1 $feature off
		must f ping 2
		in_r ethtool -K igb0 $feature on
		in_r ethtool -K igb1 $feature on
		wait_for 20 is_fast f ping 2 || fail "not fast after $feature"
	done
	in_r ethtool -K igb0 rx-all off
	in_r ethtool -K igb1 rx-all off
	in_r ethtool -r igb1 || true
	wait_for 20 is_fast f ping 2 || fail "not fast after the link was negotiated anew"
	in_software f tcp "$PORT"
	must f bulk 300000
}

# --- ports that go -------------------------------------------------------

unbound() {
	live
	echo "$PLACE" >$DRIVER/unbind
	gone
	echo "$PLACE" >$DRIVER/bind
	back
}

# Packets are under way in both directions while the port goes.
unbound_busy() {
	live
	tell goes run 60000
	tell stays run 3000
	echo "$PLACE" >$DRIVER/unbind
	wait_for 30 no_port || fail "port 2 is still there"
	peer_answer stays || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "a connection of other ports lost packets: $ANSWER"
	peer_stop goes
	gone
	echo "$PLACE" >$DRIVER/bind
	back
}

removed() {
	live
	echo 1 >"/sys/bus/pci/devices/$PLACE/remove"
	gone
	echo 1 >/sys/bus/pci/rescan
	back
}

# QEMU's monitor: as if a hand pulled the card out, and put it in again.
unplugged() {
	live
	echo "device_del igb2" >"$MONITOR"
	gone
	echo "device_add igb,id=igb2,bus=slot2,netdev=near2,mac=02:00:00:00:01:02,romfile=" >"$MONITOR"
	back
}

# All ports go at once, with the module of their driver.
unloaded() {
	live
	peers_stop
	rmmod igb
	wait_for 30 no_port || fail "port 2 is still there"
	wait_for 10 no_flow "$STAYS" || fail "$(tool list)"
	! tool status -j | jq -e '.devices[]?' || fail "the flowtable still has a port"
	modprobe igb
	port_up 0 $RC4 $RC6
	port_up 1 $RS4 $RS6
	third_up
	rules_flush
	table
	flow_up f tcp
	in_software f tcp "$PORT"
}

# The router's namespace goes with everything in it; the kernel takes the ports out first.
ns_gone() {
	live
	peers_stop
	# It has sockets there.
	peer_stop agent
	ns_del "$NS_R"
	NS_R=''
	wait_for 30 dev_with 02:00:00:00:01:00 || fail "port 0 is not back: $(ip -br link)"
	wait_for 30 dev_with 02:00:00:00:01:02 || fail "port 2 is not back: $(ip -br link)"
}

topo_igb
run_case "declined with words" declined
for proto in udp tcp udp6 tcp6; do
	run_case "$proto in the software fast path" carried $proto
done
run_case "strict_offload" strict
run_case "no switch for hardware" no_switch
run_case "features are switched under a live flow" toggled
run_case "the driver is unbound and bound" unbound
run_case "the driver is unbound while packets pass" unbound_busy
run_case "a port is removed, and found again" removed
run_case "a port is unplugged, and plugged in" unplugged
run_case "the driver is unloaded" unloaded
run_case "the namespace goes" ns_gone
all_done
