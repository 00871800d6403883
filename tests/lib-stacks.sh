# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # its callers use what it sets
# Networks between router and server that are behind VLAN tags or a PPPoE session;
# sourced after lib.sh. The router's device below is in STACK_R, the server's is s0.
STACK_R=${STACK_R:-rs}
V4S='' V4R='' V6S='' V6R=''
# An address of its own for each of the router's VLAN devices, instead of that of the device below.
VLAN_MAC=''
PPPOE=''
modprobe -q 8021q || true
modprobe -q pppoe && [ -e /dev/ppp ] && PPPOE=1

# behind_vlans PROTO:ID... - a network behind these tags, outermost first; the server
# there in V4S and V6S, the router in V4R and V6R.
behind_vlans() {
	local tag proto r=$STACK_R s=s0

	V4S=203.0.113.2 V4R=203.0.113.1 V6S=2001:db8:3::2 V6R=2001:db8:3::1
	stack_gone
	for tag; do
		proto=${tag%:*} tag=${tag#*:}
		ip -n "$NS_R" link add link "$r" name "$r.$tag" type vlan proto "$proto" id "$tag"
		ip -n "$NS_S" link add link "$s" name "$s.$tag" type vlan proto "$proto" id "$tag"
		r+=.$tag s+=.$tag
		[ -z "$VLAN_MAC" ] || ip -n "$NS_R" link set "$r" address "$VLAN_MAC"
		ip -n "$NS_R" link set "$r" up
		ip -n "$NS_S" link set "$s" up
	done
	ip -n "$NS_R" -batch - <<-END
		addr add $V4R/24 dev $r
		addr add $V6R/64 dev $r nodad
	END
	ip -n "$NS_S" -batch - <<-END
		addr add $V4S/24 dev $s
		addr add $V6S/64 dev $s nodad
		route add 192.0.2.0/24 via $V4R
		route add 2001:db8:1::/64 via $V6R
	END
	links_ready "$NS_S" "$s" "$NS_R" "$r"
}

# behind_bridge_of_vlan - a network behind VLAN 10 of the router's bridge br0, whose port is the device of
# VLAN 5: four devices above each other.
behind_bridge_of_vlan() {
	local r=$STACK_R

	V4S=203.0.113.2 V4R=203.0.113.1
	stack_gone
	ip -n "$NS_R" link del br0 2>/dev/null || true
	ip -n "$NS_R" -batch - <<-END
		link add link $r name $r.5 type vlan id 5
		link add br0 type bridge
		link set $r.5 master br0
		link set $r.5 up
		link set br0 up
		link add link br0 name br0.10 type vlan id 10
		addr add $V4R/24 dev br0.10
		link set br0.10 up
	END
	ip -n "$NS_S" -batch - <<-END
		link add link s0 name s0.5 type vlan id 5
		link set s0.5 up
		link add link s0.5 name s0.5.10 type vlan id 10
		addr add $V4S/24 dev s0.5.10
		link set s0.5.10 up
		route add 192.0.2.0/24 via $V4R
	END
	links_ready "$NS_S" s0.5.10 "$NS_R" br0.10
}

# behind_pppoe [TAG...] - a PPPoE session between them, also in VLANs, outermost first; peers
# pr and ps.
behind_pppoe() {
	local r=$STACK_R s=s0 tag

	[ -n "$PPPOE" ] || skip "this kernel has no pppoe"
	stack_gone
	if [ -n "${1:-}" ]; then
		behind_vlans "${@/#/802.1q:}"
		for tag; do r+=.$tag s+=.$tag; done
	fi
	V4S=198.18.0.2 V4R=198.18.0.1 V6S=2001:db8:4::2 V6R=2001:db8:4::1
	session pr "$NS_R" "$r" "$(mac_of "$NS_S" "$s")"
	session ps "$NS_S" "$s" "$(mac_of "$NS_R" "$r")"
	ip -n "$NS_R" -batch - <<-END
		link set ppp0 mtu 1492 up
		addr add $V4R peer $V4S dev ppp0
		addr add $V6R/64 dev ppp0 nodad
	END
	ip -n "$NS_S" -batch - <<-END
		link set ppp0 mtu 1492 up
		addr add $V4S peer $V4R dev ppp0
		addr add $V6S/64 dev ppp0 nodad
		route replace 192.0.2.0/24 dev ppp0 src $V4S
		route replace 2001:db8:1::/64 dev ppp0
	END
}

session() {
	peer_run "$1" "$NFO_TOOLS/nfo_peer" -n "$2" exec "$NFO_TOOLS/nfo_pppoe" "$3" 77 "$4"
	peer_answer "$1" || fail "session in $2: $ANSWER"
}

# stack_gone - no VLAN device is left on either side.
stack_gone() {
	local ns dev

	for ns in "$NS_R" "$NS_S"; do
		for dev in $(ip -n "$ns" -o link show type vlan 2>/dev/null | awk -F'[:@ ]+' '{ print $2 }'); do
			ip -n "$ns" link del "$dev" 2>/dev/null || true
		done
	done
}

# address_of PROTO - the server's there, in TO.
address_of() {
	case $1 in
	*6) TO=$V6S ;;
	*) TO=$V4S ;;
	esac
}

