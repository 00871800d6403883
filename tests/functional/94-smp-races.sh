#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life smp x86 kcsan
# Two processors: connections are promoted and closed on both of them while rivals end
# flows: conntrack entries are deleted, flows flushed and dumped, a device is removed,
# another one goes down, the ruleset is loaded anew, routers come and go. KASAN, lockdep
# and list debugging of the kernel judge. All rivals run together for twelve seconds; with
# NFO_RACE=SECONDS one after the other first, and all together for four times as long.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need taskset nproc renice

seconds=${NFO_RACE:-}
topo_up
echo_up
[ "$(nproc)" -ge 2 ] || {
	skipped "races on two processors" "this machine has one"
	all_done
	exit 0
}
# The second way into the router, which is removed and made anew.
A4=203.0.113.2 B4=198.51.100.3
sysctl_in "$NS_C" net/ipv4/ip_nonlocal_bind 1
ip -n "$NS_S" addr add $B4/32 dev s0
sysctl_r net/ipv4/conf/all/rp_filter 0
second_way() {
	ip -force -batch - <<-END
		link add c1 netns $NS_C type veth peer name rd netns $NS_R
	END
	ip -n "$NS_R" -force -batch - <<-END
		addr add 203.0.113.1/24 dev rd
		link set rd up
	END
	ip -n "$NS_C" -force -batch - <<-END
		addr add $A4/24 dev c1
		link set c1 up
		route add $B4/32 via 203.0.113.1 dev c1
	END
	in_r nft 'add flowtable inet t f { devices = { rd }; }'
}

ruleset() {
	in_r nft -f - <<-END
		table inet t
		flush table inet t
		delete table inet t
		table inet t {
			counter seen { }
			flowtable f { hook ingress priority 0; devices = { rc, rs }; counter; }
			chain forward {
				type filter hook forward priority 0;
				counter name seen
				meta l4proto { tcp, udp } flow add @f
			}
		}
	END
}

# ---- the rivals ----

delete() { in_r conntrack -F; }
flush() { in_r "$NFO_TOOLS/nft-offload" flush; }
dump() { in_r "$NFO_TOOLS/nft-offload" -j list; in_r conntrack -L; }
device() { ip -n "$NS_R" link del rd; second_way; }
down() {
	ip -n "$NS_R" link set rs down
	ip -n "$NS_R" link set rs up
	ip -n "$NS_R" addr replace $RS6/64 dev rs nodad
	nap 0.2
}
route() {
	ip -n "$NS_R" route add 10.9.0.0/16 via $S4
	ip -n "$NS_R" neigh flush dev rs
	ip -n "$NS_R" route del 10.9.0.0/16
}
reload() { ruleset; second_way; }

# A router with a flow of its own ends while packets of the flow are under way.
router() {
	local tag=n$1 ns server

	for ns in a b c; do
		echo "nfo-$tag$ns-$LIB_SUFFIX:case" >>"$LIB_TMP/namespaces"
		ip netns add "nfo-$tag$ns-$LIB_SUFFIX"
	done
	ip -batch - <<-END
		link add v0 netns nfo-${tag}a-$LIB_SUFFIX type veth peer name v1 netns nfo-${tag}b-$LIB_SUFFIX
		link add v2 netns nfo-${tag}b-$LIB_SUFFIX type veth peer name v3 netns nfo-${tag}c-$LIB_SUFFIX
	END
	ip -n "nfo-${tag}a-$LIB_SUFFIX" -batch - <<-END
		addr add 192.0.2.2/24 dev v0
		link set v0 up
		route add default via 192.0.2.1
	END
	ip -n "nfo-${tag}c-$LIB_SUFFIX" -batch - <<-END
		addr add 198.51.100.2/24 dev v3
		link set v3 up
		route add default via 198.51.100.1
	END
	ip -n "nfo-${tag}b-$LIB_SUFFIX" -batch - <<-END
		addr add 192.0.2.1/24 dev v1
		addr add 198.51.100.1/24 dev v2
		link set v1 up
		link set v2 up
	END
	in_ns "nfo-${tag}b-$LIB_SUFFIX" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	in_ns "nfo-${tag}b-$LIB_SUFFIX" nft 'table inet t {
		flowtable f { hook ingress priority 0; devices = { v1, v2 }; }
		chain forward { type filter hook forward priority 0; meta l4proto { tcp, udp } flow add @f; }; }'
	in_ns "nfo-${tag}c-$LIB_SUFFIX" timeout 20 "$NFO_TOOLS/nfo_peer" server udp :: 5000 &
	server=$!
	in_ns "nfo-${tag}a-$LIB_SUFFIX" timeout 20 "$NFO_TOOLS/nfo_peer" many udp 192.0.2.2 198.51.100.2 5000 700 &
	nap 0.5
	ip netns del "nfo-${tag}b-$LIB_SUFFIX"
	kill $server
	wait || true
	ip netns del "nfo-${tag}a-$LIB_SUFFIX"
	ip netns del "nfo-${tag}c-$LIB_SUFFIX"
}

