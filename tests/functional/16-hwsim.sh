#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The simulated switch chip itself (tests/hwsim), driven by rules of tc flower: what
# later tests say about hardware is worth as much as this.
#
#   client c0 = wire0 |hwp0 [router] hwp1| wire1 = s0 server      wire2: unused port
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
STACK_R=hwp1
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"

blocks_up() {
	tc -n "$NS_R" -batch - <<-END
		qdisc add dev hwp0 clsact
		qdisc add dev hwp1 clsact
	END
}

# A case starts with an empty chip that has all it can have.
clean() {
	tc -n "$NS_R" qdisc del dev hwp0 clsact 2>/dev/null || true
	tc -n "$NS_R" qdisc del dev hwp1 clsact 2>/dev/null || true
	rules_flush
	stack_gone
	# mainline unbinds before it deletes: its rules stay behind
	[[ $(cat $CHIP/rules) != *" ft "* ]] || set_chip reset 1
	wait_for 5 used 0 || fail "rules without a block: $(cat $CHIP/rules)"
	set_chip bind "${1:-block}"
	chip_whole
	[ "${1:-block}" = none ] || blocks_up
}

# rule PORT PRIO MATCH... -- ACTIONS... - one filter that only hardware may execute.
rule() {
	local port=$1 prio=$2

	shift 2
	tc -n "$NS_R" filter add dev "hwp$port" ingress prio "$prio" "$@"
}

# route PORT PROTO(ip|ipv6) MATCH, in ARGS: a rule that routes to the other port; what
# is rewritten besides and which checksums are in REWRITE and CSUM.
REWRITE='' CSUM=ip SKIP_SW=skip_sw
route() {
	local port=$1 proto=$2 to from dec csum=''

	shift 2
	to=$S_MAC from=$RS_MAC
	[ "$port" = 0 ] || { to=$C_MAC from=$RC_MAC; }
	dec="munge ip ttl dec"
	[ "$proto" = ip ] || dec="munge ip6 hoplimit add 0xff"
	[ -z "$CSUM" ] || csum="action csum $CSUM pipe"
	# shellcheck disable=SC2086 # words
	rule "$port" 1 protocol "$proto" flower $SKIP_SW "$@" \
		action pedit ex munge eth dst set $to munge eth src set $from $dec $REWRITE pipe \
		$csum action mirred egress redirect dev "hwp$((1 - port))"
}

# Both directions of one connection to port 5000.
route_pair() {
	local proto=$1 l4=$2 sport=$3 c=$C4 s=$S4

	shift 3
	[ "$proto" = ip ] || { c=$C6 s=$S6; }
	route 0 "$proto" src_ip "$c" dst_ip "$s" ip_proto "$l4" src_port "$sport" dst_port 5000 "$@"
	route 1 "$proto" src_ip "$s" dst_ip "$c" ip_proto "$l4" src_port 5000 dst_port "$sport" "$@"
}

# ttl_count FAMILY - counters at both ends for packets that are one hop older.
ttl_count() {
	local ns field="ip ttl 63"

	[ "$1" = ip ] || field="ip6 hoplimit 63"
	for ns in "$NS_C" "$NS_S"; do
		in_ns "$ns" nft -f - <<-END
			table $1 seen {
				counter hop { }
				chain in {
					type filter hook input priority 0;
					meta l4proto { tcp, udp } $field counter name hop
				}
			}
		END
	done
}

# --- it forwards ---------------------------------------------------------

no_rules() {
	clean
	client u udp
	by_host u ping 10
}

routed_udp() {
	local text

	clean
	client u udp
	by_host u ping 2
	route_pair ip udp "$PORT"
	ttl_count ip
	by_hw 40 u ping 20
	counter hop "$NS_S" ip seen
	equal "$PACKETS" 20 "TTL 63 at the server"
	counter hop "$NS_C" ip seen
	equal "$PACKETS" 20 "TTL 63 at the client"
	in_ns "$NS_C" nft flush ruleset
	in_ns "$NS_S" nft flush ruleset
	# 14 Ethernet, 20 IPv4, 8 UDP and what a ping says
	[[ $(cat $CHIP/rules) == *" sport=$PORT/ffff"*" ttl-1 "*" packets=20 "* ]] ||
		fail "dump: $(cat $CHIP/rules)"
	# what is read is a difference, once
	text=$(tc -n "$NS_R" -s filter show dev hwp0 ingress)
	[[ $text == *"Sent hardware "*" bytes 20 pkt"* ]] || fail "statistics: $text"
	by_hw 10 u ping 5
	text=$(tc -n "$NS_R" -s filter show dev hwp0 ingress)
	text=$(tc -n "$NS_R" -s filter show dev hwp0 ingress)
	[[ $text == *"Sent hardware "*" bytes 25 pkt"* ]] || fail "statistics: $text"
}

