# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What the scripts of this folder share. A script begins with way(<its name>); `folder` is then its own empty folder.
cmake_minimum_required(VERSION 3.25)
include(${SETTINGS})

# The environment says what a user's machine would know by itself.
macro(way name)
    set(folder ${scratch}/${name})
    file(REMOVE_RECURSE ${folder})
    file(MAKE_DIRECTORY ${folder})
    list(JOIN prefixes ":" joined)
    set(ENV{CMAKE_PREFIX_PATH} "${joined}")
    set(ENV{CMAKE_GENERATOR} "${generator}")
    set(ENV{CMAKE_CXX_COMPILER_LAUNCHER} "${launcher}")
    set(ENV{CXX} "${compiler}")
    set(ENV{CXXFLAGS} "${flags}")
endmacro()

# The test is skipped, visibly.
macro(skip why)
    message("this test is skipped: ${why}")
    return()
endmacro()

# run(<command>...): in `folder`; what it wrote is `output`. No word holds a semicolon.
function(run)
    execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${folder} RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
    if(NOT result EQUAL 0)
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "${command}\nended with ${result}:\n${text}")
    endif()
    set(output "${text}" PARENT_SCOPE)
endfunction()

# The sources that a package is made from, so that nothing is written into the repository.
function(copy_sources to)
    foreach(name CMakeLists.txt CMakePresets.json LICENSE README.md conanfile.py pyproject.toml vcpkg.json cmake include packaging
                 test_package tests/laws tests/consumers)
        cmake_path(GET name PARENT_PATH parent)
        file(COPY ${source}/${name} DESTINATION ${to}/${parent})
    endforeach()
endfunction()

# build_consumer(<prefix> <options>...): of the package installed there, and runs it.
function(build_consumer prefix)
    run(${CMAKE_COMMAND} -S ${source}/tests/consumers/package -B consumer -DCMAKE_BUILD_TYPE=None
        "-DCMAKE_PREFIX_PATH=${prefix}" -DROLEWISE_EXPECTED_VERSION=${version} ${ARGN})
    if(output MATCHES "CMake Warning")
        message(FATAL_ERROR "The configuration warns:\n${output}")
    endif()
    run(${CMAKE_COMMAND} --build consumer)
    run(${folder}/consumer/consumer)
    message(STATUS "${output}")
endfunction()

# require_files(<root> <name>...): the names are there, and nothing else is at the top of <root>.
function(require_files root)
    foreach(name IN LISTS ARGN)
        if(NOT EXISTS ${root}/${name})
            file(GLOB_RECURSE found RELATIVE ${root} ${root}/*)
            list(FILTER found EXCLUDE REGEX "include/")
            message(FATAL_ERROR "${root} has no ${name}; beside headers it has\n${found}")
        endif()
        string(REGEX MATCH "^[^/]+" top ${name})
        list(APPEND tops ${top})
    endforeach()
    file(GLOB found RELATIVE ${root} ${root}/*)
    list(REMOVE_ITEM found ${tops})
    if(found)
        message(FATAL_ERROR "${root} has ${found} as well")
    endif()
endfunction()

set(without_programs -DROLEWISE_BUILD_TESTS=OFF -DROLEWISE_BUILD_EXAMPLES=OFF -DROLEWISE_BUILD_BENCH=OFF)
