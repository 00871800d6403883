# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # its callers use what it sets
# What the tests of nft-offload share; sourced after lib.sh.
need jq

OUT=$LIB_TMP/out ERR=$LIB_TMP/err

# topo_tool - client, router and server, with flows that do not end by themselves.
topo_tool() {
	topo_up
	echo_up
	sysctl_r net/netfilter/nf_flowtable_udp_timeout 600
	sysctl_r net/netfilter/nf_flowtable_tcp_timeout 600
}

ours() { ours_only "its flowtables can't be asked"; }

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

# sums PORT - "packets bytes packets bytes" out and back.
sums() {
	tool_ok list -j -P "$1"
	SUMS=$(value '.flows[0] | "\(.original.packets) \(.original.bytes) \(.reply.packets) \(.reply.bytes)"')
}
