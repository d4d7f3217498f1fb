# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The port of vcpkg, with stand-ins for the helper functions that it calls: the layout that vcpkg wants, and a consumer.
include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)
way(vcpkg)

set(PORT rolewise)
set(CURRENT_PORT_DIR ${source}/packaging/vcpkg/ports/rolewise)
set(CURRENT_PACKAGES_DIR ${folder}/installed)

function(vcpkg_cmake_configure)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
    run(${CMAKE_COMMAND} -S ${arg_SOURCE_PATH} -B build ${arg_OPTIONS} -DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR})
endfunction()
function(vcpkg_cmake_install)
    run(${CMAKE_COMMAND} --install build)
endfunction()
# Moves the config to share/<port>, one folder nearer to the prefix, and mends the paths in it.
function(vcpkg_cmake_config_fixup)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "CONFIG_PATH" "")
    set(config ${CURRENT_PACKAGES_DIR}/share/${PORT})
    file(RENAME ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH} ${config})
    cmake_path(GET arg_CONFIG_PATH PARENT_PATH parent)
    file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/${parent})
    file(GLOB scripts ${config}/*.cmake)
    foreach(script IN LISTS scripts)
        file(READ ${script} text)
        string(REPLACE "get_filename_component(_IMPORT_PREFIX \"\${CMAKE_CURRENT_LIST_FILE}\" PATH)"
                       "set(_IMPORT_PREFIX \"\${CMAKE_CURRENT_LIST_FILE}\")" text "${text}")
        string(REPLACE "\${CMAKE_CURRENT_LIST_DIR}/../../../\"" "\${CMAKE_CURRENT_LIST_DIR}/../../\"" text "${text}")
        file(WRITE ${script} "${text}")
    endforeach()
endfunction()
function(vcpkg_install_copyright)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
    file(COPY_FILE ${arg_FILE_LIST} ${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright)
endfunction()

include(${CURRENT_PORT_DIR}/portfile.cmake)
require_files(${folder}/installed include/rolewise/rolewise.hpp share/rolewise/rolewise-config.cmake share/rolewise/copyright
              share/rolewise/usage)
file(GLOB shared RELATIVE ${folder}/installed/share ${folder}/installed/share/*)
if(NOT shared STREQUAL "rolewise")
    message(FATAL_ERROR "share holds ${shared}, want rolewise alone")
endif()
build_consumer(${folder}/installed)
