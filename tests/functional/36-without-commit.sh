#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# The ruleset's answer changes and nf_tables commits nothing: elements time out, packets add some,
# it becomes ten o'clock, a label is put on a connection. A live connection gets the answer that
# the classic path gives, within the setting recheck_ms.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

need date

topo_up
echo_up

RECHECK=500
# How long elements live, in seconds: for longer than a connection takes to come up.
LIFE=$((2 + LIB_SLOW))
recheck() {
	[ "${NFO_PROVIDER:-}" = mainline ] || in_r "$NFO_TOOLS/nft-offload" set recheck_ms "$1" >/dev/null
}

# rules_with PATH BEFORE [LINES] - `flow add`, on the offloaded path, after the lines BEFORE of the
# forward chain; LINES are the table's.
rules_with() {
	local table='' add=''

	[ "$1" = classic ] || {
		ours_only "a live flow never passes the ruleset again"
		table='flowtable f { hook ingress priority 0; devices = { rc, rs }; }'
		add='meta l4proto { tcp, udp } flow add @f'
	}
	rules_load <<-END
		table inet t {
			counter seen { }
			$table
			${3:-}
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				ct state invalid drop
				$2
				$add
			}
		}
	END
}

# connect PATH PROTO - a client c, on that path.
connect() {
	client c "$2"
	case $1 in
	offload) promote c "$2" "$PORT" ;;
	*) must c ping 12 ;;
	esac
}

unanswered() { ! ask c ping 1; }
answered() { ask c ping 1; }

# stops_within SECONDS - the connection is no longer answered.
stops_within() {
	must c timeout 200
	wait_for "$1" unanswered || fail "packets pass for $1 s and more"
	# and that was no packet that got lost
	nap 0.3
	ask c ping 3 && fail "packets pass again"
	return 0
}

set_of() {
	case $1 in
	*6) printf 'set s { type ipv6_addr; flags %s; }' "$2" ;;
	*) printf 'set s { type ipv4_addr; flags %s; }' "$2" ;;
	esac
}

# of_client PROTO - how a rule calls the client's address, in FIELD, and the address, in ADDR.
of_client() {
	case $1 in
	*6) FIELD="ip6 saddr" ADDR=$C6 ;;
	*) FIELD="ip saddr" ADDR=$C4 ;;
	esac
}

# A captive portal: who is in the set may pass, until the element times out.
element_times_out() {
	local path=$1 proto=$2

	recheck $RECHECK
	of_client "$proto"
	rules_with "$path" "$FIELD != @s $FIELD $ADDR drop" "$(set_of "$proto" timeout)"
	in_r nft add element inet t s "{ $ADDR timeout ${LIFE}s }"
	connect "$path" "$proto"
	must c ping 3
	stops_within 10
}
for proto in udp tcp udp6 tcp6; do
	on_both_paths "$proto, an element of a set times out" element_times_out $proto
done

# The same for the answers alone, in a chain that is jumped to by a map, in a table of its own
# after POSTROUTING's other rules.
element_of_map() {
	local path=$1

	recheck $RECHECK
	rules_with "$path" ""
	rules_load <<-END
		table ip late {
			map m { type ipv4_addr : verdict; flags timeout; elements = { $C4 timeout ${LIFE}s : goto ok }; }
			chain ok { accept; }
			chain others { ip daddr vmap @m; ip daddr $C4 drop; }
			chain post { type filter hook postrouting priority 300; jump others; }
		}
	END
	connect "$path" udp
	stops_within 10
	in_r nft delete table ip late
}
on_both_paths "udp, an element of a map of chains times out, after POSTROUTING" element_of_map

# Each packet gives the element its time anew: as long as there are packets, it stays.
element_is_refreshed() {
	local path=$1 i

	recheck $RECHECK
	rules_with "$path" "ip saddr @s update @s { ip saddr timeout ${LIFE}s }
		ip saddr $C4 ip saddr != @s drop" "$(set_of udp dynamic,timeout)"
	in_r nft add element inet t s "{ $C4 timeout ${LIFE}s }"
	connect "$path" udp
	for ((i = 0; i < 4 * LIFE; i++)); do
		must c ping 2
		nap 0.5
	done
	in_r nft get element inet t s "{ $C4 }" >/dev/null || fail "the element is gone in round $i"
	[ "$path" = classic ] || has_offload_flag udp "$PORT" || fail "not offloaded in round $i"
}
on_both_paths "udp, packets refresh the element" element_is_refreshed

# Another client's packets add an element that lets this connection pass no longer.
element_is_added() {
	local path=$1

	recheck $RECHECK
	rules_with "$path" "udp dport 5999 add @s { ip saddr }
		ip saddr @s drop" "$(set_of udp dynamic)"
	connect "$path" udp
	must c ping 3
	next_port
	peer_start knock "$NS_C" client udp $C4 "$PORT" $S4 5999
	must knock timeout 100
	ask knock ping 1 || true
	stops_within 10
}
on_both_paths "udp, packets of another connection add an element" element_is_added

# Parental control: a rule that holds from some time on.
time_comes() {
	local path=$1 proto=$2

	recheck $RECHECK
	rules_with "$path" "meta time >= \"$(date -d "+$((2 + LIB_SLOW)) seconds" '+%F %T')\" drop"
	connect "$path" "$proto"
	must c ping 3
	stops_within 12
}
on_both_paths "udp, a time comes" time_comes udp
on_both_paths "tcp6, a time comes" time_comes tcp6

