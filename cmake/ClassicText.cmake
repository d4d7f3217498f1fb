# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# cmake -DINCLUDE_DIR=<include> -P ClassicText.cmake
#
# Fails where a header makes text of numbers, or numbers of text, in the locale that the program has chosen for its
# users: what is written for machines is in the classic one (support/classic_text.hpp, std::to_chars, std::from_chars).
cmake_minimum_required(VERSION 3.25)
set(wrong "c10::(str|Join)\\(|setlocale|std::sto(d|f|ld)\\(|strto(d|f|ld)\\(|std::format\\(|ostringstream")
# Their streams are given the classic locale.
set(right support/classic_text.hpp support/implementation/classic_text.hpp search/implementation/configuration_text.hpp)

set(found "")
cmake_path(ABSOLUTE_PATH INCLUDE_DIR BASE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
file(GLOB_RECURSE headers RELATIVE ${INCLUDE_DIR}/rolewise ${INCLUDE_DIR}/rolewise/*.hpp)
list(REMOVE_ITEM headers ${right})
foreach(header IN LISTS headers)
    file(STRINGS ${INCLUDE_DIR}/rolewise/${header} lines REGEX "${wrong}")
    foreach(line IN LISTS lines)
        string(STRIP "${line}" line)
        list(APPEND found "${header}: ${line}")
    endforeach()
endforeach()
if(found)
    list(JOIN found "\n  " text)
    message(FATAL_ERROR "text in the program's locale, want detail::classic_text:\n  ${text}")
endif()
list(LENGTH headers count)
if(count EQUAL 0)
    message(FATAL_ERROR "no headers under ${INCLUDE_DIR}/rolewise")
endif()
message(STATUS "no text in another locale in ${count} headers")
