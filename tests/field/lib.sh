# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086,SC2153,SC2154 # names and addresses hold no white space
# What the field cases share; sourced by tests/field/guest after tests/lib.sh.
#
# A case is a function. It makes its own topology, moves traffic and calls
#   want TEXT COMMAND...   a criterion; when COMMAND fails, the case is not ok
#   figure TEXT            a figure that is printed whatever the verdict is
# A case that cannot go on calls fail, one that the kernel cannot run calls skip.
# FIELD_PROVIDER is ours, mainline or classic: classic has no flowtable at all.

FIELD_COUNT=${FIELD_COUNT:-600}	# datagrams of a probe; with their echoes 1,200 packets
FIELD_RATE=200
CT_MAX=/proc/sys/net/netfilter/nf_conntrack_max	# one value for all namespaces
FAR4=10.99.0.1		# an address behind the server

# field_case NAME EXPECTATION FUNCTION [ARG...] - run it if it was asked for, print
# "NAME PROVIDER: verdict, figures" and one line of fields for the host's table.
field_case() {
	local name=$1 expect=$2 out verdict figures screen
	shift 2

	[[ " $FIELD_CASES " == *" $name "* ]] || return 0
	echo "nfo: test $name" >/dev/kmsg
	printf '%% start %s\n' "$name"
	: >"$LIB_TMP/figures"
	: >"$LIB_TMP/unmet"
	LIB_NOT_OK=0
	# Not "run_case ... >file": a case that ends early would undo that redirection first.
	exec {screen}>&1 >"$LIB_TMP/out"
	run_case "$name" field_run "$@"
	exec >&"$screen" {screen}>&-
	[ ! -e "$LIB_TMP/ct_max" ] || { cat "$LIB_TMP/ct_max" >"$CT_MAX"; rm "$LIB_TMP/ct_max"; }
	out=$(<"$LIB_TMP/out")
	verdict=${out%% - *}
	figures=$(joined "$LIB_TMP/figures" ", ")
	if [ "$verdict" = skip ]; then
		figures=${out##* # }
	elif [ "$verdict" = "not ok" ]; then
		figures+="${figures:+; }$(grep -m 1 -E '^# (failed: |at )' "$LIB_TMP/out" | sed 's/^# //; s/^failed: //')"
	fi
	printf '%s %s: %s, %s\n' "$name" "$FIELD_PROVIDER" "$verdict" "$figures"
	# The ruleset, conntrack and neighbours of a failure are for the log directory.
	[ "$verdict" != "not ok" ] || cp "$LIB_TMP/out" "$NFO_OUT/$name.failed"
	printf '%% case\t%s\t%s\t%s\t%s\t%s\n' "$name" "$FIELD_PROVIDER" "$verdict" "$figures" "$expect"
}

# joined FILE SEPARATOR - its lines as one.
joined() { awk -v s="$2" '{ printf "%s%s", (NR > 1) ? s : "", $0 }' "$1"; }

# The verdict comes last, so that a case prints all its figures.
field_run() {
	"$@"
	[ ! -s "$LIB_TMP/unmet" ] || fail "$(joined "$LIB_TMP/unmet" "; ")"
}

figure() { printf '%s\n' "$*" >>"$LIB_TMP/figures"; }
want() {
	local text=$1
	shift

	"$@" || printf 'not %s\n' "$text" >>"$LIB_TMP/unmet"
}
at_most() { [ "$1" -le "$2" ]; }
at_least() { [ "$1" -ge "$2" ]; }

classic() { [ "$FIELD_PROVIDER" = classic ]; }

# module NAME... - the case needs them in this kernel.
module() {
	local name

	for name; do
		modprobe -q "$name" || skip "this kernel has no module $name"
	done
}

# --- rules ---------------------------------------------------------------

# The flowtable and the statement that uses it; both are empty for the classic path.
flowtable() { classic || echo "flowtable f { hook ingress priority 0; devices = { $1 }; ${2:-} }"; }
flow_add() { classic || echo "meta l4proto { tcp, udp } flow add @f"; }

# field_rules DEVICES [FLAGS [FORWARD-LINES [TABLE-LINES]]] - a router. Counter slow
# counts each packet that the forward chain sees.
field_rules() {
	rules_load <<-END || fail "the ruleset is refused"
		table inet t {
			counter slow { }
			counter invalid { }
			$(flowtable "$1" "${2:-}")
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name slow
				ct state invalid counter name invalid
				${3:-}
				$(flow_add)
			}
			${4:-}
		}
	END
}

