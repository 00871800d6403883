#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core stock
# The tracepoints tell what happened to which connection, and why: promotion, refusal,
# the end of a flow, what a driver was asked for and what it answered.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
if [ "${NFO_PROVIDER:-}" = mainline ]; then
	skipped "tracepoints" "mainline's flowtable has none"
	all_done
	exit 0
fi
TRACE=/sys/kernel/tracing EVENTS=/sys/kernel/tracing/events/nf_flow_offload
if [ ! -d $EVENTS ]; then
	skipped "tracepoints" "this kernel has no event tracing"
	all_done
	exit 0
fi

trace_on() {
	echo 1 >$EVENTS/enable
	: >$TRACE/trace
	at_end "echo 0 >$EVENTS/enable"
}
# traced PATTERN - a record's text matches; of all of them in RECORDS.
traced() {
	RECORDS=$(sed -n 's/.*: \(nfo_[a-z_]*: .*\)/\1/p' $TRACE/trace)
	# shellcheck disable=SC2053 # a pattern
	[[ $RECORDS == *$1* ]]
}
expect() { wait_for 5 traced "$1" || fail "no '$1' in: $RECORDS"; }
# ends_with REASON PORT
ends_with() { expect "nfo_retire: proto=* sport=$2 * reason=$1"; }
echoes() { peer_start se "$NS_S" server "$1" :: 5000 || fail "$ANSWER"; }

promoted() {
	local src=::ffff:$C4 dst=::ffff:$S4

	[[ $1 != *6 ]] || src=$C6 dst=$S6
	trace_on
	rules_std
	echoes "${1%6}"
	flow_up c "$1"
	expect "nfo_promote: proto=17 src=$src sport=$PORT dst=$dst dport=5000 reason=none"
	traced "nfo_refuse: proto=17 src=$src sport=$PORT dst=$dst dport=5000 reason=unconfirmed" ||
		fail "the first packet was not refused: $RECORDS"
	traced "nfo_retire:" && fail "ended already: $RECORDS"
	rules_flush
	ends_with table-gone "$PORT"
}

refused() {
	trace_on
	rules_load <<-END
		table inet t {
			flowtable f { hook ingress priority 0; devices = { rc }; }
			chain forward {
				type filter hook forward priority 0; policy accept;
				meta l4proto { tcp, udp } flow add @f
			}
		}
	END
	echoes udp
	client c udp
	must c ping 5
	expect "nfo_refuse: proto=17 src=::ffff:$C4 sport=$PORT dst=::ffff:$S4 dport=5000 reason=dev-not-in-table"
	traced "nfo_promote:" && fail "promoted: $RECORDS"
	# without a connection there is a record, too
	in_c ping -c 1 -W 3 $S4 >/dev/null || fail "ping"
	traced "reason=protocol" && fail "a rule saw what it does not match: $RECORDS"
	in_r nft add rule inet t forward flow add @f
	in_c ping -c 1 -W 3 $S4 >/dev/null || fail "ping"
	expect "nfo_refuse: proto=1 src=::ffff:$C4 * reason=icmp-echo"
}

ended() {
	trace_on
	rules_std
	echoes "${2:-udp}"
	flow_up c "${2:-udp}"
	case $1 in
	user) in_r "$NFO_TOOLS/nft-offload" flush -P "$PORT" >/dev/null ;;
	tcp-close) must c fin ;;
	conntrack-gone) ct_delete udp "$PORT"; ask c ping 1 || true ;;
	esac
	ends_with "$1" "$PORT"
}

# The kernel holds RTNL, for which the whole machine waits, while it takes a device down. The flows of
# the device are not looked for meanwhile.
device_lost() {
	local by

	trace_on
	rules_std
	echoes udp
	flow_up c udp
	ip -n "$NS_R" link set rs down
	ends_with dev-gone "$PORT"
	by=$(grep ': nfo_retire: ' $TRACE/trace)
	ip -n "$NS_R" link set rs up
	[[ $by =~ ^\ *kworker/ ]] || fail "whoever took the device down ended the flow: $by"
}

