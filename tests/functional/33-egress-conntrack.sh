#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core compat
# Qdiscs and filters of the output device see the conntrack entry of a packet, as they do on the
# classic path: the state, the mark, and the addresses before NAT.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"

modprobe -q -a sch_ingress sch_prio cls_flower act_gact || true
topo_up
echo_up

# The connection's mark is 7, and the client's address is hidden.
rules() {
	local add=''

	[ "$1" = classic ] || add='meta l4proto { tcp, udp } flow add @f'
	rules_load <<-END
		table inet t {
			counter seen { }
			$([ "$1" = classic ] || echo "flowtable f { hook ingress priority 0; devices = { rc, rs }; }")
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				ct mark set 7
				$add
			}
			chain post {
				type nat hook postrouting priority srcnat;
				oifname "rs*" masquerade
			}
		}
	END
}

MATCH="protocol ip flower ct_state +trk+est ct_mark 7 action pass"

# matched DEV PARENT - packets that the filter there has matched, in MATCHED.
matched() { MATCHED=$(in_r tc -s filter show dev "$1" "${@:2}" | awk '/Sent/ { n += $4 } END { print n + 0 }'); }

# seen_by PATH PROTO DEV PARENT...
seen_by() {
	local path=$1 proto=$2 dev=$3 before
	shift 3

	client c "$proto" 5000 "${TO:-}"
	if [ "$path" = offload ]; then
		promote c "$proto" "$PORT"
		wait_for 5 is_fast c ping 1 || fail "not fast"
	fi
	must c ping 3
	matched "$dev" "$@"
	before=$MATCHED
	if [ "$path" = offload ]; then fast c ping 20; else must c ping 20; fi
	matched "$dev" "$@"
	[ $((MATCHED - before)) -ge 20 ] || fail "the filter knew the connection of $((MATCHED - before)) of 20 packets"
}

filtered() {
	local path=$1 proto=$2

	in_r tc qdisc add dev rs clsact || skip "this kernel has no clsact"
	# shellcheck disable=SC2086 # words
	in_r tc filter add dev rs egress $MATCH || { in_r tc qdisc del dev rs clsact; skip "no flower of conntrack"; }
	rules "$path"
	TO='' seen_by "$path" "$proto" rs egress
}
of_qdisc() {
	local path=$1 proto=$2

	in_r tc qdisc add dev rs root handle 1: prio || skip "this kernel has no prio"
	# shellcheck disable=SC2086 # words
	in_r tc filter add dev rs parent 1: $MATCH classid 1:2 || { in_r tc qdisc del dev rs root; skip "no flower of conntrack"; }
	rules "$path"
	TO='' seen_by "$path" "$proto" rs parent 1:
}
# The qdisc is that of the device below the one that routing uses.
below() {
	behind_vlans 802.1q:10
	in_r tc qdisc add dev rs root handle 1: prio || skip "this kernel has no prio"
	in_r tc filter add dev rs parent 1: protocol 802.1q flower vlan_ethtype ip ct_state +trk+est ct_mark 7 \
		action pass || skip "no flower of conntrack"
	rules "$1"
	TO=$V4S seen_by "$1" tcp rs parent 1:
}
# It comes while the connection lives.
later() {
	local before

	rules offload
	TO=''
	client c udp
	promote c udp "$PORT"
	in_r tc qdisc add dev rs clsact || skip "this kernel has no clsact"
	# shellcheck disable=SC2086 # words
	in_r tc filter add dev rs egress $MATCH || skip "no flower of conntrack"
	wait_for 10 counts_again || fail "the filter never knew the connection"
	# packets that taught were the classic path's, where the filter knows the connection anyway
	settle c
	matched rs egress
	before=$MATCHED
	fast c ping 20
	matched rs egress
	[ $((MATCHED - before)) -ge 20 ] || fail "the filter knew the connection of $((MATCHED - before)) of 20 packets"
}
counts_again() {
	local before

	matched rs egress
	before=$MATCHED
	ask c ping 3
	matched rs egress
	[ $((MATCHED - before)) = 3 ]
}
clean() {
	local rc=0

	("$@") || rc=$?
	in_r tc qdisc del dev rs clsact 2>/dev/null || true
	in_r tc qdisc del dev rs root 2>/dev/null || true
	stack_gone
	return $rc
}
for path in classic offload; do
	run_case "a filter of the device, udp, $path" clean filtered $path udp
	run_case "a filter of the qdisc, tcp, $path" clean of_qdisc $path tcp
	run_case "a filter of the device below, tcp, $path" clean below $path
done
run_case "a filter that comes later" clean later

all_done
