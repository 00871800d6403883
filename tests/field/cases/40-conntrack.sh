# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086,SC2153,SC2154 # names and addresses hold no white space
# F14, F15 and what conntrack's user does to a live connection.

# f14 NAMESPACE SADDR SPORT DADDR DPORT - a RST that nobody of the two sent; SPORT or
# DPORT may be "PORT".
f14() {
	local ns=$1 port before
	shift

	field_up
	field_rules "rc, rs"
	client c tcp
	port=$PORT
	must c ping 50
	ct_get tcp "$port"
	ct_field state
	before=$FIELD
	in_ns "${!ns}" "$NFO_TOOLS/nfo_probe" rst "${1/PORT/$port}" "${2/PORT/$port}" "${3/PORT/$port}" \
		"${4/PORT/$port}" 0x12345678 || fail "no RST"
	must c ping 5
	ct_get tcp "$port"
	ct_field state
	figure "conntrack's state $before before, $FIELD after"
	# An offloaded connection shows no state.
	want "conntrack's state is not close" [ "$FIELD" != close ]
	slow_count
	SLOW0=$SLOW
	want "the connection lives" ask c ping 300
	slow_count
	figure "slow $((SLOW - SLOW0)) of 600 afterwards"
	# An answer and its acknowledgement are separate packets at times.
	classic || want "fast afterwards" at_most $((SLOW - SLOW0)) 6
}
field_case F14 "blind RST from the client's side: ignored, the connection stays fast" f14 NS_C $C4 PORT $S4 5000
field_case F14-reply "blind RST from the server's side: ignored, the connection stays fast" f14 NS_S $S4 5000 $C4 PORT

f15() {
	local most=0 n

	field_up
	field_rules "rc, rs"
	cp "$CT_MAX" "$LIB_TMP/ct_max"
	echo 256 >"$CT_MAX"
	peer_run flood "$NFO_TOOLS/nfo_peer" -n "$NS_C" exec "$NFO_TOOLS/nfo_probe" flood $C4 20000 39000 $S4 5000 3 15000
	while ! peer_ready flood; do
		n=$(in_r conntrack -C)
		[ "$n" -le "$most" ] || most=$n
		nap 0.2
	done
	peer_answer flood || fail "flood: $ANSWER"
	figure "at most $most entries, ${ANSWER#ok flood } connections answered"
	want "entries at most 320" at_most "$most" 320
	probe_start p "$NS_C" $C4 $S4 5000 100
	probe_end p
	# No criterion: just after the flood the classic path has no room for it either.
	figure "a new connection: lost ${P[lost]} of ${P[sent]}"
}
field_case F15 "nf_conntrack_max 256, up to 39,000 UDP connections in 15 s: at most 320 entries" f15

# entry_rules - as field_rules; counter new counts packets of new connections.
entry_rules() {
	field_rules "rc, rs${1:-}" "" "ct state new counter name new" "counter new { }"
}

ct_deleted() {
	local before

	field_up
	entry_rules
	live_start
	counter new
	before=$PACKETS
	in_r conntrack -D -p udp --orig-port-src "$PORT"
	probe_mark p
	fast_again p
	probe_say_mark 1 "deleted"
	counter new
	figure "$((PACKETS - before)) packets of new connections"
	want "the connection is a new one" at_least $((PACKETS - before)) 1
	want_lost 1 1
}
field_case conntrack-D "conntrack -D: the next packet makes a new entry, at most one lost, fast again" ct_deleted

ct_marked() {
	local old

	field_up
	multiwan
	count_at "$NS_S" "first iifname s0 udp dport 5000" "second iifname s1 udp dport 5000"
	even_port
	next_port
	live_start p "$NS_C" $C4 $FAR4
	ct_set_mark udp "$PORT" 2 || fail "no mark: $ANSWER"
	counted "$NS_S" first
	old=$PACKETS
	probe_mark p
	fast_again p
	followed_since "$old"
	want_lost 1 1
}
field_case conntrack-U-mark "conntrack -U --mark moves a connection to the other uplink: followed within 2 packets" ct_marked

# A rule gives a DSCP by the connection's mark, which was 0 when the connection was offloaded.
ct_mark_given() {
	local before

	field_up
	field_rules "rc, rs" "" "" "chain q { type filter hook postrouting priority mangle; ct mark 7 ip dscp set cs1; }"
	count_at "$NS_S" "marked udp dport 5000 ip dscp cs1" "plain udp dport 5000 ip dscp != cs1"
	live_start
	ct_set_mark udp "$PORT" 7 || fail "no mark: $ANSWER"
	counted "$NS_S" plain
	before=$PACKETS
	probe_pass p 100
	followed_in "$before" plain "without the DSCP"
	ct_set_mark udp "$PORT" 0 || fail "no mark: $ANSWER"
	counted "$NS_S" marked
	before=$PACKETS
	probe_mark p
	fast_again p
	followed_in "$before" marked "with it afterwards"
	want_lost 1 0
}
field_case ct-mark-given "conntrack -U gives a mark that a rule looks at, and takes it: followed within 2 packets, fast again" ct_mark_given