slow_count() { counter slow "$NS_R" inet t; SLOW=$PACKETS; }

# count_at NAMESPACE LINES... - a counter for each "NAME MATCH" line, at prerouting there.
count_at() {
	local ns=$1 line
	shift

	{
		echo "table inet count {"
		for line; do echo "counter ${line%% *} { }"; done
		echo "chain c { type filter hook prerouting priority -300;"
		for line; do echo "${line#* } counter name ${line%% *}"; done
		echo "}; }"
	} | in_ns "$ns" nft -f -
}
# counted NAMESPACE NAME - in PACKETS.
counted() { counter "$2" "$1" inet count; }

# followed_in N COUNTER TEXT - no more than two packets of the server's COUNTER since it was N.
followed_in() {
	counted "$NS_S" "$2"
	figure "$3 $((PACKETS - $1))"
	want "at most two packets $3" at_most $((PACKETS - $1)) 2
}

# Chains and rules of a flowtable's ruleset: what leaves by DEVICES gets their address; TCP that leaves by
# DEVICE learns of its MTU.
# masquerade DEVICES
masquerade() { echo "chain nat { type nat hook postrouting priority srcnat; oifname $1 masquerade; }"; }
# clamp DEVICE
clamp() { echo "oifname $1 tcp flags syn tcp option maxseg size set rt mtu"; }

# --- topology ------------------------------------------------------------

# field_up - client, router and server of this case, and the UDP and TCP echo.
field_up() {
	topo_up
	wait_for 10 link_up "$NS_R" rc || fail "the link rc does not come up"
	wait_for 10 link_up "$NS_R" rs || fail "the link rs does not come up"
	wait_for 10 link_up "$NS_C" c0 || fail "the link c0 does not come up"
	wait_for 10 link_up "$NS_S" s0 || fail "the link s0 does not come up"
	echo_in "$NS_S" :: ::
}

# echo_in NAMESPACE [UDP-ADDRESS] - peers su and st on port 5000 there. An echo that has
# several addresses is given one, or it would answer from that of its route.
echo_in() {
	peer_stop su
	peer_stop st
	peer_start su "$1" server udp "${2:-::}" 5000 || fail "udp echo: $ANSWER"
	peer_start st "$1" server tcp :: 5000 || fail "tcp echo: $ANSWER"
}

# link_pair NAMESPACE DEV NAMESPACE DEV - a wire, both ends up.
link_pair() {
	ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
	wait_for 10 link_up "$1" "$2" || fail "the link $2 does not come up"
	wait_for 10 link_up "$3" "$4" || fail "the link $4 does not come up"
}

# The carrier alone is too early: a device drops what it is given until its queue is
# switched on, and that is when its state becomes UP.
link_up() { [[ $(ip -n "$1" link show "$2") == *"state UP"* ]]; }

# second_uplink - rs2 ---- s1 beside rs ---- s0, and FAR4 behind both.
second_uplink() {
	link_pair "$NS_R" rs2 "$NS_S" s1
	ip -n "$NS_R" addr add 203.0.113.1/24 dev rs2
	ip -n "$NS_S" addr add 203.0.113.2/24 dev s1
	ip -n "$NS_S" addr add $FAR4/32 dev lo
}

# second_uplink6 NEAR FAR - IPv6 as well: the uplink's prefix is NEAR::/64, and FAR, behind both, echoes.
second_uplink6() {
	second_uplink
	ip -n "$NS_R" addr add "$1::1/64" dev rs2 nodad
	ip -n "$NS_S" addr add "$1::2/64" dev s1 nodad
	ip -n "$NS_S" addr add "$2/128" dev lo nodad
	echo_in "$NS_S" "$2"
}

