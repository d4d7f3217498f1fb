# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# An archive of sources and a wheel of headers by scikit-build-core, unpacked, and a consumer that finds it by rolewise.cmake_prefix_path.
include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)
way(wheel)

execute_process(COMMAND ${python} -c "import pip, scikit_build_core" ERROR_QUIET RESULT_VARIABLE result)
if(NOT python OR NOT result EQUAL 0)
    skip("this Python lacks pip or scikit-build-core")
endif()
copy_sources(${folder}/rolewise)
set(pip ${python} -m pip --disable-pip-version-check)
set(sdist rolewise-${version}.tar.gz)
set(wheel rolewise-${version}-py3-none-any.whl)
run(${CMAKE_COMMAND} -E chdir rolewise
    ${python} -c "__import__('scikit_build_core.build', fromlist=['build_sdist']).build_sdist('${folder}')")
run(${pip} wheel --no-index --no-deps --no-build-isolation --wheel-dir . ./${sdist})
require_files(${folder} rolewise ${sdist} ${wheel})
run(${pip} install --no-index --no-deps --target site ${wheel})
require_files(${folder}/site rolewise/__init__.py rolewise/include/rolewise/rolewise.hpp rolewise/include/rolewise/laws/doctest.hpp
              rolewise/share/cmake/rolewise/rolewise-config.cmake rolewise-${version}.dist-info/METADATA)
file(READ ${folder}/site/rolewise-${version}.dist-info/METADATA metadata)
if(NOT metadata MATCHES "Requires-Dist: torch>=2")
    message(FATAL_ERROR "The wheel asks for no LibTorch:\n${metadata}")
endif()
run(${CMAKE_COMMAND} -E env PYTHONPATH=${folder}/site ${python} -c "print(__import__('rolewise').cmake_prefix_path, end='')")
build_consumer("${output}")
