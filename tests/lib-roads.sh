# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A road between router and server, and the two things that a flowtable may do on it; sourced after
# lib.sh and lib-stacks.sh. A road is a function up_NAME, which sets V4S, V4R, V6S and V6R.
ROAD_NAT="table inet nat { chain post { type nat hook postrouting priority 100; iifname rc masquerade; }; }"

# Whether packets are to be one hop older at the far end.
ROAD_AGES=1

# all_fast PEER COMMAND... - as fast, within a few tries: the ends of a tunnel have packets of
# their own, and a device that came up is told of a second later.
all_fast() { wait_for 15 is_fast "$@" || fail "$*: the slow path sees packets each time ($SLOW)"; }

# carried PROTO [RULES] - echoes and a stream come back, no packet of either direction passes the forward
# chain, and all of them are one hop older at the far end.
carried() {
	local proto=$1

	[ -z "${2:-}" ] || in_r nft -f - <<<"$2"
	address_of "$proto"
	client c "$proto" 5000 "$TO"
	promote c "$proto" "$PORT"
	settle c
	hops_watch
	all_fast c ping 20
	all_fast c ping 4 1200
	hops_right 24
	[ "${proto%6}" = tcp ] || return 0
	# The first stream finds the path's MTU.
	must c bulk 100000
	settle c
	all_fast c bulk 200000
}

# declined PROTO REASON [LEAST] - the connection works, for this reason all of its packets pass the forward
# chain, or so many of twenty, and they are one hop older at the far end.
declined() {
	local proto=$1 before least=${3:-20}

	reason_count "$2"
	# shellcheck disable=SC2153 # reason_count sets it
	before=$REASON
	address_of "$proto"
	client c "$proto" 5000 "$TO"
	must c ping 5
	hops_watch
	slow "$least" c ping 10
	[ -z "$ROAD_AGES" ] || hops_right 10
	must c ping 4 1200
	[ "${proto%6}" != tcp ] || must c bulk 100000
	reason_count "$2"
	[ "$REASON" -gt "$before" ] || fail "the reason is not counted"
	[ "$least" -lt 20 ] || no_offload_flag "$proto" "$PORT" || fail "one direction is carried: $CT"
}

# roads_of DEVICES WHAT... - with these listed; WHAT is PROTO or PROTO,nat, which is carried, or
# PROTO,REASON[,LEAST], which is declined.
roads_of() {
	local what proto reason least

	rules_flush
	rules_listing "rc, $1"
	shift
	for what; do
		IFS=, read -r proto reason least <<<"$what"
		case $reason in
		'') carried "$proto" ;;
		nat) carried "$proto" "$ROAD_NAT" ;;
		*) declined "$proto" "$reason" "${least:-20}" ;;
		esac
		peer_stop c
	done
}

# road NAME [DEVICES WHAT... [-- DEVICES WHAT...]...]
road() {
	local words=()

	at_end down
	"up_$1"
	shift
	while [ $# -gt 0 ]; do
		if [ "$1" = -- ]; then
			roads_of "${words[@]}"
			words=()
		else
			words+=("$1")
		fi
		shift
	done
	roads_of "${words[@]}"
}

# both COMMAND... - of ip, in the namespaces of router and server.
both() {
	ip -n "$NS_R" "$@" 2>/dev/null || skip "this kernel or its ip has not: $*"
	ip -n "$NS_S" "$@"
}

# down - what roads leave behind is gone; a file of tests may have more in road_gone.
road_gone() { :; }
down() {
	local dev line=''

	peer_stop c
	peer_stop tun
	for dev in br0 top0 bond0 red blue tun0 tun1; do line+="link del $dev"$'\n'; done
	ip -n "$NS_R" -force -batch - >/dev/null 2>&1 <<-END || true
		xfrm policy flush
		xfrm state flush
		l2tp del tunnel tunnel_id 1
		${line}link set rs nomaster
		link set rs up
		addr replace $RS4/24 dev rs
		addr replace $RS6/64 dev rs nodad
		addr replace $RC6/64 dev rc nodad
	END
	ip -n "$NS_S" -force -batch - >/dev/null 2>&1 <<-END || true
		xfrm policy flush
		xfrm state flush
		l2tp del tunnel tunnel_id 1
		${line}link set s0 nomaster
		link set s0 up
		addr replace $S4/24 dev s0
		addr replace $S6/64 dev s0 nodad
		route replace default via $RS4
		route replace ::/0 via $RS6
		route del 192.0.2.0/24
		route del 2001:db8:1::/64
		neigh flush dev s0
	END
	road_gone
}
