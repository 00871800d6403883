# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086,SC2153,SC2154 # names and addresses hold no white space
# Set-ups that other software writes: failover of several uplinks, firewalls of virtual machines,
# services of a cluster, tunnels with routing rules of their own.

# mwan3: a mark for each uplink, with a mask; when one fails, its rule goes, and is a blackhole at times.
mwan3() {
	local old

	field_up
	second_uplink
	routes "$NS_R" "add default via $S4 table 101" "add 192.0.2.0/24 dev rc table 101" \
		"add default via 203.0.113.2 table 102" "add 192.0.2.0/24 dev rc table 102" \
		"add default via 203.0.113.2"
	ip -n "$NS_R" -batch - <<-END
		rule add pref 1001 iif rs lookup 101
		rule add pref 1002 iif rs2 lookup 102
		rule add pref 2001 fwmark 0x100/0x3f00 lookup 101
		rule add pref 2002 fwmark 0x200/0x3f00 lookup 102
		rule add pref 2062 fwmark 0x3e00/0x3f00 unreachable
	END
	field_rules "rc, rs, rs2" "" "" "chain mwan3 {
		type filter hook prerouting priority mangle;
		meta mark & 0x3f00 == 0 meta mark set ct mark & 0x3f00
		meta mark & 0x3f00 == 0 iifname rs meta mark set meta mark | 0x100
		meta mark & 0x3f00 == 0 iifname rs2 meta mark set meta mark | 0x200
		meta mark & 0x3f00 == 0 meta mark set meta mark | 0x100
		ct mark set meta mark & 0x3f00
	}"
	echo_in "$NS_S" $FAR4
	count_at "$NS_S" "first iifname s0 udp dport 5000" "second iifname s1 udp dport 5000"
	live_start p "$NS_C" $C4 $FAR4
	ip -n "$NS_R" rule del pref 2001
	counted "$NS_S" first
	old=$PACKETS
	probe_mark p
	probe_pass p 100
	followed_in "$old" first "by the old uplink"
	ip -n "$NS_R" rule add pref 2001 fwmark 0x100/0x3f00 blackhole
	counted "$NS_S" second
	old=$PACKETS
	probe_mark p
	probe_pass p 100
	followed_in "$old" second "through the blackhole"
	ip -n "$NS_R" rule del pref 2001
	ip -n "$NS_R" rule add pref 2001 fwmark 0x100/0x3f00 lookup 101
	counted "$NS_S" second
	old=$PACKETS
	probe_mark p
	fast_again p
	followed_in "$old" second "by the other uplink in the end"
	want_lost 3 1
}
field_case mwan3 "mwan3: the rule of a mark goes, is a blackhole, comes back: followed within 2 packets, fast again" mwan3

