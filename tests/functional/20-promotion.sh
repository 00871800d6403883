#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core compat
# Which connections enter the table, with which NAT.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

topo_up
echo_up

plain() {
	rules_std
	flow_up c "$1"
	ct_get "$1" "$PORT"
	ct_field hw
	equal "$FIELD" 0 "HW_OFFLOAD"
}
for proto in tcp udp tcp6 udp6; do
	run_case "$proto without NAT" plain $proto
done


established_rule() {
	rules_listing "rc, rs" "iifname rc ct state established flow add @f"
	flow_up c "$1"
}
run_case "tcp, a rule for one direction and established only" established_rule tcp
run_case "udp, a rule for one direction and established only" established_rule udp

nat_rules() { in_r nft -f -; }

# server_sees ADDRESS-MATCH - a counter in the server's own input.
server_sees() {
	in_s nft -f - <<-END
		table inet s {
			counter hits { }
			chain i { type filter hook input priority 0; $1 counter name hits; }
		}
	END
}

server_done() { agent flush "$NS_S"; }

# all_hit N PEER - N more pings, all of them matched at the server.
all_hit() {
	local before

	counter hits "$NS_S" inet s
	before=$PACKETS
	fast "$2" ping "$1"
	counter hits "$NS_S" inet s
	[ $((PACKETS - before)) -ge "$1" ] ||
		fail "the server saw $((PACKETS - before)) of $1 packets as they should be"
}

masquerade() {
	local match="ip saddr $RS4"

	[[ $1 != *6 ]] || match="ip6 saddr $RS6"
	rules_std
	nat_rules <<-END
		table inet nat {
			chain post { type nat hook postrouting priority 100; oifname rs masquerade; }
		}
	END
	server_sees "$match"
	flow_up c "$1"
	all_hit 20 c
	server_done
}

snat() {
	local to="snat ip to 198.51.100.77:4000-4999" match="ip saddr 198.51.100.77"

	if [[ $1 == *6 ]]; then
		to="snat ip6 to [2001:db8:2::77]:4000-4999" match="ip6 saddr 2001:db8:2::77"
	fi
	ip -n "$NS_R" addr replace 198.51.100.77/32 dev rs
	ip -n "$NS_R" addr replace 2001:db8:2::77/128 dev rs nodad
	rules_std
	nat_rules <<-END
		table inet nat {
			chain post {
				type nat hook postrouting priority 100
				oifname rs meta l4proto { tcp, udp } $to
			}
		}
	END
	server_sees "$match th sport 4000-4999"
	flow_up c "$1"
	all_hit 20 c
	server_done
	# or masquerade would choose them in the next case
	ip -n "$NS_R" addr del 198.51.100.77/32 dev rs
	ip -n "$NS_R" addr del 2001:db8:2::77/128 dev rs
}

dnat() {
	local to="dnat ip to $S4:5000" addr=$RC4 match="ip daddr $S4"

	if [[ $1 == *6 ]]; then
		to="dnat ip6 to [$S6]:5000" addr=$RC6 match="ip6 daddr $S6"
	fi
	rules_std
	nat_rules <<-END
		table inet nat {
			chain pre {
				type nat hook prerouting priority -100
				iifname rc meta l4proto { tcp, udp } th dport 8000 $to
			}
		}
	END
	server_sees "$match th dport 5000"
	client c "$1" 8000 "$addr"
	promote c "$1" "$PORT"
	all_hit 20 c
	server_done
}

both() {
	local to="dnat ip to $S4:5000" addr=$RC4 match="ip saddr $RS4"

	if [[ $1 == *6 ]]; then
		to="dnat ip6 to [$S6]:5000" addr=$RC6 match="ip6 saddr $RS6"
	fi
	rules_std
	nat_rules <<-END
		table inet nat {
			chain pre {
				type nat hook prerouting priority -100
				iifname rc meta l4proto { tcp, udp } th dport 8000 $to
			}
			chain post { type nat hook postrouting priority 100; oifname rs masquerade; }
		}
	END
	server_sees "$match th dport 5000"
	client c "$1" 8000 "$addr"
	promote c "$1" "$PORT"
	all_hit 20 c
	# the sum is right for every length, odd ones too
	fast c ping 1 1
	fast c ping 1 1399
	server_done
}

for proto in tcp udp tcp6 udp6; do
	for nat in masquerade snat dnat both; do
		run_case "$proto, $nat" $nat $proto
	done
done

# Redirect ends in the router itself: nothing is forwarded, nothing is offloaded.
redirect() {
	peer_start local "$NS_R" server "$1" :: 7000
	rules_std
	nat_rules <<-END
		table inet nat {
			chain pre {
				type nat hook prerouting priority -100
				iifname rc meta l4proto { tcp, udp } th dport 5000 redirect to :7000
			}
		}
	END
	client c "$1"
	must c ping 10
	no_offload_flag "$1" "$PORT" || fail "offloaded"
	ask local count
	equal "${ANSWER##* }" 10 "messages at the router"
}
run_case "tcp, redirect stays local" redirect tcp
run_case "udp, redirect stays local" redirect udp

zone() {
	rules_std
	rules_load <<-END
		table inet z {
			chain pre {
				type filter hook prerouting priority -300
				iifname { rc, rs } ct zone set 17
			}
		}
	END
	flow_up c "$1"
	ct_get "$1" "$PORT"
}
run_case "tcp in a conntrack zone" zone tcp
run_case "udp6 in a conntrack zone" zone udp6

