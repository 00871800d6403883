#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# nft-offload status and check: what the tool says of the machine is true, and it
# fits the terminal it is shown on.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need awk script setpriv
# shellcheck source=../lib-tool.sh
. "$(dirname "$0")/../lib-tool.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"
topo_tool

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

status_fields() {
	local settings

	settings=$(sed -nE 's/^\tNFO_SETTINGS_([A-Z_]+),.*/\L\1/p' \
		"$NFO_TOP/include/uapi/linux/nf_flow_offload.h" | grep -vx unspec | LC_ALL=C sort | xargs)
	ours
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

# The flag `offload` of a flowtable stays as it was made; the remedy of hw-off says how to go about it.
flag_offload() {
	local new="table inet t { flowtable f { hook ingress priority 0; devices = { rc, rs }; flags offload; }; }"

	ours
	rules_std
	tool_ok
	text "$OUT"
	[[ $TEXT == *"in one transaction that deletes its table first"* ]] || fail "$TEXT"
	! in_r nft "$new" 2>/dev/null || fail "nf_tables lets a flowtable change its flag offload"
	in_r nft "delete table inet t; $new"
	tool_ok status -j
	equal "$(value '.flowtables[].offload')" true "after one transaction"
}
run_case "hw-off: the flag offload comes by a new table" flag_offload

# The flag `counter` may come and go while the flowtable lives: status shows what nft lists.
flag_counter() {
	local new="add flowtable inet t f { hook ingress priority 0; devices = { rc, rs };" listed

	ours
	rules_std
	tool_ok status -j
	equal "$(value '.flowtables[].counter')" false "without the flag"
	in_r nft "$new counter; }" || skip "nf_tables does not add the flag"
	listed=$(in_r nft list flowtable inet t f)
	[[ $listed == *counter* ]] || skip "nf_tables does not add the flag"
	tool_ok status -j
	equal "$(value '.flowtables[] | "\(.counter) \(.offload)"')" "true false" "with the flag added"
}
run_case "status shows the flag counter that was added later" flag_counter

# Six flows more: that is what the memory of a small table grows by.
memory() {
	local i before total flow4 flow6 grown

	ours
	rules_std
	tool_ok status -j
	before=$(value .flowtables[0].memory)
	read -r total flow4 flow6 <<<"$(value '.memory | "\(.total) \(.flow_ipv4) \(.flow_ipv6)"')"
	[ "$total" -gt "$before" ] || fail "$total bytes in all, $before for the table"
	[ "$flow4" -ge 256 ] && [ "$flow6" -ge $((flow4 + 128)) ] || fail "flows of $flow4 and $flow6 bytes"
	for i in 1 2 3; do
		client "a$i" udp
		promote "a$i" udp "$PORT"
		client "b$i" udp6
		promote "b$i" udp6 "$PORT"
	done
	tool_ok status -j
	equal "$(value .flowtables[0].flows)" 6 flows
	equal $(($(value .flowtables[0].memory) - before)) $((3 * flow4 + 3 * flow6)) "bytes of six flows"
	# What they rest on counts besides: one object for each family and direction.
	grown=$(($(value .memory.total) - total - 3 * flow4 - 3 * flow6))
	[ $grown -ge $((4 * 64)) ] && [ $grown -le $((4 * 512)) ] ||
		fail "$grown bytes for routes, next hops and devices"
	tool_ok flush
	wait_for 5 costs "$total" || fail "$(value .memory.total) bytes in all, $total before"
	tool_ok status
	shows "Memory      "
}
costs() { tool_ok status -j; [ "$(value .memory.total)" -le "$1" ]; }
run_case "status shows what flows and tables cost" memory

# Any bytes make a name for the kernel; JSON and Prometheus want UTF-8.
bytes() {
	local odd=$'d\xff'

	ours
	ip -n "$NS_R" link add name "$odd" type dummy 2>/dev/null || skip "no dummy device"
	at_end "ip -n $NS_R link del name $odd"
	rules_std "devices = { rc, rs, \"$odd\" };"
	tool_ok status -j
	equal "$(value '.devices | map(.dev) | sort | join(" ")')" 'd\xff rc rs' devices
	tool_ok metrics
	shows 'device="d\\xff"'
	tool_ok check -j
	equal "$(value '[.checks[] | select(.subject == "d\\xff")] | length > 0')" true "lines of check"
	# the dummy device is down, and the remedy has its name
	equal "$(value '.checks[] | select(.subject == "d\\xff" and .text == "is down") | .remedy')" 'ip link set d\xff up' "remedy"
	tool_ok status
	shows 'd\xff'
}
run_case "a name that is not UTF-8 is shown" bytes

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
	tool_ok check nfo-d0
	shows 'nfo-d0: is a port of the bridge nfo-br'
	tool_ok check nfo-br
	shows 'nfo-br: is a bridge'
	ip -n "$NS_R" link del nfo-d0
	ip -n "$NS_R" link del nfo-br
}
run_case "check tells what is wrong with devices" check

