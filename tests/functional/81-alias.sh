#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# The module nft_flow_offload of packaging/openwrt: what LuCI looks for is there while
# nf_flow_offload is, and it is not taken for mainline's module of that name.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need rmmod insmod modinfo
# shellcheck source=../lib-tool.sh
. "$(dirname "$0")/../lib-tool.sh"
KO=${NFO_KO:+${NFO_KO%/*}/packaging/openwrt/alias/nft_flow_offload.ko}
if [ ! -e "$KO" ]; then
	skipped "nft_flow_offload of packaging/openwrt" "it is not built for this kernel"
	all_done
	exit 0
fi
topo_tool

# The condition of LuCI's rpc method getFeatures, for the feature "offloading".
luci_shows_offloading() {
	[ -e /sys/module/xt_FLOWOFFLOAD/refcnt ] || [ -e /sys/module/nft_flow_offload/refcnt ]
}

found() {
	rules_flush
	! luci_shows_offloading || fail "it is there before it is loaded"
	insmod "$KO"
	luci_shows_offloading || fail "LuCI does not find it"
	[ -e /sys/module/nf_flow_offload/holders/nft_flow_offload ] || fail "it does not depend on ours"
	! rmmod nf_flow_offload 2>/dev/null || fail "ours went away under it"
	equal "$(modinfo -F depends "$KO")" nf_flow_offload depends
	tool_ok status -j
	equal "$(value '"\(.provider) \(.mainline_modules)"')" "ours " "who serves flowtables"
	tool_ok check rc rs
	[[ $(cat "$OUT") != *mainline* ]] || fail "taken for mainline's: $(cat "$OUT")"
	rules_std
	client c udp
	promote c udp "$PORT"
	fast c ping 20
	rules_flush
	rmmod nft_flow_offload
	! luci_shows_offloading || fail "it is there after it is removed"
}
run_case "LuCI finds nft_flow_offload while nf_flow_offload serves flowtables" found

all_done
