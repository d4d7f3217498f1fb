# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# cmake -DSOURCE=<file> -DCOMPILER=<path> -DFLAGS=<response file> [-DPRECOMPILED=<header>] -P CompileFail.cmake
#
# Passes when the compiler refuses SOURCE in words that match each of its lines "// expect: <regex>". It begins with the
# header PRECOMPILED where that is precompiled: <header>.pch by clang, <header>.gch by g++, with the same FLAGS.
cmake_minimum_required(VERSION 3.25)
file(STRINGS ${SOURCE} expectations REGEX "^// expect: .")
if(NOT expectations)
    message(FATAL_ERROR "${SOURCE}: no line is '// expect: <regex>'")
endif()
set(first "")
if(EXISTS "${PRECOMPILED}.pch")
    set(first -include-pch ${PRECOMPILED}.pch)
elseif(EXISTS "${PRECOMPILED}.gch")
    set(first -include ${PRECOMPILED})
endif()
execute_process(COMMAND ${COMPILER} @${FLAGS} ${first} -fsyntax-only ${SOURCE}
                RESULT_VARIABLE result OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(result EQUAL 0)
    message(FATAL_ERROR "${SOURCE} compiles, but must not")
endif()
foreach(expect IN LISTS expectations)
    string(REGEX REPLACE "^// expect: " "" regex "${expect}")
    if(NOT said MATCHES "${regex}")
        message(FATAL_ERROR "${SOURCE} is refused, but not in words that match '${regex}':\n${said}")
    endif()
endforeach()
