#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# nft-offload refuses what the kernel does not know by its name, and whoever has no
# privilege. The command line's own mistakes are tests/tool-usage: they need no kernel.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need setpriv
# shellcheck source=../lib-tool.sh
. "$(dirname "$0")/../lib-tool.sh"
topo_tool

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

all_done
