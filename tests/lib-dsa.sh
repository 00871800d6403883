# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A router whose ports are those of a DSA switch (tests/dsasim): lan1 to lan4 and wan above eth0, which
# carries their frames with MediaTek's tag. DSA, its tagging and phylink are the kernel's own. Sourced
# after lib.sh.
#
#   client c0 = plug0 |lan1                 wan| plug4 = s0 server
#          c2 = plug1 |lan2  [router]
#             = plug2 |lan3
need jq modprobe
STACK_R=wan
# shellcheck source=lib-stacks.sh
. "${BASH_SOURCE[0]%/*}/lib-stacks.sh"

SIM=/sys/kernel/debug/nfo_dsasim
KO=${NFO_KO%/*}/tests/dsasim/nfo_dsasim.ko
if [ ! -e "$KO" ]; then
	skipped "DSA" "nfo_dsasim.ko is not built for this kernel"
	all_done
	exit 0
fi
modprobe -a nf_tables nf_conntrack nf_conntrack_netlink bridge 8021q dsa_core tag_mtk

agent_up
ns_add c r s
NS_S=$NS NS_R=${NS/nfo-s/nfo-r} NS_C=${NS/nfo-s/nfo-c}
for ns in "$NS_C" "$NS_R" "$NS_S"; do
	no_dad "$ns"
	ip -n "$ns" link set lo up
done
forwarding_on "$NS_R"

# switch_up [OPTION...] - a new switch, and its cables; the router has addresses on lan1 and wan.
switch_up() {
	insmod "$KO" "$@"
	ip -batch - <<-END
		link set eth0 netns $NS_R
		link set lan1 netns $NS_R
		link set lan2 netns $NS_R
		link set lan3 netns $NS_R
		link set lan4 netns $NS_R
		link set wan netns $NS_R
		link set plug0 netns $NS_C name c0
		link set plug1 netns $NS_C name c2
		link set plug4 netns $NS_S name s0
	END
	ip -n "$NS_R" link set eth0 up
	ip -n "$NS_R" link set lan2 up
	router_at lan1 wan
	host_up "$NS_C" c0 "$C4" "$C6" "$RC4" "$RC6"
	ip -n "$NS_C" link set c2 up
	host_up "$NS_S" s0 "$S4" "$S6" "$RS4" "$RS6"
	links_ready "$NS_C" c0 "$NS_R" lan1 "$NS_R" lan2 "$NS_R" wan "$NS_S" s0
}

# intact PROTO [ADDRESS] - a connection in the fast path whose data comes back whole, also as a stream.
intact() {
	client c "$1" 5000 "${2:-}"
	promote c "$1" "$PORT"
	fast c ping 20
	fast c ping 4 1300
	[ "${1%6}" = tcp ] || return 0
	must c bulk 100000
	fast c bulk 300000
}

driver() { echo "$1" >/sys/module/nfo_dsasim/parameters/ft; }

asks() {
	must "$1" ping 4
	ct_has "$2" "$3" hw=1
}

# said BEFORE FIELD - by how much a number of the driver has grown, in SAID.
said() {
	local one other

	one=$(sed -nE "s/(^|.* )$2=([0-9]+).*/\2/p" <<<"$1")
	other=$(sed -nE "s/(^|.* )$2=([0-9]+).*/\2/p" "$SIM/calls")
	SAID=$((other - one))
}

no_blocks() { grep -q ' blocks=0 ' "$SIM/calls"; }

# rules_name PROTO DEVICES EXPECTED [HOW ARGUMENT...] - each rule names the ports of the switch, of
# which MediaTek's and Airoha's drivers find the port's number and the device below by themselves; what
# was bound and added is unbound and deleted.
rules_name() {
	local proto=$1 devices=$2 expected=$3 before binds adds found

	shift 3
	driver 1
	TO=''
	if [ $# -gt 0 ]; then
		"$@"
		[[ $1 != behind_* ]] || address_of "$proto"
	fi
	before=$(<"$SIM/calls")
	rules_offloading "$devices"
	client c "$proto" 5000 "$TO"
	wait_for 15 asks c "$proto" "$PORT" || fail "not in hardware: $(cat $SIM/calls)"
	found=$(sort "$SIM/rules")
	equal "$found" "$expected" "rules"
	rules_flush
	wait_for 10 no_blocks || fail "a block is left: $(cat $SIM/calls)"
	equal "$(cat "$SIM/rules")" "" "rules that are left"
	said "$before" binds
	binds=$SAID
	said "$before" unbinds
	equal "$SAID" "$binds" "unbinds"
	said "$before" adds
	adds=$SAID
	said "$before" dels
	equal "$SAID" "$adds" "deletions"
	stack_gone
	driver 0
}
# shellcheck disable=SC2034 # for the tests
BOTH="in=lan1 to=wan port=4 conduit=eth0
in=wan to=lan1 port=0 conduit=eth0"
