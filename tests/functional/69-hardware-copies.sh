#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# FINDINGS S15: what a device hands over besides packets of its own. Packets that LRO has
# merged are not forwarded, and a copy of what the hardware has routed is not sent a
# second time: as on the classic path.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"

topo_chip

rules() {
	rules_listing "hwp0, hwp1" "$1"
}

# knob_holds PATH KNOB - no packet passes while the chip does this, and all pass again.
knob_holds() {
	local path=$1 knob=$2

	clean none
	case $path in
	classic) rules "ct state new counter" ;;
	offload) rules "meta l4proto { tcp, udp } flow add @f" ;;
	esac
	client c udp
	must c ping 4
	[ "$path" = classic ] || { promote c udp "$PORT"; fast c ping 4; }
	must c timeout 400
	set_chip "$knob" 1
	! ask c ping 1 || { set_chip "$knob" 0; fail "a packet was forwarded"; }
	set_chip "$knob" 0
	must c timeout 3000
	must c ping 4
	[ "$path" = classic ] || fast c ping 4
}
for path in classic offload; do
	run_case "merged by LRO, $path" knob_holds $path lro
	run_case "a copy of what hardware routed, $path" knob_holds $path routed
done
set_chip lro 0
set_chip routed 0
rules_flush
rmmod nfo_hwsim

all_done
