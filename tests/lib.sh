# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests that move real traffic share; sourced, never run.
#
# Topology:   client c0 ---- rc [router] rs ---- s0 server
# in three network namespaces of their own ($NS_C, $NS_R, $NS_S), IPv4 and IPv6.
#
# A test file is a row of cases, `run_case NAME FUNCTION`. A case runs in its own
# shell under `set -e`: the first failing command fails the case, `fail TEXT`
# says why, `skip TEXT` leaves it out by name. Its peers, rules and connections
# are gone when it ends. Results are lines "ok - ", "not ok - ", "skip - "; the
# script ends with 0, with 1 (something failed) or with 4 (everything skipped).
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"

need nft ip conntrack tc ethtool mktemp

LIB_OK=0 LIB_NOT_OK=0 LIB_SKIP=0 LIB_CASES=0 LIB_DONE=0 LIB_READY=0
LIB_SUFFIX=$(printf '%x-%04x' $$ "$RANDOM")
LIB_PORT=10000
LIB_TMP=$(mktemp -d "${TMPDIR:-/tmp}/nfo-test.XXXXXX")
LIB_MAIN=$BASHPID
: >"$LIB_TMP/namespaces"

# --- time ----------------------------------------------------------------

# A pipe in which nothing ever arrives: reading it with a time-out is a wait
# that costs no process.
mkfifo "$LIB_TMP/never"
exec {LIB_NEVER}<>"$LIB_TMP/never"

nap() { read -r -t "$1" -u "$LIB_NEVER" _ || true; }

# shellcheck source=vm/slowness.sh
. "${BASH_SOURCE[0]%/*}/vm/slowness.sh"

# The clock, in NOW: microseconds, without a fork.
now() { NOW=${EPOCHREALTIME/[.,]/}; }

# Deadlines are for quiet machines. NFO_SLOW says how much slower this one was when it
# started (tests/vm/guest-init).
LIB_SLOW=${NFO_SLOW:-1}

# wait_for SECONDS COMMAND... - poll COMMAND until it succeeds or time is up. On a machine
# that has become slower since its start, time is up only after eight polls for each second: a
# wait that succeeds costs nothing more, and what is waited for may need several turns of
# processes that all have become slower.
wait_for() {
	local end polls=$(($1 * 8))

	now
	end=$((NOW + $1 * 1000000 * LIB_SLOW))
	shift
	while ! "$@"; do
		now
		polls=$((polls - 1))
		[ "$NOW" -lt "$end" ] || [ $polls -gt 0 ] || return 1
		nap 0.05
	done
}

# slow_now - how much slower than a quiet machine this one is at the moment, in SLOW_NOW; as
# LIB_SLOW, which it is at least.
slow_now() {
	slowness
	SLOW_NOW=$SLOWNESS
	[ "$SLOW_NOW" -ge "$LIB_SLOW" ] || SLOW_NOW=$LIB_SLOW
}

# pass_time SECONDS - for tests whose subject is the time that goes by.
pass_time() {
	local end

	now
	end=$((NOW + $1 * 1000000))
	while now && [ "$NOW" -lt "$end" ]; do
		nap 0.1
	done
}

# --- results -------------------------------------------------------------

ok() { LIB_OK=$((LIB_OK + 1)); printf 'ok - %s\n' "$*"; }
not_ok() { LIB_NOT_OK=$((LIB_NOT_OK + 1)); printf 'not ok - %s\n' "$*"; }

# skipped NAME REASON
skipped() { LIB_SKIP=$((LIB_SKIP + 1)); printf 'skip - %s # %s\n' "$1" "$2"; }

# fail TEXT, skip TEXT - end the case that is running.
fail() { printf 'failed: %s\n' "$*"; exit 1; }
skip() { printf '%s\n' "$*" >"$LIB_TMP/skip"; exit 4; }

# ours_only REASON - mainline is known to behave differently here.
ours_only() { [ "${NFO_PROVIDER:-}" != mainline ] || skip "mainline: $*"; }