# The control connection speaks FTP so far that the helper sees a PORT command.
FTP_TALK='exec 3<>/dev/tcp/$1/21 || exit
for i in 1 2 3 4 5 6 7 8 9 10; do
	printf "NOOP %s\r\n" $i >&3
	read -r -t 5 -u 3 line || exit
done
printf "PORT 192,0,2,2,100,1\r\n" >&3
read -r -t 5 -u 3 line
read -r line'
helper() {
	field_up
	module nf_conntrack_ftp
	field_rules "rc, rs" "" "" "ct helper ftp { type \"ftp\" protocol tcp; }
		chain pre { type filter hook prerouting priority 0; tcp dport 21 ct helper set \"ftp\"; }"
	peer_start ftp "$NS_S" server tcp :: 21 || fail "server: $ANSWER"
	# shellcheck disable=SC2016 # that shell's own
	peer_run talk "$NFO_TOOLS/nfo_peer" -n "$NS_C" exec bash -c "$FTP_TALK" talk $S4
	if wait_for 10 expected; then
		figure "the helper saw the command"
	else
		want "the helper sees a command after 10 others" false
	fi
}
# The data connection of FTP, which the server opens, is a connection like others.
ftp_data() {
	helper
	peer_start data "$NS_C" server tcp $C4 25601 || fail "the client's end: $ANSWER"
	slow_count
	SLOW0=$SLOW
	peer_start d "$NS_S" client tcp $S4 20 $C4 25601 || fail "data: $ANSWER"
	must d bulk 3000000
	slow_count
	figure "3000000 bytes of data, slow $((SLOW - SLOW0))"
	classic || want "at most 60 packets of data slow" at_most $((SLOW - SLOW0)) 60
}
expected() { [[ $(in_r conntrack -L expect 2>/dev/null) == *dport=25601* ]]; }
field_case helper "a helper is assigned: it sees a command late in the connection" helper
field_case ftp-data "the data connection that a helper expects: slow at most 60 packets" ftp_data

# The ruleset and the module go while traffic runs, and come back.
module_reload() {
	local modules="nf_flow_offload"

	field_up
	case $FIELD_PROVIDER in
	classic) skip "it has no module" ;;
	mainline) modules="nft_flow_offload nf_flow_table_inet nf_flow_table" ;;
	esac
	field_rules "rc, rs"
	live_start
	probe_mark p
	rules_flush
	for m in $modules; do
		wait_for 10 rmmod "$m" || fail "$m cannot be unloaded"
	done
	probe_pass p 20
	modprobe -a $modules
	field_rules "rc, rs"
	SLOW0=0
	fast_again p
	probe_say_mark 1 "reloaded"
	want_lost 1 0
}
field_case module-reload "the module is unloaded and loaded again under traffic: nothing lost, fast again" module_reload

# Docker loads br_netfilter: packets from the LAN pass conntrack before they come to the bridge's hook.
br_netfilter() {
	field_up
	bridge_netfilter
	lan_bridge
	field_rules "br0, rs" "counter;"
	probe_start p
	probe_end p
	probe_say
	counted_right
	want_all
	want_fast
}
field_case br-netfilter "br_netfilter, bridge listed: conntrack counts each packet once, slow at most 1 %" br_netfilter

# Packets change between the paths all the time.
counted_churn() {
	local i

	field_up
	lan_bridge
	sysctl_r net/netfilter/nf_conntrack_acct 1
	field_rules "rc, rs" "counter;" "" "chain other { }"
	probe_start p
	for i in 1 2 3 4 5 6; do
		probe_pass p 80
		case $((i % 3)) in
		0) in_r nft add rule inet t other accept ;;
		1) routes "$NS_R" "add $S4/32 dev rs metric $i" ;;
		2) in_r bridge fdb del "$(mac_of "$NS_C" c0)" dev rc master ;;
		esac
	done
	probe_end p
	probe_say
	counted_right
	want_all
	want_fast 4
}
field_case counted-churn "commits, routes and stations of a bridge change under a connection: counted exactly, all echoed, slow at most 4 %" counted_churn
