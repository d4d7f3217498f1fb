# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The Conan recipe and its test package, in two ways: with LibTorch and the others from the system, by [platform_requires]; and
# with recipes that give the libraries of this machine the names of Conan Center (stub/), which checks the targets alone.
include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)
way(conan)

if(NOT conan)
    skip("there is no conan")
endif()
copy_sources(${folder}/rolewise)
set(ENV{CONAN_HOME} ${folder}/home)
run(${conan} profile detect)
run(${conan} remote disable "*")  # what is needed is here

file(WRITE ${folder}/platform "include(default)
[settings]
compiler.cppstd=20
build_type=Debug
[platform_requires]
libtorch/2.13.0
range-v3/0.12.0
zlib/1.2.13
libpng/1.6.39
libjpeg-turbo/2.1.5
[conf]
tools.cmake.cmaketoolchain:generator=${generator}
")
run(${conan} create rolewise -pr:a platform)
if(NOT output MATCHES "rolewise ${version}: accuracy ")
    message(FATAL_ERROR "The program of the test package did not run:\n${output}")
endif()
message(STATUS "With [platform_requires]: done")

# The same with packages in Conan's cache.
file(READ ${folder}/platform profile)
string(REGEX REPLACE "\\[platform_requires\\].*\\[conf\\]" "[conf]" profile "${profile}")
file(WRITE ${folder}/stubs "${profile}")
cmake_path(SET torch NORMALIZE ${torch_folder}/../../..)
set(unpacked "")
foreach(prefix IN LISTS prefixes)
    if(prefix MATCHES "/debian/usr$")
        set(unpacked ${prefix})
    endif()
endforeach()
# export_stub(<name> <version> <include folders> <folders of libraries>)
function(export_stub name number include lib)
    foreach(list include lib)
        list(TRANSFORM ${list} REPLACE "(.+)" "\"\\1\"")
        list(JOIN ${list} ", " ${list})
    endforeach()
    file(COPY ${source}/tests/consumers/stub/ DESTINATION ${folder}/${name})
    file(WRITE ${folder}/${name}/stub.json "{\"include\": [${include}], \"lib\": [${lib}]}\n")
    run(${conan} export ${name} --name=${name} --version=${number})
endfunction()
export_stub(libtorch 2.9.1 "${torch}/include;${torch}/include/torch/csrc/api/include" "${torch}/lib")
foreach(package range-v3,0.12.0 zlib,1.3.2 libpng,1.6.58 libjpeg-turbo,3.1.0)
    string(REPLACE "," ";" package ${package})
    list(GET package 0 name)
    list(GET package 1 number)
    if(unpacked)
        file(GLOB lib LIST_DIRECTORIES TRUE ${unpacked}/lib/*-linux-*)
        export_stub(${name} ${number} "${unpacked}/include" "${lib}")
    else()
        export_stub(${name} ${number} "" "")
    endif()
endforeach()
run(${conan} create rolewise -pr:a stubs --build=missing)
if(NOT output MATCHES "rolewise ${version}: accuracy ")
    message(FATAL_ERROR "The program of the test package did not run:\n${output}")
endif()
message(STATUS "With libtorch::libtorch: done")
