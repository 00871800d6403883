# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # the guest uses what is set here, and sets stack and home
# The links of both routers, and what stands above their ports; sourced by guest.
#
# The far ends are in the namespace $home: cK of the LAN, sK of the WAN. Where the road is one
# that equiv builds itself (a PPPoE session, a tunnel), sK is the wire and $road its name.

lan_mac=02:00:00:00:01:01 wan_mac=02:00:00:00:02:01 host_mac=02:00:00:00:02:10
pids=() hold=''

# links_names - the listed ports in lan_port and wan_port; wan6 routes IPv6; point is not empty
# where the WAN has no neighbours.
links_names() {
	lan_port=lan0 wan_port=wan0 wan6=wan0 road='' point=''
	case $stack in
	'') return ;;
	bridge|vlan-bridge|vlan) lan_port=port1 ;;
	pppoe) road=pppoe point=1 ;;
	tunnel) road=ipip point=1 wan6=wan6 ;;
	gre) road=gre point=1 ;;
	4in6) road=ip6tnl point=1 ;;
	esac
	wan_port=port0
}

# listed NAME... - each once, separated by commas.
listed() { printf '%s\n' "$@" | sort -u | paste -sd, ; }

# wire NAMESPACE PORT MAC MTU FAR - a pair of veth between a router and the far ends.
wire() {
	ip -n "$1" link add "$2" address "$3" mtu "$4" type veth peer name "$5" mtu 65535 netns "$home"
	ip -n "$home" link set "$5" addrgenmode none up
	ip -n "$1" link set "$2" addrgenmode none up
}

# tagged NAMESPACE BELOW NAME TAG [OPTION...] - a VLAN device, up.
tagged() {
	local ns=$1 below=$2 name=$3 tag=$4
	shift 4

	ip -n "$ns" link add link "$below" name "$name" type vlan "$@" id "$tag"
	ip -n "$ns" link set "$name" addrgenmode none up
}

bridge_over() {
	ip -n "$1" link add "$3" address "$4" type bridge mcast_snooping 0 stp_state 0
	ip -n "$1" link set "$2" master "$3"
}

# One bridge with both ports: port1 untagged in VLAN 10, port0 tagged in VLAN 20.
vlan_bridge() {
	local ns=$1

	ip -n "$ns" link add br0 type bridge mcast_snooping 0 stp_state 0 vlan_filtering 1 vlan_default_pvid 0
	ip -n "$ns" link set br0 addrgenmode none mtu 4000 up
	ip -n "$ns" link set port1 master br0
	ip -n "$ns" link set port0 master br0
	bridge -n "$ns" vlan add dev port1 vid 10 pvid untagged
	bridge -n "$ns" vlan add dev port0 vid 20
	bridge -n "$ns" vlan add dev br0 vid 10 self
	bridge -n "$ns" vlan add dev br0 vid 20 self
	tagged "$ns" br0 lan0 10
	tagged "$ns" br0 wan0 20
	ip -n "$ns" link set wan0 mtu 1500
	ip -n "$ns" link set lan0 address $lan_mac
	ip -n "$ns" link set wan0 address $wan_mac
}

# The port has room for what a tunnel adds, so that the MTU of the WAN is 1500 everywhere. It
# leaves segmentation to the router, which so writes the headers of each packet.
wan_outer() {
	ip -n "$1" link set port0 mtu 1560
	ip netns exec "$1" ethtool -K port0 tso off tx-gre-segmentation off tx-ipxip4-segmentation off \
		tx-ipxip6-segmentation off >/dev/null
	ip -n "$1" -batch - <<-END
		addr add 198.18.0.1/32 dev port0
		addr add fd09::1/128 dev port0 nodad
		route add 198.18.0.2 dev port0
		route add fd09::2 dev port0
		neigh add 198.18.0.2 lladdr $host_mac dev port0 nud permanent
		neigh add fd09::2 lladdr $host_mac dev port0 nud permanent
	END
}

