# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# rolewise::compiled, a static library of the function bodies: who links it compiles declarations alone.
file(GLOB bodies CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*.cpp)
add_library(rolewise_compiled STATIC ${bodies})
add_library(rolewise::compiled ALIAS rolewise_compiled)
target_link_libraries(rolewise_compiled PUBLIC rolewise)
target_compile_definitions(rolewise_compiled PUBLIC ROLEWISE_SEPARATE_COMPILATION)
set_target_properties(rolewise_compiled PROPERTIES EXPORT_NAME compiled POSITION_INDEPENDENT_CODE ON
                                                   OUTPUT_NAME rolewise)
if(NOT ROLEWISE_BUILD_COMPILED)
    set_target_properties(rolewise_compiled PROPERTIES EXCLUDE_FROM_ALL ON)
endif()
