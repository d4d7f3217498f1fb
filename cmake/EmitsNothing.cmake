# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# cmake -DNM=<nm> "-DOBJECTS=<files>" -DONLY=<names> -P EmitsNothing.cmake
#
# Passes when the objects, of units that include all of rolewise and use next to nothing, define nothing of it but ONLY:
# what they define else, such as the virtual table of a class whose first virtual member is not inline in the class, is
# compiled in every unit of a header-only program.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${NM} --defined-only --demangle ${OBJECTS} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]*rolewise::[^\n]*" defined "${symbols}")
foreach(name IN LISTS ONLY)
    if(NOT symbols MATCHES " ${name}\n")
        message(FATAL_ERROR "${OBJECTS} should define ${name}, so that this test sees what is defined")
    endif()
    list(FILTER defined EXCLUDE REGEX " ${name}$")
endforeach()
if(defined)
    list(LENGTH defined count)
    list(SUBLIST defined 0 20 shown)
    list(JOIN shown "\n" shown)
    message(FATAL_ERROR "a unit that uses next to nothing defines ${count} names of rolewise:\n${shown}")
endif()