topo_up
run_case "udp: promotion, the refusal before it, the flowtable's end" promoted udp
run_case "udp6: promotion, the refusal before it, the flowtable's end" promoted udp6
run_case "a refusal with its reason" refused
run_case "the end of a flow: somebody asked" ended user
run_case "the end of a flow: conntrack's entry was deleted" ended conntrack-gone
run_case "the end of a flow: a FIN" ended tcp-close tcp
run_case "the end of a flow: a device went down, a worker ends it" device_lost
topo_down

# --- hardware ------------------------------------------------------------

# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"

hw_rules() {
	rules_load <<-END
		table inet t {
			counter seen { }
			flowtable f {
				hook ingress priority 0; devices = { hwp0, hwp1 }; flags offload;
			}
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				meta l4proto { tcp, udp } flow add @f
			}
		}
	END
}
asks() { must c ping 4; traced "$1"; }

# request OP DEV DIR PORT - the driver was asked; result OP DEV DIR PORT ERRNO TEXT.
request() {
	local ports="src=::ffff:$C4 sport=$4 dst=::ffff:$S4 dport=5000"

	[ "$3" = original ] || ports="src=::ffff:$S4 sport=5000 dst=::ffff:$C4 dport=$4"
	expect "nfo_hw_request: $1 flowtable=f dev=$2 dir=$3 proto=17 $ports"
}
result() {
	local ports="sport=$4 dport=5000"

	[ "$3" = original ] || ports="sport=5000 dport=$4"
	expect "nfo_hw_result: $1 dev=$2 dir=$3 proto=17 $ports errno=$5 message=$6"
}
# as many answers as questions
paired() {
	local asked answered

	asked=$(grep -c '^nfo_hw_request: ' <<<"$RECORDS") || true
	answered=$(grep -c '^nfo_hw_result: ' <<<"$RECORDS") || true
	equal "$answered" "$asked" "results of requests"
}

in_and_out() {
	chip_whole
	trace_on
	hw_rules
	client c udp
	wait_for 15 asks "nfo_hw_result: add dev=hwp1 dir=reply" || fail "not in hardware: $RECORDS"
	request add hwp0 original "$PORT"
	result add hwp0 original "$PORT" 0 ""
	request add hwp1 reply "$PORT"
	result add hwp1 reply "$PORT" 0 ""
	by_hw 10 c ping 5
	in_r "$NFO_TOOLS/nft-offload" status -j >"$LIB_TMP/status"
	equal "$(jq -c .states "$LIB_TMP/status")" '{"hardware":1}' "flows by state"
	rules_flush
	ends_with table-gone "$PORT"
	request delete hwp0 original "$PORT"
	result delete hwp0 original "$PORT" 0 ""
	request delete hwp1 reply "$PORT"
	result delete hwp1 reply "$PORT" 0 ""
	paired
}

full() {
	chip_whole
	set_chip table_size 1
	trace_on
	hw_rules
	client c udp
	wait_for 15 asks "nfo_hw_result: add dev=hwp1 dir=reply" || fail "not asked: $RECORDS"
	result add hwp0 original "$PORT" 0 ""
	result add hwp1 reply "$PORT" 28 "*full"
	# the direction that fitted is taken back
	result delete hwp0 original "$PORT" 0 ""
	paired
}

unable() {
	chip_whole
	set_chip features/ipv6 0
	trace_on
	hw_rules
	client c udp6
	wait_for 15 asks "nfo_hw_result: add dev=hwp0" || fail "not asked: $RECORDS"
	result add hwp0 original "$PORT" 95 "nfo_hwsim: * switched off"
	traced "dev=hwp1" && fail "the other direction was tried: $RECORDS"
	paired
}

topo_chip
set_chip bind ft
run_case "hardware: two rules come and go, each request has its result" in_and_out
run_case "hardware: a full table, with the driver's errno and words" full
run_case "hardware: what the chip cannot do, with the driver's errno and words" unable
rmmod nfo_hwsim
all_done
