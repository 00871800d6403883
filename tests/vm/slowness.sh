# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # its callers use what it sets
# How slow is this machine? Sourced by guest-init and by the tests' library.

# slowness - how much slower this machine is than the tests' deadlines expect, in SLOWNESS:
# measured by starting shells. A quiet machine of any kind needs less than 20 ms for one.
slowness() {
	local begun=${EPOCHREALTIME/[.,]/} i

	for ((i = 0; i < 20; i++)); do (:); done
	SLOWNESS=$(((${EPOCHREALTIME/[.,]/} - begun) / 20 / 20000 + 1))
}
