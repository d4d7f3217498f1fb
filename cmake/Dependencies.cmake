# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What the library, its tests and its examples need: found; else, with ROLEWISE_FETCH_DEPENDENCIES,
# fetched (Fetch.cmake); else named. rolewise_print_dependencies() ends the configuration with one
# table, or with one message about all that is missing.

set(ROLEWISE_DEPENDENCY_FOLDER ${PROJECT_SOURCE_DIR}/build/deps CACHE PATH
    "Where fetched libraries are kept; all presets share it.")
set(ROLEWISE_TORCH_INDEX "" CACHE STRING "Package index with the CPU build of LibTorch (Python package 'torch').")
set(ROLEWISE_TORCH_FETCHED 2.13.0)

# What an enclosing project links to rolewise has to see these targets too.
if(NOT PROJECT_IS_TOP_LEVEL)
    set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
endif()

include(${CMAKE_CURRENT_LIST_DIR}/Fetch.cmake)
foreach(list ROWS MISSING APT DNF BREW VCPKG CONAN)
    set_property(GLOBAL PROPERTY ROLEWISE_DEPENDENCY_${list} "")
endforeach()

function(rolewise_note_found name version where)
    string(SUBSTRING "${name}              " 0 14 name)
    string(SUBSTRING "${version}            " 0 12 version)
    set_property(GLOBAL APPEND PROPERTY ROLEWISE_DEPENDENCY_ROWS "${name} ${version} ${where}")
endfunction()

# rolewise_need(<package> <target> [VERSION <floor>] [DEBIAN <package>...] [ARCHIVE <url> <sha256> <include folder>]
#               APT <name> DNF <name> BREW <name> VCPKG <name> CONAN <name>)
#
# DEBIAN: the first package of the list that apt knows is unpacked. ARCHIVE: for libraries of headers alone.
function(rolewise_need package target)
    cmake_parse_arguments(PARSE_ARGV 2 need "" "VERSION;APT;DNF;BREW;VCPKG;CONAN" "DEBIAN;ARCHIVE")
    set(version "")
    if(NOT TARGET ${target})
        find_package(${package} ${need_VERSION} QUIET)
        if(NOT TARGET ${target} AND ROLEWISE_FETCH_DEPENDENCIES AND need_DEBIAN)
            rolewise_unpack_debian(root ${need_DEBIAN})
            if(root)
                list(PREPEND CMAKE_PREFIX_PATH ${root})
                set(CMAKE_FIND_LIBRARY_SUFFIXES .a)  # a shared library's link may point out of the folder
                find_package(${package} ${need_VERSION} QUIET)
            endif()
        endif()
        if(NOT TARGET ${target} AND ROLEWISE_FETCH_DEPENDENCIES AND need_ARCHIVE)
            rolewise_fetch_headers(${target} version ${need_ARCHIVE})
        endif()
        string(APPEND version "${${package}_VERSION}${${package}_VERSION_STRING}")
    endif()
    if(TARGET ${target})
        rolewise_mend_debian(${target} "${${package}_DIR}")
        rolewise_folder_of(${target} folder)
        rolewise_note_found(${package} "${version}" "${folder}")
        return()
    endif()
    string(STRIP "${package} ${need_VERSION}" wanted)
    set_property(GLOBAL APPEND PROPERTY ROLEWISE_DEPENDENCY_MISSING "${wanted}")
    foreach(system APT DNF BREW VCPKG CONAN)
        set_property(GLOBAL APPEND PROPERTY ROLEWISE_DEPENDENCY_${system} ${need_${system}})
    endforeach()
endfunction()

# LibTorch: Torch_DIR or CMAKE_PREFIX_PATH; the active Python's; fetched.
function(rolewise_need_torch)
    rolewise_find_torch()
    set(found ${rolewise_torch_remark})
    set(remark "")
    if(NOT rolewise_torch)
        rolewise_find_python_torch(folder remark)
        if(folder)
            rolewise_find_torch(PATHS ${folder} NO_DEFAULT_PATH)
        endif()
    endif()
    if(NOT rolewise_torch AND ROLEWISE_FETCH_DEPENDENCIES)
        rolewise_fetch_torch(folder remark)
        if(folder)
            rolewise_find_torch(PATHS ${folder} NO_DEFAULT_PATH)
        endif()
    endif()
    set(rolewise_torch ${rolewise_torch} PARENT_SCOPE)
    if(rolewise_torch)
        rolewise_folder_of(${rolewise_torch} folder)
        rolewise_note_found(LibTorch "${Torch_VERSION}" "${folder}")
    else()
        set_property(GLOBAL APPEND PROPERTY ROLEWISE_DEPENDENCY_MISSING
                     "LibTorch ${ROLEWISE_TORCH_FLOOR} or later${found}${remark}")
    endif()
endfunction()