# run_case NAME FUNCTION [ARG...]
run_case() {
	local name=$1 rc log=$LIB_TMP/log start

	shift
	LIB_CASES=$((LIB_CASES + 1))
	LIB_PORT=$((10000 + LIB_CASES * 200))
	now
	start=$NOW
	rm -f "$LIB_TMP/skip"
	# not in a condition: that would take the errexit out of the case
	set +e
	(
		set -eE
		trap 'echo "at ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND"' ERR
		trap 'case_end $?' EXIT
		"$@"
	) >"$log" 2>&1
	rc=$?
	set -e
	case $rc in
	0) ok "$name" ;;
	4) if [ -e "$LIB_TMP/skip" ]; then
		skipped "$name" "$(cat "$LIB_TMP/skip")"
	   else
		not_ok "$name"
		sed 's/^/# /' "$log"
	   fi ;;
	*) not_ok "$name"
	   sed 's/^/# /' "$log" ;;
	esac
	[ -z "${NFO_VERBOSE:-}" ] || {
		[ $rc != 0 ] || sed 's/^/# /' "$log"
		now
		echo "# $(((NOW - start) / 1000)) ms"
	}
}

# at_end COMMAND - a line that is run when the case ends, however it ends; the last one first. The
# status of the case is its own, whatever the line returns.
LIB_AT_END=''
at_end() { LIB_AT_END=$1$'\n'$LIB_AT_END; }

# What a case leaves behind goes with it, so that the next one starts clean.
case_end() {
	local rc=$1 ns

	trap - ERR
	set +e
	if [ "$rc" != 0 ] && [ "$rc" != 4 ]; then
		state_dump
	fi
	(eval "$LIB_AT_END")
	peers_stop
	if [ -n "${NS_R:-}" ]; then
		rules_flush
		server_reset
		ct_flush
	fi
	while read -r ns; do
		[ "${ns#*:}" = main ] || ns_del "${ns%%:*}"
	done <"$LIB_TMP/namespaces"
	exit "$rc"
}

state_dump() {
	[ -n "${NS_R:-}" ] || return 0
	echo "--- ruleset"
	in_r nft list ruleset
	echo "--- conntrack, 40 lines of each family at most"
	in_r conntrack -L | head -n 40
	in_r conntrack -L -f ipv6 | head -n 40
	echo "--- neighbours"
	ip -n "$NS_R" neigh
	tcp_dump
	offload_dump
}

# What TCP of the hosts sent twice, took for lost or got twice: such segments are packets too.
tcp_dump() {
	local ns

	for ns in "${NS_C:-}" "${NS_S:-}"; do
		[ -n "$ns" ] || continue
		echo "--- TCP of $ns"
		ip netns exec "$ns" nstat -as |
			awk '/Tcp.*(Retrans|Loss|DSACK|Sack|Timeouts|Reset|Abort|Coll)/ { print $1, $2 }'
	done
}

# What the module says of itself. It gives each thing that went another way than the fast
# one a reason, and counts it.
offload_dump() {
	[ "${NFO_PROVIDER:-}" != mainline ] || return 0
	echo "--- counters of nf_flow_offload that are not 0"
	in_r awk '$2 != 0' /proc/net/nf_flow_offload
	[ -x "$NFO_TOOLS/nft-offload" ] || return 0
	echo "--- nft-offload status"
	in_r timeout 10 "$NFO_TOOLS/nft-offload" status
	echo "--- nft-offload list, 40 lines at most"
	in_r timeout 10 "$NFO_TOOLS/nft-offload" list | head -n 40
}

lib_exit() {
	local rc=$1 ns

	trap - EXIT ERR
	set +e
	[ "$LIB_READY" = 0 ] || peers_stop
	while read -r ns; do
		ns_del "${ns%%:*}"
	done <"$LIB_TMP/namespaces"
	rm -rf "$LIB_TMP"
	if [ "$rc" != 0 ] || [ "$LIB_DONE" = 0 ]; then
		not_ok "${0##*/} ended early (status $rc)"
	fi
	printf '# %s: %d ok, %d not ok, %d skipped\n' "${0##*/}" "$LIB_OK" "$LIB_NOT_OK" "$LIB_SKIP"
	[ "$LIB_NOT_OK" = 0 ] || exit 1
	[ "$LIB_OK" != 0 ] || exit 4
	exit 0
}

