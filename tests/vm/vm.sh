# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # its callers use what it sets
# What run-uml and run-qemu share; sourced, never run.
#
# A run is one boot for one SCRIPT. Its verdict is a file that the guest writes
# at the very end, so neither a crash nor the script's own output looks like one.
#   96  the run could not be set up      97  no progress, or no end
#   98  no verdict                       99  the kernel log holds a report
# Anything else is SCRIPT's own exit status.
# shellcheck source=../../scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"

VM_DIR=$NFO_TOP/tests/vm
VM_SETUP=96 VM_TIMEOUT=97 VM_NOVERDICT=98 VM_REPORT=99

vm_die() { say "${0##*/}: $*"; exit $VM_SETUP; }

vm_usage() {
	say "usage: ${0##*/} [-k VERSION] [-f base|debug|smp|kcsan] [-p ours|mainline|none] [-m MEM] [-t SECONDS] [-T SECONDS]"
	say "       [-o OUTDIR] [-c CPUS] [--icount] [--igb] [-v] [-e NAME=VALUE]... SCRIPT [ARG...]"
	exit $VM_SETUP
}

# vm_options ARG... - the caller sets vm_kernel, vm_flavour and vm_mem as defaults.
vm_options() {
	vm_provider=ours vm_quiet=${vm_quiet:-300} vm_limit=3600 vm_out='' vm_cpus=${vm_cpus:-1}
	vm_icount='' vm_igb='' vm_verbose='' vm_env=()
	while [ $# -gt 0 ]; do
		case $1 in
		-k|-f|-p|-m|-t|-T|-o|-c|-e) [ $# -ge 2 ] || vm_usage ;;
		esac
		case $1 in
		-k) vm_kernel=$2; shift ;;
		-f) vm_flavour=$2; shift ;;
		-p) vm_provider=$2; shift ;;
		-m) vm_mem=$2; shift ;;
		-t) vm_quiet=$2; shift ;;
		-T) vm_limit=$2; shift ;;
		-o) vm_out=$2; shift ;;
		-c) vm_cpus=$2; shift ;;
		-e) vm_env+=("$2"); shift ;;
		-v) vm_verbose=1 ;;
		--icount) vm_icount=1 ;;
		--igb) vm_igb=1 ;;
		--) shift; break ;;
		-*) vm_usage ;;
		*) break ;;
		esac
		shift
	done
	[ $# -ge 1 ] || vm_usage
	case $vm_provider in ours|mainline|none) ;; *) vm_usage ;; esac
	vm_script=$(command -v -- "$1") || vm_die "no executable script '$1'"
	vm_script=$(realpath "$vm_script")
	shift
	vm_args=("$@")
}

# Old runs that nobody named go after three days.
vm_out_dir() {
	if [ -n "$vm_out" ]; then
		mkdir -p "$vm_out"
		vm_keep=1
	else
		mkdir -p "$NFO_CACHE/vm/runs"
		find "$NFO_CACHE/vm/runs" -mindepth 1 -maxdepth 1 -mmin +4320 -exec rm -rf {} +
		vm_out=$(mktemp -d "$NFO_CACHE/vm/runs/XXXXXX")
		vm_keep=$vm_verbose
	fi
	vm_out=$(realpath "$vm_out")
	rm -f "$vm_out/verdict" "$vm_out/dmesg" "$vm_out/stdout" "$vm_out/stderr"
	case "$vm_out$NFO_TOP" in
	*[[:space:]]*) vm_die "white space in a path does not pass a kernel command line" ;;
	esac
}

