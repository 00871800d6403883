# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # its callers use what it sets
# The classic path as a control, and packets that no honest end sends; sourced after
# lib.sh.

# rules_classic [FORWARD-LINES] - rules_std without its flowtable.
# shellcheck disable=SC2120 # the lines are for the few that need more
rules_classic() {
	rules_load <<-END
		table inet t {
			counter seen { }
			counter invalid { }
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				ct state invalid counter name invalid
				${1:-}
			}
		}
	END
}

# rules_for PATH [FLOWTABLE-LINES] - PATH is classic or offload.
rules_for() {
	case $1 in
	classic) rules_classic ;;
	offload) rules_std "${2:-}" ;;
	*) fail "no path '$1'" ;;
	esac
}

# listing_for PATH DEVICES [FORWARD-LINES [TABLE-LINES]] - rules_listing; on the classic path nothing
# is added to the flowtable.
listing_for() {
	local flow=''

	[ "$1" = classic ] || flow='meta l4proto { tcp, udp } flow add @f'
	rules_listing "$2" "${3:-}
		$flow" "${4:-}"
}

# connect_for PATH NAME PROTO - a client whose connection takes that path; port in PORT.
connect_for() {
	client "$2" "$3"
	carry "$@"
}

# carry PATH NAME PROTO - the connection of the latest client takes that path.
carry() {
	case $1 in
	offload) promote "$2" "$3" "$PORT"; fast "$2" ping 10 ;;
	*) must "$2" ping 12 ;;
	esac
}

# on_both_paths NAME FUNCTION [ARGUMENT...] - one case for the classic path, one for
# the offloaded one: FUNCTION PATH ARGUMENT... holds the same for both.
on_both_paths() {
	local name=$1 function=$2

	shift 2
	run_case "$name, classic path" "$function" classic "$@"
	run_case "$name, offloaded" "$function" offload "$@"
}

# inject_up NAME NAMESPACE DEV TO-NAMESPACE TO-DEV - an injector on DEV.
inject_up() {
	peer_run "$1" "$NFO_TOOLS/nfo_peer" -n "$2" exec "$NFO_TOOLS/nfo_inject" "$3" "$(mac_of "$4" "$5")"
	peer_answer "$1" || fail "inject: $ANSWER"
}

# watch_up NAME NAMESPACE FILE... - the largest numbers in these files.
watch_up() {
	local name=$1 ns=$2

	shift 2
	peer_run "$name" "$NFO_TOOLS/nfo_peer" -n "$ns" exec "$NFO_TOOLS/nfo_watch" "$@"
	peer_answer "$name" || fail "watch: $ANSWER"
}

# ends_of PROTO PORT - the ends of a connection of this file's clients to the echo
# server as an injector wants them, in CLIENT_END and SERVER_END.
ends_of() {
	case $1 in
	*6) CLIENT_END="$C6 $2" SERVER_END="$S6 5000" ;;
	*) CLIENT_END="$C4 $2" SERVER_END="$S4 5000" ;;
	esac
}

# sequences INJECTOR PEER PROTO PORT - what each end of a quiet TCP connection sends
# next, in CLIENT_SEQ and SERVER_SEQ; CLIENT_END and SERVER_END are set as well.
sequences() {
	ends_of "$3" "$4"
	must "$1" track "$CLIENT_END" "$SERVER_END"
	must "$2" ping 1
	must "$1" seen
	read -r _ _ CLIENT_SEQ SERVER_SEQ <<<"$ANSWER"
}

# seq_add NUMBER OFFSET - modulo 2^32, in SEQ.
seq_add() { SEQ=$((($1 + $2) & 0xffffffff)); }
