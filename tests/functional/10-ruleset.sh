#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core compat
# The nft syntax of flowtables: what is accepted, refused, listed and taken back.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

topo_up
echo_up

# The ruleset of the nftables wiki's page on flowtables, for this router's devices.
wiki_ruleset() {
	local family=$1 spelling=$2

	echo "table $family x {"
	echo "	flowtable f {"
	echo "		hook ingress priority 0; devices = { rc, rs };"
	echo "	}"
	echo "	chain forward {"
	echo "		type filter hook forward priority 0; policy drop;"
	[ "$family" = ip6 ] || echo "		ip protocol { tcp, udp } flow $spelling @f"
	[ "$family" = ip ] || echo "		ip6 nexthdr { tcp, udp } flow $spelling @f"
	echo "		counter packets 0 bytes 0"
	echo "		ct state established,related counter packets 0 bytes 0 accept"
	echo "		ct state new counter packets 0 bytes 0 accept"
	[ "$family" = ip ] ||
		echo "		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, echo-request } accept"
	echo "	}"
	echo "	counter seen { }"
	echo "	chain count {"
	echo "		type filter hook forward priority -1; policy accept;"
	echo "		counter name seen"
	echo "	}"
	echo "}"
}

seen_in() { counter seen "$NS_R" "$1" x; }

wiki() {
	local family=$1 spelling=$2 protos="tcp udp" proto before

	[ "$family" != ip6 ] || protos="tcp6 udp6"
	[ "$family" != inet ] || protos="tcp udp tcp6 udp6"
	wiki_ruleset "$family" "$spelling" >"$LIB_TMP/wiki"
	in_r nft -f "$LIB_TMP/wiki"
	for proto in $protos; do
		client "$proto" "$proto"
		promote "$proto" "$proto" "$PORT"
		seen_in "$family"
		before=$PACKETS
		must "$proto" ping 20
		seen_in "$family"
		equal "$PACKETS" "$before" "$proto packets in the forward chain"
	done
}

for family in ip ip6 inet; do
	for spelling in add offload; do
		run_case "wiki ruleset, family $family, flow $spelling" wiki $family $spelling
	done
done

# What is listed can be loaded again and is listed the same.
listing() {
	local list flowtables

	wiki_ruleset inet offload >"$LIB_TMP/in"
	in_r nft -f "$LIB_TMP/in"
	list=$(in_r nft -s list ruleset)
	[[ $list == *"flow add @f"* ]] || fail "not listed as flow add"
	flowtables=$(in_r nft list flowtables)
	equal "$flowtables" "$(printf '%s\n' "table inet x {" "	flowtable f {" \
		"		hook ingress priority filter" "		devices = { rc, rs }" "	}" "}")" \
		"list flowtables"
	rules_flush
	printf '%s\n' "$list" | in_r nft -f -
	equal "$(in_r nft -s list ruleset)" "$list" "list ruleset"
}
run_case "list ruleset, list flowtables" listing

listing_flags() {
	local list

	rules_load <<-END
		table ip a {
			flowtable f {
				hook ingress priority filter + 10
				devices = { rc, rs }
				counter
			}
			chain forward {
				type filter hook forward priority filter; policy accept;
				ip daddr 192.0.2.0/24 ct state established flow add @f
			}
		}
	END
	list=$(in_r nft list ruleset)
	[[ $list == *"hook ingress priority filter + 10"* ]] || fail "priority"
	[[ $list == *"counter"* ]] || fail "counter flag"
	[[ $list == *"ct state established flow add @f"* ]] || fail "rule"
	rules_flush
	printf '%s\n' "$list" | in_r nft -f -
	equal "$(in_r nft list ruleset)" "$list" "list ruleset"
	equal "$(in_r nft -j list flowtables | grep -c '"flowtable"')" 1 "JSON"
}
run_case "priority and counter flag are shown" listing_flags

# Mainline refuses the whole ruleset where a device can't: here the hybrid table
# accepts it and the flows stay in software.
flags_offload() {
	ours_only "flags offload needs devices that can, else EOPNOTSUPP for the ruleset"
	rules_std "flags offload;"
	[[ $(in_r nft list flowtables) == *"flags offload"* ]] || fail "not listed"
	flow_up t tcp
	flow_up u udp6
	ct_has tcp $((PORT - 1)) hw=0 || fail "claims hardware"
}
run_case "flags offload is accepted on devices without hardware" flags_offload

