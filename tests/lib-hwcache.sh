# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # its callers use what it sets
# What the tests of hardware as a cache share; sourced after lib-hwsim.sh.

# A kernel with all its debugging makes a tenth of the packets: fewer connections there.
MANY=1000
[ ! -e /proc/lockdep ] || MANY=250

# swarm NAME COUNT [ADDR] - so many UDP connections of the client, the first one's source
# port in PORT.
swarm() {
	next_port
	# away from those of single clients
	PORT=$((PORT + 20000))
	peer_start "$1" "$NS_C" exec "$NFO_TOOLS/nfo_swarm" "$C4" "$PORT" "$2" "${3:-$S4}" 5000 ||
		fail "swarm: $ANSWER"
}

# lossless NAME COMMAND... - of a peer that answers "... SENT LOST".
lossless() {
	must "$@"
	[[ $ANSWER == *" 0" ]] || fail "$*: packets lost: $ANSWER"
}

set_is() {
	tool status -j
	equal "$(value ".settings.$1")" "$2" "setting $1"
}

# setting NAME VALUE - until the next case, shown by status as well.
setting() {
	tool set "$1" "$2"
	echo "$1" >>"$CHANGED"
	set_is "$1" "$2"
}

# defaults - every setting that a case has changed is what it was made.
declare -A DEFAULTS=([hw_after]=8 [hw_rate]=0 [hw_budget]=0 [hw_queue]=4096 [hw_sync_ms]=1000
	[hw_hysteresis]=100 [hw_oneway]=0 [hw_oversize]=0 [hw_bypass]=0)
CHANGED=$LIB_TMP/changed
: >"$CHANGED"
defaults() {
	local name names

	mapfile -t names <"$CHANGED"
	for name in "${names[@]}"; do tool set "$name" "${DEFAULTS[$name]}"; done
	: >"$CHANGED"
}

# fresh [HOW] - as clean, with every setting and feature as it was made.
fresh() {
	local d

	clean "$@"
	for d in hwp0 hwp1; do in_r ethtool -K $d hw-tc-offload on; done
	defaults
}

# reason NAME - how often it was counted, in COUNT.
reason() {
	tool status -j
	COUNT=$(value ".reasons[\"$1\"]")
}

# flow_is PORT EXPRESSION WANTED - of the one flow with that port.
flow_is() {
	tool list -j -P "$1"
	IS=$(value ".flows[0] | $2")
	[ "$IS" = "$3" ]
}

# ask_twice PEER... - enough packets, long enough, to ask for a place.
ask_twice() {
	local p

	for _ in 1 2 3; do
		for p in "$@"; do must "$p" ping 6; done
		nap 0.6
	done
}