# Proxmox: each guest has a bridge for its firewall before the host's own, with a conntrack zone.
# proxmox DEVICES
proxmox() {
	field_up
	bridge_netfilter
	ip -n "$NS_R" -batch - <<-END
		addr flush dev rc
		link add fwbr100 type bridge
		link add vmbr0 type bridge
		link add fwln100 type veth peer name fwpr100
		link set rc master fwbr100
		link set fwln100 master fwbr100
		link set fwpr100 master vmbr0
		link set fwln100 up
		link set fwpr100 up
		link set fwbr100 up
		link set vmbr0 up
		addr add $RC4/24 dev vmbr0
	END
	# The address is vmbr0's alone.
	sysctl_r net/ipv4/conf/fwbr100/arp_ignore 1
	ip -n "$NS_C" neigh flush dev c0
	wait_for 10 link_up "$NS_R" vmbr0 || fail "the host's bridge does not come up"
	wait_for 10 link_up "$NS_R" fwbr100 || fail "the firewall's bridge does not come up"
	field_rules "$1" "" "oifname rs counter name routed
		iifname rs counter name routed" "counter routed { }
		chain raw { type filter hook prerouting priority raw; iifname \"fwbr*\" ct zone set 1; }
		$(masquerade rs)"
	probe_start p
	probe_end p
	# The firewall of the guest sees each packet, whatever the host's routing does.
	want "the guest's firewall sees each packet" at_least "${P[slow]}" "${P[packets]}"
	counter routed
	P[slow]=$PACKETS
	probe_say
	want_all
	want_fast
	counted_right "not in a zone" -w 0
	counted_right "zone 1" -w 1
}
field_case proxmox-host "Proxmox, the host's bridge listed: routing slow at most 1 %, the guest's firewall sees all" proxmox "vmbr0, rs"
field_case proxmox-all "Proxmox, all of its devices listed: the same" proxmox "rc, fwpr100, vmbr0, rs"

# kube-proxy, mode nftables: a service of two ends, masqueraded.
kube_proxy() {
	field_up
	field_rules "rc, rs" "" "" "
		chain mark-for-masquerade { meta mark set meta mark or 0x4000; }
		chain endpoint-1 { jump mark-for-masquerade; meta l4proto { tcp, udp } dnat ip to $S4:5000; }
		chain endpoint-2 { jump mark-for-masquerade; meta l4proto { tcp, udp } dnat ip to $S4:5000; }
		chain service { numgen random mod 2 vmap { 0 : goto endpoint-1, 1 : goto endpoint-2 }; }
		map service-ips {
			type ipv4_addr . inet_proto . inet_service : verdict
			elements = { 10.96.0.10 . udp . 5000 : goto service, 10.96.0.10 . tcp . 5000 : goto service }
		}
		map no-endpoints {
			type ipv4_addr . inet_proto . inet_service : verdict
			elements = { 10.96.0.11 . tcp . 80 : drop }
		}
		chain nat-prerouting {
			type nat hook prerouting priority dstnat;
			ip daddr . meta l4proto . th dport vmap @service-ips
		}
		chain nat-postrouting {
			type nat hook postrouting priority srcnat;
			meta mark & 0x4000 == 0 return
			meta mark set meta mark xor 0x4000
			masquerade fully-random
		}
		chain filter-forward {
			type filter hook forward priority -110;
			ct state new ip daddr . meta l4proto . th dport vmap @no-endpoints
		}"
	probe_and_stream 10.96.0.10
}
field_case kube-proxy "kube-proxy's rules for a service: slow at most 1 %" kube_proxy

# wg-quick: all that is not the tunnel's own goes into it. The other end gets another address.
wg_quick() {
	local peer

	field_up
	behind_tunnel wireguard
	ip -n "$NS_S" addr add $FAR4/32 dev lo
	routes "$NS_R" "add default dev tun0 table 51820"
	peer=$(in_r wg show tun0 peers)
	in_r wg set tun0 fwmark 51820 peer "$peer" allowed-ips 0.0.0.0/0,::/0
	ip -n "$NS_R" rule add not fwmark 51820 table 51820
	ip -n "$NS_R" rule add table main suppress_prefixlength 0
	sysctl_r net/ipv4/conf/all/src_valid_mark 1
	echo_in "$NS_S" $FAR4
	field_rules "$1" "" "" "
		chain preraw { type filter hook prerouting priority -300; iifname != tun0 ip daddr $V4R fib saddr type != local drop; }
		chain premangle { type filter hook prerouting priority -150; meta l4proto udp meta mark set ct mark; }
		chain postmangle { type filter hook postrouting priority -150; meta l4proto udp meta mark 51820 ct mark set meta mark; }"
	live_start p "$NS_C" $C4 $FAR4
	ip -n "$NS_S" addr add 198.51.100.77/24 dev s0
	in_r wg set tun0 peer "$peer" endpoint "198.51.100.77:$(in_s wg show tun0 listen-port)"
	probe_mark p
	fast_again p
	probe_say_mark 1 "the other end moved"
	want_lost 1 3
	stream t 2000000 $FAR4
}
field_case wg-quick "wg-quick's routing rules, the tunnel listed, its other end moves: at most 3 lost, fast again" wg_quick "rc, tun0"

# A listed device goes and comes back with its name, as a session or a modem does.
device_anew() {
	field_up
	field_rules "rc, rs"
	live_start
	ip -n "$NS_R" link del rs
	ip link add s0 netns "$NS_S" type veth peer name rs netns "$NS_R"
	ip -n "$NS_R" addr add $RS4/24 dev rs
	ip -n "$NS_R" link set rs up
	host_up "$NS_S" s0 $S4 $S6 $RS4 $RS6
	links_ready "$NS_S" s0 "$NS_R" rs
	classic || [[ $(in_r nft list flowtables) == *rs* ]] || skip "this kernel does not list a device again"
	probe_mark p
	# Whoever asks for an address while the other end is not ready asks again a second later.
	probe_pass p 300
	fast_again p
	probe_say_mark 1 "there again"
	want_lost 1 3
}
field_case device-anew "a listed device is deleted and made anew: at most 3 lost after that, fast again" device_anew

# Two ports of a bond, of which one is in use, at a switch that floods: each frame comes by both, and
# the bond drops what comes by the other port. Then it is the other way round.
bond_copies() {
	local before

	field_up
	bond_up
	ip -n "$NS_R" addr add $RS4/24 dev bond0
	ip -n "$NS_S" -batch - <<-END
		addr flush dev s0
		link add br0 type bridge ageing_time 0
		link set s0 master br0
		link set s1 master br0
		link set br0 up
		addr add $S4/24 dev br0
		route add default via $RS4
	END
	bond_ready br0
	echo_in "$NS_S" $S4
	field_rules "$1"
	live_start
	rx_packets "$NS_R" rs
	before=$RX
	ip -n "$NS_R" link set bond0 type bond active_slave rs2
	probe_mark p
	probe_pass p 200
	rx_packets "$NS_R" rs
	figure "copies by the other port $((RX - before))"
	want "the switch floods" at_least $((RX - before)) 190
	fast_again p
	probe_say_mark 1 "the other port"
	figure "${P[dup]} came twice"
	want "none comes twice" [ "${P[dup]}" = 0 ]
	want_lost 1 3
}
field_case bond-copies-ports "a bond changes its port, the switch floods, ports listed: none twice, at most 3 lost, fast again" bond_copies "rc, rs, rs2"
field_case bond-copies-master "the same, the bond listed" bond_copies "rc, bond0"
