# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # $failed and $STEP are for the stage, $work is its
# The steps of a stage, each a case of its own. Sourced by stages that have a directory $work; what
# the command of a step prints is in $work/log. The stage ends with `exit "$failed"`.
failed=0

# step NAME COMMAND... - a command that ends at the first failure, as a script does; what it sets is
# gone afterwards. Its status is in STEP. Don't call this in a condition: that would take the errexit
# out of the command.
step() {
	local name=$1 begun=$SECONDS

	shift
	set +e
	(set -e; "$@") >"$work/log" 2>&1
	STEP=$?
	set -e
	if [ $STEP = 0 ]; then
		echo "ok - $name ($((SECONDS - begun)) s)"
	else
		echo "not ok - $name"
		tail -n 30 "$work/log" | sed 's/^/# /'
		failed=1
	fi
}