lib_trap() { [ "$BASHPID" != "$LIB_MAIN" ] || lib_exit "$1"; }
trap 'lib_trap $?' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# The last line of every test file: without it the file did not run to its end.
all_done() { LIB_DONE=1; }

# --- namespaces ----------------------------------------------------------

# ns_add ROLE... - new namespaces, the name of the last in NS.
ns_add() {
	local owner=main role suffix=$LIB_SUFFIX
	local -a commands=()

	[ "$BASHPID" = "$LIB_MAIN" ] || { owner=case; suffix+=-$LIB_CASES; }
	for role in "$@"; do
		NS=nfo-$role-$suffix
		echo "$NS:$owner" >>"$LIB_TMP/namespaces"
		commands+=("netns add $NS")
	done
	printf '%s\n' "${commands[@]}" | ip -batch -
}

ns_del() { [ ! -e "/run/netns/$1" ] || ip netns del "$1"; }

# in_ns NAME COMMAND... - as `ip netns exec`, without its remount of /sys.
in_ns() {
	local ns=$1

	shift
	"$NFO_TOOLS/nfo_peer" -n "$ns" exec "$@"
}
in_c() { in_ns "$NS_C" "$@"; }
in_r() { in_ns "$NS_R" "$@"; }
in_s() { in_ns "$NS_S" "$@"; }

# sysctl_in NAMESPACE NAME [VALUE] - NAME with slashes, below /proc/sys; what it
# was is in ANSWER where no VALUE is given.
sysctl_in() { agent sysctl "$@"; }
sysctl_r() { agent sysctl "$NS_R" "$@"; }

# --- topology ------------------------------------------------------------

C4=192.0.2.2 C6=2001:db8:1::2
RC4=192.0.2.1 RC6=2001:db8:1::1
RS4=198.51.100.1 RS6=2001:db8:2::1
S4=198.51.100.2 S6=2001:db8:2::2

no_dad() {
	local d

	for d in all default; do
		sysctl_in "$1" net/ipv6/conf/$d/accept_dad 0
		sysctl_in "$1" net/ipv6/conf/$d/dad_transmits 0
		sysctl_in "$1" net/ipv6/conf/$d/router_solicitations 0
	done
}

forwarding_on() {
	sysctl_in "$1" net/ipv4/ip_forward 1
	sysctl_in "$1" net/ipv6/conf/all/forwarding 1
}

# shellcheck disable=SC2120 # the tag is for a second topology
# topo_up [TAG] - client, router, server; names in NS_C, NS_R, NS_S. The link to the server has as many
# queues as LINK_QUEUES says.
topo_up() {
	local tag=${1:-} queues=${LINK_QUEUES:-} ns

	queues=${queues:+numtxqueues $queues numrxqueues $queues}
	modprobe -q -a veth nf_tables nf_conntrack nf_conntrack_netlink || true
	agent_up
	ns_add "c$tag" "r$tag" "s$tag"
	NS_S=$NS
	NS_R=${NS/nfo-s/nfo-r}
	NS_C=${NS/nfo-s/nfo-c}
	for ns in "$NS_C" "$NS_R" "$NS_S"; do
		no_dad "$ns"
	done
	forwarding_on "$NS_R"
	ip -batch - <<-END
		link add c0 netns $NS_C type veth peer name rc netns $NS_R
		link add s0 netns $NS_S $queues type veth peer name rs netns $NS_R $queues
	END
	router_at rc rs
	ip -n "$NS_C" link set lo up
	host_up "$NS_C" c0 "$C4" "$C6" "$RC4" "$RC6"
	ip -n "$NS_S" link set lo up
	host_up "$NS_S" s0 "$S4" "$S6" "$RS4" "$RS6"
	links_ready "$NS_C" c0 "$NS_R" rc "$NS_R" rs "$NS_S" s0
}

# host_up NAMESPACE DEVICE ADDR4 ADDR6 GATEWAY4 GATEWAY6 - a host's end of a link, and its
# routes.
host_up() {
	ip -n "$1" -batch - <<-END
		addr add $3/24 dev $2
		addr add $4/64 dev $2 nodad
		link set $2 up
		route add default via $5
		route add ::/0 via $6
	END
}

