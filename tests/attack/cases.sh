# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086 # guest uses ATTACKS; addresses have no blanks
# The attacks, one function each; sourced by guest. attack_NAME MS starts what lasts MS
# milliseconds and adds to AWAIT whom to ask for how many answers. Who attacks: near, beside
# the client; far, in a network of its own; both know addresses and ports, no sequences.

ATTACKS=(quiet udp-flood udp6-flood two-way-flood syn-flood syn6-flood alike-flood alike6-flood
	blind-rst blind-fin blind-syn blind-data far-rst far-fin port-reuse icmp-errors
	table-full netlink reload reload-flood)

# Packets a second of a flood, and of a blind attack on all connections together.
FLOOD_RATE=4000 BLIND_RATE=3000

AWAIT=()
await() { AWAIT+=("$1 $2"); }

flood() {
	tell "$1" flood "$2" "$3" "$4" 1000000 3 $FLOOD_RATE "$5"
	await "$1" 1
}

attack_quiet() { :; }
attack_udp-flood() { flood far udp $S4 5001 "$1"; }
attack_udp6-flood() { flood far udp $S6 5001 "$1"; }
attack_two-way-flood() { flood far udp $S4 5000 "$1"; }
attack_syn-flood() { flood far tcp $S4 5000 "$1"; }
attack_syn6-flood() { flood far tcp $S6 5000 "$1"; }
attack_alike-flood() { flood far chain-udp $S4 5001 "$1"; }
attack_alike6-flood() { flood far chain-udp $S6 5001 "$1"; }

# blind WHO FLAGS LENGTH MS - the whole sequence space of each connection, in both
# directions, in steps well below a window.
blind() {
	local who=$1 flags=$2 len=$3 ms=$4 i part count step client server

	part=$((ms / (LOAD * 4)))
	count=$((BLIND_RATE * part / 1000))
	step=$((4294967295 / (count + 1)))
	for ((i = 0; i < LOAD; i++)); do
		for family in 4 6; do
			client="$C4 $((LOAD_PORT + i))" server="$S4 5000"
			[ $family = 4 ] || client="$C6 $((LOAD_PORT + i))" server="$S6 5000"
			tell "$who" sweep "$flags" "$client" "$server" $((RANDOM * 65537)) $step \
				$((RANDOM * 65537)) "$len" $count $BLIND_RATE $part
			tell "$who" sweep "$flags" "$server" "$client" $((RANDOM * 65537)) $step \
				$((RANDOM * 65537)) "$len" $count $BLIND_RATE $part
		done
	done
	await "$who" $((LOAD * 4))
}
attack_blind-rst() { blind near R 0 "$1"; }
attack_blind-fin() { blind near FA 0 "$1"; }
attack_blind-syn() { blind near S 0 "$1"; }
attack_blind-data() { blind near PA 100 "$1"; }
attack_far-rst() { blind far R 0 "$1"; }
attack_far-fin() { blind far FA 0 "$1"; }

# One port, closed with RST and opened again at once, as often as it goes.
reuse_loop() {
	local end made=0 failed=0

	now
	end=$((NOW + $1 * 1000))
	while now && [ "$NOW" -lt $end ]; do
		if ask reuse connect && ask reuse ping 3; then made=$((made + 1)); else failed=$((failed + 1)); fi
		ask reuse reset || true
	done
	echo "ok reuse $made $failed"
}
attack_port-reuse() {
	peer_start reuse "$NS_C" client tcp $C4 9900 $S4 5000 || fail "reuse: $ANSWER"
	peer_run reuser reuse_loop "$1"
	await reuser 1
}

# Errors about each connection, sequences from everywhere; some say that less fits.
attack_icmp-errors() {
	local i n=0 seq kind info client server

	for ((i = 0; i < 40 * LOAD; i++)); do
		client="$C4 $((LOAD_PORT + i % LOAD))" server="$S4 5000"
		seq=$((i * 53687091 % 4294967296))
		case $((i % 3)) in
		0) kind=unreachable info=0 ;;
		1) kind=too-big info=1300 ;;
		2) kind=redirect info=203.0.113.2 ;;
		esac
		tell far error 203.0.113.2 $kind $info tcp "$client" "$server" $seq
		tell far error 203.0.113.2 $kind $info tcp "$server" "$client" $seq
		[ $kind = redirect ] ||
			tell far error 2001:db8:3::2 $kind $info tcp "$C6 $((LOAD_PORT + i % LOAD))" "$S6 5000" $seq
		tell far wait $(($1 / (40 * LOAD)))
		n=$((n + 3))
		[ $kind = redirect ] || n=$((n + 1))
	done
	await far $n
}

# One limit for all namespaces, writable in the first one only: this one. As many buckets
# as entries, as by default: who drops early looks into eight of them.
attack_table-full() {
	LIMIT=512
	echo $LIMIT >/sys/module/nf_conntrack/parameters/hashsize
	echo $LIMIT >/proc/sys/net/netfilter/nf_conntrack_max
	# four times what there is room for, however long that takes
	tell far flood udp $S4 5001 $((4 * LIMIT)) 3 $FLOOD_RATE $(($1 * 20))
	await far 1
}

# Dumps of all flows and malformed requests, while there are many flows. What counts is dumps.
netlink_loop() {
	local end n=0 group

	now
	end=$((NOW + $1 * 1000))
	while now && [ "$NOW" -lt $end ]; do
		! in_r "$NFO_TOOLS/nft-offload" -j list >/dev/null 2>&1 || n=$((n + 1))
		while read -r group; do
			in_r "$NFO_TOOLS/nfo_badnl" send "$group" >/dev/null 2>&1 || true
		done < <("$NFO_TOOLS/nfo_badnl" groups | head -n 3)
	done
	echo "ok netlink $n"
}
attack_netlink() {
	flood far udp $S4 5001 "$1"
	peer_run netlink netlink_loop "$1"
	await netlink 1
}

# The ruleset again and again, in one transaction each.
reload_loop() {
	local end n=0

	now
	end=$((NOW + $2 * 1000))
	while now && [ "$NOW" -lt $end ]; do
		rules_path "$1"
		n=$((n + 1))
		nap 0.1
	done
	echo "ok reload $n"
}
attack_reload() {
	peer_run reloader reload_loop "$WAY" "$1"
	await reloader 1
}
attack_reload-flood() {
	flood far udp $S4 5001 "$1"
	attack_reload "$1"
}
