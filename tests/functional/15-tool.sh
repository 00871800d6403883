#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# nft-offload as an instrument: what it says is what was sent, what it changes is
# changed, and what makes no sense to it is refused in clear words.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq awk setpriv script

OUT=$LIB_TMP/out ERR=$LIB_TMP/err
topo_up
echo_up
# nothing here is about flows that end by themselves
sysctl_r net/netfilter/nf_flowtable_udp_timeout 600
sysctl_r net/netfilter/nf_flowtable_tcp_timeout 600

# text FILE - in TEXT, without a process.
text() { IFS= read -r -d '' TEXT <"$1" || true; }

# tool ARGUMENT... - run it in the router; its status in RC, its words in $OUT and $ERR.
tool() {
	RC=0
	in_r "$NFO_TOOLS/nft-offload" "$@" >"$OUT" 2>"$ERR" || RC=$?
}

# tool_ok ARGUMENT... - it has to succeed, without a complaint.
tool_ok() {
	tool "$@"
	[ "$RC" = 0 ] && [ ! -s "$ERR" ] || fail "nft-offload $*: status $RC: $(cat "$ERR")"
}

# says STATUS TEXT ARGUMENT... - it ends with this status, and complains with this text.
says() {
	local rc=$1 wanted=$2

	shift 2
	tool "$@"
	text "$ERR"
	[ "$RC" = "$rc" ] || fail "nft-offload $*: status $RC, expected $rc: $TEXT"
	[[ $TEXT == *"$wanted"* ]] || fail "nft-offload $*: no '$wanted' in: $TEXT"
}

# shows TEXT - it is part of what was printed last.
shows() {
	text "$OUT"
	[[ $TEXT == *"$1"* ]] || fail "no '$1' in: $TEXT"
}

# value FILTER - of the JSON that was printed last.
value() { jq -r "$1" "$OUT"; }

# flows N ARGUMENT... - list shows so many. A flow is a line of its own; that it is
# JSON, too, is for others to find out.
flows() {
	local n=$1 rest

	shift
	tool_ok list -j "$@"
	text "$OUT"
	rest=${TEXT//$'\n    {'/}
	equal "$(((${#TEXT} - ${#rest}) / 6))" "$n" "flows of list $*"
}

provider() {
	tool_ok status -j
	equal "$(value .provider)" "${NFO_PROVIDER:-ours}" provider
	case ${NFO_PROVIDER:-ours} in
	ours)
		equal "$(value .module.loaded)" true loaded
		[[ $(value .module.version) =~ ^[0-9]+\.[0-9]+ ]] || fail "version $(value .module.version)"
		;;
	*)
		equal "$(value .module.loaded)" false loaded
		[ -n "$(value .advice)" ] || fail "no word of what to do"
		says 1 "is not loaded" list
		;;
	esac
	tool_ok
	shows "Flowtables  served by"
}
run_case "status tells who serves flowtables" provider

ours() { ours_only "its flowtables can't be asked"; }

status_fields() {
	local settings

	ours
	settings=$(sed -nE 's/^\tNFO_SETTINGS_([A-Z_]+),.*/\L\1/p' \
		"$NFO_TOP/include/uapi/linux/nf_flow_offload.h" | grep -vx unspec | LC_ALL=C sort | xargs)
	rules_std "counter;"
	flow_up c tcp
	tool_ok status -j
	equal "$(value '[
		(.flowtables | map("\(.family) \(.table) \(.flowtable) \(.flows) \(.devices) \(.counter) \(.offload)") | join(",")),
		(.devices | map("\(.dev) \(.flowtable) \(.hw) \(.reason | type)") | sort | join(",")),
		.states.software, (.settings | keys | join(" ")),
		(.reasons | has("promote-after") and has("neighbour") and (has("none") | not))
		] | join("; ")')" \
		"inet t f 1 2 true false; rc f none string,rs f none string; 1; $settings; true"
}
run_case "status shows tables, devices, states, settings and reasons" status_fields

