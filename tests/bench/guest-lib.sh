# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Guest side of the benchmarks: topology, rulesets, pktgen. Sourced, never run.
#
#   pktgen in A: a0 -- ra [ router R ] rb -- b0 in B: a netdev ingress rule drops
#
# Every packet is sent by a kernel thread on CPU 0 and, veth being what it is,
# travels the whole way to the drop before the next one is made: the time a
# packet takes is the cost of generator, both veths and the router together.

set -euo pipefail

id=b$$
nsa=$id-a nsr=$id-r nsb=$id-b

# Static neighbours: no address resolution in the middle of a measurement.
mac_a=02:00:00:00:00:0a mac_ra=02:00:00:00:00:a1
mac_b=02:00:00:00:00:0b mac_rb=02:00:00:00:00:b1

src4=192.0.2.2 gw4=192.0.2.1 wan4=198.51.100.1 dst4=198.51.100.2
src6=2001:db8:1::2 gw6=2001:db8:1::1 wan6=2001:db8:2::1 dst6=2001:db8:2::2
many=10.0.0.0/8			# sources of the many-flow runs, behind A

# What R routes between; shape() changes it.
lan=ra wan=rb

say() { printf '# %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }
# As `ip netns exec`, without its mounts: those take long on an emulated processor.
in_ns() { nsenter --net="/run/netns/$1" "${@:2}"; }
in_a() { in_ns "$nsa" "$@"; }
in_r() { in_ns "$nsr" "$@"; }
in_b() { in_ns "$nsb" "$@"; }

# A million flows take their seconds to go, after `ip netns del` has returned.
topology_down() {
	local ns deadline=$((SECONDS + 60))

	[ -z "$pppoe" ] || kill "$pppoe"
	for ns in "$nsa" "$nsr" "$nsb"; do
		ip netns del "$ns" 2>/dev/null || :
	done
	while grep -Eq '^nft?_flow_offload [0-9]+ [1-9]' /proc/modules; do
		[ $SECONDS -lt $deadline ] || die "the namespaces are gone, but the flowtable is still in use"
		read -r -t 0.1 <> <(:) || :
	done
}

# topology_up [QUEUES] - each veth device with so many queues, one by default.
topology_up() {
	local m pid pids queues=""

	for m in veth pktgen nf_tables nf_conntrack nft_fwd_netdev; do
		modprobe "$m" || die "this kernel has no module '$m'"
	done
	trap topology_down EXIT
	# Once anything wakes ksoftirqd, packets queue up for it behind the busy
	# generator, in batches and with losses: another price than the one asked
	# for. At this priority it is done before the next packet is made.
	mapfile -t pids < <(pgrep '^ksoftirqd/')
	for pid in "${pids[@]}"; do
		chrt -f -p 50 "$pid" || die "ksoftirqd keeps its priority"
	done
	[ "${1:-1}" = 1 ] || queues="numtxqueues $1 numrxqueues $1"
	printf 'netns add %s\n' "$nsa" "$nsr" "$nsb" | ip -batch -
	ip -batch - <<-END
		link add ra netns $nsr address $mac_ra $queues type veth peer name a0 netns $nsa address $mac_a $queues
		link add rb netns $nsr address $mac_rb $queues type veth peer name b0 netns $nsb address $mac_b $queues
	END
	in_r sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	ip -n "$nsa" -batch - <<-END
		link set lo up
		link set a0 up
	END
	ip -n "$nsb" -batch - <<-END
		link set lo up
		link set b0 up
		addr add $dst4/24 dev b0
		addr add $dst6/64 dev b0 nodad
	END
	ip -n "$nsr" -batch - <<-END
		link set lo up
		link set ra up
		link set rb up
		addr add $gw4/24 dev ra
		addr add $wan4/24 dev rb
		addr add $gw6/64 dev ra nodad
		addr add $wan6/64 dev rb nodad
		route add $many via $src4
		neigh replace $src4 lladdr $mac_a dev ra nud permanent
		neigh replace $src6 lladdr $mac_a dev ra nud permanent
		neigh replace $dst4 lladdr $mac_b dev rb nud permanent
		neigh replace $dst6 lladdr $mac_b dev rb nud permanent
	END
	ip -n "$nsa" -batch - <<-END
		addr add $src4/24 dev a0
		addr add $src6/64 dev a0 nodad
		route add default via $gw4
		route add default via $gw6
		neigh replace $gw4 lladdr $mac_ra dev a0 nud permanent
		neigh replace $gw6 lladdr $mac_ra dev a0 nud permanent
	END

	in_b nft -f - <<-RULES
	table netdev sink {
		chain in {
			type filter hook ingress device b0 priority 0; policy accept;
			drop
		}
	}
	RULES
}

# bridge_side in|out - the port of that side, its peer's address, what it is configured with.
bridge_side() {
	case $1 in
	in) port=ra mac=$mac_ra peer=$mac_a peers="$src4 $src6" addrs="$gw4/24 $gw6/64" ;;
	out) port=rb mac=$mac_rb peer=$mac_b peers="$dst4 $dst6" addrs="$wan4/24 $wan6/64" ;;
	esac
}

