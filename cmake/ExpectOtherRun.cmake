# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# cmake -DPROGRAM=<path> -DJOB=<folder> -DMEMBER=<name> -DVALUE=<json> -DEXPECT=<regex> -P ExpectOtherRun.cmake
#
# Passes when the main job refuses, with status 2 and words that match EXPECT, to go on in a copy of a finished job in
# whose job.json a member was given another value: its runs were made with the old one.
cmake_minimum_required(VERSION 3.25)
set(edited ${JOB}-other-${MEMBER})
file(REMOVE_RECURSE ${edited})
file(COPY ${JOB}/ DESTINATION ${edited})
file(READ ${edited}/job.json job)
string(JSON job SET "${job}" ${MEMBER} "${VALUE}")
file(WRITE ${edited}/job.json "${job}")
execute_process(COMMAND ${PROGRAM} --resume ${edited} RESULT_VARIABLE result OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(NOT result EQUAL 2)
    message(FATAL_ERROR "status ${result}, want 2; it said:\n${said}")
endif()
if(NOT said MATCHES "${EXPECT}")
    message(FATAL_ERROR "want words that match '${EXPECT}', it said:\n${said}")
endif()
