#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# nft-offload enable and disable: a table of their own, and no change to any other.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need awk
# shellcheck source=../lib-tool.sh
. "$(dirname "$0")/../lib-tool.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"
topo_tool

enable() {
	local before

	ours
	rules_load <<-END
		table inet t {
			counter seen { }
			chain forward {
				type filter hook forward priority 0; policy accept
				counter name seen
			}
		}
		table ip other {
			chain forward {
				type filter hook forward priority 100; policy accept
				tcp dport 23 drop
			}
		}
	END
	before=$(in_r nft -s list ruleset)
	tool_ok enable rc rs --counter
	equal "$(in_r nft -s list ruleset | awk '/^table inet nft_offload/ { exit } { print }')" "$before" "the other tables"
	[[ $(in_r nft list table inet nft_offload) == *'hook forward priority 200; policy accept'* ]] || fail "no chain"
	client c tcp
	promote c tcp "$PORT"
	fast c ping 20
	flows 1 -t nft_offload -f fast
	tool_ok enable rc rs --counter
	shows already
	flows 1
	# what can't be put into hardware is accepted all the same
	tool_ok enable rs rc --hw
	shows changed
	tool_ok status -j
	equal "$(value '.flowtables | map("\(.flowtable) \(.offload) \(.counter)") | join(",")')" "fast true false"
	promote c tcp "$PORT"
	fast c ping 5
	tool_ok disable
	equal "$(in_r nft -s list ruleset)" "$before" "the ruleset afterwards"
	slow 5 c ping 5
	tool_ok disable
	shows 'not enabled'
}
run_case "enable and disable leave other tables alone" enable

only_lan() {
	ours
	rules_classic
	tool_ok enable rc rs --only-lan rc
	client c udp
	promote c udp "$PORT"
	fast c ping 5
	peer_start inner "$NS_C" server udp :: 6000
	next_port
	peer_start d "$NS_S" client udp "$S4" "$PORT" "$C4" 6000 || fail "$ANSWER"
	slow 20 d ping 10
	flows 0 -P "$PORT"
	tool_ok enable rc rs --only-lan rc
	shows already
	# an address is as long as a device's name, and none
	in_r nft add rule inet nft_offload forward ip6 saddr 2001:db8:1:2:3:4:5:6 counter
	tool_ok enable rc rs --only-lan rc
	shows already
	tool_ok disable
}
run_case "enable --only-lan takes connections opened from there" only_lan

# Somebody has emptied the chain, or taken one rule out: nothing is offloaded, or UDP alone.
repaired() {
	ours
	rules_classic
	tool_ok enable rc rs "$@"
	in_r nft flush chain inet nft_offload forward
	client c tcp
	slow 5 c ping 5
	tool_ok enable rc rs "$@"
	shows "$TOLD"
	promote c tcp "$PORT"
	fast c ping 5
	in_r nft -a list chain inet nft_offload forward |
		awk '/l4proto tcp/ { print "delete rule inet nft_offload forward handle", $NF }' >"$LIB_TMP/tcp"
	[ -s "$LIB_TMP/tcp" ] || fail "no rule for TCP"
	rules_load <"$LIB_TMP/tcp"
	tool_ok enable rc rs "$@"
	shows repaired
	promote c tcp "$PORT"
	fast c ping 5
	tool_ok enable rc rs "$@"
	shows already
	# one rule for both is as good
	in_r nft flush chain inet nft_offload forward
	in_r nft add rule inet nft_offload forward "${MINE[@]}"
	tool_ok enable rc rs "$@"
	shows already
	tool_ok disable
}
TOLD=repaired MINE=(meta l4proto '{ tcp, udp }' flow add @fast)
run_case "enable puts back rules that were taken out" repaired
TOLD=changed MINE=(iifname rc ct direction original "${MINE[@]}")
run_case "enable --only-lan puts back rules that were taken out" repaired --only-lan rc

foreign() {
	local before

	ours
	rules_load <<-END
		table inet nft_offload {
			chain mine {
				accept
			}
		}
	END
	before=$(in_r nft list ruleset)
	says 1 "not of our making" enable rc rs
	says 1 "not of our making" disable
	equal "$(in_r nft list ruleset)" "$before"
}
run_case "a table of that name by somebody else is left alone" foreign

# A device may be called by an alternative name, which is none that a flowtable lists.
other_name() {
	ours
	ip -n "$NS_R" link property add dev rs altname uplink 2>/dev/null || skip "no alternative names"
	at_end "ip -n $NS_R link property del dev rs altname uplink"
	rules_classic
	says 2 "'uplink' is named twice" enable rs uplink
	tool_ok enable rc uplink
	client c udp
	promote c udp "$PORT"
	fast c ping 5
	tool_ok enable rc rs
	shows already
	tool_ok check uplink
	shows 'rs: is in flowtable fast of table inet nft_offload'
	tool_ok disable
}
run_case "enable and check take a device's alternative name" other_name

# What is refused is named, also in a transaction of a hundred messages.
refused_by_name() {
	local i lans=() devs=(rc rs)

	ours
	for ((i = 0; i < 50; i++)); do
		echo "link add lan$i type dummy"
	done | ip -n "$NS_R" -batch -
	for ((i = 0; i < 50; i++)); do lans+=(--only-lan "lan$i") devs+=("lan$i"); done
	strict_offload Y
	tool enable "${devs[@]}" --hw "${lans[@]}"
	strict_offload N
	text "$ERR"
	[[ $RC = 1 && $TEXT == *"the flowtable: "* ]] || fail "status $RC: $TEXT"
	tool_ok enable "${devs[@]}" --hw "${lans[@]}"
	tool_ok disable
	for ((i = 0; i < 50; i++)); do echo "link del lan$i"; done | ip -n "$NS_R" -batch -
}
run_case "what is refused is named" refused_by_name

all_done