# bond_up - rs and rs2 are ports of the router's bond0, without an address; rs2 ---- s1.
bond_up() {
	module bonding
	link_pair "$NS_R" rs2 "$NS_S" s1
	ip -n "$NS_R" -batch - <<-END
		addr flush dev rs
		link set rs down
		link set rs2 down
		link add bond0 type bond mode active-backup miimon 100
		link set rs master bond0
		link set rs2 master bond0
		link set bond0 up
	END
}

# bond_ready SWITCH - the bond's ports are those of this switch of the server's, and rs is in use.
bond_ready() {
	wait_for 10 link_up "$NS_R" bond0 || fail "the bond does not come up"
	wait_for 10 link_up "$NS_S" "$1" || fail "the switch does not come up"
	ip -n "$NS_R" link set bond0 type bond active_slave rs
}

# routes NAMESPACE LINES... - each a line of `ip route`.
routes() {
	local ns=$1
	shift

	printf 'route %s\n' "$@" | ip -n "$ns" -batch -
}

# --- the probe -----------------------------------------------------------

declare -A P=()		# the fields of the last probe, by name
MANY=1000000		# the count of a probe that probe_more ends

# probe_start NAME [NAMESPACE LADDR ADDR [PORT [COUNT [RATE [SIZE]]]]] - without the
# others, from the client to the server. Its source port is in PORT, the slow path's
# count before it in SLOW0.
probe_start() {
	local name=$1 ns=${2:-$NS_C} laddr=${3:-$C4} addr=${4:-$S4}

	next_port
	slow_count
	SLOW0=$SLOW
	peer_run "$name" "$NFO_TOOLS/nfo_peer" -n "$ns" exec "$NFO_TOOLS/nfo_probe" udp \
		"$laddr" "$PORT" "$addr" "${5:-5000}" "${7:-$FIELD_RATE}" "${6:-$FIELD_COUNT}" ${8:+"$8"}
	peer_answer "$name" || fail "probe: $ANSWER"
}

# live_start [NAME [NAMESPACE LADDR ADDR [PORT]]] - a probe for events: it runs until
# probe_more says how much is left of it, and 200 datagrams of it are sent already. With our module
# they are in the fast path, or what the event does to them would say nothing of it.
live_start() {
	local name=${1:-p}

	probe_start "$name" "${2:-$NS_C}" "${3:-$C4}" "${4:-$S4}" "${5:-5000}" $MANY
	must "$name" pass 200
	[ "$FIELD_PROVIDER" = ours ] || return 0
	slow_count
	want "fast before the event ($((SLOW - SLOW0)) of 400 packets slow)" at_most $((SLOW - SLOW0)) 20
}

# probe_mark NAME - from here on the fields of the next mark are counted.
probe_mark() { must "$1" mark; }

# probe_pass NAME N - wait until N more datagrams are sent.
probe_pass() { must "$1" pass "$2"; }

# probe_more NAME [N] - the end comes after N more datagrams; then as probe_end.
probe_more() {
	must "$1" more "${2:-400}"
	probe_end "$1"
}

