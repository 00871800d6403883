# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What guests with a plugin in their QEMU have in common (plugin.h). Sourced after guest-lib.sh.

# The addresses of functions, each of which has to be there.
addresses() {
	local name found

	for name; do
		found=$(awk -v name="$name" '$3 == name { print "0x" $1; exit }' /proc/kallsyms)
		[ -n "$found" ] || die "this kernel has no function '$name'"
		echo "from $found"
	done
}

# window PATH SKIP - for the plugin: where a packet's way begins and ends.
window() {
	case $1 in
	redirect) addresses nft_do_chain_netdev ;;
	bare) addresses nfo_bare_hook ;;
	routing|stateful*)
		# shellcheck disable=SC2154 # guest-lib.sh has the shape
		case $shape in
		bridge) addresses br_handle_frame ;;
		*) addresses ip_rcv ipv6_rcv ;;
		esac
		# The PPP device's queue comes first.
		[ "$shape" != pppoe ] || echo "passes 2" ;;
	flow*)
		case $NFO_PROVIDER in
		ours) addresses nfo_hook_inet ;;
		mainline) addresses nf_flow_offload_inet_hook ;;
		esac ;;
	esac
	addresses __dev_queue_xmit | sed 's/^from/to/'
	echo "skip $2"
}

model_begin() {
	# Then /proc/vmallocinfo has addresses for root, and no hashes of them.
	echo 1 >/proc/sys/kernel/kptr_restrict
	uname -r >"$NFO_OUT/kernel"
}

# keep_model NAME - what the plugin has written at `mark stop`, and what memory is for.
keep_model() {
	mv "$NFO_OUT/model.lines" "$NFO_OUT/$1.lines"
	"$NFO_TOOLS/slabmap" >"$NFO_OUT/$1.slabs"
	awk '{ print $1, $3 }' /proc/vmallocinfo >"$NFO_OUT/$1.vmalloc"
}