# sums PORT - "packets bytes packets bytes" out and back.
sums() {
	tool_ok list -j -P "$1"
	SUMS=$(value '.flows[0] | "\(.original.packets) \(.original.bytes) \(.reply.packets) \(.reply.bytes)"')
}

counters() {
	local header=28 before

	ours
	[[ $1 != *6 ]] || header=48
	rules_std
	flow_up c "$1"
	sums "$PORT"
	read -r -a before <<<"$SUMS"
	fast c ping 37 500
	sums "$PORT"
	equal "$SUMS" "$((before[0] + 37)) $((before[1] + 37 * (500 + header))) $((before[2] + 37)) $((before[3] + 37 * (500 + header)))" \
		"packets and bytes"
	tool_ok list -j -P "$PORT"
	equal "$(value '.flows[0] | "\(.l4proto) \(.state) \(.reason) \(.original.sport) \(.original.dport) \(.original.iif) \(.original.oif) \(.reply.sport) \(.reply.iif) \(.reply.oif)"')" \
		"udp software none $PORT 5000 rc rs 5000 rs rc"
	equal "$(value '.flows[0].age_ms > 0 and .flows[0].expires_ms > 0')" true times
	equal "$(value .complete)" true complete
}
run_case "udp: counters of both ways are what was sent" counters udp
run_case "udp6: counters of both ways are what was sent" counters udp6

# TCP's segments are its own affair: as many bytes as the payload and the headers.
counters_tcp() {
	local before after

	ours
	rules_std
	flow_up c tcp
	sums "$PORT"
	read -r -a before <<<"$SUMS"
	fast c ping 20 1000
	sums "$PORT"
	read -r -a after <<<"$SUMS"
	[ $((after[1] - before[1])) -ge 20800 ] && [ $((after[3] - before[3])) -ge 20800 ] ||
		fail "bytes: $SUMS, before ${before[*]}"
}
run_case "tcp: counters hold the payload" counters_tcp

nat() {
	ours
	rules_std
	rules_load <<-END
		table inet nat {
			chain post { type nat hook postrouting priority 100; oifname rs masquerade; }
		}
	END
	flow_up c udp
	tool_ok list -j -P "$PORT"
	equal "$(value '.flows[0].original | "\(.src) \(.new_src) \(.dst) \(.new_dst)"')" "$C4 $RS4 $S4 $S4"
	equal "$(value '.flows[0].reply | "\(.src) \(.dst) \(.new_dst)"')" "$S4 $RS4 $C4"
	tool_ok explain -j udp "$RS4:$(value '.flows[0].original.new_sport')" "$S4:5000"
	equal "$(value .path)" software "explained by what the server sees"
	equal "$(value .flow.original.src)" "$C4" "explained by what the server sees"
}
run_case "list and explain see through masquerade" nat

filters() {
	ours
	rules_std
	flow_up a tcp
	flow_up b udp
	flow_up c tcp6
	flow_up d udp6
	flows 4 -d rc -s software -t t -f f
	flows 2 -p tcp
	flows 0 -p 132
	flows 2 --ipv6
	flows 2 -a "$C4"
	flows 2 -a 192.0.2.0/24 -4
	flows 2 -a 0.0.0.0/0
	flows 1 -a "$S6/64" --proto udp
	flows 0 -a 203.0.113.1
	flows 1 -P "$PORT"
	flows 4 --port 5000 --dev rs
	flows 0 -d lo
	flows 0 --state hardware
	flows 0 -t nosuch
	flows 0 --flowtable nosuch
	flows 3 -n 3
}
run_case "list filters by protocol, address, port, device, state and table" filters

