# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the demo's two parts share; sourced, in the router's namespace.
#   client eth0 -- lan router wan -- eth0 server
port=7001
failures=()

die() { printf 'demo: %s\n' "$*" >&2; exit 1; }
# shellcheck disable=SC2154 # set by who sources this, as are $server and $transfer
in_c() { nsenter --net="/run/netns/$client" "$@"; }
# shellcheck disable=SC2154
in_s() { nsenter --net="/run/netns/$server" "$@"; }
fault() { failures+=("$1"); }

# The devices are there: their addresses, and the routes.
topology_addresses() {
	sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip addr add 192.0.2.1/24 dev lan
	ip addr add 2001:db8:1::1/64 dev lan nodad
	ip addr add 198.51.100.1/24 dev wan
	ip addr add 2001:db8:2::1/64 dev wan nodad
	ip link set lan up
	ip link set wan up
	ip -n "$client" -batch - <<-END
		link set lo up
		addr add 192.0.2.2/24 dev eth0
		addr add 2001:db8:1::2/64 dev eth0 nodad
		link set eth0 up
		route add default via 192.0.2.1
		route add ::/0 via 2001:db8:1::1
	END
	# The server has no route back to the client: what NAT sends it, it can answer.
	ip -n "$server" -batch - <<-END
		link set lo up
		addr add 198.51.100.2/24 dev eth0
		addr add 2001:db8:2::2/64 dev eth0 nodad
		link set eth0 up
	END
}

# start_server tcp|udp ADDR
start_server() {
	local fd answer=''

	# shellcheck disable=SC2154
	exec {fd}< <(in_s "$transfer" serve "$1" "$2" $port 2>&1)
	read -r -t 30 -u "$fd" answer || :
	[ "$answer" = ready ] || die "the $1 server on $2 did not start: ${answer:-no answer}"
}

servers() {
	local proto

	for proto in tcp udp; do
		start_server $proto 198.51.100.2
		start_server $proto 2001:db8:2::2
	done
}

# verdict TEXT - the last line of a part.
verdict() {
	local failure

	if [ ${#failures[@]} -gt 0 ]; then
		for failure in "${failures[@]}"; do
			echo "  $failure"
		done
		echo "FAILED: ${#failures[@]} of the demo's checks (above)"
		exit 1
	fi
	printf 'WORKS: %s\n' "$1"
}
