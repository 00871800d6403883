#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# IPsec: packets that a policy encrypts leave through it, decrypted ones are carried as long
# as a policy lets them pass.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

modprobe -q -a esp4 esp6 xfrm_user || true
topo_up
echo_up

KEYS="auth hmac(sha1) 0x0123456789012345678901234567890123456789 enc cbc(aes) 0x00112233445566778899aabbccddeeff"

# states NAMESPACE - an ESP tunnel between rs and s0, of each family.
states() {
	ip -n "$1" -batch - <<-END || skip "no xfrm"
		xfrm state add src $RS4 dst $S4 proto esp spi 0x100 mode tunnel $KEYS
		xfrm state add src $S4 dst $RS4 proto esp spi 0x101 mode tunnel $KEYS
		xfrm state add src $RS6 dst $S6 proto esp spi 0x102 mode tunnel $KEYS
		xfrm state add src $S6 dst $RS6 proto esp spi 0x103 mode tunnel $KEYS
	END
}

# policies NAMESPACE OUT IN - between the client's network and the server.
policies() {
	ip -n "$1" -batch - <<-END
		xfrm policy add dir $2 src 192.0.2.0/24 dst $S4/32 tmpl src $RS4 dst $S4 proto esp mode tunnel
		xfrm policy add dir $3 src $S4/32 dst 192.0.2.0/24 tmpl src $S4 dst $RS4 proto esp mode tunnel
		xfrm policy add dir $2 src 2001:db8:1::/64 dst $S6/128 tmpl src $RS6 dst $S6 proto esp mode tunnel
		xfrm policy add dir $3 src $S6/128 dst 2001:db8:1::/64 tmpl src $S6 dst $RS6 proto esp mode tunnel
	END
}

ipsec_up() {
	states "$NS_R"
	states "$NS_S"
	policies "$NS_R" out fwd
	policies "$NS_S" in out
}

ipsec_gone() {
	local ns

	for ns in "$NS_R" "$NS_S"; do
		ip -n "$ns" xfrm policy flush
		ip -n "$ns" xfrm state flush
	done
}

# clear_text - at the server: packets of the connection that arrived without ESP.
watch_clear() {
	in_s nft -f - <<-END
		table inet clear {
			counter clear { }
			chain in {
				type filter hook prerouting priority -300;
				meta ipsec missing udp dport 5000 counter name clear
				meta ipsec missing tcp dport 5000 counter name clear
			}
		}
	END
}
none_clear() {
	counter clear "$NS_S" inet clear
	in_s nft delete table inet clear
	[ "$PACKETS" = 0 ] || fail "$PACKETS packets arrived without encryption"
}

carried() {
	rules_std
	ipsec_up
	watch_clear
	flow_up c "$1"
	fast c ping 20
	fast c ping 4 1200
	if [ "${1%6}" = tcp ]; then
		must c bulk 100000
		settle c
		fast c bulk 300000
	fi
	none_clear
	ipsec_gone
}
for proto in udp tcp udp6 tcp6; do
	run_case "$proto goes through an ESP tunnel" carried $proto
done

# The policy for forwarding goes: what is decrypted is not let through by the default then,
# for one that blocks stands in its place.
policy_blocks() {
	rules_std
	ipsec_up
	flow_up c udp
	ip -n "$NS_R" xfrm policy update dir fwd src $S4/32 dst 192.0.2.0/24 action block
	must c timeout 300
	if ask c ping 2; then fail "decrypted packets pass a policy that blocks"; fi
	ipsec_gone
}
run_case "a policy that blocks what was decrypted" policy_blocks

# Answers without ESP, with the addresses of a connection under IPsec, are dropped.
answers_clear() {
	rules_std
	ipsec_up
	flow_up c udp
	ip -n "$NS_S" xfrm policy delete dir out src $S4/32 dst 192.0.2.0/24
	in_r nft -f - <<-END
		table netdev w {
			counter clear { }
			chain in { type filter hook ingress device rs priority -10; udp sport 5000 counter name clear; }
		}
	END
	must c timeout 300
	if ask c ping 2; then fail "plain answers pass where a policy asks for ESP"; fi
	counter clear "$NS_R" netdev w
	[ "$PACKETS" -gt 0 ] || fail "no plain answer came: the test proves nothing"
	ipsec_gone
}
run_case "plain packets with the addresses of a connection under IPsec" answers_clear

# New keys: the connection goes on under the new states, without a packet in the clear.
rekey() {
	rules_std
	ipsec_up
	watch_clear
	flow_up c udp
	for ns in "$NS_R" "$NS_S"; do
		ip -n "$ns" xfrm state deleteall
	done
	states "$NS_R"
	states "$NS_S"
	wait_for 10 ask c ping 1 || fail "not back: $ANSWER"
	settle c
	none_clear
	ipsec_gone
}
run_case "states are replaced" rekey

# With masquerading, the policy's addresses are not the connection's: received packets stay
# in the classic path, for a reason.
masqueraded() {
	rules_std
	in_r nft -f - <<-END
		table inet nat { chain post { type nat hook postrouting priority 100; iifname rc masquerade; }; }
	END
	states "$NS_R"
	states "$NS_S"
	ip -n "$NS_R" -batch - <<-END
		xfrm policy add dir out src $RS4/32 dst $S4/32 proto udp dport 5000 tmpl src $RS4 dst $S4 proto esp mode tunnel
		xfrm policy add dir in src $S4/32 dst $RS4/32 proto udp sport 5000 tmpl src $S4 dst $RS4 proto esp mode tunnel
		xfrm policy add dir fwd src $S4/32 dst $RS4/32 proto udp sport 5000 tmpl src $S4 dst $RS4 proto esp mode tunnel
	END
	ip -n "$NS_S" -batch - <<-END
		xfrm policy add dir in src $RS4/32 dst $S4/32 proto udp dport 5000 tmpl src $RS4 dst $S4 proto esp mode tunnel
		xfrm policy add dir out src $S4/32 dst $RS4/32 proto udp sport 5000 tmpl src $S4 dst $RS4 proto esp mode tunnel
	END
	watch_clear
	client c udp
	slow 10 c ping 10
	must c ping 10
	none_clear
	ipsec_gone
}
run_case "masquerading in front of IPsec" masqueraded

all_done
