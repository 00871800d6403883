#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core compat
# What nf_tables tells of a flowtable, in every order: transactions that are given up, devices that
# join, leave, are renamed, move to another namespace or go, and tables with an owner.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
if [ "${NFO_PROVIDER:-}" = mainline ]; then
	skipped "devices of a flowtable" "mainline: nobody can ask it which it has"
	all_done
	exit 0
fi

topo_up
echo_up

# listed - the devices of all flowtables as the module has them, sorted, in LISTED.
listed() {
	in_r "$NFO_TOOLS/nft-offload" status -j >"$LIB_TMP/status" || fail "$(cat "$LIB_TMP/status")"
	LISTED=$(jq -r '[.devices[].dev] | sort | join(" ")' "$LIB_TMP/status")
}
lists() { listed; [ "$LISTED" = "$1" ]; }
must_list_now() { lists "$1" || fail "listed: '$LISTED', expected '$1'"; }
must_list() { wait_for 5 lists "$1" || fail "listed: '$LISTED', expected '$1'"; }

# given_up LINE... - a transaction with these lines that fails at its end.
given_up() {
	! in_r nft -f - 2>/dev/null <<<"$(printf '%s\n' "$@" "delete table inet nosuch")" ||
		fail "was accepted: $*"
}

# dummy_up NAME - a device that goes with the case at the latest.
dummy_up() {
	ip -n "$NS_R" link add "$1" type dummy
	at_end "link_del $1 2>/dev/null"
}
link_del() { ip -n "$NS_R" link del "$1"; }

add_given_up() {
	rules_std "$1"
	flow_up t tcp
	dummy_up d0
	given_up "add flowtable inet t f { hook ingress priority 0; devices = { d0 }; $1 }"
	! leaves_are_told || must_list "rc rs"
	fast t ping 5
	link_del d0
	must_list "rc rs"
	dummy_up d0
	in_r nft "add flowtable inet t f { hook ingress priority 0; devices = { d0 }; $1 }"
	must_list "d0 rc rs"
	link_del d0
	must_list "rc rs"
}

taken_out() {
	dummy_up d0
	rules_std "$1"
	in_r nft "add flowtable inet t f { hook ingress priority 0; devices = { d0 }; $1 }"
	must_list "d0 rc rs"
	given_up "delete flowtable inet t f { hook ingress priority 0; devices = { d0 }; $1 }"
	must_list "d0 rc rs"
	in_r nft "delete flowtable inet t f { hook ingress priority 0; devices = { d0 }; $1 }"
	! leaves_are_told || must_list "rc rs"
	link_del d0
	must_list "rc rs"
	flow_up t tcp
}

# In and out, each in a transaction of its own; the last time the ruleset goes, and then the device.
in_and_out() {
	local out="delete flowtable inet t f { devices = { d0 }; }"
	local in="add flowtable inet t f { devices = { d0 }; }"

	dummy_up d0
	rules_std "$1"
	in_r nft "$in"
	in_r nft "$out"
	in_r nft "$in"
	must_list_now "d0 rc rs"
	in_r nft "$out"
	link_del d0
	must_list_now "rc rs"
	dummy_up d0
	in_r nft "$in"
	in_r nft flush ruleset
	link_del d0
	must_list ""
	rules_std "$1"
	flow_up c udp
}

new_given_up() {
	local i

	for i in 1 2 3; do
		given_up "table inet x { flowtable f { hook ingress priority $i; devices = { rc, rs }; $1 }
			chain c { type filter hook forward priority 0; flow add @f; }; }" \
			"table ip x { flowtable f { hook ingress priority $i; devices = { rc, rs }; $1 }; }"
		must_list ""
	done
	rules_std "$1"
	flow_up t tcp
}

# In one transaction a device leaves and joins again, and the flowtable goes and comes.
out_and_in() {
	local out="delete flowtable inet t f { hook ingress priority 0; devices = { rs }; $1 }"
	local in="add flowtable inet t f { hook ingress priority 0; devices = { rs }; $1 }"

	rules_std "$1"
	flow_up t tcp
	given_up "$out" "$in"
	! leaves_are_told || must_list "rc rs"
	wait_for 10 is_fast t ping 5 || fail "not fast after what was given up"
	in_r nft -f - <<<"$out"$'\n'"$in"
	! leaves_are_told || must_list "rc rs"
	promote t tcp "$PORT"
	wait_for 10 is_fast t ping 5 || fail "not fast"
	in_r nft -f - <<<"$out"$'\n'"flush chain inet t forward"$'\n'"delete flowtable inet t f"
	must_list ""
	must t ping 5
}

# The same with a device that goes then.
out_and_in_and_gone() {
	local out="delete flowtable inet t f { hook ingress priority 0; devices = { d0 }; $1 }"
	local in="add flowtable inet t f { hook ingress priority 0; devices = { d0 }; $1 }"

	dummy_up d0
	rules_std "$1"
	in_r nft "$in"
	given_up "$out" "$in"
	in_r nft -f - <<<"$out"$'\n'"$in"
	! leaves_are_told || must_list "d0 rc rs"
	link_del d0
	must_list "rc rs"
}

anew() {
	local list i

	rules_std "$1"
	flow_up t tcp
	list=$(in_r nft list ruleset)
	for i in 1 2 3; do
		in_r nft -f - <<<"flush ruleset"$'\n'"$list"
		given_up "flush ruleset" "$list"
		must_list "rc rs"
	done
	promote t tcp "$PORT"
	wait_for 10 is_fast t ping 5 || fail "not fast"
}

