#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# killed_comparison.sh PROGRAM REFERENCE FOLDER OPTION...
#
# A comparison is killed again and again, after 0.5 to 2 seconds, and goes on until it is through, so that any of its
# runs may be what is killed; it must end with the results of REFERENCE, the same comparison left alone, but for the
# times.
set -eu
program=$1 reference=$2 folder=$3
shift 3
rm -rf "$folder"
killed=0
for round in $(seq 0 119); do
  tenths=$((5 + round * 7 % 16))
  if timeout -s KILL "$((tenths / 10)).$((tenths % 10))" "$program" "$@" --out "$folder" >/dev/null 2>&1; then break; fi
  killed=$((killed + 1))
done
"$program" "$@" --out "$folder" >/dev/null
times='s/,"seconds":[^,}]*//'
for results in "$reference" "$folder"; do sed "$times" "$results/results.jsonl" >"$results/without_times"; done
cmp "$reference/without_times" "$folder/without_times"
echo "killed $killed times, $(wc -l <"$folder/results.jsonl") results alike"
