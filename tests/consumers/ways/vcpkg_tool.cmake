# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The port of vcpkg, built by vcpkg itself, without its LibTorch (that takes hours).
include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)
way(vcpkg_tool)

if(NOT vcpkg OR NOT DEFINED ENV{VCPKG_ROOT})
    skip("there is no vcpkg, or VCPKG_ROOT is not set")
endif()
run(${vcpkg} install rolewise[core] --classic --overlay-ports=${source}/packaging/vcpkg/ports --x-install-root=${folder}/installed)
build_consumer("" -DCMAKE_TOOLCHAIN_FILE=$ENV{VCPKG_ROOT}/scripts/buildsystems/vcpkg.cmake -DVCPKG_MANIFEST_MODE=OFF
               -DVCPKG_INSTALLED_DIR=${folder}/installed)