routed_tcp6() {
	clean
	client t tcp6
	by_host t ping 2
	CSUM=''
	route_pair ipv6 tcp "$PORT"
	ttl_count ip6
	ports
	local host=$HOST hw=$HW
	must t bulk 100000
	ports
	equal "$HOST" "$host" "packets at the host"
	[ $((HW - hw)) -ge 140 ] || fail "only $((HW - hw)) packets by hardware"
	counter hop "$NS_S" ip6 seen
	[ "$PACKETS" -ge 70 ] || fail "hop limit 63 on $PACKETS packets"
	in_ns "$NS_C" nft flush ruleset
	in_ns "$NS_S" nft flush ruleset
}

# The client talks to the router's address, the server answers to that.
nat() {
	local proto=$1 l4=$2 fam=$3 c=$C4 s=$S4 rc=$RC4 rs=$RS4

	clean
	[ "$proto" = ip ] || { c=$C6 s=$S6 rc=$RC6 rs=$RS6; fam+=6; }
	next_port
	CSUM="$l4"
	[ "$proto" != ip ] || CSUM="ip and $l4"
	local ip=ip
	[ "$proto" = ip ] || ip=ip6
	REWRITE="munge $ip dst set $s munge $ip src set $rs munge $l4 dport set 5000 munge $l4 sport set 6001"
	route 0 "$proto" src_ip "$c" dst_ip "$rc" ip_proto "$l4" src_port $((PORT + 1)) dst_port 7000
	REWRITE="munge $ip dst set $c munge $ip src set $rc munge $l4 dport set $((PORT + 1)) munge $l4 sport set 7000"
	route 1 "$proto" src_ip "$s" dst_ip "$rs" ip_proto "$l4" src_port 5000 dst_port 6001
	client n "$fam" 7000 "$rc"
	if [ "$l4" = udp ]; then
		by_hw 40 n ping 20
	else
		ports
		local host=$HOST hw=$HW
		must n bulk 50000
		ports
		equal "$HOST" "$host" "packets at the host"
		[ "$HW" -gt $((hw + 60)) ] || fail "only $((HW - hw)) packets by hardware"
	fi
}

# Nobody asked for the checksum: the chip corrects none, the server drops.
no_csum() {
	clean
	next_port
	CSUM=ip
	REWRITE="munge ip dst set $S4"
	route 0 ip src_ip "$C4" dst_ip "$RC4" ip_proto udp dst_port 5000
	client n udp 5000 "$RC4"
	must n timeout 300
	ports
	local hw=$HW
	! ask n ping 1 || fail "answered in spite of its checksum"
	ports
	equal $((HW - hw)) 1 "packets by hardware"
}

tcp_end() {
	clean
	client t tcp
	route_pair ip tcp "$PORT" tcp_flags 0/0x5
	must t ping 1
	ports
	local host=$HOST
	must t ping 5
	ports
	equal "$HOST" "$host" "data packets at the host"
	must t fin
	ports
	[ "$HOST" -gt "$host" ] || fail "the host saw no FIN"
}

fragments() {
	clean
	client u udp
	route 0 ip src_ip "$C4" dst_ip "$S4" ip_proto udp ip_flags nofrag
	route 1 ip src_ip "$S4" dst_ip "$C4" ip_proto udp ip_flags nofrag
	by_hw 10 u ping 5
	by_host u ping 2 3000
	set_chip features/frag 0
	refused_rule "95 nfo_hwsim: Matching on fragments is switched off" 1 \
		protocol ip flower skip_sw dst_ip "$C4" ip_flags nofrag \
		action mirred egress redirect dev hwp0
}

