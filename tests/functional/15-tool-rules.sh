#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# nft-offload check names each rule that offload takes packets from, and no other.
# The rules say themselves what is expected of them: those whose comment begins with
# "lost" must be named, and those without a comment, or with another one, must not.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-tool.sh
. "$(dirname "$0")/../lib-tool.sh"
topo_tool

FT='flowtable f { hook ingress priority 0; devices = { rc, rs }; }'
ADD='meta l4proto { tcp, udp } flow add @f'

# named - the comments of the rules that check names, sorted; it is in NAMED.
named() {
	tool check -j rc rs
	[ "$RC" = 0 ] || fail "status $RC: $(cat "$ERR" "$OUT")"
	NAMED=$(value '[.checks[] | select(.rule) | .rule.comment] | sort | join("; ")')
}

# Kernels without a logger take no rule that logs: there such rules count instead.
logger() {
	rules_flush
	rules_load <<-END 2>/dev/null
		table inet t {
			chain c { log; }
		}
	END
}
LOG=log
logger || LOG=counter
rules_flush

# expected - load the rules from stdin, compare.
expected() {
	local wanted

	sed -E "s/(^|[[:space:]])log[[:space:]]/\\1$LOG /g" >"$LIB_TMP/rules.nft"
	rules_flush
	rules_load <"$LIB_TMP/rules.nft"
	wanted=$(sed -n 's/.*comment "\(lost[^"]*\)".*/\1/p' "$LIB_TMP/rules.nft" | LC_ALL=C sort | paste -sd ';' | sed 's/;/; /g')
	named
	equal "$NAMED" "$wanted" "the rules named"
}

# --- what is lost ---

statements() {
	expected <<-END
		table inet t {
			$FT
			counter seen { }
			quota volume { 10 mbytes }
			limit slowly { rate 10/second }
			set talkers { type ipv4_addr; size 128; flags dynamic; }
			set known { type ipv4_addr; size 128; flags dynamic; }
			set aged { type ipv4_addr; size 128; timeout 1h; flags dynamic,timeout; }
			set counted { type ipv4_addr; counter; elements = { 192.0.2.2 } }
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter comment "lost counter"
				counter name seen comment "lost counter object"
				tcp dport 5001 limit rate over 10 mbytes/second drop comment "lost limit"
				limit name slowly comment "lost limit object"
				quota over 1000 mbytes drop comment "lost quota"
				quota name volume comment "lost quota object"
				log comment "lost log"
				update @talkers { ip saddr counter } comment "lost dynset counter"
				update @talkers { ip saddr } comment "lost dynset update"
				add @aged { ip saddr } comment "lost when the element ages"
				add @aged { ip saddr timeout 10s } comment "lost dynset timeout"
				add @known { ip saddr } comment "added once, that is enough"
				ip saddr @counted accept comment "lost set's counter"
				$ADD
				counter $ADD comment "counts what asks to be offloaded"
				tcp dport 443 counter comment "lost behind flow add"
			}
		}
	END
}
run_case "limit, quota, log, counter, dynset: statements, objects, sets" statements

queues() {
	rules_load <<-END || skip "no queue in this kernel"
		table ip t {
			chain c { queue num 3; }
		}
	END
	expected <<-END
		table ip t {
			$FT
			chain forward {
				type filter hook forward priority 0; policy accept;
				tcp dport 80 queue num 3 comment "lost queue"
				$ADD
			}
			chain late {
				type filter hook postrouting priority 200;
				queue num 4 comment "lost queue of all"
				counter comment "nothing gets here"
			}
		}
	END
}
run_case "queue; what stands behind a queue of all packets is not reached" queues

traces() {
	expected <<-END
		table ip t {
			$FT
			chain forward {
				type filter hook forward priority 0; policy accept;
				ct state new meta nftrace set 1 comment "the first packet"
				tcp dport 80 meta nftrace set 1 comment "lost trace"
				$ADD
			}
		}
	END
}
run_case "nftrace" traces