sorted() {
	local busy

	ours
	rules_std
	flow_up a udp
	flow_up b udp
	busy=$PORT
	flow_up c udp
	fast b ping 30 1000
	tool_ok list -j --sort bytes --limit 1
	equal "$(value '.flows | map(.original.sport) | join(",")')" "$busy" "most bytes"
	tool_ok list -j -S packets
	equal "$(value '.flows[0].original.sport')" "$busy" "most packets"
	tool_ok list -j -S age
	equal "$(value '[.flows[].age_ms] | . == (sort | reverse) and length == 3')" true "by age"
	# for as long as it takes here
	tell b run 300000 1000
	tool_ok list -j -S rate -n 2
	equal "$(value '.flows[0].original.sport')" "$busy" "by rate"
	equal "$(value '.flows[0].bytes_per_second > .flows[1].bytes_per_second')" true "rate"
	tool_ok top -j -D 500
	equal "$(value '.flows[0].original.sport')" "$busy" "top"
	equal "$(value .total.flows)" 3 "top's flows"
}
run_case "list sorts by bytes, packets, age and rate, top by rate" sorted

# more_than N - another second of new connections; are there so many flows now?
more_than() {
	in_c "$NFO_TOOLS/nfo_peer" many udp "$C4" "$S4" 5000 1000 >/dev/null || fail "no traffic"
	tool_ok status -j
	HAVE=$(value .counters.flows)
	[ "$HAVE" -gt "$1" ]
}

# 200 flows take several messages: none is left out, none is there twice.
pages() {
	ours
	rules_std
	HAVE=0
	wait_for 60 more_than 200 || fail "only $HAVE flows"
	tool_ok list -j
	equal "$(value '"\(.flows | length) \([.flows[].original.sport] | unique | length)"')" "$HAVE $HAVE" \
		"flows, different flows"
# a reader that leaves is no accident
	in_r "$NFO_TOOLS/nft-offload" list -j | head -n 2 >/dev/null || true
	flows "$HAVE"
	tool_ok flush
	shows "$HAVE flows"
	flows 0
}
run_case "a list of many messages is whole" pages

flush_one() {
	local user

	ours
	rules_std
	flow_up a udp
	flow_up b udp
	tool_ok status -j
	user=$(value .reasons.user)
	tool_ok flush udp "$C4:$PORT" "$S4:5000"
	no_offload_flag udp "$PORT" || fail "still flagged: $CT"
	flows 0 -P "$PORT"
	tool_ok status -j
	equal "$(value .counters.flows)" 1 flows
	equal "$(value .reasons.user)" $((user + 1)) "reason user"
	says 1 "no such flow" flush udp "$C4:$PORT" "$S4:5000"
	# the connection lives, and comes back
	slow 1 b ping 5
	promote b udp "$PORT"
	fast b ping 5
}
run_case "flush one flow, and it comes back" flush_one

# UDP: TCP would come back by an acknowledgement of its own.
flush_some() {
	ours
	rules_std
	flow_up a udp
	flow_up b udp
	flow_up c udp6
	flow_up d udp6
	tool_ok flush -j -6 -P "$PORT"
	equal "$(value .flushed)" 1 flushed
	flows 3
	tool_ok flush -a 203.0.113.0/24
	shows "0 flows"
	tool_ok flush -d rc -4
	shows "2 flows"
	flows 1
	tool_ok flush
	shows "1 flow "
	flows 0
	must a ping 5
	must d ping 5
}
run_case "flush by filter and flush all" flush_some

