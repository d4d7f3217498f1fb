# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# cmake -DFIRST=<program> -DSECOND=<program> -P SameOutput.cmake
#
# Passes when both programs succeed and write the same, and something, to standard output.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${FIRST} OUTPUT_VARIABLE first COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${SECOND} OUTPUT_VARIABLE second COMMAND_ERROR_IS_FATAL ANY)
if(first STREQUAL "" OR NOT first STREQUAL second)
    message(FATAL_ERROR "${FIRST} writes\n${first}\n${SECOND} writes\n${second}")
endif()
