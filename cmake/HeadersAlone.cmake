# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# rolewise_add_headers_alone(): every header compiles alone, as the only line of a unit.
#
# LibTorch takes most of the time of such a unit, so headers that reach core/tensor.hpp, by whatever
# way, find it precompiled: it declares what they would have included anyway, so nothing that they
# forgot is hidden. The others compile without.

# Sets <out> to whether <header> reaches rolewise/core/tensor.hpp.
function(rolewise_reaches_tensor header out)
    get_property(known GLOBAL PROPERTY rolewise_reaches_${header})
    if(NOT "${known}" STREQUAL "")
        set(${out} ${known} PARENT_SCOPE)
        return()
    endif()
    set(answer FALSE)
    if(header STREQUAL "rolewise/core/tensor.hpp")
        set(answer TRUE)
    else()
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/${header})
        file(STRINGS ${PROJECT_SOURCE_DIR}/include/${header} lines REGEX "^#include <rolewise/")
        list(FILTER lines EXCLUDE REGEX "/implementation/")  # a header includes its bodies, and they include it
        foreach(line IN LISTS lines)
            string(REGEX REPLACE "^#include <([^>]+)>.*" "\\1" inner "${line}")
            rolewise_reaches_tensor(${inner} reached)
            if(reached)
                set(answer TRUE)
                break()
            endif()
        endforeach()
    endif()
    set_property(GLOBAL PROPERTY rolewise_reaches_${header} ${answer})
    set(${out} ${answer} PARENT_SCOPE)
endfunction()

function(rolewise_add_headers_alone)
    set(units "")
    foreach(path IN LISTS ROLEWISE_HEADERS)
        string(REPLACE "include/" "" header ${path})
        string(MAKE_C_IDENTIFIER ${header} unit)
        set(unit ${CMAKE_CURRENT_BINARY_DIR}/alone/${unit}.cpp)
        file(CONFIGURE OUTPUT ${unit} CONTENT "#include <${header}>\n")
        rolewise_reaches_tensor(${header} reached)
        if(NOT reached)
            set_source_files_properties(${unit} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
        endif()
        list(APPEND units ${unit})
    endforeach()
    add_library(rolewise_headers_alone OBJECT ${units})
    rolewise_own_target(rolewise_headers_alone)
    target_precompile_headers(rolewise_headers_alone PRIVATE <rolewise/core/tensor.hpp>)
    # Only whether they compile is asked.
    target_compile_options(rolewise_headers_alone PRIVATE -O0)
endfunction()
