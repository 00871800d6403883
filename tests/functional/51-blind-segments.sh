#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# FINDINGS S9: segments from somebody who does not see the connection. What they do to
# conntrack's entry and to the flow is what they do on the classic path.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

topo_up
echo_up
sysctl_r net/netfilter/nf_conntrack_tcp_be_liberal 0
sysctl_r net/netfilter/nf_conntrack_tcp_timeout_established 3000

# A third network, from where an attacker may send with anybody's addresses.
ns_add x
NS_X=$NS
ip link add x0 netns "$NS_X" type veth peer name rx netns "$NS_R"
ip -n "$NS_R" -batch - <<-END
	addr add 203.0.113.1/24 dev rx
	link set rx up
END
ip -n "$NS_X" link set x0 up
links_ready "$NS_X" x0 "$NS_R" rx
for d in all rc rs rx; do
	sysctl_r net/ipv4/conf/$d/rp_filter 0
done

# attacker WHERE - an injector beside the client, or in the third network.
attacker() {
	inject_up watcher "$NS_C" c0 "$NS_R" rc
	case $1 in
	near) inject_up attacker "$NS_C" c0 "$NS_R" rc ;;
	far) inject_up attacker "$NS_X" x0 "$NS_R" rx ;;
	esac
}

# Conntrack says nothing of a connection's state while it is offloaded: "-".
ct_state() {
	ct_get "$1" "$2"
	ct_field state
}

# The flowtable goes, the connection stays.
hand_back() {
	in_r nft 'flush chain inet t forward; add rule inet t forward counter name seen; add rule inet t forward ct state invalid counter name invalid'
	in_r nft delete flowtable inet t f
	wait_for 5 no_offload_flag "$1" "$2" || fail "not handed back: $CT"
}

# The connection works and conntrack thinks so.
unharmed() {
	local path=$1 proto=$2 port=$3

	must c timeout 2000
	must c bulk 200000
	[ "$path" = classic ] || hand_back "$proto" "$port"
	ct_state "$proto" "$port"
	equal "$FIELD" established "conntrack's state"
}

# injected_into PATH PROTO WHERE - a connection that has carried data; an attacker there may see no more of it
# than its numbers are here.
injected_into() {
	rules_for "$1"
	connect_for "$1" c "$2"
	must c bulk 3000000
	attacker "$3"
	sequences watcher c "$2" "$PORT"
}

# ignored PATH PROTO PORT WHAT - a segment has closed nothing.
ignored() {
	ct_state "$2" "$3"
	case $1:$FIELD in
	classic:established|offload:-) ;;
	*) fail "$4: conntrack says $FIELD, $CT" ;;
	esac
}

# outside PATH PROTO WHERE FLAGS OFFSET... - segments behind and beyond the window are
# ignored, one after another.
outside() {
	local path=$1 proto=$2 where=$3 flags=$4 offset port

	shift 4
	injected_into "$path" "$proto" "$where"
	port=$PORT
	for offset; do
		seq_add "$CLIENT_SEQ" "$offset"
		must attacker tcp "$CLIENT_END" "$SERVER_END" "$SEQ" "$SERVER_SEQ" "$flags" 0
		ignored "$path" "$proto" "$port" "$flags at $offset"
	done
	unharmed "$path" "$proto" "$port"
}
# Half the space before and after, a window before, just before; windows here are below 7 MB.
far_off=(-2147483000 -1000000000 -70000000 70000000 1000000000 2147483000)
for proto in tcp tcp6; do
	on_both_paths "$proto, RST outside the window" outside $proto near R "${far_off[@]}"
	on_both_paths "$proto, RST with ACK outside the window" outside $proto near RA "${far_off[@]}"
	on_both_paths "$proto, FIN outside the window" outside $proto near FA "${far_off[@]}"
done
on_both_paths "RST outside the window through another device" outside tcp far R "${far_off[@]}"
on_both_paths "FIN outside the window through another device" outside tcp far FA "${far_off[@]}"

# lured PATH PROTO FLAGS - segments with made-up numbers that are no closing ones come first, and a
# closing one is to profit from that. It is ignored, but not the client's own RST after it.
lured() {
	local path=$1 proto=$2 flags=$3 ahead port

	injected_into "$path" "$proto" near
	port=$PORT
	for ahead in 20000000 70000000 1000000000; do
		seq_add "$CLIENT_SEQ" "$ahead"
		must attacker tcp "$CLIENT_END" "$SERVER_END" "$SEQ" "$SERVER_SEQ" PA 100
		seq_add "$SERVER_SEQ" "$ahead"
		must attacker tcp "$CLIENT_END" "$SERVER_END" "$CLIENT_SEQ" "$SEQ" A 0
		seq_add "$CLIENT_SEQ" $((ahead + 100))
		must attacker tcp "$CLIENT_END" "$SERVER_END" "$SEQ" "$SERVER_SEQ" "$flags" 0
		ignored "$path" "$proto" "$port" "$flags after segments $ahead bytes ahead"
	done
	must c timeout 2000
	sequences watcher c "$proto" "$port"
	must attacker tcp "$CLIENT_END" "$SERVER_END" "$CLIENT_SEQ" "$SERVER_SEQ" R 0
	[ "$path" = classic ] || wait_for 5 no_offload_flag "$proto" "$port" || fail "the connection is still offloaded: $CT"
	ct_state "$proto" "$port"
	equal "$FIELD" close "conntrack's state"
}
for proto in tcp tcp6; do
	on_both_paths "$proto, data with made-up numbers, then RST" lured $proto R
	on_both_paths "$proto, data with made-up numbers, then FIN" lured $proto FA
