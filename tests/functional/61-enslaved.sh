#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# FINDINGS S15: a listed device that becomes a port of something else, or gets another
# name, under live connections.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"
need jq

modprobe -q -a bridge vrf bonding || true
topo_up
echo_up

# enslaved PATH KIND DEV - the classic path sends nothing on any more, nor may a flow.
enslaved() {
	local path=$1 kind=$2 dev=$3

	rules_for "$path"
	connect_for "$path" c udp
	case $kind in
	bridge) ip -n "$NS_R" link add up0 type bridge ;;
	vrf) ip -n "$NS_R" link add up0 type vrf table 77; ip -n "$NS_R" link set up0 up ;;
	esac
	must c timeout 300
	ip -n "$NS_R" link set "$dev" master up0
	# the bridge is down, the VRF has no way to the other side
	if ask c ping 3; then
		ip -n "$NS_R" link del up0
		fail "packets pass $dev below a $kind"
	fi
	ip -n "$NS_R" link del up0
	ip -n "$NS_R" -batch - <<-END
		addr replace $RC6/64 dev rc nodad
		addr replace $RS6/64 dev rs nodad
	END
	must c timeout 5000
	wait_for 10 ask c ping 1 || fail "nothing passes the free device: $ANSWER"
	[ "$path" = classic ] || promote c udp "$PORT"
}
for kind in bridge vrf; do
	on_both_paths "the client's device becomes a port of a $kind" enslaved $kind rc
	on_both_paths "the server's device becomes a port of a $kind" enslaved $kind rs
done

devices_listed() { in_r "$NFO_TOOLS/nft-offload" -j status | jq -r '[.devices[].dev] | sort | join(" ")'; }

# A device that has got another name is listed by that name as well. A link that came up is told
# of up to a second later, and each direction passes the classic path once more.
renamed() {
	rules_std
	flow_up c udp
	ip -n "$NS_R" link set rs down
	ip -n "$NS_R" link set rs name rsx
	ip -n "$NS_R" -batch - <<-END
		link set rsx up
		addr replace $RS6/64 dev rsx nodad
	END
	in_r nft 'add flowtable inet t f { hook ingress priority 0; devices = { rsx }; }' || fail "cannot list the new name"
	wait_for 10 ask c ping 1 || fail "no traffic: $ANSWER"
	promote c udp "$PORT"
	wait_for 10 is_fast c ping 10 || fail "not fast: $ANSWER"
	# one of the two names goes: the device is still listed by the other, or by none
	in_r nft 'delete flowtable inet t f { devices = { rsx }; }' || true
	must c ping 10
	in_r nft 'add flowtable inet t f { hook ingress priority 0; devices = { rsx }; }' || true
	promote c udp "$PORT"
	wait_for 10 is_fast c ping 10 || fail "not fast: $ANSWER"
	equal "$(devices_listed)" "rc rsx" "the devices of the flowtable"
	rules_flush
	must c ping 3
}
renamed_case() {
	local rc=0

	(renamed) || rc=$?
	[ ! -e "/run/netns/$NS_R" ] || ! ip -n "$NS_R" link show rsx >/dev/null 2>&1 || {
		ip -n "$NS_R" link set rsx down
		ip -n "$NS_R" link set rsx name rs
		ip -n "$NS_R" link set rs up
	}
	return $rc
}
run_case "a listed device is renamed and listed again" renamed_case

all_done
