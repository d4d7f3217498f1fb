# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# rolewise_add_headers_alone(): every header compiles alone, as the only line of a unit, in both forms
# of the library: with the function bodies behind it, and without those, which include more than
# declarations do.
#
# LibTorch takes most of the time of such a unit, so headers that reach one of its costly headers, by
# whatever way, find that precompiled: it declares what they would have included anyway, so nothing
# that they forgot is hidden. The others compile without.

# Sets <out> to whether <header> reaches <wanted> in a form: COMPILED does not reach through function bodies.
function(rolewise_reaches form header wanted out)
    get_property(known GLOBAL PROPERTY "rolewise_reaches_${form}_${header}_${wanted}")
    if(NOT "${known}" STREQUAL "")
        set(${out} ${known} PARENT_SCOPE)
        return()
    endif()
    # A header includes its bodies, and they include it: that ends the recursion.
    set_property(GLOBAL PROPERTY "rolewise_reaches_${form}_${header}_${wanted}" FALSE)
    set(answer FALSE)
    if(header STREQUAL wanted)
        set(answer TRUE)
    elseif(header MATCHES "^rolewise/")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/${header})
        file(STRINGS ${PROJECT_SOURCE_DIR}/include/${header} lines REGEX "^#include <rolewise/")
        foreach(line IN LISTS lines)
            string(REGEX REPLACE "^#include <([^>]+)>.*" "\\1" inner "${line}")
            if(form STREQUAL COMPILED AND inner MATCHES "/implementation/")
                continue()
            endif()
            rolewise_reaches(${form} ${inner} ${wanted} reached)
            if(reached)
                set(answer TRUE)
                break()
            endif()
        endforeach()
    endif()
    set_property(GLOBAL PROPERTY "rolewise_reaches_${form}_${header}_${wanted}" ${answer})
    set(${out} ${answer} PARENT_SCOPE)
endfunction()

# <name>: a library of units in a form, that all begin with the precompiled headers that follow.
function(rolewise_add_alone form name units)
    if(NOT units)
        return()
    endif()
    string(TOLOWER ${name}_${form} target)
    add_library(${target} OBJECT ${units})
    rolewise_own_target(${target} ${form})
    if(ARGN)
        target_precompile_headers(${target} PRIVATE ${ARGN})
    endif()
    # Only whether they compile is asked.
    target_compile_options(${target} PRIVATE -O0 -g0 -fno-sanitize=all)
endfunction()

function(rolewise_add_headers_alone)
    set(tensor rolewise/core/tensor.hpp)
    set(function rolewise/core/autograd_function.hpp)
    foreach(form HEADER_ONLY COMPILED)
        set(plain "")
        set(tensors "")
        set(functions "")
        foreach(path IN LISTS ROLEWISE_HEADERS)
            string(REPLACE "include/" "" header ${path})
            if(header MATCHES "/implementation(/|.hpp$)")  # included by its header, and by a unit of src/
                continue()
            endif()
            string(MAKE_C_IDENTIFIER ${header} unit)
            set(unit ${CMAKE_CURRENT_BINARY_DIR}/alone/${unit}.cpp)
            file(CONFIGURE OUTPUT ${unit} CONTENT "#include <${header}>\n")
            rolewise_reaches(${form} ${header} ${tensor} reaches_tensor)
            rolewise_reaches(${form} ${header} ${function} reaches_function)
            if(reaches_function AND NOT header STREQUAL function)
                list(APPEND functions ${unit})
            elseif(reaches_tensor)
                list(APPEND tensors ${unit})
            else()
                list(APPEND plain ${unit})
            endif()
        endforeach()
        rolewise_add_alone(${form} rolewise_headers_alone "${plain}")
        rolewise_add_alone(${form} rolewise_headers_alone_tensor "${tensors}" <${tensor}>)
        rolewise_add_alone(${form} rolewise_headers_alone_function "${functions}" <${tensor}> <${function}>)
    endforeach()
endfunction()