done

# What comes after a RST that was ignored is judged by all that was sent, not by what had been sent
# when the RST came: here each direction sends more than a window in the fast path, and then a commit
# has it pass conntrack again. Conntrack finds the RST invalid and nothing else.
then_commit() {
	local proto=$1 port round

	rules_std
	connect_for offload c "$proto"
	port=$PORT
	must c timeout 2000
	must c bulk 3000000
	attacker near
	sequences watcher c "$proto" "$port"
	seq_add "$CLIENT_SEQ" 1000000000
	for round in {1..5}; do
		must attacker tcp "$CLIENT_END" "$SERVER_END" "$SEQ" "$SERVER_SEQ" R 0
		must c bulk 3000000
		in_r nft add rule inet t forward counter
		must c bulk 300000
		counter invalid
		equal "$PACKETS" "$round" "invalid segments after $round RST"
	done
	unharmed offload "$proto" "$port"
}
for proto in tcp tcp6; do
	run_case "$proto, a commit after a RST outside the window" then_commit $proto
done

# An ICMP error about the connection comes by before the segment that ends it. The error's bytes stand
# where a segment has its numbers: 0x4500002c, IPv4's header, is to be a later acknowledgment.
after_error() {
	local path=$1 port

	rules_for "$path"
	attacker near
	inject_up beyond "$NS_S" s0 "$NS_R" rs
	for _ in {1..20}; do
		connect_for "$path" c tcp
		port=$PORT
		must c bulk 1000000
		sequences watcher c tcp "$port"
		seq_add $((0x4500002c)) -"$CLIENT_SEQ"
		[ $SEQ -gt 100000 ] && [ $SEQ -lt 2000000000 ] && break
		peer_stop c
	done
	# shellcheck disable=SC2086 # an end is two words
	must beyond error $S4 unreachable 0 tcp $CLIENT_END $SERVER_END "$CLIENT_SEQ"
	must attacker tcp "$CLIENT_END" "$SERVER_END" "$CLIENT_SEQ" "$SERVER_SEQ" R 0
	[ "$path" = classic ] || wait_for 5 no_offload_flag tcp "$port" || fail "the connection is still offloaded: $CT"
	ct_state tcp "$port"
	equal "$FIELD" close "conntrack's state"
}
on_both_paths "RST of the client itself, after an ICMP error" after_error

# ---- segment by segment: the classic path's verdict ----

# What the segment is, its flags, how far from the next byte it begins, its length.
segments() {
	cat <<-END
		RST-next-byte R 0 0
		RST-in-window R 1000 0
		RST-just-behind R -1 0
		RST-far-behind R -3000000 0
		RST-beyond R 100000000 0
		FIN-behind FA -3000000 0
		FIN-beyond FA 100000000 0
		FIN-in-window FA 3000 0
		SYN-far S 123456789 0
		SYN-in-window S 1000 0
		SYN-ACK-far SA 123456789 0
		data-behind PA -1000000 100
		data-beyond PA 100000000 100
	END
}

# verdict MODE FLAGS OFFSET LENGTH - what becomes of one connection after one segment,
# in VERDICT. MODE is classic, offload or handed.
verdict() {
	local mode=$1 flags=$2 offset=$3 len=$4 port

	client c tcp
	port=$PORT
	must c timeout 1500
	if [ "$mode" = classic ]; then
		must c ping 5
	else
		promote c tcp "$port"
	fi
	must c bulk 1000000
	if [ "$mode" = handed ]; then
		hand_back tcp "$port"
		# both directions pass: that is what a window is learned from again
		must c bulk 300000
	fi
	sequences watcher c tcp "$port"
	seq_add "$CLIENT_SEQ" "$offset"
	must attacker tcp "$CLIENT_END" "$SERVER_END" "$SEQ" "$SERVER_SEQ" "$flags" "$len"
	VERDICT=dead
	! ask c ping 5 || VERDICT=alive
	[ "$mode" != offload ] || hand_back tcp "$port"
	ct_state tcp "$port"
	VERDICT+=", conntrack $FIELD"
	peer_stop c
}

# The yardstick first: each verdict goes to a file.
classic_verdicts() {
	local what flags offset len

	rules_classic
	attacker near
	while read -r what flags offset len <&3; do
		verdict classic "$flags" "$offset" "$len"
		echo "$what: $VERDICT"
		echo "$VERDICT" >"$LIB_TMP/classic.$what"
	done 3< <(segments)
}
run_case "the classic path's verdicts" classic_verdicts

# same_verdicts MODE WHERE
same_verdicts() {
	local mode=$1 what flags offset len classic
	local -a wrong=()

	attacker "$2"
	while read -r what flags offset len <&3; do
		rules_flush
		ct_flush
		rules_std
		verdict "$mode" "$flags" "$offset" "$len"
		classic=$(cat "$LIB_TMP/classic.$what")
		echo "$what: $VERDICT; classic path: $classic"
		[ "$VERDICT" = "$classic" ] || wrong+=("$what")
	done 3< <(segments)
	[ ${#wrong[@]} = 0 ] || fail "another verdict than the classic path's: ${wrong[*]}"
}
run_case "the classic verdict on an offloaded connection" same_verdicts offload near
run_case "the classic verdict through another device" same_verdicts offload far
run_case "the classic verdict after hand-back" same_verdicts handed near

all_done