# refused ERROR - nft refuses stdin with that error.
refused() {
	local text

	if text=$(in_r nft -f - 2>&1); then
		fail "was accepted"
	fi
	[[ $text == *"Could not process rule: $1"* ]] || fail "$text"
}
nothing_left() { equal "$(in_r nft list ruleset)" "" "left behind"; }

wrong_hooks() {
	local hook type device

	for hook in prerouting input output postrouting ingress nat route; do
		type=filter device=
		case $hook in
		ingress) device="device rc" ;;
		nat) type=nat hook=prerouting ;;
		route) type=route hook=output ;;
		esac
		echo "$type $hook"
		refused "Operation not supported" <<-END
			table inet t {
				flowtable f { hook ingress priority 0; devices = { rc, rs }; }
				chain c {
					type $type hook $hook $device priority 0;
					flow add @f
				}
			}
		END
	done
	nothing_left
}
run_case "refused: flow add from every other hook and type" wrong_hooks

wrong_jump() {
	refused "Operation not supported" <<-END
		table inet t {
			flowtable f { hook ingress priority 0; devices = { rc, rs }; }
			chain c { flow add @f; }
			chain b { type filter hook input priority 0; jump c; }
		}
	END
	nothing_left
}
run_case "refused: a jump from the input hook to flow add" wrong_jump

right_jump() {
	rules_load <<-END
		table inet t {
			counter seen { }
			flowtable f { hook ingress priority 0; devices = { rc, rs }; }
			chain c { ct state established flow add @f; }
			chain b { type filter hook forward priority 0; counter name seen; jump c; }
		}
	END
	flow_up c tcp
}
run_case "a jump from the forward hook to flow add" right_jump

wrong_family() {
	local error="No such file or directory"

	refused "$error" <<-END
		table $1 t {
			flowtable f { hook ingress priority 0; devices = { rc, rs }; }
		}
	END
	refused "$error" <<-END
		table $1 t {
			chain c { flow add @f; }
		}
	END
	nothing_left
}
for family in netdev bridge; do
	run_case "refused: family $family" wrong_family $family
done

wrong_arp() {
	in_r nft add table arp probe 2>/dev/null || skip "this kernel has no arp family"
	rules_flush
	wrong_family arp
}
run_case "refused: family arp" wrong_arp

wrong_flowtable() {
	refused "Operation not supported" <<-END
		table inet t {
			flowtable f { hook egress priority 0; devices = { rc, rs }; }
		}
	END
	refused "File exists" <<-END
		table inet t {
			flowtable f { hook ingress priority 0; devices = { rc, rc }; }
		}
	END
	refused "File exists" <<-END
		table inet t {
			flowtable f { hook ingress priority 0; devices = { rc, rs }; }
			flowtable g { hook ingress priority 0; devices = { rs }; }
		}
	END
	refused "No such file or directory" <<-END
		table inet t {
			chain b { type filter hook forward priority 0; flow add @nosuch; }
		}
	END
	nothing_left
}
run_case "refused: egress hook, a device twice, an unknown flowtable" wrong_flowtable

abort() {
	local list i

	for i in 1 2 3; do
		refused "No such file or directory" <<-END
			table inet t {
				flowtable f { hook ingress priority 0; devices = { rc, rs }; }
				chain forward {
					type filter hook forward priority 0;
					flow add @f
				}
			}
			delete chain inet t nosuch
		END
	done
	nothing_left
	# the devices' hooks are free again, so this one carries traffic
	rules_std
	flow_up c tcp
	list=$(in_r nft -s list ruleset)
	# an abort that had deleted the live one
	in_r nft -f - <<-END && fail "accepted"
		delete table inet t
		delete table inet nosuch
	END
	equal "$(in_r nft -s list ruleset)" "$list" "after the abort"
	# an abort that had added a device to it
	in_r nft -f - <<-END && fail "accepted"
		add flowtable inet t f { hook ingress priority 0; devices = { lo }; }
		delete table inet nosuch
	END
	equal "$(in_r nft -s list ruleset)" "$list" "after the second abort"
	must c ping 5
	promote c tcp "$PORT"
	fast c ping 20
}
run_case "transaction abort" abort

