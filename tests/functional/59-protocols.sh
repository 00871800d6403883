#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# Protocols other than TCP and UDP: SCTP, UDP-Lite, GRE, ESP, IP in IP, ICMP echo.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"

modprobe -q -a sctp nf_conntrack || true
topo_up

# A kernel with drivers of tunnels answers packets of a tunnel that it does not have with an
# error. The echo is a program's here; the errors are not to be counted as its packets.
modprobe -q -a ipip ip_gre sit ip6_tunnel ip6_gre || true
for ns in "$NS_C" "$NS_S"; do
	in_ns "$ns" nft -f - <<-END
		table inet quiet {
			chain out {
				type filter hook output priority 0;
				icmp type destination-unreachable drop
				icmpv6 type destination-unreachable drop
			}
		}
	END
done

# rules [NAT-STATEMENT] - everything that may be offloaded is; the statement stands in the
# postrouting chain for what leaves to the server.
rules() {
	rules_listing "rc, rs" "flow add @f"
	[ -z "${1:-}" ] || in_r nft -f - <<-END
		table inet nat {
			chain post { type nat hook postrouting priority 100; oifname rs $1; }
		}
	END
}

setting() { in_r "$NFO_TOOLS/nft-offload" set "$1" "$2" >/dev/null; }
reasons() { in_r awk -v r="$1" '$1 == r { print $2 }' /proc/net/nf_flow_offload; }

# ends FAMILY - the client's and the server's address, in FROM and TO.
ends() {
	FROM=$C4 TO=$S4
	[ "$1" = 4 ] || FROM=$C6 TO=$S6
}

# raw_up PROTO FAMILY - a client c and its echo.
raw_up() {
	ends "$2"
	next_port
	[ "$1" = icmp ] || peer_run srv "$NFO_TOOLS/nfo_raw" "$NS_S" serve "$1" "$TO" 4500
	[ "$1" = icmp ] || peer_answer srv || fail "server: $ANSWER"
	peer_run c "$NFO_TOOLS/nfo_raw" "$NS_C" client "$1" "$FROM" "$PORT" "$TO" 4500
	peer_answer c || fail "client: $ANSWER"
}

# carried PROTO FAMILY [NAT] - echoes come back, none passes the forward chain, and the flow
# counts them.
carried() {
	local before

	[ "$1" != icmp ] || setting icmp_echo 1
	rules "${3:-}"
	raw_up "$1" "$2"
	wait_for 10 is_fast c ping 3 || fail "$1 is not fast: $ANSWER"
	flow_packets
	before=$FLOW
	fast c ping 20
	fast c ping 3 1400
	fast c ping 3 0
	flow_packets
	[ $((FLOW - before)) -ge 52 ] || fail "the flow counts $((FLOW - before)) packets"
	setting icmp_echo 0
}

# Packets of both directions of the only flow.
flow_packets() {
	FLOW=$(in_r "$NFO_TOOLS/nft-offload" list -j |
		jq '[.. | objects | select(.original?.packets?) | .original.packets + .reply.packets] | add // 0')
}

for family in 4 6; do
	run_case "GRE passes through, IPv$family" carried gre $family
	run_case "GRE passes through, IPv$family, NAT" carried gre $family masquerade
	run_case "ESP passes through, IPv$family" carried esp $family
	run_case "ESP passes through, IPv$family, NAT" carried esp $family masquerade
	run_case "IPv4 in IPv$family passes through" carried ipip $family
	run_case "ICMP echo, IPv$family" carried icmp $family
	run_case "ICMP echo, IPv$family, NAT" carried icmp $family masquerade
done

# Where conntrack reads the ports of UDP-Lite, its check of the checksum takes UDP's number
# for the pseudo header, and finds all of them wrong.
udplite() {
	agent sysctl "$NS_R" net/netfilter/nf_conntrack_checksum 0 || fail "$ANSWER"
	if [ -n "${2:-}" ] && ! has_ports; then
		skip "conntrack of this kernel knows no UDP-Lite, and NAT spoils its checksums"
	fi
	carried udplite "$@"
	agent sysctl "$NS_R" net/netfilter/nf_conntrack_checksum 1
}
# has_ports - does conntrack tell connections of UDP-Lite apart by ports?
has_ports() {
	rules
	raw_up udplite 4
	must c send 1
	ct_get udplite "$PORT"
	peer_stop c
	peer_stop srv
	[ "$CT" != none ]
}
for family in 4 6; do
	run_case "UDP-Lite, IPv$family" udplite $family
	run_case "UDP-Lite, IPv$family, NAT" udplite $family masquerade