# Tagged and untagged frames are different ones; the tag stays when nobody pops it.
vlan_match() {
	clean
	in_c ip -batch - <<-END
		link add link c0 name c0.10 type vlan id 10
		link set c0.10 up
		addr add 203.0.113.1/24 dev c0.10
		neigh add 203.0.113.2 lladdr $RC_MAC dev c0.10
	END
	in_s ip -batch - <<-END
		link add link s0 name s0.10 type vlan id 10
		link set s0.10 up
		addr add 203.0.113.2/24 dev s0.10
		neigh add 203.0.113.1 lladdr $RS_MAC dev s0.10
	END
	vlan_rule 0 203.0.113.2 "$S_MAC"
	vlan_rule 1 203.0.113.1 "$C_MAC"
	next_port
	peer_start v "$NS_C" client udp 203.0.113.1 "$PORT" 203.0.113.2 5000 || fail "$ANSWER"
	by_hw 20 v ping 10
	# the same addresses without a tag
	rule 0 3 protocol ip flower skip_sw dst_ip "$S4" ip_proto udp dst_port 9 \
		action mirred egress redirect dev hwp1
	client u udp
	by_host u ping 2
	in_c ip link del c0.10
	in_s ip link del s0.10
}

vlan_rule() {
	rule "$1" 2 protocol 802.1q flower skip_sw vlan_id 10 vlan_ethtype ip dst_ip "$2" \
		ip_proto udp action pedit ex munge eth dst set "$3" pipe \
		action mirred egress redirect dev "hwp$((1 - $1))"
}

# Untagged at the client, tagged at the server.
vlan_push_pop() {
	modprobe -q act_vlan || skip "this kernel has no act_vlan"
	clean
	in_s ip -batch - <<-END
		link add link s0 name s0.10 type vlan id 10
		link set s0.10 up
		addr add 203.0.113.2/24 dev s0.10
		neigh add 203.0.113.1 lladdr $RS_MAC dev s0.10
	END
	in_c ip -batch - <<-END
		addr add 203.0.113.1/24 dev c0
		neigh add 203.0.113.2 lladdr $RC_MAC dev c0
	END
	rule 0 1 protocol ip flower skip_sw dst_ip 203.0.113.2 ip_proto udp \
		action pedit ex munge eth dst set "$S_MAC" pipe \
		action vlan push id 10 pipe action mirred egress redirect dev hwp1
	rule 1 1 protocol 802.1q flower skip_sw vlan_id 10 vlan_ethtype ip dst_ip 203.0.113.1 \
		ip_proto udp action pedit ex munge eth dst set "$C_MAC" pipe \
		action vlan pop pipe action mirred egress redirect dev hwp0
	next_port
	peer_start v "$NS_C" client udp 203.0.113.1 "$PORT" 203.0.113.2 5000 || fail "$ANSWER"
	by_hw 20 v ping 10
	in_s ip link del s0.10
	in_c ip addr del 203.0.113.1/24 dev c0
}

# A packet that is too big or too old is the host's to judge.
exceptions() {
	clean
	client u udp
	route_pair ip udp "$PORT"
	by_hw 10 u ping 5
	in_r ip link set hwp1 mtu 1400
	ports
	local host=$HOST
	! ask u ping 1 1430 || fail "1430 bytes through an MTU of 1400"
	# it was the host that said so
	[[ $ANSWER == *EMSGSIZE* ]] || fail "$ANSWER"
	ports
	equal $((HOST - host)) 1 "packets at the host"
	in_r ip link set hwp1 mtu 1500
	must u set ttl 1
	must u timeout 300
	ports
	local hw=$HW
	host=$HOST
	! ask u ping 1 || fail "TTL 1 was forwarded"
	ports
	equal "$HW" "$hw" "packets by hardware"
	[ "$HOST" -gt "$host" ] || fail "the host saw no packet with TTL 1"
}

# --- it refuses ----------------------------------------------------------

# refused_rule "ERRNO TEXT" PORT ARGS... - the filter is refused with these words.
refused_rule() {
	local want=$1 port=$2 said got

	shift 2
	! said=$(rule "$port" 9 "$@" 2>&1) || fail "accepted: $*"
	got=$(cat $CHIP/last_refusal)
	[ "$got" = "$want" ] || fail "$*: the chip says '$got', expected '$want'; tc: $said"
	[ "${want#* }" = "" ] || [[ $said == *"${want#* }"* ]] || fail "$*: tc says '$said'"
}

