#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# packaging/debian13.sh FOLDER [TEST...]
# packaging/debian13.sh FOLDER -- COMMAND...
#
# Debian 13 with its own libtorch-dev (2.6), g++ 14 and CMake 3.31 in FOLDER (about 2 GB). The first form installs rolewise
# there, builds and runs the consumer of tests/consumers and some tests. The second one runs COMMAND in a copy of the sources,
# whose build folder stays for the next call: `-- cmake --workflow --preset test` runs all tests. JOBS compilers run at once.
# Needs root and mmdebstrap, and a mirror: that of the system, or MIRROR.
set -euo pipefail
folder=$(realpath -m "${1:?want a folder for the system}")
shift
tests=("$@")
command=(bash /build/run)
if [ "${1:-}" = -- ]; then
  shift
  command=("${@:?want a command after --}")
  tests=()
fi
((${#tests[@]})) || tests=(e2e/process_group_test unit/integer_forward_test unit/metrics_test unit/static_quantizers_test unit/checkpoint_test)
cd "$(dirname "$0")/.."
command -v mmdebstrap >/dev/null || { echo "skipped: there is no mmdebstrap" >&2; exit 77; }
((EUID == 0)) || { echo "want root, for chroot and mount" >&2; exit 1; }

root=$folder/root
packages=g++,cmake,ninja-build,libtorch-dev,librange-v3-dev,libpng-dev,libjpeg-dev,zlib1g-dev,doctest-dev,nlohmann-json3-dev,libcli11-dev
if [ "$(cat "$folder/complete" 2>/dev/null)" != "$packages" ]; then
  rm -rf "$root"
  mkdir -p "$folder"
  mmdebstrap --variant=apt --include="$packages" trixie "$root" ${MIRROR:+"$MIRROR"}
  echo "$packages" >"$folder/complete"
fi
# With the times of the files, so that a second call compiles what has changed.
rm -rf "$root/build"
mkdir -p "$root/rolewise" "$root/build"
find "$root/rolewise" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
tar -c --exclude=./build --exclude=./.git . | tar -x -C "$root/rolewise"

cat >"$root/build/run" <<'END'
set -e
cd /build
cmake -S /rolewise --preset install
cmake --install /rolewise/build/install --prefix installed
cmake -S /rolewise/tests/consumers/package -B consumer -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_PREFIX_PATH=/build/installed \
  -DROLEWISE_EXPECTED_VERSION="$(sed -n 's/^set(PACKAGE_VERSION "\(.*\)")/\1/p' installed/share/cmake/rolewise/rolewise-config-version.cmake)"
cmake --build consumer
consumer/consumer
cat >CMakeLists.txt <<'LISTS'
cmake_minimum_required(VERSION 3.25)
project(tests LANGUAGES CXX)
find_package(rolewise REQUIRED COMPONENTS laws)
find_package(nlohmann_json REQUIRED)
add_library(main OBJECT /rolewise/tests/main.cpp)
target_link_libraries(main PRIVATE rolewise::laws)
target_include_directories(main PRIVATE /rolewise/tests)
foreach(test IN LISTS TESTS)
    string(REPLACE "/" "_" name ${test})
    add_executable(${name} /rolewise/tests/${test}.cpp $<TARGET_OBJECTS:main>)
    target_include_directories(${name} PRIVATE /rolewise/tests)
    target_link_libraries(${name} PRIVATE rolewise::laws nlohmann_json::nlohmann_json)
    target_compile_definitions(${name} PRIVATE ROLEWISE_SOURCE_FOLDER="/rolewise")
endforeach()
LISTS
cmake -B tests -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_PREFIX_PATH=/build/installed "-DTESTS=$TESTS"
cmake --build tests -j "$JOBS"
status=0
for test in $(echo "$TESTS" | tr ';/' ' _'); do echo "=== $test"; tests/"$test" || status=1; done
exit $status
END
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"  # LibTorch reads the processors from there
trap 'umount "$root/proc"' EXIT
jobs=${JOBS:-$(nproc)}
chroot "$root" /usr/bin/env -i --chdir=/rolewise PATH=/usr/bin:/bin HOME=/build LC_ALL=C.UTF-8 OMP_NUM_THREADS="$(nproc)" \
  JOBS="$jobs" CMAKE_BUILD_PARALLEL_LEVEL="$jobs" TESTS="$(IFS=';'; echo "${tests[*]}")" "${command[@]}"