copies() {
	rules_load <<-END || skip "no dup in this kernel"
		table ip t {
			chain c { dup to 192.0.2.77 device "rc"; }
		}
	END
	expected <<-END
		table ip t {
			$FT
			chain mirror {
				type filter hook prerouting priority -150;
				iifname "rs" dup to 192.0.2.77 device "rc" comment "lost copy"
			}
			chain forward {
				type filter hook forward priority 0;
				$ADD
			}
		}
	END
}
run_case "dup" copies

connections() {
	rules_load <<-END || skip "no ct count in this kernel"
		table ip t {
			chain c { ct count over 100 drop; }
		}
	END
	expected <<-END
		table ip t {
			$FT
			chain forward {
				type filter hook forward priority 0;
				ct count over 100 reject comment "lost ct count"
				ct state new ct count over 100 reject comment "when they begin"
				$ADD
			}
		}
	END
}
run_case "ct count" connections

varying() {
	expected <<-END
		table inet t {
			$FT
			set guests { type ipv4_addr; flags timeout; }
			set scanners { type ipv4_addr; size 128; flags dynamic,timeout; }
			chain forward {
				type filter hook forward priority 0; policy accept;
				ip saddr @scanners drop comment "lost scanners"
				ip saddr @guests meta mark set 9 comment "lost guests"
				ip daddr @guests drop comment "dropped while it is there"
				tcp dport 99 ip saddr != @guests drop comment "lost strangers"
				meta hour "22:00"-"23:00" drop comment "lost time"
				ct bytes > 1000000 meta priority set 1:2 comment "lost bytes"
				ct packets > 100 ip dscp set cs1 comment "lost packets"
				meta length > 1000 accept comment "lost length"
				ip length 0-100 meta mark set 7 comment "lost ip length"
				meta mark set numgen random mod 3 comment "lost random"
				@ih,0,32 0xdeadbeef drop comment "lost payload"
				tcp flags & psh == psh meta mark set 1 comment "lost tcp flags"
				ct bytes > 100 flow add @f comment "asks to be offloaded"
				ip saddr 192.0.2.0/24 meta mark set 3 comment "of the connection"
				meta mark set ct mark comment "learned"
				ip dscp set cs3 comment "learned as well"
				ip ttl set 64 comment "and this"
				ct mark set meta mark comment "once"
				jhash ip saddr mod 2 vmap { 0 : accept, 1 : continue } comment "the same for each packet"
				$ADD
			}
		}
	END
}
run_case "matches whose answer changes while the connection lives" varying

hooks() {
	expected <<-END
		table inet t {
			$FT
			chain raw { type filter hook prerouting priority raw; counter comment "lost prerouting" ; }
			chain pre { type filter hook prerouting priority mangle; jump sub; }
			chain sub { ip6 daddr 2001:db8:2::/64 counter comment "lost in a chain that is jumped to" ; }
			chain post { type filter hook postrouting priority mangle; counter comment "lost postrouting" ; }
			chain in { type filter hook input priority 0; counter comment "input"; log comment "input log"; }
			chain out { type filter hook output priority 0; counter comment "output"; }
			chain translate1 { type nat hook prerouting priority dstnat; counter comment "first packets only"; }
			chain translate2 { type nat hook postrouting priority srcnat; counter masquerade comment "first packets, too"; }
			chain nobody { counter comment "nobody jumps here"; }
			chain forward { type filter hook forward priority 0; $ADD ; }
		}
		table ip other {
			chain forward { type filter hook forward priority 10; counter comment "lost in another table" ; }
		}
		table bridge b {
			chain forward { type filter hook forward priority 0; counter comment "bridged"; }
		}
		table ip asleep {
			flags dormant
			chain forward { type filter hook forward priority 0; counter comment "dormant"; }
		}
	END
}
run_case "hooks that offloaded packets pass no more, and those they never passed" hooks

ingress() {
	expected <<-END
		table inet t {
			flowtable f { hook ingress priority 10; devices = { rc, rs }; }
			chain forward { type filter hook forward priority 0; $ADD ; }
		}
		table netdev n {
			chain before { type filter hook ingress device rc priority 0; counter comment "before the flowtable"; }
			chain behind { type filter hook ingress device rc priority 20; counter comment "lost ingress" ; }
			chain else { type filter hook ingress device lo priority 20; counter comment "another device"; }
		}
	END
}
run_case "ingress chains before and behind the flowtable" ingress

