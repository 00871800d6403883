#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# The client is behind a bridge of two of the chip's ports: rules send to the port that the
# bridge would send to, with its tag, and follow a client that moves. What a bridge filters is
# filtered.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq bridge modprobe
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-bridge.sh
. "$(dirname "$0")/../lib-bridge.sh"
ours_alone
modprobe -q -a bridge 8021q nf_tables_bridge || true

topo_chip
PORTS="hwp0, hwp1, hwp2"

ip -batch - <<-END
	link set hwp2 netns $NS_R
	link set wire2 netns $NS_C name c2
END
station_up

# bridge_up [tagged|untagged]
bridge_up() { bridge_of hwp0 hwp2 "$@"; }

carried() {
	local proto

	clean
	bridge_up "$@"
	table '' "$PORTS"
	for proto in udp tcp udp6; do
		hw_up $proto $proto
		must $proto close
	done
}

# What the tool says of the ports and of the bridge.
told() {
	clean
	bridge_up
	table '' "$PORTS"
	tool check hwp0
	[[ $(<"$OUT") == *"is a port of the bridge br0"*"in hardware"* ]] || fail "$(<"$OUT")"
	tool check br0
	[[ $(<"$OUT") == *"is a bridge"*"list its ports for hardware"* ]] || fail "$(<"$OUT")"
}

# The reply of the first frame from the new port may still go to the old one.
moves() {
	local lost=0

	clean
	bridge_up "$@"
	table '' "$PORTS"
	hw_up c udp
	must c timeout 20
	plug c2
	until ask c ping 1; do
		lost=$((lost + 1))
		[ $lost -le 5 ] || fail "$lost packets of 20 ms are lost: $(bridge -n "$NS_R" fdb; cat $CHIP/rules)"
	done
	must c timeout 3000
	in_hw c udp "$PORT"
	# of the server's port: what enters by the third one is not counted
	flat 10 c ping 10
	plug c0
}

forgotten() {
	clean
	bridge_up
	table '' "$PORTS"
	hw_up c udp
	bridge -n "$NS_R" fdb del "$C_MAC" dev hwp0 master
	wait_for 5 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	in_hw c udp "$PORT"
	flat 20 c ping 10
}

# A bridge whose ports are flooded with addresses nobody sends to: flows stay where they are.
flooded() {
	local adds i

	clean
	bridge_up
	table '' "$PORTS"
	hw_up c udp
	calls
	adds=$CALLS
	for i in {1..255}; do printf 'fdb add 02:00:00:00:01:%02x dev hwp2 master\n' "$i"; done |
		bridge -n "$NS_R" -batch -
	flat 20 c ping 10
	calls
	equal "$CALLS" "$adds" "rules added"
}

bridge_rules() {
	in_r nft -f - <<-END
		table bridge b {
			chain $1 {
				type filter hook $1 priority 0
				$2
			}
		}
	END
}

# A rule on the way out does not stop software, which sends through the bridge.
filtered() {
	clean
	bridge_up
	table '' "$PORTS"
	hw_up c udp
	bridge_rules output 'counter'
	must c ping 2
	wait_for 5 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	settle c
	fast c ping 10
	in_r nft delete table bridge b
	in_hw c udp "$PORT"
	bridge_rules input "ip saddr $C4 drop"
	wait_for 5 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	must c timeout 300
	! ask c ping 1 || fail "a rule of the bridge is passed by"
	in_r nft delete table bridge b
	must c timeout 3000
	in_hw c udp "$PORT"
}

# The same in a flowtable without hardware.
filtered_soft() {
	local before

	clean
	bridge_up
	rules_listing "$PORTS"
	client c udp
	must c ping 4
	settle c
	fast c ping 10
	reason_count dev-stack
	before=$REASON
	bridge_rules prerouting 'counter'
	must c ping 2
	# what comes in by the bridge; replies go out through it in any case
	slow 4 c ping 4
	reason_count dev-stack
	[ "$REASON" -gt "$before" ] || fail "nothing says why"
	in_r nft delete table bridge b
	settle c
	fast c ping 10
	bridge_rules input "ip saddr $C4 drop"
	must c timeout 300
	! ask c ping 1 || fail "a rule of the bridge is passed by"
	in_r nft delete table bridge b
}

run_case "bridge" carried
run_case "bridge with VLANs, the port untagged" carried untagged
run_case "bridge with VLANs, the port tagged" carried tagged
run_case "check knows the bridge" told
run_case "the client moves to another port" moves
run_case "the client moves, bridge with VLANs" moves untagged
run_case "the bridge forgets the client" forgotten
run_case "addresses of nobody" flooded
run_case "rules of the bridge family" filtered
run_case "rules of the bridge family, software" filtered_soft
rmmod nfo_hwsim
all_done