# router_at DEVICE DEVICE - the router's ends of the links to the client and to the server.
router_at() {
	ip -n "$NS_R" -batch - <<-END
		link set lo up
		addr add $RC4/24 dev $1
		addr add $RC6/64 dev $1 nodad
		addr add $RS4/24 dev $2
		addr add $RS6/64 dev $2 nodad
		link set $1 up
		link set $2 up
	END
}

# links_ready NAMESPACE DEVICE... - wait until the kernel has told everybody that these are up.
# A carrier is there (LOWER_UP) up to a second before the kernel tells of it (linkwatch); then
# the state becomes UP, and flows that use the device look once more where they go.
links_ready() {
	while [ $# -gt 1 ]; do
		wait_for 10 link_ready "$1" "$2" || die "the link $2 of $1 does not come up"
		shift 2
	done
}

link_ready() { [[ $(ip -n "$1" link show "$2") == *LOWER_UP*" state UP "* ]]; }

topo_down() {
	local ns

	for ns in "${NS_C:-}" "${NS_R:-}" "${NS_S:-}"; do
		[ -z "$ns" ] || ns_del "$ns"
	done
}

mac_of() { ip -n "$1" -br link show "$2" | awk '{ print $3 }'; }

# --- rules ---------------------------------------------------------------

rules_load() { in_r nft -f -; }
rules_flush() { agent flush "$NS_R"; }

# rules_std [FLOWTABLE-LINES [FORWARD-LINES]] - a router that offloads all it can.
# Counter seen counts every packet the classic path forwards, counter invalid those
# that conntrack cannot place.
# shellcheck disable=SC2120 # both are for the few that need more
rules_std() {
	rules_load <<-END
		table inet t {
			counter seen { }
			counter invalid { }
			flowtable f {
				hook ingress priority 0; devices = { rc, rs }; ${1:-}
			}
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				ct state invalid counter name invalid
				${2:-}
				meta l4proto { tcp, udp } flow add @f
			}
		}
	END
}

# rules_listing DEVICES [STATEMENT [LINES]] - a router with these devices listed; the statement,
# which may be empty, stands for `flow add` of all TCP and UDP; the lines are the table's.
rules_listing() {
	local all='meta l4proto { tcp, udp } flow add @f'

	rules_load <<-END
		table inet t {
			counter seen { }
			flowtable f { hook ingress priority 0; devices = { $1 }; }
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				${2-$all}
			}
			${3:-}
		}
	END
}

# rules_offloading DEVICES [LINES] - the same for hardware, with a counter for each flow.
rules_offloading() {
	rules_load <<-END
		table inet t {
			counter seen { }
			flowtable f { hook ingress priority 0; devices = { $1 }; counter; flags offload; }
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				meta l4proto { tcp, udp } flow add @f
			}
			${2:-}
		}
	END
}

# strict_offload Y|N - does the module refuse `flags offload` for a device without a driver?
strict_offload() { echo "$1" >/sys/module/nf_flow_offload/parameters/strict_offload; }

# module_gone MODULE - it is not loaded, or can be removed now.
module_gone() { [ ! -d "/sys/module/$1" ] || rmmod "$1" 2>/dev/null; }

# rx_packets NAMESPACE DEVICE - packets that came in there by now, in RX.
# shellcheck disable=SC2034 # for the tests
rx_packets() {
	RX=$(ip -n "$1" -s -j link show "$2" | sed -nE 's/.*"rx":\{"bytes":[0-9]+,"packets":([0-9]+).*/\1/p')
}

# second_link NET4 NET6 - a second way from the router to the server, rs2 ---- s1: the router is .1
# and ::1 there, the server .2 and ::2.
second_link() {
	ip link add s1 netns "$NS_S" type veth peer name rs2 netns "$NS_R"
	ip -n "$NS_R" -batch - <<-END
		addr add $1.1/24 dev rs2
		addr add $2::1/64 dev rs2 nodad
		link set rs2 up
	END
	ip -n "$NS_S" -batch - <<-END
		addr add $1.2/24 dev s1
		addr add $2::2/64 dev s1 nodad
		link set s1 up
	END
	links_ready "$NS_S" s1 "$NS_R" rs2
}

