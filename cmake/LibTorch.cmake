# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What our own build and an installed package ask of LibTorch. Installed beside rolewise-config.cmake.

set(ROLEWISE_TORCH_FLOOR 2.6)

# rolewise_find_torch(<more arguments of find_package>...)
#
# Sets rolewise_torch to LibTorch's target: `torch` of its own package, `libtorch::libtorch` of Conan's. Without one of the floor
# or later the variable is empty, and rolewise_torch_remark may say what was found instead. A macro, so that the variables of
# LibTorch's package are seen outside.
macro(rolewise_find_torch)
    set(rolewise_torch_remark "")
    foreach(rolewise_package Torch libtorch)
        if(NOT TARGET torch AND NOT TARGET libtorch::libtorch)
            # LibTorch's config warns where this profiler is not beside it; nothing here links it.
            set(rolewise_unset_kineto FALSE)
            if(NOT DEFINED kineto_LIBRARY)
                set(kineto_LIBRARY torch)
                set(rolewise_unset_kineto TRUE)
            endif()
            find_package(${rolewise_package} ${ROLEWISE_TORCH_FLOOR} QUIET ${ARGN})
            if(rolewise_unset_kineto)
                unset(kineto_LIBRARY)
            endif()
            if(NOT ${rolewise_package}_FOUND AND ${rolewise_package}_CONSIDERED_VERSIONS)
                list(JOIN ${rolewise_package}_CONSIDERED_VERSIONS ", " rolewise_torch_remark)
                set(rolewise_torch_remark " (found ${rolewise_torch_remark} at ${${rolewise_package}_CONSIDERED_CONFIGS})")
            endif()
        endif()
    endforeach()
    set(rolewise_torch "")
    foreach(rolewise_target torch libtorch::libtorch)
        if(TARGET ${rolewise_target} AND NOT rolewise_torch)
            set(rolewise_torch ${rolewise_target})
        endif()
    endforeach()
    if(rolewise_torch AND Torch_VERSION AND Torch_VERSION VERSION_LESS ROLEWISE_TORCH_FLOOR)
        set(rolewise_torch_remark " (found ${Torch_VERSION} at ${Torch_DIR})")
        set(rolewise_torch "")
    endif()
endmacro()

# Where the headers of a target lie: the one place that finders of every kind agree on.
function(rolewise_folder_of target out)
    get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(NOT folders)
        get_target_property(next ${target} INTERFACE_LINK_LIBRARIES)
        list(GET next 0 next)
        if(TARGET "${next}")
            get_target_property(folders ${next} INTERFACE_INCLUDE_DIRECTORIES)
        endif()
    endif()
    list(GET folders 0 folder)
    # Conan writes a folder for each build type.
    string(REGEX REPLACE "^\\$<\\$<CONFIG:[^>]*>:(.*)>$" "\\1" folder "${folder}")
    set(${out} "${folder}" PARENT_SCOPE)
endfunction()

# Says once in a configuration what is slower, or without effect, with this LibTorch. Without c10d the header that needs it,
# rolewise/train/distributed/process_group.hpp, says so itself.
function(rolewise_say_what_torch_lacks)
    get_property(is_said GLOBAL PROPERTY ROLEWISE_TORCH_LACKS_SAID)
    if(is_said)
        return()
    endif()
    set_property(GLOBAL PROPERTY ROLEWISE_TORCH_LACKS_SAID TRUE)
    rolewise_folder_of(${rolewise_torch} folder)
    find_file(config ATen/Config.h NO_CACHE NO_DEFAULT_PATH
              PATHS ${folder} ${TORCH_INCLUDE_DIRS} ${Torch_INCLUDE_DIRS} ${libtorch_INCLUDE_DIRS})
    if(NOT config)
        return()
    endif()
    file(READ ${config} config)
    set(parts "")
    if(config MATCHES "AT_MKLDNN_ENABLED\\(\\) 0")
        list(APPEND parts "oneDNN: convolutions are slower, and quantized networks are evaluated by floating-point kernels, with the same results")
    endif()
    if(config MATCHES "AT_PARALLEL_OPENMP 0")
        list(APPEND parts "OpenMP: threads_per_trial has no effect, as all threads of a program share one pool")
    endif()
    foreach(part IN LISTS parts)
        message(STATUS "rolewise: this LibTorch has no ${part}")
    endforeach()
endfunction()

# Nothing else tells a user why training is slow.
function(rolewise_warn_without_build_type)
    get_property(has_several GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
    if(NOT has_several AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CXX_FLAGS MATCHES "-O[1-9sf]|[/]O[12x]")
        message(WARNING "rolewise: CMAKE_BUILD_TYPE is empty. Without optimization training is 8 times slower: "
                        "configure with -DCMAKE_BUILD_TYPE=Release.")
    endif()
endfunction()
