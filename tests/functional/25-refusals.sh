#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# Which connections stay on the classic path, work there, and carry no [OFFLOAD].
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

topo_up
echo_up

# stays_slow PEER PROTO SPORT - ten pings, all seen, no flag at the end.
stays_slow() {
	slow 20 "$1" ping 10
	no_offload_flag "$2" "$3" || fail "offloaded: $CT"
	counter invalid
	equal "$PACKETS" 0 "invalid packets"
}

# The same connection without its obstacle is promoted: the case measures what it says.
control() {
	rules_std
	flow_up c "$1"
}
run_case "control: tcp" control tcp
run_case "control: udp" control udp

helper() {
	modprobe -q nf_conntrack_ftp || skip "no nf_conntrack_ftp"
	rules_std
	in_r nft -f - <<-END || skip "no ct helper expression"
		table inet h {
			ct helper ftp { type "ftp" protocol tcp; }
			chain pre {
				type filter hook prerouting priority 0
				tcp dport 5000 ct helper set "ftp"
			}
		}
	END
	client c tcp
	stays_slow c tcp "$PORT"
}
run_case "a connection with a helper" helper

# SYN and SYN/ACK alone don't promote.
not_established() {
	rules_std
	in_s nft -f - <<-END
		table inet s {
			chain o { type filter hook output priority 0; tcp flags & (syn|ack) == syn|ack drop; }
		}
	END
	next_port
	# Not before the end: the server says SYN and ACK once more, and nobody is there any more.
	at_end "agent flush $NS_S"
	peer_start c "$NS_C" client tcp $C4 "$PORT" $S4 5000 && fail "connected"
	ct_has tcp "$PORT" offload=0 || fail "$CT"
	ct_has tcp "$PORT" state=syn_sent || fail "$CT"
}
run_case "tcp before it is established" not_established

# flows_closed - flows of our module that a closing connection has ended, in CLOSED.
flows_closed() {
	CLOSED=0
	[ "${NFO_PROVIDER:-}" = mainline ] || { reason_count tcp-close; CLOSED=$REASON; }
}

# Every packet of a closing connection is the classic path's.
closing() {
	local before

	rules_load <<-END
		table inet t {
			counter seen { }
			counter invalid { }
			flowtable f { hook ingress priority 0; devices = { rc, rs }; }
			chain forward {
				type filter hook forward priority 0; policy accept;
				ct state invalid counter name invalid
			}
		}
	END
	client c tcp
	must c ping 2
	must st set echo 0
	at_end 'ask st set echo 1'
	must st fin
	must c finread
	wait_for 5 closing_state "$PORT" || fail "$CT"
	in_r nft 'add rule inet t forward counter name seen; add rule inet t forward meta l4proto tcp flow add @f'
	flows_closed
	before=$CLOSED
	# The client has not closed its side, so that there are packets for the rule. A flow that one of
	# them made would end with the next one.
	slow 10 c send 10 1000
	ct_has tcp "$PORT" offload=0 || fail "$CT"
	flows_closed
	equal "$CLOSED" "$before" "flows that have ended because the connection closes"
	must c close
}
closing_state() { ct_get tcp "$1" && [[ $CT == *state=time_wait* || $CT == *state=last_ack* || $CT == *state=close* || $CT == *state=fin_wait* ]]; }
run_case "tcp that is closing" closing

icmp() {
	local family proto

	rules_std "" "flow add @f"
	for family in 4 6; do
		in_c ping -$family -c 3 -i 0.2 -W 5 "$([ $family = 4 ] && echo $S4 || echo $S6)" >/dev/null ||
			fail "no answer to ping -$family"
		proto=icmp
		[ $family = 4 ] || proto=icmpv6
		agent_ct ct $proto 0 || fail "$ANSWER"
		[[ $CT == status* && $CT == *offload=0* ]] || fail "icmp: $CT"
	done
	counter seen
	[ "$PACKETS" -ge 12 ] || fail "the forward chain saw $PACKETS of 12 packets"
}
command -v ping >/dev/null || run_case "icmp" skip "no ping"
! command -v ping >/dev/null || run_case "icmp" icmp

other_protocol() {
	rules_std "" "flow add @f"
	in_s nft -f - <<-END
		table inet s {
			counter hits { }
			chain i { type filter hook prerouting priority -300; meta l4proto 253 counter name hits; }
		}
	END
	peer_start raw "$NS_C" raw 253 $C4 $S4 || fail "$ANSWER"
	slow 10 raw send 10
	wait_for 5 hits 10 || fail "the server saw $PACKETS of 10"
	agent flush "$NS_S"
}
hits() { counter hits "$NS_S" inet s && [ "$PACKETS" -ge "$1" ]; }
run_case "another IP protocol" other_protocol