refusals() {
	local to="action mirred egress redirect dev hwp1" no="95 nfo_hwsim:"
	local udp="protocol ip flower skip_sw ip_proto udp"

	clean
	[ -e "/sys/class/net/x0" ] || in_r ip link add x0 type dummy
	# shellcheck disable=SC2086 # words
	{
		refused_rule "$no Unknown match key" 0 protocol ip flower skip_sw ip_proto icmp type 8 $to
		refused_rule "$no Unknown match key" 0 protocol arp flower skip_sw arp_tip 192.0.2.1 $to
		refused_rule "$no Only TCP and UDP can be matched" 0 \
			protocol ip flower skip_sw ip_proto sctp $to
		refused_rule "$no Unknown action" 0 $udp action drop
		refused_rule "$no Unknown action" 0 $udp action mirred egress mirror dev hwp1
		refused_rule "$no No redirect to a port" 0 $udp \
			action pedit ex munge eth dst set "$S_MAC"
		refused_rule "$no Egress device is not a port of this chip" 0 $udp \
			action mirred egress redirect dev x0
		refused_rule "$no Egress port is the ingress port" 0 $udp \
			action mirred egress redirect dev hwp0
		refused_rule "$no Only a TTL or hop limit can be added to, and only -1" 0 $udp \
			action pedit ex munge ip ttl add 3 pipe $to
		refused_rule "$no This byte of the header can't be rewritten" 0 $udp \
			action pedit ex munge ip protocol set 6 pipe $to
		refused_rule "$no A transport header is rewritten and not matched" 0 $udp \
			action pedit ex munge tcp dport set 6 pipe $to
		refused_rule "$no Only checksums of IPv4, TCP and UDP can be corrected" 0 $udp \
			action csum icmp pipe $to
	}
	used 0 || fail "something refused is in the table"
}

