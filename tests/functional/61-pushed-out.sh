#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# Packets that leave by VLAN devices or a PPPoE session above a listed port: the fast path puts the
# headers on by itself and hands the packets to the port, and to the device where something looks at what
# that sends. The devices count the packets in any case.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"
need tc tcpdump

LINK_QUEUES=4 topo_up
echo_up

counting() { in_r "$NFO_TOOLS/nft-offload" set dev_counters "$1" >/dev/null; }

# sent DEVICE - packets and bytes it has sent, in TX and BYTES.
sent() {
	read -r BYTES TX < <(ip -n "$NS_R" -s -j link show "$1" |
		sed -nE 's/.*"tx":\{"bytes":([0-9]+),"packets":([0-9]+).*/\1 \2/p')
}

# With dev_counters off a device counts what it has sent itself, and nothing else.
# past PEER - how many of 40 packets in the fast path $OUT has not sent, in PAST.
past() {
	local before

	PAST=
	sent "$OUT"
	before=$TX
	is_fast "$1" ping 40 || return 1
	sent "$OUT"
	PAST=$((40 - TX + before))
}
# A session's device sends one packet in half a second.
straight() { past "$1" && [ "$PAST" -ge "$LEAST" ]; }
by_device() { past "$1" && [ "$PAST" -le 0 ]; }

# stack KIND - what the packets leave by; its device in OUT, the devices below it in BELOW.
stack() {
	LEAST=40 BELOW=''
	case $1 in
	vlan) behind_vlans 802.1q:10; OUT=rs.10 ;;
	ad) behind_vlans 802.1ad:10; OUT=rs.10 ;;
	mac) VLAN_MAC=02:00:00:00:00:77 behind_vlans 802.1q:10; OUT=rs.10 ;;
	qinq) behind_vlans 802.1ad:10 802.1q:20; OUT=rs.10.20 BELOW=rs.10 ;;
	pppoe) LEAST=36; behind_pppoe; OUT=ppp0 ;;
	vlan-pppoe) LEAST=36; behind_pppoe 10; OUT=ppp0 BELOW=rs.10 ;;
	esac
	tells_below || skip "this kernel does not tell what is below a device"
	[ "$OUT" != ppp0 ] || ppp_counts || skip "this kernel's PPP has its counters to itself"
}
tells_below() { [[ $(uname -r) != 5.10.* ]]; }
# The core has had the counters of PPP devices since 6.17.
ppp_counts() { [[ $(uname -r) != 6.* ]]; }

# up KIND PROTO - a connection whose packets to the server go straight to the port.
up() {
	stack "$1"
	rules_std
	counting 0
	address_of "$2"
	client c "$2" 5000 "$TO"
	promote c "$2" "$PORT"
	wait_for 5 straight c || fail "$PAST of 40 packets pass $OUT by"
}

carries() {
	up "$@"
	hops_watch
	fast c ping 10
	fast c ping 4 1200
	hops_right 14
	[ "${2%6}" = tcp ] || return 0
	# The first stream finds the path's MTU.
	must c bulk 100000
	fast c bulk 300000
}

tap_ready() { peer_answer tap 5 || [[ $ANSWER == *"listening on"* ]]; }

# counted KIND PROTO - with dev_counters the devices count what passes them by.
counted() {
	local dev had=() bytes=() n=0

	up "$1" "$2"
	counting 1
	fast c ping 3
	pass_time 1
	must c ping 1
	for dev in $OUT $BELOW; do
		sent "$dev"
		had+=("$TX") bytes+=("$BYTES")
	done
	fast c ping 200 500
	pass_time 1
	must c ping 1
	for dev in $OUT $BELOW; do
		sent "$dev"
		had[n]=$((TX - had[n])) bytes[n]=$((BYTES - bytes[n]))
		[ "${had[n]}" -ge 200 ] || fail "$dev counts ${had[n]} of 200 packets"
		[ "${had[n]}" -le 206 ] || fail "$dev counts ${had[n]} packets, 200 were sent"
		[ "${bytes[n]}" -ge 105600 ] || fail "$dev counts ${bytes[n]} bytes of 200 packets with 528"
		[ "${bytes[n]}" -le 115000 ] || fail "$dev counts ${bytes[n]} bytes of 200 packets with 528"
		n=$((n + 1))
	done
}

# in_use - pppd, which asks the session's device when it was used last, learns that it is.
in_use() {
	local before

	up pppoe udp
	sent ppp0
	before=$TX
	for _ in 1 2 3 4; do
		fast c ping 10
		pass_time 1
	done
	sent ppp0
	[ $((TX - before)) -ge 2 ] || fail "ppp0 has sent $((TX - before)) packets in four seconds"
	[ $((TX - before)) -le 12 ] || fail "ppp0 has sent $((TX - before)) of 40 packets"
}

