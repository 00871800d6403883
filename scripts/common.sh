# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by the scripts of this tree; sourced, never run.

set -euo pipefail

NFO_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Downloads, kernels and compat probes live here, outside the checkout.
NFO_CACHE=${NFO_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/nf_flow_offload}
# The kernels of the test matrix, oldest first.
# shellcheck disable=SC2034
NFO_KERNELS="5.10 6.1 6.12 7.3 newest"
# What `newest` was when its tests passed: packages build for no kernel series above it, or above
# the highest number in NFO_KERNELS.
# shellcheck disable=SC2034
NFO_NEWEST=7.2
# What the module and the tool are built for besides this machine.
NFO_ARCH_TABLE=$NFO_TOP/scripts/architectures
export NFO_TOP NFO_CACHE

# Progress goes to stderr: stdout belongs to the answer (a path, a verdict).
say() { printf '%s\n' "$*" >&2; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# need TOOL... - name every missing tool before any work starts.
need() {
	local tool missing=()

	for tool in "$@"; do
		command -v "$tool" >/dev/null 2>&1 || missing+=("$tool")
	done
	[ ${#missing[@]} -eq 0 ] ||
		die "missing tools: ${missing[*]} (as root, scripts/install-deps brings them)"
}

# with_lock NAME COMMAND... - one builder at a time for a thing in the cache.
with_lock() {
	local lock="$NFO_CACHE/lock.$1"

	shift
	mkdir -p "$NFO_CACHE"
	(
		flock 9
		"$@"
	) 9>"$lock"
}

# kernel_suite VERSION - the Debian suite that carries this kernel.
kernel_suite() {
	case $1 in
	5.10) echo bullseye ;;
	6.1) echo bookworm ;;
	6.12) echo bookworm-backports ;;
	7.3) echo trixie-backports ;;
	newest) echo sid ;;
	*) die "unknown kernel '$1' (one of: $NFO_KERNELS)" ;;
	esac
}

# debian_mirror LABEL - the first archive with this label (Debian, Debian-Security) that apt
# knows on this machine.
debian_mirror() {
	local site

	site=$(apt-get indextargets --format '$(SITE) $(ORIGIN) $(LABEL)' 2>/dev/null |
		awk -v label="$1" '$2 == "Debian" && $3 == label { print $1; exit }')
	[ -n "$site" ] || die "apt on this machine names no archive '$1' (run apt-get update first?)"
	echo "$site"
}

# debian_keyring - the file with the archive's public keys.
debian_keyring() {
	local key

	for key in /usr/share/keyrings/debian-archive-keyring.gpg \
		   /etc/apt/trusted.gpg.d/debian-archive-*-automatic.*; do
		[ -r "$key" ] && { echo "$key"; return; }
	done
	die "no Debian archive keyring (package debian-archive-keyring)"
}

# arch_names - the other architectures, in one line.
arch_names() { sed -nE 's/^([a-z]\w*) .*/\1/p' "$NFO_ARCH_TABLE" | paste -sd ' '; }

# arch_known ARCH - is this one of them?
arch_known() { grep -q "^$1 " "$NFO_ARCH_TABLE"; }

# arch_read ARCH - sets ARCH_* to what the table says of it.
# shellcheck disable=SC2034
arch_read() {
	local machine

	arch_known "$1" || die "unknown architecture '$1' (one of: $(arch_names))"
	read -r _ ARCH_TRIPLET ARCH_FLAVOUR ARCH_ELF ARCH_PACKAGE ARCH_PROGRAM ARCH_BUS ARCH_CONSOLE machine \
		< <(grep "^$1 " "$NFO_ARCH_TABLE")
	read -ra ARCH_MACHINE <<<"$machine"
}

# arch_emulated ARCH - arch_read, and there must be a machine to run it on.
arch_emulated() {
	arch_read "$1"
	[ "$ARCH_PROGRAM" != - ] || die "no machine for architecture '$1'"
}

# cross_triplet ARCH - the prefix of the compiler for an architecture of Debian.
cross_triplet() {
	arch_read "$1"
	echo "$ARCH_TRIPLET"
}

# foreign_libraries ARCH - the root that its compiler finds the tool's libraries in.
foreign_libraries() {
	"$NFO_TOP/scripts/foreign-root" "$1" libmnl-dev libnftnl-dev libjansson-dev libncurses-dev
}

# kernel_flavour [ARCH] - the flavour of Debian's kernel, as in linux-image-FLAVOUR.
kernel_flavour() {
	[ -n "${1:-}" ] || { echo amd64; return; }
	arch_read "$1"
	echo "$ARCH_FLAVOUR"
}

# module_sources - what makes up the module, as it is in the checkout now.
module_sources() {
	(cd "$NFO_TOP" && find Kbuild Kconfig Makefile ./*.c include scripts tests/kunit tests/hwsim \
		tests/dsasim packaging/openwrt/alias -type f 2>/dev/null || true) | sort
}

# copy_sources DIR - make DIR a copy of them; files that are the same keep their age.
copy_sources() {
	local new

	mkdir -p "$1"
	new=$(mktemp -d "$NFO_CACHE/sources.XXXXXX")
	(cd "$NFO_TOP" && module_sources | rsync -rlp --files-from=- ./ "$new/")
	rsync -rlpc --delete "$new/" "$1/"
	rm -rf "$new"
}