# counter NAME [NAMESPACE [FAMILY TABLE]] - a named counter, in PACKETS and BYTES.
counter() {
	agent counter "${2:-$NS_R}" "${3:-inet}" "${4:-t}" "$1" || return
	# shellcheck disable=SC2034 # BYTES is for the tests
	read -r _ PACKETS BYTES <<<"$ANSWER"
}

# --- conntrack -----------------------------------------------------------

# ct_get PROTO SPORT - the router's entry of this connection, in CT: "none" or
# status= offload= hw= seen= assured= timeout= state= mark= acct=
ct_get() { agent_ct ct "$@"; }
ct_delete() { agent_ct ctdel "$@"; }
# ct_set_mark PROTO SPORT MARK - what `conntrack -U --mark` does.
ct_set_mark() { agent_ct ctmark "$@"; }
# ct_set_label PROTO SPORT BIT - what `conntrack -U --label-add` does, without the other labels.
ct_set_label() { agent_ct ctlabel "$@"; }
# ct_set_status PROTO SPORT BITS - what `conntrack -U --status` does.
ct_set_status() { agent_ct ctstatus "$@"; }

# ct_fix_timeout PORT - conntrack is told that the entry of this UDP connection is not to live for
# longer. A flow would give it 900 seconds from here on.
ct_fix_timeout() {
	ct_get udp "$1"
	ct_field status
	# IPS_FIXED_TIMEOUT
	ct_set_status udp "$1" $((0x$FIELD | 1 << 10)) || fail "$ANSWER"
	sysctl_r net/netfilter/nf_conntrack_udp_timeout_stream 900
}

# ct_timeout_kept - by the entry that ct_get has found last.
ct_timeout_kept() {
	ct_field timeout
	sysctl_r net/netfilter/nf_conntrack_udp_timeout_stream 120
	# conntrack of older kernels gives an offloaded entry a day
	[[ $(uname -r) == [56].* ]] || [ "$FIELD" -le 120 ] ||
		fail "the entry lives for $FIELD seconds"
}
ct_flush() { agent ctflush "$NS_R"; }

agent_ct() {
	local cmd=$1 family=4 proto

	case $2 in
	*6) family=6 ;;
	esac
	case ${2%6} in
	tcp) proto=6 ;;
	udp) proto=17 ;;
	udplite) proto=136 ;;
	sctp) proto=132 ;;
	gre) proto=47 ;;
	esp) proto=50 ;;
	ipip) proto=4 ;;
	icmp) proto=1 ;;
	icmpv) proto=58 ;;
	*) proto=$2 ;;
	esac
	agent "$cmd" "$NS_R" $family "$proto" "${3:-0}" ${4:+"$4"} || return
	CT=${ANSWER#ok }
}

has_offload_flag() { ct_get "$@" && [[ $CT == *offload=1* ]]; }
no_offload_flag() { ct_get "$@" && [[ $CT != *offload=1* ]]; }
ct_gone() { ct_get "$@" && [ "$CT" = none ]; }
# ct_has PROTO SPORT TEXT
ct_has() { ct_get "$1" "$2" && [[ " $CT " == *" $3 "* ]]; }