# One tuple in two zones: two connections. Without answers, so that nothing has to
# keep them apart on the way back.
zones() {
	local ns port

	ours
	ns_add d
	ns=$NS
	no_dad "$ns"
	ip link add d0 netns "$ns" type veth peer name rd netns "$NS_R"
	ip -n "$NS_R" link set rd up
	ip -n "$ns" -batch - <<-END
		addr add $C4/24 dev d0
		link set d0 up
		route add default via $RC4
	END
	sysctl_r net/ipv4/conf/all/rp_filter 0
	sysctl_r net/ipv4/conf/rd/rp_filter 0
	wait_for 10 link_ready "$ns" d0 || fail "no link"
	rules_load <<-END
		table inet t {
			flowtable f { hook ingress priority 0; devices = { rc, rd, rs }; }
			chain pre {
				type filter hook prerouting priority -300; policy accept;
				iifname rd ct zone set 7
			}
			chain forward {
				type filter hook forward priority 0; policy accept;
				udp dport 6000 flow add @f
			}
		}
	END
	peer_start mute "$NS_S" server udp :: 6000 || fail "$ANSWER"
	must mute set echo 0
	client c udp 6000
	port=$PORT
	peer_start d "$ns" client udp $C4 "$port" $S4 6000 || fail "$ANSWER"
	wait_for 10 both_zones "$port" || fail "not both: $(value '[.flows[] | "\(.zone) \(.state)"] | join(", ")')"
	flows 1 -P "$port" --zone 7
	equal "$(value '.flows[0] | "\(.zone) \(.original.iif)"')" "7 rd" "the flow of zone 7"
	flows 1 -z 0
	flows 0 -z 8
	tool_ok status -j
	equal "$(value '.states | tojson')" '{"oneway":2}' "flows by state"
	tool_ok explain -j --zone 7 udp "$C4:$port" "$S4:6000"
	equal "$(value '"\(.path) \(.flow.zone) \(.flow.original.iif)"')" "oneway 7 rd" "explain"
	tool_ok explain -j udp "$C4:$port" "$S4:6000"
	equal "$(value '"\(.path) \(.flow.zone) \(.flow.original.iif)"')" "oneway 0 rc" "explain"
	says 1 "name a zone" flush udp "$C4:$port" "$S4:6000"
	says 1 "no such flow" flush -z 8 udp "$C4:$port" "$S4:6000"
	tool_ok flush -z 7 udp "$C4:$port" "$S4:6000"
	shows "1 flow "
	flows 1 -P "$port"
	equal "$(value '.flows[0].zone')" 0 "the flow that is left"
	tool_ok flush udp "$C4:$port" "$S4:6000"
	shows "1 flow "
	says 2 "no zone" list -z 65536
	tool_ok status -j
	equal "$(value '.states | tojson')" '{}' "flows by state"
}
both_zones() {
	must c send 2
	must d send 2
	tool_ok list -j -P "$1"
	[ "$(value '[.flows[].zone] | sort | join(" ")')" = "0 7" ]
}
run_case "the same connection in two zones" zones

settings() {
	ours
	rules_std
	tool_ok set promote_after 30
	tool_ok status -j
	equal "$(value .settings.promote_after)" 30
	client c udp
	slow 10 c ping 5
	no_offload_flag udp "$PORT" || fail "promoted after 10 packets"
	tool_ok status -j
	[ "$(value '.reasons["promote-after"]')" -gt 0 ] || fail "no reason promote-after"
	tool_ok explain -j udp "$C4:$PORT" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "slow promote-after" explained
	must c ping 20
	promote c udp "$PORT"
	fast c ping 5
	tool_ok set promote_after 0

	tool_ok flush
	tool_ok set max_flows 1
	flow_up a udp
	client b udp
	must b ping 10
	no_offload_flag udp "$PORT" || fail "a second flow"
	flows 1
	tool_ok explain -j udp "$C4:$PORT" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "slow max-flows" explained
	tool_ok set max_flows 0
	promote b udp "$PORT"
	flows 2
}
run_case "set promote_after and max_flows, with effect" settings

