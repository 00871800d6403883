# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086,SC2153,SC2154 # names and addresses hold no white space
# OpenWrt's firewall: rulesets of the form its generator writes, for a bridged LAN
# (br-lan over lan1, lan2) and a WAN on eth1, plain or with a PPPoE session above it.
# The files are in tests/field/fw4: NAME-hwH-pppP.nft.

FW4=$NFO_TOP/tests/field/fw4
LAN4=192.168.1.2	# the client, as the port forward in the files names it

# fw4_load FILE - for the classic path without its flowtable.
fw4_load() {
	local file=$FW4/$1

	if classic; then
		sed -e '/^\tflowtable /,/^\t}/d' -e '/flow offload @ft/d' -e '/^delete flowtable/d' "$file" | in_r nft -f -
	else
		in_r nft -f "$file"
	fi
}

# fw4_up PPP - the router's devices with OpenWrt's names; the server's address in TO.
fw4_up() {
	field_up
	ip -n "$NS_R" -batch - <<-END
		link set rc down
		link set rs down
		link set rc name lan1
		link set rs name eth1
		addr flush dev lan1
		link add br-lan type bridge
		link set lan1 master br-lan
		link set lan1 up
		link set eth1 up
		addr add 192.168.1.1/24 dev br-lan
		addr add $RC6/64 dev br-lan nodad
		addr replace $RS6/64 dev eth1 nodad
	END
	link_pair "$NS_R" lan2 "$NS_C" h2
	ip -n "$NS_R" link set lan2 master br-lan
	ip -n "$NS_R" link set br-lan up
	wait_for 10 link_up "$NS_R" br-lan || fail "the bridge does not come up"
	# Until then, up to a second, the far ends send nothing, not even an answer to ARP.
	links_ready "$NS_C" c0 "$NS_S" s0 "$NS_R" lan1 "$NS_R" eth1
	ip -n "$NS_C" addr add $LAN4/24 dev c0
	routes "$NS_C" "replace default via 192.168.1.1 src $LAN4"
	TO=$S4 WAN4=$RS4
	[ "$1" = 1 ] || return 0
	STACK_R=eth1 behind_pppoe
	ip -n "$NS_R" -batch - <<-END
		link set ppp0 down
		link set ppp0 name pppoe-wan
		link set pppoe-wan up
	END
	TO=$V4S WAN4=$V4R
}

# fw4_count - counter slow, outside of the firewall's own table.
fw4_count() {
	rules_load <<-END
		table inet t {
			counter slow { }
			chain forward {
				type filter hook forward priority -300;
				counter name slow
			}
		}
	END
}

# fw4 HW PPP - what the firewall does at boot: ask whether hardware offload is there,
# load; then two reloads, each in one transaction, with traffic running.
fw4() {
	local hw=$1 ppp=$2

	module bridge
	fw4_up "$ppp"
	fw4_count
	if [ "$hw" = 1 ] && ! classic; then
		if in_r nft -c -f "$FW4/probe.nft"; then
			figure "probe accepted"
		else
			figure "probe refused, so hw0 is loaded"
			hw=0
		fi
	fi
	fw4_load "load-hw$hw-ppp$ppp.nft" || fail "the ruleset is refused"
	probe_start p "$NS_C" $LAN4 "$TO"
	probe_end p
	probe_say
	want_all
	want_fast
	stream t 3000000 "$TO" $LAN4
	peer_start ct "$NS_C" server tcp :: 80 || fail "$ANSWER"
	stream d 1000000 "$WAN4" "$TO" "$NS_S" 8080
	fw4_reload "load-hw$hw-ppp$ppp.nft" "reload-hw$hw-ppp$ppp.nft"
}
fw4_reload() {
	local i

	next_port
	peer_start t "$NS_C" client tcp $LAN4 "$PORT" "$TO" 5000 || fail "tcp: $ANSWER"
	live_start p "$NS_C" $LAN4 "$TO"
	tell t bulk 5000000
	probe_mark p
	for i in 1 2; do
		fw4_load "$2" || fail "reload $i is refused"
		probe_pass p 40
	done
	peer_answer t || want "tcp across the reloads ($ANSWER)" false
	fast_again p
	probe_say_mark 1 "two reloads"
	want_lost 1 0
}
field_case fw4-hw0-ppp0 "fw4, software: loads, reloads, slow at most 1 %, nothing lost" fw4 0 0
field_case fw4-hw1-ppp0 "fw4, hardware asked for: the same" fw4 1 0
field_case fw4-hw0-ppp1 "fw4, software, PPPoE WAN: the same" fw4 0 1
field_case fw4-hw1-ppp1 "fw4, hardware asked for, PPPoE WAN: the same" fw4 1 1
