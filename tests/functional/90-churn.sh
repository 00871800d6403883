#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# Everything at once: short connections, rulesets, devices, conntrack, namespaces.
# NFO_CHURN: seconds (20). The kernel log is the runner's to judge.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

topo_up
echo_up
seconds=${NFO_CHURN:-20}

# One line, one transaction; its counter r$1 tells when it is there.
ruleset_line() {
	echo "flush ruleset; table inet t { counter seen { }; counter r$1 { };" \
		"flowtable f { hook ingress priority 0; devices = { rc, rs$2 }; counter; };" \
		"chain forward { type filter hook forward priority 0; counter name seen; meta l4proto { tcp, udp } flow add @f; };" \
		"chain post { type nat hook postrouting priority 100; oifname rs masquerade; }; }"
}
rules_with_nat() { ruleset_line 0 "$1" | rules_load; }

# nft and ip that stay: a start of either costs more than what it does.
tools_up() {
	peer_run nfti "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec sh -c 'exec nft -i >/dev/null 2>&1'
	peer_run ipb ip -n "$NS_R" -force -batch -
}
ruleset_is() { agent counter "$NS_R" inet t "r$1"; }
link_is() { sysctl_r "net/ipv4/conf/$1/forwarding"; }
link_is_not() { ! link_is "$1"; }

load_ends() {
	local peer

	for peer in m1 m2 m3 m4; do
		peer_answer "$peer" $((seconds + 60)) || fail "$peer: $ANSWER"
		echo "$peer: $ANSWER"
		read -r _ _ made failed <<<"$ANSWER"
		[ "$made" -gt 5 ] || fail "$peer made only $made connections, $failed failed"
	done
	# and all is as it was, once what was told has been done
	tell ipb "link add last type dummy"
	wait_for 20 link_is last || fail "the batch stops"
	tell ipb "link del last"
	wait_for 10 link_is_not last || fail "link stays"
	peer_stop nfti
	peer_stop ipb
	rules_with_nat ""
	flow_up t tcp
	flow_up u udp6
	fast t bulk 1000000
}

churn() {
	local end rounds=0

	tools_up
	rules_with_nat ""
	many_connections "$seconds"
	now
	end=$((NOW + seconds * 1000000))
	while now && [ "$NOW" -lt "$end" ]; do
		rounds=$((rounds + 1))
		tell ipb "link add ex$rounds type veth peer name ey$rounds"
		wait_for 10 link_is "ex$rounds" || fail "no link"
		tell nfti "$(ruleset_line $rounds ", ex$rounds")"
		wait_for 10 ruleset_is $rounds || fail "no ruleset"
		ct_flush
		tell ipb "link del ex$rounds"
		wait_for 10 link_is_not "ex$rounds" || fail "link stays"
		case $((rounds % 4)) in
		0) rules_flush ;;
		1) ct_flush ;;
		2) tell ipb "link set rs down"; tell ipb "link set rs up"
		   tell ipb "addr replace $RS6/64 dev rs nodad" ;;
		3) tell nfti "delete flowtable inet t f { devices = { rc }; }"
		   tell nfti "$(ruleset_line x "")" ;;
		esac
	done
	echo "$rounds rounds"
	load_ends
}
run_case "connections, rulesets, devices, conntrack -F" churn

# Only the neighbours and routes: what the flows cache.
churn_routes() {
	local end i=0

	tools_up
	rules_with_nat ""
	many_connections "$seconds"
	now
	end=$((NOW + seconds * 1000000))
	while now && [ "$NOW" -lt "$end" ]; do
		i=$((i + 1))
		tell ipb "$(cat <<-END
			route add 10.1.$((i % 250)).0/24 via $S4
			neigh flush dev rs
			route add blackhole 10.2.$((i % 250)).0/24
			link set rs mtu $((1280 + i % 200))
			route del 10.1.$((i % 250)).0/24
			neigh flush dev rc
			route del blackhole 10.2.$((i % 250)).0/24
			link add mark$i type dummy
		END
		)"
		# the batch has been read so far
		wait_for 10 link_is "mark$i" || fail "the batch stops"
		tell ipb "link del mark$i"
	done
	echo "$i rounds"
	ip -n "$NS_R" link set rs mtu 1500
	load_ends
}
run_case "connections, routes, neighbours, MTU" churn_routes

# Routers that come and go with flows in them.
churn_namespaces() {
	local end i=0

	now
	end=$((NOW + seconds * 500000))
	while now && [ "$NOW" -lt "$end" ]; do
		i=$((i + 1))
		topo_up "n$i"
		peer_start "sn$i" "$NS_S" server udp :: 5000
		rules_std
		client "cn$i" udp
		must "cn$i" ping 3
		tell "cn$i" run 300
		ns_del "$NS_R"
		peer_answer "cn$i" || true
		peer_stop "cn$i"
		peer_stop "sn$i"
		ns_del "$NS_C"
		ns_del "$NS_S"
	done
	NS_R=
	echo "$i routers"
	[ $i -ge 1 ]
}
run_case "routers come and go" churn_namespaces

all_done