explained() {
	ours
	tool_ok explain -j tcp "$C4:9" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "none no-conntrack"
	tool_ok explain -j 132 "$C4:9" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "none protocol"
	rules_load <<-END
		table inet t {
			counter seen { }
			chain forward {
				type filter hook forward priority 0; counter name seen
				ct state new
			}
		}
	END
	client c tcp
	must c ping 2
	tool_ok explain -j tcp "$C4:$PORT" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "slow no-flowtable"
	rules_load <<-END
		table inet t {
			flowtable f { hook ingress priority 0; devices = { rc }; }
		}
	END
	tool_ok explain -j tcp "$C4:$PORT" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "slow no-rule"
	rules_load <<-END
		table inet t {
			chain forward {
				meta l4proto tcp flow add @f
			}
		}
	END
	must c ping 2
	tool_ok explain -j tcp "$C4:$PORT" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "slow dev-not-in-table"
	[[ $(value .text) == *": rs" ]] || fail "the device is not named: $(value .text)"
	agent flush "$NS_R"
	rules_std
	promote c tcp "$PORT"
	tool_ok explain -j tcp "$C4:$PORT" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "software none"
	# by the packets of the way back, and for people
	tool_ok explain tcp "$S4:5000" "$C4:$PORT"
	shows 'Fast path: '
	must c fin
	wait_for 10 explained_as tcp-state "$PORT" || fail "$(cat "$OUT")"
}
explained_as() {
	tool explain -j tcp "$C4:$2" "$S4:5000"
	[ "$(value .reason)" = "$1" ]
}
run_case "explain names the rung" explained

# --- events ---

# event NAME - the next line of the monitor is of that event; in EVENT.
event() {
	EVENT=''
	read -r -t 20 -u "${PEER_OUT[mon]}" EVENT || fail "no event, expected $1"
	equal "$(jq -r .event <<<"$EVENT")" "$1" "event ($EVENT)"
}
event_value() { jq -r "$1" <<<"$EVENT"; }

monitor() {
	ours
	rules_std
	peer_run mon "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec "$NFO_TOOLS/nft-offload" monitor -j -p udp -n 3
	event listening
	flow_up t tcp
	flow_up c udp
	event new
	equal "$(event_value '"\(.l4proto) \(.original.src) \(.original.sport)"')" "udp $C4 $PORT"
	fast c ping 10
	sums "$PORT"
	tool_ok flush -P "$PORT"
	event destroy
	equal "$(event_value .reason)" user
	equal "$(event_value '"\(.original.packets) \(.original.bytes) \(.reply.packets) \(.reply.bytes)"')" \
		"$SUMS" "final counters"
	client d udp
	promote d udp "$PORT"
	event new
	wait "${PEER_PID[mon]}" || fail "monitor: status $?"
}
run_case "monitor tells new and destroyed flows, with final counters" monitor

# Nobody reads what the monitor prints: it stands still, and nothing else does.
deaf() {
	ours
	rules_std
	flow_up c udp
	peer_run mon "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec "$NFO_TOOLS/nft-offload" monitor -j
	event listening
	in_c "$NFO_TOOLS/nfo_peer" many udp "$C4" "$S4" 5000 1500 >/dev/null || fail "no traffic"
	tool_ok flush
	promote c udp "$PORT"
	fast c ping 50
	tool_ok list -j
}
run_case "a monitor that nobody reads stops nothing" deaf

two() {
	local i pids=() rc=0

	ours
	rules_std
	flow_up a udp
	flow_up b tcp
	tell a run 4000
	for i in 1 2 3 4 5; do
		in_r "$NFO_TOOLS/nft-offload" list -j >"$LIB_TMP/two.$i" & pids+=($!)
		in_r "$NFO_TOOLS/nft-offload" flush -p udp >/dev/null & pids+=($!)
		in_r "$NFO_TOOLS/nft-offload" set max_flows $((i * 100)) & pids+=($!)
		in_r "$NFO_TOOLS/nft-offload" status >/dev/null & pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || rc=$?
	done
	equal "$rc" 0 "status of the tools"
	for i in 1 2 3 4 5; do
		jq -e '.flows | length <= 2' "$LIB_TMP/two.$i" >/dev/null || fail "$(cat "$LIB_TMP/two.$i")"
	done
	peer_answer a || fail "traffic: $ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "traffic was lost: $ANSWER"
	tool_ok set max_flows 0
}
run_case "several tools at once, and traffic goes on" two

# --- enable, disable ---

