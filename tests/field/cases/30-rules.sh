# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086,SC2153,SC2154 # names and addresses hold no white space
# F11 to F13: what the ruleset says of packets of connections that are offloaded already.

# f11 RULE... - inserted at the top of the forward chain while the connection lives;
# PORT stands for its source port.
f11() {
	local rule=$*

	field_up
	field_rules "rc, rs"
	live_start
	in_r nft insert rule inet t forward "${rule//PORT/$PORT}"
	probe_mark p
	probe_more p
	figure "passed after the commit ${P[echoed1]} of ${P[sent1]}"
	want "at most one passes" at_most "${P[echoed1]}" 1
}
field_case F11 "a drop rule for the live connection: at most one packet passes after the commit" f11 udp sport PORT drop
field_case F11-reply "a drop rule for its answers: at most one passes" f11 udp dport PORT drop
field_case F11-reject "a reject rule: at most one packet passes" f11 udp sport PORT reject

# The same, for one of 1,000 connections.
f11_many() {
	local port

	field_up
	field_rules "rc, rs"
	peer_run swarm "$NFO_TOOLS/nfo_peer" -n "$NS_C" exec "$NFO_TOOLS/nfo_swarm" $C4 20000 1000 $S4 5000
	peer_answer swarm || fail "swarm: $ANSWER"
	must swarm ping 0 1000 3
	slow_count
	SLOW0=$SLOW
	must swarm ping 0 1000 1
	slow_count
	figure "1,000 connections: slow $((SLOW - SLOW0)) of 2000 before"
	port=20500
	in_r nft insert rule inet t forward udp sport $port drop
	must swarm ping 500 1 1
	figure "the dropped one: $ANSWER"
	want "the dropped one is dropped" [ "$ANSWER" = "ok ping 1 1" ]
	must swarm ping 0 500 2
	want "those before it unharmed ($ANSWER)" [ "$ANSWER" = "ok ping 1000 0" ]
	must swarm ping 501 499 2
	want "those behind it unharmed ($ANSWER)" [ "$ANSWER" = "ok ping 998 0" ]
	slow_count
	SLOW0=$SLOW
	must swarm ping 0 500 2
	slow_count
	figure "slow $((SLOW - SLOW0)) of 2000 after"
	classic || want "at most 1 % slow afterwards" at_most $((SLOW - SLOW0)) 20
}
field_case F11-many "a drop rule for one of 1,000 connections: the others lose nothing and are fast again" f11_many

# `flow add` for new connections only: an accepted flow goes on after a commit.
f11_new_only() {
	field_up
	rules_load <<-END
		table inet t {
			counter slow { }
			$(flowtable "rc, rs")
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name slow
				ct state established $(classic && echo "accept" || echo "ct packets < 20 flow add @f")
			}
			chain other { }
		}
	END
	sysctl_r net/netfilter/nf_conntrack_acct 1
	live_start
	slow_count
	SLOW1=$SLOW
	in_r nft add rule inet t other accept
	probe_mark p
	probe_more p
	slow_count
	figure "slow $((SLOW - SLOW1)) of $((P[sent1] * 2)) after the commit, lost ${P[lost1]}"
	want_all
	classic || want "at most 1 % slow after the commit" at_most $((SLOW - SLOW1)) $((P[sent1] * 2 / 100))
}
field_case commit-accepted "a commit that changes nothing for the flow, flow add matches young connections only: slow at most 1 %" f11_new_only

# f12 HOOK FAMILY [PRIORITY] - the DSCP that a rule sets is on every packet.
f12() {
	local ip=ip src=$C4 dst=$S4

	[ "$2" = 4 ] || ip=ip6 src=$C6 dst=$S6
	field_up
	field_rules "rc, rs" "" "" "chain mangle { type filter hook $1 priority mangle; oifname rs $ip dscp set cs5; }"
	count_at "$NS_S" "with $ip dscp cs5 udp dport 5000"
	probe_start p "$NS_C" $src $dst
	probe_end p
	probe_say
	counted "$NS_S" with
	figure "DSCP on $PACKETS of ${P[sent]}"
	want "all carry the DSCP" [ "$PACKETS" = "${P[sent]}" ]
	want_all
	want_fast
}
field_case F12 "ip dscp set in postrouting: all packets carry it, slow at most 1 %" f12 postrouting 4
field_case F12-forward "ip dscp set in forward: all packets carry it, slow at most 1 %" f12 forward 4
field_case F12-ip6 "ip6 dscp set in postrouting: all packets carry it, slow at most 1 %" f12 postrouting 6

