#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life compat stock
# A multicast stream comes through a tunnel, whose frames are for the router itself. Its receivers come
# and go, and only the multicast routes know where they are: it stays on the classic path.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"

modprobe -q -a ip_gre || true

GROUP4=239.1.2.3 GROUP6=ff15::1:2:3

# sent_on N - the client gets N packets of the stream for ten that are sent.
sent_on() {
	local before

	counter stream "$NS_C" inet count
	before=$PACKETS
	must c send 10
	wait_for 2 got $((before + $1)) || fail "the client gets $((PACKETS - before)) of 10 packets, $1 are right"
	# One more than is right would come at once.
	nap 0.1
	counter stream "$NS_C" inet count
	equal $((PACKETS - before)) "$1" "packets of the stream"
}
got() { counter stream "$NS_C" inet count && [ "$PACKETS" -ge "$1" ]; }

# stream PATH FAMILY DEVICES
stream() {
	local group=$GROUP4 from

	topo_up m
	"$3"
	from=$V4S
	[ "$2" = 4 ] || { group=$GROUP6 from=$V6S; }
	ip -n "$NS_S" route add multicast "$group" dev "$IN_S" table local
	in_s nft -f - <<-END
		table inet far {
			chain o {
				type filter hook output priority 0;
				ip daddr $GROUP4 ip ttl set 64
				ip6 daddr $GROUP6 ip6 hoplimit set 64
			}
		}
	END
	in_c nft -f - <<-END
		table inet count {
			counter stream { }
			chain c {
				type filter hook prerouting priority -300;
				udp dport 5000 counter name stream
			}
		}
	END
	peer_run router "$NFO_TOOLS/nfo_mroute" "$NS_R" "$IN_R" rc "$from" "$group"
	peer_answer router || skip "this kernel routes no multicast: $ANSWER"
	listing_for "$1" "rc, $4"
	next_port
	peer_start c "$NS_S" client udp "$from" "$PORT" "$group" 5000 || fail "stream: $ANSWER"
	sent_on 10
	sent_on 10
	must router gone
	sent_on 0
	must router back
	sent_on 10
	[ "$1" != offload ] || {
		reason_count route-type
		[ "$REASON" -gt 0 ] || fail "the reason is not counted"
	}
}
tunnel() {
	behind_tunnel gre
	IN_R=tun0 IN_S=tun0
}
for family in 6 4; do
	on_both_paths "IPv$family, the tunnel listed" stream $family tunnel tun0
	on_both_paths "IPv$family, the port listed" stream $family tunnel rs
done

all_done
