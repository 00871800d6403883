# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests on netdevsim share; sourced after lib.sh.
#
# One simulated device, sim0, in namespace $NS_R. Its driver answers TC_SETUP_FT with
# yes and takes no rules, and has one TC block.
OUT=$LIB_TMP/out
SIM_ID=$((RANDOM % 60000 + 1))

sim_up() {
	modprobe -q netdevsim || { skipped "netdevsim" "this kernel has none"; all_done; exit 0; }
	in_r sh -c "echo '$SIM_ID 1' >/sys/bus/netdevsim/new_device"
	wait_for 10 sim_named || die "no device of netdevsim"
	ip -n "$NS_R" link set sim0 up
	in_r ethtool -K sim0 hw-tc-offload on
}

sim_named() {
	local dev

	dev=$(ip -n "$NS_R" -br link | awk '/^eth/ { sub(/@.*/, "", $1); print $1; exit }')
	[ -n "$dev" ] && ip -n "$NS_R" link set "$dev" name sim0
}

sim_down() {
	echo "$SIM_ID" >/sys/bus/netdevsim/del_device
	wait_for 10 sim_gone || fail "sim0 stays"
}
sim_gone() { ! ip -n "$NS_R" link show sim0 2>/dev/null; }

flowtable_lines() {
	echo "table inet t {
		flowtable f { hook ingress priority 0; devices = { ${1:-sim0} }; flags offload; }
		chain forward { type filter hook forward priority 0; meta l4proto { tcp, udp } flow add @f; }
	}"
}

# A rule for the hardware by nft itself, through the device's TC block.
nft_block_lines() {
	echo "table netdev n {
		chain c {
			type filter hook ingress device sim0 priority 1; flags offload;
			ip saddr 192.0.2.1 ip daddr 192.0.2.2 ip protocol icmp drop
		}
	}"
}

# dev_is DEV WANTED - "hw reason errno message" of nft-offload's status, in SAYS.
dev_is() {
	in_r "$NFO_TOOLS/nft-offload" status -j >"$OUT"
	SAYS=$(jq -r ".devices[] | select(.dev == \"$1\") | \"\(.hw) \(.reason) \(.errno) \(.message)\"" "$OUT")
	# shellcheck disable=SC2053 # a pattern
	[[ $SAYS == $2 ]]
}
