#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core long
# The classic path decides for each packet of a connection anew: rules of routing and of the ruleset
# look at DSCP, mark or TTL. Each packet goes where it goes without a flowtable.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

topo_up
echo_up
second_link 203.0.113 2001:db8:3

LISTED="rc, rs, rs2"

# router PATH [FORWARD-LINES [TABLE-LINES]] - PATH is classic or offload.
router() {
	local flow=''

	[ "$1" = classic ] || flow='meta l4proto { tcp, udp } flow add @f'
	rules_listing "$LISTED" "${2:-}
		$flow" "${3:-}"
}

# arrived NAMESPACE DEVICE - packets that came in there by now, in ARRIVED.
arrived() {
	ARRIVED=$(ip -n "$1" -s -j link show "$2" | sed -nE 's/.*"rx":\{"bytes":[0-9]+,"packets":([0-9]+).*/\1/p')
}

# by_device DEVICE N COMMAND... - of what a command sends N packets come to the server by that device.
by_device() {
	local dev=$1 n=$2 before

	shift 2
	arrived "$NS_S" "$dev"
	before=$ARRIVED
	must "$@"
	arrived "$NS_S" "$dev"
	[ $((ARRIVED - before)) -ge "$n" ] || fail "$*: $((ARRIVED - before)) of $n packets came by $dev"
}

# second_table FAMILY - table 100 leads by the second device; gone when the case ends.
second_table() {
	at_end "ip -n $NS_R -$1 rule del pref 100; ip -n $NS_R -$1 route flush table 100"
	if [ "$1" = 4 ]; then
		ip -n "$NS_R" route add $S4 via 203.0.113.2 table 100
	else
		ip -n "$NS_R" -6 route add $S6 via 2001:db8:3::2 table 100
	fi
}

# two_dscps PATH PROTO - they differ in IPv4's priority as well.
two_dscps() {
	local tos

	must c ping 12
	for tos in 8 0 8 0; do
		must c set tos $tos
		must c ping 5
	done
	[ "$1" = classic ] || has_offload_flag "$2" "$PORT" || fail "not offloaded: $CT"
}

# still_fast PATH - packets as the last ones are carried by the fast path, if there is one.
still_fast() { [ "$1" = classic ] || wait_for 5 is_fast c ping 5 || fail "not fast any more"; }

# Two DSCPs of a connection go the same way, and a rule of routing has another way for the third.
dscp_rule() {
	local path=$1 proto=$2 family=4

	case $proto in *6) family=6 ;; esac
	second_table $family
	ip -n "$NS_R" -$family rule add pref 100 tos 0x10 table 100
	router "$path"
	client c "$proto"
	two_dscps "$path" "$proto"
	must c set tos 16
	by_device s1 10 c ping 10
	must c set tos 8
	by_device s0 10 c ping 10
	still_fast "$path"
}
for proto in udp tcp udp6; do
	on_both_paths "$proto, a routing rule for the third DSCP" dscp_rule $proto
done

# The same by a route of its own.
dscp_route() {
	at_end "ip -n $NS_R route del $S4 tos 0x10"
	ip -n "$NS_R" route add $S4 tos 0x10 via 203.0.113.2
	router "$1"
	client c udp
	two_dscps "$1" udp
	must c set tos 16
	by_device s1 10 c ping 10
	must c set tos 0
	still_fast "$1"
}
on_both_paths "udp, a route for the third DSCP" dscp_route

# Marks that a chain before the flowtable gives.
marks_in() {
	in_r nft -f - <<-END
		table netdev m {
			chain i {
				type filter hook ingress device rc priority -10;
				meta length 92 meta mark set 1
				meta length 128 meta mark set 2
				meta length 228 meta mark set 3
			}
		}
	END
	at_end "in_r nft delete table netdev m"
}

two_marks() {
	client c udp
	must c ping 12
	for size in 100 64 100 64; do
		must c ping 5 $size
	done
	[ "$1" = classic ] || has_offload_flag udp "$PORT" || fail "not offloaded: $CT"
}

mark_route() {
	second_table 4
	ip -n "$NS_R" rule add pref 100 fwmark 3 table 100
	marks_in
	router "$1"
	two_marks "$1"
	by_device s1 10 c ping 10 200
	by_device s0 10 c ping 10 100
	still_fast "$1"
}
on_both_paths "udp, a routing rule for the third mark" mark_route

mark_rule() {
	marks_in
	router "$1" "meta mark 3 drop"
	two_marks "$1"
	must c timeout 200
	ask c ping 3 200 && fail "packets with the mark pass"
	must c timeout 3000
	must c ping 1
	still_fast "$1"
}
on_both_paths "udp, a rule for the third mark" mark_rule

# Two TTLs of a connection were treated alike, and a rule drops the third.
ttl_rule() {
	local path=$1 proto=$2 rule=$3

	router "$path" "$rule"
	client c "$proto"
	must c ping 12
	for ttl in 60 64 60 64; do
		must c set ttl $ttl
		must c ping 5
	done
	[ "$path" = classic ] || has_offload_flag "$proto" "$PORT" || fail "not offloaded: $CT"
	must c set ttl 9
	must c timeout 200
	ask c ping 3 && fail "packets with the TTL pass"
	must c set ttl 64
	must c timeout 3000
	must c ping 1
	still_fast "$path"
}
on_both_paths "udp, a rule for the third TTL" ttl_rule udp "ip ttl < 10 drop"
on_both_paths "udp6, a rule for the third hop limit" ttl_rule udp6 "ip6 hoplimit < 10 drop"

all_done
