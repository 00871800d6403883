#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# Lists, flushes and settings while connections and rulesets come and go under them:
# what is listed is whole. NFO_CHURN: seconds (15). The kernel log is the runner's to judge.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
if [ "${NFO_PROVIDER:-}" = mainline ]; then
	skipped "lists" "mainline's flowtable has none"
	all_done
	exit 0
fi

topo_up
echo_up
seconds=${NFO_CHURN:-15}
LIST=$LIB_TMP/list

# One line, one transaction; its counter r$1 tells when it is there.
ruleset_line() {
	echo "flush ruleset; table inet t { counter seen { }; counter r$1 { };" \
		"flowtable f { hook ingress priority 0; devices = { rc, rs }; counter; };" \
		"chain forward { type filter hook forward priority 0; counter name seen; meta l4proto { tcp, udp } flow add @f; };" \
		"chain post { type nat hook postrouting priority 100; oifname rs masquerade; }; }"
}
ruleset_is() { agent counter "$NS_R" inet t "r$1"; }

# Answers "FLOWS COMPLETE BAD TWICE": BAD are flows that lack something, or whose two
# directions are not of one connection, or that know no direction; TWICE are those listed again.
# shellcheck disable=SC2016 # jq's variables
AUDIT='
def learned: .iif != "" and .oif != "" and .mtu != 0;
def whole:
	. as $f | .original as $o | .reply as $r |
	($f | [.flowtable, .table, .family, .l3proto, .l4proto, .state, .reason, .age_ms, .expires_ms,
	       .ct_id, .mark, .zone] | all(. != null)) and
	([$o, $r] | all([.src, .sport, .dst, .dport, .new_src, .new_sport, .new_dst, .new_dport,
			 .iif, .oif, .mtu, .packets, .bytes] | all(. != null))) and
	$f.table == "t" and $f.flowtable == "f" and
	($f.l4proto == "tcp" or $f.l4proto == "udp") and $f.state != "unspec" and
	$o.dport == 5000 and (($o | learned) or ($r | learned)) and
	(($o | learned | not) or [$o.iif, $o.oif] == ["rc", "rs"]) and
	(($r | learned | not) or [$r.iif, $r.oif] == ["rs", "rc"]) and
	[$r.src, $r.sport, $r.dst, $r.dport] == [$o.new_dst, $o.new_dport, $o.new_src, $o.new_sport] and
	[$r.new_src, $r.new_sport, $r.new_dst, $r.new_dport] ==
		[$o.dst, $o.dport, $o.src, $o.sport];
"\(.flows | length) \(.complete) \([.flows[] | select(whole | not)] | length) " +
"\((.flows | length) - (.flows | unique_by([.l4proto, .original.src, .original.sport, .original.dst]) | length))"'

lists=0 whole=0 largest=0
# audit - one list, judged. A list that is complete names nothing twice.
audit() {
	local n complete bad twice

	in_r "$NFO_TOOLS/nft-offload" list -j >"$LIST" 2>"$LIST.err" || fail "list: $(cat "$LIST.err")"
	read -r n complete bad twice < <(jq -r "$AUDIT" "$LIST")
	lists=$((lists + 1))
	[ "$n" -le "$largest" ] || largest=$n
	[ "$bad" = 0 ] || fail "$bad of $n flows are not whole: $(cat "$LIST")"
	[ "$complete" = true ] || return 0
	whole=$((whole + 1))
	[ "$twice" = 0 ] || fail "$twice of $n flows are there twice: $(cat "$LIST")"
}

tool() { in_r "$NFO_TOOLS/nft-offload" "$@" >"$LIST.out" 2>&1 || fail "$*: $(cat "$LIST.out")"; }

churn() {
	local end rounds=0 peer events

	peer_run nfti "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec sh -c 'exec nft -i >/dev/null 2>&1'
	ruleset_line 0 | rules_load
	peer_run events "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec sh -c \
		"exec '$NFO_TOOLS/nft-offload' monitor -j >'$LIB_TMP/events' 2>&1"
	many_connections "$seconds"
	now
	end=$((NOW + seconds * 1000000))
	# A busy machine gets its rounds as well.
	while now && { [ "$NOW" -lt "$end" ] || [ $rounds -lt 8 ]; }; do
		rounds=$((rounds + 1))
		audit
		case $((rounds % 6)) in
		0) tell nfti "$(ruleset_line $rounds)" ;;
		1) tool flush -p tcp ;;
		2) tool set promote_after $((rounds % 4)) ;;
		3) tool flush -6 ;;
		4) tool set max_flows $((rounds % 12 < 6 ? 40 : 0)) ;;
		5) ct_flush ;;
		esac
		[ $((rounds % 6)) != 0 ] || { audit; wait_for 10 ruleset_is "$rounds" || fail "no ruleset"; }
	done
	tool set promote_after 0
	tool set max_flows 0
	for peer in m1 m2 m3 m4; do
		peer_answer $peer $((seconds + 60)) || fail "$peer: $ANSWER"
		echo "$peer: $ANSWER"
		read -r _ _ made failed <<<"$ANSWER"
		[ "$made" -gt 5 ] || fail "$peer made only $made connections, $failed failed"
	done
	peer_stop events
	peer_stop nfti
	echo "$rounds rounds, $lists lists, $whole of them complete, the largest $largest flows"
	[ $rounds -ge 6 ] && [ $whole -ge 1 ] && [ "$largest" -ge 10 ] || fail "that is too little to tell"

	# Whoever watched has seen flows come and go, each event one JSON object.
	events=$(jq -r .event "$LIB_TMP/events" 2>&1 | sort | uniq -c | tr -s ' \n' ' ')
	[[ $events == *destroy* && $events == *new* ]] || fail "events:$events $(tail -n 3 "$LIB_TMP/events")"
	# and all is as it was
	flow_up t tcp
	flow_up u udp6
	audit
}
run_case "lists, flushes and settings under connections and rulesets" churn

all_done