# --- beside mainline's modules ---

ours_alone() {
	rules_flush
	wait_for 10 module_gone nft_flow_offload && wait_for 10 module_gone nf_flow_table_inet &&
		modprobe nf_flow_offload
}

# path_is PATH - what explain says of the connection to $PORT.
path_is() {
	tool explain -j tcp "$C4:$PORT" "$S4:5000"
	[ "$(value .path)" = "$1" ]
}

# checked SUBJECT - the result and the remedy.
checked() { value ".checks[] | select(.subject == \"$1\") | \"\(.result) \(.remedy)\""; }

# The ruleset was loaded before ours: it stays with mainline, and what is said of it says so.
beside_mainline() {
	ours
	wait_for 10 module_gone nf_flow_offload || fail "can't be removed"
	at_end ours_alone
	modprobe -i nf_flow_table_inet && modprobe -i nft_flow_offload || skip "this kernel has no mainline's"
	rules_std
	tool check -j rc rs
	equal "$RC $(checked module)" "1 ok " "check with mainline's alone"
	[[ $(checked mainline) == "problem nft list ruleset >FILE, nft flush ruleset, modprobe -r "*", modprobe nf_flow_offload, nft -f FILE" ]] ||
		fail "check with mainline's alone: $(checked mainline)"
	RC=0
	in_r setpriv --bounding-set -net_admin --inh-caps -net_admin "$NFO_TOOLS/nft-offload" status -j \
		>"$OUT" 2>"$ERR" || RC=$?
	equal "$RC $(cat "$OUT")" "1 " "status without privilege"
	[[ $(cat "$ERR") == *'Operation not permitted'* ]] || fail "$(cat "$ERR")"

	modprobe nf_flow_offload || fail "does not load beside mainline's"
	client c tcp
	must c ping 5
	wait_for 10 path_is mainline || fail "$(cat "$OUT" "$ERR")"
	tool_ok status -j
	equal "$(value '"\(.provider) \(.module.loaded) \(.flowtables[].flowtable) \(.devices | length)"')" "mainline true f 2"
	[[ $(value .advice) == "mainline's modules (nft_flow_offload nf_flow_table_inet) hold "* ]] || fail "$(value .advice)"
	tool_ok
	shows "served by mainline's modules"
	tool_ok metrics
	shows 'provider{provider="mainline"} 1'
	tool check -j rc rs
	equal "$RC" 1 "check with both"
	[[ $(checked mainline) == "problem nft list ruleset >FILE, "*", nft -f FILE" ]] || fail "$(checked mainline)"

	# as the remedy says
	peers_stop
	rules_flush
	wait_for 10 module_gone nft_flow_offload && wait_for 10 module_gone nf_flow_table_inet || fail "mainline's stay"
	rules_std
	flow_up d tcp
	tool_ok status -j
	equal "$(value .provider)" ours
	tool_ok check rc rs
}
run_case "status, check, explain and metrics beside mainline's modules" beside_mainline

# table_of_beginning BEGINNING - add to table inet t a flowtable g that lists all devices whose names
# begin so, which nft says since 1.1.5 only.
table_of_beginning() {
	in_r python3 - "$1" <<-'END'
		import socket, struct, sys

		def attr(kind, data):
		    return struct.pack("HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)

		def message(kind, flags, family, resource, body, number):
		    body = struct.pack("=BBBB", family, 0, resource >> 8, resource & 255) + body
		    return struct.pack("=IHHII", 16 + len(body), kind, flags, number, 0) + body

		devices = attr(0x8003, attr(2, sys.argv[1].encode()))  # NFTA_DEVICE_PREFIX
		hook = attr(0x8003, attr(1, bytes(4)) + attr(2, bytes(4)) + devices)
		flowtable = attr(1, b"t\0") + attr(2, b"g\0") + hook
		s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
		s.send(message(16, 1, 0, 10, b"", 1) + message(0xa16, 0x405, 1, 0, flowtable, 2) +
		       message(17, 1, 0, 10, b"", 3))
		sys.exit(struct.unpack("i", s.recv(65536)[16:20])[0] != 0)
	END
}

beginning() {
	ours
	command -v python3 >/dev/null || skip "no python3"
	rules_classic "ct state invalid drop"
	table_of_beginning r 2>/dev/null || skip "this kernel lists whole names only"
	client c udp
	must c ping 2
	in_r nft add rule inet t forward flow add @g
	tool explain udp "$C4:$PORT" "$S4:5000"
	shows "flowtable g of table inet t has 1 rule"
	text "$OUT"
	[[ $TEXT != *dev-not-in-table* && $TEXT != *STOP* ]] || fail "$TEXT"
	tool_ok check
	shows 'rc: is in flowtable g'
	shows 'rs: is in flowtable g'
	promote c udp "$PORT"
	fast c ping 5
}
run_case "a flowtable may list the beginning of names" beginning

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