# vm_module_tree MODDIR KO - print a modules directory that holds KO as well, so
# that modprobe and the kernel's own auto-loading find it.
vm_module_tree() {
	local mods=$1 ko=$2 release=${1##*/} key tree

	key=$({ echo "$mods"; cat "$ko"; } | sha256sum | cut -c1-12)
	tree=$NFO_CACHE/vm/mods/$release-$key
	if [ ! -e "$tree/.done" ]; then
		rm -rf "$tree"
		mkdir -p "$tree/lib/modules"
		cp -al "$mods" "$tree/lib/modules/$release"
		# depmod must write new files, not the linked originals.
		rm -f "$tree/lib/modules/$release"/modules.{alias,dep,symbols,builtin.alias}.bin \
		      "$tree/lib/modules/$release"/modules.{alias,dep,symbols,softdep,devname,builtin.bin}
		mkdir -p "$tree/lib/modules/$release/updates"
		cp "$ko" "$tree/lib/modules/$release/updates/"
		depmod -b "$tree" "$release" >&2
		touch "$tree/.done"
		# Each rebuilt module leaves a tree: keep those used lately.
		find "$NFO_CACHE/vm/mods" -mindepth 1 -maxdepth 1 -type d -mmin +2880 \
			-not -path "$tree" -exec rm -rf {} +
	fi
	touch "$tree"
	echo "$tree/lib/modules/$release"
}

# vm_modules MODDIR KIND - sets vm_mods and vm_ko for the provider asked for.
vm_modules() {
	local mods=$1
	shift

	command -v depmod >/dev/null || PATH=$PATH:/usr/sbin:/sbin
	need depmod
	vm_ko='' vm_mods=$mods
	if [ "$vm_provider" = ours ]; then
		vm_ko=$("$NFO_TOP/scripts/build-module" "$vm_kernel" "$@" | tail -n 1) ||
			vm_die "the module did not build"
		[ -f "$vm_ko" ] || vm_die "scripts/build-module named no module"
		vm_mods=$(with_lock vm-mods vm_module_tree "$mods" "$vm_ko")
	fi
	if [ ! -d /lib/modules ]; then
		mkdir -p /lib/modules || vm_die "the guest needs a directory /lib/modules to mount on"
	fi
}

# Everything the guest must know, as a file it sources.
vm_write_env() {
	local pair

	{
		printf 'vm_kind=%q\nvm_mods=%q\n' "$1" "$vm_mods"
		printf 'vm_command=('; printf '%q ' "$vm_script" ${vm_args[@]+"${vm_args[@]}"}; echo ')'
		printf 'vm_keep=('; printf '%q ' "$NFO_CACHE" "$NFO_TOP" "$vm_script"
		# A script's neighbours come along unless they are the whole of /tmp.
		case ${vm_script%/*} in
		/tmp|/run|/var/tmp|/dev/shm|"$NFO_TOP"/*) ;;
		*) printf '%q ' "${vm_script%/*}" ;;
		esac
		[ -z "$vm_ko" ] || printf '%q ' "$(dirname "$vm_ko")"
		[ "$1" != foreign ] || printf '%q ' "$vm_out"
		echo ')'
		printf 'export NFO_PROVIDER=%q NFO_TOP=%q NFO_OUT=%q NFO_CACHE=%q NFO_KO=%q NFO_KERNEL=%q\n' \
			"$vm_provider" "$NFO_TOP" "$vm_out" "$NFO_CACHE" "$vm_ko" "$vm_kernel"
		printf 'vm_load=%q\n' "$(vm_load)"
		for pair in ${vm_env[@]+"${vm_env[@]}"}; do
			printf 'export %s=%q\n' "${pair%%=*}" "${pair#*=}"
		done
	} >"$vm_out/guest-env"
	cat >"$vm_out/guest-fstab" <<-END
		sysfs /sys sysfs defaults 0 0
		devpts /dev/pts devpts mode=600,ptmxmode=666 0 0
		debugfs /sys/kernel/debug debugfs defaults 0 0
		tracefs /sys/kernel/tracing tracefs defaults 0 0
		bpf /sys/fs/bpf bpf defaults 0 0
		tmpfs /tmp tmpfs mode=1777 0 0
		tmpfs /run tmpfs mode=755 0 0
		tmpfs /var/tmp tmpfs mode=1777 0 0
		tmpfs /dev/shm tmpfs mode=1777 0 0
	END
}

# vm_load - how many processes want each of the host's processors, at least 1.
vm_load() {
	local load cpus

	read -r load _ </proc/loadavg
	cpus=$(nproc)
	load=$(((${load%.*} + ${NFO_LANES:-1} + cpus - 1) / cpus))
	echo $((load < 1 ? 1 : load > 10 ? 10 : load))
}

# vm_wait PID - wait for the virtual machine; end it when it makes no progress.
vm_wait() {
	local pid=$1 watch

	vm_ended=''
	rm -f "$vm_out/.ended"
	vm_watch "$pid" >/dev/null 2>&1 &
	watch=$!
	trap 'vm_kill "$pid"; kill "$watch" 2>/dev/null; exit 130' INT TERM HUP
	wait "$pid" || true
	kill "$watch" 2>/dev/null || true
	wait "$watch" 2>/dev/null || true
	trap - INT TERM HUP
	# User Mode Linux leaves its helper processes when it crashes.
	vm_kill "$pid"
	[ ! -s "$vm_out/.ended" ] || vm_ended=$(<"$vm_out/.ended")
	rm -f "$vm_out/.ended"
}

# vm_stalls - how often the machine's kernel has said that a processor does not go on. It goes on
# saying so, which is no progress.
vm_stalls() { grep -cE 'rcu: INFO: .* stall' "$vm_out/dmesg" || true; }

# vm_watch PID - kill the machine when neither the script nor its kernel has printed
# anything for vm_quiet seconds, when its kernel has reported a stall for the third time, or when it
# has not ended after vm_limit seconds. Steps are counted, not the clock: a host that is busy or was
# suspended shortens no limit.
vm_watch() {
	local step=$((vm_quiet < 20 ? 1 : 5)) quiet=0 all=0 stalls=0 size last=''

	trap 'exit 0' TERM
	while [ "$quiet" -lt "$vm_quiet" ] && [ "$stalls" -lt 3 ] && [ "$all" -lt "$vm_limit" ]; do
		vm_sleep $step
		quiet=$((quiet + step)) all=$((all + step))
		size=$(stat -c %s "$vm_out"/{dmesg,stdout,stderr} || true)
		[ "$size" = "$last" ] || quiet=0
		last=$size
		stalls=$(vm_stalls)
	done
	if [ "$stalls" -ge 3 ]; then
		echo "its kernel stalls"
	elif [ "$quiet" -ge "$vm_quiet" ]; then
		echo "no line for $quiet seconds"
	else
		echo "no end after $all seconds"
	fi >"$vm_out/.ended"
	vm_kill "$1"
}

# A pipe nobody writes to: read's time-out is a clock that a trap interrupts.
vm_sleep() {
	local fd

	exec {fd}<> <(:)
	read -r -t "$1" -u "$fd" || true
	exec {fd}<&-
}

# The machine runs in its own session: its process group holds all of it.
vm_kill() { kill -KILL -- "-$1" 2>/dev/null || true; }

# vm_verdict - judge the run and exit with its status.
vm_verdict() {
	local status='' reason=''

	if [ -s "$vm_out/verdict" ]; then
		status=$(sed -n 's/^exit //p' "$vm_out/verdict")
		reason=$(sed -n 's/^fault //p' "$vm_out/verdict")
		grep -qx end "$vm_out/verdict" || status=''
	fi
	if ! "$VM_DIR/judge" "$vm_out/dmesg" >"$vm_out/report"; then
		say "== kernel log report ($vm_kernel, ${vm_script##*/}) =="
		cat "$vm_out/report" >&2
		say "== whole kernel log: $vm_out/dmesg =="
		exit $VM_REPORT
	fi
	if [ -n "$vm_ended" ]; then
		say "${0##*/}: ${vm_script##*/}: $vm_ended (log: $vm_out/dmesg)"
		exit $VM_TIMEOUT
	fi
	if [ -z "$status" ]; then
		tail -n 15 "$vm_out/dmesg" >&2
		say "${0##*/}: ${vm_script##*/}: no verdict (log: $vm_out/dmesg)"
		exit $VM_NOVERDICT
	fi
	if [ -n "$reason" ]; then
		say "${0##*/}: ${vm_script##*/}: $reason (log: $vm_out/dmesg)"
		exit $VM_REPORT
	fi
	if [ -z "$vm_keep" ] && [ "$status" = 0 ]; then
		rm -rf "$vm_out"
	else
		[ -z "$vm_verbose" ] || say "${0##*/}: logs in $vm_out"
	fi
	exit "$status"
}
