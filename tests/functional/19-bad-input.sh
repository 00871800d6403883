#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# Who speaks netlink badly, stops reading, comes in numbers or dies in the middle gets a
# clear error at most; traffic goes on, memory does not grow, nothing stays behind.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need modprobe rmmod
if [ "${NFO_PROVIDER:-}" = mainline ]; then
	skipped "bad input" "mainline's flowtable has no netlink family"
	all_done
	exit 0
fi

badnl() { in_r "$NFO_TOOLS/nfo_badnl" "$@"; }
tool() { in_r "$NFO_TOOLS/nft-offload" "$@"; }
# reader NAME ARGUMENT... - a nfo_badnl that stays, in the router.
reader() {
	local name=$1

	shift
	peer_run "$name" "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec "$NFO_TOOLS/nfo_badnl" "$@"
	peer_answer "$name"
}
flows_now() {
	FLOWS=$(tool status -j)
	FLOWS=${FLOWS#*\"flows\": }
	FLOWS=${FLOWS%%[!0-9]*}
}
more_flows() {
	in_c "$NFO_TOOLS/nfo_peer" many udp "$C4" "$S4" 5000 1000 >/dev/null || fail "no traffic"
	flows_now
	[ "$FLOWS" -gt "$1" ]
}
# More flows than fit a message: the last place is the dump's.
many_flows() {
	FLOWS=0
	wait_for 60 more_flows 200 || fail "only $FLOWS flows"
}

# --- messages ------------------------------------------------------------

group() {
	local settings

	rules_std
	flow_up c udp
	settings=$(tool status -j)
	badnl send "$1"
	# nothing of it was taken for something else
	fast c ping 10
	flows_now
	equal "$FLOWS" 1 "flows afterwards"
	settings=${settings##*\"settings\"}
	[[ $(tool status -j) == *"$settings" ]] || fail "a setting has changed: $(tool status)"
}

# Two at once, from seeds that a failure shows; the tool and traffic beside them.
at_random() {
	local i pids=() rc=0 seed=$RANDOM

	rules_std
	flow_up a udp
	flow_up b tcp
	# what a random message may set
	at_end 'for i in promote_after max_flows hw_budget; do tool set $i 0; done
		tool set hw_after 8; tool set hw_queue 4096; tool set hw_sync_ms 1000'
	tell b run 4000
	for i in 1 2; do
		badnl fuzz $((seed + i)) 4000 >"$LIB_TMP/fuzz.$i" & pids+=($!)
	done
	for i in 1 2 3 4 5; do
		tool list >/dev/null & pids+=($!)
		tool flush -p udp >/dev/null & pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || rc=$?
	done
	equal "$rc" 0 "seed $seed: $(cat "$LIB_TMP"/fuzz.*)"
	peer_answer b || fail "traffic: $ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "traffic was lost: $ANSWER"
	tool set max_flows 0
	tool set promote_after 0
	promote a udp $((PORT - 1))
}

# The module listens to rtnetlink. Whoever has CAP_NET_ADMIN in the namespace can send there what
# looks like a change, or like the beginning of a longer message.
forged() {
	local before index

	rules_std
	flow_up c udp
	index=$(ip -n "$NS_R" -o link show rs)
	index=${index%%:*}
	counter seen
	before=$PACKETS
	badnl rtnl "$index"
	must c ping 10
	counter seen
	equal $((PACKETS - before)) 0 "packets on the slow path: what nobody but the kernel says was believed"
}

# --- readers that stop ---------------------------------------------------

half_read() {
	local all got queue

	rules_std
	flow_up c udp
	many_flows
	flows_now
	all=$FLOWS
	# the smallest buffer the kernel gives: full with what has been begun
	reader half hold 1 || fail "$ANSWER"
	tell c run 1500
	must half queue
	read -r _ _ queue _ <<<"$ANSWER"
	[ "$queue" -gt 0 ] || fail "the next message does not wait"
	tool list >/dev/null
	peer_answer c || fail "traffic: $ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "traffic was lost: $ANSWER"
	fast c ping 20
	must half queue
	equal "$ANSWER" "ok queue $queue 0" "its queue afterwards"
	must half finish
	read -r _ _ got _ <<<"$ANSWER"
	[[ $ANSWER == *" 1" || $got = "$all" ]] || fail "$got of $all flows, and not told"
}

# What it stands in goes away under it.
table_goes() {
	rules_std
	many_flows
	reader half hold 1 || fail "$ANSWER"
	reader other hold 1 || fail "$ANSWER"
	rules_flush
	must half finish
	# another table of the same name is another table
	rules_std
	flow_up c udp
	must other finish
	fast c ping 5
}

# The table shrinks and grows while nobody reads: where the dump stood is freed.
resized() {
	rules_std
	flow_up c udp
	many_flows
	reader half hold 1 || fail "$ANSWER"
	reader other hold 1 || fail "$ANSWER"
	tool flush >/dev/null
	more_flows 10
	must half finish
	tool flush >/dev/null
	more_flows 10
	must other finish
	promote c udp $((LIB_CASES * 200 + 10001))
	fast c ping 5
}

# The list of devices changes while it is read: a device that moved to the place of one that was
# sent would be left out without a word.
devices_go() {
	local devs

	printf 'link add dum%d type dummy\n' {1..250} | ip -n "$NS_R" -batch -
	printf -v devs ', dum%d' {1..250}
	in_r nft "add table inet d; add flowtable inet d f { hook ingress priority 0; devices = { ${devs#, } }; }"
	reader whole hold -d 1 || fail "$ANSWER"
	must whole finish
	equal "$ANSWER" "ok finish 250 0" "a list that does not change"
	reader half hold -d 1 || fail "$ANSWER"
	ip -n "$NS_R" link del dum1
	must half finish
	[[ $ANSWER == *" 1" ]] || fail "$ANSWER: a device may be missing, and not told"
}

killed() {
	local i

	rules_std
	many_flows
	for i in 1 2 3 4 5; do
		reader "half$i" hold 1 || fail "$ANSWER"
	done
	for i in 1 2 3 4 5; do
		kill -KILL "${PEER_PID[half$i]}"
	done
	tool flush >/dev/null
	flow_up c udp
	fast c ping 5
}

deaf() {
	local queue drops now

	rules_std
	flow_up c udp
	reader ear deaf 20000 || fail "$ANSWER"
	many_flows
	must ear queue
	read -r _ _ queue drops <<<"$ANSWER"
	[ "$drops" -gt 0 ] || fail "nothing was dropped: $ANSWER"
	tell c run 1500
	tool flush >/dev/null
	many_flows
	peer_answer c || fail "traffic: $ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "traffic was lost: $ANSWER"
	must ear queue
	read -r _ _ now drops <<<"$ANSWER"
	# twice what it asked for, and one message beyond
	[ "$now" -le 60000 ] || fail "its queue has grown from $queue to $now bytes"
	promote c udp $((LIB_CASES * 200 + 10001))
	fast c ping 20
	must ear finish
	# it is told that it has lost some
	[[ $ANSWER != *" 0" && $ANSWER != "ok finish 0 "* ]] || fail "$ANSWER"
}

# --- what dies in the middle ---------------------------------------------

link_gone() { ! ip -n "$NS_C" link show c0 >/dev/null 2>&1; }

# Only the socket of a reader that has moved elsewhere keeps the namespace.
namespace_dies() {
	topo_up q
	peer_start su "$NS_S" server udp :: 5000 || fail "$ANSWER"
	rules_std
	many_flows
	reader gone hold -m 1 || fail "$ANSWER"
	reader killed hold -m 1 || fail "$ANSWER"
	ip netns del "$NS_R"
	must gone finish
	ip -n "$NS_C" link show c0 >/dev/null || fail "the namespace has gone under a socket"
	peer_stop gone
	ip -n "$NS_C" link show c0 >/dev/null || fail "the namespace has gone under a socket"
	kill -KILL "${PEER_PID[killed]}"
	NS_R=''
	wait_for 20 link_gone || fail "the namespace stays"
}

# The reader lives in the namespace and ends with it.
reader_dies() {
	topo_up q
	peer_start su "$NS_S" server udp :: 5000 || fail "$ANSWER"
	rules_std
	many_flows
	reader half hold 1 || fail "$ANSWER"
	reader ear deaf 20000 || fail "$ANSWER"
	ip netns del "$NS_R"
	kill -KILL "${PEER_PID[half]}" "${PEER_PID[ear]}"
	NS_R=''
	wait_for 20 link_gone || fail "the namespace stays"
}

unload() { rmmod nf_flow_offload 2>/dev/null; }

module_goes() {
	rules_std
	many_flows
	reader half hold 1 || fail "$ANSWER"
	reader ear deaf 20000 || fail "$ANSWER"
	rules_flush
	unload && fail "removed under a dump that is half read"
	must half finish
	reader other hold 1 && fail "a dump of no flows has two messages"
	# the end of a dump is read: neither socket holds the module
	wait_for 10 unload || fail "can't be removed"
	must ear finish
	modprobe nf_flow_offload
	rules_std
	flow_up c udp
	fast c ping 5
}

module_goes_killed() {
	rules_std
	many_flows
	reader half hold 1 || fail "$ANSWER"
	rules_flush
	unload && fail "removed under a dump that is half read"
	kill -KILL "${PEER_PID[half]}"
	wait_for 10 unload || fail "can't be removed"
	modprobe nf_flow_offload
}

topo_up
echo_up
for name in $("$NFO_TOOLS/nfo_badnl" groups); do
	run_case "malformed messages: $name" group "$name"
done
run_case "changes that the kernel did not tell of" forged
run_case "messages at random, two at once, tools and traffic beside them" at_random
run_case "a dump that is not read on" half_read
run_case "a dump whose table goes" table_goes
run_case "a dump whose table is resized" resized
run_case "a list of devices that changes" devices_go
run_case "readers that are killed" killed
run_case "a listener that never reads" deaf
run_case "a namespace dies, a half-read socket lives elsewhere" namespace_dies
run_case "a namespace dies with its readers" reader_dies
run_case "rmmod and a dump that is not read on" module_goes
run_case "rmmod and a reader that is killed" module_goes_killed
all_done