features() {
	local to="action mirred egress redirect dev hwp1" no="95 nfo_hwsim:" f
	local udp="protocol ip flower skip_sw ip_proto udp"

	clean
	for f in "$CHIP"/features/*; do echo 0 >"$f"; done
	# shellcheck disable=SC2086 # words
	{
		refused_rule "$no IPv6 is switched off" 0 protocol ipv6 flower skip_sw $to
		refused_rule "$no UDP is switched off" 0 $udp $to
		refused_rule "$no TCP is switched off" 0 protocol ip flower skip_sw ip_proto tcp $to
		refused_rule "$no VLAN is switched off" 0 protocol 802.1q flower skip_sw vlan_id 2 $to
		set_chip features/vlan 1
		refused_rule "$no QinQ is switched off" 0 protocol 802.1ad flower skip_sw vlan_id 2 \
			vlan_ethtype 802.1q cvlan_id 3 $to
		set_chip features/udp 1
		refused_rule "$no NAT is switched off" 0 $udp \
			action pedit ex munge ip src set 192.0.2.1 pipe $to
		refused_rule "$no NAT is switched off" 0 $udp \
			action pedit ex munge udp sport set 9 pipe $to
		refused_rule "$no Rewriting TTL or hop limit is switched off" 0 $udp \
			action pedit ex munge ip ttl dec pipe $to
		rule 0 1 $udp $to
	}
	used 1 || fail "not one rule"
}

tc_off() {
	clean
	in_r ethtool -K hwp0 hw-tc-offload off
	! route 0 ip dst_ip "$S4" 2>/dev/null || fail "accepted with hw-tc-offload off"
	in_r ethtool -K hwp0 hw-tc-offload on
	route 0 ip dst_ip "$S4"
	used 1 || fail "not one rule"
}

table_full() {
	local i to="action mirred egress redirect dev hwp1"

	clean
	set_chip table_size 4
	# shellcheck disable=SC2086 # words
	for i in 1 2 3 4; do
		rule 0 $i protocol ip flower skip_sw ip_proto udp dst_port $i $to
	done
	# shellcheck disable=SC2086 # words
	refused_rule "28 nfo_hwsim: The table is full" 0 protocol ip flower skip_sw ip_proto udp $to
	tc -n "$NS_R" filter del dev hwp0 ingress prio 2
	used 3 || fail "a rule is still there"
	# shellcheck disable=SC2086 # words
	rule 0 5 protocol ip flower skip_sw ip_proto udp $to
	used 4 || fail "not four rules"
}

delay() {
	local start

	clean
	client u udp
	route_pair ip udp "$PORT"
	set_chip rule_delay_us 400000
	now
	start=$NOW
	rule 0 7 protocol ip flower skip_sw ip_proto tcp action mirred egress redirect dev hwp1 &
	by_hw 10 u ping 5
	wait $!
	now
	[ $((NOW - start)) -ge 400000 ] || fail "a rule took $((NOW - start)) us"
	set_chip rule_delay_us 0
}

injection() {
	local i failed=0 to="action mirred egress redirect dev hwp1"

	clean
	set_chip fail "12 100 no memory in the chip"
	# shellcheck disable=SC2086 # words
	refused_rule "12 no memory in the chip" 0 protocol ip flower skip_sw $to
	set_chip fail "16 50"
	for i in {1..16}; do
		# shellcheck disable=SC2086 # words
		rule 0 $((i + 10)) protocol ip flower skip_sw ip_proto udp dst_port $i $to 2>/dev/null ||
			failed=$((failed + 1))
	done
	[ $failed -gt 0 ] && [ $failed -lt 16 ] || fail "$failed of 16 failed at 50 %"
	used $((16 - failed)) || fail "$failed of 16 failed and $(cat $CHIP/used) are used"
	set_chip fail 0
	# shellcheck disable=SC2086 # words
	rule 0 1 protocol ip flower skip_sw $to
}

# --- it is bound and let go ----------------------------------------------

modes() {
	clean
	! set_chip bind ft 2>/dev/null || fail "another driver while a block is bound"
	clean none
	blocks_up
	! route 0 ip dst_ip "$S4" 2>/dev/null || fail "a rule without a driver"
	clean
}

indirect() {
	clean none
	set_chip bind indirect
	blocks_up
	# tc never takes an indirect block for a sure thing
	SKIP_SW=
	client u udp
	route_pair ip udp "$PORT"
	by_hw 20 u ping 10
	clean
}

unbound() {
	clean
	client u udp
	route_pair ip udp "$PORT"
	by_hw 10 u ping 5
	tell u run 1500
	tc -n "$NS_R" qdisc del dev hwp0 clsact
	tc -n "$NS_R" qdisc del dev hwp1 clsact
	peer_answer u || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER; $(cat $CHIP/ports)"
	used 0 || fail "rules are left"
	by_host u ping 5
}

# The port disappears with everything on it and comes back empty.
port_goes() {
	clean
	client u udp
	route_pair ip udp "$PORT"
	by_hw 10 u ping 5
	must u timeout 300
	tell u run 1500
	set_chip ports "del 1"
	peer_answer u || true
	! ask u ping 1 || fail "answered without a port"
	tc -n "$NS_R" qdisc del dev hwp0 clsact
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
	set_chip ports "add 1"
	port_up 1
	must u timeout 3000
	must u drain
	by_host u ping 5
}

# rmmod with blocks bound, rules in the table and packets in it.
rmmod_busy() {
	clean "$1"
	[ "$1" != indirect ] || SKIP_SW=
	client u udp
	route_pair ip udp "$PORT"
	by_hw 10 u ping 5
	must u timeout 200
	tell u run 1500
	wait_for 5 hw_beyond 100 || fail "no traffic"
	rmmod nfo_hwsim
	peer_answer u || true
	[ ! -e "$CHIP" ] || fail "debugfs is left"
	[ ! -e "/sys/module/nfo_hwsim" ] || fail "the module is left"
	peer_stop u
	chip_up "$1"
}
hw_beyond() { ports; [ "$HW" -ge "$1" ]; }

# --- a flowtable that binds to it ----------------------------------------

ft_only() {
	[ "${NFO_PROVIDER:-}" = mainline ] || skip "mainline's flowtable; ours has tests of its own"
	[ "${NFO_KERNEL:-}" != 6.1 ] || skip "mainline 6.1 puts one direction of two into hardware"
}

ft_table() {
	rules_load <<-END
		table inet t {
			counter seen { }
			flowtable f {
				hook ingress priority 0; devices = { hwp0, hwp1 }; counter; flags offload;
			}
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				meta l4proto { tcp, udp } flow add @f
			}
			$*
		}
	END
}

ft_in_table() {
	must "$1" ping 1
	used 2
}

# ft_proof PROTO [ADDR] - a connection goes into hardware, data flows there, statistics
# reach conntrack, FIN or the end of the connection takes it out.
ft_proof() {
	local proto=$1 dst=${2:-$S4} src=$C4

	case $proto in
	*6) dst=${2:-$S6} src=$C6 ;;
	esac
	next_port
	peer_start f "$NS_C" client "${proto%6}" "$src" "$PORT" "$dst" 5000 || fail "client: $ANSWER"
	wait_for 10 ft_in_table f ||
		fail "not in hardware: $(cat $CHIP/last_refusal $CHIP/calls; cat $CHIP/rules)"
	ports
	local host=$HOST hw=$HW
	must f ping 50
	ports
	equal "$HOST" "$host" "packets at the host"
	[ $((HW - hw)) -ge 100 ] || fail "$((HW - hw)) packets by hardware"
	cat $CHIP/rules
}

ft_done() {
	ct_flush
	wait_for 10 used 0 || fail "rules are left: $(cat $CHIP/rules)"
}

ft() {
	ft_only
	clean none
	set_chip bind ft
	ft_table "${2:-}"
	ft_proof "$1"
	ft_done
}

# ft_behind PROTO COMMAND... - the server is behind what COMMAND makes, the client is not.
ft_behind() {
	local proto=$1

	ft_only
	clean none
	set_chip bind ft
	"${@:2}"
	ft_table
	address_of "$proto"
	ft_proof "$proto" "$TO"
	RULES=$(<$CHIP/rules)
}

# ft_vlan PROTO TAG... - behind these tags.
ft_vlan() {
	local id proto=$1

	shift
	ft_behind "$proto" behind_vlans "${@/#/802.1q:}"
	for id; do
		[[ $RULES == *" push=$id:8100"* ]] || fail "tag $id is not pushed: $RULES"
	done
	[[ $RULES == *" pop*$# "* ]] || fail "not $# tags are popped: $RULES"
	ft_done
}

# ft_pppoe PROTO - behind a PPPoE session.
ft_pppoe() {
	ft_behind "$1" behind_pppoe
	[[ $RULES == *" pppoe=77 "* ]] || fail "no PPPoE header: $RULES"
	ft_done
}

# A table of two, a driver that fails: the flows stay in software and work.
ft_refused() {
	local i

	ft_only
	clean none
	set_chip bind ft
	set_chip table_size 2
	ft_table
	ft_proof udp
	for i in a b; do
		client $i tcp
		must $i ping 5
		wait_for 10 ft_asked || fail "the driver was not asked"
		by_host $i ping 20
	done
	[[ $(cat $CHIP/last_refusal) == "28 "* ]] || fail "$(cat $CHIP/last_refusal)"
	used 2 || fail "not two rules"
	ft_done
}
# shellcheck disable=SC2329 # through wait_for
ft_asked() { [[ $(cat $CHIP/last_refusal) == "28 "* ]]; }

topo_chip
run_case "without rules the host forwards" no_rules
run_case "UDP over IPv4 from wire to wire, TTL, statistics" routed_udp
run_case "TCP over IPv6 from wire to wire, hop limit" routed_tcp6
run_case "NAT44 of UDP, addresses and ports" nat ip udp udp
run_case "NAT44 of TCP" nat ip tcp tcp
run_case "NAT66 of UDP" nat ipv6 udp udp
run_case "NAT66 of TCP" nat ipv6 tcp tcp
run_case "a checksum nobody asked for stays wrong" no_csum
run_case "FIN reaches the host" tcp_end
run_case "fragments reach the host" fragments
run_case "VLAN: matched, kept" vlan_match
run_case "VLAN: pushed, popped" vlan_push_pop
run_case "MTU and TTL exceptions reach the host" exceptions
run_case "refusals, each with a sentence" refusals
run_case "features switched off" features
run_case "hw-tc-offload off" tc_off
run_case "a full table" table_full
run_case "a slow driver" delay
run_case "a failing driver" injection
run_case "one driver at a time" modes
run_case "indirect block" indirect
run_case "flowtable: UDP over IPv4" ft udp
run_case "flowtable: TCP over IPv6" ft tcp6
run_case "flowtable: masquerade" ft tcp "chain post { type nat hook postrouting priority 100; oifname hwp1 masquerade; }"
run_case "flowtable: VLAN" ft_vlan udp 10
run_case "flowtable: VLAN, TCP over IPv6" ft_vlan tcp6 10
run_case "flowtable: two VLAN tags" ft_vlan tcp 10 20
run_case "flowtable: PPPoE" ft_pppoe udp
run_case "flowtable: PPPoE, TCP over IPv6" ft_pppoe tcp6
run_case "flowtable: a full table" ft_refused
run_case "unbound under traffic" unbound
run_case "a port goes under traffic and comes back" port_goes
run_case "rmmod under traffic" rmmod_busy block
run_case "rmmod under traffic, indirect block" rmmod_busy indirect
rmmod nfo_hwsim
all_done