# The device of the session is ppp0 until it is renamed. Its program ends with its input.
pppoe_session() {
	local ns=$1 said line

	modprobe -q pppoe || true
	ip -n "$ns" link set port0 mtu 1508
	[ -n "$hold" ] || { mkfifo /tmp/session-input; exec {hold}<>/tmp/session-input; }
	exec {said}< <(exec ip netns exec "$ns" "$NFO_TOOLS/nfo_pppoe" port0 77 $host_mac <&"$hold")
	pids+=($!)
	read -r -t 20 -u "$said" line
	ip -n "$ns" link set "${line#ok }" name wan0
}

links_gone() { [ ${#pids[@]} = 0 ] || kill "${pids[@]}" || true; }

# links_settled NAMESPACE - wait until no device is on its way up: that is an event for flows.
links_settled() {
	local deadline=$((SECONDS + 20))

	while ip -n "$1" -o link show up | grep -E 'state (DOWN|LOWERLAYERDOWN)|NO-CARRIER' >/dev/null; do
		[ $SECONDS -lt $deadline ] || { ip -n "$1" link show >&2; return 1; }
		read -r -t 0.05 <> <(:) || :
	done
}

# links_up NAMESPACE K - the links of router K, whose namespace it is.
links_up() {
	local ns=$1 k=$2 lan_far=c$2 wan_far=s$2

	case $stack in
	vlan) lan_far=d$k wan_far=w$k ;;
	vlan-bridge|vlans) wan_far=w$k ;;
	esac
	wire "$ns" "$lan_port" $lan_mac 4000 "$lan_far"
	wire "$ns" "$wan_port" $wan_mac 1500 "$wan_far"
	case $stack in
	bridge)
		bridge_over "$ns" port1 lan0 $lan_mac
		bridge_over "$ns" port0 wan0 $wan_mac
		ip -n "$ns" link set lan0 mtu 4000
		;;
	vlan-bridge)
		vlan_bridge "$ns"
		tagged "$home" "$wan_far" "s$k" 20
		;;
	vlan)
		tagged "$ns" port1 lan0 10
		tagged "$home" "$lan_far" "c$k" 10
		tagged "$ns" port0 wan0 20
		tagged "$home" "$wan_far" "s$k" 20
		;;
	vlans)
		tagged "$ns" port0 mid0 20 proto 802.1ad
		tagged "$ns" mid0 wan0 10
		tagged "$home" "$wan_far" "m$k" 20 proto 802.1ad
		tagged "$home" "m$k" "s$k" 10
		;;
	pppoe) pppoe_session "$ns" ;;
	tunnel)
		wan_outer "$ns"
		modprobe -q -a ipip sit || true
		ip -n "$ns" link add wan0 mtu 1500 type ipip local 198.18.0.1 remote 198.18.0.2
		ip -n "$ns" link add wan6 mtu 1500 type sit local 198.18.0.1 remote 198.18.0.2
		ip -n "$ns" link set wan6 addrgenmode none
		ip -n "$ns" link set wan6 up
		;;
	gre)
		wan_outer "$ns"
		modprobe -q ip_gre || true
		ip -n "$ns" link add wan0 mtu 1500 type gre local 198.18.0.1 remote 198.18.0.2 tos inherit
		;;
	4in6)
		wan_outer "$ns"
		modprobe -q ip6_tunnel || true
		ip -n "$ns" link add wan0 mtu 1500 type ip6tnl mode any encaplimit none local fd09::1 remote fd09::2
		;;
	esac
	# No link-local addresses: only what is named here exists.
	ip -n "$ns" link set lan0 addrgenmode none
	ip -n "$ns" link set wan0 addrgenmode none
	ip -n "$ns" link set lan0 up
	ip -n "$ns" link set wan0 up
	[ -n "$point" ] || ip -n "$ns" link set wan0 mtu 1500
}
