#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life long
# Where `flow add` may stand, and what may stop a live connection from somewhere else than the
# forward chain: on either path the same happens.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

topo_up
echo_up

FLOWTABLE='hook ingress priority 0; devices = { rc, rs };'
ALL='meta l4proto { tcp, udp }'
FORWARD='type filter hook forward priority 0; policy accept; counter name seen'

# ruleset PLACE - a router whose `flow add` stands in that place; the counter seen is table t's.
ruleset() {
	case $1 in
	classic) rules_classic ;;
	rule) rules_std ;;
	jump) rules_load <<-END
		table inet t {
			counter seen { }
			flowtable f { $FLOWTABLE }
			chain deeper { $ALL flow add @f; }
			chain deep { jump deeper; }
			chain forward { $FORWARD; ct state established,related jump deep; }
		}
		END
		;;
	map) rules_load <<-END
		table inet t {
			counter seen { }
			flowtable f { $FLOWTABLE }
			chain fast { flow add @f; accept; }
			map m { type inet_proto : verdict; elements = { tcp : goto fast, udp : goto fast }; }
			chain forward { $FORWARD; meta l4proto vmap @m; }
		}
		END
		;;
	own) rules_load <<-END
		table inet t {
			counter seen { }
			chain forward { $FORWARD; }
		}
		table ip a {
			flowtable f { $FLOWTABLE }
			chain forward { type filter hook forward priority 50; $ALL flow add @f; }
		}
		table ip6 a {
			flowtable f { $FLOWTABLE }
			chain forward { type filter hook forward priority 50; $ALL flow add @f; }
		}
		END
		;;
	two) rules_load <<-END
		table inet t {
			counter seen { }
			flowtable f { $FLOWTABLE }
			chain forward { $FORWARD; $ALL flow add @f; }
		}
		table inet a {
			flowtable g { hook ingress priority 10; devices = { rs, rc }; }
			chain forward { type filter hook forward priority 50; meta l4proto udp flow add @g; }
		}
		END
		;;
	esac
}

# connect PLACE PROTO
connect() {
	ruleset "$1"
	case $1 in
	classic) client c "$2"; must c ping 12 ;;
	*) flow_up c "$2" ;;
	esac
}

unanswered() { ! ask c ping 1; }

# stops PLACE PROTO COMMAND... - the connection lives until the command has been run.
stops() {
	local place=$1 proto=$2

	shift 2
	connect "$place" "$proto"
	must c ping 3
	"$@"
	must c timeout 200
	wait_for 2 unanswered || fail "packets pass after: $*"
	ask c ping 3 && fail "packets pass again after: $*"
	return 0
}

# everywhere NAME PROTO COMMAND... - in the classic path, and in the fast one.
everywhere() {
	local name=$1

	shift
	run_case "$1, $name, classic path" stops classic "$@"
	run_case "$1, $name, offloaded" stops rule "$@"
}

for place in jump map own two; do
	for proto in udp tcp6; do
		run_case "$proto, flow add: $place, a commit stops it" stops $place $proto \
			in_r nft "insert rule inet t forward meta l4proto { tcp, udp } drop"
	done
done

# chain FAMILY HOOK RULE... - a table of its own.
chain() {
	local family=$1 hook=$2

	shift 2
	rules_load <<-END
		table $family other {
			chain c { type filter hook $hook; $*; }
		}
	END
}
everywhere "an ingress chain before the flowtable" udp chain netdev "ingress device rc priority -10" drop
everywhere "an ingress chain behind the flowtable" udp chain netdev "ingress device rc priority 10" drop
everywhere "an ingress chain for what comes back" tcp6 chain netdev "ingress device rs priority 10" drop
everywhere "an ingress chain of inet" udp6 chain inet "ingress device rc priority 5" drop
everywhere "an egress chain" udp chain netdev "egress device rs priority 0" drop
everywhere "prerouting of ip" udp chain ip "prerouting priority 100" udp dport 5000 drop
everywhere "postrouting of ip6, answers" tcp6 chain ip6 "postrouting priority 400" tcp sport 5000 drop
NL=$'\n'
everywhere "connections are not tracked any more" udp chain inet "prerouting priority -400" \
	"notrack; }$NL chain d { type filter hook forward priority 9; ct state untracked drop"
everywhere "another zone" udp chain inet "prerouting priority -400" \
	"ct zone set 5; }$NL chain d { type filter hook forward priority 9; ct state new drop"

# with_undo UNDO COMMAND... - the case leaves the router as it was.
with_undo() {
	at_end "$1"
	shift
	"$@"
}
r() { ip -n "$NS_R" "$@"; }

everywhere "a rule for what comes in by a device" udp with_undo "r rule del pref 50" r rule add pref 50 iif rc prohibit
everywhere "a rule for a source" tcp6 with_undo "r -6 rule del pref 50" r -6 rule add pref 50 from $C6 prohibit
everywhere "a rule for answers" udp with_undo "r rule del pref 50" r rule add pref 50 iif rs blackhole
everywhere "the client's address is the router's" udp with_undo "r addr del $C4/32 dev lo" r addr add $C4/32 dev lo
everywhere "the server's address is the router's" tcp6 with_undo "r addr del $S6/128 dev lo" r addr add $S6/128 dev lo
everywhere "an unreachable route" udp6 with_undo "r -6 route del unreachable $S6" r -6 route add unreachable $S6
everywhere "a route for answers" udp with_undo "r route del blackhole $C4" r route add blackhole $C4
everywhere "a device forwards no more" udp with_undo "sysctl_r net/ipv4/conf/rc/forwarding 1" \
	sysctl_r net/ipv4/conf/rc/forwarding 0
everywhere "the source is routed elsewhere" udp with_undo \
	"sysctl_r net/ipv4/conf/rc/rp_filter 0; r route del $C4/32" eval \
	"sysctl_r net/ipv4/conf/rc/rp_filter 1; r route add $C4/32 via $S4"
everywhere "another station is the server" udp with_undo "r neigh del $S4 dev rs" \
	r neigh replace $S4 lladdr 02:00:00:00:00:77 dev rs nud permanent

# What rules know a device by.
device_rule() {
	local place=$1 match=$2

	shift 2
	connect "$place" udp
	chain inet "forward priority 20" "$match drop"
	[ "$place" = classic ] || settle c
	must c ping 3
	with_undo "r link set rd name rc; r link set rc group 0" "$@" || skip "not while the device is up"
	must c timeout 200
	wait_for 2 unanswered || fail "packets pass after: $*"
}
for place in classic rule; do
	run_case "udp, a device gets another group, $place" device_rule $place "iifgroup 5" r link set rc group 5
	run_case "udp, a device gets another name, $place" device_rule $place 'iifname "rd"' r link set rc name rd
done

# fib in a rule asks routing about the source, which does not matter otherwise.
fib_rule() {
	connect "$1" udp
	chain inet "forward priority 20" "fib saddr oif missing drop"
	[ "$1" = classic ] || settle c
	must c ping 3
	with_undo "r route del throw $C4" r route add throw $C4
	must c timeout 200
	wait_for 2 unanswered || fail "packets pass"
}
run_case "udp, a rule asks for the route to the source, classic" fib_rule classic
run_case "udp, a rule asks for the route to the source, offloaded" fib_rule rule

all_done
