#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The grid behind docs/when_it_pays.md, by one command:
#
#     examples/when_it_pays.sh build/test/examples results [DATA]
#
# The first folder has the programs role_wise, role_wise_search and where_agents_pay; the second gets a folder for each
# job; DATA has the folders fashion-mnist, cifar-10 and caltech101-32x32, and jobs on real data are left out without it.
# It can be stopped at any instant: started again, it goes on where it was. ONLY=REGEX does the jobs whose names match;
# LIST=1 says what it would do.
set -euo pipefail
programs=$(cd "$1" && pwd)
out=$2
data=${3:-}
mkdir -p "$out"

wanted() { [[ $1 =~ ${ONLY:-.} ]]; }
said() { if [ -n "${LIST:-}" ]; then echo "$*"; else return 1; fi; }

job() { # NAME OPTION...: a job of role_wise
  local name=$1 folder=$out/$1
  shift
  wanted "$name" || return 0
  said "$name: role_wise $*" && return
  if [ -f "$folder/job.json" ]; then set -- --resume "$folder"; else set -- "$@" --out "$folder"; fi
  "$programs/role_wise" "$@" >"$folder.txt"
}

search() { # NAME OPTION...: a job of role_wise_search
  local name=$1
  shift
  wanted "$name" || return 0
  said "$name: role_wise_search $*" && return
  "$programs/role_wise_search" "$@" --out "$out/$name" >"$out/$name.txt"
}

# What each agent does alone and both together, with few images and with twice as many.
job glyphs-100 --samples 100 --epochs 400 --seeds 20 --arms a,b,c,t,d
job glyphs-200 --samples 200 --epochs 300 --batch 25 --seeds 20 --arms b,c,t,d
# A view of its own for the teacher; an agent without a teacher.
job glyphs-100-views --samples 100 --epochs 400 --seeds 5 --arms a,a-agent,c,t,d,c-own,t-own,d-own
# Strength, epochs and images, one at a time.
for agent in 1,2 1,5 2,8 3,8; do
  job "glyphs-100-agent-${agent/,/-}" --samples 100 --epochs 400 --seeds 5 --arms b,d \
    --teacher-agent "rand-augment:$agent" --student-agent "rand-augment:$agent"
done
job glyphs-100-epochs-100 --samples 100 --epochs 100 --seeds 5 --arms b,d
job glyphs-100-epochs-200 --samples 100 --epochs 200 --seeds 5 --arms b,d
job glyphs-60 --samples 60 --epochs 600 --seeds 5 --arms b,d
job glyphs-400 --samples 400 --epochs 200 --batch 40 --seeds 5 --arms b,d
# Role-KD's grid: bits, at random start and from the teacher's weights.
job glyphs-bits-dorefa --samples 100 --epochs 400 --seeds 5 --arms b,c,t,d --bits 32,4,2
job glyphs-bits-lsq --samples 100 --epochs 400 --seeds 5 --arms b,c,t,d --bits 32,4,2 \
  --quantizer lsq --start teacher --teacher-depth 8
# What a search finds, compared on seeds 101 to 110; then the student under the teacher's schedule, and Invert alone.
search glyphs-search --samples 100 --epochs 400 --trials 16 --interval 25 --first-seed 101 --seeds 10 \
  --method population random rand-augment teacher-stddev trivial-augment none
found=schedule:$(cd "$out" && pwd)/glyphs-search/searches/population/teacher/schedule.json
job glyphs-search-swap --samples 100 --validation 1000 --epochs 400 --first-seed 101 --seeds 10 --arms d \
  --teacher-agent "$found" --student-agent "$found"
cat >"$out/invert.json" <<'JSON'
{
  "rolewise": "policy-schedule",
  "version": 1,
  "segments": [{"first_epoch": 0, "operations": [{"operation": "Invert", "probability": 5, "magnitude": 0}]}]
}
JSON
invert=schedule:$(cd "$out" && pwd)/invert.json
job glyphs-invert --samples 100 --validation 1000 --epochs 400 --first-seed 101 --seeds 10 --arms d \
  --teacher-agent "$invert" --student-agent "$invert"

if [ -n "$data" ]; then
  job fashion-500 --data "$data/fashion-mnist" --samples 500 --epochs 100 --batch 25 --seeds 5 --arms a,b,c,t,d \
    --teacher-agent mixup:0.2+rand-augment:2,5 --student-agent rand-augment:1,3
  search fashion-search --data "$data/fashion-mnist" --samples 500 --epochs 100 --batch 25 --trials 8 --interval 10 \
    --seeds 5 --method population rand-augment none
  job cifar10-2000 --data "$data/cifar-10" --samples 2000 --epochs 30 --batch 50 --seeds 5 --arms b,d \
    --teacher-agent rand-augment:2,5 --student-agent rand-augment:1,3
  job caltech101-1000 --data "$data/caltech101-32x32" --samples 1000 --epochs 40 --batch 50 --seeds 5 --arms b,d \
    --teacher-agent rand-augment:2,5 --student-agent rand-augment:1,3
fi

jobs=()
for folder in "$out"/*/job.json; do jobs+=("$(dirname "$folder")"); done
[ -n "${LIST:-}" ] || "$programs/where_agents_pay" "${jobs[@]}" --out "$out/summary"
