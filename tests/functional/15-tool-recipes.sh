#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# The rulesets of docs/recipes.md load as they are, and nft-offload check names no rule
# of theirs.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need awk
# shellcheck source=../lib-tool.sh
. "$(dirname "$0")/../lib-tool.sh"
topo_tool

awk -v dir="$LIB_TMP" '
	/^```nft$/ { inside = 1; n++; next }
	/^```$/ { inside = 0 }
	inside { print >(dir "/recipe-" n ".nft") }' "$NFO_TOP/docs/recipes.md"

for name in lan0 lan1 lan2 eth1 wan0 wan1; do
	ip -n "$NS_R" link add "$name" type veth peer name "x$name"
	ip -n "$NS_R" link set "$name" up
	ip -n "$NS_R" link set "x$name" up
done

recipe() {
	rules_flush
	rules_load <"$1"
	tool_ok check -j
	equal "$(value '[.checks[] | select(.rule or .subject == "rules") | "\(.result) \(.text)"] | map(select(startswith("warning"))) | join("; ")')" \
		"" "what check says of the rules"
	equal "$(value '[.checks[] | select(.subject == "rules" and (.text | test("^[0-9]+ read")))] | length')" 1 "the rules were read"
}

recipes=("$LIB_TMP"/recipe-*.nft)
[ ${#recipes[@]} -ge 5 ] || die "docs/recipes.md has ${#recipes[@]} rulesets"
for file in "${recipes[@]}"; do
	run_case "recipe '$(awk '$1 == "table" { print $3; exit }' "$file")'" recipe "$file"
done

all_done
