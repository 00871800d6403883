#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life long smp
# 94-smp-races with each rival alone as well; NFO_RACE: seconds for each (8).
export NFO_RACE=${NFO_RACE:-8}
exec "${0%/*}/94-smp-races.sh"