done

# in_tunnel KIND PROTO - the tunnel that ends here is taken off, the one inside passes through.
in_tunnel() {
	behind_tunnel "$1"
	local S4=$V4S
	carried "$2" 4
	peer_stop c
	peer_stop srv
	tunnel_gone
}
for proto in gre esp ipip; do
	run_case "$proto through an IPIP tunnel of the router" in_tunnel ipip $proto
	run_case "$proto through a GRE tunnel of the router" in_tunnel gre $proto
done
run_case "gre through a 4in6 tunnel of the router" in_tunnel ip6tnl gre

# A VLAN is taken off, the tunnel is not.
behind_vlan() {
	ends 4
	ip -n "$NS_R" link add link rs name rs.7 type vlan id 7
	ip -n "$NS_S" link add link s0 name s0.7 type vlan id 7
	ip -n "$NS_R" -batch - <<-END
		addr add 203.0.113.1/24 dev rs.7
		link set rs.7 up
	END
	ip -n "$NS_S" -batch - <<-END
		addr add 203.0.113.2/24 dev s0.7
		link set s0.7 up
		route add $C4 via 203.0.113.1
	END
	rules
	peer_run srv "$NFO_TOOLS/nfo_raw" "$NS_S" serve "$1" 203.0.113.2 4500
	peer_answer srv || fail "server: $ANSWER"
	peer_run c "$NFO_TOOLS/nfo_raw" "$NS_C" client "$1" "$C4" 1 203.0.113.2 4500
	peer_answer c || fail "client: $ANSWER"
	wait_for 10 is_fast c ping 3 || fail "not fast: $ANSWER"
	fast c ping 20
	ip -n "$NS_R" link del rs.7
	ip -n "$NS_S" link del s0.7
}
run_case "GRE passes through a VLAN" behind_vlan gre
run_case "ESP passes through a VLAN" behind_vlan esp

# PPTP's calls are conntrack's matter.
gre_version() {
	local before

	rules
	before=$(reasons protocol)
	raw_up gre 4
	must c version 1
	slow 10 c ping 5
	[ "$(reasons protocol)" -gt "$before" ] || fail "the reason is not counted"
}
run_case "GRE of version 1 stays slow" gre_version

# stays_slow PROTO FAMILY REASON [NAT] - every packet of it takes the classic path, unharmed.
stays_slow() {
	local before

	rules "${4:-}"
	before=$(reasons "$3")
	raw_up "$1" "$2"
	slow 40 c ping 20
	slow 6 c ping 3 1300
	[ "$(reasons "$3")" -gt "$before" ] || fail "the reason is not counted"
	in_r "$NFO_TOOLS/nft-offload" list -j >"$LIB_TMP/list"
	[ "$(jq '.flows | length' "$LIB_TMP/list")" = 0 ] || fail "offloaded: $(cat "$LIB_TMP/list")"
}
# IPv4's conntrack tracks AH by its addresses, IPv6's tracks what is behind it.
run_case "AH stays slow, IPv4" stays_slow ah 4 protocol
run_case "AH stays slow, IPv6" stays_slow ah 6 protocol

# pptp [NAT] - a call of PPTP: conntrack's helper reads the control connection, expects the call,
# and its NAT writes the call's identifiers anew.
pptp() {
	local before helpers

	modprobe -q -a nf_conntrack_pptp nf_nat_pptp || true
	rules "${1:-}"
	in_r nft -f - <<-END || skip "no helper for PPTP"
		table ip helpers {
			ct helper pptp { type "pptp" protocol tcp; }
			chain pre { type filter hook prerouting priority 0; tcp dport 1723 ct helper set "pptp"; }
		}
	END
	before=$(reasons protocol) helpers=$(reasons helper)
	peer_run srv "$NFO_TOOLS/nfo_pptp" "$NS_S" serve $S4
	peer_answer srv || fail "server: $ANSWER"
	peer_run c "$NFO_TOOLS/nfo_pptp" "$NS_C" client $C4 $S4
	peer_answer c || fail "call: $ANSWER"
	slow 40 c ping 20
	slow 6 c ping 3 1300
	in_r conntrack -L -p gre >"$LIB_TMP/calls"
	grep -q 'srckey=0x[1-9a-f]' "$LIB_TMP/calls" || fail "no call is expected: $(cat "$LIB_TMP/calls")"
	[ "$(reasons protocol)" -gt "$before" ] || fail "the reason of the call is not counted"
	[ "$(reasons helper)" -gt "$helpers" ] || fail "the reason of the control connection is not counted"
}
run_case "PPTP stays slow" pptp
run_case "PPTP stays slow, NAT" pptp masquerade