egress() {
	local rules='table netdev e {
		chain out { type filter hook egress device rs priority 0; counter comment "sees everything"; }
	}'

	rules_load <<<"$rules" || skip "no egress hook in this nft or kernel"
	expected <<-END
		$rules
		table inet t {
			$FT
			chain forward { type filter hook forward priority 0; $ADD ; }
		}
	END
}
run_case "egress chains go on seeing everything" egress

# --- what is not lost ---

before_promotion() {
	expected <<-END
		table inet t {
			$FT
			chain new { limit rate 10/second accept comment "new ones only"; log drop comment "too"; }
			chain forward {
				type filter hook forward priority 0; policy drop;
				ct state invalid counter log drop comment "invalid"
				ct state new counter comment "new"
				ct state { new, invalid } log comment "a set"
				ct state != established,related log comment "lost, nft compares with both at once"
				ct state & (established | related) == 0 log comment "not established"
				ct state vmap { new : jump new, invalid : drop }
				meta l4proto icmp limit rate 10/second accept comment "icmp"
				ip protocol icmp counter comment "icmp, too"
				meta l4proto { icmp, ipv6-icmp, esp } counter comment "a set of protocols"
				meta l4proto != { tcp, udp } counter comment "other protocols"
				tcp flags syn / fin,syn,rst,ack counter comment "syn"
				tcp flags & (fin | syn | rst | ack) == syn log comment "syn, too"
				tcp flags rst counter comment "rst"
				tcp option maxseg size > 1400 counter comment "in a syn"
				tcp flags syn tcp option maxseg size set rt mtu comment "clamp"
				ip frag-off & 0x1fff != 0 counter comment "fragments"
				iifname "lo" counter accept comment "loopback"
				iif lo counter comment "loopback, too"
				fib daddr type local counter comment "not forwarded"
				meta pkttype { broadcast, multicast } log comment "not unicast"
				ct helper "ftp" counter comment "helpers keep it out"
				exthdr hbh exists counter comment "extension headers keep it out"
				$ADD
				ct state established counter comment "lost established"
				ct state established,related accept
				counter log comment "behind established"
			}
		}
	END
}
run_case "rules for packets that come before promotion" before_promotion

endings() {
	expected <<-END
		table inet t {
			$FT
			chain services {
				tcp dport 22 counter return comment "lost in a chain"
				meta l4proto udp return
				meta l4proto tcp drop
				counter comment "neither tcp nor udp"
			}
			chain accept_all { accept; }
			chain forward {
				type filter hook forward priority 0; policy drop;
				$ADD
				jump services
				udp dport 53 goto accept_all
				meta l4proto tcp counter comment "lost after the return"
				jump accept_all
				counter comment "everything was accepted"
			}
			chain later {
				type filter hook forward priority 10;
				meta nfproto vmap { ipv4 : goto accept_all, ipv6 : continue }
				ip protocol tcp counter comment "IPv4 was accepted"
				meta nfproto ipv6 counter comment "lost IPv6"
			}
		}
	END
}
run_case "returns, gotos, drops and maps" endings

protocols() {
	expected <<-END
		table inet t {
			$FT
			chain forward {
				type filter hook forward priority 0; policy accept;
				ip protocol tcp flow add @f
				udp dport 53 counter comment "udp is not offloaded"
				meta nfproto ipv6 counter comment "nor is IPv6"
				tcp dport 80 counter comment "lost tcp"
			}
		}
	END
}
run_case "only what a rule says flow add for is offloaded" protocols

# The remedies silence check.
remedies() {
	expected <<-END
		table inet t {
			$FT
			chain forward {
				type filter hook forward priority 0; policy accept;
				tcp dport 5001 ct mark set 1
				ct mark 1 limit rate over 10 mbytes/second drop comment "kept out"
				ct mark & 0xf0 == 0x10 log comment "lost, another mask"
				ct mark 2 log comment "lost, another mark"
				ct mark != 1 $ADD
			}
		}
	END
	expected <<-END
		table inet t {
			$FT
			chain slow { log comment "kept out"; }
			chain forward {
				type filter hook forward priority 0; policy accept;
				ct mark 1 jump slow
				meta l4proto tcp ct original proto-dst 5001 counter accept comment "kept out, too"
				ct mark 1 accept
				$ADD
				counter comment "lost counter"
			}
			chain post {
				type filter hook postrouting priority 0;
				ct mark 1 counter comment "kept out"
			}
		}
	END
}
run_case "connections that are kept out of the fast path" remedies