enable() {
	local before

	ours
	rules_load <<-END
		table inet t {
			counter seen { }
			chain forward {
				type filter hook forward priority 0; policy accept
				counter name seen
			}
		}
		table ip other {
			chain forward {
				type filter hook forward priority 100; policy accept
				tcp dport 23 drop
			}
		}
	END
	before=$(in_r nft -s list ruleset)
	tool_ok enable rc rs --counter
	equal "$(in_r nft -s list ruleset | awk '/^table inet nft_offload/ { exit } { print }')" "$before" "the other tables"
	[[ $(in_r nft list table inet nft_offload) == *'hook forward priority 200; policy accept'* ]] || fail "no chain"
	client c tcp
	promote c tcp "$PORT"
	fast c ping 20
	flows 1 -t nft_offload -f fast
	tool_ok enable rc rs --counter
	shows already
	flows 1
	# what can't be put into hardware is accepted all the same
	tool_ok enable rs rc --hw
	shows changed
	tool_ok status -j
	equal "$(value '.flowtables | map("\(.flowtable) \(.offload) \(.counter)") | join(",")')" "fast true false"
	promote c tcp "$PORT"
	fast c ping 5
	tool_ok disable
	equal "$(in_r nft -s list ruleset)" "$before" "the ruleset afterwards"
	slow 5 c ping 5
	tool_ok disable
	shows 'not enabled'
}
run_case "enable and disable leave other tables alone" enable

only_lan() {
	ours
	rules_load <<-END
		table inet t {
			counter seen { }
			chain forward {
				type filter hook forward priority 0; policy accept
				counter name seen
			}
		}
	END
	tool_ok enable rc rs --only-lan rc
	client c udp
	promote c udp "$PORT"
	fast c ping 5
	peer_start inner "$NS_C" server udp :: 6000
	next_port
	peer_start d "$NS_S" client udp "$S4" "$PORT" "$C4" 6000 || fail "$ANSWER"
	slow 20 d ping 10
	flows 0 -P "$PORT"
	tool_ok enable rc rs --only-lan rc
	shows already
	tool_ok disable
}
run_case "enable --only-lan takes connections opened from there" only_lan

foreign() {
	local before

	ours
	rules_load <<-END
		table inet nft_offload {
			chain mine {
				accept
			}
		}
	END
	before=$(in_r nft list ruleset)
	says 1 "not of our making" enable rc rs
	says 1 "not of our making" disable
	equal "$(in_r nft list ruleset)" "$before"
}
run_case "a table of that name by somebody else is left alone" foreign

# --- what makes no sense ---

# The command line's own mistakes are tests/tool-usage: they need no kernel.
bad_input() {
	local before long

	ours
	rules_std
	long=$(printf '%0250d' 0)
	before=$(in_r nft -s list ruleset)
	says 1 "no such device: 'nosuch'" list -d nosuch
	says 1 "no such device: 'nosuch'" enable rc nosuch
	says 1 "no such flow" flush udp "$C4:1" "$S4:5"
	says 1 "no such flow" flush 200 "[$C6]:1" "[$S6]:5"
	says 1 "needs a terminal" top
	flows 0 -t "$long"
	says 2 "'4294967296' is no value" set max_flows 4294967296
	equal "$(in_r nft -s list ruleset)" "$before" "the ruleset"
	tool_ok status -j
	equal "$(value '"\(.settings.promote_after) \(.settings.max_flows)"')" "0 0" settings
}
run_case "what the kernel does not know is refused by name" bad_input

check() {
	ours
	tool_ok check rc rs
	shows 'ok       rc: is up, MTU 1500'
	ip -n "$NS_R" link set rs mtu 1400
	tool_ok check -j rc rs
	equal "$(value '[.checks[] | select(.result == "warning" and .subject == "rs") | .text | test("MTU 1400")] | any')" true
	ip -n "$NS_R" link set rs mtu 1500
	tool check rc nosuch lo
	equal "$RC" 1 "status with a device that is not there"
	shows 'problem  nosuch: no such device'
	shows 'problem  lo: '
	ip -n "$NS_R" link add nfo-br type bridge
	ip -n "$NS_R" link add nfo-d0 type dummy 2>/dev/null || skip "no dummy device"
	ip -n "$NS_R" link set nfo-d0 master nfo-br
	tool check nfo-d0
	equal "$RC" 1 "status for a bridge's port"
	shows 'nfo-br'
	ip -n "$NS_R" link del nfo-d0
	ip -n "$NS_R" link del nfo-br
}
run_case "check tells what is wrong with devices" check

