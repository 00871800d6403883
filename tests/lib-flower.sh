# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests of the simulated chip itself share, driven by rules of tc flower; sourced
# after lib-hwsim.sh.

blocks_up() {
	tc -n "$NS_R" -batch - <<-END
		qdisc add dev hwp0 clsact
		qdisc add dev hwp1 clsact
	END
}

# clean [HOW] - an empty chip that has all it can have, bound this way.
clean() {
	tc -n "$NS_R" qdisc del dev hwp0 clsact 2>/dev/null || true
	tc -n "$NS_R" qdisc del dev hwp1 clsact 2>/dev/null || true
	rules_flush
	# mainline unbinds before it deletes: its rules stay behind
	[[ $(cat "$CHIP"/rules) != *" ft "* ]] || set_chip reset 1
	wait_for 5 used 0 || fail "rules without a block: $(cat "$CHIP"/rules)"
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

# refused_rule "ERRNO TEXT" PORT ARGS... - the filter is refused with these words.
refused_rule() {
	local want=$1 port=$2 said got

	shift 2
	! said=$(rule "$port" 9 "$@" 2>&1) || fail "accepted: $*"
	got=$(cat "$CHIP"/last_refusal)
	[ "$got" = "$want" ] || fail "$*: the chip says '$got', expected '$want'; tc: $said"
	[ "${want#* }" = "" ] || [[ $said == *"${want#* }"* ]] || fail "$*: tc says '$said'"
}