# hops_count - of the packets of connections to port 5000, how many have come to client and server that
# one router has passed on, in HOPS_ONE, and how many others, in HOPS_OTHER.
hops_count() {
	local ns

	HOPS_ONE=() HOPS_OTHER=()
	for ns in "$NS_C" "$NS_S"; do
		counter one "$ns" inet hops || return
		HOPS_ONE+=("$PACKETS")
		counter other "$ns" inet hops || return
		HOPS_OTHER+=("$PACKETS")
	done
}

# hops_watch - from now on they are counted.
hops_watch() {
	local ns

	hops_count || for ns in "$NS_C" "$NS_S"; do
		in_ns "$ns" nft -f - <<-END
			table inet hops
			delete table inet hops
			table inet hops {
				counter one { }
				counter other { }
				chain age {
					ip ttl 63 counter name one accept
					ip6 hoplimit 63 counter name one accept
					counter name other
				}
				chain in {
					type filter hook input priority 0;
					meta l4proto { tcp, udp } th dport 5000 goto age
					meta l4proto { tcp, udp } th sport 5000 goto age
				}
			}
		END
	done
	hops_count
}

# hops_right LEAST - so many packets have come to each since hops_watch, all of them one hop older.
hops_right() {
	local ones=("${HOPS_ONE[@]}") others=("${HOPS_OTHER[@]}") i

	hops_count
	for i in 0 1; do
		equal $((HOPS_OTHER[i] - others[i])) 0 "packets at end $i whose TTL is not one less"
		[ $((HOPS_ONE[i] - ones[i])) -ge "$1" ] || fail "end $i has had $((HOPS_ONE[i] - ones[i])) packets of $1"
	done
}

# tunnel_pair 4|6 KIND OPTION... - the device tun0 on both sides, with its ends at rs and s0.
tunnel_pair() {
	local v6=$1 r=$RS4 s=$S4
	shift

	[ "$v6" = 4 ] || { r=$RS6 s=$S6; }
	ip -n "$NS_R" link add tun0 type "$@" local "$r" remote "$s" 2>/dev/null ||
		skip "this kernel or its ip has no tunnel: $*"
	ip -n "$NS_S" link add tun0 type "$@" local "$s" remote "$r"
}

# tunnel_names - the addresses of a tunnel's two ends.
tunnel_names() { V4S=203.0.113.66 V4R=203.0.113.65 V6S=2001:db8:5::2 V6R=2001:db8:5::1; }