# addresses_on DEVICE - those of the side are there, and nowhere else.
addresses_on() {
	local a

	{
		for a in $addrs; do
			case $a in
			*:*) echo "addr add $a dev $1 nodad" ;;
			*) echo "addr add $a dev $1" ;;
			esac
		done
		for a in $peers; do echo "neigh replace $a lladdr $peer dev $1 nud permanent"; done
		[ "$port" = rb ] || echo "route replace $many via $src4"
	} | ip -n "$nsr" -batch -
}

# bridge_up in|out - the port of that side of R goes into a bridge, which gets its addresses.
bridge_up() {
	local port mac peer peers addrs

	bridge_side "$1"
	modprobe bridge || die "this kernel has no module 'bridge'"
	ip -n "$nsr" -batch - <<-END
		addr flush dev $port
		link add br0 address $mac type bridge mcast_snooping 0 stp_state 0
		link set $port master br0
		link set br0 up
	END
	bridge -n "$nsr" fdb replace "$peer" dev "$port" master static
	addresses_on br0
	[ "$port" = ra ] && lan=br0 || wan=br0
}

bridge_down() {
	local port mac peer peers addrs

	bridge_side "$1"
	ip -n "$nsr" link del br0
	addresses_on "$port"
	lan=ra wan=rb
}

# vlan_up in|out - the addresses of that side of R go to a VLAN device above its port. What pktgen sends
# has the tag then, or what arrives in B, which is counted and dropped as the rest is.
vlan_up() {
	local port mac peer peers addrs

	bridge_side "$1"
	modprobe 8021q || die "this kernel has no module '8021q'"
	ip -n "$nsr" -batch - <<-END
		addr flush dev $port
		link add link $port name $port.7 type vlan id 7
		link set $port.7 up
	END
	addresses_on "$port.7"
	if [ "$port" = ra ]; then
		lan=ra.7 tag=("vlan_id 7")
	else
		wan=rb.7
	fi
}

vlan_down() {
	local port mac peer peers addrs

	bridge_side "$1"
	ip -n "$nsr" link del "$port.7"
	addresses_on "$port"
	lan=ra wan=rb tag=()
}
tag=()

# move_addresses FROM TO ADDRESS... - in R, with the neighbour behind the device.
move_addresses() {
	local from=$1 to=$2

	shift 2
	{
		echo "addr flush dev $from"
		printf "addr add %s dev $to\n" "$@"
	} | ip -n "$nsr" -batch -
	# What went with the addresses, or is not there with a PPP device.
	case $to in
	ra|br0)
		ip -n "$nsr" -batch - <<-END
			route replace $many via $src4 dev $to
			neigh replace $src4 lladdr $mac_a dev $to nud permanent
			neigh replace $src6 lladdr $mac_a dev $to nud permanent
		END
		;;
	esac
}