# --- without flow add, fw4, JSON, terminal ---

not_yet() {
	expected <<-END
		table inet t {
			chain forward {
				type filter hook forward priority 0; policy accept;
				ct state new counter comment "new"
				limit rate over 100/second drop comment "lost limit"
			}
		}
	END
	shows 'as if all TCP and UDP were offloaded'
}
run_case "before a rule says flow add" not_yet

fw4() {
	local file

	for file in "$NFO_TOP"/tests/field/fw4/load-*.nft; do
		sed 's/"eth1"/"rs"/; s/"br-lan"/"rc"/; s/"lan1", "lan2"/"rc"/; s/flags offload;//' "$file" |
			sed 's/\(chain mangle_forward {\)/chain user { type filter hook forward priority 1; tcp dport 25 log comment "lost log"; };\n\1/' |
			expected
	done
}
run_case "OpenWrt's own rules raise nothing" fw4

output() {
	rules_std
	named
	equal "$(value '.checks[] | select(.rule) | .rule | "\(.family) \(.table) \(.chain) \(.expression)"')" \
		"inet t forward counter"
	equal "$(in_r nft -a list chain inet t forward | sed -n 's/.*counter name "seen" # handle //p')" \
		"$(value '.checks[] | select(.rule) | .rule.handle')" handle
	value '.checks[] | select(.rule) | .remedy' | grep 'nf_conntrack_acct .*conntrack -L' >/dev/null || fail "no remedy"
	equal "$(value .ok)" true "warnings are no problem"
	tool_ok check
	shows 'warning  rule: table inet t, chain forward, handle '
	shows 'ok       rc: is up'
	shows 'ok       rs: is up'
}
run_case "table, chain, handle, remedy; without devices those of the flowtables" output

# A rule can be read by those who may; others are told.
unreadable() {
	rules_std
	RC=0
	in_r setpriv --bounding-set=-net_admin --inh-caps=-net_admin --ambient-caps=-net_admin \
		"$NFO_TOOLS/nft-offload" check >"$OUT" 2>"$ERR" || RC=$?
	equal "$RC" 1 "status without CAP_NET_ADMIN"
	shows "can't be read"
}
run_case "rules that cannot be read are told in a sentence" unreadable

large() {
	{
		echo "table inet t {"
		echo "$FT"
		echo "chain c9 { counter comment \"lost deep\"; }"
		for i in 8 7 6 5 4 3 2 1; do
			printf 'chain c%s {\n' $i
			for ((k = 0; k < 12; k++)); do echo "ip saddr 192.0.2.$k jump c$((i + 1))"; done
			echo "}"
		done
		echo "chain forward { type filter hook forward priority 0; jump c1; $ADD ; }"
		echo "}"
	} | expected
	shows 'too many ways'
}
run_case "a ruleset with too many ways through it ends in time" large

# 40,000 ways lead to the rule that says flow add, and what they say of its packets is remembered once.
many_ways() {
	local i

	rules_flush
	{
		printf 'table ip t {\n%s\nchain let { %s; }\nchain inner {\n' "$FT" "$ADD"
		for ((i = 1; i <= 200; i++)); do echo "ip daddr 198.51.100.$i jump let"; done
		printf '}\nchain forward { type filter hook forward priority 0; policy accept;\n'
		for ((i = 1; i <= 200; i++)); do echo "ip saddr 192.0.2.$i jump inner"; done
		printf '}\n}\n'
	} | rules_load
	RC=0
	in_r bash -c 'ulimit -v 65536; exec "$@"' check "$NFO_TOOLS/nft-offload" check -j rc rs >"$OUT" 2>"$ERR" || RC=$?
	equal "$RC" 0 "status with 64 MiB ($(cat "$ERR"))"
	equal "$(value '.checks[] | select(.subject == "rules") | .text | test("^401 read")')" true "the rules were read"
}
run_case "many ways to one rule take little memory" many_ways

all_done