icmp_setting() {
	local before

	rules
	before=$(reasons icmp-echo)
	raw_up icmp "$1"
	slow 10 c ping 5
	[ "$(reasons icmp-echo)" -gt "$before" ] || fail "the reason is not counted"
}
run_case "ICMP echo without the setting" icmp_setting 4
run_case "ICMPv6 echo without the setting" icmp_setting 6

# Something on the classic path rewrites what no checksum covers.
payload() {
	rules
	in_r nft -f - <<-END || skip "no payload statement"
		table ip p {
			chain post { type filter hook postrouting priority 0; oifname rs ip protocol esp @th,64,16 set 0xbeef; }
		}
	END
	raw_up esp 4
	must c send 5
	slow 10 c send 10
	[ "$(reasons payload-changed)" -gt 0 ] || fail "the reason is not counted"
}
run_case "the payload of ESP is rewritten" payload

# ---- SCTP ----

sctp_up() {
	ends "$1"
	next_port
	peer_start srv "$NS_S" server sctp "$TO" 5000 || skip "no SCTP sockets: $ANSWER"
	peer_start c "$NS_C" client sctp "$FROM" "$PORT" "$TO" 5000 || fail "client: $ANSWER"
}

sctp() {
	rules "${2:-}"
	sctp_up "$1"
	promote c sctp"${1#4}" "$PORT"
	settle c
	fast c ping 20
	fast c ping 10 1400
	must c bulk 300000
	settle c
	fast c ping 20
}
for family in 4 6; do
	new="ip"
	[ $family = 4 ] || new="ip6"
	run_case "SCTP, IPv$family" sctp $family
	run_case "SCTP, IPv$family, NAT of addresses" sctp $family "meta l4proto sctp masquerade"
	to="198.51.100.1:4000"
	[ $family = 4 ] || to="[2001:db8:2::1]:4000"
	run_case "SCTP, IPv$family, NAT of ports" sctp $family "meta l4proto sctp snat $new to $to"
done

# Without checksum offload the CRC of each packet is verified, and NAT makes it anew.
sctp_crc() {
	in_c ethtool -K c0 tx off >/dev/null 2>&1 || true
	in_c ethtool -K c0 tx-checksum-sctp off >/dev/null 2>&1 || true
	in_s ethtool -K s0 tx off >/dev/null 2>&1 || true
	in_s ethtool -K s0 tx-checksum-sctp off >/dev/null 2>&1 || true
	sctp 4 "meta l4proto sctp snat ip to 198.51.100.1:4001"
	in_c ethtool -K c0 tx on >/dev/null 2>&1 || true
	in_s ethtool -K s0 tx on >/dev/null 2>&1 || true
}
run_case "SCTP, NAT of ports, CRC by software" sctp_crc

# sctp_end COMMAND - a chunk that ends the association takes the classic path, and the flow
# ends with it.
sctp_end() {
	local before

	rules
	sctp_up 4
	promote c sctp "$PORT"
	before=$(reasons sctp-state)
	must c "$1"
	wait_for 5 no_offload_flag sctp "$PORT" || fail "$CT"
	[ "$(reasons sctp-state)" -gt "$before" ] || fail "the reason is not counted"
}
run_case "SCTP shutdown" sctp_end close
run_case "SCTP abort" sctp_end reset

# Of the handshake nothing is offloaded.
sctp_handshake() {
	local before

	rules
	before=$(reasons sctp-chunk)
	sctp_up 4
	[ "$(reasons sctp-chunk)" -gt "$before" ] || fail "the reason is not counted"
	ct_get sctp "$PORT"
	[[ $CT == *offload=0* ]] || fail "$CT"
}
run_case "SCTP handshake" sctp_handshake

all_done
