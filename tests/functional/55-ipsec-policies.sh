#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# FINDINGS S10: IPsec policies that forbid forwarding stop live connections.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

modprobe -q xfrm_user || true
topo_up
echo_up

policy() { ip -n "$NS_R" xfrm policy "$@"; }
policies_gone() { policy flush 2>/dev/null || true; policy setdefault fwd accept 2>/dev/null || true; }

# stopped PATH PROTO COMMAND... - after `ip xfrm policy COMMAND` nothing passes.
stopped() {
	local path=$1 proto=$2

	shift 2
	policies_gone
	rules_for "$path"
	connect_for "$path" c "$proto"
	policy "$@" || { policies_gone; skip "ip xfrm policy $* is not known here"; }
	must c timeout 300
	if ask c ping 2; then
		policies_gone
		fail "packets pass a policy that blocks"
	fi
	policies_gone
	must c timeout 5000
	wait_for 10 ask c ping 1 || fail "nothing passes without the policy: $ANSWER"
	[ "$path" = classic ] || promote c "$proto" "$PORT"
}
on_both_paths "udp, a forward policy that blocks" stopped udp add src $C4 dst $S4 dir fwd action block
on_both_paths "udp, one that blocks the replies" stopped udp add src $S4 dst $C4 dir fwd action block
on_both_paths "udp6, a forward policy that blocks" stopped udp6 add src $C6 dst $S6 dir fwd action block
on_both_paths "udp, an output policy that blocks" stopped udp add src $C4 dst $S4 dir out action block
on_both_paths "udp, the default for forwarding is to block" stopped udp setdefault fwd block
policies_gone

# A policy that lets packets pass becomes one that does not. The number of policies is the same, and
# the route that comes just before must not hide it.
stopped_now() { ! ask c ping 1; }
becomes_block() {
	policies_gone
	policy add src $C4 dst $S4 dir fwd action allow
	rules_for "$1"
	connect_for "$1" c udp
	must c timeout 300
	ip -n "$NS_R" -batch - <<-END
		route add 10.9.1.0/24 via $S4
		xfrm policy update src $C4 dst $S4 dir fwd action block
		route del 10.9.1.0/24
	END
	if ! wait_for 5 stopped_now; then
		policies_gone
		fail "packets pass a policy that blocks"
	fi
	policies_gone
	must c timeout 5000
	wait_for 10 ask c ping 1 || fail "nothing passes without the policy: $ANSWER"
	[ "$1" = classic ] || promote c udp "$PORT"
}
on_both_paths "udp, a policy becomes one that blocks" becomes_block

# Somebody else's policy stops nobody.
unrelated() {
	policies_gone
	rules_for "$1"
	connect_for "$1" c udp
	policy add src 10.1.0.0/16 dst 10.2.0.0/16 dir fwd action block
	must c ping 10
	policies_gone
}
on_both_paths "a policy for others" unrelated

# Nothing is promoted while a policy for it stands.
not_promoted() {
	policies_gone
	policy add src $C4 dst $S4 dir fwd action block
	rules_std
	next_port
	peer_start c "$NS_C" client udp $C4 "$PORT" $S4 5000 || fail "$ANSWER"
	must c send 5
	pass_time 1
	policies_gone
	ct_gone udp "$PORT" || no_offload_flag udp "$PORT" || fail "$CT"
}
run_case "nothing is promoted under a policy that blocks" not_promoted
policies_gone

all_done
