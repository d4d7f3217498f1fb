# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# cmake [-DWRITE=ON] -P HeaderList.cmake
#
# Fails when a header on the disk is not listed in headers.cmake, or a listed one is not there.
# With WRITE, writes the list anew.
cmake_minimum_required(VERSION 3.25)
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH source)
file(GLOB_RECURSE headers RELATIVE ${source} ${source}/include/rolewise/*.hpp)
list(SORT headers)
if(WRITE)
    list(JOIN headers "\n    " text)
    file(WRITE ${CMAKE_CURRENT_LIST_DIR}/headers.cmake
         "# Every header of the library; `cmake -DWRITE=ON -P cmake/HeaderList.cmake` writes this file.\n"
         "set(ROLEWISE_HEADERS\n    ${text})\n")
endif()
include(${CMAKE_CURRENT_LIST_DIR}/headers.cmake)
set(unlisted ${headers})
list(REMOVE_ITEM unlisted ${ROLEWISE_HEADERS})
set(absent ${ROLEWISE_HEADERS})
list(REMOVE_ITEM absent ${headers})
if(unlisted OR absent)
    message(FATAL_ERROR "cmake/headers.cmake\n  does not list: ${unlisted}\n  lists what is not there: ${absent}\n"
                        "`cmake -DWRITE=ON -P cmake/HeaderList.cmake` writes it anew")
endif()
