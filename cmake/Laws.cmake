# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# rolewise::laws, the tests of tests/laws as <rolewise/laws/...>, for parts of a user. Who links it in a tree of sources finds
# doctest first.
file(GLOB laws CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/laws/*.hpp)
add_library(rolewise_laws INTERFACE)
add_library(rolewise::laws ALIAS rolewise_laws)
set_target_properties(rolewise_laws PROPERTIES EXPORT_NAME laws)
target_link_libraries(rolewise_laws INTERFACE rolewise doctest::doctest)
# In a tree of sources these headers lie elsewhere than in an installed package.
foreach(law IN LISTS laws)
    cmake_path(GET law FILENAME name)
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/laws/rolewise/laws/${name} CONTENT "#include \"@law@\"\n" @ONLY)
endforeach()
target_include_directories(rolewise_laws INTERFACE $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/laws>)
