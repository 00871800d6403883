#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life compat
# A flowtable comes and goes while links do, each with a lock that the other needs: RTNL, and
# nf_tables' commit mutex. Neither may wait for the other for good.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

topo_up
echo_up
rounds=100

# A line for nft that is one transaction, and its end.
table_comes="add table inet t; add flowtable inet t f { hook ingress priority 0; devices = { rc, rs }; }"
table_goes="delete table inet t"

# tables and links with FILE... to do, and DONE with the names of what ended.
tables() { in_r nft -i <"$1" >"$LIB_TMP/said" 2>&1 && : >"$2"; }
links() { ip -n "$NS_R" -batch "$1" && : >"$2"; }
both_done() { [ -e "$LIB_TMP/tables.done" ] && [ -e "$LIB_TMP/links.done" ]; }

# beside LINE... - these lines for `ip`, over and over, beside the flowtable's.
beside() {
	local i pids

	for ((i = 0; i < rounds; i++)); do
		echo "$table_comes"
		echo "$table_goes"
	done >"$LIB_TMP/tables"
	for ((i = 0; i < rounds; i++)); do
		printf '%s\n' "$@"
	done >"$LIB_TMP/links"
	rm -f "$LIB_TMP"/*.done
	tables "$LIB_TMP/tables" "$LIB_TMP/tables.done" &
	pids=$!
	links "$LIB_TMP/links" "$LIB_TMP/links.done" &
	pids+=" $!"
	wait_for 60 both_done || fail "they wait for each other: $(ls "$LIB_TMP"/*.done 2>&1)"
	# shellcheck disable=SC2086 # two words
	wait $pids
	[ ! -s "$LIB_TMP/said" ] || ! grep -q Error "$LIB_TMP/said" || fail "nft: $(head -3 "$LIB_TMP/said")"
	# and both still do what they are for
	wait_for 10 link_ready "$NS_R" rs || fail "rs does not come up"
	rules_std
	flow_up c udp
	rules_flush
}

ip -n "$NS_R" link add up0 type dummy
run_case "an unlisted link goes down and up" beside "link set up0 up" "link set up0 down"
run_case "a listed link changes its MTU" beside "link set rs mtu 1400" "link set rs mtu 1500"
run_case "a device comes and goes" beside "link add up1 type veth peer name up2" "link del up1"
run_case "routes come and go" beside "route add 203.0.113.0/24 via $S4" "route del 203.0.113.0/24" \
	"route add 2001:db8:9::/64 via $S6" "route del 2001:db8:9::/64"

all_done
