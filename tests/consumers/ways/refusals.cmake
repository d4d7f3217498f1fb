# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What an installed package says where something is wrong. Packages of LibTorch are played by their config files.
include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)
way(refusals)

run(${CMAKE_COMMAND} -S ${source} -B build ${without_programs})
if(output MATCHES "Looking for|Found |rolewise .* uses")
    message(FATAL_ERROR "Something was looked for although nothing is built:\n${output}")
endif()
run(${CMAKE_COMMAND} --install build --prefix installed)

# expect(<name> <words> <components> <options>...): a configuration says the words.
function(expect name words components)
    file(WRITE ${folder}/${name}/CMakeLists.txt "cmake_minimum_required(VERSION 3.25)\nproject(${name} LANGUAGES CXX)
find_package(rolewise REQUIRED ${components})\n")
    execute_process(COMMAND ${CMAKE_COMMAND} -S ${folder}/${name} -B ${folder}/${name}/build ${ARGN}
                    OUTPUT_VARIABLE text ERROR_VARIABLE text)
    string(REGEX REPLACE "[ \n]+" " " text "${text}")
    if(NOT text MATCHES "${words}")
        message(FATAL_ERROR "${name}: want the words\n${words}\nin\n${text}")
    endif()
endfunction()

set(installed "-DCMAKE_PREFIX_PATH=${folder}/installed")
expect(no_type "Warning.*CMAKE_BUILD_TYPE is empty.*training is 8 times slower" "" ${installed})
expect(no_library "holds headers alone: configure it with -DROLEWISE_BUILD_COMPILED=ON" "COMPONENTS compiled" ${installed})
expect(no_doctest "\"laws\" of rolewise needs doctest" "COMPONENTS laws" ${installed} -DCMAKE_DISABLE_FIND_PACKAGE_doctest=ON)
expect(no_such "rolewise_FOUND to FALSE" "COMPONENTS nonsense" ${installed})
expect(no_torch "rolewise needs LibTorch [0-9.]+ or later. Set CMAKE_PREFIX_PATH" "" ${installed}
       -DCMAKE_DISABLE_FIND_PACKAGE_Torch=ON)

# An older one, and one without oneDNN and OpenMP.
file(WRITE ${folder}/old/Torch/TorchConfig.cmake "add_library(torch INTERFACE IMPORTED)\n")
file(WRITE ${folder}/old/Torch/TorchConfigVersion.cmake "set(PACKAGE_VERSION 2.5.1)
if(PACKAGE_FIND_VERSION VERSION_LESS_EQUAL PACKAGE_VERSION)\n  set(PACKAGE_VERSION_COMPATIBLE TRUE)\nendif()\n")
file(WRITE ${folder}/bare/Torch/TorchConfig.cmake "add_library(torch INTERFACE IMPORTED)
target_include_directories(torch INTERFACE ${folder}/bare/include)\n")
file(WRITE ${folder}/bare/Torch/TorchConfigVersion.cmake "set(PACKAGE_VERSION 2.9.1)\nset(PACKAGE_VERSION_COMPATIBLE TRUE)\n")
file(WRITE ${folder}/bare/include/ATen/Config.h "#define AT_MKLDNN_ENABLED() 0\n#define AT_PARALLEL_OPENMP 0\n")
expect(bare_torch "has no oneDNN.*has no OpenMP: threads_per_trial has no effect" "" ${installed}
       -DTorch_DIR=${folder}/bare/Torch -DCMAKE_BUILD_TYPE=None)
set(ENV{CMAKE_PREFIX_PATH} "${folder}/old")
expect(old_torch "rolewise needs LibTorch [0-9.]+ or later .found 2.5.1 at [^)]*old/Torch" "" ${installed})
message(STATUS "All is said in words")
