# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What --ruleset adds to both routers; sourced by guest, whose host_route it uses.
#
# A connection's rules go by its initiator's port (the kinds of NAT have 5,000 ports
# each), so that both directions are found. Each rule sets a constant: what a rule
# sets is a property of the connection, what no rule sets is a property of the packet.
#
# Marks and priorities do not show in a frame. They are written into its source
# address on the way out, where they are compared like any other byte:
# 02:fe:MARK(16 bits):PRIORITY's minor and major number.

TAG_MARKS="0x0 0x1 0x2 0x3 0x17 0x18 0x101 0x102 0x103 0x104"
TAG_PRIORITIES="0:0 0:1 0:2 0:4 0:6 1:5 1:6 1:7 1:8 1:9"

tag_rules() {
	local mark prio comma=''

	echo "table netdev tag { chain out {"
	echo "type filter hook egress devices = { lan0, wan0 } priority 10;"
	echo "ether saddr set meta mark . meta priority map {"
	for mark in $TAG_MARKS; do
		for prio in $TAG_PRIORITIES; do
			printf '%s%s . %s : 02:fe:%02x:%02x:%02x:%02x\n' "$comma" "$mark" "$prio" \
				$((mark >> 8)) $((mark & 255)) "${prio#*:}" "${prio%:*}"
			comma=,
		done
	done
	printf "}\n}\n}\n"
}

# kind FIRST STATEMENT... - of the connections of one kind of NAT; nft knows what a
# port is only where the protocol is one.
kind() {
	local first=$1 proto
	shift

	for proto in tcp udp; do
		echo "meta l4proto $proto ct original proto-src $first-$((first + 4999)) $*"
	done
}

mangle() {
	cat <<-RULES
	table inet mangle {
		chain pre {
			type filter hook prerouting priority mangle;
			${1:-}
		}
		chain forward {
			type filter hook forward priority mangle;
			${2:-}
		}
		chain post {
			type filter hook postrouting priority mangle;
			${3:-}
		}
	}
	RULES
}

ruleset_marks() {
	mangle "$(kind 10000 meta mark set 0x101)
		$(kind 35000 meta priority set 1:9)" \
		"$(kind 15000 ct direction reply meta mark set 0x102)
		$(kind 20000 meta mark set 0x103)
		$(kind 30000 meta priority set 1:7)" \
		"$(kind 25000 meta mark set 0x104)
		$(kind 40000 ct direction original meta priority set 1:8)
		$(kind 45000 meta mark set 0x0)"
}

ruleset_dscp() {
	mangle "$(kind 10000 ip dscp set af21)
		$(kind 10000 ip6 dscp set af21)" \
		"$(kind 15000 ct direction original ip dscp set cs5)
		$(kind 15000 ct direction original ip6 dscp set cs5)
		$(kind 20000 ip dscp set cs0)
		$(kind 20000 ip6 dscp set cs0)" \
		"$(kind 25000 ip dscp set cs1)
		$(kind 25000 ip6 dscp set cs1)
		$(kind 40000 ct direction reply ip dscp set ef)
		$(kind 40000 ct direction reply ip6 dscp set ef)"
}

ruleset_ttl() {
	mangle "$(kind 20000 ip ttl set 64)
		$(kind 20000 ip6 hoplimit set 64)" \
		"$(kind 15000 ct direction original ip ttl set 32)
		$(kind 15000 ct direction original ip6 hoplimit set 32)" \
		"$(kind 10000 ip ttl set 65)
		$(kind 10000 ip6 hoplimit set 65)
		$(kind 40000 ct direction reply ip ttl set 128)
		$(kind 40000 ct direction reply ip6 hoplimit set 128)"
}

# Marks 1 and 2 have another next hop each, mark 3 has the main table.
ruleset_connmark() {
	mangle "ct mark != 0 meta mark set ct mark accept
		$(kind 10000 iifname lan0 ct mark set 1)
		$(kind 15000 iifname lan0 ct mark set 2)
		$(kind 25000 iifname lan0 ct mark set 1)
		$(kind 40000 iifname lan0 ct mark set 2)
		iifname wan0 ct mark set 3
		ct mark != 0 meta mark set ct mark"
}
routing_connmark() {
	local ns=$1 mark

	next_hops "$ns"
	for mark in 1 2; do
		ip -n "$ns" rule add fwmark $mark table 10$mark
		ip -n "$ns" -6 rule add fwmark $mark table 10$mark
		ip -n "$ns" route add 10.2.0.0/24 via 10.2.0.10$mark dev wan0 onlink table 10$mark
		ip -n "$ns" -6 route add fd02::/64 via fd02::10$mark dev wan0 onlink table 10$mark
	done
}

ruleset_ecmp() { :; }
routing_ecmp() {
	local ns=$1 host

	next_hops "$ns"
	set_sysctl "$ns" net/ipv4/fib_multipath_hash_policy="${2:-1}" net/ipv6/fib_multipath_hash_policy="${2:-1}"
	for host in 10.2.0.10 10.2.0.11 10.2.0.12 10.2.0.20; do
		ip -n "$ns" route replace $host nexthop via 10.2.0.101 dev wan0 onlink \
			nexthop via 10.2.0.102 dev wan0 onlink
	done
	for host in fd02::10 fd02::11 fd02::12 fd02::20; do
		ip -n "$ns" -6 route del $host dev wan0
		ip -n "$ns" -6 route add $host nexthop via fd02::101 dev wan0 onlink \
			nexthop via fd02::102 dev wan0 onlink
	done
}
ruleset_ecmp0() { :; }
routing_ecmp0() { routing_ecmp "$1" 0; }

next_hops() {
	local ns=$1 i

	for i in 1 2; do
		ip -n "$ns" neigh add 10.2.0.10$i lladdr 02:00:00:00:02:1$i dev wan0 nud permanent
		ip -n "$ns" neigh add fd02::10$i lladdr 02:00:00:00:02:1$i dev wan0 nud permanent
	done
}

# more_rules NAME NAMESPACE - all that --ruleset NAME adds to this router.
more_rules() {
	{
		tag_rules
		"ruleset_$1"
	} | ip netns exec "$2" nft -f -
	[ "$(type -t "routing_$1")" != function ] || "routing_$1" "$2"
}