# rival NAME SECONDS CPU - time and again, in the background; its rounds in a file.
rival() {
	local name=$1 end cpu=$3 rounds=0

	now
	end=$((NOW + $2 * 1000000))
	(
		set +eE
		trap - ERR EXIT
		# It is one of many that want the processor.
		taskset -cp "$cpu" "$BASHPID"
		renice -n -10 "$BASHPID"
		# A busy machine gets its rounds as well.
		while now && { [ "$NOW" -lt "$end" ] || [ $rounds -lt 3 ]; }; do
			"$name" $rounds
			rounds=$((rounds + 1))
			echo $rounds >"$LIB_TMP/rounds.$name"
			echo "nfo: $name, round $rounds" >/dev/kmsg
		done
	) >/dev/null 2>&1 &
	RIVALS+=($!)
}

# load SECONDS - short connections on both processors, by both ways, until load_ends or for ten
# times as long.
load() {
	local cpu ends ms=$(($1 * 10000 * LIB_SLOW))

	LOADS=()
	for ends in "0 tcp $C4 $S4" "1 udp $C4 $S4" "1 tcp $C6 $S6" "0 udp $C6 $S6" "0 tcp $A4 $B4" "1 udp $A4 $B4"; do
		cpu=${ends%% *} ends=${ends#* }
		LOADS+=("l$cpu${#LOADS[@]}")
		# shellcheck disable=SC2086 # words
		peer_run "${LOADS[-1]}" taskset -c $cpu "$NFO_TOOLS/nfo_peer" -n "$NS_C" many $ends 5000 $ms
	done
}

load_ends() {
	local peer sum=0 made

	for peer in "${LOADS[@]}"; do tell "$peer" enough; done
	for peer in "${LOADS[@]}"; do
		peer_answer "$peer" 120 || fail "$peer: $ANSWER"
		read -r _ _ made _ <<<"$ANSWER"
		sum=$((sum + made))
	done
	echo "$sum connections"
	[ $sum -gt 20 ] || fail "only $sum connections"
}

# race SECONDS RIVAL... - each on a processor, in turn.
race() {
	local time=$1 name cpu=0 rounds

	shift
	RIVALS=()
	ruleset
	second_way || true
	load "$time"
	for name; do
		cpu=$((1 - cpu))
		rm -f "$LIB_TMP/rounds.$name"
		rival "$name" "$time" $cpu
	done
	wait "${RIVALS[@]}" || true
	load_ends
	for name; do
		rounds=$(cat "$LIB_TMP/rounds.$name" 2>/dev/null) || rounds=0
		echo "$name: $rounds rounds"
		[ "$rounds" -ge 2 ] || fail "$name did its work $rounds times"
	done
	# and all is as it was
	ip -n "$NS_R" link del rd
	ip -n "$NS_R" addr replace $RS6/64 dev rs nodad
	ruleset
	flow_up t tcp
	flow_up u udp6
	must t bulk 500000
}
rivals=(delete flush dump device down route reload router)
if [ -n "$seconds" ]; then
	for name in "${rivals[@]}"; do
		run_case "promotion and FIN against $name" race "$seconds" "$name"
	done
fi
run_case "promotion and FIN against all of them" race $((${seconds:-3} * 4)) "${rivals[@]}"

all_done
