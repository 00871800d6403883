# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Bridges of the router, and a client that is plugged in at either of two ports; sourced after lib.sh.

# station_up - the client's ports c0 and c2 are those of a bridge of its own, only one of which is
# plugged in; the other one answers no ARP requests for the client's address. A third device keeps the
# bridge's link up between the two: a bridge whose link was down sends nothing until the kernel looks
# at links again, up to a second later.
station_up() {
	ip -n "$NS_C" -batch - <<-END
		link add sta type bridge
		link set sta address 02:00:00:00:00:01
		link add stay type dummy
		link set stay master sta
		link set stay up
		addr flush dev c0
		link set c2 address 02:00:00:00:00:03 arp off
		link set c0 down
		link set c0 address 02:00:00:00:00:04 arp off
		link set c0 master sta
		link set c0 up
		link set c2 up
	END
}

# plug PORT - the client is at this one from now on. The cable of the other one stays.
plug() {
	local other=c2

	[ "$1" = c0 ] || other=c0
	ip -n "$NS_C" -batch - <<-END
		link set $other nomaster
		link set $1 master sta
	END
}

# found_at PORT MOST MS - the client moves to this port, and connection c is found there: at most MOST
# packets of MS milliseconds are lost, then it is fast.
found_at() {
	local lost=0

	must c timeout "$3"
	plug "$1"
	until ask c ping 1; do
		lost=$((lost + 1))
		[ $lost -le "$2" ] || fail "$lost packets of $3 ms are lost"
	done
	must c timeout 5000
	settle c
}

# bridge_of PORT PORT [tagged|untagged] - the router's bridge of these ports, with the client plugged in
# at c0; of VLAN 10, which it has then, the ports have the tag or not.
bridge_of() {
	local one=$1 two=$2 vlan=${3:-} router=br0 host=sta

	ip -n "$NS_R" link del br0 2>/dev/null || true
	ip -n "$NS_C" link del sta.10 2>/dev/null || true
	ip -n "$NS_R" -batch - <<-END
		addr flush dev $one
		link add br0 type bridge vlan_filtering $([ -z "$vlan" ] && echo 0 || echo 1)
		link set br0 address 02:00:00:00:00:10
		link set $one master br0
		link set $two master br0
		link set $two up
		link set br0 up
	END
	if [ -n "$vlan" ]; then
		router=br0.10
		bridge -n "$NS_R" -batch - <<-END
			vlan add dev br0 vid 10 self
			vlan add dev $one vid 10 $([ "$vlan" = tagged ] || echo pvid untagged)
			vlan add dev $two vid 10 $([ "$vlan" = tagged ] || echo pvid untagged)
		END
		ip -n "$NS_R" link add link br0 name br0.10 type vlan id 10
	fi
	ip -n "$NS_R" -batch - <<-END
		addr add $RC4/24 dev $router
		addr add $RC6/64 dev $router nodad
		link set $router up
	END
	ip -n "$NS_C" addr flush dev sta
	ip -n "$NS_C" -6 route flush ::/0
	ip -n "$NS_C" link set sta up
	if [ "$vlan" = tagged ]; then
		host=sta.10
		ip -n "$NS_C" link add link sta name sta.10 type vlan id 10
	fi
	host_up "$NS_C" $host "$C4" "$C6" "$RC4" "$RC6"
	plug c0
	links_ready "$NS_C" $host "$NS_R" $router
}

# lan_bridge - br0 over rc takes rc's place.
lan_bridge() {
	ip -n "$NS_R" -batch - <<-END
		addr flush dev rc
		link add br0 type bridge
		link set rc master br0
		link set br0 up
		addr add $RC4/24 dev br0
	END
	links_ready "$NS_R" br0
}

# vlan_bridge - rc is an untagged port of VLAN 10 of the router's bridge; the router is in it as br0.10.
vlan_bridge() {
	ip -n "$NS_R" -batch - <<-END
		addr flush dev rc
		link add br0 type bridge vlan_filtering 1
		link set rc master br0
		link set br0 up
		link add link br0 name br0.10 type vlan id 10
		addr add $RC4/24 dev br0.10
		addr add $RC6/64 dev br0.10 nodad
		link set br0.10 up
	END
	bridge -n "$NS_R" vlan add dev rc vid 10 pvid untagged
	bridge -n "$NS_R" vlan add dev br0 vid 10 self
	links_ready "$NS_R" br0 "$NS_R" br0.10
}

# arrivals_watch NAMESPACE DEVICE - from now on it counts the UDP that comes in by the device.
arrivals_watch() {
	in_ns "$1" nft -f - <<-END
		table netdev w
		delete table netdev w
		table netdev w {
			counter arrived { }
			chain i {
				type filter hook ingress device $2 priority 0;
				meta l4proto udp counter name arrived
			}
		}
	END
}
# arrived NAMESPACE - how many it has counted, in PACKETS.
arrived() { counter arrived "$1" netdev w; }
