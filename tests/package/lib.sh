# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Disk images with a Debian system, seen from the host; sourced, never run.
# shellcheck source=../../scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"

# root_mount IMAGE DIR - the image's root at DIR, ready for root_run.
root_mount() {
	mkdir -p "$2"
	mount -o loop "$1" "$2"
	mount -t proc proc "$2/proc"
	mount -t tmpfs tmpfs "$2/run"
	mount --bind /dev "$2/dev"
	mount -t devpts -o newinstance,ptmxmode=666,mode=600 devpts "$2/dev/pts"
}

# root_umount DIR - nothing of it stays mounted; fine if nothing was.
root_umount() {
	local below

	[ -d "$1" ] || return 0
	for below in dev/pts dev run proc .; do
		! mountpoint -q "$1/$below" || umount "$1/$below" || umount -l "$1/$below"
	done
	rmdir "$1"
}

# root_run DIR COMMAND... - in that system, as its root. The host's name server answers.
root_run() {
	local dir=$1
	shift

	cp --dereference /etc/resolv.conf "$dir/etc/resolv.conf"
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive chroot "$dir" "$@"
}