# quota_used_up PATH RULE MORE - the rule drops once packets of another connection have used a quota up.
quota_used_up() {
	local path=$1

	recheck $RECHECK
	rules_with "$path" "$2
		tcp dport 5000 accept
		tcp sport 5000 accept" "$3"
	connect "$path" udp
	must c ping 3
	client d tcp
	must d timeout 200
	ask d ping 2000 && fail "the quota is not used up"
	stops_within 10
}
on_both_paths "udp, other packets use a quota up" quota_used_up "quota name q drop" "quota q { over 30 kbytes }"
# Elements of this set have a quota each, and come and go by commits alone.
on_both_paths "udp, other packets use an element's quota up" quota_used_up "ip saddr @s drop" \
	"set s { type ipv4_addr; quota over 30 kbytes; elements = { $C4 }; }"

# The volume of a connection, which conntrack knows as well when it is offloaded.
volume_reached() {
	local path=$1

	recheck $RECHECK
	sysctl_r net/netfilter/nf_conntrack_acct 1
	rules_with "$path" "udp dport 5000 ct original packets > 60 drop"
	connect "$path" udp
	must c ping 10
	must c timeout 200
	ask c ping 100 && [ "$path" = classic ] && fail "more than 60 packets pass"
	stops_within 10
}
on_both_paths "udp, a connection has had its packets" volume_reached

# iptables' words for it, in nf_tables.
xt_time() {
	local path=$1

	command -v iptables-nft >/dev/null || skip "no iptables-nft"
	recheck $RECHECK
	rules_with "$path" ""
	in_r iptables-nft -w -A FORWARD -m time --datestart "$(date -u -d "+$((3 + LIB_SLOW)) seconds" '+%FT%T')" -j DROP ||
		skip "no time match in this kernel"
	connect "$path" udp
	must c ping 3
	stops_within 12
}
on_both_paths "udp, iptables' match of the time" xt_time

# Without such a rule no packet of a live connection sees the ruleset.
nothing_to_look_for() {
	ours_only "it never looks again"
	recheck 200
	rules_with offload "ip saddr @s accept" "$(set_of udp interval)"
	flow_up c udp
	seen_slow must c run 2000
	equal "$SLOW" 0 "packets on the slow path"
}
run_case "udp, no rule whose answer changes by itself" nothing_to_look_for

# With one, one packet of each direction does, once in the time that was set; and none with 0.
as_often_as_set() {
	ours_only "it never looks again"
	recheck 500
	rules_with offload "ip saddr @s accept" "$(set_of udp timeout)"
	flow_up c udp
	settle c
	seen_slow must c run 4000
	[ "$SLOW" -ge 8 ] && [ "$SLOW" -le 40 ] || fail "$SLOW packets on the slow path in 4 s, expected about 16"
	recheck 0
	settle c
	seen_slow must c run 2000
	equal "$SLOW" 0 "packets on the slow path with recheck_ms 0"
}
run_case "udp, as often as recheck_ms says" as_often_as_set

# What is for the router's own packets is none of a flow's business.
of_other_hooks() {
	ours_only "it never looks again"
	recheck 200
	rules_with offload "" "$(set_of udp timeout)
		chain input { type filter hook input priority 0; ip saddr @s drop; }"
	flow_up c udp
	seen_slow must c run 2000
	equal "$SLOW" 0 "packets on the slow path"
}
run_case "udp, a set for what the router receives" of_other_hooks

# conntrack's labels: a rule that looks at one.
label_is_put_on() {
	local path=$1 proto=$2

	recheck 0
	rules_with "$path" "udp dport 1 ct label set 6
		ct label 5 drop"
	connect "$path" "$proto"
	must c ping 3
	ct_set_label "$proto" "$PORT" 5
	stops_within 5
}
on_both_paths "udp, a label is put on a live connection" label_is_put_on udp
on_both_paths "tcp6, a label is put on a live connection" label_is_put_on tcp6

# conntrack is told that the entry is not to live for longer.
timeout_is_fixed() {
	ours_only "it does not look at the entry's status"
	# The rules of the case before may be in the scan for half a second.
	recheck 0
	rules_with offload ""
	flow_up c udp
	ct_fix_timeout "$PORT"
	wait_for 5 leaves || fail "still offloaded"
	ct_timeout_kept
}
leaves() { ask c ping 1; no_offload_flag udp "$PORT"; }
run_case "udp, the timeout of a live connection is fixed" timeout_is_fixed

# iptables' own tables, where nothing counts changes. Their hooks stay: the last cases of all.
# legacy_rule PATH TABLE CHAIN
legacy_rule() {
	local path=$1 table=$2 chain=$3

	command -v iptables-legacy >/dev/null || skip "no iptables-legacy"
	# where every hook of nf_tables says what it is
	[ "$path" = classic ] || [[ $(uname -r) != 5.* ]] || skip "5.10 cannot tell whose a hook is"
	recheck $RECHECK
	in_r iptables-legacy -w -t "$table" -F "$chain" || skip "no such table in this kernel"
	in_r iptables-legacy -w -t "$table" -A "$chain" -d 203.0.113.9 -j DROP
	rules_with "$path" ""
	connect "$path" udp
	must c ping 3
	in_r iptables-legacy -w -t "$table" -I "$chain" -p udp --dport 5000 -j DROP
	stops_within 20
	in_r iptables-legacy -w -t "$table" -F "$chain"
}
# raw goes first: it has no hook in FORWARD.
on_both_paths "udp, a rule of iptables-legacy in raw" legacy_rule raw PREROUTING
on_both_paths "udp, a rule of iptables-legacy" legacy_rule filter FORWARD

all_done