# ct_field NAME - of the last ct_get, in FIELD.
ct_field() {
	FIELD=${CT#*"$1="}
	FIELD=${FIELD%% *}
}

# --- peers ---------------------------------------------------------------

NFO_TOOLS=${NFO_TOOLS:-$("$NFO_TOP/tests/functional/prepare")}
LIB_SERVERS=" "
declare -A PEER_IN=() PEER_OUT=() PEER_PID=()

agent_up() {
	[ -z "${PEER_PID[agent]:-}" ] || return 0
	LIB_SERVERS+="agent "
	peer_run agent "$NFO_TOOLS/nfo_agent"
	peer_answer agent || die "agent: $ANSWER"
}
agent() { ask agent "$@"; }

# peer_start NAME NAMESPACE ARGUMENT... - run nfo_peer there; its first line is
# in ANSWER, its status that of the line.
peer_start() {
	local name=$1 ns=$2

	shift 2
	peer_run "$name" "$NFO_TOOLS/nfo_peer" -n "$ns" "$@"
	peer_answer "$name"
}

# peer_run NAME COMMAND... - any program on two pipes.
peer_run() {
	local name=$1 base=$LIB_TMP/$1.$BASHPID.$RANDOM in out

	shift
	mkfifo "$base.in" "$base.out"
	exec {in}<>"$base.in" {out}<>"$base.out"
	"$@" <&"$in" >&"$out" 2>&1 &
	PEER_IN[$name]=$in PEER_OUT[$name]=$out PEER_PID[$name]=$!
}

peer_answer() {
	ANSWER="no answer"
	read -r -t $((${2:-60} * LIB_SLOW)) -u "${PEER_OUT[$1]}" ANSWER || true
	[[ $ANSWER == ok* ]]
}

# peer_ready NAME - whether an answer has begun; a read that runs out of time would
# swallow a part of the line.
peer_ready() { read -r -t 0 -u "${PEER_OUT[$1]}" _; }

# ask NAME COMMAND... - one command, one line, in ANSWER.
ask() {
	tell "$@"
	peer_answer "$1"
}
tell() {
	local name=$1

	shift
	printf '%s\n' "$*" >&"${PEER_IN[$name]}"
}

# must NAME COMMAND... - as ask; another answer than "ok" fails the case.
must() { ask "$@" || fail "$*: $ANSWER"; }

peer_stop() {
	[ -n "${PEER_PID[$1]:-}" ] || return 0
	kill "${PEER_PID[$1]}" 2>/dev/null || true
	wait "${PEER_PID[$1]}" 2>/dev/null || true
	unset "PEER_PID[$1]"
}

# Only the shell that started a peer can wait for it; the fork of a case that
# still knows the file's servers must leave those alone.
peers_stop() {
	local name

	for name in "${!PEER_PID[@]}"; do
		[[ $LIB_SERVERS == *" $name "* && $BASHPID != "$LIB_MAIN" ]] || peer_stop "$name"
	done
}
# echo_up - TCP and UDP echo on the server's port 5000, both families, for all
# cases of a file: peers st and su.
echo_up() {
	peer_start st "$NS_S" server tcp :: 5000 || die "tcp echo: $ANSWER"
	peer_start su "$NS_S" server udp :: 5000 || die "udp echo: $ANSWER"
	LIB_SERVERS+="st su "
}

# server_reset - end what the TCP echo server has left of the connections of a case. The clients are
# gone; where rules dropped what they sent last, the server does not know that, and would send
# once more during a later case, whose counters would count it.
server_reset() {
	[ -n "${PEER_PID[st]:-}" ] && kill -0 "${PEER_PID[st]}" 2>/dev/null || return 0
	tell st reset
	peer_answer st 5
}

next_port() { LIB_PORT=$((LIB_PORT + 1)); PORT=$LIB_PORT; }

# client NAME PROTO [PORT [ADDR]] - PROTO is tcp, udp, tcp6, udp6; the source port
# in PORT. Fails the case if it can't connect.
client() {
	local src=$C4 dst=$S4

	case $2 in
	*6) src=$C6 dst=$S6 ;;
	esac
	next_port
	peer_start "$1" "$NS_C" client "${2%6}" "$src" "$PORT" "${4:-$dst}" "${3:-5000}" ||
		fail "client $*: $ANSWER"
}

# many_connections SECONDS - short ones, one after another, TCP and UDP of both families:
# peers m1 to m4, each of which answers when its time is up.
many_connections() {
	local ms=$(($1 * 1000))

	peer_run m1 "$NFO_TOOLS/nfo_peer" -n "$NS_C" many tcp $C4 $S4 5000 $ms
	peer_run m2 "$NFO_TOOLS/nfo_peer" -n "$NS_C" many udp $C4 $S4 5000 $ms
	peer_run m3 "$NFO_TOOLS/nfo_peer" -n "$NS_C" many tcp $C6 $S6 5000 $ms
	peer_run m4 "$NFO_TOOLS/nfo_peer" -n "$NS_C" many udp $C6 $S6 5000 $ms
}