check_only() {
	wiki_ruleset inet add >"$LIB_TMP/check"
	in_r nft -c -f "$LIB_TMP/check"
	equal "$(in_r nft list ruleset)" "" "nft -c left"
	in_r nft -f "$LIB_TMP/check"
	flow_tcp=$(in_r nft -s list ruleset)
	in_r nft -c -f "$LIB_TMP/check"
	equal "$(in_r nft -s list ruleset)" "$flow_tcp" "nft -c changed it"
}
run_case "nft -c" check_only

delete_in_use() {
	local text

	rules_std
	flow_up c tcp
	text=$(in_r nft delete flowtable inet t f 2>&1) && fail "deleted in use"
	[[ $text == *"Device or resource busy"* ]] || fail "$text"
	fast c ping 5
	in_r nft flush chain inet t forward
	in_r nft delete flowtable inet t f
	equal "$(in_r nft list flowtables)" "$(printf 'table inet t {\n}')" "list flowtables"
	wait_for 5 no_offload_flag tcp "$PORT" || fail "[OFFLOAD] stays"
	must c ping 5
	# and once more under the same name
	in_r nft delete table inet t
	rules_std
	promote c tcp "$PORT"
	fast c ping 20
	rules_flush
	wait_for 5 no_offload_flag tcp "$PORT" || fail "[OFFLOAD] stays after flush ruleset"
	must c ping 5
}
run_case "a flowtable in use stays; delete, re-add, flush" delete_in_use

devices() {
	rules_std
	flow_up c tcp
	in_r nft 'delete flowtable inet t f { devices = { rs }; }'
	equal "$(in_r nft list flowtables | grep devices)" "		devices = { rc }" "listed"
	# what comes in by rs is seen by the classic path again
	slow 5 c ping 5
	in_r nft 'add flowtable inet t f { hook ingress priority 0; devices = { rs }; }'
	equal "$(in_r nft list flowtables | grep devices)" "		devices = { rc, rs }" "listed"
	promote c tcp "$PORT"
	wait_for 10 is_fast c ping 10 || fail "not in the fast path again"
	counter invalid
	equal "$PACKETS" 0 "invalid packets"
}

run_case "devices deleted from and added to a live flowtable" devices

# ended_for REASON LINE... - lines for nft end a flow, and that is why.
ended_for() {
	local why=$1 before

	reason_count "$why"
	before=$REASON
	in_r nft -f - <<<"${*:2}"
	wait_for 5 no_offload_flag udp "$PORT" || fail "[OFFLOAD] stays: $CT"
	reason_count "$why"
	[ "$REASON" -gt "$before" ] || fail "no flow ended for $why: $(in_r awk '$2 != 0' /proc/net/nf_flow_offload)"
}
reasons() {
	ours_only "its flows end without a reason"
	rules_std
	flow_up c udp
	if leaves_are_told; then
		ended_for dev-gone "delete flowtable inet t f { devices = { rs }; }"
		in_r nft 'add flowtable inet t f { hook ingress priority 0; devices = { rs }; }'
		promote c udp "$PORT"
	fi
	ended_for table-gone "flush ruleset"
	rules_std
	promote c udp "$PORT"
	ended_for table-gone "flush chain inet t forward; delete flowtable inet t f"
}
run_case "flows end because a device leaves, or the flowtable goes" reasons

table_of_owner() { [[ $(in_r nft list tables) == *"inet owned"* ]]; }
no_table_of_owner() { ! table_of_owner; }

owner() {
	in_r nft 'add table inet owned { flags owner; }' 2>/dev/null || skip "this kernel has no tables with an owner"
	peer_run owner "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec nft -i
	tell owner "table inet owned { flags owner; flowtable f { hook ingress priority 0; devices = { rc, rs }; }; counter seen { }; chain c { type filter hook forward priority 0; counter name seen; meta l4proto { tcp, udp } flow add @f; }; }"
	wait_for 10 table_of_owner || fail "no table: $ANSWER"
	client c tcp
	promote c tcp "$PORT"
	peer_stop owner
	wait_for 10 no_table_of_owner || fail "the table outlives its owner"
	wait_for 5 no_offload_flag tcp "$PORT" || fail "[OFFLOAD] stays"
	must c ping 10
}
run_case "the exit of a table's owner" owner

link_is_gone() { ! ip -n "$1" link show "$2" >/dev/null 2>&1; }

