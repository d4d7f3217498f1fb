# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# rolewise_add_headers_alone(): every header compiles alone, as the only line of a unit, in both forms
# of the library: with the function bodies behind it, and without those, which include more than
# declarations do.
#
# Such a unit spends its time on what the header includes, LibTorch above all. So a header that
# reaches one of some costly headers, by whatever way, finds that precompiled: it declares what the
# header would have included anyway, so nothing that it forgot is hidden. The costly header must not
# reach it in turn, or the unit would be empty. The others compile without.

# In the order in which they are tried. Chosen by the lines that their units do not parse again.
set(rolewise_precompiled_HEADER_ONLY
    train/detail/search_run network/convolution agent/detail/planned_view quant/fusible_steps data/dataset loss/loss_function
    search/space core/batch core/autograd_function core/tensor support/error)
set(rolewise_precompiled_COMPILED
    train/detail/search_run network/convolution train/callback data/dataset loss/loss_function core/outputs core/draws
    core/tensor support/error)

# Global properties rolewise_includes_<header> and rolewise_includers_<header>, of all headers.
function(rolewise_read_includes)
    foreach(path IN LISTS ROLEWISE_HEADERS)
        string(REPLACE "include/" "" header ${path})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${path})
        file(STRINGS ${PROJECT_SOURCE_DIR}/${path} lines REGEX "^#include <rolewise/")
        foreach(line IN LISTS lines)
            string(REGEX REPLACE "^#include <([^>]+)>.*" "\\1" inner "${line}")
            set_property(GLOBAL APPEND PROPERTY rolewise_includes_${header} ${inner})
            set_property(GLOBAL APPEND PROPERTY rolewise_includers_${inner} ${header})
        endforeach()
    endforeach()
endfunction()

# Sets <prefix><header> for all headers that <start> reaches over <edges>, and <start>: what it includes (includes), or what
# includes it (includers). COMPILED does not reach through function bodies.
function(rolewise_reached form edges start prefix)
    set(pending ${start})
    while(pending)
        list(POP_BACK pending header)
        if(DEFINED ${prefix}${header} OR (form STREQUAL COMPILED AND header MATCHES "/implementation/"))
            continue()
        endif()
        set(${prefix}${header} TRUE)
        set(${prefix}${header} TRUE PARENT_SCOPE)
        get_property(next GLOBAL PROPERTY rolewise_${edges}_${header})
        list(APPEND pending ${next})
    endwhile()
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
    rolewise_read_includes()
    foreach(form HEADER_ONLY COMPILED)
        set(left "")
        foreach(path IN LISTS ROLEWISE_HEADERS)
            string(REPLACE "include/" "" header ${path})
            if(header MATCHES "/implementation(/|.hpp$)")  # included by its header, and by a unit of src/
                continue()
            endif()
            string(MAKE_C_IDENTIFIER ${header} unit)
            file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/alone/${unit}.cpp CONTENT "#include <${header}>\n")
            list(APPEND left ${header})
        endforeach()
        foreach(precompiled IN LISTS rolewise_precompiled_${form} ITEMS "")
            string(MAKE_C_IDENTIFIER "${precompiled}" name)
            set(header rolewise/${precompiled}.hpp)
            if(precompiled)
                rolewise_reached(${form} includes ${header} ${form}_${name}_includes_)
                rolewise_reached(${form} includers ${header} ${form}_${name}_includers_)
            endif()
            set(units "")
            set(others "")
            foreach(each IN LISTS left)
                if(NOT precompiled OR (${form}_${name}_includers_${each} AND NOT ${form}_${name}_includes_${each}))
                    string(MAKE_C_IDENTIFIER ${each} unit)
                    list(APPEND units ${CMAKE_CURRENT_BINARY_DIR}/alone/${unit}.cpp)
                else()
                    list(APPEND others ${each})
                endif()
            endforeach()
            set(left "${others}")
            if(precompiled)
                rolewise_add_alone(${form} rolewise_headers_alone_${name} "${units}" <${header}>)
            else()
                rolewise_add_alone(${form} rolewise_headers_alone "${units}")
            endif()
        endforeach()
    endforeach()
endfunction()
