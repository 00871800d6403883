#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# FINDINGS S3: a live connection's conntrack entry does not expire, whatever packets of
# it take the slow path in between.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

topo_up
echo_up
sysctl_r net/netfilter/nf_flowtable_udp_timeout 30
sysctl_r net/netfilter/nf_flowtable_tcp_timeout 30
sysctl_r net/netfilter/nf_conntrack_udp_timeout 2
sysctl_r net/netfilter/nf_conntrack_udp_timeout_stream 2
sysctl_r net/netfilter/nf_conntrack_tcp_timeout_established 2

# With masquerading at random a new entry is seen as another port at the server.
count_new() {
	in_r nft -f - <<-END
		table inet new {
			counter fresh { }
			chain forward { type filter hook forward priority -1; ct state new counter name fresh; }
			chain post { type nat hook postrouting priority 100; oifname rs masquerade random; }
		}
	END
}

# slow_and_fast PATH PROTO KIND - a packet of KIND that the fast path leaves alone, then
# seconds of everyday traffic; nobody counts a new connection.
slow_and_fast() {
	local path=$1 proto=$2 kind=$3 port i first

	rules_for "$path"
	count_new
	connect_for "$path" c "$proto"
	port=$PORT
	counter fresh "$NS_R" inet new
	first=$PACKETS
	case $kind in
	options) must c set options 1; must c ping 1; must c set options 0 ;;
	fragments) must c set df 0; must c ping 1 3000; must c set df 1 ;;
	esac
	for i in 1 2 3 4 5 6 7 8 9 10; do
		must c run 450
		[ "${ANSWER##* }" = 0 ] || fail "round $i: $ANSWER"
		ct_get "$proto" "$port"
		[ "$CT" != none ] || fail "round $i: the entry is gone under live traffic"
		[ "$path" = classic ] || [[ $CT == *offload=1* ]] || fail "round $i: $CT"
	done
	counter fresh "$NS_R" inet new
	equal "$PACKETS" "$first" "packets that began a connection"
}
on_both_paths "udp, IP options in between" slow_and_fast udp options
on_both_paths "udp, fragments in between" slow_and_fast udp fragments
on_both_paths "udp6, fragments in between" slow_and_fast udp6 fragments
on_both_paths "tcp, IP options in between" slow_and_fast tcp options

all_done
