#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw x86
# A driver that nobody here wrote: netdevsim among the devices of a flowtable.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
if [ "${NFO_PROVIDER:-}" = mainline ]; then
	skipped "netdevsim" "what is shown here is asked of our own family"
	all_done
	exit 0
fi
# shellcheck source=../lib-netdevsim.sh
. "$(dirname "$0")/../lib-netdevsim.sh"

topo_up
echo_up
sim_up

# The driver of older kernels does not know TC_SETUP_FT; it is not asked for its block.
WANT="none hw-d* 95 *"

mixed() {
	rules_load <<-END
		table inet t {
			counter seen { }
			flowtable f { hook ingress priority 0; devices = { rc, rs, sim0 }; flags offload; }
			chain forward {
				type filter hook forward priority 0;
				counter name seen
				meta l4proto { tcp, udp } flow add @f
			}
		}
	END
	dev_is sim0 "$WANT" || fail "sim0: $SAYS"
	dev_is rc "none hw-driver 95 *" || fail "rc: $SAYS"
	flow_up c tcp
	fast c ping 20
}
run_case "it is welcome among others, flows run in software" mixed

# Mainline takes a yes for a yes, and so for a no of the older driver.
strict() {
	local status=0 want=0

	flowtable_lines | rules_load
	! dev_is sim0 "none hw-declined *" || want=1
	rules_flush
	strict_offload Y
	flowtable_lines | rules_load || status=$?
	strict_offload N
	equal "$status" "$want" "status of nft"
	[ "$want" = 1 ] || dev_is sim0 "$WANT" || fail "sim0: $SAYS"
}
run_case "strict_offload takes the driver's answer" strict

# Its switch is the administrator's, and off by default.
switched_off() {
	local status=0

	in_r ethtool -K sim0 hw-tc-offload off
	strict_offload Y
	flowtable_lines | rules_load || status=$?
	strict_offload N
	[ $status = 0 ] || fail "refused"
	dev_is sim0 "none hw-feature 95 *" || fail "sim0: $SAYS"
	in_r ethtool -K sim0 hw-tc-offload on
	dev_is sim0 "$WANT" || fail "sim0: $SAYS"
}
run_case "hw-tc-offload switched off is no refusal" switched_off

# The one TC block is not ours to keep.
nft_after() {
	flowtable_lines | rules_load
	nft_block_lines | rules_load
	rules_flush
	nft_block_lines | rules_load
	flowtable_lines | rules_load
}
run_case "nft's own offload gets the device's TC block, before and after" nft_after

tc_after() {
	flowtable_lines | rules_load
	in_r tc qdisc add dev sim0 ingress
	in_r tc filter add dev sim0 ingress protocol ip flower skip_sw ip_proto tcp action drop
	in_r tc qdisc del dev sim0 ingress
}
run_case "tc gets it, too" tc_after

# The driver's device ends while the flowtable is there, and comes again.
device_ends() {
	flowtable_lines "rc, rs, sim0" | rules_load
	sim_down
	! dev_is sim0 "*" || [ -z "$SAYS" ] || fail "still listed: $SAYS"
	sim_up
	rules_flush
	flowtable_lines | rules_load
	dev_is sim0 "$WANT" || fail "sim0: $SAYS"
}
run_case "the device ends and comes again" device_ends

sim_down
all_done