# denied ARGUMENT...
denied() {
	local rc=0

	in_r setpriv --reuid 65534 --regid 65534 --clear-groups "$LIB_TMP/open/nft-offload" "$@" \
		>"$OUT" 2>"$ERR" || rc=$?
	equal "$rc" 1 "status of $*"
	text "$ERR"
	[[ $TEXT == *'Operation not permitted'* ]] || fail "$*: $TEXT"
}

unprivileged() {
	ours
	rules_std
	flow_up c udp
	mkdir -p "$LIB_TMP/open"
	cp "$NFO_TOOLS/nft-offload" "$LIB_TMP/open/"
	chmod 755 "$LIB_TMP" "$LIB_TMP/open" "$LIB_TMP/open/nft-offload"
	denied
	denied list
	denied flush
	denied flush udp "$C4:$PORT" "$S4:5000"
	denied monitor
	denied explain udp "$C4:$PORT" "$S4:5000"
	denied set max_flows 1
	denied enable rc rs
	denied disable
	# root of another user namespace is nobody here
	if unshare -U true 2>/dev/null; then
		RC=0
		in_r unshare -U -r "$NFO_TOOLS/nft-offload" flush >"$OUT" 2>"$ERR" || RC=$?
		equal "$RC" 1 "status in a user namespace"
		text "$ERR"
		[[ $TEXT == *'Operation not permitted'* ]] || fail "$TEXT"
	fi
	flows 1
}
run_case "without privilege: Operation not permitted" unprivileged

# --- how it looks ---

# narrow WIDTH - nothing printed last is wider.
narrow() {
	awk -v w="$1" 'length > w { print; bad = 1 } END { exit bad }' "$OUT" || fail "wider than $1"
}

width() {
	local w

	ours
	rules_std
	ip -n "$NS_C" addr add 2001:db8:1:0:aaaa:bbbb:cccc:dddd/64 dev c0 nodad
	next_port
	peer_start c "$NS_C" client tcp 2001:db8:1:0:aaaa:bbbb:cccc:dddd "$PORT" "$S6" 5000 || fail "$ANSWER"
	promote c tcp6 "$PORT"
	flow_up d udp
	for w in 80 50; do
		export COLUMNS=$w
		tool_ok list
		narrow $w
		shows "[2001:db8:1:0:aaaa:bbbb:cccc:dddd]:$((PORT - 1))"
		tool_ok status
		narrow $w
		tool_ok explain tcp "[2001:db8:1:0:aaaa:bbbb:cccc:dddd]:$((PORT - 1))" "[$S6]:5000"
		[ $w = 50 ] || narrow $w
		tool_ok check rc rs
		narrow $w
	done
	unset COLUMNS
}
run_case "tables fit the terminal" width

screen() {
	ours
	[ -c /dev/ptmx ] && script -qec true /dev/null </dev/null >/dev/null 2>&1 || skip "no pseudo terminal"
	rules_std
	flow_up c udp
	# keys arrive in time or early, and the screen is drawn for each
	printf 'ssp q' | TERM=xterm in_r script -qec \
		"stty cols 80 rows 24; $NFO_TOOLS/nft-offload top -D 300" /dev/null >"$OUT" || fail "status $?"
	shows 'nft-offload top'
	shows "$C4:$PORT"
	TERM=nosuch in_r script -qec "$NFO_TOOLS/nft-offload top" /dev/null >"$OUT" </dev/null && fail "an unknown terminal"
	shows "'nosuch' is unknown"
}
run_case "top draws its screen and obeys its keys" screen

all_done
