#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# killed_job.sh PROGRAM REFERENCE FOLDER OPTION...
#
# A job of role_wise is killed again and again, later each time, and resumed; it must end with the records of REFERENCE,
# the same job left alone, but for the times.
set -eu
program=$1 reference=$2 folder=$3
shift 3
rm -rf "$folder"
go_on() {
  if [ -f "$folder/job.json" ]; then "$@" --resume "$folder"; else "$@" $options --out "$folder"; fi
}
options="$*"
killed=0
for tenths in 1 2 3 5 7 9 12 15; do
  if go_on timeout -s KILL "$((tenths / 10)).$((tenths % 10))" "$program" >/dev/null 2>&1; then break; fi
  killed=$((killed + 1))
done
go_on "$program" >/dev/null 2>&1
times='s/"seconds":[^,}]*//g'
for record in "$reference"/records/*; do
  name=$(basename "$record")
  sed "$times" "$record" >"$folder/expected"
  sed "$times" "$folder/records/$name" | cmp - "$folder/expected"
done
echo "killed $killed times, $(ls "$folder/records" | wc -l) records alike"