# shape plain|bridge|pppoe - what stands above the listed devices: nothing; a bridge at the LAN's
# side, whose port is listed; a PPPoE session at the WAN's side.
shape() {
	[ "$shape" != "$1" ] || return 0
	case $shape in
	bridge)
		lan=ra
		move_addresses br0 ra $gw4/24 "$gw6/64 nodad"
		ip -n "$nsr" link del br0 ;;
	pppoe) die "after the shape pppoe comes no other one" ;;
	esac
	shape=$1
	case $1 in
	bridge)
		lan=br0
		modprobe bridge
		ip -n "$nsr" link add br0 address $mac_ra type bridge
		ip -n "$nsr" link set br0 up
		move_addresses ra br0 $gw4/24 "$gw6/64 nodad"
		ip -n "$nsr" link set ra master br0 ;;
	pppoe)
		wan=ppp0
		modprobe pppoe
		exec {session}<> <(:)
		(exec nsenter --net="/run/netns/$nsr" "$NFO_TOOLS/nfo_pppoe" rb 77 $mac_b) <&"$session" >/tmp/session &
		pppoe=$!
		until grep -q "^ok ppp0" /tmp/session; do read -r -t 0.05 -u "$session" || :; done
		ip -n "$nsr" link set ppp0 mtu 1492 up
		move_addresses rb ppp0 "$wan4 peer $dst4" ;;
	esac
}
shape=plain pppoe=""

# ruleset PATH [FLOWTABLE OPTION...] - what R does with a packet.
# PATH: redirect, bare (see bare/nfo_bare.c, whose path is in $NFO_BARE), routing, stateful,
# stateful-masq, flow, flow-masq
ruleset() {
	local path=$1 table="" add="" nat=""

	shift
	# Flows of the run before go first, their flowtable after them.
	in_r nft flush ruleset
	in_r conntrack -F >/dev/null 2>&1 || :
	[ -z "${NFO_BARE:-}" ] || rmmod nfo_bare 2>/dev/null || :
	case $path in
	routing)
		return ;;
	bare)
		in_r insmod "$NFO_BARE" in=ra out=rb to=$mac_b
		return ;;
	redirect)
		in_r nft -f - <<-RULES
		table netdev floor {
			chain in {
				type filter hook ingress device ra priority 0; policy accept;
				fwd to "rb"
			}
		}
		RULES
		return ;;
	flow*)
		table="flowtable f {
			hook ingress priority 0; devices = { ra, rb }; $*
		}"
		add="meta l4proto { tcp, udp } flow add @f" ;;
	stateful*) ;;
	*) die "no path '$path'" ;;
	esac
	case $path in
	*-masq)
		nat="chain post {
			type nat hook postrouting priority 100; policy accept;
			oifname $wan masquerade
		}" ;;
	esac
	# The counter comes first: it is what proves which way packets went.
	in_r nft -f - <<-RULES
	table inet router {
		$table
		counter slow { }
		chain forward {
			type filter hook forward priority 0; policy drop;
			counter name slow
			$add
			ct state established,related accept
			ct state invalid drop
			iifname "$lan" accept
		}
		$nat
	}
	RULES
}

# What pktgen sends, one flow of a family.
# shellcheck disable=SC2034 # for who sources this
udp4=("pkt_size 60" "src_min $src4" "src_max $src4" "dst $dst4"
      "udp_src_min 4000" "udp_src_max 4000" "udp_dst_min 5000" "udp_dst_max 5000")
# IPv6 has no zero UDP checksum: pktgen fills the checksum in.
# shellcheck disable=SC2034
udp6=("pkt_size 78" "src6 $src6" "dst6 $dst6" "flag UDPCSUM"
      "udp_src_min 4000" "udp_src_max 4000" "udp_dst_min 5000" "udp_dst_max 5000")

# Packets that went through R's forward chain since the ruleset was loaded.
slow_packets() {
	in_r nft list counter inet router slow 2>/dev/null |
		sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

# Packets that arrived in B.
# shellcheck disable=SC2016 # awk's own
arrived() { in_b awk '$1 == "b0:" { print $3 }' /proc/net/dev; }

# generate_in a|b - which end's pktgen sends from now on: A's through ra, or B's through rb.
generate_in() {
	case $1 in
	a) gen_ns=$nsa gen_dev=a0 gen_to=$mac_ra ;;
	b) gen_ns=$nsb gen_dev=b0 gen_to=$mac_rb ;;
	esac
}
generate_in a