# --- proof ---------------------------------------------------------------

ping_promoted() { ask "$1" ping 1 && has_offload_flag "$2" "$3"; }

# promote PEER PROTO SPORT - traffic until both directions of the flow are in the table:
# each is learned from a packet of its own.
promote() {
	wait_for 10 ping_promoted "$@" || fail "not promoted: $* ($ANSWER)"
	epoch
	LIB_EPOCH[$NS_R]=$EPOCH
	ask "$1" ping 1 || fail "not promoted: $* ($ANSWER)"
}

# fast PEER COMMAND... - the command succeeds and no packet of it was seen by the
# forward chain. The kernel tells of some changes late: of a link that came up, up to a
# second later. When the module noticed a change since the connection was last known to be
# fast, a packet of each direction rightly takes the classic path, and the command is
# repeated: only a command during which nothing changes proves anything. Without a change
# nothing excuses a packet. A change that must not disturb a flow is tested by counting.
fast() {
	local since=${LIB_EPOCH[$NS_R]:-} before tries=5

	while :; do
		epoch
		before=$EPOCH
		seen_slow must "$@"
		[ "$SLOW" != 0 ] || break
		epoch
		tries=$((tries - 1))
		[ "$EPOCH" != "${since:-$before}" ] && [ $tries -gt 0 ] ||
			fail "$*: the slow path saw $SLOW packets, and the module no change"
		echo "$*: the slow path saw $SLOW packets, the module $((EPOCH - ${since:-$before})) changes: again"
		since=$before
	done
	LIB_EPOCH[$NS_R]=$before
}

# leaves_are_told - nf_tables tells a flowtable that a device has left it, and that it goes, before nft
# returns. 5.10 tells it of a device that is unregistered, and frees it in a work item.
leaves_are_told() { [[ $(uname -r) != 5.* ]]; }

# reason_count NAME - how often the module has counted that reason, in REASON.
# shellcheck disable=SC2034 # for the tests
reason_count() { REASON=$(in_r awk -v n="$1" '$1 == n { print $2 }' /proc/net/nf_flow_offload); }

# epoch - the number of changes that the module has noticed, in EPOCH; 0 without our module.
# LIB_EPOCH is what it was when a connection was last known to be fast, by router.
declare -A LIB_EPOCH=()
epoch() {
	EPOCH=0
	if [ "${NFO_PROVIDER:-}" != mainline ] && agent epoch "$NS_R"; then EPOCH=${ANSWER#ok }; fi
}

# seen_slow ask|must PEER COMMAND... - the packets that the forward chain saw meanwhile in SLOW.
# Return: that of the question.
seen_slow() {
	local before answer

	counter seen
	before=$PACKETS
	"$@" || return 1
	answer=$ANSWER
	counter seen
	SLOW=$((PACKETS - before))
	ANSWER=$answer
}

# settle PEER - after a change of the ruleset each direction passes it once more.
settle() { wait_for 5 is_fast "$1" ping 1 || fail "$1 does not come back to the fast path"; }

# slow N PEER COMMAND... - it succeeds and the forward chain saw N packets or more.
slow() {
	local least=$1

	shift
	seen_slow must "$@"
	[ "$SLOW" -ge "$least" ] || fail "$*: the slow path saw $SLOW of at least $least packets"
}

# is_fast PEER COMMAND... - the same as a question, for wait_for.
is_fast() {
	local changes

	epoch
	changes=$EPOCH
	seen_slow ask "$@" && [ "$SLOW" = 0 ] || return 1
	LIB_EPOCH[$NS_R]=$changes
}

# flow_up NAME PROTO - a client whose connection is in the fast path.
flow_up() {
	client "$1" "$2" "${3:-5000}"
	promote "$1" "$2" "$PORT"
	fast "$1" ping 10
}

equal() { [ "$1" = "$2" ] || fail "${3:-differs}: '$1', expected '$2'"; }

LIB_READY=1