# The namespace goes while packets are on their way through its fast path.
netns_exit() {
	topo_up x
	peer_start sx "$NS_S" server udp :: 5000
	peer_start sy "$NS_S" server tcp :: 5000
	rules_std
	flow_up u udp
	flow_up t tcp6
	must u timeout 20
	tell u run 1500
	tell t run 1500
	fast_enough=$NS_R
	ns_del "$NS_R"
	# its veth pairs go with it: the client's end tells when that has happened
	wait_for 20 link_is_gone "$NS_C" c0 || fail "namespace $fast_enough still exists"
	peer_answer u || true
	NS_R=
}
run_case "namespace exit with a live flowtable, flows and traffic" netns_exit

many_tables() {
	local i j text=

	for i in 1 2 3 4 5 6; do
		for j in a b c d; do
			echo "link add m$i$j type dummy"
		done
	done | ip -n "$NS_R" -batch -
	for i in 1 2 3 4 5 6; do
		text+="table inet m$i { flowtable f { hook ingress priority $i; devices = { m${i}a, m${i}b }; };
			flowtable g { hook ingress priority 0; devices = { m${i}c, m${i}d }; };
			chain c { type filter hook forward priority $i; iifname m${i}a flow add @f; iifname m${i}c flow add @g; }; }
		"
	done
	rules_load <<<"$text"
	rules_std
	equal "$(in_r nft list flowtables | grep -c 'flowtable ')" 13 "flowtables"
	flow_up t tcp
	flow_up u udp6
	for i in 1 2 3 4 5 6; do
		for j in a b c d; do
			echo "link del m$i$j"
		done
	done | ip -n "$NS_R" -batch -
	settle t
	fast t ping 10
	for i in 1 2 3 4 5 6; do
		echo "delete table inet m$i"
	done | rules_load
	settle u
	fast u ping 10
}
run_case "many flowtables and devices" many_tables

# Two flowtables, each with one of the two ways of traffic's devices: a flow lives in
# the table whose rule added it, and the rule's table must hold its devices.
many_namespaces() {
	local i

	for i in 1 2 3; do
		topo_up "$i"
		peer_start "su$i" "$NS_S" server udp :: 5000
		rules_std
		flow_up "c$i" udp
		routers[i]=$NS_R
		ports[i]=$PORT
	done
	for i in 1 2 3; do
		NS_R=${routers[i]}
		fast "c$i" ping 20
	done
	# the middle one goes, the others don't notice
	NS_R=${routers[2]}
	rules_flush
	wait_for 5 no_offload_flag udp "${ports[2]}" || fail "[OFFLOAD] stays"
	must c2 ping 5
	for i in 1 3; do
		NS_R=${routers[i]}
		fast "c$i" ping 20
	done
}
declare -a routers ports
run_case "flowtables in many namespaces at once" many_namespaces

aliases() {
	local alias text

	ours_only "this is about our module file"
	text=$(modinfo -F alias "${NFO_KO:-nf_flow_offload}")
	for alias in nf-flowtable-1 nf-flowtable-2 nf-flowtable-10 nft-expr-flow_offload; do
		grep -qx "$alias" <<<"$text" || fail "no alias $alias in: $text"
	done
}
run_case "module aliases" aliases

# A second commit in the window of the first, and then the first flow: the end of the window is
# no reason to look at a flow that was learned after both.
commits_before_flows() {
	ours_only "it does not look at live flows"
	in_r "$NFO_TOOLS/nft-offload" set ruleset_ms 2000 >/dev/null
	rules_listing "rc, rs" ""
	client c udp
	must c ping 3
	in_r nft add rule inet t forward meta l4proto udp flow add @f
	promote c udp "$PORT"
	counter seen
	before=$PACKETS
	must c run 2500
	counter seen
	in_r "$NFO_TOOLS/nft-offload" set ruleset_ms 100 >/dev/null
	equal $((PACKETS - before)) 0 "packets on the slow path after the window"
}
run_case "a flow that came after two commits" commits_before_flows

# With the setting policy a commit changes nothing for live flows; without it again, what was
# committed meanwhile counts.
policy_and_back() {
	ours_only "it has no settings"
	rules_std
	client c udp
	promote c udp "$PORT"
	in_r "$NFO_TOOLS/nft-offload" set policy 1 >/dev/null
	in_r nft insert rule inet t forward udp dport 5000 drop
	fast c ping 20
	in_r "$NFO_TOOLS/nft-offload" set policy 0 >/dev/null
	wait_for 5 silent c || fail "packets pass a rule that drops them"
}
silent() { ! ask "$1" ping 1; }
run_case "the setting policy, and back" policy_and_back

all_done
