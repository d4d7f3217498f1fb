# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What concerns our own programs and never those of a user: warnings, the compiler cache, the linker.

find_program(ROLEWISE_CCACHE ccache)
if(ROLEWISE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # Precompiled headers need the first; the others let clones in different folders share the cache.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${ROLEWISE_CCACHE})
endif()

include(CheckLinkerFlag)
set(ROLEWISE_LINKER_FLAG "")
foreach(linker mold lld)
    check_linker_flag(CXX -fuse-ld=${linker} ROLEWISE_HAS_${linker})
    if(ROLEWISE_HAS_${linker})
        set(ROLEWISE_LINKER_FLAG -fuse-ld=${linker})
        break()
    endif()
endforeach()

set(ROLEWISE_TEST_PROCESSORS 2 CACHE STRING "Processors that a slow test takes; 1 where its OMP_NUM_THREADS is 1.")

# Optimizing takes longer than running with less of it: programs of tests and examples run for seconds, and the library that they
# link has the flags of the build.
set(ROLEWISE_EXAMPLE_FLAGS "" CACHE STRING "More compiler flags for the examples and benchmarks.")
separate_arguments(example_flags NATIVE_COMMAND "${ROLEWISE_EXAMPLE_FLAGS}")

# rolewise_own_target(<target> [HEADER_ONLY])
function(rolewise_own_target target)
    if("HEADER_ONLY" IN_LIST ARGN)
        target_link_libraries(${target} PRIVATE rolewise::rolewise)
    else()
        target_link_libraries(${target} PRIVATE rolewise::compiled)
    endif()
    target_link_options(${target} PRIVATE ${ROLEWISE_LINKER_FLAG})
    rolewise_own_warnings(${target})
endfunction()

function(rolewise_own_warnings target)
    target_compile_options(${target} PRIVATE
        -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast
        $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)
endfunction()

# Where a program of <source> includes all of rolewise: that is precompiled once for all such programs. The examples
# without tests and benchmarks are few, and compile as a user's program does.
function(rolewise_precompile target source)
    target_compile_options(${target} PRIVATE ${example_flags})
    file(STRINGS ${source} includes_all REGEX "^#include <rolewise/rolewise.hpp>" LIMIT_COUNT 1)
    if(NOT includes_all OR NOT (ROLEWISE_BUILD_TESTS OR ROLEWISE_BUILD_BENCH))
        return()
    endif()
    if(NOT TARGET rolewise_precompiled)
        file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled.cpp CONTENT "")
        add_library(rolewise_precompiled OBJECT EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/precompiled.cpp)
        rolewise_own_target(rolewise_precompiled)
        target_compile_options(rolewise_precompiled PRIVATE ${example_flags})
        target_precompile_headers(rolewise_precompiled PRIVATE <rolewise/rolewise.hpp>)
    endif()
    target_precompile_headers(${target} REUSE_FROM rolewise_precompiled)
endfunction()

# Writes the flags that ours are compiled with, and <more>, one a line: `c++ @<file> one.cpp`.
function(rolewise_write_compile_flags file)
    if(NOT TARGET rolewise_flags)
        file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/flags.cpp CONTENT "")
        add_library(rolewise_flags OBJECT EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/flags.cpp)
        target_link_libraries(rolewise_flags PRIVATE rolewise::compiled)
    endif()
    separate_arguments(words NATIVE_COMMAND "${CMAKE_CXX_FLAGS} ${CMAKE_CXX20_STANDARD_COMPILE_OPTION}")
    list(APPEND words ${ARGN})
    list(JOIN words "\n" words)
    set(definitions $<TARGET_PROPERTY:rolewise_flags,COMPILE_DEFINITIONS>)
    set(folders $<TARGET_PROPERTY:rolewise_flags,INCLUDE_DIRECTORIES>)
    file(GENERATE OUTPUT ${file} CONTENT "${words}
$<$<BOOL:${definitions}>:-D$<JOIN:${definitions},\n-D>>
-I$<JOIN:${folders},\n-I>
-w
")
endfunction()

rolewise_own_warnings(rolewise_compiled)
