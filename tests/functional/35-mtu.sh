#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# Packets bigger than the next device takes are the classic path's: it fragments or
# answers, the sender learns, the flow stays.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

topo_up
echo_up

set_mtu() {
	ip -n "$NS_R" link set rs mtu "$1"
	ip -n "$NS_S" link set s0 mtu "$1"
}

errors_at_client() {
	in_c nft -f - <<-END
		table inet c {
			counter errors { }
			chain i {
				type filter hook input priority 0;
				icmp type destination-unreachable icmp code frag-needed counter name errors
				icmpv6 type packet-too-big counter name errors
			}
		}
	END
}
errors() { counter errors "$NS_C" inet c && [ "$PACKETS" -ge "$1" ]; }

mtu_of() {
	must "$1" mtu
	equal "${ANSWER##* }" "$2" "the client's path MTU"
}

# A case begins without what the one before it has taught the client.
case_up() {
	agent flush "$NS_C"
	ip -n "$NS_C" route flush cache
	ip -n "$NS_C" -6 route flush cache
	rules_std
	errors_at_client
	set_mtu 1500
}

mainline_v6() {
	[[ $1 != *6 ]] || ours_only "IPv6 keeps the MTU of the moment of promotion"
}

# The segments that were sized for 1500 meet 1300 in mid-stream, as GSO packets and not.
tcp() {
	mainline_v6 "$1"
	[ -z "${2:-}" ] || in_c ethtool -K c0 tso "$2" gso "$2" >/dev/null || skip "ethtool"
	case_up
	flow_up c "$1"
	fast c bulk 200000
	set_mtu 1300
	must c bulk 1000000
	errors 1 || fail "no error message reached the client"
	mtu_of c 1300
	promote c "$1" "$PORT"
	fast c bulk 500000
	counter invalid
	equal "$PACKETS" 0 "invalid packets"
}
run_case "tcp learns a smaller path MTU, GSO" tcp tcp on
run_case "tcp learns a smaller path MTU, no GSO" tcp tcp off
run_case "tcp6 learns a smaller path MTU, GSO" tcp tcp6 on
run_case "tcp6 learns a smaller path MTU, no GSO" tcp tcp6 off

udp_df() {
	mainline_v6 "$1"
	case_up
	client c "$1"
	must c set df 1
	promote c "$1" "$PORT"
	fast c ping 5 1400
	set_mtu 1300
	wait_for 10 is_fast c ping 5 1000 || fail "not fast"
	must c timeout 1000
	ask c ping 1 1400 && fail "1400 bytes passed a device of 1300"
	wait_for 5 errors 1 || fail "no error message reached the client"
	mtu_of c 1300
	has_offload_flag "$1" "$PORT" || fail "the flow is gone: $CT"
	wait_for 10 is_fast c ping 5 1200 || fail "not fast"
	fast c ping 10 1200
}
run_case "udp with DF: error, and the flow stays" udp_df udp
run_case "udp6: error, and the flow stays" udp_df udp6

udp_no_df() {
	case_up
	client c udp
	must c set df 0
	promote c udp "$PORT"
	fast c ping 5 1400
	set_mtu 1300
	wait_for 10 is_fast c ping 5 1000 || fail "not fast"
	# the router fragments what comes from the client; the server's own answer fits
	slow 5 c ping 5 1400
	has_offload_flag udp "$PORT" || fail "the flow is gone: $CT"
	fast c ping 10 1000
	# alternating sizes don't make it flap
	for _ in 1 2 3; do
		slow 1 c ping 1 1400
		fast c ping 3 1000
	done
}
run_case "udp without DF: fragmented, and the flow stays" udp_no_df

# Exactly the MTU passes, one byte more does not.
edge() {
	case_up
	client c udp
	must c set df 1
	promote c udp "$PORT"
	set_mtu 1300
	wait_for 10 is_fast c ping 5 1000 || fail "not fast"
	fast c ping 5 1272
	must c timeout 1000
	ask c ping 1 1273 && fail "one byte too many passed"
	wait_for 5 errors 1 || fail "no error message"
	fast c ping 5 1272
}
run_case "the edge: MTU and MTU + 1" edge

# A bigger MTU later: the flow follows without being told.
grows() {
	case_up
	set_mtu 1300
	client c udp
	must c set df 0
	promote c udp "$PORT"
	set_mtu 1500
	wait_for 10 is_fast c ping 5 1400 || fail "the old MTU stays"
}
run_case "the MTU grows" grows

all_done
