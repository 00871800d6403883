#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life pending
# FINDINGS S15: replies of a connection that went in one way only, behind tags and in
# PPPoE sessions and in a second flowtable; a PPPoE length that lies.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"

topo_up
echo_up

# replies_join PROTO - a client of ours sends alone until its flow is in; its first reply
# takes the slow path, the next ones don't.
replies_join() {
	local proto=$1

	must su set echo 0
	client c "$proto" 5000 "${TO:-}"
	must c send 3
	wait_for 3 has_offload_flag "$proto" "$PORT" || fail "not in the table one way: $CT"
	must su set echo 1
	must c ping 1
	# well below the half second after which a flow is looked at anyway
	fast c ping 5
}
plain() {
	TO=''
	rules_std
	replies_join "$1"
}
behind_tag() {
	behind_vlans 802.1q:10
	address_of "$1"
	rules_std
	replies_join "$1"
}
in_session() {
	behind_pppoe
	address_of "$1"
	rules_std
	replies_join "$1"
}
second_flowtable() {
	TO=''
	rules_load <<-END
		table inet t {
			counter seen { }
			counter invalid { }
			flowtable f { hook ingress priority 0; devices = { rc, rs }; }
			flowtable g { hook ingress priority 1; devices = { rc, rs }; }
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				ct direction original meta l4proto udp flow add @g
				ct direction reply meta l4proto udp flow add @f
			}
		}
	END
	replies_join "$1"
}
for proto in udp udp6; do
	run_case "$proto, the first reply completes the flow" plain $proto
	run_case "$proto, the same behind a tag" behind_tag $proto
	run_case "$proto, the same in a PPPoE session" in_session $proto
done
run_case "udp, the reply asks for another flowtable" second_flowtable udp
must su set echo 1
stack_gone

# lying_length PATH LENGTH - a session's packet whose length field says LENGTH: PPP sees
# no more than that.
lying_length() {
	local path=$1 length=$2 port

	behind_pppoe
	TO=$V4S
	case $path in
	classic) rules_classic ;;
	offload) rules_std ;;
	esac
	client c udp 5000 "$V4S"
	port=$PORT
	if [ "$path" = offload ]; then
		promote c udp "$port"
	else
		must c ping 5
	fi
	in_c nft -f - <<-END
		table netdev lie {
			counter got { }
			chain in {
				type filter hook ingress device c0 priority 0;
				ip saddr $V4S udp dport $port udp length 208 counter name got
			}
		}
	END
	inject_up in "$NS_S" s0 "$NS_R" rs
	# version, code, session 77, length, protocol IPv4
	must in wrap "88641100004d$(printf %04x "$length")0021"
	for _ in 1 2 3 4 5; do
		must in udp "$V4S" 5000 $C4 "$port" 200
	done
	must c ping 3
	counter got "$NS_C" netdev lie
	in_c nft delete table netdev lie
	if [ "$length" = 230 ]; then
		equal "$PACKETS" 5 "packets with a true length"
	else
		equal "$PACKETS" 0 "packets with a length of $length"
	fi
}
# 20 + 8 + 200 bytes and the protocol are 230
for length in 230 2 3 30 229; do
	on_both_paths "PPPoE length $length of 230" lying_length $length
done

all_done
