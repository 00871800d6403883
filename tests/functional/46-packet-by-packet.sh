#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core long
# The classic path decides for each packet of a connection anew: rules of routing and of the ruleset
# look at DSCP, mark or TTL. Each packet goes where it goes without a flowtable, and as it goes there.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

topo_up
echo_up
second_link 203.0.113 2001:db8:3

# router PATH [FORWARD-LINES] - PATH is classic or offload.
router() { listing_for "$1" "rc, rs, rs2" "${2:-}"; }

# by_device DEVICE N COMMAND... - of what a command sends N packets come to the server by that device.
by_device() {
	local dev=$1 n=$2 before

	shift 2
	rx_packets "$NS_S" "$dev"
	before=$RX
	must "$@"
	rx_packets "$NS_S" "$dev"
	[ $((RX - before)) -ge "$n" ] || fail "$*: $((RX - before)) of $n packets came by $dev"
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

# two_values PATH PROTO FIELD VALUE VALUE - packets with either come in turn.
two_values() {
	local value

	must c ping 12
	for value in "$4" "$5" "$4" "$5"; do
		must c set "$3" "$value"
		must c ping 5
	done
	[ "$1" = classic ] || has_offload_flag "$2" "$PORT" || fail "not offloaded: $CT"
}

# two_dscps PATH PROTO - they differ in IPv4's priority as well.
two_dscps() { two_values "$1" "$2" tos 8 0; }

# still_fast PATH [SIZE] - packets as the last ones are carried by the fast path, if there is one.
still_fast() { [ "$1" = classic ] || wait_for 5 is_fast c ping 5 ${2:+"$2"} || fail "not fast"; }

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
	two_values "$path" "$proto" ttl 60 64
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

# sets PATH PROTO RULES MATCH1 MATCH2 - rules set a field to what depends on what a packet comes with:
# packets of one kind, 20 of a second one and 20 of the first. FIRST and SECOND choose the kind, and
# the matches say how they leave.
sets() {
	local path=$1 proto=$2

	router "$path"
	in_r nft -f - <<-END || skip "nft does not know: $3"
		table inet m {
			chain given { $3; }
			chain post { type filter hook postrouting priority 200; oifname rs udp dport 5000 goto given; }
		}
		table netdev w {
			counter first { }
			counter second { }
			counter other { }
			chain o {
				type filter hook egress device rs priority 0;
				meta l4proto != udp accept
				udp dport != 5000 accept
				$4 counter name first accept
				$5 counter name second accept
				counter name other
			}
		}
	END
	client c "$proto"
	$FIRST
	must c ping 5 "$SIZE"
	still_fast "$path" "$SIZE"
	must c ping 10 "$SIZE"
	$SECOND
	must c ping 20 "$SIZE"
	$FIRST
	must c ping 20 "$SIZE"
	counter other "$NS_R" netdev w
	equal "$PACKETS" 0 "packets that are neither"
	counter second "$NS_R" netdev w
	equal "$PACKETS" 20 "packets of the second kind"
	still_fast "$path"
}
dscp_cs1() { must c set tos 32; }
dscp_cs2() { must c set tos 64; }
SIZE=64 FIRST=dscp_cs1 SECOND=dscp_cs2
on_both_paths "udp, a rule for one DSCP sets another" \
	sets udp "ip dscp cs1 ip dscp set af11" "ip dscp af11" "ip dscp cs2"
on_both_paths "udp6, rules for two DSCPs" \
	sets udp6 "ip6 dscp cs2 ip6 dscp set cs3; ip6 dscp cs1 ip6 dscp set cs2" "ip6 dscp cs2" "ip6 dscp cs3"
# iptables-nft changes some bits of the DSCP: cs1 leaves as cs5, and cs2 as cs6.
some_bits() {
	in_r iptables-nft -t mangle -A POSTROUTING -o rs -p udp --dport 5000 -j TOS --or-tos 0x80 ||
		skip "no target TOS"
	at_end "in_r nft delete table ip mangle"
	sets "$@"
}
on_both_paths "udp, iptables changes a bit of the DSCP" \
	some_bits udp accept "ip dscp cs5" "ip dscp cs6"
# come TOS|label:NUMBER - the client's packets have that TOS, or that flow label, from now on.
come() {
	case $1 in
	label:*) must c set label "${1#label:}" ;;
	*) must c set tos "$1" ;;
	esac
}
# leaves_so - the packet leaves as the rule says.
leaves_so() {
	must c ping 1
	moved_as_said
	[ "$MOVED" -gt 0 ]
}
# told_apart PLAIN OTHER - the rule acts on these packets and not on those, five times in turn: after
# a commit some packets take the classic path anyway.
told_apart() {
	for _ in 1 2 3 4 5; do
		come "$2"
		leaves_so || return 1
		come "$1"
		must c ping 1
		moved_as_said
		[ "$MOVED" = 0 ] || return 1
	done
	come "$2"
}
moved_as_said() {
	local before=${SAID:-0}

	counter said "$NS_R" netdev w
	SAID=$PACKETS MOVED=$((PACKETS - before))
}
# ecn PATH PROTO RULE PLAIN OTHER LEAVES - a rule makes something of the ECN of packets with the TOS OTHER,
# or of packets with that flow label, so that they leave as LEAVES says, and nothing of those with PLAIN.
# TCP mixes two kinds of ECN: acknowledgements are never ECT. The module may learn of the first such rule
# half a second after the commit.
ecn() {
	local path=$1 proto=$2

	router "$path"
	in_r nft -f - <<-END
		table inet m {
			chain given { $3; }
			chain post { type filter hook postrouting priority 200; oifname rs udp dport 5000 goto given; }
		}
		table netdev w {
			counter said { }
			chain o {
				type filter hook egress device rs priority 0;
				udp dport 5000 $6 counter name said
			}
		}
	END
	client c "$proto"
	come "$4"
	must c ping 5
	still_fast "$path"
	moved_as_said
	wait_for 5 told_apart "$4" "$5" || fail "the rule does nothing, or acts on all"
	must c ping 20
	moved_as_said
	equal "$MOVED" 20 "packets that leave as the rule says"
	come "$4"
	must c ping 20
	moved_as_said
	equal "$MOVED" 0 "packets that leave so and came otherwise"
	still_fast "$path"
}
on_both_paths "udp, a rule marks congestion" ecn udp "ip ecn ect0 ip ecn set ce" 0 2 "ip ecn ce"
on_both_paths "udp, a rule clears the ECN" ecn udp "ip ecn set not-ect" 64 34 "ip dscp cs1 ip ecn not-ect"
on_both_paths "udp6, a DSCP for one ECN" ecn udp6 "ip6 ecn ect0 ip6 dscp set cs3" 0 2 "ip6 dscp cs3"
on_both_paths "udp6, a DSCP for one flow label" ecn udp6 "ip6 flowlabel 77 ip6 dscp set cs3" label:76 label:77 "ip6 dscp cs3"
size_64() { SIZE=64; }
size_100() { SIZE=100; }
FIRST=size_64 SECOND=size_100
marked() {
	marks_in
	sets "$@"
}
on_both_paths "udp, a rule adds to the mark" \
	marked udp "meta mark set meta mark or 0x10" "meta mark 0x11" "meta mark 0x12"
on_both_paths "udp, a rule for one mark sets another" \
	marked udp "meta mark 1 meta mark set 7" "meta mark 7" "meta mark 2"
on_both_paths "udp, a priority by the mark" \
	marked udp "meta priority set meta mark map { 1 : 1:5, 2 : 1:6 }" "meta priority 1:5" "meta priority 1:6"

all_done