# One tuple in two zones is two connections; each has a flow of its own or none.
two_zones() {
	rules_std
	rules_load <<-END
		table inet z {
			chain pre {
				type filter hook prerouting priority -300
				iifname rc meta mark 5 ct zone set 17
				iifname { rc, rs } udp dport 5001 ct zone set 18
			}
		}
	END
	flow_up c udp
	fast c ping 10
	client d udp
	promote d udp "$PORT"
	fast c ping 5
	fast d ping 5
}
run_case "two udp connections beside rules for zones" two_zones

mark() {
	rules_std "" "ct state new ct mark set 42"
	flow_up c tcp
	ct_has tcp "$PORT" mark=42 || fail "ct mark: $CT"
	fast c ping 10
	ct_has tcp "$PORT" mark=42 || fail "ct mark lost: $CT"
}
run_case "the connection's mark is kept" mark

# Unreplied UDP goes one way: the way back joins when the classic path has seen it.
unreplied() {
	ours_only "unreplied UDP is promoted as if it were bidirectional, or not at all"
	peer_start sink "$NS_S" server udp :: 5001
	ask sink set echo 0
	rules_std
	client c udp 5001
	must c send 3
	wait_for 5 has_offload_flag udp "$PORT" || fail "not promoted: $CT"
	ct_has udp "$PORT" seen=0 || fail "$CT"
	fast c send 10
	# None of them may be answered late, or conntrack has seen a reply by then.
	wait_for 5 sink_has 13 || fail "the server got: $ANSWER"
	ask sink set echo 1
	# the reply is seen by conntrack: it has to become a replied connection
	slow 1 c ping 1
	ct_has udp "$PORT" seen=1 || fail "the reply went past conntrack: $CT"
	wait_for 10 is_fast c ping 5 || fail "the way back does not join"
	fast c ping 20
}
# sink_has MESSAGES
sink_has() {
	ask sink count && [[ $ANSWER == *" $1" ]]
}
run_case "udp without a reply, and the reply later" unreplied

one_way_counts() {
	rules_std
	peer_start sink "$NS_S" server udp :: 5001
	ask sink set echo 0
	client c udp 5001
	must c send 50
	arrived 50 || wait_for 5 arrived 50 || fail "$ANSWER"
}
arrived() { ask sink count && [ "${ANSWER##* }" = "$1" ]; }
run_case "udp in one direction arrives whole" one_way_counts

# A query and its answers make no flow: most UDP connections have ended with them.
# ends - q asks, a answers, each when it is told to.
ends() {
	ours_only "the answer to a query makes a flow"
	peer_stop a
	peer_stop q
	rules_std
	client q udp 5002
	peer_start a "$NS_S" client udp $S4 5002 $C4 "$PORT" || fail "$ANSWER"
	reason_count udp-answer
	refused=${REASON:-0}
	must q send 1
}
# refused_by N - so many answers were refused.
refused_by() { reason_count udp-answer; [ $((REASON - refused)) = "$1" ]; }
udp_answers() { in_r "$NFO_TOOLS/nft-offload" set udp_answers "$1" || fail "udp_answers $1"; }

# Another connection's answers may have been counted in the same place, in one case of some hundred.
query_answered() {
	local i

	ends
	for i in 1 2; do
		must a send 1
		wait_for 5 refused_by $i && no_offload_flag udp "$PORT" || return 1
	done
}
query() {
	query_answered || query_answered || query_answered ||
		fail "refused: $REASON, before $refused, $CT"
	must q send 1
	wait_for 5 has_offload_flag udp "$PORT" || fail "not promoted by a further query: $CT"
	must a send 1
	fast q send 5
	fast a send 5
	refused_by 2 || fail "refused: $REASON, before $refused"
}
run_case "udp, a query and its answers make no flow, a further query does" query

# With two processors each may count some of the answers.
answers_alone() {
	ends
	must a send 9
	wait_for 1 has_offload_flag udp "$PORT" || fail "not promoted by 9 answers: $CT"
	ct_has udp "$PORT" assured=0 || fail "too late to tell: $CT"
	fast a send 5
}
run_case "udp, a third answer makes a flow" answers_alone

answer_at_once() {
	at_end 'udp_answers 2'
	udp_answers 0
	ends
	must a send 1
	wait_for 5 has_offload_flag udp "$PORT" || fail "not promoted by the answer: $CT"
	refused_by 0 || fail "refused: $REASON, before $refused"
}
run_case "udp, with udp_answers 0 the first answer makes a flow" answer_at_once

answered_flag() { must a send 1 && has_offload_flag udp "$PORT"; }
answers_assured() {
	at_end 'udp_answers 2'
	udp_answers 255
	ends
	must a send 1
	wait_for 5 refused_by 1 || fail "refused: $REASON, before $refused"
	wait_for 10 answered_flag || fail "not promoted: $CT"
	ct_has udp "$PORT" assured=1 || fail "promoted before: $CT"
}
run_case "udp, an answer makes a flow once the connection is assured" answers_assured

# Many connections at once, promoted and each still itself.
several() {
	local i

	rules_std
	for i in 1 2 3 4 5 6; do
		client "u$i" udp
		promote "u$i" udp "$PORT"
	done
	for i in 1 2 3 4 5 6; do
		fast "u$i" ping 10
	done
}
run_case "several flows side by side" several

all_done