# probe_end NAME - wait for its last line, into P; P[slow] is what the forward chain saw.
probe_end() {
	local field

	peer_answer "$1" 60 || fail "probe: $ANSWER"
	P=()
	for field in ${ANSWER#ok }; do P[${field%%=*}]=${field#*=}; done
	peer_stop "$1"
	slow_count
	P[slow]=$((SLOW - SLOW0))
	P[packets]=$((P[sent] + P[echoed]))
}

# probe_say [PREFIX] - its figures.
probe_say() {
	figure "${1:+$1 }sent ${P[sent]}, echoed ${P[echoed]}, lost ${P[lost]}, gap ${P[gap]} ms, slow ${P[slow]} of ${P[packets]}"
	[ "${P[bad]}" = 0 ] || figure "${P[bad]} of them changed"
}
# probe_say_mark I TEXT - what happened after mark I.
probe_say_mark() {
	figure "$2: back after ${P[back$1]} ms, lost ${P[lost$1]} of ${P[sent$1]}"
}

# want_fast [PERCENT] - of the last probe; nobody asks that of the classic path.
want_fast() {
	local limit=$((P[packets] * ${1:-1} / 100))

	classic || want "at most ${1:-1} % slow (${P[slow]} of ${P[packets]})" at_most "${P[slow]}" "$limit"
}
# bridge_netfilter - what is bridged passes the ruleset as well, and conntrack counts.
bridge_netfilter() {
	module br_netfilter
	at_end "modprobe -rq br_netfilter"
	sysctl_r net/bridge/bridge-nf-call-iptables 1
	sysctl_r net/netfilter/nf_conntrack_acct 1
}

# counted_right [TEXT OPTION...] - what conntrack has counted of the last probe is what it sent and got
# back; OPTION says in which of its entries, TEXT says so in words.
counted_right() {
	local counts

	counts=$(in_r conntrack -L -p udp "${@:2}" --orig-port-src "$PORT" 2>/dev/null |
		grep -oE 'packets=[0-9]+' | tr -d 'a-z=' | paste -sd ' ')
	figure "${1:+$1: }conntrack counted $counts"
	want "counted once each${1:+, $1}" [ "$counts" = "${P[sent]} ${P[echoed]}" ]
}

want_all() { want "all echoed" [ "${P[lost]}" = 0 ]; }
# want_lost I N - after mark I it is back, and no more than N datagrams are lost.
want_lost() {
	want "back again" at_least "${P[back$1]}" 0
	want "at most $2 lost (${P[lost$1]})" at_most "${P[lost$1]}" "$2"
}

# lost_apart N - of N marks: from here on P[lostI] has the losses between mark I and the next one.
lost_apart() {
	local i next

	for ((i = 1; i < $1; i++)); do
		next=$((i + 1))
		P[lost$i]=$((${P[lost$i]} - ${P[lost$next]}))
	done
}

# fast_again NAME [N] - the probe's last part, 400 datagrams or N: carried by the fast
# path once more after the slow path has had its few packets. Ends the probe.
fast_again() {
	local before n=${2:-400}

	probe_pass "$1" 20
	slow_count
	before=$SLOW
	probe_more "$1" "$n"
	figure "afterwards slow $((SLOW - before)) of $((2 * n))"
	classic || want "fast again" at_most $((SLOW - before)) $((n / 50))
}

# bulk_fast NAME - one more megabyte of that TCP connection, carried by the fast path.
bulk_fast() {
	slow_count
	SLOW0=$SLOW
	want "tcp goes on ($ANSWER)" ask "$1" bulk 1000000
	slow_count
	figure "slow $((SLOW - SLOW0)) in the last megabyte"
	classic || want "fast again" at_most $((SLOW - SLOW0)) 20
}

# stream NAME BYTES [ADDR [LADDR [NAMESPACE [PORT]]]] - a TCP transfer through the echo, compared
# byte for byte; its slow packets are a figure.
stream() {
	local name=$1 bytes=$2 before

	next_port
	slow_count
	before=$SLOW
	peer_start "$name" "${5:-$NS_C}" client tcp "${4:-$C4}" "$PORT" "${3:-$S4}" "${6:-5000}" || {
		want "tcp connects ($ANSWER)" false
		return 0
	}
	if ask "$name" bulk "$bytes"; then
		slow_count
		figure "tcp $bytes bytes equal, slow $((SLOW - before))"
		# Each direction has a handful of packets before it is in the table.
		classic || want "at most 60 tcp packets slow ($((SLOW - before)))" at_most $((SLOW - before)) 60
	else
		want "tcp stream equal ($ANSWER)" false
	fi
	peer_stop "$name"
}

# probe_and_stream [ADDR] - a probe that must be carried by the fast path from its third packet
# on, and a stream; to the server, or to that address.
probe_and_stream() {
	probe_start p "$NS_C" "$C4" "${1:-$S4}"
	probe_end p
	probe_say
	want_all
	want_fast
	stream t 3000000 "${1:-$S4}"
}
