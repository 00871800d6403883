#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# FINDINGS S15: replies of a connection that went in one way only, from behind tags, from
# PPPoE sessions and with a second flowtable; a PPPoE length that lies.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"

topo_up
echo_up

# Here the connections begin on the server's side, for its networks are the ones behind
# tags: a datagram sink in the client's namespace.
peer_start sink "$NS_C" server udp :: 5000 || die "sink: $ANSWER"
LIB_SERVERS+="sink "
must sink set echo 0

# replies_join PROTO FROM - somebody at FROM sends alone until the flow is in; then six
# replies come without a packet of that side in between: the first takes the slow path
# and completes the flow, the others don't.
replies_join() {
	local proto=$1 from=$2 to=$C4 first

	case $proto in
	*6) to=$C6 ;;
	esac
	next_port
	peer_start c "$NS_S" client udp "$from" "$PORT" "$to" 5000 || fail "$ANSWER"
	must c send 3
	wait_for 3 has_offload_flag "$proto" "$PORT" || fail "not in the table one way: $CT"
	inject_up in "$NS_C" c0 "$NS_R" rc
	counter seen
	first=$PACKETS
	for _ in 1 2 3 4 5 6; do
		must in udp "$to" 5000 "$from" "$PORT" 100
	done
	counter seen
	[ "$PACKETS" -gt "$first" ] || fail "the first reply was not seen: the test proves nothing"
	[ $((PACKETS - first)) -le 2 ] || fail "the slow path saw $((PACKETS - first)) of 6 replies"
}
plain() {
	rules_std
	case $1 in
	*6) replies_join "$1" $S6 ;;
	*) replies_join "$1" $S4 ;;
	esac
}
behind_tag() {
	behind_vlans 802.1q:10
	address_of "$1"
	rules_std
	replies_join "$1" "$TO"
}
in_session() {
	behind_pppoe
	address_of "$1"
	rules_std
	replies_join "$1" "$TO"
}
# Each direction asks for a flowtable of its own; a device may be in two tables' flowtables.
second_flowtable() {
	rules_load <<-END
		table inet t {
			counter seen { }
			flowtable f { hook ingress priority 0; devices = { rc, rs }; }
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				ct direction reply meta l4proto udp flow add @f
			}
		}
		table inet second {
			flowtable g { hook ingress priority 1; devices = { rc, rs }; }
			chain forward {
				type filter hook forward priority 1; policy accept;
				ct direction original meta l4proto udp flow add @g
			}
		}
	END
	replies_join "$1" $S4
}
for proto in udp udp6; do
	run_case "$proto, the first reply completes the flow" plain $proto
	run_case "$proto, the same behind a tag" behind_tag $proto
	run_case "$proto, the same in a PPPoE session" in_session $proto
done
run_case "udp, the reply asks for another flowtable" second_flowtable udp
stack_gone

# session_client PATH - the client's connection over a session, by this path.
session_client() {
	case $1 in
	classic) rules_classic ;;
	offload) rules_std ;;
	esac
	client c udp 5000 "$V4S"
	if [ "$1" = offload ]; then
		promote c udp "$PORT"
	else
		must c ping 5
	fi
}

# wrapped HEADERS - five packets of the connection come to the router in these headers, from
# the server's address or from FROM; in PACKETS how many of them the client gets.
wrapped() {
	in_c nft -f - <<-END
		table netdev lie {
			counter got { }
			chain in {
				type filter hook ingress device c0 priority 0;
				ip saddr $V4S udp dport $PORT udp length 208 counter name got
			}
		}
	END
	inject_up in "$NS_S" s0 "$NS_R" rs
	must in wrap "$1"
	[ -z "${FROM:-}" ] || must in from "$FROM"
	for _ in 1 2 3 4 5; do
		must in udp "$V4S" 5000 $C4 "$PORT" 200
	done
	must c ping 3
	counter got "$NS_C" netdev lie
	in_c nft delete table netdev lie
}

# lying_length PATH LENGTH - a session's packet whose length field says LENGTH: PPP sees
# no more than that.
lying_length() {
	local path=$1 length=$2

	behind_pppoe
	TO=$V4S
	session_client "$path"
	# version, code, session 77, length, protocol IPv4
	wrapped "88641100004d$(printf %04x "$length")0021"
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

# other_sender PATH MAC - a packet with the session's number, from MAC: PPP sees it only if
# that is the other end of the session.
other_sender() {
	local path=$1 mac=$2 n=0

	behind_pppoe
	session_client "$path"
	[ "$path" = classic ] || fast c ping 5
	[ "$mac" = peer ] && mac=$(mac_of "$NS_S" s0) n=5
	FROM=$mac wrapped 88641100004d00e60021
	equal "$PACKETS" $n "packets of the session from $mac"
}
for mac in peer 02:00:00:00:00:77; do
	on_both_paths "PPPoE session 77 from $mac" other_sender $mac
done

# session_in_vlans PATH INNER-TAG SESSION - a packet in two VLANs and a session. A key has
# room for two ids: the third is folded into the second, so that tag 21 with session 76 has
# the key of tag 20 with session 77, which is the one that exists.
session_in_vlans() {
	local path=$1 tag=$2 session=$3

	behind_pppoe 10 20
	session_client "$path"
	[ "$path" = classic ] || fast c ping 5
	wrapped "8100000a8100$(printf %04x "$tag")88641100$(printf %04x "$session")00e60021"
	if [ "$tag $session" = "20 77" ]; then
		equal "$PACKETS" 5 "packets of the session"
	else
		equal "$PACKETS" 0 "packets of tag $tag, session $session"
	fi
}
for ids in "20 77" "20 76" "21 77" "21 76"; do
	# shellcheck disable=SC2086 # two words
	on_both_paths "PPPoE in two VLANs, tag and session $ids" session_in_vlans $ids
done

all_done