# The packet that meets the rule carries options: no promotion by it.
ip_options() {
	rules_load <<-END
		table inet t {
			counter seen { }
			counter invalid { }
			flowtable f { hook ingress priority 0; devices = { rc, rs }; }
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				iifname rc meta l4proto { tcp, udp } flow add @f
			}
		}
	END
	client c udp
	must c set options 1
	stays_slow c udp "$PORT"
	must c set options 0
	promote c udp "$PORT"
	fast c ping 10
	# options on a packet of an offloaded flow: that packet is the classic path's
	must c set options 1
	slow 5 c ping 5
	must c set options 0
	wait_for 10 is_fast c ping 5 || fail "not fast again"
}
run_case "IP options" ip_options

notrack() {
	rules_std
	rules_load <<-END
		table inet raw {
			chain pre { type filter hook prerouting priority -300; notrack; }
		}
	END
	client c "$1"
	slow 20 c ping 10
	ct_gone "$1" "$PORT" || fail "$CT"
}
run_case "untracked tcp" notrack tcp
run_case "untracked udp6" notrack udp6

missing_device() {
	ours_only "only the ingress device must be in the flowtable"
	rules_load <<-END
		table inet t {
			counter seen { }
			counter invalid { }
			flowtable f { hook ingress priority 0; devices = { $1 }; }
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				meta l4proto { tcp, udp } flow add @f
			}
		}
	END
	client c tcp
	stays_slow c tcp "$PORT"
	client u udp6
	stays_slow u udp6 "$PORT"
}
run_case "the server's device is not in the flowtable" missing_device rc
run_case "the client's device is not in the flowtable" missing_device rs

# While the server doesn't answer ARP, its neighbour is not valid.
neighbour() {
	ours_only "promotes without looking at the neighbour"
	rules_std
	ip -n "$NS_S" link set s0 arp off
	ip -n "$NS_R" neigh flush dev rs
	client c udp
	must c send 5
	no_offload_flag udp "$PORT" || fail "promoted without a neighbour: $CT"
	counter seen
	[ "$PACKETS" -ge 5 ] || fail "the forward chain saw $PACKETS of 5"
	ip -n "$NS_S" link set s0 arp on
	ip -n "$NS_R" neigh flush dev rs
	must c timeout 1000
	promote c udp "$PORT"
	fast c ping 10
}
run_case "a neighbour that is not valid" neighbour

# The way back has no route: what goes there is fast all the same.
no_route() {
	ours_only "wants to know the way back as well"
	rules_std
	ip -n "$NS_C" addr add 203.0.113.9/32 dev lo
	peer_start sink "$NS_S" server udp :: 5001
	ask sink set echo 0
	next_port
	peer_start c "$NS_C" client udp 203.0.113.9 "$PORT" $S4 5001 || fail "$ANSWER"
	must c send 10
	wait_for 5 sink_has 10 || fail "$ANSWER"
	fast c send 10
	wait_for 5 sink_has 20 || fail "$ANSWER"
	ip -n "$NS_C" addr del 203.0.113.9/32 dev lo
}
sink_has() { ask sink count && [ "${ANSWER##* }" -ge "$1" ]; }
run_case "no route for the way back" no_route

# Where the sender leaves the checksum to the device, the checksum field does not show that.
option_rewritten() {
	ours_only "sends what came in"
	rules_listing "rc, rs" "tcp flags & (syn | fin | rst) == 0 reset tcp option timestamp
		meta l4proto tcp flow add @f" || skip "this nft resets no option"
	client c tcp
	slow 20 c ping 10
}
run_case "a TCP option that a rule takes away" option_rewritten

# Without a checksum nothing shows in layer 4 that a rule, and not NAT, rewrites an address.
address_rewritten() {
	ours_only "sends to the address before"
	rules_load <<-END
		table inet t {
			counter seen { }
			flowtable f { hook ingress priority 0; devices = { rc, rs }; }
			chain pre {
				type filter hook prerouting priority -150;
				ip daddr 203.0.113.77 ip daddr set $S4
			}
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				meta l4proto udp flow add @f
			}
		}
	END
	peer_start sink "$NS_S" server udp :: 5001
	ask sink set echo 0
	next_port
	peer_start c "$NS_C" client udp $C4 "$PORT" 203.0.113.77 5001 || fail "$ANSWER"
	must c set nocheck 1
	slow 20 c send 20
	wait_for 5 sink_has 20 || fail "of 20 messages arrived: $ANSWER"
}
run_case "an address that a rule rewrites, udp without a checksum" address_rewritten

all_done