# A TTL that a rule sets, as tethering and some providers want it.
ttl_set() {
	field_up
	field_rules "rc, rs" "" "" "chain mangle { type filter hook postrouting priority mangle; oifname rs ip ttl set 65; }"
	count_at "$NS_S" "with ip ttl 65 udp dport 5000"
	probe_start p
	probe_end p
	probe_say
	counted "$NS_S" with
	figure "TTL on $PACKETS of ${P[sent]}"
	want "all carry the TTL" [ "$PACKETS" = "${P[sent]}" ]
	want_fast
}
field_case ttl-set "ip ttl set in postrouting: all packets carry it, slow at most 1 %" ttl_set

# egress_count MATCH - counter out at the very end of rs.
egress_count() {
	in_r nft -f - <<-END
		table netdev count {
			counter out { }
			chain c { type filter hook egress device rs priority 0; $1 counter name out; }
		}
	END
}

# f13 STATEMENT MATCH
f13() {
	field_up
	field_rules "rc, rs" "" "oifname rs $1"
	egress_count "udp dport 5000 $2"
	probe_start p
	probe_end p
	probe_say
	counter out "$NS_R" netdev count
	figure "classified $PACKETS of ${P[sent]}"
	want "all are classified" [ "$PACKETS" = "${P[sent]}" ]
	want_all
	want_fast
}
field_case F13-egress "meta mark set in forward, seen at egress: all packets, slow at most 1 %" f13 "meta mark set 0x2a" "meta mark 0x2a"
field_case F13-priority "meta priority set in forward, seen at egress: all packets, slow at most 1 %" f13 "meta priority set 1:3" "meta priority 1:3"

# The same with a tc filter and a qdisc.
f13_tc() {
	local n

	field_up
	module cls_fw sch_prio act_gact
	field_rules "rc, rs" "" "oifname rs meta mark set 0x2a"
	in_r tc qdisc add dev rs root handle 1: prio
	in_r tc filter add dev rs parent 1: protocol ip handle 0x2a fw classid 1:3 action ok
	probe_start p
	probe_end p
	probe_say
	n=$(in_r tc -s filter show dev rs parent 1: | sed -n 's/.*Sent [0-9]* bytes \([0-9]*\) pkt.*/\1/p' | head -n 1)
	figure "classified ${n:=0} of ${P[sent]}"
	want "all are classified" [ "$n" = "${P[sent]}" ]
	want_all
	want_fast
}
field_case F13 "meta mark set in forward, a tc fw filter on the way out: all packets, slow at most 1 %" f13_tc

# elements CHANGES ELEMENT - changes a set that many times, ten times a second.
elements() {
	local i

	for ((i = 0; i < $1; i += 2)); do
		echo "add element inet t blocked { $2 }"
		nap 0.1
		echo "delete element inet t blocked { $2 }"
		nap 0.1
	done
}
rules_with_set() {
	rules_load <<-END
		table inet t {
			counter slow { }
			set blocked { type inet_service; }
			$(flowtable "rc, rs")
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name slow
				udp sport @blocked drop
				ct state established,related
				$(flow_add)
			}
		}
	END
}
set_others() {
	local line

	field_up
	rules_with_set
	live_start
	elements 24 9 | while read -r line; do in_r nft "$line"; done
	probe_more p 100
	probe_say
	want_all
	want_fast 10
}
field_case set-others "set elements that concern nobody change 10 times a second: all echoed, slow at most 10 %" set_others

set_self() {
	field_up
	rules_with_set
	live_start
	in_r nft add element inet t blocked "{ $PORT }"
	probe_mark p
	probe_pass p 100
	probe_mark p
	in_r nft delete element inet t blocked "{ $PORT }"
	probe_mark p
	probe_more p 200
	figure "blocked: passed $((P[echoed1] - P[echoed2])) of $((P[sent1] - P[sent2])); allowed again: back after ${P[back3]} ms, lost ${P[lost3]}"
	want "at most one passes while blocked" at_most $((P[echoed1] - P[echoed2])) 1
	want "at most 10 lost after it is allowed again" at_most "${P[lost3]}" 10
}
field_case set-self "a set element that blocks the connection, then not: at most one passes, at most 10 lost afterwards" set_self

# A device leaves the live flowtable and comes back.
dev_listed() {
	local before

	field_up
	field_rules "rc, rs"
	live_start
	probe_mark p
	classic || in_r nft delete flowtable inet t f '{ hook ingress priority 0; devices = { rs }; }' || fail "not deleted"
	probe_pass p 100
	slow_count
	before=$SLOW
	probe_pass p 100
	slow_count
	figure "not listed: slow $((SLOW - before)) of 200"
	want "slow while it is not listed" at_least $((SLOW - before)) 90
	classic || in_r nft add flowtable inet t f '{ hook ingress priority 0; devices = { rs }; }' || fail "not added"
	fast_again p
	probe_say_mark 1 "since it left"
	want_lost 1 0
}
field_case dev-listed "a device leaves the live flowtable and comes back: nothing lost, fast again" dev_listed
