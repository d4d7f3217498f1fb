# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# A Debian package by CPack: its control file, and that a consumer is configured with what it holds.
include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)
way(deb)

if(NOT dpkg_deb)
    skip("there is no dpkg-deb")
endif()
run(${CMAKE_COMMAND} -S ${source} -B build ${without_programs})
cmake_path(GET CMAKE_COMMAND PARENT_PATH tools)
run(${tools}/cpack --config build/CPackConfig.cmake -B ${folder})
set(package librolewise-dev_${version}_all.deb)
run(${dpkg_deb} --field ${package})
foreach(words "Depends: librange-v3-dev, zlib1g-dev, libpng-dev, libjpeg-dev\n" "Recommends: libtorch-dev\n" "Architecture: all\n"
              "Maintainer: The rolewise authors\n")
    string(FIND "${output}" "${words}" where)
    if(where EQUAL -1)
        message(FATAL_ERROR "want ${words}in\n${output}")
    endif()
endforeach()
run(${dpkg_deb} --extract ${package} unpacked)
require_files(${folder}/unpacked usr/include/rolewise/rolewise.hpp usr/include/rolewise/laws/doctest.hpp
              usr/share/cmake/rolewise/rolewise-config.cmake usr/share/doc/rolewise/LICENSE)
run(${CMAKE_COMMAND} -S ${source}/tests/consumers/package -B consumer -DCMAKE_BUILD_TYPE=None
    -DCMAKE_PREFIX_PATH=${folder}/unpacked/usr -DROLEWISE_EXPECTED_VERSION=${version})
