# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# cmake -DPROGRAM=<path> -DARGUMENTS=<list> -DEXPECT=<regex> -DFOLDER=<folder> -P ExpectRefusal.cmake
#
# Passes when the program ends with status 2 and words that match EXPECT, in a fresh folder where
# broken/train-images-idx3-ubyte is a file of the wrong magic and occupied/ holds a job.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER}/broken ${FOLDER}/occupied ${FOLDER}/spoiled)
file(WRITE ${FOLDER}/broken/train-images-idx3-ubyte "this is no IDX file")
foreach(name train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte)
    file(WRITE ${FOLDER}/broken/${name} "nor is this")
endforeach()
file(WRITE ${FOLDER}/occupied/job.json "{}")
file(WRITE ${FOLDER}/spoiled/job.json "{\"epochs\": ")
execute_process(COMMAND ${PROGRAM} ${ARGUMENTS} WORKING_DIRECTORY ${FOLDER}
                RESULT_VARIABLE result OUTPUT_VARIABLE said ERROR_VARIABLE said TIMEOUT 60)
if(NOT result EQUAL 2)
    message(FATAL_ERROR "status ${result}, want 2; it said:\n${said}")
endif()
if(NOT said MATCHES "${EXPECT}")
    message(FATAL_ERROR "want words that match '${EXPECT}', it said:\n${said}")
endif()
