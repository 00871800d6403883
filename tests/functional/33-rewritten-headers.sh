#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core compat
# Rules that rewrite a header or the payload by themselves, where no layer 4 checksum shows it: what
# reaches the server is what the classic path would send.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

OTHER4=198.51.100.77

topo_up
ip -n "$NS_S" addr add $OTHER4/24 dev s0
echo_up

# exchange N - as many messages; with BLIND set the echoes are not what was sent.
BLIND='' CHECKSUM=0
exchange() {
	if [ -n "$BLIND" ]; then ask c ping "$1" || true; else must c ping "$1"; fi
}

# rewritten PATH PROTO WRONG FORWARD [PREROUTING] - a rule after the forward chain rewrites; the server
# must not see a packet that matches WRONG. PREROUTING is what the answers need.
rewritten() {
	local path=$1 proto=$2 wrong=$3 forward=$4 prerouting=${5:-}

	rules_for "$path"
	in_r nft -f - <<-END || skip "nft does not know: $forward"
		table inet h {
			chain post { type filter hook postrouting priority 200; oifname rs $forward; }
			chain pre { type filter hook prerouting priority -400; ${prerouting:+iifname rs $prerouting;} }
		}
	END
	in_s nft -f - <<-END
		table netdev w {
			counter wrong { }
			counter arrived { }
			chain i {
				type filter hook ingress device s0 priority 0;
				udp dport 5000 counter name arrived
				udp dport 5000 $wrong counter name wrong
			}
		}
	END
	client c "$proto"
	[ "$CHECKSUM" = 1 ] || must c set nocheck 1
	must c set tos 2
	[ -z "$BLIND" ] || must c timeout 50
	exchange 3
	# both directions have had the time to be learned, and their packets to be forwarded
	exchange 30
	counter arrived "$NS_S" netdev w
	[ "$PACKETS" -ge 33 ] || fail "$PACKETS of 33 packets at the server"
	counter wrong "$NS_S" netdev w
	in_s nft delete table netdev w
	in_r nft delete table inet h
	equal "$PACKETS" 0 "packets with: $wrong"
}
on_both_paths "udp, ECN is cleared" rewritten udp "ip ecn != not-ect" "ip ecn set not-ect"
on_both_paths "udp without checksum, another destination" rewritten udp "ip daddr $S4" "ip daddr set $OTHER4" \
	"ip saddr $OTHER4 ip saddr set $S4"
on_both_paths "udp, the identification is set" rewritten udp "ip id != 4242" "ip id set 4242"

BLIND=1
on_both_paths "udp without checksum, the payload is rewritten" \
	rewritten udp "@th,96,32 != 0x12345678" "@th,96,32 set 0x12345678"
CHECKSUM=1
on_both_paths "udp with a checksum that is yet to be made, the payload is rewritten" \
	rewritten udp "@th,96,32 != 0x12345678" "@th,96,32 set 0x12345678"
BLIND=
on_both_paths "udp, the checksum is taken away" rewritten udp "udp checksum != 0" "udp checksum set 0"

# Two DSCPs of a connection were treated alike, and a rule drops the third.
third_dscp() {
	local path=$1 family=$2 rule=$3

	case $path in
	classic) rules_classic "$rule" ;;
	*) rules_std "" "$rule" ;;
	esac
	client c "udp$family"
	must c set tos 32
	must c ping 12
	[ "$path" = classic ] || has_offload_flag "udp$family" "$PORT" || fail "not offloaded"
	for tos in 64 32 64 32; do
		must c set tos $tos
		must c ping 5
	done
	must c set tos 96
	must c timeout 200
	ask c ping 3 && fail "packets with the DSCP pass"
	must c set tos 32
	must c timeout 3000
	must c ping 3
	[ "$path" = classic ] || wait_for 5 is_fast c ping 5 || fail "not fast any more"
}
on_both_paths "udp, a rule for the third DSCP" third_dscp "" "ip dscp cs3 drop"
on_both_paths "udp6, a map of verdicts by the DSCP" third_dscp 6 "ip6 dscp vmap { cs3 : drop, cs4 : drop }"

all_done