# pktgen_setup SETTING... - one device on CPU 0's thread, reset. The thread
# lets go of the old one in its own time.
pktgen_setup() {
	# shellcheck disable=SC2016 # expands in the inner shell
	in_ns "$gen_ns" bash -euc '
		cd /proc/net/pktgen
		dev=$1
		shift
		echo rem_device_all >kpktgend_0
		deadline=$((SECONDS + 30))
		while grep -qw "$dev" kpktgend_0; do
			[ $SECONDS -lt $deadline ] || { echo "pktgen keeps $dev" >&2; exit 1; }
			read -r -t 0.02 <> <(:) || :
		done
		echo "add_device $dev" >kpktgend_0
		for setting; do
			echo "$setting" >"$dev" || { echo "pktgen refused: $setting" >&2; exit 1; }
		done' pktgen "$gen_dev" "delay 0" "clone_skb 0" "dst_mac $gen_to" ${tag[@]+"${tag[@]}"} "$@"
}

# pktgen_run COUNT [TIMES] - prints the microseconds it took; of several times, the least.
pktgen_run() {
	local usec

	# shellcheck disable=SC2016 # expands in the inner shell
	usec=$(in_ns "$gen_ns" bash -euc '
		cd /proc/net/pktgen
		echo "count $1" >"$3"
		least=
		for ((i = 0; i < $2; i++)); do
			echo start >pgctrl
			text=$(<"$3")
			[[ $text =~ "Result: OK: "([0-9]+) ]] || exit
			usec=${BASH_REMATCH[1]}
			[ "${least:-$usec}" -lt "$usec" ] || least=$usec
		done
		echo "$least"' pktgen "$1" "${2:-1}" "$gen_dev") || :
	[ -n "$usec" ] || die "pktgen gave no result: $(in_ns "$gen_ns" tail -n 1 "/proc/net/pktgen/$gen_dev")"
	echo "$usec"
}

# --- many flows ------------------------------------------------------------

# udp_timeouts SECONDS - conntrack's and the flowtables'.
udp_timeouts() {
	in_r sysctl -qw net.netfilter.nf_conntrack_udp_timeout="$1" \
		net.netfilter.nf_conntrack_udp_timeout_stream="$1" net.netfilter.nf_flowtable_udp_timeout="$1"
}

# Room for a million connections which do not expire in the middle of a run.
room_for_a_million() {
	echo 1048576 >/sys/module/nf_conntrack/parameters/hashsize
	udp_timeouts 3600
	sysctl -qw net.netfilter.nf_conntrack_max=4194304
}

# flow_ranges COUNT - how many addresses by how many ports. The two are
# coprime: counting both up with every packet meets every pair exactly once in
# addresses * ports packets, which is how all the flows are set up.
flow_ranges() {
	case $1 in
	1) echo 1 1 ;;
	4k) echo 64 63 ;;
	16k) echo 128 127 ;;
	262k) echo 512 511 ;;
	1M) echo 1024 1023 ;;
	*) die "flows: 1, 4k, 16k, 262k or 1M" ;;
	esac
}

# sources ADDRESSES PORTS random|counting
# (pktgen's port range ends before udp_src_max, its counted addresses with src_max)
sources() {
	local last=$(($1 - 1)) flags=("flag !IPSRC_RND" "flag !UDPSRC_RND")

	[ "$3" = counting ] || flags=("flag IPSRC_RND" "flag UDPSRC_RND")
	# Since 6.6 pktgen can be asked to let go of what it has sent.
	flags+=("flag !SHARED")
	pktgen_setup "pkt_size 60" "dst $dst4" "udp_dst_min 5000" "udp_dst_max 5000" \
		"src_min 10.0.0.0" "src_max 10.0.$((last / 256)).$((last % 256))" \
		"udp_src_min 4000" "udp_src_max $((4000 + $2))" "${flags[@]}"
}

# The first pass makes the connections, the second promotes them (a packet of
# a confirmed connection does), the third must find every one in the table.
warm_up() {
	local all=$(($1 * $2)) before after

	sources "$1" "$2" counting
	for _ in 1 2; do
		pktgen_run "$all" >/dev/null
	done
	before=$(slow_packets)
	pktgen_run "$all" >/dev/null
	after=$(slow_packets)
	say "$all flows set up; of $all further packets the slow path saw $((after - before))"
}