# Tables of three families list the same devices, each with a priority of its own.
shared() {
	rules_std "$1"
	rules_load <<-END
		table ip x {
			flowtable f { hook ingress priority 10; devices = { rc, rs }; $1 }
			chain c { type filter hook forward priority 5; ip protocol 200 flow add @f; }
		}
		table ip6 x {
			flowtable f { hook ingress priority -10; devices = { rs, rc }; $1 }
			chain c { type filter hook forward priority 5; meta l4proto 200 flow add @f; }
		}
	END
	must_list "rc rc rc rs rs rs"
	flow_up t tcp
	flow_up u udp6
	in_r nft delete table inet t
	must_list "rc rc rs rs"
	rules_std "$1"
	promote t tcp $((PORT - 1))
	promote u udp6 "$PORT"
	in_r nft delete table ip x
	in_r nft delete table ip6 x
	must_list "rc rs"
	settle t
	settle u
}

renamed() {
	dummy_up d0
	dummy_up d1
	rules_std "$1"
	in_r nft "add flowtable inet t f { hook ingress priority 0; devices = { d0, d1 }; $1 }"
	must_list "d0 d1 rc rs"
	# Newer kernels go by the name, older ones by the device.
	ip -n "$NS_R" link set d0 name x0
	ip -n "$NS_R" link set d1 name d0
	ip -n "$NS_R" link set x0 name d1
	must_list "d0 d1 rc rs"
	flow_up t tcp
	link_del d0
	must_list "d1 rc rs"
	ip -n "$NS_R" link set d1 name x0
	link_del x0
	must_list "rc rs"
}

moved() {
	dummy_up d0
	rules_std "$1"
	in_r nft "add flowtable inet t f { hook ingress priority 0; devices = { d0 }; $1 }"
	must_list "d0 rc rs"
	ip -n "$NS_R" link set d0 netns "$NS_S"
	must_list "rc rs"
	flow_up t tcp
	ip -n "$NS_S" link set d0 netns "$NS_R"
	link_del d0
	must_list "rc rs"
}

dormant() {
	rules_std "$1"
	flow_up t tcp
	in_r nft 'add table inet t { flags dormant; }'
	must_list "rc rs"
	must t ping 5
	in_r nft 'add table inet t'
	must_list "rc rs"
	promote t tcp "$PORT"
	wait_for 10 is_fast t ping 5 || fail "not fast"
	given_up 'add table inet t { flags dormant; }'
	must_list "rc rs"
	wait_for 10 is_fast t ping 5 || fail "not fast"
}

# As many devices as a flowtable can have.
many() {
	local i names=rc

	for ((i = 0; i < 253; i++)); do echo "link add m$i type dummy"; names+=", m$i"; done >"$LIB_TMP/links"
	ip -n "$NS_R" -batch "$LIB_TMP/links"
	rules_load <<<"table inet t { flowtable f { hook ingress priority 0; devices = { $names }; $1 }; }"
	listed
	equal "$(wc -w <<<"$LISTED")" 254 "devices"
	sed -i 's/add \(m[0-9]*\) .*/del \1/' "$LIB_TMP/links"
	ip -n "$NS_R" -batch "$LIB_TMP/links"
	must_list rc
}

owner_ends() {
	in_r nft 'add table inet owned { flags owner; }' 2>/dev/null || skip "this kernel has no tables with an owner"
	peer_run owner "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec nft -i
	tell owner "table inet owned { flags owner; flowtable f { hook ingress priority 0; devices = { rc, rs }; $1 }; counter seen { }; chain c { type filter hook forward priority 0; counter name seen; meta l4proto { tcp, udp } flow add @f; }; }"
	must_list "rc rs"
	client c tcp
	promote c tcp "$PORT"
	peer_stop owner
	must_list ""
	must c ping 5
}

# The namespace goes with devices of all kinds in flowtables, some of which nft does not list.
exits() {
	local ns

	ns_add x
	ns=$NS
	ip -n "$ns" link add d0 type dummy
	ip -n "$ns" link add d1 type dummy
	ip -n "$ns" link add v0 type veth peer name v1
	ip -n "$ns" link add v0.7 link v0 type vlan id 7
	in_ns "$ns" nft -f - <<-END
		table inet t {
			flowtable f { hook ingress priority 0; devices = { d0, v0, v0.7 }; $1 }
			chain c { type filter hook forward priority 0; flow add @f; }
		}
		table ip t {
			flowtable f { hook ingress priority 0; devices = { d0, v1 }; $1 }
		}
	END
	! in_ns "$ns" nft -f - 2>/dev/null <<-END || fail "accepted"
		add flowtable ip t f { hook ingress priority 0; devices = { d1 }; }
		delete table inet nosuch
	END
	in_ns "$ns" nft "delete flowtable ip t f { hook ingress priority 0; devices = { d0 }; $1 }"
	ns_del "$ns"
}

# A flowtable that asks for hardware does in software all that one without the flag does.
flags="flags offload;"
run_case "a device is added, and the transaction is given up" add_given_up "$flags"
run_case "the same, no hardware asked for" add_given_up ""
run_case "a device leaves the flowtable, and goes" taken_out "$flags"
run_case "devices that left a flowtable are unregistered" in_and_out ""
run_case "a new flowtable is given up" new_given_up "$flags"
run_case "out and in again at once" out_and_in "$flags"
run_case "out and in again at once, and gone" out_and_in_and_gone "$flags"
run_case "the same ruleset anew" anew "$flags"
run_case "three families share devices" shared "$flags"
run_case "renamed devices" renamed "$flags"
run_case "a device moves to another namespace" moved "$flags"
run_case "a dormant table" dormant "$flags"
run_case "many devices" many "$flags"
run_case "a table's owner ends" owner_ends "$flags"
run_case "the namespace goes" exits "$flags"
rules_flush
wait_for 10 module_gone nf_flow_offload || not_ok "a reference of the module is left"
modprobe nf_flow_offload
all_done