# by_queue - how many packets each queue of the port has sent, in QUEUE.
by_queue() {
	readarray -t QUEUE < <(in_r tc -s qdisc show dev rs |
		awk '/ parent 1:/ { queue = 1 } queue && /Sent/ { print $4; queue = 0 }')
	[ ${#QUEUE[@]} = 4 ] || fail "rs has ${#QUEUE[@]} queues"
}

# one_queue KIND - packets come by a queue of their own, and all leave by the same one: those that PPP
# sends, so that its device is in use, and the others.
one_queue() {
	local before most=0 i

	up "$1" udp
	peer_start bpf "$NS_R" exec "$NFO_TOOLS/nfo_bpf" rc queue || skip "$ANSWER"
	at_end "in_r tc qdisc del dev rs root"
	in_r tc qdisc add dev rs root handle 1: mq
	wait_for 5 straight c || fail "$PAST of 40 packets pass $OUT by"
	by_queue
	before=("${QUEUE[@]}")
	for _ in 1 2 3 4; do
		fast c ping 10
		pass_time 1
	done
	by_queue
	for i in 0 1 2 3; do
		[ $((QUEUE[i] - before[i])) -le $most ] || most=$((QUEUE[i] - before[i]))
	done
	[ $most -ge 40 ] || fail "the queues have sent ${before[*]}, then ${QUEUE[*]}"
}

# segmented KIND - the client sends segments joined, and each of them arrives as a packet of its own that
# the session's device counts.
segmented() {
	local before

	stack "$1"
	in_ns "$NS_C" ethtool -K c0 tso on gso on >/dev/null
	rules_std
	counting 1
	address_of tcp
	client c tcp 5000 "$TO"
	promote c tcp "$PORT"
	must c bulk 200000
	pass_time 1
	must c ping 1
	sent "$OUT"
	before=$TX
	fast c bulk 1000000
	pass_time 1
	must c ping 1
	sent "$OUT"
	# A million bytes are 694 packets of 1,440, at least.
	[ $((TX - before)) -ge 680 ] || fail "$OUT counts $((TX - before)) packets of a million bytes"
}

# looked_at KIND BEGIN END - after BEGIN the device sends, after END it is passed by again.
looked_at() {
	up "$1" udp
	eval "$2" || skip "this kernel does not know: $2"
	wait_for 5 by_device c || fail "$PAST of 40 packets pass $OUT by after: $2"
	eval "$3"
	settle c
	wait_for 5 straight c || fail "$PAST of 40 packets pass $OUT by after: $3"
}
tap_on() {
	peer_run tap "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec tcpdump -l -n -q -i "$OUT" "dst host $TO"
	wait_for 20 tap_ready || fail "tcpdump: $ANSWER"
}
hook_on() {
	in_r nft "table netdev e { chain c { type filter hook egress device $OUT priority 0; ip daddr 192.0.2.99 drop; }; }" 2>/dev/null
}

# The device goes down: nothing is sent by the port any more.
goes_down() {
	up "$1" udp
	must c timeout 200
	ip -n "$NS_R" link set "$OUT" down
	! ask c ping 1 || fail "an answer came, and $OUT is down"
	must c timeout 5000
}

# A VLAN device gives tags a priority from now on.
priorities() {
	up vlan udp
	ip -n "$NS_R" link set rs.10 type vlan egress-qos-map 0:5
	wait_for 5 by_device c || fail "$PAST of 40 packets pass $OUT by"
}

# The bridge of the server's side has the tag, and knows the port.
over_bridge() {
	tells_below || skip "this kernel does not tell what is below a device"
	modprobe -q bridge || true
	ip -n "$NS_R" link add br0 type bridge
	ip -n "$NS_R" link set rs master br0
	ip -n "$NS_R" link set br0 up
	STACK_R=br0 behind_vlans 802.1q:10
	links_ready "$NS_R" br0
	OUT=br0.10 LEAST=40
	rules_std
	counting 0
	address_of "$1"
	client c "$1" 5000 "$TO"
	promote c "$1" "$PORT"
	wait_for 5 straight c || fail "$PAST of 40 packets pass $OUT by"
	fast c ping 10 1200
	ip -n "$NS_R" link del br0.10
	ip -n "$NS_R" link del br0
}

for proto in udp tcp tcp6; do
	for kind in vlan qinq pppoe vlan-pppoe; do
		run_case "$kind, $proto" carries $kind $proto
	done
done
run_case "802.1ad, udp6" carries ad udp6
run_case "a VLAN device with an address of its own, udp" carries mac udp
run_case "VLAN above a bridge, udp" over_bridge udp
for kind in vlan qinq pppoe vlan-pppoe; do
	run_case "$kind: the devices count" counted $kind udp
done
run_case "PPPoE: the session's device is seen in use" in_use
run_case "PPPoE: one queue of the port" one_queue pppoe
run_case "PPPoE in a VLAN: one queue of the port" one_queue vlan-pppoe
run_case "PPPoE: joined segments" segmented pppoe
run_case "PPPoE in a VLAN: joined segments" segmented vlan-pppoe
for kind in vlan pppoe; do
	run_case "$kind: a tap" looked_at $kind tap_on "peer_stop tap"
	run_case "$kind: an egress chain" looked_at $kind hook_on "in_r nft delete table netdev e"
	# shellcheck disable=SC2016 # looked_at evaluates it
	run_case "$kind: a qdisc" looked_at $kind 'in_r tc qdisc add dev $OUT root pfifo' 'in_r tc qdisc del dev $OUT root'
	run_case "$kind: the device goes down" goes_down $kind
done
run_case "VLAN: tags get a priority" priorities
stack_gone
all_done
