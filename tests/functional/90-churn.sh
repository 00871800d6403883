#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Everything at once: short connections, rulesets, devices, conntrack, namespaces.
# NFO_CHURN: seconds (20). The kernel log is the runner's to judge.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

topo_up
echo_up
seconds=${NFO_CHURN:-20}

rules_with_nat() {
	rules_load <<-END
		flush ruleset
		table inet t {
			counter seen { }
			counter invalid { }
			flowtable f { hook ingress priority 0; devices = { rc, rs$1 }; }
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				meta l4proto { tcp, udp } flow add @f
			}
			chain post { type nat hook postrouting priority 100; oifname rs masquerade; }
		}
	END
}

load_begins() {
	peer_run m1 "$NFO_TOOLS/nfo_peer" -n "$NS_C" many tcp $C4 $S4 5000 $((seconds * 1000))
	peer_run m2 "$NFO_TOOLS/nfo_peer" -n "$NS_C" many udp $C4 $S4 5000 $((seconds * 1000))
	peer_run m3 "$NFO_TOOLS/nfo_peer" -n "$NS_C" many tcp $C6 $S6 5000 $((seconds * 1000))
	peer_run m4 "$NFO_TOOLS/nfo_peer" -n "$NS_C" many udp $C6 $S6 5000 $((seconds * 1000))
}

load_ends() {
	local peer

	for peer in m1 m2 m3 m4; do
		peer_answer "$peer" $((seconds + 60)) || fail "$peer: $ANSWER"
		echo "$peer: $ANSWER"
		read -r _ _ made failed <<<"$ANSWER"
		[ "$made" -gt 5 ] || fail "$peer made only $made connections, $failed failed"
	done
	# and all is as it was
	rules_flush
	rules_with_nat ""
	flow_up t tcp
	flow_up u udp6
	fast t bulk 1000000
}

churn() {
	local end rounds=0

	rules_with_nat ""
	load_begins
	now
	end=$((NOW + seconds * 1000000))
	while now && [ "$NOW" -lt "$end" ]; do
		ip -n "$NS_R" link add ex type veth peer name ey
		rules_with_nat ", ex"
		ip -n "$NS_R" link set ex up
		ct_flush
		ip -n "$NS_R" link del ex
		ct_flush
		rules_with_nat ""
		[ $((rounds % 3)) != 2 ] || {
			ip -n "$NS_R" link set rs down
			ip -n "$NS_R" link set rs up
			ip -n "$NS_R" addr replace $RS6/64 dev rs nodad
		}
		[ $((rounds % 3)) != 1 ] || rules_flush
		rounds=$((rounds + 1))
	done
	echo "$rounds rounds"
	load_ends
}
run_case "connections, rulesets, devices, conntrack -F" churn

# Only the neighbours and routes: what the flows cache.
churn_routes() {
	local end i=0

	rules_with_nat ""
	load_begins
	now
	end=$((NOW + seconds * 500000))
	while now && [ "$NOW" -lt "$end" ]; do
		i=$((i + 1))
		ip -n "$NS_R" -batch - <<-END
			route add 10.1.$((i % 250)).0/24 via $S4
			neigh flush dev rs
			route add blackhole 10.2.$((i % 250)).0/24
			link set rs mtu $((1280 + i % 200))
			route del 10.1.$((i % 250)).0/24
			neigh flush dev rc
			route del blackhole 10.2.$((i % 250)).0/24
		END
	done
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
