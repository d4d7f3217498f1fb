# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The README's section "In your project", word by word: its CMakeLists.txt, its commands, and its first program as main.cpp,
# of fewer epochs (another test trains them all).
include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)
way(readme)

if(NOT python)
    skip("there is no python3, whose LibTorch the README uses")
endif()
execute_process(COMMAND python3 -c "import torch; print(torch.utils.cmake_prefix_path, end='')" OUTPUT_VARIABLE torch
                ERROR_QUIET RESULT_VARIABLE result)
if(NOT result EQUAL 0 OR NOT torch_folder STREQUAL "${torch}/Torch")
    skip("the LibTorch that is tested is not that of `python3 -c 'import torch'`")
endif()

# The first block of a language in a text.
function(block_of text language out)
    string(FIND "${text}" "```${language}\n" begin)
    if(begin EQUAL -1)
        message(FATAL_ERROR "README.md: no block of ${language} where one was looked for")
    endif()
    string(LENGTH "```${language}\n" length)
    math(EXPR begin "${begin} + ${length}")
    string(SUBSTRING "${text}" ${begin} -1 text)
    string(FIND "${text}" "```" length)
    string(SUBSTRING "${text}" 0 ${length} text)
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

file(READ ${source}/README.md text)
block_of("${text}" cpp program)
string(REGEX REPLACE "epochs = [0-9]+" "epochs = 1" program "${program}")
string(FIND "${text}" "\n## In your project\n" begin)
string(SUBSTRING "${text}" ${begin} -1 text)
block_of("${text}" cmake lists)
block_of("${text}" sh commands)

copy_sources(${folder}/rolewise)
file(WRITE ${folder}/main.cpp "${program}")
file(WRITE ${folder}/CMakeLists.txt "${lists}")
file(WRITE ${folder}/commands.sh "${commands}")
run(sh -e commands.sh)
if(output MATCHES "CMake Warning" OR NOT output MATCHES "accuracy of the 2-bit student: ")
    message(FATAL_ERROR "The README's commands warn, or do not train:\n${output}")
endif()