function(rolewise_print_dependencies)
    foreach(list ROWS MISSING APT DNF BREW VCPKG CONAN)
        get_property(${list} GLOBAL PROPERTY ROLEWISE_DEPENDENCY_${list})
    endforeach()
    if(NOT MISSING)
        list(JOIN ROWS "\n--   " text)
        message(STATUS "rolewise ${PROJECT_VERSION} uses\n--   ${text}")
        return()
    endif()
    list(JOIN MISSING "\n    " text)
    set(text "rolewise needs what was not found:\n    ${text}\n")
    if(APT)
        list(TRANSFORM CONAN REPLACE "(.+)" "'--requires=\\1'")
        foreach(list APT DNF BREW VCPKG CONAN)
            list(REMOVE_DUPLICATES ${list})
            list(JOIN ${list} " " ${list})
        endforeach()
        string(APPEND text "\n"
            "    Debian, Ubuntu:  apt install ${APT}\n"
            "    Fedora:          dnf install ${DNF}\n"
            "    macOS:           brew install ${BREW}\n"
            "    vcpkg:           vcpkg install ${VCPKG}\n"
            "    Conan:           conan install ${CONAN} -g CMakeDeps\n")
    endif()
    if(MISSING MATCHES "LibTorch")
        string(APPEND text "\n"
            "    LibTorch, on every system: `pip install torch==${ROLEWISE_TORCH_FETCHED}` in the active Python (on Linux from the\n"
            "    index of CPU builds that pytorch.org names, unless CUDA is wanted), or unpack pytorch.org's LibTorch\n"
            "    and set CMAKE_PREFIX_PATH to its folder.\n")
    endif()
    if(NOT ROLEWISE_FETCH_DEPENDENCIES)
        string(APPEND text "\n    -DROLEWISE_FETCH_DEPENDENCIES=ON fetches what can be had into ${ROLEWISE_DEPENDENCY_FOLDER}.\n")
    endif()
    message(FATAL_ERROR "${text}")
endfunction()

find_package(Threads REQUIRED)
rolewise_need_torch()
rolewise_need(range-v3 range-v3::range-v3 DEBIAN librange-v3-dev
    ARCHIVE https://github.com/ericniebler/range-v3/archive/refs/tags/0.12.0.tar.gz
            015adb2300a98edfceaf0725beec3337f542af4915cec4d0b89fa0886f4ba9cb include
    APT librange-v3-dev DNF range-v3-devel BREW range-v3 VCPKG range-v3 CONAN range-v3/0.12.0)
rolewise_need(ZLIB ZLIB::ZLIB DEBIAN zlib1g-dev
    APT zlib1g-dev DNF zlib-devel BREW zlib VCPKG zlib CONAN "zlib/[>=1.2.11 <2]")
rolewise_need(PNG PNG::PNG DEBIAN libpng-dev
    APT libpng-dev DNF libpng-devel BREW libpng VCPKG libpng CONAN "libpng/[>=1.6 <2]")
rolewise_need(JPEG JPEG::JPEG DEBIAN libjpeg62-turbo-dev libjpeg-turbo8-dev
    APT libjpeg-dev DNF libjpeg-turbo-devel BREW jpeg-turbo VCPKG libjpeg-turbo CONAN "libjpeg-turbo/[>=2.1 <4]")
if(ROLEWISE_BUILD_TESTS)
    rolewise_need(doctest doctest::doctest DEBIAN doctest-dev
        ARCHIVE https://github.com/doctest/doctest/archive/refs/tags/v2.4.11.tar.gz
                632ed2c05a7f53fa961381497bf8069093f0d6628c5f26286161fbd32a560186 .
        APT doctest-dev DNF doctest-devel BREW doctest VCPKG doctest CONAN doctest/2.4.11)
endif()
if(ROLEWISE_BUILD_TESTS OR ROLEWISE_BUILD_EXAMPLES OR ROLEWISE_BUILD_BENCH)
    rolewise_need(nlohmann_json nlohmann_json::nlohmann_json VERSION 3.11 DEBIAN nlohmann-json3-dev
        ARCHIVE https://github.com/nlohmann/json/archive/refs/tags/v3.11.3.tar.gz
                0d8ef5af7f9794e3263480193c491549b2ba6cc74bb018906202ada498a79406 single_include
        APT nlohmann-json3-dev DNF json-devel BREW nlohmann-json VCPKG nlohmann-json CONAN nlohmann_json/3.11.3)
endif()
if(ROLEWISE_BUILD_EXAMPLES)
    rolewise_need(CLI11 CLI11::CLI11 DEBIAN libcli11-dev
        ARCHIVE https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.3.2.tar.gz
                aac0ab42108131ac5d3344a9db0fdf25c4db652296641955720a4fbe52334e22 include
        APT libcli11-dev DNF cli11-devel BREW cli11 VCPKG cli11 CONAN cli11/2.3.2)
endif()
get_property(missing GLOBAL PROPERTY ROLEWISE_DEPENDENCY_MISSING)
if(missing)
    rolewise_print_dependencies()
endif()