# behind_tunnel KIND - a network behind a tunnel between rs and s0: ipip, sit (IPv6 in IPv4),
# gre, grekey, grecsum, ip6tnl (both in IPv6), ip6limit (with the option that limits encapsulation),
# ip6gre; with an Ethernet header inside gretap, vxlan, geneve; tun (programs carry it), wireguard.
# The device is tun0 on both sides.
behind_tunnel() {
	tunnel_names
	tunnel_gone
	modprobe -q -a ipip sit ip_gre ip6_tunnel ip6_gre vxlan geneve tun wireguard || true
	case $1 in
	ipip) tunnel_pair 4 ipip ;;
	sit) tunnel_pair 4 sit ;;
	gre) tunnel_pair 4 gre ;;
	grekey) tunnel_pair 4 gre key 77 ;;
	grecsum) tunnel_pair 4 gre csum ;;
	ip6tnl) tunnel_pair 6 ip6tnl mode any encaplimit none ;;
	ip6limit) tunnel_pair 6 ip6tnl mode any ;;
	ip6gre) tunnel_pair 6 ip6gre encaplimit none ;;
	gretap) tunnel_pair 4 gretap ;;
	vxlan)
		tunnel_pair 4 vxlan id 77 dstport 4789
		# Without a device below it takes more than the path does: what is too large teaches
		# a path MTU, which takes half a second.
		ip -n "$NS_R" link set tun0 mtu 1450
		ip -n "$NS_S" link set tun0 mtu 1450
		;;
	geneve)
		ip -n "$NS_R" link add tun0 type geneve id 77 remote "$S4" 2>/dev/null || skip "this kernel has no geneve"
		ip -n "$NS_S" link add tun0 type geneve id 77 remote "$RS4"
		;;
	tun) tunnel_of_programs ;;
	wireguard) tunnel_of_keys ;;
	esac
	# With Ethernet inside, the router has to be named.
	case $1 in
	gretap|vxlan|geneve) tunnel_ends "via $V4R" "via $V6R" ;;
	ipip) tunnel_ends '' none ;;
	sit) tunnel_ends none '' ;;
	*) tunnel_ends ;;
	esac
}

# tunnel_ends [VIA4 [VIA6 [ROUTER [SERVER]]]] - the addresses of a tunnel's devices, tun0 unless others are
# named, and the server's way back; a family is left out by `none`.
tunnel_ends() {
	local via4=${1:-} via6=${2:-} r=${3:-tun0} s=${4:-tun0}

	ip -n "$NS_R" link set "$r" up
	ip -n "$NS_S" link set "$s" up
	[ "$via4" = none ] || {
		ip -n "$NS_R" addr add $V4R/30 dev "$r"
		ip -n "$NS_S" addr add $V4S/30 dev "$s"
		# shellcheck disable=SC2086 # two words, or none
		ip -n "$NS_S" route replace 192.0.2.0/24 $via4 dev "$s" src $V4S
	}
	[ "$via6" = none ] || {
		ip -n "$NS_R" addr add $V6R/64 dev "$r" nodad
		ip -n "$NS_S" addr add $V6S/64 dev "$s" nodad
		# shellcheck disable=SC2086 # likewise
		ip -n "$NS_S" route replace 2001:db8:1::/64 $via6 dev "$s" src $V6S
	}
}

# Two tun devices, and a program that carries packets from one to the other.
tunnel_of_programs() {
	local ns

	for ns in "$NS_R" "$NS_S"; do
		ip -n "$ns" tuntap add dev tun0 mode tun 2>/dev/null || skip "this kernel has no tun"
	done
	peer_run tun "$NFO_TOOLS/nfo_tun" "$NS_R" tun0 "$NS_S" tun0
	peer_answer tun || fail "tun: $ANSWER"
}

tunnel_of_keys() {
	local key_r key_s

	command -v wg >/dev/null || skip "no wg"
	for ns in "$NS_R" "$NS_S"; do
		ip -n "$ns" link add tun0 type wireguard 2>/dev/null || skip "this kernel has no wireguard"
	done
	key_r=$(wg genkey) key_s=$(wg genkey)
	in_r wg set tun0 listen-port 51820 private-key <(echo "$key_r") peer "$(wg pubkey <<<"$key_s")" \
		endpoint "$S4:51820" allowed-ips 0.0.0.0/0,::/0
	in_s wg set tun0 listen-port 51820 private-key <(echo "$key_s") peer "$(wg pubkey <<<"$key_r")" \
		endpoint "$RS4:51820" allowed-ips 0.0.0.0/0,::/0
}

tunnel_gone() {
	peer_stop tun
	ip -n "$NS_R" link del tun0 2>/dev/null || true
	ip -n "$NS_S" link del tun0 2>/dev/null || true
}
